"""The tables of a run as report.html shows them: titles, and cells as text."""

import math
from pathlib import Path
from typing import NamedTuple

from wavegan_tf.report import moves
from wavegan_tf.report.html_data import layer_order
from wavegan_tf.report.reading import (
    Run,
    channel_suffix,
    distinct,
    grouped,
    layer_title,
    measure_title,
    probability,
    read_correlations,
    read_durations,
)
from wavegan_tf.report.tables import read_csv

_MIDDLE = (
    "The ends against the middle, the value nearest to 0, show what falls and rises again; a "
    "measure changes where any of the three differences is shown. "
)

MAX_ROWS = 300
"""Rows of a long table that the page holds; the CSV has them all."""


class Cell(NamedTuple):
    """A cell: a value, what stands small below it, and a verdict."""

    value: str
    detail: str = ""
    verdict: str = ""


class Matrix(NamedTuple):
    """Measures by layers, of one label and channel; ``rows`` are (title, cells)."""

    caption: str
    columns: list[str]
    rows: list[tuple[str, list[Cell]]]


class Listing(NamedTuple):
    """A table of rows: ``layers`` and ``latents`` are those of each row, to filter by.

    ``numeric`` says of each column whether it holds numbers; ``left_out`` is how many rows the CSV
    has beyond these.
    """

    key: str
    title: str
    note: str
    columns: list[str]
    numeric: list[bool]
    rows: list[dict]
    layers: list[str]
    latents: list[str]
    left_out: int


def number(value: float) -> str:
    """Three significant digits, a minus sign where it belongs; a dash of no number."""
    if not math.isfinite(value):
        return "–"
    text = f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return text.replace("-", "−")


def _signed(value):
    """:func:`number` with its sign."""
    return f"{'+' if value > 0 else ''}{number(value)}"


def span(low: float, high: float) -> str:
    """An interval in brackets; nothing where an end is missing."""
    return f"[{number(low)}, {number(high)}]" if math.isfinite(low + high) else ""


def correlation_tables(run: Run, layers: list[str]) -> list[Matrix]:
    """Pearson's r of each layer with the target: a table for each channel and label.

    Args:
        run: the run.
        layers: the layers but the target, in the order of the columns.
    """
    correlations, durations = read_correlations(run), grouped(read_durations(run))
    channels = distinct(correlations, "channel")
    matrices = []
    for (channel, label), rows in grouped(correlations).items():
        suffix = channel_suffix(channel, channels).replace("_channel", ", channel ")
        lines = []
        models = {row["layer"]: row for row in durations.get((channel, label), [])}
        if models:
            cells = [_model_cell(models.get(layer)) for layer in layers]
            lines.append(("Duration, linear model: β", cells))
        for measure in distinct(rows, "measure"):
            here = {row["layer"]: row for row in rows if row["measure"] == measure}
            title = measure_title(measure, next(iter(here.values()))["unit"])
            lines.append((title, [_correlation_cell(here.get(layer)) for layer in layers]))
        caption = f"{label.capitalize()} intervals{suffix}"
        matrices.append(Matrix(caption, [layer_title(layer) for layer in layers], lines))
    return matrices


def _correlation_cell(row):
    if row is None:
        return Cell("–")
    controls = f"controls {number(row['random_high'])} / {number(row['shuffled_high'])}"
    if math.isnan(row["value"]):
        return Cell("–", "", row["verdict"])
    return Cell(_two(row["value"]), f"{_two_span(row)} {controls}".strip(), row["verdict"])


def _two(value):
    """Two decimals, as a correlation is given."""
    return f"{value:.2f}".replace("-", "−") if math.isfinite(value) else "–"


def _two_span(row):
    if not math.isfinite(row["low"] + row["high"]):
        return ""
    return f"[{_two(row['low'])}, {_two(row['high'])}]"


def _model_cell(row):
    if row is None or math.isnan(row["beta"]):
        return Cell("–")
    detail = f"{span(row['beta_low'], row['beta_high'])} t {number(row['t'])}, adj. R² "
    detail += f"{_two(row['adj_r2'])}; random: adj. R² {_two(row['random_adj_r2'])}"
    return Cell(_two(row["beta"]), detail)


def listings(run: Run) -> list[Listing]:
    """The long tables that a run has: effects, interactions, spikes, bands, differences."""
    makers = (_effects, _interactions, _spikes, _bands, _differences)
    return [listing for listing in (make(run) for make in makers) if listing is not None]


def _read(run, name) -> list[dict]:
    path = Path(run.directory) / name
    return read_csv(path) if path.is_file() else []


def _listing(key, title, note, rows, columns):
    """Make a listing: ``columns`` are (title, whether numbers, function of a row)."""
    if not rows:
        return None
    kept = rows[:MAX_ROWS]
    lines = [
        {
            "layer": row.get("layer", ""),
            "latent": row.get("latent", row.get("latent_a", row.get("condition", ""))),
            "cells": [function(row) for _, _, function in columns],
        }
        for row in kept
    ]
    return Listing(
        key, title, note, [x[0] for x in columns], [x[1] for x in columns], lines,
        list(dict.fromkeys(line["layer"] for line in lines if line["layer"])),
        list(dict.fromkeys(line["latent"] for line in lines if line["latent"])),
        len(rows) - len(kept),
    )  # fmt: skip


