"""Figures of an interpolation: every layer at every step, and what the steps change.

Beguš & Zhou 2022, section IV-D, Figs. 9-10. Of an output with several channels the first is drawn.
"""

import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from wavegan_tf.output import names, style
from wavegan_tf.output.names import layer_title, measure_title
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import BLUE, FAINT, GREY, ORANGE, SMALL_PT, TINY_PT, WIDTH_IN, grid
from wavegan_tf.output.text import number

MAX_BASES = 4
"""Base vectors that have a figure of their own, a line for each step."""

MAX_STEPS, MAX_LINES = 40, 60
"""Steps (of more an even choice is drawn) and base vectors (the first) drawn as lines."""

SILENCE_SHARE = 0.03
"""Silence: RMS below this share of the loudest frame's (-30 dB, as in Praat's pitch analysis)."""

RANGE_DB, LIMIT = 40.0, 4.0
"""Levels below a layer's maximum that colours tell apart; standardised effect of full colour."""

OF_OUTPUT = {
    "Whole output": [("output", x) for x in ("rms", "peak", "saturation", "distance")],
    "Frication": [("frication", x) for x in ("share", "duration", "intensity", "cog")],
    "Voiced": [("voiced", x) for x in ("share", "duration", "intensity", "f0")],
}
"""Responses of the target, by row: label and measure."""

OF_LAYERS = (
    ("output", "rms"), ("output", "distance"), ("frication", "intensity"),
    ("voiced", "intensity"), ("voiced", "f0"),
)  # fmt: skip
"""Responses of the layers."""

UNITS = {"rms": "dB", "duration": "s", "intensity": "dB", "cog": "Hz", "f0": "Hz"}


class Interpolation:
    """A result of interpolate, as its figures read it: output = base * cells + cell."""

    def __init__(self, result: Run) -> None:
        """Reads the settings."""
        settings, self.arrays, self.table = result.settings, result.arrays, result.table
        self.ends = settings["ends"] or ("first vector", "second")
        self.names = [sweep["name"] for sweep in settings["vary"]]
        self.moved = [sweep["moved"] for sweep in settings["vary"]]
        self.values = [np.array(sweep["values"], float) for sweep in settings["vary"]]
        self.n_bases, self.target = settings["n_bases"], settings["target"]
        self.shape = (self.n_bases, *map(len, self.values))
        self.duration_s, self.times_s = names.duration_s(result), partial(names.times_s, result)
        self.scaled = not settings.get("clip", False)
        self.percent = 100 * settings["statistics"]["confidence"]
        self.top_hz = max(x["nyquist_hz"] for x in settings["layers"])
        self.headings = {
            x["layer"]: names.layer_heading(layer_title(x["layer"]), x["rate_hz"], x["nyquist_hz"])
            for x in settings["layers"]
        }

    def axis_title(self, k: int) -> str:
        """Names the axis of the values of sweep ``k``."""
        first, last = self.ends
        return f"t (0: {first}, 1: {last})" if self.names[k] == "t" else self.names[k]

    def line(self, base: int, k: int) -> np.ndarray:
        """Numbers the outputs along sweep ``k``, the others at their first value: ``[steps]``."""
        outputs = np.arange(np.prod(self.shape)).reshape(self.shape)[base]
        return np.moveaxis(outputs, k, 0).reshape(len(self.values[k]), -1)[:, 0]

    def lines(self, values: pd.DataFrame, k: int) -> np.ndarray:
        """Lays rows of the table ``values`` out as lines of base vectors, ``[bases, steps]``.

        In a grid the mean over the other sweeps' values; NaN where there is no value.
        """
        cells = np.unravel_index(values["output"], self.shape)
        lines = values["value"].groupby([cells[0], cells[k + 1]]).mean().unstack()
        return lines.reindex(index=range(self.n_bases), columns=range(self.shape[k + 1])).to_numpy()

    def changes(self, k: int) -> dict[str, np.ndarray]:
        """Gives the change of each layer along sweep ``k``, ``[length]``, where there is one."""
        start, found = f"{self.names[k]}/", self.arrays.get("changes", {})
        return {name: found[start + name] for name in self.headings if start + name in found}

    def mean_said(self, k: int) -> str:
        """Says what is averaged while ``k`` changes."""
        over = [f"{self.n_bases} bases"] if self.n_bases > 1 else []
        over += [f"the values of {name}" for i, name in enumerate(self.names) if i != k]
        return f"mean over {' and '.join(over)}" if over else "one base"


