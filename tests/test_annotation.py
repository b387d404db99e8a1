"""Intervals: joined by hand from decisions, and found in sounds whose boundaries are known."""

import dataclasses

import numpy as np
import parselmouth
import pytest
from scipy.signal import butter, sosfilt

from wavegan_tf.analysis.annotation import (
    LABELS,
    AnnotationSettings,
    Interval,
    annotate,
    join_frames,
)
from wavegan_tf.analysis.averages import to_sound
from wavegan_tf.errors import InputError

RATE, LENGTH = 16000, 16384
DURATION_S = LENGTH / RATE
SETTINGS = AnnotationSettings()

# Joining frames


def frames(pattern):
    """Frames of 10 ms from 0.1 s on; ``x`` is chosen."""
    return 0.1 + 0.01 * np.arange(len(pattern)), [letter == "x" for letter in pattern]


def spans(pattern, **options):
    return [
        (start_s, end_s) for _, start_s, end_s in join_frames(*frames(pattern), 0.01, **options)
    ]


def test_an_interval_reaches_half_a_frame_beyond_its_outer_frames():
    assert spans("..xxxxxx..") == [(0.115, 0.175)]


def test_intervals_at_both_ends_of_the_sound_are_found():
    assert spans("xxxxxx....xxxxxx") == [(0.095, 0.155), (0.195, 0.255)]


def test_gaps_shorter_than_the_limit_are_closed_and_others_are_not():
    assert spans("xxxxx..xxxxx") == [(0.095, 0.215)]
    assert spans("xxxxx...xxxxx") == [(0.095, 0.145), (0.175, 0.225)]
    assert spans("xxxxx..xxxxx", max_gap_s=0.02) == [(0.095, 0.145), (0.165, 0.215)]
    assert len(spans("xxxxx.xxxxx", max_gap_s=0)) == 2


def test_a_gap_is_not_closed_over_a_barred_frame():
    barred = np.arange(12) == 5
    assert spans("xxxxx..xxxxx", barred=barred) == [(0.095, 0.145), (0.165, 0.215)]


def test_intervals_shorter_than_the_limit_are_dropped():
    assert spans("xxxx....xxxxx") == [(0.175, 0.225)]
    assert spans("x...", min_duration_s=0) == [(0.095, 0.105)]


def test_gaps_are_closed_before_short_intervals_are_dropped():
    assert spans("xxx..xxx") == [(0.095, 0.175)]


@pytest.mark.parametrize("pattern", ["", "......"])
def test_nothing_chosen_gives_no_interval(pattern):
    assert spans(pattern) == []


def test_intervals_carry_their_label():
    assert join_frames(*frames("x" * 10), 0.01, label="silence")[0].label == "silence"
    assert Interval("voiced", 0.0, 1.0).end_s == 1.0


def test_times_and_decisions_must_match():
    with pytest.raises(ValueError, match="one time for each decision"):
        join_frames([0.1, 0.2], [True], 0.1)


# Sounds of known boundaries

TRUTH = [
    Interval("silence", 0.0, 0.1),
    Interval("frication", 0.1, 0.25),
    Interval("voiced", 0.25, 0.5),
    Interval("silence", 0.5, 0.58),
    Interval("frication", 0.58, 0.7),
    Interval("voiced", 0.7, 0.9),
    Interval("silence", 0.9, DURATION_S),
]


def voice(f0_hz, rate=RATE, n_harmonics=20):
    """Harmonics of a falling spectrum, peak 1."""
    times_s = (np.arange(int(DURATION_S * rate)) + 0.5) / rate
    n_harmonics = min(n_harmonics, int(0.45 * rate / f0_hz))
    sound = sum(np.cos(2 * np.pi * k * f0_hz * times_s) / k for k in range(1, n_harmonics + 1))
    return sound / np.abs(sound).max()


def noise(low_hz, high_hz, rms=1.0, rate=RATE, seed=0):
    white = np.random.default_rng(seed).standard_normal(int(DURATION_S * rate))
    sos = butter(8, (low_hz, high_hz), "bandpass", fs=rate, output="sos")
    band = sosfilt(sos, white)
    return rms * band / band.std()


