"""Clips cut from TIMIT as planned, with their TextGrids and rows of the manifest."""

import os
import re
from collections.abc import Iterable, Iterator

from wavegan_tf.analysis.annotation import Interval
from wavegan_tf.analysis.textgrid import Tier
from wavegan_tf.corpora.clips import Clip, safe_name
from wavegan_tf.corpora.timit import timit_tree
from wavegan_tf.corpora.timit.planning import UNUSABLE, Cut, Plan, problem_row, row_of
from wavegan_tf.errors import InputError

NO_AUDIO, PAST_END = "recording unreadable", "span past the end"


def clips(root: str, plan: Plan, problems: list[dict], by_pattern: bool) -> Iterator[Clip]:
    """Cuts, one recording in memory at a time.

    Args:
        root: The tree's.
        plan: What to cut; its counts of tokens grow.
        problems: Gets a row for each recording that cannot be read and each clip past its end.
        by_pattern: Whether clips are of patterns; else of words.

    Yields:
        Clips named FOLDER/WORD_SPEAKER_SENTENCE_START, the folder that of pattern or word.

    Raises:
        InputError: A recording has another rate than 16000 Hz.
    """
    folders = folder_names(plan.counts)
    for one, cuts in plan.cuts:
        try:
            samples = _read_samples(os.path.join(root, one.sentence.files["WAV"]))
        except UnreadableError as error:
            problems.append(problem_row(NO_AUDIO, one.sentence, str(error)))
            samples = None
        for cut in cuts:
            counts = plan.counts[cut.kind]
            if samples is None or cut.end > len(samples):
                counts[UNUSABLE] += 1
                if samples is not None:
                    detail = f"{cut.kind}, {cut.start} .. {cut.end}, of {len(samples)} samples"
                    problems.append(problem_row(PAST_END, one.sentence, detail))
                continue
            counts["tokens"] += 1
            counts["sa_tokens"] += one.sentence.is_sa
            row = row_of(one, cut, by_pattern)
            stem = f"{plain_name(row['word'])}_{one.sentence.speaker}_{one.sentence.name}"
            yield Clip(
                f"{folders[cut.kind]}/{stem}_{cut.start:06d}",
                samples[cut.start : cut.end],
                timit_tree.SAMPLE_RATE_HZ,
                tiers_of(one.text, cut),
                row,
            )


class UnreadableError(InputError):
    """A recording that cannot be read; the others may be."""


def _read_samples(path):
    """A recording's samples, float32 [time]; several channels are averaged."""
    from wavegan_tf.data import audio

    try:
        decoded = audio.decode(path)
    except InputError as error:
        raise UnreadableError(str(error).removeprefix(f"{path}: ")) from None
    if decoded.rate_hz != timit_tree.SAMPLE_RATE_HZ:
        raise InputError(
            f"{path}: a rate of {decoded.rate_hz} Hz; TIMIT's spans are in samples at "
            f"{timit_tree.SAMPLE_RATE_HZ} Hz: resample the recordings to that rate"
        )
    return decoded.samples.mean(axis=1)  # of one channel: itself


def tiers_of(text: timit_tree.Transcription, cut: Cut) -> list[Tier]:
    """The tiers of a clip, words and phones, in s from its start.

    Words that share a stretch cannot both have it in a tier: the clip's own words go first.
    """
    own = [text.words[i] for i in cut.words]
    placed = []
    for word in [*own, *(word for word in text.words if word not in own)]:
        placed += _clipped(word, cut, placed)
    phones = [part for phone in text.phones for part in _clipped(phone, cut, [])]
    return [_tier("words", sorted(placed, key=_start), cut), _tier("phones", phones, cut)]


def _start(span):
    return span.start


def _clipped(span, cut, placed):
    """What of a span is within a cut and not taken: a list of one span, or an empty one."""
    start, end = max(span.start, cut.start), min(span.end, cut.end)
    for other in placed:
        if start < other.end and other.start < end:
            if start < other.start:
                end = other.start
            else:
                start = other.end
    return [span._replace(start=start, end=end)] if start < end else []


def _tier(name, spans, cut):
    rate = timit_tree.SAMPLE_RATE_HZ
    return Tier(
        name,
        [
            Interval(s.label, (s.start - cut.start) / rate, (s.end - cut.start) / rate)
            for s in spans
        ],
    )


def plain_name(text: str) -> str:
    """A name for files of a pattern or of words: hyphens for its signs and the spaces between."""
    return safe_name("-".join(re.findall(r"[^\s#(){}|.]+", text)))


def folder_names(kinds: Iterable[str]) -> dict[str, str]:
    """A folder's name for each pattern or word, unlike the others.

    Those that differ in signs or case alone are numbered from the second on: TV, tV-2.
    """
    names, used = {}, set()
    for kind in kinds:
        stem = name = plain_name(kind)
        number = 1
        while name.lower() in used:
            number += 1
            name = f"{stem}-{number}"
        used.add(name.lower())
        names[kind] = name
    return names
