"""Interventions on a layer's activation, and what they leave of an effect.

Replacing activations to find what carries an effect is causal mediation analysis (Vig et al. 2020,
NeurIPS 33) or activation patching. Two controls stand beside every share. An output comes nearer to
another by its loudness alone, so that a distance is judged against the untouched output at whatever
gain comes nearest (``scaled``). And the same part of the same layer is taken from the other output
of another base latent vector (``control``): what that does too is common to outputs at the other
end; what the right one does more (``specific``) belongs to this output.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf.stats.effects import holm, least_pairs, test_differences
from wavegan_tf.stats.maps import CHANGES, NO_CHANGE
from wavegan_tf.stats.resampling import (
    TOO_FEW,
    StatisticsSettings,
    interval,
    mean_intervals,
    resample,
)  # fmt: skip

PARTS = ("average", "gain", "rest")  # besides single maps and stretches of time

UNITS = {"waveform": "1", "shape": "1", "spectrum": "dB²", "rms": "dB", "high": "dB"}
"""What :meth:`Reference.measure` computes of every output, with its unit."""

DISTANCES = ("waveform", "shape", "spectrum")
"""Measures that are distances from an output: never negative, so that a test of 0 says nothing."""

COUNTED = ("n_voiced", "frication")  # numbers, and yes or no: tested by their signs

CARRIES, NOT_SHOWN, OPPOSES = "carries", "none shown", "opposes"
NOT_BEYOND, OVERSHOOTS, NO_EFFECT = "not beyond control", "overshoots", "no effect shown"

LEAST_DB, OVERSHOOT = 0.1, 1.5
"""Least mean effect or change of a level (``rms``, ``high``) that has a verdict; a share whose
interval lies above the second is no share of anything: ``overshoots``."""

NEEDED = (0.5, 0.8, 0.95)  # shares of the whole layer's effect for which maps are counted
FLOOR_DB = -100.0  # least level, re full scale

SPECTRUM_WINDOW_S, SPECTRUM_RANGE_DB = 0.032, 60.0
"""Hann window of the spectra that are compared, half of it between frames; they are compared as far
down from the loudest point of a pair of outputs, and what is weaker in both counts as equal."""

GAINS_DB = range(-60, 61)  # at which the spectrum of an untouched output is compared
SEED = 0  # of the resampling of bases


def replace_part(own: np.ndarray, donor: np.ndarray, part: str) -> np.ndarray:
    """Replaces the average t over the maps (equation 4), or all but the average.

    - ``average``: ReLU(own + t_donor - t_own): the average reached lies above t_donor where maps
      are clipped.
    - ``gain``: own * t_donor / t_own. The average reached is t_donor itself, and what is silent
      stays so; all of it does at times at which t_own is 0.
    - ``rest``: ReLU(donor + t_own - t_donor), the opposite of ``average``.

    Takes activations after ReLU of both outputs and gives float32, ``[batch, time, maps]`` each.
    """
    t_own, t_donor = (x.mean(axis=2, keepdims=True, dtype=np.float64) for x in (own, donor))
    if part == "gain":
        factor = np.divide(t_donor, t_own, out=np.zeros_like(t_own), where=t_own > 0)
        return (own * factor).astype(np.float32)
    moved = own + (t_donor - t_own) if part == "average" else donor + (t_own - t_donor)
    return np.maximum(moved, 0).astype(np.float32)


class Reference:
    """Outputs that others are compared with."""

    def __init__(self, sounds: np.ndarray, others: np.ndarray, rate_hz: float, split_hz: float):
        """Takes outputs ``[batch, time, channels]``, full scale 1, and those at the other end.

        The louder of both sets the range of spectral levels.
        """
        self.sounds = np.asarray(sounds, np.float64)
        self.rate_hz, self.split_hz = rate_hz, split_hz
        of_both = (self._spectra(x) for x in (self.sounds, np.asarray(others, np.float64)))
        peaks = [(np.abs(x) ** 2).max(axis=(1, 2, 3), keepdims=True) for x in of_both]
        floor = np.maximum(*peaks) * 10 ** (-SPECTRUM_RANGE_DB / 10)
        self._floor = np.maximum(floor, np.finfo(np.float64).tiny)
        self._spectra_db = self._in_db(self._spectra(self.sounds))

    def _spectra(self, sounds: np.ndarray) -> np.ndarray:
        # [batch, channels, frames, frequencies]
        step = max(1, round(SPECTRUM_WINDOW_S * self.rate_hz / 2))
        window = np.hanning(2 * step + 1)[:-1]
        frames = np.lib.stride_tricks.sliding_window_view(sounds, 2 * step, axis=1)[:, ::step]
        return np.fft.rfft(frames.swapaxes(1, 2) * window)

    def _in_db(self, spectra: np.ndarray) -> np.ndarray:
        return 10 * np.log10(np.maximum(np.abs(spectra) ** 2, self._floor))

    def measure(
        self, sounds: np.ndarray, measures: Sequence[str] = tuple(UNITS)
    ) -> dict[str, np.ndarray]:
        """Measures as many outputs ``[batch, time, channels]``, and how far they are from these.

        Only what is asked for is computed: a scan measures a thousand outputs by one of them.

        Returns:
            By measure ``[batch]``: ``waveform``, the mean square of the difference (re full scale
            1); ``shape``, 1 - r² with r the cosine between both, at least 0: the part of the
            reference's power that the output does not explain at any gain, 0 .. 1, so that no
            change of loudness alters it; ``spectrum``, the mean square of the difference of log
            spectra in dB² (32 ms Hann windows; what is over 60 dB below the loudest point is cut
            there); ``rms``, the level in dB re full scale, its mean subtracted; ``high``, the same
            of what is above ``split_hz``. Levels are -100 dB at least.
        """
        sounds = np.asarray(sounds, np.float64)
        n = sounds.shape[1]

        @functools.cache
        def power() -> np.ndarray:  # [batch, frequencies]
            centred = sounds - sounds.mean(axis=1, keepdims=True)
            energy = np.abs(np.fft.rfft(centred, axis=1)) ** 2  # [batch, frequencies, channels]
            energy[:, 1 : (n + 1) // 2] *= 2  # for the negative frequencies
            return energy.mean(axis=2) / n**2

        def gap_db() -> np.ndarray:
            return self._in_db(self._spectra(sounds)) - self._spectra_db

        high = np.fft.rfftfreq(n, 1 / self.rate_hz) > self.split_hz
        ways = {
            "waveform": lambda: np.mean((sounds - self.sounds) ** 2, axis=(1, 2)),
            "shape": lambda: self._unexplained(sounds),
            "spectrum": lambda: np.mean(gap_db() ** 2, axis=(1, 2, 3)),
            "rms": lambda: _level_db(power().sum(axis=1)),
            "high": lambda: _level_db(power()[:, high].sum(axis=1)),
        }
        return {measure: ways[measure]() for measure in measures}

    def at_best_gain(
        self, sounds: np.ndarray, inside: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Computes the distances at whatever gain comes nearest: what loudness alone can do.

        Every output ``[batch, time, channels]`` has a gain of its own, of all its samples or of
        those ``inside``, bool ``[time]``. Gives the least :data:`DISTANCES`, ``[batch]`` each: of
        ``waveform`` and ``shape`` over all gains, silence included, in closed form; of ``spectrum``
        over :data:`GAINS_DB`.
        """
        sounds = np.asarray(sounds, np.float64)
        part = sounds if inside is None else sounds * inside[:, np.newaxis]
        rest = sounds - part
        missing = self.sounds - rest
        dot, power = (np.mean(part * x, axis=(1, 2)) for x in (missing, part))
        gain = np.divide(np.maximum(dot, 0), power, out=np.zeros_like(dot), where=power > 0)
        gap = missing - gain[:, np.newaxis, np.newaxis] * part
        own, other = self._spectra(part), self._spectra(rest)
        scaled = (self._in_db(10 ** (gain_db / 20) * own + other) for gain_db in GAINS_DB)
        return {
            "waveform": np.mean(gap**2, axis=(1, 2)),
            "shape": self._unexplained(*((sounds,) if inside is None else (part, rest))),
            "spectrum": np.min(
                [np.mean((x - self._spectra_db) ** 2, axis=(1, 2, 3)) for x in scaled], axis=0
            ),
        }

    def _unexplained(self, *parts: np.ndarray) -> np.ndarray:
        """Computes the share of power that no gains of parts without overlap explain, [batch]."""
        wanted = np.einsum("btc,btc->b", self.sounds, self.sounds)
        explained, silent = np.zeros(len(wanted)), wanted == 0
        for part in parts:
            dot, own = (np.einsum("btc,btc->b", part, x) for x in (self.sounds, part))
            both, silent = own * wanted, silent & (own == 0)
            squared = np.maximum(dot, 0) ** 2
            explained += np.divide(squared, both, out=np.zeros_like(dot), where=both > 0)
        return np.where(silent, 0.0, np.maximum(1 - explained, 0))


