"""What single feature maps do: how they change with a latent variable, and in what they fire.

Of one output: :func:`label_masks`, :func:`selectivity`, :func:`cosine_distances`. Over outputs, the
rows of tables: :func:`distance_rows`, :func:`map_rows`, :func:`selectivity_rows`. Maps count from
1. The unit of resampling is the base latent vector, whose outputs belong together.
NumPy only.
"""

import math
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis.annotation import LABELS
from wavegan_tf.analysis.effects import CHANGES, NO_CHANGE, add_verdicts, holm, paired_t
from wavegan_tf.analysis.resampling import StatisticsSettings, mean_intervals, mean_over
from wavegan_tf.analysis.statistics import TOO_FEW

DEAD = "dead"
PREFERS, AVOIDS, BY_TIME = "prefers", "avoids", "by time"
NO_PREFERENCE = "no preference shown"


class Firing(NamedTuple):
    """One output's mean activation inside and outside intervals, ``[labels, maps]`` each.

    ``index`` is (inside - outside) / (inside + outside).
    """

    inside: np.ndarray
    outside: np.ndarray
    index: np.ndarray


def label_masks(intervals, length: int, rate_hz: float) -> np.ndarray:
    """Which samples of a layer lie in intervals of each label.

    Args:
        intervals: of the output, (label, start_s, end_s) each.
        length: samples of the layer.
        rate_hz: its rate; sample i stands at (i + 0.5) / rate_hz.

    Returns:
        bool ``[labels, length]``, in the order of :data:`~wavegan_tf.analysis.annotation.LABELS`.
    """
    times_s = (np.arange(length) + 0.5) / rate_hz
    masks = np.zeros((len(LABELS), length), bool)
    for label, start_s, end_s in intervals:
        masks[LABELS.index(label)] |= (times_s >= start_s) & (times_s < end_s)
    return masks


def selectivity(maps: np.ndarray, masks: np.ndarray) -> Firing:
    """Compare each map's mean activation inside intervals of a label with that outside.

    Args:
        maps: one output's activations after ReLU, ``[length, maps]``.
        masks: of :func:`label_masks`, ``[labels, length]``.

    Returns:
        :class:`Firing`. The index is 1 where a map fires nowhere else, -1 where it fires only
        elsewhere, and 0 where it makes no difference. NaN, all three: no sample inside or none
        outside; of the index also where the map is 0 throughout.
    """
    maps = np.asarray(maps, np.float64)
    weights = np.stack([masks, ~masks]).astype(np.float64)  # [2, labels, length]
    with np.errstate(invalid="ignore", divide="ignore"):
        inside, outside = weights @ maps / weights.sum(axis=2, keepdims=True)  # [labels, maps] each
        inside, outside = inside + 0 * outside, outside + 0 * inside  # NaN in one, NaN in both
        return Firing(inside, outside, (inside - outside) / (inside + outside))


