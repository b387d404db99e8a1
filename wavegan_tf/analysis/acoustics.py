"""The measures of a layer, by interval: at points of normalised time and over the interval.

A layer's averaged series, clipped and upsampled to the rate of the output
(:func:`wavegan_tf.analysis.averages.to_sound`), is measured like a recording (Beguš & Zhou 2022,
section IV) in every interval of the final output. A value that Praat or the bandwidth of the layer
cannot give is NaN with the reason; one that is suspect is kept and flagged.
"""

import math
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis import analyses, missing, praat
from wavegan_tf.analysis.annotation import Interval, one_channel
from wavegan_tf.analysis.measures import (
    INTERVAL_MEASURES,
    MADE_TOGETHER,
    PLAUSIBLE,
    POINT_MEASURES,
    UNITS,
)
from wavegan_tf.analysis.settings import AcousticSettings, layer_limits

FULL_SCALE = 0.9999
CLIPPED_RUN = 3
"""So many consecutive samples of at least :data:`FULL_SCALE` are clipped: 16-bit files end at
0.99997, and a peak that just touches full scale rarely holds it for three samples."""

EVERYTHING = (-math.inf, math.inf)


class Point(NamedTuple):
    """One value at a point of an interval; both count from 1. ``reason`` is empty unless NaN."""

    interval: int
    label: str
    point: int
    time_s: float
    measure: str
    unit: str
    value: float
    reason: str
    flag: str


class Mean(NamedTuple):
    """One value over an interval of the target. ``reason`` is empty unless it is NaN."""

    interval: int
    label: str
    start_s: float
    end_s: float
    measure: str
    unit: str
    value: float
    reason: str
    flag: str


def measure_layer(
    sound: np.ndarray,
    sample_rate_hz: float,
    layer_rate_hz: float,
    intervals: list[Interval],
    settings: AcousticSettings,
    own_intervals: list[Interval] | None = None,
    measures: Collection[str] | None = None,
) -> tuple[list[Point], list[Mean]]:
    """Measure a layer in the intervals of the target.

    Which measures a label has stands in :mod:`wavegan_tf.analysis.measures`; the Praat commands
    with all their arguments stand in :mod:`wavegan_tf.analysis.praat`. Point k of N stands at
    start + (k - 0.5) / N * duration; its value is that of the analysis at this time. The mean is
    Praat's own over the interval:

    - f0: "To Pitch (ac)" between the settings' floor and the ceiling of :func:`layer_limits`;
      linear between voiced frames; "Get mean".
    - intensity: "To Intensity"; cubic; "Get mean" of the energy.
    - f1 .. f3: "To Formant (burg)"; linear; "Get mean". b1 .. b3: "Get bandwidth at time"; the
      mean is that of the points.
    - hnr: "To Harmonicity (cc)"; linear; "Get mean", over frames that are not silent.
    - cog, spectral_sd, skewness, kurtosis: of the power spectrum of a Hanning window around the
      point; the mean row of that of the interval as a whole, without a window.
    - duration: of the layer's own interval of the same label that overlaps most.
    - voiced_share: of the pitch frames in the interval, those with an F0.
    - zcr: changes of sign in the interval over its duration, after its mean is subtracted.
    - cpps: "Get CPPS" of the interval's "To PowerCepstrogram".

    What is centred before, and over what, says :data:`wavegan_tf.analysis.measures.CENTRED`.
    Flags: ``outside LOW .. HIGH UNIT`` (:data:`wavegan_tf.analysis.measures.PLAUSIBLE`), ``octave
    jump`` (F0 against the point before), ``clipped`` (the sound stays at full scale somewhere in
    the interval); several are joined with ``; ``.

    Args:
        sound: the layer as a sound, ``[time]``, in -1 .. 1.
        sample_rate_hz: its rate.
        layer_rate_hz: the layer's own rate, which limits what it carries; for the target, the same.
        intervals: those of the target.
        settings: :class:`~wavegan_tf.analysis.settings.AcousticSettings`.
        own_intervals: the layer's own annotation; None for the target itself.
        measures: the only ones wanted, with the values they have among all; None for all.

    Returns:
        Lists of :class:`Point` and of :class:`Mean`, by interval and measure; empty without
        intervals.

    Raises:
        ValueError: ``sound`` is not ``[time]``, or a label is none of those that are measured.
    """
    sound = one_channel(sound)
    unknown = {interval.label for interval in intervals} - set(POINT_MEASURES)
    if unknown:
        raise ValueError(f"labels {sorted(unknown)}: only {list(POINT_MEASURES)} are measured")
    limits = layer_limits(layer_rate_hz, settings)
    refused = missing.refused_measures(sound, len(sound) / sample_rate_hz, limits, settings)
    wanted = set(UNITS if measures is None else measures)
    refused |= dict.fromkeys(_needless(wanted), "")
    spans_s = np.array([[x.start_s, x.end_s] for x in intervals], np.float64).reshape(-1, 2)
    share = (np.arange(settings.n_points) + 0.5) / settings.n_points
    times_s = spans_s[:, :1] + share * np.diff(spans_s)  # [intervals, points]
    layer = missing.Layer(sound, sample_rate_hz, settings, limits, refused, intervals, times_s)
    results = analyses.analyse(layer, own_intervals)
    clipped = ["clipped" if _is_clipped(layer, interval) else "" for interval in intervals]
    return _points(layer, results, clipped, wanted), _means(layer, results, clipped, wanted)


