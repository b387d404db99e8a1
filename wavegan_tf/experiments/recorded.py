"""The recordings that a model learned from, measured as its outputs are and put beside them."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd

from wavegan_tf.experiments.listen import Recordings, report
from wavegan_tf.experiments.result import Result
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import text
from wavegan_tf.output.names import measure_title
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.stats.effects import DIFFERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Beside:
    """Which recordings stand beside the outputs."""

    compare_with: str | None = option(
        None,
        "Folder of recordings to compare outputs with, such as the training data; sub-folders "
        "included.",
        path=True,
    )
    recordings: int = option(
        1000,
        "Greatest number of recordings to use from --compare_with; if there are more, they are "
        "drawn at random.",
        group="Model",
        low=5,
    )


def find_beside(options: Beside, config: ModelConfig) -> Recordings | None:
    """Finds the recordings that outputs are compared with, and draws among them; None without.

    Raises:
        InputError: There is no such folder, or it has no audio.
    """
    folder, most = options.compare_with, options.recordings
    return Recordings(folder, config, flag="--compare_with", most=most) if folder else None


def measure_recordings(
    found: Recordings, plan: Plan, jobs: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures recordings as outputs are: their first slice, resampled, its peak as in training.

    Returns:
        The tables ``outputs`` and ``intervals``, in which a recording counts as an output.
    """
    target = [layer for layer in plan.layers if layer.name == plan.target]
    plan = dataclasses.replace(
        plan, layers=tuple(target), audio_dir=None, annotations=None, labels={}, strides_hz=()
    )

    def read() -> Iterator[Output]:
        for i in range(len(found)):
            samples, about = found.read(i)
            series = samples[:, 0] if samples.shape[1] == 1 else samples
            yield Output(i, 0, {plan.target: series}, **about)

    measured = measure_outputs(read(), plan, num_processes(jobs))
    tables, unknown = gather(progress(measured, len(found), f"{len(found)} recordings"), plan)
    report(found, tables["outputs"], unknown)
    return tables["outputs"], tables["intervals"]


LEGEND = (
    "One value for each output and each recording: the mean over its intervals. Difference: mean "
    "of the outputs minus that of the recordings, with its interval (bootstrap over outputs and "
    "over recordings). KS: the largest distance between the two cumulative distributions, 0 to 1; "
    "p: of the Kolmogorov-Smirnov test{corrected}. A measure that is not shown to differ is not "
    "shown to be alike."
)


def section(result: Result) -> list[str]:
    """Writes the section of a summary, if there are recordings."""
    table = result.table("compared")
    if not len(table):
        return []
    rows = [
        {
            "intervals": row["label"], "measure": measure_title(row["measure"], row["unit"]),
            "outputs": text.number(row["mean"]), "recordings": text.number(row["mean_recordings"]),
            "difference": text.with_interval(row["estimate"], row["low"], row["high"]),
            "KS": text.fixed(row["ks"]), "p (Holm)": text.p_value(row["p_holm"]),
            "verdict": row["verdict"], "n": f"{row['n']}, {row['n_recordings']}",
        }
        for row in table.to_dict("records")
    ]  # fmt: skip
    tested = table[table["p"].notna()]
    corrected = f", after Holm's correction over the {len(tested)} tests of this table" * (
        len(tested) > 0
    )
    return [
        "## Beside the recordings",
        f"Outputs and recordings are told apart in {(tested['verdict'] == DIFFERS).sum()} of "
        f"{len(tested)} measures.",
        LEGEND.format(corrected=corrected),
        text.table(pd.DataFrame(rows)),
    ]


def figures(result: Result) -> "dict[str, Callable[[], Figure]]":
    """Lists a figure of the distributions for each label, if there are recordings."""
    from wavegan_tf.output.figures_compared import draw_distributions

    table = result.table("compared")
    known = table[(table["n"] > 1) & (table["n_recordings"] > 1)] if len(table) else table
    labels: Any = known["label"].unique() if len(known) else ()
    return {
        f"compared_{label}": partial(draw_distributions, result, known[known["label"] == label])
        for label in labels
    }
