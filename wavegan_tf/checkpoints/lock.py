"""One process at a time in a run directory."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import platform
import time
from collections.abc import Iterator

from wavegan_tf.errors import InputError

LOCK_FILE = ".lock"
# What flock says where it does not exist, as on some network file systems.
_NO_FLOCK = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextlib.contextmanager
def run_lock(directory: str) -> Iterator[None]:
    """Holds a run directory, made if missing, for this process alone.

    The lock is the kernel's (flock), so that it goes with its process, however that ends. Where the
    file system has none, the process written in the file counts: one that does not live on this
    machine any more is no obstacle; one of another machine is, for nobody here can tell.

    Raises:
        InputError: Another process holds it, or it cannot be written to.
    """
    missing, parent = [], os.path.abspath(directory)
    while not os.path.exists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    path = os.path.join(directory, LOCK_FILE)
    try:
        try:
            os.makedirs(directory, exist_ok=True)
            descriptor = _acquire(path)
        except OSError as error:
            raise InputError(
                f"--train_dir={directory}: cannot be written to ({error.strerror}); checkpoints "
                "in it are as they were; make it writable, or name another"
            ) from None
        try:
            yield
        finally:
            if _is_at(descriptor, path):
                os.remove(path)
            os.close(descriptor)
    finally:
        for made in missing:
            with contextlib.suppress(OSError):  # not empty: it holds a run now
                os.rmdir(made)


def _acquire(path: str) -> int:
    """The file descriptor that holds the lock, our record in its file."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            before = _lock(descriptor, path)
            if _is_at(descriptor, path):
                break
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # its holder removed it between our open and flock
    if before:
        logging.getLogger("wavegan_tf").info("%s was killed here; going on", before["who"])
    now = time.strftime("%Y-%m-%d %H:%M:%S")
    who = f"process {os.getpid()} on {platform.node()}, since {now},"
    record = {"pid": os.getpid(), "host": platform.node(), "started": _started(), "who": who}
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)
    except OSError:
        os.remove(path)
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int, path: str) -> dict:
    """Locks a file; returns the record of the process that was killed with the lock, or {}."""
    try:
        record = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:  # empty, or cut short
        record = {}
    refused = ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        refused = "wait for it or stop it"
    except OSError as error:
        if error.errno not in _NO_FLOCK:
            raise
        if record and record["host"] != platform.node():
            refused = f"if it is not (that machine cannot be asked), remove {path}"
        elif record and record["started"] == _started(record["pid"]):
            refused = "wait for it or stop it"
    if refused:
        raise InputError(
            f"--train_dir={os.path.dirname(path)}: {record.get('who', 'another process')} is "
            f"training in it; {refused}, or name another directory"
        )
    return record


def _started(pid: int | str = "self") -> int:
    """When a process started, in clock ticks; -1 of a dead one; always 0 where no /proc tells."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        return -1 if os.path.exists("/proc/self/stat") else 0


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
