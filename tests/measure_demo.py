"""Does a model sound like its corpus? Outputs and clips measured in the same way, side by side.

  python tests/measure_demo.py --ckpt=train/stv_small --corpus_dir=corpora/stv --out=measured.csv

Shares and quantiles over --n outputs and as many clips: voice, frication, durations, F0, intensity,
formants, diversity; and how often the Q-network, where the checkpoint has one, names the code.
"""

import argparse
import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from wavegan_tf.analysis.annotation import AnnotationSettings, annotate
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.data.recordings import find_recordings, load_recording
from wavegan_tf.latents import sample_latents
from wavegan_tf.probing.measuring import INTERVAL_COLUMNS, Item, Job, Plan, measure_all
from wavegan_tf.report.tables import write_csv
from wavegan_tf.watching.evaluation import Evaluation, fresh_latents
from wavegan_tf.watching.signs import diversity

QUANTILES = (0.05, 0.5, 0.95)
MEASURES = ("duration", "f0", "intensity", "f1", "f2", "hnr", "cog")
S_ABOVE_HZ = 4500  # has most energy of [s], but not of bursts and aspiration


def describe(audio, config, f0_range):
    """Shares and quantiles, by name, of sounds [n, slice_len, channels]."""
    floor_hz, ceiling_hz = map(float, f0_range.split(","))
    acoustic = AcousticSettings(f0_floor_hz=floor_hz, f0_ceiling_hz=ceiling_hz)
    plan = Plan(
        config.layers[-1:], "out", config.sample_rate, config.slice_len, acoustic,
        AnnotationSettings(voicing_floor_hz=floor_hz, voicing_ceiling_hz=ceiling_hz),
    )  # fmt: skip
    jobs = (Job(Item(i), 0, {"out": sound}) for i, sound in enumerate(audio))
    values, outputs = {}, []
    for result in measure_all(jobs, plan, 2):
        outputs += result.outputs
        for cells in csv.reader(result.intervals.splitlines()):
            row = dict(zip(INTERVAL_COLUMNS, cells, strict=True))
            if row["label"] == "silence" or row["measure"] not in MEASURES:
                continue
            name = f"{row['label']} {row['measure']} ({row['unit']})"
            values.setdefault(name, []).append(float(row["value"]))
    found = {"diversity": diversity(audio)}
    for label in ("voiced", "frication"):
        found[f"share with {label}"] = np.mean([row[f"n_{label}"] > 0 for row in outputs])
    s_settings = AnnotationSettings(frication_above_hz=S_ABOVE_HZ)
    with_s = [
        any(x.label == "frication" for x in annotate(sound[:, 0], config.sample_rate, s_settings))
        for sound in audio
    ]
    found[f"share with [s] (frication above {S_ABOVE_HZ} Hz)"] = np.mean(with_s)
    found["share with two voiced intervals"] = np.mean([row["n_voiced"] > 1 for row in outputs])
    values = {"RMS (dB)": [row["rms_db"] for row in outputs]} | dict(sorted(values.items()))
    for name, each in values.items():
        if np.isfinite(each).any():
            for q in QUANTILES:
                found[f"{name} {q:.0%}"] = np.nanquantile(each, q)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ckpt", required=True)
    parser.add_argument("--corpus_dir", required=True)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--f0_range", default="60,300")
    parser.add_argument("--out")
    options = parser.parse_args()
    opened = open_checkpoint(options.ckpt)
    config, evaluation = opened.config, Evaluation(opened.networks, opened.config)
    paths = find_recordings(options.corpus_dir)
    chosen = np.random.default_rng(options.seed).choice(paths, min(options.n, len(paths)), False)
    clips = [load_recording(f"{options.corpus_dir}/{path}", config).samples for path in chosen]
    corpus = describe(np.stack(clips), config, options.f0_range)
    latents = sample_latents(config, options.n, options.seed)
    model = describe(evaluation.generate(latents), config, options.f0_range)
    names = [*corpus, *(name for name in model if name not in corpus)]
    missing = float("nan")
    rows = [
        {"quantity": x, "corpus": corpus.get(x, missing), "model": model.get(x, missing)}
        for x in names
    ]
    if opened.networks.q is not None:
        z = fresh_latents(config, options.n, options.seed, opened.step)
        for name, share in evaluation.q_accuracy(z).items():
            rows.append({"quantity": name, "corpus": missing, "model": share})
    print(f"{opened.checkpoint.prefix}, step {opened.step}: {options.n} outputs")
    for row in rows:
        print(f"{row['quantity']:45} {row['corpus']:10.3f} {row['model']:10.3f}")
    if options.out:
        write_csv(options.out, rows[0], rows)


if __name__ == "__main__":
    main()
