"""Which latent variable carries a property? Ranking over outputs, and proof by generation.

Beguš 2020 (Frontiers in AI 3:44) regresses the presence of [s] in generated outputs on the 100
latent variables and then sets the best ones to marginal values; Beguš & Zhou 2022, section III-B2,
build on the variable so found. Both steps are here, with what tells a finding from chance.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from wavegan_tf.analysis.causes.regression import (
    cross_validate,
    fit_l1,
    fit_slopes,
    make_folds,
    null_residuals,
    permuted_scores,
    resampled_slopes,
    slope_errors,
)
from wavegan_tf.analysis.causes.within import arrange, mean_intervals, proportion_interval, trend
from wavegan_tf.analysis.effects import holm
from wavegan_tf.analysis.options import check_options, option
from wavegan_tf.analysis.resampling import interval, resample
from wavegan_tf.errors import InputError

ABOVE_CHANCE, NOT_ABOVE_CHANCE, TOO_FEW = "above chance", "not above chance", "too few"
RISES, FALLS, NO_TREND = "rises", "falls", "no trend shown"

_TIE = 1e-9  # scores closer than this are equal: sums in another order


@dataclass(frozen=True)
class IdentifySettings:
    """How latent variables are ranked, and how certain rankings and proofs are to be.

    Attributes:
        n_folds: of the cross-validation that chooses the penalty.
        n_permutations: of latent vectors over outputs; no p is below 1 / (n_permutations + 1).
        n_resamples: bootstrap resamples of outputs, or of base latent vectors.
        n_selections: bootstrap resamples in which the penalised model is fitted again.
        confidence: of every interval; verdicts ask for p below 1 - confidence.
        min_class: outputs that must have a property, and that must not, for a ranking; of a
            continuous property twice as many must have a value.
        min_bases: base latent vectors that a verdict on generated outputs needs.

    Raises:
        InputError: a value breaks its rule; the message names the flag.
    """

    n_folds: int = option(5, "n_folds", "Folds of the cross-validation.", 2, 20)
    n_permutations: int = option(
        999, "n_permutations", "Permutations of outputs for the null level.", 99, 1e6
    )
    n_resamples: int = option(2000, "n_resamples", "Bootstrap resamples of outputs.", 100, 1e6)
    n_selections: int = option(
        100, "n_selections", "Resamples in which the L1 model is fitted again.", 10, 10_000
    )
    confidence: float = option(0.95, "confidence", "Of intervals and verdicts.", 0.5, 0.999)
    min_class: int = option(
        10, "min_class", "Outputs with, and without, the property that a ranking needs.", 5, 1e6
    )
    min_bases: int = option(5, "min_bases", "Base latent vectors that a verdict needs.", 3, 10_000)

    def __post_init__(self):
        """Check every value."""
        check_options(self)


DEFAULTS = IdentifySettings()


def rank_latents(
    latents: np.ndarray,
    names: list[str],
    y: np.ndarray,
    kind: str,
    seed: int,
    settings: IdentifySettings = DEFAULTS,
) -> list[dict]:
    """Rank the latent variables by the strength of evidence that they carry a property.

    ``effect`` is that of one standard deviation of the variable among the outputs (of z, uniform
    in -1 .. 1, 0.58; of a code variable of ten 0.3): the log odds ratio of a binary property, the
    change of a continuous one in its own unit. A model of all variables with an L1 penalty, chosen
    by cross-validation, gives the part of all others in each output, by folds that the output is
    not in; beside that part the effect is fitted without a penalty (:mod:`.regression`), since the
    penalised coefficients themselves are too small and have no valid bootstrap intervals
    (Chatterjee & Lahiri 2011, JASA 106:608-625). ``univariate`` is the same with no others. Log
    odds grow with what the model explains: beside strong causes an effect is larger than alone.
    Intervals resample outputs, and of a binary property are at least as wide as the likelihood's;
    they are those of one variable, not of the largest among many, for which there is ``p_any``.

    Order and verdict are those of the evidence, ``score``: the sum of products of the variable and
    what the others leave unexplained, in standard deviations of what chance gives. Chance deals
    latent vectors out to other outputs: ``p`` and ``univariate_p`` are the shares of permutations
    in which this variable's score is as large, ``p_any`` those in which that of any variable is:
    the chance of one false positive in the whole table (the single-step maximum of Westfall &
    Young 1993), exact for the univariate score and as good for the other. ``null_score_upper`` is
    the score that the strongest of all variables passes by chance in no more than
    1 - ``confidence`` of the permutations; the verdict says which variables pass it. Effects have
    no such level: a code that takes the property away altogether has one without bound.

    A one-hot code's variables exclude each other: each is compared with the mean of the other
    codes, less what the model of all says of those; if one code alone has the property, it alone
    stands out. A variable that never varies has no effect and the verdict ``too few``.

    Args:
        latents: ``[n, d]``.
        names: of the variables, ``[d]``.
        y: ``[n]``; NaN is left out. 0 and 1 where ``kind`` is ``binary``.
        kind: ``binary`` or ``continuous``.
        seed: from 0.
        settings: :class:`IdentifySettings`.

    Returns:
        A dict for each variable, in order: ``rank, latent, score, null_score_upper, p, p_any,
        effect, lower, upper, univariate, univariate_lower, univariate_upper, univariate_p,
        selected`` (share of resamples in which the penalised model keeps it), ``n, verdict``:
        ``above chance`` where p_any is below 1 - confidence, that is where score passes
        null_score_upper (infinite where the permutations are too few for any p below that);
        ``not above chance``; ``too few``. Above chance is a correlation, no cause.

    Raises:
        InputError: no or every output has the property, too few do, or the values are all equal.
        ValueError: ``kind`` is neither.
    """
    there = np.isfinite(np.asarray(y, float))
    y = np.asarray(y, float)[there]
    check_labels(y, kind, settings)
    x, scale = _standardised(np.asarray(latents, float)[there])
    binary, unit = kind == "binary", 1.0 if kind == "binary" else float(y.std())
    y = y if binary else (y - y.mean()) / unit
    varies = np.flatnonzero(scale > 0)
    columns = _ranking_columns(x[:, varies], y, binary, seed, settings)
    for name in ("effect", "lower", "upper", "univariate", "univariate_lower",
                 "univariate_upper"):  # fmt: skip
        columns[name] = columns[name] * unit
    order = np.lexsort((varies, -columns["score"]))
    rows = []
    for place, k in enumerate(order, start=1):
        row = {name: float(values[k]) for name, values in columns.items()}
        found = row["p_any"] < 1 - settings.confidence
        verdict = ABOVE_CHANCE if found else NOT_ABOVE_CHANCE
        rows.append({"rank": place, "latent": names[varies[k]], **row, "n": len(y),
                     "verdict": verdict})  # fmt: skip
    for k in np.flatnonzero(scale == 0):
        nothing = dict.fromkeys(columns, math.nan)
        rows.append({"rank": len(rows) + 1, "latent": names[k], **nothing, "n": len(y),
                     "verdict": TOO_FEW})  # fmt: skip
    return rows


def check_labels(y: np.ndarray, kind: str, settings: IdentifySettings = DEFAULTS) -> None:
    """Check that labels can be ranked by.

    Args:
        y: labels without NaN, ``[n]``.
        kind: ``binary`` or ``continuous``.
        settings: :class:`IdentifySettings`.

    Raises:
        InputError: they cannot; the message says how many there are and what to do.
        ValueError: ``kind`` is neither, or a binary label is not 0 or 1.
    """
    if kind not in ("binary", "continuous"):
        raise ValueError(f"kind {kind!r}: binary or continuous")
    n = len(y)
    if kind == "continuous":
        if n < 2 * settings.min_class:
            raise InputError(
                f"{n} outputs have a value; a ranking needs {2 * settings.min_class}: draw more "
                "outputs (--n), or choose a property that more of them have"
            )
        if np.ptp(y) <= 1e-12 * np.abs(y).max():
            raise InputError(
                f"all {n} outputs have the value {y[0]:g}, so nothing can be related to it; "
                "choose another property"
            )
        return
    if not np.isin(y, (0, 1)).all():
        raise ValueError("labels of a binary property are 0 and 1")
    have = int(y.sum())
    if min(have, n - have) >= settings.min_class:
        return
    which = {0: f"no output of {n} has the property", n: f"every output of {n} has the property"}
    rare = "have" if have < n - have else "lack"
    found = which.get(have, f"{min(have, n - have)} of {n} outputs {rare} the property")
    raise InputError(
        f"{found if n else 'no output has a label'}; a ranking needs {settings.min_class} "
        "(--min_class) with it and as many without: draw more outputs (--n), or choose another "
        "property or threshold"
    )


def _standardised(latents):
    """Columns of mean 0 and standard deviation 1 (0 where nothing varies), and the deviations."""
    scale = latents.std(axis=0)
    scale[np.ptp(latents, axis=0) == 0] = 0
    return (latents - latents.mean(axis=0)) / np.where(scale > 0, scale, 1), scale


def _ranking_columns(x, y, binary, seed, settings):
    """Columns of the table by name ``[d]``, and the scores; x and a continuous y standardised."""
    n, d = x.shape
    rng = np.random.default_rng([seed, 1])
    folds = make_folds(y, int(settings.n_folds), rng)
    penalty, others = cross_validate(x, y, folds, binary)
    models = {"": others, "univariate": np.zeros((n, d))}
    columns = {}
    for prefix, offset in models.items():
        fit = fit_slopes(x, y, offset, binary)

        def slopes(weights, offset=offset, fit=fit):
            return resampled_slopes(x, y, offset, fit, weights, binary)

        drawn = resample(slopes, n, n * d // 4, seed, settings)  # [d, resamples]
        ends = np.array([interval(row, n, settings.confidence) for row in drawn])
        if binary:
            reach = slope_errors(x, offset, fit) * stdtrit(n - 1, (1 + settings.confidence) / 2)
            ends[:, 0] = np.minimum(ends[:, 0], fit[1] - reach)
            ends[:, 1] = np.maximum(ends[:, 1], fit[1] + reach)
        lower, upper = (
            ("lower", "upper") if not prefix else ("univariate_lower", "univariate_upper")
        )
        columns |= {prefix or "effect": fit[1], lower: ends[:, 0], upper: ends[:, 1]}
    residuals = np.stack([null_residuals(y, o, binary) for o in models.values()], axis=1)
    spread = np.sqrt((residuals**2).sum(axis=0))  # [2, d]: of the scores, under permutation
    scores = np.abs(np.einsum("nd,nmd->md", x, residuals) / spread)
    permuted = permuted_scores(x, residuals, int(settings.n_permutations), rng)
    permuted = np.abs(permuted / spread)  # [permutations, 2, d]
    p = (1 + (permuted >= scores - _TIE).sum(axis=0)) / (1 + len(permuted))
    largest = permuted[:, 0].max(axis=1)
    p_any = (1 + (largest[:, None] >= scores[0] - _TIE).sum(axis=0)) / (1 + len(permuted))
    weights = _draws(n, int(settings.n_selections), rng)
    kept = fit_l1(x, y, weights, np.full(weights.shape[1], penalty), binary)[1] != 0
    columns |= {
        "score": scores[0], "null_score_upper": np.full(d, _level(largest, settings.confidence)),
        "p": p[0], "p_any": p_any, "univariate_p": p[1], "selected": kept.mean(axis=1),
    }  # fmt: skip
    names = ("score", "null_score_upper", "p", "p_any", "effect", "lower", "upper", "univariate",
             "univariate_lower", "univariate_upper", "univariate_p", "selected")  # fmt: skip
    return {name: columns[name] for name in names}


def _level(largest, confidence):
    """The score above which p_any is below 1 - confidence; ``largest`` of every permutation."""
    n = len(largest)
    passed = (np.arange(1, n + 2) / (n + 1) < 1 - confidence).sum()  # how many may, plus one
    return float(np.sort(largest)[n - passed] + _TIE) if passed else math.inf


def _draws(n, count, rng):
    """How often each of n outputs comes in each of ``count`` resamples, ``[n, count]``."""
    drawn = [np.bincount(rng.integers(n, size=n), minlength=n) for _ in range(count)]
    return np.stack(drawn, axis=1).astype(float)


def prove(
    latent: np.ndarray,
    role: np.ndarray,
    value: np.ndarray,
    base: np.ndarray,
    y: np.ndarray,
    measures: dict[str, tuple[str, np.ndarray]],
    kind: str,
    seed: int,
    settings: IdentifySettings = DEFAULTS,
    unit: str = "",
) -> tuple[list[dict], list[dict]]:
    """Count and measure outputs whose latent variables were set, one at a time, to given values.

    Beguš 2020, sections 4.2-4.4: the share of outputs that have the property at each value, and
    how steadily the fricative and its ratio to the vowel follow the variable. Shares have
    binomial intervals (``causes.within.proportion_interval``), means and slopes
    bootstrap intervals over base vectors (:func:`~wavegan_tf.analysis.causes.within.trend`).

    An output without a fricative has no intensity of one: such a value is NaN and is left out,
    whereas a ratio can be 0 and is. So ``frication_db`` is a mean over the outputs that still have
    frication, and where few do these are the loudest of all: it falls less than frication does,
    and may even seem to rise. The share and the ratio have no such bias.

    Args:
        latent: the variable that was set, text ``[m]``.
        role: ``top`` or ``control``, one for each variable, text ``[m]``.
        value: what it was set to, ``[m]``.
        base: the base vector, int ``[m]``; the same ones for every variable and value.
        y: the property of the output, ``[m]``; NaN is left out.
        measures: unit and values ``[m]`` by name; NaN is left out.
        kind: ``binary`` or ``continuous``.
        seed: from 0.
        settings: :class:`IdentifySettings`.
        unit: of a continuous property.

    Returns:
        Rows of proof.csv, by variable as they first come and ascending value: ``latent, role,
        value, n, share, lower, upper``, then ``mean`` of a continuous property (whose share is NaN)
        and each measure, with ``_lower`` and ``_upper``. Rows of trends.csv, by variable and
        measure, ``share`` or ``mean`` first: ``latent, role, measure, unit``, what
        ``causes.within.trend`` gives, ``p_holm`` over all rows, and ``verdict``:
        ``rises``, ``falls`` where it is below 1 - confidence, ``no trend shown``, ``too few``.

    Raises:
        ValueError: a base vector has two outputs of one variable and value.
    """
    latent, value, y = np.asarray(latent), np.asarray(value, float), np.asarray(y, float)
    first = {"share": ("1", y)} if kind == "binary" else {"mean": (unit, y)}
    measured = {name: (u, np.asarray(v, float)) for name, (u, v) in {**first, **measures}.items()}
    proof, trends = [], []
    for name in dict.fromkeys(latent.tolist()):
        here = latent == name
        about = {"latent": name, "role": str(np.asarray(role)[here][0])}
        values, cell = np.unique(value[here], return_inverse=True)
        rows = [about | {"value": float(v)} for v in values]
        _add_shares(rows, cell, y[here], kind, settings)
        for measure, (of, column) in measured.items():
            table = arrange(np.asarray(base)[here], cell, len(values), column[here])
            if measure != "share":
                _add_means(rows, measure, table, seed, settings)
            found = trend(table, values, seed, settings)
            trends.append({**about, "measure": measure, "unit": of, **found})
        proof += rows
    return proof, _with_verdicts(trends, settings)


def _add_shares(rows, cell, y, kind, settings):
    """Add n, share and its interval to the row of each value."""
    for k, row in enumerate(rows):
        there = y[(cell == k) & np.isfinite(y)]
        n = len(there)
        row |= {"n": n, "share": math.nan, "lower": math.nan, "upper": math.nan}
        if kind == "binary" and n:
            row["share"] = float(there.mean())
            row["lower"], row["upper"] = proportion_interval(
                int(there.sum()), n, settings.confidence
            )


def _add_means(rows, measure, table, seed, settings):
    """Add a measure's mean and its interval to the row of each value."""
    for row, *numbers in zip(rows, *mean_intervals(table, seed, settings), strict=True):
        names = (measure, f"{measure}_lower", f"{measure}_upper")
        row |= dict(zip(names, map(float, numbers), strict=True))


def _with_verdicts(rows, settings):
    """Correct over all rows, and say which rise or fall."""
    for row, p_holm in zip(rows, holm([row["p"] for row in rows]), strict=True):
        verdict = TOO_FEW
        if not math.isnan(p_holm):
            clear = p_holm < 1 - settings.confidence
            verdict = (RISES if row["slope"] > 0 else FALLS) if clear else NO_TREND
        row |= {"p_holm": float(p_holm), "verdict": verdict}
    return rows
