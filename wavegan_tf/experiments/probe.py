"""What does each layer encode? Averages, sounds, measurements, and correlations with the output.

Every layer of a network is averaged over its feature maps (Beguš & Zhou 2022, eq. 4) and measured
with Praat on the intervals found in the output. Layers are compared with the output beside two
controls: the network with random weights, and shuffled pairing.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import recorded
from wavegan_tf.experiments.controls import measure_controls
from wavegan_tf.experiments.listen import (
    MAX_NAMED,
    MeasuringAll,
    Recordings,
    annotated,
    check_network,
    count,
    listen,
)
from wavegan_tf.experiments.recorded import Beside, find_beside, measure_recordings
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import (
    Condition,
    Design,
    apply_settings,
    cross,
    load_latents,
    parse_settings,
    plain,
    sample_latents,
)
from wavegan_tf.model import Model, Models
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.files import SeriesWriter, map_npz
from wavegan_tf.output.names import duration_s, layer_title, layers_of, measure_title
from wavegan_tf.speech.averages import parse_reduce
from wavegan_tf.speech.measure import near_stride
from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS, compare_sources, take_samples
from wavegan_tf.stats.correlate import (
    CORRELATION_COLUMNS,
    ENCODED,
    FEW_NETWORKS,
    NOT_JUDGED,
    average_contours,
    correlate,
    regress_durations,
)
from wavegan_tf.stats.effects import DIFFERS, compare_conditions
from wavegan_tf.stats.grids import SEMITONES
from wavegan_tf.stats.health import CHECKS, FAILED, check_outputs
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "probe"

GENERATED = ("n", "seed", "set", "latents", "condition", "compare_with")
RECORDED = ("wav_dir", "word")
"""Options that mean something for a Generator alone, and for a classifier alone."""


@dataclass(frozen=True)
class Options(MeasuringAll, Beside):
    """What is probed, and how."""

    n: int = option(25, "Number of outputs to generate.", low=1)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option(
        "",
        "Latent variables held at a value: c1=1,z11=-5. In a ciwGAN, naming one code variable sets "
        "the others to 0.",
    )
    condition: tuple[str, ...] = option(
        (),
        "Condition, written as in --set, for every latent vector. With two or more, each is "
        "compared in pairs with the first.",
        repeated=True,
    )
    latents: str | None = option(
        None,
        "File of latent vectors to use instead of drawn ones: .npy or .csv, one vector in each "
        "row.",
        group="Latents",
        path=True,
    )
    network: str = option(
        "generator", "Network to probe.", group="Model", choices=("generator", "discriminator", "q")
    )
    wav_dir: str | None = option(
        None,
        "Folder of recordings for the Discriminator or Q-network to read; sub-folders included.",
        group="Model",
        path=True,
    )
    word: str | None = option(
        None,
        "Regular expression whose group is the word in a recording's path. Without the flag, the "
        "word is the file name up to its first _ or dot.",
        group="Model",
    )
    reduce: str = option(
        "mean",
        "How the feature maps of a layer become one series: mean (the paper's average), max, l2, "
        "weighted (by how strongly the next layer reads each map) or channel:17 (one map, counted "
        "from 1).",
        group="Model",
    )
    controls: int = option(
        20,
        "Number of random networks to measure as controls; those of a Generator are kept for later "
        "runs with the same latent vectors and settings.",
        low=0,
    )
    control_outputs: int = option(
        100, "Number of outputs of each control network, at most.", low=1, advanced=True
    )
    shard: str | None = option(
        None,
        "Part of the run to compute, such as 3/10, the third of ten; the command merge joins "
        "the parts.",
        group="Output",
    )
    max_figures: int = option(
        4, "Number of outputs, beginning with the first, that get figures.", group="Output", low=0
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every option and refuses those that have no meaning together."""
        check_options(self)
        parse_reduce(self.reduce)
        defaults = check_network(self, GENERATED, RECORDED)
        if self.latents is not None and (self.n, self.seed) != (defaults["n"], defaults["seed"]):
            raise InputError("--latents gives the latent vectors; leave out --n and --seed")
        if self.condition and self.compare_with is not None:
            raise InputError(
                "--compare_with: recordings are compared with ordinary outputs; leave "
                "out --condition"
            )
        if len(set(self.condition)) < len(self.condition):
            raise InputError(
                f"--condition={self.condition[-1]}: this condition is given twice; give each once"
            )
        if len(self.condition) == 1:
            raise InputError(
                f"--condition={self.condition[0]}: one condition has nothing to be compared with; "
                "give another --condition, or use --set"
            )


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Probes a network.

    Writes sounds and series to the directory while the run goes on; without one series are kept in
    memory, and there are no sounds.

    Returns:
        Tables ``points``, ``intervals``, ``outputs``, ``layers``, of a Generator ``design`` and
        ``latents``, of a classifier ``logits``, of random networks ``controls``; unless it is a
        shard also ``correlations``, ``contours``, ``durations``, of a Generator ``health`` and, of
        several conditions, ``differences``; beside recordings ``samples``, and unless it is a shard
        ``compared``. Arrays ``series``, ``maps`` and, of a classifier,
        ``words``.

    Raises:
        InputError: The model has no such network, layer or variable, or a file cannot be used.
    """
    inputs, reduction = choose_inputs(options, model.config), parse_reduce(options.reduce)
    recordings = find_beside(options, model.config)
    span = read_shard(options.shard, count(inputs), max(1, len(options.condition)))
    heard = listen(
        model, inputs, options, network=options.network, reduction=reduction, span=span,
        num_maps=options.max_figures, keep_series=True, measures=options.measures,
        directory=directory,
        label=f"{span[1] - span[0]} outputs",
    )  # fmt: skip
    tables = dict(heard.tables)
    if isinstance(inputs, Design):
        tables["design"] = inputs.table.iloc[slice(*span)]
    if options.controls and span[0] == 0:  # of a run in shards the first one measures them
        wanted = options.controls, options.control_outputs
        tables["controls"] = measure_controls(model, inputs, options, heard, reduction, *wanted)
    if recordings is not None and span[0] == 0:
        measured = measure_recordings(recordings, heard.plan, options.jobs)
        tables["samples"] = take_samples(*measured, heard.plan.target, RECORDINGS)
    own = {each.name for each in dataclasses.fields(Options)} - {"praat", "intervals", "statistics"}
    settings = heard.settings | {
        "options": {name: getattr(options, name) for name in sorted(own)},
        "statistics": dataclasses.asdict(options.statistics),
    }
    result = Result(NAME, settings, tables, heard.arrays, directory)
    if options.shard is None:
        add_statistics(result)
    return result


def run_several(models: Models, options: Options, directory: str | None = None) -> Result:
    """Probes several models with the same inputs (:mod:`wavegan_tf.experiments.checkpoints`)."""
    from wavegan_tf.experiments import checkpoints

    return checkpoints.run_several(models, options, directory)


def choose_inputs(options: Options, config: ModelConfig) -> Design | Recordings:
    """Chooses the latent vectors or recordings that the options describe."""
    if options.network != "generator":
        return Recordings(str(options.wav_dir), config, options.word)
    if options.latents is None:
        z = sample_latents(config, options.n, options.seed)
    else:
        z = load_latents(options.latents, config)
    z = apply_settings(z, parse_settings(options.set, config), config)
    if not options.condition:
        return plain(z)
    conditions = [
        Condition(text, parse_settings(text, config, "--condition")) for text in options.condition
    ]
    return cross(z, conditions, config)


def read_shard(given: str | None, n: int, multiple: int = 1) -> tuple[int, int]:
    """Reads ``--shard``: ``3/10`` is the third of ten equal runs of the ``n`` outputs; None is all.

    Returns the number of the first output, and that after the last. The outputs of one latent
    vector under ``multiple`` conditions stay together.

    Raises:
        InputError: Not of that form, or there are more shards than outputs.
    """
    if given is None:
        return 0, n
    number, _, count = given.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise InputError(f"--shard={given}: expected NUMBER/COUNT, for example 3/10 or 10/10")
    groups = n // multiple
    if int(count) > groups:
        raise InputError(
            f"--shard={given}: there are more shards than outputs ({groups}); give fewer shards"
        )
    first, stop = ((int(number) - k) * groups // int(count) * multiple for k in (1, 0))
    return first, stop


def add_statistics(result: Result) -> None:
    """Adds the tables that follow from the measurements, and the averages by word."""
    settings = StatisticsSettings(**result.settings["statistics"])
    target, tables = result.settings["target"], result.tables
    found = {}
    points, intervals, controls = (result.table(x) for x in ("points", "intervals", "controls"))
    if result.settings["network"] == "generator":
        out, about = result.arrays["series"][target], result.settings
        near = partial(near_stride, strides_hz=about["strides_hz"])
        found["health"] = check_outputs(
            points, result.table("outputs"), out, target, near if about["strides_hz"] else None
        )
    if "intervals" in tables:
        limits = {x: known["forbidden"] for x, known in result.settings["limits"].items()}
        judged = controls, target, settings
        table = found["correlations"] = correlate(points, intervals, *judged, limits)
        if "health" in found and (found["health"]["verdict"] == FAILED).any():
            tested = (table["verdict"] != "") & (table["verdict"] != TOO_FEW)
            table.loc[tested, "verdict"] = NOT_JUDGED
        found["contours"] = average_contours(points, settings)
        found["durations"] = regress_durations(intervals, *judged)
        if "design" in tables and tables["design"]["condition"].nunique() > 1:
            found["differences"] = compare_conditions(intervals, tables["design"], settings)
    if "samples" in tables:
        own = take_samples(tables["outputs"], intervals, target, OUTPUTS)
        found["samples"] = pd.concat([own, tables["samples"]], ignore_index=True)
        found["compared"] = compare_sources(found["samples"], settings)
    tables |= {name: table for name, table in found.items() if len(table)}
    if "logits" in tables:
        words = average_words(result.arrays["series"], tables["outputs"])
        result.arrays |= {"words": words} if words else {}


def average_words(series: dict[str, np.ndarray], outputs: pd.DataFrame) -> dict[str, np.ndarray]:
    """Averages each layer over all recordings of a word (Beguš & Zhou, ICASSP 2022).

    Takes series by layer [recordings, length] and the table ``outputs``; recordings that were not
    measured, or have no word, belong to no average. Returns ``word`` and ``n`` [words], the number
    of recordings of each, in alphabetical order, and per layer the mean, float32 [words, length];
    nothing without words.
    """
    own = outputs[outputs["channel"] == 1]
    kept = own[own["measured"].astype(bool) & (own["word"] != "")]
    rows = (kept["output"] - own["output"].min()).groupby(kept["word"].astype(str)).agg(list)
    if not len(rows):
        return {}
    averages = {"word": rows.index.to_numpy(np.str_), "n": rows.map(len).to_numpy(np.int64)}
    for layer, values in series.items():
        # one at a time: the series need not fit into memory
        means = [sum(values[i].astype(np.float64) for i in here) / len(here) for here in rows]
        averages[layer] = np.stack(means).astype(np.float32)
    return averages


WHOLE = ("layers", "controls", "samples")
"""Tables that the first shard has for all."""


def merge(results: list[Result], directory: str | None = None) -> Result:
    """Joins the shards of one run, in order: what the same run gives without ``--shard``.

    Writes series.npz of the whole run to the directory; without one series are joined in memory.
    """
    first = results[0]
    settings = first.settings | {"outputs": [0, first.settings["n"]]}
    for group in {"options", "flags"} & set(settings):
        settings[group] = settings[group] | {"shard": None}
    names = dict.fromkeys(name for each in results for name in each.tables)
    layers = [layer["layer"] for layer in settings["layers"]]
    tables = {
        name: join([x.tables[name] for x in results if name in x.tables], layers) for name in names
    }
    tables |= {name: first.tables[name] for name in WHOLE if name in first.tables}
    arrays = {}
    for group in first.arrays:
        parts = [each.arrays[group] for each in results if group in each.arrays]
        if group == "series" and directory is not None:
            arrays[group] = _write_series(parts, settings["n"], f"{directory}/series.npz")
        else:
            arrays[group] = {name: np.concatenate([x[name] for x in parts]) for name in parts[0]}
    result = Result(NAME, settings, tables, arrays, directory)
    add_statistics(result)
    return result


def join(parts: list[pd.DataFrame], layers: list[str]) -> pd.DataFrame:
    """Joins a table of shards or models; texts become categories, which take little memory."""
    table = pd.concat(parts, ignore_index=True)
    table = table.astype(dict.fromkeys(table.select_dtypes(object), "category"))
    if "layer" in table:
        table["layer"] = pd.Categorical(table["layer"], layers)  # in the order of the network
    return table


def _write_series(parts: list[dict[str, np.ndarray]], n: int, path: str) -> dict[str, np.ndarray]:
    """Writes the series of all shards, row by row, and maps them."""
    with SeriesWriter(path, {name: (n, *x.shape[1:]) for name, x in parts[0].items()}) as writer:
        for part in parts:
            for rows in zip(*part.values(), strict=True):
                writer.write(dict(zip(part, rows, strict=True)))
    return map_npz(path)


MARKS = {"encoded": "*", "inverse": "~", "few networks": "?"}
"""Behind r in tables; a correlation that is not shown has none."""

NOT_ENCODED = "not shown to be encoded{}"
IN_WORDS = {
    "encoded": "encoded{}",
    "inverse": "encoded inversely{}",
    "not after Holm": "differs from both controls{}, but not after correction",
    "as random": NOT_ENCODED,
    "as shuffled": NOT_ENCODED,
    "as both controls": NOT_ENCODED,
    "few networks": "too few random networks have values{}",
    "too few": "too few values{}",
}
"""What is said of layers by their verdict, in the order in which it is said."""

NOTHING = "No correlation could be computed: see the outputs below."
NO_CONTROLS = (
    "Whether a layer encodes a measure is not judged: `--controls=0` leaves out the random "
    "networks that r is compared with."
)
FAR_APART = 0.3
"""Difference of Pearson's r and Spearman's from which on a sentence points it out."""
NO_CAUSE = (
    "A correlation is not a cause: only `intervene` can show that a layer makes what is heard. All "
    "intervals and p hold for further outputs of this trained network, not for another training."
)
LEGEND = (
    "One row for each measure and layer {rows}. The table `correlations` has all, and r "
    "within outputs, and F0 in semitones.\n\n"
    "- r: Pearson's r of the layer with {target} over all values, with its interval (bootstrap "
    "over outputs).\n"
    "- random: mean r of those of the {controls} random networks that have enough values. One more "
    "would lie below the range in brackets in {percent} of cases, and above it in as many. Their "
    "number, and the median of their outputs with values, follow where they are below {controls} "
    "and {heard}.\n"
    "- shuffled: the same for pairs of a layer with {target} of another output that has as many "
    "intervals; the number of outputs that can be paired so follows where it is below {paired}.\n"
    "- p: the chance that a random network, or a shuffled pairing, has an r at least as large (as "
    "small, if r is negative); the larger of the two{corrected}.\n"
    "- Spearman: the rank correlation. For F0 it matters below 50 outputs, where octave errors "
    "weigh much and the interval of r is somewhat too narrow.\n"
    "- n: the number of pairs of values, and in brackets of the outputs that have them."
)
ABOUT_DURATIONS = (
    "Least squares over intervals. t and p come from a jackknife over outputs, because the "
    "intervals of one output are not independent. Random: mean adjusted R² of the random networks."
)
BY_CHANCE = (
    "If no layer encoded anything, the chance of one or more `encoded` in this table would be at "
    "most {percent}, and that of one or more `inverse` as much."
)
DEPENDENT = (
    "Each latent vector has an output under every condition, and these outputs resemble each "
    "other: intervals may be too narrow, and p too small."
)
LIMITS = (
    "A layer carries nothing above its Nyquist frequency. Measures that it cannot carry have no "
    "rows; the column reason of the tables `points` and `intervals` says why a value is missing."
)
FLAGGED = "Number of points with a suspect value; such values stay in every table and statistic."


def summary(result: Result) -> str:
    """Says what each layer encodes, then how that was found, as Markdown."""
    pearson = pearson_rows(result)
    listed = "\n".join(f"- {sentence}" for sentence in sentences(result))
    blocks = [
        "# What each layer encodes",
        listed,
        NO_CAUSE,
        DEPENDENT if "differences" in result.tables else "",
        _what_was_run(result),
        *_correlation_table(result, pearson),
        *_duration_table(result),
        *_differences(result),
        *recorded.section(result),
        *_outputs(result),
        *_limits(result),
        *_flags(result),
    ]
    return "\n\n".join(filter(None, blocks)) + "\n"


def terminal(result: Result) -> str:
    """Writes a table for the terminal, Pearson's r of every measure by layer, and the findings."""
    pearson = pearson_rows(result)
    if not len(pearson):
        return ""
    layers, controls = layers_of(result), _num_controls(result)
    target = layer_title(result.settings["target"])
    head = [f"Pearson's r with {target} (in brackets: too few values)"]
    if controls:
        head = [
            f"Pearson's r with {target}, beside up to {controls} random networks and shuffled "
            "pairings",
            "(* encoded, ~ inversely, ? too few random networks; in brackets: too few values)",
        ]
    rows = [["", *map(layer_title, layers), "outputs"]]
    for heading, here in by_label(pearson):
        known = here[here["estimate"].notna() & (here["measure"] != SEMITONES)]
        rows += [[heading, *[""] * (len(layers) + 1)]] if len(known) else []
        for (measure, unit), cells in known.groupby(["measure", "unit"], sort=False, observed=True):
            by_layer = {
                cell["layer"]: short(cell, controls > 0) for cell in cells.to_dict("records")
            }
            numbers = [by_layer.get(layer, "") for layer in layers]
            n = _from_to(cells["n_outputs"])
            rows.append([f"  {measure_title(measure, unit)}", *numbers, n])
    known = result.settings["limits"].values()
    number = sum(len(limits["forbidden"]) + len(limits["warnings"]) for limits in known)
    applied = ["What each layer cannot carry: see summary.md."] if number else []
    return "\n".join([*head, text.columns(rows), "", *sentences(result), *applied])


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Lists the figures that the result has values for, each with what draws it."""
    from wavegan_tf.output import figures_probe

    return figures_probe.figures(result) | recorded.figures(result)


def sentences(result: Result) -> list[str]:
    """Says what was found: why nothing is judged, or what of each kind of interval."""
    pearson, reason = pearson_rows(result), why_not_judged(result.table("health"))
    if reason:
        return [f"No verdicts, since {reason}."]
    found = _conditions_in_words(result)
    judged = pearson[pearson["measure"] != SEMITONES]
    if len(judged) and not _num_controls(result):
        found, judged = [*found, NO_CONTROLS], judged[:0]
    for heading, rows in by_label(judged):
        said: dict[str, list[str]] = {}
        for measure, cells in rows.groupby("measure", sort=False, observed=True):
            said.setdefault(_say(cells, result), []).append(measure_title(str(measure)))
        found_first = sorted(said.items(), key=lambda x: not x[0].startswith(ENCODED))
        listed = [f"{', '.join(titles)}: {what}." for what, titles in found_first if what]
        found += [f"{heading.capitalize()}: {' '.join(listed)}"] if listed else []
    if not found:
        return [NOTHING]
    found += _far_apart(judged, result)
    outputs = result.table("outputs")
    n, measured = outputs["output"].nunique(), outputs[outputs["measured"].astype(bool)]
    for name, number in measured.filter(regex="^n_").sum().items():
        if not number:
            label = str(name).removeprefix("n_").capitalize()
            found.append(f"{label}: none in {measured['output'].nunique()} outputs.")
    if (judged["verdict"] != ENCODED).any() or "differences" in result.tables:
        found.append(f"What is not shown with {n} outputs may still be there.")
    return found


def _far_apart(judged: pd.DataFrame, result: Result) -> list[str]:
    """Points out where Pearson's r, which is judged, is far from Spearman's."""
    if not len(judged):
        return []
    rows, found = _with_rank_r(judged, result).query("verdict != @TOO_FEW"), []
    rows = rows[(rows["estimate"] - rows["rank_r"]).abs() > FAR_APART]
    for heading, cells in by_label(rows, _num_channels(result)):
        where = ", ".join(
            f"{measure_title(row['measure'])} at {layer_title(row['layer'])} "
            f"({text.fixed(row['estimate'])} and {text.fixed(row['rank_r'])})"
            for row in cells.to_dict("records")
        )
        found.append(
            f"{heading.capitalize()}: Pearson's r and Spearman's are far apart for {where}. Octave "
            "errors, or other values far from the rest, can do this."
        )
    return found


def _conditions_in_words(result: Result) -> list[str]:
    """Says what differs between each condition and the first, and in which layers."""
    table, found = result.table("differences"), []
    for condition, here in table.groupby("condition", sort=False) if len(table) else ():
        pair = f"`{condition}` minus `{here['reference'].iloc[0]}`"
        differ = here[here["verdict"] == DIFFERS]
        for heading, rows in by_label(differ, _num_channels(result)):
            said = []
            for _, cells in rows.groupby("measure", sort=False, observed=True):
                known = cells.to_dict("records")
                where = ", ".join(
                    f"{text.number(row['estimate'], signed=True)} at {layer_title(row['layer'])}"
                    for row in known
                )
                title = measure_title(known[0]["measure"], known[0]["unit"])
                said.append(f"{title} {where} (n = {_from_to(cells['n'])})")
            found.append(f"{pair}, {heading}: {'; '.join(said)}.")
        if not len(differ):
            found.append(f"{pair}: no difference is shown in any layer.")
    return found


def why_not_judged(health: pd.DataFrame) -> str:
    """Says why outputs do not pass for speech; nothing where they do."""
    why = [
        CHECKS[row["check"]][1].format(
            share=text.percent(row["estimate"]), value=text.number(row["estimate"])
        )
        for row in health.to_dict("records")
        if row["verdict"] == FAILED
    ]
    return f"these outputs do not pass for speech: {'; '.join(why)}" if why else ""


def _say(cells: pd.DataFrame, result: Result) -> str:
    """Says of a measure what its layers show; nothing where none has a value."""
    cells, layers = cells[cells["estimate"].notna()], layers_of(result)
    said: dict[str, list[str]] = {words: [] for words in IN_WORDS.values()}
    for verdict, layer in zip(cells["verdict"], cells["layer"], strict=True):
        said[IN_WORDS[verdict]].append(layer)
    parts = []
    for words, names in said.items():
        where = f" at {', '.join(map(layer_title, names))}"
        if len(names) > 1 and names == layers[-len(names) :]:
            where = f" from {layer_title(names[0])} on"
        if words == NOT_ENCODED and len(names) == len(cells):
            where = " at any layer"
        parts += [words.format(where)] if names else []
    return "; ".join(parts)


def _from_to(numbers: pd.Series) -> str:
    """Writes the smallest and the largest number, once if they are the same."""
    return f"{numbers.min()}" if numbers.nunique() == 1 else f"{numbers.min()}–{numbers.max()}"


def _num_channels(result: Result) -> int:
    return result.table("outputs")["channel"].nunique()


def _num_controls(result: Result) -> int:
    """Says how many random networks were asked for."""
    return result.settings["options"].get("controls", 0)


def pearson_rows(result: Result) -> pd.DataFrame:
    """Takes the rows of the statistic that is judged, Pearson's r."""
    found = result.table("correlations")
    if not len(found):
        return pd.DataFrame(columns=list(CORRELATION_COLUMNS))
    return found[found["statistic"] == "pearson"]


