"""Praat's TextGrids: intervals to and from files that a phonetician corrects by hand.

Formats: Praat manual, "TextGrid file formats". The parser is our own: praatio 6 loses the sign and
the exponent of times, takes labels for structure and reads files that are cut off without a word.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from wavegan_tf.errors import InputError
from wavegan_tf.paths import decode
from wavegan_tf.speech.intervals import LABELS, Interval

ROUNDING_S = 1e-6  # overlaps up to this are the rounding of the program that wrote the times
DURATION_TOLERANCE_S = 1e-3  # from the sound, as of a TextGrid made from a resampled copy

# What Praat reads in a text file: quoted strings, <flags> and numbers that stand free; the rest is
# for the human reader, comments begin with "!". A quote with which no string can end is "open".
_TOKEN = re.compile(
    r'"(?P<string>[^"]*(?:""[^"]*)*)"(?!\S)'
    r"|(?P<flag><\w+>)"
    r"|(?<!\S)(?P<number>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)(?!\S)"
    r"|!.*"
    r'|(?P<open>")'
)


class Tier(NamedTuple):
    """An interval tier."""

    name: str
    intervals: list[Interval]


class TextGrid(NamedTuple):
    """Interval tiers over a stretch of time in s."""

    start_s: float
    end_s: float
    tiers: list[Tier]


def read_textgrid(path: str | Path) -> TextGrid:
    """Reads the interval tiers of a TextGrid, in Praat's text or short text format.

    UTF-8, UTF-16 or, as old versions of Praat wrote them, ISO Latin-1 or MacRoman. Point tiers are
    left out, empty labels are not.

    Raises:
        InputError: The file cannot be read, is no TextGrid, binary, or cut off; or an interval ends
            before it starts, leaves the time of its TextGrid or overlaps with the one before.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if data.startswith(b"ooBinaryFile"):
        raise InputError(f"{path}: a binary file of Praat; save it there as a text file")
    mac = any(0x80 <= byte <= 0x9F for byte in data)  # where Latin-1 has no letters
    tokens = _Tokens(path, decode(data, "mac_roman" if mac else "latin-1"))
    kinds = [match["string"] for match in tokens.matches[:2]]
    if None in kinds or len(kinds) < 2 or kinds[0] not in ("ooTextFile", "ooTextFile short"):
        raise InputError(f"{path}: not a TextGrid; save it in Praat as a (short) text file")
    if kinds[1] != "TextGrid":
        raise InputError(f"{path}: a {kinds[1]}, not a TextGrid")
    tokens.at = 2
    start_s, end_s = tokens.number("the start"), tokens.number("the end")
    if end_s <= start_s:
        raise InputError(f"{path}: ends at {end_s:g} s, not after its start, {start_s:g} s")
    tiers: list[Tier] = []
    if tokens.take("flag", "<exists>") == "<exists>":
        for number in tokens.count("the number of tiers"):
            tiers += _tier(tokens, number, start_s, end_s)
    if tokens.at < len(tokens.matches):
        raise tokens.error("more than the announced tiers and intervals; correct their number")
    return TextGrid(start_s, end_s, tiers)


class _Tokens:
    """The strings, flags and numbers of a file, taken one by one with what is expected."""

    def __init__(self, path: str | Path, text: str) -> None:
        self.path, self.text, self.at = path, text, 0
        self.matches = [match for match in _TOKEN.finditer(text) if match.lastgroup]

    def error(self, message: str) -> InputError:
        line = self.text.count("\n", 0, self.matches[self.at].start()) + 1
        return InputError(f"{self.path}, line {line}: {message}")

    def take(self, kind: str, what: str) -> str:
        if self.at == len(self.matches):
            raise InputError(
                f"{self.path}: cut off: ends where {what} should stand; save it again in Praat"
            )
        match = self.matches[self.at]
        if match.lastgroup == "open":
            raise self.error(f"{what} is cut off, or has a quote in it that is not doubled")
        if match.lastgroup != kind:
            raise self.error(f"{what} should be a {kind}, not {match.group()[:30]!r}")
        self.at += 1
        return match[kind].replace('""', '"')

    def number(self, what: str) -> float:
        value = float(self.take("number", what))
        if not math.isfinite(value):
            raise InputError(f"{self.path}: {what} is too large a number")
        return value

    def count(self, what: str) -> range:
        value = self.number(what)
        if value < 0 or value != int(value):
            raise InputError(f"{self.path}: {what} is {value:g}, not a whole number from 0")
        return range(1, int(value) + 1)


def _tier(tokens: _Tokens, number: int, start_s: float, end_s: float) -> list[Tier]:
    """Takes the next tier; nothing of one whose items are points."""
    kind = tokens.take("string", f"the class of tier {number}")
    name = tokens.take("string", f"the name of tier {number}")
    where = f'tier {number} ("{name}")'
    if kind not in ("IntervalTier", "TextTier"):
        raise InputError(f"{tokens.path}: {where} is a {kind}, neither IntervalTier nor TextTier")
    tokens.number(f"the start of {where}")
    tokens.number(f"the end of {where}")
    intervals, before_s = [], start_s
    numbers = tokens.count(f"the number of intervals of {where}")
    for i in numbers:
        place = f"interval {i} of {len(numbers)} of {where}"
        from_s = to_s = tokens.number(f"the start of {place}")
        if kind == "IntervalTier":
            to_s = tokens.number(f"the end of {place}")
            if from_s < before_s - ROUNDING_S or not from_s < to_s <= end_s + ROUNDING_S:
                raise InputError(
                    f"{tokens.path}: {place}, {from_s:g} .. {to_s:g} s, must begin at "
                    f"{before_s:g} s or later, end after that and by {end_s:g} s"
                )
        intervals.append(Interval(tokens.take("string", f"the label of {place}"), from_s, to_s))
        before_s = to_s
    return [Tier(name, intervals)] if kind == "IntervalTier" else []


