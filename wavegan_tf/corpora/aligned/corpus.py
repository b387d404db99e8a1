"""Cuts words out of aligned recordings: alignments are counted, words chosen, then clips cut.

Recordings are read one by one; what is kept of the alignments is 28 bytes a token.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from wavegan_tf.corpora.aligned import alignments, audio_files, words
from wavegan_tf.corpora.aligned.alignments import Problem, Track
from wavegan_tf.corpora.aligned.cutting import Job, Plan, Token, cut_words
from wavegan_tf.corpora.clips import CUT_COLUMNS, write_corpus
from wavegan_tf.errors import InputError
from wavegan_tf.report import tables

COUNTS, PROBLEMS = "counts.csv", "problems.csv"


class Request(NamedTuple):
    """What is wanted.

    Attributes:
        audio_dir: Folder of recordings.
        alignments: File or folder of alignments.
        skip_words: Most frequent words to leave out.
        num_words: Words to take after them.
        names: Words to take instead, or None.
        min_tokens: Usable tokens that a word must have, at least 1.
        max_tokens: Tokens to take of a word, or None for all.
        seed: Of the draw that `max_tokens` needs.
        sample_rate_hz: Of the clips.
        slice_len: Samples that a clip may have, or None.
    """

    audio_dir: str
    alignments: str
    skip_words: int = 78
    num_words: int = 508
    names: list[str] | None = None
    min_tokens: int = 1
    max_tokens: int | None = None
    seed: int = 0
    sample_rate_hz: int = 16000
    slice_len: int | None = 16384


class Prepared(NamedTuple):
    """What was written: a table of words in text, and what could not be done."""

    text: str
    complaints: list[str]


def prepare(
    directory: str,
    request: Request,
    in_parallel: Callable[[Callable, Iterable, object], Iterable],
    progress: Callable[[Iterable, int, str], Iterable],
) -> Prepared:
    """Writes the corpus: clips, manifest.csv, counts.csv, problems.csv.

    Args:
        directory: Where to; it exists and is empty.
        request: What is wanted.
        in_parallel: Does a function of (job, plan) with each job, in order, as
            ``probing.measuring.in_processes`` does.
        progress: Shows how far it is, given items, their number and a label.

    Returns:
        A Prepared.

    Raises:
        InputError: A folder or its files are not there, a recording is aligned twice, no word is
            left, or no clip.
    """
    from wavegan_tf.data.preflight import AUDIO_SUFFIXES  # imports TensorFlow

    recordings = audio_files.find_audio(request.audio_dir, AUDIO_SUFFIXES)
    root, files = alignments.find_alignments(request.alignments)
    tokens, problems = words.collect(read_tracks(root, files, in_parallel, progress))
    matched, unmatched = audio_files.match_audio(tokens.utterances, recordings)
    problems += _unexplained(unmatched, problems)
    outcome = first_outcomes(tokens, matched, request)
    chosen, complaints = choose(tokens, outcome, request, problems)
    outcome = take_tokens(tokens, outcome, chosen, matched, request)
    jobs = jobs_of(tokens, outcome, matched)
    sexes = audio_files.read_speakers(request.audio_dir)
    plan = Plan(os.path.realpath(request.audio_dir), root, request.sample_rate_hz, sexes)

    def clips():
        for cut in progress(in_parallel(cut_words, jobs, plan), len(jobs), "recordings"):
            for number, result in cut.outcomes.items():
                outcome[number] = result
            problems.extend(cut.problems)
            yield from cut.clips

    if not write_corpus(directory, clips(), CUT_COLUMNS):
        raise InputError("no clip is left" + _examples(problems))
    cut, lost = words.split_by_clips(tokens, outcome, chosen)
    if lost:
        complaints.append(f"no clip of: {', '.join(lost)}")
    write_counts(os.path.join(directory, COUNTS), tokens, outcome, chosen)
    rows = ({"problem": x.kind, "file": x.file, "detail": x.detail} for x in problems)
    tables.write_csv(os.path.join(directory, PROBLEMS), ("problem", "file", "detail"), rows)
    return Prepared(_text(tokens, outcome, chosen, cut), complaints + _complaints(problems))


def _unexplained(unmatched, problems):
    """Problems of matching, without the recordings whose TextGrid could not be read."""
    grids = (x.file for x in problems if x.file.lower().endswith(alignments.TEXTGRID))
    unread = {PurePosixPath(file).stem for file in grids}
    return [
        x
        for x in unmatched
        if x.kind != audio_files.NO_ALIGNMENT or PurePosixPath(x.file).stem not in unread
    ]


def read_tracks(
    root: str,
    files: Iterable[str],
    in_parallel: Callable[[Callable, Iterable, object], Iterable],
    progress: Callable[[Iterable, int, str], Iterable],
) -> Iterator[Track | Problem]:
    """Reads TextGrids in parallel, then tables, which may be large, line by line."""
    grids = [file for file in files if file.lower().endswith(alignments.TEXTGRID)]
    others = [file for file in files if not file.lower().endswith(alignments.TEXTGRID)]
    if grids:
        for tracks in progress(in_parallel(_words_of, grids, root), len(grids), "TextGrids"):
            yield from tracks
    for file in progress(others, len(others), "alignments") if others else ():
        yield from alignments.read_alignment(root, file)


def _words_of(file, root):
    """The tracks of a TextGrid without their phones, which need not travel."""
    found = alignments.read_alignment(root, file)
    return [x._replace(phones=None) if isinstance(x, Track) else x for x in found]


def first_outcomes(tokens: words.Tokens, matched: list[str | None], request: Request) -> np.ndarray:
    """What is known of each token before words are chosen: no audio, too long, or not chosen."""
    has_audio = np.array([name is not None for name in matched], bool)
    start, end = (np.rint(x * request.sample_rate_hz) for x in (tokens.start_s, tokens.end_s))
    outcome = np.full(len(tokens.word), words.NOT_CHOSEN, np.uint8)
    if request.slice_len is not None:
        outcome[end - start > request.slice_len] = words.TOO_LONG
    outcome[~has_audio[tokens.utterance]] = words.NO_AUDIO
    return outcome


def choose(
    tokens: words.Tokens, outcome: np.ndarray, request: Request, problems: list[Problem]
) -> tuple[list[int], list[str]]:
    """Chooses words by rank or name.

    Returns:
        (chosen, complaints): the words, and what was asked for in vain.

    Raises:
        InputError: There is none.
    """
    if not tokens.words:
        raise InputError(f"--alignments={request.alignments}: no words{_examples(problems)}")
    usable = words.outcomes_by_word(tokens, outcome)[:, words.NOT_CHOSEN]
    complaints, lacking = [], []
    if request.names is not None:
        chosen, lacking = words.choose_by_name(tokens, request.names, usable, request.min_tokens)
        if lacking:
            complaints.append(
                f"--words: {', '.join(lacking)} left out, which have fewer usable tokens than "
                f"--min_tokens={request.min_tokens}"
            )
    else:
        chosen = words.choose_by_rank(
            words.rank(tokens), usable, request.skip_words, request.num_words, request.min_tokens
        )
        if len(chosen) < request.num_words:
            complaints.append(
                f"--num_words={request.num_words}: only {_number(len(chosen), 'word')} after the "
                f"{request.skip_words} most frequent with --min_tokens={request.min_tokens} usable"
            )
    if not chosen:
        raise InputError(_none_left(usable, request, lacking) + _examples(problems))
    return chosen, complaints


def _none_left(usable, request, lacking):
    """Why no word is chosen, and the way out if there is one."""
    enough, number = np.count_nonzero(usable >= request.min_tokens), len(usable)
    text = (
        f"no word is left: {enough} of {_number(number, 'word')} with --min_tokens="
        f"{request.min_tokens} usable (with audio, no longer than --slice_len)"
    )
    if request.names is not None:
        return f"{text}; of --words, tokens usable: {', '.join(lacking)}"
    text += f"; after --skip_words={request.skip_words} none of these"
    if request.skip_words and enough:
        text += f"; a corpus of {_number(number, 'word')}: try --skip_words=0, or name words with "
        text += "--words"
    return text


def take_tokens(
    tokens: words.Tokens,
    outcome: np.ndarray,
    chosen: list[int],
    matched: list[str | None],
    request: Request,
) -> np.ndarray:
    """Marks the tokens to be cut as written, and those of chosen words beyond ``max_tokens``."""
    outcome = outcome.copy()
    is_chosen = np.zeros(len(tokens.words), bool)
    is_chosen[chosen] = True
    wanted = np.flatnonzero(is_chosen[tokens.word] & (outcome == words.NOT_CHOSEN))
    outcome[wanted] = words.WRITTEN
    if request.max_tokens is not None:
        by_word = wanted[np.argsort(tokens.word[wanted], kind="stable")]
        edges = np.flatnonzero(np.diff(tokens.word[by_word])) + 1
        outcome[wanted] = words.OVER_MAX
        for candidates in np.split(by_word, edges):
            taken = words.take(candidates, tokens, matched, request.max_tokens, request.seed)
            outcome[taken] = words.WRITTEN
    return outcome


def jobs_of(tokens: words.Tokens, outcome: np.ndarray, matched: list[str | None]) -> list[Job]:
    """What is cut from each recording, in the order of their paths, tokens in order of time."""
    numbers = np.flatnonzero(outcome == words.WRITTEN)
    by_recording = {}
    for number in numbers.tolist():
        index = tokens.utterance[number]
        token = Token(
            number,
            tokens.words[tokens.word[number]],
            float(tokens.start_s[number]),
            float(tokens.end_s[number]),
            tokens.speakers[tokens.speaker[number]],
        )
        by_recording.setdefault((matched[index], tokens.utterances[index][1]), []).append(token)
    stems = audio_files.clip_stems(name for name, _ in by_recording)
    return [
        Job(name, stems[name], file, sorted(found, key=lambda x: (x.start_s, x.speaker, x.word)))
        for (name, file), found in sorted(by_recording.items())
    ]


def write_counts(
    path: str, tokens: words.Tokens, outcome: np.ndarray, chosen: Iterable[int]
) -> None:
    """Writes every word by rank: whether it was chosen, its tokens, and what became of them."""
    counts, chosen = words.outcomes_by_word(tokens, outcome), set(chosen)
    with tables.TableWriter(path, ("rank", "word", "chosen", "tokens", *words.OUTCOMES)) as table:
        for place, word in enumerate(words.rank(tokens), start=1):
            row = {"rank": place, "word": tokens.words[word], "chosen": int(word in chosen)}
            row |= {"tokens": counts[word].sum()}
            table.write([row | dict(zip(words.OUTCOMES, counts[word], strict=True))])


def _text(tokens, outcome, chosen, cut):
    """What is printed at the end: the words that have clips, a few by name; tokens by outcome."""
    counts = words.outcomes_by_word(tokens, outcome)
    totals = counts[chosen].sum(axis=0)
    places = {word: place for place, word in enumerate(words.rank(tokens), start=1)}
    shown = [f"{tokens.words[i]} ({counts[i, words.WRITTEN]})" for i in cut]
    if len(shown) > 8:
        shown = [*shown[:4], "..", *shown[-3:]]
    ranks = sorted(places[word] for word in cut)
    span = f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {ranks[0]} .. {ranks[-1]}"
    became = [f"{n} {name}" for n, name in zip(totals, words.OUTCOMES, strict=True) if n]
    return (
        f"{_number(len(cut), 'word')} of {span} of {len(places)}: {', '.join(shown)}\n"
        f"{_number(totals.sum(), 'token')} of the words chosen: {', '.join(became)}"
    )


def _number(number, noun):
    """``1 word``, ``2 words``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _examples(problems):
    """The first problems, to be put behind an error."""
    lines = [f"\n  {kind}: {file}: {detail}" for kind, file, detail in problems[:5]]
    more = [f"\n  .. and {len(problems) - 5} more"] if len(problems) > 5 else []
    return "".join([":", *lines, *more] if lines else [])


def _complaints(problems):
    """A line for each kind of problem, with the first ones."""
    kinds = {}
    for problem in problems:
        kinds.setdefault(problem.kind, []).append(f"{problem.file}: {problem.detail}")
    return [
        f"{kind}: {len(found)}, all in {PROBLEMS}; {' | '.join(found[:3])}"
        for kind, found in kinds.items()
    ]
