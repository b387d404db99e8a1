"""What Praat is asked for, which measures there are, and what a layer's bandwidth leaves."""

import math
from dataclasses import dataclass
from typing import Any

from wavegan_tf.errors import InputError
from wavegan_tf.options import check_options, option

UNITS = {
    "f0": "Hz", "intensity": "dB", "f1": "Hz", "f2": "Hz", "f3": "Hz", "b1": "Hz", "b2": "Hz",
    "b3": "Hz", "hnr": "dB", "cog": "Hz", "spectral_sd": "Hz", "skewness": "1", "kurtosis": "1",
    "duration": "s", "voiced_share": "1", "zcr": "1/s", "cpps": "dB",
    "vot": "s", "closure": "s", "n_bursts": "1", "burst_lag": "s", "release": "s",
}  # fmt: skip
"""Every measure with its unit, in the order in which they are reported. Intensity is in dB re 2e-5
Pa, full scale (1) taken as 1 Pa, as in Praat; hnr and cpps are ratios in dB."""

FORMANTS = ("f1", "f2", "f3")
BANDWIDTHS = ("b1", "b2", "b3")
MOMENTS = ("cog", "spectral_sd", "skewness", "kurtosis")
STOPS = ("vot", "closure", "n_bursts", "burst_lag", "release")
"""Of the stop before a voiced interval (:mod:`wavegan_tf.speech.stops`): made of outputs alone, and
only where they are asked for."""

USUAL = tuple(measure for measure in UNITS if measure not in STOPS)
"""What is measured where nothing else is asked for."""

POINT_MEASURES = {
    "voiced": ("f0", "intensity", *FORMANTS, *BANDWIDTHS, "hnr"),
    "frication": ("intensity", *MOMENTS),
    "silence": ("intensity",),
}
"""What is measured at points of normalised time, and as a mean, in intervals of each label."""

INTERVAL_MEASURES = {
    "voiced": ("duration", "voiced_share", "zcr", "cpps"),
    "frication": ("duration", "voiced_share", "zcr"),
    "silence": ("duration",),
}
"""What is measured only over an interval as a whole, beside :data:`STOPS` of voiced ones."""

STOPS_NEED_HZ = 8000.0
"""Rate of a sound whose stops are sought: bursts of [t] have their energy at 3 to 5 kHz."""

NEEDS_NYQUIST_HZ = {
    **{"f1": 1000.0, "f2": 2000.0, "f3": 3500.0, "b1": 1000.0, "b2": 2000.0, "b3": 3500.0},
    **dict.fromkeys(MOMENTS, 4000.0),
    "cpps": 2000.0,
}
"""Nyquist frequency that a layer needs for a measure; intensity, zcr and duration need none, f0
and voiced_share one above the F0 floor, hnr one above two harmonics of its lowest pitch (of one
alone it would say how narrow the layer is). Averages of vowels reach F1 936 Hz and F3 3372 Hz
(Hillenbrand et al. 1995, women). F2 reaches 2761 Hz, but the paper measures it at Conv4, whose
Nyquist is 2000 Hz: front vowels do not fit, which is warned about. The spectral mean of English
fricatives lies at 4 to 8 kHz (Jongman, Wayland & Wong 2000). A cepstral peak at 330 Hz, the highest
that is searched for, is made by the harmonics: 2000 Hz hold six."""

F2_FULL_RANGE_HZ = 2800.0
MOMENTS_FULL_RANGE_HZ = 8000.0
HNR_FULL_RANGE_HZ = 2000.0

PLAUSIBLE = {
    "f0": (60.0, 500.0), "intensity": (4.0, 94.0), "f1": (190.0, 1300.0), "f2": (560.0, 3610.0),
    "f3": (1400.0, 4380.0), **dict.fromkeys(BANDWIDTHS, (10.0, 700.0)), "hnr": (0.0, 50.0),
    "cog": (500.0, 12000.0), "cpps": (0.0, 40.0),
}  # fmt: skip
"""Values outside are kept and flagged. F0: adults and children speaking (Peterson & Barney 1952: 91
to 350 Hz, with room for low voices and emphasis). Intensity: from an RMS of one step of 16 bits
(3.7 dB) to a square wave of full scale (94 dB). Formants: the least and the greatest of Peterson &
Barney's 1520 vowels. Bandwidths: wider, a pole shapes the tilt of the spectrum; narrower, it
follows a harmonic. Harmonicity: a healthy [u] has about 40 dB (Praat manual, "Voice 4. Additive
noise"); below 0 there is more noise than voice. Centre of gravity: lower than any fricative's, it
is of voicing or hum. CPPS: speech, healthy and disordered, stays well within."""

