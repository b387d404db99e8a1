"""Latent vectors to series, sounds and measurements: what probe.py and interpolate.py share.

The one place where networks and analysis meet. Activations are averaged as they come, so memory
grows with the series alone.
"""

import dataclasses
import logging
import os
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from wavegan_tf.analysis import acoustics, averages, statistics
from wavegan_tf.analysis.settings import AcousticSettings, layer_limits
from wavegan_tf.checkpoints.open import Opened
from wavegan_tf.errors import InputError
from wavegan_tf.latents import latent_names
from wavegan_tf.models.config import Layer, ModelConfig
from wavegan_tf.models.networks import Generator
from wavegan_tf.report import tables

BATCH = 16
MEASUREMENT_COLUMNS = ("id", "layer", *acoustics.Measurement._fields)
CORRELATION_COLUMNS = ("measure", "layer", "r", "n")

_log = logging.getLogger("wavegan_tf")


def choose_layers(text: str, config: ModelConfig) -> tuple[Layer, ...]:
    """Reads ``--layers``: names separated by commas, or ``all``. ``out`` is always among them.

    Raises:
        InputError: The model has no layer of that name.
    """
    known = [layer.name for layer in config.layers]
    wanted = known if text == "all" else [name.strip() for name in text.split(",")]
    for name in wanted:
        if name not in known:
            raise InputError(f"--layers={text}: no layer {name!r}; there are {', '.join(known)}")
    return tuple(layer for layer in config.layers if layer.name in [*wanted, "out"])


def generate_series(generator: Generator, latents: np.ndarray, layers) -> Iterator[dict]:
    """Generates outputs and averages their layers.

    Args:
        generator: The network.
        latents: [n, latent_dim].
        layers: The layers wanted.

    Yields:
        Per output its series by layer: [length], the mean over feature maps (Beguš & Zhou 2022,
        eq. 4), unclipped, at the layer's own rate; ``out`` of several channels [length, channels].
    """
    for start in range(0, len(latents), BATCH):
        batch = latents[start : start + BATCH]
        # Always whole batches, so that an output does not depend on how many there are.
        padded = np.pad(batch, ((0, BATCH - len(batch)), (0, 0)))
        outputs = _run(generator, tf.constant(padded))
        series = {}
        for layer in layers:
            activation = outputs[layer.name].numpy()  # [batch, length, channels]
            keep = layer.name == "out" and layer.channels > 1
            series[layer.name] = activation if keep else averages.average_feature_maps(activation)
        for i in range(len(batch)):
            yield {name: values[i] for name, values in series.items()}


@tf.function(reduce_retracing=True)
def _run(generator, latents):
    return generator(latents)


def write_run(
    directory: str,
    opened: Opened,
    latents: np.ndarray,
    layers: tuple[Layer, ...],
    settings: AcousticSettings,
    record: dict,
    progress=iter,
) -> None:
    """Generates, measures and writes everything but the figures.

    Writes ``config.json``, ``latents.csv``, ``series.npz``, ``audio/ID_LAYER.wav``,
    ``measurements.csv`` and ``correlations.csv`` (README, What it writes).

    Args:
        directory: An empty directory.
        opened: The checkpoint.
        latents: [n, latent_dim].
        layers: The layers wanted, ``out`` among them.
        settings: Of the measurements.
        record: What the command line adds to config.json.
        progress: Wraps the outputs as they are made.
    """
    config = opened.config
    record = record | describe_run(opened, layers, settings)
    tables.write_json(os.path.join(directory, "config.json"), record)
    names = latent_names(config)
    tables.write_csv(
        os.path.join(directory, "latents.csv"),
        ["id", *names],
        ({"id": i} | dict(zip(names, row, strict=True)) for i, row in enumerate(latents)),
    )
    os.makedirs(os.path.join(directory, "audio"))
    all_series, rows, voiced = [], [], 0
    for i, series in enumerate(
        progress(generate_series(opened.networks.generator, latents, layers))
    ):
        sounds = to_sounds(series, config.slice_len)
        for name, sound in sounds.items():
            path = os.path.join(directory, "audio", f"{i:04d}_{name}.wav")
            tables.write_wav(path, sound, config.sample_rate)
        measured = measure_output(sounds, layers, config.sample_rate, settings)
        rows += [{"id": i} | row for row in measured]
        voiced += bool(measured)
        all_series.append(series)
    stacked = {name: np.stack([series[name] for series in all_series]) for name in all_series[0]}
    tables.write_npz(os.path.join(directory, "series.npz"), {"z": latents, **stacked})
    tables.write_csv(os.path.join(directory, "measurements.csv"), MEASUREMENT_COLUMNS, rows)
    correlations = statistics.correlate(rows)
    tables.write_csv(os.path.join(directory, "correlations.csv"), CORRELATION_COLUMNS, correlations)
    _log.info("%d of %d outputs have a voiced interval", voiced, len(latents))


def to_sounds(series: dict, slice_len: int) -> dict:
    """Series of one output as sounds: clipped to -1 .. 1 and upsampled to the output's rate.

    Args:
        series: By layer, [length] or [length, channels].
        slice_len: Samples of the output.

    Returns:
        By layer, float32 [slice_len] or [slice_len, channels].
    """
    return {name: averages.to_sound(values.T, slice_len).T for name, values in series.items()}


def measure_output(sounds: dict, layers, sample_rate: int, settings) -> list[dict]:
    """Measures every layer of one output on the voiced intervals of the output.

    Args:
        sounds: By layer, [slice_len] or [slice_len, channels] (measured on the channels' mean).
        layers: The layers, ``out`` among them.
        sample_rate: Of the sounds, Hz.
        settings: Of the measurements.

    Returns:
        Rows of measurements.csv but for the id; empty where nothing is voiced.
    """
    sounds = {name: sound if sound.ndim == 1 else sound.mean(1) for name, sound in sounds.items()}
    intervals = acoustics.find_voiced_intervals(sounds["out"], sample_rate, settings)
    rows = []
    for layer in layers:
        measured = acoustics.measure_series(
            sounds[layer.name], sample_rate, layer.rate_hz, intervals, settings
        )
        rows += [{"layer": layer.name} | measurement._asdict() for measurement in measured]
    return rows


def describe_run(opened: Opened, layers, settings) -> dict:
    """What config.json says of the checkpoint, the model and the measurements.

    Args:
        opened: The checkpoint.
        layers: The layers that were probed.
        settings: Of the measurements.
    """
    config = opened.config
    limits = {layer.name: layer_limits(layer.rate_hz, settings) for layer in layers}
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
        "model": config.to_dict(),
        "sample_rate_hz": config.sample_rate,
        "slice_len": config.slice_len,
        "layers": [
            {
                "name": layer.name,
                "length": layer.length,
                "channels": layer.channels,
                "rate_hz": layer.rate_hz,
                "nyquist_hz": layer.nyquist_hz,
            }
            for layer in layers
        ],
        "praat": acoustics.praat_version(),
        "settings": dataclasses.asdict(settings),
        "limits": {name: dataclasses.asdict(limit) for name, limit in limits.items()},
    }
