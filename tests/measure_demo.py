"""Does a model sound like its corpus? Outputs and clips measured in the same way, side by side.

  python tests/measure_demo.py --ckpt=train/stv_small --corpus_dir=corpora/stv --out=measured.csv

Shares and quantiles over --n outputs and as many clips: voice, frication, durations, F0, intensity,
formants, diversity; and how often the Q-network, where the checkpoint has one, names the code.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pandas as pd

from wavegan_tf.checkpoints.open import open_checkpoint
from wavegan_tf.data.recordings import find_recordings, load_recording
from wavegan_tf.latents import sample_latents
from wavegan_tf.output.files import write_table
from wavegan_tf.speech.intervals import find_intervals
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings
from wavegan_tf.stats.health import diversity
from wavegan_tf.training.evaluation import Evaluation, fresh_latents

QUANTILES = (0.05, 0.5, 0.95)
MEASURES = ("duration", "f0", "intensity", "f1", "f2", "hnr", "cog")
S_ABOVE_HZ = 4500  # has most energy of [s], but not of bursts and aspiration


def describe(audio, config, f0_range):
    """Shares and quantiles, by name, of sounds [n, slice_len, channels]."""
    floor_hz, ceiling_hz = map(float, f0_range.split(","))
    plan = Plan(
        config.layers[-1:], "out", config.sample_rate, config.slice_len,
        PraatSettings(f0_floor_hz=floor_hz, f0_ceiling_hz=ceiling_hz),
        IntervalSettings(voicing_floor_hz=floor_hz, voicing_ceiling_hz=ceiling_hz),
    )  # fmt: skip
    sounds = (Output(i, 0, {"out": sound}) for i, sound in enumerate(audio))
    tables, _ = gather(measure_outputs(sounds, plan, 2), plan)
    outputs, rows = tables["outputs"], tables["intervals"]
    rows = rows[(rows["label"] != "silence") & rows["measure"].isin(MEASURES)]
    values = {
        f"{label} {measure} ({unit})": part["value"].to_numpy()
        for (label, measure, unit), part in rows.groupby(
            ["label", "measure", "unit"], observed=True
        )
    }
    found = {"diversity": diversity(audio)}
    for label in ("voiced", "frication"):
        found[f"share with {label}"] = (outputs[f"n_{label}"] > 0).mean()
    s_settings = IntervalSettings(frication_above_hz=S_ABOVE_HZ)
    with_s = [
        any(
            x.label == "frication"
            for x in find_intervals(sound[:, 0], config.sample_rate, s_settings)
        )
        for sound in audio
    ]
    found[f"share with [s] (frication above {S_ABOVE_HZ} Hz)"] = np.mean(with_s)
    found["share with two voiced intervals"] = (outputs["n_voiced"] > 1).mean()
    values = {"RMS (dB)": outputs["rms_db"].to_numpy()} | dict(sorted(values.items()))
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
        write_table(options.out, pd.DataFrame(rows))


if __name__ == "__main__":
    main()
