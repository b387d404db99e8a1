"""Alignments: when which word was said, from TextGrids, CTM tables and LibriSpeech's short form.

TextGrids as the Montreal Forced Aligner writes them: tiers ``words`` and ``phones``, or where
several speak ``SPEAKER - words`` and ``SPEAKER - phones``; ``word`` and ``phone`` (P2FA, FAVE) mean
the same. CTM, NIST's: ``utterance channel start duration word [confidence]``, in order of time,
comments begin with ``;;``. LibriSpeech's short form is a ``.alignment.txt`` a chapter: utterance,
"WORD,WORD,..", "END,END,..", silences as empty words. Times are in s from the recording's start.
"""

import itertools
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from wavegan_tf.corpora.clips import Problem, word_of
from wavegan_tf.errors import InputError
from wavegan_tf.paths import walk, warn_passed_over
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import DURATION_TOLERANCE_S, read_textgrid

TEXTGRID, CTM, SHORT = ".textgrid", ".ctm", ".alignment.txt"
UNREADABLE = "alignment unreadable"

_TIER = re.compile(r"(?:(?P<speaker>.*) - )?(?P<kind>word|phone)s?", re.DOTALL | re.IGNORECASE)
_SHORT_LINE = re.compile(r'(\S+) "([^"]*)" "([^"]*)"')

L = TypeVar("L")


class Track(NamedTuple):
    """What one speaker says in one utterance, in order of time."""

    utterance: str  # name of the recording without suffix; with folders, if it has its own file
    file: str  # of the alignment, below its root
    speaker: str  # as the alignment names the speaker, or empty
    words: list[Interval]  # labels as of word_of, silences left out
    phones: list[Interval] | None  # None where the alignment has none


def find_files(flag: str, folder: str | Path, suffixes: Sequence[str]) -> list[str]:
    """Finds the files of a folder and its sub-folders that end so, none hidden, links followed.

    Their paths are below the folder, separated by ``/``, and sorted.

    Raises:
        InputError: There is no such folder, it cannot be read, there is no such file in it, or a
            name is not UTF-8 and cannot stand in a table.
    """
    if not os.path.isdir(folder):
        found = "is a file" if os.path.exists(folder) else "does not exist"
        raise InputError(f"{flag}={folder}: {found}; give a folder")

    names, endings = list[str](), tuple(suffix.lower() for suffix in suffixes)
    passed_over: dict[str, str] = {}
    try:
        for here, files in walk(folder, passed_over):
            for name in files:
                if name.lower().endswith(endings):
                    names.append(Path(here, name).relative_to(folder).as_posix())
    except OSError as error:
        raise InputError(
            f"{flag}={folder}: {error.filename} cannot be read ({error.strerror}); check its rights"
        ) from None
    for name in names:
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError(f"{flag}={folder}: the name {name!a} is not UTF-8; rename the file")
    warn_passed_over(f"{flag}={folder}", passed_over)
    if not names:
        kinds = ", ".join(suffixes)
        raise InputError(f"{flag}={folder}: no file of {kinds}; give a folder with some")
    return sorted(names)


def find_alignments(path: str) -> tuple[str, list[str]]:
    """Finds a file of alignments, or those of a folder (:func:`find_files`); returns it first."""
    if os.path.isfile(path) and path.lower().endswith((TEXTGRID, CTM, SHORT)):
        return os.path.dirname(path) or ".", [os.path.basename(path)]
    return path, find_files("--alignments", path, (".TextGrid", CTM, SHORT))


def read_alignment(root: str, file: str) -> Iterator[Track | Problem]:
    """Reads a file of alignments, whatever its kind, below the root.

    First come tracks, those of an utterance one after the other, then problems of the file or of
    single lines, which are left out.
    """
    path, problems = os.path.join(root, file), list[Problem]()
    try:
        if file.lower().endswith(TEXTGRID):
            yield from _read_textgrid(path, file)
        else:
            read = _read_short if file.lower().endswith(SHORT) else _read_ctm
            yield from read(path, file, problems)
    except InputError as error:
        problems.append(Problem(UNREADABLE, file, str(error).removeprefix(path).lstrip(":, ")))
    except UnicodeDecodeError:
        problems.append(Problem(UNREADABLE, file, "not UTF-8; save it as UTF-8"))
    except OSError as error:
        problems.append(Problem(UNREADABLE, file, f"cannot be read ({error.strerror})"))
    yield from problems


