"""Tables of measured values, laid out by measure for statistics.

A statistic compares layers at the same place: output, interval and point. So the rows of one
channel, label and measure become a grid with a row for each place and a column for each layer, in
order of place, whatever the order of the rows in the tables.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

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
    """Holds one measure of one channel and label, a row for each place, ascending.

    ``output``, ``interval`` and ``point`` are ``[places]`` (point 0: the value of a whole
    interval), ``values`` and ``flagged`` ``[places, layers]``, NaN where there is no value.
    """

    output: np.ndarray
    interval: np.ndarray
    point: np.ndarray
    layers: list[str]
    values: np.ndarray
    flagged: np.ndarray
    unit: str

    def column(self, layer: str) -> np.ndarray:
        """Reads the values of one layer, ``[places]``."""
        return self.values[:, self.layers.index(layer)]

    def pairs(self, layer: str, target: str) -> Pairs:
        """Pairs a layer with the target where both have a finite value."""
        i, j = self.layers.index(layer), self.layers.index(target)
        both = np.isfinite(self.values[:, i]) & np.isfinite(self.values[:, j])
        flagged = self.flagged[both, i] | self.flagged[both, j]
        return Pairs(self.output[both], self.values[both, i], self.values[both, j], flagged)

    def output_means(self) -> pd.DataFrame:
        """Takes the mean over each output's places with a value: rows outputs, columns layers."""
        outputs, row = np.unique(self.output, return_inverse=True)
        means = {}
        for k, layer in enumerate(self.layers):
            there = np.isfinite(self.values[:, k])
            total = np.bincount(row[there], self.values[there, k], len(outputs))
            with np.errstate(invalid="ignore"):
                means[layer] = total / np.bincount(row[there], minlength=len(outputs))
        return pd.DataFrame(means, index=pd.Index(outputs, name="output"))


class Grids:
    """Lays out the tables ``points`` and ``intervals``, one grid at a time.

    The tables stay as they are, and each row costs eight more bytes.
    """

    def __init__(self, points: pd.DataFrame | None, intervals: pd.DataFrame) -> None:
        """Groups the rows of values at points (None: of none) and of whole intervals."""
        self._tables = [table for table in (points, intervals) if table is not None]
        self._rows = [_group(table) for table in self._tables]
        names = {name for table in self._tables for name in table["layer"].unique()}
        self.layers: list[str] = sorted(names, key=_natural)
        self.networks: list[int] = sorted({key[0] for rows in self._rows for key in rows})

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
            ValueError: A layer has two values at one place, or the measure comes in two units.
        """
        source = 0 if (0, channel, label, measure) in self._rows[0] else len(self._rows) - 1
        rows = self._rows[source].get((network, channel, label, measure))
        return None if rows is None else lay_out(self._tables[source].iloc[rows], self.layers)


def _group(table: pd.DataFrame) -> dict[tuple, np.ndarray]:
    """Finds the rows of each network, channel, label and measure, with little memory."""
    if not len(table):
        return {}
    key, levels = np.zeros(len(table), np.int32), []
    for name in ("network", "channel", "label", "measure"):
        codes, names = pd.factorize(table[name])
        key *= len(names)
        key += codes
        levels.append(np.asarray(names).tolist())
    order = np.argsort(key, kind="stable")
    found, starts = np.unique(key[order], return_index=True)
    places = np.asarray(np.unravel_index(found, [len(names) for names in levels]))
    keys = zip(
        *([names[k] for k in at] for names, at in zip(levels, places, strict=True)), strict=True
    )
    return dict(zip(keys, np.split(order, starts[1:]), strict=True))


def lay_out(rows: pd.DataFrame, layers: list[str]) -> Grid:
    """Lays out the rows of one network, channel, label and measure, a column for each layer.

    Raises:
        ValueError: A layer has two values at one place, or the measure comes in two units.
    """
    units = list(rows["unit"].unique())
    if len(units) > 1:
        raise ValueError(f"{rows['measure'].iloc[0]}: in {' and '.join(units)}; one unit is wanted")
    points = rows["point"] if "point" in rows else np.zeros(len(rows), np.int64)
    at = np.stack([rows["output"], rows["interval"], points]).astype(np.int64)
    shape = tuple(at.max(axis=1) + 1)
    places, row = np.unique(np.ravel_multi_index(tuple(at), shape), return_inverse=True)
    cell = row * len(layers) + pd.Categorical(rows["layer"], layers).codes
    if len(np.unique(cell)) < len(cell):
        raise ValueError(f"{rows['measure'].iloc[0]}: a layer has two values at one place")
    values = np.full((len(places), len(layers)), np.nan)
    flagged = np.zeros(values.shape, bool)
    values.flat[cell] = rows["value"]
    flagged.flat[cell] = (rows["flag"] != "") & rows["flag"].notna()
    output, interval, point = np.asarray(np.unravel_index(places, shape))
    return Grid(output, interval, point, layers, values, flagged, units[0])


def in_semitones(grid: Grid) -> Grid:
    """Turns F0 in Hz into semitones re 100 Hz."""
    values = 12 * np.log2(np.where(grid.values > 0, grid.values, np.nan) / 100)
    return grid._replace(values=values, unit=SEMITONES_UNIT)


def _natural(name: str) -> list[int | str]:
    """Makes a sort key: conv2 before conv10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def _place(name: str, order: Iterable[str]) -> tuple[int, str]:
    """Makes a sort key: the place in an order, what is not in it last and by name."""
    names = list(order)
    return names.index(name) if name in names else len(names), name
