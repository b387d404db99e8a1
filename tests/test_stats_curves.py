"""Curves compared at all points: SciPy's F and t, rates under the null, groups in layers."""

import math

import numpy as np
import planted_contours
import pytest
from scipy import stats

from wavegan_tf.stats import curves
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

SETTINGS = StatisticsSettings(n_resamples=100)


def made(seed, units=24, points=6):
    return np.random.default_rng(seed).standard_normal([units, points])


def test_f_of_unpaired_groups_is_that_of_scipy_also_where_values_are_missing():
    x, groups = made(0), np.repeat(["a", "b", "c"], 8)
    x[[0, 9], 2] = np.nan
    found = curves.compare(x, groups, SETTINGS, n_permutations=99)
    for point, f in enumerate(found.statistic):
        column = [x[groups == name, point] for name in "abc"]
        expected = stats.f_oneway(*(each[np.isfinite(each)] for each in column))
        assert f == pytest.approx(expected.statistic)


def test_f_within_blocks_is_the_square_of_the_paired_t_of_complete_pairs():
    x, groups, blocks = made(1), np.tile(["a", "b"], 12), np.repeat(np.arange(12), 2)
    x += 5 * made(2, 12, 1).repeat(2, axis=0)
    x[[0, 5], 3] = np.nan
    found = curves.compare(x, groups, SETTINGS, blocks, n_permutations=99)
    for point, f in enumerate(found.statistic):
        a, b = x[::2, point], x[1::2, point]
        both = np.isfinite(a + b)
        assert f == pytest.approx(stats.ttest_rel(a[both], b[both]).statistic ** 2)


def test_p_of_one_point_is_that_of_the_analysis_of_variance():
    x = made(3, 60, 1) + np.repeat([[0.0], [0.6]], 30, axis=0)
    found = curves.compare(x, np.repeat([0, 1], 30), SETTINGS, n_permutations=4000)
    assert found.p[0] == pytest.approx(stats.ttest_ind(x[:30], x[30:]).pvalue[0], abs=0.01)
    assert found.p_any == found.p[0]


@pytest.mark.parametrize(
    ("groups", "blocks", "least"),
    [
        ([0, 0, 0, 1, 1, 1], None, 2 / math.comb(6, 3)),
        ([0, 0, 0, 1, 1, 1, 1], None, 1 / math.comb(7, 3)),
        ([0, 1] * 4, np.repeat(range(4), 2), 2 / 2**4),
    ],
)
def test_the_least_p_counts_the_ways_of_grouping(groups, blocks, least):
    few = StatisticsSettings(min_outputs=3)
    x = np.array(groups)[:, np.newaxis] + 1e-3 * made(4, len(groups), 2)
    found = curves.compare(x, np.array(groups), few, blocks)
    assert found.least_p == pytest.approx(least)
    assert found.p_any == pytest.approx(least, rel=0.4)  # groups far apart


def test_any_point_of_equal_groups_is_called_different_in_at_most_5_percent():
    groups, wrong = np.repeat([0, 1], 10), 0
    for seed in range(200):
        x = made(seed, 20, 10).cumsum(axis=1)
        wrong += curves.compare(x, groups, SETTINGS, seed=seed, n_permutations=99).p_any <= 0.05
    assert not planted_contours.too_many(wrong, 200) and wrong > 0


def test_few_values_are_no_test():
    x = made(5, 8, 3)
    x[:, 1] = np.nan
    found = curves.compare(x, np.repeat([0, 1], 4), SETTINGS)
    assert np.isnan(found.p).all() and math.isnan(found.p_any)


def test_groups_part_where_a_layer_differs_and_held_times_must_agree():
    groups, blocks = np.tile(["a", "b"], 12), np.repeat(np.arange(12), 2)
    apart = made(6)
    apart[1::2, 2:4] += 4
    layers = {"first": made(7), "second": apart, "third": apart, "none": apart * np.nan}
    held = {"a": layers | {"third": made(8)}}
    table, tests = curves.compare_groups(layers, groups, SETTINGS, blocks, held=held)
    assert table["verdict"].tolist() == [
        curves.NOT_SHOWN, curves.PARTS, curves.OWN_ALONE, TOO_FEW
    ]  # fmt: skip
    row = table.iloc[1]
    assert row["n"] == 12 and row["point"] in (3, 4)
    difference = (apart[1::2] - apart[::2]).mean(axis=0)
    assert row["estimate"] == pytest.approx(difference[2:4].max())
    shown = tests[tests["differs"]]
    assert shown["layer"].unique().tolist() == ["second"] and shown["point"].tolist() == [3, 4]


def test_of_three_groups_all_together_and_every_pair_are_tested():
    x, groups = made(9, 30), np.repeat(["a", "b", "c"], 10)
    x[20:] += 3
    table, _ = curves.compare_groups({"only": x}, groups, SETTINGS)
    assert table[["reference", "group"]].agg("".join, axis=1).tolist() == ["all", "ab", "ac", "bc"]
    assert table["verdict"].eq(curves.PARTS).tolist() == [True, False, True, True]
    means = np.stack([x[groups == name].mean(axis=0) for name in "abc"])
    assert table["estimate"][0] == pytest.approx(np.ptp(means, axis=0).max())


@pytest.mark.parametrize("rate_hz", [2, 10, 1000])
def test_segment_means_are_those_of_held_samples(rate_hz):
    series = made(10, 1, 2 * rate_hz)[0]
    fine = np.repeat(series, 3000 // rate_hz)  # at 3000 Hz
    found = curves.segment_means(series, rate_hz, 0.5, 1.5, 10)
    expected = fine[1500:4500].reshape(10, -1).mean(axis=1) if 3000 % rate_hz == 0 else None
    np.testing.assert_allclose(found, expected, atol=1e-9)
    assert np.isnan(curves.segment_means(series, rate_hz, 1.5, 2.5, 2)).tolist() == [False, True]
