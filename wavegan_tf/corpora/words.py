"""Words cut out of aligned recordings: alignments are counted, words chosen, then clips cut.

Everything is decided from the alignments alone, before any recording is read; of them 29 bytes a
token are kept (LibriSpeech has 9.4 million). Layouts: LibriSpeech's and LibriTTS's, SPLIT/SPEAKER/
CHAPTER/SPEAKER-CHAPTER-NUMBER.flac, with SPEAKERS.TXT; else the folder of a recording is its
speaker, as for the Montreal Forced Aligner.
"""

import collections
import hashlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.corpora import clips
from wavegan_tf.corpora.alignments import TEXTGRID, Track, read_alignment
from wavegan_tf.errors import InputError
from wavegan_tf.processes import in_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.intervals import Interval, cut_to_sound
from wavegan_tf.texts import read_lines

OUTCOMES = (
    "written", "not_chosen", "over_max", "too_long", "no_audio", "unreadable", "bad_span", "twice",
)  # fmt: skip
"""What becomes of a token; ``bad_span``: it ends after its recording or has no samples; ``twice``:
its alignment has it before, with the same word, speaker and beginning."""

_SPEAKER_LINE = re.compile(r"\s*(\S+)\s*\|\s*([MF])\s*\|")


class Alignments(NamedTuple):
    """Where alignments are."""

    root: str  # of their files
    tier: str = ""  # of their TextGrids, as of `read_alignment`


class Job(NamedTuple):
    """A recording and what is cut from it."""

    recording: str
    stem: str  # names the clips
    alignment: str  # its file
    tokens: list[tuple]  # of each its number and its row of `collect`, in order of time


class Plan(NamedTuple):
    """What holds for all recordings."""

    audio_dir: str  # absolute
    alignments: Alignments
    sexes: dict[str, str]  # by speaker


class Cut(NamedTuple):
    """What came of a job."""

    clips: list[clips.Clip]  # in order of time
    lost: dict[int, str]  # outcomes of the tokens that were lost, by number
    problems: list[clips.Problem]


def read_tracks(
    alignments: Alignments, files: Sequence[str], num_processes: int
) -> Iterator[Track | clips.Problem]:
    """Reads TextGrids in parallel, then tables, which may be large, line by line."""
    grids = [file for file in files if file.lower().endswith(TEXTGRID)]
    read = in_processes(_tracks_of, grids, alignments, num_processes)
    yield from itertools.chain.from_iterable(progress(read, len(grids), "TextGrids"))
    others = [file for file in files if not file.lower().endswith(TEXTGRID)]
    for file in progress(others, len(others), "alignments"):
        yield from read_alignment(alignments.root, file)


def _tracks_of(file: str, alignments: Alignments) -> list[Track | clips.Problem]:
    """The tracks of a TextGrid without their phones, which need not travel."""
    found = read_alignment(alignments.root, file, alignments.tier)
    return [x._replace(phones=None) if isinstance(x, Track) else x for x in found]


def collect(
    tracks: Iterable[Track | clips.Problem],
) -> tuple[pd.DataFrame, list[tuple[str, str]], list[clips.Problem]]:
    """Puts alignments into a table, a row for each word said, beside utterances and problems.

    Columns: ``utterance`` (number), ``speaker``, ``word``, ``start_s``, ``end_s``,
    ``outcome`` (``not_chosen``). Of each utterance there is its name and its alignment's file.
    """
    words, speakers = dict[str, int](), dict[str, int]()
    utterances = dict[tuple[str, str], int]()
    problems: list[clips.Problem] = []

    def rows() -> Iterator[tuple[int, int, int, float, float]]:
        for track in tracks:
            if isinstance(track, clips.Problem):
                problems.append(track)
                continue
            utterance = utterances.setdefault((track.utterance, track.file), len(utterances))
            whose = utterance, speakers.setdefault(track.speaker, len(speakers))
            for label, start_s, end_s in track.words:
                yield *whose, words.setdefault(label, len(words)), start_s, end_s

    names = ("utterance", "speaker", "word", "start_s", "end_s")
    row_type = np.dtype(list(zip(names, ("i4", "i4", "i4", "f8", "f8"), strict=True)))
    tokens = pd.DataFrame(np.fromiter(rows(), row_type))
    tokens["outcome"] = np.full(len(tokens), OUTCOMES.index("not_chosen"), np.int8)
    for name, kinds in (("speaker", speakers), ("word", words), ("outcome", OUTCOMES)):
        codes: Any = tokens[name].to_numpy()
        tokens[name] = pd.Categorical.from_codes(codes, pd.Index(list(kinds), dtype=object))
    return tokens, list(utterances), problems


