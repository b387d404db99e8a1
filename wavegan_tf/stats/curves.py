"""Curves over normalised time, or any other axis: means with bands, and where groups part.

A curve is one unit: an output, a recording, a base vector under one condition. Curves are float
``[units, points]``, NaN where there is no value.
"""

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln

from wavegan_tf.stats.effects import holm
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings, mean_intervals, mean_over

N_PERMUTATIONS = 999

ALL = "all"
"""In place of a group, without a reference: all groups together."""

PARTS, NOT_SHOWN = "parts", "no parting shown"

OWN_ALONE = "own intervals alone"
"""Verdict on groups that part in the interval of each output, but not at the same times."""

AT_STRIDE = "at a stride"
"""Verdict on groups of which one has mostly the F0 of a stride, no voice, where they part."""


class Difference(NamedTuple):
    """What a permutation test of curves finds.

    Attributes:
        statistic: F of each point ``[points]``; NaN where it was not tested.
        p: Of each point, corrected for all points, ``[points]``.
        p_any: That of the curves as a whole, the least of them; NaN without a tested point.
        least_p: What it could be at least, with as many permutations of as many curves.
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
    15:1-25). So the chance that any point of equal groups is called different is at most its level.
    Where units without blocks can be grouped in ``n_permutations`` ways at most, each counts once.

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
    if not tested.any():
        return Difference(statistic, p, math.nan, _least_p(group, block))
    there = there[:, tested]
    x, most = np.nan_to_num(curves[:, tested]), there[:, there.sum(axis=0).argmax()]
    drawn = _every_grouping(np.bincount(group).tolist(), n_permutations) if blocks is None else None
    own_drawn = drawn is None  # else the groups as they are stand among the draws
    if drawn is None:
        drawn = _draw(group, block, n_permutations, seed)
    n_draws = len(drawn) + own_drawn
    least_p = max(1 / n_draws, _least_p(group[most], block[most]))
    n_blocks = np.array([len(np.unique(block[units])) for units in there.T])
    there = there.astype(np.float64)
    own = _f_statistic(x, there, group[np.newaxis], n_groups, n_blocks)[0]
    as_large = np.full(len(own), float(own_drawn))
    for start in range(0, len(drawn), 100):
        part = drawn[start : start + 100]
        largest = _f_statistic(x, there, part, n_groups, n_blocks).max(axis=1)
        as_large += (largest[:, np.newaxis] >= own * (1 - 1e-9)).sum(axis=0)
    statistic[tested], p[tested] = own, np.maximum(least_p, as_large / n_draws)
    return Difference(statistic, p, float(np.min(p[tested])), least_p)


def _draw(group: np.ndarray, block: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Draws groups anew within blocks, ``[n, units]``."""
    rng = np.random.default_rng([seed, len(group)])
    order = np.argsort(block, kind="stable")  # units block by block, of which each is shuffled
    drawn = np.empty((n, len(group)), np.int32)
    for k in range(0, n, 100):
        part = drawn[k : k + 100]
        keys = block[order] + rng.random(part.shape)
        part[:, order] = group[order[np.argsort(keys, axis=1)]]
    return drawn


def _every_grouping(sizes: list[int], most: int) -> np.ndarray | None:
    """Lists all ways of making groups of these sizes, ``[ways, units]``; None if over ``most``."""
    if math.factorial(sum(sizes)) // math.prod(map(math.factorial, sizes)) > most:
        return None
    if len(sizes) == 1:
        return np.zeros((1, *sizes), np.int32)
    others, found = _every_grouping(sizes[:-1], most), []
    assert others is not None
    for members in itertools.combinations(range(sum(sizes)), sizes[-1]):
        ways = np.full((len(others), sum(sizes)), len(sizes) - 1, np.int32)
        ways[:, np.setdiff1d(np.arange(sum(sizes)), members)] = others
        found.append(ways)
    return np.concatenate(found)


