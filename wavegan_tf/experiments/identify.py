"""Find which latent variable carries a property: generate, label, rank, and prove by generating.

The steps of Beguš (2020, Frontiers in AI 3:44) and Beguš & Zhou (2022, section III-B2). Outputs are
drawn and labelled, and latent variables ranked by how they go with the label; then the best ones,
and others as controls, are set one at a time, all else frozen; every code at several levels; pairs.
Outputs are numbered on through these stages, which the column ``stage`` of the tables names.
"""

import collections
import dataclasses
import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import properties
from wavegan_tf.experiments.listen import Measuring, listen
from wavegan_tf.experiments.properties import CATEGORIES, DOSES, Property
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Condition, Design, cross, latent_index, latent_names, plain
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import text
from wavegan_tf.stats import factorial, proof, ranking
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.proof import CONTROL, MEAN, SHARE, TOGETHER, TOP
from wavegan_tf.stats.ranking import ABOVE_CHANCE, BINARY, NOT_ABOVE_CHANCE, RankingSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "identify"

DRAWN, PROOF, CODES, PAIRS = "drawn", "proof", "codes", "pairs"  # the stages

MAX_CODES = 64  # of a fiwGAN that are generated at each level: 2^6
WITHOUT_FINDING = 3  # latents that are proved where none is above chance
N_RANKED = 10  # latents that the summary shows
_CONTROL_STREAM = 7

ABOUT_RANKING = (
    "Score: the evidence that the latent goes with it, beside all others, in standard deviations "
    "of what chance gives; above chance is a score over {level}. p: chance that the best of all "
    "latents looks as strong when none carries anything (permutations of outputs). Change: for one "
    "standard deviation of the latent, beside all others [interval over outputs]; its size, not "
    "the evidence. Kept: share of resamples in which the L1 model keeps it."
)
ABOUT_PROOF = (
    "Each latent alone at each value, everything else frozen at vectors that were not ranked by, "
    "the same for all. Tests: the slope over all values (tables/trends.csv), and the difference "
    "between a value and its mirror image, of a code variable between a value and 0 "
    "(tables/contrasts.csv), both within vectors, p after Holm over each table. Where a code "
    "variable of a ciwGAN is set, the others are 0. Clipped: share of all these outputs; the more, "
    "the less the value says of speech. Doses, how strong frication and voice are: figures/doses."
)
ABOUT_CODES = (
    "Share [interval] of outputs under each code and level, of several labels the most frequent "
    "one; * differs from the other codes (tables/code_tests.csv, Holm)."
)
ABOUT_PAIRS = (
    "From the least value to the largest: what each latent changes on average over the values of "
    "the other, and how much the change by the first differs between the extremes of the second. "
    "Shares count as 0 .. 1; every cell is in tables/pairs.csv."
)
CAUTION = (
    "The ranking is a correlation within the range of training. Values beyond -1 .. 1 were never "
    "seen in training: they show what a latent can do, not how often the network does it, and at "
    "the largest the output may be noise. A change that controls show as well is no sign of a "
    "special latent. One latent at a time misses what two do together."
)


