"""What a latent variable does to the measures when it alone changes.

Every base vector is generated under every value of a sweep. Base vectors are the unit: what happens
along a sweep is one number of each, and intervals and p rest on how these differ. In a grid of
sweeps a base has several lines, one for each combination of the other sweeps' values; a number is
computed along each line, and the mean over the lines that have it is the base's.

``values`` is a DataFrame of the outputs' values throughout: a row for each measure, indexed by
:data:`KEYS`, and a column for each output, in order of base vectors and cells, the last sweep
fastest; NaN where an output has no value. A sweep is the pair of its name and its values.
"""

import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import add_verdicts, holm, test_differences
from wavegan_tf.stats.grids import Grids
from wavegan_tf.stats.maps import CHANGES, NO_CHANGE
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    StatisticsSettings,
    mean_intervals,
    mean_over,
    wilson,
)

KEYS = ("channel", "layer", "label", "measure", "unit")

OUTPUT = "output"  # the label of measures of a whole output
SHARE = "share"  # the measure that is 1 where an output has an interval of a label, else 0
WAY = "t"  # the name of a sweep from one vector to another, from 0 to 1

MORE, AS_CONTROLS = "changes, more than controls", "changes, as controls do"
SHOWN = (MORE, AS_CONTROLS, CHANGES)
"""Verdicts of what changes, those that say most first; the last where controls cannot tell."""

CONTROLS = (
    "n_controls", "control", "control_high", "n_controls_as_large", "p_control", "excess",
    "excess_low", "excess_high",
)  # fmt: skip

FROM_MIDDLE = ("from_middle_first", "from_middle_last")
"""Columns of the differences between the ends of a sweep and its middle value."""

Sweeps = Sequence[tuple[str, Sequence[float]]]


def interval_means(intervals: pd.DataFrame, n_outputs: int, layers: Sequence[str]) -> pd.DataFrame:
    """Takes each output's mean over its intervals of a label, of every measure, as ``values``.

    ``intervals`` are as :class:`~wavegan_tf.stats.grids.Grids` takes them; ``layers`` gives the
    order of the rows of a measure.
    """
    grids, found = Grids(None, intervals), {}
    for channel, label, measure in grids.measured():
        grid = grids.grid(channel, label, measure)
        means = grid.output_means().reindex(range(n_outputs))
        for layer in filter(grids.layers.__contains__, layers):
            found[channel, layer, label, measure, grid.unit] = means[layer].to_numpy()
    return values_frame(found)


