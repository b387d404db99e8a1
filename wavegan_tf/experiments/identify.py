"""Find which latent variable carries a property: generate, label, rank, and prove by generating.

The steps of Beguš (2020, Frontiers in AI 3:44) and Beguš & Zhou (2022, section III-B2). Outputs are
drawn and labelled, and latent variables ranked by how they go with the label; where too few have
the property, each is set alone far outside of training instead (a screen). Then the best ones, and
others as controls, are set one at a time, all else frozen; every code at several levels; pairs.
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
from wavegan_tf.experiments.listen import Measuring
from wavegan_tf.experiments.properties import CATEGORIES, DOSES, Labels
from wavegan_tf.experiments.result import Result
from wavegan_tf.experiments.stages import (
    CODES,
    DRAWN,
    PAIRS,
    PROOF,
    SCREEN,
    Stages,
    code_conditions,
    condition,
    count_clipped,
    label_codes,
    with_other_codes,
)
from wavegan_tf.latents import Condition, cross, latent_index, latent_names, plain
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import text
from wavegan_tf.stats import factorial, proof, ranking
from wavegan_tf.stats.effects import DIFFERS, LEAST_SIGNS, NO_DIFFERENCE
from wavegan_tf.stats.proof import CONTROL, MEAN, SHARE, TOP
from wavegan_tf.stats.ranking import (
    ABOVE_CHANCE,
    BINARY,
    EVEN,
    NOT_ABOVE_CHANCE,
    RankingSettings,
)
from wavegan_tf.stats.resampling import TOO_FEW
from wavegan_tf.stats.sweeps import NO_CHANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "identify"

WITHOUT_FINDING = 3  # latents that are proved where none is above chance
N_RANKED = 10  # rows of the ranking, or of the screen, that the summary shows
N_CODES = 5  # codes that differ and get a sentence
N_WORDS = 10  # words that a code has more of and that get one: those of ten codes
_CONTROL_STREAM = 7

ABOUT_RANKING = (
    "Linear is the latent variable itself, even its distance from 0. Score: the evidence that it "
    "goes with the property, given all other variables, in standard deviations of chance; a score "
    "over {level} is above chance. p: the chance that the best of all rows looks as strong if none "
    "carries anything (permutations of outputs). Change: for one standard deviation, given all "
    "other variables [interval over outputs]; this is a size, not evidence. Kept: share of "
    "resamples in which the L1 model keeps it."
)
ABOUT_SCREEN = (
    "Each latent variable is set alone, and everything else is held still. Share of outputs that "
    "have the property [interval], the largest first."
)
ABOUT_PROOF = (
    "Each latent variable is set alone to each value. Everything else is held still, at base "
    "vectors that were not used for the ranking and are the same for all variables. Tests within "
    "base vectors: the slope over all values (table `trends`); a value against its mirror image "
    "(for a code: against 0), and 0 against both sides (table `contrasts`). Yes and no are tested "
    "by signs. p is after Holm's correction over both tables, for controls separately. When a code "
    "variable of a ciwGAN is set, the others are 0; at its value 0 another code variable is 1, "
    "each in turn, as in training. Clipped: share of all these outputs with clipped samples; the "
    "larger it is, the less the value says about speech. figures/doses shows how strong frication "
    "and voice are."
)
ABOUT_CODES = (
    "Share [interval] of outputs with the property, or with the most frequent of several labels, "
    "under each code and level. * differs from the other codes (table `code_tests`, Holm)."
)
ABOUT_WORDS = (
    "Share of the outputs of each code that were called a word, for the most frequent words. A "
    "multinomial regression of the word on the code gives the same shares. * more than in the "
    "other codes together (table `code_words`, Holm)."
)
ABOUT_PAIRS = (
    "From the least to the largest value: what each latent variable changes on average over the "
    "values of the other, and how much the change by the first differs between the extremes of the "
    "second. Shares count as 0 .. 1. The table `pairs` has all values."
)
CAUTION = (
    "Intervals and p hold for further outputs of this trained network, not for another training. "
    "Values beyond \u22121 .. 1 (for codes beyond 0 and 1) were never seen in training: they show "
    "what a latent variable can do, not how often the network does it. Setting one variable at a "
    "time misses what two do together."
)

NOT_ALONE = "Setting one of these alone is not shown to change it:"
AS_CONTROLS = "Only far outside the training range, where controls move it as much, it is moved by"
TOO_FEW_BASES = (
    f"Too few base vectors (--proof_outputs; a yes or no needs {LEAST_SIGNS}), or no value with "
    "its mirror image (--values), for a verdict on"
)
FINDINGS = {
    proof.CAUSE: "{latent} causes {effect}{way}: {change}; {controls}.",
    proof.INSIDE: "{latent} moves {name} inside the training range{way}: {change}; {controls}.",
    proof.OUTSIDE: "{latent} is shown to move {name} only outside the training range{way}: "
    "{change}; {controls}.",
}


@dataclasses.dataclass(frozen=True)
class Options(Measuring, RankingSettings):
    """What an identification can be asked for.

    Raises:
        InputError: A value breaks its rule, or two options have no meaning together.
    """

    property: str | None = option(
        None,
        "Property to look for: yes or no (frication, voicing, silence between two sounds, "
        "two_vowels), a number (n_voiced, rms_db, voiced.f0), or a number with a threshold "
        "(voiced.f0>200).",
    )
    rule: str | None = option(
        None,
        "How several intervals of an output decide: any (one passes the threshold; the default if "
        "there is a threshold), longest (the value in the longest interval) or mean (the default "
        "if there is none).",
        choices=properties.RULES,
    )
    name: str = option("", "Name of the property in texts and figures.")
    labels: str = option(
        "",
        "CSV table output,label of outputs labelled by hand: yes and no, numbers, or words. These "
        "labels rank latent variables; --property is measured in new outputs.",
        path=True,
    )
    label: str | None = option(None, "Word of --labels to look for, against all other words.")
    n: int = option(1000, "Number of outputs to label, those of probe with the same --seed.", low=1)
    seed: int = option(0, "Seed of every random draw.", low=0)
    top: int = option(7, "Number of best-ranked latent variables to set to --values.", low=1)
    values: tuple[float, ...] = option(
        (-25.0, -15.0, -5.0, -1.0, 0.0, 1.0, 5.0, 15.0, 25.0), "Values that each is set to."
    )
    proof_outputs: int = option(
        25, "Number of outputs at each value, from the same base vectors.", low=1
    )
    screen_value: float = option(
        15.0, "Value that each z is set to, above and below 0, if too few outputs have the "
        "property to rank latent variables by it; codes are set to "
        "--code_levels.", group="Latents", low=0.01,
    )  # fmt: skip
    screen_outputs: int = option(
        5, "Number of outputs at each of those values; 0 refuses so rare a "
        "property.", group="Latents",
        low=0,
    )  # fmt: skip
    controls: int = option(
        7,
        "Number of latent variables, ranked no higher than by chance, to set as controls.",
        group="Latents",
        low=0,
    )
    code_levels: tuple[float, ...] = option(
        (1.0, 2.0, 5.0), "Values that code variables are set to; the others are 0."
    )
    code_outputs: int = option(
        25, "Number of outputs for each code and level; 0 leaves codes out.", low=0
    )
    pairs: str = option(
        "",
        "Pairs of latent variables to vary together: z3*z7,c1*z2, or top3 (all pairs of the best "
        "three).",
    )
    pair_values: tuple[float, ...] = option(
        (-5.0, 0.0, 5.0), "Values of both latent variables of a pair.", group="Latents"
    )
    audio: bool = option(
        False,
        "Write the sounds of the outputs that are labelled (--n) as WAV, each with a TextGrid.",
        group="Output",
    )
    layers: str = "out"
    upsample: str = "linear"
    annotations: str | None = None
    clip: bool = False

    def __post_init__(self) -> None:
        """Checks every value, and that what is given has a meaning together."""
        super().__post_init__()
        fixed_ones = {"layers": "out", "upsample": "linear", "annotations": None, "clip": False}
        for name, fixed in fixed_ones.items():
            if getattr(self, name) != fixed:
                raise InputError(
                    f"{name}={getattr(self, name)}: identify measures only the "
                    "outputs; leave it out"
                )
        for name, least in (("values", 2), ("code_levels", 1), ("pair_values", 2)):
            values = sorted(map(float, getattr(self, name)))
            given = f"--{name}={','.join(f'{value:g}' for value in values)}"
            if len(values) < least or not all(map(math.isfinite, values)):
                raise InputError(f"{given}: give {least} or more finite numbers, such as -5,0,5")
            if len(set(values)) < len(values):
                raise InputError(f"{given}: a value is given twice; give each once")
            object.__setattr__(self, name, tuple(values))
        if self.property is not None:
            wanted = properties.parse_property(self.property, self.rule, self.name)
            object.__setattr__(self, "property", wanted.text)
        if self.label is not None and not self.labels:
            raise InputError(f"--label={self.label}: is a word of --labels; give that table too")
        if self.pairs and self.property is None:
            raise InputError(
                f"--pairs={self.pairs}: new outputs have no labels given by hand; add the "
                "--property to count in them"
            )


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Generates, labels, ranks and proves; sounds of the drawn outputs go to the ``directory``.

    Raises:
        InputError: Nothing is asked for, the labels do not vary, a pair is none of the model's, or
            even in the screen no output has the property.
    """
    if options.property is None and not options.labels:
        raise InputError(
            "--property: is missing; name the property to look for, such as --property=frication, "
            "or give --labels"
        )
    config, n, wanted, by_hand, codes = model.config, options.n, None, None, list[Condition]()
    if options.property is not None:
        wanted = properties.parse_property(options.property, options.rule, options.name)
    if options.labels:
        texts = properties.read_labels(options.labels, n, options.label)
        by_hand = Labels(*properties.as_numbers(texts, options.label), texts)
        check_labels(by_hand, options)
    pairs = parse_pairs(options.pairs, config)
    if wanted is not None and wanted.kind == BINARY and options.code_outputs:
        codes = code_conditions(config, options.code_levels)
    z = model.sample(n + max(options.proof_outputs, options.code_outputs), options.seed)
    z, bases = z[:n], z[n:]  # none of the base vectors is ranked by
    measuring = dataclasses.replace(options, labels="", label=None)  # not those of TextGrids
    stages = Stages(model, measuring, wanted, directory)
    drawn = stages.add(DRAWN, plain(z))
    labels = by_hand or Labels(stages.wanted.kind, drawn[stages.wanted.measure].to_numpy())
    found, top, controls = rank_or_screen(stages, options, labels, z)
    ranked = found.get("ranking", pd.DataFrame(columns=["latent", "form", "estimate", "verdict"]))
    if by_hand:  # who ranks by a label and counts another property compares no signs
        ranked = ranked.assign(estimate=math.nan)
    if wanted is not None and top:
        found |= prove(stages, options, bases, (top, controls), ranked)
    found |= compare_codes(stages, options, codes, bases, label_codes(z, config, labels))
    if isinstance(pairs, int):
        pairs = list(itertools.combinations(top[:pairs], 2))
    if wanted is not None and pairs:
        found |= vary_pairs(stages, options, pairs, bases)
    asked = ("label", "seed", "values", "proof_outputs", "code_outputs", "screen_outputs")
    name, definition = (wanted.name, wanted.definition) if wanted else ("", "")
    about = {field: getattr(options, field) for field in asked} | {
        "property": name, "definition": definition,
        "ranked_by": options.label or "the label" if options.labels else name,
        "by_hand": bool(by_hand), "kind": labels.kind, "proved": top, "controls": controls,
        "measure": wanted.measure if wanted else "", "unit": wanted.unit if wanted else "1",
        "codes_generated": bool(codes), "num_codes": config.num_categ,
    }  # fmt: skip
    about["labelled"] = properties.describe_labels(labels, about["ranked_by"], options)
    fields = dataclasses.fields(RankingSettings)
    statistics = {field.name: getattr(options, field.name) for field in fields}
    settings = stages.settings | {NAME: about, "statistics": statistics}
    told = pd.DataFrame({"output": np.arange(n), "label": labels.told()})
    tables = stages.tables() | {"labels": told} | found
    tables["clipped"] = count_clipped(tables)
    return Result(NAME, settings, tables, directory=directory)


