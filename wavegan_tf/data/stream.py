"""Recordings to the endless stream of training batches."""

import collections
import concurrent.futures
import itertools
import logging
import os
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.preflight import Recording, printable
from wavegan_tf.data.slices import SliceOrder
from wavegan_tf.errors import InputError

_MOST_AHEAD = 8  # batches
_log = logging.getLogger("wavegan_tf")


class SliceSource:
    """Any batch of the endless order of slices, at once.

    Batch k is slices k * batch_size .. (k + 1) * batch_size - 1 of the order (`SliceOrder`): going
    on at batch k repeats nothing and loses nothing. Where a file fails during the training, it is
    named once, and another slice of its epoch, drawn in the same way, takes the place of each of
    its slices.
    """

    def __init__(
        self, recordings: Sequence[Recording], store: ClipStore, *, batch_size: int, seed: int
    ) -> None:
        """Makes the source of recordings that `preflight` found and whose samples are in `store`.

        Raises:
            InputError: An epoch has fewer slices than a batch.
        """
        self.batch_size = batch_size  # of all replicas together
        self.order = SliceOrder([r.facts.num_samples for r in recordings], store.config, seed)
        self.skipped: dict[str, str] = {}  # paths of files that failed, and why
        self._recordings, self._store = list(recordings), store
        self._lock = threading.Lock()
        found = self.slices_per_epoch = self.order.locate(0)[2]  # random starts change it a little
        if found < batch_size:
            ways = "add recordings"
            if not store.config.first_slice:
                ways += ", or get more slices: --data_pad_end (pads the end of each file), "
                ways += "--data_first_slice (takes short files), a higher --data_overlap_ratio"
            raise InputError(
                f"--data_dir gives {found} slices an epoch, fewer than "
                f"--train_batch_size={batch_size}; lower it to {found} or less, {ways}"
            )

    def batch(self, number: int, shard: tuple[int, int] = (0, 1)) -> np.ndarray:
        """Gives a batch, or replica `index`'s share of `count`, float32 [n, time, channels]."""
        index, count = shard
        rows = self.batch_size // count
        return self._slices(number * self.batch_size + index * rows, rows)

    def sample(self, num_slices: int) -> np.ndarray:
        """Gives the first slices of the order, at most an epoch: float32 [n, time, channels]."""
        return self._slices(0, min(num_slices, self.slices_per_epoch))

    def batches(
        self, first_batch: int = 0, shard: tuple[int, int] = (0, 1)
    ) -> Iterator[np.ndarray]:
        """Streams the batches from one on without end, made ahead by threads (see `batch`)."""
        num_threads = min(_MOST_AHEAD, os.cpu_count() or 1)
        threads = concurrent.futures.ThreadPoolExecutor(num_threads)
        ahead: collections.deque = collections.deque()
        try:
            for number in itertools.count(first_batch):
                ahead.append(threads.submit(self.batch, number, shard))
                if len(ahead) > num_threads:
                    yield ahead.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)

    def _slices(self, first: int, count: int) -> np.ndarray:
        """The slices from a position on, float32 [count, slice_len, channels]."""
        config = self.order.config
        slices = np.zeros([count, config.slice_len, config.num_channels], np.float32)
        for row, (file, start) in enumerate(self.order.span(first, count)):
            found = self._read(file, start)
            if found is None:
                found = self._read_instead(first + row)
            slices[row, : len(found)] = found
        return slices

    def _read(self, file: int, start: int) -> np.ndarray | None:
        """The samples of a slice, without zeros after the file's end; None if the file fails."""
        recording = self._recordings[file]
        if recording.path in self.skipped:
            return None
        try:
            samples = self._store.samples(recording.path, recording.facts)
        except InputError as error:
            with self._lock:
                is_new = recording.path not in self.skipped
                self.skipped.setdefault(recording.path, str(error))
            if is_new:
                _log.warning("skipped: %s", printable(str(error)))
            return None
        return samples[start : start + self.order.config.slice_len]

    def _read_instead(self, position: int) -> np.ndarray:
        for file, start in self.order.instead_of(position):
            found = self._read(file, start)
            if found is not None:
                return found
        reasons = "\n  ".join(list(self.skipped.values())[:3])
        raise InputError(
            "no file in --data_dir can be read any more. Once the folder is there again, the same "
            f"command goes on. The first reasons:\n  {reasons}"
        )
