"""Rows are collected, paired and read in order, whatever the order they came in."""

import math
import random

import numpy as np
import pytest

from wavegan_tf.analysis.values import INTERVALS, POINTS, Values
from wavegan_tf.report.tables import read_csv, write_csv


def point(layer, i, value, interval=1, k=1, **others):
    """A row of measurements.csv."""
    return {
        "id": i, "channel": 1, "layer": layer, "interval": interval, "label": "voiced",
        "point": k, "time_s": 0.1, "measure": "f0", "unit": "Hz", "value": value, "reason": "",
        "flag": "", **others,
    }  # fmt: skip


def whole(layer, i, value, interval=1, **others):
    """A row of intervals.csv."""
    return {
        "id": i, "channel": 1, "layer": layer, "interval": interval, "label": "voiced",
        "start_s": 0.1, "end_s": 0.2, "measure": "duration", "unit": "s", "value": value,
        "reason": "", "flag": "", **others,
    }  # fmt: skip


def of_points(rows):
    values = Values()
    values.add_points(rows)
    return values


def test_values_are_paired_by_output_interval_and_point():
    places = [(i, j, k) for i in (0, 70000) for j in (1, 300) for k in (1, 10000)]
    ours = [point("conv4", *p[:1], n, *p[1:]) for n, p in enumerate(places)]
    theirs = [point("out", *p[:1], 10 * n, *p[1:]) for n, p in enumerate(places)]
    pairs = of_points(ours[::-1] + theirs).pairs(POINTS, 1, "voiced", "f0", "conv4", "out")
    assert list(zip(pairs.output, pairs.interval, pairs.point, strict=True)) == places
    assert pairs.layer.tolist() == list(range(8))
    assert pairs.target.tolist() == list(range(0, 80, 10))


def test_a_pair_needs_a_finite_value_on_both_sides():
    rows = [point("out", i, v) for i, v in enumerate([1, math.nan, 3, 4, math.inf])]
    rows += [point("conv4", i, v) for i, v in enumerate([1, 2, math.nan, 4, 5])]
    rows += [point("conv4", 9, 9)]
    pairs = of_points(rows).pairs(POINTS, 1, "voiced", "f0", "conv4", "out")
    assert pairs.output.tolist() == [0, 3]


def test_a_flag_on_either_side_flags_the_pair():
    rows = [point("out", i, i, flag=flag) for i, flag in enumerate(["", "octave jump", ""])]
    rows += [point("conv4", i, i, flag=flag) for i, flag in enumerate(["", "", "clipped"])]
    pairs = of_points(rows).pairs(POINTS, 1, "voiced", "f0", "conv4", "out")
    assert pairs.flagged.tolist() == [False, True, True]


def test_the_order_in_which_rows_come_does_not_matter():
    rng = np.random.default_rng(0)
    rows = [
        point(layer, i, rng.standard_normal(), 1, k)
        for layer in ("out", "conv1") for i in range(20) for k in range(1, 6)
    ]  # fmt: skip
    mixed = random.Random(0).sample(rows, len(rows))
    for one, other in zip(
        of_points(rows).pairs(POINTS, 1, "voiced", "f0", "conv1", "out"),
        of_points(mixed).pairs(POINTS, 1, "voiced", "f0", "conv1", "out"),
        strict=True,
    ):
        assert np.array_equal(one, other)


def test_layers_and_measures_stand_in_a_fixed_order():
    rows = [point(layer, 0, 1.0) for layer in ("out", "conv10", "conv2", "conv1")]
    rows += [point("out", 0, 1, label="silence", measure="intensity", unit="dB")]
    rows += [point("out", 0, 1, label="frication", measure=m) for m in ("zz", "cog", "aa")]
    rows += [point("out", 0, 1, channel=2)]
    for each in (rows, rows[::-1]):
        values = of_points(each)
        assert values.layers() == ["conv1", "conv2", "conv10", "out"]
        assert [m[:3] for m in values.measured()] == [
            (1, "voiced", "f0"),
            (1, "frication", "cog"),
            (1, "frication", "aa"),
            (1, "frication", "zz"),
            (1, "silence", "intensity"),
            (2, "voiced", "f0"),
        ]


def test_means_of_intervals_stand_back_behind_points():
    values = of_points([point("out", 0, 100)])
    values.add_intervals([whole("out", 0, 0.2), whole("out", 0, 101, measure="f0", unit="Hz")])
    tables = {m[2]: m[3] for m in values.measured()}
    assert tables == {"f0": POINTS, "duration": INTERVALS}
    assert {m[2]: m[3] for m in values.measured((INTERVALS,))} == dict.fromkeys(tables, INTERVALS)
    assert values.read(INTERVALS, 1, "voiced", "f0", "out")[1].tolist() == [101]


def test_semitones_are_twelve_to_the_octave_above_100_hz():
    rows = [point("out", i, v) for i, v in enumerate([50, 100, 200, 100 * 2 ** (1 / 12), 0, -1])]
    values = of_points(rows)
    _, semitones, _ = values.read(POINTS, 1, "voiced", "f0_semitones", "out")
    assert semitones == pytest.approx([-12, 0, 12, 1, math.nan, math.nan], nan_ok=True)
    assert values.unit("f0_semitones") == "st re 100 Hz" and values.unit("f0") == "Hz"


def test_a_table_that_was_written_and_read_gives_the_same_values(tmp_path):
    rows = [point("out", i, v) for i, v in enumerate([1.5, math.nan, 1 / 3])]
    write_csv(tmp_path / "measurements.csv", rows[0], rows)
    again = of_points(read_csv(tmp_path / "measurements.csv"))
    for one, other in zip(
        of_points(rows).read(POINTS, 1, "voiced", "f0", "out"),
        again.read(POINTS, 1, "voiced", "f0", "out"),
        strict=True,
    ):
        assert np.array_equal(one, other, equal_nan=one.dtype == float)


def test_two_values_at_one_place_are_refused():
    values = of_points([point("out", 3, 1, 2, 4)] * 2)
    with pytest.raises(ValueError, match="two values of f0 at id, interval, point = 3, 2, 4"):
        values.read(POINTS, 1, "voiced", "f0", "out")


def test_two_units_of_one_measure_are_refused():
    with pytest.raises(ValueError, match="f0 in 'kHz' and 'Hz'"):
        of_points([point("out", 0, 1), point("conv1", 0, 1, unit="kHz")])


def test_what_was_never_measured_reads_as_empty():
    pairs = Values().pairs(POINTS, 1, "voiced", "f0", "conv1", "out")
    assert all(len(part) == 0 for part in pairs)


def test_a_row_takes_17_bytes():
    values = of_points(point("out", i, 0.5) for i in range(1000))
    (column,) = values._columns.values()
    assert sum(part.buffer_info()[1] * part.itemsize for part in column) == 17_000
