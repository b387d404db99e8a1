"""Draws the figures of docs/ anew: overview.png, and each other by the command in its caption.

  python tests/draw_figures.py               all of them
  python tests/draw_figures.py cdev probe    those of some pages

Numbers in captions are not changed: read them beside the results, which stay in docs_out/.
r_f0.png is drawn by the R code of the tutorial, docs/paper/ by `python -m wavegan_tf reproduce`.
"""

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import wavegan_tf as wg
from wavegan_tf.output.names import layer_title

ROOT = Path(__file__).parents[1]
CAPTION = re.compile(r"!\[[^\]]*\]\((\w+\.png)\)\n\n\*[^(]*\(`(--[^`]+)`, `(figures/\w+\.png)`\)")
SIZE_PX, COLORS = (1000, 900), 128


def captions():
    """The figures that commands draw: page, name, flags, and the file in the results."""
    return [
        (page.stem, *found)
        for page in sorted((ROOT / "docs").glob("*.md"))
        for found in CAPTION.findall(page.read_text(encoding="utf-8"))
    ]


def draw(page, name, flags, file):
    """Runs the command of a caption, and keeps its figure."""
    folder = ROOT / "docs_out" / page
    command = [sys.executable, "-m", "wavegan_tf", page, *shlex.split(flags)]
    subprocess.run([*command, f"--out_dir={folder}", "--overwrite"], cwd=ROOT, check=True)
    keep(folder / file, name)


def keep(source, name):
    """Keeps a figure in docs/, in few colours and no larger than a page."""
    image = Image.open(source).convert("RGB")
    image.thumbnail(SIZE_PX)
    image.quantize(COLORS, dither=Image.Dither.NONE).save(ROOT / "docs" / name, optimize=True)


def draw_overview():
    """Draws one output of a ciwGAN: its latent vector, the average of each layer, the sound."""
    model = wg.load("demo:reduplication")
    z, config = model.sample(1, seed=3, set="c1=1"), model.config
    layers = wg.average(model.activations(z))
    settings = wg.IntervalSettings(**model.settings.get("intervals", {}))
    intervals = wg.find_intervals(layers["out"][0], config.sample_rate, settings)
    figure, axes = plt.subplots(
        1, len(layers) + 1, figsize=(10, 2.8), layout="constrained", dpi=100,
        width_ratios=[0.35, *[1] * len(layers)],
    )  # fmt: skip
    colors = ["#222222"] * config.num_categ + ["#888888"] * (config.latent_dim - config.num_categ)
    axes[0].barh(np.arange(config.latent_dim), z[0], height=0.8, color=colors)
    axes[0].set(title="Latent\nvector", xlim=(-1, 1), ylim=(config.latent_dim - 0.5, -0.5))
    axes[0].set(xticks=[], yticks=[0.5, config.latent_dim - 1])
    axes[0].set_yticklabels(["code", f"z{config.latent_dim - config.num_categ}"], fontsize=8)
    duration_s = config.slice_len / config.sample_rate
    facts = model.layers.set_index("layer")
    for ax, (layer, values) in zip(axes[1:], layers.items(), strict=True):
        times_s = (np.arange(values.shape[1]) + 0.5) / values.shape[1] * duration_s
        ax.plot(times_s, values[0], color="#222222", linewidth=0.5 if layer == "out" else 1)
        for x in intervals:
            if x.label == "voiced":
                ax.axvspan(x.start_s, x.end_s, color="#e2eaf2", linewidth=0, zorder=0)
        what = "sound" if layer == "out" else f"{facts.loc[layer, 'channels']} maps"
        ax.set(
            title=f"{layer_title(layer)}\n{facts.loc[layer, 'rate_hz']:.5g} Hz, {what}", yticks=[]
        )
        ax.set_xlabel("s", fontsize=8)
    for ax in axes:
        ax.title.set_fontsize(9)
        ax.spines[["left", "top", "right"]].set_visible(False)
    axes[0].spines["bottom"].set_visible(False)
    drawn = io.BytesIO()
    figure.savefig(drawn)
    keep(drawn, "overview.png")


if __name__ == "__main__":
    figures = captions()
    pages = {"overview", *(page for page, *_ in figures)}
    wanted = {*sys.argv[1:]} or pages
    if unknown := wanted - pages:
        sys.exit(f"no figure of {', '.join(sorted(unknown))}; there are {', '.join(sorted(pages))}")
    if "overview" in wanted:
        draw_overview()
    for figure in figures:
        if figure[0] in wanted:
            draw(*figure)
