"""From which layer on do the contours of groups part: of codes, conditions or words?

A contour is a track (F0, intensity, the averaged series of a layer, ..) at points of normalised
time in the longest interval of an output, or over the whole output. Contours of groups are compared
layer by layer by a permutation test that is corrected for all points, pairs and layers.

A layer that does the same in both groups seems to part where the intervals of the outputs merely
stand at other times. So both groups of a pair are compared a second time at the same times, those
of the first one's intervals, and they part only where both tests show it.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import (
    Measuring,
    Recordings,
    check_network,
    choose_layers,
    layers_of,
    listen,
    make_network,
    no_intervals,
    take_outputs,
)
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import (
    Condition,
    Design,
    code_settings,
    cross,
    parse_settings,
)
from wavegan_tf.model import Model, layers_table
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title, measure_title
from wavegan_tf.progress import progress
from wavegan_tf.speech.intervals import LABELS, Interval
from wavegan_tf.speech.measure import near_stride
from wavegan_tf.speech.settings import POINT_MEASURES, UNITS
from wavegan_tf.stats import curves
from wavegan_tf.stats.grids import SEMITONES, SEMITONES_UNIT, in_semitones, lay_out
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings, standardise

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "contours"

OUTPUT = "output"
SERIES, SHAPE = "series", "shape"
TRACKS = (*dict.fromkeys(x for names in POINT_MEASURES.values() for x in names), SEMITONES)
MAX_GROUPS = 7
NO_GROUP = ""
ALL_GROUPS = "all groups"

_log = logging.getLogger("wavegan_tf")

Held = tuple[tuple[Interval, ...], ...]
"""By channel the interval of an output that its contour lies in, or none."""


@dataclass(frozen=True)
class Options(Measuring):
    """What is compared, and how."""

    track: str = option(
        "f0",
        "What is followed over time: a measure at points (f0, f0_semitones, intensity, f1, cog, "
        "..), series (the average of a layer) or shape (the series minus its mean, divided by its "
        "standard deviation).",
        choices=(*TRACKS, SERIES, SHAPE),
    )
    of: str = option(
        "voiced", "Where contours lie: in the longest interval with this label, or in the whole "
        "output.",
        choices=(*POINT_MEASURES, OUTPUT),
    )  # fmt: skip
    condition: tuple[str, ...] = option(
        (), "Condition, written as in --set, under which every base vector is generated; give two "
        "or more. Without the flag, each code variable alone is set to 1.", repeated=True,
    )  # fmt: skip
    n: int = option(25, "Number of base vectors.", low=1)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option("", "Latent variables held at a value: z11=-5.", group="Latents")
    network: str = option(
        "generator",
        "Network whose layers are compared.",
        choices=("generator", "discriminator", "q"),
    )
    wav_dir: str | None = option(
        None,
        "Folder of recordings for the Discriminator or Q-network to read; they are grouped "
        "by word.",
        path=True,
    )
    word: str | None = option(
        None, "Regular expression whose group is the word in a recording's path. Without the flag, "
        "the word is the file name up to its first _ or dot.", group="Model",
    )  # fmt: skip
    audio: bool = option(
        False, "Write the sound of every output as WAV, with a TextGrid.", group="Output"
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value, and that what is given has a meaning together."""
        check_options(self)
        check_network(self, ("n", "seed", "set", "condition"), ("wav_dir", "word"))
        given = set(self.condition)
        if len(given) < len(self.condition) or len(given) == 1 or "" in given:
            raise InputError(
                f"--condition={self.condition[-1]}: give two or more different conditions, such as "
                "c1=1"
            )
        if len(given) > MAX_GROUPS:
            raise InputError(
                f"--condition: {len(self.condition)} conditions; give at most {MAX_GROUPS}"
            )
        known = (*POINT_MEASURES.get(self.of, ()), SERIES, SHAPE)
        if self.measure not in known:
            raise InputError(
                f"--track={self.track} --of={self.of}: there is no such track here; there are "
                f"{', '.join(known)}"
            )

    @property
    def measure(self) -> str:
        """The measure that the track is made of."""
        return "f0" if self.track == SEMITONES else self.track

    @property
    def unit(self) -> str:
        """Unit of the track."""
        return SEMITONES_UNIT if self.track == SEMITONES else UNITS.get(self.track, "1")


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Compares the contours of groups in every layer.

    Returns:
        Tables ``contours``, ``differences``, ``tests``, ``outputs``, ``layers``, ``intervals`` but
        of whole outputs; of a Generator ``design`` and ``latents``, of a classifier ``logits``.

    Raises:
        InputError: An option breaks its rule, or there are no two groups.
    """
    inputs, groups, n_groups = choose_inputs(options, model)
    every, target = layers_of(model.config, options.network)
    layers = choose_layers(options.layers, every, target)
    whole = options.of == OUTPUT
    nothing = no_intervals(model, inputs) if whole else None
    found = listen(
        model, inputs, options, network=options.network, layers=target, measures=("duration",),
        directory=directory, label="finding intervals", held=nothing,
    )  # fmt: skip
    del found.tables["points"]
    own = longest(found.tables, options.of, model)
    if whole:  # nothing was searched for
        outputs = found.tables["outputs"]
        found.tables["outputs"] = outputs.drop(columns=[f"n_{label}" for label in LABELS])
    contours, about = measure(model, inputs, options, own)
    kept, blocks, held, left_out = groups != NO_GROUP, None, None, []
    if isinstance(inputs, Design):
        blocks = inputs.table["base"].to_numpy()
        found.tables["design"] = inputs.table
        if not whole:
            held = {}
            for k, name in enumerate(groups[: n_groups - 1]):
                times = [own[i - i % n_groups + k] for i in range(len(own))]
                held[name] = measure(model, inputs, options, times)[0]
    else:
        left_out = sorted({*inputs.words} - {NO_GROUP, *groups})
    limits = about.get("limits", {})
    contours, groups = {
        layer: x[kept] for layer, x in contours.items()
        if options.measure not in limits.get(layer, {"forbidden": ()})["forbidden"]
    }, groups[kept]  # fmt: skip
    if not contours:
        raise InputError(
            f"--track={options.track}: sounds of this rate cannot carry this track; choose another"
        )
    at_stride, strides_hz = None, about.get("strides_hz", ())
    if options.measure == "f0" and len(strides_hz):
        at_stride = {
            layer: near_stride(100 * 2 ** (x / 12) if options.track == SEMITONES else x, strides_hz)
            for layer, x in contours.items()
        }
    differences, tests = curves.compare_groups(
        contours, groups, options.statistics, blocks, options.seed, held, at_stride
    )
    rows = []
    for layer, x in contours.items():
        for group in dict.fromkeys(groups):
            those = x[groups == group]
            near = at_stride[layer][groups == group].sum(axis=0) if at_stride else np.nan
            n = np.isfinite(those).sum(axis=0)
            estimate, low, high = curves.band(those, options.statistics)
            estimate[n < options.statistics.min_outputs] = np.nan
            rows.append(pd.DataFrame({
                "layer": layer, "measure": options.track, "unit": options.unit, "group": group,
                "point": np.arange(x.shape[1]) + 1, "estimate": estimate, "low": low, "high": high,
                "n": n, "at_stride": near / np.maximum(n, 1),
            }))  # fmt: skip
    tables = found.tables | {
        "contours": pd.concat(rows, ignore_index=True),
        "differences": differences,
        "tests": tests,
        "layers": layers_table(layers),
    }
    record = found.settings | about | {
        "layers": tables["layers"].to_dict("records"),
        "track": options.track, "unit": options.unit, "of": options.of,
        "paired": blocks is not None, "held": held is not None,
        "n": int(kept.sum()), "left_out": left_out, "n_points": options.praat.n_points,
        "statistics": dataclasses.asdict(options.statistics),
    }  # fmt: skip
    return Result(NAME, record, tables, {}, directory)


def choose_inputs(options: Options, model: Model) -> tuple[Design | Recordings, np.ndarray, int]:
    """Chooses latent vectors or recordings, the group of each (or none), and how many there are.

    Of recordings the words with most recordings are groups, at most :data:`MAX_GROUPS`.
    """
    config = model.config
    if options.network != "generator":
        recordings = Recordings(str(options.wav_dir), config, options.word)
        words = pd.Series(recordings.words)
        often = words[words != ""].value_counts(sort=False).sort_index()
        chosen = often.sort_values(ascending=False, kind="stable").index[:MAX_GROUPS]
        if len(chosen) < 2:
            raise InputError(
                f"--wav_dir={options.wav_dir}: has recordings of {len(chosen)} words; give two or "
                "more, or say with --word what the word is in a path"
            )
        if len(often) > len(chosen):
            _log.info("of %d words, the %d with most recordings are compared (of words with as "
                "many, the first by name)",
                      len(often), len(chosen))  # fmt: skip
        return recordings, words.where(words.isin(chosen), NO_GROUP).to_numpy(), len(chosen)
    names = options.condition or code_settings(config)[:MAX_GROUPS]
    if len(names) < 2:
        raise InputError(
            f"--condition: this {config.model} has no codes to compare; give two or more, such as "
            "--condition=z1=-1 --condition=z1=1"
        )
    if len(names) < config.num_categ and not options.condition:
        _log.info(
            "of %d codes, the first %d are compared; choose others with --condition",
            config.num_categ,
            MAX_GROUPS,
        )
    conditions = [Condition(x, parse_settings(x, config, "--condition")) for x in names]
    bases = model.sample(options.n, options.seed, options.set)
    design = cross(bases, conditions, config)
    return design, design.table["condition"].to_numpy(), len(conditions)


def longest(tables: dict[str, pd.DataFrame], of: str, model: Model) -> list[Held]:
    """Finds the longest interval of a label in each output, or takes the whole of those measured.

    Of several channels the first counts.
    """
    config, outputs = model.config, tables["outputs"].query("channel == 1")
    if of == OUTPUT:
        whole = Interval(of, 0.0, config.slice_len / config.sample_rate)
        found = dict.fromkeys(outputs.loc[outputs["measured"].astype(bool), "output"], whole)
    else:
        rows = tables["intervals"].query("channel == 1 and label == @of and measure == 'duration'")
        rows = rows.sort_values("value", kind="stable")  # of an output the last is the longest
        places = zip(rows["output"], rows["start_s"], rows["end_s"], strict=True)
        found = {output: Interval(of, *ends_s) for output, *ends_s in places}
    rest = ((),) * (config.num_channels - 1)
    return [((found[k],) if k in found else (), *rest) for k in outputs["output"]]


def measure(
    model: Model, inputs: Design | Recordings, options: Options, held: list[Held]
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Measures the track of every layer in given intervals.

    Returns:
        By layer [outputs, points], NaN for no value; and what was set to measure them.
    """
    n, n_points = len(held), options.praat.n_points
    label = f"{options.track} of {n} {'outputs' if isinstance(inputs, Design) else 'recordings'}"
    if options.track not in (SERIES, SHAPE):
        heard = listen(
            model, inputs, options, network=options.network, measures=(options.measure,),
            keep_audio=False, held=held, label=label,
        )  # fmt: skip
        points, names = heard.tables["points"], heard.tables["layers"]["layer"].tolist()
        found = {name: np.full([n, n_points], np.nan) for name in names}
        points = points[(points["channel"] == 1) & (points["measure"] == options.measure)]
        if len(points):
            grid = lay_out(points, names)
            grid = in_semitones(grid) if options.track == SEMITONES else grid
            for name, values in found.items():
                values[grid.output, grid.point - 1] = grid.values_of(name)
        return found, heard.settings
    network = make_network(model, inputs, options, options.network)
    found = {layer.name: np.full([n, n_points], np.nan) for layer in network.layers}
    for taken in progress(take_outputs(network, inputs, range(n)), n, label):
        for layer in network.layers if held[taken.output.output][0] else ():
            [interval] = held[taken.output.output][0]
            x = taken.series[layer.name].reshape(layer.length, -1)[:, 0]
            x = np.abs(x) if layer.name == network.target else x
            means = curves.segment_means(
                x, layer.rate_hz, interval.start_s, interval.end_s, n_points
            )
            means = standardise(means) if options.track == SHAPE else means
            found[layer.name][taken.output.output] = means
    return found, {}


