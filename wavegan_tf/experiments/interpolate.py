"""Move latent variables, all others frozen, and follow the effect through every layer.

What moves is said in one of three ways, for each of ``n`` base vectors, which stay the same at
every step: ``vary``, a variable and its values (several: every combination, a grid); ``from`` and
``to``, the way in ``steps`` steps between two settings of one base vector, such as the codes [5, 0]
and [0, 5]; ``between`` without these, the way between two whole vectors drawn in pairs. Without any
of them the model goes the way that its config.json recommends.

Any latent variable changes something. So control variables are moved by as much on the same base
vectors, and what changes is called the moved variable's own only where it changes more than theirs.
"""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf import latents
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.followed import Followed, Levels, describe_ordinary
from wavegan_tf.experiments.listen import (
    REFERENCE_SEED,
    MeasuringAll,
    Network,
    annotated,
    find_ceiling,
    listen,
    make_network,
    make_plan,
    take_outputs,
)
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import BETWEEN, Design, Sweep
from wavegan_tf.model import Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title, outcome_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.stats import sweeps
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "interpolate"

MIN_REFERENCE = 20

MAX_ROWS, MAX_TERMINAL_ROWS = 40, 10  # for each sweep
MAX_NOT_SHOWN = 3
NOT_SHOWN = "Not shown, the strongest (few base vectors show little):"
MAX_NAMED = 5  # variables that leave their training range; measures whose ends differ

ABOUT_EFFECTS = (
    "Last − first: the measure at the last value minus the measure at the first value of the same "
    "base vector, mean over base vectors [interval].{} p: of the difference before it, by a paired "
    "t-test (numbers of intervals: by a sign test), after Holm's correction over these differences "
    "of all measures and layers. Per unit: slope. Rank r: Spearman's."
)
ABOUT_MIDDLE = " Ends − middle: the same for each end minus the value nearest to 0."
ABOUT_P_CONTROLS = (
    "p (controls): the share of controls, with this variable counted among them, whose change is "
    "as large. The change of a variable is the largest of {}, each divided by its mean over this "
    "variable and its controls."
)
ABOUT_CONTROLS = (
    " Controls: size of last − first for the control variables: median, largest. "
    + ABOUT_P_CONTROLS.format("these differences")
)
ABOUT_LEVELS = (
    " Levels can be compared within a layer, not between layers: each layer except Out is scaled "
    "by a factor of its own."
)
ABOUT_INTERVALS = (
    "Intervals and p hold for further outputs of this trained network, not for another training."
)
ABOUT_INTERACTIONS = (
    "Interaction: how much the effect of one variable (last − first) changes from the first to the "
    "last value of the other; p after Holm's correction over all measures and layers. It is not "
    "compared with controls."
)
ABOUT_SPIKES = (
    "Regions where a layer changes most, with their share of the whole change of the layer, and "
    "their change per second as a multiple of the layer's average."
)
ABOUT_BANDS = (
    "For each layer, the band where power changes most: the change of its level from the first to "
    "the last value [interval], and its share of all change in power."
)

ABOUT_WAY = (
    "Only the ends of the path are compared: the steps between them, such as half of one code and "
    "half of another, may be nothing that training ever had."
)
ABOVE = {sweeps.MORE: "yes", sweeps.AS_CONTROLS: "no"}
COUNTED = {
    sweeps.MORE: "change more than controls", sweeps.AS_CONTROLS: "change as controls do",
    sweeps.CHANGES: "change{}", sweeps.NO_CHANGE: "are not shown to change",
    TOO_FEW: "have too few base vectors",
}  # fmt: skip
ONE = {"change": "changes", "are": "is", "have": "has"}
FEW_CONTROLS = " (too few controls to say more)"
DIFFERENCES = {
    "estimate": "last − first",
    "from_middle_first": "first − middle",
    "from_middle_last": "last − middle",
}

