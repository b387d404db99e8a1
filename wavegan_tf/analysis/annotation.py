"""Intervals on the time axis of the output, which every layer is measured on.

Voiced, frication and silence are found from Praat's pitch, harmonicity and intensity, and from the
share of the energy that lies high. All decisions are relative to the sound's own maximum and feel
no offset, so that the average of a layer can be annotated like an output.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.options import check_options, option
from wavegan_tf.analysis.settings import INTENSITY_PERIODS, PITCH_PERIODS
from wavegan_tf.errors import InputError

LABELS = ("voiced", "frication", "silence")
"""What an interval can be. A stretch that is none of them has no interval: weak noise of no high
frequency, such as breath, reverberation or a stop's burst."""

MAX_GAP_S = 0.025
"""Voiceless gaps shorter than this are closed. A frame or two lost to creak or to a jump of F0 is
shorter; a voiceless stop with its closure and release is longer."""

MIN_DURATION_S = 0.05
"""Voiced intervals shorter than this are dropped. It is Praat's analysis window at an F0 floor of
60 Hz (3 periods); shorter runs are mostly noise that was called voiced by chance."""

SPECTRUM_WINDOW_S = 0.016
"""Hann window of the high-frequency share: resolves 125 Hz, and shorter than any fricative."""

HNR_STEP_S = 0.01
"""Distance of harmonicity frames, Praat's default (manual, "Sound: To Harmonicity (cc)..."): it
takes Praat longer than the pitch, and no decision needs it finer."""

ROUNDING = 4 * float(np.finfo(np.float32).eps)
"""A sound that varies by less than this share of its largest sample is constant: outputs and
averages are float32."""


class Interval(NamedTuple):
    """A labelled stretch of time, in seconds from the start of the sound."""

    label: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class AnnotationSettings:
    """What is voiced, frication and silence. Defaults: the paper's and Praat's, else see below.

    The thresholds without a source were set on 8 kHz recordings of digits by four speakers (Free
    Spoken Digit Dataset). Before the first vowel the frames of [s] in "six" and "seven" stand 16 to
    44 dB below the loudest one; in the median 0.65 to 0.95 of their energy lies above 1500 Hz, of
    the weaker [f] 0.1 to 0.7, of the [th] of "three" 0.4 to 0.7. Nine in ten voiced frames have
    less than 0.35, and so has most reverberation.

    Attributes:
        voicing_floor_hz: lowest F0 of a voiced stretch; Praat's window lasts 3 periods of it. Paper
            (WaveGAN): 60.
        voicing_ceiling_hz: highest F0. Paper (WaveGAN): 300.
        time_step_s: distance of frames, the grain of every boundary. Praat's own choice, 0.75 /
            floor, would be 12.5 ms.
        silence_threshold: frames whose peak is below this share of the sound's are unvoiced.
            Praat's default for pitch, 0.03.
        voicing_threshold: frames whose autocorrelation is below this are unvoiced. Praat's, 0.45.
        min_hnr_db: voiced stretches lose frames whose harmonicity stays below this for max_gap_s
            or longer. 0 dB: as much noise as voice.
        max_gap_s: gaps shorter than this within a label are closed, see :data:`MAX_GAP_S`.
        min_duration_s: shorter voiced intervals are dropped, see :data:`MIN_DURATION_S`.
        silence_level_db: frames this far below the loudest are silent. At -45 dB the weakest [s]
            are not; at -35 dB most of one speaker's were.
        level_min_pitch_hz: sets the window of the level, 6.4 periods of it. 200 Hz, 32 ms: Praat's
            default of 100 Hz would fill the closure of a stop from both sides.
        frication_above_hz: frication has its energy above this. [s] and [sh] do, also where a
            recording ends at 4000 Hz; voice and hum do not. 2000 Hz lost more of the [f] and [th].
        frication_share: least share of the energy above it. 0.5: most of it. At 0.3 (of 2000 Hz)
            the fading noise at the end of a Generator's outputs was called frication too.
        min_frication_s: shorter frication is dropped, above all the bursts of stops.
        min_silence_s: shorter silence is dropped; the closures of stops last longer as a rule.

    Raises:
        InputError: a value breaks its rule; the message names the flag.
    """

    voicing_floor_hz: float = option(
        60.0, "voicing_floor", "Lowest F0 of voiced intervals, Hz.", 1, 1000, "Hz"
    )
    voicing_ceiling_hz: float = option(
        300.0, "voicing_ceiling", "Highest F0 of voiced intervals, Hz.", 1, 10_000, "Hz"
    )
    time_step_s: float = option(
        0.005, "annotation_time_step", "Distance of frames for intervals, s.", 1e-4, 0.1, "s"
    )
    silence_threshold: float = option(
        0.03, "annotation_silence_threshold",
        "Intervals: frames below this share of the peak are unvoiced.", 0, 1,
    )  # fmt: skip
    voicing_threshold: float = option(
        0.45, "annotation_voicing_threshold",
        "Intervals: frames of a lower autocorrelation are unvoiced.", 0, 1,
    )  # fmt: skip
    min_hnr_db: float = option(
        0.0, "annotation_min_hnr", "Intervals: frames of a lower harmonicity are unvoiced, dB.",
        -100, 100, "dB",
    )  # fmt: skip
    max_gap_s: float = option(
        MAX_GAP_S, "max_gap", "Gaps shorter than this within a label are closed, s.", 0, 10, "s"
    )
    min_duration_s: float = option(
        MIN_DURATION_S, "min_duration", "Voiced intervals shorter than this are dropped, s.",
        0, 10, "s",
    )  # fmt: skip
    silence_level_db: float = option(
        -45.0, "annotation_silence_level", "Frames this far below the loudest are silent, dB.",
        -300, 0, "dB",
    )  # fmt: skip
    level_min_pitch_hz: float = option(
        200.0, "annotation_level_min_pitch", "Sets the window of the level of silence, Hz.",
        10, 10_000, "Hz",
    )  # fmt: skip
    frication_above_hz: float = option(
        1500.0, "frication_above", "Frication has its energy above this, Hz.", 1, 50_000, "Hz"
    )
    frication_share: float = option(
        0.5, "frication_share", "Least share of the energy of frication above it.", 0, 1
    )
    min_frication_s: float = option(
        0.03, "min_frication", "Frication shorter than this is dropped, s.", 0, 10, "s"
    )
    min_silence_s: float = option(
        0.03, "min_silence", "Silence shorter than this is dropped, s.", 0, 10, "s"
    )

    def __post_init__(self):
        """Check every value."""
        check_options(self)
        if self.voicing_floor_hz >= self.voicing_ceiling_hz:
            raise InputError(
                f"--voicing_floor={self.voicing_floor_hz:g}: must be below "
                f"--voicing_ceiling={self.voicing_ceiling_hz:g}; for example 60 and 300"
            )


