"""What every experiment does first: run a network, average its layers, measure each output.

A Generator reads latent vectors and its ``out`` is the target that layers are compared with;
Discriminator and Q-network read recordings, and the target is their ``input``. Outputs are taken
one batch at a time, so that memory does not grow with their feature maps.
"""

import collections
import contextlib
import dataclasses
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.data import recordings
from wavegan_tf.errors import InputError
from wavegan_tf.latents import Design, latent_names, latents_table, plain, sample_latents
from wavegan_tf.model import BATCH, Model, batches, layers_table
from wavegan_tf.models.config import FC, Layer, ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import files
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech import praat
from wavegan_tf.speech.averages import MEAN, UPSAMPLES, Reduction, reduce_maps
from wavegan_tf.speech.ceilings import choose_ceiling
from wavegan_tf.speech.intervals import Interval
from wavegan_tf.speech.outputs import (
    Output,
    Plan,
    find_annotation,
    gather,
    measure_outputs,
    textgrid_name,
)
from wavegan_tf.speech.settings import (
    STOPS,
    USUAL,
    IntervalSettings,
    PraatSettings,
    layer_limits,
)
from wavegan_tf.speech.textgrids import parse_labels

CONTROL_SEED = 1_000_000
"""Control network k has its weights drawn from this seed plus k."""

REFERENCE_SEED = 2_000_000
"""Of the ordinary outputs by whose level a layer is scaled, and with which outputs are compared."""

PEAK = 0.5
"""What the largest value of a layer in ordinary outputs is scaled to."""

MAX_NAMED = 10
"""Outputs that are named one by one."""

MIN_STRIDE_HZ = 40.0
"""Layers slower than this give no F0."""

_log = logging.getLogger("wavegan_tf")


@dataclass(frozen=True)
class MeasuringOutputs:
    """How outputs alone are measured."""

    praat: PraatSettings = field(default_factory=PraatSettings)
    intervals: IntervalSettings = field(default_factory=IntervalSettings)
    audio: bool = option(
        False, "Write the sound of every output as WAV, with a TextGrid.", group="Output"
    )
    jobs: int | None = option(
        None, "Number of processes; all cores if not given.", group="Output", low=1
    )


@dataclass(frozen=True)
class Measuring(MeasuringOutputs):
    """How outputs and layers are measured: what experiments that listen can be asked for."""

    layers: str = option(
        "all",
        "Layers to measure, for example conv3,conv4; the output is always included. fc, the "
        "projection, is included only if named.",
        group="Basics",
    )
    f0_two_pass: bool = option(
        False,
        "Measure F0 in two passes: the first finds the F0 range of each output, the second "
        "measures in it.",
        group="Praat",
    )
    formant_ceiling: str = option(
        "",
        "Formant ceiling in Hz, or auto: the ceiling at which the formants of ordinary outputs "
        "move most smoothly.",
        group="Praat",
    )
    clip: bool = option(
        False,
        "Clip layers at 1, as the paper did; what is clipped depends on their scale. Without the "
        "flag, each layer is scaled by one factor for the whole run.",
        group="Praat",
    )
    upsample: str = option(
        "linear",
        "How layers are brought to the rate of the output: linear, as in the paper, or "
        "band_limited, without mirror images.",
        group="Praat",
        choices=UPSAMPLES,
    )
    annotations: str | None = option(
        None,
        "Folder of TextGrids whose intervals are used instead of found ones, for some outputs or "
        "all. Each TextGrid is named as in audio/ (0000_out.TextGrid) or as its recording.",
        group="Intervals",
        path=True,
    )
    labels: str = option(
        "",
        "Meaning of the labels in --annotations: V=voiced,s=frication,cl=silence.",
        group="Intervals",
    )
    audio: bool = option(
        True,
        "Write the sound of every output and layer as WAV, each with a TextGrid.",
        group="Output",
    )