def write_textgrid(path: str | Path, grid: TextGrid) -> None:
    """Writes a TextGrid in Praat's text format, UTF-8; gaps are filled with empty labels.

    Raises:
        ValueError: No tier or no time, or intervals that overlap or leave the time of the TextGrid.
    """
    if not grid.tiers or not grid.start_s < grid.end_s:
        raise ValueError(f"{grid}: a TextGrid needs a tier and a duration")
    span = [f"xmin = {float(grid.start_s)!r}", f"xmax = {float(grid.end_s)!r}"]
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", *span, "tiers? <exists>"]
    lines += [f"size = {len(grid.tiers)}", "item []:"]
    for number, tier in enumerate(grid.tiers, start=1):
        intervals = _filled(tier, grid.start_s, grid.end_s)
        lines += [f"    item [{number}]:", '        class = "IntervalTier"']
        lines += [f"        {x}" for x in (f"name = {_quoted(tier.name)}", *span)]
        lines += [f"        intervals: size = {len(intervals)}"]
        for i, (label, from_s, to_s) in enumerate(intervals, start=1):
            lines += [f"        intervals [{i}]:", f"            xmin = {float(from_s)!r}"]
            lines += [f"            xmax = {float(to_s)!r}", f"            text = {_quoted(label)}"]
    Path(path).write_bytes(("\n".join(lines) + "\n").encode())


def _filled(tier: Tier, start_s: float, end_s: float) -> list[Interval]:
    filled, at_s = [], start_s
    for interval in tier.intervals:
        if not at_s <= interval.start_s < interval.end_s <= end_s:
            raise ValueError(f'{interval} of tier "{tier.name}" overlaps, is empty or outside')
        filled += [Interval("", at_s, interval.start_s), interval]
        at_s = interval.end_s
    filled.append(Interval("", at_s, end_s))
    return [interval for interval in filled if interval.end_s > interval.start_s]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def load_intervals(
    path: str | Path, durations_s: Sequence[float], labels: dict[str, str]
) -> tuple[list[Interval], dict[str, int]]:
    """Reads the intervals of a sound from all tiers of a TextGrid made or corrected by hand.

    The duration is the nearest of ``durations_s``; ``labels`` says what the user's labels mean.

    Returns:
        The intervals in order of time; how often each unknown label occurs, in alphabetical order.

    Raises:
        InputError: As :func:`read_textgrid`; the TextGrid is of another duration, by more than 1
            ms; or known intervals of two tiers overlap.
    """
    grid = read_textgrid(path)
    duration_s = min(durations_s, key=lambda each: abs(each - grid.end_s))
    if max(abs(grid.start_s), abs(grid.end_s - duration_s)) > DURATION_TOLERANCE_S:
        raise InputError(
            f"{path}: a TextGrid from {grid.start_s:g} to {grid.end_s:g} s for a sound of "
            f"{duration_s:g} s; it must begin at 0 and end with the sound, to 1 ms"
        )
    meaning = dict(zip(LABELS, LABELS, strict=True)) | labels
    found, unknown = [], Counter[str]()  # found: (interval, tier's name)
    for tier in grid.tiers:
        for text, start_s, end_s in tier.intervals:
            label = text.strip()
            if label in meaning:
                inside = Interval(meaning[label], max(start_s, 0.0), min(end_s, duration_s))
                found.append((inside, tier.name))
            elif label:
                unknown[label] += 1
    found.sort(key=lambda pair: pair[0].start_s)
    for (before, its_tier), (after, other_tier) in zip(found, found[1:], strict=False):
        if after.start_s < before.end_s - ROUNDING_S:
            raise InputError(
                f'{path}: "{before.label}" of tier "{its_tier}" ({before.start_s:g} .. '
                f'{before.end_s:g} s) overlaps with "{after.label}" of tier "{other_tier}" '
                f"({after.start_s:g} .. {after.end_s:g} s); a stretch of time has one label: move "
                "a boundary, or remove a tier"
            )
    return [interval for interval, _ in found], dict(sorted(unknown.items()))


def save_intervals(path: str | Path, intervals: list[Interval], duration_s: float) -> None:
    """Writes the intervals of a sound, which :func:`load_intervals` gives back exactly."""
    write_textgrid(path, TextGrid(0.0, duration_s, [Tier("wavegan_tf", intervals)]))


def parse_labels(text: str) -> dict[str, str]:
    """Reads what the labels of a user's TextGrids mean, such as ``V=voiced,s=frication``."""
    labels: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, label = (piece.strip() for piece in part.rpartition("="))
        if not name or label not in LABELS:
            raise InputError(
                f"--labels={text}: '{part}' is not LABEL=MEANING with a meaning of "
                f"{', '.join(LABELS)}; for example --labels=V=voiced,s=frication"
            )
        if labels.setdefault(name, label) != label:
            raise InputError(
                f"--labels={text}: '{name}' cannot mean {labels[name]} and {label}; name it once"
            )
    return labels
