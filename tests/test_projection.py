"""The projection: as a layer, its weights as maps, with few channels, and without it."""

import re

import numpy as np
import pandas as pd
import planted_projection as planted
import pytest
import scipy.stats
from conftest import said
from test_intervene import model_of

from wavegan_tf.checkpoints import files, names, original, port, run
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.errors import InputError
from wavegan_tf.experiments import projection
from wavegan_tf.experiments.feature_maps import choose_layer
from wavegan_tf.experiments.listen import Measuring, choose_layers, make_network, take_outputs
from wavegan_tf.experiments.projection import Options, resample_maps
from wavegan_tf.latents import latent_sds, plain, sample_latents
from wavegan_tf.models.config import PORT_KERNEL_LEN, ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.models.weights import outgoing_weights
from wavegan_tf.options import build
from wavegan_tf.speech.settings import PraatSettings, layer_limits
from wavegan_tf.stats import projection as stats
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

SETTINGS = StatisticsSettings()
FEW = {"dim": 2, "fc_channels": 8, "latent_dim": 5}
PORT = ModelConfig(layout="pytorch", kernel_len=PORT_KERNEL_LEN, **FEW)


def test_fc_is_a_layer_of_16_samples_that_is_named_and_not_among_all():
    fc, layers = ModelConfig().fc, ModelConfig().every_layer
    assert (fc.name, fc.length, fc.channels, fc.rate_hz) == ("fc", 16, 1024, 15.625)
    assert [x.name for x in choose_layers("fc,conv1", layers, "out")] == ["fc", "conv1", "out"]
    assert choose_layers("all", layers, "out") == ModelConfig().layers
    assert choose_layer("fc", ModelConfig()) == fc
    reason = layer_limits(fc.rate_hz, PraatSettings()).forbidden["f0"]
    assert reason == "the layer's Nyquist, 7.8125 Hz, is not above the F0 floor, 60 Hz"


def test_few_channels_are_read_by_the_first_convolution_alone():
    few, usual = ModelConfig(fc_channels=8), ModelConfig()
    assert (few.layers[0].in_channels, few.layers[0].channels) == (8, 512)
    assert few.layers[1:] == usual.layers[1:]
    assert few.classifier_layers == usual.classifier_layers
    assert ModelConfig.from_dict({k: x for k, x in usual.to_dict().items() if k != "fc_channels"})


@pytest.mark.parametrize(
    ("how", "upsample"), [("variables", "zeros"), ("args.txt", "nn"), ("config.json", "zeros")]
)
def test_a_model_of_8_channels_opens_as_it_was_saved(tmp_path, how, upsample):
    config = ModelConfig(upsample=upsample, **FEW)
    networks = build_networks(config, seed=3, letters="G")
    values = {k: x.value() for k, x in names.network_variables(networks[:1]).items()}
    files.write_checkpoint(str(tmp_path), values | {files.STEP: np.int64(2)}, 2)
    if how == "args.txt":  # that of a code that says nothing of the projection
        original.write_args(str(tmp_path), config, {})
        args = (tmp_path / how).read_text()
        (tmp_path / how).write_text(re.sub("wavegan_fc_channels.*\n", "", args))
    elif how == "config.json":
        run.write_run_config(str(tmp_path), {"model": config})
    opened, z = open_checkpoint(tmp_path), np.ones([2, 5], np.float32)
    assert (opened.config, opened.origin) == (config, how)
    for name, x in networks.generator(z).items():
        np.testing.assert_array_equal(opened.networks.generator(z)[name], x, name)


def test_a_model_of_8_channels_of_the_port_opens_as_it_was_saved(tmp_path):
    networks = build_networks(PORT, seed=3, letters="G")
    port.write(str(tmp_path), networks, PORT, 7)
    opened, z = open_checkpoint(tmp_path), np.ones([2, 5], np.float32)
    assert opened.config == PORT
    np.testing.assert_array_equal(opened.networks.generator(z)["out"], networks.generator(z)["out"])


