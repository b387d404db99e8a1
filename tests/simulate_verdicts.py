"""Level and power of the statistics behind verdicts, on data whose truth is known.

  python tests/simulate_verdicts.py --seeds=200

Prints a table: what is simulated, what is counted, its rate with a 95 % interval, and what it ought
to be. Rules that were given up stand beside those that replaced them.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
from scipy.stats import binomtest

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parent)]

import false_claims  # noqa: E402
from made_values import NO_INTERVALS, NO_POINTS, intervals_of, join, points_of  # noqa: E402

from wavegan_tf.stats import sweeps  # noqa: E402
from wavegan_tf.stats.controls import against_shuffled, shuffle  # noqa: E402
from wavegan_tf.stats.correlate import (  # noqa: E402
    correlate,
    describe_control,
    regress_durations,
)
from wavegan_tf.stats.effects import paired_t, sign_test  # noqa: E402
from wavegan_tf.stats.grids import lay_out  # noqa: E402
from wavegan_tf.stats.interventions import judge  # noqa: E402
from wavegan_tf.stats.resampling import StatisticsSettings  # noqa: E402

SETTINGS = StatisticsSettings(n_resamples=200, n_shuffles=200)
N_OUTPUTS, N_POINTS = 25, 5


def network(rng, r):
    """Points of a network whose layer correlates with its output at r."""
    shape = [(N_OUTPUTS, 1), (N_OUTPUTS, N_POINTS)]
    out, noise = (sum(rng.standard_normal(each) for each in shape) for _ in range(2))
    return join(points_of("out", out), points_of("conv4", r * out + np.sqrt(1 - r * r) * noise))


def describe(points, number=1):
    return describe_control(number, points, NO_INTERVALS, "out")


def encoded(rng, r, n_networks, mean=0.3):
    """Whether a layer of correlation r is told from networks of 0.3 +- 0.15, or another mean.

    Gives the rule of today, and the former one: the interval above the controls' bound.
    """
    controls = np.clip(rng.normal(mean, 0.15, n_networks), -0.9, 0.9)
    own = float(np.clip(rng.normal(mean, 0.15), -0.9, 0.9)) if r is None else r
    table = join(*(describe(network(rng, x), k) for k, x in enumerate(controls, start=1)))
    row = correlate(network(rng, own), NO_INTERVALS, table, "out", SETTINGS).iloc[0]
    z = np.arctanh(table["pearson"].to_numpy())
    t = scipy.stats.t.ppf(0.95, len(z) - 1)
    bound = np.tanh(z.mean() + t * z.std(ddof=1) * np.sqrt(1 + 1 / len(z)))
    former = row["low"] > max(bound, row["shuffled_high"])
    return row["verdict"] == "encoded", former, row["verdict"] == "inverse"


def shuffled(rng):
    """Whether p against shuffles is below 0.05 where outputs of 1 to 4 intervals share a fall."""
    rows = []
    for output in range(N_OUTPUTS):
        n = rng.integers(1, 5)
        fall = -np.arange(n)[:, None] + np.zeros(N_POINTS)
        for layer in ("conv4", "out"):
            values = fall + 0.5 * rng.standard_normal(fall.shape)
            table = points_of(layer, values.reshape(1, -1), output=output)
            rows.append(table.assign(
                interval=np.repeat(np.arange(n) + 1, N_POINTS), point=np.tile(np.arange(5) + 1, n)
            ))  # fmt: skip
    grid = lay_out(join(*rows), ["conv4", "out"])
    found = shuffle(grid, "conv4", "out", SETTINGS)
    r = np.corrcoef(*(grid.values_of(layer) for layer in ("conv4", "out")))[0, 1]
    return (against_shuffled(r, found, 0, SETTINGS).p < 0.05,)


def durations(rng):
    """Whether p of unrelated durations, intraclass correlation 0.6, is below 0.05.

    Gives the robust test of today, and the former one, which takes intervals as independent.
    """
    sides = [
        np.sqrt(0.6) * rng.standard_normal((N_OUTPUTS, 1))
        + np.sqrt(0.4) * rng.standard_normal((N_OUTPUTS, 3))
        for _ in range(2)
    ]
    table = join(
        *(intervals_of(x, 1 + 0.1 * v) for x, v in zip(("out", "conv4"), sides, strict=True))
    )
    none = describe_control(1, NO_POINTS, NO_INTERVALS, "out")
    row = regress_durations(table, none, "out", SETTINGS).iloc[0]
    plain = scipy.stats.linregress(*(x.ravel() for x in sides))
    return row["p"] < 0.05, plain.pvalue < 0.05


def like_variables(rng):
    """Whether one of 21 variables that all change a measure is named as the one that does.

    Gives the rule of today, more than 20 controls, and the former one: its change is shown.
    """
    x = rng.standard_normal([1, 21, 3]) + 0.5 * rng.standard_normal([15, 21, 3])

    def values(y):  # [bases, .., 3] -> a row of values
        return sweeps.values_frame({(1, "out", "voiced", "f0", "Hz"): y.ravel()})

    along, controls = [("z1", [-1.0, 0.0, 1.0])], {"z1": values(x[:, 1:])}
    row = sweeps.measure_effects(values(x[:, 0]), along, SETTINGS, controls).iloc[0]
    return row["verdict"] == "changes, more than controls", row["verdict"].startswith("changes")


def idle_maps(rng):
    """Whether any of 64 maps that carry nothing of an effect is said to carry it.

    Gives the rule of today, Holm over the run, and the former one: its interval is above 0.
    """
    start = rng.normal(size=20)
    none = np.full(20, np.nan)
    maps = [
        {"rms": np.stack([start, start + 3, start + 0.2 * rng.normal(size=20), none, none])}
        for _ in range(64)
    ]
    table = judge(maps, True, SETTINGS)
    return (table["verdict"] == "carries").any(), (table["low"] > 0).any()


def flips(rng):
    """Whether yes or no that changes at random is told from none: sign test and former t-test."""
    changed = rng.choice([-1, 0, 1], size=25, p=[0.1, 0.8, 0.1]).astype(float)
    return sign_test(changed) < 0.05, paired_t(changed) < 0.05


def claims(rng, cause):
    """Whether the ranking finds a cause, one log-odds per SD, and whether it claims another."""
    return false_claims.claims(int(rng.integers(1 << 30)), cause=cause)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=400)
    seeds, rows = parser.parse_args().seeds, []

    def count(what, wanted, names, trial):
        found = [trial(np.random.default_rng([seed, len(rows)])) for seed in range(seeds)]
        for name, hits in zip(names, np.sum(found, axis=0), strict=True):
            ends = binomtest(int(hits), seeds).proportion_ci(0.95)
            share = f"{hits / seeds:.1%} [{ends.low:.1%}, {ends.high:.1%}]"
            rows.append((what, name, share, wanted))
            print(" | ".join(rows[-1]), flush=True)

    rules = ("encoded, p < 0.05", "former: interval above the bound", "inverse, p < 0.05")
    about_0 = "one more of 20 random networks at 0 +- 0.15"
    count(about_0, "<= 5 %", rules, partial(encoded, r=None, n_networks=20, mean=0.0))
    for n in (5, 20):
        of = f"of {n} random networks at 0.3 +- 0.15"
        count(f"one more {of}", "<= 5 %", rules, lambda rng, n=n: encoded(rng, None, n))
        for r in (0.6, 0.75):
            count(f"r = {r} {of}", "power", rules, lambda rng, r=r, n=n: encoded(rng, r, n))
    count("a fall across 1 to 4 intervals", "<= 5 %", ("p < 0.05, shuffled",), shuffled)
    count("unrelated durations, ICC 0.6", "<= 5 %", ("robust p", "former: plain p"), durations)
    count("yes or no that changes at random", "<= 5 %", ("sign test", "former: t-test"), flips)
    rules = ("more than controls", "former: shown")
    count("one of 21 like variables", "<= 1 in 21", rules, like_variables)
    rules = ("Holm over the run", "former: interval above 0")
    count("any of 64 idle maps", "<= 5 %", rules, idle_maps)
    for cause in ("even", "linear"):
        rules = ("found", "another is claimed")
        count(f"{cause} cause, 300 outputs", "power, <= 5 %", rules, partial(claims, cause=cause))
    print(
        "\n" + pd.DataFrame(rows, columns=["data", "rule", "rate", "wanted"]).to_string(index=False)
    )


if __name__ == "__main__":
    main()
