"""What Praat is asked for, and what the bandwidth of a layer leaves of it. Plain Python."""

import math
from dataclasses import dataclass

from wavegan_tf.analysis.measures import (
    BANDWIDTHS,
    F2_FULL_RANGE_HZ,
    FORMANTS,
    HNR_FULL_RANGE_HZ,
    MOMENTS,
    MOMENTS_FULL_RANGE_HZ,
    NEEDS_NYQUIST_HZ,
)
from wavegan_tf.analysis.options import check_options, option
from wavegan_tf.errors import InputError

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

CPPS_PERIODS = 6.0
"""Periods of the lowest pitch in the cepstrogram's window ("Sound: To PowerCepstrogram...")."""


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
        hnr_time_step_s: distance of harmonicity frames. Praat's default, 0.01.
        hnr_min_pitch_hz: lowest pitch of the harmonicity. Praat's default, 75.
        hnr_silence_threshold: frames with a peak below this share of the sound's have none.
            Praat's default, 0.1.
        hnr_periods: length of the harmonicity's window in periods of its lowest pitch. Praat's
            default, 1.
        spectrum_window_s: Hanning window of the spectral moments at a point. 20 ms, as in many
            studies of fricatives: short against a fricative, long enough for bins of 50 Hz.
        cpps_time_step_s: distance of the cepstrogram's frames. Praat's default is 0.002; 0.005 is
            2.5 times as fast, and on spoken digits differed from it by 0.16 dB at most.
        cpps_min_pitch_hz: lowest pitch whose cepstral peak is searched for. Praat's default, 60.
        cpps_max_pitch_hz: the highest. Praat's default, 330.
        cpps_ceiling_hz: highest frequency of the cepstrogram's spectra. Praat's default, 5000.
        octave_jump: neighbouring F0 values whose ratio is above this are flagged. 1.8 leaves room
            for octaves measured a little off, and no voice rises by 10 semitones from one of ten
            points of a vowel to the next.
        n_points: points of normalised time in each interval. Paper: 10 (ciwGAN: 40).
        center: whether the mean is subtracted before the measures of
            :data:`wavegan_tf.analysis.measures.CENTRED`. The paper did not.

    Raises:
        InputError: a value breaks its rule; the message names the flag.
    """

    f0_floor_hz: float = 60.0
    f0_ceiling_hz: float = 300.0
    pitch_time_step_s: float = option(
        0.005, "pitch_time_step", "Distance of pitch frames, s.", 1e-4, 0.1, "s"
    )
    silence_threshold: float = option(
        0.03, "silence_threshold", "Frames below this share of the peak: unvoiced.", 0, 1
    )
    voicing_threshold: float = option(
        0.45, "voicing_threshold", "Frames of a lower autocorrelation: unvoiced.", 0, 1
    )
    intensity_min_pitch_hz: float = option(
        100.0, "intensity_min_pitch", "Sets the intensity window, Hz.", 1, 10_000, "Hz"
    )
    formant_ceiling_hz: float = option(
        5500.0, "formant_ceiling", "Top of the range searched for formants, Hz.", 1e3, 50_000, "Hz"
    )
    n_formants: float = option(
        5.0, "n_formants", "Formants searched below the ceiling, in steps of 0.5.", 1, 10
    )
    formant_window_s: float = option(
        0.025, "formant_window", "Effective length of the formants' window, s.", 0.005, 0.1, "s"
    )
    pre_emphasis_from_hz: float = option(
        50.0, "pre_emphasis_from", "+6 dB per octave above this, formants, Hz.", 1, 50_000, "Hz"
    )
    hnr_time_step_s: float = option(
        0.01, "hnr_time_step", "Distance of harmonicity frames, s.", 1e-3, 0.1, "s"
    )
    hnr_min_pitch_hz: float = option(
        75.0, "hnr_min_pitch", "Lowest pitch of the harmonicity, Hz.", 5, 1_000, "Hz"
    )
    hnr_silence_threshold: float = option(
        0.1, "hnr_silence_threshold", "Frames below this share of the peak: no harmonicity.", 0, 1
    )
    hnr_periods: float = option(
        1.0, "hnr_periods", "Periods of the lowest pitch in the harmonicity's window.", 0.5, 10
    )
    spectrum_window_s: float = option(
        0.02, "spectrum_window", "Window of the spectral moments at a point, s.", 0.002, 0.5, "s"
    )
    cpps_time_step_s: float = option(
        0.005, "cpps_time_step", "Distance of frames of the cepstrogram, s.", 1e-3, 0.1, "s"
    )
    cpps_min_pitch_hz: float = option(
        60.0, "cpps_min_pitch", "Lowest pitch of the cepstral peak, Hz.", 20, 1_000, "Hz"
    )
    cpps_max_pitch_hz: float = option(
        330.0, "cpps_max_pitch", "Highest pitch of the cepstral peak, Hz.", 20, 2_000, "Hz"
    )
    cpps_ceiling_hz: float = option(
        5000.0, "cpps_ceiling", "Highest frequency of the cepstrogram, Hz.", 1e3, 50_000, "Hz"
    )
    octave_jump: float = option(
        1.8, "octave_jump", "Neighbouring F0 of a ratio above this are flagged.", 1.1, 10
    )
    n_points: int = option(10, "n_points", "Points of normalised time per interval.", 1, 10_000)
    center: bool = True

    def __post_init__(self):
        """Check every value."""
        if not 0 < self.f0_floor_hz < self.f0_ceiling_hz < math.inf:
            raise InputError(
                f"--f0_range={self.f0_floor_hz:g},{self.f0_ceiling_hz:g}: the floor must be above "
                "0 Hz and below the ceiling; for example --f0_range=60,300"
            )
        check_options(self)
        if self.cpps_max_pitch_hz <= self.cpps_min_pitch_hz:
            raise InputError(
                f"--cpps_max_pitch={self.cpps_max_pitch_hz:g}: must be above "
                f"--cpps_min_pitch={self.cpps_min_pitch_hz:g}"
            )
        if 2 * self.n_formants != int(2 * self.n_formants):
            raise InputError(f"--n_formants={self.n_formants:g}: must be a multiple of 0.5")
        # Praat needs more samples, at twice the ceiling, than poles, two for each formant.
        if 2 * self.formant_window_s * self.formant_ceiling_hz < self.n_formants + 2:
            raise InputError(
                f"--formant_window={self.formant_window_s:g}: too short for "
                f"--n_formants={self.n_formants:g} below {self.formant_ceiling_hz:g} Hz; lengthen "
                "the window or ask for fewer formants"
            )


@dataclass(frozen=True)
class LayerLimits:
    """What the bandwidth of a layer leaves of the settings.

    Attributes:
        f0_ceiling_hz: the setting, or the layer's Nyquist frequency where that is lower.
        formant_ceiling_hz: likewise.
        n_formants: formants searched below that ceiling, as dense as in the settings, to the
            nearest half, at least one.
        cpps_ceiling_hz: like the other ceilings.
        spectrum_ceiling_hz: the layer's Nyquist frequency; spectral moments leave out what stands
            above it, the mirror images that upsampling makes.
        forbidden: measures that the layer cannot carry, each with the reason.
        warnings: sentences on measures that are made in a narrower range than was asked for.
    """

    f0_ceiling_hz: float
    formant_ceiling_hz: float
    n_formants: float
    cpps_ceiling_hz: float
    spectrum_ceiling_hz: float
    forbidden: dict[str, str]
    warnings: tuple[str, ...]


def layer_limits(layer_rate_hz: float, settings: AcousticSettings) -> LayerLimits:
    """Work out which measures a layer can carry (nothing stands above its Nyquist frequency).

    Args:
        layer_rate_hz: the layer's own rate: its length over the duration of the output.
        settings: :class:`AcousticSettings`.

    Returns:
        :class:`LayerLimits`.
    """
    nyquist_hz = layer_rate_hz / 2
    forbidden = _forbidden(nyquist_hz, settings)
    formant_ceiling_hz = min(settings.formant_ceiling_hz, nyquist_hz)
    share = formant_ceiling_hz / settings.formant_ceiling_hz
    return LayerLimits(
        f0_ceiling_hz=min(settings.f0_ceiling_hz, nyquist_hz),
        formant_ceiling_hz=formant_ceiling_hz,
        n_formants=max(1.0, round(2 * settings.n_formants * share) / 2),
        cpps_ceiling_hz=min(settings.cpps_ceiling_hz, nyquist_hz),
        spectrum_ceiling_hz=nyquist_hz,
        forbidden=forbidden,
        warnings=tuple(_warnings(layer_rate_hz, forbidden, settings)),
    )


def _forbidden(nyquist_hz, settings):
    """Map each measure that a layer cannot carry to the reason."""
    forbidden = {}
    if nyquist_hz <= settings.f0_floor_hz:
        forbidden["f0"] = forbidden["voiced_share"] = (
            f"the layer's Nyquist, {nyquist_hz:g} Hz, is not above the F0 floor, "
            f"{settings.f0_floor_hz:g} Hz"
        )
    if nyquist_hz <= 2 * settings.hnr_min_pitch_hz:
        forbidden["hnr"] = (
            f"the layer's Nyquist, {nyquist_hz:g} Hz, is not above the second harmonic of the "
            f"harmonicity's lowest pitch, {2 * settings.hnr_min_pitch_hz:g} Hz"
        )
    for measure, needed_hz in NEEDS_NYQUIST_HZ.items():
        if nyquist_hz < needed_hz:
            name = measure.upper() if measure in (*FORMANTS, *BANDWIDTHS) else measure
            forbidden[measure] = (
                f"the layer's Nyquist, {nyquist_hz:g} Hz, is below the {needed_hz:g} Hz that "
                f"{name} needs"
            )
    return forbidden


def _warnings(layer_rate_hz, forbidden, settings):
    """Yield a sentence on each measure that a layer narrows without forbidding it."""
    nyquist_hz = layer_rate_hz / 2
    if "f0" not in forbidden and nyquist_hz < settings.f0_ceiling_hz:
        yield (
            f"f0: ceiling lowered from {settings.f0_ceiling_hz:g} Hz to the layer's Nyquist, "
            f"{nyquist_hz:g} Hz"
        )
    sparse_hz = layer_rate_hz / MIN_PERIOD_SAMPLES
    if "f0" not in forbidden and sparse_hz < settings.f0_ceiling_hz:
        yield (
            f"f0: above {sparse_hz:g} Hz a period has fewer than {MIN_PERIOD_SAMPLES} samples of "
            "the layer, and linear upsampling can make Praat read F0 an octave or more too low"
        )
    window_s = INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    if window_s * layer_rate_hz < MIN_INTENSITY_SAMPLES:
        yield (
            f"intensity: the window of {window_s:g} s holds {window_s * layer_rate_hz:.2g} samples "
            "of the layer; it follows the slope of the series more than a vibration"
        )
    if "f2" not in forbidden and nyquist_hz < F2_FULL_RANGE_HZ:
        yield (
            f"f2: the layer's Nyquist, {nyquist_hz:g} Hz, is below the F2 of front vowels, up to "
            f"{F2_FULL_RANGE_HZ:g} Hz"
        )
    if "hnr" not in forbidden and nyquist_hz < HNR_FULL_RANGE_HZ:
        yield (
            f"hnr: without noise and harmonics above the layer's Nyquist, {nyquist_hz:g} Hz, it "
            "does not compare with the output's in dB"
        )
    if "cog" not in forbidden and nyquist_hz < MOMENTS_FULL_RANGE_HZ:
        yield (
            f"{', '.join(MOMENTS)}: of the spectrum up to the layer's Nyquist, {nyquist_hz:g} Hz; "
            f"fricatives reach {MOMENTS_FULL_RANGE_HZ:g} Hz and more"
        )
    if "cpps" not in forbidden and nyquist_hz < settings.cpps_ceiling_hz:
        yield (
            f"cpps: ceiling lowered from {settings.cpps_ceiling_hz:g} Hz to the layer's Nyquist, "
            f"{nyquist_hz:g} Hz; its dB do not compare with those of a full spectrum"
        )
