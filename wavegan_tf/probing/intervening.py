"""Runs a Generator on from activations that were intervened on.

Outputs are made in batches of :data:`~wavegan_tf.probing.sources.BATCH` base latent vectors, so
that memory does not grow with their number and no output depends on it.
"""

import functools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from wavegan_tf.analysis.causes import interventions
from wavegan_tf.analysis.causes.outputs import make_reference, measure_outputs
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.probing.cells import Cell
from wavegan_tf.probing.sources import BATCH

TOLERANCE = 1e-5
"""A whole layer of the other output gives the other output, but for this (full scale 1)."""


class Experiment:
    """A Generator, base latent vectors, and what becomes of parts of its layers."""

    def __init__(self, generator, config: ModelConfig, layers: tuple[Layer, ...], start, by, end):
        """Compiles the Generator.

        Args:
            generator: A :class:`~wavegan_tf.models.networks.Generator`.
            config: Its architecture.
            layers: Those that are intervened on.
            start: Latent vectors [n, latent_dim].
            by: What replaces a part: ``other`` (that of ``end``), ``mean`` (its mean over the
                outputs) or a factor of its own.
            end: Latent vectors [n, latent_dim] with ``other``; else None.
        """
        self.config, self.layers, self.by = config, layers, by
        self.start, self.end = start, end
        self.controlled = by == "other" and len(start) > 1
        self._generator, self._run = generator, tf.function(generator)
        self._rest = {}  # by layer, what follows from it
        self._means = self._average_outputs() if by == "mean" else {}

    def batches(self) -> Iterator["Batch"]:
        """The outputs at both ends, with every layer's activation."""
        for first in range(0, len(self.start), BATCH):
            own, another = self._activations(self.start, first), None
            if self.by == "other":
                donor = self._activations(self.end, first)
                if self.controlled:
                    another = self._activations(np.roll(self.end, -1, axis=0), first)
            elif self.by == "mean":
                donor = {k: np.broadcast_to(self._means[k], x.shape) for k, x in own.items()}
            else:
                donor = {k: (x * self.by).astype(np.float32) for k, x in own.items()}
            yield Batch(first, min(BATCH, len(self.start) - first), own, donor, another)

    def run_on(self, layer: str, activation: np.ndarray) -> np.ndarray:
        """The output [batch, slice_len, channels] that follows from a layer's activation."""
        if layer not in self._rest:
            run_from = functools.partial(self._generator.run_from, layer)
            self._rest[layer] = tf.function(run_from)
        return self._rest[layer](tf.constant(activation))["out"].numpy()

    def _activations(self, latents, first):
        z = latents[first : first + BATCH]
        z = np.pad(z, [(0, BATCH - len(z)), (0, 0)])
        return {name: x.numpy() for name, x in self._run(tf.constant(z)).items()}

    def _average_outputs(self):
        """The mean over outputs of each layer's activation, [time, maps]."""
        sums = {}
        for first in range(0, len(self.start), BATCH):
            count = min(BATCH, len(self.start) - first)
            for name, x in self._activations(self.start, first).items():
                sums[name] = sums.get(name, 0) + x[:count].sum(axis=0, dtype=np.float64)
        return {k: (x / len(self.start)).astype(np.float32) for k, x in sums.items()}


class Batch(NamedTuple):
    """Some bases: ``count`` from number ``first`` on; the arrays have :data:`BATCH` rows.

    Attributes:
        first: Number of the first base.
        count: How many there are.
        own: By layer, [BATCH, time, maps]; ``out`` too.
        donor: Of the other end, or what replaces a part.
        another: Of the other end, but of the next base (of the last the first), as a control; None
            without another end, or with one base.
    """

    first: int
    count: int
    own: dict[str, np.ndarray]
    donor: dict[str, np.ndarray]
    another: dict[str, np.ndarray] | None


def apply(cell: Cell, own: np.ndarray, donor: np.ndarray, layer: Layer) -> np.ndarray:
    """The activation of a layer after an intervention, [batch, time, maps]."""
    if cell.patch == "maps":
        return interventions.replace_maps(own, donor, [m - 1 for m in cell.maps])
    if cell.patch == "window":
        at = (layer.rate_hz, cell.start_s, cell.end_s)
        return interventions.replace_stretch(own, donor, *at)
    return interventions.replace_part(own, donor, cell.patch)


