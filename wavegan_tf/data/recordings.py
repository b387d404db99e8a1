"""Recordings that Q and the discriminator hear: found, named and cut as training does it."""

import logging
import os
import re
from typing import Any, NamedTuple

import numpy as np

from wavegan_tf.data import audio
from wavegan_tf.data.preflight import AUDIO_SUFFIXES, SILENCE, printable
from wavegan_tf.errors import InputError
from wavegan_tf.paths import find_files

WORD_PATTERN = r"([^/_.]+)[^/]*$"  # the default of --word: the file name up to its first _ or .


class FirstSlice(NamedTuple):
    """The beginning of a recording, as a classifier hears it."""

    samples: np.ndarray  # float32 [slice_len, num_channels]
    duration_s: float  # of the whole recording
    notes: list[str]  # that it was resampled, mixed or cut, in words


def find_recordings(wav_dir: str, flag: str = "--wav_dir") -> list[str]:
    """Lists the audio files of a folder and its sub-folders: paths below it, sorted, at least one.

    A file counts if it begins like one of a known format, or if its suffix promises audio. The
    ``flag`` is that which gave the folder.

    Raises:
        InputError: There is no such folder, it cannot be read, or it has no audio.
    """
    paths = find_files(flag, wav_dir)
    suffixes = tuple(AUDIO_SUFFIXES)
    found = [path for path in paths if path.lower().endswith(suffixes) or audio.is_audio(path)]
    if not found:
        raise InputError(
            f"{flag}={wav_dir}: none of its {len(paths)} files is audio; give a folder of WAV, "
            "AIFF, NIST SPHERE, FLAC, MP3, OGG, M4A, AMR or WMA files"
        )
    if others := len(paths) - len(found):
        logging.getLogger("wavegan_tf").info(
            "%s=%s: %d of %d files are not audio, left out", flag, wav_dir, others, len(paths)
        )
    return [os.path.relpath(path, wav_dir) for path in found]


def load_recording(path: str, config: Any) -> FirstSlice:
    """Reads a recording as training with --data_first_slice does, for a ModelConfig.

    Raises:
        InputError: The recording cannot be used - unreadable, silent - and why.
    """
    rate_hz, channels = config.sample_rate, config.num_channels
    samples, facts = audio.load(path, sample_rate_hz=rate_hz, num_channels=channels)
    slice_s = config.slice_len / rate_hz
    notes = [f"resampled from {facts.rate_hz} Hz"] if facts.rate_hz != rate_hz else []
    if facts.rate_hz < rate_hz:
        notes[0] += f": nothing above {facts.rate_hz / 2:g} Hz is in it"
    if facts.channels > channels:
        notes.append(f"the mean of {facts.channels} channels")
    elif facts.channels < channels:
        notes.append(f"one channel copied to {channels}")
    if facts.remark:
        notes.append(facts.remark)
    first = samples[: config.slice_len]
    if len(samples) > config.slice_len:
        notes.append(f"longer than a slice: the first {slice_s:.4g} s are used")
    if facts.level < SILENCE or first.std(dtype=np.float64) < SILENCE:
        where = "" if facts.level < SILENCE else f" in its first {slice_s:.4g} s"
        raise InputError(f"{path}: silent{where} (RMS below {20 * np.log10(SILENCE):.0f} dB)")
    padded = np.zeros([config.slice_len, channels], np.float32)
    padded[: len(first)] = first
    return FirstSlice(padded, facts.duration_s, notes)


def word_of(relative_path: str, pattern: str = WORD_PATTERN, flag: str = "--word") -> str:
    """Finds the word that a recording is of in its path below the folder; "" if there is none.

    The pattern is a regular expression with one group, the word. The default makes ``0`` of
    ``george/0_george_3.wav``; ``([^/]+)/[^/]*$`` makes ``george``.

    Raises:
        InputError: The pattern is no regular expression or has not one group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(
            f"{flag}={printable(pattern)}: not a regular expression ({error}); the default of "
            f"--word is '{WORD_PATTERN}'"
        ) from None
    if compiled.groups != 1:
        raise InputError(
            f"{flag}={printable(pattern)}: has {compiled.groups} groups; put round brackets around "
            f"the {flag[2:]} only, and (?: ) around other groups, as in '{WORD_PATTERN}'"
        )
    match = compiled.search(relative_path.replace(os.sep, "/"))
    return (match[1] or "") if match else ""
