"""A measure in normalised time, the target against each layer (Beguš & Zhou 2022, Figs. 6-7)."""

import textwrap
from array import array
from collections import Counter

import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from wavegan_tf.report.figures.style import BLUE, GREY, grid, say_below
from wavegan_tf.report.reading import Run, layer_title, measure_title
from wavegan_tf.report.tables import stream_csv

MEASURES = ("f0", "intensity", "f1", "f2", "hnr")
"""Measures that get a figure."""

MAX_LINES = 60
"""Intervals drawn as single lines, from the first on; more make one grey area."""


MIN_OUTPUTS = 3
"""Outputs that a mean needs: those of one or two are seen as they are, and their interval would be
wider than the panel."""


class Contour:
    """One measure of one layer: points of voiced intervals as they are read, NaN left out."""

    def __init__(self):
        """No points."""
        self.cells = array("d")  # id, interval, point, value, id, ...
        self.reasons = Counter()

    def add(self, output: str, interval: str, point: str, value: str, reason: str) -> None:
        """Take a row of measurements.csv."""
        number = float(value)
        if np.isfinite(number):
            self.cells.extend((int(output), int(interval), int(point), number))
        else:
            self.reasons[reason] += 1

    def matrix(self, points: int) -> tuple[np.ndarray, np.ndarray]:
        """Ids of the intervals' outputs ``[intervals]``; values ``[intervals, points]`` or NaN."""
        cells = np.frombuffer(self.cells, np.float64).reshape(-1, 4)
        places, row = np.unique(cells[:, :2], axis=0, return_inverse=True)
        values = np.full((len(places), points), np.nan)
        values[row.ravel(), cells[:, 2].astype(int) - 1] = cells[:, 3]
        return places[:, 0].astype(int), values


def read_contours(run: Run) -> tuple[dict, dict, int]:
    """Read the voiced intervals' points of :data:`MEASURES`, in one pass over measurements.csv.

    Returns:
        A dict (channel, measure) -> layer -> :class:`Contour`; measure -> unit; points per
        interval.
    """
    contours, units, points = {}, {}, 0
    columns = (
        "label", "measure", "channel", "layer", "id", "interval", "point", "value", "reason", "unit"
    )  # fmt: skip
    for row in stream_csv(run.directory / "measurements.csv", columns):
        label, measure, channel, layer, *place = row[:7]
        if label == "voiced" and measure in MEASURES:
            layers = contours.setdefault((channel, measure), {})
            if layer not in layers:
                layers[layer] = Contour()
            layers[layer].add(*place, row[7], row[8])
            units[measure] = row[9]
            points = max(points, int(row[6]))
    return contours, units, points


def mean_and_band(ids: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Mean over outputs, and half the width of its 95 % interval (Student's t).

    Intervals of one output are averaged first: outputs are independent, intervals are not.

    Args:
        ids: output of each interval, ``[intervals]``.
        values: ``[intervals, points]``, possibly with NaN.

    Returns:
        The mean and half-width, both ``[points]``, NaN where fewer than :data:`MIN_OUTPUTS` outputs
        have a value; and the number of outputs with any value.
    """
    _, row = np.unique(ids, return_inverse=True)
    count = np.zeros((row.max(initial=-1) + 1, values.shape[1]))
    total = np.zeros_like(count)
    np.add.at(count, row, np.isfinite(values))
    np.add.at(total, row, np.nan_to_num(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        outputs = total / count  # [outputs, points]; NaN where an output has no value
        n = np.isfinite(outputs).sum(axis=0)
        mean = np.nansum(outputs, axis=0) / n
        variance = np.nansum((outputs - mean) ** 2, axis=0) / (n - 1)
        half = stats.t.ppf(0.975, np.maximum(n - 1, 1)) * np.sqrt(variance / n)
    mean[n < MIN_OUTPUTS] = half[n < MIN_OUTPUTS] = np.nan
    return mean, half, int(count.any(axis=1).sum())


def draw_contours(run: Run, contours: dict, measure: str, unit: str, points: int) -> Figure | None:
    """A panel per layer, the target's contours in each.

    Args:
        run: the run.
        contours: layer -> :class:`Contour`, of one channel.
        measure: its name.
        unit: its unit.
        points: per interval.

    Returns:
        The figure; None where the target or every other layer has no value.
    """
    layers = [name for name in run.layers if name in contours]
    target = contours.get(run.target)
    if not target or not target.cells or not any(contours[name].cells for name in layers):
        return None
    figure, axes, leftmost = grid(len(layers), 5, 2.3, sharex=True, sharey=True)
    for axis, name in zip(axes, layers, strict=True):
        _draw_contour(axis, target, points, GREY, "black", run.target_title)
        if contours[name].cells:
            n = _draw_contour(axis, contours[name], points, BLUE, BLUE, "layer")
            axis.set_title(f"{layer_title(name)}  (n = {n})")
        else:
            axis.set_title(f"{layer_title(name)}  (no value)")
            why = contours[name].reasons.most_common(1)[0][0]
            say_below(axis, textwrap.fill(why, 26 if len(layers) < 5 else 20))
    known = [np.frombuffer(contours[name].cells)[3::4] for name in (run.target, *layers)]
    known = np.concatenate(known)
    low, high = known.min(), known.max()  # of the values: bands may go beyond
    margin = 0.05 * (high - low) or 1.0
    axes[0].set(xlim=(0, 1), ylim=(low - margin, high + margin))
    axes[0].set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    for axis in leftmost:
        axis.set_ylabel(measure_title(measure, unit))
    handles = [line for line in axes[0].get_lines() if line.get_label()[0] != "_"][:1]
    drawn = next(a for a, name in zip(axes, layers, strict=True) if contours[name].cells)
    handles += [line for line in drawn.get_lines() if line.get_label() == "layer"]
    figure.legend(handles=handles, loc="outside lower right", ncols=2)
    figure.supxlabel("Normalised time (0: start, 1: end of a voiced interval)", fontsize=8)
    figure.suptitle(
        f"{measure_title(measure)}: {run.target_title} against each layer; thick: mean over n "
        f"outputs and its 95 % interval (at least {MIN_OUTPUTS})"
    )
    return figure


def _draw_contour(axis, contour, points, thin, thick, label):
    """Thin lines for intervals, a thick one with its band for the mean; returns the outputs."""
    ids, values = contour.matrix(points)
    place = (np.arange(points) + 0.5) / points
    axis.plot(
        place, values[:MAX_LINES].T, color=thin, linewidth=0.4, alpha=0.5, zorder=1,
        marker=".", markersize=2.5, markeredgewidth=0, label="_thin",
    )  # fmt: skip
    mean, half, outputs = mean_and_band(ids, values)
    axis.fill_between(
        place, mean - half, mean + half, color=thick, alpha=0.22, linewidth=0, zorder=2
    )
    axis.plot(place, mean, color=thick, linewidth=1.6, zorder=3, label=label)
    return outputs
