"""What does a latent variable cause when it alone is set to values, some of them extreme?

Causal disentanglement with extreme values (Beguš et al. 2023, arXiv 2303.10931): one variable, by
default each of the code in turn, takes values far beyond those of training, on the same base
vectors. What an outcome measured on the output does is its effect: the average treatment effect of
each value against the reference, the effect on the spread, the individual effect per unit in each
base vector, and how far the mean spectrum moves.

Any variable does something so far out. So control variables take the same values on the same base
vectors, and an effect is called a variable's own only where it exceeds theirs.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.interpolate import (
    ABOUT_P_CONTROLS,
    ABOVE,
    FEW_CONTROLS,
    count_verdicts,
    say_controls,
)
from wavegan_tf.experiments.listen import Measuring, listen, no_intervals
from wavegan_tf.experiments.result import Result
from wavegan_tf.experiments.treated import N_BANDS, Outcomes, Trial
from wavegan_tf.model import Model, Models
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import outcome_phrase, outcome_title
from wavegan_tf.stats import sweeps, treatments
from wavegan_tf.stats.resampling import StatisticsSettings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "cdev"

VALUES = "-12.5:12.5:2.5"
"""Values of each code variable; the paper's are -12.5:12.5:0.625, 40 steps."""

ABOUT = (
    "Per unit: the individual effect, which is the mean forward difference of the outcome for one "
    "unit of the variable, mean over base vectors [interval]. Same sign: share of base vectors "
    "whose own effect has the sign of this mean. Largest change: among the changes from end to end "
    "and from {} to each end, the one that is largest when divided by its mean size over this "
    "variable and its controls. The verdict rests on this quotient (size), beside that of the "
    "controls (median, largest), and on p (controls): the share of controls, with this variable "
    "counted among them, that are as large."
)
ABOUT_ENDS = (
    "Average effect: the average treatment effect, which is the outcome at the value minus the "
    "outcome at {}, paired within base vectors [interval]. Spread: the same for the standard "
    "deviation over base vectors; it is not compared with controls. Controls: size of their "
    "average effects, median and largest. The table `treatments` has every value."
)
ABOUT_SPECTRA = (
    "Distance: how far power has to be moved on average to turn the mean spectrum at {} into that "
    "at the value (Wasserstein); each output counts alike, whatever its level. p: of a permutation "
    "test that exchanges value and reference at random within base vectors. It cannot give less "
    "than {}, times the number of tests that Holm counts; \u201c<=\u201d marks that. Controls: "
    "their distances, median and largest. "
    + ABOUT_P_CONTROLS.format("the distances between both ends and the reference")
    + " More than controls: distances that are also larger than any distance of the controls. The "
    "table `spectra` has every value."
)
ABOUT_P = (
    "{} base vectors, each at every value. p: after Holm's correction over all {} tests of the "
    "run; numbers of intervals, and yes or no, are tested by signs. Intervals and p hold for "
    "further outputs of this trained network, not for another training. Values beyond \u22121 .. "
    "1, of codes beyond 0 .. 1, were never trained."
)

NEVER = (
    "The reference of {} has a code of zeros, with which a ciwGAN is never trained. --reference=1 "
    "compares a code variable with a trained code; --others=drawn keeps trained codes for z."
)

AT_CONTROLS = "as large in {row.n_controls_as_large:.0f} of {row.n_controls} controls."
PER_UNIT = (
    "The effect of {row.latent} on {what} is {size} per unit, of this sign in {share} of {row.n} "
    "base vectors ({p}); " + AT_CONTROLS
)
AT_ENDS = (
    "The effect of {row.latent} on {what}, against {reference}, is {both}; n = {row.n}; "
    + AT_CONTROLS
)
SPECTRUM = (
    "The effect of {row.latent} on the mean spectrum, as a distance in Hz from the spectrum at "
    "{reference}, is {at}, larger than for any of {row.n_controls} controls."
)
CEILING = (
    "Some outputs of {} reach a limit. It hides what lies beyond it, and such outputs need not be "
    "speech: {}."
)
CLIPPED = "samples are clipped in {1} of {0} outputs (at {4} in {2}), up to {3} of an output"
LIMIT = "{1} is {2} in {0.n_limit} of {0.n} (at {4} in {3.n_limit} of {3.n})"
REPLICATED = (
    "The effect of {row.latent} on {what} per unit is {way} in {n} of {row.n_models} checkpoints "
    "of this training, shown in {row.n_shown} of them; the outcome changes more than controls in "
    "{row.n_more} of {row.n_models}."
)
NOT_REPLICATED = (
    "Nothing is said about the models together, because each training gave {} a meaning of its "
    "own. Effects can only be compared between checkpoints of one training (--all_checkpoints)."
)


