"""The commands: how they are called, listed, refused; what reaches the disk."""

import errno
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
from conftest import SHORT_WINDOWS, assert_refused, wait_until

from wavegan_tf import progress
from wavegan_tf.commands import COMMANDS, merge
from wavegan_tf.commands.flags import with_flagfiles
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.names import EXPERIMENTS
from wavegan_tf.experiments.result import load_run
from wavegan_tf.output.directory import output_directory
from wavegan_tf.output.files import SeriesWriter, map_npz, read_table, write_table
from wavegan_tf.output.page import command_line

SMALL = ("--n=2", "--layers=conv4", "--controls=0", "--nofigures", "--noreport", "--jobs=1")


def test_results_appear_only_when_all_went_well(tmp_path):
    out = tmp_path / "a" / "b"
    with pytest.raises(RuntimeError), output_directory(out, overwrite=False) as scratch:
        with open(os.path.join(scratch, "half.csv"), "w") as file:
            file.write("half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())
    with output_directory(out, overwrite=False) as scratch:
        os.mkdir(os.path.join(scratch, "audio"))
        assert os.listdir(out) == [os.path.basename(scratch)]
    assert os.listdir(out) == ["audio"]


def test_what_a_killed_run_left_is_no_result_but_that_of_a_living_one_is(tmp_path):
    (tmp_path / ".writing-killed").mkdir()
    with output_directory(tmp_path, overwrite=False) as scratch:
        assert os.listdir(tmp_path) == [os.path.basename(scratch)]
        with pytest.raises(InputError, match="not empty"), output_directory(tmp_path, False):
            pass
        assert os.listdir(tmp_path) == [os.path.basename(scratch)]


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_nothing_stays(tmp_path, error):
    out = tmp_path / "out"
    with pytest.raises(InputError, match=f"--out_dir={out}: .*make room"):
        with output_directory(out, overwrite=False):
            raise OSError(error, os.strerror(error))
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made_is_named():
    with pytest.raises(InputError, match="--out_dir=/proc/none: cannot be written to"):
        with output_directory("/proc/none", overwrite=False):
            pass


def test_sigterm_ends_a_run_as_ctrl_c_does_and_the_same_line_runs_again(start_script, tmp_path):
    out = tmp_path / "out"
    script = start_script("probe.py", "--n=500", *SMALL[1:], f"--out_dir={out}")
    wait_until(lambda: list(out.glob(".writing-*/audio/0000_out.wav")))
    script.send_signal(signal.SIGTERM)
    result = script.finish()
    assert result.returncode == 128 + signal.SIGTERM
    assert result.stderr.endswith("interrupted\n") and "Traceback" not in result.stderr
    assert not out.exists()


def test_overwriting_leaves_nothing_of_the_run_before_and_all_else(tmp_path):
    for name in ("config.json", "series.npz", "report.html", "mine.txt"):
        (tmp_path / name).write_text("old")
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "old.csv").write_text("old")
    with output_directory(tmp_path, overwrite=True) as scratch:
        with open(os.path.join(scratch, "config.json"), "w") as file:
            file.write("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "mine.txt"]
    assert (tmp_path / "config.json").read_text() == "new"


def test_words_that_look_like_numbers_stay_words(tmp_path):
    table = pd.DataFrame({"output": [0, 1], "word": ["7", "007"], "value": [0.1, np.nan]})
    write_table(tmp_path / "outputs.csv", table)
    read = read_table(tmp_path / "outputs.csv")
    assert read["word"].tolist() == ["7", "007"] and read["value"].isna().tolist() == [False, True]
    assert read["output"].tolist() == [0, 1]


def test_all_commands_are_listed_with_a_line_each(run_script):
    result = run_script("-m wavegan_tf")
    assert result.returncode == 0
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert_refused(run_script("-m wavegan_tf prob"), "'prob'", "no command", "probe")


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--nn=3", "nn"),
        ("--n=x", "--n"),
        ("--f0_range=60", "--f0_range=60: give floor and ceiling"),
        ("--f0_range=300,60", "below the ceiling"),
        ("probe_out", "unexpected argument 'probe_out'"),
        ("--ckpt=nowhere", "nowhere"),
        ("--num_categ=3", "num_categ"),  # the demo has another number
    ],
)
def test_what_is_wrong_with_a_flag_is_said_in_one_line(run_script, tmp_path, flag, words):
    result = run_script("probe.py", f"--out_dir={tmp_path / 'out'}", flag)
    assert_refused(result, "error: ", words)
    assert not list(tmp_path.iterdir())


EVERY_PATH = {
    **{name: ["ckpt", "out_dir", "praat_settings"] for name in (*EXPERIMENTS, "explore")},
    "listen": ["run", "out"],
    "agreement": ["out_dir"],
    "train": ["data_dir", "train_dir", "init_ckpt", "data_cache"],
    "figures": ["run_dir"],
    "merge": ["out_dir"],
    "reproduce": ["out_dir"],
    "convert_checkpoint": ["ckpt", "out_dir"],
    "prepare_timit": ["timit_dir", "words", "out_dir"],
    "prepare_words": ["audio_dir", "alignments", "words", "out_dir"],
    "make_corpus": ["out_dir"],
}
for _name, _flags in {
    "probe": "latents wav_dir annotations compare_with", "interpolate": "latents annotations",
    "identify": "labels", "cdev": "measure", "contours": "wav_dir annotations",
    "vot": "compare_with annotations", "recognise": "wav_dir", "latency": "reference wav_dir",
    "evaluate": "data_dir classifier",
}.items():  # fmt: skip
    EVERY_PATH[_name] = [*EVERY_PATH[_name], *_flags.split()]

