"""The rows of measurements.csv and intervals.csv of one network, held compactly and read in pairs.

A row costs 17 bytes, so that the 14 million of 10,000 outputs fit beside everything else. Whatever
the order in which rows are added - shards of a run, processes that finish as they like - they are
read in order of output, interval and point, and every statistic comes out the same to the bit.
"""

import re
from array import array
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

POINTS, INTERVALS = "points", "intervals"
"""The two tables: a value at a point of normalised time, and one value of a whole interval."""

SEMITONES = "f0_semitones"
SEMITONES_UNIT = "st re 100 Hz"

LABEL_ORDER = ("voiced", "frication", "silence")
MEASURE_ORDER = (
    "f0", SEMITONES, "intensity", "f1", "f2", "f3", "b1", "b2", "b3", "hnr", "cpps",
    "cog", "spectral_sd", "skewness", "kurtosis", "zcr", "voiced_share", "duration",
)  # fmt: skip
"""Orders of the rows of every table; what is not named follows, in alphabetical order."""

_BITS = 16  # of a place, for the interval and for the point


class Pairs(NamedTuple):
    """What a layer and the target have at the same places, both finite, in order of place.

    Attributes:
        output: ids of the outputs, ascending, int ``[pairs]``.
        interval: numbers of the intervals, int ``[pairs]``.
        point: numbers of the points, 0 for a value of a whole interval, int ``[pairs]``.
        layer: the layer's values ``[pairs]``.
        target: the target's values ``[pairs]``.
        flagged: whether either value is suspect, bool ``[pairs]``.
    """

    output: np.ndarray
    interval: np.ndarray
    point: np.ndarray
    layer: np.ndarray
    target: np.ndarray
    flagged: np.ndarray


