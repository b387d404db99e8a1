"""What every table and column of a run means: the data dictionary of each run, and docs/outputs.md.

  python -m wavegan_tf.output.codebook docs/outputs.md

fills the marked places of the page from codebook.csv, which is where meanings are written. In it an
empty experiment stands for all, an empty table for any; an empty column says what a row is. A
column with a number in its name, such as z57, has the meaning of the one with the number 1.
"""

import functools
import re
import sys
from pathlib import Path

import pandas as pd

FILE = Path(__file__).with_name("codebook.csv")

ENDS = {
    "low": "lower end of the interval of `{}`",
    "high": "upper end of the interval of `{}`",
    "p_holm": "p of the test of `{}`, after Holm's correction",
    "p": "p of the test of `{}`",
    "n": "number of values that `{}` rests on",
}
"""Columns that belong to another and need no meaning of their own: ``slope_low`` and so on."""

ALL, SEVERAL = "all", "several"
"""Marks of a page that are no experiment: columns of all tables, tables of several experiments."""


@functools.cache
def read_book() -> dict[tuple[str, str, str], str]:
    """Reads the meanings, by experiment, table and column."""
    rows = pd.read_csv(FILE, dtype=str, keep_default_na=False)
    keys = zip(rows["experiment"], rows["table"], rows["column"], strict=True)
    return dict(zip(keys, rows["meaning"], strict=True))


def find(kind: str, table: str, column: str) -> str:
    """Finds the meaning of a column, or with an empty one what a row of the table is.

    What is said of the experiment and table goes before what is said of any. The tables of
    ``checkpoints`` are those of ``probe`` too. Nothing is found for what has no meaning.
    """
    book, kinds = read_book(), [kind, *["probe"] * (kind == "checkpoints"), ""]
    for own in dict.fromkeys([table, ""] if column else [table]):
        for name in (column, re.sub(r"\d+$", "1", column)):
            for each in kinds:
                if (each, own, name) in book:
                    return book[each, own, name]
    for end, meaning in ENDS.items():
        stem = column.removesuffix(f"_{end}")
        if stem != column and find(kind, table, stem):
            return meaning.format(stem)
    return ""


def columns(kind: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Makes the data dictionary of a run from its tables by name, in order of names.

    Returns:
        ``table``, ``column`` and ``meaning``: a row for each column in the order of the table;
        before these one with an empty column, which says what a row of the table is.
    """
    named = [(name, column) for name in sorted(tables) for column in ("", *tables[name])]
    rows = [(name, column, find(kind, name, str(column))) for name, column in named]
    return pd.DataFrame(rows, columns=["table", "column", "meaning"])


def fill(page: str) -> str:
    """Fills the places of a page between ``<!-- codebook: probe -->`` and ``<!-- end -->``."""
    mark = re.compile(r"(<!-- codebook: (\w+) -->\n).*?(?=<!-- end -->)", re.DOTALL)
    return mark.sub(lambda found: f"{found[1]}\n{_section(found[2])}\n\n", page)


def _section(kind: str) -> str:
    """Writes the tables of an experiment, after the columns that several of them have."""
    own = "" if kind in (ALL, SEVERAL) else kind
    tables = dict.fromkeys(table for each, table, _ in read_book() if each == own)
    parts = []
    for table in tables:
        if (kind == ALL and table) or (kind == SEVERAL and not table):
            continue
        rows = {key[2]: text for key, text in read_book().items() if key[:2] == (own, table)}
        sentence = rows.pop("", "")
        if table:
            parts += [f"### `{table}`", f"{sentence[:1].upper()}{sentence[1:]}."]
        elif own:
            parts += ["Several of these tables have these columns:"]
        listed = [f"| `{name}` | {text} |" for name, text in rows.items()]
        parts += ["\n".join(["| column | meaning |", "|---|---|", *listed])] * bool(listed)
    return "\n\n".join(parts)


if __name__ == "__main__":
    for given in sys.argv[1:]:
        path = Path(given)
        path.write_text(fill(path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
