"""Alignments: when which word was said, from TextGrids, CTM tables and LibriSpeech's short form.

TextGrids as the Montreal Forced Aligner writes them: tiers ``words`` and ``phones``, or where
several speak ``SPEAKER - words`` and ``SPEAKER - phones``; ``word`` and ``phone`` (P2FA, FAVE) mean
the same, and so does ``MAU`` (WebMAUS) of phones. CTM, NIST's: ``utterance channel start duration
word [confidence [type [speaker]]]``, the channel passed over, of alternatives the first taken,
comments begin with ``;;``. LibriSpeech's short form is a ``.alignment.txt`` a chapter: utterance,
"WORD,WORD,..", "END,END,..", silences as empty words. Times are in s from the recording's start.
"""

import itertools
import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from wavegan_tf import paths
from wavegan_tf.corpora.clips import Problem, phone_of, word_of
from wavegan_tf.errors import InputError
from wavegan_tf.speech.intervals import PAST_END_S, Interval, cut_to_sound
from wavegan_tf.speech.textgrids import Tier, read_textgrid
from wavegan_tf.texts import read_lines

TEXTGRID, CTM, SHORT = ".textgrid", ".ctm", ".alignment.txt"
UNREADABLE, LEFT_OUT = "alignment unreadable", "item left out"

WORDS, PHONES = ("words", "word"), ("phones", "phone", "mau")  # tiers
PHONETIC = (*PHONES, "kan-mau", "kan", "mas")  # of what case matters in, as in SAMPA

_FIELD = re.compile(r"[^ \t]+")  # a space that does not break is part of a word
_NOTHING = ("na", "nan", "-", "null", "none", "n/a", "unknown")  # for a confidence or speaker
_LONGEST_S = 1e6  # no recording lasts 11 days
_SHORT_LINE = re.compile(r'(\S+) "([^"]*)" "([^"]*)"')

L = TypeVar("L")


class Track(NamedTuple):
    """What one speaker says in one utterance, in order of time."""

    utterance: str  # name of the recording without suffix; with folders, if it has its own file
    file: str  # of the alignment, below its root
    speaker: str  # as the alignment names the speaker, or empty
    words: list[Interval]  # labels as of label_of, silences left out; some without duration
    phones: list[Interval] | None  # None where the alignment has none


def find_files(flag: str, folder: str | Path, suffixes: Sequence[str]) -> list[str]:
    """Finds the files that end so as :func:`wavegan_tf.paths.find_files`.

    Their paths are below the folder, separated by ``/``, and sorted.

    Raises:
        InputError: There is no such folder, it cannot be read, there is no such file in it, or a
            name is not UTF-8 and cannot stand in a table.
    """
    endings = tuple(suffix.lower() for suffix in suffixes)
    found = [x for x in paths.find_files(flag, folder) if x.lower().endswith(endings)]
    names = [Path(path).relative_to(folder).as_posix() for path in found]
    for name in names:
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError(f"{flag}={folder}: the name {name!a} is not UTF-8; rename the file")
    if not names:
        kinds = ", ".join(suffixes)
        raise InputError(f"{flag}={folder}: no file of {kinds}; give a folder with some")
    return names


def find_alignments(path: str) -> tuple[str, list[str]]:
    """Finds a file of alignments, or those of a folder (:func:`find_files`); returns it first."""
    if os.path.isfile(path) and path.lower().endswith((TEXTGRID, CTM, SHORT)):
        return os.path.dirname(path) or ".", [os.path.basename(path)]
    return path, find_files("--alignments", path, (".TextGrid", CTM, SHORT))


def read_alignment(root: str, file: str, tier: str = "") -> Iterator[Track | Problem]:
    """Reads a file of alignments, whatever its kind, below the root.

    Words of a TextGrid are those of a tier, in upper or lower case, or of all that are called
    ``SPEAKER - TIER``; without it of `WORDS`. First come tracks, one or more of an utterance, then
    problems of the file, or of single lines and intervals, which are left out.
    """
    path, problems = os.path.join(root, file), list[Problem]()
    try:
        if file.lower().endswith(TEXTGRID):
            yield from _read_textgrid(path, file, problems, tier)
        else:
            read = _read_short if file.lower().endswith(SHORT) else _read_ctm
            yield from read(path, file, problems)
    except InputError as error:
        problems.append(Problem(UNREADABLE, file, str(error).removeprefix(path).lstrip(":, ")))
    yield from problems


def label_of(tier: str) -> Callable[[str], str]:
    """Returns what makes words, or of a phonetic tier what stands for them, of its labels."""
    return phone_of if _kind_of(tier)[1] in PHONETIC else word_of


def _kind_of(tier: str) -> tuple[str, str]:
    """The speaker of a tier, or none, and what it has of this speaker."""
    speaker, _, kind = tier.strip().rpartition(" - ")
    return speaker.strip(), kind.strip().casefold()