# Periods of the lowest pitch in Praat's windows (manual: "Sound: To Pitch (ac)...", "Sound: To
# Intensity..." (twice the effective length), "Sound: To PowerCepstrogram...").
PITCH_PERIODS = 3.0
INTENSITY_PERIODS = 6.4
CPPS_PERIODS = 6.0

MIN_PERIOD_SAMPLES = 8
"""Periods with fewer samples of the layer than this are warned about: linear upsampling leaves
mirror images, and Praat may then prefer two or three periods to one. On rectified synthetic vowels
a tenth of all F0 values (63 .. 295 Hz) were such octave errors at 4000 and 2000 Hz, a third at 1000
and 500 Hz, and hardly any after band-limited upsampling."""

MIN_INTENSITY_SAMPLES = 8  # of the layer, in an intensity window; fewer are warned about


def _praat(default: float, low: float, high: float, help: str, unit: str = "") -> Any:
    return option(default, help, group="Praat", low=low, high=high, unit=unit, advanced=True)


def _interval(
    default: float, low: float, high: float, help: str, unit: str = "", flag: str | None = None
) -> Any:
    more: dict[str, Any] = {"unit": unit, "flag": flag, "advanced": flag is None}
    return option(default, help, group="Intervals", low=low, high=high, **more)


_SILENCE = "Share of the sound's peak below which frames are unvoiced. Praat's default."
_VOICING = "Autocorrelation below which a frame is unvoiced. Praat's default."


@dataclass(frozen=True)
class PraatSettings:
    """Settings of the measurements: the paper's for WaveGAN, else Praat's own defaults.

    Those without a flag are set from a file or in Python. A value that breaks its rule raises
    InputError.
    """

    # fmt: off
    f0_floor_hz: float = option(
        60.0, "Lowest F0; Praat's window lasts 3 periods of it. Paper: 60 (ciwGAN: 75).",
        group="Praat", unit="Hz", advanced=True)
    f0_ceiling_hz: float = option(
        300.0, "Highest F0. Paper: 300 (ciwGAN: 450).", group="Praat", unit="Hz", advanced=True)
    pitch_time_step_s: float = _praat(
        0.005, 1e-4, 0.1, "Distance of pitch frames; Praat's, 0.75 / floor, is longer.", "s")
    silence_threshold: float = _praat(0.03, 0, 1, _SILENCE)
    voicing_threshold: float = _praat(0.45, 0, 1, _VOICING)
    intensity_min_pitch_hz: float = _praat(
        100.0, 1, 10_000, "Pitch whose 6.4 periods are the intensity's window. Paper: 100.", "Hz")
    formant_ceiling_hz: float = _praat(
        5500.0, 1e3, 50_000, "Top of the range searched for formants. Praat's default.", "Hz")
    n_formants: float = _praat(
        5.0, 1, 10, "Formants searched below the ceiling, in steps of 0.5. Praat's default.")
    formant_window_s: float = _praat(
        0.025, 0.005, 0.1, "Effective length of the formants' window. Praat's default.", "s")
    pre_emphasis_from_hz: float = _praat(
        50.0, 1, 50_000, "Frequency above which 6 dB per octave are added. Praat's default.", "Hz")
    hnr_time_step_s: float = _praat(
        0.01, 1e-3, 0.1, "Distance of harmonicity frames. Praat's default.", "s")
    hnr_min_pitch_hz: float = _praat(
        75.0, 5, 1_000, "Lowest pitch of the harmonicity. Praat's default.", "Hz")
    hnr_silence_threshold: float = _praat(
        0.1, 0, 1, "Share of the sound's peak below which a frame has no harmonicity. Praat's.")
    hnr_periods: float = _praat(
        1.0, 0.5, 10, "Length of the harmonicity's window in periods of its lowest pitch. Praat's.")
    spectrum_window_s: float = _praat(
        0.02, 0.002, 0.5, "Hanning window of the spectral moments at a point: short against a "
        "fricative, long enough for bins of 50 Hz.", "s")
    cpps_time_step_s: float = _praat(
        0.005, 1e-3, 0.1, "Distance of the cepstrogram's frames. Praat's 0.002 takes 2.5 times as "
        "long; on spoken digits it differed by 0.16 dB at most.", "s")
    cpps_min_pitch_hz: float = _praat(
        60.0, 20, 1_000, "Lowest pitch whose cepstral peak is searched for. Praat's default.", "Hz")
    cpps_max_pitch_hz: float = _praat(
        330.0, 20, 2_000, "Highest pitch of that search. Praat's default.", "Hz")
    cpps_ceiling_hz: float = _praat(
        5000.0, 1e3, 50_000, "Highest frequency of the cepstrogram. Praat's default.", "Hz")
    octave_jump: float = _praat(
        1.8, 1.1, 10, "Ratio of neighbouring F0 values above which the later one is flagged. It "
        "leaves room for octaves that are measured a little off; no voice rises so far between two "
        "points.")
    n_points: int = option(
        10, "Number of points in the normalised time of each interval. In the paper: 10 (ciwGAN: "
        "40).",
        group="Praat", low=1, high=10_000)
    center: bool = option(
        True, "Subtract the mean before formants, spectral moments, zero crossings and cepstra are "
        "measured, because an offset would ruin them. The paper did not.", group="Praat")
    # fmt: on

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)
        floor_hz, ceiling_hz = self.f0_floor_hz, self.f0_ceiling_hz
        if not 0 < floor_hz < ceiling_hz < math.inf:
            raise InputError(
                f"--f0_range={floor_hz:g},{ceiling_hz:g}: the floor must be above 0 Hz and below "
                "the ceiling; for example --f0_range=60,300"
            )
        if self.cpps_max_pitch_hz <= self.cpps_min_pitch_hz:
            raise InputError(
                f"cpps_max_pitch_hz={self.cpps_max_pitch_hz:g}: must be above "
                f"cpps_min_pitch_hz={self.cpps_min_pitch_hz:g}"
            )
        if 2 * self.n_formants != int(2 * self.n_formants):
            raise InputError(f"n_formants={self.n_formants:g}: must be a multiple of 0.5")
        # Praat needs more samples, at twice the ceiling, than poles, two for each formant.
        if 2 * self.formant_window_s * self.formant_ceiling_hz < self.n_formants + 2:
            raise InputError(
                f"formant_window_s={self.formant_window_s:g}: too short for n_formants="
                f"{self.n_formants:g} below {self.formant_ceiling_hz:g} Hz; lengthen the window or "
                "ask for fewer formants"
            )


