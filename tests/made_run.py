"""Writes a run directory as probe.py does, with invented values: what figures and summary read."""

import numpy as np

from wavegan_tf.report.tables import write_csv, write_json, write_npz

RATE_HZ, SLICE_LEN, N_POINTS = 16000, 16384, 10
VOICED = {
    "f0": "Hz", "intensity": "dB", "f1": "Hz", "f2": "Hz", "f3": "Hz", "b1": "Hz", "b2": "Hz",
    "b3": "Hz", "hnr": "dB",
}  # fmt: skip
FRICATION = {"intensity": "dB", "cog": "Hz", "spectral_sd": "Hz", "skewness": "1", "kurtosis": "1"}
SILENCE = {"intensity": "dB"}
OF_INTERVALS = {
    "voiced": {"duration": "s", "voiced_share": "1", "zcr": "1/s", "cpps": "dB"},
    "frication": {"duration": "s", "voiced_share": "1", "zcr": "1/s"},
    "silence": {"duration": "s"},
}
LABELS = {"voiced": VOICED, "frication": FRICATION, "silence": SILENCE}
TYPICAL = {
    "f0": (180, 25), "intensity": (62, 6), "f1": (600, 120), "f2": (1600, 300), "f3": (2700, 300),
    "hnr": (12, 4), "cog": (4500, 900), "duration": (0.22, 0.05), "cpps": (14, 3),
}  # fmt: skip
VERDICTS = ("encoded", "not above random", "not above either", "inverse", "too few", "no control")


def layer_table(layers, network="generator"):
    """``layers`` intermediate layers of equal steps in rate, and the target."""
    step = 256 ** (1 / layers)
    rows = []
    for i in range(1, layers + 1):
        rate = RATE_HZ / step ** (layers + 1 - i if network == "generator" else i)
        length = round(rate * SLICE_LEN / RATE_HZ)
        channels = max(2, round(32 / step ** (0.5 * i)))
        rows.append({"name": f"conv{i}", "length": length, "channels": channels, "rate_hz": rate})
    target = {"name": "out", "length": SLICE_LEN, "channels": 1, "rate_hz": float(RATE_HZ)}
    if network == "generator":
        rows.append(target)
    else:
        rows.insert(0, target | {"name": "input"})
    return [row | {"nyquist_hz": row["rate_hz"] / 2} for row in rows]


def make_run(
    directory, layers=4, channels=1, network="generator", outputs=6, empty=False, conditions=(),
    words=0, vary=None,
):  # fmt: skip
    """Write every file of a run; with ``empty`` no interval was found and no value measured."""
    rng = np.random.default_rng(0)
    directory.mkdir(parents=True, exist_ok=True)
    table = layer_table(layers, network)
    target = "out" if network == "generator" else "input"
    _write_config(directory, table, target, network, vary)
    _write_series(directory, rng, table, target, channels, outputs)
    points, intervals = ([], []) if empty else _measured(rng, table, target, channels, outputs)
    write_csv(
        directory / "measurements.csv",
        "id channel layer interval label point time_s measure unit value reason flag".split(),
        points,
    )
    write_csv(
        directory / "intervals.csv",
        "id channel layer interval label start_s end_s measure unit value reason flag".split(),
        intervals,
    )
    names = [row["name"] for row in table if row["name"] != target]
    _write_statistics(directory, rng, names, channels, outputs, empty)
    if conditions:
        _write_differences(directory, rng, [*names, target], channels, conditions)
    _write_outputs(directory, channels, outputs, empty, network)
    if words:
        arrays = {row["name"]: rng.random((words, row["length"])) for row in table}
        names = [f"word{i}" for i in range(words)]
        write_npz(directory / "words.npz", {"word": names, "n": np.full(words, 7), **arrays})
    return directory