@dataclasses.dataclass(frozen=True)
class Options(Measuring, RankingSettings):
    """What an identification can be asked for.

    Raises:
        InputError: A value breaks its rule, or two options have no meaning together.
    """

    property: str | None = option(
        None,
        "Property that an output has or not: frication, voicing, silence (between two sounds), "
        "two_vowels; or a number: n_voiced, rms_db, voiced.f0 (mean over its intervals), which a "
        "threshold turns into yes or no: voiced.f0>200.",
    )
    labels: str = option(
        "",
        "CSV table output,label of outputs labelled by hand: yes and no, numbers, or words. "
        "Latents are ranked by it, and --property is what is counted in new outputs.",
    )
    label: str | None = option(None, "Word of --labels that is asked for, against all others.")
    n: int = option(1000, "Number of outputs to label; as of probe with this --seed.", low=1)
    seed: int = option(0, "Seed of every draw.", low=0)
    top: int = option(7, "Number of the best latents to prove.", low=1)
    values: tuple[float, ...] = option(
        (-25.0, -15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0, 25.0), "Values that each is set to."
    )
    proof_outputs: int = option(
        25, "Number of outputs at each value, from the same vectors otherwise.", low=1
    )
    controls: int = option(
        7, "Number of latents not above chance to generate beside them.", group="Latents", low=0
    )
    code_levels: tuple[float, ...] = option(
        (1.0, 2.0, 5.0), "Values that code variables are set to, the others 0."
    )
    code_outputs: int = option(
        25, "Number of outputs of each code and level; 0 leaves codes out.", low=0
    )
    pairs: str = option("", "Pairs of latents to vary together: z3*z7,c1*z2, or top3.")
    pair_values: tuple[float, ...] = option(
        (-5.0, 0.0, 5.0), "Values of both latents of a pair.", group="Latents"
    )
    audio: bool = option(
        False, "Sounds of the drawn outputs as WAV, each with a TextGrid.", group="Output"
    )
    layers: str = "out"
    upsample: str = "linear"
    annotations: str | None = None

    def __post_init__(self) -> None:
        """Checks every value, and that what is given has a meaning together."""
        super().__post_init__()
        for name, fixed in (("layers", "out"), ("upsample", "linear"), ("annotations", None)):
            if getattr(self, name) != fixed:
                raise InputError(f"{name}={getattr(self, name)}: identify measures outputs alone")
        for name, least in (("values", 2), ("code_levels", 1), ("pair_values", 2)):
            values = sorted(map(float, getattr(self, name)))
            given = f"--{name}={','.join(f'{value:g}' for value in values)}"
            if len(values) < least or not all(map(math.isfinite, values)):
                raise InputError(f"{given}: give {least} or more finite numbers, such as -5,0,5")
            if len(set(values)) < len(values):
                raise InputError(f"{given}: a value is given twice; give each once")
            object.__setattr__(self, name, tuple(values))
        if self.property is not None:
            object.__setattr__(self, "property", properties.parse_property(self.property).text)
        if self.label is not None and not self.labels:
            raise InputError(f"--label={self.label}: is a word of --labels; give that table too")
        if self.pairs and self.property is None:
            raise InputError(
                f"--pairs={self.pairs}: new outputs have no label by hand; add the --property to "
                "count"
            )


