"""Averages, clipping and upsampling against arithmetic done by hand."""

import numpy as np
import pytest

from wavegan_tf.analysis.averages import average_feature_maps, to_sound, upsample_linear


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


@pytest.mark.parametrize(("series", "length"), [(np.zeros((2, 0)), 4), (np.zeros(4), 0)])
def test_upsampling_refuses_nothing_to_interpolate(series, length):
    with pytest.raises(ValueError, match="at least one sample"):
        upsample_linear(series, length)


def test_a_sound_is_clipped_at_full_scale_before_it_is_upsampled():
    sound = to_sound([0.0, 3.0], 4)
    assert sound.dtype == np.float32
    np.testing.assert_array_equal(sound, [0, 0.25, 0.75, 1])
    np.testing.assert_array_equal(to_sound([-7.0], 2), [-1, -1])
