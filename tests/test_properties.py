"""Labels of outputs: read from hand-written tables, so that every answer is known."""

import numpy as np
import pytest

from wavegan_tf.analysis import acoustics
from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.causes import hand_labels, properties
from wavegan_tf.analysis.measures import UNITS
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.errors import InputError

# Output -> its intervals: label, start in s, and F0 where it is voiced.
OUTPUTS = {
    0: [("silence", 0.0), ("frication", 0.1), ("voiced", 0.3, 100.0), ("silence", 0.8)],
    1: [("voiced", 0.1, 150.0), ("silence", 0.4), ("voiced", 0.6, 250.0)],
    2: [("silence", 0.0)],
    3: [("voiced", 0.1, 220.0), ("voiced", 0.5, float("nan"))],
    4: [("frication", 0.1), ("silence", 0.3), ("silence", 0.5), ("frication", 0.7)],
    5: [],  # not measured
}


def tables():
    """outputs.csv and intervals.csv of these, numbers as text as they are read, and a channel 2."""
    outputs, intervals = [], []
    for i, found in OUTPUTS.items():
        counts = {f"n_{x}": sum(f[0] == x for f in found) for x in ("voiced", "frication")}
        row = {"id": i, "channel": 1, "measured": int(i != 5), "rms_db": -10 - i, "peak": 0.5}
        row |= counts | {"n_silence": sum(f[0] == "silence" for f in found), "clipped_share": 0.0}
        outputs.append({name: str(value) for name, value in row.items()})
        outputs.append(outputs[-1] | {"channel": "2", "n_frication": "9", "n_voiced": "9"})
        for label, start_s, *f0_hz in found:
            here = {"id": str(i), "channel": "1", "label": label, "start_s": str(start_s)}
            intervals += [here | {"measure": "f0", "value": str(x)} for x in f0_hz]
            intervals.append(here | {"measure": "duration", "value": "0.1"})
            intervals.append(here | {"measure": "duration", "value": "7", "channel": "2"})
    return outputs, intervals


NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("frication", [1, 0, 0, 0, 1, NAN]),
        ("voicing", [1, 1, 0, 1, 0, NAN]),
        ("two_vowels", [0, 1, 0, 1, 0, NAN]),
        ("silence", [0, 1, 0, 0, 1, NAN]),
        ("n_silence>=1", [1, 1, 1, 0, 1, NAN]),
        ("n_voiced", [1, 2, 0, 2, 0, NAN]),
        ("rms_db", [-10, -11, -12, -13, -14, NAN]),
        ("voiced.f0", [100, 200, NAN, 220, NAN, NAN]),
        ("voiced.f0 > 200", [0, 0, NAN, 1, NAN, NAN]),
        ("voiced.f0>=200", [0, 1, NAN, 1, NAN, NAN]),
        ("n_voiced==0", [0, 0, 1, 0, 1, NAN]),
    ],
)
def test_a_property_is_decided_by_the_tables_alone(text, expected):
    ids, y = properties.label_outputs(properties.parse_property(text), *tables())
    assert ids.tolist() == list(OUTPUTS)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fricative", ["'fricative'", "frication, voicing, silence, two_vowels", "n_voiced"]),
        ("voiced.cog", ["voiced.cog", "frication. with intensity, cog"]),
        ("voiced.f0>high", ["'high' is no finite number"]),
        ("voiced.f0>", ["--property=voiced.f0>"]),
        ("frication>1", ["yes or no already"]),
        ("", ["no property ''"]),
    ],
)
def test_an_unknown_property_is_refused_with_what_there_is(text, words):
    with pytest.raises(InputError) as error:
        properties.parse_property(text)
    for word in words:
        assert word in str(error.value)


def test_kind_unit_and_measures_follow_from_the_property():
    found = {
        text: (x.kind, x.unit, x.measures)
        for text in ("frication", "voiced.f0", "voiced.f0>200", "rms_db")
        for x in [properties.parse_property(text)]
    }
    assert found == {
        "frication": ("binary", "1", ()),
        "voiced.f0": ("continuous", "Hz", ("f0",)),
        "voiced.f0>200": ("binary", "1", ("f0",)),
        "rms_db": ("continuous", "dB", ()),
    }


def test_the_loudest_point_of_all_intervals_of_a_label_counts():
    rows = [
        {"id": i, "channel": channel, "label": label, "measure": measure, "value": value}
        for i, channel, label, measure, value in [
            (0, 1, "frication", "intensity", "60"),
            (0, 1, "frication", "intensity", "64.5"),
            (0, 1, "frication", "intensity", "NaN"),
            (0, 1, "voiced", "intensity", "80"),
            (0, 1, "frication", "cog", "5000"),
            (0, 2, "frication", "intensity", "90"),
            (2, 1, "frication", "intensity", "NaN"),
        ]
    ]
    ids = np.arange(3)
    loudest = properties.loudest(rows, "frication", ids)
    np.testing.assert_array_equal(loudest, [64.5, NAN, NAN])
    ratio = properties.frication_ratio(loudest, [80, 75, NAN])
    np.testing.assert_allclose(ratio, [64.5 / 144.5, 0, NAN])


