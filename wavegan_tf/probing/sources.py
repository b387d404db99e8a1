"""What is probed: a network and its inputs, numbered from 0, and the series of each output.

A Generator reads latent vectors and its ``out`` is the target; Discriminator and Q-network read
recordings, and the target is their ``input``. Activations are reduced to series as they come, so
that memory does not grow with the number of outputs.
"""

import collections
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wavegan_tf.analysis.averages import Reduction, reduce_feature_maps
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.data import recordings
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.models.networks import build_networks
from wavegan_tf.models.weights import outgoing_weights
from wavegan_tf.probing.measuring import Item

BATCH = 16
CONTROL_SEED = 1_000_000  # control network k is drawn from this seed plus k


class Output(NamedTuple):
    """One output of one network.

    Attributes:
        item: What it is.
        series: By layer [length], the target of several channels [length, channels].
        maps: By layer, the target left out, the feature maps [length, channels].
        logits: Of a classifier, [1] or [num_categ]; None of a Generator.
    """

    item: Item
    series: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    logits: np.ndarray | None


class Latents:
    """Latent vectors as inputs of a Generator."""

    def __init__(self, values: np.ndarray, conditions: tuple[str, ...] = ("",)):
        """Keeps the vectors.

        Args:
            values: [n, latent_dim]; with several conditions, those of one latent stand together.
            conditions: What each of them is generated under.
        """
        self.values, self.conditions = values, conditions

    def __len__(self):
        """Number of inputs."""
        return len(self.values)

    def read(self, i: int) -> tuple[np.ndarray, Item]:
        """Input ``i`` [latent_dim] and what it is."""
        pair, condition = divmod(i, len(self.conditions))
        return self.values[i], Item(i, condition=self.conditions[condition], pair=pair)


class Recordings:
    """Recordings as inputs of a classifier, decoded when their turn comes."""

    def __init__(self, wav_dir: str, config: ModelConfig, word: str | None = None):
        """Finds them.

        Args:
            wav_dir: Searched with its sub-folders.
            config: Says rate, channels and length.
            word: Regular expression whose group is the word of a relative path; None for
                :data:`wavegan_tf.data.recordings.WORD_PATTERN`.

        Raises:
            InputError: No recordings there, or the expression is none.
        """
        self.wav_dir, self.config = wav_dir, config
        self.paths = recordings.find_recordings(wav_dir)
        self.words = [
            recordings.word_of(path, word or recordings.WORD_PATTERN) for path in self.paths
        ]
        self.notes = collections.Counter()  # what one should know of those read so far

    def __len__(self):
        """Number of inputs."""
        return len(self.paths)

    def read(self, i: int) -> tuple[np.ndarray, Item]:
        """Input ``i`` [slice_len, channels] and what it is; silence where it cannot be read."""
        item = Item(i, name=self.paths[i], pair=i, word=self.words[i])
        try:
            path = os.path.join(self.wav_dir, self.paths[i])
            recording = recordings.load_recording(path, self.config)
        except InputError as error:
            silence = np.zeros([self.config.slice_len, self.config.num_channels], np.float32)
            return silence, item._replace(problem=str(error))
        self.notes.update(recording.notes)
        return recording.samples, item._replace(duration_s=recording.duration_s)


class Batch(NamedTuple):
    """Inputs as a network reads them: always :data:`BATCH`, zeros after the last."""

    values: np.ndarray
    items: list[Item]


def read_batch(inputs: Latents | Recordings, number: int) -> Batch:
    """Batch ``number`` of the inputs: those from ``number * BATCH`` on."""
    ids = range(number * BATCH, min((number + 1) * BATCH, len(inputs)))
    read = [inputs.read(i) for i in ids]
    values = np.stack([value for value, _ in read])
    padding = [(0, BATCH - len(ids)), *[(0, 0)] * (values.ndim - 1)]
    return Batch(np.pad(values, padding), [item for _, item in read])


