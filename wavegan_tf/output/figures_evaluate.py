"""A model beside its corpus: quantities side by side, and the words that codes are taken for."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.output import style
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import TINY_PT, grid

SHOWN = ("differs", "copies")
"""Verdicts that are marked."""

SIDES = {"recordings": ("recordings", "recordings_low", "recordings_high"),
         "outputs": ("estimate", "low", "high")}  # fmt: skip


def draw_quantities(result: Run) -> Figure:
    """Draws a panel for each quantity: recordings and outputs, with their intervals."""
    panels = []
    for row in result.table("evaluation").to_dict("records"):
        lines = []
        for place, (source, names) in enumerate(SIDES.items()):
            y, low, high = (np.array([row[name]], float) for name in names)
            lines.append(Line(source, np.array([float(place)]), y, low, high))
        mark = "\u00a0*" if row["verdict"] in SHOWN else ""
        panels.append(Panel(textwrap.fill(f"{row['quantity']}{mark}", 24), lines))
    title = "Outputs beside recordings, with 95 % intervals (* told apart)"
    figure = draw_panels(panels, title, "", 4, 1.1)
    for axis in figure.axes:
        axis.set(xlim=(-0.6, 1.6), xticks=[])
        axis.set_title(axis.get_title("left"), fontsize=TINY_PT + 1)
        axis.locator_params("y", nbins=4)
    return figure


def draw_recognised(result: Run) -> Figure:
    """Draws the share of each code's outputs that are taken for each word."""
    table = result.table("recognised")
    shares = table.pivot(index="code", columns="word", values="estimate")
    shares = shares.reindex(index=table["code"].unique(), columns=table["word"].unique())
    n, codes = table.groupby("code")["n"].first(), result.table("codes")
    differs = set(codes.loc[codes["verdict"] == "differs", "code"]) if len(codes) else set()
    width_in = 2.4 + 0.4 * len(shares.columns)
    figure, (axis,), _ = grid(1, 1, 0.8 + 0.2 * len(shares), width_in=max(4.0, width_in))
    picture = style.heat(axis, shares.to_numpy(), 0, 1, "Blues")
    for y, x in zip(*np.nonzero(shares.to_numpy() >= 0.005), strict=True):
        share = shares.iat[y, x]
        look = {"va": "center", "color": "white" if share > 0.6 else "black"}
        style.write(axis, x, y, f"{100 * share:.0f}", fontsize=TINY_PT - 1, **look)
    long = max(map(len, shares.columns)) > 4
    axis.set_xticks(range(len(shares.columns)), shares.columns, rotation=90 * long)
    names = [f"{code}{' *' * (code in differs)} ({n[code]})" for code in shares.index]
    axis.set_yticks(range(len(shares)), names)
    axis.set(xlabel="Word that the classifier names", ylabel="Code (outputs)")
    figure.colorbar(picture, ax=axis, pad=0.01, aspect=25, label="Share of outputs (0 to 1)")
    figure.suptitle("Words by code, in % (* words differ from those of the other codes)")
    return figure
