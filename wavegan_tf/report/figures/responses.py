"""Measures against the value of a latent: a line per base, and what responses.csv says of all."""

import textwrap
from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.analysis.measures import UNITS
from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    HEIGHT_IN,
    SKY,
    SMALL_PT,
    TINY_PT,
    WIDTH_IN,
    grid,
    say,
)
from wavegan_tf.report.figures.sweeps import (
    Interpolation,
    Sweep,
    read_measures,
    spread_places,
)
from wavegan_tf.report.reading import channel_suffix, layer_title, measure_title, read_rows

OF_OUTPUT = (
    ("output", "rms"), ("output", "peak"), ("output", "saturation"), ("output", "distance"),
    ("frication", "share"), ("frication", "duration"), ("frication", "intensity"),
    ("frication", "cog"),
    ("voiced", "share"), ("voiced", "duration"), ("voiced", "intensity"), ("voiced", "f0"),
)  # fmt: skip
"""Panels of the target: one row for the whole output, one for each of two labels."""

OF_LAYERS = (
    ("output", "rms"), ("output", "distance"), ("frication", "intensity"),
    ("voiced", "intensity"), ("voiced", "f0"),
)  # fmt: skip
"""Columns of the layers."""

MAX_LINES = 60
"""Bases drawn as single lines, from the first on."""

TITLE_CHARS = 24
"""Of a line of a panel's title: what four panels in a row leave."""


def response_figures(interpolation: Interpolation) -> Iterator[tuple[str, Figure | None]]:
    """``dose_response_z11`` of the target and ``dose_response_z11_layers``, for each sweep."""
    measures = read_measures(
        interpolation, {pair for pair in OF_OUTPUT + OF_LAYERS if pair[1] != "share"}
    )
    responses = read_responses(interpolation)
    channels = list(dict.fromkeys(channel for _, channel, *_ in responses))
    for k, sweep in enumerate(interpolation.sweeps):
        if len(np.unique(sweep.values)) < 2:
            continue
        for channel in channels:
            suffix = channel_suffix(channel, channels)
            said = f"Channel {channel}. " if suffix else ""
            for name, draw in (("", draw_output_responses), ("_layers", draw_layer_responses)):
                figure = draw(interpolation, measures, responses, channel, k)
                if figure is not None and said:
                    figure.suptitle(said + figure.get_suptitle())
                yield f"dose_response_{sweep.name}{name}{suffix}", figure


def draw_output_responses(
    interpolation: Interpolation, measures: dict, responses: dict, channel: str, k: int
) -> Figure | None:
    """Measures of the target against the value of a latent, a panel each.

    Args:
        interpolation: the run.
        measures: of its outputs (:func:`~wavegan_tf.report.figures.sweeps.read_measures`).
        responses: of :func:`read_responses`.
        channel: of the target.
        k: the sweep.

    Returns:
        The figure; None without any value.
    """
    target, latent = interpolation.run.target, interpolation.sweeps[k].name
    keys = [(channel, target, *pair) for pair in OF_OUTPUT]
    if not any((latent, *key) in responses for key in keys):
        return None
    figure, axes, leftmost = grid(len(OF_OUTPUT), 4, 1.5, sharex=True)
    for axis, pair, key in zip(axes, OF_OUTPUT, keys, strict=True):
        axis.set_title(textwrap.fill(_title(pair), TITLE_CHARS), fontsize=SMALL_PT)
        _draw_response(axis, interpolation, k, measures.get(key), responses.get((latent, *key)))
    for axis, label in zip(leftmost, ("Whole output", "Frication", "Voiced"), strict=True):
        axis.set_ylabel(label, fontsize=8)
    title = f"{interpolation.run.target_title} while {interpolation.sweeps[k].name} changes"
    _finish(figure, axes, interpolation, k, title)
    return figure


def draw_layer_responses(
    interpolation: Interpolation, measures: dict, responses: dict, channel: str, k: int
) -> Figure | None:
    """The same of the layers: a row for each, a column per measure that any layer has.

    Arguments as for :func:`draw_output_responses`.
    """
    latent = interpolation.sweeps[k].name
    places = [(name, pair) for name in interpolation.run.layers for pair in OF_LAYERS]
    places = [(name, pair) for name, pair in places if (latent, channel, name, *pair) in responses]
    layers = list(dict.fromkeys(name for name, _ in places))
    pairs = [pair for pair in OF_LAYERS if any(pair == there for _, there in places)]
    if not places:
        return None
    height_in = min(1.25, (HEIGHT_IN - 0.9) / len(layers))
    figure = Figure(figsize=(WIDTH_IN, 0.9 + height_in * len(layers)), layout="constrained")
    axes = figure.subplots(len(layers), len(pairs), squeeze=False, sharex=True)
    for row, name in zip(axes, layers, strict=True):
        for axis, pair in zip(row, pairs, strict=True):
            key = (channel, name, *pair)
            _draw_response(axis, interpolation, k, measures.get(key), responses.get((latent, *key)))
        row[0].set_ylabel(layer_title(name), fontsize=8)
    for axis, pair in zip(axes[0], pairs, strict=True):
        of = "" if pair[0] == "output" else f"{pair[0].capitalize()}:\n"
        title = textwrap.fill(of + _title(pair), TITLE_CHARS, replace_whitespace=False)
        axis.set_title(title, fontsize=SMALL_PT)
    title = f"Layers while {interpolation.sweeps[k].name} changes"
    _finish(figure, list(axes.flat), interpolation, k, title)
    return figure


