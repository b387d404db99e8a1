"""Praat's analyses as functions of arrays. The only file that imports parselmouth; no policy.

Sounds are float64 ``[time]``, one channel, finite; where Praat has no value it is NaN. Each
function names the Praat command that it runs; arguments that are not given are Praat's defaults.
"""

import functools
from typing import NamedTuple

import numpy as np
import parselmouth
from parselmouth.praat import call

SILENT_HNR_DB = -200.0
"""What Praat writes as the harmonicity of a frame without a periodic candidate."""

_ENERGY = parselmouth.Intensity.AveragingMethod.ENERGY
_LINEAR = parselmouth.ValueInterpolation.LINEAR


class Track(NamedTuple):
    """One measure along a sound.

    Attributes:
        frames: the values of the analysis frames, ``[frames]``; empty for formants and bandwidths.
        n_frames: how many there are.
        first_s: the time of the first frame.
        step_s: the distance of frames.
        values: at the times asked for, ``[points]``.
        means: over the spans asked for, ``[spans]``; NaN for bandwidths, of which Praat has none.
    """

    frames: np.ndarray
    n_frames: int
    first_s: float
    step_s: float
    values: np.ndarray
    means: np.ndarray


def version() -> str:
    """Return the version of Praat that measures, for example ``6.1.38``."""
    return parselmouth.PRAAT_VERSION


def frames_f0(
    sound, sample_rate_hz, floor_hz, ceiling_hz, time_step_s, silence_threshold, voicing_threshold
):
    """Return the frames of "To Pitch (ac)...", Praat's raw autocorrelation.

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        floor_hz: the lowest F0; the window lasts three periods of it.
        ceiling_hz: the highest F0.
        time_step_s: distance of frames.
        silence_threshold: frames with a peak below this share of the sound's are unvoiced.
        voicing_threshold: frames of a lower autocorrelation are unvoiced.

    Returns:
        Times in s and F0 in Hz, 0 where unvoiced, both ``[frames]``.

    Raises:
        parselmouth.PraatError: the sound is not longer than the window.
    """
    given = (floor_hz, ceiling_hz, time_step_s, silence_threshold, voicing_threshold)
    pitch = _pitch(sound, sample_rate_hz, *given)
    return pitch.xs(), pitch.selected_array["frequency"]


def frames_hnr(
    sound, sample_rate_hz, time_step_s, min_pitch_hz, silence_threshold, periods_per_window
):
    """Return the frames of "To Harmonicity (cc)...".

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        time_step_s: distance of frames.
        min_pitch_hz: the lowest pitch that is looked for.
        silence_threshold: frames with a peak below this share of the sound's are silent.
        periods_per_window: length of the window in periods of that pitch.

    Returns:
        Times in s and harmonicity in dB, :data:`SILENT_HNR_DB` where silent, both ``[frames]``.

    Raises:
        parselmouth.PraatError: the sound is not longer than 1 + ``periods_per_window`` periods.
    """
    given = (time_step_s, min_pitch_hz, silence_threshold, periods_per_window)
    harmonicity = _harmonicity(sound, sample_rate_hz, *given)
    return harmonicity.xs(), harmonicity.values[0]


def frames_intensity(sound, sample_rate_hz, min_pitch_hz, time_step_s):
    """Return the frames of "To Intensity...", the mean of each window subtracted.

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        min_pitch_hz: sets the window, 6.4 periods of it.
        time_step_s: distance of frames; None for Praat's, 0.8 / ``min_pitch_hz``.

    Returns:
        Times in s and intensity in dB re 2e-5, both ``[frames]``.

    Raises:
        parselmouth.PraatError: the sound is not longer than the window.
    """
    intensity = _sound(sound, sample_rate_hz).to_intensity(min_pitch_hz, time_step_s)
    return intensity.xs(), intensity.values[0]


def track_f0(sound, sample_rate_hz, times_s, spans_s, **options) -> Track:
    """F0: "To Pitch (ac)...", "Get value at time..." (Hertz, Linear), "Get mean..." (Hertz).

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        times_s: ``[points]``.
        spans_s: pairs of start and end, ``[spans]``.
        options: the further arguments of :func:`frames_f0`, all of them, by name.

    Returns:
        A :class:`Track` in Hz; frames 0 where unvoiced.
    """
    pitch = _pitch(sound, sample_rate_hz, **options)
    return _track(
        pitch,
        pitch.selected_array["frequency"],
        [pitch.get_value_at_time(t) for t in times_s],
        [call(pitch, "Get mean...", start, end, "Hertz") for start, end in spans_s],
    )


