"""Raw feature maps of every layer as images (Beguš & Zhou 2022, Fig. 3)."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.report.figures.style import stacked
from wavegan_tf.report.reading import Run, layer_title

TOP_PERCENTILE = 99.5
"""Activations above this percentile of a layer share its strongest colour: one spike would leave
everything else white."""


def draw_maps(run: Run, maps: dict[str, np.ndarray], i: int, name: str) -> Figure:
    """A panel per layer: time on the x-axis, feature maps stacked on the y-axis.

    Maps stand in the network's order, which means nothing. Layers that are nowhere negative are
    drawn from white to black, others from orange over white to purple around 0.

    Args:
        run: the run.
        maps: by layer, ``[n, length, channels]``.
        i: row of the arrays.
        name: of the output, for the title.
    """
    layers = [name for name in run.layers if name in maps]
    figure, axes = stacked(len(layers), 1.4, sharex=True)
    for axis, layer in zip(axes, layers, strict=True):
        image = np.nan_to_num(maps[layer][i].astype(np.float32)).T  # [channels, length]
        top = float(np.percentile(np.abs(image), TOP_PERCENTILE)) or float(np.abs(image).max())
        top, signed = top or 1.0, image.min() < 0
        picture = axis.imshow(
            image,
            extent=(0, run.duration_s, 0.5, len(image) + 0.5),
            cmap="PuOr" if signed else "gray_r",
            vmin=-top if signed else 0,
            vmax=top,
            aspect="auto",
            origin="lower",
        )
        axis.set(title=f"{layer_title(layer)}  ({len(image)} maps × {image.shape[1]} samples)")
        axis.set_yticks(sorted({1, len(image)}))
        beyond = "both" if signed else "max"
        figure.colorbar(picture, ax=axis, pad=0.01, aspect=10, extend=beyond)
    axes[-1].set_xlabel("Time (s)")
    figure.supylabel("Feature map", fontsize=8)
    figure.suptitle(f"{name}: activation of every feature map")
    return figure