@dataclass(frozen=True)
class MeasuringAll(Measuring):
    """How outputs are measured where no experiment says what alone is measured."""

    stops: bool = option(
        False,
        "Measure the stop before each voiced interval of an output: voice onset time, closure, "
        "bursts.",
        group="Intervals",
    )

    @property
    def measures(self) -> tuple[str, ...] | None:
        """The only ones that are made; None for the usual ones, without those of stops."""
        return (*USUAL, *STOPS) if self.stops else None


class Recordings:
    """Recordings as inputs of a classifier, decoded when their turn comes."""

    def __init__(
        self,
        wav_dir: str,
        config: ModelConfig,
        word: str | None = None,
        *,
        flag: str = "--wav_dir",
        most: int | None = None,
    ):
        """Finds the recordings of a folder and its sub-folders.

        Args:
            wav_dir: The folder.
            config: Says rate, channels and length.
            word: Regular expression whose group is the word in a relative path.
            flag: That gave the folder.
            most: Of more recordings so many are drawn at random.

        Raises:
            InputError: There are no recordings, or the expression is none.
        """
        self.wav_dir, self.config = wav_dir, config
        paths = recordings.find_recordings(wav_dir, flag)
        drawn = np.random.default_rng(0).permutation(len(paths))[:most]
        self.paths = [paths[i] for i in np.sort(drawn)]
        pattern = word or recordings.WORD_PATTERN
        self.words = [recordings.word_of(path, pattern) for path in self.paths]
        self.notes: collections.Counter[str] = collections.Counter()

    def __len__(self) -> int:
        """Counts the recordings."""
        return len(self.paths)

    def read(self, i: int) -> tuple[np.ndarray, dict[str, Any]]:
        """Reads recording ``i`` [slice_len, channels], silence if unreadable; says what it is."""
        about: dict[str, Any] = {"name": self.paths[i], "word": self.words[i]}
        try:
            path = os.path.join(self.wav_dir, self.paths[i])
            recording = recordings.load_recording(path, self.config)
        except InputError as error:
            silence = np.zeros([self.config.slice_len, self.config.num_channels], np.float32)
            return silence, about | {"problem": str(error)}
        self.notes.update(recording.notes)
        return recording.samples, about | {"duration_s": recording.duration_s}


class Taken(NamedTuple):
    """One output of one network.

    Attributes:
        output: Its number, from 0, and what it is.
        series: By layer [length], the target of several channels [length, channels].
        maps: By layer but the target, the feature maps [length, channels].
        logits: Of a classifier, [1] or [num_categ]; None of a Generator.
    """

    output: Output
    series: dict[str, np.ndarray]
    maps: dict[str, np.ndarray]
    logits: np.ndarray | None


class Network(NamedTuple):
    """A network whose layers are averaged: the model's own (0) or a control (1 ..)."""

    run: Callable[[np.ndarray], dict[str, np.ndarray]]
    number: int
    layers: tuple[Layer, ...]
    target: str
    reduction: Reduction
    weights: dict[str, np.ndarray]
    scales: dict[str, float]  # by layer but the target, what its series are multiplied by

    def take(
        self, values: np.ndarray, about: list[dict[str, Any]], first: int, span: range
    ) -> Iterator[Taken]:
        """Yields the outputs of a batch, from number ``first`` on, as far as they are in ``span``.

        The whole batch is run, so that an output depends neither on how many there are nor on
        where a shard begins.
        """
        if not any(first + k in span for k in range(len(about))):
            return
        outputs = self.run(values)
        logits = outputs.pop("logits", None)
        if self.target == "input":
            outputs["input"] = values
        maps = {layer.name: outputs[layer.name] for layer in self.layers}
        target = maps.pop(self.target)
        series = {
            name: reduce_maps(x, self.reduction, self.weights.get(name))
            * np.float32(self.scales.get(name, 1.0))
            for name, x in maps.items()
        }
        series[self.target] = target[:, :, 0] if target.shape[2] == 1 else target
        for k, facts in enumerate(about):
            if first + k not in span:
                continue
            own = {layer.name: series[layer.name][k] for layer in self.layers}
            yield Taken(
                Output(first + k, self.number, own, **facts),
                own,
                {name: x[k] for name, x in maps.items()},
                None if logits is None else np.atleast_1d(logits[k]),
            )


