"""The figure of contours: a panel for each layer, a line with its band for each group."""

import numpy as np
from matplotlib.figure import Figure

from wavegan_tf.output import text
from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.names import layer_title, measure_title
from wavegan_tf.output.run import Run


def draw_contours(run: Run) -> Figure:
    """Draws the mean contour of each group in each layer; a bar marks where all groups part."""
    about, tests, panels = run.settings, run.table("tests"), []
    pair = tests["reference"] == tests["reference"].iloc[0]  # of all groups, if more than two
    x = (np.arange(about["n_points"]) + 0.5) * 100 / about["n_points"]
    for layer, rows in run.table("contours").groupby("layer", sort=False):
        # of a pair at least, where there are enough values for a test
        there = tests["layer"].eq(layer) & tests["f"].notna()
        ends, tested = ["estimate", "low", "high"], rows["point"].isin(tests.loc[there, "point"])
        rows = rows.assign(**rows[ends].where(tested))
        lines = [
            Line(str(group), x, *own[ends].to_numpy(float).T)
            for group, own in rows.groupby("group", sort=False)
        ]
        parted = tests.loc[pair & (tests["layer"] == layer), "differs"].to_numpy(bool)
        note = "" if rows["estimate"].notna().any() else "no values"
        of = ", magnitude" * (layer == about["target"] and about["track"] in ("series", "shape"))
        panels.append(Panel(layer_title(str(layer)) + of, lines, "", parted, note))
    whole = "output" if about["paired"] else "input, silence after the sound included"
    where = whole if about["of"] == "output" else f"{about['of']} interval"
    level = text.percent(about["statistics"]["confidence"])
    title = (
        f"{measure_title(about['track'], about['unit'])} of layers\n"
        f"shaded: {level} intervals of single points; bars: groups part"
    )
    return draw_panels(panels, title, f"Place in the {where} (%)")
