"""A classifier of words that learns in seconds, and how well it does on what it never heard."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import softmax

from wavegan_tf.stats.recognition import (
    ABOVE,
    FOLDS,
    NOT_SHOWN,
    beside_chance,
    draw_words,
    make_task,
    score_curves,
)
from wavegan_tf.stats.resampling import StatisticsSettings, mean_intervals, wilson

PENALTY = 0.1
"""Inverse of the strength of the regularisation. With four speakers of ten digits 0.01 and 0.1, and
a support vector machine with a Gaussian kernel, name within 1.5 % as many held-out recordings."""

N_DRAWS = 199
"""Number of times that words are drawn anew; the least p is 0.005."""

RECORDINGS, SPEAKERS = "held-out recordings", "recordings of new speakers"


class Classifier(NamedTuple):
    """Holds a multinomial logistic regression, its standardisation folded in.

    Attributes:
        words: That it knows ``[words]``.
        weights: ``[features, words]``.
        bias: ``[words]``.
    """

    words: np.ndarray
    weights: np.ndarray
    bias: np.ndarray


def learn_words(features: np.ndarray, words: np.ndarray) -> Classifier:
    """Fits the classifier to sounds ``[n, features]`` and their words ``[n]``, two or more."""
    from sklearn.linear_model import LogisticRegression  # --help need not wait for it
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    fitted = LogisticRegression(C=PENALTY, max_iter=2000).fit(scaler.transform(features), words)
    weights, bias = fitted.coef_.T / scaler.scale_[:, np.newaxis], fitted.intercept_
    if len(fitted.classes_) == 2:  # scikit-learn keeps but the second, beside 0
        weights, bias = np.pad(weights, [(0, 0), (1, 0)]), np.pad(bias, (1, 0))
    return Classifier(fitted.classes_, weights, bias - scaler.mean_ @ weights)


def name_words(classifier: Classifier, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names the most probable word of sounds ``[n, features]``, and how probable it is, ``[n]``."""
    p = softmax(features @ classifier.weights + classifier.bias, axis=1)
    return classifier.words[p.argmax(axis=1)], p.max(axis=1)


def hold_out(
    features: np.ndarray,
    words: np.ndarray,
    speakers: np.ndarray | None,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Says how many words the classifier names of recordings, and of speakers, that it never heard.

    Recordings are held out a fifth at a time, speakers one at a time (of more than five, a fifth).
    Held-out recordings are no independent trials, for each is learned from in the other folds. So p
    is that of a permutation test: words are drawn anew within speakers, and within folds of
    recordings, and all is repeated with a classifier that can be fitted so often, by least squares
    (:func:`~wavegan_tf.stats.recognition.score_curves`).

    Args:
        features: ``[recordings, features]``.
        words: Of each, two or more, each of two recordings or more.
        speakers: Of each, two or more; None where they are not known.
        settings: Confidence.

    Returns:
        A row for ``held-out recordings`` and, with speakers, ``recordings of new speakers``, the
        column ``heard``; the share of right ones with Wilson's interval, ``n``; ``chance``, the
        share of the commonest word; ``p``; ``verdict``, which takes a share above chance, too;
        ``confidence``, the mean probability of the words named, with its interval.
    """
    task = make_task(words, None, 0)
    blocks = task.folds
    if speakers is not None:
        blocks = blocks + FOLDS * np.unique(speakers, return_inverse=True)[1]
    tasks = {RECORDINGS: task._replace(drawn=draw_words(task.drawn[0], blocks, N_DRAWS))}
    if speakers is not None:
        tasks[SPEAKERS] = make_task(words, speakers, N_DRAWS)
    rows, chance = [], float(np.bincount(task.drawn[0]).max() / len(words))
    for heard, task in tasks.items():
        right, sure = np.zeros(len(words), bool), np.zeros(len(words))
        for fold in np.unique(task.folds):
            test = task.folds == fold
            classifier = learn_words(features[~test], words[~test])
            said, sure[test] = name_words(classifier, features[test])
            right[test] = said == words[test]
        low, high = wilson(int(right.sum()), len(right), settings.confidence)
        p = beside_chance(score_curves(task.drawn, features, task.folds)[1])["p"]
        above = p < 1 - settings.confidence and right.mean() > chance
        rows.append({
            "heard": heard, "estimate": right.mean(), "low": low, "high": high, "n": len(right),
            "n_words": len(task.names), "chance": chance, "p": p,
            "verdict": ABOVE if above else NOT_SHOWN, **sureness(sure, settings),
        })  # fmt: skip
    return pd.DataFrame(rows)


def sureness(probabilities: np.ndarray, settings: StatisticsSettings) -> dict[str, float]:
    """Takes the mean probability of the words that are named, with its bootstrap interval."""
    ends = mean_intervals(probabilities[:, np.newaxis], 0, settings)
    names = ("confidence", "confidence_low", "confidence_high")
    return {name: float(x[0]) for name, x in zip(names, ends, strict=True)}
