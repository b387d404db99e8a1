"""What does the projection before the first convolution hold, and what can the rest say alone?

The weights of the fully connected layer are seen per latent variable as maps [16, channels]
(arXiv 2501.07726). Then the projection is bypassed (arXiv 2506.09218): activations that are drawn
at random, each channel's values from its own among ordinary outputs, go through the layers after
it. They keep what every channel does alone, and nothing of what channels and frames do together.
"""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.experiments import listen
from wavegan_tf.experiments.properties import label_outputs, parse_property
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import latent_index, latent_names, latent_sds, latents_table
from wavegan_tf.model import BATCH, Model, batches, layers_table
from wavegan_tf.models.config import FC, ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import outcome_phrase, outcome_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.measure import AT_STRIDE
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.speech.settings import UNITS
from wavegan_tf.stats import projection as stats
from wavegan_tf.stats.effects import DIFFERS, NO_DIFFERENCE
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "projection"
ORDINARY, BYPASSED = "ordinary", "random maps"
VOICED = ("duration", "f0", "intensity")  # means over the voiced intervals of an output
ALL_UNITS = {m: UNITS[m] for m in VOICED} | {"n_voiced": "1", "rms": "dB re full scale"}
ALL_UNITS["intensity"] = "dB re 20 \u00b5Pa"  # of Praat, to which full scale is 1 Pa
ALL_UNITS |= dict.fromkeys(("stride", "voiced", "silent"), "1")
"""What outputs of random maps are compared by: ``stride`` is the share of voiced intervals whose F0
is that of a stride, ``voiced`` and ``silent`` are shares of outputs."""

POOL = 256
"""Ordinary outputs, the first ones, whose activations random maps are drawn from."""

NUM_SHOWN = 4  # variables that are drawn where there is no code and none is named
NUM_NAMED = 10