def by_label(rows: pd.DataFrame, num_channels: int = 1) -> list[tuple[str, pd.DataFrame]]:
    """Parts rows by channel and label; a heading names the channel where there are several.

    ``num_channels`` are those of the run, if the rows may be of some alone.
    """
    if not len(rows):
        return []
    several = max(num_channels, rows["channel"].nunique()) > 1
    return [
        (f"{label}, channel {channel}" if several else str(label), here)
        for (channel, label), here in rows.groupby(["channel", "label"], sort=False, observed=True)
    ]


def short(row: dict[Any, Any], marked: bool = True) -> str:
    """Writes r with the mark of its verdict, in brackets where it rests on too few outputs."""
    r = text.fixed(row["estimate"])
    if row["verdict"] == "too few":
        return f"({r})"
    return r + (MARKS.get(row["verdict"], " ") if marked else "")


def _what_was_run(result: Result) -> str:
    """Names the checkpoint, the network and the number of outputs."""
    settings, outputs = result.settings, result.table("outputs")
    checkpoint, praat = settings["checkpoint"], settings["praat"]
    scaled = "clipped at 1" if settings["clip"] else "each scaled by one factor"
    own = settings["options"]
    held, conditions = own.get("set"), own.get("condition")
    given = f"{held} set, " if held else ""
    given += f"conditions {' and '.join(conditions)}, " if conditions else ""
    return (
        f"`{checkpoint['prefix']}` (step {checkpoint['step']}, SHA-256 "
        f"{checkpoint['sha256'][:12]}): {settings['model']['model']}, {settings['network']}, "
        f"{given}{outputs['output'].nunique()} outputs of {duration_s(result):g} s at "
        f"{settings['sample_rate_hz']} Hz, layers {scaled}; F0 from {praat['f0_floor_hz']:g} to "
        f"{praat['f0_ceiling_hz']:g} Hz. All settings and versions: config.json."
    )


