"""How often the ranking of identify claims a latent variable that carries nothing.

  python tests/false_claims.py --seeds=200
  python tests/false_claims.py --seeds=200 --carried=0.1 --outputs=1000

Draws outputs of a one-hot code and z; one code alone raises the share that has the property, from
--share to --carried. Counts the seeds in which another variable is said to carry it: at most 5 %,
the error of the whole table.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.stats.ranking import ABOVE_CHANCE, RankingSettings, rank

SETTINGS = RankingSettings(n_permutations=399, n_resamples=100, n_selections=10)


def claims(seed, outputs=300, codes=10, z=90, share=0.05, carried=0.6, settings=SETTINGS):
    """Whether the code that carries the property is found, and which others are claimed."""
    rng = np.random.default_rng([seed, 77])
    code = rng.integers(codes, size=outputs)
    latents = np.hstack([np.eye(codes)[code], rng.uniform(-1, 1, (outputs, z))])
    y = (rng.random(outputs) < np.where(code == 1, carried, share)).astype(float)
    names = [f"c{k + 1}" for k in range(codes)] + [f"z{codes + k + 1}" for k in range(z)]
    table = rank(pd.DataFrame(latents, columns=names), y, "binary", seed, settings)
    found = list(table.loc[table["verdict"] == ABOVE_CHANCE, "latent"])
    return "c2" in found, [name for name in found if name != "c2"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--outputs", type=int, default=300)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--carried", type=float, default=0.6)
    options = parser.parse_args()
    given = {"outputs": options.outputs, "share": options.share, "carried": options.carried}
    found, wrong = 0, 0
    for seed in range(options.seeds):
        right, others = claims(seed, **given)
        found, wrong = found + right, wrong + bool(others)
        if others:
            print(f"seed {seed}: {' '.join(others)}", flush=True)
    for what, count in (("the code that carries it", found), ("any other variable", wrong)):
        ends = binomtest(count, options.seeds).proportion_ci(0.95)
        print(
            f"{what}: {count} of {options.seeds} seeds, {count / options.seeds:.1%} "
            f"[{ends.low:.1%}, {ends.high:.1%}]"
        )


if __name__ == "__main__":
    main()