def gate(sound, intervals, label, rate=RATE):
    times_s = (np.arange(len(sound)) + 0.5) / rate
    return sound * sum(
        (times_s >= i.start_s) & (times_s < i.end_s) for i in intervals if i.label == label
    )


def sequence(f0_hz=120, frication_db=-20, floor_db=-60, fricative=(2500, 7500)):
    """TRUTH as a sound of peak about 1: levels of frication and the noise floor re the voice."""
    rms = voice(f0_hz).std()
    return (
        gate(voice(f0_hz), TRUTH, "voiced")
        + gate(noise(*fricative, rms * 10 ** (frication_db / 20)), TRUTH, "frication")
        + noise(50, 7900, rms * 10 ** (floor_db / 20), seed=1)
    )


def assert_close(intervals, truth, within_s):
    assert [i.label for i in intervals] == [i.label for i in truth], intervals
    differences = np.subtract([i[1:] for i in intervals], [i[1:] for i in truth])
    assert np.abs(differences).max() <= within_s, differences


@pytest.mark.parametrize("f0_hz", [80, 120, 250])
@pytest.mark.parametrize("frication_db", [0, -20, -35])
def test_a_sequence_of_voice_frication_and_silence_is_found_to_20_milliseconds(f0_hz, frication_db):
    assert_close(annotate(sequence(f0_hz, frication_db), RATE, SETTINGS), TRUTH, 0.02)


@pytest.mark.parametrize("fricative", [(4000, 7900), (2000, 6000), (1500, 7900)])
def test_fricatives_of_several_bands_are_found(fricative):
    assert_close(annotate(sequence(fricative=fricative), RATE, SETTINGS), TRUTH, 0.02)


@pytest.mark.parametrize(("scale", "offset"), [(1e-4, 0), (1e-3, 0.7), (30, -200)])
def test_level_and_offset_of_a_sound_change_no_interval(scale, offset):
    expected = annotate(sequence(), RATE, SETTINGS)
    assert annotate(scale * sequence() + offset, RATE, SETTINGS) == expected


@pytest.mark.parametrize("rate", [8000, 22050, 44100])
def test_other_sampling_rates_give_the_same_intervals(rate):
    times_s = (np.arange(int(DURATION_S * rate)) + 0.5) / rate
    sound = gate(voice(120, rate), TRUTH, "voiced", rate)
    sound += gate(noise(2000, 3800, 0.05, rate), TRUTH, "frication", rate)
    assert_close(
        annotate(sound, rate, SETTINGS),
        [*TRUTH[:-1], Interval("silence", 0.9, len(times_s) / rate)],
        0.02,
    )