def track_hnr(sound, sample_rate_hz, times_s, spans_s, **options) -> Track:
    """Harmonicity: "To Harmonicity (cc)...", "Get value at time..." (Linear), "Get mean...".

    Linear, since a cubic would overshoot beside the -200 dB of silent frames.

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        times_s: ``[points]``.
        spans_s: pairs of start and end, ``[spans]``.
        options: the further arguments of :func:`frames_hnr`, all of them, by name.

    Returns:
        A :class:`Track` in dB; a mean is over the frames that are not silent.
    """
    harmonicity = _harmonicity(sound, sample_rate_hz, **options)
    return _track(
        harmonicity,
        harmonicity.values[0],
        [harmonicity.get_value(t, _LINEAR) for t in times_s],
        [call(harmonicity, "Get mean...", start, end) for start, end in spans_s],
    )


def track_intensity(sound, sample_rate_hz, times_s, spans_s, *, min_pitch_hz) -> Track:
    """Intensity: "To Intensity...", "Get value at time..." (Cubic), "Get mean..." (energy).

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        times_s: ``[points]``.
        spans_s: pairs of start and end, ``[spans]``.
        min_pitch_hz: as in :func:`frames_intensity`.

    Returns:
        A :class:`Track` in dB.
    """
    intensity = _sound(sound, sample_rate_hz).to_intensity(min_pitch_hz)
    return _track(
        intensity,
        intensity.values[0],
        [intensity.get_value(t) for t in times_s],
        [intensity.get_average(start, end, _ENERGY) for start, end in spans_s],
    )


def track_formants(
    sound,
    sample_rate_hz,
    times_s,
    spans_s,
    *,
    n_formants,
    ceiling_hz,
    window_s,
    pre_emphasis_from_hz,
    numbers,
) -> dict[str, Track]:
    """Formants: "To Formant (burg)...", "Get value at time...", "Get mean...", bandwidths likewise.

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        times_s: ``[points]``.
        spans_s: pairs of start and end, ``[spans]``.
        n_formants: formants searched below the ceiling, a multiple of 0.5.
        ceiling_hz: top of the range searched.
        window_s: effective length of the window, half its physical length.
        pre_emphasis_from_hz: +6 dB per octave above this.
        numbers: the formants wanted, from 1.

    Returns:
        For number 1 ``f1`` and ``b1``, a :class:`Track` in Hz each; and so on.
    """
    formants = _sound(sound, sample_rate_hz).to_formant_burg(
        max_number_of_formants=n_formants,
        maximum_formant=ceiling_hz,
        window_length=window_s,
        pre_emphasis_from=pre_emphasis_from_hz,
    )
    tracks = {}
    for k in numbers:
        tracks[f"f{k}"] = _track(
            formants,
            (),
            [formants.get_value_at_time(k, t) for t in times_s],
            [call(formants, "Get mean...", k, start, end, "hertz") for start, end in spans_s],
        )
        bandwidths_hz = [formants.get_bandwidth_at_time(k, t) for t in times_s]
        tracks[f"b{k}"] = _track(formants, (), bandwidths_hz, np.full(len(spans_s), np.nan))
    return tracks


def moments(sound, sample_rate_hz, spans_s, *, hanning, subtract_mean, ceiling_hz) -> np.ndarray:
    """Spectral moments of parts of a sound, weighted with power.

    "Extract part..." (rectangular), "Subtract mean", "Multiply by window..." (Hanning), "To
    Spectrum..." (fast), all above the ceiling set to 0, then "Get centre of gravity...", "Get
    standard deviation...", "Get skewness...", "Get kurtosis..." with power 2.

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        spans_s: pairs of start and end, each with samples of the sound, ``[spans]``.
        hanning: whether to multiply each part by a Hanning window.
        subtract_mean: whether to subtract the mean of each part.
        ceiling_hz: the spectrum above this is left out.

    Returns:
        ``[spans, 4]``: Hz, Hz, 1, 1 (kurtosis 0 for a normal distribution).
    """
    whole = _sound(sound, sample_rate_hz)
    rows = np.empty((len(spans_s), 4))
    for row, (start_s, end_s) in zip(rows, spans_s, strict=True):
        part = whole.extract_part(start_s, end_s)
        if subtract_mean:
            part.subtract_mean()
        if hanning:
            call(part, "Multiply by window...", "Hanning")
        spectrum = part.to_spectrum()
        if ceiling_hz < sample_rate_hz / 2:
            spectrum.values[:, int(ceiling_hz / spectrum.dx) + 1 :] = 0
        row[:] = (
            spectrum.get_centre_of_gravity(2),
            spectrum.get_standard_deviation(2),
            spectrum.get_skewness(2),
            spectrum.get_kurtosis(2),
        )
    return rows


