"""One layer under measurement, and why a value of it is missing."""

import math
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis.measures import BANDWIDTHS, FORMANTS, UNITS
from wavegan_tf.analysis.settings import (
    INTENSITY_PERIODS,
    PITCH_PERIODS,
    AcousticSettings,
    LayerLimits,
)

NOTHING_VARIES = "silent: nothing varies within the window"
AT_THE_EDGE = "no analysis frame so near the edge of the sound"
NO_HARMONICITY = "no harmonicity: no period, or quieter than --hnr_silence_threshold of the peak"
NO_FRAMES = "no analysis frame in the interval"


class Values(NamedTuple):
    """A measure in one interval: ``values`` and ``reasons`` [points], ``mean`` and its reason."""

    values: list
    reasons: list
    mean: float
    reason: str


class Layer(NamedTuple):
    """What the analyses of a layer share.

    Attributes:
        sound: ``[time]``, in -1 .. 1.
        rate_hz: its rate.
        settings: of the measurements.
        limits: what the layer's bandwidth leaves of them.
        refused: measures that cannot be made anywhere in the sound, each with the reason.
        intervals: those of the target.
        times_s: of the points, ``[intervals, points]``.
    """

    sound: np.ndarray
    rate_hz: float
    settings: AcousticSettings
    limits: LayerLimits
    refused: dict
    intervals: list
    times_s: np.ndarray


def refused_measures(sound, duration_s, limits, settings):
    """Map each measure that cannot be made anywhere in the sound to the reason.

    Args:
        sound: ``[time]``.
        duration_s: its duration.
        limits: :class:`~wavegan_tf.analysis.settings.LayerLimits`.
        settings: :class:`~wavegan_tf.analysis.settings.AcousticSettings`.
    """
    needed_s = dict.fromkeys((*FORMANTS, *BANDWIDTHS), 2 * settings.formant_window_s)
    needed_s["f0"] = needed_s["voiced_share"] = PITCH_PERIODS / settings.f0_floor_hz
    needed_s["hnr"] = (1 + settings.hnr_periods) / settings.hnr_min_pitch_hz
    needed_s["intensity"] = INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    n_bad = int(np.count_nonzero(~np.isfinite(sound)))
    if n_bad or np.ptp(sound) == 0:
        reason = "silent: the series is constant"
        if n_bad:
            reason = f"{n_bad} of {len(sound)} samples are NaN or infinite"
        return dict.fromkeys((measure for measure in UNITS if measure != "duration"), reason)
    refused = dict(limits.forbidden)
    for measure, seconds in needed_s.items():
        # At equality rounding decides in Praat.
        if duration_s <= seconds * (1 + 1e-9):
            reason = f"the series lasts {duration_s:g} s, Praat needs more than {seconds:g} s"
            refused.setdefault(measure, reason)
    return refused


def values_of(layer, chosen, measure, track, otherwise, quiet=None, why_quiet=""):
    """Values of a track with the reasons where there are none, by interval.

    ``quiet``: masks of points and of intervals that are to be NaN for the reason ``why_quiet``.
    """
    times_s, spans_s = places(layer, chosen)
    first_s = track.first_s - track.step_s / 2
    last_s = first_s + track.n_frames * track.step_s
    outside = (times_s < first_s) | (times_s > last_s)
    spans = (np.array(spans_s) - track.first_s) / track.step_s  # in frames
    first, last = np.ceil(spans[:, 0]), np.floor(spans[:, 1])
    no_frames = np.maximum(first, 0) > np.minimum(last, track.n_frames - 1)
    still, still_spans = quiet or (np.zeros(len(times_s), bool), np.zeros(len(chosen), bool))
    values = np.where(still, math.nan, track.values).tolist()
    means = np.where(still_spans, math.nan, track.means).tolist()
    reasons = _reasons(values, still, why_quiet, outside, AT_THE_EDGE, otherwise)
    why = _reasons(means, still_spans, why_quiet, no_frames, NO_FRAMES, otherwise)
    n = len(times_s) // len(chosen)
    return {
        (i, measure): Values(
            values[k * n : k * n + n], reasons[k * n : k * n + n], means[k], why[k]
        )
        for k, i in enumerate(chosen)
    }


def _reasons(values, quiet, why_quiet, outside, why_outside, otherwise):
    """Of each value the reason why it is NaN, else nothing."""
    return [
        "" if not math.isnan(value) else why_quiet if q else why_outside if o else otherwise
        for value, q, o in zip(values, quiet.tolist(), outside.tolist(), strict=True)
    ]


def over_interval(value, reason):
    """Make the values of a measure that only an interval has."""
    return Values([], [], float(value), reason if math.isnan(value) else "")


def reads_any(track, times_s, bad, n):
    """Whether an interpolation over ``n`` frames on either side of each time reads a bad one."""
    left = np.floor((times_s - track.first_s) / track.step_s).astype(int)
    reads = np.zeros(len(times_s), bool)
    for k in range(1 - n, n + 1):
        inside = (left + k >= 0) & (left + k < track.n_frames)
        reads[inside] |= bad[(left + k)[inside]]
    return reads


def with_labels(layer, *labels):
    """Numbers from 0 of the intervals with one of the labels."""
    return [i for i, interval in enumerate(layer.intervals) if interval.label in labels]


def places(layer, chosen):
    """Times of all points [points] and (start, end) of intervals."""
    spans_s = [(layer.intervals[i].start_s, layer.intervals[i].end_s) for i in chosen]
    return layer.times_s[chosen].ravel(), spans_s


def samples_between(layer, start_s, end_s):
    """Return the samples that stand between two times; sample i stands at (i + 0.5) / rate."""
    first = max(0, math.ceil(start_s * layer.rate_hz - 0.5))
    return layer.sound[first : max(0, math.floor(end_s * layer.rate_hz - 0.5) + 1)]


def is_constant(layer, start_s, end_s):
    """Whether the sound does not change between two times."""
    samples = samples_between(layer, start_s, end_s)
    return samples.size > 1 and np.ptp(samples) == 0