def drawings(result: Run) -> dict[str, Callable[[], Figure]]:
    """Names the figures of an interpolation, each with what draws it; none without any value.

    For each sweep, here z11: ``interpolation_z11_base0000``, one for each of the first bases (every
    layer, a line per step; Figs. 9-10); ``time_value_z11`` (level over time at each value);
    ``dose_response_z11`` and ``dose_response_z11_layers`` (measures against the value);
    ``effects_z11``; ``change_z11`` (change over time, spikes, bands). Of a grid
    ``interactions_z11_c2``.
    """
    run = Interpolation(result)
    found: dict[str, Callable[[], Figure]] = {}
    for k, name in enumerate(run.names):
        for base in range(min(MAX_BASES, run.n_bases) if "series" in run.arrays else 0):
            found[f"interpolation_{name}_base{base:04d}"] = partial(draw_steps, run, base, k)
        found[f"time_value_{name}"] = partial(draw_time_value, run, k)
        known = _known(_of(run.table("responses"), latent=name, channel=1))
        there = set(zip(known["layer"], known["label"], known["measure"], strict=True))
        panels = {row: [(run.target, *pair) for pair in pairs] for row, pairs in OF_OUTPUT.items()}
        if there & {panel for row in panels.values() for panel in row}:
            title = f"{layer_title(run.target)} while {name} changes"
            found[f"dose_response_{name}"] = partial(draw_responses, run, k, panels, title)
        wanted = [x for x in there if x[0] != run.target and x[1:] in OF_LAYERS]
        layers = [x for x in run.headings if any(x == place[0] for place in wanted)]
        pairs = [x for x in OF_LAYERS if any(x == place[1:] for place in wanted)]
        if layers:
            panels = {layer_title(layer): [(layer, *pair) for pair in pairs] for layer in layers}
            title = f"Layers while {name} changes"
            found[f"dose_response_{name}_layers"] = partial(draw_responses, run, k, panels, title)
        effects = _of(run.table("effects"), latent=name, channel=1)
        if len(_known(effects)):
            title = f"{run.moved[k]}: paired differences"
            found[f"effects_{name}"] = partial(draw_effects, run, effects, title)
        if any(np.nan_to_num(x).any() for x in run.changes(k).values()):
            found[f"change_{name}"] = partial(draw_change, run, k)
    crossed = _of(run.table("interactions"), channel=1)
    for (a, b), rows in crossed.groupby(["latent_a", "latent_b"]) if len(crossed) else ():
        title = f"{a} and {b}: differences of differences at the corners"
        found[f"interactions_{a}_{b}"] = partial(draw_effects, run, rows, title)
    return found


def _known(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["estimate"].notna()]


def _of(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    for name, value in wanted.items():
        table = table[table[name] == value] if len(table) else table
    return table


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))


