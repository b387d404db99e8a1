"""What a sweep does to measures, against SciPy and planted effects."""

import math

import numpy as np
import pytest
from scipy import stats

from wavegan_tf.analysis.causes import interpolation
from wavegan_tf.analysis.causes.interpolation import Measure
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.values import Values

FAST = StatisticsSettings(n_resamples=200)
X = np.array([-15.0, -5, 0, 1, 5])


def measure(grid, name="f0"):
    """A measure of one layer of values [bases, ..]."""
    return Measure(1, "out", "voiced", name, "Hz", np.asarray(grid, float).ravel())


def effects(grids, sweeps, settings=FAST):
    measures = [measure(grid, f"m{i}") for i, grid in enumerate(grids)]
    return interpolation.measure_effects(measures, sweeps, 0, settings)


def test_slope_rank_and_difference_are_means_over_bases_of_what_scipy_finds():
    rng = np.random.default_rng(0)
    y = rng.standard_normal([7, 5]) + 0.3 * X
    y[3, 2] = y[4, 0] = math.nan  # an inner value and an end
    (row,) = effects([y], [("z1", X)])
    there = np.isfinite(y)
    fits = [stats.linregress(X[ok], base[ok]).slope for base, ok in zip(y, there, strict=True)]
    ranks = [stats.spearmanr(X[ok], base[ok])[0] for base, ok in zip(y, there, strict=True)]
    ends = np.delete(y[:, -1] - y[:, 0], 4)
    assert row["slope"] == pytest.approx(np.mean(fits))
    assert row["rank_r"] == pytest.approx(np.mean(ranks))
    assert row["difference"] == pytest.approx(ends.mean())
    assert row["p"] == pytest.approx(stats.ttest_1samp(ends, 0).pvalue)
    assert row["n_bases"] == 6 and row["n_values"] == 5
    assert (row["from_value"], row["to_value"]) == (-15, 5)
    assert row["lower"] < row["difference"] < row["upper"]
    assert row["slope_lower"] < row["slope"] < row["slope_upper"]
    assert row["rank_r_lower"] < row["rank_r"] < row["rank_r_upper"]


def test_ties_in_a_measure_have_the_ranks_of_scipy():
    y = np.array([[0.0, 0, 1, 1, 1], [2, 2, 2, 2, 2], [1, math.nan, math.nan, math.nan, 2]])
    found = interpolation.rank_correlations(X, y)
    assert found[0] == pytest.approx(stats.spearmanr(X, y[0])[0])
    assert np.isnan(found[1:]).all()
    np.testing.assert_allclose(interpolation.slopes(X, y)[1:], [0, 1 / 20], atol=1e-15)


def test_one_base_gives_the_numbers_but_no_interval_and_no_verdict():
    (row,) = effects([[2 * X + 1]], [("z1", X)])
    assert (row["slope"], row["rank_r"], row["difference"]) == pytest.approx((2, 1, 40))
    ends = ("lower", "upper", "p", "p_holm")
    missing = [name for name in row if name.endswith(ends)]
    assert len(missing) == 16 and all(math.isnan(row[name]) for name in missing)
    assert row["from_middle_first"] == pytest.approx(-30)
    assert row["from_middle_last"] == pytest.approx(10)
    assert row["verdict"] == "too few" and row["n_bases"] == 1


def test_the_middle_is_the_value_nearest_to_zero_unless_it_is_an_end():
    for values, place in (
        ([-15, -1, 5], 1), ([5, 0.5, -0.5, -5], 1), ([-10, -3, 2, 10], 2), ([0, 1, 2], None),
        ([-15, -10, -5], None), ([0, 0.5, 1], None), ([3], None), ([-5, 5], None),
    ):  # fmt: skip
        assert interpolation.middle_place(np.array(values, float)) == place


