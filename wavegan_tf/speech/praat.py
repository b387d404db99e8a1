"""Praat's analyses as functions of arrays. The only file that imports parselmouth; no policy.

Sounds are float64 ``[time]``, one channel, finite. Values are asked for at ``times_s`` [points],
means over ``spans_s`` (start and end) [spans]; without them only the frames are made. Where Praat
has no value it is NaN. Each function names the Praat commands that it runs; ``options`` are the
arguments of parselmouth's method for the first, those not given Praat's defaults. Praat refuses
(PraatError) a sound not longer than its window.
"""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import parselmouth
from parselmouth.praat import call

SILENT_HNR_DB = -200.0
"""What Praat writes as the harmonicity of a frame without a periodic candidate."""

Times = Sequence[float] | np.ndarray
Spans = Sequence[tuple[float, float]] | np.ndarray

_ENERGY = parselmouth.Intensity.AveragingMethod.ENERGY
_LINEAR = parselmouth.ValueInterpolation.LINEAR


class Track(NamedTuple):
    """One measure along a sound."""

    frames_s: np.ndarray  # times of the analysis frames [frames]
    frames: np.ndarray  # their values [frames]; empty for formants and bandwidths
    step_s: float  # distance of frames
    values: np.ndarray  # at the times asked for [points]
    means: np.ndarray  # over the spans asked for [spans]; NaN for bandwidths


def version() -> str:
    """Returns the version of Praat that measures, for example ``6.1.38``."""
    return parselmouth.PRAAT_VERSION


def track_f0(
    sound: np.ndarray, rate_hz: float, times_s: Times = (), spans_s: Spans = (), **options: float
) -> Track:
    """Tracks F0 in Hz; frames are 0 where unvoiced. The window lasts 3 periods of the floor.

    "To Pitch (ac)...", "Get value at time..." (Hertz, Linear), "Get mean..." (Hertz).
    """
    ordered = dict(sorted(options.items()))  # the cache tells one order from another
    pitch = _pitch(np.asarray(sound, np.float64).tobytes(), rate_hz, **ordered)
    values = [pitch.get_value_at_time(t) for t in times_s]
    means = [call(pitch, "Get mean...", start, end, "Hertz") for start, end in spans_s]
    return _track(pitch, pitch.selected_array["frequency"], values, means)


@functools.lru_cache(maxsize=8)  # more than the layers of an output
def _pitch(samples: bytes, rate_hz: float, **options: float) -> Any:
    """Runs it once where intervals and measures ask for the same, as they do by default."""
    return _sound(np.frombuffer(samples), rate_hz).to_pitch_ac(**options)


def track_hnr(
    sound: np.ndarray, rate_hz: float, times_s: Times = (), spans_s: Spans = (), **options: float
) -> Track:
    """Tracks harmonicity in dB; silent frames are :data:`SILENT_HNR_DB`, and in no mean.

    "To Harmonicity (cc)...", "Get value at time..." (Linear, since a cubic would overshoot beside
    the -200 dB of silent frames), "Get mean...".
    """
    harmonicity = _sound(sound, rate_hz).to_harmonicity_cc(**options)
    values = [harmonicity.get_value(t, _LINEAR) for t in times_s]
    means = [call(harmonicity, "Get mean...", start, end) for start, end in spans_s]
    return _track(harmonicity, harmonicity.values[0], values, means)


def track_intensity(
    sound: np.ndarray, rate_hz: float, times_s: Times = (), spans_s: Spans = (), **options: float
) -> Track:
    """Tracks intensity in dB re 2e-5; the window lasts 6.4 periods of ``minimum_pitch``.

    "To Intensity..." (mean subtracted), "Get value at time..." (Cubic), "Get mean..." (energy).
    """
    intensity = _sound(sound, rate_hz).to_intensity(**options)
    values = [intensity.get_value(t) for t in times_s]
    means = [intensity.get_average(start, end, _ENERGY) for start, end in spans_s]
    return _track(intensity, intensity.values[0], values, means)


