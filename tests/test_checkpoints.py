import itertools
import os
import shutil
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from conftest import assert_refused

from wavegan_tf.checkpoints import files, names, original, run
from wavegan_tf.checkpoints.open import open_checkpoint, read_config
from wavegan_tf.errors import InputError
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.training.options import TrainingConfig
from wavegan_tf.training.trainer import Trainer

CONVERT = "-m wavegan_tf convert_checkpoint"
MEASURING = {"praat": {"f0_floor_hz": 75.0}, "interpolate": {"from": "c1=1", "to": "c2=1"}}
SMALL = dict(dim=1, latent_dim=6)
CONFIGS = {
    "wavegan": ModelConfig(**SMALL),
    "ciwgan": ModelConfig("ciwgan", num_categ=3, **SMALL),
    "fiwgan": ModelConfig("fiwgan", num_categ=2, **SMALL),
    "batchnorm": ModelConfig(slice_len=32768, batchnorm=True, **SMALL),
    "postfilter": ModelConfig(slice_len=65536, postfilter_len=8, **SMALL),
    "nn": ModelConfig(upsample="nn", kernel_len=7, num_channels=2, **SMALL),
    "deeper": ModelConfig("ciwgan", num_categ=3, stride=2, **SMALL),
}


def noise(config, first=0):
    """Batches of noise from one on."""
    shape = [2, config.slice_len, config.num_channels]
    for number in itertools.count(first):
        yield tf.random.stateless_uniform(shape, [number, 0], -1.0, 1.0)


def write_weights(directory, config, drop=()):
    """A checkpoint like an original's, weights alone; returns its prefix."""
    values = Trainer(config, TrainingConfig()).values()
    kept = {k: v for k, v in values.items() if k not in (*drop, *names.OURS)}
    return files.write_checkpoint(str(directory), kept, 3)


@pytest.mark.parametrize("loss", ["wgan-gp", "wgan"])  # Adam, RMSProp
def test_save_perturb_restore_is_equal_for_every_optimiser(tmp_path, loss):
    trainer = Trainer(CONFIGS["ciwgan"], TrainingConfig(loss, batch_size=2, seed=0))
    networks = names.network_variables(trainer.networks)
    slots = names.optimizer_variables(trainer.optimizers, trainer.networks)
    variables = [stored.variable for stored in [*networks.values(), *slots.values()]]
    rng = np.random.default_rng(0)
    for variable in variables:  # no two alike, and no slot 0
        variable.assign(rng.uniform(1, 100, variable.shape).astype(np.asarray(variable).dtype))
    trainer.step, trainer.update = 2, 3
    saved = trainer.values()
    assert saved["global_step"] == 2
    prefix = trainer.save(str(tmp_path))
    for variable in variables:
        variable.assign(np.asarray(variable) + 1)
    trainer.step, trainer.update, trainer.seed = 7, 1, 8
    assert all(not np.array_equal(saved[k], v) for k, v in trainer.values().items())
    trainer.restore(files.Checkpoint(prefix))
    restored = trainer.values()
    for key, value in saved.items():
        np.testing.assert_array_equal(restored[key], value, err_msg=key)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_variable_is_in_the_file_and_the_architecture_in_args_or_the_variables_alone(
    tmp_path, name
):
    config = CONFIGS[name]
    trainer = Trainer(config, TrainingConfig())
    variables = [v for network in filter(None, trainer.networks) for v in network.variables]
    stored = names.network_variables(trainer.networks)
    assert {id(s.variable) for s in stored.values()} == {id(v) for v in variables}
    for optimizer in filter(None, trainer.optimizers):
        assert len(optimizer.slots) == len(optimizer.variables)
    checkpoint = files.Checkpoint(trainer.save(str(tmp_path)))
    assert set(trainer.values()) == set(checkpoint.shapes)
    given = {"slice_len": config.slice_len} if config.slice_len > 16384 else {}
    given |= {"model": config.model} if config.num_categ else {}
    (tmp_path / "config.json").unlink()
    assert read_config(checkpoint, given) == (config, "variables")
    original.write_args(str(tmp_path), config, {})
    assert read_config(checkpoint, {}) == (config, "args.txt")


