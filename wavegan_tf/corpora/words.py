"""Words cut out of aligned recordings: alignments are counted, words chosen, then clips cut.

Everything is decided from the alignments alone, before any recording is read; of them 29 bytes a
token are kept (LibriSpeech has 9.4 million). Beguš & Zhou (2022) leave the 78 most frequent words
of LibriSpeech out and take the next 508. Layouts: LibriSpeech's, SPLIT/SPEAKER/CHAPTER/
SPEAKER-CHAPTER-NUMBER.flac, with SPEAKERS.TXT (Panayotov et al. 2015; LibriTTS is alike); else the
folder of a recording is its speaker, as for the Montreal Forced Aligner.
"""

import array
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

from wavegan_tf.corpora.alignments import TEXTGRID, Track, read_alignment
from wavegan_tf.corpora.clips import CUT_COLUMNS, SAMPLE_RATE_HZ, Clip, Problem, safe_name
from wavegan_tf.errors import InputError
from wavegan_tf.processes import in_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import Tier

OUTCOMES = ("written", "not_chosen", "over_max", "too_long", "no_audio", "unreadable", "bad_span")
"""What becomes of a token: its clip is written; its word is not chosen, or has more tokens than are
taken; it is longer than a clip may be; its recording is missing, or cannot be read; its span ends
after the recording or has no samples."""
NO_AUDIO, NO_ALIGNMENT = "alignment without audio", "audio without alignment"
PAST_END_S = 0.02
"""A span may end after its recording by this much, two steps of an aligner: it is cut there."""

_SPEAKER_LINE = re.compile(r"\s*(\S+)\s*\|\s*([MF])\s*\|")


class Token(NamedTuple):
    """A word to be cut: its number among all tokens, its label, its span in s, its speaker."""

    number: int
    word: str
    start_s: float
    end_s: float
    speaker: str

    def span(self, rate_hz: int, num_samples: int) -> tuple[int, int]:
        """Returns its first sample and the one after its last, within the recording."""
        return round(self.start_s * rate_hz), min(round(self.end_s * rate_hz), num_samples)


class Job(NamedTuple):
    """A recording and what is cut from it: ``alignment`` is its file, ``stem`` names the clips."""

    recording: str
    stem: str
    alignment: str
    tokens: list[Token]


class Plan(NamedTuple):
    """What holds for all recordings: folders of audio and alignments, sex by speaker."""

    audio_dir: str
    root: str
    sexes: dict[str, str]


class Cut(NamedTuple):
    """What came of a job: clips in order of time, outcome of tokens lost by number, problems."""

    clips: list[Clip]
    outcomes: dict[int, str]
    problems: list[Problem]


def read_tracks(root: str, files: Sequence[str], num_processes: int) -> Iterator[Track | Problem]:
    """Reads TextGrids in parallel, then tables, which may be large, line by line."""
    grids = [file for file in files if file.lower().endswith(TEXTGRID)]
    for tracks in progress(
        in_processes(_tracks_of, grids, root, num_processes), len(grids), "TextGrids"
    ):
        yield from tracks
    others = [file for file in files if not file.lower().endswith(TEXTGRID)]
    for file in progress(others, len(others), "alignments"):
        yield from read_alignment(root, file)


def _tracks_of(file: str, root: str) -> list[Track | Problem]:
    """The tracks of a TextGrid without their phones, which need not travel."""
    found = read_alignment(root, file)
    return [x._replace(phones=None) if isinstance(x, Track) else x for x in found]


def collect(
    tracks: Iterable[Track | Problem],
) -> tuple[pd.DataFrame, list[tuple[str, str]], list[Problem]]:
    """Puts alignments into a table.

    Returns:
        A row for each word said: ``utterance`` (number, never falling), ``speaker`` and ``word``
        (categories, in order of appearance), ``start_s``, ``end_s``, ``outcome`` (``not_chosen``);
        of each utterance, also of one without words, its path or name and its alignment's file; and
        the problems.
    """
    words: dict[str, int] = {}
    speakers: dict[str, int] = {}
    utterances: list[tuple[str, str]] = []
    problems: list[Problem] = []
    columns: list[Any] = [array.array(kind) for kind in "iiidd"]
    for track in tracks:
        if isinstance(track, Problem):
            problems.append(track)
            continue
        if utterances[-1:] != [(track.utterance, track.file)]:
            utterances.append((track.utterance, track.file))
        speaker = speakers.setdefault(track.speaker, len(speakers))
        for label, start_s, end_s in track.words:
            word = words.setdefault(label, len(words))
            row = (len(utterances) - 1, speaker, word, start_s, end_s)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    names = ("utterance", "speaker", "word", "start_s", "end_s")
    read = (np.frombuffer(column, column.typecode) for column in columns)
    tokens = pd.DataFrame(dict(zip(names, read, strict=True)))
    tokens["outcome"] = np.full(len(tokens), OUTCOMES.index("not_chosen"), np.int8)
    for name, kinds in (("speaker", speakers), ("word", words), ("outcome", OUTCOMES)):
        codes: Any = tokens[name].to_numpy()
        tokens[name] = pd.Categorical.from_codes(codes, pd.Index(list(kinds), dtype=object))
    return tokens, utterances, problems


