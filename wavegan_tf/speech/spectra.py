"""Spectra of whole sounds: what sounds are compared by, and what words are told by.

Loudness does not count, nor does what lies 40 dB below the loudest: noise that one hardly hears
makes no two sounds differ.
"""

import functools

import numpy as np
import scipy

from wavegan_tf.speech.intervals import join_frames, share_of_band

FRAMES, BANDS = 64, 32
"""Stretches of time and mel bands of a spectrum."""

DEPTH_DB = 40.0
"""What lies this far below the loudest band of the loudest frame counts as silence."""

ACTIVE_DB = 30.0  # below the loudest: where a word begins and ends
COEFFICIENTS, POINTS = 13, 20
STEP_S = 0.005
_LOWEST_HZ, _LEAST_FFT = 50.0, 1024


def log_mel(sound: np.ndarray, rate_hz: float) -> np.ndarray:
    """Computes the logarithmic mel spectrum of a sound, whatever its level.

    Windows (Hann) are two of the :data:`FRAMES` stretches long; bands are triangles that are
    equally wide in mel (O'Shaughnessy 1987: 2595 log10(1 + f / 700)), from 50 Hz to the Nyquist
    frequency.

    Args:
        sound: ``[time]`` of :data:`FRAMES` samples or more; NaN and infinity count as 0.
        rate_hz: Its sampling rate.

    Returns:
        float32 ``[64 frames, 32 bands]``, dB above :data:`DEPTH_DB` below the loudest, 0 to 40; 0
        everywhere of a silent sound.
    """
    sound = np.nan_to_num(np.asarray(sound, np.float64), posinf=0.0, neginf=0.0)
    hop = len(sound) // FRAMES
    padded = np.pad(sound - sound.mean(), (hop // 2, 2 * hop))
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop][:FRAMES]
    n_fft = max(_LEAST_FFT, 2 * hop)
    power = np.abs(np.fft.rfft(frames * np.hanning(2 * hop), n_fft)) ** 2
    energy = power @ _mel_bands(rate_hz, n_fft)
    if not energy.max() > 0:
        return np.zeros([FRAMES, BANDS], np.float32)
    level_db = 10 * np.log10(np.maximum(energy / energy.max(), 10 ** (-DEPTH_DB / 10)))
    return (level_db + DEPTH_DB).astype(np.float32)


@functools.cache
def _mel_bands(rate_hz: float, n_fft: int) -> np.ndarray:
    """Makes triangles, ``[frequencies, bands]``."""
    low, high = (2595 * np.log10(1 + hz / 700) for hz in (_LOWEST_HZ, rate_hz / 2))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hz, wide = np.fft.rfftfreq(n_fft, 1 / rate_hz)[:, np.newaxis], np.diff(edges)
    rising, falling = (hz - edges[:-2]) / wide[:-1], (edges[2:] - hz) / wide[1:]
    return np.maximum(0.0, np.minimum(rising, falling))


def mfcc(mel: np.ndarray) -> np.ndarray:
    """Computes what a word is told by: cepstra at equal steps from its beginning to its end.

    The first :data:`COEFFICIENTS` of the discrete cosine transform of a :func:`log_mel` ``[frames,
    bands]`` (Davis & Mermelstein 1980), at :data:`POINTS` points of the stretch that is at most 30
    dB below the loudest, and the number of frames of that stretch: ``[261]``.
    """
    active = np.flatnonzero(mel.max(axis=1) > DEPTH_DB - ACTIVE_DB)
    first, last = (active[0], active[-1]) if len(active) else (0, len(mel) - 1)
    cepstra = scipy.fft.dct(mel, norm="ortho", axis=1)[:, :COEFFICIENTS]
    at, own = np.linspace(first, last, POINTS), np.arange(len(mel))
    points = np.stack([np.interp(at, own, course) for course in cepstra.T], axis=1)
    return np.append(points.ravel(), last - first + 1)


def high_frames(sound: np.ndarray, rate_hz: float, above_hz: float, share: float) -> np.ndarray:
    """Says in which frames of 5 ms so much of the energy lies above a frequency, ``[frames]``."""
    times_s = (np.arange(int(len(sound) / rate_hz / STEP_S)) + 0.5) * STEP_S
    sound = np.nan_to_num(np.asarray(sound, np.float64), posinf=0.0, neginf=0.0)
    return share_of_band(sound, rate_hz, times_s, (above_hz, rate_hz / 2)) >= share


def has_high_stretch(high: np.ndarray, spans_s: list[tuple[float, float]], least_s: float) -> bool:
    """Says whether :func:`high_frames` are high for ``least_s`` on end within one of the spans."""
    times_s = (np.arange(len(high)) + 0.5) * STEP_S
    inside = [(times_s >= start_s) & (times_s < end_s) for start_s, end_s in spans_s]
    return any(join_frames(high & here, STEP_S, min_duration_s=least_s) for here in inside)