def test_going_on_inside_a_step_equals_never_having_stopped(tmp_path, eagerly):
    config = CONFIGS["ciwgan"]
    trainer = Trainer(config, TrainingConfig(batch_size=2, disc_nupdates=2, seed=0))
    batches = noise(config)
    for _ in range(4):
        trainer.advance(batches)
    prefix = trainer.save(str(tmp_path))
    while trainer.step < 3:
        trainer.advance(batches)
    expected, trainer.seed = trainer.values(), 99
    trainer.restore(files.Checkpoint(prefix))
    assert (trainer.step, trainer.update) == (1, 1)
    batches = noise(config, first=trainer.batches_used)
    while trainer.step < 3:
        trainer.advance(batches)
    for key, value in trainer.values().items():
        np.testing.assert_array_equal(value, expected[key], err_msg=key)


@pytest.mark.parametrize("name", ["ciwgan", "wavegan_nn_kernel17_lsgan"])
def test_training_restores_every_variable_of_the_original_slots_included(reference, name):
    directory = reference / "checkpoints" / name
    opened = open_checkpoint(directory, {"model": "ciwgan"} if name == "ciwgan" else {})
    loss = original.training_args(str(directory))["wavegan_loss"]
    trainer = Trainer(opened.config, TrainingConfig(loss, seed=5))
    trainer.restore(opened.checkpoint)
    state = trainer.values()
    assert (state.pop(names.SEED), state.pop(names.UPDATE)) == (5, 0)
    assert state.keys() == opened.checkpoint.shapes.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(value, opened.checkpoint.read(key), err_msg=key)
    if name == "ciwgan":  # 25 steps: the Generator's first power of beta1 is 0.5^26
        assert state["beta1_power"] == np.float32(0.5**26)


def test_weights_without_slots_start_the_optimisers_anew(tmp_path, caplog):
    config = CONFIGS["wavegan"]
    values = Trainer(config, TrainingConfig(seed=1)).values()
    kept = {k: v for k, v in values.items() if "Adam" not in k and "power" not in k}
    prefix = files.write_checkpoint(str(tmp_path), kept | {files.STEP: np.int64(2)}, 2)
    trainer = Trainer(config, TrainingConfig())
    trainer.restore(files.Checkpoint(prefix))
    assert "start anew" in caplog.text and trainer.step == 2
    assert not np.any(trainer.optimizers.generator.slots[0][0])


def test_converting_there_and_back_is_exact_to_the_byte(reference, tmp_path, run_script):
    source = reference / "checkpoints" / "ciwgan"
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    first = run_script(
        CONVERT, "--ckpt", source, "--model=ciwgan", "--to=native", "--out_dir", ours
    )
    assert first.returncode == 0, first.stderr
    second = run_script(CONVERT, "--ckpt", ours, "--to=original", "--out_dir", theirs)
    assert second.returncode == 0, second.stderr
    for name in ("model.ckpt-25.index", "model.ckpt-25.data-00000-of-00001", "checkpoint"):
        assert (theirs / name).read_bytes() == (source / name).read_bytes(), name
    before = original.read_args(source / "args.txt")
    after = original.read_args(theirs / "args.txt")
    assert {k: after[k] for k in before} == before
    assert set(after) - set(before) == {"model", "wavegan_stride"}
    assert open_checkpoint(ours).config == open_checkpoint(theirs).config  # no flag needed now


