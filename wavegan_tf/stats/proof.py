"""What setting a latent variable does: shares at each value, trends, contrasts, and findings.

Beguš 2020, sections 4.2 to 4.4: outputs are generated anew with one variable at marginal values,
all else frozen; the share that has the property is counted at each value, and how steadily the
fricative and its ratio to the vowel follow the variable. Outputs of one base latent vector share
all that is frozen, so they are compared with each other, and base vectors are what is resampled.

``generated`` is a DataFrame with a row for each output throughout: ``latent, role`` (``top``,
``control``, ``together``), ``value``, ``base``, and a column for each measure; NaN where an output
has no value. ``seed`` is that of resampling, ``settings`` says how certain. An output without a
fricative has no intensity of one. So ``frication_db`` is a mean over the outputs that still have
frication, and where few do these are the loudest of all: it falls less than frication does. The
share and the ratio have no such bias.
"""

import math

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.effects import add_verdicts, paired_t
from wavegan_tf.stats.maps import over_bases
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


def prove(
    generated: pd.DataFrame, measures: dict[str, str], seed: int, settings: RankingSettings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts and measures outputs whose latent variables were set, and tests for trends.

    ``measures`` are units by name of a column, :data:`SHARE` or :data:`MEAN` first.

    Returns:
        The table ``proof``, by variable, measure and ascending value (:func:`levels`). And
        ``trends`` (:func:`trend`) of variables that were set alone, ``p_holm`` over all rows.

    Raises:
        ValueError: Two outputs of one base vector have the same setting.
    """
    proof, trends = [], []
    for (latent, role), rows in generated.groupby(["latent", "role"], sort=False):
        for measure, unit in measures.items():
            about = {"latent": latent, "role": role, "measure": measure, "unit": unit}
            table = rows.pivot(index="base", columns="value", values=measure)
            found = levels(table, measure, seed, settings).reset_index()
            proof.append(pd.DataFrame([about] * len(found)).join(found))
            if role != TOGETHER:
                trends.append(about | trend(table, seed, settings))
    tests = add_verdicts(pd.DataFrame(trends), settings, RISES, NO_TREND)
    tests.loc[(tests["verdict"] == RISES) & (tests["estimate"] < 0), "verdict"] = FALLS
    return pd.concat(proof, ignore_index=True), tests


def trend(table: pd.DataFrame, seed: int, settings: RankingSettings) -> dict[str, float]:
    """Fits the slope within base vectors of what was measured on the value of a variable.

    Each base vector has a level of its own; the slope is common (least squares). Where a base lacks
    values it counts for as much as those it has say about a slope. The interval resamples bases;
    ``p`` is that of Student's t over the bases' sums of products, which are proportional to their
    own slopes where no value is missing.

    Takes a row for each base, a column for each value, ascending; NaN for no value.

    Returns:
        ``estimate, low, high``: the slope per unit of the variable; ``rank_r``, Spearman's
        coefficient of the means over bases with the values (NaN with fewer than 3); ``monotone``,
        the share of steps from one mean to the next that go the way of the slope or stay; ``n``
        bases that have two values or more; ``p``.
    """
    values, y = table.columns.to_numpy(np.float64), table.to_numpy(np.float64)
    y = y[np.isfinite(y).sum(axis=1) >= 2]
    slope = low = high = rank_r = monotone = p = math.nan
    if len(y):
        x = np.where(np.isfinite(y), values, math.nan)
        dx = x - np.nanmean(x, axis=1, keepdims=True)
        products = np.nansum(dx * y, axis=1)  # [bases]
        products[np.abs(products) <= 1e-12 * np.nansum(np.abs(dx * y), axis=1)] = 0  # rounding
        sums = np.stack([products, np.nansum(dx * dx, axis=1)])
        slope = float(np.divide(*sums.sum(axis=1)))
        seen = np.isfinite(y).any(axis=0)
        means = np.nanmean(y[:, seen], axis=0)
        rank_r = float(rank_correlations(values[seen], means))
        monotone = float((np.diff(means) * np.sign(slope) >= 0).mean()) if slope else math.nan
    if len(y) >= settings.min_outputs:

        def slopes(weights: np.ndarray) -> np.ndarray:
            return np.divide(*(sums @ weights))[None]

        drawn = resample(slopes, len(y), y.size, seed, settings)[0]
        low, high = interval(drawn, len(y), settings.confidence)
        p = paired_t(products)
    return {
        "estimate": slope, "low": low, "high": high, "rank_r": rank_r, "monotone": monotone,
        "n": len(y), "p": p,
    }  # fmt: skip


def difference(differences: np.ndarray, seed: int, settings: RankingSettings) -> dict[str, float]:
    """Averages one difference per base vector, ``[bases]``, as :func:`over_bases` does."""
    known = differences[np.isfinite(differences), None]
    [row] = over_bases(known, seed, settings).to_dict("records")
    return {name: row[name] for name in ("estimate", "low", "high", "n", "p")}


def contrast(
    generated: pd.DataFrame, measure: str, seed: int, settings: RankingSettings
) -> pd.DataFrame:
    """Compares each value of z with its mirror image, of c with 0, within base vectors.

    A slope over the whole sweep misses what comes near training's range and is gone far outside it,
    where every output is noise; pairs of values at equal distances from 0 do not. A variable of the
    code is 0 or 1 in training: its mirror image -1 is no code, and its opposite is 0.

    Rows of the role ``together`` are left out; ``p_holm`` is over all rows.
    """
    found = []
    alone = generated[generated["role"] != TOGETHER]
    for (latent, role), rows in alone.groupby(["latent", "role"], sort=False):
        table, is_code = rows.pivot(index="base", columns="value", values=measure), latent[0] == "c"
        values = table.columns.to_numpy(np.float64)
        for last in values[values != 0 if is_code else values > 0]:
            first = 0.0 if is_code else -last
            if first in table:
                apart = (table[last] - table[first]).to_numpy()
                found.append(
                    (latent, role, first, last, *difference(apart, seed, settings).values())
                )
    columns = ("latent", "role", "from_value", "to_value", "estimate", "low", "high", "n", "p")
    return add_verdicts(pd.DataFrame(found, columns=columns), settings, CHANGES, NO_CHANGE)


def findings(
    ranking: pd.DataFrame, proof: pd.DataFrame, trends: pd.DataFrame, contrasts: pd.DataFrame
) -> pd.DataFrame:
    """Puts together what ranking and generation say of each variable that was set alone.

    Takes the tables of :func:`~wavegan_tf.stats.ranking.rank`, :func:`prove` (of the property only
    its share or mean counts) and :func:`contrast`. The contrast of a variable is the one whose
    change is the largest among those shown, else that of the smallest p; ``n`` is the smaller of
    its two; ``moves`` says whether slope or contrast shows a change.
    """
    slopes = trends[trends["measure"].isin((SHARE, MEAN))]
    table = pd.DataFrame({
        "latent": slopes["latent"], "role": slopes["role"],
        "ranked": slopes["latent"].map(ranking.set_index("latent")["verdict"]),
        "trend": slopes["verdict"], "slope": slopes["estimate"], "trend_p_holm": slopes["p_holm"],
    })  # fmt: skip
    shown = contrasts["verdict"] == CHANGES
    size = np.where(shown, -contrasts["estimate"].abs(), contrasts["p"])
    best = contrasts.assign(hidden=~shown, size=size).sort_values(["hidden", "size"])
    best = best.drop_duplicates("latent").drop(columns=["role", "n"])
    level = proof[proof["measure"].isin((SHARE, MEAN))].set_index(["latent", "value"])
    for end in ("from", "to"):
        own = level[["estimate", "n"]].add_prefix(f"{end}_")
        best = best.join(own, on=["latent", f"{end}_value"])
    best["n"] = best[["from_n", "to_n"]].min(axis=1)
    names = ["from_value", "to_value", "from_estimate", "to_estimate", "n", "p_holm", "verdict"]
    table = table.merge(best[["latent", *names]], "left", on="latent")
    table = table.fillna({"n": 0, "verdict": TOO_FEW}).astype({"n": int})
    table["moves"] = table["trend"].isin((RISES, FALLS)) | (table["verdict"] == CHANGES)
    return table
