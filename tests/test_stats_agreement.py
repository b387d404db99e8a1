"""Agreement of listeners, beside published examples and scikit-learn."""

import numpy as np
import pandas as pd
import planted_ears
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import cohen_kappa_score, log_loss

from wavegan_tf.stats import agreement, factorial
from wavegan_tf.stats.ranking import RankingSettings
from wavegan_tf.stats.resampling import StatisticsSettings

SETTINGS = StatisticsSettings(n_resamples=200)
NONE = pd.DataFrame()


def once(statistic, codes):
    codes = np.asarray(codes)
    return statistic(codes, np.ones([len(codes), 1]))[0]


def test_cohens_kappa_is_that_of_scikit_learn_weights_included():
    rng = np.random.default_rng(0)
    codes, weights = rng.integers(3, size=(60, 2)), rng.integers(4, size=(60, 5)).astype(float)
    codes[:30, 1] = codes[:30, 0]
    found = agreement.cohen_kappa(codes, weights)
    expected = [cohen_kappa_score(*codes.T, sample_weight=w) for w in weights.T]
    np.testing.assert_allclose(found, expected)
    fifty = [(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 15
    assert once(agreement.cohen_kappa, fifty) == pytest.approx(0.4)  # (0.7 - 0.5) / (1 - 0.5)


FLEISS = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
"""A worked example of textbooks: ten subjects, fourteen raters, kappa 0.210."""

KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0], [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
    [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0], [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
]  # fmt: skip
"""Krippendorff's (2011) four observers with gaps (0): nominal alpha 0.743."""


def test_fleiss_kappa_and_krippendorffs_alpha_are_those_of_published_examples():
    codes = [np.repeat(range(5), counts) for counts in FLEISS]
    assert once(agreement.fleiss_kappa, codes) == pytest.approx(0.210, abs=5e-4)
    codes = np.array(KRIPPENDORFF).T - 1
    assert once(agreement.krippendorff_alpha, codes) == pytest.approx(0.743, abs=5e-4)


def test_gaps_leave_out_what_they_must():
    a = list("pqpqpqpqpq")
    labels = pd.DataFrame({"a": a, "b": a, "c": [*a[:6], *[np.nan] * 4]}, dtype=object)
    labels.loc[0, "b"] = np.nan
    table = agreement.agreements(labels, NONE, 0, SETTINGS)
    n = table.set_index(table["first"] + table["second"] + " " + table["statistic"])["n"]
    assert n["all fleiss_kappa"] == 5 and n["all krippendorff_alpha"] == 10
    assert n["ab cohen_kappa"] == 9 and n["ac cohen_kappa"] == 6 and n["bc cohen_kappa"] == 5
    assert table["estimate"].eq(1).all()


def test_one_label_alone_has_no_kappa_and_few_outputs_no_verdict():
    same = pd.DataFrame({"a": ["p"] * 8, "b": ["p"] * 8}, dtype=object)
    row = agreement.agreements(same, NONE, 0, SETTINGS).iloc[1]
    assert np.isnan(row["estimate"]) and row["verdict"] == "too few"
    few = pd.DataFrame({"a": list("pqp"), "b": list("pqp")}, dtype=object)
    row = agreement.agreements(few, NONE, 0, SETTINGS).iloc[1]
    assert row["estimate"] == 1 and row["verdict"] == "too few"


def test_the_majority_is_what_more_gave_than_any_other_and_ties_are_empty():
    votes = {"a": list("ppp") + [np.nan], "b": list("pqp") + [np.nan], "c": list("qrp") + ["q"]}
    found = agreement.majority(pd.DataFrame(votes, dtype=object))
    assert found.isna().tolist() == [False, True, False, False]
    assert found.dropna().tolist() == ["p", "p", "q"]


def test_confusions_count_pairs_of_labels():
    labels = pd.DataFrame({"a": list("ppqq"), "b": ["p", "q", "q", np.nan]}, dtype=object)
    table = agreement.confusions(labels).set_index(["first_label", "second_label"])["n"]
    assert table.to_dict() == {("p", "p"): 1, ("p", "q"): 1, ("q", "q"): 1}


@pytest.mark.parametrize("kind", planted_ears.KINDS)
def test_a_planted_truth_is_found_and_chance_is_not_claimed(kind):
    assert not any(planted_ears.wrong(kind, 0))


def test_shares_by_code_are_the_probabilities_of_a_multinomial_regression():
    coded = planted_ears.words(0, True)
    words, model = factorial.code_words(coded, 0, RankingSettings())
    x = pd.get_dummies(coded["code"]).to_numpy(float)
    fit = LogisticRegression(C=1e6, max_iter=10_000, tol=1e-10).fit(x, coded["label"])
    shares = words.pivot(index="code", columns="label", values="estimate")
    np.testing.assert_allclose(fit.predict_proba(np.eye(5)), shares[fit.classes_], atol=1e-3)
    empty = np.tile(coded["label"].value_counts(normalize=True)[fit.classes_], (len(coded), 1))
    losses = [log_loss(coded["label"], p, normalize=False) for p in (empty, fit.predict_proba(x))]
    row = model.iloc[0]
    assert row["statistic"] == pytest.approx(2 * (losses[0] - losses[1]), rel=1e-3)
    assert row["df"] == 8 and row["estimate"] == pytest.approx(1 - losses[1] / losses[0], rel=1e-3)
    few = coded.groupby("code").head(4)
    assert set(factorial.code_words(few, 0, RankingSettings())[0]["verdict"]) == {"too few"}
