"""Measures against sounds whose truth is known, at every rate that a layer can have."""

import math

import numpy as np
import pytest
from synthesis import (
    BANDWIDTHS_HZ,
    LENGTH,
    RATE,
    TIMES_S,
    VOWELS,
    at_rate,
    averaged,
    frication,
    klatt_vowel,
    spans,
    tone,
    vowel,
    white_noise,
)

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.acoustics import Mean, Point, clipped_share, f0_range_of, measure_layer
from wavegan_tf.analysis.annotation import Interval, join_frames
from wavegan_tf.analysis.averages import to_sound, upsample_linear
from wavegan_tf.analysis.measures import CENTRED, INTERVAL_MEASURES, POINT_MEASURES, UNITS
from wavegan_tf.analysis.settings import AcousticSettings

VOICED = [Interval("voiced", 0.2, 0.8)]
FRICATION = [Interval("frication", 0.2, 0.8)]
SETTINGS = AcousticSettings()
POINTS_S = 0.2 + (np.arange(10) + 0.5) / 10 * 0.6
LAYER_RATES_HZ = (16000, 8000, 4000, 2000, 1000, 500, 250)


def measured(sound, rate_hz=RATE, intervals=VOICED, settings=SETTINGS, own=None):
    """Values at points by measure [points], and means by measure, of one interval."""
    points, means = measure_layer(sound, RATE, rate_hz, intervals, settings, own)
    values = {}
    for row in points:
        values.setdefault(row.measure, []).append(row.value)
    return (
        {measure: np.array(column) for measure, column in values.items()},
        {row.measure: row.value for row in means},
    )


def finite(values):
    return {measure for measure, value in values.items() if np.isfinite(value).all()}


# Truth, at the rate of the output


@pytest.mark.parametrize("f0_hz", [65, 80, 120, 200, 290])
def test_f0_of_a_vowel_is_exact_to_a_twentieth_of_a_percent(f0_hz):
    values, means = measured(vowel(f0_hz, VOWELS["e"]))
    np.testing.assert_allclose([*values["f0"], means["f0"]], f0_hz, rtol=5e-4)
    assert means["voiced_share"] == 1


def test_a_gliding_f0_is_followed_at_each_point():
    values, means = measured(vowel(100 + 100 * TIMES_S, VOWELS["e"]))  # 100 .. 202 Hz
    np.testing.assert_allclose(values["f0"], 100 + 100 * POINTS_S, rtol=5e-3)
    assert means["f0"] == pytest.approx(150, rel=5e-3)


@pytest.mark.parametrize("peak", [0.9, 0.1, 0.001])
def test_intensity_of_a_tone_is_its_rms_over_twenty_micropascal(peak):
    expected_db = 20 * math.log10(peak / math.sqrt(2) / 2e-5)
    values, means = measured(tone(200, peak) + 0.05)  # an offset is subtracted
    np.testing.assert_allclose([*values["intensity"], means["intensity"]], expected_db, atol=0.01)


def test_mean_intensity_is_that_of_the_energy_not_of_the_decibels():
    sound = tone(200, 1.0) * np.where(TIMES_S < 0.5, 0.5, 0.05)
    _, means = measured(sound)
    power = (0.5**2 + 0.05**2) / 2 / 2  # half of the interval each
    assert means["intensity"] == pytest.approx(10 * math.log10(power / 4e-10), abs=0.2)


@pytest.mark.parametrize("name", VOWELS)
@pytest.mark.parametrize("f0_hz", [80, 120])
def test_formants_of_a_vowel_are_within_a_third_of_f0_or_three_percent(name, f0_hz):
    values, means = measured(vowel(f0_hz, VOWELS[name]))
    for measure, formant_hz in zip(("f1", "f2", "f3"), VOWELS[name], strict=True):
        worst_hz = np.abs(values[measure] - formant_hz).max()
        assert worst_hz < max(f0_hz / 3, 0.03 * formant_hz)
        assert abs(means[measure] - formant_hz) <= worst_hz


