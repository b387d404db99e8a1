"""Interventions: the share that each part of each layer carries, and how many maps it takes."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from wavegan_tf.analysis.causes.interventions import (
    CARRIES,
    CHANGES,
    OVERSHOOTS,
    SHARES,
    maps_needed,
)
from wavegan_tf.analysis.causes.outputs import MEASURES
from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    SMALL_PT,
    TINY_PT,
    WIDTH_IN,
    grid,
    save_all,
)
from wavegan_tf.report.interventions import (
    curves,
    effect_title,
    part_title,
    read_interventions,
    read_maps,
    scan_title,
    title_of,
)
from wavegan_tf.report.reading import distinct, layer_title, open_run

COLOURS = {"average": ORANGE, "gain": "#E69F00", "rest": BLUE, "maps": "#009E73"}
SMALL = {"fontsize": SMALL_PT, "title_fontsize": SMALL_PT}
SHARE_LIMITS = (-0.5, 1.5)
"""Shares far outside are drawn at the edge as arrows."""


def draw_intervention_figures(out_dir: str | Path) -> list[Path]:
    """Draw what interventions show into ``out_dir/figures``, each as PNG and PDF.

    ``shares`` (interventions.csv; of a run without another end ``changes``), ``windows`` (the same,
    of stretches of time), ``curves`` and ``scan`` (maps.csv). A figure without a value is left out.

    Args:
        out_dir: a run of the tool intervene.

    Returns:
        The paths written, in order.
    """
    run = open_run(out_dir)
    rows, maps = read_interventions(out_dir), read_maps(out_dir)
    parts = [row for row in rows if row["patch"] != "window"]
    windows = [row for row in rows if row["patch"] == "window"]

    def drawn():
        name = "shares" if run.config["by"] == "other" else "changes"
        yield name, _draw_parts(run.config, parts)
        yield "windows", _draw_windows(run, windows)
        yield "curves", _draw_curves(run.config, maps)
        yield "scan", _draw_scan(run.config, maps)

    return save_all(run.directory, drawn())


def _keys(config):
    """What is drawn: the share, or without another end the change; with its interval."""
    if config["by"] == "other":
        return "share", "lower", "upper"
    return "change", "change_lower", "change_upper"


def _draw_parts(config, rows):
    """A panel per measure, a row per layer and part."""
    value, lower, upper = _keys(config)
    other = value == "share"
    measures = [
        m for m in distinct(rows, "measure")
        if any(np.isfinite(row[value]) for row in rows if row["measure"] == m)
    ]  # fmt: skip
    if not measures:
        return None
    places, ticks = _places([row for row in rows if row["measure"] == measures[0]])
    height_in = 0.5 + 0.16 * len(places)
    figure, axes, left = grid(len(measures), 4, height_in, 1.0, sharey=True)
    for axis, measure in zip(axes, measures, strict=True):
        here = [row for row in rows if row["measure"] == measure]
        for row, y in zip(here, places, strict=True):
            _draw_share(axis, y, [row[k] for k in (value, lower, upper)], row, other)
        axis.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        unit = "" if other or here[0]["unit"] == "1" else f" ({here[0]['unit']})"
        axis.set_title(title_of(measure, config) + unit)
        if other:
            _draw_controls(axis, here, places)
            axis.axvline(1, color=GREY, linewidth=0.6, linestyle="--", zorder=0)
            axis.set(xlim=SHARE_LIMITS, xticks=[0, 0.5, 1])
        axis.tick_params(axis="y", length=0)
    axes[0].set_ylim(max(places) + 0.7, min(places) - 0.7)
    for axis in left:
        axis.set_yticks(places, ticks, fontsize=TINY_PT)
    figure.supxlabel(_caption(rows, config), fontsize=TINY_PT)
    what = "Share of the effect that parts of each layer carry" if other else "Change in the output"
    figure.suptitle(f"{what}: {effect_title(config)}")
    return figure


def _draw_controls(axis, rows, places):
    """A dotted line where mere loudness leads; a tick where another base vector's part does."""
    scaled = [row["scaled"] for row in rows if np.isfinite(row["scaled"])]
    if scaled:
        axis.axvline(scaled[0], color="black", linewidth=0.8, linestyle=":", zorder=1)
    low, high = SHARE_LIMITS
    for row, y in zip(rows, places, strict=True):
        if low <= row["control"] <= high:
            axis.plot(row["control"], y, "|", color="black", markersize=5, zorder=1)


