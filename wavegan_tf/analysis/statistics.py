"""Do the layers follow the target? The table of correlations with their controls and verdicts.

Rows come in a fixed order, and the same values and seed give the same numbers, whatever the order
in which the values were collected. What the values do not give is NaN. The linear model of
durations and the differences between conditions stand in :mod:`wavegan_tf.analysis.effects`.
"""

import math

import numpy as np

from wavegan_tf.analysis.controls import Limits, random_limits, shuffled_limits
from wavegan_tf.analysis.resampling import (
    Ranks,
    StatisticsSettings,
    centred,
    interval,
    mid_ranks,
    moments,
    pearson,
    resample,
    standardise,
)
from wavegan_tf.analysis.values import SEMITONES, Pairs, Values

STATISTICS = ("pearson", "within_output", "spearman")

ENCODED, INVERSE = "encoded", "inverse"
NOT_ABOVE = {
    (False, True): "not above random",
    (True, False): "not above shuffled",
    (False, False): "not above either",
}
NO_CONTROL, TOO_FEW = "no control", "too few"

DEFAULTS = StatisticsSettings()


def correlate(
    values: Values,
    controls: list[Values],
    target: str,
    seed: int,
    settings: StatisticsSettings = DEFAULTS,
) -> list[dict]:
    """Correlate each layer with the target, measure by measure, beside two controls.

    Points are compared with points (by output, interval and point), what only an interval has with
    intervals; F0 also in semitones. The statistics:

    - ``pearson``: r over the concatenated values of all outputs (Beguš & Zhou 2022, section IV).
    - ``within_output``: the same after each output's own mean is subtracted on both sides: does
      the layer follow the course of an output, or only how outputs differ? Outputs with one pair
      alone do not count.
    - ``spearman``: Pearson's r of mid-ranks, for what is related, but not in proportion.

    Args:
        values: of the network.
        controls: of networks of the same architecture with random weights, measured in the same
            way. One with too few values for a verdict of its own is left out.
        target: the layer that the others are compared with.
        seed: from 0.
        settings: :class:`~wavegan_tf.analysis.resampling.StatisticsSettings`.

    Returns:
        A dict for each channel, label, measure, layer but the target, and statistic. ``low`` and
        ``high`` are the bootstrap interval over outputs, ``n`` counts pairs, ``n_outputs`` outputs,
        ``n_flagged`` pairs with a suspect value; ``random`` and ``random_high`` are mean and upper
        limit of the random networks (:func:`~wavegan_tf.analysis.controls.random_limits`),
        ``n_random`` their number, ``shuffled`` and ``shuffled_high`` those of shuffled pairing
        (:func:`~wavegan_tf.analysis.controls.shuffled_limits`); ``verdict`` is that of
        :func:`verdict`.

    Raises:
        ValueError: a layer has two values at one place.
    """
    table = []
    for channel, label, measure, source in _with_semitones(values.measured()):
        for layer in values.layers():
            if layer == target:
                continue
            key = (source, channel, label, measure, layer, target)
            sides = values.read(*key[:5]), values.read(*key[:4], target)
            shuffled = shuffled_limits(*sides, seed, settings)
            pairs = values.pairs(*key)
            others = [coefficients(control.pairs(*key), settings) for control in controls]
            about = {
                "channel": channel, "label": label, "measure": measure,
                "unit": values.unit(measure), "layer": layer,
            }  # fmt: skip
            table += [
                {**about, **row}
                for row in _correlation_rows(pairs, others, shuffled, seed, settings)
            ]
    return table


def _with_semitones(measured):
    """Put F0 in semitones beside F0."""
    for channel, label, measure, source in measured:
        yield channel, label, measure, source
        if measure == "f0":
            yield channel, label, SEMITONES, source


