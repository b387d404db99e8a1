"""``open_checkpoint``: any checkpoint, ours or the original's, to networks with their weights."""

import os
from typing import Any, NamedTuple

from wavegan_tf.checkpoints import files, names, original, run
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks, build_networks


class Opened(NamedTuple):
    """A checkpoint and what it holds.

    ``measuring`` are the settings that the run's config.json recommends for measuring its outputs,
    by group: ``praat``, ``intervals``, ``interpolate``.
    """

    config: ModelConfig
    networks: Networks  # D and Q are None where the file holds the Generator alone
    step: int  # Generator updates done
    origin: str  # where the architecture was read: config.json (ours), args.txt or variables
    checkpoint: files.Checkpoint
    measuring: dict[str, dict[str, Any]] = {}


def open_checkpoint(path: str | os.PathLike, overrides: dict[str, Any] | None = None) -> Opened:
    """Opens a checkpoint of ours or of the original: of a run directory the newest, or a prefix.

    ``overrides`` are options that an original's files leave open, by the names of ModelConfig.

    Raises:
        InputError: No checkpoint there; truncated; a variable missing or of another shape; the
            architecture is left open; an override contradicts the files.
    """
    checkpoint = files.Checkpoint(files.find_prefix(path))
    config, origin = read_config(checkpoint, overrides or {})
    if not any(name.startswith("G/") for name in checkpoint.shapes):
        raise InputError(f"checkpoint {checkpoint.prefix}: no Generator in it (variables G/...)")
    generator_only = not any(name.startswith(("D/", "Q/")) for name in checkpoint.shapes)
    networks = build_networks(config, generator_only=generator_only)
    names.assign(names.network_variables(networks), checkpoint)
    step = int(checkpoint.read(names.STEP)) if names.STEP in checkpoint.shapes else 0
    measuring = (run.read_run_config(checkpoint.directory) or {}).get("measuring", {})
    return Opened(config, networks, step, origin, checkpoint, measuring)


def read_config(checkpoint: files.Checkpoint, overrides: dict[str, Any]) -> tuple[ModelConfig, str]:
    """Reads a checkpoint's architecture and its origin; raises as :func:`open_checkpoint`."""
    directory = checkpoint.directory
    run_config = run.read_run_config(directory)
    if run_config is not None:
        source = os.path.join(directory, run.CONFIG_FILE)
        original.check_overrides(run_config["model"].to_dict(), overrides, source)
        return run_config["model"], run.CONFIG_FILE
    args_path = os.path.join(directory, original.ARGS_FILE)
    if os.path.isfile(args_path):
        return original.config_from_args(args_path, overrides), original.ARGS_FILE
    return original.config_from_shapes(checkpoint, overrides), "variables"