def draw_steps(run: Interpolation, base: int, k: int) -> Figure:
    """Draws a panel per layer, a line per step, coloured by the value (Figs. 9-10).

    Straight lines join the samples, each at the middle of the time it covers: the linear
    upsampling of the paper. Within a panel the lines are drawn from the strongest to the weakest
    (RMS), so that none is hidden. The time axis is cut where only silence follows.

    ``base`` is the vector that is moved, counted from 0; sweeps but ``k`` stand at their first
    value.
    """
    n = len(run.values[k])
    steps = np.unique(np.linspace(0, n - 1, min(n, MAX_STEPS)).round().astype(int))
    values, outputs = run.values[k][steps], run.line(base, k)[steps]
    kept = {name: np.asarray(run.arrays["series"][name][outputs]) for name in run.headings}
    kept = {name: x.reshape(*x.shape[:2], -1)[:, :, 0] for name, x in kept.items()}
    end_s = silence_from_s(kept[run.target], run.duration_s)
    # viridis without its palest end, which is lost on white paper
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.92, 256))
    colours = LinearSegmentedColormap.from_list("steps", shades)
    low, high = run.values[k].min(), run.values[k].max()
    norm, width = Normalize(low, high), 0.6 if len(values) <= 15 else 0.4
    figure, axes, _ = grid(len(run.headings), 1, 1.6, sharex=True)
    for axis, (name, series) in zip(axes, kept.items(), strict=True):
        strength = np.mean(np.nan_to_num(series) ** 2, axis=-1)
        for step in np.argsort(-strength, kind="stable"):
            colour = colours(norm(values[step]))
            axis.plot(run.times_s(series.shape[1]), series[step], color=colour, linewidth=width)
        axis.set_title(run.headings[name])
        axis.margins(y=0.05)
    axes[-1].set(xlim=(0, end_s), xlabel="Time (s)")
    ticks = values[spread_places(values, 0.03 * (high - low))] if len(values) <= 11 else None
    figure.colorbar(
        ScalarMappable(norm, colours), ax=axes, ticks=ticks, pad=0.02,
        aspect=6 * figure.get_figheight(), label=run.axis_title(k),
    )  # fmt: skip
    scaled = ", each layer scaled" if run.scaled else ""
    figure.supylabel(f"Mean activation{scaled} ({layer_title(run.target)}: amplitude)")
    few = f" ({len(values)} of {n} steps)" if len(values) < n else ""
    title = f"Base {base} of {run.n_bases}: averaged layers while {run.names[k]} changes{few}"
    for i, name in enumerate(run.names):
        title += f", {name} = {run.values[i][0]:g}" if i != k else ""
    figure.suptitle(textwrap.fill(title, 95))
    return figure


def silence_from_s(sound: np.ndarray, duration_s: float) -> float:
    """Finds the time from which on every step is silent, in s.

    That is 50 ms after the last 10 ms frame whose RMS, in any step ``[steps, length]``, is at least
    3 % of the loudest frame's.
    """
    rate_hz = sound.shape[1] / duration_s
    frame = max(1, round(0.01 * rate_hz))
    count = sound.shape[1] // frame
    frames = np.nan_to_num(sound[:, : count * frame]).reshape(len(sound), count, frame)
    rms = np.sqrt(np.mean(frames**2, axis=2)).max(axis=0)  # [frames]
    if not rms.max():
        return duration_s
    last = np.flatnonzero(rms >= SILENCE_SHARE * rms.max())[-1]
    return min(duration_s, (last + 1) * frame / rate_hz + 0.05)


def draw_time_value(run: Interpolation, k: int) -> Figure:
    """Draws an image per layer, time by value: where and from which value on it is active.

    The level is that of the mean square over bases (and the values of other sweeps) in frames, in
    dB re the layer's maximum. Values are placed where they are, each as wide as half the way to its
    neighbours.
    """
    order = np.argsort(run.values[k])
    values, training = run.values[k][order], names.trained_range(run.names[k])
    figure, axes, _ = grid(len(run.headings), 1, 1.35, sharex=True, sharey=True)
    for axis, layer in zip(axes, run.headings, strict=True):
        power = run.arrays["power"][f"{run.names[k]}/{layer}"][order, :, 0]
        top = power.max() or 1.0
        level_db = 10 * np.log10(np.maximum(power / top, 10 ** (-2 * RANGE_DB / 10)))
        times_s = run.times_s(power.shape[1])
        image = axis.pcolormesh(
            times_s, values, level_db, shading="nearest", cmap="viridis", vmin=-RANGE_DB, vmax=0,
            rasterized=True,
        )  # fmt: skip
        own = layer == run.target or not run.scaled
        maximum = f"; maximum: {10 * np.log10(top):.1f} dB re 1" if own else ""
        axis.set_title(run.headings[layer] + maximum)
        for edge in training:
            if values[0] < edge < values[-1]:
                axis.axhline(edge, color="white", linewidth=0.6, linestyle=(0, (4, 3)))
    if len(values) <= 6 and np.diff(values).min() > 0.1 * np.ptp(values):
        axes[0].set_yticks(values, [f"{value:g}" for value in values])
    axes[-1].set(xlim=(0, run.duration_s), xlabel="Time (s)")
    dashed = " (dashed: training range)" if training else ""
    figure.supylabel(run.axis_title(k) + dashed)
    figure.colorbar(
        image, ax=axes, pad=0.02, extend="min", aspect=6 * figure.get_figheight(),
        label="Level, with the mean (dB re the panel's maximum)",
    )  # fmt: skip
    figure.suptitle(f"Level of each layer while {run.names[k]} changes, {run.mean_said(k)}")
    return figure


