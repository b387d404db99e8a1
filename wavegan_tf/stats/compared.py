"""Outputs beside the recordings that a model learned from: distributions and means of two samples.

The units are outputs and recordings: what is within one depends on each other, so that each gives
one value, the mean over its intervals.
"""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import stdtr

from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE, add_verdicts
from wavegan_tf.stats.grids import LABEL_ORDER, MEASURE_ORDER
from wavegan_tf.stats.resampling import StatisticsSettings, interval, resample, wilson

OUTPUT = "output"
"""Label of what is a number of the whole output: how many intervals it has."""

OUTPUTS, RECORDINGS = "outputs", "recordings"
"""Where values come from: the column ``source``."""

SAMPLE_COLUMNS = ("source", "output", "label", "measure", "unit", "value")


def take_samples(
    outputs: pd.DataFrame, intervals: pd.DataFrame, layer: str, source: str
) -> pd.DataFrame:
    """Takes one value per output of each measure: the mean over its intervals of a label.

    Takes the tables of one source, of which the first channel and ``layer`` count. Returns
    :data:`SAMPLE_COLUMNS`; numbers of intervals (``n_voiced`` ..) under the label ``output``.
    """
    heard = outputs[(outputs["channel"] == 1) & outputs["measured"].astype(bool)]
    counts = [f"n_{label}" for label in LABEL_ORDER]
    numbers = heard.melt("output", counts, "measure", "value").assign(label=OUTPUT, unit="1")
    if not len(intervals):
        intervals = pd.DataFrame(columns=["output", "channel", "layer", *SAMPLE_COLUMNS[2:]])
    rows = intervals[(intervals["channel"] == 1) & (intervals["layer"] == layer)]
    rows = rows[np.isfinite(rows["value"].to_numpy(np.float64))]
    keys = ["output", "label", "measure", "unit"]
    means = rows.groupby(keys, observed=True)["value"].mean().reset_index()
    means = means.astype(dict.fromkeys(keys[1:], object))
    parts = [part for part in (numbers, means) if len(part)] or [numbers]
    whole = pd.concat(parts, ignore_index=True).assign(source=source)
    return whole.astype({"value": np.float64})[list(SAMPLE_COLUMNS)]


def compare_sources(samples: pd.DataFrame, settings: StatisticsSettings) -> pd.DataFrame:
    """Compares the distributions of outputs and of recordings, measure by measure.

    ``p`` is that of the two-sample Kolmogorov-Smirnov test, corrected over all rows (Holm); with
    ties, such as of numbers of intervals, it is too large, never too small. The interval of the
    difference is not corrected.

    Args:
        samples: Of :func:`take_samples`, of both sources.
        settings: ``min_outputs`` is what each source needs for a test.

    Returns:
        A row for each label and measure: ``mean``, ``median`` and ``n`` of the outputs and, with
        ``_recordings``, of the recordings; the difference of means ``estimate`` with its bootstrap
        interval; ``ks``, the largest distance of the two cumulative shares, with ``p``, ``p_holm``
        and ``verdict``; ``wasserstein``, in the measure's unit.
    """
    orders = ((OUTPUT, *LABEL_ORDER), (*MEASURE_ORDER, *(f"n_{x}" for x in LABEL_ORDER)))

    def place(key: tuple) -> list[tuple[int, str]]:
        known = zip(key, orders, strict=False)
        return [(order.index(x) if x in order else len(order), x) for x, order in known]

    groups = dict(list(samples.groupby(["label", "measure", "unit"])))
    rows = []
    for key in sorted(groups, key=place):
        sides = [groups[key].query("source == @source") for source in (OUTPUTS, RECORDINGS)]
        a, b = (side["value"].to_numpy() for side in sides)
        row = dict(zip(("label", "measure", "unit"), key, strict=True))
        for name, values in (("", a), ("_recordings", b)):
            there = values if len(values) else [math.nan]
            row |= {f"mean{name}": np.mean(there), f"median{name}": np.median(there)}
        row |= contrast([a, b], [1, -1], settings) | {"ks": math.nan, "wasserstein": math.nan}
        if len(a) and len(b):
            row["wasserstein"] = scipy.stats.wasserstein_distance(a, b)
        if math.isfinite(row["low"]):
            row["ks"], row["p"] = scipy.stats.ks_2samp(a, b)
        rows.append(row | {"n": len(a), "n_recordings": len(b)})
    return add_verdicts(pd.DataFrame(rows), settings, DIFFERS, NO_DIFFERENCE)


