"""make_corpus from its command line: files, seeds, processes, refusals; and its sound, measured."""

import csv
import json

import measure_corpus
import numpy as np
import pytest
from conftest import assert_refused
from scipy.io import wavfile

from wavegan_tf.analysis import praat, textgrid

TOOL = "-m wavegan_tf.tools.make_corpus"
STV = ("--corpus=stv", "--s_share=0.5", "--num_speakers=4", "--seed=7")


def made(run_script, out_dir, *flags):
    result = run_script(TOOL, f"--out_dir={out_dir}", *flags)
    assert result.returncode == 0, result.stderr
    return out_dir


def contents(directory):
    """Every file but config.json, which names the folder and the processes."""
    paths = (p for p in directory.rglob("*") if p.is_file() and p.name != "config.json")
    return {str(p.relative_to(directory)): p.read_bytes() for p in paths}


def rows_of(directory):
    with open(directory / "manifest.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stv_dir(run_script, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("made") / "stv"
    return made(run_script, out_dir, *STV, "--n=52", "--jobs=2")


@pytest.fixture(scope="module")
def reduplication_dir(run_script, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("made") / "reduplication"
    return made(run_script, out_dir, "--corpus=reduplication", "--n=25", "--jobs=1")


def test_the_number_of_processes_does_not_change_a_byte(run_script, tmp_path, stv_dir):
    alone = made(run_script, tmp_path / "alone", *STV, "--n=52", "--jobs=1")
    assert contents(alone) == contents(stv_dir)
    assert len(contents(stv_dir)) == 2 * 52 + 1


def test_fewer_clips_are_the_first_of_more(run_script, tmp_path, stv_dir):
    few = contents(made(run_script, tmp_path / "few", *STV, "--n=3"))
    many = contents(stv_dir)
    manifest = few.pop("manifest.csv")
    assert len(few) == 6
    assert all(many[name] == data for name, data in few.items())
    assert many["manifest.csv"].startswith(manifest)


def test_another_seed_gives_other_speech(run_script, tmp_path, stv_dir):
    other = made(run_script, tmp_path / "other", *STV[:-1], "--seed=8", "--n=2")
    assert rows_of(other)[0]["vowel_s"] != rows_of(stv_dir)[0]["vowel_s"]


@pytest.mark.parametrize("corpus", ["stv", "reduplication"])
def test_files_are_those_of_the_manifest(request, corpus):
    directory = request.getfixturevalue(f"{corpus}_dir")
    rows = rows_of(directory)
    assert {f"clips/{p.name}" for p in directory.rglob("*.wav")} == {row["file"] for row in rows}
    for row in rows:
        rate_hz, samples = wavfile.read(directory / row["file"])
        assert (rate_hz, samples.dtype, samples.ndim) == (16000, np.int16, 1)
        assert np.abs(samples.astype(int)).max() < 32767
        grid = textgrid.read((directory / row["file"]).with_suffix(".TextGrid"))
        assert grid.end_s == float(row["duration_s"]) == len(samples) / rate_hz
        labels = [interval.label for interval in grid.tiers[0].intervals]
        assert labels == row["phones"].split()


def test_the_record_says_what_made_the_corpus(stv_dir):
    record = json.loads((stv_dir / "config.json").read_text())
    assert record["command"] == "make_corpus" and record["praat"] == praat.version()
    assert record["flags"]["s_share"] == 0.5 and record["flags"]["seed"] == 7


def assert_measured(directory, limits, least):
    """For each measure at least ``least`` clips, and median and 95th percentile of |error|."""
    pairs = measure_corpus.measure_corpus(directory)
    for measure, (median, p95) in limits.items():
        assert pairs[measure].shape[1] >= least.get(measure, len(rows_of(directory)))
        errors = np.abs(pairs[measure][1] - pairs[measure][0])
        assert np.median(errors) <= median, measure
        assert np.percentile(errors, 95) <= p95, measure


def test_stv_measures_as_intended(stv_dir):
    limits = {
        "f0_mean_hz": (0.4, 1.5), "f1_hz": (50, 110), "f2_hz": (30, 80), "f3_hz": (40, 90),
        "closure_s": (0.003, 0.006), "vot_s": (0.0007, 0.002), "vowel_s": (0.0007, 0.002),
        "s_s": (0.004, 0.006), "s_cog_hz": (70, 160), "vowel_level_db": (0.05, 0.1),
    }  # fmt: skip
    assert_measured(stv_dir, limits, {"s_s": 15, "s_cog_hz": 15})


def test_reduplication_measures_as_intended(reduplication_dir):
    limits = {
        "f0_stress_hz": (2, 4), "f1_hz": (80, 110), "f2_hz": (50, 110), "f3_hz": (60, 120),
        "vot_s": (0.0007, 0.002), "s_s": (0.005, 0.006), "s_cog_hz": (70, 160),
        "voiced_stretches": (0, 0),
    }  # fmt: skip
    few = dict.fromkeys(("vot_s", "voiced_stretches", "s_s", "s_cog_hz"), 3)
    assert_measured(reduplication_dir, limits, few)


def test_the_stressed_vowel_has_the_level_stated(reduplication_dir):
    # Its end is a formant transition that no energy marks: the TextGrid says where it is.
    for row in rows_of(reduplication_dir):
        rate_hz, samples = wavfile.read(reduplication_dir / row["file"])
        grid = textgrid.read((reduplication_dir / row["file"]).with_suffix(".TextGrid"))
        stressed = grid.tiers[0].intervals[-3]
        span = slice(*(round(t * rate_hz) for t in (stressed.start_s, stressed.end_s)))
        rms_db = 10 * np.log10(np.mean((samples[span] / 32768.0) ** 2))
        assert rms_db == pytest.approx(float(row["level_db"]), abs=0.1)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--corpus=stv", "--s_share=2"], ["--s_share=2", "0 (no [s])"]),
        (["--corpus=stv", "--s_share=nan"], ["--s_share=nan", "a probability"]),
        (["--corpus=reduplication", "--s_share=0.3"], ["--s_share=0.3", "leave it out"]),
        (["--corpus=reduplication", "--num_speakers=2"], ["--num_speakers=2", "leave it out"]),
        (["--corpus=stv", "--n=0"], ["--n"]),
        (["--corpus=stv", "--num_speakers=0"], ["--num_speakers"]),
        (["--corpus=digits"], ["--corpus", "stv|reduplication"]),
    ],
)
def test_bad_flags_are_refused_and_nothing_is_written(run_script, tmp_path, given, words):
    result = run_script(TOOL, *given, f"--out_dir={tmp_path / 'out'}")
    assert_refused(result, *words)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_as_it_is(run_script, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = run_script(TOOL, "--corpus=stv", "--n=1", f"--out_dir={tmp_path}")
    assert_refused(result, "not empty", "--overwrite")
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_corpus_of_another_tool_is_not_mixed_with(run_script, tmp_path):
    (tmp_path / "config.json").write_text('{"command": "prepare_timit"}')
    result = run_script(
        "-m wavegan_tf.tools.make_corpus", *STV, "--n=2", f"--out_dir={tmp_path}", "--overwrite"
    )
    assert_refused(result, f"--out_dir={tmp_path}", "prepare_timit")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
