"""A run directory beside its checkpoints: config.json, backups/, remains of killed processes."""

import contextlib
import glob
import json
import os
import shutil
from typing import Any

from wavegan_tf.checkpoints import disk, files
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.texts import read_json

CONFIG_FILE, BACKUPS = "config.json", "backups"


def read_run_config(directory: str) -> dict[str, Any] | None:
    """Reads a run's ``config.json``; its ``model`` becomes a ModelConfig. None where there is none.

    Raises:
        InputError: It is no JSON, or holds no valid architecture.
    """
    path = os.path.join(directory, CONFIG_FILE)
    if not os.path.isfile(path):
        return None
    run_config = read_json(path, "restore it from a backup")
    if not isinstance(run_config.get("model"), dict):
        raise InputError(f"{path}: has no 'model'; give the config.json of a run directory")
    return {"resumed": []} | run_config | {"model": ModelConfig.from_dict(run_config["model"])}


def write_run_config(directory: str, run_config: dict[str, Any]) -> None:
    """Writes a run's ``config.json`` whole or not at all; makes the directory if missing."""
    os.makedirs(directory, exist_ok=True)
    text = json.dumps(run_config | {"model": run_config["model"].to_dict()}, indent=2)
    disk.write_text(os.path.join(directory, CONFIG_FILE), text + "\n")


def back_up(prefix: str, hours: float) -> str | None:
    """Keeps a checkpoint for good in ``backups/`` if the newest one there is so many hours older.

    The first always is kept. ``backups/`` is a run directory of its own, with a copy of
    ``config.json``. Files are linked, not copied, where the file system can. The time is that of
    the files, so that it goes on over a restart. Returns the backup's prefix, if it was time.
    """
    directory = os.path.join(os.path.dirname(prefix), BACKUPS)
    saved = os.path.getmtime(f"{prefix}.index")
    older = [os.path.getmtime(f"{p}.index") for p in files.list_prefixes(directory)]
    if older and saved - max(older) < hours * 3600:
        return None
    os.makedirs(directory, exist_ok=True)
    config = os.path.join(os.path.dirname(prefix), CONFIG_FILE)
    if os.path.exists(config):
        shutil.copyfile(config, os.path.join(directory, CONFIG_FILE))
    backup = os.path.join(directory, os.path.basename(prefix))
    for suffix in files.SUFFIXES:
        with disk.written(backup + suffix) as scratch:
            with contextlib.suppress(FileNotFoundError):
                os.remove(scratch)
            try:
                os.link(prefix + suffix, scratch)
            except OSError:  # a file system without links
                shutil.copy2(prefix + suffix, scratch)
                disk.sync(scratch)
    disk.sync(directory)
    return backup


def remove_remains(directory: str) -> None:
    """Removes what killed processes left half done; only for the one process that may write."""
    start = os.path.join(glob.escape(directory), "")
    for path in glob.glob(f"{start}{files.SCRATCH}*"):
        shutil.rmtree(path)
    for path in glob.glob(f"{start}model.ckpt-*{files.DATA_SUFFIX}"):
        prefix = path.removesuffix(files.DATA_SUFFIX)
        if not os.path.exists(f"{prefix}.index"):
            files.remove(prefix)
