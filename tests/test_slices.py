"""How files are cut, against tf.signal.frame, and the order of slices, by counting."""

import functools
import time

import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.data import slices
from wavegan_tf.data.slices import SliceConfig, SliceOrder
from wavegan_tf.errors import InputError

TEN = SliceConfig(slice_len=10)


@functools.cache
def frames(num_samples, config, start):
    """First samples of all slices from a start on, by tf.signal.frame."""
    signal = np.arange(start, num_samples)
    found = tf.signal.frame(signal, config.slice_len, config.hop, pad_end=config.pad_end)
    return found.numpy()[:, 0].tolist()


def test_the_hop_is_the_nearest_whole_number_and_a_bad_overlap_names_the_flag():
    assert SliceConfig(slice_len=16384, overlap_ratio=0.75).hop == 4096
    assert SliceConfig(slice_len=100, overlap_ratio=0.9).hop == 10  # 9.999999999999998
    for ratio, words in ((1.0, "=1.0 must be"), (np.nan, "=nan must be"), (0.99, ".*no step")):
        with pytest.raises(InputError, match=f"--data_overlap_ratio{words}"):
            SliceConfig(slice_len=10, overlap_ratio=ratio)


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("overlap_ratio", [0, 0.25, 0.9])
def test_numbers_of_slices_are_those_of_tf_signal_frame(overlap_ratio, pad_end):
    config = SliceConfig(slice_len=20, overlap_ratio=overlap_ratio, pad_end=pad_end)
    lengths = np.array([0, 1, 19, 20, 21, 39, 40, 41, 100, 107])
    expected = [len(frames(length, config, 0)) for length in lengths]
    assert config.num_slices(lengths).tolist() == expected
    assert [int(config.num_slices(int(length))) for length in lengths] == expected


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("num_samples", [0, 1, 9, 10, 11, 15, 19, 20, 50])
def test_starts_are_those_below_slice_len_that_leave_a_slice(num_samples, pad_end):
    config = SliceConfig(slice_len=10, pad_end=pad_end)
    good = [s for s in range(10) if s <= num_samples and frames(num_samples, config, s)]
    assert list(range(config.num_starts(num_samples))) == good


def test_first_slices_are_one_of_each_file_from_its_beginning():
    order = SliceOrder([3, 10, 99], SliceConfig(slice_len=10, first_slice=True), seed=0)
    for epoch in range(5):
        assert sorted(order.span(3 * epoch, 3)) == [(0, 0), (1, 0), (2, 0)]


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("overlap_ratio", [0, 0.5])
def test_an_epoch_is_every_slice_of_every_file_once_from_a_random_start(overlap_ratio, pad_end):
    config = SliceConfig(slice_len=10, overlap_ratio=overlap_ratio, pad_end=pad_end)
    lengths = [10, 35, 64]
    order = SliceOrder(lengths, config, seed=0)
    starts_seen = set()
    for number in range(120):
        files, starts = order.epoch(number)
        for file, length in enumerate(lengths):
            found = np.sort(starts[files == file]).tolist()
            assert found == frames(length, config, found[0])
            starts_seen.add((file, found[0]))
    expected = {(f, s) for f, n in enumerate(lengths) for s in range(config.num_starts(n))}
    assert starts_seen == expected


def test_positions_run_through_the_epochs_one_after_the_other():
    order = SliceOrder([35, 64, 100], TEN, seed=1)  # of epochs of unequal length
    expected = []
    for number in range(30):
        files, starts = order.epoch(number)
        places = [(number, index, len(files)) for index in range(len(files))]
        assert [order.locate(len(expected) + index) for index in range(len(files))] == places
        expected += zip(files.tolist(), starts.tolist(), strict=True)
    assert len({order.locate(k)[2] for k in range(400)}) > 1
    assert order.span(0, len(expected)) == expected
    assert SliceOrder([35, 64, 100], TEN, seed=1).span(100, 50) == expected[100:150]


def test_files_come_in_a_new_order_in_every_epoch_and_each_place_is_as_likely():
    order = SliceOrder(10 * [10], TEN, seed=0)
    firsts = [order.span(10 * epoch, 1)[0][0] for epoch in range(1000)]
    counts = np.bincount(firsts, minlength=10)
    assert np.abs(counts - 100).max() < 43  # 4.5 standard deviations


def test_slices_are_mixed_within_their_window_and_not_beyond_it(monkeypatch):
    monkeypatch.setattr(slices, "WINDOW", 100)
    order = SliceOrder([100_000], TEN, seed=0)
    _, starts = order.epoch(0)
    windows = (starts - starts.min()) // 10 // 100
    np.testing.assert_array_equal(windows, np.arange(len(starts)) // 100)
    assert np.mean(np.diff(starts) == 10) < 0.05


def test_what_stands_in_for_a_slice_is_any_slice_of_its_epoch_in_an_order_of_its_own():
    order = SliceOrder([100, 200], TEN, seed=0)
    files, starts = order.epoch(1)
    everything = sorted(zip(files.tolist(), starts.tolist(), strict=True))
    length = order.locate(0)[2]
    first, again, next_one = (list(order.instead_of(length + k)) for k in (0, 0, 1))
    assert sorted(first) == sorted(next_one) == everything
    assert first == again != next_one


def test_any_place_of_a_long_training_on_many_files_is_reached_in_no_time():
    long = SliceOrder(np.random.default_rng(0).integers(10, 60, 1000), TEN, seed=0)
    wide = SliceOrder(np.full(100_000, 16384 * 3), SliceConfig(), seed=0)
    begun = time.process_time()
    long.span(64 * 1_000_000, 64)
    wide.span(0, 64)
    assert time.process_time() - begun < 20
