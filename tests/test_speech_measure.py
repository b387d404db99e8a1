"""Measures against sounds whose truth is known, at every rate that a layer can have."""

import math

import numpy as np
import pytest
from synthesis import (
    LENGTH,
    RATE,
    TIMES_S,
    VOWELS,
    at_rate,
    averaged,
    frication,
    spans,
    tone,
    vowel,
    white_noise,
)

from wavegan_tf.errors import InputError
from wavegan_tf.speech.averages import to_sound, upsample_linear
from wavegan_tf.speech.intervals import Interval, find_intervals
from wavegan_tf.speech.measure import clipped_share, f0_range_of, measure
from wavegan_tf.speech.settings import (
    CENTRED,
    INTERVAL_MEASURES,
    POINT_MEASURES,
    UNITS,
    PraatSettings,
    layer_limits,
)

VOICED = [Interval("voiced", 0.2, 0.8)]
FRICATION = [Interval("frication", 0.2, 0.8)]
SETTINGS = PraatSettings()
POINTS_S = 0.2 + (np.arange(10) + 0.5) / 10 * 0.6


def rows_of(sound, rate=RATE, intervals=VOICED, settings=SETTINGS, own=None):
    table = measure(sound, RATE, intervals, settings, layer_rate_hz=rate, own_intervals=own)
    return list(table.itertuples(index=False))


def measured(*args, **options):
    """Values at points by measure [points], and over the interval by measure."""
    values, means = {}, {}
    for row in rows_of(*args, **options):
        if row.point:
            values.setdefault(row.measure, []).append(row.value)
        else:
            means[row.measure] = row.value
    return {name: np.array(column) for name, column in values.items()}, means


# Truth, at the rate of the output


@pytest.mark.parametrize("f0_hz", [65, 120, 290])
def test_f0_of_a_vowel_is_exact_to_a_twentieth_of_a_percent(f0_hz):
    values, means = measured(vowel(f0_hz, VOWELS["e"]))
    np.testing.assert_allclose([*values["f0"], means["f0"]], f0_hz, rtol=5e-4)


def test_a_gliding_f0_is_followed_at_each_point():
    values, means = measured(vowel(100 + 100 * TIMES_S, VOWELS["e"]))  # 100 .. 202 Hz
    np.testing.assert_allclose(values["f0"], 100 + 100 * POINTS_S, rtol=5e-3)
    assert means["f0"] == pytest.approx(150, rel=5e-3)


@pytest.mark.parametrize("peak", [0.9, 0.001])
def test_intensity_of_a_tone_is_its_rms_over_twenty_micropascal(peak):
    expected_db = 20 * math.log10(peak / math.sqrt(2) / 2e-5)
    values, means = measured(tone(200, peak) + 0.05)  # an offset is subtracted
    np.testing.assert_allclose([*values["intensity"], means["intensity"]], expected_db, atol=0.01)


@pytest.mark.parametrize("name", VOWELS)
@pytest.mark.parametrize("f0_hz", [80, 120])
def test_formants_of_a_vowel_are_within_a_third_of_f0_or_three_percent(name, f0_hz):
    values, means = measured(vowel(f0_hz, VOWELS[name]))
    for formant, formant_hz in zip(("f1", "f2", "f3"), VOWELS[name], strict=True):
        worst_hz = np.abs(values[formant] - formant_hz).max()
        assert worst_hz < max(f0_hz / 3, 0.03 * formant_hz)
        assert abs(means[formant] - formant_hz) <= worst_hz


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


@pytest.mark.parametrize(("low_hz", "high_hz"), [(3000, 7000), (1000, 5000)])
def test_moments_of_a_flat_band_of_noise_are_those_of_a_uniform_distribution(low_hz, high_hz):
    values, means = measured(frication(low_hz, high_hz), intervals=FRICATION)
    width_hz = high_hz - low_hz
    assert means["cog"] == pytest.approx((low_hz + high_hz) / 2, abs=0.02 * width_hz)
    assert means["spectral_sd"] == pytest.approx(width_hz / math.sqrt(12), rel=0.02)
    assert means["skewness"] == pytest.approx(0, abs=0.1)
    assert means["kurtosis"] == pytest.approx(-1.2, abs=0.15)
    np.testing.assert_allclose(values["cog"], (low_hz + high_hz) / 2, atol=0.15 * width_hz)


