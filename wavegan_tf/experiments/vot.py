"""How long is voice onset time with and without [s] before the stop, in a model and its data?

The question of Beguš (2020, Frontiers in AI 3:44): a Generator trained on #TV and #sTV never hears
the rule that stops are unaspirated after [s]; do its outputs follow it? The first vowel of every
output is taken, and the stop before it; outputs are parted by frication before its closure.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.listen import Measuring, listen
from wavegan_tf.experiments.recorded import Beside, find_beside, measure_recordings
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import plain
from wavegan_tf.model import Model
from wavegan_tf.options import check_options, option
from wavegan_tf.output import text
from wavegan_tf.speech.settings import STOPS, STOPS_NEED_HZ
from wavegan_tf.stats.compared import OUTPUTS, RECORDINGS
from wavegan_tf.stats.effects import DIFFERS
from wavegan_tf.stats.resampling import TOO_FEW, StatisticsSettings
from wavegan_tf.stats.stops import BOTH, PLAIN, WITH_S, compare_groups, describe_groups, first_stops

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "vot"


@dataclass(frozen=True)
class Options(Measuring, Beside):
    """Which outputs are measured, and beside which recordings."""

    n: int = option(500, "Number of outputs to generate.", low=10)
    seed: int = option(0, "Seed of the latent vectors.", low=0)
    set: str = option("", "Latent variables held at a value: c1=1,z11=-5.")
    audio: bool = option(False, "Write the sound of every output as WAV, each with a TextGrid.")
    layers: str = field(default="out", init=False)  # what follows is nothing to stops: no flag
    clip: bool = field(default=False, init=False)
    upsample: str = field(default="linear", init=False)
    formant_ceiling: str = field(default="", init=False)
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every option."""
        check_options(self)


def run(model: Model, options: Options, directory: str | None = None) -> Result:
    """Measures the first stop of every output, and of recordings, and compares groups.

    Returns:
        Tables ``outputs``, ``intervals`` and ``latents``; ``stops``, the first stop of every output
        and recording; ``groups`` and ``differences``.

    Raises:
        InputError: The model's rate is too low, there is no such variable or folder.
    """
    config, settings = model.config, options.statistics
    if config.sample_rate < STOPS_NEED_HZ:
        raise InputError(
            f"--ckpt: the model makes sounds at {config.sample_rate} Hz, but stops need at least "
            f"{STOPS_NEED_HZ:g} Hz"
        )
    recordings = find_beside(options, config)
    z = model.sample(options.n, options.seed, options.set)
    heard = listen(model, plain(z), options, measures=["duration", *STOPS], directory=directory)
    sources = {OUTPUTS: (heard.tables["outputs"], heard.tables["intervals"])}
    if recordings is not None:
        sources[RECORDINGS] = measure_recordings(recordings, heard.plan, options.jobs)
    stops = pd.concat(
        [first_stops(*tables).assign(source=source) for source, tables in sources.items()],
        ignore_index=True,
    )
    found = heard.tables | {
        "stops": stops,
        "groups": describe_groups(stops, settings),
        "differences": compare_groups(stops, settings),
    }
    found = {name: table for name, table in found.items() if name not in ("points", "layers")}
    about = {"set": options.set, "statistics": dataclasses.asdict(settings)}
    return Result(NAME, heard.settings | about, found, {}, directory)


LEGEND = (
    "Voice onset time of the stop before the first vowel, in ms, without ({plain}) and with "
    "({with_s}) frication before its closure. Stops: number of outputs with a stop of the group, "
    "of all outputs. Share: of the group among all stops of the source. Mean: with its {percent} "
    "interval (bootstrap over outputs, as for all intervals)."
)
ABOUT = (
    "The difference {plain} minus {with_s}, in ms, and the ratio of the means. Last row: the "
    "difference of the outputs minus that of the recordings. p: Welch's t-test, after Holm's "
    "correction over the rows. What is not shown may still be there. Recordings of one speaker are "
    "not independent tokens: with few speakers, intervals are too narrow and p too small. The "
    "table `stops` says what was taken for a stop in each output."
)


