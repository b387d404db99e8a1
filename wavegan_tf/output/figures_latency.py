"""Figures of layers beside a reference: their courses, and when they peak."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.output import style, text
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.names import layer_title
from wavegan_tf.output.run import Run

FOLLOWS = "more than surrogates"


def draw_averages(run: Run) -> Figure:
    """Draws the average of every layer, of several models each, beside the reference."""
    panels, names = [], _names(run)
    for layer in run.table("latency")["layer"].drop_duplicates():
        lines: list[Line] = []
        for model, name in names.items():
            times_s, average, reference = run.arrays["averages"][f"{model}/{layer}".lstrip("/")]
            lines.append(Line(name, 1000 * times_s, _standardised(average)))
        beside = _standardised(reference)
        lines.append(Line("reference", 1000 * times_s, beside, colour="black", dashed=True))
        of = ", magnitude" * (layer == run.settings["target"] == "input")
        panels.append(Panel(layer_title(layer) + of, lines, "SD"))
    title = "Averages of layers and the reference (dashed), both minus their mean, in SD"
    return draw_panels(panels, title, "Time after the onset (ms)")


def draw_latencies(run: Run) -> Figure:
    """Draws peak latency and, where it is shown, lag: a line for each model in its group's colour.

    No line crosses a layer without a value.
    """
    table, names = run.table("latency"), _names(run)
    layers = list(table["layer"].drop_duplicates())
    x, panels = np.arange(len(layers)), []
    table = table.assign(lag_s=table["lag_s"].where(table["verdict"] == FOLLOWS))
    for measure, title in (("peak_s", "Largest peak"), ("lag_s", "Lag to the reference")):
        lines = []
        for model, name in names.items():
            own = (table[table["model"] == model] if model else table).set_index("layer")
            y = 1000 * own.reindex(layers)[measure].to_numpy(float)
            low = high = None
            if measure == "peak_s" and len(names) == 1:
                low, high = (1000 * own[f"peak_s_{end}"].to_numpy(float) for end in ("low", "high"))
            lines.append(Line(name, x, y, low, high, shown=np.isfinite(y)))
        note = "not shown in any layer" if table[measure].isna().all() else ""
        panels.append(Panel(title, lines, "ms", note=note))
    level = text.percent(run.settings["statistics"]["confidence"])
    band = f"; shaded: {level} interval" if len(names) == 1 else ""
    figure = draw_panels(panels, f"Latency of layers{band}", "Layer", height_in=2.2)
    for axis in figure.axes:
        axis.set_xticks(x, [layer_title(layer) for layer in layers], fontsize=style.TINY_PT)
    return figure


def _names(run: Run) -> dict[str, str]:
    """Names each model in a legend: by its group, or itself; of one model alone ``average``."""
    table = run.table("latency")
    if "model" not in table:
        return {"": "average"}
    rows = table.drop_duplicates("model").set_index("model")
    return rows.get("group", rows.index.to_series()).to_dict()


def _standardised(values: np.ndarray) -> np.ndarray:
    return (values - np.mean(values)) / (np.std(values) or 1)
