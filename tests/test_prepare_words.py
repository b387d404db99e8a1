"""prepare_words: alignments, choice of words, recordings; end to end on a small made corpus.

Each sample of the corpus says where it comes from.
"""

import collections
import json
import os
import shutil

import numpy as np
import pytest
from conftest import assert_refused
from scipy.io import wavfile

from wavegan_tf.corpora import clips, words
from wavegan_tf.corpora.alignments import Track, find_alignments, find_files, read_alignment
from wavegan_tf.corpora.clips import phone_of, read_words, safe_name, short_name, word_of
from wavegan_tf.errors import InputError
from wavegan_tf.output.files import read_table
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import TextGrid, Tier, read_textgrid, write_textgrid

COMMAND = "-m wavegan_tf prepare_words"
RATE = 16000
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


def write_textgrid_of(path, text):
    words = [Interval(*span) for span in spans(text)]
    phones = [
        Interval(f"{half}_{label}", start_s + i * STEP_S / 2, start_s + (i + 1) * STEP_S / 2)
        for label, start_s, _ in words
        for i, half in enumerate(("on", "off"))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_textgrid(path, TextGrid(0.0, 1.75, [Tier("words", words), Tier("phones", phones)]))


def make_librispeech(root):
    """LibriSpeech in small: audio, and its alignments as TextGrids, CTM and in the short form."""
    short, ctm = {}, []
    for number, (name, text) in enumerate(UTTERANCES.items()):
        wav = root / "LibriSpeech" / f"{name}.wav"
        wav.parent.mkdir(parents=True, exist_ok=True)
        wavfile.write(wav, RATE, sound(number))
        write_textgrid_of(root / "mfa" / f"{name}.TextGrid", text)
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


def test_names_are_those_that_any_file_system_takes():
    for same in ("don't", "mother-in-law", "a_b2", "Maße", "हिन्दी", "conn", "com10"):
        assert safe_name(same) == same
    for text, name in {
        "24/7": "24%2F7", "a b": "a%20b", "..": "%2E%2E", "a%2F": "a%252F", "a\x00": "a%00",
        "it’s": "it%E2%80%99s", "con": "con_", "LPT1": "LPT1_", "com¹": "com¹_", "": "_",
    }.items():  # fmt: skip
        assert safe_name(text) == name


@pytest.mark.parametrize("text", ["ab" * 300, "か" * 90, "%E3%81%8B" * 90, "é" * 121])
def test_a_name_too_long_for_a_file_is_cut_to_whole_letters_and_tells_labels_apart(text):
    names = {short_name(text), short_name(f"{text}x"), short_name(f"{text}y")}
    assert len(names) == 3
    for name in names:
        kept, _, number = name.rpartition("-")
        assert len(name.encode()) <= 240 and text.startswith(kept)
        assert len(kept) > 70 and len(number) == 8 and not kept.endswith(("%", "%E", "%8"))
    assert short_name("か" * 80) == "か" * 80


def test_words_are_compared_without_case_and_noises_are_none():
    for label in ("Water", " WATER ", "don't", "Maße", "[x", "spa"):
        assert word_of(label) == label.strip().lower()
    assert word_of("cafe\u0301") == word_of("CAFÉ") == "café"
    for label in ("", " ", "sil", "SIL", "sp", "spn", "<eps>", "<cutoff-gue>", "[laughter]",
                  "{LG}", "!SIL", ".", "...", " – ", "?!", "'"):  # fmt: skip
        assert word_of(label) == "", label
    for label in ("&", "%", "$", "24/7", "@home"):  # signs that are read aloud
        assert word_of(label) == label


def test_every_apostrophe_is_the_same_one():
    for label in ("don’t", "DON'T", "donʼt", "don´t", "don‘t"):
        assert word_of(label) == "don't"
        assert read_words(label) == ["don't"]


def test_phones_keep_their_case_and_signs_and_silences_are_none():
    assert [phone_of(x) for x in ("@", " S ", "?", "{", "ʃ")] == ["@", "S", "?", "{", "ʃ"]
    assert [phone_of(x) for x in ("", "<p:>", "SIL", "spn")] == [""] * 4


def test_listed_words_come_from_the_flag_or_a_file(tmp_path):
    file = tmp_path / "words.txt"
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        file.write_text("Water\n\n  don’t \n", encoding=encoding)
        assert read_words("Water, don’t,") == read_words(str(file)) == ["water", "don't"]
    listed = [f"w{number}" for number in range(3000)]  # longer than a file's name may be
    assert read_words(",".join(listed)) == listed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("./none", "there is no such file; give a file with one word in each line"),
        ("water,Water", "'Water' is twice; list different words"),
        ("sil", "'sil' is no word, but silence, noise or punctuation"),
        (",", "names no word; give water,year or a file"),
    ],
)
def test_a_list_that_cannot_be_used_is_refused(text, message):
    with pytest.raises(InputError, match=f"--words={text}: {message}"):
        read_words(text)


