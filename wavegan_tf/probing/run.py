"""Writes what a run measures, output by output, so that memory does not grow with their number."""

import collections
import dataclasses
import itertools
import logging
import os
from dataclasses import dataclass

import numpy as np

from wavegan_tf.analysis import measures, praat
from wavegan_tf.analysis.averages import Reduction
from wavegan_tf.analysis.settings import layer_limits
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.latents import latent_names
from wavegan_tf.probing import measuring, sources
from wavegan_tf.probing.measuring import Job, Plan
from wavegan_tf.report import tables

_log = logging.getLogger("wavegan_tf")


@dataclass(frozen=True)
class Request:
    """What is asked of a run.

    Attributes:
        layers: ``--layers``.
        outputs: Number of the first output, and that after the last: of a shard, not of all.
        num_processes: That measure.
        network: ``generator``, ``discriminator`` or ``q``.
        reduction: Of feature maps.
        controls: Networks with random weights to measure beside the model.
        control_outputs: Outputs of each control, at most.
        num_maps: Outputs whose feature maps are kept.
        keep_series: Whether series.npz is written.
        keep_audio: Whether sounds and TextGrids are written.
    """

    layers: str
    outputs: tuple[int, int]
    num_processes: int
    network: str = "generator"
    reduction: Reduction = Reduction()
    controls: int = 0
    control_outputs: int = 0
    num_maps: int = 0
    keep_series: bool = True
    keep_audio: bool = True


