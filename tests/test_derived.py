"""Statistics, averages per word and complaints, from the files of a run."""

import numpy as np
import pytest

from wavegan_tf.report import derived
from wavegan_tf.report.tables import write_csv, write_json, write_npz

OUTPUTS = ("id", "name", "word", "channel", "n_voiced", "measured")


def write_run(directory, outputs, target="out", **config):
    write_json(directory / "config.json", {"target": target, "n": len(outputs)} | config)
    rows = [dict(zip(OUTPUTS, row, strict=True)) for row in outputs]
    write_csv(directory / "outputs.csv", OUTPUTS, rows)
    return directory


def test_a_run_without_trouble_has_no_complaints(tmp_path):
    run = write_run(tmp_path, [(0, "", "", 1, 0, 1), (1, "", "", 1, 2, 1)])
    assert derived.complaints(run) == []


def test_outputs_that_were_not_measured_are_counted_once_however_many_channels(tmp_path):
    rows = [(0, "", "", 1, 0, 0), (0, "", "", 2, 0, 0), (1, "", "", 1, 1, 1), (1, "", "", 2, 0, 1)]
    run = write_run(tmp_path, rows, n=2)
    assert derived.complaints(run) == ["1 of 2 outputs could not be measured; outputs.csv says why"]


@pytest.mark.parametrize(("n", "number"), [(2, 1), (20, 0)])
def test_a_run_without_voice_says_so_but_not_a_shard(tmp_path, n, number):
    run = write_run(tmp_path, [(0, "", "", 1, 0, 1), (1, "", "", 1, 0, 1)], n=n)
    found = derived.complaints(run)
    assert len(found) == number and all("no output has a voiced interval" in x for x in found)


def test_words_are_averaged_over_the_recordings_that_were_measured(tmp_path):
    rows = [(0, "a1", "007", 1, 1, 1), (1, "bad", "007", 1, 0, 0), (2, "a2", "007", 1, 1, 1)]
    run = write_run(tmp_path, rows, target="input")
    series = np.arange(12, dtype=np.float32).reshape(3, 4)
    write_npz(run / "series.npz", {"conv1": series})
    derived.write_word_averages(run)
    words = np.load(run / "words.npz")
    assert words["word"].tolist() == ["007"] and words["n"].tolist() == [2]
    np.testing.assert_array_equal(words["conv1"], [(series[0] + series[2]) / 2])


def test_generated_outputs_have_no_words(tmp_path):
    run = write_run(tmp_path, [(0, "", "", 1, 1, 1)])
    write_npz(run / "series.npz", {"conv1": np.zeros([1, 4], np.float32)})
    derived.write_word_averages(run)
    assert not (run / "words.npz").exists()
