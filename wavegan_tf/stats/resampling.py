"""Correlation coefficients under weights, and the bootstrap that resamples outputs.

The values within an output depend on each other: the points of one vowel lie on one contour, and
what makes an output loud makes all of it loud. Resampling them one by one would count each as new
evidence, and intervals would be far too narrow. So whole outputs are drawn, with replacement (the
cluster bootstrap, Davison & Hinkley 1997, section 3.8). A draw is a vector of weights: how often
each output comes.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy
from scipy.special import ndtr, stdtrit

from wavegan_tf.options import check_options, option

BLOCK = 2**20  # numbers held at once, of each temporary

TOO_FEW = "too few"
"""Verdict where there are too few outputs or values, or where nothing varies."""


@dataclass(frozen=True)
class StatisticsSettings:
    """Says how certain the statistics are to be, and from what much data on.

    Raises:
        InputError: A value breaks its rule; the message names the flag.
    """

    # At 2000 the ends of a 95 % interval stand within about a thirtieth of its width of where more
    # resamples would put them. Resampling 4 outputs cannot show how outputs differ.
    n_resamples: int = option(
        2000, "Number of bootstrap resamples of outputs.", low=100, high=1e6, advanced=True
    )
    n_shuffles: int = option(
        500, "Number of shuffled pairings of outputs.", low=100, high=1e6, advanced=True
    )
    confidence: float = option(
        0.95, "Confidence of intervals and of controls.", low=0.5, high=0.999, advanced=True
    )
    min_outputs: int = option(
        5, "Number of outputs that a verdict needs.", low=3, high=10_000, advanced=True
    )
    min_pairs: int = option(
        10, "Number of pairs of values that a verdict needs.", low=3, high=1_000_000, advanced=True
    )

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)


def moments(x: np.ndarray, y: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums, within each output, what Pearson's r needs.

    Takes ``[pairs]`` each, ``group`` the index of the output; returns n and the sums of x, y, x²,
    y² and xy, ``[6, n_groups]``.
    """
    columns = (np.ones_like(x), x, y, x * x, y * y, x * y)
    return np.stack([np.bincount(group, c, n_groups) for c in columns])


def centred(sums: np.ndarray) -> np.ndarray:
    """Turns moments ``[6, ...]`` into those of values less their own output's mean.

    All are zero for an output of fewer than two pairs, which says nothing about what goes on
    within outputs.
    """
    n, x, y, xx, yy, xy = sums
    within = np.zeros_like(sums)
    within[0] = n * (n > 1)
    share = (n > 1) / np.maximum(n, 1)
    within[3] = (n > 1) * xx - x * x * share
    within[4] = (n > 1) * yy - y * y * share
    within[5] = (n > 1) * xy - x * y * share
    return within


def covariances(sums: np.ndarray) -> tuple[np.ndarray, ...]:
    """Turns moments of all outputs, ``[6, ...]``, into n and sums about the means of x, y, xy.

    NaN where a side does not vary or there are fewer than 3 pairs; of values that are standardised.
    """
    n, x, y, xx, yy, xy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        ss_x, ss_y, products = xx - x * x / n, yy - y * y / n, xy - x * y / n
    varies = (ss_x > 1e-10 * n) & (ss_y > 1e-10 * n) & (n >= 3)
    return n, *(np.where(varies, value, np.nan) for value in (ss_x, ss_y, products))


def pearson(sums: np.ndarray) -> np.ndarray:
    """Computes Pearson's r from moments summed over outputs, as :func:`covariances` takes them."""
    _, ss_x, ss_y, products = covariances(sums)
    return np.clip(products / np.sqrt(ss_x * ss_y), -1, 1)


def standardise(values: np.ndarray) -> np.ndarray:
    """Subtracts the mean and divides by the standard deviation; all zero where nothing varies."""
    if len(values) == 0 or np.ptp(values) == 0:
        return np.zeros_like(values)
    values = values - values.mean()
    return values / values.std()


class Ranks:
    """Spearman's coefficient of a set of pairs under weights of their outputs.

    An output of weight 2 counts as two equal outputs, so its values tie with their doubles; ranks
    are mid-ranks among all values of a resample, as if it had been written out and ranked anew.
    float32 holds them exactly up to four million pairs, and is twice as fast.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, group: np.ndarray) -> None:
        """Sorts both sides once; arguments as for :func:`moments`."""
        order = np.argsort(x, kind="stable")  # the pairs stand in order of x from here on
        self._group = group[order]
        self._sides = []  # outputs in order of value, end of each run of ties, each pair's run
        for values in (x[order], y[order]):
            _, run, counts = np.unique(values, return_inverse=True, return_counts=True)
            by_value = self._group[np.argsort(values, kind="stable")]
            self._sides.append((by_value, np.cumsum(counts) - 1, run))

    def spearman(self, weights: np.ndarray) -> np.ndarray:
        """Computes the coefficient in each resample of ``weights`` ``[outputs, resamples]``.

        NaN where a side does not vary or there are fewer than 3 pairs.
        """
        w = weights.astype(np.float32).take(self._group, axis=0)  # [pairs, resamples]
        n = w.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            x, y = (_mid_ranks(*side, weights) for side in self._sides)
            w_x = w * x
            w *= y
            sums = (np.einsum("pr,pr->r", *two) for two in ((w_x, y), (w_x, x), (w, y)))
            cov, var_x, var_y = sums
            rho = np.clip(cov / np.sqrt(var_x * var_y), -1, 1)
        return np.where((var_x > 0) & (var_y > 0) & (n >= 3), rho, np.nan)


def _mid_ranks(
    by_value: np.ndarray, ends: np.ndarray, run: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Computes mid-ranks, shifted and scaled to -1 .. 1, ``[pairs, resamples]``."""
    # whole numbers along a row add up in a tenth of the time of floats along a column
    below = weights.T.astype(np.int32).take(by_value, axis=1).cumsum(axis=1, dtype=np.int32)
    below = below if len(ends) == len(run) else below.take(ends, axis=1)  # [resamples, runs]
    below = below.T.astype(np.float32, order="C")
    ranks = below.copy()
    ranks[1:] += below[:-1]  # twice the mid-rank, less 1
    ranks /= below[-1]
    ranks -= 1
    return ranks if np.array_equal(run, np.arange(len(run))) else ranks.take(run, axis=0)


