"""What does each layer encode? Averages, sounds, measurements, and correlations with the output.

Every layer of a network is averaged over its feature maps (Beguš & Zhou 2022, eq. 4) and measured
with Praat on the intervals found in the output. Layers are compared with the output beside two
controls: the network with random weights, and shuffled pairing.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import Measuring, Recordings, listen
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
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.files import SeriesWriter, map_npz
from wavegan_tf.output.names import duration_s, layer_title, layers_of, measure_title
from wavegan_tf.speech.averages import parse_reduce
from wavegan_tf.stats.correlate import average_contours, correlate, regress_durations
from wavegan_tf.stats.effects import DIFFERS, compare_conditions
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "probe"

GENERATED, RECORDED = ("n", "seed", "set", "latents", "condition"), ("wav_dir", "word")
"""Options that mean something for a Generator alone, and for a classifier alone."""


@dataclass(frozen=True)
class Options(Measuring):
    """What is probed, and how."""

    n: int = option(25, "Number of outputs to generate.", low=1)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option(
        "",
        "Variables held at a value: c1=1,z11=-5. Of a ciwGAN, naming any code variable sets the "
        "others of the code to 0.",
    )
    condition: tuple[str, ...] = option(
        (),
        "Settings (as --set) that every latent vector is generated under; give two or more, each "
        "is compared in pairs with the first.",
        repeated=True,
    )
    latents: str | None = option(
        None, "File of latent vectors to use instead, one a row: .npy or .csv.", group="Latents"
    )
    network: str = option(
        "generator", "Network to probe.", group="Model", choices=("generator", "discriminator", "q")
    )
    wav_dir: str | None = option(
        None, "Folder of recordings that a classifier reads; sub-folders included.", group="Model"
    )
    word: str | None = option(
        None,
        "Regular expression whose group is the word in a recording's path; without it, the file "
        "name up to its first _ or dot.",
        group="Model",
    )
    reduce: str = option(
        "mean",
        "Way from feature maps to one series: mean (the paper's), max, l2, weighted (by how "
        "strongly the next layer reads each) or channel:17 (one map, counted from 1).",
        group="Model",
    )
    controls: int = option(
        5, "Number of networks with random weights that are measured beside the model.", low=0
    )
    control_outputs: int = option(
        100, "Number of outputs of each control network, at most.", low=1, advanced=True
    )
    shard: str | None = option(
        None, "Part of the run, such as 3/10; the command merge joins them.", group="Output"
    )
    max_figures: int = option(
        4, "Number of outputs to draw, from the first on.", group="Output", low=0
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every option and refuses those that have no meaning together."""
        check_options(self)
        parse_reduce(self.reduce)
        recordings = self.network != "generator"
        if recordings and self.wav_dir is None:
            raise InputError(f"--network={self.network}: reads recordings; add --wav_dir")
        defaults = {each.name: each.default for each in dataclasses.fields(self)}
        for name in GENERATED if recordings else RECORDED:
            if getattr(self, name) != defaults[name]:
                raise InputError(
                    f"--{name}: has no meaning with --network={self.network}; leave it out"
                )
        if self.latents is not None and (self.n, self.seed) != (defaults["n"], defaults["seed"]):
            raise InputError("--latents gives the vectors; leave out --n and --seed")
        if len(set(self.condition)) < len(self.condition):
            raise InputError(
                f"--condition={self.condition[-1]}: a condition is given twice; name each once"
            )
        if len(self.condition) == 1:
            raise InputError(
                f"--condition={self.condition[0]}: one has nothing to be compared with; give "
                "another --condition, or use --set"
            )


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Probes a network.

    Writes sounds and series to the directory while the run goes on; without one series are kept in
    memory, and there are no sounds.

    Returns:
        Tables ``points``, ``intervals``, ``outputs``, ``layers``, of a Generator ``design`` and
        ``latents``, of a classifier ``logits``; unless it is a shard also ``correlations``,
        ``contours``, ``durations`` and, of several conditions, ``differences``. Arrays ``series``,
        ``maps`` and, of a classifier, ``words``.

    Raises:
        InputError: The model has no such network, layer or variable, or a file cannot be used.
    """
    inputs = choose_inputs(options, model.config)
    n = len(inputs.z) if isinstance(inputs, Design) else len(inputs)
    span = read_shard(options.shard, n, max(1, len(options.condition)))
    heard = listen(
        model, inputs, options, network=options.network, reduction=parse_reduce(options.reduce),
        controls=options.controls, control_outputs=options.control_outputs, span=span,
        num_maps=options.max_figures, keep_series=True, directory=directory, label="probing",
    )  # fmt: skip
    tables = dict(heard.tables)
    if isinstance(inputs, Design):
        tables["design"] = inputs.table.iloc[slice(*span)]
    own = {each.name for each in dataclasses.fields(Options)} - {"praat", "intervals", "statistics"}
    settings = heard.settings | {
        "options": {name: getattr(options, name) for name in sorted(own)},
        "statistics": dataclasses.asdict(options.statistics),
    }
    result = Result(NAME, settings, tables, heard.arrays, directory)
    if options.shard is None:
        add_statistics(result)
    return result


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
        raise InputError(f"--shard={given}: more shards than the {groups} outputs there are")
    first, stop = ((int(number) - k) * groups // int(count) * multiple for k in (1, 0))
    return first, stop


def add_statistics(result: Result) -> None:
    """Adds the tables that follow from the measurements, and the averages by word."""
    settings = StatisticsSettings(**result.settings["statistics"])
    target, tables = result.settings["target"], result.tables
    found = {}
    if "intervals" in tables:
        intervals = tables["intervals"]
        found["correlations"] = correlate(tables["points"], intervals, target, settings)
        found["contours"] = average_contours(tables["points"], settings)
        found["durations"] = regress_durations(intervals, target, settings)
        if "design" in tables and tables["design"]["condition"].nunique() > 1:
            found["differences"] = compare_conditions(intervals, tables["design"], settings)
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
    own = outputs[(outputs["network"] == 0) & (outputs["channel"] == 1)]
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
        name: _join([x.tables[name] for x in results if name in x.tables], layers) for name in names
    }
    tables["layers"] = first.table("layers")
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


def _join(parts: list[pd.DataFrame], layers: list[str]) -> pd.DataFrame:
    """Joins a table of the shards; texts become categories, which take little memory."""
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


MARKS = {"encoded": "*", "inverse": "~", "no control": "?", "too few": "."}
"""Behind r in tables; a value that is not above its controls has none."""

LEGEND = (
    "Pearson's r of each layer with the target over all values of all outputs, with its interval "
    "(bootstrap over outputs). Below it the two controls: the level that networks with random "
    "weights reach (upper limit for one more such network) / that of shuffled pairings of outputs. "
    "Marks: `*` encoded, the interval is above both controls; `~` inverse, it is below the lower "
    "limits of both; `?` no control; `.` too few values or outputs for a verdict; no mark, not "
    "above the controls. Within-output r and Spearman's coefficient: tables/correlations.csv."
)
NO_CORRELATION = "No correlation could be computed: see Outputs below."
NO_CONTROL = (
    "Nothing: the correlations stand without controls, and layers of untrained networks correlate "
    "too. Run again with controls."
)
NO_VALUES = "Nothing: no measure has enough values at any layer."
NOTHING_FOUND = "No measure is above both controls, or inverse, at any layer."
BY_CHANCE = (
    "If training had put nothing anywhere, up to about {percent:.3g} % of the cells judged would "
    "still be called encoded or inverse: a single cell without support from its neighbours is weak "
    "evidence."
)
UNDECIDED = (
    "A cell that is not above its controls shows neither that training put the measure there nor "
    "that it did not: with few outputs the intervals are wide."
)
NO_CAUSE = (
    "A correlation says that the series of a layer and the target vary together in the intervals "
    "found. That the layer causes what is heard is for an intervention to show; what single "
    "feature maps carry, their average cannot tell."
)
DEPENDENT = (
    "Outputs are latent vectors under several conditions: outputs of one vector resemble each "
    "other, and the intervals of correlations may be too narrow."
)
LIMITS = (
    "A layer carries nothing above its Nyquist frequency. The column reason of tables/points.csv "
    "and intervals.csv says why a value is missing."
)
FLAGGED = "Points of measurement that are suspect; they are kept in every table and statistic."

MAX_NAMED = 10  # outputs with a problem


def summary(result: Result) -> str:
    """Says what was run, what each layer encodes and what may be concluded, as Markdown."""
    pearson = _pearson(result)
    blocks = [
        "# What each layer encodes",
        _what_was_run(result),
        *_encoding_tables(result, pearson),
        "## What may be concluded",
        *_conclusions(result, pearson),
        *_differences(result),
        *_outputs(result),
        *_limits(result),
        *_flags(result),
    ]
    return "\n\n".join(blocks) + "\n"


def terminal(result: Result) -> str:
    """Writes a table for the terminal: Pearson's r of every measure, a column per layer."""
    pearson = _pearson(result)
    if not len(pearson):
        return ""
    titles = [layer_title(layer) for layer in layers_of(result)[::-1]]
    lines = [
        f"Pearson's r with {layer_title(result.settings['target'])}  "
        "(* encoded, ~ inverse, ? no control, . too few)",
        f"{'':<24}" + "".join(f"{title:>8}" for title in titles),
    ]
    for heading, rows in _by_label(pearson):
        lines.append(heading)
        for measure, *cells in _cells(result, rows, _short).itertuples(index=False):
            lines.append(f"  {measure:<22}" + "".join(f"{cell:>8}" for cell in cells))
    return "\n".join(line.rstrip() for line in lines)


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Lists the figures that the result has values for, each with what draws it."""
    from wavegan_tf.output import figures_probe

    return figures_probe.figures(result)


def _pearson(result: Result) -> pd.DataFrame:
    found = result.table("correlations")
    return found[found["statistic"] == "pearson"] if len(found) else found


def _by_label(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Parts rows by channel and label; a heading names the channel where there are several."""
    if not len(rows):
        return []
    several = rows["channel"].nunique() > 1
    return [
        (f"{label}, channel {channel}" if several else str(label), here)
        for (channel, label), here in rows.groupby(["channel", "label"], sort=False)
    ]