class Stages:
    """Generates and measures designs, one after the other."""

    def __init__(
        self, model: Model, options: Options, wanted: Property | None, directory: str | None
    ) -> None:
        """Begins without a stage."""
        self._model, self._wanted, self._directory = model, wanted, directory
        self._measuring = dataclasses.replace(options, labels="", label=None)  # not TextGrids'
        self._parts: dict[str, list[pd.DataFrame]] = collections.defaultdict(list)
        self._count = 0
        self.settings: dict[str, Any] = {}

    def add(self, stage: str, design: Design) -> pd.DataFrame:
        """Generates and measures a design.

        Returns:
            Its table, with the property in the column ``share`` or ``mean`` and, of a yes or no in
            the stage of the proof, its doses.
        """
        wanted, drawn = self._wanted, stage == DRAWN
        doses = stage == PROOF and wanted is not None and wanted.kind == BINARY
        measures = ["duration", *["intensity"] * doses, *(wanted.measures if wanted else ())]
        heard = listen(
            self._model, design, self._measuring, measures=list(dict.fromkeys(measures)),
            directory=self._directory if drawn else None, label=stage,
            keep_audio=drawn and self._measuring.audio,
        )  # fmt: skip
        self.settings = self.settings or heard.settings
        parts = {name: heard.tables[name] for name in ("latents", "outputs", "intervals", "points")}
        for name, part in ({"design": design.table} | parts).items():
            part = part.assign(output=part["output"] + self._count)
            if name != "latents":
                part.insert(0, "stage", stage)
            self._parts[name].append(part)
        self._count += len(design.z)
        if wanted is None:
            return design.table
        y = properties.label_outputs(wanted, parts["outputs"], parts["intervals"])
        found = y.to_frame(wanted.measure)
        if doses:
            found = found.join(properties.doses(parts["points"], y))
        return design.table.join(found.reset_index(drop=True))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Joins ``design, latents, outputs, intervals, points`` of all stages.

        Texts that repeat stay categories, missing ones are empty.
        """
        joined = {}
        for name, parts in self._parts.items():
            texts = [x for x in parts[0] if x == "stage" or parts[0][x].dtype == "category"]
            filled = [part for part in parts if len(part)] or parts[:1]
            whole = pd.concat([part.astype(dict.fromkeys(texts, object)) for part in filled])
            whole = whole.fillna(dict.fromkeys(whole.select_dtypes(object), ""))
            joined[name] = whole.astype(dict.fromkeys(texts, "category")).reset_index(drop=True)
        return joined


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Generates, labels, ranks and proves.

    Args:
        model: With a Generator.
        options: What is asked for, and how it is measured and judged.
        directory: Where sounds of the drawn outputs are written, if they are asked for.

    Raises:
        InputError: Nothing is asked for, the labels do not vary, or a pair is none of the model's.
    """
    config, n, seed = model.config, options.n, options.seed
    if options.property is None and not options.labels:
        raise InputError(
            "--property: say what is asked for, such as --property=frication, or give --labels"
        )
    wanted = properties.parse_property(options.property) if options.property else None
    flag, way_out = f"--property={options.property}", "draw more outputs (--n), or ask differently"
    texts, kind, y = None, wanted.kind if wanted else CATEGORIES, np.zeros(0)
    if options.labels:
        flag, way_out = f"--labels={options.labels}", "label more outputs"
        texts = properties.read_labels(options.labels, n, options.label)
        kind, y = properties.as_numbers(texts, options.label)
        if kind != CATEGORIES:
            ranking.check_labels(y, kind, options, flag, way_out)
    pairs = parse_pairs(options.pairs, config)
    counted = wanted is not None and wanted.kind == BINARY and options.code_outputs
    codes = code_conditions(config, options.code_levels) if counted else []
    z = model.sample(n + max(options.proof_outputs, options.code_outputs), seed)
    z, bases = z[:n], z[n:]  # none of the base vectors is ranked by
    stages = Stages(model, options, wanted, directory)
    drawn = stages.add(DRAWN, plain(z))
    if texts is None and wanted is not None:
        y = drawn[wanted.measure].to_numpy()
        ranking.check_labels(y, kind, options, flag, way_out)
    labels = texts.fillna("") if texts is not None and np.isnan(y).any() else y
    tables = {"labels": pd.DataFrame({"output": np.arange(n), "label": labels})}
    top, controls = list[str](), list[str]()
    if kind != CATEGORIES:
        latents = pd.DataFrame(z, columns=latent_names(config))
        tables["ranking"] = ranking.rank(latents, y, kind, seed, options)
        top, controls, together = choose_latents(tables["ranking"], options)
    if wanted is not None and top:
        conditions = proof_conditions(top, controls, together, options.values)
        found = stages.add(PROOF, cross(bases[: options.proof_outputs], conditions, config))
        measures = {wanted.measure: wanted.unit} | (DOSES if wanted.kind == BINARY else {})
        shown = proof.prove(found, measures, seed, options)
        contrasts = proof.contrast(found, wanted.measure, seed, options)
        tables["proof"], tables["trends"], tables["contrasts"] = *shown, contrasts
        tables["findings"] = proof.findings(tables["ranking"], *shown, contrasts)
    coded = label_codes(z, config, texts, kind)
    if wanted is not None and codes:
        coded = stages.add(CODES, cross(bases[: options.code_outputs], codes, config))
        words = coded[SHARE].map({1.0: wanted.text, 0.0: factorial.NOT})
        coded["label"] = pd.Categorical(words, [factorial.NOT, wanted.text])
    if len(coded):
        tables["codes"] = factorial.code_shares(coded, options)
        tables["code_tests"] = factorial.code_tests(coded, seed, options)
    if isinstance(pairs, int):
        pairs = list(itertools.combinations(top[:pairs], 2))
    if wanted is not None and pairs:
        conditions = [
            _condition({a: x, b: y}, latent_a=a, value_a=x, latent_b=b, value_b=y)
            for (a, b), x, y in itertools.product(pairs, options.pair_values, options.pair_values)
        ]
        found = stages.add(PAIRS, cross(bases[: options.proof_outputs], conditions, config))
        effects = factorial.pair_effects(found, wanted.measure, seed, options)
        tables["pairs"], tables["interactions"] = effects
    asked = ("property", "label", "seed", "values", "proof_outputs", "code_outputs")
    about = {name: getattr(options, name) for name in asked} | {
        "ranked_by": options.label or "the label" if options.labels else options.property,
        "by_hand": texts is not None, "kind": kind, "proved": top, "controls": controls,
        "measure": wanted.measure if wanted else "", "unit": wanted.unit if wanted else "1",
        "codes_generated": bool(codes), "num_codes": config.num_categ,
        "labelled": describe_labels(labels, y, kind, options),
    }  # fmt: skip
    fields = dataclasses.fields(RankingSettings)
    statistics = {field.name: getattr(options, field.name) for field in fields}
    settings = stages.settings | {NAME: about, "statistics": statistics}
    measured = stages.tables()
    tables = measured | tables | {"clipped": count_clipped(measured)}
    return Result(NAME, settings, tables, directory=directory)


