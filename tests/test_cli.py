import os
import re
import subprocess
import sys

import conftest
import pytest

from wavegan_tf import cli, progress
from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.options import options
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.errors import InputError


def test_results_appear_only_when_all_went_well(tmp_path):
    out = tmp_path / "a" / "b"
    with pytest.raises(RuntimeError), cli.output_directory(out, overwrite=False) as scratch:
        with open(os.path.join(scratch, "half.csv"), "w") as file:
            file.write("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with cli.output_directory(out, overwrite=False) as scratch:
        os.mkdir(os.path.join(scratch, "audio"))
        assert os.listdir(out) == [os.path.basename(scratch)]
    assert os.listdir(out) == ["audio"]


def test_a_directory_that_was_there_stays_after_an_error(tmp_path):
    with pytest.raises(RuntimeError), cli.output_directory(tmp_path, overwrite=False):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_a_file_is_no_output_directory(tmp_path):
    (tmp_path / "out").write_text("mine")
    with (
        pytest.raises(InputError, match="is a file"),
        cli.output_directory(tmp_path / "out", overwrite=True),
    ):
        pass
    assert (tmp_path / "out").read_text() == "mine"


def test_progress_passes_every_item_and_prints_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_LINE_SECS", 0)
    items = list(progress.progress(range(3), total=13, label="work", start=10, describe=str))
    assert items == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "work: 11/13", "work: 12/13", "work: 13/13", "work: 13 done",
    ]  # fmt: skip
    assert lines[1].endswith("left  1")


def test_progress_of_nothing_says_nothing(capsys):
    assert not list(progress.progress([], total=3, label="work", start=3))
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00:00"), (61, "0:01:01"), (90061, "25:01:01")]
)
def test_clock(seconds, text):
    assert progress._clock(seconds) == text


def test_every_settings_flag_sets_what_it_is_named_after():
    # A value out of range comes back in the error of the setting it reached.
    code = """
import probe
from wavegan_tf import cli
from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.errors import InputError
for flag in probe.FLAGS.get_key_flags_for_module("wavegan_tf.cli"):
    if isinstance(flag.default, (int, float)) and not isinstance(flag.default, bool):
        probe.FLAGS.unparse_flags()
        probe.FLAGS(["probe", "--ckpt=nowhere", "--seed=0"])
        flag.value = -777
        try:
            cli.measurement_plan(probe.FLAGS)
            cli.read_settings(StatisticsSettings, probe.FLAGS)
        except InputError as error:
            print(error)
        flag.value = flag.default
"""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=conftest.ROOT, capture_output=True, text=True
    )
    assert not result.stderr
    refused = re.findall(r"^--(\w+)=-777: ", result.stdout, re.MULTILINE)
    settings = (AcousticSettings, AnnotationSettings, StatisticsSettings)
    named = [field.metadata["flag"] for kind in settings for field in options(kind)]
    assert sorted(refused) == sorted(named) and len(named) > 30
