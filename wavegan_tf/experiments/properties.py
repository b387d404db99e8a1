"""Properties of outputs: what one asks the cause of, measured or given by a listener.

A property is that an output has frication, two vowels, a mean F0 above 200 Hz (yes or no), or its
mean F0 (a number). It is decided by the tables ``outputs``, ``intervals`` and ``points`` of the
target layer; of several channels the first counts.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.speech.settings import INTERVAL_MEASURES, POINT_MEASURES, UNITS
from wavegan_tf.stats.proof import MEAN, SHARE
from wavegan_tf.stats.ranking import BINARY, CONTINUOUS

CATEGORIES = "categories"

PRESENCE = ("frication", "voicing", "silence", "two_vowels")
"""The named properties. ``silence`` is a pause, a silent interval with voice or frication both
before and after it: nearly every output of a second begins or ends in silence, which says little
(that would be ``n_silence>=1``). ``two_vowels`` stands for reduplication, and for whatever else
makes two stretches of voice."""

OUTPUT_UNITS = {"peak": "1", "rms_db": "dB", "clipped_share": "1"}
OUTPUT_UNITS |= {f"n_{label}": "1" for label in POINT_MEASURES}
"""Columns of the table ``outputs`` that are numbers, with their units."""

COMPARISONS: dict[str, Callable] = {
    ">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less, "==": np.equal
}  # fmt: skip

DOSES = {"frication_db": "dB", "voiced_db": "dB", "frication_ratio": "1"}
"""Measures of how much, beside whether, with their units; see :func:`doses`."""

MISSING = ("", "na", "nan")
"""Labels, in lower case, that stand for none: R writes ``NA``, pandas nothing, this package NaN."""

_MEASURES = {label: (*POINT_MEASURES[label], *INTERVAL_MEASURES[label]) for label in POINT_MEASURES}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


@dataclass(frozen=True)
class Property:
    """What is asked of every output; see :func:`parse_property`.

    Attributes:
        text: As it was given, without spaces.
        name: One of :data:`PRESENCE`, a column of ``outputs``, or ``voiced.f0``.
        comparison: One of :data:`COMPARISONS`, or empty.
        threshold: What is compared with; NaN without a comparison.
    """

    text: str
    name: str
    comparison: str = ""
    threshold: float = math.nan

    @property
    def kind(self) -> str:
        """``binary`` or ``continuous``."""
        return BINARY if self.name in PRESENCE or self.comparison else CONTINUOUS

    @property
    def measure(self) -> str:
        """What is taken over outputs: their ``share`` or their ``mean``."""
        return SHARE if self.kind == BINARY else MEAN

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be measured to decide it; empty where the intervals do."""
        return (self.name.split(".")[1],) if "." in self.name else ()

    @property
    def unit(self) -> str:
        """Unit of the number, 1 where it is a yes or no."""
        if self.kind == BINARY:
            return "1"
        return UNITS[self.measures[0]] if self.measures else OUTPUT_UNITS[self.name]


def parse_property(text: str) -> Property:
    """Reads ``--property``.

    Args:
        text: A name of :data:`PRESENCE`; or a column of ``outputs`` (``n_voiced``, ``rms_db``) or a
            measure in the intervals of a label (``voiced.f0``: the mean over the output's
            intervals), either as it is or with a threshold, which makes it a yes or no:
            ``voiced.f0>200``, ``n_frication>=1``.

    Raises:
        InputError: There is no such property; the message lists what there is.
    """
    match = re.fullmatch(r"\s*([\w.]+)\s*(?:(>=|<=|==|>|<)\s*(\S+))?\s*", text)
    name, comparison, number = match.groups() if match else (text.strip(), "", None)
    dotted = [f"{label}.{measure}" for label, found in _MEASURES.items() for measure in found]
    if name not in (*PRESENCE, *OUTPUT_UNITS, *dotted):
        measures = "; ".join(f"{label}. with {', '.join(m)}" for label, m in _MEASURES.items())
        raise InputError(
            f"--property={text}: no property {name!r}; there are {', '.join(PRESENCE)}; of an "
            f"output {', '.join(OUTPUT_UNITS)}; means over its intervals, written voiced.f0: "
            f"{measures}; numbers also with a threshold, voiced.f0>200"
        )
    if not comparison:
        return Property(name, name)
    if name in PRESENCE:
        raise InputError(
            f"--property={text}: {name} is yes or no already; leave out {comparison}{number}"
        )
    threshold = _number_of(number or "")
    if math.isnan(threshold):
        raise InputError(
            f"--property={text}: {number!r} is no finite number; for example voiced.f0>200"
        )
    return Property(f"{name}{comparison}{number}", name, comparison, threshold)


def label_outputs(wanted: Property, outputs: pd.DataFrame, intervals: pd.DataFrame) -> pd.Series:
    """Decides a property of every output.

    Args:
        wanted: The property.
        outputs: The table of that name, of one network.
        intervals: The table of that name, of its target layer.

    Returns:
        By output, ascending: 1 or 0, or the number. NaN for an output that was not measured, and
        where a measure has no value in any of the output's intervals: an output without voice has
        no F0, neither above 200 Hz nor below.
    """
    rows = outputs[outputs["channel"] == 1].set_index("output").sort_index()
    intervals = intervals[intervals["channel"] == 1]
    if wanted.name == "silence":
        y = pd.Series(0.0, rows.index)
        y[_with_pause(intervals)] = 1
    elif wanted.measures:
        label, measure = wanted.name.split(".")
        here = intervals[(intervals["label"] == label) & (intervals["measure"] == measure)]
        finite = here[np.isfinite(here["value"])]
        y = finite.groupby("output")["value"].mean().reindex(rows.index)
    else:
        counted = {"frication": ("n_frication", 1), "voicing": ("n_voiced", 1)}
        counted["two_vowels"] = ("n_voiced", 2)
        column, least = counted.get(wanted.name, (wanted.name, None))
        y = rows[column].astype(np.float64)
        y = y if least is None else (y >= least).astype(np.float64)
    y = y.where(rows["measured"].astype(bool))
    if wanted.comparison:
        decided = COMPARISONS[wanted.comparison](y, wanted.threshold).astype(np.float64)
        y = decided.where(y.notna())
    return y.rename("label")


