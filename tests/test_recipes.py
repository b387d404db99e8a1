"""Recipes: what they say of the published runs, and that they run."""

import functools

import pytest
from run_recipes import CHAINS, RECIPES, command_of, flags_of, lay_desk, run_chain

from wavegan_tf.models.config import ModelConfig

NAMES = sorted(path.stem for path in RECIPES.glob("*.flags"))
PUBLISHED = {  # steps and codes: paper.md's companions; layers of the Generator beside z and output
    "train_wavegan_timit": (12255, 0, 4),
    "train_wavegan_librispeech": (34577, 0, 9),
    "train_ciwgan_reduplication": (15920, 2, 4),
    "train_ciwgan_timit5": (19244, 5, 4),
    "train_ciwgan_timit10": (27103, 10, 4),
    "train_fiwgan_timit8": (20026, 3, 4),
}


def test_every_recipe_is_run_by_a_chain():
    used = {*CHAINS, *(name for _, analyses in CHAINS.values() for name in analyses)}
    assert used == set(NAMES)


@pytest.fixture(scope="module")
def helps(run_script):
    """What each command says of its flags, by the command."""
    commands = {command_of(name) for name in NAMES}
    return {name: run_script(name, "--helpfull").stdout.split() for name in commands}


@pytest.mark.parametrize("name", NAMES)
def test_every_flag_of_a_recipe_is_one_of_its_command(name, helps):
    for flag in flags_of(name):
        assert {f"--{flag}", f"--[no]{flag.removeprefix('no')}"} & {*helps[command_of(name)]}, flag


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_runs_have_their_steps_codes_and_layers(name):
    flags = flags_of(name)
    steps, num_categ, num_layers = PUBLISHED[name]
    config = ModelConfig(
        model=flags["model"],
        dim=int(flags["wavegan_dim"]),
        stride=int(flags.get("wavegan_stride", 4)),
        num_categ=int(flags.get("num_categ", 0)),
    )
    names = [layer.name for layer in config.layers if layer.name.startswith("conv")]
    assert (int(flags["train_steps"]), config.num_categ, len(names)) == (
        steps, num_categ, num_layers,
    )  # fmt: skip
    assert (config.dim, int(flags["train_batch_size"]), config.slice_len) == (64, 64, 16384)
    assert "data_first_slice" in flags


def test_a_recipe_runs_from_corpus_to_figures(run_script, tmp_path):
    lay_desk(tmp_path)
    run = functools.partial(run_script, cwd=tmp_path)
    run_chain("small_ciwgan_reduplication", run, tmp_path)