def annotate(
    sound: np.ndarray,
    sample_rate_hz: float,
    settings: AnnotationSettings,
    layer_rate_hz: float | None = None,
) -> list[Interval]:
    """Find the voiced intervals, frication and silence of an output or a layer.

    Frames are judged every ``time_step_s``. Voiced: Praat gives an F0 ("Sound: To Pitch (ac)...")
    and the harmonicity ("Sound: To Harmonicity (cc)...", one period per window) is not low for
    long. Silence: neither, and the intensity ("Sound: To Intensity...") is far below the loudest
    frame's. Frication: none of these, and enough energy lies high. Within each label gaps are
    closed where no other label stands, short intervals dropped afterwards. What remains has no
    interval. Praat has no pitch within 1.5 periods of the floor (25 ms) of either end, so that
    nothing is voiced there.

    Args:
        sound: an output or a layer as a sound, ``[time]``, one channel, of any level and offset.
        sample_rate_hz: its sampling rate.
        settings: :class:`AnnotationSettings`.
        layer_rate_hz: the layer's own rate; None for an output. Where half of it is not above the
            floor of voicing nothing is voiced, and not above ``frication_above_hz``, no frication.

    Returns:
        A list of :class:`Interval` in order of time that do not overlap; boundaries in whole
        microseconds, or at the ends of the sound. A constant sound is one silence; one with NaN or
        infinity has no interval.

    Raises:
        InputError: the sound is not longer than Praat's pitch window (3 periods of the floor).
        ValueError: ``sound`` is not ``[time]``.
    """
    sound = one_channel(sound)
    duration_s = len(sound) / sample_rate_hz
    if duration_s <= PITCH_PERIODS / settings.voicing_floor_hz * (1 + 1e-9):
        raise InputError(
            f"--voicing_floor={settings.voicing_floor_hz:g}: a sound of {duration_s:g} s is not "
            "longer than 3 periods of the floor; raise it above "
            f"{PITCH_PERIODS / duration_s:.3g} Hz"
        )
    if not np.isfinite(sound).all():
        return []
    if np.ptp(sound) <= ROUNDING * np.abs(sound).max():
        return [Interval("silence", 0.0, duration_s)]
    nyquist_hz = min(sample_rate_hz, layer_rate_hz or sample_rate_hz) / 2
    times_s, voiced = _voiced_frames(sound, sample_rate_hz, nyquist_hz, settings)
    sound = sound - sound.mean()
    sound /= np.abs(sound).max()
    silent = _level_db(sound, sample_rate_hz, times_s, settings) < settings.silence_level_db
    noisy = np.zeros(len(times_s), bool)
    if nyquist_hz > settings.frication_above_hz:
        band_hz = settings.frication_above_hz, nyquist_hz
        noisy = _share_of_band(sound, sample_rate_hz, times_s, band_hz) >= settings.frication_share
    intervals, taken = [], np.zeros(len(times_s), bool)
    for label, frames, min_duration_s in (
        ("voiced", voiced, settings.min_duration_s),
        ("frication", noisy & ~silent, settings.min_frication_s),
        ("silence", silent, settings.min_silence_s),
    ):
        found = join_frames(
            times_s, frames & ~taken, settings.time_step_s,
            settings.max_gap_s, min_duration_s, label, barred=taken,
        )  # fmt: skip
        for _, start_s, end_s in found:
            taken |= (times_s > start_s) & (times_s < end_s)
        intervals += found
    inside = [
        Interval(label, max(start_s, 0.0), min(end_s, duration_s))
        for label, start_s, end_s in intervals
    ]
    return sorted(inside, key=lambda interval: interval.start_s)