def _with_pause(intervals: pd.DataFrame) -> list[Any]:
    """Lists the outputs with a silence that sounds stand before and after."""
    there = intervals[intervals["measure"] == "duration"].sort_values(["output", "start_s"])
    found = []
    for output, labels in there.groupby("output")["label"]:
        silent = (labels == "silence").to_numpy()
        sounds = np.flatnonzero(~silent)
        if len(sounds) and silent[sounds[0] : sounds[-1]].any():
            found.append(output)
    return found


def doses(points: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    """Measures how strong frication and voice are in each output.

    Beguš (2020) takes maximum intensities in windows of 13.3 ms; here they are those of the points
    of normalised time, each the level in Praat's window around it
    (6.4 / ``--intensity_min_pitch`` long; 480 Hz would set that length).

    Args:
        points: The table of that name, of the target layer.
        y: Of :func:`label_outputs`.

    Returns:
        The columns of :data:`DOSES`: ``frication_db`` and ``voiced_db``, the maximum within all
        intervals of the label, NaN without such an interval; ``frication_ratio``, frication /
        (frication + voice), 0 without frication, 1 without voice, NaN without either or where the
        property was not decided.
    """
    rows = points[(points["measure"] == "intensity") & (points["channel"] == 1)]
    found = {
        label: rows[rows["label"] == label].groupby("output")["value"].max().reindex(y.index)
        for label in ("frication", "voiced")
    }
    frication, voiced = (levels.fillna(0.0).clip(lower=0.0) for levels in found.values())
    ratio = (frication / (frication + voiced)).where(y.notna())
    columns = dict(zip(DOSES, (*found.values(), ratio), strict=True))
    return pd.DataFrame(columns)


def read_labels(path: str, n: int, wanted: str | None = None) -> pd.Series:
    """Reads ``--labels``: a table ``output,label`` in UTF-8, with a byte order mark or without.

    Args:
        path: The file. Further columns are passed over; rows without a label (:data:`MISSING`)
            count as none. The first column may be called ``id``, as in earlier versions.
        n: Number of outputs, counted from 0.
        wanted: ``--label``, the text that is asked for, or None.

    Returns:
        Texts by output 0 .. n - 1, NaN for none.

    Raises:
        InputError: The file cannot be read, lacks a column, has a row of an output that does not
            exist, two rows of one, no label at all, or none that is wanted.
    """
    flag = f"--labels={path}"
    if not os.path.isfile(path):
        raise InputError(f"{flag}: no such file; give a CSV table output,label")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{flag}: is not UTF-8; save it as CSV UTF-8") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError):
        table = pd.DataFrame()
    table = table.rename(columns=str.strip).rename(columns={"id": "output"})
    if len(table.columns) == 1 and ";" in table.columns[0]:
        raise InputError(
            f"{flag}: is separated by semicolons; save it with commas (in R write.csv, not "
            "write.csv2)"
        )
    if not {"output", "label"} <= set(table.columns):
        raise InputError(
            f"{flag}: has the columns {', '.join(table.columns) or 'none'}, separated by commas; "
            "wanted are output and label"
        )
    labels = pd.Series(np.full(n, np.nan), range(n)).astype(object)
    cells = zip(table["output"].str.strip(), table["label"].str.strip(), strict=True)
    seen = set()
    for line, (number, label) in enumerate(cells, start=2):
        if not number.isdecimal() or int(number) >= n:
            raise InputError(
                f"{flag}: row {line} labels output {number}, but there are {n} outputs (0 .. "
                f"{n - 1}); give --n and --seed of the outputs that were labelled"
            )
        if number in seen:
            raise InputError(f"{flag}: output {number} is labelled twice; label each once")
        seen.add(number)
        if label.lower() not in MISSING:
            labels[int(number)] = label
    if labels.isna().all():
        raise InputError(f"{flag}: no row has a label; give a table output,label")
    if wanted is not None and not (labels == wanted).any():
        listed = ", ".join(sorted(labels.dropna().unique())[:20])
        raise InputError(f"--label={wanted}: no output has this label; {path} has {listed}")
    return labels


def as_numbers(labels: pd.Series, wanted: str | None = None) -> tuple[str, np.ndarray]:
    """Turns labels given by hand into numbers.

    Args:
        labels: Of :func:`read_labels`.
        wanted: The text that counts as 1, every other as 0; None reads yes, no and numbers.

    Returns:
        What they are, ``binary`` (0/1, yes/no, true/false), ``continuous`` or ``categories`` (words
        of which none is wanted), and the numbers ``[n]``, NaN for none.
    """
    given = labels.dropna()
    numbers = given.map(_number_of) if wanted is None else (given == wanted).astype(np.float64)
    kind = BINARY if set(numbers) <= {0.0, 1.0} else CONTINUOUS
    if numbers.isna().any():
        kind = CATEGORIES
    return kind, numbers.reindex(labels.index).to_numpy(np.float64)


def _number_of(text: str) -> float:
    """Reads a label as a number: yes is 1, no is 0; NaN of what is none of them."""
    try:
        value = _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
