"""Praat's measures of a layer: F0, intensity and formants. The only file that imports parselmouth.

A layer's averaged series, clipped and upsampled to the rate of the output
(:func:`wavegan_tf.analysis.averages.to_sound`), is measured like a recording (Beguš & Zhou 2022,
section IV), at N points of normalised time in every voiced interval of the final output. A value
that Praat or the bandwidth of the layer cannot give is NaN with the reason.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import parselmouth

from wavegan_tf.analysis.annotation import MAX_GAP_S, MIN_DURATION_S, voiced_intervals
from wavegan_tf.errors import InputError

UNITS = {"f0": "Hz", "intensity": "dB", "f1": "Hz", "f2": "Hz", "f3": "Hz"}
"""The measures, in the order in which they are reported. Intensity is in dB re 2e-5 Pa, full scale
(1) taken as 1 Pa, as in Praat."""

FORMANT_NEEDS_HZ = {"f1": 1000.0, "f2": 2000.0, "f3": 3500.0}
"""Nyquist frequency that a layer needs for a formant. Averages of vowels reach F1 936 Hz and F3
3372 Hz (Hillenbrand et al. 1995, women). F2 reaches 2761 Hz, but the paper measures it at Conv4,
whose Nyquist is 2000 Hz: back and central vowels fit, front vowels do not; this is warned about."""

F2_FULL_RANGE_HZ = 2800.0

PITCH_PERIODS = 3.0
"""Periods of the F0 floor in Praat's pitch window (manual, "Sound: To Pitch (ac)...")."""

INTENSITY_PERIODS = 6.4
"""Periods of the minimum pitch in Praat's intensity window ("Sound: To Intensity...": the effective
length is 3.2 periods, the physical length twice that)."""

MIN_PERIOD_SAMPLES = 8
"""Periods with fewer samples of the layer than this are warned about: linear upsampling leaves
mirror images above the layer's Nyquist, which are no multiples of F0, and Praat may then prefer two
or three periods to one. On synthetic vowels, half-wave rectified and band-limited to the layer, a
tenth of all F0 values (63 .. 295 Hz) were such octave errors at 4000 and 2000 Hz, a third at 1000
and 500 Hz, and hardly any after band-limited upsampling; the paper upsamples linearly."""

MIN_INTENSITY_SAMPLES = 8
"""An intensity window with fewer samples of the layer than this is warned about."""

SILENCE_DB = -100.0
"""Below this a frame is digital silence, for which Praat writes -300 dB or the rounding of its own
arithmetic; a constant stretch is silent too, since the mean of each window is subtracted."""


NOTHING_VARIES = "silent: nothing varies within the window"


@dataclass(frozen=True)
class AcousticSettings:
    """What Praat is asked for. The defaults are the paper's for WaveGAN, else Praat's own.

    Attributes:
        f0_floor_hz: lowest F0; its window lasts 3 periods of it. Paper: 60 (ciwGAN: 75).
        f0_ceiling_hz: highest F0. Paper: 300 (ciwGAN: 450).
        pitch_time_step_s: distance of pitch frames. 5 ms, so that intervals are as precise; Praat's
            own choice, 0.75 / floor, would be 12.5 ms.
        silence_threshold: frames with a peak below this share of the sound's are unvoiced.
        voicing_threshold: frames whose autocorrelation is below this are unvoiced.
        intensity_min_pitch_hz: sets the window, 6.4 periods of it. Paper: 100.
        formant_ceiling_hz: top of the range searched for formants. Praat's default, 5500.
        n_formants: formants searched below the ceiling, in steps of 0.5. Praat's default, 5.
        formant_window_s: effective length of the formants' window. Praat's default, 0.025.
        pre_emphasis_from_hz: +6 dB per octave above this, before formants. Praat's default, 50.
        n_points: points of normalised time in each interval. Paper: 10 (ciwGAN: 40).
        max_gap_s: voiceless gaps shorter than this are closed.
        min_duration_s: voiced intervals shorter than this are dropped.

    Raises:
        InputError: a value breaks its rule; the message names the flag.
    """

    f0_floor_hz: float = 60.0
    f0_ceiling_hz: float = 300.0
    pitch_time_step_s: float = 0.005
    silence_threshold: float = 0.03
    voicing_threshold: float = 0.45
    intensity_min_pitch_hz: float = 100.0
    formant_ceiling_hz: float = 5500.0
    n_formants: float = 5.0
    formant_window_s: float = 0.025
    pre_emphasis_from_hz: float = 50.0
    n_points: int = 10
    max_gap_s: float = MAX_GAP_S
    min_duration_s: float = MIN_DURATION_S

    def __post_init__(self):
        """Check every value."""
        if not 0 < self.f0_floor_hz < self.f0_ceiling_hz < math.inf:
            raise InputError(
                f"--f0_range={self.f0_floor_hz:g},{self.f0_ceiling_hz:g}: the floor must be above "
                "0 Hz and below the ceiling; for example --f0_range=60,300"
            )
        rules = [
            ("pitch_time_step", self.pitch_time_step_s, 1e-4, 0.1, "s", 0.005),
            ("silence_threshold", self.silence_threshold, 0, 1, "", 0.03),
            ("voicing_threshold", self.voicing_threshold, 0, 1, "", 0.45),
            ("intensity_min_pitch", self.intensity_min_pitch_hz, 1, 10_000, "Hz", 100),
            ("formant_ceiling", self.formant_ceiling_hz, 1000, 50_000, "Hz", 5500),
            ("n_formants", self.n_formants, 1, 10, "", 5),
            ("formant_window", self.formant_window_s, 0.005, 0.1, "s", 0.025),
            ("pre_emphasis_from", self.pre_emphasis_from_hz, 1, 50_000, "Hz", 50),
            ("n_points", self.n_points, 1, 10_000, "", 10),
            ("max_gap", self.max_gap_s, 0, 10, "s", MAX_GAP_S),
            ("min_duration", self.min_duration_s, 0, 10, "s", MIN_DURATION_S),
        ]
        for flag, value, low, high, unit, default in rules:
            if not low <= value <= high:
                raise InputError(
                    f"--{flag}={value:g}: must be within {low:g} .. {high:g} {unit}".rstrip()
                    + f"; the default is --{flag}={default:g}"
                )
        if self.n_points != int(self.n_points):
            raise InputError(f"--n_points={self.n_points:g}: must be a whole number")
        if 2 * self.n_formants != int(2 * self.n_formants):
            raise InputError(f"--n_formants={self.n_formants:g}: must be a multiple of 0.5")
        # Praat needs more samples, at twice the ceiling, than poles, two for each formant.
        if 2 * self.formant_window_s * self.formant_ceiling_hz < self.n_formants + 2:
            raise InputError(
                f"--formant_window={self.formant_window_s:g}: too short for "
                f"--n_formants={self.n_formants:g} below {self.formant_ceiling_hz:g} Hz; lengthen "
                "the window or ask for fewer formants"
            )


