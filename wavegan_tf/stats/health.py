"""Does a Generator speak? What must hold before its layers are judged.

A network that has hardly learned repeats itself with the strides of its layers, and every layer
correlates with that perfectly. The limits are wide on purpose: what fails them is no speech.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

MOST_ALIKE = 200
"""Outputs that the diversity is taken over, from the first on."""

PASSED, FAILED = "passed", "failed"

CHECKS = {
    "voice": (0.1, "only {share} of the outputs have a voiced interval"),
    "stride": (
        0.5,
        "{share} of the values of F0 lie within 1 % of a multiple or small fraction of a layer's "
        "rate: this is the hum of the network's strides, not a voice",
    ),
    "diversity": (
        0.02,
        "the outputs are much alike (diversity {value}; spoken words have 0.5)",
    ),
    "saturation": (0.5, "{share} of the outputs are clipped in more than a tenth of their samples"),
    "silence": (0.5, "{share} of the outputs are silent"),
}
"""By check its limit and what is said where it fails: of voice and diversity below the limit, of
the others above it."""

_FRAMES, _BANDS = 32, 16


def check_outputs(
    points: pd.DataFrame,
    outputs: pd.DataFrame,
    audio: np.ndarray,
    target: str,
    near_stride: Callable[[np.ndarray], np.ndarray] | None,
) -> pd.DataFrame:
    """Checks the outputs of a Generator.

    Args:
        points: Values at points; F0 of the target is looked at.
        outputs: A row for each output and channel; those ``annotated`` say nothing of the voice.
        audio: ``[outputs, time]`` or ``[outputs, time, channels]``.
        target: Name of the layer that the outputs are.
        near_stride: Says which values of F0 lie at a stride; None for no such check.

    Returns:
        A row for each of :data:`CHECKS` that can be made: ``check``, ``estimate``, ``limit``,
        ``n`` (outputs, or values of F0) and ``verdict``. ``stride`` fails only where the share is
        also three times that of frequencies around these values.
    """
    n, found = len(outputs), {}
    heard = outputs[~outputs["annotated"].astype(bool)] if "annotated" in outputs else outputs
    if len(heard):
        found["voice"] = (heard["n_voiced"] > 0).mean(), len(heard)
    f0_hz, chance = np.zeros(0), 0.0
    if len(points):
        is_f0 = (points["layer"] == target) & (points["measure"] == "f0") & points["value"].notna()
        f0_hz = points.loc[is_f0, "value"].to_numpy()
    if near_stride is not None and len(f0_hz):
        around = np.outer(f0_hz, np.geomspace(0.8, 1.25, 31))
        near, chance = (near_stride(x).mean() for x in (f0_hz, around))
        found["stride"] = near, len(f0_hz)
    if len(audio) > 1:
        few = np.asarray(audio[:MOST_ALIKE], np.float64)
        few = np.nan_to_num(few.reshape(*few.shape[:2], -1))
        found["diversity"] = diversity(few), len(few)
    found["saturation"] = (outputs["clipped_share"] > 0.1).mean(), n
    found["silence"] = (outputs["problem"] == "silent").mean(), n
    rows = []
    for check, (estimate, number) in found.items():
        limit = CHECKS[check][0]
        bad = estimate < limit if check in ("voice", "diversity") else estimate > limit
        bad = bad and (check != "stride" or estimate > 3 * chance)
        rows.append((check, float(estimate), limit, number, FAILED if bad else PASSED))
    return pd.DataFrame(rows, columns=["check", "estimate", "limit", "n", "verdict"])


def diversity(audio: np.ndarray) -> float:
    """Computes how different sounds are from one another, whatever their levels.

    Each is described by the amplitudes in 32 stretches of time and 16 bands of frequency
    (logarithmic, up to the Nyquist frequency), coarse enough that two noises of one shape are
    alike; the diversity is the mean over all pairs of 1 - cosine.

    Args:
        audio: [n, time, channels], n of 2 or more, time of 32 * 64 or more.

    Returns:
        0 (all alike, or all silent) to 1. Spoken digits of several speakers: 0.6; recordings of one
        word by one speaker: 0.5; white noise, ever new: 0.04.
    """
    apart = distances_of(shapes(audio))
    return float(max(0, apart.sum()) / (len(apart) * (len(apart) - 1)))


def shapes(audio: np.ndarray) -> np.ndarray:
    """Describes sounds as :func:`diversity` does: of length 1, ``[n, numbers]``; silence is 0."""
    n, time, _ = audio.shape
    length = time // _FRAMES
    frames = audio.mean(axis=2)[:, : length * _FRAMES].reshape(n, _FRAMES, length)
    power = np.abs(np.fft.rfft(frames * np.hanning(length))) ** 2  # [n, frames, bins]
    edges = np.round(np.geomspace(1, power.shape[-1], _BANDS + 1)[:-1]).astype(int)
    shape = np.sqrt(np.add.reduceat(power, np.unique(edges), axis=-1)).reshape(n, -1)
    norm = np.linalg.norm(shape, axis=1, keepdims=True)
    return shape / np.where(norm > 0, norm, 1)


def distances_of(shape: np.ndarray) -> np.ndarray:
    """Computes 1 - cosine of all pairs of :func:`shapes`, and 0 of two silences, ``[n, n]``."""
    squares = np.sum(shape**2, axis=1)  # |a - b|^2 / 2 is 1 - cosine of unit vectors
    return (squares[:, None] + squares - 2 * shape @ shape.T) / 2
