"""Coefficients against SciPy's own; the bootstrap against known truth."""

import numpy as np
import pytest
from scipy import stats

from wavegan_tf.stats.resampling import (
    Ranks,
    StatisticsSettings,
    centred,
    interval,
    mean_intervals,
    moments,
    pearson,
    resample,
    standardise,
)


def clustered(rng, n_outputs, n_points, between, r_between, r_within):
    """Correlated values of outputs with frames that depend on each other, and their true r."""

    def two(r, *shape):
        x = rng.standard_normal(shape)
        return np.stack([x, r * x + np.sqrt(1 - r * r) * rng.standard_normal(shape)])

    values = np.sqrt(between) * two(r_between, n_outputs, 1)
    values = values + np.sqrt(1 - between) * two(r_within, n_outputs, n_points)
    group = np.repeat(np.arange(n_outputs), n_points)
    return *values.reshape(2, -1), group, between * r_between + (1 - between) * r_within


def written_out(weights, group, *columns):
    """Each pair as often as its output's weight says."""
    times = weights[group].astype(int)
    return [np.repeat(column, times) for column in columns]


def test_r_under_weights_is_that_of_the_values_written_out():
    rng = np.random.default_rng(0)
    x, y, group, _ = clustered(rng, 12, 5, 0.5, 0.8, 0.4)
    weights = rng.integers(0, 4, 12)
    sums = moments(standardise(x), standardise(y), group, 12)
    expected = stats.pearsonr(*written_out(weights, group, x, y)).statistic
    assert pearson(sums @ weights) == pytest.approx(expected, abs=1e-12)


def test_within_output_r_is_that_of_values_less_their_outputs_mean():
    rng = np.random.default_rng(1)
    x, y, group, _ = clustered(rng, 12, 5, 0.9, -0.9, 0.5)
    weights = rng.integers(0, 4, 12)
    means = [np.array([v[group == g].mean() for g in range(12)])[group] for v in (x, y)]
    less = written_out(weights, group, x - means[0], y - means[1])
    sums = centred(moments(standardise(x), standardise(y), group, 12))
    assert pearson(sums @ weights) == pytest.approx(stats.pearsonr(*less).statistic, abs=1e-12)


@pytest.mark.parametrize("decimals", [0, 1, 9])  # many ties, some, none
@pytest.mark.parametrize("n_outputs", [3, 40])
def test_spearman_under_weights_is_that_of_the_values_written_out(decimals, n_outputs):
    rng = np.random.default_rng(2)
    x, y, group, _ = clustered(rng, n_outputs, 6, 0.5, 0.8, 0.4)
    x, y = x.round(decimals), y.round(decimals)
    mixed = rng.permutation(len(x))
    x, y, group = x[mixed], y[mixed], group[mixed]
    weights = rng.integers(0, 4, (n_outputs, 7)).astype(float)
    found = Ranks(x, y, group).spearman(weights)
    expected = [stats.spearmanr(*written_out(w, group, x, y)).statistic for w in weights.T]
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_pairs_have_no_coefficient(n):
    x = np.arange(n, dtype=float)
    assert np.isnan(pearson(moments(standardise(x), standardise(x), np.zeros(n, int), 1).sum(-1)))
    if n:
        assert np.isnan(Ranks(x, x, np.zeros(n, int)).spearman(np.ones((1, 1)))).all()


def test_a_side_that_does_not_vary_has_no_coefficient():
    x, same, group = np.arange(9.0), np.full(9, 0.1), np.repeat(np.arange(3), 3)
    for a, b in ((x, same), (same, x), (same, same)):
        assert np.isnan(pearson(moments(standardise(a), standardise(b), group, 3).sum(-1)))
        assert np.isnan(Ranks(a, b, group).spearman(np.ones((3, 1)))).all()
    steps = np.repeat([1.0, 5.0, 2.0], 3)  # nothing varies within an output
    sums = centred(moments(standardise(x), standardise(steps), group, 3))
    assert np.isnan(pearson(sums.sum(-1)))


def test_resamples_draw_as_many_outputs_as_there_are():
    seen = []
    settings = StatisticsSettings(n_resamples=150)
    resample(lambda w: seen.append(w) or w[:1], 7, 2**17, 0, settings)  # in several blocks
    weights = np.concatenate(seen, axis=1)
    assert len(seen) > 1 and weights.shape == (7, 150)
    assert (weights.sum(axis=0) == 7).all()
    assert weights.mean(axis=1) == pytest.approx(np.ones(7), abs=0.3)


def test_equal_seeds_give_equal_resamples_and_others_others():
    one, again, other = (
        resample(lambda w: w[:1], 9, 9, seed, StatisticsSettings(n_resamples=100))
        for seed in (0, 0, 1)
    )
    assert np.array_equal(one, again) and not np.array_equal(one, other)


@pytest.mark.parametrize("n", [5, 10, 100])
def test_an_interval_is_widened_as_students_t_and_n_minus_one_would(n):
    normal = stats.norm.ppf((np.arange(100_000) + 0.5) / 100_000)  # bootstrap means, sd 1
    reach = stats.t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1))
    assert interval(normal, n, 0.95) == pytest.approx((-reach, reach), rel=2e-3)


def test_an_interval_is_missing_where_resamples_mostly_are():
    assert np.isnan(interval(np.full(100, np.nan), 20, 0.95)).all()
    assert np.isnan(interval(np.arange(100.0), 2, 0.95)).all()
    some = np.where(np.arange(100) < 5, np.nan, np.arange(100))
    assert np.isfinite(interval(some, 20, 0.95)).all()


def test_intervals_that_resample_outputs_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(5)
    settings = StatisticsSettings(n_resamples=200)
    held = {"outputs": 0, "frames": 0}
    for trial in range(300):
        x, y, group, true = clustered(rng, 25, 10, 0.7, 0.6, 0.3)
        frames = np.arange(250)
        for name, units in (("outputs", group), ("frames", frames)):
            n = units[-1] + 1
            sums = moments(standardise(x), standardise(y), units, n)
            resampled = resample(lambda w, m=sums: pearson(m @ w)[None], n, 250, trial, settings)
            low, high = interval(resampled[0], n, 0.95)
            held[name] += low <= true <= high
    assert 0.90 <= held["outputs"] / 300 <= 0.98
    assert held["frames"] / 300 < 0.75


def test_intervals_of_means_are_those_of_outputs_drawn_and_averaged_over_what_is_there():
    table = np.random.default_rng(5).standard_normal([12, 70])  # more columns than one block holds
    table[3:5, 1] = table[:, 2] = table[3:, 3] = np.nan
    drawn = np.random.default_rng([0, 12]).integers(12, size=(200, 12))
    settings = StatisticsSettings(n_resamples=200)
    found = mean_intervals(table, 0, settings)
    for k in (0, 1, 3, 69):
        column = table[:, k]
        sums = np.nansum(column[drawn], axis=1)
        count = np.isfinite(column[drawn]).sum(axis=1)
        means = np.divide(sums, count, where=count > 0, out=np.full(200, np.nan))
        expected = interval(means, np.isfinite(column).sum(), 0.95)
        np.testing.assert_allclose([ends[k] for ends in found], [np.nanmean(column), *expected])
    assert np.isnan([ends[2] for ends in found]).all()
    mean, lower, upper = mean_intervals(table, 0, settings, least=11)
    assert np.isnan(lower[1]) and np.isnan(upper[1]) and mean[1] == found[0][1]
    assert np.isfinite(lower[0])
