"""Which outputs are generated under which values, and what is measured on each as it comes."""

import hashlib
import math
import numbers
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf import latents
from wavegan_tf.errors import InputError
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
    """A measure by a function ``measure(sound, rate)`` of the user, or by a file that defines one.

    Attributes:
        name: The function's, or that of its file without ``.py``; as of the package's own measures
            a name that begins with ``n_`` says that it counts.
        about: For config.json: ``name``, and of a file ``file`` and ``sha256``.
    """

    def __init__(self, given: Any) -> None:
        """Takes a function, or reads that of a Python file.

        Raises:
            InputError: There is no such file, it does not run, or it has no such function.
        """
        self.given, self._function = "measure", given
        self.name = str(getattr(given, "__name__", "measure")).strip("<>")
        self.about = {"name": self.name}
        if not callable(given):
            path = Path(str(given))
            self.given, self.name = f"--measure={given}", path.stem
            if not path.is_file():
                raise InputError(f"{self.given}: no such file; give one that defines measure")
            source, found = path.read_bytes(), {"__name__": "own_measure", "__file__": str(path)}
            self._try("", lambda: exec(compile(source, path, "exec"), found))  # leaves no .pyc
            self._function = found.get("measure")
            if not callable(self._function):
                raise InputError(f"{self.given}: does not define a function measure; {_WANTED}")
            digest = hashlib.sha256(source).hexdigest()
            self.about = {"name": self.name, "file": str(path), "sha256": digest}

    def _try(self, where: str, function: Callable[[], Any]) -> Any:
        """Calls what the user wrote."""
        try:
            return function()
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())
            raise InputError(f"{self.given}: {where}{told}; {_WANTED}") from None

    def take(self, sound: np.ndarray, rate_hz: int, number: int) -> float:
        """Measures the sound [time] of output ``number``; NaN for no value.

        Raises:
            InputError: The function fails, or returns no number.
        """
        where = f"output {number}: "
        found = self._try(where, lambda: self._function(np.array(sound, np.float64), rate_hz))
        one = found.item() if isinstance(found, np.generic) else found
        if not isinstance(one, numbers.Real) or math.isinf(one):
            raise InputError(f"{self.given}: {where}returned {found!r:.80}; {_WANTED}")
        return float(one)


class Outcomes:
    """What is measured on every output: properties, the spectrum, the user's own measure."""

    def __init__(self, names: Sequence[str], measure: Any = None) -> None:
        """Reads what is asked for.

        Raises:
            InputError: There is no such outcome, it is given twice, or the own measure cannot be
                read.
        """
        try:
            self._wanted = [parse_property(name) for name in names if name != COG]
        except InputError as error:
            raise InputError(
                str(error).replace("--property=", "--outcomes=")
                + "; also cog, the spectral mean of the whole output"
            ) from None
        self.own = OwnMeasure(measure) if measure is not None else None
        texts = [x.text for x in self._wanted] + [x for x in names if x == COG]
        texts += [self.own.name] if self.own else []
        for text in texts:
            if texts.count(text) > 1:
                raise InputError(f"--outcomes: {text} is given twice; give each name once")
        self._cog = COG in names
        self.shares: list[np.ndarray] = []  # by output [bands], power in and below each band
        self._taken: list[list[float]] = []  # by output: cog and the own measure, as asked for

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
            cog = float(np.float32(hz @ power))  # as exact as sounds are, so no rounding differs
            share = np.cumsum(power.reshape(N_BANDS, -1).sum(axis=1))
        self.shares.append(share.astype(np.float32))
        self._taken.append([cog] * self._cog)
        if self.own is not None:
            known = trouble in ("", "silent")
            self._taken[-1].append(self.own.take(sound, rate_hz, number) if known else math.nan)

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
        others = [(COG, "Hz")] * self._cog + ([(self.own.name, "1")] if self.own else [])
        for (name, unit), taken in zip(others, np.transpose(self._taken), strict=True):
            found[1, "out", sweeps.OUTPUT, name, unit] = taken
        return sweeps.values_frame(found)


class Trial:
    """Which variables take which values, and which are controls.

    Attributes:
        sweeps: Variables with their values, ascending, the reference among them.
        controls: Names of the control variables.
        design: Latent vectors; of a base those of each sweep, then those of controls.
        never: Variables whose reference has a code of zeros, with which no ciwGAN is trained.
    """

    def __init__(self, model: Model, options: Any, usual: str) -> None:
        """Draws base vectors and controls, by ``Options`` of cdev; ``usual`` values of codes.

        Raises:
            InputError: There is no such variable, or nothing to be moved.
        """
        config, reference = model.config, options.reference
        code = slice(config.num_categ)
        given = options.vary or tuple(
            f"{name}={usual}" for name in latents.latent_names(config)[code]
        )
        if not given:
            raise InputError(f"this {config.model} has no code: give --vary=z11={usual}")
        self.sweeps = [
            Sweep(x.name, tuple(sorted({*x.values, reference})))
            for x in latents.parse_sweeps(given, None, config)
        ]
        varied = [x.name for x in self.sweeps]
        self.controls = latents.draw_controls(config, varied, options.controls, options.seed)
        self._compared = {
            x.name: [x.values[k] for k in compared(np.array(x.values), reference)]
            for x in self.sweeps
        }
        moved = [(x.name, value) for x in self.sweeps for value in x.values]
        for values in self._compared.values():
            moved += [(name, value) for name in self.controls for value in values]
        self._moved = list(dict.fromkeys(moved))  # what several sweeps share once
        bases = model.sample(options.n, options.seed)
        if options.others == "zero":
            bases[:, code] = 0
        vectors = np.repeat(bases[:, np.newaxis], len(self._moved), axis=1)
        conditions = []
        for k, (name, value) in enumerate(self._moved):
            vectors[:, k, latents.latent_index(name, config)] = value
            role = "varied" if name in varied else "control"
            about = {"latent": name, "role": role, "value": value}
            conditions.append(Condition(f"{name}={value:.10g}", {name: value}, about))
        self.design = latents.arrange(vectors, conditions)
        zeros = (~vectors[:, :, code].any(axis=2)).any(axis=0)
        self.never = [
            name
            for (name, value), zero in zip(self._moved, zeros, strict=True)
            if config.model == "ciwgan" and name in varied and value == reference and zero
        ]

    def parts(self, sweep: Sweep, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cuts what belongs to outputs ``[outputs, ..]``: a sweep's, its controls'.

        Returns:
            ``[bases, values, ..]`` and ``[bases, controls, compared values, ..]``.
        """
        grid = outputs.reshape(-1, len(self._moved), *outputs.shape[1:])
        own = [self._moved.index((sweep.name, value)) for value in sweep.values]
        values = self._compared[sweep.name]
        theirs = [self._moved.index((name, value)) for name in self.controls for value in values]
        shape = len(grid), len(self.controls), len(values), *outputs.shape[1:]
        return grid[:, own], grid[:, theirs].reshape(shape)
