"""What is computed of every output of an intervention: levels, distances, what gains reach.

NumPy only.
"""

import math
from typing import NamedTuple

import numpy as np

FLOOR_DB = -100.0
"""Least level, re full scale: a sound 100 dB down is silent."""

SPECTRUM_WINDOW_S = 0.032
"""Hann window of the spectra that are compared, half of it between frames."""

SPECTRUM_RANGE_DB = 60.0
"""Spectra are compared as far down from the loudest point of a pair of outputs; what is weaker than
that in both counts as equal."""

GAINS_DB = range(-60, 61)
"""Gains at which the spectrum of an untouched output is compared; the least makes it silent."""

MEASURES = {"waveform": "1", "shape": "1", "spectrum": "dB²", "rms": "dB", "high": "dB"}
"""What is computed of every output, with its unit: see :func:`measure_outputs`."""

DISTANCES = ("waveform", "shape", "spectrum")
"""Measures that are distances from an output: never negative, so that a test of 0 says nothing."""


class Reference(NamedTuple):
    """What outputs are compared with; made by :func:`make_reference`.

    Attributes:
        sounds: float64 ``[batch, time, channels]``.
        spectra_db: their spectra, as :func:`_spectra_db` gives them.
        floor: least power of a point of a spectrum, ``[batch]``.
        rate_hz: of the sounds.
        split_hz: where the level above begins.
    """

    sounds: np.ndarray
    spectra_db: np.ndarray
    floor: np.ndarray
    rate_hz: float
    split_hz: float


def make_reference(
    sounds: np.ndarray, others: np.ndarray, rate_hz: float, split_hz: float
) -> Reference:
    """Prepare outputs for others to be compared with.

    Args:
        sounds: ``[batch, time, channels]``.
        others: the other end of the effect, likewise; the louder of both sets the range of level
            within which spectra are compared.
        rate_hz: of both.
        split_hz: see ``high`` of :func:`measure_outputs`.
    """
    sounds, others = (np.asarray(x, np.float64) for x in (sounds, others))
    peaks = [(np.abs(_spectra(x, rate_hz)) ** 2).max(axis=(1, 2, 3)) for x in (sounds, others)]
    floor = np.maximum(*peaks) * 10 ** (-SPECTRUM_RANGE_DB / 10)
    floor = np.maximum(floor, np.finfo(np.float64).tiny)
    return Reference(sounds, _spectra_db(sounds, rate_hz, floor), floor, rate_hz, split_hz)


