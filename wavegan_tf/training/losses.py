"""The four GAN losses and the two of the Q-network: arrays in, scalars out.

WaveGAN (Donahue et al. 2019) and its published code; WGAN-GP: Gulrajani et al. 2017. The logits
are D(G(z)) and D(x), each [batch]; ``loss`` is one of ``options.LOSSES``.
"""

import tensorflow as tf

PENALTY_WEIGHT = 10.0
CLIP = 0.01  # of the Discriminator's weights, wgan


def discriminator_loss(loss: str, logits_fake: tf.Tensor, logits_real: tf.Tensor) -> tf.Tensor:
    """Computes the Discriminator's loss, a scalar, without the penalty of wgan-gp.

    For wgan and wgan-gp it is the negative of the estimated Wasserstein distance.
    """
    if loss in ("wgan-gp", "wgan"):
        return tf.reduce_mean(logits_fake) - tf.reduce_mean(logits_real)
    if loss == "lsgan":
        real = tf.reduce_mean(tf.square(logits_real - 1.0))
        return (real + tf.reduce_mean(tf.square(logits_fake))) / 2.0
    real = _sigmoid_cross_entropy(tf.ones_like(logits_real), logits_real)
    return (real + _sigmoid_cross_entropy(tf.zeros_like(logits_fake), logits_fake)) / 2.0


def generator_loss(loss: str, logits_fake: tf.Tensor) -> tf.Tensor:
    """Computes the Generator's loss, a scalar."""
    if loss in ("wgan-gp", "wgan"):
        return -tf.reduce_mean(logits_fake)
    if loss == "lsgan":
        return tf.reduce_mean(tf.square(logits_fake - 1.0))
    return _sigmoid_cross_entropy(tf.ones_like(logits_fake), logits_fake)


def code_loss(model: str, code: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    """Computes the cross-entropy, a scalar, of codes and the logits of Q, both [batch, num_categ].

    Softmax of a ``ciwgan``; of a ``fiwgan`` sigmoid, the mean over its bits.
    """
    if model == "ciwgan":
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=code, logits=logits))
    return _sigmoid_cross_entropy(code, logits)


def _sigmoid_cross_entropy(labels: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
