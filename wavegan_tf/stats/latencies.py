"""When an averaged series peaks, and how alike it is to a reference at its best lag."""

import math
from typing import Any

import numpy as np
import scipy

from wavegan_tf.stats.curves import segment_means
from wavegan_tf.stats.resampling import (
    BLOCK,
    StatisticsSettings,
    interval,
    resample,
)

FOLLOWS, NOT_SHOWN = "more than surrogates", "not shown"
AT_LIMIT = "lag at its limit"
"""Verdict on what is more alike than surrogates where r rises on past the longest lag."""

MIN_SAMPLES = 16
"""Samples of a layer in the window that a comparison with surrogates needs."""

FOLDS = 128
"""Most sums that outputs are kept in: more outputs than that share them in turn."""


class Folded:
    """Series of many outputs, as sums over up to :data:`FOLDS` sets of them.

    The bootstrap draws sets; up to as many outputs a set is one output.
    """

    def __init__(self, length: int) -> None:
        """Begins with no output of ``length`` samples."""
        self.n, self._length, self._sums = 0, length, list[np.ndarray]()

    def add(self, series: np.ndarray) -> None:
        """Adds the series of an output, ``[length]``."""
        if len(self._sums) < FOLDS:
            self._sums.append(np.array(series, np.float64))
        else:
            self._sums[self.n % FOLDS] += series
        self.n += 1

    def mean(self) -> np.ndarray:
        """Takes the mean over outputs, ``[length]``."""
        return np.sum(self._sums, axis=0) / self.n

    def sums(self) -> np.ndarray:
        """Gives the sums, ``[sets, length]``."""
        return np.array(self._sums).reshape(-1, self._length)


def peak_times(curves: np.ndarray) -> np.ndarray:
    """Finds the places of the largest peaks of curves ``[curves, samples]``, in samples.

    A peak is higher than what is before it and no lower than what is after it; the top of the
    parabola through it and its neighbours is its place. NaN for a curve without one.
    """
    before, here, after = curves[:, :-2], curves[:, 1:-1], curves[:, 2:]
    is_peak = (here > before) & (here >= after)
    if not is_peak.size:
        return np.full(len(curves), np.nan)
    at = np.where(is_peak, here, -np.inf).argmax(axis=1)
    rows = np.arange(len(curves))
    a, b, c = (x[rows, at] for x in (before, here, after))
    with np.errstate(invalid="ignore", divide="ignore"):
        place = at + 1 + _top(a, b, c)
    return np.where(is_peak.any(axis=1), place, np.nan)


