"""The demo model: small, trained by its recipe, and as measured.csv says."""

import json

import conftest
import numpy as np
import run_recipes

from wavegan_tf import demo
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.model import load
from wavegan_tf.output.files import read_table
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.settings import IntervalSettings

INTERPOLATE = str(conftest.ROOT / "interpolate.py")


def test_the_model_says_how_it_was_trained_and_its_recipe_agrees():
    opened = open_checkpoint(demo.CHECKPOINT)
    assert opened.origin == "config.json"
    lines = (demo.CHECKPOINT / "metrics.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["step"] == opened.step
    record = json.loads((demo.CHECKPOINT / "config.json").read_text())
    last = record["resumed"][-1]["flags"]
    recipe = run_recipes.flags_of("small_ciwgan_reduplication")
    # Flags of yes or no are named alone.
    assert {name: str(last[name]) for name in recipe} == {
        name: value or "True" for name, value in recipe.items()
    }


def test_outputs_are_as_measured():
    model = load()
    audio = model.activations(model.sample(40, seed=1))["out"][..., 0]
    settings = IntervalSettings(voicing_floor_hz=75, voicing_ceiling_hz=450)
    found = [find_intervals(sound, model.config.sample_rate, settings) for sound in audio]
    share = np.mean([any(x.label == "voiced" for x in intervals) for intervals in found])
    measured = read_table(demo.CHECKPOINT / "measured.csv").set_index("quantity")["model"]
    stated = measured["share with voiced"]
    # Four standard errors of a share of 40.
    assert abs(share - stated) <= 4 * np.sqrt(max(stated * (1 - stated), 0.01) / 40)
    rms_db = 20 * np.log10(np.std(audio, axis=1))
    assert measured["RMS (dB) 5%"] <= np.median(rms_db) <= measured["RMS (dB) 95%"]


def test_codes_are_those_of_reduplicated_and_bare_words():
    # A word is one stretch of voice with gaps up to 150 ms; the recipe's criterion.
    model = load()
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
