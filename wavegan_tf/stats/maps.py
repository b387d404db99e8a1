"""What single feature maps do: their groups, their change with a latent variable, where they fire.

Beguš & Zhou 2022, section IV-E (Figs. 11-13). Maps count from 1. The unit of resampling is the base
latent vector, whose outputs belong together.

**What the paper's coefficient of 1e-10 amounts to.** The kernel exp(-gamma d²) of profiles at
distances d is then 1 - gamma d², a linear function of d² that departs from 1 in the seventh digit
or later. The leading eigenvectors of such a matrix are those of classical scaling: the constant,
then the principal components of the profiles, each scaled to one length. So the paper's clusters
are those of k-means on the first k - 1 principal components, and do not depend on gamma until
gamma d² nears 1 (a local kernel, as ``auto`` gives) or falls below the rounding of float64.
"""

import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.errors import InputError
from wavegan_tf.stats.effects import add_verdicts, holm, paired_t
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings, mean_intervals, mean_over

CHANGES, NO_CHANGE, DEAD = "changes", "no change shown", "dead"
PREFERS, AVOIDS, BY_TIME = "prefers", "avoids", "by time"
NO_PREFERENCE = "no preference shown"

NUM_SEEDS = 20  # that the clusters are computed with

LEAST_DEPARTURE, MOST_DECAY = 1e-11, 30.0
"""Least departure of the kernel from 1, at the largest distance (rounding by 1e-16 leaves five
digits); largest gamma d² in the median (beyond, most of the kernel is below 1e-13)."""


def samples_within(length: int, rate_hz: float, start_s: float, end_s: float) -> np.ndarray:
    """Says which samples, at (i + 0.5) / rate_hz, lie in a stretch of time, bool ``[length]``."""
    times_s = (np.arange(length) + 0.5) / rate_hz
    return (times_s >= start_s) & (times_s < end_s)


def label_masks(
    intervals: Iterable[tuple], labels: Sequence[str], length: int, rate_hz: float
) -> np.ndarray:
    """Says which samples lie in intervals (label, start_s, end_s), bool ``[labels, length]``."""
    masks = np.zeros((len(labels), length), bool)
    for label, *ends_s in intervals:
        masks[labels.index(label)] |= samples_within(length, rate_hz, *ends_s)
    return masks


