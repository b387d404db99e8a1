"""Duration of a layer's own intervals against the target's, with the linear model."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import BLUE, GREY, ORANGE, TINY_PT, grid, say
from wavegan_tf.report.reading import Run, layer_title
from wavegan_tf.report.tables import stream_csv


def read_duration_pairs(run: Run) -> dict:
    """Read every interval's duration at the target and at the layers, from intervals.csv.

    Returns:
        A dict (channel, label) -> layer -> ``[n, 2]``: the target's and the layer's duration in s,
        where both are known.
    """
    durations = {}  # (channel, label) -> layer -> place -> s
    columns = ("measure", "channel", "label", "layer", "id", "interval", "value")
    for measure, channel, label, layer, *place, value in stream_csv(
        run.directory / "intervals.csv", columns
    ):
        if measure == "duration" and np.isfinite(float(value)):
            layers = durations.setdefault((channel, label), {})
            layers.setdefault(layer, {})[tuple(place)] = float(value)
    return {
        key: {
            name: np.array(
                [(layers.get(run.target, {})[x], s) for x, s in there.items()
                 if x in layers.get(run.target, {})]
            ).reshape(-1, 2)
            for name, there in layers.items()
            if name != run.target
        }
        for key, layers in durations.items()
    }  # fmt: skip


def draw_durations(
    run: Run, label: str, models: dict[str, dict], pairs: dict[str, np.ndarray]
) -> Figure | None:
    """A panel per layer: a point per interval, the regression line and its numbers.

    Args:
        run: the run.
        label: of the intervals.
        models: layer -> row of durations.csv, of one channel and label.
        pairs: layer -> ``[n, 2]``, from :func:`read_duration_pairs`.

    Returns:
        The figure; None where no layer has a duration.
    """
    layers = [name for name in run.layers if name in models]
    drawn = [pairs[name] for name in layers if name in pairs and len(pairs[name])]
    if not drawn:
        return None
    top_s = 1.08 * max(float(x.max()) for x in drawn)
    figure, axes, leftmost = grid(len(layers), 5, 2.3, sharex=True, sharey=True)
    for axis, name in zip(axes, layers, strict=True):
        axis.set_title(layer_title(name))
        axis.plot([0, top_s], [0, top_s], color=GREY, linestyle=":", linewidth=0.6, zorder=0)
        points = pairs.get(name, np.empty((0, 2)))
        if len(points):
            alpha = max(0.1, min(0.8, 60 / len(points)))
            axis.plot(*points.T, "o", color=BLUE, markersize=2.5, markeredgewidth=0, alpha=alpha)
            _draw_model(axis, models[name], points)
        else:
            say(axis, "no interval of its own")
    axes[0].set(xlim=(0, top_s), ylim=(0, top_s))
    for axis in leftmost:
        axis.set_ylabel("Duration at the layer (s)")
    figure.supxlabel(f"Duration at {run.target_title} (s); dotted: equal", fontsize=8)
    figure.suptitle(f"Duration of {label} intervals: linear model with 95 % interval of β")
    return figure


def _draw_model(axis, row, points):
    """The line over the points' range, the numbers above the panel."""
    if not np.isfinite(row["beta"]):
        text = f"no model, n = {row['n']:.0f}"
    else:
        ends = np.array([points[:, 0].min(), points[:, 0].max()])
        axis.plot(ends, row["intercept"] + row["beta"] * ends, color=ORANGE, linewidth=1.2)
        text = (
            f"β {row['beta']:.2f} [{row['beta_low']:.2f}, {row['beta_high']:.2f}]\n"
            f"t {row['t']:.1f}, adj. R² {row['adj_r2']:.2f}, n {row['n']:.0f}\n"
            f"random: adj. R² {_number(row['random_adj_r2'])}"
        )
    axis.text(
        0.03, 0.98, text, transform=axis.transAxes, va="top", fontsize=TINY_PT - 0.5,
        bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5},
    )  # fmt: skip


def _number(value):
    return f"{value:.2f}" if np.isfinite(value) else "–"
