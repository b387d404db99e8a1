"""Which outputs are generated under which values, and what is measured on each as it comes.

An own measure is a function ``measure(sound, rate)``, or a Python file that defines one.
"""

import hashlib
import importlib.util
import inspect
import math
import numbers
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf import latents
from wavegan_tf.errors import InputError
from wavegan_tf.experiments.interpolate import CONTROL_STREAM
from wavegan_tf.experiments.properties import label_outputs, parse_property
from wavegan_tf.latents import Condition, Sweep
from wavegan_tf.model import Model
from wavegan_tf.speech.outputs import trouble_of
from wavegan_tf.stats import sweeps
from wavegan_tf.stats.treatments import compared

N_BANDS = 128
"""Bands of a spectrum, of equal width."""

COG = "cog"
"""The outcome that is taken of the spectrum of a whole output, its mean in Hz."""

_WANTED = "write a function measure(sound, rate) that returns a number, or NaN for none"


class OwnMeasure:
    """A measure by a function of the user.

    Attributes:
        name: The function's, or that of its file without ``.py``; as of the package's own measures
            a name that begins with ``n_`` says that it counts.
        about: For config.json: ``name``, ``file`` and ``sha256`` of the source, empty if unknown.
    """

    def __init__(self, given: str | Callable[[np.ndarray, int], float]) -> None:
        """Takes a function, or reads the function ``measure`` of a file.

        Raises:
            InputError: There is no such file, it does not run, or it has no such function.
        """
        self.given = "measure" if callable(given) else f"--measure={given}"
        self._function: Callable[[np.ndarray, int], Any]
        if callable(given):
            self._function, file = given, ""
            self.name = getattr(given, "__name__", "measure").strip("<>")
            try:
                source = inspect.getsource(given).encode()
            except (OSError, TypeError):  # typed in, or no Python
                source = b""
        else:
            self._function, file = self._load(given), given
            self.name = os.path.splitext(os.path.basename(given))[0]
            with open(given, "rb") as opened:
                source = opened.read()
        digest = hashlib.sha256(source).hexdigest() if source else ""
        self.about = {"name": self.name, "file": file, "sha256": digest}

    def _load(self, path: str) -> Callable[[np.ndarray, int], Any]:
        if not os.path.isfile(path):
            raise InputError(f"{self.given}: no such file; give one in Python that defines measure")
        loader = importlib.machinery.SourceFileLoader("own_measure", path)
        spec = importlib.util.spec_from_loader("own_measure", loader)
        assert spec is not None
        module = importlib.util.module_from_spec(spec)
        try:
            exec(compile(loader.get_data(path), path, "exec"), module.__dict__)  # leaves no .pyc
        except Exception as error:
            raise InputError(f"{self.given}: {_told(error)}; {_WANTED}") from None
        if not callable(getattr(module, "measure", None)):
            raise InputError(f"{self.given}: defines no function measure; {_WANTED}")
        return module.measure

    def take(self, sound: np.ndarray, rate_hz: int, number: int) -> float:
        """Measures the sound [time] of output ``number``; NaN for no value.

        Raises:
            InputError: The function fails, or returns no number.
        """
        try:
            found = self._function(np.array(sound, np.float64), rate_hz)
        except Exception as error:
            raise InputError(f"{self.given}: output {number}: {_told(error)}; {_WANTED}") from None
        one = found.item() if isinstance(found, np.generic) else found
        if not isinstance(one, numbers.Real) or math.isinf(one):
            raise InputError(f"{self.given}: output {number}: returned {found!r:.80}; {_WANTED}")
        return float(one)


