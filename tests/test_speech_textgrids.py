"""TextGrids: written ones opened by Praat, Praat's own read, and files that are wrong."""

import parselmouth
import pytest
from parselmouth.praat import call

from wavegan_tf.errors import InputError
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import (
    TextGrid,
    Tier,
    load_intervals,
    parse_labels,
    read_textgrid,
    save_intervals,
    write_textgrid,
)

LABELS = ["", 'say "a"', "ʃ ə́ ŋ", "two\nlines", "1.5", "! no comment", "<exists>", '"', "item [2]"]
TIMES_S = [0.0, 0.1, 1 / 3, 0.5, 0.51234567890123, 0.6, 0.7, 0.8, 0.9, 1.024]
WORDS = [Interval(*x) for x in zip(LABELS, TIMES_S, TIMES_S[1:], strict=False)]
GRID = TextGrid(0.0, 1.024, [Tier("words", WORDS), Tier('of "m"', [Interval("x", 0.0, 1.024)])])


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
    call(grid, "Set interval text", 3, 2, "V")
    return grid


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.TextGrid"


def test_praat_sees_what_was_written(path):
    write_textgrid(path, GRID)
    grid = parselmouth.read(str(path))
    assert [call(grid, "Get tier name", i) for i in (1, 2)] == ["words", 'of "m"']
    for number, tier in enumerate(GRID.tiers, start=1):
        assert praats_intervals(grid, number) == tier.intervals
    assert (grid.xmin, grid.xmax) == (0.0, 1.024)


def test_gaps_are_written_as_empty_labels_so_that_tiers_are_full(path):
    write_textgrid(path, TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.2, 0.4)]), Tier("b", [])]))
    full, empty = (tier.intervals for tier in read_textgrid(path).tiers)
    assert full == [("", 0.0, 0.2), ("x", 0.2, 0.4), ("", 0.4, 1.0)]
    assert empty == [("", 0.0, 1.0)]
    assert praats_intervals(parselmouth.read(str(path)), 1) == full


@pytest.mark.parametrize(
    "command",
    ["Save as text file...", "Save as short text file...", "Save as chronological text file..."],
)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16"])
def test_what_praat_saves_is_read_and_point_tiers_are_left_out(
    path, praats_grid, command, encoding
):
    call("Text writing preferences...", encoding)
    try:
        call(praats_grid, command, str(path))
    finally:
        call("Text writing preferences...", "try ASCII, then UTF-16")
    grid = read_textgrid(path)
    assert [tier.name for tier in grid.tiers] == ["words", "phones"]
    for number, tier in zip((1, 3), grid.tiers, strict=True):
        assert tier.intervals == praats_intervals(praats_grid, number)
    assert (grid.start_s, grid.end_s) == (0.0, 1.024)


SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

-1
1
<exists>
2
"IntervalTier"
"a"
-1
1
2
-1
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


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", ""),
        ("<exists>", '<exists> ! 3 "comment"'),
        ('"ooTextFile"\nObject class = ', '"ooTextFile short"\n'),
    ],
)
def test_short_format_is_read_with_signs_exponents_comments_and_its_old_header(path, old, new):
    path.write_text(SHORT.replace(old, new) if old else SHORT)
    tier = Tier("a", [Interval("x", -1.0, 0.5), Interval("", 0.5, 1.0)])
    assert read_textgrid(path) == TextGrid(-1.0, 1.0, [tier])


@pytest.mark.parametrize("label", ['say "a"', '"a" b', 'a "b" c', '"', 'so ""a"'])
def test_quotes_that_are_not_doubled_end_with_their_line(path, label):
    path.write_text(SHORT.replace('"x"', f'"{label}"'))
    assert read_textgrid(path).tiers[0].intervals[0].label == label.replace('""', '"')


def test_a_file_cut_off_anywhere_is_refused(path):
    parts = [SHORT.encode()[:end] for end in range(len(SHORT.rstrip()))]
    for data in [*parts, SHORT.encode("utf-16")[:-7], b"RIFF$\0WAVEfmt "]:
        path.write_bytes(data)
        message = "a.TextGrid.*(cut off|not a TextGrid|not after its start|should be)"
        with pytest.raises(InputError, match=message):
            read_textgrid(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"x"', '"x', "line 15: the label of interval 1 of 2 .* is cut off, or has a quote"),
        ("1\n2\n-1", "1\nnan\n-1", "the number of intervals of .* is nan, not a whole number"),
        ("1\n2\n-1", "1\n1e300\n-1", "the number of intervals of .* is 1e.300, not a whole"),
        ("\n-1\n1\n<exists>", "\n1\n0\n<exists>", "ends at 0 s, not after its start, 1 s"),
        ('"IntervalTier"', '"PitchTier"', r'tier 1 \("a"\) is a PitchTier'),
        ("<exists>\n2", "<exists>\n1", "line 19: more than the announced tiers"),
        ('"x"\n', "7\n", r"line 15: the label of interval 1 of 2 .* should be a string, not '7'"),
        ('"TextGrid"', '"Pitch 1"', "a Pitch 1, not a TextGrid"),
        ("File", "ooBinaryFile", "a binary file of Praat; save it there as a text file"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name_and_place(path, old, new, message):
    assert old in SHORT
    path.write_text(SHORT.replace(old, new, 1))
    with pytest.raises(InputError, match=rf"a\.TextGrid.*{message}"):
        read_textgrid(path)


@pytest.mark.parametrize(
    "grid",
    [
        TextGrid(0.0, 1.0, []),
        TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.2, 0.5), Interval("y", 0.4, 0.6)])]),
        TextGrid(0.0, 1.0, [Tier("a", [Interval("x", 0.5, 1.5)])]),
    ],
)
def test_what_praat_could_not_open_is_not_written(path, grid):
    with pytest.raises(ValueError, match="TextGrid|overlaps"):
        write_textgrid(path, grid)
    assert not path.exists()


