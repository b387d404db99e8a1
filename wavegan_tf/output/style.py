"""One look for every figure, and one way to write it: PNG and PDF, without dates.

Colours are told apart in every common colour blindness (Okabe & Ito 2008).
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports each glyph of a PDF

WIDTH_IN = 7.0  # the text width of a journal page
HEIGHT_IN = 9.3  # its text height
DPI = 200
SCREEN_DPI = 100
SMALL_PT, TINY_PT = 7, 6
GREY, BLUE, ORANGE, SKY = "#8C8C8C", "#0072B2", "#D55E00", "#56B4E9"
GREEN, PINK, AMBER = "#009E73", "#CC79A7", "#E69F00"
FAINT = "#555555"  # of texts
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.titlepad": 3,
    "figure.titlesize": 9,
    "figure.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 0.7,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text, as journals ask
}

LABEL_COLOURS = {"voiced": SKY, "frication": AMBER, "silence": "#999999"}
"""Shades of the intervals' labels."""


def grid(
    count: int,
    columns: int,
    height_in: float,
    extra_in: float = 0.7,
    width_in: float = WIDTH_IN,
    **options: Any,
) -> tuple[Figure, list, list]:
    """Makes a figure of ``count`` panels, row by row, no taller than a page.

    Args:
        count: Panels; the places left over in the last row stay empty.
        columns: Panels in a row, at most.
        height_in: Wanted height of each row, in inches.
        extra_in: Height of titles and the lowest axis.
        width_in: Width of the figure.
        **options: Of ``Figure.subplots``.

    Returns:
        The figure, its axes, and the leftmost axes of each row.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    height_in = extra_in + rows * min(height_in, (HEIGHT_IN - extra_in) / rows)
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for axis in axes[count:]:
        axis.remove()
    axes = axes[:count]
    for axis in axes[-columns:]:  # shared axes hide the ticks of all but the last row
        axis.tick_params(labelbottom=True)
    return figure, axes, axes[::columns]


def dot(found: bool, colour: str | None = None, size: float = 4) -> dict[str, Any]:
    """Gives the look of an estimate: filled, and if no colour is given orange, if it is shown."""
    colour = colour or (ORANGE if found else BLUE)
    face = colour if found else "white"
    return {"marker": "o", "color": colour, "markersize": size, "markerfacecolor": face}


def heat(axis: Axes, values: Any, low: float, high: float, colours: str = "RdBu_r") -> AxesImage:
    """Draws a table of numbers as colours; grey where there is none."""
    axis.set_facecolor("#EEEEEE")
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return axis.imshow(
        np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip


def frame(axis: Axes, x: int, y: int, dashed: bool = False) -> None:
    """Frames a cell of a heat map."""
    look: dict[str, Any] = {"linewidth": 1.2, "linestyle": "--" if dashed else "-"}
    axis.add_patch(Rectangle((x - 0.47, y - 0.45), 0.94, 0.9, fill=False, **look))


def write(axis: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Writes a small text that takes no room of its own."""
    usual: dict[str, Any] = {"ha": "center", "va": "bottom", "fontsize": TINY_PT}
    axis.text(x, y, text, **(usual | look)).set_in_layout(False)


def say(axis: Axes, text: str, y: float = 0.5, **look: Any) -> None:
    """Writes into a panel why nothing is drawn in it."""
    usual: dict[str, Any] = {"transform": axis.transAxes, "va": "center", "color": FAINT}
    write(axis, 0.5, y, text, **(usual | look))


def shade(axis: Axes, intervals: Iterable[tuple], low: float = 0.0, alpha: float = 0.25) -> None:
    """Shades intervals (label, start_s, end_s) from a share ``low`` of the panel's height up."""
    for label, start_s, end_s in intervals:
        colour = LABEL_COLOURS.get(label, GREY)
        axis.axvspan(start_s, end_s, low, 1, color=colour, alpha=alpha, linewidth=0, zorder=0)


def label_legend(axis: Axes, intervals: Iterable[tuple], alpha: float = 0.25) -> None:
    """Says above the right end of a panel what its shades mean."""
    here = {label for label, *_ in intervals}
    patches = [
        Patch(color=colour, alpha=alpha, linewidth=0, label=label)
        for label, colour in LABEL_COLOURS.items()
        if label in here
    ]
    if patches:
        above_right(axis, handles=patches, ncols=len(patches))


def above_right(axis: Axes, **options: Any) -> None:
    """Puts a legend beside the title of a panel, at the right."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, borderpad=0.1, **options)


def save_png(figure: Figure, file: str | Path | IO[bytes], dpi: int) -> None:
    """Writes a PNG to a path or an open file, without a date or version in it."""
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})


def save(named: tuple[str, Figure], folder: Path) -> None:
    """Writes ``folder/name.png`` and ``.pdf``; the same figure gives the same bytes."""
    name, figure = named
    undated = {"Creator": None, "Producer": None, "CreationDate": None}
    with matplotlib.rc_context(STYLE):
        figure.set_dpi(DPI)
        if engine := figure.get_layout_engine():
            engine.execute(figure)
        figure.set_layout_engine(None)  # with any, a file would be drawn twice, once to lay it out
        save_png(figure, folder / f"{name}.png", DPI)
        figure.savefig(folder / f"{name}.pdf", dpi=DPI, metadata=undated)
