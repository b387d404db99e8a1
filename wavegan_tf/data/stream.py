"""Recordings to the endless tf.data stream of training batches."""

import concurrent.futures
import contextlib
import functools
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import Recording, printable
from wavegan_tf.data.slices import SliceOrder
from wavegan_tf.errors import InputError

_MOST_AHEAD = 8  # batches


class SliceSource:
    """Any batch of the endless order of slices, at once.

    Batch k is slices k * batch_size .. (k + 1) * batch_size - 1 of the order (`SliceOrder`), a
    function of the recordings, the seed and k: going on at batch k repeats nothing and loses
    nothing. Where a file fails during the training, another slice of its epoch, drawn in the same
    way, takes the place of each of its slices. Methods may be called from several threads.

    Attributes:
        order: The SliceOrder.
        batch_size: Slices in a batch, of all replicas together.
        skipped: Paths of files that failed since the start, each with its reason.
        failure: The InputError after which there are no more batches, or None.
    """

    def __init__(
        self,
        recordings: Sequence[Recording],
        store: ClipStore,
        *,
        batch_size: int,
        seed: int,
        on_bad_file: Callable[[str, str], None] | None = None,
    ):
        """Makes the source of recordings.

        Args:
            recordings: What `preflight` found, at least one.
            store: Where it put the samples.
            batch_size: Slices in a batch, of all replicas together.
            seed: Integer >= 0.
            on_bad_file: Called as `on_bad_file(path, message)`, once for each file that fails and
                from then on is skipped; by default logs a warning. Other threads call it.

        Raises:
            InputError: `batch_size` or `seed` is out of its range, or an epoch has fewer slices
                than a batch.
        """
        if batch_size < 1:
            raise InputError(f"--train_batch_size={batch_size} must be at least 1")
        if seed < 0:
            raise InputError(f"--seed={seed} must be at least 0")
        self.batch_size = batch_size
        self.order = SliceOrder([r.facts.num_samples for r in recordings], store.config, seed)
        self.skipped = {}
        self.failure = None
        self._recordings, self._store = list(recordings), store
        self._on_bad_file = on_bad_file or _log_bad_file
        self._lock = threading.Lock()
        num_slices = self.order.locate(0)[2]
        if num_slices < batch_size:
            raise InputError(_too_few(num_slices, batch_size, store.config))

    def batch(self, number: int, shard: tuple[int, int] = (0, 1)) -> np.ndarray:
        """One batch, or one replica's share of it.

        Args:
            number: From 0.
            shard: (index, count): rows index * batch_size / count .. of the batch.

        Returns:
            float32 [batch_size / count, slice_len, channels].

        Raises:
            InputError: No file can be read any more.
        """
        index, count = shard
        rows = self.batch_size // count
        return self._slices(number * self.batch_size + index * rows, rows)

    def sample(self, num_slices: int) -> np.ndarray:
        """The first slices of the order, fewer if an epoch has fewer; always the same ones.

        Returns:
            float32 [n, slice_len, channels], n at most `num_slices`.

        Raises:
            InputError: No file can be read any more.
        """
        return self._slices(0, min(num_slices, self.order.locate(0)[2]))

    def epochs(self, num_batches: int) -> float:
        """How many times so many batches from the first on pass over the data."""
        epoch, index, length = self.order.locate(num_batches * self.batch_size)
        return epoch + index / length

    @contextlib.contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Raises the source's own InputError in place of tf.data's error that hides it."""
        try:
            yield
        except tf.errors.OpError:
            if self.failure is None:
                raise
            raise self.failure from None

    def _slices(self, first, count):
        """The slices from a position on, float32 [count, slice_len, channels]."""
        config = self.order.config
        slices = np.zeros([count, config.slice_len, config.num_channels], np.float32)
        for row, (file, start) in enumerate(self.order.span(first, count)):
            found = self._read(file, start)
            if found is None:
                found = self._read_instead(first + row)
            slices[row, : len(found)] = found
        return slices

    def _read(self, file, start):
        """The samples of a slice, without zeros after the file's end; None if the file fails."""
        recording = self._recordings[file]
        if recording.path in self.skipped:
            return None
        try:
            samples = self._store.samples(recording.path, recording.facts)
        except InputError as error:
            self._skip(recording.path, str(error))
            return None
        return samples[start : start + self.order.config.slice_len]

    def _read_instead(self, position):
        for file, start in self.order.instead_of(position):
            found = self._read(file, start)
            if found is not None:
                return found
        reasons = "\n  ".join(list(self.skipped.values())[:3])
        self.failure = InputError(
            "no file in --data_dir can be read any more; is the folder still there? The same "
            f"command goes on once it is. The first reasons:\n  {reasons}"
        )
        raise self.failure

    def _skip(self, path, message):
        with self._lock:
            is_new = path not in self.skipped
            self.skipped.setdefault(path, message)
        if is_new:
            self._on_bad_file(path, message)


