"""What decides a claim: which rows of which table it rests on, and when these show it.

A claim is ``shown``, ``not shown``, or something ``other`` than it is shown: its opposite, or that
what it takes for learned is there without training, or with other variables. Estimates, intervals,
controls and verdicts are those of the experiments' tables.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.output import text
from wavegan_tf.output.names import duration_s, layer_title
from wavegan_tf.output.run import Run
from wavegan_tf.stats import correlate, proof, sweeps
from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.ranking import ABOVE_CHANCE
from wavegan_tf.stats.resampling import StatisticsSettings, wilson
from wavegan_tf.stats.stops import BOTH, PLAIN, WITH_S

SHOWN, NOT_SHOWN, OTHER = "shown", "not shown", "other"
BY_CONSTRUCTION, NOT_TESTED = "by construction", "not tested"
LAYERS = ("conv4", "conv3", "conv2", "conv1")
STATISTICS = StatisticsSettings()
LEVEL = 1 - STATISTICS.confidence + 1e-9
HARDLY = 0.1
"""Cosine distance below which a map hardly changes: a cosine of 0.9."""
PAPERS_HZ = {"conv4": 2048, "conv3": 512, "conv2": 128, "conv1": 31}

Row = dict[str, Any]


class Finding(NamedTuple):
    """What a run says of a claim: the figure, its control, and the verdict."""

    ours: str
    control: str
    verdict: str


def decide(holds: Any, opposite: Any = False) -> str:
    """Gives the verdict where a claim, or something opposed to it, or neither is shown."""
    return SHOWN if holds else OTHER if opposite else NOT_SHOWN


def nothing(why: str) -> Finding:
    """Says why nothing can be said."""
    return Finding(why, "none.", NOT_SHOWN)


def pick(table: pd.DataFrame, **where: Any) -> list[Row]:
    """Lists the rows that have these values."""
    for name, value in where.items():
        table = table[table[name] == value] if name in table else table[:0]
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False)]


def span(rows: Iterable[Row], name: str) -> str:
    """Writes the least and the largest of counts: 24–25."""
    ends = sorted({int(row[name]) for row in rows})
    return f"{ends[0]}{text.DASH}{ends[-1]}" if len(ends) > 1 else "".join(map(str, ends))


def each(rows: Iterable[Row], write: Callable[[Row], str]) -> str:
    """Writes something of each layer: Conv4 0.46, Conv3 0.08."""
    return ", ".join(f"{layer_title(row['layer'])} {write(row)}" for row in rows)


def fixed(row: Row, name: str = "", write: Callable[[float], str] = text.fixed) -> str:
    """Writes an estimate, or the column of a name, with its interval."""
    start = f"{name}_" if name else ""
    return text.with_interval(
        row[name or "estimate"], row[f"{start}low"], row[f"{start}high"], write
    )


def share(row: Row) -> str:
    """Writes a share with its interval."""
    return fixed(row, "", text.percent)


def apart(one: Row, other: Row) -> bool:
    """Says whether two intervals have nothing in common."""
    return bool(one["low"] > other["high"] or one["high"] < other["low"])


def correlations(run: Run, measure: str) -> list[Row]:
    """Lists Pearson's r with Out in voiced intervals, from the last layer to the first."""
    asked = {"statistic": "pearson", "label": "voiced", "measure": measure, "channel": 1}
    table = run.table("correlations")
    return [row for layer in LAYERS for row in pick(table, layer=layer, **asked)]


def beside(rows: list[Row]) -> str:
    """Writes the controls of correlations, and the verdicts of the probe."""
    random = each(rows, lambda x: f"{text.fixed(x['random'])} ({text.fixed(x['random_high'])})")
    return (
        f"{span(rows, 'n_random')} networks with random weights, mean (and what one more exceeds "
        f"in 5 % of cases): {random}. Verdicts beside these and shuffled pairings, after Holm: "
        f"{each(rows, lambda x: x['verdict'])}."
    )


def encoded(run: Run, measure: str, layers: tuple[str, ...], sign: int = 1) -> Finding:
    """Asks whether a measure of layers follows that of Out, more than in both controls."""
    if not (rows := correlations(run, measure)):
        return nothing("no value")
    verdicts = [row["verdict"] for row in rows if row["layer"] in layers]
    wanted, opposite = (correlate.ENCODED, correlate.INVERSE)[::sign]
    n = f"n = {span(rows, 'n')} values of {span(rows, 'n_outputs')} outputs"
    asked = [row for row in rows if row["layer"] in layers]
    suspect = each(asked, lambda row: f"{row['n_flagged']} of {row['n']}")
    sound = all(row["n_flagged"] <= row["n"] / 2 for row in asked)
    return Finding(
        f"r {each(rows, fixed)} ({n}); suspect values: {suspect}",
        f"{beside(rows)} Where more than half of the values are suspect nothing is shown.",
        decide(sound and verdicts == [wanted] * len(layers), sound and opposite in verdicts),
    )


