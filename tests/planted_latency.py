"""What latency says of layers whose lag behind a reference is known, seed by seed.

  python tests/planted_latency.py --seeds=20

``lagged``: each layer is the reference, delayed by a lag of its own, and noise of each output;
every lag has to be found within one sample of the layer, and every layer called more like the
reference than surrogates. ``null``: layers are independent of the reference and have its spectrum.
``groups``: two groups of four models, whose layers come 12 ms later in the second. ``alike``:
groups that do not differ. Printed is in how many seeds something is wrong. Ends with status 1 if a
lag or a group's difference is missed in more than one seed in 20, or if there are more claims in
``null`` and ``alike`` than in 5 % of the seeds, chance (p < 0.01) allowed.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import scipy

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.experiments.latency import Options, run, run_several
from wavegan_tf.model import Model, Models
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.latencies import FOLLOWS
from wavegan_tf.stats.resampling import StatisticsSettings

KINDS = ("lagged", "null", "groups", "alike")
RATE_HZ, DURATION_S, HIGHEST_HZ = 1000, 1.024, 20
LAGS_S = {"conv1": 0.032, "conv2": 0.024, "conv3": 0.017, "conv4": 0.009, "out": 0.004}
LATER_S = 0.012


class Wave:
    """A sum of sines below 20 Hz, whole periods in 1.024 s, whose phases are drawn."""

    def __init__(self, rng, powers=None):
        """Draws it, with the amplitudes of another wave or its own."""
        self.hz = np.arange(1, int(HIGHEST_HZ * DURATION_S)) / DURATION_S
        self.powers = rng.uniform(0.5, 1.5, len(self.hz)) if powers is None else powers
        self.phases = rng.uniform(0, 2 * np.pi, len(self.hz))

    def at(self, time_s):
        """Its values at some times, [time]."""
        phases = 2 * np.pi * self.hz * time_s[:, np.newaxis] + self.phases
        return (np.cos(phases) * self.powers).sum(axis=1)


def model(kind, seed, wave, number=0):
    """A Model whose layers follow the wave by a known lag, or another wave of its spectrum."""
    config = ModelConfig(dim=1)
    rng = np.random.default_rng([seed, 1 + number, KINDS.index(kind)])
    other = Wave(rng, wave.powers) if kind == "null" else wave
    later_s = rng.normal(0, 0.002) + LATER_S * (kind == "groups" and number % 2)
    later_s *= kind in ("groups", "alike")
    mix = rng.standard_normal([config.latent_dim, 2000]) / config.latent_dim**0.5

    def layers(network, z):
        outputs = {}
        for layer in config.layers:
            time_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
            x = other.at(time_s - LAGS_S[layer.name] - later_s)
            noise = np.asarray(z, np.float64) @ mix[:, : min(layer.length, 2000)]
            noise = np.repeat(noise, -(-layer.length // noise.shape[1]), axis=1)[:, : layer.length]
            gain = np.float64(1 + 0.1 * z[:, :1])
            outputs[layer.name] = (gain * x + noise)[:, :, np.newaxis].astype(np.float32)
        return outputs

    checkpoint = SimpleNamespace(
        prefix=f"planted{number}/model.ckpt-0", sha256=lambda: "0" * 64, step=0
    )
    made = Model(Opened(config, Networks(object(), None, None), 0, "planted", checkpoint))
    made.run = layers
    return made


def find(kind, seed, directory, **options):
    """A run of a planted model, or of eight in two groups, in turn."""
    wave = Wave(np.random.default_rng(seed))
    path = Path(directory) / "reference.csv"
    time_s = (np.arange(int(RATE_HZ * DURATION_S)) + 0.5) / RATE_HZ
    np.savetxt(
        path,
        np.stack([time_s, wave.at(time_s)], 1),
        "%.7f",
        ",",
        comments="",
        header="time_s,value",
    )
    given = {"reference": str(path), "seed": seed, **options}
    if kind in KINDS[:2]:
        return run(model(kind, seed, wave), Options(**{"n": 25, **given}))
    several = [model(kind, seed, wave, number) for number in range(8)]
    given = {"n": 5, "layers": "conv2,conv3", "n_surrogates": 99, **given}
    given["statistics"] = StatisticsSettings(n_resamples=100)
    return run_several(Models(several, ["a", "b"] * 4), Options(**given))


def missed(result, kind):
    """What is true and was not found."""
    if kind == "lagged":
        for row in result.table("latency").itertuples():
            if abs(row.lag_s - LAGS_S[row.layer]) > 1 / row.rate_hz or row.verdict != FOLLOWS:
                yield f"{row.layer}: lag {row.lag_s:.4f}, {row.verdict}"
    if kind == "groups":
        groups = result.table("groups")
        for row in groups[groups["measure"] == "lag_s"].itertuples():
            if row.verdict != DIFFERS or abs(row.estimate - LATER_S) > 0.004:
                yield f"{row.layer}: {row.estimate:.4f}, p {row.p:.3f}, {row.verdict}"


def wrong(result, kind):
    """What was said and is not true."""
    table = result.table("latency" if kind == "null" else "groups")
    claims = {"null": FOLLOWS, "alike": DIFFERS}
    return table.loc[table["verdict"] == claims[kind], "layer"] if kind in claims else []


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    given, failed = parser.parse_args(), False
    for kind in KINDS:
        n_wrong = n_missed = 0
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as directory:
                result = find(kind, seed, directory)
            false, absent = list(wrong(result, kind)), list(missed(result, kind))
            n_wrong, n_missed = n_wrong + bool(false), n_missed + bool(absent)
            if false or absent:
                print(f"  seed {seed}: wrong {false}, missed {absent}", flush=True)
        print(f"{kind}: {n_wrong} of {given.seeds} seeds wrong, {n_missed} missed", flush=True)
        by_chance = scipy.stats.binomtest(n_wrong, given.seeds, 0.05, "greater").pvalue
        failed |= by_chance < 0.01 or n_missed > given.seeds // 20
    sys.exit(int(failed))


if __name__ == "__main__":
    main()
