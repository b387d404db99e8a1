"""A classifier of words that learns in seconds, and how well it does on what it never heard."""

from typing import Any

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.recognition import ABOVE, FOLDS, NOT_SHOWN
from wavegan_tf.stats.resampling import StatisticsSettings, mean_intervals, wilson

PENALTY = 0.1
"""Inverse of the strength of the regularisation. With four speakers of ten digits 0.01 and 0.1, and
a support vector machine with a Gaussian kernel, name within 1.5 % as many held-out recordings."""

MOST_SPEAKERS = 10
"""Of more speakers, several at a time are held out."""

RECORDINGS, SPEAKERS = "held-out recordings", "recordings of new speakers"


def make_classifier() -> Any:
    """Makes the classifier: standardised features, multinomial logistic regression."""
    from sklearn.linear_model import LogisticRegression  # --help need not wait for it
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=PENALTY, max_iter=2000))


def name_words(classifier: Any, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Names the most probable word of sounds ``[n, features]``, and how probable it is, ``[n]``."""
    p = classifier.predict_proba(features)
    return classifier.classes_[p.argmax(axis=1)], p.max(axis=1)


def hold_out(
    features: np.ndarray,
    words: np.ndarray,
    speakers: np.ndarray | None,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Says how many words the classifier names of recordings, and of speakers, that it never heard.

    Recordings are held out a fifth at a time, speakers one at a time (of more than ten, a tenth).

    Args:
        features: ``[recordings, features]``.
        words: Of each, two or more, each of two recordings or more.
        speakers: Of each, two or more; None where they are not known.
        settings: Confidence.

    Returns:
        A row for ``held-out recordings`` and, with speakers, ``recordings of new speakers``, the
        column ``heard``; the share of right ones with Wilson's interval, ``n``; ``chance``, the
        share of the commonest word, and ``p`` that it is not exceeded (binomial, one-sided);
        ``verdict``; ``confidence``, the mean probability of the words named, with its interval.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    _, counts = np.unique(words, return_counts=True)
    by_word = StratifiedKFold(min(FOLDS, counts.min()), shuffle=True, random_state=0)
    folds = {RECORDINGS: by_word.split(features, words)}
    if speakers is not None:
        by_speaker = GroupKFold(min(MOST_SPEAKERS, len(set(speakers))))
        folds[SPEAKERS] = by_speaker.split(features, words, speakers)
    rows, chance = [], counts.max() / len(words)
    for heard, split in folds.items():
        right, sure = np.zeros(len(words), bool), np.zeros(len(words))
        for train, test in split:
            classifier = make_classifier().fit(features[train], words[train])
            said, sure[test] = name_words(classifier, features[test])
            right[test] = said == words[test]
        low, high = wilson(int(right.sum()), len(right), settings.confidence)
        p = scipy.stats.binomtest(int(right.sum()), len(right), chance, "greater").pvalue
        rows.append({
            "heard": heard, "estimate": right.mean(), "low": low, "high": high, "n": len(right),
            "n_words": len(counts), "chance": chance, "p": p,
            "verdict": ABOVE if p < 1 - settings.confidence else NOT_SHOWN,
            **sureness(sure, settings),
        })  # fmt: skip
    return pd.DataFrame(rows)


def sureness(probabilities: np.ndarray, settings: StatisticsSettings) -> dict[str, float]:
    """Takes the mean probability of the words that are named, with its bootstrap interval."""
    ends = mean_intervals(probabilities[:, np.newaxis], 0, settings)
    names = ("confidence", "confidence_low", "confidence_high")
    return {name: float(x[0]) for name, x in zip(names, ends, strict=True)}
