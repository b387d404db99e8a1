"""Running networks output by output: order, batches, shards, controls, what is kept."""

import dataclasses
import logging

import numpy as np
import pandas as pd
import pytest

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import (
    Measuring,
    annotated,
    complaints,
    listen,
    make_network,
)
from wavegan_tf.latents import plain, sample_latents
from wavegan_tf.model import load
from wavegan_tf.models.networks import build_networks
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.speech.textgrids import save_intervals

FAST = Measuring(
    praat=PraatSettings(f0_floor_hz=200, hnr_min_pitch_hz=200, n_points=3),
    intervals=IntervalSettings(voicing_floor_hz=200),
    jobs=1,
)


@pytest.fixture(scope="module")
def model(reference):
    return load(reference / "checkpoints" / "ciwgan", model="ciwgan")


def heard(model, n, **options):
    return listen(model, plain(model.sample(n)), FAST, layers="conv4", **options)


def test_an_output_depends_neither_on_its_neighbours_nor_on_the_shard(model):
    whole = heard(model, 18, keep_series=True, measures=("duration", "intensity"))
    part = heard(model, 18, keep_series=True, measures=("duration", "intensity"), span=(15, 18))
    for name, series in whole.arrays["series"].items():
        np.testing.assert_array_equal(part.arrays["series"][name], series[15:])
    rows = whole.tables["points"]
    rows = rows[rows["output"] >= 15].reset_index(drop=True).astype(str)
    assert rows.equals(part.tables["points"].astype(str))
    assert part.tables["latents"]["output"].tolist() == [15, 16, 17]


def test_series_are_the_average_of_the_layer_times_one_factor_for_the_run(model):
    found = heard(model, 2, keep_series=True, measures=("duration",))
    series, activations = found.arrays["series"], model.activations(model.sample(2))
    mean = activations["conv4"].astype(np.float64).mean(axis=2)
    scale = found.settings["scales"]["conv4"]
    np.testing.assert_allclose(series["conv4"], scale * mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(series["out"], activations["out"][:, :, 0])
    ordinary = model.activations(sample_latents(model.config, 16, 2_000_000))["conv4"]
    assert scale * ordinary.mean(axis=2).max() == pytest.approx(0.5, rel=1e-5)
    clipped = listen(
        model, plain(model.sample(2)), dataclasses.replace(FAST, clip=True), layers="conv4",
        keep_series=True, measures=("duration",),
    )  # fmt: skip
    np.testing.assert_allclose(clipped.arrays["series"]["conv4"], mean, rtol=1e-6, atol=1e-7)
    assert clipped.settings["scales"] == {}


def test_nothing_rests_on_the_scale_of_a_layer(model, reference):
    """ReLU is homogeneous: all inner layers 16 times as large, and the audio the same."""
    other = load(reference / "checkpoints" / "ciwgan", model="ciwgan")
    *inner, last_kernel, _ = other.generator.weights  # of the audio the bias stays
    for weight in inner:
        if weight.path.endswith("bias") or "z_project" in weight.path:
            weight.assign(16 * weight.numpy())
    last_kernel.assign(last_kernel.numpy() / 16)
    results = [
        listen(x, plain(x.sample(3)), FAST, layers="all", keep_series=True) for x in (model, other)
    ]
    one, two = (x.tables["points"] for x in results)
    pd.testing.assert_frame_equal(one, two)
    np.testing.assert_array_equal(*(x.arrays["series"]["conv2"] for x in results))
    scales = [x.settings["scales"]["conv2"] for x in results]
    assert scales[0] == 16 * scales[1]


def test_series_on_disk_are_those_in_memory(model, tmp_path):
    kept = heard(model, 3, keep_series=True, measures=("duration",))
    found = heard(
        model, 3, keep_series=True, measures=("duration",), directory=str(tmp_path), num_maps=2
    )
    for name, series in kept.arrays["series"].items():
        np.testing.assert_array_equal(found.arrays["series"][name], series)
    assert found.arrays["maps"]["conv4"].shape == (2, 4096, model.config.dim)
    names = {path.name for path in (tmp_path / "audio").iterdir()}
    assert {"0000_out.wav", "0002_conv4.wav", "0000_out.TextGrid"} <= names


def test_controls_are_networks_of_random_weights_on_the_same_vectors(model):
    network = make_network(model, plain(model.sample(1)), FAST, layers="conv1", control=2)
    z = model.sample(16)
    other = build_networks(model.config, 1_000_002, letters="G").generator(z)
    np.testing.assert_allclose(network.run(z)["conv1"], other["conv1"].numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": "conv9"}, "no layer 'conv9'; there are fc, conv1, conv2, conv3, conv4, out"),
        ({"annotations": "nowhere"}, "--annotations=nowhere: there is no such folder"),
    ],
)
def test_what_is_not_there_is_refused(model, changes, words):
    with pytest.raises(InputError, match=words):
        listen(model, plain(model.sample(1)), dataclasses.replace(FAST, **changes))


def test_annotations_of_some_outputs_replace_theirs_and_the_log_says_which(model, tmp_path, caplog):
    caplog.set_level(logging.INFO, "wavegan_tf")
    save_intervals(tmp_path / "0001_out.TextGrid", [Interval("voiced", 0.4, 0.5)], 1.024)
    options = dataclasses.replace(FAST, annotations=str(tmp_path))
    found, alone = (
        listen(model, plain(model.sample(3)), x, layers="conv4", measures=("duration",))
        for x in (options, FAST)
    )
    spans = [x.tables["intervals"].groupby("output")["start_s"].unique() for x in (found, alone)]
    assert spans[0].loc[1].tolist() == [0.4]
    for i in (0, 2):
        assert spans[0].get(i, np.zeros(0)).tolist() == spans[1].get(i, np.zeros(0)).tolist()
    said = "1 of 3 outputs have intervals from --annotations (1), the others found ones."
    assert caplog.messages == [said] == [annotated(found.tables["outputs"])]
    assert annotated(alone.tables["outputs"]) == ""


def test_a_folder_of_annotations_of_no_output_is_refused(model, tmp_path):
    save_intervals(tmp_path / "0003_out.TextGrid", [Interval("voiced", 0.4, 0.5)], 1.024)
    options = dataclasses.replace(FAST, annotations=str(tmp_path))
    with pytest.raises(InputError, match="has no TextGrid for any output.* such as 0000_out.Text"):
        listen(model, plain(model.sample(3)), options, layers="conv4")


def test_a_run_without_voice_complains(model):
    outputs = heard(model, 2, measures=("duration",)).tables["outputs"]
    outputs = outputs.assign(n_voiced=0, measured=[True, False])
    first, second = complaints(outputs)
    assert first.startswith("1 of 2 outputs were not measured") and "voiced" in second
