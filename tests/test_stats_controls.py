"""Limits of the controls against closed forms, and shuffles against doing them one by one."""

import math

import numpy as np
import pytest
from made_values import join, points_of
from scipy import stats

from wavegan_tf.stats.controls import random_limits, shuffled_limits
from wavegan_tf.stats.grids import lay_out
from wavegan_tf.stats.resampling import StatisticsSettings

SETTINGS = StatisticsSettings()


def shuffle(layer, target, **others):
    """Limits of ``[outputs, points]``."""
    rows = join(points_of("conv4", layer, **others), points_of("out", target, **others))
    return shuffled_limits(lay_out(rows, ["conv4", "out"]), "conv4", "out", SETTINGS)


def test_random_networks_set_the_limit_of_a_prediction_interval():
    values = [0.2, 0.5, 0.4, 0.6]
    z = np.arctanh(values)
    reach = stats.t.ppf(0.95, 3) * z.std(ddof=1) * math.sqrt(1 + 1 / 4)
    expected = np.tanh([z.mean(), z.mean() - reach, z.mean() + reach])
    assert random_limits(values, SETTINGS) == (*map(pytest.approx, expected), 4)


def test_networks_without_a_value_are_left_out_and_one_alone_sets_no_limit():
    assert random_limits([math.nan, 0.3, 0.5], SETTINGS) == random_limits([0.3, 0.5], SETTINGS)
    mean, low, high, n = random_limits([0.3, math.nan], SETTINGS)
    assert (mean, n) == (pytest.approx(0.3), 1) and math.isnan(low) and math.isnan(high)
    assert random_limits([], SETTINGS).n == 0
    assert random_limits([1.0, 1.0], SETTINGS).high == pytest.approx(1)


def test_with_two_outputs_the_one_shuffle_is_computed_by_hand():
    rng = np.random.default_rng(1)
    layer, target = rng.standard_normal((2, 2, 6))
    r, within, rho = shuffle(layer, target)
    x, y = layer.ravel(), target[::-1].ravel()
    less = [(v - v.mean(axis=1, keepdims=True)).ravel() for v in (layer, target[::-1])]
    assert r[:3] == pytest.approx([stats.pearsonr(x, y).statistic] * 3)
    assert within[:3] == pytest.approx([stats.pearsonr(*less).statistic] * 3)
    assert rho[:3] == pytest.approx([stats.spearmanr(x, y).statistic] * 3)


def test_an_interval_meets_that_of_the_same_place_modulo_their_number():
    layer = np.array([1.0, 5, 2, 7, 3, 4, 9, 8])  # output 0: three intervals, output 1: one
    target = np.array([2.0, 4, 3, 9, 1, 5, 6, 7])
    where = {
        "output": [0, 0, 0, 0, 0, 0, 1, 1],
        "interval": [2, 2, 3, 3, 7, 7, 4, 4],  # numbers over all labels leave gaps
        "point": [1, 2] * 4,
    }
    found = shuffle(layer[:, None], target[:, None], **where)
    met = np.array([6, 7, 6, 7, 6, 7, 2, 4])
    expected = stats.pearsonr(layer, met).statistic
    assert found[0].mean == pytest.approx(expected)


def test_a_point_meets_the_same_point_and_what_is_missing_meets_nothing():
    rng = np.random.default_rng(2)
    layer, target = rng.standard_normal((2, 2, 6))
    layer[0, 2] = target[0, 4] = math.nan  # met by point 3 of output 1, and by point 5
    expected = stats.pearsonr(
        np.concatenate([np.delete(layer[0], 2), np.delete(layer[1], 4)]),
        np.concatenate([np.delete(target[1], 2), np.delete(target[0], 4)]),
    ).statistic
    assert shuffle(layer, target)[0].mean == pytest.approx(expected)


def test_a_layer_that_has_few_values_meets_as_many_of_other_outputs():
    rng = np.random.default_rng(5)
    layer, target = rng.standard_normal((2, 40, 10))
    layer[rng.random((40, 10)) < 0.9] = math.nan
    n = np.isfinite(layer).sum()  # about 40
    r, _, rho = shuffle(layer, target)
    assert r.high == pytest.approx(1.96 / math.sqrt(n - 1), abs=0.08)
    assert rho.high == pytest.approx(1.96 / math.sqrt(n - 1), abs=0.08)


def test_outputs_that_differ_in_level_alone_shuffle_to_the_spread_of_their_number():
    level = np.random.default_rng(4).standard_normal((30, 1)) + np.zeros((30, 10))
    limits = shuffle(level, level)[0]
    assert limits.high == pytest.approx(1.96 / math.sqrt(29), abs=0.08)  # 30 values, not 300


def test_one_output_cannot_be_shuffled():
    limits = shuffle(np.ones((1, 5)), np.ones((1, 5)))
    assert all(math.isnan(each.high) and each.n == 0 for each in limits)
