"""Feature maps followed over outputs of a planted generator; runs, their words and figures."""

import numpy as np
import pandas as pd
import planted
import pytest
from scipy.spatial.distance import cosine

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.feature_maps import Options, choose_layer, follow, run
from wavegan_tf.experiments.result import load_run
from wavegan_tf.latents import Condition, cross, sample_latents
from wavegan_tf.model import Model, load
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.settings import IntervalSettings

BASES, VALUES, LAYER = 5, (-3, 0.5, 3), "conv3"
FIGURES = ["profiles", "first_output", "changes", "stable", "selectivity"]


@pytest.fixture(scope="module")
def followed():
    """Planted outputs: noise at z3 = 3, in some at 0.5, at -3 in none; what was followed."""
    model = Model(planted.opened(("z3",)))
    layer = choose_layer(LAYER, model.config)
    conditions = [Condition(f"z3={x}", {"z3": x}) for x in VALUES]
    design = cross(sample_latents(model.config, BASES, 0), conditions, model.config)
    activity = follow(model, layer, design, 3, Options(jobs=1))
    outputs = model.activations(design.z)
    maps = outputs[LAYER].reshape(BASES, 3, layer.length, layer.channels)
    return layer, activity, maps, outputs["out"][:, :, 0]


def test_profiles_means_and_distances_are_those_of_the_outputs(followed):
    layer, activity, maps, _ = followed
    even, odd = (maps[k::2].sum(axis=0).transpose(0, 2, 1) for k in (0, 1))
    np.testing.assert_allclose(activity.halves, [even, odd], atol=1e-4)
    np.testing.assert_allclose(activity.means, maps.mean(axis=2), atol=1e-4)
    first, out = map(np.stack, zip(*activity.first, strict=True))
    np.testing.assert_allclose(first, maps[0].transpose(0, 2, 1), atol=1e-4)
    assert out.shape == (3, 16384, 1)
    for base, step, i in ((0, 1, 0), (3, 2, 1), (4, 2, 0)):
        expected = cosine(maps[base, step, :, i], maps[base, 0, :, i])
        assert activity.distances[base, step, i] == pytest.approx(expected, abs=1e-4)


def test_firing_is_compared_with_own_intervals_and_with_the_last_earlier_ones_of_the_label(
    followed,
):
    layer, activity, maps, sounds = followed
    times_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
    indices, shuffled = np.full((2, BASES, 3, layer.channels), np.nan)
    found = [find_intervals(sound, 16000, IntervalSettings()) for sound in sounds]
    noisy = [[x for x in intervals if x.label == "frication"] for intervals in found]
    for base in range(BASES):
        for value in range(3):
            before = [noisy[3 * k + value] for k in range(base) if noisy[3 * k + value]]
            own, other = noisy[3 * base + value], before[-1] if before else []
            for here, table in ((own, indices), (other, shuffled)):
                if here:
                    inside = [(times_s >= x[1]) & (times_s < x[2]) for x in here]
                    inside = np.any(inside, axis=0)
                    a, b = (maps[base, value, side].mean(axis=0) for side in (inside, ~inside))
                    table[base, value] = (a - b) / (a + b)
    assert 0 < np.isfinite(indices[:-1, 1, 0]).sum() < BASES - 1  # so that some are passed over
    assert np.isfinite(indices[:, 2]).all() and np.isnan(indices[:, 0]).all()
    with np.errstate(invalid="ignore"):
        _, _, index, other = (activity.sums / activity.counts)[:, :, 1]
    np.testing.assert_allclose(index, np.nanmean(indices, axis=1), rtol=1e-3)
    np.testing.assert_allclose(other[1:], np.nanmean(shuffled[1:], axis=1), rtol=1e-4)
    assert np.isnan(other[0]).all()
    counts = activity.counts[2, :, 1].sum(axis=0)
    np.testing.assert_array_equal(counts, np.isfinite(indices).sum(axis=(0, 1)))
    assert activity.intervals == found and not any(activity.problems)


