"""Each script end to end, as a user runs it, on small models."""

import csv
import filecmp
import json
import re
import shutil
import signal
import subprocess
import sys
import time

import conftest
import numpy as np
import pytest
import tensorflow as tf
import torture
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


def assert_refused(result, *words):
    assert result.returncode != 0
    assert "Traceback" not in result.stderr, result.stderr
    for word in words:
        assert word in result.stderr, result.stderr


@pytest.fixture(scope="session")
def probed(run_script, tmp_path_factory):
    """The same probe twice."""
    directory = tmp_path_factory.mktemp("probed")
    for name in ("first", "second"):
        result = run_script(
            "probe.py", "--ckpt", CIWGAN, "--model=ciwgan", "--n=3", "--seed=4",
            "--set=c2=2,z1=-5", "--max_figures=1", "--out_dir", directory / name,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    return directory


def test_probe_writes_all_it_promises(probed):
    out = probed / "first"
    assert sorted(p.name for p in out.iterdir()) == [
        "audio", "config.json", "correlations.csv", "figures", "latents.csv", "measurements.csv",
        "series.npz",
    ]  # fmt: skip
    wavs = sorted(p.name for p in (out / "audio").iterdir())
    assert wavs == [f"{i:04d}_{layer}.wav" for i in range(3) for layer in LAYERS]
    names = {"layers_0000.png", "overlay_0000.png", "spectrograms_0000.png"}
    assert {p.name for p in (out / "figures").iterdir()} == names


def test_the_same_command_twice_gives_identical_files(probed):
    assert same_tree(probed / "first", probed / "second") == {"config.json"}
    configs = [json.loads((probed / n / "config.json").read_text()) for n in ("first", "second")]
    for config in configs:
        config["flags"].pop("out_dir")
    assert configs[0] == configs[1]


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
        "id", "layer", "interval", "point", "time_s", "measure", "unit", "value", "reason",
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
        values.setdefault((row["measure"], row["layer"]), {})[place] = float(row["value"])
    for row in read_rows(probed / "first" / "correlations.csv"):
        layer, out = values[row["measure"], row["layer"]], values[row["measure"], "out"]
        pairs = np.array([(layer[p], out[p]) for p in layer])
        pairs = pairs[np.isfinite(pairs).all(1)]
        assert int(row["n"]) == len(pairs)
        if len(pairs) >= 3:
            r = np.corrcoef(pairs.T)[0, 1]
            assert float(row["r"]) == pytest.approx(r, abs=1e-9, nan_ok=True)


def test_config_says_how_to_repeat_the_run(probed):
    config = json.loads((probed / "first" / "config.json").read_text())
    assert config["command"] == "probe"
    assert config["flags"]["seed"] == 4 and config["flags"]["set"] == "c2=2,z1=-5"
    assert config["checkpoint"]["step"] == 25 and len(config["checkpoint"]["sha256"]) == 64
    assert re.match(r"6\.\d+", config["praat"])
    assert {"tensorflow", "numpy", "praat-parselmouth"} <= set(config["versions"])


def test_latents_of_one_run_can_be_probed_again(probed, run_script, tmp_path):
    latents = probed / "first" / "latents.csv"
    result = run_script(
        "probe.py", "--ckpt", CIWGAN, "--model=ciwgan", "--latents", latents, "--max_figures=0",
        "--layers=conv4", "--out_dir", tmp_path / "again",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    again, first = np.load(tmp_path / "again/series.npz"), np.load(probed / "first/series.npz")
    assert list(again) == ["z", "conv4", "out"]
    for name in again:
        np.testing.assert_array_equal(again[name], first[name])


def test_interpolate_moves_one_latent_and_draws_every_layer(run_script, tmp_path):
    for name in ("first", "second"):
        result = run_script(
            "interpolate.py", "--ckpt", CIWGAN, "--model=ciwgan", "--vary=c2=0:2:0.5",
            "--set=c1=0", "--out_dir", tmp_path / name,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    assert same_tree(tmp_path / "first", tmp_path / "second") == {"config.json"}
    series = np.load(tmp_path / "first" / "series.npz")
    np.testing.assert_array_equal(series["z"][:, 1], [0, 0.5, 1, 1.5, 2])
    assert np.all(np.ptp(np.delete(series["z"], 1, axis=1), axis=0) == 0)
    assert (tmp_path / "first/figures/interpolation.png").stat().st_size > 10_000
    assert len(list((tmp_path / "first/audio").iterdir())) == 5 * 5


def test_deeper_stereo_model_is_trained_on_every_format_and_probed_whole(run_script, tmp_path):
    recordings = "tests/reference/audio"  # FLAC, MP3, OGG; and two files that cannot be read
    result = run_script(
        "train.py", "--model=fiwgan", "--num_categ=2", "--data_dir", recordings, "--train_dir",
        tmp_path / "run", "--wavegan_dim=1", "--wavegan_stride=2", "--data_num_channels=2",
        "--data_first_slice", "--train_batch_size=2", "--train_steps=1",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert list(data["left_out"]["unreadable"]) == ["tone_opus.ogg"]
    assert data["not_audio"] == {".md": 1}
    result = run_script(
        "probe.py", "--ckpt", tmp_path / "run", "--n=2", "--max_figures=1", "--out_dir",
        tmp_path / "out",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    series = np.load(tmp_path / "out" / "series.npz")
    assert list(series) == ["z", *(f"conv{i}" for i in range(1, 10)), "out"]
    assert series["out"].shape == (2, 16384, 2) and series["conv9"].shape == (2, 8192)
    assert wavfile.read(tmp_path / "out/audio/0000_out.wav")[1].shape == (16384, 2)


def test_training_runs_on_a_folder_of_trouble_and_names_every_file(run_script, tmp_path):
    bad = torture.make(tmp_path / "data")
    result = run_script(
        "train.py", "--data_dir", tmp_path / "data", "--train_dir", tmp_path / "run",
        "--wavegan_dim=1", "--data_pad_end", "--train_batch_size=8", "--train_steps=2",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    named = {name: reason for kind in data["left_out"].values() for name, reason in kind.items()}
    assert named.keys() == bad.keys() and len(bad) >= 20
    assert all(words in named[name] for name, words in bad.items())
    assert f"{data['used']} of {data['files']} files" in result.stdout and data["used"] >= 20
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    scalars = [json.loads(line) for line in lines]
    assert scalars[-1]["step"] == 2 and None not in scalars[-1].values()


def test_a_folder_of_nothing_but_trouble_ends_with_one_message(run_script, tmp_path):
    (tmp_path / "data").mkdir()
    for name, (content, _) in torture.bad_files().items():
        (tmp_path / "data" / name).write_bytes(content)
    result = run_script(
        "train.py", "--data_dir", tmp_path / "data", "--train_dir", tmp_path / "run"
    )
    assert_refused(result, f"--data_dir={tmp_path / 'data'}")
    assert result.stderr.count("error: ") == 1
    assert not (tmp_path / "run").exists()


def training_flags(run, data):
    return [
        "train.py", "--model=ciwgan", "--num_categ=3", f"--data_dir={data}",
        f"--train_dir={run}", "--data_first_slice", "--wavegan_dim=1",
        "--train_batch_size=4", "--train_summary_steps=1", "--train_save_steps=2",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def run(run_script, tmp_path_factory, speech_dir):
    """A run of three steps, continued to five."""
    run = tmp_path_factory.mktemp("train") / "run"
    for steps in (3, 5):
        result = run_script(*training_flags(run, speech_dir), f"--train_steps={steps}")
        assert result.returncode == 0, result.stderr
    return run


def events_of(run):
    for path in sorted(run.glob("events.*")):
        for record in tf.data.TFRecordDataset(str(path)):
            event = tf.compat.v1.Event.FromString(record.numpy())
            for value in event.summary.value:
                yield event.step, value


def test_curve_goes_on_where_it_stopped(run):
    steps = [s for s, value in events_of(run) if value.tag == "D_loss"]
    assert steps == [1, 2, 3, 4, 5]


def test_summaries_are_the_originals(run):
    kinds = {(v.tag, v.metadata.plugin_data.plugin_name) for _, v in events_of(run)}
    assert kinds >= {
        *((name, "scalars") for name in ("D_loss", "G_loss", "Q_loss", "x_rms", "G_z_rms")),
        *((name, "histograms") for name in ("x_rms_batch", "G_z_rms_batch")),
        *((name, "audio") for name in ("x", "G_z")),
    }


def test_checkpoints_come_by_step_and_at_the_end(run):
    steps = {int(re.search(r"-(\d+)\.index", p.name)[1]) for p in run.glob("*.index")}
    assert steps == {0, 2, 3, 4, 5}
    assert open_checkpoint(run).step == 5


def test_config_records_what_changed_when_it_went_on(run):
    config = json.loads((run / "config.json").read_text())
    assert config["flags"]["train_steps"] == 3
    assert [(r["step"], r["flags"]["train_steps"]) for r in config["resumed"]] == [(3, 5)]


def test_training_that_has_arrived_changes_nothing(run, run_script, speech_dir):
    before = {p.name: p.stat().st_mtime_ns for p in run.glob("model*")}
    result = run_script(*training_flags(run, speech_dir), "--train_steps=5")
    assert result.returncode == 0 and "at step 5" in result.stdout
    assert before == {p.name: p.stat().st_mtime_ns for p in run.glob("model*")}


@pytest.mark.parametrize(
    ("flag", "words"),
    [("--wavegan_dim=2", "dim: 2, 1"), ("--wavegan_loss=lsgan", "loss: lsgan, wgan-gp")],
)
def test_changed_model_is_refused_naming_the_difference(run, run_script, speech_dir, flag, words):
    result = run_script(*training_flags(run, speech_dir), "--train_steps=9", flag)
    assert_refused(result, words)


def test_training_goes_on_from_an_originals_checkpoint(run_script, speech_dir, tmp_path):
    source = conftest.ROOT / CIWGAN
    flags = [
        "train.py", "--model=ciwgan", "--num_categ=5", f"--data_dir={speech_dir}",
        f"--train_dir={tmp_path / 'run'}", "--data_first_slice", "--wavegan_dim=2",
        "--train_batch_size=2", "--train_steps=26",
    ]  # fmt: skip
    result = run_script(*flags, f"--init_ckpt={source}")
    assert result.returncode == 0, result.stderr
    opened = open_checkpoint(tmp_path / "run")
    assert opened.step == 26
    assert opened.checkpoint.read("beta1_power") == np.float32(0.5**27)
    result = run_script(*flags, f"--init_ckpt={source}", f"--train_dir={tmp_path / 'other'}",
                        "--wavegan_kernel_len=9")  # fmt: skip
    assert_refused(result, "kernel_len: 9, 25")
    assert not (tmp_path / "other").exists()


def test_a_signal_saves_and_leaves(tmp_path, speech_dir):
    run = tmp_path / "run"
    command = [sys.executable, *training_flags(run, speech_dir), "--train_steps=100000"]
    process = subprocess.Popen(
        command, cwd=conftest.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 120
    while not list(run.glob("model.ckpt-2.index")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    step = int(re.search(r"stopped and saved at step (\d+)", stderr)[1])
    assert process.returncode == 1 and step >= 2
    assert open_checkpoint(run).step == step


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
        ([f"--ckpt={CIWGAN}", "surplus"], ["surplus"]),
    ],
)
def test_probe_refuses_bad_input_and_leaves_nothing(run_script, tmp_path, flags, words):
    np.save(tmp_path / "wide.npy", np.zeros([1, 7]))
    flags = [flag.replace("WIDE", str(tmp_path / "wide.npy")) for flag in flags]
    words = [word.replace("WIDE", str(tmp_path / "wide.npy")) for word in words]
    result = run_script("probe.py", *flags, "--out_dir", tmp_path / "new" / "out")
    assert_refused(result, *words)
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
    assert_refused(result, *words)
    assert [p.name for p in tmp_path.iterdir()] == ["ckpt"]


@pytest.mark.parametrize("sweep", ["z11=0:5:0", "z11=5:0:1", "c9=0,1"])
def test_interpolate_refuses_a_bad_sweep_and_leaves_nothing(run_script, tmp_path, sweep):
    result = run_script(
        "interpolate.py", "--ckpt", CIWGAN, f"--vary={sweep}", "--out_dir", tmp_path / "out"
    )
    assert_refused(result, sweep.split("=")[0])
    assert not list(tmp_path.iterdir())


def test_an_output_directory_in_use_is_left_alone_unless_told(run_script, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    flags = ["--ckpt", CIWGAN, "--n=1", "--max_figures=0", "--out_dir", out]
    assert_refused(run_script("probe.py", *flags), "not empty", "--overwrite")
    assert (out / "mine.txt").read_text() == "mine"
    assert run_script("probe.py", *flags, "--overwrite").returncode == 0
    before = (out / "series.npz").read_bytes()
    # An error after --overwrite loses nothing either.
    assert_refused(run_script("probe.py", *flags, "--overwrite", "--set=c6=1"), "c6")
    assert (out / "series.npz").read_bytes() == before
    result = run_script("probe.py", *flags, "--overwrite", "--layers=conv1", "--seed=5")
    assert result.returncode == 0
    assert (out / "series.npz").read_bytes() != before
    names = [f"0000_{layer}.wav" for layer in ("conv1", "out")]
    assert sorted(p.name for p in (out / "audio").iterdir()) == names  # none of the run before
    assert (out / "mine.txt").read_text() == "mine"
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("case", ["missing", "empty", "all bad"])
def test_train_refuses_a_folder_without_speech_and_leaves_nothing(run_script, tmp_path, case):
    data = tmp_path / "data"
    if case != "missing":
        data.mkdir()
    if case == "all bad":
        (data / "notes.wav").write_text("not a sound")
        (data / "empty.wav").write_bytes(b"")
    result = run_script(
        "train.py", f"--data_dir={data}", f"--train_dir={tmp_path / 'run'}", "--wavegan_dim=1"
    )
    assert_refused(result, "--data_dir")
    assert not (tmp_path / "run").exists()


def test_train_refuses_a_negative_schedule_and_leaves_nothing(run_script, tmp_path, speech_dir):
    run = tmp_path / "run"
    for flag in ("--train_keep=-1", "--train_steps=-5", "--train_save_secs=-1"):
        result = run_script("train.py", f"--data_dir={speech_dir}", f"--train_dir={run}", flag)
        assert_refused(result, flag)
    assert not run.exists()


def test_train_refuses_to_begin_from_no_checkpoint_naming_the_flag(
    run_script, tmp_path, speech_dir
):
    result = run_script(
        "train.py", f"--data_dir={speech_dir}", f"--train_dir={tmp_path / 'run'}",
        "--init_ckpt=nowhere",
    )  # fmt: skip
    assert_refused(result, "--init_ckpt=nowhere", "no checkpoint")
    assert not (tmp_path / "run").exists()


def test_train_refuses_a_directory_that_is_no_run(run_script, tmp_path, speech_dir):
    (tmp_path / "thesis.tex").write_text("...")
    result = run_script("train.py", f"--data_dir={speech_dir}", f"--train_dir={tmp_path}")
    assert_refused(result, "--train_dir", "no config.json")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
