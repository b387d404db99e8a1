"""What follows from the files of an interpolation: steps, levels, responses, effects, changes.

Series are read output by output, so that memory does not grow with them.
"""

from pathlib import Path

import numpy as np

from wavegan_tf.analysis.causes import changes, interpolation
from wavegan_tf.analysis.causes.interpolation import FROM_MIDDLE, OUTPUT, SHARE, Measure
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.values import LABEL_ORDER, Values
from wavegan_tf.report.derived import SEED, interval_rows
from wavegan_tf.report.tables import (
    TableWriter,
    iterate_npz,
    read_csv,
    read_json,
    read_npz,
    write_csv,
    write_npz,
)

LEVEL_UNITS = {"rms": "dB", "peak": "1", "saturation": "1", "distance": "1"}
LEVEL_COLUMNS = ("id", "channel", "layer", "measure", "unit", "value")
RESPONSE_COLUMNS = (
    "latent", "value", "channel", "layer", "label", "measure", "unit", "mean", "lower", "upper",
    "n_bases",
)  # fmt: skip
EFFECT_COLUMNS = (
    "latent", "channel", "layer", "label", "measure", "unit", "slope", "slope_lower", "slope_upper",
    "rank_r", "rank_r_lower", "rank_r_upper", "from_value", "to_value", "difference", "lower",
    "upper", "p", "p_holm", "n_bases", "n_values", "middle_value",
    *(
        key + end
        for key in FROM_MIDDLE
        for end in ("", "_lower", "_upper", "_p", "_p_holm", "_n_bases")
    ),
    "verdict",
)  # fmt: skip
INTERACTION_COLUMNS = (
    "latent_a", "latent_b", "channel", "layer", "label", "measure", "unit", "interaction", "lower",
    "upper", "p", "p_holm", "n_bases", "verdict",
)  # fmt: skip
SPIKE_COLUMNS = (
    "latent", "layer", "rank", "time_s", "start_s", "end_s", "share", "excess", "n_bases",
)  # fmt: skip
BAND_COLUMNS = (
    "latent", "layer", "low_hz", "high_hz", "change_db", "lower", "upper", "share", "n_bases",
)  # fmt: skip


def write_steps(out_dir: str | Path) -> None:
    """Write steps.csv, levels.csv, responses.csv, effects.csv, changes.npz, spikes.csv, bands.csv.

    Of a grid of two or more sweeps also interactions.csv.

    Args:
        out_dir: a run of interpolate.py, with config.json (``vary``, ``n_bases``, ``statistics``),
            series.npz, outputs.csv, intervals.csv and, for ``distance``, reference.npz.
    """
    out_dir = Path(out_dir)
    config = read_json(out_dir / "config.json")
    sweeps = [(sweep["name"], np.array(sweep["values"], float)) for sweep in config["vary"]]
    settings = StatisticsSettings(**config["statistics"])
    _write_step_table(out_dir, sweeps, config["n_bases"])
    found, totals, powers = _read_series(out_dir, config, sweeps)
    _write_spikes(out_dir, config, sweeps, totals)
    _write_bands(out_dir, config, sweeps, powers, settings)
    measures, shares = _measures(out_dir, config["target"], len(next(iter(powers.values()))), found)
    responses = interpolation.measure_responses(measures + shares, sweeps, SEED, settings)
    write_csv(out_dir / "responses.csv", RESPONSE_COLUMNS, responses)
    effects = interpolation.measure_effects(measures, sweeps, SEED, settings)
    write_csv(out_dir / "effects.csv", EFFECT_COLUMNS, effects)
    if len(sweeps) > 1:
        rows = interpolation.measure_interactions(measures, sweeps, SEED, settings)
        write_csv(out_dir / "interactions.csv", INTERACTION_COLUMNS, rows)


def _write_step_table(out_dir, sweeps, n_bases):
    """steps.csv: the value of every sweep at every output."""
    grids = np.meshgrid(*(values for _, values in sweeps), indexing="ij")
    cells = np.stack([grid.ravel() for grid in grids], axis=1).tolist()
    names = [name for name, _ in sweeps]
    with TableWriter(out_dir / "steps.csv", ["id", "base", *names]) as table:
        for base in range(n_bases):
            table.write(
                {"id": base * len(cells) + i, "base": base} | dict(zip(names, cell, strict=True))
                for i, cell in enumerate(cells)
            )