def cpps(
    sound,
    sample_rate_hz,
    span_s,
    *,
    subtract_mean,
    min_pitch_hz,
    max_pitch_hz,
    time_step_s,
    ceiling_hz,
) -> float:
    """Smoothed cepstral peak prominence of a part of a sound, in dB.

    "Extract part...", "Subtract mean", "To PowerCepstrogram..." (``min_pitch_hz``, ``time_step_s``,
    ``ceiling_hz``, 50), "Get CPPS..." ("no", 0.01, 0.001, ``min_pitch_hz``, ``max_pitch_hz``, 0.05,
    "Parabolic", 0.001, 0, "Straight", "Robust"): the settings of Maryn & Weenink (2015, Objective
    dysphonia measures in the program Praat, Journal of Voice 29:35-43).

    Args:
        sound: ``[time]``.
        sample_rate_hz: its rate.
        span_s: start and end.
        subtract_mean: whether to subtract the mean of the part.
        min_pitch_hz: the lowest pitch; the window lasts six periods of it.
        max_pitch_hz: the highest.
        time_step_s: distance of frames.
        ceiling_hz: highest frequency of the spectra.
    """
    part = _sound(sound, sample_rate_hz).extract_part(*span_s)
    if subtract_mean:
        part.subtract_mean()
    cepstrogram = call(part, "To PowerCepstrogram...", min_pitch_hz, time_step_s, ceiling_hz, 50)
    smoothing = ("no", 0.01, 0.001)
    peak = (min_pitch_hz, max_pitch_hz, 0.05, "Parabolic")
    trend = (0.001, 0, "Straight", "Robust")
    return call(cepstrogram, "Get CPPS...", *smoothing, *peak, *trend)


def _sound(sound, sample_rate_hz):
    return parselmouth.Sound(np.asarray(sound, np.float64), sample_rate_hz)


def _pitch(
    sound, sample_rate_hz, floor_hz, ceiling_hz, time_step_s, silence_threshold, voicing_threshold
):
    """Run "To Pitch (ac)..."; candidates and costs are Praat's defaults."""
    samples = np.asarray(sound, np.float64).tobytes()
    given = (floor_hz, ceiling_hz, time_step_s, silence_threshold, voicing_threshold)
    return _pitch_of_samples(samples, sample_rate_hz, *given)


@functools.lru_cache(maxsize=4)
def _pitch_of_samples(
    samples, sample_rate_hz, floor_hz, ceiling_hz, time_step_s, silence_threshold, voicing_threshold
):
    """Run it once where annotation and measures ask for the same, as they do by default."""
    return _sound(np.frombuffer(samples), sample_rate_hz).to_pitch_ac(
        time_step=time_step_s,
        pitch_floor=floor_hz,
        silence_threshold=silence_threshold,
        voicing_threshold=voicing_threshold,
        pitch_ceiling=ceiling_hz,
    )


def _harmonicity(
    sound, sample_rate_hz, time_step_s, min_pitch_hz, silence_threshold, periods_per_window
):
    """Run "To Harmonicity (cc)..."."""
    return _sound(sound, sample_rate_hz).to_harmonicity_cc(
        time_step_s, min_pitch_hz, silence_threshold, periods_per_window
    )


def _track(sampled, frames, values, means):
    """Make a Track of a Praat object with frames."""
    return Track(
        np.asarray(frames, np.float64),
        sampled.nx,
        sampled.x1,
        sampled.dx,
        np.asarray(values, np.float64),
        np.asarray(means, np.float64),
    )
