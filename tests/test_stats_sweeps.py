"""What a sweep does to measures, against SciPy and planted effects."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from wavegan_tf.stats import sweeps
from wavegan_tf.stats.effects import holm
from wavegan_tf.stats.resampling import StatisticsSettings

FAST = StatisticsSettings(n_resamples=200)
X = np.array([-15.0, -5, 0, 1, 5])
NAN = math.nan
A, B = np.array([0.0, 1, 3]), np.array([-1.0, 1])
GRID = [("z1", A), ("c2", B)]


def values_of(grids, name="m{}"):
    """Values of measures from grids of [bases, ..]."""
    values = [np.ravel(np.asarray(x, float)) for x in grids]
    return sweeps.values_frame(
        {(1, "out", "voiced", name.format(i), "Hz"): x for i, x in enumerate(values)}
    )


def effects(grids, along=None, name="m{}", controls=None):
    given = values_of(grids, name), along or [("z1", X)], FAST
    table = sweeps.measure_effects(*given, controls and {"z1": values_of(controls, name)})
    return [row for _, row in table.iterrows()]


def test_slope_rank_and_difference_are_means_over_bases_of_what_scipy_finds():
    rng = np.random.default_rng(0)
    y = rng.standard_normal([7, 5]) + 0.3 * X
    y[3, 2] = y[4, 0] = NAN  # an inner value and an end
    (row,) = effects([y])
    there = np.isfinite(y)
    fits = [stats.linregress(X[ok], base[ok]).slope for base, ok in zip(y, there, strict=True)]
    ranks = [stats.spearmanr(X[ok], base[ok])[0] for base, ok in zip(y, there, strict=True)]
    ends = np.delete(y[:, -1] - y[:, 0], 4)
    assert row["slope"] == pytest.approx(np.mean(fits))
    assert row["rank_r"] == pytest.approx(np.mean(ranks))
    assert row["estimate"] == pytest.approx(ends.mean())
    assert row["p"] == pytest.approx(stats.ttest_1samp(ends, 0).pvalue)
    assert (row["n"], row["n_values"], row["from_value"], row["to_value"]) == (6, 5, -15, 5)
    for name, start in (("estimate", ""), ("slope", "slope_"), ("rank_r", "rank_r_")):
        assert row[f"{start}low"] < row[name] < row[f"{start}high"]


def test_ties_in_a_measure_have_the_ranks_of_scipy_and_no_variation_none():
    y = np.array([[0.0, 0, 1, 1, 1], [2, 2, 2, 2, 2], [1, NAN, NAN, NAN, 2]])
    expected = [stats.spearmanr(X, y[0])[0], NAN, NAN]
    np.testing.assert_allclose(sweeps.rank_correlations(X, y), expected)


def test_one_base_gives_the_numbers_but_no_interval_and_no_verdict_and_no_base_nothing():
    row, nowhere = effects([[2 * X + 1], [NAN * X]])
    assert (row["slope"], row["rank_r"], row["estimate"]) == pytest.approx((2, 1, 40))
    missing = [name for name in row.index if name.endswith(("low", "high", "p", "p_holm"))]
    assert len(missing) == 19 and row[missing].isna().all()
    assert row[list(sweeps.FROM_MIDDLE)].tolist() == pytest.approx([-30, 10])
    assert row["verdict"] == "too few" and row["n"] == 1
    assert nowhere[["slope", "rank_r", "estimate", *missing]].isna().all()
    assert nowhere["verdict"] == "too few" and nowhere["n"] == 0


@pytest.mark.parametrize(
    "values, middle",
    [
        ([-15, -1, 5], -1), ([5, 0.5, -0.5, -5], 0.5), ([0, 1, 2], NAN), ([-5, 5], NAN),
    ],
)  # fmt: skip
def test_the_middle_is_the_value_nearest_to_zero_unless_it_is_an_end(values, middle):
    y = np.random.default_rng(8).standard_normal([6, len(values)])
    (row,) = effects([y], [("c1", values)])
    assert row["middle_value"] == pytest.approx(middle, nan_ok=True)
    of_middle = row[[key + x for key in sweeps.FROM_MIDDLE for x in ("", "_low", "_high", "_p")]]
    assert (of_middle.isna() == math.isnan(middle)).all()


def test_of_a_way_the_ends_alone_are_compared():
    y = np.random.default_rng(8).standard_normal([9, 3])
    y[:, 1] += 50  # half of one code and half of another
    theirs = np.random.default_rng(9).standard_normal([9, N_CONTROLS, 2])
    for along in ([("t", [0, 0.5, 1])], [("z1", [-1, 1])]):
        values = values_of([y if along[0][0] == "t" else y[:, [0, 2]]])
        table = sweeps.measure_effects(values, along, FAST, {along[0][0]: values_of([theirs])})
        (row,) = table.to_dict("records")
        assert row["verdict"] == "no change shown" and math.isnan(row["middle_value"])
        expected = stats.ttest_rel(y[:, 2], y[:, 0]).pvalue
        assert row["p"] == pytest.approx(expected) == row["p_holm"]


def test_what_falls_and_rises_again_changes_though_its_ends_are_alike():
    rng = np.random.default_rng(7)
    y = rng.standard_normal([8, 1]) + 0.05 * rng.standard_normal([8, 5]) + np.abs(X) / 5
    y[:, -1] += 2  # both ends at 3
    y[2, 2] = NAN  # a base without the middle
    row, flat, monotone = effects([y, rng.standard_normal([8, 5]), y + 3 * X])
    assert row["p_holm"] > 0.05 and row["verdict"] == "changes" and row["middle_value"] == 0
    assert [x["ends"] for x in (row, flat, monotone)] == [False, False, True]
    whole = np.delete(y, 2, axis=0)
    for key, end in (("from_middle_first", 0), ("from_middle_last", -1)):
        expected = whole[:, end] - whole[:, 2]
        assert row[key] == pytest.approx(expected.mean()) == pytest.approx(3, abs=0.1)
        assert row[f"{key}_low"] < row[key] < row[f"{key}_high"]
        assert row[f"{key}_p"] == pytest.approx(stats.ttest_1samp(expected, 0).pvalue)
        assert row[f"{key}_n"] == 7 and row["n"] == 8
    assert flat["verdict"] == "no change shown" and monotone["verdict"] == "changes"


def test_sweeps_of_a_grid_are_judged_with_the_others_averaged_within_a_base():
    rng = np.random.default_rng(1)
    grid = rng.standard_normal([6, 3, 2]) + 2 * A[:, None] - 5 * B
    first, second = effects([grid], GRID)
    along_a, along_b = grid.mean(axis=2), grid.mean(axis=1)
    assert (first["latent"], second["latent"]) == ("z1", "c2")
    slopes = [stats.linregress(A, base).slope for base in along_a]
    assert first["slope"] == pytest.approx(np.mean(slopes))
    differences = along_b[:, -1] - along_b[:, 0]
    assert second["estimate"] == pytest.approx(differences.mean())
    assert second["p"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


def test_holm_corrects_over_all_differences_of_a_latent_and_finds_the_planted_one():
    noise = np.random.default_rng(11).standard_normal([20, 8, 5])
    noise[4] += X
    rows = pd.DataFrame(effects(noise))
    assert (rows["n_controls"] == 0).all() and rows["p_control"].isna().all()
    columns = ["p", "from_middle_first_p", "from_middle_last_p"]
    corrected = rows[[f"{name}_holm" for name in columns]].to_numpy().ravel()
    np.testing.assert_allclose(corrected, holm(rows[columns].to_numpy().ravel()))
    assert np.flatnonzero(rows["verdict"] == "changes").tolist() == [4]
    assert rows["verdict"][0] == "no change shown"


def test_a_latent_without_effect_is_seldom_said_to_change():
    rng = np.random.default_rng(3)
    level = rng.standard_normal([300, 10, 1])  # bases differ, steps do not but for noise
    rows = effects(level + 0.5 * rng.standard_normal([300, 10, 2]), [("z1", [-5.0, 5])])
    assert np.mean([row["p"] < 0.05 for row in rows]) == pytest.approx(0.05, abs=0.03)
    inside = np.mean([row["low"] <= 0 <= row["high"] for row in rows])
    assert inside == pytest.approx(0.95, abs=0.04)
    assert all(row["verdict"] == "no change shown" for row in rows)


N_CONTROLS = 20


def test_controls_stand_beside_a_change_as_numpy_counts_them():
    rng = np.random.default_rng(12)
    own = rng.standard_normal([9, 5]) + X / 15
    theirs = rng.standard_normal([9, N_CONTROLS, 3])
    theirs[..., -1] += np.linspace(-3, 3, N_CONTROLS)
    theirs[:5, 0, 0] = NAN  # four bases are too few
    (row,) = effects([own], controls=[theirs])
    change, changes = own[:, -1] - own[:, 0], (theirs[..., -1] - theirs[..., 0])[:, 1:]
    sizes = np.abs(changes.mean(axis=0))
    assert row["n_controls"] == N_CONTROLS - 1
    assert (row["control"], row["control_high"]) == pytest.approx((np.median(sizes), sizes.max()))
    assert row["excess"] == pytest.approx(abs(change.mean()) - sizes.mean())
    assert row["excess_low"] < row["excess"] < row["excess_high"]

    def differences(x):
        """Sizes of the means of the three differences, [.., 3]."""
        return np.abs([x[-1] - x[0], x[0] - x[1], x[-1] - x[1]])

    means = [differences(own.mean(axis=0)[[0, 2, 4]])]
    means += [differences(x) for x in theirs.mean(axis=0)[1:]]
    size, *others = np.max(means / np.mean(means, axis=0), axis=1)
    assert row["n_controls_as_large"] == sum(x >= size for x in others) > 0
    assert row["p_control"] == pytest.approx((1 + row["n_controls_as_large"]) / N_CONTROLS)
    (two,) = effects([own[:, [0, 4]]], [("z1", [-1.0, 1])], controls=[theirs[..., [0, 2]]])
    assert two["n_controls_as_large"] == np.sum(sizes >= abs(change.mean()))


def test_a_verdict_names_a_cause_only_where_it_changes_more_than_enough_controls():
    rng = np.random.default_rng(13)
    own, theirs = rng.standard_normal([8, 5]), rng.standard_normal([8, N_CONTROLS, 3])
    theirs += [-9, 0, 9]  # what controls do shows as well
    vee = 40 * np.abs(X)
    given = [own + 2 * X, own + X / 3, own + vee, own]
    rows = effects(given, controls=[theirs] * 4)
    assert [row["verdict"] for row in rows] == [
        "changes, more than controls", "changes, as controls do", "changes, more than controls",
        "no change shown",
    ]  # fmt: skip
    assert rows[0]["p_control"] == pytest.approx(1 / 21)
    assert [row["ends"] for row in rows] == [True, True, True, False]
    (within,) = effects([own + 0.8 * X + 200 * (X == 0)], controls=[theirs])  # 16 between ends
    assert within["p_holm"] < 0.05 and within["estimate"] < within["control_high"]
    assert within["verdict"] == "changes, more than controls" and not within["ends"]
    for n, verdict in ((18, "changes"), (19, "changes, more than controls")):
        (row,) = effects([own + 2 * X], controls=[theirs[:, :n]])
        assert row["verdict"] == verdict and row["n_controls"] == n
    (nowhere,) = effects([own + 2 * X], controls=[NAN * theirs])
    assert nowhere["verdict"] == "changes" and nowhere["n_controls"] == 0


def test_one_of_twenty_one_like_variables_is_the_largest_in_one_of_twenty_one():
    rng = np.random.default_rng(14)
    shift = rng.standard_normal([400, 1, 21, 3])
    x = shift + 0.1 * rng.standard_normal([400, 8, 21, 3])
    rows = effects(x[:, :, 0], [("z1", [-1.0, 0, 1])], controls=list(x[:, :, 1:]))
    named = np.mean([row["verdict"] == "changes, more than controls" for row in rows])
    assert np.mean([row["verdict"].startswith("changes") for row in rows]) > 0.8
    assert named == pytest.approx(1 / 21, abs=0.03)


def test_counts_are_tested_by_their_signs_from_fifteen_bases_on():
    counts = np.zeros([16, 2])
    counts[2:, 1] = 1  # two of sixteen do not change
    counts[2, 1] = -1
    along = [("z1", [0.0, 1])]
    for name in ("n_frication", "share"):
        (row,) = effects([counts], along, name)
        assert row["p"] == pytest.approx(stats.binomtest(13, 14).pvalue) and row["n"] == 16
    (mean,) = effects([counts], along)
    assert mean["p"] == pytest.approx(stats.ttest_1samp(counts[:, 1], 0).pvalue)
    (few,) = effects([counts[:14]], along, "n_frication")
    assert few["verdict"] == "too few" and math.isnan(few["p"]) and math.isfinite(few["low"])


def test_responses_are_means_over_bases_of_means_over_the_other_sweep():
    rng = np.random.default_rng(9)
    grid = rng.standard_normal([6, 3, 2])
    grid[0, 1] = grid[1, 2, 0] = NAN
    grid[:2, 0, 0] = NAN
    table = sweeps.measure_responses(values_of([grid]), GRID, FAST)
    assert list(zip(table["latent"], table["value"], strict=True)) == [
        ("z1", 0), ("z1", 1), ("z1", 3), ("c2", -1), ("c2", 1),
    ]  # fmt: skip
    assert table["n"].tolist() == [6, 5, 6, 6, 6]
    expected = pd.DataFrame(grid.reshape(18, 2)).mean(axis=1).to_numpy().reshape(6, 3)
    for row, column in zip(table.itertuples(), expected.T, strict=False):
        known = column[np.isfinite(column)]
        assert row.estimate == pytest.approx(known.mean())
        reach = stats.t.ppf(0.975, len(known) - 1) * stats.sem(known)
        assert row.high - row.low == pytest.approx(2 * reach, rel=0.35)
        assert row.low < row.estimate < row.high


def test_the_interval_of_a_share_is_wilsons():
    ones = np.zeros([10, 2])
    ones[:3, 0] = 1
    ones[2:, 1] = NAN
    share = values_of([ones], "share")
    table = sweeps.measure_responses(share, [("z1", [0.0, 1])], FAST)
    n, p, z = 10, 0.3, stats.norm.ppf(0.975)
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    many, few = table[["estimate", "low", "high"]].to_numpy()
    np.testing.assert_allclose(many, [p, centre - half, centre + half])
    assert few[0] == 0 and np.isnan(few[1:]).all() and table["n"][1] == 2


def test_an_interaction_is_the_difference_of_differences_at_the_corners():
    rng = np.random.default_rng(4)
    a, b, c = np.array([0.0, 1, 2]), np.array([0.0, 3]), np.array([0.0, 1])
    product = 0.7 * a[:, None, None] * b[:, None] + 5 * c
    grid = rng.standard_normal([9, 3, 2, 2]) * 0.1 + product
    along = [("z1", a), ("z2", b), ("z3", c)]
    table = sweeps.measure_interactions(values_of([grid]), along, FAST)
    found = {(row["latent_a"], row["latent_b"]): row for _, row in table.iterrows()}
    assert set(found) == {("z1", "z2"), ("z1", "z3"), ("z2", "z3")}
    row, y = found["z1", "z2"], grid.mean(axis=3)
    corners = y[:, 2, 1] - y[:, 2, 0] - y[:, 0, 1] + y[:, 0, 0]
    assert row["estimate"] == pytest.approx(corners.mean())
    assert row["estimate"] == pytest.approx(0.7 * 2 * 3, abs=0.2)
    assert row["p"] == pytest.approx(stats.ttest_1samp(corners, 0).pvalue)
    assert row["low"] < row["estimate"] < row["high"]
    assert found["z2", "z3"]["verdict"] == "no change shown" and row["verdict"] == "changes"


def test_an_output_has_the_mean_of_its_intervals_and_no_value_without_any():
    rows = [(0, 1, 100.0), (0, 2, 120.0), (2, 1, NAN)]
    table = pd.DataFrame(rows, columns=["output", "interval", "value"])
    head = {"channel": 1, "layer": "out", "label": "voiced", "measure": "f0"}
    found = sweeps.interval_means(table.assign(**head, unit="Hz", flag=""), 4, ["fc", "out"])
    assert found.index.tolist() == [(1, "out", "voiced", "f0", "Hz")]
    np.testing.assert_array_equal(found.to_numpy(), [[110, NAN, NAN, NAN]])
    tidy = sweeps.tidy(found)
    assert tidy[["output", "value"]].to_numpy().tolist() == [[0, 110]]
    assert tidy["measure"].tolist() == ["f0"]


def test_intervals_are_counted_unless_an_output_could_not_be_measured():
    outputs = pd.DataFrame({
        "output": range(4), "channel": 1, "n_voiced": [2, 0, 0, 0],
        "measured": [True, True, False, False], "problem": ["", "", "silent", "NaN in it"],
    })  # fmt: skip
    counts, shares = sweeps.counts_and_shares(outputs, "out")
    assert counts.index.tolist() == [(1, "out", "output", "n_voiced", "1")]
    assert shares.index.tolist() == [(1, "out", "voiced", "share", "1")]
    np.testing.assert_array_equal(counts.to_numpy(), [[2, 0, 0, NAN]])
    np.testing.assert_array_equal(shares.to_numpy(), [[1, 0, 0, NAN]])
