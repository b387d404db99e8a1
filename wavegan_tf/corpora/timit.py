"""Clips cut from TIMIT (LDC93S1): its tree, what matches patterns or words, counts, clips.

``TRAIN/DR1/FCJF0/SA1.WAV``, ``.PHN``, ``.WRD``: split, dialect region, speaker (the first letter is
the sex), sentence; names in upper or in lower case. Spans are in samples at 16000 Hz.
"""

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from wavegan_tf.corpora.clips import CUT_COLUMNS, SAMPLE_RATE_HZ, Clip, Problem, safe_name
from wavegan_tf.corpora.patterns import (
    LABELS,
    NEAR_MISSES,
    PAPER_ALL,
    PAPER_PATTERNS,
    PAPER_WORDS,
    Match,
    Pattern,
    matches,
    near_misses,
)
from wavegan_tf.errors import InputError
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.textgrids import Tier

NUM_SENTENCES = 6300
KINDS = ("WAV", "PHN", "WRD")
"""Of files that a sentence needs."""
SPLITS = ("train", "test")
TOO_LONG, SA, UNUSABLE = "too_long", "sa", "unusable"
LEFT_OUT_COLUMNS = "reason pattern word phones start_sample end_sample source".split()

_FILE = re.compile(
    r"((?:.*/)?)(train|test)/(dr[1-8])/([fm][a-z]{3}\d)/(s[aix]\d+)\.(wav(?:\.wav)?|phn|wrd)", re.I
)
_DEPTH = 5  # of the folders of speakers, in a tree two levels below
_LINE = re.compile(r"([0-9]+)\s+([0-9]+)\s+(.+)")


class Span(NamedTuple):
    """A labelled stretch: the samples ``start`` .. ``end`` - 1."""

    label: str
    start: int
    end: int


class Sentence(NamedTuple):
    """A sentence and its files."""

    split: str  # train or test
    dialect: str  # DR1 .. DR8
    speaker: str  # such as FCJF0
    name: str  # such as SX37
    files: dict[str, str]  # path below the tree's root, with /, by kind

    @property
    def is_sa(self) -> bool:
        """Tells whether it is one of the two sentences that every speaker reads."""
        return self.name.startswith("SA")


class Said(NamedTuple):
    """What is said in a sentence."""

    sentence: Sentence
    phones: list[Span]  # without gaps; a stretch that .PHN leaves out has the label ""
    words: list[Span]  # which may share phones
    owners: list[tuple[int, ...]]  # of each phone the indices of the words that hold its middle


class Cut(NamedTuple):
    """A stretch of a sentence, in samples; its pattern, or none; the indices of its words."""

    said: Said
    pattern: str
    start: int
    end: int
    words: tuple[int, ...]

    @property
    def word(self) -> str:
        """Joins the words."""
        return " ".join(self.said.words[i].label for i in self.words)

    @property
    def kind(self) -> str:
        """Says what it is counted as."""
        return self.pattern or self.word

    def row(self) -> dict[str, object]:
        """Says what the manifest has of it."""
        one, said = self.said.sentence, self.said
        phones = " ".join(
            phone.label
            for phone in said.phones
            if phone.label and 2 * self.start <= phone.start + phone.end < 2 * self.end
        )
        what = (self.pattern, self.word, phones, self.start, self.end, one.files["WAV"])
        who = (one.speaker, one.speaker[0], one.dialect, one.split, one.name)
        return dict(zip(CUT_COLUMNS, what + who, strict=True))


class Wanted(NamedTuple):
    """What to cut: patterns of phones, or words."""

    patterns: Sequence[Pattern] = ()
    words: Sequence[str] | None = None  # None: every word
    max_len: int | None = 16384  # samples that a clip may have
    sa: bool = True  # whether SA sentences are used


@dataclass
class Plan:
    """What is to be cut, and what is not.

    Counts are by kind and column: ``tokens`` (written so far), ``sa_tokens`` (of these in SA
    sentences), ``too_long``, ``sa`` (what SA sentences would add, if they are not used),
    ``unusable`` (of audio that fails or ends before), ``patterns.NEAR_MISSES``.
    """

    kinds: list[str]  # patterns or words, in order
    cuts: list[Cut] = field(default_factory=list)  # in order of sentences, by start in each
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: list[tuple] = field(default_factory=list)  # rows of LEFT_OUT_COLUMNS
    num_sentences: int = 0  # used


