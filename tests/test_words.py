"""Choice of words and tokens, the recording of each alignment, and who speaks in it."""

import collections
import os

import numpy as np
import pytest

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.corpora.aligned import audio_files, corpus, words
from wavegan_tf.corpora.aligned.alignments import Problem, Track
from wavegan_tf.corpora.aligned.audio_files import (
    clip_stems,
    match_audio,
    person_of,
    read_speakers,
)
from wavegan_tf.corpora.aligned.cutting import phones_in, tiers_of
from wavegan_tf.errors import InputError


def said(text, utterance="a", step_s=0.5):
    """A track of words that last equally long."""
    spans = enumerate(text.split())
    intervals = [Interval(word, i * step_s, (i + 1) * step_s) for i, word in spans]
    return Track(utterance, f"{utterance}.TextGrid", "", intervals, None)


def collected(*texts):
    return words.collect(said(text, f"u{i}") for i, text in enumerate(texts))[0]


def names(tokens, indices):
    return [tokens.words[i] for i in indices]


def test_tokens_hold_every_word_with_its_span_utterance_and_speaker():
    tracks = [
        said("b a", "x"),
        Track("y", "y.ctm", "Ann", [Interval("a", 1.25, 2.5)], None),
        Problem("kind", "z", "why"),
        Track("y", "y.ctm", "Bob", [Interval("c", 1.5, 2.0)], None),
        said("", "silent"),
    ]
    tokens, problems = words.collect(tracks)
    assert problems == [Problem("kind", "z", "why")]
    assert tokens.utterances == [("x", "x.TextGrid"), ("y", "y.ctm"), ("silent", "silent.TextGrid")]
    assert names(tokens, tokens.word) == ["b", "a", "a", "c"]
    assert [tokens.speakers[i] for i in tokens.speaker] == ["", "", "Ann", "Bob"]
    assert tokens.utterance.tolist() == [0, 0, 1, 1]
    assert tokens.start_s.tolist() == [0.0, 0.5, 1.25, 1.5]
    assert tokens.end_s.tolist() == [0.5, 1.0, 2.5, 2.0]
    assert sum(column.itemsize for column in tokens[3:]) == 28


def test_no_alignments_make_no_tokens():
    tokens, _ = words.collect([])
    assert len(tokens.word) == 0 and words.rank(tokens) == []


def test_words_of_equal_number_rank_by_alphabet():
    text = "the dog a the cat sat the cat Zoe a dog sat".lower()
    tokens = collected(text, "b")
    counts = collections.Counter((text + " b").split())
    expected = sorted(counts, key=lambda word: (-counts[word], word))
    assert names(tokens, words.rank(tokens)) == expected
    assert expected[:4] == ["the", "a", "cat", "dog"]


def test_most_frequent_words_are_skipped_and_the_next_taken():
    tokens = collected("e e e e e d d d d c c c b b a")
    ranked, usable = words.rank(tokens), np.bincount(tokens.word)
    assert names(tokens, words.choose_by_rank(ranked, usable, 2, 2, 1)) == ["c", "b"]
    assert names(tokens, words.choose_by_rank(ranked, usable, 2, 508, 1)) == ["c", "b", "a"]
    assert words.choose_by_rank(ranked, usable, 78, 508, 1) == []


def test_a_word_of_too_few_usable_tokens_leaves_its_place_to_the_next():
    tokens = collected("e e e e d d d c c c b b a")
    usable = np.bincount(tokens.word)
    usable[tokens.words.index("d")] = 1  # the others are too long
    chosen = words.choose_by_rank(words.rank(tokens), usable, 1, 2, 2)
    assert names(tokens, chosen) == ["c", "b"]


def test_words_by_name_keep_the_order_of_the_list_and_lacking_ones_are_named():
    tokens = collected("a b b c c c")
    chosen, lacking = words.choose_by_name(tokens, ["c", "x", "a", "b"], np.array([1, 2, 3]), 2)
    assert names(tokens, chosen) == ["c", "b"]
    assert lacking == ["x (0)", "a (1)"]


def drawn(tokens, word, most, seed=0, recordings=None):
    candidates = np.flatnonzero(tokens.word == tokens.words.index(word))
    recordings = recordings or [f"{name}.wav" for name, _ in tokens.utterances]
    taken = words.take(candidates, tokens, recordings, most, seed)
    assert set(taken) <= set(candidates) and (np.diff(taken) > 0).all()
    return {(recordings[tokens.utterance[i]], float(tokens.start_s[i])) for i in taken}


def test_a_draw_depends_on_its_seed_but_on_no_other_word_or_folder_and_grows_with_its_number():
    tokens = collected(*["a b a"] * 50)
    ten = drawn(tokens, "a", 10)
    assert len(ten) == 10 and ten == drawn(tokens, "a", 10)
    assert ten != drawn(tokens, "a", 10, seed=1)
    assert ten == drawn(collected(*["a x a"] * 50), "a", 10)
    assert ten < drawn(tokens, "a", 20)
    elsewhere = [f"deep/{name}.flac" for name, _ in tokens.utterances]
    assert ten == {
        (name.removeprefix("deep/").replace("flac", "wav"), start_s)
        for name, start_s in drawn(tokens, "a", 10, recordings=elsewhere)
    }
    assert len(drawn(tokens, "a", 100)) == len(drawn(tokens, "a", 200)) == 100


