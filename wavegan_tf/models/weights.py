"""How strongly each feature map of a layer is read by the layer after it."""

import numpy as np

from wavegan_tf.models.networks import Discriminator, Generator


def outgoing_weights(network: Generator | Discriminator, layer_name: str) -> np.ndarray:
    """Weighs a layer's feature maps by the layer after it, for ``--reduce=weighted``.

    The weight of a map is the L2 norm of all that multiplies it in the next layer's kernel, over
    the sum of these norms: the kernel of the next (transposed) convolution, or after a classifier's
    last convolution that of the dense layer of the logits. Biases and batch normalisation, which
    come after that sum over maps, are left aside. The audio ``out`` is read by nothing, and its
    channels weigh the same, as do maps that a kernel of zeros reads.

    Returns:
        float64 [channels], of sum 1.

    Raises:
        ValueError: The network has no such layer.
    """
    is_generator = isinstance(network, Generator)
    config = network.config
    layers = config.layers if is_generator else config.classifier_layers
    names = [layer.name for layer in layers]
    if layer_name not in names:
        raise ValueError(f"no layer {layer_name!r} in {network.name}; there are {', '.join(names)}")
    following = names.index(layer_name) + 1
    channels = layers[following - 1].channels
    if following < config.depth:
        kernel = _kernel_by_input(network, f"{'up' if is_generator else 'down'}conv_{following}")
    elif is_generator:
        kernel = np.ones([channels, 1])
    else:
        kernel = network.output_dense.dense.kernel.numpy()  # [time * channels, units]
        kernel = kernel.reshape(-1, channels, kernel.shape[1]).swapaxes(0, 1)
    norms = np.linalg.norm(kernel.reshape(channels, -1).astype(np.float64), axis=1)  # [channels]
    if not norms.any():
        norms[:] = 1
    return norms / norms.sum()


def _kernel_by_input(network: Generator | Discriminator, name: str) -> np.ndarray:
    """The kernel of a convolution with the channels it reads first, [in, ..]."""
    conv = getattr(network, name).conv
    kernel = conv.kernel.numpy()
    # A transposed convolution's is [k, out, in], any other [k, in, out].
    is_transposed = name.startswith("up") and network.config.upsample == "zeros"
    return np.moveaxis(kernel, 2 if is_transposed else 1, 0)
