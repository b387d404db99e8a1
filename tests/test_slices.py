"""Slices and their order, against NumPy, tf.signal.frame and files told apart by content."""

import dataclasses
import logging
import os
import time

import numpy as np
import pytest
import tensorflow as tf
from scipy.io import wavfile

from wavegan_tf.data import slices
from wavegan_tf.errors import InputError

# Slices of 100 samples at the files' own rate, unscaled, so that values can be traced.
RAW = slices.SliceConfig(slice_len=100, peak_normalize=False)
FIRST = dataclasses.replace(RAW, first_slice=True)


def write_constants(folder, num_files, num_samples=100):
    """Files 0.wav, 1.wav, ... whose samples all are (1 + number) / 1000; returns their paths."""
    for number in range(num_files):
        value = np.float32(number + 1) / 1000
        wavfile.write(folder / f"{number}.wav", 16000, np.full(num_samples, value, np.float32))
    return slices.find_audio_files(folder)


def write_ramp(path, num_samples):
    wavfile.write(path, 16000, np.arange(num_samples, dtype=np.float32))
    return str(path)


def batches(files, config, num_batches, **options):
    """[num_batches, batch_size, slice_len, channels]."""
    dataset = slices.slice_dataset(files, config, **options)
    return np.stack(list(dataset.take(num_batches).as_numpy_iterator()))


def test_files_are_found_sorted_in_subfolders_without_hidden_ones(tmp_path):
    for name in ("b.wav", "a/z.flac", "a/deep/y", ".hidden.wav", ".git/x.wav", "a/.cache/x.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken_link.wav").symlink_to("absent")
    found = slices.find_audio_files(tmp_path)
    assert found == [str(tmp_path / name) for name in ("a/deep/y", "a/z.flac", "b.wav")]


def test_a_folder_that_is_missing_a_file_or_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="--data_dir=.*absent does not exist; give a folder"):
        slices.find_audio_files(tmp_path / "absent")
    with pytest.raises(InputError, match="--data_dir=.* has no files; give a folder"):
        slices.find_audio_files(tmp_path)
    (tmp_path / "clip.wav").touch()
    with pytest.raises(InputError, match="--data_dir=.*clip.wav is a file; give a folder"):
        slices.find_audio_files(tmp_path / "clip.wav")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"slice_len": 0}, "--data_slice_len=0"),
        ({"sample_rate_hz": -1}, "--data_sample_rate=-1"),
        ({"num_channels": 0}, "--data_num_channels=0"),
        ({"overlap_ratio": 1.0}, "--data_overlap_ratio=1.0 must be"),
        ({"overlap_ratio": -0.1}, "--data_overlap_ratio=-0.1 must be"),
        ({"overlap_ratio": float("nan")}, "--data_overlap_ratio=nan must be"),
        ({"overlap_ratio": 0.99, "slice_len": 10}, "leaves no step between slices"),
    ],
)
def test_a_config_out_of_range_names_the_flag(value, message):
    with pytest.raises(InputError, match=message):
        slices.SliceConfig(**value)


