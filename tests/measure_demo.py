"""Does a model sound like its corpus? Outputs and clips measured in the same way, side by side.

  python tests/measure_demo.py --ckpt=train/stv_small --corpus_dir=corpora/stv --out=measured.csv

Shares and quantiles over --n outputs and as many clips: voice, frication, durations, F0, intensity,
formants, diversity; and how often the Q-network, where the checkpoint has one, names the code.
With --out it also prints the table of the model's card, its README.md.
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
# Rows of a model's card: title, quantity, digits, kind.
CARD = (
    ("outputs with voice", "share with voiced", 0, "share"),
    ("outputs with frication", "share with frication", 0, "share"),
    ("outputs with [s]", f"share with [s] (frication above {S_ABOVE_HZ} Hz)", 0, "share"),
    ("F0, median (5 to 95 %), Hz", "voiced f0 (Hz)", 0, "range"),
    ("F1, median (5 to 95 %), Hz", "voiced f1 (Hz)", 0, "range"),
    ("F2, median (5 to 95 %), Hz", "voiced f2 (Hz)", 0, "range"),
    ("voiced interval, median (5 to 95 %), s", "voiced duration (s)", 2, "range"),
    ("harmonicity, median (5 to 95 %), dB", "voiced hnr (dB)", 1, "range"),
    ("RMS, median (5 to 95 %), dB", "RMS (dB)", 1, "range"),
    ("diversity", "diversity", 2, "number"),
    ("codes that the Q-network names", "Q_accuracy", 0, "share"),
)


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


def card_table(measured):
    """The table of a model's card, in Markdown, of what --out holds."""
    corpus, model = (measured.set_index("quantity")[name] for name in ("corpus", "model"))

    def cell(values, quantity, digits, kind):
        if kind == "range":
            low, middle, high = (f"{values[f'{quantity} {q:.0%}']:.{digits}f}" for q in QUANTILES)
            return f"{middle} ({low} to {high})"
        value = values[quantity]
        if np.isnan(value):
            return ""
        return f"{100 * value:.0f} %" if kind == "share" else f"{value:.{digits}f}"

    rows = [
        f"| {title} | {cell(corpus, *how)} | {cell(model, *how)} |"
        for title, *how in CARD
        if any(name.startswith(how[0]) for name in model.index)
    ]
    return "\n".join(["| | corpus | model |", "|---|---|---|", *rows])


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
        print(card_table(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
