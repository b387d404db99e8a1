"""TIMIT's tree, its transcriptions and what is cut from them; prepare_timit as a user runs it."""

import json
import re
import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from conftest import assert_refused
from made_timit import SENTENCES, make_tree
from scipy.io import wavfile

from wavegan_tf.corpora import timit
from wavegan_tf.corpora.patterns import parse
from wavegan_tf.errors import InputError
from wavegan_tf.speech.textgrids import read_textgrid

COMMAND = "-m wavegan_tf prepare_timit"
SX37, SI5, SA1, SA2 = SENTENCES
# Folder and word, sentence, first and last phone.
CLIPS = [("TV/take", SX37, 1, 3), ("sTV/speed", SX37, 6, 9), ("TV/to", SA2, 1, 3),
         ("TV/carry", SA2, 4, 6)]  # fmt: skip


def read_all(root):
    problems = []
    root, sentences = timit.find_sentences(str(root), timit.SPLITS)
    return list(timit.read_sentences(root, sentences, problems)), problems


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def read(tree):
    return read_all(tree)[0]


def test_a_folder_that_is_not_one_whole_tree_is_refused(tmp_path, tree):
    def refused(folder, words):
        with pytest.raises(InputError, match=words):
            timit.find_sentences(str(folder), timit.SPLITS)

    (tmp_path / "a.wav").write_bytes(b"")
    refused(tmp_path, "--timit_dir=.*: this is not TIMIT; give the folder with TRAIN and TEST")
    refused(tree / "TRAIN", "this is not TIMIT")
    refused(tmp_path / "a.wav", "--timit_dir=.*: there is no such folder")
    for name in ("one", "two"):
        shutil.copytree(tree, tmp_path / name)
    refused(tmp_path, r"more than once: .*/one, .*/two; give one")
    root = tmp_path / "one"
    shutil.copytree(root / "TRAIN" / "DR1", root / "TEST" / "DR1")
    refused(root, "speaker FCJF0 is in .*TEST.* and in .*TRAIN.*; remove one of them")
    shutil.rmtree(root / "TEST")
    refused(root, "--splits=test: .* no sentence such as TEST/DR1")
    assert len(timit.find_sentences(str(root), ["train"])[1]) == 2


def test_copies_of_a_recording_and_other_files_are_passed_over(tmp_path):
    make_tree(tmp_path)
    folder = tmp_path / "TRAIN" / "DR1" / "FCJF0"
    for name in ("SX37.WAV.wav", "._SX37.WAV", "SX37.npy", "notes.WAV", "SX37.PHN.WAV"):
        (folder / name).write_bytes(b"")
    for name in ("SX37.WAV", "SX37.WAV.wav"):
        sentence, *others = timit.find_sentences(str(tmp_path), timit.SPLITS)[1]
        assert sentence.files["WAV"] == f"TRAIN/DR1/FCJF0/{name}" and len(others) == 3
        (folder / name).unlink()


def spoil(tree, name, text):
    (tree / "TRAIN" / "DR1" / "FCJF0" / name).write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("SX37.PHN", "0 5.5 h#\n", "SX37.PHN: empty; .*line 1: 0 5.5 h#: not START END LABEL"),
        ("SX37.WRD", "-5 5 take\n", "SX37.WRD: empty; SX37.WRD, line 1: -5 5 take: not"),
        ("SX37.WRD", "\n", "SX37.WRD: empty"),
    ],
)
def test_a_transcription_without_a_line_is_named_and_the_others_are_used(
    tmp_path, name, text, words
):
    make_tree(tmp_path)
    spoil(tmp_path, name, text)
    used, (problem,) = read_all(tmp_path)
    assert len(used) == 3
    assert problem[:2] == ("transcription unreadable", "TRAIN/DR1/FCJF0/SX37.WAV")
    assert re.search(words.replace("SX37.WRD,", ".*SX37.WRD,"), problem.detail)


