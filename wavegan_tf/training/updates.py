"""The two updates: of the Discriminator, and of Generator and Q-network.

Every random draw is a pure function of (seed, number of the update), so the random state of a run
is its seed and how far it is. With replicas (tf.distribute) each takes its rows of the global
batch and of its draws, and gradients are averaged: n replicas with batches of B / n compute what
one computes with B.
"""

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.training import losses
from wavegan_tf.training.optimizers import Optimizer, RMSProp, make_optimizer

Q_LEARNING_RATE = 1e-4  # the original's, of the Q-network and, for the code, the Generator


class Optimizers(NamedTuple):
    """The optimisers in the original's order; ``q`` is None without a code."""

    generator: Optimizer
    discriminator: Optimizer
    q: RMSProp | None


class Draws(NamedTuple):
    """The random numbers of one update.

    The phase shuffles are those of D on generated, real and interpolated audio, and of Q.
    """

    z: tf.Tensor  # latent vectors, [batch, latent_dim]
    alpha: tf.Tensor  # places between real and generated audio, [batch, 1, 1]
    shifts: tf.Tensor | None  # int32 [4, depth - 1], None for none


def make_optimizers(
    networks: Networks, loss: str, learning_rate: float | None = None
) -> Optimizers:
    """Makes the optimisers of a training at their start.

    A ``learning_rate`` takes the place of the original's, half of it that of the Q-network's.
    """
    of_g, of_d, of_q = (network.trainable_variables if network else [] for network in networks)
    generator = make_optimizer(loss, of_g, learning_rate)
    discriminator = make_optimizer(loss, of_d, learning_rate)
    q_rate = learning_rate / 2 if learning_rate else Q_LEARNING_RATE
    q = RMSProp(of_q + of_g, q_rate) if networks.q else None
    return Optimizers(generator, discriminator, q)


def draw(config: ModelConfig, batch_size: int, key: tf.Tensor) -> Draws:
    """Draws what one update needs, the code as :func:`wavegan_tf.latents.sample_latents` does.

    ``key`` is the run's seed and the number of the update, int64 [2].
    """
    z_key, code_key, alpha_key, shift_key = (
        tf.random.experimental.stateless_fold_in(key, i) for i in range(4)
    )
    num_categ = config.num_categ
    z = tf.random.stateless_uniform([batch_size, config.latent_dim - num_categ], z_key, -1.0, 1.0)
    if config.model == "ciwgan":
        chosen = tf.random.stateless_uniform([batch_size], code_key, 0, num_categ, tf.int32)
        code = tf.one_hot(chosen, num_categ)
    else:
        bits = tf.random.stateless_uniform([batch_size, num_categ], code_key, 0, 2, tf.int32)
        code = tf.cast(bits, tf.float32)
    alpha = tf.random.stateless_uniform([batch_size, 1, 1], alpha_key)
    shifts = None
    if rad := config.phaseshuffle:
        shape = [4, config.depth - 1]
        shifts = tf.random.stateless_uniform(shape, shift_key, -rad, rad + 1, tf.int32)
    return Draws(tf.concat([code, z], axis=1), alpha, shifts)


def update_discriminator(
    networks: Networks,
    optimizers: Optimizers,
    loss: str,
    x: tf.Tensor,
    draws: Draws,
) -> dict[str, tf.Tensor]:
    """Updates the Discriminator once.

    ``x`` is real audio, [batch, slice_len, num_channels], or with replicas a value for each;
    ``draws`` are of the global batch.

    Returns:
        Scalars by name: ``D_loss``; of wgan and wgan-gp its parts, ``D_wasserstein``, the estimate
        of the distance, and ``D_penalty``, weighted, with ``D_slope``, the mean slope;
        ``D_grad_norm``, the norm of all gradients.
    """
    variables = optimizers.discriminator.variables
    function = functools.partial(discriminator_gradients, networks, loss)
    values, gradients = _average(function, (draws, x), variables)
    optimizers.discriminator.apply(gradients)
    if loss == "wgan":
        for variable in variables:
            variable.assign(tf.clip_by_value(variable, -losses.CLIP, losses.CLIP))
    return values | {"D_grad_norm": tf.linalg.global_norm(gradients)}


def update_generator(
    networks: Networks, optimizers: Optimizers, loss: str, draws: Draws
) -> dict[str, tf.Tensor]:
    """Updates the Generator and, with a code, the Q-network once; returns scalars by name.

    Both gradients are of the same weights; the Generator's step comes first, then that of the
    Q-network's loss, over the variables of both. Arguments as of :func:`update_discriminator`.
    """
    variables = optimizers.generator.variables
    q_variables = optimizers.q.variables if optimizers.q else []
    function = functools.partial(generator_gradients, networks, loss)
    values, gradients = _average(function, (draws,), variables + q_variables)
    gradients, q_gradients = gradients[: len(variables)], gradients[len(variables) :]
    optimizers.generator.apply(gradients)
    values["G_grad_norm"] = tf.linalg.global_norm(gradients)
    if optimizers.q:
        optimizers.q.apply(q_gradients)
        values["Q_grad_norm"] = tf.linalg.global_norm(q_gradients)
    return values


def discriminator_gradients(
    networks: Networks, loss: str, draws: Draws, x: tf.Tensor
) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
    """Computes losses, scalars by name, and the Discriminator's gradients in one replica."""
    discriminator, draws = networks.discriminator, _rows_of_replica(draws)
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
            between = x + draws.alpha * (fake - x)
            with tf.GradientTape() as inner:
                inner.watch(between)
                logits = discriminator(between, shifts=penalty_shifts)["logits"]
            squares = tf.square(inner.gradient(logits, between))
            slopes = tf.sqrt(tf.reduce_sum(squares, axis=[1, 2]))  # [batch]
            penalty = losses.PENALTY_WEIGHT * tf.reduce_mean(tf.square(slopes - 1.0))
            value += penalty
            values |= {"D_penalty": penalty, "D_slope": tf.reduce_mean(slopes)}
    gradients = tape.gradient(value, discriminator.trainable_variables)
    return {"D_loss": value} | values, gradients


def generator_gradients(
    networks: Networks, loss: str, draws: Draws
) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
    """Computes losses, scalars by name, and gradients of ``G_loss`` in one replica.

    With a code gradients of ``Q_loss`` on the variables of Q-network and Generator follow.
    """
    (generator, discriminator, q), draws = networks, _rows_of_replica(draws)
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


def _average(
    function: Callable, arguments: tuple, variables: Sequence
) -> tuple[dict[str, tf.Tensor], list[tf.Tensor]]:
    """Runs ``function`` in every replica; the means of its scalars and of its gradients."""
    strategy = tf.distribute.get_strategy()
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


def _shifts(draws: Draws) -> list[tf.Tensor | None]:
    return [None] * 4 if draws.shifts is None else tf.unstack(draws.shifts)
