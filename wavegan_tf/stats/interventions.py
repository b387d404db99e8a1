"""Interventions on a layer's activation, and what they leave of an effect.

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
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.stats.effects import holm, paired_t
from wavegan_tf.stats.maps import CHANGES, NO_CHANGE
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    StatisticsSettings,
    interval,
    mean_intervals,
    resample,
)

PARTS = ("average", "gain", "rest")
"""Parts of a layer that can be replaced, besides single maps and stretches of time."""

UNITS = {"waveform": "1", "shape": "1", "spectrum": "dB²", "rms": "dB", "high": "dB"}
"""What :func:`measure_sounds` computes of every output, with its unit."""

DISTANCES = ("waveform", "shape", "spectrum")
"""Measures that are distances from an output: never negative, so that a test of 0 says nothing."""

CARRIES, NOT_SHOWN, OPPOSES = "carries", "none shown", "opposes"
NOT_BEYOND, OVERSHOOTS, NO_EFFECT = "not beyond control", "overshoots", "no effect shown"

LEAST_DB, OVERSHOOT = 0.1, 1.5
"""Least mean effect or change of a level (``rms``, ``high``) that has a verdict; a share whose
interval lies above the second is no share of anything: ``overshoots``."""

NEEDED = (0.5, 0.8, 0.95)
"""Shares of the whole layer's effect for which the number of maps is told."""

FLOOR_DB = -100.0
"""Least level, re full scale: a sound 100 dB down is silent."""

SPECTRUM_WINDOW_S, SPECTRUM_RANGE_DB = 0.032, 60.0
"""Hann window of the spectra that are compared, half of it between frames; they are compared as far
down from the loudest point of a pair of outputs, and what is weaker in both counts as equal."""

GAINS_DB = range(-60, 61)
"""Gains at which the spectrum of an untouched output is compared; the least makes it silent."""

DEFAULTS = StatisticsSettings()


def replace_part(own: np.ndarray, donor: np.ndarray, part: str) -> np.ndarray:
    """Replaces the average of a layer, or all but its average.

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
        part: One of :data:`PARTS`.

    Returns:
        float32 ``[batch, time, maps]``.
    """
    t_own, t_donor = (x.mean(axis=2, keepdims=True, dtype=np.float64) for x in (own, donor))
    if part == "gain":
        factor = np.divide(t_donor, t_own, out=np.zeros_like(t_own), where=t_own > 0)
        return (own * factor).astype(np.float32)
    moved = own + (t_donor - t_own) if part == "average" else donor + (t_own - t_donor)
    return np.maximum(moved, 0).astype(np.float32)


class Reference(NamedTuple):
    """Outputs that others are compared with (:func:`make_reference`).

    Sounds ``[batch, time, channels]``, their spectra ``[batch, channels, frames, frequencies]``,
    the least power of a point of a spectrum ``[batch]``; above ``split_hz`` ``high`` is measured.
    """

    sounds: np.ndarray
    spectra_db: np.ndarray
    floor: np.ndarray
    rate_hz: float
    split_hz: float


def make_reference(
    sounds: np.ndarray, others: np.ndarray, rate_hz: float, split_hz: float
) -> Reference:
    """Prepares outputs ``[batch, time, channels]`` for others to be compared with.

    ``others`` are those at the other end; the louder of both sets the range of spectral levels.
    """
    sounds, others = np.asarray(sounds, np.float64), np.asarray(others, np.float64)
    peaks = [(np.abs(_spectra(x, rate_hz)) ** 2).max(axis=(1, 2, 3)) for x in (sounds, others)]
    floor = np.maximum(*peaks) * 10 ** (-SPECTRUM_RANGE_DB / 10)
    floor = np.maximum(floor, np.finfo(np.float64).tiny)
    return Reference(sounds, _spectra_db(sounds, rate_hz, floor), floor, rate_hz, split_hz)


