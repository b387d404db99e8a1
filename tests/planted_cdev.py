"""What cdev says of causes known by construction, seed by seed.

  python tests/planted_cdev.py --seeds=20

Outputs are bursts of a tone, whose number is round(3 + effect + 0.9 u), where u in -1 .. 1 is a
coin of the latent vector. The effect is 0.16 c1 (``code``), nothing (``none``), 0.08 times the sum
of c1 and of every z (``equal``), or that with a slope of its own, drawn alike, of each (``drawn``).
Right is one sentence on the number of bursts, on ``code`` alone, with the slope within its
interval. Bursts are counted by an own measure; the first seed counts voiced intervals, too.

For each kind the sentences of the first seed are printed, and how many seeds claim what is not so,
or miss what is. Ends with status 1 if any seed misses the code, if of ``code`` or ``none`` more
than 5 % of seeds have a wrong claim, or if there are more than a chance of 5 % explains of slopes
outside of their interval, or of claims where a variable is one like its controls (of 20 that are
alike one always is the largest).
"""

import argparse
import sys
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import tensorflow as tf
from scipy.stats import binom

from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.experiments.cdev import Options, run, sentences
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Networks
from wavegan_tf.stats.sweeps import MORE

KINDS = ("code", "none", "equal", "drawn")
SLOPE = 0.16
PLACES = 7  # for bursts, of 0.14 s each: 0.07 s of a tone and as much silence
RATE = 16384 / 1.024


class Bursts:
    """Latent vectors to bursts of a tone, by construction."""

    def __init__(self, config, kind, seed):
        """Gives each latent its slope."""
        self.slopes = np.zeros(config.latent_dim, np.float32)
        if kind == "code":
            self.slopes[0] = SLOPE
        elif kind != "none":
            self.slopes[0] = 0.08
            self.slopes[config.num_categ :] = 0.08
        if kind == "drawn":
            drawn = np.random.default_rng([seed, 11]).standard_normal(config.latent_dim)
            self.slopes *= drawn.astype(np.float32)
        time_s = (np.arange(config.slice_len) + 0.5) / config.sample_rate
        tone = 0.3 * sum(np.sin(2 * np.pi * 200 * k * time_s) / k for k in (1, 2, 3, 4))
        self.bursts = np.zeros([PLACES, config.slice_len], np.float32)
        for k in range(PLACES):
            since_s = time_s - 0.02 - 0.14 * k
            window = np.clip(np.minimum(since_s, 0.07 - since_s) / 0.005, 0, 1)
            self.bursts[k] = tone * window

    def numbers(self, z):
        """Numbers of bursts of latent vectors [batch, latent_dim]."""
        coin = tf.sin(1000 * tf.reduce_sum(z, axis=1))
        effect = tf.linalg.matvec(z, self.slopes)
        return tf.clip_by_value(tf.round(3 + effect + 0.9 * coin), 0, PLACES)

    def __call__(self, z):
        """Latent vectors to the output alone."""
        there = tf.range(PLACES, dtype=tf.float32) < self.numbers(tf.convert_to_tensor(z))[:, None]
        return {"out": tf.matmul(tf.cast(there, tf.float32), self.bursts)[:, :, None]}


def model(kind, seed, name="planted", variant="fiwgan"):
    """A fiwGAN of two bits, or a ciwGAN, whose Generator is made."""
    config = ModelConfig(model=variant, num_categ=2, dim=1)
    checkpoint = SimpleNamespace(prefix=name, step=0, sha256=lambda: "0" * 64)
    networks = Networks(Bursts(config, kind, seed), None, None)
    return Model(Opened(config, networks, 0, "planted", checkpoint))


def n_clicks(sound, rate):
    """Counts the stretches of 4 ms that follow a silent one."""
    frames = np.abs(sound[: len(sound) // 64 * 64].reshape(-1, 64)).max(axis=1) > 0.02
    return float(np.sum(frames[1:] & ~frames[:-1]) + frames[0])


def ask(kind, seed, **options):
    """A run on a planted model: c1 and c2 at both ends and at 0, and 19 controls."""
    given = {
        "vary": ("c1=-12.5,0,12.5", "c2=-12.5,0,12.5"), "outcomes": (), "measure": n_clicks,
        "n": 16, "seed": seed, "controls": 19, "jobs": 1,
    }  # fmt: skip
    return run(model(kind, seed), Options(**given | options))


def truth(seed, n=16):
    """The mean effect of c1 per unit over the base vectors of a run."""
    made = model("code", seed)
    z = made.sample(n, seed)
    ends = []
    for value in (-12.5, 12.5):
        z[:, :2] = value, 0
        ends.append(made.generator.numbers(z).numpy())
    return float(np.mean(ends[1] - ends[0]) / 25)


def claimed(result):
    """Variables and outcomes that are said to be more than controls."""
    effects, spectra = result.table("effects"), result.table("spectra")
    rows = effects[effects["verdict"] == MORE]
    found = list(zip(rows["latent"], rows["measure"], strict=True))
    moved = spectra.loc[spectra["verdict"] == MORE, "latent"].unique()
    return found + [(latent, "spectrum") for latent in moved]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    given, failed = parser.parse_args(), False
    chance = int(binom.ppf(0.999, given.seeds, 0.05))
    for kind in given.kinds:
        wrong = missed = outside = 0
        alike = kind in ("equal", "drawn")  # two outcomes, each claimed in 5 %
        allowed = int(binom.ppf(0.999, given.seeds, 0.1)) if alike else given.seeds // 20
        for seed in range(given.seeds):
            voiced = ("n_voiced",) if kind == "code" and seed == 0 else ()
            result = ask(kind, seed, outcomes=voiced)
            if seed == 0:
                print(f"{kind}:", *sentences(result), sep="\n  ")
            right = [("c1", name) for name in (*voiced, "n_clicks")] if kind == "code" else []
            found = claimed(result)
            false = [x for x in found if x not in right and x != ("c1", "spectrum" * bool(right))]
            wrong += len(false) > 0
            missed += any(x not in found for x in right)
            if kind == "code":
                row = result.table("effects").query("latent == 'c1'").iloc[-1]
                outside += not row["low"] <= SLOPE <= row["high"]
            if false or any(x not in found for x in right):
                print(f"  seed {seed}: found {found}", flush=True)
        failed |= wrong > allowed or missed > 0 or outside > chance
        print(
            f"{kind}: {wrong} of {given.seeds} seeds with a wrong claim, {missed} missed, slope "
            f"outside of its interval in {outside}; allowed {allowed}", flush=True,
        )  # fmt: skip
    sys.exit(failed)


if __name__ == "__main__":
    main()
