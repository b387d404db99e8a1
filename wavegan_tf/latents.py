"""Latent vectors: their layout, sampling, notation, files, sweeps, and the order of outputs.

A latent vector is the code c followed by the uniform variables z. Both count from one, as in the
papers: with a code of two variables ``z1`` is the third latent. ``config`` is a
:class:`~wavegan_tf.models.config.ModelConfig` (its ``model``, ``num_categ`` and ``latent_dim``).
"""

import itertools
import math
import os
import re
from collections.abc import Container, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig

MAX_OUTPUTS = 10_000  # of an interpolation
BETWEEN = ("linear", "spherical")  # how to get from one latent vector to another
CONTROL_STREAM = 2  # of the seed, by which control variables are drawn; latents take 0 and 1
PATH = "t"  # what varies between two whole vectors: 0 at the first, 1 at the second


class Condition(NamedTuple):
    """Settings that base vectors are generated under; ``about``, further columns of the design."""

    name: str
    settings: dict[str, float]
    about: dict[str, Any] = {}


class Design(NamedTuple):
    """Latent vectors in order of the outputs, float32 [n, latent_dim], and what was set in which.

    The table has the columns ``output``, ``base``, ``condition`` and more.
    """

    z: np.ndarray
    table: pd.DataFrame


def cross(bases: np.ndarray, conditions: Sequence[Condition], config: ModelConfig) -> Design:
    """Puts every base vector under every condition: the one order of outputs in this package.

    Of ``bases`` [n, latent_dim]; output ``base * len(conditions) + k`` is the base vector under the
    k-th condition, so that the outputs of one base stand together.
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


def code_settings(config: ModelConfig) -> list[str]:
    """Writes settings of each code variable alone: 1, all others of the code 0."""
    codes = latent_names(config)[: config.num_categ]
    if config.model == "ciwgan":  # the others are set to 0 anyway
        return [f"{code}=1" for code in codes]
    return [",".join(f"{each}={int(each == code)}" for each in codes) for code in codes]


def latent_index(name: str, config: ModelConfig, given: str = "") -> int:
    """Finds the position of a latent variable in the vector, counting from zero.

    Raises:
        InputError: The model has no such variable; ``given`` is what the user wrote, with the flag.
    """
    names = latent_names(config)
    if name not in names:
        codes = f"c1 .. c{config.num_categ} and " if config.num_categ else ""
        raise InputError(
            f"{given}{': ' * bool(given)}latent {name!r}: this {config.model} has {codes}z1 .. "
            f"{names[-1]}; choose one of them"
        )
    return names.index(name)


def sample_latents(config: ModelConfig, n: int, seed: int) -> np.ndarray:
    """Draws latent vectors as in training, float32 [n, latent_dim].

    z is uniform in -1 .. 1; the code is one-hot with equal chances (ciwGAN) or made of independent
    fair bits (fiwGAN). The first k of n vectors are those of a draw of k with the same seed.
    """
    code_rng, z_rng = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    num_z = config.latent_dim - config.num_categ
    z = z_rng.uniform(-1, 1, [n, num_z])
    if config.model == "ciwgan":
        code = np.eye(config.num_categ)[code_rng.integers(config.num_categ, size=n)]
    else:
        code = code_rng.integers(2, size=[n, config.num_categ])
    return np.concatenate([code, z], axis=1).astype(np.float32)


def latent_sds(config: ModelConfig) -> np.ndarray:
    """Gives the standard deviation that each variable has in training, ``[latent_dim]``."""
    chance = 1 / config.num_categ if config.model == "ciwgan" else 0.5
    found = np.full(config.latent_dim, 3**-0.5)
    found[: config.num_categ] = (chance * (1 - chance)) ** 0.5
    return found


def draw_controls(config: ModelConfig, taken: Container, n: int, seed: int) -> list[str]:
    """Draws ``n`` of the z that are not ``taken``, or all if they are fewer; names, in order."""
    free = [name for name in latent_names(config)[config.num_categ :] if name not in taken]
    drawn = np.random.default_rng([seed, CONTROL_STREAM]).permutation(len(free))
    return [free[k] for k in sorted(drawn[:n])]


def parse_settings(text: str, config: ModelConfig, flag: str = "--set") -> dict[str, float]:
    """Reads settings such as ``c1=1,z11=-5``, given with a flag; an empty text has none.

    ``c=1101`` sets all variables of the code, each digit the value of one: c1, c2 and c4 to 1, c3
    to 0; ``c=5050`` is a code far outside of training.

    Raises:
        InputError: Not of that form, no such variable, one named twice, or not one digit for each
            variable of the code.
    """
    settings: dict[str, float] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        code = re.fullmatch(r"c\s*=\s*(.*)", part)
        given = (
            _code(code[1], f"{flag}={part}", config)
            if code
            else [_assigned(part, flag, "c1=1,z11=-5", config)]
        )
        for name, value in given:
            if name in settings:
                raise InputError(f"{flag}={text}: {name} is set twice; give it one value")
            settings[name] = _finite(value, f"{flag}={part}")
    return settings


def _code(digits: str, given: str, config: ModelConfig) -> list[tuple[str, str]]:
    """Reads a digit for each variable of the code."""
    n = config.num_categ
    if not n:
        raise InputError(f"{given}: a {config.model} has no code; set its variables z1, z2 ..")
    if not re.fullmatch(f"[0-9]{{{n}}}", digits):
        raise InputError(
            f"{given}: the code of this {config.model} has {n} variables: give {n} digits, the "
            f"value of each, such as c={'10' * (n // 2)}{'1' * (n % 2)}; other values one by one, "
            "c1=-2.5"
        )
    return [(f"c{k}", digit) for k, digit in enumerate(digits, start=1)]


def _assigned(text: str, flag: str, example: str, config: ModelConfig) -> tuple[str, str]:
    """Splits NAME=VALUE, the name that of a variable of the model."""
    name, _, value = map(str.strip, text.partition("="))
    if not (name and value):
        raise InputError(f"{flag}={text}: expected NAME=VALUE, for example {example}")
    latent_index(name, config, f"{flag}={text}")
    return name, value


def _finite(text: str, given: str) -> float:
    """Reads a finite number that is part of what was given."""
    if not (_is_number(text) and math.isfinite(float(text))):
        raise InputError(f"{given}: {text!r} is no finite number")
    return float(text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def apply_settings(
    latents: np.ndarray, settings: dict[str, float], config: ModelConfig
) -> np.ndarray:
    """Sets variables to values, all others kept, in a copy: float32 [n, latent_dim].

    One exception: in a ciwGAN, whose code is one-hot, naming any code variable sets the code
    variables not named to 0, so that ``c2=5`` means the code [0, 5, 0, ..] of the papers.
    """
    latents = np.array(latents, np.float32)
    if config.model == "ciwgan" and any(name.startswith("c") for name in settings):
        latents[:, : config.num_categ] = 0
    for name, value in settings.items():
        latents[:, latent_index(name, config)] = value
    return latents


def load_latents(path: str, config: ModelConfig) -> np.ndarray:
    """Reads latent vectors from a file, float32 [n, latent_dim].

    A ``.npy`` array [n, latent_dim] or [latent_dim], or a ``.csv`` table of one vector a row. A
    table's header names the variables (``c1``, ``z1``, ..) in any order, and an ``id`` column is
    passed over; a table without a header has the variables in order.

    Raises:
        InputError: The file cannot be read, or has another width, no rows, or values that are no
            finite numbers.
    """
    given, suffix = f"--latents={path}", os.path.splitext(path)[1].lower()
    if not os.path.isfile(path):
        raise InputError(f"{given}: there is no such file; give a .npy or .csv file")
    if suffix not in (".npy", ".csv"):
        raise InputError(f"{given}: {suffix or 'no suffix'}; give a .npy or .csv file")
    try:
        latents = np.load(path) if suffix == ".npy" else _read_csv(path, config)
        if np.iscomplexobj(latents):
            raise InputError(f"{given}: complex numbers; give real ones")
        latents = np.atleast_2d(latents.astype(np.float32))
    except InputError:
        raise
    except (ValueError, EOFError) as error:
        raise InputError(f"{given}: cannot be read as numbers ({error})") from None
    if latents.ndim != 2 or latents.shape[1] != config.latent_dim:
        raise InputError(
            f"{given}: shape {list(latents.shape)}, but this {config.model} takes "
            f"{_all_latents(config)}: make the shape [n, {config.latent_dim}]"
        )
    if not len(latents):
        raise InputError(f"{given}: has no vectors; give at least one")
    if not np.isfinite(latents).all():
        raise InputError(f"{given}: has NaN or infinite values; give finite numbers")
    return latents


def _read_csv(path: str, config: ModelConfig) -> np.ndarray:
    """Reads a table, its columns in the order of the variables."""
    table = pd.read_csv(path, header=None, dtype=object, keep_default_na=False, na_values=[""])
    cells, names, counts = table.to_numpy(), latent_names(config), table.count(axis=1)
    for row in np.flatnonzero(counts < cells.shape[1]):
        raise InputError(
            f"--latents={path}: row {row + 1} has {counts[row]} of {cells.shape[1]} columns; give "
            "every row all of them"
        )
    header = [cell.strip() for cell in cells[0]]
    if _is_number(header[0]):
        return cells.astype(np.float64)
    named = [name for name in header if name not in ("id", "output")]
    if sorted(named) != sorted(names):
        odd = sorted(set(named) ^ set(names))
        raise InputError(
            f"--latents={path}: {len(named)} columns, but this {config.model} takes "
            f"{_all_latents(config)}, each named once; look at "
            f"{', '.join(odd[:5]) or 'the columns named twice'}"
        )
    return cells[1:, [header.index(name) for name in names]].astype(np.float64)


def _all_latents(config: ModelConfig) -> str:
    names = latent_names(config)
    return f"vectors of {len(names)} ({names[0]} .. {names[-1]})"


class Sweep(NamedTuple):
    """One latent variable and the values it takes, in order; or :data:`PATH`, from 0 to 1."""

    name: str
    values: tuple[float, ...]


def parse_sweeps(
    texts: Sequence[str], settings: Container | None, config: ModelConfig
) -> list[Sweep]:
    """Reads ``--vary``: ``z11=-15:5:2`` (start, end, step; both ends included) or ``z11=-15,0,15``.

    None of the variables in ``settings`` may be varied: of ``--set``; None without such a flag.

    Raises:
        InputError: One is not of that form, there is no such variable, a value comes twice or
            alone, steps do not lead from start to end, or a variable is named twice or set as well.
    """
    sweeps: dict[str, Sweep] = {}
    for text in texts:
        given = f"--vary={text}"
        name, value = _assigned(text.strip(), "--vary", "z11=-15:5:2 or z11=-15,0,15", config)
        if ":" in value:
            values = read_steps(value, given, f"{name}=")
        else:
            values = tuple(_finite(x, given) for x in value.split(","))
        if len(values) < 2:
            held = f", or --set={name}={values[0]:g}" * (settings is not None)
            raise InputError(f"{given}: one value is not enough; give two or more{held}")
        if len(set(values)) < len(values):
            raise InputError(f"{given}: has a value twice; give each once")
        if name in sweeps:
            raise InputError(f"{given}: {name} is varied twice; give one --vary of it")
        if name in (settings or ()):
            raise InputError(f"--set and --vary both name {name}; leave it out of --set")
        sweeps[name] = Sweep(name, values)
    return list(sweeps.values())


def read_steps(text: str, given: str, name: str = "") -> tuple[float, ...]:
    """Reads START:END:STEP, both ends included.

    Raises:
        InputError: It is not of that form, or steps do not lead from start to end.
    """
    if text.count(":") != 2:
        raise InputError(f"{given}: expected START:END:STEP, for example {name}-15:5:2")
    start, end, step = (_finite(x, given) for x in text.split(":"))
    if step == 0:
        raise InputError(f"{given}: the step is 0; give one that leads from {start:g} up")
    count = (end - start) / step
    if count < 0:
        raise InputError(
            f"{given}: a step of {step:g} never leads from {start:g} to {end:g}; "
            f"change its sign: {name}{start:g}:{end:g}:{-step:g}"
        )
    if abs(count - round(count)) > 1e-6:
        below, above = (start + x * step for x in (math.floor(count), math.ceil(count)))
        raise InputError(
            f"{given}: steps of {step:g} from {start:g} miss {end:g}, and both ends are included; "
            f"end at {below:g} or {above:g}"
        )
    if count >= MAX_OUTPUTS:
        raise InputError(f"{given}: these are over {MAX_OUTPUTS} steps; take larger ones")
    return tuple(round(start + i * step, 9) for i in range(round(count) + 1))


def parse_path(steps: int) -> Sweep:
    """Makes the sweep from one vector to another: ``steps`` values from 0 to 1, both included.

    Raises:
        InputError: Fewer than two steps, or too many.
    """
    if not 2 <= steps <= MAX_OUTPUTS:
        raise InputError(
            f"--steps={steps}: both ends count as steps; give 2 .. {MAX_OUTPUTS}, for example 11"
        )
    return Sweep(PATH, tuple(round(i / (steps - 1), 9) for i in range(steps)))


def parse_ends(
    first: str, last: str, settings: Container, config: ModelConfig
) -> list[dict[str, float]]:
    """Reads both ends of a way between two settings: ``--from`` and ``--to``.

    Raises:
        InputError: One is no settings, empty or names what ``--set`` does, or both give the same
            vectors.
    """
    ends = []
    for flag, text in (("--from", first), ("--to", last)):
        end = parse_settings(text, config, flag)
        if not end:
            raise InputError(f"{flag}: is empty; give settings, such as {flag}=c1=5")
        for name in end:
            if name in settings:
                raise InputError(f"--set and {flag} both name {name}; leave it out of --set")
        ends.append(end)
    whatever = np.stack([np.zeros(config.latent_dim), np.ones(config.latent_dim)])
    one, other = (apply_settings(whatever, end, config) for end in ends)
    if np.array_equal(one, other):
        raise InputError(
            f"--from={first} and --to={last} are the same; give two settings that differ"
        )
    return ends


def check_number(n_bases: int, sweeps: Sequence[Sweep]) -> None:
    """Raises InputError for an interpolation of more outputs than :data:`MAX_OUTPUTS`."""
    factors = [n_bases, *(len(sweep.values) for sweep in sweeps)]
    if math.prod(factors) > MAX_OUTPUTS:
        raise InputError(
            f"{' x '.join(map(str, factors))} = {math.prod(factors)} outputs (base vectors x "
            f"values of each sweep): over {MAX_OUTPUTS}; take fewer base vectors (--n) or larger "
            "steps"
        )


def cells(sweeps: Sequence[Sweep], settings: dict[str, float]) -> list[Condition]:
    """Makes a condition of every combination of the sweeps' values, the last sweep fastest.

    They are called ``z11=-15,c2=0.5`` and have a column for each sweep; ``settings`` are set in
    every cell.
    """
    found = []
    for values in itertools.product(*(sweep.values for sweep in sweeps)):
        cell = {sweep.name: value for sweep, value in zip(sweeps, values, strict=True)}
        name = ",".join(f"{variable}={value:.10g}" for variable, value in cell.items())
        found.append(Condition(name, settings | cell, cell))
    return found


def path_latents(
    starts: np.ndarray, ends: np.ndarray, sweep: Sweep, between: str, config: ModelConfig
) -> np.ndarray:
    """Makes the vectors on the way from each start to its end.

    ``linear``: (1 - t) start + t end. ``spherical``: the code as before; z turns at a constant rate
    along the great circle through both z, its norm going linearly from one to the other. Where one
    z is 0 or both have one direction that is the straight line.

    From [pairs, latent_dim] both, at the values of t in ``sweep`` (:func:`parse_path`), to float32
    [pairs, steps, latent_dim]; the first and last are start and end to the bit.

    Raises:
        InputError: A pair's vectors are equal, or on the sphere its z point in opposite directions.
    """
    t = np.array(sweep.values)[:, np.newaxis]
    paths = np.empty([len(starts), len(t), config.latent_dim], np.float32)
    for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if np.array_equal(start, end):
            raise InputError(f"pair {k}: both vectors are the same; give two that differ")
        paths[k] = (1 - t) * start + t * end
        if between == "spherical":
            z = slice(config.num_categ, None)
            paths[k, :, z] = _turn(start[z].astype(np.float64), end[z].astype(np.float64), t, k)
        paths[k, 0], paths[k, -1] = start, end
    return paths


def _turn(start: np.ndarray, end: np.ndarray, t: np.ndarray, pair: int) -> np.ndarray:
    """From one vector to another along the great circle, [steps, dim]; ``t`` is [steps, 1]."""
    norms = np.linalg.norm(start), np.linalg.norm(end)
    if min(norms) == 0:
        return (1 - t) * start + t * end
    start, end = start / norms[0], end / norms[1]
    angle = 2 * np.arctan2(np.linalg.norm(end - start), np.linalg.norm(end + start))
    if np.pi - angle < 1e-4:
        raise InputError(
            f"--between=spherical: the z of pair {pair} point in opposite directions, so that no "
            "great circle between them is the shortest; use --between=linear"
        )
    norm = (1 - t) * norms[0] + t * norms[1]
    if angle < 1e-6:
        return norm * start
    return norm * (np.sin((1 - t) * angle) * start + np.sin(t * angle) * end) / np.sin(angle)
