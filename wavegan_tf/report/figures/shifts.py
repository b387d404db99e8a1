"""Heat maps of the effects and interactions of latent variables, measure by layer."""

import textwrap
from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wavegan_tf.analysis.causes.interpolation import CHANGES, FROM_MIDDLE
from wavegan_tf.analysis.statistics import TOO_FEW
from wavegan_tf.report.figures.style import HEIGHT_IN, SMALL_PT, TINY_PT, WIDTH_IN
from wavegan_tf.report.figures.sweeps import Interpolation
from wavegan_tf.report.moves import read_effects
from wavegan_tf.report.reading import (
    channel_suffix,
    distinct,
    layer_title,
    measure_title,
    read_rows,
)

ROW_IN = 0.24
LIMIT = 4.0
"""Standardised effect of the full colour."""

NOTE = (
    "Numbers: {what}, in the measure's unit. Frame, bold: shown (Holm, p < {p:.3g}); else not "
    "shown; in brackets: too few bases; –: no value"
)
MIDDLE_NOTE = (
    "Dashed frame: not this difference is shown, but that of an end from the middle, {middle:g}; "
    "∧, ∨: shown of both ends, highest or lowest in the middle"
)
COLOUR_NOTE = (
    "Colour: {what} in units of the arm of its {percent:g} % interval that reaches towards 0; "
    "beyond ±1 the interval excludes 0"
)


def shift_figures(interpolation: Interpolation) -> Iterator[tuple[str, Figure | None]]:
    """``effects_z11`` for each sweep (effects.csv), ``interactions`` of a grid (interactions.csv).

    With more than one pair of sweeps the latter are ``interactions_z11_c2`` ..
    """
    run = interpolation.run
    effects = read_effects(run.directory)
    channels = distinct(effects, "channel")
    for latent in distinct(effects, "latent"):
        for channel in channels:
            rows = [row for row in effects if (row["latent"], row["channel"]) == (latent, channel)]
            name = f"effects_{latent}{channel_suffix(channel, channels)}"
            yield name, _titled(draw_effects(interpolation, rows), channel, channels)
    crossed = read_rows(
        run.directory / "interactions.csv",
        "latent_a latent_b channel layer label measure unit verdict",
        "interaction lower upper p_holm n_bases",
    )
    pairs = list(dict.fromkeys((row["latent_a"], row["latent_b"]) for row in crossed))
    channels = distinct(crossed, "channel")
    for pair in pairs:
        for channel in channels:
            key = (*pair, channel)
            rows = [r for r in crossed if (r["latent_a"], r["latent_b"], r["channel"]) == key]
            of = f"_{pair[0]}_{pair[1]}" if len(pairs) > 1 else ""
            name = f"interactions{of}{channel_suffix(channel, channels)}"
            yield name, _titled(draw_interactions(interpolation, rows), channel, channels)


def _titled(figure, channel, channels):
    """Add the channel to a figure's title, where there are several."""
    if figure is not None and len(channels) > 1:
        figure.suptitle(f"Channel {channel}. {figure.get_suptitle()}")
    return figure


def draw_effects(interpolation: Interpolation, rows: list[dict]) -> Figure | None:
    """The paired difference between the ends of a sweep, measure by layer.

    Args:
        interpolation: the run.
        rows: of effects.csv, of one latent and channel.

    Returns:
        The figure; None where no cell has a value.
    """
    known = [row for row in rows if np.isfinite(row["difference"])]
    if not known:
        return None
    sweep = next(s for s in interpolation.sweeps if s.name == rows[0]["latent"])
    n = max(row["n_bases"] for row in known)
    what = f"paired differences over up to {n:.0f} bases" if n > 1 else "differences of one base"
    start = sweep.moved.replace("from", "From", 1) if sweep.name == "t" else sweep.moved
    title = f"{start}: {what}"
    return _draw_heat(interpolation, rows, "difference", title)


def draw_interactions(interpolation: Interpolation, rows: list[dict]) -> Figure | None:
    """The difference of differences at the corners of two sweeps, measure by layer.

    Arguments and result as for :func:`draw_effects`, of interactions.csv.
    """
    known = [row for row in rows if np.isfinite(row["interaction"])]
    if not known:
        return None
    row = known[0]
    n = max(row["n_bases"] for row in known)
    title = (
        f"{row['latent_a']} and {row['latent_b']}: differences of differences at the corners, over "
        f"up to {n:.0f} bases"
    )
    return _draw_heat(interpolation, rows, "interaction", title)


