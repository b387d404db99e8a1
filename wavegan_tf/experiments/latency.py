"""When do layers peak, and how alike are they to a reference, such as a brain's response?

The series of each layer is averaged over outputs or recordings. Its latency is the time of its
largest peak; its likeness to the reference is the largest correlation within some lag, beside that
with surrogates, noise of the reference's own spectrum (Beguš et al. 2023, Scientific Reports, who
compare averages of layers with brainstem responses to the same sounds). Several models are compared
by group, each model one observation.
"""

import dataclasses
import functools
import io
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.data.audio import read_audio
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import (
    Measuring,
    Recordings,
    check_network,
    count,
    make_network,
    take_outputs,
)
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import Design, plain
from wavegan_tf.model import Model, Models, layers_table
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.output.names import layer_title
from wavegan_tf.progress import progress
from wavegan_tf.stats import latencies as stats
from wavegan_tf.stats.effects import DIFFERS, add_verdicts
from wavegan_tf.stats.maps import samples_within
from wavegan_tf.stats.models import compare_groups
from wavegan_tf.stats.resampling import StatisticsSettings
from wavegan_tf.texts import read_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "latency"

_log = logging.getLogger("wavegan_tf")

MEASURES = {"peak_s": "latency of the peak", "lag_s": "lag to the reference"}
"""What groups of models are compared by."""


@dataclass(frozen=True)
class Options:
    """What is compared with the reference, and how."""

    reference: str | None = option(
        None, "Reference to compare layers with: a recording, a table with the columns "
        "time_s,value, or a table of one column with --reference_rate.", path=True,
    )  # fmt: skip
    reference_rate: float | None = option(
        None, "Samples per second of a reference with one column.", low=1.0, high=1e6
    )
    layers: str = option(
        "all", "Layers to compare, for example conv3,conv4; the audio is always compared too."
    )
    window_s: str = option(
        "",
        "Start and end of the compared time, in s after the onset, such as 0,0.1; all if not "
        "given.",
    )
    onset_s: float = option(
        0.0, "Time in the outputs or recordings, in s, that is time 0 of the reference.", low=0.0
    )
    max_lag_s: float = option(0.05, "Largest lag of a layer, in s.", low=0.0, high=10.0)
    n: int = option(25, "Number of outputs to generate.", low=1)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option("", "Latent variables held at a value: c1=1,z11=-5.", group="Latents")
    network: str = option(
        "generator",
        "Network whose layers are compared.",
        choices=("generator", "discriminator", "q"),
    )
    wav_dir: str | None = option(
        None, "Folder of recordings for the Discriminator or Q-network to read.", path=True
    )
    n_surrogates: int = option(
        999, "Number of surrogates of the reference.", low=99, high=1e6, advanced=True
    )
    jobs: int | None = option(
        None, "Number of processes that draw figures; all cores if not given.", group="Output",
        low=1,
    )  # fmt: skip
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every value."""
        check_options(self)
        check_network(self, ("n", "seed", "set"), ("wav_dir",))
        _ = self.span_s

    @property
    def span_s(self) -> tuple[float, float]:
        """Start and end of the window.

        Raises:
            InputError: The window is not of that form.
        """
        try:
            start_s, end_s = (
                map(float, self.window_s.split(",")) if self.window_s else (0.0, np.inf)
            )
        except ValueError:
            start_s = end_s = np.nan
        if not start_s < end_s:
            raise InputError(f"--window_s={self.window_s}: give start and end in s, such as 0,0.1")
        return start_s, end_s


class Reference(NamedTuple):
    """A reference: samples ``[time]``, their rate, and the time of the first sample's beginning."""

    samples: np.ndarray
    rate_hz: float
    start_s: float


