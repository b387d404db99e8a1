"""Linear models and paired tests against SciPy's own; corrections against doing them by hand."""

import math
import random

import numpy as np
import pytest
from scipy import stats

from wavegan_tf.analysis.effects import (
    compare_conditions,
    holm,
    linear_fit,
    paired_t,
    regress_durations,
)
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.values import Values

QUICK = StatisticsSettings(n_resamples=200)


def rows_of(layer, table, measure="duration", unit="s", **others):
    """Rows of intervals.csv from ``[outputs, intervals]``."""
    return [
        {
            "id": i, "channel": 1, "layer": layer, "interval": k, "label": "voiced",
            "measure": measure, "unit": unit, "value": float(value), "flag": "", **others,
        }
        for i, intervals in enumerate(np.asarray(table))
        for k, value in enumerate(intervals, start=1)
    ]  # fmt: skip


def values_of(*rows):
    values = Values()
    for each in rows:
        values.add_intervals(each)
    return values


def durations(rng, noise_s, n_outputs=15, slope=0.9):
    out = rng.uniform(0.1, 0.4, (n_outputs, 2))
    layer = 0.02 + slope * out + noise_s * rng.standard_normal(out.shape)
    return values_of(rows_of("out", out), rows_of("conv4", layer)), out.ravel(), layer.ravel()


def test_the_fit_is_scipys_linear_regression():
    values, out, layer = durations(np.random.default_rng(0), 0.02)
    (row,) = regress_durations(values, [], "out", 0, QUICK)
    fit = stats.linregress(out, layer)
    assert row["beta"] == pytest.approx(fit.slope)
    assert row["intercept"] == pytest.approx(fit.intercept)
    assert row["t"] == pytest.approx(fit.slope / fit.stderr)
    assert row["p"] == pytest.approx(fit.pvalue)
    assert row["adj_r2"] == pytest.approx(1 - (1 - fit.rvalue**2) * 29 / 28)
    assert (row["n"], row["n_outputs"]) == (30, 15)
    assert list(row) == [
        "channel", "label", "layer", "beta", "beta_low", "beta_high", "intercept", "t", "p",
        "adj_r2", "n", "n_outputs", "random_adj_r2",
    ]  # fmt: skip


def test_the_interval_of_the_slope_has_the_width_that_least_squares_gives():
    values, out, layer = durations(np.random.default_rng(1), 0.03, n_outputs=200)
    (row,) = regress_durations(values, [], "out", 0, StatisticsSettings(n_resamples=5000))
    fit = stats.linregress(out, layer)
    reach = stats.t.ppf(0.975, 398) * fit.stderr
    ends = (fit.slope - reach, fit.slope + reach)
    assert (row["beta_low"], row["beta_high"]) == pytest.approx(ends, abs=0.15 * reach)


def test_random_networks_stand_beside_the_fit():
    rng = np.random.default_rng(2)
    values, *_ = durations(rng, 0.02)
    controls = [durations(rng, noise) for noise in (0.1, 0.2)]
    few, *_ = durations(rng, 0.01, n_outputs=4)
    nets = [net for net, *_ in controls] + [few, Values()]
    (row,) = regress_durations(values, nets, "out", 0, QUICK)
    r2 = [stats.linregress(out, layer).rvalue ** 2 for _, out, layer in controls]
    assert row["random_adj_r2"] == pytest.approx(np.mean([1 - (1 - r) * 29 / 28 for r in r2]))


def test_a_layer_without_durations_has_a_row_of_nan():
    values, *_ = durations(np.random.default_rng(3), 0.02)
    values.add_intervals(rows_of("conv1", np.full((15, 2), math.nan)))
    row, _ = regress_durations(values, [], "out", 0, QUICK)
    assert row["layer"] == "conv1" and row["n"] == row["n_outputs"] == 0
    assert math.isnan(row["beta"]) and math.isnan(row["beta_low"])
    assert math.isnan(row["random_adj_r2"])


def test_constant_durations_have_no_fit_or_a_flat_one():
    x, same = np.arange(9.0), np.full(9, 0.3)
    assert all(map(math.isnan, linear_fit(same, x).values()))
    flat = linear_fit(x, same)
    assert (flat["beta"], flat["intercept"]) == (0, 0.3) and math.isnan(flat["adj_r2"])
    exact = linear_fit(x, 2 * x)
    assert (exact["beta"], exact["t"], exact["p"], exact["adj_r2"]) == (2, math.inf, 0, 1)
    for one, other in ((x, same), (same, x)):
        values = values_of(rows_of("out", one[:, None]), rows_of("c", other[:, None]))
        settings = StatisticsSettings(n_resamples=100, min_pairs=5)
        (row,) = regress_durations(values, [values], "out", 0, settings)
        assert math.isnan(row["beta_low"]) and math.isnan(row["random_adj_r2"])


def test_nothing_measured_makes_empty_tables():
    assert regress_durations(Values(), [Values()], "out", 0) == []
    assert compare_conditions(Values(), {0: ("a", 0), 1: ("b", 0)}, 0) == []
    values, *_ = durations(np.random.default_rng(4), 0.02)
    assert compare_conditions(values, {}, 0) == []
    assert compare_conditions(values, {0: ("a", 0), 1: ("a", 1)}, 0) == []


