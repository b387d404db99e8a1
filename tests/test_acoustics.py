"""Praat's measures against sounds whose truth is known, and against Praat called directly.

The vowels are made here without Praat: the harmonics of a glottal pulse train, summed with phases
that follow F0 exactly, through second-order resonators.
"""

import math

import numpy as np
import parselmouth
import pytest
from scipy.signal import lfilter

from wavegan_tf.analysis.acoustics import (
    UNITS,
    find_voiced_intervals,
    measure_series,
    praat_version,
)
from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.averages import to_sound, upsample_linear
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.errors import InputError

RATE, LENGTH = 16000, 16384
TIMES_S = (np.arange(LENGTH) + 0.5) / RATE
MIDDLE = [Interval("voiced", 0.2, 0.8)]
SETTINGS = AcousticSettings()
VOWELS = {"i": (270, 2290, 3010), "e": (530, 1840, 2480), "a": (730, 1090, 2440)}


def vowel(f0_hz, formants_hz):
    """A vowel of peak 0.5; ``f0_hz`` a number or ``[LENGTH]``."""
    f0_hz = np.broadcast_to(f0_hz, LENGTH)
    phase = 2 * np.pi * np.cumsum(f0_hz) / RATE
    sound = sum(np.cos(k * phase) / k for k in range(1, int(7500 / f0_hz.max())))
    bandwidths_hz = (60, 90, 120, 150, 200)
    for formant_hz, bandwidth_hz in zip((*formants_hz, 3500, 4500), bandwidths_hz, strict=True):
        radius = math.exp(-math.pi * bandwidth_hz / RATE)
        poles = [1, -2 * radius * math.cos(2 * math.pi * formant_hz / RATE), radius**2]
        sound = lfilter([sum(poles)], poles, sound)
    return 0.5 * sound / np.abs(sound).max()


def tone(frequency_hz, peak=0.5, rate=RATE):
    times_s = (np.arange(int(LENGTH * rate / RATE)) + 0.5) / rate
    return peak * np.sin(2 * np.pi * frequency_hz * times_s)


def measured(series, measure, layer_rate_hz=RATE, intervals=MIDDLE, settings=SETTINGS):
    """Values and reasons of one measure."""
    rows = [
        row
        for row in measure_series(series, RATE, layer_rate_hz, intervals, settings)
        if row.measure == measure
    ]
    return np.array([row.value for row in rows]), [row.reason for row in rows]


# Truth


@pytest.mark.parametrize("f0_hz", [65, 80, 120, 200, 290])
def test_f0_of_a_vowel_is_exact_to_a_twentieth_of_a_percent(f0_hz):
    values, reasons = measured(vowel(f0_hz, VOWELS["e"]), "f0")
    np.testing.assert_allclose(values, f0_hz, rtol=5e-4)
    assert reasons == [""] * 10


def test_a_gliding_f0_is_followed_at_each_point():
    contour_hz = 100 + 100 * TIMES_S  # 100 .. 202 Hz
    values, _ = measured(vowel(contour_hz, VOWELS["e"]), "f0")
    points_s = 0.2 + (np.arange(10) + 0.5) / 10 * 0.6
    np.testing.assert_allclose(values, 100 + 100 * points_s, rtol=5e-3)


@pytest.mark.parametrize("peak", [0.9, 0.1, 0.001])
def test_intensity_of_a_tone_is_its_rms_over_twenty_micropascal(peak):
    expected_db = 20 * math.log10(peak / math.sqrt(2) / 2e-5)
    values, reasons = measured(tone(200, peak) + 0.05, "intensity")  # an offset is subtracted
    np.testing.assert_allclose(values, expected_db, atol=0.01)
    assert reasons == [""] * 10


@pytest.mark.parametrize("name", VOWELS)
@pytest.mark.parametrize("f0_hz", [80, 120])
def test_formants_of_a_vowel_are_within_a_third_of_f0_or_three_percent(name, f0_hz):
    sound = vowel(f0_hz, VOWELS[name])
    for measure, formant_hz in zip(("f1", "f2", "f3"), VOWELS[name], strict=True):
        values, _ = measured(sound, measure)
        assert np.abs(values - formant_hz).max() < max(f0_hz / 3, 0.03 * formant_hz)


def test_formants_do_not_feel_a_constant_offset():
    sound = 0.5 * vowel(120, VOWELS["a"])
    for measure in ("f1", "f2", "f3"):
        plain, raised = (measured(series, measure)[0] for series in (sound, sound + 0.4))
        np.testing.assert_allclose(raised, plain, rtol=1e-6)


@pytest.mark.parametrize(("rate", "f0_hz", "within"), [(4000, 120, 0.002), (1000, 100, 0.01)])
def test_f0_survives_at_the_rate_of_a_layer(rate, f0_hz, within):
    series = np.maximum(tone(f0_hz, rate=rate), 0)  # as after ReLU
    values, _ = measured(to_sound(series, LENGTH), "f0", rate)
    np.testing.assert_allclose(values, f0_hz, rtol=within)


