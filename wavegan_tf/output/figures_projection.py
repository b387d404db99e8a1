"""The figure of the projection: maps of weights per latent variable."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.output.names import duration_s
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import grid, heat


def draw_maps(run: Run) -> Figure:
    """Draws the weights of each shown variable: channels from below, frames along the time."""
    shown, weights = run.settings["shown"], run.table("weights").set_index("latent")
    maps = {name: np.asarray(run.arrays["projection"][name]) for name in shown}
    most = max(float(np.abs(x).max()) for x in maps.values())
    figure, axes, left = grid(len(shown), 4, 1.9, 0.9, sharex=True, sharey=True)
    for axis, (name, x) in zip(axes, maps.items(), strict=True):
        image = heat(axis, x.T, -most, most)
        n_frames, channels = x.shape
        image.set_extent((0, duration_s(run), channels + 0.5, 0.5))
        axis.invert_yaxis()
        row = weights.loc[name]
        axis.set_title(f"{name}  (rank {row['rank']}, {row['estimate']:.2f})")
    for axis in left:
        axis.set_ylabel("Channel")
    figure.colorbar(image, ax=axes, aspect=40, pad=0.01).set_label("Weight")
    figure.supxlabel(f"Time (s), {n_frames} frames")
    figure.suptitle("Weights of the projection; in brackets: norm \u00d7 SD over the median's")
    return figure


FIGURES = {"maps": draw_maps}