def _by_p(rows, size):
    """The smallest p first; those without one after them, the largest ``size`` first."""

    def key(row):
        p, value = row["p"], row[size]
        return (math.isnan(p), p if p == p else 0, -abs(value) if value == value else math.inf)

    return sorted(rows, key=key)


def _by_layer(run, name):
    """Rows by latent variable, then from the layer nearest to the sound on."""
    rows = _read(run, name)
    latents = list(dict.fromkeys(row["latent"] for row in rows))
    order = layer_order(run)
    return sorted(rows, key=lambda row: (latents.index(row["latent"]), order.index(row["layer"])))


def _what(row):
    title = measure_title(row["measure"], row["unit"])
    return title if row["label"] == "output" else f"{title}, {row['label']}"


def _layer(row):
    return layer_title(row["layer"])


def _with_interval(name, low="lower", high="upper"):
    """A cell of a number and its interval."""
    return lambda row: f"{number(row[name])} {span(row[low], row[high])}"


def _effects(run):
    """effects.csv: what each variable changes."""

    def middle(row):
        return moves.against_middle(row, number, _signed, intervals=False)

    rows = moves.by_evidence(moves.read_effects(run.directory))
    columns = [
        ("Variable", False, lambda row: row["latent"]),
        ("Layer", False, _layer),
        ("Measure", False, _what),
        (
            "From … to",
            False,
            lambda row: f"{number(row['from_value'])} … {number(row['to_value'])}",
        ),
        ("Change", True, _with_interval("difference")),
        *([("Ends against the middle", False, middle)] if any(map(middle, rows)) else []),
        ("Per unit", True, lambda row: number(row["slope"])),
        ("Rank r", True, lambda row: number(row["rank_r"])),
        ("p (Holm)", True, lambda row: probability(row["p_holm"])),
        ("Verdict", False, lambda row: row["verdict"]),
    ]
    note = (
        "Change: the measure at the last value less that at the first, paired within a base "
        "vector, mean over base vectors with its interval; p of a paired t test, after Holm's "
        f"correction. {_MIDDLE if any(map(middle, rows)) else ''}Smallest p first. "
        + moves.CAUTION.format(identify="identify")
    )
    return _listing("effects", "What the variables change", note, rows, columns)


def _interactions(run):
    columns = [
        ("Variables", False, lambda row: f"{row['latent_a']} × {row['latent_b']}"),
        ("Layer", False, _layer),
        ("Measure", False, _what),
        ("Interaction", True, _with_interval("interaction")),
        ("p (Holm)", True, lambda row: probability(row["p_holm"])),
        ("Verdict", False, lambda row: row["verdict"]),
    ]
    note = (
        "The difference that one variable makes to the difference the other makes, between the "
        "first and last values of both."
    )
    rows = _by_p(_read(run, "interactions.csv"), "interaction")
    return _listing("interactions", "Variables together", note, rows, columns)


def _spikes(run):
    columns = [
        ("Variable", False, lambda row: row["latent"]),
        ("Layer", False, _layer),
        ("Peak (s)", True, lambda row: f"{row['time_s']:.3f}"),
        ("Region (s)", True, lambda row: f"{row['start_s']:.3f} – {row['end_s']:.3f}"),
        ("Share", True, lambda row: _percent(row["share"])),
        ("Times the average", True, lambda row: number(row["excess"])),
    ]
    note = (
        "Where in time a layer changes most, the share of its whole change that lies there, and "
        "how many times the average that is, per second."
    )
    return _listing("spikes", "Where in time", note, _by_layer(run, "spikes.csv"), columns)


def _bands(run):
    columns = [
        ("Variable", False, lambda row: row["latent"]),
        ("Layer", False, _layer),
        ("Band (Hz)", True, lambda row: f"{number(row['low_hz'])} – {number(row['high_hz'])}"),
        ("Change (dB)", True, _with_interval("change_db")),
        ("Share", True, lambda row: _percent(row["share"])),
    ]
    note = (
        "Change of the level from the first to the last value, and its share of all power changed."
    )
    return _listing("bands", "Where in frequency", note, _by_layer(run, "bands.csv"), columns)


def _percent(share):
    return f"{100 * share:.0f} %" if math.isfinite(share) else "–"


def _differences(run):
    columns = [
        ("Condition", False, lambda row: f"{row['condition']} − {row['reference']}"),
        ("Layer", False, _layer),
        ("Measure", False, _what),
        ("Difference", True, _with_interval("difference", "low", "high")),
        ("p (Holm)", True, lambda row: probability(row["p_holm"])),
        ("Verdict", False, lambda row: row["verdict"]),
    ]
    note = "The same latent vectors under two settings, compared in pairs. Smallest p first."
    rows = _by_p(_read(run, "differences.csv"), "difference")
    return _listing("differences", "Differences between conditions", note, rows, columns)
