"""The language of phone patterns: what it reads, what it matches and what it nearly matches."""

import random
import re

import pytest

from wavegan_tf.corpora.patterns import LABELS, NOTATION, Match, matches, near_misses, parse
from wavegan_tf.errors import InputError

VOWELS = "iy ih eh ey ae aa aw ay ah ao oy ow uh uw ux er ax ix axr ax-h".split()  # Beguš 2020


def sentence(text):
    """``h# [tcl t ey] [ax]`` as labels and the words that they are of; brackets are words."""
    labels, owners, words, inside = [], [], 0, False
    for token in text.replace("[", " [ ").replace("]", " ] ").split():
        if token == "[":
            inside = True
        elif token == "]":
            words, inside = words + 1, False
        else:
            labels.append(token)
            owners.append((words,) if inside else ())
    return labels, owners


def found(pattern, text):
    """The phones of each match, in words."""
    labels, owners = sentence(text) if isinstance(text, str) else text
    return [" ".join(labels[m.first : m.last + 1]) for m in matches(parse(pattern), labels, owners)]


def nearly(pattern, text):
    labels, owners = sentence(text)
    near = near_misses(parse(pattern), labels, owners, matches(parse(pattern), labels, owners))
    return [(reason, " ".join(labels[m.first : m.last + 1])) for reason, m in near]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("#(s)TV", "[kcl k ax-h] [s tcl t axr]", ["kcl k ax-h", "s tcl t axr"]),
        ("TV", "[s pcl p iy]", ["pcl p iy"]),
        ("#TV", "[tcl ch ih]", []),
        ("#TV", "[tcl t hh ax] [kcl k r ay] [tcl p ey] [pcl ae] [p ae] [bcl b ae]", []),
        ("#DV", "[bcl b ae] [tcl b ae]", ["bcl b ae"]),
        ("#AV", "[tcl ch ih] [dcl jh ih] [ch ih]", ["tcl ch ih", "dcl jh ih"]),
        ("#{p|t|k}V", "[p ae] [tcl t ae]", ["p ae"]),
        ("#({pcl|tcl|kcl}){p|t|k}V", "[p ae] [tcl t ae]", ["p ae", "tcl t ae"]),
        ("{tcl}V", "[tcl ae]", ["tcl ae"]),
        ("#tV", "[tcl t ae] [kcl k ae]", ["tcl t ae"]),
        ("# { sh | s } V", "[sh iy] [s iy] [z iy]", ["sh iy", "s iy"]),
        ("VmV", "[ae m ax m ih]", ["ae m ax", "ax m ih"]),
        ("VmV", "[ae] [m ax]", []),
        ("V#mV", "[ae] [m ax] [ae m ax]", ["ae m ax"]),
        ("V(#)mV", "[ae] [m ax] [ae m ax]", ["ae m ax", "ae m ax"]),
        ("VT#", "[ae tcl t] [ae tcl t s]", ["ae tcl t"]),
        ("VT#", "[ae tcl] t", []),
        ("#V#", "[ah] [ah s]", ["ah"]),
        ("{h#}#TV", "h# [tcl t ey] [tcl t ey]", ["h# tcl t ey"]),
        ("{h#}TV", "h# [tcl t ey]", []),
        ("V#{pau}#V", "[ey] pau [ae]", ["ey pau ae"]),
        ("#(q)V", "[q ae] [ae]", ["q ae", "ae"]),
        ("#CV", "[m ae] [tcl ch ae] [q ae] [s tcl t ae] [el ae]", ["m ae", "tcl ch ae", "el ae"]),
        ("VNV", "[ae ng ae nx ae]", ["ae ng ae", "ae nx ae"]),
        ("#L.", "[w ao dx] [el]", ["w ao"]),
        ("FF", "[dh s] [hh s]", ["dh s"]),
    ],
)  # fmt: skip
def test_a_pattern_matches_what_its_notation_says(pattern, text, expected):
    assert found(pattern, text) == expected


