"""Codes and pairs of latent variables: shares in every cell, tests, interactions.

Beguš 2021 (Neural Networks 139:305-325; TACL 9:1180-1196): outputs of every code, transcribed, and
the word regressed on the code, or Fisher's exact test. Chen & Elsner 2023 (arXiv 2305.12501):
latent variables interact, so that one at a time can mislead; hence pairs.
"""

import math

import numpy as np
from scipy.stats import chi2, fisher_exact, gamma

from wavegan_tf.analysis.causes.identify import DEFAULTS, IdentifySettings
from wavegan_tf.analysis.causes.within import arrange, contrast, proportion_interval
from wavegan_tf.analysis.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.analysis.resampling import mean_intervals

INTERACT, NO_INTERACTION = "interact", "no interaction shown"
MIN_EXPECTED = 5  # outputs in a cell, for the chi-squared distribution to hold (Cochran 1954)


def code_shares(
    code: np.ndarray,
    value: np.ndarray,
    labels: np.ndarray,
    categories: list[str],
    settings: IdentifySettings = DEFAULTS,
) -> list[dict]:
    """Share of outputs with each label at each code and value.

    Args:
        code: name of the code or cell that was set, text ``[m]``.
        value: to what, ``[m]``.
        labels: 0 and 1 of one property (NaN: none), or texts (empty: none), ``[m]``.
        categories: the texts, or the name of the property alone.
        settings: :class:`~wavegan_tf.analysis.causes.identify.IdentifySettings`.

    Returns:
        A dict for each code as they first come, ascending value and category: ``code, value, label,
        n`` outputs that have a label, ``count, share, lower, upper`` (Wilson's interval).
    """
    code, value = np.asarray(code), np.asarray(value, float)
    has, there = _indicators(labels, categories)
    rows = []
    for name in dict.fromkeys(code.tolist()):
        for v in np.unique(value[code == name]):
            here = (code == name) & (value == v) & there
            n = int(here.sum())
            for k, label in enumerate(categories):
                count = int(has[here, k].sum())
                lower, upper = proportion_interval(count, n, settings.confidence)
                rows.append({
                    "code": name, "value": float(v), "label": label, "n": n, "count": count,
                    "share": count / n if n else math.nan, "lower": lower, "upper": upper,
                })  # fmt: skip
    return rows


