"""Sections of an identification's summary.md: tables of its CSV files, and how to read them."""

import math

from wavegan_tf.analysis.causes import identify
from wavegan_tf.analysis.causes.properties import BINARY
from wavegan_tf.analysis.effects import DIFFERS
from wavegan_tf.report import identified_words as words
from wavegan_tf.report.identification import TOGETHER

N_RANKED = 10
"""Latents that are shown; ranking.csv has all."""


def _table(header, rows):
    """A table of Markdown."""
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ranking(found) -> list[str]:
    """The best latents, under a heading; nothing without a ranking."""
    if not found.ranking:
        return []
    unit = "log odds ratio" if found.binary else f"change{_unit(found)}"
    percent = 100 * found.settings.confidence
    text = (
        "`score`: the evidence that the latent goes with it, beside all others, in standard "
        "deviations of what chance gives. `p (any)`: chance that the best of all "
        f"{len(found.ranking)} latents looks as strong when none carries anything "
        f"({found.settings.n_permutations} permutations). {_chance(found)} `effect`: {unit} for "
        f"one standard deviation of the latent, with its {percent:g} % interval (bootstrap over "
        "outputs): its size, not the evidence; small groups can have large effects by chance. "
        "`kept`: share of resamples in which the L1-penalised model keeps it."
    )
    rows = [
        [
            str(row["rank"]), row["latent"], words.number(row["score"]),
            words.p_value(row["p_any"]), words.interval(row, "effect", "lower", "upper"),
            words.number(row["selected"]), _strong(row["verdict"]),
        ]
        for row in found.ranking[:N_RANKED]
    ]  # fmt: skip
    header = ("", "latent", "score", "p (any)", "effect", "kept", "verdict")
    return ["## Ranking", text, _table(header, rows)]


def _chance(found):
    """Which score is above chance."""
    level = found.ranking[0]["null_score_upper"]
    if not math.isfinite(level):
        return "No score is enough with so few permutations (`--n_permutations`)."
    return f"Above chance: a score over {words.number(level)}."


def _unit(found):
    """The unit of what was ranked by, in brackets; empty for labels by hand, which have none."""
    unit = "1" if found.config["by_hand"] else found.wanted.unit
    return f" ({unit})" if unit != "1" else ""


def _strong(verdict):
    """A verdict, in bold where it claims something."""
    weak = (identify.NOT_ABOVE_CHANCE, identify.TOO_FEW, identify.NO_TREND)
    return verdict if verdict in (*weak, "no interaction shown") else f"**{verdict}**"


def proof(found) -> list[str]:
    """Shares or means at every value, then trends; nothing without a proof."""
    if not found.proof:
        return []
    binary = found.wanted.kind == BINARY
    name = "share" if binary else "mean"
    values = sorted({row["value"] for row in found.proof if row["role"] != TOGETHER})
    rows, together = [], []
    for latent in dict.fromkeys(row["latent"] for row in found.proof):
        here = {row["value"]: row for row in found.proof if row["latent"] == latent}
        first = next(iter(here.values()))
        if first["role"] == TOGETHER:
            ends = ("share", "lower", "upper") if binary else ("mean", "mean_lower", "mean_upper")
            text_of = words.percent if binary else words.interval
            levels = ", ".join(f"at {v:g} {text_of(row, *ends)}" for v, row in here.items())
            together = [f"Together, each with its favourable sign, {latent}: {levels}."]
            continue
        cells = [_level(here.get(value, {}).get(name), binary) for value in values]
        effect = words.shown(found, latent)
        verdict = f"**{effect}**" if effect else "no change shown"
        rows.append([latent, first["role"], *cells, verdict])
    what = f"share of outputs with `{found.wanted.text}`, %"
    if not binary:
        unit = found.wanted.unit
        what = f"mean `{found.wanted.text}`" + (f" ({unit})" if unit != "1" else "")
    n = max(row["n"] for row in found.proof)
    text = (
        f"Each latent alone at each value, everything else frozen at {n} vectors that were not "
        f"ranked by, the same for all: {what}. Intervals of every cell: `proof.csv`. Shown: the "
        "slope over all values (`trends.csv`), and the largest difference between a value and its "
        "mirror image (`contrasts.csv`: what comes near training's range only has no slope); both "
        "within vectors, p after Holm over the whole table."
    )
    if any(row[0].startswith("c") for row in rows):
        text += " Variables of the code are compared with 0, for -1 is no code"
        text += ", and as codes with the other codes." if found.codes_generated else "."
    header = ("latent", "role", *(f"{value:g}" for value in values), "shown")
    if found.run["model"]["model"] == "ciwgan" and any(row[0].startswith("c") for row in rows):
        text += " Where a variable of the code is set, the others of the code are 0."
    clipped = ["clipped", "", *(f"{100 * found.clipped['proof'][v,]:.0f}" for v in values), "–"]
    text += (
        " Last row: share of all these outputs that are clipped, %; the more are, the less the "
        "value says of speech."
    )
    table = _table(header, [*rows, clipped])
    return ["## Proof by generation", text, table, *together, *_doses(found)]


