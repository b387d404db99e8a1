"""What interventions show, in words: a table for the terminal, and summary.md."""

import math
from pathlib import Path

import numpy as np

from wavegan_tf.analysis.causes.interventions import (
    CARRIES,
    CHANGES,
    NO_EFFECT,
    NOT_BEYOND,
    OPPOSES,
    OVERSHOOTS,
    TOO_FEW,
    maps_needed,
)
from wavegan_tf.analysis.causes.outputs import DISTANCES
from wavegan_tf.report.interventions import (
    VOICED_MEASURES,
    curves,
    effect_title,
    in_words,
    part_title,
    read_interventions,
    read_maps,
    scan_title,
    title_of,
)
from wavegan_tf.report.reading import distinct, layer_title, open_run
from wavegan_tf.report.tables import stream_csv

MARKS = {
    CARRIES: "*", NOT_BEYOND: "=", OPPOSES: "~", OVERSHOOTS: "^", NO_EFFECT: "-", TOO_FEW: ".",
    CHANGES: "*",
}  # fmt: skip


def table_text(out_dir: str | Path) -> str:
    """Two tables for the terminal: shares (or changes) by part, and how many maps are needed."""
    run = open_run(out_dir)
    rows = read_interventions(out_dir)
    lines = _tables(run.config, rows)
    needed = _needed_lines(run.config, read_maps(out_dir))
    return "\n".join(lines + ([""] if lines and needed else []) + needed)


def _shown(config, rows):
    """The measures that have a share (or a change) anywhere."""
    key = "share" if config["by"] == "other" else "change"
    return [
        m for m in distinct(rows, "measure")
        if any(np.isfinite(row[key]) for row in rows if row["measure"] == m)
    ]  # fmt: skip


def _cells(rows):
    """Rows of one intervention each, in order."""
    found = {}
    for row in rows:
        key = tuple(str(row[k]) for k in ("layer", "patch", "maps", "start_s", "end_s"))
        found.setdefault(key, {})[row["measure"]] = row
    return list(found.values())


def _tables(config, rows):
    """Lines of the terminal's tables of parts: what they do, and what another base's do."""
    measures, other = _shown(config, rows), config["by"] == "other"
    if not rows:
        return []
    if not measures:
        least = config["statistics"]["min_outputs"]
        return [
            f"No share can be told of {effect_title(config)}: {config['n_bases']} base latent "
            f"vectors (--n; {least} are needed), or no measure on which an effect is shown"
        ]
    if not other:
        lines = [
            f"Change in the output, {effect_title(config)} (* shown, . too few;",
            "waveform, shape and spectrum are distances from the untouched output: no test)",
        ]
        return lines + _table(config, rows, measures, "change")
    lines = [
        f"Share of the effect of {effect_title(config)}, all of it is 1",
        "(* carries, = no more than a gain does, ~ opposes, ^ overshoots, blank none shown,",
        "- no effect on the measure shown, . too few; any gain: the untouched output, louder or "
        "quieter,",
        "at its nearest; of a stretch of time: within it)",
    ]
    lines += _table(config, rows, measures, "share")
    rows = [row for row in rows if row["patch"] != "window"]
    if any(np.isfinite(row["control"]) for row in rows):
        lines += [
            "",
            "The same with the part of another base vector's output: what is common to outputs at "
            "the other end",
            "(+ the right output's does more, - it does less)",
            *_table(config, rows, measures, "control"),
        ]
    return lines


def _table(config, rows, measures, key):
    """Lines of one table: a row for each intervention, a column for each measure."""
    titles = [
        _with_unit(m, rows, config) if key == "change" else title_of(m, config) for m in measures
    ]
    widths = [max(9, len(title) + 2) for title in titles]
    cells = _cells(rows)
    names = [
        f"{layer_title(row['layer']):<7}{part_title(row)}"
        for row in (next(iter(cell.values())) for cell in cells)
    ]
    left = max(map(len, [*names, "any gain"])) + 2
    lines = [" " * left + "".join(f"{t:>{w}}" for t, w in zip(titles, widths, strict=True))]
    if key == "share":
        whole = [row for row in rows if row["patch"] != "window"]
        told = [_first(row["scaled"] for row in whole if row["measure"] == m) for m in measures]
        if whole:
            lines.append(_line("any gain", left, [(x, " ") for x in told], widths, ".2f"))
    for name, cell in zip(names, cells, strict=True):
        numbers = [(cell[m][key], _mark(cell[m], key)) for m in measures]
        lines.append(_line(name, left, numbers, widths, ".3g" if key == "change" else ".2f"))
    return lines


def _first(numbers):
    """The first number that is one."""
    return next((x for x in numbers if np.isfinite(x)), math.nan)


def _line(name, left, numbers, widths, form):
    line = f"{name:<{left}}"
    for (number, mark), width in zip(numbers, widths, strict=True):
        text = f"{number:{form}}" if np.isfinite(number) else ""
        line += f"{text:>{width - 1}}{mark}"
    return line.rstrip()


def _mark(row, key):
    if key != "control":
        return MARKS.get(row["verdict"], " ")
    return "+" if row["specific_lower"] > 0 else "-" if row["specific_upper"] < 0 else " "


def _with_unit(measure, rows, config):
    unit = next(row["unit"] for row in rows if row["measure"] == measure)
    title = title_of(measure, config)
    return title if unit == "1" else f"{title} ({unit})"


