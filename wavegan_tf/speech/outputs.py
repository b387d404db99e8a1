"""One output at a time: sounds, intervals, measurements; in as many processes as wanted.

Processes give back arrays of codes, not text; :func:`gather` makes them tables.
"""

import contextlib
import dataclasses
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
import scipy

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import Layer
from wavegan_tf.processes import in_processes
from wavegan_tf.speech import textgrids
from wavegan_tf.speech.averages import to_sound
from wavegan_tf.speech.intervals import LABELS, Interval, find_intervals
from wavegan_tf.speech.measure import ROW, clipped_share, f0_range_of, make_table, measure_rows
from wavegan_tf.speech.settings import STOPS, USUAL, IntervalSettings, PraatSettings

SILENT_PEAK = 1e-5
"""An output whose peak, its mean subtracted, is below this is silent: -100 dB re full scale."""


@dataclass(frozen=True)
class Plan:
    """What is done with every output."""

    layers: tuple[Layer, ...]  # the target among them, in the order of the network
    target: str  # the layer that others are compared with: "out", or a classifier's "input"
    sample_rate_hz: int  # of the target
    slice_len: int  # samples of the target
    praat: PraatSettings
    intervals: IntervalSettings
    f0_two_pass: bool = False  # whether each output gets an F0 range of its own
    upsample: str = "linear"  # how layers get the target's rate: "linear" or "band_limited"
    annotations: str | None = None  # folder of hand-made TextGrids, which go before found intervals
    labels: dict[str, str] = dataclasses.field(default_factory=dict)  # their labels -> ours
    clip: bool = False  # whether layers are clipped at 1, as the paper's averages
    strides_hz: tuple[float, ...] = ()  # where F0 is suspect
    audio_dir: str | None = None  # where sounds and TextGrids are written
    measures: tuple[str, ...] | None = None  # the only ones made; None for the usual ones

    @property
    def measures_of_layers(self) -> tuple[str, ...] | None:
        """Those made of layers other than the target, which have no stops."""
        kept = None if self.measures is None else tuple(x for x in self.measures if x not in STOPS)
        return None if kept == USUAL else kept


class Output(NamedTuple):
    """An output to be measured: a generated one, or a recording that a classifier reads."""

    output: int  # its number, from 0
    network: int  # 0 of the model, or the number of a network with random weights
    series: dict[str, np.ndarray]  # by layer [length]; the target may be [slice_len, channels]
    name: str = ""  # of a recording, relative to its folder
    word: str = ""  # what a recording says
    duration_s: float | None = None  # of a whole recording
    problem: str = ""  # why it cannot be measured
    intervals: tuple[tuple[Interval, ...], ...] | None = None  # of each channel, if they are known


class Measured(NamedTuple):
    """What came of an output."""

    network: int  # as of the output
    # for each channel and layer: channel (from 1), place of the layer in the plan, rows of ROW,
    # vocabularies of their reasons and flags
    rows: list[tuple[Any, ...]]
    outputs: list[dict[str, Any]]  # rows of the table of outputs, one for each channel
    unknown: Counter[str]  # labels of a TextGrid that stand for nothing


def measure_outputs(
    outputs: Iterable[Output], plan: Plan, num_processes: int = 1
) -> Iterator[Measured]:
    """Measures outputs in processes of their own, in order; only a few are drawn ahead."""
    return in_processes(measure_output, outputs, plan, num_processes)


def measure_output(output: Output, plan: Plan) -> Measured:
    """Measures every layer of one output, channel by channel, on the intervals of the target.

    Writes sounds and TextGrid of the model's outputs, if the plan says where. What is wrong with an
    output stands in the ``problem`` of its row; one that is only clipped is measured.
    """
    sounds = {
        name: to_sound(values.T, plan.slice_len, plan.upsample, plan.clip).T
        for name, values in output.series.items()
    }
    audio_dir = "" if output.network else plan.audio_dir or ""
    for name, sound in sounds.items() if audio_dir else ():
        path = os.path.join(audio_dir, f"{output.output:04d}_{name}.wav")
        scipy.io.wavfile.write(path, plan.sample_rate_hz, sound)
    target = sounds[plan.target]
    channels = target[:, np.newaxis] if target.ndim == 1 else target  # [time, channels]
    result = Measured(output.network, [], [], Counter())
    for channel, sound in enumerate(channels.T, start=1):
        textgrid = textgrid_name(output.output, plan.target, channel, channels.shape[1])
        intervals: list[Interval] = []
        by_hand = None
        if output.name or not output.network:  # nobody labels the outputs of random networks
            by_hand = find_annotation(plan, textgrid, output.name)
        problem = output.problem or trouble_of(sound)
        if not problem and output.intervals is not None:
            intervals = list(output.intervals[channel - 1])
        elif not problem and by_hand:
            try:
                intervals = _read_intervals(by_hand, output, plan, result.unknown)
            except InputError as error:
                problem = str(error)
        elif not problem:
            intervals = find_intervals(sound, plan.sample_rate_hz, plan.intervals)
        about = {"annotated": bool(by_hand)} if plan.annotations else {}
        result.outputs.append(_describe(sound, output, channel, intervals, problem) | about)
        settings = plan.praat
        if plan.f0_two_pass and intervals:
            floor_hz, ceiling_hz = f0_range_of(sound, plan.sample_rate_hz, settings)
            settings = dataclasses.replace(settings, f0_floor_hz=floor_hz, f0_ceiling_hz=ceiling_hz)
        for place, layer in enumerate(plan.layers if intervals else ()):
            heard, own, measures = sound, None, plan.measures
            if layer.name != plan.target:
                heard, measures = sounds[layer.name], plan.measures_of_layers
            if layer.name != plan.target and "duration" in (measures or ["duration"]):
                own = find_intervals(heard, plan.sample_rate_hz, plan.intervals, layer.rate_hz)
            rows, *texts = measure_rows(
                heard, plan.sample_rate_hz, layer.rate_hz, intervals, settings, own, measures,
                plan.strides_hz,
            )  # fmt: skip
            result.rows.append((channel, place, rows, *texts))
        if audio_dir and not problem:
            path, duration_s = os.path.join(audio_dir, textgrid), len(sound) / plan.sample_rate_hz
            textgrids.save_intervals(path, intervals, duration_s)
    return result


