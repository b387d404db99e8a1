"""Interventions on a layer's activation, and what they leave of an effect. NumPy and SciPy only.

A Generator is a chain: whatever reaches the output passes through every layer. A whole layer
replaced by that of another output therefore gives the other output, at any depth: it carries all
of the effect by construction, and says nothing. Parts of a layer say something: its average over
the feature maps (equation 4 of Beguš & Zhou 2022, what the technique listens to), single maps, a
stretch of time. Replacing activations to find what carries an effect is causal mediation analysis
(Vig et al. 2020, NeurIPS 33) or activation patching.

Two controls stand beside every share. An output comes nearer to another by its loudness alone, so
that a distance is judged against the untouched output at whatever gain comes nearest (``scaled``).
And the same part of the same layer is taken from the other output of another base latent vector
(``control``): what that does too is common to outputs at the other end; what the right one does
more (``specific``) belongs to this output.
"""

import math
from collections.abc import Iterable

import numpy as np

from wavegan_tf.analysis.causes.outputs import DISTANCES
from wavegan_tf.analysis.effects import CHANGES, NO_CHANGE, holm, paired_t
from wavegan_tf.analysis.resampling import (
    StatisticsSettings,
    interval,
    mean_intervals,
    resample,
)
from wavegan_tf.analysis.statistics import DEFAULTS, TOO_FEW

PARTS = ("average", "gain", "rest")
"""Parts of a layer that can be replaced, besides all of it, single maps and stretches of time."""

LEAST_DB = 0.1
"""Least mean effect or change of a level (``rms``, ``high``) that has a verdict."""

OVERSHOOT = 1.5
"""A share whose interval lies above this is no share of anything: ``overshoots``."""

SIDES = ("from", "to", "patched", "control", "scaled")
"""Rows of what :func:`judge` takes."""

CARRIES, NOT_SHOWN, OPPOSES = "carries", "none shown", "opposes"
NOT_BEYOND, OVERSHOOTS, NO_EFFECT = "not beyond control", "overshoots", "no effect shown"
SHARES = (0.5, 0.8, 0.95)
"""Shares of the whole layer's effect for which the number of maps is told."""


def replace_part(own: np.ndarray, donor: np.ndarray, part: str) -> np.ndarray:
    """Replace the average of a layer, or all but its average.

    With t the average over the maps (equation 4) at each time:

    - ``average``: ReLU(own + t_donor - t_own). Every map is moved by the same amount, clipped at 0
      as ReLU would, so that the average reached lies above t_donor where maps are clipped.
    - ``gain``: own * t_donor / t_own. The average reached is t_donor itself, and what is silent
      stays so; all of it does at times at which t_own is 0.
    - ``rest``: ReLU(donor + t_own - t_donor), the opposite of ``average``: the maps of the other
      output, moved to the average of this one.

    Args:
        own: Activation after ReLU, ``[batch, time, maps]``.
        donor: The other output's, likewise.
        part: one of :data:`PARTS`.

    Returns:
        float32 ``[batch, time, maps]``.
    """
    t_own, t_donor = (x.mean(axis=2, keepdims=True, dtype=np.float64) for x in (own, donor))
    if part == "gain":
        factor = np.divide(t_donor, t_own, out=np.zeros_like(t_own), where=t_own > 0)
        return (own * factor).astype(np.float32)
    moved = own + (t_donor - t_own) if part == "average" else donor + (t_own - t_donor)
    return np.maximum(moved, 0).astype(np.float32)


def replace_maps(own: np.ndarray, donor: np.ndarray, maps: Iterable[int]) -> np.ndarray:
    """Replace single feature maps.

    Args:
        own: ``[batch, time, maps]``.
        donor: likewise.
        maps: those that are the donor's, counted from 0; none leaves ``own`` as it is.
    """
    replaced, maps = own.copy(), list(maps)
    replaced[:, :, maps] = donor[:, :, maps]
    return replaced


def replace_stretch(
    own: np.ndarray, donor: np.ndarray, rate_hz: float, start_s: float, end_s: float
) -> np.ndarray:
    """Replace the samples that stand between two times; sample i stands at (i + 0.5) / rate.

    Args:
        own: ``[batch, time, maps]``.
        donor: likewise.
        rate_hz: of the layer.
        start_s: included.
        end_s: not included.
    """
    times_s = (np.arange(own.shape[1]) + 0.5) / rate_hz
    inside = (times_s >= start_s) & (times_s < end_s)
    return np.where(inside[np.newaxis, :, np.newaxis], donor, own)