def falls(run: Run, measure: str) -> Finding:
    """Asks whether r falls from the last layer to the first, and not so in untrained networks."""
    rows = correlations(run, measure)
    kept = pd.DataFrame(pick(run.table("controls"), label="voiced", measure=measure, channel=1))
    if len(rows) < len(LAYERS) or not len(kept):
        return nothing("not every layer, or no network with random weights, has a value")
    ends_part = apart(rows[0], rows[-1])
    ordered = ends_part and all(np.diff([row["estimate"] for row in rows]) < 0)
    rises = ends_part and rows[0]["estimate"] < rows[-1]["estimate"]
    random = kept.pivot(index="network", columns="layer", values="pearson")
    random = random.reindex(columns=LAYERS).dropna()
    alike = int((np.diff(random) < 0).all(axis=1).sum())
    learned = (1 + alike) / (1 + len(random)) <= LEVEL
    return Finding(
        f"r {each(rows, fixed)} (n = {span(rows, 'n_outputs')} outputs); "
        f"{'the estimates fall at each step' if ordered else 'that they fall is not shown'}",
        f"in {alike} of {len(random)} networks with random weights they fall at each step.",
        decide(ordered and learned, (ordered and alike > len(random) / 2) or rises),
    )


def averages(run: Run) -> Finding:
    """Asks whether the averaged series of every layer can be measured where Out has voice."""
    rows, voiced = correlations(run, "intensity"), (run.table("outputs")["n_voiced"] > 0).sum()
    enough = [row["layer"] for row in rows if row["n_outputs"] >= STATISTICS.min_outputs]
    return Finding(
        f"outputs in which intensity can be measured, of {voiced} with a voiced interval: "
        f"{each(rows, lambda x: str(x['n_outputs'])) or 'none'}",
        "none. An untrained network's series can be measured too.",
        BY_CONSTRUCTION if len(enough) == len(LAYERS) else NOT_SHOWN,
    )


def nyquist(run: Run) -> Finding:
    """Compares the frequencies up to which layers carry anything with the paper's."""
    hz = run.table("layers").set_index("layer")["nyquist_hz"]
    table = run.table("correlations")
    heard = [{"layer": x, "has": {*table.loc[table["layer"] == x, "measure"]}} for x in LAYERS]
    named = each(
        heard, lambda x: " ".join(y.upper() for y in ("f0", "f1", "f2") if y in x["has"]) or "none"
    )
    return Finding(
        f"{', '.join(f'{layer_title(x)} {hz[x]:g} Hz' for x in LAYERS)}; values there are of "
        f"F0, F1 and F2: {named}",
        "none. It is arithmetic, half the rate of Out divided by the strides.",
        BY_CONSTRUCTION if all(abs(hz[x] / PAPERS_HZ[x] - 1) < 0.05 for x in LAYERS) else OTHER,
    )


def duration(run: Run) -> Finding:
    """Asks whether the duration of the vocalic interval in Conv4 follows that in Out."""
    rows = [row for row in correlations(run, "duration") if row["layer"] == "conv4"]
    fits = pick(run.table("durations"), label="voiced", layer="conv4", channel=1)
    if not (rows and fits):
        return nothing("no value")
    [fit] = fits
    return Finding(
        f"Conv4: β {fixed(fit, 'beta')}, t {text.fixed(fit['t'], 1)}, adjusted R² "
        f"{text.fixed(fit['adj_r2'])}; r {fixed(rows[0])} (n = {fit['n']} intervals of "
        f"{fit['n_outputs']} outputs)",
        f"adjusted R² with random weights {text.fixed(fit['random_adj_r2'])} on average; of r, "
        + beside(rows),
        decide(rows[0]["verdict"] == correlate.ENCODED),
    )