def trouble_of(sound: np.ndarray) -> str:
    """Says why a sound ``[time]`` cannot be measured, or nothing."""
    n_bad = int(np.count_nonzero(~np.isfinite(sound)))
    if n_bad:
        return f"{n_bad} of {len(sound)} samples are NaN or infinite"
    return "silent" if np.ptp(sound) < 2 * SILENT_PEAK else ""


def textgrid_name(number: int, target: str, channel: int, num_channels: int) -> str:
    """Names the TextGrid of an output's channel, from 1."""
    of_channel = f"_channel{channel}" if num_channels > 1 else ""
    return f"{number:04d}_{target}{of_channel}.TextGrid"


def find_annotation(plan: Plan, textgrid: str, name: str = "") -> str | None:
    """Finds the hand-made TextGrid of an output, by its name or by that of a recording."""
    names = [textgrid, *([f"{os.path.splitext(name)[0]}.TextGrid"] if name else [])]
    paths = (os.path.join(plan.annotations, each) for each in names if plan.annotations)
    return next(filter(os.path.isfile, paths), None)


def _read_intervals(path: str, output: Output, plan: Plan, unknown: Counter[str]) -> list[Interval]:
    """Reads a TextGrid of the slice or the whole recording, and counts its unknown labels."""
    slice_s = plan.slice_len / plan.sample_rate_hz
    durations_s = slice_s, output.duration_s or slice_s
    intervals, others = textgrids.load_intervals(path, durations_s, plan.labels)
    unknown.update(others)
    intervals = [x._replace(end_s=min(x.end_s, slice_s)) for x in intervals if x.start_s < slice_s]
    if not intervals:
        raise InputError(
            f"{path}: no interval is labelled {', '.join(LABELS)}, but "
            f"{', '.join(others) or 'nothing'}; say what they mean, with --labels=V=voiced"
        )
    return intervals


def _describe(
    sound: np.ndarray, output: Output, channel: int, intervals: list[Interval], problem: str
) -> dict[str, Any]:
    clipped = clipped_share(sound)
    rms = float(np.sqrt(np.mean((sound - sound.mean(dtype=np.float64)) ** 2)))
    return {
        "output": output.output, "channel": channel, "name": output.name, "word": output.word,
        "peak": float(np.abs(sound).max()),
        "rms_db": 20 * float(np.log10(rms)) if rms > 0 else float("nan"),
        "clipped_share": clipped,
        **{f"n_{label}": sum(i.label == label for i in intervals) for label in LABELS},
        "measured": not problem,
        "problem": problem or (f"{clipped:.2%} of the samples are clipped" if clipped else ""),
    }  # fmt: skip


_PLACE = {"output": "i4", "channel": "i1", "layer": "i1"}
_LEFT_OUT = {"points": ("start_s", "end_s"), "intervals": ("point", "time_s")}


def gather(
    measured: Iterable[Measured], plan: Plan
) -> tuple[dict[str, pd.DataFrame], Counter[str]]:
    """Gathers the measurements of all outputs, in their order, in tables.

    A column is a file without a name, to which each output's rows are appended and which then is
    mapped, so that memory does not grow with the outputs.

    Returns:
        ``points``, ``intervals`` (start_s and end_s instead of point and time_s) and ``outputs``, a
        row for each channel; texts are categories, layers in the plan's order. And the labels of
        TextGrids that stand for nothing, counted.
    """
    outputs: list[dict[str, Any]] = []
    unknown: Counter[str] = Counter()
    codes: dict[str, dict[str, int]] = {"reason": {"": 0}, "flag": {"": 0}}
    with contextlib.ExitStack() as stack:
        columns = {
            table: {
                name: stack.enter_context(tempfile.TemporaryFile())
                for name in _PLACE | ROW
                if name not in left_out
            }
            for table, left_out in _LEFT_OUT.items()
        }
        for each in measured:
            unknown.update(each.unknown)
            outputs += each.outputs
            for channel, layer, rows, *texts in each.rows:
                place = each.outputs[0] | {"channel": channel, "layer": layer}
                of_rows = {
                    name: np.array([known.setdefault(text, len(known)) for text in own], np.int16)
                    for (name, known), own in zip(codes.items(), texts, strict=True)
                }
                whole = rows["point"] == 0
                for table, own in (("points", rows[~whole]), ("intervals", rows[whole])):
                    for name, file in columns[table].items():
                        if name in _PLACE:
                            values = np.full(len(own), place[name], _PLACE[name])
                        else:
                            values = of_rows[name][own[name]] if name in codes else own[name]
                        file.write(values.tobytes())
        names = {"layer": [layer.name for layer in plan.layers]}
        names |= {name: list(known) for name, known in codes.items()}
        tables = {"outputs": pd.DataFrame(outputs)}
        for table, files in columns.items():
            arrays = {name: _map(file, (_PLACE | ROW)[name]) for name, file in files.items()}
            tables[table] = make_table(arrays, **names)
    return tables, unknown


def _map(file: IO[bytes], kind: str) -> np.ndarray:
    """Maps what was written to a file into memory."""
    return np.memmap(file, kind, "r") if file.tell() else np.zeros(0, kind)
