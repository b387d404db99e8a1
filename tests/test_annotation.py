"""Intervals from voicing decisions, worked out by hand."""

import numpy as np
import pytest

from wavegan_tf.analysis.annotation import Interval, voiced_intervals


def frames(pattern):
    """Frames of 10 ms from 0.1 s on; ``x`` is voiced."""
    return 0.1 + 0.01 * np.arange(len(pattern)), [letter == "x" for letter in pattern]


def spans(pattern, **options):
    intervals = voiced_intervals(*frames(pattern), 0.01, **options)
    return [(round(start_s, 9), round(end_s, 9)) for _, start_s, end_s in intervals]


def test_an_interval_reaches_half_a_frame_beyond_its_outer_frames():
    assert spans("..xxxxxx..") == [(0.115, 0.175)]


def test_intervals_at_both_ends_of_the_sound_are_found():
    assert spans("xxxxxx....xxxxxx") == [(0.095, 0.155), (0.195, 0.255)]


def test_gaps_shorter_than_the_limit_are_closed_and_others_are_not():
    assert spans("xxxxx..xxxxx") == [(0.095, 0.215)]
    assert spans("xxxxx...xxxxx") == [(0.095, 0.145), (0.175, 0.225)]
    assert spans("xxxxx..xxxxx", max_gap_s=0.02) == [(0.095, 0.145), (0.165, 0.215)]
    assert len(spans("xxxxx.xxxxx", max_gap_s=0)) == 2


def test_intervals_shorter_than_the_limit_are_dropped():
    assert spans("xxxx....xxxxx") == [(0.175, 0.225)]
    assert spans("x...", min_duration_s=0) == [(0.095, 0.105)]


def test_gaps_are_closed_before_short_intervals_are_dropped():
    assert spans("xxx..xxx") == [(0.095, 0.175)]


@pytest.mark.parametrize("pattern", ["", "......"])
def test_nothing_voiced_gives_no_interval(pattern):
    assert spans(pattern) == []


def test_intervals_carry_their_label():
    assert voiced_intervals(*frames("x" * 10), 0.01, label="V")[0].label == "V"
    assert Interval("voiced", 0.0, 1.0).end_s == 1.0


def test_times_and_decisions_must_match():
    with pytest.raises(ValueError, match="one time for each decision"):
        voiced_intervals([0.1, 0.2], [True], 0.1)