def _level_db(power: np.ndarray) -> np.ndarray:
    return 10 * np.log10(np.maximum(power, 10 ** (FLOOR_DB / 10)))


def shares(
    change: np.ndarray, effect: np.ndarray, settings: StatisticsSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Computes the share of an effect that interventions bring about, a ratio of means over bases.

    Takes what each intervention changes, ``[interventions, bases]`` without NaN, and the difference
    between both ends, ``[bases]``.

    Returns:
        Shares and both ends of their intervals, ``[interventions]`` each; NaN ends with fewer than
        ``min_outputs`` bases, all NaN where the effect is 0 throughout.
    """
    n, nothing = len(effect), np.full(len(change), math.nan)
    if not effect.any():
        return nothing, nothing, nothing
    with np.errstate(divide="ignore", invalid="ignore"):
        share = change.mean(axis=1) / effect.mean() + 0.0  # no -0
        if n < settings.min_outputs:
            return share, nothing, nothing
        size = max(n, len(change))
        drawn = resample(lambda w: (change @ w) / (effect @ w), n, size, SEED, settings)
    low, high = np.array([interval(row, n, settings.confidence) for row in drawn]).T
    return share, low, high


def maps_needed(cumulative: np.ndarray) -> dict[float, int]:
    """Counts the maps that bring about some share of what all of them do.

    Takes the share of the first 1, 2, .. maps ``[maps]``; gives for each of :data:`NEEDED` the
    least number from which on it never falls below that part of the last, if that is above 0.
    """
    if not cumulative[-1] > 0:
        return {}
    below = {share: np.flatnonzero(cumulative < share * cumulative[-1]) for share in NEEDED}
    return {share: int(places.max(initial=-1)) + 2 for share, places in below.items()}


_SHARES = (
    "estimate", "low", "high", "scaled", "beyond", "beyond_low", "beyond_high", "control",
    "control_low", "control_high", "specific", "specific_low", "specific_high",
)  # fmt: skip
_COLUMNS = (
    "cell", "measure", "from_mean", "to_mean", "patched_mean", "effect", "p", "p_holm", "change",
    "change_low", "change_high", *_SHARES, "p_share", "p_share_holm",
    "p_specific", "p_specific_holm", "n",
)  # fmt: skip


def judge(
    cells: list[dict[str, np.ndarray]], other: bool, settings: StatisticsSettings
) -> pd.DataFrame:
    """Judges what interventions change in each measure, and the share of the effect that this is.

    A part carries the effect on a level or on what Praat measures if its share is above 0. A
    distance from the other output becomes less by mere loudness, so that there a part carries the
    effect only if it leads nearer than any gain of the untouched output does. Many parts of many
    layers are tried, so that p of the share is corrected over the run: of 64 idle maps judged by
    their intervals alone at least one would carry something in four of five runs. What another base
    vector's part does (``control``) decides nothing: an effect that all outputs share is one too.

    Args:
        cells: Of each intervention by measure ``[5, bases]``: before, at the other end, after,
            after the same with another base's part, at the gain that comes nearest; NaN for none.
        other: Whether there is another end. Without one nothing is shared out, and the second is
            NaN, but of ``waveform`` the power of the output.
        settings: Those of the intervals and the level of the verdict.

    Returns:
        A row for each intervention (``cell``) and measure, of the ``n`` bases that have the first
        three values: ``p`` is that of the effect or, without another end, of the change (paired t,
        of numbers of intervals the sign test; none of distances), ``p_holm`` over the measures
        (without another end over all rows); ``p_share`` that of the share, of a distance the larger
        one of share and ``beyond``, ``p_share_holm`` over all rows with an effect; of counts p is 1
        where signs, which are tested, go another way than means; ``scaled`` the share that loudness
        reaches, ``beyond`` share - scaled, paired; ``control`` the share of another base's part,
        ``specific`` share - control, paired; ``p_specific`` and ``p_specific_holm`` are of it, as
        of the share.

        With another end: ``carries``, ``opposes`` (the share is above, below 0, ``p_share_holm``
        below 1 - confidence), ``overshoots`` (carries, and the share's interval lies above 1.5),
        ``not beyond control`` (of a distance: the share's interval lies above 0, no more is shown),
        ``none shown``, ``no effect shown`` (of a distance: no share; else p_holm not below 1 -
        confidence, or a level's effect below 0.1 dB: no share). Without: ``changes``, ``no change
        shown``, nothing of distances. ``too few``: fewer bases than ``min_outputs``, for a test of
        signs than :data:`~wavegan_tf.stats.effects.LEAST_SIGNS`.
    """
    rows = [
        {"cell": i, "measure": measure} | _numbers(measure, sides, other, settings)
        for i, cell in enumerate(cells)
        for measure, sides in cell.items()
    ]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    for _, p in table["p"].groupby(table["cell"] if other else 0 * table["cell"]):
        table.loc[p.index, "p_holm"] = holm(p.to_numpy())
    shown = _is_shown(table, other, settings)
    for name in ("p_share", "p_specific"):
        table[name] = table[name].astype(float).where(shown)
        table[f"{name}_holm"] = holm(table[name].to_numpy())
    table["verdict"] = _verdicts(table, shown, other, settings)
    table.loc[table["verdict"].isin([NO_EFFECT, TOO_FEW]), list(_SHARES)] = math.nan
    return table


def _numbers(
    measure: str, sides: np.ndarray, other: bool, settings: StatisticsSettings
) -> dict[str, Any]:
    """Computes the row of a measure, but for p_holm and verdict."""
    there = np.isfinite(sides[:3] if other else sides[[0, 2]]).all(axis=0)
    start, end, patched, control, scaled = sides[:, there]
    n = len(start)
    row: dict[str, Any] = {"n": n}
    if n == 0:
        return row
    change, effect = patched - start, end - start
    row |= {"from_mean": start.mean(), "patched_mean": patched.mean(), "change": change.mean()}
    if other:
        row |= {"to_mean": end.mean(), "effect": effect.mean()}
    counted = measure in COUNTED
    if measure not in DISTANCES:
        row["p"] = test_differences(effect if other else change, counted, settings)
    if other:
        row["p_share"] = _p_of_share(change, effect, counted, settings)
    if other and measure in DISTANCES and change.mean() * effect.mean() > 0:
        beyond = _rounded((patched - scaled) * np.sign(effect.mean()), effect)
        nearer = np.isfinite(scaled).all() and beyond.mean() > 0
        p = test_differences(beyond, counted, settings) if nearer else 1.0
        row["p_share"] = float(np.maximum(row["p_share"], p))  # NaN stays NaN
    if n >= settings.min_outputs:
        _, low, high = mean_intervals(change[:, np.newaxis], SEED, settings)
        row |= {"change_low": low[0], "change_high": high[0]}

    def add(name: str, change: np.ndarray, effect: np.ndarray) -> None:
        names = (name, f"{name}_low", f"{name}_high") if name != "estimate" else _SHARES[:3]
        found = shares(change[np.newaxis], effect, settings)
        row.update(zip(names, (x[0] for x in found), strict=True))

    if np.isfinite(end).all():
        add("estimate", change, effect)
        if np.isfinite(scaled).all():
            add("scaled", scaled - start, effect)  # its interval is not told
            add("beyond", patched - scaled, effect)
        known = np.isfinite(control)
        if known.sum() >= min(n, settings.min_outputs):
            add("control", (control - start)[known], effect[known])
            more = (patched - control)[known]
            add("specific", more, effect[known])
            row["p_specific"] = _p_of_share(more, effect[known], counted, settings)
    return row


def _p_of_share(
    change: np.ndarray, effect: np.ndarray, counted: bool, settings: StatisticsSettings
) -> float:
    """Tests that a share is 0; p is 1 where the signs that are tested go another way than means."""
    change = _rounded(change, effect)
    p = test_differences(change, counted, settings)
    apart = any(np.sign(x).sum() * x.mean() <= 0 for x in (change, effect))
    return 1.0 if counted and apart and math.isfinite(p) else p


def _rounded(change: np.ndarray, effect: np.ndarray) -> np.ndarray:
    """Sets to 0 what is a rounding error beside the effect, and would be a difference to a test."""
    return np.where(np.abs(change) > 1e-9 * np.abs(effect).mean(), change, 0.0)


def _is_shown(table: pd.DataFrame, other: bool, settings: StatisticsSettings) -> pd.Series:
    """Says where there is an effect or change to judge; distances have one by construction."""
    size = table["effect" if other else "change"].abs()
    small = table["measure"].isin(["rms", "high"]) & (size < LEAST_DB)
    distance = table["measure"].isin(DISTANCES)
    return distance | ((table["p_holm"] < 1 - settings.confidence) & ~small)


def _verdicts(
    table: pd.DataFrame, shown: pd.Series, other: bool, settings: StatisticsSettings
) -> np.ndarray:
    """Judges the share where there is another end, else the change; the first rule that holds."""
    few = table["n"] < table["measure"].map(
        lambda measure: least_pairs(measure in COUNTED, settings)
    )
    distance = table["measure"].isin(DISTANCES)
    rules = {"": distance, TOO_FEW: few, CHANGES: shown, NO_CHANGE: ~shown}
    if other:
        sure = table["p_share_holm"] < 1 - settings.confidence
        rules = {
            TOO_FEW: few,
            NO_EFFECT: ~(shown & np.isfinite(table["estimate"])),
            OPPOSES: sure & (table["estimate"] < 0),
            OVERSHOOTS: sure & (table["low"] > OVERSHOOT),
            CARRIES: sure,
            NOT_BEYOND: distance & (table["low"] > 0),
            NOT_SHOWN: shown,
        }
    return np.select([*rules.values()], [*rules], "")