IN_ONE_PROCESS = """
import json, sys
from absl import flags
from wavegan_tf.commands.run import run

for command, argv, kept in json.loads(sys.argv[1]):
    if kept:
        flags.DEFINE_string(kept, None, "Of another program.")
    try:
        run(command, argv, usage=f"python {command}.py")
    except SystemExit as error:
        print(error.code)
"""


@pytest.fixture
def run_in_one_process(run_script, tmp_path):
    """Runs commands one after the other in one process, as a notebook does; what each ends with."""

    def run(calls):
        (tmp_path / "script.py").write_text(IN_ONE_PROCESS)
        result = run_script(str(tmp_path / "script.py"), json.dumps(calls), cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()

    return run


def test_a_tilde_in_any_path_is_a_home_and_commands_may_follow_one_another(run_in_one_process):
    paths = [(command, flag) for command, flags in EVERY_PATH.items() for flag in flags]
    paths += [(command, "flagfile") for command in COMMANDS]
    said = run_in_one_process([[c, [f"--{flag}=~nobodyhere/x"], ""] for c, flag in paths])
    assert EVERY_PATH.keys() == COMMANDS.keys() and len(said) == len(paths)
    for line, (command, flag) in zip(said, paths, strict=True):
        assert line.startswith("error: ") and "no such user" in line, (command, flag, line)


def test_a_flag_of_another_program_in_the_process_is_named_with_the_way_out(run_in_one_process):
    calls = [["train", [], "data_dir"], ["probe", ["--n=x"], ""]]
    clash, after = run_in_one_process(calls)
    assert "--data_dir is a flag of another program" in clash and "!python train.py" in clash
    assert "--n" in after


def test_flagfiles_are_read_in_another_encoding_and_may_name_others(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("FOLDER", str(tmp_path / "a b"))
    (tmp_path / "a b").mkdir()
    for name, text in (
        ("outer.flags", "--n=3\n# Größe\n\n  --flagfile=$FOLDER/inner.flags\n--word=ü"),
        ("a b/inner.flags", "// Stimme\n--seed=5 \n"),
    ):
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode("utf-16"))
    wanted = ["--n=3", "--seed=5", "--word=ü"]
    assert with_flagfiles(["--flagfile=~/outer.flags", "--n=4"]) == [*wanted, "--n=4"]
    assert with_flagfiles(["--n=4", "--flagfile", "~/outer.flags"]) == ["--n=4", *wanted]


def test_a_flagfile_that_is_not_there_or_names_itself_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("--flagfile=b")
    (tmp_path / "b").write_text("--flagfile=a")
    for words, message in (
        (["--flagfile=a"], "--flagfile=a: names itself"),
        (["--flagfile=c"], "--flagfile=c: cannot be read .No such file"),
        (["--flagfile"], "--flagfile=: cannot be read"),
    ):
        with pytest.raises(InputError, match=message):
            with_flagfiles(words)


@pytest.mark.parametrize("where", ["run [1]", "a*"])
def test_shards_are_found_by_name_and_by_pattern_in_folders_of_any_name(tmp_path, where):
    names = ["1", "2", "x[3]"]
    for name in names:
        (tmp_path / where / name).mkdir(parents=True)
    (tmp_path / "run 1" / "7").mkdir(parents=True)
    (tmp_path / "ab" / "7").mkdir(parents=True)
    place = str(tmp_path / where)
    assert sorted(merge.matching(f"{place}/*")) == [f"{place}/{name}" for name in names]
    assert merge.matching(f"{place}/x[3]") == [f"{place}/x[3]"]
    assert merge.matching(f"{place}/[2-9]") == [f"{place}/2"]
    assert merge.matching(f"{place}/none") == []


def test_a_file_or_a_directory_in_use_is_not_touched(run_script, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    assert_refused(run_script("probe.py", f"--out_dir={tmp_path}"), "--out_dir", "--overwrite")
    result = run_script("probe.py", f"--out_dir={tmp_path / 'mine.txt'}", "--overwrite")
    assert_refused(result, "is a file")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_old_spellings_still_work(run_script, tmp_path):
    result = run_script(
        "probe.py", "--ckpt=demo:reduplication", f"--out_dir={tmp_path}", *SMALL, *SHORT_WINDOWS,
        "--no_center", "--noaudio",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    settings = load_run(tmp_path).settings
    assert settings["praat"]["center"] is False
    assert settings["praat"]["f0_floor_hz"] == 200
    # what the page says repeats the run: flags that were given, no default that would overrule
    # what the checkpoint recommends
    command = command_line(settings)
    assert "--nocenter" in command and "--f0_range=200,300" in command and "--n=2" in command
    assert "max_gap" not in command and settings["intervals"]["max_gap_s"] == 0.15


def test_progress_passes_every_item_and_prints_lines_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_LINE_SECS", 0)
    items = list(progress.progress(range(3), total=13, label="work", start=10, describe=str))
    assert items == [0, 1, 2]
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "work: 11/13", "work: 12/13", "work: 13/13", "work: 13 done",
    ]  # fmt: skip


def test_long_arrays_are_mapped_from_their_file(tmp_path):
    names, rng = ("conv1", "out"), np.random.default_rng(0)
    rows = [{name: rng.standard_normal(5).astype(np.float32) for name in names} for _ in range(4)]
    with SeriesWriter(tmp_path / "series.npz", {name: (4, 5) for name in names}) as writer:
        for row in rows:
            writer.write(row)
    arrays, loaded = map_npz(tmp_path / "series.npz"), np.load(tmp_path / "series.npz")
    for name in names:
        assert isinstance(arrays[name], np.memmap)
        np.testing.assert_array_equal(arrays[name], loaded[name])
        np.testing.assert_array_equal(arrays[name], [row[name] for row in rows])
    assert [path.name for path in tmp_path.iterdir()] == ["series.npz"]
