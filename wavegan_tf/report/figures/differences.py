"""Paired differences between a condition and the reference, layer by layer."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import BLUE, GREY, ORANGE, grid
from wavegan_tf.report.reading import Run, distinct, layer_title, measure_title


def draw_differences(run: Run, label: str, rows: list[dict]) -> Figure | None:
    """A panel per measure: the mean difference at each layer with its 95 % interval.

    Args:
        run: the run.
        label: of the intervals.
        rows: of differences.csv, of one channel, label, condition and reference.

    Returns:
        The figure; None where nothing could be compared.
    """
    known = [row for row in rows if np.isfinite(row["difference"])]
    if not known:
        return None
    measures = distinct(known, "measure")
    there = set(distinct(rows, "layer"))
    layers = [name for name in [run.target, *reversed(run.layers)] if name in there]
    figure, axes, _ = grid(len(measures), 4, 0.5 + 0.14 * len(layers), 0.9, sharey=True)
    for axis, measure in zip(axes, measures, strict=True):
        here = {row["layer"]: row for row in known if row["measure"] == measure}
        axis.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        for place, layer in enumerate(layers):
            if layer in here:
                _draw_difference(axis, place, here[layer])
        axis.set_title(measure_title(measure, next(iter(here.values()))["unit"]))
        axis.margins(x=0.12)
        axis.locator_params(axis="x", nbins=4)
        axis.tick_params(axis="x", labelbottom=True)
    axes[0].set_yticks(range(len(layers)), [layer_title(name) for name in layers])
    axes[0].set_ylim(len(layers) - 0.5, -0.5)
    first = known[0]
    figure.suptitle(
        f"{label.capitalize()} intervals: {first['condition']} minus {first['reference']}, mean of "
        f"up to {max(row['n'] for row in known):.0f} pairs"
    )
    figure.supxlabel(
        "Difference with its 95 % interval; filled: differs (Holm, p < 0.05); open: not "
        "shown, or too few",
        fontsize=8,
    )
    return figure


def _draw_difference(axis, place, row):
    """A dot with its interval, filled where the difference is significant."""
    differs = row["verdict"] == "differs"
    colour = ORANGE if differs else BLUE
    if np.isfinite(row["low"]):
        axis.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1)
    face = colour if differs else "white"
    axis.plot(row["difference"], place, "o", color=colour, markerfacecolor=face, markersize=4)