def _caption(rows, config):
    """What the points and the parts are."""
    other, by = config["by"] == "other", config["by"]
    if other:
        lines = [
            "Means with intervals over outputs; filled: carries or overshoots; hollow: not, or no "
            "more than a gain; arrow: off the axis",
            "dotted: the untouched output at its best gain; black tick: the same part of another "
            "base vector's output",
        ]
    else:
        lines = ["Means with intervals over outputs; hollow: not shown; ×: a distance, no test"]
    if any(row["patch"] in ("average", "gain", "rest") for row in rows):
        if other:
            whose = "the other's average"
        else:
            whose = "the mean output's average" if by == "mean" else f"the average times {by:g}"
        lines.append(
            f"average: {whose}, maps moved alike; gain: the same, maps scaled alike; "
            "rest: all but the average"
        )
    return "\n".join(lines)


def _places(rows):
    """Places on the y-axis, a gap between layers, and what stands there."""
    places, ticks, y, before = [], [], 0.0, None
    for row in rows:
        y += 1.0 if row["layer"] == before or before is None else 1.6
        places.append(y)
        ticks.append(f"{layer_title(row['layer'])} {part_title(row)}")
        before = row["layer"]
    return places, ticks


def _draw_share(axis, y, numbers, row, other):
    value, lower, upper = numbers
    if not np.isfinite(value):
        return
    colour = COLOURS.get(row["patch"], SKY)
    if np.isfinite(lower):
        axis.plot([lower, upper], [y, y], color=colour, linewidth=1.2)
    low, high = SHARE_LIMITS if other else (-np.inf, np.inf)
    shown = min(max(value, low + 0.04), high - 0.04)
    marker = "o" if low <= value <= high else "<" if value < low else ">"
    if not row["verdict"]:
        marker = "x"
    face = colour if row["verdict"] in (CARRIES, OVERSHOOTS, CHANGES) else "white"
    axis.plot(shown, y, marker, color=colour, markersize=4, markerfacecolor=face)