def resample(
    statistic: Callable[[np.ndarray], np.ndarray],
    n_outputs: int,
    n_pairs: int,
    seed: int,
    settings: StatisticsSettings,
) -> np.ndarray:
    """Computes statistics in every bootstrap resample of the outputs.

    The statistic maps weights ``[outputs, resamples]`` to ``[statistics, resamples]``. The draws
    depend on the seed and the number of outputs alone, so that layers and measures of as many
    outputs are resampled alike. The work is cut into blocks by the number of pairs.
    """
    rng = np.random.default_rng([seed, n_outputs])
    width = max(16, BLOCK // max(n_pairs, n_outputs, 1))
    blocks = []
    for start in range(0, int(settings.n_resamples), width):
        b = min(width, int(settings.n_resamples) - start)
        drawn = rng.integers(n_outputs, size=(b, n_outputs)) * b + np.arange(b)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=n_outputs * b).reshape(n_outputs, b)
        blocks.append(statistic(weights.astype(np.float64)))
    return np.concatenate(blocks, axis=-1)


def interval(resampled: np.ndarray, n_outputs: int, confidence: float) -> tuple[float, float]:
    """Takes the bootstrap percentile interval, widened for few outputs.

    A percentile interval of n outputs is too narrow as a normal one without Student's t and without
    n - 1 would be; taking the quantiles at Phi(sqrt(n / (n - 1)) t) mends both (the expanded
    percentile interval: Hesterberg 2015, The American Statistician 69:371-386). At 25 outputs
    these are the quantiles 1.8 and 98.2 %, at 100 2.3 and 97.7 %.

    Both ends are NaN with fewer than 3 outputs or where more than a tenth of the resamples have no
    value.
    """
    there = resampled[np.isfinite(resampled)]
    if n_outputs < 3 or len(there) < 0.9 * len(resampled):
        return math.nan, math.nan
    t = stdtrit(n_outputs - 1, (1 - confidence) / 2)
    tail = ndtr(t * math.sqrt(n_outputs / (n_outputs - 1)))
    low, high = np.quantile(there, [tail, 1 - tail])
    return float(low), float(high)


def wilson(count: int, n: int, confidence: float) -> tuple[float, float]:
    """Takes Wilson's score interval of a share of independent outputs; NaN for no outputs.

    Its coverage is close to what it claims at 25 outputs and at shares near 0 and 1 (Brown, Cai &
    DasGupta 2001, Statistical Science 16:101-133).
    """
    if n == 0:
        return math.nan, math.nan
    found = scipy.stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def mean_over(numbers: np.ndarray, axis: int = -1) -> np.ndarray:
    """Takes the mean of what is finite along an axis; NaN where nothing is."""
    there = np.isfinite(numbers)
    with np.errstate(invalid="ignore"):
        return np.where(there, numbers, 0).sum(axis=axis) / there.sum(axis=axis)


def mean_intervals(
    table: np.ndarray, seed: int, settings: StatisticsSettings, least: int = 3
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Takes means over the outputs that have a value, with bootstrap intervals.

    All outputs of the table ``[outputs, columns]`` are drawn from; a resample's mean is that of its
    outputs with a value. Returns means, lower and upper ends, ``[columns]`` each; NaN without a
    value, ends also with fewer than ``least``, which is 3 or more.
    """
    ends = np.full([table.shape[1], 2], math.nan)
    for start in range(0, len(ends), 64):  # columns at once
        block = table[:, start : start + 64].T
        there = np.isfinite(block).astype(np.float64)
        sums = np.stack([np.where(there, block, 0.0), there])
        count = there.sum(axis=1)
        if count.max(initial=0) >= least:
            drawn = resample(partial(_weighted_means, sums), len(table), block.size, seed, settings)
            for k in np.flatnonzero(count >= least):
                ends[start + k] = interval(drawn[k], int(count[k]), settings.confidence)
    return mean_over(table, axis=0), ends[:, 0], ends[:, 1]


def _weighted_means(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Divides the sums of ``[2 (value, is there), columns, outputs]`` in each resample."""
    total, count = (side @ weights for side in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count
