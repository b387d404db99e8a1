"""Feature maps followed over outputs, and the tool from end to end."""

import csv
import math

import numpy as np
import planted
import pytest
import tensorflow as tf
from conftest import SHORT_WINDOWS, assert_refused
from scipy.spatial.distance import cosine

from wavegan_tf.analysis.annotation import AnnotationSettings, annotate
from wavegan_tf.errors import InputError
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.probing import mapping
from wavegan_tf.sweeps import grid_latents, parse_sweep

BASES, LAYER = 5, "conv3"
TABLES = (
    "latents.csv", "steps.csv", "annotation.csv", "clusters.csv", "agreement.csv", "maps.csv",
    "distances.csv", "selectivity.csv", "profiles.npz", "first_output.npz",
)  # fmt: skip


def plain(outputs, total):
    """Stands for the progress bar."""
    return outputs


@pytest.fixture(scope="module")
def followed():
    """Planted outputs: noise at z3 = 3, in some at 0.5, at -3 in none; what was followed."""
    opened = planted.opened(("z3",))
    layer = mapping.choose_layer(LAYER, opened.config)
    sweep = parse_sweep("z3=-3,0.5,3", opened.config)
    bases = sample_latents(opened.config, BASES, 0)
    latents = grid_latents(bases, {}, [sweep], opened.config)
    settings = AnnotationSettings()
    activity = mapping.follow_maps(opened, layer, latents, 3, settings, 1, plain)
    outputs = opened.networks.generator(tf.constant(latents))
    maps = outputs[LAYER].numpy().reshape(BASES, 3, layer.length, layer.channels)
    sounds = outputs["out"].numpy()[:, :, 0]
    return layer, activity, maps, sounds


def test_profiles_and_means_are_averages_over_the_outputs(followed):
    layer, activity, maps, _ = followed
    expected = maps.mean(axis=0).transpose(0, 2, 1)
    np.testing.assert_allclose(activity.profiles, expected, atol=1e-4)
    even, odd = (maps[k::2].mean(axis=0).transpose(0, 2, 1) for k in (0, 1))
    np.testing.assert_allclose(activity.halves, [even, odd], atol=1e-4)
    np.testing.assert_allclose(activity.means, maps.mean(axis=2), atol=1e-4)
    np.testing.assert_allclose(activity.peaks, maps.max(axis=(0, 1, 2)), rtol=1e-3)
    np.testing.assert_allclose(activity.first_maps, maps[0].transpose(0, 2, 1), atol=1e-4)
    assert activity.first_out.shape == (3, 16384)


def test_distances_are_those_of_each_output_from_its_own_base_vectors_first(followed):
    layer, activity, maps, _ = followed
    assert activity.distances.shape == (BASES, 2, layer.channels)
    for base, step, i in ((0, 0, 0), (3, 1, 1), (4, 1, 0)):
        expected = cosine(maps[base, step + 1, :, i], maps[base, 0, :, i])
        assert activity.distances[base, step, i] == pytest.approx(expected, abs=1e-4)


def test_firing_is_compared_with_own_intervals_and_with_the_last_earlier_ones_of_the_label(
    followed,
):
    layer, activity, maps, sounds = followed
    times_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
    indices, shuffled = np.full((2, BASES, 3, layer.channels), np.nan)
    found = [annotate(sound, 16000, AnnotationSettings()) for sound in sounds]
    noisy = [[x for x in intervals if x.label == "frication"] for intervals in found]
    for base in range(BASES):
        for value in range(3):
            before = [noisy[3 * k + value] for k in range(base) if noisy[3 * k + value]]
            own, other = noisy[3 * base + value], before[-1] if before else []
            for here, table in ((own, indices), (other, shuffled)):
                if not here:
                    continue
                inside = np.any([(times_s >= x[1]) & (times_s < x[2]) for x in here], axis=0)
                means = [maps[base, value, side].mean(axis=0) for side in (inside, ~inside)]
                table[base, value] = (means[0] - means[1]) / (means[0] + means[1])
    assert 0 < np.isfinite(indices[:-1, 1, 0]).sum() < BASES - 1  # so that some are passed over
    assert np.isfinite(indices[:, 2]).all() and np.isnan(indices[:, 0]).all()
    expected = np.nanmean(indices, axis=1)
    np.testing.assert_allclose(activity.firing.index[:, 1], expected, rtol=1e-3)
    np.testing.assert_allclose(
        activity.shuffled[1:, 1], np.nanmean(shuffled[1:], axis=1), rtol=1e-4
    )
    assert np.isnan(activity.shuffled[0]).all()
    np.testing.assert_array_equal(activity.n_outputs[1], np.isfinite(indices).sum(axis=(0, 1)))
    assert activity.intervals == found and not any(activity.problems)


