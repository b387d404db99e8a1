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

COLUMNS_FILE = "columns.csv"
FOLDERS, PAGES = ("tables", "figures", "audio"), (COLUMNS_FILE, "summary.md", "report.html")
"""What a run writes beside config.json and arrays (.npz)."""

_SCRATCH, _LOCK = ".writing-", ".lock"


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
        held = _lock(scratch)
    except OSError as error:
        raise InputError(
            f"--out_dir={path}: cannot be written to ({error.strerror}); make it writable, or name "
            "another"
        ) from None
    try:
        yield scratch
        if overwrite:
            remove_run(path)
        for name in os.listdir(scratch):
            if name != _LOCK:
                entry = os.path.join(path, name)
                if os.path.isdir(entry):
                    shutil.rmtree(entry)
                os.replace(os.path.join(scratch, name), entry)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        full = error.filename or f"the disk of it, or of {tempfile.gettempdir()} (TMPDIR)"
        raise InputError(
            f"--out_dir={path}: {full}: {error.strerror}; make room, or name another"
        ) from None
    finally:
        os.close(held)
        shutil.rmtree(scratch, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty: the results are there
            for directory in made:
                os.rmdir(directory)


def _lock(scratch: str, needed: bool = False) -> int:
    """Locks a scratch directory for as long as this process lives; returns the open lock file.

    Raises:
        OSError: If it is ``needed``: another process has it, or the file system has no locks.
    """
    descriptor = os.open(os.path.join(scratch, _LOCK), os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        if needed:
            os.close(descriptor)
            raise
    return descriptor


def _remove_remains(path: str) -> None:
    """Removes what a run that was killed left half done; what another one writes now stays."""
    for name in os.listdir(path):
        if name.startswith(_SCRATCH):
            scratch = os.path.join(path, name)
            with contextlib.suppress(OSError):  # another process holds it, or it is gone
                os.close(_lock(scratch, needed=True))
                shutil.rmtree(scratch)


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