def _correlation_rows(pairs, others, shuffled, seed, settings):
    """The statistics of one layer and measure; ``others`` and ``shuffled`` are the controls."""
    own = coefficients(pairs, settings)
    ends = _correlation_intervals(pairs, own, seed, settings)
    for k, name in enumerate(STATISTICS):
        value, n, n_outputs, _ = own[k]
        random = random_limits([other[k][0] for other in others if other[k][3]], settings)
        low, high = ends[k]
        yield {
            "statistic": name,
            "value": value,
            "low": low,
            "high": high,
            "n": n,
            "n_outputs": n_outputs,
            "n_flagged": _count_flagged(pairs, name),
            "random": random.mean,
            "random_high": random.high,
            "n_random": random.n,
            "shuffled": shuffled[k].mean,
            "shuffled_high": shuffled[k].high,
            "verdict": verdict(low, high, random, shuffled[k]),
        }


def coefficients(pairs: Pairs, settings: StatisticsSettings) -> list[tuple]:
    """The three statistics of one layer and measure.

    Returns:
        For each of :data:`STATISTICS` the value (NaN for fewer than 3 pairs or where a side does
        not vary), the number of pairs and of outputs, and whether these are enough for a verdict.
    """
    rows = []
    for sums in _moments_of(pairs):
        value = float(pearson(sums.sum(axis=-1)))
        n, n_outputs = int(sums[0].sum()), int(np.count_nonzero(sums[0]))
        enough = n >= settings.min_pairs and n_outputs >= settings.min_outputs
        rows.append((value, n, n_outputs, enough and math.isfinite(value)))
    return rows


def _moments_of(pairs):
    """Moments of each output ``[6, outputs]``: of values, of centred values, of ranks."""
    ids, group = np.unique(pairs.output, return_inverse=True)
    sides = pairs.layer, pairs.target
    sums = moments(*(standardise(side) for side in sides), group, len(ids))
    ranked = moments(*(standardise(mid_ranks(side)) for side in sides), group, len(ids))
    return sums, centred(sums), ranked


def _correlation_intervals(pairs, own, seed, settings):
    """The bootstrap intervals of the three statistics; NaN where there is too little for one."""
    if not any(enough for *_, enough in own):
        return [(math.nan, math.nan)] * 3
    sums, within, _ = _moments_of(pairs)
    ids, group = np.unique(pairs.output, return_inverse=True)
    ranks = Ranks(pairs.layer, pairs.target, group)

    def statistic(weights):
        r, r_within = pearson(sums @ weights), pearson(within @ weights)
        return np.stack([r, r_within, ranks.spearman(weights)])

    resampled = resample(statistic, len(ids), len(group), seed, settings)
    return [
        interval(each, n_outputs, settings.confidence) if enough else (math.nan, math.nan)
        for each, (_, _, n_outputs, enough) in zip(resampled, own, strict=True)
    ]


def _count_flagged(pairs, statistic):
    """Count the pairs with a suspect value among those that a statistic is made of."""
    if statistic != "within_output":
        return int(pairs.flagged.sum())
    _, group, counts = np.unique(pairs.output, return_inverse=True, return_counts=True)
    return int(pairs.flagged[counts[group] > 1].sum())


def verdict(low: float, high: float, random: Limits, shuffled: Limits) -> str:
    """Say whether a layer encodes a measure, from the interval of a correlation.

    Args:
        low: lower end of the interval.
        high: upper end.
        random: the range of random networks.
        shuffled: the range of shuffled pairing.

    Returns:
        ``encoded`` where the whole interval is above both ranges, ``inverse`` where it is below
        both (a layer that follows the target upside down: the paper's F1 at Conv4, r = -0.38);
        ``not above random``, ``not above shuffled``, ``not above either`` otherwise; ``no
        control`` where a range is missing (fewer than two random networks gave a value); ``too
        few`` where there is no interval: too few outputs or pairs, or a side that does not vary.
        Chance alone makes ``encoded`` of at most 1 - confidence of the rows, and ``inverse``
        likewise: a long table may hold some of each. The lower ends are not in the table; that of
        ``random`` mirrors ``random_high`` about ``random`` on Fisher's z.
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return TOO_FEW
    if not all(map(math.isfinite, (random.low, random.high, shuffled.low, shuffled.high))):
        return NO_CONTROL
    if low > max(random.high, shuffled.high):
        return ENCODED
    if high < min(random.low, shuffled.low):
        return INVERSE
    return NOT_ABOVE[low > random.high, low > shuffled.high]
