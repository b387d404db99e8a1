"""Labels that a listener gave outputs, instead of a property that is measured. NumPy only."""

import csv
import math
import os
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis.causes.identify import DEFAULTS, IdentifySettings
from wavegan_tf.analysis.causes.properties import BINARY, CATEGORIES, CONTINUOUS
from wavegan_tf.errors import InputError

MISSING = ("", "na", "nan")
"""Labels, in lower case, that stand for none: R writes ``NA``, pandas nothing, this package NaN."""

_TRUE, _FALSE = ("yes", "true"), ("no", "false")


class Labels(NamedTuple):
    """Labels of outputs, given by hand.

    Attributes:
        kind: :data:`BINARY`, :data:`CONTINUOUS` or :data:`CATEGORIES`; the last wherever one text
            is asked for.
        texts: As they were given, by id.
    """

    kind: str
    texts: dict[int, str]

    @property
    def categories(self) -> list[str]:
        """The different texts, in alphabetical order."""
        return sorted(set(self.texts.values()))

    def values(self, ids: np.ndarray, wanted: str | None = None) -> np.ndarray:
        """The labels as numbers.

        Args:
            ids: int ``[n]``.
            wanted: The text that counts as 1, every other as 0; None reads yes, no and numbers.

        Returns:
            ``[n]``; NaN where an output has no label.
        """
        texts = [self.texts.get(i) for i in np.asarray(ids).tolist()]
        read = _number_of if wanted is None else (lambda text: float(text == wanted))
        return np.array([math.nan if x is None else read(x) for x in texts], np.float64)


def kind_of(texts: Iterable[str]) -> str:
    """What labels are: 0/1, yes/no or true/false only, other numbers, or other texts."""
    numbers = [_number_of(text) for text in texts]
    if any(math.isnan(x) for x in numbers):
        return CATEGORIES
    return BINARY if set(numbers) <= {0.0, 1.0} else CONTINUOUS


def _number_of(text):
    """A label as a number: yes is 1, no is 0; NaN of what is none of them."""
    lower = text.lower()
    if lower in _TRUE + _FALSE:
        return float(lower in _TRUE)
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def read_labels(path: str, n: int, wanted: str | None = None) -> Labels:
    """Reads ``--labels``: a table ``id,label`` in UTF-8, with a byte order mark or without.

    Args:
        path: The file. Further columns are passed over; rows without a label (:data:`MISSING`)
            are left out.
        n: Number of outputs; ids run from 0 to n - 1.
        wanted: ``--label``, the text that is asked for, or None.

    Raises:
        InputError: The file cannot be read, lacks a column, has a row of an output that does not
            exist, two rows of one, no label at all, or none that is wanted.
    """
    texts = {}
    for line, row in _rows_of(path):
        text = row["label"].strip()
        if not row["id"].strip().isdecimal():
            raise InputError(
                f"--labels={path}: row {line} has the id {row['id']!r}; ids count the outputs "
                f"from 0, here to {n - 1}"
            )
        i = int(row["id"])
        if i >= n:
            raise InputError(
                f"--labels={path}: row {line} labels output {i}, but there are {n} outputs (0 .. "
                f"{n - 1}); give --n and --seed, or --latents, of the outputs that were labelled"
            )
        if i in texts:
            raise InputError(f"--labels={path}: output {i} is labelled twice; label each once")
        texts[i] = text
    texts = {i: text for i, text in sorted(texts.items()) if text.lower() not in MISSING}
    if not texts:
        raise InputError(f"--labels={path}: no row has a label; give a table id,label")
    labels = Labels(CATEGORIES if wanted is not None else kind_of(texts.values()), texts)
    if wanted is not None and wanted not in labels.categories:
        raise InputError(
            f"--label={wanted}: no output has this label; {path} has "
            f"{', '.join(labels.categories[:20])}"
        )
    return labels


def check_rankable(
    labels: Labels, path: str, wanted: str | None = None, settings: IdentifySettings = DEFAULTS
) -> None:
    """Check, before anything is generated, that latents can be ranked by labels.

    Args:
        labels: Of :func:`read_labels`; texts without ``wanted`` are not ranked by, and pass.
        path: The file.
        wanted: ``--label``, or None.
        settings: With ``min_class``.

    Raises:
        InputError: All are the same, or too few.
    """
    if wanted is None and labels.kind == CATEGORIES:
        return
    y = labels.values(np.array(list(labels.texts)), wanted)
    n, least = len(y), int(settings.min_class)
    if np.ptp(y) == 0:
        raise InputError(
            f"--labels={path}: all {n} labels are {next(iter(labels.texts.values()))}, so nothing "
            "can be related to them; label outputs that differ"
        )
    if wanted is None and labels.kind == CONTINUOUS:
        if n < 2 * least:
            raise InputError(
                f"--labels={path}: {n} outputs have a number; a ranking needs {2 * least} (twice "
                "--min_class): label more outputs"
            )
        return
    have = int(y.sum())
    if min(have, n - have) < least:
        raise InputError(
            f"--labels={path}: {have} outputs are {wanted or 'yes'}, {n - have} are not; a ranking "
            f"needs {least} (--min_class) of each: label more outputs"
        )


def _rows_of(path):
    """Rows of a table with the columns id and label, each with its number in the file."""
    if not os.path.isfile(path):
        raise InputError(f"--labels={path}: no such file; give a CSV table id,label")
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            header = [name.strip() for name in reader.fieldnames or []]
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        raise InputError(f"--labels={path}: is not UTF-8; save it as CSV UTF-8") from None
    if not {"id", "label"} <= set(header) and len(header) == 1 and ";" in header[0]:
        raise InputError(
            f"--labels={path}: is separated by semicolons; save it with commas (in R write.csv, "
            "not write.csv2)"
        )
    if not {"id", "label"} <= set(header):
        raise InputError(
            f"--labels={path}: has the columns {', '.join(header) or 'none'}, separated by commas; "
            "wanted are id and label"
        )
    return rows
