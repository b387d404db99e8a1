"""TIMIT (LDC93S1) as it is distributed: its tree, its phones and its words.

``TRAIN/DR1/FCJF0/SA1.WAV``, ``.PHN``, ``.WRD``: split, dialect region, speaker (the first letter is
the sex), sentence; names in upper or in lower case. Spans are in samples at 16000 Hz. Plain Python.
"""

import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from wavegan_tf.corpora.timit.patterns import LABELS
from wavegan_tf.errors import InputError

SAMPLE_RATE_HZ = 16000
SPLITS = ("train", "test")
NUM_SENTENCES = 6300
KINDS = ("WAV", "PHN", "WRD")
"""Of files that a sentence needs."""

_DIALECT = re.compile(r"dr[1-8]", re.IGNORECASE)
_SPEAKER = re.compile(r"[fm][a-z]{3}\d", re.IGNORECASE)
_SENTENCE = re.compile(r"s[aix]\d+", re.IGNORECASE)
_SUFFIXES = (["WAV"], ["WAV", "WAV"], ["PHN"], ["WRD"])
_DEPTH = 3  # how far below --timit_dir TRAIN and TEST are looked for


class Span(NamedTuple):
    """A labelled stretch: the samples ``start`` .. ``end`` - 1."""

    label: str
    start: int
    end: int


class Sentence(NamedTuple):
    """A sentence and its files, which are paths below the tree's root, with ``/``.

    Attributes:
        split: ``train`` or ``test``.
        dialect: ``DR1`` .. ``DR8``.
        speaker: Such as ``FCJF0``.
        name: Such as ``SX37``.
        files: Path by kind: ``WAV``, ``PHN``, ``WRD``; of several of a kind the first.
    """

    split: str
    dialect: str
    speaker: str
    name: str
    files: dict[str, str]

    @property
    def is_sa(self) -> bool:
        """Whether it is one of the two sentences that every speaker reads."""
        return self.name.startswith("SA")


class Transcription(NamedTuple):
    """What is said in a sentence.

    Attributes:
        phones: Spans without gaps; a stretch that .PHN leaves out has the label ``""``.
        words: Spans, which may share phones.
        owners: Of each phone the indices of the words whose span holds its middle.
    """

    phones: list[Span]
    words: list[Span]
    owners: list[tuple[int, ...]]


def find_root(timit_dir: str) -> str:
    """The folder that holds TRAIN and TEST: the one given, or the one such folder below it.

    Raises:
        InputError: There is none, or more than one.
    """
    if os.path.isfile(timit_dir):
        raise InputError(f"--timit_dir={timit_dir}: is a file; give the folder of TIMIT's tree")
    if not os.path.isdir(timit_dir):
        raise InputError(f"--timit_dir={timit_dir}: no such folder; give the one of TIMIT's tree")
    found, level = [], [timit_dir]
    for _ in range(_DEPTH):
        found = [folder for folder in level if _splits_of(folder)]
        if found:
            break
        level = [path for folder in level for path in _folders(folder).values()]
    if not found:
        raise InputError(
            f"--timit_dir={timit_dir}: not TIMIT's tree; give the folder with TRAIN and TEST, in "
            "which are DR1 .. DR8, their speakers (FCJF0) and sentences (SA1.WAV, .PHN, .WRD)"
        )
    if len(found) > 1:
        raise InputError(
            f"--timit_dir={timit_dir}: TIMIT's tree more than once: {', '.join(found)}; give one"
        )
    return found[0]


def find_sentences(root: str, splits: Iterable[str]) -> list[Sentence]:
    """Lists the sentences of a tree, sorted by split, dialect, speaker and name.

    A sentence is what has any of its files; hidden files and others are passed over.

    Raises:
        InputError: A split is missing or has no sentences, or a speaker is there twice.
    """
    sentences, homes = [], {}
    there = _splits_of(root)
    for split in splits:
        if split not in there:
            raise InputError(
                f"--splits={split}: {root} has no {split.upper()} with DR1 .. DR8 in it; it has "
                f"{', '.join(there)}: name these alone"
            )
        before = len(sentences)
        for dialect, dialect_dir in _folders(there[split], _DIALECT).items():
            for speaker, speaker_dir in _folders(dialect_dir, _SPEAKER).items():
                if homes.setdefault(speaker, speaker_dir) != speaker_dir:
                    raise InputError(
                        f"speaker {speaker} is in {homes[speaker]} and in {speaker_dir}; TIMIT has "
                        "each once: leave one out of the tree"
                    )
                for name, files in _sentence_files(root, speaker_dir).items():
                    sentences.append(Sentence(split, dialect, speaker, name, files))
        if len(sentences) == before:
            raise InputError(
                f"--splits={split}: {there[split]} has no sentence such as DR1/FCJF0/SA1.PHN"
            )
    return sentences