def _draw_windows(run, rows):
    """A heat map per measure: layer x stretch, the share or change."""
    value = _keys(run.config)[0]
    measures = [
        m for m in MEASURES
        if any(np.isfinite(row[value]) for row in rows if row["measure"] == m)
    ]  # fmt: skip
    if not measures:
        return None
    layers = distinct(rows, "layer")
    stretches = list(dict.fromkeys((row["start_s"], row["end_s"]) for row in rows))
    figure, axes, left = grid(len(measures), 1, 0.55 + 0.2 * len(layers), 0.8)
    for axis, measure in zip(axes, measures, strict=True):
        heat = np.full((len(layers), len(stretches)), np.nan)
        for row in (row for row in rows if row["measure"] == measure):
            at = layers.index(row["layer"]), stretches.index((row["start_s"], row["end_s"]))
            heat[at] = row[value]
            if row["verdict"] in (CARRIES, OVERSHOOTS, CHANGES):
                axis.plot(at[1], at[0], ".", color="black", markersize=2.5)
        limit = np.nanmax(np.abs(heat)) or 1.0
        limit = min(limit, 1.0) if value == "share" else limit
        scale = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit, "aspect": "auto"}
        image = axis.imshow(np.ma.masked_invalid(heat), **scale)
        axis.set_facecolor("#EEEEEE")
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)
        axis.set_yticks(range(len(layers)), [layer_title(name) for name in layers])
        every = max(1, len(stretches) // 10)
        shown = range(0, len(stretches), every)
        axis.set_xticks(shown, [f"{a:g}–{b:g}" for a, b in stretches[::every]], fontsize=TINY_PT)
        unit = next(row["unit"] for row in rows if row["measure"] == measure)
        title = title_of(measure, run.config)
        axis.set_title(title if value == "share" or unit == "1" else f"{title} ({unit})")
        figure.colorbar(image, ax=axis, pad=0.01, aspect=12)
    dots = "carries" if value == "share" else "shown"
    axes[-1].set_xlabel(f"Stretch of time replaced (s); dot: {dots}")
    what = "Share of the effect" if value == "share" else "Change in the output"
    figure.suptitle(f"{what} when all maps are replaced in a stretch: {effect_title(run.config)}")
    return figure


def _draw_curves(config, rows):
    """The share of the most effective 1, 2, .. maps of each layer."""
    if not rows:
        return None
    found = curves(rows)
    figure = Figure(figsize=(WIDTH_IN, 3.2), layout="constrained")
    axis = figure.subplots()
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, len(found)))
    drawn = 0.0
    for (layer, curve), colour in zip(found.items(), colours, strict=True):
        share = np.concatenate([[0], curve[:, 0]])
        if not np.isfinite(share).all():
            continue
        count = np.arange(len(share))
        drawn = max(drawn, len(curve))
        needed = maps_needed(curve[:, 0])
        told = "/".join(map(str, needed.values())) or "–"
        label = f"{layer_title(layer)}: {told} of {len(curve)}"
        axis.plot(100 * count / len(curve), share, color=colour, linewidth=1.1, label=label)
        axis.fill_between(
            100 * count[1:] / len(curve), curve[:, 1], curve[:, 2], color=colour, alpha=0.15,
            linewidth=0,
        )  # fmt: skip
        for level in needed.values():
            axis.plot(100 * level / len(curve), share[level], "o", color=colour, markersize=3)
    if not drawn:
        return None
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.axhline(1, color=GREY, linewidth=0.6, linestyle="--", zorder=0)
    if rows[0]["scaled"] > 0:
        style = {"color": "black", "linewidth": 0.8, "linestyle": ":"}
        axis.axhline(rows[0]["scaled"], label="any gain of the\nuntouched output", **style)
    bottom, top = axis.get_ylim()
    axis.set(xlim=(0, 100), ylim=(max(bottom, -1), min(top, 2)))
    axis.set(xlabel="Maps replaced together, the most effective first (% of the layer's)")
    axis.set_ylabel(scan_title(config))
    levels = ", ".join(f"{100 * share:g}" for share in SHARES)
    place = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "alignment": "left"}
    axis.legend(title=f"Maps for {levels} %\nof what all do", **SMALL, **place)
    figure.suptitle(f"How concentrated an effect is in each layer: {effect_title(config)}")
    return figure


def _draw_scan(config, rows):
    """The share of each map alone, a panel per layer."""
    if not any(np.isfinite(row["share"]) for row in rows):
        return None
    layers = distinct(rows, "layer")
    figure, axes, left = grid(len(layers), 1, 1.5)
    for axis, layer in zip(axes, layers, strict=True):
        here = [row for row in rows if row["layer"] == layer]
        number = np.array([row["map"] for row in here])
        share, lower, upper = (
            np.array([row[k] for row in here]) for k in ("share", "lower", "upper")
        )
        axis.bar(number, share, color=BLUE, width=0.8)
        axis.vlines(number, lower, upper, color="black", linewidth=min(0.8, 60 / len(here)))
        axis.axhline(0, color=GREY, linewidth=0.6)
        axis.set(xlim=(0.3, len(here) + 0.7), title=f"{layer_title(layer)} ({len(here)} maps)")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=16, min_n_ticks=2))
        axis.margins(y=0.12)
    axes[-1].set_xlabel("Feature map")
    figure.supylabel(scan_title(config), fontsize=8)
    figure.suptitle(f"What each feature map does alone: {effect_title(config)}")
    return figure