def contrast(
    samples: Sequence[np.ndarray], weights: Sequence[float], settings: StatisticsSettings
) -> dict[str, float]:
    """Weighs the means of independent samples: ``estimate``, its bootstrap interval, and ``p``.

    ``p`` is that of :func:`welch`. The estimate needs a value of each sample, all else
    ``min_outputs``; what is not there is NaN.
    """
    found, least = dict.fromkeys(("estimate", "low", "high", "p"), math.nan), min(map(len, samples))
    if least:
        found["estimate"] = sum(w * x.mean() for w, x in zip(weights, samples, strict=True))
    if least >= settings.min_outputs:
        drawn = sum(w * x for w, x in zip(weights, resampled_means(samples, settings), strict=True))
        found["low"], found["high"] = interval(np.asarray(drawn), least, settings.confidence)
        found["p"] = welch(samples, weights)
    return found


def resampled_means(
    samples: Sequence[np.ndarray], settings: StatisticsSettings
) -> list[np.ndarray]:
    """Draws each of independent samples anew, and takes the means, ``[resamples]`` each."""
    found = []
    for seed, x in enumerate(samples):
        mean = partial(lambda x, weights: (x @ weights / len(x))[np.newaxis], x)
        found.append(resample(mean, len(x), len(x), seed, settings)[0])
    return found


def welch(samples: Sequence[np.ndarray], weights: Sequence[float]) -> float:
    """Computes the two-sided p that the weighted sum of the means of independent samples is 0.

    Of two samples, 1 and -1, this is Welch's t-test (1947, Biometrika 34:28-35); of four, 1, -1, -1
    and 1, it asks whether two differences differ. NaN where nothing varies.
    """
    estimate = sum(w * x.mean() for w, x in zip(weights, samples, strict=True))
    n = np.array([len(x) for x in samples])
    parts = np.square(weights) * [x.var(ddof=1) for x in samples] / n
    variance = parts.sum()
    if not variance > 0:
        return math.nan
    freedom = variance**2 / np.sum(parts**2 / (n - 1))
    return float(2 * stdtr(freedom, -abs(estimate) / math.sqrt(variance)))


def compare_shares(
    outputs: pd.DataFrame, recordings: pd.DataFrame, settings: StatisticsSettings
) -> pd.DataFrame:
    """Compares shares by Fisher's exact test.

    Takes yes or no, a row for each output or recording and a column for each ``property``. Returns
    a row for each: the share of outputs, ``estimate``, and that of ``recordings``, with Wilson's
    intervals; ``n``, ``n_recordings``; ``p``, ``p_holm`` over the rows, ``verdict``.
    """
    rows = []
    for name in outputs:
        row: dict[str, Any] = {"property": name}
        counts = []
        for prefix, x in (("", outputs[name]), ("recordings_", recordings[name])):
            counts.append((int(x.sum()), int((~x).sum())))
            ends = wilson(counts[-1][0], len(x), settings.confidence)
            row |= dict(zip((f"{prefix}low", f"{prefix}high"), ends, strict=True))
            row |= {prefix.rstrip("_") or "estimate": x.mean()}
            row |= {"n_recordings" if prefix else "n": len(x)}
        rows.append(row | {"p": scipy.stats.fisher_exact(counts).pvalue})
    return add_verdicts(pd.DataFrame(rows), settings, DIFFERS, NO_DIFFERENCE)
