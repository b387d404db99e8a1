"""Which variable carries a property: the ranking, the proofs by generation, codes and pairs."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wavegan_tf.analysis.causes.identify import ABOVE_CHANCE
from wavegan_tf.analysis.causes.properties import CONTINUOUS, parse_property
from wavegan_tf.report import reading
from wavegan_tf.report.figures.cells import draw_categories, draw_code_shares, draw_pairs
from wavegan_tf.report.figures.proofs import draw_doses, draw_proof, read_proof
from wavegan_tf.report.figures.style import (
    BLUE,
    GREY,
    ORANGE,
    SMALL_PT,
    WIDTH_IN,
    save_all,
)
from wavegan_tf.report.identified_words import code_differences, code_level

MAX_RANKED = 20


class Asked(NamedTuple):
    """What was asked for: by the ranking, and by what was generated (None for labels by hand)."""

    ranked: str
    continuous: bool
    unit: str
    wanted: object | None
    percent: str


def draw_identification_figures(out_dir: str | Path) -> list[Path]:
    """Draw what a run of identify found into ``out_dir/figures``, each as PNG and PDF.

    ``ranking`` (ranking.csv), ``proof`` (proof.csv, trends.csv, contrasts.csv, codes.csv,
    code_tests.csv), ``doses`` (proof.csv, trends.csv), ``codes`` (codes.csv, code_tests.csv; of
    labels of several categories ``codes_1`` .., one for each value) and ``pairs`` (pairs.csv,
    interactions.csv). A figure whose table is not there is left out.

    Args:
        out_dir: the run, with config.json.

    Returns:
        The paths written, in order.

    Raises:
        InputError: ``out_dir`` has no config.json, or a table lacks a column.
    """
    run = reading.open_run(out_dir)
    asked = _asked(run.config["identify"])
    kinds = (_ranking_figure, _proof_figures, _code_figures, _pair_figure)
    return save_all(
        run.directory, itertools.chain.from_iterable(kind(run.directory, asked) for kind in kinds)
    )


def _asked(about):
    """Names, kinds and units of what config.json asks for."""
    wanted = parse_property(about["property"]) if about["property"] else None
    by_hand = about["by_hand"]
    return Asked(
        (about["label"] or "the label") if by_hand else about["property"],
        about["kind"] == CONTINUOUS,
        "1" if by_hand else wanted.unit,
        wanted,
        f"{100 * about['settings']['confidence']:g} %",
    )


def _ranking_figure(directory, asked) -> Iterator[tuple[str, Figure]]:
    """The ranking, if anything varied."""
    rows = reading.read_rows(
        directory / "ranking.csv",
        "latent verdict",
        "rank score null_score_upper effect lower upper univariate n",
    )
    if any(np.isfinite(row["effect"]) for row in rows):
        yield "ranking", draw_ranking(rows, asked)


def _proof_figures(directory, asked) -> Iterator[tuple[str, Figure]]:
    """Shares or means, and of a property that is there or not its doses."""
    if asked.wanted is None:
        return
    continuous = asked.wanted.kind == CONTINUOUS
    proof = read_proof(directory, continuous)
    trends = reading.read_rows(
        directory / "trends.csv", "latent measure unit verdict", "slope rank_r"
    )
    trends = {(row["latent"], row["measure"]): row for row in trends}
    contrasts = reading.read_rows(
        directory / "contrasts.csv", "latent verdict", "from_value to_value difference"
    )
    codes = {}
    if (directory / "codes").is_dir():
        found = code_differences(*_read_codes(directory))
        codes = {row["code"]: code_level(row) for row in reversed(found)}  # the largest last
    if any(row["role"] == "top" for row in proof):
        name = asked.wanted.text
        yield (
            "proof",
            draw_proof(proof, trends, contrasts, codes, name, asked.wanted.unit, asked.percent),
        )
        if not continuous:
            yield "doses", draw_doses(proof, trends, name, asked.percent)


def _code_figures(directory, asked) -> Iterator[tuple[str, Figure]]:
    """Codes, of several categories one figure for each value."""
    codes, tests = _read_codes(directory)
    labels = reading.distinct(codes, "label")
    if len(labels) > 1:
        values = reading.distinct(codes, "value")
        for number, value in enumerate(values, start=1):
            here = [row for row in codes if row["value"] == value]
            stem = "codes" if len(values) == 1 else f"codes_{number}"
            yield stem, draw_categories(here, tests, value)
    elif codes:
        generated = asked.wanted is not None and labels == [asked.wanted.text]
        name = asked.wanted.text if generated else asked.ranked
        yield "codes", draw_code_shares(codes, tests, name, asked.percent)


def _read_codes(directory):
    """Rows of codes.csv and code_tests.csv."""
    return (
        reading.read_rows(directory / "codes.csv", "code label", "value n count share lower upper"),
        reading.read_rows(directory / "code_tests.csv", "code test verdict", "value p_holm"),
    )


def _pair_figure(directory, asked) -> Iterator[tuple[str, Figure]]:
    """Pairs of variables."""
    pairs = reading.read_rows(
        directory / "pairs.csv", "latent_a latent_b", "value_a value_b n share"
    )
    if not pairs:
        return
    if not any(np.isfinite(row["share"]) for row in pairs):
        means = reading.read_rows(directory / "pairs.csv", "", "mean")
        pairs = [row | mean for row, mean in zip(pairs, means, strict=True)]
    effects = reading.read_rows(
        directory / "interactions.csv",
        "latent_a latent_b verdict",
        "interaction lower upper p_holm",
    )
    yield "pairs", draw_pairs(pairs, effects, asked.wanted.text, asked.wanted.unit)


def draw_ranking(rows: list[dict], asked: Asked) -> Figure:
    """The strongest variables: their scores with the level of chance, and their effects.

    Args:
        rows: of ranking.csv, in order.
        asked: what they were ranked by.
    """
    rows = [row for row in rows if np.isfinite(row["effect"])]
    shown = rows[:MAX_RANKED]
    figure = Figure(figsize=(WIDTH_IN, 1.4 + 0.19 * len(shown)), layout="constrained")
    scores, effects = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    level = shown[0]["null_score_upper"]
    if np.isfinite(level):
        scores.axvline(level, color=GREY, linewidth=0.9, linestyle="--", zorder=1)
    effects.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    for place, row in enumerate(shown):
        found = row["verdict"] == ABOVE_CHANCE
        colour = ORANGE if found else BLUE
        dot = {"color": colour, "markersize": 4.5, "markerfacecolor": colour if found else "white"}
        scores.plot(row["score"], place, "o", **dot)
        effects.plot([row["lower"], row["upper"]], [place] * 2, color=colour, linewidth=1.2)
        effects.plot(row["univariate"], place, "|", color="#444444", markersize=8)
        effects.plot(row["effect"], place, "o", **dot)
    scores.set_yticks(range(len(shown)), [row["latent"] for row in shown])
    scores.set_ylim(len(shown) - 0.4, -0.6)
    for axis in (scores, effects):
        axis.tick_params(axis="y", length=0)
    scores.set_xlim(0, None)
    scores.set_xlabel("Score: evidence (SD of chance)")
    unit = "Log odds ratio"
    if asked.continuous:
        unit = f"Change of {asked.ranked}" + (f" ({asked.unit})" if asked.unit != "1" else "")
    effects.set_xlabel(f"{unit} for one SD of the variable")
    figure.legend(
        handles=_ranking_legend(level, len(rows), asked.percent),
        loc="outside lower center", ncols=4, fontsize=SMALL_PT,
    )  # fmt: skip
    figure.suptitle(
        f"Which variables go with {asked.ranked}: {len(shown)} of {len(rows)}, strongest evidence "
        f"first ({shown[0]['n']:.0f} outputs; {asked.percent} intervals)"
    )
    return figure


def _ranking_legend(level, count, percent):
    """What colours, marks and the line are."""
    handles = [
        Line2D([], [], color=ORANGE, marker="o", markersize=4.5, label="above chance"),
        Line2D([], [], color=BLUE, marker="o", markersize=4.5, markerfacecolor="white",
               label="not above chance"),
        Line2D([], [], color="#444444", marker="|", linestyle="", markersize=8,
               label="without the other variables"),
    ]  # fmt: skip
    if np.isfinite(level):
        label = f"strongest of {count} by chance ({percent})"
        handles.append(Line2D([], [], color=GREY, linewidth=0.9, linestyle="--", label=label))
    return handles
