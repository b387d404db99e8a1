"""The architecture of an original run: from its args.txt, or from its variables alone."""

import dataclasses
import logging
import os
from typing import Any

from wavegan_tf.checkpoints import run
from wavegan_tf.checkpoints.files import Checkpoint
from wavegan_tf.errors import InputError
from wavegan_tf.models.config import FC_LENGTH, SLICE_LENS, STRIDES, ModelConfig
from wavegan_tf.options import options
from wavegan_tf.texts import read_text

ARGS_FILE = "args.txt"
_DENSE = "G/z_project/dense/kernel"

# The flag of each option; the original's own files lack ``model`` and ``wavegan_stride``.
_FLAGS = {
    field.name: field.metadata["option"]["flag"] or field.name
    for field in options(ModelConfig)
    if not field.metadata["option"]["advanced"]
}

_log = logging.getLogger("wavegan_tf")


def read_args(path: str) -> dict[str, str]:
    """Reads an args.txt; raises InputError where a line is not ``name,value``."""
    args = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        name, comma, value = line.partition(",")
        if line.strip() and not comma:
            raise InputError(
                f"{path}, line {number}: {line.strip()!r} is not of the form name,value"
            )
        if comma:
            args[name] = value
    return args


def training_args(directory: str) -> dict[str, str]:
    """Reads a run's flags, by the original's names, off its args.txt or config.json; maybe {}."""
    run_config = run.read_run_config(directory)
    path = os.path.join(directory, ARGS_FILE)
    if run_config is None:
        return read_args(path) if os.path.isfile(path) else {}
    if "original_args" in run_config:
        return run_config["original_args"]
    shared = ("data_", "train_", "wavegan_")
    return {k: str(v) for k, v in run_config["flags"].items() if k.startswith(shared)}


def write_args(directory: str, config: ModelConfig, training: dict[str, str]) -> None:
    """Writes the args.txt of a model; ``training`` holds its other flags (``training_args``)."""
    args: dict[str, Any] = dict(training)
    args |= {flag: getattr(config, option) for option, flag in _FLAGS.items()}
    args["wavegan_genr_pp"] = config.postfilter_len > 0
    args["wavegan_genr_pp_len"] = config.postfilter_len or 512
    for flag in ("num_categ", "wavegan_fc_channels"):
        if not args[flag]:
            del args[flag]
    text = "\n".join(f"{name},{args[name]}" for name in sorted(args))
    with open(os.path.join(directory, ARGS_FILE), "w", encoding="utf-8") as file:
        file.write(text)


