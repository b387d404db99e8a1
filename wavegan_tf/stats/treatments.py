"""What setting a latent variable to a value causes, against a reference value.

The same base vectors are generated at every value, so that each is its own control: the effects of
a value are differences within base vectors (Beguš et al. 2023, arXiv 2303.10931). Base vectors are
the unit of every interval and test.

``values`` is a DataFrame of outcomes as :mod:`wavegan_tf.stats.sweeps` takes them, outputs in order
of base vectors and values; ``x`` are the values, ascending, the ``reference`` among them. A ``p``
here is that of one test: :func:`correct` corrects those of a run together.
"""

import math

import numpy as np
import pandas as pd

from wavegan_tf.stats.effects import holm, paired_t
from wavegan_tf.stats.maps import CHANGES, NO_CHANGE
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    StatisticsSettings,
    interval,
    mean_intervals,
    mean_over,
    resample,
)
from wavegan_tf.stats.sweeps import (
    AS_CONTROLS,
    CONTROLS,
    KEYS,
    MORE,
    SHARE,
    beside,
    compared_steps,
    differences,
    head,
    judge,
    p_of_rows,
    rank_size,
)

MEAN, SD = "mean", "sd"
"""Of the statistics of :func:`measure_treatments`: the average effect, and that on the spread."""

N_FLIPS = 9_999, 99_999
"""Least and most draws of signs, whose number sets the least p of a distance."""