def _level(value, binary):
    """A cell: a share in per cent, or a mean."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.0f}" if binary else f"{value:#.4g}".rstrip(".")


def _doses(found):
    """Trends of the intensities of the latents that were proved."""
    rows = [
        [
            row["latent"], row["measure"], row["unit"],
            words.interval(row, "slope", "lower", "upper"), words.number(row["rank_r"]),
            words.number(row["monotone"]), words.p_value(row["p_holm"]), _strong(row["verdict"]),
        ]
        for row in found.trends
        if row["role"] == "top" and row["measure"] not in ("share", "mean")
    ]  # fmt: skip
    if not rows:
        return []
    text = (
        "Maximum intensity of frication and of voice over the points measured (frication that is "
        "not there has none: the mean is over the outputs that still have it, and falls less than "
        "frication does), and frication / (frication + voice), of dB, 0 without frication. Slope "
        "per unit of the latent; monotone: share of steps in the direction of the slope. Where "
        "Spearman's r is near 0 the measure bends rather than rises or falls: see `figures/doses`."
    )
    header = ("latent", "measure", "unit", "slope", "Spearman's r", "monotone", "p (Holm)", "trend")
    return ["### Doses", text, _table(header, rows)]


def codes(found) -> list[str]:
    """Shares at every code and level, of several categories the most frequent; or nothing."""
    if not found.codes:
        return []
    labels = list(dict.fromkeys(row["label"] for row in found.codes))
    levels = sorted({row["value"] for row in found.codes})
    tests = {(row["code"], row["value"]): row for row in found.code_tests}
    rows = []
    for code in dict.fromkeys(row["code"] for row in found.codes):
        cells = [code]
        for level in levels:
            here = [row for row in found.codes if (row["code"], row["value"]) == (code, level)]
            best = max(here, key=lambda row: row["count"], default=None)
            if best is None or not best["n"]:
                cells.append("–")
                continue
            name = f"{best['label']} " if len(labels) > 1 else ""
            test = tests.get((code, level))
            mark = " *" if test and test["verdict"] == DIFFERS else ""
            level_text = words.percent(best, "share", "lower", "upper")
            cells.append(f"{name}{level_text}, n {best['n']}{mark}")
        rows.append(cells)
    kind = "the most frequent label and its share" if len(labels) > 1 else f"share of `{labels[0]}`"
    source = "outputs that were drawn, by their own code"
    if found.codes_generated:
        source = "outputs generated with each code, the same other latents for all"
    text = f"Of {source}: {kind}, with its interval; * differs from the other codes "
    text += "(`code_tests.csv`)."
    overall = [
        f"at {row['value']:g}, p (Holm) {words.p_value(row['p_holm'])} ({row['verdict']})"
        for row in found.code_tests
        if row["code"] == "all"
    ]
    lines = [f"All codes against each other (G test): {'; '.join(overall)}."] if overall else []
    header = ("code", *(f"at {level:g}" for level in levels))
    return ["## Codes", text, _table(header, rows), *lines]


def pairs(found) -> list[str]:
    """Main effects and interactions of pairs; nothing without any."""
    if not found.interactions:
        return []
    rows = [
        [
            f"{row['latent_a']} * {row['latent_b']}",
            words.interval(row, "main_a", "main_a_lower", "main_a_upper"),
            words.interval(row, "main_b", "main_b_lower", "main_b_upper"),
            words.interval(row, "interaction", "lower", "upper"),
            words.p_value(row["p_holm"]), _strong(row["verdict"]),
        ]
        for row in found.interactions
    ]  # fmt: skip
    binary = found.wanted.kind == BINARY
    scale = "Shares count as 0 .. 1" if binary else f"Means of `{found.wanted.text}`"
    if not binary and found.wanted.unit != "1":
        scale += f" in {found.wanted.unit}"
    text = (
        "From the least value to the largest: what each latent changes on average over the values "
        "of the other, and how much the change by the first differs between the extremes of the "
        f"second. {scale}; every cell: `pairs.csv`."
    )
    header = ("pair", "first", "second", "interaction", "p (Holm)", "verdict")
    return ["## Pairs", text, _table(header, rows)]
