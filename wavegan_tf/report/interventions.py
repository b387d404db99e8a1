"""Write and read interventions.csv and maps.csv, from the files of a run."""

import math
from pathlib import Path

import numpy as np

from wavegan_tf.analysis.causes.interventions import judge, shares
from wavegan_tf.analysis.causes.outputs import DISTANCES, MEASURES
from wavegan_tf.analysis.measures import UNITS
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.report.reading import distinct, measure_title, read_rows, within_sentence
from wavegan_tf.report.tables import read_json, read_npz, stream_csv, write_csv

VOICED_MEASURES = ("f0", "intensity", "f1", "f2")
"""Measured by Praat, as means over an output's voiced intervals."""

COUNTS = {"n_voiced": "1", "frication": "1"}
"""Number of voiced intervals; whether there is frication (the mean: the share of outputs)."""

SCALED = tuple(f"{measure}_scaled" for measure in DISTANCES)
"""Distances in levels.csv that an untouched output reaches at its best gain."""

COLUMNS = (
    "layer", "patch", "maps", "start_s", "end_s", "measure", "unit", "from_mean", "to_mean",
    "patched_mean", "effect", "p", "p_holm", "change", "change_lower", "change_upper", "share",
    "lower", "upper", "scaled", "beyond", "beyond_lower", "beyond_upper", "control",
    "control_lower", "control_upper", "specific", "specific_lower", "specific_upper", "n_bases",
    "verdict",
)  # fmt: skip
MAP_COLUMNS = (
    "layer", "map", "measure", "share", "lower", "upper", "rank", "cumulative_share",
    "cumulative_lower", "cumulative_upper", "scaled", "n_bases",
)  # fmt: skip
SEED = 0
"""Of the resampling: one for all runs, so that the same tables give the same numbers."""


def title_of(measure: str, config: dict) -> str:
    """What figures and summary call a measure: ``Level``, ``Level above 1500 Hz``."""
    if measure == "high":
        return f"Level above {config['annotation']['frication_above_hz']:g} Hz"
    return measure_title(measure)


def in_words(measure: str, config: dict) -> str:
    """Its title inside a sentence: ``level above 1500 Hz``, but ``F2``."""
    return within_sentence(title_of(measure, config))


def write_tables(out_dir: str | Path) -> None:
    """Write interventions.csv and, of a scan, maps.csv.

    Args:
        out_dir: a run of the tool intervene: config.json, levels.csv, outputs.csv, intervals.csv
            and, of a scan, scan.npz.
    """
    out_dir = Path(out_dir)
    config = read_json(out_dir / "config.json")
    settings = StatisticsSettings(**config["statistics"])
    values = read_values(out_dir, config)
    units = MEASURES | COUNTS | {m: UNITS[m] for m in VOICED_MEASURES}
    other, cells = config["by"] == "other", config["cells"]
    judged = judge([_sides(config, cell, values) for cell in cells], other, SEED, settings)
    rows = []
    for cell, found in zip(cells, judged, strict=True):
        about = {"layer": cell["layer"], "patch": cell["patch"]}
        about["maps"] = ",".join(map(str, cell["maps"]))
        about |= {k: math.nan if cell[k] is None else cell[k] for k in ("start_s", "end_s")}
        rows += [about | row | {"unit": units[row["measure"]]} for row in found]
    write_csv(out_dir / "interventions.csv", COLUMNS, rows)
    if config["scan"]:
        write_csv(out_dir / "maps.csv", MAP_COLUMNS, _map_rows(out_dir, config, settings))


def _sides(config, cell, values):
    """What an intervention is judged by: by measure [5, bases]."""
    other, conditions = config["by"] == "other", config["conditions"]
    nothing = np.full(config["n_bases"], math.nan)
    patched = conditions.index(cell["name"])
    control = conditions.index(cell["control"]) if cell["control"] else None
    found = {}
    for measure in (*MEASURES, *COUNTS, *VOICED_MEASURES):
        x = values[measure]
        scaled = values[f"{measure}_scaled"][:, patched] if measure in DISTANCES else nothing
        sides = (
            x[:, 0], _end(measure, values, other), x[:, patched],
            nothing if control is None else x[:, control], scaled,
        )  # fmt: skip
        found[measure] = np.stack(sides)
    return found


def _end(measure, values, other):
    """The other end; without one, of the waveform the power of the untouched output."""
    if other:
        return values[measure][:, 1]
    if measure == "waveform":
        return 10 ** (values["rms"][:, 0] / 10)
    return np.full(len(values[measure]), math.nan)


