"""Writing to a file system that may be full, read-only, or without power in a moment."""

import contextlib
import errno
import os
import re
import shutil
from collections.abc import Iterator

SAVING = ".saving"


def write_text(path: str, text: str) -> None:
    """Writes a text file, whole and on the disk, or not at all; raises as :func:`written`."""
    with written(path) as scratch, open(scratch, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def written(path: str) -> Iterator[str]:
    """Gives the name of a file to write, which takes the place of ``path`` once it is written.

    Raises:
        OSError: It cannot be written; it names ``path``, and a file of before is as it was.
    """
    scratch = path + SAVING
    try:
        yield scratch
        os.replace(scratch, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.remove(scratch)
        raise OSError(error.errno, error.strerror, path) from None


def sync(path: str) -> None:
    """Waits until a file, or the names in a directory, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that cannot do it for directories
            raise
    finally:
        os.close(descriptor)


def check_space(directory: str, needed: int) -> None:
    """Raises the OSError of a full disk where fewer than ``needed`` bytes are free."""
    usage = shutil.disk_usage(directory)
    if 0 < usage.total and usage.free < needed:  # a total of 0: the file system does not say
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), directory)


def reason(error: Exception, directory: str, needed: int) -> str:
    """Says why a file was not written, by an OSError or TensorFlow's error, and for what space."""
    why = re.sub(r" \[Op:.*", "", str(error).splitlines()[0].split("; ")[-1])
    why = getattr(error, "strerror", None) or why
    free = ""
    with contextlib.suppress(OSError):
        free = f", {shutil.disk_usage(directory).free / 1e6:.1f} MB free"
    return f"{why} (needs {needed / 1e6:.1f} MB{free})"
