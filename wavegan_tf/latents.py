"""Latent vectors: their layout, sampling, the papers' notation, settings and files.

A latent vector is the code c followed by the uniform variables z. Both count from one, as in the
papers: with a code of two variables ``z1`` is the third latent. ``config`` is a
:class:`~wavegan_tf.models.config.ModelConfig` (its ``model``, ``num_categ`` and ``latent_dim``).
"""

import csv
import os
import re

import numpy as np

from wavegan_tf.errors import InputError


def latent_names(config) -> list[str]:
    """Names of the latent variables in order: ``c1`` .., then ``z1`` .. ."""
    codes = [f"c{i + 1}" for i in range(config.num_categ)]
    return codes + [f"z{i + 1}" for i in range(config.latent_dim - config.num_categ)]


def latent_index(name: str, config, given: str = "") -> int:
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


def sample_latents(config, n: int, seed: int) -> np.ndarray:
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


def parse_settings(text: str, config, flag: str = "--set") -> dict[str, float]:
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


def apply_settings(latents: np.ndarray, settings: dict[str, float], config) -> np.ndarray:
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


def with_conditions(latents: np.ndarray, conditions: list[str], config) -> np.ndarray:
    """Every latent vector under each of several settings, so that they can be compared in pairs.

    Args:
        latents: [n, latent_dim].
        conditions: Settings as of :func:`parse_settings`.
        config: The model.

    Returns:
        float32 [n * conditions, latent_dim]; those of one vector stand together.

    Raises:
        InputError: A condition is no settings, or is given twice.
    """
    if len(set(conditions)) < len(conditions):
        raise InputError(f"--condition={conditions[-1]}: given twice; name each condition once")
    settings = [parse_settings(text, config, "--condition") for text in conditions]
    under = [apply_settings(latents, setting, config) for setting in settings]
    return np.stack(under, axis=1).reshape(-1, config.latent_dim)


def load_latents(path: str, config) -> np.ndarray:
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


def _read_csv(path: str, config) -> np.ndarray:
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
