"""probe.py and the tools beside it, as a user runs them, on small models."""

import csv
import filecmp
import json
import re
import shutil

import conftest
import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.analysis.averages import average_feature_maps
from wavegan_tf.checkpoints import files
from wavegan_tf.checkpoints.open import open_checkpoint

CIWGAN = "tests/reference/checkpoints/ciwgan"
LAYERS = ["conv1", "conv2", "conv3", "conv4", "out"]


def read_rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def same_tree(left, right):
    """Relative paths of the files of two directories that differ or are in one only."""
    files = [{str(p.relative_to(d)) for p in d.rglob("*") if p.is_file()} for d in (left, right)]
    assert files[0]
    return (files[0] ^ files[1]) | {
        name for name in files[0] & files[1] if not filecmp.cmp(left / name, right / name, False)
    }


def probe(run_script, out_dir, *flags, status=0):
    """A small run of probe.py; returns its result."""
    small = ["--ckpt", CIWGAN, "--model=ciwgan", "--controls=0", "--jobs=1"]
    draw = [] if any("figures" in str(flag) for flag in flags) else ["--nofigures"]
    result = run_script("probe.py", *small, *draw, *flags, "--out_dir", out_dir)
    assert result.returncode == status, result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    return result


@pytest.fixture(scope="session")
def probed(run_script, tmp_path_factory):
    """The same probe twice, measured in one process and in two; figures of the first."""
    directory = tmp_path_factory.mktemp("probed")
    flags = ["--n=3", "--seed=4", "--set=c2=2,z1=-5", "--controls=2", "--max_figures=1"]
    for name, *others in (("first", "--figures"), ("second", "--nofigures", "--jobs=2")):
        probe(run_script, directory / name, *flags, *others)
    return directory


def test_probe_writes_all_it_promises(probed):
    out = probed / "first"
    assert sorted(p.name for p in out.iterdir()) == [
        "audio", "config.json", "controls", "correlations.csv", "durations.csv", "figures",
        "intervals.csv", "latents.csv", "maps.npz", "measurements.csv", "outputs.csv",
        "report.html", "series.npz", "summary.md",
    ]  # fmt: skip
    names = {p.name for p in (out / "audio").iterdir()}
    wavs = {f"{i:04d}_{layer}.wav" for i in range(3) for layer in LAYERS}
    assert names == wavs | {f"{i:04d}_out.TextGrid" for i in range(3)}
    names = {p.name for p in (out / "figures").iterdir()}
    kinds = {"layers_0000", "overlay_0000", "spectrograms_0000", "maps_0000", "encoding_voiced"}
    assert names >= {f"{kind}.{suffix}" for kind in kinds for suffix in ("png", "pdf")}
    assert "| F0 (Hz) |" in (out / "summary.md").read_text()


def test_the_same_command_gives_identical_files_whatever_the_number_of_processes(probed):
    different = same_tree(probed / "first", probed / "second")
    assert {name for name in different if not name.startswith("figures/")} == {"config.json"}
    configs = [json.loads((probed / n / "config.json").read_text()) for n in ("first", "second")]
    for config in configs:
        for flag in ("out_dir", "jobs", "figures"):
            del config["flags"][flag]
    assert configs[0] == configs[1]


def test_controls_are_measured_as_the_model_is(probed):
    rows = read_rows(probed / "first" / "controls" / "outputs.csv")
    assert [(row["id"], row["network"]) for row in rows] == [
        (str(i), str(k)) for i in range(3) for k in (1, 2)
    ]
    model = read_rows(probed / "first" / "measurements.csv")
    control = read_rows(probed / "first" / "controls" / "measurements.csv")
    assert list(control[0]) == ["network", *model[0]]


def test_probed_series_are_the_averages_of_the_networks_activations(probed):
    series = np.load(probed / "first" / "series.npz")
    assert list(series) == ["z", *LAYERS]
    assert np.all(series["z"][:, :6] == [0, 2, 0, 0, 0, -5])
    generator = open_checkpoint(conftest.ROOT / CIWGAN, {"model": "ciwgan"}).networks.generator
    outputs = generator(series["z"])
    for layer in LAYERS:
        expected = average_feature_maps(outputs[layer].numpy())
        np.testing.assert_allclose(series[layer], expected, atol=1e-6)
    rows = read_rows(probed / "first" / "latents.csv")
    assert [row["id"] for row in rows] == ["0", "1", "2"]
    assert [[float(v) for k, v in row.items() if k != "id"] for row in rows] == series["z"].tolist()