def _cells(result: Result, rows: pd.DataFrame, write: Callable[[dict], str]) -> pd.DataFrame:
    """Lays out what is written of each row: a column per layer, from the last to the first."""
    cells = pd.DataFrame({
        "measure": list(map(measure_title, rows["measure"], rows["unit"])),
        "layer": rows["layer"].to_numpy(),
        "cell": list(map(write, rows.to_dict("records"))),
    })  # fmt: skip
    table = cells.pivot(index="measure", columns="layer", values="cell")
    table = table.reindex(cells["measure"].unique(), columns=layers_of(result)[::-1])
    return table.fillna(text.DASH).rename(columns=layer_title).reset_index()


def _short(row: dict[Any, Any]) -> str:
    """Writes r and the mark of its verdict, whose place is kept without one."""
    r = "n/a" if np.isnan(row["estimate"]) else text.fixed(row["estimate"])
    return r + MARKS.get(row["verdict"], " ")


def _what_was_run(result: Result) -> str:
    """Names the checkpoint, the network and the number of outputs."""
    settings, outputs = result.settings, result.table("outputs").query("network == 0")
    checkpoint, praat = settings["checkpoint"], settings["praat"]
    layers = ", ".join(map(layer_title, layers_of(result)))
    return (
        f"`{checkpoint['prefix']}` (step {checkpoint['step']}, SHA-256 "
        f"{checkpoint['sha256'][:12]}): {settings['model']['model']}, {settings['network']}, "
        f"{outputs['output'].nunique()} outputs of {duration_s(result):g} s at "
        f"{settings['sample_rate_hz']} Hz, layers {layers} against "
        f"{layer_title(settings['target'])}; F0 from {praat['f0_floor_hz']:g} to "
        f"{praat['f0_ceiling_hz']:g} Hz. All settings and versions: config.json."
    )