@dataclass(frozen=True)
class Options(Measuring):
    """What can be asked of causes.

    Raises:
        InputError: A value breaks its rule.
    """

    vary: tuple[str, ...] = option(
        (),
        f"Latent variable and its values: z11={VALUES} (from, to, step; both ends included) or "
        "z11=-5,5. Several variables are moved one at a time. Without the flag, each code variable "
        f"is moved: {VALUES}.",
        repeated=True,
    )
    outcomes: tuple[str, ...] = option(
        ("n_voiced", "voiced.duration", "voiced.f0", "rms_db"),
        "Properties to measure, as in identify: n_voiced, voiced.f0, voiced.gap (the time between "
        "two intervals), voiced.f0>200 and others; and cog, the spectral mean of the whole output.",
    )
    measure: Any = option(
        None,
        "Python file that defines measure(sound, rate), one more outcome. It has the name of the "
        "file; a name that begins with n_ means a count. NaN stands for no value.",
        path=True,
    )
    reference: float = option(
        0.0, "Value that all other values are compared with, such as -1 or 1."
    )
    others: str = option(
        "zero",
        "Value of the code variables that are not moved: zero, or as drawn.",
        choices=("zero", "drawn"),
    )
    n: int = option(25, "Number of base vectors. A verdict on a count needs 15.", low=1)
    seed: int = option(0, "Seed of the base vectors and controls.", low=0)
    controls: int = option(
        20,
        "Number of z that are set to both ends and to the reference, on the same base vectors, as "
        "controls. A verdict against them needs 19 or more (at a confidence of 0.95).",
        group="Statistics",
        low=0,
    )
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)
    layers: str = "out"
    upsample: str = "linear"
    annotations: str | None = None
    labels: str = ""
    clip: bool = False
    audio: bool = False

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)
        if not math.isfinite(self.reference):
            raise InputError(f"--reference={self.reference}: must be a finite number")
        if not (self.outcomes or self.measure is not None):
            raise InputError("--outcomes: is empty; give an outcome, such as cog, or --measure")
        Outcomes(self.outcomes)


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Sets the variables of one model to values, and measures what that causes.

    Raises:
        InputError: An option does not fit the model.
    """
    return _gather([({}, *try_model(model, options))], options, directory)


def run_several(models: Models, options: Options, directory: str | None = None) -> Result:
    """Asks the same of each model, and counts in how many an effect is found.

    Raises:
        InputError: An option does not fit one of the models.
    """
    found = [(about, *try_model(model, options, len(models))) for about, model in models]
    result, table = _gather(found, options, directory), models.table()
    result.tables.pop("outputs", None)  # numbered anew in each model
    result.settings["models"] = table.to_dict("records")
    del result.settings["checkpoint"]
    counts = treatments.count_models(result.table("effects"), options.statistics)
    result.tables = {"models": table, "replications": counts} | result.tables
    return result


def _gather(
    found: list[tuple[dict[str, Any], dict[str, pd.DataFrame], dict[str, Any]]],
    options: Options,
    directory: str | None,
) -> Result:
    """Joins the tables of models, what is said of each before its rows, and corrects all tests."""
    tables = {
        name: pd.concat(
            [own[name].assign(**about)[[*about, *own[name]]] for about, own, _ in found],
            ignore_index=True,
        )
        for name in found[0][1]
    }
    corrected = treatments.correct(tables, options.statistics)
    n_tests = sum(int(table["p"].notna().sum()) for table in corrected.values())
    settings = found[0][2] | {"n_tests": n_tests}
    return Result(NAME, settings, tables | corrected, directory=directory)


def try_model(
    model: Model, options: Options, n_models: int = 1
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Generates and measures the outputs of one model: tables without corrected p, and settings."""
    trial, config = Trial(model, options, VALUES), model.config
    outcomes = Outcomes(options.outcomes, options.measure)
    statistics = options.statistics
    nothing = None if outcomes.need_intervals else no_intervals(model, trial.design)
    heard = listen(
        model, trial.design, options, measures=outcomes.measures, held=nothing, label="causes",
        each=lambda i, series: outcomes.take(i, series["out"], config.sample_rate),
    )  # fmt: skip
    values = outcomes.values(heard.tables["outputs"], heard.tables["intervals"])
    n_tests = sum(len(x.values) * (2 * len(values) + 1) for x in trial.sweeps) * n_models
    n_flips = int(np.clip(2 * n_tests / (1 - statistics.confidence), *treatments.N_FLIPS))
    width_hz = config.sample_rate / 2 / N_BANDS
    found: dict[str, list[pd.DataFrame]] = {}
    for sweep in trial.sweeps:
        x, asked = np.array(sweep.values), (options.reference, statistics)
        own, theirs = (
            pd.DataFrame(part.reshape(-1, len(values)).T, values.index)
            for part in trial.parts(sweep, values.to_numpy().T)
        )
        spectra = trial.parts(sweep, np.stack(outcomes.shares))
        tables = {
            "effects": treatments.measure_individual(own, theirs, x, *asked),
            "treatments": treatments.measure_treatments(own, theirs, x, *asked),
            "spectra": treatments.measure_spectra(
                *spectra, x, options.reference, width_hz, statistics, n_flips
            ),
        }
        for name, table in tables.items():
            table.insert(0, "latent", sweep.name)
            found.setdefault(name, []).append(table)
        responses = sweeps.measure_responses(own, [sweep], statistics)
        responses = responses.join(treatments.count_limits(own, x))
        found.setdefault("responses", []).append(responses)
    joined = {name: pd.concat(each, ignore_index=True) for name, each in found.items()}
    others = {"values": sweeps.tidy(values), "design": trial.design.table}
    first = heard.tables["outputs"].query("channel == 1")[["output", "clipped_share"]]
    shares = trial.design.table.merge(first, on="output")
    shares = shares[shares["role"] == "varied"].assign(clipped=shares["clipped_share"] > 0)
    by_value = shares.groupby(["latent", "value"], sort=False)
    others["clipped"] = by_value.agg(
        estimate=("clipped", "mean"), samples=("clipped_share", "max"), n=("clipped", "size")
    ).reset_index()  # fmt: skip
    settings = heard.settings | {
        "swept": [{"name": x.name, "values": list(x.values)} for x in trial.sweeps],
        "n_bases": options.n, "controls": trial.controls, "reference": options.reference,
        "n_control_outputs": int((trial.design.table["role"] == "control").sum()),
        "measure": outcomes.own.about if outcomes.own else None, "never_trained": trial.never,
        "statistics": asdict(statistics),
    }  # fmt: skip
    if outcomes.need_intervals:  # else none were searched for, and what it says would be wrong
        others["outputs"] = heard.tables["outputs"]
    return joined | others, settings