def _read_series(out_dir, config, sweeps):
    """Go through series.npz once; writes levels.csv.

    Returns:
        Levels by (channel, layer, measure) [outputs], the change of each layer
        (``causes.changes.ChangeSum``), the powers of its bands [outputs, bands].
    """
    rates = {layer["name"]: layer["rate_hz"] for layer in config["layers"]}
    lengths = [len(values) for _, values in sweeps]
    totals = {name: changes.ChangeSum(lengths) for name in rates}
    powers = {name: [] for name in rates}
    reference = _read_reference(out_dir)
    found = {}
    with TableWriter(out_dir / "levels.csv", LEVEL_COLUMNS) as table:
        for i, arrays in enumerate(iterate_npz(out_dir / "series.npz")):
            for name, rate_hz in rates.items():
                series = arrays[name].reshape(len(arrays[name]), -1)  # [length, channels]
                totals[name].add(series)
                by_channel = [changes.band_powers(x, rate_hz) for x in series.T]
                powers[name].append(np.mean(by_channel, axis=0))
                for channel, (x, power) in enumerate(zip(series.T, by_channel, strict=True), 1):
                    levels = _levels(x, power, reference.get((name, channel)))
                    if name != config["target"]:
                        del levels["saturation"]
                    for measure, value in levels.items():
                        found.setdefault((channel, name, measure), []).append(value)
                        row = (i, channel, name, measure, LEVEL_UNITS[measure], value)
                        table.write([dict(zip(LEVEL_COLUMNS, row, strict=True))])
    return found, totals, {name: np.array(rows) for name, rows in powers.items()}


def _levels(series, powers, reference):
    """The rows of levels.csv of one series, by measure."""
    levels = changes.levels(series) | {"distance": np.nan}
    if reference is not None and np.isfinite(series).all():
        levels["distance"] = changes.distance(changes.features(series, powers), reference)
    return levels


def _read_reference(out_dir):
    """What reference.npz says of each layer and channel (:mod:`wavegan_tf.probing.reference`)."""
    path = out_dir / "reference.npz"
    reference = {}
    for name, array in (read_npz(path) if path.is_file() else {}).items():
        layer, channel, what = name.split("/")
        reference.setdefault((layer, int(channel)), {})[what] = array
    return reference


def _write_spikes(out_dir, config, sweeps, totals):
    """changes.npz and spikes.csv; a layer without a finite base vector is in neither."""
    arrays, spikes = {}, []
    for axis, (latent, _) in enumerate(sweeps):
        for layer in config["layers"]:
            name = layer["name"]
            change = totals[name].result()
            if change is None:
                continue
            arrays[f"{latent}/{name}"] = change[axis]
            head = {"latent": latent, "layer": name, "n_bases": totals[name].n_bases}
            spikes += [head | row for row in changes.find_spikes(change[axis], layer["rate_hz"])]
    write_npz(out_dir / "changes.npz", arrays)
    write_csv(out_dir / "spikes.csv", SPIKE_COLUMNS, spikes)


def _write_bands(out_dir, config, sweeps, powers, settings):
    """bands.csv."""
    lengths = [len(values) for _, values in sweeps]
    rows = []
    for axis, (latent, _) in enumerate(sweeps):
        for layer in config["layers"]:
            grid = powers[layer["name"]]
            grid = np.moveaxis(grid.reshape(-1, *lengths, grid.shape[-1]), 1 + axis, 0)
            first, last = (grid[i].reshape(grid.shape[1], -1, grid.shape[-1]) for i in (0, -1))
            edges_hz = changes.band_edges(layer["length"], layer["rate_hz"])
            head = {"latent": latent, "layer": layer["name"]}
            found = changes.band_changes(first, last, edges_hz, SEED, settings)
            rows += [head | row for row in found]
    write_csv(out_dir / "bands.csv", BAND_COLUMNS, rows)


def _measures(out_dir, target, n_outputs, found):
    """Every measure of every output: of intervals, their numbers, levels of the layers.

    Returns:
        These, and beside them whether an output has an interval of each label, as shares.
    """
    values = Values()
    values.add_intervals(interval_rows(out_dir / "intervals.csv"))
    measures, shares = interpolation.interval_measures(values, n_outputs), []
    counts = {}
    for row in read_csv(out_dir / "outputs.csv"):
        known = row["measured"] or row["problem"] == "silent"
        for label in LABEL_ORDER:
            column = counts.setdefault((row["channel"], label), np.full(n_outputs, np.nan))
            column[row["id"]] = row[f"n_{label}"] if known else np.nan
    for channel in sorted({channel for channel, _ in counts}):
        for (of, label), column in counts.items():
            if of == channel:
                measures.append(Measure(channel, target, OUTPUT, f"n_{label}", "1", column))
                present = np.where(np.isnan(column), np.nan, column > 0)
                shares.append(Measure(channel, target, label, SHARE, "1", present))
        for measure, unit in LEVEL_UNITS.items():
            for (of, layer, name), column in found.items():
                if (of, name) == (channel, measure):
                    column = np.array(column)
                    measures.append(Measure(channel, layer, OUTPUT, measure, unit, column))
    return measures, shares