def _encoding_tables(result: Result, pearson: pd.DataFrame) -> list[str]:
    """Makes a heading and a table for each channel and label."""
    blocks = [LEGEND if len(pearson) else NO_CORRELATION]
    durations = dict(_by_label(result.table("durations")))
    for heading, rows in _by_label(pearson):
        known = rows[rows.groupby("measure")["estimate"].transform("count") > 0]
        tables = [_cells(result, known, _cell)]
        if heading in durations:
            models = durations[heading].assign(measure="Duration, linear model", unit="")
            tables.insert(0, _cells(result, models, _model_cell))
        table = pd.concat(tables)
        blocks += [f"## Intervals: {heading}", text.table(table) if len(table) else NO_VALUES]
    return blocks


def _cell(row: dict[Any, Any]) -> str:
    """Writes r with its interval and mark, and below it the levels of the controls."""
    if np.isnan(row["estimate"]):
        return text.DASH
    r = text.with_interval(row["estimate"], row["low"], row["high"], text.fixed)
    mark = f" `{MARKS[row['verdict']]}`" if row["verdict"] in MARKS else ""
    return f"{r}{mark}<br>{text.fixed(row['random_high'])} / {text.fixed(row['shuffled_high'])}"


def _model_cell(row: dict[Any, Any]) -> str:
    """Writes the slope with its interval, t and adjusted R², and that of random networks."""
    if np.isnan(row["beta"]):
        return text.DASH
    slope = text.with_interval(row["beta"], row["beta_low"], row["beta_high"], text.fixed)
    return (
        f"β {slope}<br>t {text.fixed(row['t'])}, adj. R² {text.fixed(row['adj_r2'])}, n {row['n']}"
        f"<br>random: adj. R² {text.fixed(row['random_adj_r2'])}"
    )


