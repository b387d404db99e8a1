"""Whole recordings, decoded once: held in memory where they fit, and kept on disk if wanted."""

import collections
import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wavegan_tf.data import audio
from wavegan_tf.data.slices import SliceConfig
from wavegan_tf.errors import InputError

_Clip = tuple[np.ndarray, audio.Facts]


class ClipStore:
    """The samples of files as training uses them: resampled, mixed, normalised.

    Clips are held in memory up to a limit, those used last; one is held, however long. With a
    directory they are kept there too, one file for each recording, so that no later run decodes
    them again; an entry that is damaged, or whose recording has another size or modification time,
    is made anew. Processes may share the directory, threads the store.
    """

    def __init__(
        self, config: SliceConfig, directory: str | None = None, memory_bytes: int | None = None
    ) -> None:
        """Makes a store that holds nothing yet.

        By default its memory is a quarter of what is available now. The directory is made if
        missing; an InputError says if it cannot be.
        """
        if memory_bytes is None:
            memory_bytes = available_memory() // 4
        self.config, self.directory, self.memory_bytes = config, directory, memory_bytes
        fields = ("sample_rate_hz", "num_channels")  # what decides the samples
        self._options = {name: getattr(config, name) for name in fields}
        self._keeps = directory is not None  # until writing there fails
        self._held: collections.OrderedDict[str, _Clip] = collections.OrderedDict()  # by last use
        self._held_bytes = 0
        self._lock = threading.Lock()
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
        """Tells what is known of a recording, from the directory without reading any samples."""
        entry = self._read_entry(path, with_samples=False)
        return (entry or self._clip(path))[1]

    def samples(self, path: str, facts: audio.Facts) -> np.ndarray:
        """Gives the samples of a recording, float32 [num_samples, channels], not to be written to.

        Raises:
            InputError: The recording cannot be used any more, or is not what `facts` once told.
        """
        samples, found = self._clip(path)
        if found != facts:
            raise InputError(
                f"{path}: its content has changed since the start; leave --data_dir as it is "
                "during a training"
            )
        return samples

    def describe(self, num_samples: int) -> str:
        """Says in words where so many samples of each channel are kept."""
        num_bytes = 4 * num_samples * self.config.num_channels
        size = f"{num_bytes / 1e6:.1f} MB of samples"
        where = "memory" if num_bytes <= self.memory_bytes else self.directory
        if where:
            return f"{size}, kept in {where}"
        return (
            f"{size}, of which memory keeps {self.memory_bytes / 1e6:.1f} MB: the others are "
            "decoded again in every epoch (--data_cache=DIR keeps them on disk)"
        )

    def _clip(self, path: str) -> _Clip:
        with self._lock:
            if path in self._held:
                self._held.move_to_end(path)
                return self._held[path]
        source = _stat_of(path)
        if (clip := self._read_entry(path)) is None:
            clip = audio.load(path, **self._options)
            if self._keeps:
                self._write_entry(path, source, clip)
        with self._lock:
            if path not in self._held:  # by another thread meanwhile
                self._held[path] = clip
                self._held_bytes += clip[0].nbytes
            while self._held_bytes > self.memory_bytes and len(self._held) > 1:
                _, (dropped, _) = self._held.popitem(last=False)
                self._held_bytes -= dropped.nbytes
        return clip

    def _entry_path(self, path: str) -> str:
        key = repr((os.path.realpath(path), self._options))
        name = hashlib.blake2b(os.fsencode(key), digest_size=16).hexdigest()
        return os.path.join(self.directory or "", f"{name}.npz")

    def _read_entry(self, path: str, with_samples: bool = True) -> _Clip | None:
        """Reads the sound entry of a recording; without samples none are read or checked."""
        if self.directory is None:
            return None
        try:
            # A zip, which compares checksums.
            with open(self._entry_path(path), "rb") as file, np.load(file) as entry:
                source, facts = json.loads(entry["about"].tobytes())
                if source != _stat_of(path):
                    return None
                samples = entry["samples"] if with_samples else np.empty([0, 0], np.float32)
                return samples, audio.Facts(**facts)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
            return None  # missing or damaged

    def _write_entry(self, path: str, source: list[int] | None, clip: _Clip) -> None:
        about = json.dumps([source, dataclasses.asdict(clip[1])]).encode()
        place = self._entry_path(path)
        partial = f"{place}.{os.getpid()}-{threading.get_ident()}"
        try:
            with open(partial, "wb") as file:
                np.savez(file, about=np.frombuffer(about, np.uint8), samples=clip[0])
            os.replace(partial, place)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.remove(partial)
            if self._keeps:
                self._keeps = False
                where = f"--data_cache={self.directory}: {error.strerror}"
                logging.getLogger("wavegan_tf").warning("%s; nothing more is kept there", where)


def available_memory() -> int:
    """Tells how many bytes this process may use: what is free, within its control group's limit."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        available = 1024 * int(fields["MemAvailable"].split()[0])
    except (OSError, KeyError):  # not Linux
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return min([available, *_group_limits()])


def _group_limits() -> Iterator[int]:
    """Yields the memory limits, in bytes, of this process's control groups (SLURM, containers)."""
    with contextlib.suppress(OSError), open("/proc/self/cgroup") as file:
        for line in file:
            _, kind, path = line.rstrip("\n").split(":", 2)
            if kind in ("", "memory"):
                group = Path("/sys/fs/cgroup", kind, path.strip("/"))
                for folder in (group, *group.parents):  # "max" is no number; others have no file
                    with contextlib.suppress(OSError, ValueError):
                        name = "memory.limit_in_bytes" if kind else "memory.max"
                        yield int((folder / name).read_text())


def _stat_of(path: str) -> list[int] | None:
    """[size, modification time in ns] of a file, or None."""
    with contextlib.suppress(OSError):
        stat = os.stat(path)
        return [stat.st_size, stat.st_mtime_ns]
    return None