def paired(rng, effect, n_pairs=12, layers=("conv4", "out"), **others):
    """Outputs 0 .. of condition a, then those of b: the same pairs with an effect added."""
    base = rng.standard_normal((n_pairs, 1))
    both = np.concatenate([base, base + effect + 0.1 * rng.standard_normal((n_pairs, 1))])
    both = both + 0.1 * rng.standard_normal((2 * n_pairs, 2))  # two intervals each
    outputs = {i: ("ab"[i // n_pairs], i % n_pairs) for i in range(2 * n_pairs)}
    return values_of(*(rows_of(layer, both, **others) for layer in layers)), outputs, both


def test_differences_are_those_of_the_means_of_paired_outputs():
    values, outputs, both = paired(np.random.default_rng(5), 0.3)
    row, target = compare_conditions(values, outputs, 0, QUICK)
    a, b = both.mean(axis=1)[:12], both.mean(axis=1)[12:]
    test = stats.ttest_rel(b, a)
    assert row["p"] == pytest.approx(test.pvalue)
    assert row["difference"] == pytest.approx((b - a).mean())
    assert row["mean_condition"] == pytest.approx(b.mean())
    assert row["mean_reference"] == pytest.approx(a.mean())
    assert (row["low"], row["high"]) == pytest.approx(test.confidence_interval(0.95), abs=0.03)
    assert row["p_holm"] == pytest.approx(2 * row["p"]) and row["verdict"] == "differs"
    assert (row["condition"], row["reference"], row["n"]) == ("b", "a", 12)
    assert (row["layer"], target["layer"]) == ("conv4", "out")
    assert list(row) == [
        "channel", "label", "measure", "unit", "layer", "condition", "reference",
        "mean_condition", "mean_reference", "difference", "low", "high", "p", "p_holm", "n",
        "verdict",
    ]  # fmt: skip


def test_a_pair_counts_where_both_sides_have_a_value():
    values, outputs, both = paired(np.random.default_rng(6), 0.3)
    both[0] = math.nan  # pair 0 has no value in a
    both[14, 1] = math.nan  # output 14, pair 2, keeps one interval
    values = values_of(rows_of("out", both))
    outputs = {i: outputs[i] for i in outputs if i != 13}  # pair 1 has no output in b
    (row,) = compare_conditions(values, outputs, 0, QUICK)
    means = np.nanmean(both[1:], axis=1)
    a, b = means[1:11], means[13:23]  # pairs 2 .. 11
    b[0] = both[14, 0]
    assert row["n"] == 10 and row["p"] == pytest.approx(stats.ttest_rel(b, a).pvalue)


def test_each_condition_is_compared_with_the_first():
    rng = np.random.default_rng(7)
    table = rng.standard_normal((18, 1)) + np.repeat([0, 0, 50], 6)[:, None]
    names = [("z11=0", "c", 5)[i // 6] for i in range(18)]
    outputs = {i: (names[i], f"pair {i % 6}") for i in range(18)}
    rows = compare_conditions(values_of(rows_of("out", table)), outputs, 0, QUICK)
    assert [(row["condition"], row["reference"]) for row in rows] == [("c", "z11=0"), (5, "z11=0")]
    assert [row["verdict"] for row in rows] == ["no difference shown", "differs"]
    assert [row["p_holm"] for row in rows] == [row["p"] for row in rows]  # one test each


def test_fewer_pairs_than_a_test_needs_are_too_few_and_not_counted_in_the_correction():
    rng = np.random.default_rng(8)
    values, outputs, both = paired(rng, 0.3, layers=("out",))
    both[4:12] = math.nan
    values.add_intervals(rows_of("conv4", both))
    conv4, out = compare_conditions(values, outputs, 0, QUICK)
    assert (conv4["n"], conv4["verdict"]) == (4, "too few") and math.isnan(conv4["p"])
    assert math.isfinite(conv4["difference"]) and math.isnan(conv4["low"])
    assert out["p_holm"] == out["p"]


def test_the_order_of_rows_does_not_matter():
    rng = np.random.default_rng(9)
    _, outputs, both = paired(rng, 0.1)
    rows = rows_of("out", both) + rows_of("conv4", both[::-1])
    mixed = random.Random(0).sample(rows, len(rows))
    for function in (
        lambda r: compare_conditions(values_of(r), outputs, 3, QUICK),
        lambda r: regress_durations(values_of(r), [values_of(r)], "out", 3, QUICK),
    ):
        assert repr(function(rows)) == repr(function(mixed))


def test_two_outputs_of_one_condition_and_pair_are_refused():
    values, *_ = paired(np.random.default_rng(10), 0.1)
    with pytest.raises(ValueError, match="'a' has two outputs of pair 3: 1 and 2"):
        compare_conditions(values, {1: ("a", 3), 2: ("a", 3)}, 0)


def test_holms_correction_is_that_of_the_textbook():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03, then 1 x 0.04, which may not be less than what is before it
    p = [0.01, 0.04, math.nan, 0.03, 0.005]
    expected = [0.03, 0.06, math.nan, 0.06, 0.02]
    assert holm(p) == pytest.approx(expected, nan_ok=True)
    assert holm([0.6, 0.7]).tolist() == [1, 1] and len(holm([])) == 0


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
