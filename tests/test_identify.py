"""Latent variables are ranked by what they do: planted causes, SciPy's and scikit-learn's fits."""

import dataclasses

import false_claims
import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import expit
from sklearn.linear_model import Lasso

from wavegan_tf.analysis.causes import regression
from wavegan_tf.analysis.causes.identify import IdentifySettings, prove, rank_latents
from wavegan_tf.analysis.causes.within import arrange, proportion_interval, trend
from wavegan_tf.errors import InputError

QUICK = IdentifySettings(n_permutations=99, n_resamples=100, n_selections=10)


def draw(seed, n=300, d=100):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, d)), [f"z{i + 1}" for i in range(d)], rng


def standardised(x):
    return (x - x.mean(axis=0)) / x.std(axis=0)


def ranked(seed, y, z, names, kind="binary", settings=QUICK):
    return rank_latents(z, names, y, kind, seed, settings)


def test_the_l1_model_of_numbers_is_scikit_learns_lasso():
    z, _, rng = draw(0, 150, 20)
    x, y = standardised(z), standardised(z[:, 0] + 0.3 * z[:, 1] + 0.5 * rng.normal(size=150))
    penalties = np.array([0.02, 0.1])
    intercepts, coefs = regression.fit_l1(x, y, np.ones((150, 2)), penalties, False)
    for k, penalty in enumerate(penalties):
        oracle = Lasso(alpha=penalty, tol=1e-10, max_iter=100_000).fit(x, y)
        assert coefs[:, k] == pytest.approx(oracle.coef_, abs=2e-4)
        assert intercepts[k] == pytest.approx(oracle.intercept_, abs=2e-4)


def test_the_l1_model_of_a_property_meets_the_conditions_of_its_optimum():
    z, _, rng = draw(1, 200, 20)
    x = standardised(z)
    y = (rng.random(200) < expit(-1 + x[:, 0] - x[:, 1])).astype(float)
    weights = np.stack([np.ones(200), rng.integers(0, 3, 200)], axis=1).astype(float)
    penalty = 0.03
    intercepts, coefs = regression.fit_l1(x, y, weights, np.full(2, penalty), True)
    for k in range(2):
        w = weights[:, k] / weights[:, k].sum()
        pull = w * (y - expit(intercepts[k] + x @ coefs[:, k]))
        gradient, kept = x.T @ pull, coefs[:, k] != 0
        assert pull.sum() == pytest.approx(0, abs=1e-4)
        assert 2 <= kept.sum() < 20
        assert gradient[kept] == pytest.approx(penalty * np.sign(coefs[kept, k]), abs=2e-4)
        assert np.abs(gradient[~kept]).max() <= penalty + 2e-4


def firth_by_search(x, y, offset):
    def loss(beta):
        eta = beta[0] + beta[1] * x + offset
        w = expit(eta) * expit(-eta)
        information = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]])
        return -(y * eta - np.logaddexp(0, eta)).sum() - 0.5 * np.linalg.slogdet(information)[1]

    return optimize.minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-7}).x


def test_a_slope_is_the_maximum_of_firths_likelihood_and_finite_where_x_separates():
    z, _, rng = draw(2, 60, 3)
    x, offset = standardised(z), 0.5 * rng.normal(size=(60, 3))
    y = (rng.random(60) < expit(-1 + x[:, 0])).astype(float)
    fits = np.transpose(regression.fit_slopes(x, y, offset, True))
    for k in range(3):
        assert fits[k] == pytest.approx(firth_by_search(x[:, k], y, offset[:, k]), abs=1e-4)
    apart = (x[:, 0] > 1).astype(float)
    (intercept,), (slope,) = regression.fit_slopes(x[:, :1], apart, 0 * offset[:, :1], True)
    assert [intercept, slope] == pytest.approx(
        firth_by_search(x[:, 0], apart, 0 * offset[:, 0]), rel=1e-3
    )