def one_channel(sound: np.ndarray) -> np.ndarray:
    """The sound as float64 ``[time]``; Praat would read ``[time, 1]`` as many channels.

    Raises:
        ValueError: it is not ``[time]``.
    """
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or sound.size == 0:
        raise ValueError(f"a sound of shape {sound.shape}: it must be [time], one channel")
    return sound


def join_frames(
    times_s: np.ndarray,
    chosen: np.ndarray,
    step_s: float,
    max_gap_s: float = MAX_GAP_S,
    min_duration_s: float = MIN_DURATION_S,
    label: str = "voiced",
    barred: np.ndarray | None = None,
) -> list[Interval]:
    """Join frames that were chosen for a label into intervals.

    A frame at time t stands for t - step/2 .. t + step/2, in whole microseconds. Gaps are closed
    first, short intervals dropped afterwards.

    Args:
        times_s: middles of the frames in s, ascending at equal steps, ``[frames]``.
        chosen: whether each frame has the label, bool ``[frames]``.
        step_s: distance of two frames in s.
        max_gap_s: gaps shorter than this are closed; 0 closes none.
        min_duration_s: intervals shorter than this are dropped; 0 drops none.
        label: what the intervals are called.
        barred: frames that no gap may be closed over, bool ``[frames]``; None for none.

    Returns:
        A list of :class:`Interval` in order of time; empty where nothing is chosen.

    Raises:
        ValueError: ``times_s`` and ``chosen`` differ in length.
    """
    times_s, chosen = np.asarray(times_s, np.float64), np.asarray(chosen, bool)
    if times_s.shape != chosen.shape or times_s.ndim != 1:
        raise ValueError(
            f"times of shape {times_s.shape}, decisions of shape {chosen.shape}: both must be "
            "[frames], one time for each decision"
        )
    barred = np.zeros(len(chosen), bool) if barred is None else barred
    runs = []  # [first frame, frame after the last]
    for first, stop in _runs(chosen):
        gap = slice(runs[-1][1] if runs else 0, first)
        if runs and (gap.stop - gap.start) * step_s < max_gap_s and not barred[gap].any():
            runs[-1][1] = stop
        else:
            runs.append([first, stop])
    edges_s = np.round(np.append(times_s, times_s[-1:] + step_s) - step_s / 2, 6)  # [frames + 1]
    return [
        Interval(label, float(edges_s[first]), float(edges_s[stop]))
        for first, stop in runs
        if (stop - first) * step_s >= min_duration_s
    ]