def read_shard(text: str, n: int, multiple: int = 1) -> tuple[int, int]:
    """Reads ``--shard``: ``3/10`` is the third of ten equal runs of consecutive outputs.

    Args:
        text: The flag's value.
        n: Number of outputs in all.
        multiple: Outputs that stay together (those of one latent under several conditions).

    Returns:
        Number of the first output, and that after the last.

    Raises:
        InputError: Not of that form, or there are more shards than outputs.
    """
    number, _, count = text.partition("/")
    if not (number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise InputError(f"--shard={text}: expected NUMBER/COUNT, for example 3/10 or 10/10")
    groups = n // multiple
    if int(count) > groups:
        raise InputError(f"--shard={text}: more shards than the {groups} outputs there are")
    first, stop = ((int(number) - k) * groups // int(count) * multiple for k in (1, 0))
    return first, stop


def write_run(
    directory: str, opened: Opened, inputs, request: Request, plan: dict, record: dict, progress
) -> None:
    """Runs the networks, measures and writes everything but statistics and figures.

    Writes config.json, latents.csv or logits.csv, series.npz, maps.npz, audio/, measurements.csv,
    intervals.csv, outputs.csv and controls/ (README, What it writes).

    Args:
        directory: An empty directory.
        opened: The checkpoint.
        inputs: Of the network, :class:`~wavegan_tf.probing.sources.Latents` or ``Recordings``.
        request: What is asked for.
        plan: What is done with every output: fields of
            :class:`~wavegan_tf.probing.measuring.Plan`, but those that follow from the model.
        record: What the command line adds to config.json.
        progress: Wraps an iterator, given its length, to show how far it is.
    """
    source = sources.make_source(opened, request.network, request.layers, request.reduction)
    numbers = range(1, request.controls + 1)
    controls = [sources.make_control(source, opened.config, request.network, k) for k in numbers]
    config = opened.config
    audio_dir = os.path.join(directory, "audio") if request.keep_audio else None
    where = {"sample_rate_hz": config.sample_rate, "slice_len": config.slice_len}
    clip = request.network == "generator" and request.reduction == Reduction()
    plan = Plan(source.layers, source.target, **where, clip=clip, audio_dir=audio_dir, **plan)
    record = record | describe_run(opened, request, plan, len(inputs))
    tables.write_json(os.path.join(directory, "config.json"), record)
    if audio_dir:
        os.makedirs(audio_dir)
    kept = _Kept(directory, config, inputs, source, request)
    trouble, unknown = [], collections.Counter()
    with kept, _Tables(directory, ()) as model_tables:
        control_tables = _Tables(os.path.join(directory, "controls"), ("network",), bool(controls))
        with control_tables:
            jobs = _jobs(source, controls, inputs, request, kept.keep)
            measured = measuring.measure_all(jobs, plan, request.num_processes)
            for result in progress(measured, _count_jobs(len(controls), request)):
                if result.network:
                    control_tables.write(result)
                else:
                    model_tables.write(result)
                    trouble += [row for row in result.outputs if row["problem"]]
                    unknown.update(result.unknown)
    for note, count in getattr(inputs, "notes", {}).items():
        _log.info("%d recordings %s", count, note)
    _report(trouble, unknown)


def _jobs(source, controls, inputs, request, keep):
    """Yields every output of the model, each followed by those of the controls; keeps series."""
    first, stop = request.outputs
    for number in range(first // sources.BATCH, -(-stop // sources.BATCH)):
        batch = sources.read_batch(inputs, number)
        batches = [source.outputs(batch, first, stop)]
        control_stop = min(stop, request.control_outputs)
        batches += [control.outputs(batch, first, control_stop) for control in controls]
        for outputs in itertools.zip_longest(*batches):
            for network, output in enumerate(outputs):
                if output is not None:
                    if network == 0:
                        keep(output)
                    yield Job(output.item, network, output.series)


def _count_jobs(num_controls, request):
    first, stop = request.outputs
    return stop - first + num_controls * max(0, min(stop, request.control_outputs) - first)


class _Tables:
    """measurements.csv, intervals.csv and outputs.csv of one kind of network; a context."""

    def __init__(self, directory, before, wanted=True):
        self._tables = {}
        if wanted:
            os.makedirs(directory, exist_ok=True)
            columns = {
                "points": ("measurements.csv", measuring.POINT_COLUMNS),
                "intervals": ("intervals.csv", measuring.INTERVAL_COLUMNS),
                "outputs": ("outputs.csv", measuring.OUTPUT_COLUMNS),
            }
            for field, (name, names) in columns.items():
                path = os.path.join(directory, name)
                self._tables[field] = tables.TableWriter(path, [*before, *names])

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for table in self._tables.values():
            table.__exit__(*error)

    def write(self, result):
        self._tables["points"].write_lines(result.points)
        self._tables["intervals"].write_lines(result.intervals)
        before = {"network": result.network} if result.network else {}
        self._tables["outputs"].write(before | row for row in result.outputs)


class _Kept:
    """What is kept of the model's outputs besides measurements; a context."""

    def __init__(self, directory, config, inputs, source, request):
        self._maps, self._request, self._directory = [], request, directory
        self._latents = inputs.values if isinstance(inputs, sources.Latents) else None
        count = request.outputs[1] - request.outputs[0]
        shapes = {} if self._latents is None else {"z": (count, config.latent_dim)}
        for layer in source.layers:
            several = layer.name == source.target and layer.channels > 1
            shape = (count, layer.length, layer.channels) if several else (count, layer.length)
            shapes[layer.name] = shape
        self._series = self._table = None
        if request.keep_series:
            self._series = tables.SeriesWriter(os.path.join(directory, "series.npz"), shapes)
        if self._latents is not None:
            self._names = latent_names(config)
            path = os.path.join(directory, "latents.csv")
            self._table = tables.TableWriter(path, ["id", *self._names])
        else:
            names = ["d"] if request.network == "discriminator" else latent_names(config)
            self._names = [f"logit_{name}" for name in names[: config.num_categ or 1]]
            path = os.path.join(directory, "logits.csv")
            self._table = tables.TableWriter(path, ["id", "name", "word", *self._names])

    def keep(self, output):
        item = output.item
        if self._latents is not None:
            z = self._latents[item.id]
            self._table.write([{"id": item.id} | dict(zip(self._names, z, strict=True))])
        else:
            z = None
            about = {"id": item.id, "name": item.name, "word": item.word}
            self._table.write([about | dict(zip(self._names, output.logits, strict=True))])
        if self._series:
            self._series.write({"z": z} | output.series)
        if item.id < self._request.num_maps:
            self._maps.append(output.maps)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._table.__exit__(*error)
        if self._series:
            self._series.__exit__(*error)
        if error[0] is not None:
            return
        if self._maps:
            stacked = {
                name: np.stack([maps[name] for maps in self._maps]) for name in self._maps[0]
            }
            tables.write_npz(os.path.join(self._directory, "maps.npz"), stacked)


def _report(trouble, unknown):
    """Says what was wrong with outputs."""
    for row in trouble[:10]:
        name = row["name"] or f"output {row['id']}"
        _log.warning("%s: %s%s", name, row["problem"], "" if row["measured"] else ": not measured")
    if len(trouble) > 10:
        _log.warning("and %d more outputs; outputs.csv names every one", len(trouble) - 10)
    if unknown:
        listed = ", ".join(f"{label} ({count})" for label, count in sorted(unknown.items()))
        _log.warning("--annotations: labels left out, for want of --labels: %s", listed)


def describe_run(opened: Opened, request: Request, plan: Plan, n: int) -> dict:
    """What config.json says of the checkpoint, the model and the measurements.

    Args:
        opened: The checkpoint.
        request: What is asked for.
        plan: What is done with every output.
        n: Number of outputs in all, of which a shard has some.
    """
    limits = {layer.name: layer_limits(layer.rate_hz, plan.acoustic) for layer in plan.layers}
    for name, limit in limits.items():
        for warning in limit.warnings:
            _log.warning("%s: %s", name, warning)
    return {
        "checkpoint": {
            "prefix": opened.checkpoint.prefix,
            "sha256": opened.checkpoint.sha256(),
            "step": opened.step,
            "origin": opened.origin,
        },
        "model": opened.config.to_dict(),
        "network": request.network,
        "target": plan.target,
        "n": n,
        "outputs": request.outputs,
        "controls": request.controls,
        "control_outputs": request.control_outputs,
        "reduce": str(request.reduction),
        "upsample": plan.upsample,
        "clip": plan.clip,
        "f0_two_pass": plan.f0_two_pass,
        "sample_rate_hz": plan.sample_rate_hz,
        "slice_len": plan.slice_len,
        "layers": [
            {
                "name": layer.name,
                "length": layer.length,
                "channels": layer.channels,
                "rate_hz": layer.rate_hz,
                "nyquist_hz": layer.nyquist_hz,
            }
            for layer in plan.layers
        ],
        "praat": praat.version(),
        "settings": dataclasses.asdict(plan.acoustic),
        "annotation": dataclasses.asdict(plan.annotation),
        "centred": measures.CENTRED if plan.acoustic.center else {},
        "limits": {name: dataclasses.asdict(limit) for name, limit in limits.items()},
    }
