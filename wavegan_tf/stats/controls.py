"""What a layer would be credited with for nothing: the two controls of a correlation.

Random weights keep what the architecture alone does. A Generator that was never trained passes the
envelope of its early layers on to the output, and its layers correlate with the output at 0.2 to
0.9. Several such networks differ among themselves, and a trained one has to beat not their mean but
what one more of them might show. Shuffled pairing keeps what all outputs share in normalised time:
where every vowel is loudest in its middle, any output's layer fits any other's intensity.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtrit

from wavegan_tf.stats.grids import Grid
from wavegan_tf.stats.resampling import BLOCK, StatisticsSettings, centred, pearson, standardise


class Limits(NamedTuple):
    """Holds a control: its mean, the range it may reach by chance, and on how much that rests."""

    mean: float
    low: float
    high: float
    n: int


NO_LIMITS = Limits(math.nan, math.nan, math.nan, 0)


def random_limits(values: Sequence[float], settings: StatisticsSettings) -> Limits:
    """Finds the range within which one more network of random weights would stand.

    On Fisher's z, whose spread hardly depends on r, with mean m and standard deviation s of K
    networks: m +- t s sqrt(1 + 1 / K), Student's t of K - 1 degrees of freedom, one-sided at
    ``settings.confidence``. A prediction interval, not a confidence interval of the mean: the
    network in question is one network, and the variance between networks enters whole. With 2
    networks t is 6.3 at 95 %, with 5 2.1, with 10 1.8.

    Takes the statistic of each network, -1 .. 1, NaN left out; the ends are NaN for fewer than 2.
    """
    z = np.arctanh(np.clip([v for v in values if math.isfinite(v)], -1 + 1e-12, 1 - 1e-12))
    k = len(z)
    if k == 0:
        return NO_LIMITS
    reach = math.nan
    if k > 1:
        reach = stdtrit(k - 1, settings.confidence) * np.std(z, ddof=1) * math.sqrt(1 + 1 / k)
    mean = np.mean(z)
    middle, low, high = (float(np.tanh(x)) for x in (mean, mean - reach, mean + reach))
    return Limits(middle, low, high, k)


def shuffled_limits(
    grid: Grid, layer: str, target: str, settings: StatisticsSettings
) -> list[Limits]:
    """Correlates each output's layer with another output's target.

    Point by point, the k-th interval with the other's k-th, modulo their number (an output's third
    vowel meets the first of one that has two). Each shuffle is a random cycle through all outputs,
    so that none meets itself. All values of either side take part, not only those that have a value
    opposite in their own output: where F0 is rare in a layer, hardly any such place would be left
    in two outputs at once, and the limit would rise for want of data. Ranks are those among all
    values of a side; the mean that within-output r subtracts is taken anew in each meeting.

    Returns the limits of Pearson's r, within-output r and Spearman's coefficient: mean and
    quantiles over the shuffles (2.5 and 97.5 % at a confidence of 0.95); NaN for fewer than 2
    outputs or where most shuffles have no value.
    """
    intervals = pd.Series(grid.interval).groupby(grid.output)
    counts = intervals.nunique().to_numpy()  # intervals of each output
    n_outputs = len(counts)
    if n_outputs < 2:
        return [NO_LIMITS] * 3
    rng = np.random.default_rng([0, n_outputs, 1])
    cycles = rng.permuted(np.tile(np.arange(n_outputs), (int(settings.n_shuffles), 1)), axis=1)
    partners = np.empty_like(cycles)
    np.put_along_axis(partners, cycles, np.roll(cycles, 1, axis=1), axis=1)
    output, point = (np.unique(x, return_inverse=True)[1] for x in (grid.output, grid.point))
    k = intervals.rank("dense").to_numpy().astype(int) - 1
    source = np.arange(k.max() + 1) % counts[:, None]  # an output's intervals, repeated
    values = [grid.values_of(name) for name in (layer, target)]
    ranks = [scipy.stats.rankdata(x, nan_policy="omit") for x in values]
    found: list[np.ndarray] = []
    for pair in (values, ranks):
        x, y = (_spread(side, output, k, point) for side in pair)
        y = y[:, np.arange(n_outputs)[:, None], source]
        x, y = (side.reshape(2, n_outputs, -1) for side in (x, y))
        found += _correlate_shuffled(x, y, partners)
    return [_quantiles(each, settings) for each in found[:3]]


def _spread(values: np.ndarray, *at: np.ndarray) -> np.ndarray:
    """Lays out scaled values and where they are, ``[2, outputs, intervals, points]``, else 0."""
    there = np.isfinite(values)
    table = np.zeros((2, *(index.max() + 1 for index in at)))
    cells = tuple(index[there] for index in at)
    table[0][cells], table[1][cells] = standardise(values[there]), 1
    return table


def _correlate_shuffled(
    x: np.ndarray, y: np.ndarray, partners: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Computes Pearson's r and within-output r in each shuffle, two arrays ``[shuffles]``.

    The moments of every output with every other are products of matrices, cheaper than laying out
    each shuffle; rows of outputs are taken in blocks, so that memory stays small.
    """
    (x, has_x), (y, has_y) = x, y
    factors = ((has_x, has_y), (x, has_y), (has_x, y), (x * x, has_y), (has_x, y * y), (x, y))
    n = len(x)
    rows = max(1, BLOCK // max(n, len(partners)))
    total, within = np.zeros((2, 6, len(partners)))
    for start in range(0, n, rows):
        block = slice(start, start + rows)
        met = partners[:, block]
        met = met + n * np.arange(met.shape[1])  # [shuffles, rows], places in [rows, outputs]
        sums = np.stack([np.take(a[block] @ b.T, met) for a, b in factors])
        total += sums.sum(axis=-1)  # [6, shuffles, rows] -> [6, shuffles]
        within += centred(sums).sum(axis=-1)
    return pearson(total), pearson(within)


def _quantiles(values: np.ndarray, settings: StatisticsSettings) -> Limits:
    """Takes the mean and both ends of what chance reaches."""
    there = values[np.isfinite(values)]
    if len(there) < len(values) / 2:
        return NO_LIMITS._replace(n=len(there))
    tail = (1 - settings.confidence) / 2
    low, high = np.quantile(there, [tail, 1 - tail])
    return Limits(float(there.mean()), float(low), float(high), len(there))