def read_reference(options: Options) -> Reference:
    """Reads ``--reference``: a recording (the mean of its channels), or a table.

    Raises:
        InputError: There is none, it cannot be read, or it does not vary.
    """
    path, rate_hz, start_s = options.reference, options.reference_rate, 0.0
    if path is None:
        raise InputError("--reference: is missing; give a recording or a table time_s,value")
    flag = f"--reference={path}"
    if os.path.splitext(path)[1].lower() not in (".csv", ".txt", ".tsv"):
        audio = read_audio(path)
        samples, rate_hz = audio.samples.mean(axis=1), float(audio.rate_hz)
    else:
        try:
            table = pd.read_csv(io.StringIO(read_text(path)), header=None, sep=r"[,;\t]",
                                engine="python", skip_blank_lines=True)  # fmt: skip
        except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
            raise InputError(
                f"{flag}: is not a table ({error}); give one with the columns time_s,value"
            ) from None
        numbers = table.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        numbers = numbers[1:] if np.isnan(numbers[0]).any() else numbers  # the names
        if numbers.shape[1] > 2 or not np.isfinite(numbers).all() or len(numbers) < 2:
            raise InputError(
                f"{flag}: give two columns time_s,value, or one column; they may have numbers only"
            )
        samples = numbers[:, -1]
        if numbers.shape[1] == 1 and rate_hz is None:
            raise InputError(
                f"{flag}: has one column; give its rate, such as --reference_rate=1000"
            )
        if numbers.shape[1] == 2:
            steps_s = np.diff(numbers[:, 0])
            step_s = float(steps_s.mean())
            if step_s <= 0 or np.abs(steps_s - step_s).max() > 0.01 * step_s:
                raise InputError(f"{flag}: time_s must rise in equal steps; resample it")
            rate_hz, start_s = 1 / step_s, float(numbers[0, 0]) - step_s / 2
    if np.ptp(samples) == 0:
        raise InputError(f"{flag}: the reference does not vary; give another one")
    return Reference(samples.astype(np.float64), float(rate_hz or 0), start_s)


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Compares the layers of one model with the reference.

    Returns:
        The tables ``latency`` and ``layers``, and the arrays ``averages``.

    Raises:
        InputError: An option breaks its rule, or the reference cannot be used.
    """
    reference = read_reference(options)
    return _result([({}, *describe_layers(model, reference, options))], options, directory)


def run_several(models: Models, options: Options, directory: str | None = None) -> Result:
    """Compares the layers of several models with the reference, and groups of models.

    Returns:
        As :func:`run`, with the columns ``model`` and ``group``, and ``models``; of groups also
        ``groups``.

    Raises:
        InputError: As :func:`run`, or the models' outputs are not of one length and rate.
    """
    models.require_alike("slice_len", "sample_rate")
    reference = read_reference(options)
    found = [(about, *describe_layers(model, reference, options)) for about, model in models]
    result = _result(found, options, directory)
    del result.settings["checkpoint"]
    result.tables["models"] = models.table()
    if any(models.groups):
        values = result.table("latency").melt(["model", "layer"], list(MEASURES), "measure")
        result.tables["groups"] = compare_groups(
            values, ("measure", "layer"), result.table("models"), options.statistics
        )
    return result


def describe_layers(
    model: Model, reference: Reference, options: Options
) -> tuple[pd.DataFrame, dict[str, np.ndarray], dict[str, Any]]:
    """Averages the layers of a model and compares them with the reference.

    Returns:
        A row for each layer; its average beside the reference ``[3, samples]`` (time_s, average,
        reference); and what config.json says.
    """
    config = model.config
    inputs: Design | Recordings
    if options.network == "generator":
        inputs = plain(model.sample(options.n, options.seed, options.set))
    else:
        inputs = Recordings(str(options.wav_dir), config)
    network = make_network(model, inputs, Measuring(), options.network, layers=options.layers)
    start_s = max(options.span_s[0], reference.start_s)
    end_s = reference.start_s + len(reference.samples) / reference.rate_hz
    end_s = min(options.span_s[1], end_s, config.slice_len / config.sample_rate - options.onset_s)
    span_s = start_s + options.onset_s, end_s + options.onset_s
    inside = {
        layer.name: samples_within(layer.length, layer.rate_hz, *span_s) for layer in network.layers
    }
    if not inside[network.target].any():
        raise InputError(
            f"--window_s, --onset_s={options.onset_s:g}: outputs of "
            f"{config.slice_len / config.sample_rate:g} s and the reference have no time in common "
            "in this window; give a wider one"
        )
    sums = {name: stats.Folded(int(here.sum())) for name, here in inside.items()}
    n = count(inputs)
    noun = "outputs" if isinstance(inputs, Design) else "recordings"
    for taken in progress(take_outputs(network, inputs, range(n)), n, f"{n} {noun}"):
        finite = all(np.isfinite(x).all() for x in taken.series.values())
        for name, x in taken.series.items() if finite and not taken.output.problem else ():
            x = x.reshape(len(x), -1)[inside[name], 0]
            sums[name].add(np.abs(x) if name == network.target == "input" else x)
    if left_out := n - sums[network.target].n:
        _log.warning(
            "%d of %d are left out: they cannot be read, or have values that are not numbers",
            left_out,
            n,
        )
    rows, averages = [], {}
    for layer in network.layers:
        times_s = (np.flatnonzero(inside[layer.name]) + 0.5) / layer.rate_hz - options.onset_s
        other = stats.at_times(reference.samples, reference.rate_hz, times_s - reference.start_s,
                               layer.rate_hz)  # fmt: skip
        found = stats.describe(
            sums[layer.name], other, times_s, layer.rate_hz, options.max_lag_s,
            options.n_surrogates, options.seed, options.statistics,
        )  # fmt: skip
        rows.append({"layer": layer.name, "rate_hz": layer.rate_hz, **found})
        average = sums[layer.name].mean() if sums[layer.name].n else np.full(len(other), np.nan)
        averages[layer.name] = np.stack([times_s, average, other])
    about = {
        "checkpoint": model.checkpoint, "model": config.to_dict(), "target": network.target,
        "sample_rate_hz": config.sample_rate, "slice_len": config.slice_len, "n": n,
        "layers": layers_table(network.layers).to_dict("records"), "window_s": [start_s, end_s],
        "network": options.network, "scales": network.scales,
    }  # fmt: skip
    return pd.DataFrame(rows), averages, about


def _result(
    found: list[tuple[dict[str, Any], pd.DataFrame, dict[str, np.ndarray], dict[str, Any]]],
    options: Options,
    directory: str | None,
) -> Result:
    """Joins what was found of one model or several; p are corrected over all layers of all."""
    arrays = {
        f"{about['model']}/{layer}" if about else layer: x
        for about, _, averages, _ in found
        for layer, x in averages.items()
    }
    table = pd.concat([own.assign(**about) for about, own, _, _ in found], ignore_index=True)
    table = add_verdicts(table, options.statistics, stats.FOLLOWS, stats.NOT_SHOWN)
    follows = table["verdict"] == stats.FOLLOWS
    table.loc[follows & table["lag_s"].isna(), "verdict"] = stats.AT_LIMIT
    record = found[0][3] | {
        "reference": options.reference, "max_lag_s": options.max_lag_s,
        "n_surrogates": options.n_surrogates, "onset_s": options.onset_s,
        "statistics": dataclasses.asdict(options.statistics),
    }  # fmt: skip
    tables = {"latency": table, "layers": pd.DataFrame(record["layers"])}
    return Result(NAME, record, tables, {"averages": arrays}, directory)


LEGEND = (
    "Peak: time from the onset to the largest peak of the layer's average, in ms [{} interval over "
    "{}; lag and r have none]. r: the largest correlation with the reference at lags of up to {:g} "
    "ms. Lag: positive if the layer is later; none if r is largest at the first or last of these "
    "lags (`lag at its limit`). p: the share of {} surrogates with as large an r, after Holm's "
    "correction over all rows. A surrogate is noise with the spectrum of the reference, or of the "
    "layer if that share is larger. A peak is timed no better than a sample of its layer lasts."
)
LIMITS = (
    "A layer that is more like the reference than such noise need not be so because of training, "
    "and the two need not have one cause: any two curves that rise and fall once in the same "
    "window are alike."
)
GROUPS = (
    "Difference: mean of the group's models minus that of the reference group [{} interval]; each "
    "training counts with its last checkpoint. p: by exchanging models between groups (permutation "
    "test of the maximum statistic), corrected for all layers, both measures and the pairs of "
    "groups; with so many models the least possible p is {}."
)


def sentences(result: Result) -> list[str]:
    """Says which layers follow the reference, and in which layers groups of models differ."""
    table, groups, found = result.table("latency"), result.table("groups"), []
    for row in table[table["verdict"] == stats.FOLLOWS].to_dict("records"):
        of = f"{row['model']}, " if "model" in row else ""
        found.append(
            f"{of}{layer_title(row['layer'])} is more like the reference than its surrogates: r "
            f"{text.fixed(row['r'])}, lag {_ms(row['lag_s'])} ms (p {_p(result, row)})."
        )
    for verdict, said in (
        (stats.AT_LIMIT, "No claim, since r is largest at the longest lag"),
        (stats.NOT_SHOWN, "Not shown to be more like it"),
    ):
        rest = table[table["verdict"] == verdict].groupby("layer", sort=False).size()
        of = "" if "model" not in table else f" ({{}} of {table['model'].nunique()} models)"
        others = ", ".join(layer_title(str(layer)) + of.format(n) for layer, n in rest.items())
        found += [f"{said}: {others}."] * bool(len(rest))
    differ = groups[groups["verdict"] == DIFFERS].to_dict("records") if len(groups) else []
    for row in differ:
        found.append(
            f"{layer_title(row['layer'])}: the {MEASURES[row['measure']]} of {row['group']} minus "
            f"that of {row['reference']} is {_ms(row['estimate'], True)} ms (p "
            f"{text.p_value(row['p'])}; {row['n']} and {row['n_reference']} models)."
        )
    if len(groups) and not differ:
        least = text.p_value(groups["p_least"].min())
        found.append(f"Groups of models: no difference shown; the least possible p is {least}.")
    return found


def _p(result: Result, row: dict) -> str:
    """Writes a p after Holm's correction; at the least that surrogates can give as at most that."""
    tests = result.table("latency")["p"].notna().sum()
    least = tests / (1 + result.settings["n_surrogates"])
    return text.p_value(row["p_holm"], bool(row["p_holm"] <= least * (1 + 1e-9)))


