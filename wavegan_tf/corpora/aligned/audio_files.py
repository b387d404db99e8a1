"""The recording of each alignment, found by name; who speaks in it, told by its path.

Layouts: LibriSpeech's, SPLIT/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac, with SPEAKERS.TXT
(Panayotov et al. 2015; LibriTTS is alike); else the folder of a recording is its speaker, as
for the Montreal Forced Aligner.
"""

import collections
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from wavegan_tf.corpora.aligned.alignments import Problem, check_names, walk
from wavegan_tf.errors import InputError

NO_AUDIO, NO_ALIGNMENT = "alignment without audio", "audio without alignment"

_SPEAKERS = "speakers.txt"  # in lower case
_SPEAKER_LINE = re.compile(r"\s*(\S+)\s*\|\s*([MF])\s*\|")


class Person(NamedTuple):
    """Who speaks, and in which part of a corpus: empty where it does not say."""

    speaker: str
    sex: str
    split: str


def find_audio(audio_dir: str | Path, suffixes: Iterable[str]) -> list[str]:
    """Finds the recordings of a folder and its sub-folders, by suffix.

    Returns:
        Their paths below it, separated by ``/``, sorted; hidden ones left out.

    Raises:
        InputError: There is no such folder, or no recording in it.
    """
    suffixes = tuple(sorted(suffixes))
    found = sorted(n for n in walk("--audio_dir", audio_dir) if n.lower().endswith(suffixes))
    if not found:
        raise InputError(
            f"--audio_dir={audio_dir}: no recording; give a folder of {', '.join(suffixes)} files"
        )
    return check_names("--audio_dir", audio_dir, found)


def match_audio(
    utterances: Sequence[tuple[str, str]], recordings: Sequence[str]
) -> tuple[list[str | None], list[Problem]]:
    """Finds the recording of each utterance: that of the same name.

    Where several recordings or several alignments share a name, the folders decide: the recording's
    path without suffix must be the utterance's, or end with it, or be the end of it.

    Args:
        utterances: Of each its path or name without suffix, and its alignment's file.
        recordings: Paths below the folder of audio.

    Returns:
        (matched, problems): for each utterance its recording or None; alignments without audio,
        then recordings without alignment.

    Raises:
        InputError: Two alignments are of one recording.
    """
    by_stem = collections.defaultdict(list)
    for name in recordings:
        by_stem[_stem(name)].append(name)
    shared = collections.Counter(_name(utterance) for utterance, _ in utterances)
    matched, problems, aligned_in, unclear = [], [], {}, set()
    for utterance, file in utterances:
        found = by_stem.get(_name(utterance), [])
        if len(found) > 1 or shared[_name(utterance)] > 1:
            found = _of_same_folders(utterance, found)
        matched.append(found[0] if len(found) == 1 else None)
        if not found:
            detail = f"no recording is named {utterance}"
            problems.append(Problem(NO_AUDIO, file, detail))
        elif len(found) > 1:
            unclear.update(found)
            detail = f"{utterance} may be {found[0]} or {found[1]}; leave one out"
            problems.append(Problem(NO_AUDIO, file, detail))
        elif found[0] in aligned_in:
            raise InputError(
                f"--alignments: {found[0]} is aligned twice, in {aligned_in[found[0]]} and {file}; "
                "leave one out (lines of one utterance must follow each other)"
            )
        else:
            aligned_in[found[0]] = file
    for name in recordings:
        if name not in aligned_in and name not in unclear:
            problems.append(Problem(NO_ALIGNMENT, name, "no alignment is named so"))
    return matched, problems


def _stem(recording):
    """The name of a recording without folders and suffix."""
    return PurePosixPath(recording).stem


def _name(utterance):
    """The name of an utterance without folders; it has no suffix, but may have dots."""
    return utterance.rpartition("/")[2]


def _of_same_folders(utterance, recordings):
    """Those recordings whose path is the utterance's, else those that share the most folders."""
    wanted, shared = f"/{utterance}", {}
    for name in recordings:
        path = f"/{name.removesuffix(PurePosixPath(name).suffix)}"
        if path == wanted or path.endswith(wanted) or wanted.endswith(path):
            shared[name] = (path == wanted, min(len(path), len(wanted)))
    return [name for name in shared if shared[name] == max(shared.values())]


def clip_stems(recordings: Iterable[str]) -> dict[str, str]:
    """What the clips of each recording are named after: its name, with folders where two share it.

    Raises:
        InputError: Two recordings have one name even so.
    """
    recordings = list(recordings)
    shared = collections.Counter(map(_stem, recordings))
    stems, owner = {}, {}
    for name in recordings:
        whole = name.removesuffix(PurePosixPath(name).suffix).replace("/", "_")
        stems[name] = _stem(name) if shared[_stem(name)] == 1 else whole
        if owner.setdefault(stems[name], name) != name:
            raise InputError(
                f"--audio_dir: clips of {owner[stems[name]]} and {name} would have the same names; "
                "rename one"
            )
    return stems


def read_speakers(audio_dir: str | Path) -> dict[str, str]:
    """The sex of each speaker, M or F, of the SPEAKERS.TXT in a folder or in the one above.

    Lines are ``ID | SEX | SUBSET | MINUTES | NAME``; others, such as comments, are passed over.

    Returns:
        Sex by speaker; empty without such a file.
    """
    folder = Path(audio_dir).resolve()
    for place in (folder, folder.parent):
        for name in sorted(os.listdir(place)):
            if name.lower() == _SPEAKERS:
                text = (place / name).read_text(encoding="utf-8", errors="replace")
                matches = map(_SPEAKER_LINE.match, text.splitlines())
                return {match[1]: match[2] for match in matches if match}
    return {}


def person_of(
    recording: str, audio_dir: str | Path, sexes: dict[str, str], speaker: str = ""
) -> Person:
    """Who speaks in a recording.

    Args:
        recording: Its path below the folder of audio.
        audio_dir: That folder, absolute; where it is a split's or speaker's, its path says so.
        sexes: Of `read_speakers`.
        speaker: As the alignment names the speaker, which precedes the path; empty if it does not.

    Returns:
        A Person; the split is the folder above a speaker's in LibriSpeech's layout, else empty.
    """
    folders = [*Path(audio_dir).parts[1:], *PurePosixPath(recording).parts[:-1]]
    split = ""
    in_librispeech = len(folders) > 2 and re.match(
        rf"{re.escape(folders[-2])}([-_]){re.escape(folders[-1])}\1", _stem(recording)
    )
    if in_librispeech:
        split, found = folders[-3:-1]
    else:
        found = PurePosixPath(recording).parent.name
    speaker = speaker or found
    return Person(speaker, sexes.get(speaker, ""), split)
