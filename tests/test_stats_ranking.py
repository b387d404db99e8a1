"""Latent variables are ranked by what they do; proofs, codes and pairs: planted causes, SciPy."""

import dataclasses

import false_claims
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from wavegan_tf.errors import InputError
from wavegan_tf.stats import proof
from wavegan_tf.stats.factorial import code_shares, code_tests, pair_effects
from wavegan_tf.stats.ranking import RankingSettings, check_labels, rank
from wavegan_tf.stats.resampling import wilson

QUICK = RankingSettings(n_permutations=99, n_resamples=100, n_selections=10)


def draw(seed, n=300, d=100):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.uniform(-1, 1, (n, d)), columns=[f"z{i + 1}" for i in range(d)]), rng


def by_latent(table, form="linear"):
    return table[table["form"] == form].set_index("latent")


def test_a_planted_cause_of_a_rare_property_comes_first():
    z, rng = draw(0)
    small = 0.05 * z.iloc[:, 9:29].sum(axis=1) + 0.1 * rng.normal(size=300)
    y = (z["z3"] + small > 0.8).to_numpy(float)
    assert 0.05 < y.mean() < 0.16
    first = rank(z, y, "binary", 0, QUICK).iloc[0]
    assert (first["rank"], first["latent"], first["form"]) == (1, "z3", "linear")
    assert first["verdict"] == "above chance"
    assert first["score"] > first["chance_score"] > 2 and first["kept"] == 1
    assert first["p"] == first["p_any"] == 0.01  # 1 in 99 + 1
    assert first["estimate"] > first["low"] > 0 and first["coefficient"] > 0


def test_the_change_of_a_share_is_that_of_least_squares():
    z, rng = draw(3, 1000, 20)
    share = 0.3 + 0.2 * z["z1"] + 0.1 * z["z2"]
    y = (rng.random(1000) < share).to_numpy(float)
    rows = by_latent(rank(z, y, "binary", 0, QUICK))
    for name in ("z1", "z2", "z3"):
        alone = stats.linregress(z[name], y).slope * z[name].std(ddof=0)
        assert rows.loc[name, "univariate"] == pytest.approx(alone)
        assert rows.loc[name, "estimate"] == pytest.approx(alone, abs=0.01)
    assert rows.loc["z1", "low"] < 0.2 / 3**0.5 < rows.loc["z1", "high"]


def test_a_v_shaped_cause_is_found_in_its_even_form_and_a_code_has_none():
    z, rng = draw(3, 1000, 20)
    z["c1"] = code = rng.integers(2, size=1000)
    share = 0.3 + 0.4 * z["z3"].abs() + 0.1 * code
    table = rank(z, (rng.random(1000) < share).to_numpy(float), "binary", 0, QUICK)
    first, even, linear = table.iloc[0], by_latent(table, "even"), by_latent(table)
    assert (first["latent"], first["form"], first["verdict"]) == ("z3", "even", "above chance")
    assert first["estimate"] == pytest.approx(0.4 / 12**0.5, abs=0.03)  # SD of |z| is 1 / 12^0.5
    assert linear.loc["z3", "verdict"] == "not above chance"
    assert set(even.index) == {f"z{i + 1}" for i in range(20)} == {*linear.index} - {"c1"}


def test_nothing_is_claimed_where_nothing_is_carried():
    claimed, covered = 0, []
    for seed in range(10):
        z, rng = draw(seed, 120, 20)
        table = rank(z, (rng.random(120) < 0.2).astype(float), "binary", seed, QUICK)
        claimed += "above chance" in set(table["verdict"])
        covered += list((table["low"] <= 0) & (table["high"] >= 0))
        assert list(table["rank"]) == list(range(1, 41))
        assert table["p_any"].iloc[0] == table["p_any"].min()
    assert claimed <= 2  # of 10; three or more happen once in a hundred where 5 % is true
    assert 0.9 < np.mean(covered) < 0.99


@pytest.mark.parametrize(
    ("n", "confidence", "claimed"), [(99, 0.95, 0), (150, 0.8, 1), (99, 0.6, 1), (99, 0.999, 0)]
)
def test_the_verdict_is_whether_the_score_passes_its_level_by_chance(n, confidence, claimed):
    z, rng = draw(0, 100, 15)
    y = (z["z3"] + 0.7 * z["z5"] + 1.5 * rng.normal(size=100) > 0.3).to_numpy(float)
    settings = dataclasses.replace(QUICK, n_permutations=n, confidence=confidence)
    table = rank(z, y, "binary", 0, settings)
    assert table["score"].is_monotonic_decreasing
    above = table["score"] > table["chance_score"]  # infinite: no p of 99 is below 0.001
    assert (above == (table["p_any"] < 1 - confidence)).all()
    assert (above == (table["verdict"] == "above chance")).all() and above.any() == claimed