def selectivity(maps: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Compares each map's mean activation inside intervals of a label with that outside.

    Takes one output's activations after ReLU, ``[length, maps]``, and ``[labels, length]``.

    Returns:
        Means inside and outside, and the index (inside - outside) / (inside + outside), ``[3,
        labels, maps]``: 1 where a map fires nowhere else, -1 where it fires only elsewhere, 0 where
        it makes no difference. NaN, all three: no sample inside or none outside; of the index also
        where the map is 0 throughout.
    """
    weights = np.stack([masks, ~masks]).astype(np.float64)  # [2, labels, length]
    with np.errstate(invalid="ignore", divide="ignore"):
        inside, outside = weights @ maps / weights.sum(axis=2, keepdims=True)  # [labels, maps] each
        inside, outside = inside + 0 * outside, outside + 0 * inside  # NaN in one, NaN in both
        return np.stack([inside, outside, (inside - outside) / (inside + outside)])


def cosine_distances(maps: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Computes 1 - cosine of the angle between each map and its reference over time (Fig. 13).

    Takes ``[length, maps]``, and the same under another latent vector. Gives ``[maps]``: 0 for
    equal courses whatever their level, 1 for maps that share no moment (after ReLU the cosine is
    not negative); 1 also where one of the two is 0 throughout, NaN where both are.
    """
    maps, reference = (np.asarray(x, np.float64) for x in (maps, reference))
    norms = np.linalg.norm(maps, axis=0) * np.linalg.norm(reference, axis=0)
    products = np.einsum("tm,tm->m", maps, reference)
    cosine = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    both = ~(maps.any(axis=0) | reference.any(axis=0))
    return np.where(both, np.nan, 1 - np.clip(cosine, -1, 1))


def over_bases(values: np.ndarray, seed: int, settings: StatisticsSettings) -> pd.DataFrame:
    """Averages ``[bases, columns]`` over the base vectors that have a value, not NaN.

    Returns:
        A row per column: ``estimate``, ``low``, ``high``, ``p`` of a mean of 0 (Student's t over
        bases) and ``n`` bases; NaN where these are fewer than ``min_outputs``, the estimate where
        there are none.
    """
    estimate, low, high = mean_intervals(values, seed, settings, settings.min_outputs)
    known = [column[np.isfinite(column)] for column in values.T]
    p = [paired_t(x) if len(x) >= settings.min_outputs else math.nan for x in known]
    n = [len(x) for x in known]
    return pd.DataFrame({"estimate": estimate, "low": low, "high": high, "p": p, "n": n})


def distance_table(
    values: Sequence[float], distances: np.ndarray, seed: int, settings: StatisticsSettings
) -> pd.DataFrame:
    """Tells each map's cosine distance from the first value, of ``[bases, values, maps]``."""
    bases, steps, maps = distances.shape
    found = over_bases(distances.reshape(bases, steps * maps), seed, settings)
    found["map"] = np.tile(np.arange(1, maps + 1), steps)
    found["value"] = np.repeat(values, maps).astype(float)
    found = found.sort_values("map", kind="stable", ignore_index=True)
    return found[["map", "value", "estimate", "low", "high", "n"]]


def map_table(
    rate_hz: float,
    profiles: np.ndarray,
    means: np.ndarray,
    distances: np.ndarray,
    clusters: np.ndarray,
    seed: int,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Tells what each map does, and how it changes with the latent variable.

    Args:
        rate_hz: Rate of the layer.
        profiles: Averages over outputs at the two extreme values, ``[maps, length]``.
        means: Mean activation of each output, ``[bases, values, maps]``.
        distances: As for :func:`distance_table`.
        clusters: Number of each map's cluster, 0 for a dead one, ``[maps]``.
        seed: Of the resampling.
        settings: Those of the intervals and the verdict.

    Returns:
        A row for each map: ``estimate`` is the paired difference between the last and the first
        value, ``p_holm`` over maps; ``distance`` the mean over values, then over bases, and
        ``distance_rank`` 1 for the map that changes least.
    """
    changes = over_bases(means[:, -1] - means[:, 0], seed, settings)
    moved = over_bases(mean_over(distances, axis=1), seed, settings)
    live, peaks = clusters > 0, profiles.argmax(axis=1)
    table = pd.DataFrame({
        "map": np.arange(1, len(clusters) + 1), "cluster": clusters, "dead": ~live,
        "mean": profiles.mean(axis=1), "peak": profiles.max(axis=1),
        "peak_time_s": np.where(live, (peaks + 0.5) / rate_hz, np.nan),
        "mean_first": means[:, 0].mean(axis=0), "mean_last": means[:, -1].mean(axis=0),
        **changes[["estimate", "low", "high"]],
        "p": changes["p"].where(live), "p_holm": math.nan,
        "distance": moved["estimate"], "distance_low": moved["low"],
        "distance_high": moved["high"],
        "distance_rank": moved["estimate"].rank(method="first"),
        "n": changes["n"],
    })  # fmt: skip
    table = add_verdicts(table, settings, CHANGES, NO_CHANGE)
    table.loc[~live, "verdict"] = DEAD
    return table


def selectivity_table(
    labels: Sequence[str],
    firing: np.ndarray,
    n_outputs: np.ndarray,
    live: np.ndarray,
    seed: int,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Tells in which intervals each map fires.

    Args:
        labels: Those of the intervals.
        firing: Means over each base vector's outputs, ``[4, bases, labels, maps]``: what
            :func:`selectivity` gives, and the index when the intervals are those of another base
            vector's output.
        n_outputs: Outputs with a value of the index, ``[labels, maps]``.
        live: Whether each map ever fires, ``[maps]``.
        seed: Seed of the resampling.
        settings: Those of the intervals and the level of the verdict.

    Returns:
        A row for each map and label: ``estimate`` is the index, ``p_holm`` over all maps and
        labels; ``shuffled`` that with other intervals; ``beyond`` their paired difference;
        ``verdict``: ``prefers`` (index above 0 and above the shuffled one), ``avoids`` (below
        both), ``by time`` (not 0, but not shown to differ from the shuffled one: the map fires at a
        time at which such intervals usually stand), ``no preference shown``, ``too few``, ``dead``.
    """
    n_labels, maps = firing.shape[2:]
    inside, outside, contrast, shuffled = firing.reshape(4, -1, n_labels * maps)
    index = over_bases(contrast, seed, settings)
    beyond = over_bases(contrast - shuffled, seed, settings)
    table = pd.DataFrame({
        "map": np.tile(np.arange(1, maps + 1), n_labels), "label": np.repeat(labels, maps),
        "mean_inside": mean_over(inside, axis=0), "mean_outside": mean_over(outside, axis=0),
        **index[["estimate", "low", "high", "p"]], "p_holm": holm(index["p"].to_numpy()),
        "shuffled": mean_over(shuffled, axis=0), "beyond": beyond["estimate"],
        "beyond_low": beyond["low"], "beyond_high": beyond["high"],
        "beyond_p_holm": holm(beyond["p"].to_numpy()), "beyond_n": beyond["n"],
        "n_outputs": n_outputs.ravel(), "n": index["n"],
    })  # fmt: skip
    level, same_sign = 1 - settings.confidence, table["estimate"] * table["beyond"] > 0
    rules: dict[str, Any] = {
        DEAD: np.tile(~live, n_labels),
        TOO_FEW: table["p_holm"].isna(),
        NO_PREFERENCE: table["p_holm"] >= level,
        BY_TIME: ~((table["beyond_p_holm"] < level) & same_sign),  # NaN is not below
        PREFERS: table["estimate"] > 0,
    }
    table["verdict"] = np.select([*rules.values()], [*rules], AVOIDS)
    return table.sort_values("map", kind="stable", ignore_index=True)


def parse_gamma(text: str) -> float | None:
    """Reads ``--rbf_gamma``: a number above 0, or ``auto`` (None)."""
    if text == "auto":
        return None
    gamma = float(pd.to_numeric(text, errors="coerce"))  # NaN of what is no number
    if not 0 < gamma < math.inf:
        raise InputError(f"--rbf_gamma={text}: give a number above 0, such as 1e-10, or auto")
    return gamma


def choose_gamma(profiles: np.ndarray, gamma: float | None, layer: str) -> float:
    """Chooses the coefficient of the kernel for profiles of live maps, ``[maps, length]``.

    None becomes 1 / the median of d², under which half the pairs have a kernel below 1/e.

    Raises:
        InputError: All profiles are equal, or the kernel of their distances is 1 or 0 to rounding.
    """
    squares = scipy.spatial.distance.pdist(np.asarray(profiles, np.float64), "sqeuclidean")
    largest, median = float(squares.max()), float(np.median(squares))
    if largest == 0:
        raise InputError(
            f"--layer={layer}: all its live maps have one profile, so there are no clusters; "
            "choose another layer"
        )
    if gamma is None:
        return 1 / (median or largest)
    if gamma * largest < LEAST_DEPARTURE or gamma * median > MOST_DECAY:
        rule = "1, and rounding would decide" if gamma * median < 1 else "0 for most pairs of maps"
        raise InputError(
            f"--rbf_gamma={gamma:g}: squared distances between profiles of {layer} have the median "
            f"{median:.2g} and reach {largest:.2g}, so that the kernel is {rule}; give "
            f"--rbf_gamma=auto (here {1 / (median or largest):.2g})"
        )
    return gamma


def check_clusters(n_clusters: int, n_maps: int, layer: str, kind: str = "maps") -> None:
    """Raises InputError where maps cannot be parted into so many clusters, 2 .. maps - 1."""
    if n_maps < 3:
        raise InputError(
            f"--layer={layer}: has {n_maps} {kind}, too few for clusters; choose a layer with more"
        )
    if not 2 <= n_clusters < n_maps:
        raise InputError(
            f"--clusters={n_clusters}: {layer} has {n_maps} {kind}; choose 2 .. {n_maps - 1}"
        )


def cluster(profiles: np.ndarray, n_clusters: int, gamma: float, seed: int) -> np.ndarray:
    """Parts profiles ``[maps, length]`` by spectral clustering: RBF kernel, then k-means.

    Clusters, int ``[maps]``, count from 1 in falling order of mean activation, so that the same
    clusters have the same numbers whatever the seed.
    """
    from sklearn.cluster import SpectralClustering  # takes a second: here, so that --help does not

    method = SpectralClustering(
        n_clusters, affinity="rbf", gamma=gamma, assign_labels="kmeans", random_state=seed
    )
    with warnings.catch_warnings():
        # a kernel near 0 parts the maps, which is an answer; equal profiles share a cluster
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        warnings.filterwarnings("ignore", message="Number of distinct clusters")
        found = method.fit_predict(profiles)
    order = sorted(pd.unique(found), key=lambda label: -profiles[found == label].mean())
    return np.array([order.index(label) + 1 for label in found])


def cluster_seeds(
    profiles: np.ndarray, halves: np.ndarray, n_clusters: int, gamma: float
) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame]:
    """Clusters with :data:`NUM_SEEDS` seeds, and says how firm the clusters are.

    Takes profiles of the live maps, ``[maps, length]``, and the same over the even and over the odd
    base vectors alone, ``[2, maps, length]``.

    Returns:
        The clusters of the first seed, int ``[maps]``; a row for each seed, with its adjusted Rand
        index with the first (Hubert & Arabie 1985: 1 for equal partitions, 0 on average for random
        ones) and sizes; one row for all: ``gamma_d2`` is gamma times the median d² (far below 1 the
        kernel is linear in d²), ``silhouette`` the mean over maps (Rousseeuw 1987: 1 for groups far
        apart, near 0 where one group runs into the other).
    """
    from sklearn.metrics import adjusted_rand_score, silhouette_score
    from threadpoolctl import threadpool_limits  # what scikit-learn limits threads by

    with threadpool_limits(1):  # k-means of some hundred maps waits for its threads most of all
        found = [cluster(profiles, n_clusters, gamma, seed) for seed in range(NUM_SEEDS)]
        parted = [cluster(half, n_clusters, gamma, 0) for half in halves]
    pairs = [adjusted_rand_score(a, b) for a, b in itertools.combinations(found, 2)]
    seeds = pd.DataFrame({"seed": range(NUM_SEEDS), "ari_first": [1.0, *pairs[: NUM_SEEDS - 1]]})
    for k in range(1, n_clusters + 1):
        seeds[f"maps_{k}"] = [int((labels == k).sum()) for labels in found]
    firm = {
        "clusters": int(found[0].max()), "live": len(profiles), "gamma": gamma,
        "gamma_d2": gamma * float(np.median(scipy.spatial.distance.pdist(profiles, "sqeuclidean"))),
        "seeds": NUM_SEEDS, "ari_seeds": float(np.mean(pairs)), "ari_seeds_least": min(pairs),
        "ari_halves": adjusted_rand_score(*parted),
        "silhouette": float(silhouette_score(profiles, found[0])),
    }  # fmt: skip
    return found[0], seeds, pd.DataFrame([firm])
