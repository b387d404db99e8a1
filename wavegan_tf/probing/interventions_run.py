"""Writes what interventions change: outputs, their measurements, and the scan of feature maps."""

import functools
import math
import os
from dataclasses import dataclass

import numpy as np

from wavegan_tf.analysis.causes.outputs import MEASURES, measure_outputs, scaled_distances
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.latents import latent_names
from wavegan_tf.probing import intervening, measuring, run
from wavegan_tf.probing.cells import Cell
from wavegan_tf.probing.measuring import Item, Job, Plan
from wavegan_tf.report import tables

LEVEL_COLUMNS = ("id", "measure", "unit", "value")
CHECK_COLUMNS = ("layer", "patch", "max_difference")


@dataclass(frozen=True)
class Request:
    """What is asked of a run.

    Attributes:
        cells: The interventions.
        scan: The measure by which single maps are scanned, or None for no scan.
        keep_audio: Whether sounds and TextGrids are written.
        num_processes: That measure.
    """

    cells: list[Cell]
    scan: str | None
    keep_audio: bool
    num_processes: int


def write_run(
    directory: str,
    opened: Opened,
    experiment: intervening.Experiment,
    request: Request,
    plan: dict,
    record: dict,
    progress,
) -> None:
    """Intervenes, measures and writes everything but statistics, figures and summary.

    Writes config.json, latents.csv, outputs.csv, intervals.csv, levels.csv, checks.csv, audio/ and,
    of a scan, scan.npz. Output ``id`` is base * conditions + condition, the conditions being
    ``from``, ``to`` if there is another end, every cell's name and, where there are controls,
    those of all cells. levels.csv has of every cell ``waveform_scaled`` and the like too: what a
    gain of ``from`` reaches, of a window one within that stretch of time; of ``from`` one of all.

    Args:
        directory: An empty directory.
        opened: The checkpoint.
        experiment: Of its Generator.
        request: What is asked for.
        plan: Fields of :class:`~wavegan_tf.probing.measuring.Plan` that do not follow from the
            model.
        record: What the command line adds to config.json.
        progress: :func:`wavegan_tf.progress.progress`.
    """
    config = opened.config
    audio_dir = os.path.join(directory, "audio") if request.keep_audio else None
    if audio_dir:
        os.makedirs(audio_dir)
    where = {"sample_rate_hz": config.sample_rate, "slice_len": config.slice_len}
    target = (config.layers[-1],)
    plan = Plan(target, "out", **where, clip=True, audio_dir=audio_dir, **plan)
    names = ["from", *(["to"] if experiment.by == "other" else [])]
    names += [cell.name for cell in request.cells]
    names += [cell.control_name for cell in request.cells if experiment.controlled]
    total = len(names) * len(experiment.start)
    asked = run.Request("out", (0, total), request.num_processes)
    record |= run.describe_run(opened, asked, plan, total)
    record |= _describe(experiment, request, names)
    tables.write_json(os.path.join(directory, "config.json"), record)
    _write_latents(directory, experiment, len(names))
    split_hz = plan.annotation.frication_above_hz
    checks = {}
    with (
        tables.TableWriter(os.path.join(directory, "levels.csv"), LEVEL_COLUMNS) as levels,
        tables.TableWriter(
            os.path.join(directory, "outputs.csv"), measuring.OUTPUT_COLUMNS
        ) as outputs,
        tables.TableWriter(
            os.path.join(directory, "intervals.csv"), measuring.INTERVAL_COLUMNS
        ) as intervals,
    ):
        jobs = _jobs(experiment, request.cells, names, split_hz, levels, checks)
        measured = measuring.measure_all(jobs, plan, request.num_processes)
        for result in progress(measured, total, "measuring"):
            intervals.write_lines(result.intervals)
            outputs.write(result.outputs)
    rows = [(*key, gap) for key, gap in checks.items()]
    rows = [dict(zip(CHECK_COLUMNS, row, strict=True)) for row in rows]
    tables.write_csv(os.path.join(directory, "checks.csv"), CHECK_COLUMNS, rows)
    if request.scan:
        _write_scan(directory, experiment, request.scan, split_hz, progress)


