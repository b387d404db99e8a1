"""Follows the feature maps of one layer over many outputs, of which only sums are kept.

Every base latent vector is run at each value of one variable. Profiles are summed, what compares an
output with another of its base vector becomes one number per map, and the maps themselves are kept
of the first base vector alone, so that memory hardly grows with the number of outputs.
"""

import collections
import dataclasses
import os
from typing import NamedTuple

import numpy as np

from wavegan_tf.analysis import praat
from wavegan_tf.analysis.annotation import LABELS, AnnotationSettings
from wavegan_tf.analysis.averages import Reduction
from wavegan_tf.analysis.causes.feature_maps import (
    Firing,
    cosine_distances,
    label_masks,
    selectivity,
)
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.latents import latent_names
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.probing import sources
from wavegan_tf.probing.measuring import Job, Plan, find_intervals, in_processes
from wavegan_tf.report import tables
from wavegan_tf.sweeps import Sweep


class Activity(NamedTuple):
    """What the maps of a layer did.

    Attributes:
        halves: Profiles, averages over the even and the odd base vectors, [2, values, maps,
            length].
        profiles: Averages over all base vectors, [values, maps, length].
        peaks: The highest activation of each map in any output, [maps].
        means: Mean activation in each output, [bases, values, maps].
        distances: Cosine distance from the first value, [bases, values - 1, maps].
        firing: Inside and outside of intervals, means over each base vector's outputs, [bases,
            labels, maps] each.
        shuffled: The index of firing with other intervals, likewise: those of the last base vector
            before that has the label at the same value; NaN where none has.
        n_outputs: Outputs that have an index, [labels, maps].
        first_maps: The maps of the first base vector, [values, maps, length].
        first_out: Its outputs, [values, slice_len] or [values, slice_len, channels].
        intervals: Of each output, (label, start_s, end_s) each.
        problems: Of each output, why it has no intervals, or empty.
    """

    halves: np.ndarray
    profiles: np.ndarray
    peaks: np.ndarray
    means: np.ndarray
    distances: np.ndarray
    firing: Firing
    shuffled: np.ndarray
    n_outputs: np.ndarray
    first_maps: np.ndarray
    first_out: np.ndarray
    intervals: list[list]
    problems: list[str]


def choose_layer(name: str, config: ModelConfig) -> Layer:
    """Reads ``--layer``: one layer of feature maps.

    Raises:
        InputError: There is no layer of that name, or it is the audio.
    """
    known = {layer.name: layer for layer in config.layers[:-1]}
    if name not in known:
        why = "the audio, which has no feature maps" if name == "out" else "no layer of this model"
        raise InputError(f"--layer={name}: {why}; choose one of {', '.join(known)}")
    return known[name]


