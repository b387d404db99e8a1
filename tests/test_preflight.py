"""The report on a folder, the split of recordings, and training data from a folder of trouble."""

import json
import os

import numpy as np
import pytest
import torture

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import find_files, preflight, printable, split_holdout
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError

CONFIG = SliceConfig(slice_len=2000)


def write_vowels(folder, f0s_hz, num_samples=4000):
    """Files FOLDER/F0.wav."""
    folder.mkdir(exist_ok=True)
    for f0_hz in f0s_hz:
        pcm = (32767 * torture.vowel(num_samples, f0_hz)).astype("<i2").tobytes()
        (folder / f"{f0_hz}.wav").write_bytes(torture.wav(torture.wav_format(), pcm))
    return str(folder)


@pytest.fixture(scope="module")
def trouble(tmp_path_factory):
    """(folder, words of each bad file's reason, report) of the torture folder."""
    folder = tmp_path_factory.mktemp("torture")
    words = torture.make(folder)
    return folder, words, preflight(str(folder), ClipStore(CONFIG))


def test_every_bad_file_is_named_with_its_reason_and_nothing_else_is_left_out(trouble):
    _, words, report = trouble
    left_out = {name: reason for files in report.left_out.values() for name, reason in files}
    assert set(left_out) == set(words)
    for name, word in words.items():
        assert word in left_out[name], (name, left_out[name])
    assert [name for name, _ in report.left_out["too short"]] == [torture.TOO_SHORT]
    assert {name for name, _ in report.left_out["silent"]} == set(torture.SILENT)


def test_every_odd_file_is_used_and_what_is_not_audio_counted_and_a_copy_named(trouble):
    _, words, report = trouble
    expected = {printable(name) for name in torture.good_files()} | {torture.DUPLICATE[0]}
    assert {recording.name for recording in report.recordings} == expected
    assert report.not_audio == torture.NOT_AUDIO
    assert report.duplicates == [tuple(sorted(torture.DUPLICATE, reverse=True))]
    assert report.num_files == len(report.recordings) + len(words) + 4


def test_the_reports_text_names_few_of_each_kind_and_the_file_all(trouble, tmp_path):
    folder, words, report = trouble
    text = "\n".join(report.lines())
    assert f"of {report.num_files} files in {folder}" in text
    assert "2 .txt, " in text and "unreadable, left out: " in text
    assert f".. and {len(words) - 4 - 5} more, all named in data.json" in text
    record = json.loads(json.dumps(report.to_dict()))
    named = {name for files in record["left_out"].values() for name in files}
    assert named == set(words) and record["used"] == len(report.recordings)


def test_counts_and_duration_are_those_of_the_files(tmp_path):
    write_vowels(tmp_path, [100, 120, 140], num_samples=16000)
    stereo = torture.wav(torture.wav_format(channels=2, rate_hz=8000, bits=8), os.urandom(16000))
    (tmp_path / "stereo.wav").write_bytes(stereo)
    report = preflight(str(tmp_path), ClipStore(CONFIG))
    assert report.counts("rate_hz") == {16000: 3, 8000: 1}
    assert report.counts("channels") == {1: 3, 2: 1}
    assert report.counts("format") == {"WAV 16-bit": 3, "WAV 8-bit": 1}
    assert "0:00:04" in next(report.lines())
    assert [r.facts.num_samples for r in report.recordings] == 4 * [16000]


def test_a_folder_of_bad_files_alone_ends_in_one_message_with_the_counts(tmp_path):
    for name, (content, _) in torture.bad_files().items():
        (tmp_path / name).write_bytes(content)
    write_vowels(tmp_path, [100, 120], num_samples=1999)
    (tmp_path / "a.txt").write_text("text")
    num_bad = len(torture.bad_files())
    with pytest.raises(InputError) as raised:
        preflight(str(tmp_path), ClipStore(CONFIG))
    message = str(raised.value)
    counts = f"none of its {num_bad + 3} files can be used: {num_bad} unreadable, 2 too short, "
    assert message.startswith(f"--data_dir={tmp_path}: {counts}1 not audio")
    assert "1999 samples at 16000 Hz are less than --data_slice_len=2000" in message
    assert "--data_first_slice or --data_pad_end takes them" in message
    assert f".. and {num_bad - 5} more\n" in message  # no data.json is written then


