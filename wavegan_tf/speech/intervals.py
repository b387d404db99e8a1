"""Intervals on the time axis of the output, which every layer is measured on.

Voiced, frication and silence are found from Praat's pitch, harmonicity and intensity, and from the
share of the energy that lies high. All decisions are relative to the sound's own maximum and feel
no offset, so that the average of a layer can be searched like an output.
"""

import math
from typing import NamedTuple

import numpy as np

from wavegan_tf.errors import InputError
from wavegan_tf.speech import praat
from wavegan_tf.speech.settings import INTENSITY_PERIODS, INTERVALS, PITCH_PERIODS, IntervalSettings

LABELS = ("voiced", "frication", "silence")
"""What an interval can be. A stretch that is none of them has no interval: weak noise of no high
frequency, such as breath, reverberation or a stop's burst."""

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


def find_intervals(
    sound: np.ndarray,
    rate_hz: float,
    settings: IntervalSettings = INTERVALS,
    layer_rate_hz: float | None = None,
) -> list[Interval]:
    """Finds the voiced intervals, frication and silence of an output or a layer.

    Frames are judged every ``time_step_s``. Voiced: Praat gives an F0 ("Sound: To Pitch (ac)...")
    and the harmonicity ("Sound: To Harmonicity (cc)...", one period per window) is not low for
    long. Silence: neither, and the intensity ("Sound: To Intensity...") is far below the loudest
    frame's. Frication: none of these, and enough energy lies high. Within each label gaps are
    closed where no other label stands, short intervals dropped afterwards. What remains has no
    interval. Praat has no pitch within 1.5 periods of the floor (25 ms) of either end, so that
    nothing is voiced there.

    Args:
        sound: An output or a layer as a sound, ``[time]``, one channel, of any level and offset.
        rate_hz: Its sampling rate.
        settings: Of the intervals.
        layer_rate_hz: The layer's own rate; None for an output. Where half of it is not above the
            floor of voicing nothing is voiced, and not above ``frication_above_hz``, no frication.

    Returns:
        Intervals in order of time that do not overlap; boundaries in whole microseconds, or at the
        ends of the sound. A constant sound is one silence; one with NaN or infinity has none.

    Raises:
        InputError: The sound is not longer than Praat's pitch window (3 periods of the floor).
        ValueError: ``sound`` is not ``[time]``.
    """
    sound = one_channel(sound)
    duration_s = len(sound) / rate_hz
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
    nyquist_hz = min(rate_hz, layer_rate_hz or rate_hz) / 2
    times_s, voiced = _voiced_frames(sound, rate_hz, nyquist_hz, settings)
    sound = sound - sound.mean()
    sound /= np.abs(sound).max()
    silent = _level_db(sound, rate_hz, times_s, settings) < settings.silence_level_db
    noisy = np.zeros(len(times_s), bool)
    if nyquist_hz > settings.frication_above_hz:
        band_hz = settings.frication_above_hz, nyquist_hz
        noisy = _share_of_band(sound, rate_hz, times_s, band_hz) >= settings.frication_share
    intervals, taken = [], np.zeros(len(times_s), bool)
    for label, frames, min_duration_s in (
        ("voiced", voiced, settings.min_duration_s),
        ("frication", noisy & ~silent, settings.min_frication_s),
        ("silence", silent, settings.min_silence_s),
    ):
        found = join_frames(
            times_s, frames & ~taken, settings.time_step_s, settings.max_gap_s, min_duration_s,
            label, barred=taken,
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
    """Returns a sound as float64 ``[time]``; Praat would read ``[time, 1]`` as many channels."""
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or sound.size == 0:
        raise ValueError(f"a sound of shape {sound.shape}: it must be [time], one channel")
    return sound


def join_frames(
    times_s: np.ndarray,
    chosen: np.ndarray,
    step_s: float,
    max_gap_s: float = INTERVALS.max_gap_s,
    min_duration_s: float = INTERVALS.min_duration_s,
    label: str = "voiced",
    barred: np.ndarray | None = None,
) -> list[Interval]:
    """Joins frames that were chosen for a label into intervals, in order of time.

    A frame at time t stands for t - step/2 .. t + step/2, in whole microseconds. Gaps are closed
    first, short intervals dropped afterwards.

    Args:
        times_s: Middles of the frames in s, ascending at equal steps, ``[frames]``.
        chosen: Whether each frame has the label, bool ``[frames]``.
        step_s: Distance of two frames in s.
        max_gap_s: Gaps shorter than this are closed; 0 closes none.
        min_duration_s: Intervals shorter than this are dropped; 0 drops none.
        label: What the intervals are called.
        barred: Frames that no gap may be closed over, bool ``[frames]``; None for none.

    """
    times_s, chosen = np.asarray(times_s, np.float64), np.asarray(chosen, bool)
    barred = np.zeros(len(chosen), bool) if barred is None else barred
    runs: list[list[int]] = []  # [first frame, frame after the last]
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


def _runs(chosen: np.ndarray) -> list[tuple[int, int]]:
    """Lists the first frame of each run and the frame after its last."""
    steps = np.diff(np.concatenate([[0], chosen.astype(int), [0]]))
    return list(zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True))


