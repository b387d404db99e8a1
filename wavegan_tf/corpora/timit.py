"""Clips cut from TIMIT (LDC93S1): its tree, what matches patterns or words, counts, clips.

``TRAIN/DR1/FCJF0/SA1.WAV``, ``.PHN``, ``.WRD``: split, dialect region, speaker (the first letter is
the sex), sentence; names in upper or in lower case. Spans are in samples at 16000 Hz.
"""

import itertools
import os
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from wavegan_tf.corpora import clips, patterns
from wavegan_tf.corpora.patterns import Pattern
from wavegan_tf.errors import InputError
from wavegan_tf.paths import walk, warn_passed_over
from wavegan_tf.speech.intervals import cut_to_sound
from wavegan_tf.texts import read_lines

NUM_SENTENCES = 6300
SPLITS = ("train", "test")
TOKENS, TOO_LONG, SA, UNUSABLE = "tokens", "too_long", "sa", "unusable"

_FILE = re.compile(
    r"((?:.*/)?)(train|test)/(dr[1-8])/([fm][a-z]{3}\d)/(s[aix]\d+)\.(wav(?:\.wav)?|phn|wrd)", re.I
)
_DEPTH = 5  # of the folders of speakers, in a tree two levels below
_LINE = re.compile(r"([0-9]{1,15})\s+([0-9]{1,15})\s+(.+)")


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
    name: str  # such as SX37
    files: dict[str, str]  # path below the tree's root, with /, by kind: WAV, PHN, WRD


class Said(NamedTuple):
    """What is said in a sentence."""

    sentence: Sentence
    phones: list[Span]  # without gaps; a stretch that .PHN leaves out has the label ""
    words: list[Span]  # which may share phones
    owners: list[tuple[int, ...]]  # of each phone the indices of the words that hold its middle


@dataclass
class Cut:
    """A stretch of a sentence."""

    kind: str  # what it is counted as: its pattern or word
    row: dict[str, Any]  # of CUT_COLUMNS
    tiers: list[tuple[str, list[Span]]]  # names, and what lies in or around the stretch
    outcome: str  # a column of counts.csv


class Plan(NamedTuple):
    """What is cut, and what is not."""

    what: str  # pattern or word
    kinds: list[str]  # the patterns or words, in order
    cuts: list[Cut]  # in order of sentences; in each tokens by start, then what is left out
    num_sentences: int  # used
    everything: bool = False  # whether every word of all sentences is wanted


def find_sentences(timit_dir: str, splits: Iterable[str]) -> tuple[str, list[Sentence]]:
    """Finds the folder of TRAIN and TEST, here or at most two levels below, and its sentences.

    ``SA1.WAV`` goes before a copy such as ``SA1.WAV.wav``.

    Raises:
        InputError: There is no tree or more than one, a split is missing, or a speaker is twice.
    """
    if not os.path.isdir(timit_dir):
        raise InputError(
            f"--timit_dir={timit_dir}: there is no such folder; give the folder of TIMIT"
        )
    found = defaultdict[tuple[str, str, str, str], dict[str, str]](dict)
    roots, homes = set[str](), defaultdict[str, set[str]](set)
    passed_over: dict[str, str] = {}
    for here, names in walk(timit_dir, passed_over, _DEPTH):
        below = Path(here).relative_to(timit_dir)
        for name in sorted(names, key=lambda name: (name.count("."), name)):
            if match := _FILE.fullmatch((below / name).as_posix()):
                split, dialect, speaker, sentence, kind = (x.upper() for x in match.groups()[1:])
                path = (below / name).relative_to(match[1]).as_posix()
                found[split, dialect, speaker, sentence].setdefault(kind[:3], path)
                roots.add(os.path.join(timit_dir, match[1]).rstrip("/"))
                homes[speaker].add(here)
    warn_passed_over(f"--timit_dir={timit_dir}", passed_over)
    if not roots:
        raise InputError(
            f"--timit_dir={timit_dir}: this is not TIMIT; give the folder with TRAIN and TEST, "
            "which contain DR1 .. DR8, the speakers (FCJF0) and their sentences (SA1.WAV, .PHN, "
            ".WRD)"
        )
    if len(roots) > 1:
        each = ", ".join(sorted(roots))
        raise InputError(
            f"--timit_dir={timit_dir}: contains TIMIT more than once: {each}; give one"
        )
    for speaker, places in homes.items():
        if len(places) > 1:
            where = " and in ".join(sorted(places))
            raise InputError(
                f"speaker {speaker} is in {where}; remove one of them from the folder of TIMIT"
            )
    sentences = []
    for split in splits:
        of_split = sorted(place for place in found if place[0] == split.upper())
        if not of_split:
            raise InputError(
                f"--splits={split}: {timit_dir} has no sentence such as "
                f"{split.upper()}/DR1/FCJF0/SA1.PHN; name only the other split"
            )
        sentences += [Sentence(split, *x[1:], found[x]) for x in of_split]
    return roots.pop(), sentences