def test_what_falls_and_rises_again_changes_though_its_ends_are_alike():
    rng = np.random.default_rng(7)
    y = rng.standard_normal([8, 1]) + 0.05 * rng.standard_normal([8, 5]) + np.abs(X) / 5
    y[:, -1] += 2  # both ends at 3
    y[2, 2] = math.nan  # a base without the middle
    row, flat, monotone = effects([y, rng.standard_normal([8, 5]), y + 3 * X], [("z1", X)])
    assert row["p_holm"] > 0.05 and row["verdict"] == "changes" and row["middle_value"] == 0
    whole = np.delete(y, 2, axis=0)
    for key, end in (("from_middle_first", 0), ("from_middle_last", -1)):
        expected = whole[:, end] - whole[:, 2]
        assert row[key] == pytest.approx(expected.mean()) == pytest.approx(3, abs=0.1)
        assert row[f"{key}_lower"] < row[key] < row[f"{key}_upper"]
        assert row[f"{key}_p"] == pytest.approx(stats.ttest_1samp(expected, 0).pvalue)
        assert row[f"{key}_n_bases"] == 7 and row["n_bases"] == 8
    assert flat["verdict"] == "no change shown" and monotone["verdict"] == "changes"


def test_a_sweep_without_a_middle_has_no_differences_from_it():
    y = np.random.default_rng(8).standard_normal([6, 3])
    (row,) = effects([y], [("c1", np.array([0.0, 1, 2]))])
    assert math.isnan(row["middle_value"]) and row["p_holm"] == row["p"]
    for key in interpolation.FROM_MIDDLE:
        assert all(math.isnan(row[key + x]) for x in ("", "_lower", "_upper", "_p", "_p_holm"))


def test_responses_are_means_over_bases_of_means_over_the_other_sweep():
    rng = np.random.default_rng(9)
    a, b = np.array([0.0, 1, 3]), np.array([-1.0, 1])
    grid = rng.standard_normal([6, 3, 2])
    grid[0, 1] = grid[1, 2, 0] = math.nan
    grid[:2, 0, 0] = math.nan
    rows = interpolation.measure_responses([measure(grid)], [("z1", a), ("c2", b)], 0, FAST)
    assert [(row["latent"], row["value"]) for row in rows] == [
        ("z1", 0), ("z1", 1), ("z1", 3), ("c2", -1), ("c2", 1),
    ]  # fmt: skip
    with np.errstate(invalid="ignore"):
        by_base = [[np.mean([y for y in x if y == y] or [math.nan]) for x in g] for g in grid]
    expected = np.array(by_base)
    assert [row["n_bases"] for row in rows] == [6, 5, 6, 6, 6]
    for row, column in zip(rows, expected.T, strict=False):
        known = column[np.isfinite(column)]
        assert row["mean"] == pytest.approx(known.mean())
        reach = stats.t.ppf(0.975, len(known) - 1) * stats.sem(known)
        assert row["upper"] - row["lower"] == pytest.approx(2 * reach, rel=0.35)
        assert row["lower"] < row["mean"] < row["upper"]
    (few, *_) = interpolation.measure_responses([measure(grid[:4])], [("z1", a), ("c2", b)], 0)
    assert few["n_bases"] == 4 and math.isnan(few["lower"]) and math.isfinite(few["mean"])


def test_the_interval_of_a_share_is_wilsons():
    ones = np.zeros([10, 2])
    ones[:3, 0] = 1
    ones[2:, 1] = math.nan
    share = measure(ones, "share")
    many, few = interpolation.measure_responses([share], [("z1", np.array([0.0, 1]))], 0, FAST)
    n, p, z = 10, 0.3, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = [many[name] for name in ("mean", "lower", "upper")]
    np.testing.assert_allclose(found, [p, centre - half, centre + half])
    assert few["mean"] == 0 and few["n_bases"] == 2 and math.isnan(few["upper"])


def test_a_measure_that_is_nowhere_has_no_numbers():
    (row,) = effects([np.full([6, 5], math.nan)], [("z1", X)])
    assert all(math.isnan(row[name]) for name in ("slope", "rank_r", "difference", "p"))
    assert row["verdict"] == "too few" and row["n_bases"] == 0