_CONTROLS = "Controls: {n} other latent variables, each moved by as much on the same base vectors "
BESIDE = {
    "enough": _CONTROLS + "({outputs} outputs). By chance, a variable like them exceeds them in up "
    "to {above} of {of} measures, on average.",
    "few": _CONTROLS + "({outputs} outputs). These are too few: a verdict against controls needs "
    "{least}.",
    "grid": "There are no controls in a grid: its numbers are means over the values of the other "
    "variable, extremes included; those of a control would not be. Another variable might do as "
    "much. To compare with controls, move one variable alone.",
    "whole": "There are no controls: a path between whole vectors moves all variables.",
    "annotations": "There are no controls, because the annotations belong to the outputs alone. "
    "Another variable might do as much.",
    "none": "There are no controls: another variable might do as much.",
}
OUTSIDE = " Any variable may change much outside its training range, as these are here: {}."

Held = tuple[tuple[Interval, ...], ...]
"""The intervals of an output, by channel."""


@dataclass(frozen=True)
class Options(MeasuringAll):
    """What an interpolation can be asked for.

    Raises:
        InputError: A value breaks its rule, or two options have no meaning together.
    """

    vary: tuple[str, ...] = option(
        (),
        "Latent variable and its values: z11=-15:5:2 (from, to, step; both ends included) or "
        "z11=-15,0,5. With several variables, all combinations are generated.",
        repeated=True,
    )
    from_: str | None = option(None, "Settings (as in --set) at the first step.", flag="from")
    to: str | None = option(None, "Settings (as in --set) at the last step.")
    between: str | None = option(
        None,
        "Path between the ends: linear, or z along a great circle (its norm and the code "
        "linearly). Without --from and --to, the ends are pairs of drawn latent vectors.",
        choices=BETWEEN,
    )
    steps: int = option(11, "Number of steps from end to end, both included.")
    n: int = option(
        15,
        "Number of base vectors (with --between alone, of pairs). A verdict on a number of "
        "intervals needs 15.",
        low=1,
    )
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option(
        "",
        "Latent variables held at a value: c1=1,z11=-5. In a ciwGAN, naming one code variable sets "
        "the others to 0.",
        group="Latents",
    )
    latents: str | None = option(
        None,
        "File of base vectors to use instead of drawn ones: .npy or .csv, one vector in each row.",
        group="Latents",
        path=True,
    )
    hold_intervals: bool = option(
        False,
        "Use the intervals of each base vector's middle step (the value nearest to 0) for all its "
        "steps, instead of finding intervals at every step.",
        group="Intervals",
    )
    controls: int = option(
        20,
        "Number of other latent variables that are moved by as much, on the same base vectors, as "
        "controls. A verdict against them needs 19 or more (at a confidence of 0.95). Grids, and "
        "runs with --between alone, have no controls.",
        group="Statistics",
        low=0,
    )
    reference_outputs: int = option(
        100,
        "Number of ordinary outputs that the measure distance compares with; 0 leaves it out.",
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
            raise InputError(f"--{given[0]}: a path has two ends; give both --from and --to")
        ways = given[:1] + ["between"] * (self.between is not None) + ["steps"] * (self.steps != 11)
        if self.vary and ways:
            raise InputError(
                f"--vary and --{ways[0]}: --vary has its own values; leave out one of them"
            )
        if self.latents is not None and (self.n, self.seed) != (15, 0):
            raise InputError("--latents gives the base vectors; leave out --n and --seed")
        if self.hold_intervals and self.annotations is not None:
            raise InputError(
                "--hold_intervals and --annotations: both say where intervals are; leave out one "
                "of them"
            )
        if 0 < self.reference_outputs < MIN_REFERENCE:
            raise InputError(
                f"--reference_outputs={self.reference_outputs}: these are too few to say what is "
                f"ordinary; give 0 or at least {MIN_REFERENCE}"
            )


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Generates every step, measures it, and says what changes and where.

    Sounds and series are written to a ``directory`` while the run goes on; without one the series
    are kept in memory.

    Raises:
        InputError: An option does not fit the model, or nothing is said to move.
    """
    moves = Moves(model, options)
    design, varied, statistics = moves.design(), moves.sweeps, options.statistics
    own = make_network(model, design, options)
    chosen = find_ceiling(own, model, design, options)  # for the controls as well
    plan = make_plan(model, own.layers, own.target, chosen, measures=options.measures)
    reference = describe_ordinary(own, model, design, options.reference_outputs)
    followed = Followed(own.layers, own.target, varied, moves.n, reference)
    held = None
    if options.hold_intervals:
        lengths = [len(sweep.values) for sweep in varied]
        middle = np.ravel_multi_index([sweeps.middle_step(*sweep) for sweep in varied], lengths)
        steps = math.prod(lengths)
        held = hold(own, design.z[int(middle) :: steps], plan, options, steps)
    heard = listen(
        model, design, chosen, keep_series=True, directory=directory, label="interpolating",
        each=followed.add, held=held, measures=options.measures,
    )  # fmt: skip
    values, shares = values_of(heard.tables, own, followed, options, len(design.z))
    controls, why = moves.choose_controls()
    beside = pd.DataFrame()
    if controls:
        levels = Levels(own.layers, own.target, reference)
        beside = measure_controls(own, moves, controls, plan, options, levels)
    tables = heard.tables | {
        "design": design.table,
        "values": sweeps.tidy(values),
        "responses": sweeps.measure_responses(pd.concat([values, shares]), varied, statistics),
        "effects": sweeps.measure_effects(
            values, varied, statistics, {varied[0].name: beside} if controls else {}
        ),
        **followed.tables(statistics),
    }
    if len(varied) > 1:
        tables["interactions"] = sweeps.measure_interactions(values, varied, statistics)
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
            {"name": x.name, "values": list(x.values), "moved": moved(x, moves.ends)}
            for x in varied
        ],
        "ends": moves.ends,
        "between": None if options.vary else options.between or BETWEEN[0],
        "n_bases": moves.n,
        "controls": {"latents": controls, "n": beside.shape[1], "why_none": why},
        "outside": outside_training(design.z, model.config),
        "hold_intervals": options.hold_intervals,
        "reference": {"n": options.reference_outputs, "seed": REFERENCE_SEED},
        "statistics": asdict(statistics),
    }
    return Result(NAME, settings, tables, arrays, directory)


class Moves:
    """What moves, from where to where, and on which base vectors.

    Attributes:
        sweeps: Variables with their values; of a way between two vectors :data:`PATH` alone.
        ends: Settings at both ends of a way; None of a grid and of a way between whole vectors.
        bases: Base vectors as drawn or loaded, ``[n, latent_dim]``; of a way between whole vectors
            both ends, one after the other.
        n: Number of base vectors, or of ways between whole vectors.
    """

    def __init__(self, model: Model, options: Options) -> None:
        """Reads what moves.

        Raises:
            InputError: It does not fit the model, or nothing is said to move.
        """
        self._config, self._options, config = model.config, options, model.config
        self._settings = latents.parse_settings(options.set, config)
        self.ends: tuple[str, str] | None = None
        if options.from_ is not None and options.to is not None:
            self.ends = options.from_, options.to
        elif not (options.vary or options.between):
            if "interpolate" not in model.settings:
                raise InputError(
                    "nothing moves: give --vary=z11=-15:5:2, or --from=c1=5 --to=c2=5, or "
                    "--between=linear"
                )
            self.ends = tuple(model.settings["interpolate"][end] for end in ("from", "to"))
        self.sweeps = [latents.parse_path(options.steps)]
        if options.vary:
            self.sweeps = latents.parse_sweeps(options.vary, self._settings, config)
        self._whole = not (options.vary or self.ends)
        self.n, each = options.n, 2 if self._whole else 1
        if options.latents is None:
            latents.check_number(self.n, self.sweeps)
            self.bases = latents.sample_latents(config, self.n * each, options.seed)
            return
        self.bases = latents.load_latents(options.latents, config)
        if len(self.bases) % each:
            raise InputError(
                f"--latents={options.latents}: {len(self.bases)} vectors, but --between leads from "
                "the first to the second, from the third to the fourth and so on; give an even "
                "number"
            )
        self.n = len(self.bases) // each
        latents.check_number(self.n, self.sweeps)

    def design(self) -> Design:
        """Makes the latent vectors of every step of a grid or of a way."""
        if self._options.vary:
            cells = latents.cells(self.sweeps, self._settings)
            return latents.cross(self.bases, cells, self._config)
        between = self._options.between or BETWEEN[0]
        first, last = self._ways()
        paths = latents.path_latents(first, last, self.sweeps[0], between, self._config)
        return latents.arrange(paths, latents.cells(self.sweeps, {}))

    def _ways(self) -> list[np.ndarray]:
        """Makes the vectors at both ends of every way, ``[n, latent_dim]`` each."""
        both: list[dict[str, float]] = [{}, {}]
        if self.ends:
            both = latents.parse_ends(*self.ends, self._settings, self._config)
        sides = (self.bases[::2], self.bases[1::2]) if self._whole else (self.bases, self.bases)
        return [
            latents.apply_settings(side, self._settings | end, self._config)
            for side, end in zip(sides, both, strict=True)
        ]

    def choose_controls(self) -> tuple[list[str], str]:
        """Draws the control variables: z that are neither moved nor set, in order.

        A way between whole vectors moves every variable; annotations are of the outputs alone. In a
        grid a number is a mean over lines at the other sweeps' values, extremes included, and that
        of a control would be of one line at ordinary values: a variable like its controls would
        exceed them in half of the runs. There they are none.

        Returns:
            Their names; why there are none, a key of :data:`BESIDE`, else "".
        """
        rules = {"grid": len(self.sweeps) > 1, "whole": self._whole}
        rules |= {"annotations": self._options.annotations is not None}
        for why, holds in (rules | {"none": not self._options.controls}).items():
            if holds:
                return [], why
        taken = {self.sweeps[0].name} | set(self._settings)
        for end in latents.parse_ends(*self.ends, {}, self._config) if self.ends else ():
            taken |= set(end)
        options = self._options
        return latents.draw_controls(self._config, taken, options.controls, options.seed), ""

    def control_latents(self, controls: list[str], steps: list[int]) -> np.ndarray:
        """Makes the vectors of controls, each moved as the sweep moves its variable.

        A control takes the values of the sweep at ``steps``, on the base vectors as they are but
        for ``--set``; where a code variable is varied their code stays one of training, whatever is
        set of it. Beside a way of Euclidean length L between two settings it goes from -L/2 to L/2,
        on the base vectors with the first setting.

        Returns:
            float32 [n, controls, steps, latent_dim].
        """
        config, sweep = self._config, self.sweeps[0]
        values = np.array(sweep.values)[steps]
        if self.ends:
            bases, last = self._ways()
            length = np.linalg.norm(last.astype(np.float64) - bases, axis=1)
            values = length[:, np.newaxis] * (values - 0.5)
        else:
            bases = latents.apply_settings(self.bases, self._settings, config)
            codes = latents.latent_names(config)[: config.num_categ]
            if sweep.name in codes:
                one_hot = config.model == "ciwgan"
                kept = slice(len(codes)) if one_hot else codes.index(sweep.name)
                bases[:, kept] = self.bases[:, kept]
        columns = [latents.latent_index(name, config) for name in controls]
        vectors = np.tile(bases[:, np.newaxis, np.newaxis], (len(columns), len(steps), 1))
        for k, column in enumerate(columns):
            vectors[:, k, :, column] = values
        return vectors


def values_of(
    found: dict[str, pd.DataFrame], own: Network, levels: Levels, options: Options, n: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Takes the values of ``n`` outputs, and whether they have intervals of each label.

    Held intervals are the same at every step: their number and duration are no values of Out.
    """
    means = sweeps.interval_means(found["intervals"], n, [layer.name for layer in own.layers])
    counts, shares = sweeps.counts_and_shares(found["outputs"], own.target)
    if options.hold_intervals:
        counts, shares = counts[:0], shares[:0]
        of = means.index.get_level_values
        means = means[(of("measure") != "duration") | (of("layer") != own.target)]
    return pd.concat([means, counts, levels.values()]), shares


def outside_training(z: np.ndarray, config: ModelConfig) -> list[str]:
    """Names the variables that anywhere leave their training range, -1 .. 1, of a code 0 .. 1."""
    lowest = np.where(np.arange(z.shape[1]) < config.num_categ, 0, -1)
    return [
        latents.latent_names(config)[k]
        for k in np.flatnonzero((z < lowest).any(0) | (z > 1).any(0))
    ]


def measure_apart(
    network: Network,
    z: np.ndarray,
    plan: Plan,
    jobs: int | None,
    label: str,
    each: Callable[[int, dict[str, np.ndarray]], Any] | None = None,
    held: list[Held] | None = None,
) -> dict[str, pd.DataFrame]:
    """Measures outputs of which neither sounds nor series are kept; arguments as of ``listen``."""

    def outputs() -> Iterator[Output]:
        for taken in take_outputs(network, latents.plain(z), range(len(z))):
            if each:
                each(taken.output.output, taken.series)
            known = held[taken.output.output] if held else None
            yield taken.output._replace(intervals=known)

    results = measure_outputs(outputs(), plan, num_processes(jobs))
    return gather(progress(results, len(z), label), plan)[0]


def hold(network: Network, z: np.ndarray, plan: Plan, options: Options, steps: int) -> list[Held]:
    """Finds the intervals of middle steps, each for all ``steps`` about it."""
    only = network.layers[-1:]
    plan = dataclasses.replace(plan, layers=only, measures=("duration",))
    label = f"intervals of {len(z)} middle steps"
    chosen = network._replace(layers=only), z, plan, options.jobs, label
    found: list[list[list[Interval]]] = [[[] for _ in range(only[0].channels)] for _ in chosen[1]]
    for row in measure_apart(*chosen)["intervals"].to_dict("records"):
        interval = Interval(str(row["label"]), row["start_s"], row["end_s"])
        found[row["output"]][row["channel"] - 1].append(interval)
    return [tuple(map(tuple, one)) for one in found for _ in range(steps)]


def measure_controls(
    own: Network, moves: Moves, names: list[str], plan: Plan, options: Options, levels: Levels
) -> pd.DataFrame:
    """Measures controls: values as :func:`~wavegan_tf.stats.sweeps.measure_effects` takes them."""
    sweep, held = moves.sweeps[0], None
    steps = sweeps.compared_steps(*sweep)
    z = np.concatenate(np.concatenate(moves.control_latents(names, steps)))
    if options.hold_intervals:
        middle = np.concatenate(moves.control_latents(names, [sweeps.middle_step(*sweep)]))[:, 0]
        held = hold(own, middle, plan, options, len(steps))
    label = f"{len(names)} control variables, {len(z)} outputs"
    given = own, z, plan, options.jobs, label
    found = measure_apart(*given, lambda _, series: levels.take(series), held)
    return values_of(found, own, levels, options, len(z))[0]


def moved(sweep: Sweep, ends: tuple[str, str] | None) -> str:
    """Says what a sweep moves: ``z11 from -15 to 5``, ``from c1=1 to c2=1``."""
    if sweep.name == latents.PATH:
        return "from {} to {}".format(*(ends or ("one latent vector", "another")))
    return f"{sweep.name} from {text.number(sweep.values[0])} to {text.number(sweep.values[-1])}"


def by_evidence(effects: pd.DataFrame) -> pd.DataFrame:
    """Sorts effects: what changes more than controls first, then what changes.

    Within a verdict those whose ends differ come first, then measures of the smallest p (of the
    three differences); the layers of a measure stay together, in the order of the network.
    """
    place = effects["verdict"].map({x: k for k, x in enumerate(sweeps.SHOWN)}).fillna(9)
    place += np.where(effects["ends"], 0, 0.5)
    p = effects[["p", *(f"{name}_p" for name in sweeps.FROM_MIDDLE)]].min(axis=1).fillna(2)
    measure = [effects[name].astype(str) for name in ("channel", "label", "measure")]
    least = p.groupby([place, *measure]).transform("min")
    first = pd.Series(range(len(effects)), effects.index).groupby(measure).transform("min")
    order = pd.DataFrame({"verdict": place, "p": least, "row": first})
    return effects.loc[order.sort_values(["verdict", "p", "row"], kind="stable").index]


def _changed(result: Result) -> Iterator[tuple[str, pd.DataFrame]]:
    """Gives what each sweep moves, and the effects that are shown."""
    effects = result.table("effects")
    for sweep in result.settings["vary"]:
        rows = by_evidence(effects[effects["latent"] == sweep["name"]])
        yield sweep["moved"], rows[rows["verdict"].isin(sweeps.SHOWN)]


def _strongest_not_shown(result: Result) -> pd.DataFrame:
    """Gives the first-to-last differences of the smallest p among those that are not shown."""
    effects = result.table("effects")
    rows = effects[(effects["verdict"] == sweeps.NO_CHANGE) & effects["p"].notna()]
    return rows.sort_values("p", kind="stable").head(MAX_NOT_SHOWN)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """Adds the one difference that a short row tells, its name as ``difference``.

    It is last less first, but of a change that is not one of the ends that of the smallest p.
    """
    p = rows[["p_holm", *(f"{name}_p_holm" for name in sweeps.FROM_MIDDLE)]].fillna(2).to_numpy()
    within = rows["verdict"].isin(sweeps.SHOWN) & ~rows["ends"]
    k = np.where(within, p.argmin(axis=1), 0)
    there = np.arange(len(rows))
    return rows.assign(
        difference=np.array([*DIFFERENCES.values()])[k],
        estimate=rows[[*DIFFERENCES]].to_numpy()[there, k],
        p_holm=np.where(p[there, k] > 1, math.nan, p[there, k]), low=math.nan, high=math.nan,
    )  # fmt: skip


def sentences(result: Result) -> list[str]:
    """Says how many measures change, and of which the ends differ more than those of controls."""
    effects, found = result.table("effects"), []
    few = FEW_CONTROLS if result.settings["controls"]["latents"] else ""
    groups = {x["moved"]: effects[effects["latent"] == x["name"]] for x in result.settings["vary"]}
    groups |= {f"{a} and {b} together": rows for (a, b), rows in _pairs(result)}
    for name, rows in groups.items():
        rows = rows[rows["n"] > 0]  # others have no value at all
        found.append(f"{name}: of {len(rows)} measures {count_verdicts(rows, few)}.")
        if not (rows["verdict"] == sweeps.MORE).any():
            continue
        more = by_evidence(rows[rows["verdict"] == sweeps.MORE])
        named: dict[str, list[str]] = {}
        for row in more[more["ends"]].itertuples(index=False):
            named.setdefault(_measure(row), []).append(layer_title(str(row.layer)))
        parts = [f"{measure} at {', '.join(layers)}" for measure, layers in named.items()]
        parts = [*parts[:MAX_NAMED], *[".."] * (len(parts) > MAX_NAMED)]
        found[-1] += f" The ends of {more['ends'].sum()} differ more than those of any control"
        found[-1] += f": {'; '.join(parts)}." if parts else "."
    ways = any(sweep["name"] == latents.PATH for sweep in result.settings["vary"])
    return [*found, _beside(result), *[ABOUT_WAY] * ways]


def count_verdicts(rows: pd.DataFrame, few: str) -> str:
    """Says how many rows have each verdict; ``few`` is added where controls cannot tell."""
    counts = {verdict: int((rows["verdict"] == verdict).sum()) for verdict in COUNTED}
    said = []
    for verdict, words in COUNTED.items():
        verb, *rest = words.format(few).split(" ", 1)
        n = counts[verdict]
        said += [" ".join([str(n), ONE.get(verb, verb) if n == 1 else verb, *rest])] * bool(n)
    return ", ".join(said)


def _beside(result: Result) -> str:
    """Says what the controls are, or why there are none, and what left its training range."""
    controls, outside = result.settings["controls"], result.settings["outside"]
    why, n = controls["why_none"], len(controls["latents"])
    listed = ", ".join([*outside[:MAX_NAMED], *[".."] * (len(outside) > MAX_NAMED)])
    said = BESIDE[why] if why else say_controls(n, controls["n"], result.settings["statistics"])
    return said + OUTSIDE.format(listed) * bool(outside)


def say_controls(n: int, outputs: int, statistics: dict[str, Any]) -> str:
    """Says what ``n`` controls are, which took so many outputs, and what they can tell."""
    level = 1 - statistics["confidence"] + 1e-9
    least = math.ceil(1 / level) - 1
    return BESIDE["none" if not n else "enough" if n >= least else "few"].format(
        n=n, outputs=outputs, least=least, above=int(level * (n + 1)), of=n + 1
    )


def summary(result: Result) -> str:
    """Writes what changes, where in time and at which frequencies, as Markdown."""
    settings = result.settings
    n, n_bases = settings["n"], settings["n_bases"]
    changed = list(_changed(result))
    held = " Each base vector has the intervals of its middle step." * settings["hold_intervals"]
    middle = ABOUT_MIDDLE * bool(result.table("effects")["middle_value"].notna().any())
    about = ABOUT_EFFECTS.format(middle) + ABOUT_CONTROLS * bool(settings["controls"]["latents"])
    parts = [
        f"# Interpolation: {'; '.join(s['moved'] for s in settings['vary'])}",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        f"{n} outputs: {n_bases} base vectors, each at {n // n_bases} steps, everything else held "
        f"still.{held} {ABOUT_INTERVALS}",
        annotated(result.table("outputs")),
        f"## What changes\n\n{about}{'' if settings['clip'] else ABOUT_LEVELS}",
    ]
    for title, rows in changed:
        parts += [f"### {title}" * (len(changed) > 1)]
        parts += [_markdown(rows.head(MAX_ROWS), EFFECT_COLUMNS) or f"{title}: nothing."]
        if len(rows) > MAX_ROWS:
            parts.append(f"{len(rows) - MAX_ROWS} more changes are in the table `effects`.")
    missed = _strongest_not_shown(result)
    parts += [NOT_SHOWN, _markdown(missed, EFFECT_COLUMNS)] if len(missed) else []
    for (a, b), rows in _pairs(result):
        shown = rows[rows["verdict"] == sweeps.CHANGES].sort_values("p").head(MAX_ROWS)
        parts += [
            f"## {a} and {b} together\n\n{ABOUT_INTERACTIONS}",
            _markdown(shown, INTERACTION_COLUMNS) or "No interaction is shown.",
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
    """Writes the first changes of each variable for the terminal, all whose ends differ.

    The measure ``distance``, which changes with whatever takes a variable out of its training
    range, is counted but has no row.
    """
    lines = sentences(result)
    for title, changed in _changed(result):
        known = changed[changed["measure"] != "distance"]
        ends = (known["ends"] & (known["verdict"] == sweeps.MORE)).sum()
        listed = known.head(max(ends, MAX_TERMINAL_ROWS))
        if len(listed):
            lines += ["", title, _columns(listed)]
        if len(changed) > len(listed):
            lines.append(f"{len(changed) - len(listed)} more: table effects")
    missed = _strongest_not_shown(result)
    lines += ["", NOT_SHOWN, _columns(missed)] if len(missed) else []
    return "\n".join(lines)


def _columns(effects: pd.DataFrame) -> str:
    """Writes effects for the terminal, numbers to the right."""
    cells = text.cells(_told(effects), CELLS, TERMINAL_COLUMNS)
    rows = [[*cells], *cells.to_numpy().tolist()]
    return text.columns(rows, sum(title in NAMES for title in cells))


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures; each is drawn when it is called."""
    from wavegan_tf.output.figures_interpolate import drawings

    return drawings(result)


def _pairs(result: Result) -> list[tuple[Any, pd.DataFrame]]:
    table = result.table("interactions")
    return list(table.groupby(["latent_a", "latent_b"], sort=False)) if len(table) else []


def _measure(row: Any) -> str:
    return outcome_title(row.label, row.measure, row.unit)


def _against_middle(row: Any) -> str:
    ends = zip((row.from_value, row.to_value), sweeps.FROM_MIDDLE, strict=True)
    return ", ".join(
        f"{text.number(getattr(row, name), signed=True)} at {text.number(value)} "
        f"({text.p_value(getattr(row, f'{name}_p_holm'))})"
        for value, name in ends
        if math.isfinite(getattr(row, name))
    )


NAMES = ("Variable", "Layer", "Measure", "More than controls", "Difference")
"""Columns that are no numbers."""

CELLS: dict[str, Callable[[Any], str]] = {
    "Variable": lambda row: row.latent,
    "Layer": lambda row: layer_title(row.layer),
    "Measure": _measure,
    "More than controls": lambda row: ABOVE.get(row.verdict, ""),
    "Difference": lambda row: row.difference,
    "Change": lambda row: text.with_interval(row.estimate, row.low, row.high),
    "Region (s)": lambda row: f"{row.start_s:.3f} – {row.end_s:.3f}",
    "Peak (s)": lambda row: text.fixed(row.time_s, 3),
    "Band (Hz)": lambda row: f"{text.number(row.low_hz)} – {text.number(row.high_hz)}",
    "p": lambda row: text.p_value(row.p_holm),
    "Share": lambda row: text.percent(row.share),
    "Times the average": lambda row: text.number(row.excess),
    "Ends − middle (p)": _against_middle,
    "Controls": lambda row: ", ".join(map(text.number, (row.control, row.control_high))),
    "p (controls)": lambda row: text.p_value(row.p_control),
    "Per unit": lambda row: text.number(row.slope),
    "Rank r": lambda row: text.fixed(row.rank_r),
}
CELLS["Last − first"] = CELLS["Change (dB)"] = CELLS["Interaction"] = CELLS["Change"]
CELLS["p (last − first)"] = CELLS["p"]

TERMINAL_COLUMNS = (*NAMES[1:], "Change", "p")
EFFECT_COLUMNS = (
    *NAMES[:4], "Last − first", "p (last − first)", "Ends − middle (p)", "Controls",
    "p (controls)", "Per unit", "Rank r",
)  # fmt: skip
INTERACTION_COLUMNS = ("Layer", "Measure", "Interaction", "p")
SPIKE_COLUMNS = ("Variable", "Layer", "Region (s)", "Peak (s)", "Share", "Times the average")
BAND_COLUMNS = ("Variable", "Layer", "Band (Hz)", "Change (dB)", "Share")


def _markdown(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """Writes a table of Markdown, numbers to the right; nothing without rows."""
    numbers = [title for title in CELLS if title not in NAMES]
    return text.table(text.cells(rows, CELLS, columns), numbers) if len(rows) else ""
