"""The page: a table of the claims with their verdicts, then a block for each."""

import collections
import re

import pandas as pd

import wavegan_tf
from wavegan_tf.output import text
from wavegan_tf.paper.claims import CLAIMS
from wavegan_tf.paper.judges import (
    BY_CONSTRUCTION,
    NOT_SHOWN,
    NOT_TESTED,
    OTHER,
    SHOWN,
    Finding,
)

VERDICTS = (SHOWN, NOT_SHOWN, OTHER, BY_CONSTRUCTION, NOT_TESTED)
COMMAND = "python -m wavegan_tf reproduce --out_dir=paper_out"

HEAD = """# The paper on one page

This page puts the claims of Beguš & Zhou (2022, IEEE/ACM TASLP 30:3214-3229), and of the papers it
builds on, to the small demo models of this package. `{command}` made all of it, figures included
(version {version}; {models}). It does not say whether the papers are right about *their* models. It
says what the same questions, asked beside controls, answer for these: of {n} claims {counts}.

- **{shown}**: the tables of the run show the claim, beside its control where there is one.
- **{not_shown}**: they do not. That the claim is false is not said.
- **{other}**: they show the opposite, or that untrained networks or other variables do the same.
- **{by_construction}**: it holds for any network of this kind, trained or not.
- **{not_tested}**: no table of the run tests it.

Intervals are at 95 %, and speak of these networks and more outputs of them, not of another
training. Claims about digits ask the same question of another corpus. p is corrected within a run
(of Spearman's r it is not), and not over the claims
([how](statistics.md#tests-and-intervals)).
"""

TAIL = """## Not on this page

The deeper WaveGAN of nine layers (F0: r 0.85 at Conv9) and fiwGAN have no demo model; `recipes/`
trains them.
"""


def page(
    findings: dict[str, Finding], lines: dict[str, str], models: dict[str, str], drawn: set[str]
) -> str:
    """Writes the page as Markdown.

    Args:
        findings: By claim.
        lines: The command line of each run.
        models: What each model is, by the path that opens it.
        drawn: Claims with a figure, ``paper/NAME.png``.
    """
    rows, blocks = [], []
    for claim in CLAIMS:
        found = findings[claim.name]
        anchor = re.sub(r"[^\w -]", "", claim.title.lower()).replace(" ", "-")
        title = f"[{claim.title}](#{anchor})"
        rows.append((title, claim.says, claim.paper, f"**{found.verdict}**"))
        blocks += [
            f"## {claim.title}",
            f"{claim.says} ({claim.paper}) **{found.verdict.capitalize()}.**",
            f"- The paper: {claim.measured}.\n- Here: {found.ours}.\n- Control: {found.control}",
            *[f"`{lines[run]}`" for run in (claim.run,) if run],
            *[f"![{claim.title}](paper/{claim.name}.png)"] * (claim.name in drawn),
        ]
    table = text.table(pd.DataFrame(rows, columns=["claim", "what is claimed", "paper", "here"]))
    counts = collections.Counter(found.verdict for found in findings.values())
    head = HEAD.format(
        command=COMMAND, version=wavegan_tf.__version__,
        shown=SHOWN, not_shown=NOT_SHOWN, other=OTHER,
        by_construction=BY_CONSTRUCTION, not_tested=NOT_TESTED,
        models="; ".join(f"`{name}`, {about}" for name, about in models.items()),
        n=len(CLAIMS), counts=", ".join(f"{counts[x]} {x}" for x in VERDICTS),
    )  # fmt: skip
    first = [f"`{line}`" for line in lines.values() if " make_corpus " in line]
    corpus = f"The corpus that outputs are measured beside is made by {first[0]}." if first else ""
    return "\n\n".join(filter(None, [head.strip(), table, corpus, *blocks, TAIL]))