@pytest.mark.parametrize("name", VOWELS)
def test_bandwidths_of_a_vowel_are_within_a_factor_of_two(name):
    values, means = measured(vowel(100, VOWELS[name]))
    for measure, bandwidth_hz in zip(("b1", "b2", "b3"), BANDWIDTHS_HZ[:3], strict=True):
        assert bandwidth_hz / 2 < means[measure] < bandwidth_hz * 2
        assert means[measure] == pytest.approx(values[measure].mean())


def test_a_wider_formant_has_a_wider_bandwidth():
    narrow, wide = (
        measured(vowel(100, VOWELS["e"], (b, 90, 120, 150, 200)))[1]["b1"] for b in (40, 200)
    )
    assert wide > narrow + 100


@pytest.mark.parametrize("name", VOWELS)
def test_a_vowel_of_the_klatt_synthesiser_has_the_f0_and_the_formants_asked_for(name):
    values, means = measured(klatt_vowel(110, VOWELS[name], BANDWIDTHS_HZ[:3]))
    np.testing.assert_allclose(values["f0"], 110, rtol=1e-3)
    for measure, formant_hz in zip(("f1", "f2", "f3"), VOWELS[name], strict=True):
        assert means[measure] == pytest.approx(formant_hz, rel=0.05)
    for measure, bandwidth_hz in zip(("b1", "b2", "b3"), BANDWIDTHS_HZ[:3], strict=True):
        assert bandwidth_hz * 0.6 < means[measure] < bandwidth_hz * 2.5


@pytest.mark.parametrize("ratio_db", [0, 10, 20, 30])
def test_harmonicity_is_the_ratio_of_voice_to_noise(ratio_db):
    voice = vowel(120, VOWELS["e"])
    values, means = measured(voice + white_noise(voice.std() * 10 ** (-ratio_db / 20)))
    assert means["hnr"] == pytest.approx(ratio_db, abs=1)
    np.testing.assert_allclose(values["hnr"], ratio_db, atol=3)


def test_more_noise_in_the_voice_lowers_cpps():
    voice = vowel(120, VOWELS["e"])
    noisy = [measured(voice + white_noise(rms))[1]["cpps"] for rms in (0.001, 0.01, 0.1)]
    assert noisy[0] > noisy[1] + 2 > noisy[2] + 4


@pytest.mark.parametrize(("low_hz", "high_hz"), [(3000, 7000), (1000, 5000), (5000, 7500)])
def test_moments_of_a_flat_band_of_noise_are_those_of_a_uniform_distribution(low_hz, high_hz):
    values, means = measured(frication(low_hz, high_hz), intervals=FRICATION)
    width_hz = high_hz - low_hz
    assert means["cog"] == pytest.approx((low_hz + high_hz) / 2, abs=0.02 * width_hz)
    assert means["spectral_sd"] == pytest.approx(width_hz / math.sqrt(12), rel=0.02)
    assert means["skewness"] == pytest.approx(0, abs=0.1)
    assert means["kurtosis"] == pytest.approx(-1.2, abs=0.15)
    np.testing.assert_allclose(values["cog"], (low_hz + high_hz) / 2, atol=0.15 * width_hz)
    assert values["cog"].mean() == pytest.approx((low_hz + high_hz) / 2, abs=0.05 * width_hz)


def test_frication_has_no_voiced_frames_and_is_as_loud_as_its_rms():
    _, means = measured(frication(3000, 7000, rms=0.05), intervals=FRICATION)
    assert means["voiced_share"] == 0
    assert means["intensity"] == pytest.approx(20 * math.log10(0.05 / 2e-5), abs=0.2)


def test_a_tone_crosses_zero_twice_a_period():
    _, means = measured(tone(200) + 0.3)
    assert means["zcr"] == pytest.approx(400, abs=2 / 0.6)


def test_voiced_share_is_the_voiced_part_of_the_interval():
    sound = vowel(120, VOWELS["a"]) * spans((0.0, 0.5)) + white_noise(1e-3)
    assert measured(sound)[1]["voiced_share"] == pytest.approx(0.5, abs=0.03)