@pytest.mark.parametrize("binary", [True, False])
def test_a_resample_gives_the_slope_of_the_outputs_written_out(binary):
    z, _, rng = draw(3, 300, 4)
    x, offset = standardised(z), 0.3 * rng.normal(size=(300, 4))
    y = x[:, 0] + offset[:, 0] + rng.normal(size=300)
    y = (y > 0.8).astype(float) if binary else y
    fit = regression.fit_slopes(x, y, offset, binary)
    drawn = [rng.integers(300, size=300) for _ in range(20)]
    weights = np.stack([np.bincount(i, minlength=300) for i in drawn], axis=1).astype(float)
    found = regression.resampled_slopes(x, y, offset, fit, weights, binary)
    whole = [regression.fit_slopes(x[i], y[i], offset[i], binary)[1] for i in drawn]
    apart = np.abs(found - np.transpose(whole)) / np.std(whole, axis=0)[:, None]
    assert apart.mean() < (0.1 if binary else 1e-9)  # one step of Newton's against all of them


def test_folds_have_their_share_of_a_rare_property():
    y = (np.arange(100) < 10).astype(float)
    folds = regression.make_folds(y, 5, np.random.default_rng(0))
    assert np.bincount(folds).tolist() == [20] * 5
    assert np.bincount(folds[y == 1]).tolist() == [2] * 5


@pytest.mark.parametrize("seed", range(2))
def test_a_planted_cause_of_a_rare_property_comes_first(seed):
    z, names, rng = draw(seed)
    y = (z[:, 2] + 0.05 * z[:, 9:29].sum(axis=1) + 0.1 * rng.normal(size=300) > 0.8).astype(float)
    assert 0.05 < y.mean() < 0.16
    first = ranked(seed, y, z, names)[0]
    assert (first["rank"], first["latent"], first["verdict"]) == (1, "z3", "above chance")
    assert first["score"] > first["null_score_upper"] > 2 and first["selected"] == 1
    assert first["lower"] > 0
    assert first["p"] == first["p_any"] == 0.01  # 1 in 99 + 1
    assert list(first) == [
        "rank", "latent", "score", "null_score_upper", "p", "p_any", "effect", "lower", "upper",
        "univariate", "univariate_lower", "univariate_upper", "univariate_p", "selected", "n",
        "verdict",
    ]  # fmt: skip


def test_nothing_is_claimed_where_nothing_is_carried():
    claimed, covered = 0, []
    for seed in range(10):
        z, names, rng = draw(seed, 120, 20)
        y = (rng.random(120) < 0.2).astype(float)
        rows = ranked(seed, y, z, names)
        claimed += any(row["verdict"] == "above chance" for row in rows)
        covered += [row["lower"] <= 0 <= row["upper"] for row in rows]
        assert [row["rank"] for row in rows] == list(range(1, 21))
        assert rows[0]["p_any"] == min(row["p_any"] for row in rows)
    assert claimed <= 2  # of 10; three or more happen once in a hundred where 5 % is true
    assert 0.9 < np.mean(covered) < 0.99


def test_the_verdict_is_whether_the_score_passes_its_level_by_chance():
    seen = set()
    for seed, permutations, confidence in (
        (0, 99, 0.95),
        (1, 150, 0.8),
        (2, 99, 0.6),
        (3, 99, 0.9),
    ):
        z, names, rng = draw(seed, 100, 15)
        y = (z[:, 2] + 0.7 * z[:, 4] + 1.5 * rng.normal(size=100) > 0.3).astype(float)
        settings = IdentifySettings(
            n_permutations=permutations, n_resamples=100, n_selections=10, confidence=confidence
        )
        rows = ranked(seed, y, z, names, settings=settings)
        scores = [row["score"] for row in rows]
        assert scores == sorted(scores, reverse=True)
        for row in rows:
            above = row["score"] > row["null_score_upper"]
            assert above == (row["p_any"] < 1 - confidence) == (row["verdict"] == "above chance")
            seen.add(above)
    assert seen == {True, False}
    strict = dataclasses.replace(settings, confidence=0.999)
    rows = ranked(0, y, z, names, settings=strict)  # no p of 99 permutations is below 0.001
    assert {(row["null_score_upper"], row["verdict"]) for row in rows} == {
        (np.inf, "not above chance")
    }


