"""How often an untrained network is said to encode something.

  python tests/false_alarms.py --ckpt=train/digits --networks=21

Takes networks with random weights of a checkpoint's architecture as models, each with all others as
its controls, and counts verdicts: at most 5 % of the rows judged may be told from their controls.
Whether such outputs would be judged at all (they hardly speak) is counted beside it.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from wavegan_tf.experiments.listen import listen, make_network, make_plan, take_outputs
from wavegan_tf.experiments.probe import Options
from wavegan_tf.latents import plain
from wavegan_tf.model import load
from wavegan_tf.processes import num_processes
from wavegan_tf.speech.measure import near_stride
from wavegan_tf.speech.outputs import gather, measure_outputs
from wavegan_tf.stats.correlate import correlate, describe_control
from wavegan_tf.stats.health import FAILED, check_outputs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ckpt")
    parser.add_argument("--networks", type=int, default=21)
    parser.add_argument("--n", type=int, default=25)
    flags = parser.parse_args()
    model, options = load(flags.ckpt), Options(n=flags.n)
    inputs, tables, described, fails = plain(model.sample(flags.n)), {}, [], 0
    limits = listen(model, plain(model.sample(1)), options).settings["limits"]
    left_out = {layer: known["forbidden"] for layer, known in limits.items()}
    for k in range(1, flags.networks + 1):
        network = make_network(model, inputs, options, control=k)
        plan = make_plan(model, network.layers, network.target, options)
        taken = list(take_outputs(network, inputs, range(flags.n)))
        measured = measure_outputs((x.output for x in taken), plan, num_processes(None))
        tables[k], _ = gather(measured, plan)
        described.append(describe_control(k, tables[k]["points"], tables[k]["intervals"], "out"))
        out = np.stack([x.series["out"] for x in taken])
        health = check_outputs(
            tables[k]["points"],
            tables[k]["outputs"],
            out,
            "out",
            partial(near_stride, strides_hz=plan.strides_hz),
        )
        fails += bool((health["verdict"] == FAILED).any())
        print(f"network {k} of {flags.networks}", file=sys.stderr, flush=True)
    found = []
    for k, own in tables.items():
        others = pd.concat(described[: k - 1] + described[k:])
        both = own["points"], own["intervals"]
        found.append(correlate(*both, others, "out", options.statistics, left_out))
    table = pd.concat(found).query("statistic == 'pearson' and p == p")
    counts = pd.DataFrame({
        "judged": table.groupby("measure").size(),
        "p < 0.05": (table["p"] < 0.05).groupby(table["measure"]).sum(),
        "p < 0.05 after Holm": (table["p_holm"] < 0.05).groupby(table["measure"]).sum(),
    })  # fmt: skip
    counts.loc["all"] = counts.sum()
    shares = counts.iloc[:, 1:].div(counts["judged"], axis=0)
    print(counts.join(shares.map("{:.1%}".format), rsuffix=", share").to_string())
    print(f"{fails} of {flags.networks} networks fail a check, and would get no verdict at all")


if __name__ == "__main__":
    main()
