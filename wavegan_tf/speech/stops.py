"""The stop before a voiced interval: closure, release burst and voice onset time.

Voice onset time is that from the release to the onset of periodic vibration (Lisker & Abramson
1964, Word 20:384-422); it is negative where the voice begins first and goes on through the release.
All levels are relative, so that nothing depends on the gain. The constants were set on made speech
of known voice onset time (tests/planted_vot.py).
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import ndimage, signal

LONGEST_S = 0.2
"""Longest time between release and voice, either way, that is searched."""

LEAST_PERIODS = 3
"""That a voiced interval must have for a stop to be sought before it."""

NO_F0 = "no F0 in the voiced interval"
TOO_SHORT = "the voiced interval has fewer than 3 periods"
NO_BURST = "no burst: nothing rises suddenly after a closure and before the vowel"
FROM_START = "the sound begins in the closure or at the release"

_STEP_S, _WINDOW_S = 0.0005, 0.002  # of the levels of high frequencies; Hann window
_HIGH_HZ = 1000.0  # above it lie bursts; the voice of a closure lies below
_VOICE_HZ = 500.0  # below it the voice is sought: breath and most bursts are weak there
_CLOSED_S = 0.007  # before a burst, in which nothing is loud; closures begin at 9 ms
_RISE_DB = 10.0  # of a burst over that
_SUDDEN_S, _SUDDEN_DB = 0.008, 6.0  # it then has its peak but for so much; frication takes longer
_FAINTEST_DB = 20.0  # of a burst before the voice, below the vowel; fainter are noises of the mouth
_AT_ONCE_DB = 8.0  # of one with which the sound begins, below the vowel
_QUIET_DB = 12.0  # of the high frequencies of voice in a closure, below the vowel's; a nasal's less
_AGAIN_S, _AGAIN_DB = 0.040, 12.0  # from the first to the last burst at most; dip between two
_BESIDE_S = 0.004  # what rises so near to the onset of the voice is the voice
_STRONG = 0.25  # of the greatest power: where the vowel is there
_ALIKE, _FAINT_DB = 0.7, -20.0  # periods that belong together; weakest one re the vowel
_LIFT = 0.15  # of the peak of the first period: its wave has left the noise


class Stop(NamedTuple):
    """The stop before a voiced interval: times and durations in s, NaN where there is none."""

    release: float = math.nan  # when the first burst begins, from the start of the sound
    voice_s: float = math.nan  # when the voice begins
    vot: float = math.nan  # voice_s - release
    closure: float = math.nan  # from what was loud before to the burst
    n_bursts: float = math.nan
    burst_lag: float = math.nan  # from the first burst to the last; 0 of one
    reason: str = ""  # why there is no stop, or no closure


def find_stop(
    sound: np.ndarray,
    rate_hz: float,
    span_s: tuple[float, float],
    f0_hz: float,
    earliest_s: float = 0.0,
) -> Stop:
    """Finds the stop before a voiced interval.

    The burst is the last sudden rise of the energy above 1 kHz after a closure and before the
    voice, or the first of one release of several; without any, one in the voice before the vowel.
    What is before the sound counts as closure: it may begin with the burst.

    Args:
        sound: ``[time]``, finite, of 8 kHz or more.
        rate_hz: Its sampling rate.
        span_s: Start and end of the voiced interval.
        f0_hz: F0 near its start; NaN for none.
        earliest_s: End of the voiced interval before it.
    """
    if not math.isfinite(f0_hz):
        return Stop(reason=NO_F0)
    start_s, end_s = max(0.0, span_s[0]), min(span_s[1], len(sound) / rate_hz)
    if (end_s - start_s) * f0_hz < LEAST_PERIODS:
        return Stop(reason=TOO_SHORT)
    first = max(0, round(max(min(earliest_s, start_s), start_s - 2 * LONGEST_S) * rate_hz))
    part = sound[first : round(end_s * rate_hz)] - np.mean(sound)
    from_s = first / rate_hz
    level_db = _levels_db(part, rate_hz)
    for hidden in (True, False):
        voice_s, vowel_s = _voice(part, rate_hz, start_s - from_s, f0_hz, hidden)
        bursts = _bursts(level_db, voice_s, vowel_s, 1 / f0_hz, first == 0)
        if len(bursts):
            break
    if not len(bursts):
        return Stop(voice_s=voice_s + from_s, reason=NO_BURST)
    burst_s, lag_s = bursts[0] * _STEP_S, (bursts[-1] - bursts[0]) * _STEP_S
    closed = round(_CLOSED_S / _STEP_S)
    before = level_db[: max(0, bursts[0] - round(_WINDOW_S / _STEP_S / 2))]
    floor_db = np.median(before[-closed:]) if len(before) else 0.0
    loud = np.flatnonzero(_highest(-before, -4, 1) < -floor_db - _RISE_DB * 2 / 3)  # for 2 ms
    loud = loud[loud < len(before) - closed]
    closure_s = burst_s - loud[-1] * _STEP_S if len(loud) else math.nan
    found = voice_s - burst_s, closure_s, float(len(bursts)), lag_s
    return Stop(burst_s + from_s, voice_s + from_s, *found, "" if len(loud) else FROM_START)


def _levels_db(sound: np.ndarray, rate_hz: float) -> np.ndarray:
    """Levels of the high frequencies every ``_STEP_S``, ``[frames]``."""
    sos = signal.butter(4, _HIGH_HZ, "highpass", fs=rate_hz, output="sos")
    window = np.hanning(2 * round(_WINDOW_S * rate_hz / 2) + 3)[1:-1]
    power = np.convolve(signal.sosfilt(sos, sound) ** 2, window / window.sum(), "same")
    at = np.arange(0, (len(sound) - 1) / rate_hz, _STEP_S) * rate_hz
    return 10 * np.log10(power[np.round(at).astype(int)] + 1e-20)


def _voice(
    sound: np.ndarray, rate_hz: float, start_s: float, f0_hz: float, hidden: bool
) -> tuple[float, float]:
    """Finds when the voice begins, and a time by which the vowel is there.

    From where the vowel nears its full strength it goes back from period to period as long as each
    resembles the next, as Praat's "To PointProcess (cc)" does; the voice begins at the zero
    crossing before the wave of the first one. A burst may have ``hidden`` a period.
    """
    sos = signal.butter(2, _VOICE_HZ, "lowpass", fs=rate_hz, output="sos")
    wave, period = signal.sosfiltfilt(sos, sound), round(rate_hz / f0_hz)
    start, half = round(start_s * rate_hz), period // 2
    power = ndimage.uniform_filter1d(sound**2, period)[start:-period]
    if not power.any():
        return start_s, start_s
    vowel = at = start + int(np.argmax(power > _STRONG * power.max()))
    windows = np.lib.stride_tricks.sliding_window_view(wave, 2 * half)
    lags = np.arange(round(0.75 * period), round(1.33 * period) + 1)
    over = np.arange(lags[-1] + 1, round(2.2 * period) + 1)
    faint = np.sum(windows[at] ** 2) * 10 ** (_FAINT_DB / 10)
    while at - half >= lags[-1]:
        here = windows[at - half]
        for reach in (lags, over) if hidden and over[0] <= at - half else (lags,):
            reach = reach[reach <= at - half]
            before = windows[at - half - reach]
            energy = np.sum(before**2, axis=1)
            alike = before @ here / np.sqrt(np.maximum(energy * np.sum(here**2), 1e-30))
            alike[energy < faint] = -1
            best = int(np.argmax(alike))
            if alike[best] >= _ALIKE:
                break
        else:
            break
        at -= int(reach[best])
    first = max(0, at - period)
    peak = np.abs(wave[first : at + period]).max()
    lifted = np.flatnonzero(np.abs(wave[first : at + 1]) > _LIFT * peak)
    at = first + int(lifted[0]) if len(lifted) else at
    crossed = np.flatnonzero(wave[:at] * wave[at] <= 0)
    return (int(crossed[-1]) if len(crossed) else 0) / rate_hz, vowel / rate_hz


def _bursts(
    level_db: np.ndarray, voice_s: float, vowel_s: float, period_s: float, begins: bool
) -> np.ndarray:
    """Finds the frames at which the bursts of one release begin, before the voice or else in it."""
    times = voice_s, vowel_s, LONGEST_S, _BESIDE_S, period_s, _CLOSED_S, _AGAIN_S, _SUDDEN_S
    voice, vowel, longest, beside, period, closed, again, sudden = (
        round(x / _STEP_S) for x in times
    )
    frames = np.arange(len(level_db))
    before = (frames >= voice - longest) & (frames <= voice - beside)
    rises = before & _rises(level_db, closed, _RISE_DB)
    later_db = np.maximum.accumulate(np.where(before, level_db, -np.inf)[::-1])[::-1]
    rises &= _highest(level_db, 0, sudden) >= later_db - _SUDDEN_DB
    vowel_db = level_db[vowel : vowel + round(0.05 / _STEP_S)].max(initial=-200)
    rises &= _highest(level_db, 0, sudden) >= vowel_db - _FAINTEST_DB
    if begins and not rises.any() and before[0]:  # closed until the sound begins
        rises[0] = level_db[:4].max() >= vowel_db - _AT_ONCE_DB
        rises[0] &= level_db[:sudden].max() >= later_db[0] - _SUDDEN_DB
    last = voice - beside
    if not rises.any():  # in the voice, whose own pulses rise too
        closed, last = max(closed, round(1.2 * period)), vowel
        rises = (frames >= voice + 2 * period) & (frames <= vowel)
        rises &= _rises(level_db, closed, _RISE_DB)
        rises &= _highest(level_db, -closed - 2, -2) < vowel_db - _QUIET_DB
    if not rises.any():
        return np.zeros(0, int)
    found = _steepest(level_db, rises)
    first = found[found >= found[-1] - again][0]
    more = (frames > first + 4) & (frames <= min(first + again, last))
    more &= _rises(level_db, 6, _AGAIN_DB)
    more &= _highest(level_db, 0, 4) > level_db[first : first + sudden].max() - 12
    return np.unique(np.r_[first, _steepest(level_db, more)])


def _highest(level_db: np.ndarray, first: int, stop: int) -> np.ndarray:
    """Takes the highest level of frames ``first`` .. ``stop`` - 1 from each frame."""
    size = stop - first
    padded = np.pad(level_db, (max(0, -first), max(0, stop)), constant_values=-np.inf)
    highest = np.lib.stride_tricks.sliding_window_view(padded, size).max(axis=1)
    return highest[max(0, first) :][: len(level_db)]


def _rises(level_db: np.ndarray, closed: int, least_db: float) -> np.ndarray:
    """Says at which frames the level rises by so much over all that was before, within 2 ms."""
    rises = _highest(level_db, 0, 4) - _highest(level_db, -closed - 2, -2) >= least_db
    rises[: closed + 2] = False
    return rises


def _steepest(level_db: np.ndarray, rises: np.ndarray) -> np.ndarray:
    """Takes from each run of frames that in which the level rises most."""
    steep = level_db - np.r_[level_db[:2], level_db[:-2]]
    runs, n = ndimage.label(np.r_[rises, False] | np.r_[False, rises])
    return np.array(
        [np.flatnonzero(runs[:-1] == k)[np.argmax(steep[runs[:-1] == k])] for k in range(1, n + 1)],
        int,
    )
