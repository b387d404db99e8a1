"""What follows from the files of a run: statistics and averages per word, each recomputable."""

from pathlib import Path

from wavegan_tf.analysis import effects, statistics
from wavegan_tf.analysis.averages import WordAverages
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.values import Values
from wavegan_tf.report.tables import (
    iterate_npz,
    read_csv,
    read_json,
    stream_rows,
    write_csv,
    write_npz,
)

CORRELATION_COLUMNS = (
    "channel", "label", "measure", "unit", "layer", "statistic", "value", "low", "high", "n",
    "n_outputs", "n_flagged", "random", "random_high", "n_random", "shuffled", "shuffled_high",
    "verdict",
)  # fmt: skip
DURATION_COLUMNS = (
    "channel", "label", "layer", "beta", "beta_low", "beta_high", "intercept", "t", "p", "adj_r2",
    "n", "n_outputs", "random_adj_r2",
)  # fmt: skip
DIFFERENCE_COLUMNS = (
    "channel", "label", "measure", "unit", "layer", "condition", "reference", "mean_condition",
    "mean_reference", "difference", "low", "high", "p", "p_holm", "n", "verdict",
)  # fmt: skip


SEED = 0
"""Of resampling and shuffling: one for all runs, so that the same tables give the same numbers."""


def write_statistics(out_dir: str | Path) -> None:
    """Write correlations.csv, durations.csv and, of several conditions, differences.csv.

    The steps of an interpolation are no conditions: :mod:`wavegan_tf.report.steps` has its effects.

    Args:
        out_dir: a run with config.json, measurements.csv, intervals.csv, outputs.csv and, if it
            has controls, controls/.
    """
    out_dir = Path(out_dir)
    config = read_json(out_dir / "config.json")
    model = Values()
    model.add_points(_rows(out_dir / "measurements.csv", "point"))
    model.add_intervals(interval_rows(out_dir / "intervals.csv"))
    controls = read_controls(out_dir, config["controls"])
    settings = StatisticsSettings(**config["statistics"])
    given = (model, controls, config["target"], SEED, settings)
    correlations = statistics.correlate(*given)
    write_csv(out_dir / "correlations.csv", CORRELATION_COLUMNS, correlations)
    durations = effects.regress_durations(*given)
    write_csv(out_dir / "durations.csv", DURATION_COLUMNS, durations)
    outputs = {
        row["id"]: (row["condition"], row["pair"]) for row in read_csv(out_dir / "outputs.csv")
    }
    if "vary" not in config and len({condition for condition, _ in outputs.values()}) > 1:
        differences = effects.compare_conditions(model, outputs, SEED, settings)
        write_csv(out_dir / "differences.csv", DIFFERENCE_COLUMNS, differences)


def read_controls(out_dir: str | Path, count: int) -> list[Values]:
    """Read the measurements of a run's networks with random weights, ``count`` of them."""
    controls = [Values() for _ in range(count)]
    if controls:
        directory = Path(out_dir) / "controls"
        for row in _rows(directory / "measurements.csv", "point", "network"):
            controls[int(row["network"]) - 1].add_points([row])
        for row in _rows(directory / "intervals.csv", "network"):
            controls[int(row["network"]) - 1].add_intervals([row])
    return controls


def interval_rows(path: str | Path):
    """The rows of intervals.csv as :meth:`Values.add_intervals` reads them, one by one."""
    return _rows(path)


def _rows(path, *further):
    """The rows of a table of measurements, as far as statistics need them."""
    columns = ("id", "channel", "layer", "interval", "label", "measure", "unit", "value", "flag")
    columns += further
    return stream_rows(path, columns)


def write_word_averages(out_dir: str | Path) -> None:
    """Write words.npz: the series of each layer, averaged over the recordings of each word.

    Args:
        out_dir: a run; one of a Generator, or without series.npz, has no such averages.
    """
    out_dir = Path(out_dir)
    generated = read_json(out_dir / "config.json")["target"] == "out"
    if generated or not (out_dir / "series.npz").is_file():
        return
    averages = WordAverages()
    outputs = [row for row in read_csv(out_dir / "outputs.csv") if row["channel"] == 1]
    for row, series in zip(outputs, iterate_npz(out_dir / "series.npz"), strict=True):
        if row["measured"]:
            averages.add(row["word"], series)
    write_npz(out_dir / "words.npz", averages.result())


def complaints(out_dir: str | Path) -> list[str]:
    """What of a run could not be done: outputs that were not measured, no voice anywhere.

    Args:
        out_dir: a run, or a shard of one, with config.json and outputs.csv. A shard may be without
            voice.

    Returns:
        Sentences; none if all went well.
    """
    rows = read_csv(Path(out_dir) / "outputs.csv")
    ids = {row["id"] for row in rows}
    failed = {row["id"] for row in rows if not row["measured"]}
    sentences = []
    if failed:
        sentences.append(
            f"{len(failed)} of {len(ids)} outputs could not be measured; outputs.csv says why"
        )
    whole = len(ids) == read_json(Path(out_dir) / "config.json")["n"]
    if whole and len(failed) < len(ids) and not any(row["n_voiced"] for row in rows):
        listen = "listen to audio/, and " if (Path(out_dir) / "audio").is_dir() else ""
        sentences.append(
            f"no output has a voiced interval, so nothing voiced is compared; {listen}"
            "lower --annotation_voicing_threshold or give --annotations"
        )
    return sentences
