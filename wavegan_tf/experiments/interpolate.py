"""Move latent variables, all others frozen, and follow the effect through every layer.

What moves is said in one of three ways, for each of ``n`` base vectors, which stay the same at
every step: ``vary``, a variable and its values (several: every combination, a grid); ``from`` and
``to``, the way in ``steps`` steps between two settings of one base vector, such as the codes [5, 0]
and [0, 5]; ``between`` without these, the way between two whole vectors drawn in pairs. Without any
of them the model goes the way that its config.json recommends.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf import latents
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import Measuring, Network, listen, make_networks
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import BETWEEN, Design, Sweep
from wavegan_tf.model import BATCH, Model, batches
from wavegan_tf.models.config import Layer
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title, measure_title
from wavegan_tf.speech.averages import Reduction
from wavegan_tf.stats import changes, sweeps
from wavegan_tf.stats.correlate import correlate, regress_durations
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "interpolate"

REFERENCE_SEED = 2_000_000
"""Of the ordinary outputs' latent vectors."""

MIN_REFERENCE = 20

LEVEL_UNITS = {"rms": "dB", "peak": "1", "saturation": "1", "distance": "1"}

MAX_ROWS, MAX_TERMINAL_ROWS = 40, 10  # for each sweep

ABOUT_EFFECTS = (
    "Change: the measure at the last value less that at the first, paired within a base vector, "
    "mean over base vectors [interval]. Against the middle: the same of each end less the value "
    "nearest to 0. Per unit: slope. Rank r: Spearman's. p: paired t-test, after Holm's correction "
    "over all differences of a variable."
)
ABOUT_INTERACTIONS = (
    "Interaction: the difference that one variable makes to the difference the other makes, "
    "between the first and last values of both."
)
ABOUT_SPIKES = (
    "Regions where a layer changes most, with their share of its whole change, and how many times "
    "the layer's average change per second that is."
)
ABOUT_BANDS = (
    "The band of each layer with most of the change in power: change of the level from the first "
    "to the last value [interval], and its share of all power changed."
)
CAUTION = (
    "What any latent variable does at such values is not subtracted; the command identify compares "
    "with controls."
)


