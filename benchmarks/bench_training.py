"""Seconds per update: plain Keras layers against the default, in alternating rounds of one run.

  python benchmarks/bench_training.py [--dim=64] [--batch=16] [--rounds=7] [--also=matmul,...]

Also the rate of a large matrix product on the same machine in the same rounds, the best of
TensorFlow's, XLA's and NumPy's, and the share of it that the updates reach, by the work of their
convolutions and dense layers. The default, auto, takes the forms that a trial finds, which is shown
first. The last line is one JSON object.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import tensorflow as tf

from wavegan_tf.machine import describe_machine
from wavegan_tf.models import convolution
from wavegan_tf.models.config import FC_LENGTH, ModelConfig
from wavegan_tf.training import trial
from wavegan_tf.training.trainer import Trainer, TrainingConfig

NUM_CATEG = {"wavegan": 0, "ciwgan": 10, "fiwgan": 3}
PRODUCT_SIZE = 4096
# Passes over a network that cost as much as its forward pass: forward, gradient of the input,
# gradient of the weights. Of D: 3 forward, the penalty's gradient, its gradient (2), backward (4).
D_UPDATE_PASSES = {"wgan-gp": {"G": 1, "D": 10}}
G_UPDATE_PASSES = {"G": 3, "D": 2}
Q_PASSES = {"G": 2, "Q": 3}


def forward_flops(config: ModelConfig) -> dict[str, int]:
    """Operations of one example's forward pass through each network, multiply and add apart."""
    flops = {"G": 2 * config.latent_dim * FC_LENGTH * config.fc.channels, "D": 0}
    num_in = config.fc.channels
    for layer in config.layers:
        positions = layer.length if config.upsample == "nn" else layer.length // layer.stride
        flops["G"] += 2 * positions * config.kernel_len * num_in * layer.channels
        num_in = layer.channels
    num_in = config.num_channels
    for layer in config.classifier_layers:
        flops["D"] += 2 * layer.length * config.kernel_len * num_in * layer.channels
        num_in = layer.channels
    return flops | {"Q": flops["D"]}


def update_flops(config: ModelConfig, batch: int) -> tuple[float, float]:
    """Operations of a Discriminator's and of a Generator's update, wgan-gp."""
    flops = forward_flops(config)
    work = [D_UPDATE_PASSES["wgan-gp"], G_UPDATE_PASSES, Q_PASSES if config.num_categ else {}]
    d, g, q = (sum(flops[name] * n for name, n in passes.items()) for passes in work)
    return batch * d, batch * (g + q)


def seconds(function) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


class Candidate:
    """A way to train, and the seconds that its updates took."""

    def __init__(self, name: str, config: ModelConfig, batch: int):
        form, _, precision = name.partition("-")
        self.name, self.d, self.g = name, [], []
        training = TrainingConfig(batch_size=batch, conv=form, precision=precision or "float32")
        self.trainer = Trainer(config, training)
        shape = [batch, config.slice_len, config.num_channels]
        x = tf.random.stateless_normal(shape, [0, 0]) * 0.1
        self.batches = iter(lambda: x, None)
        self.first_s = seconds(self.step)

    def update(self):
        outputs = self.trainer.advance(self.batches)
        float(next(iter(outputs.values())))  # waits for it

    def step(self):
        for _ in range(self.trainer.training.disc_nupdates + 1):
            self.update()

    def measure(self):
        self.trainer.update = 0
        self.d.append(seconds(self.update))
        self.trainer.update = self.trainer.training.disc_nupdates
        self.g.append(seconds(self.update))


def print_trial(config: ModelConfig, batch: int):
    """Prints what a trial measures here: milliseconds of every form; the best has a star."""
    print(f"{'frames':>6} {'channels':>11}  direction, ms")
    for row in trial.measure(convolution.shapes(config), batch):
        ends = f"{row['channels']} to {row['out']}"
        for direction in convolution.DIRECTIONS:
            best = min(row[direction].values())
            times = (f"{x} {1000 * s:.1f}{'*' * (s == best)}" for x, s in row[direction].items())
            print(f"{row['n']:>6} {ends:>11}  {direction:<7} {'  '.join(times)}")


