"""What is said of listeners whose agreement, and of words whose codes, are known by construction.

  python tests/planted_ears.py --seeds=20

``kappa``: two listeners hear the true label with a chance of 0.9 each and guess by the same shares
otherwise, so that their kappa is 0.81; a seed is wrong if its interval misses it. ``three``: the
same of three listeners and Fleiss' kappa and alpha. ``guesses``: three listeners who guess; wrong
is a verdict above chance of any of their coefficients. ``words``: five codes, four of them with a
word that comes more often than in others, in shares that are known (the fifth has none); wrong is a
code without its word, or a word of which a code has no more than the others. ``no words``: words
that do not depend on the code; wrong is a sentence that they do. Of chance five times as many seeds
are drawn. Ends with status 1 if more than 5 % of the seeds of a kind are wrong, of chance by more
than twice the error of that share.
"""

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from wavegan_tf.experiments.identify import NAME, Options, word_sentences
from wavegan_tf.experiments.result import Result
from wavegan_tf.stats import agreement, factorial

KINDS = ("kappa", "three", "guesses", "words", "no words")
CHANCE = ("guesses", "no words")
LABELS, SHARES = np.array(["pala", "papala", "other"]), (0.5, 0.35, 0.15)
WORDS = np.array(["oily", "rag", "suit"])
BY_CODE = {
    "c1": (0.85, 0.05, 0.10), "c2": (0.01, 0.98, 0.01), "c3": (0.10, 0.20, 0.70),
    "c4": (0.80, 0.10, 0.10), "c5": (0.37, 0.33, 0.30),
}  # fmt: skip
MAIN = {("c1", "oily"), ("c2", "rag"), ("c3", "suit"), ("c4", "oily")}
HEARD = 0.9  # chance that a listener hears the true label; kappa is its square
N_OUTPUTS, N_OF_CODE = 150, 100


def listeners(seed, names, heard):
    """Labels of listeners who hear the truth with a chance, and guess by its shares otherwise."""
    rng = np.random.default_rng([seed, 0])
    truth = rng.choice(LABELS, N_OUTPUTS, p=SHARES)
    columns = {}
    for name in names:
        guessed = rng.choice(LABELS, N_OUTPUTS, p=SHARES)
        columns[name] = np.where(rng.random(N_OUTPUTS) < heard, truth, guessed)
    return pd.DataFrame(columns, dtype=object)


def words(seed, depends):
    """Outputs of five codes with their words, as experiments.stages.label_codes gives them."""
    rng = np.random.default_rng([seed, 1])
    rows = []
    for code, shares in BY_CODE.items():
        shares = shares if depends else BY_CODE["c5"]
        heard = rng.choice(WORDS, N_OF_CODE, p=shares)
        rows += [{"code": code, "value": 1.0, "label": word} for word in heard]
    return pd.DataFrame(rows)


def identified(coded, seed):
    """What identify makes of labels by hand."""
    options = Options(labels="made.csv")
    found = factorial.code_words(coded, seed, options)
    return Result(NAME, {}, dict(zip(("code_words", "word_model"), found, strict=True)))


def wrong(kind, seed):
    """What is wrong, one by one."""
    if kind in ("kappa", "three", "guesses"):
        heard = 0 if kind == "guesses" else HEARD
        labels = listeners(seed, ("anna", "ben", "cleo")[: 2 if kind == "kappa" else 3], heard)
        table = agreement.agreements(labels, pd.DataFrame(), seed, Options())
        table = table[table["statistic"] != agreement.AGREEMENT]
        if kind == "guesses":
            yield from table.loc[table["verdict"] == "above chance", "statistic"]
            return
        row = table[table["first"] == ("anna" if kind == "kappa" else agreement.ALL)].iloc[0]
        if not row["low"] <= HEARD**2 <= row["high"] or row["verdict"] != "above chance":
            yield f"kappa {row['estimate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        return
    result = identified(words(seed, kind == "words"), seed)
    said = word_sentences(result)
    if kind == "no words":
        yield from [x for x in said if x.startswith("Code ") or " depends on" in x]
        return
    table = result.table("code_words")
    shown = table[table["verdict"] == factorial.MORE]
    found = set(zip(shown["code"], shown["label"], strict=True))
    truth = pd.DataFrame(BY_CODE, index=WORDS)
    more = {
        (code, word) for code in truth for word in WORDS
        if truth.loc[word, code] > truth.loc[word].drop(code).mean()
    }  # fmt: skip
    yield from (f"missed {each}" for each in MAIN - found)
    yield from (f"claimed {each}" for each in found - more)
    if " depends on the code" not in said[0]:
        yield said[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    given, failed = parser.parse_args(), False
    print(*word_sentences(identified(words(0, True), 0)), sep="\n")
    for kind in KINDS:
        n = given.seeds * (5 if kind in CHANCE else 1)
        bad = {seed: found for seed in range(n) if (found := list(wrong(kind, seed)))}
        print(
            f"{kind}: {len(bad)} of {n} seeds wrong", bad if kind not in CHANCE else "", flush=True
        )
        error = 2 * math.sqrt(0.05 * 0.95 / n) if kind in CHANCE else 0
        failed |= len(bad) > (0.05 + error) * n
    sys.exit(failed)


if __name__ == "__main__":
    main()