def choose_latents(
    table: pd.DataFrame, options: Options
) -> tuple[list[str], list[str], dict[str, int]]:
    """Chooses by a ranking what is proved.

    Returns:
        The best latents, those above chance first; where none is, :data:`WITHOUT_FINDING`. The
        controls, drawn from the others that are not above chance, in order of the ranking. The sign
        that favours the property of each latent that is set together with the others: those above
        chance or, where none is, all that are proved; empty for fewer than two.
    """
    above = table["verdict"] == ABOVE_CHANCE
    count = options.top if above.any() else min(options.top, WITHOUT_FINDING)
    proved = pd.concat([table[above], table[~above]]).head(count)
    left = table.loc[table["verdict"] == NOT_ABOVE_CHANCE, "latent"]
    left = left[~left.isin(proved["latent"])]
    rng = np.random.default_rng([options.seed, _CONTROL_STREAM])
    drawn = rng.choice(len(left), min(options.controls, len(left)), replace=False)
    best = proved[proved["verdict"] == ABOVE_CHANCE] if above.any() else proved
    signs = np.where(best["estimate"] > 0, 1, -1).tolist()
    together = dict(zip(best["latent"], signs, strict=True)) if len(best) > 1 else {}
    return list(proved["latent"]), list(left.iloc[np.sort(drawn)]), together


def _condition(settings: dict[str, float], **about: Any) -> Condition:
    name = ",".join(f"{latent}={value:g}" for latent, value in settings.items())
    return Condition(name, settings, about)


def proof_conditions(
    top: Sequence[str], controls: Sequence[str], together: dict[str, int], values: Sequence[float]
) -> list[Condition]:
    """Sets each latent alone to every value; the best together, each with its favourable sign."""
    conditions = [
        _condition({latent: value}, role=role, latent=latent, value=value)
        for role, latents in ((TOP, top), (CONTROL, controls))
        for latent in latents
        for value in values
    ]
    name = " ".join(f"{'+' if sign > 0 else '-'}{latent}" for latent, sign in together.items())
    for size in sorted({abs(value) for value in values if value and together}):
        settings = {latent: sign * size for latent, sign in together.items()}
        conditions.append(_condition(settings, role=TOGETHER, latent=name, value=size))
    return conditions


def code_conditions(config: ModelConfig, levels: Sequence[float]) -> list[Condition]:
    """Sets codes: of a ciwGAN each variable alone, of a fiwGAN every combination of bits.

    Raises:
        InputError: These are more than :data:`MAX_CODES`.
    """
    names = latent_names(config)[: config.num_categ]
    codes = [(name, {name: 1}) for name in names]
    if config.model == "fiwgan":
        if 2 ** len(names) > MAX_CODES:
            raise InputError(
                f"--code_outputs: the {len(names)} bits of this fiwgan make {2 ** len(names)} "
                f"codes, more than {MAX_CODES}; --code_outputs=0 leaves them out, and "
                "--pairs=c1*c2 looks at single bits"
            )
        every = itertools.product((0, 1), repeat=len(names))
        codes = [(_code_name(bits), dict(zip(names, bits, strict=True))) for bits in every]
    return [
        _condition({c: level * on for c, on in code.items()}, code=name, value=level)
        for name, code in codes
        for level in levels
    ]


def _code_name(bits: Sequence[int]) -> str:
    """Names a code of a fiwGAN as the papers do: ``[1,0,1]``."""
    return f"[{','.join(map(str, bits))}]"


