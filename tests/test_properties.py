"""Labels of outputs: read from hand-written tables, so that every answer is known."""

import numpy as np
import pandas as pd
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import properties

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
    """The tables outputs and intervals of these, and a channel 2 that does not count."""
    outputs, intervals = [], []
    for i, found in OUTPUTS.items():
        row = {"output": i, "channel": 1, "measured": i != 5, "rms_db": -10.0 - i, "peak": 0.5}
        for label in ("voiced", "frication", "silence"):
            row[f"n_{label}"] = sum(f[0] == label for f in found)
        outputs += [row | {"clipped_share": 0.0}, row | {"channel": 2, "n_frication": 9}]
        for label, start_s, *f0_hz in found:
            here = {"output": i, "channel": 1, "label": label, "start_s": start_s}
            intervals += [here | {"measure": "f0", "value": x} for x in f0_hz]
            length_s = 0.2 if start_s == 0.6 else 0.1
            intervals.append(here | {"measure": "duration", "value": length_s})
            intervals.append(here | {"measure": "duration", "value": 7.0, "channel": 2})
    intervals = pd.DataFrame(intervals).astype({"label": "category", "measure": "category"})
    return pd.DataFrame(outputs[::-1]), intervals


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
        ("n_voiced==0", [0, 0, 1, 0, 1, NAN]),
    ],
)
def test_a_property_is_decided_by_the_tables_alone(text, expected):
    y = properties.label_outputs(properties.parse_property(text), *tables())
    assert list(y.index) == list(OUTPUTS)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    ("text", "rule", "definition", "expected"),
    [
        ("voiced.f0 > 200", None, "any voiced.f0 > 200", [0, 1, NAN, 1, NAN, NAN]),
        ("voiced.f0<=200", "any", "any voiced.f0 <= 200", [1, 1, NAN, 0, NAN, NAN]),
        ("voiced.f0>200", "mean", "mean voiced.f0 > 200", [0, 0, NAN, 1, NAN, NAN]),
        ("voiced.f0>=200", "mean", "mean voiced.f0 >= 200", [0, 1, NAN, 1, NAN, NAN]),
        ("voiced.f0>200", "longest", "longest voiced.f0 > 200", [0, 1, NAN, 1, NAN, NAN]),
        ("voiced.f0", None, "mean voiced.f0", [100, 200, NAN, 220, NAN, NAN]),
        ("voiced.f0", "longest", "longest voiced.f0", [100, 250, NAN, 220, NAN, NAN]),
        ("n_voiced>=2", None, "n_voiced >= 2", [0, 1, 0, 1, 0, NAN]),
    ],
)
def test_several_intervals_decide_by_a_rule_that_is_written_out(text, rule, definition, expected):
    wanted = properties.parse_property(text, rule)
    assert wanted.definition == wanted.name == definition
    np.testing.assert_array_equal(properties.label_outputs(wanted, *tables()), expected)


def test_one_stretch_that_is_long_enough_is_enough_though_the_mean_is_not():
    outputs, intervals = tables()
    intervals.loc[(intervals["output"] == 1) & (intervals["label"] == "voiced"), "value"] = 0.3
    long = (intervals["output"] == 1) & (intervals["start_s"] == 0.6)
    intervals.loc[long & (intervals["measure"] == "duration"), "value"] = 0.485
    found = {
        rule: properties.label_outputs(
            properties.parse_property("voiced.duration>0.42", rule), outputs, intervals
        )[1]
        for rule in properties.RULES
    }
    assert found == {"any": 1, "longest": 1, "mean": 0}


