"""Figures of a probe: the paper's figures 3 to 8, what is encoded where, durations, differences.

Everything is drawn from the tables, arrays and settings of a result; no statistic is computed here.
"""

import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.signal import spectrogram as scipy_spectrogram

from wavegan_tf.output import style
from wavegan_tf.output.names import (
    duration_s,
    layer_heading,
    layer_title,
    layers_of,
    measure_title,
    times_s,
)
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import BLUE, GREY, ORANGE, SMALL_PT, TINY_PT, grid
from wavegan_tf.output.text import DASH, fixed, p_value, with_interval

ZOOM_S = 0.08
"""Length of the stretch that the overlay shows enlarged: some periods of a voice."""

WINDOW_S, STEP_S, DYNAMIC_RANGE_DB = 0.005, 0.002, 70.0
"""Praat's defaults for a broad-band spectrogram: Gaussian window, 70 dB, +6 dB per octave."""

TOP_PERCENTILE = 99.5
"""Activations above it share a layer's strongest colour: one spike would leave all else white."""

MAX_LINES, MAX_WORDS = 60, 20
"""Intervals drawn as single lines, from the first on; words, those of the most recordings."""


class Panel(NamedTuple):
    """Holds one layer, or one channel of the target: ``series`` is ``[n, length]``."""

    layer: str
    title: str
    rate_hz: float
    nyquist_hz: float
    series: np.ndarray
    channel: int = 1

    def heading(self) -> str:
        """Makes a title with the layer's rate and Nyquist frequency."""
        return layer_heading(self.title, self.rate_hz, self.nyquist_hz)


def make_panels(result: Run, arrays: dict[str, np.ndarray]) -> list[Panel]:
    """Makes a panel of each layer with a series, and of each channel where there are several."""
    panels = []
    for about in result.settings["layers"]:
        name, rates = about["layer"], (about["rate_hz"], about["nyquist_hz"])
        if name not in arrays:
            continue
        channels = np.atleast_3d(arrays[name])
        for c in range(channels.shape[2]):
            several = f", channel {c + 1}" if arrays[name].ndim == 3 else ""
            title = layer_title(name) + several
            panels.append(Panel(name, title, *rates, channels[:, :, c], c + 1))
    return panels


def figures(result: Run) -> dict[str, Callable[[], Figure]]:
    """Lists the figures that a probe has values for, each with what draws it.

    Of each of the first outputs ``layers_0000`` (every averaged layer), ``overlay_0000`` (the two
    layers of the highest rates over the target; Beguš & Zhou 2022, Figs. 4-5),
    ``spectrograms_0000`` (Fig. 8) and ``maps_0000`` (Fig. 3). Of all outputs ``f0``, ``intensity``
    .. in normalised time (Figs. 6-7), ``durations_LABEL``, ``encoding_LABEL``, ``words`` and
    ``differences_LABEL_1``, one for each condition. Of several channels names end in ``_channel1``.
    """
    found = _of_outputs(result)
    for kind, name, draw in (
        ("contours", "{measure}", draw_contours),
        ("durations", "durations_{label}", draw_durations),
        ("correlations", "encoding_{label}", draw_encoding),
        ("differences", "differences_{label}_{number}", draw_differences),
    ):
        table = result.table(kind)
        if not len(table):
            continue
        numbers = pd.factorize(table["condition"])[0] + 1 if "condition" in table else 0
        rows = table.assign(number=numbers).to_dict("records")
        table = table.assign(figure=[name.format_map(row) for row in rows])
        several = table["channel"].nunique() > 1
        for (channel, stem), here in table.groupby(["channel", "figure"], sort=False):
            if kind == "contours":  # of the target and of a layer
                there = (here["layer"] == result.settings["target"]).nunique() == 2
            else:
                known = here["n"] > 0 if kind == "durations" else here["estimate"].notna()
                there = known.any()
            if there:
                key = f"{stem}_channel{channel}" if several else stem
                found[key] = partial(_of_channel, draw, result, here, several)
    if "words" in result.arrays:
        found["words"] = partial(draw_words, result)
    return found


