"""How strongly each feature map of a layer is read by the layer after it."""

import numpy as np

from wavegan_tf.models.networks import Discriminator, Generator


def outgoing_weights(network: Generator | Discriminator, layer_name: str) -> np.ndarray:
    """Weighs a layer's feature maps by the layer after it, float64 [channels] of sum 1.

    The weight of a map is the L2 norm of all that multiplies it in the kernel of the next
    (transposed) convolution or dense layer, over the sum of these norms; biases and batch
    normalisation are left aside. The channels of the audio ``out``, which nothing reads, weigh the
    same, as do maps that a kernel of zeros reads.

    Raises:
        ValueError: The network has no such layer.
    """
    is_generator = isinstance(network, Generator)
    config = network.config
    layers = config.every_layer if is_generator else config.classifier_layers
    names = [layer.name for layer in layers]
    if layer_name not in names:
        raise ValueError(f"no layer {layer_name!r} in {network.name}; there are {', '.join(names)}")
    following = names.index(layer_name) + 1
    channels = layers[following - 1].channels
    if following < len(layers):
        block = f"upconv_{following - 1}" if is_generator else f"downconv_{following}"
        conv = getattr(network, block).conv
        # A transposed convolution's is [k, out, in], any other [k, in, out].
        is_transposed = is_generator and config.upsample == "zeros"
        kernel = np.moveaxis(conv.kernel.numpy(), 2 if is_transposed else 1, 0)
    elif is_generator:
        kernel = np.ones([channels, 1])
    else:
        kernel = network.output_dense.dense.kernel.numpy()  # [time * channels, units]
        kernel = kernel.reshape(-1, channels, kernel.shape[1]).swapaxes(0, 1)
    norms = np.linalg.norm(kernel.reshape(channels, -1).astype(np.float64), axis=1)  # [channels]
    if not norms.any():
        norms[:] = 1
    return norms / norms.sum()