def spread_places(x: np.ndarray, gap: float) -> list[int]:
    """Chooses places of values at least ``gap`` apart, from the lowest on: where labels fit."""
    order = np.argsort(x, kind="stable").tolist()
    chosen = [order[0]]
    for place in order[1:]:
        if x[place] - x[chosen[-1]] >= gap:
            chosen.append(place)
    return chosen


def draw_responses(
    run: Interpolation, k: int, panels: dict[str, list[tuple]], title: str
) -> Figure:
    """Draws measures against the value of a latent variable.

    ``panels`` lists layer, label and measure of each panel, by the name of its row.
    """
    values, training = run.values[k], names.trained_range(run.names[k])
    places = [place for row in panels.values() for place in row]
    columns = len(places) // len(panels)
    figure, axes, left = grid(len(places), columns, 1.5, 0.9, sharex=True)
    margin = 0.05 * np.ptp(values)
    for i, (axis, place) in enumerate(zip(axes, places, strict=True)):
        _draw_response(axis, run, k, columns, *place)
        if i >= columns and place[1:] in [above[1:] for above in places[:columns]]:
            axis.set_title("")
        if training:
            axis.axvspan(*training, color=style.SKY, alpha=0.22, linewidth=0, zorder=0)
        axis.set_xlim(values.min() - margin, values.max() + margin)
        axis.locator_params(axis="x", nbins=5)
    for axis, name in zip(left, panels, strict=True):
        axis.set_ylabel(name)
    figure.supxlabel(run.axis_title(k))
    feet = run.mean_said(k)
    if run.n_bases > 1:
        feet = (
            f"grey: each of {run.n_bases} bases; blue: {feet}, {run.percent:g} % interval; "
            "numbers: bases with a value"
        )
    shade = "; shaded: training range" if training else ""
    figure.suptitle(f"{title}\n{textwrap.fill(feet + shade, 125)}", fontsize=7.5)
    return figure


def _draw_response(
    axis: Axes, run: Interpolation, k: int, columns: int, layer: str, label: str, measure: str
) -> None:
    """Draws lines of the bases, their mean and interval, and how many bases have a value."""
    is_share = measure == "share"
    title = measure_title(measure, UNITS.get(measure, ""))
    title = "Share of bases with any" if is_share else title
    of = "" if label == "output" else f"{label.capitalize()}: "
    axis.set_title(textwrap.fill(of + title, 24), fontsize=SMALL_PT)  # four in a row
    wanted = {"channel": 1, "layer": layer, "label": label, "measure": measure}
    rows = _of(run.table("responses"), latent=run.names[k], **wanted)
    axis.tick_params(labelsize=TINY_PT, length=2)
    axis.locator_params(axis="y", nbins=4)
    if not len(_known(rows)):
        style.say(axis, "no value")
        axis.set_yticks([])
        return
    rows = rows.sort_values("value")
    x, mean, low, high, counts = rows[["value", "estimate", "low", "high", "n"]].to_numpy(float).T
    lines = mean[None]
    if run.n_bases > 1 and not is_share:
        lines = run.lines(_of(run.table("values"), **wanted), k)  # [bases, steps]
        lines = lines[:, np.argsort(run.values[k])]
        axis.plot(
            x, lines[:MAX_LINES].T, color=GREY, linewidth=0.5, alpha=0.6, zorder=1, marker=".",
            markersize=3, markeredgewidth=0,
        )  # fmt: skip
    axis.fill_between(x, low, high, color=BLUE, alpha=0.22, linewidth=0, zorder=2)
    marker = "." if len(x) <= 25 else ""
    axis.plot(x, mean, color=BLUE, linewidth=1.4, zorder=3, marker=marker, markersize=3)
    incomplete = run.n_bases > 1 and (counts < run.n_bases).any()
    # limits of the lines, since intervals may be wide; a foot for the counts
    bottom, top = (0.0, 1.0) if is_share else (np.nanmin(lines), np.nanmax(lines))
    span = (top - bottom) or abs(top) or 1.0
    axis.set_ylim(bottom - (0.2 if incomplete else 0.06) * span, top + 0.06 * span)
    if incomplete:
        inch = 1.1 * np.ptp(x) / (WIDTH_IN / columns - 0.4)
        room_in = 0.045 * len(f"{counts.max():.0f}") + 0.025  # digits are 0.045 in wide
        look: dict[str, Any] = {"fontsize": TINY_PT - 1, "color": FAINT}
        look["transform"] = axis.get_xaxis_transform()
        for i in spread_places(x, inch * room_in):
            style.write(axis, x[i], 0.01, f"{counts[i]:.0f}", **look)


