"""What a run found, in words and one table: summary.md, and a short table for the terminal.

Everything is read from config.json and the CSV tables of the run; nothing is measured here.
"""

from collections import Counter
from pathlib import Path

import numpy as np

from wavegan_tf.report.conclusions import conclusions, differences
from wavegan_tf.report.reading import (
    channel_suffix,
    distinct,
    grouped,
    layer_title,
    measure_title,
    open_run,
    read_correlations,
    read_durations,
    read_rows,
)
from wavegan_tf.report.tables import stream_csv

MARKS = {"encoded": "*", "inverse": "~", "no control": "?", "too few": "."}
"""Behind r in the terminal's table; a value that is not above its controls has none."""

MAX_NAMED = 10
"""Outputs with a problem that are named one by one."""


def write_summary(out_dir: str | Path) -> Path:
    """Write ``out_dir/summary.md``: what was run, what each layer encodes, what may be concluded.

    The table is that of Beguš & Zhou (2022, section IV): layers from the last to the first, in each
    cell r with its 95 % interval, the two control levels and the verdict.

    Args:
        out_dir: the run, with config.json, and as far as they are there outputs.csv,
            correlations.csv, durations.csv and measurements.csv.

    Returns:
        The path written.

    Raises:
        InputError: ``out_dir`` has no config.json, or a table lacks a column.
    """
    run = open_run(out_dir)
    correlations, durations = read_correlations(run), read_durations(run)
    blocks = [
        "# What each layer encodes",
        *_what_was_run(run),
        *_tables(run, correlations, durations),
        *conclusions(run, correlations),
        *differences(run),
        *_outputs(run),
        *_limits(run),
        *_flags(run),
    ]
    path = run.directory / "summary.md"
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n\n".join(blocks) + "\n")
    return path


def table_text(out_dir: str | Path) -> str:
    """A table for the terminal: Pearson's r of every measure, a column per layer.

    Args:
        out_dir: the run, with config.json and correlations.csv.

    Returns:
        Lines without a final line feed; empty without correlations.

    Raises:
        InputError: ``out_dir`` has no config.json, or correlations.csv lacks a column.
    """
    run = open_run(out_dir)
    rows = read_correlations(run)
    if not rows:
        return ""
    layers = list(reversed(run.layers))
    channels = distinct(rows, "channel")
    lines = [
        f"Pearson's r with {run.target_title}  (* encoded, ~ inverse, ? no control, . too few)",
        f"{'':<24}" + "".join(f"{layer_title(layer):>8}" for layer in layers),
    ]
    for (channel, label), here in grouped(rows).items():
        lines.append(label + (f", channel {channel}" if len(channels) > 1 else ""))
        for measure in distinct(here, "measure"):
            cells = {row["layer"]: row for row in here if row["measure"] == measure}
            unit = next(iter(cells.values()))["unit"]
            text = "".join(f"{_short_cell(cells.get(layer)):>8}" for layer in layers)
            lines.append(f"  {measure_title(measure, unit):<22}" + text)
    return "\n".join(line.rstrip() for line in lines)


def _short_cell(row):
    """R and a mark, in the terminal's table; the mark's place is kept without one."""
    if row is None or (np.isnan(row["value"]) and row["verdict"] not in MARKS):
        return "- "
    r = "" if np.isnan(row["value"]) else f"{row['value']:.2f}"
    return (r or "n/a") + MARKS.get(row["verdict"], " ")


def _what_was_run(run):
    """A paragraph on the checkpoint, one on the settings, one on the versions."""
    config = run.config
    checkpoint, model = config.get("checkpoint", {}), config.get("model", {})
    outputs = {output for output, _ in stream_csv(run.directory / "outputs.csv", ("id", "name"))}
    what = f"{model.get('model', 'model')}, {config.get('network', 'generator')}"
    step = f"step {checkpoint['step']}" if "step" in checkpoint else "step unknown"
    text = (
        f"`{config.get('command', 'probe')}` of `{checkpoint.get('prefix', 'unknown')}` ({step}, "
        f"SHA-256 {str(checkpoint.get('sha256', 'unknown'))[:12]}): {what}, {len(outputs)} outputs "
        f"of {run.duration_s:g} s at {config['sample_rate_hz']} Hz, layers "
        f"{', '.join(map(layer_title, run.layers))} against {run.target_title}."
    )
    settings = ", ".join(f"{key} {value}" for key, value in _flat(config.get("settings", {})))
    versions = config.get("versions", {}) | {"Praat": config.get("praat", "unknown")}
    rest = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [text, f"Settings: {settings}.", f"Versions: {rest}."]


