"""prepare_words end to end on a small made corpus; each sample says where it comes from."""

import json
import shutil

import numpy as np
import pytest
from conftest import assert_refused
from scipy.io import wavfile

from wavegan_tf.analysis import textgrid
from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.textgrid import TextGrid, Tier
from wavegan_tf.report import tables

TOOL = "-m wavegan_tf.tools.prepare_words"
RATE = 16000
COLUMNS = (
    "file duration_s pattern word phones start_sample end_sample source speaker sex dialect split "
    "sentence"
).split()
STEP_S = 0.25  # of every word
UTTERANCES = {  # the 5, cat 3, a 2, dog 2, sat 2, zoo 1
    "dev-clean/84/121/84-121-0000": "the cat the dog <unk> sat",
    "dev-clean/84/121/84-121-0001": "THE cat sat the",
    "dev-clean/174/50/174-50-0000": "A dog the Cat a zoo",
}


def sound(number):
    """16-bit samples of an utterance: no two stretches of the corpus are equal."""
    return (np.arange(RATE * 2) + 10_000 * (number - 1)).astype(np.int16)[: int(1.75 * RATE)]


def spans(text):
    """Words begin after half a word of silence: (label, start_s, end_s)."""
    return [(w, (i + 0.5) * STEP_S, (i + 1.5) * STEP_S) for i, w in enumerate(text.split())]


