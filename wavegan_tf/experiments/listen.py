"""What every experiment does first: run a network, average its layers, measure each output.

A Generator reads latent vectors and its ``out`` is the target that layers are compared with;
Discriminator and Q-network read recordings, and the target is their ``input``. Outputs are taken
one batch at a time, so that memory does not grow with their feature maps.
"""

import collections
import contextlib
import dataclasses
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.data import recordings
from wavegan_tf.errors import InputError
from wavegan_tf.latents import Design, latent_names, latents_table
from wavegan_tf.model import BATCH, Model, batches, layers_table
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.options import option
from wavegan_tf.output import files
from wavegan_tf.processes import num_processes
from wavegan_tf.progress import progress
from wavegan_tf.speech import praat
from wavegan_tf.speech.averages import MEAN, UPSAMPLES, Reduction, reduce_maps
from wavegan_tf.speech.outputs import Measurements, Output, Plan, measure_outputs
from wavegan_tf.speech.settings import IntervalSettings, PraatSettings, layer_limits
from wavegan_tf.speech.textgrids import parse_labels

CONTROL_SEED = 1_000_000
"""Control network k has its weights drawn from this seed plus k."""

_log = logging.getLogger("wavegan_tf")


@dataclass(frozen=True)
class Measuring:
    """How outputs are measured: what every experiment that listens can be asked for."""

    layers: str = option(
        "all", "Layers to probe, for example conv3,conv4; the output always is one.", group="Basics"
    )
    praat: PraatSettings = field(default_factory=PraatSettings)
    intervals: IntervalSettings = field(default_factory=IntervalSettings)
    f0_two_pass: bool = option(
        False,
        "Two passes of F0: each output is measured in a range of its own, found in a first pass.",
        group="Praat",
    )
    upsample: str = option(
        "linear",
        "How layers get the rate of the output: linear, as in the paper, or without mirror images.",
        group="Praat",
        choices=UPSAMPLES,
    )
    annotations: str | None = option(
        None,
        "Folder of TextGrids that intervals are taken from, instead of finding them; each is named "
        "as those in audio/, 0000_out.TextGrid, or as the recording.",
        group="Intervals",
    )
    labels: str = option(
        "",
        "What labels of --annotations stand for: V=voiced,s=frication,cl=silence.",
        group="Intervals",
    )
    audio: bool = option(
        True, "Sounds of every output and layer as WAV, each with a TextGrid.", group="Output"
    )
    jobs: int | None = option(
        None, "Number of processes that measure; all cores if not given.", group="Output", low=1
    )


class Recordings:
    """Recordings as inputs of a classifier, decoded when their turn comes."""

    def __init__(self, wav_dir: str, config: ModelConfig, word: str | None = None):
        """Finds the recordings of a folder and its sub-folders.

        Args:
            wav_dir: The folder.
            config: Says rate, channels and length.
            word: Regular expression whose group is the word in a relative path.

        Raises:
            InputError: There are no recordings, or the expression is none.
        """
        self.wav_dir, self.config = wav_dir, config
        self.paths = recordings.find_recordings(wav_dir)
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
            name: reduce_maps(x, self.reduction, self.weights.get(name)) for name, x in maps.items()
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
        tables: ``points``, ``intervals`` and ``outputs`` of the model (network 0) and of its
            controls, ``layers``, and ``latents`` or ``logits``.
        arrays: ``series`` by layer [outputs, length]; ``maps`` by layer [few, length, channels].
        plan: How every output was measured.
        settings: What config.json says of the model, the network and the measurements.
    """

    tables: dict[str, pd.DataFrame]
    arrays: dict[str, dict[str, np.ndarray]]
    plan: Plan
    settings: dict[str, Any]


def layers_of(config: ModelConfig, network: str) -> tuple[tuple[Layer, ...], str]:
    """Lists the layers of a network, its target among them, and names the target."""
    if network == "generator":
        return config.layers, "out"
    channels = config.num_channels
    audio = Layer("input", config.slice_len, channels, channels, 1, float(config.sample_rate))
    return (audio, *config.classifier_layers), "input"


def choose_layers(text: str, layers: tuple[Layer, ...], target: str | None) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``; the target is always among them.

    Raises:
        InputError: There is no layer of that name.
    """
    known = [layer.name for layer in layers]
    wanted = known if text == "all" else [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"--layers={text}: no layer {name!r}; there are {', '.join(known)}")
    return tuple(layer for layer in layers if layer.name in [*wanted, target])


