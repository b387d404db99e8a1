"""Patterns of phones, such as ``#sTV``: a small language over TIMIT's labels, and its matches.

Labels and their classes: TIMIT's ``DOC/PHONCODE.DOC`` (LDC93S1). Plain Python.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from wavegan_tf.errors import InputError

NOTATION = """\
V       a vowel: iy ih eh ey ae aa aw ay ah ao oy ow uh uw ux er ax ix axr
        ax-h
T, D    a voiceless stop (p t k) or a voiced stop (b d g): a closure, then the
        release of the same place (tcl t); it needs both
p t k b d g     this stop: closure and release
A       an affricate with its closure: tcl ch, dcl jh
F       a fricative: s sh z zh f th v dh
N       a nasal: m n ng em en eng nx
L       a liquid or glide: l r w y hh hv el
C       a consonant: T, D, A, F, N, L or dx
s z f v m n l r w y q     the phone with this label
{sh}    a phone by its label; {iy|ih}: one of several; {t}: the release alone;
        {tcl}: the closure alone
.       any one phone, including a pause (h# pau epi)
#       a word edge. At the start of a pattern, a word begins with the next
        phone; at the end, a word ends with the phone before; in between, a
        word ends or begins there
( )     may be missing: #(s)TV; #({pcl|tcl|kcl}){p|t|k}V: stops with or
        without a closure
Phones with no # between them belong to one word; in V(#)V they may belong to
two. A phone belongs to every word whose span in .WRD holds the middle of the
phone. If two words share a phone, the first ends with it and the second begins
with it. No phone is skipped: q (a glottal stop) and epi (a short silence) are
phones, as in #(q)V. Spaces mean nothing. At each phone a pattern matches once
at most, with as many of the optional phones as there are."""

PAPER_PATTERNS = {"#TV": 4930, "#sTV": 533}  # tokens that the paper cut from TIMIT, by pattern
PAPER_WORDS = {
    "ask": 633, "carry": 632, "dark": 644, "greasy": 630, "like": 697, "oily": 638, "rag": 638,
    "suit": 630, "water": 649, "year": 650,
}  # fmt: skip
"""Tokens of the papers' words."""
PAPER_ALL = "54378 tokens of 6229 words"  # all of TIMIT, as the paper counts it
WORD_SETS = {
    "paper5": tuple("oily rag suit water year".split()),
    "paper8": tuple("ask carry dark greasy like suit water year".split()),
    "paper10": tuple(PAPER_WORDS),
    "paper_all": None,
}
"""The papers' sets of words; None stands for all of TIMIT."""

CLOSURES = {release: f"{release}cl" for release in "ptkbdg"} | {"ch": "tcl", "jh": "dcl"}
"""The closure of each release."""
STOPS: dict[str, tuple[str, ...]] = {release: (release,) for release in "ptkbdg"}
STOPS |= {"T": ("p", "t", "k"), "D": ("b", "d", "g"), "A": ("ch", "jh")}
"""Releases of the stops and affricates that a letter stands for."""
CLASSES = {
    "V": frozenset("iy ih eh ey ae aa aw ay ah ao oy ow uh uw ux er ax ix axr ax-h".split()),
    "F": frozenset("s sh z zh f th v dh".split()),
    "N": frozenset("m n ng em en eng nx".split()),
    "L": frozenset("l r w y hh hv el".split()),
}
LABELS = frozenset({*CLOSURES, *CLOSURES.values(), "dx", "q", "h#", "pau", "epi"}).union(
    *CLASSES.values()
)
"""The 61 labels of TIMIT's phones."""
CLASSES["."] = LABELS

NEAR_MISSES = {
    "other_closure": "the closure before the release is that of another stop",
    "no_closure": "the stop has no closure in its word, as after a pause",
    "no_release": "the stop has no release",
    "inserted": "q, epi or pau stands between two phones",
    "word_edge": "the phones are not of one word",
}
"""What may keep a stretch from being a match: each alone, in the order in which it is tried."""
INSERTED = frozenset(("q", "epi", "pau"))

_OUTSIDE = -1  # the "word" of phones that are of none


class Stop(NamedTuple):
    """Closure and release, one of these."""

    releases: tuple[str, ...]


Item: TypeAlias = "frozenset[str] | Stop | list[Items] | None"
"""One phone of these labels; a stop; several ways to go on, tried in order; or a word edge."""
Items: TypeAlias = tuple[Item, ...]


class Match(NamedTuple):
    """The phones ``first`` .. ``last`` (indices, both included) and the words they are of."""

    first: int
    last: int
    words: tuple[int, ...]


class Pattern(NamedTuple):
    """A pattern as it was written, without spaces, and what it asks for."""

    text: str
    items: Items


def parse(text: str) -> Pattern:
    """Reads a pattern in the notation of :data:`NOTATION`.

    Raises:
        InputError: It breaks the notation, at a place that is shown, or could match nothing.
    """
    items, at = _sequence(text, 0)
    if at < len(text):
        raise _refusal(text, at, "this ) closes nothing")
    if _may_be_empty(items):
        raise _refusal(text, 0, "a pattern needs a phone that may not be missing")
    return Pattern("".join(text.split()), items)


def _refusal(text: str, at: int, problem: str) -> InputError:
    return InputError(
        f"--pattern={text}: {problem}\n  {text}\n  {' ' * at}^\nfor example #TV, #(s)TV, V{{sh}}V, "
        "T#V; --help has the notation"
    )


def _sequence(text: str, at: int) -> tuple[Items, int]:
    """The items from a place on to the closing parenthesis or the end, and where that is."""
    items: list[Item] = []
    while at < len(text) and text[at] != ")":
        start, letter = at, text[at]
        at += 1
        if letter == "(":
            optional, end = _sequence(text, at)
            if end == len(text):
                raise _refusal(text, start, "this ( is never closed")
            if not optional:
                raise _refusal(text, start, "nothing stands in these parentheses")
            items.append([optional, ()])
            at = end + 1
        elif letter == "{":
            end = text.find("}", at)
            if end < 0:
                problem = "this { is never closed: a comma begins another pattern; alternatives are"
                raise _refusal(text, start, f"{problem} {{t|p}}")
            items.append(_labels(text, at, end))
            at = end + 1
        elif letter == "#":
            if items[-1:] == [None]:
                raise _refusal(text, start, "a second # in a row")
            items.append(None)
        elif letter in STOPS:
            items.append(Stop(STOPS[letter]))
        elif letter in CLASSES:
            items.append(CLASSES[letter])
        elif letter == "C":
            others = CLASSES["F"] | CLASSES["N"] | CLASSES["L"] | {"dx"}
            items.append([*((Stop(STOPS[kind]),) for kind in "TDA"), (others,)])
        elif letter in LABELS:
            items.append(frozenset(letter))
        elif not letter.isspace():
            raise _refusal(text, start, f"{letter!r} is neither a class nor a phone of one letter")
    return tuple(items), at


def _labels(text: str, at: int, end: int) -> frozenset[str]:
    """The labels that stand between braces."""
    labels = set()
    for label in text[at:end].split("|"):
        if label.strip() not in LABELS:
            problem = f"{label.strip()!r} is none of TIMIT's 61 labels"
            if label.strip() in {*CLASSES, *STOPS, "C"}:
                problem += "; a class stands without braces: #TV"
            raise _refusal(text, at, problem)
        labels.add(label.strip())
        at += len(label) + 1
    return frozenset(labels)


def _may_be_empty(items: Items) -> bool:
    """Whether the items can match without a phone."""
    return all(
        item is None or (isinstance(item, list) and any(map(_may_be_empty, item))) for item in items
    )


@functools.cache
def _ways_to_say(stop: Stop, reason: str) -> list[Items]:
    """Closure and release, last those that miss something."""
    whole = [(frozenset({CLOSURES[x]}), frozenset({x})) for x in stop.releases]
    closures = frozenset(CLOSURES.values())
    others: dict[str, list[Items]] = {
        "other_closure": [(closures - closure, released) for closure, released in whole],
        "no_closure": [(released,) for _, released in whole],
        "no_release": [(closure,) for closure, _ in whole],
    }
    return [*whole, *others.get(reason, [])]


def matches(
    pattern: Pattern, labels: Sequence[str], owners: Sequence[tuple[int, ...]], reason: str = ""
) -> list[Match]:
    """Finds a pattern in the phones of a sentence, at most once from each phone on.

    ``owners`` has of each phone the words that it is of, by number; ``reason``, one of
    :data:`NEAR_MISSES`, finds what misses the pattern for it too.
    """
    pairs = [(word, i) for i, words in enumerate(owners) for word in words]
    last, first = dict(pairs), dict(reversed(pairs))  # phones of each word

    def ways(
        items: Items, i: int, word: int | None, opening: bool, passed: tuple[int, ...]
    ) -> Iterator[Match]:
        """Matches from phone i on, which must be of ``word`` (None: any), or must open its word."""
        if not items:
            yield Match(start, i - 1, passed)
            return
        item, rest = items[0], items[1:]
        if isinstance(item, Stop):
            item = _ways_to_say(item, reason)
        if isinstance(item, list):
            for way in item:
                yield from ways(way + rest, i, word, opening, passed)
        elif item is None:
            left = owners[i - 1] if word is None else (word,)
            if i > start and any(last.get(each) == i - 1 for each in left):
                yield from ways(rest, i, None, False, passed)
            elif rest:
                yield from ways(rest, i, None, True, passed)
        elif i < len(labels):
            if labels[i] in item:
                for owner in owners[i] or (_OUTSIDE,):
                    opens = not opening or first.get(owner) == i
                    if opens and (word is None or reason == "word_edge" or owner == word):
                        new = () if owner in (_OUTSIDE, *passed) else (owner,)
                        yield from ways(rest, i + 1, owner, False, passed + new)
            if reason == "inserted" and i > start and labels[i] in INSERTED:
                yield from ways(items, i + 1, word, opening, passed)

    found: list[Match] = []
    for start in range(len(labels)):
        found += itertools.islice(ways(pattern.items, start, None, False, ()), 1)
    return found


def near_misses(
    pattern: Pattern,
    labels: Sequence[str],
    owners: Sequence[tuple[int, ...]],
    found: Sequence[Match],
) -> list[tuple[str, Match]]:
    """Finds what is no match for one reason alone, the first of :data:`NEAR_MISSES` that holds.

    A stretch that lies in one of the matches ``found``, or holds one, is no near miss.
    """
    near, known = [], list(found)
    for reason in NEAR_MISSES:
        for match in matches(pattern, labels, owners, reason):
            wider = [(min(match.first, x.first), max(match.last, x.last)) for x in known]
            if not any(w in (match[:2], x[:2]) for w, x in zip(wider, known, strict=True)):
                near.append((reason, match))
                known.append(match)
    return near
