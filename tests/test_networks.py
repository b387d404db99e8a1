import functools

import conftest
import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.checkpoints import names
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.models.config import FORMS, ModelConfig
from wavegan_tf.models.layers import Arithmetic, leaky_relu, phase_shuffle
from wavegan_tf.models.networks import build_networks
from wavegan_tf.training.trial import to_choice


def expected_of(directory):
    """A recording; the audio where it is the last activation itself is not stored twice."""
    expected = dict(np.load(directory / "expected.npz"))
    last = max((k for k in expected if k.startswith("G_act_")), key=lambda k: int(k[6:]))
    expected.setdefault("G_z", expected[last])
    return expected


def assert_close(actual, expected, what):
    actual = np.asarray(actual)
    assert actual.shape == expected.shape, what
    difference = np.abs(actual - expected).max() / np.abs(expected).max()
    assert difference <= 1e-5, f"{what}: {difference:.2g} of the layer's largest value"


@functools.cache
def open_once(directory, model):
    return open_checkpoint(directory, {"model": model})


@pytest.mark.parametrize("form", FORMS[:-1])  # XLA takes long to compile
@pytest.mark.parametrize("name", conftest.MODEL_NAMES)
def test_every_activation_equals_the_originals(reference, name, form):
    directory = reference / "checkpoints" / name
    opened = open_once(directory, name.split("_")[0])
    letters = "GDQ" if opened.networks.discriminator else "G"
    networks = build_networks(opened.config, 0, Arithmetic(to_choice(form)), letters)
    names.assign(names.network_variables(networks), opened.checkpoint)
    expected = expected_of(directory)

    outputs = networks.generator(expected["z"])
    activations = [k for k in outputs if k != "out" or "pre_filter" not in outputs]
    recorded = [k for k in expected if k.startswith("G_act_")]
    assert len(activations) == len(recorded)
    for i, key in enumerate(activations):
        assert_close(outputs[key], expected[f"G_act_{i}"], key)
    assert_close(outputs["out"], expected["G_z"], "out")
    pcm = np.clip(outputs["out"] * 32767, -32768, 32767).astype(np.int16)
    assert np.abs(pcm.astype(int) - expected["G_z_int16"]).max() <= 1

    for network, letter in ((networks.discriminator, "D"), (networks.q, "Q")):
        recorded = [k for k in expected if k.startswith(f"{letter}_act_")]
        if network is None:
            assert not recorded
            continue
        outputs = network(expected["x"])
        assert len(outputs) == len(recorded) + 1
        for i, key in enumerate(list(outputs)[:-1]):
            assert_close(outputs[key], expected[f"{letter}_act_{i}"], f"{letter} {key}")
        assert_close(outputs["logits"], expected[f"{letter}_logits"], f"{letter} logits")


def test_parameter_counts_are_the_originals():
    counts = [n.count_params() for n in build_networks(ModelConfig(model="ciwgan", num_categ=5))]
    assert counts == [19_065_345, 17_427_969, 17_493_509]


@pytest.mark.parametrize(
    "options",
    [
        {"slice_len": 32768, "batchnorm": True},
        {"slice_len": 65536, "upsample": "nn", "kernel_len": 7},
        {"stride": 2, "num_channels": 2, "model": "ciwgan", "num_categ": 3},
        {"stride": 2, "slice_len": 32768, "postfilter_len": 16},
        {"kernel_len": 4, "latent_dim": 3},
    ],
)
def test_outputs_are_every_layer_in_order_with_the_configs_shapes(options):
    config = ModelConfig(dim=1, **options)
    generator, *classifiers = build_networks(config)
    outputs = generator(tf.zeros([2, config.latent_dim]))
    names = [layer.name for layer in config.layers]
    if config.postfilter_len:
        names.insert(-1, "pre_filter")
    assert list(outputs) == ["fc", *names]
    for layer in config.layers:
        assert outputs[layer.name].shape == (2, layer.length, layer.channels)
    for network, logits in zip(classifiers, ((2,), (2, config.num_categ)), strict=True):
        if network:
            outputs = network(tf.zeros([2, config.slice_len, config.num_channels]))
            shapes = {x.name: (2, x.length, x.channels) for x in config.classifier_layers}
            assert {k: v.shape for k, v in outputs.items()} == shapes | {"logits": logits}
            assert list(outputs) == [*shapes, "logits"]


