"""Makes the result of a probe with invented values: what figures and summary read."""

import itertools

import numpy as np
import pandas as pd

from wavegan_tf.experiments.result import Result
from wavegan_tf.stats.correlate import CORRELATION_COLUMNS, DURATION_COLUMNS, average_contours
from wavegan_tf.stats.effects import DIFFERENCE_COLUMNS
from wavegan_tf.stats.resampling import StatisticsSettings

RATE_HZ, SLICE_LEN, N_POINTS = 16000, 16384, 10
POINTS = {
    "voiced": {"f0": "Hz", "intensity": "dB", "f1": "Hz", "f2": "Hz", "hnr": "dB"},
    "frication": {"intensity": "dB", "cog": "Hz"},
    "silence": {"intensity": "dB"},
}
WHOLE = {
    "voiced": {"duration": "s", "cpps": "dB"},
    "frication": {"duration": "s", "zcr": "1/s"},
    "silence": {"duration": "s"},
}
SPANS_S = {"frication": (0.05, 0.2), "voiced": (0.22, 0.47), "silence": (0.47, 0.77)}
TYPICAL = {"f0": (180, 25), "f1": (600, 120), "f2": (1600, 300), "duration": (0.22, 0.05)}
VERDICTS = ("encoded", "as random", "as both controls", "inverse", "too few", "few networks")


def layers_table(layers, network):
    """Layers of equal steps in rate, and the target: the last of a Generator, else the first."""
    steps = np.arange(layers, -1, -1) if network == "generator" else np.arange(layers + 1)
    rate_hz = RATE_HZ / 256 ** (steps / layers)
    target = layers if network == "generator" else 0
    names = [f"conv{i}" for i in range(1, layers + 1)]
    names.insert(target, "out" if network == "generator" else "input")
    length = (rate_hz * SLICE_LEN / RATE_HZ).round().astype(int)
    table = {"layer": names, "length": length, "channels": [4] * (layers + 1), "rate_hz": rate_hz}
    table["channels"][target] = 1
    return pd.DataFrame(table | {"nyquist_hz": rate_hz / 2})


def measured(rng, layers, channels, outputs):
    """Points and intervals: one of each label in every output but the last; conv1 has no F0."""
    points, whole = [], []
    for i, c, layer in itertools.product(range(outputs - 1), range(1, channels + 1), layers):
        for k, (label, (start_s, end_s)) in enumerate(SPANS_S.items(), start=1):
            head = {
                "output": i, "channel": c, "layer": layer, "label": label,
                "interval": k, "start_s": start_s, "end_s": end_s,
            }  # fmt: skip
            for measure, unit in (POINTS[label] | WHOLE[label]).items():
                middle, spread = TYPICAL.get(measure, (60, 6))
                missing = layer == "conv1" and measure == "f0"
                jumps = measure == "f0" and not missing
                for point in range(1, N_POINTS + 1) if measure in POINTS[label] else (0,):
                    value = middle + spread * rng.standard_normal()
                    row = head | {
                        "point": point, "measure": measure, "unit": unit,
                        "value": np.nan if missing else value,
                        "reason": "the layer's Nyquist is too low" if missing else "",
                        "flag": "octave jump" if jumps and value > 200 else "",
                    }  # fmt: skip
                    (points if point else whole).append(row)
    return pd.DataFrame(points), pd.DataFrame(whole).drop(columns="point")


def correlations(rng, layers, channels, outputs):
    rows = []
    for channel, label in itertools.product(range(1, channels + 1), POINTS):
        for m, (measure, unit) in enumerate((POINTS[label] | WHOLE[label]).items()):
            for i, layer in enumerate(layers):
                verdict = VERDICTS[(i + m) % len(VERDICTS)]
                r = {"encoded": 0.8, "inverse": -0.7, "too few": np.nan}.get(verdict, 0.2)
                r += 0.1 * rng.random()
                p = {"encoded": 0.001, "inverse": 0.002, "as random": 0.3, "as both controls": 0.5}
                p_of = p.get(verdict, np.nan)
                level = (np.nan,) * 3 if verdict == "few networks" else (0.2, 0.1, 0.31)
                numbers = (r, r - 0.1, r + 0.1, 10 * outputs, outputs, 2)
                controls = (*level, 20, outputs, p_of, *level, outputs, p_of)
                for kind in ("pearson", "within_output", "spearman"):
                    ps = (p_of, p_of, verdict) if kind == "pearson" else (np.nan, np.nan, "")
                    about = (channel, label, measure, unit, layer, kind)
                    rows.append((*about, *numbers, *controls, *ps))
    return pd.DataFrame(rows, columns=CORRELATION_COLUMNS)


