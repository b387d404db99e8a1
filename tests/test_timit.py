"""TIMIT's tree, its transcriptions, and what is cut from them."""

import re
import shutil
from collections import Counter

import made_timit
import numpy as np
import pytest
from made_timit import SENTENCES, make_tree

from wavegan_tf.corpora.timit import cutting, planning, timit_counts, timit_tree
from wavegan_tf.corpora.timit.patterns import parse
from wavegan_tf.errors import InputError


def read_all(root, splits=timit_tree.SPLITS):
    problems = []
    sentences = timit_tree.find_sentences(timit_tree.find_root(str(root)), splits)
    return planning.read_sentences(str(root), sentences, problems), problems


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return make_tree(tmp_path_factory.mktemp("tree"))


@pytest.fixture(scope="module")
def read(tree):
    return read_all(tree)[0]


def cuts_of(plan):
    """Speaker, sentence, start and end of each cut."""
    return [
        (one.sentence.speaker, one.sentence.name, cut.start, cut.end)
        for one, cuts in plan.cuts
        for cut in cuts
    ]


def planned(name, first, last):
    """The same, from the plan that the tree was made by."""
    _, _, speaker, sentence = name.split("/")
    return (speaker, sentence, *SENTENCES[name].span(first, last))


@pytest.mark.parametrize("upper", [True, False])
def test_sentences_are_found_in_upper_and_in_lower_case(tmp_path, upper):
    make_tree(tmp_path, upper=upper)
    sentences = timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)
    names = [f"{s.split.upper()}/{s.dialect}/{s.speaker}/{s.name}" for s in sentences]
    assert names == list(SENTENCES)
    cased = str.upper if upper else str.lower
    for name, sentence in zip(names, sentences, strict=True):
        assert sentence.files == {kind: cased(f"{name}.{kind}") for kind in ("WAV", "PHN", "WRD")}
    assert [s.is_sa for s in sentences] == [False, False, True, True]


@pytest.mark.parametrize("above", ["", "timit", "timit/data"])
def test_the_tree_is_found_below_the_folder_given(tmp_path, above):
    root = tmp_path / above
    make_tree(root, upper=False)
    assert timit_tree.find_root(str(tmp_path)) == str(root)


def test_a_folder_that_is_not_timits_tree_is_refused(tmp_path, tree):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.wav").write_bytes(b"")
    with pytest.raises(InputError, match="not TIMIT's tree; give the folder with TRAIN and TEST"):
        timit_tree.find_root(str(tmp_path))
    with pytest.raises(InputError, match="not TIMIT's tree"):
        timit_tree.find_root(str(tree / "TRAIN"))
    with pytest.raises(InputError, match="no such folder"):
        timit_tree.find_root(str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"--timit_dir=.*a\.wav: is a file; give the folder"):
        timit_tree.find_root(str(tmp_path / "train" / "a.wav"))


def test_two_trees_below_one_folder_are_refused_with_their_names(tmp_path):
    for name in ("one", "two"):
        make_tree(tmp_path / name)
    with pytest.raises(InputError, match=r"more than once: .*/one, .*/two; give one"):
        timit_tree.find_root(str(tmp_path))


def test_a_missing_split_is_refused_with_those_that_are_there(tmp_path):
    make_tree(tmp_path)
    shutil.rmtree(tmp_path / "TEST")
    with pytest.raises(InputError, match="--splits=test: .* has no TEST .* it has train"):
        timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)
    assert len(timit_tree.find_sentences(str(tmp_path), ["train"])) == 2


def test_a_split_without_sentences_is_refused(tmp_path):
    make_tree(tmp_path)
    shutil.rmtree(tmp_path / "TEST" / "DR3" / "FDEF1")
    with pytest.raises(InputError, match="--splits=test: .* no sentence such as"):
        timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)