@pytest.mark.parametrize(
    ("line", "words", "expected"),
    [
        ("500 660 xx", "line 2: 500 660 xx: none of TIMIT's 61", ["h#", "", "t"]),
        ("400 660 tcl", "line 2: 400 660 tcl: starts before .* at 500", ["h#", "", "t"]),
        ("660 500 tcl", "line 2: 660 500 tcl: not START END LABEL, with", ["h#", "", "t"]),
        ("500 500 tcl", None, ["h#", "", "t"]),
        ("660 900 t", "line 3: 660 900 t: starts before .* at 900", ["h#", "", "t"]),
    ],
)
def test_a_line_that_cannot_be_right_is_left_out_and_a_gap_stays(tmp_path, line, words, expected):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", f"0 500 h#\n{line}\n660 900 t\n")
    (said, *others), problems = read_all(tmp_path)
    assert [phone.label for phone in said.phones] == expected and len(others) == 3
    assert [problem.problem for problem in problems] == ["line left out"] * bool(words)
    assert not words or re.search(words, problems[0].detail)


def test_transcriptions_in_any_order_and_encoding_are_read(tmp_path):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", "\ufeff500 660 tcl\n0 500 h#\n")
    spoil(tmp_path, "SX37.WRD", "0 600 Don’t\n")
    (said, *_), problems = read_all(tmp_path)
    assert [word.label for word in said.words] == ["don't"]
    assert [phone.label for phone in said.phones] == ["h#", "tcl"] and not problems


def test_phones_on_both_sides_of_an_unlabelled_stretch_are_no_neighbours(tmp_path):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", "0 500 h#\n500 660 tcl\n700 900 t\n900 1700 ey\n")
    said = read_all(tmp_path)[0][:1]
    assert not timit.plan_cuts(said, [parse("#TV")]).cuts
    assert [phone.label for phone in said[0].phones] == ["h#", "tcl", "", "t", "ey"]
    (cut,) = timit.plan_cuts(said, words=["take"]).cuts
    assert cut.row["phones"] == "tcl t ey"


def test_a_phone_is_of_the_word_that_holds_its_middle(tmp_path):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", "0 100 h#\n100 200 s\n200 300 ae\n300 401 m\n")
    spoil(tmp_path, "SX37.WRD", "20 150 a\n150 350 b\n351 401 c\n")
    (said, *_), _ = read_all(tmp_path)
    assert said.owners == [(0,), (1,), (1,), ()]  # middles 50, 150, 250, 350.5


def test_without_sa_sentences_they_are_counted_and_not_cut(read):
    plan = timit.plan_cuts(read, words=["had", "water"], sa=False)
    (cut,) = (cut for cut in plan.cuts if cut.outcome == "tokens")
    names = ("source", "start_sample", "end_sample")
    assert [cut.row[x] for x in names] == [f"{SI5}.WAV", *SENTENCES[SI5].span(8, 10)]
    assert plan.num_sentences == 2 and timit.left_out_table(plan).empty
    assert timit.count_table(plan)["sa"].tolist() == [1, 2]


def test_every_word_means_the_most_frequent_first_and_equals_alphabetically(read):
    everything = timit.plan_cuts(read).kinds
    assert everything[:4] == ["to", "had", "water", "a"]  # 3, 2, 2, then of 1 each
    assert everything[3:] == sorted(everything[3:])
    assert "suit" not in timit.plan_cuts(read, sa=False).kinds


def test_names_have_hyphens_for_spaces_and_the_signs_of_patterns():
    assert timit.plain_name("to a/b") == "to-a%2Fb"
    assert timit.plain_name("({tcl})V#(s)") == "tcl-V-s"
    assert timit.plain_name("") == timit.plain_name(".") == "_"
    names = timit.folder_names(["#TV", "#tV", "#sTV", "TV#", "V{sh}#V"])
    assert list(names.values()) == ["TV", "tV-2", "sTV", "TV-3", "V-sh-V"]