def track_formants(
    sound: np.ndarray, rate_hz: float, times_s: Times, spans_s: Spans, **options: float
) -> dict[str, Track]:
    """Tracks formants and bandwidths 1 to 3 in Hz: ``f1``, ``b1`` and so on.

    "To Formant (burg)...", "Get value at time...", "Get mean...", "Get bandwidth at time...".
    """
    formants = _sound(sound, rate_hz).to_formant_burg(**options)
    tracks = {}
    for k in (1, 2, 3):
        values = [formants.get_value_at_time(k, t) for t in times_s]
        means = [call(formants, "Get mean...", k, start, end, "hertz") for start, end in spans_s]
        tracks[f"f{k}"] = _track(formants, (), values, means)
        values = [formants.get_bandwidth_at_time(k, t) for t in times_s]
        tracks[f"b{k}"] = _track(formants, (), values, np.full(len(spans_s), np.nan))
    return tracks


def moments(
    sound: np.ndarray,
    rate_hz: float,
    span_s: Sequence[float],
    *,
    hanning: bool,
    subtract_mean: bool,
    ceiling_hz: float,
) -> list[float]:
    """Measures four spectral moments of a part of a sound in Hz, Hz, 1 and 1, weighted with power.

    "Extract part..." (rectangular), "Subtract mean", "Multiply by window..." (Hanning), "To
    Spectrum..." (fast), all above the ceiling set to 0, then "Get centre of gravity...", "Get
    standard deviation...", "Get skewness...", "Get kurtosis..." with power 2.
    """
    part = _part(sound, rate_hz, span_s, subtract_mean)
    if hanning:
        call(part, "Multiply by window...", "Hanning")
    spectrum = part.to_spectrum()
    if ceiling_hz < rate_hz / 2:
        spectrum.values[:, int(ceiling_hz / spectrum.dx) + 1 :] = 0
    spread = [spectrum.get_centre_of_gravity(2), spectrum.get_standard_deviation(2)]
    return [*spread, spectrum.get_skewness(2), spectrum.get_kurtosis(2)]


def cpps(
    sound: np.ndarray,
    rate_hz: float,
    span_s: Sequence[float],
    *,
    subtract_mean: bool,
    min_pitch_hz: float,
    max_pitch_hz: float,
    time_step_s: float,
    ceiling_hz: float,
) -> float:
    """Measures the smoothed cepstral peak prominence of a part of a sound, in dB.

    "Extract part...", "Subtract mean", "To PowerCepstrogram..." (lowest pitch, step, ceiling, 50),
    "Get CPPS..." ("no", 0.01, 0.001, the pitches, 0.05, "Parabolic", 0.001, 0, "Straight",
    "Robust"): the settings of Maryn & Weenink (2015, Objective dysphonia measures in the program
    Praat, Journal of Voice 29:35-43). The window lasts 6 periods of the lowest pitch.
    """
    part = _part(sound, rate_hz, span_s, subtract_mean)
    cepstrogram = call(part, "To PowerCepstrogram...", min_pitch_hz, time_step_s, ceiling_hz, 50)
    smoothing, peak = ("no", 0.01, 0.001), (min_pitch_hz, max_pitch_hz, 0.05, "Parabolic")
    return call(cepstrogram, "Get CPPS...", *smoothing, *peak, 0.001, 0, "Straight", "Robust")


def _sound(sound: np.ndarray, rate_hz: float) -> Any:
    return parselmouth.Sound(np.asarray(sound, np.float64), rate_hz)


def _part(sound: np.ndarray, rate_hz: float, span_s: Sequence[float], centred: bool) -> Any:
    part = _sound(sound, rate_hz).extract_part(*span_s)
    if centred:
        part.subtract_mean()
    return part


def _track(sampled: Any, *arrays: Any) -> Track:
    """Makes a Track of a Praat object with frames."""
    frames, values, means = (np.asarray(array, np.float64) for array in arrays)
    return Track(sampled.xs(), frames, sampled.dx, values, means)
