"""A generator whose causes are known by construction, to be found again.

``out`` is a voiced stretch (F0 from z1, level from z2) and, before it, a burst of noise whose level
follows one latent variable, its distance from 0, or the product of two, or nothing that can be
told. Small contributions of z10 .. z29 to the level keep the burst's presence from being a plain
threshold. The other layers are what an averaged layer would be: the rectified output, averaged over
the samples of the layer's own rate.
"""

from types import SimpleNamespace

import numpy as np
import tensorflow as tf

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.latents import latent_index
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks

NOISE_S = (0.15, 0.30)
"""When the burst begins and ends."""

NOISE_HZ = (3000, 5000)
"""Where its energy is."""

VOICED_S = (0.45, 0.85)

SHAPES = {
    "monotone": lambda u, z: u,
    "even": lambda u, z: tf.abs(u) - 0.2,
    "outside": lambda u, z: tf.abs(u) - 2.6,  # no burst below 3
    "none": lambda u, z: tf.sin(1000 * tf.reduce_sum(z, axis=1)) - 0.3,  # a coin for each vector
}
"""What the level follows: the planted latent, its distance from 0, that beyond 3, or chance."""


class PlantedGenerator:
    """Latent vectors to audio, by construction.

    The level of the burst is max(0, u - 0.4) / 4, at most 0.3, where u is the planted latent, or
    the product of the planted pair, in one of :data:`SHAPES`; with training latents about a fifth
    of the outputs have it.
    """

    def __init__(
        self, config: ModelConfig, cause=("z3",), seed=0, shape="monotone", voice="drawn", gain=1
    ):
        """Plants one latent variable, or two whose product counts.

        ``voice`` is ``drawn``, at a ``stride`` (F0 125 Hz) or ``same`` in every output; ``gain``
        multiplies all layers but the output.
        """
        self.config, self.shape, self.voice = config, SHAPES[shape], voice
        rate = config.sample_rate
        self.times_s = (np.arange(config.slice_len) + 0.5) / rate
        spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(config.slice_len))
        hz = np.fft.rfftfreq(config.slice_len, 1 / rate)
        spectrum[(hz < NOISE_HZ[0]) | (hz > NOISE_HZ[1])] = 0
        noise = np.fft.irfft(spectrum, config.slice_len)
        self.noise = (noise / noise.std() * self._window(*NOISE_S)).astype(np.float32)
        self.voiced = self._window(*VOICED_S).astype(np.float32)
        self.columns = [latent_index(name, config) for name in cause]
        first = config.num_categ
        self.f0, self.level = first, first + 1
        self.small = slice(first + 9, first + 29)
        rng = np.random.default_rng([seed, 1])
        self.gains = {
            layer.name: gain * rng.uniform(0.2, 1.8, layer.channels).astype(np.float32)
            for layer in config.layers
        }

    def _window(self, start_s, end_s):
        """1 within a stretch, 0 outside, with edges of 10 ms."""
        rise = (self.times_s - start_s) / 0.01, (end_s - self.times_s) / 0.01
        return np.clip(np.minimum(*rise), 0, 1)

    def __call__(self, z):
        """Latent vectors [batch, latent_dim] to every layer's output, in order."""
        z = tf.convert_to_tensor(z)
        z = 0 * z if self.voice == "same" else z
        f0_hz = 140 + 20 * tf.clip_by_value(z[:, self.f0], -2, 2)[:, tf.newaxis]
        f0_hz = 0 * f0_hz + 125 if self.voice == "stride" else f0_hz
        phase = 2 * np.pi * f0_hz * self.times_s.astype(np.float32)  # [batch, time]
        voice = sum(tf.sin(k * phase) / k for k in range(1, 7))
        loudness = 0.2 * (1 + 0.2 * tf.clip_by_value(z[:, self.level], -2, 2))[:, tf.newaxis]
        u = self.shape(tf.reduce_prod(tf.gather(z, self.columns, axis=1), axis=1), z)
        u += 0.05 * tf.reduce_sum(tf.clip_by_value(z[:, self.small], -1, 1), axis=1)
        gain = tf.minimum(tf.maximum(u - 0.4, 0.0) / 4, 0.3)[:, tf.newaxis]
        out = tf.tanh(loudness * voice * self.voiced + gain * self.noise)  # [batch, time]
        outputs = {}
        for layer in self.config.layers[:-1]:
            blocks = tf.reshape(tf.nn.relu(out), [tf.shape(out)[0], layer.length, -1])
            average = tf.reduce_mean(blocks, axis=-1)  # [batch, layer.length]
            outputs[layer.name] = average[:, :, tf.newaxis] * self.gains[layer.name]
        outputs["out"] = out[:, :, tf.newaxis]
        return outputs


def opened(cause=("z3",), seed=0, shape="monotone", voice="drawn", gain=1, **options) -> Opened:
    """What open_checkpoint would give of such a generator."""
    config = ModelConfig(**{"dim": 1, **options})
    checkpoint = SimpleNamespace(prefix="planted", sha256=lambda: "0" * 64)
    generator = PlantedGenerator(config, cause, seed, shape, voice, gain)
    return Opened(config, Networks(generator, None, None), 0, "planted", checkpoint)


def model(*given, **options) -> Model:
    """The same as a Model."""
    return Model(opened(*given, **options))
