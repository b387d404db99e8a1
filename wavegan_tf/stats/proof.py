"""What setting a latent variable does: shares at each value, trends, contrasts, and findings.

Beguš 2020, sections 4.2 to 4.4: outputs are generated anew with one variable at marginal values,
all else frozen; the share that has the property is counted at each value, and how steadily the
fricative and its ratio to the vowel follow the variable. Outputs of one base latent vector share
all that is frozen, so they are compared with each other, and base vectors are what is resampled.

``generated`` is a DataFrame with a row for each output throughout: ``latent, role`` (``top``,
``control``, ``together``), ``value``, ``base``, and a column for each measure; NaN where an output
has no value. An output without a fricative has no intensity of one. So ``frication_db`` is a mean
over the outputs that still have frication, and where few do these are the loudest of all: it falls
less than frication does. The share and the ratio have no such bias.
"""

import math

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import add_verdicts, paired_t
from wavegan_tf.stats.ranking import RankingSettings
from wavegan_tf.stats.resampling import TOO_FEW, interval, mean_intervals, resample
from wavegan_tf.stats.sweeps import CHANGES, NO_CHANGE, rank_correlations

TOP, CONTROL, TOGETHER = "top", "control", "together"
RISES, FALLS, NO_TREND = "rises", "falls", "no trend shown"
SHARE, MEAN = "share", "mean"


def wilson(count: int, n: int, confidence: float) -> tuple[float, float]:
    """Takes Wilson's score interval of a share of independent outputs; NaN for no outputs.

    Its coverage is close to what it claims at 25 outputs and at shares near 0 and 1 (Brown, Cai &
    DasGupta 2001, Statistical Science 16:101-133).
    """
    if n == 0:
        return math.nan, math.nan
    found = scipy.stats.binomtest(count, n).proportion_ci(confidence, method="wilson")
    return float(found.low), float(found.high)


def by_base(rows: pd.DataFrame, measure: str, cells: list[str]) -> pd.DataFrame:
    """Lays a measure out: a row for each base vector, a column for each setting, ascending.

    Raises:
        ValueError: Two outputs of one base vector have the same setting.
    """
    return rows.pivot(index="base", columns=cells, values=measure)


def levels(
    rows: pd.DataFrame, measure: str, cells: list[str], seed: int, settings: RankingSettings
) -> pd.DataFrame:
    """Takes the share (measure ``share``) or mean of a measure at each setting.

    Returns:
        A row for each setting, ascending, indexed by ``cells``: ``estimate, low, high, n`` outputs
        that have a value. Intervals are Wilson's, or the bootstrap's over base vectors.
    """
    table = by_base(rows, measure, cells)
    n = table.notna().sum()
    if measure == SHARE:
        ends = [wilson(int(k), m, settings.confidence) for k, m in zip(table.sum(), n, strict=True)]
        low, high = np.array(ends).T
        estimate = table.mean().to_numpy()
    else:
        estimate, low, high = mean_intervals(table.to_numpy(), seed, settings)
    columns = {"estimate": estimate, "low": low, "high": high, "n": n.to_numpy()}
    return pd.DataFrame(columns, table.columns)


