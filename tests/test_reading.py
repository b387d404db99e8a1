"""A run's files are read as they were written, no more of them than is needed."""

import numpy as np
import pytest
from made_run import make_run

from wavegan_tf.errors import InputError
from wavegan_tf.report import reading
from wavegan_tf.report.tables import write_csv


def test_text_that_looks_like_a_number_stays_text(tmp_path):
    write_csv(tmp_path / "a.csv", ["name", "x"], [{"name": "007", "x": 1}, {"name": "nan", "x": 2}])
    rows = reading.read_rows(tmp_path / "a.csv", "name", "x")
    assert rows == [{"name": "007", "x": 1.0}, {"name": "nan", "x": 2.0}]


def test_a_missing_table_is_empty_and_a_missing_column_is_named(tmp_path):
    assert reading.read_rows(tmp_path / "none.csv", "a b", "") == []
    write_csv(tmp_path / "a.csv", ["measure", "r"], [{"measure": "f0", "r": 0.5}])
    with pytest.raises(InputError, match="a.csv: has no column label, verdict"):
        reading.read_rows(tmp_path / "a.csv", "measure label verdict", "r")


def test_a_run_knows_its_target_and_its_other_layers(tmp_path):
    generator = reading.open_run(make_run(tmp_path / "g"))
    assert generator.target == "out"
    assert generator.layers == ["conv1", "conv2", "conv3", "conv4"]
    assert generator.duration_s == 1.024
    q = reading.open_run(make_run(tmp_path / "q", network="q", layers=5))
    assert q.target_title == "Input" and q.layers[-1] == "conv5"


def test_the_control_level_is_the_higher_of_those_that_are_there():
    nan = float("nan")
    level = reading.control_level
    assert level({"random_high": 0.2, "shuffled_high": 0.4}) == 0.4
    assert level({"random_high": nan, "shuffled_high": -0.4}) == -0.4
    assert np.isnan(level({"random_high": nan, "shuffled_high": nan}))
