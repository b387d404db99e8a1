"""Whether causes known by construction are found, seed by seed.

  python tests/planted_cause.py --seeds=20

For each seed: outputs of tests/planted.py, whose burst of noise z3 causes. z3 must be ranked first,
its share and its doses rise without a step back when it is set, and controls show nothing. Then a
burst that the product of z5 and z6 causes: the pair must be found to act together, and neither of
the two be claimed as a cause alone (ranked above chance and shown by generating) or as a main
effect. Ends with status 1 if a seed fails.
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import planted

from wavegan_tf.experiments.identify import Options, run
from wavegan_tf.stats.proof import RISES

OPTIONS = {
    "property": "frication", "top": 2, "controls": 2, "values": (-15.0, -5.0, 0.0, 5.0, 15.0),
    "proof_outputs": 12, "code_levels": (1.0, 2.0), "code_outputs": 0,
    "pair_values": (-3.0, 0.0, 3.0), "jobs": 1,
}  # fmt: skip


def identify(model, **options):
    """An identification of a planted model."""
    return run(model, Options(**{**OPTIONS, **options}))


def moving(result, role):
    """Latents of a role whose share changes: by its slope, or between mirrored values."""
    found = result.table("findings")
    return set(found.loc[found["moves"] & (found["role"] == role), "latent"])


def failures_of_one(result):
    """What is wrong where z3 is the cause."""
    first = result.table("ranking").iloc[0]
    if first["latent"] != "z3" or first["verdict"] != "above chance":
        yield f"{first['latent']} is first, {first['verdict']}"
    for row in result.table("trends").itertuples():
        rising = row.measure in ("share", "frication_ratio") and row.latent == "z3"
        if rising and (row.verdict != RISES or row.monotone < 1):
            yield f"z3, {row.measure}: {row.verdict}, monotone {row.monotone:.2f}"
    if moving(result, "control"):
        yield f"controls move: {moving(result, 'control')}"


def failures_of_two(result):
    """What is wrong where the product of z5 and z6 is the cause."""
    (row,) = result.table("interactions").to_dict("records")
    if row["verdict"] != "interact" or row["low"] <= 0:
        yield f"z5 * z6: {row['verdict']}, {row['estimate']:.2f}"
    for x, name in (("a", "z5"), ("b", "z6")):
        if row[f"main_{x}_low"] > 0 or row[f"main_{x}_high"] < 0:
            yield f"{name} alone: {row[f'main_{x}']:.2f}"
    ranking = result.table("ranking")
    above = set(ranking.loc[ranking["verdict"] == "above chance", "latent"])
    claimed = {"z5", "z6"} & above & moving(result, "top")
    if claimed:
        yield f"claimed alone: {sorted(claimed)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds, failed = parser.parse_args().seeds, 0
    for seed in range(seeds):
        one = identify(planted.model(seed=seed), seed=seed)
        two = identify(planted.model(("z5", "z6"), seed=seed), seed=seed, pairs="z5*z6")
        wrong = [*failures_of_one(one), *failures_of_two(two)]
        failed += bool(wrong)
        print(f"seed {seed}: {'; '.join(wrong) or 'as it should be'}", flush=True)
    print(f"{seeds - failed} of {seeds} seeds without a failure")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