def test_a_generator_alone_is_handed_on_with_the_record_of_its_run_and_how_to_measure_it(
    reference, tmp_path, run_script
):
    source = reference / "checkpoints" / "ciwgan"
    whole, alone = tmp_path / "whole", tmp_path / "alone"
    run_script(CONVERT, "--ckpt", source, "--model=ciwgan", "--to=native", "--out_dir", whole)
    record = run.read_run_config(str(whole))
    run.write_run_config(str(whole), record | {"measuring": MEASURING})
    result = run_script(
        CONVERT, "--ckpt", whole, "--to=native", "--generator_only", "--out_dir", alone
    )
    assert result.returncode == 0, result.stderr
    assert (alone / "config.json").read_bytes() == (whole / "config.json").read_bytes()
    assert open_checkpoint(alone).measuring == MEASURING
    kept = {name for name, _ in tf.train.list_variables(str(alone))}
    assert {name.split("/")[0] for name in kept} == {"G", "global_step"}
    assert not any("Adam" in name for name in kept)
    opened, before = open_checkpoint(alone), open_checkpoint(whole)
    assert opened.step == before.step and opened.networks.discriminator is None
    z = sample_latents(opened.config, 2, seed=0)
    sounds = (x.networks.generator(z)["out"].numpy() for x in (opened, before))
    np.testing.assert_array_equal(*sounds)

    over = run_script(CONVERT, "--ckpt", alone, "--to=native", "--out_dir", alone, "--overwrite")
    assert_refused(over, f"--out_dir={alone}", "contains --ckpt itself")
    flags = (f"--num_categ={before.config.num_categ}", f"--wavegan_dim={before.config.dim}")
    init = (f"--init_ckpt={alone}", f"--train_dir={tmp_path / 'new'}")
    for place in ((f"--train_dir={alone}",), init):
        result = run_script("train.py", "--model=ciwgan", "--data_dir=none", *place, *flags)
        assert_refused(result, place[0], "only the Generator", "not to train")


def test_what_the_variables_leave_open_is_asked_for_or_said(tmp_path, caplog):
    write_weights(tmp_path / "long", CONFIGS["batchnorm"])
    for given in ({}, {"slice_len": 16384}):
        with pytest.raises(InputError, match=r"32768 or 65536.*--data_slice_len=32768"):
            open_checkpoint(tmp_path / "long", given)
    write_weights(tmp_path / "code", CONFIGS["fiwgan"])
    assert open_checkpoint(tmp_path / "code").config.model == "ciwgan"
    assert "--model=fiwgan" in caplog.text


def test_path_may_be_directory_prefix_or_file(reference):
    directory = reference / "checkpoints" / "wavegan"
    prefix = str(directory / "model.ckpt-25")
    for path in (directory, prefix, f"{prefix}.index", f"{prefix}.data-00000-of-00001"):
        assert files.find_prefix(path) == prefix


def test_directory_means_the_checkpoint_its_state_file_names(tmp_path):
    for step in (5, 30, 200):
        files.write_checkpoint(str(tmp_path), {"x": np.zeros(2)}, step)
    assert files.find_prefix(tmp_path).endswith("-200")
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-30"\n')
    assert files.find_prefix(tmp_path).endswith("-30")
    (tmp_path / "checkpoint").unlink()
    assert files.find_prefix(tmp_path).endswith("-200")


def test_only_the_newest_checkpoints_are_kept(tmp_path):
    for step in range(1, 6):
        files.write_checkpoint(str(tmp_path), {"x": np.full(2, step)}, step, keep=2)
    assert sorted(os.listdir(tmp_path)) == [
        "checkpoint",
        *(f"model.ckpt-{s}.{e}" for s in (4, 5) for e in ("data-00000-of-00001", "index")),
    ]
    state = (tmp_path / "checkpoint").read_text().splitlines()
    assert state[0] == 'model_checkpoint_path: "model.ckpt-5"'
    assert state[1:] == [f'all_model_checkpoint_paths: "model.ckpt-{s}"' for s in (4, 5)]
    assert tf.train.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-5")


