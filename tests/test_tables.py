"""Files of a run: exact, repeatable, readable elsewhere."""

import json
import math
import zipfile

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.report import tables
from wavegan_tf.report.tables import (
    read_csv,
    read_json,
    read_npz,
    write_csv,
    write_json,
    write_npz,
    write_wav,
)

ROWS = [
    {"id": 0, "layer": "conv1", "value": 0.1 + 0.2, "reason": ""},
    {"id": np.int64(12), "layer": "out", "value": math.nan, "reason": 'says "no", é\u0259'},
    {"id": 2, "layer": "out", "value": np.float32(0.3), "reason": ""},
    {"id": 3, "layer": "out", "value": 1e-300, "reason": ""},
]


def test_a_table_reads_back_exactly(tmp_path):
    write_csv(tmp_path / "t.csv", ["id", "layer", "value", "reason"], ROWS)
    back = read_csv(tmp_path / "t.csv")
    assert [row["id"] for row in back] == [0, 12, 2, 3]
    assert [row["reason"] for row in back] == [row["reason"] for row in ROWS]
    values = [row["value"] for row in back]
    np.testing.assert_array_equal(values, [float(row["value"]) for row in ROWS])
    assert np.float32(values[2]) == np.float32(0.3)


def test_the_bytes_of_a_table_are_plain(tmp_path):
    write_csv(tmp_path / "t.csv", ["id", "layer", "value", "reason"], ROWS[:2])
    assert (tmp_path / "t.csv").read_bytes() == (
        "id,layer,value,reason\n0,conv1,0.30000000000000004,\n"
        '12,out,NaN,"says ""no"", é\u0259"\n'.encode()
    )


def test_a_row_with_other_columns_is_refused(tmp_path):
    with pytest.raises(ValueError, match="has the keys"):
        write_csv(tmp_path / "t.csv", ["id"], [{"id": 1, "value": 2}])


def test_an_empty_table_keeps_its_header(tmp_path):
    write_csv(tmp_path / "t.csv", ["id", "value"], [])
    assert (tmp_path / "t.csv").read_bytes() == b"id,value\n"
    assert read_csv(tmp_path / "t.csv") == []


def test_json_keeps_order_and_turns_numpy_into_plain_numbers(tmp_path):
    write_json(tmp_path / "c.json", {"z": np.float32(0.5), "a": np.arange(2), "é": "ə"})
    text = (tmp_path / "c.json").read_text(encoding="utf-8")
    assert text == '{\n  "z": 0.5,\n  "a": [\n    0,\n    1\n  ],\n  "é": "ə"\n}\n'
    assert read_json(tmp_path / "c.json") == json.loads(text)


def test_json_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "c.json", {"r": math.nan})
    with pytest.raises(TypeError, match="set cannot be written"):
        write_json(tmp_path / "c.json", {"r": {1}})


def test_npz_holds_its_arrays_in_order_and_no_date(tmp_path):
    arrays = {"z": np.ones((2, 3)), "conv1": np.zeros((2, 16), np.float32)}
    write_npz(tmp_path / "a.npz", arrays)
    write_npz(tmp_path / "b.npz", arrays)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as file:
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    back = read_npz(tmp_path / "a.npz")
    assert list(back) == list(arrays)
    np.testing.assert_array_equal(back["conv1"], arrays["conv1"])
    assert back["conv1"].dtype == np.float32


@pytest.mark.parametrize("shape", [(100,), (100, 2)])
def test_a_wav_holds_the_float32_samples_unchanged(tmp_path, shape):
    sound = 2 * np.random.default_rng(0).standard_normal(shape)
    write_wav(tmp_path / "s.wav", sound, 16000.0)
    rate, back = wavfile.read(tmp_path / "s.wav")
    assert rate == 16000 and back.dtype == np.float32
    np.testing.assert_array_equal(back, sound.astype(np.float32))


def test_a_wav_needs_a_whole_rate(tmp_path):
    with pytest.raises(ValueError, match="62.5 Hz"):
        write_wav(tmp_path / "s.wav", np.zeros(4), 62.5)


def test_series_that_grow_by_rows_are_numpys_own_file(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {"z": rng.random([5, 3], np.float32), "out": rng.random([5, 7, 2], np.float32)}
    shapes = {name: values.shape for name, values in arrays.items()}
    with tables.SeriesWriter(tmp_path / "rows.npz", shapes) as series:
        for i in range(5):
            series.write({name: values[i] for name, values in arrays.items()})
    np.savez(tmp_path / "whole.npz", **arrays)
    whole = (tmp_path / "whole.npz").read_bytes()
    assert (tmp_path / "rows.npz").read_bytes() == whole
    for k, (start, stop) in enumerate([(0, 2), (2, 2), (2, 5)]):
        np.savez(tmp_path / f"{k}.npz", **{name: x[start:stop] for name, x in arrays.items()})
    tables.join_npz([tmp_path / f"{k}.npz" for k in range(3)], tmp_path / "joined.npz")
    assert (tmp_path / "joined.npz").read_bytes() == whole
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        ["0.npz", "1.npz", "2.npz", "joined.npz", "rows.npz", "whole.npz"]
    )


def test_the_first_rows_of_arrays_equal_numpys(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "series": rng.standard_normal((5, 7)).astype(np.float32),
        "stereo": rng.standard_normal((5, 7, 2)),
        "turned": np.asfortranarray(rng.standard_normal((5, 7))),  # written row by row
        "word": np.array(["six", "seven", "zéro", "", "x"]),
    }
    write_npz(tmp_path / "a.npz", arrays)
    for count, rows in ((None, 5), (2, 2), (9, 5), (0, 0)):
        head = read_npz(tmp_path / "a.npz", count)
        assert list(head) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(head[name], array[:rows])


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}], object))
    with pytest.raises(ValueError, match="Python objects"):
        read_npz(tmp_path / "a.npz")


def test_rows_of_series_are_read_one_by_one(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(6, 2)
    tables.write_npz(tmp_path / "a.npz", {"conv1": values})
    rows = [row["conv1"] for row in tables.iterate_npz(tmp_path / "a.npz")]
    np.testing.assert_array_equal(rows, values)


def test_words_that_look_like_numbers_stay_words(tmp_path):
    write_csv(tmp_path / "t.csv", ["id", "word"], [{"id": 7, "word": "007"}])
    assert read_csv(tmp_path / "t.csv") == [{"id": 7, "word": "007"}]


def test_a_series_of_another_length_is_refused(tmp_path):
    with pytest.raises(ValueError, match="conv1 has shape"):
        with tables.SeriesWriter(tmp_path / "a.npz", {"conv1": (2, 3)}) as series:
            series.write({"conv1": np.zeros(4)})
    assert not list(tmp_path.iterdir())