def shares(
    start: np.ndarray,
    end: np.ndarray,
    patched: np.ndarray,
    seed: int = 0,
    settings: StatisticsSettings = DEFAULTS,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The share of an effect that interventions bring about.

    (patched - start) / (end - start), a ratio of means over base latent vectors: 0 where nothing
    happens, 1 for the whole effect, negative for its opposite. Parts need not add up to 1, for
    layers are not linear. Of a distance from the output at the end, end is 0, and the share is
    1 - patched / start.

    Args:
        start: of each base ``[bases]``, without NaN.
        end: likewise.
        patched: of each intervention ``[interventions, bases]``.
        seed: of the resampling of bases.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        Shares and the ends of their bootstrap intervals over bases, ``[interventions]`` each; NaN
        ends with fewer than ``min_outputs`` bases, all NaN where the effect is 0 throughout.
    """
    return _ratios(patched - start, end - start, seed, settings)


def _ratios(change, effect, seed, settings):
    """Ratios of means over bases of changes [some, bases] to an effect [bases], with intervals."""
    n, nothing = len(effect), np.full(len(change), math.nan)
    if n == 0 or not effect.any():
        return nothing, nothing, nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        share = change.mean(axis=1) / effect.mean() + 0.0  # no -0
        if n < settings.min_outputs:
            return share, nothing, nothing
        at = (n, max(n, len(change)), seed, settings)
        resampled = resample(lambda w: (change @ w) / (effect @ w), *at)
    ends = np.array([interval(row, n, settings.confidence) for row in resampled])
    return share, *ends.reshape(-1, 2).T


def maps_needed(cumulative: np.ndarray) -> dict[float, int]:
    """How many maps bring about some share of what all of them do.

    Args:
        cumulative: share of the first 1, 2, .. maps ``[maps]``.

    Returns:
        For each of :data:`SHARES` the least number from which on the share never falls below that
        part of the last; empty where the last is not above 0.
    """
    if not cumulative[-1] > 0:
        return {}
    below = [np.flatnonzero(cumulative < share * cumulative[-1]) for share in SHARES]
    return {s: int(b[-1]) + 2 if len(b) else 1 for s, b in zip(SHARES, below, strict=True)}


def judge(
    cells: list[dict[str, np.ndarray]],
    other: bool,
    seed: int = 0,
    settings: StatisticsSettings = DEFAULTS,
) -> list[list[dict]]:
    """What interventions change in each measure, and the share of the effect that this is.

    A part carries the effect on a level or on what Praat measures if its share is above 0. A
    distance from the other output becomes less by mere loudness, so that there a part carries the
    effect only if it leads nearer than any gain of the untouched output does. What another base
    vector's part does (``control``) decides nothing: an effect that all outputs share is one too.

    Args:
        cells: of each intervention by measure ``[5, bases]``, :data:`SIDES`: before, at the other
            end, after, after the same with another base's part, and what
            :func:`~wavegan_tf.analysis.causes.outputs.scaled_distances` gives; NaN where there is
            none.
        other: whether there is another end. Without one (``--by=mean`` or a factor) nothing is
            shared out, and its values are NaN, but of ``waveform`` the power of the output.
        seed: of the resampling.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        For each intervention a dict for each measure, from the bases that have the first three
        values: ``from_mean``, ``to_mean``, ``patched_mean`` (of distances: distances, else values),
        ``effect`` (to - from), ``change`` (patched - from) with its bootstrap interval, ``p`` of
        the effect or, without another end, of the change (paired t; NaN of distances), ``p_holm``
        (over the measures; without another end over all rows of the run), ``share`` with ``lower``,
        ``upper``; ``scaled``, the share that loudness reaches, and ``beyond``, share - scaled, with
        its paired interval (of distances alone); ``control``, the share of another base's part, and
        ``specific``, share - control, with theirs (from the bases that have this too);
        ``n_bases`` and ``verdict``.

        With another end: ``carries``, ``none shown``, ``opposes`` (the share's interval lies above,
        holds, lies below 0), ``not beyond control`` (of a distance: the share's lies above 0, that
        of beyond does not), ``overshoots`` (the share's lies above 1.5),
        ``no effect shown`` (p_holm not below 1 - confidence, or a level's effect below 0.1 dB: no
        share). Without: ``changes``, ``no change shown`` (p_holm; of a level also below 0.1 dB),
        none of distances, which are above 0 by construction; the share of ``waveform`` alone is
        that of the output's power. ``too few``: fewer bases than ``min_outputs``.
    """
    found = [[_judge(m, sides, other, seed, settings) for m, sides in c.items()] for c in cells]
    families = found if other else [[row for rows in found for row in rows]]
    for rows in families:
        for row, p_holm in zip(rows, holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = float(p_holm)
            row["verdict"] = _verdict(row, other, settings)
            if row["verdict"] in (NO_EFFECT, TOO_FEW):
                row |= dict.fromkeys(_SHARES, math.nan)
    return found


_SHARES = (
    "share", "lower", "upper", "scaled", "beyond", "beyond_lower", "beyond_upper", "control",
    "control_lower", "control_upper", "specific", "specific_lower", "specific_upper",
)  # fmt: skip
_NUMBERS = (
    "from_mean", "to_mean", "patched_mean", "effect", "p", "p_holm", "change", "change_lower",
    "change_upper", *_SHARES,
)  # fmt: skip


def _judge(measure, sides, other, seed, settings):
    """The row of a measure, without verdict."""
    start, end, patched, control, scaled = _complete(sides, other)
    n = len(start)
    row = {"measure": measure, **dict.fromkeys(_NUMBERS, math.nan), "n_bases": n}
    if n == 0:
        return row
    change = patched - start
    row |= {"from_mean": start.mean(), "patched_mean": patched.mean(), "change": change.mean()}
    if other:
        row |= {"to_mean": end.mean(), "effect": (end - start).mean()}
    if n >= settings.min_outputs:
        if measure not in DISTANCES:
            row["p"] = paired_t(end - start if other else change)
        ends = mean_intervals(change[:, np.newaxis], seed, settings)[1:]
        (row["change_lower"],), (row["change_upper"],) = ends

    def add(name, change, effect):
        ends = _ratios(change[np.newaxis], effect, seed, settings)
        prefix = "" if name == "share" else f"{name}_"
        row[name], row[f"{prefix}lower"], row[f"{prefix}upper"] = (x[0] for x in ends)

    if np.isfinite(end).all():
        add("share", change, end - start)
        if np.isfinite(scaled).all():
            row["scaled"] = _ratios((scaled - start)[np.newaxis], end - start, seed, settings)[0][0]
            add("beyond", patched - scaled, end - start)
        there = np.isfinite(control)
        if there.sum() >= min(n, settings.min_outputs):
            effect = (end - start)[there]
            add("control", (control - start)[there], effect)
            add("specific", (patched - control)[there], effect)
    return {k: x if isinstance(x, str | int) else float(x) for k, x in row.items()}


def _complete(sides, other):
    """The bases that have the values wanted, [5, bases]."""
    sides = np.asarray(sides, np.float64)
    wanted = sides[:3] if other else sides[[0, 2]]
    return sides[:, np.isfinite(wanted).all(axis=0)]


def _verdict(row, other, settings):
    """Of the share where there is another end, else of the change."""
    distance = row["measure"] in DISTANCES
    if distance and not other:
        return ""
    if row["n_bases"] < settings.min_outputs:
        return TOO_FEW
    told = row["effect" if other else "change"]
    small = row["measure"] in ("rms", "high") and abs(told) < LEAST_DB
    shown = distance or (row["p_holm"] < 1 - settings.confidence and not small)
    if not other:
        return CHANGES if shown else NO_CHANGE
    if not math.isfinite(row["share"]) or not shown:
        return NO_EFFECT
    if row["upper"] < 0:
        return OPPOSES
    if not row["lower"] > 0:
        return NOT_SHOWN
    if distance and not row["beyond_lower"] > 0:
        return NOT_BEYOND
    return OVERSHOOTS if row["lower"] > OVERSHOOT else CARRIES
