"""The report on a folder, the split of recordings, and training data from a folder of trouble."""

import os

import numpy as np
import pytest
import torture

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import preflight, printable, split_holdout
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


def test_every_bad_file_is_left_out_with_its_reason_and_every_odd_one_used(trouble):
    folder, words, report = trouble
    left_out = {name: reason for files in report.left_out.values() for name, reason in files}
    assert set(left_out) == set(words) and len(words) > 30
    assert all(word in left_out[name] for name, word in words.items())
    assert [name for name, _ in report.left_out["too short"]] == [torture.TOO_SHORT]
    assert {name for name, _ in report.left_out["silent"]} == set(torture.SILENT)
    expected = {printable(name) for name in torture.good_files()} | {torture.DUPLICATE[0]}
    assert {recording.name for recording in report.recordings} == expected
    assert report.not_audio == torture.NOT_AUDIO
    assert report.duplicates == [tuple(sorted(torture.DUPLICATE, reverse=True))]
    text = "\n".join(report.lines())
    num_files = len(report.recordings) + len(words) + 4
    assert f"{len(expected)} of {num_files} files in {folder}" in text
    assert "2 .txt, " in text and "unreadable, left out: " in text
    assert f".. and {len(words) - 4 - 5} more, all named in data.json" in text


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
    for name in "abcdefg":
        (tmp_path / f"{name}.wav").write_text("text")
    write_vowels(tmp_path, [100, 120], num_samples=1999)
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(InputError) as raised:
        preflight(str(tmp_path), ClipStore(CONFIG))
    message = str(raised.value)
    counts = "none of its 10 files can be used: 7 unreadable, 2 too short, 1 not audio"
    assert message.startswith(f"--data_dir={tmp_path}: {counts}")
    assert "1999 samples at 16000 Hz are less than --data_slice_len=2000" in message
    assert "--data_first_slice or --data_pad_end takes them" in message
    assert ".. and 2 more\n" in message  # no data.json is written then


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


def test_linked_folders_are_used_and_those_passed_over_are_listed(tmp_path):
    write_vowels(tmp_path / "real", [100])
    write_vowels(tmp_path / "data", [140])
    for name, target in (("a", "../real"), ("b", "../real"), ("gone", "nowhere")):
        (tmp_path / "data" / name).symlink_to(target)
    report = preflight(str(tmp_path / "data"), ClipStore(CONFIG))
    assert [recording.name for recording in report.recordings] == ["140.wav", "a/100.wav"]
    passed_over = {"b": "the same folder as a", "gone": "a link to nothing (nowhere)"}
    assert report.to_dict()["passed_over"] == passed_over
    text = "\n".join(report.lines())
    assert all(f"    {name}: {why}" in text for name, why in passed_over.items())


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
    with pytest.raises(InputError, match="--data_holdout=nan must be"):
        split_holdout(many, float("nan"), 0)
    with pytest.raises(InputError, match="--data_holdout=0.5 leaves none of 1 recordings"):
        split_holdout(many[:1], 0.5, 0)