def match_audio(
    utterances: Sequence[tuple[str, str]], recordings: Sequence[str], problems: list[clips.Problem]
) -> list[str | None]:
    """Finds the recording of each utterance: that of the same name.

    Where several recordings or several alignments share a name, the folders decide: the recording's
    path without suffix must be the utterance's, or end with it, or be the end of it. Alignments
    without audio (None) are added to the problems, then recordings without alignment, unless their
    TextGrid is among the problems already.

    Raises:
        InputError: Two alignments are of one recording.
    """
    unread = {PurePosixPath(x.file).stem for x in problems if x.file.lower().endswith(TEXTGRID)}
    by_stem = collections.defaultdict(list)
    for recording in recordings:
        by_stem[PurePosixPath(recording).stem].append(recording)
    names = [utterance.rpartition("/")[2] for utterance, _ in utterances]
    shared = collections.Counter(names)
    matched: list[str | None] = []
    aligned_in: dict[str, str] = {}  # a recording -> its alignment; empty: which one is not clear
    for (utterance, file), name in zip(utterances, names, strict=True):
        found = by_stem.get(name, [])
        if len(found) > 1 or shared[name] > 1:
            found = _of_same_folders(utterance, found)
        if len(found) == 1:
            if aligned_in.get(found[0]):
                raise InputError(
                    f"--alignments: {found[0]} is aligned twice, in {aligned_in[found[0]]} and "
                    f"{file}; leave one out"
                )
            aligned_in[found[0]] = file
        else:
            detail = f"no recording is named {utterance}"
            if found:
                detail = f"{utterance} may be {found[0]} or {found[1]}; leave one out"
            aligned_in.update(dict.fromkeys(found, ""))
            problems.append(clips.Problem("alignment without audio", file, detail))
        matched.append(found[0] if len(found) == 1 else None)
    for recording in recordings:
        if recording not in aligned_in and PurePosixPath(recording).stem not in unread:
            detail = "no alignment is named so"
            problems.append(clips.Problem("audio without alignment", recording, detail))
    return matched


def _of_same_folders(utterance: str, recordings: Iterable[str]) -> list[str]:
    """Those recordings whose path is the utterance's, else those that share the most folders."""
    wanted, shared = f"/{utterance}", {}
    for name in recordings:
        path = f"/{name.removesuffix(PurePosixPath(name).suffix)}"
        if path == wanted or path.endswith(wanted) or wanted.endswith(path):
            shared[name] = (path == wanted, min(len(path), len(wanted)))
    return [name for name in shared if shared[name] == max(shared.values())]


def mark_unusable(tokens: pd.DataFrame, matched: Sequence[str | None], max_len: int | None) -> None:
    """Marks the tokens without audio or samples, or of more than a clip may have (None: any)."""
    start, end = (np.rint(tokens[x] * clips.SAMPLE_RATE_HZ) for x in ("start_s", "end_s"))
    if max_len is not None:
        tokens.loc[end - start > max_len, "outcome"] = "too_long"
    tokens.loc[end <= start, "outcome"] = "bad_span"
    without = np.array([name is None for name in matched], bool)
    tokens.loc[without[tokens["utterance"]], "outcome"] = "no_audio"


def rank(tokens: pd.DataFrame) -> pd.DataFrame:
    """Ranks words by falling number of tokens, equal ones by alphabet.

    Rows by ``word``: ``rank`` from 1, ``tokens``, and how many of them have each of `OUTCOMES`.
    """
    words = tokens["word"].cat
    counts = np.zeros((len(words.categories), len(OUTCOMES)), np.int64)
    np.add.at(counts, (words.codes, tokens["outcome"].cat.codes), 1)
    table = pd.DataFrame(counts, words.categories.rename("word"), list(OUTCOMES))
    table.insert(0, "tokens", table.sum(axis=1))
    table = table.reset_index().sort_values(["tokens", "word"], ascending=[False, True])
    table.insert(0, "rank", np.arange(1, len(table) + 1))
    return table.set_index("word")


