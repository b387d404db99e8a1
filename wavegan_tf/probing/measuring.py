"""One output at a time: series, sounds, intervals, measurements; in as many processes as wanted.

Nothing here imports TensorFlow, so that a process starts in a fraction of a second.
"""

import collections
import concurrent.futures
import dataclasses
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np

from wavegan_tf.analysis import acoustics, averages, textgrid
from wavegan_tf.analysis.annotation import LABELS, AnnotationSettings, Interval, annotate
from wavegan_tf.analysis.settings import AcousticSettings
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import Layer
from wavegan_tf.report import tables

POINT_COLUMNS = ("id", "channel", "layer", *acoustics.Point._fields)
INTERVAL_COLUMNS = ("id", "channel", "layer", *acoustics.Mean._fields)
OUTPUT_COLUMNS = (
    "id", "name", "condition", "pair", "word", "channel", "peak", "rms_db", "clipped_share",
    *(f"n_{label}" for label in LABELS), "measured", "problem",
)  # fmt: skip

SILENT_PEAK = 1e-5
"""An output whose peak, its mean subtracted, is below this is silent: -100 dB re full scale."""

T = TypeVar("T")

_AHEAD = 4  # jobs in the queue of each process


@dataclass(frozen=True)
class Plan:
    """What is done with every output.

    Attributes:
        layers: The layers, the target among them, in the order of the network.
        target: The layer that the others are compared with: ``out``, or a classifier's ``input``.
        sample_rate_hz: Of the target.
        slice_len: Samples of the target.
        acoustic: Settings of the measurements.
        annotation: Settings of the automatic annotation.
        f0_two_pass: Whether each output gets an F0 range of its own.
        upsample: How layers are brought to the target's rate: ``linear`` or ``band_limited``.
        annotations: Folder of hand-made TextGrids instead of the automatic annotation, or None.
        labels: Label of those TextGrids -> one of ours.
        clip: Whether layers are clipped at 1, as the paper's averages.
        audio_dir: Where sounds and TextGrids are written, or None.
        measures: The only ones made, with the values they have among all; None for all.
    """

    layers: tuple[Layer, ...]
    target: str
    sample_rate_hz: int
    slice_len: int
    acoustic: AcousticSettings
    annotation: AnnotationSettings
    f0_two_pass: bool = False
    upsample: str = "linear"
    annotations: str | None = None
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    clip: bool = True
    audio_dir: str | None = None
    measures: tuple[str, ...] | None = None


class Item(NamedTuple):
    """What an output is.

    Attributes:
        id: Its number, from 0.
        name: The recording, relative to its folder; empty of a generated output.
        condition: Settings that it was generated under (``--compare``), or empty.
        pair: Number of the latent vector, the same under every condition.
        word: Of a recording, or empty.
        duration_s: Of a whole recording; None of a generated output.
        problem: Why it cannot be measured, or empty.
    """

    id: int
    name: str = ""
    condition: str = ""
    pair: int = 0
    word: str = ""
    duration_s: float | None = None
    problem: str = ""


class Job(NamedTuple):
    """An output to be measured: ``network`` is 0, or the number of a control network.

    ``series`` holds, by layer, [length] at the layer's own rate, the target [slice_len] or
    [slice_len, channels].
    """

    item: Item
    network: int
    series: dict[str, np.ndarray]


class Measured(NamedTuple):
    """What came of a job.

    Attributes:
        points: Rows of measurements.csv, in order of its columns.
        intervals: Rows of intervals.csv, likewise.
        outputs: Rows of outputs.csv, one for each channel.
        unknown: Labels of a TextGrid that stand for nothing, with their counts.
    """

    points: list[tuple]
    intervals: list[tuple]
    outputs: list[dict]
    unknown: collections.Counter


class Result(NamedTuple):
    """What comes back of a job: ``points`` and ``intervals`` as lines of their tables."""

    network: int
    points: str
    intervals: str
    outputs: list[dict]
    unknown: collections.Counter


