"""Intervals: joined by hand from decisions, and found in sounds whose boundaries are known."""

import dataclasses

import numpy as np
import parselmouth
import pytest
from scipy.signal import butter, sosfilt

from wavegan_tf.errors import InputError
from wavegan_tf.speech.averages import to_sound
from wavegan_tf.speech.intervals import LABELS, Interval, cut_to_sound, find_intervals, join_frames
from wavegan_tf.speech.settings import IntervalSettings

RATE, LENGTH = 16000, 16384
DURATION_S = LENGTH / RATE
SETTINGS = IntervalSettings()


@pytest.mark.parametrize(
    ("pattern", "options", "expected"),
    [
        ("..xxxxxx..", {}, ["xxxxxx"]),
        ("xxxxx..xxxxx", {}, ["xxxxx..xxxxx"]),  # a gap of 20 ms is closed, of 30 ms not
        ("xxxxx...xxxxx", {}, ["xxxxx", "xxxxx"]),
        ("xxxxx..xxxxx", {"barred": np.arange(12) == 5}, ["xxxxx", "xxxxx"]),
        ("xxxx....xxxxx", {}, ["xxxxx"]),  # 40 ms is too short
        ("x...", {"min_duration_s": 0}, ["x"]),
        ("xxx..xxx", {}, ["xxx..xxx"]),  # gaps are closed first
        ("", {}, []),
    ],
)
def test_frames_of_10_ms_are_joined_by_the_rules_of_gap_and_duration(pattern, options, expected):
    options = {"max_gap_s": 0.025, "min_duration_s": 0.05} | options
    runs = join_frames(np.array([letter == "x" for letter in pattern], bool), 0.01, **options)
    assert [pattern[first:stop] for first, stop in runs] == expected


TRUTH = [
    Interval("silence", 0.0, 0.1),
    Interval("frication", 0.1, 0.25),
    Interval("voiced", 0.25, 0.5),
    Interval("silence", 0.5, 0.58),
    Interval("frication", 0.58, 0.7),
    Interval("voiced", 0.7, 0.9),
    Interval("silence", 0.9, DURATION_S),
]


def voice(f0_hz, rate=RATE):
    """Harmonics of a falling spectrum, peak 1."""
    times_s = (np.arange(int(DURATION_S * rate)) + 0.5) / rate
    n_harmonics = min(20, int(0.45 * rate / f0_hz))
    sound = sum(np.cos(2 * np.pi * k * f0_hz * times_s) / k for k in range(1, n_harmonics + 1))
    return sound / np.abs(sound).max()


def noise(low_hz, high_hz, rms=1.0, rate=RATE, seed=0):
    white = np.random.default_rng(seed).standard_normal(int(DURATION_S * rate))
    band = sosfilt(butter(8, (low_hz, high_hz), "bandpass", fs=rate, output="sos"), white)
    return rms * band / band.std()


def gate(sound, intervals, label, rate=RATE):
    times_s = (np.arange(len(sound)) + 0.5) / rate
    return sound * sum(
        (times_s >= i.start_s) & (times_s < i.end_s) for i in intervals if i.label == label
    )


def sequence(f0_hz=120, frication_db=-20, floor_db=-60):
    """TRUTH as a sound of peak about 1: levels of frication and the noise floor re the voice."""
    rms = voice(f0_hz).std()
    return (
        gate(voice(f0_hz), TRUTH, "voiced")
        + gate(noise(2500, 7500, rms * 10 ** (frication_db / 20)), TRUTH, "frication")
        + noise(50, 7900, rms * 10 ** (floor_db / 20), seed=1)
    )


def only(intervals, *labels):
    return [i for i in intervals if i.label in labels]


def assert_close(intervals, truth, within_s=0.02):
    assert [i.label for i in intervals] == [i.label for i in truth], intervals
    np.testing.assert_allclose([i[1:] for i in intervals], [i[1:] for i in truth], atol=within_s)


def labels_in(*args, **options):
    return {i.label for i in find_intervals(*args, **options)}


@pytest.mark.parametrize(("f0_hz", "frication_db"), [(80, 0), (80, -35), (250, -20)])
def test_a_sequence_of_voice_frication_and_silence_is_found_to_20_milliseconds(f0_hz, frication_db):
    assert_close(find_intervals(sequence(f0_hz, frication_db), RATE), TRUTH)


