"""Do the layers follow the target? Correlations with controls and verdicts, durations.

Rows come in a fixed order, and the same values and seed give the same numbers, whatever the order
of the rows given. What the values do not give is NaN.
"""

import math
from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtr, stdtrit

from wavegan_tf.stats.controls import Control, against_random, against_shuffled, fisher_z, shuffle
from wavegan_tf.stats.effects import holm
from wavegan_tf.stats.grids import SEMITONES, SEMITONES_UNIT, Grid, Grids, Pairs, in_semitones
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    Ranks,
    StatisticsSettings,
    centred,
    covariances,
    interval,
    moments,
    pearson,
    resample,
    standardise,
)

STATISTICS = ("pearson", "within_output", "spearman")

ENCODED, INVERSE = "encoded", "inverse"
NOT_FROM = {
    (False, True): "as random",
    (True, False): "as shuffled",
    (False, False): "as both controls",
    (True, True): "not after Holm",
}
"""Verdicts of what is not shown, by whether p alone tells it from random and from shuffled."""
FEW_NETWORKS = "few networks"
NOT_JUDGED = "not judged"
"""The verdict of all rows of a Generator that does not speak."""

KEYS = ("channel", "label", "measure", "unit", "layer")
CORRELATION_COLUMNS = (
    *KEYS, "statistic", "estimate", "low", "high", "n", "n_outputs", "n_flagged",
    "random", "random_low", "random_high", "n_random", "n_random_outputs", "p_random",
    "shuffled", "shuffled_low", "shuffled_high", "n_shuffled_outputs", "p_shuffled",
    "p", "p_holm", "verdict",
)  # fmt: skip
CONTROL_COLUMNS = ("network", *KEYS, *STATISTICS, "error", "n", "n_outputs")
DURATION_COLUMNS = (
    "channel", "label", "layer", "beta", "beta_low", "beta_high", "intercept", "t", "p", "adj_r2",
    "n", "n_outputs", "random_adj_r2", "n_random",
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
    error: float  # standard error of Fisher's z of Pearson's r (jackknife over outputs)
    n: np.ndarray
    n_outputs: np.ndarray
    n_flagged: tuple[int, int, int]
    sums: np.ndarray  # moments of each output, [6, 3, outputs]


def correlate(
    points: pd.DataFrame,
    intervals: pd.DataFrame,
    controls: pd.DataFrame,
    target: str,
    settings: StatisticsSettings,
    left_out: Mapping[str, Container[str]] = MappingProxyType({}),
) -> pd.DataFrame:
    """Correlates each layer with the target, measure by measure, beside two controls.

    Points are compared with points (by output, interval and point), what only an interval has with
    intervals; F0 also in semitones. The statistics:

    - ``pearson``: r over the concatenated values of all outputs (Beguš & Zhou 2022, section IV).
    - ``within_output``: the same after each output's own mean is subtracted on both sides: does
      the layer follow the course of an output, or only how outputs differ? Outputs with one pair
      alone do not count.
    - ``spearman``: Pearson's r of mid-ranks, for what is related, but not in proportion.

    Pearson's r is tested against both controls (:mod:`wavegan_tf.stats.controls`), in the direction
    of its sign; ``p`` is the larger one of ``p_random`` and ``p_shuffled``, and ``p_holm`` is
    corrected over all these rows. So the chance of a wrong ``encoded`` in the whole table is at
    most 1 - confidence, and that of a wrong ``inverse`` as much again. The other two statistics and
    F0 in semitones are exploratory: they have the controls' levels, and no verdict.

    Args:
        points: Values at points.
        intervals: Values of whole intervals.
        controls: What :func:`describe_control` gives of networks of the same architecture with
            random weights, joined; may be empty.
        target: The layer that the others are compared with.
        settings: How certain the statistics are to be.
        left_out: Measures, by layer, that the layer is too slow to carry: they have no rows.

    Returns:
        A row for each channel, label, measure, layer but the target, and statistic. ``low`` and
        ``high`` are the bootstrap interval over outputs, ``n`` counts pairs, ``n_flagged`` those
        with a suspect value; ``random`` is the mean of the ``n_random`` random networks that have
        enough values, ``random_low`` and ``random_high`` the range of one more of them,
        ``n_random_outputs`` the median of their outputs with values; likewise ``shuffled``.
        ``verdict``: ``encoded``, or of a negative r ``inverse``, where p_holm is below 1 -
        confidence; else ``as random``, ``as shuffled``, ``as both controls`` where p by
        itself does not tell r from these, ``not after Holm`` where it does; ``few networks``
        where fewer than three random networks have enough values; ``too few`` values.

    Raises:
        ValueError: A layer has two values at one place.
    """
    table = []
    for about, grid, layer in cells(points, intervals, target, left_out):
        known = _rows_of(controls, dict(zip(KEYS, about, strict=True)))
        rows = _correlation_rows(grid, known, layer, target, settings)
        table += [(*about, *row) for row in rows]
    columns = [name for name in CORRELATION_COLUMNS if name != "p_holm"]
    found = pd.DataFrame(table, columns=columns)
    found.insert(len(columns) - 1, "p_holm", math.nan)
    return judge(found, settings)


def judge(correlations: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Corrects p over all rows, and takes verdicts back that this does not leave.

    Rows of several tables together are so judged as one family: no verdict is given anew, for a p
    that is corrected for more tests is never smaller.
    """
    p_holm = holm(correlations["p"].to_numpy(np.float64))
    lost = correlations["verdict"].isin((ENCODED, INVERSE)) & ~(p_holm < 1 - settings.confidence)
    verdicts = np.where(lost, NOT_FROM[True, True], correlations["verdict"].astype(object))
    return correlations.assign(p_holm=p_holm, verdict=verdicts)


def describe_control(
    number: int, points: pd.DataFrame, intervals: pd.DataFrame, target: str
) -> pd.DataFrame:
    """Correlates the layers of one network with random weights with its own target.

    Takes its number, from 1, and its tables. Returns a row for each channel, label, measure and
    layer: the three statistics, ``error`` of Fisher's z of the first, ``n`` pairs, ``n_outputs``.
    """
    table = []
    for about, grid, layer in cells(points, intervals, target, {}):
        found = coefficients(grid.pairs(layer, target))
        numbers = found.error, int(found.n[0]), int(found.n_outputs[0])
        table.append((number, *about, *found.estimates, *numbers))
    return pd.DataFrame(table, columns=CONTROL_COLUMNS)


def _rows_of(controls: pd.DataFrame, about: dict[str, Any]) -> pd.DataFrame:
    """Takes the rows of a cell."""
    controls = controls if len(controls) else pd.DataFrame(columns=CONTROL_COLUMNS)
    for name, value in about.items():
        controls = controls[controls[name] == value]
    return controls


def cells(
    points: pd.DataFrame,
    intervals: pd.DataFrame,
    target: str,
    left_out: Mapping[str, Container[str]],
) -> Iterator[tuple[tuple, Grid, str]]:
    """Yields what is correlated: the values of :data:`KEYS`, the grid and the layer."""
    grids = Grids(points, intervals)
    for channel, label, measure in grids.measured():
        grid = grids.grid(channel, label, measure)
        for name in (measure, SEMITONES) if measure == "f0" else (measure,):
            grid = in_semitones(grid) if name == SEMITONES else grid
            for layer in grids.layers:
                if layer != target and measure not in left_out.get(layer, ()):
                    yield (channel, label, name, grid.unit, layer), grid, layer


def _correlation_rows(
    grid: Grid, controls: pd.DataFrame, layer: str, target: str, settings: StatisticsSettings
) -> Iterator[tuple]:
    """Yields the three statistics of one layer and measure, from ``statistic`` to ``verdict``."""
    pairs = grid.pairs(layer, target)
    found = coefficients(pairs)
    enough = _enough(found.n, found.n_outputs, settings) & np.isfinite(found.estimates)
    controls = controls[_enough(controls["n"], controls["n_outputs"], settings)]
    shuffled = shuffle(grid, layer, target, settings)
    ends = _correlation_intervals(pairs, found, enough, settings)
    for k, name in enumerate(STATISTICS):
        r, tested = found.estimates[k], k == 0 and grid.unit != SEMITONES_UNIT
        known = controls[controls[name].notna()].astype({name: float, "error": float})
        random = against_random(
            r, found.error if tested else math.nan, known[name].to_numpy(),
            known["error"].to_numpy(), known["n_outputs"].to_numpy(), settings,
        )  # fmt: skip
        other = against_shuffled(r, shuffled, k, settings)
        p, said = math.nan, ""
        if tested:
            p, said = verdict(r, random, other, settings) if enough[k] else (p, TOO_FEW)
        ps = (random.p, other.p) if tested else (math.nan, math.nan)
        yield (
            name, r, *ends[k], int(found.n[k]), int(found.n_outputs[k]), found.n_flagged[k],
            random.mean, random.low, random.high, random.n, random.n_outputs, ps[0],
            other.mean, other.low, other.high, other.n_outputs, ps[1], p, said,
        )  # fmt: skip


def verdict(
    r: float, random: Control, shuffled: Control, settings: StatisticsSettings
) -> tuple[float, str]:
    """Says what both controls together show of a correlation, before Holm's correction.

    Returns:
        ``p``, the larger one (NaN without random networks), and the verdict.
    """
    if math.isnan(random.p):
        return math.nan, FEW_NETWORKS
    beyond = random.p < 1 - settings.confidence, shuffled.p < 1 - settings.confidence
    p = max(random.p, shuffled.p)
    if all(beyond):
        return p, ENCODED if r > 0 else INVERSE
    return p, NOT_FROM[beyond]


def _enough(n: Any, n_outputs: Any, settings: StatisticsSettings) -> Any:
    return (n >= settings.min_pairs) & (n_outputs >= settings.min_outputs)


def coefficients(pairs: Pairs) -> Coefficients:
    """Computes the three statistics of one layer and measure."""
    ids, group, counts = np.unique(pairs.output, return_inverse=True, return_counts=True)
    x, y = pairs.layer, pairs.target
    plain = moments(standardise(x), standardise(y), group, len(ids))
    x, y = scipy.stats.rankdata(x), scipy.stats.rankdata(y)
    ranked = moments(standardise(x), standardise(y), group, len(ids))
    sums = np.stack([plain, centred(plain), ranked], axis=1)
    total = sums.sum(axis=-1)
    n, n_outputs = sums[0].sum(axis=-1).astype(int), np.count_nonzero(sums[0], axis=-1)
    flagged = int(pairs.flagged.sum())
    n_flagged = flagged, int(pairs.flagged[counts[group] > 1].sum()), flagged
    without = fisher_z(pearson(total[:, :1] - plain))  # one output left out at a time
    without = without[np.isfinite(without)]
    error = math.sqrt(np.var(without) * (len(without) - 1)) if len(without) > 2 else math.nan
    return Coefficients(pearson(total), error, n, n_outputs, n_flagged, sums)


def _correlation_intervals(
    pairs: Pairs, own: Coefficients, enough: np.ndarray, settings: StatisticsSettings
) -> list[tuple[float, float]]:
    """Computes the bootstrap intervals of the three statistics; NaN where there is too little."""
    if not enough.any():
        return [NO_INTERVAL] * 3
    ids, group = np.unique(pairs.output, return_inverse=True)
    ranks = Ranks(pairs.layer, pairs.target, group)
    plain, within = own.sums[:, 0], own.sums[:, 1]

    def statistic(weights: np.ndarray) -> np.ndarray:
        r, r_within = pearson(plain @ weights), pearson(within @ weights)
        return np.stack([r, r_within, ranks.spearman(weights)])

    resampled = resample(statistic, len(ids), len(group), 0, settings)
    return [
        interval(each, int(n_outputs), settings.confidence) if there else NO_INTERVAL
        for each, n_outputs, there in zip(resampled, own.n_outputs, enough, strict=True)
    ]


def regress_durations(
    intervals: pd.DataFrame, controls: pd.DataFrame, target: str, settings: StatisticsSettings
) -> pd.DataFrame:
    """Fits the linear model of section IV-A: duration at a layer ~ duration at the target.

    Least squares over intervals. Intervals of one output are not independent, so the standard error
    behind ``t`` and ``p`` is the jackknife's, which leaves out one output at a time, with one
    degree of freedom less than there are outputs. The paper's t counts intervals as independent.

    Takes the tables ``intervals`` and ``controls`` as :func:`correlate` does. Returns a row for
    each channel, label and layer but the target: ``beta`` with its bootstrap interval over outputs,
    ``intercept`` in s, ``t``, ``p``, ``adj_r2``, ``n`` intervals, ``n_outputs``; and
    ``random_adj_r2``, the mean of the ``n_random`` random networks with enough intervals.
    """
    grids, table = Grids(None, intervals[intervals["measure"] == "duration"]), []
    for key in grids.measured():
        grid = grids.grid(*key)
        for layer in grids.layers:
            if layer == target:
                continue
            pairs = grid.pairs(layer, target)
            about = {"channel": key[0], "label": key[1], "layer": layer}
            known = _rows_of(controls, about | {"measure": "duration"})
            known = known[_enough(known["n"], known["n_outputs"], settings)]
            known = known[known["pearson"].notna()]  # of others the duration does not vary
            r2 = [_adjusted(r, n) for r, n in zip(known["pearson"], known["n"], strict=True)]
            beta_low, beta_high = _slope_interval(pairs, settings)
            table.append(about | _fit(pairs) | {
                "beta_low": beta_low, "beta_high": beta_high, "n": len(pairs.layer),
                "n_outputs": len(np.unique(pairs.output)),
                "random_adj_r2": float(np.mean(r2)) if r2 else math.nan, "n_random": len(r2),
            })  # fmt: skip
    return pd.DataFrame(table, columns=DURATION_COLUMNS)


def _adjusted(r: float, n: int) -> float:
    """Computes the adjusted R² of a line from its correlation."""
    return 1 - (1 - r**2) * (n - 1) / (n - 2)


def _fit(pairs: Pairs) -> dict[str, float]:
    """Fits layer = intercept + beta target; t, p and R² are NaN where the layer does not vary."""
    x, y, n = pairs.target, pairs.layer, len(pairs.layer)
    fit = dict.fromkeys(("beta", "intercept", "t", "p", "adj_r2"), math.nan)
    if n < 3 or np.ptp(x) == 0:
        return fit
    if np.ptp(y) == 0:
        return fit | {"beta": 0.0, "intercept": float(y[0])}
    line = scipy.stats.linregress(x, y)
    t, p = math.nan, math.nan
    ids, group = np.unique(pairs.output, return_inverse=True)
    if len(ids) > 2:
        sums = moments(x - x.mean(), y - y.mean(), group, len(ids))
        _, ss_x, _, products = covariances(sums.sum(axis=1, keepdims=True) - sums)
        without = products / ss_x  # the slope without each output
        error = math.sqrt(np.var(without) * (len(ids) - 1))
        t = line.slope / error if error else math.copysign(math.inf, line.slope)
        p = 2 * stdtr(len(ids) - 1, -abs(t))
    found = (line.slope, line.intercept, t, p, _adjusted(line.rvalue, n))
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