def hand_made(path, *tiers):
    made = [Tier("abc"[k], [Interval(*i) for i in tier]) for k, tier in enumerate(tiers)]
    write_textgrid(path, TextGrid(0.0, 1.0, made))


def test_labels_of_the_user_are_translated_and_unknown_ones_counted(path):
    hand_made(
        path,
        [("V", 0.5, 0.7), ("vot", 0.8, 0.9), (" ", 0.9, 1.0)],
        [(" s\n", 0.1, 0.3), ("burst", 0.3, 0.4), ("vot", 0.4, 0.5)],
        [("silence", 0.0, 0.1)],
    )
    intervals, unknown = load_intervals(path, [1.0], parse_labels("V=voiced, s = frication"))
    assert intervals == [("silence", 0.0, 0.1), ("frication", 0.1, 0.3), ("voiced", 0.5, 0.7)]
    assert list(unknown.items()) == [("burst", 1), ("vot", 2)]


def test_known_intervals_of_two_tiers_that_overlap_are_refused(path):
    hand_made(path, [("voiced", 0.2, 0.9)], [("silence", 0.4, 0.6)])
    message = r'"voiced" of tier "a" \(0.2 .. 0.9 s\) overlaps with "silence" of tier "b"'
    with pytest.raises(InputError, match=f"a.TextGrid: {message}"):
        load_intervals(path, [1.0], {})


def test_twenty_milliseconds_of_another_duration_are_cut_off_and_more_refused(path):
    hand_made(path, [("voiced", 0.2, 1.0)])
    assert load_intervals(path, [2.0, 0.98], {})[0] == [("voiced", 0.2, 0.98)]
    assert load_intervals(path, [1.02], {})[0] == [("voiced", 0.2, 1.0)]
    for duration_s in (0.979, 1.021):
        with pytest.raises(InputError, match=rf"from 0 to 1 s for a sound of {duration_s:g} s"):
            load_intervals(path, [duration_s], {})


def written(path, *intervals):
    """A TextGrid of a second that has what it is given, in the short format."""
    items = [f'{start} {end} "{label}"' for label, start, end in intervals]
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n0 1 <exists> 1'
    path.write_text("\n".join([head, f'"IntervalTier" "a" 0 1 {len(items)}', *items]))


def test_an_interval_without_duration_is_dropped_and_one_impossible_and_unlabelled_harmless(path):
    written(path, ("voiced", 0, 0.5), ("silence", 0.5, 0.5), ("", 0.7, 0.6), ("voiced", 0.6, 1.015))
    assert load_intervals(path, [1.0], {})[0] == [("voiced", 0, 0.5), ("voiced", 0.6, 1.0)]


@pytest.mark.parametrize("times", [(0.5, 0.4), ("nan", 0.5), (0.5, 1.021), (-0.021, 0.5)])
def test_a_known_interval_that_is_no_stretch_of_the_sound_is_refused(path, times):
    written(path, ("voiced", *times))
    with pytest.raises(InputError, match='a.TextGrid: "voiced" of tier "a", .* is no stretch of a'):
        load_intervals(path, [1.0], {})


def test_an_overlap_by_rounding_is_cut_so_that_what_is_read_can_be_written(path):
    written(path, ("voiced", 0.2, 0.5005), ("frication", 0.5, 0.8), ("silence", 0.8, 1))
    intervals, _ = load_intervals(path, [1.0], {})
    assert intervals == [
        ("voiced", 0.2, 0.5005), ("frication", 0.5005, 0.8), ("silence", 0.8, 1),
    ]  # fmt: skip
    save_intervals(path, intervals, 1.0)
    assert load_intervals(path, [1.0], {})[0] == intervals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("V=vowel", "'V=vowel' is not LABEL=MEANING with a meaning of voiced, frication, silence"),
        ("=voiced", "'=voiced' is not"),
        ("V=voiced,V=silence", "'V' cannot mean voiced and silence"),
    ],
)
def test_meanings_that_cannot_be_are_refused(text, message):
    with pytest.raises(InputError) as caught:
        parse_labels(text)
    assert str(caught.value).startswith(f"--labels={text}: {message}")