def _rows(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))


def _ends(result: Result, name: str) -> pd.DataFrame:
    """Takes the rows of a table at the first and last value of each variable."""
    table = result.table(name)
    ends = {(x["name"], x["values"][k]) for x in result.settings["swept"] for k in (0, -1)}
    return table[[pair in ends for pair in zip(table["latent"], table["value"], strict=True)]]


def _both_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """Puts the effect on the spread beside the average effect, as ``sd_estimate`` and so on."""
    mean, sd = (table[table["statistic"] == name].reset_index(drop=True) for name in ("mean", "sd"))
    return mean.join(sd[["estimate", "low", "high", "p_holm"]].add_prefix("sd_"))


def _estimate(row: Any) -> str:
    return text.with_interval(row.estimate, row.low, row.high)


def _changed(row: Any) -> str:
    ends = f" ({text.number(row.change_from)} to {text.number(row.change_to)})"
    return text.number(row.change) + ends * math.isfinite(row.change)


def _p(row: Any) -> str:
    p = text.p_value(row.p_holm, _is_least(row))
    return f"p {'= ' * p[0].isdigit()}{p}"


def _is_least(row: Any) -> bool:
    return row.p <= getattr(row, "p_least", -1)


def _at(row: Any) -> str:
    return f"{_estimate(row)} at {text.number(row.value)} ({_p(row)})"