def measure_outputs(sounds: np.ndarray, reference: Reference) -> dict[str, np.ndarray]:
    """Measure outputs, and how far they are from others.

    Args:
        sounds: ``[batch, time, channels]``, full scale 1.
        reference: as many outputs.

    Returns:
        By measure ``[batch]``: ``waveform``, the mean square of the difference from the reference
        (re full scale 1); ``shape``, 1 - r² with r the cosine between output and reference, at
        least 0: the part of the reference's power that this output does not explain at any gain,
        0 .. 1, so that no change of loudness alters it; ``spectrum``, the mean square of the
        difference of log spectra in dB² (32 ms Hann windows; what is over 60 dB below the loudest
        point is cut there); ``rms``, the level in dB re full scale, its mean subtracted; ``high``,
        the same of what is above ``split_hz``. Levels are -100 dB at least.
    """
    sounds = np.asarray(sounds, np.float64)
    spectra_db = _spectra_db(sounds, reference.rate_hz, reference.floor)
    n = sounds.shape[1]
    centred = sounds - sounds.mean(axis=1, keepdims=True)
    energy = np.abs(np.fft.rfft(centred, axis=1)) ** 2  # [batch, frequencies, channels]
    energy[:, 1 : (n + 1) // 2] *= 2  # for the negative frequencies
    power = energy.mean(axis=2) / n**2  # [batch, frequencies]
    high = np.fft.rfftfreq(n, 1 / reference.rate_hz) > reference.split_hz
    return {
        "waveform": np.mean((sounds - reference.sounds) ** 2, axis=(1, 2)),
        "shape": _unexplained((sounds,), reference.sounds),
        "spectrum": np.mean((spectra_db - reference.spectra_db) ** 2, axis=(1, 2, 3)),
        "rms": _level_db(power.sum(axis=1)),
        "high": _level_db(power[:, high].sum(axis=1)),
    }


def scaled_distances(
    sounds: np.ndarray, reference: Reference, inside: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The distances of outputs at whatever gain comes nearest: what loudness alone can do.

    Args:
        sounds: ``[batch, time, channels]``.
        reference: as many outputs.
        inside: bool ``[time]``, the samples that the gain is of; None for all.

    Returns:
        The least :data:`DISTANCES`, as :func:`measure_outputs` gives them, ``[batch]`` each, over
        gains of every output for itself: of ``waveform`` and ``shape`` over all gains, silence
        included, in closed form; of ``spectrum`` over :data:`GAINS_DB`.
    """
    sounds = np.asarray(sounds, np.float64)
    part = sounds if inside is None else sounds * inside[:, np.newaxis]
    rest = sounds - part
    missing = reference.sounds - rest
    dot, power = (np.mean(part * x, axis=(1, 2)) for x in (missing, part))
    gain = np.divide(np.maximum(dot, 0), power, out=np.zeros_like(dot), where=power > 0)
    gap = missing - gain[:, np.newaxis, np.newaxis] * part
    parts = (sounds,) if inside is None else (part, rest)
    return {
        "waveform": np.mean(gap**2, axis=(1, 2)),
        "shape": _unexplained(parts, reference.sounds),
        "spectrum": _scaled_spectrum(part, rest, reference),
    }


def _scaled_spectrum(part, rest, reference):
    """The least distance of spectra of gain * part + rest, [batch]."""
    part, rest = (_spectra(x, reference.rate_hz) for x in (part, rest))
    floor = reference.floor[:, np.newaxis, np.newaxis, np.newaxis]
    whole = 10 * np.log10(np.maximum(np.abs(part + rest) ** 2, floor))
    there = part.any(axis=(0, 1, 3))  # [frames]
    count = math.prod(whole.shape[1:])
    same = np.sum((whole - reference.spectra_db)[:, :, ~there] ** 2, axis=(1, 2, 3))
    part, rest, wanted = (x[:, :, there] for x in (part, rest, reference.spectra_db))
    gaps = []
    for gain_db in GAINS_DB:
        power = np.abs(10 ** (gain_db / 20) * part + rest) ** 2
        gap = 10 * np.log10(np.maximum(power, floor)) - wanted
        gaps.append(np.sum(gap**2, axis=(1, 2, 3)))
    return (np.min(gaps, axis=0) + same) / count


def _unexplained(parts, others):
    """What no gains of parts that do not overlap explain of others' power, 0 .. 1, [batch].

    Of a silent part nothing; where the others are silent 0 if all parts are, else 1.
    """
    wanted = np.einsum("btc,btc->b", others, others)
    explained, silent = np.zeros(len(others)), wanted == 0
    for part in parts:
        dot, own = (np.einsum("btc,btc->b", part, x) for x in (others, part))
        both, silent = own * wanted, silent & (own == 0)
        explained += np.divide(
            np.maximum(dot, 0) ** 2, both, out=np.zeros_like(dot), where=both > 0
        )
    return np.where(silent, 0.0, np.maximum(1 - explained, 0))


def _level_db(power):
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))


def _spectra(sounds, rate_hz):
    """Spectra ``[batch, channels, frames, frequencies]``."""
    step = max(1, round(SPECTRUM_WINDOW_S * rate_hz / 2))
    window = np.hanning(2 * step + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(sounds, 2 * step, axis=1)[:, ::step]
    frames = frames.swapaxes(1, 2)  # [batch, channels, frames, samples]
    return np.fft.rfft(frames * window)


def _spectra_db(sounds, rate_hz, floor):
    floor = floor[:, np.newaxis, np.newaxis, np.newaxis]
    return 10 * np.log10(np.maximum(np.abs(_spectra(sounds, rate_hz)) ** 2, floor))
