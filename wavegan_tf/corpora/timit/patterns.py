"""Patterns of phones, such as ``#sTV``: a small language over TIMIT's labels, and its matches.

Labels and their classes: TIMIT's ``DOC/PHONCODE.DOC`` (LDC93S1). Plain Python.
"""

from typing import NamedTuple

from wavegan_tf.errors import InputError

NOTATION = """\
V       a vowel: iy ih eh ey ae aa aw ay ah ao oy ow uh uw ux er ax ix axr
        ax-h
T, D    a voiceless stop, p t k; a voiced one, b d g: the closure and then
        the release of its place (tcl t); what lacks either is none
p t k b d g     that stop, closure and release
A       an affricate with its closure: tcl ch, dcl jh
F       a fricative: s sh z zh f th v dh
N       a nasal: m n ng em en eng nx
L       a liquid or glide: l r w y hh hv el
C       a consonant: T, D, A, F, N, L or dx
s z f v m n l r w y q     the phone of that label
{sh}    a phone by its label, {iy|ih} one of several; {t} is the release
        alone, {tcl} the closure alone
.       one phone of any label, a pause (h# pau epi) too
#       a word edge; first: a word begins with the next phone; last: a word
        ends with the phone before; between two: one ends or begins there
( )     may be missing: #(s)TV; #({pcl|tcl|kcl}){p|t|k}V: stops with or
        without a closure
Phones with no # between them are of one word; in V(#)V they may be of two.
A phone is of every word whose span in .WRD holds its middle: of two words
that share a phone the first ends with it and the second begins with it.
Nothing is skipped: q (a glottal stop) and epi (a short silence) are phones,
#(q)V. Spaces mean nothing. A pattern matches once, at most, from each phone
on, with as much of what may be missing as there is."""

VOWELS = frozenset("iy ih eh ey ae aa aw ay ah ao oy ow uh uw ux er ax ix axr ax-h".split())
FRICATIVES = frozenset("s sh z zh f th v dh".split())
NASALS = frozenset("m n ng em en eng nx".split())
LIQUIDS = frozenset("l r w y hh hv el".split())
CLOSURES = {
    "p": "pcl", "t": "tcl", "k": "kcl", "b": "bcl", "d": "dcl", "g": "gcl", "ch": "tcl",
    "jh": "dcl",
}  # fmt: skip
"""The closure of each release."""
LABELS = frozenset(
    {*VOWELS, *FRICATIVES, *NASALS, *LIQUIDS, *CLOSURES, *CLOSURES.values()}
    | set("dx q h# pau epi".split())
)
"""The 61 labels of TIMIT's phones."""


class Edge(NamedTuple):
    """A word edge."""


class Phone(NamedTuple):
    """One phone of one of these labels."""

    labels: frozenset[str]


class Stop(NamedTuple):
    """A stop or affricate that has one of these releases."""

    releases: tuple[str, ...]


class Choice(NamedTuple):
    """One of several sequences of items, the first that leads to a match."""

    ways: tuple[tuple, ...]


class Pattern(NamedTuple):
    """A pattern as it was written, without spaces, and its items."""

    text: str
    items: tuple


_OTHER_CONSONANTS = FRICATIVES | NASALS | LIQUIDS | {"dx"}
_VOICELESS, _VOICED, _AFFRICATES = Stop(("p", "t", "k")), Stop(("b", "d", "g")), Stop(("ch", "jh"))
_CLASSES = {
    "V": Phone(VOWELS),
    "T": _VOICELESS,
    "D": _VOICED,
    "A": _AFFRICATES,
    "F": Phone(FRICATIVES),
    "N": Phone(NASALS),
    "L": Phone(LIQUIDS),
    "C": Choice(((_VOICELESS,), (_VOICED,), (_AFFRICATES,), (Phone(_OTHER_CONSONANTS),))),
    ".": Phone(LABELS),
    "#": Edge(),
}  # fmt: skip


def parse(text: str) -> Pattern:
    """Reads a pattern in the notation of :data:`NOTATION`.

    Raises:
        InputError: It breaks the notation, or could match nothing at all; the message points at
            the place.
    """
    items, at = _sequence(text, 0, 0)
    if at < len(text):
        raise _refusal(text, at, "this ) closes nothing")
    if _may_be_empty(items):
        raise _refusal(text, 0, "a pattern needs a phone that may not be missing")
    return Pattern("".join(text.split()), items)


def _refusal(text, at, problem):
    return InputError(
        f"--pattern={text}: {problem}\n  {text}\n  {' ' * at}^\nfor example #TV, #(s)TV, V{{sh}}V, "
        "T#V; --help has the notation"
    )


def _sequence(text, at, depth):
    """The items from a place on to the closing parenthesis or the end, and where that is."""
    items = []
    while at < len(text) and text[at] != ")":
        start, letter = at, text[at]
        at += 1
        if letter == "(":
            optional, at = _sequence(text, at, depth + 1)
            if at == len(text):
                raise _refusal(text, start, "this ( is never closed")
            if not optional:
                raise _refusal(text, start, "nothing stands in these parentheses")
            at += 1
            items.append(Choice((optional, ())))
        elif letter == "{":
            end = text.find("}", at)
            if end < 0:
                problem = "this { is never closed: a comma begins another pattern; alternatives are"
                raise _refusal(text, start, f"{problem} {{t|p}}")
            items.append(_labels(text, at, end))
            at = end + 1
        elif letter in _CLASSES:
            if letter == "#" and items and items[-1] == Edge():
                raise _refusal(text, start, "a second # in a row")
            items.append(_CLASSES[letter])
        elif letter in CLOSURES:
            items.append(Stop((letter,)))
        elif letter in LABELS:
            items.append(Phone(frozenset(letter)))
        elif not letter.isspace():
            raise _refusal(text, start, f"{letter!r} is neither a class nor a phone of one letter")
    return tuple(items), at


def _labels(text, at, end):
    """The item of the labels that stand between braces."""
    labels = set()
    for label in text[at:end].split("|"):
        if label.strip() not in LABELS:
            problem = f"{label.strip()!r} is none of TIMIT's 61 labels"
            if label.strip() in _CLASSES:
                problem += "; a class stands without braces: #TV"
            raise _refusal(text, at, problem)
        labels.add(label.strip())
        at += len(label) + 1
    return Phone(frozenset(labels))


def _may_be_empty(items):
    """Whether the items can match without a phone."""
    return all(
        isinstance(item, Edge)
        or (isinstance(item, Choice) and any(_may_be_empty(way) for way in item.ways))
        for item in items
    )
