"""Tables of measured values, laid out by measure for statistics.

A statistic compares layers at the same place: output, interval and point. So the rows of one
channel, label and measure become a grid with a row for each place and a column for each layer, in
order of place, whatever the order of the rows in the tables.
"""

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

SEMITONES, SEMITONES_UNIT = "f0_semitones", "st re 100 Hz"

LABEL_ORDER = ("voiced", "frication", "silence")
MEASURE_ORDER = (
    "f0", SEMITONES, "intensity", "f1", "f2", "f3", "b1", "b2", "b3", "hnr", "cpps",
    "cog", "spectral_sd", "skewness", "kurtosis", "zcr", "voiced_share", "duration",
)  # fmt: skip
"""Orders of the rows of every table; what is not named follows, in alphabetical order."""


class Pairs(NamedTuple):
    """Holds what a layer and the target have at the same places, both finite, ``[pairs]`` each."""

    output: np.ndarray
    layer: np.ndarray
    target: np.ndarray
    flagged: np.ndarray  # whether either value is suspect


class Grid(NamedTuple):
    """Holds one measure of one channel and label: a row for each place, a column for each layer.

    The index is output, interval and point (0: the value of a whole interval), ascending.
    """

    values: pd.DataFrame  # NaN where there is no finite value
    flagged: pd.DataFrame
    unit: str

    def pairs(self, layer: str, target: str) -> Pairs:
        """Pairs a layer with the target where both have a finite value."""
        both = self.values[layer].notna() & self.values[target].notna()
        values, flagged = self.values[both], self.flagged[both]
        output = values.index.get_level_values("output").to_numpy()
        suspect = flagged[layer] | flagged[target]
        return Pairs(output, *(x.to_numpy() for x in (values[layer], values[target], suspect)))

    def output_means(self) -> pd.DataFrame:
        """Takes the mean over each output's places with a value: rows outputs, columns layers."""
        outputs, row = np.unique(self.values.index.get_level_values("output"), return_inverse=True)
        means = {}
        for layer in self.values:
            values = self.values[layer].to_numpy()
            there = ~np.isnan(values)
            total = np.bincount(row[there], values[there], len(outputs))
            with np.errstate(invalid="ignore"):
                means[layer] = total / np.bincount(row[there], minlength=len(outputs))
        return pd.DataFrame(means, index=pd.Index(outputs, name="output"))


class Grids:
    """Lays out the tables ``points`` and ``intervals``, one grid at a time."""

    def __init__(self, points: pd.DataFrame | None, intervals: pd.DataFrame) -> None:
        """Groups the rows of values at points (None: of none) and of whole intervals."""
        self._tables = [table for table in (points, intervals) if table is not None]
        by = ["network", "channel", "label", "measure"]
        self._rows: list[Any] = [t.groupby(by, observed=True).indices for t in self._tables]
        names = {name for table in self._tables for name in table["layer"].unique()}
        self.layers: list[str] = sorted(names, key=_natural)

    def measured(self) -> list[tuple[int, str, str]]:
        """Lists channel, label and measure of all that network 0 has, in a fixed order."""
        found = {key[1:] for rows in self._rows for key in rows if key[0] == 0}
        return sorted(
            found, key=lambda k: (k[0], _place(k[1], LABEL_ORDER), _place(k[2], MEASURE_ORDER))
        )

    def grid(self, channel: int, label: str, measure: str, network: int = 0) -> Grid | None:
        """Lays out one measure: by points if network 0 has it at points, else by intervals.

        None where the network has no such row.

        Raises:
            ValueError: A layer has two values at one place.
        """
        source = 0 if (0, channel, label, measure) in self._rows[0] else -1
        rows = self._rows[source].get((network, channel, label, measure))
        return None if rows is None else lay_out(self._tables[source].iloc[rows], self.layers)

    def of_networks(self, channel: int, label: str, measure: str) -> list[Grid]:
        """Lays out one measure of every network that has it, network 0 first."""
        networks = sorted({key[0] for rows in self._rows for key in rows})
        grids = (self.grid(channel, label, measure, network) for network in networks)
        return [grid for grid in grids if grid is not None]


def lay_out(rows: pd.DataFrame, layers: list[str]) -> Grid:
    """Lays out the rows of one network, channel, label and measure, a column for each layer.

    Raises:
        ValueError: A layer has two values at one place.
    """
    flagged = (rows["flag"] != "") & rows["flag"].notna()
    rows = rows.assign(
        point=rows.get("point", 0),
        layer=rows["layer"].astype(str),
        value=rows["value"].where(np.isfinite(rows["value"])),
        flagged=flagged.astype(float),
    )
    values, suspect = (
        rows.pivot(index=["output", "interval", "point"], columns="layer", values=name)
        for name in ("value", "flagged")
    )
    suspect = suspect.reindex(columns=layers) > 0
    return Grid(values.reindex(columns=layers), suspect, rows["unit"].iloc[0])


def in_semitones(grid: Grid) -> Grid:
    """Turns F0 in Hz into semitones re 100 Hz."""
    semitones = (grid.values.where(grid.values > 0) / 100).apply(np.log2) * 12
    return grid._replace(values=semitones, unit=SEMITONES_UNIT)


def _natural(name: str) -> list[int | str]:
    """Makes a sort key: conv2 before conv10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    """Makes a sort key: the place in an order, what is not in it last and by name."""
    return order.index(name) if name in order else len(order), name