def test_a_layer_and_the_output_line_up_in_time():
    click_s = 0.5125
    series = np.exp(-0.5 * (((np.arange(4096) + 0.5) / 4000 - click_s) / 0.001) ** 2)
    sound = np.exp(-0.5 * ((TIMES_S - click_s) / 0.001) ** 2)
    places_s = [np.sum(TIMES_S * x) / np.sum(x) for x in (sound, upsample_linear(series, LENGTH))]
    assert places_s == pytest.approx([click_s, click_s], abs=1e-6)


@pytest.mark.parametrize("f0_hz", [80, 120, 200])
def test_voiced_intervals_begin_and_end_within_ten_milliseconds_of_the_vowels(f0_hz):
    spans = [(0.15, 0.35), (0.5, 0.9)]
    envelope = sum(((a <= TIMES_S) & (b > TIMES_S)).astype(float) for a, b in spans)
    noise = 1e-3 * np.random.default_rng(0).standard_normal(LENGTH)
    intervals = find_voiced_intervals(vowel(f0_hz, VOWELS["e"]) * envelope + noise, RATE, SETTINGS)
    found = [(interval.start_s, interval.end_s) for interval in intervals]
    np.testing.assert_allclose(found, spans, atol=0.0105)


def test_noise_and_silence_have_no_voiced_intervals():
    for seed in range(5):
        noise = 0.1 * np.random.default_rng(seed).standard_normal(LENGTH)
        assert find_voiced_intervals(noise, RATE, SETTINGS) == []
    assert find_voiced_intervals(np.zeros(LENGTH), RATE, SETTINGS) == []
    assert find_voiced_intervals(np.full(LENGTH, np.nan), RATE, SETTINGS) == []


# Agreement with Praat


def test_values_are_those_of_the_praat_commands_called_directly():
    sound = vowel(120 + 30 * np.sin(8 * TIMES_S), VOWELS["e"]) * np.exp(-2 * TIMES_S)
    settings = AcousticSettings(f0_floor_hz=75, f0_ceiling_hz=450, n_points=7)
    intervals = [Interval("voiced", 0.1, 0.4), Interval("voiced", 0.55, 0.93)]
    rows = measure_series(sound, RATE, RATE, intervals, settings)
    praat, call = parselmouth.Sound(sound, RATE), parselmouth.praat.call
    pitch_options = (0.005, 75, 15, "no", 0.03, 0.45, 0.01, 0.35, 0.14, 450)
    pitch = call(praat, "To Pitch (ac)...", *pitch_options)
    intensity = call(praat, "To Intensity...", 100, 0, "yes")
    formants = call(praat, "To Formant (burg)...", 0, 5, 5500, 0.025, 50)
    ask = {
        "f0": lambda t: call(pitch, "Get value at time...", t, "Hertz", "Linear"),
        "intensity": lambda t: call(intensity, "Get value at time...", t, "Cubic"),
    }
    for number in (1, 2, 3):
        ask[f"f{number}"] = lambda t, number=number: call(
            formants, "Get value at time...", number, t, "Hertz", "Linear"
        )
    assert len(rows) == 5 * 2 * 7 and all(math.isfinite(row.value) for row in rows)
    for row in rows:
        tolerance = 1e-6 if row.measure in ("f1", "f2", "f3") else 1e-12  # the sound is centred
        assert row.value == pytest.approx(ask[row.measure](row.time_s), rel=tolerance)


