"""Which words and which of their tokens: by frequency rank or by name, from so many to so many.

Everything is decided from the alignments alone, before any recording is read. Beguš & Zhou (2022)
leave the 78 most frequent words of LibriSpeech out and take the next 508.
"""

import array
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from wavegan_tf.corpora.aligned.alignments import Problem, Track

OUTCOMES = ("written", "not_chosen", "over_max", "too_long", "no_audio", "unreadable", "bad_span")
"""What becomes of a token: its clip is written; its word is not chosen, or has more tokens than are
taken; it is longer than a clip may be; its recording is missing, or cannot be read; its span ends
after the recording or has no samples."""
WRITTEN, NOT_CHOSEN, OVER_MAX, TOO_LONG, NO_AUDIO, UNREADABLE, BAD_SPAN = range(len(OUTCOMES))


class Tokens(NamedTuple):
    """Every word said, as the alignments have it.

    Attributes:
        words: The different words, in order of appearance.
        utterances: Of each its path or name, and its alignment's file.
        speakers: The different speakers that alignments name, in order of appearance.
        utterance: Index of the token's utterance, int [tokens], never falling.
        speaker: Index of its speaker, int [tokens].
        word: Index of its word, int [tokens].
        start_s: Where it begins in the recording, s, float64 [tokens].
        end_s: Where it ends, s, float64 [tokens].
    """

    words: list[str]
    utterances: list[tuple[str, str]]
    speakers: list[str]
    utterance: np.ndarray
    speaker: np.ndarray
    word: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray


def collect(tracks: Iterable[Track | Problem]) -> tuple[Tokens, list[Problem]]:
    """Puts alignments into arrays, 28 bytes a token: LibriSpeech has 9.4 million.

    Args:
        tracks: As `alignments.read_alignment` yields them, file after file.

    Returns:
        (tokens, problems): utterances of no words are among those of the tokens.
    """
    words, speakers, utterances, problems = {}, {}, [], []
    columns = [array.array(kind) for kind in "IIIdd"]
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
    arrays = [np.frombuffer(column, column.typecode) for column in columns]
    return Tokens(list(words), utterances, list(speakers), *arrays), problems


def rank(tokens: Tokens) -> list[int]:
    """The words by falling number of tokens, equal ones by alphabet (code points): indices."""
    counts = np.bincount(tokens.word, minlength=len(tokens.words))
    return sorted(range(len(counts)), key=lambda i: (-counts[i], tokens.words[i]))


def choose_by_rank(
    ranked: Sequence[int], usable: np.ndarray, skip: int, number: int, least: int
) -> list[int]:
    """Chooses words of a rank; one of too few tokens leaves its place to the next.

    Args:
        ranked: The words by rank.
        usable: Tokens of each word that can be used, int [words].
        skip: Most frequent words to leave out.
        number: Words wanted.
        least: Tokens that a word must have, at least 1.

    Returns:
        At most ``number`` words, by rank.
    """
    return [word for word in ranked[skip:] if usable[word] >= least][:number]


def choose_by_name(
    tokens: Tokens, names: Iterable[str], usable: np.ndarray, least: int
) -> tuple[list[int], list[str]]:
    """Chooses the words of a list.

    Returns:
        (chosen, lacking): the words in the order of the list; those of too few tokens by name, with
        their numbers.
    """
    index = {word: i for i, word in enumerate(tokens.words)}
    counts = {name: int(usable[index[name]]) if name in index else 0 for name in names}
    chosen = [index[name] for name, count in counts.items() if count >= least]
    return chosen, [f"{name} ({count})" for name, count in counts.items() if count < least]


def take(
    candidates: np.ndarray, tokens: Tokens, recordings: Sequence[str | None], most: int, seed: int
) -> np.ndarray:
    """Takes at most so many tokens of a word: a sample without replacement.

    Each is taken with equal chance, so that speakers keep their shares but for chance. A token's
    place in the draw is a hash of the seed, its recording's name and where it begins: the sample
    does not depend on other words, folders, or the kind of alignment, and those taken of a corpus
    are among the first of a larger one.

    Args:
        candidates: Indices of the word's tokens that can be used, rising.
        tokens: All tokens.
        recordings: Of each utterance.
        most: How many to take, at least 1.
        seed: Integer.

    Returns:
        Indices, rising.
    """
    if len(candidates) <= most:
        return candidates

    def place(token):
        recording = PurePosixPath(recordings[tokens.utterance[token]]).stem
        where = f"{recording} {round(tokens.start_s[token] * 1000)}"
        speaker = tokens.speakers[tokens.speaker[token]]
        text = f"{seed} {tokens.words[tokens.word[token]]} {where} {speaker}"
        return hashlib.blake2b(text.encode(), digest_size=8).digest()

    return np.sort(sorted(candidates.tolist(), key=place)[:most])


def split_by_clips(
    tokens: Tokens, outcome: np.ndarray, chosen: Iterable[int]
) -> tuple[list[int], list[str]]:
    """Parts the words chosen: those that have clips, and by name those that have none.

    Args:
        tokens: All tokens.
        outcome: Index into `OUTCOMES`, int [tokens].
        chosen: Words.

    Returns:
        (cut, lost), each in the order of the words chosen.
    """
    written = outcomes_by_word(tokens, outcome)[:, WRITTEN]
    return [i for i in chosen if written[i]], [tokens.words[i] for i in chosen if not written[i]]


def outcomes_by_word(tokens: Tokens, outcome: np.ndarray) -> np.ndarray:
    """How many tokens of each word have each outcome.

    Args:
        tokens: All tokens.
        outcome: Index into `OUTCOMES`, int [tokens].

    Returns:
        int [words, outcomes].
    """
    number = len(OUTCOMES)
    cells = tokens.word.astype(np.int64) * number + outcome
    return np.bincount(cells, minlength=len(tokens.words) * number).reshape(-1, number)