def _flat(settings):
    """Names and values of nested settings, without the names of the groups."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield key, f"{value:g}" if isinstance(value, float) else value


def _tables(run, correlations, durations):
    """A heading and a table for each channel and label."""
    if not correlations:
        return ["No correlation could be computed: see Outputs below."]
    blocks = [
        f"Pearson's r of each layer with {run.target_title} over all values of all outputs, with "
        "its 95 % interval (bootstrap over outputs). Controls: the level that networks with random "
        "weights reach (upper limit for one more such network) / that of shuffled pairings of "
        "outputs (97.5 %). *Encoded*: the interval is above both; *inverse*: below the mirror "
        "image of both. Within-output r and Spearman's: `correlations.csv`."
    ]
    channels = distinct(correlations, "channel")
    layers = list(reversed(run.layers))
    for (channel, label), rows in grouped(correlations).items():
        suffix = channel_suffix(channel, channels).replace("_channel", ", channel ")
        lines = [
            f"| {label} | " + " | ".join(map(layer_title, layers)) + " |",
            "|---" * (len(layers) + 1) + "|",
        ]
        models = {row["layer"]: row for row in grouped(durations).get((channel, label), [])}
        if models:
            cells = " | ".join(_model_cell(models.get(layer)) for layer in layers)
            lines.append(f"| Duration, linear model | {cells} |")
        for measure in distinct(rows, "measure"):
            here = {row["layer"]: row for row in rows if row["measure"] == measure}
            title = measure_title(measure, next(iter(here.values()))["unit"])
            cells = " | ".join(_cell(here.get(layer)) for layer in layers)
            lines.append(f"| {title} | {cells} |")
        blocks += [f"## {label.capitalize()} intervals{suffix}", "\n".join(lines)]
    return blocks


def _model_cell(row):
    """Slope with its interval, t and adjusted R², that of random networks."""
    if row is None or np.isnan(row["beta"]):
        return "–"
    return (
        f"β {row['beta']:.2f} [{row['beta_low']:.2f}, {row['beta_high']:.2f}]<br>"
        f"t {row['t']:.2f}, adj. R² {row['adj_r2']:.2f}, n {row['n']:.0f}<br>"
        f"random: adj. R² {_number(row['random_adj_r2'])}"
    )


def _cell(row):
    """R with its interval, the control levels and the verdict."""
    if row is None:
        return "–"
    verdict = row["verdict"]
    if np.isnan(row["value"]):
        return f"– ({verdict})" if verdict else "–"
    strong = f"**{verdict}**" if verdict in ("encoded", "inverse") else verdict
    return (
        f"{row['value']:.2f} [{_number(row['low'])}, {_number(row['high'])}]<br>"
        f"controls {_number(row['random_high'])} / {_number(row['shuffled_high'])}<br>{strong}"
    )


def _number(value):
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _outputs(run):
    """How many outputs have no voiced interval, and what was wrong with which."""
    rows = read_rows(run.directory / "outputs.csv", "id name channel problem", "n_voiced")
    blocks = ["## Outputs"]
    if not rows:
        return []
    unvoiced = sum(row["n_voiced"] == 0 for row in rows)
    several = len(distinct(rows, "channel")) > 1
    kind = "Outputs and channels" if several else "Outputs"
    blocks.append(f"{kind} without a voiced interval: {unvoiced} of {len(rows)}.")
    problems = {}
    for row in rows:
        if row["problem"]:
            problems.setdefault(row["problem"], []).append(f"{row['id']} ({row['name']})")
    lines = [
        f"- {problem}: {len(names)} ({', '.join(names[:MAX_NAMED])}"
        + (", ..)" if len(names) > MAX_NAMED else ")")
        for problem, names in problems.items()
    ]
    return [*blocks, "\n".join(lines)] if lines else blocks


def _limits(run):
    """Measures that a layer cannot carry, and those measured in a narrowed range."""
    lines = []
    for layer, limits in run.config.get("limits", {}).items():
        forbidden = ", ".join(map(measure_title, limits.get("forbidden", {})))
        if forbidden:
            lines.append(f"- {layer_title(layer)}: not measured: {forbidden}")
        lines += [f"- {layer_title(layer)}: {text}" for text in limits.get("warnings", [])]
    text = "Why a measure is not measured stands beside each value (`reason`) and in config.json."
    return ["## Limits of the layers", text, "\n".join(lines)] if lines else []


def _flags(run):
    """How many points are suspect, by measure and reason, and how many pairs that touches."""
    counts = Counter()
    columns = ("layer", "measure", "flag")
    for layer, measure, flag in stream_csv(run.directory / "measurements.csv", columns):
        if flag:
            counts[measure, flag, layer] += 1
    if not counts:
        return []
    layers = [run.target, *reversed(run.layers)]
    lines = [
        "| measure | flag | " + " | ".join(map(layer_title, layers)) + " |",
        "|---" * (len(layers) + 2) + "|",
    ]
    for measure, flag in sorted({(measure, flag) for measure, flag, _ in counts}):
        cells = " | ".join(str(counts[measure, flag, layer]) for layer in layers)
        lines.append(f"| {measure_title(measure)} | {flag} | {cells} |")
    text = "Points of measurement that are suspect; they are kept in every table and statistic."
    return ["## Flagged values", text, "\n".join(lines)]