def test_the_level_of_chance_is_that_of_the_strongest_of_independent_variables():
    z, rng = draw(11, 200, 20)
    settings = dataclasses.replace(QUICK, n_permutations=1999)
    table = rank(z, rng.normal(size=200), "continuous", 0, settings)
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / 40)) / 2)  # 3.22, of 20 in two forms
    assert table["chance_score"].iloc[0] == pytest.approx(sidak, abs=0.15)


def test_p_of_one_variable_alone_is_that_of_pearsons_r():
    z, rng = draw(5, 200, 20)
    y = (z["z1"] + 2 * rng.normal(size=200)).to_numpy()
    settings = dataclasses.replace(QUICK, n_permutations=1999)
    for name, row in by_latent(rank(z, y, "continuous", 0, settings)).iterrows():
        r = stats.pearsonr(z[name], y)
        assert row["univariate"] == pytest.approx(r.statistic * y.std())
        assert row["univariate_p"] == pytest.approx(r.pvalue, abs=0.035)


def test_effects_beside_other_causes_are_those_planted_in_any_unit():
    z, rng = draw(6, 1000, 30)
    y = (200 + 30 * z["z1"] + 20 * z["z2"] + 10 * rng.normal(size=1000)).to_numpy()
    rows = by_latent(rank(z, y, "continuous", 0, QUICK))
    fit = np.linalg.lstsq(np.column_stack([np.ones(1000), z]), y, rcond=None)[0][1:]
    for k, name in enumerate(("z1", "z2", "z3")):
        row = rows.loc[name]
        assert row["estimate"] == pytest.approx(fit[k] * z[name].std(ddof=0), abs=0.3)  # sd 0.32
        assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * 10 / 1000**0.5, rel=0.25)
    twice = by_latent(rank(z, 2 * y - 7, "continuous", 0, QUICK))
    assert list(twice.index) == list(rows.index)
    np.testing.assert_allclose(twice["estimate"], 2 * rows["estimate"])
    np.testing.assert_allclose(twice["p_any"], rows["p_any"])


def test_both_codes_of_two_are_found_with_the_same_evidence():
    z, rng = draw(8, 200, 20)
    z["z1"], z["z2"] = (code := rng.integers(2, size=200)), 1 - code
    y = (rng.random(200) < np.where(code, 0.9, 0.1)).astype(float)
    first, second = rank(z, y, "binary", 0, QUICK).iloc[:2].itertuples()
    assert (first.latent, second.latent) == ("z1", "z2")
    assert first.verdict == second.verdict == "above chance"
    assert second.score == pytest.approx(first.score) and second.kept == first.kept
    assert (second.estimate, second.coefficient) == pytest.approx(
        (-first.estimate, -first.coefficient)
    )


def test_a_code_that_carries_nearly_all_does_not_make_others_appear_to_carry():
    given = {"outputs": 150, "codes": 5, "z": 15, "settings": QUICK}
    claims = [false_claims.claims(seed, **given) for seed in range(10)]
    assert sum(right for right, _ in claims) >= 9
    assert sum(others for _, others in claims) <= 2  # three: 1 in 100 where 5 % is true


def test_outputs_without_a_label_and_variables_that_never_vary_are_left_out():
    z, rng = draw(8, 120, 10)
    y = (z["z4"] + 0.2 * rng.normal(size=120) > 0.3).to_numpy(float)
    z["z6"] = 1.0
    y[100:] = np.nan
    table = rank(z, y, "binary", 0, QUICK)
    pd.testing.assert_frame_equal(table, rank(z[:100], y[:100], "binary", 0, QUICK))
    assert table["latent"].iloc[0] == "z4" and set(table["n"]) == {100}
    last = table.iloc[-1]
    assert (last["latent"], last["verdict"]) == ("z6", "too few")
    assert last[["estimate", "low", "p", "p_any"]].isna().all()


@pytest.mark.parametrize(
    ("y", "kind", "message"),
    [
        (np.zeros(50), "binary", "--p: 0 of 50 outputs have it.*needs 10.*; draw more"),
        (np.arange(50) >= 4, "binary", "46 of 50 outputs have it.*--min_class"),
        (np.full(50, 7.5), "continuous", "all 50 outputs have the value 7.5"),
        (np.full(50, np.nan), "continuous", "0 outputs have a value.*needs 20"),
    ],
)
def test_labels_that_cannot_be_ranked_by_are_refused_with_the_way_out(y, kind, message):
    with pytest.raises(InputError, match=message):
        check_labels(np.asarray(y, float), kind, QUICK, "--p", "draw more")


