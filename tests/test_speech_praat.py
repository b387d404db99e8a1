"""Every measure against the menu commands of Praat, called with arguments written out."""

import numpy as np
import parselmouth
import pytest
from agree_with_praat import Praat, differences
from parselmouth.praat import call
from synthesis import LENGTH, RATE, TIMES_S, VOWELS, frication, klatt_vowel, spans, vowel

from wavegan_tf.speech import praat
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.measure import f0_range_of, measure
from wavegan_tf.speech.settings import PLAUSIBLE, PraatSettings

HARMONICS = vowel(120 + 30 * np.sin(8 * TIMES_S), VOWELS["e"]) * np.exp(-2 * TIMES_S)
SOUND = HARMONICS * spans((0.0, 0.6)) + frication(3500, 7000, 0.02) * spans((0.6, 1.1))
KLATT = klatt_vowel(150, VOWELS["i"], (60, 90, 120)) + frication(3000, 7000, 0.005)
OTHERS = PraatSettings(
    75, 450, 0.01, 0.05, 0.5, 80, 5000, 4.5, 0.03, 60, 0.02, 60, 0.2, 1.5, 0.03, 0.01, 75, 400, 4000
)


@pytest.mark.parametrize("samples", [SOUND, KLATT], ids=["harmonics", "klatt"])
@pytest.mark.parametrize("settings", [PraatSettings(), OTHERS], ids=["default", "others"])
def test_every_measure_is_that_of_the_commands(samples, settings):
    intervals = [Interval("voiced", 0.11, 0.55), Interval("frication", 0.65, 0.93)]
    intervals.append(Interval("silence", 0.94, LENGTH / RATE))
    table = measure(samples, RATE, intervals, settings)
    found = differences(table, intervals, Praat(parselmouth.Sound(samples, RATE), settings))
    assert {measure for measure, _ in found} == set(table["measure"]) - {"duration", "voiced_share"}
    # Subtracting a mean rounds in another order; the order of a root finder's iterations too.
    exact = {name: 0.0 for name in ("f0", "intensity", "hnr", "zcr")}
    wrong = {key: worst for key, (worst, _) in found.items() if worst > exact.get(key[0], 1e-6)}
    assert wrong == {}


def test_silence_has_the_harmonicity_that_praat_writes():
    assert praat.SILENT_HNR_DB in praat.track_hnr(SOUND, RATE).frames


def test_moments_below_a_ceiling_are_those_of_the_filtered_spectrum():
    sound = parselmouth.Sound(SOUND, RATE)
    part = call(sound, "Extract part...", 0.7, 0.9, "rectangular", 1, "no")
    spectrum = call(part, "To Spectrum...", "yes")
    call(spectrum, "Formula...", "if x > 5000 then 0 else self fi")
    options = {"hanning": False, "subtract_mean": False, "ceiling_hz": 5000}
    moments = praat.moments(SOUND, RATE, (0.7, 0.9), **options)
    names = ("centre of gravity", "standard deviation", "skewness", "kurtosis")
    assert moments == [call(spectrum, f"Get {name}...", 2) for name in names]


def test_quartiles_of_the_two_passes_are_those_of_the_command():
    pitch = Praat(parselmouth.Sound(SOUND, RATE), PraatSettings()).pitch
    quartiles_hz = [call(pitch, "Get quantile...", 0, 0, q, "Hertz") for q in (0.25, 0.75)]
    range_hz = f0_range_of(SOUND, RATE, PraatSettings())
    assert range_hz == pytest.approx((0.75 * quartiles_hz[0], 1.5 * quartiles_hz[1]), rel=1e-9)
    assert f0_range_of(vowel(70, VOWELS["e"]), RATE, PraatSettings())[0] == 60  # never beyond
    assert f0_range_of(vowel(290, VOWELS["e"]), RATE, PraatSettings())[1] == 300
    assert f0_range_of(SOUND[:300], RATE, PraatSettings()) == (60, 300)  # too short


@pytest.mark.parametrize("measure", ["f1", "f2", "f3"])
def test_the_plausible_formants_are_those_of_peterson_and_barneys_vowels(measure):
    table = call("Create formant table (Peterson & Barney 1952)")
    ends = [call(table, f"Get {what}...", measure.upper()) for what in ("minimum", "maximum")]
    assert PLAUSIBLE[measure] == tuple(ends)
