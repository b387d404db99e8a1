"""Figures of several models: r of each layer over training step, or over layers by model."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from wavegan_tf.output import text
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.names import layer_title, layers_of, measure_title
from wavegan_tf.output.run import Run

LOGARITHMIC = 20
"""Where the last step is so many times the first, the axis of steps is logarithmic."""

SHOWN = ("encoded", "inverse")


def figures(
    result: Run, series: Mapping[str, Sequence[tuple[str, int]]], last: pd.DataFrame
) -> dict[str, Callable[[], Figure]]:
    """Lists the figures of a run, each with what draws it.

    They are ``steps_LABEL`` of a training (of several ``steps_LABEL_1`` ..), in ``series`` with its
    models and steps, and ``models_LABEL`` of the ``last`` checkpoints where there are several
    trainings; of several channels names end in ``_channel1``.
    """
    known = result.table("correlations")
    found: dict[str, Callable[[], Figure]] = {}
    if not len(known):
        return {}
    known = known[known["verdict"] != ""]
    several = known["channel"].nunique() > 1
    for (channel, label), rows in known.groupby(["channel", "label"], sort=False, observed=True):
        end = f"_channel{channel}" * several
        for k, (training, steps) in enumerate(series.items(), start=1):
            own = rows[rows["model"].isin([name for name, _ in steps])]
            if _drawn(own).any():
                name = f"steps_{label}" + f"_{k}" * (len(series) > 1) + end
                found[name] = partial(draw_steps, result, own, training, steps)
        own = rows[rows["model"].isin(last["model"])]
        if len(last) > 1 and _drawn(own).any():
            found[f"models_{label}{end}"] = partial(draw_models, result, own, last)
    return found


def _drawn(rows: pd.DataFrame) -> pd.Series:
    return (rows["verdict"] != "too few") & rows["estimate"].notna()


def draw_steps(
    result: Run, rows: pd.DataFrame, training: str, models: Sequence[tuple[str, int]]
) -> Figure:
    """Draws a panel for each measure of ``correlations``, a line for each layer over steps."""
    names, steps = [name for name, _ in models], np.array([step for _, step in models])
    axis = "model", names, steps
    texts = f"{training}, {len(names)} checkpoints", "Training step (Generator updates)"
    figure = _draw(result, rows, "layer", layers_of(result), axis, layer_title, texts)
    for each in figure.axes:
        if steps[0] > 0 and steps[-1] >= LOGARITHMIC * steps[0]:
            each.set_xscale("log")
    return figure


def draw_models(result: Run, rows: pd.DataFrame, models: pd.DataFrame) -> Figure:
    """Draws a panel for each measure, a line over layers for each training's last checkpoint.

    Lines run over layers, which have an order; trainings have none. Their colours are of groups
    where there are groups.
    """
    grouped = (models["group"] != "").any()
    named = dict(zip(models["model"], models["group" if grouped else "model"], strict=True))
    layers = layers_of(result)
    axis = "layer", layers, np.arange(len(layers))
    texts = f"{len(named)} trainings, the last checkpoint of each", "Layer"
    figure = _draw(result, rows, "model", list(named), axis, named.__getitem__, texts)
    for each in figure.axes:
        each.set_xticks(np.arange(len(layers)), map(layer_title, layers))
    return figure


def _draw(
    run: Run,
    rows: pd.DataFrame,
    lines: str,
    names: Sequence[str],
    axis: tuple[str, Sequence[str], np.ndarray],
    write: Callable[[str], str],
    texts: tuple[str, str],
) -> Figure:
    """Draws panels by measure, lines by one column and points by another."""
    by, places, x = axis
    panels = []
    for (measure, unit), cells in rows.groupby(["measure", "unit"], sort=False, observed=True):
        drawn, cells = [], cells[_drawn(cells)]
        if not len(cells):
            continue
        for name in names:
            own = cells[cells[lines].astype(str) == name]
            own = own.set_index(own[by].astype(str)).reindex(list(places))
            shown = own["verdict"].isin(SHOWN).to_numpy()
            y, low, high = (own[end].to_numpy(float) for end in ("estimate", "low", "high"))
            drawn.append(Line(write(name), x, y, low, high, shown=shown))
        panels.append(Panel(measure_title(measure, unit), drawn, "r"))
    title = (
        f"{rows['label'].iloc[0].capitalize()} intervals, {texts[0]}\n"
        "r with the output, filled where it is shown to be encoded; bands and bars: "
        f"{text.percent(run.settings['statistics']['confidence'])} intervals"
    )
    figure = draw_panels(panels, title, texts[1], columns=3, height_in=1.6, sharey=True)
    for each in figure.axes:
        for line in each.lines:
            if line.get_linestyle() == "-":
                line.set(marker="o", markersize=3, markerfacecolor="white", markevery=None)
        each.axhline(0, color="black", linewidth=0.4, zorder=0)
    return figure
