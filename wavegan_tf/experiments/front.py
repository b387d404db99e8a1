"""Experiments as functions: ``probe(model, n=50)`` runs one with the options that are given."""

import os
from types import ModuleType
from typing import Any

from wavegan_tf.experiments.result import Result, experiment
from wavegan_tf.model import Model, load
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
    result.settings |= run_record(result.kind, flags or {}) | {"options": own}


def run_experiment(
    name: str,
    model: "Model | str | os.PathLike | None",
    directory: str | None,
    given: dict[str, Any],
) -> Result:
    """Runs an experiment.

    Args:
        name: Of the experiment.
        model: A Model, the path of a checkpoint, or None for the demo model.
        directory: Where sounds and series are written while it runs; None keeps series in memory.
        given: Its options, by name.

    Raises:
        InputError: An option is unknown or breaks its rule.
    """
    if not isinstance(model, Model):
        model = load(model)
    module = experiment(name)
    options = experiment_options(module, given, model.settings)
    if directory is not None:
        directory = expand(directory)
        os.makedirs(directory, exist_ok=True)
    result = module.run(model, options, directory)
    record(result, options)
    return result


def probe(
    model: Model | str | os.PathLike | None = None, *, directory: str | None = None, **options: Any
) -> Result:
    """Shows what each layer encodes: measures every layer and compares it with the output.

    Args:
        model: A Model, the path of a checkpoint, or None for the demo model.
        directory: Where sounds and series are written while it runs; None keeps series in memory.
        **options: Of :class:`wavegan_tf.experiments.probe.Options`, such as ``n=50``.

    Returns:
        Tables ``points``, ``intervals``, ``correlations``, ``durations`` and more.
    """
    return run_experiment("probe", model, directory, options)


def interpolate(
    model: Model | str | os.PathLike | None = None, *, directory: str | None = None, **options: Any
) -> Result:
    """Moves latent variables, all others frozen, and follows the effect through every layer.

    Arguments as of :func:`probe`; options of :class:`wavegan_tf.experiments.interpolate.Options`,
    such as ``vary=("z11=-15:5:2",)``.
    """
    return run_experiment("interpolate", model, directory, options)


def identify(
    model: Model | str | os.PathLike | None = None, *, directory: str | None = None, **options: Any
) -> Result:
    """Finds which latent variable carries a property, and proves it by generating.

    Arguments as of :func:`probe`; options of :class:`wavegan_tf.experiments.identify.Options`,
    such as ``property="frication"``.
    """
    return run_experiment("identify", model, directory, options)


def intervene(
    model: Model | str | os.PathLike | None = None, *, directory: str | None = None, **options: Any
) -> Result:
    """Replaces parts of a layer and measures what they carry of an effect.

    Arguments as of :func:`probe`; options of :class:`wavegan_tf.experiments.intervene.Options`.
    """
    return run_experiment("intervene", model, directory, options)


def feature_maps(
    model: Model | str | os.PathLike | None = None, *, directory: str | None = None, **options: Any
) -> Result:
    """Follows single feature maps of a layer while a latent variable moves.

    Arguments as of :func:`probe`; options of
    :class:`wavegan_tf.experiments.feature_maps.Options`.
    """
    return run_experiment("feature_maps", model, directory, options)
