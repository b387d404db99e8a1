"""What a layer would be credited with for nothing: the two controls of a correlation.

Random weights keep what the architecture alone does. A Generator that was never trained passes the
envelope of its early layers on to the output, and its layers correlate with the output at 0.2 to
0.9. Several such networks differ among themselves, and a trained one has to differ not from their
mean but from what one more of them might show. Shuffled pairing keeps what all outputs share in
normalised time: where every vowel is loudest in its middle, any output's layer fits any other's
intensity.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtr, stdtrit

from wavegan_tf.stats.grids import Grid
from wavegan_tf.stats.resampling import BLOCK, StatisticsSettings, centred, pearson, standardise

LEAST_NETWORKS = 3
"""So many random networks must have a value before a layer is compared with them."""


class Control(NamedTuple):
    """Holds what a control says of one correlation.

    Attributes:
        mean: The correlation that it gives on average.
        low: What it falls below by chance in 1 - confidence of all cases.
        high: What it exceeds by chance as often.
        n: Networks, or shuffles, with a value.
        n_outputs: Outputs behind each.
        p: Chance that it gives as large a correlation, or where the correlation is negative as
            small a one; one-sided; NaN without a control.
    """

    mean: float
    low: float
    high: float
    n: int
    n_outputs: int
    p: float


NO_VALUES = Control(math.nan, math.nan, math.nan, 0, 0, math.nan)


def fisher_z(r: np.ndarray | float) -> np.ndarray:
    """Transforms correlations so that their spread hardly depends on them."""
    return np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12))


def against_random(
    r: float,
    error: float,
    values: np.ndarray,
    errors: np.ndarray,
    n_outputs: np.ndarray,
    settings: StatisticsSettings,
) -> Control:
    """Compares a correlation with those of networks with random weights.

    The test of one case against a small sample (Crawford & Howell 1998, The Clinical
    Neuropsychologist 12:482-486) on Fisher's z: with mean m and standard deviation s of K networks
    t = (z - m) / sqrt(s² (1 + 1/K) + e²), K - 1 degrees of freedom. The variance between networks
    enters whole, since the network in question is one network. s² holds the sampling error of the
    controls already; e² is what the own squared error exceeds theirs by, if it does.

    Args:
        r: The correlation.
        error: Standard error of its z, NaN for none.
        values: Those of the networks, ``[networks]``, all finite.
        errors: Their standard errors.
        n_outputs: Outputs of each network that have values.
        settings: The confidence.

    Returns:
        Range and p need :data:`LEAST_NETWORKS` networks.
    """
    k = len(values)
    if k == 0:
        return NO_VALUES
    z = fisher_z(values)
    mean, outputs = float(np.mean(z)), int(np.median(n_outputs))
    if k < LEAST_NETWORKS:
        return NO_VALUES._replace(mean=math.tanh(mean), n=k, n_outputs=outputs)
    more = max(0.0, np.nan_to_num(error**2) - np.nan_to_num(np.mean(errors**2)))
    spread = math.sqrt(np.var(z, ddof=1) * (1 + 1 / k) + more)
    return _judge(r, mean, spread, k, outputs, settings)


def against_shuffled(
    r: float, shuffled: "Shuffled", k: int, settings: StatisticsSettings
) -> Control:
    """Compares the ``k``-th statistic, ``r``, with that of shuffled pairings, on Fisher's z.

    p is the tail of a t distribution that is fitted to the shuffles; few outputs have few pairings,
    and it is never below what all of them can give: 1 where no output could meet another. It is 1
    too where most shuffles have no value, since these cannot tell r from themselves.
    """
    there = shuffled.values[k][np.isfinite(shuffled.values[k])]
    if len(there) <= shuffled.values.shape[1] / 2:
        return NO_VALUES._replace(p=1.0)
    z, n = fisher_z(there), len(there)
    spread = float(np.std(z, ddof=1)) * math.sqrt(1 + 1 / n)
    found = _judge(r, float(np.mean(z)), spread, n, shuffled.n_outputs, settings)
    return found._replace(p=max(found.p, shuffled.least_p))


def _judge(
    r: float, mean: float, spread: float, k: int, n_outputs: int, settings: StatisticsSettings
) -> Control:
    reach = stdtrit(k - 1, settings.confidence) * spread
    beyond = (float(fisher_z(r)) - mean) * (1 if r >= 0 else -1)
    t = beyond / spread if spread else math.copysign(math.inf, beyond)
    middle, low, high = (math.tanh(x) for x in (mean, mean - reach, mean + reach))
    return Control(middle, low, high, k, n_outputs, float(stdtr(k - 1, -t)))


class Shuffled(NamedTuple):
    """Holds what shuffled pairings give, by statistic, ``[3]``."""

    values: np.ndarray  # [3, shuffles], over all outputs
    n_outputs: int  # that could meet another
    least_p: float  # of all pairings there are


def shuffle(grid: Grid, layer: str, target: str, settings: StatisticsSettings) -> Shuffled:
    """Correlates each output's layer with the target of an output drawn for it.

    Point by point, the k-th interval with the other's k-th, among outputs that have equally many
    intervals: where outputs with one and with four intervals met, a fall across the four alone
    would make a difference. Each shuffle is a permutation of the outputs of each number of
    intervals, in which some may meet themselves: without these the test would not be exact. An
    output whose number of intervals is its own alone always meets itself: what it adds to r it adds
    to every shuffle too, so that r over all outputs is compared with shuffles over all outputs. All
    values of either side take part, not only those that have a value opposite in their own output:
    where F0 is rare in a layer, hardly any such place would be left in two outputs at once. Ranks
    are those among all values of a side; the mean that within-output r subtracts is taken anew in
    each meeting.

    Returns:
        Pearson's r, within-output r and Spearman's coefficient of each shuffle.
    """
    ids, output = np.unique(grid.output, return_inverse=True)
    counts = pd.Series(grid.interval).groupby(output).nunique().to_numpy()
    alike = [np.flatnonzero(counts == count) for count in np.unique(counts)]
    alike = [members for members in alike if len(members) > 1]
    rng = np.random.default_rng([0, len(ids), 1])
    partners = np.tile(np.arange(len(ids)), (int(settings.n_shuffles), 1))
    for members in alike:
        partners[:, members] = rng.permuted(partners[:, members], axis=1)
    place = pd.Series(grid.interval).groupby(output).rank("dense").to_numpy().astype(int) - 1
    point = np.unique(grid.point, return_inverse=True)[1]
    shape = len(ids), place.max() + 1, point.max() + 1
    values = [grid.values_of(name) for name in (layer, target)]
    ranks = [scipy.stats.rankdata(x, nan_policy="omit") for x in values]
    found: list[np.ndarray] = []
    for pair, views in ((values, (np.asarray, centred)), (ranks, (np.asarray,))):
        x, y = (_spread(side, shape, output, place, point) for side in pair)
        found += _correlate_shuffled(x, y, partners, views)
    orders = math.prod(math.factorial(min(len(members), 20)) for members in alike)
    return Shuffled(np.array(found), sum(map(len, alike)), 1 / orders)


def _spread(values: np.ndarray, shape: tuple[int, ...], *at: np.ndarray) -> np.ndarray:
    """Lays out scaled values and where they are, ``[2, outputs, places]``, else 0."""
    there = np.isfinite(values)
    table = np.zeros((2, *shape))
    cells = tuple(index[there] for index in at)
    table[0][cells], table[1][cells] = standardise(values[there]), 1
    return table.reshape(2, shape[0], -1)


def _correlate_shuffled(
    x: np.ndarray, y: np.ndarray, partners: np.ndarray, views: Sequence[Callable]
) -> list[np.ndarray]:
    """Computes Pearson's r in each shuffle, ``[shuffles]``, of each view of the moments.

    The moments of every output with every other are products of matrices, cheaper than laying out
    each shuffle; rows of outputs are taken in blocks, so that memory stays small.
    """
    (x, has_x), (y, has_y) = x, y
    factors = ((has_x, has_y), (x, has_y), (has_x, y), (x * x, has_y), (has_x, y * y), (x, y))
    n = len(x)
    rows = max(1, BLOCK // max(n, len(partners)))
    totals = np.zeros((len(views), 6, len(partners)))
    for start in range(0, n, rows):
        block = slice(start, start + rows)
        met = partners[:, block]
        met = met + n * np.arange(met.shape[1])  # [shuffles, rows], places in [rows, outputs]
        sums = np.stack([np.take(a[block] @ b.T, met) for a, b in factors])
        for total, view in zip(totals, views, strict=True):
            total += view(sums).sum(axis=-1)  # [6, shuffles, rows] -> [6, shuffles]
    return [pearson(total) for total in totals]