def grid(*tiers, start_s=0.0, end_s=2.0):
    """A TextGrid: of each tier its name and (label, start, end)."""
    named = [Tier(name, [Interval(*x) for x in intervals]) for name, *intervals in tiers]
    return TextGrid(start_s, end_s, named)


def read(folder, name, content, tier=""):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, TextGrid):
        write_textgrid(path, content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_alignment(str(folder), name, tier))


def test_a_textgrid_has_a_track_for_each_speaker(tmp_path):
    content = grid(
        ("Ann Lee - words", ("Yes", 0, 1), ("<unk>", 1, 1.5), ("", 1.5, 2)),
        ("Ann Lee - phones", ("Y1", 0, 1), ("sil", 1, 2)),
        ("Bob - words", ("", 0, 1.5), ("no", 1.5, 2)),
        ("notes", ("nothing", 0, 2)),
        ("Word", ("So", 0, 2)),  # of one speaker, as other aligners name it
    )
    assert read(tmp_path, "dev/a.TextGrid", content) == [
        Track("dev/a", "dev/a.TextGrid", *track)
        for track in (
            ("Ann Lee", [Interval("yes", 0, 1)], [Interval("Y1", 0, 1)]),
            ("Bob", [Interval("no", 1.5, 2)], None),
            ("", [Interval("so", 0, 2)], None),
        )
    ]


WEBMAUS = grid(
    ("ORT-MAU", ("She", 0, 1), ("", 1, 2)),
    ("KAN-MAU", ("Si:", 0, 1), ("", 1, 2)),
    ("MAU", ("S", 0, 0.5), ("i:", 0.5, 1), ("<p:>", 1, 2)),
)
SPEAKERS = grid(
    ("Ann - words", ("yes", 0, 1)), ("Ann - phones", ("Y", 0, 1)), ("Bob - words", ("no", 1, 2))
)


@pytest.mark.parametrize(
    ("content", "tier", "expected"),
    [
        (WEBMAUS, "ort-mau", [("", ["she"], ["S", "i:"])]),
        (WEBMAUS, "KAN-MAU", [("", ["Si:"], ["S", "i:"])]),  # SAMPA: S and s are two phones
        (WEBMAUS, "MAU", [("", ["S", "i:"], None)]),
        (SPEAKERS, "Words", [("Ann", ["yes"], ["Y"]), ("Bob", ["no"], None)]),
        (SPEAKERS, "phones", [("Ann", ["Y"], None)]),
        (SPEAKERS, "ann - words", [("Ann", ["yes"], ["Y"])]),
    ],
)
def test_a_tier_is_chosen_by_name_in_any_case_and_of_every_speaker(
    tmp_path, content, tier, expected
):
    found = [
        (x.speaker, [w.label for w in x.words], x.phones and [p.label for p in x.phones])
        for x in read(tmp_path, "a.TextGrid", content, tier)
    ]
    assert found == expected


@pytest.mark.parametrize(
    ("content", "tier", "words"),
    [
        (WEBMAUS, "", "no tier 'words' or 'SPEAKER - words', but ORT-MAU, KAN-MAU, MAU; --tier=N"),
        (WEBMAUS, "ORTH", "no tier 'ORTH', but ORT-MAU, KAN-MAU, MAU"),
        (grid(("words", ("a", 0, 1)), ("Words",)), "", "two tiers 'Words'"),
        (grid(("words", ("a", 3, 4)), start_s=3.0, end_s=4.0), "", "begins at 3 s"),
        ("hello", "", "not a TextGrid"),
    ],
)
def test_a_textgrid_that_cannot_be_used_is_a_problem(tmp_path, content, tier, words):
    (problem,) = read(tmp_path, "a.TextGrid", content, tier)
    assert problem[:2] == ("alignment unreadable", "a.TextGrid")
    assert words in problem.detail and str(tmp_path) not in problem.detail


def textgrid_of(*words, xmax=2):
    """A TextGrid that writes what it is given, in the short format."""
    items = [f'{start} {end} "{label}"' for label, start, end in words]
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n0 {xmax} <exists> 1'
    return "\n".join([head, f'"IntervalTier" "words" 0 2 {len(items)}', *items])


def test_an_impossible_interval_is_left_out_and_one_without_duration_is_kept_to_be_counted(
    tmp_path,
):
    content = textgrid_of(
        ("late", 1.5, 2.01), ("a", 0, 1.0001), ("b", 1, 1), ("", 1.4, 1), ("c", 1.4, 1),
        ("d", 1, 1.5), ("e", "nan", 2),
    )  # fmt: skip
    track, *problems = read(tmp_path, "a.TextGrid", content)
    spans = [("a", 0, 1.0001), ("b", 1, 1), ("d", 1, 1.5), ("late", 1.5, 2.01)]
    assert track.words == [Interval(*span) for span in spans]
    assert [tuple(problem) for problem in problems] == [
        ("item left out", "a.TextGrid", f"words: {what}: not a stretch of time")
        for what in ("'c', 1.4 .. 1 s", "'e', nan .. 2 s")
    ]


