"""How often the ranking of identify claims a latent variable that carries nothing.

  python tests/false_claims.py --seeds=200 [--cause=code|even|linear]

Draws 300 outputs of a one-hot code and z; one code alone raises the share that has the property,
from 5 to 60 %; or one z, or its distance from 0, raises it by one log-odds per standard deviation.
Counts the seeds in which the cause is found, and those in which another variable is said to carry
it, in either form: at most 5 %, the error of the whole table.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import binomtest

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.stats.ranking import ABOVE_CHANCE, RankingSettings, rank

SETTINGS = RankingSettings(n_permutations=399, n_resamples=100, n_selections=10)


def claims(seed, outputs=300, codes=10, z=90, settings=SETTINGS, cause="code"):
    """Whether the variable that carries the property is found, and whether any other is claimed."""
    rng = np.random.default_rng([seed, 77])
    code = rng.integers(codes, size=outputs)
    latents = np.hstack([np.eye(codes)[code], rng.uniform(-1, 1, (outputs, z))])
    share, carrier = np.where(code == 1, 0.6, 0.05), 1
    if cause != "code":
        carrier = codes + 2
        own = latents[:, carrier] if cause == "linear" else np.abs(latents[:, carrier])
        share = expit((own - own.mean()) / own.std())
    y = (rng.random(outputs) < share).astype(float)
    table = rank(pd.DataFrame(latents), y, "binary", seed, settings)
    found = set(table.loc[table["verdict"] == ABOVE_CHANCE, "latent"])
    return carrier in found, bool(found - {carrier})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--cause", default="code", choices=("code", "even", "linear"))
    given = parser.parse_args()
    seeds = given.seeds
    counts = np.sum([claims(seed, cause=given.cause) for seed in range(seeds)], axis=0)
    for what, count in zip((f"the {given.cause} cause", "any other variable"), counts, strict=True):
        ends = binomtest(int(count), seeds).proportion_ci(0.95)
        print(f"{what}: {count / seeds:.1%} of {seeds} seeds [{ends.low:.1%}, {ends.high:.1%}]")


if __name__ == "__main__":
    main()