@dataclass
class Heard:
    """What listening gives: the measurements of all outputs, and what was kept of them.

    Attributes:
        tables: ``points``, ``intervals`` and ``outputs``, ``layers``, and ``latents`` or
            ``logits``.
        arrays: ``series`` by layer [outputs, length]; ``maps`` by layer [few, length, channels].
        plan: How every output was measured.
        settings: What config.json says of the model, the network and the measurements.
    """

    tables: dict[str, pd.DataFrame]
    arrays: dict[str, dict[str, np.ndarray]]
    plan: Plan
    settings: dict[str, Any]


def check_network(
    options: Any, generated: Sequence[str], recorded: Sequence[str]
) -> dict[str, Any]:
    """Refuses options that have no meaning with ``options.network``; returns all defaults.

    Args:
        options: An instance of an experiment's options, with ``network`` and ``wav_dir``.
        generated: Options that mean something for a Generator alone.
        recorded: Options that mean something for a classifier alone.

    Raises:
        InputError: A classifier has no recordings, or such an option is given.
    """
    recordings = options.network != "generator"
    if recordings and options.wav_dir is None:
        raise InputError(
            f"--network={options.network}: this network reads recordings; add --wav_dir"
        )
    defaults = {each.name: each.default for each in dataclasses.fields(options)}
    for name in generated if recordings else recorded:
        if getattr(options, name) != defaults[name]:
            raise InputError(
                f"--{name}: has no meaning with --network={options.network}; leave it out"
            )
    return defaults


def layers_of(config: ModelConfig, network: str) -> tuple[tuple[Layer, ...], str]:
    """Lists the layers of a network, its target among them, and names the target."""
    if network == "generator":
        return config.every_layer, "out"
    channels = config.num_channels
    audio = Layer("input", config.slice_len, channels, channels, 1, float(config.sample_rate))
    return (audio, *config.classifier_layers), "input"


