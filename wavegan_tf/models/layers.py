"""The layers that the networks are made of: projection, up- and down-convolution, phase shuffle.

Variables have the original's shapes but for the transposed kernel, [k, out, in] here and
[1, k, out, in] there. Keras' 'same' padding and transposed convolution equal TensorFlow 1's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from wavegan_tf.models import convolution
from wavegan_tf.models.config import Layer

BATCHNORM_EPSILON = 1e-3  # TensorFlow 1's defaults
PORT_EPSILON = 1e-5  # PyTorch's
BATCHNORM_MOMENTUM = 0.99
LEAK = 0.2  # slope of the leaky ReLU below zero


class Arithmetic(NamedTuple):
    """How convolutions are computed; what they compute, and their variables, stay the same."""

    choice: convolution.Choice | None = None  # None: by the plain Keras layers
    dtype: str = "float32"  # of the products, or bfloat16; variables and results are float32


REFERENCE = Arithmetic()  # plain Keras layers


class ZProject(keras.layers.Layer):
    """Dense projection of the latent vector, [batch, latent] -> [batch, length, channels]."""

    def __init__(
        self, length: int, channels: int, *, batchnorm: bool, of_port: bool, seed: int, name: str
    ):
        """Makes the projection; ``seed`` draws its Glorot-uniform kernel."""
        super().__init__(name=name)
        self.length, self.channels, self.of_port = length, channels, of_port
        self.dense = keras.layers.Dense(length * channels, kernel_initializer=_glorot(seed))
        self.batch_norm = _batch_norm(BATCHNORM_MOMENTUM, of_port) if batchnorm else None

    def call(self, z: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the projection after ReLU; that of the PyTorch port has none."""
        x = self.dense(z)  # [batch, length * channels]
        x = tf.reshape(x, [-1, self.length, self.channels])  # [batch, length, channels]
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=training)
        return x if self.of_port else tf.nn.relu(x)


class _Conv(keras.layers.Layer):
    def build(self, input_shape: tuple) -> None:
        """Makes the convolution's variables."""
        self.conv.build(input_shape)


class UpConv(_Conv):
    """Transposed convolution, [batch, time, in] -> [batch, stride * time, out].

    With ``upsample='nn'``: every sample repeated ``stride`` times, then a convolution of stride 1.
    """

    def __init__(
        self,
        layer: Layer,
        kernel_len: int,
        *,
        upsample: str,
        batchnorm: bool,
        of_port: bool = False,
        activation: Callable,
        arithmetic: Arithmetic = REFERENCE,
        seed: int,
        name: str,
    ):
        """Makes the layer; ``activation`` is a function such as ``tf.nn.relu``."""
        super().__init__(name=name)
        self.stride, self.upsample, self.choice = layer.stride, upsample, arithmetic.choice
        self.activation = activation
        options = _options(arithmetic, seed)
        of_nn = upsample == "nn"
        kind = keras.layers.Conv1D if of_nn else keras.layers.Conv1DTranspose
        self.conv = kind(layer.channels, kernel_len, 1 if of_nn else layer.stride, **options)
        self.batch_norm = _batch_norm(BATCHNORM_MOMENTUM, of_port) if batchnorm else None

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the layer's output after its activation."""
        if self.upsample == "nn":
            x = tf.repeat(x, self.stride, axis=1)  # [batch, stride * time, in]
            x = _convolve(convolution.down, x, self.conv, 1, self.choice)
        else:
            x = _convolve(convolution.up, x, self.conv, self.stride, self.choice)
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=training)
        return self.activation(x)


class DownConv(_Conv):
    """Strided convolution and leaky ReLU, [batch, time, in] -> [batch, time / stride, out].

    Batch normalisation uses the batch's own statistics always, in training and out of it, and
    never moves its averages: so does the original. That of the PyTorch port uses its averages.
    """

    def __init__(
        self,
        layer: Layer,
        kernel_len: int,
        *,
        batchnorm: bool,
        of_port: bool = False,
        slope: float = LEAK,
        arithmetic: Arithmetic = REFERENCE,
        seed: int,
        name: str,
    ):
        """Makes the layer; ``seed`` draws its Glorot-uniform kernel."""
        super().__init__(name=name)
        self.stride, self.choice = layer.stride, arithmetic.choice
        self.of_port, self.slope = of_port, slope
        options = _options(arithmetic, seed)
        self.conv = keras.layers.Conv1D(layer.channels, kernel_len, layer.stride, **options)
        self.batch_norm = _batch_norm(1.0, of_port) if batchnorm else None

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the layer's output after leaky ReLU."""
        x = _convolve(convolution.down, x, self.conv, self.stride, self.choice)
        if self.batch_norm is not None:
            x = self.batch_norm(x, training=not self.of_port)
        if self.choice is None:
            return tf.nn.leaky_relu(x, self.slope)
        return leaky_relu(x, self.slope)


