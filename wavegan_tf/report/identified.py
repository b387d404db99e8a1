"""What an identification found, in words and tables: summary.md, and a table for the terminal.

Everything is read from config.json and the tables that were written before.
"""

from pathlib import Path

import numpy as np

from wavegan_tf.analysis.causes import identify
from wavegan_tf.analysis.causes.properties import BINARY, CATEGORIES, PRESENCE, parse_property
from wavegan_tf.report import figures
from wavegan_tf.report import identified_sections as sections
from wavegan_tf.report import identified_words as words
from wavegan_tf.report.identification import TOGETHER, read_labels, read_settings, read_steps
from wavegan_tf.report.tables import read_csv, read_json, stream_csv

STAGES = {
    "": "the outputs that were drawn",
    "proof": "proof/",
    "codes": "codes/",
    "pairs": "pairs/",
}

SET = {"proof": ("role", "value"), "codes": ("value",), "pairs": ("value_a", "value_b")}
"""Columns of steps.csv that say what was set, by stage."""

EFFECT = ("effect", "lower", "upper")


def conclude(out_dir: str | Path, draw: bool) -> list[str]:
    """Figures and summary of an identification, from its files; prints the table.

    Args:
        out_dir: what the command wrote.
        draw: whether figures are drawn.

    Returns:
        Sentences on what could not be measured; none if all went well.
    """
    if draw:
        figures.draw_figures(out_dir)
    write_summary(out_dir)
    print(table_text(out_dir))
    return complaints(out_dir)


def complaints(out_dir: str | Path) -> list[str]:
    """Which stages have outputs that were not measured, in sentences."""
    sentences = []
    for name, title in STAGES.items():
        path = Path(out_dir) / name / "outputs.csv"
        measured = {int(i): flag for i, flag in stream_csv(path, ("id", "measured"))}
        failed = sum(flag == "0" for flag in measured.values())
        if failed:
            sentences.append(
                f"{title}: {failed} of {len(measured)} outputs could not be measured; outputs.csv "
                "says why"
            )
    return sentences


def write_summary(out_dir: str | Path) -> Path:
    """Write ``out_dir/summary.md``.

    Args:
        out_dir: an identification, with config.json, labels.csv and whatever further tables there
            are.

    Returns:
        The path written.
    """
    found = Found(out_dir)
    blocks = [
        f"# What causes {found.name}",
        *found.what_was_run(),
        *words.conclusions(found),
        *sections.ranking(found),
        *sections.proof(found),
        *sections.codes(found),
        *sections.pairs(found),
    ]
    path = Path(out_dir) / "summary.md"
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n\n".join(blocks) + "\n")
    return path