def draw_effects(run: Interpolation, rows: pd.DataFrame, title: str) -> Figure:
    """Draws effects or interactions as a heat map: rows of measures by label, a column a layer.

    ``rows`` are those of the table effects or interactions of one latent (or pair) and channel.
    """
    alpha, percent = 1 - run.percent / 100, f"{run.percent:g} %"
    beside = "n_controls" in rows and rows["n_controls"].any()
    solid = "changes, more than controls" if beside else "changes"
    layers = [name for name in run.headings if name in set(rows["layer"])]
    labels = sorted(rows["label"].unique(), key=lambda label: label != "output")
    blocks = {label: _of(rows, label=label) for label in labels}
    heights = [block["measure"].nunique() for block in blocks.values()]
    width_in = min(WIDTH_IN, 2.6 + 0.85 * len(layers))
    shares: dict[str, Any] = {"sharex": True, "height_ratios": heights}
    figure, axes, _ = grid(
        len(blocks), 1, 0.24 * sum(heights) / len(heights), 1.3, width_in, **shares
    )
    for axis, (label, block) in zip(axes, blocks.items(), strict=True):
        units = dict(zip(block["measure"], block["unit"], strict=True))
        effect = np.full((len(units), len(layers)), np.nan)
        for row in _rows(block):
            i, j = list(units).index(row.measure), layers.index(row.layer)
            effect[i, j] = standardised(row)
            _draw_cell(axis, j, i, row, effect[i, j], alpha, row.verdict == solid)
        image = style.heat(axis, effect, -LIMIT, LIMIT)
        titles = [measure_title(*pair) for pair in units.items()]
        axis.set_yticks(range(len(units)), titles, fontsize=SMALL_PT)
        axis.set_ylabel(label.capitalize())
    axes[-1].set_xticks(range(len(layers)), [layer_title(name) for name in layers])
    title = f"{title} over up to {rows['n'].max()} bases"
    figure.suptitle(textwrap.fill(title.removeprefix("from "), int(14 * width_in)))
    label = f"Estimate / arm of its {percent} interval"
    figure.colorbar(image, ax=axes, pad=0.02, aspect=25, extend="both", label=label)
    line = ", solid where more than controls, else dashed" if beside else ""
    through = "middle_value" in rows and rows["middle_value"].notna().any()
    notes = [
        "Numbers: estimate, in the measure's unit; in brackets: too few bases; –: no value",
        f"Bold and framed{line}: shown (Holm, p < {alpha:.3g})"
        + "; what falls and rises again has no frame: table effects" * bool(through),
        f"Colour: estimate in units of the arm of its {percent} interval that reaches towards 0; "
        "beyond ±1 the interval excludes 0",
    ]
    note = "\n".join(textwrap.fill(note, int(22 * width_in)) for note in notes)
    figure.supxlabel(note, fontsize=TINY_PT - 0.5, x=0.02, ha="left")
    return figure


def standardised(row: Any) -> float:
    """Gives an effect in units of its uncertainty, so that measures of all units compare.

    The unit is the arm of its interval that reaches from the effect towards 0, of a symmetric
    interval half its width: beyond ±1 the interval excludes 0, whatever its shape. NaN without one.
    """
    arm = row.estimate - row.low if row.estimate > 0 else row.high - row.estimate
    return row.estimate / arm if arm > 0 else float("nan")


def _draw_cell(
    axis: Axes, x: int, y: int, row: Any, effect: float, alpha: float, solid: bool
) -> None:
    """Writes the number of a cell, bold and framed if it is shown, solid if the verdict says so."""
    shown = row.verdict.startswith("changes") and row.p_holm < alpha
    text = number(row.estimate, signed=True)
    if np.isfinite(row.estimate) and np.isnan(row.p_holm):
        text = f"({text})"
    if shown:
        style.frame(axis, x, y, dashed=not (solid and getattr(row, "ends", True)))
    colour = "white" if abs(effect) > 0.5 * LIMIT else "black" if shown else "#444444"
    weight = "bold" if shown else "normal"
    style.write(axis, x, y, text, va="center_baseline", color=colour, fontweight=weight)


