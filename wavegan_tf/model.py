"""``load``: any checkpoint as a Model, whose every layer can be looked at."""

import functools
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf import demo
from wavegan_tf.errors import InputError
from wavegan_tf.latents import apply_settings, latent_index, parse_settings, sample_latents

if TYPE_CHECKING:
    from wavegan_tf.checkpoints.open import Opened
    from wavegan_tf.models.config import Layer, ModelConfig

BATCH = 16
"""Latent vectors that the Generator runs at once; an output does not depend on its neighbours."""


class Model:
    """A trained model: its architecture, its networks and what its checkpoint says of it.

    Attributes:
        config (ModelConfig): The architecture.
        generator (keras.Model): Latent vectors to audio, every layer an output.
        discriminator (keras.Model): Audio to a logit; None where the checkpoint has none.
        q (keras.Model): Audio to the logits of the code; None where there is none.
        step (int): Generator updates of the training.
        origin (str): The file that the architecture was read from.
        settings (dict): What the checkpoint's config.json recommends for measuring it.
    """

    def __init__(self, opened: "Opened"):
        """Takes an opened checkpoint (``load`` makes a Model of a path)."""
        self.config: ModelConfig = opened.config
        self.generator, self.discriminator, self.q = opened.networks
        self.step, self.origin = opened.step, opened.origin
        self.settings: dict[str, Any] = opened.measuring
        self.file = opened.checkpoint
        self._run: dict[str, Any] = {}

    @property
    def checkpoint(self) -> dict[str, Any]:
        """Says which file the weights came from."""
        return {
            "prefix": self.file.prefix,
            "sha256": self.file.sha256(),
            "step": self.step,
            "origin": self.origin,
        }

    @property
    def layers(self) -> pd.DataFrame:
        """Lists the Generator's layers: name, length, channels, rate and Nyquist frequency."""
        return layers_table(self.config.every_layer)

    def sample(self, n: int = 1, seed: int = 0, set: str = "") -> np.ndarray:
        """Draws latent vectors as in training, float32 [n, latent_dim], the code first.

        Args:
            n: How many.
            seed: The same seed gives the same vectors; the first k of n are those of k.
            set: Variables held at a value, such as ``c1=1,z11=-5``.

        Raises:
            InputError: ``n`` or ``seed`` is negative, or there is no such variable.
        """
        if n < 0 or seed < 0:
            raise InputError(f"n={n}, seed={seed}: must be 0 or more")
        z = sample_latents(self.config, n, seed)
        return apply_settings(z, parse_settings(set, self.config), self.config)

    def activations(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the Generator on latent vectors, [n, latent_dim] or [latent_dim].

        Returns:
            By layer float32 [n, time, channels]: ``fc``, the projection, and ``conv1`` .. after
            ReLU (``fc`` of the PyTorch port has none), ``out`` the audio.
        """
        z = np.atleast_2d(np.asarray(z, np.float32))
        if z.ndim != 2 or z.shape[1] != self.config.latent_dim or not len(z):
            raise InputError(
                f"z of shape {list(z.shape)}: give latent vectors, [n, {self.config.latent_dim}]"
            )
        parts = [self.run("generator", part) for part in batches(z)]
        return {name: np.concatenate([part[name] for part in parts])[: len(z)] for name in parts[0]}

    def projection(self, latent: str = "") -> np.ndarray:
        """Gives the weights of the projection as maps, float32 [latent_dim, 16, channels].

        A map is what one unit of a latent variable adds to ``fc``, before batch normalisation and
        ReLU (arXiv 2501.07726); of one ``latent``, [16, channels].

        Raises:
            InputError: There is no such variable.
        """
        maps = self.generator.projection()
        return maps[latent_index(latent, self.config)] if latent else maps

    def run(self, network: str, inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Runs a network on one batch: ``generator``, ``discriminator`` or ``q``.

        Raises:
            InputError: The checkpoint has no such network.
        """
        own = {name: getattr(self, name) for name in ("generator", "discriminator", "q")}
        if own.get(network) is None:
            known = ", ".join(name for name, net in own.items() if net is not None)
            raise InputError(f"network {network!r}: this checkpoint has none; it has {known}")
        return self._compiled(network, own[network], inputs)

    def run_from(self, layer: str, activation: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the Generator on from the activation of a layer, [n, time, channels].

        Returns:
            By layer float32 [n, time, channels], from this one, as it was given, to ``out``.

        Raises:
            InputError: There is no such layer, or the activation has not its shape.
        """
        activation = np.asarray(activation, np.float32)
        shapes = self.config.shapes
        if layer not in shapes:
            raise InputError(f"layer {layer!r}: there are {', '.join(shapes)}")
        if activation.ndim != 3 or activation.shape[1:] != shapes[layer]:
            length, channels = shapes[layer]
            raise InputError(
                f"activation of shape {list(activation.shape)}: {layer} has [n, {length}, "
                f"{channels}]"
            )
        onward = functools.partial(self.generator.run_from, layer)
        return self._compiled(f"from {layer}", onward, activation)

    def _compiled(self, key: str, function: Any, inputs: np.ndarray) -> dict[str, np.ndarray]:
        import tensorflow as tf

        if key not in self._run:
            self._run[key] = tf.function(function)
        return {name: x.numpy() for name, x in self._run[key](tf.constant(inputs)).items()}

    def __repr__(self) -> str:
        """Says what it is in one line."""
        from wavegan_tf.output.names import MODELS

        c = self.config
        code = f", {c.num_categ} code variables" if c.num_categ else ""
        return (
            f"{MODELS[c.model]} of {c.slice_len} samples at {c.sample_rate} Hz, dim {c.dim}, "
            f"{c.latent_dim} latent variables{code}, step {self.step}: {self.file.prefix}"
        )

    def _repr_html_(self) -> str:
        """Shows itself in a notebook: what it is, its layers, and one output to hear."""
        from html import escape

        from wavegan_tf.output.audio import player

        sound = self.activations(self.sample(1))["out"][0]
        return (
            f"<p>{escape(repr(self))}</p>{self.layers.to_html(index=False)}"
            f"<p>An output: {player(sound, self.config.sample_rate)}</p>"
        )


def load(
    path: str | os.PathLike | None = None,
    *,
    model: str | None = None,
    slice_len: int | None = None,
    num_categ: int | None = None,
    sample_rate: int | None = None,
    d_slope: float | None = None,
    q_slope: float | None = None,
) -> Model:
    """Opens a checkpoint of this package, of the original TensorFlow 1 code or of the PyTorch port.

    Args:
        path: A run directory (its newest checkpoint), a prefix such as ``train/model.ckpt-12255``,
            a Generator's file such as ``run/epoch50_step350_G.pt``, or a demo model that comes
            with the package, ``demo:stv``; None opens the first of these.
        model: ``wavegan``, ``ciwgan`` or ``fiwgan``, where the files do not say it.
        slice_len: Samples of audio, where they do not say it.
        num_categ: Variables of the code, where they do not say it.
        sample_rate: Samples per second, where they do not say it.
        d_slope: Slope below zero of the port's Discriminator: 0.2, before April 2025 2.
        q_slope: That of its Q-network: 0.2, before April 2025 0.

    Raises:
        InputError: There is no checkpoint, it is damaged, or its architecture is left open.
    """
    from wavegan_tf.checkpoints.open import open_checkpoint

    given = {
        "model": model, "slice_len": slice_len, "num_categ": num_categ,
        "sample_rate": sample_rate, "d_slope": d_slope, "q_slope": q_slope,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not None}
    return Model(open_checkpoint(demo.DEMOS[0] if path is None else path, given))


class Models:
    """Several models that an experiment compares, opened one after the other, in the order given.

    Attributes:
        names (list[str]): Of each, told apart: ``digits-100`` of step 100 in the folder digits.
        trainings (list[str]): Of each, the folder of its checkpoint, told apart: ``digits``.
        groups (list[str]): Of each, empty if none were given.
        steps (list[int]): Of each, the Generator updates of its training.
        prefixes (list[str]): Of each, where its files are.
        configs (list[ModelConfig]): Of each, its architecture.
        settings (dict): What the first recommends for measuring.
    """

    def __init__(
        self,
        models: "Sequence[Model | str | os.PathLike]",
        groups: Sequence[str] = (),
        **given: Any,
    ):
        """Finds the files of all of them.

        Args:
            models: Two or more, as models or as paths.
            groups: A group of each, or none.
            **given: What the files do not say, as ``load`` takes it.

        Raises:
            InputError: There is one alone, one comes twice or has no file, there are more or fewer
                groups than models, or one group alone.
        """
        from wavegan_tf.checkpoints.open import Found, find_checkpoint

        if len(models) < 2:
            raise InputError("--ckpt: one checkpoint has nothing to be compared with; give two")
        groups = list(groups)
        if groups and len(groups) != len(models):
            raise InputError(
                f"--groups={','.join(groups)}: {len(groups)} groups of {len(models)} checkpoints; "
                "give one for each"
            )
        if len(set(groups)) == 1:
            raise InputError(f"--groups={','.join(groups)}: there is one group; name two or more")
        self._models = list(models)
        self.groups = [*map(str, groups)] or [""] * len(models)
        self._found = [
            Found(x.file, x.config, x.origin) if isinstance(x, Model) else find_checkpoint(x, given)
            for x in models
        ]
        self.prefixes = [found.checkpoint.prefix for found in self._found]
        prefixes = [os.path.realpath(prefix) for prefix in self.prefixes]
        for prefix in prefixes:
            if prefixes.count(prefix) > 1:
                raise InputError(f"--ckpt: {prefix} is given twice; give each checkpoint once")
        self.configs = [found.config for found in self._found]
        self.steps = [
            x.step if isinstance(x, Model) else found.checkpoint.step
            for x, found in zip(models, self._found, strict=True)
        ]
        self.trainings = _folders_apart([os.path.dirname(prefix) for prefix in prefixes])
        self.names = _names_apart(self.trainings, self.steps, prefixes)
        first = models[0]
        self.settings = first.settings if isinstance(first, Model) else self._found[0].measuring

    def open(self, k: int) -> Model:
        """Opens the ``k``-th model, from 0; what came as a Model is that Model."""
        from wavegan_tf.checkpoints.open import open_found

        model = self._models[k]
        return model if isinstance(model, Model) else Model(open_found(self._found[k]))

    def require_alike(self, *options: str) -> None:
        """Refuses models that cannot be compared, alone or in groups.

        Raises:
            InputError: The architectures of two differ in one of these options; checkpoints of one
                training are in two groups.
        """
        group_of = dict(zip(self.trainings, self.groups, strict=True))
        for training, group in zip(self.trainings, self.groups, strict=True):
            if group != group_of[training]:
                raise InputError(
                    f"--groups: checkpoints of {training} are in two groups; put all checkpoints "
                    "of a training in one group"
                )
        for name in options:
            first, *others = (getattr(config, name) for config in self.configs)
            for model, value in zip(self.names[1:], others, strict=True):
                if value != first:
                    raise InputError(
                        f"--ckpt: {self.names[0]} has {name} {first}, but {model} has {value}; "
                        f"give checkpoints with the same {name}"
                    )

    def __len__(self) -> int:
        """Counts the models."""
        return len(self._models)

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Model]]:
        """Opens each in turn: what the columns of its rows say of it, and the model."""
        for k, (name, step) in enumerate(zip(self.names, self.steps, strict=True)):
            group = {"group": self.groups[k]} if self.groups[k] else {}
            yield {"model": name, "step": step} | group, self.open(k)

    def table(self) -> pd.DataFrame:
        """Lists them: model, training, group, step, dim, prefix and SHA-256 of the files."""
        return pd.DataFrame({
            "model": self.names, "training": self.trainings, "group": self.groups,
            "step": self.steps, "dim": [config.dim for config in self.configs],
            "prefix": self.prefixes,
            "sha256": [found.checkpoint.sha256() for found in self._found],
        })  # fmt: skip


def _folders_apart(folders: list[str]) -> list[str]:
    """Names folders by their last part, by more parts where these do not differ."""
    parts = [folder.strip(os.sep).split(os.sep) for folder in folders]
    for depth in range(1, max(map(len, parts)) + 1):
        short = ["/".join(each[-depth:]) for each in parts]
        if len(set(short)) == len(set(folders)):
            return short
    return folders


def _names_apart(trainings: list[str], steps: list[int], prefixes: list[str]) -> list[str]:
    """Names checkpoints by folder and step, or where these are equal as their files are named."""
    files = [os.path.basename(prefix) for prefix in prefixes]
    for ends in (steps, [file.rpartition("-")[2] for file in files]):
        names = [f"{training}-{end}" for training, end in zip(trainings, ends, strict=True)]
        if len(set(names)) == len(names):
            return names
    return [f"{training}/{file}" for training, file in zip(trainings, files, strict=True)]


def batches(inputs: np.ndarray) -> list[np.ndarray]:
    """Cuts inputs into batches of :data:`BATCH`, zeros after the last."""
    padded = np.pad(inputs, [(0, -len(inputs) % BATCH), *[(0, 0)] * (inputs.ndim - 1)])
    return list(padded.reshape(-1, BATCH, *inputs.shape[1:]))


def layers_table(layers: "tuple[Layer, ...]") -> pd.DataFrame:
    """Makes the table of layers: ``layer, length, channels, rate_hz, nyquist_hz``."""
    names = ("name", "length", "channels", "rate_hz", "nyquist_hz")
    rows = [[getattr(layer, name) for name in names] for layer in layers]
    return pd.DataFrame(rows, columns=["layer", *names[1:]])
