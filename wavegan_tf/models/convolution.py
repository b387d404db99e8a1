"""The strided convolution, its transpose and its kernel gradient, each computed a fast way.

All three are one trilinear sum, y[t, o] = sum_k,c x[s t + k - left, c] w[k, c, o], of stride s and
with TensorFlow's 'SAME' padding. Each is linear in its arguments and the gradients of each are the
other two, so that they are closed under differentiation of any order; the gradient penalty needs
the second. Forms, equal but for the rounding of float32:

``matmul``: one matrix product of all that the kernel sees at each place, [batch n, k channels]. XLA
on a CPU makes convolutions slow and products fast.

``mixed``: the product where sequences are short and wide. Where they are long, TensorFlow's own
transposed convolution, and without any strided access the convolution and its kernel gradient, over
the input folded to [batch, n, s channels]. The fastest on a CPU; benchmarks/bench_training.py.

Everywhere x is [batch, stride * n, channels], y [batch, n, out], the kernel [k, channels, out].
"""

from collections.abc import Callable

import tensorflow as tf

Gradient = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def choose_form(xla: bool) -> str:
    """Chooses the form for this machine: the best measured on a CPU, a GPU's own convolutions."""
    if xla:
        return "matmul"
    return "keras" if tf.config.list_logical_devices("GPU") else "mixed"


def down(x: tf.Tensor, kernel: tf.Tensor, stride: int, form: str) -> tf.Tensor:
    """Computes the strided convolution of x with 'SAME' padding, [batch, n, out]."""

    @tf.custom_gradient
    def convolve(x: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        n = x.shape[1] // stride
        if _as_product(form, n, kernel.shape[2], stride):
            columns = _columns(x, kernel.shape[0], stride)
            y = tf.matmul(columns, tf.reshape(kernel, [-1, kernel.shape[2]]))
            y = tf.reshape(y, [-1, n, kernel.shape[2]])
        else:
            lead, frames, before, after = _geometry(kernel.shape[0], stride)
            folded = tf.pad(kernel, [[before, after], [0, 0], [0, 0]])
            # [frames, stride * channels, out]
            folded = tf.reshape(folded, [frames, -1, kernel.shape[2]])
            y = tf.nn.conv1d(_fold(x, lead, frames, stride), folded, 1, "VALID")

        def gradient(dy: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dkernel = kernel_gradient(x, dy, kernel.shape[0], stride, form)
            return up(dy, kernel, stride, form), dkernel

        return y, gradient

    return convolve(x, kernel)


def up(y: tf.Tensor, kernel: tf.Tensor, stride: int, form: str) -> tf.Tensor:
    """Computes the transpose of :func:`down`, [batch, stride * n, channels]."""

    @tf.custom_gradient
    def convolve(y: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        n, (kernel_len, channels, out) = y.shape[1], kernel.shape
        # A product must be worth adding up its overlaps; TensorFlow is slow at one or two channels.
        if _as_product(form, 4 * n, out, stride) or channels <= 2:
            flat_y, flat_kernel = tf.reshape(y, [-1, out]), tf.reshape(kernel, [-1, out])
            columns = tf.matmul(flat_y, flat_kernel, transpose_b=True)
            columns = tf.reshape(columns, [-1, n, kernel_len * channels])
            x = _overlap_add(columns, kernel_len, stride)
        else:
            shape = [tf.shape(y)[0], stride * n, channels]
            x = tf.nn.conv1d_transpose(y, kernel, shape, stride, "SAME")
            x = tf.ensure_shape(x, [None, stride * n, channels])

        def gradient(dx: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            dkernel = kernel_gradient(dx, y, kernel_len, stride, form)
            return down(dx, kernel, stride, form), dkernel

        return x, gradient

    return convolve(y, kernel)


def kernel_gradient(
    x: tf.Tensor, y: tf.Tensor, kernel_len: int, stride: int, form: str
) -> tf.Tensor:
    """Computes the gradient of <y, down(x, kernel)> on the kernel, [k, channels, out]."""

    @tf.custom_gradient
    def correlate(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
        channels, out = x.shape[2], y.shape[2]
        if _as_product(form, y.shape[1], out, stride):
            columns = _columns(x, kernel_len, stride)
            kernel = tf.matmul(columns, tf.reshape(y, [-1, out]), transpose_a=True)
            kernel = tf.reshape(kernel, [kernel_len, channels, out])
        else:
            lead, frames, before, _ = _geometry(kernel_len, stride)
            folded = _fold(x, lead, frames, stride)
            kernel = tf.raw_ops.Conv2DBackpropFilter(
                input=folded[:, None],
                filter_sizes=[1, frames, stride * channels, out],
                out_backprop=y[:, None],
                strides=[1, 1, 1, 1],
                padding="VALID",
            )
            kernel = tf.reshape(kernel, [frames * stride, channels, out])
            kernel = kernel[before : before + kernel_len]

        def gradient(dkernel: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return up(y, dkernel, stride, form), down(x, dkernel, stride, form)

        return kernel, gradient

    return correlate(x, y)


def _as_product(form: str, n: int, out: int, stride: int) -> bool:
    """The rule: a product where ``n`` frames are fewer than a quarter of ``out`` channels."""
    # Never with stride 1, where every form of a convolution is good and the columns are largest.
    return stride > 1 and (form == "matmul" or 4 * n < out)


def _geometry(kernel_len: int, stride: int) -> tuple[int, int, int, int]:
    """Frames before that of the output; all that the kernel touches; samples before, after it."""
    left = max(kernel_len - stride, 0) // 2  # 'SAME', the length a multiple of the stride
    lead = -(-left // stride)
    before = lead * stride - left
    frames = -(-(before + kernel_len) // stride)
    return lead, frames, before, frames * stride - before - kernel_len


def _fold(x: tf.Tensor, lead: int, frames: int, stride: int) -> tf.Tensor:
    """[batch, stride * n, channels] -> [batch, n + frames - 1, stride * channels], zeros around."""
    x = tf.reshape(x, [-1, x.shape[1] // stride, stride * x.shape[2]])
    return tf.pad(x, [[0, 0], [lead, frames - 1 - lead], [0, 0]])


def _columns(x: tf.Tensor, kernel_len: int, stride: int) -> tf.Tensor:
    """What the kernel sees of x, [batch * n, k * channels]."""
    n, channels = x.shape[1] // stride, x.shape[2]
    lead, frames, before, after = _geometry(kernel_len, stride)
    x = _fold(x, lead, frames, stride)
    shifted = [x[:, i : i + n] for i in range(frames)]
    shifted[-1] = shifted[-1][:, :, : (stride - after) * channels]
    shifted[0] = shifted[0][:, :, before * channels :]
    return tf.reshape(tf.concat(shifted, axis=2), [-1, kernel_len * channels])


def _overlap_add(columns: tf.Tensor, kernel_len: int, stride: int) -> tf.Tensor:
    """The transpose of ``_columns``, [batch, n, k * channels] -> [batch, stride * n, channels]."""
    n, channels = columns.shape[1], columns.shape[2] // kernel_len
    lead, frames, before, after = _geometry(kernel_len, stride)
    unused = [before * channels, after * channels]
    columns = tf.pad(columns, [[0, 0], [frames - 1, frames - 1], unused])
    width, first = stride * channels, frames - 1 + lead
    places = ((first - i, i * width) for i in range(frames))
    blocks = [columns[:, at : at + n, left : left + width] for at, left in places]
    return tf.reshape(tf.add_n(blocks), [-1, stride * n, channels])