def _what(row: Any) -> str:
    return outcome_phrase(row.label, row.measure, row.unit)


def _effect(row: Any, means: pd.DataFrame) -> str:
    """Says what is more than controls: a row of effects, and average effects of both ends."""
    for name in ("latent", *sweeps.KEYS):
        means = means[means[name] == getattr(row, name)]
    if row.ends and (len(means) < 2 or math.prod(means["estimate"]) <= 0):
        share, size = text.percent(row.agreement), _estimate(row)
        return PER_UNIT.format(row=row, what=_what(row), size=size, share=share, p=_p(row))
    both, reference = ", ".join(map(_at, _rows(means))), text.number(row.reference)
    return AT_ENDS.format(row=row, what=_what(row), both=both, reference=reference)


def _ceilings(result: Result, latent: str, values: Sequence[float]) -> list[str]:
    """Says where outputs at an end are at a ceiling more often than those at the reference."""
    at, found = result.settings["reference"], []

    def rows(name: str, value: float) -> list[Any]:
        table = result.table(name)
        return _rows(table[(table["latent"] == latent) & (table["value"] == value)])

    for end in sorted({values[0], values[-1]} - {at}):
        said = []
        for row, there in zip(rows("clipped", end), rows("clipped", at), strict=True):
            if row.estimate > there.estimate:
                shares = map(text.percent, (row.estimate, there.estimate, row.samples))
                said.append(CLIPPED.format(row.n, *shares, text.number(at)))
        for row, there in zip(rows("responses", end), rows("responses", at), strict=True):
            if row.n_limit > max(1, row.n / 2, there.n_limit):
                limit = text.number(row.limit)
                said.append(LIMIT.format(row, _what(row), limit, there, text.number(at)))
        found += [f"at {text.number(end)} {', '.join(said)}"] * bool(said)
    return [CEILING.format(latent, "; ".join(found))] * bool(found)


def _replicated(row: Any) -> str:
    way, n = ("positive", row.n_positive) if row.sign > 0 else ("negative", row.n_negative)
    return REPLICATED.format(row=row, what=_what(row), way=way, n=n)


def sentences(result: Result) -> list[str]:
    """Says what changes more than controls, one sentence for each variable and outcome."""
    effects, settings, found = result.table("effects"), result.settings, []
    several, controls = "model" in effects, settings["controls"]
    reference = text.number(settings["reference"])
    means = _ends(result, "treatments").query("statistic == 'mean'")
    spectra = result.table("spectra").query("verdict == @sweeps.MORE")
    swept = {x["name"]: x["values"] for x in settings["swept"]}
    for name, rows in effects.groupby("latent", sort=False):
        of = "outcomes, each model's own," if several else "outcomes"
        counted = count_verdicts(rows, FEW_CONTROLS * bool(controls))
        found.append(f"{name}: of {len(rows)} {of} {counted}.")
        if not several:
            more = _rows(rows[rows["verdict"] == sweeps.MORE])
            found += [_effect(row, means) for row in more]
            far = _rows(spectra[spectra["latent"] == name])
            found += [SPECTRUM.format(row=row, at=_at(row), reference=reference) for row in far]
            found += _ceilings(result, str(name), swept[name])
    if several and len({x["training"] for x in settings["models"]}) > 1:
        found.append(NOT_REPLICATED.format(", ".join(x["name"] for x in settings["swept"])))
    else:
        found += [_replicated(row) for row in _rows(result.table("replications")) if row.n_more]
    said = say_controls(len(controls), settings["n_control_outputs"], settings["statistics"])
    found.append(said.replace("measures", "outcomes"))
    if never := settings["never_trained"]:
        found.append(NEVER.format(", ".join(never)))
    return found