VALUES = np.array([-25.0, -15, -5, -1, 0, 1, 5, 15, 25])
MEASURES = {"share": "1", "frication_db": "dB", "frication_ratio": "1"}


def generated(seed=0, n_bases=25, sign=1):
    """z3 brings frication with its intensity, z7 nothing."""
    rng = np.random.default_rng(seed)
    index = pd.MultiIndex.from_product([["z3", "z7"], VALUES, range(n_bases)])
    rows = index.to_frame(index=False, name=["latent", "value", "base"])
    top = rows["latent"] == "z3"
    level = top * rows["value"] / 5 + rng.normal(size=n_bases)[rows["base"]]
    level += 0.3 * rng.normal(size=len(level))
    rows["role"] = np.where(top, "top", "control")
    rows["share"] = (level > 0.5).astype(float)
    rows["frication_db"] = (40 + 3 * level).where(rows["share"] == 1)
    rows["frication_ratio"] = (rows["frication_db"] / (rows["frication_db"] + 60)).fillna(0)
    return rows.assign(value=sign * rows["value"])


def test_shares_and_means_at_each_value_are_those_of_the_outputs():
    rows = generated()
    table = proof.prove(rows, MEASURES, 0, QUICK)[0]
    shares = table[table["measure"] == "share"]
    assert list(shares["latent"] + shares["value"].map(str)) == [
        f"{name}{v}" for name in ("z3", "z7") for v in VALUES
    ]
    for row in table.itertuples():
        here = rows[(rows["latent"] == row.latent) & (rows["value"] == row.value)]
        seen = here[row.measure].dropna()
        assert row.n == len(seen)
        if row.measure == "share":
            oracle = stats.binomtest(int(seen.sum()), 25).proportion_ci(0.95, method="wilson")
            assert (row.low, row.high) == pytest.approx(tuple(oracle))
        assert row.estimate == pytest.approx(seen.mean(), nan_ok=True)
        if row.measure == "frication_db" and len(seen) >= 20:
            reach = stats.t.ppf(0.975, len(seen) - 1) * stats.sem(seen)
            assert row.high - row.estimate == pytest.approx(reach, rel=0.5)
    assert np.isnan(wilson(0, 0, 0.95)).all()


def test_what_a_cause_brings_rises_and_what_a_control_does_shows_no_trend():
    trends = proof.prove(generated(), MEASURES, 0, QUICK)[1]
    assert set(trends.loc[trends["latent"] == "z3", "verdict"]) == {"rises"}
    assert set(trends.loc[trends["latent"] == "z7", "verdict"]) == {"no trend shown"}
    assert trends["monotone"].iloc[0] == 1 and trends["rank_r"].iloc[0] > 0.9
    mirrored = proof.prove(generated(sign=-1), MEASURES, 0, QUICK)[1]
    assert mirrored["verdict"].iloc[0] == "falls"
    assert mirrored["estimate"].iloc[0] == pytest.approx(-trends["estimate"].iloc[0])


def test_a_trend_is_the_mean_of_the_slopes_within_base_vectors():
    rng = np.random.default_rng(3)
    y = rng.normal(size=(12, 1)) * 10 + 0.1 * VALUES + rng.normal(size=(12, 9))
    slopes = [np.polyfit(VALUES, row, 1)[0] for row in y]
    settings = dataclasses.replace(QUICK, n_resamples=4000)
    found = proof.trend(pd.DataFrame(y, columns=VALUES), "mean", 0, settings)
    test = stats.ttest_1samp(slopes, 0)
    ends = test.confidence_interval(0.95)
    assert found["estimate"] == pytest.approx(np.mean(slopes))
    assert found["p"] == pytest.approx(test.pvalue)
    assert [found["low"], found["high"]] == pytest.approx(
        [ends.low, ends.high], abs=0.15 * (ends.high - ends.low)
    )
    assert found["rank_r"] == pytest.approx(stats.spearmanr(VALUES, y.mean(axis=0))[0])


def test_a_base_without_a_value_counts_for_the_values_it_has():
    y = 2.0 * VALUES + np.arange(6)[:, None]
    y[0, 3:] = np.nan
    y[1, 1:] = np.nan  # one value alone says nothing
    found = proof.trend(pd.DataFrame(y, columns=VALUES), "mean", 0, QUICK)
    assert found["estimate"] == pytest.approx(2) and found["n"] == 5