def test_the_level_of_chance_is_that_of_the_strongest_of_independent_variables():
    z, names, rng = draw(11, 200, 20)
    y = rng.normal(size=200)
    settings = IdentifySettings(n_permutations=1999, n_resamples=100, n_selections=10)
    row = ranked(0, y, z, names, "continuous", settings)[0]
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / 20)) / 2)  # 3.02
    assert row["null_score_upper"] == pytest.approx(sidak, abs=0.15)


def test_a_strong_cause_does_not_make_others_appear_to_carry():
    names_found = []
    for seed in range(4):
        z, names, rng = draw(seed, 200, 20)
        y = (np.abs(z[:, 2]) + z[:, 4] + 0.1 * rng.normal(size=200) > 1).astype(float)
        names_found += [
            r["latent"] for r in ranked(seed, y, z, names) if r["verdict"] == "above chance"
        ]
    assert names_found.count("z5") == 4 and len(names_found) <= 5


def test_p_of_one_variable_alone_is_that_of_pearsons_r():
    z, names, rng = draw(5, 200, 20)
    y = z[:, 0] + 2 * rng.normal(size=200)
    settings = IdentifySettings(n_permutations=1999, n_resamples=100, n_selections=10)
    for row in ranked(0, y, z, names, "continuous", settings):
        r = stats.pearsonr(z[:, names.index(row["latent"])], y)
        slope = r.statistic * y.std()
        assert row["univariate"] == pytest.approx(slope)
        assert row["univariate_p"] == pytest.approx(r.pvalue, abs=0.035)


def test_effects_beside_other_causes_are_those_planted():
    z, names, rng = draw(6, 1000, 30)
    y = 200 + 30 * z[:, 0] + 20 * z[:, 1] + 10 * rng.normal(size=1000)
    rows = {row["latent"]: row for row in ranked(0, y, z, names, "continuous")}
    design = np.column_stack([np.ones(1000), z])
    fit = np.linalg.lstsq(design, y, rcond=None)[0][1:]
    for name in ("z1", "z2", "z3"):
        row, k = rows[name], names.index(name)
        assert row["effect"] == pytest.approx(fit[k] * z[:, k].std(), abs=0.3)  # sd 0.32
        assert row["upper"] - row["lower"] == pytest.approx(2 * 1.96 * 10 / 1000**0.5, rel=0.25)
        assert row["upper"] - row["lower"] < row["univariate_upper"] - row["univariate_lower"]
    twice = ranked(0, 2 * y - 7, z, names, "continuous")
    assert [row["latent"] for row in twice] == list(rows)
    for row in twice:
        assert row["effect"] == pytest.approx(2 * rows[row["latent"]]["effect"])
        assert row["p_any"] == rows[row["latent"]]["p_any"]


def test_of_a_one_hot_code_the_one_that_matters_stands_out():
    z, names, rng = draw(7, 500, 30)
    code = rng.integers(10, size=500)
    z[:, :10] = np.eye(10)[code]
    y = (rng.random(500) < np.where(code == 2, 0.8, 0.05)).astype(float)
    rows = ranked(0, y, z, names)
    assert [row["latent"] for row in rows if row["verdict"] == "above chance"] == ["z3"]


def test_a_code_that_carries_nearly_all_does_not_make_others_appear_to_carry():
    given = {"outputs": 150, "codes": 5, "z": 15, "settings": QUICK}
    found = [false_claims.claims(seed, **given) for seed in range(10)]
    assert sum(right for right, _ in found) >= 9
    assert sum(bool(others) for _, others in found) <= 2  # three: 1 in 100 where 5 % is true


def test_a_code_without_any_output_that_has_the_property_has_a_wide_interval():
    z, names, rng = draw(9, 300, 12)
    code = np.arange(300) % 5
    z[:, :5] = np.eye(5)[code]
    y = (rng.random(300) < np.where(code == 0, 0, 0.12)).astype(float)
    row = next(row for row in ranked(0, y, z, names) if row["latent"] == "z1")
    assert row["effect"] < -0.5
    assert row["lower"] < row["effect"] - 0.4 and row["upper"] > row["effect"] + 0.4


