"""What setting a latent variable does: shares at each value, trends, contrasts, and findings.

Beguš 2020, sections 4.2 to 4.4: outputs are generated anew with one variable at marginal values,
all else frozen; the share that has the property is counted at each value, and how steadily the
fricative and its ratio to the vowel follow the variable. Outputs of one base latent vector share
all that is frozen, so they are compared with each other, and base vectors are what is resampled.
A yes or no (the column ``share``) is tested by signs, from 15 bases on; a mean by Student's t.

``generated`` is a DataFrame with a row for each output throughout: ``latent, role`` (``top`` or
``control``), ``value``, ``base``, and a column for each measure; NaN where an output has no value.
``seed`` is that of resampling, ``settings`` says how certain. An output without a fricative has no
intensity of one. So ``frication_db`` is a mean over the outputs that still have frication, and
where few do these are the loudest of all: it falls less than frication does. The share and the
ratio have no such bias.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import add_verdicts, test_differences
from wavegan_tf.stats.ranking import EVEN, LINEAR, RankingSettings
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    interval,
    mean_intervals,
    mean_over,
    resample,
    wilson,
)
from wavegan_tf.stats.sweeps import CHANGES, NO_CHANGE, rank_correlations

TOP, CONTROL = "top", "control"
RISES, FALLS, NO_TREND = "rises", "falls", "no trend shown"
SHARE, MEAN = "share", "mean"
CAUSE, INSIDE, OUTSIDE = "cause", "moves it inside training", "moves it only outside training"
AS_CONTROLS = "moves it only outside training, as controls do"
AGREES, DISAGREES = "agrees", "disagrees"
SIDE = ("form", "from_value", "to_value", "from_estimate", "to_estimate", "n", "p_holm")
_CONTRASTS = ("latent", "role", *SIDE[:-2], "estimate", "low", "high", "n", "p")
TRAINING = 1.0  # the largest value in training: of z to either side, of a code from 0


def levels(table: pd.DataFrame, measure: str, seed: int, settings: RankingSettings) -> pd.DataFrame:
    """Takes the share (measure ``share``) or mean of a measure at each setting.

    Takes a row for each base vector, a column for each setting; gives a row for each column:
    ``estimate, low, high, n``. Intervals are Wilson's, or the bootstrap's over base vectors.
    """
    n = table.notna().sum()
    if measure == SHARE:
        ends = [wilson(int(k), m, settings.confidence) for k, m in zip(table.sum(), n, strict=True)]
        low, high = np.array(ends).T
        estimate = table.mean().to_numpy()
    else:
        estimate, low, high = mean_intervals(table.to_numpy(), seed, settings)
    columns = {"estimate": estimate, "low": low, "high": high, "n": n.to_numpy()}
    return pd.DataFrame(columns, table.columns)


def screen(generated: pd.DataFrame, seed: int, settings: RankingSettings) -> pd.DataFrame:
    """Counts outputs of each variable set alone: ``latent, value, estimate, low, high, n``.

    The largest share comes first, without a test: it says what is worth proving.
    """
    table = generated.pivot(index="base", columns=["latent", "value"], values=SHARE)
    order = list(generated[["latent", "value"]].drop_duplicates().itertuples(index=False))
    found = levels(table[order], SHARE, seed, settings).reset_index()
    return found.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)


def prove(
    generated: pd.DataFrame, measures: dict[str, str], seed: int, settings: RankingSettings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Counts and measures outputs whose latent variables were set; tests trends and contrasts.

    ``measures`` are units by name of a column, :data:`SHARE` or :data:`MEAN` first.

    Returns:
        The table ``proof``, by variable as they first come, measure and ascending value: ``latent,
        role, measure, unit, value, estimate, low, high, n``. And
        ``trends``: ``latent, role, measure, unit``, what :func:`trend` gives, and ``verdict``:
        ``rises``, ``falls``, ``no trend shown`` or ``too few``. And ``contrasts`` of the first
        measure: ``latent, role``, what :func:`contrast` gives, and ``verdict``: ``changes``, ``no
        change shown`` or ``too few``. Both tables are one family of tests for ``p_holm``, the rows
        of controls, which the others are compared with, a family of their own.

    Raises:
        ValueError: Two outputs of one base vector have the same setting.
    """
    proof, trends, contrasts = [], [], []
    for (latent, role), rows in generated.groupby(["latent", "role"], sort=False):
        for measure, unit in measures.items():
            table = rows.pivot(index="base", columns="value", values=measure)
            about = {"latent": latent, "role": role, "measure": measure, "unit": unit}
            found = levels(table, measure, seed, settings).reset_index()
            proof.append(pd.DataFrame([about] * len(found)).join(found))
            trends.append(about | trend(table, measure, seed, settings))
            if measure in (SHARE, MEAN):
                own = contrast(table, measure, latent[0] == "c", seed, settings)
                contrasts += [{"latent": latent, "role": role} | row for row in own]
    tests = pd.DataFrame([{"role": row["role"], "p": row["p"]} for row in trends + contrasts])
    families = tests.groupby("role", sort=False)
    judged = pd.concat([add_verdicts(x, settings, CHANGES, NO_CHANGE) for _, x in families])
    judged = judged.sort_index()[["p_holm", "verdict"]]
    slopes = pd.DataFrame(trends).join(judged[: len(trends)])
    ways = slopes.pop("way").map({1.0: RISES, -1.0: FALLS}).fillna(NO_TREND)
    few = slopes["verdict"] == TOO_FEW
    slopes["verdict"] = ways.where(slopes["verdict"] == CHANGES, NO_TREND).mask(few, TOO_FEW)
    apart = pd.DataFrame(contrasts, columns=_CONTRASTS)
    apart = apart.join(judged[len(trends) :].reset_index(drop=True))
    return pd.concat(proof, ignore_index=True), slopes, apart


