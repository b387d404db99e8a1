"""Averaged layers over time: all of one output, the last two overlaid."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    WIDTH_IN,
    above_right,
    label_legend,
    shade,
    stacked,
)
from wavegan_tf.report.reading import Panel, layer_title

ZOOM_S = 0.08
"""Length of the stretch that the overlay shows enlarged: some periods of a voice."""

LINE_COLUMNS = 1500
"""Stretches of a long line of which the extremes are drawn: more than a page has pixels."""


def draw_layers(
    panels: list[Panel],
    i: int,
    duration_s: float,
    intervals: dict,
    target: str,
    name: str,
    reduce: str = "mean",
) -> Figure:
    """One panel per layer of one output on a common time axis, the target's intervals shaded.

    Args:
        panels: the layers, in order.
        i: row of the series.
        duration_s: of the time axis.
        intervals: by channel, (label, start_s, end_s) each; layers show those of channel 1.
        target: the layer drawn in black.
        name: of the output, for the title.
        reduce: what became of the feature maps (``--reduce``).
    """
    figure, axes = stacked(len(panels), 1.15, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        shade(axis, intervals.get(panel.channel or 1, []))
        colour = "black" if panel.layer == target else BLUE
        axis.plot(panel.times_s(), panel.series[i], color=colour)
        axis.set_title(panel.heading())
        axis.margins(y=0.08)
    shown = [interval for channel in intervals.values() for interval in channel]
    label_legend(axes[0], shown)
    of = f"; shaded: intervals found in {layer_title(target)}" if shown else ""
    of += " (on the layers those of channel 1)" if shown and len(intervals) > 1 else ""
    axes[-1].set(xlim=(0, duration_s), xlabel=f"Time (s){of}")
    figure.supylabel(f"{activation_title(reduce)} ({layer_title(target)}: amplitude)", fontsize=8)
    what = "averages over" if reduce == "mean" else f"{reduce} of"
    figure.suptitle(f"{name}: {what} the feature maps of each layer")
    return figure


def activation_title(reduce: str) -> str:
    """What the y-axis of a layer shows."""
    return "Mean activation" if reduce == "mean" else f"Activation ({reduce} of the maps)"


def draw_overlay(
    target: Panel, others: list[Panel], i: int, duration_s: float, intervals: list, name: str
) -> Figure:
    """The target under up to two layers, scaled to its peak; whole, and enlarged where loudest.

    Args:
        target: the output, or one channel of it.
        others: the layers, the one drawn on top last.
        i: row of the series.
        duration_s: of the time axis.
        intervals: (label, start_s, end_s) each.
        name: of the output, for the title.
    """
    figure = Figure(figsize=(WIDTH_IN, 4.4), layout="constrained")
    axes = figure.subplots(2)
    lines = [(target, 1.0, target.title, GREY)]
    for panel, colour in zip(reversed(others), (ORANGE, BLUE), strict=False):
        peak = _peak(panel.series[i])
        factor = _peak(target.series[i]) / peak if peak else 0.0
        factor = factor or 1.0  # a silent output or layer is drawn as it is
        lines.append((panel, factor, f"{panel.title} × {factor:.3g}", colour))
    start_s = _loudest_s(target.series[i], target.rate_hz)
    for axis, width, alpha in zip(axes, (0.5, 1.0), (0.75, 1), strict=True):
        shade(axis, intervals, alpha=0.18)
        for panel, factor, label, colour in lines:
            axis.plot(
                panel.times_s(),
                factor * panel.series[i],
                color=colour,
                linewidth=width,
                alpha=alpha,
                label=label,
            )
        axis.set_ylabel("Amplitude (scaled)")
    label_legend(axes[0], intervals, alpha=0.18)
    axes[0].axvspan(start_s, start_s + ZOOM_S, 0, 0.03, color="black", linewidth=0)
    axes[0].set(xlim=(0, duration_s), title="Whole output; black bar: the stretch enlarged below")
    axes[1].set(
        xlim=(start_s, start_s + ZOOM_S),
        xlabel="Time (s)",
        title=f"The loudest {1000 * ZOOM_S:g} ms",
    )
    drawn = axes[1].get_lines()
    above_right(axes[1], handles=drawn, ncols=len(drawn))
    figure.suptitle(f"{name}: averaged layers, each scaled to the peak of {target.title}")
    return figure


def _peak(series):
    """Largest absolute value of the finite samples, 0 if there is none."""
    return float(np.max(np.abs(series), initial=0, where=np.isfinite(series)))


def _loudest_s(series, rate_hz):
    """Start of the stretch of ``ZOOM_S`` with the most energy, in s; 0 in silence."""
    n = min(len(series), max(1, round(ZOOM_S * rate_hz)))
    energy = np.concatenate([[0.0], np.cumsum(np.nan_to_num(series.astype(np.float64)) ** 2)])
    return int(np.argmax(energy[n:] - energy[:-n])) / rate_hz


def extremes(panel: Panel, end_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Points of a line that looks like the series, however many samples it has.

    Of a line with three times :data:`LINE_COLUMNS` samples or more the lowest and the highest of
    each of about that many stretches are kept, in their order: every peak stands, and files stay
    small. The outer samples are held to either end of the series.

    Args:
        panel: with a series ``[length]``.
        end_s: where the line may end.

    Returns:
        Times in s and values, both ``[points]``.
    """
    duration_s = panel.series.shape[-1] / panel.rate_hz
    times_s = np.concatenate([[0.0], panel.times_s(), [duration_s]])
    series = np.pad(panel.series, 1, mode="edge")
    count = int((times_s <= end_s + 1 / panel.rate_hz).sum())
    width = count // LINE_COLUMNS
    if width <= 2:
        return times_s[:count], series[:count]
    starts = np.arange(0, count - width + 1, width)
    blocks = series[: len(starts) * width].reshape(-1, width)
    kept = np.stack([blocks.argmin(axis=1), blocks.argmax(axis=1)], axis=1) + starts[:, None]
    kept = np.concatenate([np.sort(kept, axis=1).ravel(), np.arange(blocks.size, count)])
    return times_s[kept], series[kept]