def _correlation_table(result: Result, pearson: pd.DataFrame) -> list[str]:
    """Makes the table of correlations, a row for each layer and measure that is judged."""
    known = pearson[pearson["estimate"].notna() & (pearson["measure"] != SEMITONES)]
    controls, n = _num_controls(result), result.table("outputs")["output"].nunique()
    heard = min(n, result.settings["options"].get("control_outputs", n))
    if controls:
        known = known[~known["verdict"].isin((TOO_FEW, FEW_NETWORKS))]
    if not len(known):
        return []
    paired = int(known["n_shuffled_outputs"].max())
    tests = int(pearson["p"].notna().sum())
    corrected = f", after Holm's correction over the {tests} tests of this table" * (tests > 0)
    rows = [
        {
            "intervals": heading, "measure": measure_title(row["measure"], row["unit"]),
            "layer": layer_title(row["layer"]),
            "r": text.with_interval(row["estimate"], row["low"], row["high"], text.fixed),
            "random": _level(row, "random", heard, controls),
            "shuffled": _level(row, "shuffled", paired, 0),
            "p (Holm)": text.p_value(row["p_holm"]), "verdict": row["verdict"],
            "Spearman": text.fixed(row["rank_r"]), "n": f"{row['n']} ({row['n_outputs']})",
        }
        for heading, cells in by_label(_with_rank_r(known, result), _num_channels(result))
        for row in cells.to_dict("records")
    ]  # fmt: skip
    target = layer_title(result.settings["target"])
    about = {
        "target": target, "controls": controls, "heard": heard, "paired": paired,
        "rows": "that is judged" if controls else "with a value",
    }  # fmt: skip
    percent = text.percent(1 - result.settings["statistics"]["confidence"])
    judged = (pearson["p"].notna() & (pearson["verdict"] != NOT_JUDGED)).any()
    legend = LEGEND.format(**about, corrected=corrected, percent=percent).split("\n")
    table = pd.DataFrame(rows)
    if not controls:
        legend = [line for line in legend if not line.startswith(("- random", "- p:"))]
        table = table.drop(columns=["random", "p (Holm)", "verdict"])
    return [
        "## Correlations",
        "\n".join(legend),
        BY_CHANCE.format(percent=percent) if judged and controls else "",
        text.table(table),
    ]


