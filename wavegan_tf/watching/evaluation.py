"""The networks of a training, asked outside it.

Always in whole batches of one size, so that nothing is compiled twice.
"""

import numpy as np
import tensorflow as tf

from wavegan_tf.analysis.averages import average_feature_maps
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks

BATCH = 16


class Evaluation:
    """Generator, Discriminator and Q-network, from arrays to arrays, without phase shuffle."""

    def __init__(self, networks: Networks, config: ModelConfig):
        """Makes the functions; each is traced at its first use."""
        self.config = config
        z_spec = tf.TensorSpec([BATCH, config.latent_dim])
        audio_spec = tf.TensorSpec([BATCH, config.slice_len, config.num_channels])
        self._generate = tf.function(networks.generator, input_signature=[z_spec])
        self._criticise = tf.function(
            lambda audio: networks.discriminator(audio)["logits"], input_signature=[audio_spec]
        )
        self._name_codes = tf.function(
            lambda z: networks.q(networks.generator(z)["out"])["logits"], input_signature=[z_spec]
        )

    def generate(self, z: np.ndarray) -> np.ndarray:
        """Audio of latents [n, latent_dim]: float32 [n, slice_len, num_channels]."""
        return _in_batches(lambda batch: {"out": self._generate(batch)["out"]}, z)["out"]

    def average_layers(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """The averaged layers (eq. 4) of latents [n, latent_dim], unclipped.

        Returns:
            By layer [n, length] at its own rate; ``out`` is the audio, [n, slice_len,
            num_channels], or [n, slice_len] of mono.
        """

        def run(batch):
            outputs = self._generate(batch)
            series = {}
            for layer in self.config.layers:
                activation = outputs[layer.name].numpy()
                keep = layer.name == "out" and layer.channels > 1
                series[layer.name] = activation if keep else average_feature_maps(activation)
            return series

        return _in_batches(run, z)

    def criticise(self, audio: np.ndarray) -> float:
        """Mean D(audio) of [n, slice_len, num_channels]."""
        logits = _in_batches(lambda batch: {"logits": self._criticise(batch)}, audio)["logits"]
        return float(np.mean(logits))

    def q_accuracy(self, z: np.ndarray) -> dict[str, float]:
        """How often the Q-network names the code of what the Generator makes of it.

        Args:
            z: [n, latent_dim], the code first.

        Returns:
            ``Q_accuracy``, the share of outputs whose whole code is right; then ``Q_accuracy/c1``
            ..: ciwGAN, the share of right ones among the outputs of a code (left out where there
            are none); fiwGAN, the share of outputs of which the bit is right.
        """
        logits = _in_batches(lambda batch: {"logits": self._name_codes(batch)}, z)["logits"]
        code = z[:, : self.config.num_categ]
        if self.config.model == "fiwgan":
            right = (logits > 0) == (code > 0.5)  # [n, bits]
            shares = right.mean(axis=0)
            whole = right.all(axis=1)
        else:
            whole = logits.argmax(axis=1) == code.argmax(axis=1)  # [n]
            counts = code.sum(axis=0)
            shares = (code * whole[:, None]).sum(axis=0) / np.where(counts, counts, np.nan)
        named = {f"Q_accuracy/c{i + 1}": float(share) for i, share in enumerate(shares)}
        of_codes = {name: share for name, share in named.items() if np.isfinite(share)}
        return {"Q_accuracy": float(whole.mean())} | of_codes


def fixed_latents(config: ModelConfig, seed: int, most: int) -> dict[str, np.ndarray]:
    """Latents that stay the same throughout a training.

    Args:
        config: The model.
        seed: Of the training.
        most: How many at most.

    Returns:
        Vectors [latent_dim] by name. ciwGAN and fiwGAN: one z with every code, ``c1`` .. or the
        bits ``000`` ..; WaveGAN: eight vectors, ``1`` .. .
    """
    if not config.num_categ:
        vectors = sample_latents(config, min(8, most), seed)
        return {str(i + 1): vector for i, vector in enumerate(vectors)}
    if config.model == "ciwgan":
        codes = {f"c{i + 1}": row for i, row in enumerate(np.eye(config.num_categ)[:most])}
    else:
        bits = [f"{i:0{config.num_categ}b}" for i in range(min(2**config.num_categ, most))]
        codes = {text: np.array([float(bit) for bit in text]) for text in bits}
    (vector,) = sample_latents(config, 1, seed)
    latents = {}
    for name, code in codes.items():
        latents[name] = np.concatenate([code, vector[config.num_categ :]]).astype(np.float32)
    return latents


def fresh_latents(config: ModelConfig, n: int, seed: int, step: int) -> np.ndarray:
    """Latents of one summary, float32 [n, latent_dim]; the codes of a ciwGAN in turn."""
    fresh_seed = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
    z = sample_latents(config, n, fresh_seed)
    if config.model == "ciwgan":
        z[:, : config.num_categ] = np.eye(config.num_categ)[np.arange(n) % config.num_categ]
    return z


def _in_batches(function, array: np.ndarray) -> dict[str, np.ndarray]:
    """Runs a function on [BATCH, ...] at a time; the last batch is filled up from the first.

    With real examples, because batch norm would mix zeros into the others.
    """
    n = len(array)
    parts = []
    for start in range(0, n, BATCH):
        batch = array[np.arange(start, start + BATCH) % n]
        values = function(tf.constant(batch, tf.float32))
        parts.append(
            {name: np.asarray(value, np.float32)[: n - start] for name, value in values.items()}
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