def test_outputs_without_a_label_and_variables_that_never_vary_are_left_out():
    z, names, rng = draw(8, 120, 10)
    y = (z[:, 3] + 0.2 * rng.normal(size=120) > 0.3).astype(float)
    z[:, 5] = 1
    y[100:] = np.nan
    rows = ranked(0, y, z, names)
    assert rows == ranked(0, y[:100], z[:100], names)
    assert rows[0]["latent"] == "z4" and {row["n"] for row in rows} == {100}
    assert (rows[-1]["latent"], rows[-1]["verdict"]) == ("z6", "too few")
    assert np.isnan([rows[-1][key] for key in ("effect", "lower", "p", "p_any")]).all()


@pytest.mark.parametrize(
    ("y", "kind", "message"),
    [
        (np.zeros(50), "binary", "no output of 50 has the property.*more outputs.*--n"),
        (np.ones(50), "binary", "every output of 50 has the property.*threshold"),
        (np.arange(50) < 4, "binary", "4 of 50 outputs have the property.*needs 10"),
        (np.arange(50) >= 4, "binary", "4 of 50 outputs lack the property.*--min_class"),
        (np.full(50, np.nan), "binary", "no output has a label"),
        (np.full(50, 7.5), "continuous", "all 50 outputs have the value 7.5"),
        (np.full(50, np.nan), "continuous", "0 outputs have a value.*needs 20"),
    ],
)
def test_labels_that_cannot_be_ranked_by_are_refused_with_the_way_out(y, kind, message):
    z, names, _ = draw(0, 50, 5)
    with pytest.raises(InputError, match=message):
        ranked(0, np.asarray(y, float), z, names, kind)


def test_settings_name_the_flag():
    with pytest.raises(InputError, match="--n_folds=1: must be within 2 .. 20"):
        IdentifySettings(n_folds=1)
    with pytest.raises(ValueError, match="binary or continuous"):
        rank_latents(np.ones((30, 2)), ["z1", "z2"], np.arange(30), "text", 0)


@pytest.mark.parametrize(("count", "n"), [(0, 25), (25, 25), (3, 25), (271, 3800)])
def test_the_interval_of_a_share_is_wilsons(count, n):
    oracle = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    assert proportion_interval(count, n, 0.95) == pytest.approx(tuple(oracle), abs=1e-12)
    assert np.isnan(proportion_interval(0, 0, 0.95)).all()


VALUES = np.array([-25.0, -15, -5, -1, 0, 1, 5, 15, 25])


def generated(seed=0, n_bases=25):
    """z3 brings frication with its intensity, z7 nothing; rows shuffled."""
    rng = np.random.default_rng(seed)
    latent, value, base = (
        a.ravel() for a in np.meshgrid(["z3", "z7"], VALUES, np.arange(n_bases), indexing="ij")
    )
    level = np.where(latent == "z3", value, 0) / 5 + rng.normal(size=n_bases)[base]
    level += 0.3 * rng.normal(size=len(level))
    y = (level > 0.5).astype(float)
    frication_db = np.where(y == 1, 40 + 3 * level, np.nan)
    ratio = np.where(y == 1, frication_db / (frication_db + 60), 0)
    role = np.where(latent == "z3", "top", "control")
    measures = {"frication_db": ("dB", frication_db), "frication_ratio": ("1", ratio)}
    return latent, role, value, base, y, measures


def test_shares_and_means_at_each_value_are_those_of_the_outputs():
    latent, role, value, base, y, measures = generated()
    proof, _ = prove(latent, role, value, base, y, measures, "binary", 0, QUICK)
    assert [(row["latent"], row["value"]) for row in proof] == [
        (name, v) for name in ("z3", "z7") for v in VALUES
    ]
    decibels = measures["frication_db"][1]
    for row in proof:
        here = (latent == row["latent"]) & (value == row["value"])
        assert (row["n"], row["share"]) == (25, y[here].mean())
        assert row["lower"] <= row["share"] <= row["upper"]
        seen = decibels[here & (y == 1)]
        assert row["frication_db"] == pytest.approx(seen.mean() if len(seen) else np.nan, nan_ok=1)
        if len(seen) >= 20:
            reach = stats.t.ppf(0.975, len(seen) - 1) * stats.sem(seen)
            assert row["frication_db_upper"] - seen.mean() == pytest.approx(reach, rel=0.5)
    assert proof[0]["share"] == 0 and proof[0]["frication_ratio"] == 0
    assert proof[8]["share"] == 1 and proof[8]["role"] == "top"


