"""Figures of identify: the ranking, proofs by generation, doses, codes and pairs."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from wavegan_tf.output import style, text
from wavegan_tf.output.names import measure_title
from wavegan_tf.output.style import BLUE, GREY, ORANGE, SMALL_PT, TINY_PT, dot, grid

MAX_RANKED = 20
MAX_PROVED = 12
VALUE_COLOURS = (style.SKY, BLUE, ORANGE, style.GREEN, style.PINK, style.AMBER)
DOSES = {
    "frication_db": "Frication (dB)",
    "voiced_db": "Voiced (dB)",
    "frication_ratio": "Frication / (frication + voiced)",
}
VALUES = "Value of the latent (not to scale)"


def drawings(result: Any) -> dict[str, Callable[[], Figure]]:
    """Names the figures of a result of identify that its tables allow."""
    proof, codes = result.table("proof"), result.table("codes")
    several = len(codes) and codes["label"].nunique() > 1
    possible = {
        "ranking": (draw_ranking, "ranking" in result.tables),
        "proof": (draw_proof, len(proof)),
        "doses": (draw_doses, len(proof) and _doses(proof)),
        "codes": (draw_categories if several else draw_code_shares, len(codes)),
        "pairs": (draw_pairs, "pairs" in result.tables),
    }
    return {name: partial(draw, result) for name, (draw, there) in possible.items() if there}


def draw_ranking(result: Any) -> Figure:
    """Draws the strongest latents: their scores with the level of chance, and their effects."""
    about, percent = result.settings["identify"], _percent(result)
    rows = result.table("ranking").dropna(subset="estimate")
    shown, level = rows.head(MAX_RANKED), rows["chance_score"].iloc[0]
    shares: dict[str, Any] = {"sharey": True, "width_ratios": (2, 3)}
    figure, (scores, effects), _ = grid(2, 2, 0.19 * len(shown), 1.4, **shares)
    bar: dict[str, Any] = {"color": "#444444", "marker": "|", "linestyle": "", "markersize": 8}
    handles = [
        Line2D([], [], label="above chance", **dot(True, size=4.5)),
        Line2D([], [], label="not above chance", **dot(False, size=4.5)),
        Line2D([], [], label="without the other latents", **bar),
    ]
    if np.isfinite(level):
        dashed: dict[str, Any] = {"color": GREY, "linewidth": 0.9, "linestyle": "--"}
        scores.axvline(level, zorder=1, **dashed)
        label = f"strongest of {len(rows)} by chance ({percent})"
        handles.append(Line2D([], [], label=label, **dashed))
    effects.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    for place, row in enumerate(shown.itertuples()):
        look = dot(row.verdict == "above chance", size=4.5)
        scores.plot(row.score, place, **look)
        effects.plot([row.low, row.high], [place] * 2, color=look["color"], linewidth=1.2)
        effects.plot(row.univariate, place, **bar)
        effects.plot(row.estimate, place, **look)
    names = shown["latent"].where(shown["form"] == "linear", "|" + shown["latent"] + "|")
    scores.set_yticks(range(len(shown)), names)
    scores.set(xlim=(0, None), ylim=(len(shown) - 0.4, -0.6), xlabel="Score (SD of chance)")
    for axis in (scores, effects):
        axis.tick_params(axis="y", length=0)
    what = about["ranked_by"]
    unit = "" if about["by_hand"] or about["unit"] == "1" else f" ({about['unit']})"
    change = "share" if about["kind"] == "binary" else what + unit
    effects.set_xlabel(f"Change of {change} for one SD of the latent")
    _legend_below(figure, handles, 4)
    figure.suptitle(
        f"Which latents go with {what}: {len(shown)} of {len(rows)} rows, strongest evidence first "
        f"({shown['n'].iloc[0]} outputs; {percent} intervals)"
    )
    return figure


def draw_proof(result: Any) -> Figure:
    """Draws the share or mean at each value of each top latent, controls in grey.

    Values that differ from their mirror images, with these from 0, of a code from 0 are filled.
    """
    about, rows = result.settings["identify"], result.table("proof")
    rows, share = rows[rows["measure"] == about["measure"]], about["measure"] == "share"
    trends = result.table("trends").set_index(["latent", "measure"])
    changes = result.table("contrasts").query("verdict == 'changes'")
    top = _top(rows)
    figure, axes, leftmost = grid(len(top), 3, 1.75, 1.0, sharex=True, sharey=True)
    for axis, latent in zip(axes, top, strict=True):
        own = changes[changes["latent"] == latent]
        filled = {*own["from_value"], *own["to_value"]} - {0.0}
        filled |= {-value for value in own.loc[own["form"] == "even", "to_value"]}
        lines = _shown(result, latent, trends.loc[(latent, about["measure"])])
        title = "\n".join(lines or ["no change shown"])
        axis.set_title(f"{latent}: {title}", fontsize=SMALL_PT)
        _draw_sweep(axis, rows, latent, _moves(result, latent, about["measure"]), filled)
    if share:
        axes[0].set_ylim(-0.04, 1.04)
    for axis in leftmost:
        axis.set_ylabel("Share of outputs" if share else _name(about))
    for axis in axes[-3:]:
        axis.set_xlabel(VALUES)
    _legend(figure, rows, "change shown (Holm)", True)
    counts = rows["n"]
    n = f"{counts.min()} to {counts.max()}" if counts.min() < counts.max() else f"{counts.max()}"
    what = f"Share of outputs that have {about['property']}" if share else f"Mean of {_name(about)}"
    figure.suptitle(f"{what}, one latent set ({n} outputs a value; {_percent(result)} intervals)")
    return figure


def draw_doses(result: Any) -> Figure:
    """Draws a row for each top latent, a column for each measure of how much, controls in grey."""
    about, rows = result.settings["identify"], result.table("proof")
    trends = result.table("trends").set_index(["latent", "measure"])
    top, measures = _top(rows), _doses(rows)
    columns = len(measures)
    figure, panels, _ = grid(len(top) * columns, columns, 1.3, 1.2, sharex=True, sharey="col")
    by_latent = zip(*[iter(panels)] * columns, strict=True)
    for k, (axes, latent) in enumerate(zip(by_latent, top, strict=True)):
        for axis, measure in zip(axes, measures, strict=True):
            trend = trends.loc[(latent, measure)]
            found, title = trend["verdict"] in ("rises", "falls"), trend["verdict"]
            if found:
                slope, r = text.number(trend["estimate"], True), text.fixed(trend["rank_r"])
                title = f"{title}: {slope} per unit, r = {r}"
            name = "" if k else f"{DOSES[measure]}\n"
            axis.set_title(name + title, fontsize=TINY_PT if k else SMALL_PT)
            _draw_sweep(axis, rows[rows["measure"] == measure], latent, found)
        axes[0].set_ylabel(latent)
    for axis in panels[-columns:]:
        axis.set_xlabel(VALUES)
    _legend(figure, rows, "slope shown (Holm)", False)
    figure.suptitle(
        f"How strong frication and voice are ({about['property']}; one latent set; "
        f"{_percent(result)} intervals)"
    )
    return figure


def _top(rows: pd.DataFrame) -> list[str]:
    return list(rows.loc[rows["role"] == "top", "latent"].unique()[:MAX_PROVED])


def _doses(rows: pd.DataFrame) -> list[str]:
    there = set(rows.loc[rows["estimate"].notna(), "measure"])
    return [measure for measure in DOSES if measure in there]


def _percent(result: Any) -> str:
    return f"{100 * result.settings['statistics']['confidence']:g} %"


def _name(about: dict[str, Any]) -> str:
    return measure_title(about["property"], about["unit"])


def _moves(result: Any, latent: str, measure: str) -> bool:
    """Says whether setting a latent alone was shown to change the property."""
    finding = result.table("findings").set_index("latent").loc[latent]
    trend = result.table("trends").set_index(["latent", "measure"]).loc[(latent, measure)]
    shown = finding["verdict"] not in ("no change shown", "too few")
    return bool(shown or trend["verdict"] in ("rises", "falls"))


def _shown(result: Any, latent: str, trend: pd.Series) -> list[str]:
    """Says in lines what setting a latent was shown to do."""
    about, tests = result.settings["identify"], result.table("code_tests")

    def amount(x: float) -> str:
        if about["measure"] == "share":
            return f"{text.number(100 * x, True)} points"
        return text.number(x, True) + (f" {about['unit']}" if about["unit"] != "1" else "")

    lines = []
    if trend["verdict"] in ("rises", "falls"):
        lines.append(f"{trend['verdict']}, {amount(trend['estimate'])} per unit")
    row = result.table("findings").set_index("latent").loc[latent]
    if row["verdict"] not in ("no change shown", "too few"):
        place = "outside" if "outside" in row["verdict"] else "inside"
        first, last = (text.number(row[f"{place}_{end}_value"]) for end in ("from", "to"))
        change = amount(row[f"{place}_to_estimate"] - row[f"{place}_from_estimate"])
        sign = "\u00b1" if row[f"{place}_form"] == "even" else ""
        lines.append(f"{change} at {sign}{last}, not {first}")
    if len(tests) and about["codes_generated"]:
        own = tests[(tests["code"] == latent) & (tests["verdict"] == "differs")]
        for code in own.head(1).itertuples():
            shares = text.percent(code.estimate), text.percent(code.others)
            lines.append(f"code at {text.number(code.value)}: {shares[0]}, the others {shares[1]}")
    return lines


def _draw_sweep(
    axis: Axes, rows: pd.DataFrame, latent: str, found: bool, filled: set[float] | None = None
) -> None:
    """Draws one latent in colour, all controls in grey; values stand evenly, whatever they are."""
    values = sorted(rows["value"].unique())
    place = {value: k for k, value in enumerate(values)}
    seen = rows[rows["estimate"].notna()]
    for _, line in seen[seen["role"] == "control"].groupby("latent", sort=False):
        at = line["value"].map(place)
        axis.plot(at, line["estimate"], color=GREY, linewidth=0.6, alpha=0.7, zorder=1)
    own = rows[(rows["latent"] == latent) & (rows["role"] == "top")].sort_values("value")
    own, colour = own.assign(at=own["value"].map(place)), ORANGE if found else BLUE
    axis.vlines(own["at"], own["low"], own["high"], color=colour, linewidth=1, zorder=2)
    axis.plot(own["at"], own["estimate"], "-", color=colour, linewidth=0.9, zorder=3)
    differs = own["value"].isin(values if filled is None else filled)
    for full, marks in own.groupby(differs):
        look = dot(bool(full), colour, 3.5) | {"linestyle": "", "markeredgewidth": 0.9}
        axis.plot(marks["at"], marks["estimate"], clip_on=False, zorder=4, **look)
    _ticks(axis.set_xticks, values, 11)
    axis.tick_params(labelsize=TINY_PT)


def _ticks(set_ticks: Callable, values: Any, most: int) -> None:
    """Labels evenly spaced places with their values, at most so many."""
    shown = range(0, len(values), -(-len(values) // most))
    set_ticks(shown, [text.number(values[k]) for k in shown])


def _legend(figure: Figure, rows: pd.DataFrame, shown: str, hollow: bool) -> None:
    """Says what colours, marks and lines are."""
    keys = [(shown, dot(not hollow, ORANGE, 3.5)), ("not shown", dot(not hollow, BLUE, 3.5))]
    if hollow:
        label = "filled: differs from its opposite, or with it from 0 (Holm)"
        keys.append((label, dot(True, size=3.5) | {"linestyle": ""}))
    count = rows.loc[rows["role"] == "control", "latent"].nunique()
    if count:
        line = {"color": GREY, "linewidth": 0.6}
        keys.append((f"{count} control{'s' if count > 1 else ''}", line))
    handles = [Line2D([], [], label=label, **look) for label, look in keys]
    _legend_below(figure, handles, 3 if hollow else len(handles))


def _legend_below(figure: Figure, handles: list[Line2D], columns: int) -> None:
    where: Any = "outside lower center"
    figure.legend(handles=handles, loc=where, ncols=columns, fontsize=SMALL_PT)


def draw_code_shares(result: Any) -> Figure:
    """Draws the share of outputs that have a property: a line for each code, a colour a value."""
    about, rows = result.settings["identify"], result.table("codes")
    name = about["property"] if about["codes_generated"] else about["ranked_by"]
    codes, values = list(rows["code"].unique()), sorted(rows["value"].unique())
    tests = result.table("code_tests").query("verdict == 'differs'")
    differ = set(zip(tests["code"], tests["value"], strict=True))
    row_in = min(0.1 + 0.11 * len(values), (style.HEIGHT_IN - 1.3) / len(codes))
    figure, (axis,), _ = grid(1, 1, row_in * len(codes), 1.3)
    shifts = np.linspace(-0.3, 0.3, len(values)) if len(values) > 1 else [0.0]
    for k, (value, shift) in enumerate(zip(values, shifts, strict=True)):
        colour = VALUE_COLOURS[k % len(VALUE_COLOURS)]
        for row in rows[rows["value"] == value].itertuples():
            place = codes.index(row.code) + shift
            axis.plot([row.low, row.high], [place] * 2, color=colour, linewidth=1)
            look = dot((row.code, value) in differ, colour, 3.5)
            axis.plot(row.estimate, place, clip_on=False, zorder=3, **look)
        axis.plot([], [], "o-", color=colour, markersize=3.5, label=text.number(value))
    axis.set_yticks(range(len(codes)), codes, fontsize=_size(row_in))
    axis.set(xlim=(0, 1), ylim=(len(codes) - 0.4, -0.6))
    axis.set_xlabel(f"Share of outputs that have {name}, with its {_percent(result)} interval")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", linewidth=0.3, color="#DDDDDD")
    axis.set_axisbelow(True)
    axis.legend(
        title="Value of the code", loc="lower center", bbox_to_anchor=(0.5, 1), ncols=6,
        fontsize=SMALL_PT, title_fontsize=SMALL_PT,
    )  # fmt: skip
    n = f"{rows['n'].max()} outputs each"
    figure.suptitle(f"Share of {name} by code ({n}); filled: differs from the others (Holm)")
    return figure


def _size(row_in: float) -> int:
    return TINY_PT if row_in < 0.16 else SMALL_PT


def draw_categories(result: Any) -> Figure:
    """Draws the share of each label at each code, as a heat map."""
    rows, tests = result.table("codes"), result.table("code_tests").set_index("code")
    table = rows.pivot(index="code", columns="label", values="estimate").loc[rows["code"].unique()]
    row_in = min(0.26, (style.HEIGHT_IN - 1.4) / len(table))
    figure, (axis,), _ = grid(1, 1, row_in * len(table), 1.4)
    fits = row_in > 0.12 and len(table.columns) <= 20
    image = _heat(axis, table.to_numpy(), 0, 1, "{:.0%}" if fits else "")
    rotation = 0 if len(table.columns) <= 8 else 60
    axis.set_xticks(range(len(table.columns)), list(table.columns), rotation=rotation)
    differ = tests["verdict"] == "differs"
    names = [f"{code} *" if differ[code] else code for code in table.index]
    axis.set_yticks(range(len(names)), names, fontsize=_size(row_in))
    axis.set_xlabel("Label")
    figure.colorbar(image, ax=axis, pad=0.02, label="Share of outputs")
    figure.suptitle("Labels by code; *: differs from the others (Holm)")
    return figure


def draw_pairs(result: Any) -> Figure:
    """Draws a heat map for each pair: share or mean at each two values, and the interaction."""
    about, rows = result.settings["identify"], result.table("pairs")
    effects = result.table("interactions").set_index(["latent_a", "latent_b"])
    share = about["measure"] == "share"
    low, high = (0.0, 1.0) if share else (rows["estimate"].min(), rows["estimate"].max())
    pairs = rows.groupby(["latent_a", "latent_b"], sort=False)
    width_in = min(style.WIDTH_IN, 1.2 + 2.9 * len(pairs))
    figure, axes, _ = grid(len(pairs), 3, 2.3, 0.8 if len(pairs) > 2 else 1.0, width_in)
    for axis, (pair, here) in zip(axes, pairs, strict=True):
        table = here.pivot(index="value_a", columns="value_b", values="estimate")[::-1]
        digits = ("{:.2g}" if share else "{:.3g}") if len(table.columns) <= 5 else ""
        image = _heat(axis, table.to_numpy(), low, high, digits)
        for set_ticks, values in ((axis.set_xticks, table.columns), (axis.set_yticks, table.index)):
            _ticks(set_ticks, values, 5)
        axis.set(xlabel=pair[1], ylabel=pair[0])
        row = effects.loc[pair]
        effect = text.with_interval(row["estimate"], row["low"], row["high"])
        shown_as = f"{row['verdict']}\n{effect}" if np.isfinite(row["estimate"]) else "too few"
        axis.set_title(shown_as, fontsize=SMALL_PT)
    label = "Share of outputs" if share else _name(about)
    figure.colorbar(image, ax=axes, pad=0.02, aspect=30, label=label)
    what = f"{about['measure'].capitalize()} of {about['property']}"
    figure.suptitle(f"{what} under pairs of latents")
    return figure


def _heat(axis: Axes, table: np.ndarray, low: float, high: float, digits: str) -> Any:
    """Draws a heat map, the numbers of its cells in a colour that can be read on them."""
    axis.tick_params(labelsize=SMALL_PT)
    for (y, x), value in np.ndenumerate(table):
        if digits and np.isfinite(value):
            colour = "white" if value - low > 0.6 * (high - low) else "black"
            style.write(axis, x, y, digits.format(value), va="center", color=colour)
    return style.heat(axis, table, low, high, "Blues")
