"""How long is voice onset time with and without [s] before the stop, in a model and its data?

The question of Beguš (2020, Frontiers in AI 3:44): a Generator trained on #TV and #sTV never hears
the rule that stops are unaspirated after [s]; do its outputs follow it? The first vowel of every
output is taken, and the stop before it; outputs are parted by frication before its closure.
"""

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
from wavegan_tf.latents import apply_settings, parse_settings, plain
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
    set: str = option("", "Variables held at a value: c1=1,z11=-5.")
    audio: bool = option(False, "Sounds of every output as WAV, each with a TextGrid.")
    statistics: StatisticsSettings = field(default_factory=StatisticsSettings)

    def __post_init__(self) -> None:
        """Checks every option; only outputs are measured."""
        check_options(self)
        if self.layers != "all":
            raise InputError(f"--layers={self.layers}: vot measures outputs alone; leave it out")


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
            f"--ckpt: the model makes sound of {config.sample_rate} Hz, stops need at least "
            f"{STOPS_NEED_HZ:g} Hz"
        )
    recordings = find_beside(options, config)
    z = model.sample(options.n, options.seed)
    z = apply_settings(z, parse_settings(options.set, config), config)
    heard = listen(
        model, plain(z), options, measures=["duration", *STOPS], layers="out", directory=directory
    )
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
    return Result(NAME, heard.settings | {"set": options.set}, found, {}, directory)


LEGEND = (
    "Voice onset time of the stop before the first vowel, in ms, without ({plain}) and with "
    "({with_s}) frication before its closure. Stops: outputs with one, of all outputs. Share: of "
    "all stops of the source. Mean: with its interval (bootstrap over outputs, as all intervals)."
)
ABOUT = (
    "{plain} less {with_s}: the difference in ms, and the ratio of the means. Last row: the "
    "difference of the outputs less that of the recordings. p: Welch's t-test, after Holm over the "
    "rows. What is not shown may be there all the same. The table `stops` says what was taken for "
    "a stop in which output."
)


def sentences(result: Result) -> list[str]:
    """Says of each source what was shown, and how the two differ if that was."""
    found = []
    for row in result.table("differences").to_dict("records"):
        groups, n = f"{PLAIN} and {WITH_S}", f"(n = {row['n']}, {row['n_with_s']})"
        size = text.number(1000 * row["estimate"], signed=True)
        if row["source"] == BOTH:
            said = f"The difference in the outputs less that in the recordings is {size} ms."
            found += [said] * (row["verdict"] == DIFFERS)
            continue
        said = f"no difference of voice onset time between {groups} is shown"
        if row["verdict"] == TOO_FEW:
            said = f"too few stops to compare {groups}"
        elif row["verdict"] == DIFFERS:
            way = "longer" if row["estimate"] > 0 else "shorter"
            size = f"{_ms(abs(row['estimate']))} ms"
            said = f"voice onset time is {size} {way} in {PLAIN} than in {WITH_S}"
        found.append(f"{row['source'].capitalize()}: {said} {n}.")
    return found


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
    rows = [
        {
            "source": row["source"],
            "difference (ms)": text.with_interval(row["estimate"], row["low"], row["high"], _ms),
            "ratio": text.with_interval(row["ratio"], row["ratio_low"], row["ratio_high"]),
            "p (Holm)": text.p_value(row["p_holm"]), "verdict": row["verdict"],
            "n": f"{row['n']}, {row['n_with_s']}",
        }
        for row in result.table("differences").to_dict("records")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def summary(result: Result) -> str:
    """Says as Markdown how voice onset time differs, and what it rests on."""
    checkpoint, words = result.settings["checkpoint"], {"plain": PLAIN, "with_s": WITH_S}
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
