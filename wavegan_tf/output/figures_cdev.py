"""Figures of causal effects: each outcome against the value of a variable."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from wavegan_tf.output.figures_lines import Line, Panel, draw_panels
from wavegan_tf.output.names import outcome_title, trained_range
from wavegan_tf.output.run import Run
from wavegan_tf.output.style import BLUE, GREY

KEYS = ["channel", "layer", "label", "measure", "unit"]
MEAN = "Mean over base vectors"
CONTROLS = "Largest of the controls"


def draw(result: Run, latent: str) -> Figure:
    """Draws a panel for each outcome and one for the spectrum, against the values of a variable.

    A line is the mean over base vectors with its interval, thin lines behind it single base
    vectors, filled points values whose average effect is shown; of several models a line is the
    mean of one. Dashed lines are the ends of the trained range. Grey points stand as far from the
    mean at the reference as the largest effect of a control.
    """
    training = trained_range(latent)
    tables = {}
    for name in ("responses", "treatments", "spectra"):
        table = result.table(name)
        tables[name] = table[table["latent"] == latent].assign(model=table.get("model", ""))
    shown = tables["treatments"].query("statistic == 'mean' and verdict == 'changes'")
    panels = []
    for key, rows in tables["responses"].groupby(KEYS, sort=False, observed=True):
        lines = []
        for model, own in rows.groupby("model", sort=False):
            x = own["value"].to_numpy()
            found = (shown[[*KEYS, "model"]] == [*key, model]).all(axis=1)
            lines.append(Line(
                str(model) or MEAN, x, own["estimate"].to_numpy(), own["low"].to_numpy(),
                own["high"].to_numpy(), None if model else _single(result, latent, key),
                np.isin(x, shown.loc[found, "value"]),
            ))  # fmt: skip
            lines += [] if model else _beside(tables["treatments"], own, key)
        panels.append(Panel(outcome_title(*map(str, key[2:])), lines, training=training))
    lines = []
    for model, own in tables["spectra"].groupby("model", sort=False):
        zero = {"value": own["reference"].iloc[0], "estimate": 0.0, "low": 0.0, "high": 0.0}
        own = pd.concat([own, pd.DataFrame([zero])]).sort_values("value")
        x, y, low, high, largest = (
            own[["value", "estimate", "low", "high", "control_high"]].to_numpy(float).T
        )
        found = (own["p_holm"] < 1 - result.settings["statistics"]["confidence"]).to_numpy()
        lines.append(Line(str(model) or MEAN, x, y, low, high, shown=found))
        if not model and np.isfinite(largest).any():
            at = np.isfinite(largest)
            lines.append(Line(CONTROLS, x, largest, shown=at, colour=GREY))
    panels.append(Panel("Distance of the mean spectrum (Hz)", lines, training=training))
    drawn = [line for panel in panels for line in panel.lines]
    level = 100 * result.settings["statistics"]["confidence"]
    colour = BLUE if any(line.label == MEAN for line in drawn) else "black"
    look: dict[str, Artist] = {
        f"Shown to differ from {tables['spectra']['reference'].iloc[0]:g}": Line2D(
            [], [], color=colour, marker="o", markersize=3, linestyle=""
        ),
        f"{level:g} % interval": Patch(facecolor=colour, alpha=0.2),
    }
    if any(line.thin is not None for line in drawn):
        look["Base vectors"] = Line2D([], [], color=colour, linewidth=0.3, alpha=0.4)
    if any(line.label == CONTROLS for line in drawn):
        look[CONTROLS] = Line2D([], [], color=GREY, marker="o", markersize=3, linestyle="")
    look["Ends of the trained range"] = Line2D(
        [], [], color=GREY, linewidth=0.6, linestyle=(0, (4, 3))
    )
    return draw_panels(panels, f"What {latent} causes", f"Value of {latent}", legend=look)


def _beside(treatments: pd.DataFrame, own: pd.DataFrame, key: tuple) -> list[Line]:
    """Gives the largest effects of controls at the ends, both ways from the mean at the reference.

    Takes the ``treatments`` of a variable and its responses, ``own``, of the outcome ``key``.
    """
    rows = treatments[(treatments[KEYS] == list(key)).all(axis=1)].query("statistic == 'mean'")
    x, high = own["value"].to_numpy(), rows.set_index("value")["control_high"]
    size = high.reindex(x).to_numpy()
    if not (at := np.isfinite(size)).any():
        return []
    middle = own.loc[own["value"] == rows["reference"].iloc[0], "estimate"].item()
    ways = (middle - size, middle + size)
    return [Line(CONTROLS, x, y, shown=at, colour=GREY) for y in ways]


def _single(result: Run, latent: str, key: tuple) -> np.ndarray | None:
    """Gives the outcome of each base vector at each value, ``[bases, values]``."""
    design, values = result.table("design"), result.table("values")
    if not len(values):  # there is not one of any outcome
        return None
    own = design[(design["latent"] == latent) & (design["role"] == "varied")]
    here = values[(values[KEYS] == list(key)).all(axis=1)].set_index("output")["value"]
    table = own.assign(outcome=here.reindex(own["output"]).to_numpy())
    return table.pivot(index="base", columns="value", values="outcome").to_numpy()