class Values:
    """The measured values of one network.

    Rows are mappings with the columns of the tables as :func:`wavegan_tf.report.tables.read_csv`
    gives them: ``id``, ``channel``, ``interval`` (and ``point``) integers from 0, 1, 1 (and 1),
    the last two below 65,536; ``layer``, ``label``, ``measure`` and ``unit`` strings; ``value`` a
    float, NaN where there is none; ``flag`` a string, empty where nothing is suspect. Numbers may
    come as text. Further columns (``time_s``, ``reason``, ``network`` ..) are not looked at.

    Attributes:
        units: the unit of each measure.
    """

    def __init__(self):
        """Start with no rows."""
        self.units: dict[str, str] = {}
        self._columns = {}  # (table, channel, label, measure, layer) -> places, values, flags

    def add_points(self, rows: Iterable[Mapping]) -> None:
        """Add rows of measurements.csv, in any order.

        Raises:
            KeyError: a row lacks a column.
            ValueError: a number is none, or a measure comes in two units.
        """
        for row in rows:
            self._add(POINTS, row, int(row["point"]))

    def add_intervals(self, rows: Iterable[Mapping]) -> None:
        """Add rows of intervals.csv, in any order.

        Raises:
            KeyError: a row lacks a column.
            ValueError: a number is none, or a measure comes in two units.
        """
        for row in rows:
            self._add(INTERVALS, row, 0)

    def _add(self, table, row, point):
        key = (table, int(row["channel"]), row["label"], row["measure"], row["layer"])
        column = self._columns.get(key)
        if column is None:
            if self.units.setdefault(row["measure"], row["unit"]) != row["unit"]:
                raise ValueError(
                    f"{row['measure']} in {row['unit']!r} and {self.units[row['measure']]!r}; "
                    "one unit is wanted"
                )
            column = self._columns[key] = (array("q"), array("d"), array("b"))
        places, values, flags = column
        places.append(join_places(int(row["id"]), int(row["interval"]), point))
        values.append(float(row["value"]))
        flags.append(bool(row["flag"]))

    def unit(self, measure: str) -> str:
        """The unit of a measure."""
        return SEMITONES_UNIT if measure == SEMITONES else self.units[measure]

    def layers(self) -> list[str]:
        """Names of the layers, the target among them: conv2 before conv10."""
        names = {layer for *_, layer in self._columns}
        return sorted(names, key=lambda name: [_number(part) for part in re.split(r"(\d+)", name)])

    def measured(self, tables: tuple[str, ...] = (POINTS, INTERVALS)) -> list[tuple]:
        """Every channel, label and measure of the tables, with the table to compare it in.

        That is the first of ``tables`` that has the measure: with both, the points, and the
        intervals for what an interval alone has (duration, cpps ..).

        Returns:
            Tuples of channel, label, measure and table, in order of channel,
            :data:`LABEL_ORDER` and :data:`MEASURE_ORDER`.
        """
        found = {}
        for table in tables:
            for kind, channel, label, measure, _ in self._columns:
                if kind == table:
                    found.setdefault((channel, label, measure), table)
        names = sorted(
            found, key=lambda k: (k[0], _place(k[1], LABEL_ORDER), _place(k[2], MEASURE_ORDER))
        )
        return [(*name, found[name]) for name in names]

    def read(self, table: str, channel: int, label: str, measure: str, layer: str):
        """Read one column of values, in order of output, interval and point.

        Args:
            table: :data:`POINTS` or :data:`INTERVALS`.
            channel: from 1.
            label: of the intervals.
            measure: as in the tables, or :data:`SEMITONES`: 12 log2(f0 / 100 Hz).
            layer: its name.

        Returns:
            Places, int64 ``[n]``, ascending (:func:`join_places`), values ``[n]``, possibly
            NaN, and whether they are flagged, bool ``[n]``. Empty arrays where there are no rows.

        Raises:
            ValueError: the layer has two values at one place.
        """
        name = "f0" if measure == SEMITONES else measure
        column = self._columns.get((table, channel, label, name, layer), ((), (), ()))
        places = np.array(column[0], np.int64)
        order = np.argsort(places, kind="stable")
        places = places[order]
        twice = np.flatnonzero(np.diff(places) == 0)
        if len(twice):
            where = ", ".join(str(part[0]) for part in split_places(places[twice[:1]]))
            raise ValueError(
                f"layer {layer} has two values of {name} at id, interval, point = {where}, in "
                f"channel {channel}; one is wanted"
            )
        values = np.array(column[1], np.float64)[order]
        if measure == SEMITONES:
            values = 12 * np.log2(np.where(values > 0, values, np.nan) / 100)
        return places, values, np.array(column[2], bool)[order]

    def pairs(
        self, table: str, channel: int, label: str, measure: str, layer: str, target: str
    ) -> Pairs:
        """Pair a layer's values with the target's at the same output, interval and point.

        A pair without a finite value on both sides is left out. Arguments and errors are those of
        :meth:`read`; ``target`` is the name of the layer compared with.
        """
        here, ours, our_flags = self.read(table, channel, label, measure, layer)
        there, theirs, their_flags = self.read(table, channel, label, measure, target)
        places, i, j = np.intersect1d(here, there, assume_unique=True, return_indices=True)
        finite = np.isfinite(ours[i]) & np.isfinite(theirs[j])
        i, j = i[finite], j[finite]
        flagged = our_flags[i] | their_flags[j]
        return Pairs(*split_places(places[finite]), ours[i], theirs[j], flagged)


def join_places(output, interval, point):
    """Make a place, which sorts as (output, interval, point), of integers or int64 arrays."""
    return output << 2 * _BITS | interval << _BITS | point


def split_places(places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split places into ids, intervals and points, each int64 of the same shape."""
    mask = (1 << _BITS) - 1
    return places >> 2 * _BITS, places >> _BITS & mask, places & mask


def _number(part):
    """Compare digits as a number, anything else as text; the two never meet in one position."""
    return int(part) if part.isdigit() else part


def _place(name, order):
    """A sort key: the place in an order, what is not in it last and by name."""
    return (order.index(name) if name in order else len(order), name)
