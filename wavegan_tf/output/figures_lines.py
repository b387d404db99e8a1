"""Panels of lines with bands: what several experiments draw of groups over an axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wavegan_tf.output import style
from wavegan_tf.output.style import GREY, TINY_PT, grid

COLOURS = (style.BLUE, style.ORANGE, style.GREEN, style.PINK, style.AMBER, style.SKY, "black")
MAX_THIN = 60
"""Single lines behind a mean, the first ones."""


@dataclass
class Line:
    """A line with its band: ``x``, ``y``, ``low``, ``high`` [points]; ``thin`` [lines, points].

    ``shown`` marks points that a test found; lines of one label have one colour unless it is given.
    """

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    thin: np.ndarray | None = None
    shown: np.ndarray | None = None
    colour: str | None = None
    dashed: bool = False


@dataclass
class Panel:
    """A panel: its lines, and stretches of the axis where groups part."""

    title: str
    lines: list[Line]
    ylabel: str = ""
    parted: np.ndarray | None = None  # [points] of the first line's x
    note: str = ""  # why there is nothing
    training: tuple[float, ...] = field(default=())  # ends of the trained range


def draw_panels(
    panels: Sequence[Panel],
    title: str,
    xlabel: str,
    columns: int = 2,
    height_in: float = 1.5,
    sharey: bool = False,
    sharex: bool = True,
    legend: Mapping[str, Artist] | None = None,
) -> Figure:
    """Draws panels of lines under one legend, to which ``legend`` adds.

    A band is drawn where a line has one (of a point without neighbours a bar), thin lines behind
    it; a bar at the foot marks where groups part, dashed lines the trained range.
    """
    figure, axes, left = grid(len(panels), columns, height_in, 0.9, sharex=sharex, sharey=sharey)
    lines = [line for panel in panels for line in panel.lines]
    names = list(dict.fromkeys(line.label for line in lines if not line.colour))
    handles: dict[str, Artist] = {}
    for axis, panel in zip(axes, panels, strict=True):
        axis.set_title(panel.title)
        if panel.note:
            style.say(axis, panel.note)
            if not sharey:  # of nothing there is no scale
                axis.tick_params(axis="y", left=False, labelleft=False)
        for line in panel.lines:
            colour = line.colour or COLOURS[names.index(line.label) % len(COLOURS)]
            _draw(axis, line, colour)
            handle = Line2D([], [], color=colour, linestyle="--" if line.dashed else "-")
            handles.setdefault(line.label, handle)
        for edge in panel.training:
            axis.axvline(edge, color=GREY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0)
        if panel.parted is not None and panel.parted.any():
            x = panel.lines[0].x
            foot = np.where(panel.parted, 0.02, np.nan)
            look = {"color": "black", "linewidth": 2.5, "solid_capstyle": "butt"}
            axis.plot(x, foot, transform=axis.get_xaxis_transform(), marker="|", **look)
        axis.set_ylabel(panel.ylabel)
    handles |= legend or {}
    labels = [label for label in handles if label]
    if len(labels) > 1:
        figure.legend(
            [handles[x] for x in labels], labels, loc="outside lower center",
            ncols=min(3 if legend else 6, len(labels)), fontsize=TINY_PT,
        )  # fmt: skip
    for axis in axes[-min(columns, len(axes)) :]:  # a label of the figure would lie on the legend
        axis.set_xlabel(xlabel)
    figure.suptitle(title)
    return figure


def _draw(axis: Axes, line: Line, colour: str) -> None:
    if line.thin is not None:
        axis.plot(line.x, line.thin[:MAX_THIN].T, color=colour, linewidth=0.3, alpha=0.4)
    if line.low is not None and line.high is not None:
        axis.fill_between(line.x, line.low, line.high, color=colour, alpha=0.2, linewidth=0)
    (handle,) = axis.plot(line.x, line.y, "--" if line.dashed else "-", color=colour, linewidth=1.2)
    there = np.pad(np.isfinite(line.y), 1)
    alone = there[1:-1] & ~there[:-2] & ~there[2:]  # neither a line nor a band shows these
    if alone.any():
        handle.set(marker=".", markersize=4, markevery=alone)
        if line.low is not None and line.high is not None:
            axis.vlines(line.x[alone], line.low[alone], line.high[alone], colour, linewidth=0.8)
    if line.shown is not None:
        axis.plot(line.x[line.shown], line.y[line.shown], "o", color=colour, markersize=3)
