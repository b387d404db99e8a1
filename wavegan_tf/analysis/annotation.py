"""Intervals on the time axis of the output, which every layer is measured on. NumPy only."""

from typing import NamedTuple

import numpy as np

MAX_GAP_S = 0.025
"""Voiceless gaps shorter than this are closed. A frame or two lost to creak or to a jump of F0 is
shorter; a voiceless stop with its closure and release is longer."""

MIN_DURATION_S = 0.05
"""Voiced intervals shorter than this are dropped. It is Praat's analysis window at an F0 floor of
60 Hz (3 periods); shorter runs are mostly noise that was called voiced by chance."""


class Interval(NamedTuple):
    """A labelled stretch of time, in seconds from the start of the sound."""

    label: str
    start_s: float
    end_s: float


def voiced_intervals(
    times_s: np.ndarray,
    voiced: np.ndarray,
    step_s: float,
    max_gap_s: float = MAX_GAP_S,
    min_duration_s: float = MIN_DURATION_S,
    label: str = "voiced",
) -> list[Interval]:
    """Join voiced frames into intervals.

    A frame at time t stands for t - step/2 .. t + step/2. Gaps are closed first, short intervals
    dropped afterwards.

    Args:
        times_s: middles of the frames in s, ascending at equal steps, ``[frames]``.
        voiced: whether each frame is voiced, bool ``[frames]``.
        step_s: distance of two frames in s.
        max_gap_s: gaps shorter than this are closed; 0 closes none.
        min_duration_s: intervals shorter than this are dropped; 0 drops none.
        label: what the intervals are called.

    Returns:
        A list of :class:`Interval` in order of time; empty where nothing is voiced.

    Raises:
        ValueError: ``times_s`` and ``voiced`` differ in length.
    """
    times_s, voiced = np.asarray(times_s), np.asarray(voiced, bool)
    if times_s.shape != voiced.shape or times_s.ndim != 1:
        raise ValueError(
            f"times of shape {times_s.shape}, voicing of shape {voiced.shape}: both must be "
            "[frames], one time for each decision"
        )
    steps = np.diff(np.concatenate([[0], voiced.astype(int), [0]]))
    runs = []  # [first frame, frame after the last]
    for first, stop in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
        if runs and (first - runs[-1][1]) * step_s < max_gap_s:
            runs[-1][1] = stop
        else:
            runs.append([first, stop])
    return [
        Interval(label, float(times_s[first] - step_s / 2), float(times_s[stop - 1] + step_s / 2))
        for first, stop in runs
        if (stop - first) * step_s >= min_duration_s
    ]
