"""What probe and interpolate say of Generators whose faults and causes are known, seed by seed.

  python tests/planted_voice.py --seeds=20

For each seed outputs of tests/planted.py: a voice of many heights (``speaks``), one at a stride of
the network (``stride``), one sound for all (``same``); and the first with its layers 16 times as
large, of which everything has to be the same (``loud``). Wrong is a verdict on a network that does
not speak, none on one that does, or a table that depends on the scale. Then z3 is moved, which
causes a burst, and z40, which causes nothing (``moves``): wrong is where nothing is said to change
more than controls with z3 (z1 and z2, which cause F0 and level, may be among these), and where
anything is said to change more than controls with z40 in over 1 of 21 measures. Ends with status 1
if a seed is wrong.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import planted

from wavegan_tf.experiments import interpolate, probe

PROBED = {"n": 10, "controls": 3, "layers": "conv3,conv4", "max_figures": 0, "jobs": 1}
MOVED = {"n": 6, "controls": 20, "layers": "out", "reference_outputs": 0, "jobs": 1}
MORE = "changes, more than controls"


def probed(seed, **planting):
    """A probe of a planted model."""
    return probe.run(planted.model(seed=seed, **planting), probe.Options(seed=seed, **PROBED))


def moved(seed, name):
    """Measures that change more than controls when a variable is moved, and all that are judged."""
    options = interpolate.Options(seed=seed, vary=(f"{name}=-5,0,5",), **MOVED)
    effects = interpolate.run(planted.model(seed=seed), options).table("effects")
    judged = effects[effects["verdict"] != "too few"]
    return set(judged.loc[judged["verdict"] == MORE, "measure"]), len(judged)


def wrong(seed):
    """What is wrong, one by one."""
    speaks = probed(seed)
    if (speaks.table("health")["verdict"] == "failed").any():
        yield f"speaks: {probe.sentences(speaks)}"
    for voice in ("stride", "same"):
        said = probe.sentences(probed(seed, voice=voice))
        if not all(line.startswith("No verdicts") for line in said):
            yield f"{voice}: {said}"
    loud = probed(seed, gain=16)
    for name in ("correlations", "durations"):
        one, two = (x.table(name).select_dtypes("number").to_numpy() for x in (speaks, loud))
        if not np.allclose(one, two, rtol=0, atol=0, equal_nan=True):
            yield f"loud: {name} differ by {np.nanmax(np.abs(one - two)):.2g}"
    if probe.sentences(loud) != probe.sentences(speaks):
        yield "loud: other sentences"
    found, _ = moved(seed, "z3")
    if not found:
        yield f"moves: z3 {found}"
    found, judged = moved(seed, "z40")
    if len(found) > max(1, judged / 21):
        yield f"moves: z40 {found} of {judged}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds, failed = parser.parse_args().seeds, 0
    for voice in ("drawn", "stride", "same"):
        print(f"{voice}:", *probe.sentences(probed(0, voice=voice)), sep="\n  ")
    for seed in range(seeds):
        found = list(wrong(seed))
        failed += bool(found)
        print(f"seed {seed}: {'; '.join(found) or 'as it should be'}", flush=True)
    print(f"{seeds - failed} of {seeds} seeds without a wrong sentence")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