LEGEND = (
    "Difference: the second group minus the first (all groups: the largest minus the smallest), "
    "where it is largest among the points that differ, or among all points if none does; then this "
    "point, of {}. n: {} with values there. Where: the points that differ. p: of the permutation "
    "test{} of equal mean contours, with the maximum statistic (corrected for all points), after "
    "Holm's correction over all rows. Layers without a row have too few values. Figure: means with "
    "{} intervals for single points."
)
STRIDE = (
    "At a stride: within 1 % of a multiple or small fraction of a layer's rate; such an F0 is "
    "often no voice. If most values of a group are at a stride at the points that differ, the "
    "groups are not said to part (`at a stride`)."
)
OF_RECORDINGS = (
    "Each recording counts as independent: several recordings of one speaker make p too small. "
    "Words that part at Input part in the sounds themselves, and any network may pass this on."
)
WITHIN = " within base vectors"
HELD = (
    " p, same times: the same test if the other output of each pair is measured at the times of "
    "the first output's interval (all groups: the first group's). Groups part where both p are "
    "below 0.05."
)


def sentences(result: Result) -> list[str]:
    """Says for each pair of groups that part in which layer they do first, and who does not.

    Pairs of words that part in the sound itself are counted alone.
    """
    table, found, rest, heard = result.table("differences"), [], [], []
    target = result.settings["target"]
    for (group, reference), own in table.groupby(["group", "reference"], sort=False):
        pair = f"{reference} and {group}" if reference != "" else ALL_GROUPS
        parted, few = own["verdict"] == curves.PARTS, own["verdict"] == TOO_FEW
        near = own["verdict"] == curves.AT_STRIDE
        if not parted.any():
            rest.append(pair)
            continue
        first = own[parted].iloc[0].to_dict()
        if target == "input" == first["layer"]:
            heard += [pair] * (reference != "")
            continue
        lists = {
            "also at": own[parted].iloc[1:], "not shown at": own[~parted & ~few & ~near],
            "only at a stride at": own[near],
            "too few values at": own[few],
        }  # fmt: skip
        found.append("; ".join([
            f"{pair}: first shown to part at {layer_title(first['layer'])} (at "
            f"{_points(result, first)}; p {_p(table, first, 'p_holm')}, n {first['n']})",
            *(f"{what} {', '.join(map(layer_title, rows['layer']))}"
              for what, rows in lists.items() if len(rows)),
        ]) + ".")  # fmt: skip
    if target == "input":
        pairs = table.loc[table["reference"] != "", ["group", "reference"]].drop_duplicates()
        found.insert(0, f"{len(heard)} of {len(pairs)} pairs part in the sound itself (Input).")
    found += [f"Not shown to part in any layer: {', '.join(rest)}."] * bool(rest)
    layers = [layer["layer"] for layer in result.settings["layers"]]
    track = measure_title(result.settings["track"])
    without = [layer_title(name) for name in layers if name not in set(table["layer"])]
    found += [f"Cannot carry {track}: {', '.join(without)}."] * bool(without)
    values = result.table("contours").query("n > 0")
    of = values.assign(near=values["at_stride"] * values["n"]).groupby("layer", sort=False)
    near = (of["near"].sum(min_count=1) / of["n"].sum()).dropna()
    strides = ", ".join(f"{layer_title(str(x))} {text.percent(near[x])}" for x in near.index)
    return found + [f"Values of F0 at a stride of the network: {strides}."] * bool(strides)


