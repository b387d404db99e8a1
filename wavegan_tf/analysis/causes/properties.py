"""Properties of outputs, read from the tables of a run.

A property is what one asks the cause of: that an output has frication, two vowels, a mean F0 above
200 Hz (yes or no), or its mean F0 (a number). Everything here is decided by the intervals and
measures that stand in outputs.csv, intervals.csv and measurements.csv. NumPy only.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from wavegan_tf.analysis.annotation import LABELS
from wavegan_tf.analysis.measures import INTERVAL_MEASURES, POINT_MEASURES, UNITS
from wavegan_tf.errors import InputError

BINARY, CONTINUOUS, CATEGORIES = "binary", "continuous", "categories"

PRESENCE = {
    "frication": "has frication",
    "voicing": "has a voiced interval",
    "silence": "has a silence between two sounds",
    "two_vowels": "has two or more voiced intervals",
}
"""The named properties. ``silence`` is a pause, a silent interval with voice or frication both
before and after it: nearly every output of a second begins or ends in silence, which says little
(that would be ``n_silence>=1``). ``two_vowels`` stands for reduplication, and for whatever else
makes two stretches of voice."""

OUTPUT_UNITS = {
    "peak": "1",
    "rms_db": "dB",
    "clipped_share": "1",
    **{f"n_{label}": "1" for label in LABELS},
}
"""Columns of outputs.csv that are numbers, with their units."""

COMPARISONS = {
    ">=": np.greater_equal,
    "<=": np.less_equal,
    ">": np.greater,
    "<": np.less,
    "==": np.equal,
}

_DOTTED = tuple(
    f"{label}.{measure}"
    for label in LABELS
    for measure in POINT_MEASURES[label] + INTERVAL_MEASURES[label]
)


@dataclass(frozen=True)
class Property:
    """What is asked of every output; see :func:`parse_property`.

    Attributes:
        text: As it was given, without spaces.
        name: One of :data:`PRESENCE`, a column of outputs.csv, or ``voiced.f0``.
        comparison: One of :data:`COMPARISONS`, or empty.
        threshold: What is compared with; NaN without a comparison.
    """

    text: str
    name: str
    comparison: str = ""
    threshold: float = math.nan

    @property
    def kind(self) -> str:
        """:data:`BINARY` or :data:`CONTINUOUS`."""
        return BINARY if self.name in PRESENCE or self.comparison else CONTINUOUS

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be measured to decide it; empty where the intervals do."""
        return (self.name.split(".")[1],) if "." in self.name else ()

    @property
    def unit(self) -> str:
        """Of the number, 1 where it is a yes or no."""
        if self.kind == BINARY:
            return "1"
        return UNITS[self.measures[0]] if self.measures else OUTPUT_UNITS[self.name]


def parse_property(text: str) -> Property:
    """Reads ``--property``.

    Args:
        text: A name of :data:`PRESENCE`; or a column of outputs.csv (``n_voiced``, ``rms_db``) or
            a measure in the intervals of a label (``voiced.f0``: the mean over the output's
            intervals), either as it is or with a threshold, which makes it a yes or no:
            ``voiced.f0>200``, ``n_frication>=1``.

    Raises:
        InputError: No such property; the message lists what there is.
    """
    match = re.fullmatch(r"\s*([\w.]+)\s*(?:(>=|<=|==|>|<)\s*(\S+))?\s*", text)
    name, comparison, number = match.groups() if match else (text.strip(), "", None)
    if name not in (*PRESENCE, *OUTPUT_UNITS, *_DOTTED):
        raise InputError(f"--property={text}: no property {name!r}; {_what_there_is()}")
    if not comparison:
        return Property(name, name)
    if name in PRESENCE:
        raise InputError(
            f"--property={text}: {name} is yes or no already; leave out {comparison}{number}"
        )
    try:
        threshold = float(number)
    except ValueError:
        threshold = math.nan
    if not math.isfinite(threshold):
        raise InputError(
            f"--property={text}: {number!r} is no finite number; for example voiced.f0>200"
        )
    return Property(f"{name}{comparison}{number}", name, comparison, threshold)


def _what_there_is():
    """Everything that may be asked for."""
    measures = "; ".join(
        f"{label}. with {', '.join(POINT_MEASURES[label] + INTERVAL_MEASURES[label])}"
        for label in LABELS
    )
    return (
        f"there are {', '.join(PRESENCE)}; of an output {', '.join(OUTPUT_UNITS)}; means over its "
        f"intervals, written voiced.f0: {measures}; numbers also with a threshold, voiced.f0>200"
    )