def cosine_distances(maps: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """1 - cosine of the angle between each map and its reference over time (Fig. 13).

    Args:
        maps: ``[length, maps]``.
        reference: the same maps under another latent vector, ``[length, maps]``.

    Returns:
        ``[maps]``: 0 for equal courses whatever their level, 1 for maps that share no moment (after
        ReLU the cosine is not negative); 1 also where one of the two is 0 throughout, NaN where
        both are.
    """
    maps, reference = (np.asarray(x, np.float64) for x in (maps, reference))
    norms = np.linalg.norm(maps, axis=0) * np.linalg.norm(reference, axis=0)
    products = np.einsum("tm,tm->m", maps, reference)
    cosine = np.divide(products, norms, out=np.zeros_like(norms), where=norms > 0)
    both = ~(maps.any(axis=0) | reference.any(axis=0))
    return np.where(both, np.nan, 1 - np.clip(cosine, -1, 1))


def over_bases(values: np.ndarray, seed: int, settings: StatisticsSettings) -> list[dict]:
    """Means over base vectors with their bootstrap intervals, and p of a mean of 0.

    Args:
        values: one row per base vector, ``[bases, columns]``; NaN where one has no value.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        For each column ``mean``, ``lower``, ``upper``, ``p`` (two-sided, Student's t over bases)
        and ``n``, the bases that have a value; NaN where they are fewer than ``min_outputs``, the
        mean where there are none.
    """
    found = mean_intervals(values, seed, settings, settings.min_outputs)
    rows = []
    for column, mean, lower, upper in zip(values.T, *found, strict=True):
        known = column[np.isfinite(column)]
        p = paired_t(known) if len(known) >= settings.min_outputs else math.nan
        rows.append({
            "mean": float(mean), "lower": float(lower), "upper": float(upper), "p": p,
            "n": len(known),
        })  # fmt: skip
    return rows


def distance_rows(
    layer: str, values, distances: np.ndarray, seed: int, settings: StatisticsSettings
) -> list[dict]:
    """The rows of distances.csv: each map's cosine distance from the first value, by value.

    Args:
        layer: its name.
        values: of the latent variable, the first being the reference.
        distances: within each base vector, ``[bases, values - 1, maps]``.
        seed: from 0.
        settings: of the intervals.

    Returns:
        Dicts of ``layer``, ``map``, ``value``, ``distance``, ``lower``, ``upper``, ``n_bases``, map
        by map.
    """
    bases, steps, maps = distances.shape
    found = over_bases(distances.reshape(bases, steps * maps), seed, settings)
    return [
        {
            "layer": layer, "map": i + 1, "value": float(values[k + 1]),
            "distance": found[k * maps + i]["mean"], "lower": found[k * maps + i]["lower"],
            "upper": found[k * maps + i]["upper"], "n_bases": found[k * maps + i]["n"],
        }
        for i in range(maps) for k in range(steps)
    ]  # fmt: skip


def map_rows(
    layer: str,
    rate_hz: float,
    profiles: np.ndarray,
    means: np.ndarray,
    distances: np.ndarray,
    clusters: np.ndarray,
    seed: int,
    settings: StatisticsSettings,
) -> list[dict]:
    """The rows of maps.csv: what each map does, and how it changes with the latent variable.

    Args:
        layer: its name.
        rate_hz: its rate.
        profiles: averages over outputs at the two extreme values, ``[maps, length]``.
        means: mean activation of each output, ``[bases, values, maps]``.
        distances: as for :func:`distance_rows`.
        clusters: number of each map's cluster, 0 for a dead one, ``[maps]``.
        seed: from 0.
        settings: of the intervals and the level of the verdict.

    Returns:
        For each map ``cluster``, ``dead`` (0 in every output), ``mean``, ``peak`` and
        ``peak_time_s`` of its profile; ``mean_first`` and ``mean_last``, at the first and last
        value, and their paired difference ``change`` with ``lower``, ``upper``, ``p`` (paired t)
        and ``p_holm`` (over maps); ``distance`` (cosine, mean over values, then over bases) with
        its interval and ``distance_rank``, 1 for the map that changes least; ``verdict`` on
        ``change``.
    """
    changes = over_bases(means[:, -1] - means[:, 0], seed, settings)
    moved = over_bases(mean_over(distances, axis=1), seed, settings)
    order = np.argsort([row["mean"] for row in moved], kind="stable")  # NaN last
    ranks = np.argsort(order, kind="stable") + 1
    live = clusters > 0
    rows = []
    for i, (change, move) in enumerate(zip(changes, moved, strict=True)):
        peak = int(np.argmax(profiles[i]))
        rows.append({
            "layer": layer, "map": i + 1, "cluster": int(clusters[i]), "dead": int(not live[i]),
            "mean": float(profiles[i].mean()), "peak": float(profiles[i, peak]),
            "peak_time_s": (peak + 0.5) / rate_hz if live[i] else math.nan,
            "mean_first": float(means[:, 0, i].mean()), "mean_last": float(means[:, -1, i].mean()),
            "change": change["mean"], "lower": change["lower"], "upper": change["upper"],
            "p": change["p"] if live[i] else math.nan, "p_holm": math.nan,
            "distance": move["mean"], "distance_lower": move["lower"],
            "distance_upper": move["upper"],
            "distance_rank": int(ranks[i]) if move["n"] else math.nan,
            "n_bases": change["n"],
        })  # fmt: skip
    for row in add_verdicts(rows, settings, CHANGES, NO_CHANGE):
        if row["dead"]:
            row["verdict"] = DEAD
    return rows


def selectivity_rows(
    layer: str,
    firing: Firing,
    shuffled: np.ndarray,
    n_outputs: np.ndarray,
    live: np.ndarray,
    seed: int,
    settings: StatisticsSettings,
) -> list[dict]:
    """The rows of selectivity.csv: in which intervals each map fires.

    Args:
        layer: its name.
        firing: means over each base vector's outputs, ``[bases, labels, maps]`` each.
        shuffled: the index when the intervals are those of another base vector's output, likewise.
        n_outputs: outputs with a value of the index, ``[labels, maps]``.
        live: whether each map ever fires, ``[maps]``.
        seed: from 0.
        settings: of the intervals and the level of the verdict.

    Returns:
        For each map and label ``mean_inside``, ``mean_outside``, ``index`` with ``lower``,
        ``upper``, ``p`` and ``p_holm`` (t over bases, over all maps and labels); ``shuffled``, and
        ``beyond``, the index less the shuffled one, with its interval, ``beyond_p_holm`` and
        ``beyond_n_bases``; ``n_outputs``, ``n_bases`` and ``verdict``: ``prefers`` (index above 0
        and above the shuffled one), ``avoids`` (below both), ``by time`` (not 0, but not shown to
        differ from the shuffled one: the map fires at a time at which such intervals usually
        stand), ``no preference shown``, ``too few``, ``dead``.
    """
    bases, labels, maps = firing.index.shape
    flat = (bases, labels * maps)
    index = over_bases(firing.index.reshape(flat), seed, settings)
    other = over_bases(shuffled.reshape(flat), seed, settings)
    beyond = over_bases((firing.index - shuffled).reshape(flat), seed, settings)
    inside, outside = (mean_over(x.reshape(flat), axis=0) for x in (firing.inside, firing.outside))
    p_holm, beyond_p_holm = (holm([row["p"] for row in rows]) for rows in (index, beyond))
    rows = []
    for i in range(maps):
        for k, label in enumerate(LABELS):
            j = k * maps + i
            signs = (index[j]["mean"], p_holm[j], beyond[j]["mean"], beyond_p_holm[j])
            verdict = _preference(*signs, 1 - settings.confidence) if live[i] else DEAD
            rows.append({
                "layer": layer, "map": i + 1, "label": label,
                "mean_inside": float(inside[j]), "mean_outside": float(outside[j]),
                "index": index[j]["mean"], "lower": index[j]["lower"], "upper": index[j]["upper"],
                "p": index[j]["p"], "p_holm": float(p_holm[j]),
                "shuffled": other[j]["mean"], "beyond": beyond[j]["mean"],
                "beyond_lower": beyond[j]["lower"], "beyond_upper": beyond[j]["upper"],
                "beyond_p_holm": float(beyond_p_holm[j]), "beyond_n_bases": beyond[j]["n"],
                "n_outputs": int(n_outputs[k, i]), "n_bases": index[j]["n"], "verdict": verdict,
            })  # fmt: skip
    return rows


def _preference(index, p_holm, beyond, beyond_p_holm, level):
    if math.isnan(p_holm):
        return TOO_FEW
    if p_holm >= level:
        return NO_PREFERENCE
    if beyond_p_holm < level and index * beyond > 0:  # NaN is not below
        return PREFERS if index > 0 else AVOIDS
    return BY_TIME