@dataclass(frozen=True)
class IntervalSettings:
    """Settings that say what is voiced, frication and silence.

    The thresholds without a source were set on 8 kHz recordings of digits by four speakers (Free
    Spoken Digit Dataset). Before the first vowel the frames of [s] in "six" and "seven" stand 16 to
    44 dB below the loudest one; in the median 0.65 to 0.95 of their energy lies above 1500 Hz, of
    [f] 0.1 to 0.7, of [th] 0.4 to 0.7. Nine in ten voiced frames have less than 0.35.
    """

    # fmt: off
    voicing_floor_hz: float = _interval(
        60.0, 1, 1000, "Lowest F0 of voiced intervals, in Hz. In the paper (WaveGAN): 60.", "Hz",
        "voicing_floor")
    voicing_ceiling_hz: float = _interval(
        300.0, 1, 10_000, "Highest F0 of voiced intervals, in Hz. In the paper (WaveGAN): 300.",
        "Hz", "voicing_ceiling")
    time_step_s: float = _interval(
        0.005, 1e-4, 0.1, "Distance of frames, the grain of every boundary.", "s")
    silence_threshold: float = _interval(0.03, 0, 1, _SILENCE)
    voicing_threshold: float = _interval(0.45, 0, 1, _VOICING)
    min_hnr_db: float = _interval(
        0.0, -100, 100, "Least harmonicity of voice: voiced stretches lose the frames that stay "
        "below it for max_gap_s or longer. 0 dB means as much noise as voice.", "dB")
    max_gap_s: float = _interval(
        0.025, 0, 10, "Length in seconds below which a gap between two intervals of one label is "
        "closed. Creak or a jump of F0 is shorter than 0.025 s; a voiceless stop is longer.",
        "s", "max_gap")
    min_duration_s: float = _interval(
        0.05, 0, 10, "Least duration of voiced intervals: Praat's window at a floor of 60 Hz; "
        "shorter runs are mostly noise that was called voiced by chance.", "s")
    silence_level_db: float = _interval(
        -45.0, -300, 0, "Level, relative to the loudest frame, below which frames are silent. At "
        "-45 the weakest [s] are not silent; at -35 most [s] of one speaker were.", "dB")
    level_min_pitch_hz: float = _interval(
        200.0, 10, 10_000, "Pitch whose 6.4 periods are the window of the level. Praat's default "
        "of 100 would fill the closure of a stop from both sides.", "Hz")
    frication_above_hz: float = _interval(
        1500.0, 1, 50_000, "Frequency in Hz above which frication has its energy, unlike voice and "
        "hum. With 2000, more of the [f] and [th] were lost.", "Hz", "frication_above")
    frication_share: float = _interval(
        0.5, 0, 1, "Least share of the energy of frication above that frequency. At 0.3 (and 2000 "
        "Hz) the fading noise at the end of a Generator's outputs was called frication too.")
    min_frication_s: float = _interval(
        0.03, 0, 10, "Least duration of frication; the bursts of stops are shorter.", "s")
    min_silence_s: float = _interval(
        0.03, 0, 10, "Least duration of silence; closures of stops last longer as a rule.", "s")
    # fmt: on

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)
        if self.voicing_floor_hz >= self.voicing_ceiling_hz:
            raise InputError(
                f"--voicing_floor={self.voicing_floor_hz:g}: must be below "
                f"--voicing_ceiling={self.voicing_ceiling_hz:g}; for example 60 and 300"
            )