def test_too_few_base_vectors_or_values_give_no_verdict_and_rounding_no_trend():
    trends = proof.prove(generated(n_bases=4), MEASURES, 0, QUICK)[1]
    assert set(trends["verdict"]) == {"too few"} and trends["p"].isna().all()
    one = proof.trend(pd.DataFrame(np.ones((9, 1)), columns=[3.0]), "mean", 0, QUICK)
    assert one["n"] == 0 and np.isnan(one["estimate"])
    levels = np.full((9, 9), 0.1) * np.arange(9)[:, None]
    flat = proof.trend(pd.DataFrame(levels, columns=VALUES), "mean", 0, QUICK)
    assert (flat["estimate"], flat["p"]) == (0, 1) and np.isnan(flat["monotone"])


def test_a_yes_or_no_needs_15_bases_and_a_mean_does_not():
    for n_bases, verdicts in ((14, {"too few"}), (15, {"rises"})):
        trends = proof.prove(generated(n_bases=n_bases), MEASURES, 0, QUICK)[1]
        assert set(trends.loc[trends["latent"] == "z3", "verdict"]) == verdicts | {"rises"}
        share = trends[(trends["measure"] == "share") & (trends["latent"] == "z3")]
        assert set(share["verdict"]) == verdicts


def test_the_slope_of_a_yes_or_no_is_tested_by_the_signs_of_its_bases():
    y = np.zeros((20, 9))
    y[:14, 7:] = 1  # rise
    y[14:17, :2] = 1  # fall
    found = proof.trend(pd.DataFrame(y, columns=VALUES), "share", 0, QUICK)
    assert found["p"] == pytest.approx(stats.binomtest(3, 17).pvalue) and found["way"] == 1


@pytest.mark.parametrize("values", [(0.0, 1, 25), (-25.0, -1, 0, 1, 5)])
def test_the_test_of_a_slope_keeps_its_level_however_values_are_spaced(values):
    rng, claimed = np.random.default_rng(0), 0
    for _ in range(150):
        y = (rng.random((25, len(values))) < 0.15).astype(float)  # a rare property
        found = proof.trend(pd.DataFrame(y, columns=values), "share", 0, ROUGH)
        claimed += found["p"] < 0.05
    assert claimed <= 14  # 15 or more: 1 in 100 at 5 %


ROUGH = dataclasses.replace(QUICK, n_resamples=100)


def sweep(latent, y_of, values=(-9.0, -1.0, 0.0, 1.0, 9.0), n_bases=20, role="top"):
    """Outputs of one latent: y by value and base."""
    rows = [
        {"latent": latent, "role": role, "value": v, "base": b, "share": float(bool(y_of(v, b)))}
        for b in range(n_bases) for v in values
    ]  # fmt: skip
    return pd.DataFrame(rows)


def contrasted(rows, form="linear"):
    table = proof.prove(rows, {"share": "1"}, 0, QUICK)[2]
    columns = ["from_value", "to_value", "estimate", "verdict"]
    return list(table.loc[table["form"] == form, columns].itertuples(index=False, name=None))


def test_what_comes_and_goes_along_a_sweep_is_found_where_it_has_no_slope():
    rows = sweep("z2", lambda v, b: v == 1 and b % 4)
    assert contrasted(rows) == [(-1, 1, 0.75, "changes"), (-9, 9, 0, "no change shown")]


def test_a_variable_of_the_code_is_compared_with_0_for_its_mirror_image_is_no_code():
    rows = sweep("c2", lambda v, b: abs(v) == 1 and b % 4, (-1.0, 0.0, 1.0))
    assert contrasted(rows) == [(0, -1, 0.75, "changes"), (0, 1, 0.75, "changes")]
    assert contrasted(rows, "even") == contrasted(rows[rows["value"] != 0]) == []


def test_what_both_sides_bring_is_even_and_what_one_side_brings_is_not():
    both = sweep("z2", lambda v, b: v and b % 4)
    assert contrasted(both, "even") == [(0, 1, 0.75, "changes"), (0, 9, 0.75, "changes")]
    assert {row[3] for row in contrasted(both)} == {"no change shown"}
    one = sweep("z2", lambda v, b: v > 0)
    assert contrasted(one, "even") == [(0, v, 0.5, "no change shown") for v in (1, 9)]


