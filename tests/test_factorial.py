"""Codes and pairs: SciPy's own tests, tables counted by hand, planted interactions."""

import numpy as np
import pytest
from scipy import stats

from wavegan_tf.analysis.causes.factorial import code_shares, code_tests, pair_effects
from wavegan_tf.analysis.causes.identify import IdentifySettings

QUICK = IdentifySettings(n_permutations=299, n_resamples=200)


def coded(counts, n=25, value=1.0):
    """Outputs of c1, c2 .. of which the given numbers have the property."""
    code = np.repeat([f"c{i + 1}" for i in range(len(counts))], n)
    labels = np.concatenate([np.arange(n) < count for count in counts]).astype(float)
    return code, np.full(len(code), value), labels


def test_shares_are_counted_by_code_value_and_category():
    code = np.array(["c2", "c2", "c1", "c1", "c1", "c1"])
    value = np.array([1, 1, 5, 1, 1, 1.0])
    words = np.array(["suit", "rag", "rag", "rag", "", "suit"])
    rows = code_shares(code, value, words, ["rag", "suit"], QUICK)
    assert [tuple(row.values())[:6] for row in rows] == [
        ("c2", 1, "rag", 2, 1, 0.5),
        ("c2", 1, "suit", 2, 1, 0.5),
        ("c1", 1, "rag", 2, 1, 0.5),
        ("c1", 1, "suit", 2, 1, 0.5),
        ("c1", 5, "rag", 1, 1, 1),
        ("c1", 5, "suit", 1, 0, 0),
    ]
    (row,) = code_shares(["c1"] * 4, [1] * 4, np.array([1, 0, 0, np.nan]), ["frication"], QUICK)
    ends = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert (row["n"], row["count"]) == (3, 1)
    assert (row["lower"], row["upper"]) == pytest.approx((ends.low, ends.high))
    with pytest.raises(ValueError, match="not all among the categories"):
        code_shares(code, value, words, ["rag"], QUICK)


def test_each_code_has_fishers_p_and_all_codes_that_of_the_likelihood_ratio():
    counts = [20, 8, 9]
    rows = code_tests(*coded(counts), ["frication"], QUICK)
    assert [(row["code"], row["test"], row["n"]) for row in rows] == [
        ("c1", "fisher", 75), ("c2", "fisher", 75), ("c3", "fisher", 75), ("all", "g_test", 75),
    ]  # fmt: skip
    for row, count in zip(rows, counts, strict=False):
        others = sum(counts) - count
        oracle = stats.fisher_exact([[count, 25 - count], [others, 50 - others]])
        assert row["p"] == pytest.approx(oracle.pvalue)
        assert row["statistic"] == pytest.approx(oracle.statistic)
    table = [counts, [25 - count for count in counts]]
    g = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert (rows[3]["statistic"], rows[3]["p"]) == pytest.approx((g.statistic, g.pvalue))
    smallest = min(row["p"] for row in rows)
    assert min(row["p_holm"] for row in rows) == pytest.approx(4 * smallest)
    verdicts = {row["code"]: row["verdict"] for row in rows}
    assert verdicts["c1"] == verdicts["all"] == "differs"


def test_small_counts_get_the_p_of_deals_of_the_labels():
    rng = np.random.default_rng(0)
    words = np.array(["ask", "dark", "oily", "rag", "suit"])
    code = np.repeat(["c1", "c2", "c3", "c4"], 12)
    labels = words[rng.integers(5, size=48)]
    labels[:4] = "rag"
    rows = code_tests(code, np.ones(48), labels, list(words), IdentifySettings(), seed=1)

    def g_of(group, dealt):
        table = stats.contingency.crosstab(group, dealt).count
        return stats.chi2_contingency(table, False, "log-likelihood").statistic

    for row in (rows[0], rows[-1]):
        group = code if row["code"] == "all" else code == row["code"]
        g = g_of(group, labels)
        deals = [g_of(group, rng.permutation(labels)) for _ in range(600)]
        assert row["statistic"] == pytest.approx(g)
        assert row["p"] == pytest.approx(np.mean(np.array(deals) >= g), abs=0.06)
        assert not row["p"] == pytest.approx(stats.chi2.sf(g, 12), abs=1e-6)


def test_many_codes_of_many_words_can_be_told_apart_after_holm():
    words = np.array([f"word{i}" for i in range(10)])
    code = np.repeat(np.arange(10), 12)
    rng = np.random.default_rng(2)
    labels = words[np.where(rng.random(120) < 0.7, code, rng.integers(10, size=120))]
    names = np.array([f"c{i + 1}" for i in range(10)])[code]
    rows = code_tests(names, np.ones(120), labels, list(words), QUICK)
    assert {row["verdict"] for row in rows} == {"differs"}
    rows = code_tests(names, np.ones(120), rng.permutation(labels), list(words), QUICK)
    assert {row["verdict"] for row in rows} == {"no difference shown"}