def test_sweeps_of_a_grid_are_judged_with_the_others_averaged_within_a_base():
    rng = np.random.default_rng(1)
    a, b = np.array([0.0, 1, 3]), np.array([-1.0, 1])
    grid = rng.standard_normal([6, 3, 2]) + 2 * a[:, None] - 5 * b
    first, second = effects([grid], [("z1", a), ("c2", b)])
    along_a, along_b = grid.mean(axis=2), grid.mean(axis=1)
    assert (first["latent"], second["latent"]) == ("z1", "c2")
    slopes = [stats.linregress(a, base).slope for base in along_a]
    assert first["slope"] == pytest.approx(np.mean(slopes))
    differences = along_b[:, -1] - along_b[:, 0]
    assert second["difference"] == pytest.approx(differences.mean())
    assert second["p"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert (first["n_values"], second["n_values"]) == (3, 2)


def test_a_line_without_one_end_is_not_compared_with_other_lines():
    grid = np.array([[[1.0, 2.0], [100.0, math.nan]]])  # [base, a, b]
    first, second = effects([grid], [("a", np.array([0.0, 1])), ("b", np.array([0.0, 1]))])
    assert first["difference"] == 99  # only where b = 0 has both ends
    assert second["difference"] == 1  # only where a = 0 has


def test_holm_corrects_over_all_differences_of_a_latent_and_finds_the_planted_one():
    rng = np.random.default_rng(11)
    noise = rng.standard_normal([20, 8, 5])
    noise[4] += X
    rows = effects(noise, [("z1", X)])
    prefixes = ("", "from_middle_first_", "from_middle_last_")
    p, p_holm = (
        np.array([row[prefix + x] for row in rows for prefix in prefixes]) for x in ("p", "p_holm")
    )
    order = np.argsort(p)
    expected = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(60, 0, -1)))
    np.testing.assert_allclose(p_holm[order], expected)
    assert [i for i, row in enumerate(rows) if row["verdict"] == "changes"] == [4]
    assert rows[0]["verdict"] == "no change shown"


def test_a_latent_without_effect_is_seldom_said_to_change():
    rng = np.random.default_rng(3)
    level = rng.standard_normal([300, 10, 1])  # bases differ, steps do not but for noise
    rows = effects(level + 0.5 * rng.standard_normal([300, 10, 2]), [("z1", np.array([-5.0, 5]))])
    assert np.mean([row["p"] < 0.05 for row in rows]) == pytest.approx(0.05, abs=0.03)
    inside = np.mean([row["lower"] <= 0 <= row["upper"] for row in rows])
    assert inside == pytest.approx(0.95, abs=0.04)
    assert all(row["verdict"] == "no change shown" for row in rows)


def test_an_interaction_is_the_difference_of_differences_at_the_corners():
    rng = np.random.default_rng(4)
    a, b, c = np.array([0.0, 1, 2]), np.array([0.0, 3]), np.array([0.0, 1])
    product = 0.7 * a[:, None, None] * b[:, None] + 5 * c
    grid = rng.standard_normal([9, 3, 2, 2]) * 0.1 + product
    sweeps = [("z1", a), ("z2", b), ("z3", c)]
    rows = interpolation.measure_interactions([measure(grid)], sweeps, 0, FAST)
    found = {(row["latent_a"], row["latent_b"]): row for row in rows}
    assert set(found) == {("z1", "z2"), ("z1", "z3"), ("z2", "z3")}
    row = found["z1", "z2"]
    y = grid.mean(axis=3)
    corners = y[:, 2, 1] - y[:, 2, 0] - y[:, 0, 1] + y[:, 0, 0]
    assert row["interaction"] == pytest.approx(corners.mean())
    assert row["interaction"] == pytest.approx(0.7 * 2 * 3, abs=0.2)
    assert row["p"] == pytest.approx(stats.ttest_1samp(corners, 0).pvalue)
    assert row["lower"] < row["interaction"] < row["upper"]
    y = grid.mean(axis=1)  # axes: base, z2, z3
    corners = y[:, 1, 1] - y[:, 1, 0] - y[:, 0, 1] + y[:, 0, 0]
    assert found["z2", "z3"]["interaction"] == pytest.approx(corners.mean())
    assert found["z2", "z3"]["verdict"] == "no change shown" and row["verdict"] == "changes"
    assert interpolation.measure_interactions([measure(y[:, 0])], sweeps[:1], 0, FAST) == []


def test_an_output_has_the_mean_of_its_intervals_and_no_value_without_any():
    values = Values()
    rows = [(0, 1, "voiced", 100.0), (0, 2, "voiced", 120), (2, 1, "voiced", math.nan)]
    values.add_intervals(
        {"id": i, "channel": 1, "layer": "out", "interval": k, "label": label, "measure": "f0",
         "unit": "Hz", "value": value, "flag": ""}
        for i, k, label, value in rows
    )  # fmt: skip
    (found,) = interpolation.interval_measures(values, 4)
    assert found[:5] == (1, "out", "voiced", "f0", "Hz")
    np.testing.assert_array_equal(found.values, [110, math.nan, math.nan, math.nan])
