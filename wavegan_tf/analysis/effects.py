"""Durations that layers keep, and differences between conditions: durations.csv, differences.csv.

As in :mod:`wavegan_tf.analysis.statistics`, rows come in a fixed order, the same values and seed
give the same numbers, and what the values do not give is NaN.
"""

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import stdtr

from wavegan_tf.analysis.resampling import (
    StatisticsSettings,
    covariances,
    interval,
    mean_intervals,
    moments,
    resample,
    standardise,
)
from wavegan_tf.analysis.statistics import DEFAULTS, TOO_FEW
from wavegan_tf.analysis.values import INTERVALS, Pairs, Values, split_places

DIFFERS, NO_DIFFERENCE = "differs", "no difference shown"
CHANGES, NO_CHANGE = "changes", "no change shown"


def regress_durations(
    values: Values,
    controls: list[Values],
    target: str,
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """Fit the linear model of section IV-A: duration at a layer ~ duration at the target.

    Ordinary least squares over intervals. ``t`` and ``p`` count every interval as independent, as
    the paper does; the interval of the slope resamples outputs and does not.

    Args:
        values: of the network.
        controls: of networks with random weights.
        target: the layer that the others are compared with.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        A dict for each channel, label and layer but the target: ``beta`` with ``beta_low`` and
        ``beta_high``, ``intercept`` in s, ``t``, ``p``, ``adj_r2``, ``n`` intervals, ``n_outputs``,
        and ``random_adj_r2``, the mean of the random networks that have at least
        ``settings.min_pairs`` intervals.

    Raises:
        ValueError: a layer has two durations of one interval.
    """
    table = []
    for channel, label, measure, _ in values.measured((INTERVALS,)):
        if measure != "duration":
            continue
        for layer in values.layers():
            if layer == target:
                continue
            key = (INTERVALS, channel, label, measure, layer, target)
            pairs = values.pairs(*key)
            fit = linear_fit(pairs.target, pairs.layer)
            low, high = _slope_interval(pairs, seed, settings)
            table.append({
                "channel": channel, "label": label, "layer": layer,
                "beta": fit["beta"], "beta_low": low, "beta_high": high,
                "intercept": fit["intercept"], "t": fit["t"], "p": fit["p"],
                "adj_r2": fit["adj_r2"],
                "n": len(pairs.layer), "n_outputs": len(np.unique(pairs.output)),
                "random_adj_r2": _random_fit([c.pairs(*key) for c in controls], settings),
            })  # fmt: skip
    return table


def linear_fit(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Fit y = intercept + beta x by least squares.

    Args:
        x: ``[n]``.
        y: ``[n]``.

    Returns:
        ``beta``, ``intercept``, ``t`` of a slope of 0, its two-sided ``p`` (n - 2 degrees of
        freedom) and ``adj_r2``, 1 - (1 - R²)(n - 1) / (n - 2); all NaN for fewer than 3 values or
        where x does not vary, the last three where y does not.
    """
    names = ("beta", "intercept", "t", "p", "adj_r2")
    n = len(x)
    if n < 3 or np.ptp(x) == 0:
        return dict.fromkeys(names, math.nan)
    dx, dy = x - x.mean(), y - y.mean()
    beta = dx @ dy / (dx @ dx)
    intercept = y.mean() - beta * x.mean()
    if np.ptp(y) == 0:
        return dict(zip(names, (0.0, float(y[0]), math.nan, math.nan, math.nan), strict=True))
    residual = dy - beta * dx
    unexplained = residual @ residual / (n - 2)  # variance
    t = beta / math.sqrt(unexplained / (dx @ dx)) if unexplained else math.copysign(math.inf, beta)
    fit = (beta, intercept, t, 2 * stdtr(n - 2, -abs(t)), 1 - unexplained * (n - 1) / (dy @ dy))
    return dict(zip(names, map(float, fit), strict=True))


def _slope_interval(pairs: Pairs, seed, settings):
    """The bootstrap interval of the slope over outputs; NaN where there is too little for one."""
    ids, group = np.unique(pairs.output, return_inverse=True)
    x, y = pairs.target, pairs.layer
    if len(ids) < settings.min_outputs or len(x) < settings.min_pairs or np.ptp(y) == 0:
        return math.nan, math.nan
    sums = moments(standardise(x), standardise(y), group, len(ids))

    def slope(weights):
        _, ss_x, _, products = covariances(sums @ weights)
        return (products / ss_x)[None]

    slopes = resample(slope, len(ids), len(x), seed, settings)[0] * y.std() / (x.std() or math.nan)
    return interval(slopes, len(ids), settings.confidence)


def _random_fit(controls: list[Pairs], settings):
    """The mean adjusted R² of the random networks that have enough intervals."""
    fits = [linear_fit(p.target, p.layer) for p in controls if len(p.layer) >= settings.min_pairs]
    found = [fit["adj_r2"] for fit in fits if math.isfinite(fit["adj_r2"])]
    return float(np.mean(found)) if found else math.nan


def compare_conditions(
    values: Values,
    outputs: Mapping[int, tuple],
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """Compare outputs of the same latent vectors under several conditions.

    The value of an output is the mean over its intervals of a label, from intervals.csv. Where the
    conditions of a pair both have one they are subtracted. ``p`` is that of the paired t-test
    (:func:`paired_t`). If the condition had no effect, the two outputs of a pair could change
    places, and the differences would be symmetric about 0: there t is conservative where tails are
    heavy (octave errors) and where most differences are 0, and a little too bold only where all are
    of nearly the same size, which by chance have all the same sign once in 2^(n - 1); where all are
    equal, as counts easily are, that chance is p. A permutation of signs would be exact, but cannot
    give the small p that a correction over hundreds of rows asks for: with 10 pairs none below
    0.002. ``p_holm`` is corrected over all rows of a comparison: layers, measures, labels and
    channels. The interval of the difference is not.

    Args:
        values: of the network.
        outputs: condition and pair of each output, by id; the outputs of one pair have the same
            latent vector but for the condition. The condition that comes first is the reference.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`; ``min_outputs`` is
            the number of pairs that a test needs.

    Returns:
        A dict for each condition but the reference, channel, label, measure and layer, the target
        too: means of both conditions over the ``n`` pairs, their ``difference`` (condition less
        reference) with the bootstrap interval ``low``, ``high`` over pairs, ``p``, ``p_holm`` and
        ``verdict``: ``differs`` where p_holm is below 1 - confidence, ``no difference shown``,
        ``too few``. Empty for fewer than two conditions.

    Raises:
        ValueError: a condition has two outputs of one pair, or a layer two values at one place.
    """
    members = _members(outputs)
    reference, *conditions = members or [None]
    table = []
    for condition in conditions:
        shared = sorted(
            (members[reference][pair], members[condition][pair])
            for pair in members[condition].keys() & members[reference].keys()
        )
        ids = np.array(shared, np.int64).reshape(-1, 2)  # [pairs, reference and condition]
        rows = []
        for channel, label, measure, _ in values.measured((INTERVALS,)):
            for layer in values.layers():
                found = output_means(values, channel, label, measure, layer)
                sides = np.array([[found.get(i, math.nan) for i in two] for two in ids.tolist()])
                rows.append({
                    "channel": channel, "label": label, "measure": measure,
                    "unit": values.unit(measure), "layer": layer,
                    "condition": condition, "reference": reference,
                    **_difference(sides.reshape(-1, 2), seed, settings),
                })  # fmt: skip
        table += _with_verdicts(rows, settings)
    return table


def _members(outputs):
    """Map condition -> pair -> id, conditions in order of their first output."""
    members = {}
    for i, (condition, pair) in outputs.items():
        there = members.setdefault(condition, {})
        if pair in there:
            raise ValueError(
                f"condition {condition!r} has two outputs of pair {pair!r}: {there[pair]} and {i}"
            )
        there[pair] = i
    return members


def output_means(values, channel, label, measure, layer):
    """The mean over each output's intervals that have a value, by id."""
    places, found, _ = values.read(INTERVALS, channel, label, measure, layer)
    finite = np.isfinite(found)
    ids, group = np.unique(split_places(places[finite])[0], return_inverse=True)
    means = np.bincount(group, found[finite], len(ids)) / np.bincount(group, minlength=len(ids))
    return dict(zip(ids.tolist(), means.tolist(), strict=True))


def _difference(sides, seed, settings):
    """Means, difference, interval and p of ``[pairs, reference and condition]``."""
    sides = sides[np.isfinite(sides).all(axis=1)]
    n = len(sides)
    differences = sides[:, 1] - sides[:, 0]
    row = dict.fromkeys(
        ("mean_condition", "mean_reference", "difference", "low", "high", "p"), math.nan
    )
    if n:
        row["mean_reference"], row["mean_condition"] = map(float, sides.mean(axis=0))
        row["difference"] = float(differences.mean())
    if n >= settings.min_outputs:
        _, (row["low"],), (row["high"],) = mean_intervals(differences[:, None], seed, settings)
        row["p"] = paired_t(differences)
    return {**row, "n": n}


def paired_t(differences: np.ndarray) -> float:
    """The two-sided p of Student's t-test that paired differences have the mean 0.

    Args:
        differences: ``[pairs]``, at least 2.

    Returns:
        p. Where all differences are equal (but for rounding) t knows no variance: then 1 if they
        are 0, and else the p of the sign test, 2^(1 - n).
    """
    n = len(differences)
    if np.ptp(differences) <= 1e-9 * abs(differences[0]):
        return 2.0 ** (1 - n) if differences[0] else 1.0
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(n))
    return float(2 * stdtr(n - 1, -abs(t)))


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's correction for several tests (1979, Scandinavian Journal of Statistics 6:65-70).

    Args:
        p: ``[tests]``; NaN is no test.

    Returns:
        Corrected p, ``[tests]``, at most 1: below alpha for what is significant at alpha if the
        chance of one false positive among all tests is to be at most alpha.
    """
    p = np.asarray(p, np.float64)
    corrected = np.full_like(p, math.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    factors = len(order) - np.arange(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def add_verdicts(rows: list[dict], settings, shown: str, not_shown: str) -> list[dict]:
    """Correct ``p`` over rows and say of each what it shows: sets ``p_holm`` and ``verdict``.

    Args:
        rows: with ``p``, NaN for no test.
        settings: with ``confidence``.
        shown: the verdict where p_holm is below 1 - confidence.
        not_shown: that elsewhere; without a test it is ``too few``.

    Returns:
        The rows.
    """
    for row, p_holm in zip(rows, holm([row["p"] for row in rows]), strict=True):
        row["p_holm"] = float(p_holm)
        row["verdict"] = shown if p_holm < 1 - settings.confidence else not_shown
        if math.isnan(p_holm):
            row["verdict"] = TOO_FEW
    return rows


def _with_verdicts(rows, settings):
    """Correct over the rows of one comparison and say which differ."""
    names = (
        "channel", "label", "measure", "unit", "layer", "condition", "reference",
        "mean_condition", "mean_reference", "difference", "low", "high", "p", "p_holm", "n",
        "verdict",
    )  # fmt: skip
    add_verdicts(rows, settings, DIFFERS, NO_DIFFERENCE)
    return [{name: row[name] for name in names} for row in rows]