def test_words_that_share_a_phone_end_and_begin_with_it():
    # had [hv eh dcl jh] your [jh ih axr], as in TIMIT's SA1
    shared = "hv eh dcl jh ih axr".split(), [(0,), (0,), (0,), (0, 1), (1,), (1,)]
    assert found("A#", shared) == ["dcl jh"]
    assert found("#{jh}V", shared) == ["jh ih"]
    assert found("AV", shared) == []  # no word has them all
    assert found("A#V", shared) == ["dcl jh ih"]
    assert matches(parse("A#V"), *shared) == [Match(2, 4, (0, 1))]
    assert found("#{ih}", shared) == []


def test_word_initial_stops_are_those_that_a_regular_expression_finds():
    random.seed(1)
    pieces = ["s", "pcl p", "tcl t", "kcl k", "pcl", "p", "k", "ey", "ax-h", "ax", "m", "q"]
    number = 0
    for _ in range(300):
        words = [random.choices(pieces, k=random.randint(1, 5)) for _ in range(8)]
        text = " ".join(f"[ {' '.join(word)} ]" for word in words)
        for pattern, s in (("#TV", ""), ("#sTV", "s ")):
            regex = rf"(?<=\[ ){s}(?:pcl p|tcl t|kcl k) (?:{'|'.join(VOWELS)})(?= )"
            expected = re.findall(regex, text)
            assert found(pattern, text) == expected
            number += len(expected)
    assert number > 100


def test_near_misses_are_named_by_what_keeps_them_from_matching():
    text = (
        "h# [p ae] [gcl k ae] [tcl ey] [kcl k q ae] [pcl epi p ih] [tcl t] [ax] [tcl t iy] "
        "[tcl ch ih] [tcl t hh ax]"
    )
    assert nearly("#TV", text) == [
        ("other_closure", "gcl k ae"),
        ("no_closure", "p ae"),
        ("no_release", "tcl ey"),
        ("inserted", "kcl k q ae"),
        ("inserted", "pcl epi p ih"),
        ("word_edge", "tcl t ax"),
    ]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("TV", "[tcl t iy] [s kcl k ae]", []),  # parts of matches
        ("VT", "[ae tcl t]", []),
        ("#VmV", "[ae m ae] [ae m q ae] [ae epi m ae]", ["ae m q ae", "ae epi m ae"]),
        ("{h#}#TV", "h# pau [tcl t ey]", ["h# pau tcl t ey"]),
        ("#(q)VmV", "q [ae m q ae]", ["ae m q ae"]),  # what stands before is not inserted
        ("#TV", "[p q ae] [kcl q ae] [t] [ax]", []),  # lacks two things
    ],
)
def test_near_misses_lack_one_thing_and_hold_no_match(pattern, text, expected):
    assert nearly(pattern, text) == [("inserted", phones) for phones in expected]


@pytest.mark.parametrize(
    ("pattern", "at", "words"),
    [
        ("#T[V", 2, "'[' is neither a class nor a phone of one letter"),
        ("#chV", 1, "'c' is neither"),
        ("#{shh}V", 2, "'shh' is none of TIMIT's 61 labels"),
        ("#{s|xx}V", 4, "'xx' is none of"),
        ("#{shV", 1, "this { is never closed"),
        ("#{t", 1, "a comma begins another pattern; alternatives are {t|p}"),
        ("#{T}V", 2, "'T' is none of TIMIT's 61 labels; a class stands without braces: #TV"),
        ("#(sTV", 1, "this ( is never closed"),
        ("#s)TV", 2, "this ) closes nothing"),
        ("#()TV", 1, "nothing stands in these"),
        ("##TV", 1, "a second # in a row"),
        ("#", 0, "needs a phone that may not be missing"),
    ],
)
def test_a_pattern_that_breaks_the_notation_is_refused_at_the_place(pattern, at, words):
    with pytest.raises(InputError) as refusal:
        parse(pattern)
    lines = str(refusal.value).splitlines()
    assert words in lines[0] and lines[0].startswith(f"--pattern={pattern}: ")
    assert lines[1] == f"  {pattern}" and lines[2] == f"  {' ' * at}^"
    assert "for example #TV" in lines[3]


def test_the_labels_are_timits_61_and_the_notation_names_the_vowels_of_the_paper():
    assert len(LABELS) == 61
    assert set(VOWELS) <= LABELS
    assert found("V", "[ " + " ".join(sorted(LABELS)) + " ]") == sorted(VOWELS)
    assert all(f" {vowel}" in NOTATION for vowel in VOWELS)
