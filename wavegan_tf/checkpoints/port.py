"""Checkpoints of the PyTorch port (ciwganfiwgan-pytorch): one .pt file per network.

Its layers are ours in another layout, and each variable is read by its name in the original. The
port pads its convolutions by 11 samples on either side, TensorFlow by 10 and 11: its kernels of 25
taps are kernels of 26 here, of which the last tap is zero. It views the projection as [channels,
16], and a classifier's last layer as [channels, time].
"""

import glob
import hashlib
import logging
import os
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from wavegan_tf.checkpoints import names, original
from wavegan_tf.checkpoints.state_dict import (
    SUFFIXES,
    StateDict,
    is_state_dict,
    write_state_dict,
)
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import FC_LENGTH, PORT_KERNEL_LEN, ModelConfig
from wavegan_tf.paths import expand

_SLICE_LENS = {5: 16384, 6: 65536}  # by the number of transposed convolutions
_NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
          "moving_variance": "running_var"}  # fmt: skip
_COUNT = "num_batches_tracked"  # of batch normalisation, which nothing here needs
_UNSAID = {
    "sample_rate": "--data_sample_rate={}",
    "model": "--model={}",
    "num_categ": "--num_categ={}",
    "d_slope": "--d_slope={} (2 before April 2025)",
    "q_slope": "--q_slope={} (0 before April 2025)",
}  # what no file says; the number of codes where Q is missing

_log = logging.getLogger("wavegan_tf")


def find_files(path: str | os.PathLike, flag: str = "ckpt") -> dict[str, str] | None:
    """Finds the files of a checkpoint of the port by network, ``G`` and maybe ``D`` and ``Q``.

    The path is the Generator's file, of any name, what its name begins with (``epoch50_step350``),
    or a folder: its newest epoch, or its only Generator. D and Q are beside G, with that letter in
    their names. None where the path is no such thing.

    Raises:
        InputError: A folder has several Generators, and their names do not say which to open, or
            checkpoints of TensorFlow beside them.
    """
    path = expand(path)
    if os.path.isdir(path):
        generators = list_generators(path)
        indices = sorted(glob.glob(os.path.join(glob.escape(path), "*.index")))
        if not generators:
            return None
        listed = ", ".join(map(os.path.basename, [*indices[:2], *generators[:6]]))
        if indices or len(generators) > 1 and not all(map(_epoch, generators)):
            raise InputError(
                f"--{flag}={path}: has several checkpoints, and their names do not say which is "
                f"the newest ({listed}); name one"
            )
        path = generators[-1]
    elif not os.path.isfile(path):
        path += "_G.pt"
    if not (os.path.isfile(path) and (is_state_dict(path) or path.endswith(SUFFIXES))):
        return None
    found = {letter: _beside(path, letter) for letter in "DQ"}
    return {"G": path} | {letter: x for letter, x in found.items() if os.path.isfile(x)}


def list_generators(directory: str) -> list[str]:
    """Lists the Generators' files of a folder by epoch and name."""
    inside = [os.path.join(directory, name) for name in sorted(os.listdir(directory))]
    return sorted(filter(_is_generator, inside), key=_epoch)


class PortCheckpoint:
    """A checkpoint of the port under the names and in the layout of the original.

    ``prefix`` is the Generator's file, ``config`` the architecture, ``shapes`` those of variables
    as the file has them, by our names.
    """

    def __init__(self, paths: dict[str, str], overrides: dict[str, Any] | None = None):
        """Opens its files; a warning says what was assumed beside them.

        Raises:
            InputError: A file is none of the port's, or an option contradicts them.
        """
        self.prefix, self.directory = paths["G"], os.path.dirname(paths["G"])
        self._states = {letter: StateDict(path) for letter, path in paths.items()}
        self.config = _read_config(self._states, overrides or {})
        self._variables: dict[str, tuple[str, _Theirs]] = {}
        for letter, state in self._states.items():
            table = _table(self.config, letter)
            wanted = {theirs.key: theirs.shape for theirs in table.values()}
            has = {key: x for key, x in state.shapes.items() if not key.endswith(f".{_COUNT}")}
            for key in {**wanted, **has}:
                if wanted.get(key) != has.get(key):
                    here, there = (x and list(x) for x in (has.get(key), wanted.get(key)))
                    raise InputError(
                        f"{state.path}: {key[:80]!a} has shape {here}, that of the port's network "
                        f"{there} (None: there is none); is it a file of another model?"
                    )
            self._variables |= {name: (letter, theirs) for name, theirs in table.items()}
        self.shapes = {name: theirs.shape for name, (_, theirs) in self._variables.items()}

    @property
    def step(self) -> int:
        """The step in the name of the file, which counts the port's batches; else 0."""
        return _epoch(self.prefix)[1] if _epoch(self.prefix) else 0

    def read(self, name: str) -> np.ndarray:
        """Reads a variable, float32 in our layout; raises InputError if it is missing."""
        if name not in self._variables:
            raise InputError(f"{self.prefix}: variable {name} is missing, or the file with it")
        letter, theirs = self._variables[name]
        x = self._states[letter].read(theirs.key).astype(np.float32)
        return _to_ours(theirs, x, _channels(self.config, letter))

    def sha256(self) -> str:
        """Computes the SHA-256 of its files, G first, as hexadecimal digits."""
        digest = hashlib.sha256()
        for state in self._states.values():
            digest.update(np.memmap(state.path, np.uint8, "r").data)
        return digest.hexdigest()