def find_sentences(timit_dir: str, splits: Iterable[str]) -> tuple[str, list[Sentence]]:
    """Finds TIMIT's tree in a folder or at most two levels below it, and its sentences.

    A sentence is what has any of its files; others are passed over. ``SA1.WAV`` goes before a copy
    of it such as ``SA1.WAV.wav``.

    Returns:
        The folder that holds TRAIN and TEST, and the sentences of the splits, in order of these,
        sorted by dialect, speaker and name.

    Raises:
        InputError: There is no tree, or more than one, a split is missing, or a speaker is there
            twice.
    """
    if not os.path.isdir(timit_dir):
        what = "is a file" if os.path.isfile(timit_dir) else "no such folder"
        raise InputError(f"--timit_dir={timit_dir}: {what}; give the folder of TIMIT's tree")
    found: dict[tuple[str, str, str, str], dict[str, str]] = {}
    homes: dict[str, str] = {}
    twice, roots = "", set()
    for here, folders, names in os.walk(timit_dir, followlinks=True):
        below = Path(here).relative_to(timit_dir)
        folders[:] = [x for x in folders if x[0] != "." and len(below.parts) < _DEPTH]
        for name in sorted(names, key=lambda name: (name.count("."), name)):
            match = _FILE.fullmatch((below / name).as_posix())
            if match:
                split, dialect, speaker, sentence, kind = (x.upper() for x in match.groups()[1:])
                path = (below / name).relative_to(match[1]).as_posix()
                place = (split, dialect, speaker, sentence)
                found.setdefault(place, {}).setdefault(kind[:3], path)
                roots.add(os.path.join(timit_dir, match[1]).rstrip("/"))
                if homes.setdefault(speaker, here) != here:
                    twice = f"speaker {speaker} is in {homes[speaker]} and in {here}"
    if not roots:
        raise InputError(
            f"--timit_dir={timit_dir}: not TIMIT's tree; give the folder with TRAIN and TEST, in "
            "which are DR1 .. DR8, their speakers (FCJF0) and sentences (SA1.WAV, .PHN, .WRD)"
        )
    if len(roots) > 1:
        each = ", ".join(sorted(roots))
        raise InputError(f"--timit_dir={timit_dir}: TIMIT's tree more than once: {each}; give one")
    if twice:
        raise InputError(f"{twice}; TIMIT has each once: leave one out of the tree")
    sentences = []
    for split in splits:
        of_split = sorted(place for place in found if place[0] == split.upper())
        if not of_split:
            raise InputError(
                f"--splits={split}: {timit_dir} has no sentence such as {split.upper()}/DR1/FCJF0/"
                "SA1.PHN; name the other split alone"
            )
        sentences += [Sentence(split, *x[1:4], found[x]) for x in of_split]
    return roots.pop(), sentences


def read_sentences(
    root: str, sentences: Iterable[Sentence], problems: list[Problem]
) -> Iterator[Said]:
    """Reads transcriptions; what fails is added to ``problems``."""
    for sentence in sentences:
        try:
            yield read_sentence(root, sentence)
        except InputError as error:
            whole = len(sentence.files) == len(KINDS)
            kind = "transcription unreadable" if whole else "file missing"
            file = sentence.files.get("WAV", min(sentence.files.values()))
            problems.append(Problem(kind, file, str(error)))


def read_sentence(root: str, sentence: Sentence) -> Said:
    """Reads .PHN and .WRD of a sentence.

    Raises:
        InputError: One of its three files is missing, or a line of a transcription is wrong.
    """
    missing = [kind for kind in KINDS if kind not in sentence.files]
    if missing:
        raise InputError(
            f"no .{' and no .'.join(missing)} beside {', '.join(sorted(sentence.files.values()))}"
        )
    phones: list[Span] = []
    for where, phone in _read_spans(root, sentence.files["PHN"]):
        if phone.label not in LABELS:
            raise InputError(f"{where}: none of TIMIT's 61 labels")
        end = phones[-1].end if phones else phone.start
        if phone.start < end:
            raise InputError(f"{where}: starts before the phone before it ends, at {end}")
        if phone.start > end:
            phones.append(Span("", end, phone.start))
        phones.append(phone)
    spans = (span for _, span in _read_spans(root, sentence.files["WRD"]))
    words = [span._replace(label=span.label.lower()) for span in spans]
    owners = [
        tuple(i for i, x in enumerate(words) if 2 * x.start <= phone.start + phone.end < 2 * x.end)
        for phone in phones
    ]
    return Said(sentence, phones, words, owners)


