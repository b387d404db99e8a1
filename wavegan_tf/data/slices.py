"""A folder of audio files to an endless tf.data stream of slices."""

import concurrent.futures
import dataclasses
import functools
import logging
import os
import threading
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from wavegan_tf.data import audio
from wavegan_tf.errors import InputError

# The random draws of one seed: an order of the files per epoch, a start per draw of a file.
_ORDER, _START = 0, 1
_NUM_REASONS = 5


@dataclasses.dataclass(frozen=True)
class SliceConfig:
    """How files are cut into slices. The original's flags bear the same names after --data_.

    Attributes:
        slice_len: Samples per slice.
        sample_rate_hz: The rate to which files are resampled (--data_sample_rate).
        num_channels: Channels per slice.
        first_slice: Takes only the first slice of each file, zero padded, without a random start.
        overlap_ratio: The part of a slice that the next one repeats, 0 <= ratio < 1.
        pad_end: Zero-pads the last slice of a file instead of dropping it.
        peak_normalize: Scales each file to a peak of one, as the original always does.

    Raises:
        InputError: A value is out of its range.
    """

    slice_len: int = 16384
    sample_rate_hz: int = 16000
    num_channels: int = 1
    first_slice: bool = False
    overlap_ratio: float = 0.0
    pad_end: bool = False
    peak_normalize: bool = True

    def __post_init__(self):  # noqa: D105
        for flag, value in (
            ("--data_slice_len", self.slice_len),
            ("--data_sample_rate", self.sample_rate_hz),
            ("--data_num_channels", self.num_channels),
        ):
            if value < 1:
                raise InputError(f"{flag}={value} must be at least 1")
        if not 0 <= self.overlap_ratio < 1:
            raise InputError(
                f"--data_overlap_ratio={self.overlap_ratio} must be at least 0 and below 1"
            )
        if self.hop < 1:
            raise InputError(
                f"--data_overlap_ratio={self.overlap_ratio} leaves no step between slices of "
                f"--data_slice_len={self.slice_len} samples; use a lower ratio"
            )

    @property
    def hop(self) -> int:
        """Samples from the start of one slice to the start of the next."""
        return round(self.slice_len * (1 - self.overlap_ratio))

    def num_starts(self, num_samples: int) -> int:
        """How many starts, counted from 0, leave at least one slice of `num_samples`; 0 if none.

        Starts are below `slice_len`, as in the original. Where the original finds no slice because
        its start lies too near the end of a short file, the starts here end earlier: each file of
        at least `slice_len` samples gives a slice each time.
        """
        if self.first_slice:
            return 1
        last = num_samples - 1 if self.pad_end else num_samples - self.slice_len
        return min(self.slice_len, max(0, last + 1))


