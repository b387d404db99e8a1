"""How good is a trained model? Its outputs beside recordings of its corpus, quantity by quantity.

No single number says that speech is good. So outputs and recordings are measured alike, compared as
sets (diversity, distance of distributions), and copies are sought; the Q-network is asked for its
codes, and a classifier that learned from labelled recordings for words.
"""

import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import labelled, listen, recorded
from wavegan_tf.experiments.labelled import ENDS, Ears, Labels, Sounds
from wavegan_tf.experiments.recognise import read_answers
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import latent_names, latents_table, plain
from wavegan_tf.model import Model, batches
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import outcome_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.speech.spectra import has_high_stretch
from wavegan_tf.stats import likeness, naming
from wavegan_tf.stats.compared import (
    OUTPUT,
    OUTPUTS,
    RECORDINGS,
    SAMPLE_COLUMNS,
    compare_shares,
    compare_sources,
    take_samples,
)
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE
from wavegan_tf.stats.factorial import ALL_CODES
from wavegan_tf.stats.recognition import with_shares
from wavegan_tf.stats.resampling import StatisticsSettings, mean_intervals

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "evaluate"

MOST_IN_SETS = 1000
"""Outputs, and recordings, that are compared as sets: the first ones."""

SHOWN = (
    ("output", "voiced_time"), ("voiced", "duration"), ("voiced", "f0"), ("voiced", "intensity"),
    ("voiced", "f1"), ("voiced", "f2"), ("voiced", "hnr"), ("frication", "cog"),
)  # fmt: skip
"""Measures of the front table; ``compared`` has all."""

SETS = {
    "diversity": "Diversity", "distance": "Distance (1000 \u00d7 MMD\u00b2)",
    "nearer": "Near a recording",
}  # fmt: skip
"""Titles of the comparisons of sets that the front table has."""

WORDS = {naming.RECORDINGS: "Words held out", naming.SPEAKERS: "Words of new speakers"}
SHARES = ("With ", "Near ", "Codes ", "Words ")
"""Beginnings of quantities that are shares."""

BESIDE = ("recordings", "recordings_low", "recordings_high")