def _title(pair):
    """A measure with its unit, whether or not there is any value."""
    if pair[1] == "share":
        return "Share of bases with any"
    return measure_title(pair[1], "dB" if pair[1] == "rms" else UNITS.get(pair[1], ""))


def _draw_response(axis, interpolation: Interpolation, k: int, values, response) -> None:
    """Lines of the bases, their mean and interval, and how many bases have a value.

    Args:
        axis: to draw in.
        interpolation: the run.
        k: the sweep.
        values: the measure of each output, or None.
        response: its mean, lower and upper end and number of bases ``[4, steps]``, or None.
    """
    sweep, n_bases = interpolation.sweeps[k], interpolation.n_bases
    axis.tick_params(labelsize=TINY_PT, length=2)
    axis.locator_params(axis="y", nbins=4)
    if response is None:
        say(axis, "no value")
        axis.set_yticks([])
        return
    order = np.argsort(sweep.values, kind="stable")
    x, (mean, low, high, counts) = sweep.values[order], response[:, order]
    is_share, lines = values is None, mean[None]
    if n_bases > 1 and not is_share:
        lines = interpolation.along(values, k)[:, order]  # [bases, steps]
        axis.plot(
            x, lines[:MAX_LINES].T, color=GREY, linewidth=0.5, alpha=0.6, zorder=1, marker=".",
            markersize=3, markeredgewidth=0,
        )  # fmt: skip
    axis.fill_between(x, low, high, color=BLUE, alpha=0.22, linewidth=0, zorder=2)
    marker = {"marker": ".", "markersize": 3} if len(x) <= 25 else {}
    axis.plot(x, mean, color=BLUE, linewidth=1.4, zorder=3, **marker)
    incomplete = n_bases > 1 and (counts < n_bases).any()
    _limit(axis, lines[np.isfinite(lines)], is_share, foot=0.2 if incomplete else 0.06)
    if incomplete:
        _write_counts(axis, x, counts.astype(int))


def read_responses(interpolation: Interpolation) -> dict[tuple, np.ndarray]:
    """Read responses.csv: by (latent, channel, layer, label, measure) what has any value.

    Returns:
        Mean, lower and upper end and number of bases at each step, ``[4, steps]``.

    Raises:
        InputError: the table lacks a column.
    """
    found = {}
    names, numbers = "latent channel layer label measure", "mean lower upper n_bases"
    for row in read_rows(interpolation.run.directory / "responses.csv", names, numbers):
        key = tuple(row[name] for name in names.split())
        found.setdefault(key, []).append([row[name] for name in numbers.split()])
    found = {key: np.transpose(rows) for key, rows in found.items()}
    return {key: rows for key, rows in found.items() if np.isfinite(rows[0]).any()}


def _limit(axis, known, is_share, foot):
    """Limits of a panel: those of the lines, since intervals may be wide; a foot for the counts."""
    low, high = (0.0, 1.0) if is_share else (known.min(), known.max())
    span = (high - low) or abs(high) or 1.0
    axis.set_ylim(low - foot * span, high + 0.06 * span)
    if is_share:
        axis.set_yticks([0, 0.5, 1])


def _write_counts(axis, x, counts):
    """At the foot of a panel: bases with a value at each value of the latent that has room."""
    columns = axis.get_subplotspec().get_gridspec().ncols
    inch = 1.1 * np.ptp(x) / (WIDTH_IN / columns - 0.4)
    room_in = 0.045 * len(str(counts.max())) + 0.025  # digits are 0.045 in wide
    for place in spread_places(x, inch * room_in):
        axis.text(
            x[place], 0.01, str(counts[place]), transform=axis.get_xaxis_transform(), ha="center",
            va="bottom", fontsize=TINY_PT - 1, color="#555555",
        ).set_in_layout(False)  # fmt: skip


def _finish(figure, axes, interpolation: Interpolation, k: int, title: str) -> None:
    """Shade the training range, and say what is drawn."""
    sweep: Sweep = interpolation.sweeps[k]
    for axis in axes:
        if sweep.training:
            low, high = sweep.training
            axis.axvspan(low, high, color=SKY, alpha=0.22, linewidth=0, zorder=0)
        margin = 0.05 * np.ptp(sweep.values)
        axis.set_xlim(sweep.values.min() - margin, sweep.values.max() + margin)
        axis.locator_params(axis="x", nbins=5)
    figure.supxlabel(sweep.axis_title, fontsize=8)
    n = interpolation.n_bases
    bases = interpolation.mean_said(k) if n == 1 else f"grey: each of {n} bases"
    others = [s.name for s in interpolation.sweeps if s is not sweep]
    if n > 1 and others:
        bases += f", mean over {' and '.join(others)}"
    percent = f"{100 * interpolation.confidence:g} %"
    feet = f"; blue: mean, {percent} interval; numbers: bases with a value" if n > 1 else ""
    shade = "; shaded: training range" if sweep.training else ""
    figure.suptitle(f"{title}\n{bases}{feet}{shade}", fontsize=7.5)
