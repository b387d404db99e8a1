"""Paired tests against SciPy's own; corrections against doing them by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from made_values import NO_INTERVALS, intervals_of, join
from scipy import stats

from wavegan_tf.stats.effects import (
    DIFFERENCE_COLUMNS,
    add_verdicts,
    compare_conditions,
    holm,
    paired_t,
)
from wavegan_tf.stats.resampling import StatisticsSettings

QUICK = StatisticsSettings(n_resamples=200)


def design_of(rows):
    """A design from output: (condition, base)."""
    names = ["output", "condition", "base"]
    return pd.DataFrame([(i, *row) for i, row in rows.items()], columns=names)


def paired(rng, effect, n_pairs=12, layers=("conv4", "out")):
    """Outputs 0 .. of condition a, then those of b: the same pairs with an effect added."""
    base = rng.standard_normal((n_pairs, 1))
    both = np.concatenate([base, base + effect + 0.1 * rng.standard_normal((n_pairs, 1))])
    both = both + 0.1 * rng.standard_normal((2 * n_pairs, 2))  # two intervals each
    rows = {i: ("ab"[i // n_pairs], i % n_pairs) for i in range(2 * n_pairs)}
    return join(*(intervals_of(layer, both) for layer in layers)), rows, both


def compared(intervals, rows):
    return compare_conditions(intervals, design_of(rows), QUICK).to_dict("records")


def test_differences_are_those_of_the_means_of_paired_outputs():
    intervals, rows, both = paired(np.random.default_rng(5), 0.3)
    row, target = compared(intervals, rows)
    a, b = both.mean(axis=1)[:12], both.mean(axis=1)[12:]
    test = stats.ttest_rel(b, a)
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["estimate"] == pytest.approx((b - a).mean())
    assert row["mean_condition"] == pytest.approx(b.mean())
    assert row["mean_reference"] == pytest.approx(a.mean())
    assert (row["low"], row["high"]) == pytest.approx(test.confidence_interval(0.95), abs=0.03)
    assert row["p_holm"] == pytest.approx(2 * row["p"]) and row["verdict"] == "differs"
    assert (row["condition"], row["reference"], row["n"]) == ("b", "a", 12)
    assert (row["layer"], target["layer"]) == ("conv4", "out")
    assert tuple(row) == DIFFERENCE_COLUMNS


def test_a_pair_counts_where_both_sides_have_a_value():
    _, rows, both = paired(np.random.default_rng(6), 0.3)
    both[0] = math.nan  # pair 0 has no value in a
    both[14, 1] = math.nan  # output 14, pair 2, keeps one interval
    rows = {i: rows[i] for i in rows if i != 13}  # pair 1 has no output in b
    (row,) = compared(intervals_of("out", both), rows)
    means = np.nanmean(both[1:], axis=1)
    a, b = means[1:11], means[13:23]  # pairs 2 .. 11
    b[0] = both[14, 0]
    assert row["n"] == 10 and row["p"] == pytest.approx(stats.ttest_rel(b, a).pvalue)


def test_each_condition_is_compared_with_the_first():
    rng = np.random.default_rng(7)
    table = rng.standard_normal((18, 1)) + np.repeat([0, 0, 50], 6)[:, None]
    rows = {i: (("z11=0", "c", "a")[i // 6], i % 6) for i in range(18)}
    found = compared(intervals_of("out", table), rows)
    pairs = [(row["condition"], row["reference"]) for row in found]
    assert pairs == [("c", "z11=0"), ("a", "z11=0")]
    assert [row["verdict"] for row in found] == ["no difference shown", "differs"]
    assert [row["p_holm"] for row in found] == [row["p"] for row in found]  # one test each


def test_fewer_pairs_than_a_test_needs_are_too_few_and_not_counted_in_the_correction():
    intervals, rows, both = paired(np.random.default_rng(8), 0.3, layers=("out",))
    both[4:12] = math.nan
    conv4, out = compared(join(intervals, intervals_of("conv4", both)), rows)
    assert (conv4["n"], conv4["verdict"]) == (4, "too few") and math.isnan(conv4["p"])
    assert math.isfinite(conv4["estimate"]) and math.isnan(conv4["low"])
    assert out["p_holm"] == out["p"]


def test_nothing_to_compare_makes_an_empty_table():
    intervals, *_ = paired(np.random.default_rng(4), 0.1)
    assert compared(NO_INTERVALS, {0: ("a", 0), 1: ("b", 0)}) == []
    assert compared(intervals, {}) == []
    assert compared(intervals, {0: ("a", 0), 1: ("a", 1)}) == []


def test_two_outputs_of_one_condition_and_base_are_refused():
    intervals, *_ = paired(np.random.default_rng(10), 0.1)
    with pytest.raises(ValueError, match="duplicate"):
        compared(intervals, {1: ("a", 3), 2: ("a", 3)})


def test_holms_correction_is_that_of_the_textbook():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, then 1 x 0.04, which may not be less than what is before it
    p = [0.01, 0.04, math.nan, 0.03, 0.005]
    expected = [0.03, 0.06, math.nan, 0.06, 0.02]
    assert holm(p) == pytest.approx(expected, nan_ok=True)
    assert holm([0.6, 0.7]).tolist() == [1, 1] and len(holm([])) == 0
    table = add_verdicts(pd.DataFrame({"p": p}), QUICK, "yes", "no")
    assert table["p_holm"].tolist() == pytest.approx(expected, nan_ok=True)
    assert table["verdict"].tolist() == ["yes", "no", "too few", "no", "yes"]


def test_p_of_paired_differences_is_scipys_and_of_equal_ones_that_of_the_sign_test():
    values = np.array([1.0, 2, 4, 3, 2.5])
    assert paired_t(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)
    assert paired_t(np.zeros(6)) == 1
    for equal in (np.full(10, 0.25), np.arange(1, 11) - np.arange(10.0) + 1e-12 * np.arange(10)):
        assert paired_t(equal) == stats.binomtest(10, 10).pvalue


def test_without_an_effect_a_table_holds_a_difference_no_more_often_than_the_nominal_rate():
    rng = np.random.default_rng(11)
    false = 0
    for _ in range(1000):  # tables of 40 rows, 10 pairs, heavy tails as octave errors make them
        differences = rng.standard_t(3, (40, 10))
        false += (holm([paired_t(row) for row in differences]) < 0.05).any()
    assert false <= 64  # the 97.5 % quantile of 5 % of 1000
