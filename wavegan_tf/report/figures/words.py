"""Per-word averages of every layer of a classifier (Beguš & Zhou, ICASSP 2022)."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import BLUE, GREY, HEIGHT_IN, TINY_PT, WIDTH_IN
from wavegan_tf.report.reading import Run, make_panels

MAX_LINES = 20
"""Words drawn as lines; more are rows of an image."""


def draw_words(run: Run, words: dict[str, np.ndarray]) -> Figure | None:
    """A panel per layer but the target, a line per word, above its own base line.

    All lines of a panel have one scale, so that words can be compared; the mean over all words
    stands behind each, in grey.

    Args:
        run: the run.
        words: of words.npz: ``word`` and ``n`` ``[words]``, layers ``[words, length]``.

    Returns:
        The figure; None without words.
    """
    rates = {x["name"]: (x["rate_hz"], x["nyquist_hz"]) for x in run.config["layers"]}
    panels = make_panels([(name, *rates[name]) for name in run.layers], words)
    names = [f"{word} ({n})" for word, n in zip(words["word"], words["n"], strict=True)]
    if not panels or not names:
        return None
    columns = min(len(panels), 3 if len(panels) <= 6 else 4)
    rows = -(-len(panels) // columns)
    height_in = min(max(1.6, 0.5 + 0.14 * min(len(names), MAX_LINES)), (HEIGHT_IN - 0.7) / rows)
    figure = Figure(figsize=(WIDTH_IN, 0.7 + rows * height_in), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True, sharex=True).flat
    for place, axis in enumerate(axes):
        if place >= len(panels):
            axis.remove()
            continue
        panel = panels[place]
        draw = _draw_lines if len(names) <= MAX_LINES else _draw_image
        draw(axis, panel)
        axis.set(title=panel.title, xlim=(0, run.duration_s))
        if place + columns >= len(panels):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel("Time (s)")
    every = -(-len(names) // (2 * MAX_LINES))
    for axis in axes[::columns]:
        axis.set_yticks(range(0, len(names), every), names[::every], fontsize=TINY_PT)
    axes[0].set_ylim(len(names) - 0.3, -1.1)  # the first word on top
    kind = "grey: mean over all words" if len(names) <= MAX_LINES else "a row for each"
    figure.suptitle(
        f"Averages by word (number of recordings); each panel has its own scale; {kind}"
    )
    return figure


def _draw_lines(axis, panel):
    """A line per word above its base line, over the mean of all words."""
    series = np.nan_to_num(panel.series.astype(np.float64))
    low, high = series.min(), series.max()
    base = 0.0 if low < 0 else low  # leaky ReLU goes below 0
    scale = 0.95 / ((high - base) or (base - low) or 1.0)
    mean = (series.mean(axis=0) - base) * scale
    for place, line in enumerate(series):
        axis.axhline(place, color=GREY, linewidth=0.25, zorder=0)
        axis.plot(panel.times_s(), place - mean, color=GREY, linewidth=0.5, zorder=1)
        axis.plot(panel.times_s(), place - (line - base) * scale, color=BLUE, linewidth=0.6)


def _draw_image(axis, panel):
    """A row per word; dark is high, around 0 purple and orange where values are negative."""
    series = np.nan_to_num(panel.series)
    signed = series.min() < 0
    top = float(np.percentile(np.abs(series), 99.5)) or 1.0
    axis.imshow(
        series,
        extent=(0, series.shape[1] / panel.rate_hz, len(series) - 0.5, -0.5),
        cmap="PuOr" if signed else "gray_r",
        vmin=-top if signed else series.min(),
        vmax=top,
        aspect="auto",
    )
