"""Random networks against closed forms, shuffles against doing them one by one."""

import math

import numpy as np
import pytest
from made_values import join, points_of
from scipy import stats

from wavegan_tf.stats.controls import Shuffled, against_random, against_shuffled, shuffle
from wavegan_tf.stats.grids import lay_out
from wavegan_tf.stats.resampling import StatisticsSettings

SETTINGS = StatisticsSettings()
NONE = np.full(4, math.nan)


def shuffled(layer, target, **others):
    """Shuffles ``[outputs, points]``."""
    rows = join(points_of("conv4", layer, **others), points_of("out", target, **others))
    return shuffle(lay_out(rows, ["conv4", "out"]), "conv4", "out", SETTINGS)


def test_one_network_is_tested_against_a_few_as_crawford_and_howell_do():
    r, values = 0.9, np.array([0.2, 0.5, 0.4, 0.6])
    z = np.arctanh(values)
    spread = z.std(ddof=1) * math.sqrt(1 + 1 / 4)
    found = against_random(r, math.nan, values, NONE, np.full(4, 25), SETTINGS)
    assert found.p == pytest.approx(stats.t.sf((np.arctanh(r) - z.mean()) / spread, 3))
    reach = stats.t.ppf(0.95, 3) * spread
    expected = np.tanh([z.mean(), z.mean() - reach, z.mean() + reach])
    assert found[:3] == pytest.approx(expected)
    assert (found.n, found.n_outputs) == (4, 25)
    negative = against_random(-r, math.nan, -values, NONE, np.full(4, 25), SETTINGS)
    assert negative.p == pytest.approx(found.p) and negative.low == pytest.approx(-found.high)


def test_an_error_larger_than_that_of_the_networks_adds_what_it_exceeds_theirs_by():
    values, errors = np.array([0.2, 0.5, 0.4, 0.6]), np.full(4, 0.1)
    plain = against_random(0.9, 0.1, values, errors, np.ones(4), SETTINGS)
    assert plain.p == against_random(0.9, 0.05, values, errors, np.ones(4), SETTINGS).p
    z = np.arctanh(values)
    spread = math.sqrt(z.var(ddof=1) * 1.25 + 0.3**2 - 0.1**2)
    wide = against_random(0.9, 0.3, values, errors, np.ones(4), SETTINGS)
    assert wide.p == pytest.approx(stats.t.sf((np.arctanh(0.9) - z.mean()) / spread, 3))


def test_fewer_than_three_networks_are_no_control():
    for values in ([], [0.3], [0.3, 0.4]):
        n = len(values)
        found = against_random(0.9, 0.1, np.array(values), NONE[:n], np.ones(n), SETTINGS)
        assert math.isnan(found.p) and math.isnan(found.high) and found.n == n


def test_two_outputs_meet_themselves_or_the_other():
    layer, target = np.random.default_rng(1).standard_normal((2, 2, 6))
    found = shuffled(layer, target)
    for met in (target, target[::-1]):
        x, y = layer.ravel(), met.ravel()
        less = [(v - v.mean(axis=1, keepdims=True)).ravel() for v in (layer, met)]
        expected = [stats.pearsonr(x, y), stats.pearsonr(*less), stats.spearmanr(x, y)]
        expected = [each.statistic for each in expected]
        near = np.isclose(found.values.T, expected).all(axis=1)
        assert 0.4 < near.mean() < 0.6
    assert (found.n_outputs, found.least_p) == (2, 0.5)


def test_outputs_meet_those_with_as_many_intervals_and_one_of_a_number_of_its_own_itself():
    layer, target = np.random.default_rng(2).standard_normal((2, 14))
    where = {
        "output": [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 5, 5, 5, 5, 5, 5][:14],
        "interval": [2, 2, 3, 3, 4, 4, 1, 1, 9, 9, 5, 5, 6, 7],
        "point": [1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 1],
    }  # outputs of two intervals, one, two, three
    found = shuffled(layer[:, None], target[:, None], **where)
    for met in ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [6, 7, 8, 9, 4, 5, 0, 1, 2, 3]):
        expected = stats.pearsonr(layer, target[[*met, 10, 11, 12, 13]]).statistic
        assert 0.4 < np.isclose(found.values[0], expected).mean() < 0.6
    assert (found.n_outputs, found.least_p) == (2, 0.5)


