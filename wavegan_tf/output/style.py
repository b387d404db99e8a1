"""One look for every figure, and one way to write it: PNG and PDF, without dates.

Colours are told apart in every common colour blindness (Okabe & Ito 2008).
"""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it reports each glyph of a PDF

WIDTH_IN = 7.0  # the text width of a journal page
HEIGHT_IN = 9.3  # its text height
DPI = 200
SCREEN_DPI = 100
SMALL_PT, TINY_PT = 7, 6
GREY, BLUE, ORANGE, SKY = "#8C8C8C", "#0072B2", "#D55E00", "#56B4E9"
STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.titlepad": 3,
    "figure.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "lines.linewidth": 0.7,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text, as journals ask
}

LABEL_COLOURS = {"voiced": SKY, "frication": "#E69F00", "silence": "#999999"}
"""Shades of the intervals' labels."""


def stacked(
    rows: int, height_in: float, extra_in: float = 0.7, **options: Any
) -> tuple[Figure, Any]:
    """Make a figure of panels one below the other, no taller than a page.

    Args:
        rows: panels.
        height_in: wanted height of each, in inches.
        extra_in: for titles and the time axis.
        **options: of ``Figure.subplots``.

    Returns:
        The figure and its axes, ``[rows]``.
    """
    height_in = min(height_in, (HEIGHT_IN - extra_in) / rows)
    figure = Figure(figsize=(WIDTH_IN, extra_in + height_in * rows), layout="constrained")
    return figure, figure.subplots(rows, squeeze=False, **options)[:, 0]


def grid(
    count: int, columns: int, height_in: float, extra_in: float = 0.7, **options: Any
) -> tuple[Figure, list, list]:
    """Make a figure of ``count`` panels, row by row; the places left over stay empty.

    Returns:
        The figure; its axes, a list of ``count``; the leftmost of each row, a list.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    height_in = min(height_in, (HEIGHT_IN - extra_in) / rows)
    figure = Figure(figsize=(WIDTH_IN, extra_in + height_in * rows), layout="constrained")
    axes = list(figure.subplots(rows, columns, squeeze=False, **options).flat)
    for axis in axes[count:]:
        axis.remove()
    axes = axes[:count]
    for axis in axes[
        max(0, count - columns) :
    ]:  # shared axes hide the ticks of all but the last row
        axis.tick_params(labelbottom=True)
    return figure, axes, axes[::columns]


def shade(axis: Axes, intervals: Iterable[tuple], low: float = 0.0, alpha: float = 0.25) -> None:
    """Shade labelled intervals.

    Args:
        axis: to draw in.
        intervals: (label, start_s, end_s) each.
        low: where the shade begins, as a share of the panel's height.
        alpha: its strength.
    """
    for label, start_s, end_s in intervals:
        colour = LABEL_COLOURS.get(label, GREY)
        axis.axvspan(start_s, end_s, low, 1, color=colour, alpha=alpha, linewidth=0, zorder=0)


def label_legend(axis: Axes, intervals: Iterable[tuple], alpha: float = 0.25) -> None:
    """Say above the right end of a panel what its shades mean."""
    here = {label for label, *_ in intervals}
    patches = [
        Patch(color=colour, alpha=alpha, linewidth=0, label=label)
        for label, colour in LABEL_COLOURS.items()
        if label in here
    ]
    if patches:
        above_right(axis, handles=patches, ncols=len(patches))


def above_right(axis: Axes, **options: Any) -> None:
    """Put a legend beside the title of a panel, at the right."""
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, borderpad=0.1, **options)


def say(axis: Axes, text: str) -> None:
    """Write into a panel why nothing is drawn in it."""
    axis.text(
        0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="#555555",
        fontsize=TINY_PT,
    )  # fmt: skip


def say_below(axis: Axes, text: str) -> None:
    """Write a reason at the lower edge of a panel."""
    axis.text(
        0.5, 0.02, text, transform=axis.transAxes, ha="center", va="bottom", color="#555555",
        fontsize=TINY_PT - 1, bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
    ).set_in_layout(False)  # fmt: skip


def save_png(figure: Figure, file: str | Path | IO[bytes], dpi: int) -> None:
    """Write a PNG to a path or an open file, without a date or version in it."""
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write ``stem.png`` and ``stem.pdf``; the same figure gives the same bytes.

    Returns:
        Both paths.
    """
    stem.parent.mkdir(exist_ok=True)
    png, pdf = (stem.with_name(stem.name + ending) for ending in (".png", ".pdf"))
    save_png(figure, png, DPI)
    figure.set_layout_engine("none")  # the PDF keeps the places found for the PNG
    undated = {"Creator": None, "Producer": None, "CreationDate": None}
    figure.savefig(pdf, dpi=DPI, metadata=undated)
    return [png, pdf]


def save_all(run_dir: Path, drawn: Iterable[tuple[str, Figure | None]]) -> list[Path]:
    """Save the figures of a run in this look, as they are drawn: one at a time in memory.

    Args:
        run_dir: the run; figures go to its folder ``figures``.
        drawn: name and figure of each; None is left out.

    Returns:
        The paths written, in order.
    """
    paths = []
    with matplotlib.rc_context(STYLE):
        for name, figure in drawn:
            if figure is not None:
                paths += save(figure, run_dir / "figures" / name)
    return paths