def test_codes_are_compared_at_one_value_and_one_code_alone_is_too_few():
    ones, twos = coded([20, 5]), coded([12, 12], value=2.0)
    given = [np.concatenate(pair) for pair in zip(ones, twos, strict=True)]
    rows = code_tests(*given, ["frication"], QUICK)
    assert [row["verdict"] for row in rows] == ["differs"] * 3 + ["no difference shown"] * 3
    assert rows[3]["p"] == 1
    rows = code_tests(*coded([20]), ["frication"], QUICK)
    assert {row["verdict"] for row in rows} == {"too few"}
    constant = code_tests(*coded([25, 25]), ["frication"], QUICK)
    assert {row["verdict"] for row in constant} == {"no difference shown"}


def grid(values_a, values_b, n_bases=25, names=("z5", "z6")):
    a, b, base = (
        x.ravel() for x in np.meshgrid(values_a, values_b, np.arange(n_bases), indexing="ij")
    )
    return [names[0]] * len(a), a, [names[1]] * len(a), b, base


def test_a_product_is_found_in_the_pair_and_claimed_for_neither_alone():
    given = grid([-5, 0, 5], [-5, 0, 5])
    level = np.random.default_rng(0).normal(size=25)[given[4]]
    noise = np.random.default_rng(1).normal(size=len(level))
    y = (given[1] * given[3] / 5 + 2 * level + noise > 0.4).astype(float)
    cells, (row,) = pair_effects(*given, y, 0, QUICK)
    assert row["verdict"] == "interact" and row["lower"] > 1
    for main in ("main_a", "main_b"):
        assert row[f"{main}_lower"] <= 0 <= row[f"{main}_upper"]
    at = {(cell["value_a"], cell["value_b"]): cell for cell in cells}
    assert len(at) == 9 and at[5, 5]["share"] > 0.8 > 0.3 > at[-5, 5]["share"]
    here = (given[1] == 5) & (given[3] == -5)
    assert at[5, -5]["share"] == y[here].mean() and at[5, -5]["n"] == 25


def test_differences_are_taken_within_base_vectors():
    given = grid([0, 1], [0, 1, 2], 8)
    rng = np.random.default_rng(4)
    y = 30 * rng.normal(size=8)[given[4]] + 3 * given[1] + given[1] * given[3]
    y += 0.5 * rng.normal(size=len(y))
    cells, (row,) = pair_effects(*given, y, 0, QUICK)
    table = y.reshape(2, 3, 8)
    differences = (table[1, 2] - table[0, 2]) - (table[1, 0] - table[0, 0])
    assert row["interaction"] == pytest.approx(differences.mean())
    assert row["p"] == row["p_holm"] == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert row["main_a"] == pytest.approx((table[1] - table[0]).mean())
    assert row["main_b"] == pytest.approx((table[:, 2] - table[:, 0]).mean())
    assert row["main_a_lower"] > 2 and row["n_bases"] == 8
    assert np.isnan(cells[0]["share"]) and cells[0]["mean"] == pytest.approx(table[0, 0].mean())


def test_effects_that_add_up_are_no_interaction_and_chance_is_none():
    claimed = 0
    for seed in range(40):
        given = grid([-1, 1], [-1, 1], 20)
        rng = np.random.default_rng(seed)
        y = given[1] + given[3] + rng.normal(size=20)[given[4]] + rng.normal(size=80)
        _, (row,) = pair_effects(*given, y, 0, IdentifySettings(n_resamples=100))
        claimed += row["verdict"] == "interact"
        assert row["main_a_lower"] > 0
    assert claimed <= 5


def test_pairs_are_corrected_together_and_bases_that_lack_a_cell_do_not_count():
    one, two = grid([0, 1], [0, 1], 6), grid([0, 1], [0, 1], 6, ("z1", "c2"))
    given = [np.concatenate(pair) for pair in zip(one, two, strict=True)]
    rng = np.random.default_rng(5)
    y = given[1] * given[3] + 0.3 * rng.normal(size=48)
    y[24] = np.nan
    cells, rows = pair_effects(*given, y, 0, QUICK)
    assert [(row["latent_a"], row["latent_b"]) for row in rows] == [("z5", "z6"), ("z1", "c2")]
    assert [row["n_bases"] for row in rows] == [6, 5] and cells[4]["n"] == 5
    assert min(row["p_holm"] for row in rows) == 2 * min(row["p"] for row in rows)
    _, (few,) = pair_effects(*grid([0, 1], [0, 1], 3), np.arange(12.0), 0, QUICK)
    _, (single,) = pair_effects(*grid([0], [0, 1], 9), np.arange(18.0), 0, QUICK)
    assert few["verdict"] == single["verdict"] == "too few"
    assert np.isfinite(few["interaction"]) and np.isnan(single["interaction"])
    assert np.isfinite(single["main_b"]) and np.isnan(single["main_a"])
