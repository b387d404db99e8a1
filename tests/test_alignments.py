"""Alignments of every kind: what is a word, when it was said, and what is refused in words."""

import pytest

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.corpora.aligned import alignments
from wavegan_tf.corpora.aligned.alignments import (
    Problem,
    Track,
    find_alignments,
    read_alignment,
    word_of,
)
from wavegan_tf.errors import InputError

MFA = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 1.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 1.5
        intervals: size = 4
        intervals [1]:
            xmin = 0.0
            xmax = 0.25
            text = ""
        intervals [2]:
            xmin = 0.25
            xmax = 0.75
            text = "Ask"
        intervals [3]:
            xmin = 0.75
            xmax = 1.0
            text = "<unk>"
        intervals [4]:
            xmin = 1.0
            xmax = 1.5
            text = "me"
    item [2]:
        class = "IntervalTier"
        name = "phones"
        xmin = 0
        xmax = 1.5
        intervals: size = 5
        intervals [1]:
            xmin = 0.0
            xmax = 0.25
            text = "sil"
        intervals [2]:
            xmin = 0.25
            xmax = 0.75
            text = "AE1"
        intervals [3]:
            xmin = 0.75
            xmax = 1.0
            text = "spn"
        intervals [4]:
            xmin = 1.0
            xmax = 1.25
            text = "M"
        intervals [5]:
            xmin = 1.25
            xmax = 1.5
            text = "IY0"
"""


def short_textgrid(*tiers, end_s=2, start_s=0):
    """A TextGrid in Praat's short format: of each tier its name and (label, start, end)."""
    lines = ['"ooTextFile"', '"TextGrid"', start_s, end_s, "<exists>", len(tiers)]
    for name, *intervals in tiers:
        lines += ['"IntervalTier"', f'"{name}"', start_s, end_s, len(intervals)]
        for label, from_s, to_s in intervals:
            lines += [from_s, to_s, f'"{label}"']
    return "\n".join(map(str, lines)) + "\n"


def read(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(read_alignment(str(folder), name))


def test_words_are_compared_without_case_and_noises_are_none():
    assert [word_of(x) for x in ("Water", " WATER ", "don't", "Maße", "[x", "spa")] == [
        "water", "water", "don't", "maße", "[x", "spa"
    ]  # fmt: skip
    assert word_of("cafe\u0301") == word_of("CAFÉ") == "café"
    for label in ("", " ", "sil", "SIL", "sp", "spn", "<eps>", "<unk>", "<UNK>", "<cutoff-gue>",
                  "[laughter]", "{LG}", "!SIL"):  # fmt: skip
        assert word_of(label) == "", label


def test_textgrid_of_one_speaker(tmp_path):
    (track,) = read(tmp_path, "dev/1/a.TextGrid", MFA)
    assert track == Track(
        "dev/1/a", "dev/1/a.TextGrid", "",
        [Interval("ask", 0.25, 0.75), Interval("me", 1.0, 1.5)],
        [Interval("AE1", 0.25, 0.75), Interval("M", 1.0, 1.25), Interval("IY0", 1.25, 1.5)],
    )  # fmt: skip


def test_textgrid_of_several_speakers_has_a_track_each(tmp_path):
    text = short_textgrid(
        ("Ann Lee - words", ("yes", 0, 1), ("", 1, 2)),
        ("Ann Lee - phones", ("Y", 0, 1)),
        ("Bob - words", ("", 0, 1.5), ("no", 1.5, 2)),
        ("notes", ("nothing", 0, 2)),
    )
    ann, bob = read(tmp_path, "a.textgrid", text)
    assert (ann.utterance, ann.speaker, ann.words) == ("a", "Ann Lee", [Interval("yes", 0, 1)])
    assert ann.phones == [Interval("Y", 0, 1)]
    assert (bob.speaker, bob.words, bob.phones) == ("Bob", [Interval("no", 1.5, 2)], None)


def test_tiers_of_other_aligners_in_the_singular(tmp_path):
    (track,) = read(tmp_path, "a.TextGrid", short_textgrid(("phone",), ("Word", ("So", 0, 2))))
    assert (track.words, track.phones) == ([Interval("so", 0, 2)], [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (short_textgrid(("ORT", ("a", 0, 1))), "no tier 'words' or 'SPEAKER - words', but ORT"),
        (short_textgrid(("words", ("a", 0, 1)), ("Words",)), "two tiers 'Words'"),
        (short_textgrid(("words", ("a", 3, 4)), start_s=3, end_s=4), "begins at 3 s"),
        (short_textgrid(("words", ("a", 0, 3))), "is not within the TextGrid"),
        (MFA[: len(MFA) // 2], "cut off"),
        ("hello", "not a TextGrid"),
    ],
)
def test_textgrid_that_cannot_be_used_is_a_problem(tmp_path, text, words):
    (problem,) = read(tmp_path, "a.TextGrid", text)
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.file) == ("alignment unreadable", "a.TextGrid")
    assert words in problem.detail and str(tmp_path) not in problem.detail


def test_ctm_gives_a_track_an_utterance(tmp_path):
    text = ";; made by hand\na-1 1 0.25 0.5 ASK 0.98\na-1 1 0.75 0.25 <eps>\na-1 1 1.0 .5 me\n\n"
    first, second = read(tmp_path, "x/all.ctm", "\ufeff" + text + "b-1 A 0 1e-1 Me NA\n")
    words = [Interval("ask", 0.25, 0.75), Interval("me", 1.0, 1.5)]
    assert first == Track("a-1", "x/all.ctm", "", words, None)
    assert second == Track("b-1", "x/all.ctm", "", [Interval("me", 0.0, 0.1)], None)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 1 0.5 0.5", "4 fields, not 5 or 6"),
        ("a 1 0.5 0.5 new york 1", "7 fields, not 5 or 6"),
        ("a 1 * * <ALT>", "the start '*' is not a number of s"),
        ("a 1 0.5 1_0 x", "the duration '1_0' is not a number"),
        ("a 1 nan 1 x", "the start 'nan' is not a number"),
        ("a 1 -0.5 1 x", "start -0.5 s, duration 1 s: not a stretch of time"),
        ("a 1 0.5 0 x", "start 0.5 s, duration 0 s: not a stretch of time"),
        ("a 1 0.5 1e999 x", "not a stretch of time"),
        ("a 1 0 1 x", "not after the word before it"),
        ("a 1 0.5 0.5 x high", "the confidence 'high' is no number"),
    ],
)
def test_a_malformed_line_of_a_ctm_is_a_problem_and_the_others_hold(tmp_path, line, words):
    problem, track = read(tmp_path, "all.ctm", f"a 1 0 0.5 one\n{line}\na 1 1 0.5 two\n")
    assert problem.detail.startswith("line 2: ") and words in problem.detail
    assert [word.label for word in track.words] == ["one", "two"]