def _describe(experiment, request, names):
    """What config.json says of the interventions."""
    cells = [
        {
            "name": cell.name,
            "control": cell.control_name if experiment.controlled else None,
            "layer": cell.layer,
            "patch": cell.patch,
            "maps": cell.maps,
            "start_s": None if math.isnan(cell.start_s) else cell.start_s,
            "end_s": None if math.isnan(cell.end_s) else cell.end_s,
        }
        for cell in request.cells
    ]
    layers = [{"name": x.name, "maps": x.channels, "rate_hz": x.rate_hz} for x in experiment.layers]
    return {
        "by": experiment.by,
        "n_bases": len(experiment.start),
        "conditions": names,
        "cells": cells,
        "patched_layers": layers,
        "scan": request.scan,
    }


def _write_latents(directory, experiment, n_conditions):
    """latents.csv: those of ``from`` and, where there is another end, of ``to``."""
    names = latent_names(experiment.config)
    ends = [x for x in (experiment.start, experiment.end) if x is not None]
    rows = [
        {"id": base * n_conditions + k} | dict(zip(names, end[base], strict=True))
        for base in range(len(experiment.start))
        for k, end in enumerate(ends)
    ]
    tables.write_csv(os.path.join(directory, "latents.csv"), ["id", *names], rows)


def _jobs(experiment, cells, names, split_hz, levels, checks):
    """Yields every output, base by base; writes its levels, keeps the greatest differences."""
    units = MEASURES | {f"{m}_scaled": unit for m, unit in MEASURES.items()}
    for batch in experiment.batches():
        for key, gap in intervening.check(experiment, batch).items():
            checks[key] = max(gap, checks.get(key, 0.0))
        sounds = intervening.outputs(experiment, batch, cells)
        reference = intervening.reference_of(experiment, batch, split_hz)
        measured = {name: measure_outputs(x, reference) for name, x in sounds.items()}
        if experiment.by == "other":
            for name, scaled in _scaled(sounds["from"], reference, cells):
                measured[name] |= {f"{m}_scaled": x for m, x in scaled.items()}
        for k in range(batch.count):
            base = batch.first + k
            for number, name in enumerate(names):
                i = base * len(names) + number
                levels.write(
                    {"id": i, "measure": m, "unit": units[m], "value": values[k]}
                    for m, values in measured[name].items()
                )
                sound = sounds[name][k]
                series = sound[:, 0] if sound.shape[1] == 1 else sound
                yield Job(Item(i, condition=name, pair=base), 0, {"out": series})


def _scaled(sounds, reference, cells):
    """Yields the names of ``from`` and of every cell, and what gains of ``from`` reach there."""
    found = {(): scaled_distances(sounds, reference)}
    yield "from", found[()]
    times_s = (np.arange(sounds.shape[1]) + 0.5) / reference.rate_hz
    for cell in cells:
        stretch = (cell.start_s, cell.end_s) if cell.patch == "window" else ()
        if stretch not in found:
            inside = (times_s >= cell.start_s) & (times_s < cell.end_s)
            found[stretch] = scaled_distances(sounds, reference, inside)
        yield cell.name, found[stretch]


def _write_scan(directory, experiment, measure, split_hz, progress):
    """scan.npz: what :func:`~wavegan_tf.probing.intervening.scan` finds of each layer."""
    arrays = {}
    for layer in experiment.layers:
        bar = functools.partial(progress, label=f"scanning {layer.name}")
        found = intervening.scan(experiment, layer, measure, split_hz, bar)
        arrays |= {f"{layer.name}/{name}": x for name, x in found.items()}
    tables.write_npz(os.path.join(directory, "scan.npz"), arrays)