def follow_maps(
    opened: Opened,
    layer: Layer,
    latents: np.ndarray,
    n_values: int,
    annotation: AnnotationSettings,
    num_processes: int,
    progress,
) -> Activity:
    """Runs the Generator and follows the maps of a layer.

    Args:
        opened: The checkpoint.
        layer: Of :func:`choose_layer`.
        latents: Of :func:`vary_bases`, [bases * values, latent_dim].
        n_values: Values of the variable.
        annotation: How intervals are found in the output, its first channel.
        num_processes: That find them; results do not depend on it.
        progress: Wraps an iterator, given its length, to show how far it is.

    Raises:
        InputError: An activation is not finite.
    """
    source = sources.make_source(opened, "generator", layer.name, Reduction())
    inputs = sources.Latents(latents, ("",) * n_values)
    config = opened.config
    plan = Plan((), source.target, config.sample_rate, config.slice_len, None, annotation)
    sums = _Sums(layer, len(latents) // n_values, n_values)
    waiting = collections.deque()  # outputs whose intervals are not known yet

    def jobs():
        for number in range(-(-len(inputs) // sources.BATCH)):
            batch = sources.read_batch(inputs, number)
            for output in source.outputs(batch, 0, len(inputs)):
                waiting.append(output)
                yield Job(output.item, 0, {source.target: output.series[source.target]})

    found = in_processes(find_intervals, jobs(), plan, num_processes)
    for intervals, problem in progress(found, len(inputs)):
        sums.add(waiting.popleft(), intervals, problem)
    return sums.result()


class _Sums:
    """Grows by one output after the other."""

    def __init__(self, layer, bases, values):
        shape = (bases, values, layer.channels)
        by_label = (bases, len(LABELS), layer.channels)
        self._layer, self._values = layer, values
        self._profiles = np.zeros((2, values, layer.channels, layer.length))
        self._peaks = np.full(layer.channels, -np.inf)
        self._means, self._distances = np.empty(shape), np.empty(shape)
        self._sums = np.zeros((4, *by_label))  # inside, outside, index, shuffled index
        self._counts = np.zeros((4, *by_label), int)
        self._earlier = np.zeros((values, len(LABELS), layer.length), bool)
        self._first_maps, self._first_out = [], []
        self._reference = None
        self._intervals, self._problems = [], []

    def add(self, output, intervals, problem):
        """Take in an output, in order of number."""
        layer, maps = self._layer, output.maps[self._layer.name]  # [length, maps]
        if not np.isfinite(maps).all():
            raise InputError(
                f"output {output.item.id}: {layer.name} has activations that are NaN or infinite; "
                "give --vary and --set values nearer to those of training (-1 .. 1)"
            )
        base, value = divmod(output.item.id, self._values)
        self._profiles[base % 2, value] += maps.T
        self._peaks = np.maximum(self._peaks, maps.max(axis=0))
        self._means[base, value] = maps.mean(axis=0, dtype=np.float64)
        if value == 0:
            self._reference = maps
        self._distances[base, value] = cosine_distances(maps, self._reference)
        if base == 0:
            self._first_maps.append(maps.T)
            self._first_out.append(output.series["out"])
        self._add_firing(base, value, maps, intervals)
        self._intervals.append(intervals)
        self._problems.append(problem)

    def _add_firing(self, base, value, maps, intervals):
        """Compare with the output's own intervals and with those of an earlier base vector."""
        layer, earlier = self._layer, self._earlier[value]
        masks = label_masks(intervals, layer.length, layer.rate_hz)
        found = np.stack([*selectivity(maps, masks), selectivity(maps, earlier).index])
        if not intervals:  # silent or not finite: it says nothing under other intervals either
            found[3] = np.nan
        there = np.isfinite(found)  # [4, labels, maps]
        self._sums[:, base] += np.where(there, found, 0)
        self._counts[:, base] += there
        present = masks.any(axis=1)
        earlier[present] = masks[present]

    def result(self):
        bases = len(self._means)
        of_half = np.array([(bases + 1) // 2, bases // 2])
        with np.errstate(invalid="ignore"):
            inside, outside, index, shuffled = self._sums / self._counts
            halves = self._profiles / of_half[:, None, None, None]
        return Activity(
            halves, self._profiles.sum(axis=0) / bases, self._peaks, self._means,
            self._distances[:, 1:], Firing(inside, outside, index), shuffled,
            self._counts[2].sum(axis=0), np.stack(self._first_maps), np.stack(self._first_out),
            self._intervals, self._problems,
        )  # fmt: skip


def describe(
    opened: Opened, layer: Layer, sweep: Sweep, n: int, annotation: AnnotationSettings
) -> dict:
    """What config.json says of the checkpoint, the model, the layer and the outputs."""
    config, checkpoint = opened.config, opened.checkpoint
    return {
        "checkpoint": {
            "prefix": checkpoint.prefix,
            "sha256": checkpoint.sha256(),
            "step": opened.step,
            "origin": opened.origin,
        },
        "model": config.to_dict(),
        "target": "out",
        "layer": layer.name,
        "n_bases": n,
        "vary": [{"name": sweep.name, "values": sweep.values}],
        "sample_rate_hz": config.sample_rate,
        "slice_len": config.slice_len,
        "layers": [
            {
                "name": here.name,
                "length": here.length,
                "channels": here.channels,
                "rate_hz": here.rate_hz,
                "nyquist_hz": here.nyquist_hz,
            }
            for here in (layer, config.layers[-1])
        ],
        "praat": praat.version(),
        "annotation": dataclasses.asdict(annotation),
    }


def write_outputs(
    directory: str, config: ModelConfig, latents: np.ndarray, sweep: Sweep, activity: Activity
) -> None:
    """Writes latents.csv, steps.csv, annotation.csv: what each output is and what it contains."""
    names = latent_names(config)
    tables.write_csv(
        os.path.join(directory, "latents.csv"),
        ["id", *names],
        ({"id": i} | dict(zip(names, z, strict=True)) for i, z in enumerate(latents)),
    )
    values, counted = len(sweep.values), [f"n_{label}" for label in LABELS]
    found = list(zip(activity.intervals, activity.problems, strict=True))
    tables.write_csv(
        os.path.join(directory, "steps.csv"),
        ["id", "base", sweep.name, *counted, "problem"],
        (
            {"id": i, "base": i // values, sweep.name: sweep.values[i % values], "problem": problem}
            | {f"n_{label}": sum(x.label == label for x in here) for label in LABELS}
            for i, (here, problem) in enumerate(found)
        ),
    )
    tables.write_csv(
        os.path.join(directory, "annotation.csv"),
        ["id", "label", "start_s", "end_s"],
        ({"id": i} | x._asdict() for i, (here, _) in enumerate(found) for x in here),
    )
