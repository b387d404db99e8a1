"""How large the weights of each latent variable are, beside those of projections never trained."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.stats.curves import compare
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

LARGER, NOT_LARGER = "larger than random", "not shown to be larger"


def relative_norms(maps: np.ndarray, sds: np.ndarray | float = 1.0) -> np.ndarray:
    """Divides the L2 norm of each variable's map by the median norm, ``[latents]``.

    Norms are multiplied by ``sds`` ``[latents]`` first: what a variable of that SD moves. The scale
    of the layer means nothing: a network whose projection is multiplied, and whose next kernel is
    divided, by a number puts out the same audio. Takes ``[latents, time, channels]``.
    """
    norms = np.linalg.norm(maps.reshape(len(maps), -1).astype(np.float64), axis=1) * sds
    with np.errstate(invalid="ignore", divide="ignore"):
        return norms / np.median(norms)


def spread(maps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Says where the squared weights of each map stand, as shares of its sum.

    Takes ``[latents, time, channels]``; gives the shares of frames ``[latents, time]`` and of
    channels ``[latents, channels]``.
    """
    power = maps.astype(np.float64) ** 2
    total = power.sum(axis=(1, 2))[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        return power.sum(axis=2) / total, power.sum(axis=1) / total


def weight_table(
    latents: Sequence[str],
    maps: np.ndarray,
    random: np.ndarray,
    sds: np.ndarray,
    rate_hz: float,
    settings: StatisticsSettings,
) -> pd.DataFrame:
    """Tells how much each variable moves the layer in training and where its weights stand.

    Args:
        latents: Names of the variables.
        maps: Their weights, ``[latents, time, channels]``.
        random: :func:`relative_norms` of projections with random weights, ``[networks, latents]``,
            with the same ``sds``.
        sds: Standard deviations of the variables in training, ``[latents]``.
        rate_hz: Frames per second.
        settings: The confidence.

    Returns:
        A row for each variable, the largest first: ``estimate`` is what it moves, its relative norm
        times its ``sd``, ``weights`` its relative norm alone, that of one unit; ``p`` the share of
        random projections, the model's own counted, in which any variable moves as much: so it
        holds for all variables together. ``frame_mean`` is the mean weight in the
        frame with most of the squared weights: below 0 the variable lowers what it puts out.
    """
    relative, (frames, channels) = relative_norms(maps, sds), spread(maps)
    largest = random.max(axis=1) if len(random) else np.zeros(0)
    p = (1 + (largest >= relative[:, np.newaxis]).sum(axis=1)) / (1 + len(largest))
    p[np.isnan(relative)] = np.nan
    verdict = np.where(p <= 1 - settings.confidence, LARGER, NOT_LARGER).astype(object)
    if 1 / (1 + len(largest)) > 1 - settings.confidence:
        verdict[:] = TOO_FEW
    frame, each = frames.argmax(axis=1), np.arange(len(maps))
    table = pd.DataFrame({
        "latent": latents, "norm": np.linalg.norm(maps.reshape(len(maps), -1), axis=1),
        "sd": sds, "weights": relative_norms(maps), "estimate": relative,
        "random_high": largest.max() if len(random) else np.nan,
        "n_random": len(random), "p": p, "verdict": verdict, "frame": frame + 1,
        "time_s": (frame + 0.5) / rate_hz, "frame_share": frames.max(axis=1),
        "frame_mean": maps[each, frame].mean(axis=1, dtype=np.float64),
        "map": channels.argmax(axis=1) + 1, "map_share": channels.max(axis=1),
    })  # fmt: skip
    table = table.sort_values("estimate", ascending=False, kind="stable", ignore_index=True)
    table.insert(1, "rank", each + 1)
    return table


def group_table(
    values: pd.DataFrame, is_random: np.ndarray, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares outputs of random maps with ordinary ones, measure by measure.

    The test is a permutation of the groups (:func:`~wavegan_tf.stats.curves.compare`), the interval
    of the difference of means Welch's.

    Args:
        values: A column for each measure, NaN for none, ``[outputs, measures]``.
        is_random: Whether each output is one of random maps.
        settings: ``min_outputs`` is what either group needs.
    """
    rows = []
    for measure, column in values.items():
        given = column.to_numpy(np.float64)
        there = np.isfinite(given)  # what has no value is not exchanged
        given, of_random = given[there], is_random[there]
        ordinary, bypassed = given[~of_random], given[of_random]
        low = high = p = least = np.nan
        if min(len(ordinary), len(bypassed)) >= settings.min_outputs:
            found = compare(given[:, np.newaxis], of_random, settings)
            p, least = float(found.p[0]), found.least_p
            if np.ptp(ordinary) or np.ptp(bypassed):
                with warnings.catch_warnings():  # where one group hardly varies
                    warnings.filterwarnings("ignore", message="Precision loss")
                    welch = scipy.stats.ttest_ind(bypassed, ordinary, equal_var=False)
                low, high = welch.confidence_interval(settings.confidence)
        means = [x.mean() if len(x) else np.nan for x in (ordinary, bypassed)]
        counts = len(ordinary), len(bypassed)
        rows.append((measure, *means, means[1] - means[0], low, high, p, least, *counts))
    columns = ["measure", "mean_ordinary", "mean_random", "estimate", "low", "high", "p", "p_least"]
    table = pd.DataFrame(rows, columns=[*columns, "n_ordinary", "n_random"])
    return add_verdicts(table, settings, DIFFERS, NO_DIFFERENCE)