def _write_config(directory, table, target, network, vary):
    limits = {
        row["name"]: {
            "forbidden": {"f1": "the Nyquist is too low"} if row["rate_hz"] < 2000 else {},
            "warnings": ["f0: ceiling lowered"] if row["rate_hz"] == 250 else [],
        }
        for row in table
    }
    config = {
        "command": "interpolate" if vary else "probe",
        "flags": {"seed": 0},
        "versions": {"python": "3.11", "numpy": "1.26"},
        "network": network,
        "target": target,
        "checkpoint": {"prefix": "train/model.ckpt-1754", "sha256": "ab" * 32, "step": 1754},
        "model": {"model": "ciwgan", "dim": 16, "num_categ": 10},
        "sample_rate_hz": RATE_HZ,
        "slice_len": SLICE_LEN,
        "layers": table,
        "praat": "6.1.38",
        "settings": {"f0_floor_hz": 60.0, "f0_ceiling_hz": 300.0},
        "limits": limits,
    }
    write_json(directory / "config.json", config | ({"vary": vary} if vary else {}))


def _write_series(directory, rng, table, target, channels, outputs):
    arrays, maps = {"z": np.zeros((outputs, 4), np.float32)}, {}
    for row in table:
        shape = (outputs, row["length"], channels)
        if row["name"] != target or channels == 1:
            shape = shape[:2]
        noise = rng.standard_normal(shape, np.float32)
        arrays[row["name"]] = 0.2 * noise if row["name"] == target else np.abs(noise)
        if row["name"] != target:
            few = (min(2, outputs), row["length"], row["channels"])
            maps[row["name"]] = np.maximum(rng.standard_normal(few, np.float32), 0)
    write_npz(directory / "series.npz", arrays)
    write_npz(directory / "maps.npz", maps)


def _measured(rng, table, target, channels, outputs):
    points, means = [], []
    for output in range(outputs):
        for channel in range(1, channels + 1):
            bounds = np.cumsum([0.05, 0.15, 0.02, 0.25 + 0.02 * output, 0.3])
            places = [
                ("frication", *bounds[:2]),
                ("voiced", *bounds[2:4]),
                ("silence", *bounds[3:]),
            ]
            for interval, (label, start_s, end_s) in enumerate(places, 1):
                place = {"interval": interval, "label": label}
                ends = {"start_s": start_s, "end_s": end_s}
                for row in table:
                    head = {"id": output, "channel": channel, "layer": row["name"]} | place
                    for measure, unit in LABELS[label].items():
                        values = _values(rng, measure, row, target)
                        for k, value in enumerate(values, 1):
                            time_s = start_s + (k - 0.5) / N_POINTS * (end_s - start_s)
                            at = {"point": k, "time_s": time_s}
                            points.append(_cell(head | at, measure, unit, value))
                        means.append(_cell(head | ends, measure, unit, np.mean(values)))
                    for measure, unit in OF_INTERVALS[label].items():
                        value = _values(rng, measure, row, target)[0]
                        if measure == "duration":
                            slip_s = 0 if row["name"] == target else 0.01 * rng.standard_normal()
                            value = end_s - start_s + slip_s
                        means.append(_cell(head | ends, measure, unit, value))
    return points, means


def _values(rng, measure, row, target):
    middle, spread = TYPICAL.get(measure, (1.0, 0.2))
    if measure[0] in "fbc" and row["name"] != target and row["rate_hz"] < 1000:
        return np.full(N_POINTS, np.nan)
    hump = np.sin(np.linspace(0, np.pi, N_POINTS))
    return middle + spread * (hump + rng.standard_normal() + 0.3 * rng.standard_normal(N_POINTS))


def _cell(head, measure, unit, value):
    missing = bool(np.isnan(value))
    return head | {
        "measure": measure, "unit": unit, "value": float(value),
        "reason": "the layer's Nyquist is too low" if missing else "",
        "flag": "octave jump" if measure == "f0" and value > 240 else "",
    }  # fmt: skip


