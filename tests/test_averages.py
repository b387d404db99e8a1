"""Averages, clipping and upsampling against arithmetic done by hand, tones and Praat."""

import numpy as np
import parselmouth
import pytest
from scipy import signal

from wavegan_tf.analysis.averages import (
    UPSAMPLES,
    Reduction,
    WordAverages,
    average_feature_maps,
    parse_reduce,
    reduce_feature_maps,
    to_sound,
    upsample_band_limited,
    upsample_linear,
)
from wavegan_tf.errors import InputError


def test_the_average_is_the_sum_over_feature_maps_divided_by_their_number():
    activations = np.array([[[1, 3], [0, 0]], [[2, 0], [5, 7]]], np.float32)  # [2, 2, 2]
    averages = average_feature_maps(activations)
    assert averages.dtype == np.float32
    np.testing.assert_array_equal(averages, [[2, 0], [1, 6]])


def test_averaging_many_large_maps_loses_no_precision():
    activations = np.full((1, 3, 1001), 0.1, np.float32)
    activations[..., 0] = 1e6
    expected = (1e6 + 1000 * float(np.float32(0.1))) / 1001
    np.testing.assert_array_equal(average_feature_maps(activations), np.float32([[expected] * 3]))


@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 0), (1, 2, 3, 4)])
def test_averaging_refuses_what_is_not_batch_time_channels(shape):
    with pytest.raises(ValueError, match="batch, time, channels"):
        average_feature_maps(np.zeros(shape))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean", [[1, -1.5]]),
        ("max", [[3, 4]]),
        ("l2", [[np.sqrt(10 / 4), np.sqrt(116 / 4)]]),
        ("weighted", [[0.5 * 1 + 0.25 * 3, 0.25 * 4 - 0.25 * 10]]),
        ("channel:1", [[1, 0]]),
        ("channel:4", [[0, -10]]),
    ],
)
def test_each_reduction_is_what_its_name_says(text, expected):
    activations = np.array([[[1, 3, 0, 0], [0, 4, 0, -10]]], np.float32)  # [1, 2, 4]
    series = reduce_feature_maps(activations, parse_reduce(text), [0.5, 0.25, 0, 0.25])
    assert series.dtype == np.float32
    np.testing.assert_allclose(series, expected, rtol=1e-7)


@pytest.mark.parametrize("text", ["mean", "max", "l2", "weighted", "channel:2"])
def test_every_reduction_of_equal_maps_is_that_map(text):
    one = np.random.default_rng(0).random((2, 50, 1), np.float32)
    series = reduce_feature_maps(np.repeat(one, 5, 2), parse_reduce(text), [0.1, 0.2, 0.3, 0.4, 0])
    np.testing.assert_allclose(series, one[..., 0], rtol=1e-6)


@pytest.mark.parametrize("text", ["l2", "weighted"])
def test_sums_over_many_large_maps_lose_no_precision(text):
    activations = np.full((1, 3, 1001), 0.1, np.float32)
    activations[..., 0] = 1e6
    small = float(np.float32(0.1))
    weights = np.r_[1e-9, np.full(1000, (1 - 1e-9) / 1000)]
    expected = {
        "l2": np.sqrt((1e12 + 1000 * small**2) / 1001),
        "weighted": 1e-3 + (1 - 1e-9) * small,
    }[text]
    series = reduce_feature_maps(activations, parse_reduce(text), weights)
    np.testing.assert_allclose(series, [[expected] * 3], rtol=6e-8)


@pytest.mark.parametrize(
    "text", ["", "median", "MAX", "channel", "channel:", "channel:0", "channel:-1", "channel:1.5"]
)
def test_an_unknown_reduction_is_refused_with_what_there_is(text):
    with pytest.raises(InputError, match=f"--reduce={text}: .*mean, max, l2, weighted, channel:N"):
        parse_reduce(text)


def test_a_reduction_is_written_as_it_is_read():
    for text in ("mean", "max", "l2", "weighted", "channel:17"):
        assert str(parse_reduce(text)) == text
    assert Reduction() == parse_reduce("mean")


def test_a_feature_map_that_a_layer_has_not_is_refused_with_the_layers_number_of_maps():
    with pytest.raises(InputError, match=r"--reduce=channel:65: the layer has 64 feature maps"):
        reduce_feature_maps(np.zeros((1, 2, 64)), Reduction("channel", 65))
    with pytest.raises(InputError, match=r"conv4 has 16 feature maps; choose channel:1 .. chan"):
        Reduction("channel", 17).check(16, "conv4")
    Reduction("channel", 16).check(16, "conv4")


@pytest.mark.parametrize("weights", [None, [0.5, 0.5], [1, 0, 0.5], [[0.5, 0.25, 0.25]]])
def test_weights_must_be_of_the_layers_maps_and_sum_to_one(weights):
    with pytest.raises(ValueError, match=r"weights for activations of shape \(1, 2, 3\)"):
        reduce_feature_maps(np.zeros((1, 2, 3)), Reduction("weighted"), weights)