def make_products() -> dict:
    """The same product of two matrices by each library, as functions that wait for it."""
    a, b = (tf.random.stateless_normal([PRODUCT_SIZE] * 2, [0, i]) for i in range(2))
    arrays = a.numpy(), b.numpy()
    plain = tf.function(lambda a, b: a @ b)
    compiled = tf.function(lambda a, b: a @ b, jit_compile=True)
    products = {
        "TensorFlow": lambda: plain(a, b)[0, 0].numpy(),
        "XLA": lambda: compiled(a, b)[0, 0].numpy(),
        "NumPy": lambda: np.matmul(*arrays),
    }
    for product in products.values():
        product()
    return products


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="wavegan", choices=NUM_CATEG)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--stride", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--also", default="", help="More, for example matmul,folded,xla,auto-bfloat16."
    )
    args = parser.parse_args()
    config = ModelConfig(
        args.model, dim=args.dim, stride=args.stride, num_categ=NUM_CATEG[args.model]
    )
    print_trial(config, args.batch)
    names = ["keras", "auto", *filter(None, args.also.split(","))]
    candidates = [Candidate(name, config, args.batch) for name in dict.fromkeys(names)]

    products = make_products()
    taken = {name: [] for name in products}
    for _ in range(args.rounds):
        for name, product in products.items():
            taken[name].append(seconds(product))
        for candidate in candidates:
            candidate.measure()

    rates = {name: 2 * PRODUCT_SIZE**3 / np.median(times) for name, times in taken.items()}
    rate = max(rates.values())
    found = ", ".join(f"{name} {x / 1e9:.0f}" for name, x in rates.items())
    d_flops, g_flops = update_flops(config, args.batch)
    print(
        f"{args.model}, dim {args.dim}, stride {args.stride}, batch {args.batch}, wgan-gp; medians "
        f"of {args.rounds} rounds\na matrix product of size {PRODUCT_SIZE}, GFLOP/s: {found}"
    )
    print(f"{'':<18}{'D s':>8}{'G s':>8}{'examples/s':>12}{'GFLOP/s D':>11}{'G':>6}{'first s':>9}")
    figures = {}
    for c in candidates:
        d, g = np.median(c.d), np.median(c.g)
        nupdates = c.trainer.training.disc_nupdates
        step_s, step_flops = nupdates * d + g, nupdates * d_flops + g_flops
        figures[c.name] = {
            "d_s": d,
            "g_s": g,
            "examples_per_s": args.batch * nupdates / step_s,
            "gflops": step_flops / step_s / 1e9,
            "product_share": step_flops / step_s / rate,
        }
        print(
            f"{c.name:<18}{d:>8.3f}{g:>8.3f}{figures[c.name]['examples_per_s']:>12.1f}"
            f"{d_flops / d / 1e9:>11.0f}{g_flops / g / 1e9:>6.0f}{c.first_s:>9.1f}"
        )
    keras, default = figures[names[0]], figures[names[1]]
    summary = {
        "d_ratio": keras["d_s"] / default["d_s"],
        "g_ratio": keras["g_s"] / default["g_s"],
        "product_share": default["product_share"],
        "product_gflops": {name: x / 1e9 for name, x in rates.items()},
    }
    print(
        f"auto against keras: D {summary['d_ratio']:.2f} times as fast, G "
        f"{summary['g_ratio']:.2f}; {summary['product_share']:.0%} of the best product's rate"
    )
    about = {"args": vars(args), "machine": describe_machine()}
    print(json.dumps(about | summary | {"figures": figures}))


if __name__ == "__main__":
    main()