def label_outputs(
    wanted: Property, outputs: Iterable[Mapping], intervals: Iterable[Mapping]
) -> tuple[np.ndarray, np.ndarray]:
    """Decides a property of every output; of several channels the first counts.

    Args:
        wanted: The property.
        outputs: Rows of outputs.csv: ``id``, ``channel``, ``measured`` and the columns of
            :data:`OUTPUT_UNITS`. Numbers may come as text, here and in ``intervals``.
        intervals: Rows of intervals.csv of the target layer: ``id``, ``channel``, ``label``,
            ``start_s``, ``measure``, ``value``; all of them, in the order of the file.

    Returns:
        ids, int ``[n]``, ascending, and ``[n]``: 1 or 0, or the number. NaN for an output that was
        not measured, and where a measure has no value in any of the output's intervals: an output
        without voice has no F0, neither above 200 Hz nor below.
    """
    rows = {int(row["id"]): row for row in outputs if int(row["channel"]) == 1}
    ids = np.array(sorted(rows), np.int64)
    first = [row for row in intervals if int(row["channel"]) == 1]
    if wanted.name == "silence":
        pauses = _with_pause(first)
        found = {i: float(i in pauses) for i in rows}
    elif wanted.measures:
        found = _means(first, *wanted.name.split("."))
    else:
        column, least = {
            "frication": ("n_frication", 1),
            "voicing": ("n_voiced", 1),
            "two_vowels": ("n_voiced", 2),
        }.get(wanted.name, (wanted.name, None))
        found = {i: float(row[column]) for i, row in rows.items()}
        if least is not None:
            found = {i: float(value >= least) for i, value in found.items()}
    y = np.array([found.get(i, math.nan) for i in ids.tolist()], np.float64)
    y[[not int(rows[i]["measured"]) for i in ids.tolist()]] = math.nan
    if wanted.comparison:
        decided = COMPARISONS[wanted.comparison](y, wanted.threshold)
        y = np.where(np.isnan(y), math.nan, decided.astype(np.float64))
    return ids, y


def _with_pause(intervals):
    """Ids of the outputs with a silence that sounds stand before and after."""
    labels = {}
    for row in intervals:
        if row["measure"] == "duration":
            labels.setdefault(int(row["id"]), []).append((float(row["start_s"]), row["label"]))
    return {i for i, found in labels.items() if _is_broken([label for _, label in sorted(found)])}


def _is_broken(labels):
    """Whether one of the labels between the first sound and the last is silence."""
    sounds = [k for k, label in enumerate(labels) if label != "silence"]
    return bool(sounds) and "silence" in labels[sounds[0] : sounds[-1]]


def _means(intervals, label, measure):
    """The mean of a measure over an output's intervals of a label, by id."""
    values = {}
    for row in intervals:
        if (row["label"], row["measure"]) == (label, measure):
            value = float(row["value"])
            if math.isfinite(value):
                values.setdefault(int(row["id"]), []).append(value)
    return {i: float(np.mean(here)) for i, here in values.items()}


def loudest(points: Iterable[Mapping], label: str, ids: np.ndarray) -> np.ndarray:
    """The maximum intensity of an output within its intervals of a label.

    Taken over the points of normalised time of all these intervals, each the level in Praat's
    window around it (6.4 / ``--intensity_min_pitch`` long). Beguš (2020) takes it in windows of
    13.3 ms; 480 Hz would set that length.

    Args:
        points: Rows of measurements.csv of the target layer: ``id``, ``channel``, ``label``,
            ``measure``, ``value``.
        label: Of the intervals.
        ids: Of the outputs wanted, int ``[n]``.

    Returns:
        dB, ``[n]``; NaN where an output has no such interval, or no level in it.
    """
    found = {}
    for row in points:
        if (row["label"], row["measure"], int(row["channel"])) == (label, "intensity", 1):
            i, value = int(row["id"]), float(row["value"])
            if value > found.get(i, -math.inf):  # false of NaN
                found[i] = value
    return np.array([found.get(i, math.nan) for i in ids.tolist()], np.float64)


def frication_ratio(frication_db: np.ndarray, voiced_db: np.ndarray) -> np.ndarray:
    """Frication / (frication + voice), of intensities in dB as in Beguš (2020).

    Args:
        frication_db: Maximum intensity of the frication, ``[n]``, NaN without any.
        voiced_db: That of the voice, ``[n]``.

    Returns:
        0 .. 1, ``[n]``: 0 without frication, 1 without voice, NaN without either.
    """
    frication_db, voiced_db = (
        np.maximum(np.nan_to_num(np.asarray(x, np.float64), nan=0.0), 0.0)
        for x in (frication_db, voiced_db)
    )
    total = frication_db + voiced_db
    return np.divide(frication_db, total, out=np.full_like(total, math.nan), where=total > 0)