def prove(
    generated: pd.DataFrame, measures: dict[str, str], seed: int, settings: RankingSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts and measures outputs whose latent variables were set, and tests for trends.

    Args:
        generated: The outputs; each variable has one role.
        measures: Unit by name of a column, :data:`SHARE` or :data:`MEAN` first.
        seed: From 0.
        settings: How certain.

    Returns:
        The table ``proof``, by variable as they first come, measure and ascending value: ``latent,
        role, measure, unit, value, estimate, low, high, n``. And ``trends``, of variables that were
        set alone: ``latent, role, measure, unit``, what :func:`trend` gives, ``p_holm`` over all
        rows, and ``verdict``: ``rises``, ``falls``, ``no trend shown`` or ``too few``.
    """
    proof, trends = [], []
    for (latent, role), rows in generated.groupby(["latent", "role"], sort=False):
        for measure, unit in measures.items():
            about = {"latent": latent, "role": role, "measure": measure, "unit": unit}
            found = levels(rows, measure, ["value"], seed, settings).reset_index()
            proof.append(pd.DataFrame([about] * len(found)).join(found))
            if role != TOGETHER:
                trends.append(about | trend(by_base(rows, measure, ["value"]), seed, settings))
    table = add_verdicts(pd.DataFrame(trends), settings, RISES, NO_TREND)
    table.loc[(table["verdict"] == RISES) & (table["estimate"] < 0), "verdict"] = FALLS
    return pd.concat(proof, ignore_index=True), table


def trend(table: pd.DataFrame, seed: int, settings: RankingSettings) -> dict[str, float]:
    """Fits the slope within base vectors of what was measured on the value of a variable.

    Each base vector has a level of its own; the slope is common (least squares). Where a base lacks
    values it counts for as much as those it has say about a slope. The interval resamples bases;
    ``p`` is that of Student's t over the bases' sums of products, which are proportional to their
    own slopes where no value is missing.

    Args:
        table: A row for each base, a column for each value, ascending; NaN for no value.
        seed: From 0.
        settings: With ``n_resamples``, ``confidence`` and ``min_outputs``.

    Returns:
        ``estimate, low, high``: the slope per unit of the variable; ``rank_r``, Spearman's
        coefficient of the means over bases with the values (NaN with fewer than 3); ``monotone``,
        the share of steps from one mean to the next that go the way of the slope or stay; ``n``
        bases that have values at two places or more; ``p``. All but the count NaN where there are
        none, interval and p below ``min_outputs``.
    """
    values = np.array([np.ravel(value)[0] for value in table.columns], np.float64)
    y = table.to_numpy(np.float64)
    y = y[np.isfinite(y).sum(axis=1) >= 2]
    result = dict.fromkeys(("estimate", "low", "high", "rank_r", "monotone"), math.nan)
    result |= {"n": len(y), "p": math.nan}
    if not len(y):
        return result
    x = np.where(np.isfinite(y), values, math.nan)
    dx = x - np.nanmean(x, axis=1, keepdims=True)
    products = np.nansum(dx * y, axis=1)  # [bases]
    products[np.abs(products) <= 1e-12 * np.nansum(np.abs(dx * y), axis=1)] = 0  # rounding
    squares = np.nansum(dx * dx, axis=1)
    slope = products.sum() / squares.sum()
    seen = np.isfinite(y).any(axis=0)
    means = np.nanmean(y[:, seen], axis=0)
    result["estimate"] = float(slope)
    result["rank_r"] = float(rank_correlations(values[seen], means))
    if slope:
        result["monotone"] = float((np.diff(means) * np.sign(slope) >= 0).mean())
    if len(y) >= settings.min_outputs:
        sums = np.stack([products, squares])

        def slopes(weights: np.ndarray) -> np.ndarray:
            top, bottom = sums @ weights
            return (top / bottom)[None]

        drawn = resample(slopes, len(y), y.size, seed, settings)[0]
        result["low"], result["high"] = interval(drawn, len(y), settings.confidence)
        result["p"] = paired_t(products)
    return result


def difference(differences: np.ndarray, seed: int, settings: RankingSettings) -> dict[str, float]:
    """Takes the mean of one difference per base vector.

    Args:
        differences: ``[bases]``; NaN is left out.
        seed: From 0.
        settings: With ``n_resamples``, ``confidence`` and ``min_outputs``.

    Returns:
        ``estimate``, its bootstrap interval over bases ``low, high``, ``n`` bases, and ``p``
        (:func:`~wavegan_tf.stats.effects.paired_t`); interval and p NaN below ``min_outputs``. An
        interval of no width says that no base differed from another.
    """
    differences = differences[np.isfinite(differences)]
    n, least = len(differences), settings.min_outputs
    estimate, low, high = (
        float(x) for (x,) in mean_intervals(differences[:, None], seed, settings, least)
    )
    p = paired_t(differences) if n >= least else math.nan
    return {"estimate": estimate, "low": low, "high": high, "n": n, "p": p}


def contrast(
    generated: pd.DataFrame, measure: str, seed: int, settings: RankingSettings
) -> pd.DataFrame:
    """Compares each value of z with its mirror image, of c with 0, within base vectors.

    A slope over the whole sweep misses what comes near training's range and is gone far outside it,
    where every output is noise; pairs of values at equal distances from 0 do not. A variable of the
    code is 0 or 1 in training: its mirror image -1 is no code, and its opposite is 0.

    Args:
        generated: The outputs; rows of the role ``together`` are left out.
        measure: The column that is compared.
        seed: From 0.
        settings: How certain.

    Returns:
        ``latent, role, from_value, to_value``, what :func:`difference` gives (at ``to_value`` less
        that at ``from_value``), ``p_holm`` over all rows and ``verdict``: ``changes``, ``no change
        shown`` or ``too few``.
    """
    found = []
    alone = generated[generated["role"] != TOGETHER]
    for (latent, role), rows in alone.groupby(["latent", "role"], sort=False):
        table = rows.pivot(index="base", columns="value", values=measure)
        values = [float(value) for value in table.columns]
        ends = [(-value, value) for value in values if value > 0]
        if str(latent).startswith("c"):
            ends = [(0.0, value) for value in values if value]
        for first, last in ends:
            if first in values:
                about = {"latent": latent, "role": role, "from_value": first, "to_value": last}
                apart = (table[last] - table[first]).to_numpy()
                found.append(about | difference(apart, seed, settings))
    columns = ("latent", "role", "from_value", "to_value", "estimate", "low", "high", "n", "p")
    return add_verdicts(pd.DataFrame(found, columns=columns), settings, CHANGES, NO_CHANGE)


def findings(
    ranking: pd.DataFrame, proof: pd.DataFrame, trends: pd.DataFrame, contrasts: pd.DataFrame
) -> pd.DataFrame:
    """Puts together what ranking and generation say of each variable that was set alone.

    Args:
        ranking: The table of :func:`~wavegan_tf.stats.ranking.rank`.
        proof: Of :func:`prove`, and so ``trends``; of the property only its share or mean counts.
        trends: ..
        contrasts: Of :func:`contrast`.

    Returns:
        A row for each variable: ``latent, role``; ``ranked``, the verdict of the ranking;
        ``trend``, that of the slope over all values, with its ``slope`` and ``trend_p_holm``; the
        contrast ``from_value, to_value`` whose change is the largest among those shown, else that
        of the smallest p, with both levels ``from_estimate, to_estimate``, their smaller ``n``
        and ``p_holm``; ``verdict``, that of the contrast; ``moves``, whether slope or contrast
        shows a change.
    """
    rows = []
    levels_of = proof[proof["measure"].isin((SHARE, MEAN))].to_dict("records")
    at = {(row["latent"], row["value"]): row for row in levels_of}
    ranked = dict(zip(ranking["latent"], ranking["verdict"], strict=True))
    for slope in trends[trends["measure"].isin((SHARE, MEAN))].itertuples():
        row = {
            "latent": slope.latent, "role": slope.role, "ranked": ranked[slope.latent],
            "trend": slope.verdict, "slope": slope.estimate, "trend_p_holm": slope.p_holm,
            "from_value": math.nan, "to_value": math.nan, "from_estimate": math.nan,
            "to_estimate": math.nan, "n": 0, "p_holm": math.nan, "verdict": TOO_FEW,
        }  # fmt: skip
        own = contrasts[contrasts["latent"] == slope.latent]
        shown = own[own["verdict"] == CHANGES]
        best = shown.sort_values("estimate", key=np.abs, ascending=False, kind="stable")
        if best.empty:
            best = own.sort_values("p", kind="stable")
        for change in best.head(1).to_dict("records"):
            first, last = (at[slope.latent, change[f"{end}_value"]] for end in ("from", "to"))
            row |= {name: change[name] for name in ("from_value", "to_value", "p_holm", "verdict")}
            row |= {"from_estimate": first["estimate"], "to_estimate": last["estimate"]}
            row["n"] = min(first["n"], last["n"])
        row["moves"] = row["trend"] in (RISES, FALLS) or row["verdict"] == CHANGES
        rows.append(row)
    return pd.DataFrame(rows)
