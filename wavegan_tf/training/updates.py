"""One training step: five Discriminator updates, then one of Generator and Q-network.

Every random draw is a pure function of (seed, step, update), so the random state of a run is its
seed and its step.
"""

from typing import NamedTuple

import tensorflow as tf

from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.training import losses
from wavegan_tf.training.optimizers import Adam, RMSProp, make_optimizer, make_q_optimizer


class Optimizers(NamedTuple):
    """The optimisers in the original's order; ``q`` is None without a code."""

    generator: Adam | RMSProp
    discriminator: Adam | RMSProp
    q: RMSProp | None


class Draws(NamedTuple):
    """The random numbers of one update.

    Attributes:
        z: Latent vectors, [batch, latent_dim].
        alpha: Places between real and generated audio, [batch, 1, 1].
        shifts: Phase shuffles, int32 [4, depth - 1]: of D on generated, real and interpolated
            audio, and of Q. None for none.
    """

    z: tf.Tensor
    alpha: tf.Tensor
    shifts: tf.Tensor | None


def make_optimizers(networks: Networks, loss: str) -> Optimizers:
    """Makes the optimisers of a training with the given loss, at their start."""
    generator = make_optimizer(loss, networks.generator.trainable_variables)
    discriminator = make_optimizer(loss, networks.discriminator.trainable_variables)
    q = None
    if networks.q is not None:
        q_variables = networks.q.trainable_variables + networks.generator.trainable_variables
        q = make_q_optimizer(q_variables)
    return Optimizers(generator, discriminator, q)


def draw(config: ModelConfig, batch_size: int, seed, update) -> Draws:
    """Draws what one update needs.

    Args:
        config: The model.
        batch_size: Examples in the update.
        seed: Scalar int64.
        update: Scalar int64, unique in the run.

    Returns:
        The draws; the code as in :func:`wavegan_tf.latents.sample_latents`.
    """
    key = tf.stack([seed, update])
    z_key, code_key, alpha_key, shift_key = (
        tf.random.experimental.stateless_fold_in(key, i) for i in range(4)
    )
    num_z = config.latent_dim - config.num_categ
    z = tf.random.stateless_uniform([batch_size, num_z], z_key, -1.0, 1.0)
    if config.model == "ciwgan":
        chosen = tf.random.stateless_uniform(
            [batch_size], code_key, 0, config.num_categ, dtype=tf.int32
        )
        code = tf.one_hot(chosen, config.num_categ)
    else:
        code = tf.cast(
            tf.random.stateless_uniform(
                [batch_size, config.num_categ], code_key, 0, 2, dtype=tf.int32
            ),
            tf.float32,
        )
    alpha = tf.random.stateless_uniform([batch_size, 1, 1], alpha_key)
    shifts = None
    if config.phaseshuffle:
        rad = config.phaseshuffle
        shape = [4, config.depth - 1]
        shifts = tf.random.stateless_uniform(shape, shift_key, -rad, rad + 1, dtype=tf.int32)
    return Draws(tf.concat([code, z], axis=1), alpha, shifts)


def update_discriminator(networks, optimizers, loss, x, draws) -> dict:
    """One Discriminator update.

    Args:
        networks: Generator and Discriminator.
        optimizers: Theirs.
        loss: One of ``losses.LOSSES``.
        x: Real audio, [batch, slice_len, num_channels].
        draws: The update's random numbers.

    Returns:
        Scalars by name: ``D_loss``.
    """
    discriminator = networks.discriminator
    fake_shifts, real_shifts, penalty_shifts, _ = _shifts(draws)
    fake = networks.generator(draws.z, training=True)["out"]
    with tf.GradientTape() as tape:
        logits_fake = discriminator(fake, shifts=fake_shifts)["logits"]
        logits_real = discriminator(x, shifts=real_shifts)["logits"]
        value = losses.discriminator_loss(loss, logits_fake, logits_real)
        if loss == "wgan-gp":
            between = losses.interpolate(x, fake, draws.alpha)
            with tf.GradientTape() as inner:
                inner.watch(between)
                logits = discriminator(between, shifts=penalty_shifts)["logits"]
            slopes = losses.slopes(inner.gradient(logits, between))
            value += losses.PENALTY_WEIGHT * losses.gradient_penalty(slopes)
    variables = optimizers.discriminator.variables
    optimizers.discriminator.apply(tape.gradient(value, variables))
    if loss == "wgan":
        for variable in variables:
            variable.assign(tf.clip_by_value(variable, -losses.CLIP, losses.CLIP))
    return {"D_loss": value}


def update_generator(networks, optimizers, loss, draws) -> dict:
    """One update of the Generator and, with a code, of the Q-network.

    Both gradients are of the same weights; the Generator's step comes first, then that of the
    Q-network's loss, over the variables of both.

    Args:
        networks: All of the model's.
        optimizers: Theirs.
        loss: One of ``losses.LOSSES``.
        draws: The update's random numbers.

    Returns:
        Scalars by name: ``G_loss`` and, with a code, ``Q_loss``.
    """
    generator, discriminator, q = networks
    fake_shifts, _, _, q_shifts = _shifts(draws)
    values = {}
    with tf.GradientTape(persistent=q is not None) as tape:
        fake = generator(draws.z, training=True)["out"]
        logits = discriminator(fake, shifts=fake_shifts)["logits"]
        values["G_loss"] = losses.generator_loss(loss, logits)
        if q is not None:
            code = draws.z[:, : q.config.num_categ]
            q_logits = q(fake, shifts=q_shifts)["logits"]
            values["Q_loss"] = losses.code_loss(q.config.model, code, q_logits)
    gradients = tape.gradient(values["G_loss"], optimizers.generator.variables)
    if q is not None:
        q_gradients = tape.gradient(values["Q_loss"], optimizers.q.variables)
    optimizers.generator.apply(gradients)
    if q is not None:
        optimizers.q.apply(q_gradients)
    return values


def _shifts(draws: Draws):
    return [None] * 4 if draws.shifts is None else tf.unstack(draws.shifts)
