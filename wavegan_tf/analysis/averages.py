"""From feature maps to one series per layer, and from a series to a sound.

Beguš & Zhou 2022, section IV: average a layer over its feature maps after ReLU (eq. 4), clip the
average at 1 and bring it to the sampling rate of the output by linear interpolation (footnote 2).
NumPy only.
"""

import numpy as np


def average_feature_maps(activations: np.ndarray) -> np.ndarray:
    """Average a layer over its feature maps (eq. 4: t_C = sum of the C_i, over |C|).

    Args:
        activations: a layer after its activation, ``[batch, time, channels]``.

    Returns:
        The average, float32 ``[batch, time]``, summed in float64.

    Raises:
        ValueError: the array has not three axes, or no channels.
    """
    activations = np.asarray(activations)
    if activations.ndim != 3 or activations.shape[-1] == 0:
        raise ValueError(
            f"activations of shape {activations.shape}: they must be [batch, time, channels] with "
            "at least one channel"
        )
    return activations.mean(axis=-1, dtype=np.float64).astype(np.float32)


def upsample_linear(series: np.ndarray, length: int) -> np.ndarray:
    """Interpolate series linearly to another number of samples over the same time.

    Half-sample-centred: sample i of a series at rate r stands at (i + 0.5) / r seconds, the middle
    of the time it covers, as the centred ("same") transposed convolutions of the Generator place
    it; so the layers line up with the output. Before the middle of the first sample and after that
    of the last, the series is held. Without change of length the values are returned exactly. A
    shorter length reads the same straight lines at fewer points, without a low-pass filter.

    Args:
        series: ``[..., time]``, at least one sample.
        length: samples wanted, at least 1; any ratio to ``time``.

    Returns:
        ``[..., length]``, in the type of ``series`` (float64 for integers).

    Raises:
        ValueError: the series has no samples, or ``length`` is below 1.
    """
    series = np.asarray(series)
    if series.ndim == 0 or series.shape[-1] == 0 or length < 1:
        raise ValueError(
            f"series of shape {series.shape} to {length} samples: both need at least one sample"
        )
    if not np.issubdtype(series.dtype, np.floating):
        series = series.astype(np.float64)
    n = series.shape[-1]
    position = np.clip((np.arange(length) + 0.5) * n / length - 0.5, 0, n - 1)  # [length]
    left = position.astype(int)  # [length]
    right = np.minimum(left + 1, n - 1)
    weight = (position - left).astype(series.dtype)
    start = series[..., left]  # [..., length]
    return start + weight * (series[..., right] - start)


def to_sound(series: np.ndarray, length: int) -> np.ndarray:
    """Turn an averaged series into a sound: clip to -1 .. 1, then upsample (footnote 2).

    Args:
        series: ``[..., time]``, in units of full scale; what exceeds 1 is clipped, as in the paper.
        length: samples of the sound, usually those of the Generator's output.

    Returns:
        float32 ``[..., length]`` in -1 .. 1 (NaN stays NaN).

    Raises:
        ValueError: as :func:`upsample_linear`.
    """
    return upsample_linear(np.clip(np.asarray(series, np.float32), -1, 1), length)