def test_a_property_has_the_name_that_is_given():
    wanted = properties.parse_property("voiced.duration>0.42", "any", "reduplication")
    assert (wanted.name, wanted.text) == ("reduplication", "voiced.duration>0.42")
    assert wanted.definition == "any voiced.duration > 0.42"
    with pytest.raises(InputError, match="--rule=any: .*--property=voiced.f0 has none"):
        properties.parse_property("voiced.f0", "any")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fricative", ["'fricative'", "frication, voicing, silence, two_vowels", "n_voiced"]),
        ("voiced.cog", ["voiced.cog", "frication. with intensity, cog"]),
        ("voiced.f0>high", ["'high' is not a finite number"]),
        ("voiced.f0>", ["--property=voiced.f0>"]),
        ("frication>1", ["already yes or no"]),
        ("", ["no property ''"]),
    ],
)
def test_an_unknown_property_is_refused_with_what_there_is(text, words):
    with pytest.raises(InputError) as error:
        properties.parse_property(text)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("frication", ("binary", "1", ())),
        ("voiced.f0", ("continuous", "Hz", ("f0",))),
        ("voiced.f0>200", ("binary", "1", ("f0",))),
        ("rms_db", ("continuous", "dB", ())),
    ],
)
def test_kind_unit_and_measures_follow_from_the_property(text, expected):
    wanted = properties.parse_property(text)
    assert (wanted.kind, wanted.unit, wanted.measures) == expected


def test_doses_are_the_loudest_points_of_all_intervals_of_a_label():
    rows = [
        (0, 1, "frication", "intensity", 60.0),
        (0, 1, "frication", "intensity", 64.5),
        (0, 1, "frication", "intensity", NAN),
        (0, 1, "voiced", "intensity", 80.0),
        (0, 1, "frication", "cog", 5000.0),
        (0, 2, "frication", "intensity", 90.0),
        (1, 1, "voiced", "intensity", 75.0),
        (2, 1, "frication", "intensity", NAN),
        (3, 1, "frication", "intensity", 50.0),
    ]
    points = pd.DataFrame(rows, columns=["output", "channel", "label", "measure", "value"])
    doses = properties.doses(points, pd.Series([1.0, 0.0, 0.0, NAN]))
    assert list(doses) == list(properties.DOSES)
    np.testing.assert_array_equal(doses["frication_db"], [64.5, NAN, NAN, 50])
    np.testing.assert_array_equal(doses["voiced_db"], [80, 75, NAN, NAN])
    np.testing.assert_allclose(doses["frication_ratio"], [64.5 / 144.5, 0, NAN, NAN])


def read(tmp_path, text, wanted=None, encoding="utf-8"):
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode(encoding))
    return properties.read_labels(str(path), 4, wanted)


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
@pytest.mark.parametrize(("encoding", "name"), [("utf-8", "output"), ("utf-8-sig", "id")])
def test_labels_by_hand_are_yes_or_no_numbers_or_words(
    tmp_path, rows, kind, values, encoding, name
):
    labels = read(tmp_path, f"{name},label\n{rows}", encoding=encoding)
    found, numbers = properties.as_numbers(labels)
    assert found == kind
    np.testing.assert_array_equal(numbers, values)


def test_one_word_can_be_asked_for_against_the_others(tmp_path):
    labels = read(tmp_path, "note, label,output\n,rag,3\n,ölig,0\n,rag,1\n", "rag")
    kind, numbers = properties.as_numbers(labels, "rag")
    assert kind == "binary" and labels[0] == "ölig"
    np.testing.assert_array_equal(numbers, [0, 1, NAN, 1])


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        (
            "output,label\n0,a\n4,b\n",
            None,
            "row 3 labels output 4, but there are 4 outputs (0 .. 3)",
        ),
        ("output,label\n-1,a\n", None, "row 2 labels output -1"),
        ("output,label\n0,a\n0,b\n", None, "output 0 is labelled twice"),
        ("output,label\n0,\n1,NA\n", None, "no row has a label"),
        ("", None, "columns none"),
        (
            "output;label\n0;a\n",
            None,
            "columns output;label; it needs the columns output and label, separated",
        ),
        ("output,label\n0,a\n1,b\n", "c", "has a, b"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_in_clear_words(tmp_path, text, wanted, words):
    with pytest.raises(InputError) as error:
        read(tmp_path, text, wanted)
    assert words in str(error.value)


def test_a_labels_file_that_is_missing_is_refused_and_one_of_an_old_encoding_read(tmp_path):
    with pytest.raises(InputError, match=r"--labels=none.csv: cannot be read \(No such file"):
        properties.read_labels("none.csv", 4)
    assert read(tmp_path, "output,label\n0,ölig\n", encoding="latin-1")[0] == "ölig"
