"""Codes and pairs of latent variables: shares in every cell, tests, interactions.

Beguš 2021 (Neural Networks 139:305-325; TACL 9:1180-1196): outputs of every code, transcribed, and
the word compared between codes, or Fisher's exact test. Chen & Elsner 2023 (arXiv 2305.12501):
latent variables interact, so that one at a time can mislead; hence pairs.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.proof import difference, levels
from wavegan_tf.stats.ranking import RankingSettings
from wavegan_tf.stats.resampling import BLOCK, StatisticsSettings, wilson

INTERACT, NO_INTERACTION = "interact", "no interaction shown"
ALL_CODES = "all"
MORE, NOT_MORE = "more than other codes", "not shown to be more"
MIN_EXPECTED = 5  # outputs in a cell, for the chi-squared distribution to hold (Cochran 1954)
N_TABLES = 9999  # random tables; fewer could give no p small enough for Holm over many codes

NOT = ""
"""Label of an output that lacks the one property that is asked for."""


def code_shares(outputs: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Takes the share of outputs with each label at each code and value.

    Takes ``code, value, label`` of each output; no label is NaN, and is left out. Of one property
    the label is its name, or :data:`NOT`, which has no row. Categories have rows even if no output
    has them. Intervals are Wilson's.
    """
    labels = sorted({*outputs["label"].astype("category").cat.categories} - {NOT})
    rows = []
    for (code, value), here in outputs.groupby(["code", "value"], sort=False):
        n = int(here["label"].count())
        for label in labels:
            count = int((here["label"] == label).sum())
            low, high = wilson(count, n, settings.confidence)
            share = count / n if n else math.nan
            rows.append((code, value, label, share, low, high, n, count))
    names = ["code", "value", "label", "estimate", "low", "high", "n", "count"]
    return pd.DataFrame(rows, columns=names)


def code_tests(outputs: pd.DataFrame, seed: int, settings: StatisticsSettings) -> pd.DataFrame:
    """Tests whether the label depends on the code: each code against all others, and overall.

    Takes outputs as :func:`code_shares` does; ``seed`` is that of the random tables.
    Tables of 2 x 2 get Fisher's exact test (``fisher``; the statistic is the odds ratio), others
    Pearson's chi-squared (``chi2``); where fewer than 5 outputs are expected in a cell, its p is
    the share of 9,999 random tables with the same margins that have as large a statistic (``chi2,
    permuted``). The tests take outputs as independent: codes that were made with the same base
    vectors are more alike, which makes the p too large rather than too small.

    Returns:
        A row for each value and code, ``all`` last if there are over two; ``label`` is the one
        whose share in this code differs most from that in the other codes together (``estimate,
        others``); ``p_holm`` over all rows; ``too few`` where fewer than two codes have labels.
    """
    rows = []
    for value, same in outputs.groupby("value"):
        here = same[same["label"].notna()]
        codes = list(same["code"].unique())
        for code in codes + [ALL_CODES] * (len(codes) > 2):
            sides = here["code"] if code == ALL_CODES else here["code"] == code
            counts = pd.crosstab(sides, here["label"])
            row = {"value": value, "code": code, **_test(counts.to_numpy(), seed), "label": ""}
            row |= {"estimate": math.nan, "others": math.nan}
            names = [str(label) for label in counts if label != NOT]
            if code != ALL_CODES and len(counts) == 2 and names:
                share, others = (counts.loc[own] / counts.loc[own].sum() for own in (True, False))
                label = (share - others)[names].abs().idxmax()
                row |= {"label": label, "estimate": share[label], "others": others[label]}
            rows.append(row)
    return add_verdicts(pd.DataFrame(rows), settings, DIFFERS, NO_DIFFERENCE)


def _test(table: np.ndarray, seed: int) -> dict[str, Any]:
    """Tests a table of counts: ``test, statistic, n, p``; NaN for fewer than two groups."""

    def found(test: str, statistic: float, p: float) -> dict[str, Any]:
        return {"test": test, "statistic": float(statistic), "n": int(table.sum()), "p": float(p)}

    if table.shape == (2, 2):
        return found("fisher", *scipy.stats.fisher_exact(table[::-1, ::-1]))
    if len(table) < 2:
        return found("chi2", math.nan, math.nan)
    if table.shape[1] < 2:
        return found("chi2", 0.0, 1.0)
    chi2, p, _, expected = scipy.stats.chi2_contingency(table, correction=False)
    if expected.min() >= MIN_EXPECTED:
        return found("chi2", chi2, p)
    return found("chi2, permuted", *_permute(table, _chi2, seed)[:2])