def _read_textgrid(path: str, file: str) -> Iterator[Track]:
    """The tracks of a TextGrid, by speaker in the order of the tiers."""
    grid = read_textgrid(path)
    if abs(grid.start_s) > DURATION_TOLERANCE_S:
        raise InputError(f"begins at {grid.start_s:g} s; its times must count from the recording's")
    tiers: dict[tuple[str, str], list[Interval]] = {}
    for tier in grid.tiers:
        if match := _TIER.fullmatch(tier.name.strip()):
            key = (match["speaker"] or "", match["kind"].lower())
            if key in tiers:
                raise InputError(f"two tiers '{tier.name}'; rename or remove one")
            tiers[key] = tier.intervals
    speakers = [speaker for speaker, kind in tiers if kind == "word"]
    if not speakers:
        names = ", ".join(tier.name for tier in grid.tiers) or "none"
        raise InputError(f"no tier 'words' or 'SPEAKER - words', but {names}")
    for speaker in speakers:
        phones = tiers.get((speaker, "phone"))
        if phones is not None:
            phones = [x._replace(label=x.label.strip()) for x in phones if word_of(x.label)]
        words = _words(tiers[speaker, "word"])
        yield Track(file[: -len(TEXTGRID)], file, speaker, words, phones)


def _words(intervals: Iterable[Interval]) -> list[Interval]:
    named = (interval._replace(label=word_of(interval.label)) for interval in intervals)
    return [interval for interval in named if interval.label]


def _read_lines(
    path: str, file: str, problems: list[Problem], parse: Callable[[str], L]
) -> Iterator[L]:
    """What is parsed of the lines of a table, one by one: it may be large."""
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                if line.strip() and not line.lstrip().startswith(";;"):
                    yield parse(line.strip())
            except InputError as error:
                problems.append(Problem(UNREADABLE, file, f"line {number}: {error}"))


def _read_ctm(path: str, file: str, problems: list[Problem]) -> Iterator[Track]:
    before: tuple[str, float] = "", 0.0

    def parse(line: str) -> tuple[str, Interval]:
        nonlocal before
        fields = line.split()
        if len(fields) not in (5, 6):
            raise InputError(
                f"{len(fields)} fields, not 5 or 6: utterance channel start duration word "
                "[confidence]"
            )
        if len(fields) == 6 and fields[5] not in ("NA", "-"):
            _number("confidence", fields[5])
        start_s, lasting_s = _number("start", fields[2]), _number("duration", fields[3])
        if start_s < 0 or lasting_s <= 0:
            raise InputError(f"{start_s:g} s, for {lasting_s:g} s: not a stretch of time")
        if fields[0] == before[0] and start_s <= before[1]:  # as those of a second channel
            raise InputError("not after the word before it")
        before = fields[0], start_s
        return fields[0], Interval(fields[4], start_s, start_s + lasting_s)

    rows = _read_lines(path, file, problems, parse)
    for utterance, words in itertools.groupby(rows, key=lambda row: row[0]):
        yield Track(utterance, file, "", _words(word for _, word in words), None)


def _number(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"the {name} {text[:20]!r} is not a number")
    return value


def _read_short(path: str, file: str, problems: list[Problem]) -> Iterator[Track]:
    def parse(line: str) -> Track:
        match = _SHORT_LINE.fullmatch(line)
        labels, ends = (match[2].split(","), match[3].split(",")) if match else ([], [])
        if not match or len(labels) != len(ends):
            raise InputError('not UTTERANCE "WORD,WORD,.." "END,END,..", a time a word')
        edges = [0.0, *(_number("time", text) for text in ends)]
        words = _words(map(Interval, labels, edges[:-1], edges[1:]))
        if edges != sorted(edges) or any(word.end_s == word.start_s for word in words):
            raise InputError("times that go back, or a word without duration")
        return Track(f"{os.path.dirname(file)}/{match[1]}".lstrip("/"), file, "", words, None)

    yield from _read_lines(path, file, problems, parse)
