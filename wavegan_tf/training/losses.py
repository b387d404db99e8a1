"""The four GAN losses and the two of the Q-network: arrays in, scalars out.

WaveGAN (Donahue et al. 2019) and its published code; WGAN-GP: Gulrajani et al. 2017. Each
discriminator loss takes the logits [batch] on generated and on real audio.
"""

import tensorflow as tf

LOSSES = ("wgan-gp", "wgan", "lsgan", "dcgan")
PENALTY_WEIGHT = 10.0
CLIP = 0.01  # of the Discriminator's weights, wgan


def discriminator_loss(loss: str, logits_fake, logits_real):
    """Loss of the Discriminator, without the penalty of wgan-gp.

    Args:
        loss: One of ``LOSSES``.
        logits_fake: D(G(z)), [batch].
        logits_real: D(x), [batch].

    Returns:
        Scalar. For wgan and wgan-gp the negative of the estimated Wasserstein distance.
    """
    if loss in ("wgan-gp", "wgan"):
        return tf.reduce_mean(logits_fake) - tf.reduce_mean(logits_real)
    if loss == "lsgan":
        real = tf.reduce_mean(tf.square(logits_real - 1.0))
        return (real + tf.reduce_mean(tf.square(logits_fake))) / 2.0
    real = _sigmoid_cross_entropy(tf.ones_like(logits_real), logits_real)
    return (real + _sigmoid_cross_entropy(tf.zeros_like(logits_fake), logits_fake)) / 2.0


def generator_loss(loss: str, logits_fake):
    """Loss of the Generator, a scalar, from D(G(z)) [batch]."""
    if loss in ("wgan-gp", "wgan"):
        return -tf.reduce_mean(logits_fake)
    if loss == "lsgan":
        return tf.reduce_mean(tf.square(logits_fake - 1.0))
    return _sigmoid_cross_entropy(tf.ones_like(logits_fake), logits_fake)


def gradient_penalty(slopes):
    """E[(slope - 1)^2], a scalar; to be weighted by ``PENALTY_WEIGHT``."""
    return tf.reduce_mean(tf.square(slopes - 1.0))


def slopes(gradients):
    """Norms of D's gradients with respect to its input, [batch, time, channels] -> [batch]."""
    return tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=[1, 2]))


def interpolate(real, fake, alpha):
    """Points between real and generated audio, x + alpha (G(z) - x).

    Args:
        real: [batch, time, channels].
        fake: [batch, time, channels].
        alpha: 0 .. 1 per example, [batch, 1, 1].

    Returns:
        [batch, time, channels].
    """
    return real + alpha * (fake - real)


def code_loss(model: str, code, logits):
    """Cross-entropy between the code and the Q-network's estimate of it.

    Args:
        model: ``ciwgan`` (softmax) or ``fiwgan`` (sigmoid, mean over the bits).
        code: [batch, num_categ].
        logits: Q(G(z)), [batch, num_categ].

    Returns:
        Scalar.
    """
    if model == "ciwgan":
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=code, logits=logits))
    return _sigmoid_cross_entropy(code, logits)


def _sigmoid_cross_entropy(labels, logits):
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))