PRAAT, INTERVALS = PraatSettings(), IntervalSettings()
"""The defaults."""


@dataclass(frozen=True)
class LayerLimits:
    """What the bandwidth of a layer leaves of the settings: ceilings at most its Nyquist."""

    f0_ceiling_hz: float
    formant_ceiling_hz: float
    n_formants: float  # as dense below that ceiling as in the settings, in halves, at least one
    cpps_ceiling_hz: float
    spectrum_ceiling_hz: float  # above it stand mirror images of upsampling, left out of moments
    forbidden: dict[str, str]  # measures that the layer cannot carry, each with the reason
    warnings: tuple[str, ...]  # on measures made in a narrower range than was asked for


def layer_limits(layer_rate_hz: float, settings: PraatSettings) -> LayerLimits:
    """Works out which measures a layer of a rate of its own can carry, below its Nyquist."""
    nyquist_hz, least_hz = layer_rate_hz / 2, 2 * settings.hnr_min_pitch_hz
    its_nyquist = f"the layer's Nyquist, {nyquist_hz:g} Hz"
    forbidden = {}
    if nyquist_hz <= settings.f0_floor_hz:
        reason = f"{its_nyquist}, is not above the F0 floor, {settings.f0_floor_hz:g} Hz"
        forbidden["f0"] = forbidden["voiced_share"] = reason
    if nyquist_hz <= least_hz:
        forbidden["hnr"] = (
            f"{its_nyquist}, is not above the second harmonic of the harmonicity's lowest pitch, "
            f"{least_hz:g} Hz"
        )
    for measure, needed_hz in NEEDS_NYQUIST_HZ.items():
        if nyquist_hz < needed_hz:
            name = measure.upper() if measure in (*FORMANTS, *BANDWIDTHS) else measure
            forbidden[measure] = f"{its_nyquist}, is below the {needed_hz:g} Hz that {name} needs"
    sparse_hz = layer_rate_hz / MIN_PERIOD_SAMPLES
    window_s = INTENSITY_PERIODS / settings.intensity_min_pitch_hz
    held = window_s * layer_rate_hz
    narrowed = [
        ("f0", nyquist_hz < settings.f0_ceiling_hz,
         f"ceiling lowered from {settings.f0_ceiling_hz:g} Hz to {its_nyquist}"),
        ("f0", sparse_hz < settings.f0_ceiling_hz,
         f"above {sparse_hz:g} Hz a period has fewer than {MIN_PERIOD_SAMPLES} samples of the "
         "layer, and linear upsampling can make Praat read F0 an octave or more too low"),
        ("intensity", held < MIN_INTENSITY_SAMPLES,
         f"the window of {window_s:g} s holds {held:.2g} samples of the layer, so intensity "
         "follows the slope of the series more than a vibration"),
        ("f2", nyquist_hz < F2_FULL_RANGE_HZ,
         f"{its_nyquist}, is below the F2 of front vowels, up to {F2_FULL_RANGE_HZ:g} Hz"),
        ("hnr", nyquist_hz < HNR_FULL_RANGE_HZ,
         f"noise and harmonics above {its_nyquist}, are missing, so its dB cannot be compared with "
         "the output's"),
        (", ".join(MOMENTS), nyquist_hz < MOMENTS_FULL_RANGE_HZ,
         f"of the spectrum up to {its_nyquist}; fricatives reach {MOMENTS_FULL_RANGE_HZ:g} Hz and "
         "more"),
        ("cpps", nyquist_hz < settings.cpps_ceiling_hz,
         f"ceiling lowered from {settings.cpps_ceiling_hz:g} Hz to {its_nyquist}; its dB cannot be "
         "compared with those of a full spectrum"),
    ]  # fmt: skip
    formant_ceiling_hz = min(settings.formant_ceiling_hz, nyquist_hz)
    share = formant_ceiling_hz / settings.formant_ceiling_hz
    return LayerLimits(
        f0_ceiling_hz=min(settings.f0_ceiling_hz, nyquist_hz),
        formant_ceiling_hz=formant_ceiling_hz,
        n_formants=max(1.0, round(2 * settings.n_formants * share) / 2),
        cpps_ceiling_hz=min(settings.cpps_ceiling_hz, nyquist_hz),
        spectrum_ceiling_hz=nyquist_hz,
        forbidden=forbidden,
        warnings=tuple(
            f"{name}: {text}"
            for name, is_so, text in narrowed
            if is_so and name.split(",")[0] not in forbidden
        ),
    )
