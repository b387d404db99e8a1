"""Runs a command: flags, errors in one line, results moved to their place when all went well."""

import importlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

from absl import flags

import wavegan_tf
from wavegan_tf import demo
from wavegan_tf.commands import COMMANDS
from wavegan_tf.commands.flags import (
    define_options,
    define_path,
    define_unsaid_flags,
    parse,
    read_options,
    read_settings_file,
    read_unsaid_flags,
)
from wavegan_tf.errors import InputError
from wavegan_tf.paths import expand

if TYPE_CHECKING:
    from wavegan_tf.model import Model, Models

FLAGS = flags.FLAGS


def run(name: str, argv: list[str] | None = None, usage: str | None = None) -> None:
    """Runs a command; bad input ends in one line and status 1.

    Exit status 2 means that everything was written, but some outputs could not be measured; 130
    that Ctrl-C ended the command, and 143 that SIGTERM did.

    Args:
        name: One of ``COMMANDS``.
        argv: The flags; None for those of this process.
        usage: How the command is called, for its help.
    """
    _log_to_terminal()
    usage = usage or f"python -m wavegan_tf {name}"
    defined_before = set(FLAGS)
    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_main else None
    try:
        groups, main = _command(name)
        parse(sys.argv[1:] if argv is None else argv, usage, COMMANDS[name], groups)
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except flags.DuplicateFlagError as error:
        flag = str(error).split("'")[1]
        sys.exit(f"error: --{flag} is a flag of another program here; in a notebook say !{usage}")
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        sys.exit(128 + (signal.SIGTERM if isinstance(error, _Terminated) else signal.SIGINT))
    except OSError as error:
        if error.filename is None and error.strerror is None:
            raise  # no file's fault: a defect, to be seen whole
        sys.exit(f"error: {error.filename or 'file system'}: {error.strerror}")
    finally:
        for flag in set(FLAGS) - defined_before:  # another command may follow in this process
            delattr(FLAGS, flag)
        if in_main:
            signal.signal(signal.SIGTERM, before)


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as a batch system sends it: it ends a command as Ctrl-C does."""


def _terminate(number: int, frame: object) -> None:
    raise _Terminated


def main() -> None:
    """Lists the commands, or runs the one that is named."""
    words = sys.argv[1:]
    if words and words[0] in COMMANDS:
        run(words[0], words[1:])
    elif words == ["--version"]:
        print(f"wavegan_tf {wavegan_tf.__version__}")
    elif words and words[0] not in ("help", "--help", "-h", "--helpfull"):
        sys.exit(f"error: {words[0]!r}: no command; there are {', '.join(COMMANDS)}")
    else:
        width = max(map(len, COMMANDS))
        print("usage: python -m wavegan_tf COMMAND [--flag=value ...]\n")
        print("\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items()))
        print("\nEvery command explains its flags with --help.")


def _command(name: str) -> tuple[dict[str, str], Callable[[], None]]:
    from wavegan_tf.experiments.names import EXPERIMENTS

    if name not in EXPERIMENTS:
        module = importlib.import_module(f"wavegan_tf.commands.{name}")
        module.define_flags()
        return module.GROUPS, module.main
    experiment = importlib.import_module(f"wavegan_tf.experiments.{name}")
    groups = define_model_flags(hasattr(experiment, "run_several"))
    groups |= define_options(experiment.Options) | define_output_flags(name)
    return groups, lambda: run_experiment(name, experiment, list(groups))


def define_model_flags(several: bool) -> dict[str, str]:
    """Defines the flags that choose a checkpoint, or several; returns group by flag."""
    define_path(
        "ckpt",
        None,
        "Checkpoint: a run directory (its newest checkpoint) or a prefix such as "
        "train/model.ckpt-12255, also of the original code; a file of the PyTorch port, such as "
        f"run/epoch50_step350_G.pt; or a demo model: {', '.join(demo.DEMOS)}. {demo.DEMOS[0]} is "
        "the default." + " Several checkpoints, separated by commas, are compared." * several,
    )
    groups = {"ckpt": "Basics"}
    if several:
        flags.DEFINE_bool(
            "all_checkpoints", False, "Compare all checkpoints of the run directory --ckpt."
        )
        flags.DEFINE_list(
            "groups", [], "Group of each checkpoint in --ckpt, for example english,english,thai."
        )
        groups |= {"all_checkpoints": "Model", "groups": "Model"}
    define_path(
        "praat_settings",
        None,
        "JSON file of settings for Praat, intervals and statistics, or the config.json of an "
        "earlier run.",
    )
    return groups | {"praat_settings": "Praat"} | define_unsaid_flags()


def open_models() -> "Model | Models":
    """Opens the checkpoint, or finds the several, that the flags name."""
    from wavegan_tf.checkpoints.open import list_checkpoints
    from wavegan_tf.model import Models, load

    unsaid = read_unsaid_flags()
    if "groups" in FLAGS:
        paths, groups = _split(FLAGS.ckpt), FLAGS.groups
        if FLAGS.all_checkpoints:
            found = [list_checkpoints(path) for path in paths or [""]]
            if len(groups) == len(paths):  # one for each run directory
                groups = [x for x, each in zip(groups, found, strict=True) for _ in each]
            paths = [path for each in found for path in each]
        if len(paths) > 1 or FLAGS.all_checkpoints:
            return Models(paths, groups, **unsaid)
        if groups:
            raise InputError("--groups: there is one checkpoint; give several with --ckpt")
    if FLAGS.ckpt is None:
        logging.getLogger("wavegan_tf").info("no --ckpt: the demo model is opened")
    return load(FLAGS.ckpt, **unsaid)


def _split(ckpt: str | None) -> list[str]:
    """Splits --ckpt at its commas, unless all of it names a checkpoint."""
    if ckpt is None:
        return []
    if any(os.path.exists(ckpt + end) for end in ("", ".index", "_G.pt")):
        return [ckpt]
    return [expand(path.strip()) for path in ckpt.split(",")]


def define_output_flags(name: str) -> dict[str, str]:
    """Defines the flags of what is written; returns group by flag."""
    define_path("out_dir", f"{name}_out", "Directory for the results; created if missing.")
    flags.DEFINE_bool("overwrite", False, "Replace the results in an --out_dir that is not empty.")
    flags.DEFINE_bool("figures", True, "Draw figures as PNG and PDF in figures/.")
    flags.DEFINE_bool(
        "report", True, "Write the page report.html, to hear and see the run in a browser."
    )
    return {"out_dir": "Basics", "overwrite": "Output", "figures": "Output", "report": "Output"}


def run_experiment(name: str, experiment: ModuleType, names: list[str]) -> None:
    """Runs an experiment by the flags, saves its result and says what was found."""
    from wavegan_tf.experiments.front import experiment_options, record, run_module
    from wavegan_tf.experiments.listen import complaints
    from wavegan_tf.output.directory import finish, output_directory
    from wavegan_tf.processes import num_processes

    given = read_options(experiment.Options, FLAGS)
    settings = read_settings_file(FLAGS.praat_settings)
    with output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        model = open_models()
        options = experiment_options(experiment, given, model.settings, settings)
        result = run_module(experiment, model, options, directory)
        record(result, options, {x: FLAGS[x].value for x in sorted(names) if FLAGS[x].present})
        whole = not given.get("shard")  # of a part of a run there is nothing to show yet
        shown = {"figures": FLAGS.figures and whole, "page": FLAGS.report and whole}
        result.save(directory, **shown, jobs=num_processes(options.jobs))
        if whole:
            print(result.terminal())
        found = complaints(result.table("outputs")) if "outputs" in result.tables else []
    finish(FLAGS.out_dir, found)


def _log_to_terminal() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_LogFormat())
    logger = logging.getLogger("wavegan_tf")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _LogFormat(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        prefix = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        return prefix + record.getMessage()