def test_upsampling_by_two_stands_a_quarter_sample_to_either_side():
    np.testing.assert_array_equal(upsample_linear([0.0, 4.0], 4), [0, 1, 3, 4])
    np.testing.assert_array_equal(upsample_linear([0.0, 4.0, 0.0], 6), [0, 1, 3, 3, 1, 0])


def test_upsampling_to_the_same_length_changes_no_bit():
    series = np.random.default_rng(0).standard_normal((3, 97)).astype(np.float32)
    result = upsample_linear(series, 97)
    assert result.dtype == np.float32
    np.testing.assert_array_equal(result, series)


@pytest.mark.parametrize(("time", "length"), [(16, 16384), (1024, 16384), (7, 1000), (1000, 7)])
def test_upsampling_agrees_with_numpy_interp_between_centres_of_samples(time, length):
    series = np.random.default_rng(1).standard_normal((2, 3, time))
    old, new = (np.arange(time) + 0.5) / time, (np.arange(length) + 0.5) / length
    expected = [[np.interp(new, old, row) for row in block] for block in series]
    np.testing.assert_allclose(upsample_linear(series, length), expected, atol=1e-12)


def test_a_straight_line_stays_on_its_place_in_time_between_the_outer_centres():
    rate, length = 250, 16384
    line = (np.arange(256) + 0.5) / rate  # the value of each sample is its own time in s
    result = upsample_linear(line, length)
    times_s = (np.arange(length) + 0.5) / 16000
    inside = (times_s >= line[0]) & (times_s <= line[-1])
    np.testing.assert_allclose(result[inside], times_s[inside], atol=1e-12)
    np.testing.assert_array_equal(result[~inside & (times_s < 0.5)], line[0])
    np.testing.assert_array_equal(result[~inside & (times_s > 0.5)], line[-1])


def test_a_constant_stays_exactly_constant():
    assert np.ptp(upsample_linear(np.full(16, 0.1, np.float32), 16384)) == 0


@pytest.mark.parametrize("upsample", [upsample_linear, upsample_band_limited])
@pytest.mark.parametrize(("series", "length"), [(np.zeros((2, 0)), 4), (np.zeros(4), 0)])
def test_upsampling_refuses_nothing_to_interpolate(series, length, upsample):
    with pytest.raises(ValueError, match="at least one sample"):
        upsample(series, length)


@pytest.mark.parametrize("factor", [2, 3, 16, 256])
@pytest.mark.parametrize("share_of_nyquist", [0.01, 0.5, 0.9])
def test_band_limited_upsampling_of_a_tone_is_the_tone(factor, share_of_nyquist):
    time = 128
    phase = np.pi * share_of_nyquist
    tone = np.sin(phase * np.arange(time) + 1)
    old_s, new_s = np.arange(time) + 0.5, (np.arange(time * factor) + 0.5) / factor
    expected = np.sin(phase * (new_s - 0.5) + 1)  # the centre of sample i stands at i + 0.5
    inside = (new_s > old_s[32]) & (new_s < old_s[-33])  # of what the held edges do not reach
    result = upsample_band_limited(tone, time * factor)
    np.testing.assert_allclose(result[inside], expected[inside], atol=1e-3)


@pytest.mark.parametrize("factor", [4, 16])
def test_mirror_images_lie_60_db_below_a_tone_where_linear_upsampling_lets_them_through(factor):
    def image_db(upsample):
        tone = np.sin(0.9 * np.pi * np.arange(512))
        sound = upsample(tone, 512 * factor)[64 * factor : -64 * factor]
        spectrum = np.abs(np.fft.rfft(sound * np.blackman(len(sound))))
        above = np.fft.rfftfreq(len(sound), 1 / factor) > 0.5
        return 20 * np.log10(spectrum[above].max() / spectrum.max())

    assert image_db(upsample_band_limited) < -60
    assert image_db(upsample_linear) > -10


def test_both_kinds_of_upsampling_put_a_slow_curve_on_the_same_place_in_time():
    curve = np.exp(-(((np.arange(256) - 100) / 20) ** 2))
    linear, band_limited = upsample_linear(curve, 16384), upsample_band_limited(curve, 16384)
    np.testing.assert_allclose(band_limited, linear, atol=1e-3)
    time = (np.arange(16384) + 0.5) / 64 - 0.5
    np.testing.assert_allclose(band_limited, np.exp(-(((time - 100) / 20) ** 2)), atol=1e-4)


def test_band_limited_upsampling_holds_a_constant_and_keeps_axes_type_and_equal_lengths():
    series = np.random.default_rng(0).standard_normal((2, 3, 16)).astype(np.float32)
    result = upsample_band_limited(series, 64)
    assert result.shape == (2, 3, 64) and result.dtype == np.float32
    np.testing.assert_array_equal(result[1, 2], upsample_band_limited(series[1, 2], 64))
    np.testing.assert_array_equal(upsample_band_limited(series, 16), series)
    assert np.ptp(upsample_band_limited(np.full(16, 0.1, np.float32), 16384)) == 0


def test_band_limited_upsampling_wants_a_multiple():
    with pytest.raises(ValueError, match=r"shape \(2, 7\) to 1000 samples: no multiple"):
        upsample_band_limited(np.zeros((2, 7)), 1000)