def test_a_yes_or_no_is_compared_by_the_sign_test_and_a_mean_by_students_t():
    rows = sweep("z2", lambda v, b: b < 17 if v == 1 else b == 19, (-1.0, 1.0))
    (row,) = proof.prove(rows, {"share": "1"}, 0, QUICK)[2].itertuples()
    assert (row.p, row.n) == (pytest.approx(stats.binomtest(17, 18).pvalue), 20)
    assert (row.from_estimate, row.to_estimate) == (0.05, 0.85)
    rows["mean"] = rows["share"] + np.random.default_rng(0).normal(size=40)
    (row,) = proof.prove(rows, {"mean": "1"}, 0, QUICK)[2].itertuples()
    table = rows.pivot(index="base", columns="value", values="mean")
    assert row.p == pytest.approx(stats.ttest_rel(table[1], table[-1]).pvalue)


def test_trends_and_contrasts_are_one_family_and_controls_another():
    rows = [sweep(f"z{k}", lambda v, b: (v > 0) ^ (b < 3)) for k in (1, 2)]
    rows.append(sweep("z9", lambda v, b: (v > 0) ^ (b < 3), role="control"))
    _, trends, contrasts = proof.prove(pd.concat(rows), {"share": "1"}, 0, QUICK)
    tests = pd.concat([trends, contrasts])
    for role, count in (("top", 2 * 5), ("control", 5)):  # a trend and four contrasts each
        here = tests[tests["role"] == role]
        assert len(here) == count
        assert here["p_holm"].min() == pytest.approx(count * here["p"].min())


def test_what_a_code_of_two_does_is_not_shared_out_to_its_mirror_image():
    rng = np.random.default_rng(0)
    c1 = rng.integers(2, size=200)
    latents = pd.DataFrame({"c1": c1, "c2": 1 - c1, "z1": rng.uniform(-1, 1, 200)})
    y = (rng.random(200) < np.where(c1 == 1, 0.96, 0.04)).astype(float)
    rows = rank(latents, y, "binary", 0, QUICK).set_index("latent")
    for name, sign in (("c1", 1), ("c2", -1)):
        slope = sign * np.polyfit(c1, y, 1)[0] * c1.std()
        assert rows.loc[name, "estimate"] == pytest.approx(slope, rel=0.1)
        assert rows.loc[name, "low"] < slope < rows.loc[name, "high"]


def test_a_v_and_a_curve_that_falls_inside_the_range_of_training_do_not_rise():
    def verdict(y_of):
        trends = proof.prove(
            sweep("z2", y_of, (-25.0, -1.0, 0.0, 1.0, 25.0)), {"share": "1"}, 0, QUICK
        )[1]
        return trends["verdict"].iloc[0]

    assert verdict(lambda v, b: v > 0 or (v == 0 and b % 2)) == "rises"
    assert verdict(lambda v, b: v >= 1 or (v < -1 and b % 4)) == "no trend shown"  # a V
    assert verdict(lambda v, b: v == 25 or (v == -1 and b % 2)) == "no trend shown"


UP = {"z2": 0.3}


def found_of(rows, signs=UP, form="linear"):
    """The findings of outputs, where the ranking has these estimates."""
    ranked = pd.DataFrame(
        [
            {"latent": k, "form": form, "estimate": x, "verdict": "above chance"}
            for k, x in signs.items()
        ],
        columns=["latent", "form", "estimate", "verdict"],
    )
    contrasts = proof.prove(rows, {"share": "1"}, 0, QUICK)[2]
    (row,) = proof.findings(["z2"], ranked, contrasts).to_dict("records")
    return row


def outside_and_training(control=lambda v, b: 0):
    """z2 brings it above 0; z8 and z9 are controls, of which z8 does what is given."""
    return pd.concat([
        sweep("z2", lambda v, b: v == 9 or (v == 1 and b % 4)),
        sweep("z8", control, role="control"), sweep("z9", lambda v, b: b % 2, role="control"),
    ])  # fmt: skip


def test_a_cause_is_shown_inside_training_with_the_sign_of_the_ranking_and_beyond_controls():
    row = found_of(outside_and_training())
    assert (row["verdict"], row["sign"]) == ("cause", "agrees")
    assert (row["n_controls"], row["n_controls_as_large"]) == (2, 0)
    inside = [row[f"inside_{name}"] for name in proof.SIDE[:-1]]
    assert inside == ["linear", -1, 1, 0, 0.75, 20]
    outside = [row[f"outside_{name}"] for name in proof.SIDE[:-1]]
    assert outside == ["linear", -9, 9, 0, 1, 20]
    assert row["inside_p_holm"] < 0.05 and row["ranked"] == "above chance"
    assert found_of(outside_and_training(), {})["verdict"] == "cause"  # of a screen: no sign