def counts_and_shares(outputs: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Takes the number of intervals of each label, and whether there is any, of every output.

    Gives ``values`` of the measures ``n_LABEL`` of label :data:`OUTPUT`, and of :data:`SHARE` of
    the labels. An output that could not be measured has no value, a silent one has 0.
    """
    counts, shares = {}, {}
    for channel, rows in outputs.sort_values("output").groupby("channel"):
        known = rows["measured"].astype(bool) | (rows["problem"] == "silent")
        for name, count in rows.filter(regex="^n_").astype(float).items():
            counts[channel, target, OUTPUT, name, "1"] = count.where(known).to_numpy()
            share = (count > 0).astype(float).where(known).to_numpy()
            shares[channel, target, str(name).removeprefix("n_"), SHARE, "1"] = share
    return values_frame(counts), values_frame(shares)


def values_frame(found: dict[tuple, np.ndarray]) -> pd.DataFrame:
    """Makes ``values`` of a dict from :data:`KEYS` to ``[outputs]``."""
    index = pd.MultiIndex.from_tuples(list(found), names=KEYS)
    return pd.DataFrame(np.array(list(found.values())), index)


def tidy(values: pd.DataFrame) -> pd.DataFrame:
    """Turns ``values`` into a table of the finite ones: ``output``, :data:`KEYS`, ``value``."""
    output, row = np.nonzero(np.isfinite(values.to_numpy().T))
    keys = values.index.to_frame(index=False).astype(dict.fromkeys(KEYS[1:], "category"))
    table = keys.iloc[row].reset_index(drop=True)
    table.insert(0, "output", output)
    return table.assign(value=values.to_numpy()[row, output])


def slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fits the slope of y ``[..., values]`` on x ``[values]`` by least squares, ``[...]``.

    NaN is left out; NaN with fewer than 2 values.
    """
    dx = _centred(np.where(np.isfinite(y), x, math.nan))
    with np.errstate(invalid="ignore"):
        return np.nansum(dx * y, axis=-1) / np.nansum(dx**2, axis=-1)


def rank_correlations(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Computes Spearman's r along the last axis: 1 where y only rises, -1 where it only falls.

    Arguments as for :func:`slopes`; NaN with fewer than 3 values or where y does not vary.
    """
    there = np.isfinite(y)
    ranked = (np.where(there, side, math.nan) for side in (x, y))
    dx, dy = (_centred(scipy.stats.rankdata(side, axis=-1, nan_policy="omit")) for side in ranked)
    with np.errstate(invalid="ignore"):
        variances = np.nansum(dx**2, axis=-1) * np.nansum(dy**2, axis=-1)
        r = np.nansum(dx * dy, axis=-1) / np.sqrt(variances)
    return np.where(there.sum(axis=-1) >= 3, np.clip(r, -1, 1), math.nan)


def _centred(values: np.ndarray) -> np.ndarray:
    return values - mean_over(values)[..., np.newaxis]


def middle_step(latent: str, values: Sequence[float]) -> int:
    """Finds the place of the value nearest to 0 (of a way to 0.5), the first of several.

    0 is the middle of the training range of z, and an end of that of a code. The place follows from
    the values alone, so that what is compared is known before anything is measured.
    """
    gaps = np.abs(np.asarray(values, np.float64) - (0.5 if latent == WAY else 0))
    return int(np.argmin(gaps.round(9)))


def compared_steps(latent: str, values: Sequence[float]) -> list[int]:
    """Lists the places of a sweep that are compared: first, middle unless it is an end, last.

    Of a way the ends alone: between two codes stands none that training had, and what that does,
    neither code does.
    """
    middle = [] if latent == WAY else [middle_step(latent, values)]
    return sorted({0, *middle, len(values) - 1})


def measure_effects(
    values: pd.DataFrame,
    sweeps: Sweeps,
    settings: StatisticsSettings,
    controls: Mapping[str, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Says what each sweep does to each measure, and whether other latent variables do the same.

    Any latent variable does something, and far from training much. So a change is called the
    sweep's own only against controls, variables that were moved alike on the same base vectors. The
    size of a change is the largest of its three differences (means over bases), each divided by its
    mean size over the sweep and its controls. ``p_control`` is the share of controls of at least
    this size, the sweep counted as one of them: if it is like them, each of them is as often the
    largest. With 20 controls it is 1/21 or more.

    Args:
        values: Of all outputs.
        sweeps: The first slowest.
        settings: ``min_outputs`` is the number of base vectors that a test, or a control, needs.
        controls: By sweep ``values`` of its controls, outputs in order of base vectors, controls
            and :func:`compared_steps`.

    Returns:
        A row for each sweep (``latent``) and measure. ``estimate`` is the last value less the
        first, the mean over the ``n`` bases that have both, with its interval ``low``, ``high`` and
        ``p``: of the paired t-test (:func:`~wavegan_tf.stats.effects.paired_t`), of counts and of
        yes or no of the sign test, which needs :data:`~wavegan_tf.stats.effects.LEAST_SIGNS` bases.
        The columns that begin with ``from_middle_first`` and ``from_middle_last`` are the same of
        each end less the ``middle_value`` (:func:`compared_steps`): they show what falls and rises
        again. ``slope`` (least squares, per unit of the latent) and ``rank_r`` (Spearman) are means
        over bases with their intervals. ``p_holm`` is corrected over all three differences of all
        rows of the sweep.

        ``n_controls`` have enough bases; of them ``control`` and ``control_high`` are the median
        and the largest of the size of the mean of last less first, ``n_controls_as_large`` and
        ``p_control`` as above. ``excess``, with its interval over bases, is how much more the sweep
        changes from first to last than a control does on average, each in its own direction.

        ``verdict``: where one of the three differences is shown (``p_holm`` below 1 - confidence)
        ``changes, more than controls`` (``p_control`` at most 1 - confidence) or ``changes, as
        controls do``, but ``changes`` where there are too few controls for either; else ``no change
        shown`` or ``too few``. ``ends``: whether the verdict is one of last less first too, which
        is shown, and of ``more than controls`` larger than any control's.
    """
    tables = []
    for axis, (latent, given) in enumerate(sweeps):
        x, lines = np.asarray(given, np.float64), _lines(values, sweeps, axis)
        steps = compared_steps(latent, given)
        numbers = [slopes(x, lines), rank_correlations(x, lines), *differences(lines[..., steps])]
        by_base = mean_over(np.stack(numbers, axis=1))  # [measures, 5, bases]
        estimates = np.reshape(_means(by_base.reshape(-1, len(lines[0])), settings), (3, -1, 5))
        p = np.array([p_of_rows(values, by_base[:, k], settings) for k in (2, 3, 4)])
        p_holm = holm(p.ravel()).reshape(p.shape)
        table = head(values, latent=latent).assign(
            from_value=x[0], to_value=x[-1],
            middle_value=x[steps[1]] if len(steps) == 3 else math.nan, n_values=len(x),
        )  # fmt: skip
        for k, name in zip(
            (2, 3, 4, 0, 1), ("estimate", *FROM_MIDDLE, "slope", "rank_r"), strict=True
        ):
            start = "" if name == "estimate" else f"{name}_"
            table[name], table[f"{start}low"], table[f"{start}high"] = estimates[:, :, k]
            if k >= 2:
                table[f"{start}p"], table[f"{start}p_holm"] = p[k - 2], p_holm[k - 2]
                table[f"{start}n"] = np.isfinite(by_base[:, k]).sum(axis=-1)
        theirs = (controls or {}).get(latent, values.iloc[:, :0]).reindex(values.index)
        grid = theirs.to_numpy(np.float64).reshape(len(values), len(lines[0]), -1, len(steps))
        of_controls = np.stack(differences(grid), axis=1)  # [measures, 3, bases, controls]
        found = [beside(*pair, settings) for pair in zip(by_base[:, 2:], of_controls, strict=True)]
        table[list(CONTROLS[:5])] = [numbers[:5] for numbers, _ in found]
        table["n_controls"] = table["n_controls"].astype(int)
        excess = np.array([by_base for _, by_base in found])
        table[list(CONTROLS[5:])] = np.transpose(_means(excess, settings))
        verdict = judge(p_holm, table, settings)
        within = (verdict == MORE) & (table["estimate"].abs() <= table["control_high"])
        ends = (table["p_holm"] < 1 - settings.confidence) & ~within
        tables.append(table.assign(ends=ends, verdict=verdict))
    return pd.concat(tables, ignore_index=True)


def judge(p_holm: np.ndarray, table: pd.DataFrame, settings: StatisticsSettings) -> np.ndarray:
    """Gives the verdict of each row of a table with the columns ``n_controls`` and ``p_control``.

    ``p_holm`` [tests, rows] are the tests of its changes, one of which has to be shown.
    """
    level = 1 - settings.confidence + 1e-9
    rules = {
        TOO_FEW: np.isnan(p_holm).all(axis=0),
        NO_CHANGE: ~(p_holm < 1 - settings.confidence).any(axis=0),
        CHANGES: 1 / (table["n_controls"] + 1) > level,
        MORE: table["p_control"] <= level,
    }
    return np.select([*rules.values()], [*rules], AS_CONTROLS)


def differences(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Takes last less first, first less middle and last less middle along the last axis, 2 or 3."""
    first, last = steps[..., 0], steps[..., -1]
    middle = steps[..., 1] if steps.shape[-1] == 3 else np.full_like(first, math.nan)
    return last - first, first - middle, last - middle


def beside(
    own: np.ndarray, controls: np.ndarray, settings: StatisticsSettings
) -> tuple[tuple[float, ...], np.ndarray]:
    """Compares differences ``[3, bases]`` with those of controls, ``[3, bases, controls]``.

    Returns the first five of :data:`CONTROLS` and what they rest on: the place of the difference
    that is largest in the units of :func:`rank_size`, its size in them, and median and largest of
    the controls' sizes; and by base the excess, ``[bases]``.
    """
    judged = np.isfinite(own).sum(axis=1) >= settings.min_outputs
    enough = np.isfinite(controls[judged]).sum(axis=1) >= settings.min_outputs
    controls = controls[:, :, enough.all(axis=0) & judged.any()]
    n = controls.shape[2]
    if n == 0:
        return (0, *[math.nan] * 8), np.full(own.shape[1], math.nan)
    sizes = np.abs(mean_over(np.concatenate([own[..., np.newaxis], controls], axis=2), axis=1))
    as_large, p, largest, size, *others = rank_size(sizes[judged])
    change, changes = own[0], controls[0]  # [bases], [bases, controls]
    theirs = mean_over(changes * np.sign(mean_over(changes, axis=0)), axis=1)
    numbers = (n, float(np.median(sizes[0, 1:])), float(np.max(sizes[0, 1:])), as_large)
    largest = int(np.flatnonzero(judged)[largest])
    return (*numbers, p, largest, size, *others), change * np.sign(mean_over(change)) - theirs


def rank_size(sizes: np.ndarray) -> tuple[int, float, int, float, float, float]:
    """Compares the size of a change with those of controls.

    Of ``sizes`` ``[differences, own and controls]`` the largest counts, each in units of the mean
    size of its difference. Returns the number of controls as large, ``p_control``, which difference
    is the largest, its size in these units, and median and largest of those of controls.
    """
    units = sizes.mean(axis=1, keepdims=True)
    scaled = sizes / np.where(units > 0, units, 1)
    size, others = float(scaled[:, 0].max()), scaled[:, 1:].max(axis=0)
    as_large = int(np.sum(others >= size * (1 - 1e-9)))
    beyond = int(scaled[:, 0].argmax()), size, float(np.median(others)), float(others.max())
    return as_large, (1 + as_large) / (1 + len(others)), *beyond


def measure_responses(
    values: pd.DataFrame, sweeps: Sweeps, settings: StatisticsSettings
) -> pd.DataFrame:
    """Takes the mean over bases of each measure at each value of each sweep.

    Returns:
        A row for each sweep (``latent``), measure and ``value``, in this order: ``estimate``, the
        mean of the ``n`` bases that have a value (of a base in a grid the mean over the other
        sweeps' values), with its bootstrap interval over bases, of a :data:`SHARE` in a single
        sweep Wilson's; no interval with fewer than ``min_outputs`` bases.
    """
    tables = []
    is_share = values.index.get_level_values("measure") == SHARE
    for axis, (latent, x) in enumerate(sweeps):
        by_base = mean_over(_lines(values, sweeps, axis), axis=2)  # [measures, bases, values]
        by_base = np.swapaxes(by_base, 1, 2).reshape(-1, by_base.shape[1])
        estimate, low, high = _means(by_base, settings)
        n = np.isfinite(by_base).sum(axis=-1)
        of_share = np.repeat(is_share, len(x)) & (n >= settings.min_outputs) & (len(sweeps) == 1)
        for i in np.flatnonzero(of_share):
            low[i], high[i] = wilson(round(estimate[i] * n[i]), int(n[i]), settings.confidence)
        table = head(values.loc[values.index.repeat(len(x))], latent=latent)
        table.insert(1, "value", np.tile(np.asarray(x, np.float64), len(values)))
        tables.append(table.assign(estimate=estimate, low=low, high=high, n=n))
    return pd.concat(tables, ignore_index=True)


def measure_interactions(
    values: pd.DataFrame, sweeps: Sweeps, settings: StatisticsSettings
) -> pd.DataFrame:
    """Says whether what one sweep does depends on where another stands.

    ``estimate`` is the difference of differences at the corners of two sweeps: what the second does
    (its last value less its first) at the last value of the first, less what it does at the first
    value of the first. 0: the two add up. ``p_holm`` is corrected over all rows of a pair of
    sweeps; there must be two sweeps or more.
    """
    tables = []
    for a, b in itertools.combinations(range(len(sweeps)), 2):
        corners = _lines(values, sweeps, a, b)[..., [0, -1], :][..., [0, -1]]
        second = corners[..., 1] - corners[..., 0]  # [measures, bases, lines, ends of a]
        by_base = mean_over(second[..., 1] - second[..., 0])
        estimate, low, high = _means(by_base, settings)
        table = head(values, latent_a=sweeps[a][0], latent_b=sweeps[b][0]).assign(
            estimate=estimate, low=low, high=high, p=p_of_rows(values, by_base, settings),
            n=np.isfinite(by_base).sum(axis=-1),
        )  # fmt: skip
        tables.append(add_verdicts(table, settings, CHANGES, NO_CHANGE))
    return pd.concat(tables, ignore_index=True)


def _lines(values: pd.DataFrame, sweeps: Sweeps, *along: int) -> np.ndarray:
    """Arranges values along one or two of the sweeps, ``[measures, bases, lines, *values]``."""
    grid = values.to_numpy(np.float64).reshape(len(values), -1, *(len(x) for _, x in sweeps))
    lengths = [len(sweeps[axis][1]) for axis in along]
    grid = np.moveaxis(grid, [2 + axis for axis in along], range(-len(along), 0))
    return grid.reshape(*grid.shape[:2], -1, *lengths)


def _means(by_base: np.ndarray, settings: StatisticsSettings) -> tuple[np.ndarray, ...]:
    """Takes the means of rows ``[rows, bases]`` with their intervals: estimate, low, high."""
    return mean_intervals(by_base.T, 0, settings, settings.min_outputs)


def p_of_rows(
    values: pd.DataFrame, by_base: np.ndarray, settings: StatisticsSettings
) -> np.ndarray:
    """Tests the rows of ``[measures, bases]``; NaN where too few bases have a value.

    Numbers of intervals, and whether there is one, are tested by their signs, all else by means.
    """
    found = []
    for measure, row in zip(values.index.get_level_values("measure"), by_base, strict=True):
        counted = measure == SHARE or measure.startswith("n_")
        found.append(test_differences(row[np.isfinite(row)], counted, settings))
    return np.array(found)


def head(values: pd.DataFrame, **latents: str) -> pd.DataFrame:
    """Begins a table of statistics: the latents, then what the measures are."""
    return values.index.to_frame(index=False).assign(**latents)[[*latents, *KEYS]]
