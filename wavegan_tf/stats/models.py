"""Several models side by side: from which checkpoint on, what changed, and groups of models.

What is compared is the correlation of a layer with the output (:mod:`wavegan_tf.stats.correlate`).
Within one training the models were asked with the same inputs, so their difference is paired by
input, and speaks of these networks. Between groups of trainings the trainings are the units.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Container, Mapping, Sequence

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.controls import fisher_z
from wavegan_tf.stats.correlate import ENCODED, INVERSE, KEYS, NOT_JUDGED, cells
from wavegan_tf.stats.curves import compare
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.grids import SEMITONES
from wavegan_tf.stats.resampling import (
    BLOCK,
    TOO_FEW,
    StatisticsSettings,
    interval,
    mean_over,
    moments,
    pearson,
    resample,
)

ALWAYS, FROM, FORMER, NOT_SHOWN = "at all", "from one on", "not at the last", "not shown"
"""Verdicts on a training: shown at all checkpoints, from a later one on, earlier only, at none."""

HIGHER, LOWER = "higher", "lower"
N_SWAPS = 9999
"""Draws of a paired permutation: a hundred tests ask for a p below 0.0005."""

LEAST_MODELS = 3
"""Models that a group needs: the fewest that have a spread; four and three can show something."""

ONSET_COLUMNS = ("training", *KEYS, "shown", "from_step", "n_shown", "n", "verdict")
CHANGE_COLUMNS = (
    "model", "reference", *KEYS, "r", "r_reference", "estimate", "low", "high", "p", "n",
    "n_outputs",
)  # fmt: skip
GROUP_COLUMNS = (
    "mean", "mean_reference", "estimate", "low", "high", "n", "n_reference", "p", "p_least",
    "verdict",
)  # fmt: skip

Moments = dict[tuple, tuple[np.ndarray, np.ndarray]]
"""By cell (:data:`KEYS`) the bases that have values, ``[bases]``, and their sums [6, bases]."""


def find_onsets(
    correlations: pd.DataFrame, series: Mapping[str, Sequence[tuple[str, int]]]
) -> pd.DataFrame:
    """Says from which checkpoint of a training on each correlation is shown in every later one.

    Args:
        correlations: Of all models, with the column model, judged together
            (:func:`~wavegan_tf.stats.correlate.judge`): a statement on many checkpoints rests on
            many tests.
        series: By training its models in order, each with its step.

    Returns:
        A row for each training, channel, label, measure and layer: ``shown``, the verdict that is
        followed (that of the last checkpoint, else ``encoded``); ``from_step``, the first step from
        which on it is given at every checkpoint, NaN if there is none; ``n_shown`` of the ``n``
        checkpoints; ``verdict``. An earlier checkpoint is not shown to lack anything.
    """
    rows = []
    tested = correlations[correlations["verdict"] != ""]
    for training, models in series.items():
        names, steps = zip(*models, strict=True)
        own = tested[tested["model"].isin(names)]
        for key, cell in own.groupby(list(KEYS), sort=False, observed=True):
            found = cell.set_index(cell["model"].astype(str))["verdict"].reindex(names)
            last = found.iloc[-1]
            followed = last if last in (ENCODED, INVERSE) else ENCODED
            shown = (found == followed).to_numpy()
            ends = int(np.argmin(shown[::-1])) if not shown.all() else len(shown)
            first = len(shown) - ends  # of those in a row that end with the last
            verdict = (
                ALWAYS if not first else FROM if ends else FORMER if shown.any() else NOT_SHOWN
            )
            step = steps[first] if ends else math.nan
            rows.append((training, *key, followed, step, int(shown.sum()), len(shown), verdict))
    return pd.DataFrame(rows, columns=ONSET_COLUMNS)


def base_moments(
    points: pd.DataFrame,
    intervals: pd.DataFrame,
    bases: np.ndarray,
    target: str,
    left_out: Mapping[str, Container[str]],
) -> Moments:
    """Sums, for each base vector, what the correlation of each layer with the target needs.

    Args:
        points: Values at points, of one model.
        intervals: Values of whole intervals.
        bases: Number of the base vector of each output, ``[outputs]``.
        target: The layer that the others are compared with.
        left_out: As :func:`~wavegan_tf.stats.correlate.correlate` takes it.
    """
    found: Moments = {}
    for key, grid, layer in cells(points, intervals, target, left_out):
        pairs = grid.pairs(layer, target)
        if key[2] != SEMITONES and len(pairs.layer):
            ids, group = np.unique(bases[pairs.output], return_inverse=True)
            found[key] = ids, moments(_scaled(pairs.layer), _scaled(pairs.target), group, len(ids))
    return found


def _scaled(values: np.ndarray) -> np.ndarray:
    """Scales values to median 0 and interquartile range 1, which r does not depend on.

    So values of two models can change places. Scaled to a standard deviation they could not: a few
    octave errors would shrink all other values of the model that has them.
    """
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    return (values - middle) / (high - low or np.ptp(values) or 1.0)


def compare_models(
    model: str, reference: str, own: Moments, others: Moments, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares the correlations of two models over the base vectors that both have values of.

    The estimate is the difference of Fisher's z, ``model`` less ``reference``, its interval a
    bootstrap's over base vectors. ``p`` is that of a permutation: the two models change places in
    each base vector or not, by chance, and the difference over its standard error (jackknife) is
    compared with those of :data:`N_SWAPS` draws. An error that is taken anew in each draw keeps the
    level also where the models differ in more than r (DiCiccio & Romano 2017, Journal of the
    American Statistical Association 112:1211-1220), and no octave error makes it too small, as it
    does a t-test. Where hardly an output of a model varies there is no interval, and no p: draws
    that cannot be told apart would make it as small as it can be. The correction for many rows is
    the caller's.
    """
    rows = []
    for key in (key for key in own if key in others):
        shared, *places = np.intersect1d(own[key][0], others[key][0], return_indices=True)
        a, b = (x[key][1][:, at] for x, at in zip((own, others), places, strict=True))
        r = [float(pearson(x.sum(axis=1))) for x in (a, b)]
        z, n = float(fisher_z(r[0]) - fisher_z(r[1])), len(shared)
        n_pairs = int(min(a[0].sum(), b[0].sum()))
        low = high = p = math.nan
        if n >= settings.min_outputs and n_pairs >= settings.min_pairs and math.isfinite(z):
            drawn = resample(functools.partial(_difference, a, b), n, n, 0, settings)
            low, high = interval(drawn, n, settings.confidence)
            p = _swap(a, b) if math.isfinite(low) else p
        rows.append((model, reference, *key, *r, z, low, high, p, n_pairs, n))
    return pd.DataFrame(rows, columns=CHANGE_COLUMNS)


