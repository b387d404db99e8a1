"""Finding, reading and naming recordings, against files written by hand and training's own path."""

import pathlib
import re
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight
from wavegan_tf.data.recordings import WORD_PATTERN, find_recordings, load_recording, word_of
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.data.stream import SliceSource
from wavegan_tf.errors import InputError

REFERENCE = pathlib.Path(__file__).parent / "reference" / "audio"
MONO, STEREO = (SimpleNamespace(slice_len=16384, sample_rate=16000, num_channels=n) for n in (1, 2))


def write(path, seconds, rate_hz=16000, channels=1, gain=0.25):
    """Noise as a float WAV; its samples [time, channels]."""
    rng = np.random.default_rng(0)
    samples = gain * rng.uniform(-1, 1, [round(seconds * rate_hz), channels]).astype(np.float32)
    path.parent.mkdir(exist_ok=True)
    wavfile.write(path, rate_hz, samples)
    return samples


def test_recordings_are_the_audio_files_of_all_sub_folders_in_order(tmp_path, caplog):
    for name in ("b_1.wav", "a_2.WAV", "later/0_x.wav", ".hidden.wav"):
        write(tmp_path / name, 0.1)
    (tmp_path / "later" / "no_suffix").write_bytes((tmp_path / "b_1.wav").read_bytes())
    (tmp_path / "a_2.TextGrid").write_text('File type = "ooTextFile"')
    (tmp_path / "cut").write_bytes((REFERENCE / "tone_16bit.flac").read_bytes()[:200])
    (tmp_path / "promises.wav").write_text("not audio")
    caplog.set_level("INFO", "wavegan_tf")
    assert find_recordings(str(tmp_path)) == [
        "a_2.WAV", "b_1.wav", "cut", "later/0_x.wav", "later/no_suffix", "promises.wav",
    ]  # fmt: skip
    assert "1 of 7 files are not audio" in caplog.text
    for name, reason in (("promises.wav", "not a known audio format"), ("cut", "damaged .FLAC")):
        with pytest.raises(InputError, match=f"{name}: .*{reason}.*convert it to WAV"):
            load_recording(str(tmp_path / name), MONO)


def test_a_folder_without_audio_is_refused_naming_the_flag(tmp_path):
    for problem in ("does not exist", "has no files", "none of its 1 files is audio"):
        folder = tmp_path / "wavs"
        with pytest.raises(InputError, match=f"^--wav_dir={folder}: {problem}"):
            find_recordings(str(folder))
        if folder.exists():
            (folder / "readme.txt").write_text("no sound here")
        folder.mkdir(exist_ok=True)


@pytest.mark.parametrize(
    ("seconds", "rate_hz", "channels"), [(0.3, 16000, 1), (1.024, 8000, 1), (2.5, 44100, 2)]
)
def test_a_recording_is_what_training_on_its_first_slice_gets(tmp_path, seconds, rate_hz, channels):
    write(tmp_path / "it.wav", seconds, rate_hz, channels)
    store = ClipStore(SliceConfig(first_slice=True))
    recordings = preflight(str(tmp_path), store).recordings
    batch = SliceSource(recordings, store, batch_size=1, seed=0).batch(0)
    samples = load_recording(str(tmp_path / "it.wav"), MONO).samples
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, batch[0])


def test_a_short_recording_is_scaled_to_its_peak_followed_by_zeros_and_without_a_note(tmp_path):
    written = write(tmp_path / "it.wav", 0.5)
    samples, duration_s, notes = load_recording(str(tmp_path / "it.wav"), MONO)
    assert duration_s == 0.5 and notes == []
    np.testing.assert_allclose(samples[:8000], written / np.abs(written).max(), rtol=1e-6)
    assert samples.shape == (16384, 1) and not samples[8000:].any()


LOW = "resampled from 8000 Hz: nothing above 4000 Hz is in it"
LONG = "longer than a slice: the first 1.024 s are used"


@pytest.mark.parametrize(
    ("options", "config", "notes"),
    [
        ({"rate_hz": 48000}, MONO, ["resampled from 48000 Hz"]),
        ({"channels": 2}, MONO, ["the mean of 2 channels"]),
        ({}, STEREO, ["one channel copied to 2"]),
        ({"seconds": 2.3, "rate_hz": 8000}, MONO, [LOW, LONG]),
    ],
)
def test_notes_say_in_words_what_was_done_to_a_recording(tmp_path, options, config, notes):
    write(tmp_path / "it.wav", **{"seconds": 0.2} | options)
    assert load_recording(str(tmp_path / "it.wav"), config).notes == notes


def test_a_silent_recording_and_one_of_too_many_channels_are_refused(tmp_path):
    path = tmp_path / "it.wav"
    write(path, 0.2, gain=1e-5)
    with pytest.raises(InputError, match=r"it.wav: silent \(RMS below -80 dB\)"):
        load_recording(str(path), MONO)
    wavfile.write(path, 16000, np.float32(20000 * [0] + 12000 * [0.5, -0.5]))
    with pytest.raises(InputError, match="it.wav: silent in its first 1.024 s"):
        load_recording(str(path), MONO)
    write(path, 0.1, channels=3)
    with pytest.raises(InputError, match="it.wav: 3 channels cannot become 2"):
        load_recording(str(path), STEREO)


@pytest.mark.parametrize(
    ("path", "pattern", "word"),
    [
        ("speaker_1/0_george_3.wav", WORD_PATTERN, "0"),
        ("water.wav", WORD_PATTERN, "water"),
        ("george/0_3.wav", r"([^/]+)/[^/]*$", "george"),
        ("sa1.wav", r"_([a-z]+)_", ""),
        ("sa1.wav", r"sa1|(x)", ""),
    ],
)
def test_the_word_is_the_group_of_the_pattern_in_the_path(path, pattern, word):
    assert word_of(path, pattern) == word


def test_a_pattern_without_one_group_is_refused():
    for pattern, reason in (("(", "not a reg"), ("abc", "has 0 groups"), ("(a)(b)", "has 2 gr")):
        with pytest.raises(InputError, match=f"--word={re.escape(pattern)}: {reason}"):
            word_of("a.wav", pattern)