def make_networks(
    model: Model, network: str, layers: str, reduction: Reduction, controls: int = 0
) -> list[Network]:
    """Makes the network that is probed and its controls, which have random weights.

    Raises:
        InputError: The model has no such network or layer, or a layer no such feature map.
    """
    from wavegan_tf.models.networks import build_networks
    from wavegan_tf.models.weights import outgoing_weights

    own = getattr(model, network)
    if own is None:
        why = "a wavegan has none" if model.config.model == "wavegan" else "the file holds none"
        raise InputError(
            f"--network={network}: checkpoint {model.file.prefix}: {why}; choose another network "
            "or checkpoint"
        )
    every, target = layers_of(model.config, network)
    chosen = choose_layers(layers, every, target)
    inner = [layer for layer in chosen if layer.name != target]
    for layer in inner:
        reduction.check(layer.channels, layer.name)
    made = []
    for number in range(controls + 1):
        net, run = own, lambda values: model.run(network, values)
        if number:
            only = network == "generator"
            others = build_networks(model.config, CONTROL_SEED + number, generator_only=only)
            net = getattr(others, network)
            run = _compiled(net)
        weights = {}
        if reduction.kind == "weighted":
            weights = {layer.name: outgoing_weights(net, layer.name) for layer in inner}
        made.append(Network(run, number, chosen, target, reduction, weights))
    return made


def _compiled(network: Any) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    import tensorflow as tf

    function = tf.function(network)
    return lambda values: {name: x.numpy() for name, x in function(tf.constant(values)).items()}


def make_plan(
    model: Model,
    layers: tuple[Layer, ...],
    target: str,
    options: Measuring,
    *,
    clip: bool = True,
    measures: Sequence[str] | None = None,
    audio_dir: str | None = None,
) -> Plan:
    """Says what is done with every output, by the options of an experiment.

    Raises:
        InputError: ``--annotations`` is no folder, or ``--labels`` says nothing.
    """
    if options.annotations is not None and not os.path.isdir(options.annotations):
        raise InputError(
            f"--annotations={options.annotations}: no such folder; give one with TextGrids"
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
        clip=clip,
        audio_dir=audio_dir,
        measures=None if measures is None else tuple(measures),
    )


def listen(
    model: Model,
    inputs: Design | Recordings,
    options: Measuring,
    *,
    network: str = "generator",
    reduction: Reduction = MEAN,
    controls: int = 0,
    control_outputs: int = 0,
    span: tuple[int, int] | None = None,
    num_maps: int = 0,
    keep_series: bool = False,
    keep_audio: bool | None = None,
    measures: Sequence[str] | None = None,
    layers: str | None = None,
    directory: str | None = None,
    label: str = "listening",
    each: Callable[[int, dict[str, np.ndarray]], None] | None = None,
) -> Heard:
    """Runs a network and its controls, averages their layers and measures every output.

    Args:
        model: The model.
        inputs: Latent vectors of a Generator, or recordings of a classifier.
        options: How outputs are measured.
        network: ``generator``, ``discriminator`` or ``q``.
        reduction: How feature maps become one series.
        controls: Number of networks with random weights to measure beside the model.
        control_outputs: Outputs of each control, at most.
        span: Number of the first output and that after the last, of a shard; None for all.
        num_maps: Number of outputs whose feature maps are kept.
        keep_series: Whether every output's series are kept.
        keep_audio: Whether sounds are written; None for ``options.audio``.
        measures: The only measures that are made; None for all.
        layers: Layers, instead of ``options.layers``.
        directory: Where sounds (audio/) and series (series.npz) are written while the run goes
            on; without it series are kept in memory and no sounds are written.
        label: What the progress bar says.
        each: Called with the number and the series of each output of the model, in order.

    Raises:
        InputError: A layer, feature map or folder that is asked for is not there.
    """
    networks = make_networks(model, network, layers or options.layers, reduction, controls)
    own, n = networks[0], _count(inputs)
    first, stop = span or (0, n)
    wanted = options.audio if keep_audio is None else keep_audio
    audio_dir = os.path.join(directory, "audio") if directory and wanted else None
    if audio_dir:
        os.makedirs(audio_dir, exist_ok=True)
    plan = make_plan(
        model,
        own.layers,
        own.target,
        options,
        clip=network == "generator" and reduction == MEAN,
        measures=measures,
        audio_dir=audio_dir,
    )
    shapes = {layer.name: _shape(layer, own.target) for layer in own.layers}
    series = _Series(shapes, stop - first, directory) if keep_series else None
    maps: list[dict[str, np.ndarray]] = []
    logits: list[np.ndarray] = []

    def keep(taken: Taken) -> None:
        if series:
            series.add(taken.series)
        if len(maps) < num_maps and taken.output.output < num_maps:
            maps.append(taken.maps)
        if taken.logits is not None:  # of a recording that could not be read there are none
            logits.append(np.where(bool(taken.output.problem), np.nan, taken.logits))
        if each:
            each(taken.output.output, taken.series)

    spans = [range(first, stop), *[range(first, min(stop, control_outputs))] * controls]
    measured = Measurements(plan)
    with series or contextlib.nullcontext():
        outputs = _outputs(networks, inputs, spans, keep)
        results = measure_outputs(outputs, plan, num_processes(options.jobs))
        for result in progress(results, sum(map(len, spans)), label):
            measured.add(result)
    tables = measured.tables() | {"layers": layers_table(own.layers)}
    tables |= _inputs_table(model, inputs, network, logits, first, stop)
    arrays = {"series": series.arrays()} if series else {}
    if maps:
        arrays["maps"] = {name: np.stack([x[name] for x in maps]) for name in maps[0]}
    _report(inputs, tables["outputs"], measured.unknown_labels)
    about: dict[str, Any] = {
        "network": network,
        "n": n,
        "outputs": [first, stop],
        "controls": controls,
    }
    about |= {"control_outputs": control_outputs, "reduce": str(reduction)}
    return Heard(tables, arrays, plan, describe(model, plan) | about)


