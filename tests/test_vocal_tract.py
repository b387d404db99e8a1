"""The synthesiser against arithmetic and Praat's measures: spectra, levels, F0, boundaries."""

import measure_corpus
import numpy as np
import pytest
from parselmouth.praat import call

from wavegan_tf.analysis import praat
from wavegan_tf.corpora.synthetic import phonetics, vocal_tract
from wavegan_tf.corpora.synthetic.vocal_tract import Noise, Segment

RATE_HZ = vocal_tract.SAMPLE_RATE_HZ
SIBILANT = phonetics.sibilant(4700.0)
AA_HZ = phonetics.VOWELS_HZ["aa"]


def rng():
    return np.random.default_rng(5)


def vowel(duration_s=0.3, hz=AA_HZ, **others):
    return Segment("v", duration_s, (hz, hz), 0.0, **others)


def db(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


def part(samples, start_s, end_s):
    return samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]


def first_above(samples, level):
    return np.argmax(np.abs(samples) > level) / RATE_HZ


@pytest.mark.parametrize("name", ["iy", "eh", "aa", "uw", "er"])
@pytest.mark.parametrize("scale", [1.0, 1.17])
def test_formants_are_those_asked_for(name, scale):
    # At an F0 of 60 Hz harmonics are so dense that LPC does not follow them.
    hz = phonetics.VOWELS_HZ[name]
    samples = vocal_tract.speak([vowel(hz=hz)], [(0, 60), (0.3, 60)], -20, scale, rng())
    who = "F" if scale > 1 else "M"
    found = measure_corpus.formants_hz(samples, RATE_HZ, len(samples) / 2, who)
    np.testing.assert_allclose(list(found.values()), scale * np.array(hz), rtol=0.02, atol=12)


def test_formants_that_jump_at_a_boundary_do_so_in_praats_own_grid():
    # Of two points at one time Praat would keep the first, and slide instead.
    segments = [vowel(0.1, (300, 1000, 2500)), vowel(0.1, (700, 1500, 2500))]
    tracks = vocal_tract._formant_tracks(segments, vocal_tract.boundaries(segments), 1.0)
    grid = call("Create FormantGrid", "tract", 0, 0.2, 1, 500, 1000, 50, 50)
    call(grid, "Remove formant points between", 1, 0, 0.2)
    for at_s, value in zip(*tracks[0], strict=True):
        call(grid, "Add formant point", 1, at_s, value)
    asked = call(grid, "To Formant", 0.001, 0.1)
    for at_s in (0.05, 0.099, 0.101, 0.15, 0.19):
        f1_hz = vocal_tract.formants_hz(segments, at_s, 1.0)[0]
        assert f1_hz == pytest.approx(asked.get_value_at_time(1, at_s), abs=0.1)
    assert vocal_tract.formants_hz(segments, 0.15, 1.1)[0] == pytest.approx(1.1 * 700)


def test_a_resonator_loses_3_db_half_a_bandwidth_off():
    z = np.exp(-2j * np.pi * np.array([950, 1000, 1050]) / RATE_HZ)
    a, b = vocal_tract._resonator(1000.0, 100.0)
    gains_db = -20 * np.log10(np.abs(1 - a * z - b * z**2))
    np.testing.assert_allclose(gains_db - gains_db[1], [-3.01, 0, -3.01], atol=0.3)


@pytest.mark.parametrize(
    "noise", [SIBILANT, *phonetics.BURSTS.values(), Noise(((6000.0, 4000.0),), 1)]
)
def test_noise_has_the_centre_of_gravity_stated_and_power_1(noise):
    samples = vocal_tract.shaped_noise(noise, 8 * RATE_HZ, rng())
    options = {"hanning": False, "subtract_mean": False, "ceiling_hz": RATE_HZ / 2}
    measured_hz = praat.moments(samples, RATE_HZ, [(0, 8)], **options)[0, 0]
    assert measured_hz == pytest.approx(vocal_tract.centre_of_gravity(noise), rel=0.01)
    assert db(samples) == pytest.approx(0, abs=0.15)


def test_the_full_vowel_and_the_noise_have_the_levels_asked_for():
    segments = [Segment("s", 0.3, noise=SIBILANT, noise_db=-31), Segment("cl", 0.1), vowel()]
    samples = vocal_tract.speak(segments, [(0.4, 120), (0.7, 120)], -18, 1.0, rng())
    assert db(part(samples, 0.4, 0.7)) == pytest.approx(-18, abs=0.05)
    assert db(part(samples, 0.02, 0.28)) == pytest.approx(-31, abs=0.4)
    assert db(part(samples, 0.305, 0.395)) == pytest.approx(vocal_tract.FLOOR_DB, abs=0.3)