def measure_sounds(sounds: np.ndarray, reference: Reference) -> dict[str, np.ndarray]:
    """Measures outputs, and how far they are from others.

    Args:
        sounds: ``[batch, time, channels]``, full scale 1.
        reference: As many outputs.

    Returns:
        By measure ``[batch]``: ``waveform``, the mean square of the difference from the reference
        (re full scale 1); ``shape``, 1 - r² with r the cosine between output and reference, at
        least 0: the part of the reference's power that this output does not explain at any gain,
        0 .. 1, so that no change of loudness alters it; ``spectrum``, the mean square of the
        difference of log spectra in dB² (32 ms Hann windows; what is over 60 dB below the loudest
        point is cut there); ``rms``, the level in dB re full scale, its mean subtracted; ``high``,
        the same of what is above ``split_hz``. Levels are -100 dB at least.
    """
    sounds = np.asarray(sounds, np.float64)
    spectra_db = _spectra_db(sounds, reference.rate_hz, reference.floor)
    n = sounds.shape[1]
    centred = sounds - sounds.mean(axis=1, keepdims=True)
    energy = np.abs(np.fft.rfft(centred, axis=1)) ** 2  # [batch, frequencies, channels]
    energy[:, 1 : (n + 1) // 2] *= 2  # for the negative frequencies
    power = energy.mean(axis=2) / n**2  # [batch, frequencies]
    high = np.fft.rfftfreq(n, 1 / reference.rate_hz) > reference.split_hz
    return {
        "waveform": np.mean((sounds - reference.sounds) ** 2, axis=(1, 2)),
        "shape": _unexplained((sounds,), reference.sounds),
        "spectrum": np.mean((spectra_db - reference.spectra_db) ** 2, axis=(1, 2, 3)),
        "rms": _level_db(power.sum(axis=1)),
        "high": _level_db(power[:, high].sum(axis=1)),
    }


def scaled_distances(
    sounds: np.ndarray, reference: Reference, inside: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Computes the distances of outputs at whatever gain comes nearest: what loudness alone can do.

    Args:
        sounds: ``[batch, time, channels]``.
        reference: As many outputs.
        inside: bool ``[time]``, the samples that are scaled; None for all.

    Returns:
        The least :data:`DISTANCES`, as :func:`measure_sounds` gives them, ``[batch]`` each, over
        gains of every output for itself: of ``waveform`` and ``shape`` over all gains, silence
        included, in closed form; of ``spectrum`` over :data:`GAINS_DB`.
    """
    sounds = np.asarray(sounds, np.float64)
    part = sounds if inside is None else sounds * inside[:, np.newaxis]
    rest = sounds - part
    missing = reference.sounds - rest
    dot, power = (np.mean(part * x, axis=(1, 2)) for x in (missing, part))
    gain = np.divide(np.maximum(dot, 0), power, out=np.zeros_like(dot), where=power > 0)
    gap = missing - gain[:, np.newaxis, np.newaxis] * part
    return {
        "waveform": np.mean(gap**2, axis=(1, 2)),
        "shape": _unexplained((sounds,) if inside is None else (part, rest), reference.sounds),
        "spectrum": _scaled_spectrum(part, rest, reference),
    }


def _scaled_spectrum(part: np.ndarray, rest: np.ndarray, reference: Reference) -> np.ndarray:
    """Computes the least distance of spectra of gain * part + rest, [batch]."""
    part, rest = (_spectra(x, reference.rate_hz) for x in (part, rest))
    floor, gaps = reference.floor[:, np.newaxis, np.newaxis, np.newaxis], []
    for gain_db in GAINS_DB:
        power = np.abs(10 ** (gain_db / 20) * part + rest) ** 2
        gap = 10 * np.log10(np.maximum(power, floor)) - reference.spectra_db
        gaps.append(np.mean(gap**2, axis=(1, 2, 3)))
    return np.min(gaps, axis=0)


def _unexplained(parts: tuple[np.ndarray, ...], others: np.ndarray) -> np.ndarray:
    """Computes what no gains of parts that do not overlap explain of others' power, [batch].

    Where the others are silent it is 0 if all parts are, else 1.
    """
    wanted = np.einsum("btc,btc->b", others, others)
    explained, silent = np.zeros(len(others)), wanted == 0
    for part in parts:
        dot, own = (np.einsum("btc,btc->b", part, x) for x in (others, part))
        both, silent = own * wanted, silent & (own == 0)
        squared = np.maximum(dot, 0) ** 2
        explained += np.divide(squared, both, out=np.zeros_like(dot), where=both > 0)
    return np.where(silent, 0.0, np.maximum(1 - explained, 0))


def _level_db(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))


def _spectra(sounds: np.ndarray, rate_hz: float) -> np.ndarray:
    """Computes spectra ``[batch, channels, frames, frequencies]``."""
    step = max(1, round(SPECTRUM_WINDOW_S * rate_hz / 2))
    window = np.hanning(2 * step + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(sounds, 2 * step, axis=1)[:, ::step]
    return np.fft.rfft(frames.swapaxes(1, 2) * window)


def _spectra_db(sounds: np.ndarray, rate_hz: float, floor: np.ndarray) -> np.ndarray:
    floor = floor[:, np.newaxis, np.newaxis, np.newaxis]
    return 10 * np.log10(np.maximum(np.abs(_spectra(sounds, rate_hz)) ** 2, floor))


def shares(
    change: np.ndarray, effect: np.ndarray, seed: int = 0, settings: StatisticsSettings = DEFAULTS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes the share of an effect that interventions bring about.

    A ratio of means over base latent vectors: 0 where nothing happens, 1 for the whole effect,
    negative for its opposite. Parts need not add up to 1, for layers are not linear.

    Args:
        change: What each intervention changes, ``[interventions, bases]``, without NaN.
        effect: Difference between both ends, ``[bases]``.
        seed: Seed of the resampling of bases.
        settings: Level and number of resamples.

    Returns:
        Shares and both ends of their intervals, ``[interventions]`` each; NaN ends with fewer than
        ``min_outputs`` bases, all NaN where the effect is 0 throughout.
    """
    n, nothing = len(effect), np.full(len(change), math.nan)
    if n == 0 or not effect.any():
        return nothing, nothing, nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        share = change.mean(axis=1) / effect.mean() + 0.0  # no -0
        if n < settings.min_outputs:
            return share, nothing, nothing
        size = max(n, len(change))
        drawn = resample(lambda w: (change @ w) / (effect @ w), n, size, seed, settings)
    ends = np.array([interval(row, n, settings.confidence) for row in drawn])
    low, high = ends.reshape(-1, 2).T
    return share, low, high


def maps_needed(cumulative: np.ndarray) -> dict[float, int]:
    """Counts the maps that bring about some share of what all of them do.

    Args:
        cumulative: Share of the first 1, 2, .. maps ``[maps]``.

    Returns:
        For each of :data:`NEEDED` the least number from which on the share never falls below that
        part of the last; empty where the last is not above 0.
    """
    if not cumulative[-1] > 0:
        return {}
    below = [np.flatnonzero(cumulative < share * cumulative[-1]) for share in NEEDED]
    return {s: int(b[-1]) + 2 if len(b) else 1 for s, b in zip(NEEDED, below, strict=True)}


def judge(
    cells: list[dict[str, np.ndarray]],
    other: bool,
    seed: int = 0,
    settings: StatisticsSettings = DEFAULTS,
) -> pd.DataFrame:
    """Judges what interventions change in each measure, and the share of the effect that this is.

    A part carries the effect on a level or on what Praat measures if its share is above 0. A
    distance from the other output becomes less by mere loudness, so that there a part carries the
    effect only if it leads nearer than any gain of the untouched output does. What another base
    vector's part does (``control``) decides nothing: an effect that all outputs share is one too.

    Args:
        cells: Of each intervention by measure ``[5, bases]``: before, at the other end, after,
            after the same with another base's part, at the gain that comes nearest; NaN for none.
        other: Whether there is another end. Without one nothing is shared out, and ``to`` is NaN,
            but of ``waveform`` the power of the output.
        seed: Seed of the resampling.
        settings: Those of the intervals and the level of the verdict.

    Returns:
        A row for each intervention (``cell``) and measure, of the ``n`` bases that have the first
        three values: ``from_mean``, ``to_mean``, ``patched_mean`` (distances, or values);
        ``effect`` (to - from); ``change`` (patched - from) with its interval; ``p`` of the effect
        or, without another end, of the change (paired t; none of distances), ``p_holm`` (over the
        measures; without another end over all rows); ``estimate``, the share, with ``low``,
        ``high``; ``scaled``, the share that loudness reaches, and ``beyond``, share - scaled, with
        its paired interval; ``control``, the share of another base's part, and ``specific``, share
        - control, likewise; ``verdict``.

        With another end: ``carries``, ``none shown``, ``opposes`` (the share's interval lies above,
        holds, lies below 0), ``not beyond control`` (of a distance: beyond's does not lie above 0),
        ``overshoots`` (the share's lies above 1.5), ``no effect shown`` (p_holm not below 1 -
        confidence, or a level's effect below 0.1 dB: no share). Without: ``changes``, ``no change
        shown``, nothing of distances. ``too few``: fewer bases than ``min_outputs``.
    """
    rows = [
        {"cell": i, "measure": measure, **_judge(measure, sides, other, seed, settings)}
        for i, cell in enumerate(cells)
        for measure, sides in cell.items()
    ]
    table = pd.DataFrame(rows, columns=["cell", "measure", *_NUMBERS, "n"])
    family = table["cell"] if other else 0 * table["cell"]
    for _, p in table["p"].groupby(family):
        table.loc[p.index, "p_holm"] = holm(p.to_numpy())
    table["verdict"] = [_verdict(row, other, settings) for row in table.itertuples()]
    table.loc[table["verdict"].isin([NO_EFFECT, TOO_FEW]), list(_SHARES)] = math.nan
    return table


_SHARES = (
    "estimate", "low", "high", "scaled", "beyond", "beyond_low", "beyond_high", "control",
    "control_low", "control_high", "specific", "specific_low", "specific_high",
)  # fmt: skip
_NUMBERS = (
    "from_mean", "to_mean", "patched_mean", "effect", "p", "p_holm", "change", "change_low",
    "change_high", *_SHARES,
)  # fmt: skip


def _judge(
    measure: str, sides: np.ndarray, other: bool, seed: int, settings: StatisticsSettings
) -> dict[str, Any]:
    """Computes the row of a measure, without verdict."""
    sides = np.asarray(sides, np.float64)
    there = np.isfinite(sides[:3] if other else sides[[0, 2]]).all(axis=0)
    start, end, patched, control, scaled = sides[:, there]
    n = len(start)
    row: dict[str, Any] = {**dict.fromkeys(_NUMBERS, math.nan), "n": n}
    if n == 0:
        return row
    change, effect = patched - start, end - start
    row |= {"from_mean": start.mean(), "patched_mean": patched.mean(), "change": change.mean()}
    if other:
        row |= {"to_mean": end.mean(), "effect": effect.mean()}
    if n >= settings.min_outputs:
        if measure not in DISTANCES:
            row["p"] = paired_t(effect if other else change)
        _, (row["change_low"],), (row["change_high"],) = mean_intervals(
            change[:, np.newaxis], seed, settings
        )

    def add(name: str, change: np.ndarray, effect: np.ndarray) -> None:
        prefix = "" if name == "estimate" else f"{name}_"
        ends = shares(change[np.newaxis], effect, seed, settings)
        (row[name],), (row[f"{prefix}low"],), (row[f"{prefix}high"],) = ends

    if np.isfinite(end).all():
        add("estimate", change, effect)
        if np.isfinite(scaled).all():
            (row["scaled"],), *_ = shares((scaled - start)[np.newaxis], effect, seed, settings)
            add("beyond", patched - scaled, effect)
        known = np.isfinite(control)
        if known.sum() >= min(n, settings.min_outputs):
            add("control", (control - start)[known], effect[known])
            add("specific", (patched - control)[known], effect[known])
    return row


def _verdict(row: Any, other: bool, settings: StatisticsSettings) -> str:
    """Judges the share where there is another end, else the change."""
    distance = row.measure in DISTANCES
    if distance and not other:
        return ""
    if row.n < settings.min_outputs:
        return TOO_FEW
    small = row.measure in ("rms", "high") and abs(row.effect if other else row.change) < LEAST_DB
    shown = distance or (row.p_holm < 1 - settings.confidence and not small)
    if not other:
        return CHANGES if shown else NO_CHANGE
    if not math.isfinite(row.estimate) or not shown:
        return NO_EFFECT
    if row.high < 0:
        return OPPOSES
    if not row.low > 0:
        return NOT_SHOWN
    if distance and not row.beyond_low > 0:
        return NOT_BEYOND
    return OVERSHOOTS if row.low > OVERSHOOT else CARRIES