def forward_differences(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Takes the mean forward difference of y ``[..., values]`` per unit of x, ``[...]``.

    A step counts by its length; one of which an end has no value is left out, and without any step
    there is none (NaN). Where no value is missing it is the last less the first over the range.
    """
    dy = np.diff(y, axis=-1)
    dx = np.where(np.isfinite(dy), np.diff(x), 0.0)
    with np.errstate(invalid="ignore"):
        return np.nansum(dy, axis=-1) / dx.sum(axis=-1)


def measure_treatments(
    values: pd.DataFrame,
    controls: pd.DataFrame,
    x: np.ndarray,
    reference: float,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Estimates what each value does to the mean and to the spread over base vectors.

    Takes what :func:`measure_individual` takes.

    Returns:
        A row for each outcome, ``statistic`` and ``value`` but the reference. ``mean``: the average
        treatment effect, the mean of the differences from the reference over the ``n`` bases that
        have both, tested by :func:`~wavegan_tf.stats.effects.test_differences`. ``sd``: the
        standard deviation over these bases less that at the reference, tested by the paired t-test
        of the distances from the median (Grambsch 1994, Biometrika 81:359-372). ``control`` and
        ``control_high``: of ``mean`` at the ends median and largest of its size in the controls.
    """
    grid, parts, steps = _grid(values, x), [], compared(x, reference)
    theirs = controls.to_numpy(np.float64).reshape(*grid.shape[:2], -1, len(steps))
    middle = steps.index(_place(x, reference))
    for k in np.flatnonzero(x != reference):
        pairs = grid[:, :, [k, _place(x, reference)]]
        gaps = pairs[:, :, 0] - pairs[:, :, 1]  # [outcomes, bases]
        spreads = [_spread(pair[np.isfinite(pair).all(axis=1)].T, settings) for pair in pairs]
        means = mean_intervals(gaps.T, 0, settings, settings.min_outputs)
        averages = np.transpose([*means, p_of_rows(values, gaps, settings)])
        for statistic, found in ((MEAN, averages), (SD, np.array(spreads))):
            part = head(values).assign(value=x[k], reference=reference, statistic=statistic)
            part[["estimate", "low", "high", "p"]] = found
            part[["control", "control_high"]] = math.nan
            if statistic == MEAN and k in steps:
                moved = theirs[..., steps.index(k)] - theirs[..., middle]
                part[["control", "control_high"]] = [_of_controls(each, settings) for each in moved]
            parts.append(part.assign(n=np.isfinite(gaps).sum(axis=1)))
    table = pd.concat(parts).rename_axis("k").sort_values(["k", "statistic"], kind="stable")
    return table.reset_index(drop=True)


def _of_controls(gaps: np.ndarray, settings: StatisticsSettings) -> tuple[float, float]:
    """Takes median and largest size of the means of ``[bases, controls]``; NaN without any."""
    enough = np.isfinite(gaps).sum(axis=0) >= settings.min_outputs
    sizes = np.abs(mean_over(gaps[:, enough], axis=0))
    return (float(np.median(sizes)), float(sizes.max())) if len(sizes) else (math.nan, math.nan)


def count_limits(values: pd.DataFrame, x: np.ndarray) -> pd.DataFrame:
    """Counts the base vectors at whose value an outcome is at the same end of all that it takes.

    Returns:
        A row for each outcome and value: ``n_limit``, how many base vectors share the largest or
        the smallest number of the outcome anywhere, ``limit``. Counts, and yes or no, have none.
    """
    grid = _grid(values, x)
    measure = values.index.get_level_values("measure")
    grid[(measure == SHARE) | measure.str.startswith("n_")] = math.nan
    ends = np.stack([np.fmin.reduce(grid, axis=(1, 2)), np.fmax.reduce(grid, axis=(1, 2))])
    at = np.isclose(grid, ends[:, :, np.newaxis, np.newaxis], rtol=1e-6, atol=0).sum(axis=2)
    which = at.argmax(axis=0)  # [outcomes, values]
    limit = np.take_along_axis(ends, which.T, axis=0).T
    return pd.DataFrame({"limit": limit.ravel(), "n_limit": at.max(axis=0).ravel()})


def _spread(pair: np.ndarray, settings: StatisticsSettings) -> tuple[float, float, float, float]:
    """Compares standard deviations of ``[2, bases]``, first less second: to p; NaN of too few."""
    n = pair.shape[1]
    if n < settings.min_outputs:
        return (math.nan,) * 4
    centred = pair - pair.mean(axis=1, keepdims=True)

    def gap(weights: np.ndarray) -> np.ndarray:
        squares, sums = centred**2 @ weights, centred @ weights
        first, second = np.sqrt(np.maximum(squares - sums**2 / n, 0) / (n - 1))
        return first - second

    drawn = resample(gap, n, 2 * n, 0, settings)
    far = np.abs(pair - np.median(pair, axis=1, keepdims=True))
    estimate = float(gap(np.ones([n, 1]))[0])
    return (estimate, *interval(drawn, n, settings.confidence), paired_t(far[0] - far[1]))


def measure_individual(
    values: pd.DataFrame,
    controls: pd.DataFrame,
    x: np.ndarray,
    reference: float,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Estimates the effect per unit of the latent in each base vector, and their mean.

    Args:
        values: Of the variable.
        controls: Of its control variables at the values of :func:`compared`, outputs in order of
            base vectors, controls and values.
        x: The values.
        reference: One of them.
        settings: ``min_outputs`` is what a test, or a control, needs.

    Returns:
        A row for each outcome: ``estimate`` is the mean over ``n`` bases of
        :func:`forward_differences`, ``agreement`` the share of them with its sign (of 0 there is
        none). ``control`` and ``control_high`` are median and largest of the size of this of the
        ``n_controls`` controls, ``n_controls_as_large`` and ``p_control`` as of
        :func:`~wavegan_tf.stats.sweeps.measure_effects`. These rest on ``size``, that of the
        ``change`` between ``change_from`` and ``change_to`` (ends and reference) which is largest
        in units of its mean size over variable and controls; ``size_control`` and
        ``size_control_high`` are median and largest of the controls' sizes.
    """
    grid, steps = _grid(values, x), compared(x, reference)
    effects = forward_differences(x, grid)  # [outcomes, bases]
    estimate, low, high = mean_intervals(effects.T, 0, settings, settings.min_outputs)
    sign = np.sign(estimate)[:, np.newaxis]
    signed = np.isfinite(effects) & (np.abs(sign) == 1)
    theirs = controls.to_numpy(np.float64).reshape(*grid.shape[:2], -1, len(steps))
    gaps, of_controls = (np.stack(differences(x), axis=1) for x in (grid[..., steps], theirs))
    pairs = zip(gaps, of_controls, strict=True)
    found = [beside(own, others, settings)[0] for own, others in pairs]
    table = head(values).assign(
        from_value=x[0], to_value=x[-1], n_values=len(x), reference=reference,
        estimate=estimate, low=low, high=high,
        agreement=mean_over(np.where(signed, np.sign(effects) == sign, math.nan)),
        p=p_of_rows(values, effects, settings), n=np.isfinite(effects).sum(axis=1),
    )  # fmt: skip
    names = [*CONTROLS[:5], "largest", "size", "size_control", "size_control_high"]
    table = table.join(pd.DataFrame(found, columns=names))
    table[["control", "control_high"]] /= x[-1] - x[0]
    ends = np.array([(x[0], x[-1]), (reference, x[0]), (reference, x[-1]), (math.nan, math.nan)])
    largest = table.pop("largest").fillna(3).to_numpy(int)
    table[["change_from", "change_to"]] = ends[largest]
    changes = np.column_stack([mean_over(gaps), np.full(len(gaps), math.nan)])
    table["change"] = changes[np.arange(len(gaps)), largest]
    return table.astype({"n_controls": int})


def _grid(values: pd.DataFrame, x: np.ndarray) -> np.ndarray:
    """Arranges the outcomes of all outputs, ``[outcomes, bases, values]``."""
    return values.to_numpy(np.float64).reshape(len(values), -1, len(x))


def _place(x: np.ndarray, reference: float) -> int:
    return int(np.argmin(np.abs(x - reference)))


def compared(x: np.ndarray, reference: float) -> list[int]:
    """Lists the places of the values that controls take: first, reference, last, each once."""
    return compared_steps("", (x - reference).tolist())


def measure_spectra(
    shares: np.ndarray,
    controls: np.ndarray,
    x: np.ndarray,
    reference: float,
    width_hz: float,
    settings: StatisticsSettings,
    n_flips: int,
) -> pd.DataFrame:
    """Measures how far the mean spectrum at each value is from that at the reference, in Hz.

    The distance is Wasserstein's (of order 1): the mean way in Hz that power has to be moved.

    Args:
        shares: ``[bases, values, bands]`` share of power in and below each band, NaN of silence.
        controls: ``[bases, controls, compared values, bands]`` of the control variables.
        x: The values.
        reference: One of them.
        width_hz: Of a band.
        settings: ``min_outputs`` is what a test needs.
        n_flips: Draws of a test.

    Returns:
        A row for each value but the reference. The interval is the basic bootstrap's, which takes
        off what scatter adds to a distance. ``p``: that value and reference may be exchanged within
        bases (draws of signs), ``p_least`` what it cannot be below. At the ends, where controls
        were set: ``control``, ``control_high``, median and largest of theirs, ``n_controls``,
        ``n_controls_as_large``, ``p_control`` (by the largest of the distances of the ends from the
        reference and from each other).
    """
    steps, middle = compared(x, reference), _place(x, reference)
    own = np.stack(differences(np.moveaxis(shares[:, steps], 1, -1)))  # [3, bases, bands]
    theirs = np.stack(differences(np.moveaxis(controls, 2, -1)))  # [3, bases, controls, bands]
    told = np.isfinite(own[..., 0]).any(axis=1)  # without a middle one difference alone
    enough = np.isfinite(theirs[told, ..., 0]).sum(axis=1) >= settings.min_outputs
    theirs = theirs[:, :, enough.all(axis=0) & told.any()]
    everyone = np.concatenate([own[:, :, np.newaxis], theirs], axis=2)
    sizes = _way(mean_over(everyone, axis=1), width_hz)  # [3, own and controls]
    of_ends = (
        {steps[0]: sizes[-2], steps[-1]: sizes[-1]}
        if len(steps) == 3
        else {k: sizes[0] for k in steps}
    )
    rows = []
    for k in np.flatnonzero(x != reference):
        gaps = shares[:, k] - shares[:, middle]
        gaps = gaps[np.isfinite(gaps).all(axis=1)].astype(np.float64)
        row = (*_distance(gaps, width_hz, settings, n_flips), 1 / (1 + n_flips), len(gaps))
        beyond: tuple[float, ...] = (0, *[math.nan] * 4)
        if k in of_ends and theirs.shape[2]:
            size = of_ends[k][1:]
            numbers = float(np.median(size)), float(size.max())
            beyond = (len(size), *numbers, *rank_size(sizes[told])[:2])
        rows.append((x[k], reference, *row, *beyond))
    names = ["value", "reference", "estimate", "low", "high", "p", "p_least", "n", *CONTROLS[:5]]
    return pd.DataFrame(rows, columns=names).astype({"n_controls": int})


def _way(gaps: np.ndarray, width_hz: float) -> np.ndarray:
    """Sums the differences of two distributions along the last axis: Wasserstein's distance."""
    return np.abs(gaps).sum(axis=-1) * width_hz


def _distance(
    gaps: np.ndarray, width_hz: float, settings: StatisticsSettings, n_flips: int
) -> tuple[float, float, float, float]:
    """Takes the distance of differences ``[bases, bands]``: estimate, low, high, p."""
    n = len(gaps)
    if n < settings.min_outputs:
        return (math.nan,) * 4
    own = float(_way(gaps.mean(axis=0), width_hz))
    drawn = resample(lambda w: _way(w.T @ gaps / n, width_hz), n, gaps.size, 0, settings)
    low, high = interval(drawn, n, settings.confidence)
    rng, as_large = np.random.default_rng([0, n]), 0
    for start in range(0, n_flips, 1000):
        signs = rng.choice([-1.0, 1.0], size=(min(1000, n_flips - start), n))
        as_large += int(np.sum(_way(signs @ gaps / n, width_hz) >= own * (1 - 1e-9)))
    return own, max(0.0, 2 * own - high), 2 * own - low, (1 + as_large) / (1 + n_flips)


def correct(
    tables: dict[str, pd.DataFrame], settings: StatisticsSettings
) -> dict[str, pd.DataFrame]:
    """Corrects all tests of a run together (Holm), and adds ``p_holm`` and ``verdict``.

    Takes and gives the tables ``effects``, ``treatments`` and ``spectra``. The verdict on an effect
    rests on three tests, the individual effect and the average effects of both ends: ``changes,
    more than controls`` where one of them is shown and ``p_control`` is at most 1 - confidence, and
    so on as of :func:`~wavegan_tf.stats.sweeps.measure_effects`. ``ends``: whether the individual
    effect itself is shown, and of ``more than controls`` larger than any control's. A spectrum is
    more than controls only where its distance is larger than any of theirs too; away from the ends,
    where no control was set, it ``changes`` or not.
    """
    names = ("effects", "treatments", "spectra")
    p_holm = holm(np.concatenate([tables[name]["p"].to_numpy(np.float64) for name in names]))
    cuts = np.cumsum([len(tables[name]) for name in names])[:-1]
    effects, treatments, spectra = (
        tables[name].assign(p_holm=p) for name, p in zip(names, np.split(p_holm, cuts), strict=True)
    )
    level = 1 - settings.confidence
    treatments["verdict"] = np.select(
        [treatments["p_holm"].isna(), treatments["p_holm"] < level], [TOO_FEW, CHANGES], NO_CHANGE
    )
    keys = [name for name in ("model", "latent", *KEYS) if name in effects]
    of_means = treatments[treatments["statistic"] == MEAN].set_index([*keys, "value"])["p_holm"]
    tests = [effects["p_holm"].to_numpy()]
    for side in ("from_value", "to_value"):
        places = pd.MultiIndex.from_frame(effects[[*keys, side]])
        tests.append(of_means.reindex(places).to_numpy())
    verdict = judge(np.stack(tests), effects, settings)
    within = (verdict == MORE) & (effects["estimate"].abs() <= effects["control_high"])
    effects = effects.assign(ends=(effects["p_holm"] < level) & ~within, verdict=verdict)
    verdict = judge(spectra["p_holm"].to_numpy()[np.newaxis], spectra, settings)
    within = (verdict == MORE) & (spectra["estimate"] <= spectra["control_high"])
    spectra["verdict"] = np.where(within, AS_CONTROLS, verdict)
    return {"effects": effects, "treatments": treatments, "spectra": spectra}


def count_models(effects: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Counts, of effects of several models, how many agree.

    Returns:
        A row for each ``latent`` and outcome: ``n_models`` with an estimate, ``n_positive`` and
        ``n_negative`` individual effects; ``sign``, that of most, and ``n_shown``, of those with it
        (the individual effect is shown); ``n_more`` of all whose verdict is :data:`MORE`.
    """
    rows = []
    for key, group in effects.groupby(["latent", *KEYS], sort=False, observed=True):
        sign = np.sign(group["estimate"])
        most = 1 if (sign > 0).sum() >= (sign < 0).sum() else -1
        shown = (sign == most) & (group["p_holm"] < 1 - settings.confidence)
        rows.append((
            *key, int(sign.notna().sum()), int((sign > 0).sum()), int((sign < 0).sum()), most,
            int(shown.sum()), int((group["verdict"] == MORE).sum()),
        ))  # fmt: skip
    names = ["n_models", "n_positive", "n_negative", "sign", "n_shown", "n_more"]
    return pd.DataFrame(rows, columns=["latent", *KEYS, *names])
