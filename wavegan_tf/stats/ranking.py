"""Which latent variables go with a property of outputs? A ranking with its level of chance.

Beguš 2020 (Frontiers in AI 3:44) regresses the presence of [s] in generated outputs on the 100
latent variables. Latent vectors are drawn at random, each variable for itself: an experiment, not a
survey. So what one variable does can be estimated from it alone, without bias; the others enter
only to take out variation that is theirs. A model of all variables with an L1 penalty
(scikit-learn) supplies that part. What grows from 0 to both sides has no slope: beside each z, its
linear form, stands |z|, its even form, a column like any other.
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
LINEAR, EVEN = "linear", "even"
ABOVE_CHANCE, NOT_ABOVE_CHANCE = "above chance", "not above chance"

_TIE = 1e-9  # scores closer than this are equal: sums in another order
_PENALTIES = np.geomspace(1, 0.01, 15)  # shares of the least penalty that keeps no variable
_FREE_INTERCEPT = 100  # liblinear penalises the intercept; so scaled, by a hundredth
_N_FOLDS = 5


@dataclass(frozen=True)
class RankingSettings(StatisticsSettings):
    """Says how latent variables are ranked and proved, and how certain that is to be.

    ``min_outputs`` is also the number of base latent vectors that a verdict needs.
    """

    n_permutations: int = option(
        999, "Number of permutations of outputs that give the chance level of a ranking.",
        group="Statistics", low=99, high=1e6,
    )  # fmt: skip
    min_class: int = option(
        10, "Number of outputs with the property, and of outputs without it, that a ranking needs; "
        "if the property is a number, twice as many outputs must have a value.",
        group="Statistics", low=5, high=1e6,
    )  # fmt: skip
    n_selections: int = option(
        100, "Number of resamples in which the L1 model is fitted again.", group="Statistics",
        low=10, high=10_000, advanced=True,
    )  # fmt: skip


def rank(
    latents: pd.DataFrame, y: np.ndarray, kind: str, seed: int, settings: RankingSettings
) -> pd.DataFrame:
    """Ranks latent variables by the strength of evidence that they go with a property.

    Chance deals whole latent vectors out to other outputs, so that what variables have in common (a
    one-hot code) stays. A one-hot code's variables exclude each other: each is compared with the
    mean of the other codes; if one code alone has the property, it alone stands out. A variable
    that is never negative (a code) has no even form. All forms share each permutation.

    Args:
        latents: A column for each variable, a row for each output, ``[n, d]``.
        y: Labels that :func:`check_labels` passes, ``[n]``, NaN for an output without one.
        kind: ``binary`` (labels 0 and 1) or ``continuous``.
        seed: From 0.
        settings: How, and how certain.

    Returns:
        A row for each variable and ``form`` of it, ``linear`` (z) or ``even`` (|z|), the strongest
        evidence first:
        ``score``: sum of products of the column and what all others leave unexplained, in
        standard deviations of what permutations give;
        ``chance_score``: what the largest score of all columns passes in no more than
        1 - ``confidence`` of the permutations (infinite where these are too few for that);
        ``p``, ``p_any``: share of permutations in which the score of this column, of any
        column, is as large (single-step maximum, Westfall & Young 1993);
        ``estimate, low, high``: change of the property (of a yes or no its share) for one standard
        deviation of the column, beside all others but an exact mirror image, and its bootstrap
        interval over outputs;
        ``univariate, univariate_p``: estimate and p of the column alone;
        ``coefficient``: that of the L1 model of all columns, per standard deviation (log odds of
        a yes or no); ``kept``: share of resamples in which that model keeps it; ``n``: outputs;
        ``verdict``: ``above chance`` where p_any is below 1 - confidence, ``not above chance``, or
        ``too few`` for a variable that never varies.
    """
    there = np.isfinite(y)
    y, values = y[there].astype(np.float64), latents.to_numpy(np.float64)[there]
    varies = np.ptp(values, axis=0) > 0
    names, fixed = latents.columns[varies], latents.columns[~varies]
    values, even = values[:, varies], (values[:, varies] < 0).any(axis=0)
    values = np.hstack([values, np.abs(values[:, even])])
    x = (values - values.mean(axis=0)) / values.std(axis=0)
    unit = 1.0 if kind == BINARY else float(y.std())
    columns = _columns(x, y if kind == BINARY else (y - y.mean()) / unit, kind, seed, settings)
    forms = [LINEAR] * len(names) + [EVEN] * even.sum()
    about = {"latent": [*names, *names[even]], "form": forms}
    found = pd.DataFrame({**about, **columns, "n": len(y)})
    found[["estimate", "low", "high", "univariate", "coefficient"]] *= unit
    clear = found["p_any"] < 1 - settings.confidence
    found["verdict"] = np.where(clear, ABOVE_CHANCE, NOT_ABOVE_CHANCE)
    order = np.argsort(-found["score"].round(6), kind="stable")  # both codes of two tie
    rest = pd.DataFrame({"latent": fixed, "form": LINEAR, "n": len(y), "verdict": TOO_FEW})
    table = pd.concat([found.iloc[order]] + [rest] * bool(len(rest)), ignore_index=True)
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table


def check_labels(
    y: np.ndarray, kind: str, settings: RankingSettings, flag: str, way_out: str
) -> None:
    """Checks that variables can be ranked by labels ``[n]``; NaN is left out.

    Raises:
        InputError: They cannot; the message begins with ``flag`` and says how many there are.
    """
    y = y[np.isfinite(y)]
    n, least, problem = len(y), settings.min_class, ""
    if kind == CONTINUOUS and n < 2 * least:
        problem = f"{n} outputs have a value; a ranking needs {2 * least} (twice --min_class)"
    elif kind == CONTINUOUS and np.ptp(y) <= 1e-12 * np.abs(y).max():
        problem = f"all {n} outputs have the value {y[0]:g}, so nothing can be related to it"
    elif kind == BINARY and min(y.sum(), n - y.sum()) < least:
        problem = (
            f"{y.sum():g} of {n} outputs have it; a ranking needs {least} outputs (--min_class) "
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
    folds = np.empty(n, np.int64)  # each has its share of high and low y
    folds[np.lexsort((rng.random(n), y))] = np.arange(n) % _N_FOLDS
    penalty, beside = _unexplained(x, y, folds, kind, seed)
    residuals = np.stack([beside, np.tile((y - y.mean())[:, None], d)], axis=1)  # [n, 2, d]
    estimates = np.einsum("nd,nmd->md", x, residuals) / n
    spread = np.sqrt((residuals**2).sum(axis=0))  # [2, d], of the sums of products by chance
    scores = np.abs(estimates * n / spread)
    orders = (rng.permutation(n) for _ in range(settings.n_permutations))
    permuted = np.abs([np.einsum("nd,nmd->md", x[order], residuals) / spread for order in orders])
    p = (1 + (permuted >= scores - _TIE).sum(axis=0)) / (1 + len(permuted))  # [2, d]
    largest = np.sort(permuted[:, 0].max(axis=1))
    p_any = (1 + (largest[:, None] >= scores[0] - _TIE).sum(axis=0)) / (1 + len(permuted))
    passing = (np.arange(1, len(largest) + 2) / (len(largest) + 1) < 1 - settings.confidence).sum()
    level = largest[-passing] + _TIE if passing else math.inf  # p_any is below above it
    twins = _twins(x)
    drawn = (rng.integers(n, size=n) for _ in range(settings.n_selections))
    kept = [_fit(x[i], y[i], penalty, kind, seed)[1] @ twins != 0 for i in drawn if np.ptp(y[i])]
    low, high = _intervals(x, beside, seed, settings)
    return {
        "score": scores[0], "chance_score": level, "p": p[0],
        "p_any": p_any, "estimate": estimates[0], "low": low, "high": high,
        "univariate": estimates[1], "univariate_p": p[1],
        "coefficient": _fit(x, y, penalty, kind, seed)[1] @ twins, "kept": np.mean(kept, axis=0),
    }  # fmt: skip


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
    losses = np.empty((_N_FOLDS, len(penalties)))
    slopes = np.empty((*losses.shape, x.shape[1]))
    for fold, k in np.ndindex(losses.shape):
        out = folds == fold
        intercept, slopes[fold, k] = _fit(x[~out], y[~out], penalties[k], kind, seed)
        fitted = intercept + x[out] @ slopes[fold, k]
        loss = (y[out] - fitted) ** 2 / 2
        if kind == BINARY:
            loss = np.logaddexp(0, fitted) - y[out] * fitted
        losses[fold, k] = loss.mean()
    mean, error = losses.mean(axis=0), losses.std(axis=0, ddof=1) / np.sqrt(_N_FOLDS)
    best = mean.argmin()
    chosen = np.argmax(mean <= mean[best] + error[best])
    twins = _twins(x)
    parts = x * (slopes[:, chosen] @ twins)[folds]  # [n, d]
    whole = parts.sum(axis=1, keepdims=True)
    intercept, slope = _stretch(whole, y, kind)
    fitted = intercept + slope * (whole - parts @ (twins != 0))  # a twin is no other variable
    residuals = y[:, None] - (expit(fitted) if kind == BINARY else fitted)
    return float(penalties[chosen]), residuals - residuals.mean(axis=0)


def _twins(x: np.ndarray) -> np.ndarray:
    """Makes the matrix [d, d] by which a variable and its exact mirror image share a coefficient.

    In a code of two, c2 is 1 - c1; which of them an L1 model keeps is left to the solver.
    """
    alike = x.T @ x / len(x)
    alike = np.sign(alike) * (np.abs(alike) > 1 - 1e-9)
    return alike / np.abs(alike).sum(axis=0)


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
