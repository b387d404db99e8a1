"""Generator, Discriminator and Q-network.

Each returns every layer's output in one ordered dictionary; there is no other way to call them.
"""

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from wavegan_tf.models import layers
from wavegan_tf.models.config import FC, ModelConfig
from wavegan_tf.models.layers import REFERENCE, Arithmetic


class Generator(keras.Model):
    """Latent vectors to audio, every layer on the way."""

    def __init__(self, config: ModelConfig, seed: int = 0, arithmetic: Arithmetic = REFERENCE):
        """Makes the layers ``z_project``, ``upconv_0`` .. and, if configured, ``pp_filt``."""
        super().__init__(name="G")
        self.config = config
        seeds = _layer_seeds(seed, network=0, count=config.depth + 2)
        self.z_project = layers.ZProject(
            config.fc.length,
            config.fc.channels,
            batchnorm=config.batchnorm,
            of_port=config.of_port,
            seed=seeds[-1],
            name="z_project",
        )
        for i, layer in enumerate(config.layers):
            is_out = layer.name == "out"
            upconv = layers.UpConv(
                layer,
                config.kernel_len,
                upsample=config.upsample,
                batchnorm=config.batchnorm and (config.of_port or not is_out),
                of_port=config.of_port,
                activation=tf.nn.tanh if is_out else tf.nn.relu,
                arithmetic=arithmetic,
                seed=seeds[i],
                name=f"upconv_{i}",
            )
            setattr(self, upconv.name, upconv)
        if config.postfilter_len:
            self.pp_filt = layers.PostFilter(config.postfilter_len, seed=seeds[-2], name="pp_filt")

    @property
    def blocks(self) -> list[keras.layers.Layer]:
        """The layers in the order of their use."""
        names = ["z_project", *(f"upconv_{i}" for i in range(self.config.depth))]
        names += ["pp_filt"] if self.config.postfilter_len else []
        return [getattr(self, name) for name in names]

    def projection(self) -> np.ndarray:
        """Gives the weights of the projection as maps, float32 [latent_dim, 16, channels].

        It makes the projection alone where the network is not built yet.
        """
        fc = self.config.fc
        if not self.z_project.built:
            self.z_project(tf.zeros([1, self.config.latent_dim]))
        return self.z_project.dense.kernel.numpy().reshape(-1, fc.length, fc.channels)

    def call(self, z: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Runs the network on latent vectors, code first, [batch, latent_dim].

        In ``training`` batch norm uses the batch's statistics and moves its averages.

        Returns:
            In order: ``fc`` [batch, 16, channels], the projection, and ``conv1`` .. [batch, time,
            channels] after ReLU (``fc`` of the PyTorch port has none); with a post filter
            ``pre_filter``, the audio before it; ``out`` [batch, slice_len, num_channels], the
            audio.
        """
        return self.run_from(FC, self.z_project(z, training=training), training)

    def run_from(self, name: str, x: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Runs the network on from ``x``, what a layer is to have put out, [batch, time, channels].

        Returns:
            By layer, from this one, as it was given, to ``out``.

        Raises:
            ValueError: There is no such layer.
        """
        names = list(self.config.shapes)
        if name not in names:
            raise ValueError(f"no layer {name!r}; there are {', '.join(names)}")
        outputs, first = {name: x}, names.index(name) + 1
        for name, block in zip(names[first:], self.blocks[first:], strict=True):
            outputs[name] = x = block(x, training=training)
        return outputs


class Discriminator(keras.Model):
    """Audio to one logit, every layer on the way."""

    _LETTER, _NUMBER = "D", 1

    def __init__(self, config: ModelConfig, seed: int = 0, arithmetic: Arithmetic = REFERENCE):
        """Makes the layers ``downconv_0`` .. and ``output_dense``."""
        super().__init__(name=self._LETTER)
        self.config = config
        seeds = _layer_seeds(seed, self._NUMBER, count=len(config.classifier_layers) + 1)
        for i, layer in enumerate(config.classifier_layers):
            downconv = layers.DownConv(
                layer,
                config.kernel_len,
                batchnorm=config.batchnorm and (config.of_port or i > 0),
                of_port=config.of_port,
                slope=config.d_slope if self.name == "D" else config.q_slope,
                arithmetic=arithmetic,
                seed=seeds[i],
                name=f"downconv_{i}",
            )
            setattr(self, downconv.name, downconv)
        units = 1 if self.name == "D" else config.num_categ + config.q_unknown
        self.output_dense = layers.Logits(units, seed=seeds[-1], name="output")

    @property
    def blocks(self) -> list[keras.layers.Layer]:
        """The layers in the order of their use."""
        count = len(self.config.classifier_layers)
        return [*(getattr(self, f"downconv_{i}") for i in range(count)), self.output_dense]

    def call(self, x: tf.Tensor, shifts: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Runs the network on audio, [batch, slice_len, num_channels].

        ``shifts`` are the phase shuffle's, one per convolution but the last, int32 [depth - 1].

        Returns:
            In order: ``conv1`` .. [batch, time, channels] after leaky ReLU and before the
            shuffle; ``logits``, [batch] of the Discriminator, [batch, num_categ] of Q (one more
            where it has an output for none of the codes).
        """
        outputs = {}
        for i, layer in enumerate(self.config.classifier_layers):
            outputs[layer.name] = x = self.blocks[i](x)
            if shifts is not None and i < shifts.shape[0]:
                x = layers.phase_shuffle(x, shifts[i])
        logits = self.output_dense(x)  # [batch, units]
        outputs["logits"] = logits[:, 0] if self.name == "D" else logits
        return outputs


class QNetwork(Discriminator):
    """Audio to the logits of the code: the Discriminator's shape with another last layer."""

    _LETTER, _NUMBER = "Q", 2


class Networks(NamedTuple):
    """The networks of one model; ``discriminator`` and ``q`` are None where there are none."""

    generator: Generator
    discriminator: Any
    q: Any


def build_networks(
    config: ModelConfig,
    seed: int = 0,
    arithmetic: Arithmetic = REFERENCE,
    letters: str = "GDQ",
) -> Networks:
    """Makes the networks of a model and every variable, their weights drawn from ``seed``.

    ``letters`` names those that are wanted; the Generator is always made, Q where there is a code.
    """
    generator = Generator(config, seed, arithmetic)
    generator(tf.zeros([1, config.latent_dim]))
    discriminator = Discriminator(config, seed, arithmetic) if "D" in letters else None
    q = QNetwork(config, seed, arithmetic) if "Q" in letters and config.num_categ else None
    for classifier in filter(None, (discriminator, q)):
        classifier(tf.zeros([1, config.slice_len, config.num_channels]))
    networks = Networks(generator, discriminator, q)
    for block in (block for n in filter(None, networks) if config.of_port for block in n.blocks):
        if hasattr(block, "conv"):
            block.conv.kernel.assign(tf.pad(block.conv.kernel[:-1], [[0, 1], [0, 0], [0, 0]]))
    return networks


def _layer_seeds(seed: int, network: int, count: int) -> list[int]:
    """Seeds of a network's initialisers, one per layer, unrelated to one another."""
    return [int(s) for s in np.random.SeedSequence([seed, network]).generate_state(count)]
