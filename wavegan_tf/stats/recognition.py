"""How well answers, or curves, name words: cross-validated, beside chance and random networks.

A unit is a recording; its word and its block (its speaker) are numbers from 0, its answer is the
number of a code, or -1 for none. Chance draws the words of the recordings anew within blocks and
repeats the whole procedure, what it chooses included. Folds are made of whole blocks, or are the
blocks, so that words may be exchanged under either and the test is exact (Ojala & Garriga 2010,
Journal of Machine Learning Research 11:1833-1863).
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from scipy.optimize import linear_sum_assignment

from wavegan_tf.stats.controls import against_random
from wavegan_tf.stats.curves import band, compare
from wavegan_tf.stats.effects import holm, sign_test
from wavegan_tf.stats.resampling import BLOCK, StatisticsSettings, wilson

FOLDS = 5

SHRINKAGE = 0.1
"""Penalty of the regression that tells curves apart, for each recording that it learns from."""

BEYOND, ABOVE, NOT_SHOWN = "beyond random weights", "above chance", "not shown"


class Task(NamedTuple):
    """Holds recordings whose words are to be named.

    Attributes:
        names: The words, in alphabetical order.
        drawn: Of each recording the number of its word ``[1 + draws, units]``: its own, then drawn
            anew within blocks.
        folds: The fold of each ``[units]``.
        speakers: Of each, or None.
    """

    names: list[str]
    drawn: np.ndarray
    folds: np.ndarray
    speakers: np.ndarray | None


def make_task(words: np.ndarray, speakers: np.ndarray | None, n_draws: int) -> Task:
    """Parts recordings into folds and draws their words anew.

    Each of :data:`FOLDS` folds, or of as many as there can be, has its share of every word, and
    words are drawn within folds. With ``speakers`` a fold is made of whole speakers, so that none
    is heard on both sides, and words are drawn within speakers. Takes both ``[units]``.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold  # --help need not wait for it

    names, number, counts = np.unique(words, return_inverse=True, return_counts=True)
    if speakers is not None:
        parts = GroupKFold(min(FOLDS, len(set(speakers)))).split(words, words, speakers)
    else:
        n_folds = max(2, min(FOLDS, int(counts.min())))
        parts = StratifiedKFold(n_folds, shuffle=True, random_state=0).split(words, words)
    folds = np.zeros(len(words), int)
    for k, (_, test) in enumerate(parts):
        folds[test] = k
    drawn = draw_words(number, folds if speakers is None else speakers, n_draws)
    return Task(list(names), drawn, folds, speakers)


def draw_words(words: np.ndarray, blocks: np.ndarray, n_draws: int) -> np.ndarray:
    """Draws words anew within blocks: ``[units]`` to ``[1 + n_draws, units]``, own ones first."""
    rng = np.random.default_rng([0, len(words)])
    drawn = np.tile(words, (1 + n_draws, 1))
    for block in np.unique(blocks):
        members = np.flatnonzero(blocks == block)
        drawn[1:, members] = rng.permuted(drawn[1:, members], axis=1)
    return drawn


def assign(counts: np.ndarray, per_code: int = 1) -> np.ndarray:
    """Chooses the code of each word so that as many recordings as possible are right.

    A word has one code, and a code at most ``per_code`` words: 1 makes it one-to-one. From counts
    ``[words, codes]`` to the code of each word, -1 where none that it ever gets is left (the
    assignment problem: Crouse 2016, IEEE Transactions on Aerospace and Electronic Systems
    52:1679-1696).
    """
    found = np.full(len(counts), -1)
    rows, columns = linear_sum_assignment(np.tile(counts, (1, per_code)), maximize=True)
    columns %= counts.shape[1]
    found[rows] = np.where(counts[rows, columns] > 0, columns, -1)
    return found


def count_codes(words: np.ndarray, codes: np.ndarray, n_words: int, n_codes: int) -> np.ndarray:
    """Counts the answers of each word, ``[words, codes]``; an answer of none is not counted."""
    there = codes >= 0
    flat = words[there] * n_codes + codes[there]
    return np.bincount(flat, minlength=n_words * n_codes).reshape(n_words, n_codes)


