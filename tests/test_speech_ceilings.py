"""The chosen ceiling against formants that are known, of vocal tracts of four lengths."""

import dataclasses

import numpy as np
import pytest

from wavegan_tf.corpora.vocal_tract import Segment, formants_hz, speak
from wavegan_tf.speech import praat
from wavegan_tf.speech.ceilings import CEILINGS_HZ, choose_ceiling
from wavegan_tf.speech.settings import INTERVALS, PRAAT

VOWELS_HZ = [(300, 2200, 2900), (730, 1200, 2500), (350, 900, 2300), (500, 1700, 2450)]
RATE_HZ, PAD_S = 16000, 0.1


def diphthong(i, scale, f0_hz):
    """A glide between two vowels with a little noise around it, and its segment."""
    rng = np.random.default_rng(i)
    ends = VOWELS_HZ[i % 4], VOWELS_HZ[(i + 1 + i // 4) % 4]
    segment = Segment("v", 0.35, ends, voice_db=0.0)
    sound = speak([segment], [(0, f0_hz), (0.35, 0.85 * f0_hz)], -20, scale, rng)
    return np.pad(sound, int(PAD_S * RATE_HZ)) + 1e-4 * rng.standard_normal(8800), segment


def error(sound, segment, scale, ceiling_hz):
    """Mean error of F1 to F3, as a share."""
    times_s = np.linspace(0.05, 0.3, 10)
    found = praat.track_formants(
        sound, RATE_HZ, times_s + PAD_S, (), max_number_of_formants=5, maximum_formant=ceiling_hz,
        window_length=0.025, pre_emphasis_from=50,
    )  # fmt: skip
    true = np.array([formants_hz([segment], at_s, scale) for at_s in times_s]).T
    return np.nanmean(np.abs(np.log([found[x].values for x in ("f1", "f2", "f3")] / true)))


@pytest.mark.parametrize(("scale", "f0_hz"), [(0.92, 110), (1.0, 120), (1.17, 210), (1.35, 280)])
def test_formants_are_as_good_as_at_the_best_ceiling(scale, f0_hz):
    spoken = [diphthong(i, scale, f0_hz) for i in range(6)]
    intervals = dataclasses.replace(INTERVALS, voicing_ceiling_hz=450)
    chosen = choose_ceiling([sound for sound, _ in spoken], RATE_HZ, PRAAT, intervals)
    errors = {
        hz: np.mean([error(*each, scale, hz) for each in spoken]) for hz in (chosen, *CEILINGS_HZ)
    }
    assert errors[chosen] <= 1.3 * min(errors.values())
    assert max(errors.values()) > 5 * errors[chosen]  # a wrong ceiling matters


def test_without_a_voice_the_ceiling_stays():
    noise = 0.1 * np.random.default_rng(0).standard_normal(16384)
    assert choose_ceiling([noise], RATE_HZ, PRAAT, INTERVALS) == PRAAT.formant_ceiling_hz
