"""Rows are laid out, paired and listed in order, whatever the order they came in."""

import math

import numpy as np
import pytest
from made_values import NO_INTERVALS, intervals_of, join, points_of

from wavegan_tf.stats.grids import Grids, in_semitones, lay_out


def f0(layer, values, **others):
    return points_of(layer, np.reshape(values, (-1, 1)), "f0", "Hz", **others)


def test_values_are_paired_by_output_interval_and_point_whatever_their_order():
    places = np.array([(i, j, k) for i in (0, 70000) for j in (1, 300) for k in (1, 10000)])
    where = dict(zip(("output", "interval", "point"), places.T, strict=True))
    rows = join(f0("conv4", range(8), **where), f0("out", range(0, 80, 10), **where))
    grid = lay_out(rows.sample(frac=1, random_state=0), ["conv4", "out"])
    assert np.stack([grid.output, grid.interval, grid.point], 1).tolist() == places.tolist()
    pairs = grid.pairs("conv4", "out")
    assert pairs.layer.tolist() == list(range(8))
    assert pairs.target.tolist() == list(range(0, 80, 10))


def test_a_pair_needs_a_finite_value_on_both_sides_and_is_flagged_by_either():
    out = f0("out", [1, math.nan, 3, 4, math.inf, 6], flag=["", "", "", "octave jump", "", ""])
    conv4 = f0("conv4", [1, 2, math.nan, 4, 5, 6, 7], flag=[*[""] * 5, "clipped", ""])
    pairs = lay_out(join(out, conv4), ["conv4", "out"]).pairs("conv4", "out")
    assert pairs.output.tolist() == [0, 3, 5]
    assert pairs.flagged.tolist() == [False, True, True]


def test_layers_and_measures_stand_in_a_fixed_order():
    rows = [f0(layer, [1.0]) for layer in ("out", "conv10", "conv2", "conv1")]
    rows += [points_of("out", [[1.0]], label="silence")]
    rows += [points_of("out", [[1.0]], m, label="frication") for m in ("zz", "cog", "aa")]
    rows += [f0("out", [1.0], channel=2)]
    for each in (rows, rows[::-1]):
        grids = Grids(join(*each), NO_INTERVALS)
        assert grids.layers == ["conv1", "conv2", "conv10", "out"]
        assert grids.measured() == [
            (1, "voiced", "f0"),
            (1, "frication", "cog"),
            (1, "frication", "aa"),
            (1, "frication", "zz"),
            (1, "silence", "intensity"),
            (2, "voiced", "f0"),
        ]


def test_means_of_intervals_stand_back_behind_points():
    intervals = join(intervals_of("out", [[0.2]]), intervals_of("out", [[101]], "f0", "Hz"))
    grids = Grids(f0("out", [100]), intervals)
    assert grids.grid(1, "voiced", "f0").values_of("out").tolist() == [100]
    assert grids.grid(1, "voiced", "duration").values_of("out").tolist() == [0.2]
    assert Grids(None, intervals).grid(1, "voiced", "f0").values_of("out").tolist() == [101]


def test_the_mean_of_an_output_is_over_its_values():
    table = [[1, 2, 6], [math.nan, 4, 6], [math.nan] * 3]
    grid = lay_out(intervals_of("out", table, output=np.repeat([3, 5, 9], 3)), ["out"])
    means = grid.output_means()
    assert means.index.tolist() == [3, 5, 9]
    np.testing.assert_array_equal(means["out"], [3, 5, math.nan])


def test_semitones_are_twelve_to_the_octave_above_100_hz():
    grid = in_semitones(lay_out(f0("out", [50, 100, 200, 100 * 2 ** (1 / 12), 0, -1]), ["out"]))
    expected = [-12, 0, 12, 1, math.nan, math.nan]
    assert grid.values_of("out").tolist() == pytest.approx(expected, nan_ok=True)
    assert grid.unit == "st re 100 Hz"


def test_two_values_at_one_place_are_refused():
    with pytest.raises(ValueError, match="two values"):
        lay_out(join(f0("out", [1]), f0("out", [2])), ["out"])
