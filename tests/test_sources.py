"""Networks and inputs, numbered; the series of each output."""

import numpy as np
import pytest
from scipy.io import wavfile

from wavegan_tf.analysis.averages import parse_reduce
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.probing import sources

CONFIG = ModelConfig(model="ciwgan", num_categ=3, dim=2)
MEAN = parse_reduce("mean")


@pytest.fixture(scope="module")
def opened():
    return Opened(CONFIG, build_networks(CONFIG, seed=1), 0, "", None)


def outputs_of(source, inputs, first=0, stop=None):
    stop = len(inputs) if stop is None else stop
    batches = range(first // sources.BATCH, -(-stop // sources.BATCH))
    return [
        output
        for number in batches
        for output in source.outputs(sources.read_batch(inputs, number), first, stop)
    ]


def test_the_target_is_always_among_the_layers_and_their_order_is_the_networks():
    layers, target = sources.layers_of(CONFIG, "generator")
    chosen = sources.choose_layers("conv3, conv1", layers, target)
    assert [layer.name for layer in chosen] == ["conv1", "conv3", "out"]
    layers, target = sources.layers_of(CONFIG, "q")
    chosen = sources.choose_layers("conv5,conv2", layers, target)
    assert [(layer.name, layer.rate_hz) for layer in chosen] == [
        ("input", 16000), ("conv2", 1000), ("conv5", 15.625),
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"--layers=out: no layer 'out'.*input, conv1"):
        sources.choose_layers("out", layers, target)


def test_an_output_depends_neither_on_their_number_nor_on_the_shard(opened):
    source = sources.make_source(opened, "generator", "all", MEAN)
    latents = sample_latents(CONFIG, sources.BATCH + 7, seed=0)
    everything = outputs_of(source, sources.Latents(latents))
    assert [out.item.id for out in everything] == list(range(len(latents)))
    part = outputs_of(source, sources.Latents(latents), first=14, stop=19)
    assert [out.item.id for out in part] == [14, 15, 16, 17, 18]
    for out in part:
        for name, series in out.series.items():
            np.testing.assert_array_equal(series, everything[out.item.id].series[name])
    (alone,) = outputs_of(source, sources.Latents(latents[:1]))
    for name, series in alone.series.items():
        np.testing.assert_allclose(series, everything[0].series[name], atol=1e-7)


def test_series_are_reduced_maps_and_the_target_is_the_audio(opened):
    latents = sample_latents(CONFIG, 2, seed=0)
    expected = opened.networks.generator(latents)
    for how, reduce in (("mean", np.mean), ("max", np.max)):
        source = sources.make_source(opened, "generator", "conv2,conv4", parse_reduce(how))
        for k, out in enumerate(outputs_of(source, sources.Latents(latents))):
            assert (
                list(out.series) == ["conv2", "conv4", "out"]
                and list(out.maps) == list(out.series)[:-1]
            )
            np.testing.assert_allclose(out.series["out"], expected["out"][k, :, 0], atol=1e-6)
            np.testing.assert_allclose(out.maps["conv2"], expected["conv2"][k], atol=1e-6)
            reduced = reduce(expected["conv4"][k].numpy(), axis=-1)
            np.testing.assert_allclose(out.series["conv4"], reduced, atol=1e-6)


def test_items_know_their_condition_and_pair():
    inputs = sources.Latents(np.zeros([4, 100], np.float32), ("c1=1", "c2=1"))
    items = [inputs.read(i)[1] for i in range(4)]
    assert [(item.condition, item.pair) for item in items] == [
        ("c1=1", 0), ("c2=1", 0), ("c1=1", 1), ("c2=1", 1),
    ]  # fmt: skip


def test_a_classifier_reads_recordings_and_one_that_is_unreadable_is_named(opened, tmp_path):
    tone = np.sin(2 * np.pi * 200 * np.arange(16384) / 16000).astype(np.float32)
    wavfile.write(tmp_path / "ask_1.wav", 16000, tone)
    (tmp_path / "dark_1.wav").write_text("no sound")
    inputs = sources.Recordings(str(tmp_path), CONFIG, r"([^/_]+)[^/]*$")
    for network, units in (("q", 3), ("discriminator", 1)):
        source = sources.make_source(opened, network, "all", MEAN)
        good, bad = outputs_of(source, inputs)
        assert list(good.series) == ["input", "conv1", "conv2", "conv3", "conv4", "conv5"]
        np.testing.assert_allclose(good.series["input"], tone, atol=1e-4)
        expected = getattr(opened.networks, network)(tone[np.newaxis, :, np.newaxis])
        np.testing.assert_allclose(
            good.series["conv3"], expected["conv3"][0].numpy().mean(-1), atol=1e-5
        )
        np.testing.assert_allclose(good.logits, np.ravel(expected["logits"]), rtol=1e-3, atol=1e-5)
        assert good.logits.shape == (units,)
        assert (good.item.name, good.item.word, good.item.problem) == ("ask_1.wav", "ask", "")
        assert "dark_1.wav" in bad.item.problem


def test_controls_are_the_same_network_with_other_weights(opened):
    source = sources.make_source(opened, "generator", "conv4", MEAN)
    first, second = (sources.make_control(source, CONFIG, "generator", k) for k in (1, 2))
    inputs = sources.Latents(sample_latents(CONFIG, 1, seed=0))
    model, one, two = (outputs_of(s, inputs)[0].series["conv4"] for s in (source, first, second))
    assert not np.array_equal(model, one) and not np.array_equal(one, two)
    again = outputs_of(sources.make_control(source, CONFIG, "generator", 1), inputs)
    np.testing.assert_array_equal(again[0].series["conv4"], one)
    assert first.layers == source.layers and first.target == "out"


def test_a_network_or_map_that_is_not_there_is_refused(opened):
    bare = Opened(ModelConfig(dim=1), opened.networks._replace(q=None), 0, "", PREFIX)
    with pytest.raises(InputError, match="--network=q: .*a wavegan has none"):
        sources.make_source(bare, "q", "all", MEAN)
    with pytest.raises(InputError, match="--reduce=channel:17: .*conv"):
        sources.make_source(opened, "generator", "all", parse_reduce("channel:17"))


class PREFIX:
    prefix = "train/model.ckpt-7"
