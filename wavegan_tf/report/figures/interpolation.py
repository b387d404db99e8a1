"""An interpolation: every layer at every step, as lines and as an image of time and value.

Beguš & Zhou 2022, section IV-D, Figs. 9-10.
"""

import textwrap
from collections.abc import Iterator

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from wavegan_tf.report.figures import changes, responses, shifts
from wavegan_tf.report.figures.style import stacked
from wavegan_tf.report.figures.sweeps import (
    Interpolation,
    Series,
    open_interpolation,
    read_series,
    spread_places,
    value_edges,
)
from wavegan_tf.report.figures.waveforms import activation_title, extremes
from wavegan_tf.report.reading import Panel, Run, layer_title

SILENCE_SHARE = 0.03
"""Frames whose RMS is below this share of the loudest count as silence (-30 dB; the silence
threshold of Praat's pitch analysis)."""

TITLE_COLUMNS = 95
"""Letters that a line of a title holds."""

RANGE_DB = 40.0
"""Levels below a layer's maximum that an image of time and value tells apart."""


def interpolation_figures(run: Run, max_bases: int) -> Iterator[tuple[str, Figure | None]]:
    """Name and draw the figures of an interpolation, one at a time; None has nothing to show.

    Args:
        run: of interpolate.py.
        max_bases: bases to draw line by line, from the first on.

    Raises:
        InputError: the run is no interpolation, an older version's, or lacks series.npz.
    """
    interpolation = open_interpolation(run)
    series = read_series(interpolation, max_bases)
    for k, sweep in enumerate(interpolation.sweeps):
        for base in range(min(max_bases, interpolation.n_bases)):
            name = f"interpolation_{sweep.name}_base{base:04d}"
            yield name, draw_steps(interpolation, series, base, k, max_bases)
        yield f"time_value_{sweep.name}", draw_time_value(interpolation, series, k)
    yield from responses.response_figures(interpolation)
    yield from shifts.shift_figures(interpolation)
    yield from changes.change_figures(interpolation)


def draw_steps(
    interpolation: Interpolation, series: Series, base: int, k: int, max_bases: int
) -> Figure:
    """A panel per layer, a line per step, coloured by the value of the latent (Figs. 9-10).

    Straight lines join the samples, each at the middle of the time it covers: the linear
    upsampling of the paper. Within a panel the lines are drawn from the strongest to the weakest
    (RMS), so that none is hidden. The time axis is cut where only silence follows: 50 ms after the
    last 10 ms frame whose RMS, in any step of the output, is at least 3 % of the loudest frame's.

    Args:
        interpolation: the run.
        series: of its outputs.
        base: the vector that is moved, counted from 0.
        k: the sweep; others stand at their first value.
        max_bases: bases that have such a figure.
    """
    run, sweep = interpolation.run, interpolation.sweeps[k]
    steps = sweep.chosen()
    values, ids = sweep.values[steps], interpolation.line(base, k)[steps]
    panels = [
        panel._replace(series=np.stack([series.kept[panel.title][i] for i in ids]))
        for panel in series.panels
    ]
    end_s = silence_from_s([p for p in panels if p.layer == run.target], run.duration_s)
    # viridis without its palest end, which is lost on white paper
    colours = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, 256))
    colours = LinearSegmentedColormap.from_list("steps", colours)
    low, high = sweep.values.min(), sweep.values.max()
    norm = Normalize(low, high if high > low else low + 1)
    figure, axes = stacked(len(panels), 1.6, sharex=True)
    width = 0.6 if len(values) <= 15 else 0.4
    for axis, panel in zip(axes, panels, strict=True):
        strength = np.mean(np.nan_to_num(panel.series) ** 2, axis=-1)
        for step in np.argsort(-strength, kind="stable"):
            line = extremes(panel._replace(series=panel.series[step]), end_s)
            axis.plot(*line, color=colours(norm(values[step])), linewidth=width)
        axis.set_title(panel.heading())
        axis.margins(y=0.05)
    axes[-1].set(xlim=(0, end_s), xlabel="Time (s)")
    ticks = values[spread_places(values, 0.03 * (high - low))] if len(values) <= 11 else None
    aspect = 6 * figure.get_figheight()  # a bar of one width, however tall
    bar = {"label": sweep.axis_title, "aspect": aspect, "pad": 0.02, "ticks": ticks}
    figure.colorbar(ScalarMappable(norm, colours), ax=list(axes), **bar)
    amplitude = f"({layer_title(run.target)}: amplitude)"
    figure.supylabel(f"{activation_title(run.reduce)} {amplitude}", fontsize=8)
    n = interpolation.n_bases
    drawn = f" (the first {max_bases} are drawn)" if max_bases < n else ""
    of = f"Base {base} of {n}{drawn}: averaged" if n > 1 else "Averaged"
    frozen = ", all else frozen" if sweep.name != "t" else ""
    few = len(values) < len(sweep.values)
    few = f" ({len(values)} of {len(sweep.values)} steps)" if few else ""
    others = interpolation.others_said(k).replace(" = ", "\xa0=\xa0")  # not to be broken
    title = f"{of} layers while {sweep.name} changes{few}{frozen}{others}"
    figure.suptitle(textwrap.fill(title, TITLE_COLUMNS).replace("\xa0", " "))
    return figure


