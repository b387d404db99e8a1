"""Whether causes known by construction are found, seed by seed.

  python tests/planted_cause.py --seeds=20

For each seed: outputs of tests/planted.py, whose burst of noise z3 causes. z3 must be ranked first,
its share and its doses rise without a step back when it is set, and controls show nothing. Then a
burst that the product of z5 and z6 causes: the pair must be found to act together, and neither of
the two be claimed as a cause alone (ranked above chance and shown by generating) or as a main
effect. That one of the two is ranked above chance is said, but is no failure: where the size of z6
matters, its sign goes with the property in a sample more often than that of a latent that does
nothing. Ends with status 1 if a seed fails.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import planted

from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.causes.identify import FALLS, RISES, IdentifySettings
from wavegan_tf.analysis.causes.properties import parse_property
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.latents import sample_latents
from wavegan_tf.probing import identifying
from wavegan_tf.report.identification import CHANGES
from wavegan_tf.report.tables import read_csv

PLAN = {"acoustic": AcousticSettings(), "annotation": AnnotationSettings()}
RECORD = {"command": "identify", "flags": {}, "versions": {}}
REQUEST = {
    "label": None, "top": 2, "controls": 2, "values": (-15.0, -5.0, 0.0, 5.0, 15.0),
    "proof_outputs": 12, "code_levels": (1.0, 2.0), "code_outputs": 0, "pairs": "",
    "pair_values": (-3.0, 0.0, 3.0), "settings": IdentifySettings(),
}  # fmt: skip


def identify(directory, opened, n, seed=0, wanted="frication", labels=None, jobs=1, **options):
    """An identification of an opened checkpoint."""
    wanted = None if wanted is None else parse_property(wanted)
    request = identifying.Request(
        **{**REQUEST, "wanted": wanted, "labels": labels, "seed": seed, **options}
    )
    latents = sample_latents(opened.config, n, seed)

    def silent(items, total, label):
        return items

    directory.mkdir(exist_ok=True)
    identifying.identify(directory, opened, latents, request, PLAN, RECORD, silent, jobs)


def table(directory, name):
    path = directory / f"{name}.csv"
    return read_csv(path) if path.is_file() else []


def moving(directory, role):
    """Latents of a role whose share changes: by its slope, or between mirrored values."""
    trends = [row for row in table(directory, "trends") if row["measure"] == "share"]
    return {
        row["latent"]
        for row in trends + table(directory, "contrasts")
        if row["role"] == role and row["verdict"] in (RISES, FALLS, CHANGES)
    }


def ranked(directory):
    """z5 and z6, as far as they are ranked above chance."""
    carrying = {r["latent"] for r in table(directory, "ranking") if r["verdict"] == "above chance"}
    return carrying & {"z5", "z6"}


def failures_of_one(directory):
    """What is wrong where z3 is the cause."""
    ranking, trends = table(directory, "ranking"), table(directory, "trends")
    if ranking[0]["latent"] != "z3" or ranking[0]["verdict"] != "above chance":
        yield f"{ranking[0]['latent']} is first, {ranking[0]['verdict']}"
    for row in trends:
        rising = row["measure"] in ("share", "frication_ratio") and row["latent"] == "z3"
        if rising and (row["verdict"] != RISES or row["monotone"] < 1):
            yield f"z3, {row['measure']}: {row['verdict']}, monotone {row['monotone']:.2f}"
    if moving(directory, "control"):
        yield f"controls move: {moving(directory, 'control')}"


def failures_of_two(directory):
    """What is wrong where the product of z5 and z6 is the cause."""
    (row,) = table(directory, "interactions")
    if row["verdict"] != "interact" or row["lower"] <= 0:
        yield f"z5 * z6: {row['verdict']}, {row['interaction']:.2f}"
    for x, name in (("a", "z5"), ("b", "z6")):
        if row[f"main_{x}_lower"] > 0 or row[f"main_{x}_upper"] < 0:
            yield f"{name} alone: {row[f'main_{x}']:.2f}"
    claimed = ranked(directory) & moving(directory, "top")
    if claimed:
        yield f"claimed alone: {sorted(claimed)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as directory:
            one, two = Path(directory) / "one", Path(directory) / "two"
            given = {"n": options.n, "seed": seed, "jobs": options.jobs}
            identify(one, planted.opened(seed=seed), **given)
            both = planted.opened(("z5", "z6"), seed=seed)
            identify(two, both, pairs="z5*z6", **given)
            wrong = [*failures_of_one(one), *failures_of_two(two)]
            alone = sorted(ranked(two))
            share = [sum(r["label"] == "1" for r in table(x, "labels")) for x in (one, two)]
        failed += bool(wrong)
        found = "; ".join(wrong) or "z3 found and shown; z5 * z6 found, neither alone"
        found += f" (ranked: {', '.join(alone)})" if alone else ""
        print(f"seed {seed} (with the property: {share}): {found}", flush=True)
    print(f"{options.seeds - failed} of {options.seeds} seeds without a failure")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