@pytest.mark.parametrize(("scale", "offset"), [(1e-4, 0), (1e-3, 0.7), (30, -200)])
def test_level_and_offset_of_a_sound_change_no_interval(scale, offset):
    found = find_intervals(scale * sequence() + offset, RATE)
    assert found == find_intervals(sequence(), RATE)


@pytest.mark.parametrize("min_hnr_db", [0, 20])
def test_a_clean_vowel_is_what_praat_calls_voiced_though_its_edges_are_noisy(min_hnr_db):
    truth = [Interval("voiced", 0.15, 0.35), Interval("voiced", 0.5, 0.9)]
    sound = gate(voice(120), truth, "voiced") + noise(50, 7900, 1e-3)
    pitch = parselmouth.Sound(sound, RATE).to_pitch_ac(0.005, 60.0, pitch_ceiling=300.0)
    voiced_s = pitch.xs()[pitch.selected_array["frequency"] > 0]
    pauses = np.diff(voiced_s) > SETTINGS.max_gap_s
    starts_s, ends_s = voiced_s[np.r_[True, pauses]], voiced_s[np.r_[pauses, True]]
    settings = dataclasses.replace(SETTINGS, min_hnr_db=min_hnr_db)
    found = only(find_intervals(sound, RATE, settings), "voiced")
    assert [i.start_s + 0.0025 for i in found] == pytest.approx(starts_s, abs=1e-6)
    assert [i.end_s - 0.0025 for i in found] == pytest.approx(ends_s, abs=1e-6)
    assert_close(found, truth, 0.01)


@pytest.mark.parametrize(("min_hnr_db", "end_s"), [(-100, 0.8), (6, 0.5)])
def test_noisy_voice_is_unvoiced_where_it_stays_below_the_harmonicity_asked_for(min_hnr_db, end_s):
    truth = [Interval("voiced", 0.2, 0.8), Interval("noisy", 0.5, 0.8)]
    breath = gate(noise(200, 1400, 0.9 * voice(120).std()), truth, "noisy")  # HNR about 1 dB
    settings = dataclasses.replace(SETTINGS, min_hnr_db=min_hnr_db)
    found = find_intervals(gate(voice(120), truth, "voiced") + breath, RATE, settings)
    assert only(found, "voiced")[-1].end_s == pytest.approx(end_s, abs=0.1)


def test_weak_low_noise_has_no_interval():
    truth = [Interval("voiced", 0.2, 0.4), Interval("breath", 0.5, 0.7)]
    breath = gate(noise(100, 1200, 0.02), truth, "breath")
    found = find_intervals(gate(voice(120), truth, "voiced") + breath, RATE)
    spans_s = [("silence", 0, 0.2), ("voiced", 0.2, 0.4), ("silence", 0.4, 0.5)]
    assert_close(found, [Interval(*x) for x in (*spans_s, ("silence", 0.7, DURATION_S))])


@pytest.mark.parametrize(("length", "drift"), [(LENGTH, 0), (12345, 5)])
def test_white_noise_is_frication_from_end_to_end_whatever_drifts_below_it(length, drift):
    sound = np.random.default_rng(0).standard_normal(length)
    sound += drift * np.sin(2 * np.pi * 2 * np.arange(length) / RATE)
    assert find_intervals(sound, RATE) == [Interval("frication", 0.0, length / RATE)]


def test_voice_with_most_energy_high_is_voiced_and_no_frication():
    times_s = (np.arange(LENGTH) + 0.5) / RATE
    whistle = sum(np.cos(2 * np.pi * 120 * k * times_s) for k in range(20, 40))
    sound = gate(whistle, [Interval("voiced", 0.2, 0.6)], "voiced")
    assert labels_in(sound, RATE) == {"voiced", "silence"}


def test_a_long_gap_allowed_joins_nothing_across_another_label():
    labels, edges_s = ("silence", "voiced", "silence"), (0.0, 0.4, 0.6, DURATION_S)
    truth = [Interval(*x) for x in zip(labels, edges_s, edges_s[1:], strict=False)]
    settings = dataclasses.replace(SETTINGS, max_gap_s=0.3)
    sound = gate(voice(120), truth, "voiced") + noise(50, 7900, 1e-3)
    assert_close(find_intervals(sound, RATE, settings), truth)