def _of_channel(draw: Callable, result: Run, rows: pd.DataFrame, several: bool) -> Figure:
    """Draws and adds the channel to the title, where there are several."""
    figure = draw(result, rows)
    if several:
        figure.suptitle(f"Channel {rows['channel'].iloc[0]}. {figure.get_suptitle()}")
    return figure


def _of_outputs(result: Run) -> dict[str, Callable[[], Figure]]:
    """Lists the figures of the first outputs, one by one."""
    found: dict[str, Callable[[], Figure]] = {}
    count = result.settings["options"]["max_figures"]
    series = {name: x[:count] for name, x in result.arrays.get("series", {}).items()}
    panels, target = make_panels(result, series), result.settings["target"]
    targets = [panel for panel in panels if panel.layer == target]
    others = [panel for panel in panels if panel.layer != target]
    fastest = sorted(others, key=lambda panel: panel.rate_hz)[-2:]
    maps = result.arrays.get("maps", {})
    for i in range(len(panels[0].series) if panels else 0):
        found[f"layers_{i:04d}"] = partial(draw_layers, result, panels, i)
        if targets and fastest:
            found[f"overlay_{i:04d}"] = partial(draw_overlay, result, targets[0], fastest, i)
            pictures = partial(draw_spectrograms, result, [*targets, fastest[-1]], i)
            found[f"spectrograms_{i:04d}"] = pictures
        if maps and i < min(map(len, maps.values())):
            found[f"maps_{i:04d}"] = partial(draw_maps, result, i)
    return found


def output_title(result: Run, i: int) -> str:
    """Names an output in a title: its number, and of a recording its name."""
    if result.settings["network"] == "generator":
        return f"Output {i}"
    outputs = result.table("outputs").query("output == @i")
    return f"Recording {i} ({outputs['name'].iloc[0]})"


def intervals_of(result: Run, i: int) -> dict[int, list[tuple[str, float, float]]]:
    """Reads label, start and end (s) of the target's intervals of one output, by channel."""
    table, target = result.table("intervals"), result.settings["target"]
    if not len(table):
        return {}
    rows = table.query(f"output == {i} and measure == 'duration'")
    return {
        channel: list(zip(here["label"], here["start_s"], here["end_s"], strict=True))
        for channel, here in rows[rows["layer"] == target].groupby("channel")
    }