def test_a_ctm_gives_a_track_for_each_utterance(tmp_path):
    text = ";; made by hand\na-1 1 0.25 0.5 ASK 0.98\na-1 1 0.75 0.25 <eps>\na-1 1 1.0 .5 me\n\n"
    assert read(tmp_path, "x/all.ctm", "\ufeff" + text + "b-1\tA\t0\t1e-1\tMe\tNA\n") == [
        Track("a-1", "x/all.ctm", "", [Interval("ask", 0.25, 0.75), Interval("me", 1, 1.5)], None),
        Track("b-1", "x/all.ctm", "", [Interval("me", 0.0, 0.1)], None),
    ]


def test_a_ctm_of_eight_fields_names_speakers_and_what_is_not_lexical_is_no_word(tmp_path):
    lines = [
        "a 1 0.0 0.2 one NA lex NA", "a 1 0.2 0.2 ha NA non-lex NA", "a 1 0.4 0.2 two nan lex",
        "a 2 0.4 0.2 three 0.5 lex Bob",
    ]  # fmt: skip
    tracks = read(tmp_path, "all.ctm", "\n".join(lines))
    found = [(x.utterance, x.speaker, [word.label for word in x.words]) for x in tracks]
    assert found == [("a", "", ["one", "two"]), ("a", "Bob", ["three"])]


def test_of_alternatives_in_a_ctm_the_first_is_taken(tmp_path):
    tags = {"<": "<ALT_BEGIN>", "|": "<ALT>", ">": "<ALT_END>"}
    said = "zero < one | two three | four > five".split()
    lines = [
        f"a 1 * * {tags[word]}" if word in tags else f"a 1 {0.1 * i} 0.1 {word}"
        for i, word in enumerate(said)
    ]
    (track,) = read(tmp_path, "all.ctm", "\n".join(lines))
    assert [word.label for word in track.words] == ["zero", "one", "five"]


def test_lines_of_a_ctm_may_stand_in_any_order_and_overlap(tmp_path):
    text = "a 1 1 0.5 c\na A 0 0.5 a\na B 0.2 0.9 b\n"
    (track,) = read(tmp_path, "all.ctm", text)
    assert track.words == [
        Interval("a", 0, 0.5), Interval("b", 0.2, 1.1), Interval("c", 1, 1.5),
    ]  # fmt: skip


def test_a_table_of_another_encoding_and_line_end_is_read(tmp_path):
    text = "\r".join(["a 1 0 0.5 don’t", "a 1 1 0.5 porte\u00a0clé", ""])
    (track,) = read(tmp_path, "all.ctm", text.encode("utf-16"))
    assert [word.label for word in track.words] == ["don't", "porte\u00a0clé"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a 1 0.5 0.5", "4 fields, not 5 to 8"),
        ("a 1 0.5 0.5 x 1 lex Bob 9", "9 fields, not 5 to 8"),
        ("a 1 x 1 x", "'x', nan .. nan s: not a stretch of time"),
        ("a 1 0.5 1e999 x", "'x', 0.5 .. inf s: not a stretch of time"),
        ("a 1 -0.5 1 x", "'x', -0.5 .. 0.5 s: not a stretch of time"),
        ("a 1 0.5 -0.2 x", "'x', 0.5 .. 0.3 s: not a stretch of time"),
        ("a 1 0.5 0.5 x high", "the confidence 'high' is not a number"),
    ],
)
def test_a_malformed_line_of_a_ctm_is_a_problem_and_the_others_hold(tmp_path, line, words):
    track, problem = read(tmp_path, "all.ctm", f"a 1 0 0.5 one\n{line}\na 1 1 0.5 two\n")
    assert problem.problem == "item left out"
    assert problem.detail.startswith("line 2: ") and words in problem.detail
    assert [word.label for word in track.words] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("a GO 0.5", 'not UTTERANCE "WORD,WORD,.." "END,END,.."'),
        ('a ",GO" "0.1,0.2,0.3"', "a time a word"),
    ],
)
def test_a_malformed_line_of_the_short_form_is_a_problem(tmp_path, line, words):
    track, problem = read(tmp_path, "x/a.alignment.txt", f'{line}\n\nb ",SO" "0.2,0.5"\n')
    assert problem.detail.startswith("line 1: ") and words in problem.detail
    assert track == Track("x/b", "x/a.alignment.txt", "", [Interval("so", 0.2, 0.5)], None)


def test_an_impossible_word_of_the_short_form_is_left_out_alone(tmp_path):
    line = 'a ",GO,UM,ON,,X,SO" "0.1,0.5,0.5,0.4,0.6,y,0.9"\n'
    track, *problems = read(tmp_path, "a.alignment.txt", line)
    assert track.words == [Interval("go", 0.1, 0.5), Interval("um", 0.5, 0.5)]
    assert [x.detail.split(", ")[0] for x in problems] == ["a: 'on'", "a: 'x'", "a: 'so'"]