def _voiced_frames(
    sound: np.ndarray, rate_hz: float, nyquist_hz: float, settings: IntervalSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Times of frames over the whole sound, and which of them are voiced, both ``[frames]``."""
    step_s, floor_hz = settings.time_step_s, settings.voicing_floor_hz
    duration_s = len(sound) / rate_hz
    if nyquist_hz <= floor_hz:
        times_s = (np.arange(math.ceil(duration_s / step_s)) + 0.5) * step_s
        return times_s, np.zeros(len(times_s), bool)
    ceiling_hz = min(settings.voicing_ceiling_hz, nyquist_hz)
    thresholds = settings.silence_threshold, settings.voicing_threshold
    options = praat.PitchOptions(floor_hz, ceiling_hz, step_s, *thresholds)
    pitch = praat.track_f0(sound, rate_hz, options)
    times_s, voiced = pitch.frames_s, pitch.frames > 0
    low = np.zeros(len(voiced), bool)
    for _, start_s, end_s in join_frames(times_s, voiced, step_s, settings.max_gap_s, 0.0):
        here = (times_s > start_s) & (times_s < end_s)
        hnr_db = _hnr_db(sound, rate_hz, (start_s, end_s), times_s[here], floor_hz)
        low[here] = hnr_db < settings.min_hnr_db
    for first, stop in _runs(low):
        if (stop - first) * step_s >= settings.max_gap_s:
            voiced[first:stop] = False
    before = math.ceil(max(0.0, times_s[0] / step_s - 0.5))
    after = math.ceil(max(0.0, (duration_s - times_s[-1]) / step_s - 0.5))
    steps = np.arange(-before, len(times_s) + after)
    return times_s[0] + steps * step_s, np.pad(voiced, (before, after))


def _hnr_db(
    sound: np.ndarray,
    rate_hz: float,
    span_s: tuple[float, float],
    times_s: np.ndarray,
    low_hz: float,
) -> np.ndarray:
    """Harmonicity in dB at ``times_s``, of the stretch alone; without a threshold of silence."""
    (start_s, end_s), margin_s = span_s, 2 / low_hz  # the window of Praat's cross-correlation
    first = max(0, math.floor((start_s - margin_s) * rate_hz))
    stop = math.ceil((end_s + margin_s) * rate_hz)
    options = praat.HnrOptions(HNR_STEP_S, low_hz, 0.0, 1.0)
    track = praat.track_hnr(sound[first:stop], rate_hz, options)
    return np.interp(times_s, track.frames_s + first / rate_hz, track.frames)


def _level_db(
    sound: np.ndarray, rate_hz: float, times_s: np.ndarray, settings: IntervalSettings
) -> np.ndarray:
    """Intensity at ``times_s`` in dB re the loudest; the sound is mirrored at its ends."""
    min_pitch_hz = settings.level_min_pitch_hz
    reach = math.ceil(INTENSITY_PERIODS / 2 / min_pitch_hz * rate_hz) + 1
    mirrored = np.pad(sound, reach, mode="symmetric")
    track = praat.track_intensity(mirrored, rate_hz, min_pitch_hz, time_step_s=settings.time_step_s)
    level_db = np.interp(times_s, track.frames_s - reach / rate_hz, track.frames)
    return level_db - level_db.max()


def _share_of_band(
    sound: np.ndarray, rate_hz: float, times_s: np.ndarray, band_hz: tuple[float, float]
) -> np.ndarray:
    """Share of a band in the energy up to its top, around ``times_s``; 0 without energy.

    What stands above the top, a layer's Nyquist frequency, are mirror images of the upsampling.
    """
    length = 2 * max(1, round(SPECTRUM_WINDOW_S * rate_hz / 2))
    starts = np.clip(np.round(times_s * rate_hz).astype(int), 0, len(sound))
    padded = np.pad(sound, length // 2, mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]  # [frames, length]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(length + 1)[:-1]
    energy = np.abs(np.fft.rfft(frames)) ** 2  # [frames, frequencies]
    frequencies_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    total = energy[:, frequencies_hz <= band_hz[1]].sum(axis=1)
    band = energy[:, (frequencies_hz > band_hz[0]) & (frequencies_hz <= band_hz[1])].sum(axis=1)
    return np.divide(band, total, out=np.zeros_like(total), where=total > 0)
