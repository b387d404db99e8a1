"""What a layer would be credited with for nothing: the two controls of a correlation.

Random weights keep what the architecture alone does. A Generator that was never trained passes the
envelope of its early layers on to the output, and its layers correlate with the output at 0.2 to
0.9. Several such networks differ among themselves, and a trained one has to beat not their mean but
what one more of them might show. Shuffled pairing keeps what all outputs share in normalised time:
where every vowel is loudest in its middle, any output's layer fits any other's intensity.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from wavegan_tf.analysis.resampling import (
    BLOCK,
    StatisticsSettings,
    centred,
    mid_ranks,
    pearson,
    standardise,
)
from wavegan_tf.analysis.values import join_places, split_places


class Limits(NamedTuple):
    """A control: its mean, the range it may reach by chance, and on how much that rests."""

    mean: float
    low: float
    high: float
    n: int


def random_limits(values: list[float], settings: StatisticsSettings) -> Limits:
    """The range within which one more network of random weights would stand.

    On Fisher's z, whose spread hardly depends on r, with mean m and standard deviation s of K
    networks: m +- t s sqrt(1 + 1 / K), Student's t of K - 1 degrees of freedom, one-sided at
    ``settings.confidence``. A prediction interval, not a confidence interval of the mean: the
    network in question is one network, and the variance between networks enters whole. With 2
    networks t is 6.3 at 95 %, with 5 2.1, with 10 1.8.

    Args:
        values: the statistic of each network, -1 .. 1; NaN is left out.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        :class:`Limits` on the scale of r; ends are NaN for fewer than 2 values.
    """
    z = np.arctanh(np.clip([v for v in values if math.isfinite(v)], -1 + 1e-12, 1 - 1e-12))
    k = len(z)
    if k == 0:
        return Limits(math.nan, math.nan, math.nan, 0)
    reach = math.nan
    if k > 1:
        t = stdtrit(k - 1, settings.confidence)
        reach = t * np.std(z, ddof=1) * math.sqrt(1 + 1 / k)
    mean = np.mean(z)
    return Limits(*(float(np.tanh(end)) for end in (mean, mean - reach, mean + reach)), k)


def shuffled_limits(
    layer: tuple, target: tuple, seed: int, settings: StatisticsSettings
) -> list[Limits]:
    """The statistics where each output's layer is paired with another output's target.

    Point by point, the k-th interval with the other's k-th, modulo their number (an output's third
    vowel meets the first of one that has two). Each shuffle is a random cycle through all outputs,
    so that none meets itself. All values of either side take part, not only those that have a value
    opposite in their own output: where F0 is rare in a layer, hardly any such place would be left
    in two outputs at once, and the limit would rise for want of data. Ranks are those among all
    values of a side; the mean that within-output r subtracts is taken anew in each meeting.

    Args:
        layer: places and values of one measure at the layer, ``[n]`` each, as
            :meth:`wavegan_tf.analysis.values.Values.read` gives them (flags may follow).
        target: those of the target.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        :class:`Limits` of Pearson's r, within-output r and Spearman's coefficient: mean and
        quantiles over the shuffles (2.5 and 97.5 % at a confidence of 0.95); NaN for fewer than 2
        outputs or where most shuffles have no value.
    """
    grid = _Grid(np.union1d(layer[0], target[0]))
    n_outputs = len(grid.counts)
    if n_outputs < 2:
        return [Limits(math.nan, math.nan, math.nan, 0)] * 3
    rng = np.random.default_rng([seed, n_outputs, 1])
    cycles = rng.permuted(np.tile(np.arange(n_outputs), (int(settings.n_shuffles), 1)), axis=1)
    partners = np.empty_like(cycles)
    np.put_along_axis(partners, cycles, np.roll(cycles, 1, axis=1), axis=1)
    found = []
    for scale in (standardise, lambda values: standardise(mid_ranks(values))):
        x = grid.lay(*layer[:2], scale, repeat=False)
        y = grid.lay(*target[:2], scale, repeat=True)
        found += _correlate_shuffled(x, y, partners)
    return [_quantiles(each, settings) for each in found[:3]]


class _Grid:
    """The place of each value in ``[outputs, intervals x points]``, intervals counted from 0."""

    def __init__(self, places):
        output, interval, point = split_places(places)
        starts, which = np.unique(join_places(output, interval, 0), return_inverse=True)
        _, output = np.unique(split_places(starts)[0], return_inverse=True)  # of each interval
        self.counts = np.bincount(output)  # intervals of each output
        first = np.cumsum(self.counts) - self.counts
        k = np.arange(len(starts)) - first[output]
        _, slot = np.unique(point, return_inverse=True)
        self.places = places
        self.at = output[which], k[which], slot
        self.shape = tuple(index.max(initial=-1) + 1 for index in self.at)

    def lay(self, places, values, scale, repeat):
        """Lay out scaled values and where they are, ``[2, outputs, slots]``, 0 elsewhere.

        With ``repeat`` an output's intervals are repeated modulo their number.
        """
        finite = np.isfinite(values)
        at = np.searchsorted(self.places, places[finite])
        table = np.zeros((2, *self.shape))
        table[(0, *(index[at] for index in self.at))] = scale(values[finite])
        table[(1, *(index[at] for index in self.at))] = 1
        if repeat:
            source = np.arange(self.shape[1]) % self.counts[:, None]  # [outputs, intervals]
            table = table[:, np.arange(self.shape[0])[:, None], source]
        return table.reshape(2, len(self.counts), -1)


def _correlate_shuffled(x, y, partners):
    """Pearson's r and within-output r in each shuffle, two arrays ``[shuffles]``.

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


def _quantiles(values, settings):
    """Mean and both ends of what chance reaches."""
    there = values[np.isfinite(values)]
    if len(there) < len(values) / 2:
        return Limits(math.nan, math.nan, math.nan, len(there))
    tail = (1 - settings.confidence) / 2
    low, high = np.quantile(there, [tail, 1 - tail])
    return Limits(float(there.mean()), float(low), float(high), len(there))