def test_an_utterance_of_two_channels_is_refused(tmp_path):
    problem, track = read(tmp_path, "x.ctm", "a A 0 1 yes\na B 0 1 no\nb A 0 1 so\n")
    assert "a has words of channels A, B, but channels are averaged" in problem.detail
    assert track.utterance == "b"


def test_short_form_of_librispeech(tmp_path):
    text = '84-1-0000 ",GO,,DO,YOU," "0.490,0.890,1.270,1.380,1.490,2.5"\n'
    (track,) = read(tmp_path, "dev/84/1/84-1.alignment.txt", text)
    assert (track.utterance, track.phones) == ("dev/84/1/84-1-0000", None)
    assert track.words == [
        Interval("go", 0.49, 0.89), Interval("do", 1.27, 1.38), Interval("you", 1.38, 1.49)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a GO 0.5", 'not UTTERANCE "WORD,WORD,.." "END,END,.."'),
        ('a ",GO" "0.1,0.2,0.3"', "words and times differ in number: 2 and 3"),
        ('a ",GO" "0.1,x"', "the time 'x' is not a number"),
        ('a ",GO" "0.3,0.2"', "times that go back"),
        ('a ",GO" "0.2,0.2"', "a word without duration"),
    ],
)
def test_a_malformed_line_of_the_short_form_is_a_problem(tmp_path, line, words):
    (problem, track) = read(tmp_path, "a.alignment.txt", f'{line}\nb "SO" "0.5"\n')
    assert problem.detail.startswith("line 1: ") and words in problem.detail
    assert track == Track("b", "a.alignment.txt", "", [Interval("so", 0.0, 0.5)], None)


@pytest.mark.parametrize("name", ["a.ctm", "a.alignment.txt"])
def test_a_table_that_is_no_text_is_a_problem(tmp_path, name):
    (problem,) = read(tmp_path, name, b"\xff\xfe\x00\x01\n")
    assert "not UTF-8" in problem.detail


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path):
    for name in ("gone.ctm", "gone.TextGrid"):
        (problem,) = read_alignment(str(tmp_path), name)
        assert "cannot be read (No such file or directory)" in problem.detail


def test_alignments_are_found_in_folders_sorted_and_hidden_ones_passed_over(tmp_path):
    names = ["b/x.TextGrid", "a/y.ctm", "a/84-1.alignment.txt", "a/84-1.trans.txt", "c.TEXTGRID",
             "b/._x.TextGrid", ".git/z.ctm"]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    root, files = find_alignments(tmp_path)
    assert root == str(tmp_path)
    assert files == ["a/84-1.alignment.txt", "a/y.ctm", "b/x.TextGrid", "c.TEXTGRID"]
    assert find_alignments(tmp_path / "a" / "y.ctm") == (str(tmp_path / "a"), ["y.ctm"])


def test_no_alignments_are_refused(tmp_path):
    (tmp_path / "a.txt").touch()
    for path, words in (
        (tmp_path, "no alignment; give TextGrids"),
        (tmp_path / "a.txt", "no alignment; give TextGrids"),
        (tmp_path / "gone", "does not exist; give a file or folder"),
    ):
        with pytest.raises(InputError, match=f"--alignments=.*: {words}"):
            find_alignments(path)


def test_every_suffix_has_a_reader(tmp_path):
    for suffix in alignments.SUFFIXES:
        assert read(tmp_path, f"a{suffix}", "x y")[0].kind == "alignment unreadable"