def write(directory: str, networks: Iterable, config: ModelConfig, step: int) -> list[str]:
    """Writes the networks of a model as files that the port opens; returns their names.

    Raises:
        InputError: The port's layers cannot hold the model; the message says why.
    """
    if not config.of_port:
        raise InputError(
            "--to=torch: the port's Generator has no ReLU after its projection, and its kernels of "
            f"25 taps lie one sample later than kernels of {config.kernel_len} here: it cannot "
            "hold this model; it holds models that were trained with it"
        )
    written = []
    for network in filter(None, networks):
        tensors, variables = dict[str, np.ndarray](), names.network_variables([network])
        for name, theirs in _table(config, network.name).items():
            x = variables[name].value()
            tensors[theirs.key] = _to_theirs(theirs, x, _channels(config, network.name))
            if theirs.key.endswith("running_var"):
                tensors[theirs.key.replace("running_var", _COUNT)] = np.array(0, np.int64)
        written.append(f"epoch0_step{step}_{network.name}.pt")
        write_state_dict(os.path.join(directory, written[-1]), tensors)
    return written


class _Theirs(NamedTuple):
    """A variable as the port has it."""

    key: str
    shape: tuple[int, ...]
    kind: str  # how it is laid out: up, down, project, flat or plain


def _table(config: ModelConfig, letter: str) -> dict[str, _Theirs]:
    """Lists the variables of a network of the port by our names."""
    table: dict[str, _Theirs] = {}
    of_g, taps = letter == "G", PORT_KERNEL_LEN - 1
    block_prefix = f"{letter}/{'Q' if letter == 'Q' else ''}"

    def add(block: str, scope: str, key: str, shape: tuple[int, ...], kind: str) -> None:
        table[f"{block_prefix}{block}/{scope}/kernel"] = _Theirs(f"{key}.weight", shape, kind)

    def add_vectors(block: str, scope: str, key: str, kinds: dict[str, str], size: int) -> None:
        for ours, theirs in kinds.items():
            name = f"{block_prefix}{block}/{scope}/{ours}"
            table[name] = _Theirs(f"{key}.{theirs}", (size,), "plain")

    if of_g:
        size = config.fc.length * config.fc.channels
        add("z_project", "dense", "z_project", (size, config.latent_dim), "project")
        table["G/z_project/dense/bias"] = _Theirs("z_project.bias", (size,), "project")
        if config.batchnorm:
            key = "z_batchnorm"
            add_vectors("z_project", "batch_normalization", key, _NORMS, config.fc.channels)
    for i, layer in enumerate(config.layers if of_g else config.classifier_layers):
        block, key = (f"upconv_{i}", f"upconv{i}") if of_g else (f"downconv_{i}", f"downconv_{i}")
        scope, channels = "conv1d", (layer.channels, layer.in_channels)
        if of_g:
            scope, channels = "conv2d_transpose", channels[::-1]
        add(block, scope, f"{key}.conv", (*channels, taps), "up" if of_g else "down")
        add_vectors(block, scope, f"{key}.conv", {"bias": "bias"}, layer.channels)
        if config.batchnorm:
            norm = f"{key}.batch_norm" if of_g else f"{key}.batchnorm"
            add_vectors(block, "batch_normalization", norm, _NORMS, layer.channels)
    if not of_g:
        last, units = config.classifier_layers[-1], 1
        if letter == "Q":
            units = config.num_categ + config.q_unknown
        add("output", "dense", "fc_out", (units, last.channels * last.length), "flat")
        add_vectors("output", "dense", "fc_out", {"bias": "bias"}, units)
    return table