def test_a_map_is_what_one_unit_of_a_variable_adds_to_the_layer():
    model = model_of(PORT)  # without ReLU
    model.generator.z_project.dense.bias.assign(np.linspace(-1, 1, 128))
    one, none = np.eye(5, dtype=np.float32), np.zeros([1, 5], np.float32)
    added = model.activations(one)["fc"] - model.activations(none)["fc"]
    np.testing.assert_allclose(model.projection(), added, atol=1e-6)
    np.testing.assert_allclose(model.projection("z4"), added[3], atol=1e-6)
    with pytest.raises(InputError, match="z1 .. z5"):
        model.projection("z6")


def test_negative_values_of_the_port_are_averaged_and_scaled_by_their_magnitude():
    model = model_of(PORT)
    model.generator.z_project.dense.bias.assign(-np.ones(128))
    inputs = plain(model.sample(3))
    network = make_network(model, inputs, Measuring(layers="fc,conv1"))
    taken = next(take_outputs(network, inputs, range(1)))
    average = model.activations(inputs.z)["fc"][0].mean(axis=1)
    assert average.max() < 0 < network.scales["fc"]
    np.testing.assert_allclose(taken.series["fc"], average * network.scales["fc"], rtol=1e-5)
    kernel = model.generator.upconv_0.conv.kernel.numpy()  # [k, out, in]
    norms = np.sqrt((kernel**2).sum(axis=(0, 1)))
    found = outgoing_weights(model.generator, "fc")
    np.testing.assert_allclose(found, norms / norms.sum(), rtol=1e-5)


def test_the_table_says_how_large_weights_are_and_where_they_stand():
    rng = np.random.default_rng(0)
    maps = rng.uniform(-1, 1, [6, 16, 8])
    maps[2, 5, 3] = -40
    random = np.stack([stats.relative_norms(rng.uniform(-1, 1, [6, 16, 8])) for _ in range(20)])
    sds = np.ones(6)
    row = stats.weight_table(list("abcdef"), maps, random, sds, 15.625, SETTINGS).iloc[0]
    norms = np.sqrt((maps**2).sum(axis=(1, 2)))
    assert row["estimate"] == pytest.approx(norms[2] / np.median(norms))
    assert row[["latent", "rank", "frame", "map"]].tolist() == ["c", 1, 6, 4]
    assert row["time_s"] == pytest.approx(5.5 / 15.625) and row["frame_mean"] < 0
    power = maps[2] ** 2 / norms[2] ** 2
    assert row["frame_share"] == pytest.approx(power[5].sum())
    assert row["map_share"] == pytest.approx(power[:, 3].sum())
    assert row["p"] == 1 / 21 and row["verdict"] == stats.LARGER
    few = stats.weight_table(list("abcdef"), maps, random[:18], sds, 15.625, SETTINGS)
    assert set(few["verdict"]) == {TOO_FEW}


def test_a_rank_goes_by_what_a_variable_moves_and_not_by_its_unit():
    maps = np.random.default_rng(0).uniform(-1, 1, [5, 16, 8])
    maps *= np.array([1.5, 1, 1, 1, 1.4])[:, np.newaxis, np.newaxis]
    sds = np.array([0.3, 0.6, 0.6, 0.6, 0.6])
    random = np.ones([19, 5])
    table = stats.weight_table(list("abcde"), maps, random, sds, 15.625, SETTINGS)
    norms = np.sqrt((maps**2).sum(axis=(1, 2)))
    rows = table.set_index("latent")
    assert table["latent"].iloc[[0, -1]].tolist() == ["e", "a"] and rows.loc["a", "weights"] > 1
    assert rows.loc["a", "estimate"] == pytest.approx(norms[0] * 0.3 / np.median(norms * sds))
    assert rows.loc["a", "verdict"] == stats.NOT_LARGER


@pytest.mark.parametrize(("model", "codes"), [("ciwgan", 4), ("fiwgan", 3), ("wavegan", 0)])
def test_the_sd_of_variables_is_that_of_latents_drawn_as_in_training(model, codes):
    config = ModelConfig(model=model, num_categ=codes, latent_dim=9)
    drawn = sample_latents(config, 4000, 0).std(axis=0)
    np.testing.assert_allclose(latent_sds(config), drawn, rtol=0.05)


