"""What is to be cut from TIMIT: stretches that match patterns of phones, or words."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from wavegan_tf.corpora.timit import matching, timit_tree
from wavegan_tf.corpora.timit.patterns import Pattern
from wavegan_tf.errors import InputError

LEFT_OUT_COLUMNS = (
    "reason", "pattern", "word", "phones", "start_sample", "end_sample", "source",
)  # fmt: skip
TOO_LONG, SA, UNUSABLE = "too_long", "sa", "unusable"
PROBLEM_COLUMNS = ("problem", "file", "detail")
MISSING, UNREADABLE = "file missing", "transcription unreadable"


@dataclass(frozen=True)
class Wanted:
    """What to cut.

    Attributes:
        patterns: Patterns of phones; empty if words are wanted.
        words: Words in lower case; None for all, with the two limits below.
        num_words: How many of the most frequent words; None for every one.
        min_tokens: How many tokens a word must have.
        max_len: Samples that a clip may have; None for any number.
        sa: Whether SA sentences are used.
    """

    patterns: tuple[Pattern, ...] = ()
    words: tuple[str, ...] | None = None
    num_words: int | None = None
    min_tokens: int = 1
    max_len: int | None = 16384
    sa: bool = True


class Read(NamedTuple):
    """A sentence and what is said in it."""

    sentence: timit_tree.Sentence
    text: timit_tree.Transcription


class Cut(NamedTuple):
    """A stretch of a sentence, in samples, and the indices of its words.

    ``kind`` is what it is counted as: a pattern, or its word.
    """

    kind: str
    start: int
    end: int
    words: tuple[int, ...]


@dataclass
class Plan:
    """What is to be cut, and what is not.

    Attributes:
        cuts: With their sentences, in order of these; by start in each.
        counts: By pattern or word a Counter: ``tokens`` (written so far), ``sa_tokens`` (of these
            in SA sentences), ``too_long``, ``sa`` (what SA sentences would add, if they are not
            used), ``unusable`` (of audio that fails or ends before), ``matching.NEAR_MISSES``.
        left_out: Rows of ``LEFT_OUT_COLUMNS``; none for ``sa`` and ``unusable``.
        num_sentences: How many sentences are used.
    """

    cuts: list[tuple[Read, list[Cut]]] = field(default_factory=list)
    counts: dict[str, Counter] = field(default_factory=dict)
    left_out: list[dict] = field(default_factory=list)
    num_sentences: int = 0


def read_sentences(
    root: str, sentences: Iterable[timit_tree.Sentence], problems: list[dict]
) -> list[Read]:
    """Reads the transcriptions of sentences; adds a row to ``problems`` for each that fails.

    Args:
        root: The tree's.
        sentences: Of it.
        problems: Gets rows of ``PROBLEM_COLUMNS``.
    """
    read = []
    for sentence in sentences:
        try:
            read.append(Read(sentence, timit_tree.read_transcription(root, sentence)))
        except InputError as error:
            kind = UNREADABLE if len(sentence.files) == len(timit_tree.KINDS) else MISSING
            problems.append(problem_row(kind, sentence, str(error)))
    return read


def plan_cuts(read: list[Read], wanted: Wanted) -> Plan:
    """Finds what is wanted in sentences; what is longer than it may be goes to ``left_out``."""
    kinds, chosen = [pattern.text for pattern in wanted.patterns], None
    if not kinds:
        chosen = kinds = choose_words(read, wanted)
    plan = Plan(counts={kind: Counter() for kind in kinds})
    for one in read:
        if chosen is None:
            found, near = _matching(one.text, wanted.patterns)
        else:
            found, near = _words(one.text, plan.counts), []
        too_long = [cut for cut in found if wanted.max_len and cut.end - cut.start > wanted.max_len]
        found = [cut for cut in found if cut not in too_long]
        if one.sentence.is_sa and not wanted.sa:
            for cut in found:
                plan.counts[cut.kind][SA] += 1
            continue
        plan.num_sentences += 1
        for reason, cut in [*((TOO_LONG, cut) for cut in too_long), *near]:
            plan.counts[cut.kind][reason] += 1
            row = row_of(one, cut, chosen is None)
            plan.left_out.append({"reason": reason} | {n: row[n] for n in LEFT_OUT_COLUMNS[1:]})
        if found:
            plan.cuts.append((one, sorted(found, key=lambda cut: (cut.start, cut.end))))
    return plan


def choose_words(read: list[Read], wanted: Wanted) -> list[str]:
    """The words wanted: those named, else the most frequent first, equals in alphabetical order.

    Tokens too long for a clip count too.
    """
    if wanted.words is not None:
        return list(wanted.words)
    tokens = Counter(
        word.label for one in read if wanted.sa or not one.sentence.is_sa for word in one.text.words
    )
    ranked = sorted(tokens, key=lambda word: (-tokens[word], word))
    return [word for word in ranked if tokens[word] >= wanted.min_tokens][: wanted.num_words]


def _matching(text, wanted):
    """Cuts of patterns, and the reasons and stretches of near misses."""
    labels = [phone.label for phone in text.phones]
    found, near = [], []
    for pattern in wanted:
        matched = matching.matches(pattern, labels, text.owners)
        missed = matching.near_misses(pattern, labels, text.owners, matched)
        found += [_cut(text, pattern.text, match) for match in matched]
        near += [(reason, _cut(text, pattern.text, match)) for reason, match in missed]
    return found, near


def _cut(text, kind, match):
    return Cut(kind, text.phones[match.first].start, text.phones[match.last].end, match.words)


def _words(text, wanted):
    """Cuts of words."""
    return [
        Cut(word.label, word.start, word.end, (i,))
        for i, word in enumerate(text.words)
        if word.label in wanted
    ]


def problem_row(kind: str, sentence: timit_tree.Sentence, detail: str) -> dict:
    """A row of ``PROBLEM_COLUMNS``; ``file`` is the sentence's recording, if there is one."""
    file = sentence.files.get("WAV", min(sentence.files.values()))
    return dict(zip(PROBLEM_COLUMNS, (kind, file, detail), strict=True))


def row_of(one: Read, cut: Cut, by_pattern: bool) -> dict:
    """What the manifest says of a cut, by ``corpora.clips.CUT_COLUMNS``."""
    sentence, text = one
    phones = [
        phone.label
        for phone in text.phones
        if phone.label and 2 * cut.start <= phone.start + phone.end < 2 * cut.end
    ]
    return {
        "pattern": cut.kind if by_pattern else "",
        "word": " ".join(text.words[i].label for i in cut.words),
        "phones": " ".join(phones),
        "start_sample": cut.start,
        "end_sample": cut.end,
        "source": sentence.files["WAV"],
        "speaker": sentence.speaker,
        "sex": sentence.speaker[0],
        "dialect": sentence.dialect,
        "split": sentence.split,
        "sentence": sentence.name,
    }
