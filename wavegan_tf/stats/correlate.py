"""Do the layers follow the target? Correlations with controls and verdicts, durations.

Rows come in a fixed order, and the same values and seed give the same numbers, whatever the order
of the rows given. What the values do not give is NaN.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtrit

from wavegan_tf.stats.controls import Limits, random_limits, shuffled_limits
from wavegan_tf.stats.grids import SEMITONES, Grid, Grids, Pairs, in_semitones
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    Ranks,
    StatisticsSettings,
    centred,
    covariances,
    interval,
    mean_over,
    moments,
    pearson,
    resample,
    standardise,
)

STATISTICS = ("pearson", "within_output", "spearman")

ENCODED, INVERSE = "encoded", "inverse"
NOT_ABOVE = {
    (False, True): "not above random",
    (True, False): "not above shuffled",
    (False, False): "not above either",
}
NO_CONTROL = "no control"

CORRELATION_COLUMNS = (
    "channel", "label", "measure", "unit", "layer", "statistic", "estimate", "low", "high", "n",
    "n_outputs", "n_flagged", "random", "random_high", "n_random", "shuffled", "shuffled_high",
    "verdict",
)  # fmt: skip
DURATION_COLUMNS = (
    "channel", "label", "layer", "beta", "beta_low", "beta_high", "intercept", "t", "p", "adj_r2",
    "n", "n_outputs", "random_adj_r2",
)  # fmt: skip

CONTOUR_COLUMNS = (
    "channel", "measure", "unit", "layer", "point", "estimate", "low", "high", "n_outputs",
)  # fmt: skip

CONTOURS = ("f0", "intensity", "f1", "f2", "hnr")
"""Measures whose course in normalised time is averaged."""

LEAST_OUTPUTS = 3
"""Outputs that a point of an averaged contour needs."""

NO_INTERVAL = (math.nan, math.nan)


class Coefficients(NamedTuple):
    """Holds the three :data:`STATISTICS` of one layer and measure, ``[3]`` each."""

    estimates: np.ndarray  # NaN for fewer than 3 pairs or where a side does not vary
    n: np.ndarray
    n_outputs: np.ndarray
    n_flagged: tuple[int, int, int]
    enough: np.ndarray  # for a verdict
    sums: np.ndarray  # moments of each output, [6, 3, outputs]


def correlate(
    points: pd.DataFrame, intervals: pd.DataFrame, target: str, settings: StatisticsSettings
) -> pd.DataFrame:
    """Correlates each layer with the target, measure by measure, beside two controls.

    Points are compared with points (by output, interval and point), what only an interval has with
    intervals; F0 also in semitones. The statistics:

    - ``pearson``: r over the concatenated values of all outputs (Beguš & Zhou 2022, section IV).
    - ``within_output``: the same after each output's own mean is subtracted on both sides: does
      the layer follow the course of an output, or only how outputs differ? Outputs with one pair
      alone do not count.
    - ``spearman``: Pearson's r of mid-ranks, for what is related, but not in proportion.

    Args:
        points: Values at points, of the network (``network`` 0) and of networks of the same
            architecture with random weights (1 ..), measured in the same way.
        intervals: Values of whole intervals, likewise.
        target: The layer that the others are compared with.
        settings: How certain the statistics are to be.

    Returns:
        A row for each channel, label, measure, layer but the target, and statistic. ``low`` and
        ``high`` are the bootstrap interval over outputs, ``n`` counts pairs, ``n_flagged`` those
        with a suspect value; ``random`` and ``random_high`` are mean and upper limit of the
        ``n_random`` random networks that have enough values, ``shuffled`` and ``shuffled_high``
        those of shuffled pairing (:mod:`wavegan_tf.stats.controls`).

    Raises:
        ValueError: A layer has two values at one place.
    """
    grids = Grids(points, intervals)
    table = []
    for channel, label, measure in grids.measured():
        laid = grids.of_networks(channel, label, measure)
        kinds = {measure: laid}
        if measure == "f0":
            kinds[SEMITONES] = [in_semitones(grid) for grid in laid]
        for name, (own, *others) in kinds.items():
            for layer in grids.layers:
                if layer != target:
                    rows = _correlation_rows(own, others, layer, target, settings)
                    table += [(channel, label, name, own.unit, layer, *row) for row in rows]
    return pd.DataFrame(table, columns=CORRELATION_COLUMNS)


def _correlation_rows(
    own: Grid, others: list[Grid], layer: str, target: str, settings: StatisticsSettings
) -> Iterator[tuple]:
    """Yields the three statistics of one layer and measure, from ``statistic`` on."""
    pairs = own.pairs(layer, target)
    found = coefficients(pairs, settings)
    controls = [coefficients(grid.pairs(layer, target), settings) for grid in others]
    shuffled = shuffled_limits(own, layer, target, settings)
    ends = _correlation_intervals(pairs, found, settings)
    numbers = zip(found.n.tolist(), found.n_outputs.tolist(), found.n_flagged, strict=True)
    for k, (name, counts) in enumerate(zip(STATISTICS, numbers, strict=True)):
        random = random_limits([x.estimates[k] for x in controls if x.enough[k]], settings)
        limits = random.mean, random.high, random.n, shuffled[k].mean, shuffled[k].high
        said = verdict(*ends[k], random, shuffled[k])
        yield name, found.estimates[k], *ends[k], *counts, *limits, said


def coefficients(pairs: Pairs, settings: StatisticsSettings) -> Coefficients:
    """Computes the three statistics of one layer and measure."""
    ids, group, counts = np.unique(pairs.output, return_inverse=True, return_counts=True)
    x, y = pairs.layer, pairs.target
    plain = moments(standardise(x), standardise(y), group, len(ids))
    x, y = scipy.stats.rankdata(x), scipy.stats.rankdata(y)
    ranked = moments(standardise(x), standardise(y), group, len(ids))
    sums = np.stack([plain, centred(plain), ranked], axis=1)
    estimates = pearson(sums.sum(axis=-1))
    n, n_outputs = sums[0].sum(axis=-1).astype(int), np.count_nonzero(sums[0], axis=-1)
    flagged = int(pairs.flagged.sum())
    n_flagged = flagged, int(pairs.flagged[counts[group] > 1].sum()), flagged
    enough = (n >= settings.min_pairs) & (n_outputs >= settings.min_outputs)
    enough &= np.isfinite(estimates)
    return Coefficients(estimates, n, n_outputs, n_flagged, enough, sums)


def _correlation_intervals(
    pairs: Pairs, own: Coefficients, settings: StatisticsSettings
) -> list[tuple[float, float]]:
    """Computes the bootstrap intervals of the three statistics; NaN where there is too little."""
    if not own.enough.any():
        return [NO_INTERVAL] * 3
    ids, group = np.unique(pairs.output, return_inverse=True)
    ranks = Ranks(pairs.layer, pairs.target, group)
    plain, within = own.sums[:, 0], own.sums[:, 1]

    def statistic(weights: np.ndarray) -> np.ndarray:
        r, r_within = pearson(plain @ weights), pearson(within @ weights)
        return np.stack([r, r_within, ranks.spearman(weights)])

    resampled = resample(statistic, len(ids), len(group), 0, settings)
    return [
        interval(each, int(n_outputs), settings.confidence) if enough else NO_INTERVAL
        for each, n_outputs, enough in zip(resampled, own.n_outputs, own.enough, strict=True)
    ]


def verdict(low: float, high: float, random: Limits, shuffled: Limits) -> str:
    """Says whether a layer encodes a measure, from the interval of a correlation and the controls.

    ``encoded`` where the whole interval is above both controls, ``inverse`` where it is below both
    (a layer that follows the target upside down: the paper's F1 at Conv4, r = -0.38); ``not above
    random``, ``not above shuffled``, ``not above either`` otherwise; ``no control`` where a range
    is missing (fewer than two random networks gave a value); ``too few`` where there is no
    interval. Chance alone makes ``encoded`` of at most 1 - confidence of the rows, and ``inverse``
    likewise. The lower ends are not in the table; that of ``random`` mirrors ``random_high`` about
    ``random`` on Fisher's z.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return TOO_FEW
    if not all(map(math.isfinite, (random.low, random.high, shuffled.low, shuffled.high))):
        return NO_CONTROL
    if low > max(random.high, shuffled.high):
        return ENCODED
    if high < min(random.low, shuffled.low):
        return INVERSE
    return NOT_ABOVE[low > random.high, low > shuffled.high]


def regress_durations(
    intervals: pd.DataFrame, target: str, settings: StatisticsSettings
) -> pd.DataFrame:
    """Fits the linear model of section IV-A: duration at a layer ~ duration at the target.

    Ordinary least squares over intervals. ``t`` and ``p`` count every interval as independent, as
    the paper does; the interval of the slope resamples outputs and does not.

    Takes the table ``intervals`` as :func:`correlate` does. Returns a row for each channel, label
    and layer but the target: ``beta`` with its interval, ``intercept`` in s, ``t``, ``p``,
    ``adj_r2``, ``n`` intervals, ``n_outputs``, and ``random_adj_r2``, the mean of the random
    networks that have at least ``settings.min_pairs`` intervals.
    """
    grids = Grids(None, intervals[intervals["measure"] == "duration"])
    table = []
    for key in grids.measured():
        own, *others = grids.of_networks(*key)
        for layer in grids.layers:
            if layer == target:
                continue
            pairs = own.pairs(layer, target)
            random = (grid.pairs(layer, target) for grid in others)
            r2 = [_fit(x)["adj_r2"] for x in random if len(x.layer) >= settings.min_pairs]
            beta_low, beta_high = _slope_interval(pairs, settings)
            table.append({
                "channel": key[0], "label": key[1], "layer": layer, **_fit(pairs),
                "beta_low": beta_low, "beta_high": beta_high, "n": len(pairs.layer),
                "n_outputs": len(np.unique(pairs.output)),
                "random_adj_r2": float(mean_over(np.array(r2, np.float64))),
            })  # fmt: skip
    return pd.DataFrame(table, columns=DURATION_COLUMNS)


def _fit(pairs: Pairs) -> dict[str, float]:
    """Fits layer = intercept + beta target; t, p and R² are NaN where the layer does not vary."""
    x, y, n = pairs.target, pairs.layer, len(pairs.layer)
    fit = dict.fromkeys(("beta", "intercept", "t", "p", "adj_r2"), math.nan)
    if n < 3 or np.ptp(x) == 0:
        return fit
    if np.ptp(y) == 0:
        return fit | {"beta": 0.0, "intercept": float(y[0])}
    line = scipy.stats.linregress(x, y)
    t = line.slope / line.stderr if line.stderr else math.copysign(math.inf, line.slope)
    adj_r2 = 1 - (1 - line.rvalue**2) * (n - 1) / (n - 2)
    found = (line.slope, line.intercept, t, line.pvalue, adj_r2)
    return dict(zip(fit, map(float, found), strict=True))


def _slope_interval(pairs: Pairs, settings: StatisticsSettings) -> tuple[float, float]:
    """Computes the bootstrap interval of the slope; NaN where there is too little for one."""
    ids, group = np.unique(pairs.output, return_inverse=True)
    x, y = pairs.target, pairs.layer
    if len(ids) < settings.min_outputs or len(x) < settings.min_pairs or np.ptp(y) == 0:
        return NO_INTERVAL
    sums = moments(standardise(x), standardise(y), group, len(ids))

    def slope(weights: np.ndarray) -> np.ndarray:
        _, ss_x, _, products = covariances(sums @ weights)
        return (products / ss_x)[None]

    slopes = resample(slope, len(ids), len(x), 0, settings)[0] * y.std() / (x.std() or math.nan)
    return interval(slopes, len(ids), settings.confidence)


def average_contours(points: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Averages measures of voiced intervals in normalised time (Beguš & Zhou 2022, Figs. 6-7).

    Intervals of one output are averaged first: outputs are independent, intervals are not. Returns
    a row for each channel, measure of :data:`CONTOURS`, layer and point with a value: the mean over
    at least :data:`LEAST_OUTPUTS` outputs as ``estimate``, its interval ``low``, ``high``
    (Student's t) and ``n_outputs``.
    """
    grids, tables = Grids(points, points[:0]), []
    for channel, label, measure in grids.measured():
        if label != "voiced" or measure not in CONTOURS:
            continue
        grid = grids.grid(channel, label, measure)
        assert grid is not None
        values = pd.DataFrame(grid.values, columns=grid.layers)
        outputs = values.groupby([grid.output, grid.point]).mean()
        for layer in grid.layers:
            at_points = outputs[layer].dropna().groupby(level=1).agg(["mean", "std", "count"])
            about = {"channel": channel, "measure": measure, "unit": grid.unit, "layer": layer}
            tables.append(at_points.rename_axis("point").reset_index().assign(**about))
    if not tables:
        return pd.DataFrame(columns=CONTOUR_COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    table = table.rename(columns={"mean": "estimate", "count": "n_outputs"})
    n = table["n_outputs"].clip(lower=2)
    reach = stdtrit(n - 1, (1 + settings.confidence) / 2) * table["std"] / np.sqrt(n)
    table["low"], table["high"] = table["estimate"] - reach, table["estimate"] + reach
    table.loc[table["n_outputs"] < LEAST_OUTPUTS, ["estimate", "low", "high"]] = math.nan
    return table[list(CONTOUR_COLUMNS)]
