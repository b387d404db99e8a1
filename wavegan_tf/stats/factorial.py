"""Codes and pairs of latent variables: shares in every cell, tests, interactions.

Beguš 2021 (Neural Networks 139:305-325; TACL 9:1180-1196): outputs of every code, transcribed, and
the word compared between codes, or Fisher's exact test. Chen & Elsner 2023 (arXiv 2305.12501):
latent variables interact, so that one at a time can mislead; hence pairs.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.proof import difference, levels
from wavegan_tf.stats.ranking import RankingSettings
from wavegan_tf.stats.resampling import wilson

INTERACT, NO_INTERACTION = "interact", "no interaction shown"
ALL_CODES = "all"
MIN_EXPECTED = 5  # outputs in a cell, for the chi-squared distribution to hold (Cochran 1954)
N_TABLES = 9999  # random tables; fewer could give no p small enough for Holm over many codes

NOT = ""
"""Label of an output that lacks the one property that is asked for."""


def code_shares(outputs: pd.DataFrame, settings: RankingSettings) -> pd.DataFrame:
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


def code_tests(outputs: pd.DataFrame, seed: int, settings: RankingSettings) -> pd.DataFrame:
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
    margins = table.sum(axis=1), table.sum(axis=0)
    rng = np.random.default_rng([seed, table.sum()])
    tables = scipy.stats.random_table(*margins).rvs(N_TABLES, random_state=rng)
    dealt = ((tables - expected) ** 2 / expected).sum(axis=(1, 2))
    p = (1 + (dealt >= chi2 * (1 - 1e-9)).sum()) / (1 + N_TABLES)
    return found("chi2, permuted", chi2, p)


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