def durations(layers, channels, outputs):
    fit = (0.96, 0.9, 1.02, 0.01, 30.31, 1e-12, 0.97, outputs, outputs, 0.2, 20)
    keys = itertools.product(range(1, channels + 1), POINTS, layers)
    return pd.DataFrame([(*key, *fit) for key in keys], columns=DURATION_COLUMNS)


def differences(rng, layers, channels, conditions):
    rows = []
    keys = itertools.product(range(1, channels + 1), conditions[1:], POINTS["voiced"], layers)
    for channel, condition, measure, layer in keys:
        x = rng.standard_normal()
        p = 0.001 if abs(x) > 1 else 0.6
        what = (channel, "voiced", measure, "Hz", layer, condition, conditions[0])
        verdict = "differs" if p < 0.05 else "no difference shown"
        rows.append((*what, 5 + x, 5, x, x - 0.5, x + 0.5, p, p, 20, verdict))
    return pd.DataFrame(rows, columns=DIFFERENCE_COLUMNS)


def make_probe(
    layers=4, channels=1, network="generator", outputs=6, empty=False, conditions=(), words=0
):
    """A result; with ``empty`` no interval was found and no value measured."""
    rng = np.random.default_rng(0)
    about = layers_table(layers, network)
    target = "out" if network == "generator" else "input"
    names = [name for name in about["layer"] if name != target]
    limits = {
        name: {
            "forbidden": {"f1": "too narrow"} if name == "conv1" else {},
            "warnings": ["f0: ceiling lowered"] if name == "conv2" else [],
        }
        for name in about["layer"]
    }
    settings = {
        "network": network, "target": target, "n": outputs, "outputs": [0, outputs],
        "checkpoint": {"prefix": "train/model.ckpt-1754", "sha256": "ab" * 32, "step": 1754},
        "model": {"model": "ciwgan"}, "sample_rate_hz": RATE_HZ, "slice_len": SLICE_LEN,
        "layers": about.to_dict("records"), "reduce": "mean", "limits": limits,
        "clip": False, "strides_hz": [62.5, 125, 250],
        "praat": {"f0_floor_hz": 60.0, "f0_ceiling_hz": 300.0},
        "statistics": {"confidence": 0.95, "min_outputs": 3, "min_pairs": 3},
        "options": {"max_figures": 1, "annotations": None, "controls": 20},
    }  # fmt: skip
    facts = {"name": "", "word": "", "measured": True}
    facts |= {"peak": 0.8, "rms_db": -20.0, "clipped_share": 0.0}
    if network != "generator":
        facts |= {"name": "six_1.wav", "word": "six"}
    each = [(i, c) for i in range(outputs) for c in range(1, channels + 1)]
    found = [0 if empty or i == outputs - 1 else 1 for i, _ in each]
    outputs_table = pd.DataFrame(each, columns=["output", "channel"]).assign(**facts)
    problems = ["" if n else "silent" for n in found]
    tables = {"layers": about, "outputs": outputs_table.assign(n_voiced=found, problem=problems)}
    if not empty:
        tables["points"], tables["intervals"] = measured(rng, about["layer"], channels, outputs)
        tables["correlations"] = correlations(rng, names, channels, outputs)
        tables["durations"] = durations(names, channels, outputs)
        tables["contours"] = average_contours(tables["points"], StatisticsSettings())
    if conditions:
        tables["differences"] = differences(rng, [*names, target], channels, conditions)
    shape = {row.layer: (outputs, row.length) for row in about.itertuples()}
    if channels > 1:
        shape[target] = (*shape[target], channels)
    arrays = {
        "series": {name: 0.2 * rng.standard_normal(each) for name, each in shape.items()},
        "maps": {name: rng.random((1, shape[name][1], 4)) for name in names},
    }
    if words:
        arrays["words"] = {"word": np.array([f"word{i}" for i in range(words)])}
        arrays["words"] |= {"n": np.arange(words, 0, -1)}
        arrays["words"] |= {name: rng.random((words, shape[name][1])) for name in about["layer"]}
    return Result("probe", settings, tables, arrays)
