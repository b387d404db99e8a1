"""What the figures of an interpolation read from its files: sweeps, series and measures by base."""

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import NamedTuple

import numpy as np

from wavegan_tf.errors import InputError
from wavegan_tf.report import moves
from wavegan_tf.report.reading import Panel, Run, make_panels
from wavegan_tf.report.tables import iterate_npz, stream_csv

FRAMES = 256
"""Frames of the level over time; a layer with fewer samples has one for each."""

MAX_STEPS = 40
"""Steps that can be told apart as lines; of more an evenly spaced choice is drawn."""


class Sweep(NamedTuple):
    """A latent variable, or ``t`` between two vectors, and its values ``[steps]`` as they came.

    ``moved`` says from where to where, ``ends`` what ``t`` is at 0 and 1.
    """

    name: str
    values: np.ndarray
    moved: str = ""
    ends: tuple[str, str] = ("first vector", "second")

    @property
    def training(self) -> tuple[float, float] | None:
        """The range in training: -1 .. 1 of z, 0 .. 1 of a code; None of ``t``."""
        return {"z": (-1.0, 1.0), "c": (0.0, 1.0)}.get(self.name[0])

    @property
    def axis_title(self) -> str:
        """What an axis of the values is called."""
        return "t (0: {}, 1: {})".format(*self.ends) if self.name == "t" else self.name

    def chosen(self) -> np.ndarray:
        """Places of the steps drawn as lines: all, or :data:`MAX_STEPS` with both ends."""
        n = len(self.values)
        return np.unique(np.linspace(0, n - 1, min(n, MAX_STEPS)).round().astype(int))


class Interpolation(NamedTuple):
    """A run of interpolate.py: ``n_bases`` vectors, each at every cell of the sweeps' grid.

    Output ``id`` is base * cells + cell; of the cells the last sweep is the fastest.
    """

    run: Run
    sweeps: list[Sweep]
    n_bases: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Bases, then the steps of each sweep."""
        return (self.n_bases, *(len(sweep.values) for sweep in self.sweeps))

    @property
    def confidence(self) -> float:
        """Of the intervals in responses.csv, effects.csv, interactions.csv and bands.csv."""
        return self.run.config.get("statistics", {}).get("confidence", 0.95)

    @property
    def count(self) -> int:
        """Outputs of the run."""
        return prod(self.shape)

    def line(self, base: int, k: int) -> np.ndarray:
        """Ids of the outputs along sweep ``k``, the others at their first value: ``[steps]``."""
        place = [0] * len(self.sweeps)
        place[k] = slice(None)
        return np.arange(self.count).reshape(self.shape)[(base, *place)]

    def along(self, values: np.ndarray, k: int) -> np.ndarray:
        """Means over the steps of the other sweeps: ``[outputs]`` to ``[bases, steps]``.

        What is NaN is left out; NaN where nothing else is there.
        """
        others = tuple(i for i in range(1, len(self.shape)) if i != k + 1)
        values = values.reshape(self.shape)
        known = np.isfinite(values).sum(axis=others)
        with np.errstate(invalid="ignore"):
            return np.nansum(values, axis=others) / np.where(known, known, np.nan)

    def others_said(self, k: int) -> str:
        """Where the other sweeps of a grid stand while ``k`` changes; nothing without any."""
        others = [s for i, s in enumerate(self.sweeps) if i != k]
        return "".join(f", {s.name} = {s.values[0]:g}" for s in others)

    def mean_said(self, k: int) -> str:
        """What is averaged while ``k`` changes, for titles."""
        over = [f"{self.n_bases} bases"] if self.n_bases > 1 else []
        over += [f"the values of {s.name}" for i, s in enumerate(self.sweeps) if i != k]
        return f"mean over {' and '.join(over)}" if over else "one base"


def open_interpolation(run: Run) -> Interpolation:
    """Read the sweeps of a run.

    Raises:
        InputError: it is no interpolation, or one that an older version wrote.
    """
    vary = run.config.get("vary")
    if vary is None:
        raise InputError(
            f"{run.directory}: config.json has no 'vary', so this is no run of interpolate.py; "
            "probe runs have figures of their own"
        )
    if isinstance(vary, dict) or "n_bases" not in run.config:
        name = vary["name"] if isinstance(vary, dict) else vary[0]["name"]
        raise InputError(
            f"{run.directory}: an older version wrote this interpolation of {name}, without the "
            f"tables that its figures need; write it anew: python interpolate.py --ckpt=... "
            f"--vary={name}=... --out_dir={run.directory} --overwrite"
        )
    ends = moves.path_ends(run.config)
    ends = {"ends": ends} if ends else {}
    sweeps = [
        Sweep(x["name"], np.array(x["values"], float), moves.moved(run.config, x), **ends)
        for x in vary
    ]
    return Interpolation(run, sweeps, run.config["n_bases"])


class Series(NamedTuple):
    """The series of an interpolation, as far as figures need them.

    Attributes:
        panels: a panel for each layer and channel, without series.
        kept: by title of the panel, then id: series ``[length]``.
        power: by title of the panel, for each sweep: mean square over the bases (and the other
            sweeps) in frames of equal length, ``[steps, frames]``.
    """

    panels: list[Panel]
    kept: dict
    power: dict


def read_series(interpolation: Interpolation, max_bases: int) -> Series:
    """Read series.npz row by row; memory does not grow with the number of bases.

    Args:
        interpolation: the run.
        max_bases: bases whose series are kept for lines.

    Raises:
        InputError: there is no series.npz, it holds no layer, or other outputs than the run's.
    """
    run, sweeps = interpolation.run, interpolation.sweeps
    panels = [panel._replace(series=None) for panel in run.panels(1)]
    wanted = {
        int(i)
        for k, sweep in enumerate(sweeps)
        for base in range(min(max_bases, interpolation.n_bases))
        for i in interpolation.line(base, k)[sweep.chosen()]
    }
    kept, power, row = {panel.title: {} for panel in panels}, {}, -1
    for row, panel in _rows(run):
        if row >= interpolation.count:
            break
        series = panel.series[0]
        if row in wanted:
            kept[panel.title][row] = series.copy()
        if panel.title not in power:
            n = min(FRAMES, len(series))
            power[panel.title] = [np.zeros((len(sweep.values), n)) for sweep in sweeps]
        place = np.unravel_index(row, interpolation.shape)
        for k, sweep in enumerate(sweeps):
            weight = len(sweep.values) / interpolation.count
            power[panel.title][k][place[k + 1]] += weight * frame_power(series)
    if row + 1 != interpolation.count:
        raise InputError(
            f"{run.directory}: series.npz holds {'more' if row >= interpolation.count else row + 1}"
            f" outputs, but config.json speaks of {interpolation.count}; run interpolate.py again"
        )
    return Series(panels, kept, power)


def _rows(run: Run) -> Iterator[tuple[int, Panel]]:
    """Every output's panels, one after the other."""
    layers = [(x["name"], x["rate_hz"], x["nyquist_hz"]) for x in run.config["layers"]]
    for row, arrays in enumerate(iterate_npz(run.directory / "series.npz")):
        arrays = {name: x[None] for name, x in arrays.items()}
        for panel in make_panels(layers, arrays):
            yield row, panel