def test_a_draw_takes_every_token_equally_often():
    tokens = collected(*["a"] * 20)
    times = collections.Counter(x for seed in range(400) for x in drawn(tokens, "a", 5, seed))
    assert len(times) == 20
    # 400 draws of a share of 1/4: 100 expected, standard deviation 8.7
    assert all(abs(count - 100) < 4 * 8.7 for count in times.values())


def test_counts_by_outcome_are_those_of_the_tokens():
    tokens = collected("a b a c a")
    outcome = np.array([words.WRITTEN, words.NOT_CHOSEN, words.WRITTEN, 2, words.NO_AUDIO])
    counts = words.outcomes_by_word(tokens, outcome)
    assert counts[0].tolist() == [2, 0, 0, 0, 1, 0, 0]
    assert counts.sum(axis=1).tolist() == [3, 1, 1]


def test_words_whose_tokens_all_came_to_nothing_have_no_clip():
    tokens = collected("a b a c")
    outcome = np.array([words.BAD_SPAN, words.UNREADABLE, words.WRITTEN, words.WRITTEN])
    cut, lost = words.split_by_clips(tokens, outcome, [2, 1, 0])
    assert (names(tokens, cut), lost) == (["c", "a"], ["b"])


def refused(text, **request):
    """Why no word of a text can be chosen; each word lasts 0.5 s."""
    tokens = collected(text)
    wanted = corpus.Request("", "", **request)
    with pytest.raises(InputError) as error:
        corpus.choose(tokens, corpus.first_outcomes(tokens, ["a"], wanted), wanted, [])
    return str(error.value)


def test_where_ranks_leave_no_word_the_way_out_is_said_if_there_is_one():
    way_out = "a corpus of 2 words: try --skip_words=0, or name words with --words"
    assert refused("a b a").startswith("no word is left: 2 of 2 words with --min_tokens=1 usable")
    assert refused("a b a").endswith(f"; after --skip_words=78 none of these; {way_out}")
    assert refused("a b a", min_tokens=2).startswith("no word is left: 1 of 2 words")
    assert refused("a b a", min_tokens=2).endswith(way_out)
    assert refused("a b a", min_tokens=3).endswith("; after --skip_words=78 none of these")
    assert "0 of 1 word with" in refused("a", slice_len=7999)


def test_where_no_word_of_a_list_is_left_each_is_named_with_its_number():
    message = refused("a b a", names=["year", "a"], min_tokens=3)
    assert message.endswith("; of --words, tokens usable: year (0), a (2)")


def test_clips_as_long_as_a_slice_are_taken_and_longer_ones_are_not():
    tokens = words.collect([said("a b", step_s=1.024)])[0]
    request = corpus.Request("", "")
    assert corpus.first_outcomes(tokens, ["a"], request).tolist() == [words.NOT_CHOSEN] * 2
    short = request._replace(slice_len=16383)
    assert corpus.first_outcomes(tokens, ["a"], short).tolist() == [words.TOO_LONG] * 2
    assert corpus.first_outcomes(tokens, [None], short).tolist() == [words.NO_AUDIO] * 2
    longer = request._replace(slice_len=None)
    assert corpus.first_outcomes(tokens, ["a"], longer).tolist() == [words.NOT_CHOSEN] * 2


def matches(utterances, recordings):
    """What each utterance is matched with, and the problems as text."""
    given = [(name, f"{name}.TextGrid") for name in utterances]
    matched, problems = match_audio(given, recordings)
    return matched, [" | ".join(problem) for problem in problems]


def test_recordings_are_found_by_name_whatever_the_folders():
    found, problems = matches(["x/a", "b", "e.1"], ["train/1/b.flac", "y/a.WAV", "e.1.wav"])
    assert found == ["y/a.WAV", "train/1/b.flac", "e.1.wav"] and not problems


def test_folders_decide_between_recordings_of_one_name():
    recordings = ["corpus/1/a.wav", "corpus/2/a.wav", "a.wav"]
    found, problems = matches(["1/a", "corpus/2/a", "a"], recordings)
    assert found == ["corpus/1/a.wav", "corpus/2/a.wav", "a.wav"] and not problems
    assert matches(["LibriSpeech/1/a"], ["1/a.wav", "2/a.wav"])[0] == ["1/a.wav"]


def test_an_alignment_never_takes_the_recording_of_another_folder_when_names_are_shared():
    found, problems = matches(["1/a", "2/a"], ["2/a.wav"])
    assert found == [None, "2/a.wav"]
    assert problems == ["alignment without audio | 1/a.TextGrid | no recording is named 1/a"]


def test_an_unclear_recording_is_named_with_its_rival():
    found, problems = matches(["a", "b"], ["1/a.wav", "2/a.wav", "b.flac", "b.wav"])
    assert found == [None, None]
    assert "a may be 1/a.wav or 2/a.wav; leave one out" in problems[0]
    assert "b may be b.flac or b.wav" in problems[1]
    assert len(problems) == 2  # none of them is without alignment


