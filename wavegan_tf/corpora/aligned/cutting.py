"""One recording and the words cut out of it, with their TextGrids and rows of the manifest."""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.textgrid import Tier
from wavegan_tf.corpora.aligned import alignments, audio_files, words
from wavegan_tf.corpora.aligned.alignments import Problem, Track
from wavegan_tf.corpora.clips import Clip, safe_name
from wavegan_tf.errors import InputError

PAST_END_S = 0.02
"""A span may end after its recording by this much, two steps of an aligner: it is cut there."""

AUDIO_UNREADABLE, SPAN_UNUSABLE, CLIPPED = "audio unreadable", "span unusable", "clipped"


class Token(NamedTuple):
    """A word to be cut: its number among all tokens, its label, its span in s, its speaker's tier.

    ``speaker`` is empty where the alignment names none.
    """

    number: int
    word: str
    start_s: float
    end_s: float
    speaker: str


class Job(NamedTuple):
    """A recording and what is cut from it: ``alignment`` is its file, ``stem`` names the clips."""

    recording: str
    stem: str
    alignment: str
    tokens: list[Token]


class Plan(NamedTuple):
    """What holds for all recordings: folders of audio and alignments, rate, sex by speaker."""

    audio_dir: str
    root: str
    sample_rate_hz: int
    sexes: dict[str, str]


class Cut(NamedTuple):
    """What came of a job: clips in order of time, outcome of tokens lost by number, problems."""

    clips: list[Clip]
    outcomes: dict[int, int]
    problems: list[Problem]


def cut_words(job: Job, plan: Plan) -> Cut:
    """Reads a recording, resamples the whole of it, and cuts words out."""
    from wavegan_tf.data import audio  # imports TensorFlow

    path = os.path.join(plan.audio_dir, job.recording)
    try:
        samples, facts = audio.load(
            path, sample_rate_hz=plan.sample_rate_hz, num_channels=1, peak_normalize=False
        )
    except InputError as error:
        problem = Problem(AUDIO_UNREADABLE, job.recording, str(error).removeprefix(f"{path}: "))
        lost = {token.number: words.UNREADABLE for token in job.tokens}
        return Cut([], lost, [problem])
    phones = {}
    if job.alignment.lower().endswith(alignments.TEXTGRID):
        found = alignments.read_alignment(plan.root, job.alignment)
        phones = {track.speaker: track.phones for track in found if isinstance(track, Track)}
    cut = Cut([], {}, [])
    for token in job.tokens:
        start, end = _span(token, plan.sample_rate_hz, len(samples))
        source_len = round(facts.duration_s * facts.rate_hz)
        source_span = _span(token, facts.rate_hz, source_len)
        if token.end_s > facts.duration_s + PAST_END_S or end <= start:
            cut.outcomes[token.number] = words.BAD_SPAN
            detail = (
                f"'{token.word}', {token.start_s:g} .. {token.end_s:g} s ({job.alignment}), in a "
                f"recording of {facts.duration_s:g} s"
            )
            cut.problems.append(Problem(SPAN_UNUSABLE, job.recording, detail))
            continue
        inside = phones_in(phones.get(token.speaker), token.start_s, token.end_s)
        person = audio_files.person_of(job.recording, plan.audio_dir, plan.sexes, token.speaker)
        row = describe(job.recording, person, token, source_span, inside)
        tiers = tiers_of(token.word, inside, start, end, plan.sample_rate_hz)
        speaker = f"_{safe_name(token.speaker)}" if token.speaker else ""
        name = f"{safe_name(token.word)}/{job.stem}{speaker}_{source_span[0]:06d}"
        cut.clips.append(Clip(name, samples[start:end, 0], plan.sample_rate_hz, tiers, row))
    beyond = sum(bool(np.abs(clip.samples).max() > 1) for clip in cut.clips)
    if beyond:
        detail = f"samples beyond full scale, which are clipped, in {beyond} of its clips"
        cut.problems.append(Problem(CLIPPED, job.recording, detail))
    return cut


def _span(token, rate_hz, num_samples):
    """First sample and the one after the last, at a rate, within the recording."""
    return round(token.start_s * rate_hz), min(round(token.end_s * rate_hz), num_samples)


def describe(
    recording: str,
    person: audio_files.Person,
    token: Token,
    span: tuple[int, int],
    phones: list[Interval] | None,
) -> dict:
    """The manifest's row of a clip; the span is in samples of the recording."""
    return {
        "pattern": "",
        "word": token.word,
        "phones": " ".join(phone.label for phone in phones or ()),
        "start_sample": span[0],
        "end_sample": span[1],
        "source": recording,
        "speaker": person.speaker,
        "sex": person.sex,
        "dialect": "",
        "split": person.split,
        "sentence": Path(recording).stem,
    }


def phones_in(phones: list[Interval] | None, start_s: float, end_s: float) -> list[Interval] | None:
    """The phones whose midpoint is within a span; None where the alignment has no phones."""
    if phones is None:
        return None
    return [x for x in phones if start_s <= (x.start_s + x.end_s) / 2 < end_s]


def tiers_of(
    word: str, phones: list[Interval] | None, start: int, end: int, sample_rate_hz: int
) -> list[Tier]:
    """The tiers of a clip, in s from its start; edges of phones are those of samples.

    Args:
        word: Its label.
        phones: In s from the start of the recording, or None.
        start: First sample of the clip.
        end: The one after its last.
        sample_rate_hz: Of the clip.

    Returns:
        ``words`` and, unless None, ``phones``.
    """
    tiers = [Tier("words", [Interval(word, 0.0, (end - start) / sample_rate_hz)])]
    if phones is None:
        return tiers
    inside, at = [], 0
    for label, from_s, to_s in phones:
        begin = max(round(from_s * sample_rate_hz) - start, at)
        at = min(round(to_s * sample_rate_hz), end) - start
        if begin < at:
            inside.append(Interval(label, begin / sample_rate_hz, at / sample_rate_hz))
        at = max(begin, at)
    return [*tiers, Tier("phones", inside)]
