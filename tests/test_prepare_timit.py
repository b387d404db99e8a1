"""prepare_timit, run as a user runs it."""

import csv
import json
import shutil

import numpy as np
import pytest
from conftest import assert_refused
from made_timit import SENTENCES, make_tree
from scipy.io import wavfile

from wavegan_tf.analysis import textgrid

TOOL = "-m wavegan_tf.tools.prepare_timit"
COLUMNS = (
    "file duration_s pattern word phones start_sample end_sample source speaker sex dialect split "
    "sentence"
).split()
# Folder and word, sentence, first and last phone.
CLIPS = [
    ("TV/take", "TRAIN/DR1/FCJF0/SX37", 1, 3),
    ("sTV/speed", "TRAIN/DR1/FCJF0/SX37", 6, 9),
    ("TV/to", "TEST/DR3/FDEF1/SA2", 1, 3),
    ("TV/carry", "TEST/DR3/FDEF1/SA2", 4, 6),
]


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def files_of(folder):
    """Every file's bytes by path, but for config.json, which has the flags."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.name != "config.json"
    }


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("timit"))


@pytest.fixture(scope="module")
def default(tree, tmp_path_factory, run_script):
    """What the command writes with no other flag, and what it says."""
    out_dir = tmp_path_factory.mktemp("out") / "tv"
    return out_dir, run_script(TOOL, f"--timit_dir={tree}", f"--out_dir={out_dir}")


def test_clips_are_the_samples_of_the_recording_exactly(default):
    out_dir, result = default
    assert result.returncode == 0, result.stderr
    manifest = rows_of(out_dir / "manifest.csv")
    assert list(manifest[0]) == COLUMNS
    assert len(manifest) == len(list(out_dir.rglob("*.wav"))) == len(CLIPS)
    for row, (stem, name, first, last) in zip(manifest, CLIPS, strict=True):
        made = SENTENCES[name]
        start, end = made.span(first, last)
        split, dialect, speaker, sentence = name.split("/")
        assert row == {
            "file": f"clips/{stem}_{speaker}_{sentence}_{start:06d}.wav",
            "duration_s": repr((end - start) / 16000),
            "pattern": "#" + stem.split("/")[0],
            "word": stem.split("/")[1],
            "phones": " ".join(label for label, _ in made.phones[first : last + 1]),
            "start_sample": str(start),
            "end_sample": str(end),
            "source": f"{name}.WAV",
            "speaker": speaker,
            "sex": speaker[0],
            "dialect": dialect,
            "split": split.lower(),
            "sentence": sentence,
        }
        rate_hz, samples = wavfile.read(out_dir / row["file"])
        assert rate_hz == 16000 and samples.dtype == np.int16
        expected = made.samples(list(SENTENCES).index(name))[start:end]
        np.testing.assert_array_equal(samples, expected)


def test_textgrids_have_the_phones_and_words_of_the_clip(default):
    out_dir, _ = default
    grid = textgrid.read(out_dir / "clips" / "sTV" / "speed_FCJF0_SX37_002020.TextGrid")
    assert [tier.name for tier in grid.tiers] == ["words", "phones"]
    words, phones = ([tuple(interval) for interval in tier.intervals] for tier in grid.tiers)
    ends = [0, 600, 750, 840, 1540]  # s pcl p iy
    assert phones == [
        (label, start / 16000, end / 16000)
        for label, start, end in zip(["s", "pcl", "p", "iy"], ends, ends[1:], strict=False)
    ]
    assert words == [("speed", 0.0, 1540 / 16000)]


def test_counts_have_near_misses_and_what_was_left_out_and_are_not_compared(default):
    out_dir, result = default
    tv, stv = rows_of(out_dir / "counts.csv")
    assert tv == {
        "pattern": "#TV", "tokens": "3", "sa_tokens": "2", "paper": "NaN", "difference": "NaN",
        "too_long": "1", "sa": "0", "unusable": "0", "other_closure": "1", "no_closure": "2",
        "no_release": "1", "inserted": "1", "word_edge": "1",
    }  # fmt: skip
    assert (stv["tokens"], stv["paper"], stv["difference"]) == ("1", "NaN", "NaN")
    assert "#sTV" in result.stdout and "4930" not in result.stdout
    note = "4 of TIMIT's 6300 sentences used: not comparable with the paper's counts"
    assert note in result.stdout.splitlines()
    left_out = rows_of(out_dir / "left_out.csv")
    assert len(left_out) == 7
    assert left_out[-1] == {
        "reason": "too_long", "pattern": "#TV", "word": "paw", "phones": "pcl p ao",
        "start_sample": "2895", "end_sample": "20155", "source": "TEST/DR3/FDEF1/SA2.WAV",
    }  # fmt: skip
    assert rows_of(out_dir / "problems.csv") == []
    config = json.loads((out_dir / "config.json").read_text())
    assert config["command"] == "prepare_timit" and config["flags"]["slice_len"] == 16384
    assert (config["sentences"], config["sentences_used"], config["clips"]) == (4, 4, 4)


def test_the_same_command_and_a_copy_in_lower_case_and_riff_give_the_same_clips(
    default, tmp_path, run_script
):
    out_dir, _ = default
    make_tree(tmp_path / "data" / "lower", upper=False, riff=True)
    result = run_script(TOOL, f"--timit_dir={tmp_path}/data", f"--out_dir={tmp_path}/out")
    assert result.returncode == 0, result.stderr
    ours, theirs = files_of(out_dir), files_of(tmp_path / "out")
    assert list(ours) == list(theirs)
    for name, content in ours.items():
        same = theirs[name]
        if name in ("manifest.csv", "left_out.csv"):  # they name the recordings
            content, same = content.lower(), same.lower()
        assert content == same, name


def test_words_that_share_a_phone_are_cut_with_it_and_have_it_in_their_textgrid(
    tree, tmp_path, run_script
):
    out_dir, listed = tmp_path / "words", tmp_path / "listed.txt"
    listed.write_text("your\nHad\n")
    result = run_script(TOOL, f"--timit_dir={tree}", f"--out_dir={out_dir}", f"--words={listed}")
    assert result.returncode == 0, result.stderr
    rows = [row for row in rows_of(out_dir / "manifest.csv") if row["sentence"] == "SA1"]
    assert [(row["word"], row["phones"], row["pattern"]) for row in rows] == [
        ("had", "hv eh dcl jh", ""),
        ("your", "jh ih axr", ""),
    ]
    made = SENTENCES["TEST/DR3/FDEF1/SA1"]
    for row, (first, last) in zip(rows, [(3, 6), (6, 8)], strict=True):
        start, end = made.span(first, last)
        assert row["file"] == f"clips/{row['word']}/{row['word']}_FDEF1_SA1_{start:06d}.wav"
        samples = wavfile.read(out_dir / row["file"])[1]
        np.testing.assert_array_equal(samples, made.samples(2)[start:end])
        grid = textgrid.read((out_dir / row["file"]).with_suffix(".TextGrid"))
        words = [tuple(interval) for interval in grid.tiers[0].intervals]
        assert words == [(row["word"], 0.0, (end - start) / 16000)]


def test_all_words_and_a_set_of_the_papers_are_counted(tree, tmp_path, run_script):
    flags = f"--timit_dir={tree}", "--allow_longer"
    result = run_script(TOOL, *flags, "--words=paper_all", f"--out_dir={tmp_path}/all")
    assert result.returncode == 0, result.stderr
    words = [word for made in SENTENCES.values() for word, *_ in made.words]
    counts = {row["word"]: int(row["tokens"]) for row in rows_of(tmp_path / "all" / "counts.csv")}
    assert counts == {word: words.count(word) for word in words}
    result = run_script(TOOL, *flags, "--words=Paper5", f"--out_dir={tmp_path}/five")
    assert result.returncode == 2
    assert "no token of oily, rag" in result.stderr
    rows = rows_of(tmp_path / "five" / "counts.csv")
    assert [(row["word"], row["tokens"]) for row in rows] == [
        ("oily", "0"), ("rag", "0"), ("suit", "1"), ("water", "2"), ("year", "0"),
    ]  # fmt: skip


def test_what_cannot_be_used_is_named_and_the_rest_is_cut(tree, default, tmp_path, run_script):
    broken = tmp_path / "broken"
    shutil.copytree(tree, broken)
    sa2, sx37 = broken / "TEST/DR3/FDEF1/SA2.WAV", broken / "TRAIN/DR1/FCJF0/SX37.WAV"
    (broken / "TRAIN/DR2/MABC0/SI5.PHN").unlink()
    sx37.write_bytes(b"NIST_1A\n   1024\n")
    # Ends with "to", 350 .. 870; "carry" is cut off.
    wavfile.write(sa2, 16000, SENTENCES["TEST/DR3/FDEF1/SA2"].samples(3)[:870])
    result = run_script(TOOL, f"--timit_dir={broken}", f"--out_dir={tmp_path}/out")
    assert result.returncode == 2
    missing = "file missing: 1, all in problems.csv; TRAIN/DR2/MABC0/SI5.WAV: no .PHN beside"
    assert missing in result.stderr
    assert "no token of #sTV" in result.stderr
    problems = rows_of(tmp_path / "out/problems.csv")
    assert [(row["problem"], row["file"]) for row in problems] == [
        ("file missing", "TRAIN/DR2/MABC0/SI5.WAV"),
        ("recording unreadable", "TRAIN/DR1/FCJF0/SX37.WAV"),
        ("span past the end", "TEST/DR3/FDEF1/SA2.WAV"),
    ]
    assert "header" in problems[1]["detail"] and str(broken) not in problems[1]["detail"]
    assert problems[2]["detail"] == "#TV, 870 .. 1710, of 870 samples"
    (clip,) = (tmp_path / "out").rglob("*.wav")
    whole = default[0] / "clips" / "TV" / "to_FDEF1_SA2_000350.wav"
    assert clip.name == whole.name and clip.read_bytes() == whole.read_bytes()
    (tv, stv) = rows_of(tmp_path / "out/counts.csv")
    assert (tv["tokens"], tv["unusable"]) == ("1", "2")
    assert (stv["tokens"], stv["unusable"]) == ("0", "1")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--pattern=#T[V"], ["--pattern=#T[V", "'[' is neither", "    ^"]),
        (["--pattern=#{zh}V"], ["--pattern=#{zh}V: no token to write in the 4"]),
        (["--words=xylophone"], ["--words=xylophone: no token to write in the 4"]),
        (["--words=water", "--pattern=#TV"], ["--pattern and --words", "give one"]),
        (["--words=water,Water"], ["--words=water,Water: 'Water' is twice"]),
        (["--words=none.txt"], ["--words=none.txt: no such file"]),
        (["--words=paper11"], ["--words=paper11: paper11 is no word", "paper10, paper_all"]),
        (["--pattern=#{t,p}V"], ["--pattern=#{t: ", "a comma begins another pattern"]),
        (["--words=water", "--num_words=3"], ["--num_words=3", "add --words=paper_all"]),
        (["--allow_longer", "--slice_len=9"], ["--allow_longer", "leave out --slice_len"]),
        (["--splits=dev"], ["--splits=dev: is none of train, test"]),
    ],
)
def test_flags_that_cannot_be_met_are_refused_and_nothing_is_written(
    tree, tmp_path, run_script, flags, words
):
    result = run_script(TOOL, f"--timit_dir={tree}", f"--out_dir={tmp_path}/out", *flags)
    assert_refused(result, *words)
    assert result.returncode == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_timit_and_a_used_out_dir_are_refused(tree, tmp_path, run_script):
    result = run_script(TOOL, f"--timit_dir={tmp_path}", f"--out_dir={tmp_path}/out")
    assert_refused(result, f"--timit_dir={tmp_path}: not TIMIT's tree")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    result = run_script(TOOL, f"--timit_dir={tree}", f"--out_dir={tmp_path}/out")
    assert_refused(result, "exists and is not empty", "--overwrite")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    (tmp_path / "out" / "config.json").write_text('{"command": "prepare_words"}')
    result = run_script(TOOL, f"--timit_dir={tree}", f"--out_dir={tmp_path}/out", "--overwrite")
    assert_refused(result, f"--out_dir={tmp_path}/out: holds what prepare_words made")


def test_recordings_of_another_rate_are_refused_and_nothing_is_written(tree, tmp_path, run_script):
    shutil.copytree(tree, tmp_path / "tree")
    path = tmp_path / "tree" / "TEST/DR3/FDEF1/SA2.WAV"
    wavfile.write(path, 8000, np.ones(9000, np.int16))
    result = run_script(TOOL, f"--timit_dir={tmp_path}/tree", f"--out_dir={tmp_path}/out")
    assert_refused(result, "SA2.WAV: a rate of 8000 Hz", "samples at 16000 Hz")
    assert not (tmp_path / "out").exists()