def _read_textgrid(path: str, file: str, problems: list[Problem], tier: str) -> Iterator[Track]:
    """The tracks of a TextGrid, by speaker in the order of the tiers."""
    grid = read_textgrid(path)
    if abs(grid.start_s) > PAST_END_S:
        raise InputError(
            f"begins at {grid.start_s:g} s; its times must count from the start of the recording"
        )
    words = _by_speaker(grid.tiers, (tier.strip().casefold(),) if tier else WORDS)
    if not words:
        asked = f"'{tier}'" if tier else "'words' or 'SPEAKER - words'"
        names = ", ".join(each.name for each in grid.tiers) or "none"
        raise InputError(f"no tier {asked}, but {names}; --tier=NAME takes another")
    phones = _by_speaker(grid.tiers, PHONES)
    for speaker, (own, *others) in words.items():
        if others:
            raise InputError(f"two tiers '{others[0].name}'; rename or remove one")
        beside = [each for each in phones.get(speaker, ()) if each is not own]
        found = [_named(each, file, problems, phone_of) for each in beside[:1]]
        lasting = [x for x in found[0] if x.start_s < x.end_s] if found else None
        said = _named(own, file, problems, label_of(tier))
        yield Track(file[: -len(TEXTGRID)], file, speaker, said, lasting)


def _by_speaker(tiers: Iterable[Tier], names: Collection[str]) -> dict[str, list[Tier]]:
    """The tiers of these names, or called ``SPEAKER - NAME``, by speaker."""
    found: dict[str, list[Tier]] = {}
    for tier in tiers:
        speaker, kind = _kind_of(tier.name)
        if tier.name.strip().casefold() in names or kind in names:
            found.setdefault(speaker, []).append(tier)
    return found


def _named(
    tier: Tier, file: str, problems: list[Problem], name: Callable[[str], str] = word_of
) -> list[Interval]:
    """The words or phones of a tier, in order of time; what has no possible times is a problem."""
    found = []
    for label, start_s, end_s in tier.intervals:
        try:
            if named := name(label):
                found.append(_placed(named, start_s, end_s))
        except InputError as error:
            problems.append(Problem(LEFT_OUT, file, f"{tier.name}: {error}"))
    return sorted(found, key=lambda interval: interval.start_s)


def _placed(label: str, start_s: float, end_s: float) -> Interval:
    """A word or phone, if its times are possible."""
    span = cut_to_sound(start_s, end_s, _LONGEST_S)
    if span is None:
        raise InputError(f"'{label[:40]}', {start_s:g} .. {end_s:g} s: not a stretch of time")
    return Interval(label, *span)


def _read_lines(
    path: str, file: str, problems: list[Problem], parse: Callable[[str], L]
) -> Iterator[L]:
    """What is parsed of the lines of a table, one by one: it may be large."""
    any_read = False
    for number, line in enumerate(read_lines(path), start=1):
        try:
            if line.strip() and not line.lstrip().startswith(";;"):
                yield parse(line.strip())
                any_read = True
        except InputError as error:
            problems.append(Problem(LEFT_OUT, file, f"line {number}: {error}"))
    if problems and not any_read:
        first = problems[0].detail
        problems.clear()
        raise InputError(f"no line can be used; {first}")


def _read_ctm(path: str, file: str, problems: list[Problem]) -> Iterator[Track]:
    skipped = ""  # the utterance in whose second alternative, or a later one, the lines stand

    def parse(line: str) -> tuple[str, str, Interval | None]:
        nonlocal skipped
        fields = _FIELD.findall(line)
        if not 5 <= len(fields) <= 8:
            raise InputError(
                f"{len(fields)} fields, not 5 to 8: utterance channel start duration word "
                "[confidence [type [speaker]]]"
            )
        utterance, _, start, lasting, label, confidence, kind, speaker = (*fields, *"---")[:8]
        if start == lasting == "*":
            skipped = utterance if label.upper() == "<ALT>" else ""
        word, said = word_of(label), None
        if word and utterance != skipped and kind.lower() != "non-lex":  # laughter, breath
            if confidence.lower() not in _NOTHING and math.isnan(_number(confidence)):
                raise InputError(f"the confidence '{confidence[:20]}' is not a number")
            start_s = _number(start)
            said = _placed(word, start_s, start_s + _number(lasting))
        return utterance, "" if speaker.lower() in _NOTHING else speaker, said

    rows = _read_lines(path, file, problems, parse)
    for (utterance, speaker), group in itertools.groupby(rows, key=lambda row: row[:2]):
        words = sorted((row[2] for row in group if row[2]), key=lambda word: word.start_s)
        yield Track(utterance, file, speaker, words, None)


def _number(text: str) -> float:
    """The number that a text is, or NaN."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _read_short(path: str, file: str, problems: list[Problem]) -> Iterator[Track]:
    def parse(line: str) -> Track:
        match = _SHORT_LINE.fullmatch(line)
        labels, ends = (match[2].split(","), match[3].split(",")) if match else ([], [])
        if not match or len(labels) != len(ends):
            raise InputError('not UTTERANCE "WORD,WORD,.." "END,END,..", a time a word')
        edges = [0.0, *map(_number, ends)]
        tier = Tier(match[1], list(map(Interval, labels, edges, edges[1:])))
        utterance = f"{os.path.dirname(file)}/{match[1]}".lstrip("/")
        return Track(utterance, file, "", _named(tier, file, problems), None)

    yield from _read_lines(path, file, problems, parse)
