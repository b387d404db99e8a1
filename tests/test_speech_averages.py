"""Averages, clipping and upsampling against arithmetic done by hand, tones and Praat."""

import numpy as np
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.speech.averages import (
    UPSAMPLES,
    average,
    parse_reduce,
    reduce_maps,
    to_sound,
    upsample_band_limited,
    upsample_linear,
)

MAPS = np.array([[[1, 3, 0, 0], [0, 4, 0, -10]]], np.float32)  # [1, 2, 4]


def test_of_layers_by_name_the_audio_keeps_its_channels():
    sound = np.arange(4, dtype=np.float32).reshape(1, 4, 1)
    layers = average({"conv4": MAPS, "out": sound, "input": MAPS})
    np.testing.assert_array_equal(layers["conv4"], [[1, -1.5]])
    np.testing.assert_array_equal(layers["out"], sound[..., 0])
    np.testing.assert_array_equal(layers["input"], MAPS)


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
def test_each_reduction_is_what_its_name_says_and_is_written_as_it_is_read(text, expected):
    series = reduce_maps(MAPS, parse_reduce(text), [0.5, 0.25, 0, 0.25])
    np.testing.assert_allclose(series, expected, rtol=1e-7)
    assert (series.dtype, str(parse_reduce(text))) == (np.float32, text)


def test_sums_over_many_large_maps_lose_no_precision():
    activations = np.full((1, 3, 1001), 0.1, np.float32)
    activations[..., 0] = 1e6
    expected = (1e6 + 1000 * float(np.float32(0.1))) / 1001
    np.testing.assert_allclose(average(activations), [[expected] * 3], rtol=6e-8)


@pytest.mark.parametrize("text", ["", "MAX", "channel:0"])
def test_an_unknown_reduction_is_refused_with_what_there_is(text):
    with pytest.raises(InputError, match=f"--reduce={text}: .*mean, max, l2, weighted, channel:N"):
        parse_reduce(text)


@pytest.mark.parametrize(
    ("shape", "how", "weights", "message"),
    [
        ((4, 5), "mean", None, "batch, time, channels"),
        ((1, 2, 3), "weighted", [1, 0, 0.5], r"weights for activations of shape \(1, 2, 3\)"),
        ((1, 2, 64), "channel:65", None, "--reduce=channel:65: .* 64 feature maps; choose chan"),
    ],
)
def test_what_cannot_be_reduced_is_refused(shape, how, weights, message):
    with pytest.raises((InputError, ValueError), match=message):
        reduce_maps(np.zeros(shape), parse_reduce(how), weights)


@pytest.mark.parametrize("upsample", [upsample_linear, upsample_band_limited])
def test_equal_lengths_and_constants_change_no_bit(upsample):
    series = np.random.default_rng(0).standard_normal((3, 97)).astype(np.float32)
    np.testing.assert_array_equal(upsample(series, 97), series, strict=True)
    assert np.ptp(upsample(np.full(16, 0.1, np.float32), 16384)) == 0


@pytest.mark.parametrize(("time", "length"), [(16, 16384), (7, 1000), (1000, 7)])
def test_upsampling_agrees_with_numpy_interp_between_centres_of_samples(time, length):
    series = np.random.default_rng(1).standard_normal((2, 3, time))
    old, new = (np.arange(time) + 0.5) / time, (np.arange(length) + 0.5) / length
    expected = [[np.interp(new, old, row) for row in block] for block in series]
    np.testing.assert_allclose(upsample_linear(series, length), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [3, 256])
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


def test_a_sound_is_clipped_before_it_is_upsampled_and_where_it_overshoots_if_it_is_clipped():
    np.testing.assert_array_equal(
        to_sound([0.0, 3.0], 4, clip=True), np.float32([0, 0.25, 0.75, 1])
    )
    step = np.repeat([-5.0, 5.0], 50)
    assert upsample_band_limited(np.clip(step, -1, 1), 400).max() > 1.1
    assert np.abs(to_sound(step, 400, "band_limited", clip=True)).max() == 1
    assert all(to_sound(step, 400, upsample).max() >= 5 for upsample in UPSAMPLES)


@pytest.mark.parametrize("upsample", UPSAMPLES)
def test_a_sound_of_nan_and_infinity_is_made_without_a_warning(upsample):
    series = np.zeros(128)
    series[3], series[120] = np.nan, np.inf
    assert np.isnan(to_sound(series, 1024, upsample)[3 * 8 + 3])
    sound = to_sound(series, 1024, upsample, clip=True)
    assert np.isnan(sound[3 * 8 + 3]) and np.nanmax(sound) <= 1
    assert np.isfinite(sound[8 * 36 : -8 * 36]).all()


@pytest.mark.parametrize(
    ("series", "length", "upsample", "message"),
    [
        ([0.0], 4, "cubic", "--upsample=cubic: must be one of linear, band_limited"),
        (np.zeros((2, 0)), 4, "linear", "at least one sample"),
        (np.zeros((2, 7)), 1000, "band_limited", "no multiple"),
    ],
)
def test_what_cannot_be_a_sound_is_refused(series, length, upsample, message):
    with pytest.raises((InputError, ValueError), match=message):
        to_sound(series, length, upsample)