def _outputs(
    networks: list[Network],
    inputs: Design | Recordings,
    spans: list[range],
    keep: Callable[[Taken], None],
) -> Iterator[Output]:
    """Yields every output of the model, each followed by those of the controls."""
    span, n = spans[0], _count(inputs)
    for start in range(span.start // BATCH * BATCH, span.stop, BATCH):
        ids = range(start, min(start + BATCH, n))
        if isinstance(inputs, Design):
            about: list[dict[str, Any]] = [{} for _ in ids]
            values = inputs.z[ids.start : ids.stop]
        else:
            read = [inputs.read(i) for i in ids]
            values, about = np.stack([x for x, _ in read]), [facts for _, facts in read]
        batch = batches(values)[0]
        taken = [
            net.take(batch, about, start, own) for net, own in zip(networks, spans, strict=True)
        ]
        for together in itertools.zip_longest(*taken):
            for one in together:
                if one is not None:
                    if one.output.network == 0:
                        keep(one)
                    yield one.output


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


def _count(inputs: Design | Recordings) -> int:
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
    table = pd.DataFrame(
        np.stack(logits).astype(np.float64), columns=[f"logit_{name}" for name in names]
    )
    table.insert(0, "word", inputs.words[first:stop])
    table.insert(0, "name", inputs.paths[first:stop])
    table.insert(0, "output", np.arange(first, stop))
    return {"logits": table}


def describe(model: Model, plan: Plan) -> dict[str, Any]:
    """Says for config.json what was run and how it was measured, and warns of narrow layers."""
    limits = {layer.name: layer_limits(layer.rate_hz, plan.praat) for layer in plan.layers}
    for name, limit in limits.items():
        for warning in limit.warnings:
            _log.warning("%s: %s", name, warning)
    return {
        "checkpoint": model.checkpoint,
        "model": model.config.to_dict(),
        "target": plan.target,
        "sample_rate_hz": plan.sample_rate_hz,
        "slice_len": plan.slice_len,
        "layers": layers_table(plan.layers).to_dict("records"),
        "upsample": plan.upsample,
        "clip": plan.clip,
        "f0_two_pass": plan.f0_two_pass,
        "praat_version": praat.version(),
        "praat": dataclasses.asdict(plan.praat),
        "intervals": dataclasses.asdict(plan.intervals),
        "limits": {name: dataclasses.asdict(limit) for name, limit in limits.items()},
    }


def _report(
    inputs: Design | Recordings, outputs: pd.DataFrame, unknown: "collections.Counter[str]"
) -> None:
    """Logs what was wrong with outputs."""
    for note, count in getattr(inputs, "notes", {}).items():
        _log.info("%d recordings %s", count, note)
    trouble = outputs[(outputs["network"] == 0) & (outputs["problem"] != "")]
    for row in trouble.head(10).itertuples():
        name = row.name or f"output {row.output}"
        _log.warning("%s: %s%s", name, row.problem, "" if row.measured else ": not measured")
    if len(trouble) > 10:
        _log.warning("and %d more outputs; tables/outputs.csv names every one", len(trouble) - 10)
    if unknown:
        listed = ", ".join(f"{label} ({count})" for label, count in sorted(unknown.items()))
        _log.warning("--annotations: labels left out, for want of --labels: %s", listed)


def complaints(outputs: pd.DataFrame) -> list[str]:
    """Lists what of a run could not be done: outputs that were not measured, no voice anywhere."""
    own = outputs[outputs["network"] == 0]
    found = []
    unmeasured = own.loc[~own["measured"].astype(bool), "output"].nunique()
    if unmeasured:
        found.append(
            f"{unmeasured} of {own['output'].nunique()} outputs were not measured; "
            "tables/outputs.csv says why"
        )
    if unmeasured < own["output"].nunique() and not own["n_voiced"].sum():
        found.append(
            "no output has a voiced interval: nothing could be compared; is the model trained, "
            "and the F0 range right (--f0_range)?"
        )
    return found