def choose(
    ranked: pd.DataFrame, skip_words: int, num_words: int, names: Sequence[str] | None
) -> pd.Series:
    """Chooses words that have usable tokens: those named, or by rank the next after some.

    Raises:
        InputError: None is chosen.
    """
    usable = ranked["not_chosen"] > 0
    if names is not None:
        chosen = usable & ranked.index.isin(names)
    else:
        chosen = usable & (ranked["rank"] > skip_words)
        chosen &= np.cumsum(chosen) <= num_words
    if not chosen.any():
        asked = f"--skip_words={skip_words}" if names is None else f"--words={','.join(names)}"
        raise InputError(
            f"{asked}: no word is left: {usable.sum()} of {len(ranked)} words have usable tokens "
            "(with audio, no longer than --slice_len); --skip_words=0 takes all of a small corpus"
        )
    return chosen


def take_tokens(
    tokens: pd.DataFrame,
    matched: Sequence[str | None],
    chosen: Iterable[str],
    max_tokens: int | None,
    seed: int,
) -> None:
    """Marks the tokens to be cut as written; of chosen words those twice or beyond ``max_tokens``.

    A token's place in the draw is a hash of the seed, its recording's name and where it begins: the
    sample does not depend on other words, folders, or the kind of alignment.
    """
    wanted = tokens[tokens["word"].isin(chosen) & (tokens["outcome"] == "not_chosen")]
    again = wanted.duplicated(["utterance", "speaker", "word", "start_s"])
    tokens.loc[wanted.index, "outcome"] = np.where(again, "twice", "written")
    wanted = wanted[~again]

    def place(token: Any) -> bytes:
        recording = PurePosixPath(str(matched[token.utterance])).stem
        where = f"{recording} {round(token.start_s * 1000)} {token.speaker}"
        return hashlib.blake2b(f"{seed} {token.word} {where}".encode(), digest_size=8).digest()

    for _, found in wanted.groupby("word", observed=True) if max_tokens else ():
        over = sorted(found.itertuples(), key=place)[max_tokens:]
        tokens.loc[[token.Index for token in over], "outcome"] = "over_max"


def list_jobs(
    tokens: pd.DataFrame, matched: Sequence[str | None], utterances: Sequence[tuple[str, str]]
) -> list[Job]:
    """Lists what is cut from each recording, in order; only shared names are told by folders."""
    written = tokens[tokens["outcome"] == "written"].astype({"word": object, "speaker": object})
    written = written.sort_values(["utterance", "start_s", "speaker", "word"])
    shared = collections.Counter(
        PurePosixPath(str(matched[i])).stem for i in written["utterance"].unique()
    )
    jobs = []
    for index, rows in itertools.groupby(written.itertuples(name=None), lambda row: row[1]):
        path = PurePosixPath(str(matched[index]))
        whole = shared[path.stem] > 1
        stem = str(path.with_suffix("")).replace("/", "_") if whole else path.stem
        jobs.append(Job(str(path), stem, utterances[index][1], list(rows)))
    return sorted(jobs, key=lambda job: job.recording)


