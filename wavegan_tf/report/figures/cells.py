"""Shares in cells: codes and their values, codes and categories, pairs of latent variables."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import (
    BLUE,
    HEIGHT_IN,
    ORANGE,
    SKY,
    SMALL_PT,
    TINY_PT,
    WIDTH_IN,
    grid,
)
from wavegan_tf.report.reading import distinct

VALUE_COLOURS = (SKY, BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00")
DIFFERS = "differs"


def draw_code_shares(rows: list[dict], tests: list[dict], name: str, percent: str) -> Figure:
    """Share of outputs that have a property, a line for each code and a colour for each value.

    Args:
        rows: of codes.csv, of one label.
        tests: of code_tests.csv.
        name: of the property.
        percent: of the intervals.
    """
    codes, values = distinct(rows, "code"), distinct(rows, "value")
    differ = {(t["code"], t["value"]) for t in tests if t["verdict"] == DIFFERS}
    row_in = min(0.1 + 0.11 * len(values), (HEIGHT_IN - 1.3) / len(codes))
    figure = Figure(figsize=(WIDTH_IN, 1.3 + row_in * len(codes)), layout="constrained")
    axis = figure.subplots()
    reach = 0.6 * (len(values) - 1) / len(values)
    for k, value in enumerate(values):
        colour = VALUE_COLOURS[k % len(VALUE_COLOURS)]
        shift = 0.0 if len(values) == 1 else reach * (k / (len(values) - 1) - 0.5)
        for row in (row for row in rows if row["value"] == value):
            place = codes.index(row["code"]) + shift
            found = (row["code"], value) in differ
            axis.plot([row["lower"], row["upper"]], [place] * 2, color=colour, linewidth=1)
            axis.plot(
                row["share"], place, "o", color=colour, markersize=3.5, clip_on=False,
                markerfacecolor=colour if found else "white", zorder=3,
            )  # fmt: skip
        axis.plot([], [], "o-", color=colour, markersize=3.5, label=f"{value:g}")
    size = TINY_PT if row_in < 0.16 else SMALL_PT
    axis.set_yticks(range(len(codes)), codes, fontsize=size)
    axis.set(xlim=(0, 1), ylim=(len(codes) - 0.4, -0.6))
    axis.set_xlabel(f"Share of outputs that have {name}, with its {percent} interval")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", linewidth=0.3, color="#DDDDDD")
    axis.set_axisbelow(True)
    axis.legend(
        title="Value of the code", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=6,
        fontsize=SMALL_PT, title_fontsize=SMALL_PT,
    )  # fmt: skip
    n = max(row["n"] for row in rows)
    figure.suptitle(
        f"Share of {name} by code ({n:.0f} outputs each); filled: differs from the others (Holm)"
    )
    return figure


def draw_categories(rows: list[dict], tests: list[dict], value: float) -> Figure:
    """Share of each label at each code, as a heat map.

    Args:
        rows: of codes.csv, of one value.
        tests: of code_tests.csv.
        value: the value.
    """
    codes, labels = distinct(rows, "code"), distinct(rows, "label")
    shares = np.full((len(codes), len(labels)), np.nan)
    for row in rows:
        shares[codes.index(row["code"]), labels.index(row["label"])] = row["share"]
    differ = {t["code"] for t in tests if t["verdict"] == DIFFERS and t["value"] == value}
    row_in = min(0.26, (HEIGHT_IN - 1.4) / len(codes))
    figure = Figure(figsize=(WIDTH_IN, 1.4 + row_in * len(codes)), layout="constrained")
    axis = figure.subplots()
    image = _heat(axis, shares, 0, 1)
    if row_in > 0.12 and len(labels) <= 20:
        _write_cells(axis, shares, 0, 1, lambda share: f"{100 * share:.0f}")
    axis.set_xticks(range(len(labels)), labels, rotation=0 if len(labels) <= 8 else 60)
    names = [f"{code} *" if code in differ else code for code in codes]
    axis.set_yticks(range(len(codes)), names, fontsize=TINY_PT if row_in < 0.16 else SMALL_PT)
    axis.set_xlabel("Label (numbers: per cent of a code's outputs)")
    figure.colorbar(image, ax=axis, pad=0.02, label="Share of outputs")
    overall = next((t for t in tests if t["code"] == "all" and t["value"] == value), None)
    found = "" if overall is None else f"; all codes: p = {overall['p_holm']:.2g} (Holm)"
    figure.suptitle(f"Labels by code at the value {value:g}; *: differs from the others{found}")
    return figure


def draw_pairs(rows: list[dict], effects: list[dict], name: str, unit: str) -> Figure:
    """A heat map for each pair: the share or mean at each two values, and the interaction.

    Args:
        rows: of pairs.csv, with ``mean`` where shares are NaN.
        effects: of interactions.csv.
        name: of the property.
        unit: of its mean.
    """
    key = "mean" if "mean" in rows[0] else "share"
    pairs = list(dict.fromkeys((row["latent_a"], row["latent_b"]) for row in rows))
    seen = [row[key] for row in rows if np.isfinite(row[key])] or [0.0]
    digits = 2 if key == "share" else 3
    low, high = (0.0, 1.0) if key == "share" else (min(seen), max(seen))
    found = {(row["latent_a"], row["latent_b"]): row for row in effects}
    figure, axes, _ = grid(len(pairs), 3, 2.3, 0.8)
    if len(pairs) < 3:
        figure.set_size_inches(1.2 + 2.9 * len(pairs), 3.3)
    for axis, pair in zip(axes, pairs, strict=True):
        here = [row for row in rows if (row["latent_a"], row["latent_b"]) == pair]
        a, b = (sorted(set(distinct(here, f"value_{side}"))) for side in "ab")
        table = np.full((len(a), len(b)), np.nan)
        for row in here:
            table[a.index(row["value_a"]), b.index(row["value_b"])] = row[key]
        image = _heat(axis, table[::-1], low, high)
        if len(b) <= 5:
            _write_cells(axis, table[::-1], low, high, lambda x: f"{x:.{digits}g}")
        for set_ticks, values in ((axis.set_xticks, b), (axis.set_yticks, a[::-1])):
            shown = range(0, len(values), -(-len(values) // 5))
            set_ticks(shown, [f"{values[k]:g}" for k in shown])
        axis.set(xlabel=pair[1], ylabel=pair[0])
        axis.set_title(_interaction(found.get(pair)), fontsize=SMALL_PT)
    what = "Share of outputs" if key == "share" else "Mean" + (f" ({unit})" if unit != "1" else "")
    figure.colorbar(image, ax=axes, pad=0.02, aspect=30, label=what)
    figure.suptitle(f"{'Share' if key == 'share' else 'Mean'} of {name} under pairs of variables")
    return figure


def _interaction(row):
    """The title of a pair: its interaction with the interval, and the verdict."""
    if row is None or not np.isfinite(row["interaction"]):
        return "too few"
    ends = f" [{row['lower']:.3g}, {row['upper']:.3g}]" if np.isfinite(row["lower"]) else ""
    return f"{row['verdict']}\n{row['interaction']:+.3g}{ends}"


def _heat(axis, table, low, high):
    """A heat map without frame or ticks' strokes."""
    axis.set_facecolor("#EEEEEE")
    axis.tick_params(length=0, labelsize=SMALL_PT)
    axis.spines[:].set_visible(False)
    masked = np.ma.masked_invalid(table)
    return axis.imshow(masked, cmap="Blues", vmin=low, vmax=high, aspect="auto")


def _write_cells(axis, table, low, high, text):
    """The number of each cell, in a colour that can be read on it."""
    for (y, x), value in np.ndenumerate(table):
        if np.isfinite(value):
            dark = value - low > 0.6 * (high - low)
            axis.text(
                x, y, text(value), ha="center", va="center", fontsize=TINY_PT,
                color="white" if dark else "black",
            )  # fmt: skip
