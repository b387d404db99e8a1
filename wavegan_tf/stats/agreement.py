"""Do listeners agree? Kappas and alpha of labels, with intervals over outputs and a test.

Labels are words without an order. All three coefficients are (observed - expected) / (1 - expected)
agreement; they differ in what is expected by chance. Cohen's kappa (1960, Educational and
Psychological Measurement 20:37-46) is of two listeners, each with a chance of their own. Fleiss'
kappa (1971, Psychological Bulletin 76:378-382) is of several, who all labelled the same outputs,
and have one chance together. Krippendorff's alpha (2004, Human Communication Research 30:411-433)
is the same for labels with gaps, and knows that outputs are few.

A statistic takes ``codes [outputs, listeners]``, numbers of labels, -1 for none, and ``weights
[outputs, resamples]``, how often each output comes; it gives ``[resamples]``.
"""

import itertools
import math
from collections import Counter
from functools import partial

import numpy as np
import pandas as pd

from wavegan_tf.stats.effects import add_verdicts
from wavegan_tf.stats.ranking import ABOVE_CHANCE, NOT_ABOVE_CHANCE
from wavegan_tf.stats.resampling import StatisticsSettings, interval, resample

AGREEMENT, COHEN = "agreement", "cohen_kappa"
FLEISS, ALPHA = "fleiss_kappa", "krippendorff_alpha"
ALL, AGAIN = "all", "again"
N_DEALT = 999  # permutations; p is no smaller than 0.001

_PERMUTATION_STREAM = 11


