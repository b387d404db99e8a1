"""A corpus on disk: a 16-bit WAV and a TextGrid of each clip, and one manifest of all.

Clips stand in a folder of their own, which is replaced as a whole where a corpus is written again.
"""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.io import wavfile

from wavegan_tf.analysis import textgrid
from wavegan_tf.errors import InputError
from wavegan_tf.report import tables

MANIFEST, CLIPS = "manifest.csv", "clips"
FULL_SCALE = 32768

_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789")]
)  # Windows takes no file of these names, whatever their suffix

CUT_COLUMNS = (
    "pattern word phones start_sample end_sample source speaker sex dialect split sentence".split()
)
"""Of the manifest of clips cut from recordings: what, and where from. Samples are at the rate of
the ``source``, a path below the corpus's root; what a corpus does not say is empty."""


class Clip(NamedTuple):
    """A stretch of speech to train on.

    Attributes:
        name: Path below ``clips/``, without a suffix; folders separated by ``/``.
        samples: float32 [time], within -1 .. 1. What was read from a 16-bit file and left as it is
            is written with the same numbers.
        sample_rate_hz: int.
        tiers: Interval tiers of the TextGrid, in s from the start of the clip.
        row: What the manifest says of it, by column.
    """

    name: str
    samples: np.ndarray
    sample_rate_hz: int
    tiers: list[textgrid.Tier]
    row: dict


def check_folder(out_dir: str, command: str) -> None:
    """Refuses a folder with the corpus of another tool, some of whose tables would stay.

    Args:
        out_dir: Where a corpus is to be written, with ``--overwrite`` perhaps over another.
        command: The tool's name, as ``config.json`` has it.

    Raises:
        InputError: The ``config.json`` there is of another command, or of none.
    """
    path = os.path.join(out_dir, "config.json")
    if os.path.isfile(path):
        found = tables.read_json(path).get("command")
        if found != command:
            raise InputError(
                f"--out_dir={out_dir}: holds what {found or 'another program'} made; name another"
            )


def write_corpus(directory: str | Path, clips: Iterable[Clip], columns: Iterable[str]) -> int:
    """Writes clips as they come to ``clips/``, and ``manifest.csv``.

    Args:
        directory: Where to; it exists.
        clips: Of different names.
        columns: Of the manifest, beside ``file`` (the WAV, relative to the manifest) and
            ``duration_s``; every clip's row has these and no others.

    Returns:
        The number of clips.
    """
    directory, number = Path(directory), 0
    with tables.TableWriter(directory / MANIFEST, ["file", "duration_s", *columns]) as manifest:
        for clip in clips:
            file = f"{CLIPS}/{clip.name}.wav"
            stem = directory / CLIPS / clip.name
            if os.path.exists(f"{stem}.wav"):
                raise ValueError(f"two clips are named {clip.name}")
            stem.parent.mkdir(parents=True, exist_ok=True)
            duration_s = len(clip.samples) / clip.sample_rate_hz
            wavfile.write(f"{stem}.wav", clip.sample_rate_hz, to_pcm16(clip.samples))
            grid = textgrid.TextGrid(0.0, duration_s, clip.tiers)
            textgrid.write(f"{stem}.TextGrid", grid)
            manifest.write([{"file": file, "duration_s": duration_s, **clip.row}])
            number += 1
    return number


def safe_name(text: str) -> str:
    """A word as the name of a file or folder on any system.

    Letters and the marks on them, digits, apostrophes, hyphens and underscores stay; anything else
    is written as in addresses: ``24/7`` is ``24%2F7``, ``mr.`` is ``mr%2E``. Different texts have
    different names, but for what Windows reserves (``con`` is ``con_``) and no text at all (``_``).
    """
    name = "".join(
        c if c in "'-_" or unicodedata.category(c)[0] in "LMN" else _quoted(c) for c in text
    )
    return f"{name}_" if name.lower() in _DEVICES or not name else name


def _quoted(character):
    """A character as the bytes of its UTF-8, ``%2F`` each."""
    return "".join(f"%{byte:02X}" for byte in character.encode())


def to_pcm16(samples: np.ndarray) -> np.ndarray:
    """Samples as 16-bit integers: full scale is 1; what lies outside is clipped.

    Args:
        samples: float [..].

    Returns:
        int16 [..].
    """
    scaled = np.round(np.asarray(samples, np.float64) * FULL_SCALE)
    return np.clip(scaled, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
