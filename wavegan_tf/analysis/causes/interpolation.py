"""What a latent variable does to the measures when it alone changes.

The numbers of responses.csv, effects.csv and interactions.csv.

Every base vector is generated under every value of a sweep. Base vectors are the unit: what happens
along a sweep is one number of each, and intervals and p rest on how these differ. In a grid of
sweeps a base has several lines, one for each combination of the other sweeps' values; a number is
computed along each line, and the mean over the lines that have it is the base's.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis.causes.within import proportion_interval, rank_correlations
from wavegan_tf.analysis.effects import (
    CHANGES,
    NO_CHANGE,
    add_verdicts,
    holm,
    output_means,
    paired_t,
)
from wavegan_tf.analysis.resampling import StatisticsSettings, mean_intervals, mean_over
from wavegan_tf.analysis.statistics import DEFAULTS, TOO_FEW
from wavegan_tf.analysis.values import INTERVALS, Values

OUTPUT = "output"
"""The label of measures of a whole output."""

SHARE = "share"
"""The measure that is 1 where an output has an interval of a label, and 0 where it has none."""

FROM_MIDDLE = ("from_middle_first", "from_middle_last")
"""Columns of the differences between the ends of a sweep and its middle value."""


class Measure(NamedTuple):
    """One measure of one layer, of every output: ``values`` [outputs], NaN where it has none.

    ``label`` is that of intervals, over which an output's value is the mean, or :data:`OUTPUT`.
    """

    channel: int
    layer: str
    label: str
    measure: str
    unit: str
    values: np.ndarray


def interval_measures(values: Values, n_outputs: int) -> list[Measure]:
    """Each output's mean over its intervals of a label, of every measure of intervals.csv.

    Args:
        values: of the network.
        n_outputs: outputs of the run, numbered from 0.

    Returns:
        One :class:`Measure` for each channel, label, measure and layer, in the order of
        :meth:`~wavegan_tf.analysis.values.Values.measured`.

    Raises:
        ValueError: a layer has two values of one interval.
    """
    measures = []
    for channel, label, measure, _ in values.measured((INTERVALS,)):
        for layer in values.layers():
            found = output_means(values, channel, label, measure, layer)
            column = np.array([found.get(i, math.nan) for i in range(n_outputs)])
            measures.append(Measure(channel, layer, label, measure, values.unit(measure), column))
    return measures


def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The slope of y on x by least squares, along the last axis.

    Args:
        x: ``[values]``, all different.
        y: ``[..., values]``; NaN is left out.

    Returns:
        ``[...]``, in units of y per unit of x; NaN with fewer than 2 values.
    """
    there = np.isfinite(y)
    n = there.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        dx = np.where(there, x - (there * x).sum(axis=-1, keepdims=True) / n, 0)
        return (dx * np.where(there, y, 0)).sum(axis=-1) / (dx**2).sum(axis=-1)


def middle_place(x: np.ndarray) -> int | None:
    """The place of a sweep's middle value: that nearest to 0, the first of equally near ones.

    0 is the middle of the training range of z, and an end of that of a code. The place follows from
    the values alone, so that what is compared is known before anything is measured.

    Args:
        x: values in the order of the sweep, ``[values]``.

    Returns:
        None where it is the first or the last value, so that no third one is to be compared.
    """
    place = int(np.argmin(np.abs(x)))
    return place if 0 < place < len(x) - 1 else None