def test_the_hop_is_the_nearest_whole_number():
    assert slices.SliceConfig(slice_len=16384).hop == 16384
    assert slices.SliceConfig(slice_len=16384, overlap_ratio=0.75).hop == 4096
    assert slices.SliceConfig(slice_len=100, overlap_ratio=0.9).hop == 10  # 9.999999999999998


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("overlap_ratio", [0, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("num_samples", [0, 1, 19, 20, 21, 39, 40, 41, 100, 107])
def test_slices_are_those_of_tf_signal_frame(num_samples, overlap_ratio, pad_end):
    config = slices.SliceConfig(slice_len=20, overlap_ratio=overlap_ratio, pad_end=pad_end)
    samples = np.random.default_rng(0).normal(size=[num_samples, 2]).astype(np.float32)
    for start in (0, 7):
        expected = tf.signal.frame(samples[start:], 20, config.hop, pad_end=pad_end, axis=0)
        found = slices.slice_audio(samples, config, start)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.reshape(expected, [-1, 20, 2]))


def test_first_slice_takes_the_beginning_padded_with_zeros():
    samples = np.arange(1, 151, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(slices.slice_audio(samples, FIRST, 0), samples[None, :100])
    short = slices.slice_audio(samples[:30], FIRST, 0)
    np.testing.assert_array_equal(short[0, :, 0], np.r_[samples[:30, 0], np.zeros(70)])


def test_a_start_that_cannot_be_is_refused():
    samples = np.zeros([150, 1], np.float32)
    for config, start in ((FIRST, 1), (RAW, -1)):
        with pytest.raises(ValueError, match=f"start is {start}"):
            slices.slice_audio(samples, config, start)


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("num_samples", [0, 1, 9, 10, 11, 15, 19, 20, 50])
def test_starts_are_those_below_slice_len_that_leave_a_slice(num_samples, pad_end):
    config = slices.SliceConfig(slice_len=10, pad_end=pad_end)
    samples = np.zeros([num_samples, 1], np.float32)
    good = [start for start in range(10) if len(slices.slice_audio(samples, config, start))]
    assert list(range(config.num_starts(num_samples))) == good


def test_every_start_is_drawn_and_the_slices_follow_each_other(tmp_path):
    path = write_ramp(tmp_path / "ramp.wav", 350)
    rng = np.random.default_rng(0)
    starts = set()
    for _ in range(1500):
        found = slices.load_slices(path, RAW, rng)
        start = int(found[0, 0, 0])
        starts.add(start)
        assert len(found) == (350 - start) // 100
        np.testing.assert_array_equal(found.ravel(), start + np.arange(100 * len(found)))
    assert starts == set(range(100))


def test_a_folder_without_a_slice_is_refused_with_the_reasons(tmp_path):
    files = write_constants(tmp_path, 7, num_samples=99)
    (tmp_path / "0.wav").write_bytes(b"")
    with pytest.raises(InputError) as raised:
        slices.slice_dataset(files, RAW, batch_size=4, seed=0)
    message = str(raised.value)
    assert message.startswith("none of the 7 files in --data_dir gives a slice")
    assert "0.wav: an empty file" in message
    assert "4.wav: 99 samples at 16000 Hz are less than --data_slice_len=100" in message
    assert "--data_first_slice or --data_pad_end takes" in message
    assert "5.wav" not in message  # the first five are enough


@pytest.mark.parametrize("option", ["first_slice", "pad_end"])
def test_short_files_give_slices_with_first_slice_and_pad_end(tmp_path, option):
    files = write_constants(tmp_path, 3, num_samples=30)
    config = dataclasses.replace(RAW, **{option: True})
    found = batches(files, config, 5, batch_size=4, seed=0)
    assert np.all(found[:, :, 0] > 0) and np.all(found[:, :, 30:] == 0)


def test_files_of_exactly_one_slice_give_it_every_time(tmp_path):
    files = write_constants(tmp_path, 3)
    found = batches(files, RAW, 30, batch_size=1, seed=0, shuffle_buffer=1)
    assert len(np.unique(found[:3])) == 3


def test_bad_ranges_of_batch_size_and_seed_name_the_flag(tmp_path):
    files = write_constants(tmp_path, 1)
    with pytest.raises(InputError, match="--train_batch_size=0"):
        slices.slice_dataset(files, FIRST, batch_size=0, seed=0)
    with pytest.raises(InputError, match="--seed=-1"):
        slices.slice_dataset(files, FIRST, batch_size=1, seed=-1)


def test_batches_have_a_static_shape_and_the_files_rate_and_channels_are_converted(tmp_path):
    wavfile.write(tmp_path / "stereo.wav", 8000, np.zeros([5000, 2], np.int16))
    dataset = slices.slice_dataset(
        slices.find_audio_files(tmp_path), slices.SliceConfig(slice_len=400), batch_size=3, seed=0
    )
    assert dataset.element_spec == tf.TensorSpec([3, 400, 1], tf.float32)
    assert dataset.cardinality() == tf.data.INFINITE_CARDINALITY


def test_each_epoch_has_every_file_once_in_a_new_order(tmp_path):
    files = write_constants(tmp_path, 20)
    found = batches(files, FIRST, 5, batch_size=20, seed=0, shuffle_buffer=1)[:, :, 0, 0]
    expected = np.arange(1, 21, dtype=np.float32) / 1000
    for epoch in found:
        np.testing.assert_array_equal(np.sort(epoch), expected)
    assert len({tuple(epoch) for epoch in found}) == 5


def test_the_buffer_mixes_the_slices_of_files(tmp_path):
    write_ramp(tmp_path / "ramp.wav", 10_099)
    files = slices.find_audio_files(tmp_path)
    in_order = batches(files, RAW, 90, batch_size=1, seed=0, shuffle_buffer=1)[:, 0, 0, 0]
    mixed = batches(files, RAW, 90, batch_size=1, seed=0, shuffle_buffer=50)[:, 0, 0, 0]
    assert np.all(np.diff(in_order) == 100)
    assert np.mean(np.diff(mixed) == 100) < 0.2


def test_equal_seeds_give_equal_batches_and_others_do_not(tmp_path):
    write_constants(tmp_path, 10)
    write_ramp(tmp_path / "ramp.wav", 1000)
    files = slices.find_audio_files(tmp_path)
    options = {"batch_size": 7, "shuffle_buffer": 8}
    first = batches(files, RAW, 10, seed=3, **options)
    np.testing.assert_array_equal(first, batches(files, RAW, 10, seed=3, **options))
    assert not np.array_equal(first, batches(files, RAW, 10, seed=4, **options))


def test_a_dataset_read_twice_gives_the_same_batches(tmp_path):
    dataset = slices.slice_dataset(
        write_constants(tmp_path, 10), FIRST, batch_size=4, seed=0, shuffle_buffer=8
    )
    first, second = (list(dataset.take(6).as_numpy_iterator()) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_reading_ahead_does_not_change_the_batches(tmp_path, monkeypatch):
    write_constants(tmp_path, 10)
    write_ramp(tmp_path / "ramp.wav", 1000)
    files = slices.find_audio_files(tmp_path)
    ahead = batches(files, RAW, 10, batch_size=4, seed=0, shuffle_buffer=8)
    monkeypatch.setattr(slices, "_ReadAhead", lambda function, depth: lambda n: function(int(n)))
    one_by_one = batches(files, RAW, 10, batch_size=4, seed=0, shuffle_buffer=8)
    np.testing.assert_array_equal(ahead, one_by_one)


def test_a_bad_file_is_skipped_and_named_once(tmp_path, caplog):
    write_constants(tmp_path, 5)
    (tmp_path / "bad.wav").write_text("not audio")
    files = slices.find_audio_files(tmp_path)
    named = []
    found = batches(
        files,
        FIRST,
        20,
        batch_size=5,
        seed=0,
        shuffle_buffer=1,
        on_bad_file=lambda path, message: named.append((path, message)),
    )
    assert len(np.unique(found)) == 5
    ((path, message),) = named
    assert path == str(tmp_path / "bad.wav") and "not a known audio format" in message
    with caplog.at_level(logging.WARNING, logger="wavegan_tf"):
        batches(files, FIRST, 20, batch_size=5, seed=0, shuffle_buffer=1)
    (record,) = caplog.records
    assert record.name == "wavegan_tf" and f"skipped: {path}: not a known" in record.getMessage()


def test_a_folder_that_disappears_ends_the_stream(tmp_path):
    files = write_constants(tmp_path, 5)
    dataset = slices.slice_dataset(
        files, FIRST, batch_size=1, seed=0, shuffle_buffer=1, on_bad_file=lambda *_: None
    )
    for path in files:
        os.remove(path)
    with pytest.raises(tf.errors.InvalidArgumentError, match="no file in --data_dir gives"):
        next(iter(dataset))


def test_no_thread_of_tf_data_waits_for_python_between_batches(tmp_path, monkeypatch):
    counts = []
    read_ahead = slices._ReadAhead

    def recorded(function, depth):
        inner = read_ahead(function, depth)
        return lambda count: counts.append(count) or inner(count)

    monkeypatch.setattr(slices, "_ReadAhead", recorded)
    files = write_constants(tmp_path, 10)
    iterator = iter(slices.slice_dataset(files, FIRST, batch_size=8, seed=0, shuffle_buffer=1))
    for _ in range(2):
        next(iterator)
        asked = len(counts)
        time.sleep(0.2)
        assert len(counts) == asked
