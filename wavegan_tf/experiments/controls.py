"""Networks with random weights, measured as the model is: the control of what a layer encodes.

What they give depends on the architecture, the latent vectors and the settings alone, not on what
was learned. So those of a Generator are kept, in files named by a hash of these: beside a demo
model, and in the user's cache (``$WAVEGAN_TF_CACHE``, else ``~/.cache/wavegan_tf``).
"""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from wavegan_tf.experiments import listen
from wavegan_tf.experiments.listen import Heard, Measuring, Recordings, make_network, take_outputs
from wavegan_tf.latents import Design
from wavegan_tf.model import BATCH, Model
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.output import files
from wavegan_tf.paths import cache_directory, keep
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech import praat
from wavegan_tf.speech.averages import Reduction
from wavegan_tf.speech.outputs import Output, Plan, gather, measure_outputs
from wavegan_tf.stats.correlate import CONTROL_COLUMNS, describe_control

VERSION = 1
"""Of how outputs are measured; another number makes every older file unread."""


def measure_controls(
    model: Model,
    inputs: Design | Recordings,
    options: Measuring,
    heard: Heard,
    reduction: Reduction,
    number: int,
    most: int,
) -> pd.DataFrame:
    """Measures networks with random weights and correlates their layers with their own outputs.

    Args:
        model: Its architecture is that of the controls.
        inputs: What the model was run on; the first ``most`` are taken.
        options: How outputs are measured.
        heard: The model's own measurements, for their plan.
        reduction: How feature maps become one series.
        number: How many networks.
        most: Inputs of each, at most.

    Returns:
        The rows of :func:`~wavegan_tf.stats.correlate.describe_control` of networks 1 .. number,
        as far as they have any.
    """
    network, n = heard.settings["network"], min(most, listen.count(inputs))
    plan, path, known = dataclasses.replace(heard.plan, audio_dir=None), None, NOTHING
    plan = dataclasses.replace(plan, measures=plan.measures_of_layers)
    if isinstance(inputs, Design):  # a user's TextGrids are not of these outputs
        plan = dataclasses.replace(plan, annotations=None, labels={})
        path, known = _find(model, plan, inputs.z[:n], str(reduction))
    missing = range(int(known["network"].max() if len(known) else 0) + 1, number + 1)
    if not len(missing) or len(plan.layers) < 2:
        return known[known["network"] <= number].reset_index(drop=True)
    layers = ",".join(layer.name for layer in plan.layers)

    def outputs() -> Iterator[Output]:
        for k in missing:
            control = make_network(model, inputs, options, network, reduction, layers, control=k)
            for taken in take_outputs(control, inputs, range(n)):
                yield taken.output

    results = measure_outputs(outputs(), plan, num_processes(options.jobs))
    label = f"{len(missing)} random networks, {n} outputs each"
    results = progress(results, len(missing) * n, label)
    found = [known] if len(known) else []
    for k, measured in itertools.groupby(results, key=lambda result: result.network):
        tables, _ = gather(measured, plan)
        found.append(describe_control(k, tables["points"], tables["intervals"], plan.target))
    table = pd.concat(found, ignore_index=True)
    if path is not None:
        with contextlib.suppress(OSError):  # without a cache they are measured each time
            keep(path, lambda place: files.write_table(place, table))
    return table


NOTHING = pd.DataFrame({name: [] for name in CONTROL_COLUMNS})


def _find(
    model: Model, plan: Plan, latents: np.ndarray, reduction: str
) -> tuple[Path, pd.DataFrame]:
    """Finds the file in which these controls are kept, and those that are known."""
    usual = ModelConfig().to_dict()  # so that an option that is new changes no hash
    own = {name: x for name, x in model.config.to_dict().items() if x != usual[name]}
    about = dataclasses.asdict(plan) | {
        "version": VERSION, "praat_version": praat.version(), "model": own,
        "reduce": reduction, "n": len(latents),
        "scaled": [listen.CONTROL_SEED, listen.REFERENCE_SEED, listen.PEAK, BATCH],
    }  # fmt: skip
    text = json.dumps(about, sort_keys=True, default=str).encode()
    name = hashlib.sha256(text + np.ascontiguousarray(latents, "<f4").tobytes()).hexdigest()[:32]
    path = cache_directory() / f"controls-{name}.csv"
    for place in (path, Path(os.path.dirname(model.file.prefix)) / path.name):
        with contextlib.suppress(ValueError, OSError):  # what cannot be read is made anew
            table = files.read_table(place)
            if tuple(table.columns) == CONTROL_COLUMNS and table["n_outputs"].dtype.kind == "i":
                return path, table
    return path, NOTHING