def test_activations_that_are_not_finite_are_refused():
    opened = planted.opened(("z3",))
    layer = mapping.choose_layer("conv4", opened.config)
    latents = np.zeros((2, 100), np.float32)
    latents[1, 1] = np.nan
    with pytest.raises(InputError, match=r"output 1: conv4.*NaN or infinite.*--vary"):
        mapping.follow_maps(opened, layer, latents, 2, AnnotationSettings(), 1, plain)


@pytest.mark.parametrize("name", ["out", "conv5", "Conv4"])
def test_a_layer_without_feature_maps_is_refused(name):
    with pytest.raises(InputError, match=f"--layer={name}: .*conv1, conv2, conv3, conv4"):
        mapping.choose_layer(name, ModelConfig(dim=1))


def tool(run_script, reference, out_dir, *args):
    return run_script(
        "-m wavegan_tf.tools.feature_maps",
        f"--ckpt={reference / 'checkpoints' / 'ciwgan'}", "--model=ciwgan", f"--out_dir={out_dir}",
        "--cluster_seeds=2", *args,
    )  # fmt: skip


def test_the_tool_writes_tables_and_figures_the_same_with_any_number_of_processes(
    run_script, reference, tmp_path
):
    args = ("--layer=conv3", "--vary=z1=-15,15", "--n=5", "--rbf_gamma=auto", SHORT_WINDOWS[0])
    first = tool(run_script, reference, tmp_path / "a", *args, "--jobs=1", "--num_stable=2")
    assert first.returncode == 0, first.stderr
    assert "adjusted Rand index over 2 seeds" in first.stdout and "dead" in first.stdout
    second = tool(run_script, reference, tmp_path / "b", *args, "--jobs=2", "--nofigures")
    assert second.returncode == 0, second.stderr
    for name in TABLES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    figures = sorted(path.stem for path in (tmp_path / "a" / "figures").glob("*.png"))
    assert figures == ["changes", "first_output", "profiles", "selectivity", "stable"]
    assert not (tmp_path / "b" / "figures").exists()
    with open(tmp_path / "a" / "maps.csv", newline="") as file:
        maps = list(csv.DictReader(file))
    arrays = np.load(tmp_path / "a" / "profiles.npz")
    assert [int(row["map"]) for row in maps] == list(range(1, arrays["extremes"].shape[0] + 1))
    np.testing.assert_allclose(arrays["extremes"], arrays["profiles"].mean(axis=0))
    for row, profile in zip(maps, arrays["extremes"], strict=True):
        assert math.isclose(float(row["mean"]), profile.mean())
        assert (row["cluster"] == "0") == (row["dead"] == "1") == (profile.max() == 0)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--vary=z1=-15,15", "--layer=conv3", "--clusters=4"), ("--clusters=4", "conv3", "2 ..")),
        (("--vary=z1=-15,15", "--n=4"), ("--n=4", "at least 5")),
        ((), ("--vary: say what varies, for example --vary=z11=-15,15",)),
        (("--vary=z1=-15:15:0.01",), ("500 x 3001 = 1500500 outputs, over 100000",)),
        (("--vary=z500=1,2", "--layer=conv3", "--clusters=4"), ("latent 'z500'",)),
    ],
)
def test_the_tool_refuses_what_cannot_be_before_it_runs(
    run_script, reference, tmp_path, args, words
):
    result = tool(run_script, reference, tmp_path / "out", *args)
    assert_refused(result, *words)
    assert not (tmp_path / "out").exists()