def config_from_args(path: str, overrides: dict, shapes: dict | None = None) -> ModelConfig:
    """Reads the architecture from an args.txt; ``overrides`` may add to it, not contradict it.

    The channels of the projection, of which the original's file says nothing, are read off the
    ``shapes`` of variables.

    Raises:
        InputError: A value breaks its rule, or an option contradicts the file.
    """
    args = read_args(path)
    texts = {option: args[flag] for option, flag in _FLAGS.items() if flag in args}
    if _parse(args.get("wavegan_genr_pp", "False"), bool, path):
        texts["postfilter_len"] = args.get("wavegan_genr_pp_len", "512")
    defaults = ModelConfig().to_dict()
    found = {o: _parse(text, type(defaults[o]), f"{path}: {o}") for o, text in texts.items()}
    config = _complete(found, overrides, path)
    dense = (shapes or {}).get(_DENSE, ())
    if "fc_channels" in found or len(dense) != 2:
        return config
    return dataclasses.replace(
        config, fc_channels=unusual(dense[1] // FC_LENGTH, config.fc.channels)
    )


def unusual(channels: int, usual: int) -> int:
    """Gives the option ``fc_channels`` of a projection: 0 where it has the usual channels."""
    return 0 if channels == usual else channels


def config_from_shapes(checkpoint: Checkpoint, overrides: dict) -> ModelConfig:
    """Infers the architecture from the shapes of a checkpoint's variables and what the user states.

    Raises:
        InputError: The variables are not a Generator's, or leave the slice length open.
    """
    source, shapes, depth = f"checkpoint {checkpoint.prefix}", checkpoint.shapes, 0
    while any(name.startswith(f"G/upconv_{depth}/") for name in shapes):
        depth += 1
    dense = shapes.get(_DENSE, ())
    every = [ModelConfig(slice_len=n, stride=s, dim=1) for n in SLICE_LENS for s in STRIDES]
    fitting = {config.slice_len: config for config in every if config.depth == depth}
    scope = "conv2d_transpose" if "G/upconv_0/conv2d_transpose/bias" in shapes else "conv1d"
    first = shapes.get(f"G/upconv_0/{scope}/bias", ())  # what it puts out; it may read fewer
    if len(dense) != 2 or len(first) != 1 or not fitting:
        raise InputError(
            f"{source}: its variables are not those of a WaveGAN, ciwGAN or fiwGAN "
            f"({depth} layers G/upconv_i, expected 5 or 6, or 10 to 12 of the deeper model)"
        )
    slice_len = overrides.get("slice_len")
    if len(fitting) > 1 and slice_len not in fitting:
        raise InputError(
            f"{source}: {depth} layers stand for 32768 or 65536 samples, and without an "
            f"{ARGS_FILE} beside it nothing says which; add --data_slice_len=32768 or "
            "--data_slice_len=65536"
        )
    last = f"G/upconv_{depth - 1}"
    upsample = "zeros" if scope == "conv2d_transpose" else "nn"
    kernel = shapes[f"{last}/{scope}/kernel"]
    like = fitting[slice_len] if slice_len in fitting else next(iter(fitting.values()))
    dim = first[0] // like.layers[0].channels
    options = {
        "slice_len": like.slice_len,
        "stride": like.stride,
        "latent_dim": dense[0],
        "dim": dim,
        "fc_channels": unusual(dense[1] // FC_LENGTH, like.fc.channels * dim),
        "upsample": upsample,
        "kernel_len": kernel[1] if upsample == "zeros" else kernel[0],
        "num_channels": kernel[2],
        "batchnorm": "G/z_project/batch_normalization/gamma" in shapes,
        "postfilter_len": shapes.get("G/pp_filt/conv1d/kernel", (0,))[0],
    }
    if "Q/Qoutput/dense/bias" in shapes:
        options["num_categ"] = shapes["Q/Qoutput/dense/bias"][0]
    return _complete(options, overrides, source)


def check_overrides(options: dict, overrides: dict, source: str) -> None:
    """Raises InputError where the user states another value than a file does."""
    for option, value in overrides.items():
        if option in options and options[option] != value:
            raise InputError(
                f"--{_FLAGS.get(option, option)}={value}: {source} says {options[option]}; "
                "leave the flag out"
            )


def _complete(options: dict, overrides: dict, source: str) -> ModelConfig:
    """Joins what a file says and what the user says, and settles the variant."""
    usual = ModelConfig()  # of which the original has these alone
    options = {"d_slope": usual.d_slope, "q_slope": usual.q_slope, **options}
    check_overrides(options, overrides, source)
    options = {**options, **overrides}
    if options.get("num_categ") and "model" not in options:
        _log.warning(
            f"{source} has a code of {options['num_categ']} variables, but the original's files do "
            "not say whether it is a ciwGAN (one-hot) or a fiwGAN (binary); it is opened as a "
            "ciwGAN; if it is a fiwGAN, add --model=fiwgan"
        )
        options["model"] = "ciwgan"
    return ModelConfig.from_dict(options)


def _parse(text: str, kind: type, where: str) -> Any:
    """A value of an args.txt as the type its option has."""
    if kind is bool and text in ("True", "False"):
        return text == "True"
    if kind is int and text.lstrip("-").isdigit():
        return int(text)
    if kind is str:
        return text
    raise InputError(f"{where}: {text!r} is not of the type {kind.__name__}")
