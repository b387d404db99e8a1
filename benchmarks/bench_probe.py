"""What probing costs: averages over plain generation, processes, and overhead over bare Praat.

  python benchmarks/bench_probe.py
  python benchmarks/bench_probe.py --dim=16 --n=100 --rounds=3

Two kinds take turns; every figure is the median over the rounds, a ratio that of neighbours. The
last line is JSON: averages_cost (share that reducing all layers to series adds to a plain call of
the Generator, whose audio alone is fetched), jobs2_speedup (outputs measured per second by two
processes over one, starting them included), praat_overhead (time outside the functions that call
Praat, over the time inside them), outputs_per_s.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from wavegan_tf.latents import sample_latents
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.speech import praat
from wavegan_tf.speech.averages import Reduction
from wavegan_tf.speech.outputs import Output, Plan, measure_output, measure_outputs
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings

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
    outputs = make_outputs(config, options.n)
    plan = Plan(config.layers, "out", 16000, 16384, PraatSettings(), IntervalSettings())
    result |= time_processes(outputs, plan, options.rounds)
    result |= time_praat(outputs[:20], plan, options.rounds)
    print(json.dumps(result))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--n", type=int, default=100, help="outputs measured")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def alternate(first, second, rounds):
    """Seconds of two kinds that take turns, medians over the rounds, and of their ratio.

    The ratio (second over first) is that of neighbours, which a busy machine slows alike. One
    round more comes before, to warm up.
    """
    seconds = []
    for _ in range(rounds + 1):
        times = [time.perf_counter()]
        for run in (first, second):
            run()
            times.append(time.perf_counter())
        seconds.append(np.diff(times))
    seconds = np.array(seconds[1:])
    return (*np.median(seconds, axis=0), float(np.median(seconds[:, 1] / seconds[:, 0])))


def time_generation(config, rounds):
    """A batch of outputs, plain and with every layer's series."""
    import tensorflow as tf  # not above: the measuring processes read this file too

    from wavegan_tf.experiments.listen import Network
    from wavegan_tf.model import BATCH
    from wavegan_tf.models.networks import build_networks

    generator = build_networks(config, letters="G").generator
    latents = sample_latents(config, BATCH, seed=0)
    compiled = tf.function(generator)

    def run(z):
        return {name: x.numpy() for name, x in compiled(tf.constant(z)).items()}

    network = Network(run, 0, config.layers, "out", Reduction(), {})
    call = tf.function(lambda z: generator(z)["out"])
    plain_s, series_s, ratio = alternate(
        lambda: call(tf.constant(latents)).numpy(),
        lambda: list(network.take(latents, [{}] * BATCH, 0, range(BATCH))),
        10 * rounds,
    )
    per_s = {"plain": BATCH / plain_s, "series": BATCH / series_s}
    print(f"generation, outputs/s: plain {per_s['plain']:.1f}, with averages {per_s['series']:.1f}")
    return {
        "plain_outputs_per_s": round(per_s["plain"], 1),
        "averages_outputs_per_s": round(per_s["series"], 1),
        "averages_cost": round(ratio - 1, 3),
    }


def make_outputs(config, n):
    """Outputs like short words, vowel and fricative, and layers that are rectified and averaged."""
    rng = np.random.default_rng(0)
    time_s = (np.arange(config.slice_len) + 0.5) / config.sample_rate
    outputs = []
    for i in range(n):
        phase = 2 * np.pi * np.cumsum(100 + rng.uniform(0, 100) + 40 * time_s) / config.sample_rate
        vowel = sum(np.sin(k * phase) / k for k in range(1, 12)) * ((time_s > 0.3) & (time_s < 0.7))
        noise = np.diff(rng.normal(size=config.slice_len + 1)) * ((time_s > 0.1) & (time_s < 0.25))
        out = (0.2 * vowel + 0.05 * noise).astype(np.float32)
        series = {
            layer.name: np.maximum(out, 0).reshape(layer.length, -1).mean(axis=1)
            for layer in config.layers[:-1]
        }
        outputs.append(Output(i, 0, series | {"out": out}))
    return outputs


def time_processes(outputs, plan, rounds):
    """All outputs measured by one process and by two."""
    two_s, one_s, ratio = alternate(
        lambda: list(measure_outputs(outputs, plan, 2)),
        lambda: list(measure_outputs(outputs, plan, 1)),
        rounds,
    )
    per_s = {1: len(outputs) / one_s, 2: len(outputs) / two_s}
    print(f"measurement, outputs/s: 1 process {per_s[1]:.2f}, 2 processes {per_s[2]:.2f}")
    return {
        "outputs_per_s": round(per_s[1], 2),
        "jobs2_outputs_per_s": round(per_s[2], 2),
        "jobs2_speedup": round(ratio, 3),
    }


def time_praat(outputs, plan, rounds):
    """Measuring, the time inside the functions that call Praat and the time outside them."""
    calls, seconds = {name: [0, 0.0] for name in PRAAT_FUNCTIONS}, []

    def timed(name, function):
        def run(*args, **options):
            begun = time.perf_counter()
            result = function(*args, **options)
            calls[name][0] += 1
            calls[name][1] += time.perf_counter() - begun
            return result

        return run

    functions = {name: timed(name, getattr(praat, name)) for name in PRAAT_FUNCTIONS}
    with mock.patch.multiple(praat, **functions):
        for _ in range(rounds + 1):
            before, begun = sum(inside for _, inside in calls.values()), time.perf_counter()
            for output in outputs:
                measure_output(output, plan)
            inside = sum(inside for _, inside in calls.values()) - before
            seconds.append((time.perf_counter() - begun, inside))
    whole, inside = 1000 * np.array(seconds[1:]).T / len(outputs)  # ms per output, by round
    n = len(outputs) * (rounds + 1)
    for name, (number, total) in calls.items():
        print(f"  {name:<18}{number / n:>6.1f} calls, {1000 * total / n:>7.2f} ms per output")
    print(f"an output: {np.median(whole):.1f} ms, of which Praat {np.median(inside):.1f} ms")
    return {
        "ms_per_output": round(float(np.median(whole)), 2),
        "praat_overhead": round(float(np.median(whole / inside)) - 1, 3),
    }


if __name__ == "__main__":
    main()