def _products(table: pd.DataFrame, in_order: bool = False) -> np.ndarray:
    """Sums dx * y and dx * dx within each base that has two values or more, ``[2, bases]``.

    ``in_order`` counts values 1, 2, 3: if a value has no effect such a sum is as often above 0 as
    below, however values are spaced.
    """
    y = table.to_numpy(np.float64)
    y = y[np.isfinite(y).sum(axis=1) >= 2]
    there = np.isfinite(y)
    x = there.cumsum(axis=1) if in_order else table.columns.to_numpy(np.float64)
    x = np.where(there, x, math.nan)
    dx = x - np.nanmean(x, axis=1, keepdims=True)
    products = np.nansum(dx * y, axis=1)
    products[np.abs(products) <= 1e-12 * np.nansum(np.abs(dx * y), axis=1)] = 0  # rounding
    return np.stack([products, np.nansum(dx * dx, axis=1)])


def _direction(table: pd.DataFrame, measure: str, settings: RankingSettings) -> tuple[float, float]:
    """Says which way a curve goes, 1, -1 or 0, and its p: by signs of a share, else by t."""
    steps = _products(table, in_order=measure == SHARE)[0]
    way = np.sign((np.sign(steps) if measure == SHARE else steps).sum())
    return float(way), test_differences(steps, measure == SHARE, settings)


def trend(
    table: pd.DataFrame, measure: str, seed: int, settings: RankingSettings
) -> dict[str, float]:
    """Fits the slope within base vectors of what was measured on the value of a variable.

    Each base vector has a level of its own; the slope is common (least squares). Where a base lacks
    values it counts for as much as those it has say about a slope. The interval resamples bases.
    ``p`` of a share is that of the sign test of the bases' slopes over the values in order; else
    that of Student's t over their sums of products, which are proportional to their slopes where no
    value is missing.

    Takes a row for each base, a column for each value, ascending; NaN for no value.

    Returns:
        ``estimate, low, high``: the slope per unit of the variable; ``rank_r``, Spearman's
        coefficient of the means over bases with the values (NaN with fewer than 3); ``monotone``,
        the share of steps from one mean to the next that go the way of the slope or stay; ``n``
        bases that have values at two places or more; ``p``; ``way``, 1 or -1, or 0 where slope and
        test disagree or a part of the curve is shown to go the other way: the values up to 0, from
        0, or inside the range of training. All but the count and the way NaN where there are none,
        interval and p for too few.
    """
    values, sums = table.columns.to_numpy(np.float64), _products(table)
    slope = low = high = rank_r = monotone = math.nan
    n = sums.shape[1]
    if n:
        slope = float(np.divide(*sums.sum(axis=1)))
        y = table.to_numpy(np.float64)
        y = y[np.isfinite(y).sum(axis=1) >= 2]
        seen = np.isfinite(y).any(axis=0)
        means = np.nanmean(y[:, seen], axis=0)
        rank_r = float(rank_correlations(values[seen], means))
        monotone = float((np.diff(means) * np.sign(slope) >= 0).mean()) if slope else math.nan
    if n >= settings.min_outputs:

        def slopes(weights: np.ndarray) -> np.ndarray:
            return np.divide(*(sums @ weights))[None]

        drawn = resample(slopes, n, n * len(values), seed, settings)[0]
        low, high = interval(drawn, n, settings.confidence)
    way, p = _direction(table, measure, settings)
    for part in (values <= 0, values >= 0, np.abs(values) <= TRAINING):
        other, other_p = _direction(table.loc[:, part], measure, settings)
        against = other == -way and other_p < 1 - settings.confidence
        way = 0.0 if against or np.sign(slope) != way else way
    return {
        "estimate": slope, "low": low, "high": high, "rank_r": rank_r, "monotone": monotone,
        "n": n, "p": p, "way": way,
    }  # fmt: skip