def read_sentences(
    root: str, sentences: Iterable[Sentence], problems: list[clips.Problem]
) -> Iterator[Said]:
    """Reads transcriptions; what is missing or wrong is added to ``problems``."""
    for sentence in sentences:
        missing = [kind for kind in ("WAV", "PHN", "WRD") if kind not in sentence.files]
        file, wrong = sentence.files.get("WAV", min(sentence.files.values())), list[str]()
        try:
            if missing:
                found = ", ".join(sorted(sentence.files.values()))
                raise InputError(f"no .{' and no .'.join(missing)} beside {found}")
            phones = _read_phones(root, sentence.files["PHN"], wrong)
            spans = _read_spans(root, sentence.files["WRD"], wrong)
        except InputError as error:
            kind = "file missing" if missing else "transcription unreadable"
            problems.append(clips.Problem(kind, file, "; ".join([str(error), *wrong])))
            continue
        problems += [clips.Problem("line left out", file, why) for why in wrong]
        words = [x._replace(label=clips.word_of(x.label) or x.label) for _, x in spans]
        owners = [tuple(i for i, x in enumerate(words) if x.holds(phone)) for phone in phones]
        yield Said(sentence, phones, words, owners)


def _read_phones(root: str, name: str, wrong: list[str]) -> list[Span]:
    phones: list[Span] = []
    for where, phone in _read_spans(root, name, wrong):
        end = phones[-1].end if phones else phone.start
        if phone.label not in patterns.LABELS:
            wrong.append(f"{where}: none of TIMIT's 61 labels")
        elif phone.start < end:
            wrong.append(f"{where}: starts before the phone before it ends, at {end}")
        else:
            if phone.start > end:
                phones.append(Span("", end, phone.start))
            phones.append(phone)
    return phones


def _read_spans(root: str, name: str, wrong: list[str]) -> list[tuple[str, Span]]:
    """Places and spans of a .PHN or .WRD, in order of time; those without duration are dropped."""
    try:
        lines = list(read_lines(os.path.join(root, name)))
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{root}{os.sep}")) from None
    spans = []
    for number, line in enumerate(lines, start=1):
        where = f"{name}, line {number}: {line.strip()[:40]}"
        match = _LINE.fullmatch(line.strip())
        if match and int(match[1]) <= int(match[2]):
            spans.append((where, Span(match[3], int(match[1]), int(match[2]))))
        elif line.strip():
            wrong.append(f"{where}: not START END LABEL, with the end after the start")
    if not spans:
        raise InputError(f"{name}: empty")
    spans.sort(key=lambda pair: pair[1].start)
    return [(where, span) for where, span in spans if span.start < span.end]


