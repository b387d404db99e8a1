"""Groups of feature maps by their activation profiles: spectral clustering, and how firm it is.

Beguš & Zhou 2022, section IV-E, Fig. 11: profiles of Conv4 averaged over 1000 outputs, an RBF
kernel of coefficient 1e-10, k-means, 2 clusters.

**What a coefficient of 1e-10 amounts to.** The kernel exp(-gamma d²) of profiles at distances d
is then 1 - gamma d², a linear function of d² that departs from 1 in the seventh digit or later.
The leading eigenvectors of such a matrix are those of classical scaling: the constant, then the
principal components of the profiles, each scaled to one length. So the paper's clusters are those
of k-means on the first k - 1 principal components, and do not depend on gamma until gamma d² nears
1 (a local kernel, as ``auto`` gives) or falls below the rounding of float64.
"""

import itertools
import math
import warnings

import numpy as np
from scipy.spatial.distance import pdist
from sklearn.cluster import SpectralClustering
from sklearn.metrics import adjusted_rand_score, silhouette_score

from wavegan_tf.errors import InputError

LEAST_DEPARTURE = 1e-11
"""Of the kernel's values from 1, at the largest distance. Values near 1 are rounded by 1e-16: this
leaves five digits."""

MOST_DECAY = 30.0
"""gamma d² in the median: beyond it, most values of the kernel are below 1e-13, and maps stand
alone."""


def parse_gamma(text: str) -> float | None:
    """Read ``--rbf_gamma``: a number above 0, or ``auto`` (None).

    Raises:
        InputError: it is neither.
    """
    if text == "auto":
        return None
    try:
        gamma = float(text)
    except ValueError:
        gamma = math.nan
    if not 0 < gamma < math.inf:
        raise InputError(f"--rbf_gamma={text}: give a number above 0, such as 1e-10, or auto")
    return gamma


def choose_gamma(profiles: np.ndarray, gamma: float | None, layer: str) -> float:
    """The coefficient of the kernel, if it can tell the profiles apart.

    Args:
        profiles: of the live maps, ``[maps, length]``, at least two.
        gamma: the coefficient; None for 1 / the median of d², under which half the pairs have a
            kernel below 1/e.
        layer: its name, for the message.

    Returns:
        The coefficient.

    Raises:
        InputError: all profiles are equal, or the kernel of their distances is 1 or 0 to rounding.
    """
    squares = pdist(np.asarray(profiles, np.float64), "sqeuclidean")
    largest, median = float(squares.max()), float(np.median(squares))
    if largest == 0:
        raise InputError(
            f"--layer={layer}: all its live maps have one profile, so there are no clusters; "
            "choose another layer"
        )
    if gamma is None:
        return 1 / (median or largest)
    if gamma * largest < LEAST_DEPARTURE:
        raise InputError(
            f"--rbf_gamma={gamma:g}: squared distances between profiles of {layer} reach "
            f"{largest:.2g}, so that the kernel differs from 1 by at most {gamma * largest:.1g} "
            f"and rounding would decide; give --rbf_gamma=auto (here {1 / (median or largest):.2g})"
        )
    if gamma * median > MOST_DECAY:
        raise InputError(
            f"--rbf_gamma={gamma:g}: squared distances between profiles of {layer} have the median "
            f"{median:.2g}, so that most maps have a kernel of 0; give a smaller one, or auto "
            f"(here {1 / median:.2g})"
        )
    return gamma


def check_clusters(n_clusters: int, n_maps: int, layer: str, kind: str = "maps") -> None:
    """Check that a layer can be parted into so many clusters: 2 .. maps - 1.

    Args:
        n_clusters: wanted.
        n_maps: that can be clustered.
        layer: its name, for the message.
        kind: what these maps are called there.

    Raises:
        InputError: it cannot.
    """
    if n_maps < 3:
        raise InputError(
            f"--layer={layer}: has {n_maps} {kind}, too few for clusters; choose a layer of more"
        )
    if not 2 <= n_clusters < n_maps:
        raise InputError(
            f"--clusters={n_clusters}: {layer} has {n_maps} {kind}; choose 2 .. {n_maps - 1}"
        )


