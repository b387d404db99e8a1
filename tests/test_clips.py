"""What is kept of recordings in memory and on disk, and when they are decoded again."""

import dataclasses
import os

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.data import audio, clips
from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError

CONFIG = SliceConfig(slice_len=100)


@pytest.fixture
def decoded(monkeypatch):
    """The names of files decoded, in order."""
    names, load = [], audio.load

    def recorded(path, **options):
        names.append(os.path.basename(path))
        return load(path, **options)

    monkeypatch.setattr(clips.audio, "load", recorded)
    return names


def write(folder, name, num_samples=1000, seed=0):
    """A file of float noise whose peak is one; returns its path and samples [time, 1]."""
    samples = np.random.default_rng(seed).uniform(-1, 1, [num_samples, 1]).astype(np.float32)
    samples[5] = 1
    wavfile.write(folder / name, 16000, samples)
    return str(folder / name), samples


def read(store, path):
    return store.samples(path, store.facts(path))


def test_memory_keeps_the_files_used_last_and_no_more_than_it_may(tmp_path, decoded):
    written = [write(tmp_path, f"{i}.wav", seed=i) for i in range(3)]
    store = ClipStore(CONFIG, memory_bytes=2 * 4000)
    facts = [store.facts(path) for path, _ in written]  # 0 is dropped for 2
    for i in (1, 0, 1):  # 2 is dropped for 0
        np.testing.assert_array_equal(store.samples(written[i][0], facts[i]), written[i][1])
    assert decoded == ["0.wav", "1.wav", "2.wav", "0.wav"]
    store.samples(written[2][0], facts[2])
    assert decoded[4:] == ["2.wav"]


def test_a_file_that_changed_or_went_is_refused_by_name(tmp_path):
    path, _ = write(tmp_path, "a.wav")
    store = ClipStore(CONFIG, memory_bytes=0)
    facts = store.facts(path)
    other = write(tmp_path, "b.wav")[0]
    read(store, other)  # a.wav is not held any more
    write(tmp_path, "a.wav", seed=1)
    with pytest.raises(InputError, match="a.wav: its content has changed since the start"):
        store.samples(path, facts)
    read(store, other)
    os.remove(path)
    with pytest.raises(InputError, match="a.wav: cannot be read .No such file"):
        store.samples(path, facts)


def test_a_second_run_decodes_nothing_and_its_facts_need_no_samples(tmp_path, decoded):
    path, samples = write(tmp_path, "a.wav", num_samples=100_000)
    facts = ClipStore(CONFIG, str(tmp_path / "new" / "cache")).facts(path)
    store = ClipStore(CONFIG, str(tmp_path / "new" / "cache"))
    assert store.facts(path) == facts
    assert not store._held
    np.testing.assert_array_equal(store.samples(path, facts), samples)
    assert decoded == ["a.wav"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-4],
        lambda content: content[:2000] + bytes([content[2000] ^ 1]) + content[2001:],
        lambda content: content.replace(b"num_samples", b"num_sample?"),
        lambda content: b"",
    ],
)
def test_a_damaged_entry_is_made_anew_and_that_of_an_older_state(tmp_path, decoded, damage):
    path, samples = write(tmp_path, "a.wav")
    cache = tmp_path / "cache"
    facts = ClipStore(CONFIG, str(cache)).facts(path)
    (entry,) = cache.iterdir()
    sound = entry.read_bytes()
    entry.write_bytes(damage(sound))
    assert entry.read_bytes() != sound
    store = ClipStore(CONFIG, str(cache))
    assert store.facts(path) == facts
    np.testing.assert_array_equal(store.samples(path, facts), samples)
    assert decoded == ["a.wav", "a.wav"] and entry.read_bytes() == sound
    _, newer = write(tmp_path, "a.wav", seed=1)
    os.utime(path, ns=(1, 1))
    np.testing.assert_array_equal(read(ClipStore(CONFIG, str(cache)), path), newer)
    assert list(cache.iterdir()) == [entry]


def test_other_settings_and_files_of_equal_names_have_entries_of_their_own(tmp_path):
    (tmp_path / "other").mkdir()
    path, samples = write(tmp_path, "a.wav")
    other, other_samples = write(tmp_path / "other", "a.wav", seed=1)
    cache = str(tmp_path / "cache")
    cut_otherwise = dataclasses.replace(CONFIG, slice_len=200, first_slice=True)  # does not matter
    other_rate = dataclasses.replace(CONFIG, sample_rate_hz=8000)
    for config in (CONFIG, other_rate, cut_otherwise):
        for each in (path, other):
            ClipStore(config, cache).facts(each)
    assert len(os.listdir(cache)) == 4
    np.testing.assert_array_equal(read(ClipStore(CONFIG, cache), path), samples)
    np.testing.assert_array_equal(read(ClipStore(CONFIG, cache), other), other_samples)


def test_a_cache_that_cannot_be_written_is_said_once_and_gone_without(
    tmp_path, caplog, monkeypatch
):
    paths = [write(tmp_path, f"{i}.wav", seed=i) for i in range(3)]
    store = ClipStore(CONFIG, str(tmp_path / "cache"))

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(clips.os, "replace", no_space)
    for path, samples in paths:
        np.testing.assert_array_equal(read(store, path), samples)
    (record,) = caplog.records
    assert "cache: No space left on device; nothing more is kept there" in record.getMessage()
    assert not os.listdir(tmp_path / "cache")  # nor is anything half written left
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="--data_cache=.*file: cannot be used"):
        ClipStore(CONFIG, str(tmp_path / "file"))


def test_words_say_where_samples_are(tmp_path):
    cache, size = str(tmp_path / "cache"), "4.0 MB of samples"
    for memory_bytes, directory, words in (
        (4 * 10**6, None, f"{size}, kept in memory"),
        (0, cache, f"{size}, kept in {cache}"),
        (10**6, None, f"{size}, of which memory keeps 1.0 MB"),
    ):
        assert ClipStore(CONFIG, directory, memory_bytes).describe(10**6).startswith(words)


def test_available_memory_is_part_of_this_machines():
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < clips.available_memory() <= total
