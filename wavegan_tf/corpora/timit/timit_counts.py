"""How many tokens were cut from TIMIT, and how many the papers cut.

Papers: G. Beguš, Frontiers in AI 3:44, 2020 (patterns); Neural Networks 139, 2021 (words).
"""

import re
from collections import Counter

from wavegan_tf.corpora.timit.matching import NEAR_MISSES
from wavegan_tf.corpora.timit.planning import PROBLEM_COLUMNS, SA, TOO_LONG, UNUSABLE, Plan, Wanted
from wavegan_tf.corpora.timit.timit_tree import NUM_SENTENCES
from wavegan_tf.errors import InputError

PAPER_PATTERNS = {"#TV": 4930, "#sTV": 533}
"""Tokens that the paper cut from TIMIT, by pattern."""
PAPER_WORDS = {
    "ask": 633, "carry": 632, "dark": 644, "greasy": 630, "like": 697, "oily": 638, "rag": 638,
    "suit": 630, "water": 649, "year": 650,
}  # fmt: skip
"""Tokens of the papers' words."""
WORD_SETS = {
    "paper5": tuple("oily rag suit water year".split()),
    "paper8": tuple("ask carry dark greasy like suit water year".split()),
    "paper10": tuple(PAPER_WORDS),
    "paper_all": None,
}
"""The papers' sets of words; None stands for all of TIMIT."""
PAPER_ALL = "54378 tokens of 6229 words"
"""All of TIMIT, as the paper counts it."""

_LIKE_A_SET = re.compile(r"paper[ _-]*(\d+|all)|paper_.*")


def check_no_set(words: list[str], text: str) -> None:
    """Refuses words of which one seems to name a set of the papers'; ``paper`` itself is a word.

    Args:
        words: In lower case.
        text: The flag that gave them, ``--words=water,paper5``.

    Raises:
        InputError: One is ``paper`` with a number, ``all`` or a ``_`` behind it.
    """
    for word in words:
        if _LIKE_A_SET.fullmatch(word):
            sets = ", ".join(WORD_SETS)
            raise InputError(f"{text}: {word} is no word; the papers' sets, each alone, are {sets}")


def count_rows(plan: Plan, by_pattern: bool) -> tuple[list[str], list[dict]]:
    """The columns and rows of counts.csv; see ``Plan.counts``.

    ``paper`` and ``difference`` are NaN where no paper has a count, and where not all of TIMIT's
    sentences are used, so that counts cannot be compared.
    """
    reasons = list(NEAR_MISSES) if by_pattern else []
    paper = PAPER_PATTERNS if by_pattern else PAPER_WORDS
    paper = paper if _is_whole(plan) else {}
    columns = ["pattern" if by_pattern else "word"]
    columns += ["tokens", "sa_tokens", "paper", "difference", TOO_LONG, SA, UNUSABLE, *reasons]
    rows = []
    for kind, counts in plan.counts.items():
        expected = paper.get(kind, float("nan"))
        compared = {"paper": expected, "difference": counts["tokens"] - expected}
        rows.append({name: counts[name] for name in columns[1:]} | {columns[0]: kind} | compared)
    return columns, rows


def _is_whole(plan):
    """Whether all of TIMIT is used."""
    return plan.num_sentences >= NUM_SENTENCES


def counts_text(plan: Plan, wanted: Wanted, most: int = 20) -> str:
    """The counts as a table to print, of the first ``most`` rows and the sum of all."""
    columns, rows = count_rows(plan, bool(wanted.patterns))
    total = {name: sum(row[name] for row in rows) for name in columns[1:]}
    shown = [*rows[:most], {columns[0]: f"all {len(rows)}"} | total]
    cells = [columns]
    cells += [["" if row[n] != row[n] else str(row[n]) for n in columns] for row in shown]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in cells
    ]
    if len(rows) > most:
        lines.insert(most + 1, f".. and {len(rows) - most} more")
    if not _is_whole(plan):
        lines.append(
            f"{plan.num_sentences} of TIMIT's {NUM_SENTENCES} sentences used: not comparable with "
            "the paper's counts"
        )
    elif wanted == Wanted(max_len=wanted.max_len):
        lines.append(f"the paper: {PAPER_ALL}")
    return "\n".join(lines)


def complaints(wanted: Wanted, plan: Plan, problems: list[dict]) -> list[str]:
    """What could not be done, in words: each kind of problem, and what was not found."""
    said = [f"{kind}, all in problems.csv; {examples}" for kind, examples in _by_kind(problems)]
    missing = [kind for kind, counts in plan.counts.items() if not counts["tokens"]]
    if missing and (wanted.patterns or wanted.words):
        said.append(f"no token of {', '.join(missing)}; counts.csv says what was left out")
    return said


def nothing_written(flag: str, wanted: Wanted, plan: Plan, problems: list[dict]) -> str:
    """Why there is no clip at all, the way out, and the counts.

    Args:
        flag: What was asked for, ``--words=zebra``.
        wanted: The same.
        plan: What came of it.
        problems: What could not be used, rows of ``PROBLEM_COLUMNS``.

    Returns:
        Lines of text.
    """
    totals = sum(plan.counts.values(), Counter())
    ways = {
        TOO_LONG: "too long: add --allow_longer, or raise --slice_len",
        SA: "in SA sentences: leave out --nosa",
        UNUSABLE: "in recordings that cannot be used",
    }
    lost = [f"{totals[reason]} {way}" for reason, way in ways.items() if totals[reason]]
    if lost:
        way = f"tokens lost: {'; '.join(lost)}"
    elif not plan.num_sentences:
        way = "put the files right, or leave out what keeps sentences from being used"
    elif wanted.patterns:
        way = "--help has the notation, and what the near misses below are"
    elif wanted.words:
        way = "write words as TIMIT's .WRD do; --words=paper_all --allow_longer cuts every word"
    else:
        way = "lower --min_tokens"
    number = f"{plan.num_sentences} sentence{'' if plan.num_sentences == 1 else 's'}"
    said = [f"{flag}: no token to write in the {number} used; {way}"]
    said += [f"{kind}; {examples}" for kind, examples in _by_kind(problems)]
    return "\n".join([*said, counts_text(plan, wanted)] if plan.counts else said)


def _by_kind(problems):
    """Of each kind of problem its name with the number of them, and the first ones."""
    kinds = {}
    for kind, file, detail in ([row[name] for name in PROBLEM_COLUMNS] for row in problems):
        kinds.setdefault(kind, []).append(f"{file}: {detail}")
    return [(f"{kind}: {len(found)}", " | ".join(found[:3])) for kind, found in kinds.items()]