def _read_spans(root: str, name: str) -> list[tuple[str, Span]]:
    """Places and spans of a .PHN or .WRD."""
    try:
        text = Path(root, name).read_text(encoding="latin-1")
    except OSError as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    spans = []
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{name}, line {number}: {line.strip()[:40]}"
        match = _LINE.fullmatch(line.strip())
        if match and int(match[1]) < int(match[2]):
            spans.append((where, Span(match[3], int(match[1]), int(match[2]))))
        elif line.strip():
            raise InputError(f"{where}: not START END LABEL, with the end after the start")
    if not spans:
        raise InputError(f"{name}: empty")
    return spans


def plan_cuts(read: Iterable[Said], wanted: Wanted) -> Plan:
    """Finds what is wanted in sentences; what is longer than it may be goes to ``left_out``.

    Every word means the most frequent first, equals in alphabetical order; tokens too long for a
    clip count too.
    """
    read = list(read)
    plan = Plan([pattern.text for pattern in wanted.patterns] or list(wanted.words or ()))
    if not plan.kinds:
        used = (said.words for said in read if wanted.sa or not said.sentence.is_sa)
        number = Counter(word.label for words in used for word in words)
        plan.kinds = sorted(number, key=lambda word: (-number[word], word))
    chosen = set(plan.kinds)
    for said in read:
        words = [x for x in enumerate(said.words) if x[1].label in chosen and not wanted.patterns]
        found = [Cut(said, "", word.start, word.end, (i,)) for i, word in words]
        near: list[tuple[str, Cut]] = []
        labels = [phone.label for phone in said.phones]
        for pattern in wanted.patterns:
            matched = matches(pattern, labels, said.owners)
            found += [_cut(said, pattern, match) for match in matched]
            for reason, match in near_misses(pattern, labels, said.owners, matched):
                near.append((reason, _cut(said, pattern, match)))
        too_long = [cut for cut in found if wanted.max_len and cut.end - cut.start > wanted.max_len]
        found = [cut for cut in found if cut not in too_long]
        if said.sentence.is_sa and not wanted.sa:
            plan.counts.update((cut.kind, SA) for cut in found)
            continue
        plan.num_sentences += 1
        for reason, cut in [*((TOO_LONG, cut) for cut in too_long), *near]:
            plan.counts[cut.kind, reason] += 1
            plan.left_out.append((reason, *(cut.row()[name] for name in LEFT_OUT_COLUMNS[1:])))
        plan.cuts += sorted(found, key=lambda cut: (cut.start, cut.end))
    return plan


def _cut(said: Said, pattern: Pattern, match: Match) -> Cut:
    start, end = said.phones[match.first].start, said.phones[match.last].end
    return Cut(said, pattern.text, start, end, match.words)


def make_clips(root: str, plan: Plan, problems: list[Problem]) -> Iterator[Clip]:
    """Cuts, one recording in memory at a time; counts tokens and adds to the problems.

    Yields:
        Clips named FOLDER/WORD_SPEAKER_SENTENCE_START, the folder that of pattern or word.

    Raises:
        InputError: A recording has another rate than 16000 Hz.
    """
    from wavegan_tf.data.audio import read_audio

    folders = folder_names(plan.kinds)
    for wav, cuts in itertools.groupby(plan.cuts, lambda cut: cut.said.sentence.files["WAV"]):
        path, samples = os.path.join(root, wav), None
        try:
            audio = read_audio(path)
            samples = audio.samples.mean(axis=1)  # of one channel: itself
        except InputError as error:
            problems.append(
                Problem("recording unreadable", wav, str(error).removeprefix(f"{path}: "))
            )
        if samples is not None and audio.rate_hz != SAMPLE_RATE_HZ:
            raise InputError(
                f"{path}: a rate of {audio.rate_hz} Hz; TIMIT's spans are in samples at "
                f"{SAMPLE_RATE_HZ} Hz: resample the recordings to that rate"
            )
        for cut in cuts:
            if samples is None or cut.end > len(samples):
                plan.counts[cut.kind, UNUSABLE] += 1
                if samples is not None:
                    detail = f"{cut.kind}, {cut.start} .. {cut.end}, of {len(samples)} samples"
                    problems.append(Problem("span past the end", wav, detail))
                continue
            sentence = cut.said.sentence
            plan.counts[cut.kind, "tokens"] += 1
            plan.counts[cut.kind, "sa_tokens"] += sentence.is_sa
            stem = f"{plain_name(cut.word)}_{sentence.speaker}_{sentence.name}"
            name = f"{folders[cut.kind]}/{stem}_{cut.start:06d}"
            yield Clip(name, samples[cut.start : cut.end], tiers_of(cut), cut.row())