def _chi2(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return ((tables - expected) ** 2 / expected).sum(axis=(-2, -1))


def _likelihood_ratio(tables: np.ndarray, expected: np.ndarray) -> np.ndarray:
    return 2 * scipy.special.xlogy(tables, tables / expected).sum(axis=(-2, -1))


def _permute(
    table: np.ndarray, statistic: Callable[[np.ndarray, np.ndarray], np.ndarray], seed: int
) -> tuple[float, float, float]:
    """Computes a statistic of a table and the expected one, its p, and what it is by chance.

    Chance is :data:`N_TABLES` random tables with the same margins.
    """
    rng = np.random.default_rng([seed, table.sum()])
    margins = table.sum(axis=1), table.sum(axis=0)
    expected = np.outer(*margins) / table.sum()
    found, block = float(statistic(table, expected)), max(1, BLOCK // table.size)
    deal = scipy.stats.random_table(*margins).rvs
    dealt = np.concatenate([
        statistic(deal(min(block, N_TABLES - start), random_state=rng), expected)
        for start in range(0, N_TABLES, block)
    ])  # fmt: skip
    p = (1 + (dealt >= found * (1 - 1e-9)).sum()) / (1 + N_TABLES)
    return found, float(p), float(dealt.mean())


def code_words(
    outputs: pd.DataFrame, seed: int, settings: StatisticsSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Says whether the word depends on the code, and which words each code has more of.

    Beguš (2021) regresses the word on the code (multinomial). Of one predictor with a parameter for
    each code the maximum-likelihood fit is known without fitting: its probabilities are the shares
    of :func:`code_shares`, and its likelihood ratio to the empty model is G, twice the sum of
    observed ln(observed / expected) over the table of codes and words. Its p is the share of 9,999
    random tables with the same margins that have as large a G: words are many and outputs few, and
    the chi-squared distribution does not hold. Then each word of each code is compared with the
    other codes together, by Fisher's exact test, one-sided.

    Takes outputs as :func:`code_shares` does.

    Returns:
        ``code_words``, a row for each code, value and word: that of :func:`code_shares`;
        ``count_others`` of the ``n_others`` outputs of the other codes, whose share is ``others``;
        ``p, p_holm`` (over all rows); ``verdict``, which is :data:`MORE` only where the word is
        shown to depend on the code at all, so that both together claim something of chance in no
        more than 1 - ``confidence`` of cases (``too few`` where a code or the others have fewer
        than ``min_outputs``). And ``word_model``, a row for each value: ``statistic`` (G), ``df``;
        ``estimate``, McFadden's R squared, the share of the empty model's deviance that the code
        explains; ``by_chance``, its mean over the random tables;
        ``n``, ``p``, ``p_holm`` over the values, ``verdict``.
    """
    rows = []
    for value, same in outputs[outputs["label"].notna()].groupby("value"):
        table = pd.crosstab(same["code"], same["label"]).to_numpy()
        n, df = int(table.sum()), (len(table) - 1) * (table.shape[1] - 1)
        g = p = explained = by_chance = math.nan
        if df:
            deviance = 2 * n * scipy.stats.entropy(table.sum(axis=0))
            g, p, dealt = _permute(table, _likelihood_ratio, seed)
            explained, by_chance = g / deviance, dealt / deviance
        rows.append((value, g, df, explained, by_chance, n, p))
    names = ["value", "statistic", "df", "estimate", "by_chance", "n", "p"]
    model = pd.DataFrame(rows, columns=names)
    model = add_verdicts(model, settings, DIFFERS, NO_DIFFERENCE)
    words = code_shares(outputs, settings)
    whole = words.groupby(["value", "label"])[["count", "n"]].transform("sum")
    words["count_others"] = whole["count"] - words["count"]
    words["n_others"] = whole["n"] - words["n"]
    words["others"] = words["count_others"] / words["n_others"]
    cells = words[["count", "n", "count_others", "n_others"]].to_numpy().tolist()
    words["p"] = [
        scipy.stats.fisher_exact([[a, n - a], [b, m - b]], "greater").pvalue
        if min(n, m) >= settings.min_outputs
        else math.nan
        for a, n, b, m in cells
    ]
    words = add_verdicts(words, settings, MORE, NOT_MORE)
    depends = words["value"].isin(model.loc[model["verdict"] == DIFFERS, "value"])
    words.loc[(words["verdict"] == MORE) & ~depends, "verdict"] = NOT_MORE
    return words, model


def pair_effects(
    generated: pd.DataFrame, measure: str, seed: int, settings: RankingSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Says what pairs of variables do together, in a grid of values on the same base vectors.

    Within a base vector: the main effect of a is the difference between its largest and its least
    value, averaged over the values of b; the interaction is the difference between those of a at
    the largest and at the least value of b. Means over bases, bootstrap intervals over bases.

    Takes ``latent_a, value_a, latent_b, value_b, base`` of each output, two values of each variable
    or more, and the measure, a column ``share`` or ``mean``; NaN is left out.

    Returns:
        The table ``pairs``, a row for each pair and two values: ``latent_a, value_a, latent_b,
        value_b, estimate, low, high, n``. And ``interactions``, a row for each pair: ``latent_a,
        latent_b, main_a, main_a_low, main_a_high``, the same of b, ``estimate, low, high, n, p`` of
        the interaction (``n`` bases that have a value in every cell; of a share p is that of the
        sign test), ``p_holm`` over the pairs, ``verdict``: ``interact``, ``no interaction shown``,
        or ``too few`` bases.

    Raises:
        ValueError: A base vector has two outputs of one pair and two values.
    """
    cells, effects = [], []
    for (a, b), rows in generated.groupby(["latent_a", "latent_b"], sort=False):
        table = rows.pivot(index="base", columns=["value_a", "value_b"], values=measure)
        names = {"latent_a": a, "latent_b": b}
        cells.append(levels(table, measure, seed, settings).reset_index().assign(**names))
        n_a, n_b = (rows[name].nunique() for name in table.columns.names)
        grid = table.dropna().to_numpy().reshape(-1, n_a, n_b)
        by_a, by_b = grid[:, -1] - grid[:, 0], grid[:, :, -1] - grid[:, :, 0]
        row: dict[str, Any] = dict(names)
        for name, changes in (("main_a", by_a), ("main_b", by_b)):
            main = difference(changes.mean(axis=1), measure, seed, settings)
            row |= {
                name: main["estimate"],
                f"{name}_low": main["low"],
                f"{name}_high": main["high"],
            }
        effects.append(row | difference(by_a[:, -1] - by_a[:, 0], measure, seed, settings))
    order = ["latent_a", "value_a", "latent_b", "value_b", "estimate", "low", "high", "n"]
    interactions = add_verdicts(pd.DataFrame(effects), settings, INTERACT, NO_INTERACTION)
    return pd.concat(cells, ignore_index=True)[order], interactions
