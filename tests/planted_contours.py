"""What contours says of generators whose codes part in a known layer, seed by seed.

  python tests/planted_contours.py --seeds=20

In every layer stands a voiced stretch with a contour of F0 and a course of level, and each output
has one of its own in each layer. The contour rises under c1 and falls under c2, but from Conv3 on
alone, before it is the same under both (``parts``): Conv3 has to be named, and no earlier layer. In
``places`` all layers but the output are the same under both, and the output's stretch begins 0.15 s
later under c2, so that in the intervals of the outputs all layers differ. In ``null`` codes differ
by chance alone. What is wrong: a layer in which groups do not part by construction. For each kind
it is printed how many of the seeds are wrong or miss Conv3. Then the share of wrong tables is
simulated with numbers alone. Ends with status 1 if Conv3 is missed in more than one seed in 20, or
if more than 5 % of the tables are wrong, chance (p < 0.01) allowed.
"""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import scipy
import tensorflow as tf

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.experiments.contours import Options, run
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.stats.curves import PARTS, compare_groups
from wavegan_tf.stats.resampling import StatisticsSettings

KINDS = ("parts", "places", "null")
PARTED_FROM = "conv3"
TRACKS = ("series", "f0")


class PlantedTones:
    """Latent vectors to audio whose tones and levels follow the code from a layer on."""

    def __init__(self, config, kind, seed):
        """Draws how z moves each output in each layer, by seed."""
        self.config, self.kind = config, kind
        names = [layer.name for layer in config.layers]
        self.parted = names[names.index(PARTED_FROM) :] if kind == "parts" else []
        rng = np.random.default_rng(seed)
        self.random = {name: rng.normal(0, 1, [config.latent_dim, 4]) for name in names}

    def __call__(self, z):
        """Latent vectors [batch, latent_dim] to every layer's output, in order."""
        return tf.nest.map_structure(tf.constant, self.layers(np.asarray(z)))

    def layers(self, z):
        """The same in NumPy; the code stands first."""
        codes = z[:, : self.config.num_categ]
        outputs, sign = {}, (codes[:, 0] - codes[:, 1])[:, np.newaxis]
        start_s = 0.2 + 0.15 * codes[:, 1:2] * (self.kind == "places")
        for layer in self.config.layers:
            # a hash of the vector; with its code two outputs of one z differ by chance
            alike = self.kind == "places" or (
                self.kind == "parts" and layer.name not in self.parted
            )
            seen = z * (np.arange(z.shape[1]) >= 2) if alike else z
            own = np.sin(40 * seen @ self.random[layer.name])[:, :, np.newaxis]
            time_s = (np.arange(layer.length) + 0.5) / layer.rate_hz
            share = (time_s - start_s) / 0.5  # of the stretch
            slope = (share - 0.5) * sign * (layer.name in self.parted)
            level = 0.3 + 0.1 * (slope + 0.3 * own[:, 0] + 0.5 * own[:, 1] * (share - 0.5))
            if self.kind == "places":  # the same in time under both codes
                level = 0.3 + 0.1 * (own[:, 0] + 3 * (time_s - 0.5))
            f0_hz = 140 + 40 * slope + 8 * own[:, 2] + 15 * own[:, 3] * (share - 0.5)
            phase = 2 * np.pi * np.cumsum(f0_hz, axis=1) / layer.rate_hz
            voice = sum(np.sin(k * phase) / k for k in range(1, 5 if layer.rate_hz > 1000 else 2))
            stretch = np.clip(np.minimum(share, 1 - share) * 50, 0, 1)
            x = level * (voice if layer.name == "out" else np.maximum(1 + voice, 0)) * stretch
            if layer.name != "out" and self.kind == "places":
                x = level * np.ones_like(share)
            outputs[layer.name] = x[:, :, np.newaxis].astype(np.float32)
        return outputs


def model(kind, seed):
    """Such a generator as a Model, its layers run in NumPy."""
    config = ModelConfig(dim=1, model="ciwgan", num_categ=2)
    checkpoint = SimpleNamespace(prefix="planted", sha256=lambda: "0" * 64)
    made = Model(Opened(config, Networks(None, None, None), 0, "planted", checkpoint))
    made.generator = PlantedTones(config, kind, seed)
    made.run = lambda network, inputs: made.generator.layers(np.asarray(inputs, np.float64))
    return made


def find(kind, seed, track="series", n=12, **options):
    """What contours finds: the layer named first, and all in which groups are said to part."""
    given = {"track": track, "n": n, "seed": seed, "jobs": 1, **options}
    result = run(model(kind, seed), Options(**given))
    table = result.table("differences")
    named = table.loc[table["verdict"] == PARTS, "layer"].tolist()
    return (named or [""])[0], named, result


def simulate(runs, seed=0, layers=5, units=20, points=10):
    """The share of tables of smooth random curves, in pairs, in which anything is said to part."""
    settings, rng, wrong = StatisticsSettings(), np.random.default_rng(seed), 0
    groups, blocks = np.tile(["a", "b"], units // 2), np.repeat(np.arange(units // 2), 2)
    for k in range(runs):
        noise = rng.standard_normal([layers, units, points]).cumsum(axis=2)
        noise += rng.standard_normal([layers, units // 2, 1]).repeat(2, axis=1)  # of the pair
        curves = {str(i): x for i, x in enumerate(noise)}
        table, _ = compare_groups(curves, groups, settings, blocks, seed=k)
        wrong += (table["verdict"] == PARTS).any()
    return wrong


def too_many(wrong, n, level=0.05):
    """Whether that many are more than a share of 5 % gives, but for chance."""
    return scipy.stats.binomtest(wrong, n, level, "greater").pvalue < 0.01


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--tables", type=int, default=1000)
    given, failed = parser.parse_args(), False
    for kind in KINDS:
        for track in TRACKS if kind == "parts" else TRACKS[:1]:
            wrong = missed = held_back = 0
            for seed in range(given.seeds):
                first, named, result = find(kind, seed, track)
                true = {"parts": ("conv3", "conv4", "out"), "places": ("out",), "null": ()}[kind]
                wrong += bool(set(named) - set(true))
                missed += kind == "parts" and first != PARTED_FROM
                verdicts = result.table("differences")["verdict"]
                held_back += verdicts.eq("own intervals alone").any()
            print(
                f"{kind}, {track}: of {given.seeds} seeds {wrong} name a wrong layer, {missed} "
                f"not {PARTED_FROM} first, {held_back} with differences of places held back",
                flush=True,
            )
            failed |= too_many(wrong, given.seeds) or missed > max(1, given.seeds // 20)
    wrong = simulate(given.tables)
    print(f"numbers alone: {wrong} of {given.tables} tables with a claim")
    sys.exit(int(failed or too_many(wrong, given.tables)))


if __name__ == "__main__":
    main()
