"""How recordings are cut into slices, and the endless order in which training meets them."""

import bisect
import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from wavegan_tf.errors import InputError
from wavegan_tf.options import option

WINDOW = 4096  # slices that are mixed with one another
# What the random draws of one seed are for.
_STARTS, _FILES, _MIX, _REPLACE = range(4)
_DRAWS_AT_ONCE = 16_384


@dataclasses.dataclass(frozen=True)
class SliceConfig:
    """How files are cut into slices; an overlap out of range is refused with an InputError."""

    slice_len: int = 16384  # samples
    sample_rate_hz: int = 16000  # to which files are resampled (--data_sample_rate)
    num_channels: int = 1
    # fmt: off
    first_slice: bool = option(
        False, "Use only the first slice of each recording, padded with zeros.",
        flag="data_first_slice")
    overlap_ratio: float = option(
        0.0, "Share of a slice that overlaps with the next one, from 0 to below 1.",
        flag="data_overlap_ratio",
        group="Data")
    pad_end: bool = option(
        False, "Pad the last slice of each recording with zeros; without the flag it is dropped.",
        flag="data_pad_end", group="Data")
    # fmt: on

    def __post_init__(self) -> None:  # noqa: D105
        flag = f"--data_overlap_ratio={self.overlap_ratio}"
        if not 0 <= self.overlap_ratio < 1:
            raise InputError(f"{flag} must be at least 0 and below 1")
        if self.hop < 1:
            raise InputError(
                f"{flag} leaves no step between slices of --data_slice_len={self.slice_len} "
                "samples; use a lower ratio"
            )

    @property
    def hop(self) -> int:
        """Samples from the start of one slice to the start of the next."""
        return round(self.slice_len * (1 - self.overlap_ratio))

    def num_starts(self, num_samples: Any) -> Any:
        """Counts the starts, from 0, that leave at least one slice of a file (int or array).

        Starts are below `slice_len`, as in the original. Where the original finds no slice because
        its start lies too near the end of a short file, the starts here end earlier: each file of
        at least `slice_len` samples gives a slice each time.
        """
        if self.first_slice:
            return np.ones_like(num_samples)
        last = num_samples - (1 if self.pad_end else self.slice_len)
        return np.clip(last + 1, 0, self.slice_len)

    def num_slices(self, num_samples: Any) -> Any:
        """Counts the slices of so many samples from a start on (int or array).

        With `first_slice` one. Otherwise slices follow each other by `hop`: all whole ones, or with
        `pad_end` one at each hop within the file (both as tf.signal.frame).
        """
        if self.first_slice:
            return np.ones_like(num_samples)
        if self.pad_end:
            return -(-num_samples // self.hop)
        return np.maximum(0, 1 + (num_samples - self.slice_len) // self.hop)


class SliceOrder:
    """The order of slices without end: a function of the seed and a position alone.

    Each epoch takes every file once from a new random start, in a new order of the files, and mixes
    the slices within windows of 4096: the original's shuffle buffer, except that no slice leaves
    its epoch. Nothing is drawn in turn, so that training can go on at any position at once.
    """

    def __init__(self, lengths: Any, config: SliceConfig, seed: int) -> None:
        """Makes the order of the slices of files of these lengths in samples, each of one slice."""
        self.config, self.seed = config, seed
        self.lengths = np.asarray(lengths, np.int64)
        self._num_starts = config.num_starts(self.lengths)
        most = config.num_slices(self.lengths)
        fewest = config.num_slices(self.lengths - self._num_starts + 1)
        # The length of every epoch, if their starts do not change it.
        self._fixed_len = int(most.sum()) if np.array_equal(most, fewest) else None
        self._epochs_at_once = max(1, _DRAWS_AT_ONCE // len(self.lengths))
        self._ends: list[int] = []  # the position after each epoch, as far as known
        self._epochs: dict[int, tuple[np.ndarray, np.ndarray]] = {}  # the last ones used
        self._lock = threading.Lock()

    def locate(self, position: int) -> tuple[int, int, int]:
        """Finds the epoch a position is in, its index there, and the epoch's length."""
        if self._fixed_len:
            return *divmod(position, self._fixed_len), self._fixed_len
        with self._lock:
            while not self._ends or self._ends[-1] <= position:
                last = self._ends[-1] if self._ends else 0
                starts = self._starts(len(self._ends) // self._epochs_at_once)
                counts = self.config.num_slices(self.lengths - starts).sum(axis=1)
                self._ends += (last + np.cumsum(counts)).tolist()
            epoch = bisect.bisect_right(self._ends, position)
        first = self._ends[epoch - 1] if epoch else 0
        return epoch, position - first, self._ends[epoch] - first

    def epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Gives the file (its index) and first sample of each slice of an epoch: int64 [n] both."""
        with self._lock:
            if number not in self._epochs:
                while len(self._epochs) > 2:
                    del self._epochs[next(iter(self._epochs))]
                self._epochs[number] = self._draw_epoch(number)
            return self._epochs[number]

    def span(self, first: int, count: int) -> list[tuple[int, int]]:
        """Gives (file, first sample) of each slice from a position on, over the ends of epochs."""
        found: list[tuple[int, int]] = []
        while len(found) < count:
            epoch, index, _ = self.locate(first + len(found))
            files, starts = self.epoch(epoch)
            part = slice(index, index + count - len(found))
            found += zip(files[part].tolist(), starts[part].tolist(), strict=True)
        return found

    def instead_of(self, position: int) -> Iterator[tuple[int, int]]:
        """Yields (file, first sample) of all slices of a position's epoch, in an order of its own.

        What stands in for a slice that cannot be read any more.
        """
        files, starts = self.epoch(self.locate(position)[0])
        for index in self._rng(_REPLACE, position).permutation(len(files)):
            yield int(files[index]), int(starts[index])

    def _draw_epoch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        block, row = divmod(number, self._epochs_at_once)
        order = self._rng(_FILES, number).permutation(len(self.lengths))
        starts = self._starts(block)[row, order]
        counts = self.config.num_slices(self.lengths[order] - starts)
        files = np.repeat(order, counts)
        index_in_file = np.arange(len(files)) - np.repeat(np.cumsum(counts) - counts, counts)
        starts = np.repeat(starts, counts) + self.config.hop * index_in_file
        windows = np.arange(len(files)) // WINDOW
        mixed = np.lexsort([self._rng(_MIX, number).random(len(files)), windows])
        return files[mixed], starts[mixed]

    def _starts(self, block: int) -> np.ndarray:
        """Draws the first samples used of every file in some epochs: int64 [epochs, files]."""
        draws = self._rng(_STARTS, block).random([self._epochs_at_once, len(self.lengths)])
        return (draws * self._num_starts).astype(np.int64)

    def _rng(self, purpose: int, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, purpose, number])