def match_audio(
    utterances: Sequence[tuple[str, str]], recordings: Sequence[str], problems: list[Problem]
) -> list[str | None]:
    """Finds the recording of each utterance: that of the same name.

    Where several recordings or several alignments share a name, the folders decide: the recording's
    path without suffix must be the utterance's, or end with it, or be the end of it.

    Alignments without audio are added to the problems, then recordings without alignment, unless
    their TextGrid is among the problems already.

    Returns:
        For each utterance its recording or None.

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
                    f"{file}; leave one out (lines of one utterance must follow each other)"
                )
            aligned_in[found[0]] = file
            matched.append(found[0])
            continue
        detail = f"no recording is named {utterance}"
        if found:
            detail = f"{utterance} may be {found[0]} or {found[1]}; leave one out"
        aligned_in.update(dict.fromkeys(found, ""))
        matched.append(None)
        problems.append(Problem(NO_AUDIO, file, detail))
    for recording in recordings:
        if recording not in aligned_in and PurePosixPath(recording).stem not in unread:
            problems.append(Problem(NO_ALIGNMENT, recording, "no alignment is named so"))
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
    """Marks the tokens without audio, or of more samples than a clip may have (None: any)."""
    start, end = (np.rint(tokens[x] * SAMPLE_RATE_HZ) for x in ("start_s", "end_s"))
    if max_len is not None:
        tokens.loc[end - start > max_len, "outcome"] = "too_long"
    without = np.array([name is None for name in matched], bool)
    tokens.loc[without[tokens["utterance"]], "outcome"] = "no_audio"


def rank(tokens: pd.DataFrame) -> pd.DataFrame:
    """Ranks words by falling number of tokens, equal ones by alphabet (code points).

    Returns:
        Rows by ``word``: ``rank`` from 1, ``tokens``, and how many of them have each of `OUTCOMES`.
    """
    words, number = tokens["word"].cat, len(OUTCOMES)
    cells = words.codes.astype(np.int64) * number + tokens["outcome"].cat.codes
    counts = np.bincount(cells, minlength=len(words.categories) * number).reshape(-1, number)
    index = pd.Index(words.categories, dtype=object, name="word")
    table = pd.DataFrame(counts, index, list(OUTCOMES))
    table.insert(0, "tokens", counts.sum(axis=1))
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
            "(with audio, no longer than --slice_len); a small corpus needs --skip_words=0"
        )
    return chosen


def take_tokens(
    tokens: pd.DataFrame,
    matched: Sequence[str | None],
    chosen: Iterable[str],
    max_tokens: int | None,
    seed: int,
) -> None:
    """Marks the tokens to be cut as written, and those of chosen words beyond ``max_tokens``.

    These are a sample without replacement, each taken with equal chance, so that speakers keep
    their shares but for chance. A token's place in the draw is a hash of the seed, its recording's
    name and where it begins: the sample does not depend on other words, folders, or the kind of
    alignment, and those taken of a corpus are among the first of a larger one.
    """
    wanted = tokens[tokens["word"].isin(chosen) & (tokens["outcome"] == "not_chosen")]
    tokens.loc[wanted.index, "outcome"] = "written"

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
    """Lists what is cut from each recording, in the order of their paths, tokens by time.

    Clips are named after the recording; where recordings share a name, after its folders too.
    """
    written = tokens[tokens["outcome"] == "written"].astype({"word": object, "speaker": object})
    written = written.sort_values(["utterance", "start_s", "speaker", "word"])
    columns = (written.index, *(written[name] for name in Token._fields[1:]))
    rows = zip(written["utterance"], map(Token._make, zip(*columns, strict=True)), strict=True)
    jobs = []
    for index, group in itertools.groupby(rows, key=lambda row: row[0]):
        recording = PurePosixPath(str(matched[index]))
        found = [token for _, token in group]
        jobs.append(Job(str(recording), recording.stem, utterances[index][1], found))
    shared = collections.Counter(job.stem for job in jobs)
    for i, (name, stem, *_) in enumerate(jobs):
        if shared[stem] > 1:
            whole = name.removesuffix(PurePosixPath(name).suffix).replace("/", "_")
            jobs[i] = jobs[i]._replace(stem=whole)
    return sorted(jobs, key=lambda job: (job.recording, job.alignment))


def cut_words(job: Job, plan: Plan) -> Cut:
    """Reads a recording, resamples the whole of it, and cuts words out."""
    from wavegan_tf.data.audio import read_audio, resample

    path = os.path.join(plan.audio_dir, job.recording)
    try:
        audio = read_audio(path)
        mono = audio.samples.mean(axis=1, keepdims=True, dtype=np.float32)
        samples = resample(mono, audio.rate_hz, SAMPLE_RATE_HZ)[:, 0]
    except InputError as error:
        problem = Problem("audio unreadable", job.recording, str(error).removeprefix(f"{path}: "))
        return Cut([], {token.number: "unreadable" for token in job.tokens}, [problem])
    duration_s = len(mono) / audio.rate_hz
    phones: dict[str, list[Interval] | None] = {}
    if job.alignment.lower().endswith(TEXTGRID):
        found = read_alignment(plan.root, job.alignment)
        phones = {track.speaker: track.phones for track in found if isinstance(track, Track)}
    cut = Cut([], {}, [])
    for token in job.tokens:
        start, end = token.span(SAMPLE_RATE_HZ, len(samples))
        if token.end_s > duration_s + PAST_END_S or end <= start:
            cut.outcomes[token.number] = "bad_span"
            detail = (
                f"'{token.word}', {token.start_s:g} .. {token.end_s:g} s ({job.alignment}), in a "
                f"recording of {duration_s:g} s"
            )
            cut.problems.append(Problem("span unusable", job.recording, detail))
            continue
        inside = phones.get(token.speaker)
        if inside is not None:
            middles = ((x, (x.start_s + x.end_s) / 2) for x in inside)
            inside = [x for x, middle in middles if token.start_s <= middle < token.end_s]
        text = " ".join(phone.label for phone in inside or ())
        first, last = token.span(audio.rate_hz, len(mono))
        speaker, sex, split = person_of(job.recording, plan.audio_dir, plan.sexes, token.speaker)
        sentence = PurePosixPath(job.recording).stem
        row = ("", token.word, text, first, last, job.recording, speaker, sex, "", split, sentence)
        who = f"_{safe_name(token.speaker)}" if token.speaker else ""
        name = f"{safe_name(token.word)}/{job.stem}{who}_{first:06d}"
        tiers = tiers_of(token.word, inside, start, end)
        described = dict(zip(CUT_COLUMNS, row, strict=True))
        cut.clips.append(Clip(name, samples[start:end], tiers, described))
    beyond = sum(bool(np.abs(clip.samples).max() > 1) for clip in cut.clips)
    if beyond:
        detail = f"samples beyond full scale, which are clipped, in {beyond} of its clips"
        cut.problems.append(Problem("clipped", job.recording, detail))
    return cut


def clips_of(cuts: Iterable[Cut], tokens: pd.DataFrame, problems: list[Problem]) -> Iterator[Clip]:
    """Passes clips on; marks the tokens that were lost and adds to the problems."""
    for cut in cuts:
        for number, outcome in cut.outcomes.items():
            tokens.loc[number, "outcome"] = outcome
        problems += cut.problems
        yield from cut.clips


def tiers_of(word: str, phones: list[Interval] | None, start: int, end: int) -> list[Tier]:
    """Makes the tiers of a clip of samples start .. end - 1, in s from its start.

    Phones are in s from the start of the recording; their edges become those of samples.
    """
    tiers = [Tier("words", [Interval(word, 0.0, (end - start) / SAMPLE_RATE_HZ)])]
    if phones is None:
        return tiers
    inside, at = [], 0
    for label, from_s, to_s in phones:
        begin = max(round(from_s * SAMPLE_RATE_HZ) - start, at)
        at = min(round(to_s * SAMPLE_RATE_HZ), end) - start
        if begin < at:
            inside.append(Interval(label, begin / SAMPLE_RATE_HZ, at / SAMPLE_RATE_HZ))
        at = max(begin, at)
    return [*tiers, Tier("phones", inside)]


def read_speakers(audio_dir: str) -> dict[str, str]:
    """Reads the sex of each speaker, M or F, from SPEAKERS.TXT in a folder or in the one above.

    Lines are ``ID | SEX | SUBSET | MINUTES | NAME``; others, such as comments, are passed over.
    """
    folder = Path(audio_dir).resolve()
    for place in (folder, folder.parent):
        for name in sorted(os.listdir(place)):
            if name.lower() == "speakers.txt":
                text = (place / name).read_text(encoding="utf-8", errors="replace")
                matches = map(_SPEAKER_LINE.match, text.splitlines())
                return {match[1]: match[2] for match in matches if match}
    return {}


def person_of(
    recording: str, audio_dir: str, sexes: dict[str, str], speaker: str = ""
) -> tuple[str, str, str]:
    """Says who speaks in a recording: speaker, sex, split; empty where nothing says it.

    The alignment's speaker precedes that of the path; where the folder of audio, an absolute path,
    is a split's or a speaker's, its name says so.
    """
    folders = [*Path(audio_dir).parts[1:], *PurePosixPath(recording).parts[:-1]]
    split, found = "", PurePosixPath(recording).parent.name
    if len(folders) > 2:
        chapter = rf"{re.escape(folders[-2])}([-_]){re.escape(folders[-1])}\1"
        if re.match(chapter, PurePosixPath(recording).stem):
            split, found = folders[-3:-1]
    speaker = speaker or found
    return speaker, sexes.get(speaker, ""), split
