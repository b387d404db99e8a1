"""Finding, reading and naming recordings, against files written by hand and training's own path."""

import pathlib

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight
from wavegan_tf.data.recordings import find_recordings, load_recording, word_of
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.data.stream import SliceSource
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

REFERENCE = pathlib.Path(__file__).parent / "reference" / "audio"
MONO, STEREO = ModelConfig(), ModelConfig(num_channels=2)


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
    (tmp_path / "promises.wav").write_text("not audio")
    caplog.set_level("INFO", "wavegan_tf")
    assert find_recordings(str(tmp_path)) == [
        "a_2.WAV", "b_1.wav", "later/0_x.wav", "later/no_suffix", "promises.wav",
    ]  # fmt: skip
    assert "1 of 6 files are not audio" in caplog.text
    with pytest.raises(InputError, match="promises.wav: not a known audio format"):
        load_recording(str(tmp_path / "promises.wav"), MONO)


def test_a_damaged_recording_is_found_and_refused_by_name_with_the_reason(tmp_path):
    (tmp_path / "cut").write_bytes((REFERENCE / "tone_16bit.flac").read_bytes()[:200])
    assert find_recordings(str(tmp_path)) == ["cut"]
    with pytest.raises(InputError, match="cut: truncated or damaged; convert it to WAV"):
        load_recording(str(tmp_path / "cut"), MONO)


def test_a_folder_without_audio_is_refused_naming_the_flag(tmp_path):
    for problem in ("does not exist", "has no files", "none of its 1 files is audio"):
        folder = tmp_path / "wavs"
        with pytest.raises(InputError, match=f"^--wav_dir={folder}:? {problem}"):
            find_recordings(str(folder))
        if folder.exists():
            (folder / "readme.txt").write_text("no sound here")
        folder.mkdir(exist_ok=True)


@pytest.mark.parametrize("seconds", [0.3, 1.024, 2.5])
@pytest.mark.parametrize(("rate_hz", "channels"), [(16000, 1), (8000, 1), (44100, 2)])
def test_a_recording_is_what_training_on_its_first_slice_gets(tmp_path, seconds, rate_hz, channels):
    write(tmp_path / "it.wav", seconds, rate_hz, channels)
    store = ClipStore(SliceConfig(first_slice=True))
    recordings = preflight(str(tmp_path), store).recordings
    batch = SliceSource(recordings, store, batch_size=1, seed=0).batch(0)
    samples = load_recording(str(tmp_path / "it.wav"), MONO).samples
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, batch[0])


@pytest.mark.parametrize("name", ["tone_24bit.flac", "tone_id3.mp3", "tone.ogg"])
def test_other_formats_are_read_as_well(name):
    samples, duration_s, notes = load_recording(str(REFERENCE / name), STEREO)
    assert 0 < duration_s < 3
    assert samples.shape == (16384, 2) and np.abs(samples).max() == pytest.approx(1, abs=0.01)
    assert notes == ["resampled from 22050 Hz"]


def test_a_short_recording_is_scaled_to_its_peak_followed_by_zeros_and_without_a_note(tmp_path):
    written = write(tmp_path / "it.wav", 0.5)
    samples, duration_s, notes = load_recording(str(tmp_path / "it.wav"), MONO)
    assert duration_s == 0.5 and notes == [] and samples.shape == (16384, 1)
    np.testing.assert_allclose(samples[:8000], written / np.abs(written).max(), rtol=1e-6)
    assert not samples[8000:].any()


@pytest.mark.parametrize(
    ("options", "config", "notes"),
    [
        ({"rate_hz": 8000}, MONO, ["resampled from 8000 Hz: nothing above 4000 Hz is in it"]),
        ({"rate_hz": 48000}, MONO, ["resampled from 48000 Hz"]),
        ({"channels": 2}, MONO, ["the mean of 2 channels"]),
        ({}, STEREO, ["one channel copied to 2"]),
        (
            {"seconds": 2.3, "rate_hz": 8000},
            MONO,
            [
                "resampled from 8000 Hz: nothing above 4000 Hz is in it",
                "longer than a slice: the first 1.024 s are used",
            ],
        ),
    ],
)
def test_notes_say_in_words_what_was_done_to_a_recording(tmp_path, options, config, notes):
    write(tmp_path / "it.wav", **{"seconds": 0.2} | options)
    assert load_recording(str(tmp_path / "it.wav"), config).notes == notes


def test_a_silent_recording_is_refused_as_training_does(tmp_path):
    write(tmp_path / "it.wav", 0.2, gain=1e-5)
    with pytest.raises(InputError, match=r"it.wav: silent \(RMS below -80 dB\)"):
        load_recording(str(tmp_path / "it.wav"), MONO)
    samples = np.zeros(32000, np.float32)
    samples[20000:] = np.sin(np.arange(12000))
    wavfile.write(tmp_path / "late.wav", 16000, samples)
    with pytest.raises(InputError, match="late.wav: silent in its first 1.024 s"):
        load_recording(str(tmp_path / "late.wav"), MONO)


def test_channels_that_a_model_has_not_are_refused(tmp_path):
    write(tmp_path / "it.wav", 0.1, channels=3)
    with pytest.raises(InputError, match="it.wav: 3 channels cannot become 2"):
        load_recording(str(tmp_path / "it.wav"), STEREO)


@pytest.mark.parametrize(
    ("path", "pattern", "word"),
    [
        ("0_george_3.wav", None, "0"),
        ("speaker_1/0_george_3.wav", None, "0"),
        ("water.wav", None, "water"),
        ("DR1/FCJF0/greasy_1.WAV", None, "greasy"),
        ("george/0_3.wav", r"([^/]+)/[^/]*$", "george"),
        ("0_george_3.wav", r"_([a-z]+)_", "george"),
        ("sa1.wav", r"_([a-z]+)_", ""),
        ("sa1.wav", r"sa1|(x)", ""),
    ],
)
def test_the_word_is_the_group_of_the_pattern_in_the_path(path, pattern, word):
    assert (word_of(path) if pattern is None else word_of(path, pattern)) == word


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [("(", "not a regular expression"), ("abc", "has 0 groups"), ("(a)(b)", "has 2 groups")],
)
def test_a_pattern_without_one_group_is_refused(pattern, reason):
    with pytest.raises(InputError, match=reason) as caught:
        word_of("a.wav", pattern)
    assert str(caught.value).startswith(f"--word={pattern}: ")