def _least_p(group: np.ndarray, block: np.ndarray) -> float:
    """Computes the share of ways to group units that must have one statistic.

    Units of a block can be grouped in a multinomial number of ways; groups of as many units in each
    block may change their names. Of 3 and 3 units it is 2 / 20.
    """
    counts = np.zeros([block.max() + 1, group.max() + 1])
    np.add.at(counts, (block, group), 1)
    ways = gammaln(counts.sum(axis=1) + 1).sum() - gammaln(counts + 1).sum()
    alike = gammaln(np.unique(counts, axis=1, return_counts=True)[1] + 1).sum()
    return float(np.exp(alike - ways))


def _centre_blocks(curves: np.ndarray, block: np.ndarray) -> None:
    """Subtracts the mean of each block; where a unit of it has no value, none has."""
    for k in np.unique(block):
        own = curves[block == k]
        curves[block == k] = own - own.mean(axis=0)


def _f_statistic(
    x: np.ndarray, there: np.ndarray, groups: np.ndarray, n_groups: int, n_blocks: np.ndarray
) -> np.ndarray:
    """Computes F at each point for each way of grouping: ``[draws, units]`` to ``[draws, points]``.

    NaN stands as 0 in ``x`` and ``there``, ``[units, points]`` each; ``n_blocks`` is ``[points]``.
    """
    member = (groups[:, np.newaxis] == np.arange(n_groups)[:, np.newaxis]).astype(np.float64)
    sums, counts = member @ x, member @ there  # [draws, groups, points]
    n, total = there.sum(axis=0), x.sum(axis=0)
    between = (sums**2 / np.maximum(counts, 1)).sum(axis=1) - total**2 / n
    within = (x**2).sum(axis=0) - total**2 / n - between
    freedom = np.maximum(n - n_groups - (n_blocks - 1), 1)
    floor = 1e-12 * np.maximum((x**2).sum(axis=0), np.finfo(float).tiny)  # rounding
    found = between / (n_groups - 1) / (np.maximum(within, floor) / freedom)
    return np.where(between + within > floor, found, 0.0)  # 0 where nothing varies but by rounding