def choose_layers(text: str, layers: tuple[Layer, ...], target: str | None) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``; the target is always among them.

    All are the convolutional ones, as in the paper; the projection ``fc`` is named.

    Raises:
        InputError: There is no layer of that name.
    """
    known = [layer.name for layer in layers]
    convolutions = [name for name in known if name != FC]
    wanted = convolutions if text == "all" else [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(
                f"--layers={text}: there is no layer {name!r}; there are {', '.join(known)}"
            )
    return tuple(layer for layer in layers if layer.name in [*wanted, target])


def make_network(
    model: Model,
    inputs: Design | Recordings,
    options: Measuring,
    network: str = "generator",
    reduction: Reduction = MEAN,
    layers: str | None = None,
    control: int = 0,
) -> Network:
    """Makes the network that is probed, or one like it with random weights.

    Args:
        model: The model.
        inputs: Recordings, of which the first give a classifier's layers their scales.
        options: Whether layers are clipped, not scaled.
        network: ``generator``, ``discriminator`` or ``q``.
        reduction: How feature maps become one series.
        layers: Layers, instead of ``options.layers``.
        control: 0, or the number of the network with random weights.

    Raises:
        InputError: The model has no such network or layer, or a layer no such feature map.
    """
    from wavegan_tf.models.weights import outgoing_weights

    net = getattr(model, network)
    if net is None:
        why = "a wavegan has none" if model.config.model == "wavegan" else "the file holds none"
        raise InputError(
            f"--network={network}: checkpoint {model.file.prefix}: {why}; choose another network "
            "or checkpoint"
        )
    every, target = layers_of(model.config, network)
    chosen = choose_layers(layers or options.layers, every, target)
    inner = [layer for layer in chosen if layer.name != target]
    for layer in inner:
        reduction.check(layer.channels, layer.name)
    run: Callable = partial(model.run, network)
    if control:
        net, run = random_network(model.config, network, control)
    weights = {}
    if reduction.kind == "weighted":
        weights = {layer.name: outgoing_weights(net, layer.name) for layer in inner}
    made = Network(run, control, chosen, target, reduction, weights, {})
    if options.clip:
        return made
    return made._replace(scales=_find_scales(made, take_ordinary(made, model, inputs)))


def take_ordinary(
    network: Network, model: Model, inputs: Design | Recordings, n: int = BATCH
) -> Iterator[Taken]:
    """Takes ``n`` ordinary outputs of a Generator, or of a classifier the first recordings."""
    if isinstance(inputs, Design):
        inputs = plain(sample_latents(model.config, n, REFERENCE_SEED))
    return take_outputs(network, inputs, range(min(n, count(inputs))))


def _find_scales(network: Network, ordinary: Iterator[Taken]) -> dict[str, float]:
    """Scales each layer so that its largest value over ordinary outputs is :data:`PEAK`.

    ReLU is homogeneous: a network whose layers are multiplied, and whose last kernel is divided, by
    a number puts out the same audio. So the scale of a layer means nothing, and nothing that is
    measured may rest on it.
    """
    peaks = {layer.name: 0.0 for layer in network.layers if layer.name != network.target}
    for one in ordinary:
        for name, peak in peaks.items():
            peaks[name] = max(peak, float(np.abs(np.nan_to_num(one.series[name])).max()))
    return {name: PEAK / peak if peak > 0 else 1.0 for name, peak in peaks.items()}


def random_network(config: ModelConfig, network: str, number: int) -> tuple[Any, Callable]:
    """Makes the network with random weights of a number, from 1, and what runs it."""
    import tensorflow as tf

    from wavegan_tf.models.networks import build_networks

    letter = {"generator": "G", "discriminator": "D", "q": "Q"}[network]
    net = getattr(build_networks(config, CONTROL_SEED + number, letters=letter), network)
    function = tf.function(net)
    return net, lambda x: {name: y.numpy() for name, y in function(tf.constant(x)).items()}


def find_ceiling(
    network: Network, model: Model, inputs: Design | Recordings, options: Measuring
) -> Measuring:
    """Reads ``--formant_ceiling`` into the settings of Praat.

    Raises:
        InputError: It is neither ``auto`` nor a frequency that Praat can search up to.
    """
    given = options.formant_ceiling
    if not given:
        return options
    if given == "auto":
        rate_hz = model.config.sample_rate
        sounds = [x.series[network.target] for x in take_ordinary(network, model, inputs)]
        one_channel = [x.reshape(len(x), -1)[:, 0].astype(np.float64) for x in sounds]
        hz = choose_ceiling(one_channel, rate_hz, options.praat, options.intervals)
        _log.info("--formant_ceiling=auto: %g Hz", hz)
    else:
        try:
            hz = float(given)
        except ValueError:
            raise InputError(
                f"--formant_ceiling={given}: give a number of Hz, such as 5500, or auto"
            ) from None
    settings = dataclasses.replace(options.praat, formant_ceiling_hz=hz)
    return dataclasses.replace(options, praat=settings, formant_ceiling="")


def make_plan(
    model: Model,
    layers: tuple[Layer, ...],
    target: str,
    options: Measuring,
    *,
    measures: Sequence[str] | None = None,
    audio_dir: str | None = None,
) -> Plan:
    """Says what is done with every output, by the options of an experiment.

    Raises:
        InputError: ``--annotations`` is no folder, or ``--labels`` says nothing.
    """
    if options.annotations is not None and not os.path.isdir(options.annotations):
        raise InputError(
            f"--annotations={options.annotations}: there is no such folder; give one with TextGrids"
        )
    return Plan(
        layers=layers,
        target=target,
        sample_rate_hz=model.config.sample_rate,
        slice_len=model.config.slice_len,
        praat=options.praat,
        intervals=options.intervals,
        f0_two_pass=options.f0_two_pass,
        upsample=options.upsample,
        annotations=options.annotations,
        labels=parse_labels(options.labels),
        clip=options.clip,
        strides_hz=strides_of(model.config) if target == "out" else (),
        audio_dir=audio_dir,
        measures=None if measures is None else tuple(measures),
    )


def _check_annotations(plan: Plan, inputs: Design | Recordings, num_channels: int) -> None:
    """Refuses a folder of annotations that has none of any output."""
    names = inputs.paths if isinstance(inputs, Recordings) else [""] * count(inputs)
    grids = [
        (textgrid_name(i, plan.target, channel, num_channels), name)
        for i, name in enumerate(names)
        for channel in range(1, num_channels + 1)
    ]
    if not any(find_annotation(plan, *each) for each in grids):
        raise InputError(
            f"--annotations={plan.annotations}: has no TextGrid for any output; name them as in "
            f"audio/, such as {grids[0][0]}"
        )


def strides_of(config: ModelConfig) -> tuple[float, ...]:
    """Lists the frequencies, in Hz, at which the strides of a Generator sound.

    A transposed convolution that has learned little repeats itself with its stride: F0 then lies at
    multiples of the rate of the slowest layer that it can follow, which divides that of every later
    layer; or a period lasts two to five samples of a layer.
    """
    rates = [x.rate_hz for x in config.layers if x.rate_hz >= MIN_STRIDE_HZ]
    multiples = [k * min(rates) for k in range(1, 17)] if rates else []
    parts = [rate / k for rate in rates for k in range(2, 6)]
    return tuple(sorted({hz for hz in (*multiples, *parts) if MIN_STRIDE_HZ <= hz <= 1000}))


def listen(
    model: Model,
    inputs: Design | Recordings,
    options: Measuring,
    *,
    network: str = "generator",
    reduction: Reduction = MEAN,
    span: tuple[int, int] | None = None,
    num_maps: int = 0,
    keep_series: bool = False,
    keep_audio: bool | None = None,
    measures: Sequence[str] | None = None,
    layers: str | None = None,
    directory: str | None = None,
    label: str = "outputs",
    each: Callable[[int, dict[str, np.ndarray]], None] | None = None,
    held: Sequence[tuple[tuple[Interval, ...], ...]] | None = None,
) -> Heard:
    """Runs a network, averages its layers and measures every output.

    Args:
        model: The model.
        inputs: Latent vectors of a Generator, or recordings of a classifier.
        options: How outputs are measured.
        network: ``generator``, ``discriminator`` or ``q``.
        reduction: How feature maps become one series.
        span: Number of the first output and that after the last, of a shard; None for all.
        num_maps: Number of outputs whose feature maps are kept.
        keep_series: Whether every output's series are kept.
        keep_audio: Whether sounds are written; None for ``options.audio``.
        measures: The only measures that are made; None for all.
        layers: Layers, instead of ``options.layers``.
        directory: Where sounds (audio/) and series (series.npz) are written while the run goes
            on; without it series are kept in memory and no sounds are written.
        label: What the progress bar says.
        each: Called with the number and the series of each output, in order.
        held: Intervals of each output and channel, instead of finding them.

    Raises:
        InputError: A layer, feature map or folder that is asked for is not there.
    """
    own = make_network(model, inputs, options, network, reduction, layers)
    options = find_ceiling(own, model, inputs, options)
    if isinstance(inputs, Recordings):
        inputs.notes.clear()  # of those read for scales and ceiling
    first, stop = span or (0, count(inputs))
    wanted = options.audio if keep_audio is None else keep_audio
    audio_dir = os.path.join(directory, "audio") if directory and wanted else None
    if audio_dir:
        os.makedirs(audio_dir, exist_ok=True)
    plan = make_plan(model, own.layers, own.target, options, measures=measures, audio_dir=audio_dir)
    if plan.annotations:
        _check_annotations(plan, inputs, model.config.num_channels)
    shapes = {layer.name: _shape(layer, own.target) for layer in own.layers}
    series = _Series(shapes, stop - first, directory) if keep_series else None
    maps: list[dict[str, np.ndarray]] = []
    logits: list[np.ndarray] = []

    def keep(taken: Taken) -> Output:
        if series:
            series.add(taken.series)
        if len(maps) < num_maps and taken.output.output < num_maps:
            maps.append(taken.maps)
        if taken.logits is not None:  # of a recording that could not be read there are none
            logits.append(np.where(bool(taken.output.problem), np.nan, taken.logits))
        if each:
            each(taken.output.output, taken.series)
        known = held[taken.output.output] if held else None
        return taken.output._replace(intervals=known)

    with series or contextlib.nullcontext():
        outputs = map(keep, take_outputs(own, inputs, range(first, stop)))
        results = measure_outputs(outputs, plan, num_processes(options.jobs))
        measured, unknown = gather(progress(results, stop - first, label), plan)
    tables = measured | {"layers": layers_table(own.layers)}
    tables |= _inputs_table(model, inputs, network, logits, first, stop)
    arrays = {"series": series.arrays()} if series else {}
    if maps:
        arrays["maps"] = {name: np.stack([x[name] for x in maps]) for name in maps[0]}
    report(inputs, tables["outputs"], unknown)
    about = {
        "network": network, "n": count(inputs), "outputs": [first, stop],
        "reduce": str(reduction), "scales": own.scales,
    }  # fmt: skip
    return Heard(tables, arrays, plan, describe(model, plan) | about)


def no_intervals(model: Model, inputs: Design | Recordings) -> list:
    """Gives what ``held`` of :func:`listen` is of a run that searches for no intervals."""
    return [((),) * model.config.num_channels] * count(inputs)


def take_outputs(network: Network, inputs: Design | Recordings, span: range) -> Iterator[Taken]:
    """Yields the outputs of a network, in order, as far as they are in ``span``."""
    n = count(inputs)
    for start in range(span.start // BATCH * BATCH, span.stop, BATCH):
        ids = range(start, min(start + BATCH, n))
        if isinstance(inputs, Design):
            about: list[dict[str, Any]] = [{} for _ in ids]
            values = inputs.z[ids.start : ids.stop]
        else:
            read = [inputs.read(i) for i in ids]
            values, about = np.stack([x for x, _ in read]), [facts for _, facts in read]
        yield from network.take(batches(values)[0], about, start, span)


class _Series:
    """The series of all outputs: in series.npz of a directory, or in memory; a context."""

    def __init__(self, shapes: dict[str, tuple[int, ...]], count: int, directory: str | None):
        self._path = directory and os.path.join(directory, "series.npz")
        self._rows: dict[str, list[np.ndarray]] = {name: [] for name in shapes}
        self._writer = None
        if self._path:
            whole = {name: (count, *shape) for name, shape in shapes.items()}
            self._writer = files.SeriesWriter(self._path, whole)

    def add(self, series: dict[str, np.ndarray]) -> None:
        if self._writer:
            self._writer.write(series)
        else:
            for name, values in series.items():
                self._rows[name].append(values)

    def arrays(self) -> dict[str, np.ndarray]:
        if self._path:
            return files.map_npz(self._path)
        return {name: np.stack(rows) for name, rows in self._rows.items()}

    def __enter__(self) -> "_Series":
        return self

    def __exit__(self, *error: Any) -> None:
        if self._writer:
            self._writer.__exit__(*error)


def _shape(layer: Layer, target: str) -> tuple[int, ...]:
    several = layer.name == target and layer.channels > 1
    return (layer.length, layer.channels) if several else (layer.length,)


def count(inputs: Design | Recordings) -> int:
    """Counts latent vectors or recordings."""
    return len(inputs.z) if isinstance(inputs, Design) else len(inputs)


def _inputs_table(
    model: Model,
    inputs: Design | Recordings,
    network: str,
    logits: list[np.ndarray],
    first: int,
    stop: int,
) -> dict[str, pd.DataFrame]:
    """Makes the table of what went in (latents) or came out of a classifier (logits)."""
    config = model.config
    if isinstance(inputs, Design):
        return {"latents": latents_table(inputs.z, config)[first:stop]}
    names = ["d"] if network == "discriminator" else latent_names(config)[: config.num_categ]
    names += ["unknown"] if network == "q" and config.q_unknown else []
    table = pd.DataFrame(
        np.stack(logits).astype(np.float64), columns=[f"logit_{name}" for name in names]
    )
    table.insert(0, "word", inputs.words[first:stop])
    table.insert(0, "name", inputs.paths[first:stop])
    table.insert(0, "output", np.arange(first, stop))
    return {"logits": table}


def describe(model: Model, plan: Plan) -> dict[str, Any]:
    """Says for config.json what was run and how it was measured."""
    limits = {layer.name: layer_limits(layer.rate_hz, plan.praat) for layer in plan.layers}
    return {
        "checkpoint": model.checkpoint,
        "model": model.config.to_dict(),
        "target": plan.target,
        "sample_rate_hz": plan.sample_rate_hz,
        "slice_len": plan.slice_len,
        "layers": layers_table(plan.layers).to_dict("records"),
        "upsample": plan.upsample,
        "clip": plan.clip,
        "strides_hz": plan.strides_hz,
        "f0_two_pass": plan.f0_two_pass,
        "praat_version": praat.version(),
        "praat": dataclasses.asdict(plan.praat),
        "intervals": dataclasses.asdict(plan.intervals),
        "limits": {name: dataclasses.asdict(limit) for name, limit in limits.items()},
    }


def report(
    inputs: Design | Recordings, outputs: pd.DataFrame, unknown: "collections.Counter[str]"
) -> None:
    """Logs what was wrong with outputs."""
    for note, number in getattr(inputs, "notes", {}).items():
        _log.info("%d recordings %s", number, note)
    clipped = outputs.loc[outputs["measured"].astype(bool), "clipped_share"]
    if (clipped > 0).any():
        number, share = (clipped > 0).sum(), 100 * clipped.max()
        _log.warning("%d outputs are clipped, in up to %.2g %% of the samples", number, share)
    trouble = outputs[~outputs["measured"].astype(bool)]
    for row in trouble.head(MAX_NAMED).itertuples():
        _log.warning("%s: %s: not measured", row.name or f"output {row.output}", row.problem)
    if len(trouble) > MAX_NAMED:
        more = len(trouble) - MAX_NAMED
        _log.warning("and %d more outputs; the table outputs names every one", more)
    if unknown:
        listed = ", ".join(f"{label} ({count})" for label, count in sorted(unknown.items()))
        _log.warning("--annotations: labels left out, for want of --labels: %s", listed)
    if by_hand := annotated(outputs):
        _log.info("%s", by_hand)


def annotated(outputs: pd.DataFrame) -> str:
    """Says whose intervals are those of hand-made TextGrids; nothing of a run without them."""
    if "annotated" not in outputs:
        return ""
    measured = outputs[outputs["measured"].astype(bool)]
    by_hand = measured["annotated"].astype(bool)
    names = [str(row.name or row.output) for row in measured[by_hand].itertuples(index=False)]
    names = list(dict.fromkeys(names)) or ["none"]
    more = ", .. (the table outputs names every one)" * (len(names) > MAX_NAMED)
    listed = ", ".join(names[:MAX_NAMED]) + more
    own, every = measured.loc[by_hand, "output"].nunique(), measured["output"].nunique()
    shares = f"{own} of {every} outputs have intervals from --annotations"
    return f"{shares} ({listed}), the others found ones."


def complaints(outputs: pd.DataFrame) -> list[str]:
    """Lists what of a run could not be done: outputs that were not measured, no voice anywhere."""
    found = []
    unmeasured = outputs.loc[~outputs["measured"].astype(bool), "output"].nunique()
    if unmeasured:
        found.append(
            f"{unmeasured} of {outputs['output'].nunique()} outputs were not measured; "
            "the table outputs says why"
        )
    searched = "n_voiced" in outputs  # not in a run that needs no intervals
    if searched and unmeasured < outputs["output"].nunique() and not outputs["n_voiced"].sum():
        found.append(
            "no output has a voiced interval: nothing could be compared; is the model trained, "
            "and the F0 range right (--f0_range)?"
        )
    return found
