"""What an interpolation generates: sweeps of latent variables, grids of them, ways between vectors.

``config`` is a :class:`~wavegan_tf.models.config.ModelConfig`, as in :mod:`wavegan_tf.latents`.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from wavegan_tf.errors import InputError
from wavegan_tf.latents import (
    apply_settings,
    latent_index,
    parse_settings,
    read_number,
    split_assignment,
)

MAX_SWEEP_STEPS = 10_000
MAX_OUTPUTS = 10_000  # of an interpolation

BETWEEN = ("linear", "spherical")
"""How to get from one latent vector to another."""

PATH = "t"
"""What varies between two whole vectors: 0 at the first, 1 at the second."""


class Sweep(NamedTuple):
    """One latent variable and the values it takes, in order; or :data:`PATH`, from 0 to 1."""

    name: str
    values: tuple[float, ...]


def parse_sweep(text: str, config) -> Sweep:
    """Reads a sweep: ``z11=-15:5:2`` (start, end, step; both ends included) or ``z11=-15,0,15``.

    Raises:
        InputError: Not of that form, no such variable, a step of zero, of the wrong sign, or one
            that does not lead from start to end.
    """
    name, value = split_assignment(text.strip(), "--vary", "z11=-15:5:2 or z11=-15,0,15")
    latent_index(name, config, f"--vary={text}")
    if ":" not in value:
        values = tuple(read_number(v, "--vary", text) for v in value.split(","))
        if len(set(values)) < len(values):
            raise InputError(f"--vary={text}: has a value twice; give each once")
        return _several(Sweep(name, values), text)
    parts = value.split(":")
    if len(parts) != 3:
        raise InputError(f"--vary={text}: expected START:END:STEP, for example z11=-15:5:2")
    start, end, step = (read_number(v, "--vary", text) for v in parts)
    if step == 0:
        raise InputError(f"--vary={text}: the step is 0; give one that leads from {start:g} up")
    count = (end - start) / step
    if count < 0:
        raise InputError(
            f"--vary={text}: a step of {step:g} never leads from {start:g} to {end:g}; "
            f"change its sign: {name}={start:g}:{end:g}:{-step:g}"
        )
    if abs(count - round(count)) > 1e-6:
        raise InputError(
            f"--vary={text}: steps of {step:g} from {start:g} miss {end:g}, and both ends are "
            f"included; end at {start + np.floor(count) * step:g} or "
            f"{start + np.ceil(count) * step:g}"
        )
    if count >= MAX_SWEEP_STEPS:
        raise InputError(f"--vary={text}: over {MAX_SWEEP_STEPS} steps; take larger ones")
    values = tuple(round(start + i * step, 9) for i in range(round(count) + 1))
    return _several(Sweep(name, values), text)


def _several(sweep, text):
    if len(sweep.values) < 2:
        raise InputError(
            f"--vary={text}: one value is no sweep; give two or more, or --set={sweep.name}="
            f"{sweep.values[0]:g}"
        )
    return sweep


def parse_sweeps(texts: list[str], settings: dict[str, float], config) -> list[Sweep]:
    """Reads the sweeps of a grid, each as :func:`parse_sweep` does.

    Args:
        texts: Values of ``--vary``.
        settings: Values of ``--set``, which may not name what is varied.
        config: The model.

    Raises:
        InputError: One is wrong, or a variable is named twice or set as well.
    """
    sweeps = [parse_sweep(text, config) for text in texts]
    names = [sweep.name for sweep in sweeps]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise InputError(f"--vary={texts[i]}: {name} is varied twice; give one --vary of it")
        if name in settings:
            raise InputError(f"--set and --vary both name {name}; leave it out of --set")
    return sweeps


def parse_path(steps: int) -> Sweep:
    """The sweep from one vector to another: ``steps`` values from 0 to 1, both included.

    Raises:
        InputError: Fewer than two steps, or too many.
    """
    if not 2 <= steps <= MAX_SWEEP_STEPS:
        raise InputError(
            f"--steps={steps}: both ends are steps; give 2 .. {MAX_SWEEP_STEPS}, for example 11"
        )
    return Sweep(PATH, tuple(round(i / (steps - 1), 9) for i in range(steps)))


def parse_end(text: str, flag: str, settings: dict[str, float], config) -> dict[str, float]:
    """Reads one end of a way between two settings: ``--from`` or ``--to``.

    Raises:
        InputError: It is no settings, empty, or names what is set as well.
    """
    end = parse_settings(text, config, flag)
    if not end:
        raise InputError(f"{flag}: is empty; give settings, such as {flag}=c1=5")
    for name in end:
        if name in settings:
            raise InputError(f"--set and {flag} both name {name}; leave it out of --set")
    return end


def parse_ends(first: str, last: str, settings: dict[str, float], config) -> list[dict]:
    """Reads both ends of a way between two settings, as :func:`parse_end` does.

    Args:
        first: ``--from``.
        last: ``--to``.
        settings: Values of ``--set``.
        config: The model.

    Raises:
        InputError: One is wrong, or both give the same vectors.
    """
    ends = [parse_end(*given, settings, config) for given in ((first, "--from"), (last, "--to"))]
    whatever = np.stack([np.zeros(config.latent_dim), np.ones(config.latent_dim)])
    if np.array_equal(*(apply_settings(whatever, end, config) for end in ends)):
        raise InputError(
            f"--from={first} and --to={last} are the same; give two settings that differ"
        )
    return ends


def check_number(n_bases: int, sweeps: list[Sweep]) -> int:
    """The number of outputs of an interpolation.

    Raises:
        InputError: Over :data:`MAX_OUTPUTS`.
    """
    lengths = [len(sweep.values) for sweep in sweeps]
    n = n_bases * math.prod(lengths)
    if n > MAX_OUTPUTS:
        product = " x ".join(str(count) for count in (n_bases, *lengths))
        raise InputError(
            f"{product} = {n} outputs (base vectors x values of each sweep): over {MAX_OUTPUTS}; "
            "take fewer base vectors (--n) or larger steps"
        )
    return n


def cell_names(sweeps: list[Sweep]) -> list[str]:
    """What each cell of a grid is called, the last sweep fastest: ``z11=-15,c2=0.5``."""
    pairs = [[f"{sweep.name}={value:.10g}" for value in sweep.values] for sweep in sweeps]
    return [",".join(cell) for cell in itertools.product(*pairs)]


def grid_latents(
    bases: np.ndarray, settings: dict[str, float], sweeps: list[Sweep], config
) -> np.ndarray:
    """Every base vector under every combination of the sweeps' values, all else frozen.

    Args:
        bases: The vectors that are kept, [bases, latent_dim].
        settings: Further values, by name; they do not name what is varied.
        sweeps: The variables and their values; the first varies slowest.
        config: The model.

    Returns:
        float32 [bases * cells, latent_dim]; those of one base stand together.
    """
    cells = itertools.product(*(sweep.values for sweep in sweeps))
    names = [sweep.name for sweep in sweeps]
    under = [
        apply_settings(bases, settings | dict(zip(names, cell, strict=True)), config)
        for cell in cells
    ]
    return np.stack(under, axis=1).reshape(-1, config.latent_dim)


def path_latents(
    starts: np.ndarray, ends: np.ndarray, sweep: Sweep, between: str, config
) -> np.ndarray:
    """The vectors on the way from each start to its end.

    ``linear``: (1 - t) start + t end. ``spherical``: the code as before; z turns at a constant rate
    along the great circle through both z, its norm going linearly from one to the other. Where one
    z is 0 or both have one direction that is the straight line.

    Args:
        starts: [pairs, latent_dim].
        ends: [pairs, latent_dim].
        sweep: The values of t (:func:`parse_path`).
        between: One of :data:`BETWEEN`.
        config: The model.

    Returns:
        float32 [pairs * len(sweep.values), latent_dim]; those of one pair stand together, and the
        first and last are start and end to the bit.

    Raises:
        InputError: A pair's vectors are equal, or on the sphere its z point in opposite directions.
    """
    t = np.array(sweep.values)[:, np.newaxis]
    paths = np.empty([len(starts), len(t), config.latent_dim], np.float32)
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if np.array_equal(start, end):
            raise InputError(f"pair {k}: both vectors are the same; give two that differ")
        paths[k] = (1 - t) * start.astype(np.float64) + t * end
        if between == "spherical":
            z = slice(config.num_categ, None)
            paths[k, :, z] = _turn(start[z].astype(np.float64), end[z].astype(np.float64), t, k)
        paths[k, 0], paths[k, -1] = start, end
    return paths.reshape(-1, config.latent_dim)


def _turn(start, end, t, pair):
    """From one vector to another along the great circle, [steps, dim]; ``t`` is [steps, 1]."""
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if min(norms) == 0:
        return (1 - t) * start + t * end
    start, end = start / norms[0], end / norms[1]
    angle = 2 * np.arctan2(np.linalg.norm(end - start), np.linalg.norm(end + start))
    if np.pi - angle < 1e-4:
        raise InputError(
            f"--between=spherical: the z of pair {pair} point in opposite directions, and great "
            "circles through both go every way; use --between=linear"
        )
    norm = (1 - t) * norms[0] + t * norms[1]
    if angle < 1e-6:
        return norm * start
    return norm * (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
