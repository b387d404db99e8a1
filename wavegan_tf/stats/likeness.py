"""Outputs beside recordings as two sets: how varied, how far apart, and are there copies?

Everything rests on distances between single sounds. What is exchanged by chance are whole outputs
and recordings: where both come from one distribution, any of them may be called an output.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, holm
from wavegan_tf.stats.health import distances_of
from wavegan_tf.stats.resampling import StatisticsSettings, interval, resample, wilson

SHIFT_FRAMES = 3
"""How far two sounds may be shifted against each other until they are nearest."""

NEAR = 0.05
"""Share of the recordings that are as near to another as what is called near."""

N_HALVES = 200

COPIES, NEARER, NO_COPIES = "copies", "near, not copies", "no copies shown"


class Within(NamedTuple):
    """Holds means over pairs: of outputs, of recordings, and of one of each."""

    outputs: np.ndarray
    recordings: np.ndarray
    between: np.ndarray


def pair_means(pairs: np.ndarray, first: np.ndarray, second: np.ndarray) -> Within:
    """Takes means of a symmetric table over pairs of different members of two sets.

    Args:
        pairs: ``[members, members]``.
        first: How often each member is in the first set, ``[members, draws]``.
        second: The same of the second set. Pairs of a member with itself, which a bootstrap draws,
            do not count.

    Returns:
        Means of every draw, ``[draws]`` each.
    """
    pairs = pairs - np.diag(np.diag(pairs))
    to_first, to_second = pairs @ first, pairs @ second
    n, m = first.sum(axis=0), second.sum(axis=0)
    return Within(
        np.einsum("ij,ij->j", first, to_first) / (n**2 - np.sum(first**2, axis=0)),
        np.einsum("ij,ij->j", second, to_second) / (m**2 - np.sum(second**2, axis=0)),
        np.einsum("ij,ij->j", first, to_second) / (n * m),
    )


def similarities(features: np.ndarray) -> np.ndarray:
    """Computes how alike sounds are, 0 to 1, ``[n, n]``: a Gaussian kernel of their distances.

    Its width is the median distance of all pairs (Gretton et al. 2012, Journal of Machine Learning
    Research 13:723-773, section 8). Takes ``[n, ..]``.
    """
    flat = features.reshape(len(features), -1).astype(np.float64)
    squares = scipy.spatial.distance.squareform(scipy.spatial.distance.pdist(flat, "sqeuclidean"))
    width = np.median(squares[np.triu_indices(len(flat), 1)])
    return np.exp(-squares / (2 * width)) if width > 0 else np.ones_like(squares)


def discrepancy(means: Within) -> np.ndarray:
    """Computes the squared maximum mean discrepancy, without bias (Gretton et al. 2012, lemma 6).

    The mean similarity within outputs and within recordings less twice that between them. As no
    sound is paired with itself, its expectation is that of infinitely many sounds: 0 for two sets
    of one distribution, so that it may be below 0, and the same at any number of sounds.
    """
    return means.outputs + means.recordings - 2 * means.between


def compare_sets(
    mel: np.ndarray,
    shape: np.ndarray,
    n_outputs: int,
    n_permutations: int,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Compares the diversity of two sets of sounds, and their distributions.

    Args:
        mel: Spectra of the outputs, then of the recordings, ``[sounds, ..]``.
        shape: The same of :func:`~wavegan_tf.stats.health.shapes`.
        n_outputs: How many are outputs, 3 or more, as of the recordings.
        n_permutations: Number of times that outputs and recordings are exchanged.
        settings: Confidence and resamples.

    Returns:
        Two rows: ``diversity`` of the outputs and, ``recordings``, of the recordings; ``distance``,
        the :func:`discrepancy` of both, and of two halves of the recordings (mean, and the range of
        the ``confidence`` of halves). ``p`` is the share of permutations, the own one counted, in
        which diversities differ as much, or the distance is as large.
    """
    n, m = n_outputs, len(mel) - n_outputs
    rng, own = np.random.default_rng([n, m]), np.arange(n + m) < n
    drawn = np.tile(own.astype(np.float64), (1 + n_permutations, 1))
    drawn[1:] = rng.permuted(drawn[1:], axis=1)
    halves = np.tile(np.arange(m) < m // 2, (N_HALVES, 1)).astype(np.float64)
    halves = rng.permuted(halves, axis=1).T
    weights = [resample(lambda w: w, k, k, seed, settings) for seed, k in enumerate((n, m))]
    none = [np.zeros([k, weights[0].shape[1]]) for k in (n, m)]
    resampled = np.vstack([weights[0], none[1]]), np.vstack([none[0], weights[1]])
    tail, rows = (1 - settings.confidence) / 2, []
    for measure, pairs in (("diversity", distances_of(shape)), ("distance", similarities(mel))):
        means, boot = pair_means(pairs, drawn.T, 1 - drawn.T), pair_means(pairs, *resampled)
        if measure == "diversity":
            estimate, recordings = means.outputs[0], means.recordings[0]
            by_chance = np.abs(means.outputs - means.recordings)
            ends = interval(boot.outputs, n, settings.confidence)
            other_ends = interval(boot.recordings, m, settings.confidence)
        else:
            by_chance = discrepancy(means)
            estimate = by_chance[0]
            ends = interval(discrepancy(boot), min(n, m), settings.confidence)
            floor = discrepancy(pair_means(pairs[n:, n:], halves, 1 - halves))
            recordings = floor.mean()
            other_ends = tuple(np.quantile(floor, [tail, 1 - tail]))
        rows.append({
            "measure": measure, "estimate": estimate, "low": ends[0], "high": ends[1],
            "recordings": recordings, "recordings_low": other_ends[0],
            "recordings_high": other_ends[1], "n": n, "n_recordings": m,
            "p": np.mean(by_chance >= by_chance[0] - 1e-12),
        })  # fmt: skip
    return pd.DataFrame(rows)


def nearest(sounds: np.ndarray, recordings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the two recordings that are nearest to each sound.

    The distance is the root mean square of the differences of the spectra, in dB, at the shift of
    up to :data:`SHIFT_FRAMES` frames at which it is least.

    Args:
        sounds: Spectra ``[n, frames, bands]``, 0 for silence.
        recordings: Spectra ``[m, frames, bands]``, m of 3 or more.

    Returns:
        Distances ``[n, 2]``, the nearest first, and which recording that is ``[n]``.
    """
    n, frames, bands = sounds.shape
    flat = recordings.reshape(len(recordings), -1)
    squares = np.einsum("ij,ij->i", flat, flat)
    distances, places = np.zeros([n, 2]), np.zeros(n, int)
    for start in range(0, n, 64):
        block, apart = sounds[start : start + 64], np.full((1, 1), np.inf)
        for shift in range(-SHIFT_FRAMES, SHIFT_FRAMES + 1):
            moved = np.zeros_like(block)
            moved[:, max(0, shift) : frames + shift] = block[:, max(0, -shift) : frames - shift]
            moved = moved.reshape(len(block), -1)
            own_squares = np.einsum("ij,ij->i", moved, moved)[:, np.newaxis]
            apart = np.minimum(apart, own_squares + squares - 2 * moved @ flat.T)
        two = np.argpartition(apart, 1, axis=1)[:, :2]
        found = np.take_along_axis(apart, two, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        two = np.take_along_axis(two, order, axis=1)
        found = np.take_along_axis(found, order, axis=1)
        distances[start : start + 64] = np.sqrt(np.maximum(found, 0) / (frames * bands))
        places[start : start + 64] = two[:, 0]
    return distances, places


def find_copies(
    outputs: np.ndarray, recordings: np.ndarray, settings: StatisticsSettings
) -> tuple[pd.DataFrame, np.ndarray]:
    """Counts outputs that are nearer to a recording than other recordings are.

    Near is what 5 % of the other recordings stay below. Were outputs and recordings of one
    distribution, all orders of their distances would be as probable, and the number of outputs
    below that of a recording would have a negative hypergeometric distribution: that gives ``p``,
    one-sided. It is exact because neither side is among what is sought in: two recordings that
    leave but themselves out share their distance where they are nearest to each other.

    An output that is typical is near to many recordings; a copy is near to one. So those are
    counted, too, that are near and whose distance to the nearest, divided by that to the second
    nearest, is below that of 95 % of the other recordings. As they are among the near ones, the
    same distribution gives a p that is too large rather than too small.

    Takes the distances of :func:`nearest` of outputs, and of recordings that are not sought among,
    ``[.., 2]``.

    Returns:
        Rows ``nearer`` and ``one_alone``: the share of outputs with Wilson's interval;
        ``recordings``, what is expected at most; ``limit``, of the distance and of the ratio. And
        whether each output is near to one alone ``[outputs]``.
    """
    n, m = len(outputs), len(recordings)
    rank = max(1, math.floor(NEAR * m))
    limits = [np.sort(x)[rank - 1] for x in (recordings[:, 0], _ratio(recordings))]
    near = outputs[:, 0] < limits[0]
    alone = near & (_ratio(outputs) < limits[1])
    rows = []
    for measure, said, limit in zip(("nearer", "one_alone"), (near, alone), limits, strict=True):
        count = int(said.sum())
        low, high = wilson(count, n, settings.confidence)
        rows.append({
            "measure": measure, "estimate": count / n, "low": low, "high": high,
            "recordings": rank / (m + 1), "limit": limit, "n": n, "n_recordings": m,
            "p": scipy.stats.nhypergeom.sf(count - 1, n + m, n, rank),
        })  # fmt: skip
    return pd.DataFrame(rows), alone


def _ratio(distances: np.ndarray) -> np.ndarray:
    """Divides the distance to the nearest by that to the second nearest; 1 where both are 0."""
    first, second = distances.T
    return np.divide(first, second, out=np.ones(len(first)), where=second > 0)


def judge_sets(table: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Corrects ``p`` of all comparisons of sets (Holm) and adds the ``verdict``.

    Copies are claimed where outputs are nearer, and more than 5 % of them to one alone.
    """
    p_holm = holm(table["p"].to_numpy(np.float64))
    verdict = dict(zip(table["measure"], p_holm < 1 - settings.confidence, strict=True))
    words = {name: DIFFERS if shown else NO_DIFFERENCE for name, shown in verdict.items()}
    words["nearer"] = NO_COPIES
    if verdict["nearer"]:
        words["nearer"] = COPIES if verdict["one_alone"] else NEARER
    return table.assign(p_holm=p_holm, verdict=table["measure"].map(words))
