"""Batches: what is in them, where they go on, and what happens when files fail."""

import dataclasses
import itertools
import logging
import os

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.data.stream import SliceSource
from wavegan_tf.errors import InputError

# Slices of 100 samples at the files' own rate, whose peaks are one, so that values can be traced.
RAW = SliceConfig(slice_len=100)
FIRST = dataclasses.replace(RAW, first_slice=True)


def write_squares(folder, num_files, num_samples=100):
    """Files 0.wav, 1.wav, ... of (1 + number) / 1000, but for the first sample, which is one."""
    for number in range(num_files):
        wave = np.full(num_samples, (number + 1) / 1000, np.float32)
        wave[0] = 1
        wavfile.write(folder / f"{number}.wav", 16000, wave)


def make_source(folder, config, memory_bytes=None, directory=None, **options):
    store = ClipStore(config, directory, memory_bytes)
    recordings = preflight(str(folder), store).recordings
    return SliceSource(recordings, store, **{"batch_size": 4, "seed": 0} | options)


def forget(source):
    """Has every file read anew, as where memory is too small for all."""
    source._store._held.clear()
    source._store._held_bytes = 0


def batches(source, num_batches, **options):
    """[num_batches, batch_size, slice_len, channels]."""
    return np.stack(list(itertools.islice(source.batches(**options), num_batches)))


@pytest.fixture
def folder(tmp_path):
    write_squares(tmp_path, 10)
    ramp = np.arange(1, 1001, dtype=np.float32) / 1000
    wavfile.write(tmp_path / "ramp.wav", 16000, ramp)
    return tmp_path


def test_a_slice_holds_the_samples_of_its_place_in_its_file(folder):
    source = make_source(folder, RAW)
    names = [f"{i}.wav" for i in range(10)] + ["ramp.wav"]
    found = source.batch(3)
    for row, (file, start) in zip(found, source.order.span(12, 4), strict=True):
        samples = wavfile.read(folder / sorted(names)[file])[1]
        np.testing.assert_array_equal(row[:, 0], samples[start : start + 100])


def test_short_files_are_padded_with_zeros(tmp_path):
    write_squares(tmp_path, 3, num_samples=30)
    for config in (FIRST, dataclasses.replace(RAW, pad_end=True)):
        found = make_source(tmp_path, config, batch_size=3).batch(0)
        assert np.all(found[:, 0] > 0) and np.all(found[:, 30:] == 0)


def test_batches_run_on_over_the_ends_of_epochs(tmp_path):
    write_squares(tmp_path, 10)
    found = batches(make_source(tmp_path, FIRST, batch_size=4), 5)[:, :, 1, 0].reshape(2, 10)
    expected = np.arange(1, 11, dtype=np.float32) / 1000
    for epoch in found:
        np.testing.assert_array_equal(np.sort(epoch), expected)


# Made by the first version of this package: a training goes on with the batches it would have had.
FIRST_PLACES = (
    "0:0 7:0 10:281 10:481 10:181 10:781 10:381 5:0 10:581 2:0 1:0 10:681"  # file : first sample
)


def test_the_order_is_that_of_the_first_version(folder):
    found = make_source(folder, RAW).order.span(0, 12)
    assert " ".join(f"{file}:{start}" for file, start in found) == FIRST_PLACES


def test_going_on_at_a_batch_gives_what_would_have_come_and_another_seed_does_not(folder):
    whole = batches(make_source(folder, RAW), 20)
    resumed = batches(make_source(folder, RAW), 8, first_batch=12)
    np.testing.assert_array_equal(whole[12:], resumed)
    assert not np.array_equal(whole, batches(make_source(folder, RAW, seed=1), 20))


def test_neither_cache_changes_the_batches(folder, tmp_path_factory):
    cache = str(tmp_path_factory.mktemp("cache"))
    expected = batches(make_source(folder, RAW), 10)
    for directory in (None, cache, cache):
        source = make_source(folder, RAW, memory_bytes=0, directory=directory)
        np.testing.assert_array_equal(batches(source, 10), expected)


def test_replicas_share_the_rows_of_each_batch(folder):
    source = make_source(folder, RAW)
    whole = batches(source, 6)
    for count in (2, 4):
        parts = [batches(source, 6, shard=(index, count)) for index in range(count)]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)


def test_fewer_slices_than_a_batch_are_refused_naming_the_flags_that_help(tmp_path):
    write_squares(tmp_path, 3)
    words = "3 slices an epoch, fewer than --train_batch_size=4; lower it to 3 or less, add record"
    with pytest.raises(InputError, match=f"{words}.*--data_pad_end.*--data_first_slice"):
        make_source(tmp_path, RAW)
    with pytest.raises(InputError, match=f"{words}ings$"):
        make_source(tmp_path, FIRST)


def test_a_file_that_fails_is_named_once_and_others_fill_its_places(tmp_path, caplog):
    write_squares(tmp_path, 5)
    source = make_source(tmp_path, FIRST, memory_bytes=0, batch_size=5)
    os.remove(tmp_path / "2.wav")
    (tmp_path / "3.wav").write_text("not audio")
    forget(source)
    with caplog.at_level(logging.WARNING, logger="wavegan_tf"):
        found = batches(source, 20)[:, :, 1, 0]
    np.testing.assert_array_equal(found, batches(source, 20)[:, :, 1, 0])  # filled as before
    assert np.isin(found, np.float32([1, 2, 5]) / 1000).all()
    counts = [np.sum(found == np.float32(n) / 1000) for n in (1, 2, 5)]
    assert min(counts) >= 22  # each once an epoch, and as likely as the others instead
    named = sorted(record.getMessage() for record in caplog.records)
    assert len(named) == len(source.skipped) == 2
    assert named[0].startswith(f"skipped: {tmp_path / '2.wav'}: cannot be read")
    assert named[1].startswith(f"skipped: {tmp_path / '3.wav'}: not a known")


def test_a_folder_that_disappears_ends_in_one_message(tmp_path):
    write_squares(tmp_path, 5)
    source = make_source(tmp_path, FIRST, memory_bytes=0)
    for number in range(5):
        os.remove(tmp_path / f"{number}.wav")
    forget(source)
    with pytest.raises(InputError, match="no file in --data_dir can be read any more") as raised:
        next(source.batches())
    assert ".wav: cannot be read (No such file" in str(raised.value)


def test_batches_are_made_ahead(folder, monkeypatch):
    source = make_source(folder, RAW)
    batch, made = source.batch, []
    monkeypatch.setattr(source, "batch", lambda number, shard: made.append(number) or batch(number))
    stream = source.batches(first_batch=3)
    np.testing.assert_array_equal(next(stream), batch(3))
    assert sorted(made)[:2] == [3, 4]
    stream.close()
