"""Outgoing weights, on kernels set by hand."""

import numpy as np
import pytest

from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.models.weights import outgoing_weights

CONFIG = ModelConfig(dim=1, model="ciwgan", num_categ=3, kernel_len=5)


def set_norms(variable, in_axis, norms):
    """Spreads a norm for each channel read over two places of its part of a kernel."""
    kernel = np.moveaxis(np.zeros(variable.shape), in_axis, 0)  # a view: [in, .., ..]
    flat = np.zeros([len(kernel), kernel[0].size])
    flat[:, 0], flat[:, -1] = -0.6 * np.array(norms), 0.8 * np.array(norms)
    variable.assign(np.moveaxis(flat.reshape(kernel.shape), 0, in_axis))


@pytest.mark.parametrize(("upsample", "in_axis"), [("zeros", 2), ("nn", 1)])
def test_a_generator_layer_weighs_by_the_next_kernel_and_unread_maps_alike(upsample, in_axis):
    config = ModelConfig(dim=1, num_channels=2, upsample=upsample)
    generator = build_networks(config, letters="G").generator  # conv2: 4 maps, conv3: 2
    set_norms(generator.upconv_2.conv.kernel, in_axis, [1, 2, 0, 5])
    np.testing.assert_allclose(outgoing_weights(generator, "conv2"), np.array([1, 2, 0, 5]) / 8)
    set_norms(generator.upconv_2.conv.kernel, in_axis, [0, 0, 0, 0])
    np.testing.assert_array_equal(outgoing_weights(generator, "conv2"), [0.25] * 4)
    np.testing.assert_array_equal(outgoing_weights(generator, "out"), [0.5, 0.5])
    with pytest.raises(ValueError, match="no layer 'conv5' in G; there are fc, conv1, conv2"):
        outgoing_weights(generator, "conv5")


@pytest.mark.parametrize("network", ["discriminator", "q"])
def test_a_classifier_layer_weighs_by_the_next_convolution_or_all_times_of_the_logits(network):
    classifier = getattr(build_networks(CONFIG), network)
    set_norms(classifier.downconv_2.conv.kernel, 1, [3, 1])  # conv2: 2 maps
    np.testing.assert_allclose(outgoing_weights(classifier, "conv2"), [0.75, 0.25])
    kernel = classifier.output_dense.dense.kernel  # [16 * 16, units]
    wanted = np.arange(1.0, 17)
    by_time = np.zeros([16, 16, kernel.shape[1]])  # [time, channels, units]
    by_time[3, :, 0], by_time[7, :, -1] = 0.6 * wanted, 0.8 * wanted
    kernel.assign(by_time.reshape(kernel.shape))
    np.testing.assert_allclose(outgoing_weights(classifier, "conv5"), wanted / wanted.sum())


def test_every_layer_of_every_network_has_weights_of_its_channels_that_sum_to_one():
    config = ModelConfig(dim=2, stride=2, num_channels=2, batchnorm=True)
    generator, discriminator, _ = build_networks(config)
    for network, layers in ((generator, config.layers), (discriminator, config.classifier_layers)):
        for layer in layers:
            weights = outgoing_weights(network, layer.name)
            assert weights.shape == (layer.channels,) and np.all(weights > 0)
            assert weights.sum() == pytest.approx(1)