@pytest.mark.parametrize(
    ("rows", "signs", "controls"),
    [
        (outside_and_training(), {"z2": -0.3}, (2, 0)),
        (outside_and_training(lambda v, b: v > 0), UP, (2, 1)),
        (outside_and_training()[:100], UP, (0, 0)),
    ],
)
def test_without_the_sign_or_with_a_control_as_large_or_without_one_it_is_no_cause(
    rows, signs, controls
):
    row = found_of(rows, signs)
    assert row["verdict"] == "moves it inside training"
    assert (row["n_controls"], row["n_controls_as_large"]) == controls


def test_a_code_is_compared_with_controls_that_are_codes_and_z_with_z():
    values = (-1.0, 0.0, 1.0)
    rows = pd.concat([
        sweep("z2", lambda v, b: v == 1, values), sweep("c1", lambda v, b: v == 1, values),
        sweep("c2", lambda v, b: v == 1, values, role="control"),
        sweep("z9", lambda v, b: 0, values, role="control"),
    ])  # fmt: skip
    contrasts = proof.prove(rows, {"share": "1"}, 0, QUICK)[2]
    ranked = pd.DataFrame(columns=["latent", "form", "estimate", "verdict"])
    found = proof.findings(["z2", "c1"], ranked, contrasts).set_index("latent")
    assert found["n_controls"].tolist() == [1, 2]  # a code inside training with z as well
    assert found["n_controls_as_large"].tolist() == [0, 1]
    assert found["verdict"].tolist() == ["cause", "moves it inside training"]


@pytest.mark.parametrize(
    ("control", "as_large", "verdict"),
    [
        (lambda v, b: v == 9, 1, "moves it only outside training, as controls do"),
        (
            lambda v, b: v == 9 and b,
            1,
            "moves it only outside training, as controls do",
        ),  # 19 of 20
        (lambda v, b: v == 9 and b < 6, 0, "moves it only outside training"),
    ],
)
def test_a_change_beyond_training_alone_is_said_with_the_controls_that_may_do_as_much(
    control, as_large, verdict
):
    rows = pd.concat([
        sweep("z2", lambda v, b: v == 9 or (v == -1 and b < 4)),  # falls inside, from 4 of 20
        sweep("z8", control, role="control"),
    ])  # fmt: skip
    row = found_of(rows, {"z2": -0.4})
    assert row["verdict"] == verdict and row["sign"] == "disagrees"
    assert (row["n_controls"], row["n_controls_as_large"]) == (1, as_large)


def test_an_even_cause_is_compared_with_the_even_form_of_the_ranking():
    rows = pd.concat([
        sweep("z2", lambda v, b: v and b % 4), sweep("z8", lambda v, b: b % 2, role="control"),
    ])  # fmt: skip
    row = found_of(rows, form="even")
    assert (row["verdict"], row["inside_form"], row["sign"]) == ("cause", "even", "agrees")
    assert (row["inside_from_value"], row["inside_to_value"]) == (0, 1)


def test_where_nothing_is_shown_or_can_be_compared_it_is_said():
    assert found_of(sweep("z2", lambda v, b: b % 2))["verdict"] == "no change shown"
    for rows in (
        sweep("z2", lambda v, b: v > 0, n_bases=14),
        sweep("z2", lambda v, b: v, (1.0, 9.0)),
    ):
        row = found_of(rows)
        assert row["verdict"] == "too few" and np.isnan(row["inside_p_holm"])


def test_a_screen_lists_the_largest_shares_first():
    rows = pd.concat([
        sweep("z10", lambda v, b: v > 0 and b < 2, (-15.0, 15.0), 5),
        sweep("z2", lambda v, b: b < 3, (-15.0, 15.0), 5),
    ])  # fmt: skip
    table = proof.screen(rows, 0, QUICK)
    assert list(table["latent"] + table["value"].map("{:g}".format)) == [
        "z2-15",
        "z215",
        "z1015",
        "z10-15",
    ]
    assert list(table["estimate"]) == [0.6, 0.6, 0.4, 0] and set(table["n"]) == {5}


def coded(counts, n=25, value=1.0):
    """Outputs of c1, c2 .. of which the given numbers have the property."""
    labels = np.concatenate([np.where(np.arange(n) < k, "yes", "") for k in counts])
    code = np.repeat([f"c{i + 1}" for i in range(len(counts))], n)
    return pd.DataFrame({"code": code, "value": value, "label": labels})