def test_groups_are_compared_and_what_does_not_vary_differs_in_nothing():
    rng, is_random = np.random.default_rng(1), np.arange(60) >= 30
    columns = {"moved": rng.normal(size=60) + 2 * is_random, "same": rng.normal(size=60)}
    values = pd.DataFrame(columns | {"constant": 0.51, "rare": np.where(is_random, np.nan, 1)})
    found = stats.group_table(values, is_random, SETTINGS).set_index("measure")
    difference = columns["moved"][30:].mean() - columns["moved"][:30].mean()
    assert found.loc["moved", "estimate"] == pytest.approx(difference)
    assert found["p_holm"].to_dict() == pytest.approx(
        {"moved": 0.003, "same": 1, "constant": 1, "rare": np.nan}, nan_ok=True
    )
    assert found["verdict"].eq(DIFFERS).tolist() == [True, False, False, False]


def test_outputs_without_a_value_do_not_make_a_difference_of_those_with_one():
    # Two of 66 with the property beside none of 100, and 34 that cannot have it.
    column = np.r_[np.zeros(100), np.ones(2), np.zeros(64), np.full(34, np.nan)]
    found = stats.group_table(pd.DataFrame({"stride": column}), np.arange(200) >= 100, SETTINGS)
    expected = scipy.stats.fisher_exact([[2, 64], [0, 100]]).pvalue
    assert expected > 0.1
    assert found.loc[0, "p"] == pytest.approx(expected, abs=0.03)
    assert found.loc[0, ["n_ordinary", "n_random"]].tolist() == [100, 66]


def test_random_maps_keep_each_channels_values_and_no_order():
    values = np.arange(50.0)[:, np.newaxis] + [0, 1000, 2000]
    drawn = resample_maps(values, 400, 16, np.random.default_rng(0))
    assert drawn.shape == (400, 16, 3)
    np.testing.assert_allclose(drawn.mean(axis=(0, 1)), values.mean(axis=0), atol=1)
    assert np.abs(np.corrcoef(drawn.reshape(-1, 3).T) - np.eye(3)).max() < 0.05


@pytest.mark.parametrize("kind", ["scaled", "initialiser", "joint"])
def test_what_is_planted_is_found_and_nothing_else(kind, monkeypatch):
    monkeypatch.setattr(planted.listen, "CONTROL_SEED", planted.listen.CONTROL_SEED)
    assert planted.judge(planted.of_kind(kind, 1, n=6), kind, 1) == (set(), False)


def test_a_run_keeps_what_it_says(tmp_path):
    config = ModelConfig(model="ciwgan", num_categ=2, dim=1, latent_dim=8, slice_len=32768)
    generator = build_networks(config, letters="G").generator
    result = projection.run(
        planted.model_of(generator, config),
        build(Options, {"n": 5, "controls": 2, "latents_shown": ("z3",), **planted.SHORT}),
    )
    result.save(tmp_path, figures=False, page=False)
    weights = pd.read_csv(tmp_path / "tables" / "weights.csv").set_index("latent")
    maps = np.load(tmp_path / "projection.npz")
    assert list(maps) == ["c1", "c2", "z3"] and maps["c1"].shape == (16, 32)
    for latent, x in maps.items():
        assert weights.loc[latent, "norm"] == pytest.approx(np.linalg.norm(x), rel=1e-5)
    assert len(result.table("outputs")) == 10 and set(weights["verdict"]) == {TOO_FEW}
    assert "cannot be said: 2 random projections are too few" in result.terminal()
    assert "## Random feature maps in place of FC" in (tmp_path / "summary.md").read_text()
    assert "has the other 0 variables" in (tmp_path / "summary.md").read_text()
    assert "Voiced: Duration (s)" in result.terminal() and "c2  (rank" in said(
        result.figure("maps")
    )


def test_what_is_not_there_is_refused():
    with pytest.raises(InputError, match="--latents_shown=z9: latent 'z9': .* z1 .. z5"):
        projection.run(model_of(PORT), Options(latents_shown=("z9",)))
    with pytest.raises(InputError, match="--bypass=conv1: must be one of fc, none"):
        Options(bypass="conv1")
