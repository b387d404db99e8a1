"""Tables of phonetics that synthetic corpora are made from, and draws within bounds."""

import numpy as np

from wavegan_tf.corpora.clips import SAMPLE_RATE_HZ
from wavegan_tf.corpora.vocal_tract import Formants, Noise, Segment, timed
from wavegan_tf.speech.intervals import Interval

VOWELS_HZ = {
    "iy": (270, 2290, 3010), "ih": (390, 1990, 2550), "eh": (530, 1840, 2480),
    "ae": (660, 1720, 2410), "aa": (730, 1090, 2440), "ao": (570, 840, 2410),
    "uh": (440, 1020, 2240), "uw": (300, 870, 2240), "ah": (640, 1190, 2390),
    "er": (490, 1350, 1690),
}  # fmt: skip
"""F1 to F3 of men, Hz (Peterson & Barney 1952, JASA 24:175-184, Table II)."""
WOMEN_SCALE = 1.17  # formants of women against those of men, the mean of the same table

PLACES = {"p": "labial", "t": "alveolar", "k": "velar", "b": "labial", "d": "alveolar",
          "g": "velar", "m": "labial", "n": "alveolar", "v": "labial", "s": "alveolar"}  # fmt: skip
BURSTS = {
    "labial": Noise(((900, 1200),), 0),
    "alveolar": Noise(((4300, 1200),), 2),
    "velar": Noise(((2000, 500),), 1),
}
"""Diffuse and low, high, compact in the middle (Stevens & Blumstein 1978, JASA 64:1358-68)."""
BURST_S = 0.010
S_BELOW_DB = 10.0  # level of [s], below the vowel's
BREATH_DB = -34  # of a vowel, against its voice: so that harmonicity is that of speech
TRANSITION_S = 0.045  # from a release to the vowel's formants

_LOCI_HZ = {  # locus, and how far it gives way to the vowel (Sussman et al. 1991, JASA 90:1309-25)
    "labial": (800, 0.85),
    "alveolar": (1800, 0.45),
    "velar": (1500, 0.90),
}
_F3_ONSET_HZ = {"labial": 2150, "alveolar": 2700, "velar": 2100}
_F1_ONSET_HZ = 250


def sibilant(pole_hz: float) -> Noise:
    """Returns [s]: energy round ``pole_hz``, little below 3 kHz."""
    return Noise(((pole_hz, 1000.0), (1.3 * pole_hz, 1500.0)), 2)


def onset_hz(stop: str, vowel_hz: Formants) -> Formants:
    """Returns the formants at the release of a consonant of :data:`PLACES`, F2 by its locus."""
    place = PLACES[stop]
    locus_hz, share = _LOCI_HZ[place]
    f2_hz = locus_hz + share * (vowel_hz[1] - locus_hz)
    return min(_F1_ONSET_HZ, vowel_hz[0]), f2_hz, (_F3_ONSET_HZ[place] + vowel_hz[2]) / 2


def release(
    stop: str, vowel_hz: Formants, vot_s: float, burst_db: float, breath_db: float = -16
) -> Segment:
    """Makes a stop, burst (RMS, dB re full scale) and aspiration (against a vowel's voice)."""
    start_hz, share = onset_hz(stop, vowel_hz), min(1, vot_s / TRANSITION_S)
    reached_hz = tuple(a + share * (b - a) for a, b in zip(start_hz, vowel_hz, strict=True))
    burst = (BURSTS[PLACES[stop]], burst_db, min(BURST_S, vot_s))
    return Segment(stop, vot_s, (start_hz, reached_hz), None, breath_db, *burst)


def vowel(
    label: str,
    vowel_hz: Formants,
    duration_s: float,
    start_hz: Formants,
    coming_s: float,
    end_hz: Formants | None = None,
    voice_db: float = 0.0,
) -> list[Segment]:
    """Makes a vowel: from ``start_hz`` in ``coming_s``, to ``end_hz``, if given, in the end.

    Either transition takes at most a third of it. ``voice_db`` is against a full vowel.
    """
    third = duration_s / 3
    coming_s, going_s = min(coming_s, third), min(TRANSITION_S, third) if end_hz else 0.0
    ways = [(coming_s, (start_hz, vowel_hz)), (duration_s - coming_s - going_s, (vowel_hz,) * 2)]
    ways += [(going_s, (vowel_hz, end_hz or vowel_hz))]
    return [Segment(label, s, way, voice_db, BREATH_DB) for s, way in ways if s > 0]


def phones(segments: list[Segment]) -> list[Interval]:
    """Joins segments of equal labels in a row to intervals, in s from the start."""
    intervals: list[Interval] = []
    for segment, start_s, end_s in timed(segments):
        if intervals and intervals[-1].label == segment.label:
            start_s = intervals.pop().start_s
        intervals.append(Interval(segment.label, float(start_s), float(end_s)))
    return intervals


def durations_s(intervals: list[Interval]) -> list[float]:
    """Returns how long intervals of whole samples last, free of the rounding of their edges."""
    samples = (round((x.end_s - x.start_s) * SAMPLE_RATE_HZ) for x in intervals)
    return [n / SAMPLE_RATE_HZ for n in samples]


def draw_formants(label: str, spread: float, rng: np.random.Generator) -> Formants:
    """Draws the formants of a vowel, each normal; ``spread`` is standard deviation / mean."""
    return tuple(f_hz * (1 + spread * rng.standard_normal()) for f_hz in VOWELS_HZ[label])


def draw_lognormal(
    rng: np.random.Generator, mean: float, spread: float, low: float, high: float
) -> float:
    """Draws a positive number, lognormal, again until it lies within bounds.

    Mean and spread (standard deviation / mean) are those of the distribution without bounds.
    """
    sigma = np.sqrt(np.log1p(spread**2))
    while not low <= (value := rng.lognormal(np.log(mean) - sigma**2 / 2, sigma)) <= high:
        pass
    return float(value)


def draw_normal(
    rng: np.random.Generator, mean: float, spread: float, low: float, high: float
) -> float:
    """Draws a number, normal with standard deviation ``spread``, again until within bounds."""
    while not low <= (value := rng.normal(mean, spread)) <= high:
        pass
    return float(value)
