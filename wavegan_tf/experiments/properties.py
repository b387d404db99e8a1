"""Properties of outputs: what one asks the cause of, measured or given by a listener.

A property is that an output has frication, two vowels, some F0 above 200 Hz (yes or no), or its
mean F0 (a number). It is decided by the tables ``outputs``, ``intervals`` and ``points`` of the
target layer; of several channels the first counts.
"""

import dataclasses
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.speech.settings import INTERVAL_MEASURES, POINT_MEASURES, STOPS, UNITS
from wavegan_tf.stats.proof import MEAN, SHARE
from wavegan_tf.stats.ranking import BINARY, CONTINUOUS, RankingSettings
from wavegan_tf.stats.resampling import wilson
from wavegan_tf.texts import read_text

CATEGORIES = "categories"
PAUSES = "n_pauses"
GAP = "gap"
"""The time from the end of an interval to the start of the next one of its label, in s."""

PRESENCE = {
    "frication": ("n_frication", 1), "voicing": ("n_voiced", 1), "silence": (PAUSES, 1),
    "two_vowels": ("n_voiced", 2),
}  # fmt: skip
"""The named properties: what an output has how many of, or more. ``silence`` is a pause, a silent
interval with sound both before and after it: nearly every output of a second begins or ends in
silence, which says little (that would be ``n_silence>=1``)."""

OUTPUT_UNITS = {"peak": "1", "rms_db": "dB", "clipped_share": "1"}
OUTPUT_UNITS |= {f"n_{label}": "1" for label in POINT_MEASURES}
"""Columns of the table ``outputs`` that are numbers, with their units."""

ANY, LONGEST, AVERAGE = "any", "longest", "mean"
RULES = (ANY, LONGEST, AVERAGE)
"""How a measure in the intervals of an output decides: some interval passes the threshold, the
value in the longest interval, or the mean of the values."""

COMPARISONS: dict[str, Callable] = {
    ">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less, "==": np.equal
}  # fmt: skip

DOSES = {"frication_db": "dB", "voiced_db": "dB", "frication_ratio": "1"}
"""Measures of how much, beside whether, with their units; see :func:`doses`."""

MISSING = ("", "na", "nan")
"""Labels, in lower case, that stand for none: R writes ``NA``, pandas nothing, this package NaN."""

_MEASURES = {
    label: (*POINT_MEASURES[label], *INTERVAL_MEASURES[label], GAP) for label in POINT_MEASURES
}
_MEASURES["voiced"] += STOPS
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}


class Labels(NamedTuple):
    """The labels of the drawn outputs.

    ``y`` [n] are numbers, or yes (1) and no (0), NaN for none and of words; ``texts`` is what a
    listener wrote, None of what is measured.
    """

    kind: str
    y: np.ndarray
    texts: pd.Series | None = None

    def told(self) -> pd.Series | np.ndarray:
        """Gives the column ``label`` of a table: texts where one is no number, else numbers."""
        if self.texts is not None and np.isnan(self.y).any():
            return self.texts.fillna("")
        return self.y


