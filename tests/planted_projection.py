"""What projection says of weights and of layers known by construction, seed by seed.

  python tests/planted_projection.py --seeds=20

``scaled``: in a projection straight from the initialiser the weights of one latent variable are
multiplied by 1.3; it must be named, and no other. ``initialiser``: nothing is multiplied, and
nothing may be named. ``joint``: the layers after the projection sound where all its channels are
active at once; random maps must be voiced less often. ``alone``: they take F0 and level from
two values of fc that know nothing of one another; no difference may be shown. Wrong claims may come
at their level, 5 %; ends with status 1 where there are more than that gives in 99 % of cases, or
where a truth is missed.
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
from wavegan_tf.experiments import listen
from wavegan_tf.experiments.projection import Options, run, sentences
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.models.networks import Generator, Networks
from wavegan_tf.options import build
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.projection import LARGER

KINDS = ("scaled", "initialiser", "joint", "alone")
REPEATS = {"initialiser": 5}  # projections of a seed: they cost little
SHORT = {"f0_range": (200, 300), "voicing_floor_hz": 200.0, "jobs": 1}
CONFIG = ModelConfig(dim=1)
FRAMES = np.arange(16)
REST = ModelConfig(dim=1, fc_channels=8, latent_dim=128)


def model_of(generator, config):
    checkpoint = SimpleNamespace(prefix="planted", sha256=lambda: "0" * 64)
    return Model(Opened(config, Networks(generator, None, None), 0, "planted", checkpoint))


class PlantedRest:
    """A projection, and layers after it that sound by construction."""

    def __init__(self, kind):
        self.kind, self.config = kind, REST
        self.times_s = ((np.arange(16384) + 0.5) / 16000).astype(np.float32)

    def projection(self):
        return np.ones([128, 16, 8], np.float32)

    def __call__(self, z):
        fc = 1 + 0.2 * tf.reshape(z, [-1, 16, 8])  # each value of its own latent variable
        if self.kind == "joint":  # all channels are active at once, in the frames 4 .. 11
            fc *= tf.cast((FRAMES > 3) & (FRAMES < 12), tf.float32)[:, tf.newaxis]
        return self.run_from("fc", fc)

    def run_from(self, name, fc):
        if self.kind == "joint":
            level, f0_hz = 0.3 * tf.reduce_min(fc, axis=2), 0 * fc[:, 0, :1] + 250
        else:
            level = 0.3 * fc[:, 9, 1:2] * tf.cast((FRAMES > 3) & (FRAMES < 12), tf.float32)
            f0_hz = 230 + 20 * fc[:, 3, :1]
        level = tf.repeat(tf.cast(level, tf.float32), 1024, axis=1)
        phase = 2 * np.pi * f0_hz * self.times_s
        out = level * sum(tf.sin(k * phase) / k for k in range(1, 5)) / 2
        return {"fc": fc, "out": out[:, :, tf.newaxis]}


def of_kind(kind, seed, n=20):
    """A run on a planted model."""
    listen.CONTROL_SEED = 10_000_000 + 1000 * seed  # other controls for every seed
    if kind in ("joint", "alone"):
        given = {"n": n, "seed": seed, "controls": 0, **SHORT}
        return run(model_of(PlantedRest(kind), REST), build(Options, given))
    generator = Generator(CONFIG, seed)
    generator(tf.zeros([1, 100]))
    if kind == "scaled":
        kernel = generator.z_project.dense.kernel.numpy()
        kernel[seed % 100] *= 1.3
        generator.z_project.dense.kernel.assign(kernel)
    return run(model_of(generator, CONFIG), Options(bypass="none"))


def judge(result, kind, seed):
    """What is said that is wrong, and whether the truth is missed."""
    weights, compared = result.table("weights"), result.table("bypass")
    named = set(weights.loc[weights["verdict"] == LARGER, "latent"])
    true = {f"z{seed % 100 + 1}"} if kind == "scaled" else set()
    if kind not in ("joint", "alone"):
        return named - true, not true <= named
    shown = set(compared.loc[compared["verdict"] == DIFFERS, "measure"])
    return (shown, False) if kind == "alone" else (set(), "voiced" not in shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    given, failed = parser.parse_args(), False
    for kind in given.kinds:
        total = given.seeds * REPEATS.get(kind, 1)
        n_wrong = n_missed = 0
        for seed in range(total):
            result = of_kind(kind, seed)
            if seed == 0:
                print(f"{kind}:", *sentences(result), sep="\n  ")
            wrong, missed = judge(result, kind, seed)
            n_wrong, n_missed = n_wrong + bool(wrong), n_missed + missed
            if wrong or missed:
                print(f"  seed {seed}: wrong {wrong}, missed {missed}", flush=True)
        allowed = scipy.stats.binom.ppf(0.99, total, 0.05)
        failed |= n_missed > 0 or n_wrong > allowed
        print(f"{kind}: {n_wrong} of {total} wrong, {n_missed} missed", flush=True)
    sys.exit(bool(failed))  # of a bool of NumPy Python makes 1


if __name__ == "__main__":
    main()