def difference(
    differences: np.ndarray, measure: str, seed: int, settings: RankingSettings
) -> dict[str, float]:
    """Takes the mean of one difference per base vector, ``[bases]``; NaN is left out.

    ``[bases, sides]`` are differences to several sides: their mean is taken, and what is tested is
    that every side changes, the same way. So p is the largest of theirs, 1 if they go apart.

    Returns:
        ``estimate``, its bootstrap interval over bases ``low, high``, ``n`` bases, and ``p``: of a
        share :func:`~wavegan_tf.stats.effects.sign_test`, else
        :func:`~wavegan_tf.stats.effects.paired_t`; interval and p NaN for too few. An interval of
        no width says that no base differed from another.
    """
    sides = differences.reshape(len(differences), -1)
    sides = sides[np.isfinite(sides).all(axis=1)]
    mean = sides.mean(axis=1, keepdims=True)
    found = mean_intervals(mean, seed, settings, settings.min_outputs)
    estimate, low, high = (float(x) for (x,) in found)
    p = float(np.max([test_differences(x, measure == SHARE, settings) for x in sides.T]))
    if not math.isnan(p) and np.ptp(np.sign(sides.sum(axis=0))):
        p = 1.0
    return {"estimate": estimate, "low": low, "high": high, "n": len(sides), "p": p}


def contrast(
    table: pd.DataFrame, measure: str, is_code: bool, seed: int, settings: RankingSettings
) -> list[dict[str, Any]]:
    """Compares values of a variable within base vectors.

    ``linear``: each value of z with its mirror image. A slope over the whole sweep misses what
    comes near training's range and is gone far outside it, where every output is noise; pairs of
    values at equal distances from 0 do not. A variable of the code is 0 or 1 in training: its
    mirror image -1 is no code, and its opposite is 0. ``even``: z at 0 with both sides, which have
    to change alike; ``to_value`` then stands for both.

    Takes a row for each base, a column for each value, ascending; NaN for no value.

    Returns:
        For each two values that are there: ``form, from_value, to_value``, levels over the same
        bases ``from_estimate, to_estimate``, and what :func:`difference` gives.
    """
    found = []
    values = table.columns.to_numpy(np.float64)
    for last in values[values != 0 if is_code else values > 0]:
        pairs = {LINEAR: [(0.0 if is_code else -last, last)]}
        if not is_code:
            pairs[EVEN] = [(0.0, last), (0.0, -last)]
        for form, sides in pairs.items():
            if not {x for side in sides for x in side} <= {*values}:
                continue
            y = np.stack([table[[*side]].to_numpy(np.float64) for side in sides], axis=-1)
            y = y[np.isfinite(y).all(axis=(1, 2))]  # [bases, 2 values, sides]
            ends = mean_over(y.mean(axis=2), axis=0)
            about = {"form": form, "from_value": sides[0][0], "to_value": last}
            about |= {"from_estimate": ends[0], "to_estimate": ends[1]}
            found.append(about | difference(y[:, 1] - y[:, 0], measure, seed, settings))
    return found