def measure_effects(
    measures: list[Measure],
    sweeps: list[tuple[str, np.ndarray]],
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """Say what each sweep does to each measure.

    Args:
        measures: values ``[bases * cells]`` each, the last sweep fastest.
        sweeps: name and values ``[values]`` of each.
        seed: of resampling, from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`; ``min_outputs`` is
            the number of base vectors that a test needs.

    Returns:
        A dict for each sweep and measure. ``slope`` (least squares, per unit of the latent),
        ``rank_r`` (Spearman; a base in which the measure does not vary has none) and
        ``difference`` (the last value's less the first's, where a base has both) are means over
        bases, each with its interval; ``p`` is that of the paired t-test of the difference
        (:func:`~wavegan_tf.analysis.effects.compare_conditions` says what it presumes); ``n_bases``
        have the difference. ``from_middle_first`` and ``from_middle_last`` are the same of each end
        less the ``middle_value`` (:func:`middle_place`), with ``_lower``, ``_upper``, ``_p``,
        ``_p_holm`` and ``_n_bases``: they show what falls and rises again, of which the ends say
        nothing; NaN where the middle is an end. Each ``p_holm`` is corrected over all three
        differences of all rows of the sweep. ``verdict``: ``changes`` where one of the three is
        below 1 - confidence, ``no change shown``, ``too few``.
    """
    table = []
    lengths = [len(values) for _, values in sweeps]
    for axis, (name, x) in enumerate(sweeps):
        x = np.asarray(x, np.float64)
        middle = middle_place(x)
        columns = np.array([_by_base(m, x, lengths, axis) for m in measures])
        columns = columns.reshape(len(measures), 5, -1)  # [measures, 5, bases]
        flat = columns.reshape(-1, columns.shape[-1]).T  # [bases, measures * 5]
        found = np.array(mean_intervals(flat, seed, settings, settings.min_outputs))
        found = found.reshape(3, len(measures), 5).transpose(1, 2, 0).tolist()
        rows = []
        for measure, numbers, (slope, rank_r, *differences) in zip(
            measures, columns, found, strict=True
        ):
            row = {
                "latent": name, **_about(measure),
                "slope": slope[0], "slope_lower": slope[1], "slope_upper": slope[2],
                "rank_r": rank_r[0], "rank_r_lower": rank_r[1], "rank_r_upper": rank_r[2],
                "from_value": float(x[0]), "to_value": float(x[-1]), "n_values": len(x),
                "middle_value": math.nan if middle is None else float(x[middle]),
            }  # fmt: skip
            row |= _compared("", differences[0], numbers[2], settings)
            for key, difference, of_bases in zip(
                FROM_MIDDLE, differences[1:], numbers[3:], strict=True
            ):
                row |= _compared(f"{key}_", difference, of_bases, settings)
            rows.append(row)
        table += _judge(rows, settings)
    return table


def _by_base(measure, x, lengths, axis):
    """Slope, rank correlation and the three differences of each base, ``[5, bases]``."""
    lines, middle = _lines(measure.values, lengths, axis), middle_place(x)  # [bases, lines, values]
    first, last = lines[..., 0], lines[..., -1]
    between = np.full(first.shape, math.nan) if middle is None else lines[..., middle]
    numbers = (
        slopes(x, lines),
        rank_correlations(x, lines),
        last - first,
        first - between,
        last - between,
    )
    return [mean_over(number) for number in numbers]


def _compared(prefix, difference, of_bases, settings):
    """The columns of a difference: its mean, interval, p and number of bases."""
    paired = of_bases[np.isfinite(of_bases)]
    p = paired_t(paired) if len(paired) >= settings.min_outputs else math.nan
    numbers = dict(zip(("lower", "upper"), difference[1:], strict=True))
    numbers |= {"p": p, "n_bases": len(paired)}
    row = {prefix[:-1] or "difference": difference[0]}
    return row | {prefix + name: number for name, number in numbers.items()}


def _judge(rows, settings):
    """Set every ``p_holm``, corrected over rows and differences, and the verdicts."""
    prefixes = ("", *(f"{key}_" for key in FROM_MIDDLE))
    p = np.array([[row[f"{prefix}p"] for prefix in prefixes] for row in rows])
    for row, corrected in zip(rows, holm(p.ravel()).reshape(p.shape).tolist(), strict=True):
        for prefix, p_holm in zip(prefixes, corrected, strict=True):
            row[f"{prefix}p_holm"] = p_holm
        known = [p_holm for p_holm in corrected if not math.isnan(p_holm)]
        shown = any(p_holm < 1 - settings.confidence for p_holm in known)
        row["verdict"] = CHANGES if shown else NO_CHANGE if known else TOO_FEW
    return rows


def measure_responses(
    measures: list[Measure],
    sweeps: list[tuple[str, np.ndarray]],
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """The mean over bases of each measure at each value of each sweep.

    Args:
        measures: as for :func:`measure_effects`; those called :data:`SHARE` hold 0, 1 or NaN.
        sweeps: as for :func:`measure_effects`.
        seed: of resampling, from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        A dict for each sweep, measure and value, in this order: ``mean`` of the bases that have a
        value, of a base in a grid the mean over the other sweeps' values; ``lower``, ``upper``, its
        bootstrap interval over bases, of a share in a single sweep Wilson's; NaN with fewer than
        ``min_outputs`` bases; ``n_bases``.
    """
    table = []
    lengths = [len(values) for _, values in sweeps]
    for axis, (name, x) in enumerate(sweeps):
        tables = [mean_over(_lines(m.values, lengths, axis), axis=1) for m in measures]
        flat = np.concatenate(tables, axis=1)  # [bases, measures * values]
        found = np.transpose(mean_intervals(flat, seed, settings, settings.min_outputs)).tolist()
        counts = np.isfinite(flat).sum(axis=0).tolist()
        for i, measure in enumerate(measures):
            for k, value in enumerate(np.asarray(x, np.float64).tolist()):
                mean, lower, upper = found[i * len(x) + k]
                n = counts[i * len(x) + k]
                if measure.measure == SHARE and len(sweeps) == 1 and n >= settings.min_outputs:
                    lower, upper = proportion_interval(round(mean * n), n, settings.confidence)
                table.append({
                    "latent": name, "value": value, **_about(measure),
                    "mean": mean, "lower": lower, "upper": upper, "n_bases": n,
                })  # fmt: skip
    return table


def measure_interactions(
    measures: list[Measure],
    sweeps: list[tuple[str, np.ndarray]],
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """Say whether what one sweep does depends on where another stands.

    ``interaction`` is the difference of differences at the corners of two sweeps: what the second
    does (its last value's less its first's) at the last value of the first, less what it does at
    the first value of the first. 0: the two add up. The rest is as in :func:`measure_effects`;
    ``p_holm`` is corrected over all rows of a pair of sweeps.

    Returns:
        A dict for each pair of sweeps and measure; none for fewer than two sweeps.
    """
    table = []
    lengths = [len(values) for _, values in sweeps]
    for a, b in itertools.combinations(range(len(sweeps)), 2):
        columns = []  # [measures, bases]
        for measure in measures:
            grid = measure.values.reshape(-1, *lengths)
            grid = np.moveaxis(grid, (1 + a, 1 + b), (-2, -1))
            corners = grid.reshape(len(grid), -1, *grid.shape[-2:])[:, :, [0, -1]][..., [0, -1]]
            second = corners[..., 1] - corners[..., 0]  # what b does [bases, lines, ends of a]
            columns.append(mean_over(second[..., 1] - second[..., 0]))
        columns = np.array(columns).reshape(len(measures), -1).T  # [bases, measures]
        found = mean_intervals(columns, seed, settings, settings.min_outputs)
        rows = []
        for measure, numbers, mean, lower, upper in zip(measures, columns.T, *found, strict=True):
            paired = numbers[np.isfinite(numbers)]
            rows.append({
                "latent_a": sweeps[a][0], "latent_b": sweeps[b][0], **_about(measure),
                "interaction": float(mean), "lower": float(lower), "upper": float(upper),
                "p": paired_t(paired) if len(paired) >= settings.min_outputs else math.nan,
                "n_bases": len(paired),
            })  # fmt: skip
        table += add_verdicts(rows, settings, CHANGES, NO_CHANGE)
    return table


def _lines(values, lengths, axis):
    """The values of a grid as lines along one of its sweeps, ``[bases, lines, values]``."""
    grid = np.moveaxis(values.reshape(-1, *lengths), 1 + axis, -1)
    return grid.reshape(len(grid), -1, lengths[axis])


def _about(measure):
    return {name: getattr(measure, name) for name in Measure._fields[:-1]}