def _needless(wanted):
    """Measures whose analysis gives none of those wanted."""
    groups = {measure: group for group in MADE_TOGETHER for measure in group}
    return [name for name in UNITS if wanted.isdisjoint(groups.get(name, (name,)))]


def f0_range_of(
    sound: np.ndarray, sample_rate_hz: float, settings: AcousticSettings
) -> tuple[float, float]:
    """Find the F0 range of one output in a first pass over the settings' range.

    Floor 0.75 times the first quartile, ceiling 1.5 times the third of the frames that are voiced
    (De Looze & Hirst 2008, Detecting changes in key and range for the automatic modelling and
    coding of intonation, Speech Prosody), neither outside the
    settings' range. Quartiles as Praat's "Get quantile".

    Args:
        sound: the output, ``[time]``, one channel.
        sample_rate_hz: its rate.
        settings: :class:`~wavegan_tf.analysis.settings.AcousticSettings`.

    Returns:
        Floor and ceiling in Hz; the settings' where nothing is voiced, or can be analysed.

    Raises:
        ValueError: ``sound`` is not ``[time]``.
    """
    sound = one_channel(sound)
    limits = layer_limits(sample_rate_hz, settings)
    fixed_hz = (settings.f0_floor_hz, settings.f0_ceiling_hz)
    if "f0" in missing.refused_measures(sound, len(sound) / sample_rate_hz, limits, settings):
        return fixed_hz
    _, f0_hz = praat.frames_f0(sound, sample_rate_hz, **analyses.pitch_options(settings, limits))
    voiced_hz = f0_hz[f0_hz > 0]
    if not voiced_hz.size:
        return fixed_hz
    first_hz, third_hz = np.percentile(voiced_hz, [25, 75], method="hazen")
    return max(fixed_hz[0], 0.75 * float(first_hz)), min(fixed_hz[1], 1.5 * float(third_hz))


def _points(layer, results, clipped, wanted):
    """Rows of every point, by interval and measure."""
    rows = []
    for i, interval in enumerate(layer.intervals):
        times_s, label = layer.times_s[i].tolist(), interval.label
        for measure in filter(wanted.__contains__, POINT_MEASURES[label]):
            found = results.get((i, measure)) or _refusal(layer, measure)
            unit, before = UNITS[measure], math.nan
            low, high = PLAUSIBLE.get(measure, EVERYTHING)
            for k, time_s in enumerate(times_s):
                value, flag = found.values[k], ""
                jump = measure == "f0" and _is_jump(before, value, layer.settings.octave_jump)
                if clipped[i] or jump or not low <= value <= high:
                    flag = _flag(measure, value, clipped[i], "octave jump" if jump else "")
                reason = found.reasons[k]
                rows.append(Point(i + 1, label, k + 1, time_s, measure, unit, value, reason, flag))
                before = value
    return rows


def _means(layer, results, clipped, wanted):
    """Rows of every interval, by measure."""
    rows = []
    for i, interval in enumerate(layer.intervals):
        label, start_s, end_s = interval
        of_label = POINT_MEASURES[label] + INTERVAL_MEASURES[label]
        for measure in filter(wanted.__contains__, of_label):
            found = results.get((i, measure)) or _refusal(layer, measure)
            value = float(found.mean)
            flag = _flag(measure, value, "" if measure == "duration" else clipped[i])
            unit = UNITS[measure]
            rows.append(
                Mean(i + 1, label, start_s, end_s, measure, unit, value, found.reason, flag)
            )
    return rows


def _refusal(layer, measure):
    """Make the values of a measure that is not made, all with its reason."""
    reason, n = layer.refused[measure], layer.times_s.shape[1]
    return missing.Values([math.nan] * n, [reason] * n, math.nan, reason)


def _flag(measure, value, *others):
    """Say why a value is suspect."""
    if math.isnan(value):
        return ""
    low, high = PLAUSIBLE.get(measure, EVERYTHING)
    outside = "" if low <= value <= high else f"outside {low:g} .. {high:g} {UNITS[measure]}"
    return "; ".join(filter(None, (outside, *others)))


def _is_jump(before_hz, after_hz, ratio):
    """Whether F0 changes by more than a ratio; NaN is no jump."""
    return after_hz > ratio * before_hz or before_hz > ratio * after_hz


def _is_clipped(layer, interval):
    """Whether the sound stays at full scale somewhere in an interval."""
    samples = analyses.samples_between(layer, interval.start_s, interval.end_s)
    return clipped_share(samples) > 0


def clipped_share(sound: np.ndarray) -> float:
    """Share of the samples of ``[time]`` that are in a clipped run (:data:`CLIPPED_RUN`)."""
    full = np.abs(sound) >= FULL_SCALE
    if len(full) < CLIPPED_RUN or not full.any():
        return 0.0
    runs = np.convolve(full, np.ones(CLIPPED_RUN), "valid") >= CLIPPED_RUN
    return float(np.mean(np.convolve(runs, np.ones(CLIPPED_RUN)) > 0))
