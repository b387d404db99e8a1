"""Alignments: when which word was said, from TextGrids, CTM tables and LibriSpeech's short form.

TextGrids as the Montreal Forced Aligner writes them: tiers ``words`` and ``phones``, or where
several speak ``SPEAKER - words`` and ``SPEAKER - phones``; ``word`` and ``phone`` (P2FA, FAVE) mean
the same. CTM: NIST's time-marked conversation files, ``utterance channel start duration word
[confidence]``, a line a word in order of time, comments begin with ``;;``. LibriSpeech's short form
is a ``.alignment.txt`` a chapter: utterance, "WORD,WORD,..", "END,END,..", silences as empty words.
All times are in s from the start of the recording.
"""

import math
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from wavegan_tf.analysis import textgrid
from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.errors import InputError

TEXTGRID, CTM, SHORT = ".textgrid", ".ctm", ".alignment.txt"
SUFFIXES = (TEXTGRID, CTM, SHORT)

NO_WORDS = frozenset(("", "sil", "sp", "spn", "!sil"))
"""Labels of silence and noise, in lower case. So is whatever stands in brackets: ``<eps>``,
``<unk>``, ``<cutoff-gue>``, ``[laughter]``, ``{LG}``."""

_BRACKETED = re.compile(r"<.*>|\[.*\]|\{.*\}", re.DOTALL)
_TIER = re.compile(r"(?:(?P<speaker>.*) - )?(?P<kind>word|phone)s?", re.DOTALL | re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SHORT_LINE = re.compile(r'(\S+) "([^"]*)" "([^"]*)"')


class Track(NamedTuple):
    """What one speaker says in one utterance.

    Attributes:
        utterance: Name of the recording without suffix; with its folders where the alignment is a
            file of its own, separated by ``/``.
        file: The alignment's file, below its root.
        speaker: As the alignment names the speaker, or empty.
        words: In order of time; labels normalised by `word_of`, silences left out.
        phones: In order of time, or None where the alignment has none.
    """

    utterance: str
    file: str
    speaker: str
    words: list[Interval]
    phones: list[Interval] | None


class Problem(NamedTuple):
    """Something that could not be used: its kind, the file, and why."""

    kind: str
    file: str
    detail: str


UNREADABLE = "alignment unreadable"


def word_of(label: str) -> str:
    """The word that a label stands for: NFC, lower case, no white space around; empty for none."""
    text = unicodedata.normalize("NFC", label).strip().lower()
    return "" if text in NO_WORDS or _BRACKETED.fullmatch(text) else text


def find_alignments(path: str | Path) -> tuple[str, list[str]]:
    """Finds files of alignments.

    Args:
        path: One file, or a folder, sub-folders included; hidden ones are passed over.

    Returns:
        (root, files): the folder, and the files' paths below it, separated by ``/``, sorted.

    Raises:
        InputError: There is no such file or folder, or none of a known suffix.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"--alignments={path}: does not exist; give a file or folder")
    if path.is_file():
        root, files = path.parent, [path.name]
    else:
        root, files = path, list(walk("--alignments", path))
    found = sorted(name for name in files if name.lower().endswith(SUFFIXES))
    if not found:
        raise InputError(
            f"--alignments={path}: no alignment; give TextGrids (.TextGrid), .ctm or LibriSpeech's "
            ".alignment.txt, or a folder of them"
        )
    return str(root), check_names("--alignments", root, found)


def walk(flag: str, folder: str | Path) -> Iterator[str]:
    """Yields the files of a folder and its sub-folders, hidden ones left out: paths with ``/``.

    Raises:
        InputError: There is no such folder, or it cannot be read; the flag is named.
    """
    if not os.path.isdir(folder):
        found = "is a file" if os.path.exists(folder) else "does not exist"
        raise InputError(f"{flag}={folder}: {found}; give a folder")

    def refuse(error):
        raise InputError(
            f"{flag}={folder}: {error.filename} cannot be read ({error.strerror}); check its rights"
        ) from None

    for here, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(here).relative_to(folder)
        yield from ((below / name).as_posix() for name in names if not name.startswith("."))


def check_names(flag: str, folder: str | Path, names: list[str]) -> list[str]:
    """Passes names of files on, unless one is not UTF-8 and cannot stand in a table.

    Raises:
        InputError: One is not; the flag is named.
    """
    for name in names:
        if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InputError(f"{flag}={folder}: the name {name!a} is not UTF-8; rename the file")
    return names


def read_alignment(root: str, file: str) -> Iterator[Track | Problem]:
    """Reads a file of alignments, whatever its kind.

    Args:
        root: The folder that `find_alignments` gave.
        file: One of its files.

    Yields:
        Tracks, those of an utterance one after the other; problems of the file or of single lines,
        which are left out.
    """
    read = {TEXTGRID: _read_textgrid, CTM: _read_ctm, SHORT: _read_short}
    kind = next(suffix for suffix in SUFFIXES if file.lower().endswith(suffix))
    path = os.path.join(root, file)
    try:
        yield from read[kind](path, file)
    except InputError as error:
        yield Problem(UNREADABLE, file, str(error).removeprefix(path).lstrip(":, "))
    except UnicodeDecodeError:
        yield Problem(UNREADABLE, file, "not UTF-8; save it as UTF-8")
    except OSError as error:
        yield Problem(UNREADABLE, file, f"cannot be read ({error.strerror})")


def _read_textgrid(path, file):
    """The tracks of a TextGrid, by speaker in the order of the tiers."""
    grid = textgrid.read(path)
    if abs(grid.start_s) > textgrid.DURATION_TOLERANCE_S:
        raise InputError(f"begins at {grid.start_s:g} s; its times must count from the recording's")
    tiers, names = {}, [tier.name for tier in grid.tiers]
    for tier in grid.tiers:
        match = _TIER.fullmatch(tier.name.strip())
        if match:
            key = (match["speaker"] or "", match["kind"].lower())
            if key in tiers:
                raise InputError(f"two tiers '{tier.name}'; rename or remove one")
            tiers[key] = tier.intervals
    speakers = [speaker for speaker, kind in tiers if kind == "word"]
    if not speakers:
        raise InputError(f"no tier 'words' or 'SPEAKER - words', but {', '.join(names) or 'none'}")
    for speaker in speakers:
        words = _words(tiers[speaker, "word"])
        phones = tiers.get((speaker, "phone"))
        if phones is not None:
            phones = [x._replace(label=x.label.strip()) for x in phones if word_of(x.label)]
        yield Track(file[: -len(TEXTGRID)], file, speaker, words, phones)


def _words(intervals):
    named = (interval._replace(label=word_of(interval.label)) for interval in intervals)
    return [interval for interval in named if interval.label]


def _read_ctm(path, file):
    """The tracks of a CTM, whose lines are read one by one: it may be large."""
    utterance, channels, words = None, set(), []
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            fields = line.split()
            if not fields or line.lstrip().startswith(";;"):
                continue
            try:
                word = _ctm_word(fields)
            except InputError as error:
                yield Problem(UNREADABLE, file, f"line {number}: {error}")
                continue
            if fields[0] != utterance:
                yield from _ctm_track(file, utterance, channels, words)
                utterance, channels, words = fields[0], set(), []
            if words and word.start_s <= words[-1].start_s and channels == {fields[1]}:
                yield Problem(UNREADABLE, file, f"line {number}: not after the word before it")
                continue
            channels.add(fields[1])
            words.append(word)
    yield from _ctm_track(file, utterance, channels, words)


def _ctm_word(fields):
    """The interval of a line's fields."""
    if len(fields) not in (5, 6):
        raise InputError(
            f"{len(fields)} fields, not 5 or 6: utterance channel start duration word [confidence]"
        )
    for name, text in (("start", fields[2]), ("duration", fields[3])):
        if not _NUMBER.fullmatch(text):
            raise InputError(f"the {name} {text[:20]!r} is not a number of s")
    if len(fields) == 6 and fields[5] not in ("NA", "-") and not _NUMBER.fullmatch(fields[5]):
        raise InputError(f"the confidence {fields[5][:20]!r} is no number: is the word in parts?")
    start_s, duration_s = float(fields[2]), float(fields[3])
    if not (start_s >= 0 and duration_s > 0 and math.isfinite(start_s + duration_s)):
        raise InputError(f"start {start_s:g} s, duration {duration_s:g} s: not a stretch of time")
    return Interval(fields[4], start_s, start_s + duration_s)


def _ctm_track(file, utterance, channels, words):
    """The track of lines that belong together, if there are any."""
    if len(channels) > 1:
        detail = (
            f"{utterance} has words of channels {', '.join(sorted(channels))}, but channels are "
            "averaged; make a recording of each"
        )
        yield Problem(UNREADABLE, file, detail)
    elif utterance is not None:
        yield Track(utterance, file, "", _words(words), None)


def _read_short(path, file):
    """The tracks of a LibriSpeech ``.alignment.txt``."""
    folder = os.path.dirname(file)
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                utterance, words = _short_words(line.strip())
            except InputError as error:
                yield Problem(UNREADABLE, file, f"line {number}: {error}")
                continue
            yield Track(f"{folder}/{utterance}".lstrip("/"), file, "", words, None)


def _short_words(line):
    """Utterance and words of a line."""
    match = _SHORT_LINE.fullmatch(line)
    if not match:
        raise InputError('not UTTERANCE "WORD,WORD,.." "END,END,.."')
    labels, ends = match[2].split(","), match[3].split(",")
    if len(labels) != len(ends):
        raise InputError(f"words and times differ in number: {len(labels)} and {len(ends)}")
    bad = [text for text in ends if not _NUMBER.fullmatch(text)]
    if bad:
        raise InputError(f"the time {bad[0][:20]!r} is not a number of s")
    edges = [0.0, *map(float, ends)]
    spans = [Interval(*x) for x in zip(labels, edges[:-1], edges[1:], strict=True)]
    words = _words(spans)
    if any(span.end_s < span.start_s for span in spans) or not math.isfinite(edges[-1]):
        raise InputError("times that go back")
    if any(word.end_s == word.start_s for word in words):
        raise InputError("a word without duration")
    return match[1], words