def test_activations_that_are_not_finite_are_refused():
    model = Model(planted.opened(("z3",)))
    design = cross(np.zeros((1, 100), np.float32), [Condition("", {})] * 2, model.config)
    design.z[1, 1] = np.nan
    with pytest.raises(InputError, match=r"output 1: conv4.*NaN or infinite.*--vary"):
        follow(model, model.config.layers[3], design, 2, Options(jobs=1))


@pytest.fixture(scope="module")
def model(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vary": "z1=-15,15", "clusters": 4}, "--clusters=4: conv3.*2 .."),
        ({}, "--vary=: expected NAME=VALUE, for example z11=-15"),
        ({"vary": "z1=-15:15:0.01"}, "500 x 3001 = 1500500 outputs, over 100000"),
        (
            {"vary": "z1=-15,15", "layer": "out"},
            "--layer=out: this is not a layer of .*conv1, conv2, conv3, ",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(model, options, words):
    with pytest.raises(InputError, match=words):
        run(model, Options(**{"layer": LAYER, **options}))


@pytest.fixture(scope="module")
def results(model):
    """The same run with one process and with two."""
    given = {"layer": LAYER, "vary": "z1=-15,15", "n": 5, "rbf_gamma": "auto"}
    given["intervals"] = IntervalSettings(voicing_floor_hz=200)
    return [run(model, Options(jobs=jobs, **given)) for jobs in (1, 2)]


def test_results_do_not_depend_on_the_number_of_processes(results):
    first, second = results
    assert list(first.tables) == list(second.tables)
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])


def test_the_scale_of_the_layer_changes_nothing_at_all(reference, results):
    scaled = load(reference / "checkpoints" / "ciwgan", model="ciwgan")
    *_, before, conv3, after, _ = scaled.generator.blocks
    assert (conv3.name, after.name) == ("upconv_2", "upconv_3")
    for x in conv3.trainable_variables:
        x.assign(x * 16)
    after.trainable_variables[0].assign(after.trainable_variables[0] / 16)
    intervals = IntervalSettings(voicing_floor_hz=200)
    given = {"layer": LAYER, "vary": "z1=-15,15", "n": 5, "rbf_gamma": "auto", "jobs": 1}
    other = run(scaled, Options(**given, intervals=intervals))
    for name, table in results[0].tables.items():
        pd.testing.assert_frame_equal(table, other.tables[name], check_exact=True)
    assert other.settings["scale"] == results[0].settings["scale"] / 16
    assert other.summary() == results[0].summary()


def test_profiles_of_a_run_are_those_of_its_table(results):
    maps, arrays = results[0].table("maps"), results[0].arrays["profiles"]
    np.testing.assert_allclose(arrays["extremes"], arrays["profiles"].mean(axis=0))
    assert list(maps["map"]) == [1, 2, 3, 4]
    np.testing.assert_allclose(maps["mean"], arrays["extremes"].mean(axis=1))
    silent = arrays["extremes"].max(axis=1) == 0
    assert list(maps["dead"]) == list(maps["cluster"] == 0) == list(silent)
    design = results[0].table("design")
    assert list(design["value"]) == 5 * [-15, 15]
    assert list(design["base"]) == [i // 2 for i in range(10)]


def test_a_saved_run_says_and_draws_the_same(results, tmp_path, drawn):
    results[0].save(tmp_path, page=False)
    again = load_run(tmp_path)
    assert again.terminal() == results[0].terminal()
    assert "Adjusted Rand index over 20 seeds" in again.summary()
    assert list(drawn) == again.figures == FIGURES


def test_figures_show_what_the_tables_hold(results):
    result = results[0]
    maps, arrays = result.table("maps"), result.arrays["first_output"]
    for k, column in ((0, 0), (-1, 1)):
        lines = [axis.lines[0] for axis in result.figure("first_output").axes[column::2]]
        np.testing.assert_array_equal(lines[0].get_ydata(), arrays["out"][k, :, 0])
        np.testing.assert_array_equal(lines[1].get_ydata(), arrays["clusters"][k, 0])
    known = maps.dropna(subset="distance").sort_values("distance")
    [axis] = result.figure("changes").axes
    assert [x.get_text() for x in axis.get_xticklabels()] == [f"{x}" for x in known["map"]]
