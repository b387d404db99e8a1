"""From feature maps to one series per layer, and from a series to a sound.

Beguš & Zhou 2022, section IV: average a layer over its feature maps after ReLU (eq. 4), clip the
average at 1 and bring it to the sampling rate of the output by linear interpolation (footnote 2).
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from wavegan_tf.errors import InputError

REDUCTIONS = ("mean", "max", "l2", "weighted", "channel:N")  # N: of a feature map, from 1
UPSAMPLES = ("linear", "band_limited")

_REACH = 32  # samples of the series to either side that a sample of the result is made of
_KAISER_BETA = 0.1102 * (80 - 8.7)  # a window of 80 dB


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


MEAN = Reduction()  # the paper's


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

    From a layer after its activation, ``[batch, time, channels]``, to float32 ``[batch, time]``,
    summed in float64; from layers by name to a dict, in which several channels of audio (``out``,
    ``input``) are kept.
    """
    if not isinstance(activations, Mapping):
        return reduce_maps(activations)
    return {
        name: layer if name in ("out", "input") and layer.shape[-1] > 1 else reduce_maps(layer)
        for name, layer in activations.items()
    }


def reduce_maps(
    activations: np.ndarray, how: Reduction = MEAN, weights: np.ndarray | None = None
) -> np.ndarray:
    """Joins the feature maps C_i of a layer into one series, summed in float64.

    ``mean``: eq. 4. ``max``: the largest C_i at each time. ``l2``: their root mean square, equal to
    the mean where all maps agree, and larger the fewer are active. ``weighted``: the sum of w_i
    C_i, with ``weights`` ``[channels]`` of sum 1. ``channel:N``: one map as it is. From a layer
    after its activation, ``[batch, time, channels]``, to float32 ``[batch, time]``.

    Raises:
        InputError: The layer has fewer feature maps than the one asked for.
        ValueError: The array has not three axes, or no channels, or the weights do not fit.
    """
    activations = np.asarray(activations)
    if activations.ndim != 3 or activations.shape[-1] == 0:
        raise ValueError(f"activations of shape {activations.shape}: not [batch, time, channels]")
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
                f"weights for activations of shape {activations.shape}: not [channels] of sum 1"
            )
        series = np.einsum("btc,c->bt", activations, given, dtype=float)
    return series.astype(np.float32)


def upsample_linear(series: np.ndarray, length: int) -> np.ndarray:
    """Interpolates series linearly, ``[..., time]`` to ``[..., length]`` over the same time.

    Sample i of a series at rate r stands at (i + 0.5) / r seconds, as the centred ("same")
    transposed convolutions of the Generator place it; so the layers line up with the output. Beyond
    the outer samples the series is held. An equal length changes no value.
    """
    n = series.shape[-1]
    if n == length:
        return series.copy()
    position = np.clip((np.arange(length) + 0.5) * n / length - 0.5, 0, n - 1)  # [length]
    left = position.astype(int)  # [length]
    start, end = series[..., left], series[..., np.minimum(left + 1, n - 1)]  # [..., length]
    return start + (position - left).astype(series.dtype) * (end - start)


def upsample_band_limited(series: np.ndarray, length: int) -> np.ndarray:
    """Interpolates series to a multiple of its samples by a sinc under a Kaiser window.

    On the grid of :func:`upsample_linear`. Below 0.9 of the Nyquist frequency of the series a tone
    keeps its amplitude within 0.1 %, and its mirror images lie 80 dB below it; linear interpolation
    lets those of a tone at half the Nyquist through at -19 dB. Between its samples the series may
    overshoot (by 14 % at a step), and a NaN spreads over 32 samples to either side.
    """
    factor, rest = divmod(length, series.shape[-1])
    if rest:
        raise ValueError(f"series of shape {series.shape} to {length} samples: no multiple")
    if factor == 1:
        return series.copy()
    offset = (np.arange(factor) + 0.5) / factor - 0.5  # from the nearest sample [factor]
    distance = offset - np.arange(-_REACH, _REACH + 1)[:, None]  # [taps, factor]
    window = np.i0(_KAISER_BETA * np.sqrt(1 - (distance / (_REACH + 0.5)) ** 2))
    taps = np.sinc(distance) * window
    taps /= taps.sum(0)  # a constant stays constant
    margin = [(0, 0)] * (series.ndim - 1) + [(_REACH, _REACH)]
    held = np.pad(series.astype(np.float64), margin, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(held, len(taps), axis=-1)
    result = around @ taps  # [..., time, taps] @ [taps, factor]
    return result.reshape(*series.shape[:-1], length).astype(series.dtype)


def to_sound(
    series: np.ndarray, length: int, upsample: str = "linear", clip: bool = False
) -> np.ndarray:
    """Turns a series into a sound: upsamples it, clipped to -1 .. 1 before if wanted (footnote 2).

    From ``[..., time]``, full scale 1, to float32 ``[..., length]``; NaN stays NaN.

    Args:
        series: Usually an average of a layer.
        length: Samples of the sound, usually those of the Generator's output.
        upsample: ``linear``, the paper's, or ``band_limited``, whose overshoots are clipped again.
        clip: Whether what exceeds 1 is clipped, as in the paper. A layer's scale is arbitrary, and
            in many Generators the averages exceed 1 by far: loud vowels become flat.

    Raises:
        InputError: There is no such kind of upsampling.
        ValueError: There is no sample, or ``band_limited`` is asked for no multiple of ``time``.
    """
    if upsample not in UPSAMPLES:
        raise InputError(f"--upsample={upsample}: must be one of {', '.join(UPSAMPLES)}")
    series = np.asarray(series, np.float32)
    if not series.size or length < 1:
        raise ValueError(f"{series.shape} to {length} samples: both need at least one sample")
    limit = 1.0 if clip else np.inf
    interpolate = upsample_linear if upsample == "linear" else upsample_band_limited
    with np.errstate(invalid="ignore"):
        return np.clip(interpolate(np.clip(series, -limit, limit), length), -limit, limit)
