"""Sentences that follow from the verdicts of an identification, and the cautions with them."""

import math

from wavegan_tf.analysis.causes import identify
from wavegan_tf.analysis.causes.properties import BINARY, CATEGORIES
from wavegan_tf.analysis.effects import DIFFERS
from wavegan_tf.analysis.statistics import TOO_FEW
from wavegan_tf.report.identification import CHANGES


def number(value: float) -> str:
    """A number for people."""
    if not math.isfinite(value):
        return "–"
    return f"{value:.2f}" if 0.1 <= abs(value) < 1000 or value == 0 else f"{value:.2g}"


def p_value(p: float) -> str:
    """A p for people: never 0."""
    if not math.isfinite(p):
        return "–"
    return f"{p:.3f}" if p >= 0.001 else "< 0.001"


def interval(row: dict, value: str, lower: str, upper: str) -> str:
    """A value of a row with its interval."""
    return f"{number(row[value])} [{number(row[lower])}, {number(row[upper])}]"


def percent(row: dict, value: str, lower: str, upper: str) -> str:
    """The same of a share, in per cent."""
    cells = [f"{100 * row[x]:.0f}" if math.isfinite(row[x]) else "–" for x in (value, lower, upper)]
    return f"{cells[0]} % [{cells[1]}, {cells[2]}]"


def trend_of(found, latent: str, measure: str) -> dict | None:
    """The row of trends.csv of a latent and measure, or None."""
    for row in found.trends:
        if (row["latent"], row["measure"]) == (latent, measure):
            return row
    return None


def name_of(found) -> str:
    """What stands first in trends.csv: the share, or the mean of a number."""
    return "share" if found.wanted and found.wanted.kind == BINARY else "mean"


def moves(trend: dict | None) -> bool:
    """Whether a row of trends.csv shows a slope."""
    return trend is not None and trend["verdict"] in (identify.RISES, identify.FALLS)


def changes_of(contrasts: list[dict], latent: str) -> list[dict]:
    """The rows of contrasts.csv that show a change by a latent, the largest first."""
    rows = [row for row in contrasts if (row["latent"], row["verdict"]) == (latent, CHANGES)]
    return sorted(rows, key=lambda row: -abs(row["difference"]))


def amount(difference: float, measure: str, unit: str) -> str:
    """A difference for people: of shares in points, of means in their unit."""
    if measure == "share":
        points = 100 * difference
        return f"{points:+.0f} points" if abs(points) >= 10 else f"{points:+.2g} points"
    return f"{difference:+.3g}" + (f" {unit}" if unit != "1" else "")


def shown(found, latent: str) -> str:
    """What setting a latent alone was shown to change; empty for nothing.

    The slope over all values; of the values that differ from their mirror images, or from 0, the
    largest difference; and that of a code from the other codes.
    """
    parts = [swept(found, latent)]
    if found.codes_generated:
        rows = [x for x in code_differences(found.codes, found.code_tests) if x["code"] == latent]
        parts += [f"as a code {code_level(x)}" for x in rows[:1]]
    return ", ".join(filter(None, parts))


def swept(found, latent: str) -> str:
    """The same of its sweep alone."""
    name, parts = name_of(found), []
    trend = trend_of(found, latent, name)
    if moves(trend):
        parts.append(trend["verdict"])
    for best in changes_of(found.contrasts, latent)[:1]:
        size = amount(best["difference"], name, found.wanted.unit)
        parts.append(f"{size} at {best['to_value']:g} against {best['from_value']:g}")
    return ", ".join(parts)


