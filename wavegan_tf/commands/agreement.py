"""Compares the labels of several listeners, and joins them by the majority.

  python -m wavegan_tf agreement --labels=labels-anna.csv,labels-ben.csv --out_dir=agreed

The files are those that the page of listen saves, or any tables output,label. majority.csv has the
label that more listeners gave than any other, and none of a tie; identify --labels reads it.
"""

import os
from typing import Any

import pandas as pd
from absl import flags

from wavegan_tf.commands.flags import define_path
from wavegan_tf.errors import InputError

GROUPS = dict.fromkeys(("labels", "out_dir", "seed", "overwrite"), "Basics")
FLAGS = flags.FLAGS

ABOUT = (
    "Agreement: share of outputs that both listeners called the same; for all listeners, the mean "
    "of their pairs. Kappa and alpha: how far agreement is beyond chance, 1 at most, 0 for chance "
    "[interval over outputs]. p: chance that labels dealt out at random agree as much, after "
    "Holm's correction over the table; * is above chance. Again: one listener, for outputs that "
    "were heard twice."
)


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_list(
        "labels", None, "CSV tables with the columns output,label, one for each listener; "
            "separated by commas.",
        required=True,
    )  # fmt: skip
    define_path("out_dir", "agreement_out", "Directory for the results; created if missing.")
    flags.DEFINE_integer("seed", 0, "Seed of the resamples and permutations.", 0)
    flags.DEFINE_bool("overwrite", False, "Replace the results in an --out_dir that is not empty.")


def main() -> None:
    """Writes agreement.csv, confusions.csv, majority.csv and summary.md."""
    from wavegan_tf.output import files, text
    from wavegan_tf.output.directory import finish, output_directory
    from wavegan_tf.output.versions import run_record
    from wavegan_tf.stats import agreement
    from wavegan_tf.stats.resampling import StatisticsSettings

    labels, again = read_listeners(FLAGS.labels)
    if len(labels.columns) < 2 and not len(again.columns):
        raise InputError(
            f"--labels={','.join(FLAGS.labels)}: give the tables of two or more listeners, or of "
            "one listener who heard outputs twice (listen --repeat)"
        )
    settings = StatisticsSettings()
    tables = {
        "agreement": agreement.agreements(labels, again, FLAGS.seed, settings),
        "confusions": agreement.confusions(labels),
        "majority": agreement.majority(labels).dropna().rename_axis("output").reset_index(),
    }
    n, tied = len(labels), len(labels) - len(tables["majority"])
    voted = f"majority.csv: {n - tied} of {n} labelled outputs; {tied} are tied and left out."
    with output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        given = {name: FLAGS[name].value for name in GROUPS}
        files.write_json(f"{directory}/config.json", run_record("agreement", given))
        for name, each in tables.items():
            files.write_table(f"{directory}/{name}.csv", each)
        with open(f"{directory}/summary.md", "w", encoding="utf-8", newline="\n") as file:
            file.write(summary(labels, tables, voted))
    shown = cells(tables["agreement"])
    print(text.columns([list(shown.columns), *shown.to_numpy().tolist()]), voted, sep="\n")
    finish(FLAGS.out_dir, [])


def read_listeners(paths: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reads labels, and those of what was heard again; a column for each listener, by file name."""
    from wavegan_tf.experiments.properties import read_labels
    from wavegan_tf.paths import expand
    from wavegan_tf.stats.agreement import AGAIN, ALL

    labels: dict[str, pd.Series] = {}
    again: dict[str, pd.Series] = {}
    for path in map(expand, paths):
        name = os.path.splitext(os.path.basename(path))[0].removeprefix("labels-")
        if name in (*labels, ALL, AGAIN):
            raise InputError(f"--labels={path}: the name {name!r} is taken; rename the file")
        labels[name] = read_labels(path)
        twice = read_labels(path, column="again")
        if twice.notna().any():
            again[name] = twice
    joined = pd.DataFrame(labels).dropna(how="all")
    return joined, pd.DataFrame(again).reindex(joined.index)


def cells(table: pd.DataFrame) -> pd.DataFrame:
    """Makes a row for each pair of listeners, for all, and for each listener again, as texts."""
    from wavegan_tf.output import text
    from wavegan_tf.stats.agreement import AGREEMENT
    from wavegan_tf.stats.ranking import ABOVE_CHANCE

    rows = []
    for (first, second), here in table.groupby(["first", "second"], sort=False):
        by_name: dict[str, Any] = {str(row.statistic): row for row in here.itertuples()}
        share = by_name.pop(AGREEMENT)
        cell = text.with_interval(share.estimate, share.low, share.high, text.percent)
        for name, row in by_name.items():
            mark = " *" if row.verdict == ABOVE_CHANCE else ""
            found = text.with_interval(row.estimate, row.low, row.high, text.fixed)
            rows.append({
                "listeners": f"{first}, {second}" if second else first, "outputs": str(row.n),
                "agreement": cell, "coefficient": name.replace("_", " "),
                "estimate": found + mark, "p": text.p_value(row.p_holm),
            })  # fmt: skip
    return pd.DataFrame(rows)


def summary(labels: pd.DataFrame, tables: dict[str, pd.DataFrame], voted: str) -> str:
    """Writes the agreement, the majority, and what was confused with what, as Markdown."""
    from wavegan_tf.output import text

    parts = [f"# Do the listeners agree? {', '.join(labels.columns)}", ABOUT]
    parts += [text.table(cells(tables["agreement"]), ["outputs", "estimate", "p"]), voted]
    for (first, second), here in tables["confusions"].groupby(["first", "second"], sort=False):
        counts = here.pivot_table("n", "first_label", "second_label", fill_value=0)
        counts = counts.astype(int).astype(str).reset_index(names=f"{first} \\ {second}")
        parts += [f"## {first} (rows) and {second}", text.table(counts, list(counts.columns[1:]))]
    return "\n\n".join(parts) + "\n"
