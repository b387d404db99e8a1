"""The functions of arrays against the menu commands of Praat, called with arguments written out."""

import numpy as np
import parselmouth
import pytest
from agree_with_praat import Praat, differences
from parselmouth.praat import call
from synthesis import LENGTH, RATE, TIMES_S, VOWELS, frication, klatt_vowel, spans, vowel

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.acoustics import f0_range_of, measure_layer
from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.settings import AcousticSettings

SOUND = vowel(120 + 30 * np.sin(8 * TIMES_S), VOWELS["e"]) * np.exp(-2 * TIMES_S) * spans(
    (0.0, 0.6)
) + frication(3500, 7000, 0.02) * spans((0.6, 1.1))
TIMES = np.array([0.0301, 0.2, 0.47, 0.58])
SPANS = [(0.1, 0.25), (0.3, 0.6)]


@pytest.fixture(scope="module")
def sound():
    return parselmouth.Sound(SOUND, RATE)


def test_frames_of_pitch_are_those_of_the_command(sound):
    pitch = call(sound, "To Pitch (ac)...", 0.01, 75, 15, "no", 0.05, 0.5, 0.01, 0.35, 0.14, 450)
    times_s, f0_hz = praat.frames_f0(SOUND, RATE, 75, 450, 0.01, 0.05, 0.5)
    asked = [call(pitch, "Get value in frame...", k + 1, "Hertz") for k in range(len(f0_hz))]
    np.testing.assert_array_equal(f0_hz, np.nan_to_num(asked))
    assert times_s[3] == call(pitch, "Get time from frame number...", 4)


def test_frames_of_harmonicity_are_those_of_the_command(sound):
    harmonicity = call(sound, "To Harmonicity (cc)...", 0.02, 60, 0.2, 1.5)
    times_s, hnr_db = praat.frames_hnr(SOUND, RATE, 0.02, 60, 0.2, 1.5)
    asked = [call(harmonicity, "Get value in frame...", k + 1) for k in range(len(hnr_db))]
    np.testing.assert_array_equal(hnr_db, asked)
    assert times_s[3] == call(harmonicity, "Get time from frame number...", 4)
    assert praat.SILENT_HNR_DB in hnr_db  # what silence is called is what Praat writes


@pytest.mark.parametrize(("step_s", "argument"), [(0.01, 0.01), (None, 0)])
def test_frames_of_intensity_are_those_of_the_command(sound, step_s, argument):
    intensity = call(sound, "To Intensity...", 80, argument, "yes")
    times_s, level_db = praat.frames_intensity(SOUND, RATE, 80, step_s)
    asked = [call(intensity, "Get value in frame...", k + 1) for k in range(len(level_db))]
    np.testing.assert_array_equal(level_db, asked)
    assert times_s[3] == call(intensity, "Get time from frame number...", 4)


def test_settings_reach_the_commands_at_points_and_over_spans(sound):
    pitch = call(sound, "To Pitch (ac)...", 0.01, 75, 15, "no", 0.05, 0.5, 0.01, 0.35, 0.14, 450)
    given = {"floor_hz": 75, "ceiling_hz": 450, "time_step_s": 0.01}
    given |= {"silence_threshold": 0.05, "voicing_threshold": 0.5}
    track = praat.track_f0(SOUND, RATE, TIMES, SPANS, **given)
    expect(track, pitch, ("Hertz", "Linear"), ("Hertz",))

    harmonicity = call(sound, "To Harmonicity (cc)...", 0.02, 60, 0.2, 1.5)
    given = {"time_step_s": 0.02, "min_pitch_hz": 60}
    given |= {"silence_threshold": 0.2, "periods_per_window": 1.5}
    track = praat.track_hnr(SOUND, RATE, TIMES, SPANS, **given)
    expect(track, harmonicity, ("Linear",), ())

    intensity = call(sound, "To Intensity...", 80, 0, "yes")
    track = praat.track_intensity(SOUND, RATE, TIMES, SPANS, min_pitch_hz=80)
    expect(track, intensity, ("Cubic",), ("energy",))