def _runs(chosen):
    """Pairs of the first frame of a run and the frame after its last."""
    steps = np.diff(np.concatenate([[0], chosen.astype(int), [0]]))
    return zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)


def _voiced_frames(sound, sample_rate_hz, nyquist_hz, settings):
    """Times of frames over the whole sound, and which of them are voiced, both ``[frames]``."""
    step_s, floor_hz = settings.time_step_s, settings.voicing_floor_hz
    duration_s = len(sound) / sample_rate_hz
    if nyquist_hz <= floor_hz:
        times_s = (np.arange(math.ceil(duration_s / step_s)) + 0.5) * step_s
        return times_s, np.zeros(len(times_s), bool)
    times_s, f0_hz = praat.frames_f0(
        sound, sample_rate_hz, floor_hz, min(settings.voicing_ceiling_hz, nyquist_hz), step_s,
        settings.silence_threshold, settings.voicing_threshold,
    )  # fmt: skip
    voiced = np.asarray(f0_hz) > 0
    low = np.zeros(len(voiced), bool)
    for _, start_s, end_s in join_frames(times_s, voiced, step_s, settings.max_gap_s, 0.0):
        here = (times_s > start_s) & (times_s < end_s)
        hnr_db = _hnr_db(sound, sample_rate_hz, start_s, end_s, times_s[here], settings)
        low[here] = hnr_db < settings.min_hnr_db
    for first, stop in _runs(low):
        if (stop - first) * step_s >= settings.max_gap_s:
            voiced[first:stop] = False
    before = math.ceil(max(0.0, times_s[0] / step_s - 0.5))
    after = math.ceil(max(0.0, (duration_s - times_s[-1]) / step_s - 0.5))
    steps = np.arange(-before, len(times_s) + after)
    return times_s[0] + steps * step_s, np.pad(voiced, (before, after))


def _hnr_db(sound, sample_rate_hz, start_s, end_s, times_s, settings):
    """Harmonicity in dB at ``times_s``, of the stretch alone; without a threshold of silence."""
    margin_s = 2 / settings.voicing_floor_hz  # the window of Praat's cross-correlation
    first = max(0, math.floor((start_s - margin_s) * sample_rate_hz))
    stop = math.ceil((end_s + margin_s) * sample_rate_hz)
    frames_s, hnr_db = praat.frames_hnr(
        sound[first:stop], sample_rate_hz, HNR_STEP_S, settings.voicing_floor_hz, 0.0, 1.0
    )
    return np.interp(times_s, frames_s + first / sample_rate_hz, hnr_db)


def _level_db(sound, sample_rate_hz, times_s, settings):
    """Intensity at ``times_s`` in dB re the loudest; the sound is mirrored at its ends."""
    reach = math.ceil(INTENSITY_PERIODS / 2 / settings.level_min_pitch_hz * sample_rate_hz) + 1
    frames_s, level_db = praat.frames_intensity(
        np.pad(sound, reach, mode="symmetric"),
        sample_rate_hz, settings.level_min_pitch_hz, settings.time_step_s,
    )  # fmt: skip
    level_db = np.interp(times_s, frames_s - reach / sample_rate_hz, level_db)
    return level_db - level_db.max()


def _share_of_band(sound, sample_rate_hz, times_s, band_hz):
    """Share of a band in the energy up to its top, around ``times_s``; 0 without energy.

    What stands above the top, a layer's Nyquist frequency, are mirror images of the upsampling.
    """
    length = 2 * max(1, round(SPECTRUM_WINDOW_S * sample_rate_hz / 2))
    starts = np.clip(np.round(times_s * sample_rate_hz).astype(int), 0, len(sound))
    padded = np.pad(sound, length // 2, mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]  # [frames, length]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(length + 1)[:-1]
    energy = np.abs(np.fft.rfft(frames)) ** 2  # [frames, frequencies]
    frequencies_hz = np.fft.rfftfreq(length, 1 / sample_rate_hz)
    total = energy[:, frequencies_hz <= band_hz[1]].sum(axis=1)
    band = energy[:, (frequencies_hz > band_hz[0]) & (frequencies_hz <= band_hz[1])].sum(axis=1)
    return np.divide(band, total, out=np.zeros_like(total), where=total > 0)