def test_digital_silence_has_a_duration_and_nothing_else():
    sound = tone(200) * spans((0.0, 0.3))
    interval = [Interval("silence", 0.5, 0.9)]
    points, means = measure_layer(sound, RATE, RATE, interval, SETTINGS)
    assert {row.reason for row in points} == {"silent: nothing varies within the window"}
    assert [(row.measure, row.value) for row in means[1:]] == [("duration", pytest.approx(0.4))]


def test_intensity_beside_digital_silence_does_not_overshoot():
    interval = [Interval("silence", 0.4, 0.6)]
    sound = tone(200) * spans((0.0, 0.5))
    values, _ = measured(sound, intervals=interval, settings=AcousticSettings(n_points=200))
    level_db = values["intensity"][np.isfinite(values["intensity"])]
    assert 80 < level_db.size < 200
    assert level_db.max() < 20 * math.log10(0.5 / math.sqrt(2) / 2e-5) + 0.5
    assert np.diff(level_db).max() < 0.1  # falls, as the window leaves the tone


# Centring


def test_no_measure_feels_a_constant_offset():
    sound = 0.5 * vowel(120, VOWELS["a"]) * spans((0.0, 0.55)) + frication(4000, 7000, 0.02)
    both = [Interval("voiced", 0.1, 0.5), Interval("frication", 0.6, 0.9)]
    for intervals in ([both[0]], [both[1]]):
        plain, raised = (measured(x, intervals=intervals) for x in (sound, sound + 0.4))
        for measure in plain[0]:
            np.testing.assert_allclose(raised[0][measure], plain[0][measure], rtol=1e-5)
        for measure in plain[1]:
            assert raised[1][measure] == pytest.approx(plain[1][measure], rel=1e-5), measure


def test_without_centring_exactly_the_measures_named_centred_feel_an_offset():
    settings = AcousticSettings(center=False)
    voice, noise = 0.3 * vowel(120, VOWELS["a"]), frication(4000, 7000, 0.02)
    moved = set()
    for sound, intervals in ((voice + noise / 100, VOICED), (noise, FRICATION)):
        plain, raised = (
            measured(x, intervals=intervals, settings=settings) for x in (sound, sound + 0.5)
        )
        moved |= {
            name
            for name, value in plain[1].items()
            if raised[1][name] != pytest.approx(value, rel=1e-6)
        }
    assert moved == set(CENTRED)


# Rates of layers


@pytest.mark.parametrize("rate", LAYER_RATES_HZ)
def test_a_tone_below_a_fifth_of_the_rate_keeps_f0_level_and_crossings(rate):
    frequency_hz = 100 if rate > 250 else 80
    values, means = measured(to_sound(tone(frequency_hz, rate=rate), LENGTH), rate)
    # A straight line between samples loses what is known: mean of ((1 - w) a + w b)^2.
    weight = 1 / 6 + 1 / (12 * (RATE / rate) ** 2) if rate < RATE else 0
    turn = 1 - math.cos(2 * math.pi * frequency_hz / rate)
    loss_db = 10 * math.log10(1 - 2 * weight * turn) if rate < RATE else 0
    expected_db = 20 * math.log10(0.5 / math.sqrt(2) / 2e-5) + loss_db
    np.testing.assert_allclose(values["f0"], frequency_hz, rtol=1e-3 if rate >= 500 else 0.05)
    assert means["intensity"] == pytest.approx(expected_db, abs=0.03 if rate >= 500 else 0.3)
    assert means["zcr"] == pytest.approx(2 * frequency_hz, abs=2 / 0.6 if rate >= 500 else 10)
    assert means["voiced_share"] == 1


@pytest.mark.parametrize("rate", [16000, 8000, 4000, 2000])
def test_formants_at_the_rate_of_a_layer_are_within_five_percent_where_it_carries_them(rate):
    values, means = measured(at_rate(vowel(100, VOWELS["a"]), rate), rate)
    carried = {16000: ("f1", "f2", "f3"), 8000: ("f1", "f2", "f3"), 4000: ("f1", "f2")}
    for measure in carried.get(rate, ("f1",)):
        formant_hz = VOWELS["a"][int(measure[1]) - 1]
        np.testing.assert_allclose(values[measure], formant_hz, rtol=0.06)
        assert means[measure] == pytest.approx(formant_hz, rel=0.06)