def _conclusions(result: Result, pearson: pd.DataFrame) -> list[str]:
    """Makes a table of what was found, and the cautions whose condition holds."""
    if not len(pearson):
        return [NO_VALUES]
    verdicts = pearson["verdict"]
    judged = pearson[~verdicts.isin(["too few", "no control"])]
    if not len(judged):
        return [NO_CONTROL if (verdicts == "no control").any() else NO_VALUES]
    found = judged[judged["verdict"].isin(["encoded", "inverse"])]
    rows = [
        [heading, measure_title(measure), verdict, ", ".join(map(layer_title, here["layer"][::-1]))]
        for heading, cells in _by_label(found)
        for (measure, verdict), here in cells.groupby(["measure", "verdict"], sort=False)
    ]
    table = pd.DataFrame(rows, columns=["intervals", "measure", "verdict", "layers"])
    percent = 100 * (1 - result.settings["statistics"]["confidence"])
    blocks = [
        f"{len(judged)} of {len(pearson)} cells are judged, over up to "
        f"{judged['n_outputs'].max()} outputs: {(verdicts == 'encoded').sum()} encoded, "
        f"{(verdicts == 'inverse').sum()} inverse.",
        text.table(table) if rows else NOTHING_FOUND,
        BY_CHANCE.format(percent=percent),
        UNDECIDED if len(judged) > len(found) else "",
        NO_CAUSE,
        DEPENDENT if "differences" in result.tables else "",
    ]
    return [block for block in blocks if block]


def _differences(result: Result) -> list[str]:
    """Makes a table of what differs between each condition and the first."""
    table = result.table("differences")
    if not len(table):
        return []
    blocks = ["## Differences between conditions"]
    for (condition, reference), here in table.groupby(["condition", "reference"], sort=False):
        differ = here[here["verdict"] == DIFFERS]
        blocks.append(
            f"`{condition}` less `{reference}`: {len(differ)} of {len(here)} cells differ (paired "
            "t-test, Holm's correction)."
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
            for heading, cells in _by_label(differ)
            for row in cells.to_dict("records")
        ]
        blocks += [text.table(pd.DataFrame(rows))] if rows else []
    return blocks


def _outputs(result: Result) -> list[str]:
    """Says how many outputs have no voiced interval, and what was wrong with which."""
    outputs = result.table("outputs").query("network == 0")
    kind = "Outputs and channels" if outputs["channel"].nunique() > 1 else "Outputs"
    blocks = [
        "## Outputs",
        f"{kind} without a voiced interval: {(outputs['n_voiced'] == 0).sum()} of {len(outputs)}.",
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
    suspect = points[(points["network"] == 0) & (points["flag"] != "")] if len(points) else points
    if not len(suspect):
        return []
    counts = pd.crosstab(
        [suspect["measure"].astype(str), suspect["flag"].astype(str)], suspect["layer"].astype(str)
    )
    layers = [result.settings["target"], *layers_of(result)[::-1]]
    counts = counts.reindex(columns=layers, fill_value=0).rename(columns=layer_title).reset_index()
    counts["measure"] = counts["measure"].map(measure_title)
    return ["## Flagged values", FLAGGED, text.table(counts)]
