"""What is encoded where: Pearson's r of every measure at every layer, with its control level."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from wavegan_tf.report.figures.style import SMALL_PT, TINY_PT, WIDTH_IN
from wavegan_tf.report.reading import Run, control_level, distinct, layer_title, measure_title

ROW_IN = 0.32


def draw_encoding(run: Run, label: str, rows: list[dict]) -> Figure | None:
    """A heat map, measure x layer: r, the higher control level below it, a frame if encoded.

    Args:
        run: the run.
        label: of the intervals.
        rows: of correlations.csv, of one channel, label and statistic.

    Returns:
        The figure; None where no cell has a value.
    """
    rows = [row for row in rows if row["layer"] in run.layers]
    if not any(np.isfinite(row["value"]) for row in rows):
        return None
    measures = distinct(rows, "measure")
    layers = [name for name in run.layers if any(row["layer"] == name for row in rows)]
    cells = {(row["measure"], row["layer"]): row for row in rows}
    r = np.full((len(measures), len(layers)), np.nan)
    for (measure, layer), row in cells.items():
        if row["verdict"] != "too few":
            r[measures.index(measure), layers.index(layer)] = row["value"]
    width_in = min(WIDTH_IN, 2.4 + 0.9 * len(layers))
    figure = Figure(figsize=(width_in, 1.35 + ROW_IN * len(measures)), layout="constrained")
    axis = figure.subplots()
    axis.set_facecolor("#EEEEEE")
    image = axis.imshow(np.ma.masked_invalid(r), cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
    for i, measure in enumerate(measures):
        for k, layer in enumerate(layers):
            if (measure, layer) in cells:
                _draw_cell(axis, k, i, cells[measure, layer])
    axis.set_xticks(range(len(layers)), [layer_title(name) for name in layers])
    titles = [
        measure_title(m, next(x["unit"] for x in rows if x["measure"] == m)) for m in measures
    ]
    axis.set_yticks(range(len(measures)), titles)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axis, pad=0.02, aspect=25, ticks=[-1, -0.5, 0, 0.5, 1])
    bar.set_label(f"Pearson's r with {run.target_title}")
    figure.suptitle(f"{label.capitalize()} intervals: r, and below it the higher control level")
    figure.supxlabel(
        "Frame, bold: encoded (95 % interval above both controls); dashed frame: inverse (below "
        "their mirror\nimage); grey text: not above the controls; no colour: too few values, or "
        "none",
        fontsize=TINY_PT,
    )
    return figure


def _draw_cell(axis, x, y, row):
    """The numbers of a cell, its frame, and colours that can be read on the heat."""
    verdict, r = row["verdict"], row["value"]
    if not np.isfinite(r):
        _write(axis, x, y, "–", "#777777", SMALL_PT, va="center")
        return
    found = verdict in ("encoded", "inverse")
    dark = abs(r) > 0.65 and verdict != "too few"
    colour = "white" if dark else "black" if found else "#444444"
    level = control_level(row)
    below = f"({level:.2f})" if np.isfinite(level) else "(no control)"
    if verdict == "too few":
        below = "too few"
    bold = {"fontweight": "bold"} if found else {}
    _write(axis, x, y - 0.02, f"{r:.2f}", colour, SMALL_PT, va="bottom", **bold)
    _write(axis, x, y + 0.02, below, colour, TINY_PT - 0.5, va="top")
    if found:
        style = "-" if verdict == "encoded" else "--"
        axis.add_patch(
            Rectangle(
                (x - 0.47, y - 0.45), 0.94, 0.9, fill=False, linewidth=1.3, linestyle=style,
                edgecolor="black",
            )
        )  # fmt: skip


def _write(axis, x, y, text, colour, size_pt, **options):
    """Text in a cell; the layout need not measure it."""
    axis.text(x, y, text, ha="center", color=colour, fontsize=size_pt, **options).set_in_layout(
        False
    )