def draw_change(run: Interpolation, k: int) -> Figure:
    """Draws a row per layer: its change over time with the regions of most, and by frequency."""
    name, changes = run.names[k], run.changes(k)
    spikes, bands = (_of(run.table(x), latent=name) for x in ("spikes", "bands"))
    widths = {"width_ratios": [2.3, 1]}
    figure, axes, left_axes = grid(2 * len(changes), 2, 1.4, 0.9, sharex="col", gridspec_kw=widths)
    lowest_hz = bands.loc[bands["low_hz"] > 0, "low_hz"].min()
    for left, right, (layer, change) in zip(left_axes, axes[1::2], changes.items(), strict=True):
        left.plot(run.times_s(len(change)), change, color=BLUE, linewidth=0.6)
        left.set_title(run.headings[layer])
        _draw_spikes(left, change, _of(spikes, layer=layer), run.duration_s)
        _draw_bands(right, _known(_of(bands, layer=layer)), lowest_hz)
        for axis in (left, right):
            axis.tick_params(labelsize=TINY_PT)
            axis.locator_params(axis="y", nbins=4)
    left.set(xlim=(0, run.duration_s), xlabel="Time (s)")
    right.set_xscale("log")
    right.xaxis.set_major_formatter("{x:g}")
    right.set(xlim=(lowest_hz / 2, run.top_hz), xlabel="Frequency (Hz; first: from 0)")
    figure.supylabel(f"Change per sample along {name} (sum of |differences|)")
    figure.suptitle(
        f"Change: {run.moved[k]}, {run.mean_said(k)}\n"
        "left, shaded: regions of most change and their share of the layer's; right: level, last "
        f"minus first value,\nwith its {run.percent:g} % interval over bases (filled: excludes 0); "
        "above: the band with most of the change in power",
        fontsize=7.5,
    )
    return figure


def _draw_spikes(axis: Axes, change: np.ndarray, spikes: pd.DataFrame, duration_s: float) -> None:
    """Shades the regions of most change, with their shares where there is room."""
    top = float(np.nan_to_num(change).max()) or 1.0
    head = 1.48  # two rows of numbers stand above the largest change
    axis.set_ylim(0, head * top)
    if not np.nan_to_num(change).any():
        style.say(axis, "no change")
    rows: dict[float, list[float]] = {1.02: [], 1.24: []}  # the larger share is written sooner
    for spike in sorted(_rows(spikes), key=lambda spike: -spike.share):
        at_s, share = spike.time_s, f"{100 * spike.share:.0f} %"
        axis.axvspan(spike.start_s, spike.end_s, color=ORANGE, alpha=0.2, linewidth=0, zorder=0)
        axis.axvline(at_s, 0, 1 / head, color=ORANGE, linewidth=0.5, zorder=1)
        for height, taken in rows.items():
            if all(abs(at_s - other_s) > 0.055 * duration_s for other_s in taken):
                taken.append(at_s)
                style.write(axis, at_s, height * top, share, color="#8F3E00")
                break


def _draw_bands(axis: Axes, rows: pd.DataFrame, lowest_hz: float) -> None:
    """Draws the change of each band's level with its interval; names the band of most change."""
    axis.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axis.set_ylabel("Level (dB)", fontsize=TINY_PT)
    if not len(rows):
        style.say(axis, "no value")
        axis.set_yticks([])
        return
    most: Any = rows.loc[rows["share"].fillna(0).idxmax()]
    ends = f"{number(most['low_hz'])}–{number(most['high_hz'])} Hz"
    axis.set_title(f"{ends}: {100 * most['share']:.0f} % of power", fontsize=SMALL_PT)
    for row in _rows(rows):
        low_hz = max(row.low_hz, lowest_hz / 2)
        look = style.dot(row.low > 0 or row.high < 0, size=2.5)
        axis.plot([low_hz, row.high_hz], [row.estimate] * 2, color=look["color"], linewidth=1.2)
        middle_hz = np.sqrt(low_hz * row.high_hz)
        axis.plot([middle_hz] * 2, [row.low, row.high], color=look["color"], linewidth=0.6)
        axis.plot(middle_hz, row.estimate, **look)