@pytest.mark.parametrize(
    "name", ["run [1]", "run *", "a\\b", "r?n", "[", "ü 中.", "a\nb", "x" * 99]
)
def test_a_run_in_a_folder_of_any_name_is_read_and_turns_over_its_own_files_alone(tmp_path, name):
    neighbours = [tmp_path / "run 1", tmp_path / "run x", tmp_path / "ab", tmp_path / "run"]
    for folder in neighbours:  # what the names are patterns of
        files.write_checkpoint(str(folder), {"x": np.zeros(2)}, 1)
    own = tmp_path / name
    own.mkdir()
    (own / ".saving-killed").mkdir()
    for step in (1, 2, 3):
        prefix = files.write_checkpoint(str(own), {"x": np.full(2, step)}, step, keep=1)
        backup = run.back_up(prefix, hours=0)
    run.remove_remains(str(own))
    for checkpoint in (files.newest_whole(str(own)), files.Checkpoint(files.find_prefix(own))):
        np.testing.assert_array_equal(checkpoint.read("x"), [3, 3])
    np.testing.assert_array_equal(files.Checkpoint(backup).read("x"), [3, 3])
    kept = [
        "backups",
        "checkpoint",
        *(f"model.ckpt-3{suffix}" for suffix in sorted(files.SUFFIXES)),
    ]
    assert sorted(os.listdir(own)) == kept
    assert all(len(os.listdir(folder)) == 3 for folder in neighbours)


@pytest.mark.parametrize("name", ["m[1]-25", "m*-25", "a\\b-25"])
def test_a_prefix_of_any_name_is_read_wherever_temporary_files_are(
    reference, tmp_path, monkeypatch, name
):
    source = reference / "checkpoints" / "wavegan"
    for suffix in files.SUFFIXES:
        shutil.copy(source / f"model.ckpt-25{suffix}", tmp_path / f"{name}{suffix}")
    (tmp_path / "temporary [1]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary [1]"))
    read = files.Checkpoint(files.find_prefix(tmp_path / name))
    assert read.prefix == str(tmp_path / name)
    whole = files.Checkpoint(str(source / "model.ckpt-25"))
    assert read.shapes == whole.shapes
    for key in whole.shapes:
        np.testing.assert_array_equal(read.read(key), whole.read(key))


def test_what_was_edited_beside_a_checkpoint_is_read_in_another_encoding(tmp_path):
    def edit(name, text):
        (tmp_path / name).write_bytes(text.replace("\n", "\r\n").encode("utf-16"))

    for step in (5, 30):
        files.write_checkpoint(str(tmp_path), {"x": np.zeros(2)}, step)
    edit("checkpoint", 'model_checkpoint_path: "C:\\\\Müller\\\\model.ckpt-5"\n')
    assert files.find_prefix(tmp_path).endswith("-5")
    original.write_args(str(tmp_path), CONFIGS["ciwgan"], {"data_dir": "C:\\Müller"})
    edit("args.txt", (tmp_path / "args.txt").read_text(encoding="utf-8"))
    assert original.config_from_args(str(tmp_path / "args.txt"), {}) == CONFIGS["ciwgan"]
    assert original.training_args(str(tmp_path))["data_dir"] == "C:\\Müller"
    run.write_run_config(str(tmp_path), {"model": CONFIGS["ciwgan"], "flags": {}})
    edit("config.json", (tmp_path / "config.json").read_text().replace("{}", '{"data_dir": "ü"}'))
    assert run.read_run_config(str(tmp_path))["model"] == CONFIGS["ciwgan"]
    assert original.training_args(str(tmp_path)) == {"data_dir": "ü"}