def test_shares_are_counted_by_code_value_and_label():
    code, value = ["c2", "c2", "c1", "c1", "c1", "c1"], [1, 1, 5, 1, 1, 1.0]
    words = ["suit", "rag", "rag", "rag", np.nan, "suit"]
    rows = code_shares(pd.DataFrame({"code": code, "value": value, "label": words}), QUICK)
    names = ["code", "value", "label", "n", "count", "estimate"]
    assert list(rows[names].itertuples(index=False, name=None)) == [
        ("c2", 1, "rag", 2, 1, 0.5),
        ("c2", 1, "suit", 2, 1, 0.5),
        ("c1", 5, "rag", 1, 1, 1),
        ("c1", 5, "suit", 1, 0, 0),
        ("c1", 1, "rag", 2, 1, 0.5),
        ("c1", 1, "suit", 2, 1, 0.5),
    ]
    (row,) = code_shares(coded([1], 3), QUICK).itertuples()
    ends = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert row.label == "yes" and (row.low, row.high) == pytest.approx(tuple(ends))


def test_a_property_that_no_output_of_any_code_has_is_counted_as_0():
    rows = coded([0, 0])
    rows["label"] = pd.Categorical(rows["label"], ["", "frication"])
    shares, tests = code_shares(rows, QUICK), code_tests(rows, 0, QUICK)
    assert list(shares["label"]) == ["frication"] * 2 and set(shares["estimate"]) == {0}
    assert set(tests["verdict"]) == {"no difference shown"}


def test_each_code_has_fishers_p_and_all_codes_that_of_chi_squared():
    counts = [20, 8, 9]
    rows = code_tests(coded(counts), 0, QUICK)
    assert list(zip(rows["code"], rows["test"], rows["n"], strict=True)) == [
        ("c1", "fisher", 75), ("c2", "fisher", 75), ("c3", "fisher", 75), ("all", "chi2", 75),
    ]  # fmt: skip
    for row, count in zip(rows.itertuples(), counts, strict=False):
        others = sum(counts) - count
        oracle = stats.fisher_exact([[count, 25 - count], [others, 50 - others]])
        assert (row.p, row.statistic) == pytest.approx((oracle.pvalue, oracle.statistic))
        assert (row.estimate, row.others) == (count / 25, others / 50)
    oracle = stats.chi2_contingency([counts, [25 - k for k in counts]], correction=False)
    assert tuple(rows[["statistic", "p"]].iloc[3]) == pytest.approx((oracle[0], oracle[1]))
    assert rows["p_holm"].min() == pytest.approx(4 * rows["p"].min())
    assert rows["verdict"].iloc[0] == rows["verdict"].iloc[3] == "differs"


def test_small_counts_get_the_p_of_deals_of_the_labels():
    rng = np.random.default_rng(0)
    words = np.array(["ask", "dark", "oily", "rag", "suit"])
    code = np.repeat(["c1", "c2", "c3", "c4"], 12)
    labels = words[rng.integers(5, size=48)]
    labels[:4] = "rag"
    rows = code_tests(pd.DataFrame({"code": code, "value": 1.0, "label": labels}), 1, QUICK)

    def chi2_of(group, dealt):
        table = stats.contingency.crosstab(group, dealt).count
        return stats.chi2_contingency(table, False).statistic

    for row in (rows.iloc[0], rows.iloc[-1]):
        group = code if row["code"] == "all" else code == row["code"]
        deals = [chi2_of(group, rng.permutation(labels)) for _ in range(600)]
        assert row["test"] == "chi2, permuted"
        assert row["statistic"] == pytest.approx(chi2_of(group, labels))
        assert row["p"] == pytest.approx(np.mean(np.array(deals) >= row["statistic"]), abs=0.06)


def test_many_codes_of_many_words_can_be_told_apart_after_holm():
    words = np.array([f"word{i}" for i in range(10)])
    code = np.repeat(np.arange(10), 12)
    rng = np.random.default_rng(2)
    labels = words[np.where(rng.random(120) < 0.7, code, rng.integers(10, size=120))]
    rows = pd.DataFrame({"code": [f"c{i + 1}" for i in code], "value": 1.0, "label": labels})
    tests = code_tests(rows, 0, QUICK)
    assert set(tests["verdict"]) == {"differs"}
    assert list(tests["label"][:10]) == list(words)  # the one that differs most
    dealt = rows.assign(label=rng.permutation(labels))
    assert set(code_tests(dealt, 0, QUICK)["verdict"]) == {"no difference shown"}