def test_a_speaker_in_two_places_is_refused(tmp_path):
    make_tree(tmp_path)
    shutil.copytree(tmp_path / "TRAIN" / "DR1", tmp_path / "TEST" / "DR1")
    with pytest.raises(InputError, match="speaker FCJF0 is in .*TRAIN.* and in .*TEST"):
        timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)


def test_copies_of_a_recording_and_other_files_are_passed_over(tmp_path):
    make_tree(tmp_path)
    folder = tmp_path / "TRAIN" / "DR1" / "FCJF0"
    for name in ("SX37.WAV.wav", "SX37.wav", "._SX37.WAV", "SX37.npy", "notes.WAV"):
        (folder / name).write_bytes(b"")
    (sentence, *_) = timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)
    assert sentence.files["WAV"] == "TRAIN/DR1/FCJF0/SX37.WAV"
    assert len(timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)) == 4
    (folder / "SX37.WAV").unlink()
    (folder / "SX37.wav").unlink()
    (sentence, *_) = timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)
    assert sentence.files["WAV"] == "TRAIN/DR1/FCJF0/SX37.WAV.wav"
    (folder / "sx37.wav").write_bytes(b"")
    (sentence, *_) = timit_tree.find_sentences(str(tmp_path), timit_tree.SPLITS)
    assert sentence.files["WAV"] == "TRAIN/DR1/FCJF0/sx37.wav"


def test_a_transcription_is_that_of_the_files_and_shared_phones_are_of_both_words(read):
    for one, made in zip(read, SENTENCES.values(), strict=True):
        edges = made.edges()
        assert [phone.label for phone in one.text.phones] == [label for label, _ in made.phones]
        assert [phone.start for phone in one.text.phones] == edges[:-1]
        assert [word.label for word in one.text.words] == [word for word, *_ in made.words]
        for i, owners in enumerate(one.text.owners):
            holding = [n for n, (_, a, b) in enumerate(made.words) if a <= i <= b]
            assert list(owners) == holding
    assert read[2].text.owners[6] == (1, 2)  # the jh of had your


def spoil(tree, name, text):
    (tree / "TRAIN" / "DR1" / "FCJF0" / name).write_text(text)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("SX37.PHN", "0 500 h#\n500 660 xx\n", "SX37.PHN, line 2: xx 500 660: none of TIMIT's 61"),
        ("SX37.PHN", "0 500 h#\n400 660 tcl\n", "line 2: tcl 400 660: starts before .* at 500"),
        ("SX37.PHN", "0 500 h#\n660 500 tcl\n", "line 2: tcl 660 500: ends where it starts, or"),
        ("SX37.PHN", "0 500\n", "line 1: '0 500', not START END LABEL"),
        ("SX37.PHN", "0 5.5 h#\n", "line 1: '0 5.5 h#', not START END LABEL"),
        ("SX37.WRD", "-5 5 take\n", "SX37.WRD, line 1: '-5 5 take', not"),
        ("SX37.WRD", "5 5 take\n", "SX37.WRD, line 1: take 5 5: ends where it starts"),
        ("SX37.WRD", "\n", "SX37.WRD: empty"),
    ],
)
def test_a_transcription_that_cannot_be_right_is_named_and_the_others_are_used(
    tmp_path, name, text, words
):
    make_tree(tmp_path)
    spoil(tmp_path, name, text)
    used, (problem,) = read_all(tmp_path)
    assert len(used) == 3
    assert problem["problem"] == "transcription unreadable"
    assert problem["file"] == "TRAIN/DR1/FCJF0/SX37.WAV"
    assert re.search(words, problem["detail"])


@pytest.mark.parametrize("kind", ["PHN", "WRD", "WAV"])
def test_a_missing_file_is_named_and_the_other_sentences_are_used(tmp_path, kind):
    make_tree(tmp_path)
    (tmp_path / "TRAIN" / "DR1" / "FCJF0" / f"SX37.{kind}").unlink()
    used, (problem,) = read_all(tmp_path)
    assert len(used) == 3
    assert problem["problem"] == "file missing"
    assert problem["detail"].startswith(f"no .{kind} beside TRAIN/DR1/FCJF0/SX37.")