def test_what_a_cause_brings_rises_and_what_a_control_does_shows_no_trend():
    proof, trends = prove(*generated(), "binary", 0, QUICK)
    verdicts = {(row["latent"], row["measure"]): row["verdict"] for row in trends}
    measures = ("share", "frication_db", "frication_ratio")
    assert verdicts == {("z3", m): "rises" for m in measures} | {
        ("z7", m): "no trend shown" for m in measures
    }
    assert trends[0]["monotone"] == 1 and trends[0]["rank_r"] > 0.9
    latent, role, value, *rest = generated()
    _, mirrored = prove(latent, role, -value, *rest, "binary", 0, QUICK)
    assert mirrored[0]["verdict"] == "falls"
    assert mirrored[0]["slope"] == pytest.approx(-trends[0]["slope"])


def test_a_trend_is_the_mean_of_the_slopes_within_base_vectors():
    rng = np.random.default_rng(3)
    table = rng.normal(size=(12, 1)) * 10 + 0.1 * VALUES + rng.normal(size=(12, 9))
    slopes = [np.polyfit(VALUES, row, 1)[0] for row in table]
    found = trend(table, VALUES, 0, IdentifySettings(n_resamples=4000))
    test = stats.ttest_1samp(slopes, 0)
    ends = test.confidence_interval(0.95)
    assert found["slope"] == pytest.approx(np.mean(slopes))
    assert found["p"] == pytest.approx(test.pvalue)
    assert [found["lower"], found["upper"]] == pytest.approx(
        [ends.low, ends.high], abs=0.15 * (ends.high - ends.low)
    )
    assert found["rank_r"] == pytest.approx(stats.spearmanr(VALUES, table.mean(axis=0))[0])


def test_a_base_without_a_value_counts_for_the_values_it_has():
    table = 2.0 * VALUES + np.arange(6)[:, None]
    table[0, 3:] = np.nan
    table[1, 1:] = np.nan  # one value alone says nothing
    found = trend(table, VALUES, 0, QUICK)
    assert found["slope"] == pytest.approx(2) and found["n_bases"] == 5


def test_too_few_base_vectors_or_values_give_no_verdict_and_rounding_no_trend():
    few, trends = prove(*generated(n_bases=4), "binary", 0, QUICK)
    assert {row["verdict"] for row in trends} == {"too few"}
    assert np.isnan([row["p"] for row in trends]).all() and trends[0]["slope"] > 0
    one = trend(np.ones((9, 1)), np.array([3.0]), 0, QUICK)
    assert one["n_bases"] == 0 and np.isnan(one["slope"])
    flat = trend(np.full((9, 9), 0.1) * np.arange(9)[:, None], VALUES, 0, QUICK)
    assert (flat["slope"], flat["p"]) == (0, 1) and np.isnan(flat["monotone"])


def test_a_number_has_means_in_place_of_shares():
    latent, role, value, base, _, _ = generated()
    y = 100 + value * (latent == "z3") + base
    proof, trends = prove(latent, role, value, base, y, {}, "continuous", 0, QUICK, "Hz")
    assert np.isnan(proof[0]["share"]) and proof[0]["mean"] == pytest.approx(100 - 25 + 12)
    assert proof[0]["mean_lower"] < proof[0]["mean"] < proof[0]["mean_upper"]
    assert (trends[0]["measure"], trends[0]["unit"], trends[0]["verdict"]) == (
        "mean",
        "Hz",
        "rises",
    )
    assert trends[0]["slope"] == pytest.approx(1)


def test_a_base_vector_has_one_output_of_each_setting():
    with pytest.raises(ValueError, match="same setting"):
        arrange(np.array([0, 0]), np.array([1, 1]), 2, np.ones(2))