def test_rows_name_interval_point_time_and_unit():
    intervals = [Interval("voiced", 0.2, 0.4), Interval("voiced", 0.6, 0.9)]
    rows = measure_series(
        vowel(120, VOWELS["a"]), RATE, RATE, intervals, AcousticSettings(n_points=2)
    )
    assert [row.measure for row in rows[::4]] == list(UNITS)
    assert {row.measure: row.unit for row in rows} == UNITS
    assert [row[:2] for row in rows[:4]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert [row.time_s for row in rows[:4]] == pytest.approx([0.25, 0.35, 0.675, 0.825])


def test_measuring_twice_gives_the_same_bits():
    sound = vowel(130, VOWELS["i"])
    first, second = (measure_series(sound, RATE, RATE, MIDDLE, SETTINGS) for _ in range(2))
    assert first == second


def test_the_version_of_praat_is_known():
    assert praat_version() == parselmouth.PRAAT_VERSION


# Reasons


def test_every_nan_has_a_reason_and_every_value_none():
    rng = np.random.default_rng(0)
    half = np.where(TIMES_S < 0.5, vowel(120, VOWELS["a"]), 0)
    everywhere = [Interval("voiced", 0.0, LENGTH / RATE)]
    for series in (half, rng.standard_normal(LENGTH) / 9, np.zeros(LENGTH), TIMES_S):
        for layer_rate_hz in (62.5, 250, 1000, 4000, 16000):
            for row in measure_series(series, RATE, layer_rate_hz, everywhere, SETTINGS):
                assert math.isnan(row.value) == bool(row.reason)


@pytest.mark.parametrize(
    ("series", "measure", "layer_rate_hz", "reason"),
    [
        (tone(100), "f0", 62.5, "Nyquist, 31.25 Hz, is not above the F0 floor, 60 Hz"),
        (tone(100), "f1", 1000, "Nyquist, 500 Hz, is below the 1000 Hz that F1 needs"),
        (tone(100), "f2", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that F2 needs"),
        (tone(100), "f3", 4000, "Nyquist, 2000 Hz, is below the 3500 Hz that F3 needs"),
        (tone(1234.5) * 0 + 0.3, "f0", RATE, "silent: the series is constant"),
        (np.zeros(LENGTH), "intensity", RATE, "silent: the series is constant"),
        (np.where(TIMES_S < 0.1, tone(100), 0.7), "intensity", RATE, "silent: nothing varies"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "f0", RATE, "unvoiced"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "f1", RATE, "silent: nothing varies"),
        (tone(100), "f3", 7500, "no formant 3 found"),
        (np.where(TIMES_S > 0.5, np.nan, 0.1), "f0", RATE, "8384 of 16384 samples are NaN"),
        (np.where(TIMES_S > 0.5, np.inf, 0.1), "intensity", RATE, "NaN or infinite"),
    ],
)
def test_what_cannot_be_measured_says_why(series, measure, layer_rate_hz, reason):
    values, reasons = measured(series, measure, layer_rate_hz, [Interval("voiced", 0.6, 0.9)])
    assert np.isnan(values).all()
    assert all(reason in given for given in reasons)


def test_a_sound_too_short_for_praat_says_how_long_it_must_be():
    short = [Interval("voiced", 0.01, 0.03)]
    series = tone(200)[:640]  # 0.04 s
    assert "lasts 0.04 s, Praat needs more than 0.05 s" in measured(series, "f0", RATE, short)[1][0]
    reasons = measured(series, "intensity", RATE, short)[1]
    assert "lasts 0.04 s, Praat needs more than 0.064 s" in reasons[0]
    reasons = measured(series[:100], "f1", RATE, short)[1]
    assert "lasts 0.00625 s, Praat needs more than 0.05 s" in reasons[0]


@pytest.mark.parametrize("floor_hz", [12.8, 20, 24, 60, 62.5, 75, 80, 96, 100, 150])
def test_praat_never_refuses_a_sound_of_just_its_window(floor_hz):
    settings = AcousticSettings(f0_floor_hz=floor_hz, intensity_min_pitch_hz=6.4 / 3 * floor_hz)
    samples = round(3 / floor_hz * RATE)
    noise = np.random.default_rng(0).standard_normal(samples + 1) / 9
    for n in (samples - 1, samples, samples + 1):
        interval = [Interval("voiced", 0, n / RATE)]
        assert len(measure_series(noise[:n], RATE, RATE, interval, settings)) == 50


def test_near_the_edges_of_the_sound_there_is_no_frame():
    everywhere = [Interval("voiced", 0.0, LENGTH / RATE)]
    settings = AcousticSettings(n_points=100)
    for measure, needed_s in (("f0", 0.025), ("intensity", 0.032)):
        values, reasons = measured(tone(150), measure, RATE, everywhere, settings)
        missing = np.isnan(values)
        points_s = (np.arange(100) + 0.5) / 100 * LENGTH / RATE
        assert (points_s[~missing].min(), points_s[~missing].max()) == pytest.approx(
            (needed_s, LENGTH / RATE - needed_s), abs=0.015
        )
        edge = {reason for reason, gone in zip(reasons, missing, strict=True) if gone}
        assert edge == {"no analysis frame so near the edge of the sound"}


def test_an_interval_beyond_the_sound_has_no_frames_rather_than_silence():
    sound = np.where(TIMES_S < 0.5, tone(150), 0)
    for interval in (Interval("voiced", 2.0, 3.0), Interval("voiced", -1.0, -0.5)):
        for row in measure_series(sound, RATE, RATE, [interval], SETTINGS):
            assert row.reason == "no analysis frame so near the edge of the sound"


def test_no_intervals_give_no_rows():
    assert measure_series(tone(100), RATE, RATE, [], SETTINGS) == []


@pytest.mark.parametrize("series", [np.zeros((LENGTH, 1)), np.zeros(0)])
def test_only_one_channel_with_samples_is_measured(series):
    with pytest.raises(ValueError, match="one channel"):
        measure_series(series, RATE, RATE, MIDDLE, SETTINGS)


def test_an_f0_above_the_nyquist_of_the_layer_is_not_reported():
    values, _ = measured(tone(180), "f0", 250)
    assert not (values > 125).any()


def test_a_floor_too_low_for_the_sound_is_refused_with_the_lowest_that_works():
    settings = AcousticSettings(f0_floor_hz=2)
    with pytest.raises(InputError, match="--f0_range=2,300: .* raise the floor above 2.93 Hz"):
        find_voiced_intervals(tone(100), RATE, settings)