def _top(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Computes the place of the top of the parabola through three samples, about the middle one."""
    bend = a - 2 * b + c
    return np.where(bend < 0, 0.5 * (a - c) / np.where(bend < 0, bend, -1.0), 0.0)


def lagged_r(x: np.ndarray, y: np.ndarray, max_lag: int) -> np.ndarray:
    """Computes Pearson's r of x, at each lag behind y, over the samples that both then have.

    Takes ``[samples]`` and ``[series, samples]``; returns ``[series, 2 max_lag + 1]``, from lag
    -max_lag on; 0 where a side does not vary.
    """
    m, lags = len(x), np.arange(-max_lag, max_lag + 1)
    x, y = x - x.mean(), y - y.mean(axis=1, keepdims=True)
    size = scipy.fft.next_fast_len(m + max_lag, real=True)
    products = scipy.fft.irfft(
        scipy.fft.rfft(x, size) * np.conj(scipy.fft.rfft(y, size, axis=1)), size, axis=1
    )[:, lags]
    first, last = np.maximum(lags, 0), m + np.minimum(lags, 0)  # of x in the overlap

    def sums(values: np.ndarray, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
        total = np.cumsum(np.pad(values, [(0, 0), (1, 0)]), axis=1)
        return total[:, stop] - total[:, start]

    n, of_x, of_y = last - first, (first, last), (first - lags, last - lags)
    s_x, s_y = sums(x[np.newaxis], *of_x), sums(y, *of_y)
    ss_x = sums(x[np.newaxis] ** 2, *of_x) - s_x**2 / n
    ss_y = sums(y**2, *of_y) - s_y**2 / n
    floor = 1e-12 * (x @ x) * (y**2).sum(axis=1, keepdims=True)
    scale = ss_x * ss_y
    varies = scale > floor
    return np.where(varies, (products - s_x * s_y / n) / np.sqrt(np.where(varies, scale, 1)), 0.0)


def surrogates(series: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws series ``[n, samples]`` with the amplitude spectrum and mean of one, phases at random.

    Theiler et al. 1992, Physica D 58:77-94.
    """
    spectrum = np.fft.rfft(series)
    turns = np.exp(2j * np.pi * rng.random([n, len(spectrum)]))
    turns[:, 0] = 1
    if len(series) % 2 == 0:  # that at the Nyquist frequency is real
        turns[:, -1] = np.sign(turns[:, -1].real)
    return np.fft.irfft(spectrum * turns, len(series), axis=1)


def at_times(series: np.ndarray, rate_hz: float, times_s: np.ndarray, to_hz: float) -> np.ndarray:
    """Brings a series to the rate and the times of a layer, ``[times]``.

    A faster series is averaged over the layer's samples, a slower one interpolated linearly.
    """
    if rate_hz > to_hz and len(times_s):
        start_s, n = float(times_s[0]) - 0.5 / to_hz, len(times_s)
        margin = np.pad(series, (n, n), mode="edge")
        start_s += n / rate_hz
        return segment_means(margin, rate_hz, start_s, start_s + n / to_hz, n)
    return np.interp(times_s, (np.arange(len(series)) + 0.5) / rate_hz, series)


def describe(
    outputs: Folded,
    reference: np.ndarray,
    times_s: np.ndarray,
    rate_hz: float,
    max_lag_s: float,
    n_surrogates: int,
    seed: int,
    settings: StatisticsSettings,
) -> dict[str, Any]:
    """Compares the average of a layer with the reference, ``[samples]``, at the layer's rate.

    Returns:
        ``peak_s`` with its interval, ``lag_s`` and ``r`` at the best lag (no lag where that is an
        end of the range), ``samples`` and ``n_outputs``; ``p``, the larger of those against
        surrogates of the reference and of the average: each is right where what it draws anew is
        stationary. NaN where there are too few samples or nothing varies.
    """
    names = ("peak_s", "peak_s_low", "peak_s_high", "lag_s", "r", "p")
    found: dict[str, Any] = dict.fromkeys(names, math.nan)
    found |= {"samples": len(reference), "n_outputs": outputs.n}
    if not outputs.n or len(reference) < 3:
        return found
    average = outputs.mean()
    if np.ptp(average) == 0:
        return found

    def to_s(places: np.ndarray) -> np.ndarray:
        return times_s[0] + places / rate_hz

    found["peak_s"] = float(to_s(peak_times(average[np.newaxis]))[0])
    sums = outputs.sums()
    if len(sums) >= settings.min_outputs and np.isfinite(found["peak_s"]):
        drawn = resample(
            lambda weights: to_s(peak_times(weights.T @ sums))[np.newaxis],
            len(sums), sums.size, seed, settings,
        )  # fmt: skip
        ends = interval(drawn[0], len(sums), settings.confidence)
        found["peak_s_low"], found["peak_s_high"] = ends
    if len(reference) < MIN_SAMPLES or np.ptp(reference) == 0:
        return found
    max_lag = min(round(max_lag_s * rate_hz), len(reference) // 2)
    own = lagged_r(average, reference[np.newaxis], max_lag)[0]
    at = int(own.argmax())
    found["r"] = float(own[at])
    if 0 < at < len(own) - 1 or not max_lag:  # at an end r rises on: that is no best lag
        near = float(_top(*own[at - 1 : at + 2])) if max_lag else 0.0
        found["lag_s"] = (at - max_lag + near) / rate_hz
    width = max(1, BLOCK // len(reference))
    for series, other in ((reference, average), (average, reference)):
        rng, as_large = np.random.default_rng([seed, len(reference)]), 1
        for start in range(0, n_surrogates, width):
            drawn = surrogates(series, min(width, n_surrogates - start), rng)
            best = lagged_r(other, drawn, max_lag).max(axis=1)
            as_large += int((best >= found["r"] - 1e-9).sum())
        found["p"] = float(np.fmax(found["p"], as_large / (1 + n_surrogates)))
    return found
