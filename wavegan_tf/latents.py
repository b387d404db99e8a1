"""Latent vectors: their layout, sampling, notation, files, sweeps, and the order of outputs.

A latent vector is the code c followed by the uniform variables z. Both count from one, as in the
papers: with a code of two variables ``z1`` is the third latent. ``config`` is a
:class:`~wavegan_tf.models.config.ModelConfig` (its ``model``, ``num_categ`` and ``latent_dim``).
"""

import csv
import itertools
import math
import os
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

MAX_SWEEP_STEPS = 10_000
MAX_OUTPUTS = 10_000  # of an interpolation

BETWEEN = ("linear", "spherical")
"""How to get from one latent vector to another."""

PATH = "t"
"""What varies between two whole vectors: 0 at the first, 1 at the second."""


class Condition(NamedTuple):
    """Settings that base vectors are generated under.

    Attributes:
        name: What outputs are called: ``c1=1``, ``z11=-15``.
        settings: Value by name of the variables that are set.
        about: Further columns of the design's table.
    """

    name: str
    settings: dict[str, float]
    about: dict[str, Any] = {}


class Design(NamedTuple):
    """Which latent vectors are generated, in the order of the outputs.

    Attributes:
        z: The vectors, float32 [n, latent_dim].
        table: What was set in which output: ``output``, ``base``, ``condition`` and more.
    """

    z: np.ndarray
    table: pd.DataFrame


def cross(bases: np.ndarray, conditions: Sequence[Condition], config: ModelConfig) -> Design:
    """Puts every base vector under every condition: the one order of outputs in this package.

    Output ``base * len(conditions) + k`` is the base vector under the k-th condition, so that the
    outputs of one base stand together.

    Args:
        bases: [n, latent_dim].
        conditions: At least one.
        config: The model.
    """
    under = [apply_settings(bases, condition.settings, config) for condition in conditions]
    return arrange(np.stack(under, axis=1), conditions)


def arrange(vectors: np.ndarray, conditions: Sequence[Condition]) -> Design:
    """Makes a design of vectors that are known: [bases, conditions, latent_dim]."""
    n_bases, n_conditions, latent_dim = vectors.shape
    about = [{"condition": c.name, **c.about} for c in conditions]
    table = pd.DataFrame(about * n_bases)
    table.insert(0, "base", np.repeat(np.arange(n_bases), n_conditions))
    table.insert(0, "output", np.arange(len(table)))
    return Design(np.ascontiguousarray(vectors, np.float32).reshape(-1, latent_dim), table)


def plain(z: np.ndarray) -> Design:
    """Makes a design of vectors as they are: every one is its own base."""
    return arrange(np.asarray(z, np.float32)[:, np.newaxis], [Condition("", {})])


def latents_table(z: np.ndarray, config: ModelConfig) -> pd.DataFrame:
    """Makes the table of latent vectors: ``output``, then ``c1`` .., ``z1`` .. ."""
    table = pd.DataFrame(np.asarray(z, np.float64), columns=latent_names(config))
    table.insert(0, "output", np.arange(len(z)))
    return table


def latent_names(config: ModelConfig) -> list[str]:
    """Names of the latent variables in order: ``c1`` .., then ``z1`` .. ."""
    codes = [f"c{i + 1}" for i in range(config.num_categ)]
    return codes + [f"z{i + 1}" for i in range(config.latent_dim - config.num_categ)]


def latent_index(name: str, config: ModelConfig, given: str = "") -> int:
    """Position of a latent variable in the vector, counting from zero.

    Args:
        name: Of the variable.
        config: The model.
        given: What the user wrote, with the flag, for the message.

    Raises:
        InputError: The model has no variable of that name.
    """
    match = re.fullmatch(r"([cz])([1-9][0-9]*)", name)
    kind, number = (match[1], int(match[2])) if match else ("", 0)
    count = config.num_categ if kind == "c" else config.latent_dim - config.num_categ
    if not match or number > count:
        codes = f"c1 .. c{config.num_categ} and " if config.num_categ else ""
        raise InputError(
            f"{given + ': ' if given else ''}latent {name!r}: this {config.model} has {codes}"
            f"z1 .. z{config.latent_dim - config.num_categ}; choose one of them"
        )
    return number - 1 + (config.num_categ if kind == "z" else 0)


def sample_latents(config: ModelConfig, n: int, seed: int) -> np.ndarray:
    """Draws latent vectors as in training.

    z is uniform in -1 .. 1; the code is one-hot with equal chances (ciwGAN) or made of independent
    fair bits (fiwGAN). The first k of n vectors are those of a draw of k.

    Args:
        config: The model.
        n: How many.
        seed: The same seed gives the same vectors.

    Returns:
        float32 [n, latent_dim].
    """
    code_rng, z_rng = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    num_z = config.latent_dim - config.num_categ
    z = z_rng.uniform(-1, 1, [n, num_z])
    if config.model == "ciwgan":
        code = np.eye(config.num_categ)[code_rng.integers(config.num_categ, size=n)]
    else:
        code = code_rng.integers(2, size=[n, config.num_categ])
    return np.concatenate([code, z], axis=1).astype(np.float32)


def parse_settings(text: str, config: ModelConfig, flag: str = "--set") -> dict[str, float]:
    """Reads settings such as ``c1=1,z11=-5``, given with a flag.

    Returns:
        Value by name, in the order given; empty for an empty text.

    Raises:
        InputError: Not of that form, no such variable, or one named twice.
    """
    settings = {}
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, value = split_assignment(part, flag, "c1=1,z11=-5")
        latent_index(name, config, f"{flag}={text}")
        if name in settings:
            raise InputError(f"{flag}={text}: {name} is set twice; give it one value")
        settings[name] = read_number(value, flag, part)
    return settings