def slice_dataset(
    source: SliceSource, *, first_batch: int = 0, shard: tuple[int, int] = (0, 1)
) -> tf.data.Dataset:
    """The endless stream of training batches.

    Batches are made ahead by Python threads, and tf.data itself starts no thread. Keep it so: add
    no prefetch() and no parallel map. The thread of an iterator that is alive when Python exits (as
    after an error) would wait for Python for ever, Python for the thread, and the process for both.

    Args:
        source: Where the batches come from.
        first_batch: How many batches were used already.
        shard: (index, count) of a replica that trains on its share of each batch.

    Returns:
        A tf.data.Dataset of float32 [batch_size / count, slice_len, channels]. It raises a
        tf.errors.OpError when no file can be read any more: `source.explain_errors`.

    Raises:
        InputError: A batch cannot be divided so.
    """
    index, count = shard
    if not 0 <= index < count:
        raise ValueError(f"shard is {shard}; index must be at least 0 and below count")
    if source.batch_size % count:
        raise InputError(
            f"--train_batch_size={source.batch_size} cannot be divided among {count} replicas; "
            f"use a multiple of {count}"
        )
    config = source.order.config
    shape = [source.batch_size // count, config.slice_len, config.num_channels]
    read_ahead = _ReadAhead(functools.partial(source.batch, shard=shard))

    def batch(number):
        return tf.ensure_shape(tf.numpy_function(read_ahead, [number], tf.float32), shape)

    dataset = tf.data.Dataset.counter(start=first_batch).map(batch)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return dataset.with_options(options)


class _ReadAhead:
    """A function of a count that computes the values of the next counts in threads meanwhile."""

    def __init__(self, function):
        self._function = function
        self._depth = min(_MOST_AHEAD, _num_threads())
        self._futures = {}
        self._lock = threading.Lock()

    def __call__(self, count):
        count = int(count)
        with self._lock:
            self._futures = {
                ahead: self._futures.get(ahead) or _threads().submit(self._function, ahead)
                for ahead in range(count, count + self._depth + 1)
            }
            future = self._futures[count]
        return future.result()


def _num_threads():
    return os.cpu_count() or 1


@functools.lru_cache(maxsize=1)
def _threads():
    """The threads that read ahead, shared by all datasets: TensorFlow never frees a dataset's."""
    return concurrent.futures.ThreadPoolExecutor(_num_threads())


def _too_few(num_slices, batch_size, config):
    if config.first_slice:
        more = "or add recordings"
    else:
        ways = [] if config.pad_end else ["--data_pad_end (pads the end of each file)"]
        ways += ["--data_first_slice (takes short files)", "a higher --data_overlap_ratio"]
        more = f"or get more slices: {', '.join(ways)}"
    return (
        f"--data_dir gives {num_slices} slices an epoch, fewer than "
        f"--train_batch_size={batch_size}; lower it to {num_slices} or less, {more}"
    )


def _log_bad_file(path, message):
    del path  # the message starts with it
    logging.getLogger("wavegan_tf").warning("skipped: %s", printable(message))