def _ms(seconds: float, signed: bool = False) -> str:
    return "+" * (signed and seconds >= 5e-5) + text.fixed(1000 * seconds, 1)


def _told(result: Result) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [
        {
            **({"model": row["model"]} if "model" in row else {}),
            "layer": layer_title(row["layer"]),
            "peak (ms)": text.with_interval(
                row["peak_s"], row["peak_s_low"], row["peak_s_high"], _ms
            ),
            "r": text.fixed(row["r"]), "lag (ms)": _ms(row["lag_s"], True),
            "p": _p(result, row), "n": str(row["n_outputs"]), "verdict": row["verdict"],
        }
        for row in result.table("latency").to_dict("records")
    ]  # fmt: skip
    groups = [
        {
            "group": row["group"], "reference": row["reference"],
            "measure": MEASURES[row["measure"]], "layer": layer_title(row["layer"]),
            "difference (ms)": text.with_interval(row["estimate"], row["low"], row["high"], _ms),
            "p": text.p_value(row["p"]), "models": f"{row['n']} and {row['n_reference']}",
            "verdict": row["verdict"],
        }
        for row in result.table("groups").to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(groups)


def terminal(result: Result) -> str:
    """Says latencies and likeness of every layer, and differences between groups."""
    shown = [x for x in _told(result) if len(x)]
    blocks = [text.columns([[*map(str, x)], *x.to_numpy().tolist()], left=2) for x in shown]
    return "\n".join([*sentences(result), *blocks])


def summary(result: Result) -> str:
    """Says as Markdown when layers peak, how alike they are, and whether groups differ."""
    about, (table, groups) = result.settings, _told(result)
    start_s, end_s = about["window_s"]
    level = text.percent(about["statistics"]["confidence"])
    noun = "recordings" if about["target"] == "input" else "outputs"
    noun += " of each model" * ("models" in result.tables)
    opened = f"{len(result.table('models'))} models, listed in the table `models`"
    if "checkpoint" in about:
        opened = f"checkpoint {about['checkpoint']['prefix']}, step {about['checkpoint']['step']}"
    parts = [
        f"# Layers beside {os.path.basename(about['reference'])}",
        f"{about['n']} {noun}, {_ms(start_s)} to {_ms(end_s)} ms after the onset; {opened}.",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        text.table(table, ("peak (ms)", "r", "lag (ms)", "p", "n")),
        LEGEND.format(level, noun.split()[0], 1000 * about["max_lag_s"], about["n_surrogates"]),
        LIMITS,
    ]  # fmt: skip
    if len(groups):
        least = text.p_value(result.table("groups")["p_least"].min())
        parts += [text.table(groups, ("difference (ms)", "p")), GROUPS.format(level, least)]
    return "\n\n".join(parts) + "\n"


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Maps the names of the figures to what draws them."""
    from wavegan_tf.output.figures_latency import draw_averages, draw_latencies

    drawings = {"averages": draw_averages, "latency": draw_latencies}
    return {name: functools.partial(draw, result) for name, draw in drawings.items()}