def test_phones_on_both_sides_of_an_unlabelled_stretch_are_no_neighbours(tmp_path):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", "0 500 h#\n500 660 tcl\n700 900 t\n900 1700 ey\n")
    used, _ = read_all(tmp_path)
    plan = planning.plan_cuts(used[:1], planning.Wanted((parse("#TV"),)))
    assert not plan.cuts
    assert [phone.label for phone in used[0].text.phones] == ["h#", "tcl", "", "t", "ey"]
    too_long = planning.plan_cuts(used[:1], planning.Wanted(words=("take",), max_len=1))
    assert too_long.left_out[0]["phones"] == "tcl t ey"


def test_a_phone_is_of_the_word_that_holds_its_middle(tmp_path):
    make_tree(tmp_path)
    spoil(tmp_path, "SX37.PHN", "0 100 h#\n100 200 s\n200 300 ae\n300 401 m\n")
    spoil(tmp_path, "SX37.WRD", "20 150 a\n150 350 b\n351 401 c\n")
    (one, *_), _ = read_all(tmp_path)
    assert one.text.owners == [(0,), (1,), (1,), ()]  # middles 50, 150, 250, 350.5


def test_a_stretch_that_words_share_is_labelled_with_the_clips_own_word():
    phones = [timit_tree.Span("s", 1600, 3200), timit_tree.Span("ae", 3200, 4800)]
    words = [timit_tree.Span("a", 800, 2240), timit_tree.Span("b", 1920, 4800)]
    text = timit_tree.Transcription(phones, words, [(1,), (1,)])
    tiers = cutting.tiers_of(text, planning.Cut("sV", 1600, 4800, (1,)))
    intervals = {tier.name: [tuple(interval) for interval in tier.intervals] for tier in tiers}
    assert intervals == {
        "words": [("a", 0.0, 0.02), ("b", 0.02, 0.2)],
        "phones": [("s", 0.0, 0.1), ("ae", 0.1, 0.2)],
    }
    assert list(intervals) == ["words", "phones"]


def test_the_papers_patterns_are_cut_from_closure_or_s_to_the_end_of_the_vowel(read):
    plan = planning.plan_cuts(read, planning.Wanted((parse("#sTV"), parse("#TV"))))
    sx37, si5, _, sa2 = SENTENCES
    assert cuts_of(plan) == [
        planned(sx37, 1, 3),
        planned(sx37, 6, 9),
        planned(sa2, 1, 3),
        planned(sa2, 4, 6),
    ]
    left_out = [(r["reason"], r["pattern"], r["word"], r["phones"]) for r in plan.left_out]
    assert left_out == [
        ("no_closure", "#TV", "come", "k ah"),
        ("other_closure", "#TV", "to", "dcl t ux"),
        ("no_closure", "#TV", "time", "t ay"),
        ("no_release", "#TV", "pat", "pcl ae"),
        ("inserted", "#TV", "cat", "kcl k q ae"),
        ("word_edge", "#TV", "to a", "tcl t ax"),
        ("too_long", "#TV", "paw", "pcl p ao"),
    ]
    start, end = SENTENCES[si5].span(5, 6)
    assert (plan.left_out[2]["start_sample"], plan.left_out[2]["end_sample"]) == (start, end)
    assert plan.counts["#TV"] == {
        "no_closure": 2, "other_closure": 1, "no_release": 1, "inserted": 1, "word_edge": 1,
        "too_long": 1,
    }  # fmt: skip


def test_clips_of_any_length_are_kept_when_no_limit_is_set(read):
    plan = planning.plan_cuts(read, planning.Wanted((parse("#TV"),), max_len=None))
    assert planned("TEST/DR3/FDEF1/SA2", 13, 15) in cuts_of(plan)
    exactly = planning.Wanted((parse("#TV"),), max_len=125 + 135 + 17000)
    assert planned("TEST/DR3/FDEF1/SA2", 13, 15) in cuts_of(planning.plan_cuts(read, exactly))