def _write_statistics(directory, rng, names, channels, outputs, empty):
    correlations, durations = [], []
    for channel in () if empty else range(1, channels + 1):
        for label, measures in LABELS.items():
            measures = measures | OF_INTERVALS[label]
            if label == "voiced":
                measures = {"f0": "Hz", "f0_semitones": "st re 100 Hz"} | measures
            for m, (measure, unit) in enumerate(measures.items()):
                for i, layer in enumerate(names):
                    verdict = VERDICTS[(i + m) % len(VERDICTS)]
                    correlations += _correlation_rows(
                        rng, channel, label, measure, unit, layer, verdict, outputs
                    )
            for layer in names:
                durations.append(
                    {
                        "channel": channel,
                        "label": label,
                        "layer": layer,
                        "beta": 0.96,
                        "beta_low": 0.9,
                        "beta_high": 1.02,
                        "intercept": 0.01,
                        "t": 30.31,
                        "p": 1e-12,
                        "adj_r2": 0.97,
                        "n": outputs,
                        "n_outputs": outputs,
                        "random_adj_r2": 0.2,
                    }  # fmt: skip
                )
    write_csv(
        directory / "correlations.csv",
        "channel label measure unit layer statistic value low high n n_outputs n_flagged random "
        "random_high n_random shuffled shuffled_high verdict".split(),
        correlations,
    )
    write_csv(
        directory / "durations.csv",
        "channel label layer beta beta_low beta_high intercept t p adj_r2 n n_outputs "
        "random_adj_r2".split(),
        durations,
    )


def _correlation_rows(rng, channel, label, measure, unit, layer, verdict, outputs):
    nan = float("nan")
    r = {"encoded": 0.8, "inverse": -0.7, "too few": nan}.get(verdict, 0.2) + 0.1 * rng.random()
    random, high = (nan, nan) if verdict == "no control" else (0.2, 0.31)
    row = {
        "channel": channel, "label": label, "measure": measure, "unit": unit, "layer": layer,
        "value": r, "low": r - 0.1, "high": r + 0.1, "n": 10 * outputs, "n_outputs": outputs,
        "n_flagged": 2, "random": random, "random_high": high,
        "n_random": 0 if verdict == "no control" else 5, "shuffled": random, "shuffled_high": high,
        "verdict": verdict,
    }  # fmt: skip
    return [row | {"statistic": kind} for kind in ("pearson", "within_output", "spearman")]


def _write_differences(directory, rng, names, channels, conditions):
    rows = []
    for channel in range(1, channels + 1):
        for condition in conditions[1:]:
            for measure, unit in (VOICED | OF_INTERVALS["voiced"]).items():
                for layer in names:
                    middle, spread = TYPICAL.get(measure, (1.0, 0.2))
                    difference = float(spread * rng.standard_normal())
                    p = 0.001 if abs(difference) > spread else 0.6
                    rows.append(
                        {
                            "channel": channel,
                            "label": "voiced",
                            "measure": measure,
                            "unit": unit,
                            "layer": layer,
                            "condition": condition,
                            "reference": conditions[0],
                            "mean_condition": middle + difference,
                            "mean_reference": middle,
                            "difference": difference,
                            "low": difference - spread / 2,
                            "high": difference + spread / 2,
                            "p": p,
                            "p_holm": p,
                            "n": 20,
                            "verdict": "differs" if p < 0.05 else "no difference shown",
                        }  # fmt: skip
                    )
    write_csv(directory / "differences.csv", rows[0], rows)


def _write_outputs(directory, channels, outputs, empty, network):
    rows = []
    for output in range(outputs):
        for channel in range(1, channels + 1):
            found = 0 if empty or output == outputs - 1 else 1
            row = {
                "id": output, "name": f"{output:04d}", "condition": "", "pair": output,
                "channel": channel, "peak": 0.8, "rms_db": -20.0, "clipped_share": 0.0,
                "n_voiced": found, "n_frication": found, "n_silence": found,
                "problem": "" if found else "no voiced interval",
            }  # fmt: skip
            rows.append(row if network == "generator" else row | {"word": "six"})
    write_csv(directory / "outputs.csv", rows[0], rows)
