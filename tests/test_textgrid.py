"""TextGrids: written ones opened by Praat, Praat's own read, and files that are wrong."""

import parselmouth
import pytest
from parselmouth.praat import call

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.textgrid import (
    TextGrid,
    Tier,
    load_annotation,
    parse_labels,
    read,
    write,
    write_annotation,
)
from wavegan_tf.errors import InputError

LABELS = ["", 'say "a"', "ʃ ə́ ŋ", "two\nlines", "1.5", "! no comment", "<exists>", '"', "a=b"]
TIMES_S = [0.0, 0.1, 1 / 3, 0.5, 0.51234567890123, 0.6, 0.7, 0.8, 0.9, 1.024]
GRID = TextGrid(
    0.0,
    1.024,
    [
        Tier("words", [Interval(*x) for x in zip(LABELS, TIMES_S, TIMES_S[1:], strict=False)]),
        Tier('of "m"', [Interval("x", 0.0, 1.024)]),
    ],
)


def praats_intervals(grid, tier):
    """The intervals of a tier as Praat sees them."""
    return [
        Interval(
            call(grid, "Get label of interval", tier, i),
            call(grid, "Get start time of interval", tier, i),
            call(grid, "Get end time of interval", tier, i),
        )
        for i in range(1, call(grid, "Get number of intervals", tier) + 1)
    ]


@pytest.fixture
def praats_grid():
    """A TextGrid made by Praat: two interval tiers and a point tier between them."""
    grid = call("Create TextGrid", 0.0, 1.024, "words clicks phones", "clicks")
    call(grid, "Insert point", 2, 0.25, 'a "click"')
    for tier, times_s in ((1, [0.1, 1 / 3, 0.9]), (3, [0.5])):
        for time_s in times_s:
            call(grid, "Insert boundary", tier, time_s)
    call(grid, "Set interval text", 1, 2, 'æ "quoted"')
    call(grid, "Set interval text", 1, 3, "s")
    call(grid, "Set interval text", 3, 2, "V")
    return grid


# Writing and reading


def test_a_round_trip_changes_nothing(tmp_path):
    write(tmp_path / "a.TextGrid", GRID)
    assert read(tmp_path / "a.TextGrid") == GRID


def test_praat_sees_what_was_written(tmp_path):
    write(tmp_path / "a.TextGrid", GRID)
    grid = parselmouth.read(str(tmp_path / "a.TextGrid"))
    assert call(grid, "Get number of tiers") == 2
    assert [call(grid, "Get tier name", i) for i in (1, 2)] == ["words", 'of "m"']
    for number, tier in enumerate(GRID.tiers, start=1):
        assert praats_intervals(grid, number) == tier.intervals
    assert (grid.xmin, grid.xmax) == (0.0, 1.024)


def test_gaps_are_written_as_empty_labels_so_that_tiers_are_full(tmp_path):
    grid = TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.2, 0.4)]), Tier("b", [])])
    write(tmp_path / "a.TextGrid", grid)
    full, empty = (tier.intervals for tier in read(tmp_path / "a.TextGrid").tiers)
    assert full == [("", 0.0, 0.2), ("x", 0.2, 0.4), ("", 0.4, 1.0)]
    assert empty == [("", 0.0, 1.0)]
    assert praats_intervals(parselmouth.read(str(tmp_path / "a.TextGrid")), 1) == full


@pytest.mark.parametrize(
    "command", ["Save as text file...", "Save as short text file..."], ids=["long", "short"]
)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_what_praat_saves_is_read_and_point_tiers_are_left_out(
    tmp_path, praats_grid, command, encoding
):
    path = tmp_path / "praat.TextGrid"
    call("Text writing preferences...", encoding)
    try:
        call(praats_grid, command, str(path))
    finally:
        call("Text writing preferences...", "try ASCII, then UTF-16")
    grid = read(path)
    assert [tier.name for tier in grid.tiers] == ["words", "phones"]
    for number, tier in zip((1, 3), grid.tiers, strict=True):
        assert tier.intervals == praats_intervals(praats_grid, number)
    assert (grid.start_s, grid.end_s) == (0.0, 1.024)