@pytest.mark.parametrize("name", ["a.ctm", "a.alignment.txt", "a.TextGrid"])
def test_a_file_that_is_no_text_or_not_there_is_a_problem(tmp_path, name):
    (problem,) = read_alignment(str(tmp_path), name)
    assert "cannot be read (No such file or directory)" in problem.detail
    (problem,) = read(tmp_path, name, b"\xff\xfe\x00\x01\n\n")
    assert problem.problem == "alignment unreadable"


def test_alignments_are_found_in_folders_sorted_and_hidden_ones_passed_over(tmp_path):
    for name in ("b/x.TextGrid", "a/y.ctm", "a/84-1.alignment.txt", "a/84-1.trans.txt",
                 "c.TEXTGRID", "b/._x.TextGrid", ".git/z.ctm"):  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = ["a/84-1.alignment.txt", "a/y.ctm", "b/x.TextGrid", "c.TEXTGRID"]
    assert find_alignments(str(tmp_path)) == (str(tmp_path), found)
    assert find_alignments(str(tmp_path / "a/y.ctm")) == (str(tmp_path / "a"), ["y.ctm"])
    with pytest.raises(InputError, match="--alignments=.*: is a file; give a folder"):
        find_alignments(str(tmp_path / "a/84-1.trans.txt"))
    with pytest.raises(InputError, match="--audio_dir=.*: no file of .mp3; give a folder"):
        find_files("--audio_dir", tmp_path, [".mp3"])


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match="the name .*dce9.wav' is not UTF-8; rename the file"):
        find_files("--audio_dir", tmp_path, [".wav"])


def collected(*texts):
    """Tokens of an utterance for each text, whose words last 0.5 s."""
    tracks = []
    for i, text in enumerate(texts):
        said = [Interval(word, k / 2, (k + 1) / 2) for k, word in enumerate(text.split())]
        tracks.append(Track(f"u{i}", f"u{i}.TextGrid", "", said, None))
    return words.collect(tracks)[0]


def test_tokens_hold_every_word_with_its_span_utterance_and_speaker():
    tracks = [
        Track("x", "x.ctm", "", [Interval("b", 0, 0.5)], None),
        Track("y", "y.ctm", "Bob", [Interval("a", 1.5, 2.0)], None),
        Track("silent", "s.ctm", "", [], None),
    ]
    tokens, utterances, _ = words.collect(tracks)
    assert utterances == [("x", "x.ctm"), ("y", "y.ctm"), ("silent", "s.ctm")]
    expected = [[0, "", "b", 0.0, 0.5, "not_chosen"], [1, "Bob", "a", 1.5, 2.0, "not_chosen"]]
    assert tokens.values.tolist() == expected
    apart = [tracks[0], tracks[1], tracks[0]]  # of an unsorted table
    assert words.collect(apart)[0]["utterance"].tolist() == [0, 1, 0]
    assert collected(*["a b a"] * 1000).memory_usage(deep=True, index=False).sum() < 30 * 3000


@pytest.mark.parametrize(
    ("skip", "number", "names", "expected"),
    [
        (2, 2, None, "c b"),  # d has no usable token: the next takes its place
        (1, 2, None, "c b"),
        (0, 508, None, "e c b a"),
        (0, 1, ["b", "x", "d", "a"], "b a"),
    ],
)
def test_words_are_chosen_by_rank_or_name_if_they_have_usable_tokens(skip, number, names, expected):
    tokens = collected("e e e e e d d d d c c c b b a")
    tokens.loc[tokens["word"] == "d", "outcome"] = "too_long"
    chosen = words.choose(words.rank(tokens), skip, number, names)
    assert chosen.index[chosen].tolist() == expected.split()


def drawn(tokens, most, seed=0, pattern="u{}.wav"):
    tokens, recordings = tokens.copy(), [pattern.format(i) for i in range(60)]
    words.take_tokens(tokens, recordings, ["a"], most, seed)
    assert set(tokens.loc[tokens["word"] == "a", "outcome"]) <= {"written", "over_max"}
    taken = tokens[tokens["outcome"] == "written"]
    return set(zip(taken["utterance"], taken["start_s"], strict=True))


def test_a_draw_depends_on_its_seed_but_on_no_other_word_or_folder_and_grows_with_its_number():
    tokens = collected(*["a b a"] * 50)
    ten = drawn(tokens, 10)
    assert len(ten) == 10 and ten == drawn(tokens, 10) != drawn(tokens, 10, seed=1)
    assert ten == drawn(collected(*["a x a"] * 50), 10) == drawn(tokens, 10, 0, "deep/u{}.flac")
    assert ten < drawn(tokens, 20)
    assert len(drawn(tokens, 100)) == len(drawn(tokens, 200)) == 100


