"""A folder of audio looked through before anything is built: what is there and what is wrong."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from wavegan_tf.data import audio
from wavegan_tf.data.clips import ClipStore
from wavegan_tf.data.slices import SliceOrder
from wavegan_tf.errors import InputError
from wavegan_tf.paths import find_files

SILENCE = 1e-4  # RMS, -80 dB of full scale: what the noise of no microphone falls below
AUDIO_SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .aif .aiff .aifc .sph .nist .au .snd .m4a .aac .amr "
    ".wma .caf .w64 .webm .mka .3gp".split()
)
UNREADABLE, TOO_SHORT, SILENT = "unreadable", "too short", "silent"
_WAYS_OUT = {
    UNREADABLE: audio.WAY_OUT,
    TOO_SHORT: "--data_first_slice or --data_pad_end takes them",
    SILENT: "no louder than -80 dB of full scale: record them again",
}
_NAMED = 5  # files of each kind of trouble; data.json names all
_LeftOut = dict[str, list[tuple[str, str]]]  # per kind of trouble names of files and the reasons


class Recording(NamedTuple):
    """A usable file: its path below the folder, its path, and what is known of it."""

    name: str
    path: str
    facts: audio.Facts


@dataclasses.dataclass
class Report:
    """What a folder holds."""

    data_dir: str
    recordings: list[Recording]  # the usable files, sorted by name
    slices_per_epoch: int  # a little more or less if slices begin at random places
    left_out: _LeftOut
    not_audio: collections.Counter[str]  # files that do not look like audio, by suffix
    duplicates: list[tuple[str, str]]  # name, and that of the first of the same content; both used
    storage: str = ""  # where samples are kept, in words
    passed_over: dict[str, str] = dataclasses.field(default_factory=dict)  # folders, and why

    @property
    def num_files(self) -> int:
        """All files found, usable or not."""
        left_out = sum(map(len, self.left_out.values()))
        return len(self.recordings) + left_out + self.not_audio.total()

    @property
    def fingerprint(self) -> str:
        """Equal for equal names and contents of the usable files."""
        content = [(r.name, r.facts.digest, r.facts.num_samples) for r in self.recordings]
        return hashlib.blake2b(repr(content).encode(), digest_size=16).hexdigest()

    def counts(self, attribute: str) -> dict[Any, int]:
        """Counts the recordings of each value of a field of `audio.Facts`, the commonest first."""
        values = collections.Counter(getattr(r.facts, attribute) for r in self.recordings)
        return dict(values.most_common())

    def remarks(self) -> dict[str, str]:
        """Tells of the usable files, by name, what of them was left out or is missing."""
        return {r.name: r.facts.remark for r in self.recordings if r.facts.remark}

    def lines(self) -> Iterator[str]:
        """Yields the report as text, naming the first five files of each kind of trouble."""
        seconds = round(sum(recording.facts.duration_s for recording in self.recordings))
        clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        yield (
            f"data: {len(self.recordings)} of {self.num_files} files in {self.data_dir}, {clock} "
            f"(h:min:s) of sound, {self.slices_per_epoch} slices an epoch; {self.storage}"
        )
        for title, attribute in (("formats", "format"), ("rates", "rate_hz"), ("channels",) * 2):
            unit = " Hz" if title == "rates" else ""
            counts = self.counts(attribute).items()
            yield f"  {title}: " + ", ".join(f"{what}{unit} ({n})" for what, n in counts)
        if self.not_audio:
            named = (f"{count} {suffix}" for suffix, count in self.not_audio.most_common())
            yield f"  not audio, left out: {', '.join(named)}"
        yield from _unvisited(self.passed_over, ", all named in data.json")
        yield from _trouble(self.left_out, ", left out", ", all named in data.json")
        same = [f"{name} = {first}" for name, first in self.duplicates]
        what = "of the same content as another, used all the same"
        yield from _some(what, same, ", all named in data.json")
        remarks = [f"{name}: {remark}" for name, remark in self.remarks().items()]
        yield from _some("used without a part", remarks, ", all named in data.json")

    def to_dict(self) -> dict[str, Any]:
        """Gives the report for JSON, every file left out and every duplicate named."""
        return {
            "data_dir": self.data_dir,
            "files": self.num_files,
            "used": len(self.recordings),
            "duration_s": round(sum(r.facts.duration_s for r in self.recordings), 3),
            "slices_per_epoch": self.slices_per_epoch,
            "fingerprint": self.fingerprint,
            "formats": self.counts("format"),
            "rates_hz": self.counts("rate_hz"),
            "channels": self.counts("channels"),
            "passed_over": self.passed_over,
            "not_audio": dict(self.not_audio.most_common()),
            "left_out": {kind: dict(files) for kind, files in self.left_out.items()},
            "duplicates": dict(self.duplicates),
            "remarks": self.remarks(),
            "samples": {r.name: r.facts.num_decoded for r in self.recordings},
        }


def preflight(
    data_dir: str,
    store: ClipStore,
    progress: Callable[[Iterable, int], Iterable] = lambda items, total: items,
) -> Report:
    """Reads every file of a folder once, which fills the store, and says what was found.

    A file is left out if it cannot be read, gives no slice, or is silent (`SILENCE`). One whose
    first bytes are those of no audio format is only counted, unless its suffix promises audio.

    Raises:
        InputError: There is no such folder, or no file of it can be used.
    """
    unvisited: dict[str, str] = {}
    files = find_files("--data_dir", data_dir, unvisited)
    passed_over = {printable(name): printable(why) for name, why in unvisited.items()}
    recordings: list[Recording] = []
    not_audio: collections.Counter[str] = collections.Counter()
    left_out: _LeftOut = {UNREADABLE: [], TOO_SHORT: [], SILENT: []}
    duplicates, first_of = [], dict[str, str]()
    for path, found in progress(_facts_of(files, store), len(files)):
        name = printable(os.path.relpath(path, data_dir))
        suffix = os.path.splitext(path)[1]
        if isinstance(found, audio.UnknownFormatError) and suffix.lower() not in AUDIO_SUFFIXES:
            not_audio[printable(suffix) or "without suffix"] += 1
        elif isinstance(found, InputError):
            reason = str(found).removeprefix(f"{path}: ").removesuffix(f"; {audio.WAY_OUT}")
            left_out[UNREADABLE].append((name, reason))
        elif not store.config.num_starts(found.num_samples):
            found_s = f"{found.num_samples} samples at {store.config.sample_rate_hz} Hz"
            reason = f"{found_s} are less than --data_slice_len={store.config.slice_len}"
            left_out[TOO_SHORT].append((name, reason))
        elif found.level < SILENCE:
            left_out[SILENT].append((name, f"RMS {found.level:.2g} of full scale"))
        else:
            recordings.append(Recording(name, path, found))
            if (first := first_of.setdefault(found.digest, name)) != name:
                duplicates.append((name, first))
    if not recordings:
        counts = [f"{len(named)} {kind}" for kind, named in left_out.items() if named]
        counts += [f"{not_audio.total()} not audio"] if not_audio else []
        what = f"none of its {len(files)} files can be used: {', '.join(counts)}"
        lines = [*_unvisited(passed_over, ""), *_trouble(left_out, "", "")]
        raise InputError("\n".join([f"--data_dir={data_dir}: {what}", *lines]))
    lengths = [recording.facts.num_samples for recording in recordings]
    num_slices = SliceOrder(lengths, store.config, seed=0).locate(0)[2]
    storage = store.describe(sum(lengths))
    found_all = (left_out, not_audio, duplicates, storage, passed_over)
    return Report(data_dir, recordings, num_slices, *found_all)


def split_holdout(
    recordings: list[Recording], fraction: float, seed: int
) -> tuple[list[Recording], list[Recording]]:
    """Splits recordings into those to train on and about a fraction, at least one, held out.

    The side of a recording is decided by a hash of its content and the seed: it stays the same when
    others are added or files are renamed, and recordings of one content are on one side.

    Raises:
        InputError: The fraction is below 0, not below 1, or leaves nothing to train on.
    """
    if not 0 <= fraction < 1:
        raise InputError(f"--data_holdout={fraction} must be at least 0 and below 1")
    if not fraction:
        return recordings, []

    def place(recording: Recording) -> float:  # 0 <= place < 1, evenly distributed over contents
        content = f"{seed} {recording.facts.digest}".encode()
        hashed = hashlib.blake2b(content, digest_size=8).digest()
        return (int.from_bytes(hashed, "big") >> 11) * 2.0**-53

    limit = max(fraction, min(map(place, recordings)) + 2.0**-53)
    to_train_on = [recording for recording in recordings if place(recording) >= limit]
    if not to_train_on:
        raise InputError(
            f"--data_holdout={fraction} leaves none of {len(recordings)} recordings to train on; "
            "give a lower share, or more recordings of different content"
        )
    return to_train_on, [recording for recording in recordings if place(recording) < limit]


def printable(text: str) -> str:
    """Escapes everything that would break a line or a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _facts_of(files: list[str], store: ClipStore) -> Iterator[tuple[str, Any]]:
    """Yields (path, Facts or InputError) in the order of the files, which threads read."""

    def read(path: str) -> tuple[str, Any]:
        try:
            return path, store.facts(path)
        except InputError as error:
            return path, error

    threads = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    try:
        yield from threads.map(read, files)
    finally:  # interrupted, what has not begun is not begun
        threads.shutdown(cancel_futures=True)


def _trouble(left_out: _LeftOut, what: str, where: str) -> Iterator[str]:
    """Yields lines on the files left out, each kind followed by its way out."""
    for kind, files in left_out.items():
        yield from _some(f"{kind}{what}", [f"{n}: {reason}" for n, reason in files], where)
        if files:
            yield f"    ({_WAYS_OUT[kind]})"


def _unvisited(passed_over: dict[str, str], where: str) -> Iterator[str]:
    named = [f"{name}: {why}" for name, why in sorted(passed_over.items())]
    return _some("folders passed over", named, where)


def _some(title: str, named: list[str], where: str) -> Iterator[str]:
    """Yields lines that name the first files of a kind, and say where the others are named."""
    if named:
        yield f"  {title}: {len(named)}"
        yield from (f"    {text}" for text in named[:_NAMED])
        if len(named) > _NAMED:
            yield f"    .. and {len(named) - _NAMED} more{where}"