def test_moments_at_8000_hz_leave_out_the_mirror_images_of_upsampling():
    noise = frication(2000, 3500)
    layer = upsample_linear(noise[::2], LENGTH)  # sampled at 8000 Hz; images above 4000 Hz
    band_hz = np.linspace(2000, 3500, 1000)
    # The response of straight lines between samples, which stand at 1/4 and 3/4 of a step.
    response = 0.75 * np.cos(np.pi * band_hz / RATE) + 0.25 * np.cos(3 * np.pi * band_hz / RATE)
    expected_hz = np.average(band_hz, weights=response**2)
    means = measured(layer, 8000, FRICATION)[1]
    assert means["cog"] == pytest.approx(expected_hz, rel=0.01)
    assert measured(layer, RATE, FRICATION)[1]["cog"] > expected_hz + 60  # as an output


EVERYWHERE = {"intensity", "zcr", "duration"}
FROM_250 = EVERYWHERE | {"f0", "voiced_share"}
FROM_500 = FROM_250 | {"hnr"}
FROM_2000 = FROM_500 | {"f1", "b1"}
FROM_4000 = FROM_2000 | {"f2", "b2", "cpps"}
CARRIED = {
    16000: FROM_4000 | {"f3", "b3"},
    8000: FROM_4000 | {"f3", "b3"},
    4000: FROM_4000,
    2000: FROM_2000,
    1000: FROM_500,
    500: FROM_500,
    250: FROM_250,
    62.5: EVERYWHERE,
}


@pytest.mark.parametrize("rate", CARRIED)
def test_a_layer_gives_the_measures_that_its_nyquist_carries_and_reasons_for_the_others(rate):
    sound = vowel(100, VOWELS["a"])
    points, means = measure_layer(sound, RATE, rate, VOICED, SETTINGS, VOICED)
    assert {row.measure for row in means if math.isfinite(row.value)} == CARRIED[rate]
    for row in (*points, *means):
        assert math.isnan(row.value) == ("Nyquist" in row.reason) == bool(row.reason)


# Through an average after ReLU


def decaying_vowel(f0_hz):
    """A vowel that loses 20 dB a second."""
    return vowel(f0_hz, VOWELS["e"]) * 10**-TIMES_S


@pytest.mark.parametrize(
    ("rate", "f0_hz", "within"), [(4000, 120, 0.005), (4000, 200, 0.005), (1000, 100, 0.02)]
)
def test_f0_survives_rectification_and_averaging_at_4000_and_1000_hz(rate, f0_hz, within):
    values, means = measured(averaged(decaying_vowel(f0_hz), rate), rate)
    np.testing.assert_allclose([*values["f0"], means["f0"]], f0_hz, rtol=within)


def test_an_f0_above_the_nyquist_of_the_layer_is_unvoiced():
    points, means = measure_layer(
        averaged(vowel(200, VOWELS["e"]), 250), RATE, 250, VOICED, SETTINGS
    )
    assert {row.reason for row in points if row.measure == "f0"} == {"unvoiced"}
    assert next(row.value for row in means if row.measure == "voiced_share") == 0


@pytest.mark.parametrize(("rate", "within"), [(4000, 0.2), (1000, 0.2), (250, 3)])
@pytest.mark.parametrize("f0_hz", [80, 200])
def test_the_envelope_survives_rectification_and_averaging_down_to_250_hz(rate, within, f0_hz):
    values, _ = measured(averaged(decaying_vowel(f0_hz), rate), rate)
    slope = np.polyfit(POINTS_S, values["intensity"], 1)[0]
    assert slope == pytest.approx(-20, abs=within)  # dB per s


@pytest.mark.parametrize("rate", [4000, 1000])
def test_the_duration_of_a_vowel_survives_rectification_and_averaging(rate):
    sound = vowel(100, VOWELS["e"]) * spans((0.3, 0.7)) + white_noise(1e-4)
    layer = averaged(sound, rate)
    times_s, f0_hz = praat.frames_f0(layer, RATE, 60, 300, 0.005, 0.03, 0.45)
    own = join_frames(times_s, f0_hz > 0, 0.005)
    target = [Interval("voiced", 0.35, 0.6)]  # not as long as the layer's own
    _, means = measured(layer, rate, target, own=own)
    assert means["duration"] == pytest.approx(0.4, abs=0.02)


