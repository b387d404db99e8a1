"""From feature maps to one series per layer, and from a series to a sound.

Beguš & Zhou 2022, section IV: average a layer over its feature maps after ReLU (eq. 4), clip the
average at 1 and bring it to the sampling rate of the output by linear interpolation (footnote 2).
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from wavegan_tf.errors import InputError

REDUCTIONS = ("mean", "max", "l2", "weighted", "channel:N")
"""What ``--reduce`` may be; N is the number of a feature map, from 1."""

UPSAMPLES = ("linear", "band_limited")
"""What ``--upsample`` may be."""

AUDIO = ("out", "input")
"""Layers whose channels are those of the audio, not feature maps."""

# Samples of the series to either side that a sample of the result is made of. With a Kaiser window
# of 80 dB (Kaiser's 0.1102 (A - 8.7)) the filter goes from full to nothing within 0.92 .. 1.08 of
# the series' Nyquist.
_REACH = 32
_KAISER_BETA = 0.1102 * (80 - 8.7)


class Reduction(NamedTuple):
    """How the feature maps of a layer become one series."""

    kind: str = "mean"  # or "max", "l2", "weighted", "channel"
    channel: int = 0  # of "channel", the number of the feature map, from 1

    def __str__(self) -> str:
        """Writes what :func:`parse_reduce` reads."""
        return f"channel:{self.channel}" if self.kind == "channel" else self.kind

    def check(self, channels: int, layer: str = "the layer") -> None:
        """Raises InputError where a layer of so many feature maps has not the one asked for."""
        if self.channel > channels:
            raise InputError(
                f"--reduce={self}: {layer} has {channels} feature maps; choose channel:1 .. "
                f"channel:{channels}, or leave the layer out (--layers)"
            )


MEAN = Reduction()
"""The paper's."""


def parse_reduce(text: str) -> Reduction:
    """Reads ``--reduce``: one of :data:`REDUCTIONS`, for example ``l2`` or ``channel:17``."""
    if text in REDUCTIONS[:-1]:
        return Reduction(text)
    if match := re.fullmatch(r"channel:0*([1-9][0-9]{0,8})", text, re.ASCII):
        return Reduction("channel", int(match[1]))
    raise InputError(
        f"--reduce={text}: must be one of {', '.join(REDUCTIONS)}, the feature maps counted from 1 "
        "(channel:17)"
    )


def average(activations: np.ndarray | Mapping[str, np.ndarray]) -> Any:
    """Averages a layer over its feature maps (eq. 4: t_C = sum of the C_i, over |C|).

    Args:
        activations: A layer after its activation, ``[batch, time, channels]``, or such layers by
            name. Of :data:`AUDIO`, which have no feature maps, the channels stay: ``[batch, time]``
            where there is one, otherwise ``[batch, time, channels]``.

    Returns:
        The average, float32 ``[batch, time]``, summed in float64; of layers by name, a dict.
    """
    if not isinstance(activations, Mapping):
        return reduce_maps(activations)
    return {
        name: reduce_maps(layer) if name not in AUDIO or np.shape(layer)[-1] == 1 else layer
        for name, layer in activations.items()
    }


def reduce_maps(
    activations: np.ndarray, how: Reduction = MEAN, weights: np.ndarray | None = None
) -> np.ndarray:
    """Joins the feature maps C_i of a layer into one series.

    ``mean``: eq. 4. ``max``: the largest C_i at each time. ``l2``: the L2 norm over the maps,
    divided by sqrt(|C|), which is their root mean square: equal to the mean where all maps agree,
    and larger the fewer are active; the sign of negative values (leaky ReLU) is lost. ``weighted``:
    the sum of w_i C_i. ``channel:N``: one map as it is.

    Args:
        activations: A layer after its activation, ``[batch, time, channels]``.
        how: One of :func:`parse_reduce`.
        weights: Of ``weighted`` alone, ``[channels]``, of sum 1.

    Returns:
        float32 ``[batch, time]``, summed in float64.

    Raises:
        InputError: The layer has fewer feature maps than the one asked for.
        ValueError: The array has not three axes, or no channels, or the weights do not fit.
    """
    activations = np.asarray(activations)
    if activations.ndim != 3 or activations.shape[-1] == 0:
        raise ValueError(
            f"activations of shape {activations.shape}: they must be [batch, time, channels] with "
            "at least one channel"
        )
    how.check(activations.shape[-1])
    if how.kind == "mean":
        series = activations.mean(axis=-1, dtype=np.float64)
    elif how.kind == "max":
        series = activations.max(axis=-1)
    elif how.kind == "l2":
        power = np.einsum("btc,btc->bt", activations, activations, dtype=float)
        series = np.sqrt(power / activations.shape[-1])
    elif how.kind == "channel":
        series = activations[..., how.channel - 1]
    else:
        given = np.asarray([] if weights is None else weights, np.float64)
        if given.shape != activations.shape[-1:] or abs(given.sum() - 1) > 1e-5:
            raise ValueError(
                f"weights for activations of shape {activations.shape}: shape {given.shape}, sum "
                f"{given.sum():g}; they must be [channels] of sum 1"
            )
        series = np.einsum("btc,c->bt", activations, given, dtype=float)
    return series.astype(np.float32)