NAMES = ("Model", "Variable", "Outcome", "More than controls")
"""Columns that are no numbers."""

CELLS: dict[str, Callable[[Any], str]] = {
    "Model": lambda row: getattr(row, "model", ""),
    "Variable": lambda row: row.latent,
    "Outcome": lambda row: outcome_title(row.label, row.measure, row.unit),
    "More than controls": lambda row: ABOVE.get(row.verdict, ""),
    "Value": lambda row: text.number(row.value),
    "p": lambda row: text.p_value(row.p_holm, _is_least(row)),
    "Same sign": lambda row: text.percent(row.agreement),
    "Controls": lambda row: ", ".join(map(text.number, (row.control, row.control_high))),
    "Largest change": _changed,
    "Size": lambda row: text.number(row.size),
    "Controls' sizes": lambda row: ", ".join(
        map(text.number, (row.size_control, row.size_control_high))
    ),
    "p (controls)": lambda row: text.p_value(row.p_control),
    "n": lambda row: str(row.n),
    "Spread": lambda row: text.with_interval(row.sd_estimate, row.sd_low, row.sd_high),
    "p (spread)": lambda row: text.p_value(row.sd_p_holm),
}
CELLS["Per unit"] = CELLS["Average effect"] = CELLS["Distance (Hz)"] = _estimate

SHORT = ("Model", "Variable", "Outcome", "More than controls", "Per unit", "p", "Same sign")
EFFECTS = (*SHORT, "n", "Largest change", "Size", "Controls' sizes", "p (controls)")
TREATMENTS = (
    "Model", "Variable", "Outcome", "Value", "Average effect", "p", "Controls", "Spread",
    "p (spread)", "n",
)  # fmt: skip
SPECTRA = (
    "Model", "Variable", "More than controls", "Value", "Distance (Hz)", "p", "n", "Controls",
    "p (controls)",
)  # fmt: skip


def _markdown(table: pd.DataFrame, columns: tuple[str, ...]) -> str:
    numbers = [name for name in CELLS if name not in NAMES]
    return text.table(text.cells(table, CELLS, columns), numbers)


def summary(result: Result) -> str:
    """Writes what each variable causes, as Markdown."""
    settings, at = result.settings, text.number(result.settings["reference"])
    least = text.number(result.table("spectra")["p_least"].max())
    parts = [
        f"# Effects of {', '.join(sweep['name'] for sweep in settings['swept'])}",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        ABOUT_P.format(settings["n_bases"], settings["n_tests"]),
        f"## Effects\n\n{ABOUT.format(at)}",
        _markdown(result.table("effects"), EFFECTS),
        f"## At both ends\n\n{ABOUT_ENDS.format(at)}",
        _markdown(_both_statistics(_ends(result, "treatments")), TREATMENTS),
        f"## Spectra\n\n{ABOUT_SPECTRA.format(at, least)}",
        _markdown(_ends(result, "spectra"), SPECTRA),
    ]
    return "\n\n".join(parts) + "\n"


def terminal(result: Result) -> str:
    """Writes the findings and the effects for the terminal."""
    cells = text.cells(result.table("effects"), CELLS, SHORT)
    rows = [[*cells], *cells.to_numpy().tolist()]
    table = text.columns(rows, sum(name in NAMES for name in cells))
    return "\n".join([*sentences(result), "", table])


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figures, one of each variable; each is drawn when it is called."""
    from wavegan_tf.output.figures_cdev import draw

    names = [sweep["name"] for sweep in result.settings["swept"]]
    return {f"cdev_{name}": functools.partial(draw, result, name) for name in names}