def label_codes(z: np.ndarray, config: ModelConfig, texts: pd.Series | None, kind: str) -> Any:
    """Puts labels given by hand, which new outputs cannot have, beside the codes of the outputs.

    Returns ``code, value, label`` in order of the codes; no rows of numbers or without a code.
    """
    if texts is None or kind == ranking.CONTINUOUS or not config.num_categ:
        return pd.DataFrame()
    codes = z[:, : config.num_categ].astype(int)
    names = [_code_name(bits) for bits in codes.tolist()]
    if config.model == "ciwgan":
        names = [f"c{k + 1}" for k in codes.argmax(axis=1)]
    own, numbers = properties.as_numbers(texts)
    if own == BINARY:
        texts = pd.Series(numbers).map({1.0: "yes", 0.0: factorial.NOT})
    coded = pd.DataFrame({"code": names, "value": 1.0, "label": texts, "length": map(len, names)})
    return coded.sort_values(["length", "code"], ignore_index=True)  # c2 before c10


def parse_pairs(given: str, config: ModelConfig) -> list[tuple[str, str]] | int:
    """Reads ``--pairs``: ``z3*z7,c1*z2``, or ``top3`` for every pair of the three best latents.

    Returns:
        Pairs of names; or how many of the best latents are paired, 0 for an empty text.

    Raises:
        InputError: It is no such list.
    """
    flag = f"--pairs={given}"
    if re.fullmatch("top([2-9]|[1-9][0-9]+)", given):
        return int(given[3:])
    pairs: list[tuple[str, str]] = []
    for part in filter(None, given.replace(" ", "").split(",")):
        if part.count("*") != 1:
            raise InputError(f"{flag}: expected pairs such as z3*z7,c1*z2, or top2, top3, ..")
        a, b = part.split("*")
        for name in (a, b):
            latent_index(name, config, flag)
        if a == b or {(a, b), (b, a)} & {*pairs}:
            raise InputError(f"{flag}: {part}: name each pair once, of two latents")
        pairs.append((a, b))
    return pairs or 0