def code_differences(codes: list[dict], tests: list[dict]) -> list[dict]:
    """Where a code differs from the others (code_tests.csv), with the shares of codes.csv.

    Args:
        codes: rows of codes.csv.
        tests: rows of code_tests.csv.

    Returns:
        A dict for each code and value, the largest difference of a code first: ``code, value,
        share, others`` (of all other codes at this value together), ``p_holm`` and ``label``: of
        several categories the one that differs most, of one empty.
    """
    several, rows = len({row["label"] for row in codes}) > 1, []
    for test in tests:
        if test["verdict"] != DIFFERS or test["code"] == "all":
            continue
        here = [row for row in codes if row["value"] == test["value"] and row["n"]]
        levels = []
        for own in (row for row in here if row["code"] == test["code"]):
            rest = [row for row in here if row["label"] == own["label"] and row is not own]
            others = sum(row["count"] for row in rest) / sum(row["n"] for row in rest)
            label = own["label"] if several else ""
            levels.append({"share": own["share"], "others": others, "label": label})
        best = max(levels, key=lambda x: abs(x["share"] - x["others"]))
        about = {name: test[name] for name in ("code", "value", "p_holm")}
        rows.append(about | best)
    order = list(dict.fromkeys(row["code"] for row in rows))
    return sorted(rows, key=lambda x: (order.index(x["code"]), -abs(x["share"] - x["others"])))


def code_level(row: dict) -> str:
    """A row of :func:`code_differences` in words."""
    label = f"{row['label']} " if row["label"] else ""
    return (
        f"at {row['value']:g}: {label}{100 * row['share']:.0f} %, the others "
        f"{100 * row['others']:.0f} %"
    )


def _levels_by_code(found):
    """What :func:`code_differences` says of each code, values in ascending order."""
    rows = code_differences(found.codes, found.code_tests)
    rows.sort(key=lambda row: row["value"])
    order = [test["code"] for test in found.code_tests]
    codes = sorted({row["code"] for row in rows}, key=order.index)
    return {code: [row for row in rows if row["code"] == code] for code in codes}


def code_lines(found) -> list[str]:
    """A line for each code that differs, or one that says that none is shown to."""
    if not found.code_tests:
        return []
    lines = []
    for code, rows in _levels_by_code(found).items():
        levels = [f"{code_level(row)} (p {p_value(row['p_holm'])}, Holm)" for row in rows]
        lines.append(f"code {code} {'; '.join(levels)}")
    return lines or [f"codes: {_no_code(found)}"]


def _no_code(found):
    """What the tests say where no single code differs."""
    if all(test["verdict"] == TOO_FEW for test in found.code_tests):
        return "too few to compare"
    values = [f"{x['value']:g}" for x in found.code_tests if x["verdict"] == DIFFERS]
    if values:  # of all codes
        return f"they differ among each other at {', '.join(values)}, no single one is shown to"
    return "no difference shown"


def notes(found) -> list[str]:
    """What was not done, and why; and what is clipped."""
    config, sentences = found.config, _clipping(found)
    without = [x for x in found.proved.get("proved", ()) if x.startswith("c")]
    if without and 0 not in found.proved["values"]:
        sentences.append(
            f"{', '.join(without)}: variables of the code are compared with 0, which is not among "
            "the --values."
        )
    if config["kind"] == CATEGORIES:
        sentences.append(
            "The labels are words: only codes are compared. --label=WORD ranks the latents by one "
            "word against all others."
        )
    if found.wanted is None:
        sentences.append(
            "Nothing was proved by generating: labels by hand cannot be counted in new outputs. "
            "Give the --property that comes closest to them as well."
        )
    elif found.wanted.kind != BINARY and found.run["model"]["num_categ"]:
        sentences.append(
            f"Codes were not compared: `{found.wanted.text}` is a number; a threshold, such as "
            f"{found.wanted.text}>VALUE, makes it yes or no."
        )
    return sentences


def _clipping(found):
    """Where most outputs are clipped."""
    listed = []
    for stage, shares in found.clipped.items():
        values = [" * ".join(f"{v:g}" for v in key) for key, share in shares.items() if share > 0.5]
        if values:
            listed.append(f"{', '.join(values)} ({stage}/)")
    if not listed:
        return []
    return [
        f"Most outputs are clipped at {'; '.join(listed)}: what is measured there says little of "
        "speech."
    ]


def conclusions(found) -> list[str]:
    """Blocks of Markdown: what may be concluded and what not."""
    blocks = ["## What may be concluded"]
    if found.ranking:
        blocks += _of_latents(found)
    if found.code_tests:
        blocks.append(_of_codes(found))
    if found.interactions:
        blocks.append(_of_pairs(found))
    if found.proof:
        blocks.append(
            "Values beyond -1 .. 1 were never seen in training: they show what a latent can do, "
            "not how often the network does it, and at the largest the output may be noise. "
            "One latent at a time misses what two do together: see pairs."
        )
    return [*blocks, *notes(found)]