def compare_groups(
    layers: Mapping[str, np.ndarray],
    groups: np.ndarray,
    settings: StatisticsSettings,
    blocks: np.ndarray | None = None,
    seed: int = 0,
    held: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    at_stride: Mapping[str, np.ndarray] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tests in every layer whether groups of curves part, pair by pair and all together.

    Args:
        layers: Curves by layer, ``[units, points]``.
        groups: Of each unit, a text.
        settings: As for :func:`compare`, as are ``blocks`` and ``seed``.
        blocks: Of each unit.
        seed: Of the draws.
        held: By group the curves of all units at the times of that group's unit of the block, as a
            control: a pair has to part at the times of its ``reference`` too.
        at_stride: By layer which values may be no voice ``[units, points]``: groups do not part
            where more than half of one group's values at the points that differ are such.

    Returns:
        ``differences``, a row for each layer and pair (of more than two groups also for
        :data:`ALL`, without a reference): ``estimate``, the largest difference of means (``group``
        less ``reference``, of all groups the largest less the smallest) and the ``point`` (from 1)
        where it is, ``p`` of any point, ``p_holm`` over all rows, ``p_least``, ``p_held`` (as
        ``p_holm``, of the control), ``n`` (curves, or blocks, at that point), ``at_stride``, the
        share of such values, and ``verdict``; and ``tests``, a row for each of their points:
        ``estimate``, ``f``, ``p`` (corrected for the points) and ``differs``, whether groups part
        and it does after Holm.
    """
    names = list(dict.fromkeys(groups))
    pairs = [(group, reference) for reference, group in itertools.combinations(names, 2)]
    wanted = [(ALL, "")] * (len(names) > 2) + pairs
    alpha = 1 - settings.confidence
    draws = max(N_PERMUTATIONS, math.ceil(4 * len(layers) * len(wanted) / alpha) - 1)
    rows, each, suspect = [], [], []
    for layer, (group, reference) in itertools.product(layers, wanted):
        here = np.isin(groups, (group, reference) if reference else names)
        own, block = groups[here], None if blocks is None else blocks[here]
        curves = np.array(layers[layer][here], np.float64)
        found, p_held = compare(curves, own, settings, block, seed, draws), math.nan
        if held is not None:
            times = held[reference or names[0]][layer][here]
            p_held = compare(times, own, settings, block, seed, draws).p_any
        names_here, there = list(dict.fromkeys(own)), np.isfinite(curves)
        near = np.zeros_like(there) if at_stride is None else at_stride[layer][here] & there
        suspect.append([
            np.stack([x[own == name].sum(axis=0) for name in names_here]) for x in (near, there)
        ])  # fmt: skip
        if block is not None:
            _centre_blocks(curves, block)
        means = [mean_over(curves[own == name], 0) for name in names_here]
        counts = np.isfinite(curves).sum(axis=0) // (1 if block is None else len(means))
        rows.append({
            "layer": layer, "group": group, "reference": reference, "p": found.p_any,
            "p_least": found.least_p, "p_held": p_held,
            "at_stride": near.sum() / max(1, there.sum()) if at_stride else math.nan,
        })  # fmt: skip
        apart = means[1] - means[0] if reference else np.ptp(means, axis=0)
        each.append((apart, found.statistic, found.p, counts))
    table, (apart, f, p, n) = pd.DataFrame(rows), np.stack(each, axis=1)  # [rows, points]
    table["p_holm"], table["p_held"] = (holm(table[x].to_numpy()) for x in ("p", "p_held"))
    shown = table["p_holm"] < alpha
    table["verdict"] = np.where(shown, PARTS, NOT_SHOWN)
    if held is not None:
        table.loc[shown & ~(table["p_held"] < alpha), "verdict"] = OWN_ALONE
    table.loc[table["p"].isna() | (table["p_least"] >= alpha), "verdict"] = TOO_FEW
    factor = (table["p_holm"] / table["p"]).to_numpy()[:, np.newaxis]  # Holm's, of the least p
    differs = table["verdict"].eq(PARTS).to_numpy()[:, np.newaxis] & (p * factor < alpha)
    for k, (near, there) in enumerate(suspect):
        if (near[:, differs[k]].sum(axis=1) > there[:, differs[k]].sum(axis=1) / 2).any():
            table.loc[k, "verdict"], differs[k] = AT_STRIDE, False
    any_differs = differs.any(axis=1, keepdims=True)
    among = np.where(any_differs, differs, np.isfinite(p))
    place = np.where(among, np.abs(apart), -1).argmax(axis=1)[:, np.newaxis]
    there = among.any(axis=1)
    table["estimate"] = np.where(there, np.take_along_axis(apart, place, axis=1)[:, 0], math.nan)
    table["point"] = np.where(there, place[:, 0] + 1, math.nan)
    table["n"] = np.where(there, np.take_along_axis(n, place, axis=1)[:, 0], n.max(axis=1))
    table["n"] = table["n"].astype(int)
    tests = table.loc[table.index.repeat(p.shape[1]), ["layer", "group", "reference"]]
    tests = tests.assign(
        point=np.tile(np.arange(p.shape[1]) + 1, len(table)), estimate=apart.ravel(), f=f.ravel(),
        p=p.ravel(), differs=differs.ravel(),
    )  # fmt: skip
    return table[list(DIFFERENCE_COLUMNS)], tests.reset_index(drop=True)


DIFFERENCE_COLUMNS = (
    "layer", "group", "reference", "estimate", "point", "p", "p_holm", "p_least", "p_held", "n",
    "at_stride", "verdict",
)  # fmt: skip


def segment_means(
    series: np.ndarray, rate_hz: float, start_s: float, end_s: float, n_points: int
) -> np.ndarray:
    """Takes the means of a series ``[time]`` in ``n_points`` equal parts of a stretch of time.

    Sample i is held from i / rate to (i + 1) / rate, so that also a part shorter than a sample has
    a mean; NaN beyond the ends.
    """
    sums = np.concatenate([[0.0], np.cumsum(series, dtype=np.float64)])
    edges = np.linspace(start_s, end_s, n_points + 1) * rate_hz
    edges = np.where(np.isclose(edges, np.round(edges), 0, 1e-6), np.round(edges), edges)
    at = np.interp(edges, np.arange(len(sums)), sums, left=np.nan, right=np.nan)
    return np.diff(at) / np.diff(edges)
