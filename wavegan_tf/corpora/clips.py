"""A corpus on disk: a 16-bit WAV and a TextGrid of each clip, and one manifest of all."""

import functools
import hashlib
import itertools
import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.io import wavfile

from wavegan_tf.errors import InputError
from wavegan_tf.output.files import write_table
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import TextGrid, Tier, write_textgrid
from wavegan_tf.texts import read_text

CLIPS = "clips"  # folder of the clips, which is replaced as a whole where a corpus is written again
FULL_SCALE = 32768
SAMPLE_RATE_HZ = 16000  # of TIMIT, of the papers' models, and of every clip

CUT_COLUMNS = (
    "pattern word phones start_sample end_sample source speaker sex dialect split sentence".split()
)
"""Of the manifest of clips cut from recordings: what, and where from. Samples are at the rate of
the ``source``, a path below the corpus's root; what a corpus does not say is empty."""

_NO_SOUND = re.compile(r"|sil|sp|spn|!sil|<.*>|\[.*\]|\{.*\}", re.DOTALL | re.IGNORECASE)
_APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ´`′＇"), "'")
_NO_LETTERS = "Pc Pd Ps Pe Pi Pf Po Zs Zl Zp Cc Cf".split()  # punctuation, spaces, controls
_DEVICE = re.compile(r"con|prn|aux|nul|(com|lpt)[1-9¹²³]")  # Windows takes no file of these names
_LONGEST_NAME = 240  # bytes, of a file's name without number and suffix; systems take 255


class Clip(NamedTuple):
    """A stretch of speech to train on."""

    name: str  # path below clips/, without a suffix; folders separated by /
    samples: np.ndarray  # float [time] at 16 kHz, full scale at 1
    tiers: list[Tier]  # in s from its start
    row: dict[str, object]  # what the manifest says of it, the same columns for every clip


class Problem(NamedTuple):
    """Something that could not be used: its kind, the file, and why."""

    problem: str
    file: str
    detail: str


def write_corpus(directory: str | Path, clips: Iterable[Clip]) -> int:
    """Writes clips as they come, then ``manifest.csv``; returns how many (of none: nothing).

    Names that are too long are shortened, and those of several clips numbered: a, a-2.
    """
    rows = []
    for clip in clips:
        short = name = "/".join(map(short_name, clip.name.split("/")))
        numbers = itertools.count(2)
        while os.path.exists(Path(directory, CLIPS, f"{name}.wav")):
            name = f"{short}-{next(numbers)}"
        stem = Path(directory, CLIPS, name)
        stem.parent.mkdir(parents=True, exist_ok=True)
        duration_s = len(clip.samples) / SAMPLE_RATE_HZ
        wavfile.write(f"{stem}.wav", SAMPLE_RATE_HZ, to_pcm16(clip.samples))
        write_textgrid(f"{stem}.TextGrid", TextGrid(0.0, duration_s, clip.tiers))
        rows.append((f"{CLIPS}/{name}.wav", duration_s, *clip.row.values()))
    if rows:
        manifest = pd.DataFrame(rows, columns=["file", "duration_s", *clip.row])
        write_table(Path(directory, "manifest.csv"), manifest)
    return len(rows)


def make_tier(name: str, spans: Iterable[tuple[str, int, int]], start: int, end: int) -> Tier:
    """Makes a tier of a clip of samples start .. end - 1, in s from its start.

    Of spans (label, first sample, the one after the last) stays what no span before it has taken.
    """
    placed: list[tuple[str, int, int]] = []
    for label, first, last in spans:
        first, last = max(first, start), min(last, end)
        for _, begin, stop in placed:
            if first < stop and begin < last:
                first, last = (first, begin) if first < begin else (stop, last)
        if first < last:
            placed.append((label, first, last))
    placed.sort(key=lambda span: span[1])
    edges = ((x, (a - start) / SAMPLE_RATE_HZ, (b - start) / SAMPLE_RATE_HZ) for x, a, b in placed)
    return Tier(name, [Interval(*edge) for edge in edges])


def write_problems(directory: str, problems: list[Problem]) -> list[str]:
    """Writes ``problems.csv`` and returns its summary."""
    write_table(f"{directory}/problems.csv", pd.DataFrame(problems, columns=Problem._fields))
    return summarise(problems, ", all in problems.csv")


def summarise(problems: Iterable[Problem], where: str = "") -> list[str]:
    """Writes a line for each kind of problem: how many, where they stand, the first three."""
    kinds: dict[str, list[str]] = {}
    for kind, file, detail in problems:
        kinds.setdefault(kind, []).append(f"{file}: {detail}")
    return [f"{kind}: {len(x)}{where}; {' | '.join(x[:3])}" for kind, x in kinds.items()]


def safe_name(text: str) -> str:
    """Writes a word as the name of a file or folder on any system.

    Letters and the marks on them, digits, apostrophes, hyphens and underscores stay; anything else
    is written as in addresses: ``24/7`` is ``24%2F7``. What Windows reserves, and no text at all,
    ends in ``_``.
    """
    name = "".join(
        c
        if c in "'-_" or unicodedata.category(c)[0] in "LMN"
        else "".join(f"%{byte:02X}" for byte in c.encode())
        for c in text
    )
    return f"{name}_" if _DEVICE.fullmatch(name.lower()) or not name else name


def short_name(name: str) -> str:
    """Shortens the name of a file that systems would not take; a hash tells it from others."""
    data = name.encode()
    if len(data) <= _LONGEST_NAME:
        return name
    whole = hashlib.blake2b(data, digest_size=4).hexdigest()
    kept = data[: _LONGEST_NAME - 9].decode(errors="ignore")
    return f"{re.sub('%.?$', '', kept)}-{whole}"


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Makes 16-bit integers of samples; what lies outside full scale, 1, is clipped."""
    scaled = np.round(np.asarray(samples, np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def phone_of(label: str) -> str:
    """Returns the phone that a label stands for, stripped; empty for silence and noise."""
    text = label.strip()
    return "" if _NO_SOUND.fullmatch(text) else text


@functools.lru_cache(1 << 16)
def word_of(label: str) -> str:
    """Returns the word that a label stands for; empty for none, such as a lone full stop.

    NFC, lower case, stripped, and with one kind of apostrophe.
    """
    text = unicodedata.normalize("NFC", phone_of(label)).lower().translate(_APOSTROPHES)
    if any(c in "&%" or unicodedata.category(c) not in _NO_LETTERS for c in text):
        return text
    return ""


def read_words(text: str, name: Callable[[str], str] = word_of) -> list[str]:
    """Reads the words that a user lists: ``water,year``, or the path of a file of a word a line.

    ``name`` says which word a text stands for, as in the alignments.

    Raises:
        InputError: There is no such file, there is no word, one is no word, or one is there twice.
    """
    listed = text.split(",")
    if os.path.isfile(text):
        listed = read_text(text).splitlines()
    elif "/" in text or text.lower().endswith(".txt"):
        raise InputError(
            f"--words={text}: there is no such file; give a file with one word in each line, or "
            "water,year"
        )
    found: list[str] = []
    for item in filter(None, map(str.strip, listed)):
        word = name(item)
        if not word or word in found:
            what = "twice" if word else "no word, but silence, noise or punctuation"
            raise InputError(f"--words={text}: '{item}' is {what}; list different words")
        found.append(word)
    if not found:
        raise InputError(
            f"--words={text}: names no word; give water,year or a file with one word in each line"
        )
    return found