def upsample_linear(series: np.ndarray, length: int) -> np.ndarray:
    """Interpolates series linearly to another number of samples over the same time.

    Half-sample-centred: sample i of a series at rate r stands at (i + 0.5) / r seconds, the middle
    of the time it covers, as the centred ("same") transposed convolutions of the Generator place
    it; so the layers line up with the output. Before the middle of the first sample and after that
    of the last, the series is held. Without change of length the values are returned exactly. A
    shorter length reads the same straight lines at fewer points, without a low-pass filter.

    Args:
        series: ``[..., time]``, at least one sample.
        length: Samples wanted, at least 1; any ratio to ``time``.

    Returns:
        ``[..., length]``, in the type of ``series`` (float64 for integers).
    """
    series = _check_series(series, length)
    n = series.shape[-1]
    if n == length:
        return series.copy()
    position = np.clip((np.arange(length) + 0.5) * n / length - 0.5, 0, n - 1)  # [length]
    left = position.astype(int)  # [length]
    right = np.minimum(left + 1, n - 1)
    weight = (position - left).astype(series.dtype)
    start = series[..., left]  # [..., length]
    return start + weight * (series[..., right] - start)


def upsample_band_limited(series: np.ndarray, length: int) -> np.ndarray:
    """Interpolates series to a multiple of its samples by a sinc under a Kaiser window.

    On the grid of :func:`upsample_linear`, the outer samples held. Below 0.9 of the Nyquist
    frequency of the series a tone keeps its amplitude within 0.1 %, and its mirror images lie 80 dB
    below it; linear interpolation lets those of a tone at half the Nyquist through at -19 dB.
    Between its samples the series may overshoot their values (by 14 % at a step), and a NaN spreads
    over 32 samples to either side. This removes the octave errors of Praat's F0 that the mirror
    images cause, not those of harmonics that fold about the Nyquist of a layer that rectifies.

    Args:
        series: ``[..., time]``, at least one sample.
        length: Samples wanted, a multiple of ``time``.
    """
    series = _check_series(series, length)
    factor, rest = divmod(length, series.shape[-1])
    if rest:
        raise ValueError(f"series of shape {series.shape} to {length} samples: no multiple")
    if factor == 1:
        return series.copy()
    # The sample wanted stands offset samples of the series after the nearest one, which the taps
    # lie around.
    offset = (np.arange(factor) + 0.5) / factor - 0.5  # [factor]
    distance = offset - np.arange(-_REACH, _REACH + 1)[:, None]  # [taps, factor]
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (distance / (_REACH + 0.5)) ** 2))
    taps = np.sinc(distance) * window
    taps /= taps.sum(0)  # a constant stays constant
    margin = [(0, 0)] * (series.ndim - 1) + [(_REACH, _REACH)]
    held = np.pad(series.astype(np.float64), margin, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(held, len(taps), axis=-1)
    result = around @ taps  # [..., time, taps] @ [taps, factor]
    return result.reshape(*series.shape[:-1], length).astype(series.dtype)


def _check_series(series: np.ndarray, length: int) -> np.ndarray:
    """Returns the series as an array of floats."""
    series = np.asarray(series)
    if series.ndim == 0 or series.shape[-1] == 0 or length < 1:
        raise ValueError(
            f"series of shape {series.shape} to {length} samples: both need at least one sample"
        )
    return series if np.issubdtype(series.dtype, np.floating) else series.astype(np.float64)


def to_sound(
    series: np.ndarray, length: int, upsample: str = "linear", clip: bool = True
) -> np.ndarray:
    """Turns a series into a sound: clips it to -1 .. 1, then upsamples it (footnote 2).

    Args:
        series: ``[..., time]``, in units of full scale.
        length: Samples of the sound, usually those of the Generator's output.
        upsample: ``linear``, the paper's, or ``band_limited``, whose overshoots are clipped again.
        clip: Whether what exceeds 1 is clipped, as in the paper. A Generator's averages hardly
            exceed 1, but the largest of many maps, and a classifier's last layers, mostly do: a
            clipped sound would be flat.

    Returns:
        float32 ``[..., length]`` (NaN stays NaN).
    """
    if upsample not in UPSAMPLES:
        raise InputError(f"--upsample={upsample}: must be one of {', '.join(UPSAMPLES)}")
    series = np.asarray(series, np.float32)
    series = np.clip(series, -1, 1) if clip else series
    if upsample == "linear":
        return upsample_linear(series, length)
    sound = upsample_band_limited(series, length)
    return np.clip(sound, -1, 1) if clip else sound
