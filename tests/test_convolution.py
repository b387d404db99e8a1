"""Every form of the convolution against sums in NumPy; its derivatives against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.models import convolution
from wavegan_tf.models.config import FORMS, ModelConfig
from wavegan_tf.models.convolution import Shape
from wavegan_tf.models.networks import build_networks

SHAPES = [  # kernel_len, stride, frames n, channels, out
    (25, 4, 32, 3, 5), (25, 4, 32, 1, 5), (17, 4, 16, 2, 4), (16, 2, 16, 3, 2), (1, 4, 8, 2, 3),
    (3, 4, 8, 2, 3), (4, 4, 8, 2, 3), (5, 2, 8, 1, 1), (26, 4, 16, 3, 3), (101, 4, 16, 2, 3),
    (25, 1, 32, 2, 3), (25, 4, 4, 3, 32), (25, 2, 2, 3, 32), (8, 4, 1, 2, 8),
]  # fmt: skip
COMPILED = SHAPES[0], SHAPES[-1]  # XLA takes long to compile, of a product that all forms share


def arrays(kernel_len, stride, n, channels, out):
    rng = np.random.default_rng(0)
    shapes = [3, stride * n, channels], [kernel_len, channels, out], [3, n, out]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


def trilinear_terms(kernel_len, stride, n):
    """(output frame, input sample, tap) wherever the kernel meets the input, 'SAME' padding."""
    length = stride * n
    left = max((n - 1) * stride + kernel_len - length, 0) // 2
    for t in range(n):
        for k in range(kernel_len):
            s = stride * t + k - left
            if 0 <= s < length:
                yield t, s, k


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolution_transpose_and_kernel_gradient_are_the_sums_they_stand_for(shape):
    kernel_len, stride, n, _, _ = shape
    x, w, y = arrays(*shape)
    down, up, kernel = np.zeros_like(y), np.zeros_like(x), np.zeros_like(w)
    for t, s, k in trilinear_terms(kernel_len, stride, n):
        down[:, t] += x[:, s] @ w[k]
        up[:, s] += y[:, t] @ w[k].T
        kernel[k] += x[:, s].T @ y[:, t]
    expected = {"down": (x, w, down), "up": (y, w, up), "kernel": (x, y, kernel)}
    for direction, (a, b, result) in expected.items():
        for form in convolution.forms_of(Shape(*shape)):
            if form == "xla" and shape not in COMPILED:
                continue
            computed = convolution.compute(direction, form, a, b, Shape(*shape))
            np.testing.assert_allclose(computed, result, atol=1e-5 * np.abs(result).max())


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("shape", [(25, 4, 8, 3, 5), (25, 4, 2, 1, 32)], ids=str)
def test_first_and_second_derivatives_equal_those_of_tensorflows_layers(shape, form):
    """A penalty on the input gradient, as in training, of a convolution and its transpose."""
    stride, choice = shape[1], convolution.always(form)
    x, w, _ = map(tf.constant, arrays(*shape))

    def derivatives(down, up, x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.nn.leaky_relu(down(x, w))
                value = tf.reduce_sum(tf.tanh(up(y, w)) ** 2)
            penalty = tf.reduce_sum(inner.gradient(value, x) ** 2) + value
        return tape.gradient(penalty, [x, w])

    @tf.function
    def ours(x, w):
        return derivatives(
            lambda x, w: convolution.down(x, w, stride, choice),
            lambda y, w: convolution.up(y, w, stride, choice),
            x,
            w,
        )

    expected = derivatives(
        lambda x, w: tf.nn.conv1d(x, w, stride, "SAME"),
        lambda y, w: tf.nn.conv1d_transpose(y, w, x.shape, stride, "SAME"),
        x,
        w,
    )
    for ours_, theirs in zip(ours(x, w), expected, strict=True):
        np.testing.assert_allclose(ours_, theirs, atol=2e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("upsample", ["zeros", "nn"])
def test_every_convolution_of_a_model_has_its_shape_in_the_list(upsample):
    """By their variables and outputs: kernel [k, channels, out], and what has the n frames."""
    config = ModelConfig("ciwgan", dim=2, slice_len=32768, num_categ=2, upsample=upsample)
    generator, discriminator, _ = build_networks(config)
    found = set()
    for network, size in ((generator, [1, 100]), (discriminator, [1, 32768, 1])):
        outputs = list(network(tf.zeros(size)).values())
        if network is generator:
            outputs = outputs[upsample == "nn" :]  # the transposed one's n frames are its input's
        convs = [block for block in network.blocks if hasattr(block, "conv")]
        for block, frames in zip(convs, outputs, strict=False):
            stride = 1 if network is generator and upsample == "nn" else block.stride
            k, channels, out = block.conv.kernel.shape
            found.add(Shape(k, stride, frames.shape[1], channels, out))
    assert set(convolution.shapes(config)) == found