class PostFilter(keras.layers.Layer):
    """The Generator's post filter: one bias-free filter, [batch, time, 1] -> [batch, time, 1]."""

    def __init__(self, length: int, *, seed: int, name: str):
        """Makes a filter of ``length`` samples."""
        super().__init__(name=name)
        self.conv = keras.layers.Conv1D(1, length, use_bias=False, **_options(REFERENCE, seed))

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Returns the filtered audio; training changes nothing."""
        return self.conv(x)


class Logits(keras.layers.Layer):
    """Dense layer on the flattened input, [batch, time, channels] -> [batch, units]."""

    def __init__(self, units: int, *, seed: int, name: str):
        """Makes the layer; ``seed`` draws its Glorot-uniform kernel."""
        super().__init__(name=name)
        self.dense = keras.layers.Dense(units, kernel_initializer=_glorot(seed))

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the logits."""
        return self.dense(tf.reshape(x, [tf.shape(x)[0], x.shape[1] * x.shape[2]]))


def leaky_relu(x: tf.Tensor, slope: float = LEAK) -> tf.Tensor:
    """Computes a leaky ReLU that knows that its second derivative is zero.

    TensorFlow's computes the zeros, and sends them back through all layers before: of a penalty on
    the input gradient two passes in thirteen.
    """

    @tf.custom_gradient
    def compute(x: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(dy: tf.Tensor) -> tf.Tensor:
            # The features only choose a slope for each value.
            features = tf.stop_gradient(x)
            return tf.raw_ops.LeakyReluGrad(gradients=dy, features=features, alpha=slope)

        return tf.nn.leaky_relu(x, slope), gradient

    return compute(x)


def phase_shuffle(x: tf.Tensor, shift: tf.Tensor) -> tf.Tensor:
    """Shifts [batch, time, channels] in time, reflecting at the edge (Donahue et al. 2019, 3.2).

    ``shift`` is a scalar int32, samples, less than ``time`` in size; positive moves later.
    """
    batch, (length, channels) = tf.shape(x)[0], x.shape[1:]
    source = tf.abs(tf.range(length) - shift)  # reflected at the start
    source = length - 1 - tf.abs(length - 1 - source)  # and at the end
    # Of rows of a flat array, for the gradient of a gather along another axis transposes the array.
    source += length * tf.range(batch)[:, None]  # [batch, time]
    return tf.gather(tf.reshape(x, [-1, channels]), source)  # [batch, time, channels]


def _convolve(
    function: Callable,
    x: tf.Tensor,
    conv: keras.layers.Layer,
    stride: int,
    choice: convolution.Choice | None,
) -> tf.Tensor:
    """What the Keras layer ``conv`` computes, by ``function`` in the chosen forms."""
    if choice is None:
        return tf.cast(conv(x), tf.float32)
    kernel = tf.cast(tf.convert_to_tensor(conv.kernel), conv.compute_dtype)
    y = function(tf.cast(x, conv.compute_dtype), kernel, stride, choice)
    return tf.nn.bias_add(tf.cast(y, tf.float32), tf.convert_to_tensor(conv.bias))


def _glorot(seed: int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=seed)


def _options(arithmetic: Arithmetic, seed: int) -> dict[str, Any]:
    policy = "float32" if arithmetic.dtype == "float32" else f"mixed_{arithmetic.dtype}"
    return dict(padding="same", kernel_initializer=_glorot(seed), dtype=policy)


def _batch_norm(momentum: float, of_port: bool) -> keras.layers.Layer:
    epsilon = PORT_EPSILON if of_port else BATCHNORM_EPSILON
    return keras.layers.BatchNormalization(momentum=momentum, epsilon=epsilon)
