"""Figures of intervene: the share that each part of each layer carries, how many maps it takes."""

import math
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wavegan_tf.output import style
from wavegan_tf.output.names import layer_title, measure_title, within_sentence
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import BLUE, GREY, ORANGE, SMALL_PT, TINY_PT, grid

COLOURS = {"average": ORANGE, "gain": style.AMBER, "rest": BLUE, "maps": style.GREEN}
FILLED = ("carries", "overshoots", "changes")
SHARE_LIMITS = (-0.5, 1.5)
"""Shares far outside are drawn at the edge as arrows."""

SHARES = (
    "Means with intervals over outputs; filled: carries or overshoots; hollow: not, or no more "
    "than a gain; arrow: off the axis\ndotted: the untouched output at its best gain; black "
    "tick: the same part of another base vector's output"
)
CHANGES = "Means with intervals over outputs; hollow: not shown; ×: a distance, no test"


def effect_title(result: Run) -> str:
    """Names the effect: ``z11=0 to z11=15``, ``parts silenced``."""
    by, start, end = (result.settings[name] for name in ("by", "from", "to"))
    if by == "other":
        return f"{start or 'as drawn'} to {end or 'as drawn'}"
    if by == "mean":
        return "parts replaced by their mean over the outputs"
    return f"parts scaled by {by:g}" if by else "parts silenced"


def part_title(row: Any) -> str:
    """Names what a row replaced: ``gain``, ``maps 3,17``, ``0.1-0.3 s``."""
    maps = str(row["maps"])
    if row["patch"] == "maps":
        return f"maps {maps}" if len(maps) < 13 else f"maps {maps[:9]}.."
    return f"{row['start_s']:g}-{row['end_s']:g} s" if row["patch"] == "window" else row["patch"]


def measure_name(measure: str, result: Run, unit: str = "") -> str:
    """Names a measure: ``RMS level (dB)``, ``Level above 1500 Hz``."""
    if measure == "high":
        title = f"Level above {result.settings['intervals']['frication_above_hz']:g} Hz"
        return f"{title} ({unit})" if unit else title
    return measure_title(measure, unit)


def scan_title(result: Run) -> str:
    """Names what the scan tells: a share of the effect, or of the power that changes."""
    if result.settings["by"] != "other":
        return "Share of the power changed"
    return f"Share of the effect: {within_sentence(measure_name(result.settings['scan'], result))}"


def key_of(result: Run) -> tuple[str, str, str]:
    """Names the columns that are shown: the share, or without another end the change."""
    if result.settings["by"] == "other":
        return "estimate", "low", "high"
    return "change", "change_low", "change_high"