@pytest.mark.parametrize("options", [{}, {"slice_len": 32768, "postfilter_len": 16}])
def test_running_on_from_any_layer_gives_the_rest_of_the_network(options):
    config = ModelConfig(dim=1, **options)
    generator = build_networks(config, letters="G").generator
    outputs = generator(np.random.default_rng(0).uniform(-1, 1, [2, 100]).astype(np.float32))
    for i, (name, x) in enumerate(outputs.items()):
        rest = generator.run_from(name, x)
        assert list(rest) == list(outputs)[i:]
        for later in rest:
            np.testing.assert_array_equal(rest[later], outputs[later])
    changed = generator.run_from("conv2", 2 * outputs["conv2"])
    assert np.abs(changed["out"] - outputs["out"]).max() > 1e-6
    with pytest.raises(ValueError, match="no layer 'conv9'; there are fc, conv1"):
        generator.run_from("conv9", outputs["out"])


def test_phase_shuffle_shifts_and_reflects():
    x = np.arange(10.0)
    padded = np.pad(x, 3, mode="reflect")
    for shift in (-3, -1, 0, 2, 3):
        actual = phase_shuffle(tf.constant(x.reshape(1, 10, 1)), tf.constant(shift))
        np.testing.assert_array_equal(np.ravel(actual), padded[3 - shift : 13 - shift])


def test_discriminator_shuffles_every_layer_but_the_last():
    config = ModelConfig(dim=1)
    discriminator = build_networks(config).discriminator
    x = tf.random.stateless_normal([1, 16384, 1], [1, 2])
    plain = discriminator(x)
    for i in range(config.depth - 1):
        shifts = [0] * (config.depth - 1)
        shifts[i] = 2
        shuffled = discriminator(x, shifts=tf.constant(shifts))
        changed = [n for n in plain if not np.array_equal(plain[n], shuffled[n])]
        assert changed == list(plain)[i + 1 :]


def test_batch_norm_moves_averages_of_the_generator_in_training_only():
    networks = build_networks(ModelConfig(dim=1, batchnorm=True))
    norm = networks.generator.upconv_0.batch_norm
    z = tf.random.stateless_uniform([8, 100], [1, 2], -1, 1)
    networks.generator(z)
    assert not np.any(norm.moving_mean.numpy())
    before = networks.generator.upconv_0.conv(networks.generator(z, training=True)["fc"])
    mean = before.numpy().mean((0, 1))
    np.testing.assert_allclose(norm.moving_mean.numpy(), 0.01 * mean, rtol=1e-4)
    networks.discriminator(tf.ones([2, 16384, 1]))
    norm = networks.discriminator.downconv_1.batch_norm
    assert not np.any(norm.moving_mean.numpy()) and np.all(norm.moving_variance.numpy() == 1)


def test_weights_are_seeded_and_differ_between_layers_and_networks():
    config = ModelConfig(dim=1, model="ciwgan", num_categ=1)
    first, again, other = (build_networks(config, seed) for seed in (3, 3, 4))
    for a, b, c in zip(first, again, other, strict=True):
        for x, y, z in zip(a.weights, b.weights, c.weights, strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.path.endswith("bias") or not np.array_equal(x, z)
    assert not np.array_equal(
        first.discriminator.downconv_0.conv.kernel, first.q.downconv_0.conv.kernel
    )


def test_leaky_relu_sends_nothing_back_from_its_second_derivative():
    x, dy = tf.constant([-2.0, -0.5, 0.0, 3.0]), tf.constant([1.0, 2.0, 3.0, 4.0])
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([x, dy])
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = leaky_relu(x)
        dx = inner.gradient(y, x, dy)
    np.testing.assert_allclose(y, [-0.4, -0.1, 0, 3], rtol=1e-6)
    np.testing.assert_allclose(dx, [0.2, 0.4, 0.6, 4], rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(dx, dy), [0.2, 0.2, 0.2, 1], rtol=1e-6)
    assert outer.gradient(dx, x) is None  # TensorFlow's own: zeros, sent on through all layers