def find_audio_files(data_dir: str) -> list[str]:
    """Lists the files of a folder and its sub-folders, whatever their suffix.

    Args:
        data_dir: The folder.

    Returns:
        The paths of all regular files, sorted; hidden ones and those in hidden folders left out.

    Raises:
        InputError: There is no such folder, it cannot be read, or it has no files.
    """
    if not os.path.isdir(data_dir):
        found = "is a file" if os.path.exists(data_dir) else "does not exist"
        raise InputError(f"--data_dir={data_dir} {found}; give a folder of audio files")
    files = []
    try:
        for folder, folders, names in os.walk(data_dir, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            paths = [os.path.join(folder, name) for name in names if not name.startswith(".")]
            files += [path for path in paths if os.path.isfile(path)]
    except OSError as error:
        raise InputError(
            f"--data_dir={data_dir}: {error.filename} cannot be read ({error.strerror}); check its "
            "rights"
        ) from error
    if not files:
        raise InputError(f"--data_dir={data_dir} has no files; give a folder of audio files")
    return sorted(files)


def slice_audio(samples: np.ndarray, config: SliceConfig, start: int) -> np.ndarray:
    """Cuts a signal into slices.

    Args:
        samples: [time, channels].
        config: A SliceConfig.
        start: The first sample used; 0 with `first_slice`.

    Returns:
        [n, slice_len, channels]. With `first_slice` n is 1, zero padded. Otherwise slices follow
        each other by `config.hop`: all whole ones, or with `pad_end` one at each hop within the
        signal, zero padded (both as tf.signal.frame).

    Raises:
        ValueError: `start` is not 0 with `first_slice`, or negative.
    """
    if start < 0 or (config.first_slice and start):
        raise ValueError(f"start is {start}; it must be 0 with first_slice, and never negative")
    samples = samples[start:]
    length, hop = config.slice_len, config.hop
    if config.first_slice:
        num_slices = 1
    elif config.pad_end:
        num_slices = -(-len(samples) // hop)
    else:
        num_slices = max(0, 1 + (len(samples) - length) // hop)
    slices = np.zeros([num_slices, length, samples.shape[1]], samples.dtype)
    for index in range(num_slices):
        piece = samples[index * hop :][:length]
        slices[index, : len(piece)] = piece
    return slices


def load_slices(path: str, config: SliceConfig, rng: np.random.Generator) -> np.ndarray:
    """Reads a file and cuts it into slices from a random start.

    Args:
        path: An audio file.
        config: A SliceConfig.
        rng: The np.random.Generator that draws the start.

    Returns:
        float32 [n, slice_len, channels], n at least 1.

    Raises:
        InputError: The file is unusable or too short for a slice.
    """
    samples = audio.load(
        path,
        sample_rate_hz=config.sample_rate_hz,
        num_channels=config.num_channels,
        peak_normalize=config.peak_normalize,
    )
    num_starts = config.num_starts(len(samples))
    if not num_starts:
        raise InputError(
            f"{path}: {len(samples)} samples at {config.sample_rate_hz} Hz are less than "
            f"--data_slice_len={config.slice_len}; --data_first_slice or --data_pad_end takes "
            "short files"
        )
    return slice_audio(samples, config, int(rng.integers(num_starts)))


def check_files(files: list[str], config: SliceConfig) -> int:
    """Reads files until one gives a slice, so that training cannot wait for ever for the first.

    Args:
        files: Paths.
        config: A SliceConfig.

    Returns:
        How many slices that file gave.

    Raises:
        InputError: No file gives a slice; the message has the first reasons.
    """
    reasons = []
    for path in files:
        try:
            return len(load_slices(path, config, np.random.default_rng(0)))
        except InputError as error:
            reasons.append(str(error))
    shown = "\n  ".join(reasons[:_NUM_REASONS])
    raise InputError(
        f"none of the {len(reasons)} files in --data_dir gives a slice. The first reasons:\n"
        f"  {shown}"
    )


def slice_dataset(
    files: list[str],
    config: SliceConfig,
    *,
    batch_size: int,
    seed: int,
    shuffle_buffer: int = 4096,
    on_bad_file: Callable[[str, str], None] | None = None,
) -> tf.data.Dataset:
    """The endless stream of training batches.

    Each epoch passes over the files in a new order; their slices are shuffled in a buffer. Order
    and starts are functions of the seed and of a count of the files drawn so far, and the buffer
    has a seed of its own, so equal seeds give equal batches (tf.data mixes TensorFlow's global
    seed, if one is set, into the buffer's).

    Files are read ahead by Python threads, and tf.data itself starts no thread. Keep it so: add no
    prefetch() and no parallel map. The thread of an iterator that is alive when Python exits (as
    after an error) would wait for Python for ever, Python for the thread, and the process for both.

    Args:
        files: Paths.
        config: A SliceConfig.
        batch_size: Slices per batch.
        seed: Integer >= 0.
        shuffle_buffer: Slices held for shuffling.
        on_bad_file: Called as `on_bad_file(path, message)`, once for each file that cannot be used
            and from then on is skipped; by default logs a warning. It is called from other threads.

    Returns:
        A tf.data.Dataset of float32 [batch_size, slice_len, channels]. It raises
        tf.errors.InvalidArgumentError when, later on, whole epochs pass without one usable file.

    Raises:
        InputError: No file gives a slice, or `batch_size` or `seed` is out of its range.
    """
    if batch_size < 1:
        raise InputError(f"--train_batch_size={batch_size} must be at least 1")
    if seed < 0:
        raise InputError(f"--seed={seed} must be at least 0")
    slices_per_file = check_files(files, config)
    draws = _FileDraws(files, config, seed, on_bad_file or _log_bad_file)
    read_ahead = _ReadAhead(draws.slices_at, depth=batch_size // slices_per_file)

    def slices_at(count):
        slices = tf.numpy_function(read_ahead, [count], tf.float32)
        return tf.ensure_shape(slices, [None, config.slice_len, config.num_channels])

    dataset = tf.data.Dataset.counter().map(slices_at)
    dataset = dataset.scan(tf.constant(0), functools.partial(_stop_when_dry, 2 * len(files)))
    dataset = dataset.unbatch()
    dataset = dataset.shuffle(shuffle_buffer, seed=seed, reshuffle_each_iteration=False)
    dataset = dataset.batch(batch_size, drop_remainder=True)
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return dataset.with_options(options)


class _FileDraws:
    """The slices of the file drawn at each count, and the files that failed."""

    def __init__(self, files, config, seed, on_bad_file):
        self._files = list(files)
        self._config = config
        self._seed = seed
        self._on_bad_file = on_bad_file
        self._bad_files = set()
        self._lock = threading.Lock()

    def slices_at(self, count):
        """float32 [n, slice_len, channels]; n is 0 for a bad file."""
        epoch, index = divmod(count, len(self._files))
        path = self._files[_epoch_order(self._seed, epoch, len(self._files))[index]]
        if path not in self._bad_files:
            try:
                rng = np.random.default_rng([self._seed, _START, count])
                return load_slices(path, self._config, rng)
            except InputError as error:
                self._report(path, str(error))
        return np.zeros([0, self._config.slice_len, self._config.num_channels], np.float32)

    def _report(self, path, message):
        with self._lock:
            is_new = path not in self._bad_files
            self._bad_files.add(path)
        if is_new:
            self._on_bad_file(path, message)


class _ReadAhead:
    """A function of a count that computes the values of the next counts in threads meanwhile."""

    def __init__(self, function, depth):
        self._function = function
        self._depth = max(depth, _num_threads())
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


@functools.lru_cache(maxsize=4)  # threads may be in two epochs at once
def _epoch_order(seed, epoch, num_files):
    return np.random.default_rng([seed, _ORDER, epoch]).permutation(num_files)


def _stop_when_dry(limit, num_empty, slices):
    """A step of tf.data's scan: fails after `limit` files in a row that gave no slice."""
    num_empty = tf.where(tf.shape(slices)[0] > 0, 0, num_empty + 1)
    message = "no file in --data_dir gives a slice any more; is the folder still there?"
    with tf.control_dependencies([tf.debugging.assert_less(num_empty, limit, message)]):
        return num_empty, tf.identity(slices)


def _log_bad_file(path, message):
    del path  # the message starts with it
    logging.getLogger("wavegan_tf").warning("skipped: %s", message)


def _raise(error):
    raise error