def _points(result: Result, row: dict) -> str:
    """Lists the points at which groups differ: ``points 3, 5-6``."""
    tests = result.table("tests")
    own = tests[["layer", "group", "reference"]] == [row["layer"], row["group"], row["reference"]]
    at = tests.loc[own.all(axis=1) & tests["differs"].astype(bool), "point"].to_numpy(int)
    if not len(at):
        return text.DASH
    runs = [x.tolist() for x in np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)]
    listed = ", ".join(f"{x[0]}-{x[-1]}" if len(x) > 1 else f"{x[0]}" for x in runs)
    return f"point{'s' * (len(at) > 1)} {listed}"


def _p(table: pd.DataFrame, row: dict, name: str) -> str:
    """Writes a p after Holm's correction; at the least that it can be as at most that."""
    least = row["p_least"] * table[name].notna().sum()
    return text.p_value(row[name], bool(row[name] <= least * (1 + 1e-9)))


TIMES = "p, same times"
COLUMNS = ("groups", "layer", "difference", "where", "p", TIMES, "n", "verdict")


def _told(result: Result) -> pd.DataFrame:
    """Lists the differences that were tested."""
    unit, rows, table = result.settings["unit"], [], result.table("differences")
    for row in table[table["p"].notna()].to_dict("records"):
        pair = row["reference"] != ""
        apart = text.number(row["estimate"], pair) + f" {unit}" * (unit != "1")
        rows.append({
            "groups": f"{row['reference']}, {row['group']}" if pair else ALL_GROUPS,
            "layer": layer_title(row["layer"]), "difference": f"{apart} at {row['point']:.0f}",
            "where": _points(result, row), "p": _p(table, row, "p_holm"),
            TIMES: _p(table, row, "p_held"), "n": str(row["n"]), "verdict": row["verdict"],
        })  # fmt: skip
    return pd.DataFrame(rows, columns=[x for x in COLUMNS if x != TIMES or result.settings["held"]])