def test_a_tone_crosses_zero_twice_a_period():
    assert measured(tone(200) + 0.3)[1]["zcr"] == pytest.approx(400, abs=2 / 0.6)


def test_voiced_share_is_the_voiced_part_of_the_interval():
    sound = vowel(120, VOWELS["a"]) * spans((0.0, 0.5)) + white_noise(1e-3)
    assert measured(sound)[1]["voiced_share"] == pytest.approx(0.5, abs=0.03)


def test_intensity_beside_digital_silence_does_not_overshoot():
    interval = [Interval("silence", 0.4, 0.6)]
    sound = tone(200) * spans((0.0, 0.5))
    values, _ = measured(sound, intervals=interval, settings=PraatSettings(n_points=200))
    level_db = values["intensity"][np.isfinite(values["intensity"])]
    assert 80 < level_db.size < 200
    assert level_db.max() < 20 * math.log10(0.5 / math.sqrt(2) / 2e-5) + 0.5
    assert np.diff(level_db).max() < 0.1  # falls, as the window leaves the tone


# Centring


@pytest.mark.parametrize(
    "interval", [Interval("voiced", 0.1, 0.5), Interval("frication", 0.6, 0.9)]
)
def test_no_measure_feels_a_constant_offset(interval):
    sound = 0.5 * vowel(120, VOWELS["a"]) * spans((0.0, 0.55)) + frication(4000, 7000, 0.02)
    plain, raised = (rows_of(x, intervals=[interval]) for x in (sound, sound + 0.4))
    np.testing.assert_allclose([r.value for r in raised], [r.value for r in plain], rtol=1e-5)


def test_without_centring_exactly_the_measures_named_centred_feel_an_offset():
    settings, moved = PraatSettings(center=False), set()
    voice, noise = 0.3 * vowel(120, VOWELS["a"]), frication(4000, 7000, 0.02)
    for sound, intervals in ((voice + noise / 100, VOICED), (noise, FRICATION)):
        plain, raised = (
            measured(x, intervals=intervals, settings=settings)[1] for x in (sound, sound + 0.5)
        )
        moved |= {name for name in plain if raised[name] != pytest.approx(plain[name], rel=1e-6)}
    assert moved == set(CENTRED)


# Rates of layers


@pytest.mark.parametrize("rate", [16000, 4000, 1000, 250])
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


@pytest.mark.parametrize(("rate", "carried"), [(8000, 3), (4000, 2), (2000, 1)])
def test_formants_at_the_rate_of_a_layer_are_within_six_percent_where_it_carries_them(
    rate, carried
):
    values, means = measured(at_rate(vowel(100, VOWELS["a"]), rate), rate)
    for name, formant_hz in list(zip(("f1", "f2", "f3"), VOWELS["a"], strict=True))[:carried]:
        np.testing.assert_allclose([*values[name], means[name]], formant_hz, rtol=0.06)


def test_moments_at_8000_hz_leave_out_the_mirror_images_of_upsampling():
    layer = upsample_linear(frication(2000, 3500)[::2], LENGTH)  # 8000 Hz; images above 4000 Hz
    band_hz = np.linspace(2000, 3500, 1000)
    # The response of straight lines between samples, which stand at 1/4 and 3/4 of a step.
    response = 0.75 * np.cos(np.pi * band_hz / RATE) + 0.25 * np.cos(3 * np.pi * band_hz / RATE)
    expected_hz = np.average(band_hz, weights=response**2)
    assert measured(layer, 8000, FRICATION)[1]["cog"] == pytest.approx(expected_hz, rel=0.01)
    assert measured(layer, RATE, FRICATION)[1]["cog"] > expected_hz + 60  # as an output


