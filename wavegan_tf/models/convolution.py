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
"""

import tensorflow as tf


def choose_form(xla: bool) -> str:
    """The form for this machine: the measured best on a CPU, a GPU's own convolutions there."""
    if xla:
        return "matmul"
    return "keras" if tf.config.list_logical_devices("GPU") else "mixed"


def down(x, kernel, stride, form):
    """Strided convolution.

    Args:
        x: [batch, stride * n, channels].
        kernel: [k, channels, out].
        stride: Samples.
        form: ``mixed`` or ``matmul``.

    Returns:
        [batch, n, out], the convolution with 'SAME' padding.
    """

    @tf.custom_gradient
    def convolve(x, kernel):
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

        def gradient(dy):
            return (
                up(dy, kernel, stride, form),
                kernel_gradient(x, dy, kernel.shape[0], stride, form),
            )

        return y, gradient

    return convolve(x, kernel)


def up(y, kernel, stride, form):
    """Transposed convolution.

    Args:
        y: [batch, n, out].
        kernel: [k, channels, out].
        stride: Samples.
        form: As for :func:`down`.

    Returns:
        [batch, stride * n, channels], the transpose of :func:`down`.
    """

    @tf.custom_gradient
    def convolve(y, kernel):
        n, (kernel_len, channels, out) = y.shape[1], kernel.shape
        # A product must be worth adding up its overlaps; TensorFlow is slow at one or two channels.
        if _as_product(form, 4 * n, out, stride) or channels <= 2:
            columns = tf.matmul(
                tf.reshape(y, [-1, out]), tf.reshape(kernel, [-1, out]), transpose_b=True
            )
            columns = tf.reshape(columns, [-1, n, kernel_len * channels])
            x = _overlap_add(columns, kernel_len, stride)
        else:
            shape = [tf.shape(y)[0], stride * n, channels]
            x = tf.nn.conv1d_transpose(y, kernel, shape, stride, "SAME")
            x = tf.ensure_shape(x, [None, stride * n, channels])

        def gradient(dx):
            return (
                down(dx, kernel, stride, form),
                kernel_gradient(dx, y, kernel_len, stride, form),
            )

        return x, gradient

    return convolve(y, kernel)


def kernel_gradient(x, y, kernel_len, stride, form):
    """Gradient of <y, down(x, kernel)> with respect to the kernel.

    Args:
        x: [batch, stride * n, channels].
        y: [batch, n, out].
        kernel_len: k, samples.
        stride: Samples.
        form: As for :func:`down`.

    Returns:
        [k, channels, out].
    """

    @tf.custom_gradient
    def correlate(x, y):
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

        def gradient(dkernel):
            return up(y, dkernel, stride, form), down(x, dkernel, stride, form)

        return kernel, gradient

    return correlate(x, y)


def _as_product(form, n, out, stride):
    """The rule: a matrix product where ``n`` frames are fewer than a quarter of ``out`` channels.

    Never with stride 1, where every form of a convolution is good and the columns are largest.
    """
    return stride > 1 and (form == "matmul" or 4 * n < out)


def _geometry(kernel_len, stride):
    """How a kernel lies over frames of ``stride`` samples.

    Returns:
        Frames before the one of the output; number of frames that the kernel touches; samples in
        them before the kernel, and after it.
    """
    left = max(kernel_len - stride, 0) // 2  # 'SAME', the length a multiple of the stride
    lead = -(-left // stride)
    before = lead * stride - left
    frames = -(-(before + kernel_len) // stride)
    return lead, frames, before, frames * stride - before - kernel_len


def _fold(x, lead, frames, stride):
    """[batch, stride * n, channels] -> [batch, n + frames - 1, stride * channels], zeros around."""
    x = tf.reshape(x, [-1, x.shape[1] // stride, stride * x.shape[2]])
    return tf.pad(x, [[0, 0], [lead, frames - 1 - lead], [0, 0]])


def _columns(x, kernel_len, stride):
    """What the kernel sees, [batch, stride * n, channels] -> [batch * n, k * channels]."""
    n, channels = x.shape[1] // stride, x.shape[2]
    lead, frames, before, after = _geometry(kernel_len, stride)
    x = _fold(x, lead, frames, stride)
    shifted = [x[:, i : i + n] for i in range(frames)]
    shifted[-1] = shifted[-1][:, :, : (stride - after) * channels]
    shifted[0] = shifted[0][:, :, before * channels :]
    return tf.reshape(tf.concat(shifted, axis=2), [-1, kernel_len * channels])


def _overlap_add(columns, kernel_len, stride):
    """The transpose of ``_columns``, [batch, n, k * channels] -> [batch, stride * n, channels]."""
    n, channels = columns.shape[1], columns.shape[2] // kernel_len
    lead, frames, before, after = _geometry(kernel_len, stride)
    unused = [before * channels, after * channels]
    columns = tf.pad(columns, [[0, 0], [frames - 1, frames - 1], unused])
    width, first = stride * channels, frames - 1 + lead
    blocks = [
        columns[:, first - i : first - i + n, i * width : (i + 1) * width] for i in range(frames)
    ]
    return tf.reshape(tf.add_n(blocks), [-1, stride * n, channels])  # [batch, stride * n, channels]
