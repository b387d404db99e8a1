"""Curves over normalised time, or any other axis: means with bands, and where groups part.

A curve is one unit: an output, a recording, a base vector under one condition. Curves are float
``[units, points]``, NaN where there is no value.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from wavegan_tf.stats.resampling import StatisticsSettings, mean_intervals

N_PERMUTATIONS = 999


class Difference(NamedTuple):
    """What a permutation test of curves finds.

    Attributes:
        statistic: F of each point ``[points]``; NaN where it was not tested.
        p: Of each point, corrected for all points, ``[points]``.
        p_any: That of the curves as a whole, the least of them; NaN without a tested point.
        least_p: What it could be at least with as many units, or draws.
    """

    statistic: np.ndarray
    p: np.ndarray
    p_any: float
    least_p: float


def band(
    curves: np.ndarray, settings: StatisticsSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Takes the mean of each point with its bootstrap interval over units, ``[points]`` each.

    The intervals are those of single points, not of the curve as a whole.
    """
    return mean_intervals(curves, 0, settings, max(3, int(settings.min_outputs)))


def compare(
    curves: np.ndarray,
    groups: np.ndarray,
    settings: StatisticsSettings,
    blocks: np.ndarray | None = None,
    seed: int = 0,
    n_permutations: int = N_PERMUTATIONS,
) -> Difference:
    """Tests whether groups of curves have one mean, corrected for all points.

    The statistic is the F of an analysis of variance at each point. Groups are drawn anew, and the
    p of a point is the share of draws, its own counted, whose largest F over all points is at
    least that of the point (the maximum statistic: Nichols & Holmes 2002, Human Brain Mapping
    15:1-25). Where units without blocks can be grouped in no more ways than there are draws, each
    way comes once, and the test is exact. So the chance that any point of equal groups is called
    different is at most its level.

    Args:
        curves: ``[units, points]``. A point counts where each group has ``min_outputs`` values.
        groups: Of each unit, any values.
        settings: ``min_outputs`` is what a group needs at a point.
        blocks: Of each unit, such as its base vector: groups are drawn anew within blocks, and
            means of blocks do not count. At a point a block with a value missing is left out.
        seed: Of the draws.
        n_permutations: Number of draws.
    """
    curves = np.array(curves, np.float64)
    _, group = np.unique(groups, return_inverse=True)
    n_groups, block = int(group.max(initial=0)) + 1, np.zeros(len(group), int)
    if blocks is not None:
        _, block = np.unique(blocks, return_inverse=True)
        _centre_blocks(curves, block)
    there = np.isfinite(curves)
    counts = np.stack([there[group == k].sum(axis=0) for k in range(n_groups)])
    tested = (counts >= settings.min_outputs).all(axis=0) & (n_groups > 1)
    statistic, p = np.full((2, curves.shape[1]), np.nan)
    sizes = np.bincount(group, minlength=n_groups).tolist()
    every = blocks is None and _ways(sizes) <= 1 + n_permutations
    n_draws = _ways(sizes) if every else 1 + n_permutations
    # groups of one size can change places, which is no other F
    alike = math.prod(math.factorial(sizes.count(size)) for size in set(sizes)) if every else 1
    least_p = alike / n_draws
    if not tested.any():
        return Difference(statistic, p, float("nan"), least_p)
    x, there = np.nan_to_num(curves[:, tested]), there[:, tested].astype(np.float64)
    n_blocks = len(np.unique(block)) if blocks is not None else 1
    own = _f_statistic(x, there, group[np.newaxis], n_groups, n_blocks)[0]
    draws = _every_grouping(sizes) if every else _draw(group, block, n_permutations, seed)
    as_large = np.full(len(own), 0.0 if every else 1.0)
    for drawn in draws:
        most = _f_statistic(x, there, drawn, n_groups, n_blocks).max(axis=1)
        as_large += (most[:, np.newaxis] >= own * (1 - 1e-9)).sum(axis=0)
    statistic[tested], p[tested] = own, as_large / n_draws
    return Difference(statistic, p, float(np.min(p[tested])), least_p)


def _ways(sizes: Sequence[int]) -> int:
    """Counts the ways in which units can be grouped."""
    return math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes))


def _every_grouping(sizes: Sequence[int]) -> Iterator[np.ndarray]:
    """Yields each way of grouping once, as ``[1, units]``."""
    n, last = sum(sizes), len(sizes) - 1
    for others in _every_grouping(sizes[:-1]) if last else (np.zeros((1, 0), int),):
        for members in itertools.combinations(range(n), sizes[-1]):
            order = np.full((1, n), last)
            order[0, np.setdiff1d(np.arange(n), members)] = others
            yield order


def _draw(
    group: np.ndarray, block: np.ndarray, n_permutations: int, seed: int
) -> Iterator[np.ndarray]:
    """Yields groups drawn anew within blocks, as ``[draws, units]``."""
    rng = np.random.default_rng([seed, len(group)])
    order = np.argsort(block, kind="stable")  # units block by block, of which each is shuffled
    for start in range(0, n_permutations, 100):
        width = min(100, n_permutations - start)
        keys = block[order] + rng.random((width, len(group)))
        drawn = np.empty((width, len(group)), int)
        drawn[:, order] = group[order[np.argsort(keys, axis=1)]]
        yield drawn


def _centre_blocks(curves: np.ndarray, block: np.ndarray) -> None:
    """Subtracts the mean of each block; where a unit of it has no value, none has."""
    for k in np.unique(block):
        own = curves[block == k]
        curves[block == k] = own - own.mean(axis=0)


def _f_statistic(
    x: np.ndarray, there: np.ndarray, groups: np.ndarray, n_groups: int, n_blocks: int
) -> np.ndarray:
    """Computes F at each point for each way of grouping: ``[draws, units]`` to ``[draws, points]``.

    NaN stands as 0 in ``x`` and ``there``, ``[units, points]`` each.
    """
    member = (groups[:, np.newaxis] == np.arange(n_groups)[:, np.newaxis]).astype(np.float64)
    sums, counts = member @ x, member @ there  # [draws, groups, points]
    n, total = there.sum(axis=0), x.sum(axis=0)
    between = (sums**2 / np.maximum(counts, 1)).sum(axis=1) - total**2 / n
    within = (x**2).sum(axis=0) - total**2 / n - between
    freedom = np.maximum(n - n_groups - (n_blocks - 1), 1)
    floor = 1e-12 * np.maximum((x**2).sum(axis=0), np.finfo(float).tiny)  # rounding
    return between / (n_groups - 1) / (np.maximum(within, floor) / freedom)
