"""Writes a run directory as interpolate.py does, with invented values: what its figures read.

The first sweep brings in a burst at 0.15-0.30 s above a value of 0; every other base has no voice
at its lowest value.
"""

from itertools import product

import made_run
import numpy as np
from scipy import stats

from wavegan_tf.report.tables import read_csv, read_json, read_npz, write_csv, write_json, write_npz

BURST_S = (0.15, 0.30)
MEASURES = (
    ("voiced", "duration", "s"), ("voiced", "intensity", "dB"), ("voiced", "f0", "Hz"),
    ("frication", "duration", "s"), ("frication", "intensity", "dB"), ("frication", "cog", "Hz"),
)  # fmt: skip


def make_interpolation(directory, sweeps, n_bases=1, layers=4, between=None):
    """Write every file that figures of an interpolation read.

    ``sweeps``: {name: values}, the first slowest.
    """
    rng = np.random.default_rng(0)
    directory.mkdir(parents=True, exist_ok=True)
    table = made_run.layer_table(layers)
    cells = list(product(*sweeps.values()))
    vary = [{"name": name, "values": list(map(float, x))} for name, x in sweeps.items()]
    made_run._write_config(directory, table, "out", "generator", vary)
    config = read_json(directory / "config.json")
    write_json(directory / "config.json", config | {"n_bases": n_bases, "between": between})
    first = np.array([cell[0] for _ in range(n_bases) for cell in cells], float)
    steps = [
        {"id": i, "base": i // len(cells)} | dict(zip(sweeps, cells[i % len(cells)], strict=True))
        for i in range(len(first))
    ]
    write_csv(directory / "steps.csv", steps[0], steps)
    _write_series(directory, rng, table, first, len(cells))
    _write_measures(directory, rng, table, first, steps)
    write_tables(directory)
    return directory


def _write_series(directory, rng, table, first, cells):
    arrays = {}
    for row in table:
        times_s = (np.arange(row["length"]) + 0.5) / row["rate_hz"]
        burst = (times_s > BURST_S[0]) & (times_s < BURST_S[1])
        voice = (times_s > 0.4) & (times_s < 0.8)
        noise = rng.standard_normal((len(first), row["length"]), np.float32)
        size = 0.02 * np.maximum(first, 0)[:, None] * burst + 0.1 * voice + 0.001
        series = noise * size
        arrays[row["name"]] = series if row["name"] == "out" else 0.2 + np.abs(series)
    write_npz(directory / "series.npz", {name: x.astype("f4") for name, x in arrays.items()})


def _write_measures(directory, rng, table, first, steps):
    intervals, outputs = [], []
    for i, x in enumerate(first):
        base = steps[i]["base"]
        n = {"voiced": int(not (base % 2 and x == first.min())), "frication": int(x > 0)}
        output = {"id": i, "name": f"{i:04d}", "condition": "", "pair": base, "channel": 1}
        output |= {"n_voiced": n["voiced"], "n_frication": n["frication"], "n_silence": 0}
        outputs.append(output | {"measured": 1, "problem": ""})
        for row, (label, measure, unit) in product(table, MEASURES):
            if n[label] and (measure, row["name"]) != ("f0", "conv1"):
                middle, spread = made_run.TYPICAL[measure]
                value = middle + spread * (0.1 * x + 0.3 * rng.standard_normal())
                head = {"id": i, "channel": 1, "layer": row["name"], "interval": 1, "label": label}
                head |= {"start_s": 0.4, "end_s": 0.8, "measure": measure, "unit": unit}
                intervals.append(head | {"value": value, "reason": "", "flag": ""})
    write_csv(directory / "outputs.csv", outputs[0], outputs)
    columns = "id channel layer interval label start_s end_s measure unit value reason flag".split()
    write_csv(directory / "intervals.csv", columns, intervals)


def write_tables(directory):
    """Write the tables that follow from series and measures, plainly computed."""
    config, series = read_json(directory / "config.json"), read_npz(directory / "series.npz")
    shape = [config["n_bases"], *(len(sweep["values"]) for sweep in config["vary"])]
    rates = {row["name"]: row["rate_hz"] for row in config["layers"]}
    series = {name: x.astype(float) for name, x in series.items() if name in rates}
    values = _write_levels(directory, series) | _means(directory, shape)
    shares = _shares(directory)
    effects, responses, changes, spikes, bands = [], [], {}, [], []
    for k, sweep in enumerate(config["vary"]):
        other = tuple(i for i in range(1, len(shape)) if i != k + 1)
        for key, x in shares.items():
            responses += _responses(sweep, key, x.reshape(shape).mean(axis=other))
        for key, x in values.items():
            with np.errstate(invalid="ignore"):
                x = x.reshape(shape).mean(axis=other)
            effects.append(_effect(sweep, key, x))
            responses += _responses(sweep, key, x)
        for name, x in series.items():
            x = x.reshape(*shape, -1).mean(axis=other)  # [bases, steps, length]
            change = np.abs(np.diff(x, axis=1)).sum(axis=1).mean(axis=0)
            changes[f"{sweep['name']}/{name}"] = change
            spikes += _spikes(sweep["name"], name, change, rates[name])
            bands += _bands(sweep["name"], name, x, rates[name])
    write_csv(directory / "effects.csv", effects[0], effects)
    write_csv(directory / "responses.csv", responses[0], responses)
    write_npz(directory / "changes.npz", changes)
    for stem, rows in (("spikes", spikes), ("bands", bands)):
        if rows:
            write_csv(directory / f"{stem}.csv", rows[0], rows)
    if len(config["vary"]) > 1:
        rows = [_interaction(config["vary"][:2], key, x, shape) for key, x in values.items()]
        write_csv(directory / "interactions.csv", rows[0], rows)


def _write_levels(directory, series):
    rows, values = [], {}
    for name, x in series.items():
        rms = 10 * np.log10(np.mean(x**2, axis=1) + 1e-12)
        found = {("rms", "dB"): rms, ("peak", "1"): np.abs(x).max(axis=1)}
        found["distance", "1"] = 1 + np.abs(rms - rms.mean()) / (rms.std() or 1)
        if name == "out":
            found["saturation", "1"] = (np.abs(x) > 0.99).mean(axis=1)
        for (measure, unit), column in found.items():
            values["output", measure, unit, name] = column
            head = {"channel": 1, "layer": name, "measure": measure, "unit": unit}
            rows += [{"id": i} | head | {"value": float(v)} for i, v in enumerate(column)]
    write_csv(directory / "levels.csv", rows[0], rows)
    return values


def _shares(directory):
    rows = read_csv(directory / "outputs.csv")
    return {
        (label, "share", "1", "out"): np.array([row[f"n_{label}"] > 0 for row in rows], float)
        for label in ("voiced", "frication")
    }


def _means(directory, shape):
    sums = {}
    for row in read_csv(directory / "intervals.csv"):
        key = (row["label"], row["measure"], row["unit"], row["layer"])
        sums.setdefault(key, np.zeros((2, np.prod(shape))))
        if np.isfinite(row["value"]):
            sums[key][:, row["id"]] += (row["value"], 1)
    return {key: x / np.where(n, n, np.nan) for key, (x, n) in sums.items()}


def _effect(sweep, key, x):
    label, measure, unit, layer = key
    difference = x[:, -1] - x[:, 0]
    known = difference[np.isfinite(difference)]
    mean, lower, upper, p = _paired(known)
    verdict = "too few" if np.isnan(p) else "changes" if p < 0.01 else "no change shown"
    slope = mean / (sweep["values"][-1] - sweep["values"][0] or 1)
    return {
        "latent": sweep["name"], "channel": 1, "layer": layer, "label": label, "measure": measure,
        "unit": unit, "slope": slope, "slope_lower": lower, "slope_upper": upper, "rank_r": 0.5,
        "rank_r_lower": 0.4, "rank_r_upper": 0.6, "from_value": sweep["values"][0],
        "to_value": sweep["values"][-1], "difference": mean, "lower": lower, "upper": upper,
        "p": p, "p_holm": p, "n_bases": len(known), "n_values": len(sweep["values"]),
        **_from_middle(sweep["values"], x), "verdict": verdict,
    }  # fmt: skip


def _from_middle(values, x):
    """Of three values or more: both ends less the second value."""
    found = {"middle_value": values[1] if len(values) > 2 else float("nan")}
    for key, end in (("from_middle_first", 0), ("from_middle_last", -1)):
        y = x[:, end] - x[:, 1] if len(values) > 2 else np.zeros(0)
        y = y[np.isfinite(y)]
        numbers = dict(zip(("", "_lower", "_upper", "_p"), _paired(y), strict=True))
        found |= {key + name: number for name, number in numbers.items()}
        found |= {f"{key}_p_holm": numbers["_p"], f"{key}_n_bases": len(y)}
    return found


def _responses(sweep, key, x):
    label, measure, unit, layer = key
    head = {"latent": sweep["name"], "channel": 1, "layer": layer, "label": label}
    head |= {"measure": measure, "unit": unit}
    rows = []
    for value, column in zip(sweep["values"], x.T, strict=True):
        known = column[np.isfinite(column)]
        mean, lower, upper, _ = _paired(known)
        found = {"value": value, "mean": mean, "lower": lower, "upper": upper}
        rows.append(head | found | {"n_bases": len(known)})
    return rows


def _interaction(pair, key, x, shape):
    label, measure, unit, layer = key
    x = x.reshape(*shape[:3], -1)[..., 0]
    crossed = x[:, -1, -1] - x[:, -1, 0] - x[:, 0, -1] + x[:, 0, 0]
    known = crossed[np.isfinite(crossed)]
    mean, lower, upper, p = _paired(known)
    verdict = "too few" if np.isnan(p) else "interact" if p < 0.05 else "no interaction shown"
    return {
        "latent_a": pair[0]["name"], "latent_b": pair[1]["name"], "channel": 1, "layer": layer,
        "label": label, "measure": measure, "unit": unit, "interaction": mean, "lower": lower,
        "upper": upper, "p": p, "p_holm": p, "n_bases": len(known), "verdict": verdict,
    }  # fmt: skip


def _paired(known):
    nan = float("nan")
    if len(known) < 3 or not known.std() > 0:
        return (float(known.mean()) if len(known) else nan), nan, nan, nan
    test = stats.ttest_1samp(known, 0)
    return float(known.mean()), *map(float, test.confidence_interval()), float(test.pvalue)


def _spikes(latent, layer, change, rate_hz):
    order = np.argsort(-change)[:3]
    return [
        {
            "latent": latent, "layer": layer, "rank": rank, "time_s": (i + 0.5) / rate_hz,
            "start_s": max(0, i / rate_hz - 0.02), "end_s": (i + 1) / rate_hz + 0.02,
            "share": 0.3 / rank, "excess": 2.0, "n_bases": 1,
        }
        for rank, i in enumerate(order, 1) if change[i] > 0
    ]  # fmt: skip


def _bands(latent, layer, x, rate_hz):
    power = np.abs(np.fft.rfft(x[:, [0, -1]])) ** 2
    frequency_hz = np.fft.rfftfreq(x.shape[-1], 1 / rate_hz)
    edges, rows = rate_hz / 2 * 2.0 ** np.arange(-12, 0.1, 1 / 3), []
    for low_hz, high_hz in zip(edges, edges[1:], strict=False):
        inside = (frequency_hz >= low_hz) & (frequency_hz < high_hz)
        if inside.any():
            level = 10 * np.log10(power[..., inside].sum(axis=-1) + 1e-12)
            mean, lower, upper, _ = _paired(level[:, 1] - level[:, 0])
            rows.append(
                {
                    "latent": latent, "layer": layer, "low_hz": low_hz, "high_hz": high_hz,
                    "change_db": mean, "lower": lower, "upper": upper, "share": 0.1,
                    "n_bases": len(x),
                }
            )  # fmt: skip
    return rows