@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["bare", "bom"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_unicode_of_both_byte_orders_is_read(tmp_path, encoding, bom):
    path = tmp_path / "a.TextGrid"
    write(path, GRID)
    path.write_bytes((bom + path.read_text("utf-8")).encode(encoding))
    assert read(path) == GRID


@pytest.mark.parametrize(
    ("encoding", "label"), [("latin-1", "château Größe"), ("mac_roman", "château Größe")]
)
def test_files_of_old_versions_of_praat_are_read(tmp_path, encoding, label):
    path = tmp_path / "a.TextGrid"
    grid = TextGrid(0.0, 1.0, [Tier("a", [Interval(label, 0.0, 1.0)])])
    write(path, grid)
    path.write_bytes(path.read_text("utf-8").encode(encoding))
    assert read(path) == grid


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_are_read(tmp_path, line_end):
    path = tmp_path / "a.TextGrid"
    write(path, GRID)
    path.write_bytes(path.read_bytes().replace(b"\n", line_end.encode()))
    assert read(path) == GRID


SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
1
<exists>
2
"IntervalTier"
"a"
0
1
2
0
0.5
"x"
5e-1
1
""
"TextTier"
"points"
0
1
1
0.5
"p"
"""


def test_short_format_with_comments_and_its_old_header_is_read(tmp_path):
    path = tmp_path / "a.TextGrid"
    expected = TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.0, 0.5), Interval("", 0.5, 1.0)])])
    path.write_text(SHORT)
    assert read(path) == expected
    path.write_text(SHORT.replace("<exists>", '<exists> ! 3 "comment"').replace("\n0.5", " 0.5"))
    assert read(path) == expected
    old = SHORT.replace('"ooTextFile"', '"ooTextFile short"').replace("Object class = ", "")
    path.write_text(old)
    assert read(path) == expected


def test_a_textgrid_without_tiers_has_none(tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text('File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n1\n<absent>\n')
    assert read(path) == TextGrid(0.0, 1.0, [])


# What is wrong with a file


def test_a_file_cut_off_anywhere_is_refused(tmp_path):
    whole = SHORT.rstrip()
    path = tmp_path / "a.TextGrid"
    for end in range(len(whole)):
        path.write_text(whole[:end])
        with pytest.raises(
            InputError, match="a.TextGrid.*(cut off|not a TextGrid|not after its start)"
        ):
            read(path)


def test_a_file_cut_off_within_a_letter_is_refused(tmp_path):
    (tmp_path / "a.TextGrid").write_bytes(SHORT.encode("utf-16")[:-7])
    with pytest.raises(InputError, match="a.TextGrid.*cut off"):
        read(tmp_path / "a.TextGrid")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"x"', '"x', "line 15: the label of interval 1 of 2 .* is cut off, or has a quote"),
        ('"x"', '"say "x""', "line 15: the label of interval 1 of 2 .* is cut off, or has a quote"),
        ("0\n0.5\n", "0.5\n0.5\n", r'interval 1 of 2 of tier 1 \("a"\) ends at 0.5 s, not after'),
        ("5e-1\n1", "0.4\n1", r"interval 2 of 2 of tier 1 .* at 0.4 s, before the one .* 0.5 s"),
        ("5e-1\n1", "0.5\n1.1", "0.5 .. 1.1 s, is not within the TextGrid, 0 .. 1 s"),
        ("\n0\n1\n<exists>", "\n1\n0\n<exists>", "ends at 0 s, not after its start, 1 s"),
        ('"IntervalTier"', '"PitchTier"', r'tier 1 \("a"\) is a PitchTier'),
        ("<exists>\n2", "<exists>\n2.5", "the number of tiers is 2.5, not a whole number"),
        ("<exists>\n2", "<exists>\n1", "line 19: more than the announced tiers"),
        ('"x"\n', "7\n", r"line 15: the label of interval 1 of 2 .* should be a string, not '7'"),
        ("\n0.5\n", "\n1e999\n", "the end of interval 1 of 2 .* too large"),
        ('"TextGrid"', '"Pitch 1"', "a Pitch 1, not a TextGrid"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_place(tmp_path, old, new, message):
    assert old in SHORT
    path = tmp_path / "b.TextGrid"
    path.write_text(SHORT.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"b\.TextGrid.*{message}"):
        read(path)


def test_overlaps_of_rounding_are_no_errors(tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text(SHORT.replace("5e-1", "0.4999999999"))
    assert read(path).tiers[0].intervals[1].start_s == 0.4999999999


@pytest.mark.parametrize(
    "data",
    [b"", b"RIFF\x24\x00\x00\x00WAVEfmt ", b"0 1 2", b"hello", b'"ooTextFile" 1', b"\xff\xfe"],
)
def test_other_files_are_no_textgrids(tmp_path, data):
    (tmp_path / "c.TextGrid").write_bytes(data)
    with pytest.raises(InputError, match="c.TextGrid: not a TextGrid"):
        read(tmp_path / "c.TextGrid")


def test_a_binary_textgrid_names_the_way_out(tmp_path, praats_grid):
    call(praats_grid, "Save as binary file...", str(tmp_path / "d.TextGrid"))
    with pytest.raises(InputError, match="binary file of Praat; save it there as a text file"):
        read(tmp_path / "d.TextGrid")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="none.TextGrid: cannot be read"):
        read(tmp_path / "none.TextGrid")


@pytest.mark.parametrize(
    "grid",
    [
        TextGrid(0.0, 1.0, []),
        TextGrid(1.0, 1.0, [Tier("a", [])]),
        TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.2, 0.5), Interval("y", 0.4, 0.6)])]),
        TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.5, 0.5)])]),
        TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.5, 1.5)])]),
    ],
)
def test_what_praat_could_not_open_is_not_written(tmp_path, grid):
    with pytest.raises(ValueError, match="TextGrid|overlaps"):
        write(tmp_path / "a.TextGrid", grid)
    assert not (tmp_path / "a.TextGrid").exists()


# Annotations

FOUND = [
    Interval("silence", 0.0, 0.1025),
    Interval("frication", 0.1025, 0.2525),
    Interval("voiced", 0.3, 0.7),
    Interval("silence", 0.9, 1.024),
]


@pytest.mark.parametrize("intervals", [FOUND, []])
def test_an_annotation_comes_back_exactly(tmp_path, intervals):
    write_annotation(tmp_path / "a.TextGrid", intervals, 1.024)
    assert load_annotation(tmp_path / "a.TextGrid", 1.024, {}) == (intervals, {})
    assert [tier.name for tier in read(tmp_path / "a.TextGrid").tiers] == ["wavegan_tf"]


def hand_made(path, tiers, end_s=1.0):
    grid = TextGrid(
        0.0, end_s, [Tier(name, [Interval(*i) for i in intervals]) for name, intervals in tiers]
    )
    write(path, grid)
    return path


def test_labels_of_the_user_are_translated_and_unknown_ones_counted(tmp_path):
    path = hand_made(
        tmp_path / "a.TextGrid",
        [
            ("vowels", [("V", 0.5, 0.7), ("vot", 0.8, 0.9), (" ", 0.9, 1.0)]),
            ("rest", [(" s\n", 0.1, 0.3), ("burst", 0.3, 0.4), ("vot", 0.4, 0.5)]),
            ("own", [("silence", 0.0, 0.1)]),
        ],
    )
    intervals, unknown = load_annotation(path, 1.0, {"V": "voiced", "s": "frication"})
    assert intervals == [("silence", 0.0, 0.1), ("frication", 0.1, 0.3), ("voiced", 0.5, 0.7)]
    assert list(unknown.items()) == [("burst", 1), ("vot", 2)]


def test_known_intervals_of_two_tiers_that_overlap_are_refused(tmp_path):
    path = hand_made(
        tmp_path / "a.TextGrid", [("a", [("voiced", 0.2, 0.5)]), ("b", [("silence", 0.4, 0.6)])]
    )
    message = (
        r'a.TextGrid: "voiced" of tier "a" \(0.2 .. 0.5 s\) overlaps with "silence" of tier "b"'
    )
    with pytest.raises(InputError, match=message):
        load_annotation(path, 1.0, {})
    same = hand_made(tmp_path / "a.TextGrid", [("a", [("V", 0.2, 0.5)]), ("b", [("?", 0.4, 0.6)])])
    assert load_annotation(same, 1.0, {"V": "voiced"}) == ([("voiced", 0.2, 0.5)], {"?": 1})


def test_an_interval_within_another_one_is_an_overlap(tmp_path):
    tiers = [("a", [("voiced", 0.1, 0.9)]), ("b", [("silence", 0.2, 0.3), ("silence", 0.5, 0.6)])]
    with pytest.raises(InputError, match="overlaps with"):
        load_annotation(hand_made(tmp_path / "a.TextGrid", tiers), 1.0, {})


@pytest.mark.parametrize("duration_s", [0.9, 0.998, 1.002, 2.0])
def test_a_textgrid_of_another_duration_is_refused_naming_both(tmp_path, duration_s):
    path = hand_made(tmp_path / "a.TextGrid", [("a", [("voiced", 0.2, 1.0)])])
    with pytest.raises(InputError, match=rf"from 0 to 1 s for a sound of {duration_s:g} s"):
        load_annotation(path, duration_s, {})


def test_a_millisecond_of_difference_is_cut_off(tmp_path):
    path = hand_made(tmp_path / "a.TextGrid", [("a", [("voiced", 0.2, 1.0)])])
    assert load_annotation(path, 0.9995, {})[0] == [("voiced", 0.2, 0.9995)]
    assert load_annotation(path, 1.0005, {})[0] == [("voiced", 0.2, 1.0)]
    write(path, TextGrid(-0.0005, 1.0, [Tier("a", [Interval("voiced", -0.0005, 0.5)])]))
    assert load_annotation(path, 1.0, {})[0] == [("voiced", 0.0, 0.5)]


def test_meanings_of_labels_are_read():
    assert parse_labels("V=voiced, s = frication,a=b=silence") == {
        "V": "voiced",
        "s": "frication",
        "a=b": "silence",
    }
    assert parse_labels("") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V", "'V' is not LABEL=MEANING with a meaning of voiced, frication, silence"),
        ("V=vowel", "--labels=V=vowel: 'V=vowel' is not"),
        ("=voiced", "'=voiced' is not"),
        ("V=voiced,V=silence", "'V' cannot mean voiced and silence"),
    ],
)
def test_meanings_that_cannot_be_are_refused(text, message):
    with pytest.raises(InputError) as caught:
        parse_labels(text)
    assert message in str(caught.value) and "--labels=" in str(caught.value)