def test_a_draw_takes_every_token_equally_often():
    tokens = collected(*["a"] * 20)
    times = collections.Counter(x for seed in range(100) for x in drawn(tokens, 5, seed))
    # 100 draws of a share of 1/4: 25 expected, standard deviation 4.3
    assert len(times) == 20 and all(abs(count - 25) < 4 * 4.3 for count in times.values())


@pytest.mark.parametrize(
    ("utterances", "recordings", "expected", "details"),
    [
        ("x/a b e.1", "train/1/b.flac y/a.WAV e.1.wav", "y/a.WAV train/1/b.flac e.1.wav", []),
        ("1/a corpus/2/a a", "corpus/1/a.wav corpus/2/a.wav a.wav",
         "corpus/1/a.wav corpus/2/a.wav a.wav", []),  # folders decide
        ("LibriSpeech/1/a", "1/a.wav 2/a.wav", "1/a.wav", ["no alignment is named so"]),
        ("1/a 2/a", "2/a.wav", "None 2/a.wav", ["no recording is named 1/a"]),
        ("a b", "1/a.wav 2/a.wav b.flac b.wav", "None None",
         ["a may be 1/a.wav or 2/a.wav; leave one out", "b may be b.flac or b.wav; leave one out"]),
        ("a", "b.wav", "None", ["no recording is named a", "no alignment is named so"]),
    ],
)  # fmt: skip
def test_recordings_are_found_by_name_and_folders(utterances, recordings, expected, details):
    problems = []
    given = [(name, f"{name}.TextGrid") for name in utterances.split()]
    found = words.match_audio(given, recordings.split(), problems)
    assert [str(name) for name in found] == expected.split()
    assert [problem.detail for problem in problems] == details


def test_a_recording_aligned_twice_is_refused():
    with pytest.raises(InputError, match="1/a.wav is aligned twice, in x.ctm and y.ctm"):
        words.match_audio([("a", "x.ctm"), ("1/a", "y.ctm")], ["1/a.wav"], [])


def test_clips_are_named_after_folders_only_where_names_are_shared():
    tokens, recordings = collected("a", "a", "a"), ["2/b.c.wav", "2/a.wav", "1/a.wav"]
    words.take_tokens(tokens, recordings, ["a"], None, 0)
    jobs = words.list_jobs(tokens, recordings, [("", "")] * 3)
    assert [job.recording for job in jobs] == ["1/a.wav", "2/a.wav", "2/b.c.wav"]
    assert [job.stem for job in jobs] == ["1_a", "2_a", "b.c"]


def test_clips_of_one_name_are_numbered_and_of_a_long_one_shortened(tmp_path):
    long = "か" * 200
    names = ["a/1_a_0", "a/1_a_0", "a/1_a_0", f"{long}/{long}"]
    made = [clips.Clip(x, np.full(9, i / 10), [Tier("words", [])], {}) for i, x in enumerate(names)]
    assert clips.write_corpus(tmp_path, made) == 4
    files = read_table(tmp_path / "manifest.csv")["file"].tolist()
    assert files[:3] == [f"clips/a/1_a_0{number}.wav" for number in ("", "-2", "-3")]
    for i, file in enumerate(files):
        assert wavfile.read(tmp_path / file)[1][0] == round(i / 10 * 32768)
        assert max(len(part.encode()) for part in file.split("/")) <= 244


@pytest.mark.parametrize(
    ("recording", "audio_dir", "speaker", "expected"),
    [
        ("dev-clean/84/121123/84-121123-0000.flac", "/x/Libri", "", ("84", "F", "dev-clean")),
        ("84/121123/84-121123-0000.flac", "/x/dev-clean", "", ("84", "F", "dev-clean")),
        ("84-121123-0000.flac", "/x/dev-clean/84/121123", "", ("84", "F", "dev-clean")),
        ("d/84/12/84_12_07_01.wav", "/x", "", ("84", "F", "d")),  # LibriTTS
        ("ann/first.wav", "/x/y", "", ("ann", "M", "")),
        ("deep/ann/first.wav", "/x/y", "Bob", ("Bob", "", "")),
        ("first.wav", "/x/y", "", ("", "", "")),
        ("8/12/84-121123-0000.flac", "/x/y", "", ("12", "", "")),
    ],
)
def test_who_speaks_in_a_recording(recording, audio_dir, speaker, expected):
    assert words.person_of(recording, audio_dir, {"84": "F", "ann": "M"}, speaker) == expected


def test_sexes_are_read_from_the_folder_or_the_one_above(tmp_path):
    text = ";ID  |SEX| SUBSET\n14   | F | train-clean-360 | 25.03 | A | B\n26 | M |x|"
    (tmp_path / "SPEAKERS.TXT").write_text(text)
    (tmp_path / "dev-clean" / "deeper").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "dev-clean"):
        assert words.read_speakers(str(folder)) == {"14": "F", "26": "M"}
    assert words.read_speakers(str(tmp_path / "dev-clean" / "deeper")) == {}


