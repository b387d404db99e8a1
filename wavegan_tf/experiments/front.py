"""Experiments as functions: ``probe(model, n=50)`` runs one with the options that are given."""

import functools
import os
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.result import Result, experiment
from wavegan_tf.model import Model, Models, load
from wavegan_tf.options import build, nested
from wavegan_tf.options import options as options_of
from wavegan_tf.output.versions import run_record
from wavegan_tf.paths import expand


def experiment_options(
    module: ModuleType, given: dict[str, Any], *recommended: dict[str, Any]
) -> Any:
    """Makes an experiment's Options of what is given, else of what is recommended.

    Args:
        module: The experiment.
        given: Options by name.
        *recommended: Values of nested options by group and name (``{"praat": {..}}``): of the
            model's checkpoint, of a file; a later one overrules an earlier one.
    """
    merged: dict[str, dict[str, Any]] = {}
    for groups in recommended:
        for name, values in groups.items():
            merged[name] = {**merged.get(name, {}), **values}
    if "statistics" not in nested(module.Options):  # they stand among the options themselves
        given = {**merged.get("statistics", {}), **given}
    return build(module.Options, given, merged)


def record(result: Result, options: Any, flags: dict[str, Any] | None = None) -> None:
    """Adds to a result's settings what repeats it: its options, the flags given, all versions."""
    own = {field.name: getattr(options, field.name) for field in options_of(options)}
    own = {name: getattr(x, "__name__", x) if callable(x) else x for name, x in own.items()}
    command = result.settings.get("command", result.kind)
    result.settings |= run_record(command, flags or {}) | {"options": own}
    if "models" in result.tables:
        result.settings["checkpoints"] = result.tables["models"].to_dict("records")


def run_module(
    module: ModuleType, model: Model | Models, options: Any, directory: str | None = None
) -> Result:
    """Runs an experiment of one model, or of several that it compares.

    Raises:
        InputError: It does not compare models.
    """
    if not isinstance(model, Models):
        return module.run(model, options, directory)
    if not hasattr(module, "run_several"):
        raise InputError(f"--ckpt: {module.NAME} takes one checkpoint, not {len(model)}; give one")
    return module.run_several(model, options, directory)


def run_experiment(
    name: str,
    model: Model | Models | str | os.PathLike | list | None,
    directory: str | None,
    given: dict[str, Any],
) -> Result:
    """Runs an experiment.

    Args:
        name: Of the experiment.
        model: A Model, the path of a checkpoint, or None for the demo model; several of them.
        directory: Where sounds and series are written while it runs; None keeps series in memory.
        given: Its options, by name.

    Raises:
        InputError: An option is unknown or breaks its rule.
    """
    if isinstance(model, list | tuple):
        model = Models(model)
    elif not isinstance(model, Model | Models):
        model = load(model)
    module = experiment(name)
    options = experiment_options(module, given, model.settings)
    if directory is not None:
        directory = expand(directory)
        os.makedirs(directory, exist_ok=True)
    result = run_module(module, model, options, directory)
    record(result, options)
    return result


@functools.cache
def function(name: str) -> Callable[..., Result]:
    """Makes the function ``wavegan_tf.NAME`` of an experiment."""

    def answer(
        model: Model | Models | str | os.PathLike | list | None = None,
        *,
        directory: str | None = None,
        **options: Any,
    ) -> Result:
        return run_experiment(name, model, directory, options)

    answer.__name__ = answer.__qualname__ = name
    answer.__doc__ = f"""{experiment(name).__doc__}
    Args:
        model: A Model, the path of a checkpoint, or None for the demo model; a list of them where
            the experiment compares several.
        directory: Where sounds and series are written while it runs; None keeps series in memory.
        **options: Those of the command, by name, listed below.

    Returns:
        Tables, arrays and settings, with ``summary()``, ``figure(name)`` and ``save(directory)``.

    Raises:
        InputError: An option is unknown or breaks its rule, or the model cannot be used for this.

    Options:
{_listed(experiment(name).Options)}
    """
    return answer


def _listed(cls: type) -> str:
    """Lists options with their defaults and help texts, basic ones first, nested ones last."""
    basic_first = sorted(options_of(cls), key=lambda x: x.metadata["option"]["group"] != "Basics")
    wrap = textwrap.TextWrapper(96, initial_indent=" " * 8, subsequent_indent=" " * 12)
    lines = [
        wrap.fill(f"{field.name} (default {field.default!r}): {field.metadata['option']['help']}")
        for field in basic_first
    ]
    return "\n".join([*lines, *(_listed(inner) for inner in nested(cls).values())])