EVERYWHERE = {"intensity", "zcr", "duration"}
FROM_250 = EVERYWHERE | {"f0", "voiced_share"}
FROM_2000 = FROM_250 | {"hnr", "f1", "b1"}
FROM_4000 = FROM_2000 | {"f2", "b2", "cpps"}
CARRIED = {
    16000: FROM_4000 | {"f3", "b3"},
    8000: FROM_4000 | {"f3", "b3"},
    4000: FROM_4000,
    2000: FROM_2000,
    1000: FROM_250 | {"hnr"},
    250: FROM_250,
    62.5: EVERYWHERE,
}


@pytest.mark.parametrize("rate", CARRIED)
def test_a_layer_gives_the_measures_that_its_nyquist_carries_and_reasons_for_the_others(rate):
    rows = rows_of(vowel(100, VOWELS["a"]), rate, own=VOICED)
    assert {r.measure for r in rows if not r.point and math.isfinite(r.value)} == CARRIED[rate]
    for row in rows:
        assert math.isnan(row.value) == ("Nyquist" in row.reason) == bool(row.reason)


# Through an average after ReLU


@pytest.mark.parametrize(
    ("rate", "f0_hz", "within"), [(4000, 120, 0.005), (4000, 200, 0.005), (1000, 100, 0.02)]
)
def test_f0_survives_rectification_and_averaging_at_4000_and_1000_hz(rate, f0_hz, within):
    values, means = measured(averaged(vowel(f0_hz, VOWELS["e"]) * 10**-TIMES_S, rate), rate)
    np.testing.assert_allclose([*values["f0"], means["f0"]], f0_hz, rtol=within)


def test_an_f0_above_the_nyquist_of_the_layer_is_unvoiced():
    rows = rows_of(averaged(vowel(200, VOWELS["e"]), 250), 250)
    assert {row.reason for row in rows if row.measure == "f0"} == {"unvoiced"}


@pytest.mark.parametrize(("rate", "within"), [(4000, 0.2), (1000, 0.2), (250, 3)])
def test_the_envelope_survives_rectification_and_averaging_down_to_250_hz(rate, within):
    values, _ = measured(averaged(vowel(200, VOWELS["e"]) * 10**-TIMES_S, rate), rate)
    slope = np.polyfit(POINTS_S, values["intensity"], 1)[0]
    assert slope == pytest.approx(-20, abs=within)  # dB per s


@pytest.mark.parametrize("rate", [4000, 1000])
def test_the_duration_of_a_vowel_survives_rectification_and_averaging(rate):
    sound = vowel(100, VOWELS["e"]) * spans((0.3, 0.7)) + white_noise(1e-4)
    layer = averaged(sound, rate)
    own = find_intervals(layer, RATE, layer_rate_hz=rate)
    target = [Interval("voiced", 0.35, 0.6)]  # not as long as the layer's own
    assert measured(layer, rate, target, own=own)[1]["duration"] == pytest.approx(0.4, abs=0.02)


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
    ],
)
def test_without_an_own_interval_the_duration_is_missing_with_the_reason(rate, interval, reason):
    own = [Interval(interval.label, 1.0, 1.02)]
    rows = rows_of(tone(100), rate, [interval], own=own)
    found = next(row for row in rows if row.measure == "duration")
    assert (math.isnan(found.value), reason in found.reason) == (True, True)


# Rows


def test_rows_name_interval_label_point_time_and_unit():
    intervals = [
        Interval("voiced", 0.2, 0.4),
        Interval("frication", 0.5, 0.6),
        Interval("silence", 0.6, 0.9),
    ]
    sound = vowel(120, VOWELS["a"])
    table = measure(sound, RATE, intervals, PraatSettings(n_points=2))
    assert list(table) == [
        "label", "interval", "point", "time_s", "measure", "unit", "value", "reason", "flag",
    ]  # fmt: skip
    for i, (label, start_s, end_s) in enumerate(intervals, start=1):
        mine = table[(table["interval"] == i)]
        assert set(mine["label"]) == {label}
        quarter_s = (end_s - start_s) / 4
        times_s = {1: start_s + quarter_s, 2: end_s - quarter_s, 0: (start_s + end_s) / 2}
        np.testing.assert_allclose(mine["time_s"], mine["point"].map(times_s))
        expected = [(name, k) for name in POINT_MEASURES[label] for k in (1, 2, 0)]
        expected += [(name, 0) for name in INTERVAL_MEASURES[label]]
        assert list(zip(mine["measure"], mine["point"], strict=True)) == expected
    assert table["unit"].tolist() == [UNITS[name] for name in table["measure"]]