def silence_from_s(out: list[Panel], duration_s: float) -> float:
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


def draw_time_value(interpolation: Interpolation, series: Series, k: int) -> Figure | None:
    """An image per layer, time by value of the latent: where and from which value on it is active.

    The level is that of the mean square over bases (and the values of other sweeps) in up to 256
    frames, in dB re the panel's maximum. Values are placed where they are, each as wide as half the
    way to its neighbours.

    Args:
        interpolation: the run.
        series: of its outputs.
        k: the sweep.

    Returns:
        The figure; None of a single value.
    """
    sweep, run = interpolation.sweeps[k], interpolation.run
    values, place = np.unique(sweep.values, return_inverse=True)
    if len(values) < 2:
        return None
    count = np.bincount(place)[:, None]
    edges = value_edges(values)
    figure, axes = stacked(len(series.panels), 1.35, sharex=True, sharey=True)
    image = None
    for axis, panel in zip(axes, series.panels, strict=True):
        frames = series.power[panel.title][k]
        power = np.zeros((len(values), frames.shape[1]))
        np.add.at(power, place, frames)
        times_s = np.linspace(0, run.duration_s, frames.shape[1] + 1)
        image = axis.pcolormesh(
            times_s, edges, level_db(power / count), cmap="viridis", vmin=-RANGE_DB, vmax=0,
            rasterized=True,
        )  # fmt: skip
        top = 10 * np.log10(power.max()) if power.max() > 0 else -np.inf
        axis.set_title(f"{panel.heading()}; maximum: {top:.1f} dB re 1")
        for edge in sweep.training or ():
            if edges[0] < edge < edges[-1]:
                axis.axhline(edge, color="white", linewidth=0.6, linestyle=(0, (4, 3)))
    if len(values) <= 6 and np.diff(values).min() > 0.1 * np.ptp(values):
        axes[0].set_yticks(values, [f"{value:g}" for value in values])
    axes[-1].set(xlim=(0, run.duration_s), xlabel="Time (s)", ylim=(edges[0], edges[-1]))
    dashed = " (dashed: training range)" if sweep.training else ""
    figure.supylabel(sweep.axis_title + dashed, fontsize=8)
    bar = {
        "label": "Level, with the mean (dB re the panel's maximum)",
        "aspect": 6 * figure.get_figheight(),
    }
    figure.colorbar(image, ax=list(axes), pad=0.02, extend="min", **bar)
    averaged = interpolation.mean_said(k)
    figure.suptitle(f"Level of each layer while {sweep.name} changes, {averaged}")
    return figure


def level_db(power: np.ndarray) -> np.ndarray:
    """Level re the maximum, no lower than twice :data:`RANGE_DB` below it; 0 / 0 is the floor."""
    top = power.max()
    floor = 10 ** (-2 * RANGE_DB / 10)
    return 10 * np.log10(np.maximum(power / top if top > 0 else 0 * power, floor))
