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
from wavegan_tf.speech.intervals import LABELS, PAST_END_S, Interval, cut_to_sound
from wavegan_tf.texts import read_text

ROUNDING_S = 1e-3  # overlaps up to this are the rounding of the program that wrote the times

# What Praat reads in a text file: quoted strings, <flags> and numbers that stand free; the rest is
# for the human reader, comments begin with "!". A string in which quotes are not doubled is "loose"
# and ends with its line; a quote with which no string can end is "open".
_TOKEN = re.compile(
    r'"(?P<string>[^"]*(?:""[^"]*)*)"(?!\S)'
    r"|(?P<flag><\w+>)"
    r"|(?<!\S)(?P<number>[-+]?(?:\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|(?i:nan|inf))|--undefined--)(?!\S)"
    r"|!.*"
    r'|"(?P<loose>[^\n]*)"[ \t]*$'
    r'|(?P<open>")',
    re.MULTILINE,
)

_CHRONOLOGICAL = "Praat chronological TextGrid text file"


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
    """Reads the interval tiers of a TextGrid, in one of Praat's text formats.

    These are the text format, the short and the chronological one. Point tiers are left out; empty
    labels are not, and times stand as in the file, impossible ones too.

    Raises:
        InputError: The file cannot be read, is no TextGrid, binary, or cut off.
    """
    text = read_text(path)
    if text.startswith("ooBinaryFile"):
        raise InputError(f"{path}: a binary file of Praat; save it there as a text file")
    tokens = _Tokens(path, text)
    kinds = [match["string"] for match in tokens.matches[:2]]
    chronological = kinds[:1] == [_CHRONOLOGICAL]
    tokens.at = 1 if chronological else 2
    if not chronological:
        if None in kinds or len(kinds) < 2 or kinds[0] not in ("ooTextFile", "ooTextFile short"):
            raise InputError(f"{path}: not a TextGrid; save it in Praat as a (short) text file")
        if kinds[1] != "TextGrid":
            raise InputError(f"{path}: a {kinds[1]}, not a TextGrid")
    start_s, end_s = tokens.number("the start"), tokens.number("the end")
    if not start_s < end_s < math.inf:
        raise InputError(f"{path}: ends at {end_s:g} s, not after its start, {start_s:g} s")
    if chronological:
        return TextGrid(start_s, end_s, _chronological(tokens))
    tiers: list[Tier] = []
    if tokens.take("flag", "<exists>") == "<exists>":
        for number in tokens.count("the number of tiers"):
            tiers += _tier(tokens, number)
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
        if match.lastgroup != kind and (match.lastgroup, kind) != ("loose", "string"):
            raise self.error(f"{what} should be a {kind}, not {match.group()[:30]!r}")
        self.at += 1
        return (match[kind] or match["loose"] or "").replace('""', '"')

    def number(self, what: str) -> float:
        return float(self.take("number", what).replace("--undefined--", "nan"))

    def count(self, what: str) -> range:
        value = self.number(what)
        if not 0 <= value < 2**53 or value != int(value):
            raise InputError(f"{self.path}: {what} is {value:g}, not a whole number from 0")
        return range(1, int(value) + 1)


def _head(tokens: _Tokens, number: int) -> tuple[str, str]:
    """Takes the class and the name of a tier, and its start and end, which say nothing."""
    kind = tokens.take("string", f"the class of tier {number}")
    name = tokens.take("string", f"the name of tier {number}")
    if kind not in ("IntervalTier", "TextTier"):
        what = f'tier {number} ("{name}") is a {kind}'
        raise InputError(f"{tokens.path}: {what}, neither IntervalTier nor TextTier")
    tokens.number(f"the start of tier {number}")
    tokens.number(f"the end of tier {number}")
    return kind, name


def _item(tokens: _Tokens, kind: str, place: str) -> Interval:
    """Takes an interval, or a point as one without duration."""
    start_s = end_s = tokens.number(f"the start of {place}")
    if kind == "IntervalTier":
        end_s = tokens.number(f"the end of {place}")
    return Interval(tokens.take("string", f"the label of {place}"), start_s, end_s)