def test_what_has_no_partner_is_named():
    found, problems = matches(["a"], ["b.wav"])
    assert found == [None]
    assert problems == [
        "alignment without audio | a.TextGrid | no recording is named a",
        "audio without alignment | b.wav | no alignment is named so",
    ]


def test_a_recording_aligned_twice_is_refused():
    with pytest.raises(InputError, match="1/a.wav is aligned twice, in x.ctm and y.ctm"):
        match_audio([("a", "x.ctm"), ("1/a", "y.ctm")], ["1/a.wav"])


def test_clips_are_named_after_folders_only_where_names_are_shared():
    stems = clip_stems(["1/a.wav", "2/a.wav", "2/b.c.wav"])
    assert stems == {"1/a.wav": "1_a", "2/a.wav": "2_a", "2/b.c.wav": "b.c"}
    with pytest.raises(InputError, match="clips of 1_a.wav and 1/a.wav would have the same names"):
        clip_stems(["1_a.wav", "1/a.wav", "2/a.wav"])


def test_recordings_are_those_of_a_suffix_and_not_hidden(tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("b.FLAC", "x/a.wav", "x/a.txt", "x/._a.wav"):
        (tmp_path / name).touch()
    assert audio_files.find_audio(tmp_path, (".wav", ".flac")) == ["b.FLAC", "x/a.wav"]
    for folder, message in (
        (tmp_path / "x/a.wav", "is a file"),
        (tmp_path / "z", "does not exist"),
    ):
        with pytest.raises(InputError, match=f"--audio_dir=.*: {message}"):
            audio_files.find_audio(folder, (".wav",))
    with pytest.raises(InputError, match="--audio_dir=.*: no recording"):
        audio_files.find_audio(tmp_path, (".mp3",))


def test_a_name_that_is_not_utf8_is_refused(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    except OSError:
        pytest.skip("this file system takes no such name")
    with pytest.raises(InputError, match="the name .*dce9.wav' is not UTF-8; rename the file"):
        audio_files.find_audio(tmp_path, (".wav",))


def test_who_speaks_in_a_recording():
    sexes = {"84": "F", "ann": "M"}

    def person(recording, audio_dir="/data/LibriSpeech", speaker=""):
        return tuple(person_of(recording, audio_dir, sexes, speaker))

    librispeech = ("84", "F", "dev-clean")
    assert person("dev-clean/84/121123/84-121123-0000.flac") == librispeech
    assert person("84/121123/84-121123-0000.flac", "/data/dev-clean") == librispeech
    assert person("84-121123-0000.flac", "/data/dev-clean/84/121123") == librispeech
    assert person("dev-clean/84/121123/84_121123_000007_000001.wav") == librispeech  # LibriTTS
    assert person("ann/first.wav") == ("ann", "M", "")
    assert person("deep/ann/first.wav", speaker="Bob") == ("Bob", "", "")
    assert person("first.wav") == ("", "", "")
    assert person("8/12/84-121123-0000.flac") == ("12", "", "")


def test_sexes_are_read_from_the_folder_or_the_one_above(tmp_path):
    text = (
        ";ID  |SEX| SUBSET |MINUTES| NAME\n14   | F | train-clean-360 | 25.03 | A | B\n26 | M |x|"
    )
    (tmp_path / "SPEAKERS.TXT").write_text(text)
    (tmp_path / "dev-clean").mkdir()
    assert read_speakers(tmp_path) == read_speakers(tmp_path / "dev-clean")
    assert read_speakers(tmp_path) == {"14": "F", "26": "M"}
    (tmp_path / "dev-clean" / "deeper").mkdir()
    assert read_speakers(tmp_path / "dev-clean" / "deeper") == {}


def test_phones_of_a_word_are_those_whose_midpoint_is_in_it():
    phones = [Interval("a", 0, 0.5), Interval("b", 0.49, 0.7), Interval("c", 0.7, 1.2)]
    assert [x.label for x in phones_in(phones, 0.5, 0.95)] == ["b"]
    assert [x.label for x in phones_in(phones, 0.5, 0.96)] == ["b", "c"]
    assert phones_in(None, 0, 1) is None


def test_tiers_count_from_the_first_sample_of_the_clip():
    phones = [Interval("a", 0.09, 0.25), Interval("b", 0.25, 0.41)]
    word, tier = tiers_of("ab", phones, start=100, end=400, sample_rate_hz=1000)
    assert word.intervals == [Interval("ab", 0.0, 0.3)]
    assert tier.intervals == [Interval("a", 0.0, 0.15), Interval("b", 0.15, 0.3)]
    assert [x.name for x in tiers_of("ab", None, 0, 1, 1000)] == ["words"]


def test_a_phone_without_a_sample_in_the_clip_is_left_out():
    phones = [Interval("a", 0.1, 0.1001), Interval("b", 0.1001, 0.2)]
    tier = tiers_of("b", phones, start=100, end=200, sample_rate_hz=1000)[1]
    assert tier.intervals == [Interval("b", 0.0, 0.1)]