def _read_config(states: dict[str, StateDict], overrides: dict[str, Any]) -> ModelConfig:
    """Reads the architecture off the shapes of tensors, which it may not fit in all."""
    shapes, source = states["G"].shapes, states["G"].path
    kernels = [shapes.get(f"upconv{i}.conv.weight", ()) for i in range(7)]
    depth = [*kernels, ()].index(())
    dense = shapes.get("z_project.weight", ())
    if len(dense) != 2 or depth not in _SLICE_LENS or {*map(len, kernels[:depth])} != {3}:
        has = "a Discriminator's or Q-network's" if "fc_out.weight" in shapes else "no"
        raise InputError(
            f"{source}: its tensors are not those of a Generator of the PyTorch port ({has} "
            f"tensors: {ascii(', '.join(list(shapes)[:3]))[1:100]}); give the file of its Generator"
        )
    dim = kernels[0][1] // 2 ** (depth - 2)  # what the first puts out; it may read fewer
    options: dict[str, Any] = {
        "layout": "pytorch",
        "kernel_len": PORT_KERNEL_LEN,
        "slice_len": _SLICE_LENS[depth],
        "latent_dim": dense[1],
        "dim": dim,
        "fc_channels": original.unusual(dense[0] // FC_LENGTH, 2 ** (depth - 1) * dim),
        "num_channels": kernels[depth - 1][1],
        "batchnorm": "z_batchnorm.weight" in shapes,
    }
    said, code = {*overrides}, overrides.get("num_categ", 0)
    if "Q" in states:
        units = (*states["Q"].shapes.get("fc_out.weight", ()), 0)[0]
        options["q_unknown"] = code == units - 1 > 0
        options["num_categ"] = code = units - options["q_unknown"]
        said.add("num_categ")
        if overrides.get("model") == "wavegan":
            raise InputError(
                f"--model=wavegan: a wavegan has no Q-network, but here is one, {states['Q'].path}"
            )
        if options["q_unknown"]:
            _log.warning(
                "%s has %d outputs: the last is taken to mean none of the %d codes",
                states["Q"].path, units, code,
            )  # fmt: skip
    elif overrides.get("model", "wavegan") != "wavegan" and not code:
        raise InputError(
            f"--model={overrides['model']}: there is no file of the Q-network beside {source}, and "
            "nothing else says how many variables the code has; add --num_categ"
        )
    original.check_overrides(options, overrides, source)
    options = {"model": "ciwgan" if code else "wavegan", **options, **overrides}
    config = ModelConfig.from_dict(options)
    said |= {f"{letter.lower()}_slope" for letter in "DQ" if letter not in states}
    unsaid = [x.format(getattr(config, name)) for name, x in _UNSAID.items() if name not in said]
    if unsaid:
        _log.warning(
            "%s: files of the PyTorch port do not say everything; this was taken, and is to be "
            "given where it is otherwise: %s", source, ", ".join(unsaid),
        )  # fmt: skip
    return config


def _is_generator(path: str) -> bool:
    """Whether a file of a folder is a Generator of the port, or has the name of one."""
    if not (os.path.isfile(path) and path.endswith(SUFFIXES) and is_state_dict(path)):
        return False
    try:
        return "z_project.weight" in StateDict(path).shapes
    except InputError:  # which is said when it is opened
        return bool(_beside(path, "D"))


def _epoch(path: str) -> tuple[int, ...]:
    """Epoch and step in the name that the port gives a file; () in another."""
    match = re.match(r"epoch(\d+)_step(\d+)", os.path.basename(path))
    return (int(match[1]), int(match[2])) if match else ()


def _beside(path: str, letter: str) -> str:
    """The file of another network beside a Generator's, or "" where its name has no G."""
    folder, name = os.path.split(path)
    other, found = re.subn(r"(?<![A-Za-z])G(\.\w+)$", rf"{letter}\1", name)
    return os.path.join(folder, other) if found else ""


def _channels(config: ModelConfig, letter: str) -> int:
    """Feature maps of the layer that is flattened or folded."""
    return config.fc.channels if letter == "G" else config.classifier_layers[-1].channels


def _to_ours(theirs: _Theirs, x: np.ndarray, channels: int) -> np.ndarray:
    if theirs.kind in ("up", "down"):
        x = np.pad(x, [(0, 0), (0, 0), (0, 1)]).transpose(2, 1, 0)  # [26, out, in] or [26, in, out]
        return x[None] if theirs.kind == "up" else x
    if theirs.kind == "project":  # [channels * 16, latent] or [channels * 16]
        x = x.reshape(channels, FC_LENGTH, -1).transpose(2, 1, 0)
        return x.reshape(*theirs.shape[1:], -1)
    if theirs.kind == "flat":  # [units, channels * time]
        return x.reshape(len(x), channels, -1).transpose(2, 1, 0).reshape(-1, len(x))
    return x


def _to_theirs(theirs: _Theirs, x: np.ndarray, channels: int) -> np.ndarray:
    if theirs.kind in ("up", "down"):
        x = x.reshape(x.shape[-3:])
        if x[-1].any():
            raise InputError(
                f"--to=torch: {theirs.key}: its last tap, which the port lacks, is not 0"
            )
        x = x[:-1].transpose(2, 1, 0)
    elif theirs.kind == "project":
        x = x.reshape(-1, FC_LENGTH, channels).transpose(2, 1, 0)
    elif theirs.kind == "flat":
        x = x.reshape(-1, channels, theirs.shape[0]).transpose(2, 1, 0)
    return x.reshape(theirs.shape)