def carrier(run: Run) -> dict[str, str]:
    """Names the latent variable of an identification that causes the most, and sweeps of it."""
    found, order = run.table("findings"), (proof.CAUSE, proof.INSIDE, proof.OUTSIDE)
    place = [order.index(x) if x in order else len(order) for x in found["verdict"]]
    latent = str(found["latent"].iloc[int(np.argmin(place))])
    shares = shares_of(run, latent)
    up = shares[-1]["estimate"] > shares[0]["estimate"]
    way, far = ("15:-5:-2", "15:-15:-5") if up else ("-15:5:2", "-15:15:5")
    return {"s": latent, "way": way, "far": far}


def shares_of(run: Run, latent: str) -> list[Row]:
    """Lists the share of outputs with the property at each value of a variable."""
    return pick(run.table("proof").sort_values("value"), latent=latent, measure=proof.SHARE)


def ranked(run: Run) -> Finding:
    """Asks whether latent variables go with [s] more than chance gives."""
    table, labels = run.table("ranking"), run.table("labels")["label"].astype(float).dropna()
    n = f"n = {len(labels)} outputs, {labels.sum():.0f} with [s]"
    if not len(table):
        return nothing(f"too few outputs with [s] to rank by ({n})")
    above = table.loc[table["verdict"] == ABOVE_CHANCE, "latent"].unique()
    [best] = pick(table, rank=1)
    return Finding(
        f"{len(above)} of {table['latent'].nunique()} variables are above chance ({n})"
        f"{': ' * bool(len(above))}{', '.join(above)}; the first is {best['latent']}, "
        f"{fixed(best, '', text.number)} for one standard deviation, "
        f"p {text.p_value(best['p_any'])}",
        f"permuted labels: by chance the best score is over {text.fixed(best['chance_score'])} in "
        f"5 % of cases; here it is {text.fixed(best['score'])}.",
        decide(len(above)),
    )


def caused(run: Run) -> Finding:
    """Asks whether the variable moves the share of [s] steadily, more than other variables do."""
    latent, trends = carrier(run)["s"], run.table("trends")
    [row] = pick(run.table("findings"), latent=latent)
    far_outside = row["verdict"] in (proof.OUTSIDE, proof.AS_CONTROLS)
    at = abs(row["outside_to_value" if far_outside else "inside_to_value"])
    [trend] = pick(trends, latent=latent, measure=proof.SHARE)
    shares = shares_of(run, latent)
    told = ", ".join(f"{text.number(x['value'])}: {share(x)}" for x in shares)
    others = pick(run.table("contrasts"), role=proof.CONTROL, form="linear", to_value=at)
    most = max((abs(x["estimate"]) for x in others), default=float("nan"))
    far = {x["latent"]: abs(x["estimate"]) for x in pick(
        run.table("contrasts"), role=proof.TOP, form="linear", to_value=at
    )}  # fmt: skip
    rivals = [x for x in far if x != latent and far[x] >= far[latent]]
    moved = row["verdict"] in (proof.CAUSE, proof.INSIDE, proof.OUTSIDE) and row["n_controls"]
    steady = trend["verdict"] in (proof.RISES, proof.FALLS)
    return Finding(
        f"share with [s] under {latent} ({row['ranked']} in the ranking) = {told} "
        f"(n = {span(shares, 'n')} outputs each); {trend['verdict']}, "
        f"p {text.p_value(trend['p_holm'])}",
        f"{row['n_controls_as_large']} of {row['n_controls']} other variables may change it as "
        f"much ({row['verdict']}); the most that one does from {text.number(-at)} to "
        f"{text.number(at)} is {text.percent(most)}. Of the {len(far) - 1} other variables "
        f"that lead the ranking {', '.join(rivals) or 'none'} change it as much.",
        decide(
            moved and steady and not row["n_controls_as_large"], row["verdict"] == proof.AS_CONTROLS
        ),
    )


def follows(run: Run) -> Finding:
    """Asks whether what variables do at 4.5 follows their estimate in the ranking (proof 2)."""
    if "ranking" not in run.tables:
        return nothing("no ranking")
    tables = run.table("ranking"), run.table("contrasts")
    found = proof.follow_ranking(*tables, 4.5, STATISTICS.confidence)
    sure = found["p"] <= LEVEL
    return Finding(
        f"Spearman's r of the estimate with the change of the share from −4.5 to 4.5: "
        f"{fixed(found)} (n = {found['n']} variables, p {text.p_value(found['p'])})",
        "variables that are not above chance are among them.",
        decide(sure and found["estimate"] > 0, sure and found["estimate"] < 0),
    )


