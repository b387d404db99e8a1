"""Tables of measured values, laid out by measure for statistics.

A statistic compares layers at the same place: output, interval and point. So the rows of one
channel, label and measure become a grid with a row for each place and a column for each layer, in
order of place, whatever the order of the rows in the tables.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

SEMITONES, SEMITONES_UNIT = "f0_semitones", "st re 100 Hz"

LABEL_ORDER = ("voiced", "frication", "silence")
MEASURE_ORDER = (
    "f0", SEMITONES, "intensity", "f1", "f2", "f3", "b1", "b2", "b3", "hnr", "cpps",
    "cog", "spectral_sd", "skewness", "kurtosis", "zcr", "voiced_share", "duration",
    "vot", "closure", "n_bursts", "burst_lag", "release",
)  # fmt: skip
"""Orders of the rows of every table; what is not named follows, in alphabetical order."""


class Pairs(NamedTuple):
    """Holds what a layer and the target have at the same places, both finite, ``[pairs]`` each."""

    output: np.ndarray
    layer: np.ndarray
    target: np.ndarray
    flagged: np.ndarray  # whether either value is suspect


class Grid(NamedTuple):
    """Holds one measure of one channel and label: a row for each place, a column for each layer."""

    layers: list[str]
    output: np.ndarray  # [places], as interval and point (0: the whole interval); ascending
    interval: np.ndarray
    point: np.ndarray
    values: np.ndarray  # [places, layers], NaN where there is no finite value
    flagged: np.ndarray  # [places, layers], whether a value is suspect
    unit: str

    def values_of(self, layer: str) -> np.ndarray:
        """Returns the values of a layer, ``[places]``."""
        return self.values[:, self.layers.index(layer)]

    def pairs(self, layer: str, target: str) -> Pairs:
        """Pairs a layer with the target where both have a finite value."""
        sides = [self.layers.index(layer), self.layers.index(target)]
        both = np.isfinite(self.values[:, sides]).all(axis=1)
        values, suspect = self.values[both][:, sides], self.flagged[both][:, sides]
        return Pairs(self.output[both], values[:, 0], values[:, 1], suspect.any(axis=1))

    def output_means(self) -> pd.DataFrame:
        """Takes the mean over each output's places with a value: rows outputs, columns layers."""
        outputs, row = np.unique(self.output, return_inverse=True)
        means = {}
        for layer in self.layers:
            values = self.values_of(layer)
            there = ~np.isnan(values)
            total = np.bincount(row[there], values[there], len(outputs))
            with np.errstate(invalid="ignore"):
                means[layer] = total / np.bincount(row[there], minlength=len(outputs))
        return pd.DataFrame(means, index=pd.Index(outputs, name="output"))


class Grids:
    """Lays out the tables ``points`` and ``intervals``, one grid at a time.

    Of a long run the tables stand in files mapped into memory: nothing here is larger than two
    bytes a row, and the rows of one grid.
    """

    def __init__(self, points: pd.DataFrame | None, intervals: pd.DataFrame) -> None:
        """Groups the rows of values at points (None: of none) and of whole intervals."""
        self._tables = [table for table in (points, intervals) if table is not None]
        self._groups = [_groups(table) for table in self._tables]
        names = {name for table in self._tables for name in table["layer"].unique()}
        self.layers: list[str] = sorted(names, key=_natural)

    def measured(self) -> list[tuple[int, str, str]]:
        """Lists channel, label and measure of all that was measured, in a fixed order."""
        found = {key for numbers, _ in self._groups for key in numbers}
        return sorted(
            found, key=lambda k: (k[0], _place(k[1], LABEL_ORDER), _place(k[2], MEASURE_ORDER))
        )

    def grid(self, channel: int, label: str, measure: str) -> Grid:
        """Lays out one measure: by points if it was made at points, else by intervals.

        Raises:
            ValueError: A layer has two values at one place.
        """
        source = 0 if (channel, label, measure) in self._groups[0][0] else -1
        numbers, group = self._groups[source]
        rows = np.flatnonzero(group == numbers[channel, label, measure])
        return lay_out(self._tables[source].iloc[rows], self.layers)


def _groups(table: pd.DataFrame) -> tuple[dict[tuple[int, str, str], int], np.ndarray]:
    """Numbers the channel, label and measure of each row."""
    group, levels = np.zeros(len(table), np.int16), []
    for name in ("channel", "label", "measure"):
        column = table[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            codes, values = column.cat.codes.to_numpy(), column.cat.categories.to_numpy()
        else:
            values, codes = np.unique(column.to_numpy(), return_inverse=True)
        levels.append(values)
        group *= len(values)
        group += codes.astype(np.int16)
    there = np.unique(group)
    places = np.unravel_index(there, [len(values) for values in levels]) if len(there) else ()
    keys = zip(*(x[at].tolist() for x, at in zip(levels, places, strict=False)), strict=True)
    return dict(zip(keys, there.tolist(), strict=True)), group


def lay_out(rows: pd.DataFrame, layers: list[str]) -> Grid:
    """Lays out the rows of one channel, label and measure, a column for each layer.

    Raises:
        ValueError: A layer has two values at one place.
    """
    place = np.zeros((len(rows), 3), np.int64)  # output, interval, point
    for k, name in enumerate(("output", "interval", "point")):
        place[:, k] = rows[name] if name in rows else 0
    base = place.max(axis=0) + 1
    numbers, row = np.unique(np.ravel_multi_index(tuple(place.T), base), return_inverse=True)
    column = pd.Categorical(rows["layer"], layers).codes
    if len(np.unique(row * len(layers) + column)) < len(rows):
        raise ValueError("two values of one layer stand at one place")
    found = rows["value"].to_numpy()
    values = np.full((len(numbers), len(layers)), np.nan)
    values[row, column] = np.where(np.isfinite(found), found, np.nan)
    flagged = np.zeros(values.shape, bool)
    flagged[row, column] = (rows["flag"] != "") & rows["flag"].notna()
    output, interval, point = np.unravel_index(numbers, base)
    unit = rows["unit"].iloc[0]
    return Grid(layers, output, interval, point, values, flagged, unit)  # type: ignore[arg-type]


def in_semitones(grid: Grid) -> Grid:
    """Turns F0 in Hz into semitones re 100 Hz."""
    positive = np.where(grid.values > 0, grid.values, np.nan)
    return grid._replace(values=12 * np.log2(positive / 100), unit=SEMITONES_UNIT)


def _natural(name: str) -> list[bool | int | str]:
    """Makes a sort key: fc, the projection, first, conv2 before conv10, out last."""
    parts = re.split(r"(\d+)", name)
    return [name != "fc", *(int(part) if part.isdigit() else part for part in parts)]


def _place(name: str, order: tuple[str, ...]) -> tuple[int, str]:
    """Makes a sort key: the place in an order, what is not in it last and by name."""
    return order.index(name) if name in order else len(order), name