def draw_layers(result: Run, panels: list[Panel], i: int) -> Figure:
    """Draws a panel per layer of output ``i`` on one time axis, the target's intervals shaded."""
    intervals, target = intervals_of(result, i), result.settings["target"]
    reduce = result.settings["reduce"]
    figure, axes, _ = grid(len(panels), 1, 1.15, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        style.shade(axis, intervals.get(panel.channel, []))
        series, colour = panel.series[i], "black" if panel.layer == target else BLUE
        axis.plot(times_s(result, len(series)), series, color=colour)
        axis.set_title(panel.heading())
        axis.margins(y=0.08)
    shown = [interval for channel in intervals.values() for interval in channel]
    style.label_legend(axes[0], shown)
    of = f"; shaded: intervals found in {layer_title(target)}" if shown else ""
    of += " (on the layers those of channel 1)" if shown and len(intervals) > 1 else ""
    axes[-1].set(xlim=(0, duration_s(result)), xlabel=f"Time (s){of}")
    activation = "Mean activation" if reduce == "mean" else f"Activation ({reduce} of the maps)"
    figure.supylabel(f"{activation} ({layer_title(target)}: amplitude)")
    what = "averages over" if reduce == "mean" else f"{reduce} of"
    figure.suptitle(f"{output_title(result, i)}: {what} the feature maps of each layer")
    return figure


def draw_overlay(result: Run, target: Panel, others: list[Panel], i: int) -> Figure:
    """Draws up to two layers, scaled to the target's peak, over it; the last one on top.

    Above the whole output, below enlarged where the target is loudest.
    """
    intervals = intervals_of(result, i).get(1, [])
    figure, axes, _ = grid(2, 1, 1.85)
    lines = [(target, 1.0, target.title, GREY)]
    for panel, colour in zip(reversed(others), (ORANGE, BLUE), strict=False):
        finite = (np.nan_to_num(x.series[i], posinf=0, neginf=0) for x in (target, panel))
        of_target, own = (float(np.abs(x).max()) for x in finite)
        factor = of_target / own if of_target and own else 1.0  # a silent one as it is
        lines.append((panel, factor, f"{panel.title} × {factor:.3g}", colour))
    start_s = loudest_s(target.series[i], target.rate_hz)
    for axis, width, alpha in zip(axes, (0.5, 1.0), (0.75, 1), strict=True):
        style.shade(axis, intervals, alpha=0.18)
        for panel, factor, label, colour in lines:
            look = {"color": colour, "linewidth": width, "alpha": alpha, "label": label}
            series = factor * panel.series[i]
            axis.plot(times_s(result, len(series)), series, **look)
        axis.set_ylabel("Amplitude (scaled)")
    style.label_legend(axes[0], intervals, alpha=0.18)
    axes[0].axvspan(start_s, start_s + ZOOM_S, 0, 0.03, color="black", linewidth=0)
    axes[0].set_title("Whole output; black bar: the stretch enlarged below")
    axes[0].set_xlim(0, duration_s(result))
    axes[1].set(xlim=(start_s, start_s + ZOOM_S), xlabel="Time (s)")
    axes[1].set_title(f"The loudest {1000 * ZOOM_S:g} ms")
    style.above_right(axes[1], handles=axes[1].get_lines(), ncols=len(lines))
    figure.suptitle(
        f"{output_title(result, i)}: averaged layers, each scaled to the peak of {target.title}"
    )
    return figure


def loudest_s(series: np.ndarray, rate_hz: float) -> float:
    """Finds the start of the stretch of ``ZOOM_S`` with the most energy, in s; 0 in silence."""
    n = min(len(series), max(1, round(ZOOM_S * rate_hz)))
    energy = np.concatenate([[0.0], np.cumsum(np.nan_to_num(series.astype(np.float64)) ** 2)])
    return int(np.argmax(energy[n:] - energy[:-n])) / rate_hz


def draw_spectrograms(result: Run, panels: list[Panel], i: int) -> Figure:
    """Draws spectrograms of the target's channels and of a layer, each up to its Nyquist."""
    intervals = intervals_of(result, i)
    figure, axes, _ = grid(len(panels), 1, 1.9, 0.8, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        top_hz = panel.nyquist_hz
        *centres, level_db = spectrogram(panel.series[i], panel.rate_hz, top_hz)
        ends = [end for x in centres for end in (1.5 * x[0] - x[1] / 2, 1.5 * x[-1] - x[-2] / 2)]
        look = {"cmap": "gray_r", "vmin": -DYNAMIC_RANGE_DB, "vmax": 0}
        image = axis.imshow(level_db, extent=ends, aspect="auto", origin="lower", **look)
        axis.set(ylim=(0, top_hz), ylabel="Frequency (Hz)", title=panel.heading())
        if panel is not panels[-1]:
            here = intervals.get(panel.channel, [])
            style.shade(axis, here, low=0.96, alpha=1)
            style.label_legend(axis, here, alpha=1)
        for patch in axis.patches:
            patch.set_zorder(2)  # the strip lies on the picture
    axes[-1].set(xlim=(0, duration_s(result)), xlabel="Time (s)")
    figure.colorbar(image, ax=list(axes), label="Level (dB re maximum of the panel)", pad=0.02)
    title = output_title(result, i)
    figure.suptitle(f"{title}: spectrograms (5 ms Gaussian window, +6 dB per octave)")
    return figure


def spectrogram(
    series: np.ndarray, rate_hz: float, top_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes a broad-band spectrogram of ``[time]`` like Praat's picture of one.

    Gaussian window of 5 ms effective length (twice that physically, at least 8 samples), a frame
    every 2 ms (at least a sample apart), +6 dB per octave. The weighted mean of each frame is
    subtracted: averages after ReLU have an offset that would fill the lowest 500 Hz. Returns frame
    times in s, frequencies in Hz up to ``top_hz``, and the level in dB re the maximum, no lower
    than -70, ``[bins, frames]``; what is not finite counts as 0.
    """
    series = np.nan_to_num(series.astype(np.float64), posinf=0, neginf=0)
    if np.ptp(series) == 0:  # silence, whatever its offset: no rounding errors, please
        series = np.zeros_like(series)
    n = max(8, round(2 * WINDOW_S * rate_hz))
    phase = (np.arange(n) + 0.5) / n - 0.5
    window = np.exp(-48 * phase**2) - np.exp(-12)  # 0 at both ends, as in Praat
    window /= window.sum()
    frequencies_hz, times_s, spectrum = scipy_spectrogram(
        np.pad(series, n // 2, mode="edge"), rate_hz, window, nfft=max(4 * n, 256),
        noverlap=n - max(1, round(STEP_S * rate_hz)), mode="magnitude",
        detrend=lambda frames: frames - (frames @ window)[..., None],
    )  # fmt: skip
    spectrum = (spectrum * frequencies_hz[:, None])[frequencies_hz <= top_hz]
    spectrum /= spectrum.max() or 1.0
    floor = 10 ** (-DYNAMIC_RANGE_DB / 20)
    level_db = 20 * np.log10(np.maximum(spectrum, floor))
    return times_s - (n // 2) / rate_hz, frequencies_hz[frequencies_hz <= top_hz], level_db


def draw_maps(result: Run, i: int) -> Figure:
    """Draws every feature map of output ``i``: a panel per layer, maps stacked on the y-axis.

    Maps stand in the network's order, which means nothing. Layers that are nowhere negative are
    drawn from white to black, others from orange over white to purple around 0.
    """
    maps = result.arrays["maps"]
    layers = [name for name in layers_of(result) if name in maps]
    figure, axes, _ = grid(len(layers), 1, 1.4, sharex=True)
    for axis, layer in zip(axes, layers, strict=True):
        image = np.nan_to_num(maps[layer][i].astype(np.float32)).T  # [channels, length]
        size, signed = np.abs(image), image.min() < 0
        top = float(np.percentile(size, TOP_PERCENTILE)) or float(size.max()) or 1.0
        picture = axis.imshow(
            image, extent=(0, duration_s(result), 0.5, len(image) + 0.5), aspect="auto",
            origin="lower", cmap="PuOr" if signed else "gray_r", vmin=-top if signed else 0,
            vmax=top,
        )  # fmt: skip
        axis.set_title(f"{layer_title(layer)}  ({len(image)} maps × {image.shape[1]} samples)")
        axis.set_yticks(sorted({1, len(image)}))
        beyond = "both" if signed else "max"
        figure.colorbar(picture, ax=axis, pad=0.01, aspect=10, extend=beyond)
    axes[-1].set_xlabel("Time (s)")
    figure.supylabel("Feature map")
    figure.suptitle(f"{output_title(result, i)}: activation of every feature map")
    return figure


def draw_contours(result: Run, rows: pd.DataFrame) -> Figure:
    """Draws one measure in normalised time: a panel per layer, the target's contours in each.

    The rows are those of the table ``contours``, of one channel and measure.
    """
    measure, unit, channel = rows[["measure", "unit", "channel"]].iloc[0]
    target, points = result.settings["target"], result.tables["points"]
    points = points.query(f"channel == {channel} and label == 'voiced'")
    points = points[points["measure"] == measure]
    n_points = int(points["point"].max())
    known = points[np.isfinite(points["value"])]
    layers = [name for name in layers_of(result) if (points["layer"] == name).any()]
    figure, axes, leftmost = grid(len(layers), 5, 2.3, sharex=True, sharey=True)
    handles = {}
    for axis, name in zip(axes, layers, strict=True):
        lines = [(target, GREY, "black", layer_title(target))]
        here = known[known["layer"] == name]
        if len(here):
            lines.append((name, BLUE, BLUE, "layer"))
            axis.set_title(f"{layer_title(name)}  (n = {here['output'].nunique()})")
        else:
            axis.set_title(f"{layer_title(name)}  (no value)")
            why = points.loc[points["layer"] == name, "reason"].astype(str).mode().iloc[0]
            why = textwrap.fill(why, 26 if len(layers) < 5 else 20)
            plate = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
            style.say(axis, why, 0.02, va="bottom", fontsize=TINY_PT - 1, bbox=plate)
        for layer, thin, thick, label in lines:
            own, mean = known[known["layer"] == layer], rows[rows["layer"] == layer]
            handles[label] = _draw_contour(axis, own, mean, n_points, thin, thick)
            handles[label].set_label(label)
    low, high = known["value"].min(), known["value"].max()  # of the values: bands may go beyond
    margin = 0.05 * (high - low) or 1.0
    axes[0].set(xlim=(0, 1), ylim=(low - margin, high + margin))
    axes[0].set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    for axis in leftmost:
        axis.set_ylabel(measure_title(measure, unit))
    figure.legend(handles=list(handles.values()), loc="outside lower right", ncols=2)
    figure.supxlabel("Normalised time (0: start, 1: end of a voiced interval)")
    figure.suptitle(
        f"{measure_title(measure)}: {layer_title(target)} against each layer; thick: mean over n "
        "outputs and its 95 % interval (at least 3)"
    )
    return figure


def _draw_contour(
    axis: Axes, points: pd.DataFrame, means: pd.DataFrame, n_points: int, thin: str, thick: str
) -> Line2D:
    """Draws thin lines for intervals and a thick one with its band for the mean; returns it."""
    all_points, place = range(1, n_points + 1), (np.arange(n_points) + 0.5) / n_points
    lines = points.pivot(index=["output", "interval"], columns="point", values="value")
    axis.plot(
        place, lines.reindex(columns=all_points)[:MAX_LINES].to_numpy().T, color=thin,
        linewidth=0.4, alpha=0.5, zorder=1, marker=".", markersize=2.5, markeredgewidth=0,
    )  # fmt: skip
    means = means.set_index("point").reindex(all_points)
    band = axis.fill_between(place, means["low"], means["high"], color=thick, alpha=0.22)
    band.set(linewidth=0, zorder=2)
    (line,) = axis.plot(place, means["estimate"], color=thick, linewidth=1.6, zorder=3)
    return line


def draw_durations(result: Run, rows: pd.DataFrame) -> Figure:
    """Draws a panel per layer: a point per interval, the regression line and its numbers.

    The rows are those of the table ``durations``, of one channel and label.
    """
    channel, label = rows[["channel", "label"]].iloc[0]
    target, table = result.settings["target"], result.tables["intervals"]
    table = table.query(f"channel == {channel} and measure == 'duration'")
    wide = table[table["label"] == label].pivot(
        index=["output", "interval"], columns="layer", values="value"
    )
    fits = {row["layer"]: row for row in rows.to_dict("records")}
    layers = [name for name in layers_of(result) if name in fits]
    points = {name: wide[[target, name]].dropna().to_numpy() for name in layers}
    top_s = 1.08 * max(float(x.max()) for x in points.values() if len(x))
    figure, axes, leftmost = grid(len(layers), 5, 2.3, sharex=True, sharey=True)
    for axis, name in zip(axes, layers, strict=True):
        axis.set_title(layer_title(name))
        axis.plot([0, top_s], [0, top_s], color=GREY, linestyle=":", linewidth=0.6, zorder=0)
        if len(points[name]):
            alpha = max(0.1, min(0.8, 60 / len(points[name])))
            dots = {"markersize": 2.5, "markeredgewidth": 0, "alpha": alpha}
            axis.plot(*points[name].T, "o", color=BLUE, **dots)
            _draw_fit(axis, fits[name], points[name][:, 0])
        else:
            style.say(axis, "no interval of its own")
    axes[0].set(xlim=(0, top_s), ylim=(0, top_s))
    for axis in leftmost:
        axis.set_ylabel("Duration at the layer (s)")
    figure.supxlabel(f"Duration at {layer_title(target)} (s); dotted: equal")
    figure.suptitle(f"Duration of {label} intervals: linear model with 95 % interval of β")
    return figure


def _draw_fit(axis: Axes, fit: dict[Any, Any], x: np.ndarray) -> None:
    """Draws the line over the points' range and writes its numbers into the panel."""
    text = f"no model, n = {fit['n']}"
    if np.isfinite(fit["beta"]):
        ends = np.array([x.min(), x.max()])
        axis.plot(ends, fit["intercept"] + fit["beta"] * ends, color=ORANGE, linewidth=1.2)
        text = (
            f"β {with_interval(fit['beta'], fit['beta_low'], fit['beta_high'], fixed)}\n"
            f"t {fixed(fit['t'], 1)}, adj. R² {fixed(fit['adj_r2'])}, n {fit['n']}\n"
        )
        random = f"adj. R² {fixed(fit['random_adj_r2'])}" if fit["n_random"] else "none has it"
        text += f"random: {random}"
    axis.text(
        0.03, 0.98, text, transform=axis.transAxes, va="top", fontsize=TINY_PT - 0.5,
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
    )  # fmt: skip


def draw_encoding(result: Run, rows: pd.DataFrame) -> Figure:
    """Draws a heat map, measure x layer: r, p after Holm below it, a frame if encoded.

    The rows are those of the table ``correlations``, of one channel and label.
    """
    label = rows["label"].iloc[0]
    rows, least = rows[rows["statistic"] == "pearson"], result.settings["statistics"]
    few = (rows["n_outputs"] < least["min_outputs"]) | (rows["n"] < least["min_pairs"])
    rows = rows.assign(few=few | (rows["verdict"] == "too few"))  # F0 in semitones has no verdict
    layers = [name for name in layers_of(result) if (rows["layer"] == name).any()]
    measures = rows.drop_duplicates("measure")
    order = list(measures["measure"])
    r = rows.assign(estimate=rows["estimate"].where(~rows["few"]))
    r = r.pivot(index="measure", columns="layer", values="estimate").reindex(order, columns=layers)
    width_in = min(style.WIDTH_IN, 2.4 + 0.9 * len(layers))
    figure, (axis,), _ = grid(1, 1, 0.32 * len(order), 1.35, width_in)
    image = style.heat(axis, r, -1, 1)
    for row in rows.to_dict("records"):
        _draw_cell(axis, layers.index(row["layer"]), order.index(row["measure"]), row)
    axis.set_xticks(range(len(layers)), [layer_title(name) for name in layers])
    axis.set_yticks(range(len(order)), map(measure_title, order, measures["unit"]))
    bar = figure.colorbar(image, ax=axis, pad=0.02, aspect=25, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label(f"Pearson's r with {layer_title(result.settings['target'])}")
    figure.suptitle(f"{label.capitalize()} intervals: r, and below it p against both controls")
    figure.supxlabel(
        "Frame, bold: encoded (p < 0.05 after Holm, both controls);\n"
        "dashed frame: inverse; no colour: too few values, or none",
        fontsize=TINY_PT,
    )
    return figure


def _draw_cell(axis: Axes, x: int, y: int, row: dict[Any, Any]) -> None:
    """Writes the numbers of a cell and frames it, in colours that can be read on the heat."""
    verdict, r = row["verdict"], row["estimate"]
    if not np.isfinite(r):
        style.write(axis, x, y, DASH, fontsize=SMALL_PT, va="center", color="#777777")
        return
    found, too_few = verdict in ("encoded", "inverse"), row["few"]
    below = f"p {p_value(row['p_holm'])}" if np.isfinite(row["p_holm"]) else verdict
    colour = "white" if abs(r) > 0.65 and not too_few else "black" if found else "#444444"
    look = {"color": colour, "fontweight": "bold" if found else "normal", "fontsize": SMALL_PT}
    style.write(axis, x, y - 0.02, fixed(r), **look)
    style.write(axis, x, y + 0.02, below, va="top", color=colour, fontsize=TINY_PT - 0.5)
    if found:
        style.frame(axis, x, y, dashed=verdict == "inverse")


def draw_differences(result: Run, rows: pd.DataFrame) -> Figure:
    """Draws a panel per measure: the mean difference at each layer with its interval.

    The rows are those of the table ``differences``, of one channel, label and condition.
    """
    known, there = rows[rows["estimate"].notna()], set(rows["layer"])
    layers = [x for x in (result.settings["target"], *reversed(layers_of(result))) if x in there]
    panels = known.groupby(["measure", "unit"], sort=False, observed=True)
    figure, axes, _ = grid(panels.ngroups, 4, 0.5 + 0.14 * len(layers), 0.9, sharey=True)
    for axis, ((measure, unit), here) in zip(axes, panels, strict=True):
        axis.axvline(0, color=GREY, linewidth=0.6, zorder=0)
        for row in here.to_dict("records"):
            place, look = layers.index(row["layer"]), style.dot(row["verdict"] == "differs")
            axis.plot([row["low"], row["high"]], [place] * 2, color=look["color"], linewidth=1)
            axis.plot(row["estimate"], place, **look)
        axis.set_title(measure_title(measure, unit))
        axis.margins(x=0.12)
        axis.locator_params(axis="x", nbins=4)
        axis.tick_params(axis="x", labelbottom=True)
    axes[0].set_yticks(range(len(layers)), [layer_title(name) for name in layers])
    axes[0].set_ylim(len(layers) - 0.5, -0.5)
    label, condition, reference = known[["label", "condition", "reference"]].iloc[0]
    figure.suptitle(
        f"{label.capitalize()} intervals: {condition} minus {reference}, mean of up to "
        f"{known['n'].max()} pairs"
    )
    figure.supxlabel(
        "Difference with its 95 % interval; filled: differs (Holm, p < 0.05); open: not "
        "shown, or too few",
    )
    return figure


def draw_words(result: Run) -> Figure:
    """Draws averages by word (Beguš & Zhou, ICASSP 2022): a panel per layer but the target.

    A line per word stands above its own base line; all lines of a panel have one scale, so that
    words can be compared; the mean over all words stands behind each, in grey.
    """
    words, target = result.arrays["words"], result.settings["target"]
    most = np.sort(np.argsort(-words["n"], kind="stable")[:MAX_WORDS])
    words = {name: values[most] for name, values in words.items()}
    panels = [panel for panel in make_panels(result, words) if panel.layer != target]
    names = [f"{word} ({n})" for word, n in zip(words["word"], words["n"], strict=True)]
    columns = 3 if len(panels) <= 6 else 4
    height_in = max(1.6, 0.5 + 0.14 * len(names))
    figure, axes, leftmost = grid(len(panels), columns, height_in, sharey=True, sharex=True)
    for axis, panel in zip(axes, panels, strict=True):
        series = np.nan_to_num(panel.series.astype(np.float64))
        low, high = series.min(), series.max()
        base = 0.0 if low < 0 else low  # leaky ReLU goes below 0
        series = (series - base) * (0.95 / ((high - base) or (base - low) or 1.0))
        look = {"color": GREY, "linewidth": 0.5, "zorder": 1}
        times = times_s(result, series.shape[1])
        for place, line in enumerate(series):
            axis.axhline(place, color=GREY, linewidth=0.25, zorder=0)
            axis.plot(times, place - series.mean(axis=0), **look)
            axis.plot(times, place - line, color=BLUE, linewidth=0.6)
        axis.set(title=panel.title, xlim=(0, duration_s(result)))
    for axis in axes[-columns:]:
        axis.set_xlabel("Time (s)")
    for axis in leftmost:
        axis.set_yticks(range(len(names)), names, fontsize=TINY_PT)
    axes[0].set_ylim(len(names) - 0.3, -1.1)  # the first word on top
    figure.suptitle(
        "Averages by word (number of recordings); each panel has its own scale; grey: mean over "
        "all words"
    )
    return figure
