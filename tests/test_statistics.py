"""Correlations against NumPy's own and against counting by hand."""

import math

import numpy as np
import pytest

from wavegan_tf.analysis.statistics import correlate, pearson


def rows_of(layer, values, measure="f0"):
    """Rows of two outputs with two intervals each; the values fill them in order."""
    return [
        {
            "id": k // 4,
            "layer": layer,
            "interval": k // 2 % 2 + 1,
            "point": k % 2 + 1,
            "measure": measure,
            "value": value,
        }
        for k, value in enumerate(values)
    ]


def test_r_is_pearsons_over_the_concatenated_values_of_all_outputs():
    out, conv4 = np.random.default_rng(0).standard_normal((2, 8))
    (row,) = correlate(rows_of("conv4", conv4) + rows_of("out", out))
    assert row == {
        "measure": "f0",
        "layer": "conv4",
        "r": pytest.approx(np.corrcoef(out, conv4)[0, 1], abs=1e-12),
        "n": 8,
    }


def test_values_are_paired_by_place_not_by_order():
    out = rows_of("out", [1, 2, 4, 8, 16, 32, 64, 128])
    (row,) = correlate(rows_of("conv4", [1, 2, 4, 8, 16, 32, 64, 128])[::-1] + out)
    assert row["r"] == pytest.approx(1)


def test_pairs_with_nan_on_either_side_are_left_out():
    out = np.array([1, 2, 3, np.nan, 5, 7, 6, 8])
    conv4 = np.array([2, np.nan, 1, 4, 5, 5, 9, 8])
    (row,) = correlate(rows_of("conv4", conv4) + rows_of("out", out))
    both = np.isfinite(out) & np.isfinite(conv4)
    assert row["n"] == 6
    assert row["r"] == pytest.approx(np.corrcoef(out[both], conv4[both])[0, 1])


@pytest.mark.parametrize(
    ("conv4", "n"), [([1, 2] + [math.nan] * 6, 2), ([3] * 8, 8), ([math.nan] * 8, 0)]
)
def test_r_is_nan_for_fewer_than_three_pairs_or_a_constant_side(conv4, n):
    (row,) = correlate(rows_of("conv4", conv4) + rows_of("out", range(8)))
    assert math.isnan(row["r"]) and row["n"] == n


def test_a_place_that_the_output_lacks_makes_no_pair():
    (row,) = correlate(rows_of("conv4", range(8)) + rows_of("out", range(4)))
    assert row["n"] == 4
    (row,) = correlate(rows_of("conv4", range(8)))
    assert row["n"] == 0 and math.isnan(row["r"])


def test_rows_come_by_measure_and_layer_in_the_order_of_their_first_appearance():
    rows = [
        row
        for layer in ("conv1", "conv2", "out")
        for measure in ("f0", "intensity")
        for row in rows_of(layer, range(8), measure)
    ]
    order = [(row["measure"], row["layer"]) for row in correlate(rows)]
    assert order == [
        ("f0", "conv1"),
        ("f0", "conv2"),
        ("intensity", "conv1"),
        ("intensity", "conv2"),
    ]


def test_two_values_at_one_place_are_refused():
    with pytest.raises(ValueError, match="two values of f0 at id, interval, point = 0, 1, 1"):
        correlate(rows_of("out", [1]) * 2)


def test_no_rows_make_no_table_and_no_pairs_make_nan():
    assert correlate([]) == []
    assert math.isnan(pearson([])[0])