def test_without_intervals_the_sounds_own_are_found():
    sound = vowel(120, VOWELS["a"]) * spans((0.3, 0.7)) + white_noise(1e-4)
    expected = measure(sound, RATE, find_intervals(sound, RATE))
    assert measure(sound, RATE).equals(expected) and set(expected["label"]) >= {"voiced"}


@pytest.mark.parametrize("sound", [np.full(LENGTH, np.nan), np.full(LENGTH, np.inf)])
def test_a_sound_without_intervals_gives_no_rows_but_every_column(sound):
    table = measure(sound, RATE)
    assert (len(table), table.columns.size) == (0, 9)


def test_single_measures_have_the_values_that_they_have_among_all():
    sound, chosen = vowel(120, VOWELS["a"]), ("b2", "voiced_share", "duration")
    every, few = measure(sound, RATE, VOICED), measure(sound, RATE, VOICED, measures=chosen)
    wanted = every[every["measure"].isin(chosen)]
    assert few["measure"].tolist() == wanted["measure"].tolist()
    assert few["value"].tolist() == wanted["value"].tolist()


@pytest.mark.parametrize("sound", [np.zeros((LENGTH, 1)), np.zeros(0)])
def test_only_one_channel_with_samples_is_measured(sound):
    for call in (lambda: measure(sound, RATE, VOICED), lambda: f0_range_of(sound, RATE, SETTINGS)):
        with pytest.raises(ValueError, match="one channel"):
            call()


def test_a_label_that_is_not_measured_is_refused():
    with pytest.raises(ValueError, match=r"\['vowel'\]: only \['voiced', "):
        measure(tone(100), RATE, [Interval("vowel", 0, 1)])


# Flags