def _of_latents(found):
    """Ranking and proof, latent by latent."""
    above = [row["latent"] for row in found.ranking if row["verdict"] == identify.ABOVE_CHANCE]
    proved, controls = (found.proved.get(x, []) for x in ("proved", "control_latents"))
    if not above:
        text = (
            f"No latent goes with {found.name} above chance over {found.ranking[0]['n']} outputs. "
            "That does not show that none does: a rare property, or one that two latents make "
            "together, needs more outputs (`--n`) or `--pairs`."
        )
        if proved:
            text += f" The best {len(proved)} ({', '.join(proved)}) were generated all the same."
        blocks = [text]
    else:
        blocks = [
            f"Above chance in the ranking: {', '.join(above)}. Over the outputs drawn, in "
            f"training's range, {found.name} goes with them: a correlation."
        ]
    if not found.proof:
        return blocks
    effects = {latent: shown(found, latent) for latent in (*proved, *controls)}
    moved = [x for x in proved if effects[x]]
    both = [x for x in moved if x in above]
    moving = [x for x in controls if effects[x]]
    what = f"the {name_of(found)} of `{found.wanted.text}`"
    if both:
        listed = "; ".join(f"{x} ({effects[x]})" for x in both)
        blocks.append(
            f"Shown by generation too: setting the latent alone changes {what}: **{listed}**. "
            "That is a cause, not only a correlation."
        )
    only = [x for x in moved if x not in above]
    if only:
        listed = "; ".join(f"{x} ({effects[x]})" for x in only)
        blocks.append(
            f"Not above chance in the ranking, but {what} changes when they are set: {listed}. "
            "They can cause it, beyond training's range at least."
        )
    still = [x for x in above if x in proved and x not in moved]
    if still:
        blocks.append(
            f"Above chance in the ranking, but no change shown when set: {', '.join(still)}. "
            f"{found.proved['proof_outputs']} outputs a value show large changes only "
            "(`--proof_outputs`)."
        )
    if controls:
        text = f"Of {len(controls)} controls ({', '.join(controls)}), {len(moving)} change {what}"
        listed = "; ".join(f"{x} ({effects[x]})" for x in moving)
        text += f": {listed}. " if moving else ". "
        if any(swept(found, x) for x in moving):
            text += (
                "So a trend far outside training's range is no sign of a special latent by itself: "
                "compare its size with theirs."
            )
        blocks.append(text.strip())
    return blocks


def _of_codes(found):
    """Which codes differ, ranked or not."""
    what = f"`{found.wanted.text}`" if found.codes_generated else "the labels"
    how = f"over the outputs drawn, {what} by their own code"
    if found.codes_generated:
        how = f"share of {what} with each code set, all else frozen"
    levels = {
        code: "; ".join(map(code_level, rows)) for code, rows in _levels_by_code(found).items()
    }
    if levels:
        listed = "; ".join(f"**{code}** ({text})" for code, text in levels.items())
        return f"Codes that differ from the others ({how}; `code_tests.csv`): {listed}."
    text = f"Codes ({how}): {_no_code(found)}."
    if found.codes_generated:
        text += (
            f" {found.config['code_outputs']} outputs a code show large differences only "
            "(`--code_outputs`)."
        )
    return text


def _of_pairs(found):
    """Which pairs do together what neither does alone."""
    listed = []
    for row in found.interactions:
        if row["verdict"] != "interact":
            continue
        alone = [
            row[f"latent_{x}"]
            for x in "ab"
            if row[f"main_{x}_lower"] > 0 or row[f"main_{x}_upper"] < 0
        ]
        effect = f"{' and '.join(alone)} also alone" if alone else "neither shown to do so alone"
        listed.append(f"{row['latent_a']} * {row['latent_b']} ({effect})")
    if not listed:
        return "No pair is shown to act together."
    return (
        f"Acting together - what one does depends on the other: {'; '.join(listed)}. For such a "
        "pair the effect of one latent alone is no property of that latent."
    )
