"""Distributions of outputs beside those of the recordings."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from wavegan_tf.output import text
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.names import measure_title
from wavegan_tf.output.run import Run

SOURCES, GROUPS = ("outputs", "recordings"), ("#TV", "#sTV")


def cumulative(label: str, values: np.ndarray, colour: str | None = None) -> Line:
    """Makes the line of the share of values up to each value."""
    x = np.sort(values)
    share = np.arange(1, len(x) + 1) / max(1, len(x))
    steps = np.r_[0.0, np.repeat(share, 2)[:-1]][: 2 * len(x)]
    return Line(label, np.repeat(x, 2), steps, colour=colour)


def draw_distributions(result: Run, rows: pd.DataFrame) -> Figure:
    """Draws a panel for each measure of a label, its cumulative shares of both sources."""
    samples, panels = result.table("samples"), []
    for row in rows.to_dict("records"):
        own = samples[(samples["label"] == row["label"]) & (samples["measure"] == row["measure"])]
        lines = [cumulative(x, own.loc[own["source"] == x, "value"].to_numpy()) for x in SOURCES]
        mark = " *" if row["verdict"] == "differs" else ""
        title = measure_title(row["measure"], row["unit"])
        panels.append(Panel(f"{title}, KS {text.fixed(row['ks'])}{mark}", lines))
    label = rows["label"].iloc[0]
    what = "Numbers of intervals" if label == "output" else f"Intervals: {label}"
    title = f"{what}; one value per output or recording (* differs after Holm's correction)"
    figure = draw_panels(panels, title, "Value", 3, sharex=False, sharey=True)
    for axis in figure.axes:
        axis.locator_params("x", nbins=4)  # 0.0005 is wide
    return figure


def draw_stops(result: Run) -> Figure:
    """Draws the cumulative shares of voice onset time by group, a panel for each source."""
    stops, panels = result.table("stops"), []
    stops = stops[np.isfinite(stops["vot"])]
    for source, here in stops.groupby("source", sort=False):
        lines = [
            cumulative(f"{group}", 1000 * here.loc[here["group"] == group, "vot"].to_numpy())
            for group in GROUPS
        ]
        n = ", ".join(f"{group} {(here['group'] == group).sum()}" for group in GROUPS)
        panels.append(Panel(f"{str(source).capitalize()}: {n}", lines, "Share of stops"))
    title = "Voice onset time: share of stops up to each value"
    return draw_panels(panels, title, "Voice onset time (ms)", 2, 2.6, sharey=True)
