"""Whole recordings, decoded once: held in memory where they fit, and kept on disk if wanted."""

import collections
import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import threading
import zlib

import numpy as np

from wavegan_tf.data import audio
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError

# An entry on disk is this much JSON, then float32 [num_samples, channels], little-endian.
_HEADER_LEN = 1024
_VERSION = 1
_MEMORY_SHARE = 4

_log = logging.getLogger("wavegan_tf")


class ClipStore:
    """The samples of files as training uses them: resampled, mixed, normalised.

    Clips are held in memory up to a limit, those used last. With a directory they are kept there
    too, one file for each recording, so that no later run decodes them again; an entry that is
    damaged, or whose recording has another size or modification time, is made anew. Several
    processes may share the directory. Methods may be called from several threads.

    Attributes:
        config: What decides the samples: rate, channels, normalisation.
        directory: Where clips are kept on disk; None for nowhere.
        memory_bytes: The limit of what is held in memory. One clip is held, however long.
    """

    def __init__(
        self,
        config: SliceConfig,
        directory: str | None = None,
        memory_bytes: int | None = None,
    ):
        """Makes a store that holds nothing yet.

        Args:
            config: A SliceConfig.
            directory: Made if missing; None keeps nothing on disk.
            memory_bytes: By default a quarter of the memory that is available now.

        Raises:
            InputError: The directory cannot be made or read.
        """
        self.config = config
        self.directory = directory
        if memory_bytes is None:
            memory_bytes = available_memory() // _MEMORY_SHARE
        self.memory_bytes = memory_bytes
        self._options = {
            "sample_rate_hz": config.sample_rate_hz,
            "num_channels": config.num_channels,
            "peak_normalize": config.peak_normalize,
        }
        self._keeps = directory is not None  # until writing there fails
        self._held = collections.OrderedDict()  # path: (samples, facts), the last used at the end
        self._held_bytes = 0
        self._lock = threading.Lock()
        self._reading = {}  # path: lock, so that two threads never read one file at once
        if directory is not None:
            try:
                os.makedirs(directory, exist_ok=True)
                os.listdir(directory)
            except OSError as error:
                raise InputError(
                    f"--data_cache={directory}: cannot be used ({error.strerror}); name a folder "
                    "that can be written"
                ) from error

    def facts(self, path: str) -> audio.Facts:
        """What is known of a recording; from the directory without reading any samples.

        Raises:
            InputError: The recording cannot be used (see `audio.load`).
        """
        entry = self._open_entry(path)
        if entry is not None:
            entry[0].close()
            return entry[1]
        return self._clip(path)[1]

    def samples(self, path: str, facts: audio.Facts) -> np.ndarray:
        """The samples of a recording that should still be what it was.

        Args:
            path: An audio file.
            facts: What `facts` returned for it earlier.

        Returns:
            float32 [num_samples, num_channels], not to be written to.

        Raises:
            InputError: The recording cannot be used any more, or has changed.
        """
        samples, found = self._clip(path)
        if found != facts:
            raise InputError(
                f"{path}: its content has changed since the start; leave --data_dir as it is "
                "during a training"
            )
        return samples

    def describe(self, num_samples: int) -> str:
        """Where so many samples of each channel are kept, in words."""
        num_bytes = 4 * num_samples * self.config.num_channels
        size, kept = f"{num_bytes / 1e6:.1f} MB of samples", f"{self.memory_bytes / 1e6:.1f} MB"
        if num_bytes <= self.memory_bytes:
            return f"{size}, kept in memory"
        if self.directory is not None:
            return f"{size}, kept in {self.directory}"
        return (
            f"{size}, of which memory keeps {kept}: the others are decoded again in every epoch "
            "(--data_cache=DIR keeps them on disk)"
        )

    def _clip(self, path):
        with self._lock:
            if path in self._held:
                self._held.move_to_end(path)
                return self._held[path]
            reading = self._reading.setdefault(path, threading.Lock())
        with reading:
            with self._lock:
                if path in self._held:
                    return self._held[path]
            clip = self._read_entry(path) or self._decode(path)
            with self._lock:
                self._hold(path, clip)
                self._reading.pop(path, None)
            return clip

    def _hold(self, path, clip):
        if path in self._held:  # two threads can read a file that was dropped in between
            self._held_bytes -= self._held.pop(path)[0].nbytes
        self._held[path] = clip
        self._held_bytes += clip[0].nbytes
        while self._held_bytes > self.memory_bytes and len(self._held) > 1:
            _, (dropped, _) = self._held.popitem(last=False)
            self._held_bytes -= dropped.nbytes

    def _decode(self, path):
        stat = _stat_of(path)
        clip = audio.load(path, **self._options)
        if self._keeps:
            self._write_entry(path, stat, *clip)
        return clip

    def _entry_path(self, path):
        key = repr((os.path.realpath(path), sorted(self._options.items())))
        name = hashlib.blake2b(os.fsencode(key), digest_size=16).hexdigest()
        return os.path.join(self.directory, f"{name}.clip")

    def _open_entry(self, path):
        """(open file, facts, checksum) of a sound entry, or None."""
        stat = _stat_of(path) if self.directory is not None else None
        if stat is None:
            return None
        try:
            file = open(self._entry_path(path), "rb")
        except OSError:
            return None
        try:
            header = json.loads(file.read(_HEADER_LEN))
            facts = audio.Facts(**header["facts"])
            num_bytes = 4 * facts.num_samples * self.config.num_channels
            sound = (
                header["version"] == _VERSION
                and header["source"] == stat
                and os.fstat(file.fileno()).st_size == _HEADER_LEN + num_bytes
            )
            if sound:
                return file, facts, header["crc32"]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # damaged
        file.close()
        return None

    def _read_entry(self, path):
        entry = self._open_entry(path)
        if entry is None:
            return None
        file, facts, checksum = entry
        with file:
            try:
                body = file.read()
            except OSError:
                return None
        if zlib.crc32(body) != checksum:
            return None
        samples = np.frombuffer(body, "<f4").reshape(facts.num_samples, self.config.num_channels)
        return samples, facts

    def _write_entry(self, path, stat, samples, facts):
        body = np.ascontiguousarray(samples, "<f4").tobytes()
        header = {
            "version": _VERSION,
            "source": stat,
            "crc32": zlib.crc32(body),
            "facts": dataclasses.asdict(facts),
        }
        place = self._entry_path(path)
        partial = f"{place}.{os.getpid()}-{threading.get_ident()}"
        try:
            with open(partial, "wb") as file:
                file.write(json.dumps(header).encode().ljust(_HEADER_LEN) + body)
            os.replace(partial, place)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(partial)
            if self._keeps:
                self._keeps = False
                _log.warning(
                    "--data_cache=%s: %s; nothing more is kept there",
                    self.directory,
                    error.strerror,
                )


def available_memory() -> int:
    """Bytes of memory that this process may use: what is free, within its control group's limit."""
    try:
        with open("/proc/meminfo") as file:
            fields = dict(line.split(":", 1) for line in file)
        available = 1024 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError):  # not Linux
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min([available, *_group_limits()])


def _group_limits():
    """The memory limits, in bytes, of the control groups this process is in (SLURM, containers)."""
    try:
        with open("/proc/self/cgroup") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return
    for _, controllers, path in groups:
        if controllers not in ("", "memory"):
            continue
        root = os.path.join("/sys/fs/cgroup", controllers)
        name = "memory.limit_in_bytes" if controllers else "memory.max"
        parts = path.strip("/").split("/")
        for depth in range(len(parts) + 1):
            try:
                with open(os.path.join(root, *parts[:depth], name)) as file:
                    yield int(file.read())
            except (OSError, ValueError):  # none here, or "max"
                continue


def _stat_of(path):
    """[size, modification time in ns] of a file, or None."""
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]