class Source(NamedTuple):
    """A network, the layers wanted of it and how their feature maps become one series.

    Attributes:
        run: The network as a compiled function: inputs -> outputs by name.
        layers: Its layers, the target among them, in the order of the network.
        target: ``out`` or ``input``.
        reduction: Of feature maps.
        weights: By layer, of a weighted reduction [channels]; else empty.
    """

    run: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    layers: tuple[Layer, ...]
    target: str
    reduction: Reduction
    weights: dict[str, np.ndarray]

    def outputs(self, batch: Batch, first: int, stop: int) -> Iterator[Output]:
        """The outputs of a batch whose numbers are ``first`` .. ``stop - 1``.

        The whole batch is run, so that an output depends neither on how many there are nor on
        where a shard begins.
        """
        if not any(first <= item.id < stop for item in batch.items):
            return
        outputs = self.run(tf.constant(batch.values))
        outputs = {name: x.numpy() for name, x in outputs.items()}
        logits = outputs.pop("logits", None)
        if self.target == "input":
            outputs["input"] = batch.values
        maps = {layer.name: outputs[layer.name] for layer in self.layers}
        target = maps.pop(self.target)
        series = {name: self._reduce(name, x) for name, x in maps.items()}
        series[self.target] = target[:, :, 0] if target.shape[2] == 1 else target
        for k, item in enumerate(batch.items):
            if first <= item.id < stop:
                yield Output(
                    item,
                    {layer.name: series[layer.name][k] for layer in self.layers},
                    {name: x[k] for name, x in maps.items()},
                    None if logits is None else np.atleast_1d(logits[k]),
                )

    def _reduce(self, name, activations):
        return reduce_feature_maps(activations, self.reduction, self.weights.get(name))


def layers_of(config: ModelConfig, network: str) -> tuple[tuple[Layer, ...], str]:
    """The layers of a network, its target among them, and the target's name."""
    if network == "generator":
        return config.layers, "out"
    rate_hz, channels = float(config.sample_rate), config.num_channels
    audio = Layer("input", config.slice_len, channels, channels, 1, rate_hz)
    return (audio, *config.classifier_layers), "input"


def choose_layers(text: str, layers: tuple[Layer, ...], target: str) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``; the target is always among them.

    Raises:
        InputError: There is no layer of that name.
    """
    known = [layer.name for layer in layers]
    wanted = known if text == "all" else [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"--layers={text}: no layer {name!r}; there are {', '.join(known)}")
    return tuple(layer for layer in layers if layer.name in [*wanted, target])


def make_source(opened: Opened, network: str, layers: str, reduction: Reduction) -> Source:
    """The network of a checkpoint as a source.

    Args:
        opened: The checkpoint.
        network: ``generator``, ``discriminator`` or ``q``.
        layers: ``--layers``.
        reduction: Of feature maps.

    Raises:
        InputError: The checkpoint has no such network or layer, or a layer no such feature map.
    """
    model = getattr(opened.networks, network)
    if model is None:
        why = "a wavegan has none" if opened.config.model == "wavegan" else "the file holds none"
        raise InputError(
            f"--network={network}: checkpoint {opened.checkpoint.prefix}: {why}; choose another "
            "network or checkpoint"
        )
    chosen = choose_layers(layers, *layers_of(opened.config, network))
    target = layers_of(opened.config, network)[1]
    return _source(model, chosen, target, reduction)


def make_control(source: Source, config: ModelConfig, network: str, number: int) -> Source:
    """The same network with random weights: ``number`` counts from 1.

    Args:
        source: That of the model.
        config: Its architecture.
        network: ``generator``, ``discriminator`` or ``q``.
        number: Of the control.
    """
    only = network == "generator"
    networks = build_networks(config, CONTROL_SEED + number, generator_only=only)
    return _source(getattr(networks, network), source.layers, source.target, source.reduction)


def _source(model, layers, target, reduction):
    inner = [layer for layer in layers if layer.name != target]
    for layer in inner:
        reduction.check(layer.channels, layer.name)
    weights = {}
    if reduction.kind == "weighted":
        weights = {layer.name: outgoing_weights(model, layer.name) for layer in inner}
    return Source(tf.function(model), layers, target, reduction, weights)
