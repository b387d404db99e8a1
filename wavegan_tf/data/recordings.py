"""Recordings for the classifiers: found, named and cut as training does it.

What ``probe.py --network=q|discriminator --wav_dir=DIR`` puts in.
"""

import logging
import os
import re
from typing import NamedTuple

import numpy as np

from wavegan_tf.data import audio
from wavegan_tf.data.preflight import AUDIO_SUFFIXES, SILENCE, find_files, printable
from wavegan_tf.errors import InputError

WORD_PATTERN = r"([^/_.]+)[^/]*$"
"""The default of ``--word``: the file name up to its first ``_`` or ``.``."""

_log = logging.getLogger("wavegan_tf")


class Recording(NamedTuple):
    """A recording as a classifier reads it.

    Attributes:
        samples: float32 [slice_len, num_channels].
        duration_s: Of the whole recording.
        notes: What one should know of it, in words: that it was resampled, mixed or cut.
    """

    samples: np.ndarray
    duration_s: float
    notes: list[str]


def find_recordings(wav_dir: str) -> list[str]:
    """Lists the audio files of a folder and its sub-folders, of the formats that training reads.

    A file counts if it begins like one of them or if its suffix promises audio: one that promises
    and does not hold is for `load_recording` to refuse. Others - texts, TextGrids - and hidden ones
    are left out; the log says how many.

    Args:
        wav_dir: The folder.

    Returns:
        Paths below the folder, sorted, at least one.

    Raises:
        InputError: There is no such folder, it cannot be read, or it has no audio.
    """
    try:
        paths = find_files(wav_dir)
    except InputError as error:
        raise InputError(str(error).replace("--data_dir=", "--wav_dir=", 1)) from error
    found = [path for path in paths if _may_be_audio(path)]
    if not found:
        raise InputError(
            f"--wav_dir={wav_dir}: none of its {len(paths)} files is audio; give a folder of WAV, "
            "AIFF, NIST SPHERE, FLAC, MP3 or OGG files"
        )
    if len(found) < len(paths):
        _log.info(
            "--wav_dir=%s: %d of %d files are not audio, left out",
            wav_dir,
            len(paths) - len(found),
            len(paths),
        )
    return [os.path.relpath(path, wav_dir) for path in found]


def _may_be_audio(path):
    if os.path.splitext(path)[1].lower() in AUDIO_SUFFIXES:
        return True
    try:
        audio.decode(path)
    except audio.UnknownFormatError:
        return False
    except InputError:
        pass  # of a known format
    return True


def load_recording(path: str, config) -> Recording:
    """Reads a recording as training with --data_first_slice does.

    Resampled, its channels averaged or copied, scaled as a whole to a peak of one (`audio.load`);
    then the first slice, zeros after the end of a shorter one.

    Args:
        path: Of a format that `audio.decode` reads.
        config: A ModelConfig, or what else has ``slice_len``, ``sample_rate`` and ``num_channels``.

    Returns:
        The recording.

    Raises:
        InputError: The recording cannot be used - unreadable, silent - and why.
    """
    samples, facts = audio.load(
        path,
        sample_rate_hz=config.sample_rate,
        num_channels=config.num_channels,
        peak_normalize=True,
    )
    slice_s = config.slice_len / config.sample_rate
    notes = []
    if facts.rate_hz < config.sample_rate:
        notes.append(
            f"resampled from {facts.rate_hz} Hz: nothing above {facts.rate_hz / 2:g} Hz is in it"
        )
    elif facts.rate_hz > config.sample_rate:
        notes.append(f"resampled from {facts.rate_hz} Hz")
    if facts.channels > config.num_channels:
        notes.append(f"the mean of {facts.channels} channels")
    elif facts.channels < config.num_channels:
        notes.append(f"one channel copied to {config.num_channels}")
    first = samples[: config.slice_len]
    if len(samples) > config.slice_len:
        notes.append(f"longer than a slice: the first {slice_s:.4g} s are used")
    if facts.level < SILENCE or first.std(dtype=np.float64) < SILENCE:
        where = "" if facts.level < SILENCE else f" in its first {slice_s:.4g} s"
        raise InputError(f"{path}: silent{where} (RMS below {20 * np.log10(SILENCE):.0f} dB)")
    padded = np.zeros([config.slice_len, config.num_channels], np.float32)
    padded[: len(first)] = first
    return Recording(padded, facts.duration_s, notes)


def word_of(relative_path: str, pattern: str = WORD_PATTERN) -> str:
    """The word that a recording is of, by its name.

    Args:
        relative_path: Of `find_recordings`; sub-folders are separated by ``/`` for the pattern.
        pattern: A regular expression with one group, the word, searched for in the path. The
            default makes ``0`` of ``george/0_george_3.wav``; ``([^/]+)/[^/]*$`` makes ``george``.

    Returns:
        The word; "" if the pattern does not match.

    Raises:
        InputError: The pattern is no regular expression or has not one group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"--word={printable(pattern)}: not a regular expression ({error}); the default is "
            f"--word='{WORD_PATTERN}'"
        ) from None
    if compiled.groups != 1:
        raise InputError(
            f"--word={printable(pattern)}: has {compiled.groups} groups; put round brackets around "
            f"the word and (?: ) around all else, as in '{WORD_PATTERN}'"
        )
    match = compiled.search(relative_path.replace(os.sep, "/"))
    return (match[1] or "") if match else ""
