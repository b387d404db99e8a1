"""Makes what report.html is written from, with invented values."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

RATE_HZ, SLICE_LEN = 16000, 16384
LENGTHS = {"conv1": 64, "conv2": 256, "conv3": 1024, "conv4": 4096}
SUMMARY = "# Found\n\n| Measure | Conv4 |\n| --- | ---: |\n| F0 | 0.62<br>low |\n\nr is **0.62**.\n"


class MadeRun(SimpleNamespace):
    """A result as the page reads it."""

    def table(self, name):
        return self.tables.get(name, pd.DataFrame())

    def summary(self):
        return self.text


def make_run(outputs=6, channels=1, network="generator", vary=None, series=True, intervals=True):
    """A run of four layers; of a classifier the target comes first."""
    rng = np.random.default_rng(0)
    target = "out" if network == "generator" else "input"
    lengths = {**LENGTHS, target: SLICE_LEN}
    rates = {name: RATE_HZ * length / SLICE_LEN for name, length in lengths.items()}
    arrays = {name: np.abs(rng.standard_normal((outputs, n))) for name, n in LENGTHS.items()}
    shape = (outputs, SLICE_LEN, channels)[: 3 if channels > 1 else 2]
    arrays[target] = 0.2 * rng.standard_normal(shape)
    both = [(i, c) for i in range(outputs) for c in range(1, channels + 1)]
    rows = [
        {
            "network": 0, "output": i, "channel": c, "layer": layer, "label": "voiced",
            "interval": 1, "start_s": 0.1, "end_s": 0.3, "measure": "f0", "unit": "Hz",
            "value": np.nan if layer == "conv1" else 120.0 + i,
            "reason": "too narrow" if layer == "conv1" else "",
            "flag": "octave jump" if layer == "conv2" else "",
        }
        for i, c in both if i < outputs - 1 for layer in lengths
    ]  # fmt: skip
    facts = {"name": "", "word": "", "peak": 0.8, "rms_db": -20.0, "clipped_share": 0.0}
    if network != "generator":
        facts |= {"name": "six_1.wav", "word": "six"}
    tables = {
        "outputs": pd.DataFrame(
            [{"network": 0, "output": i, "channel": c, **facts, "problem": ""} for i, c in both]
        ),
        "design": pd.DataFrame({"output": range(outputs), "base": range(outputs), "condition": ""}),
        "latents": pd.DataFrame({"output": range(outputs), "c1": 1.0, "z1": 0.5}),
    }
    if intervals:
        tables["intervals"] = pd.DataFrame(rows)
    if vary:
        tables["values"] = pd.DataFrame(
            {"output": i, "channel": 1, "layer": layer, "label": "output", "measure": "rms",
             "unit": "dB", "value": -20.5 - i}
            for i in range(outputs) for layer in ("conv4", "out")
        )  # fmt: skip
        tables["spikes"] = pd.DataFrame(
            [{"latent": "z11", "layer": "out", "rank": 1, "start_s": 0.15, "end_s": 0.3,
              "share": 0.62}]
        )  # fmt: skip
    settings = {
        "kind": "interpolate" if vary else "probe",
        "flags": {"seed": 0},
        "versions": {"python": "3.11"},
        "network": network,
        "target": target,
        "checkpoint": {"prefix": "train/model.ckpt-1754", "sha256": "ab" * 32, "step": 1754},
        "model": {"model": "ciwgan"},
        "sample_rate_hz": RATE_HZ,
        "slice_len": SLICE_LEN,
        "praat_version": "6.1.38",
        "layers": [
            {"layer": name, "rate_hz": rate, "nyquist_hz": rate / 2} for name, rate in rates.items()
        ],
    } | ({"vary": [{"name": k, "values": v} for k, v in vary.items()]} if vary else {})
    return MadeRun(
        kind=settings["kind"], settings=settings, tables=tables, text=SUMMARY,
        arrays={"series": arrays} if series else {},
    )  # fmt: skip