def test_a_tier_counts_from_the_first_sample_and_a_stretch_has_one_label():
    spans = [("own", 200, 300), ("before", 90, 210), ("out", 0, 90), ("none", 299, 300)]
    tier = clips.make_tier("words", spans, start=100, end=400)
    found = [Interval("before", 0.0, 100 / RATE), Interval("own", 100 / RATE, 200 / RATE)]
    assert tier == Tier("words", found)


@pytest.fixture(scope="module")
def prepare(run_script, corpus, tmp_path_factory):
    """Runs the command on the corpus; gives its result and its output directory."""

    def run(alignments="mfa", *flags, audio=None, jobs=1, status=0):
        out_dir = tmp_path_factory.mktemp("out") / "words"
        result = run_script(
            COMMAND, f"--audio_dir={audio or corpus / 'LibriSpeech'}",
            f"--alignments={corpus / alignments}", f"--out_dir={out_dir}", f"--jobs={jobs}", *flags,
        )  # fmt: skip
        assert result.returncode == status, result.stderr
        return result, out_dir

    return run


@pytest.fixture(scope="module")
def by_rank(prepare):
    return prepare("mfa", "--skip_words=1", "--num_words=3", jobs=2)[1]


def rows(out_dir, name="manifest.csv"):
    return read_table(out_dir / name).to_dict("records")


def counts_of(out_dir):
    return read_table(out_dir / "counts.csv").set_index("word")


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
    cuts = expected_cuts({"cat", "a", "dog"})
    manifest = rows(by_rank)
    assert len(manifest) == len(cuts) == 7
    for row, (word, name, number, start, end) in zip(manifest, cuts, strict=True):
        split, speaker, _, sentence = name.split("/")
        assert list(row) == ["file", "duration_s", *clips.CUT_COLUMNS]
        assert row == {
            "file": f"clips/{word}/{sentence}_{start:06d}.wav", "duration_s": STEP_S, "pattern": "",
            "word": word, "phones": row["phones"], "start_sample": start, "end_sample": end,
            "source": f"{name}.wav", "speaker": int(speaker), "sex": "F" if speaker == "84" else "",
            "dialect": "", "split": split, "sentence": sentence,
        }  # fmt: skip
        assert row["phones"].lower() == f"on_{word} off_{word}"
        rate, samples = wavfile.read(by_rank / row["file"])
        assert (rate, samples.dtype) == (RATE, np.int16)
        np.testing.assert_array_equal(samples, sound(number)[start:end])


def test_each_clip_has_its_words_and_phones_from_its_start(by_rank):
    grid = read_textgrid(by_rank / "clips" / "dog" / "84-121-0000_014000.TextGrid")
    halves = [Interval("on_dog", 0.0, STEP_S / 2), Interval("off_dog", STEP_S / 2, STEP_S)]
    tiers = [Tier("words", [Interval("dog", 0.0, STEP_S)]), Tier("phones", halves)]
    assert grid == TextGrid(0.0, STEP_S, tiers)


def test_counts_say_what_became_of_every_token(by_rank):
    counts = rows(by_rank, "counts.csv")
    assert [tuple(row.values())[:6] for row in counts] == [
        (1, "the", 0, 5, 0, 5), (2, "cat", 1, 3, 3, 0), (3, "a", 1, 2, 2, 0),
        (4, "dog", 1, 2, 2, 0),
        (5, "sat", 0, 2, 0, 2), (6, "zoo", 0, 1, 0, 1),
    ]  # fmt: skip
    assert rows(by_rank, "problems.csv") == []
    assert json.loads((by_rank / "config.json").read_text())["flags"]["skip_words"] == 1


@pytest.mark.parametrize("kind", ["words.ctm", "short"])
def test_every_kind_of_alignment_and_one_process_give_the_same_clips(by_rank, prepare, kind):
    _, out_dir = prepare(kind, "--skip_words=1", "--num_words=3")
    without = [{**row, "phones": ""} for row in rows(by_rank)]
    assert rows(out_dir) == without
    for name in ("counts.csv", *(row["file"] for row in without)):
        assert (out_dir / name).read_bytes() == (by_rank / name).read_bytes()


def test_words_by_name_with_a_greatest_number_of_tokens(prepare):
    result, out_dir = prepare("mfa", "--words=the,Sat,year", "--max_tokens=3", "--seed=4", status=2)
    assert "no clip of year" in result.stderr
    counts = counts_of(out_dir)
    assert counts.loc["the", ["written", "over_max"]].tolist() == [3, 2]
    assert counts["written"].sum() == 5
    assert (counts.iloc[:, 3:].sum(axis=1) == counts["tokens"]).all()


def test_clips_longer_than_a_slice_are_left_out_unless_allowed(prepare):
    flags = ("--skip_words=0", "--num_words=1")
    assert len(rows(prepare("mfa", *flags, "--allow_longer")[1])) == 5
    result, _ = prepare("mfa", *flags, "--slice_len=3999", status=1)  # of 4000
    assert_refused(result, "no word is left: 0 of 6 words have usable", "--skip_words=0")


