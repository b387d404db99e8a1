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

_log = logging.getLogger("wavegan_tf")


@contextlib.contextmanager
def run_lock(directory: str) -> Iterator[None]:
    """Holds a run directory for this process alone.

    The lock is the kernel's (flock), so that it goes with its process, however that ends: the file
    that a killed one leaves is no obstacle. Where the file system has none, the process written in
    the file counts: one that does not live on this machine any more is no obstacle either; one of
    another machine is, for nobody here can tell.

    Args:
        directory: Made if missing, and removed again if nothing was written to it.

    Raises:
        InputError: Another process holds it, or it cannot be written to.
    """
    made = []
    path = os.path.join(directory, LOCK_FILE)
    try:
        try:
            made = _make(directory)
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
        for made_directory in made:
            with contextlib.suppress(OSError):  # not empty: it holds a run now
                os.rmdir(made_directory)


def _make(directory: str) -> list[str]:
    """Makes a directory; the ones that were not there, innermost first."""
    missing, parent = [], os.path.abspath(directory)
    while not os.path.exists(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    os.makedirs(directory, exist_ok=True)
    return missing


def _acquire(path: str) -> int:
    """The file descriptor that holds the lock, our record in its file."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        record = _read(descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            refused = None
        except BlockingIOError:
            refused = "wait for it or stop it"
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                os.close(descriptor)
                raise
            refused = _judge(record, path)
        if refused:
            os.close(descriptor)
            who = _describe(record) if record else "another process"
            raise InputError(
                f"--train_dir={os.path.dirname(path)}: {who} is training in it; {refused}, or name "
                "another directory"
            )
        if _is_at(descriptor, path):
            break
        os.close(descriptor)  # its holder removed it between our open and flock
    if record:
        _log.info("%s was killed here; going on", _describe(record))
    try:
        _write(descriptor)
    except OSError:
        os.remove(path)
        os.close(descriptor)
        raise
    return descriptor


def _write(descriptor: int) -> None:
    now = {
        "pid": os.getpid(),
        "host": platform.node(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "started": _started(os.getpid()),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(now).encode(), 0)


def _read(descriptor: int) -> dict | None:
    try:
        record = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:  # empty, or cut short
        return None
    return record if isinstance(record, dict) and "pid" in record else None


def _judge(record: dict | None, path: str) -> str | None:
    """Why the process of a record may still hold the lock, or None if it cannot."""
    if record is None:
        return None
    if record.get("host") != platform.node():
        return f"if it is not (that machine cannot be asked), remove {path}"
    alive = _alive(record["pid"]) and record.get("started") == _started(record["pid"])
    return "wait for it or stop it" if alive else None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _started(pid: int) -> int | None:
    """When a process started, clock ticks since the machine did; None where no /proc tells."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[19])
    except FileNotFoundError:
        return None


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _describe(record: dict) -> str:
    return f"process {record['pid']} on {record.get('host')}, since {record.get('since')},"