def test_sounds_are_float32_at_16_khz_and_line_up_with_the_output(probed):
    series = np.load(probed / "first" / "series.npz")
    for layer in LAYERS:
        rate_hz, sound = wavfile.read(probed / "first" / "audio" / f"0001_{layer}.wav")
        assert (rate_hz, sound.dtype, sound.shape) == (16000, np.float32, (16384,))
        values = np.clip(series[layer][1], -1, 1)
        ratio = 16384 // len(values)  # samples i of the layer stand at (i + 0.5) * ratio - 0.5
        expected = np.interp(np.arange(16384), (np.arange(len(values)) + 0.5) * ratio - 0.5, values)
        np.testing.assert_allclose(sound, expected, atol=1e-6)


def test_every_measured_value_has_a_reason_or_a_number(probed):
    rows = read_rows(probed / "first" / "measurements.csv")
    assert list(rows[0]) == [
        "id", "channel", "layer", "interval", "label", "point", "time_s", "measure", "unit",
        "value", "reason", "flag",
    ]  # fmt: skip
    assert {row["layer"] for row in rows} == set(LAYERS)
    assert {row["measure"] for row in rows} >= {"f0", "intensity", "f1", "f2"}
    for row in rows:
        assert (row["value"] == "NaN") == bool(row["reason"])
    nyquist = [r["reason"] for r in rows if (r["layer"], r["measure"]) == ("conv1", "f0")]
    assert nyquist and all("31.25 Hz" in reason for reason in nyquist)


def test_correlations_can_be_recomputed_from_the_measurements(probed):
    values = {}
    for row in read_rows(probed / "first" / "measurements.csv"):
        place = (row["id"], row["interval"], row["point"])
        key = (row["label"], row["measure"], row["layer"])
        values.setdefault(key, {})[place] = float(row["value"])
    checked = 0
    for row in read_rows(probed / "first" / "correlations.csv"):
        key = (row["label"], row["measure"])
        if row["statistic"] != "pearson" or (*key, "out") not in values:
            continue
        layer, out = values[(*key, row["layer"])], values[(*key, "out")]
        pairs = np.array([(layer[p], out[p]) for p in layer])
        pairs = pairs[np.isfinite(pairs).all(1)]
        assert int(row["n"]) == len(pairs)
        if len(pairs) >= 3:
            r = np.corrcoef(pairs.T)[0, 1]
            assert float(row["value"]) == pytest.approx(r, abs=1e-9, nan_ok=True)
            checked += 1
    assert checked > 4


def test_config_says_how_to_repeat_the_run(probed):
    config = json.loads((probed / "first" / "config.json").read_text())
    assert config["command"] == "probe"
    assert config["flags"]["seed"] == 4 and config["flags"]["set"] == "c2=2,z1=-5"
    assert config["checkpoint"]["step"] == 25 and len(config["checkpoint"]["sha256"]) == 64
    assert re.match(r"6\.\d+", config["praat"])
    assert {"tensorflow", "numpy", "praat-parselmouth"} <= set(config["versions"])


def test_latents_of_one_run_can_be_probed_again(probed, run_script, tmp_path):
    latents = probed / "first" / "latents.csv"
    probe(run_script, tmp_path / "again", "--latents", latents, "--layers=conv4")
    again, first = np.load(tmp_path / "again/series.npz"), np.load(probed / "first/series.npz")
    assert list(again) == ["z", "conv4", "out"]
    for name in again:
        np.testing.assert_array_equal(again[name], first[name])


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--ckpt=nowhere"], ["--ckpt=nowhere", "no checkpoint"]),
        ([f"--ckpt={CIWGAN}", "--set=c6=1"], ["c6", "c1 .. c5"]),
        ([f"--ckpt={CIWGAN}", "--layers=conv7"], ["conv7", "conv4"]),
        ([f"--ckpt={CIWGAN}", "--f0_range=300,60"], ["--f0_range=300,60"]),
        ([f"--ckpt={CIWGAN}", "--f0_range=60"], ["--f0_range=60", "floor and ceiling"]),
        ([f"--ckpt={CIWGAN}", "--latents=WIDE"], ["WIDE", "shape [1, 7]"]),
        ([f"--ckpt={CIWGAN}", "--latents=WIDE", "--n=3"], ["--n"]),
        ([f"--ckpt={CIWGAN}", "--n=0"], ["--n"]),
        ([f"--ckpt={CIWGAN}", "--condition=c1=1"], ["--condition=c1=1", "another"]),
        ([f"--ckpt={CIWGAN}", "--network=q"], ["--network=q", "--wav_dir"]),
        ([f"--ckpt={CIWGAN}", "--wav_dir=."], ["--wav_dir", "--network=generator"]),
        ([f"--ckpt={CIWGAN}", "--shard=3"], ["--shard=3", "3/10"]),
        ([f"--ckpt={CIWGAN}", "--annotations=nowhere"], ["--annotations=nowhere"]),
        ([f"--ckpt={CIWGAN}", "--labels=V"], ["--labels=V"]),
        ([f"--ckpt={CIWGAN}", "surplus"], ["surplus"]),
    ],
)
def test_probe_refuses_bad_input_and_leaves_nothing(run_script, tmp_path, flags, words):
    np.save(tmp_path / "wide.npy", np.zeros([1, 7]))
    flags = [flag.replace("WIDE", str(tmp_path / "wide.npy")) for flag in flags]
    words = [word.replace("WIDE", str(tmp_path / "wide.npy")) for word in words]
    result = run_script("probe.py", *flags, "--out_dir", tmp_path / "new" / "out")
    conftest.assert_refused(result, *words)
    assert [p.name for p in tmp_path.iterdir()] == ["wide.npy"]