def cut_words(job: Job, plan: Plan) -> Cut:
    """Reads a recording, resamples the whole of it, and cuts words out."""
    from wavegan_tf.data.audio import read_audio, resample

    path, rate_hz = os.path.join(plan.audio_dir, job.recording), clips.SAMPLE_RATE_HZ
    cut = Cut([], {}, [])
    try:
        audio = read_audio(path)
        mono = audio.samples.mean(axis=1, keepdims=True, dtype=np.float32)
        samples = resample(mono, audio.rate_hz, rate_hz)[:, 0]
    except InputError as error:
        detail = str(error).removeprefix(f"{path}: ")
        problem = clips.Problem("audio unreadable", job.recording, detail)
        return Cut([], {number: "unreadable" for number, *_ in job.tokens}, [problem])
    if audio.remark:
        cut.problems.append(clips.Problem("audio not used in full", job.recording, audio.remark))
    duration_s = len(mono) / audio.rate_hz
    phones: dict[str, list[Interval] | None] = {}
    if job.alignment.lower().endswith(TEXTGRID):
        found = read_alignment(plan.alignments.root, job.alignment, plan.alignments.tier)
        phones = {track.speaker: track.phones for track in found if isinstance(track, Track)}
    for number, _, said_by, word, start_s, end_s, _ in job.tokens:
        span = cut_to_sound(start_s, end_s, duration_s) or (0.0, 0.0)
        start, end = (min(round(edge_s * rate_hz), len(samples)) for edge_s in span)
        if end <= start:
            cut.lost[number] = "bad_span"
            detail = (
                f"'{word[:40]}', {start_s:g} .. {end_s:g} s ({job.alignment}), in a recording of "
                f"{duration_s:g} s"
            )
            cut.problems.append(clips.Problem("span unusable", job.recording, detail))
            continue
        tiers = [clips.make_tier("words", [(word, start, end)], start, end)]
        own = phones.get(said_by)
        inside = [x for x in own or () if span[0] <= (x.start_s + x.end_s) / 2 < span[1]]
        if own is not None:
            edges = [(x, round(a * rate_hz), round(b * rate_hz)) for x, a, b in inside]
            tiers.append(clips.make_tier("phones", edges, start, end))
        first, last = (min(round(edge_s * audio.rate_hz), len(mono)) for edge_s in span)
        speaker, sex, split = person_of(job.recording, plan.audio_dir, plan.sexes, said_by)
        what = ("", word, " ".join(phone.label for phone in inside), first, last)
        who = (job.recording, speaker, sex, "", split, PurePosixPath(job.recording).stem)
        by = f"_{clips.safe_name(said_by)}" if said_by else ""
        name = f"{clips.safe_name(word)}/{job.stem}{by}_{first:06d}"
        row = dict(zip(clips.CUT_COLUMNS, what + who, strict=True))
        cut.clips.append(clips.Clip(name, samples[start:end], tiers, row))
    if beyond := sum(bool(np.abs(clip.samples).max() > 1) for clip in cut.clips):
        detail = f"samples beyond full scale, which are clipped, in {beyond} of its clips"
        cut.problems.append(clips.Problem("clipped", job.recording, detail))
    return cut


def clips_of(
    cuts: Iterable[Cut], tokens: pd.DataFrame, problems: list[clips.Problem]
) -> Iterator[clips.Clip]:
    """Passes clips on; marks the tokens that were lost and adds to the problems."""
    for cut in cuts:
        for number, outcome in cut.lost.items():
            tokens.loc[number, "outcome"] = outcome
        problems += cut.problems
        yield from cut.clips


def read_speakers(audio_dir: str) -> dict[str, str]:
    """Reads the sex of each speaker, M or F, from SPEAKERS.TXT in a folder or in the one above."""
    folder = Path(audio_dir).resolve()
    for place in (folder, folder.parent):
        for name in sorted(os.listdir(place)):
            if name.lower() == "speakers.txt":
                matches = map(_SPEAKER_LINE.match, read_lines(place / name))
                return {match[1]: match[2] for match in matches if match}
    return {}


def person_of(
    recording: str, audio_dir: str, sexes: dict[str, str], speaker: str = ""
) -> tuple[str, str, str]:
    """Says who speaks in a recording: speaker, sex, split; empty where nothing says it.

    The alignment's speaker goes before that of the path, of which ``audio_dir`` is a part.
    """
    folders = [*Path(audio_dir).parts[1:], *PurePosixPath(recording).parts[:-1]]
    split, found = "", PurePosixPath(recording).parent.name
    if len(folders) > 2:
        chapter = rf"{re.escape(folders[-2])}([-_]){re.escape(folders[-1])}\1"
        if re.match(chapter, PurePosixPath(recording).stem):
            split, found = folders[-3:-1]
    speaker = speaker or found
    return speaker, sexes.get(speaker, ""), split
