"""What Q and its layers make of words: confusions, shares by layer, curves by word."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.output import style
from wavegan_tf.output.figures_lines import COLOURS, Line, Panel, draw_panels
from wavegan_tf.output.names import layer_title
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import GREY, TINY_PT, grid

MAX_CELLS, MAX_WORDS = 40, 10
"""Words and codes of the confusions, words whose curves are drawn: the first, the most frequent."""


def draw_confusion(result: Run) -> Figure:
    """Draws the share of each word's recordings that get each code, ordered by the assignment."""
    table = result.table("confusion")
    shares = table.pivot(index="word", columns="code", values="estimate").fillna(0.0)
    n = table.groupby("word")["n"].first()
    words = result.table("words")
    assigned = dict(zip(words["word"], words["code"], strict=True)) if len(words) else {}
    first = list(assigned) + [word for word in shares.index if word not in assigned]
    order = [assigned[word] for word in first if assigned.get(word) in shares.columns]
    order += list(shares.sum().sort_values(ascending=False, kind="stable").index)
    codes = list(dict.fromkeys(order))[:MAX_CELLS]
    shares = shares.reindex(index=first[:MAX_CELLS], columns=codes)
    figure, (axis,), _ = grid(1, 1, 0.8 + 0.2 * len(shares), width_in=2.2 + 0.35 * len(codes))
    picture = style.heat(axis, shares.to_numpy(), 0, 1, "Blues")
    for y, x in zip(*np.nonzero(shares.to_numpy() >= 0.005), strict=True):
        share = shares.iat[y, x]
        colour = "white" if share > 0.6 else "black"
        text = f"{100 * share:.0f}"
        style.write(axis, x, y, text, va="center", color=colour, fontsize=TINY_PT - 1)
    for y, word in enumerate(shares.index):
        if assigned.get(word) in codes:
            style.frame(axis, codes.index(assigned[word]), y)
    axis.set_xticks(range(len(codes)), codes, fontsize=TINY_PT, rotation=90 * (len(codes[0]) > 3))
    axis.set_yticks(range(len(shares)), [f"{word} ({n[word]})" for word in shares.index])
    axis.set(
        xlabel="Code that Q answers (the table words counts by codes of held-out parts)",
        ylabel="Word (recordings)",
    )
    figure.colorbar(picture, ax=axis, pad=0.01, aspect=25, label="Share of recordings (0 to 1)")
    figure.suptitle("Answers of Q by word, in % (frame: the code assigned on all recordings)")
    return figure


def draw_by_layer(result: Run) -> Figure:
    """Draws the share of words that each layer tells, beside envelope, chance, random weights."""
    table = result.table("by_layer")
    layers = table[table["layer"] != "input"]
    x = np.arange(len(layers), dtype=float)
    envelope = np.full(len(x), table.loc[table["layer"] == "input", "estimate"].iloc[0])
    random, high = layers["random"].to_numpy(), layers["random_high"].to_numpy()
    own, ends = layers["estimate"].to_numpy(), (layers["low"].to_numpy(), layers["high"].to_numpy())
    found = (layers["verdict"] == "beyond random weights").to_numpy()
    lines = [
        Line("trained Q (dot: beyond random weights)", x, own, *ends, shown=found),
        Line("envelope of the sound", x, envelope, colour=style.GREEN),
        Line("random weights, up to what one more exceeds in 5 %", x, random, random, high,
             colour=GREY),
        Line("chance", x, layers["chance"].to_numpy(), colour="black"),
    ]  # fmt: skip
    panel = Panel("Words that a linear classifier reads off the average", lines, "Share right")
    figure = draw_panels([panel], "Which layers tell words apart", "Layer", 1, 2.6)
    figure.axes[0].set_xticks(x, [layer_title(name) for name in layers["layer"]])
    figure.axes[0].set_ylim(0, 1)
    return figure


def draw_curves(result: Run) -> Figure:
    """Draws the mean curve of each word in each layer; the bar says where words part."""
    table = result.table("curves")
    n = table.groupby("word")["n"].first().sort_values(ascending=False, kind="stable")
    words = sorted(n.index[:MAX_WORDS])
    shades = list(COLOURS)
    if len(words) > len(shades):
        every = matplotlib.colormaps["turbo"](np.linspace(0.03, 0.97, len(words)))
        shades = [matplotlib.colors.to_hex(each) for each in every]
    panels = []
    for layer, rows in table.groupby("layer", sort=False):
        lines = []
        for word, colour in zip(words, shades, strict=False):
            own = rows[rows["word"] == word]
            x = 100 * (own["point"].to_numpy() - 0.5) / len(own)
            y, low, high = (own[name].to_numpy() for name in ("estimate", "low", "high"))
            lines.append(Line(word, x, y, low, high, colour=colour))
        title = "Input: envelope" if layer == "input" else layer_title(str(layer))
        apart = rows[rows["word"] == words[0]]["p_layers"].to_numpy() < result.settings["level"]
        panels.append(Panel(title, lines, "Mean activation", apart))
    shown = f", the {MAX_WORDS} most frequent of {len(n)}" if len(n) > MAX_WORDS else ""
    title = (
        f"Averages of the layers by word{shown} (bar: words part, corrected over points and layers)"
    )
    return draw_panels(panels, title, "Share of the recording's duration (%)", 2, 1.7)


FIGURES = {"confusion": draw_confusion, "by_layer": draw_by_layer, "curves": draw_curves}
