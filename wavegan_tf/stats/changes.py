"""Where a layer's series changes along a sweep, and at which frequencies; how unusual a series is.

Series are at the layers' own rates, averages after ReLU, not clipped.
"""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.resampling import StatisticsSettings, mean_intervals, mean_over

FLOOR_POWER = 1e-10
"""-100 dB re full scale 1, added to a power before it becomes a level: below is silence."""

FRAMES = 16
"""Of equal duration, in which levels are taken for :func:`features`."""

MIN_SD_DB = 1.0
"""A level that varies less among ordinary outputs counts as varying so much."""

POWER_FRAMES = 256
"""Frames of the level over time in an image; a layer with fewer samples has one for each."""

SMOOTHING_S = 0.01
"""Width of the window that evens out a change before its peaks are sought."""

MAX_SPIKES = 10
MIN_PROMINENCE = 0.25
"""Of a spike, as a share of the most prominent one's: the ripple of single periods is less."""


def levels(series: np.ndarray) -> dict[str, float]:
    """Measures a whole series, ``[length]``.

    Returns:
        ``rms`` in dB re full scale 1, without the mean, which is no sound after ReLU; ``peak``, the
        largest magnitude, with the mean; ``saturation``, the share of samples of a magnitude above
        0.99. All NaN where a sample is not finite, ``rms`` also where all are equal.
    """
    if not np.isfinite(series).all():
        return dict.fromkeys(("rms", "peak", "saturation"), math.nan)
    magnitude = np.abs(series.astype(np.float64))
    sd = series.std(dtype=np.float64) if np.ptp(series) else math.nan
    return {
        "rms": 20 * float(np.log10(sd)),
        "peak": float(magnitude.max()),
        "saturation": float(np.mean(magnitude > 0.99)),
    }


def frame_power(series: np.ndarray, frames: int = POWER_FRAMES) -> np.ndarray:
    """Takes the mean square in frames of equal length (of each sample, in a shorter series).

    Takes ``[length]``, in which what is not finite counts as 0; gives ``[min(frames, length)]``.
    """
    frames = min(frames, len(series))
    starts = np.arange(frames) * len(series) // frames
    square = np.nan_to_num(series.astype(np.float64), posinf=0, neginf=0) ** 2
    return np.add.reduceat(square, starts) / np.diff(starts, append=len(series))


def band_edges(length: int, rate_hz: float) -> np.ndarray:
    """Lays out third-octave bands below the Nyquist frequency of a series of ``length`` samples.

    Bands are those about 1000 Hz x 2^(k/3), from where a band is two bins of the spectrum
    (rate / length) wide; everything below is one band, and the last ends at the Nyquist frequency.

    Returns:
        Edges in Hz, ascending, ``[bands + 1]``, the first 0.
    """
    nyquist_hz, least_hz = rate_hz / 2, 2 * rate_hz / length
    edges = 1000 * 2 ** ((np.arange(-60, 61) - 0.5) / 3)
    wide = edges * (2 ** (1 / 3) - 1) >= least_hz
    edges = edges[wide & (edges <= nyquist_hz - least_hz)]
    return np.array([0.0, *edges, nyquist_hz])


def band_powers(series: np.ndarray, rate_hz: float) -> np.ndarray:
    """Takes the power of a series in each of its bands (:func:`band_edges`), over its whole length.

    Returns:
        ``[bands]``, mean squares re full scale 1; they add up to the variance of the series. A
        band holds the frequencies above its lower edge up to its upper one: not 0 Hz, the mean.
    """
    length = len(series)
    power = 2 * np.abs(np.fft.rfft(series.astype(np.float64))) ** 2 / length**2
    if length % 2 == 0:
        power[-1] /= 2
    hz = np.fft.rfftfreq(length, 1 / rate_hz)
    edges = band_edges(length, rate_hz)
    edges[-1] = np.inf
    band = np.searchsorted(edges, hz[1:], side="left") - 1
    return np.bincount(band, power[1:], len(edges) - 1)


def to_db(power: np.ndarray) -> np.ndarray:
    """Turns powers into levels in dB re full scale 1, :data:`FLOOR_POWER` added."""
    return 10 * np.log10(power + FLOOR_POWER)


def features(series: np.ndarray, powers: np.ndarray) -> np.ndarray:
    """Describes a series by its levels in dB: in :data:`FRAMES` frames of time and in its bands.

    Takes ``[length]``, at least :data:`FRAMES` samples, and its :func:`band_powers` ``[bands]``;
    gives ``[FRAMES + bands]``.
    """
    return to_db(np.concatenate([frame_power(series, FRAMES), powers]))


def describe_reference(described: np.ndarray) -> dict[str, np.ndarray]:
    """Describes ordinary outputs, with which :func:`distance` compares.

    Args:
        described: Features of ordinary outputs, ``[outputs, features]``, at least 2.

    Returns:
        ``mean`` and ``sd`` (at least :data:`MIN_SD_DB`), dB ``[features]``; ``typical`` ``[1]``,
        the median over these outputs of the root mean square of z-scores; ``distance``
        ``[outputs]``, their own distances, of median 1.
    """
    mean = described.mean(axis=0)
    sd = np.maximum(described.std(axis=0, ddof=1), MIN_SD_DB)
    reference = {"mean": mean, "sd": sd, "typical": np.ones(1)}
    own = np.array([distance(row, reference) for row in described])
    typical = np.median(own)
    return reference | {"typical": np.array([typical]), "distance": own / typical}


def distance(described: np.ndarray, reference: dict[str, np.ndarray]) -> float:
    """Measures how far the features of a series are from those of ordinary outputs.

    The root mean square of the z-scores, divided by that of a typical ordinary output: 1 is as far
    from the mean as the median of these. Features are not independent, so it says how unusual a
    layer is, and tests nothing.
    """
    z = (described - reference["mean"]) / reference["sd"]
    return float(np.sqrt(np.mean(z**2)) / reference["typical"][0])


