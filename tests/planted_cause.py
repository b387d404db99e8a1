"""What identify says of causes known by construction, seed by seed.

  python tests/planted_cause.py --seeds=20

For each seed outputs of tests/planted.py, whose burst of noise follows z3 (``monotone``), its
distance from 0 (``even``), that beyond 3 alone (``outside``, found by the screen), the product of
z5 and z6 (``product``), or nothing (``none``). Wrong is a sentence that calls another latent a
cause or says that it moves the burst, calls an outside-only latent a cause, or a V rising or
falling; of the product, that one of the two acts alone inside training (at -15 and 15 either one
makes a burst in the half of the base vectors in which the other has its sign, and that may be
said). A cause that is not found is missed. For
each kind the sentences of the first seed are printed, and how many seeds have a wrong sentence or
miss the cause. Ends with status 1 if a seed has a wrong sentence or misses one.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import planted

from wavegan_tf.experiments.identify import Options, run, sentences
from wavegan_tf.stats.proof import CAUSE, FALLS, INSIDE, OUTSIDE, RISES

OPTIONS = {
    "property": "frication", "n": 400, "top": 2, "controls": 2, "proof_outputs": 20,
    "values": (-15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0), "code_levels": (1.0, 2.0),
    "code_outputs": 0, "pair_values": (-3.0, 0.0, 3.0), "screen_outputs": 2, "jobs": 1,
}  # fmt: skip
KINDS = ("monotone", "even", "outside", "none", "product")


def identify(model, **options):
    """An identification of a planted model."""
    return run(model, Options(**{**OPTIONS, **options}))


def of_kind(kind, seed, **options):
    """An identification of a planted model of a kind."""
    if kind == "product":
        model = planted.model(("z5", "z6"), seed=seed)
        return identify(model, seed=seed, pairs="z5*z6", **options)
    return identify(planted.model(seed=seed, shape=kind), seed=seed, **options)


def said_to_move(result):
    """Latents that a sentence says something of, with its verdict."""
    found = result.table("findings").set_index("latent")["verdict"]
    return found[found.isin((CAUSE, INSIDE, OUTSIDE))].to_dict()


def wrong(result, kind):
    """Sentences and marks that are wrong, one by one."""
    said, trends = said_to_move(result), result.table("trends")
    right = {"monotone": {"z3": CAUSE}, "even": {"z3": CAUSE}, "outside": {"z3": OUTSIDE}}
    right["product"] = {"z5": OUTSIDE, "z6": OUTSIDE}
    for latent, verdict in said.items():
        if verdict != right.get(kind, {}).get(latent):
            yield f"{latent}: {verdict}"
    shares = trends[trends["measure"] == "share"].set_index("latent")["verdict"]
    for latent, trend in shares.items():
        if trend in (RISES, FALLS) and (kind, latent, trend) != ("monotone", "z3", RISES):
            yield f"{latent} {trend}"
    if kind == "product":
        row = result.table("interactions").iloc[0]
        for x, name in (("a", "z5"), ("b", "z6")):
            if row[f"main_{x}_low"] > 0 or row[f"main_{x}_high"] < 0:
                yield f"{name} alone: {row[f'main_{x}']:.2f}"


def missed(result, kind):
    """What is true and was not found."""
    if kind == "product":
        row = result.table("interactions").iloc[0]
        if row["verdict"] != "interact" or row["low"] <= 0:
            yield f"z5 * z6: {row['verdict']}, {row['estimate']:.2f}"
        return
    if kind == "none":
        return
    if said_to_move(result).get("z3") != (OUTSIDE if kind == "outside" else CAUSE):
        yield "z3"
    if kind == "outside":
        return
    first, form = result.table("ranking").iloc[0], "even" if kind == "even" else "linear"
    if (first["latent"], first["form"], first["verdict"]) != ("z3", form, "above chance"):
        yield f"{first['latent']} is first, {first['form']}, {first['verdict']}"
    for row in result.table("trends").itertuples():
        rising = kind == "monotone" and row.measure in ("share", "frication_ratio")
        if rising and row.latent == "z3" and (row.verdict != RISES or row.monotone < 1):
            yield f"z3, {row.measure}: {row.verdict}, monotone {row.monotone:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    given, failed = parser.parse_args(), 0
    for kind in given.kinds:
        n_wrong = n_missed = 0
        for seed in range(given.seeds):
            result = of_kind(kind, seed)
            if seed == 0:
                print(f"{kind}:", *sentences(result), sep="\n  ")
            false, absent = list(wrong(result, kind)), list(missed(result, kind))
            n_wrong, n_missed = n_wrong + bool(false), n_missed + bool(absent)
            if false or absent:
                print(f"  seed {seed}: wrong {false}, missed {absent}", flush=True)
        failed += n_wrong + n_missed
        print(f"{kind}: {n_wrong} of {given.seeds} seeds wrong, {n_missed} missed", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