def test_a_formant_does_not_survive_rectification_where_the_rate_could_carry_it():
    _, means = measured(averaged(vowel(100, VOWELS["e"]), 4000), 4000)
    assert abs(means["f2"] - VOWELS["e"][1]) > 200


def test_a_layer_and_the_output_line_up_in_time():
    click_s = 0.5125
    series = np.exp(-0.5 * (((np.arange(4096) + 0.5) / 4000 - click_s) / 0.001) ** 2)
    sound = np.exp(-0.5 * ((TIMES_S - click_s) / 0.001) ** 2)
    places_s = [np.sum(TIMES_S * x) / np.sum(x) for x in (sound, upsample_linear(series, LENGTH))]
    assert places_s == pytest.approx([click_s, click_s], abs=1e-6)


# Durations


def test_the_duration_is_that_of_the_own_interval_that_overlaps_most():
    own = [
        Interval("voiced", 0.0, 0.25),  # shares 0.05 s
        Interval("voiced", 0.3, 0.75),  # shares 0.45 s
        Interval("frication", 0.2, 0.8),
    ]
    assert measured(tone(100), own=own)[1]["duration"] == pytest.approx(0.45)
    assert measured(tone(100), own=None)[1]["duration"] == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("rate", "interval", "reason"),
    [
        (RATE, VOICED[0], "no voiced interval of the layer's own overlaps with it"),
        (62.5, VOICED[0], "with it (the layer's Nyquist, 31.25 Hz, is not above the F0 floor"),
        (4000, FRICATION[0], "with it (the layer's Nyquist, 2000 Hz, is below the 4000 Hz"),
        (4000, Interval("silence", 0, 1), "no silence interval of the layer's own overlaps"),
    ],
)
def test_without_an_own_interval_the_duration_is_missing_with_the_reason(rate, interval, reason):
    own = [Interval(interval.label, 1.0, 1.02)]
    _, means = measure_layer(tone(100), RATE, rate, [interval], SETTINGS, own)
    found = next(row for row in means if row.measure == "duration")
    assert (math.isnan(found.value), reason in found.reason) == (True, True)


# Rows


def test_rows_name_interval_label_point_time_and_unit():
    intervals = [
        Interval("voiced", 0.2, 0.4),
        Interval("frication", 0.5, 0.6),
        Interval("silence", 0.6, 0.9),
    ]
    points, means = measure_layer(
        vowel(120, VOWELS["a"]), RATE, RATE, intervals, AcousticSettings(n_points=2)
    )
    for i, interval in enumerate(intervals, start=1):
        mine = [row for row in points if row.interval == i]
        assert [row.measure for row in mine[::2]] == list(POINT_MEASURES[interval.label])
        assert [row.point for row in mine[:2]] == [1, 2]
        quarter_s = (interval.end_s - interval.start_s) / 4
        assert [row.time_s for row in mine[:2]] == pytest.approx(
            [interval.start_s + quarter_s, interval.end_s - quarter_s]
        )
        over = [row for row in means if row.interval == i]
        wanted = POINT_MEASURES[interval.label] + INTERVAL_MEASURES[interval.label]
        assert [row.measure for row in over] == list(wanted)
        assert {row[1:4] for row in over} == {tuple(interval)}
    assert all(row.unit == UNITS[row.measure] for row in (*points, *means))
    assert (type(points[0]), type(means[0])) == (Point, Mean)


def test_measuring_twice_gives_the_same_bits():
    sound = vowel(130, VOWELS["i"])
    first, second = (measure_layer(sound, RATE, RATE, VOICED, SETTINGS) for _ in range(2))
    assert first == second


def test_no_intervals_give_no_rows():
    assert measure_layer(tone(100), RATE, RATE, [], SETTINGS) == ([], [])