def with_value(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """Chooses the rows of measures that have a value in a column."""
    told = rows.groupby("measure")[column].transform(lambda x: np.isfinite(x).any())
    return rows[told.astype(bool)]


def _rows(result: Run, windows: bool) -> pd.DataFrame:
    """Chooses rows of stretches or of other parts, of the measures that have a value."""
    rows = result.table("interventions")
    if rows.empty:
        return rows
    return with_value(rows[(rows["patch"] == "window") == windows], key_of(result)[0])


def draw_parts(result: Run) -> Figure:
    """Draws a panel per measure, a row per layer and part: shares, or changes."""
    rows, other = _rows(result, False), result.settings["by"] == "other"
    low, high = SHARE_LIMITS if other else (-math.inf, math.inf)
    measures = list(rows["measure"].unique())
    parts = rows[rows["measure"] == measures[0]]
    new_layer = parts["layer"].ne(parts["layer"].shift()).to_numpy()
    places = np.cumsum(np.where(new_layer, 1.6, 1.0)) - 1.6
    figure, axes, left = grid(len(measures), 4, 0.5 + 0.16 * len(places), 1.0, sharey=True)
    for axis, measure in zip(axes, measures, strict=True):
        here = rows[rows["measure"] == measure]
        for y, row in zip(places, here.to_dict("records"), strict=True):
            value, *ends = (row[k] for k in key_of(result))
            if not math.isfinite(value):
                continue
            if other and low <= row["control"] <= high:
                axis.plot(row["control"], y, "|", color="black", markersize=5, zorder=1)
            look = style.dot(row["verdict"] in FILLED, COLOURS.get(row["patch"], style.SKY))
            if math.isfinite(ends[0]):
                axis.plot(ends, [y, y], color=look["color"], linewidth=1.2)
            marker = "o" if low <= value <= high else "<" if value < low else ">"
            look["marker"] = marker if row["verdict"] else "x"
            axis.plot(min(max(value, low + 0.04), high - 0.04), y, **look)
        axis.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        axis.set_title(measure_name(measure, result, "" if other else here["unit"].iloc[0]))
        if other:
            for x in here["scaled"].dropna()[:1]:
                axis.axvline(x, color="black", linewidth=0.8, linestyle=":", zorder=1)
            axis.axvline(1, color=GREY, linewidth=0.6, linestyle="--", zorder=0)
            axis.set(xlim=SHARE_LIMITS, xticks=[0, 0.5, 1])
        axis.tick_params(axis="y", length=0)
    axes[0].set_ylim(max(places) + 0.7, min(places) - 0.7)
    ticks = [f"{layer_title(x['layer'])} {part_title(x)}" for x in parts.to_dict("records")]
    for axis in left:
        axis.set_yticks(places, ticks, fontsize=TINY_PT)
    figure.supxlabel(SHARES if other else CHANGES, fontsize=TINY_PT)
    what = "Share of the effect that parts of each layer carry" if other else "Change in the output"
    figure.suptitle(f"{what}: {effect_title(result)}")
    return figure


def draw_windows(result: Run) -> Figure:
    """Draws a heat map per measure: layer x stretch, the share or change."""
    rows, key = _rows(result, True), key_of(result)[0]
    shares = key == "estimate"
    rows = rows[rows["measure"].isin(("waveform", "shape", "spectrum", "rms", "high"))]
    rows = rows.assign(at=[f"{row.start_s:g}–{row.end_s:g}" for row in rows.itertuples()])
    layers, stretches, measures = (list(rows[x].unique()) for x in ("layer", "at", "measure"))
    figure, axes, _ = grid(len(measures), 1, 0.55 + 0.2 * len(layers), 0.8)
    for axis, measure in zip(axes, measures, strict=True):
        here = rows[rows["measure"] == measure]
        heat = here.pivot(index="layer", columns="at", values=key).loc[layers, stretches].to_numpy()
        limit = np.nanmax(np.abs(heat)) or 1.0
        limit = min(limit, 1.0) if shares else limit
        image = style.heat(axis, heat, -limit, limit)
        for row in here[here["verdict"].isin(FILLED)].itertuples():
            at = stretches.index(row.at), layers.index(row.layer)
            axis.plot(*at, ".", color="black", markersize=2.5)
        axis.set_yticks(range(len(layers)), [layer_title(name) for name in layers])
        every = max(1, len(stretches) // 10)
        axis.set_xticks(range(0, len(stretches), every), stretches[::every], fontsize=TINY_PT)
        axis.set_title(measure_name(measure, result, "" if shares else here["unit"].iloc[0]))
        figure.colorbar(image, ax=axis, pad=0.01, aspect=12)
    dots = "carries" if shares else "shown"
    axes[-1].set_xlabel(f"Stretch of time replaced (s); dot: {dots}")
    what = "Share of the effect" if shares else "Change in the output"
    figure.suptitle(f"{what} when all maps are replaced in a stretch: {effect_title(result)}")
    return figure


def draw_curves(result: Run) -> Figure:
    """Draws the share of the most effective 1, 2, .. maps of each layer."""
    maps, needed = result.table("maps"), result.table("needed").reindex(columns=["layer", "n_maps"])
    figure, (axis,), _ = grid(1, 1, 2.5)
    layers = list(maps["layer"].unique())
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    for layer, colour in zip(layers, colours, strict=True):
        curve = maps[maps["layer"] == layer].sort_values("rank")
        percent, told = 100 * curve["rank"] / len(curve), needed[needed["layer"] == layer]
        counts = "/".join(f"{x}" for x in told["n_maps"]) or "–"
        label = f"{layer_title(layer)}: {counts} of {len(curve)}"
        share = np.concatenate([[0], curve["cumulative"]])
        axis.plot([0, *percent], share, color=colour, linewidth=1.1, label=label)
        ends = curve["cumulative_low"], curve["cumulative_high"]
        axis.fill_between(percent, *ends, color=colour, alpha=0.15, linewidth=0)
        for count in told["n_maps"]:
            axis.plot(100 * count / len(curve), share[count], "o", color=colour, markersize=3)
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.axhline(1, color=GREY, linewidth=0.6, linestyle="--", zorder=0)
    if (gain := maps["scaled"].iloc[0]) > 0:
        label = "any gain of the\nuntouched output"
        axis.axhline(gain, color="black", linewidth=0.8, linestyle=":", label=label)
    bottom, top = axis.get_ylim()
    axis.set(xlim=(0, 100), ylim=(max(bottom, -1), min(top, 2)), ylabel=scan_title(result))
    axis.set_xlabel("Maps replaced together, the most effective first (% of the layer's)")
    axis.legend(
        title="Maps for 50, 80, 95 %\nof what all do", fontsize=SMALL_PT, title_fontsize=SMALL_PT,
        loc="upper left", bbox_to_anchor=(1.01, 1), alignment="left",
    )  # fmt: skip
    figure.suptitle(f"How concentrated an effect is in each layer: {effect_title(result)}")
    return figure


def draw_scan(result: Run) -> Figure:
    """Draws the share of each map alone, a panel per layer."""
    maps = result.table("maps")
    layers = list(maps["layer"].unique())
    figure, axes, _ = grid(len(layers), 1, 1.5)
    for axis, layer in zip(axes, layers, strict=True):
        here = maps[maps["layer"] == layer]
        axis.bar(here["map"], here["estimate"], color=BLUE, width=0.8)
        width = min(0.8, 60 / len(here))
        axis.vlines(here["map"], here["low"], here["high"], color="black", linewidth=width)
        axis.axhline(0, color=GREY, linewidth=0.6)
        axis.set(xlim=(0.3, len(here) + 0.7), title=f"{layer_title(layer)} ({len(here)} maps)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=16, min_n_ticks=2))
        axis.margins(y=0.12)
    axes[-1].set_xlabel("Feature map")
    figure.supylabel(scan_title(result))
    figure.suptitle(f"What each feature map does alone: {effect_title(result)}")
    return figure


def drawings(result: Run) -> dict[str, Any]:
    """Lists what can be drawn: figures without a value are left out."""
    found, maps = {}, result.table("maps")
    if len(_rows(result, False)):
        found["shares" if result.settings["by"] == "other" else "changes"] = draw_parts
    if len(_rows(result, True)):
        found["windows"] = draw_windows
    if len(maps) and np.isfinite(maps["estimate"]).any():
        found |= {"curves": draw_curves, "scan": draw_scan}
    return found