def count_clipped(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Takes the share of outputs with clipped samples under each value of latents set alone."""
    first = tables["outputs"].query("channel == 1")
    clipped = pd.DataFrame({"output": first["output"], "clipped": first["clipped_share"] > 0})
    rows = tables["design"].merge(clipped, on="output")
    rows = rows[rows["role"] != TOGETHER] if "role" in rows else rows
    by = [name for name in ("stage", "value", "value_a", "value_b") if name in rows]
    groups = rows.groupby(by, dropna=False, observed=True)
    return groups["clipped"].agg(estimate="mean", n="size").reset_index()


def describe_labels(
    labels: pd.Series | np.ndarray, y: np.ndarray, kind: str, settings: RankingSettings
) -> dict[str, Any]:
    """Counts labels: of words how often each comes, else ``n, estimate`` and interval or SD."""
    if kind == CATEGORIES:
        counts = pd.Series(labels).value_counts().sort_index()
        return {"counts": counts.drop("", errors="ignore").to_dict()}
    there = y[np.isfinite(y)]
    about = {"n": len(there), "missing": len(y) - len(there), "estimate": float(there.mean())}
    if kind != BINARY:
        return about | {"sd": float(there.std(ddof=1))}
    low, high = proof.wilson(int(there.sum()), len(there), settings.confidence)
    return about | {"count": int(there.sum()), "low": low, "high": high}


# What was found, in words.


def labelled(about: dict[str, Any]) -> str:
    """Says how the labels are distributed."""
    found, source = about["labelled"], "labelled by hand" if about["by_hand"] else "measured"
    if "counts" in found:
        listed = ", ".join(f"{label} {count}" for label, count in found["counts"].items())
        return f"{sum(found['counts'].values())} outputs are {source}: {listed}."
    left = f" {found['missing']} have none and are left out." if found["missing"] else ""
    of = f"{found['n']} outputs, {source}.{left}"
    if "count" in found:
        share = text.with_interval(found["estimate"], found["low"], found["high"], text.percent)
        return f"{about['ranked_by']}: {found['count']} ({share}) of {of}"
    mean, sd = text.number(found["estimate"]), text.number(found["sd"])
    return f"{about['ranked_by']}: mean {mean}, SD {sd}, over {of}"


def _level(x: float, about: dict[str, Any]) -> str:
    """Writes a share in per cent, a mean with its unit."""
    if about["measure"] == SHARE:
        return text.percent(x)
    return text.number(x) + ("" if about["unit"] == "1" else f" {about['unit']}")


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples())


def _p(p: float) -> str:
    return f"p {'' if p < 0.001 else '= '}{text.p_value(p)}"


def _shown(row: Any, about: dict[str, Any]) -> str:
    """Says what setting a latent was shown to change; a row of findings."""
    parts = []
    if row.verdict == proof.CHANGES:
        first, last = (_level(x, about) for x in (row.from_estimate, row.to_estimate))
        ends = text.number(row.from_value), text.number(row.to_value)
        parts = [f"{first} at {ends[0]}, {last} at {ends[1]} (n = {row.n}, {_p(row.p_holm)})"]
    if row.trend in (proof.RISES, proof.FALLS):
        parts.append(f"{row.trend} over all values ({_p(row.trend_p_holm)})")
    few = row.trend == row.verdict == proof.TOO_FEW
    return ", ".join(parts) or ("too few outputs" if few else "no change shown")


def sentences(result: Result) -> list[str]:
    """Writes one sentence on each finding - latents, codes, pairs - and what was not done."""
    about, found = result.settings[NAME], []
    table = result.table("ranking")
    if len(table):
        above = ", ".join(table.loc[table["verdict"] == ABOVE_CHANCE, "latent"])
        found.append(
            f"Above chance in the ranking of {table['n'].iloc[0]} outputs: {above or 'no latent'}."
        )
        if not above:
            found.append(
                "That does not show that none carries it: a rare property, or one that two latents "
                "make together, needs more outputs (--n) or --pairs."
            )
    for row in _rows(result.table("findings")):
        rank = "control" if row.role == CONTROL else row.ranked
        what = f"{about['measure']} of `{about['property']}`"
        found.append(f"{row.latent} ({rank}): {what} {_shown(row, about)}.")
    for row in _rows(result.table("code_tests")):
        at = f"at {text.number(row.value)}"
        if row.code == factorial.ALL_CODES:
            found.append(f"All codes {at}: {row.verdict} ({_p(row.p_holm)}).")
        elif row.verdict == DIFFERS:
            shares = text.percent(row.estimate), text.percent(row.others)
            shown = f"`{row.label}` {shares[0]}, the others {shares[1]}"
            found.append(f"Code {row.code} {at}: {shown} (n = {row.n}, {_p(row.p_holm)}).")
    for row in _rows(result.table("interactions")):
        effect = text.with_interval(row.estimate, row.low, row.high)
        names = f"{row.latent_a} * {row.latent_b}"
        found.append(f"{names}: {row.verdict}, interaction {effect} ({_p(row.p_holm)}).")
    return found + notes(result)


def notes(result: Result) -> list[str]:
    """Says where most outputs are clipped, and what was not done and why."""
    about, found = result.settings[NAME], []
    often = result.table("clipped").query(f"estimate > 0.5 and stage != '{DRAWN}'")
    values = often.filter(like="value").to_numpy()
    places = [" * ".join(map(text.number, row[np.isfinite(row)])) for row in values]
    if places:
        listed = ", ".join(f"{x} ({s})" for x, s in zip(places, often["stage"], strict=True))
        found.append(f"Most outputs are clipped at {listed}: what is measured there says little.")
    codes = ", ".join(latent for latent in about["proved"] if latent.startswith("c"))
    if codes and 0 not in about["values"]:
        found.append(f"{codes}: codes are compared with 0, which is not among the --values.")
    if about["kind"] == CATEGORIES:
        found.append("Words are compared between codes; --label=WORD ranks latents by one word.")
    if not about["measure"]:
        found.append(
            "Nothing was proved by generating: labels by hand cannot be counted in new outputs. "
            "Give the --property that comes closest to them as well."
        )
    elif about["measure"] == MEAN and about["num_codes"]:
        found.append(
            "Codes were not compared: a number needs a threshold for that (voiced.f0>200)."
        )
    return found


def _intervals(rows: pd.DataFrame, name: str = "") -> list[str]:
    """Writes estimates with their intervals, of the columns ``estimate`` or another name."""
    ends = (rows[f"{name}_{end}" if name else end] for end in ("low", "high"))
    return [text.with_interval(*x) for x in zip(rows[name or "estimate"], *ends, strict=True)]


def _ranking_cells(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({
        "latent": rows["latent"], "score": rows["score"].map(text.fixed),
        "p": rows["p_any"].map(text.p_value), "change": _intervals(rows),
        "kept": rows["kept"].map(text.percent), "verdict": rows["verdict"],
    })  # fmt: skip


def terminal(result: Result) -> str:
    """Writes the best latents and a sentence on each finding for the terminal."""
    about, rows = result.settings[NAME], result.table("ranking")
    lines = [labelled(about)]
    if len(rows):
        cells = _ranking_cells(rows.head(max(3, len(about["proved"])))).drop(columns="kept")
        lines.append(text.columns([list(cells.columns), *cells.to_numpy().tolist()]))
    return "\n".join([*lines, *sentences(result)])


def summary(result: Result) -> str:
    """Writes what may be concluded, then the tables, as Markdown."""
    about, checkpoint = result.settings[NAME], result.settings["checkpoint"]
    source = f"`{checkpoint['prefix']}` (step {checkpoint['step']}), seed {about['seed']}."
    parts = [f"# Which latents go with {about['ranked_by']}", f"{source} {labelled(about)}"]
    listed = "\n".join(f"- {sentence}" for sentence in sentences(result))
    parts += ["## What may be concluded", listed, CAUTION]
    rows = result.table("ranking")
    if len(rows):
        legend = ABOUT_RANKING.format(level=text.fixed(rows["chance_score"].iloc[0]))
        cells = _ranking_cells(rows.head(N_RANKED))
        parts += ["## Ranking", legend, text.table(cells, ["score", "p", "kept"])]
    if "proof" in result.tables:
        cells = _proof_cells(result, about)
        parts += ["## Proof by generation", ABOUT_PROOF, text.table(cells, list(cells.columns[2:]))]
    if "codes" in result.tables:
        parts += ["## Codes", ABOUT_CODES, text.table(_code_cells(result))]
    rows = result.table("interactions")
    if len(rows):
        cells = pd.DataFrame({
            "pair": rows["latent_a"] + " * " + rows["latent_b"],
            "first": _intervals(rows, "main_a"), "second": _intervals(rows, "main_b"),
            "interaction": _intervals(rows), "p": rows["p_holm"].map(text.p_value),
            "verdict": rows["verdict"],
        })  # fmt: skip
        parts += ["## Pairs", ABOUT_PAIRS, text.table(cells)]
    return "\n\n".join(parts) + "\n"


def _proof_cells(result: Result, about: dict[str, Any]) -> pd.DataFrame:
    """Makes a row for each latent with the level of the property at each value; clipped last."""
    rows, clipped = result.table("proof"), result.table("clipped")
    rows = rows[rows["measure"] == about["measure"]]
    wide = rows.pivot(index="latent", columns="value", values="estimate")
    cells = wide.map(lambda x: _level(x, about)).loc[rows["latent"].unique()]
    share = clipped[clipped["stage"] == PROOF].set_index("value")["estimate"]
    cells.loc["clipped"] = share.reindex(wide.columns).map(text.percent)
    cells.columns = pd.Index([text.number(value) for value in wide.columns])
    roles = rows.drop_duplicates("latent").set_index("latent")["role"]
    cells.insert(0, "role", roles.reindex(cells.index).fillna(""))
    return cells.reset_index(names="latent")


def _code_cells(result: Result) -> pd.DataFrame:
    """Makes a row for each code, with the most frequent label at each level."""
    codes, tests = result.table("codes"), result.table("code_tests")
    differ = {(row.code, row.value) for row in _rows(tests) if row.verdict == DIFFERS}
    best = codes.sort_values("count", kind="stable").groupby(["code", "value"]).tail(1)
    several, cells = codes["label"].nunique() > 1, collections.defaultdict[str, dict](dict)
    for row in _rows(best.sort_index()):
        share = text.with_interval(row.estimate, row.low, row.high, text.percent)
        mark = " *" if (row.code, row.value) in differ else ""
        cell = f"{row.label + ' ' if several else ''}{share}, n {row.n}{mark}"
        cells[row.code] |= {"code": row.code, f"at {text.number(row.value)}": cell}
    return pd.DataFrame(cells.values()).fillna(text.DASH)


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures; each is drawn when it is called."""
    from wavegan_tf.output.figures_identify import drawings

    return drawings(result)
