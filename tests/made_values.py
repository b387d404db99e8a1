"""Tables of measured values from arrays, for tests of statistics and of what is made from them."""

import numpy as np
import pandas as pd


def points_of(layer, table, measure="intensity", unit="dB", **others):
    """Rows of ``points`` from ``[outputs, points]``."""
    n_outputs, n_points = np.shape(table)
    rows = {
        "output": np.repeat(np.arange(n_outputs), n_points), "channel": 1,
        "layer": layer, "label": "voiced", "interval": 1,
        "point": np.tile(np.arange(1, n_points + 1), n_outputs), "measure": measure, "unit": unit,
        "value": np.ravel(table).astype(float), "reason": "", "flag": "",
    }  # fmt: skip
    return pd.DataFrame(rows | others)


def intervals_of(layer, table, measure="duration", unit="s", **others):
    """Rows of ``intervals`` from ``[outputs, intervals]``."""
    rows = points_of(layer, table, measure, unit).drop(columns="interval")
    return rows.rename(columns={"point": "interval"}).assign(**others)


NO_POINTS = points_of("out", np.zeros((0, 1)))
NO_INTERVALS = intervals_of("out", np.zeros((0, 1)))


def join(*tables):
    return pd.concat(tables, ignore_index=True)
