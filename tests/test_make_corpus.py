"""make_corpus from its command line: files, seeds, processes, refusals; and its sound, measured."""

import json

import measure_corpus
import numpy as np
import pandas as pd
import pytest
from conftest import assert_refused
from scipy.io import wavfile

from wavegan_tf.speech import praat
from wavegan_tf.speech.textgrids import read_textgrid

COMMAND = "-m wavegan_tf make_corpus"
STV = ("--corpus=stv", "--s_share=0.5", "--num_speakers=4", "--seed=7", "--s_below=7")


def made(run_script, out_dir, *flags):
    result = run_script(COMMAND, f"--out_dir={out_dir}", *flags)
    assert result.returncode == 0, result.stderr
    return out_dir


def contents(directory):
    """Every file but config.json, which names the folder and the processes."""
    paths = (p for p in directory.rglob("*") if p.is_file() and p.name != "config.json")
    return {str(p.relative_to(directory)): p.read_bytes() for p in paths}


@pytest.fixture(scope="module")
def stv_dir(run_script, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("made") / "stv"
    return made(run_script, out_dir, *STV, "--n=52", "--jobs=1")


@pytest.fixture(scope="module")
def reduplication_dir(run_script, tmp_path_factory):
    out_dir = tmp_path_factory.mktemp("made") / "reduplication"
    return made(run_script, out_dir, "--corpus=reduplication", "--n=25", "--jobs=1")


def test_fewer_clips_by_two_processes_are_the_first_of_more_by_one(run_script, tmp_path, stv_dir):
    few = contents(made(run_script, tmp_path / "few", *STV, "--n=12", "--jobs=2"))
    many = contents(stv_dir)
    manifest = few.pop("manifest.csv")
    assert len(few) == 24 and len(many) == 2 * 52 + 1
    assert all(many[name] == data for name, data in few.items())
    assert many["manifest.csv"].startswith(manifest)


@pytest.mark.parametrize("corpus", ["stv", "reduplication"])
def test_files_are_those_of_the_manifest(request, corpus):
    directory = request.getfixturevalue(f"{corpus}_dir")
    manifest = pd.read_csv(directory / "manifest.csv")
    assert {f"clips/{p.name}" for p in directory.rglob("*.wav")} == set(manifest["file"])
    for row in manifest.itertuples():
        rate_hz, samples = wavfile.read(directory / row.file)
        assert (rate_hz, samples.dtype, samples.ndim) == (16000, np.int16, 1)
        assert np.abs(samples.astype(int)).max() < 32767
        grid = read_textgrid((directory / row.file).with_suffix(".TextGrid"))
        assert grid.end_s == row.duration_s == len(samples) / rate_hz
        assert [x.label for x in grid.tiers[0].intervals] == row.phones.split()
    record = json.loads((directory / "config.json").read_text())
    assert record["command"] == "make_corpus" and record["praat"] == praat.version()
    assert record["flags"]["corpus"] == corpus


STV_LIMITS = {  # of median and 95th percentile of |error|
    "f0_mean_hz": (0.4, 1.5), "f1_hz": (50, 110), "f2_hz": (30, 80), "f3_hz": (40, 90),
    "closure_s": (0.003, 0.006), "vot_s": (0.0007, 0.002), "vowel_s": (0.0007, 0.002),
    "s_s": (0.004, 0.006), "s_cog_hz": (70, 160), "vowel_level_db": (0.05, 0.1),
}  # fmt: skip
REDUPLICATION_LIMITS = {
    "f0_stress_hz": (2, 4), "f1_hz": (80, 110), "f2_hz": (50, 110), "f3_hz": (60, 120),
    "vot_s": (0.0007, 0.002), "s_s": (0.005, 0.006), "s_cog_hz": (70, 160),
    "voiced_stretches": (0, 0),
}  # fmt: skip


@pytest.mark.parametrize(
    ("corpus", "limits", "n", "few"),
    [
        ("stv", STV_LIMITS, 52, {"s_s": 15, "s_cog_hz": 15}),
        ("reduplication", REDUPLICATION_LIMITS, 25,
         dict.fromkeys(("vot_s", "voiced_stretches", "s_s", "s_cog_hz"), 3)),
    ],
)  # fmt: skip
def test_a_corpus_measures_as_intended(request, corpus, limits, n, few):
    pairs = measure_corpus.measure_corpus(request.getfixturevalue(f"{corpus}_dir"))
    for measure, (median, p95) in limits.items():
        found = pairs[pairs["measure"] == measure]
        assert len(found) >= few.get(measure, n)
        errors = (found["measured"] - found["intended"]).abs()
        assert errors.quantile(0.5) <= median and errors.quantile(0.95) <= p95, measure


def test_the_stressed_vowel_has_the_level_stated(reduplication_dir):
    # Its end is a formant transition that no energy marks: the TextGrid says where it is.
    for row in pd.read_csv(reduplication_dir / "manifest.csv").itertuples():
        rate_hz, samples = wavfile.read(reduplication_dir / row.file)
        grid = read_textgrid((reduplication_dir / row.file).with_suffix(".TextGrid"))
        stressed = grid.tiers[0].intervals[-3]
        span = slice(*(round(t * rate_hz) for t in (stressed.start_s, stressed.end_s)))
        rms_db = 10 * np.log10(np.mean((samples[span] / 32768.0) ** 2))
        assert rms_db == pytest.approx(row.level_db, abs=0.1)


def test_s_is_as_frequent_and_as_far_below_the_vowel_as_the_flags_say(
    stv_dir, run_script, tmp_path
):
    tokens = pd.read_csv(stv_dir / "manifest.csv").query("pattern == '#sTV'")
    below_db = tokens["vowel_level_db"] - tokens["s_level_db"]
    assert below_db.mean() == pytest.approx(7, abs=4 * 2 / len(tokens) ** 0.5)
    flags = ("--corpus=reduplication", "--n=8", "--s_share=1", "--s_below=3", "--jobs=1")
    words = pd.read_csv(made(run_script, tmp_path / "words", *flags) / "manifest.csv")
    assert 0 < words["reduplicated"].sum() < 8
    assert (words["initial"].eq("s") != words["reduplicated"]).all()
    for row in words[words["initial"] == "s"].itertuples():
        rate_hz, samples = wavfile.read(tmp_path / "words" / row.file)
        hiss = samples[round(0.02 * rate_hz) : round((row.s_s - 0.02) * rate_hz)] / 32768.0
        # The level is that of the whole [s], which fades at both ends.
        assert 10 * np.log10(np.mean(hiss**2)) == pytest.approx(row.level_db - 3, abs=1.5)


def test_flags_that_cannot_be_met_are_refused_and_nothing_is_written(run_script, tmp_path):
    out_dir = f"--out_dir={tmp_path / 'out'}"
    given = ("--corpus=reduplication", "--num_speakers=3")
    assert_refused(run_script(COMMAND, out_dir, *given), "--num_speakers=3", "leave it out")
    assert_refused(run_script(COMMAND, out_dir), "--corpus: name the corpus")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_another_command_is_left_as_it_is(run_script, tmp_path):
    (tmp_path / "config.json").write_text('{"command": "prepare_timit"}')
    result = run_script(COMMAND, "--corpus=stv", "--n=1", f"--out_dir={tmp_path}", "--overwrite")
    assert_refused(result, f"--out_dir={tmp_path}", "prepare_timit")
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