def sentences(result: Result) -> list[str]:
    """Says of each source, and of the difference of both, what was measured and if it is shown."""
    found, groups, table = [], f"{PLAIN} and {WITH_S}", result.table("differences")
    for row in table.to_dict("records"):
        both, more = row["source"] == BOTH, row["estimate"] > 0
        size, n = (row["estimate"], row["low"], row["high"]), _n(table, row["source"])
        if row["verdict"] == DIFFERS and not more:
            size = -size[0], -size[2], -size[1]
        size_ms = f"{text.with_interval(*size, _ms)} ms"
        about = f"(n = {n}; p {text.p_value(row['p_holm'])})"
        if row["verdict"] == TOO_FEW:
            said = f"too few stops to compare {groups} (n = {n})"
        elif row["verdict"] != DIFFERS:
            said = f"no difference of {'the two' if both else groups} is shown: {size_ms} {about}"
        elif both:
            said = f"the difference is {size_ms} {'larger' if more else 'smaller'} {about}"
        else:
            way = "longer" if more else "shorter"
            said = f"voice onset time is {size_ms} {way} in {PLAIN} than in {WITH_S} {about}"
        found.append(f"{row['source'].capitalize()}: {said}.")
    return found


def _n(differences: pd.DataFrame, source: str) -> str:
    """Writes the numbers of stops without and with [s]; of the difference of both, of each."""
    own = differences["source"] == source
    rows = differences[differences["source"] != BOTH if source == BOTH else own]
    counts = zip(rows["n"], rows["n_with_s"], strict=True)
    return "; ".join(f"{n} {PLAIN}, {n_with_s} {WITH_S}" for n, n_with_s in counts)


def _ms(seconds: float) -> str:
    return text.fixed(1000 * seconds, 1)


def _groups(result: Result) -> pd.DataFrame:
    rows = [
        {
            "source": row["source"], "group": row["group"],
            "stops": f"{row['n']} of {row['n_outputs']}", "share": text.percent(row["share"]),
            "mean VOT (ms)": text.with_interval(row["mean"], row["low"], row["high"], _ms),
            "median": _ms(row["median"]), "shortest": _ms(row["least"]),
            "longest": _ms(row["most"]), "prevoiced": text.percent(row["prevoiced"]),
        }
        for row in result.table("groups").to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _differences(result: Result) -> pd.DataFrame:
    table = result.table("differences")
    rows = [
        {
            "source": row["source"],
            "difference (ms)": text.with_interval(row["estimate"], row["low"], row["high"], _ms),
            "ratio": text.with_interval(row["ratio"], row["ratio_low"], row["ratio_high"]),
            "p (Holm)": text.p_value(row["p_holm"]), "verdict": row["verdict"],
            "n": _n(table, row["source"]),
        }
        for row in table.to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def summary(result: Result) -> str:
    """Says as Markdown how voice onset time differs, and what it rests on."""
    checkpoint, words = result.settings["checkpoint"], {"plain": PLAIN, "with_s": WITH_S}
    words["percent"] = text.percent(result.settings["statistics"]["confidence"])
    given = f", {result.settings['set']}" if result.settings["set"] else ""
    stops = result.table("stops")
    reasons = stops[stops["group"] == ""].groupby(["source", "reason"], sort=False).size()
    missed = reasons.rename("n").reset_index().astype(str)
    parts = [
        "# Voice onset time with and without [s]",
        "\n".join(f"- {sentence}" for sentence in sentences(result)),
        f"`{checkpoint['prefix']}`, step {checkpoint['step']}: {result.settings['n']} "
        f"outputs{given}.",
        LEGEND.format(**words), text.table(_groups(result)),
        "## Differences", ABOUT.format(**words), text.table(_differences(result)),
        "## Without a stop", text.table(missed) if len(missed) else "None.",
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def terminal(result: Result) -> str:
    """Writes both tables and the findings for the terminal."""
    parts = []
    for table in (_groups(result), _differences(result)):
        parts += [text.columns([list(table.columns), *table.to_numpy().tolist()], 2), ""]
    return "\n".join([*parts, *sentences(result)])


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Names the figure: the distributions of voice onset time by source and group."""
    from wavegan_tf.output.figures_compared import draw_stops

    there = np.isfinite(result.table("stops")["vot"]).any() if "stops" in result.tables else False
    return {"vot": partial(draw_stops, result)} if there else {}