def check_labels(labels: Labels, options: Options) -> None:
    """Checks that latents can be ranked by labels, unless these are words."""
    flag, way_out = f"--labels={options.labels}", "label more outputs"
    if labels.texts is None:
        flag = f"--property={options.property}"
        way_out = "draw more outputs (--n), or ask differently"
    if labels.kind != CATEGORIES:
        ranking.check_labels(labels.y, labels.kind, options, flag, way_out)


def rank_or_screen(
    stages: Stages, options: Options, labels: Labels, z: np.ndarray
) -> tuple[dict[str, pd.DataFrame], list[str], list[str]]:
    """Ranks latents by the labels; screens them where too few outputs have the property.

    Returns:
        The table ``ranking`` or ``screen``, of words neither; the best latents, and the controls.

    Raises:
        InputError: The labels do not vary, or even in the screen no output has the property.
    """
    if labels.kind == CATEGORIES:
        return {}, [], []
    few = np.isfinite(labels.y).any() and np.nansum(labels.y) < options.min_class
    if labels.texts is None and labels.kind == BINARY and few and options.screen_outputs:
        sides = (-options.screen_value, options.screen_value)
        conditions = [
            condition({latent: value}, latent=latent, value=value)
            for latent in latent_names(stages.config)
            for value in (options.code_levels if latent[0] == "c" else sides)
        ]
        design = cross(z[: options.screen_outputs], conditions, stages.config)
        screen = proof.screen(stages.add(SCREEN, design), options.seed, options)
        return {"screen": screen}, *choose_screened(screen, options)
    check_labels(labels, options)
    latents = pd.DataFrame(z, columns=latent_names(stages.config))
    table = ranking.rank(latents, labels.y, labels.kind, options.seed, options)
    return {"ranking": table}, *choose_latents(table, options)


