"""Checkpoint files: finding, reading and atomically writing them.

A checkpoint is a prefix, ``DIR/model.ckpt-STEP``, with two files, ``.index`` and
``.data-00000-of-00001``; ``DIR/checkpoint`` names the newest.
"""

import glob
import hashlib
import os
import re
import shutil
import tempfile

import numpy as np
import tensorflow as tf

from wavegan_tf.errors import InputError

STATE_FILE = "checkpoint"
_DATA_SUFFIX = ".data-00000-of-00001"
# TensorFlow's checkpoint reader turns a damaged file into any of these.
_READER_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, IndexError)


def find_prefix(path: str, flag: str = "ckpt") -> str:
    """Finds the checkpoint that a path means.

    Args:
        path: A directory (its newest checkpoint), a prefix, or one of a prefix's files.
        flag: The flag that gave it, for messages.

    Returns:
        The prefix.

    Raises:
        InputError: There is no checkpoint, or one of its files is missing.
    """
    path = os.fspath(path)
    if os.path.isdir(path):
        prefixes = list_prefixes(path)
        if not prefixes:
            raise InputError(
                f"--{flag}={path}: no checkpoint in this directory; it needs files "
                "model.ckpt-STEP.index and model.ckpt-STEP.data-00000-of-00001"
            )
        prefix = prefixes[-1]
    else:
        prefix = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path)
    if not os.path.isfile(f"{prefix}.index"):
        raise InputError(
            f"--{flag}={path}: no checkpoint there (no file {prefix}.index); give a run directory, "
            "or a prefix such as train/model.ckpt-12255"
        )
    if not glob.glob(f"{glob.escape(prefix)}.data-*-of-*"):
        raise InputError(
            f"--{flag}={path}: {prefix}.index is there but its other file, {_DATA_SUFFIX}, is not; "
            "copy both"
        )
    return prefix


def list_prefixes(directory: str) -> list[str]:
    """The checkpoints of a directory, oldest first, the one that ``checkpoint`` names last."""
    indices = glob.glob(os.path.join(glob.escape(directory), "*.index"))
    prefixes = sorted((name.removesuffix(".index") for name in indices), key=_step_in_name)
    newest = _newest_in_state_file(directory)
    if newest in prefixes:
        prefixes.remove(newest)
        prefixes.append(newest)
    return prefixes


class Checkpoint:
    """An opened checkpoint: the shapes of its variables, and their values on demand.

    Attributes:
        prefix: Its path.
        shapes: Shape of each variable by name.
    """

    def __init__(self, prefix: str):
        """Opens it.

        Raises:
            InputError: The index cannot be read.
        """
        self.prefix = prefix
        try:
            self._reader = tf.train.load_checkpoint(prefix)
        except _READER_ERRORS as error:
            raise self._unreadable(error) from None
        self.shapes = {k: tuple(v) for k, v in self._reader.get_variable_to_shape_map().items()}

    @property
    def directory(self) -> str:
        """Where it lies."""
        return os.path.dirname(self.prefix)

    def read(self, name: str) -> np.ndarray:
        """Reads a variable.

        Raises:
            InputError: The variable is missing, or the data is truncated or damaged.
        """
        if name not in self.shapes:
            raise InputError(f"checkpoint {self.prefix}: variable {name} is missing")
        try:
            return self._reader.get_tensor(name)
        except _READER_ERRORS as error:
            raise self._unreadable(error) from None

    def sha256(self) -> str:
        """SHA-256 of the checkpoint's files, index first, as hexadecimal digits."""
        digest = hashlib.sha256()
        data_files = sorted(glob.glob(f"{glob.escape(self.prefix)}.data-*-of-*"))
        for path in [f"{self.prefix}.index", *data_files]:
            with open(path, "rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
        return digest.hexdigest()

    def _unreadable(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0][:200]
        return InputError(
            f"checkpoint {self.prefix}: truncated or damaged, or no TensorFlow checkpoint "
            f"({reason}); copy both its files again, or use an older checkpoint"
        )


def write_checkpoint(directory: str, values: dict, step: int, keep: int = 0) -> str:
    """Writes ``model.ckpt-STEP`` and makes it the directory's newest, or changes nothing.

    The files appear under their names only when they are whole, and ``checkpoint`` is replaced
    last, so that a kill at any moment leaves the checkpoint before intact.

    Args:
        directory: Made if missing.
        values: Arrays by variable name.
        step: Of the training.
        keep: How many of the newest checkpoints to leave; 0 for all.

    Returns:
        The prefix.
    """
    os.makedirs(directory, exist_ok=True)
    prefix = os.path.join(directory, f"model.ckpt-{step}")
    scratch = tempfile.mkdtemp(prefix=".saving-", dir=directory)
    try:
        written = os.path.join(scratch, "model")
        names = sorted(values)
        tf.raw_ops.SaveV2(
            prefix=written,
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.convert_to_tensor(values[name]) for name in names],
        )
        for suffix in (_DATA_SUFFIX, ".index"):
            with open(written + suffix, "rb+") as file:
                os.fsync(file.fileno())
            os.replace(written + suffix, prefix + suffix)
        older = [p for p in list_prefixes(directory) if p != prefix]
        kept = older[max(0, len(older) + 1 - keep) :] if keep else older
        _write_state_file(directory, scratch, [*kept, prefix])
    finally:
        shutil.rmtree(scratch)
    for old in set(older) - set(kept):
        for suffix in (".index", _DATA_SUFFIX, ".meta"):  # the index first: no half a checkpoint
            if os.path.exists(old + suffix):
                os.remove(old + suffix)
    return prefix


def _write_state_file(directory: str, scratch: str, prefixes: list[str]) -> None:
    names = [os.path.basename(prefix) for prefix in prefixes]
    lines = [f'model_checkpoint_path: "{names[-1]}"']
    lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
    path = os.path.join(scratch, STATE_FILE)
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(path, os.path.join(directory, STATE_FILE))


def _newest_in_state_file(directory: str) -> str | None:
    path = os.path.join(directory, STATE_FILE)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8", errors="replace") as file:
        match = re.search(r'^model_checkpoint_path: "(.*)"', file.read(), re.MULTILINE)
    # The original may have written the absolute path of another machine: only its name counts.
    return match and os.path.join(directory, os.path.basename(match[1]))


def _step_in_name(prefix: str) -> int:
    match = re.search(r"-(\d+)$", prefix)
    return int(match[1]) if match else -1