def _with_rank_r(rows: pd.DataFrame, result: Result) -> pd.DataFrame:
    """Adds to rows of Pearson's r the column ``rank_r``, Spearman's of the same cells."""
    keys, found = ["channel", "label", "measure", "layer"], result.table("correlations")
    ranked = found.loc[found["statistic"] == "spearman", [*keys, "estimate"]]
    return rows.assign(rank_r=rows[keys].merge(ranked, "left", on=keys)["estimate"].to_numpy())


def _level(row: dict[Any, Any], control: str, outputs: int, networks: int) -> str:
    """Writes what a control reaches, and how many stand behind it where these are not all."""
    ends = (row[control], row[f"{control}_low"], row[f"{control}_high"])
    if not np.isfinite(ends[0]):
        return text.DASH
    parts = [text.with_interval(*ends, text.fixed)]
    if networks and row["n_random"] < networks:
        parts.append(f"{row['n_random']} networks")
    if (own := row[f"n_{control}_outputs"]) < outputs:
        parts.append(f"{own} outputs")
    return ", ".join(parts)


def _duration_table(result: Result) -> list[str]:
    """Makes the table of the linear models of durations."""
    rows = [
        {
            "intervals": heading, "layer": layer_title(row["layer"]),
            "beta": text.with_interval(row["beta"], row["beta_low"], row["beta_high"], text.fixed),
            "t": text.fixed(row["t"]), "p": text.p_value(row["p"]),
            "adj. R²": text.fixed(row["adj_r2"]),
            "random": f"{text.fixed(row['random_adj_r2'])}, {row['n_random']} networks",
            "n": f"{row['n']} ({row['n_outputs']})",
        }
        for heading, cells in by_label(result.table("durations"))
        for row in cells[cells["beta"].notna()].to_dict("records")
    ]  # fmt: skip
    if not rows:
        return []
    return ["## Durations: linear model", ABOUT_DURATIONS, text.table(pd.DataFrame(rows))]