def _splits_of(folder):
    """The folders of a tree's splits by name, if it is one."""
    folders = _folders(folder)
    names = [name for name in SPLITS if name.upper() in folders]
    return {n: folders[n.upper()] for n in names if _folders(folders[n.upper()], _DIALECT)}


def _folders(folder, pattern=None):
    """Paths of the sub-folders by upper-case name, in order of it."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        wanted = pattern.fullmatch(name) if pattern else not name.startswith(".")
        if wanted and os.path.isdir(path):
            found.setdefault(name.upper(), path)
    return dict(sorted(found.items()))


def _sentence_files(root, folder):
    """Files of each sentence of a speaker by kind, in order of names.

    ``SA1.WAV`` goes before a copy of it such as ``SA1.WAV.wav``.
    """
    found = {}
    for name in sorted(os.listdir(folder), key=lambda name: (name.count("."), name)):
        parts = name.upper().split(".")
        if not _SENTENCE.fullmatch(parts[0]) or parts[1:] not in _SUFFIXES:
            continue
        path = os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")
        found.setdefault(parts[0], {}).setdefault(parts[1], path)
    return dict(sorted(found.items()))


def read_transcription(root: str, sentence: Sentence) -> Transcription:
    """Reads .PHN and .WRD of a sentence.

    Raises:
        InputError: One of its three files is missing, or a transcription cannot be read: a line
            that is not ``start end label``, a span that ends before it starts, a label that is none
            of TIMIT's, or phones that overlap or go backwards.
    """
    missing = [kind for kind in KINDS if kind not in sentence.files]
    if missing:
        raise InputError(
            f"no .{' and no .'.join(missing)} beside {', '.join(sorted(sentence.files.values()))}"
        )
    phones, end = [], None
    for number, phone in _read_spans(root, sentence.files["PHN"]):
        where = f"{sentence.files['PHN']}, line {number}: {phone.label} {phone.start} {phone.end}"
        if phone.label not in LABELS:
            raise InputError(f"{where}: none of TIMIT's 61 labels")
        if end is not None and phone.start < end:
            raise InputError(f"{where}: starts before the phone before it ends, at {end}")
        if end is not None and phone.start > end:
            phones.append(Span("", end, phone.start))
        phones.append(phone)
        end = phone.end
    words = [span for _, span in _read_spans(root, sentence.files["WRD"])]
    words = [word._replace(label=word.label.lower()) for word in words]
    return Transcription(phones, words, _owners(phones, words))


def _owners(phones, words):
    """Of each phone the indices of the words that hold its middle."""
    return [
        tuple(
            i
            for i, word in enumerate(words)
            if 2 * word.start <= phone.start + phone.end < 2 * word.end
        )
        for phone in phones
    ]


def _read_spans(root, name):
    """Line numbers and spans of a .PHN or .WRD."""
    try:
        with open(os.path.join(root, name), encoding="latin-1") as file:
            lines = [
                (number, line.strip().split(None, 2)) for number, line in enumerate(file, start=1)
            ]
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    spans = []
    for number, fields in lines:
        if not fields:
            continue
        if len(fields) < 3 or not (fields[0].isdecimal() and fields[1].isdecimal()):
            raise InputError(
                f"{name}, line {number}: {' '.join(fields)[:40]!r}, not START END LABEL"
            )
        span = Span(fields[2], int(fields[0]), int(fields[1]))
        if span.end <= span.start:
            raise InputError(
                f"{name}, line {number}: {span.label} {span.start} {span.end}: ends where it "
                "starts, or before"
            )
        spans.append((number, span))
    if not spans:
        raise InputError(f"{name}: empty")
    return spans