def fades(run: Run) -> Finding:
    """Asks whether frication weakens, beside the vowel, as the variable leaves [s] (proof 3)."""
    known, trends = carrier(run), run.table("trends")
    rows = pick(trends, latent=known["s"], measure="frication_ratio")
    others = pd.DataFrame(pick(trends, role=proof.CONTROL, measure="frication_ratio"))
    if not rows or not len(others):
        return nothing("no value")
    up, away = (proof.RISES, proof.FALLS)[:: -1 if known["way"][0] == "-" else 1]
    reach = others[["estimate", "low", "high"]].abs().max(axis=1)
    large = int((reach >= abs(rows[0]["estimate"])).sum())
    levels = pick(trends, latent=known["s"], measure="frication_db")
    told = [
        f"{what} {fixed(row, '', text.number)} per unit of {known['s']}, {row['verdict']}, "
        f"p after Holm {text.p_value(row['p_holm'])} (n = {row['n']} base vectors)"
        for what, row in zip(("ratio", "intensity (dB)"), rows + levels, strict=False)
    ]
    return Finding(
        f"{'; '.join(told)}; [s] is at the {'negative' if up == proof.FALLS else 'positive'} end",
        f"with {large} of {len(others)} other variables the ratio may change as much. Intensity "
        "is that of outputs which still have frication. The ratio is 0 without frication, so that "
        "it falls with the share, too; shown is what both do.",
        decide(
            bool(levels) and {rows[0]["verdict"], levels[0]["verdict"]} == {up} and not large,
            rows[0]["verdict"] == away,
        ),
    )


def placed(run: Run) -> Finding:
    """Asks whether every layer changes most where [s] stands when the variable is extreme."""
    [sweep], table, design = run.settings["vary"], run.table("intervals"), run.table("design")
    first = design.loc[design[sweep["name"]] == sweep["values"][0], "output"]
    heard = table[table["output"].isin(first) & (table["label"] == "frication")]
    heard = heard.assign(s=heard["end_s"] - heard["start_s"]).sort_values("s")
    heard = heard.drop_duplicates("output", keep="last")  # the longest
    value = text.number(sweep["values"][0])
    n = f"{len(heard)} of {len(first)} base vectors have frication at {value}"
    rows = [x for layer in LAYERS for x in pick(run.table("spikes"), layer=layer, rank=1)]
    if len(heard) < STATISTICS.min_outputs or len(rows) < len(LAYERS):
        return nothing(n)
    start, end = heard["start_s"].median(), heard["end_s"].median()
    inside = [start <= row["time_s"] <= end for row in rows]
    effects = [x for y in LAYERS for x in pick(run.table("effects"), layer=y, measure="rms")]
    more = all(row["verdict"] == sweeps.MORE for row in effects)
    peaks = each(rows, lambda x: f"{text.fixed(x['time_s'])} s ({text.percent(x['share'])})")
    return Finding(
        f"largest change, and its share of the layer's: {peaks}; [s] stands at {text.fixed(start)} "
        f"to {text.fixed(end)} s ({n})",
        f"level of the layer, beside {span(effects, 'n_controls')} other variables: "
        f"{each(effects, lambda x: x['verdict'])}. Of the place there is none.",
        decide(all(inside) and more, more and not any(inside)),
    )


