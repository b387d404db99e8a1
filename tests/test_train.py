"""train.py end to end, as a user runs it, on small models."""

import json
import re
import shutil
import signal

import conftest
import numpy as np
import pytest
import torture
from scipy.io import wavfile

from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.checkpoints.run import read_run_config
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.training.options import TrainingConfig
from wavegan_tf.training.trainer import Trainer

CIWGAN = "tests/reference/checkpoints/ciwgan"


def test_deeper_stereo_model_is_trained_on_every_format_and_probed_whole(run_script, tmp_path):
    recordings = "tests/reference/audio"  # FLAC, MP3, OGG, Opus, M4A
    result = run_script(
        "train.py", "--model=fiwgan", "--num_categ=2", "--data_dir", recordings, "--train_dir",
        tmp_path / "run", "--wavegan_dim=1", "--wavegan_stride=2", "--data_num_channels=2",
        "--data_first_slice", "--train_batch_size=2", "--wavegan_disc_nupdates=1",
        "--train_steps=1", "--wavegan_loss=lsgan",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert not data["left_out"].get("unreadable")
    assert data["not_audio"] == {".md": 1}
    result = run_script(
        "probe.py", "--ckpt", tmp_path / "run", "--n=2", "--controls=0", "--nofigures",
        "--noreport", "--jobs=1", *conftest.SHORT_WINDOWS, "--out_dir", tmp_path / "out",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    series = np.load(tmp_path / "out" / "series.npz")
    assert [name for name in series if name != "z"] == [*(f"conv{i}" for i in range(1, 10)), "out"]
    assert series["out"].shape == (2, 16384, 2) and series["conv9"].shape == (2, 8192)
    assert wavfile.read(tmp_path / "out/audio/0000_out.wav")[1].shape == (16384, 2)


def test_training_runs_on_a_folder_of_trouble_and_names_every_file(run_script, tmp_path):
    bad = torture.make(tmp_path / "data")
    result = run_script(
        "train.py", "--data_dir", tmp_path / "data", "--train_dir", tmp_path / "run",
        "--wavegan_dim=1", "--data_pad_end", "--train_batch_size=8", "--wavegan_disc_nupdates=1",
        "--train_steps=2", "--wavegan_loss=lsgan",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    data = json.loads((tmp_path / "run" / "data.json").read_text())
    assert {name for kind in data["left_out"].values() for name in kind} == bad.keys()
    assert f"{data['used']} of {data['files']} files" in result.stdout and data["used"] >= 20
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    scalars = [json.loads(line) for line in lines]
    assert scalars[-1]["step"] == 2 and None not in scalars[-1].values()


def training_flags(run, data):
    return [
        "train.py", "--model=ciwgan", "--num_categ=3", f"--data_dir={data}",
        f"--train_dir={run}", "--data_first_slice", "--wavegan_dim=1",
        "--train_batch_size=2", "--wavegan_disc_nupdates=1", "--wavegan_loss=lsgan",
        "--train_save_steps=2",
    ]  # fmt: skip


@pytest.fixture(scope="session")
def run(run_script, tmp_path_factory, speech_dir):
    """A run of three steps, continued to five."""
    run = tmp_path_factory.mktemp("train") / "run"
    for steps, rate in ((3, 2e-4), (5, 1e-4)):
        flags = [f"--train_steps={steps}", f"--learning_rate={rate}"]
        result = run_script(*training_flags(run, speech_dir), *flags)
        assert result.returncode == 0, result.stderr
    return run


def test_config_records_what_changed_when_it_went_on(run):
    config = json.loads((run / "config.json").read_text())
    assert config["flags"]["train_steps"] == 3
    assert [(r["step"], r["flags"]["train_steps"]) for r in config["resumed"]] == [(3, 5)]
    assert open_checkpoint(run).step == 5
    rates = [x["training"]["learning_rate"] for x in (config, *config["resumed"])]
    assert rates == [2e-4, 1e-4]


def test_the_forms_of_convolutions_are_those_of_the_runs_start(
    run, tmp_path, run_script, speech_dir
):
    other = tmp_path / "run"
    shutil.copytree(run, other)
    text = (other / "config.json").read_text()
    (other / "config.json").write_text(text.replace(': "keras"', ': "matmul"'))
    result = run_script(*training_flags(other, speech_dir), "--train_steps=6")
    assert result.returncode == 0, result.stderr
    for directory, form, count in ((run, "keras", 2), (other, "matmul", 3)):
        config = json.loads((directory / "config.json").read_text())
        forms = [x["convolutions"] for x in (config, *config["resumed"])]
        assert forms == [form] * count


def test_changed_model_is_refused_naming_the_differences(run, run_script, speech_dir):
    changed = ("--train_steps=9", "--wavegan_dim=2", "--wavegan_loss=dcgan")
    result = run_script(*training_flags(run, speech_dir), *changed)
    conftest.assert_refused(result, "dim: 2, 1; loss: dcgan, lsgan")


def test_training_goes_on_from_an_originals_checkpoint(run_script, speech_dir, tmp_path):
    source = conftest.ROOT / CIWGAN
    flags = [
        "train.py", "--model=ciwgan", "--num_categ=5", f"--data_dir={speech_dir}",
        f"--train_dir={tmp_path / 'run'}", "--data_first_slice", "--wavegan_dim=2",
        "--train_batch_size=2", "--wavegan_disc_nupdates=1", "--train_steps=26",
    ]  # fmt: skip
    result = run_script(*flags, f"--init_ckpt={source}")
    assert result.returncode == 0, result.stderr
    opened = open_checkpoint(tmp_path / "run")
    assert opened.step == 26
    assert opened.checkpoint.read("beta1_power") == np.float32(0.5**27)
    result = run_script(*flags, f"--init_ckpt={source}", f"--train_dir={tmp_path / 'other'}",
                        "--wavegan_kernel_len=9")  # fmt: skip
    conftest.assert_refused(result, "kernel_len: 9, 25")
    assert not (tmp_path / "other").exists()


def test_what_a_loop_of_ones_own_saved_is_gone_on_with(run_script, tmp_path, speech_dir):
    config = ModelConfig(model="ciwgan", num_categ=3, dim=1)
    training = TrainingConfig(batch_size=2, loss="lsgan", disc_nupdates=1, conv="keras")
    trainer = Trainer(config, training)
    trainer.step = 1
    trainer.save(tmp_path / "own")
    assert read_run_config(tmp_path / "own")["resumed"] == []
    result = run_script(*training_flags(tmp_path / "own", speech_dir), "--train_steps=2")
    assert result.returncode == 0, result.stderr
    assert f"{tmp_path / 'own'}: goes on from step 1" in result.stdout
    assert open_checkpoint(tmp_path / "own").step == 2


def test_a_signal_saves_and_leaves(start_script, tmp_path, speech_dir):
    run = tmp_path / "run"
    script = start_script(*training_flags(run, speech_dir), "--train_steps=100000")
    conftest.wait_until(lambda: list(run.glob("model.ckpt-2.index")))
    script.send_signal(signal.SIGTERM)
    result = script.finish()
    step = int(re.search(r"stopped and saved at step (\d+)", result.stderr)[1])
    assert result.returncode == 128 + signal.SIGTERM and step >= 2
    assert open_checkpoint(run).step == step


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--data_dir=absent", "--data_dir=absent: does not exist"),
        ("--train_keep=-1", "--train_keep=-1: must be 0 or more"),
        ("--init_ckpt=nowhere", "--init_ckpt=nowhere: there is no checkpoint"),
    ],
)
def test_train_refuses_what_it_cannot_begin_with_and_leaves_nothing(
    run_script, tmp_path, speech_dir, flag, words
):
    run = tmp_path / "run"
    result = run_script("train.py", f"--data_dir={speech_dir}", f"--train_dir={run}", flag)
    conftest.assert_refused(result, words)
    assert not run.exists()


def test_train_refuses_a_directory_that_is_no_run(run_script, tmp_path, speech_dir):
    (tmp_path / "thesis.tex").write_text("...")
    result = run_script("train.py", f"--data_dir={speech_dir}", f"--train_dir={tmp_path}")
    conftest.assert_refused(result, "--train_dir", "no config.json")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