def plan_cuts(
    read: Iterable[Said],
    wanted: Sequence[Pattern] = (),
    words: Sequence[str] | None = None,
    max_len: int | None = 16384,
    sa: bool = True,
) -> Plan:
    """Finds patterns, or else words, in sentences.

    No words mean every word, the most frequent first, equals in alphabetical order; tokens longer
    than ``max_len`` samples count too. ``sa`` is whether SA sentences are used.
    """
    cuts, num_sentences = [], 0
    chosen = None if words is None else set(words)
    for said in read:
        found = list(_matches(said, wanted) if wanted else _words(said, chosen))
        for cut in found:
            length = cut.row["end_sample"] - cut.row["start_sample"]
            if cut.outcome == TOKENS and max_len and length > max_len:
                cut.outcome = TOO_LONG
        tokens = [cut for cut in found if cut.outcome == TOKENS]
        tokens.sort(key=lambda cut: (cut.row["start_sample"], cut.row["end_sample"]))
        if said.sentence.name.startswith("SA") and not sa:
            cuts += [replace(cut, outcome=SA) for cut in tokens]
            continue
        num_sentences += 1
        cuts += tokens + [cut for cut in found if cut.outcome == TOO_LONG]
        cuts += [cut for cut in found if cut.outcome in patterns.NEAR_MISSES]
    if wanted:
        return Plan("pattern", [x.text for x in wanted], cuts, num_sentences)
    number = Counter(cut.kind for cut in cuts if cut.outcome != SA)
    kinds = words or sorted(number, key=lambda word: (-number[word], word))
    return Plan("word", list(kinds), cuts, num_sentences, words is None and sa)


def _words(said: Said, chosen: Collection[str] | None) -> Iterator[Cut]:
    for i, word in enumerate(said.words):
        if chosen is None or word.label in chosen:
            yield _cut(said, "", word.start, word.end, [i], TOKENS)


def _matches(said: Said, wanted: Iterable[Pattern]) -> Iterator[Cut]:
    labels = [phone.label for phone in said.phones]
    for pattern in wanted:
        matched = patterns.matches(pattern, labels, said.owners)
        near = patterns.near_misses(pattern, labels, said.owners, matched)
        for outcome, match in [*((TOKENS, match) for match in matched), *near]:
            start, end = said.phones[match.first].start, said.phones[match.last].end
            yield _cut(said, pattern.text, start, end, match.words, outcome)


def _cut(said: Said, pattern: str, start: int, end: int, own: Sequence[int], outcome: str) -> Cut:
    """A stretch of a pattern, or none, and of words; where words share phones, these have them."""
    one, whole = said.sentence, Span("", start, end)
    words = [said.words[i] for i in own]
    word = " ".join(x.label for x in words)
    phones = " ".join(x.label for x in said.phones if x.label and whole.holds(x))
    what = (pattern, word, phones, start, end, one.files["WAV"])
    who = (one.speaker, one.speaker[0], one.dialect, one.split, one.name)
    words += [x for x in said.words if x not in words]
    row = dict(zip(clips.CUT_COLUMNS, what + who, strict=True))
    return Cut(pattern or word, row, [("words", words), ("phones", said.phones)], outcome)


def make_clips(root: str, plan: Plan, problems: list[clips.Problem]) -> Iterator[clips.Clip]:
    """Cuts, one recording in memory at a time; marks what is unusable and adds to the problems.

    Clips are named FOLDER/WORD_SPEAKER_SENTENCE_START, the folder that of pattern or word.

    Raises:
        InputError: A recording has another rate than 16000 Hz.
    """
    from wavegan_tf.data.audio import read_audio

    folders = folder_names(plan.kinds)
    tokens = [cut for cut in plan.cuts if cut.outcome == TOKENS]
    for wav, cuts in itertools.groupby(tokens, lambda cut: cut.row["source"]):
        path = os.path.join(root, wav)
        try:
            audio = read_audio(path)
        except InputError as error:
            reason = str(error).removeprefix(f"{path}: ")
            problems.append(clips.Problem("recording unreadable", wav, reason))
            for cut in cuts:
                cut.outcome = UNUSABLE
            continue
        if audio.rate_hz != clips.SAMPLE_RATE_HZ:
            raise InputError(
                f"{path}: a rate of {audio.rate_hz} Hz; TIMIT's spans are in samples at "
                f"{clips.SAMPLE_RATE_HZ} Hz: resample the recordings to that rate"
            )
        samples = audio.samples.mean(axis=1)  # of one channel: itself
        for cut in cuts:
            row, start, end = cut.row, cut.row["start_sample"], cut.row["end_sample"]
            span_s = (edge / clips.SAMPLE_RATE_HZ for edge in (start, end, len(samples)))
            if cut_to_sound(*span_s) is None or start >= len(samples):
                cut.outcome = UNUSABLE
                detail = f"{cut.kind}, {start} .. {end}, of {len(samples)} samples"
                problems.append(clips.Problem("span past the end", wav, detail))
                continue
            row["end_sample"] = end = min(end, len(samples))
            tiers = [clips.make_tier(name, spans, start, end) for name, spans in cut.tiers]
            name = f"{plain_name(row['word'])}_{row['speaker']}_{row['sentence']}_{start:06d}"
            yield clips.Clip(f"{folders[cut.kind]}/{name}", samples[start:end], tiers, row)