def score_codes(
    drawn: np.ndarray, codes: np.ndarray, folds: np.ndarray, per_code: int
) -> tuple[np.ndarray, np.ndarray]:
    """Scores answers: codes are assigned to words on all folds but one, and counted on that.

    Args:
        drawn: Words ``[draws, units]`` of :func:`draw_words`, the own ones first.
        codes: Answers ``[units]``, -1 for none.
        folds: Fold of each ``[units]``.
        per_code: As :func:`assign` takes it.

    Returns:
        Whether the own word of each unit was named ``[units]``, and of each draw the share
        ``[draws]``.
    """
    n_words, n_codes = int(drawn.max()) + 1, int(codes.max(initial=0)) + 1
    parts = [np.flatnonzero(folds == k) for k in np.unique(folds)]
    right = np.zeros(drawn.shape, bool)
    for row, words in zip(right, drawn, strict=True):
        counts = [count_codes(words[part], codes[part], n_words, n_codes) for part in parts]
        total = np.sum(counts, axis=0)
        for part, own in zip(parts, counts, strict=True):
            named = assign(total - own, per_code)[words[part]]
            row[part] = (named == codes[part]) & (named >= 0)
    return right[0], right.mean(axis=1)


def score_curves(
    drawn: np.ndarray, curves: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Scores how well curves ``[units, points]`` tell words apart, as :func:`score_codes` answers.

    A linear classifier by regularised least squares (ridge regression of the indicators of the
    words, the largest wins) learns from all folds but one. It is linear discriminant analysis but
    for the scale of its directions, and all draws share one decomposition of the curves.
    """
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    n_draws, n = drawn.shape
    n_words, own, shares = int(drawn.max()) + 1, np.zeros(n, bool), np.zeros(n_draws)
    width = max(1, 4 * BLOCK // (n * n_words))
    for k in np.unique(folds):
        train, test = folds != k, folds == k
        scaler = StandardScaler().fit(curves[train])
        x, held = scaler.transform(curves[train]), scaler.transform(curves[test])
        for start in range(0, n_draws, width):
            words = drawn[start : start + width].T  # [units, draws]
            wanted = words[train][:, :, np.newaxis] == np.arange(n_words)
            model = Ridge(SHRINKAGE * len(x)).fit(x, wanted.reshape(len(x), -1).astype(float))
            said = model.predict(held).reshape(len(held), -1, n_words).argmax(axis=2)
            right = said == words[test]
            shares[start : start + width] += right.sum(axis=0) / n
            if start == 0:
                own[test] = right[:, 0]
    return own, shares


def beside_chance(shares: np.ndarray) -> dict[str, float]:
    """Compares a share, the first, with those of words drawn anew.

    Returns ``estimate, chance, p, least_p``: ``p`` is the share of draws, the own one counted, that
    are at least as good, which is ``least_p`` where none is.
    """
    chance, p = shares[1:].mean(), np.mean(shares >= shares[0] - 1e-9)
    found = {"estimate": float(shares[0]), "chance": float(chance), "p": float(p)}
    return found | {"least_p": 1 / len(shares)}


def describe(
    right: np.ndarray, shares: np.ndarray, random: Sequence[float], settings: StatisticsSettings
) -> dict[str, float]:
    """Makes what every row on a share of right answers has: interval, chance, random networks."""
    low, high = wilson(int(right.sum()), len(right), settings.confidence)
    return {
        **beside_chance(shares), "low": low, "high": high, "n": len(right),
        **beside_networks(float(shares[0]), random, settings),
    }  # fmt: skip


def beside_networks(
    own: float, random: Sequence[float], settings: StatisticsSettings
) -> dict[str, float]:
    """Compares a share with those of networks with random weights (:func:`against_random`).

    Shares of untrained networks are skewed: many answer one code, a few tell something. So
    ``n_random_as_large`` counts those that are as good as well: that an untrained network is better
    than 20 others has a chance of 1 in 21, however they are spread.

    Returns:
        ``random`` (mean), ``random_high``, ``n_random``, ``n_random_as_large``, ``p_random``.
    """
    values = np.array(random, np.float64)
    n, as_large = len(values), int((values >= own - 1e-9).sum())
    if n and np.ptp(values) < 1e-9:  # no spread: what is larger has the p of its rank
        mean, high, p = values[0], values[0], (1 + as_large) / (1 + n)
    else:
        zeros = np.zeros(n)
        beside = against_random(own, 0.0, values, zeros, zeros, settings)
        mean, high, p = beside.mean, beside.high, beside.p
    return {
        "random": mean, "random_high": high, "n_random": n, "n_random_as_large": as_large,
        "p_random": p,
    }  # fmt: skip


def with_shares(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Adds to the columns ``count`` and ``n`` the share ``estimate`` with Wilson's interval."""
    pairs = zip(table["count"].astype(int), table["n"].astype(int), strict=True)
    low, high = zip(*(wilson(k, n, confidence) for k, n in pairs), strict=True)
    return table.assign(estimate=table["count"] / table["n"], low=low, high=high)


def add_verdicts(table: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Corrects ``p`` and ``p_random`` over a table by Holm's method and adds the ``verdict``.

    ``above chance`` needs the first below 1 - confidence, ``beyond random weights`` both, and no
    random network that is as good.
    """
    level = 1 - settings.confidence
    p, p_random = (holm(table[name].to_numpy(np.float64)) for name in ("p", "p_random"))
    beyond = (p_random < level) & (table["n_random_as_large"] == 0)
    verdict = np.where(p < level, np.where(beyond, BEYOND, ABOVE), NOT_SHOWN)
    return table.assign(p_holm=p, p_random_holm=p_random, verdict=verdict)


def judge_codes(
    task: Task, said: Sequence[np.ndarray], per_code: int, settings: StatisticsSettings
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, list[float]]:
    """Judges answers, the model's first, then those of random networks, ``[units]`` each.

    Returns:
        The row of the table ``recognition``; whether each answer was right ``[units]``; the code
        that all recordings together assign to each word ``[words]``, -1 for none; the shares of the
        random networks.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    words, own = task.drawn[0], said[0]
    right, shares = score_codes(task.drawn, own, task.folds, per_code)
    random = [
        float(score_codes(task.drawn[:1], codes, task.folds, per_code)[1][0]) for codes in said[1:]
    ]
    counts = count_codes(words, own, len(task.names), int(own.max(initial=0)) + 1)
    chosen = assign(counts, per_code)
    row = describe(right, shares, random, settings) | {
        "n_words": len(task.names), "n_codes": int((counts.sum(axis=0) > 0).sum()),
        "words_per_code": per_code, "best": float(np.mean(chosen[words] == own)),
        "mutual_information": float(adjusted_mutual_info_score(words, own)),
    }  # fmt: skip
    return add_verdicts(pd.DataFrame([row]), settings), right, chosen, random


def judge_layers(
    task: Task,
    heard: Mapping[str, np.ndarray],
    random: Sequence[Mapping[str, np.ndarray]],
    envelope: str,
    settings: StatisticsSettings,
) -> dict[str, pd.DataFrame]:
    """Judges how well the curves of each layer tell words apart, and where they part.

    Args:
        task: Recordings and their words.
        heard: Of the model, by layer ``[units, points]``.
        random: Of each random network.
        envelope: The layer that others are compared with, the same in every network.
        settings: Confidence and resamples.

    Returns:
        ``by_layer``; ``curves``, the mean of each word at each point, and there the p of the
        permutation test of the words, corrected over points, as ``p_layers`` over layers too
        (Bonferroni); ``controls``.
    """
    rows, controls, means = [], [], []
    least, _ = score_curves(task.drawn[:1], heard[envelope], task.folds)
    for layer, curves in heard.items():
        right, shares = score_curves(task.drawn, curves, task.folds)
        more, others = right.astype(float) - least, list[float]()
        for network, each in enumerate(random if layer != envelope else (), start=1):
            others.append(float(score_curves(task.drawn[:1], each[layer], task.folds)[1][0]))
            controls.append((network, layer, others[-1]))
        beyond = (math.nan, math.nan) if layer == envelope else (more.mean(), sign_test(more))
        beside = dict(zip(("beyond_envelope", "beyond_envelope_p"), beyond, strict=True))
        rows.append({"layer": layer, **describe(right, shares, others, settings), **beside})
        apart = compare(curves, task.drawn[0], settings, task.speakers, 0, len(task.drawn) - 1)
        for k, word in enumerate(task.names):
            own = curves[task.drawn[0] == k]
            values = dict(zip(("estimate", "low", "high"), band(own, settings), strict=True))
            points = {"layer": layer, "word": word, "point": np.arange(1, curves.shape[1] + 1)}
            means.append(pd.DataFrame(points | values | {"n": len(own), "p": apart.p}))
    table = add_verdicts(pd.DataFrame(rows), settings)
    every = pd.concat(means)
    every["p_layers"] = np.minimum(1, every["p"] * len(heard))
    table["beyond_envelope_p_holm"] = holm(table["beyond_envelope_p"].to_numpy())
    return {
        "by_layer": table, "curves": every,
        "controls": pd.DataFrame(controls, columns=["network", "layer", "estimate"]),
    }  # fmt: skip


def concentrate(codes: np.ndarray, drawn: np.ndarray, word: int) -> np.ndarray:
    """Counts the codes of a word, ``[draws, 1 + codes]``, of which the first is that of none.

    Chance gives the word the codes of recordings of any word of the same block: where one code is
    given to everything, a share of 1 says nothing. Arguments as :func:`score_codes` takes them.
    """
    answers = codes + 1
    length = int(answers.max()) + 1
    return np.stack([np.bincount(answers[row == word], minlength=length) for row in drawn])


def judge_unseen(
    words: np.ndarray,
    unseen: np.ndarray,
    said: Sequence[np.ndarray],
    speakers: np.ndarray | None,
    n_draws: int,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Judges how concentrated the codes of each unseen word are, beside chance and random networks.

    The estimate is the share of its most frequent code. An answer of none counts as a code.

    Args:
        words: Of each recording, seen or not ``[units]``.
        unseen: Whether it is of a word that was never heard in training ``[units]``.
        said: Answers ``[units]`` of the model, then of random networks.
        speakers: Of each recording ``[units]``, within whom words are drawn anew, or None.
        n_draws: Number of draws.
        settings: The confidence.

    Returns:
        The table ``unseen``, with ``code`` by its number, -1 for none.
    """
    names, numbers = np.unique(words, return_inverse=True)
    blocks = np.zeros(len(words), int) if speakers is None else speakers
    drawn, rows = draw_words(numbers, blocks, n_draws), []
    for k in np.unique(numbers[unseen]):
        counts = [concentrate(codes, drawn, k) for codes in said]
        own, *random = (beside_chance(x.max(axis=1) / x.sum(axis=1)) for x in counts)
        beyond = own["estimate"] - own["chance"]
        others = [x["estimate"] - x["chance"] for x in random]
        first = counts[0][0]
        rows.append({
            "word": names[k], "code": int(first.argmax()) - 1, **own, "n": int(first.sum()),
            "entropy_bits": float(scipy.stats.entropy(first, base=2)), "beyond": beyond,
            **beside_networks(beyond, others, settings),
        })  # fmt: skip
    return add_verdicts(pd.DataFrame(rows), settings)


def compare_words(
    values: np.ndarray, words: np.ndarray, others: np.ndarray, confidence: float
) -> dict[str, float]:
    """Compares a value of recordings between two sets of words; the unit is the word.

    Recordings of one word are alike in what is special to it, so that two words suffice to differ;
    whether a set differs is seen across its words: Student's t-test of the words' means, one
    variance, for which a set may be a single word.

    Args:
        values: Of each recording ``[units]``.
        words: Its word, any values.
        others: Whether that is of the second set ``[units]``.
        confidence: Of the interval.

    Returns:
        ``mean_seen`` of the first set, ``mean_unseen`` of the second, their difference ``estimate``
        with ``low`` and ``high``, ``p``, and ``n``, ``n_unseen``, the words of both.
    """
    first, second = (
        pd.Series(values[side]).groupby(words[side]).mean().to_numpy() for side in (~others, others)
    )
    mean, other = (float(side.mean()) if len(side) else math.nan for side in (first, second))
    low = high = p = math.nan
    if min(len(first), len(second)) > 0 and len(first) + len(second) > 3:
        found = scipy.stats.ttest_ind(first, second)
        (low, high), p = map(float, found.confidence_interval(confidence)), float(found.pvalue)
    return {
        "mean_seen": mean, "mean_unseen": other, "estimate": mean - other, "low": low,
        "high": high, "p": p, "n": len(first), "n_unseen": len(second),
    }  # fmt: skip