def prove(
    stages: Stages,
    options: Options,
    bases: np.ndarray,
    latents: tuple[list[str], list[str]],
    ranked: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Sets the best latents and the controls, each alone: ``proof`` to ``findings``."""
    conditions = [
        condition({latent: value}, role=role, latent=latent, value=value)
        for role, names in zip((TOP, CONTROL), latents, strict=True)
        for latent in names
        for value in options.values
    ]
    design = with_other_codes(
        cross(bases[: options.proof_outputs], conditions, stages.config), stages.config
    )
    measures = {stages.wanted.measure: stages.wanted.unit}
    measures |= DOSES if stages.wanted.kind == BINARY else {}
    shown = proof.prove(stages.add(PROOF, design), measures, options.seed, options)
    tables = dict(zip(("proof", "trends", "contrasts"), shown, strict=True))
    return tables | {"findings": proof.findings(latents[0], ranked, tables["contrasts"])}


def compare_codes(
    stages: Stages,
    options: Options,
    codes: list[Condition],
    bases: np.ndarray,
    coded: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Compares codes by new outputs of each, without any by those that are labelled by hand."""
    if codes:
        name = stages.wanted.name
        coded = stages.add(CODES, cross(bases[: options.code_outputs], codes, stages.config))
        words = coded[SHARE].map({1.0: name, 0.0: factorial.NOT})
        coded["label"] = pd.Categorical(words, [factorial.NOT, name])
    if not len(coded):
        return {}
    tests = factorial.code_tests(coded, options.seed, options)
    tables = {"codes": factorial.code_shares(coded, options), "code_tests": tests}
    if coded["label"].nunique() > 2:
        found = factorial.code_words(coded, options.seed, options)
        tables |= dict(zip(("code_words", "word_model"), found, strict=True))
    return tables


def vary_pairs(
    stages: Stages, options: Options, pairs: list[tuple[str, str]], bases: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Sets both latents of each pair: ``pairs`` and ``interactions``."""
    conditions = [
        condition({a: x, b: y}, latent_a=a, value_a=x, latent_b=b, value_b=y)
        for (a, b), x, y in itertools.product(pairs, options.pair_values, options.pair_values)
    ]
    found = stages.add(PAIRS, cross(bases[: options.proof_outputs], conditions, stages.config))
    effects = factorial.pair_effects(found, stages.wanted.measure, options.seed, options)
    return dict(zip(("pairs", "interactions"), effects, strict=True))


def choose_latents(table: pd.DataFrame, options: Options) -> tuple[list[str], list[str]]:
    """Chooses by a ranking what is proved.

    Returns:
        The best latents, each by its best form; where none is above chance,
        :data:`WITHOUT_FINDING`. The controls, drawn from the others that are above chance in no
        form, in order of the ranking.
    """
    best = table.drop_duplicates("latent")  # the strongest evidence stands first
    above = (best["verdict"] == ABOVE_CHANCE).any()
    top = list(best["latent"].head(options.top if above else WITHOUT_FINDING)[: options.top])
    left = best.loc[(best["verdict"] == NOT_ABOVE_CHANCE) & ~best["latent"].isin(top), "latent"]
    return top, draw_controls(list(left), top, options)


def choose_screened(table: pd.DataFrame, options: Options) -> tuple[list[str], list[str]]:
    """Chooses by a screen the latents with the largest shares, and controls of the others.

    Raises:
        InputError: No output has the property.
    """
    brought = table[table["estimate"] > 0].drop_duplicates("latent")
    if not len(brought):
        raise InputError(
            f"--property={options.property}: hardly any drawn output has it, and none has it when "
            f"a latent variable is set alone to \u00b1{options.screen_value:g}; draw more outputs "
            "(--n), or choose another property"
        )
    top = list(brought["latent"].head(options.top))
    left = table.loc[~table["latent"].isin(top), "latent"].drop_duplicates()
    return top, draw_controls(list(left), top, options)


def draw_controls(left: Sequence[str], top: Sequence[str], options: Options) -> list[str]:
    """Draws controls from the latents that are left, in their order.

    Codes are compared with codes alone: where one is proved, the first that are left are controls.
    """
    rng = np.random.default_rng([options.seed, _CONTROL_STREAM])
    drawn = {*rng.choice(len(left), min(options.controls, len(left)), replace=False)}
    if any(latent[0] == "c" for latent in top):
        drawn |= {*[k for k, name in enumerate(left) if name[0] == "c"][: options.controls]}
    return [left[k] for k in sorted(drawn)]


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
            raise InputError(
                f"{flag}: {part}: name each pair once, with two different latent variables"
            )
        pairs.append((a, b))
    return pairs or 0


# What was found, in words.


def _labelled(result: Result) -> tuple[str, pd.DataFrame]:
    """Says how many outputs are labelled, and makes a table of the labels."""
    about, labels = result.settings[NAME], result.table("labels")["label"]
    missing = int((labels.isna() | (labels == "")).sum())
    said = f"{len(labels)} outputs, {'labelled by hand' if about['by_hand'] else 'measured'}"
    said += f"; without a label, and left out: {missing}." if missing else "."
    if about["property"] != about["definition"]:
        said += f" {about['property']} means {about['definition']}."
    table = pd.DataFrame(about["labelled"])
    if "sd" in table:
        ends = zip(table["estimate"].map(text.number), table["sd"].map(text.number), strict=True)
        cells = [f"mean {mean}, SD {sd}" for mean, sd in ends]
    else:
        cells = _intervals(table, write=text.percent)
    counts = table["n"].map(str)
    return said, pd.DataFrame({"label": table["label"], "outputs": counts, "of them": cells})


def _level(x: float, about: dict[str, Any]) -> str:
    """Writes a share in per cent, a mean with its unit."""
    if about["measure"] == SHARE:
        return text.percent(x)
    return text.number(x) + ("" if about["unit"] == "1" else f" {about['unit']}")


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples())


def _p(p: float) -> str:
    return f"p {'' if p < 0.001 else '= '}{text.p_value(p)}"


def _finding(row: Any, about: dict[str, Any]) -> str:
    """Says what setting a latent was shown to do; a row of findings."""
    place = "outside" if row.verdict == proof.OUTSIDE else "inside"
    form, first, last, *ends, n, p = (getattr(row, f"{place}_{name}") for name in proof.SIDE)
    levels = [_level(x, about) for x in ends]
    at = "\u00b1" * (form == EVEN) + text.number(last)
    change = f"{levels[0]} at {text.number(first)}, {levels[1]} at {at} ({n} bases, {_p(p)})"
    controls = "no control to compare with was set"
    if row.n_controls:
        controls = f"controls that may do as much: {row.n_controls_as_large} of {row.n_controls}"
    if row.sign == proof.DISAGREES:
        controls += "; the ranking has the opposite sign"
    way = ", either way from 0" if form == EVEN else ""
    effect = about["property"] if about["measure"] == SHARE else f"a change of {about['property']}"
    return FINDINGS[row.verdict].format(
        latent=row.latent, name=about["property"], effect=effect, way=way, change=change,
        controls=controls,
    )  # fmt: skip


def sentences(result: Result) -> list[str]:
    """Writes one sentence on each finding - latents, codes, pairs - and what was not done."""
    about, found = result.settings[NAME], []
    table = result.table("ranking")
    if len(table):
        above = table[table["verdict"] == ABOVE_CHANCE]
        listed = ", ".join(above["latent"] + np.where(above["form"] == EVEN, " (even)", ""))
        n = table["n"].iloc[0]
        found.append(f"Above chance in the ranking of {n} outputs: {listed or 'no latent'}.")
        if not len(above):
            found.append(
                "That does not show that none carries it: a rare property needs more outputs "
                "(--n), and one that two latent variables make together needs --pairs."
            )
    if "screen" in result.tables:
        found.append(
            "Too few outputs have the property to rank latent variables by it: each was set alone "
            f"({about['screen_outputs']} outputs at each value), and those with the largest shares "
            "were proved."
        )
    rows, tests = result.table("findings"), result.table("code_tests")
    differ = tests.iloc[:0]
    if len(tests):
        differ = tests[tests["verdict"] == DIFFERS].drop_duplicates("code")  # at the least level
    if len(rows):
        found += [_finding(row, about) for row in _rows(rows) if row.verdict in FINDINGS]
        together = {proof.AS_CONTROLS: AS_CONTROLS, NO_CHANGE: NOT_ALONE, TOO_FEW: TOO_FEW_BASES}
        for verdict, what in together.items():
            here = rows[rows["verdict"] == verdict]
            n = here[["inside_n", "outside_n"]].to_numpy().max(initial=0)
            found += [f"{what} {', '.join(here['latent'])} ({n} bases)."] * bool(len(here))
    if "code_words" in result.tables:
        found += word_sentences(result)
        tests = differ = tests.iloc[:0]
    for row in _rows(differ.head(N_CODES)):
        shown = f"{row.label} {text.percent(row.estimate)}, the others {text.percent(row.others)}"
        code = f"Code {row.code}"
        if row.code == factorial.ALL_CODES:
            code, shown = "All codes", "they differ"
        at = text.number(row.value)
        found.append(f"{code} at {at}: {shown} (n = {row.n}, {_p(row.p_holm)}).")
    if len(differ) > N_CODES:
        found.append(f"{len(differ) - N_CODES} more codes differ (table `code_tests`).")
    if len(tests) and set(tests["verdict"]) <= {NO_DIFFERENCE, TOO_FEW}:
        found.append("No code is shown to differ from the others.")
    for row in _rows(result.table("interactions")):
        effect = text.with_interval(row.estimate, row.low, row.high)
        names = f"{row.latent_a} * {row.latent_b}"
        found.append(f"{names}: {row.verdict}, interaction {effect} ({_p(row.p_holm)}).")
    return found + notes(result)


def word_sentences(result: Result) -> list[str]:
    """Says whether the word depends on the code, and which words a code has more of."""
    found, model = [], _rows(result.table("word_model"))[0]
    said = "The word is not shown to depend on the code"
    if model.verdict == DIFFERS:
        said = f"The word depends on the code: McFadden's R\u00b2 {text.fixed(model.estimate)}, "
        said += f"by chance {text.fixed(model.by_chance)}"
    found.append(f"{said} (multinomial regression, {model.n} outputs, {_p(model.p)}).")
    rows = result.table("code_words")
    rows = rows[rows["verdict"] == factorial.MORE].sort_values("p", kind="stable")
    for row in _rows(rows.head(N_WORDS).sort_index()):
        others = f"in the other codes in {row.count_others} of {row.n_others}"
        counts = f"{row.label} in {row.count} of {row.n}, {others}"
        found.append(f"Code {row.code}: {counts} ({_p(row.p_holm)}).")
    if len(rows) > N_WORDS:
        found.append(f"{len(rows) - N_WORDS} more codes and words: table `code_words`.")
    return found + ["No code is shown to have more of a word."] * (not len(rows))


def notes(result: Result) -> list[str]:
    """Says what was not done and why."""
    about, found = result.settings[NAME], []
    codes = ", ".join(latent for latent in about["proved"] if latent.startswith("c"))
    if codes and 0 not in about["values"]:
        found.append(f"{codes}: codes are compared with 0, which is not among the --values.")
    if about["kind"] == CATEGORIES:
        found.append(
            "Words are compared between codes; --label=WORD ranks latent variables by one word."
        )
    if not about["measure"]:
        found.append(
            "Nothing was proved by generating, because labels given by hand cannot be counted in "
            "new outputs. Also give the --property that comes closest to them."
        )
    elif about["measure"] == MEAN and about["num_codes"]:
        found.append("Codes were not compared: a number needs a threshold (voiced.f0>200).")
    return found


def _intervals(
    rows: pd.DataFrame, name: str = "", write: Callable[[float], str] = text.number
) -> list[str]:
    """Writes estimates with their intervals, of the columns ``estimate`` or another name."""
    ends = (rows[f"{name}_{end}" if name else end] for end in ("low", "high"))
    found = zip(rows[name or "estimate"], *ends, strict=True)
    return [text.with_interval(x, low, high, write) for x, low, high in found]


def _ranking_cells(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({
        "latent": rows["latent"], "form": rows["form"], "score": rows["score"].map(text.fixed),
        "p": rows["p_any"].map(text.p_value), "change per SD": _intervals(rows),
        "kept": rows["kept"].map(text.percent), "verdict": rows["verdict"],
    })  # fmt: skip


def terminal(result: Result) -> str:
    """Writes the best latents and a sentence on each finding for the terminal."""
    (said, labels), rows = _labelled(result), result.table("ranking")
    lines, tables = [said], [labels]
    if len(rows):
        n = max(3, len(result.settings[NAME]["proved"]))
        tables.append(_ranking_cells(rows.head(n)).drop(columns="kept"))
    lines += [text.columns([list(x.columns), *x.to_numpy().tolist()]) for x in tables]
    return "\n".join([*lines, *sentences(result)])


def summary(result: Result) -> str:
    """Writes what may be concluded, then the tables, as Markdown."""
    about, checkpoint = result.settings[NAME], result.settings["checkpoint"]
    source = f"`{checkpoint['prefix']}` (step {checkpoint['step']}), seed {about['seed']}."
    said, labels = _labelled(result)
    listed = "\n".join(f"- {sentence}" for sentence in sentences(result))
    parts = [f"# Which latents go with {about['ranked_by']}", f"{source} {said}"]
    parts += ["## What may be concluded", listed, CAUTION]
    parts += ["## Labels", text.table(labels, ["outputs"])]
    rows = result.table("ranking")
    if len(rows):
        legend = ABOUT_RANKING.format(level=text.fixed(rows["chance_score"].iloc[0]))
        cells = _ranking_cells(rows.head(N_RANKED))
        parts += ["## Ranking", legend, text.table(cells, ["score", "p", "kept"])]
    rows = result.table("screen").head(N_RANKED)
    if len(rows):
        cells = rows[["latent"]].assign(value=rows["value"].map(text.number))
        cells["share"] = _intervals(rows, write=text.percent)
        parts += ["## Screen", ABOUT_SCREEN, text.table(cells, ["value"])]
    if "proof" in result.tables:
        cells = _proof_cells(result, about)
        parts += ["## Proof by generation", ABOUT_PROOF, text.table(cells, list(cells.columns[2:]))]
    if "codes" in result.tables:
        parts += ["## Codes", ABOUT_CODES, text.table(_code_cells(result))]
    if "code_words" in result.tables:
        cells = _word_cells(result)
        parts += ["## Words", ABOUT_WORDS, text.table(cells, list(cells.columns[1:]))]
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


def _word_cells(result: Result) -> pd.DataFrame:
    """Makes a row for each code with the share of each word, the most frequent words first."""
    rows = result.table("code_words")
    counts = rows.groupby("label")["count"].sum().sort_values(ascending=False, kind="stable")
    mark = np.where(rows["verdict"] == factorial.MORE, " *", "")
    wide = rows.assign(cell=rows["estimate"].map(text.percent) + mark)
    wide = wide.pivot(index="code", columns="label", values="cell")[counts.index[:N_WORDS]]
    return wide.loc[rows["code"].unique()].reset_index()


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures; each is drawn when it is called."""
    from wavegan_tf.output.figures_identify import drawings

    return drawings(result)
