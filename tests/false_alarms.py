"""How often an untrained network is said to encode something.

  python probe.py --ckpt=.. --n=25 --controls=25 --control_outputs=25 --out_dir=untrained
  python tests/false_alarms.py untrained --networks=20

Takes the networks with random weights of a run's controls/ as models, each with the five networks
after it as its controls, and counts verdicts. The nominal rate of "encoded", and of "inverse", is
at most 5 % of the rows judged.
"""

import argparse
import collections
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.analysis.resampling import StatisticsSettings
from wavegan_tf.analysis.statistics import correlate
from wavegan_tf.report.derived import read_controls
from wavegan_tf.report.tables import read_json


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    parser.add_argument("--networks", type=int, default=20)
    parser.add_argument("--controls", type=int, default=5)
    options = parser.parse_args()
    config = read_json(Path(options.run) / "config.json")
    networks = read_controls(Path(options.run), config["controls"])
    settings = StatisticsSettings(**config["statistics"])
    verdicts = {}
    for k in range(options.networks):
        others = [networks[(k + i) % len(networks)] for i in range(1, options.controls + 1)]
        for row in correlate(networks[k], others, config["target"], 0, settings):
            if row["verdict"] not in ("too few", "no control"):
                key = (row["statistic"], row["measure"])
                verdicts.setdefault(key, collections.Counter())[row["verdict"]] += 1
    for (statistic, measure), counts in verdicts.items():
        found = ", ".join(f"{name} {counts[name]}" for name in ("encoded", "inverse"))
        print(f"{statistic:<14}{measure:<14}{counts.total():>5} judged: {found}")
    for statistic in dict.fromkeys(key[0] for key in verdicts):
        total = sum(
            (c for key, c in verdicts.items() if key[0] == statistic), collections.Counter()
        )
        n = total.total()
        rates = ", ".join(f"{name} {total[name] / n:.1%}" for name in ("encoded", "inverse"))
        print(f"{statistic}: {n} rows of {options.networks} networks, {rates}")


if __name__ == "__main__":
    main()