def measure_all(jobs: Iterable[Job], plan: Plan, num_processes: int) -> Iterator[Result]:
    """Measures outputs in processes of their own.

    Args:
        jobs: The outputs; only a few are drawn ahead of their turn.
        plan: What is done with each.
        num_processes: How many processes; 1 measures here. The results do not depend on it.

    Yields:
        The results, in the order of the jobs.

    Raises:
        InputError: A process died, as it does when memory runs out.
    """
    yield from in_processes(_run, jobs, plan, num_processes)


def in_processes(
    work: Callable[[Job, Plan], T], jobs: Iterable[Job], plan: Plan, num_processes: int
) -> Iterator[T]:
    """Does ``work`` with every job, as :func:`measure_all` does; a function of a module."""
    if num_processes == 1:
        yield from (work(job, plan) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy TensorFlow's locks
    pool = concurrent.futures.ProcessPoolExecutor(num_processes, context, _begin, (work, plan))
    waiting = collections.deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(_work_here, job))
            if len(waiting) > _AHEAD * num_processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise InputError(
            f"--jobs={num_processes}: a process died, perhaps for want of memory; try fewer"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(work, plan):
    global _work, _plan
    _work, _plan = work, plan
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process hears Ctrl-C


def _work_here(job):
    return _work(job, _plan)


def find_intervals(job: Job, plan: Plan) -> tuple[list[Interval], str]:
    """Annotates the target of an output, its first channel: intervals, and why there are none."""
    sound = job.series[plan.target]
    sound = sound[:, 0] if sound.ndim == 2 else sound
    problem = job.item.problem or _trouble(sound)
    return [] if problem else annotate(sound, plan.sample_rate_hz, plan.annotation), problem


def _run(job, plan):
    """Measures and puts the rows into lines, a control's with its number in front."""
    measured = measure(job, plan)
    before = (job.network,) if job.network else ()
    points, intervals = (
        tables.format_rows(before + row for row in rows)
        for rows in (measured.points, measured.intervals)
    )
    return Result(job.network, points, intervals, measured.outputs, measured.unknown)


def measure(job: Job, plan: Plan) -> Measured:
    """Measures every layer of one output, channel by channel, on the intervals of the target.

    Writes the sounds and the TextGrid of the model's outputs (not of a control's), if the plan
    says where. What is wrong with an output stands in the ``problem`` of its rows: not finite,
    silent, its TextGrid unusable (``measured`` is then 0), or clipped (it is measured).
    """
    sounds = {name: _to_sound(values, plan) for name, values in job.series.items()}
    keep = plan.audio_dir and not job.network
    if keep:
        for name, sound in sounds.items():
            path = os.path.join(plan.audio_dir, f"{job.item.id:04d}_{name}.wav")
            tables.write_wav(path, sound, plan.sample_rate_hz)
    target = sounds[plan.target]
    channels = target[:, np.newaxis] if target.ndim == 1 else target  # [time, channels]
    result = Measured([], [], [], collections.Counter())
    for channel, sound in enumerate(channels.T, start=1):
        names = _textgrid_names(job.item, plan, channel, channels.shape[1])
        intervals, problem = [], job.item.problem or _trouble(sound)
        if not problem and plan.annotations and (job.item.name or not job.network):
            intervals, problem, unknown = _read_intervals(job.item, plan, names)
            result.unknown.update(unknown)
        elif not problem:
            intervals = annotate(sound, plan.sample_rate_hz, plan.annotation)
        result.outputs.append(_describe(sound, job.item, channel, intervals, problem))
        acoustic = _settings_of(sound, plan)
        for layer in plan.layers if intervals else ():
            is_target = layer.name == plan.target
            heard = sound if is_target else sounds[layer.name]
            own = None
            if not is_target:
                own = annotate(heard, plan.sample_rate_hz, plan.annotation, layer.rate_hz)
            points, means = acoustics.measure_layer(
                heard, plan.sample_rate_hz, layer.rate_hz, intervals, acoustic, own, plan.measures
            )
            here = (job.item.id, channel, layer.name)
            result.points.extend(here + row for row in points)
            result.intervals.extend(here + row for row in means)
        if keep and not problem:
            path = os.path.join(plan.audio_dir, names[0])
            textgrid.write_annotation(path, intervals, plan.slice_len / plan.sample_rate_hz)
    return result


def _to_sound(values, plan):
    """Upsamples a series [length] or [length, channels]."""
    return averages.to_sound(values.T, plan.slice_len, plan.upsample, plan.clip).T


def _settings_of(sound, plan):
    """The acoustic settings for one output: with two passes, in an F0 range of its own."""
    if not plan.f0_two_pass or not np.isfinite(sound).all():
        return plan.acoustic
    floor_hz, ceiling_hz = acoustics.f0_range_of(sound, plan.sample_rate_hz, plan.acoustic)
    return dataclasses.replace(plan.acoustic, f0_floor_hz=floor_hz, f0_ceiling_hz=ceiling_hz)


def _trouble(sound):
    """Why a sound cannot be measured, or nothing."""
    n_bad = int(np.count_nonzero(~np.isfinite(sound)))
    if n_bad:
        return f"{n_bad} of {len(sound)} samples are NaN or infinite"
    return "silent" if np.ptp(sound) < 2 * SILENT_PEAK else ""


def _read_intervals(item, plan, names):
    """A hand-made TextGrid's intervals, cut at the end of the slice; a problem; unknown labels."""
    paths = [os.path.join(plan.annotations, name) for name in names]
    paths = [path for path in paths if os.path.isfile(path)]
    if not paths:
        return [], f"--annotations={plan.annotations}: has no {' or '.join(names)}", {}
    slice_s = plan.slice_len / plan.sample_rate_hz
    try:
        intervals, unknown = _load_annotation(paths[0], {slice_s, item.duration_s or slice_s}, plan)
    except InputError as error:
        return [], str(error), {}
    intervals = [
        interval._replace(end_s=min(interval.end_s, slice_s))
        for interval in intervals
        if interval.start_s < slice_s
    ]
    problem = ""
    if not intervals:
        problem = (
            f"{paths[0]}: no interval is labelled {', '.join(LABELS)}, but "
            f"{', '.join(unknown) or 'nothing'}; say with --labels=V=voiced what labels stand for"
        )
    return intervals, problem, unknown


def _load_annotation(path, durations_s, plan):
    """Read a TextGrid that lasts as long as the slice or as the whole recording."""
    grid = textgrid.read(path)
    nearest_s = min(durations_s, key=lambda duration_s: abs(duration_s - grid.end_s))
    return textgrid.load_annotation(path, nearest_s, plan.labels)


def _textgrid_names(item, plan, channel, num_channels):
    """Names that a TextGrid may have: as this package writes it, then as the recording's."""
    of_channel = f"_channel{channel}" if num_channels > 1 else ""
    names = [f"{item.id:04d}_{plan.target}{of_channel}.TextGrid"]
    if item.name:
        names.append(f"{os.path.splitext(item.name)[0]}.TextGrid")
    return names


def _describe(sound, item, channel, intervals, problem):
    """The row of outputs.csv of one channel."""
    clipped = acoustics.clipped_share(sound)
    rms = float(np.sqrt(np.mean((sound - sound.mean(dtype=np.float64)) ** 2)))
    counts = {f"n_{label}": sum(i.label == label for i in intervals) for label in LABELS}
    return {
        "id": item.id,
        "name": item.name,
        "condition": item.condition,
        "pair": item.pair,
        "word": item.word,
        "channel": channel,
        "peak": float(np.abs(sound).max()),
        "rms_db": 20 * float(np.log10(rms)) if rms > 0 else float("nan"),
        "clipped_share": clipped,
        **counts,
        "measured": int(not problem),
        "problem": problem or (f"{clipped:.2%} of the samples are clipped" if clipped else ""),
    }