def outputs(experiment: Experiment, batch: Batch, cells: list[Cell]) -> dict[str, np.ndarray]:
    """The outputs of a batch by name: ``from``, ``to`` if there is another, and every cell's.

    Where there is a control, that of every cell too, by its ``control_name``.

    Raises:
        InputError: An output at one of the ends is not finite.
    """
    layers = {layer.name: layer for layer in experiment.config.layers}
    made = {"from": batch.own["out"]}
    if experiment.by == "other":
        made["to"] = batch.donor["out"]
    for name, x in made.items():
        if not np.isfinite(x[: batch.count]).all():
            raise InputError(
                f"--{name}: the Generator puts out NaN or infinity; take values nearer to those "
                "of training (-1 .. 1)"
            )
    for cell in cells:
        for name, donor in ((cell.name, batch.donor), (cell.control_name, batch.another)):
            if donor is not None:
                ends = batch.own[cell.layer], donor[cell.layer]
                activation = apply(cell, *ends, layers[cell.layer])
                made[name] = experiment.run_on(cell.layer, activation)
    return made


def check(experiment: Experiment, batch: Batch) -> dict[tuple[str, str], float]:
    """How far nothing replaced is from the output, and a whole layer from the other output.

    Returns:
        The largest difference of a sample by (layer, ``none`` or ``whole``), for every layer that
        the Generator can be run on from; ``whole`` only where there is another output.

    Raises:
        RuntimeError: One is above :data:`TOLERANCE`: the Generator would be no chain.
    """
    sides = {"none": batch.own}
    if experiment.by == "other":
        sides["whole"] = batch.donor
    found = {}
    for layer in batch.own:
        for patch, side in sides.items():
            if layer != "out":
                gap = np.abs(experiment.run_on(layer, side[layer]) - side["out"])
                found[layer, patch] = float(gap[: batch.count].max())
                if not found[layer, patch] <= TOLERANCE:
                    raise RuntimeError(
                        f"{layer}, {patch} replaced: differs by {found[layer, patch]:g}"
                    )
    return found


def reference_of(experiment: Experiment, batch: Batch, split_hz: float):
    """What a batch's outputs are compared with: the other output, else the untouched one."""
    other = batch.donor["out"] if experiment.by == "other" else batch.own["out"]
    rate_hz = experiment.config.sample_rate
    return make_reference(other, batch.own["out"], rate_hz, split_hz)


def scan(
    experiment: Experiment, layer: Layer, measure: str, split_hz: float, progress
) -> dict[str, np.ndarray]:
    """Intervenes on each feature map of a layer alone, then on the first 1, 2, .. together.

    Args:
        experiment: The bases and what replaces a map.
        layer: Its maps.
        measure: One of :data:`~wavegan_tf.analysis.causes.outputs.MEASURES`.
        split_hz: Of the measure ``high``.
        progress: Wraps an iterator of a given length.

    Returns:
        ``from`` and ``to`` [n], the measure at both ends (``to`` as
        ``causes.interventions.judge`` takes it); ``single`` [maps, n], of each
        map alone; ``order`` [maps], counted from 1, from the greatest share of the effect to the
        least; ``cumulative`` [maps, n], of the first 1, 2, .. of that order.
    """
    n, singles = len(experiment.start), [[m] for m in range(layer.channels)]
    ends = np.zeros([2, n])
    for batch in experiment.batches():
        here = slice(batch.first, batch.first + batch.count)
        reference = reference_of(experiment, batch, split_hz)
        own = measure_outputs(batch.own["out"], reference)[measure]
        other = measure_outputs(reference.sounds, reference)[measure]
        if experiment.by != "other":
            other = power(batch.own["out"])  # of the waveform; no other measure has an end
        ends[:, here] = own[: batch.count], other[: batch.count]
    single = _scan(experiment, layer, singles, measure, split_hz, progress)
    change = (single - ends[0]).mean(axis=1) / (ends[1] - ends[0]).mean()
    order = np.argsort(-change, kind="stable")
    first = [order[: k + 1] for k in range(layer.channels)]
    cumulative = _scan(experiment, layer, first, measure, split_hz, progress)
    return {
        "from": ends[0], "to": ends[1], "single": single, "order": order + 1,
        "cumulative": cumulative,
    }  # fmt: skip


def _scan(experiment, layer, sets, measure, split_hz, progress):
    """The measure with each set of maps replaced, [sets, n]."""
    n = len(experiment.start)
    work = ((batch, *one) for batch in experiment.batches() for one in enumerate(sets))
    found, before = np.zeros([len(sets), n]), None
    for batch, i, maps in progress(work, len(sets) * -(-n // BATCH)):
        if batch is not before:
            reference, before = reference_of(experiment, batch, split_hz), batch
        own, donor = batch.own[layer.name], batch.donor[layer.name]
        sound = experiment.run_on(layer.name, interventions.replace_maps(own, donor, maps))
        values = measure_outputs(sound, reference)[measure]
        found[i, batch.first : batch.first + batch.count] = values[: batch.count]
    return found


def power(sounds: np.ndarray) -> np.ndarray:
    """Mean square of outputs [batch, time, channels] about their mean, [batch]."""
    sounds = np.asarray(sounds, np.float64)
    return np.mean((sounds - sounds.mean(axis=1, keepdims=True)) ** 2, axis=(1, 2))
