"""One output at a time, by hand: set latent variables, hear, see and measure every layer at once.

The network, its averages and their scales are those of ``probe`` (:mod:`.listen`), and a latent
vector runs in a batch as there: what is heard here is what ``probe --latents=`` writes, to the
sample. An output is measured with few measures, over its intervals alone.
"""

import contextlib
import dataclasses
import itertools
import os
import shutil
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments import probe
from wavegan_tf.experiments.listen import (
    describe,
    make_network,
    make_plan,
    take_ordinary,
    take_outputs,
)
from wavegan_tf.experiments.result import Result
from wavegan_tf.latents import apply_settings, latent_names, latents_table, plain, sample_latents
from wavegan_tf.model import Model
from wavegan_tf.output.files import write_table
from wavegan_tf.output.page import command_line
from wavegan_tf.speech.intervals import LABELS
from wavegan_tf.speech.outputs import Output, gather, measure_output

NAME = "explore"

MEASURES = ("f0", "intensity", "duration")
"""What is measured at every move."""

MAX_VALUE = 1000.0
"""Magnitude up to which a variable is set."""

MAX_SEED = 2**32 - 1


class Setting(NamedTuple):
    """A base vector, drawn with a seed, and the variables that are set in it."""

    seed: int
    values: dict[str, float]

    def __str__(self) -> str:
        """Says it in a line; a variable of the code that is 0 goes without saying."""
        said = {name: x for name, x in self.values.items() if x or name.startswith("z")}
        given = "".join(f", {name} = {value:.6g}" for name, value in said.items())
        return f"Base vector of seed {self.seed}{given}"


class Explorer:
    """A Generator whose output is made anew for every setting.

    Attributes:
        model: The model.
        names: Its latent variables.
        ordinary: Series of ordinary outputs: what the scale of a picture is taken from.
    """

    def __init__(self, model: Model, options: "probe.Options", flags: dict[str, Any] | None = None):
        """Averages and scales the layers as a probe with these options does.

        Args:
            model: The model.
            options: Of a probe; its settings of Praat, intervals and layers count.
            flags: Those that a probe of the same model needs, for the command that repeats a
                setting.
        """
        self.model, self.names, self._flags = model, latent_names(model.config), flags or {}
        start = plain(sample_latents(model.config, 1, 0))
        self._network = make_network(model, start, options)
        at_one_point = dataclasses.replace(options.praat, n_points=1)
        options = dataclasses.replace(options, praat=at_one_point)
        network = self._network
        self._plan = make_plan(model, network.layers, network.target, options, measures=MEASURES)
        self._settings = describe(model, self._plan)
        kept = [one.series for one in take_ordinary(network, model, start)]
        series = {name: np.stack([one[name] for one in kept]) for name in kept[0]}
        self.ordinary = self._result({}, series)

    def read(self, content: Any) -> Setting:
        """Reads a setting, ``{"seed": 3, "values": {"z11": -5}}``, that was sent.

        Raises:
            InputError: It is none, has another variable than the model, or a value that is no
                finite number or too large.
        """
        if not isinstance(content, dict) or set(content) != {"seed", "values"}:
            raise InputError('a setting is {"seed": 0, "values": {"z1": 0.5}}, and nothing else')
        seed, values = content["seed"], content["values"]
        if type(seed) is not int or not 0 <= seed <= MAX_SEED:
            raise InputError(f"seed {seed!r:.20}: give a whole number from 0 to {MAX_SEED}")
        if not isinstance(values, dict):
            raise InputError('values: give numbers by name, {"z1": 0.5}')
        for name, value in values.items():
            if name not in self.names:
                raise InputError(
                    f"{name!r:.20}: no latent variable; there are {self.names[0]} .. "
                    f"{self.names[-1]}"
                )
            is_number = type(value) in (int, float)  # a bool is none
            if not (is_number and abs(value) <= MAX_VALUE):  # nor is NaN
                raise InputError(
                    f"{name} = {value!r:.20}: give a number from -{MAX_VALUE:g} to {MAX_VALUE:g}"
                )
        return Setting(seed, {name: float(values[name]) for name in self.names if name in values})

    def latents(self, setting: Setting) -> np.ndarray:
        """Makes the latent vector of a setting, float32 [1, latent_dim]."""
        base = sample_latents(self.model.config, 1, setting.seed)
        return apply_settings(base, setting.values, self.model.config)

    def move(self, setting: Setting) -> Result:
        """Makes and measures the output of a setting: its series, the tables of a probe, ``means``.

        The table ``means`` has a row for each channel, layer, label and measure: the mean over the
        intervals of the label; and the numbers of intervals, of label ``output``.
        """
        z = self.latents(setting)
        output = self._output(z)
        measured, _ = gather([measure_output(output, self._plan)], self._plan)
        means = _means(measured["outputs"], measured["intervals"], self._network.target)
        tables = measured | {"latents": latents_table(z, self.model.config), "means": means}
        return self._result(tables, {name: x[np.newaxis] for name, x in output.series.items()})

    def save(self, setting: Setting, out_dir: str) -> tuple[str, str]:
        """Writes a setting to a new folder of ``out_dir``: 0001, 0002, .. ; none is overwritten.

        It holds latents.csv, which ``probe --latents=`` reads, the sounds of all layers and a
        TextGrid under the names they have in audio/ of a probe, and command.txt.

        Returns:
            The folder, and the command that repeats the setting.
        """
        z = self.latents(setting)
        folder = _new_folder(out_dir)
        try:
            path = os.path.join(folder, "latents.csv")
            flags = self._flags | {"latents": os.path.abspath(path), "controls": 0}
            command = command_line({"kind": "probe", "flags": flags})
            measure_output(self._output(z), dataclasses.replace(self._plan, audio_dir=folder))
            write_table(path, latents_table(z, self.model.config))
            with open(os.path.join(folder, "command.txt"), "w", encoding="utf-8") as file:
                file.write(f"# {setting}\n{command}\n")
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return folder, command

    def _output(self, z: np.ndarray) -> Output:
        (taken,) = take_outputs(self._network, plain(z), range(1))
        series = {name: x.copy() for name, x in taken.output.series.items()}  # not the batch
        return taken.output._replace(series=series)

    def _result(self, tables: dict[str, pd.DataFrame], series: dict[str, np.ndarray]) -> Result:
        return Result(NAME, self._settings, tables, {"series": series})


def _means(outputs: pd.DataFrame, intervals: pd.DataFrame, target: str) -> pd.DataFrame:
    """Takes the means of an output over its intervals of each label, and counts these."""
    counts = outputs.melt("channel", [f"n_{label}" for label in LABELS], "measure")
    counts = counts.assign(layer=target, label="output", unit="1")
    keys = ["channel", "label", "measure", "unit", "layer"]  # in the order of their categories
    means = intervals.groupby(keys, observed=True)["value"].mean().dropna().reset_index()
    return pd.concat([counts, means.astype(dict.fromkeys(keys[1:], str))], ignore_index=True)


def _new_folder(out_dir: str) -> str:
    """Makes the folder after the last of those that are numbered."""
    os.makedirs(out_dir, exist_ok=True)
    numbers = [int(name) for name in os.listdir(out_dir) if name.isdecimal()]
    for number in itertools.count(max(numbers, default=0) + 1):
        folder = os.path.join(out_dir, f"{number:04d}")
        with contextlib.suppress(FileExistsError):  # of another explorer, made since
            os.mkdir(folder)
            return folder
    raise AssertionError