def test_a_voice_of_less_is_quieter_by_that_much():
    loud, soft = vowel(), vowel()._replace(voice_db=-6.0)
    samples = vocal_tract.speak([loud, soft], [(0, 120), (0.6, 120)], -18, 1.0, rng())
    difference_db = db(part(samples, 0.35, 0.55)) - db(part(samples, 0.05, 0.25))
    assert difference_db == pytest.approx(-6, abs=0.1)


def test_f0_follows_the_contour():
    samples = vocal_tract.speak([vowel(0.5)], [(0, 200), (0.5, 100)], -20, 1.0, rng())
    times, f0_hz = measure_corpus.f0_track(samples, RATE_HZ, (0, len(samples)), "M")
    for share in (0.25, 0.5, 0.75):
        measured_hz = np.interp(share * 0.5 * RATE_HZ, times, f0_hz)
        assert measured_hz == pytest.approx(200 * 0.5**share, rel=0.01)


def test_pulses_begin_at_the_boundary_and_are_as_many_as_f0_has_periods():
    pulses_s = vocal_tract._pulses((0.1, 0.6), [(0.1, 200.0), (0.6, 100.0)])
    assert pulses_s[0] == 0.1
    assert len(pulses_s) == 1 + int(0.5 * 100 / np.log(2))  # F0 integrated over time
    assert 1 / np.diff(pulses_s)[0] == pytest.approx(200, rel=0.01)
    assert 1 / np.diff(pulses_s)[-1] == pytest.approx(100, rel=0.01)


def test_the_glottis_first_closes_one_period_after_the_boundary():
    segments = [Segment("cl", 0.1), vowel()]
    for f0_hz in (100, 200):
        contour = [(0.1, f0_hz), (0.4, f0_hz)]
        samples = vocal_tract.speak(segments, contour, -20, 1.0, rng())
        closed, cycle = measure_corpus.voice_onset(samples, RATE_HZ, 1000, len(samples), "M")
        assert closed / RATE_HZ == pytest.approx(0.1 + 1 / f0_hz, abs=0.001)
        assert cycle / RATE_HZ == pytest.approx(0.1, abs=0.001)


@pytest.mark.parametrize(
    ("sounding", "late_s"),
    [
        (phonetics.release("t", "alveolar", AA_HZ, 0.05, -25), 0.001),
        (Segment("s", 0.1, noise=SIBILANT, noise_db=-25), 0.004),
        (vowel(), 0.004),
    ],
    ids=["burst", "s", "voice"],
)
def test_sound_begins_at_its_boundary_and_never_before(sounding, late_s):
    segments = [Segment("cl", 0.05), sounding]
    segments += [] if sounding.voice_db == 0 else [vowel()]
    edges_s = vocal_tract.boundaries(segments)
    samples = vocal_tract.speak(segments, [(0, 250), (0.5, 250)], -20, 1.0, rng())
    floor = 10 ** (vocal_tract.FLOOR_DB / 20)
    assert np.abs(part(samples, 0, edges_s[1])).max() < 5 * floor
    assert 0 <= first_above(samples, 8 * floor) - edges_s[1] <= late_s


def test_noise_ends_at_its_boundary():
    segments = [Segment("s", 0.1, noise=SIBILANT, noise_db=-25), Segment("cl", 0.05), vowel()]
    samples = vocal_tract.speak(segments, [(0, 120), (0.5, 120)], -20, 1.0, rng())
    floor = 10 ** (vocal_tract.FLOOR_DB / 20)
    assert np.abs(part(samples, 0.1, 0.15)).max() < 5 * floor
    assert np.abs(part(samples, 0.09, 0.1)).max() > 8 * floor


def test_boundaries_are_whole_samples_that_do_not_drift():
    edges_s = vocal_tract.boundaries([Segment("x", 0.01001)] * 100)
    np.testing.assert_allclose(edges_s * RATE_HZ, np.round(edges_s * RATE_HZ), atol=1e-9)
    assert edges_s[-1] == pytest.approx(1.001, abs=0.5 / RATE_HZ)


def test_a_sound_too_loud_for_16_bits_is_made_quieter_as_a_whole():
    samples = np.array([0.1, -1.3, 0.65])
    fitted, quieter_db = vocal_tract.fit(samples)
    assert np.abs(fitted).max() == pytest.approx(vocal_tract.PEAK)
    np.testing.assert_allclose(fitted / samples, 10 ** (quieter_db / 20))
    assert quieter_db < 0


def test_a_sound_that_16_bits_hold_stays_as_it_is():
    samples = np.array([32767 / 32768, -32767 / 32768])
    fitted, quieter_db = vocal_tract.fit(samples)
    assert fitted is samples and quieter_db == 0
