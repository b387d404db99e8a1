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

from wavegan_tf.corpora import patterns
from wavegan_tf.corpora.clips import (
    CUT_COLUMNS,
    SAMPLE_RATE_HZ,
    Clip,
    Problem,
    make_tier,
    safe_name,
)
from wavegan_tf.corpora.patterns import Pattern
from wavegan_tf.errors import InputError
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

    def holds(self, other: "Span") -> bool:
        """Tells whether the middle of another span lies in it."""
        return 2 * self.start <= other.start + other.end < 2 * self.end


class Sentence(NamedTuple):
    """A sentence and its files."""

    split: str  # train or test
    dialect: str  # DR1 .. DR8
    speaker: str  # such as FCJF0
    name: str  # such as SX37; SA1 and SA2 are those that every speaker reads
    files: dict[str, str]  # path below the tree's root, with /, by kind


class Said(NamedTuple):
    """What is said in a sentence."""

    sentence: Sentence
    phones: list[Span]  # without gaps; a stretch that .PHN leaves out has the label ""
    words: list[Span]  # which may share phones
    owners: list[tuple[int, ...]]  # of each phone the indices of the words that hold its middle

    @property
    def is_sa(self) -> bool:
        """Tells whether it is one of the two sentences that every speaker reads."""
        return self.sentence.name.startswith("SA")


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
        one, whole = self.said.sentence, Span("", self.start, self.end)
        phones = " ".join(x.label for x in self.said.phones if x.label and whole.holds(x))
        what = (self.pattern, self.word, phones, self.start, self.end, one.files["WAV"])
        who = (one.speaker, one.speaker[0], one.dialect, one.split, one.name)
        return dict(zip(CUT_COLUMNS, what + who, strict=True))

    def tiers(self) -> list[Tier]:
        """Makes the tiers of its clip, words and phones; of shared stretches own words go first."""
        own = [self.said.words[i] for i in self.words]
        words = own + [word for word in self.said.words if word not in own]
        spans = (("words", words), ("phones", self.said.phones))
        return [make_tier(name, found, self.start, self.end) for name, found in spans]


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
    """Finds the folder of TRAIN and TEST, here or at most two levels below, and its sentences.

    They are in order of splits, sorted by dialect, speaker and name. A sentence is what has any of
    its files; others are passed over. ``SA1.WAV`` goes before a copy such as ``SA1.WAV.wav``.

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
    """Reads transcriptions; what is missing or wrong is added to ``problems``."""
    for sentence in sentences:
        missing = [kind for kind in KINDS if kind not in sentence.files]
        try:
            if missing:
                found = ", ".join(sorted(sentence.files.values()))
                raise InputError(f"no .{' and no .'.join(missing)} beside {found}")
            phones = _read_phones(root, sentence.files["PHN"])
            words = [
                span._replace(label=span.label.lower())
                for _, span in _read_spans(root, sentence.files["WRD"])
            ]
            owners = [tuple(i for i, x in enumerate(words) if x.holds(phone)) for phone in phones]
            yield Said(sentence, phones, words, owners)
        except InputError as error:
            kind = "file missing" if missing else "transcription unreadable"
            file = sentence.files.get("WAV", min(sentence.files.values()))
            problems.append(Problem(kind, file, str(error)))


def _read_phones(root: str, name: str) -> list[Span]:
    phones: list[Span] = []
    for where, phone in _read_spans(root, name):
        if phone.label not in patterns.LABELS:
            raise InputError(f"{where}: none of TIMIT's 61 labels")
        end = phones[-1].end if phones else phone.start
        if phone.start < end:
            raise InputError(f"{where}: starts before the phone before it ends, at {end}")
        if phone.start > end:
            phones.append(Span("", end, phone.start))
        phones.append(phone)
    return phones


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
        used = (said.words for said in read if wanted.sa or not said.is_sa)
        number = Counter(word.label for words in used for word in words)
        plan.kinds = sorted(number, key=lambda word: (-number[word], word))
    chosen = set() if wanted.patterns else set(plan.kinds)
    for said in read:
        spans = [(i, word) for i, word in enumerate(said.words) if word.label in chosen]
        found = [("", Cut(said, "", word.start, word.end, (i,))) for i, word in spans]
        labels = [phone.label for phone in said.phones]
        for pattern in wanted.patterns:
            matched = patterns.matches(pattern, labels, said.owners)
            near = patterns.near_misses(pattern, labels, said.owners, matched)
            for reason, match in [*(("", match) for match in matched), *near]:
                start, end = said.phones[match.first].start, said.phones[match.last].end
                found.append((reason, Cut(said, pattern.text, start, end, match.words)))
        cuts, too_long, near_misses = [], [], []
        for reason, cut in found:
            if reason:
                near_misses.append((reason, cut))
            elif wanted.max_len and cut.end - cut.start > wanted.max_len:
                too_long.append((TOO_LONG, cut))
            else:
                cuts.append(cut)
        if said.is_sa and not wanted.sa:
            plan.counts.update((cut.kind, SA) for cut in cuts)
            continue
        plan.num_sentences += 1
        plan.cuts += sorted(cuts, key=lambda cut: (cut.start, cut.end))
        for reason, cut in too_long + near_misses:
            plan.counts[cut.kind, reason] += 1
            plan.left_out.append((reason, *(cut.row()[name] for name in LEFT_OUT_COLUMNS[1:])))
    return plan


def make_clips(root: str, plan: Plan, problems: list[Problem]) -> Iterator[Clip]:
    """Cuts, one recording in memory at a time; counts tokens and adds to the problems.

    Clips are named FOLDER/WORD_SPEAKER_SENTENCE_START, the folder that of pattern or word.

    Raises:
        InputError: A recording has another rate than 16000 Hz.
    """
    from wavegan_tf.data.audio import read_audio

    folders = folder_names(plan.kinds)
    for wav, cuts in itertools.groupby(plan.cuts, lambda cut: cut.said.sentence.files["WAV"]):
        path = os.path.join(root, wav)
        try:
            audio = read_audio(path)
        except InputError as error:
            reason = str(error).removeprefix(f"{path}: ")
            problems.append(Problem("recording unreadable", wav, reason))
            plan.counts.update((cut.kind, UNUSABLE) for cut in cuts)
            continue
        if audio.rate_hz != SAMPLE_RATE_HZ:
            raise InputError(
                f"{path}: a rate of {audio.rate_hz} Hz; TIMIT's spans are in samples at "
                f"{SAMPLE_RATE_HZ} Hz: resample the recordings to that rate"
            )
        samples = audio.samples.mean(axis=1)  # of one channel: itself
        for cut in cuts:
            if cut.end > len(samples):
                plan.counts[cut.kind, UNUSABLE] += 1
                detail = f"{cut.kind}, {cut.start} .. {cut.end}, of {len(samples)} samples"
                problems.append(Problem("span past the end", wav, detail))
                continue
            plan.counts[cut.kind, "tokens"] += 1
            plan.counts[cut.kind, "sa_tokens"] += cut.said.is_sa
            sentence = cut.said.sentence
            stem = f"{plain_name(cut.word)}_{sentence.speaker}_{sentence.name}"
            name = f"{folders[cut.kind]}/{stem}_{cut.start:06d}"
            yield Clip(name, samples[cut.start : cut.end], cut.tiers(), cut.row())


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
    papers = patterns.PAPER_PATTERNS if wanted.patterns else patterns.PAPER_WORDS
    compared = papers if plan.num_sentences >= NUM_SENTENCES else {}
    columns = ["tokens", "sa_tokens", TOO_LONG, SA, UNUSABLE]
    columns += patterns.NEAR_MISSES if wanted.patterns else []
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
    return f"{text}\nthe paper: {patterns.PAPER_ALL}" if everything else text


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