def _difference(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Subtracts Fisher's z of two models' sums [6, bases], weighted ``[bases, resamples]``."""
    return fisher_z(pearson(a @ weights)) - fisher_z(pearson(b @ weights))


def _swap(a: np.ndarray, b: np.ndarray) -> float:
    """Computes the p of the difference of two models' sums [6, bases] by swapping them."""
    n, rng = a.shape[1], np.random.default_rng([0, a.shape[1], 2])
    own, as_large = _studentised(a[..., np.newaxis], b[..., np.newaxis])[0], 1
    width = max(1, BLOCK // (32 * n))
    for start in range(0, N_SWAPS, width):
        swapped = rng.random((n, min(width, N_SWAPS - start))) < 0.5
        sides = (np.where(swapped, x[..., np.newaxis], y[..., np.newaxis])
                 for x, y in ((a, b), (b, a)))  # fmt: skip
        as_large += int((_studentised(*sides) >= own * (1 - 1e-9)).sum())
    return as_large / (1 + N_SWAPS)


def _studentised(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Divides the sizes of differences of z by their errors, of sums [6, bases, draws]."""
    totals = [x.sum(axis=1, keepdims=True) for x in (a, b)]
    whole = fisher_z(pearson(totals[0])) - fisher_z(pearson(totals[1]))
    without = fisher_z(pearson(totals[0] - a)) - fisher_z(pearson(totals[1] - b))
    return np.abs(whole[0]) / np.maximum(np.std(without, axis=0), 1e-12)


def judge_changes(changes: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Corrects p over all rows and says where a correlation is higher or lower."""
    judged = add_verdicts(changes, settings, DIFFERS, NO_DIFFERENCE)
    return judged.assign(verdict=_directed(judged["verdict"], judged["estimate"]))


def _directed(verdicts: pd.Series, estimates: pd.Series) -> np.ndarray:
    ways = np.where(estimates > 0, HIGHER, LOWER)
    return np.where(verdicts == DIFFERS, ways, verdicts)


def last_of_each(models: pd.DataFrame) -> pd.DataFrame:
    """Takes of a table of models the last checkpoint of each training: the units of groups."""
    last = models.sort_values("step", kind="stable").drop_duplicates("training", keep="last")
    return last.sort_index()


def compare_groups(
    values: pd.DataFrame, keys: Sequence[str], models: pd.DataFrame, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares groups of models, of which each training is one unit (:func:`last_of_each`).

    The estimate is the difference of the groups' means, with Welch's interval; p is that of a
    permutation of the models (:func:`~wavegan_tf.stats.curves.compare`), corrected for all cells by
    the maximum statistic and for the number of pairs of groups (Bonferroni).

    Args:
        values: ``model``, ``value`` and the columns ``keys`` that tell cells apart.
        keys: Names of these columns.
        models: The table of models: ``model``, ``training``, ``step`` and ``group``.
        settings: The confidence.

    Returns:
        A row for each pair of groups, the later one against the earlier, and cell: ``group``,
        ``reference``, the keys, :data:`GROUP_COLUMNS`; ``p_least`` is what p cannot be below.
    """
    last = last_of_each(models)
    cells = values[list(keys)].drop_duplicates(ignore_index=True)
    numbered = values.assign(cell=values.groupby(list(keys), sort=False).ngroup())
    wide = numbered.pivot(index="model", columns="cell", values="value")
    x = wide.reindex(last["model"]).to_numpy(np.float64)
    of, names = last["group"].to_numpy(), last["group"].drop_duplicates().tolist()
    least, parts = dataclasses.replace(settings, min_outputs=LEAST_MODELS), []
    pairs = list(itertools.combinations(names, 2))
    for reference, group in pairs:
        both = np.isin(of, (reference, group))
        found = compare(x[both], of[both], least)
        sides = [x[of == name] for name in (group, reference)]
        means, counts = [mean_over(y, 0) for y in sides], [np.isfinite(y).sum(0) for y in sides]
        low, high = np.full((2, len(cells)), math.nan)
        for k in np.flatnonzero(np.minimum(*counts) >= LEAST_MODELS):
            test = scipy.stats.ttest_ind(
                *(y[np.isfinite(y[:, k]), k] for y in sides), equal_var=False
            )
            low[k], high[k] = test.confidence_interval(settings.confidence)
        part = cells.assign(
            group=group, reference=reference, mean=means[0], mean_reference=means[1],
            estimate=means[0] - means[1], low=low, high=high, n=counts[0], n_reference=counts[1],
            p=np.minimum(1, found.p * len(pairs)), p_least=min(1, found.least_p * len(pairs)),
        )  # fmt: skip
        parts.append(part)
    table, alpha = pd.concat(parts, ignore_index=True), 1 - settings.confidence
    table["verdict"] = np.where(table["p"] < alpha, DIFFERS, NO_DIFFERENCE).astype(object)
    table.loc[table["p"].isna() | (table["p_least"] >= alpha), "verdict"] = TOO_FEW
    return table[["group", "reference", *keys, *GROUP_COLUMNS]]


def compare_correlations(
    correlations: pd.DataFrame, models: pd.DataFrame, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares Fisher's z of the correlations of groups of models (:func:`compare_groups`).

    What was not judged, or rests on too few values, does not count. ``r`` and ``r_reference`` are
    those of the mean z.
    """
    known = correlations[~correlations["verdict"].isin(("", TOO_FEW, NOT_JUDGED))]
    known = known[known["model"].isin(last_of_each(models)["model"]) & known["estimate"].notna()]
    known = known.astype({name: object for name in (*KEYS, "model") if name != "channel"})
    known = known.assign(value=fisher_z(known["estimate"].to_numpy()))
    table = compare_groups(known, KEYS, models, settings)
    table = table.rename(columns={"mean": "r", "mean_reference": "r_reference"})
    table[["r", "r_reference"]] = np.tanh(table[["r", "r_reference"]])
    return table.assign(verdict=_directed(table["verdict"], table["estimate"]))