def _indicators(labels, categories):
    """Which output has which label ``[m, categories]``, and which has any ``[m]``.

    Raises:
        ValueError: a text is none of the categories.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind in "biuf":
        return (labels == 1)[:, None], np.isfinite(labels.astype(float))
    there = ~np.isin(labels, ("", "NaN"))
    has = labels[:, None] == np.asarray(categories, dtype=labels.dtype)
    if not has[there].any(axis=1).all():
        raise ValueError(f"labels are not all among the categories {categories}")
    return has, there


def code_tests(
    code: np.ndarray,
    value: np.ndarray,
    labels: np.ndarray,
    categories: list[str],
    settings: IdentifySettings = DEFAULTS,
    seed: int = 0,
) -> list[dict]:
    """Does the label depend on the code? At each value, each code against all others, and overall.

    ``fisher``: Fisher's exact test of one property, a code against the others together; the
    statistic is the odds ratio (infinite where only this code has the property). ``g_test``: twice
    the log likelihood ratio of the multinomial regression of the label on the code - which, with a
    parameter for each code and label, fits the shares themselves - to that without the code. Of
    one code it compares that code with the others together; the row of the code ``all`` compares
    all codes. Its p is that of chi-squared. Where fewer than 5 outputs are expected in a cell, mean
    and variance of G are not those of chi-squared, and its p is that of the gamma distribution with
    the mean and variance of G in ``n_permutations`` random deals of labels to codes: counting deals
    could give no p small enough for a correction over many codes.

    The tests take outputs as independent. Codes that were made with the same base vectors are at
    least as much alike as that, which makes the p too large rather than too small.

    Args:
        code: as for :func:`code_shares`, and so the next three.
        value: ..
        labels: ..
        categories: ..
        settings: :class:`~wavegan_tf.analysis.causes.identify.IdentifySettings`.
        seed: of the permutations.

    Returns:
        A dict for each value and code, ``all`` last: ``code, value, test, statistic, p, p_holm``
        (over all rows), ``n`` outputs compared, ``verdict``: ``differs``, ``no difference
        shown``, or ``too few`` where fewer than two codes have labelled outputs.
    """
    code, value = np.asarray(code), np.asarray(value, float)
    has, there = _indicators(labels, categories)
    binary = has.shape[1] == 1
    kind = np.where(has[:, 0], 1, 0) if binary else has.argmax(axis=1)
    rows = []
    for v in np.unique(value):
        here = (value == v) & there
        names = dict.fromkeys(code[value == v].tolist())
        for name in names:
            group = (code[here] == name).astype(int)
            test = "fisher" if binary else "g_test"
            found = (_fisher if binary else _g_test)(group, kind[here], settings, seed)
            rows.append(_test_row(name, v, test, found, here))
        group = np.unique(code[here], return_inverse=True)[1]
        found = _g_test(group, kind[here], settings, seed)
        rows.append(_test_row("all", v, "g_test", found, here))
    return add_verdicts(rows, settings, DIFFERS, NO_DIFFERENCE)


def _test_row(name, value, test, found, here):
    return {
        "code": name, "value": float(value), "test": test, "statistic": found[0], "p": found[1],
        "p_holm": math.nan, "n": int(here.sum()), "verdict": "",
    }  # fmt: skip


def _fisher(group, kind, settings, seed):
    """Odds ratio and p of 0/1 by 0/1; NaN where a group is empty."""
    if len(np.unique(group)) < 2:
        return math.nan, math.nan
    table = np.bincount(2 * group + kind, minlength=4).reshape(2, 2)[::-1, ::-1]
    (a, b), (c, d) = table.tolist()
    odds = a * d / (b * c) if b * c else (math.inf if a * d else math.nan)
    return float(odds), float(fisher_exact(table).pvalue)


def _g_test(group, kind, settings, seed):
    """G and its p; NaN for fewer than two groups."""
    group, kind = (np.unique(x, return_inverse=True)[1] for x in (group, kind))
    n = len(group)
    if n == 0 or group.max() == 0:
        return math.nan, math.nan
    rows, columns = int(group.max()) + 1, int(kind.max()) + 1
    if columns == 1:
        return 0.0, 1.0
    expected = np.outer(np.bincount(group), np.bincount(kind)) / n

    def statistic(kinds):
        seen = np.bincount(group * columns + kinds, minlength=rows * columns)
        seen = seen.reshape(rows, columns)
        return 2 * float((seen * np.log(np.where(seen, seen, 1) / expected)).sum())

    g = max(0.0, statistic(kind))
    if expected.min() >= MIN_EXPECTED:
        return g, float(chi2.sf(g, (rows - 1) * (columns - 1)))
    rng = np.random.default_rng([seed, n])
    dealt = [statistic(rng.permutation(kind)) for _ in range(int(settings.n_permutations))]
    mean, variance = float(np.mean(dealt)), float(np.var(dealt))
    if variance < 1e-12:  # every deal gives the same table but for the names of rows or columns
        return g, 1.0
    return g, float(gamma.sf(g, mean * mean / variance, scale=variance / mean))


def pair_effects(
    latent_a: np.ndarray,
    value_a: np.ndarray,
    latent_b: np.ndarray,
    value_b: np.ndarray,
    base: np.ndarray,
    y: np.ndarray,
    seed: int,
    settings: IdentifySettings = DEFAULTS,
) -> tuple[list[dict], list[dict]]:
    """What pairs of variables do together, in a grid of values on the same base vectors.

    Within a base vector: the main effect of a is the difference between its largest and its least
    value, averaged over the values of b; the interaction is the difference between those of a at
    the largest and at the least value of b. Means over bases, bootstrap intervals over bases.

    Args:
        latent_a: the pair's first variable, text ``[m]``.
        value_a: what it was set to, ``[m]``.
        latent_b: the second, text ``[m]``.
        value_b: ``[m]``.
        base: the base vector, int ``[m]``.
        y: the property, 0 and 1 or numbers, ``[m]``; NaN is left out.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.causes.identify.IdentifySettings`.

    Returns:
        Rows of pairs.csv, one for each pair and two values: ``latent_a, value_a, latent_b, value_b,
        n, share, lower, upper`` (Wilson's interval); where y holds other numbers than 0 and 1 share
        is NaN and ``mean, mean_lower, mean_upper`` follow. Rows of interactions.csv, one a pair:
        ``main_a``, ``main_b`` and ``interaction`` with their ends, ``p`` (of the interaction,
        Student's t over bases), ``p_holm`` over the pairs, ``n_bases`` that have a value in every
        cell, ``verdict``: ``interact`` where p_holm is below 1 - confidence, ``no interaction
        shown``, or ``too few`` (below ``min_bases``, or fewer than two values of a variable).

    Raises:
        ValueError: a base vector has two outputs of one pair and two values.
    """
    y, base = np.asarray(y, float), np.asarray(base)
    values = [np.asarray(v, float) for v in (value_a, value_b)]
    binary = bool(np.isin(y[np.isfinite(y)], (0, 1)).all())
    named = list(zip(np.asarray(latent_a).tolist(), np.asarray(latent_b).tolist(), strict=True))
    cells, interactions = [], []
    for pair in dict.fromkeys(named):
        here = np.array([name == pair for name in named])
        (a, at_a), (b, at_b) = (np.unique(v[here], return_inverse=True) for v in values)
        cell = at_a * len(b) + at_b
        table = arrange(base[here], cell, len(a) * len(b), y[here])
        cells += _cell_rows(pair, a, b, table, binary, seed, settings)
        complete = table[np.isfinite(table).all(axis=1)].reshape(-1, len(a), len(b))
        interactions.append(_interaction_row(pair, complete, seed, settings))
    return cells, add_verdicts(interactions, settings, INTERACT, NO_INTERACTION)


def _cell_rows(pair, a, b, table, binary, seed, settings):
    """Rows of one pair's cells; ``table`` is ``[bases, cells]``."""
    rows = []
    means = None if binary else np.stack(mean_intervals(table, seed, settings), axis=1)
    for k in range(table.shape[1]):
        there = table[np.isfinite(table[:, k]), k]
        n = len(there)
        row = {
            "latent_a": pair[0], "value_a": float(a[k // len(b)]),
            "latent_b": pair[1], "value_b": float(b[k % len(b)]),
            "n": n, "share": math.nan, "lower": math.nan, "upper": math.nan,
        }  # fmt: skip
        if binary:
            row["share"] = float(there.mean()) if n else math.nan
            ends = proportion_interval(int(there.sum()), n, settings.confidence)
            row["lower"], row["upper"] = ends
        else:
            names = ("mean", "mean_lower", "mean_upper")
            row |= dict(zip(names, map(float, means[k]), strict=True))
        rows.append(row)
    return rows


def _interaction_row(pair, grid, seed, settings):
    """Main effects and interaction of ``[bases, values of a, values of b]``."""
    row = {"latent_a": pair[0], "latent_b": pair[1]}
    by_b = grid[:, -1] - grid[:, 0]  # [bases, values of b]: what a does at each
    by_a = grid[:, :, -1] - grid[:, :, 0]
    effects = {
        "main_a": (by_b.mean(axis=1), grid.shape[1]),
        "main_b": (by_a.mean(axis=1), grid.shape[2]),
        "interaction": (by_b[:, -1] - by_b[:, 0], min(grid.shape[1:])),
    }
    for name, (differences, n_values) in effects.items():
        found = (math.nan,) * 4
        if n_values > 1:
            found = contrast(differences, seed, settings)
        row |= dict(zip((name, f"{name}_lower", f"{name}_upper"), found[:3], strict=True))
    row["lower"], row["upper"] = row.pop("interaction_lower"), row.pop("interaction_upper")
    return row | {"p": found[3], "p_holm": math.nan, "n_bases": len(grid), "verdict": ""}
