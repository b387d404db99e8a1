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
"""What an interval can be. Weak low noise (breath, reverberation) is none of them."""

PAST_END_S = 0.02 + 1e-9  # times were rounded, or are sums
"""A span may end after its sound by this much, two steps of an aligner: it is cut there."""

_SPECTRUM_WINDOW_S = 0.016  # Hann window: resolves 125 Hz, and shorter than any fricative
_HNR_STEP_S = 0.01  # Praat's default: it takes longer than pitch, and no decision needs it finer
_ROUNDING = 4 * float(np.finfo(np.float32).eps)  # of a constant sound, as a share of its peak


class Interval(NamedTuple):
    """A labelled stretch of time, in seconds from the start of the sound."""

    label: str
    start_s: float
    end_s: float


def cut_to_sound(start_s: float, end_s: float, duration_s: float) -> tuple[float, float] | None:
    """Cuts a labelled span where it leaves the sound by no more than :data:`PAST_END_S`.

    None of one that leaves it further, ends before it starts, or has NaN for a time; one that has
    no duration, or gets none, is to be dropped.
    """
    if not -PAST_END_S <= start_s <= end_s <= duration_s + PAST_END_S:
        return None
    return min(max(start_s, 0.0), duration_s), max(min(end_s, duration_s), 0.0)


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
    frame's. Frication: none of these, and enough energy lies high. Praat has no pitch within 1.5
    periods of the floor (25 ms) of either end.

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
        InputError: The sound is not longer than Praat's pitch window.
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
    if np.ptp(sound) <= _ROUNDING * np.abs(sound).max():
        return [Interval("silence", 0.0, duration_s)]
    nyquist_hz = min(rate_hz, layer_rate_hz or rate_hz) / 2
    times_s, voiced = _voiced_frames(sound, rate_hz, nyquist_hz, settings)
    sound = sound - sound.mean()
    sound /= np.abs(sound).max()
    silent = _level_db(sound, rate_hz, times_s, settings) < settings.silence_level_db
    noisy = np.zeros(len(times_s), bool)
    if nyquist_hz > settings.frication_above_hz:
        band_hz = settings.frication_above_hz, nyquist_hz
        noisy = share_of_band(sound, rate_hz, times_s, band_hz) >= settings.frication_share
    step_s, intervals, taken = settings.time_step_s, [], np.zeros(len(times_s), bool)
    edges_s = np.clip(_edges_s(times_s, step_s), 0.0, duration_s)
    for label, frames, least_s in (
        ("voiced", voiced, settings.min_duration_s),
        ("frication", noisy & ~silent, settings.min_frication_s),
        ("silence", silent, settings.min_silence_s),
    ):
        found = join_frames(frames & ~taken, step_s, settings.max_gap_s, least_s, taken)
        for first, stop in found:
            taken[first:stop] = True
            intervals.append(Interval(label, float(edges_s[first]), float(edges_s[stop])))
    return sorted(intervals, key=lambda interval: interval.start_s)


def one_channel(sound: np.ndarray) -> np.ndarray:
    """Returns a sound as float64 ``[time]``; Praat would read ``[time, 1]`` as many channels."""
    sound = np.asarray(sound, np.float64)
    if sound.ndim != 1 or sound.size == 0:
        raise ValueError(f"a sound of shape {sound.shape}: it must be [time], one channel")
    return sound


def join_frames(
    chosen: np.ndarray,
    step_s: float,
    max_gap_s: float = 0.0,
    min_duration_s: float = 0.0,
    barred: np.ndarray | None = None,
) -> list[tuple[int, int]]:
    """Joins runs of chosen frames, bool ``[frames]``: their first frames, and those after the last.

    First gaps shorter than ``max_gap_s`` are closed, but not over ``barred`` frames, then runs
    shorter than ``min_duration_s`` dropped.
    """
    barred = np.zeros(len(chosen), bool) if barred is None else barred
    runs: list[tuple[int, int]] = []
    changes = np.flatnonzero(np.diff(np.r_[False, chosen, False]))
    for first, stop in changes.reshape(-1, 2).tolist():
        end = runs[-1][1] if runs else 0
        if runs and (first - end) * step_s < max_gap_s and not barred[end:first].any():
            first = runs.pop()[0]
        runs.append((first, stop))
    return [run for run in runs if (run[1] - run[0]) * step_s >= min_duration_s]