def test_other_rates_channels_and_formats_are_read_and_spans_stay_those_of_the_source(
    prepare, tmp_path, reference
):
    stereo = np.stack([sound(1), sound(1)], axis=1)[: RATE // 2]
    wavfile.write(tmp_path / "half.wav", RATE // 2, stereo)
    shutil.copy(reference / "audio" / "tone_16bit.flac", tmp_path / "tone.flac")
    (tmp_path / "x.ctm").write_text("half 1 0.25 0.5 yes\ntone 1 0.05 0.1 tone\n")
    _, out_dir = prepare(tmp_path / "x.ctm", "--skip_words=0", "--num_words=2", audio=tmp_path)
    half, tone = rows(out_dir)
    assert (half["start_sample"], half["end_sample"], half["duration_s"]) == (2000, 6000, 0.5)
    rate, samples = wavfile.read(out_dir / half["file"])
    assert (rate, len(samples)) == (RATE, 8000)
    ramp = np.interp(np.arange(4000, 12000) / 2, np.arange(RATE // 2), sound(1)[: RATE // 2])
    assert np.abs(samples - ramp).max() < 3
    assert tone["source"] == "tone.flac"
    samples = wavfile.read(out_dir / tone["file"])[1] / 32768
    assert len(samples) == 1600 and np.abs(samples).max() > 0.05


def test_what_cannot_be_used_is_named_and_the_rest_goes_on(prepare, corpus, tmp_path):
    for folder in ("LibriSpeech", "mfa"):
        shutil.copytree(corpus / folder, tmp_path / folder)
    chapter, end = "dev-clean/84/121", round(1.11 * RATE)
    audio, grids = tmp_path / "LibriSpeech" / chapter, tmp_path / "mfa" / chapter
    # Of the words of 0001 the last one ends just after the recording, at 1.125 s, and is cut there.
    wavfile.write(audio / "84-121-0001.wav", RATE, sound(1)[:end])
    wavfile.write(audio / "84-121-0000.wav", RATE, sound(0)[: int(0.99 * RATE)])  # dog is lost
    (audio / "84-121-0002.wav").write_bytes(b"RIFF")
    wavfile.write(audio / "84-121-0003.wav", RATE, sound(3))
    wavfile.write(audio / "84-121-0004.wav", RATE, sound(4))
    for name in ("84-121-0002", "84-121-0005"):
        write_textgrid_of(grids / f"{name}.TextGrid", "cat")
    grid = TextGrid(0.0, 1.0, [Tier("ORT", [Interval("cat", 0.0, 1.0)])])
    write_textgrid(grids / "84-121-0004.TextGrid", grid)
    result, out_dir = prepare(
        tmp_path / "mfa", "--words=cat,the,dog,late", audio=tmp_path / "LibriSpeech", status=2
    )
    assert "no clip of late; counts.csv says why" in result.stderr
    found = [tuple(row.values()) for row in rows(out_dir, "problems.csv")]
    for row, (kind, name, detail) in zip(sorted(found), [
        ("alignment unreadable", "0004.TextGrid", "no tier 'words' or 'SPEAKER - words', but ORT"),
        ("alignment without audio", "0005.TextGrid", "no recording is named dev-clean/84/121"),
        ("audio unreadable", "0002.wav", ""),
        ("audio without alignment", "0003.wav", "no alignment is named so"),
        ("span unusable", "0000.wav", "'dog', 0.875 .. 1.125 s"),
    ], strict=True):  # fmt: skip
        assert row[:2] == (kind, f"{chapter}/84-121-{name}") and detail in row[2]
        assert f"{kind}: 1, all in problems.csv; {row[1]}: {row[2]}" in result.stderr
    counts = counts_of(out_dir)
    columns = ["tokens", "written", "no_audio", "unreadable", "bad_span"]
    assert counts.loc["cat", columns].tolist() == [5, 3, 1, 1, 0]
    assert counts.loc["dog", columns].tolist() == [2, 1, 0, 0, 1]
    (row,) = (r for r in rows(out_dir) if r["file"] == "clips/the/84-121-0001_014000.wav")
    assert (row["start_sample"], row["end_sample"]) == (14000, end)
    np.testing.assert_array_equal(wavfile.read(out_dir / row["file"])[1], sound(1)[14000:end])


def test_a_tier_of_some_files_is_cut_and_the_others_are_named(prepare, corpus, tmp_path):
    for number, name in enumerate(("one", "two")):
        wavfile.write(tmp_path / f"{name}.wav", RATE, sound(number))
    read(tmp_path, "one.TextGrid", WEBMAUS)
    read(tmp_path, "two.TextGrid", grid(("words", ("no", 0, 1))))
    flags = ("--tier=ort-mau", "--words=she")
    result, out_dir = prepare(tmp_path, *flags, audio=tmp_path, status=2)
    assert "two.TextGrid: no tier 'ort-mau', but words; --tier=NAME takes another" in result.stderr
    (row,) = rows(out_dir)
    assert (row["word"], row["phones"], row["source"]) == ("she", "S i:", "one.wav")
    result, _ = prepare(tmp_path, "--tier=ORTH", audio=tmp_path, status=1)
    assert_refused(result, "--tier=ORTH: none of 2", "but ORT-MAU, KAN-MAU, MAU", "but words")
    result, _ = prepare("words.ctm", "--tier=ORTH", status=1)
    assert_refused(result, "--tier=ORTH: --alignments has no TextGrid; leave out --tier")


def test_tokens_without_duration_or_said_again_are_counted_and_cost_nothing(prepare, tmp_path):
    wavfile.write(tmp_path / "u.wav", RATE, sound(0))
    lines = ["u 1 0.5 0.5 the", "u 1 0.5 0.5 the", "u 1 1 0 the", "u 1 0.2 0 cat", "u 1 0 0 sil"]
    (tmp_path / "x.ctm").write_text("\n".join(lines))
    _, out_dir = prepare(tmp_path / "x.ctm", "--words=the", audio=tmp_path)
    assert [row["file"] for row in rows(out_dir)] == ["clips/the/u_008000.wav"]
    counts = counts_of(out_dir)
    assert counts.loc["the", ["tokens", "written", "twice", "bad_span"]].tolist() == [3, 1, 1, 1]
    assert counts.loc["cat", ["tokens", "chosen", "bad_span"]].tolist() == [1, 0, 1]
    assert rows(out_dir, "problems.csv") == []


def test_labels_too_long_for_a_file_are_whole_in_the_manifest(prepare, tmp_path):
    wavfile.write(tmp_path / "u.wav", RATE, sound(0))
    labels = ["か" * 90, "か" * 91, "the"]
    said = [(label, 0.5 * i, 0.5 * i + 0.5) for i, label in enumerate(labels)]
    read(tmp_path, "u.TextGrid", grid(("words", *said)))
    flags = ("--skip_words=0", "--num_words=3")
    _, out_dir = prepare(tmp_path / "u.TextGrid", *flags, audio=tmp_path)
    for row, (label, start_s, end_s) in zip(rows(out_dir), said, strict=True):
        assert row["word"] == label
        samples = wavfile.read(out_dir / row["file"])[1]
        np.testing.assert_array_equal(samples, sound(0)[int(start_s * RATE) : int(end_s * RATE)])


def test_fewer_words_than_asked_for_is_said(prepare):
    result, out_dir = prepare("mfa", "--skip_words=4", "--num_words=3", status=2)
    assert "--num_words=3: only 2 words were left" in result.stderr
    assert {row["word"] for row in rows(out_dir)} == {"sat", "zoo"}


@pytest.mark.parametrize(
    ("table", "flags", "message"),
    [
        ("84-121-0000 1 0 1 <unk>\n84-121-0000 1 x y z\n", (), "line 2: 'z', nan .. nan s: not a"),
        ("84-121-0000 1 5 1 late\n", ("--words=late",), "'late', 5 .. 6 s"),
        ("84-121-0000 1 0 1 a\n", ("--words=a", "--num_words=3"), "leave out --num_words"),
        ("84-121-0000 1 0 1 a\n", ("--allow_longer", "--slice_len=9"), "leave out --slice_len"),
        (
            "84-121-0000 1 0 1 a\n",
            ("--seed=1",),
            "--seed is only for drawing the tokens of --max_tokens",
        ),
    ],
)
def test_what_leaves_nothing_to_cut_is_refused_and_nothing_is_written(
    prepare, tmp_path, table, flags, message
):
    (tmp_path / "x.ctm").write_text(table)
    result, out_dir = prepare(tmp_path / "x.ctm", *flags, status=1)
    assert_refused(result, message)
    assert not out_dir.exists()


def test_an_output_that_would_be_read_next_time_or_replace_its_input_is_refused(
    prepare, by_rank, corpus, tmp_path
):
    before = files(corpus)
    (tmp_path / "link").symlink_to(corpus / "mfa")
    link = tmp_path / "link/x"
    for folder, flag in ((corpus / "LibriSpeech", "audio_dir"), (link, "alignments")):
        result, _ = prepare("mfa", f"--out_dir={folder}", "--overwrite", status=1)
        assert_refused(result, f"--out_dir={folder}: lies in --{flag}=", "name a folder outside")
    assert files(corpus) == before
    made = shutil.copytree(by_rank, tmp_path / "made")
    flags = (f"--out_dir={made}", "--overwrite", "--words=dog")
    result, _ = prepare(made / "clips", *flags, audio=made / "clips", status=1)
    assert_refused(result, f"its clips would be replaced, but --audio_dir={made / 'clips'} lies")
    assert files(made) == files(by_rank)