def test_intervals_are_in_order_without_overlaps_and_within_the_sound():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        levels = np.repeat(10 ** rng.uniform(-3, 0, 32), LENGTH // 32)
        mixture = np.where(
            np.repeat(rng.random(32) < 0.5, LENGTH // 32), voice(110), noise(1000, 7000, 0.3)
        )
        intervals = annotate(mixture * levels, RATE, SETTINGS)
        assert {i.label for i in intervals} <= set(LABELS) and len(intervals) > 3
        times_s = [t for i in intervals for t in i[1:]]
        assert times_s == sorted(times_s) and times_s[0] >= 0 and times_s[-1] <= DURATION_S
        assert all(i.end_s > i.start_s for i in intervals)


@pytest.mark.parametrize("min_hnr_db", [0, 20])
def test_a_clean_vowel_is_what_praat_calls_voiced_though_its_edges_are_noisy(min_hnr_db):
    truth = [Interval("voiced", 0.15, 0.35), Interval("voiced", 0.5, 0.9)]
    sound = gate(voice(120), truth, "voiced") + noise(50, 7900, 1e-3)
    pitch = parselmouth.Sound(sound - sound.mean(), RATE).to_pitch_ac(
        0.005, 60.0, pitch_ceiling=300.0
    )
    praats = join_frames(pitch.xs(), pitch.selected_array["frequency"] > 0, 0.005)
    settings = dataclasses.replace(SETTINGS, min_hnr_db=min_hnr_db)
    assert [i for i in annotate(sound, RATE, settings) if i.label == "voiced"] == praats
    assert_close(praats, truth, 0.01)


def test_noisy_voice_is_unvoiced_where_it_stays_below_the_harmonicity_asked_for():
    truth = [Interval("voiced", 0.2, 0.5), Interval("noisy", 0.5, 0.8)]
    clean, noisy = (gate(voice(120), truth, label) for label in ("voiced", "noisy"))
    breath = gate(noise(200, 1400, 0.9 * voice(120).std()), truth, "noisy")  # HNR about 1 dB
    sound = clean + noisy + breath
    strict = dataclasses.replace(SETTINGS, min_hnr_db=6)
    ends_s = [
        [i for i in annotate(sound, RATE, settings) if i.label == "voiced"][-1].end_s
        for settings in (dataclasses.replace(SETTINGS, min_hnr_db=-100), strict)
    ]
    assert ends_s[0] > 0.7 and ends_s[1] == pytest.approx(0.5, abs=0.03)


def test_weak_low_noise_has_no_interval():
    truth = [Interval("voiced", 0.2, 0.4), Interval("breath", 0.5, 0.7)]
    breath = gate(noise(100, 1200, 0.02), truth, "breath")
    intervals = annotate(gate(voice(120), truth, "voiced") + breath, RATE, SETTINGS)
    assert [i.label for i in intervals] == ["silence", "voiced", "silence", "silence"]
    assert intervals[2].end_s == pytest.approx(0.5, abs=0.02)
    assert intervals[3].start_s == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("length", [LENGTH, 16000, 12345, 16040])
@pytest.mark.parametrize("drift", [0, 5])
def test_white_noise_is_frication_from_end_to_end_whatever_drifts_below_it(length, drift):
    sound = np.random.default_rng(0).standard_normal(length)
    sound += drift * np.sin(2 * np.pi * 2 * np.arange(length) / RATE)
    assert annotate(sound, RATE, SETTINGS) == [Interval("frication", 0.0, length / RATE)]


def test_voice_with_most_energy_high_is_voiced_and_no_frication():
    truth = [Interval("voiced", 0.2, 0.6)]
    times_s = (np.arange(LENGTH) + 0.5) / RATE
    whistle = sum(np.cos(2 * np.pi * 120 * k * times_s) for k in range(20, 40))
    assert_close(
        [
            i
            for i in annotate(gate(whistle, truth, "voiced"), RATE, SETTINGS)
            if i.label != "silence"
        ],
        truth,
        0.02,
    )


def test_a_long_gap_allowed_joins_nothing_across_another_label():
    truth = [Interval("silence", 0.0, 0.4), Interval("voiced", 0.4, 0.6)]
    truth.append(Interval("silence", 0.6, DURATION_S))
    settings = dataclasses.replace(SETTINGS, max_gap_s=0.3)
    sound = gate(voice(120), truth, "voiced") + noise(50, 7900, 1e-3)
    assert_close(annotate(sound, RATE, settings), truth, 0.02)


# Nothing to find


@pytest.mark.parametrize("level", [0.0, 0.3, -5.0])
def test_a_constant_sound_is_one_silence(level):
    assert annotate(np.full(LENGTH, level), RATE, SETTINGS) == [
        Interval("silence", 0.0, DURATION_S)
    ]


def test_rounding_of_a_constant_is_silence():
    steps = np.random.default_rng(0).integers(0, 2, LENGTH)
    sound = np.where(steps, np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(1)))
    assert annotate(sound, RATE, SETTINGS) == [Interval("silence", 0.0, DURATION_S)]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sound_with_nan_or_infinity_has_no_interval(bad):
    sound = sequence()
    sound[100] = bad
    assert annotate(sound, RATE, SETTINGS) == []


def test_a_sound_shorter_than_the_pitch_window_names_the_flag_and_the_way_out():
    with pytest.raises(InputError, match=r"--voicing_floor=60: .* 0.05 s .* above 60 Hz"):
        annotate(np.ones(800), RATE, SETTINGS)
    assert annotate(noise(2000, 7000)[:808], RATE, SETTINGS)  # a little longer


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(16, 2\)"):
        annotate(np.zeros((16, 2)), RATE, SETTINGS)


# Layers


def layer(rate):
    """The average of many rectified copies at a layer's rate, as a sound: offset, low rate."""
    rng = np.random.default_rng(0)
    maps = [
        np.maximum(0, gate(voice(120, rate), TRUTH, "voiced", rate) * gain + shift)
        for gain, shift in zip(rng.uniform(0.1, 1, 32), rng.uniform(0, 0.3, 32), strict=True)
    ]
    return to_sound(np.mean(maps, axis=0), LENGTH)


@pytest.mark.parametrize("rate", [4000, 1000])
def test_voicing_survives_rectified_averaging_at_the_rate_of_a_layer(rate):
    voiced = [i for i in TRUTH if i.label == "voiced"]
    found = annotate(layer(rate), RATE, SETTINGS, layer_rate_hz=rate)
    assert_close([i for i in found if i.label == "voiced"], voiced, 0.02)
    assert "frication" not in {i.label for i in found}


def test_silence_survives_at_the_rate_of_a_layer():
    found = annotate(layer(4000), RATE, SETTINGS, layer_rate_hz=4000)
    pauses = [i for i in found if i.label == "silence"]
    assert_close(
        pauses,
        [Interval("silence", *span) for span in ((0, 0.25), (0.5, 0.7), (0.9, DURATION_S))],
        0.02,
    )


@pytest.mark.parametrize(
    ("layer_rate_hz", "possible"),
    [(16000, set(LABELS)), (8000, set(LABELS)), (2000, {"voiced", "silence"}), (120, {"silence"})],
)
def test_a_label_needs_the_bandwidth_of_its_layer(layer_rate_hz, possible):
    found = annotate(sequence(), RATE, SETTINGS, layer_rate_hz=layer_rate_hz)
    assert {i.label for i in found} == possible


def test_mirror_images_above_the_nyquist_of_a_layer_are_no_frication():
    sound = to_sound(noise(600, 1200, 0.2, rate=4000), LENGTH)  # images: 2800 .. 3400 Hz, 1 %
    settings = dataclasses.replace(SETTINGS, frication_share=0.003)
    found = [annotate(sound, RATE, settings, layer_rate_hz=rate) for rate in (4000, None)]
    assert [{i.label for i in intervals} & {"frication"} for intervals in found] == [
        set(),
        {"frication"},
    ]


def test_no_voice_is_found_above_the_nyquist_of_a_layer():
    settings = dataclasses.replace(SETTINGS, voicing_floor_hz=110.0)  # not at half of 200 Hz
    labels = [{i.label for i in annotate(voice(200), RATE, settings, rate)} for rate in (None, 250)]
    assert labels == [{"voiced"}, set()]


# Settings


def test_a_threshold_of_its_own_decides_each_label():
    labels = [i.label for i in annotate(sequence(floor_db=-50), RATE, SETTINGS)]
    assert labels == [i.label for i in TRUTH]
    for changes, missing in (
        ({"silence_level_db": -60.0}, "silence"),
        ({"min_silence_s": 0.5}, "silence"),
        ({"frication_share": 1.0}, "frication"),
        ({"min_frication_s": 0.5}, "frication"),
        ({"min_duration_s": 0.5}, "voiced"),
        ({"voicing_floor_hz": 150.0}, "voiced"),
    ):
        settings = dataclasses.replace(SETTINGS, **changes)
        found = {i.label for i in annotate(sequence(floor_db=-50), RATE, settings)}
        assert missing not in found, changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"voicing_floor_hz": 300}, "--voicing_floor=300: must be below --voicing_ceiling=300"),
        ({"voicing_floor_hz": 0}, "--voicing_floor=0: must be within 1 .. 1000 Hz"),
        ({"voicing_ceiling_hz": float("nan")}, "--voicing_ceiling=nan"),
        ({"max_gap_s": -0.1}, "--max_gap=-0.1"),
        ({"min_duration_s": 11}, "--min_duration=11"),
        ({"silence_level_db": 3}, "--annotation_silence_level=3"),
        ({"frication_share": 1.5}, "--frication_share=1.5"),
    ],
)
def test_settings_out_of_range_name_flag_value_and_rule(changes, message):
    with pytest.raises(InputError) as caught:
        AnnotationSettings(**changes)
    assert message in str(caught.value)