def percent_agreement(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Takes the share of pairs of listeners who agree, averaged over outputs."""
    counts, n = _counts(codes)
    agreed = (counts * (counts - 1)).sum(axis=1) / (n * (n - 1))
    return agreed @ weights[_paired(codes)] / weights[_paired(codes)].sum(axis=0)


def cohen_kappa(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes Cohen's kappa of two listeners over the outputs that both labelled."""
    both, w = codes[_paired(codes)], weights[_paired(codes)]
    marks = np.arange(codes.max(initial=0) + 1)
    a, b = ((both[:, [side]] == marks).T @ w / w.sum(axis=0) for side in (0, 1))
    return _beyond(percent_agreement(codes, weights), (a * b).sum(axis=0))


def fleiss_kappa(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes Fleiss' kappa of several listeners over the outputs that all of them labelled."""
    whole = (codes >= 0).all(axis=1)
    codes, w = codes[whole], weights[whole]
    counts, _ = _counts(codes)
    shares = counts.T @ w / (codes.shape[1] * w.sum(axis=0))
    return _beyond(percent_agreement(codes, w), (shares**2).sum(axis=0))


def krippendorff_alpha(codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes Krippendorff's alpha, nominal, over the outputs with two labels or more."""
    (counts, n), w = _counts(codes), weights[_paired(codes)]
    total, of_label = n @ w, counts.T @ w
    observed = ((counts * (counts - 1)).sum(axis=1) / (n - 1)) @ w / total
    expected = (of_label * (of_label - 1)).sum(axis=0) / (total * (total - 1))
    return _beyond(observed, expected)


STATISTICS = {
    AGREEMENT: percent_agreement, COHEN: cohen_kappa, FLEISS: fleiss_kappa,
    ALPHA: krippendorff_alpha,
}  # fmt: skip


def _paired(codes: np.ndarray) -> np.ndarray:
    return (codes >= 0).sum(axis=1) >= 2


def _counts(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts labels ``[outputs, labels]``, and all ``[outputs]``, of outputs with two or more."""
    marks = np.arange(codes.max(initial=0) + 1)
    counts = (codes[_paired(codes)][:, :, np.newaxis] == marks).sum(axis=1)
    return counts, counts.sum(axis=1)


def _beyond(observed: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Corrects agreement for chance; NaN where chance alone makes it whole."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected < 1, (observed - expected) / (1 - expected), math.nan)


def agreements(
    labels: pd.DataFrame, again: pd.DataFrame, seed: int, settings: StatisticsSettings
) -> pd.DataFrame:
    """Computes how far listeners agree with each other, and with themselves.

    Intervals are bootstrap intervals over outputs. ``p`` is that of more agreement than chance
    makes: each listener's labels are dealt out anew to the outputs that this listener labelled, 999
    times. A coefficient has no value where one label is all there is.

    Args:
        labels: A column of texts for each listener, a row for each output, NaN for no label.
        again: The same of outputs that a listener heard twice; a column for each who did.
        seed: Of resamples and permutations.
        settings: ``min_outputs`` is the number of outputs that a test needs.

    Returns:
        A row for each pair of listeners, for all (of three or more), and for each listener with
        himself (``first``, ``second``: names, ``all`` or ``again``), and each ``statistic``:
        ``estimate, low, high, n`` (outputs with two labels; of Fleiss' kappa, with all), ``p,
        p_holm`` (over all tests of the table) and ``verdict`` (``above chance``, ``not above
        chance``, ``too few``; empty of ``agreement``, which knows no chance).
    """
    pair = (AGREEMENT, COHEN)
    rows = [
        (a, b, labels[[a, b]], name)
        for a, b in itertools.combinations(list(labels.columns), 2)
        for name in pair
    ]
    if len(labels.columns) > 2:
        rows += [(ALL, "", labels, name) for name in (AGREEMENT, FLEISS, ALPHA)]
    for name in again.columns:
        twice = pd.concat([labels[name], again[name]], axis=1)
        rows += [(name, AGAIN, twice, statistic) for statistic in pair]
    found = pd.DataFrame([
        {"first": first, "second": second, "statistic": name}
        | _estimate(_codes(table), name, seed, settings)
        for first, second, table, name in rows
    ])  # fmt: skip
    found = add_verdicts(found, settings, ABOVE_CHANCE, NOT_ABOVE_CHANCE)
    found.loc[found["statistic"] == AGREEMENT, "verdict"] = ""
    return found


def _codes(table: pd.DataFrame) -> np.ndarray:
    """Numbers the labels of all listeners, -1 for none."""
    values = table.to_numpy(dtype=object)
    return pd.factorize(values.ravel())[0].reshape(values.shape)


def _estimate(
    codes: np.ndarray, name: str, seed: int, settings: StatisticsSettings
) -> dict[str, float]:
    codes = codes[(codes >= 0).all(axis=1) if name == FLEISS else _paired(codes)]
    n, statistic = len(codes), STATISTICS[name]
    row = dict.fromkeys(("estimate", "low", "high", "p"), math.nan) | {"n": n}
    if not n:
        return row
    once = np.ones([n, 1])
    row["estimate"] = float(statistic(codes, once)[0])
    drawn = resample(partial(statistic, codes), n, n, seed, settings)
    row["low"], row["high"] = interval(drawn, n, settings.confidence)
    if name == AGREEMENT or n < settings.min_outputs or math.isnan(row["estimate"]):
        return row
    rng = np.random.default_rng([seed, n, _PERMUTATION_STREAM])
    dealt = [statistic(_dealt(codes, rng), once)[0] for _ in range(N_DEALT)]
    as_large = np.sum(np.asarray(dealt) >= row["estimate"] - 1e-9)
    return row | {"p": float(1 + as_large) / (1 + N_DEALT)}


def _dealt(codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Deals each listener's labels out anew to the outputs that the listener labelled."""
    dealt = codes.copy()
    for own in dealt.T:
        own[own >= 0] = rng.permutation(own[own >= 0])
    return dealt


def confusions(labels: pd.DataFrame) -> pd.DataFrame:
    """Counts what two listeners called the same outputs.

    Takes labels as :func:`agreements` does; returns ``first, second, first_label, second_label,
    n``, a row for each pair of listeners and two labels that some output has.
    """
    rows = []
    for a, b in itertools.combinations(labels.columns, 2):
        counts = Counter(labels[[a, b]].dropna().itertuples(index=False, name=None))
        rows += [(a, b, *both, n) for both, n in sorted(counts.items())]
    return pd.DataFrame(rows, columns=["first", "second", "first_label", "second_label", "n"])


def majority(labels: pd.DataFrame) -> pd.Series:
    """Takes the label that more listeners gave than any other, by output; NaN of a tie or none."""
    most = labels.mode(axis=1)  # several of a tie
    return most[0].where(most.notna().to_numpy().sum(axis=1) == 1).rename("label")