@pytest.mark.parametrize("sound", [np.zeros((LENGTH, 1)), np.zeros(0)])
def test_only_one_channel_with_samples_is_measured(sound):
    for measure in (
        lambda: measure_layer(sound, RATE, RATE, VOICED, SETTINGS),
        lambda: f0_range_of(sound, RATE, SETTINGS),
    ):
        with pytest.raises(ValueError, match="one channel"):
            measure()


def test_a_label_that_is_not_measured_is_refused():
    with pytest.raises(ValueError, match=r"\['vowel'\]: only \['voiced', "):
        measure_layer(tone(100), RATE, RATE, [Interval("vowel", 0, 1)], SETTINGS)


# Flags


def flags(points, measure):
    return [row.flag for row in points if row.measure == measure]


@pytest.mark.parametrize("n_points", [2, 6])
def test_an_octave_jump_is_flagged_on_the_later_point(n_points):
    sound = vowel(np.where(TIMES_S < 0.5, 100.0, 210.0), VOWELS["e"])
    points, _ = measure_layer(sound, RATE, RATE, VOICED, AcousticSettings(n_points=n_points))
    expected = [""] * n_points
    expected[n_points // 2] = "octave jump"
    assert flags(points, "f0") == expected


def test_a_glide_of_an_octave_is_no_jump():
    sound = vowel(100 + 100 * TIMES_S, VOWELS["e"])
    points, _ = measure_layer(sound, RATE, RATE, VOICED, SETTINGS)
    assert set(flags(points, "f0")) == {""}


def test_implausible_values_are_kept_and_flagged_with_the_range():
    settings = AcousticSettings(f0_floor_hz=30, f0_ceiling_hz=300)
    points, means = measure_layer(tone(45), RATE, RATE, VOICED, settings)
    assert set(flags(points, "f0")) == {"outside 60 .. 500 Hz"}
    f0 = next(row for row in means if row.measure == "f0")
    assert (f0.value, f0.flag) == (pytest.approx(45, rel=1e-3), "outside 60 .. 500 Hz")
    hum = frication(50, 150)
    _, means = measure_layer(hum, RATE, RATE, FRICATION, SETTINGS)
    assert next(row.flag for row in means if row.measure == "cog") == "outside 500 .. 12000 Hz"


def test_an_interval_at_full_scale_is_flagged_clipped_and_its_neighbour_is_not():
    sound = np.clip(vowel(120, VOWELS["e"]) * np.where(TIMES_S < 0.5, 4, 1), -1, 1)
    intervals = [Interval("voiced", 0.1, 0.45), Interval("voiced", 0.55, 0.9)]
    points, means = measure_layer(sound, RATE, RATE, intervals, SETTINGS)
    for row in (*points, *means):
        expected = row.interval == 1 and row.measure != "duration"
        assert ("clipped" in row.flag) == expected


def test_a_peak_that_touches_full_scale_is_not_clipped():
    points, _ = measure_layer(2 * vowel(120, VOWELS["e"]), RATE, RATE, VOICED, SETTINGS)
    assert not any("clipped" in row.flag for row in points)


# Reasons


def test_every_nan_has_a_reason_and_no_flag_and_every_value_no_reason():
    half = np.where(TIMES_S < 0.5, vowel(120, VOWELS["a"]), 0)
    intervals = [Interval("voiced", 0.0, LENGTH / RATE), Interval("frication", 0.3, 0.9)]
    for sound in (half, white_noise(0.1), np.zeros(LENGTH), TIMES_S):
        for rate_hz in (62.5, 1000, 16000):
            for rows in measure_layer(sound, RATE, rate_hz, intervals, SETTINGS, []):
                for row in rows:
                    assert math.isnan(row.value) == bool(row.reason)
                    assert not (row.reason and row.flag)


@pytest.mark.parametrize(
    ("sound", "measure", "rate_hz", "reason"),
    [
        (tone(100), "f0", 62.5, "Nyquist, 31.25 Hz, is not above the F0 floor, 60 Hz"),
        (tone(100), "voiced_share", 62.5, "is not above the F0 floor, 60 Hz"),
        (tone(100), "hnr", 250, "is not above the second harmonic of the harmonicity's"),
        (tone(100), "f1", 1000, "Nyquist, 500 Hz, is below the 1000 Hz that F1 needs"),
        (tone(100), "b2", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that B2 needs"),
        (tone(100), "f3", 4000, "Nyquist, 2000 Hz, is below the 3500 Hz that F3 needs"),
        (tone(100), "cpps", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that cpps needs"),
        (tone(100), "cog", 4000, "Nyquist, 2000 Hz, is below the 4000 Hz that cog needs"),
        (np.full(LENGTH, 0.3), "f0", RATE, "silent: the series is constant"),
        (np.zeros(LENGTH), "zcr", RATE, "silent: the series is constant"),
        (np.where(TIMES_S < 0.1, tone(100), 0.7), "intensity", RATE, "silent: nothing varies"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "f0", RATE, "unvoiced"),
        (
            np.where(TIMES_S < 0.1, tone(100), 0),
            "hnr",
            RATE,
            "no harmonicity: no period, or quieter",
        ),
        (np.where(TIMES_S < 0.1, tone(100), 0), "f1", RATE, "silent: nothing varies"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "b1", RATE, "silent: nothing varies"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "cpps", RATE, "silent: nothing varies"),
        (np.where(TIMES_S < 0.1, tone(100), 0), "cog", RATE, "silent: nothing varies"),
        (tone(100), "f3", 7500, "no formant 3 found"),
        (np.where(TIMES_S > 0.5, np.nan, 0.1), "f0", RATE, "8384 of 16384 samples are NaN"),
        (np.where(TIMES_S > 0.5, np.inf, 0.1), "cog", RATE, "NaN or infinite"),
    ],
)
def test_what_cannot_be_measured_says_why(sound, measure, rate_hz, reason):
    label = "frication" if measure == "cog" else "voiced"
    interval = [Interval(label, 0.6, 0.9)]
    rows = [
        row
        for kind in measure_layer(sound, RATE, rate_hz, interval, SETTINGS)
        for row in kind
        if row.measure == measure
    ]
    assert len(rows) == (1 if measure in ("voiced_share", "zcr", "cpps") else 11)
    assert all(math.isnan(row.value) and reason in row.reason for row in rows)


def test_a_sound_too_short_for_praat_says_how_long_it_must_be():
    short = [Interval("voiced", 0.01, 0.03)]

    def reason_of(measure, n):
        _, means = measure_layer(tone(200)[:n], RATE, RATE, short, SETTINGS)
        return next(row.reason for row in means if row.measure == measure)

    assert "lasts 0.04 s, Praat needs more than 0.05 s" in reason_of("f0", 640)
    assert "lasts 0.04 s, Praat needs more than 0.064 s" in reason_of("intensity", 640)
    assert "lasts 0.00625 s, Praat needs more than 0.05 s" in reason_of("f1", 100)
    assert "lasts 0.02 s, Praat needs more than 0.0266667 s" in reason_of("hnr", 320)


def test_an_interval_shorter_than_the_cepstrograms_window_has_no_cpps():
    _, means = measure_layer(tone(150), RATE, RATE, [Interval("voiced", 0.3, 0.39)], SETTINGS)
    cpps = next(row for row in means if row.measure == "cpps")
    assert cpps.reason == (
        "the interval holds 0.09 s of the sound, the cepstrogram's window lasts 0.1 s"
    )


@pytest.mark.parametrize("floor_hz", [12.8, 20, 24, 60, 62.5, 75, 80, 96, 100, 150])
def test_praat_never_refuses_a_sound_of_just_its_window(floor_hz):
    settings = AcousticSettings(
        f0_floor_hz=floor_hz, intensity_min_pitch_hz=6.4 / 3 * floor_hz, hnr_min_pitch_hz=floor_hz
    )
    for samples in (round(3 / floor_hz * RATE), round(2 / floor_hz * RATE)):
        noise = white_noise(0.1)[: samples + 1]
        for n in (samples - 1, samples, samples + 1):
            interval = [Interval("voiced", 0, n / RATE)]
            assert len(measure_layer(noise[:n], RATE, RATE, interval, settings)[0]) == 90


def test_near_the_edges_of_the_sound_there_is_no_frame():
    everywhere = [Interval("voiced", 0.0, LENGTH / RATE)]
    points, _ = measure_layer(tone(150), RATE, RATE, everywhere, AcousticSettings(n_points=100))
    # Half of the window: 3 / 60, 6.4 / 100, 2 / 75 s.
    for measure, needed_s in (("f0", 0.025), ("intensity", 0.032), ("hnr", 0.0133)):
        rows = [row for row in points if row.measure == measure]
        made_s = [row.time_s for row in rows if not row.reason]
        assert (min(made_s), max(made_s)) == pytest.approx(
            (needed_s, LENGTH / RATE - needed_s), abs=0.015
        )
        reasons = {row.reason for row in rows if row.reason}
        assert reasons == {"no analysis frame so near the edge of the sound"}


def test_an_interval_a_little_longer_than_the_sound_is_measured_as_far_as_it_goes():
    interval = [Interval("frication", 0.8, LENGTH / RATE + 5e-4)]
    assert measured(frication(3000, 7000), intervals=interval)[1]["cog"] == pytest.approx(
        5000, rel=0.05
    )


@pytest.mark.parametrize("label", ["voiced", "frication", "silence"])
def test_an_interval_shorter_than_a_frame_is_measured_or_says_why(label):
    sound = vowel(120, VOWELS["a"]) + white_noise(0.01)
    points, means = measure_layer(sound, RATE, RATE, [Interval(label, 0.5, 0.50005)], SETTINGS)
    assert len(points) == 10 * len(POINT_MEASURES[label])
    for row in (*points, *means):
        assert math.isnan(row.value) == bool(row.reason), row
        assert row.reason in ("", "no analysis frame in the interval") or row.measure == "cpps", row


def test_an_interval_beyond_the_sound_has_no_frames_rather_than_silence():
    sound = np.where(TIMES_S < 0.5, tone(150), 0)
    for label in ("voiced", "frication"):
        for start_s, end_s in ((2.0, 3.0), (-1.0, -0.5)):
            interval = [Interval(label, start_s, end_s)]
            points, means = measure_layer(sound, RATE, RATE, interval, SETTINGS)
            assert {row.reason for row in points} == {
                "no analysis frame so near the edge of the sound"
            }
            reasons = {row.reason for row in means if row.measure not in ("duration", "cpps")}
            assert reasons <= {
                "no analysis frame in the interval",
                "no analysis frame so near the edge of the sound",
            }


# Two passes


def test_the_second_pass_reaches_from_three_quarters_of_q1_to_one_and_a_half_of_q3():
    glide = vowel(120 + 40 * TIMES_S, VOWELS["e"])  # 120 .. 161 Hz
    floor_hz, ceiling_hz = f0_range_of(glide, RATE, SETTINGS)
    assert floor_hz == pytest.approx(0.75 * 130.2, rel=0.01)
    assert ceiling_hz == pytest.approx(1.5 * 150.7, rel=0.01)


def test_the_range_of_two_passes_stays_within_the_fixed_one():
    assert f0_range_of(vowel(70, VOWELS["e"]), RATE, SETTINGS)[0] == 60
    assert f0_range_of(vowel(290, VOWELS["e"]), RATE, SETTINGS)[1] == 300


@pytest.mark.parametrize(
    "sound", [white_noise(0.1), np.zeros(LENGTH), np.full(LENGTH, np.nan), tone(100)[:300]]
)
def test_without_a_voiced_frame_the_fixed_range_remains(sound):
    assert f0_range_of(sound, RATE, SETTINGS) == (60, 300)


def test_samples_are_clipped_that_stay_at_full_scale():
    sound = np.zeros(100)
    sound[[10, 20, 21, 40, 41, 42, 60, 61, 62, 63]] = [1, -1, -1, 1, 1, 1, -1, -1, -1, -1]
    assert clipped_share(sound) == 0.07  # a peak, or two samples at it, are not clipped
    assert clipped_share(np.ones(2)) == 0
