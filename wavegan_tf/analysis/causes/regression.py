"""Regression of a property of outputs on their latent variables: all at once, and one by one.

Latent vectors are drawn at random, each variable for itself: an experiment, not a survey. So what
one variable does can be estimated from it alone, without bias, and the others enter only to take
out variation that is theirs. The model of all variables is penalised (L1) and supplies that part;
the variable in question is then fitted without a penalty, beside the part of the others. NumPy and
SciPy only; many fits run side by side, as columns.

Binary properties: logistic regression, in log odds. Continuous ones: least squares.
"""

import numpy as np
from scipy.special import expit

N_PENALTIES = 25
SMALLEST_PENALTY = 0.01  # of the one that keeps no variable


def fit_l1(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, penalties: np.ndarray, binary: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Fit L1-penalised models, one for each column of weights.

    Least is: mean loss + penalty * sum |coefficient|, the intercept free; the loss is minus the
    log likelihood (binary) or half the squared error. Accelerated proximal gradient (Beck &
    Teboulle 2009, SIAM J. Imaging Sci. 2:183-202) with restarts, to 1e-5.

    Args:
        x: ``[n, d]``, columns of standard deviation about 1.
        y: ``[n]``: 0 and 1, or numbers of standard deviation about 1.
        weights: how often each output counts, ``[n, m]``.
        penalties: ``[m]``.
        binary: which of the two models.

    Returns:
        Intercepts ``[m]`` and coefficients ``[d, m]``; a variable left out has exactly 0.
    """
    weights = weights / weights.sum(axis=0)
    design = np.column_stack([np.ones(len(x)), x])
    step = 1 / (_largest_eigenvalue(design, weights) * (0.25 if binary else 1))
    shrink = step * np.vstack([np.zeros_like(penalties), np.tile(penalties, (x.shape[1], 1))])
    now = np.zeros((design.shape[1], len(penalties)))
    ahead, speed = now, np.ones(len(penalties))
    for _ in range(5000):
        fitted = design @ ahead
        residual = (expit(fitted) if binary else fitted) - y[:, None]
        moved = ahead - step * (design.T @ (weights * residual))
        moved = np.sign(moved) * np.maximum(np.abs(moved) - shrink, 0)
        change = moved - now
        faster = (1 + np.sqrt(1 + 4 * speed**2)) / 2
        uphill = ((ahead - moved) * change).sum(axis=0) > 0
        ahead = moved + np.where(uphill, 0, (speed - 1) / faster) * change
        now, speed = moved, np.where(uphill, 1, faster)
        if np.abs(change).max() < 1e-5:
            break
    return now[0], now[1:]


def _largest_eigenvalue(design, weights):
    """Of the weighted second moments, by power iteration, rounded up; ``[m]``."""
    vector = np.ones((design.shape[1], weights.shape[1]))
    for _ in range(30):
        vector /= np.sqrt((vector**2).sum(axis=0))
        vector = design.T @ (weights * (design @ vector))
    return 1.1 * np.sqrt((vector**2).sum(axis=0))


def make_folds(y: np.ndarray, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal outputs out to folds at random, so that each has its share of high and low ``y``.

    Returns:
        Fold of each output, int ``[n]``.
    """
    folds = np.empty(len(y), np.int64)
    folds[np.lexsort((rng.random(len(y)), y))] = np.arange(len(y)) % n_folds
    return folds


def cross_validate(x: np.ndarray, y: np.ndarray, folds: np.ndarray, binary: bool):
    """Choose the penalty that predicts outputs left out best, and predict them.

    Of :data:`N_PENALTIES` penalties the largest within one standard error of the best is taken
    (Hastie, Tibshirani & Friedman 2009, section 7.10).

    Args:
        x: ``[n, d]``, standardised.
        y: ``[n]``, as for :func:`fit_l1`.
        folds: of :func:`make_folds`.
        binary: which model.

    Returns:
        The penalty, and the part of all variables but one in the prediction of each output by the
        model that was fitted without that output's fold: ``[n, d]``, column j without variable j.
        Penalised predictions lie too close to the mean; they are stretched by the slope of y on
        them (Copas 1983, JRSS B 45:311-354).
    """
    n_folds = int(folds.max()) + 1
    largest = np.abs(x.T @ (y - y.mean())).max() / len(y)
    penalties = largest * np.geomspace(1, SMALLEST_PENALTY, N_PENALTIES)
    kept = (folds[:, None] != np.arange(n_folds)).astype(float)  # [n, folds]
    intercepts, coefs = fit_l1(
        x, y, np.repeat(kept, N_PENALTIES, axis=1), np.tile(penalties, n_folds), binary
    )
    intercepts = intercepts.reshape(n_folds, N_PENALTIES)
    coefs = coefs.reshape(-1, n_folds, N_PENALTIES)
    losses = np.empty((n_folds, N_PENALTIES))
    for fold in range(n_folds):
        here = folds == fold
        fitted = intercepts[fold] + x[here] @ coefs[:, fold]  # [n, penalties]
        losses[fold] = _losses(y[here, None], fitted, binary).mean(axis=0)
    mean, error = losses.mean(axis=0), losses.std(axis=0, ddof=1) / np.sqrt(n_folds)
    best = int(mean.argmin())
    chosen = int(np.argmax(mean <= mean[best] + error[best]))
    parts = coefs[:, folds, chosen].T * x  # [n, d]
    whole = parts.sum(axis=1, keepdims=True)
    if np.ptp(whole):
        whole, parts = (max(0.0, _calibration(whole, y, binary)) * a for a in (whole, parts))
    return penalties[chosen], whole - parts


def _calibration(whole, y, binary):
    """By how much a prediction has to be stretched to be right on average."""
    scale = whole.std()
    return fit_slopes(whole / scale, y, np.zeros_like(whole), binary)[1][0] / scale


def _losses(y, fitted, binary):
    """Of each output; ``logaddexp`` holds where a prediction is certain."""
    return np.logaddexp(0, fitted) - y * fitted if binary else (y - fitted) ** 2 / 2


def null_residuals(y: np.ndarray, offset: np.ndarray, binary: bool) -> np.ndarray:
    """What a constant beside the part of the other variables leaves unexplained.

    Args:
        y: ``[n]``.
        offset: the part of the others, ``[n, m]``.
        binary: which model.

    Returns:
        ``[n, m]``, of mean 0.
    """
    if not binary:
        rest = y[:, None] - offset
        return rest - rest.mean(axis=0)
    intercept = np.log(y.mean() / (1 - y.mean())) - offset.mean(axis=0)
    for _ in range(100):
        p = expit(intercept + offset)
        step = (y[:, None] - p).sum(axis=0) / np.maximum((p * (1 - p)).sum(axis=0), 1e-12)
        intercept = intercept + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return y[:, None] - expit(intercept + offset)


def fit_slopes(
    x: np.ndarray, y: np.ndarray, offset: np.ndarray, binary: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Fit y ~ intercept + slope x + offset, without a penalty, for each column.

    Of a binary property the likelihood is Firth's (1993, Biometrika 80:27-38): where x separates
    those that have it from those that do not, the slope stays finite (Heinze & Schemper 2002).

    Args:
        x: ``[n, m]``.
        y: ``[n]``.
        offset: ``[n, m]``.
        binary: which model.

    Returns:
        Intercepts and slopes, ``[m]`` each.
    """
    if not binary:
        rest = y[:, None] - offset
        dx = x - x.mean(axis=0)
        slope = (dx * rest).sum(axis=0) / (dx * dx).sum(axis=0)
        return rest.mean(axis=0) - slope * x.mean(axis=0), slope
    ones = np.ones((len(y), 1))
    intercept = np.log((y.sum() + 0.5) / ((1 - y).sum() + 0.5)) - offset.mean(axis=0)
    slope = np.zeros(x.shape[1])
    for _ in range(200):
        steps = np.stack(_firth_step(x, y, intercept + slope * x + offset, ones))[:, :, 0]
        steps *= np.minimum(1, 1 / np.maximum(np.abs(steps).max(axis=0), 1e-12))
        intercept, slope = intercept + steps[0], slope + steps[1]
        if np.abs(steps).max() < 1e-8:
            break
    return intercept, slope


def _firth_step(x, y, fitted, weights):
    """Newton's step of intercepts and slopes ``[m, resamples]``, outputs weighted ``[n, r]``."""

    def total(values):
        return values.T @ weights

    p = expit(fitted)
    w = p * (1 - p)
    i0, i1, i2 = (total(w * x**k) for k in range(3))  # information
    det = np.maximum(i0 * i2 - i1 * i1, 1e-12)
    pull = [total(w * (0.5 - p) * x**k) for k in range(4)]
    # the leverage of an output is w (i2 - 2 i1 x + i0 x²) / det
    scores = [
        total((y[:, None] - p) * x**k)
        + (i2 * pull[k] - 2 * i1 * pull[k + 1] + i0 * pull[k + 2]) / det
        for k in range(2)
    ]
    return (
        (i2 * scores[0] - i1 * scores[1]) / det,
        (i0 * scores[1] - i1 * scores[0]) / det,
    )


def slope_errors(x: np.ndarray, offset: np.ndarray, fit: tuple[np.ndarray, np.ndarray]):
    """Standard errors of the slopes of a binary property, from the information, ``[m]``.

    Arguments as for :func:`resampled_slopes`. Where no output of a code has the property, none of
    any resample has it either, and a bootstrap interval has no width; this error is large then.
    """
    p = expit(fit[0] + fit[1] * x + offset)
    i0, i1, i2 = ((p * (1 - p) * x**k).sum(axis=0) for k in range(3))
    return np.sqrt(i0 / np.maximum(i0 * i2 - i1 * i1, 1e-12))


def resampled_slopes(
    x: np.ndarray,
    y: np.ndarray,
    offset: np.ndarray,
    fit: tuple[np.ndarray, np.ndarray],
    weights: np.ndarray,
    binary: bool,
) -> np.ndarray:
    """Slopes in resamples of the outputs, the part of the others kept.

    Least squares are exact. Of a binary property each resample takes one of Newton's steps from the
    fit to all outputs (the k-step bootstrap: Andrews 2002, Econometrica 70:119-162).

    Args:
        x: ``[n, m]``.
        y: ``[n]``.
        offset: ``[n, m]``.
        fit: of :func:`fit_slopes`.
        weights: how often each output comes, ``[n, resamples]``.
        binary: which model.

    Returns:
        ``[m, resamples]``.
    """
    if binary:
        return fit[1][:, None] + _firth_step(x, y, fit[0] + fit[1] * x + offset, weights)[1]
    rest = y[:, None] - offset
    n, sx, sy = weights.sum(axis=0), x.T @ weights, rest.T @ weights
    with np.errstate(invalid="ignore", divide="ignore"):
        return ((x * rest).T @ weights - sx * sy / n) / ((x * x).T @ weights - sx * sx / n)


def permuted_scores(
    x: np.ndarray, residuals: np.ndarray, n_permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """Sums of x times residual when latent vectors are dealt out to other outputs.

    Whole vectors are dealt out, so that what variables have in common (a one-hot code) stays.

    Args:
        x: ``[n, d]``.
        residuals: ``[n, m, d]``: m tests of each variable.
        n_permutations: how often.
        rng: of the orders.

    Returns:
        ``[permutations, m, d]``.
    """
    orders = np.stack([rng.permutation(len(x)) for _ in range(n_permutations)])
    return np.stack([np.einsum("nd,nmd->md", x[order], residuals) for order in orders])