def test_words_are_cut_by_their_spans_with_what_they_share(read):
    plan = planning.plan_cuts(read, planning.Wanted(words=("had", "your", "water")))
    si5, sa1, sa2 = list(SENTENCES)[1:]
    assert cuts_of(plan) == [
        planned(si5, 8, 10),
        planned(sa1, 3, 6),
        planned(sa1, 6, 8),
        planned(sa1, 22, 25),
        planned(sa2, 9, 12),
    ]


def test_without_sa_sentences_they_are_counted_and_not_cut(read):
    plan = planning.plan_cuts(read, planning.Wanted(words=("had", "water"), sa=False))
    assert cuts_of(plan) == [planned("TRAIN/DR2/MABC0/SI5", 8, 10)]
    assert plan.counts == {"had": {"sa": 1}, "water": {"sa": 2}}
    assert plan.num_sentences == 2 and not plan.left_out
    _, rows = timit_counts.count_rows(plan, by_pattern=False)
    assert [(row["word"], row["sa_tokens"], row["sa"]) for row in rows] == [
        ("had", 0, 1),
        ("water", 0, 2),
    ]


def test_words_are_chosen_by_their_number_of_tokens_and_equals_alphabetically(read):
    def chosen(**options):
        return planning.choose_words(read, planning.Wanted(**options))

    everything = chosen()
    assert everything[:4] == ["to", "had", "water", "a"]  # 3, 2, 2, then of 1 each
    assert everything[3:] == sorted(everything[3:])
    assert chosen(num_words=2) == ["to", "had"]
    assert chosen(min_tokens=2) == ["to", "had", "water"]
    assert chosen(min_tokens=2, num_words=9) == ["to", "had", "water"]
    assert chosen(sa=False)[0] == "to"
    assert "suit" not in chosen(sa=False)


def test_names_have_hyphens_for_spaces_and_the_signs_of_patterns():
    assert cutting.plain_name("don't") == "don't"
    assert cutting.plain_name("to a/b") == "to-a%2Fb"
    assert cutting.plain_name("({tcl})V#(s)") == "tcl-V-s"
    assert cutting.plain_name("") == cutting.plain_name(".") == "_"
    names = cutting.folder_names(["#TV", "#tV", "#sTV", "TV#", "V{sh}#V"])
    assert list(names.values()) == ["TV", "tV-2", "sTV", "TV-3", "V-sh-V"]


def test_a_table_of_many_words_is_cut_and_summed():
    plan = planning.Plan(num_sentences=6300)
    for number in range(30):
        plan.counts[f"word{number}"] = Counter(tokens=2)
    plan.counts["water"] = Counter(tokens=650, sa_tokens=630)
    _, rows = timit_counts.count_rows(plan, by_pattern=False)
    assert np.isnan(rows[0]["paper"]) and np.isnan(rows[0]["difference"])
    lines = timit_counts.counts_text(plan, planning.Wanted()).splitlines()
    assert len(lines) == 1 + 20 + 1 + 1 + 1
    assert lines[21] == ".. and 11 more"
    assert lines[22].split()[:3] == ["all", "31", "710"]
    assert lines[23] == "the paper: 54378 tokens of 6229 words"
    named = planning.Wanted(words=("water",))
    assert "the paper" not in timit_counts.counts_text(plan, named)


@pytest.mark.parametrize("num_sentences", [6300, 6299, 5040])
def test_counts_are_compared_with_the_papers_only_where_all_of_timit_is_used(num_sentences):
    plan = planning.Plan(num_sentences=num_sentences)
    plan.counts["water"] = Counter(tokens=650, sa_tokens=630, too_long=3)
    _, (row,) = timit_counts.count_rows(plan, by_pattern=False)
    paper, difference = row.pop("paper"), row.pop("difference")
    assert row == {
        "word": "water", "tokens": 650, "sa_tokens": 630, "too_long": 3, "sa": 0, "unusable": 0
    }  # fmt: skip
    note = f"{num_sentences} of TIMIT's 6300 sentences used: not comparable with the paper's counts"
    text = timit_counts.counts_text(plan, planning.Wanted())
    if num_sentences == 6300:
        assert (paper, difference) == (649, 1) and "649" in text
        assert "not comparable" not in text and "54378" in text
    else:
        assert np.isnan(paper) and np.isnan(difference) and "649" not in text
        assert text.splitlines()[-1] == note and "54378" not in text


