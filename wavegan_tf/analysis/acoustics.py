"""Praat's measures of a layer: F0, intensity and formants. The only file that imports parselmouth.

A layer's averaged series, clipped and upsampled to the rate of the output
(:func:`wavegan_tf.analysis.averages.to_sound`), is measured like a recording (Beguš & Zhou 2022,
section IV), at N points of normalised time in every voiced interval of the final output. A value
that Praat or the bandwidth of the layer cannot give is NaN with the reason.
"""

import math
from typing import NamedTuple

import numpy as np
import parselmouth

from wavegan_tf.analysis.annotation import Interval, voiced_intervals
from wavegan_tf.analysis.settings import (
    FORMANT_NEEDS_HZ,
    INTENSITY_PERIODS,
    PITCH_PERIODS,
    AcousticSettings,
    layer_limits,
)
from wavegan_tf.errors import InputError

UNITS = {"f0": "Hz", "intensity": "dB", "f1": "Hz", "f2": "Hz", "f3": "Hz"}
"""The measures, in the order in which they are reported. Intensity is in dB re 2e-5 Pa, full scale
(1) taken as 1 Pa, as in Praat."""

SILENCE_DB = -100.0
"""Below this a frame is digital silence, for which Praat writes -300 dB or the rounding of its own
arithmetic; a constant stretch is silent too, since the mean of each window is subtracted."""


NOTHING_VARIES = "silent: nothing varies within the window"


class Measurement(NamedTuple):
    """One value. ``interval`` and ``point`` count from 1; ``reason`` is empty unless it is NaN."""

    interval: int
    point: int
    time_s: float
    measure: str
    unit: str
    value: float
    reason: str


def praat_version() -> str:
    """Return the version of Praat that measures, for example ``6.1.38``."""
    return parselmouth.PRAAT_VERSION


def find_voiced_intervals(
    sound: np.ndarray, sample_rate_hz: float, settings: AcousticSettings
) -> list[Interval]:
    """Find the voiced intervals of an output, on which every layer is then measured.

    Voiced is what Praat's raw autocorrelation gives an F0 to ("Sound: To Pitch (ac)..."), joined
    into intervals by :func:`wavegan_tf.analysis.annotation.voiced_intervals`.

    Args:
        sound: the output, ``[time]``, one channel. One with NaN or infinity has no intervals.
        sample_rate_hz: its sampling rate.
        settings: :class:`~wavegan_tf.analysis.settings.AcousticSettings`.

    Returns:
        A list of :class:`wavegan_tf.analysis.annotation.Interval`, possibly empty.

    Raises:
        InputError: the sound is not longer than the pitch window (3 periods of the F0 floor).
        ValueError: ``sound`` is not ``[time]``.
    """
    sound = _one_channel(sound)
    duration_s = len(sound) / sample_rate_hz
    if _too_short(duration_s, PITCH_PERIODS / settings.f0_floor_hz):
        raise InputError(
            f"--f0_range={settings.f0_floor_hz:g},{settings.f0_ceiling_hz:g}: a sound of "
            f"{duration_s:g} s is not longer than 3 periods of the floor; raise the floor above "
            f"{PITCH_PERIODS / duration_s:.3g} Hz"
        )
    if not np.isfinite(sound).all():
        return []
    ceiling_hz = layer_limits(sample_rate_hz, settings).f0_ceiling_hz
    pitch = _to_pitch(parselmouth.Sound(sound, sample_rate_hz), ceiling_hz, settings)
    return voiced_intervals(
        pitch.xs(),
        pitch.selected_array["frequency"] > 0,
        pitch.dx,
        settings.max_gap_s,
        settings.min_duration_s,
    )


def measure_series(
    series: np.ndarray,
    sample_rate_hz: float,
    layer_rate_hz: float,
    intervals: list[Interval],
    settings: AcousticSettings,
) -> list[Measurement]:
    """Measure a layer at N points of normalised time in each interval.

    Point k of N stands at start + (k - 0.5) / N * duration. F0: "To Pitch (ac)", between the
    settings' floor and the ceiling that :func:`layer_limits` leaves, linear interpolation between
    voiced frames. Intensity: "To Intensity", the mean of each window subtracted, cubic
    interpolation. Formants: "To Formant (burg)" after the mean of the whole series is subtracted
    (averages after ReLU have a large offset, which would be taken for a formant), linear
    interpolation; ceiling and number of formants as :func:`layer_limits` says.

    Args:
        series: the layer as a sound, ``[time]``, in -1 .. 1.
        sample_rate_hz: the rate of ``series``.
        layer_rate_hz: the layer's own rate, which limits what it carries; for the output, the same.
        intervals: :class:`wavegan_tf.analysis.annotation.Interval` s on the output.
        settings: :class:`~wavegan_tf.analysis.settings.AcousticSettings`.

    Returns:
        A list of :class:`Measurement`, by measure (the order of :data:`UNITS`), interval and point.

    Raises:
        ValueError: ``series`` is not ``[time]``.
    """
    series = _one_channel(series)
    if not intervals:
        return []
    n = int(settings.n_points)
    points = [
        (i, k, interval.start_s + (k - 0.5) / n * (interval.end_s - interval.start_s))
        for i, interval in enumerate(intervals, start=1)
        for k in range(1, n + 1)
    ]
    times_s = [time_s for _, _, time_s in points]
    columns = _measure_all(series, sample_rate_hz, layer_rate_hz, times_s, settings)
    return [
        Measurement(i, k, time_s, measure, unit, value, reason)
        for measure, unit in UNITS.items()
        for (i, k, time_s), (value, reason) in zip(points, columns[measure], strict=True)
    ]


