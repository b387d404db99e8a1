"""The directory of results: whole or not at all."""

import contextlib
import errno
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence

from wavegan_tf.errors import InputError

FOLDERS, PAGES = ("tables", "figures", "audio"), ("columns.csv", "summary.md", "report.html")
"""What a run writes beside config.json and arrays (.npz)."""

_SCRATCH = ".writing-"


def refuse_file(path: str) -> None:
    """Refuses a path for results that is a file.

    Raises:
        InputError: It is one.
    """
    if os.path.exists(path) and not os.path.isdir(path):
        raise InputError(f"--out_dir={path}: is a file; name a directory")


@contextlib.contextmanager
def output_directory(path: str, overwrite: bool) -> Iterator[str]:
    """Makes a scratch directory for results, which are moved to ``path`` only if all goes well.

    Args:
        path: Directory wanted; made if missing.
        overwrite: Whether one that is not empty may be used: what an earlier run wrote there is
            removed, other files stay.

    Yields:
        The scratch directory, inside ``path``: on one file system, even if that is a mount.

    Raises:
        InputError: ``path`` is a file, or not empty and not to be overwritten.
    """
    path = os.path.abspath(path)
    refuse_file(path)
    if os.path.isdir(path):
        _remove_remains(path)
    if os.path.isdir(path) and os.listdir(path) and not overwrite:
        raise InputError(
            f"--out_dir={path}: exists and is not empty; name another directory, or add --overwrite"
        )
    made, parent = [], path
    while not os.path.isdir(parent):
        made.append(parent)
        parent = os.path.dirname(parent)
    try:
        os.makedirs(path, exist_ok=True)
        scratch = tempfile.mkdtemp(prefix=_SCRATCH, dir=path)
    except OSError as error:
        raise InputError(
            f"--out_dir={path}: cannot be written to ({error.strerror}); make it writable, or name "
            "another"
        ) from None
    held = os.open(scratch, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(held, fcntl.LOCK_EX)
        yield scratch
    except BaseException as error:
        shutil.rmtree(scratch)
        with contextlib.suppress(OSError):  # others may have written beside it
            for directory in made:
                os.rmdir(directory)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"--out_dir={path}, or {tempfile.gettempdir()} (TMPDIR): {error.strerror}; make "
                "room, or name another"
            ) from None
        raise
    finally:
        os.close(held)
    if overwrite:
        remove_run(path)
    for name in os.listdir(scratch):
        entry = os.path.join(path, name)
        if os.path.isdir(entry):
            shutil.rmtree(entry)
        os.replace(os.path.join(scratch, name), entry)
    os.rmdir(scratch)


def _remove_remains(path: str) -> None:
    """Removes what a run that was killed left half done; what another one writes now stays."""
    for name in os.listdir(path):
        if not name.startswith(_SCRATCH):
            continue
        scratch = os.path.join(path, name)
        held = os.open(scratch, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(scratch)
        except OSError:  # held, or a file system without locks
            continue
        finally:
            os.close(held)


def remove_run(path: str) -> None:
    """Removes what a run wrote to a directory, if one did; other files stay."""
    if not os.path.isfile(os.path.join(path, "config.json")):
        return
    for name in os.listdir(path):
        entry = os.path.join(path, name)
        if name in FOLDERS and os.path.isdir(entry):
            shutil.rmtree(entry)
        elif name in PAGES or name.endswith(".npz"):
            os.remove(entry)


def finish(out_dir: str, complaints: Sequence[str]) -> None:
    """Says what to open next; ends with status 2 if there is something to complain of."""
    pages = (os.path.join(out_dir, name) for name in ("report.html", "summary.md"))
    page = next(filter(os.path.isfile, pages), None)
    print(f"written to {out_dir}" + (f"; open {page}" if page else ""))
    for complaint in complaints:
        print(f"warning: {complaint}", file=sys.stderr)
    if complaints:
        sys.exit(2)