@dataclass(frozen=True)
class Options(listen.MeasuringOutputs):
    """What is shown, and how outputs are measured."""

    latents_shown: tuple[str, ...] = option(
        (),
        "Latent variables whose maps are drawn, for example z11,z3; the code variables always are.",
    )
    n: int = option(
        100, "Number of ordinary outputs, and also of outputs from random feature maps.", low=5
    )
    bypass: str = option(
        FC, "Layer that random feature maps replace: fc or none.", choices=(FC, "none")
    )
    seed: int = option(0, "Seed of the latent vectors and of the random feature maps.", low=0)
    controls: int = option(
        20,
        "Number of projections with random weights to compare the model's with. A verdict needs 19 "
        "or more (at a confidence of 0.95).",
        low=0,
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Describes the projection, and measures what the layers after it make of random maps.

    Raises:
        InputError: A variable is none of the model's.
    """
    config, names, maps = model.config, latent_names(model.config), model.projection()
    given = "--latents_shown=" + ",".join(options.latents_shown)
    for name in options.latents_shown:
        latent_index(name, config, given)
    random = random_norms(config, options.controls)
    sds, rate_hz = latent_sds(config), config.fc.rate_hz
    weights = stats.weight_table(names, maps, random, sds, rate_hz, options.statistics)
    shown = list(dict.fromkeys([*names[: config.num_categ], *options.latents_shown]))
    shown = shown or list(weights["latent"].head(NUM_SHOWN))
    plan = Plan(
        layers=config.layers[-1:], target="out", sample_rate_hz=config.sample_rate,
        slice_len=config.slice_len, praat=options.praat, intervals=options.intervals,
        strides_hz=listen.strides_of(config), measures=VOICED,
        audio_dir=os.path.join(directory, "audio") if directory and options.audio else None,
    )  # fmt: skip
    record = listen.describe(model, plan) | {
        "shown": shown, "n": options.n, "bypass": options.bypass, "controls": options.controls,
        "statistics": dataclasses.asdict(options.statistics),
    }  # fmt: skip
    tables = {"weights": weights, "layers": layers_table((config.fc, config.layers[-1]))}
    if options.bypass == FC:
        tables |= bypass(model, options, plan)
    kept = {name: maps[names.index(name)] for name in shown}
    return Result(NAME, record, tables, {NAME: kept}, directory)


def random_norms(config: ModelConfig, number: int) -> np.ndarray:
    """Takes what variables move in the projections of random networks, ``[networks, latents]``."""
    from wavegan_tf.models.networks import Generator

    seeds, sds = (listen.CONTROL_SEED + 1 + np.arange(number)).tolist(), latent_sds(config)
    norms = [stats.relative_norms(Generator(config, seed).projection(), sds) for seed in seeds]
    return np.reshape(norms, [number, config.latent_dim])


def bypass(model: Model, options: Options, plan: Plan) -> dict[str, pd.DataFrame]:
    """Measures ordinary outputs, then those of random maps; gives their tables."""
    config, n = model.config, options.n
    z, rng = model.sample(n, options.seed), np.random.default_rng([options.seed, n])
    if plan.audio_dir:
        os.makedirs(plan.audio_dir, exist_ok=True)

    def sounds() -> Iterator[np.ndarray]:
        pool: list[np.ndarray] = []
        for start in range(0, n, BATCH):
            made = model.activations(z[start : start + BATCH])
            pool += list(made[FC])[: POOL - len(pool)]
            yield from made["out"]
        values = np.concatenate(pool)  # [outputs * 16, channels]
        for start in range(0, n, BATCH):
            [padded] = batches(resample_maps(values, min(BATCH, n - start), config.fc.length, rng))
            yield from model.run_from(FC, padded)["out"][: n - start]

    outputs = (
        Output(k, 0, {"out": sound[:, 0] if sound.shape[1] == 1 else sound})
        for k, sound in enumerate(sounds())
    )
    results = measure_outputs(outputs, plan, num_processes(options.jobs))
    tables, _ = gather(progress(results, 2 * n, "ordinary outputs, then random maps"), plan)
    del tables["points"]
    is_random = np.arange(2 * n) >= n
    values = values_of(tables["outputs"], tables["intervals"])
    compared = stats.group_table(values, is_random, options.statistics)
    compared.insert(1, "unit", compared["measure"].map(ALL_UNITS))
    design = pd.DataFrame({"output": np.arange(2 * n)})
    design["condition"] = np.where(is_random, BYPASSED, ORDINARY)
    return tables | {"bypass": compared, "design": design, "latents": latents_table(z, config)}


def resample_maps(values: np.ndarray, n: int, length: int, rng: np.random.Generator) -> np.ndarray:
    """Draws activations ``[n, length, channels]``, every value anew from those of its channel.

    Takes values ``[values, channels]``. Channels keep their marginal distributions; what they and
    the frames have in common is lost.
    """
    rows = rng.integers(len(values), size=(n, length, values.shape[1]))
    return np.take_along_axis(values, rows.reshape(-1, values.shape[1]), axis=0).reshape(rows.shape)


def values_of(outputs: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
    """Gives the measures of :data:`ALL_UNITS` of each output, NaN for none; channel 1 counts."""
    known = outputs["measured"].astype(bool) | (outputs["problem"] == "silent")
    outputs = outputs.assign(measured=known)  # what is silent has no intervals: 0
    asked = {m: f"voiced.{m}" for m in VOICED}
    asked |= {"n_voiced": "n_voiced", "rms": "rms_db", "voiced": "voicing"}
    found = {m: label_outputs(parse_property(p), outputs, intervals) for m, p in asked.items()}
    first = outputs[outputs["channel"] == 1].set_index("output").sort_index()
    found["silent"] = (first["problem"] == "silent").astype(float).where(first["measured"])
    f0 = intervals[(intervals["channel"] == 1) & (intervals["measure"] == "f0")]
    f0 = f0[f0["value"].notna()]
    at_stride = f0["flag"].astype(str).str.contains(AT_STRIDE, regex=False)
    found["stride"] = at_stride.groupby(f0["output"]).mean().reindex(first.index)
    return pd.DataFrame({name: found[name].astype(float) for name in ALL_UNITS})


ABOUT_WEIGHTS = (
    "Moves: the L2 norm of the variable's map times the SD that the variable has in training (of "
    "{sds}), divided by that of the median variable; the largest of any variable in {n} "
    "projections with random weights is {highest}. p holds for all variables together. Weights: "
    "the norm alone, for one unit, divided by that of the median variable. Then the frame with the "
    "most of the squared weights and its mean weight (below 0: the variable lowers it), and the "
    "channel with the most. `figures/maps` shows {shown}; the table `weights` has the other {left} "
    "variables."
)
ABOUT_BYPASS = (
    "Random maps: every value of fc is drawn anew from those that its channel takes in ordinary "
    "outputs. Means over outputs; difference [interval]; p of a permutation of outputs, after "
    "Holm's correction over all rows (<= marks the least p that permutations give). F0 at a "
    "stride: share of voiced intervals whose F0 is that of the network's strides, which may be no "
    "voice."
)


LARGER = (
    "{larger} of {of} variables move the projection in training more than any variable of {n} "
    "random projections does: {named}, as multiples of what the median variable moves (in "
    "brackets: the weights for one unit, as multiples of the median's). Training made these "
    "weights larger than chance does; that anything depends on them is not shown."
)
NOT_SHOWN = (
    "No variable is shown to move the projection in training more than any variable of {n} random "
    "projections does."
)
FEW = (
    "Whether a variable moves the projection more than chance cannot be said: {n} random "
    "projections are too few."
)


def sentences(result: Result) -> list[str]:
    """Says which variables' weights are larger than random, and how random maps' outputs differ."""
    weights, n = result.table("weights"), result.settings["controls"]
    larger = weights[weights["verdict"] == stats.LARGER]
    first = larger.head(NUM_NAMED).to_dict("records")
    named = ", ".join(
        f"{x['latent']} {text.fixed(x['estimate'])} ({text.fixed(x['weights'])})" for x in first
    )
    named += ", .." * (len(larger) > NUM_NAMED)
    words = LARGER if len(larger) else FEW if (weights["verdict"] == TOO_FEW).all() else NOT_SHOWN
    found = [words.format(n=n, larger=len(larger), of=len(weights), named=named)]
    if "bypass" in result.tables:
        rows = result.table("bypass")
        verdicts = {DIFFERS: "differ from", NO_DIFFERENCE: "are not shown to differ from"}
        for verdict, words in verdicts.items():
            these = rows.loc[rows["verdict"] == verdict, "measure"]
            named = ", ".join(outcome_phrase(_label(x), x, "") for x in these)
            found += [f"Outputs of random maps {words} ordinary ones in: {named}."] * bool(named)
    return found


WEIGHTS: dict[str, Callable[[Any], str]] = {
    "variable": lambda row: row.latent,
    "rank": lambda row: str(row.rank),
    "moves": lambda row: text.fixed(row.estimate, 3),
    "weights": lambda row: text.fixed(row.weights, 3),
    "p": lambda row: text.p_value(row.p, row.p <= 1 / (1 + row.n_random)),
    "verdict": lambda row: row.verdict,
    "frame": lambda row: (
        f"{row.frame} ({text.number(row.time_s)} s, {text.percent(row.frame_share)})"
    ),
    "mean there": lambda row: text.number(row.frame_mean),
    "channel": lambda row: f"{row.map} ({text.percent(row.map_share)})",
}
RANDOM_MAPS: dict[str, Callable[[Any], str]] = {
    "measure": lambda row: outcome_title(_label(row.measure), row.measure, row.unit),
    "ordinary": lambda row: text.number(row.mean_ordinary),
    "random maps": lambda row: text.number(row.mean_random),
    "difference": lambda row: text.with_interval(row.estimate, row.low, row.high),
    "p (Holm)": lambda row: text.p_value(row.p_holm, row.p <= row.p_least),
    "verdict": lambda row: row.verdict,
    "outputs": lambda row: f"{row.n_ordinary}, {row.n_random}",
}
TEXTS = ("variable", "verdict", "frame", "channel", "measure")
"""Columns that are no numbers."""


def _label(measure: str) -> str:
    return "voiced" if measure in VOICED else "output"


def _markdown(table: pd.DataFrame, writers: dict[str, Callable[[Any], str]]) -> str:
    numbers = [name for name in writers if name not in TEXTS]
    return text.table(text.cells(table, writers, list(writers)), numbers)


def _say_sds(weights: pd.DataFrame) -> str:
    """Says the SD of codes, where there are any, and of z."""
    pairs = zip(weights["latent"], weights["sd"], strict=True)
    found = {name[0]: text.number(sd) for name, sd in pairs}
    return ", ".join(f"{kind} {found[kind]}" for kind in sorted(found))


def terminal(result: Result) -> str:
    """Says in a few lines which variables' weights are large, and what random maps give."""
    parts = sentences(result)
    if "bypass" in result.tables:
        cells = text.cells(result.table("bypass"), RANDOM_MAPS, list(RANDOM_MAPS))
        parts.append(text.columns([[*cells], *cells.to_numpy().tolist()]))
    return "\n".join(parts)


def summary(result: Result) -> str:
    """Says as Markdown what the projection holds, and what the rest of the network says alone."""
    checkpoint, weights = result.settings["checkpoint"], result.table("weights")
    channels = int(result.table("layers")["channels"].iloc[0])
    shown = result.settings["shown"]
    rows = weights[weights["latent"].isin(shown) | (weights["rank"] <= NUM_NAMED)]
    about = {"n": result.settings["controls"], "left": len(weights) - len(rows)}
    about |= {"shown": ", ".join(shown), "sds": _say_sds(weights)}
    highest = text.fixed(weights["random_high"].iloc[0], 3)
    parts = [
        "# The projection",
        f"Of {len(weights)} latent variables to {channels} channels of 16 frames; checkpoint "
        f"{checkpoint['prefix']}, step {checkpoint['step']}.",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        "## Weights",
        _markdown(rows, WEIGHTS),
        ABOUT_WEIGHTS.format(highest=highest, **about),
    ]
    if "bypass" in result.tables:
        table = _markdown(result.table("bypass"), RANDOM_MAPS)
        parts += ["## Random feature maps in place of FC", table, ABOUT_BYPASS]
    return "\n\n".join(parts) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them."""
    from wavegan_tf.output.figures_projection import FIGURES

    return {name: functools.partial(draw, result) for name, draw in FIGURES.items()}
