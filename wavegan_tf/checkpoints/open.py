"""``open_checkpoint``: any checkpoint, ours, the original's or the PyTorch port's, to networks."""

import os
from typing import Any, NamedTuple

from wavegan_tf import demo
from wavegan_tf.checkpoints import files, names, original, port, run
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks, build_networks

AnyCheckpoint = files.Checkpoint | port.PortCheckpoint


class Found(NamedTuple):
    """The files of a checkpoint and the architecture that they say, no variable read yet."""

    checkpoint: AnyCheckpoint
    config: ModelConfig
    origin: str  # where the architecture was read: config.json (ours), args.txt, variables, tensors

    @property
    def measuring(self) -> dict[str, dict[str, Any]]:
        """What the run's config.json recommends for measuring."""
        if self.origin != run.CONFIG_FILE:
            return {}
        return (run.read_run_config(self.checkpoint.directory) or {}).get("measuring", {})


class Opened(NamedTuple):
    """A checkpoint and what it holds.

    ``measuring`` are the settings that the run's config.json recommends for measuring its outputs,
    by group: ``praat``, ``intervals``, ``interpolate``.
    """

    config: ModelConfig
    networks: Networks  # D and Q are None where the files do not hold them
    step: int  # Generator updates done; of the port its batches
    origin: str  # as of Found
    checkpoint: AnyCheckpoint
    measuring: dict[str, dict[str, Any]] = {}


def open_checkpoint(path: str | os.PathLike, overrides: dict[str, Any] | None = None) -> Opened:
    """Opens a checkpoint: of a directory the newest, a prefix, or a file of the PyTorch port.

    ``overrides`` are options that files other than ours leave open, by the names of ModelConfig.

    Raises:
        InputError: No checkpoint there; truncated; a variable missing or of another shape; the
            architecture is left open; an override contradicts the files.
    """
    return open_found(find_checkpoint(path, overrides))


def open_found(found: Found) -> Opened:
    """Opens a checkpoint that was found; errors as of :func:`open_checkpoint`."""
    checkpoint, config, origin = found
    letters = "".join({name[0] for name in checkpoint.shapes if name[1:2] == "/"})
    if "G" not in letters:
        raise InputError(f"checkpoint {checkpoint.prefix}: has no Generator (variables G/...)")
    networks = build_networks(config, letters=letters)
    names.assign(names.network_variables(networks), checkpoint)
    return Opened(config, networks, checkpoint.step, origin, checkpoint, found.measuring)


def find_checkpoint(path: str | os.PathLike, overrides: dict[str, Any] | None = None) -> Found:
    """Finds the files that a path means; arguments and errors as of :func:`open_checkpoint`."""
    path = demo.find(path)
    if paths := port.find_files(path):
        of_port = port.PortCheckpoint(paths, overrides)
        return Found(of_port, of_port.config, "tensors")
    checkpoint = files.Checkpoint(files.find_prefix(path))
    return Found(checkpoint, *read_config(checkpoint, overrides or {}))


def list_checkpoints(path: str) -> list[str]:
    """Lists the checkpoints of a run directory, of the port or not, from the oldest on.

    Raises:
        InputError: It is no folder, or has none.
    """
    path = os.fspath(demo.find(path))
    if not os.path.isdir(path):
        raise InputError(f"--all_checkpoints: --ckpt={path} is not a run directory; give one")
    found = port.list_generators(path) or sorted(files.list_prefixes(path), key=files.place)
    if not found:
        raise InputError(f"--all_checkpoints: --ckpt={path} has no checkpoint in it")
    return found


def read_config(checkpoint: files.Checkpoint, overrides: dict[str, Any]) -> tuple[ModelConfig, str]:
    """Reads the architecture of a checkpoint of ours or of the original, and its origin.

    Raises:
        InputError: As :func:`open_checkpoint`.
    """
    directory = checkpoint.directory
    run_config = run.read_run_config(directory)
    if run_config is not None:
        source = os.path.join(directory, run.CONFIG_FILE)
        original.check_overrides(run_config["model"].to_dict(), overrides, source)
        return run_config["model"], run.CONFIG_FILE
    args_path = os.path.join(directory, original.ARGS_FILE)
    if os.path.isfile(args_path):
        config = original.config_from_args(args_path, overrides, checkpoint.shapes)
        return config, original.ARGS_FILE
    return original.config_from_shapes(checkpoint, overrides), "variables"