class Found:
    """The tables of an identification, each a list of rows, empty where it was not written."""

    def __init__(self, out_dir):
        """Reads them."""
        out_dir = Path(out_dir)
        self.run = read_json(out_dir / "config.json")
        self.config, self.settings = read_settings(out_dir)
        names = ("ranking", "proof", "trends", "contrasts", "codes", "code_tests", "pairs")
        names += ("interactions",)
        for name in names:
            path = out_dir / f"{name}.csv"
            setattr(self, name, read_csv(path) if path.is_file() else [])
        self.ids, self.labels = read_labels(out_dir)
        self.wanted = parse_property(self.config["property"]) if self.config["property"] else None
        stages = {name: out_dir / name for name in SET if (out_dir / name).is_dir()}
        self.clipped = {name: _clipped(path, *SET[name]) for name, path in stages.items()}
        self.codes_generated = "codes" in stages
        self.proved = {}
        if "proof" in stages:
            self.proved = read_json(stages["proof"] / "config.json")["identify"]

    @property
    def name(self) -> str:
        """What was ranked by, in a heading."""
        config = self.config
        if not config["by_hand"]:
            return f"`{config['property']}`"
        return f"the label `{config['label']}`" if config["label"] else "the labels"

    @property
    def binary(self) -> bool:
        """Whether it is a yes or no."""
        return self.config["kind"] == BINARY

    def y(self) -> np.ndarray:
        """The labels as numbers, ``[n]``, NaN for none."""
        return self.labels.values(self.ids, self.config["label"])

    def what_was_run(self) -> list[str]:
        """Paragraphs on the checkpoint, and on the outputs and their labels."""
        checkpoint, model = self.run["checkpoint"], self.run["model"]
        text = (
            f"`{checkpoint['prefix']}` (step {checkpoint['step']}, SHA-256 "
            f"{checkpoint['sha256'][:12]}): {model['model']}, {len(self.ids)} outputs drawn with "
            f"seed {self.config['seed']}"
        )
        if self.run["flags"].get("latents"):
            text = text.rpartition(" drawn")[0] + " of the latent vectors given"
        versions = self.run["versions"] | {"Praat": self.run["praat"]}
        rest = ", ".join(f"{name} {version}" for name, version in versions.items())
        return [f"{text}. {self._labelled()}", f"Versions: {rest}."]

    def _labelled(self):
        """How the labels are distributed."""
        n, source = len(self.ids), "labelled by hand" if self.config["by_hand"] else "measured"
        if self.config["kind"] == CATEGORIES:
            counts = [
                f"{name} {sum(text == name for text in self.labels.texts.values())}"
                for name in self.labels.categories
            ]
            return f"{len(self.labels.texts)} of them are {source}: {', '.join(counts)}."
        y = self.y()
        there = y[np.isfinite(y)]
        what = "label" if self.config["by_hand"] else "value"
        left_out = f" {n - len(there)} have no {what} and are left out." if len(there) < n else ""
        if self.binary:
            count = int(there.sum())
            lower, upper = identify.proportion_interval(count, len(there), self.settings.confidence)
            what = f"have the label `{self.config['label']}`" if self.config["label"] else "are yes"
            if not self.config["by_hand"]:
                what = f"have the property ({_explained(self.wanted)})"
            return (
                f"{count} of {len(there)} {what}: {100 * count / len(there):.1f} % "
                f"[{100 * lower:.1f}, {100 * upper:.1f}], {source}.{left_out}"
            )
        unit = "" if self.config["by_hand"] or self.wanted.unit == "1" else f" {self.wanted.unit}"
        return (
            f"Mean {there.mean():.4g}{unit}, SD {there.std(ddof=1):.3g}, over {len(there)} "
            f"outputs, {source}.{left_out}"
        )


def _clipped(stage, *columns):
    """Share of outputs with clipped samples by the values set, ``(25.0,)``, of latents alone."""
    steps = read_steps(stage, columns)
    rows = stream_csv(stage / "outputs.csv", ("channel", "clipped_share"))
    has = np.array([float(share) > 0 for channel, share in rows if channel == "1"])
    names = [name for name in columns if name != "role"]
    keys = list(zip(*(steps[name].tolist() for name in names), strict=True))
    alone = steps["role"] != TOGETHER if "role" in steps else np.ones(len(has), bool)
    found = {}
    for key, flag, counts in zip(keys, has.tolist(), alone.tolist(), strict=True):
        if counts:
            found.setdefault(key, []).append(flag)
    return {key: float(np.mean(flags)) for key, flags in sorted(found.items())}


def _explained(wanted):
    """A property in words."""
    return f"an output {PRESENCE[wanted.name]}" if wanted.name in PRESENCE else wanted.text


def table_text(out_dir: str | Path) -> str:
    """A table for the terminal: the best latents, and what generating with them showed."""
    found = Found(out_dir)
    lines = [found.what_was_run()[0].split("). ")[-1].split(". ", 1)[-1]]
    if found.ranking:
        header = "".join(f"{name:>8}" for name in ("score", "p (any)", *EFFECT))
        lines.append(f"{'latent':<8}{header}  verdict")
    for row in found.ranking[: len(found.proved.get("proved", ())) or sections.N_RANKED]:
        cells = [words.number(row["score"]), words.p_value(row["p_any"])]
        numbers = "".join(f"{x:>8}" for x in [*cells, *(words.number(row[x]) for x in EFFECT)])
        proof = f"; {words.shown(found, row['latent']) or 'no change shown'}" if found.proof else ""
        lines.append(f"{row['latent']:<8}{numbers}  {row['verdict']}{proof}")
    lines += words.code_lines(found)
    lines += [
        f"{row['latent_a']} * {row['latent_b']}: interaction "
        f"{words.interval(row, 'interaction', 'lower', 'upper')}, {row['verdict']}"
        for row in found.interactions
    ]
    lines += [text for text in words.notes(found)]
    return "\n".join(lines)