def _draw_heat(interpolation, rows, column, title):
    """A block of rows for each label, a column per layer."""
    run, percent = interpolation.run, 100 * interpolation.confidence
    order = [*run.layers, run.target]
    layers = [name for name in order if any(row["layer"] == name for row in rows)]
    cells = {(row["label"], row["measure"], row["layer"]): row for row in rows}
    blocks = {
        label: distinct([row for row in rows if row["label"] == label], "measure")
        for label in sorted(distinct(rows, "label"), key=lambda label: label != "output")
    }
    count = sum(map(len, blocks.values()))
    height_in = min(HEIGHT_IN, 1.3 + ROW_IN * count)
    width_in = min(WIDTH_IN, 2.6 + 0.85 * len(layers))
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    heights = [len(measures) for measures in blocks.values()]
    axes = figure.subplots(len(blocks), squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    image, alpha = None, 1 - interpolation.confidence
    for axis, (label, measures) in zip(axes, blocks.items(), strict=True):
        effect = np.full((len(measures), len(layers)), np.nan)
        axis.set_facecolor("#EEEEEE")
        for i, measure in enumerate(measures):
            for j, layer in enumerate(layers):
                row = cells.get((label, measure, layer))
                if row is not None:
                    effect[i, j] = standardised(row, column)
                    _draw_cell(axis, j, i, row, column, effect[i, j], alpha)
        image = axis.imshow(
            np.ma.masked_invalid(effect), cmap="RdBu_r", vmin=-LIMIT, vmax=LIMIT, aspect="auto"
        )
        units = [cells_unit(rows, label, measure) for measure in measures]
        titles = [measure_title(*pair) for pair in zip(measures, units, strict=True)]
        axis.set_yticks(range(len(measures)), titles, fontsize=SMALL_PT)
        axis.set_ylabel(label.capitalize(), fontsize=8)
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)
    axes[-1].set_xticks(range(len(layers)), [layer_title(name) for name in layers])
    figure.suptitle(textwrap.fill(title, int(14 * width_in)))
    notes = [NOTE]
    middle = rows[0].get("middle_value", np.nan)
    if np.isfinite(middle):
        notes.append(MIDDLE_NOTE)
    if any(np.isfinite(standardised(row, column)) for row in rows):
        bar = figure.colorbar(image, ax=list(axes), pad=0.02, aspect=25, extend="both")
        bar.set_label(f"{column.capitalize()} / arm of its {percent:g} % interval")
        notes.append(COLOUR_NOTE)
    given = {"what": column, "p": 1 - interpolation.confidence, "percent": percent}
    given["middle"] = middle
    notes = [textwrap.fill(note.format(**given), int(22 * width_in)) for note in notes]
    figure.supxlabel("\n".join(notes), fontsize=TINY_PT - 0.5, x=0.02, ha="left")
    return figure


def cells_unit(rows: list[dict], label: str, measure: str) -> str:
    """The unit of a measure."""
    return next(r["unit"] for r in rows if (r["label"], r["measure"]) == (label, measure))


def standardised(row: dict, column: str) -> float:
    """An effect in units of its uncertainty, so that measures of all units compare.

    The unit is the arm of its interval that reaches from the effect towards 0, of a symmetric
    interval half its width: beyond ±1 the interval excludes 0, whatever its shape.

    Args:
        row: with ``lower``, ``upper``, ``verdict``.
        column: the effect.

    Returns:
        NaN where the verdict is ``too few`` or the interval has no such arm.
    """
    value = row[column]
    arm = value - row["lower"] if value > 0 else row["upper"] - value
    return value / arm if row["verdict"] != TOO_FEW and arm > 0 else float("nan")


def _draw_cell(axis, x, y, row, column, effect, alpha):
    """The number of a cell, framed if it is shown; dashed if only an end against the middle is."""
    value = row[column]
    found = row["verdict"] == CHANGES
    bold = found and row["p_holm"] < alpha
    text = short(value) if np.isfinite(value) else "–"
    if np.isfinite(value) and np.isnan(row["p_holm"]):  # too few bases have this difference
        text = f"({text})"
    text += _bend(row, alpha) if found else ""
    colour = "black" if bold or abs(effect) > 0.25 * LIMIT else "#555555"
    colour = "white" if abs(effect) > 0.5 * LIMIT else colour
    if found:
        axis.add_patch(
            Rectangle(
                (x - 0.48, y - 0.44), 0.96, 0.88, fill=False, edgecolor="black", linewidth=1,
                linestyle="-" if bold else (0, (3, 2)),
            )
        )  # fmt: skip
    axis.text(
        x, y, text, ha="center", va="center_baseline", fontsize=TINY_PT, color=colour,
        fontweight="bold" if bold else "normal",
    ).set_in_layout(False)  # fmt: skip


def _bend(row, alpha):
    """A sign of what is shown to be highest or lowest in the middle of a sweep."""
    keys = [key for key in FROM_MIDDLE if row.get(f"{key}_p_holm", np.nan) < alpha]
    signs = {np.sign(row[key]) for key in keys}
    return {1: " ∨", -1: " ∧"}[signs.pop()] if len(keys) == 2 and len(signs) == 1 else ""


def short(value: float) -> str:
    """A signed number in at most three digits: +12.3, -0.0451, +1230."""
    if value == 0:
        return "0"
    decimals = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    if decimals > 4:
        return f"{value:+.0e}".replace("e-0", "e-")
    return f"{value:+.{decimals}f}"