def _edges_s(times_s: np.ndarray, step_s: float) -> np.ndarray:
    """Start of each frame and end of the last, in whole microseconds, ``[frames + 1]``."""
    return np.round(np.append(times_s, times_s[-1] + step_s) - step_s / 2, 6)


def _voiced_frames(
    sound: np.ndarray, rate_hz: float, nyquist_hz: float, settings: IntervalSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Times of frames over the whole sound, and which of them are voiced, both ``[frames]``."""
    step_s, floor_hz = settings.time_step_s, settings.voicing_floor_hz
    duration_s = len(sound) / rate_hz
    if nyquist_hz <= floor_hz:
        times_s = (np.arange(math.ceil(duration_s / step_s)) + 0.5) * step_s
        return times_s, np.zeros(len(times_s), bool)
    pitch = praat.track_f0(
        sound, rate_hz, pitch_floor=floor_hz, time_step=step_s,
        pitch_ceiling=min(settings.voicing_ceiling_hz, nyquist_hz),
        silence_threshold=settings.silence_threshold, voicing_threshold=settings.voicing_threshold,
    )  # fmt: skip
    times_s, voiced = pitch.frames_s, pitch.frames > 0
    edges_s, low = _edges_s(times_s, step_s), np.zeros(len(voiced), bool)
    margin_s = 2 / floor_hz  # the window of harmonicity, which is that of the stretch alone
    for first, stop in join_frames(voiced, step_s, settings.max_gap_s):
        start = max(0, math.floor((edges_s[first] - margin_s) * rate_hz))
        end = math.ceil((edges_s[stop] + margin_s) * rate_hz)
        hnr = praat.track_hnr(
            sound[start:end], rate_hz, time_step=_HNR_STEP_S, minimum_pitch=floor_hz,
            silence_threshold=0.0,
        )  # fmt: skip
        hnr_db = np.interp(times_s[first:stop], hnr.frames_s + start / rate_hz, hnr.frames)
        low[first:stop] = hnr_db < settings.min_hnr_db
    for first, stop in join_frames(low, step_s, min_duration_s=settings.max_gap_s):
        voiced[first:stop] = False
    before = math.ceil(max(0.0, times_s[0] / step_s - 0.5))
    after = math.ceil(max(0.0, (duration_s - times_s[-1]) / step_s - 0.5))
    steps = np.arange(-before, len(times_s) + after)
    return times_s[0] + steps * step_s, np.pad(voiced, (before, after))


def _level_db(
    sound: np.ndarray, rate_hz: float, times_s: np.ndarray, settings: IntervalSettings
) -> np.ndarray:
    """Intensity at ``times_s`` in dB re the loudest; the sound is mirrored at its ends."""
    min_pitch_hz = settings.level_min_pitch_hz
    reach = math.ceil(INTENSITY_PERIODS / 2 / min_pitch_hz * rate_hz) + 1
    mirrored = np.pad(sound, reach, mode="symmetric")
    track = praat.track_intensity(
        mirrored, rate_hz, minimum_pitch=min_pitch_hz, time_step=settings.time_step_s
    )
    level_db = np.interp(times_s, track.frames_s - reach / rate_hz, track.frames)
    return level_db - level_db.max()


def share_of_band(
    sound: np.ndarray, rate_hz: float, times_s: np.ndarray, band_hz: tuple[float, float]
) -> np.ndarray:
    """Share of a band in the energy up to its top, a layer's Nyquist, around ``times_s``."""
    length = 2 * max(1, round(_SPECTRUM_WINDOW_S * rate_hz / 2))
    starts = np.clip(np.round(times_s * rate_hz).astype(int), 0, len(sound))
    padded = np.pad(sound, length // 2, mode="symmetric")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[starts]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * np.hanning(length + 1)[:-1]
    energy = np.abs(np.fft.rfft(frames)) ** 2  # [frames, frequencies]
    frequencies_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    total = energy[:, frequencies_hz <= band_hz[1]].sum(axis=1)
    band = energy[:, (frequencies_hz > band_hz[0]) & (frequencies_hz <= band_hz[1])].sum(axis=1)
    return np.divide(band, total, out=np.zeros_like(total), where=total > 0)
