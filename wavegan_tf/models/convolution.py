"""The strided convolution, its transpose and its kernel gradient, each in any of several forms.

All three are one trilinear sum, y[t, o] = sum_k,c x[s t + k - left, c] w[k, c, o], of stride s and
with TensorFlow's 'SAME' padding. Each is linear in its arguments and the gradients of each are the
other two, so that they are closed under differentiation of any order; the gradient penalty needs
the second. The forms (``FORMS`` but the first) are equal but for the rounding of float32:

``plain``: TensorFlow's own strided operation.

``folded``: one without any strided access, over x folded to [batch, n, s channels].

``matmul``: one matrix product of all that the kernel sees at each place, [batch n, k channels].

``xla``: that product, compiled by XLA.

None is the fastest on every machine, in every layer and in every direction: training.trial measures
which. Everywhere x is [batch, stride * n, channels], y [batch, n, out], the kernel [k, channels,
out].
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from wavegan_tf.models.config import FORMS, ModelConfig

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Shape(NamedTuple):
    """What a convolution is, but for its batch."""

    kernel_len: int
    stride: int
    n: int  # frames of y
    channels: int  # of x
    out: int  # channels of y


Choice = Callable[[str, Shape], str]
"""Says the form of a direction, ``down``, ``up`` or ``kernel``, at a shape."""


def shapes(config: ModelConfig) -> list[Shape]:
    """Lists the shapes of a model's convolutions, each once."""
    found = []
    for layer in config.layers:
        if config.upsample == "nn":
            ends = layer.length, layer.in_channels, layer.channels
            found.append(Shape(config.kernel_len, 1, *ends))
        else:
            ends = layer.length // layer.stride, layer.channels, layer.in_channels
            found.append(Shape(config.kernel_len, layer.stride, *ends))
    for layer in config.classifier_layers:
        ends = layer.length, layer.in_channels, layer.channels
        found.append(Shape(config.kernel_len, layer.stride, *ends))
    return list(dict.fromkeys(found))


def forms_of(shape: Shape) -> tuple[str, ...]:
    """Lists the forms that a shape may have.

    With stride 1 a folded convolution is a plain one, and the matrix of a product is the largest.
    """
    return FORMS[1:] if shape.stride > 1 else ("plain",)


def always(form: str) -> Choice:
    """Gives the choice of one form wherever a shape may have it, and of the plain one elsewhere."""
    return lambda direction, shape: form if form in forms_of(shape) else "plain"


