"""What an interpolation takes of the series of its layers as they come, output by output."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from wavegan_tf.experiments.listen import Network, take_ordinary
from wavegan_tf.latents import Design, Sweep
from wavegan_tf.model import Model
from wavegan_tf.models.config import Layer
from wavegan_tf.stats import changes, sweeps
from wavegan_tf.stats.resampling import StatisticsSettings

LEVEL_UNITS = {"rms": "dB", "peak": "1", "saturation": "1", "distance": "1"}

Reference = dict[tuple[str, int], dict[str, np.ndarray]]
"""What ordinary outputs are like, by layer and channel (from 1)."""


def describe_ordinary(network: Network, model: Model, design: Design, n: int) -> Reference:
    """Describes ``n`` ordinary outputs of a network, of latent vectors as in training.

    Returns:
        By layer and channel (from 1) what :func:`~wavegan_tf.stats.changes.describe_reference`
        gives of the outputs whose series are finite; nothing of a layer with fewer than 2.
    """
    described: dict[tuple[str, int], list[np.ndarray]] = {}
    for taken in take_ordinary(network, model, design, n):
        for layer in network.layers:
            for channel, x in enumerate(channels_of(taken.series[layer.name]), start=1):
                if np.isfinite(x).all():
                    found = changes.features(x, changes.band_powers(x, layer.rate_hz))
                    described.setdefault((layer.name, channel), []).append(found)
    several = {key: np.array(rows) for key, rows in described.items() if len(rows) > 1}
    return {key: changes.describe_reference(rows) for key, rows in several.items()}


def channels_of(series: np.ndarray) -> np.ndarray:
    """Lays a series ``[length]`` or ``[length, channels]`` out as ``[channels, length]``."""
    return series.reshape(len(series), -1).T


class Levels:
    """The levels of outputs, and how far they are from ordinary ones, in order of the outputs."""

    def __init__(self, layers: Sequence[Layer], target: str, reference: Reference) -> None:
        """Begins without an output."""
        self._layers, self._target, self._reference = layers, target, reference
        self._levels: dict[str, list[list]] = {layer.name: [] for layer in layers}

    def take(self, series: dict[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
        """Takes the levels of the next output, and gives each layer's band powers by channel."""
        found = {}
        for layer in self._layers:
            name, x, levels = layer.name, channels_of(series[layer.name]), []
            found[name] = [changes.band_powers(channel, layer.rate_hz) for channel in x]
            for channel, (one, power) in enumerate(zip(x, found[name], strict=True), start=1):
                known, distance = self._reference.get((name, channel)), math.nan
                if known and np.isfinite(one).all():
                    distance = changes.distance(changes.features(one, power), known)
                levels.append([*changes.levels(one).values(), distance])
            self._levels[name].append(levels)
        return found

    def values(self) -> pd.DataFrame:
        """Gives the levels of all outputs as :mod:`wavegan_tf.stats.sweeps` takes values.

        Saturation is one of the output alone.
        """
        found = {name: np.array(rows) for name, rows in self._levels.items()}
        return sweeps.values_frame({
            (channel + 1, name, sweeps.OUTPUT, measure, unit): x[:, channel, k]
            for channel in range(max(x.shape[1] for x in found.values()))
            for k, (measure, unit) in enumerate(LEVEL_UNITS.items())
            for name, x in found.items()
            if channel < x.shape[1] and (measure != "saturation" or name == self._target)
        })  # fmt: skip


class Followed(Levels):
    """What is taken of the series of an interpolation as they come, in order of the outputs.

    Memory grows with the number of outputs by some numbers for each layer. ``power`` has by sweep
    and layer, ``z11/conv4``, the mean square in frames over bases and other sweeps,
    ``[values, frames, channels]``.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        target: str,
        varied: list[Sweep],
        n_bases: int,
        reference: Reference,
    ) -> None:
        """Begins without an output."""
        super().__init__(layers, target, reference)
        self._varied, lengths = varied, [len(sweep.values) for sweep in varied]
        self._shape = (n_bases, *lengths)
        self._changes = {layer.name: changes.ChangeSum(lengths) for layer in layers}
        self._bands: dict[str, list[np.ndarray]] = {layer.name: [] for layer in layers}
        self.power: dict[str, np.ndarray] = {}

    def add(self, output: int, series: dict[str, np.ndarray]) -> None:
        """Takes what is wanted of the series of the next output."""
        place = np.unravel_index(output, self._shape)[1:]
        for name, powers in self.take(series).items():
            x = channels_of(series[name])
            self._changes[name].add(x.T)
            self._bands[name].append(np.mean(powers, axis=0))
            frames = np.stack([changes.frame_power(channel) for channel in x], axis=-1)
            for sweep, step in zip(self._varied, place, strict=True):
                empty = np.zeros((len(sweep.values), *frames.shape))
                total = self.power.setdefault(f"{sweep.name}/{name}", empty)
                total[step] += frames * len(sweep.values) / np.prod(self._shape)

    def changes(self) -> dict[str, np.ndarray]:
        """Gives the change of every sample by sweep and layer, ``z11/conv4``."""
        return {
            f"{sweep.name}/{name}": total.result()[k]
            for k, sweep in enumerate(self._varied)
            for name, total in self._changes.items()
            if total.n
        }

    def tables(self, settings: StatisticsSettings) -> dict[str, pd.DataFrame]:
        """Says where in time (``spikes``) and frequency (``bands``) layers change along sweeps."""
        spikes, bands, found = [], [], self.changes()
        for axis, sweep in enumerate(self._varied):
            for layer in self._layers:
                head = {"latent": sweep.name, "layer": layer.name}
                change = found.get(f"{sweep.name}/{layer.name}", np.zeros(1))
                table = changes.find_spikes(change, layer.rate_hz)
                spikes.append(table.assign(n=self._changes[layer.name].n, **head))
                powers = np.array(self._bands[layer.name])  # [outputs, bands]
                grid = np.moveaxis(powers.reshape(*self._shape, -1), 1 + axis, 0)
                first, last = (x.reshape(len(x), -1, powers.shape[1]) for x in (grid[0], grid[-1]))
                edges_hz = changes.band_edges(layer.length, layer.rate_hz)
                bands.append(changes.band_changes(first, last, edges_hz, settings).assign(**head))
        return {
            name: pd.concat(parts, ignore_index=True)[[*head, *parts[0].columns[:-2]]]
            for name, parts in (("spikes", spikes), ("bands", bands))
        }
