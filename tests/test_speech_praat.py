"""The functions of arrays against the menu commands of Praat, called with arguments written out."""

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

SOUND = vowel(120 + 30 * np.sin(8 * TIMES_S), VOWELS["e"]) * np.exp(-2 * TIMES_S) * spans(
    (0.0, 0.6)
) + frication(3500, 7000, 0.02) * spans((0.6, 1.1))
TIMES = np.array([0.0301, 0.2, 0.47, 0.58])
SPANS = [(0.1, 0.25), (0.3, 0.6)]


@pytest.fixture(scope="module")
def sound():
    return parselmouth.Sound(SOUND, RATE)


def expect(track, asked, in_frame, at, over):
    """Compares a track with Praat's own answers; the arguments follow frame, time and span."""
    frames = [call(asked, "Get value in frame...", k + 1, *in_frame) for k in range(len(track[0]))]
    np.testing.assert_array_equal(track.frames, np.nan_to_num(frames))
    values = [call(asked, "Get value at time...", t, *at) for t in TIMES]
    np.testing.assert_array_equal(track.values, values)
    means = [call(asked, "Get mean...", *span, *over) for span in SPANS]
    np.testing.assert_array_equal(track.means, means)
    assert track.frames_s[3] == call(asked, "Get time from frame number...", 4)


def test_f0_is_that_of_the_command(sound):
    pitch = call(sound, "To Pitch (ac)...", 0.01, 75, 15, "no", 0.05, 0.5, 0.01, 0.35, 0.14, 450)
    options = praat.PitchOptions(75, 450, 0.01, 0.05, 0.5)
    track = praat.track_f0(SOUND, RATE, options, TIMES, SPANS)
    expect(track, pitch, ("Hertz",), ("Hertz", "Linear"), ("Hertz",))


def test_harmonicity_is_that_of_the_command(sound):
    harmonicity = call(sound, "To Harmonicity (cc)...", 0.02, 60, 0.2, 1.5)
    track = praat.track_hnr(SOUND, RATE, praat.HnrOptions(0.02, 60, 0.2, 1.5), TIMES, SPANS)
    expect(track, harmonicity, (), ("Linear",), ())
    assert praat.SILENT_HNR_DB in track.frames  # what silence is called is what Praat writes


@pytest.mark.parametrize(("step_s", "argument"), [(0.01, 0.01), (None, 0)])
def test_intensity_is_that_of_the_command(sound, step_s, argument):
    intensity = call(sound, "To Intensity...", 80, argument, "yes")
    track = praat.track_intensity(SOUND, RATE, 80, TIMES, SPANS, step_s)
    expect(track, intensity, (), ("Cubic",), ("energy",))


def test_formants_and_bandwidths_are_those_of_the_command(sound):
    formants = call(sound, "To Formant (burg)...", 0, 4.5, 5000, 0.03, 60)
    options = praat.FormantOptions(4.5, 5000, 0.03, 60)
    tracks = praat.track_formants(SOUND, RATE, options, [1, 3], TIMES, SPANS)
    assert list(tracks) == ["f1", "b1", "f3", "b3"]
    for k in (1, 3):
        values, bandwidths = (
            [call(formants, f"Get {what} at time...", k, t, "Hertz", "Linear") for t in TIMES]
            for what in ("value", "bandwidth")
        )
        means = [call(formants, "Get mean...", k, *span, "Hertz") for span in SPANS]
        np.testing.assert_array_equal(tracks[f"f{k}"].values, values)
        np.testing.assert_array_equal(tracks[f"f{k}"].means, means)
        np.testing.assert_array_equal(tracks[f"b{k}"].values, bandwidths)


def test_moments_below_a_ceiling_are_those_of_the_filtered_spectrum(sound):
    part = call(sound, "Extract part...", 0.7, 0.9, "rectangular", 1, "no")
    spectrum = call(part, "To Spectrum...", "yes")
    call(spectrum, "Formula...", "if x > 5000 then 0 else self fi")
    rows = praat.moments(
        SOUND, RATE, [(0.7, 0.9)], hanning=False, subtract_mean=False, ceiling_hz=5000
    )
    names = ("centre of gravity", "standard deviation", "skewness", "kurtosis")
    np.testing.assert_array_equal(rows, [[call(spectrum, f"Get {name}...", 2) for name in names]])


def test_cpps_is_that_of_the_command(sound):
    part = call(sound, "Extract part...", 0.1, 0.5, "rectangular", 1, "no")
    cepstrogram = call(part, "To PowerCepstrogram...", 75, 0.01, 4000, 50)
    given = ("no", 0.01, 0.001, 75, 400, 0.05, "Parabolic", 0.001, 0, "Straight", "Robust")
    options = praat.CppsOptions(75, 400, 0.01, 4000)
    value = praat.cpps(SOUND, RATE, options, (0.1, 0.5), subtract_mean=False)
    assert value == call(cepstrogram, "Get CPPS...", *given)


@pytest.mark.parametrize("name", ["harmonics", "klatt"])
def test_every_measure_is_that_of_the_commands(name):
    samples = SOUND
    if name == "klatt":
        samples = klatt_vowel(150, VOWELS["i"], (60, 90, 120)) + frication(3000, 7000, 0.005)
    intervals = [Interval("voiced", 0.11, 0.55), Interval("frication", 0.65, 0.93)]
    intervals.append(Interval("silence", 0.94, LENGTH / RATE))
    table = measure(samples, RATE, intervals)
    oracle = Praat(parselmouth.Sound(samples, RATE), 5500, 5, 5000)
    found = differences(table, intervals, oracle)
    assert {measure for measure, _ in found} == set(table["measure"]) - {"duration", "voiced_share"}
    # Subtracting a mean rounds in another order; the order of a root finder's iterations too.
    assert {key: worst for key, (worst, _) in found.items() if worst > 1e-6} == {}


def test_quartiles_of_the_two_passes_are_those_of_the_command(sound):
    pitch = call(sound, "To Pitch (ac)...", 0.005, 60, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 300)
    quartiles_hz = [call(pitch, "Get quantile...", 0, 0, q, "Hertz") for q in (0.25, 0.75)]
    range_hz = f0_range_of(SOUND, RATE, PraatSettings())
    assert range_hz == pytest.approx((0.75 * quartiles_hz[0], 1.5 * quartiles_hz[1]), rel=1e-9)


@pytest.mark.parametrize("measure", ["f1", "f2", "f3"])
def test_the_plausible_formants_are_those_of_peterson_and_barneys_vowels(measure):
    table = call("Create formant table (Peterson & Barney 1952)")
    ends = [call(table, f"Get {what}...", measure.upper()) for what in ("minimum", "maximum")]
    assert PLAUSIBLE[measure] == tuple(ends)