def down(x: tf.Tensor, kernel: tf.Tensor, stride: int, choice: Choice) -> tf.Tensor:
    """Computes the strided convolution of x with 'SAME' padding, [batch, n, out]."""
    shape = Shape(kernel.shape[0], stride, x.shape[1] // stride, *kernel.shape[1:])

    @tf.custom_gradient
    def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return up(dy, kernel, stride, choice), kernel_gradient(x, dy, shape, choice)

        return compute("down", choice("down", shape), x, kernel, shape), gradient

    return convolve(x, kernel)


def up(y: tf.Tensor, kernel: tf.Tensor, stride: int, choice: Choice) -> tf.Tensor:
    """Computes the transpose of :func:`down`, [batch, stride * n, channels]."""
    shape = Shape(kernel.shape[0], stride, y.shape[1], *kernel.shape[1:])

    @tf.custom_gradient
    def convolve(y: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dx: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return down(dx, kernel, stride, choice), kernel_gradient(dx, y, shape, choice)

        return compute("up", choice("up", shape), y, kernel, shape), gradient

    return convolve(y, kernel)


def kernel_gradient(x: tf.Tensor, y: tf.Tensor, shape: Shape, choice: Choice) -> tf.Tensor:
    """Computes the gradient of <y, down(x, kernel)> on the kernel, [k, channels, out]."""

    @tf.custom_gradient
    def correlate(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        def gradient(dkernel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            stride = shape.stride
            return up(y, dkernel, stride, choice), down(x, dkernel, stride, choice)

        return compute("kernel", choice("kernel", shape), x, y, shape), gradient

    return correlate(x, y)


def compute(direction: str, form: str, a: tf.Tensor, b: tf.Tensor, shape: Shape) -> tf.Tensor:
    """Computes a direction in one form, of (x, kernel), (y, kernel) or (x, y); no gradients."""
    if form == "xla":  # no tape may look in, or it would store all that its gradient could need
        a, b = tf.stop_gradient(a), tf.stop_gradient(b)
    return _COMPUTE[direction][form](a, b, shape)


def _down_plain(x: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    return tf.nn.conv1d(x, kernel, shape.stride, "SAME")


def _down_folded(x: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    return tf.nn.conv1d(_fold(x, shape), _fold_kernel(kernel, shape), 1, "VALID")


def _down_matmul(x: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    y = tf.matmul(_columns(x, shape), tf.reshape(kernel, [-1, shape.out]))
    return tf.reshape(y, [-1, shape.n, shape.out])


def _up_plain(y: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    length = shape.stride * shape.n
    x_shape = [tf.shape(y)[0], length, shape.channels]
    x = tf.nn.conv1d_transpose(y, kernel, x_shape, shape.stride, "SAME")
    return tf.ensure_shape(x, [None, length, shape.channels])


def _up_folded(y: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    lead, frames, _, _ = _geometry(shape)
    kernel = tf.transpose(tf.reverse(_fold_kernel(kernel, shape), [0]), [0, 2, 1])
    y = tf.pad(y, [[0, 0], [frames - 1 - lead, lead], [0, 0]])
    x = tf.nn.conv1d(y, kernel, 1, "VALID")  # [batch, n, stride * channels]
    return tf.reshape(x, [-1, shape.stride * shape.n, shape.channels])


def _up_matmul(y: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    # The transposed kernel is written out: all passes of an update share it.
    kernel = tf.reshape(tf.transpose(kernel, [2, 0, 1]), [shape.out, -1])
    return _overlap_add(tf.matmul(tf.reshape(y, [-1, shape.out]), kernel), shape)


def _up_xla(y: tf.Tensor, kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    y, kernel = (tf.reshape(a, [-1, shape.out]) for a in (y, kernel))
    return _overlap_add(tf.matmul(y, kernel, transpose_b=True), shape)


def _kernel_plain(x: tf.Tensor, y: tf.Tensor, shape: Shape) -> tf.Tensor:
    sizes = [1, shape.kernel_len, shape.channels, shape.out]
    return _filter_gradient(x, y, sizes, shape.stride, "SAME")


def _kernel_folded(x: tf.Tensor, y: tf.Tensor, shape: Shape) -> tf.Tensor:
    _, frames, before, _ = _geometry(shape)
    sizes = [1, frames, shape.stride * shape.channels, shape.out]
    kernel = _filter_gradient(_fold(x, shape), y, sizes, 1, "VALID")
    kernel = tf.reshape(kernel, [frames * shape.stride, shape.channels, shape.out])
    return kernel[before : before + shape.kernel_len]


def _kernel_matmul(x: tf.Tensor, y: tf.Tensor, shape: Shape) -> tf.Tensor:
    kernel = tf.matmul(_columns(x, shape), tf.reshape(y, [-1, shape.out]), transpose_a=True)
    return tf.reshape(kernel, [shape.kernel_len, shape.channels, shape.out])


_xla = functools.partial(tf.function, jit_compile=True)
_COMPUTE = {
    "down": dict(
        plain=_down_plain, folded=_down_folded, matmul=_down_matmul, xla=_xla(_down_matmul)
    ),
    "up": dict(plain=_up_plain, folded=_up_folded, matmul=_up_matmul, xla=_xla(_up_xla)),
    "kernel": dict(
        plain=_kernel_plain, folded=_kernel_folded, matmul=_kernel_matmul, xla=_xla(_kernel_matmul)
    ),
}
DIRECTIONS = tuple(_COMPUTE)


def _filter_gradient(
    x: tf.Tensor, y: tf.Tensor, sizes: list[int], stride: int, padding: str
) -> tf.Tensor:
    kernel = tf.raw_ops.Conv2DBackpropFilter(
        input=x[:, None],
        filter_sizes=sizes,
        out_backprop=y[:, None],
        strides=[1, 1, stride, 1],
        padding=padding,
    )
    return kernel[0]


def _geometry(shape: Shape) -> tuple[int, int, int, int]:
    """Frames before that of the output; all that the kernel touches; samples before, after it."""
    kernel_len, stride = shape.kernel_len, shape.stride
    left = max(kernel_len - stride, 0) // 2  # 'SAME', the length a multiple of the stride
    lead = -(-left // stride)
    before = lead * stride - left
    frames = -(-(before + kernel_len) // stride)
    return lead, frames, before, frames * stride - before - kernel_len


def _fold(x: tf.Tensor, shape: Shape) -> tf.Tensor:
    """[batch, stride * n, channels] -> [batch, n + frames - 1, stride * channels], zeros around."""
    lead, frames, _, _ = _geometry(shape)
    x = tf.reshape(x, [-1, shape.n, shape.stride * shape.channels])
    return tf.pad(x, [[0, 0], [lead, frames - 1 - lead], [0, 0]])


def _fold_kernel(kernel: tf.Tensor, shape: Shape) -> tf.Tensor:
    """[k, channels, out] -> [frames, stride * channels, out], zeros around."""
    _, frames, before, after = _geometry(shape)
    kernel = tf.pad(kernel, [[before, after], [0, 0], [0, 0]])
    return tf.reshape(kernel, [frames, shape.stride * shape.channels, shape.out])


def _columns(x: tf.Tensor, shape: Shape) -> tf.Tensor:
    """What the kernel sees of x, [batch * n, k * channels]."""
    n, stride, channels = shape.n, shape.stride, shape.channels
    _, frames, before, after = _geometry(shape)
    x = _fold(x, shape)
    shifted = [x[:, i : i + n] for i in range(frames)]
    shifted[-1] = shifted[-1][:, :, : (stride - after) * channels]
    shifted[0] = shifted[0][:, :, before * channels :]
    return tf.reshape(tf.concat(shifted, axis=2), [-1, shape.kernel_len * channels])


def _overlap_add(columns: tf.Tensor, shape: Shape) -> tf.Tensor:
    """The transpose of ``_columns``, [batch * n, k * channels] -> [batch, stride * n, channels]."""
    n, width = shape.n, shape.stride * shape.channels
    columns = tf.reshape(columns, [-1, n, shape.kernel_len * shape.channels])
    lead, frames, before, after = _geometry(shape)
    unused = [before * shape.channels, after * shape.channels]
    columns = tf.pad(columns, [[0, 0], [frames - 1, frames - 1], unused])
    first = frames - 1 + lead
    places = ((first - i, i * width) for i in range(frames))
    blocks = [columns[:, at : at + n, left : left + width] for at, left in places]
    return tf.reshape(tf.add_n(blocks), [-1, shape.stride * n, shape.channels])