def terminal(result: Result) -> str:
    """Says where groups part, and the differences in every layer: of many groups between all."""
    table = _told(result)
    if ALL_GROUPS in set(table["groups"]):
        table = table[table["groups"] == ALL_GROUPS]
    rows = [list(table), *table.to_numpy().tolist()]
    return "\n".join([*sentences(result), text.columns(rows, left=2)])


def summary(result: Result) -> str:
    """Says as Markdown in which layers the contours of groups part."""
    about = result.settings
    checkpoint, of = about["checkpoint"], about["of"]
    noun = "outputs" if about["paired"] else "recordings"
    where = f"over the whole {noun[:-1]}" if of == OUTPUT else f"in the longest {of} interval"
    parts = [
        f"# Contours of {measure_title(about['track'], about['unit'])} {where}",
        f"{about['n']} {noun}; checkpoint {checkpoint['prefix']}, step {checkpoint['step']}.",
        f"Left out, with fewer recordings or later by name: {', '.join(about['left_out'])}."
        if about["left_out"] else "",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        text.table(_told(result), ("difference", "p", TIMES, "n")),
        LEGEND.format(
            about["n_points"], "base vectors" if about["paired"] else noun,
            WITHIN * about["paired"], text.percent(about["statistics"]["confidence"]),
        ) + HELD * about["held"],
        STRIDE * bool(result.table("contours")["at_stride"].notna().any()),
        OF_RECORDINGS * (not about["paired"]),
        "What is not shown may still be there: in early layers a track has fewer values and more "
        "noise.",
    ]  # fmt: skip
    return "\n\n".join(filter(None, parts)) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the name of the figure to what draws it."""
    from wavegan_tf.output.figures_contours import draw_contours

    return {NAME: functools.partial(draw_contours, result)}