@dataclass(frozen=True)
class Property:
    """What is asked of every output; see :func:`parse_property`.

    Attributes:
        text: As it was given, without spaces.
        column: Of ``outputs``, or :data:`PAUSES`, or ``voiced.f0``.
        comparison: One of :data:`COMPARISONS`, or empty.
        threshold: What is compared with; NaN without a comparison.
        rule: One of :data:`RULES` for a measure in intervals, else empty.
        name: What it is called: as was asked, or its definition (``any voiced.duration > 0.42``).
    """

    text: str
    column: str
    comparison: str = ""
    threshold: float = math.nan
    rule: str = ""
    name: str = ""

    @property
    def definition(self) -> str:
        """What is decided and how, written out."""
        words = re.split(r"([<>=]+)", self.text)
        return " ".join([self.rule] * bool(self.rule) + words)

    @property
    def kind(self) -> str:
        """``binary`` or ``continuous``."""
        return BINARY if self.comparison else CONTINUOUS

    @property
    def measure(self) -> str:
        """What is taken over outputs: their ``share`` or their ``mean``."""
        return SHARE if self.comparison else MEAN

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be measured to decide it; empty where the intervals do."""
        return ("duration",) if self._of_gaps else tuple(self.column.split(".")[1:])

    @property
    def _of_gaps(self) -> bool:
        return self.column.endswith(f".{GAP}")

    @property
    def unit(self) -> str:
        """Unit of the number, 1 where it is a yes or no."""
        if self.comparison:
            return "1"
        return UNITS[self.measures[0]] if self.measures else OUTPUT_UNITS[self.column]


def parse_property(text: str, rule: str | None = None, name: str = "") -> Property:
    """Reads ``--property`` with its ``--rule`` and ``--name``.

    Args:
        text: A name of :data:`PRESENCE`; or a column of ``outputs`` (``n_voiced``, ``rms_db``) or a
            measure in the intervals of a label (``voiced.f0``), either as it is or with a
            threshold, which makes it a yes or no: ``voiced.f0>200``, ``n_frication>=1``.
        rule: One of :data:`RULES`, for a measure in intervals; None is ``any`` with a threshold and
            ``mean`` without.
        name: What to call it; empty for its definition.

    Raises:
        InputError: There is no such property; the message lists what there is.
    """
    found = _parse(text)
    if found.measures:
        found = dataclasses.replace(found, rule=rule or (ANY if found.comparison else AVERAGE))
    if found.rule == ANY and not found.comparison:
        raise InputError(
            f"--rule=any: asks whether any interval passes a threshold, but --property={text} has "
            "none; add a threshold, or give --rule=longest or mean"
        )
    return dataclasses.replace(found, name=name.strip() or found.definition)


def _parse(text: str) -> Property:
    match = re.fullmatch(r"\s*([\w.]+)\s*(?:(>=|<=|==|>|<)\s*(\S+))?\s*", text)
    name, comparison, number = match.groups() if match else (text.strip(), None, None)
    dotted = [f"{label}.{measure}" for label, found in _MEASURES.items() for measure in found]
    if name not in (*PRESENCE, *OUTPUT_UNITS, *dotted):
        measures = "; ".join(f"{label}. with {', '.join(m)}" for label, m in _MEASURES.items())
        raise InputError(
            f"--property={text}: there is no property {name!r}; there are {', '.join(PRESENCE)}; "
            f"of an output {', '.join(OUTPUT_UNITS)}; in its intervals, written voiced.f0: "
            f"{measures}; numbers also with a threshold, voiced.f0>200"
        )
    if name in PRESENCE:
        if comparison:
            raise InputError(
                f"--property={text}: {name} is already yes or no; leave out {comparison}{number}"
            )
        column, least = PRESENCE[name]
        return Property(name, column, ">=", least)
    if not comparison:
        return Property(name, name)
    threshold = _number_of(number or "")
    if math.isnan(threshold):
        raise InputError(
            f"--property={text}: {number!r} is not a finite number; write for example voiced.f0>200"
        )
    return Property(f"{name}{comparison}{number}", name, comparison, threshold)


def label_outputs(wanted: Property, outputs: pd.DataFrame, intervals: pd.DataFrame) -> pd.Series:
    """Decides a property of every output.

    Takes the tables ``outputs`` of one network and ``intervals`` of its target layer. Returns by
    output, ascending, 1 or 0, or the number; NaN for an output that was not measured, and where a
    measure has no value in any of the output's intervals: an output without voice has no F0,
    neither above 200 Hz nor below.
    """

    def decide(y: pd.Series) -> pd.Series:
        passed = COMPARISONS[wanted.comparison](y, wanted.threshold).astype(np.float64)
        return passed.where(y.notna())

    rows = outputs[outputs["channel"] == 1].set_index("output").sort_index()
    intervals = intervals[intervals["channel"] == 1]
    if wanted.measures:
        label, measure = wanted.column.split(".")
        own = intervals[intervals["label"] == label].set_index("output")
        here = _gaps(own) if measure == GAP else own[own["measure"] == measure]
        if wanted.rule == LONGEST:
            durations = own[own["measure"] == "duration"]
            longest = durations.sort_values("value", ascending=False, kind="stable")
            start_s = longest.groupby("output")["start_s"].first()
            here = here[here["start_s"] == start_s.reindex(here.index)]
        values = decide(here["value"]) if wanted.rule == ANY else here["value"]
        groups = values.groupby(level=0)
        y = (groups.max() if wanted.rule == ANY else groups.mean()).reindex(rows.index)
    elif wanted.column == PAUSES:
        y = _pauses(intervals).reindex(rows.index, fill_value=0)
    else:
        y = rows[wanted.column]
    y = y.astype(np.float64).where(rows["measured"].astype(bool))
    if wanted.comparison and wanted.rule != ANY:
        y = decide(y)
    return y.rename("label")


def _gaps(own: pd.DataFrame) -> pd.DataFrame:
    """Takes the gaps between intervals of one label, by output: ``start_s`` of the first, value."""
    there = own[own["measure"] == "duration"].sort_values("start_s", kind="stable")
    following = there.groupby(level=0)["start_s"].shift(-1)
    gaps = there[["start_s"]].assign(value=following - there["start_s"] - there["value"])
    return gaps.dropna(subset="value").sort_index(kind="stable")


def _pauses(intervals: pd.DataFrame) -> pd.Series:
    """Counts, by output, the silences that sounds stand before and after."""
    there = intervals[intervals["measure"] == "duration"].sort_values(["output", "start_s"])
    sound = there["label"] != "silence"
    before, after = (x.groupby(there["output"]).cummax() for x in (sound, sound[::-1]))
    return (~sound & before & after).groupby(there["output"]).sum()


def doses(points: pd.DataFrame, y: pd.Series) -> pd.DataFrame:
    """Measures how strong frication and voice are in each output.

    Beguš (2020) takes maximum intensities in windows of 13.3 ms; here they are those of the points
    of normalised time, each the level in Praat's window around it
    (6.4 / ``intensity_min_pitch_hz`` long; 480 Hz would set that length).

    Takes the table ``points`` of the target layer, and what :func:`label_outputs` gives. Returns
    the columns of :data:`DOSES`: the maximum within all intervals of the label, NaN without such an
    interval, and frication / (frication + voice), 0 without frication, 1 without voice, NaN without
    either or where the property was not decided.
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