@pytest.mark.parametrize("level", [0.0, 0.3, np.tile(np.float32([0.3, 0.30000004]), LENGTH // 2)])
def test_a_sound_that_is_constant_but_for_rounding_is_one_silence(level):
    sound = np.full(LENGTH, level)
    assert find_intervals(sound, RATE) == [Interval("silence", 0.0, DURATION_S)]


def test_a_sound_with_nan_or_infinity_has_no_interval():
    assert find_intervals(np.append(sequence(), np.inf), RATE) == []


def test_a_sound_shorter_than_the_pitch_window_names_the_flag_and_the_way_out():
    with pytest.raises(InputError, match=r"--voicing_floor=60: .* 0.05 s .* above 60 Hz"):
        find_intervals(np.ones(800), RATE)
    assert find_intervals(noise(2000, 7000)[:808], RATE)  # a little longer


@pytest.mark.parametrize("rate", [4000, 1000])
def test_voicing_survives_rectified_averaging_at_the_rate_of_a_layer(rate):
    rng = np.random.default_rng(0)
    gains, shifts = rng.uniform(0.1, 1, (32, 1)), rng.uniform(0, 0.3, (32, 1))
    maps = np.maximum(0, gate(voice(120, rate), TRUTH, "voiced", rate) * gains + shifts)
    found = find_intervals(to_sound(maps.mean(0), LENGTH), RATE, layer_rate_hz=rate)
    assert_close(only(found, "voiced"), only(TRUTH, "voiced"))
    pauses = [Interval("silence", *x) for x in ((0, 0.25), (0.5, 0.7), (0.9, DURATION_S))]
    assert_close(only(found, "silence", "frication"), pauses)


@pytest.mark.parametrize(
    ("layer_rate_hz", "possible"),
    [(8000, set(LABELS)), (2000, {"voiced", "silence"}), (120, {"silence"})],
)
def test_a_label_needs_the_bandwidth_of_its_layer(layer_rate_hz, possible):
    assert labels_in(sequence(), RATE, layer_rate_hz=layer_rate_hz) == possible


@pytest.mark.parametrize(("rate", "expected"), [(4000, False), (None, True)])
def test_mirror_images_above_the_nyquist_of_a_layer_are_no_frication(rate, expected):
    sound = to_sound(noise(600, 1200, 0.2, rate=4000), LENGTH)  # images: 2800 .. 3400 Hz, 1 %
    settings = dataclasses.replace(SETTINGS, frication_share=0.003)
    assert ("frication" in labels_in(sound, RATE, settings, rate)) == expected


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"silence_level_db": -60.0}, "silence"),
        ({"min_silence_s": 0.5}, "silence"),
        ({"frication_share": 1.0}, "frication"),
        ({"min_frication_s": 0.5}, "frication"),
        ({"min_duration_s": 0.5}, "voiced"),
        ({"voicing_floor_hz": 150.0}, "voiced"),
    ],
)
def test_a_threshold_of_its_own_decides_each_label(changes, missing):
    settings = dataclasses.replace(SETTINGS, **changes)
    assert missing not in labels_in(sequence(floor_db=-50), RATE, settings)


def test_other_sampling_rates_give_the_same_intervals():
    rate = 44100
    sound = gate(voice(120, rate), TRUTH, "voiced", rate)
    sound += gate(noise(2000, 3800, 0.05, rate), TRUTH, "frication", rate)
    assert_close(find_intervals(sound, rate), TRUTH)


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        ((0.2, 0.5), (0.2, 0.5)),
        ((0.2, 1.12), (0.2, 1.1)),  # 1.1 + 0.02 is less than 1.12
        ((0.2, 1.121), None),
        ((-0.02, 0.5), (0.0, 0.5)),
        ((-0.021, 0.5), None),
        ((0.5, 0.5), (0.5, 0.5)),  # to be dropped, as is
        ((1.105, 1.11), (1.1, 1.1)),
        ((0.5, 0.4), None),
        ((float("nan"), 0.4), None),
        ((0.5, float("nan")), None),
    ],
)
def test_a_span_is_cut_to_its_sound_by_20_ms_at_most(span, expected):
    assert cut_to_sound(*span, 1.1) == expected
