"""Paired differences between conditions, and tests corrected for their number."""

import math

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtr

from wavegan_tf.stats.grids import Grids
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings, mean_intervals

LEAST_SIGNS = 15
"""Pairs that a verdict on yes or no needs: fewer cannot give a p that survives a correction."""

DIFFERS, NO_DIFFERENCE = "differs", "no difference shown"

DIFFERENCE_COLUMNS = (
    "channel", "label", "measure", "unit", "layer", "condition", "reference", "mean_condition",
    "mean_reference", "estimate", "low", "high", "p", "p_holm", "n", "verdict",
)  # fmt: skip


def compare_conditions(
    intervals: pd.DataFrame, design: pd.DataFrame, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares outputs of the same latent vectors under several conditions.

    The value of an output is the mean over its intervals of a label. Where the conditions of a pair
    both have one they are subtracted. ``p`` is that of the paired t-test (:func:`paired_t`): a
    permutation of signs would be exact, but cannot give the small p that a correction over hundreds
    of rows asks for (with 10 pairs none below 0.002). ``p_holm`` is corrected over all rows of a
    comparison: layers, measures, labels and channels. The interval of the difference is not.

    Args:
        intervals: Values of whole intervals.
        design: With the columns output, base and condition; the condition that comes first is the
            reference.
        settings: ``min_outputs`` is the number of pairs that a test needs.

    Returns:
        A row for each condition but the reference, channel, label, measure and layer, the target
        too: means of both conditions over the ``n`` pairs, their difference ``estimate`` (condition
        less reference) with its interval, ``p``, ``p_holm`` and ``verdict``.

    Raises:
        ValueError: A condition has two outputs of one base, or a layer two values at one place.
    """
    by_base = design.pivot(index="base", columns="condition", values="output")
    conditions = list(design["condition"].unique())
    grids, rows = Grids(None, intervals), []
    for key in grids.measured():
        grid = grids.grid(*key)
        means = grid.output_means()
        for condition in conditions[1:]:
            pairs = by_base[[conditions[0], condition]].dropna().sort_values(conditions[0])
            sides = [means.reindex(pairs[name].astype(int)) for name in pairs]
            for layer in grids.layers:
                values = np.stack([side[layer] for side in sides], axis=1)
                about = (*key, grid.unit, layer, condition, conditions[0])
                rows.append((*about, *_difference(values, settings)))
    columns = [name for name in DIFFERENCE_COLUMNS if name not in ("p_holm", "verdict")]
    tables = [
        add_verdicts(table, settings, DIFFERS, NO_DIFFERENCE)
        for _, table in pd.DataFrame(rows, columns=columns).groupby("condition", sort=False)
    ]
    empty = pd.DataFrame(columns=DIFFERENCE_COLUMNS)
    return pd.concat(tables or [empty], ignore_index=True)[list(DIFFERENCE_COLUMNS)]


def _difference(
    sides: np.ndarray, settings: StatisticsSettings
) -> tuple[float, float, float, float, float, float, int]:
    """Computes ``mean_condition`` to ``n`` of ``[pairs, reference and condition]``."""
    sides = sides[np.isfinite(sides).all(axis=1)]
    n = len(sides)
    if n == 0:
        return (math.nan,) * 6 + (0,)
    differences = sides[:, 1] - sides[:, 0]
    reference, condition = map(float, sides.mean(axis=0))
    low = high = p = math.nan
    if n >= settings.min_outputs:
        low, high = (float(end[0]) for end in mean_intervals(differences[:, None], 0, settings)[1:])
        p = paired_t(differences)
    return condition, reference, float(differences.mean()), low, high, p, n


def paired_t(differences: np.ndarray) -> float:
    """Computes the two-sided p of Student's t-test that paired differences have the mean 0.

    Where all differences are equal (but for rounding) t knows no variance: then p is 1 if they are
    0, and else that of the sign test, 2^(1 - n). Takes ``[pairs]``, at least 2.
    """
    n = len(differences)
    if np.ptp(differences) <= 1e-9 * abs(differences[0]):
        return 2.0 ** (1 - n) if differences[0] else 1.0
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(n))
    return float(2 * stdtr(n - 1, -abs(t)))  # scipy.stats.ttest_1samp takes 1000 times as long


def sign_test(differences: np.ndarray) -> float:
    """Computes the two-sided p of the exact sign test that as many differences are up as down.

    The test of yes or no: of pairs, those that differ are counted, and 24 of 25 give 3e-6 where a
    t-test, which knows no such outcome, gives 3e-18. Takes ``[pairs]``; p is 1 if none differs.
    """
    up, down = int((differences > 0).sum()), int((differences < 0).sum())
    return float(scipy.stats.binomtest(up, up + down).pvalue) if up + down else 1.0


def least_pairs(counted: bool, settings: StatisticsSettings) -> int:
    """Gives the number of pairs that a test of their differences needs."""
    return max(settings.min_outputs, LEAST_SIGNS if counted else 0)


def test_differences(differences: np.ndarray, counted: bool, settings: StatisticsSettings) -> float:
    """Computes the p of paired differences ``[pairs]``; NaN for too few (:func:`least_pairs`).

    Numbers of intervals, and yes or no, are ``counted``: :func:`sign_test`; all else:
    :func:`paired_t`.
    """
    if len(differences) < least_pairs(counted, settings):
        return math.nan
    return sign_test(differences) if counted else paired_t(differences)


def holm(p: np.ndarray) -> np.ndarray:
    """Corrects p for several tests (Holm 1979, Scandinavian Journal of Statistics 6:65-70).

    Takes ``[tests]``, NaN for no test. A corrected p is below alpha for what is significant at
    alpha if the chance of one false positive among all tests is to be at most alpha.
    """
    p = np.asarray(p, np.float64)
    corrected = np.full_like(p, math.nan)
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN sorts last
    factors = len(order) - np.arange(len(order))
    corrected[order] = np.minimum(1, np.maximum.accumulate(p[order] * factors))
    return corrected


def add_verdicts(
    table: pd.DataFrame, settings: StatisticsSettings, shown: str, not_shown: str
) -> pd.DataFrame:
    """Corrects the column ``p`` over a table and adds the columns ``p_holm`` and ``verdict``.

    The verdict is ``shown`` where the corrected p is below 1 - confidence, else ``not_shown``;
    without a test (p is NaN) it is ``too few``.
    """
    p_holm = holm(table["p"].to_numpy(np.float64))
    verdict = np.where(p_holm < 1 - settings.confidence, shown, not_shown).astype(object)
    verdict[np.isnan(p_holm)] = TOO_FEW
    return table.assign(p_holm=p_holm, verdict=verdict)