def write_textgrid(path, text):
    words = [Interval(*span) for span in spans(text)]
    phones = [
        Interval(f"{half}_{label}", start_s + i * STEP_S / 2, start_s + (i + 1) * STEP_S / 2)
        for label, start_s, _ in words
        for i, half in enumerate(("on", "off"))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    textgrid.write(path, TextGrid(0.0, 1.75, [Tier("words", words), Tier("phones", phones)]))


def make_librispeech(root):
    """LibriSpeech in small: audio, and its alignments as TextGrids, CTM and in the short form."""
    short, ctm = {}, []
    for number, (name, text) in enumerate(UTTERANCES.items()):
        wav = root / "LibriSpeech" / f"{name}.wav"
        wav.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(wav, RATE, sound(number))
        write_textgrid(root / "mfa" / f"{name}.TextGrid", text)
        for label, start_s, end_s in spans(text):
            ctm.append(f"{wav.stem} 1 {start_s} {end_s - start_s} {label} 1.0\n")
        labels = ",".join(text.split()).replace("<unk>", "")
        ends = ",".join(str(end_s) for *_, end_s in spans(text))
        line = f'{wav.stem} ",{labels}," "{STEP_S / 2},{ends},1.75"\n'
        chapter = wav.parent.relative_to(root / "LibriSpeech")
        short.setdefault(chapter, []).append(line)
    (root / "words.ctm").write_text("".join(ctm))
    for chapter, lines in short.items():
        path = root / "short" / chapter / f"{chapter.parent.name}-{chapter.name}.alignment.txt"
        path.parent.mkdir(parents=True)
        path.write_text("".join(lines).upper().replace("E-", "e-"))
    (root / "LibriSpeech" / "SPEAKERS.TXT").write_text("; ID|SEX\n84 | F | dev | 8 | A\n")
    return root


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_librispeech(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="module")
def prepare(run_script, corpus, tmp_path_factory):
    """Runs the tool on the corpus; gives its result and its output directory."""

    def run(alignments="mfa", *flags, audio=None, jobs=1):
        out_dir = tmp_path_factory.mktemp("out") / "words"
        result = run_script(
            TOOL, f"--audio_dir={audio or corpus / 'LibriSpeech'}",
            f"--alignments={corpus / alignments}", f"--out_dir={out_dir}", f"--jobs={jobs}", *flags,
        )  # fmt: skip
        return result, out_dir

    return run


@pytest.fixture(scope="module")
def by_rank(prepare):
    result, out_dir = prepare("mfa", "--skip_words=1", "--num_words=3")
    assert result.returncode == 0, result.stderr
    return result, out_dir


def rows(out_dir, name="manifest.csv"):
    return tables.read_csv(out_dir / name)


def files(out_dir):
    paths = (p for p in out_dir.rglob("*") if p.is_file() and p.name != "config.json")
    return {str(p.relative_to(out_dir)): p.read_bytes() for p in paths}


def expected_cuts(words):
    """(word, utterance, number of utterance, start, end) of each token, from the plan alone."""
    cuts = [
        (label.lower(), name, number, round(start_s * RATE), round(end_s * RATE))
        for number, (name, text) in enumerate(UTTERANCES.items())
        for label, start_s, end_s in spans(text)
        if label.lower() in words
    ]
    return sorted(cuts, key=lambda cut: (f"{cut[1]}.wav", cut[3]))


def test_ranks_skip_the_most_frequent_and_every_cut_is_exact(by_rank):
    _, out_dir = by_rank
    cuts = expected_cuts({"cat", "a", "dog"})
    manifest = rows(out_dir)
    assert len(manifest) == len(cuts) == 7
    for row, (word, name, number, start, end) in zip(manifest, cuts, strict=True):
        assert list(row) == COLUMNS
        split, speaker, _, sentence = name.split("/")
        assert row == {
            "file": f"clips/{word}/{sentence}_{start:06d}.wav", "duration_s": STEP_S, "pattern": "",
            "word": word, "phones": row["phones"], "start_sample": start, "end_sample": end,
            "source": f"{name}.wav", "speaker": speaker, "sex": "F" if speaker == "84" else "",
            "dialect": "", "split": split, "sentence": sentence,
        }  # fmt: skip
        assert row["phones"].lower() == f"on_{word} off_{word}"
        rate, samples = wavfile.read(out_dir / row["file"])
        assert (rate, samples.dtype) == (RATE, np.int16)
        np.testing.assert_array_equal(samples, sound(number)[start:end])


def test_each_clip_has_its_words_and_phones_from_its_start(by_rank):
    _, out_dir = by_rank
    grid = textgrid.read(out_dir / "clips" / "dog" / "84-121-0000_014000.TextGrid")
    assert (grid.start_s, grid.end_s) == (0.0, STEP_S)
    words, phones = grid.tiers
    assert words == Tier("words", [Interval("dog", 0.0, STEP_S)])
    halves = [Interval("on_dog", 0.0, STEP_S / 2), Interval("off_dog", STEP_S / 2, STEP_S)]
    assert phones == Tier("phones", halves)


def test_counts_say_what_became_of_every_token(by_rank):
    result, out_dir = by_rank
    counts = rows(out_dir, "counts.csv")
    assert [(row["rank"], row["word"], row["chosen"], row["tokens"]) for row in counts] == [
        (1, "the", 0, 5), (2, "cat", 1, 3), (3, "a", 1, 2), (4, "dog", 1, 2), (5, "sat", 0, 2),
        (6, "zoo", 0, 1),
    ]  # fmt: skip
    assert [row["written"] for row in counts] == [0, 3, 2, 2, 0, 0]
    assert [row["not_chosen"] for row in counts] == [5, 0, 0, 0, 2, 1]
    assert "3 words of ranks 2 .. 4 of 6: cat (3), a (2), dog (2)" in result.stdout
    assert rows(out_dir, "problems.csv") == []
    assert json.loads((out_dir / "config.json").read_text())["flags"]["skip_words"] == 1


def test_every_kind_of_alignment_gives_the_same_clips(by_rank, prepare):
    _, expected = by_rank
    for kind in ("words.ctm", "short"):
        result, out_dir = prepare(kind, "--skip_words=1", "--num_words=3")
        assert result.returncode == 0, result.stderr
        without = [{**row, "phones": ""} for row in rows(expected)]
        assert rows(out_dir) == without
        for row in without:
            assert (out_dir / row["file"]).read_bytes() == (expected / row["file"]).read_bytes()
        counts = [(x / "counts.csv").read_bytes() for x in (out_dir, expected)]
        assert counts[0] == counts[1]


def test_two_processes_write_what_one_does(by_rank, prepare):
    result, out_dir = prepare("mfa", "--skip_words=1", "--num_words=3", jobs=2)
    assert result.returncode == 0, result.stderr
    assert files(out_dir) == files(by_rank[1])


def test_words_by_name_with_a_least_and_a_greatest_number(prepare):
    result, out_dir = prepare(
        "mfa", "--words=zoo,the,Sat,year", "--min_tokens=2", "--max_tokens=3", "--seed=4"
    )
    assert result.returncode == 2
    assert "--words: zoo (1), year (0) left out, which have fewer usable" in result.stderr
    counts = {row["word"]: row for row in rows(out_dir, "counts.csv")}
    assert (counts["the"]["written"], counts["the"]["over_max"]) == (3, 2)
    assert (counts["sat"]["written"], counts["zoo"]["written"]) == (2, 0)
    for row in counts.values():
        assert sum(list(row.values())[4:]) == row["tokens"]
    assert len(rows(out_dir)) == 5


def test_longer_clips_are_left_out_and_counted_unless_allowed(prepare):
    flags = ("--skip_words=0", "--num_words=1")
    result, _ = prepare("mfa", *flags, "--slice_len=3999")
    assert_refused(result, "no word is left: 0 of 6 words with --min_tokens=1 usable")
    result, out_dir = prepare("mfa", *flags, "--slice_len=4000")
    assert result.returncode == 0 and len(rows(out_dir)) == 5
    result, out_dir = prepare("mfa", *flags, "--allow_longer")
    assert result.returncode == 0 and len(rows(out_dir)) == 5


def test_other_rates_channels_and_formats_are_read_and_spans_stay_those_of_the_source(
    prepare, tmp_path, reference
):
    stereo = np.stack([sound(1), sound(1)], axis=1)[: RATE // 2]
    wavfile.write(tmp_path / "half.wav", RATE // 2, stereo)
    flac = reference / "audio" / "tone_16bit.flac"
    shutil.copy(flac, tmp_path / "tone.flac")
    (tmp_path / "x.ctm").write_text("half 1 0.25 0.5 yes\ntone 1 0.05 0.1 tone\n")
    result, out_dir = prepare(tmp_path / "x.ctm", "--skip_words=0", "--num_words=2", audio=tmp_path)
    assert result.returncode == 0, result.stderr
    half, tone = rows(out_dir)
    assert (half["start_sample"], half["end_sample"], half["duration_s"]) == (2000, 6000, 0.5)
    rate, samples = wavfile.read(out_dir / half["file"])
    assert (rate, len(samples)) == (RATE, 8000)
    ramp = np.interp(np.arange(4000, 12000) / 2, np.arange(RATE // 2), sound(1)[: RATE // 2])
    assert np.abs(samples - ramp).max() < 3
    assert tone["source"] == "tone.flac" and tone["speaker"] == ""
    samples = wavfile.read(out_dir / tone["file"])[1] / 32768
    assert len(samples) == 1600 and np.abs(samples).max() > 0.05


@pytest.fixture
def damaged(corpus, tmp_path):
    """The corpus with something wrong in every way."""
    for folder in ("LibriSpeech", "mfa"):
        shutil.copytree(corpus / folder, tmp_path / folder)
    audio, chapter = tmp_path / "LibriSpeech", "dev-clean/84/121"
    wavfile.write(audio / chapter / "84-121-0001.wav", RATE, sound(1)[: int(0.99 * RATE)])
    (audio / chapter / "84-121-0002.wav").write_bytes(b"RIFF")
    wavfile.write(audio / chapter / "84-121-0003.wav", RATE, sound(3))
    wavfile.write(audio / chapter / "84-121-0004.wav", RATE, sound(4))
    for name in ("84-121-0002", "84-121-0005"):
        write_textgrid(tmp_path / "mfa" / chapter / f"{name}.TextGrid", "cat")
    grid = TextGrid(0.0, 1.0, [Tier("ORT", [Interval("cat", 0.0, 1.0)])])
    textgrid.write(tmp_path / "mfa" / chapter / "84-121-0004.TextGrid", grid)
    return tmp_path


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(prepare, damaged):
    result, out_dir = prepare(damaged / "mfa", "--words=cat,the", audio=damaged / "LibriSpeech")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    chapter = "dev-clean/84/121"
    found = {
        (row["problem"], row["file"]): str(row["detail"]) for row in rows(out_dir, "problems.csv")
    }
    assert sorted(found) == [
        ("alignment unreadable", f"{chapter}/84-121-0004.TextGrid"),
        ("alignment without audio", f"{chapter}/84-121-0005.TextGrid"),
        ("audio unreadable", f"{chapter}/84-121-0002.wav"),
        ("audio without alignment", f"{chapter}/84-121-0003.wav"),
        ("span unusable", f"{chapter}/84-121-0001.wav"),
    ]
    details = [found[key] for key in sorted(found)]
    assert "no tier 'words' or 'SPEAKER - words', but ORT" in details[0]
    assert "no recording is named dev-clean/84/121/84-121-0005" in details[1]
    assert "'the', 0.875 .. 1.125 s" in details[4] and "in a recording of 0.99 s" in details[4]
    for (kind, file), detail in found.items():
        assert f"{kind}: 1, all in problems.csv; {file}: {detail}" in result.stderr
    counts = {row["word"]: row for row in rows(out_dir, "counts.csv")}
    cat, the = counts["cat"], counts["the"]
    assert (cat["tokens"], cat["written"], cat["no_audio"], cat["unreadable"]) == (5, 3, 1, 1)
    assert (the["tokens"], the["written"], the["bad_span"]) == (5, 4, 1)


def test_a_span_that_ends_just_after_the_recording_is_cut_there(prepare, damaged):
    end = round(1.11 * RATE)  # of the last "the", which ends at 1.125 s
    wav = damaged / "LibriSpeech" / "dev-clean/84/121/84-121-0001.wav"
    wavfile.write(wav, RATE, sound(1)[:end])
    _, out_dir = prepare(damaged / "mfa", "--words=the", audio=damaged / "LibriSpeech")
    (row,) = (r for r in rows(out_dir) if r["file"] == "clips/the/84-121-0001_014000.wav")
    assert (row["start_sample"], row["end_sample"]) == (14000, end)
    samples = wavfile.read(out_dir / row["file"])[1]
    np.testing.assert_array_equal(samples, sound(1)[14000:end])


def test_a_chosen_word_without_a_clip_is_complained_of_and_not_among_those_cut(
    prepare, corpus, tmp_path
):
    (tmp_path / "x.ctm").write_text("84-121-0000 1 0 0.5 soon\n84-121-0000 1 5 1 late\n")
    audio = corpus / "LibriSpeech/dev-clean/84/121"
    result, out_dir = prepare(tmp_path / "x.ctm", "--words=late,soon", audio=audio)
    assert result.returncode == 2
    assert "warning: no clip of: late\n" in result.stderr
    assert result.stdout.startswith(
        "1 word of rank 2 of 2: soon (1)\n2 tokens of the words chosen: 1 written, 1 bad_span\n"
    )
    late, soon = rows(out_dir, "counts.csv")
    assert (late["word"], late["chosen"], late["written"], late["bad_span"]) == ("late", 1, 0, 1)
    assert (soon["word"], soon["chosen"], soon["written"]) == ("soon", 1, 1)


def test_one_word_and_one_token_are_counted_in_the_singular(prepare):
    result, _ = prepare("mfa", "--words=zoo")
    assert result.stdout.startswith(
        "1 word of rank 6 of 6: zoo (1)\n1 token of the words chosen: 1 written\n"
    )


def test_fewer_words_than_asked_for_is_said(prepare):
    result, out_dir = prepare("mfa", "--skip_words=4", "--num_words=3")
    assert result.returncode == 2
    assert "--num_words=3: only 2 words after the 4 most frequent" in result.stderr
    assert {row["word"] for row in rows(out_dir)} == {"sat", "zoo"}


def test_nothing_left_is_refused_and_nothing_written(prepare, corpus, tmp_path):
    (tmp_path / "empty.ctm").write_text("84-121-0000 1 0 1 <unk>\n84-121-0000 1 x y z\n")
    (tmp_path / "past.ctm").write_text("84-121-0000 1 5 1 late\n")
    (tmp_path / "twice.ctm").write_text("x 1 0 1 a\n84-121-0000 1 0 1 a\nx 1 2 1 a\n")
    (tmp_path / "x.wav").write_bytes(b"")
    only_x = {"audio": tmp_path}
    for alignments, flags, options, words in (
        ("mfa", (), {}, ("no word is left: 6 of 6 words", "try --skip_words=0,")),
        (tmp_path / "empty.ctm", (), {}, ("no words", "line 2: the start 'x' is not a number")),
        (tmp_path / "past.ctm", ("--words=late",), {}, ("no clip is left", "'late', 5 .. 6 s")),
        (tmp_path / "twice.ctm", ("--words=a",), only_x, ("x.wav is aligned twice, in twice.ctm",)),
        (
            "words.ctm",
            ("--words=a",),
            only_x,
            ("alignment without audio: words.ctm: no recording",),
        ),
    ):
        result, out_dir = prepare(alignments, *flags, **options)
        assert result.returncode == 1
        assert_refused(result, *words)
        assert not out_dir.exists()


def test_an_output_that_would_be_read_next_time_or_replace_its_input_is_refused(
    prepare, by_rank, corpus, tmp_path
):
    before = files(corpus)
    for folder, flag, what in (
        ("LibriSpeech", "--audio_dir", "recordings"),
        ("mfa/deep/er", "--alignments", "alignments"),
    ):
        result, _ = prepare("mfa", f"--out_dir={corpus / folder}", "--overwrite")
        assert_refused(
            result,
            f"error: --out_dir={corpus / folder}: lies in {flag}={corpus / folder.split('/')[0]}, "
            f"whose clips would be read as {what} next time; name a folder outside",
        )
    (tmp_path / "link").symlink_to(corpus / "mfa")
    result, _ = prepare("mfa", f"--out_dir={tmp_path / 'link' / 'x'}")
    assert_refused(result, "lies in --alignments=")
    assert files(corpus) == before

    made = tmp_path / "made"
    shutil.copytree(by_rank[1], made)
    before = files(made)
    result, _ = prepare(
        made / "clips", f"--out_dir={made}", "--overwrite", "--words=dog", audio=made / "clips"
    )
    assert_refused(result, f"its clips would be replaced, where --audio_dir={made / 'clips'} lies")
    assert files(made) == before


def test_a_tables_file_beside_the_output_is_no_folder_of_alignments(prepare, corpus, tmp_path):
    shutil.copy(corpus / "words.ctm", tmp_path)
    out_dir = tmp_path / "out"
    result, _ = prepare(tmp_path / "words.ctm", f"--out_dir={out_dir}", "--words=dog")
    assert result.returncode == 0, result.stderr
    assert len(rows(out_dir)) == 2


def test_bad_flags_are_refused_before_anything_is_read(prepare, corpus, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    for flags, words in (
        (("--words=a", "--num_words=3"), "--words names the words; leave out --num_words"),
        (("--allow_longer", "--slice_len=9"), "leave out --slice_len"),
        (("--seed=1",), "--seed draws the tokens of --max_tokens"),
        ((f"--out_dir={tmp_path}",), "exists and is not empty"),
        ((f"--audio_dir={tmp_path / 'gone'}",), "--audio_dir="),
        ((f"--alignments={tmp_path}",), "no alignment; give TextGrids"),
        (("--alignments=e.csv",), "--alignments=e.csv: does not exist; give a file or folder"),
        (("--words=/no/such/file",), "--words=/no/such/file: no such file; give"),
        (("--words=mine.TXT",), "--words=mine.TXT: no such file"),
    ):
        result, out_dir = prepare("mfa", *flags)
        assert_refused(result, words)
        assert not out_dir.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    (tmp_path / "config.json").write_text('{"command": "make_corpus"}')
    result, _ = prepare("mfa", f"--out_dir={tmp_path}", "--overwrite")
    assert_refused(result, "holds what make_corpus made; name another")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "mine.txt"]
