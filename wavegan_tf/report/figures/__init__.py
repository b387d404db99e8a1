"""Figures of a run, drawn from the files it wrote and from nothing else.

The only files that import matplotlib. Figures are made without pyplot, always with the same style,
and the same files give the same PNG and PDF.
"""

from wavegan_tf.report.figures.draw import (
    draw_figures,
    draw_interpolation_figures,
    draw_probe_figures,
    draw_table_figures,
    layers_png,
)

__all__ = [
    "draw_figures",
    "draw_interpolation_figures",
    "draw_probe_figures",
    "draw_table_figures",
    "layers_png",
]
