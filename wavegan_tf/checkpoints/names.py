"""Variables of networks and optimisers under the names and shapes of the original's graph."""

import collections
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import keras
import numpy as np

from wavegan_tf.errors import InputError

SEED = "wavegan_tf/seed"
UPDATE = "wavegan_tf/update"  # Discriminator updates done in the step at hand
OURS = (SEED, UPDATE)  # what the original's checkpoints do not have

_SCOPES = {
    keras.layers.Dense: "dense",
    keras.layers.Conv1DTranspose: "conv2d_transpose",
    keras.layers.Conv1D: "conv1d",
    keras.layers.BatchNormalization: "batch_normalization",
}


class Stored(NamedTuple):
    """A variable and the shape it has in a file."""

    variable: Any
    shape: tuple[int, ...]

    def value(self) -> np.ndarray:
        """Its value in the file's shape."""
        return np.reshape(self.variable.numpy(), self.shape)


class Readable(Protocol):
    """A checkpoint of any kind: ``prefix`` says which, ``read`` gives a variable."""

    prefix: str

    def read(self, name: str) -> np.ndarray:
        """Reads a variable by its name in the original."""


def network_variables(networks: Iterable) -> dict[str, Stored]:
    """Lists every variable of some networks by its name in the original."""
    stored = {}
    for network in filter(None, networks):
        prefix = "Q" if network.name == "Q" else ""  # the original's Q/Qdownconv_0, Q/Qoutput
        for block in network.blocks:
            parts = (getattr(block, name, None) for name in ("dense", "conv", "batch_norm"))
            for part in filter(None, parts):
                scope = next(s for kind, s in _SCOPES.items() if isinstance(part, kind))
                for variable in part.variables:
                    name = f"{network.name}/{prefix}{block.name}/{scope}/{variable.name}"
                    shape = tuple(variable.shape)
                    if scope == "conv2d_transpose" and variable.name == "kernel":
                        shape = (1, *shape)  # [k, out, in] here
                    stored[name] = Stored(variable, shape)
    return stored


def optimizer_variables(optimizers: Iterable, networks: Iterable) -> dict[str, Stored]:
    """Lists every variable of the networks' optimisers, by the name TensorFlow 1 gives it.

    Slots are ``NAME/Adam`` and ``NAME/Adam_1``, or ``NAME/RMSProp`` and ``NAME/RMSProp_1``; a
    second optimiser of the same kind on the same variable counts on. Adam's powers of beta are
    numbered in the order Generator, Discriminator, as the original makes its optimisers.
    """
    stored: dict[str, Stored] = {}
    taken: collections.Counter[str] = collections.Counter()

    def store(name: str, item: Stored) -> None:
        stored[f"{name}_{taken[name]}" if taken[name] else name] = item
        taken[name] += 1

    by_variable = {id(s.variable): (n, s.shape) for n, s in network_variables(networks).items()}
    for optimizer in filter(None, optimizers):
        for variable, slots in zip(optimizer.variables, optimizer.slots, strict=True):
            name, shape = by_variable[id(variable)]
            for slot in slots:
                store(f"{name}/{optimizer.kind}", Stored(slot, shape))
        for name, power in optimizer.powers.items():
            store(name, Stored(power, ()))
    return stored


def assign(stored: dict[str, Stored], checkpoint: Readable) -> None:
    """Sets variables to a checkpoint's values; all, or on an error none.

    Raises:
        InputError: A variable is missing or has another shape; it is named.
    """
    values = {}
    for name, item in stored.items():
        values[name] = checkpoint.read(name)
        if values[name].shape != item.shape:
            raise InputError(
                f"checkpoint {checkpoint.prefix}: variable {name} has shape "
                f"{list(values[name].shape)}, but the architecture that was read for it has "
                f"{list(item.shape)}; perhaps the args.txt or config.json beside it belongs to "
                "another run"
            )
    for name, item in stored.items():
        item.variable.assign(np.reshape(values[name], item.variable.shape))