def _tier(tokens: _Tokens, number: int) -> list[Tier]:
    """Takes the next tier; nothing of one whose items are points."""
    kind, name = _head(tokens, number)
    where = f'tier {number} ("{name}")'
    numbers = tokens.count(f"the number of intervals of {where}")
    places = (f"interval {i} of {len(numbers)} of {where}" for i in numbers)
    intervals = [_item(tokens, kind, place) for place in places]
    return [Tier(name, intervals)] if kind == "IntervalTier" else []


def _chronological(tokens: _Tokens) -> list[Tier]:
    """Takes all tiers, then the items of all, each with the number of its tier."""
    heads = [_head(tokens, number) for number in tokens.count("the number of tiers")]
    items: list[list[Interval]] = [[] for _ in heads]
    while tokens.at < len(tokens.matches):
        number = tokens.number("the number of a tier")
        if number not in range(1, len(heads) + 1):
            raise InputError(f"{tokens.path}: an item of tier {number:g} of {len(heads)}")
        kind, name = heads[int(number) - 1]
        place = f'an item of tier {number:g} ("{name}")'
        items[int(number) - 1].append(_item(tokens, kind, place))
    return [Tier(x[1], own) for x, own in zip(heads, items, strict=True) if x[0] == "IntervalTier"]


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

    The duration is the nearest of ``durations_s``; ``labels`` says what the user's labels mean. An
    interval without duration is dropped, and ends past the sound's are cut (:data:`PAST_END_S`).

    Returns:
        The intervals in order of time; how often each unknown label occurs, in alphabetical order.

    Raises:
        InputError: As :func:`read_textgrid`; the TextGrid is of another duration; a known interval
            is no stretch of the sound, or two overlap.
    """
    grid = read_textgrid(path)
    duration_s = min(durations_s, key=lambda each: abs(each - grid.end_s))
    if max(abs(grid.start_s), abs(grid.end_s - duration_s)) > PAST_END_S:
        raise InputError(
            f"{path}: a TextGrid from {grid.start_s:g} to {grid.end_s:g} s for a sound of "
            f"{duration_s:g} s; it must begin at 0 and end with the sound, to 20 ms"
        )
    meaning = dict(zip(LABELS, LABELS, strict=True)) | labels
    found, unknown = [], Counter[str]()  # found: (interval, tier's name)
    for tier in grid.tiers:
        for text, start_s, end_s in tier.intervals:
            label = text.strip()
            if label in meaning:
                inside = cut_to_sound(start_s, end_s, duration_s)
                if inside is None:
                    raise InputError(
                        f'{path}: "{label}" of tier "{tier.name}", {start_s:g} .. {end_s:g} s, is '
                        f"no stretch of a sound of {duration_s:g} s; correct its boundaries"
                    )
                found.append((Interval(meaning[label], *inside), tier.name))
            elif label:
                unknown[label] += 1
    intervals: list[Interval] = []
    other_tier = ""
    for after, tier_name in sorted(found, key=lambda pair: pair[0].start_s):
        start_s = after.start_s
        if intervals and start_s < intervals[-1].end_s:
            before, start_s = intervals[-1], intervals[-1].end_s
            if after.start_s < before.end_s - ROUNDING_S and after.start_s < after.end_s:
                raise InputError(
                    f'{path}: "{before.label}" of tier "{other_tier}" ({before.start_s:g} .. '
                    f'{before.end_s:g} s) overlaps with "{after.label}" of tier "{tier_name}" '
                    f"({after.start_s:g} .. {after.end_s:g} s); a stretch of time has one label: "
                    "move a boundary, or remove a tier"
                )
        if start_s < after.end_s:
            intervals.append(after._replace(start_s=start_s))
            other_tier = tier_name
    return intervals, dict(sorted(unknown.items()))


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