def counted(what, numbers, num_sentences, everything=False):
    """A plan of so many tokens by pattern or word."""
    cuts = [timit.Cut(x, {"sentence": "SI5"}, [], "tokens") for x in numbers.elements()]
    return timit.Plan(what, list(numbers), cuts, num_sentences, everything)


def test_a_table_of_many_words_is_cut_and_summed():
    numbers = Counter({f"word{i}": 2 for i in range(31)})
    lines = timit.counts_text(counted("word", numbers, 6300, everything=True)).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1
    assert lines[21].split()[:3] == ["all", "31", "62"]
    assert lines[22] == "the paper: 54378 tokens of 6229 words"


@pytest.mark.parametrize(
    ("what", "numbers", "paper", "difference"),
    [
        ("word", Counter(water=650, wash=5), [649, None], [1, None]),
        ("pattern", Counter({"#TV": 4900, "#sTV": 540}), [4930, 533], [-30, 7]),
    ],
)
def test_counts_are_compared_with_the_papers_only_where_all_of_timit_is_used(
    what, numbers, paper, difference
):
    note = "6299 of TIMIT's 6300 sentences used: not comparable with the paper's counts"
    for plan, expected in (
        (counted(what, numbers, 6300), [paper, difference]),
        (counted(what, numbers, 6299), [[None, None]] * 2),
    ):
        table = timit.count_table(plan)[["paper", "difference"]].astype(object)
        assert table.T.replace({pd.NA: None}).values.tolist() == expected
        assert (note in timit.counts_text(plan)) == (plan.num_sentences < 6300)


def rows_of(path):
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")


