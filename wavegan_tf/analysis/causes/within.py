"""Shares, means and slopes over base latent vectors, each under several values of a variable.

Outputs of one base vector share all that is frozen, so they are compared with each other, and
base vectors are what is counted and resampled.
"""

import math

import numpy as np
from scipy.special import ndtri

from wavegan_tf.analysis.effects import paired_t
from wavegan_tf.analysis.resampling import interval, mean_intervals, mid_ranks, resample


def arrange(base: np.ndarray, cell: np.ndarray, n_cells: int, values: np.ndarray) -> np.ndarray:
    """Put values of outputs into a table.

    Args:
        base: base vector of each output, ``[m]``.
        cell: which setting it was made under, int ``[m]``, below ``n_cells``.
        n_cells: settings.
        values: ``[m]``.

    Returns:
        ``[bases, n_cells]``, NaN where there is no output.

    Raises:
        ValueError: two outputs of one base vector have the same setting.
    """
    bases, row = np.unique(base, return_inverse=True)
    if len(np.unique(row * n_cells + cell)) < len(row):
        raise ValueError("two outputs of one base latent vector have the same setting")
    table = np.full((len(bases), n_cells), math.nan)
    table[row, cell] = values
    return table


def proportion_interval(count: int, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's score interval of a share.

    Its coverage is close to what it claims at 25 outputs and at shares near 0 and 1, where
    Clopper-Pearson's exact interval is too wide, and it never leaves 0 .. 1 (Brown, Cai & DasGupta
    2001, Statistical Science 16:101-133). The outputs must be independent: one per base vector.

    Args:
        count: outputs that have the property.
        n: outputs.
        confidence: for instance 0.95.

    Returns:
        Lower and upper end; NaN for no outputs.
    """
    if n == 0:
        return math.nan, math.nan
    z2 = ndtri((1 + confidence) / 2) ** 2
    middle = (count + z2 / 2) / (n + z2)
    reach = math.sqrt(z2 * (count * (n - count) / n + z2 / 4)) / (n + z2)
    lower = 0.0 if count == 0 else max(0.0, middle - reach)
    return float(lower), float(1.0 if count == n else min(1.0, middle + reach))


def contrast(differences: np.ndarray, seed: int, settings) -> tuple[float, float, float, float]:
    """The mean of one difference per base vector.

    Args:
        differences: ``[bases]``, without NaN.
        seed: from 0.
        settings: with ``n_resamples``, ``confidence`` and ``min_bases``.

    Returns:
        Mean, lower and upper end of its bootstrap interval over bases, and p; the last three NaN
        below ``min_bases``. An interval of no width says that no base differed from another.
    """
    least = settings.min_bases
    found = mean_intervals(differences[:, None], seed, settings, least)
    p = paired_t(differences) if len(differences) >= least else math.nan
    return *(float(x) for (x,) in found), p


def rank_correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Spearman's r of x and y along the last axis: 1 where y only rises, -1 where it only falls.

    Args:
        x: ``[values]``, all different.
        y: ``[..., values]``; NaN is left out.

    Returns:
        ``[...]``, NaN with fewer than 3 values or where y does not vary.
    """
    r = np.full(y.shape[:-1], math.nan)
    for place in np.ndindex(r.shape):
        there = np.isfinite(y[place])
        if there.sum() >= 3 and np.ptp(y[place][there]) > 0:
            r[place] = np.corrcoef(mid_ranks(x[there]), mid_ranks(y[place][there]))[0, 1]
    return r


def trend(table: np.ndarray, values: np.ndarray, seed: int, settings) -> dict:
    """The slope within base vectors of what was measured on the value of a variable.

    Each base vector has a level of its own; the slope is common (least squares). Where a base lacks
    values it counts for as much as those it has say about a slope. The interval resamples bases;
    ``p`` is that of Student's t over the bases' sums of products, which are proportional to their
    own slopes where no value is missing.

    Args:
        table: ``[bases, values]``, NaN for no value.
        values: of the variable, ascending, ``[values]``.
        seed: from 0.
        settings: with ``n_resamples``, ``confidence`` and ``min_bases``.

    Returns:
        ``slope, lower, upper`` per unit of the variable; ``rank_r``, Spearman's coefficient of the
        means over bases with the values (NaN with fewer than 3); ``monotone``, the share of steps
        from one mean to the next that go the way of the slope or stay; ``n_bases`` that have values
        at two places or more; ``p``. All but the count NaN where there are none, interval and p
        below ``min_bases``.
    """
    finite = np.isfinite(table)
    table, finite = (rows[finite.sum(axis=1) >= 2] for rows in (table, finite))
    result = dict.fromkeys(("slope", "lower", "upper", "rank_r", "monotone"), math.nan)
    result |= {"n_bases": len(table), "p": math.nan}
    if not len(table):
        return result
    x = np.where(finite, values, math.nan)
    dx = x - np.nanmean(x, axis=1, keepdims=True)
    products = np.nansum(dx * table, axis=1)  # [bases]
    products[np.abs(products) <= 1e-12 * np.nansum(np.abs(dx * table), axis=1)] = 0  # rounding
    squares = np.nansum(dx * dx, axis=1)
    slope = products.sum() / squares.sum()
    seen = finite.any(axis=0)
    means = np.nanmean(table[:, seen], axis=0)
    result |= {"slope": float(slope), "rank_r": float(rank_correlations(values[seen], means))}
    if slope:
        result["monotone"] = float((np.diff(means) * np.sign(slope) >= 0).mean())
    if len(table) >= settings.min_bases:
        sums = np.stack([products, squares])

        def slopes(weights):
            top, bottom = sums @ weights
            return (top / bottom)[None]

        drawn = resample(slopes, len(table), table.size, seed, settings)[0]
        result["lower"], result["upper"] = interval(drawn, len(table), settings.confidence)
        result["p"] = paired_t(products)
    return result