def read_values(out_dir: Path, config: dict) -> dict[str, np.ndarray]:
    """Read every measure of every output.

    Returns:
        By measure ``[bases, conditions]``, NaN where an output has none: as a mean over its voiced
        intervals and channels. :data:`SCALED` are of ``from`` and of
        the interventions, and NaN elsewhere.
    """
    shape = (config["n_bases"], len(config["conditions"]))
    values = {m: np.full(shape, math.nan) for m in (*MEASURES, *SCALED)}
    for i, measure, value in stream_csv(out_dir / "levels.csv", ("id", "measure", "value")):
        values[measure].flat[int(i)] = float(value)
    sums = {m: np.zeros((2, *shape)) for m in (*COUNTS, *VOICED_MEASURES)}  # sum, number
    columns = ("id", "n_voiced", "n_frication", "measured")
    for i, n_voiced, n_frication, measured in stream_csv(out_dir / "outputs.csv", columns):
        if measured == "1":
            _add(sums["n_voiced"], i, float(n_voiced))
            _add(sums["frication"], i, float(int(n_frication) > 0))
    columns = ("id", "label", "measure", "value")
    for i, label, measure, value in stream_csv(out_dir / "intervals.csv", columns):
        if label == "voiced" and measure in VOICED_MEASURES and math.isfinite(float(value)):
            _add(sums[measure], i, float(value))
    with np.errstate(invalid="ignore"):
        return values | {m: total / n for m, (total, n) in sums.items()}


def _add(sums, i, value):
    sums[0].flat[int(i)] += value
    sums[1].flat[int(i)] += 1


def _map_rows(out_dir, config, settings):
    """Rows of maps.csv, in order of layer and map."""
    arrays, rows, measure = read_npz(out_dir / "scan.npz"), [], config["scan"]
    scaled = None
    if measure in DISTANCES and config["by"] == "other":
        scaled = read_values(out_dir, config)[f"{measure}_scaled"][:, 0]
    for layer in config["patched_layers"]:
        start, end, single, order, cumulative = (
            arrays[f"{layer['name']}/{name}"]
            for name in ("from", "to", "single", "order", "cumulative")
        )
        alone = shares(start, end, single, SEED, settings)
        together = shares(start, end, cumulative, SEED, settings)
        reached = math.nan
        if scaled is not None:
            reached = float(shares(start, end, scaled[np.newaxis], SEED, settings)[0][0])
        rank = np.argsort(order)  # of each map, from 0
        for k in range(len(single)):
            numbers = [float(x[k]) for x in alone] + [float(x[rank[k]]) for x in together]
            share, lower, upper, *cumulated = numbers
            rows.append(
                dict(zip(
                    MAP_COLUMNS,
                    (layer["name"], k + 1, measure, share, lower, upper, int(rank[k]) + 1,
                     *cumulated, reached, len(start)),
                    strict=True,
                ))
            )  # fmt: skip
    return rows


def read_interventions(out_dir: str | Path) -> list[dict]:
    """Read interventions.csv."""
    return read_rows(
        Path(out_dir) / "interventions.csv",
        "layer patch maps measure unit verdict",
        "start_s end_s from_mean to_mean patched_mean effect change change_lower change_upper "
        "share lower upper scaled beyond beyond_lower beyond_upper control control_lower "
        "control_upper specific specific_lower specific_upper n_bases",
    )


def read_maps(out_dir: str | Path) -> list[dict]:
    """Read maps.csv; no rows where there was no scan."""
    return read_rows(
        Path(out_dir) / "maps.csv",
        "layer measure",
        "map share lower upper rank cumulative_share cumulative_lower cumulative_upper scaled "
        "n_bases",
    )


def part_title(row: dict) -> str:
    """What was replaced: ``gain``, ``maps 3,17``, ``0.1-0.3 s``."""
    if row["patch"] == "maps":
        return f"maps {row['maps']}" if len(row["maps"]) < 13 else f"maps {row['maps'][:9]}.."
    if row["patch"] == "window":
        return f"{row['start_s']:g}-{row['end_s']:g} s"
    return row["patch"]


def curves(rows: list[dict]) -> dict[str, np.ndarray]:
    """The share of the first 1, 2, .. maps of each layer, ``[maps, 3]`` with its interval."""
    found = {}
    for layer in distinct(rows, "layer"):
        here = sorted((row for row in rows if row["layer"] == layer), key=lambda row: row["rank"])
        names = ("cumulative_share", "cumulative_lower", "cumulative_upper")
        found[layer] = np.array([[row[name] for name in names] for row in here])
    return found


def effect_title(config: dict) -> str:
    """For instance ``z11=0 to z11=15`` or ``parts silenced``."""
    if config["by"] == "other":
        return f"{config['from'] or 'as drawn'} to {config['to'] or 'as drawn'}"
    if config["by"] == "mean":
        return "parts replaced by their mean over the outputs"
    return f"parts scaled by {config['by']:g}" if config["by"] else "parts silenced"


def scan_title(config: dict) -> str:
    """What the scan tells of maps: a share of the effect, or of the power that changes."""
    if config["by"] == "other":
        return f"Share of the effect: {in_words(config['scan'], config)}"
    return "Share of the power changed"
