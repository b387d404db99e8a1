"""Checkpoint files: finding, reading and atomically writing them.

A checkpoint is a prefix, ``DIR/model.ckpt-STEP``, with two files, ``.index`` and
``.data-00000-of-00001``; ``DIR/checkpoint`` names the newest. ``model.ckpt-STEP+UPDATES`` was saved
inside the step after STEP, that many updates into it.
"""

import contextlib
import glob
import hashlib
import logging
import os
import re
import shutil
import tempfile
import weakref

import numpy as np
import tensorflow as tf

from wavegan_tf.checkpoints import disk
from wavegan_tf.errors import InputError
from wavegan_tf.paths import expand
from wavegan_tf.texts import read_text

STATE_FILE = "checkpoint"
DATA_SUFFIX = ".data-00000-of-00001"
SUFFIXES = (DATA_SUFFIX, ".index")  # in the order of writing: no half a checkpoint
SCRATCH = ".saving-"
STEP = "global_step"
# TensorFlow's checkpoint reader turns a damaged file into any of these.
_READER_ERRORS = (tf.errors.OpError, RuntimeError, ValueError, IndexError)

_PATTERN = re.compile(r"[*?\[\\]")  # what TensorFlow's file system matches names by

_log = logging.getLogger("wavegan_tf")


class DamagedError(InputError):
    """A checkpoint that is truncated or damaged."""


def find_prefix(path: str | os.PathLike, flag: str = "ckpt") -> str:
    """Finds the prefix of the checkpoint that a path, given with a flag, means.

    The path is a directory (its newest checkpoint), a prefix, or one of a prefix's files.

    Raises:
        InputError: There is no checkpoint, or one of its files is missing.
    """
    path = expand(path)
    prefix = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path)
    if os.path.isdir(path):
        if not (prefixes := list_prefixes(path)):
            raise InputError(
                f"--{flag}={path}: no checkpoint is in this directory; it needs files "
                f"model.ckpt-STEP.index and model.ckpt-STEP{DATA_SUFFIX}"
            )
        prefix = prefixes[-1]
    if not os.path.isfile(f"{prefix}.index"):
        raise InputError(
            f"--{flag}={path}: there is no checkpoint (no file {prefix}.index); give a run "
            "directory, or a prefix such as train/model.ckpt-12255"
        )
    if not _data_files(prefix):
        raise InputError(
            f"--{flag}={path}: {prefix}.index is there but its other file, {DATA_SUFFIX}, is not; "
            "copy both"
        )
    return prefix


def list_prefixes(directory: str) -> list[str]:
    """Lists a directory's checkpoints, oldest first, the one that ``checkpoint`` names last."""
    indices = glob.glob(os.path.join(glob.escape(directory), "*.index"))
    prefixes = sorted((name.removesuffix(".index") for name in indices), key=place)
    path = os.path.join(directory, STATE_FILE)
    if os.path.isfile(path):
        match = re.search(r'^model_checkpoint_path: "(.*)"', read_text(path), re.MULTILINE)
        # The original may have written the absolute path of another machine: only its name counts.
        newest = re.split(r"[/\\]", match[1])[-1] if match else None
        prefixes.sort(key=lambda prefix: os.path.basename(prefix) == newest)
    return prefixes


def newest_whole(directory: str) -> "Checkpoint | None":
    """Opens the newest checkpoint of a directory of which every value can be read, if there is one.

    A damaged one, as a power cut can leave, is passed over with a warning; all damaged are an
    InputError.
    """
    damaged: list[str] = []
    for prefix in reversed(list_prefixes(directory)):
        try:
            checkpoint = Checkpoint(prefix)
            for name in checkpoint.shapes:
                checkpoint.read(name)
        except DamagedError as error:
            damaged.append(str(error))
        else:
            for reason in damaged:
                _log.warning("%s; going on from %s", reason.split("; copy")[0], prefix)
            return checkpoint
    if damaged:
        raise InputError(f"{directory}: no checkpoint in it can be read. {damaged[0]}")
    return None


def place(prefix: str) -> tuple[int, int]:
    """Reads step and updates inside the next one off a checkpoint's name; (-1, 0) if none."""
    match = re.search(r"-(\d+)(?:\+(\d+))?$", prefix)
    return (int(match[1]), int(match[2] or 0)) if match else (-1, 0)