@pytest.mark.parametrize("case", ["truncated", "variable missing", "other shape"])
def test_probe_refuses_a_damaged_checkpoint_and_leaves_nothing(run_script, tmp_path, case):
    ckpt = tmp_path / "ckpt"
    shutil.copytree(conftest.ROOT / "tests/reference/checkpoints/wavegan", ckpt)
    words = ["ckpt/model.ckpt-25"]
    if case == "truncated":
        data = ckpt / "model.ckpt-25.data-00000-of-00001"
        data.write_bytes(data.read_bytes()[:100_000])
        words.append("truncated")
    elif case == "variable missing":
        checkpoint = files.Checkpoint(str(ckpt / "model.ckpt-25"))
        values = {k: checkpoint.read(k) for k in checkpoint.shapes if "downconv_3" not in k}
        files.write_checkpoint(str(ckpt), values, 25)
        words.append("D/downconv_3/conv1d/kernel is missing")
    else:
        args = (ckpt / "args.txt").read_text()
        (ckpt / "args.txt").write_text(args.replace("wavegan_dim,2", "wavegan_dim,4"))
        words.append("G/z_project/dense/kernel has shape [100, 512]")
    result = run_script("probe.py", "--ckpt", ckpt, "--out_dir", tmp_path / "out")
    conftest.assert_refused(result, *words)
    assert [p.name for p in tmp_path.iterdir()] == ["ckpt"]