@pytest.mark.parametrize("n_points", [2, 6])
def test_an_octave_jump_is_flagged_on_the_later_point(n_points):
    sound = vowel(np.where(TIMES_S < 0.5, 100.0, 210.0), VOWELS["e"])
    rows = rows_of(sound, settings=PraatSettings(n_points=n_points))
    jumps = [row.point for row in rows if row.flag == "octave jump"]
    assert jumps == [n_points // 2 + 1]


@pytest.mark.parametrize(
    ("sound", "intervals", "measure", "value", "flag"),
    [
        (tone(45), VOICED, "f0", 45, "outside 60 .. 500 Hz"),
        (frication(50, 150), FRICATION, "cog", 100, "outside 500 .. 12000 Hz"),
    ],
)
def test_implausible_values_are_kept_and_flagged_with_the_range(
    sound, intervals, measure, value, flag
):
    rows = rows_of(sound, intervals=intervals, settings=PraatSettings(f0_floor_hz=30))
    found = next(row for row in rows if row.measure == measure and not row.point)
    assert (found.value, found.flag) == (pytest.approx(value, rel=0.02), flag)


def test_an_interval_at_full_scale_is_flagged_clipped_and_its_neighbour_is_not():
    sound = np.clip(vowel(120, VOWELS["e"]) * np.where(TIMES_S < 0.5, 4, 1), -1, 1)
    for row in rows_of(
        sound, intervals=[Interval("voiced", *x) for x in ((0.1, 0.45), (0.55, 0.9))]
    ):
        expected = row.interval == 1 and row.measure != "duration"
        assert ("clipped" in row.flag) == expected


def test_samples_are_clipped_that_stay_at_full_scale():
    sound = np.zeros(100)
    sound[[10, 20, 21, 40, 41, 42, 60, 61, 62, 63]] = [1, -1, -1, 1, 1, 1, -1, -1, -1, -1]
    assert clipped_share(sound) == 0.07  # a peak, or two samples at it, are not clipped
    assert clipped_share(np.ones(2)) == 0


# Reasons


@pytest.mark.parametrize("rate", [62.5, 1000, 16000])
def test_every_nan_has_a_reason_and_no_flag_and_every_value_no_reason(rate):
    half = np.where(TIMES_S < 0.5, vowel(120, VOWELS["a"]), 0)
    intervals = [Interval("voiced", 0.0, LENGTH / RATE), Interval("frication", 0.3, 0.9)]
    for sound in (half, white_noise(0.1), np.zeros(LENGTH), TIMES_S):
        for row in rows_of(sound, rate, intervals, own=[]):
            assert math.isnan(row.value) == bool(row.reason)
            assert not (row.reason and row.flag)


STOPS = np.where(TIMES_S < 0.1, tone(100), 0)


@pytest.mark.parametrize(
    ("sound", "measure", "rate", "reason"),
    [
        (tone(100), "f0", 62.5, "Nyquist, 31.25 Hz, is not above the F0 floor, 60 Hz"),
        (tone(100), "hnr", 250, "is not above the second harmonic of the harmonicity's"),
        (tone(100), "b2", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that B2 needs"),
        (tone(100), "cpps", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that cpps needs"),
        (np.full(LENGTH, 0.3), "f0", RATE, "silent: the series is constant"),
        (np.where(TIMES_S < 0.1, tone(100), 0.7), "intensity", RATE, "silent: nothing varies"),
        (STOPS, "f0", RATE, "unvoiced"),
        (STOPS, "hnr", RATE, "no harmonicity: no period, or quieter"),
        (STOPS, "f1", RATE, "silent: nothing varies"),
        (STOPS, "b1", RATE, "silent: nothing varies"),
        (STOPS, "cpps", RATE, "silent: nothing varies"),
        (STOPS, "cog", RATE, "silent: nothing varies"),
        (tone(100), "f3", 7500, "no formant 3 found"),
        (np.where(TIMES_S > 0.5, np.nan, 0.1), "f0", RATE, "8384 of 16384 samples are NaN"),
    ],
)
def test_what_cannot_be_measured_says_why(sound, measure, rate, reason):
    label = "frication" if measure == "cog" else "voiced"
    rows = [r for r in rows_of(sound, rate, [Interval(label, 0.6, 0.9)]) if r.measure == measure]
    assert len(rows) == (1 if measure == "cpps" else 11)
    assert all(math.isnan(row.value) and reason in row.reason for row in rows)


@pytest.mark.parametrize(
    ("measure", "samples", "reason"),
    [
        ("f0", 640, "lasts 0.04 s, Praat needs more than 0.05 s"),
        ("intensity", 640, "lasts 0.04 s, Praat needs more than 0.064 s"),
        ("f1", 100, "lasts 0.00625 s, Praat needs more than 0.05 s"),
        ("hnr", 320, "lasts 0.02 s, Praat needs more than 0.0266667 s"),
        ("cpps", 640, "holds 0.02 s of the sound, the cepstrogram's window lasts 0.1 s"),
    ],
)
def test_a_sound_too_short_for_praat_says_how_long_it_must_be(measure, samples, reason):
    rows = rows_of(tone(200)[:samples], intervals=[Interval("voiced", 0.01, 0.03)])
    assert reason in next(row.reason for row in rows if row.measure == measure)


@pytest.mark.parametrize("floor_hz", [12.8, 24, 60, 62.5, 96, 150])
def test_praat_never_refuses_a_sound_of_just_its_window(floor_hz):
    settings = PraatSettings(
        f0_floor_hz=floor_hz, intensity_min_pitch_hz=6.4 / 3 * floor_hz, hnr_min_pitch_hz=floor_hz
    )
    for samples in (round(3 / floor_hz * RATE), round(2 / floor_hz * RATE)):
        for n in (samples - 1, samples, samples + 1):
            interval = [Interval("voiced", 0, n / RATE)]
            assert rows_of(white_noise(0.1)[:n], intervals=interval, settings=settings)


@pytest.mark.parametrize(("measure", "needed_s"), [("f0", 0.025), ("intensity", 0.032)])
def test_near_the_edges_of_the_sound_there_is_no_frame(measure, needed_s):
    everywhere, end_s = [Interval("voiced", 0.0, LENGTH / RATE)], LENGTH / RATE
    rows = rows_of(tone(150), intervals=everywhere, settings=PraatSettings(n_points=100))
    rows = [row for row in rows if row.measure == measure and row.point]
    made_s = [row.time_s for row in rows if not row.reason]
    assert (min(made_s), max(made_s)) == pytest.approx((needed_s, end_s - needed_s), abs=0.015)
    reasons = {row.reason for row in rows if row.reason}
    assert reasons == {"no analysis frame so near the edge of the sound"}


@pytest.mark.parametrize("span_s", [(0.5, 0.50005), (2.0, 3.0), (-1.0, -0.5)])
@pytest.mark.parametrize("label", ["voiced", "frication"])
def test_an_interval_shorter_than_a_frame_or_beyond_the_sound_says_no_frame(label, span_s):
    sound = vowel(120, VOWELS["a"]) + white_noise(0.01)
    for row in rows_of(sound, intervals=[Interval(label, *span_s)]):
        assert math.isnan(row.value) == bool(row.reason), row
        assert not row.reason or row.reason.startswith("no analysis frame") or row.measure == "cpps"


# Two passes


def test_the_second_pass_reaches_from_three_quarters_of_q1_to_one_and_a_half_of_q3():
    glide = vowel(120 + 40 * TIMES_S, VOWELS["e"])  # 120 .. 161 Hz
    range_hz = f0_range_of(glide, RATE, SETTINGS)
    assert range_hz == pytest.approx((0.75 * 130.2, 1.5 * 150.7), rel=0.01)


def test_the_range_of_two_passes_stays_within_the_fixed_one():
    assert f0_range_of(vowel(70, VOWELS["e"]), RATE, SETTINGS)[0] == 60
    assert f0_range_of(vowel(290, VOWELS["e"]), RATE, SETTINGS)[1] == 300


@pytest.mark.parametrize("sound", [white_noise(0.1), np.full(LENGTH, np.nan), tone(100)[:300]])
def test_without_a_voiced_frame_the_fixed_range_remains(sound):
    assert f0_range_of(sound, RATE, SETTINGS) == (60, 300)


# Settings


def test_a_layer_lowers_the_ceilings_to_its_nyquist_and_says_so():
    limits = layer_limits(4000, SETTINGS)
    assert (limits.formant_ceiling_hz, limits.n_formants) == (2000, 2.0)
    assert (limits.cpps_ceiling_hz, limits.spectrum_ceiling_hz) == (2000, 2000)
    assert limits.warnings == (
        "f2: the layer's Nyquist, 2000 Hz, is below the F2 of front vowels, up to 2800 Hz",
        "cpps: ceiling lowered from 5000 Hz to the layer's Nyquist, 2000 Hz; its dB do not compare "
        "with those of a full spectrum",
    )
    limits = layer_limits(250, SETTINGS)
    assert limits.f0_ceiling_hz == 125
    assert "ceiling lowered from 300 Hz to the layer's Nyquist, 125 Hz" in limits.warnings[0]
    assert "above 31.25 Hz a period has fewer than 8 samples" in limits.warnings[1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"f0_floor_hz": 300, "f0_ceiling_hz": 60}, "--f0_range=300,60: the floor must be above"),
        ({"f0_ceiling_hz": math.nan}, "--f0_range=60,nan"),
        ({"n_points": 0}, "--n_points=0: must be within 1 .. 10000"),
        ({"n_points": 2.5}, "--n_points=2.5: must be a whole number"),
        ({"formant_ceiling_hz": 9}, "formant_ceiling_hz=9: must be within 1000 .. 50000 Hz"),
        ({"cpps_min_pitch_hz": 400}, "cpps_max_pitch_hz=330: must be above cpps_min_pitch_hz=400"),
        ({"n_formants": 4.7}, "n_formants=4.7: must be a multiple of 0.5"),
        (
            {"formant_window_s": 0.005, "n_formants": 10, "formant_ceiling_hz": 1000},
            "formant_window_s=0.005: too short for n_formants=10 below 1000 Hz",
        ),
    ],
)
def test_settings_out_of_range_name_flag_or_field_value_and_rule(changes, message):
    with pytest.raises(InputError) as caught:
        PraatSettings(**changes)
    assert str(caught.value).startswith(message)