class Checkpoint:
    """An opened checkpoint: its ``prefix``, the ``shapes`` of its variables, values on demand."""

    def __init__(self, prefix: str):
        """Opens it; raises DamagedError where the index cannot be read."""
        self.prefix, self.directory = prefix, os.path.dirname(prefix)
        try:
            self._reader = tf.train.load_checkpoint(self._plain())
        except _READER_ERRORS as error:
            raise self._unreadable(error) from None
        self.shapes = {k: tuple(v) for k, v in self._reader.get_variable_to_shape_map().items()}

    @property
    def step(self) -> int:
        """The Generator updates done; 0 where the file does not say."""
        return int(self.read(STEP)) if STEP in self.shapes else 0

    def read(self, name: str) -> np.ndarray:
        """Reads a variable; raises InputError if it is missing, DamagedError if damaged."""
        if name not in self.shapes:
            raise InputError(f"checkpoint {self.prefix}: variable {name} is missing")
        try:
            return self._reader.get_tensor(name)
        except _READER_ERRORS as error:
            raise self._unreadable(error) from None

    def sha256(self) -> str:
        """Computes the SHA-256 of the checkpoint's files, index first, as hexadecimal digits."""
        digest = hashlib.sha256()
        for path in [f"{self.prefix}.index", *_data_files(self.prefix)]:
            digest.update(np.memmap(path, np.uint8, "r").data)
        return digest.hexdigest()

    def _plain(self) -> str:
        """A prefix of the same files that TensorFlow does not take for a pattern."""
        if not _PATTERN.search(self.prefix):
            return self.prefix
        # TensorFlow looks for what the name matches, then opens the name: no escape serves both.
        place = "/tmp" if _PATTERN.search(tempfile.gettempdir()) else None
        links = tempfile.mkdtemp(prefix="wavegan_tf-", dir=place)
        weakref.finalize(self, shutil.rmtree, links, ignore_errors=True)
        for path in [f"{self.prefix}.index", *_data_files(self.prefix)]:
            suffix = path.removeprefix(self.prefix)
            os.symlink(os.path.abspath(path), os.path.join(links, f"model{suffix}"))
        return os.path.join(links, "model")

    def _unreadable(self, error: Exception) -> DamagedError:
        reason = str(error).splitlines()[0][:200]
        return DamagedError(
            f"checkpoint {self.prefix}: truncated or damaged, or no TensorFlow checkpoint "
            f"({reason}); copy both its files again, or use an older checkpoint"
        )


def write_checkpoint(
    directory: str, values: dict[str, np.ndarray], step: int, keep: int = 0, updates: int = 0
) -> str:
    """Writes ``model.ckpt-STEP``, returns its prefix; it is the newest, or nothing has changed.

    The files appear under their names only when they are whole and on the disk, ``checkpoint`` is
    replaced last, and only then older checkpoints go: a kill or a power cut at any moment leaves
    the checkpoint before intact.

    So many of the newest are kept (0: all). ``updates`` are those done of the step after ``step``.

    Raises:
        InputError: A value is NaN or infinite, or the file system refuses (full, read-only).
    """
    name = f"model.ckpt-{step}" + (f"+{updates}" if updates else "")
    for key, value in values.items():
        if not np.all(np.isfinite(value)):
            raise not_finite(directory, step, f"variable {key} has NaN or infinite values")
    needed = sum(value.nbytes for value in values.values())
    try:
        os.makedirs(directory, exist_ok=True)
        disk.check_space(directory, needed)
        return _write(directory, values, name, keep)
    except (OSError, tf.errors.OpError) as error:
        why = disk.reason(error, directory, needed)
        raise InputError(
            f"{directory}: {name} not saved: {why}; {_newest_text(directory)}. Free space (a lower "
            "--train_keep needs less) or make the directory writable, and repeat the command"
        ) from None


def not_finite(directory: str, step: int, what: str) -> InputError:
    """Makes the error that ends a training at a step where ``what`` is not finite any more."""
    return InputError(
        f"step {step}: {what}; the run ends, and nothing of this state was saved; "
        f"{_newest_text(directory)}. The same command goes on from there with the same random "
        "draws; add --seed with another number for other draws. If it happens again, look at the "
        "losses before it and at the data, and go back further with --init_ckpt and a new "
        "--train_dir"
    )


def remove(prefix: str) -> None:
    """Removes what there is of a checkpoint's files."""
    for suffix in (*reversed(SUFFIXES), ".meta"):
        with contextlib.suppress(FileNotFoundError):
            os.remove(prefix + suffix)


def _newest_text(directory: str) -> str:
    newest = list_prefixes(directory)[-1:]
    return f"the newest checkpoint, {newest[0]}, is whole" if newest else "there is none before"


def _data_files(prefix: str) -> list[str]:
    return sorted(glob.glob(f"{glob.escape(prefix)}.data-*-of-*"))


def _write(directory: str, values: dict[str, np.ndarray], name: str, keep: int) -> str:
    prefix = os.path.join(directory, name)
    scratch = tempfile.mkdtemp(prefix=SCRATCH, dir=directory)
    written = os.path.join(scratch, "model")
    try:
        names = sorted(values)
        tf.raw_ops.SaveV2(
            prefix=written,
            tensor_names=names,
            shape_and_slices=[""] * len(names),
            tensors=[tf.convert_to_tensor(values[name]) for name in names],
        )
        for suffix in SUFFIXES:
            disk.sync(written + suffix)
        remove(prefix)  # of the same step: never one's index beside the other's data
        for suffix in SUFFIXES:
            os.replace(written + suffix, prefix + suffix)
    except BaseException:
        if not os.path.exists(f"{prefix}.index"):
            remove(prefix)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    older = [p for p in list_prefixes(directory) if p != prefix]
    kept = [*older, prefix][-keep:]  # 0: all
    lines = [f'model_checkpoint_path: "{name}"']
    lines += [f'all_model_checkpoint_paths: "{os.path.basename(p)}"' for p in kept]
    disk.write_text(os.path.join(directory, STATE_FILE), "\n".join(lines) + "\n")
    disk.sync(directory)
    for old in set(older) - set(kept):
        remove(old)
    return prefix