def tiers_of(cut: Cut) -> list[Tier]:
    """Makes the tiers of a clip, words and phones, in s from its start.

    Words that share a stretch cannot both have it in a tier: the clip's own words go first.
    """
    own = [cut.said.words[i] for i in cut.words]
    words: list[Span] = []
    for word in [*own, *(word for word in cut.said.words if word not in own)]:
        words += _clipped(word, cut, words)
    phones = [part for phone in cut.said.phones for part in _clipped(phone, cut, [])]

    def tier(name: str, spans: Iterable[Span]) -> Tier:
        edges = [(s.label, s.start - cut.start, s.end - cut.start) for s in spans]
        return Tier(
            name, [Interval(x, a / SAMPLE_RATE_HZ, b / SAMPLE_RATE_HZ) for x, a, b in edges]
        )

    return [tier("words", sorted(words, key=lambda span: span.start)), tier("phones", phones)]


def _clipped(span: Span, cut: Cut, placed: Iterable[Span]) -> list[Span]:
    """What of a span is within a cut and not taken: one span, or none."""
    start, end = max(span.start, cut.start), min(span.end, cut.end)
    for other in placed:
        if start < other.end and other.start < end:
            start, end = (start, other.start) if start < other.start else (other.end, end)
    return [Span(span.label, start, end)] if start < end else []


def plain_name(text: str) -> str:
    """Names files of a pattern or of words: hyphens for its signs and the spaces between."""
    return safe_name("-".join(re.findall(r"[^\s#(){}|.]+", text)))


def folder_names(kinds: Iterable[str]) -> dict[str, str]:
    """Names a folder for each pattern or word; those alike are numbered: TV, tV-2."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for kind in kinds:
        stem = plain_name(kind)
        numbered = itertools.chain([stem], (f"{stem}-{n}" for n in itertools.count(2)))
        names[kind] = next(name for name in numbered if name.lower() not in used)
        used.add(names[kind].lower())
    return names


def count_table(plan: Plan, wanted: Wanted) -> pd.DataFrame:
    """Makes counts.csv, by pattern or word; see :class:`Plan`.

    ``paper`` and ``difference`` are missing where no paper has a count, and where not all of
    TIMIT's sentences are used, so that counts cannot be compared.
    """
    papers = PAPER_PATTERNS if wanted.patterns else PAPER_WORDS
    compared = papers if plan.num_sentences >= NUM_SENTENCES else {}
    columns = ["tokens", "sa_tokens", TOO_LONG, SA, UNUSABLE]
    columns += NEAR_MISSES if wanted.patterns else []
    table = pd.DataFrame({x: [plan.counts[kind, x] for kind in plan.kinds] for x in columns})
    paper = pd.Series([compared.get(kind) for kind in plan.kinds], dtype="Int64")
    table.insert(0, "pattern" if wanted.patterns else "word", plan.kinds)
    table.insert(3, "paper", paper)
    table.insert(4, "difference", table["tokens"] - paper)
    return table


def counts_text(plan: Plan, wanted: Wanted, most: int = 20) -> str:
    """Prints the counts as a table, of the first ``most`` rows and the sum of all."""
    table = count_table(plan, wanted)
    total = table.iloc[:, 1:].sum(skipna=False).to_frame().T
    total.insert(0, table.columns[0], f"all {len(table)}")
    shown = pd.concat([table.head(most).astype(object), total.astype(object)])
    text = shown.to_string(index=False, na_rep="")
    if plan.num_sentences < NUM_SENTENCES:
        return (
            f"{text}\n{plan.num_sentences} of TIMIT's {NUM_SENTENCES} sentences used: not "
            "comparable with the paper's counts"
        )
    everything = not wanted.patterns and wanted.words is None and wanted.sa
    return f"{text}\nthe paper: {PAPER_ALL}" if everything else text


def way_out(plan: Plan) -> str:
    """Says why there is no clip at all, and the way out."""
    ways = {
        TOO_LONG: "too long: add --allow_longer, or raise --slice_len",
        SA: "in SA sentences: leave out --nosa",
        UNUSABLE: "in recordings that cannot be used",
    }
    lost = {reason: sum(plan.counts[kind, reason] for kind in plan.kinds) for reason in ways}
    said = [f"{number} {ways[reason]}" for reason, number in lost.items() if number]
    way = "; ".join(said) or "--help has the notation of patterns; words are those of .WRD"
    return f"no token to write in the {plan.num_sentences} sentences used; {way}"