def files_of(folder):
    """Every file's bytes by path, but for config.json, which has the flags."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != "config.json")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


def prepare(run_script, timit_dir, out_dir, *flags, status=0):
    result = run_script(COMMAND, f"--timit_dir={timit_dir}", f"--out_dir={out_dir}", *flags)
    assert result.returncode == status, result.stderr
    return result


@pytest.fixture(scope="module")
def default(tree, tmp_path_factory, run_script):
    """What the command writes with no other flag, and what it says."""
    out_dir = tmp_path_factory.mktemp("out") / "tv"
    return out_dir, prepare(run_script, tree, out_dir)


def test_clips_are_the_samples_of_the_recording_exactly(default):
    out_dir, _ = default
    manifest = rows_of(out_dir / "manifest.csv")
    assert len(manifest) == len(list(out_dir.rglob("*.wav"))) == len(CLIPS)
    for row, (stem, name, first, last) in zip(manifest, CLIPS, strict=True):
        made = SENTENCES[name]
        start, end = made.span(first, last)
        split, dialect, speaker, sentence = name.split("/")
        folder, word = stem.split("/")
        phones = " ".join(label for label, _ in made.phones[first : last + 1])
        assert list(row.items()) == [
            ("file", f"clips/{stem}_{speaker}_{sentence}_{start:06d}.wav"),
            ("duration_s", repr((end - start) / 16000)), ("pattern", f"#{folder}"), ("word", word),
            ("phones", phones), ("start_sample", str(start)), ("end_sample", str(end)),
            ("source", f"{name}.WAV"), ("speaker", speaker), ("sex", speaker[0]),
            ("dialect", dialect), ("split", split.lower()), ("sentence", sentence),
        ]  # fmt: skip
        rate_hz, samples = wavfile.read(out_dir / row["file"])
        assert rate_hz == 16000 and samples.dtype == np.int16
        expected = made.samples(list(SENTENCES).index(name))[start:end]
        np.testing.assert_array_equal(samples, expected)


def test_textgrids_have_the_phones_and_words_of_the_clip(default):
    grid = read_textgrid(default[0] / "clips" / "sTV" / "speed_FCJF0_SX37_002020.TextGrid")
    edges = [("s", 0, 600), ("pcl", 600, 750), ("p", 750, 840), ("iy", 840, 1540)]
    phones = [(label, start / 16000, end / 16000) for label, start, end in edges]
    assert grid.tiers == [("words", [("speed", 0.0, 1540 / 16000)]), ("phones", phones)]


def test_counts_have_near_misses_and_what_was_left_out(default):
    out_dir, result = default
    tv, stv = rows_of(out_dir / "counts.csv")
    assert tv == {
        "pattern": "#TV", "tokens": "3", "sa_tokens": "2", "paper": "NaN", "difference": "NaN",
        "too_long": "1", "sa": "0", "unusable": "0", "other_closure": "1", "no_closure": "2",
        "no_release": "1", "inserted": "1", "word_edge": "1",
    }  # fmt: skip
    assert stv["tokens"] == "1" and "#sTV" in result.stdout
    left_out = rows_of(out_dir / "left_out.csv")
    assert [tuple(row.values())[:4] for row in left_out] == [
        ("no_closure", "#TV", "come", "k ah"),
        ("other_closure", "#TV", "to", "dcl t ux"),
        ("no_closure", "#TV", "time", "t ay"),
        ("no_release", "#TV", "pat", "pcl ae"),
        ("inserted", "#TV", "cat", "kcl k q ae"),
        ("word_edge", "#TV", "to a", "tcl t ax"),
        ("too_long", "#TV", "paw", "pcl p ao"),
    ]
    assert tuple(left_out[-1].values())[4:] == ("2895", "20155", "TEST/DR3/FDEF1/SA2.WAV")
    assert rows_of(out_dir / "problems.csv") == []
    config = json.loads((out_dir / "config.json").read_text())
    assert config["command"] == "prepare_timit" and config["flags"]["slice_len"] == 16384
    assert (config["sentences"], config["sentences_used"], config["clips"]) == (4, 4, 4)


def test_a_copy_in_lower_case_and_riff_gives_the_same_clips(default, tmp_path, run_script):
    make_tree(tmp_path / "data" / "two" / "below", upper=False, riff=True)
    prepare(run_script, tmp_path / "data", tmp_path / "out")
    ours, theirs = files_of(default[0]), files_of(tmp_path / "out")
    assert list(ours) == list(theirs)
    for name in ours:  # tables name the recordings
        same = bytes.lower if name in ("manifest.csv", "left_out.csv") else bytes
        assert same(ours[name]) == same(theirs[name])


def test_words_that_share_a_phone_are_cut_with_it(tree, tmp_path, run_script):
    out_dir, listed = tmp_path / "words", tmp_path / "listed.txt"
    listed.write_text("your\nHad\n")
    prepare(run_script, tree, out_dir, f"--words={listed}")
    rows = [row for row in rows_of(out_dir / "manifest.csv") if row["sentence"] == "SA1"]
    spans = [("had", "hv eh dcl jh", 3, 6), ("your", "jh ih axr", 6, 8)]
    for row, (word, phones, first, last) in zip(rows, spans, strict=True):
        start, end = SENTENCES[SA1].span(first, last)
        assert [row[x] for x in ("word", "phones", "pattern")] == [word, phones, ""]
        assert row["file"] == f"clips/{word}/{word}_FDEF1_SA1_{start:06d}.wav"
        grid = read_textgrid((out_dir / row["file"]).with_suffix(".TextGrid"))
        assert grid.tiers[0].intervals == [(word, 0.0, (end - start) / 16000)]


def test_all_words_and_a_set_of_the_papers_are_counted(tree, tmp_path, run_script):
    prepare(run_script, tree, tmp_path / "all", "--allow_longer", "--words=paper_all")
    words = Counter(word for made in SENTENCES.values() for word, *_ in made.words)
    counts = {row["word"]: int(row["tokens"]) for row in rows_of(tmp_path / "all" / "counts.csv")}
    assert counts == words
    result = prepare(run_script, tree, tmp_path / "five", "--words=Paper5", status=2)
    assert "no token of oily, rag" in result.stderr
    rows = rows_of(tmp_path / "five" / "counts.csv")
    tokens = {"oily": "0", "rag": "0", "suit": "1", "water": "2", "year": "0"}
    assert {row["word"]: row["tokens"] for row in rows} == tokens


def test_what_cannot_be_used_is_named_and_the_rest_is_cut(tree, default, tmp_path, run_script):
    broken = tmp_path / "broken"
    shutil.copytree(tree, broken)
    (broken / f"{SI5}.PHN").unlink()
    (broken / f"{SX37}.WAV").write_bytes(b"NIST_1A\n   1024\n")
    # Ends with "to", 350 .. 870; "carry" is cut off.
    wavfile.write(broken / f"{SA2}.WAV", 16000, SENTENCES[SA2].samples(3)[:870])
    result = prepare(run_script, broken, tmp_path / "out", status=2)
    missing = f"file missing: 1, all in problems.csv; {SI5}.WAV: no .PHN beside"
    assert missing in result.stderr and "no token of #sTV" in result.stderr
    problems = rows_of(tmp_path / "out/problems.csv")
    assert [(row["problem"], row["file"]) for row in problems] == [
        ("file missing", f"{SI5}.WAV"),
        ("recording unreadable", f"{SX37}.WAV"),
        ("span past the end", f"{SA2}.WAV"),
    ]
    assert str(broken) not in problems[1]["detail"]
    assert problems[2]["detail"] == "#TV, 870 .. 1710, of 870 samples"
    (clip,) = (tmp_path / "out").rglob("*.wav")
    whole = default[0] / "clips" / "TV" / "to_FDEF1_SA2_000350.wav"
    assert clip.name == whole.name and clip.read_bytes() == whole.read_bytes()
    counts = rows_of(tmp_path / "out/counts.csv")
    assert [(row["tokens"], row["unusable"]) for row in counts] == [("1", "2"), ("0", "1")]


def test_an_end_up_to_20_ms_past_the_sound_is_cut_and_one_beyond_is_lost(tmp_path):
    make_tree(tmp_path)
    samples, (start, end) = SENTENCES[SX37].samples(0), SENTENCES[SX37].span(13, 15)  # come
    for past, written in ((320, 1), (321, 0)):
        wavfile.write(tmp_path / f"{SX37}.WAV", 16000, samples[: end - past])
        said, problems = read_all(tmp_path)
        plan = timit.plan_cuts(said, words=["come"])
        made = list(timit.make_clips(str(tmp_path), plan, problems))
        assert (len(made), len(problems)) == (written, 1 - written)
        for clip in made:
            assert clip.row["end_sample"] == end - past and len(clip.samples) == end - past - start
            assert clip.tiers[0].intervals == [("come", 0.0, (end - past - start) / 16000)]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--pattern=#{zh}V"], ["no token to write", "--help has the notation"]),
        (["--words=paw"], ["--words=paw: no token to write; --allow_longer or", "too_long"]),
        (["--words=water", "--pattern=#TV"], ["--pattern and --words", "give one"]),
        (["--pattern=#{t,p}V"], ["--pattern=#{t: ", "a comma begins another pattern"]),
        (["--splits=dev"], ["--splits=dev: must be one of train, test"]),
    ],
)
def test_flags_that_cannot_be_met_are_refused_and_nothing_is_written(
    tree, tmp_path, run_script, flags, words
):
    result = prepare(run_script, tree, tmp_path / "out", *flags, status=1)
    assert_refused(result, *words)
    assert not (tmp_path / "out").exists()


def test_recordings_of_another_rate_are_refused(tree, read):
    plan = timit.plan_cuts(read, words=["take"])
    plan.cuts[0].row["source"] = "low.wav"
    wavfile.write(tree / "low.wav", 8000, np.ones(9000, np.int16))
    with pytest.raises(InputError, match="low.wav: a rate of 8000 Hz; .* samples at 16000 Hz"):
        list(timit.make_clips(str(tree), plan, []))
