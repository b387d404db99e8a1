"""What probing costs: averages over plain generation, processes, and overhead over bare Praat.

  python benchmarks/bench_probe.py
  python benchmarks/bench_probe.py --dim=16 --n=100 --rounds=3

Each pair of kinds alternates within a round, and every figure is the median over the rounds. The
last line is JSON: averages_cost (share that reducing all layers to series adds to a plain call of
the Generator, whose audio alone is fetched), jobs2_speedup (outputs measured per second by two
processes over one, starting them included), praat_overhead (share that measuring adds to the same
calls of Praat, recorded and made again with nothing around them), outputs_per_s.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.annotation import AnnotationSettings
from wavegan_tf.analysis.averages import Reduction
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.probing.measuring import Item, Job, Plan, measure, measure_all

PRAAT_FUNCTIONS = [
    name
    for name in vars(praat)
    if name.startswith(("frames_", "track_")) or name in ("moments", "cpps")
]


def main():
    options = read_options()
    config = ModelConfig(dim=options.dim)
    result = {"dim": options.dim, "n": options.n, "rounds": options.rounds}
    result |= time_generation(config, options.rounds)
    jobs = make_jobs(config, options.n)
    plan = Plan(config.layers, "out", 16000, 16384, AcousticSettings(), AnnotationSettings())
    result |= time_processes(jobs, plan, options.rounds)
    result |= time_praat(jobs[: max(8, options.n // 4)], plan, options.rounds)
    print(json.dumps(result))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--n", type=int, default=100, help="outputs measured")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def alternate(kinds, rounds):
    """Seconds of each kind, the median over rounds in which all take turns, after one more."""
    seconds = {name: [] for name in kinds}
    for number in range(rounds + 1):
        for name, run in kinds.items():
            begun = time.perf_counter()
            run()
            if number:
                seconds[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in seconds.items()}


def time_generation(config, rounds):
    """A batch of outputs, plain and with every layer's series."""
    import tensorflow as tf  # not above: the measuring processes read this file too

    from wavegan_tf.models.networks import build_networks
    from wavegan_tf.probing import sources

    generator = build_networks(config, generator_only=True).generator
    latents = sample_latents(config, sources.BATCH, seed=0)
    source = sources.Source(tf.function(generator), config.layers, "out", Reduction(), {})
    batch = sources.read_batch(sources.Latents(latents), 0)
    call = tf.function(lambda z: generator(z)["out"])
    kinds = {
        "plain": lambda: call(tf.constant(latents)).numpy(),
        "series": lambda: list(source.outputs(batch, 0, sources.BATCH)),
    }
    seconds = alternate(kinds, 10 * rounds)
    per_s = {name: sources.BATCH / value for name, value in seconds.items()}
    print(f"generation, outputs/s: plain {per_s['plain']:.1f}, with averages {per_s['series']:.1f}")
    return {
        "plain_outputs_per_s": round(per_s["plain"], 1),
        "averages_outputs_per_s": round(per_s["series"], 1),
        "averages_cost": round(seconds["series"] / seconds["plain"] - 1, 3),
    }


def make_jobs(config, n):
    """Outputs like short words, vowel and fricative, and layers that are rectified and averaged."""
    rng = np.random.default_rng(0)
    time_s = (np.arange(config.slice_len) + 0.5) / config.sample_rate
    jobs = []
    for i in range(n):
        phase = 2 * np.pi * np.cumsum(100 + rng.uniform(0, 100) + 40 * time_s) / config.sample_rate
        vowel = sum(np.sin(k * phase) / k for k in range(1, 12)) * ((time_s > 0.3) & (time_s < 0.7))
        noise = np.diff(rng.normal(size=config.slice_len + 1)) * ((time_s > 0.1) & (time_s < 0.25))
        out = (0.2 * vowel + 0.05 * noise).astype(np.float32)
        series = {
            layer.name: np.maximum(out, 0).reshape(layer.length, -1).mean(axis=1)
            for layer in config.layers[:-1]
        }
        jobs.append(Job(Item(i), 0, series | {"out": out}))
    return jobs


def time_processes(jobs, plan, rounds):
    """All outputs measured by one process and by two."""
    kinds = {count: lambda count=count: list(measure_all(jobs, plan, count)) for count in (1, 2)}
    seconds = alternate(kinds, rounds)
    per_s = {count: len(jobs) / value for count, value in seconds.items()}
    print(f"measurement, outputs/s: 1 process {per_s[1]:.2f}, 2 processes {per_s[2]:.2f}")
    return {
        "outputs_per_s": round(per_s[1], 2),
        "jobs2_outputs_per_s": round(per_s[2], 2),
        "jobs2_speedup": round(seconds[1] / seconds[2], 3),
    }


def time_praat(jobs, plan, rounds):
    """Measuring against the same calls of Praat alone."""
    calls = []

    def recorded(function):
        def run(*args, **options):
            calls.append((function, args, options))
            return function(*args, **options)

        return run

    functions = {name: recorded(getattr(praat, name)) for name in PRAAT_FUNCTIONS}
    with mock.patch.multiple(praat, **functions):
        for job in jobs:
            measure(job, plan)
    kinds = {
        "measure": lambda: [measure(job, plan) for job in jobs],
        "bare": lambda: [function(*args, **options) for function, args, options in calls],
    }
    seconds = alternate(kinds, rounds)
    for name in PRAAT_FUNCTIONS:
        mine = [call for call in calls if call[0].__name__ == name]
        begun = time.perf_counter()
        for function, args, options in mine:
            function(*args, **options)
        ms = 1000 * (time.perf_counter() - begun) / len(jobs)
        print(f"  {name:<18}{len(mine) / len(jobs):>6.1f} calls, {ms:>7.2f} ms per output")
    ms = {name: 1000 * value / len(jobs) for name, value in seconds.items()}
    print(f"an output: {ms['measure']:.1f} ms, of which Praat {ms['bare']:.1f} ms")
    return {
        "ms_per_output": round(ms["measure"], 2),
        "praat_overhead": round(seconds["measure"] / seconds["bare"] - 1, 3),
    }


if __name__ == "__main__":
    main()
