"""Averaged layers over time: all of one output, the last two overlaid, the steps of a sweep."""

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from wavegan_tf.analysis.averages import upsample_linear
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

SILENCE_SHARE = 0.03
"""Frames whose RMS is below this share of the loudest count as silence (-30 dB; the silence
threshold of Praat's pitch analysis)."""


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


def draw_interpolation(
    panels: list[Panel], config: dict, target: str, reduce: str = "mean"
) -> Figure:
    """A panel per layer, a line per step, coloured by the value of the latent (Figs. 9-10).

    All series are upsampled linearly to the length of the output. Within a panel the lines are
    drawn from the strongest to the weakest (RMS), so that none is hidden. The time axis is cut
    where only silence follows: 50 ms after the last 10 ms frame whose RMS, in any step of the
    output, is at least 3 % of the loudest frame's.

    Args:
        panels: the layers, in order.
        config: of the run, with ``vary``.
        target: the layer whose silence cuts the axis.
        reduce: what became of the feature maps (``--reduce``).
    """
    rate_hz, length = config["sample_rate_hz"], config["slice_len"]
    name, values = config["vary"]["name"], np.asarray(config["vary"]["values"], float)
    end_s = _silence_from_s([panel for panel in panels if panel.layer == target], length / rate_hz)
    stop = min(length, int(np.ceil(end_s * rate_hz)))
    times_s = (np.arange(stop) + 0.5) / rate_hz
    # viridis without its palest end, which is lost on white paper
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, 256))
    colours = LinearSegmentedColormap.from_list("steps", colours)
    norm = Normalize(values.min(), values.max() if np.ptp(values) else values.min() + 1)
    figure, axes = stacked(len(panels), 1.6, sharex=True)
    width = 0.6 if len(values) <= 15 else 0.4
    for axis, panel in zip(axes, panels, strict=True):
        sounds = upsample_linear(panel.series, length)[:, :stop]
        strength = np.mean(np.nan_to_num(sounds) ** 2, axis=-1)
        for step in np.argsort(-strength, kind="stable"):
            axis.plot(times_s, sounds[step], color=colours(norm(values[step])), linewidth=width)
        axis.set_title(panel.heading())
        axis.margins(y=0.05)
    axes[-1].set(xlim=(0, end_s), xlabel="Time (s)")
    ticks = values if len(values) <= 11 and np.ptp(values) else None
    aspect = 6 * figure.get_figheight()  # a bar of one width, however tall
    bar = {"label": name, "aspect": aspect, "pad": 0.02, "ticks": ticks}
    figure.colorbar(ScalarMappable(norm, colours), ax=list(axes), **bar)
    figure.supylabel(f"{activation_title(reduce)} ({layer_title(target)}: amplitude)", fontsize=8)
    figure.suptitle(f"Averaged layers while {name} changes, all else frozen")
    return figure


def _silence_from_s(out, duration_s):
    """Time after which every step of the output is silent, in s; the end without an output."""
    if not out:
        return duration_s
    rate_hz = out[0].rate_hz
    sound = np.nan_to_num(np.stack([panel.series for panel in out]))  # [channels, n, length]
    frame = max(1, round(0.01 * rate_hz))
    count = sound.shape[-1] // frame
    frames = sound[..., : count * frame].reshape(*sound.shape[:2], count, frame)
    rms = np.sqrt(np.mean(frames**2, axis=-1)).max(axis=(0, 1))  # [frames]
    if not rms.max():
        return duration_s
    last = np.flatnonzero(rms >= SILENCE_SHARE * rms.max())[-1]
    return min(duration_s, (last + 1) * frame / rate_hz + 0.05)
