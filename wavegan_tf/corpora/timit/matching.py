"""Where a sentence matches a pattern of phones, and where it nearly does. Plain Python."""

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from wavegan_tf.corpora.timit.patterns import CLOSURES, Choice, Edge, Pattern, Phone, Stop

NEAR_MISSES = {
    "other_closure": "the closure before the release is that of another stop",
    "no_closure": "the stop has no closure in its word, as after a pause",
    "no_release": "the stop has no release",
    "inserted": "q, epi or pau stands between two phones",
    "word_edge": "the phones are not of one word",
}
"""What may keep a stretch from being a match: each alone, in the order in which it is tried."""
INSERTED = frozenset(("q", "epi", "pau"))

OUTSIDE = -1  # the "word" of phones that are of none


class Match(NamedTuple):
    """The phones ``first`` .. ``last`` (indices, both included) and the words they are of."""

    first: int
    last: int
    words: tuple[int, ...]


def matches(
    pattern: Pattern, labels: Sequence[str], owners: Sequence[tuple[int, ...]]
) -> list[Match]:
    """Finds a pattern in a sentence.

    Args:
        pattern: What to find.
        labels: Of the sentence's phones, in order.
        owners: Of each phone the words that it is of, by number; empty for a phone of none.

    Returns:
        The matches in order of their first phones, at most one for each.
    """
    return _Finder(labels, owners).find(_expanded(pattern.items, None))


def near_misses(
    pattern: Pattern,
    labels: Sequence[str],
    owners: Sequence[tuple[int, ...]],
    found: Sequence[Match],
) -> list[tuple[str, Match]]:
    """Finds what is no match for one reason alone, one of :data:`NEAR_MISSES`.

    Args:
        pattern: As in :func:`matches`.
        labels: As there.
        owners: As there.
        found: What that gave. A stretch that lies in a match or holds one is no near miss.

    Returns:
        Reasons and stretches, in order of reasons and of phones; each has the first that holds.
    """
    near, known = [], list(found)
    for reason in NEAR_MISSES:
        finder = _Finder(labels, owners, reason == "inserted", reason == "word_edge")
        for match in finder.find(_expanded(pattern.items, reason)):
            if not any(_one_holds_the_other(match, other) for other in known):
                near.append((reason, match))
                known.append(match)
    return near


def _one_holds_the_other(one, other):
    wider = (min(one.first, other.first), max(one.last, other.last))
    return wider in ((one.first, one.last), (other.first, other.last))


@functools.lru_cache(maxsize=256)
def _expanded(items, reason):
    """The items with stops made sequences of phones; of those that miss something too."""
    expanded = []
    for item in items:
        if isinstance(item, Stop):
            whole = [_phones({CLOSURES[each]}, {each}) for each in item.releases]
            less = [_lesser_stop(each, reason) for each in item.releases]
            item = Choice((*whole, *filter(None, less)))
        elif isinstance(item, Choice):
            item = Choice(tuple(_expanded(way, reason) for way in item.ways))
        expanded.append(item)
    return tuple(expanded)


def _lesser_stop(release, reason):
    """A stop with what a near miss of that reason has instead."""
    closure = CLOSURES[release]
    if reason == "other_closure":
        return _phones(set(CLOSURES.values()) - {closure}, {release})
    if reason == "no_closure":
        return _phones({release})
    if reason == "no_release":
        return _phones({closure})
    return None


def _phones(*alternatives):
    return tuple(Phone(frozenset(labels)) for labels in alternatives)


@functools.lru_cache(maxsize=256)
def _first_labels(items):
    """The labels that a match of expanded items may begin with."""
    labels = frozenset()
    for i, item in enumerate(items):
        if isinstance(item, Phone):
            return labels | item.labels
        if isinstance(item, Choice):
            rest = items[i + 1 :]
            return labels.union(*(_first_labels(way + rest) for way in item.ways))
    return labels


class _Finder:
    """Finds expanded items in a sentence.

    Args:
        labels: As in :func:`matches`.
        owners: As there.
        inserted: Whether :data:`INSERTED` may stand between two phones.
        any_word: Whether the phones may be of different words.
    """

    def __init__(self, labels, owners, inserted=False, any_word=False):
        self.labels = labels
        self.owners = [words or (OUTSIDE,) for words in owners]
        self.inserted, self.any_word = inserted, any_word
        self.first, self.last = {}, {}  # of each word
        for i, words in enumerate(owners):
            for word in words:
                self.first.setdefault(word, i)
                self.last[word] = i

    def find(self, items):
        """The matches of expanded items."""
        begin, found = _first_labels(items), []
        for start, label in enumerate(self.labels):
            if label in begin:
                way = next(self._ways(items, start, start, None, False, ()), None)
                if way is not None:
                    end, words = way
                    found.append(Match(start, end - 1, words))
        return found

    def _ways(self, items, start, i, word, opening, words) -> Iterator[tuple[int, tuple[int, ...]]]:
        """How items match from phone ``i`` on: phone after the last, and the words on the way.

        Args:
            items: What is left of the pattern.
            start: The phone that the match begins with.
            i: The phone at hand.
            word: The word that the phone must be of; None for any.
            opening: Whether its word must begin with it.
            words: Those on the way so far.
        """
        if not items:
            yield i, words
            return
        item, rest = items[0], items[1:]
        if isinstance(item, Choice):
            for way in item.ways:
                yield from self._ways(way + rest, start, i, word, opening, words)
        elif isinstance(item, Edge):
            left = self.owners[i - 1] if word is None else (word,)
            closed = i > start and any(self.last.get(each) == i - 1 for each in left)
            if closed:
                yield from self._ways(rest, start, i, None, False, words)
            elif rest:
                yield from self._ways(rest, start, i, None, True, words)
        elif i < len(self.labels):
            if self.labels[i] in item.labels:
                for owner in self._entered(i, word, opening):
                    new = owner != OUTSIDE and owner not in words
                    on_way = (*words, owner) if new else words
                    yield from self._ways(rest, start, i + 1, owner, False, on_way)
            if self.inserted and i > start and self.labels[i] in INSERTED:
                yield from self._ways(items, start, i + 1, word, opening, words)

    def _entered(self, i, word, opening):
        """The words that phone ``i`` may count as being of."""
        for owner in self.owners[i]:
            if opening and self.first.get(owner) != i:
                continue
            if word is None or self.any_word or owner == word:
                yield owner