def test_silence_is_below_80_db_of_full_scale_and_where_channels_cancel_out(tmp_path):
    tone = np.sin(np.arange(4000) * 2 * np.pi / 16)  # of whole periods: RMS 0.7071
    for name, rms in (("below", 0.99e-4), ("above", 1.01e-4)):
        samples = (rms * 2**0.5 * tone).astype("<f4")
        content = torture.wav(torture.wav_format(3, bits=32), samples.tobytes())
        (tmp_path / f"{name}.wav").write_bytes(content)
    one = (32767 * tone).astype("<i2")
    content = torture.wav(torture.wav_format(channels=2), np.stack([one, -one], 1).tobytes())
    (tmp_path / "phase.wav").write_bytes(content)
    report = preflight(str(tmp_path), ClipStore(CONFIG))
    assert [r.name for r in report.recordings] == ["above.wav"]
    assert [name for name, _ in report.left_out["silent"]] == ["below.wav", "phase.wav"]
    both = preflight(str(tmp_path), ClipStore(SliceConfig(slice_len=2000, num_channels=2)))
    assert [name for name, _ in both.left_out["silent"]] == ["below.wav"]


def test_the_fingerprint_tells_content_and_names_but_not_place(tmp_path):
    folders = [tmp_path / name for name in "ab"]
    found = [preflight(write_vowels(f, [100, 120]), ClipStore(CONFIG)) for f in folders]
    other = preflight(write_vowels(folders[0], [140]), ClipStore(CONFIG))
    assert found[0].fingerprint == found[1].fingerprint != other.fingerprint


def test_files_are_found_sorted_in_subfolders_without_hidden_ones(tmp_path):
    for name in ("b.wav", "a/z.flac", "a/deep/y", ".hidden.wav", ".git/x.wav", "a/.cache/x.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "broken_link.wav").symlink_to("absent")
    os.mkfifo(tmp_path / "pipe.wav")
    expected = ("a/deep/y", "a/z.flac", "b.wav", "broken_link.wav")
    assert find_files(tmp_path) == [str(tmp_path / name) for name in expected]


def test_a_folder_that_is_missing_a_file_or_empty_is_refused(tmp_path):
    with pytest.raises(InputError, match="--data_dir=.*absent does not exist; give a folder"):
        find_files(tmp_path / "absent")
    with pytest.raises(InputError, match="--data_dir=.* has no files; give a folder"):
        find_files(tmp_path)
    (tmp_path / "clip.wav").touch()
    with pytest.raises(InputError, match="--data_dir=.*clip.wav is a file; give a folder"):
        find_files(tmp_path / "clip.wav")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Forty recordings, two of them twice."""
    folder = tmp_path_factory.mktemp("many")
    write_vowels(folder, range(80, 120), num_samples=2000)
    for f0_hz in (90, 100):
        (folder / f"copy{f0_hz}.wav").write_bytes((folder / f"{f0_hz}.wav").read_bytes())
    return preflight(str(folder), ClipStore(CONFIG)).recordings


def test_a_split_holds_out_about_the_fraction_and_loses_nothing(many):
    sizes = []
    for seed in range(50):
        train, held_out = split_holdout(many, 0.25, seed)
        assert sorted(r.name for r in train + held_out) == sorted(r.name for r in many)
        sizes.append(len(held_out))
    assert np.mean(sizes) == pytest.approx(0.25 * 42, abs=1.5)  # 3.7 standard errors
    assert len(set(sizes)) > 3
    assert split_holdout(many, 0, seed=0) == (many, [])
    assert all(split_holdout(many, 1e-9, seed)[1] for seed in range(20))


def test_a_recordings_side_stays_when_others_come_and_copies_share_it(many):
    for seed in range(10):
        train = {r.name for r in split_holdout(many, 0.3, seed)[0]}
        for f0_hz in (90, 100):
            assert (f"{f0_hz}.wav" in train) == (f"copy{f0_hz}.wav" in train)
        train_of_half = {r.name for r in split_holdout(many[::2], 0.3, seed)[0]}
        assert train_of_half == train & {r.name for r in many[::2]}


def test_a_split_that_cannot_be_names_the_flag(many):
    for fraction in (-0.1, 1, float("nan")):
        with pytest.raises(InputError, match=f"--data_holdout={fraction} must be"):
            split_holdout(many, fraction, 0)
    with pytest.raises(InputError, match="--data_holdout=0.5 leaves none of 1 recordings"):
        split_holdout(many[:1], 0.5, 0)