def findings(
    latents: Sequence[str], ranking: pd.DataFrame, contrasts: pd.DataFrame
) -> pd.DataFrame:
    """Says of each variable that was proved what may be claimed.

    Takes the table of :func:`~wavegan_tf.stats.ranking.rank`, without rows where nothing was ranked
    (an estimate may be NaN: its sign is not compared), and the contrasts of :func:`prove`.

    Returns:
        A row for each variable: ``latent``; ``ranked``, the verdict of the ranking; the contrast
        within the range of training whose change is the largest of those shown, else that of the
        smallest p: ``inside_form, inside_from_value, inside_to_value, inside_from_estimate,
        inside_to_estimate, inside_n, inside_p_holm``, and the best beyond it, ``outside_``. Of the
        one that the verdict is about: ``sign``, whether it ``agrees`` with the ranking's estimate
        of the same form or ``disagrees``; ``n_controls``, those which have this contrast (of z
        other z; of a code inside training codes from 0 to 1 and z from -1 to 1, outside codes), and
        ``n_controls_as_large``, whose change may be as large: its interval reaches it. ``verdict``:
        ``cause``: shown inside, the sign does not disagree, and none of one control or more does
        as much; ``moves it inside training``: shown inside, but not all of that; ``moves it only
        outside training``: shown outside alone, and so for no control; ``moves it only outside
        training, as controls do``; ``no change shown``; ``too few``.
    """
    signs = ranking.set_index(["latent", "form"])["estimate"].map(np.sign).to_dict()
    ranked = ranking.drop_duplicates("latent").set_index("latent")["verdict"].to_dict()
    rows = []
    for latent in latents:
        own = contrasts[contrasts["latent"] == latent]
        is_inside = own["to_value"].between(0, TRAINING)
        inside, outside = _best(own[is_inside]), _best(own[~is_inside])
        main = outside if CHANGES == outside["verdict"] != inside["verdict"] else inside
        same = (contrasts["form"] == main["form"]) & (contrasts["role"] == CONTROL)
        same &= contrasts["to_value"].abs() == abs(main["to_value"])
        if latent[0] == "z" or main is outside:
            same &= contrasts["latent"].str[0] == latent[0]
        reached = contrasts[["estimate", "low", "high"]].abs().max(axis=1)  # without NaN
        large = same & (reached >= abs(main["estimate"]))
        n, n_large = (contrasts.loc[x, "latent"].nunique() for x in (same, large))
        agreement = signs.get((latent, main["form"]), math.nan) * np.sign(main["estimate"])
        sign = "" if math.isnan(agreement) else AGREES if agreement > 0 else DISAGREES
        verdict = main["verdict"]
        if verdict == CHANGES:
            proved = CAUSE if n and not n_large and sign != DISAGREES else INSIDE
            alone = AS_CONTROLS if n_large else OUTSIDE
            verdict = alone if main is outside else proved
        row = {"latent": latent, "ranked": ranked.get(latent, "")}
        for place, best in (("inside", inside), ("outside", outside)):
            row |= {f"{place}_{name}": best[name] for name in SIDE}
        row |= {"sign": sign, "n_controls": n, "n_controls_as_large": n_large, "verdict": verdict}
        rows.append(row)
    return pd.DataFrame(rows)


def _best(rows: pd.DataFrame) -> dict[str, Any]:
    """Picks the largest change shown, else the smallest p; empty cells of no rows."""
    if not len(rows):
        empty = dict.fromkeys([*SIDE, "estimate"], math.nan)
        return empty | {"form": "", "n": 0, "verdict": TOO_FEW}
    hidden = rows["verdict"] != CHANGES
    order = rows["p"].where(hidden, -rows["estimate"].abs())
    return (
        rows.assign(hidden=hidden, order=order).sort_values(["hidden", "order"]).iloc[0].to_dict()
    )


def follow_ranking(
    ranking: pd.DataFrame, contrasts: pd.DataFrame, value: float, confidence: float
) -> dict[str, float]:
    """Asks whether what variables do at a value follows what the ranking says of them.

    Beguš (2020), second proof. Spearman's r over the variables that were proved, controls too,
    between the ranking's change for one standard deviation and the contrast from ``-value`` to
    ``value``, with the interval of Bonett & Wright (2000, Psychometrika 65:23-28).

    Returns:
        ``estimate``, ``low``, ``high``, ``p`` and ``n`` variables; NaN with fewer than five.
    """
    linear = ranking[ranking["form"] == LINEAR].set_index("latent")["estimate"]
    moved = contrasts[(contrasts["form"] == LINEAR) & (contrasts["to_value"].abs() == value)]
    both = moved.set_index("latent")[["estimate"]].join(linear, rsuffix="_ranked").dropna()
    found = {"estimate": math.nan, "low": math.nan, "high": math.nan, "p": math.nan}
    if len(both) >= 5 and both.nunique().min() > 1:
        r, p = scipy.stats.spearmanr(both)
        reach = scipy.stats.norm.ppf((1 + confidence) / 2)
        reach *= math.sqrt((1 + r**2 / 2) / (len(both) - 3))
        z = np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9))
        found = {"estimate": r, "low": np.tanh(z - reach), "high": np.tanh(z + reach), "p": p}
    return found | {"n": len(both)}
