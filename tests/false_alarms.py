"""How often an untrained network is said to encode something.

  python probe.py --ckpt=.. --n=25 --controls=25 --out_dir=untrained
  python tests/false_alarms.py untrained --networks=20

Takes the networks with random weights of a run as models, each with the five networks after it as
its controls, and counts verdicts. The nominal rate of "encoded", and of "inverse", is at most 5 %
of the rows judged.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.experiments.result import load_run
from wavegan_tf.stats.correlate import correlate
from wavegan_tf.stats.resampling import StatisticsSettings


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--controls", type=int, default=5)
    options = parser.parse_args()
    run = load_run(options.run)
    n, settings = run.settings["controls"], StatisticsSettings(**run.settings["statistics"])
    found = []
    for k in range(options.networks):
        others = {(k + i) % n + 1: i for i in range(options.controls + 1)}  # 0: the model
        tables = []
        for name in ("points", "intervals"):
            chosen = run.tables[name][run.tables[name]["network"].isin(others)]
            tables.append(chosen.assign(network=chosen["network"].map(others)))
        found.append(correlate(*tables, run.settings["target"], settings))
    table = pd.concat(found)
    judged = table[~table["verdict"].isin(("too few", "no control"))]
    for by in (["statistic", "measure"], ["statistic"]):
        verdicts = judged.groupby(by)["verdict"]
        counts = pd.DataFrame({"judged": verdicts.size()})
        for name in ("encoded", "inverse"):
            counts[name] = verdicts.agg(lambda x, name=name: (x == name).sum())
            counts[f"{name}, share"] = (counts[name] / counts["judged"]).map("{:.1%}".format)
        print(counts.to_string())


if __name__ == "__main__":
    main()