def read_labels(
    path: str, n: int | None = None, wanted: str | None = None, column: str = "label"
) -> pd.Series:
    """Reads ``--labels``: a table ``output,label``, in any editor's encoding.

    Args:
        path: The file. Further columns are passed over; rows without a label (:data:`MISSING`)
            count as none. The first column may be called ``id``, as in earlier versions.
        n: Number of outputs, counted from 0; None for those that the file has.
        wanted: ``--label``, the text that is asked for, or None.
        column: What labels are read from: ``label``, or ``again`` of what was heard twice.

    Returns:
        Texts by output, NaN for none: of 0 .. n - 1, or of those of the file; empty where there is
        no column ``again``.

    Raises:
        InputError: The file cannot be read, lacks a column, has a row of an output that does not
            exist, two rows of one, no label at all, or none that is wanted.
    """
    flag = f"--labels={path}"
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), dtype=str, keep_default_na=False)
    except InputError as error:
        several = ", one; `agreement` joins those of several listeners" * ("," in str(path))
        raise InputError(f"--labels={error}; give a CSV table output,label{several}") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError):
        table = pd.DataFrame()
    table = table.rename(columns=str.strip).rename(columns={"id": "output"})
    if not {"output", "label"} <= set(table.columns):
        raise InputError(
            f"{flag}: has the columns {', '.join(table.columns) or 'none'}; it needs the columns "
            "output and label, separated by commas (in R write.csv, not write.csv2)"
        )
    if column not in table:
        return pd.Series(dtype=object)
    found: dict[int, Any] = {}
    cells = zip(table["output"].str.strip(), table[column].str.strip(), strict=True)
    for line, (number, label) in enumerate(cells, start=2):
        if not number.isdecimal() or (n is not None and int(number) >= n):
            there = "outputs are numbers from 0; give the number of each in the first column"
            if n is not None:
                there = f"but there are {n} outputs (0 .. {n - 1}); give --n and --seed of the "
                there += "outputs that were labelled"
            raise InputError(f"{flag}: row {line} labels output {number}, {there}")
        if int(number) in found:
            raise InputError(f"{flag}: output {number} is labelled twice; label each once")
        found[int(number)] = math.nan if label.lower() in MISSING else label
    labels = pd.Series(found, dtype=object).sort_index()
    if n is not None:
        labels = labels.reindex(range(n))
    if column == "label" and labels.isna().all():
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
        What they are, ``binary`` (0/1, yes/no, true/false), ``continuous`` or ``categories``, and
        the numbers ``[n]``, NaN for none.
    """
    given = labels.dropna()
    numbers = given.map(_number_of) if wanted is None else (given == wanted).astype(np.float64)
    kind = CATEGORIES if numbers.isna().any() else CONTINUOUS
    if set(numbers) <= {0.0, 1.0}:
        kind = BINARY
    return kind, numbers.reindex(labels.index).to_numpy(np.float64)


def describe_labels(
    labels: Labels, name: str, settings: RankingSettings
) -> list[dict[str, str | float]]:
    """Counts labels: ``label, n``, share and interval of each word or of yes; else mean and SD."""
    there = labels.y[np.isfinite(labels.y)]
    if labels.kind == CONTINUOUS:
        mean, sd = float(there.mean()), float(there.std(ddof=1))
        return [{"label": name, "n": len(there), "estimate": mean, "sd": sd}]
    counts, total = {name: int(there.sum())}, len(there)
    if labels.kind == CATEGORIES and labels.texts is not None:
        words = labels.texts.dropna()
        counts, total = words.value_counts().sort_index().to_dict(), len(words)
    ends = {label: wilson(n, total, settings.confidence) for label, n in counts.items()}
    return [
        {"label": label, "n": n, "estimate": n / total, "low": ends[label][0],
         "high": ends[label][1]}
        for label, n in counts.items()
    ]  # fmt: skip


def _number_of(text: str) -> float:
    """Reads a label as a number: yes is 1, no is 0; NaN of what is none of them."""
    try:
        value = _WORDS[text.lower()] if text.lower() in _WORDS else float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