@pytest.mark.parametrize("fail_at", range(3))
def test_a_save_cut_short_leaves_the_checkpoint_before(tmp_path, monkeypatch, fail_at):
    files.write_checkpoint(str(tmp_path), {"x": np.arange(3)}, 1, keep=1)
    replace, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == fail_at + 1:
            raise OSError(28, "No space left on device", target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(InputError, match="model.ckpt-2 not saved: No space"):
        files.write_checkpoint(str(tmp_path), {"x": np.zeros(3)}, 2, keep=1)
    monkeypatch.undo()
    np.testing.assert_array_equal(
        files.Checkpoint(files.find_prefix(tmp_path)).read("x"), np.arange(3)
    )


def test_a_path_that_is_no_checkpoint_is_refused(reference, tmp_path):
    source = reference / "checkpoints" / "wavegan"
    for copied, words in (
        ((), "there is no checkpoint"),
        (("model.ckpt-25.data-00000-of-00001",), "no checkpoint is in this directory"),
        (("model.ckpt-25.index",), "copy both"),
    ):
        path = tmp_path / str(len(words))
        for name in copied:
            path.mkdir()
            shutil.copy(source / name, path)
        with pytest.raises(InputError, match=f"--ckpt={path}: .*{words}"):
            open_checkpoint(path)


@pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
def test_a_truncated_checkpoint_is_refused(reference, tmp_path, suffix):
    path = tmp_path / "run"
    shutil.copytree(reference / "checkpoints" / "wavegan", path)
    os.truncate(path / f"model.ckpt-25.{suffix}", 100)
    with pytest.raises(InputError, match="truncated or damaged"):
        open_checkpoint(path)


def test_a_missing_variable_is_named_and_nothing_is_restored(tmp_path):
    prefix = write_weights(tmp_path, CONFIGS["wavegan"], drop=("D/downconv_2/conv1d/bias",))
    with pytest.raises(InputError, match="D/downconv_2/conv1d/bias is missing"):
        open_checkpoint(tmp_path)
    trainer = Trainer(CONFIGS["wavegan"], TrainingConfig(seed=1))
    before = trainer.values()
    with pytest.raises(InputError, match="D/downconv_2/conv1d/bias is missing"):
        trainer.restore(files.Checkpoint(prefix))
    assert all(np.array_equal(before[name], value) for name, value in trainer.values().items())


def test_a_variable_of_another_shape_is_named_and_no_model_is_refused(tmp_path):
    write_weights(tmp_path, CONFIGS["wavegan"])
    original.write_args(str(tmp_path), ModelConfig(dim=1, latent_dim=6, kernel_len=9), {})
    with pytest.raises(InputError, match=r"conv2d_transpose/kernel has shape \[1, 25.*\[1, 9"):
        open_checkpoint(tmp_path)
    files.write_checkpoint(str(tmp_path / "other"), {"dense/kernel": np.zeros([2, 2])}, 1)
    with pytest.raises(InputError, match="not those of a WaveGAN"):
        open_checkpoint(tmp_path / "other")


def test_a_flag_that_contradicts_the_files_is_refused(tmp_path):
    write_weights(tmp_path, CONFIGS["ciwgan"])
    for _ in range(2):  # the variables alone, then args.txt
        with pytest.raises(InputError, match="--num_categ=5.*says 3"):
            open_checkpoint(tmp_path, {"num_categ": 5})
        original.write_args(str(tmp_path), CONFIGS["ciwgan"], {})
    run.write_run_config(str(tmp_path), {"model": CONFIGS["ciwgan"]})
    with pytest.raises(InputError, match="--model=fiwgan.*says ciwgan"):
        open_checkpoint(tmp_path, {"model": "fiwgan"})


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "no 'model'"), ('{"model": {"dim": 0}}', "--wavegan_dim=0")],
)
def test_a_damaged_run_config_is_refused(tmp_path, text, words):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(InputError, match=words):
        run.read_run_config(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wavegan_dim", "not of the form name,value"),
        ("wavegan_dim,big", "not of the type int"),
        ("wavegan_batchnorm,1", "not of the type bool"),
    ],
)
def test_a_damaged_args_file_is_refused(tmp_path, line, words):
    (tmp_path / "args.txt").write_text(f"data_slice_len,16384\n{line}\n")
    with pytest.raises(InputError, match=words):
        original.config_from_args(str(tmp_path / "args.txt"), {})
