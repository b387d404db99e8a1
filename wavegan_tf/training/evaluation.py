"""The networks of a training, asked outside it: arrays in, arrays out, no phase shuffle.

Always in whole batches of one size, so that nothing is compiled twice.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.speech.averages import average

BATCH = 16
MAX_FIXED = 32  # fixed latents: all codes up to so many


class Evaluation:
    """Generator, Discriminator and Q-network of a training; each is traced at its first use."""

    def __init__(self, networks: Networks, config: ModelConfig):
        """Makes the functions."""
        self.config = config
        z = tf.TensorSpec([BATCH, config.latent_dim])
        audio = tf.TensorSpec([BATCH, config.slice_len, config.num_channels])
        self._generate = tf.function(networks.generator, input_signature=[z])
        self._criticise = tf.function(networks.discriminator, input_signature=[audio])
        self._name_codes = tf.function(
            lambda z: networks.q(networks.generator(z)["out"]), input_signature=[z]
        )

    def generate(self, z: np.ndarray) -> np.ndarray:
        """Makes audio of latents [n, latent_dim]: float32 [n, slice_len, num_channels]."""
        return _in_batches(self._generate, z, "out")["out"]

    def average_layers(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Averages the layers (eq. 4) of latents [n, latent_dim], unclipped: by layer [n, length].

        ``out`` of several channels is [n, slice_len, num_channels].
        """
        return average(_in_batches(self._generate, z, *(x.name for x in self.config.layers)))

    def criticise(self, audio: np.ndarray) -> float:
        """Computes the mean of D(audio) over [n, slice_len, num_channels]."""
        return float(np.mean(_in_batches(self._criticise, audio, "logits")["logits"]))

    def q_accuracy(self, z: np.ndarray) -> dict[str, float]:
        """Measures how often the Q-network names the code of what the Generator makes of z.

        ``Q_accuracy`` is the share of outputs whose whole code is right; then ``Q_accuracy/c1`` ..:
        ciwGAN, the share of right ones among the outputs of a code (left out where there are none);
        fiwGAN, the share of outputs of which the bit is right.
        """
        logits = _in_batches(self._name_codes, z, "logits")["logits"]
        code = z[:, : self.config.num_categ]
        if self.config.model == "fiwgan":
            right = (logits > 0) == (code > 0.5)  # [n, bits]
            whole, shares = right.all(axis=1), right.mean(axis=0)
        else:
            whole = logits.argmax(axis=1) == code.argmax(axis=1)  # [n]
            counts = code.sum(axis=0)
            shares = whole @ code / np.where(counts, counts, np.nan)
        named = {f"Q_accuracy/c{i}": float(x) for i, x in enumerate(shares, start=1)}
        of_codes = {name: share for name, share in named.items() if np.isfinite(share)}
        return {"Q_accuracy": float(whole.mean())} | of_codes


def fixed_latents(config: ModelConfig, seed: int) -> dict[str, np.ndarray]:
    """Makes latents that stay the same throughout a training, vectors [latent_dim] by name.

    ciwGAN and fiwGAN: one z with every code (the first 32), ``c1`` .. or the bits ``000`` ..;
    WaveGAN: eight vectors, ``1`` .. .
    """
    if not config.num_categ:
        vectors = sample_latents(config, 8, seed)
        return {str(i): vector for i, vector in enumerate(vectors, start=1)}
    if config.model == "ciwgan":
        rows = np.eye(config.num_categ)[:MAX_FIXED]
        codes = {f"c{i}": row for i, row in enumerate(rows, start=1)}
    else:
        bits = [f"{i:0{config.num_categ}b}" for i in range(min(2**config.num_categ, MAX_FIXED))]
        codes = {text: np.array([float(bit) for bit in text]) for text in bits}
    rest = sample_latents(config, 1, seed)[0, config.num_categ :]
    return {name: np.concatenate([code, rest]).astype(np.float32) for name, code in codes.items()}


def fresh_latents(config: ModelConfig, n: int, seed: int, step: int) -> np.ndarray:
    """Draws latents of one summary, float32 [n, latent_dim]; the codes of a ciwGAN in turn."""
    fresh_seed = int(np.random.SeedSequence([seed, step]).generate_state(1)[0])
    z = sample_latents(config, n, fresh_seed)
    if config.model == "ciwgan":
        z[:, : config.num_categ] = np.eye(config.num_categ)[np.arange(n) % config.num_categ]
    return z


def _in_batches(network: Callable, array: np.ndarray, *names: str) -> dict[str, np.ndarray]:
    """Runs a network on [BATCH, ...] at a time and joins its outputs of these names."""
    n, parts = len(array), []
    for start in range(0, n, BATCH):
        # Filled up from the first, for batch norm would mix zeros into the others.
        outputs = network(tf.constant(array[np.arange(start, start + BATCH) % n], tf.float32))
        parts.append({name: outputs[name].numpy()[: n - start] for name in names})
    return {name: np.concatenate([part[name] for part in parts]) for name in names}