def _needed_lines(config, rows):
    """Lines of the terminal's second table."""
    if not rows:
        return []
    lines = [
        "Maps for 50, 80, 95 % of what all maps do, the most effective first",
        f"({_scan_subtitle(config, rows)})",
    ]
    for layer, curve in curves(rows).items():
        needed = maps_needed(curve[:, 0])
        numbers = ", ".join(map(str, needed.values())) or "none: no share"
        lines.append(f"{layer_title(layer):<7}{numbers} of {len(curve)}")
    return lines


def _scan_subtitle(config, rows):
    """What is shared out, and how much of it loudness alone reaches."""
    title, scaled = scan_title(config), rows[0]["scaled"]
    title = title[:1].lower() + title[1:]
    if config["by"] != "other":
        return title
    if np.isfinite(scaled):
        return f"{title}; any gain of the untouched output: {scaled:.2f}"
    return f"{title}, which a gain changes too"


def write_summary(out_dir: str | Path) -> Path:
    """Write ``out_dir/summary.md``: what was done, what carries the effect, how to read it.

    Returns:
        The path written.
    """
    run = open_run(out_dir)
    config, rows, maps = run.config, read_interventions(out_dir), read_maps(out_dir)
    other = config["by"] == "other"
    blocks = [
        f"# Interventions: {effect_title(config)}",
        f"{config['n_bases']} base latent vectors; checkpoint {config['checkpoint']['prefix']}, "
        f"step {config['checkpoint']['step']}.",
        _check_words(run.directory, other),
    ]
    if rows:
        blocks += ["```\n" + "\n".join(_tables(config, rows)) + "\n```"]
    if other and rows:
        blocks += [*_part_words(config, rows), _control_words()]
    if maps:
        blocks += ["```\n" + "\n".join(_needed_lines(config, maps)) + "\n```", _scan_words(other)]
    blocks += [_limits(other)]
    path = run.directory / "summary.md"
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n\n".join(blocks) + "\n")
    return path


def _check_words(directory, other):
    gaps = {"none": [], "whole": []}
    for patch, gap in stream_csv(directory / "checks.csv", ("patch", "max_difference")):
        gaps[patch].append(float(gap))
    words = (
        f"Nothing replaced leaves every output as it is (largest difference {max(gaps['none']):g})."
    )
    if other:
        words += (
            " A whole layer of the other output gives the other output, at any depth (largest "
            f"difference {max(gaps['whole']):g}): the Generator is a chain, so that every whole "
            "layer carries all of the effect by construction. What follows is of parts of layers."
        )
    return words


def _part_words(config, rows):
    """A sentence for each layer: what its average carries, and what all but the average."""
    by = {(row["layer"], row["patch"], row["measure"]): row for row in rows}
    lines = []
    for layer in distinct(rows, "layer"):
        parts = []
        for patch, name in (
            ("gain", "its average (by scaling the maps)"),
            ("average", "its average (by moving the maps)"),
            ("rest", "all but its average"),
        ):
            told = [
                f"{in_words(m, config)} {_percent(by[layer, patch, m])}"
                for m in (*DISTANCES, "rms", "high", *VOICED_MEASURES)
                if np.isfinite(by.get((layer, patch, m), {"share": math.nan})["share"])
            ]
            if told:
                parts.append(f"{name}: {', '.join(told)}")
        if parts:
            lines.append(f"- {layer_title(layer)}. " + "; ".join(parts) + ".")
    return ["Share of the effect with its interval:\n\n" + "\n".join(lines)] if lines else []


def _percent(row):
    share, lower, upper = (100 * row[k] for k in ("share", "lower", "upper"))
    ends = f" [{lower:.0f}, {upper:.0f}]" if np.isfinite(lower) else ""
    return f"{share:.0f} %{ends}" + ("" if row["verdict"] == CARRIES else f" ({row['verdict']})")


def _control_words():
    """How to read the two controls."""
    return (
        "Two controls. *Any gain*: an output comes nearer to another, sample by sample and in its "
        "spectrum, by its loudness alone; the untouched output at the gain that leads nearest "
        "reaches what `scaled` says (of a stretch of time: a gain of that stretch), and of a "
        "distance a part `carries` the effect only where it leads nearer still (`beyond`, its "
        "interval above 0). The shape of the waveform (1 - r²) knows no loudness. Levels and what "
        "Praat measures are compared with the untouched output. *Another base vector*: the same "
        "part of the other output of another base vector brings about what outputs at the other "
        "end have in common, an effect of the setting all the same; what the right one does more "
        "(`specific`) belongs to this very output."
    )


def _scan_words(other):
    words = (
        "Maps are ordered by what each does alone, on the same outputs on which the sums were then "
        "made; maps act together, so that shares of single maps need not add up."
    )
    if not other:
        words += " The share is that of the output's power that changes."
    return words


def _limits(other):
    words = (
        "An activation that was put together from two outputs, or silenced, is none that the "
        "network ever made: what it does there is not what the layer does in use. "
    )
    if other:
        words += (
            "Shares of parts need not add up to 1; below 0 an intervention leads away from the "
            "other output. The share of the waveform asks for the same samples, phases "
            "included; that of the spectrum (60 dB of range) does not."
        )
    else:
        words += "Changes are against the untouched output of the same latent vector."
    return words