def test_codes_are_compared_at_one_value_and_one_code_alone_is_too_few():
    both = pd.concat([coded([20, 5]), coded([12, 12], value=2.0)])
    rows = code_tests(both, 0, QUICK)
    assert list(rows["verdict"]) == ["differs"] * 2 + ["no difference shown"] * 2
    assert list(rows["code"]) == ["c1", "c2"] * 2  # of two codes "all" would be the same test
    assert set(code_tests(coded([20]), 0, QUICK)["verdict"]) == {"too few"}
    assert set(code_tests(coded([25, 25]), 0, QUICK)["verdict"]) == {"no difference shown"}


def grid(values_a, values_b, n_bases=25, names=("z5", "z6")):
    index = pd.MultiIndex.from_product([range(n_bases), values_a, values_b])
    rows = index.to_frame(index=False, name=["base", "value_a", "value_b"])
    return rows.assign(latent_a=names[0], latent_b=names[1])


def test_differences_are_taken_within_base_vectors():
    rows = grid([0, 1], [0, 1, 2], 8)
    rng = np.random.default_rng(4)
    y = 30 * rng.normal(size=8)[rows["base"]] + (3 + rows["value_b"]) * rows["value_a"]
    rows["mean"] = y + 0.5 * rng.normal(size=len(y))
    cells, interactions = pair_effects(rows, "mean", 0, QUICK)
    (row,) = interactions.to_dict("records")
    table = rows["mean"].to_numpy().reshape(8, 2, 3)
    differences = (table[:, 1, 2] - table[:, 0, 2]) - (table[:, 1, 0] - table[:, 0, 0])
    assert row["estimate"] == pytest.approx(differences.mean())
    assert row["p"] == row["p_holm"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert row["main_a"] == pytest.approx((table[:, 1] - table[:, 0]).mean())
    assert row["main_b"] == pytest.approx((table[..., 2] - table[..., 0]).mean())
    assert row["main_a_low"] > 2 and row["n"] == 8
    assert cells["estimate"].iloc[0] == pytest.approx(table[:, 0, 0].mean())


def test_the_interaction_of_a_yes_or_no_is_tested_by_signs():
    rows = grid([0, 1], [0, 1], 20)
    rows["share"] = ((rows["value_a"] * rows["value_b"] > 0) & (rows["base"] < 18)).astype(float)
    (row,) = pair_effects(rows, "share", 0, QUICK)[1].to_dict("records")
    assert (
        row["p"] == pytest.approx(stats.binomtest(18, 18).pvalue) and row["verdict"] == "interact"
    )
    few = pair_effects(rows[rows["base"] < 14], "share", 0, QUICK)[1]
    assert set(few["verdict"]) == {"too few"}


def test_effects_that_add_up_are_no_interaction_and_chance_is_none():
    claimed = 0
    for seed in range(40):
        rows, rng = grid([-1, 1], [-1, 1], 20), np.random.default_rng(seed)
        level = rng.normal(size=20)[rows["base"]] + rng.normal(size=80)
        rows["mean"] = rows["value_a"] + rows["value_b"] + level
        _, interactions = pair_effects(rows, "mean", 0, QUICK)
        claimed += interactions["verdict"].iloc[0] == "interact"
        assert interactions["main_a_low"].iloc[0] > 0
    assert claimed <= 5


def test_pairs_are_corrected_together_and_bases_that_lack_a_cell_do_not_count():
    rows = pd.concat([grid([0, 1], [0, 1], 6), grid([0, 1], [0, 1], 6, ("z1", "c2"))])
    rng = np.random.default_rng(5)
    rows["mean"] = rows["value_a"] * rows["value_b"] + 0.3 * rng.normal(size=48)
    rows.iloc[24, rows.columns.get_loc("mean")] = np.nan
    cells, effects = pair_effects(rows, "mean", 0, QUICK)
    assert list(effects["latent_a"] + effects["latent_b"]) == ["z5z6", "z1c2"]
    assert list(effects["n"]) == [6, 5] and cells["n"].iloc[4] == 5
    assert effects["p_holm"].min() == 2 * effects["p"].min()
    _, few = pair_effects(grid([0, 1], [0, 1], 3).assign(mean=np.arange(12.0)), "mean", 0, QUICK)
    assert set(few["verdict"]) == {"too few"} and few["estimate"].notna().all()


def test_a_base_vector_has_one_output_of_each_setting():
    rows = grid([0, 1], [0, 1], 6).assign(mean=0.0)
    with pytest.raises(ValueError, match="duplicate"):
        pair_effects(pd.concat([rows, rows[:1]]), "mean", 0, QUICK)