@dataclass(frozen=True)
class Options(Measuring):
    """What an interpolation can be asked for.

    Raises:
        InputError: A value breaks its rule, or two options have no meaning together.
    """

    vary: tuple[str, ...] = option(
        (),
        "Variable and its values: z11=-15:5:2 (from, to, step; both ends included) or z11=-15,0,5. "
        "Given again for further variables: every combination of values.",
        repeated=True,
    )
    from_: str | None = option(
        None, "Settings (as --set) at the first step; --to has those at the last.", flag="from"
    )
    to: str | None = option(None, "Settings at the last step.")
    between: str | None = option(
        None,
        "Way from step to step: linear, or z along a great circle (its norm, and the code, "
        "linearly). Without --from and --to it leads between whole vectors, drawn in pairs.",
        choices=BETWEEN,
    )
    steps: int = option(11, "Number of steps of --from and --to or --between, with both ends.")
    n: int = option(10, "Number of base vectors, or of pairs with --between alone.", low=1)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option(
        "",
        "Variables held at a value: c1=1,z11=-5. Of a ciwGAN, naming any code variable sets the "
        "others of the code to 0.",
        group="Latents",
    )
    latents: str | None = option(
        None, "File of base vectors instead, one a row: .npy or .csv.", group="Latents"
    )
    reference_outputs: int = option(
        100,
        "Number of ordinary outputs that the measure distance compares with; 0 for no distance.",
        group="Statistics",
        low=0,
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value, and that what is given has a meaning together."""
        check_options(self)
        if isinstance(self.vary, str):
            object.__setattr__(self, "vary", (self.vary,))
        ends = {"from": self.from_, "to": self.to}
        given = [name for name, value in ends.items() if value is not None]
        if len(given) == 1:
            raise InputError(f"--{given[0]}: a way has two ends; give --from and --to")
        ways = given[:1] + ["between"] * (self.between is not None) + ["steps"] * (self.steps != 11)
        if self.vary and ways:
            raise InputError(
                f"--vary and --{ways[0]}: --vary has its own values; leave out one of them"
            )
        if self.latents is not None and (self.n, self.seed) != (10, 0):
            raise InputError("--latents gives the vectors; leave out --n and --seed")
        if 0 < self.reference_outputs < MIN_REFERENCE:
            raise InputError(
                f"--reference_outputs={self.reference_outputs}: too few to say what is ordinary; "
                f"give 0 or at least {MIN_REFERENCE}"
            )


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Generates every step, measures it, and says what changes and where.

    Sounds and series are written to a ``directory`` while the run goes on; without one the series
    are kept in memory.

    Raises:
        InputError: An option does not fit the model, or nothing is said to move.
    """
    ends = choose_ends(model, options)
    design, varied = choose_steps(model, options, ends)
    n_bases = design.table["base"].nunique()
    own = make_networks(model, "generator", options.layers, Reduction())[0]
    reference = describe_ordinary(own, model, options.reference_outputs)
    followed = Followed(own.layers, own.target, varied, n_bases, reference)
    heard = listen(
        model, design, options, keep_series=True, directory=directory, label="interpolating",
        each=followed.add,
    )  # fmt: skip
    points, intervals, outputs = (heard.tables[x] for x in ("points", "intervals", "outputs"))
    counts, shares = sweeps.counts_and_shares(outputs, own.target)
    values = pd.concat([sweeps.interval_means(intervals, len(design.z)), counts, followed.values()])
    judged = varied, options.statistics
    tables = heard.tables | {
        "design": design.table,
        "correlations": correlate(points, intervals, own.target, options.statistics),
        "durations": regress_durations(intervals, own.target, options.statistics),
        "values": sweeps.tidy(values),
        "responses": sweeps.measure_responses(pd.concat([values, shares]), *judged),
        "effects": sweeps.measure_effects(values, *judged),
        **followed.tables(options.statistics),
    }
    if len(varied) > 1:
        tables["interactions"] = sweeps.measure_interactions(values, *judged)
    known = {
        f"{layer}/{channel}/{what}": array
        for (layer, channel), described in reference.items()
        for what, array in described.items()
    }
    arrays = heard.arrays | {
        "changes": followed.changes(), "power": followed.power, "reference": known
    }  # fmt: skip
    settings = heard.settings | {
        "vary": [
            {"name": x.name, "values": list(x.values), "moved": moved(x, ends)} for x in varied
        ],
        "ends": ends,
        "between": None if options.vary else options.between or BETWEEN[0],
        "n_bases": n_bases,
        "reference": {"n": options.reference_outputs, "seed": REFERENCE_SEED},
        "statistics": asdict(options.statistics),
    }
    return Result(NAME, settings, tables, arrays, directory)


def choose_ends(model: Model, options: Options) -> tuple[str, str] | None:
    """Reads the settings at both ends of a way: those given, or what the model recommends.

    Raises:
        InputError: Nothing is said to move, and the model has no way of its own.
    """
    if options.from_ is not None and options.to is not None:
        return options.from_, options.to
    if options.vary or options.between:
        return None
    if "interpolate" in model.settings:
        own = model.settings["interpolate"]
        return own["from"], own["to"]
    raise InputError(
        "nothing moves: give --vary=z11=-15:5:2, or --from=c1=5 --to=c2=5, or --between=linear"
    )


def choose_steps(
    model: Model, options: Options, ends: tuple[str, str] | None
) -> tuple[Design, list[Sweep]]:
    """Makes the latent vectors of every step of a grid or, between the ``ends``, of a way."""
    config = model.config
    settings = latents.parse_settings(options.set, config)
    if options.vary:
        varied = latents.parse_sweeps(options.vary, settings, config)
        bases = _base_vectors(model, options, varied)
        return latents.cross(bases, latents.cells(varied, settings), config), varied
    varied = [latents.parse_path(options.steps)]
    both = latents.parse_ends(*ends, settings, config) if ends else [{}, {}]
    bases = _base_vectors(model, options, varied, 1 if ends else 2)
    sides = (bases, bases) if ends else (bases[::2], bases[1::2])
    first, last = (
        latents.apply_settings(side, settings | end, config)
        for side, end in zip(sides, both, strict=True)
    )
    paths = latents.path_latents(first, last, varied[0], options.between or BETWEEN[0], config)
    return latents.arrange(paths, latents.cells(varied, {})), varied


def _base_vectors(
    model: Model, options: Options, varied: list[Sweep], multiple: int = 1
) -> np.ndarray:
    """Draws or loads the base vectors, with a ``multiple`` of 2 pairs of them."""
    if options.latents is None:
        latents.check_number(options.n, varied)
        return latents.sample_latents(model.config, options.n * multiple, options.seed)
    vectors = latents.load_latents(options.latents, model.config)
    if len(vectors) % multiple:
        raise InputError(
            f"--latents={options.latents}: {len(vectors)} vectors, but --between goes from each "
            "odd one to the next: give an even number"
        )
    latents.check_number(len(vectors) // multiple, varied)
    return vectors


Reference = dict[tuple[str, int], dict[str, np.ndarray]]


def describe_ordinary(network: Network, model: Model, n: int) -> Reference:
    """Describes ``n`` ordinary outputs of a network, of latent vectors as in training.

    Returns:
        By layer and channel (from 1) what :func:`~wavegan_tf.stats.changes.describe_reference`
        gives of the outputs whose series are finite; nothing of a layer with fewer than 2.
    """
    described: dict[tuple[str, int], list[np.ndarray]] = {}
    z = latents.sample_latents(model.config, n, REFERENCE_SEED)
    for k, batch in enumerate(batches(z)):
        for taken in network.take(batch, [{}] * BATCH, k * BATCH, range(n)):
            for layer in network.layers:
                for channel, x in enumerate(channels_of(taken.series[layer.name]), start=1):
                    if np.isfinite(x).all():
                        found = changes.features(x, changes.band_powers(x, layer.rate_hz))
                        described.setdefault((layer.name, channel), []).append(found)
    several = {key: np.array(rows) for key, rows in described.items() if len(rows) > 1}
    return {key: changes.describe_reference(rows) for key, rows in several.items()}


def channels_of(series: np.ndarray) -> np.ndarray:
    """Lays a series ``[length]`` or ``[length, channels]`` out as ``[channels, length]``."""
    return series.reshape(len(series), -1).T


class Followed:
    """What is taken of the series of an interpolation as they come, in order of the outputs.

    Memory grows with the number of outputs by some numbers for each layer. ``power`` has by sweep
    and layer, ``z11/conv4``, the mean square in frames over bases and other sweeps,
    ``[values, frames, channels]``.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        target: str,
        varied: list[Sweep],
        n_bases: int,
        reference: Reference,
    ) -> None:
        """Begins without an output."""
        self._layers, self._target = layers, target
        self._varied, self._reference = varied, reference
        lengths = [len(sweep.values) for sweep in varied]
        self._shape = (n_bases, *lengths)
        self._changes = {layer.name: changes.ChangeSum(lengths) for layer in layers}
        self._bands: dict[str, list[np.ndarray]] = {layer.name: [] for layer in layers}
        self._levels: dict[str, list[list]] = {layer.name: [] for layer in layers}
        self.power: dict[str, np.ndarray] = {}

    def add(self, output: int, series: dict[str, np.ndarray]) -> None:
        """Takes what is wanted of the series of the next output."""
        place = np.unravel_index(output, self._shape)[1:]
        for layer in self._layers:
            name, x = layer.name, channels_of(series[layer.name])
            self._changes[name].add(x.T)
            powers = [changes.band_powers(channel, layer.rate_hz) for channel in x]
            self._bands[name].append(np.mean(powers, axis=0))
            frames = np.stack([changes.frame_power(channel) for channel in x], axis=-1)
            for sweep, step in zip(self._varied, place, strict=True):
                empty = np.zeros((len(sweep.values), *frames.shape))
                total = self.power.setdefault(f"{sweep.name}/{name}", empty)
                total[step] += frames * len(sweep.values) / np.prod(self._shape)
            levels = []
            for channel, (one, power) in enumerate(zip(x, powers, strict=True), start=1):
                known, distance = self._reference.get((name, channel)), math.nan
                if known and np.isfinite(one).all():
                    distance = changes.distance(changes.features(one, power), known)
                levels.append([*changes.levels(one).values(), distance])
            self._levels[name].append(levels)

    def values(self) -> pd.DataFrame:
        """Gives the levels of all outputs as :mod:`wavegan_tf.stats.sweeps` takes values.

        Saturation is one of the output alone.
        """
        found = {name: np.array(rows) for name, rows in self._levels.items()}
        return sweeps.values_frame({
            (channel + 1, name, sweeps.OUTPUT, measure, unit): x[:, channel, k]
            for channel in range(max(x.shape[1] for x in found.values()))
            for k, (measure, unit) in enumerate(LEVEL_UNITS.items())
            for name, x in found.items()
            if channel < x.shape[1] and (measure != "saturation" or name == self._target)
        })  # fmt: skip

    def changes(self) -> dict[str, np.ndarray]:
        """Gives the change of every sample by sweep and layer, ``z11/conv4``."""
        return {
            f"{sweep.name}/{name}": total.result()[k]
            for k, sweep in enumerate(self._varied)
            for name, total in self._changes.items()
            if total.n
        }

    def tables(self, settings: StatisticsSettings) -> dict[str, pd.DataFrame]:
        """Says where in time (``spikes``) and frequency (``bands``) layers change along sweeps."""
        spikes, bands, found = [], [], self.changes()
        for axis, sweep in enumerate(self._varied):
            for layer in self._layers:
                head = {"latent": sweep.name, "layer": layer.name}
                change = found.get(f"{sweep.name}/{layer.name}", np.zeros(1))
                table = changes.find_spikes(change, layer.rate_hz)
                spikes.append(table.assign(n=self._changes[layer.name].n, **head))
                powers = np.array(self._bands[layer.name])  # [outputs, bands]
                grid = np.moveaxis(powers.reshape(*self._shape, -1), 1 + axis, 0)
                first, last = (x.reshape(len(x), -1, powers.shape[1]) for x in (grid[0], grid[-1]))
                edges_hz = changes.band_edges(layer.length, layer.rate_hz)
                bands.append(changes.band_changes(first, last, edges_hz, settings).assign(**head))
        return {
            name: pd.concat(parts, ignore_index=True)[[*head, *parts[0].columns[:-2]]]
            for name, parts in (("spikes", spikes), ("bands", bands))
        }


def moved(sweep: Sweep, ends: tuple[str, str] | None) -> str:
    """Says what a sweep moves: ``z11 from -15 to 5``, ``from c1=1 to c2=1``."""
    if sweep.name == latents.PATH:
        return "from {} to {}".format(*(ends or ("one latent vector", "another")))
    return f"{sweep.name} from {text.number(sweep.values[0])} to {text.number(sweep.values[-1])}"


def by_evidence(effects: pd.DataFrame) -> pd.DataFrame:
    """Sorts effects: the smallest p of the three differences first, those without one last."""
    names = ["p", *(f"{name}_p" for name in sweeps.FROM_MIDDLE)]
    order = pd.DataFrame({"p": effects[names].min(axis=1), "r": -effects["rank_r"].abs().fillna(0)})
    return effects.loc[order.sort_values(["p", "r"]).index]


def _changed(result: Result) -> Iterator[tuple[str, pd.DataFrame]]:
    """Says of each sweep how many measures change, and gives their effects."""
    effects = result.table("effects")
    for sweep in result.settings["vary"]:
        rows = by_evidence(effects[effects["latent"] == sweep["name"]])
        yield f"{sweep['moved']}: {_counted(rows)}", rows[rows["verdict"] == sweeps.CHANGES]


def summary(result: Result) -> str:
    """Writes what changes, where in time and at which frequencies, as Markdown."""
    settings = result.settings
    n, n_bases = settings["n"], settings["n_bases"]
    parts = [
        f"# Interpolation: {'; '.join(s['moved'] for s in settings['vary'])}",
        f"{n} outputs: {n_bases} base vectors, each at {n // n_bases} steps, everything else held "
        f"still. {CAUTION}",
        f"## What changes\n\n{ABOUT_EFFECTS}",
    ]
    for said, changed in _changed(result):
        parts += [f"{said}.", _markdown(changed.head(MAX_ROWS), EFFECT_COLUMNS)]
        if len(changed) > MAX_ROWS:
            parts.append(f"{len(changed) - MAX_ROWS} more changes are in tables/effects.csv.")
    for (a, b), rows in _pairs(result):
        shown = rows[rows["verdict"] == sweeps.CHANGES].sort_values("p").head(MAX_ROWS)
        parts += [
            f"## {a} and {b} together\n\n{ABOUT_INTERACTIONS} {_counted(rows)}.",
            _markdown(shown, INTERACTION_COLUMNS),
        ]
    bands = result.table("bands").dropna(subset="share")
    most = bands.loc[bands.groupby(["latent", "layer"], sort=False)["share"].idxmax()]
    parts += [
        f"## Where in time\n\n{ABOUT_SPIKES}",
        _markdown(result.table("spikes"), SPIKE_COLUMNS),
        f"## Where in frequency\n\n{ABOUT_BANDS}",
        _markdown(most, BAND_COLUMNS),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def terminal(result: Result) -> str:
    """Writes the first changes of each variable for the terminal.

    The measure ``distance``, which changes with whatever takes a variable out of its training
    range, is counted but has no row.
    """
    lines = []
    for said, changed in _changed(result):
        lines.append(said)
        listed = changed[changed["measure"] != "distance"].head(MAX_TERMINAL_ROWS)
        if len(listed):
            cells = _cells(listed, EFFECT_COLUMNS)
            lines.append(text.columns([list(cells.columns), *cells.to_numpy().tolist()], left=3))
        if len(changed) > len(listed):
            lines.append(f"{len(changed) - len(listed)} more: tables/effects.csv")
    lines += [f"{a} and {b} together: {_counted(rows)}" for (a, b), rows in _pairs(result)]
    return "\n".join([*lines, CAUTION])


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures; each is drawn when it is called."""
    from wavegan_tf.output.figures_interpolate import drawings

    return drawings(result)


def _pairs(result: Result) -> list[tuple[Any, pd.DataFrame]]:
    table = result.table("interactions")
    return list(table.groupby(["latent_a", "latent_b"], sort=False)) if len(table) else []


def _counted(rows: pd.DataFrame) -> str:
    """Says how many of some rows change, and how many could not be judged."""
    changed, few = (int((rows["verdict"] == x).sum()) for x in (sweeps.CHANGES, TOO_FEW))
    return (
        f"{changed} of {len(rows) - few} measures change (Holm, over all measures of all layers), "
        f"{few} have too few base vectors for a verdict (five or more)"
    )


def _measure(row: Any) -> str:
    title = measure_title(row.measure, row.unit)
    return title if row.label == sweeps.OUTPUT else f"{row.label.capitalize()}: {title}"


def _against_middle(row: Any) -> str:
    ends = zip((row.from_value, row.to_value), sweeps.FROM_MIDDLE, strict=True)
    return ", ".join(
        f"{text.number(getattr(row, name), signed=True)} at {text.number(value)} "
        f"(p {text.p_value(getattr(row, f'{name}_p_holm'))})"
        for value, name in ends
        if math.isfinite(getattr(row, name))
    )


WORDS: dict[str, Callable[[Any], str]] = {
    "Variable": lambda row: row.latent,
    "Layer": lambda row: layer_title(row.layer),
    "Measure": _measure,
}
NUMBERS: dict[str, Callable[[Any], str]] = {
    "Interaction": lambda row: text.with_interval(row.estimate, row.low, row.high),
    "Region (s)": lambda row: f"{row.start_s:.3f} – {row.end_s:.3f}",
    "Peak (s)": lambda row: text.fixed(row.time_s, 3),
    "Band (Hz)": lambda row: f"{text.number(row.low_hz)} – {text.number(row.high_hz)}",
    "p": lambda row: text.p_value(row.p_holm),
    "Share": lambda row: text.percent(row.share),
    "Times the average": lambda row: text.number(row.excess),
    "Against the middle": _against_middle,
    "Per unit": lambda row: text.number(row.slope),
    "Rank r": lambda row: text.fixed(row.rank_r),
}
NUMBERS["Change"] = NUMBERS["Change (dB)"] = NUMBERS["Interaction"]

EFFECT_COLUMNS = (*WORDS, "Change", "p", "Against the middle", "Per unit", "Rank r")
INTERACTION_COLUMNS = ("Layer", "Measure", "Interaction", "p")
SPIKE_COLUMNS = ("Variable", "Layer", "Region (s)", "Peak (s)", "Share", "Times the average")
BAND_COLUMNS = ("Variable", "Layer", "Band (Hz)", "Change (dB)", "Share")


def _cells(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Writes the cells of a table; a column in which nothing is written is left out."""
    write, there = WORDS | NUMBERS, list(rows.itertuples(index=False))
    cells = {title: [write[title](row) for row in there] for title in columns}
    return pd.DataFrame({title: column for title, column in cells.items() if any(column)})


def _markdown(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """Writes a table of Markdown, numbers to the right; nothing without rows."""
    return text.table(_cells(rows, columns), list(NUMBERS)) if len(rows) else ""