def cluster(profiles: np.ndarray, n_clusters: int, gamma: float, seed: int) -> np.ndarray:
    """Spectral clustering of profiles: RBF kernel, then k-means (scikit-learn's).

    Args:
        profiles: of the live maps, ``[maps, length]``.
        n_clusters: from 2 to maps - 1.
        gamma: as of :func:`choose_gamma`.
        seed: of the eigenvectors' start and of k-means (the best of 10 starts).

    Returns:
        The cluster of each map, int ``[maps]``: 1 is that of the highest mean activation, and so
        on, so that the same clusters have the same numbers whatever the seed.
    """
    profiles = np.asarray(profiles, np.float64)
    method = SpectralClustering(
        n_clusters, affinity="rbf", gamma=gamma, assign_labels="kmeans", random_state=seed
    )
    with warnings.catch_warnings():
        # a kernel near 0 parts the maps, which is an answer; equal profiles share a cluster
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        warnings.filterwarnings("ignore", message="Number of distinct clusters")
        found = method.fit_predict(profiles)
    return by_activation(found, profiles)


def by_activation(labels: np.ndarray, profiles: np.ndarray) -> np.ndarray:
    """Number clusters from 1 in falling order of the mean activation of their maps.

    Args:
        labels: any numbers, ``[maps]``.
        profiles: ``[maps, length]``.

    Returns:
        int ``[maps]``; of equal means the cluster of the earlier map comes first.
    """
    first = {label: int(np.argmax(labels == label)) for label in np.unique(labels)}
    means = {label: profiles[labels == label].mean() for label in first}
    order = sorted(first, key=lambda label: (-means[label], first[label]))
    numbers = {label: number for number, label in enumerate(order, start=1)}
    return np.array([numbers[label] for label in labels], int)


def cluster_seeds(
    profiles: np.ndarray, n_clusters: int, gamma: float, n_seeds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster with the seeds 0 .. n_seeds - 1, and compare every two results.

    Args:
        profiles: of the live maps, ``[maps, length]``.
        n_clusters: from 2 to maps - 1.
        gamma: as of :func:`choose_gamma`.
        n_seeds: at least 2.

    Returns:
        Clusters, int ``[seeds, maps]``, and the adjusted Rand index of every two seeds (Hubert &
        Arabie 1985: 1 for equal partitions, 0 on average for random ones), ``[seeds, seeds]``.
    """
    labels = np.stack([cluster(profiles, n_clusters, gamma, seed) for seed in range(n_seeds)])
    agreement = np.eye(n_seeds)
    for i, j in itertools.combinations(range(n_seeds), 2):
        agreement[i, j] = agreement[j, i] = adjusted_rand_score(labels[i], labels[j])
    return labels, agreement


def describe_clusters(
    profiles: np.ndarray,
    halves: np.ndarray,
    labels: np.ndarray,
    agreement: np.ndarray,
    gamma: float,
) -> dict:
    """How firm a clustering is, in one row.

    Args:
        profiles: of the live maps, ``[maps, length]``.
        halves: the same, over the even and over the odd base vectors alone, ``[2, maps, length]``.
        labels: of :func:`cluster_seeds`, ``[seeds, maps]``.
        agreement: likewise, ``[seeds, seeds]``.
        gamma: the kernel's coefficient.

    Returns:
        ``clusters``, ``live``, ``gamma``, ``gamma_d2`` (gamma times the median d²: far below 1 the
        kernel is linear in d²), ``seeds``, ``ari_seeds`` and ``ari_seeds_least`` (mean and least
        adjusted Rand index of two seeds), ``ari_halves`` (that of the clusters of the two halves
        of the outputs) and ``silhouette`` (Rousseeuw 1987, mean over maps, of the first seed: 1
        for groups far apart, near 0 where one group runs into the other).
    """
    n_clusters, n_seeds = int(labels[0].max()), len(labels)
    pairs = agreement[np.triu_indices(n_seeds, 1)]
    parted = [cluster(half, n_clusters, gamma, 0) for half in halves]
    return {
        "clusters": n_clusters,
        "live": len(profiles),
        "gamma": gamma,
        "gamma_d2": gamma * float(np.median(pdist(profiles, "sqeuclidean"))),
        "seeds": n_seeds,
        "ari_seeds": float(pairs.mean()),
        "ari_seeds_least": float(pairs.min()),
        "ari_halves": float(adjusted_rand_score(*parted)),
        "silhouette": float(silhouette_score(profiles, labels[0])),
    }