@pytest.mark.parametrize(("first_hz", "last_hz"), [(200, 120), (100, 240)])
@pytest.mark.parametrize("layer_rate_hz", [1000, 500])
def test_octave_errors_of_praat_on_a_rectified_vowel_vanish_with_the_mirror_images(
    layer_rate_hz, first_hz, last_hz
):
    f0_hz = np.linspace(first_hz, last_hz, 16384)
    cycles = np.cumsum(f0_hz) / 16000
    vowel = sum(np.cos(2 * np.pi * k * cycles) / k for k in range(1, 30))
    for formant_hz, bandwidth_hz in ((500, 60), (1500, 90), (2500, 120)):
        pole = np.exp((-np.pi * bandwidth_hz + 2j * np.pi * formant_hz) / 16000)
        vowel = signal.lfilter([1], np.poly([pole, pole.conj()]).real, vowel)
    layer = signal.resample_poly(np.maximum(vowel, 0), 1, 16000 // layer_rate_hz)

    def share_of_octave_errors(upsample):
        sound = to_sound(layer / layer.max(), 16384, upsample).astype(float)
        pitch = parselmouth.Sound(sound, 16000).to_pitch_ac(
            pitch_floor=60, pitch_ceiling=layer_rate_hz / 2
        )
        found_hz = pitch.selected_array["frequency"]
        assert np.all(found_hz > 0)
        true_hz = np.interp(pitch.xs(), np.arange(16384) / 16000, f0_hz)
        return np.mean(np.abs(np.log2(found_hz / true_hz)) > 0.5)

    assert share_of_octave_errors("linear") > 0.05
    assert share_of_octave_errors("band_limited") == 0


def test_a_sound_is_clipped_at_full_scale_before_it_is_upsampled():
    sound = to_sound([0.0, 3.0], 4)
    assert sound.dtype == np.float32
    np.testing.assert_array_equal(sound, [0, 0.25, 0.75, 1])
    np.testing.assert_array_equal(to_sound([-7.0], 2), [-1, -1])


def test_a_band_limited_sound_is_clipped_again_where_it_overshoots():
    step = np.repeat([-5.0, 5.0], 50)
    assert upsample_band_limited(np.clip(step, -1, 1), 400).max() > 1.1
    sound = to_sound(step, 400, "band_limited")
    assert sound.dtype == np.float32 and sound.max() == 1 and sound.min() == -1


@pytest.mark.parametrize("upsample", ["linear", "band_limited"])
def test_a_sound_of_nan_and_infinity_is_made_without_a_warning(upsample):
    series = np.zeros(128)
    series[3], series[120] = np.nan, np.inf
    sound = to_sound(series, 1024, upsample)
    assert np.isnan(sound[3 * 8 + 3]) and np.nanmax(sound) <= 1
    assert np.isfinite(sound[8 * 36 : -8 * 36]).all()


def test_an_unknown_kind_of_upsampling_is_refused():
    with pytest.raises(InputError, match="--upsample=cubic: must be one of linear, band_limited"):
        to_sound([0.0], 4, "cubic")


def test_word_averages_are_the_means_over_the_recordings_of_each_word():
    words = WordAverages()
    rng = np.random.default_rng(0)
    spoken = ["two", "one", "two", "", "two"]
    series = [{"conv1": rng.random(8), "input": rng.random((4, 2))} for _ in spoken]
    for word, values in zip(spoken, series, strict=True):
        words.add(word, values)
    result = words.result()
    assert result["word"].tolist() == ["one", "two"] and result["n"].tolist() == [1, 3]
    for layer in ("conv1", "input"):
        assert result[layer].dtype == np.float32
        np.testing.assert_allclose(result[layer][0], series[1][layer], rtol=1e-7)
        two = [series[i][layer] for i in (0, 2, 4)]
        np.testing.assert_allclose(result[layer][1], np.mean(two, 0), rtol=1e-6)


def test_word_averages_of_no_words_have_no_layers():
    words = WordAverages()
    words.add("", {"conv1": np.zeros(4)})
    assert {key: value.tolist() for key, value in words.result().items()} == {"word": [], "n": []}


def test_word_averages_keep_nothing_of_the_caller_and_refuse_another_shape():
    words, series = WordAverages(), {"conv1": np.ones(4, np.float32)}
    words.add("yes", series)
    series["conv1"][:] = 9
    np.testing.assert_array_equal(words.result()["conv1"], [[1, 1, 1, 1]])
    for word, other in (("no", {"conv1": np.ones(5)}), ("yes", {"conv2": np.ones(4)})):
        with pytest.raises(ValueError, match="after"):
            words.add(word, other)
    assert words.result()["n"].tolist() == [1]


@pytest.mark.parametrize("upsample", UPSAMPLES)
def test_a_sound_that_is_not_to_be_clipped_keeps_its_peaks(upsample):
    series = 3 * np.sin(2 * np.pi * np.arange(100) / 25)
    assert to_sound(series, 400, upsample).max() == 1
    assert to_sound(series, 400, upsample, clip=False).max() > 2.9
