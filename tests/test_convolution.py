"""Every form of the convolution against sums in NumPy; its derivatives against TensorFlow's."""

import numpy as np
import pytest
import tensorflow as tf

from wavegan_tf.models import convolution

FORMS = ["mixed", "matmul"]
# kernel_len, stride, frames n, channels, out. The last three make ``mixed`` a matrix product.
GEOMETRIES = [
    (25, 4, 32, 3, 5), (25, 4, 32, 1, 5), (17, 4, 16, 2, 4), (16, 2, 16, 3, 2), (1, 4, 8, 2, 3),
    (3, 4, 8, 2, 3), (4, 4, 8, 2, 3), (5, 2, 8, 1, 1), (26, 4, 16, 3, 3), (101, 4, 16, 2, 3),
    (25, 1, 32, 2, 3), (25, 4, 4, 3, 32), (25, 2, 2, 3, 32), (8, 4, 1, 2, 8),
]  # fmt: skip


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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_convolution_transpose_and_kernel_gradient_are_the_sums_they_stand_for(geometry, form):
    kernel_len, stride, n, _, _ = geometry
    x, w, y = arrays(*geometry)
    down, up, kernel = np.zeros_like(y), np.zeros_like(x), np.zeros_like(w)
    for t, s, k in trilinear_terms(kernel_len, stride, n):
        down[:, t] += x[:, s] @ w[k]
        up[:, s] += y[:, t] @ w[k].T
        kernel[k] += x[:, s].T @ y[:, t]
    results = (
        (convolution.down(x, w, stride, form), down),
        (convolution.up(y, w, stride, form), up),
        (convolution.kernel_gradient(x, y, kernel_len, stride, form), kernel),
    )
    for result, expected in results:
        np.testing.assert_allclose(result, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("xla", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("geometry", [(25, 4, 8, 3, 5), (25, 4, 2, 1, 32)], ids=str)
def test_first_and_second_derivatives_equal_those_of_tensorflows_layers(geometry, form, xla):
    """A penalty on the input gradient, as in training, of a convolution and its transpose."""
    stride = geometry[1]
    x, w, _ = map(tf.constant, arrays(*geometry))

    def derivatives(down, up, x, w):
        with tf.GradientTape() as tape:
            tape.watch([x, w])
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.nn.leaky_relu(down(x, w))
                value = tf.reduce_sum(tf.tanh(up(y, w)) ** 2)
            penalty = tf.reduce_sum(inner.gradient(value, x) ** 2) + value
        return tape.gradient(penalty, [x, w])

    @tf.function(jit_compile=xla)
    def ours(x, w):
        return derivatives(
            lambda x, w: convolution.down(x, w, stride, form),
            lambda y, w: convolution.up(y, w, stride, form),
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


def test_both_branches_of_the_mixed_form_are_among_the_geometries():
    chosen = {
        convolution._as_product("mixed", n, out, stride) for _, stride, n, _, out in GEOMETRIES
    }
    assert chosen == {True, False}


def test_the_form_follows_the_machine(monkeypatch):
    devices = []
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind: devices)
    assert convolution.choose_form(xla=False) == "mixed"
    assert convolution.choose_form(xla=True) == "matmul"
    devices.append("GPU:0")
    assert convolution.choose_form(xla=False) == "keras"