@dataclass(frozen=True)
class Options(listen.MeasuringOutputs, Labels):
    """What is evaluated, and beside what."""

    data_dir: str | None = option(
        None,
        "Folder of the recordings that the model was trained on; sub-folders included.",
        path=True,
    )
    n: int = option(500, "Number of outputs, and also of recordings drawn at random.", low=20)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    references: int = option(
        5000,
        "Number of further recordings, drawn at random, among which copies are sought; half of a "
        "small corpus.",
        group="Model",
        low=20,
    )
    s_above: float = option(
        4500.0,
        "Frequency in Hz above which [s] and [z] have half of their energy or more; bursts and "
        "aspiration have less there.",
        group="Intervals",
        low=1,
        unit="Hz",
    )
    n_permutations: int = option(
        999,
        "Number of times that outputs and recordings are exchanged.",
        group="Statistics",
        low=99,
        high=1e6,
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every option."""
        check_options(self)


def draw_latents(config: ModelConfig, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gives a ciwGAN its codes in turn; returns the latent vectors, and the code of each."""
    if not config.num_categ:
        return z, np.full(len(z), ALL_CODES)
    if config.model == "ciwgan":
        z[:, : config.num_categ] = np.eye(config.num_categ)[np.arange(len(z)) % config.num_categ]
    return z, read_answers(z[:, : config.num_categ], config)[0]


def _ears(config: ModelConfig, options: Options) -> Ears:
    return Ears(config.sample_rate, options.s_above, options.intervals.frication_share)


def generate(
    model: Model, z: np.ndarray, options: Options, plan: Plan
) -> tuple[dict[str, pd.DataFrame], Sounds, np.ndarray]:
    """Makes, hears and measures outputs; returns tables, what was heard, and the logits of Q."""
    ears, logits, numbers = _ears(model.config, options), list[np.ndarray](), iter(range(len(z)))
    if plan.audio_dir:
        os.makedirs(plan.audio_dir, exist_ok=True)

    def outputs() -> Iterator[Output]:
        for batch in batches(z):
            made = model.run("generator", batch)["out"]
            if model.q is not None:
                logits.append(model.run("q", made)["logits"])
            for sound, i in zip(made, numbers, strict=False):
                ears.hear(i, sound)
                yield Output(i, 0, {"out": sound[:, 0] if sound.shape[1] == 1 else sound})

    measured = measure_outputs(outputs(), plan, num_processes(options.jobs))
    tables, unknown = gather(progress(measured, len(z), f"{len(z)} outputs"), plan)
    del tables["points"]
    listen.report(plain(z), tables["outputs"], unknown)
    said = np.concatenate(logits)[: len(z)] if logits else np.zeros([len(z), 0])
    return tables, ears.heard(), said


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Compares outputs with recordings of the corpus.

    Returns:
        Tables ``evaluation``, the front one; ``samples`` and ``compared``, ``shares``, ``sets`` and
        ``nearest``; ``q`` of a model with a Q-network; with a classifier ``classifier``,
        ``recognised`` and, unless it is poor, ``codes``; ``outputs``, ``intervals``, ``latents``.

    Raises:
        InputError: There is no such folder, or too few of its recordings can be used.
    """
    config, given = model.config, options.statistics
    if options.data_dir is None:
        raise InputError(f"{NAME}: outputs are compared with recordings; add --data_dir")
    corpus, sample = (  # of one random order, so that the sample is among the references
        listen.Recordings(options.data_dir, config, flag="--data_dir", most=most)
        for most in (options.n + options.references, options.n)
    )
    learned = None
    if options.classifier is not None:
        learned = labelled.find_classifier(options, config, _ears(config, options), given)
    label = f"spectra of {len(corpus)} recordings"
    every = _ears(config, options).read(corpus, "--data_dir", label)
    z, codes = draw_latents(config, model.sample(options.n, options.seed))
    plan = Plan(
        layers=config.layers[-1:], target="out", sample_rate_hz=config.sample_rate,
        slice_len=config.slice_len, praat=options.praat, intervals=options.intervals,
        strides_hz=listen.strides_of(config),
        audio_dir=os.path.join(directory, "audio") if directory and options.audio else None,
    )  # fmt: skip
    tables, outputs, logits = generate(model, z, options, plan)
    of_sample = recorded.measure_recordings(sample, plan, options.jobs)
    place = {name: i for i, name in enumerate(every.names)}
    found = np.array([place[name] for name in sample.paths if name in place])
    own = np.random.default_rng(options.seed).permutation(found)  # paths are in order of words
    new = own[: len(place) // 2]  # the control of copies: these are not sought among
    heard, others = Sounds(*(x[own] for x in every)), every.mel[new]
    references = Sounds(*(np.delete(x, new, axis=0) for x in every))

    sources = {OUTPUTS: (tables["outputs"], tables["intervals"], outputs)}
    sources[RECORDINGS] = (*of_sample, heard)
    rate_hz = config.sample_rate
    parts = [take_values(*each, source, rate_hz, options) for source, each in sources.items()]
    samples = pd.concat([part for part, _ in parts], ignore_index=True)
    tables |= {"latents": latents_table(z, config), "samples": samples}
    tables["compared"] = compare_sources(samples, given)
    tables["shares"] = compare_shares(parts[0][1], parts[1][1], given)
    tables["sets"], tables["nearest"] = compare_sets(outputs, heard, others, references, options)
    if logits.shape[1]:
        tables["q"] = score_q(logits, z, config, given)
    arrays = {}
    if learned is not None:
        arrays["classifier"] = labelled.to_arrays(learned, config)
        tables |= labelled.name_outputs(learned, outputs.mel, codes, options.seed, given)
    tables["evaluation"] = front(tables, given)
    settings = listen.describe(model, plan) | {
        "n": options.n, "n_sample": len(own), "n_references": len(references.names),
        "s_above_hz": options.s_above,
        "data_dir": options.data_dir, "statistics": dataclasses.asdict(given),
    }  # fmt: skip
    return Result(NAME, settings, tables, arrays, directory)


def take_values(
    outputs: pd.DataFrame,
    intervals: pd.DataFrame,
    heard: Sounds,
    source: str,
    rate_hz: float,
    options: Options,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Takes one value per sound of each measure, and what each sound has.

    Returns:
        What :func:`take_samples` gives, and the level and the voiced time of each sound; and a
        column of yes or no for each property, a row for each sound. What is silent has nothing.
    """
    first = outputs[outputs["channel"] == 1]
    measured = first["measured"].astype(bool)
    rows = intervals[(intervals["channel"] == 1) & (intervals["measure"] == "duration")]
    voiced = rows[rows["label"] == "voiced"].groupby("output")["value"].sum()
    known, parts = first[measured], [take_samples(outputs, intervals, "out", source)]
    voiced_s = voiced.reindex(known["output"], fill_value=0.0)
    whole = (("rms_db", "dB", known["rms_db"]), ("voiced_time", "s", voiced_s))
    for measure, unit, values in whole:
        own = pd.DataFrame({"output": known["output"], "value": values.to_numpy()})
        own = own.assign(source=source, label=OUTPUT, measure=measure, unit=unit)
        parts.append(own[list(SAMPLE_COLUMNS)])
    known = first[measured | (first["problem"] == "silent")]
    has = {"voice": known["n_voiced"] > 0, "frication": known["n_frication"] > 0}
    if options.s_above < rate_hz / 2:
        names = known["name"] if source == RECORDINGS else known["output"]
        place = {name: i for i, name in enumerate(heard.names)}
        least_s = options.intervals.min_frication_s
        for sibilant, label in (("[s]", "frication"), ("[z]", "voiced")):
            found = rows[rows["label"] == label].groupby("output")
            spans = {i: list(zip(x["start_s"], x["end_s"], strict=True)) for i, x in found}
            high = [
                has_high_stretch(heard.high[place[name]], spans.get(i, []), least_s)
                for i, name in zip(known["output"], names, strict=True)
            ]
            has[sibilant] = pd.Series(high, known.index)
    has["two voiced intervals"] = known["n_voiced"] > 1
    return pd.concat(parts, ignore_index=True), pd.DataFrame(has)


def compare_sets(
    outputs: Sounds, sample: Sounds, others: np.ndarray, references: Sounds, options: Options
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compares sounds as sets and seeks copies: the tables ``sets`` and ``nearest``.

    ``others`` are the spectra of recordings that are not among the references.
    """
    few = slice(MOST_IN_SETS)
    mel, shape = (
        np.concatenate([x[few], y[few]]) for x, y in zip(outputs[1:3], sample[1:3], strict=True)
    )
    given, n = options.statistics, len(outputs.names[few])
    sets = likeness.compare_sets(mel, shape, n, options.n_permutations, given)
    distances, places = likeness.nearest(outputs.mel, references.mel)
    among, _ = likeness.nearest(others, references.mel)
    copies, near = likeness.find_copies(distances, among, given)
    table = likeness.judge_sets(pd.concat([sets, copies], ignore_index=True), given)
    return table, pd.DataFrame({
        "output": outputs.names, "name": references.names[places], "distance_db": distances[:, 0],
        "second_db": distances[:, 1], "copy": near,
    })  # fmt: skip


def score_q(
    logits: np.ndarray, z: np.ndarray, config: ModelConfig, settings: StatisticsSettings
) -> pd.DataFrame:
    """Counts how often Q names the code: of a ciwGAN by code, of a fiwGAN by bit, and ``all``."""
    names, code = latent_names(config)[: config.num_categ], z[:, : config.num_categ]
    answers, codes = read_answers(logits, config)[0], read_answers(code, config)[0]
    right = answers == codes
    rows = [(ALL_CODES, right.sum(), len(right))]
    for k, name in enumerate(names):
        of = right[codes == name] if config.model == "ciwgan" else (logits[:, k] > 0) == code[:, k]
        rows.append((name, of.sum(), len(of)))
    table = pd.DataFrame(rows, columns=["code", "count", "n"])
    return with_shares(table[table["n"] > 0], settings.confidence)


def front(tables: dict[str, pd.DataFrame], settings: StatisticsSettings) -> pd.DataFrame:
    """Gathers what a reader wants first: a row for each quantity, model beside recordings."""
    rows: list[dict[Any, Any]] = []
    for x in tables["shares"].to_dict("records"):
        rows.append({"quantity": f"With {x['property']}", **x})
    samples = dict(list(tables["samples"].groupby(["label", "measure"])))
    compared = {(x["label"], x["measure"]): x for x in tables["compared"].to_dict("records")}
    for key in (x for x in SHOWN if x in compared):
        row, own = compared[key], samples[key]
        found = {name: row[name] for name in ("unit", "n", "n_recordings", "p_holm", "verdict")}
        for source, names in ((OUTPUTS, ENDS), (RECORDINGS, BESIDE)):
            values = own.loc[own["source"] == source, "value"].to_numpy()[:, np.newaxis]
            if len(values):
                ends = (float(x[0]) for x in mean_intervals(values, 0, settings))
                found |= dict(zip(names, ends, strict=True))
        title = outcome_title(*key, found["unit"]).replace("Centre of gravity", "COG")
        rows.append({"quantity": title, **found})
    sets = tables["sets"].set_index("measure").to_dict("index")
    sets["distance"] |= {name: 1000 * sets["distance"][name] for name in (*ENDS, *BESIDE)}
    for measure, title in SETS.items():
        rows.append({"quantity": title, **sets[measure]})
    for x in tables["q"].head(1).to_dict("records") if "q" in tables else ():
        rows.append({"quantity": "Codes that Q names", **x})
    if "classifier" in tables:
        *held, outputs = tables["classifier"].to_dict("records")
        for x in held:
            share = {name: x[of] for name, of in zip(BESIDE, ENDS, strict=True)}
            share |= {"n_recordings": x["n"], "p_holm": x["p"], "verdict": x["verdict"]}
            rows.append({"quantity": WORDS[x["heard"]], **share})
        sure = {"quantity": "Confidence in the word", "n": outputs["n"]}
        sure["n_recordings"] = held[0]["n"]
        for names, x in ((ENDS, outputs), (BESIDE, held[0])):
            sure |= dict(zip(names, (x[column] for column in labelled.CONFIDENCE), strict=True))
        rows.append(sure)
    columns = ["quantity", "unit", *BESIDE, *ENDS, "n", "n_recordings", "p_holm", "verdict"]
    return pd.DataFrame(rows).reindex(columns=columns)


LEGEND = (
    "Recordings: {n_sample} of `{data_dir}`, drawn at random, the first slice of each. In "
    "brackets: {percent} intervals. With ..: share of outputs, and of recordings, that have it "
    "(Wilson's interval; Fisher's test); [s] is frication with most of its energy above "
    "{s_above_hz:g} Hz, and [z] is voice with as much above it, as of an [s] that the network "
    "repeats at a stride. The other measures: means of one value per output or recording "
    "(bootstrap; Kolmogorov-Smirnov test). Diversity: mean of 1 - cosine over pairs (bootstrap; "
    "permutation test). p: after Holm's correction over shares, over all measures, and over "
    "comparisons of sets. What is not shown to differ is not shown to be alike."
)
ABOUT_SETS = (
    "Distance: 1000 times the unbiased squared maximum mean discrepancy (MMD) of logarithmic mel "
    "spectra; it is 0 on average for equal distributions, at any number of sounds. Beside it "
    "stands the distance between two halves of the recordings, with the range of {percent} of "
    "halves. Near a recording: outputs that are nearer to one of {n_references} recordings than 95 "
    "% of other recordings are; by chance these would be 5 %. Typical outputs are near to many "
    "recordings. Copies are therefore claimed only if more outputs than by chance are also near to "
    "one recording alone: their distance to the nearest, divided by that to the second nearest, is "
    "below that of 95 % of the other recordings (table `sets`). The table `nearest` names the "
    "recording that is nearest to each output."
)
ABOUT_Q = "Share of outputs whose code the Q-network names, by code or bit (Wilson's interval)."
SAID = {
    likeness.COPIES: "Outputs are copies: {n_copies} of {n} are near one recording and no second",
    likeness.NEARER: "Outputs lie nearer to recordings than other recordings do, but not to one "
    "alone: they are typical, and copies are not shown",
    likeness.NO_COPIES: "Copies are not shown",
}


def sentences(result: Result) -> list[str]:
    """Says what was found of the sets, each with its control."""
    sets = result.table("sets").set_index("measure").to_dict("index")
    distance, near = sets["distance"], sets["nearer"]
    told = "are" if distance["verdict"] == DIFFERS else "are not shown to be"
    halves = " to ".join(text.number(1000 * distance[name]) for name in BESIDE[1:])
    numbers = {"n": near["n"], "n_copies": int(result.table("nearest")["copy"].sum())}
    copies = SAID[near["verdict"]].format(**numbers)
    return [
        f"Outputs and recordings {told} told apart by their spectra: distance "
        f"{text.number(1000 * distance['estimate'])}, of halves of the recordings {halves} "
        f"(p {text.p_value(distance['p_holm'])}).",
        f"{copies} ({labelled.with_ends(near, text.percent)} of the "
        f"outputs are near a recording, {text.percent(near['recordings'])} by chance; p "
        f"{text.p_value(near['p_holm'])}; among {result.settings['n_references']} recordings).",
    ]


def _cell(row: dict[Any, Any], names: tuple[str, ...]) -> str:
    """Writes an estimate with its interval, its per cent sign once."""
    share = row["quantity"].startswith(SHARES)
    cell = labelled.with_ends(row, text.percent if share else text.number, names)
    return cell.replace(" %", "") + " %" * ("%" in cell)


def front_table(evaluation: pd.DataFrame) -> pd.DataFrame:
    """Writes the front table."""
    rows = [
        {
            "quantity": x["quantity"], "recordings": _cell(x, BESIDE), "outputs": _cell(x, ENDS),
            "n": ", ".join(text.number(x[name]) for name in ("n_recordings", "n")),
            "p": text.p_value(x["p_holm"]),
            "verdict": x["verdict"] if isinstance(x["verdict"], str) else "",
        }
        for x in evaluation.to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def terminal(result: Result) -> str:
    """Writes the front table and the findings for the terminal."""
    table = (
        front_table(result.table("evaluation"))
        .drop(columns="p")
        .replace(NO_DIFFERENCE, "not shown")
    )
    found = sentences(result) + labelled.sentences(result)
    return "\n".join([text.columns([[*table], *table.to_numpy().tolist()]), "", *found])


def summary(result: Result) -> str:
    """Says as Markdown how outputs compare with recordings, and what it rests on."""
    settings, checkpoint = result.settings, result.settings["checkpoint"]
    about = {"percent": text.percent(settings["statistics"]["confidence"])} | settings
    parts = [
        "# Outputs beside the corpus",
        "\n".join(f"- {sentence}" for sentence in sentences(result) + labelled.sentences(result)),
        f"`{checkpoint['prefix']}`, step {checkpoint['step']}: {settings['n']} outputs.",
        LEGEND.format(**about), text.table(front_table(result.table("evaluation"))),
        ABOUT_SETS.format(**about),
    ]  # fmt: skip
    parts += recorded.section(result)
    if len(result.table("q")):
        titles = ["code", "right", "n"]
        parts += ["## Codes that Q names", ABOUT_Q, labelled.write(result, "q", titles)]
    parts += labelled.section(result)
    return "\n\n".join(parts) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures: quantities side by side, words by code, and distributions of measures."""
    from wavegan_tf.output.figures_evaluate import draw_quantities, draw_recognised

    found: dict[str, Callable[[], Figure]] = {"quantities": partial(draw_quantities, result)}
    if len(result.table("recognised")):
        found["recognised"] = partial(draw_recognised, result)
    return found | recorded.figures(result)