def _measure_all(series, sample_rate_hz, layer_rate_hz, times_s, settings):
    """Map each measure to its values and reasons at ``times_s``; each Praat object is made once."""
    limits = layer_limits(layer_rate_hz, settings)
    refused = dict(limits.forbidden)
    duration_s = len(series) / sample_rate_hz
    needed_s = dict.fromkeys(FORMANT_NEEDS_HZ, 2 * settings.formant_window_s)
    needed_s["f0"] = PITCH_PERIODS / settings.f0_floor_hz
    needed_s["intensity"] = INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    n_bad = int(np.count_nonzero(~np.isfinite(series)))
    for measure in UNITS:
        if n_bad:
            refused[measure] = f"{n_bad} of {len(series)} samples are NaN or infinite"
        elif np.ptp(series) == 0:
            refused[measure] = "silent: the series is constant"
        elif _too_short(duration_s, needed_s[measure]):
            refused.setdefault(
                measure,
                f"the series lasts {duration_s:g} s, Praat needs more than {needed_s[measure]:g} s",
            )
    columns = {name: [(math.nan, reason)] * len(times_s) for name, reason in refused.items()}
    if len(refused) == len(UNITS):
        return columns
    sound = parselmouth.Sound(series, sample_rate_hz)
    if "f0" not in refused:
        pitch = _to_pitch(sound, limits.f0_ceiling_hz, settings)
        columns["f0"] = [_f0(pitch, t) for t in times_s]
    if "intensity" not in refused:
        intensity = sound.to_intensity(settings.intensity_min_pitch_hz)
        columns["intensity"] = [_intensity(intensity, t) for t in times_s]
    wanted = [name for name in FORMANT_NEEDS_HZ if name not in refused]
    if wanted:
        formants = parselmouth.Sound(series - series.mean(), sample_rate_hz).to_formant_burg(
            max_number_of_formants=limits.n_formants,
            maximum_formant=limits.formant_ceiling_hz,
            window_length=settings.formant_window_s,
            pre_emphasis_from=settings.pre_emphasis_from_hz,
        )
        reach_s = settings.formant_window_s
        still = [_is_constant(series, sample_rate_hz, t - reach_s, t + reach_s) for t in times_s]
        for name in wanted:
            columns[name] = [
                (math.nan, NOTHING_VARIES) if silent else _formant(formants, int(name[1:]), t)
                for t, silent in zip(times_s, still, strict=True)
            ]
    return columns


def _to_pitch(sound, ceiling_hz, settings):
    """Run "To Pitch (ac)"; candidates and costs are Praat's defaults."""
    return sound.to_pitch_ac(
        time_step=settings.pitch_time_step_s,
        pitch_floor=settings.f0_floor_hz,
        silence_threshold=settings.silence_threshold,
        voicing_threshold=settings.voicing_threshold,
        pitch_ceiling=ceiling_hz,
    )


def _f0(pitch, time_s):
    """Return F0 in Hz and the reason if there is none."""
    value = pitch.get_value_at_time(time_s)
    return value, _reason(value, pitch, time_s, "unvoiced")


def _intensity(intensity, time_s):
    """Return the intensity in dB and the reason if there is none."""
    frame = math.floor((time_s - intensity.x1) / intensity.dx)
    around = intensity.values[0, max(frame - 1, 0) : max(frame + 3, 0)]  # what a cubic reads
    if around.size and around.min() < SILENCE_DB:
        return math.nan, NOTHING_VARIES
    value = intensity.get_value(time_s)
    return value, _reason(value, intensity, time_s, "undefined")


def _formant(formants, number, time_s):
    """Return a formant in Hz and the reason if there is none."""
    value = formants.get_value_at_time(number, time_s)
    return value, _reason(value, formants, time_s, f"no formant {number} found")


def _reason(value, frames, time_s, otherwise):
    """Explain NaN: no frame so near the edge of the sound, or ``otherwise``."""
    if not math.isnan(value):
        return ""
    if abs(time_s - frames.centre_time) > frames.nx * frames.dx / 2:
        return "no analysis frame so near the edge of the sound"
    return otherwise


def _is_constant(series, sample_rate_hz, start_s, end_s):
    """Whether the series does not change between two times; Praat finds formants even there."""
    first = max(0, math.floor(start_s * sample_rate_hz))
    window = series[first : max(0, math.ceil(end_s * sample_rate_hz))]
    return window.size > 0 and np.ptp(window) == 0


def _one_channel(sound):
    """Return the sound as float64 ``[time]``; Praat would read ``[time, 1]`` as many channels."""
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or sound.size == 0:
        raise ValueError(f"a sound of shape {sound.shape}: it must be [time], one channel")
    return sound


def _too_short(duration_s, needed_s):
    """Whether the sound is no longer than Praat's window; at equality rounding decides there."""
    return duration_s <= needed_s * (1 + 1e-9)