def frame_power(series: np.ndarray, frames: int = FRAMES) -> np.ndarray:
    """Mean square in ``frames`` stretches of equal length (each sample, of a shorter series).

    Args:
        series: ``[length]``; what is not finite counts as 0.
        frames: at most.

    Returns:
        ``[min(frames, length)]``.
    """
    n = len(series)
    frames = min(frames, n)
    starts = np.arange(frames) * n // frames
    square = np.nan_to_num(series.astype(np.float64), posinf=0, neginf=0) ** 2
    return np.add.reduceat(square, starts) / np.diff(starts, append=n)


def value_edges(values: np.ndarray) -> np.ndarray:
    """Edges of cells about values that need not be evenly spaced: half-way to each neighbour.

    Args:
        values: ``[steps]``, rising, at least two.

    Returns:
        ``[steps + 1]``; on their free side the outer cells are as wide as on the other, or half the
        median gap where that is less.
    """
    gaps = np.diff(values)
    first, last = np.minimum(gaps[[0, -1]], np.median(gaps)) / 2
    middle = (values[1:] + values[:-1]) / 2
    return np.concatenate([[values[0] - first], middle, [values[-1] + last]])


def read_measures(interpolation: Interpolation, wanted: set[tuple[str, str]]) -> dict:
    """Read one value per output from intervals.csv (means over intervals) and levels.csv.

    Args:
        interpolation: the run.
        wanted: (label, measure); label ``output`` for those of levels.csv.

    Returns:
        By (channel, layer, label, measure) the value of each output ``[outputs]``, NaN where there
        is none.

    Raises:
        InputError: a table lacks a column.
    """
    directory, count = interpolation.run.directory, interpolation.count
    totals = {}

    def add(channel, layer, label, measure, i, value):
        value = float(value)
        if (label, measure) in wanted and int(i) < count:
            total = totals.setdefault((channel, layer, label, measure), np.zeros((2, count)))
            if np.isfinite(value):
                total[:, int(i)] += (value, 1)

    places = ("channel", "layer", "label", "measure", "id", "value")
    for row in stream_csv(directory / "intervals.csv", places):
        add(*row)
    places = ("channel", "layer", "measure", "id", "value")
    for channel, layer, *row in stream_csv(directory / "levels.csv", places):
        add(channel, layer, "output", *row)
    with np.errstate(invalid="ignore"):
        return {key: total / np.where(n, n, np.nan) for key, (total, n) in totals.items()}


def spread_places(x: np.ndarray, gap: float) -> list[int]:
    """Places of values at least ``gap`` apart, from the lowest on: where labels have room.

    Args:
        x: ``[n]``, in any order.
        gap: in units of ``x``.
    """
    order = np.argsort(x, kind="stable")
    chosen = [int(order[0])]
    for _, right in pairwise(order):
        if x[right] - x[chosen[-1]] >= gap:
            chosen.append(int(right))
    return chosen
