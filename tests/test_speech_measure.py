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
from wavegan_tf.speech.measure import clipped_share, measure
from wavegan_tf.speech.settings import (
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


def test_a_gliding_f0_is_followed_at_each_point():
    values, means = measured(vowel(100 + 100 * TIMES_S, VOWELS["e"]))  # 100 .. 202 Hz
    np.testing.assert_allclose(values["f0"], 100 + 100 * POINTS_S, rtol=5e-3)
    assert means["f0"] == pytest.approx(150, rel=5e-3)


def test_intensity_beside_digital_silence_does_not_overshoot():
    interval = [Interval("silence", 0.4, 0.6)]
    sound = tone(200) * spans((0.0, 0.5))
    values, _ = measured(sound, intervals=interval, settings=PraatSettings(n_points=200))
    level_db = values["intensity"][np.isfinite(values["intensity"])]
    assert 80 < level_db.size < 200
    assert level_db.max() < 20 * math.log10(0.5 / math.sqrt(2) / 2e-5) + 0.5
    assert np.diff(level_db).max() < 0.1  # falls, as the window leaves the tone


@pytest.mark.parametrize("center", [True, False])
def test_no_measure_feels_an_offset_but_those_that_are_centred_if_they_are_not(center):
    settings, moved = PraatSettings(center=center), set()
    voice, noise = 0.3 * vowel(120, VOWELS["a"]), frication(4000, 7000, 0.02)
    for sound, intervals in ((voice + noise / 100, VOICED), (noise, FRICATION)):
        plain, raised = (
            rows_of(x, intervals=intervals, settings=settings) for x in (sound, sound + 0.5)
        )
        both = zip(plain, raised, strict=True)
        moved |= {a.measure for a, b in both if b.value != pytest.approx(a.value, rel=1e-5)}
    centred = "f1 f2 f3 b1 b2 b3 cog spectral_sd skewness kurtosis zcr cpps"
    assert moved == (set() if center else set(centred.split()))


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


@pytest.mark.parametrize(
    ("rate", "vowels", "within"), [(16000, "iea", 0.05), (4000, "a", 0.06), (2000, "a", 0.06)]
)
def test_formants_are_those_of_the_vowel_as_far_as_a_layer_carries_them(rate, vowels, within):
    for formants_hz in (VOWELS[name] for name in vowels):
        values, means = measured(at_rate(vowel(100, formants_hz), rate), rate)
        for name, formant_hz in zip(("f1", "f2", "f3"), formants_hz, strict=True):
            if name in CARRIED[rate]:
                closest = max(within * formant_hz, 100 / 3 if rate == RATE else 0)
                found = [*values[name], means[name]]
                np.testing.assert_allclose(found, formant_hz, rtol=0, atol=closest)


def test_moments_at_8000_hz_leave_out_the_mirror_images_of_upsampling():
    layer = upsample_linear(frication(2000, 3500)[::2], LENGTH)  # 8000 Hz; images above 4000 Hz
    band_hz = np.linspace(2000, 3500, 1000)
    # The response of straight lines between samples, which stand at 1/4 and 3/4 of a step.
    response = 0.75 * np.cos(np.pi * band_hz / RATE) + 0.25 * np.cos(3 * np.pi * band_hz / RATE)
    expected_hz = np.average(band_hz, weights=response**2)
    assert measured(layer, 8000, FRICATION)[1]["cog"] == pytest.approx(expected_hz, rel=0.01)
    assert measured(layer, RATE, FRICATION)[1]["cog"] > expected_hz + 60  # as an output


@pytest.mark.parametrize("rate", CARRIED)
def test_a_layer_gives_the_measures_that_its_nyquist_carries_and_reasons_for_the_others(rate):
    rows = rows_of(vowel(100, VOWELS["a"]), rate, own=VOICED)
    assert {r.measure for r in rows if not r.point and math.isfinite(r.value)} == CARRIED[rate]
    for row in rows:
        assert math.isnan(row.value) == ("Nyquist" in row.reason) == bool(row.reason)


@pytest.mark.parametrize(
    ("rate", "f0_hz", "f0_within", "slope_within"),
    [(4000, 200, 0.005, 0.2), (1000, 100, 0.02, 0.2), (250, 200, np.inf, 3)],
)
def test_f0_and_envelope_survive_rectification_and_averaging(rate, f0_hz, f0_within, slope_within):
    values, means = measured(averaged(vowel(f0_hz, VOWELS["e"]) * 10**-TIMES_S, rate), rate)
    if f0_within < 1:
        np.testing.assert_allclose([*values["f0"], means["f0"]], f0_hz, rtol=f0_within)
    slope = np.polyfit(POINTS_S, values["intensity"], 1)[0]
    assert slope == pytest.approx(-20, abs=slope_within)  # dB per s


def test_the_duration_is_that_of_the_own_interval_that_overlaps_most():
    own = [
        Interval("voiced", 0.0, 0.25),  # shares 0.05 s
        Interval("voiced", 0.3, 0.75),  # shares 0.45 s
        Interval("frication", 0.2, 0.8),
    ]
    assert measured(tone(100), own=own)[1]["duration"] == pytest.approx(0.45)
    assert measured(tone(100), own=None)[1]["duration"] == pytest.approx(0.6)
    for rate, reason in ((RATE, "overlaps with it"), (62.5, "(the layer's Nyquist, 31.25 Hz, is")):
        rows = rows_of(tone(100), rate, own=[Interval("voiced", 0.8, 1.02)])
        found = next(row for row in rows if row.measure == "duration")
        assert math.isnan(found.value) and reason in found.reason


def test_rows_name_interval_label_point_time_and_unit():
    spans_s = {"voiced": (0.2, 0.4), "frication": (0.5, 0.6), "silence": (0.6, 0.9)}
    intervals = [Interval(label, *span_s) for label, span_s in spans_s.items()]
    table = measure(vowel(120, VOWELS["a"]), RATE, intervals, PraatSettings(n_points=2))
    names = "label interval point time_s measure unit value reason flag"
    assert list(table) == names.split()
    expected = []
    for i, (label, start_s, end_s) in enumerate(intervals, start=1):
        middle_s, quarter_s = (start_s + end_s) / 2, (end_s - start_s) / 4
        at = {1: middle_s - quarter_s, 2: middle_s + quarter_s, 0: middle_s}
        places = [(name, k) for name in POINT_MEASURES[label] for k in (1, 2, 0)]
        places += [(name, 0) for name in INTERVAL_MEASURES[label]]
        expected += [(label, i, k, at[k], name, UNITS[name]) for name, k in places]
    found = table[names.split()[:6]].astype({"time_s": float}).itertuples(index=False)
    for row, wanted in zip(found, expected, strict=True):
        assert tuple(row) == (*wanted[:3], pytest.approx(wanted[3]), *wanted[4:])


def test_without_intervals_the_sounds_own_are_found():
    sound = vowel(120, VOWELS["a"]) * spans((0.3, 0.7)) + white_noise(1e-4)
    expected = measure(sound, RATE, find_intervals(sound, RATE))
    assert measure(sound, RATE).equals(expected) and set(expected["label"]) >= {"voiced"}
    assert list(measure(sound, RATE, [])) == list(expected)


def test_single_measures_have_the_values_that_they_have_among_all():
    sound, chosen = vowel(120, VOWELS["a"]), ("b2", "voiced_share", "duration")
    every, few = measure(sound, RATE, VOICED), measure(sound, RATE, VOICED, measures=chosen)
    wanted = every[every["measure"].isin(chosen)]
    assert few["measure"].tolist() == wanted["measure"].tolist()
    assert few["value"].tolist() == wanted["value"].tolist()


@pytest.mark.parametrize(("before_hz", "after_hz"), [(100.0, 210.0), (210.0, 100.0)])
def test_an_octave_jump_is_flagged_on_the_later_point(before_hz, after_hz):
    sound = vowel(np.where(TIMES_S < 0.5, before_hz, after_hz), VOWELS["e"])
    rows = rows_of(sound, settings=PraatSettings(n_points=6))
    assert [row.point for row in rows if row.flag == "octave jump"] == [4]


def test_what_stays_at_full_scale_is_clipped_and_flagged_where_it_does():
    sound = np.zeros(100)
    sound[[10, 20, 21, 40, 41, 42, 60, 61, 62, 63]] = [1, -1, -1, 1, 1, 1, -1, -1, -1, -1]
    assert clipped_share(sound) == 0.07  # a peak, or two samples at it, are not clipped
    loud = np.clip(vowel(120, VOWELS["e"]) * np.where(TIMES_S < 0.5, 4, 1), -1, 1)
    intervals = [Interval("voiced", 0.1, 0.45), Interval("voiced", 0.55, 0.9)]
    for row in rows_of(loud, intervals=intervals):
        expected = row.interval == 1 and row.measure != "duration"
        assert ("clipped" in row.flag) == expected
    row = next(row for row in rows_of(tone(45), settings=PraatSettings(f0_floor_hz=30)))
    assert (row.value, row.flag) == (pytest.approx(45, rel=0.02), "outside 60 .. 500 Hz")


@pytest.mark.parametrize("rate", [62.5, 1000, 16000])
def test_every_nan_has_a_reason_and_no_flag_and_every_value_no_reason(rate):
    half = np.where(TIMES_S < 0.5, vowel(120, VOWELS["a"]), 0)
    spans_s = [(0.0, LENGTH / RATE), (0.5, 0.50005), (2.0, 3.0), (-1.0, -0.5)]  # too short, beyond
    intervals = [Interval(label, *x) for x in spans_s for label in ("voiced", "frication")]
    for sound in (half, white_noise(0.1), np.zeros(LENGTH), TIMES_S):
        for row in rows_of(sound, rate, intervals, own=[]):
            assert math.isnan(row.value) == bool(row.reason)
            assert not (row.reason and row.flag)


STOPS = np.where(TIMES_S < 0.1, tone(100), 0)


@pytest.mark.parametrize(
    ("sound", "measure", "rate", "reason"),
    [
        (tone(100), "b2", 2000, "Nyquist, 1000 Hz, is below the 2000 Hz that B2 needs"),
        (np.full(LENGTH, 0.3), "f0", RATE, "flat: the series is constant"),
        (np.where(TIMES_S < 0.1, tone(100), 0.7), "intensity", RATE, "flat: nothing varies"),
        (averaged(vowel(200, VOWELS["e"]), 250), "f0", 250, "unvoiced"),
        (STOPS, "hnr", RATE, "no harmonicity: no period, or quieter"),
        (STOPS, "f1", RATE, "flat: nothing varies"),
        (STOPS, "cog", RATE, "flat: nothing varies"),
        (tone(100), "f3", 7500, "no formant 3 found"),
        (np.where(TIMES_S > 0.5, np.nan, 0.1), "f0", RATE, "8384 of 16384 samples are NaN"),
    ],
)
def test_what_cannot_be_measured_says_why(sound, measure, rate, reason):
    label = "frication" if measure == "cog" else "voiced"
    rows = [r for r in rows_of(sound, rate, [Interval(label, 0.6, 0.9)]) if r.measure == measure]
    assert len(rows) == 11
    assert all(math.isnan(row.value) and reason in row.reason for row in rows)


@pytest.mark.parametrize(
    ("measure", "samples", "reason"),
    [
        ("f0", 640, "lasts 0.04 s, Praat needs more than 0.05 s"),
        ("intensity", 640, "lasts 0.04 s, Praat needs more than 0.064 s"),
        ("cpps", 640, "holds 0.02 s of the sound, the cepstrogram's window lasts 0.1 s"),
    ],
)
def test_a_sound_too_short_for_praat_says_how_long_it_must_be(measure, samples, reason):
    rows = rows_of(tone(200)[:samples], intervals=[Interval("voiced", 0.01, 0.03)])
    assert reason in next(row.reason for row in rows if row.measure == measure)


@pytest.mark.parametrize("floor_hz", [12.8, 60, 150])
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
    end_s = LENGTH / RATE
    settings = PraatSettings(n_points=100)
    rows = rows_of(tone(150), intervals=[Interval("voiced", 0.0, end_s)], settings=settings)
    rows = [row for row in rows if row.measure == measure and row.point]
    made_s = [row.time_s for row in rows if not row.reason]
    assert (min(made_s), max(made_s)) == pytest.approx((needed_s, end_s - needed_s), abs=0.015)
    reasons = {row.reason for row in rows} - {""}
    assert reasons == {"no analysis frame so near the edge of the sound"}


def test_a_layer_lowers_the_ceilings_to_its_nyquist_and_says_so():
    limits = layer_limits(4000, SETTINGS)
    assert (limits.formant_ceiling_hz, limits.n_formants) == (2000, 2.0)
    assert (limits.cpps_ceiling_hz, limits.spectrum_ceiling_hz) == (2000, 2000)
    assert [warning.split(":")[0] for warning in limits.warnings] == ["f2", "cpps"]
    assert layer_limits(250, SETTINGS).f0_ceiling_hz == 125


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"f0_floor_hz": 300, "f0_ceiling_hz": 60}, "--f0_range=300,60: the floor must be above"),
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


def test_voiced_share_is_the_voiced_part_of_the_interval():
    sound = vowel(120, VOWELS["a"]) * spans((0.0, 0.5)) + white_noise(1e-3)
    assert measured(sound)[1]["voiced_share"] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("rate", [4000, 1000])
def test_the_duration_of_a_vowel_survives_rectification_and_averaging(rate):
    sound = vowel(100, VOWELS["e"]) * spans((0.3, 0.7)) + white_noise(1e-4)
    layer = averaged(sound, rate)
    own = find_intervals(layer, RATE, layer_rate_hz=rate)
    target = [Interval("voiced", 0.35, 0.6)]  # not as long as the layer's own
    assert measured(layer, rate, target, own=own)[1]["duration"] == pytest.approx(0.4, abs=0.02)
