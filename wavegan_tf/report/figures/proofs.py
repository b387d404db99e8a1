"""Proofs by generation: what a property does when one variable after the other is set."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wavegan_tf.report import reading
from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    HEIGHT_IN,
    ORANGE,
    SMALL_PT,
    TINY_PT,
    WIDTH_IN,
    grid,
)
from wavegan_tf.report.identified_words import amount, changes_of, moves

MAX_PROVED = 12
DOSES = {
    "frication_db": "Frication (dB)",
    "voiced_db": "Voiced (dB)",
    "frication_ratio": "Frication / (frication + voiced)",
}
VALUES = "Value of the variable (not to scale)"
_TOGETHER = {
    "color": "black", "linewidth": 0.8, "linestyle": ":", "marker": "x", "markersize": 3,
    "zorder": 2,
}  # fmt: skip


def read_proof(directory: Path, continuous: bool) -> list[dict]:
    """Read proof.csv: of a continuous property its mean, of a binary one shares and doses."""
    measures = ("mean",) if continuous else tuple(DOSES)
    numbers = [f"{name}{end}" for name in measures for end in ("", "_lower", "_upper")]
    rows = reading.read_rows(
        directory / "proof.csv", "latent role", " ".join(["value n share lower upper", *numbers])
    )
    for row in rows:
        row["share_lower"], row["share_upper"] = row["lower"], row["upper"]
    return rows


def draw_proof(
    rows: list[dict],
    trends: dict,
    contrasts: list[dict],
    codes: dict[str, str],
    name: str,
    unit: str,
    percent: str,
) -> Figure:
    """A panel for each top variable: the share or mean at each value, controls in grey.

    The title says what was shown: the slope over all values (trends.csv), and the largest
    difference between a value and its mirror image, of a code's variable 0 (contrasts.csv); and
    how it differs as a code from the others. A line is orange where anything was; values that
    differ from their mirror images, or from 0, are filled.

    Args:
        rows: of :func:`read_proof`, with ``mean`` of a continuous property.
        trends: rows of trends.csv by variable and measure.
        contrasts: rows of contrasts.csv.
        codes: how codes that differ from the others do, in words, by variable.
        name: of the property.
        unit: of a continuous property.
        percent: of the intervals.
    """
    measure = "mean" if "mean" in rows[0] else "share"
    top = _top(rows)
    figure, axes, leftmost = grid(len(top), 3, 1.75, 1.0, sharex=True, sharey=True)
    for axis, latent in zip(axes, top, strict=True):
        trend, changed = trends.get((latent, measure)), changes_of(contrasts, latent)
        filled = {row[end] for row in changed for end in ("from_value", "to_value")} - {0.0}
        found = moves(trend) or changed or latent in codes
        _draw_sweep(axis, rows, latent, measure, found, filled)
        heading = _heading(latent, trend, changed, codes.get(latent), unit)
        axis.set_title(heading, fontsize=SMALL_PT)
    if measure == "share":
        axes[0].set_ylim(-0.04, 1.04)
    label = f"{name} ({unit})" if unit != "1" else name
    for axis in leftmost:
        axis.set_ylabel(label if measure == "mean" else "Share of outputs")
    for axis in axes[-3:]:
        axis.set_xlabel(VALUES)
    _legend(figure, rows, "filled: differs from the opposite value, a code from 0 (Holm)")
    counts = sorted({row["n"] for row in rows if row["role"] != "together"})
    n = f"{counts[0]:.0f}" + (f" to {counts[-1]:.0f}" if len(counts) > 1 else "")
    what = "Share of outputs that have" if measure == "share" else "Mean of"
    figure.suptitle(f"{what} {name}, one variable set ({n} outputs a value; {percent} intervals)")
    return figure


def draw_doses(rows: list[dict], trends: dict, name: str, percent: str) -> Figure:
    """A row for each top variable, a column for each measure of how much, controls in grey.

    Args:
        rows: of :func:`read_proof`.
        trends: rows of trends.csv by variable and measure.
        name: of the property.
        percent: of the intervals.
    """
    top = _top(rows)
    measures = [m for m in DOSES if any(np.isfinite(row[m]) for row in rows)] or ["frication_ratio"]
    height_in = min(1.3, (HEIGHT_IN - 1.2) / len(top))
    figure = Figure(figsize=(WIDTH_IN, 1.2 + height_in * len(top)), layout="constrained")
    panels = figure.subplots(len(top), len(measures), sharex=True, sharey="col", squeeze=False)
    for axes, latent in zip(panels, top, strict=True):
        for axis, measure in zip(axes, measures, strict=True):
            trend = trends.get((latent, measure))
            _draw_sweep(axis, rows, latent, measure, moves(trend))
            axis.set_title(_dose_heading(trend), fontsize=TINY_PT)
        axes[0].set_ylabel(latent)
    for axis, measure in zip(panels[0], measures, strict=True):
        axis.set_title(f"{DOSES[measure]}\n{axis.get_title('left')}", fontsize=SMALL_PT)
    for axis in panels[-1]:
        axis.set_xlabel(VALUES)
    _legend(figure, rows)
    figure.suptitle(
        f"How strong frication and voice are ({name}; one variable set; {percent} intervals)"
    )
    return figure


def _top(rows):
    """The best variables, in order."""
    return list(dict.fromkeys(row["latent"] for row in rows if row["role"] == "top"))[:MAX_PROVED]


def _heading(latent, trend, changed, code, unit):
    """Name of a variable, and what setting it was shown to do."""
    lines = []
    if moves(trend):
        kind = trend["measure"]
        lines.append(f"{trend['verdict']}, {amount(trend['slope'], kind, unit)} per unit")
    if changed:
        best = changed[0]
        size = amount(best["difference"], "mean" if trend is None else trend["measure"], unit)
        lines.append(f"{size} at {best['to_value']:g} against {best['from_value']:g}")
    if code:
        lines.append(f"code {code}")
    if not lines:
        few = trend is None or trend["verdict"] == "too few"
        lines.append("too few" if few else "no change shown")
    return f"{latent}: " + "\n".join(lines)


def _dose_heading(trend):
    """What a trend is: its slope, and how far a line describes it."""
    if not moves(trend):
        return trend["verdict"] if trend else ""
    unit = "" if trend["unit"] == "1" else f" {trend['unit']}"
    return f"{trend['verdict']}: {trend['slope']:+.2g}{unit} per unit, r = {trend['rank_r']:.2f}"


def _draw_sweep(axis, rows, latent, measure, found, filled=None):
    """One variable in colour, all controls in grey; the values stand evenly, whatever they are.

    The best variables together (``+c2 -z5``) are drawn where this one is among them, at its sign.
    """
    values = sorted({row["value"] for row in rows if row["role"] != "together"})
    seen = [row for row in rows if np.isfinite(row[measure])]
    for control in dict.fromkeys(row["latent"] for row in seen if row["role"] == "control"):
        line = sorted((values.index(row["value"]), row[measure])
                      for row in seen if row["latent"] == control)  # fmt: skip
        axis.plot(*zip(*line, strict=True), color=GREY, linewidth=0.6, alpha=0.7, zorder=1)
    for sign, number in (("+", 1), ("-", -1)):
        line = [(values.index(number * row["value"]), row[measure]) for row in seen
                if row["role"] == "together" and f"{sign}{latent}" in row["latent"].split()
                and number * row["value"] in values]  # fmt: skip
        if line:
            axis.plot(*zip(*line, strict=True), **_TOGETHER)
    here = [row for row in rows if row["latent"] == latent and row["role"] == "top"]
    here.sort(key=lambda row: row["value"])
    places = [values.index(row["value"]) for row in here]
    y, lower, upper = (
        [row[key] for row in here] for key in (measure, f"{measure}_lower", f"{measure}_upper")
    )
    colour = ORANGE if found else BLUE
    axis.vlines(places, lower, upper, color=colour, linewidth=1, zorder=2)
    axis.plot(places, y, "-", color=colour, linewidth=0.9, zorder=3)
    for place, level, row in zip(places, y, here, strict=True):
        full = filled is None or row["value"] in filled
        axis.plot(
            place, level, "o", color=colour, markersize=3.5, zorder=4,
            markerfacecolor=colour if full else "white", markeredgewidth=0.9, clip_on=False,
        )  # fmt: skip
    every = -(-len(values) // 11)
    shown = range(0, len(values), every)
    axis.set_xticks(shown, [f"{values[k]:g}" for k in shown])
    axis.tick_params(labelsize=TINY_PT)


def _legend(figure, rows, filled=""):
    """Say what colours, marks and lines are."""
    about = "change shown (Holm)" if filled else "slope shown (Holm)"
    handles = [
        Line2D([], [], color=ORANGE, marker="o", markersize=3.5, label=about),
        Line2D([], [], color=BLUE, marker="o", markersize=3.5, label="not shown, or too few"),
    ]
    if filled:
        for handle in handles:
            handle.set_markerfacecolor("white")
        handles.append(
            Line2D([], [], color=ORANGE, marker="o", markersize=3.5, linestyle="", label=filled)
        )
    count = len({row["latent"] for row in rows if row["role"] == "control"})
    if count:
        label = f"{count} control{'s' if count > 1 else ''}"
        handles.append(Line2D([], [], color=GREY, linewidth=0.6, label=label))
    names = sorted({row["latent"] for row in rows if row["role"] == "together"})
    if names:
        label = f"{names[0]} together" if len(names[0]) <= 24 else "the best together"
        handles.append(Line2D([], [], label=label, **_TOGETHER))
    figure.legend(
        handles=handles, loc="outside lower center", ncols=3 if filled else len(handles),
        fontsize=SMALL_PT,
    )  # fmt: skip