def test_patterns_of_the_paper_are_compared_with_its_counts():
    plan = planning.Plan(num_sentences=6300)
    plan.counts = {"#TV": Counter(tokens=4900), "#sTV": Counter(tokens=540), "#DV": Counter()}
    columns, rows = timit_counts.count_rows(plan, by_pattern=True)
    assert [(row["paper"], row["difference"]) for row in rows[:2]] == [(4930, -30), (533, 7)]
    assert np.isnan(rows[2]["difference"])
    assert columns[:8] == [
        "pattern", "tokens", "sa_tokens", "paper", "difference", "too_long", "sa", "unusable"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (
            {"words": ("zebra",)},
            ["no token to write in the 4 sentences used; write words as TIMIT's .WRD do", "zebra "],
        ),
        ({"words": ("paw",), "max_len": 9}, ["tokens lost: 1 too long: add --allow_longer"]),
        ({"words": ("suit",), "sa": False}, ["2 sentences used", "1 in SA sentences: leave out"]),
        ({"patterns": (parse("#{zh}V"),)}, ["sentences used; --help has the notation"]),
    ],
)
def test_nothing_written_is_told_with_a_way_out_and_the_counts(read, options, lines):
    wanted = planning.Wanted(**options)
    text = timit_counts.nothing_written("--flag=x", wanted, planning.plan_cuts(read, wanted), [])
    assert text.startswith("--flag=x: no token to write in the ")
    assert all(line in text for line in lines)
    assert ".csv" not in text and "tokens  sa_tokens" in text


def test_where_no_word_has_enough_tokens_there_are_no_counts_to_show(read):
    wanted = planning.Wanted(min_tokens=9)
    plan = planning.plan_cuts(read, wanted)
    text = timit_counts.nothing_written("--words=paper_all", wanted, plan, [])
    assert text.endswith("no token to write in the 4 sentences used; lower --min_tokens")


def test_nothing_written_names_what_cannot_be_used(tmp_path):
    make_tree(tmp_path)
    for path in tmp_path.rglob("*.PHN"):
        path.unlink()
    used, problems = read_all(tmp_path)
    wanted = planning.Wanted(words=("water",))
    plan = planning.plan_cuts(used, wanted)
    text = timit_counts.nothing_written("--words=water", wanted, plan, problems)
    assert "in the 0 sentences used; put the files right" in text
    assert "file missing: 4; TRAIN/DR1/FCJF0/SX37.WAV: no .PHN beside" in text


@pytest.mark.parametrize("word", ["paper11", "paper_11", "paper-5", "paperall", "paper_some"])
def test_a_word_like_a_set_of_the_papers_is_refused_naming_the_sets(word):
    flag = f"--words=water,{word}"
    with pytest.raises(InputError, match=f"^{flag}: {word} is no word; .* are paper5, .*paper_all"):
        timit_counts.check_no_set(["water", word], flag)
    timit_counts.check_no_set(["paper", "papers", "paper-thin", "paperweight"], flag)


def test_no_20_samples_of_the_made_sentences_stand_at_two_places():
    places = []
    for number, made in enumerate(SENTENCES.values()):
        samples = made.samples(number)
        assert len(samples) == made.edges()[-1]
        places += [samples[i : i + 20].tobytes() for i in range(len(samples) - 19)]
    assert len(set(places)) == len(places)
    header = made_timit.sphere(samples)[:1024]
    assert header.startswith(b"NIST_1A\n   1024\n") and b"end_head" in header
