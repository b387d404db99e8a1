"""What do single feature maps of a layer do while one latent variable goes to its extremes?

Maps are parted into clusters by their averages over the outputs at the first and last value (Beguš
& Zhou 2022, Fig. 11), their courses are compared with those at the first value (Fig. 13), and their
activation inside intervals with that outside. Of the maps only sums are kept, but for the first
base vector, so that memory hardly grows with the number of outputs.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import Measuring, make_network
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Design, cells, cross, latents_table, parse_settings, parse_sweeps
from wavegan_tf.model import BATCH, Model, layers_table
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title
from wavegan_tf.processes import in_processes, num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.intervals import LABELS, Interval, find_intervals
from wavegan_tf.speech.outputs import trouble_of
from wavegan_tf.speech.settings import IntervalSettings
from wavegan_tf.stats import maps as stats
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "feature_maps"
MAX_OUTPUTS = 100_000
NUM_NAMED = 4  # maps that are named or drawn of those that change least, or most


@dataclass(frozen=True)
class Options:
    """What is followed, and how."""

    vary: str = option(
        "",
        "Latent variable and two or more values: z11=-15,15 or z11=-15:15:5 (from, to, step). The "
        "first and the last value are the extremes.",
    )
    n: int = option(
        500, "Number of latent vectors; each is generated at every value of --vary.", low=5
    )
    layer: str = option("conv4", "Layer whose feature maps are followed.")
    clusters: int = option(2, "Number of clusters that the feature maps are divided into.")
    seed: int = option(0, "Seed of the latent vectors.", group="Latents", low=0)
    set: str = option("", "Latent variables held at a value: c1=1,z11=-5.", group="Latents")
    rbf_gamma: str = option(
        "1e-10",
        "Coefficient of the kernel that the clusters are found with: 1e-10 is the paper's, with "
        "which the clusters are those of the profiles' principal components; auto is 1 / median "
        "squared distance.",
        group="Statistics",
    )
    jobs: int | None = option(
        None, "Number of processes; all cores if not given.",
        group="Output", low=1,
    )  # fmt: skip
    intervals: IntervalSettings = field(default_factory=IntervalSettings)
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)


class Activity:
    """What the maps of a layer do; grows by one output after the other."""

    def __init__(self, layer: Layer, n_bases: int, n_values: int):
        """Begins with nothing."""
        self.layer, self.n_values = layer, n_values
        # profiles: sums over the even and the odd bases [2, values, maps, length]
        self.halves = np.zeros((2, n_values, layer.channels, layer.length))
        # mean activation in each output, and cosine distance from the first [bases, values, maps]
        self.means = np.empty((n_bases, n_values, layer.channels))
        self.distances = np.empty_like(self.means)
        # sums over each base's outputs of the activation inside and outside intervals, of the
        # index, and of the index with other intervals (those of the last base before that has the
        # label at the same value) [4, bases, labels, maps]; and how many outputs have a value
        self.sums = np.zeros((4, n_bases, len(LABELS), layer.channels))
        self.counts = np.zeros(self.sums.shape, int)
        self.first: list[tuple[np.ndarray, np.ndarray]] = []  # maps and audio of the first base
        self.intervals: list[list[Interval]] = []  # of each output
        self.problems: list[str] = []  # why an output has no intervals
        self._reference = np.zeros(0)
        self._earlier = np.zeros((n_values, len(LABELS), layer.length), bool)

    def add(
        self, maps: np.ndarray, out: np.ndarray, intervals: list[Interval], problem: str
    ) -> None:
        """Takes in the next output: maps [length, maps], finite, audio and intervals."""
        number, layer = len(self.intervals), self.layer
        base, value = divmod(number, self.n_values)
        self.intervals.append(intervals)
        self.problems.append(problem)
        if not np.isfinite(maps).all():
            raise InputError(
                f"output {number}: {layer.name} has activations that are NaN or infinite; give "
                "--vary and --set values nearer to those of training (-1 .. 1)"
            )
        self.halves[base % 2, value] += maps.T
        self.means[base, value] = maps.mean(axis=0, dtype=np.float64)
        if value == 0:
            self._reference = maps
        self.distances[base, value] = stats.cosine_distances(maps, self._reference)
        if base == 0:
            self.first.append((maps.T, out))
        sizes = np.abs(maps)  # of the port's projection, which has no ReLU, either sign is activity
        masks = stats.label_masks(intervals, LABELS, layer.length, layer.rate_hz)
        found = np.stack([
            *stats.selectivity(sizes, masks), stats.selectivity(sizes, self._earlier[value])[2]
        ])  # fmt: skip
        if not intervals:  # silent or not finite: it says nothing under other intervals either
            found[3] = np.nan
        there = np.isfinite(found)  # [4, labels, maps]
        self.sums[:, base] += np.where(there, found, 0)
        self.counts[:, base] += there
        present = masks.any(axis=1)
        self._earlier[value, present] = masks[present]


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Follows the feature maps of a layer.

    Raises:
        InputError: An option breaks its rule.
    """
    config, seed, given = model.config, options.seed, options.statistics
    gamma = stats.parse_gamma(options.rbf_gamma)
    settings = parse_settings(options.set, config)
    [sweep] = parse_sweeps([options.vary], settings, config)
    n_outputs = options.n * len(sweep.values)
    if n_outputs > MAX_OUTPUTS:
        raise InputError(
            f"--n={options.n} --vary={options.vary}: {options.n} x {len(sweep.values)} = "
            f"{n_outputs} outputs, over {MAX_OUTPUTS}; take fewer latent vectors or larger steps"
        )
    layer = choose_layer(options.layer, config)
    stats.check_clusters(options.clusters, layer.channels, layer.name)  # again of the live ones
    design = cross(model.sample(options.n, seed), cells([sweep], settings), config)
    design.table.rename(columns={sweep.name: "value"}, inplace=True)
    scale = make_network(model, design, Measuring(), layers=layer.name).scales[layer.name]
    activity = follow(model, layer, design, len(sweep.values), options, scale)
    live = (activity.means != 0).any(axis=(0, 1))  # [maps]
    stats.check_clusters(options.clusters, int(live.sum()), layer.name, "live maps")
    profiles = activity.halves.sum(axis=0) / options.n  # [values, maps, length]
    extremes = profiles[[0, -1]].mean(axis=0)  # [maps, length]
    of_half = np.array([(options.n + 1) // 2, options.n // 2])
    halves = (activity.halves / of_half[:, None, None, None])[:, [0, -1]].mean(axis=1)
    gamma = stats.choose_gamma(extremes[live], gamma, layer.name)
    clusters = np.zeros(layer.channels, int)
    clusters[live], seeds, agreement = stats.cluster_seeds(
        extremes[live], halves[:, live], options.clusters, gamma
    )
    agreement.insert(0, "maps", layer.channels)
    distances, counts = activity.distances[:, 1:], activity.counts
    with np.errstate(invalid="ignore"):
        firing = activity.sums / counts
    changes = extremes, activity.means, distances, clusters
    fires = firing, counts[2].sum(axis=0), live
    found = {
        "agreement": agreement,
        "clusters": seeds,
        "maps": stats.map_table(layer.rate_hz, *changes, seed, given),
        "distances": stats.distance_table(sweep.values[1:], distances, seed, given),
        "selectivity": stats.selectivity_table(LABELS, *fires, seed, given),
    }
    for table in found.values():
        table.insert(0, "layer", layer.name)
    rows = [(i, *x) for i, here in enumerate(activity.intervals) for x in here]
    intervals = pd.DataFrame(rows, columns=["output", *Interval._fields])
    for label in LABELS:
        those = intervals.loc[intervals["label"] == label, "output"]
        design.table[f"n_{label}"] = np.bincount(those, minlength=n_outputs)
    found |= {
        "design": design.table.assign(problem=activity.problems),
        "latents": latents_table(design.z, config),
        "intervals": intervals,
        "layers": layers_table((layer, config.layers[-1])),
    }
    first, out = map(np.stack, zip(*activity.first, strict=True))
    averages = [first[:, clusters == k].mean(axis=1) for k in range(1, options.clusters + 1)]
    averaged = np.stack(averages, axis=1).astype(np.float32)
    arrays = {
        "first_output": {"out": out, "maps": first, "clusters": averaged},
        "profiles": {"profiles": profiles, "extremes": extremes, "halves": halves},
    }
    record = {
        "checkpoint": model.checkpoint, "model": config.to_dict(), "layer": layer.name,
        "scale": scale, "vary": [sweep._asdict()], "n_bases": options.n,
        "sample_rate_hz": config.sample_rate,
        "slice_len": config.slice_len, "num_stable": NUM_NAMED,
        "intervals": dataclasses.asdict(options.intervals),
    }  # fmt: skip
    return Result(NAME, record, found, arrays, directory)


def choose_layer(name: str, config: ModelConfig) -> Layer:
    """Reads ``--layer``: one layer of feature maps, not the audio."""
    known = {layer.name: layer for layer in config.every_layer[:-1]}
    if name not in known:
        raise InputError(
            f"--layer={name}: this is not a layer of feature maps; choose one of {', '.join(known)}"
        )
    return known[name]


def follow(
    model: Model, layer: Layer, design: Design, n_values: int, options: Options, scale: float = 1.0
) -> Activity:
    """Runs the Generator and follows the maps of a layer; intervals are of the first channel.

    The maps are multiplied by a ``scale``, for that of a layer means nothing: a network whose layer
    is multiplied, and whose next kernel is divided, by a number puts out the same audio.
    """
    n = len(design.z)
    activity = Activity(layer, n // n_values, n_values)

    def outputs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for first in range(0, n, BATCH):
            made = model.activations(design.z[first : first + BATCH])
            yield from zip(made[layer.name] * np.float32(scale), made["out"], strict=True)

    kept, searched = itertools.tee(outputs())  # an output is kept until its intervals are known
    plan = model.config.sample_rate, options.intervals
    sounds = (out[:, 0] for _, out in searched)
    found = in_processes(search, sounds, plan, num_processes(options.jobs))
    found = progress(found, n, f"following {layer.name}")
    for (maps, out), (intervals, problem) in zip(kept, found, strict=True):
        activity.add(maps, out, intervals, problem)
    return activity


def search(sound: np.ndarray, plan: tuple[int, IntervalSettings]) -> tuple[list[Interval], str]:
    """Finds the intervals of an output [time], or says why it can have none."""
    problem = trouble_of(sound)
    return ([] if problem else find_intervals(sound, *plan)), problem


VERDICTS = [stats.PREFERS, stats.AVOIDS, stats.BY_TIME, stats.NO_PREFERENCE, stats.TOO_FEW]
FIRM = (
    "Agreement alone does not show that there are groups: a smooth spread from weak to strong maps "
    "is cut at the same place every time. The silhouette is near 1 if groups are far apart, and "
    "near 0 if one group runs into the other."
)
FIRES = (
    "Number of maps, and the strongest with their index (inside - outside) / (inside + outside). A "
    "map prefers (avoids) an interval if it fires more (less) inside it than outside, and than "
    "inside the intervals of another output. By time: it fires at the time at which such intervals "
    "usually occur."
)


def terminal(result: Result) -> str:
    """Says in a few lines how firm the clusters are, what changes, and what follows the sound."""
    fires = _fires(result)
    return "\n".join(
        [*_told(result), text.columns([[*map(str, fires)], *fires.to_numpy().tolist()])]
    )


def summary(result: Result) -> str:
    """Says as Markdown what the maps do: clusters, changes, selectivity."""
    layer, vary = layer_title(result.settings["layer"]), result.settings["vary"][0]
    values, checkpoint = ", ".join(map(text.number, vary["values"])), result.settings["checkpoint"]
    parts = [
        f"# Feature maps of {layer} while {vary['name']} varies",
        f"{result.settings['n_bases']} latent vectors, each at {vary['name']} = {values}; "
        f"checkpoint {checkpoint['prefix']}, step {checkpoint['step']}.",
        *_told(result), FIRM, text.table(_fires(result), VERDICTS), FIRES,
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _named(maps: pd.DataFrame, value: str) -> str:
    first = maps.head(NUM_NAMED).to_dict("records")
    return ", ".join(f"{x['map']} ({text.fixed(x[value])})" for x in first)


def _told(result: Result) -> list[str]:
    from wavegan_tf.output.figures_feature_maps import by_distance

    [firm], maps = result.table("agreement").to_dict("records"), result.table("maps")
    live, moved = maps[~maps["dead"]], by_distance(result)
    sizes = ", ".join(map(str, live.groupby("cluster").size()))
    return [
        f"{layer_title(firm['layer'])}: live maps {len(live)}, dead {len(maps) - len(live)}; "
        f"clusters of {sizes} maps. Adjusted Rand index over {firm['seeds']} seeds: mean "
        f"{text.fixed(firm['ari_seeds'], 3)}, least {text.fixed(firm['ari_seeds_least'], 3)}; of "
        f"the two halves of the outputs: {text.fixed(firm['ari_halves'], 3)}; silhouette "
        f"{text.fixed(firm['silhouette'])}.",
        f"Mean activation changes in {(maps['verdict'] == stats.CHANGES).sum()} of {len(live)} "
        f"maps (Holm, p < 0.05). Course changes least (cosine distance from the first value, "
        f"whatever the level): {_named(moved, 'distance')}; most: "
        f"{_named(moved[::-1], 'distance')}.",
    ]


def _fires(result: Result) -> pd.DataFrame:
    """Lists, for each label, how many maps have each verdict, and the strongest."""
    table = result.table("selectivity")
    strongest = table.sort_values("estimate", key=lambda x: -x.abs(), kind="stable")
    rows = []
    for label in table["label"].unique():
        row = {"intervals": label}
        for verdict in VERDICTS:
            some = strongest[strongest["label"].eq(label) & strongest["verdict"].eq(verdict)]
            shown = len(some) and verdict in (stats.PREFERS, stats.AVOIDS)
            row[verdict] = f"{len(some)}: {_named(some, 'estimate')}" if shown else str(len(some))
        rows.append(row)
    return pd.DataFrame(rows)


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them."""
    from wavegan_tf.output.figures_feature_maps import FIGURES

    return {name: functools.partial(draw, result) for name, draw in FIGURES.items()}
