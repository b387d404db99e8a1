"""The event file that TensorBoard reads."""

import contextlib
import errno
import os
import struct
import time
from collections.abc import Iterator

import tensorflow as tf


class Events:
    """An event file in a run directory, one for each start of the training."""

    def __init__(self, directory: str, step: int):
        """Opens it, and has TensorBoard forget what earlier files say of steps after ``step``.

        Raises:
            OSError: It cannot be written.
        """
        self._path, self._checked = directory, 0  # of the file; bytes known to be whole
        before = set(os.listdir(directory))
        log = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        start = tf.compat.v1.Event(wall_time=time.time(), step=step + 1, session_log=log)
        with self._errors_named():
            self._writer = tf.summary.create_file_writer(directory)
            # TensorFlow 2 has no other way to write this event.
            tf.raw_ops.ImportEvent(writer=self._writer._resource, event=start.SerializeToString())
            self._writer.flush()
        (name,) = {n for n in os.listdir(directory) if "tfevents" in n} - before
        self._path = os.path.join(directory, name)
        self._check()

    @contextlib.contextmanager
    def at(self, step: int) -> Iterator[None]:
        """What ``tf.summary`` writes inside belongs to a step, and is in the file at the end.

        Raises:
            OSError: It was not written whole.
        """
        with self._errors_named():
            with self._writer.as_default(step):
                yield
            self._writer.flush()
        self._check()

    def close(self) -> None:
        """Closes the file."""
        with self._errors_named():
            self._writer.close()

    @contextlib.contextmanager
    def _errors_named(self):
        try:
            yield
        except tf.errors.OpError as error:
            raise OSError(errno.EIO, f"TensorBoard events: {error.message}", self._path) from None

    def _check(self) -> None:
        """Follows the new records to the end, as TensorFlow is silent about a full disk."""
        size = os.path.getsize(self._path)
        end = self._checked
        with open(self._path, "rb") as file:
            while end < size:
                file.seek(end)
                header = file.read(12)  # length of the data, checksum
                if len(header) < 12:
                    break
                end += 12 + struct.unpack("<Q", header[:8])[0] + 4
        if end != size or end == self._checked:
            raise OSError(errno.EIO, "a summary was not written whole; disk full?", self._path)
        self._checked = end
