"""The formant ceiling of a voice: that at which its formants move most smoothly.

Escudero, Boersma, Rauber & Bion 2009 (JASA 126:1379-1393) choose a ceiling for each speaker and
vowel, by the variation between tokens; where nobody has labelled vowels, the smoothness of the
tracks within a vowel decides (Barreda 2021, Fast Track, Linguistics Vanguard 7:20200051).
"""

from collections.abc import Iterable

import numpy as np

from wavegan_tf.speech import praat
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.settings import FORMANTS, IntervalSettings, PraatSettings

CEILINGS_HZ = tuple(range(4000, 7001, 250))
"""Ceilings that are tried, as far as they lie below the Nyquist frequency."""

LEAST_S = 0.06
"""Shorter voiced intervals are left out."""

_POINTS = 20


def choose_ceiling(
    sounds: Iterable[np.ndarray],
    rate_hz: float,
    praat_settings: PraatSettings,
    intervals: IntervalSettings,
) -> float:
    """Chooses one formant ceiling for the sounds of a voice.

    For each ceiling and voiced interval, F1 to F3 in log Hz at 20 points are fitted by parabolas of
    time; the ceiling with the least mean squared rest is taken, by the median over intervals.

    Args:
        sounds: ``[time]`` each.
        rate_hz: Their sampling rate.
        praat_settings: Window, number of formants; its ceiling is returned where no sound has a
            voiced interval long enough.
        intervals: How these are found.

    Returns:
        The ceiling in Hz, one of :data:`CEILINGS_HZ`.
    """
    ceilings = [hz for hz in CEILINGS_HZ if hz <= rate_hz / 2]
    rests = [
        [_rest(sound, rate_hz, start_s, end_s, hz, praat_settings) for hz in ceilings]
        for sound in sounds
        if np.isfinite(sound).all()
        for label, start_s, end_s in find_intervals(sound, rate_hz, intervals)
        if label == "voiced" and end_s - start_s >= LEAST_S
    ]
    known = np.array([row for row in rests if np.isfinite(row).all()])
    if not known.size:
        return praat_settings.formant_ceiling_hz
    return float(ceilings[int(np.argmin(np.median(np.log(known + 1e-9), axis=0)))])


def _rest(
    sound: np.ndarray,
    rate_hz: float,
    start_s: float,
    end_s: float,
    ceiling_hz: float,
    settings: PraatSettings,
) -> float:
    """Computes what parabolas leave of F1 to F3, mean square over formants; NaN for gaps."""
    place = np.linspace(-0.8, 0.8, _POINTS)
    times_s = (start_s + end_s) / 2 + place * (end_s - start_s) / 2
    tracks = praat.track_formants(
        sound - sound.mean(), rate_hz, times_s, (),
        max_number_of_formants=settings.n_formants, maximum_formant=ceiling_hz,
        window_length=settings.formant_window_s, pre_emphasis_from=settings.pre_emphasis_from_hz,
    )  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        formants = np.log([tracks[name].values for name in FORMANTS])  # [formants, points]
    if not np.isfinite(formants).all():
        return float("nan")
    curves = np.polynomial.polynomial.Polynomial
    left = [track - curves.fit(place, track, 2)(place) for track in formants]
    return float(np.mean(np.square(left)))