def apply_settings(
    latents: np.ndarray, settings: dict[str, float], config: ModelConfig
) -> np.ndarray:
    """Sets variables to values, all others kept.

    One exception: in a ciwGAN, whose code is one-hot, naming any code variable sets the code
    variables not named to 0, so that ``c2=5`` means the code [0, 5, 0, ..] of the papers.

    Args:
        latents: [n, latent_dim]; not changed.
        settings: Value by name.
        config: The model.

    Returns:
        float32 [n, latent_dim].
    """
    latents = np.array(latents, np.float32)
    if config.model == "ciwgan" and any(name.startswith("c") for name in settings):
        latents[:, : config.num_categ] = 0
    for name, value in settings.items():
        latents[:, latent_index(name, config)] = value
    return latents


def load_latents(path: str, config: ModelConfig) -> np.ndarray:
    """Reads latent vectors from a file.

    A ``.npy`` array [n, latent_dim] or [latent_dim], or a ``.csv`` table of one vector a row. A
    table's header names the variables (``c1``, ``z1``, ..) in any order, and an ``id`` column is
    passed over, so that a ``latents.csv`` of an earlier run can be used again; a table without a
    header has the variables in order.

    Returns:
        float32 [n, latent_dim].

    Raises:
        InputError: The file cannot be read, or has another width, no rows, or values that are no
            finite numbers.
    """
    if not os.path.isfile(path):
        raise InputError(f"--latents={path}: no such file; give a .npy or .csv file")
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in (".npy", ".csv"):
        raise InputError(f"--latents={path}: {suffix or 'no suffix'}; give a .npy or .csv file")
    try:
        latents = np.load(path) if suffix == ".npy" else _read_csv(path, config)
        latents = np.atleast_2d(latents.astype(np.float32))
    except InputError:
        raise
    except (ValueError, EOFError) as error:
        raise InputError(f"--latents={path}: cannot be read as numbers ({error})") from None
    if latents.ndim != 2 or latents.shape[1] != config.latent_dim:
        raise InputError(
            f"--latents={path}: shape {list(latents.shape)}, but this {config.model} takes "
            f"vectors of {config.latent_dim} ({latent_names(config)[0]} .. "
            f"{latent_names(config)[-1]}): make the shape [n, {config.latent_dim}]"
        )
    if not len(latents):
        raise InputError(f"--latents={path}: no vectors in it; give at least one")
    if not np.isfinite(latents).all():
        raise InputError(f"--latents={path}: NaN or infinite values; give finite numbers")
    return latents


def _read_csv(path: str, config: ModelConfig) -> np.ndarray:
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if not rows or _is_number(rows[0][0]):
        return np.array(rows, dtype=np.float64).reshape(len(rows), -1)
    header = [name.strip() for name in rows[0]]
    columns = {name: i for i, name in enumerate(header) if name != "id"}
    if set(columns) != set(latent_names(config)) or len(header) != len(set(header)):
        odd = sorted(set(columns) ^ set(latent_names(config)))
        raise InputError(
            f"--latents={path}: {len(columns)} columns, but this {config.model} takes "
            f"{config.latent_dim} ({latent_names(config)[0]} .. {latent_names(config)[-1]}), each "
            f"named once; look at {', '.join(odd[:5]) or 'the columns named twice'}"
        )
    order = [columns[name] for name in latent_names(config)]
    return np.array([[float(row[i]) for i in order] for row in _whole(rows, path)])


def _whole(rows: list, path: str) -> list:
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(rows[0]):
            raise InputError(
                f"--latents={path}: row {number} has {len(row)} columns, the header "
                f"{len(rows[0])}; give every row all of them"
            )
    return rows[1:]


class Sweep(NamedTuple):
    """One latent variable and the values it takes, in order; or :data:`PATH`, from 0 to 1."""

    name: str
    values: tuple[float, ...]


def parse_sweep(text: str, config: ModelConfig) -> Sweep:
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


def _several(sweep: Sweep, text: str) -> Sweep:
    if len(sweep.values) < 2:
        raise InputError(
            f"--vary={text}: one value is no sweep; give two or more, or --set={sweep.name}="
            f"{sweep.values[0]:g}"
        )
    return sweep


def parse_sweeps(texts: list[str], settings: dict[str, float], config: ModelConfig) -> list[Sweep]:
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


def parse_end(
    text: str, flag: str, settings: dict[str, float], config: ModelConfig
) -> dict[str, float]:
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


def parse_ends(
    first: str, last: str, settings: dict[str, float], config: ModelConfig
) -> list[dict]:
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
    same = [apply_settings(whatever, end, config) for end in ends]
    if np.array_equal(same[0], same[1]):
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
    bases: np.ndarray, settings: dict[str, float], sweeps: list[Sweep], config: ModelConfig
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
    starts: np.ndarray, ends: np.ndarray, sweep: Sweep, between: str, config: ModelConfig
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


def _turn(start: np.ndarray, end: np.ndarray, t: np.ndarray, pair: int) -> np.ndarray:
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


def split_assignment(text: str, flag: str, example: str) -> tuple[str, str]:
    """Splits NAME=VALUE, given with a flag, at the first =.

    Raises:
        InputError: There is no name or no value.
    """
    name, equals, value = text.partition("=")
    if not (name.strip() and equals and value.strip()):
        raise InputError(f"{flag}={text}: expected NAME=VALUE, for example {example}")
    return name.strip(), value.strip()


def read_number(text: str, flag: str, whole: str) -> float:
    """Reads a finite number that is part of what was given with a flag.

    Raises:
        InputError: It is none.
    """
    if not _is_number(text) or not np.isfinite(float(text)):
        raise InputError(f"{flag}={whole}: {text!r} is no finite number")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