class ChangeSum:
    """Adds up how every sample changes along sweeps, output by output; holds few outputs at once.

    The change of a sample along a line is sum over steps |x[step + 1] - x[step]|; that of a base
    vector the mean over its lines (in a grid there are several); the result is the mean over the
    ``n`` base vectors whose values are all finite, and over channels.
    """

    def __init__(self, lengths: Sequence[int]) -> None:
        """Begins, with the number of values of each sweep; the last varies fastest."""
        self.n = self._cell = 0
        self._cells = math.prod(lengths)
        self._axes = [(n, math.prod(lengths[k + 1 :])) for k, n in enumerate(lengths)]  # strides
        self._before: deque[np.ndarray] = deque(maxlen=self._cells // lengths[0])
        self._base = self._total = np.zeros(0)

    def add(self, series: np.ndarray) -> None:
        """Adds the next output, ``[length, channels]``, in order of base vectors and cells."""
        if self._cell == 0:
            self._base = np.zeros([len(self._axes), len(series)])
        for k, (count, stride) in enumerate(self._axes):
            if self._cell // stride % count:
                with np.errstate(invalid="ignore"):
                    change = np.abs(series - self._before[-stride]).mean(axis=-1)
                    self._base[k] += change / (self._cells // count)
        self._before.append(series)
        self._cell = (self._cell + 1) % self._cells
        if self._cell == 0 and np.isfinite(self._base).all():
            self._total = self._base + (self._total if self.n else 0)
            self.n += 1

    def result(self) -> np.ndarray:
        """Gives the change of each sample, ``[sweeps, length]``, where ``n`` is not 0."""
        return self._total / self.n


def find_spikes(change: np.ndarray, rate_hz: float) -> pd.DataFrame:
    """Finds where a layer changes: the peaks of its change over time, the most prominent first.

    The change is evened out by a Hann window of :data:`SMOOTHING_S` (a layer of fewer than 150
    samples a second stays as it is); nothing is taken to change before and after. A spike reaches
    from its peak to where the smoothed change falls by half the peak's prominence, at most to the
    region of a more prominent spike; a peak inside such a region is none of its own, nor is one
    below :data:`MIN_PROMINENCE`, or in whose region the layer changes less than on average.

    Args:
        change: Of each sample, ``[length]``.
        rate_hz: Of the layer.

    Returns:
        At most :data:`MAX_SPIKES` rows: ``rank`` from 1, ``time_s`` of the peak, ``start_s`` and
        ``end_s`` of its region, which holds whole samples, ``share``, that of the region in the
        sum of all (unsmoothed) change, and ``excess``, this share divided by the region's share of
        the duration: above 1. Empty where nothing changes.
    """
    columns = ["rank", "time_s", "start_s", "end_s", "share", "excess"]
    rows: list[tuple] = []
    width = min(round(SMOOTHING_S * rate_hz), len(change) - 1) // 2 * 2 + 1  # odd: no delay
    window = np.hanning(width + 2)[1:-1]
    smooth = np.convolve(change, window / window.sum(), mode="same")
    peaks, about = scipy.signal.find_peaks(np.pad(smooth, 1), prominence=0)
    peaks, prominences = peaks - 1, about["prominences"]
    order = np.argsort(-prominences, kind="stable")
    order = order[prominences[order] >= MIN_PROMINENCE * prominences.max(initial=0)]
    taken = np.zeros(len(change), bool)
    for peak, prominence in zip(peaks[order], prominences[order], strict=True):
        if taken[peak] or len(rows) == MAX_SPIKES:
            continue
        outside = np.flatnonzero(taken | (smooth < smooth[peak] - prominence / 2))
        outside = np.concatenate([[-1], outside, [len(change)]])
        k = np.searchsorted(outside, peak)
        start, stop = outside[k - 1] + 1, outside[k]
        share = change[start:stop].sum() / change.sum()
        excess = share * len(change) / (stop - start)
        if excess > 1:
            taken[start:stop] = True
            at_s = np.array([peak + 0.5, start, stop]) / rate_hz
            rows.append((len(rows) + 1, *at_s, share, excess))
    return pd.DataFrame(rows, columns=columns, dtype=float).astype({"rank": int})


def band_changes(
    first: np.ndarray,
    last: np.ndarray,
    edges_hz: np.ndarray,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Says at which frequencies a layer gains or loses from the first value of a sweep to the last.

    Args:
        first: :func:`band_powers` at the first value, ``[bases, lines, bands]``; NaN where a
            series was not finite.
        last: The same at the last value.
        edges_hz: :func:`band_edges`.
        settings: ``min_outputs`` is the number of base vectors that an interval needs.

    Returns:
        A row for each band: ``low_hz``, ``high_hz``, ``estimate``, the mean over ``n`` bases of the
        change of the level in dB, with its interval ``low``, ``high``; ``share``, the magnitude of
        the band's mean change of power, of the sum of these over all bands (NaN where nothing
        changes).
    """
    change_db = mean_over(to_db(last) - to_db(first), axis=1)  # [bases, bands]
    power = np.abs(mean_over(mean_over(last - first, axis=1), axis=0))
    mean, low, high = mean_intervals(change_db, 0, settings, settings.min_outputs)
    return pd.DataFrame({
        "low_hz": edges_hz[:-1], "high_hz": edges_hz[1:],
        "estimate": mean, "low": low, "high": high,
        "share": power / (power.sum() or math.nan),
        "n": np.isfinite(change_db).sum(axis=0),
    })  # fmt: skip