def plain_name(text: str) -> str:
    """Names files of a pattern or of words, with hyphens for signs and spaces."""
    return clips.safe_name("-".join(re.findall(r"[^\s#(){}|.]+", text)))


def folder_names(kinds: Iterable[str]) -> dict[str, str]:
    """Names a folder for each pattern or word; those alike are numbered: TV, tV-2."""
    names: dict[str, str] = {}
    used: set[str] = set()
    for kind in kinds:
        names[kind] = stem = plain_name(kind)
        numbers = itertools.count(2)
        while names[kind].lower() in used:
            names[kind] = f"{stem}-{next(numbers)}"
        used.add(names[kind].lower())
    return names


def count_table(plan: Plan) -> pd.DataFrame:
    """Makes counts.csv, by pattern or word.

    ``tokens``; ``sa_tokens``, of these in SA sentences; ``too_long``; ``sa``, what SA sentences
    would add, if they are not used; ``unusable``, of audio that fails or ends before; near misses.
    ``paper`` and ``difference`` are missing where no paper has a count, and where not all of
    TIMIT's sentences are used, so that counts cannot be compared.
    """
    counts = Counter((cut.kind, cut.outcome) for cut in plan.cuts)
    in_sa = (cut for cut in plan.cuts if cut.row["sentence"].startswith("SA"))
    counts.update((cut.kind, "sa_tokens") for cut in in_sa if cut.outcome == TOKENS)
    columns, papers = [TOKENS, "sa_tokens", TOO_LONG, SA, UNUSABLE], patterns.PAPER_WORDS
    if plan.what == "pattern":
        columns, papers = [*columns, *patterns.NEAR_MISSES], patterns.PAPER_PATTERNS
    compared = papers if plan.num_sentences >= NUM_SENTENCES else {}
    table = pd.DataFrame({x: [counts[kind, x] for kind in plan.kinds] for x in columns})
    paper = pd.Series([compared.get(kind) for kind in plan.kinds], dtype="Int64")
    table.insert(0, plan.what, plan.kinds)
    table.insert(3, "paper", paper)
    table.insert(4, "difference", table[TOKENS] - paper)
    return table


def counts_text(plan: Plan) -> str:
    """Prints the counts as a table, of the first 20 rows and the sum of all."""
    table = count_table(plan)
    total = table.iloc[:, 1:].sum(skipna=False).to_frame().T
    total.insert(0, plan.what, f"all {len(table)}")
    shown = pd.concat([table.head(20).astype(object), total.astype(object)])
    text = shown.to_string(index=False, na_rep="")
    if plan.num_sentences < NUM_SENTENCES:
        return (
            f"{text}\n{plan.num_sentences} of TIMIT's {NUM_SENTENCES} sentences used: not "
            "comparable with the paper's counts"
        )
    return f"{text}\nthe paper: {patterns.PAPER_ALL}" if plan.everything else text


def left_out_table(plan: Plan) -> pd.DataFrame:
    """Makes left_out.csv: what is too long and near misses."""
    reasons = (TOO_LONG, *patterns.NEAR_MISSES)
    rows = [{"reason": x.outcome, **x.row} for x in plan.cuts if x.outcome in reasons]
    return pd.DataFrame(rows, columns=["reason", *clips.CUT_COLUMNS[:6]])