def test_an_r_that_one_output_without_its_like_makes_is_no_more_than_shuffled_gives():
    rng = np.random.default_rng(7)
    layer, target = rng.standard_normal((2, 20, 6))
    own = np.linspace(20, 22, 12)  # two intervals, far from all others on both sides
    points = {
        "output": [*np.repeat(np.arange(20), 6), *[20] * 12],
        "interval": [*[1] * 120, *np.repeat([1, 2], 6)],
        "point": [*np.tile(np.arange(6), 20), *np.tile(np.arange(6), 2)],
    }
    sides = [np.concatenate([x.ravel(), own])[:, None] for x in (layer, target)]
    r, unlike = stats.pearsonr(*(x[:, 0] for x in sides)).statistic, shuffled(*sides, **points)
    found = against_shuffled(r, unlike, 0, SETTINGS)
    assert r > 0.95 and found.p > 0.05 and found.low < r < found.high and found.n_outputs == 20
    like = against_shuffled(r, shuffled(layer, layer), 0, SETTINGS)
    assert like.p < 0.001 and like.high < r  # what all make by themselves is more


def test_a_pairing_without_meaning_is_found_no_more_often_than_it_should_beside_such_an_output():
    rng, found = np.random.default_rng(8), []
    where = {
        "output": [*np.repeat(np.arange(15), 4), *[15] * 8],
        "interval": [*[1] * 60, *np.repeat([1, 2], 4)],
        "point": [*np.tile(np.arange(4), 15), *np.tile(np.arange(4), 2)],
    }
    for _ in range(200):
        sides = [rng.standard_normal((15, 1)) + rng.standard_normal((15, 4)) for _ in range(2)]
        sides = [np.concatenate([x.ravel(), np.arange(3, 11)])[:, None] for x in sides]
        r = stats.pearsonr(*(x[:, 0] for x in sides)).statistic
        found.append(against_shuffled(r, shuffled(*sides, **where), 0, SETTINGS).p)
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.04)


def test_a_point_meets_the_same_point_and_what_is_missing_meets_nothing():
    layer, target = np.random.default_rng(2).standard_normal((2, 2, 6))
    layer[0, 2] = target[0, 4] = math.nan  # met by point 3 of output 1, and by point 5
    expected = stats.pearsonr(
        np.concatenate([np.delete(layer[0], 2), np.delete(layer[1], 4)]),
        np.concatenate([np.delete(target[1], 2), np.delete(target[0], 4)]),
    ).statistic
    assert 0.4 < np.isclose(shuffled(layer, target).values[0], expected).mean() < 0.6


def test_shuffles_of_few_values_spread_as_their_number_says():
    rng = np.random.default_rng(5)
    layer, target = rng.standard_normal((2, 40, 10))
    layer[rng.random((40, 10)) < 0.9] = math.nan
    n = np.isfinite(layer).sum()  # about 40
    values = shuffled(layer, target).values
    assert np.std(values[[0, 2]], axis=1) == pytest.approx(1 / math.sqrt(n - 1), abs=0.03)
    level = np.random.default_rng(4).standard_normal((30, 1)) + np.zeros((30, 10))
    assert np.std(shuffled(level, level).values[0]) == pytest.approx(1 / math.sqrt(29), abs=0.03)


def test_p_against_shuffles_is_never_below_what_all_pairings_give():
    values = np.random.default_rng(6).normal(0, 0.1, 500)
    found = Shuffled(values[np.newaxis], 5, 1 / 120)
    assert against_shuffled(0.5, found, 0, SETTINGS).p == 1 / 120
    z = np.arctanh(values)
    distance = (np.arctanh(0.15) - z.mean()) / (z.std(ddof=1) * math.sqrt(1 + 1 / 500))
    assert against_shuffled(0.15, found, 0, SETTINGS).p == pytest.approx(stats.t.sf(distance, 499))


def test_outputs_that_cannot_be_shuffled_tell_nothing():
    layer = np.arange(5.0)[np.newaxis]
    for found in (shuffled(layer, layer**2), shuffled(np.ones((1, 5)), np.ones((1, 5)))):
        assert found.n_outputs == 0 and against_shuffled(0.96, found, 0, SETTINGS).p == 1