def stable(run: Run) -> Finding:
    """Asks whether the four maps that change least hardly do, and less than the median map."""
    maps = run.table("maps")
    rows = pick(maps[~maps["dead"].astype(bool)].sort_values("distance"))
    four, median = rows[:4], rows[len(rows) // 2]
    named = ", ".join(f"{row['map']}: {fixed(row, 'distance')}" for row in four)
    least = min(HARDLY, median["distance_low"])
    return Finding(
        f"cosine distance of maps {named} (n = {run.settings['n_bases']} base vectors)",
        f"the median of {len(rows)} maps: {fixed(median, 'distance')}. Hardly: below {HARDLY:g}.",
        decide(all(row["distance_high"] < least for row in four)),
    )


def clusters(run: Run) -> Finding:
    """Tells how firm two clusters are; that they are groups no table here can show."""
    [row], maps = pick(run.table("agreement")), run.table("maps")
    sizes = maps.loc[maps["cluster"] > 0, "cluster"].value_counts().sort_index()
    return Finding(
        f"clusters of {' and '.join(map(str, sizes))} maps; adjusted Rand index of two halves of "
        f"the outputs {text.fixed(row['ari_halves'])}, of {row['seeds']} seeds "
        f"{text.fixed(row['ari_seeds'])}; silhouette {text.fixed(row['silhouette'])}",
        "none. One smooth spread is cut in two as firmly, so that agreement shows no groups.",
        NOT_TESTED,
    )


def share_of_s(run: Run) -> Finding:
    """Compares the shares of outputs and of the corpus that have a stop after [s], found alike."""
    found = dict[str, Row]()
    for row in pick(run.table("groups"), group=WITH_S):
        of = int(row["n_outputs"])
        low, high = wilson(int(row["n"]), of, STATISTICS.confidence)
        found[row["source"]] = {"estimate": row["n"] / of, "low": low, "high": high, "n": of}
    if {*found} != {OUTPUTS, RECORDINGS}:
        return nothing("too few stops")
    told = {source: f"{share(row)} of {row['n']} {source}" for source, row in found.items()}
    fewer = found[OUTPUTS]["estimate"] < found[RECORDINGS]["estimate"]
    sure = apart(found[OUTPUTS], found[RECORDINGS])
    return Finding(
        f"{told[OUTPUTS]} have a stop after [s]",
        f"{told[RECORDINGS]} of the corpus, measured alike. Shown is what parts the intervals.",
        decide(sure and fewer, sure and not fewer),
    )


def vot(run: Run, source: str, sign: int) -> Finding:
    """Asks whether voice onset time differs after [s], or that difference from the corpus's."""
    rows = {row["source"]: row for row in pick(run.table("differences"))}
    if not {source, RECORDINGS} <= {*rows}:
        return nothing("no recordings")

    def ms(row: Row) -> str:
        return f"{fixed(row, '', lambda s: text.fixed(1000 * s, 1))} ms"

    row, sure = rows[source], rows[source]["verdict"] == DIFFERS
    caution = (
        " Noise shrinks a difference: a smaller one counts where outputs have one of their own."
    )
    own = OUTPUTS in rows and rows[OUTPUTS]["verdict"] == DIFFERS
    n = "; ".join(
        f"{x} {rows[x]['n']} {PLAIN}, {rows[x]['n_with_s']} {WITH_S}" for x in (OUTPUTS, RECORDINGS)
    )
    ratio = "" if source == BOTH else f", ratio {fixed(row, 'ratio')}"
    return Finding(
        f"{PLAIN} less {WITH_S}{', outputs less corpus' * (source == BOTH)}: {ms(row)}{ratio} "
        f"({n}; p {text.p_value(row['p_holm'])})",
        f"Welch's test, after Holm's correction over the run. The corpus, measured alike: "
        f"{ms(rows[RECORDINGS])}.{caution * (source == BOTH)}",
        decide(own and sure and row["estimate"] * sign > 0, sure and row["estimate"] * sign < 0),
    )


Named = Sequence[dict[str, pd.DataFrame]]
"""Tables of words by code: of the model, then of networks with random weights."""


def words(named: Named) -> Finding:
    """Asks whether most outputs of each code are of one word, another for each code."""
    rows = pick(named[0].get("codes", pd.DataFrame()))
    if not rows:
        return nothing("the classifier is not above chance")
    told = ", ".join(f"{row['code']} {row['word']} {share(row)}" for row in rows)
    most = [row["word"] for row in rows if row["low"] > 0.5]
    return Finding(
        f"the word of most outputs of each code, set to 2, and their share: {told} (n = "
        f"{span(rows, 'n')} outputs each)",
        _classifier(named[0]),
        decide(len({*most}) == len(rows), len({*most}) < len(most)),
    )


def code_words(named: Named) -> Finding:
    """Asks whether the words of each code are its own, and not so in networks never trained."""
    rows, untrained = pick(named[0].get("codes", pd.DataFrame())), named[1:]
    if not rows:
        return nothing("the classifier is not above chance")
    sure = [row["code"] for row in rows if row["verdict"] == DIFFERS]
    best = max(rows, key=lambda row: row["estimate"])
    alike = sum((x["codes"]["verdict"] == DIFFERS).all() for x in untrained)
    learned = (1 + alike) / (1 + len(untrained)) <= LEVEL
    return Finding(
        f"{len(sure)} of {len(rows)} codes differ (p after Holm at most "
        f"{text.p_value(max(row['p_holm'] for row in rows))}); best is {best['code']}, of "
        f"which {share(best)} are taken for {best['word']} (n = {span(rows, 'n')} outputs each)",
        f"{_classifier(named[0])} In {alike} of {len(untrained)} networks with random weights all "
        "codes differ.",
        decide(len(sure) == len(rows) and learned, alike > len(untrained) / 2),
    )


def _classifier(tables: dict[str, pd.DataFrame]) -> str:
    """Says how well the classifier of words does on recordings."""
    held = [row for row in pick(tables["classifier"]) if row["estimate"] == row["estimate"]]
    told = ", ".join(f"{share(row)} of {row['n']} {row['heard']}" for row in held)
    return f"the classifier names {told} (chance {text.percent(held[0]['chance'])})."


def codes(run: Run, level: float) -> Finding:
    """Asks whether a property differs between codes, and beyond training more than at level 1."""
    near, far = (pick(run.table("codes"), value=x) for x in (1.0, level))
    tests = {x: pick(run.table("code_tests"), value=x) for x in (1.0, level)}
    if not (near and far):
        return nothing("no code")
    sure = {x: any(row["verdict"] == DIFFERS for row in rows) for x, rows in tests.items()}
    gap, wider = (rows[0]["estimate"] - rows[-1]["estimate"] for rows in (near, far))
    wider *= np.sign(gap)
    moved = any(apart(*pair) for pair in zip(near, far, strict=True))
    told = ", ".join(f"{row['code']} = {level:g}: {share(row)}" for row in far)
    at_one = ", ".join(f"{row['code']} {share(row)}" for row in near)
    more = f" At level 1: {at_one}. Levels differ where the intervals of a code part."
    verdict = decide(sure[level] and moved and wider > abs(gap), moved and wider < abs(gap))
    return Finding(
        f"{told} (n = {span(far, 'n')} outputs each; p {text.p_value(tests[level][0]['p_holm'])})",
        "the other code, Fisher's exact test, after Holm's correction over codes and levels."
        + more * (level != 1),
        decide(sure[1.0]) if level == 1 else verdict,
    )


def interpolated(run: Run) -> Finding:
    """Asks whether the share of a property rises along the code that has it, more than with z."""
    means = run.table("responses").sort_values("value")
    last = means[means["value"] == means["value"].max()]
    latent = last.sort_values("estimate")["latent"].iloc[-1]
    [row], rows = pick(run.table("effects"), latent=latent), pick(means, latent=latent)
    rises = all(np.diff([x["estimate"] for x in rows]) >= 0)
    more = row["verdict"] == sweeps.MORE
    told = ", ".join(f"{text.number(x['value'])}: {text.percent(x['estimate'])}" for x in rows)
    return Finding(
        f"share under {latent} = {told} (n = {row['n']} base vectors), which "
        f"{'never falls' if rises else 'falls at a step'} as {latent} rises; per unit "
        f"{fixed(row, '', text.number)}, p after Holm {text.p_value(row['p_holm'])}",
        f"{row['n_controls_as_large']:.0f} of {row['n_controls']:.0f} other variables change it as "
        f"much: {row['verdict']}.",
        decide(
            more and rises and row["estimate"] > 0,
            row["verdict"] == sweeps.AS_CONTROLS or (more and row["estimate"] < 0),
        ),
    )


def last_syllable(run: Run) -> Finding:
    """Asks whether all layers are weaker where Out, last of all, is weaker under one code."""
    sure = run.table("tests")
    sure = sure[sure["differs"].astype(bool)].assign(sign=lambda x: np.sign(x["estimate"]))
    out = sure[sure["layer"] == "out"].set_index("point")["sign"]
    if not len(out):
        return nothing("no difference of Out is shown")
    points = [out.index.max()]
    sign = out[points[0]]
    while out.get(points[-1] - 1) == sign:
        points.append(points[-1] - 1)
    there = sure[sure["point"].isin(points)]
    signs = {layer: there.loc[there["layer"] == layer, "sign"] for layer in LAYERS}
    [pair] = pick(run.table("differences"), layer="out")
    counts = [{"layer": x, "n": (y == sign).sum()} for x, y in signs.items()]
    at_s = (
        np.array([points[-1] - 1, points[0]]) * duration_s(run) / run.table("tests")["point"].max()
    )
    return Finding(
        f"Out is last seen to differ at {len(points)} points in a row, {text.fixed(at_s[0])} to "
        f"{text.fixed(at_s[1])} s, weaker under "
        f"{pair['group'] if sign < 0 else pair['reference']}; points of these at which a layer is: "
        f"{each(counts, lambda x: str(x['n']))} (n = {pair['n']} base vectors)",
        "codes exchanged within base vectors, corrected for all points and layers; no other "
        "variable was moved.",
        decide(
            all(x["n"] == len(points) for x in counts)
            and not any((y == -sign).any() for y in signs.values()),
            any((y == -sign).any() for y in signs.values()),
        ),
    )