def test_an_output_directory_in_use_is_left_alone_unless_told(run_script, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    small = ["--n=1", "--nofigures", "--controls=0", "--jobs=1", "--layers=conv1,conv3"]
    small += conftest.SHORT_WINDOWS
    flags = ["--ckpt", CIWGAN, *small, "--out_dir", out]
    conftest.assert_refused(run_script("probe.py", *flags), "not empty", "--overwrite")
    assert (out / "mine.txt").read_text() == "mine"
    assert run_script("probe.py", *flags, "--overwrite").returncode == 0
    before = (out / "series.npz").read_bytes()
    # An error after --overwrite loses nothing either.
    conftest.assert_refused(run_script("probe.py", *flags, "--overwrite", "--set=c6=1"), "c6")
    assert (out / "series.npz").read_bytes() == before
    result = run_script("probe.py", *flags, "--overwrite", "--layers=conv1", "--seed=5")
    assert result.returncode == 0
    assert (out / "series.npz").read_bytes() != before
    names = [f"0000_{layer}.wav" for layer in ("conv1", "out")]
    assert sorted(p.name for p in (out / "audio").glob("*.wav")) == names  # none of the run before
    assert (out / "mine.txt").read_text() == "mine"
    assert not list(out.glob(".*"))


def test_shards_joined_are_the_whole_run(run_script, tmp_path):
    flags = ["--n=5", "--controls=1", "--control_outputs=4", "--layers=conv3,conv4"]
    flags += conftest.SHORT_WINDOWS
    probe(run_script, tmp_path / "whole", *flags)
    for k in (1, 2):
        probe(run_script, tmp_path / "shards" / str(k), *flags, f"--shard={k}/2")
    merge = ["-m wavegan_tf.tools.merge_shards", f"--shards={tmp_path}/shards/*"]
    result = run_script(*merge, "--nofigures", "--out_dir", tmp_path / "merged")
    assert result.returncode == 0, result.stderr
    assert same_tree(tmp_path / "merged", tmp_path / "whole") == {"config.json"}
    whole, merged = (
        json.loads((tmp_path / name / "config.json").read_text()) for name in ("whole", "merged")
    )
    assert whole | {"flags": 0} == merged | {"flags": 0}
    shutil.rmtree(tmp_path / "shards" / "2")
    result = run_script(*merge, "--out_dir", tmp_path / "again")
    conftest.assert_refused(result, "--shards=", "outputs 2 .. 4 are missing")
    assert not (tmp_path / "again").exists()


def test_conditions_are_compared_in_pairs(run_script, tmp_path):
    flags = ["--n=6", "--layers=conv4", "--condition=c1=1", "--condition=c2=1"]
    probe(run_script, tmp_path / "out", *flags)
    latents = [
        [float(row[name]) for name in row if name != "id"]
        for row in read_rows(tmp_path / "out" / "latents.csv")
    ]
    assert len(latents) == 12
    assert latents[0][:5] == [1, 0, 0, 0, 0] and latents[1][:5] == [0, 1, 0, 0, 0]
    assert latents[0][5:] == latents[1][5:] != latents[2][5:]
    rows = read_rows(tmp_path / "out" / "differences.csv")
    assert {(row["condition"], row["reference"]) for row in rows} == {("c2=1", "c1=1")}
    means = {}
    for row in read_rows(tmp_path / "out" / "intervals.csv"):
        key = (row["measure"], row["label"], row["layer"])
        means.setdefault(key, {}).setdefault(int(row["id"]), []).append(float(row["value"]))
    outputs = means["intensity", "voiced", "out"]
    pairs = [
        (np.mean(outputs[2 * k]), np.mean(outputs[2 * k + 1]))
        for k in range(6)
        if 2 * k in outputs and 2 * k + 1 in outputs
    ]
    (row,) = [
        row
        for row in rows
        if (row["measure"], row["label"], row["layer"]) == ("intensity", "voiced", "out")
    ]
    assert int(row["n"]) == len(pairs)
    expected = np.mean([b - a for a, b in pairs])
    assert float(row["difference"]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("network", ["q", "discriminator"])
def test_a_classifier_is_probed_on_recordings(run_script, tmp_path, speech_dir, network):
    recordings = tmp_path / "recordings"
    shutil.copytree(speech_dir, recordings)
    (recordings / "broken.wav").write_text("no sound")
    flags = [f"--network={network}", f"--wav_dir={recordings}", "--word=([a-z]+)"]
    flags += ["--controls=1", "--layers=conv2,conv5"]
    flags += ["--max_figures=1"] if network == "q" else []
    result = probe(run_script, tmp_path / "out", *flags, status=2)
    assert "broken.wav" in result.stderr and "1 of 7 outputs could not be measured" in result.stderr
    out = tmp_path / "out"
    logits = read_rows(out / "logits.csv")
    names = ["logit_d"] if network == "discriminator" else [f"logit_c{i + 1}" for i in range(5)]
    assert list(logits[0]) == ["id", "name", "word", *names] and len(logits) == 7
    words = np.load(out / "words.npz")
    assert words["word"].tolist() == ["vowel"] and words["n"].tolist() == [6]
    series = np.load(out / "series.npz")
    assert list(series) == ["input", "conv2", "conv5"]
    np.testing.assert_allclose(words["conv2"][0], series["conv2"][1:].mean(0), atol=1e-6)
    rows = read_rows(out / "correlations.csv")
    assert {row["layer"] for row in rows} == {"conv2", "conv5"}
    assert (out / "figures" / "words.png").is_file() == (network == "q")


def test_trouble_with_one_output_is_named_and_the_rest_is_measured(run_script, tmp_path):
    hands = tmp_path / "hands"
    flags = ["--n=3", "--layers=conv4", *conftest.SHORT_WINDOWS]
    probe(run_script, tmp_path / "first", *flags)
    shutil.copytree(tmp_path / "first" / "audio", hands)
    grid = (hands / "0001_out.TextGrid").read_text()
    (hands / "0001_out.TextGrid").write_text(grid.replace("xmax = 1.024", "xmax = 0.9"))
    flags += [f"--annotations={hands}"]
    result = probe(run_script, tmp_path / "second", *flags, status=2)
    assert "output 1: " in result.stderr and "0001_out.TextGrid" in result.stderr
    first, second = (
        [row for row in read_rows(tmp_path / name / "measurements.csv") if row["id"] != "1"]
        for name in ("first", "second")
    )
    assert first == second
    problems = [row["problem"] for row in read_rows(tmp_path / "second" / "outputs.csv")]
    assert not problems[0] and "0.9" in problems[1] and not problems[2]
