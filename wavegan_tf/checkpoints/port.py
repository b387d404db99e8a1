"""Checkpoints of the PyTorch port (ciwganfiwgan-pytorch): one .pt file per network.

Its layers are ours in another layout, and each variable is read by its name in the original. The
port pads its convolutions by 11 samples on either side, TensorFlow by 10 and 11: its kernels of 25
taps are kernels of 26 here, of which the last tap is zero. It views the projection as [channels,
16], and a classifier's last layer as [channels, time].
"""

import hashlib
import logging
import os
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from wavegan_tf.checkpoints import names, original
from wavegan_tf.checkpoints.state_dict import (
    SUFFIXES,
    StateDict,
    is_state_dict,
    write_state_dict,
)
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import PORT_KERNEL_LEN, Z_PROJECT_LENGTH, ModelConfig
from wavegan_tf.paths import expand

_SLICE_LENS = {5: 16384, 6: 65536}  # by the number of transposed convolutions
_KEY = re.compile(
    r"(z_project|z_batchnorm|upconv\d|downconv_\d|fc_out)"
    r"(?:\.(conv|batch_norm|batchnorm))?\.(\w+)"
)
_NORMS = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean",
          "running_var": "moving_variance"}  # fmt: skip
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
    or a folder: its newest epoch, or its only file. D and Q are beside G, with that letter in their
    names. None where the path is no such thing.

    Raises:
        InputError: A folder has several files, and their names do not say which to open.
    """
    path = expand(path)
    if os.path.isdir(path):
        if any(name.endswith(".index") for name in os.listdir(path)):
            return None
        inside = [os.path.join(path, name) for name in sorted(os.listdir(path))]
        inside = [x for x in inside if os.path.isfile(x) and is_state_dict(x)]
        inside = [x for x in inside if not re.search(r"opt\.\w+$", x)]
        if not inside:
            return None
        generators = [x for x in inside if _beside(x, "D")] or inside
        if len(generators) > 1 and not all(map(_epoch, generators)):
            listed = ", ".join(map(os.path.basename, generators[:8]))
            raise InputError(
                f"--{flag}={path}: several files of PyTorch and none that is the newest by its "
                f"name ({listed}); name the Generator's"
            )
        path = max(generators, key=_epoch)
    elif not os.path.isfile(path):
        path += "_G.pt"
    if not (os.path.isfile(path) and (is_state_dict(path) or path.endswith(SUFFIXES))):
        return None
    found = {letter: _beside(path, letter) for letter in "DQ"}
    return {"G": path} | {letter: x for letter, x in found.items() if x and os.path.isfile(x)}


class PortCheckpoint:
    """A checkpoint of the port under the names and in the layout of the original.

    ``prefix`` is the Generator's file; ``shapes`` are those of the file, by our names.
    """

    def __init__(self, paths: dict[str, str]):
        """Opens its files; raises InputError where one is none of the port."""
        self.prefix, self.directory = paths["G"], os.path.dirname(paths["G"])
        self.states = {letter: StateDict(path) for letter, path in paths.items()}
        self._places: dict[str, tuple[str, str]] = {}  # network and key by our name
        self.shapes: dict[str, tuple[int, ...]] = {}
        for letter, state in self.states.items():
            for key, shape in state.shapes.items():
                if not key.endswith(".num_batches_tracked"):
                    name = _our_name(letter, key, state.path)
                    self._places[name], self.shapes[name] = (letter, key), shape

    @property
    def step(self) -> int:
        """The step in the name of the file, which counts the port's batches; else 0."""
        return (*_epoch(self.prefix), 0, 0)[1]

    def read(self, name: str) -> np.ndarray:
        """Reads a variable, float32 in our layout; raises InputError if it is missing."""
        if name not in self._places:
            raise InputError(f"{self.prefix}: variable {name} is missing, or the file with it")
        letter, key = self._places[name]
        state = self.states[letter]
        inner = "upconv0.conv.weight" if letter == "G" else "downconv_4.conv.weight"
        return _to_ours(key, state.read(key).astype(np.float32), state.shapes[inner][0])

    def sha256(self) -> str:
        """Computes the SHA-256 of its files, G first, as hexadecimal digits."""
        digest = hashlib.sha256()
        for state in self.states.values():
            with open(state.path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        return digest.hexdigest()


def read_config(checkpoint: PortCheckpoint, overrides: dict[str, Any]) -> ModelConfig:
    """Reads the architecture off the shapes; a warning says what was assumed beside them.

    Raises:
        InputError: They are not the port's, or an option contradicts them.
    """
    shapes, source = checkpoint.states["G"].shapes, checkpoint.prefix
    kernels = [shapes.get(f"upconv{i}.conv.weight", ()) for i in range(7)]
    depth = kernels.index(())
    dense = shapes.get("z_project.weight", ())
    if len(dense) != 2 or depth not in _SLICE_LENS or {len(k) for k in kernels[:depth]} != {3}:
        has = "a Discriminator's or Q-network's" if "fc_out.weight" in shapes else "no"
        raise InputError(
            f"{source}: its tensors are not a Generator's of the PyTorch port ({has} tensors: "
            f"{', '.join(list(shapes)[:3])[:100]}); give the file of its Generator"
        )
    convs = [shape for state in checkpoint.states.values() for shape in state.shapes.values()]
    if wrong := {shape[2] for shape in convs if len(shape) == 3} - {PORT_KERNEL_LEN - 1}:
        raise InputError(
            f"{source}: kernels of {min(wrong)} taps; the port's layers are known with "
            f"{PORT_KERNEL_LEN - 1} only"
        )
    options: dict[str, Any] = {
        "layout": "pytorch",
        "kernel_len": PORT_KERNEL_LEN,
        "slice_len": _SLICE_LENS[depth],
        "latent_dim": dense[1],
        "dim": dense[0] // Z_PROJECT_LENGTH // 2 ** (depth - 1),
        "num_channels": kernels[depth - 1][1],
        "batchnorm": "z_batchnorm.weight" in shapes,
    }
    if "Q" in checkpoint.states:
        units = checkpoint.states["Q"].shapes.get("fc_out.weight", (0,))[0]
        options["q_unknown"] = overrides.get("num_categ") == units - 1
        options["num_categ"] = units - options["q_unknown"]
    original.check_overrides(options, overrides, source)
    code = options.get("num_categ") or overrides.get("num_categ")
    assumed = {"model": "ciwgan" if code else "wavegan"}
    options = {**assumed, **options, **overrides}
    config = ModelConfig.from_dict(options)
    said = {*overrides} | ({"num_categ"} if "Q" in checkpoint.states else {"q_slope"})
    said |= set() if "D" in checkpoint.states else {"d_slope"}
    unsaid = [x.format(getattr(config, name)) for name, x in _UNSAID.items() if name not in said]
    if unsaid:
        _log.warning(
            "%s: files of the PyTorch port do not say everything; this was taken, and is to be "
            "given where it is otherwise: %s", source, ", ".join(unsaid),
        )  # fmt: skip
    return config


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
        tensors: dict[str, np.ndarray] = {}
        for name, stored in names.network_variables([network]).items():
            key = _their_key(name)
            tensors[key] = _to_theirs(key, stored.value(), config)
            if key.endswith("running_var"):
                count = key.replace("running_var", "num_batches_tracked")
                tensors[count] = np.array(0, np.int64)
        written.append(f"epoch0_step{step}_{network.name}.pt")
        write_state_dict(os.path.join(directory, written[-1]), tensors)
    return written


def _epoch(path: str) -> tuple[int, ...]:
    """Epoch and step in the name that the port gives a file; () in another."""
    match = re.match(r"epoch(\d+)_step(\d+)", os.path.basename(path))
    return (int(match[1]), int(match[2])) if match else ()


def _beside(path: str, letter: str) -> str:
    """The file of another network beside a Generator's, or "" where its name has no G."""
    folder, name = os.path.split(path)
    other, found = re.subn(r"(?<![A-Za-z])G(\.\w+)$", rf"{letter}\1", name)
    return os.path.join(folder, other) if found else ""


def _our_name(letter: str, key: str, path: str) -> str:
    match = _KEY.fullmatch(key)
    if match is None:
        raise InputError(f"{path}: {key[:80]!r}: no tensor of the port's networks")
    block, part, kind = match.groups()
    part = part or {"z_project": "dense", "fc_out": "dense"}.get(block, "norm")
    block = block.replace("z_batchnorm", "z_project").replace("upconv", "upconv_")
    if letter != "G":
        block = ("Q" if letter == "Q" else "") + block.replace("fc_out", "output")
    if "norm" in part:
        return f"{letter}/{block}/batch_normalization/{_NORMS.get(kind, kind)}"
    scope = {"dense": "dense", "conv": "conv2d_transpose" if letter == "G" else "conv1d"}[part]
    return f"{letter}/{block}/{scope}/{kind.replace('weight', 'kernel')}"


def _their_key(name: str) -> str:
    letter, block, scope, kind = name.split("/")
    block = block.removeprefix("Q").replace("output", "fc_out").replace("upconv_", "upconv")
    if scope == "batch_normalization":
        kind = next(theirs for theirs, ours in _NORMS.items() if ours == kind)
        if block == "z_project":
            return f"z_batchnorm.{kind}"
        return f"{block}.{'batch_norm' if letter == 'G' else 'batchnorm'}.{kind}"
    kind = kind.replace("kernel", "weight")
    return f"{block}.{kind}" if scope == "dense" else f"{block}.conv.{kind}"


def _to_ours(key: str, x: np.ndarray, channels: int) -> np.ndarray:
    """A tensor of theirs in our layout; ``channels`` are those of the flattened layer."""
    if x.ndim == 3:
        x = np.pad(x, [(0, 0), (0, 0), (0, 1)]).transpose(2, 1, 0)  # [26, out, in] or [26, in, out]
        return x[None] if key.startswith("upconv") else x
    if key == "z_project.bias":
        return x.reshape(channels, -1).T.ravel()
    if key == "z_project.weight":  # [channels * 16, latent]
        return x.reshape(channels, -1, x.shape[1]).transpose(2, 1, 0).reshape(x.shape[1], -1)
    if key == "fc_out.weight":  # [units, channels * time]
        return x.reshape(len(x), channels, -1).transpose(2, 1, 0).reshape(-1, len(x))
    return x


def _to_theirs(key: str, x: np.ndarray, config: ModelConfig) -> np.ndarray:
    if key.endswith("conv.weight"):
        x = x.reshape(x.shape[-3:])
        if x[-1].any():
            raise InputError(f"--to=torch: {key}: its last tap, which the port lacks, is not 0")
        return np.ascontiguousarray(x[:-1].transpose(2, 1, 0))
    if key == "z_project.bias":
        return x.reshape(Z_PROJECT_LENGTH, -1).T.ravel()
    if key == "z_project.weight":
        return x.reshape(len(x), Z_PROJECT_LENGTH, -1).transpose(2, 1, 0).reshape(-1, len(x))
    if key == "fc_out.weight":
        channels = config.classifier_layers[-1].channels
        return x.reshape(-1, channels, x.shape[1]).transpose(2, 1, 0).reshape(x.shape[1], -1)
    return x
