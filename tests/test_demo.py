"""The demo models: small, trained by their recipes, and as their cards say."""

import json
import re
from pathlib import Path

import conftest
import numpy as np
import pytest
import run_recipes

from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.demo import DEMOS, find
from wavegan_tf.errors import InputError
from wavegan_tf.experiments import controls, evaluate, probe
from wavegan_tf.experiments.listen import Heard, make_network, make_plan
from wavegan_tf.model import load
from wavegan_tf.options import build
from wavegan_tf.output import text
from wavegan_tf.output.files import read_table
from wavegan_tf.speech.averages import MEAN
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.settings import IntervalSettings
from wavegan_tf.speech.spectra import has_high_stretch, high_frames

RECIPES = {
    "demo:digits": "small_ciwgan_digits",
    "demo:stv": "small_wavegan_stv",
    "demo:reduplication": "small_ciwgan_reduplication",
}


def test_every_demo_has_a_recipe_and_they_are_small_together():
    assert set(RECIPES) == set(DEMOS)
    files = [path for name in DEMOS for path in Path(find(name)).iterdir()]
    assert sum(path.stat().st_size for path in files) < 25e6


@pytest.mark.parametrize("name", DEMOS)
def test_the_model_says_how_it_was_trained_and_its_recipe_agrees(name):
    opened = open_checkpoint(name)
    record = json.loads((Path(find(name)) / "config.json").read_text())
    stages = [x["flags"] for x in (record, *record["resumed"])]
    ends = [flags["train_steps"] for flags in stages]
    assert [x["step"] for x in record["resumed"]] == ends[:-1]
    assert opened.origin == "config.json" and opened.step == ends[-1]
    # One stage is the recipe; flags of yes or no are named alone.
    recipe = run_recipes.flags_of(RECIPES[name]).items()
    stated = {flag: value or "True" for flag, value in recipe}
    assert stated in [{flag: str(stage[flag]) for flag in stated} for stage in stages]


@pytest.mark.parametrize("name", DEMOS)
def test_outputs_are_as_its_card_says(name):
    folder, model = Path(find(name)), load(name)
    stated = read_table(folder / "evaluation.csv")
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert text.table(evaluate.front_table(stated)) in card
    for heading in ("Data", "Licence", "Training", "Measured", "What it cannot do"):
        assert f"\n## {heading}\n" in card
    settings = IntervalSettings(**model.settings.get("intervals", {}))
    rate_hz, least_s = model.config.sample_rate, settings.min_frication_s
    audio = model.activations(model.sample(40, seed=1))["out"][..., 0]
    found: dict[str, list[bool]] = {"With voice": [], "With [s]": []}
    for sound in audio:
        intervals = find_intervals(sound, rate_hz, settings)
        found["With voice"].append(any(x.label == "voiced" for x in intervals))
        hiss = [(x.start_s, x.end_s) for x in intervals if x.label == "frication"]
        high = high_frames(sound, rate_hz, 4500, settings.frication_share)
        found["With [s]"].append(has_high_stretch(high, hiss, least_s))
    for quantity, heard in found.items():
        share = stated.set_index("quantity").loc[quantity, "estimate"]
        # Four standard errors of a share of 40.
        limit = 4 * np.sqrt(max(share * (1 - share), 0.01) / 40)
        assert abs(np.mean(heard) - share) <= limit, quantity


def test_codes_are_those_of_reduplicated_and_bare_words():
    # A word is one stretch of voice with gaps up to 150 ms; the recipe's criterion.
    model = load("demo:reduplication")
    settings = IntervalSettings(**model.settings["intervals"])
    assert settings.max_gap_s == 0.15
    shares = []
    for code in model.settings["interpolate"].values():
        audio = model.activations(model.sample(20, seed=5, set=code))["out"][..., 0]
        words = [find_intervals(sound, model.config.sample_rate, settings) for sound in audio]
        longest_s = [
            max((x.end_s - x.start_s for x in word if x.label == "voiced"), default=0)
            for word in words
        ]
        shares.append(np.mean(np.array(longest_s) > 0.42))
    assert shares[0] > 0.8 and shares[1] < 0.3


@pytest.mark.parametrize("name", DEMOS)
def test_its_random_networks_come_measured(name, monkeypatch, tmp_path):
    monkeypatch.setenv("WAVEGAN_TF_CACHE", str(tmp_path))  # an empty one
    model = load(name)
    options = build(probe.Options, {}, model.settings)
    inputs = probe.choose_inputs(options, model.config)
    network = make_network(model, inputs, options)
    plan = make_plan(model, network.layers, network.target, options)
    heard = Heard({}, {}, plan, {"network": "generator"})
    given = model, inputs, options, heard, MEAN

    def not_called(*_):
        raise AssertionError("measured anew")

    with monkeypatch.context() as patch:
        patch.setattr(controls, "measure_outputs", not_called)
        found = controls.measure_controls(*given, 20, 100)
    assert sorted(found["network"].unique()) == list(range(1, 21))
    if name != DEMOS[0]:  # one of them is measured anew
        return
    monkeypatch.setattr(controls, "VERSION", -1)  # what comes with it is not read
    keys = ["label", "measure", "layer"]
    anew = controls.measure_controls(*given, 1, 100).set_index(keys)["pearson"].dropna()
    kept = found[found["network"] == 1].set_index(keys)["pearson"].dropna()
    np.testing.assert_allclose(anew, kept.reindex(anew.index), atol=0.02)


def test_the_readme_says_what_probe_prints_and_finds_of_it():
    model = load()
    result = probe.run(model, build(probe.Options, {"jobs": 2}, model.settings))
    readme = (conftest.ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("(here shortened):\n\n```\n")[1].split("```")[0]
    screen, said = block.split("\n\n")
    lines = result.terminal().splitlines()
    assert set(screen.splitlines()) <= set(lines)
    assert any(line.startswith(said.replace("\n", " ").strip(" .")) for line in lines)
    found = result.tables["correlations"].query("statistic == 'pearson' and label == 'voiced'")
    intensity = found[found["layer"] == "conv4"].set_index("measure").loc["intensity"]
    its, theirs = (f"{intensity[name]:.2f}" for name in ("estimate", "random"))
    assert f"At Conv4 its r is {its}, in untrained networks {theirs}" in readme.replace("\n", " ")
    paper = (conftest.ROOT / "docs" / "paper.md").read_text(encoding="utf-8")
    told = re.split("stand\\s+above chance", readme)[1].split("In Python")[0]
    [first] = {*re.findall(r"\bz\d+", told)}
    assert {first} == {*re.findall(r"interpolate --ckpt=demo:stv --vary=(z\d+)", paper)}
    assert "Control: 0 of 7 other variables may change it as much" in paper
    shares = re.search(rf"share with \[s\] under {first} .*", paper)[0]
    for value, share in (("−15", "100 %"), ("0", "25 %"), ("15", "0 %")):
        assert f" {value}: {share} [" in shares


def test_a_demo_is_opened_by_its_name_and_another_is_refused():
    assert load().file.prefix == load(DEMOS[0]).file.prefix
    with pytest.raises(InputError, match="demo:nine.*there are demo:"):
        load("demo:nine")