def _told(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


class Outcomes:
    """What is measured on every output: properties, the spectrum, the user's own measure."""

    def __init__(
        self, names: Sequence[str], measure: str | Callable[[np.ndarray, int], float] | None = None
    ) -> None:
        """Reads what is asked for.

        Raises:
            InputError: There is no such outcome, or the own measure cannot be read.
        """
        try:
            self._wanted = [parse_property(name) for name in names if name != COG]
        except InputError as error:
            raise InputError(
                str(error).replace("--property=", "--outcomes=")
                + "; also cog, the spectral mean of the whole output"
            ) from None
        texts = [x.text for x in self._wanted] + [x for x in names if x == COG]
        for text in texts:
            if texts.count(text) > 1:
                raise InputError(f"--outcomes: {text} is given twice; give each once")
        self.own = OwnMeasure(measure) if measure is not None else None
        self._cog = COG in names
        self.shares: list[np.ndarray] = []  # by output [bands], power in and below each band
        self._found: dict[str, list[float]] = {}

    @property
    def measures(self) -> list[str]:
        """What has to be measured in intervals."""
        return ["duration", *dict.fromkeys(m for x in self._wanted for m in x.measures)]

    @property
    def need_intervals(self) -> bool:
        """Whether intervals count; else none are searched for, which takes most of the time."""
        return any(x.measures or x.column.startswith("n_") for x in self._wanted)

    def take(self, number: int, sound: np.ndarray, rate_hz: int) -> None:
        """Takes in the next output [time] or [time, channels], of which the first counts."""
        sound = sound.reshape(len(sound), -1)[:, 0].astype(np.float64)
        trouble = trouble_of(sound)
        cog, share = math.nan, np.full(N_BANDS, math.nan)
        if not trouble:
            power = np.abs(np.fft.rfft(sound - sound.mean())[1:]) ** 2  # without 0 Hz
            power /= power.sum()
            hz = np.arange(1, len(power) + 1) * rate_hz / len(sound)
            cog = float(hz @ power)
            share = np.cumsum(power.reshape(N_BANDS, -1).sum(axis=1))
        self.shares.append(share.astype(np.float32))
        found = {COG: cog} if self._cog else {}
        if self.own is not None:
            known = trouble in ("", "silent")
            found[self.own.name] = self.own.take(sound, rate_hz, number) if known else math.nan
        for name, value in found.items():
            self._found.setdefault(name, []).append(value)

    def values(self, outputs: pd.DataFrame, intervals: pd.DataFrame) -> pd.DataFrame:
        """Gives the outcomes of all outputs as :mod:`wavegan_tf.stats.sweeps` takes values.

        A silent output has no intervals, and that is their number: 0.
        """
        known = outputs["measured"].astype(bool) | (outputs["problem"] == "silent")
        found = {}
        for wanted in self._wanted:
            label, _, measure = wanted.column.rpartition(".")
            if wanted.comparison:
                label, measure = wanted.name, sweeps.SHARE
            y = label_outputs(wanted, outputs.assign(measured=known), intervals)
            found[1, "out", label or sweeps.OUTPUT, measure, wanted.unit] = y.to_numpy()
        for name, values in self._found.items():
            unit = "Hz" if name == COG else "1"
            found[1, "out", sweeps.OUTPUT, name, unit] = np.array(values)
        return sweeps.values_frame(found)


class Trial:
    """Which variables take which values, and which are controls.

    Attributes:
        sweeps: Variables with their values, ascending, the reference among them.
        controls: Names of the control variables.
        design: Latent vectors; of a base those of each sweep, then those of controls.
    """

    def __init__(self, model: Model, options: Any, usual: str) -> None:
        """Draws base vectors and controls, by ``Options`` of cdev; ``usual`` values of codes.

        Raises:
            InputError: There is no such variable, or nothing to be moved.
        """
        config = model.config
        names = latents.latent_names(config)
        codes = names[: config.num_categ]
        given = options.vary or tuple(f"{name}={usual}" for name in codes)
        if not given:
            raise InputError(f"this {config.model} has no code: give --vary=z11={usual}")
        self.sweeps = [
            Sweep(x.name, tuple(sorted({*x.values, options.reference})))
            for x in latents.parse_sweeps(given, (), config)
        ]
        varied = [x.name for x in self.sweeps]
        free = [name for name in names[config.num_categ :] if name not in varied]
        drawn = np.random.default_rng([options.seed, CONTROL_STREAM]).permutation(len(free))
        self.controls = [free[k] for k in sorted(drawn[: options.controls])]
        self._ends = {}
        for name, values in self.sweeps:
            steps = compared(np.array(values), options.reference)
            self._ends[name] = tuple(values[k] for k in steps)
        moved = [(x.name, "varied", x.values) for x in self.sweeps]
        for values in dict.fromkeys(self._ends.values()):
            moved += [(name, "control", values) for name in self.controls]
        bases = model.sample(options.n, options.seed)
        if options.others == "zero":
            bases[:, : config.num_categ] = 0
        conditions, vectors = [], []
        for name, role, values in moved:
            for value in values:
                about = {"latent": name, "role": role, "value": value}
                conditions.append(Condition(f"{name}={value:.10g}", {name: value}, about))
                vectors.append(bases.copy())
                vectors[-1][:, latents.latent_index(name, config)] = value
        self.design = latents.arrange(np.stack(vectors, axis=1), conditions)
        self._n = options.n

    def parts(self, sweep: Sweep, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cuts what belongs to outputs ``[.., outputs, ..]`` (axis 0): a sweep's, its controls'.

        Returns:
            ``[bases, values, ..]`` and ``[bases, controls, compared values, ..]``.
        """
        grid = outputs.reshape(self._n, -1, *outputs.shape[1:])
        n_controls, ends = len(self.controls), self._ends[sweep.name]
        starts, start = dict[Any, int](), 0
        for name, values in self.sweeps:
            starts[name], start = start, start + len(values)
        for values in dict.fromkeys(self._ends.values()):
            starts[values], start = start, start + n_controls * len(values)
        own = grid[:, starts[sweep.name] :][:, : len(sweep.values)]
        theirs = grid[:, starts[ends] :][:, : n_controls * len(ends)]
        return own, theirs.reshape(self._n, n_controls, len(ends), *grid.shape[2:])
