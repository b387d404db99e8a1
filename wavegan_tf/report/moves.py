"""What an interpolation moved and what that changed, in words: for terminal, page and figures."""

import math
from pathlib import Path

from wavegan_tf.analysis.causes.interpolation import CHANGES, FROM_MIDDLE
from wavegan_tf.analysis.statistics import TOO_FEW
from wavegan_tf.report.reading import (
    layer_title,
    measure_title,
    open_run,
    probability,
    read_rows,
)

CAUTION = (
    "What any latent does at such values is not subtracted; {identify} compares with controls."
)

_TEXTS = "latent channel layer label measure unit verdict"
_NUMBERS = " ".join([
    "slope rank_r from_value to_value difference lower upper p p_holm n_bases middle_value",
    *(key + end for key in FROM_MIDDLE for end in ("", "_lower", "_upper", "_p", "_p_holm")),
])  # fmt: skip


def path_ends(config: dict) -> tuple[str, str] | None:
    """What --from and --to of a run say; None of one without."""
    flags = config.get("flags", {})
    ends = flags.get("from"), flags.get("to")
    return None if None in ends else ends


def moved(config: dict, sweep: dict, number="{:g}".format) -> str:
    """What a sweep moves: ``z11 from -15 to 5``, ``from c1=1 to c2=1``.

    Args:
        config: of config.json.
        sweep: one of its ``vary``.
        number: turns a value into text.
    """
    if sweep["name"] == "t":
        first, last = path_ends(config) or ("one latent vector", "another")
        return f"from {first} to {last}"
    first, last = (number(sweep["values"][k]) for k in (0, -1))
    return f"{sweep['name']} from {first} to {last}"


def read_effects(directory: str | Path) -> list[dict]:
    """Read effects.csv.

    Raises:
        InputError: the table lacks a column.
    """
    return read_rows(Path(directory) / "effects.csv", _TEXTS, _NUMBERS)


def by_evidence(effects: list[dict]) -> list[dict]:
    """Effects in order: the smallest p of the three differences first, those without one last."""

    def key(row):
        known = [p for p in (row["p"], *(row[f"{k}_p"] for k in FROM_MIDDLE)) if p == p]
        strength = abs(row["rank_r"]) if row["rank_r"] == row["rank_r"] else 0
        return (not known, min(known, default=0), -strength)

    return sorted(effects, key=key)


def against_middle(
    row: dict, number="{:.4g}".format, signed="{:+.4g}".format, intervals: bool = True
) -> str:
    """How both ends of a sweep differ from its middle, in plain words.

    Args:
        row: of :func:`read_effects`.
        number: turns a value into text.
        signed: turns a difference into text.
        intervals: whether to say them.

    Returns:
        For instance ``+6.2 dB (5 .. 7, p 0.002) at -15, +1.9 dB (1 .. 3, p 0.04) at 5, against -1``
        (intervals, and p after Holm, as far as there are any); empty where the sweep has no middle,
        or no base a value there.
    """
    parts = []
    for key, value in zip(FROM_MIDDLE, (row["from_value"], row["to_value"]), strict=True):
        difference, lower, upper, p = (row[key + x] for x in ("", "_lower", "_upper", "_p_holm"))
        if not math.isfinite(difference):
            continue
        unit = f" {row['unit']}" if row["unit"] != "1" else ""
        found = (
            [f"{number(lower)} .. {number(upper)}"] if intervals and math.isfinite(lower) else []
        )
        found += [said_p(p)] if math.isfinite(p) else []
        inside = f" ({', '.join(found)})" if found else ""
        parts.append(f"{signed(difference)}{unit}{inside} at {number(value)}")
    return f"{', '.join(parts)}, against {number(row['middle_value'])}" if parts else ""


def said_p(p: float) -> str:
    """``p 0.012`` or ``p < 0.001``."""
    return f"p {probability(p)}"


def effects_text(out_dir: str | Path, count: int = 10) -> str:
    """Lines for the terminal: what changes, in the order of report.html.

    Args:
        out_dir: a run with config.json, effects.csv and, of a grid, interactions.csv.
        count: rows at most, of each sweep; ``distance``, which changes with whatever takes a
            variable out of its training range, is counted but has none.

    Returns:
        Lines without a final line feed.
    """
    run = open_run(out_dir)
    rows = by_evidence(read_effects(run.directory))
    lines = []
    for sweep in run.config["vary"]:
        here = [row for row in rows if row["latent"] == sweep["name"]]
        changed = [row for row in here if row["verdict"] == CHANGES]
        said = f"{moved(run.config, sweep)}: {_counted(here)}"
        n = run.config["n_bases"]
        lines.append(f"{said} of {n} base vector{'s' if n > 1 else ''}")
        listed = [row for row in changed if row["measure"] != "distance"]
        for row in listed[:count]:
            lines += _effect_lines(row)
        more = [f"{len(listed) - count} more"] if len(listed) > count else []
        if len(changed) > len(listed):
            more.append(f"distance from ordinary outputs ({len(changed) - len(listed)})")
        if more:
            lines.append(f"  and {', '.join(more)}: effects.csv")
    lines += _interaction_lines(run)
    lines.append(CAUTION.format(identify="wavegan_tf.tools.identify"))
    return "\n".join(lines)


def _counted(rows):
    """How many of some rows change, and how many could not be judged."""
    few = sum(row["verdict"] == TOO_FEW for row in rows)
    changed = sum(row["verdict"] == CHANGES for row in rows)
    return f"{changed} of {len(rows) - few} measures change (Holm), {few} have too few"


def _effect_lines(row):
    """The difference between the ends of a sweep, and on a second line those from its middle."""
    title = f"{row['label']}, {layer_title(row['layer'])}: {measure_title(row['measure'])}"
    unit = row["unit"] if row["unit"] != "1" else ""
    found = f"{row['difference']:+10.4g} {unit}"
    if math.isfinite(row["lower"]):
        found = f"{found:15} ({row['lower']:.4g} .. {row['upper']:.4g}, {said_p(row['p_holm'])})"
    if not math.isfinite(row["difference"]):
        found = f"{'–':>10}"
    middle = against_middle(row)
    return [
        f"  {title:44} {found.rstrip()}, {row['n_bases']:g} base vectors",
        *([f"    {middle}"] if middle else []),
    ]


def _interaction_lines(run):
    """One line for each pair of sweeps of a grid."""
    rows = read_rows(run.directory / "interactions.csv", "latent_a latent_b verdict", "")
    pairs = dict.fromkeys((row["latent_a"], row["latent_b"]) for row in rows)
    lines = []
    for a, b in pairs:
        here = [row for row in rows if (row["latent_a"], row["latent_b"]) == (a, b)]
        few = sum(row["verdict"] == TOO_FEW for row in here)
        depend = sum(row["verdict"] == CHANGES for row in here)
        lines.append(
            f"{a} and {b}: what one does to {depend} of {len(here) - few} measures depends on the "
            f"other (Holm), {few} have too few base vectors: interactions.csv"
        )
    return lines