def test_measures_asked_for_have_the_values_they_have_among_all():
    rng, t = np.random.default_rng(0), np.arange(16384) / 16000
    sound = 0.3 * np.sin(2 * np.pi * 120 * t) * (t > 0.4) + 0.1 * rng.standard_normal(16384)
    intervals = [Interval("frication", 0.1, 0.3), Interval("voiced", 0.4, 0.8)]
    given = (sound, 16000, 16000, intervals, AcousticSettings())
    full = acoustics.measure_layer(*given)
    for measure in UNITS:
        part = acoustics.measure_layer(*given, measures=(measure,))
        assert [len(rows) for rows in part] != [0, 0]
        for all_rows, rows in zip(full, part, strict=True):
            assert repr(rows) == repr([row for row in all_rows if row.measure == measure])


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("rows", "kind", "values"),
    [
        ("0,yes\n2,no\n3,Yes\n", "binary", [1, NAN, 0, 1]),
        ("0,1\n1,0.0\n2,NA\n3,\n", "binary", [1, 0, NAN, NAN]),
        ("0,TRUE\n1,false\n", "binary", [1, 0, NAN, NAN]),
        ("0,3\n1,-0.5\n", "continuous", [3, -0.5, NAN, NAN]),
        ("0,rag\n1,oily\n3,rag\n", "categories", [NAN, NAN, NAN, NAN]),
        ("0,yes\n1,maybe\n", "categories", [1, NAN, NAN, NAN]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_labels_by_hand_are_yes_or_no_numbers_or_words(tmp_path, rows, kind, values, encoding):
    path = write(tmp_path / "labels.csv", "id,label\n" + rows, encoding)
    labels = hand_labels.read_labels(path, 4)
    assert labels.kind == kind
    np.testing.assert_array_equal(labels.values(np.arange(4)), values)


def test_one_word_can_be_asked_for_against_the_others(tmp_path):
    path = write(tmp_path / "labels.csv", "note,label,id\n,rag,3\n,ölig,0\n,rag,1\n")
    labels = hand_labels.read_labels(path, 4, "rag")
    np.testing.assert_array_equal(labels.values(np.arange(4), "rag"), [0, 1, NAN, 1])
    assert labels.categories == ["rag", "ölig"]


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("id,label\n0,a\n4,b\n", None, ["row 3 labels output 4", "4 outputs (0 .. 3)"]),
        ("id,label\n0,a\n0,b\n", None, ["output 0 is labelled twice"]),
        ("id,label\n0,\n1,NA\n", None, ["no row has a label"]),
        ("id,label\n", None, ["no row has a label"]),
        ("", None, ["columns none"]),
        ("id;label\n0;a\n", None, ["is separated by semicolons", "write.csv, not write.csv2"]),
        ("id\tlabel\n0\ta\n", None, ["columns id\tlabel, separated by commas"]),
        ("id,label\n-1,a\n", None, ["row 2 has the id '-1'"]),
        ("id,label\n0,a\n1,b\n", "c", ["--label=c", "has a, b"]),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_clear_words(tmp_path, text, wanted, words):
    path = write(tmp_path / "labels.csv", text)
    with pytest.raises(InputError) as error:
        hand_labels.read_labels(path, 4, wanted)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("texts", "wanted", "words"),
    [
        (["rag"] * 30, "rag", "all 30 labels are rag.*label outputs that differ"),
        (["no"] * 30, None, "all 30 labels are no"),
        (["2.5"] * 30, None, "all 30 labels are 2.5"),
        (["rag"] * 4 + ["oily", "suit"] * 9, "rag", "4 outputs are rag, 18 are not.*needs 10"),
        (["yes"] * 30 + ["no"] * 9, None, "30 outputs are yes, 9 are not.*label more outputs"),
        ([str(i) for i in range(19)], None, "19 outputs have a number.*needs 20"),
    ],
)
def test_labels_that_cannot_be_ranked_by_are_refused_by_the_name_of_their_file(
    tmp_path, texts, wanted, words
):
    rows = "".join(f"{i},{text}\n" for i, text in enumerate(texts))
    path = write(tmp_path / "labels.csv", f"id,label\n{rows}")
    labels = hand_labels.read_labels(path, 60, wanted)
    with pytest.raises(InputError, match=f"--labels={path}: {words}") as error:
        hand_labels.check_rankable(labels, path, wanted)
    assert "--n)" not in str(error.value)  # more outputs are no more labels


def test_labels_that_can_be_ranked_by_or_need_not_be_pass(tmp_path):
    for name, texts, wanted in (
        ("word", ["rag", "oily"] * 10, "rag"),
        ("yes", ["yes", "no"] * 10, None),
        ("number", [str(i) for i in range(20)], None),
        ("words", ["rag"] * 3, None),
    ):
        rows = "".join(f"{i},{text}\n" for i, text in enumerate(texts))
        path = write(tmp_path / f"{name}.csv", f"id,label\n{rows}")
        hand_labels.check_rankable(hand_labels.read_labels(path, 60, wanted), path, wanted)


def test_a_labels_file_that_is_missing_or_not_utf_8_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        hand_labels.read_labels(str(tmp_path / "none.csv"), 4)
    path = write(tmp_path / "labels.csv", "id,label\n0,ölig\n", "latin-1")
    with pytest.raises(InputError, match="not UTF-8"):
        hand_labels.read_labels(path, 4)