def _differences(result: Result) -> list[str]:
    """Makes a table of what differs between each condition and the first."""
    table = result.table("differences")
    if not len(table):
        return []
    blocks = ["## Differences between conditions"]
    for (condition, reference), here in table.groupby(["condition", "reference"], sort=False):
        differ = here[here["verdict"] == DIFFERS]
        blocks.append(
            f"`{condition}` minus `{reference}`: {len(differ)} of {len(here)} measures of layers "
            "differ (paired t-test, Holm's correction)."
        )
        rows = [
            {
                "intervals": heading,
                "measure": measure_title(row["measure"], row["unit"]),
                "layer": layer_title(row["layer"]),
                "difference": text.with_interval(row["estimate"], row["low"], row["high"]),
                "p (Holm)": text.p_value(row["p_holm"]),
                "pairs": row["n"],
            }
            for heading, cells in by_label(differ, _num_channels(result))
            for row in cells.to_dict("records")
        ]
        blocks += [text.table(pd.DataFrame(rows))] if rows else []
    return blocks


def _outputs(result: Result) -> list[str]:
    """Says how many outputs have no voiced interval, and what was wrong with which."""
    outputs = result.table("outputs")
    kind = "Outputs and channels" if outputs["channel"].nunique() > 1 else "Outputs"
    blocks = [
        "## Outputs",
        f"{kind} without a voiced interval: {(outputs['n_voiced'] == 0).sum()} of {len(outputs)}.",
        *filter(None, [annotated(outputs)]),
    ]
    rows = []
    for problem, here in outputs[outputs["problem"] != ""].groupby("problem", observed=True):
        names = [str(row.name or row.output) for row in here.itertuples(index=False)]
        more = ", .." if len(names) > MAX_NAMED else ""
        rows.append([problem, len(names), ", ".join(names[:MAX_NAMED]) + more])
    table = pd.DataFrame(rows, columns=["problem", "number", "outputs"])
    return [*blocks, text.table(table)] if rows else blocks


def _limits(result: Result) -> list[str]:
    """Lists measures that a layer cannot carry, and those measured in a narrowed range."""
    rows = []
    for layer, limits in result.settings["limits"].items():
        forbidden = ", ".join(map(measure_title, limits["forbidden"]))
        notes = "<br>".join(limits["warnings"])
        if forbidden or notes:
            rows.append([layer_title(layer), forbidden or text.DASH, notes or text.DASH])
    table = pd.DataFrame(rows, columns=["layer", "not measured", "measured with limits"])
    return ["## Limits of the layers", LIMITS, text.table(table)] if rows else []


def _flags(result: Result) -> list[str]:
    """Counts the points that are suspect, by measure, reason and layer."""
    points = result.table("points")
    suspect = points[points["flag"] != ""] if len(points) else points
    if not len(suspect):
        return []
    counts = pd.crosstab(
        [suspect["measure"].astype(str), suspect["flag"].astype(str)], suspect["layer"].astype(str)
    )
    layers = [*layers_of(result), result.settings["target"]]
    counts = counts.reindex(columns=layers, fill_value=0).rename(columns=layer_title).reset_index()
    counts["measure"] = counts["measure"].map(measure_title)
    return ["## Flagged values", FLAGGED, text.table(counts)]
