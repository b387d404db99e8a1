"""The two updates: of the Discriminator, and of Generator and Q-network.

Every random draw is a pure function of (seed, number of the update), so the random state of a run
is its seed and how far it is. With replicas (tf.distribute) each takes its rows of the global
batch and of its draws, and gradients are averaged: n replicas with batches of B / n compute what
one computes with B.
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


def draw(config: ModelConfig, batch_size: int, key) -> Draws:
    """Draws what one update needs.

    Args:
        config: The model.
        batch_size: Examples in the update.
        key: The run's seed and the number of the update, int64 [2].

    Returns:
        The draws; the code as in :func:`wavegan_tf.latents.sample_latents`.
    """
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


def update_discriminator(networks, optimizers, loss, x, draws, xla=False) -> dict:
    """One Discriminator update.

    Args:
        networks: Generator and Discriminator.
        optimizers: Theirs.
        loss: One of ``losses.LOSSES``.
        x: Real audio, [batch, slice_len, num_channels], or with replicas a value for each.
        draws: The update's random numbers, of the global batch.
        xla: Compile the gradients with XLA.

    Returns:
        Scalars by name: ``D_loss``; of wgan and wgan-gp its parts, ``D_wasserstein``, the estimate
        of the distance, and ``D_penalty``, weighted, with ``D_slope``, the mean slope;
        ``D_grad_norm``, the norm of all gradients.
    """

    def gradients(x, draws):
        return discriminator_gradients(networks, loss, x, _rows_of_replica(draws))

    variables = optimizers.discriminator.variables
    values, gradients = _average(gradients, (x, draws), variables, xla)
    optimizers.discriminator.apply(gradients)
    if loss == "wgan":
        for variable in variables:
            variable.assign(tf.clip_by_value(variable, -losses.CLIP, losses.CLIP))
    return values | {"D_grad_norm": tf.linalg.global_norm(gradients)}


def update_generator(networks, optimizers, loss, draws, xla=False) -> dict:
    """One update of the Generator and, with a code, of the Q-network.

    Both gradients are of the same weights; the Generator's step comes first, then that of the
    Q-network's loss, over the variables of both.

    Args:
        networks: All of the model's.
        optimizers: Theirs.
        loss: One of ``losses.LOSSES``.
        draws: The update's random numbers, of the global batch.
        xla: Compile the gradients with XLA.

    Returns:
        Scalars by name: ``G_loss``, ``G_grad_norm`` and, with a code, ``Q_loss``, ``Q_grad_norm``.
    """

    def gradients(draws):
        return generator_gradients(networks, loss, _rows_of_replica(draws))

    variables = list(optimizers.generator.variables)
    q_variables = list(optimizers.q.variables) if optimizers.q else []
    values, gradients = _average(gradients, (draws,), variables + q_variables, xla)
    gradients, q_gradients = gradients[: len(variables)], gradients[len(variables) :]
    optimizers.generator.apply(gradients)
    values["G_grad_norm"] = tf.linalg.global_norm(gradients)
    if optimizers.q:
        optimizers.q.apply(q_gradients)
        values["Q_grad_norm"] = tf.linalg.global_norm(q_gradients)
    return values


def discriminator_gradients(networks, loss, x, draws):
    """Losses and gradients of the Discriminator, in one replica.

    Args:
        networks: Generator and Discriminator.
        loss: One of ``losses.LOSSES``.
        x: Real audio, [batch, slice_len, num_channels].
        draws: Of this batch.

    Returns:
        Scalars by name, and a gradient for each trainable variable of the Discriminator.
    """
    discriminator = networks.discriminator
    fake_shifts, real_shifts, penalty_shifts, _ = _shifts(draws)
    values = {}
    fake = networks.generator(draws.z, training=True)["out"]
    with tf.GradientTape() as tape:
        logits_fake = discriminator(fake, shifts=fake_shifts)["logits"]
        logits_real = discriminator(x, shifts=real_shifts)["logits"]
        value = losses.discriminator_loss(loss, logits_fake, logits_real)
        if loss in ("wgan", "wgan-gp"):
            values["D_wasserstein"] = -value
        if loss == "wgan-gp":
            between = losses.interpolate(x, fake, draws.alpha)
            with tf.GradientTape() as inner:
                inner.watch(between)
                logits = discriminator(between, shifts=penalty_shifts)["logits"]
            slopes = losses.slopes(inner.gradient(logits, between))
            penalty = losses.PENALTY_WEIGHT * losses.gradient_penalty(slopes)
            value += penalty
            values |= {"D_penalty": penalty, "D_slope": tf.reduce_mean(slopes)}
    gradients = tape.gradient(value, discriminator.trainable_variables)
    return {"D_loss": value} | values, gradients


def generator_gradients(networks, loss, draws):
    """Losses and gradients of the Generator and, with a code, the Q-network, in one replica.

    Args:
        networks: All of the model's.
        loss: One of ``losses.LOSSES``.
        draws: Of this batch.

    Returns:
        Scalars by name, and gradients: of ``G_loss`` for the Generator's variables, then with a
        code of ``Q_loss`` for those of the Q-network and the Generator.
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
    gradients = tape.gradient(values["G_loss"], generator.trainable_variables)
    if q is not None:
        q_variables = q.trainable_variables + generator.trainable_variables
        gradients += tape.gradient(values["Q_loss"], q_variables)
    return values, gradients


def _average(function, arguments, variables, xla):
    """Runs ``function`` in every replica; the means of its scalars and of its gradients."""
    strategy = tf.distribute.get_strategy()
    if xla:
        function = tf.function(function, jit_compile=True)
    values, gradients = strategy.run(function, arguments)
    mean = tf.distribute.ReduceOp.MEAN
    values = {name: strategy.reduce(mean, value, axis=None) for name, value in values.items()}
    pairs = [(g, variable.value) for g, variable in zip(gradients, variables, strict=True)]
    return values, strategy.extended.batch_reduce_to(mean, pairs)


def _rows_of_replica(draws: Draws) -> Draws:
    """This replica's rows of the global batch's draws; the shifts are everyone's."""
    replica = tf.distribute.get_replica_context()
    num_rows = draws.z.shape[0] // replica.num_replicas_in_sync
    first = num_rows * replica.replica_id_in_sync_group
    z, alpha = (array[first : first + num_rows] for array in (draws.z, draws.alpha))
    return Draws(z, alpha, draws.shifts)


def _shifts(draws: Draws):
    return [None] * 4 if draws.shifts is None else tf.unstack(draws.shifts)
