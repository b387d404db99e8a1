"""Which latent variables go with a property of outputs? A ranking with its level of chance.

Beguš 2020 (Frontiers in AI 3:44) regresses the presence of [s] in generated outputs on the 100
latent variables. Latent vectors are drawn at random, each variable for itself: an experiment, not a
survey. So what one variable does can be estimated from it alone, without bias; the others enter
only to take out variation that is theirs. A model of all variables with an L1 penalty
(scikit-learn) supplies that part.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from wavegan_tf.errors import InputError
from wavegan_tf.options import option
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings, interval, resample

BINARY, CONTINUOUS = "binary", "continuous"
ABOVE_CHANCE, NOT_ABOVE_CHANCE = "above chance", "not above chance"

_TIE = 1e-9  # scores closer than this are equal: sums in another order
_PENALTIES = np.geomspace(1, 0.01, 15)  # shares of the least penalty that keeps no variable
_FREE_INTERCEPT = 100  # liblinear penalises the intercept; so scaled, by a hundredth


@dataclass(frozen=True)
class RankingSettings(StatisticsSettings):
    """Says how latent variables are ranked and proved, and how certain that is to be.

    ``min_outputs`` is also the number of base latent vectors that a verdict needs.
    """

    n_permutations: int = option(
        999, "Number of permutations of outputs that give the level of chance of a ranking.",
        group="Statistics", low=99, high=1e6,
    )  # fmt: skip
    min_class: int = option(
        10, "Number of outputs with the property, and without it, that a ranking needs; of a "
        "number twice as many must have a value.", group="Statistics", low=5, high=1e6,
    )  # fmt: skip
    n_folds: int = option(
        5, "Number of folds of the cross-validation.", group="Statistics", low=2, high=20,
        advanced=True,
    )  # fmt: skip
    n_selections: int = option(
        100, "Number of resamples in which the L1 model is fitted again.", group="Statistics",
        low=10, high=10_000, advanced=True,
    )  # fmt: skip


def rank(
    latents: pd.DataFrame, y: np.ndarray, kind: str, seed: int, settings: RankingSettings
) -> pd.DataFrame:
    """Ranks latent variables by the strength of evidence that they go with a property.

    Order and verdict are those of ``score``. Chance deals whole latent vectors out to other
    outputs, so that what variables have in common (a one-hot code) stays. A one-hot code's
    variables exclude each other: each is compared with the mean of the other codes, less what the
    model of all says of those; if one code alone has the property, it alone stands out.

    Args:
        latents: A column for each variable, a row for each output, ``[n, d]``.
        y: Labels that :func:`check_labels` passes, ``[n]``, NaN for an output without one.
        kind: ``binary`` (labels 0 and 1) or ``continuous``.
        seed: From 0.
        settings: How, and how certain.

    Returns:
        A row for each variable, the strongest evidence first:
        ``score``: sum of products of the variable and what all others leave unexplained, in
        standard deviations of what permutations give;
        ``chance_score``: the score that the strongest of all variables passes in no more than
        1 - ``confidence`` of the permutations (infinite where these are too few for that);
        ``p``: share of permutations in which this variable's score is as large;
        ``p_any``: those in which that of any variable is, the chance of one false claim in the
        whole table (single-step maximum, Westfall & Young 1993);
        ``estimate, low, high``: change of the property for one standard deviation of the variable,
        beside all others (least squares on what they leave unexplained; of a yes or no a share,
        0.07 for seven points; else in the property's unit), and its bootstrap interval over
        outputs, which is that of one variable, not of the largest among many;
        ``univariate, univariate_p``: estimate and p of the variable alone, without the others;
        ``coefficient``: that of the L1 model of all variables fitted to all outputs, per standard
        deviation (log odds of a yes or no); too small by the penalty, 0 for a variable left out;
        ``kept``: share of resamples in which the L1 model keeps it; ``n``: outputs;
        ``verdict``: ``above chance`` where p_any is below 1 - confidence (a correlation, no cause),
        ``not above chance``, or ``too few`` for a variable that never varies.
    """
    there = np.isfinite(y)
    y, values = y[there].astype(np.float64), latents.to_numpy(np.float64)[there]
    varies = np.ptp(values, axis=0) > 0
    x = (values - values.mean(axis=0))[:, varies] / values[:, varies].std(axis=0)
    unit = 1.0 if kind == BINARY else float(y.std())
    columns = _columns(x, y if kind == BINARY else (y - y.mean()) / unit, kind, seed, settings)
    names = latents.columns.to_numpy()
    found = pd.DataFrame({"latent": names[varies], **columns})
    found[["estimate", "low", "high", "univariate", "coefficient"]] *= unit
    clear = found["p_any"] < 1 - settings.confidence
    found["verdict"] = np.where(clear, ABOVE_CHANCE, NOT_ABOVE_CHANCE)
    order = np.argsort(-found["score"].round(6), kind="stable")  # both codes of two tie
    fixed = pd.DataFrame({"latent": names[~varies], "verdict": TOO_FEW})
    table = pd.concat([found.iloc[order]] + [fixed] * bool(len(fixed)), ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    table.insert(len(table.columns) - 1, "n", len(y))
    return table


def check_labels(
    y: np.ndarray, kind: str, settings: RankingSettings, flag: str, way_out: str
) -> None:
    """Checks that variables can be ranked by labels ``[n]``; NaN is left out.

    Raises:
        InputError: They cannot; the message begins with ``flag`` and says how many there are.
    """
    y = y[np.isfinite(y)]
    n, least = len(y), settings.min_class
    problem = ""
    if kind == CONTINUOUS:
        if n < 2 * least:
            problem = f"{n} outputs have a value; a ranking needs {2 * least} (twice --min_class)"
        elif np.ptp(y) <= 1e-12 * np.abs(y).max():
            problem = f"all {n} outputs have the value {y[0]:g}, so nothing can be related to it"
    elif min(y.sum(), n - y.sum()) < least:
        have = int(y.sum())
        which = {0: f"no output of {n} has it", n: f"every output of {n} has it"}
        rare = "have" if have < n - have else "lack"
        found = which.get(have, f"{min(have, n - have)} of {n} outputs {rare} it")
        problem = (
            f"{found if n else 'no output has a label'}; a ranking needs {least} (--min_class) "
            "with it and as many without"
        )
    if problem:
        raise InputError(f"{flag}: {problem}; {way_out}")


def _columns(
    x: np.ndarray, y: np.ndarray, kind: str, seed: int, settings: RankingSettings
) -> dict[str, np.ndarray | float]:
    """Computes the columns of the table, ``[d]`` each; x and a continuous y are standardised."""
    n, d = x.shape
    rng = np.random.default_rng([seed, 1])
    folds = _deal(y, settings.n_folds, rng)
    penalty, beside = _unexplained(x, y, folds, kind, seed)
    residuals = np.stack([beside, np.tile((y - y.mean())[:, None], d)], axis=1)  # [n, 2, d]
    estimates = np.einsum("nd,nmd->md", x, residuals) / n
    spread = np.sqrt((residuals**2).sum(axis=0))  # [2, d], of the sums of products by chance
    scores = np.abs(estimates * n / spread)
    orders = (rng.permutation(n) for _ in range(settings.n_permutations))
    permuted = np.abs([np.einsum("nd,nmd->md", x[order], residuals) / spread for order in orders])
    p = (1 + (permuted >= scores - _TIE).sum(axis=0)) / (1 + len(permuted))  # [2, d]
    largest = permuted[:, 0].max(axis=1)
    p_any = (1 + (largest[:, None] >= scores[0] - _TIE).sum(axis=0)) / (1 + len(permuted))
    twins = _twins(x)
    drawn = (rng.integers(n, size=n) for _ in range(settings.n_selections))
    kept = [_fit(x[i], y[i], penalty, kind, seed)[1] @ twins != 0 for i in drawn if np.ptp(y[i])]
    low, high = _intervals(x, beside, seed, settings)
    return {
        "score": scores[0], "chance_score": _level(largest, settings.confidence), "p": p[0],
        "p_any": p_any, "estimate": estimates[0], "low": low, "high": high,
        "univariate": estimates[1], "univariate_p": p[1],
        "coefficient": _fit(x, y, penalty, kind, seed)[1] @ twins, "kept": np.mean(kept, axis=0),
    }  # fmt: skip


def _deal(y: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deals outputs out to folds, so that each has its share of high and low ``y``; ``[n]``."""
    folds = np.empty(len(y), np.int64)
    folds[np.lexsort((rng.random(len(y)), y))] = np.arange(len(y)) % n_folds
    return folds


def _fit(
    x: np.ndarray, y: np.ndarray, penalty: float, kind: str, seed: int
) -> tuple[float, np.ndarray]:
    """Fits the L1 model: mean loss + penalty * sum |coefficient|; intercept, coefficients [d]."""
    from sklearn.linear_model import Lasso, LogisticRegression  # --help need not wait for it

    if kind == CONTINUOUS:
        model = Lasso(alpha=penalty).fit(x, y)
        return float(model.intercept_), model.coef_
    renamed = LogisticRegression().get_params()["penalty"] == "deprecated"  # scikit-learn 1.8
    l1: dict[str, Any] = {"l1_ratio": 1.0} if renamed else {"penalty": "l1"}
    model = LogisticRegression(
        C=1 / (len(y) * penalty), solver="liblinear", intercept_scaling=_FREE_INTERCEPT,
        random_state=seed, max_iter=1000, **l1,
    ).fit(x, y)  # fmt: skip
    return float(model.intercept_[0]), model.coef_[0]


def _unexplained(
    x: np.ndarray, y: np.ndarray, folds: np.ndarray, kind: str, seed: int
) -> tuple[float, np.ndarray]:
    """Chooses the penalty, and leaves each variable what no other explains, ``[n, d]``, mean 0.

    Of the penalties of the cross-validation the largest within one standard error of the best is
    taken (Hastie, Tibshirani & Friedman 2009, section 7.10). What all variables but one say of an
    output is said by the model that was fitted without that output's fold. Penalised predictions
    lie too close to the mean; they are stretched by the slope of y on them (Copas 1983, JRSS B
    45:311-354).
    """
    penalties = _PENALTIES * np.abs(x.T @ (y - y.mean())).max() / len(y)
    n_folds = int(folds.max()) + 1
    losses = np.empty((n_folds, len(penalties)))
    fits = {}
    for fold, (k, penalty) in ((f, kp) for f in range(n_folds) for kp in enumerate(penalties)):
        out = folds == fold
        intercept, slopes = fits[fold, k] = _fit(x[~out], y[~out], penalty, kind, seed)
        losses[fold, k] = _loss(y[out], intercept + x[out] @ slopes, kind)
    mean, error = losses.mean(axis=0), losses.std(axis=0, ddof=1) / np.sqrt(n_folds)
    best = int(mean.argmin())
    chosen = int(np.argmax(mean <= mean[best] + error[best]))
    coefs = np.stack([fits[fold, chosen][1] for fold in range(n_folds)]) @ _twins(x)
    parts = x * coefs[folds]  # [n, d]
    whole = parts.sum(axis=1, keepdims=True)
    intercept, slope = _stretch(whole, y, kind)
    fitted = intercept + slope * (whole - parts)
    residuals = y[:, None] - (expit(fitted) if kind == BINARY else fitted)
    return float(penalties[chosen]), residuals - residuals.mean(axis=0)


def _twins(x: np.ndarray) -> np.ndarray:
    """Makes the matrix [d, d] by which a variable and its exact mirror image share a coefficient.

    In a code of two, c2 is 1 - c1. Which of the two an L1 model keeps is left to the solver: every
    division between them has the same loss and penalty. Halves are the fair one.
    """
    alike = x.T @ x / len(x)
    alike = np.sign(alike) * (np.abs(alike) > 1 - 1e-9)
    return alike / np.abs(alike).sum(axis=0)


def _loss(y: np.ndarray, fitted: np.ndarray, kind: str) -> float:
    """Takes the mean loss; ``logaddexp`` holds where a prediction is certain."""
    if kind == BINARY:
        return float((np.logaddexp(0, fitted) - y * fitted).mean())
    return float(((y - fitted) ** 2).mean() / 2)


def _stretch(whole: np.ndarray, y: np.ndarray, kind: str) -> tuple[float, float]:
    """Fits y on predictions ``[n, 1]``: intercept, and slope of at least 0."""
    from sklearn.linear_model import LogisticRegression

    scale = float(whole.std())
    if scale < 1e-12:  # no variable was kept
        mean = float(y.mean())
        return (math.log(mean / (1 - mean)) if kind == BINARY else mean), 0.0
    if kind == BINARY:
        model = LogisticRegression(C=1e6, max_iter=1000).fit(whole / scale, y)
        return float(model.intercept_[0]), max(0.0, float(model.coef_[0, 0])) / scale
    slope, intercept = np.polyfit(whole[:, 0], y, 1)
    return float(intercept), max(0.0, float(slope))


def _intervals(
    x: np.ndarray, residuals: np.ndarray, seed: int, settings: RankingSettings
) -> np.ndarray:
    """Takes bootstrap intervals of least-squares slopes of residuals on x, ``[2, d]``."""
    n, d = x.shape

    def slopes(weights: np.ndarray) -> np.ndarray:
        count, sx, sy = weights.sum(axis=0), x.T @ weights, residuals.T @ weights
        with np.errstate(invalid="ignore", divide="ignore"):
            products = (x * residuals).T @ weights - sx * sy / count
            return products / ((x * x).T @ weights - sx * sx / count)

    drawn = resample(slopes, n, n * d // 4, seed, settings)  # [d, resamples]
    return np.array([interval(row, n, settings.confidence) for row in drawn]).T


def _level(largest: np.ndarray, confidence: float) -> float:
    """Takes the score above which p_any is below 1 - confidence, of every permutation's largest."""
    n = len(largest)
    passed = (np.arange(1, n + 2) / (n + 1) < 1 - confidence).sum()  # how many may, plus one
    return float(np.sort(largest)[n - passed] + _TIE) if passed else math.inf
