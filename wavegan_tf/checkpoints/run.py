"""The ``config.json`` of a run directory."""

import json
import os
from typing import Any

from wavegan_tf.checkpoints import disk
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

CONFIG_FILE = "config.json"


def read_run_config(directory: str) -> dict[str, Any] | None:
    """Reads a run's ``config.json``; its ``model`` becomes a ModelConfig. None where there is none.

    Raises:
        InputError: It is no JSON, or holds no valid architecture.
    """
    path = os.path.join(directory, CONFIG_FILE)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        try:
            run_config = json.load(file)
        except ValueError as error:
            raise InputError(f"{path}: not JSON ({error}); restore it from a backup") from None
    if not isinstance(run_config, dict) or not isinstance(run_config.get("model"), dict):
        raise InputError(f"{path}: no 'model' in it; is it the config.json of a run directory?")
    return run_config | {"model": ModelConfig.from_dict(run_config["model"])}


def write_run_config(directory: str, run_config: dict[str, Any]) -> None:
    """Writes a run's ``config.json`` whole or not at all; makes the directory if missing."""
    os.makedirs(directory, exist_ok=True)
    text = json.dumps(run_config | {"model": run_config["model"].to_dict()}, indent=2)
    disk.write_text(os.path.join(directory, CONFIG_FILE), text + "\n")
