"""Tables of phonetics that synthetic corpora are made from, and draws within bounds."""

import numpy as np

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.textgrid import Tier
from wavegan_tf.corpora.synthetic.vocal_tract import SAMPLE_RATE_HZ, Noise, Segment, boundaries

VOWELS_HZ = {
    "iy": (270, 2290, 3010), "ih": (390, 1990, 2550), "eh": (530, 1840, 2480),
    "ae": (660, 1720, 2410), "aa": (730, 1090, 2440), "ao": (570, 840, 2410),
    "uh": (440, 1020, 2240), "uw": (300, 870, 2240), "ah": (640, 1190, 2390),
    "er": (490, 1350, 1690),
}  # fmt: skip
"""F1 to F3 of men, Hz (Peterson & Barney 1952, JASA 24:175-184, Table II)."""

WOMEN_SCALE = 1.17
"""Formants of women against those of men, the mean of the same table."""

PLACES = {"p": "labial", "t": "alveolar", "k": "velar", "b": "labial", "d": "alveolar",
          "g": "velar", "m": "labial", "n": "alveolar", "v": "labial", "s": "alveolar"}  # fmt: skip

_LOCI_HZ = {  # locus, and how far it gives way to the vowel (Sussman et al. 1991, JASA 90:1309-25)
    "labial": (800, 0.85),
    "alveolar": (1800, 0.45),
    "velar": (1500, 0.90),
}
_F3_ONSET_HZ = {"labial": 2150, "alveolar": 2700, "velar": 2100}
_F1_ONSET_HZ = 250

TRANSITION_S = 0.045
"""From a release to the vowel's formants."""

BURST_S = 0.010
BREATH_DB = -34
"""Of a vowel, against its voice: so that harmonicity is that of speech."""

BURSTS = {
    "labial": Noise(((900, 1200),), 0),
    "alveolar": Noise(((4300, 1200),), 2),
    "velar": Noise(((2000, 500),), 1),
}
"""Diffuse and low, high, compact in the middle (Stevens & Blumstein 1978, JASA 64:1358-68)."""


def onset_hz(place: str, vowel_hz: tuple[float, ...]) -> tuple[float, float, float]:
    """F1 to F3 at the release of a stop: a locus equation for F2.

    Args:
        place: Of :data:`BURSTS`.
        vowel_hz: (F1, F2, F3) of the vowel that follows.

    Returns:
        (F1, F2, F3), Hz.
    """
    locus_hz, share = _LOCI_HZ[place]
    f2_hz = locus_hz + share * (vowel_hz[1] - locus_hz)
    return min(_F1_ONSET_HZ, vowel_hz[0]), f2_hz, (_F3_ONSET_HZ[place] + vowel_hz[2]) / 2


def release(
    label: str, place: str, vowel_hz: tuple[float, ...], vot_s: float, burst_db: float,
    breath_db: float = -16,
) -> Segment:  # fmt: skip
    """A stop from its burst to the voice of the vowel after it.

    Args:
        label: Of the stop.
        place: Of :data:`BURSTS`.
        vowel_hz: (F1, F2, F3) of the vowel.
        vot_s: Voice onset time.
        burst_db: RMS of the burst, dB re full scale.
        breath_db: Of the aspiration after it, against the voice of a vowel.
    """
    start_hz = onset_hz(place, vowel_hz)
    reached_hz = _between(start_hz, vowel_hz, min(1, vot_s / TRANSITION_S))
    return Segment(
        label, vot_s, (start_hz, reached_hz), None, breath_db, BURSTS[place], burst_db,
        min(BURST_S, vot_s),
    )  # fmt: skip


def vowel(
    label: str,
    vowel_hz: tuple[float, ...],
    duration_s: float,
    start_hz: tuple[float, ...],
    coming_s: float = TRANSITION_S,
    end_hz: tuple[float, ...] | None = None,
    voice_db: float = 0.0,
) -> list[Segment]:
    """A vowel with its transitions.

    Args:
        label: Of the vowel.
        vowel_hz: (F1, F2, F3) that it reaches and holds.
        duration_s: Of the whole.
        start_hz: Formants at its start.
        coming_s: Time from there to the vowel's; at most a third of the duration is used.
        end_hz: Formants at its end, reached in ``TRANSITION_S`` or a third; None: the vowel's.
        voice_db: Against a full vowel.
    """
    third = duration_s / 3
    coming_s, going_s = min(coming_s, third), min(TRANSITION_S, third) if end_hz else 0.0
    ways = [(coming_s, (start_hz, vowel_hz)), (duration_s - coming_s - going_s, (vowel_hz,) * 2)]
    ways += [(going_s, (vowel_hz, end_hz))]
    return [Segment(label, s, way, voice_db, BREATH_DB) for s, way in ways if s > 0]


def phones(segments: list[Segment]) -> list[Interval]:
    """Intervals of equal labels in a row, in s from the start."""
    edges = boundaries(segments)
    intervals = []
    for segment, start_s, end_s in zip(segments, edges, edges[1:], strict=False):
        if intervals and intervals[-1].label == segment.label:
            start_s = intervals.pop().start_s
        intervals.append(Interval(segment.label, float(start_s), float(end_s)))
    return intervals


def durations_s(intervals: list[Interval]) -> list[float]:
    """How long intervals of whole samples last, free of the rounding of their edges."""
    samples = (round((x.end_s - x.start_s) * SAMPLE_RATE_HZ) for x in intervals)
    return [n / SAMPLE_RATE_HZ for n in samples]


def tier(segments: list[Segment]) -> Tier:
    """The TextGrid's tier ``phones``."""
    return Tier("phones", phones(segments))


def _between(from_hz, to_hz, share):
    return tuple(a + share * (b - a) for a, b in zip(from_hz, to_hz, strict=True))


def sibilant(pole_hz: float) -> Noise:
    """[s]: energy round ``pole_hz``, little below 3 kHz."""
    return Noise(((pole_hz, 1000.0), (1.3 * pole_hz, 1500.0)), 2)


def draw_lognormal(
    rng: np.random.Generator, mean: float, spread: float, low: float, high: float
) -> float:
    """A positive number: lognormal, drawn again until it lies within bounds.

    Args:
        rng: Where from.
        mean: Of the distribution without bounds.
        spread: Its coefficient of variation, standard deviation / mean.
        low: Least value.
        high: Largest value.

    Returns:
        float.
    """
    sigma = np.sqrt(np.log1p(spread**2))
    return _within(low, high, lambda: rng.lognormal(np.log(mean) - sigma**2 / 2, sigma))


def draw_normal(
    rng: np.random.Generator, mean: float, spread: float, low: float, high: float
) -> float:
    """A normally distributed number, drawn again until it lies within bounds.

    Args:
        rng: Where from.
        mean: Of the distribution without bounds.
        spread: Its standard deviation.
        low: Least value.
        high: Largest value.
    """
    return _within(low, high, lambda: rng.normal(mean, spread))


def _within(low, high, draw):
    """The first number drawn that lies within bounds."""
    while True:
        value = draw()
        if low <= value <= high:
            return float(value)
