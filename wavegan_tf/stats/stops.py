"""Voice onset time of the first stop of outputs and recordings, with and without [s] before it."""

import math
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS, contrast, resampled_means
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.resampling import StatisticsSettings, interval

PLAIN, WITH_S = "#TV", "#sTV"
"""Groups: no frication before the closure, and frication."""

BOTH = "outputs less recordings"

NO_VOICE, NOT_MEASURED = "no voiced interval", "not measured"
LEAST_S = 0.02  # of frication before the closure; an aspirated release begins no earlier

MEASURES = ("vot", "closure", "n_bursts", "burst_lag", "release")


def first_stops(outputs: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Takes the stop before the first voiced interval of every output, and its group.

    A stop is :data:`WITH_S` if a frication interval begins at least 20 ms before its closure:
    frication and a short closure may be one interval, and so may release and aspiration. Where the
    sound begins in the closure it is :data:`PLAIN`, whatever the noise of the recording is called.

    Args:
        outputs: Table of outputs, of which the first channel counts.
        intervals: Values of the target layer: duration and those of stops.

    Returns:
        A row for each output: ``output``, ``name`` of a recording, ``group`` (empty without a
        stop), ``start_s`` and ``end_s`` of the voiced interval, ``vot, closure, n_bursts,
        burst_lag, release`` in s, and ``reason``, why there is no stop.
    """
    rows = outputs[outputs["channel"] == 1].set_index("output")
    found = rows[["name"]].assign(group="", start_s=math.nan, end_s=math.nan)
    found = found.assign(**dict.fromkeys(MEASURES, math.nan), reason=NO_VOICE)
    found.loc[~rows["measured"].astype(bool), "reason"] = NOT_MEASURED
    if len(intervals):
        own = intervals[intervals["channel"] == 1]
        voiced = own[(own["label"] == "voiced") & own["measure"].isin(MEASURES)]
        first = voiced.groupby("output")["interval"].transform("min")
        voiced = voiced[voiced["interval"] == first]
        for measure in MEASURES:
            here = voiced[voiced["measure"] == measure].set_index("output")
            found.loc[here.index, measure] = here["value"]
        of_vot = voiced[voiced["measure"] == "vot"].set_index("output")
        for name in ("start_s", "end_s", "reason"):
            found.loc[of_vot.index, name] = of_vot[name].astype(found[name].dtype)
        hiss = own[(own["label"] == "frication") & (own["measure"] == "duration")]
        begins_s = hiss.groupby("output")["start_s"].min().reindex(found.index)
        closed_s = found["release"] - found["closure"]  # NaN, and never later, from the start on
        group = np.where(begins_s <= closed_s - LEAST_S, WITH_S, PLAIN)
        found["group"] = np.where(found["vot"].notna(), group, "")
    return found.reset_index()


def describe_groups(stops: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Describes voice onset time by source and group.

    Returns:
        A row for each: ``n`` stops of ``n_outputs`` outputs, their ``share`` of the source's stops,
        ``mean`` with its interval ``low`` and ``high``, ``sd``, ``median``, ``least``, ``most`` in
        s, and ``prevoiced``, the share with a negative one.
    """
    rows = []
    for source, here in stops.groupby("source", sort=False):
        with_stop = int(here["vot"].notna().sum())
        for group in (PLAIN, WITH_S):
            vot = here.loc[here["group"] == group, "vot"]
            mean = contrast([vot.to_numpy()], [1], settings)
            rows.append({
                "source": source, "group": group, "n": len(vot), "n_outputs": len(here),
                "share": len(vot) / with_stop if with_stop else math.nan,
                "mean": mean["estimate"], "low": mean["low"], "high": mean["high"],
                "sd": vot.std(), "median": vot.median(), "least": vot.min(), "most": vot.max(),
                "prevoiced": (vot < 0).mean(),
            })  # fmt: skip
    return pd.DataFrame(rows)


def compare_groups(stops: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Compares the groups in each source, and the two differences where there are recordings.

    Returns:
        A row for each source and, of both, :data:`BOTH`: the difference of means ``estimate``, #TV
        less #sTV, in s (of both, that of outputs less that of recordings), with its bootstrap
        interval; ``ratio`` of the means with its interval, NaN of both; ``p`` (Welch), ``p_holm``,
        ``n`` and ``n_with_s`` (of both, the least), ``verdict``.
    """
    sides = {
        source: [here.loc[here["group"] == group, "vot"].to_numpy() for group in (PLAIN, WITH_S)]
        for source, here in stops.groupby("source", sort=False)
    }
    compared = {source: (groups, [1, -1]) for source, groups in sides.items()}
    if len(sides) == 2:
        compared[BOTH] = [*sides[OUTPUTS], *sides[RECORDINGS]], [1, -1, -1, 1]
    rows = []
    for source, (samples, weights) in compared.items():
        sizes = [len(x) for x in samples]
        row: dict[str, Any] = {"source": source, **contrast(samples, weights, settings)}
        row |= dict.fromkeys(("ratio", "ratio_low", "ratio_high"), math.nan)
        if len(samples) == 2 and math.isfinite(row["low"]):
            row |= _ratio(samples, settings)
        rows.append(row | {"n": min(sizes[::2]), "n_with_s": min(sizes[1::2])})
    return add_verdicts(pd.DataFrame(rows), settings, DIFFERS, NO_DIFFERENCE)


def _ratio(samples: list[np.ndarray], settings: StatisticsSettings) -> dict[str, float]:
    """Takes the ratio of two positive means, and its interval."""
    plain, with_s = resampled_means(samples, settings)
    if min(plain.min(), with_s.min()) <= 0:
        return {}
    low, high = interval(plain / with_s, min(map(len, samples)), settings.confidence)
    ratio = float(samples[0].mean() / samples[1].mean())
    return {"ratio": ratio, "ratio_low": low, "ratio_high": high}