def expect(track, asked, at, over):
    """Compares a track with Praat's own answers; the arguments follow time and span."""
    values = [call(asked, "Get value at time...", t, *at) for t in TIMES]
    np.testing.assert_array_equal(track.values, values)
    np.testing.assert_array_equal(
        track.means, [call(asked, "Get mean...", *span, *over) for span in SPANS]
    )
    assert (track.n_frames, track.first_s) == (
        call(asked, "Get number of frames"),
        call(asked, "Get time from frame number...", 1),
    )


def test_settings_of_formants_reach_the_command(sound):
    formants = call(sound, "To Formant (burg)...", 0, 4.5, 5000, 0.03, 60)
    given = {"n_formants": 4.5, "ceiling_hz": 5000, "window_s": 0.03, "pre_emphasis_from_hz": 60}
    tracks = praat.track_formants(SOUND, RATE, TIMES, SPANS, numbers=[1, 3], **given)
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


def test_cpps_of_other_settings_is_that_of_the_command(sound):
    part = call(sound, "Extract part...", 0.1, 0.5, "rectangular", 1, "no")
    cepstrogram = call(part, "To PowerCepstrogram...", 75, 0.01, 4000, 50)
    options = ("no", 0.01, 0.001, 75, 400, 0.05, "Parabolic", 0.001, 0, "Straight", "Robust")
    value = praat.cpps(
        SOUND, RATE, (0.1, 0.5), subtract_mean=False, min_pitch_hz=75, max_pitch_hz=400,
        time_step_s=0.01, ceiling_hz=4000,
    )  # fmt: skip
    assert value == call(cepstrogram, "Get CPPS...", *options)


@pytest.mark.parametrize("name", ["harmonics", "klatt"])
def test_every_measure_of_a_layer_is_that_of_the_commands(name):
    samples = SOUND
    if name == "klatt":
        samples = klatt_vowel(150, VOWELS["i"], (60, 90, 120)) + frication(3000, 7000, 0.005)
    intervals = [Interval("voiced", 0.11, 0.55), Interval("frication", 0.65, 0.93)]
    intervals.append(Interval("silence", 0.94, LENGTH / RATE))
    points, means = measure_layer(samples, RATE, RATE, intervals, AcousticSettings())
    oracle = Praat(parselmouth.Sound(samples, RATE), 5500, 5, 5000)
    found = differences([*points, *means], oracle)
    assert {measure for measure, _ in found} == {
        "f0", "intensity", "f1", "f2", "f3", "b1", "b2", "b3", "hnr", "cog", "spectral_sd",
        "skewness", "kurtosis", "zcr", "cpps",
    }  # fmt: skip
    # Subtracting a mean rounds in another order; the order of a root finder's iterations too.
    assert {key: worst for key, (worst, _) in found.items() if worst > 1e-6} == {}


def test_quartiles_of_the_two_passes_are_those_of_the_command(sound):
    pitch = call(sound, "To Pitch (ac)...", 0.005, 60, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 300)
    quartiles_hz = [call(pitch, "Get quantile...", 0, 0, q, "Hertz") for q in (0.25, 0.75)]
    range_hz = f0_range_of(SOUND, RATE, AcousticSettings())
    assert range_hz == pytest.approx((0.75 * quartiles_hz[0], 1.5 * quartiles_hz[1]), rel=1e-9)


def test_the_plausible_formants_are_those_of_peterson_and_barneys_vowels():
    from wavegan_tf.analysis.measures import PLAUSIBLE

    table = call("Create formant table (Peterson & Barney 1952)")
    for measure in ("f1", "f2", "f3"):
        column = measure.upper()
        assert PLAUSIBLE[measure] == (
            call(table, "Get minimum...", column),
            call(table, "Get maximum...", column),
        )


def test_the_version_of_praat_is_known():
    assert praat.version() == parselmouth.PRAAT_VERSION
