"""Outgoing weights, on kernels set by hand."""

import numpy as np
import pytest

from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.models.weights import outgoing_weights
from wavegan_tf.speech.averages import parse_reduce, reduce_maps

CONFIG = ModelConfig(dim=1, model="ciwgan", num_categ=3, kernel_len=5)


@pytest.fixture(scope="module")
def networks():
    return build_networks(CONFIG)


def set_norms(variable, in_axis, norms):
    """Spreads a norm for each channel read over two places of its part of a kernel."""
    kernel = np.moveaxis(np.zeros(variable.shape), in_axis, 0)  # a view: [in, .., ..]
    flat = np.zeros([len(kernel), kernel[0].size])
    flat[:, 0], flat[:, -1] = -0.6 * np.array(norms), 0.8 * np.array(norms)
    variable.assign(np.moveaxis(flat.reshape(kernel.shape), 0, in_axis))


def test_a_generator_layer_weighs_by_the_next_transposed_kernel(networks):
    generator = networks.generator  # conv2: 4 maps, conv3: 2
    set_norms(generator.upconv_2.conv.kernel, 2, [1, 2, 0, 5])
    np.testing.assert_allclose(outgoing_weights(generator, "conv2"), np.array([1, 2, 0, 5]) / 8)


def test_a_nearest_neighbour_generator_has_its_input_on_the_other_axis():
    config = ModelConfig(dim=1, upsample="nn")
    generator = build_networks(config, generator_only=True).generator
    set_norms(generator.upconv_2.conv.kernel, 1, [1, 2, 0, 5])
    np.testing.assert_allclose(outgoing_weights(generator, "conv2"), np.array([1, 2, 0, 5]) / 8)


@pytest.mark.parametrize("network", ["discriminator", "q"])
def test_a_classifier_layer_weighs_by_the_next_convolution(networks, network):
    classifier = getattr(networks, network)  # conv2: 2 maps
    set_norms(classifier.downconv_2.conv.kernel, 1, [3, 1])
    np.testing.assert_allclose(outgoing_weights(classifier, "conv2"), [0.75, 0.25])


@pytest.mark.parametrize("network", ["discriminator", "q"])
def test_the_last_convolution_weighs_by_the_logits_over_all_times_and_units(networks, network):
    classifier = getattr(networks, network)
    kernel = classifier.output_dense.dense.kernel  # [16 * 16, units]
    time, channels = classifier.config.classifier_layers[-1].length, 16
    wanted = np.arange(1.0, channels + 1)
    by_time = np.zeros([time, channels, kernel.shape[1]])
    by_time[3, :, 0], by_time[7, :, -1] = 0.6 * wanted, 0.8 * wanted
    kernel.assign(by_time.reshape(kernel.shape))
    np.testing.assert_allclose(outgoing_weights(classifier, "conv5"), wanted / wanted.sum())


@pytest.mark.parametrize("options", [{}, {"stride": 2, "num_channels": 2, "batchnorm": True}])
def test_every_layer_of_every_network_has_weights_of_its_channels_that_sum_to_one(options):
    config = ModelConfig(dim=2, **options)
    generator, discriminator, _ = build_networks(config)
    for network, layers in (
        (generator, config.layers),
        (discriminator, config.classifier_layers),
    ):
        for layer in layers:
            weights = outgoing_weights(network, layer.name)
            assert weights.shape == (layer.channels,) and np.all(weights > 0)
            ones = np.ones((1, 3, layer.channels))
            series = reduce_maps(ones, parse_reduce("weighted"), weights)
            np.testing.assert_allclose(series, 1, rtol=1e-6)


def test_the_channels_of_the_audio_and_maps_that_nothing_reads_weigh_the_same(networks):
    config = ModelConfig(dim=1, num_channels=2)
    generator = build_networks(config, generator_only=True).generator
    np.testing.assert_array_equal(outgoing_weights(generator, "out"), [0.5, 0.5])
    set_norms(generator.upconv_2.conv.kernel, 2, [0, 0, 0, 0])
    np.testing.assert_array_equal(outgoing_weights(generator, "conv2"), [0.25] * 4)


def test_a_layer_that_a_network_has_not_is_refused(networks):
    with pytest.raises(ValueError, match="no layer 'out' in Q; there are conv1, conv2"):
        outgoing_weights(networks.q, "out")
    with pytest.raises(ValueError, match="no layer 'conv5' in G"):
        outgoing_weights(networks.generator, "conv5")