class Measurement(NamedTuple):
    """One value. ``interval`` and ``point`` count from 1; ``reason`` is empty unless it is NaN."""

    interval: int
    point: int
    time_s: float
    measure: str
    unit: str
    value: float
    reason: str


@dataclass(frozen=True)
class LayerLimits:
    """What the bandwidth of a layer leaves of the settings.

    Attributes:
        f0_ceiling_hz: the setting, or the layer's Nyquist frequency where that is lower.
        formant_ceiling_hz: likewise.
        n_formants: formants searched below that ceiling, as dense as in the settings, to the
            nearest half, at least one.
        forbidden: measures that the layer cannot carry, each with the reason.
        warnings: sentences on measures that are made in a narrower range than was asked for.
    """

    f0_ceiling_hz: float
    formant_ceiling_hz: float
    n_formants: float
    forbidden: dict[str, str]
    warnings: tuple[str, ...]


def praat_version():
    """Return the version of Praat that measures, for example ``6.1.38``."""
    return parselmouth.PRAAT_VERSION


def layer_limits(layer_rate_hz, settings):
    """Work out which measures a layer can carry (nothing stands above its Nyquist frequency).

    Args:
        layer_rate_hz: the layer's own rate: its length over the duration of the output.
        settings: :class:`AcousticSettings`.

    Returns:
        :class:`LayerLimits`.
    """
    nyquist_hz = layer_rate_hz / 2
    forbidden, warnings = {}, []
    if nyquist_hz <= settings.f0_floor_hz:
        forbidden["f0"] = (
            f"the layer's Nyquist, {nyquist_hz:g} Hz, is not above the F0 floor, "
            f"{settings.f0_floor_hz:g} Hz"
        )
    elif nyquist_hz < settings.f0_ceiling_hz:
        warnings.append(
            f"f0: ceiling lowered from {settings.f0_ceiling_hz:g} Hz to the layer's Nyquist, "
            f"{nyquist_hz:g} Hz"
        )
    sparse_hz = layer_rate_hz / MIN_PERIOD_SAMPLES
    if "f0" not in forbidden and sparse_hz < settings.f0_ceiling_hz:
        warnings.append(
            f"f0: above {sparse_hz:g} Hz a period has fewer than {MIN_PERIOD_SAMPLES} samples of "
            "the layer, and linear upsampling can make Praat read F0 an octave or more too low"
        )
    window_s = INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    if window_s * layer_rate_hz < MIN_INTENSITY_SAMPLES:
        warnings.append(
            f"intensity: the window of {window_s:g} s holds {window_s * layer_rate_hz:.2g} samples "
            "of the layer; it follows the slope of the series more than a vibration"
        )
    ceiling_hz = min(settings.formant_ceiling_hz, nyquist_hz)
    for measure, needed_hz in FORMANT_NEEDS_HZ.items():
        if nyquist_hz < needed_hz:
            forbidden[measure] = (
                f"the layer's Nyquist, {nyquist_hz:g} Hz, is below the {needed_hz:g} Hz that "
                f"{measure.upper()} needs"
            )
    if FORMANT_NEEDS_HZ["f2"] <= nyquist_hz < F2_FULL_RANGE_HZ:
        warnings.append(
            f"f2: the layer's Nyquist, {nyquist_hz:g} Hz, is below the F2 of front vowels, up to "
            f"{F2_FULL_RANGE_HZ:g} Hz"
        )
    share = ceiling_hz / settings.formant_ceiling_hz
    return LayerLimits(
        f0_ceiling_hz=min(settings.f0_ceiling_hz, nyquist_hz),
        formant_ceiling_hz=ceiling_hz,
        n_formants=max(1.0, round(2 * settings.n_formants * share) / 2),
        forbidden=forbidden,
        warnings=tuple(warnings),
    )


def find_voiced_intervals(sound, sample_rate_hz, settings):
    """Find the voiced intervals of an output, on which every layer is then measured.

    Voiced is what Praat's raw autocorrelation gives an F0 to ("Sound: To Pitch (ac)..."), joined
    into intervals by :func:`wavegan_tf.analysis.annotation.voiced_intervals`.

    Args:
        sound: the output, ``[time]``, one channel. One with NaN or infinity has no intervals.
        sample_rate_hz: its sampling rate.
        settings: :class:`AcousticSettings`.

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


def measure_series(series, sample_rate_hz, layer_rate_hz, intervals, settings):
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
        settings: :class:`AcousticSettings`.

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
