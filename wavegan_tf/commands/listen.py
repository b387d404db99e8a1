"""Makes a page to label the outputs of a finished run by ear with, blind: one file, any browser."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from absl import flags

from wavegan_tf.commands.flags import define_path, unsaid_flags
from wavegan_tf.errors import InputError

GROUPS = dict.fromkeys(
    ("run", "labels", "listener", "n", "repeat", "seed", "out", "overwrite"), "Basics"
)
FLAGS = flags.FLAGS


def define_flags() -> None:
    """Defines the flags of the command."""
    define_path("run", None, "Directory of a run that kept sounds, such as probe_out.", True)
    flags.DEFINE_list(
        "labels", [], "Labels to choose from with the keys 1, 2, ..: pala,papala,other. Without "
        "the flag, the listener types what was heard.",
    )  # fmt: skip
    flags.DEFINE_string(
        "listener", "", "Name of the listener; the page asks for it if it is not given."
    )
    flags.DEFINE_integer(
        "n", None, "Number of outputs to hear, beginning with the first; all if not given.", 1
    )
    flags.DEFINE_integer("repeat", 0, "Number of outputs to hear a second time.", 0)
    flags.DEFINE_integer(
        "seed", 0, "Seed of the order of outputs; give each listener another one.", 0
    )
    define_path("out", "listen.html", "Page to write.")
    flags.DEFINE_bool("overwrite", False, "Replace a page that exists.")


def main() -> None:
    """Writes listen.html."""
    from wavegan_tf.experiments.properties import MISSING
    from wavegan_tf.experiments.result import load_run
    from wavegan_tf.output.listening import Sounds, write_listening

    labels = check_labels(FLAGS.labels)
    folder = os.path.dirname(os.path.abspath(FLAGS.out))
    if os.path.isdir(FLAGS.out) or not os.path.isdir(folder):
        raise InputError(f"--out={FLAGS.out}: give the name of a page in a folder that exists")
    if os.path.exists(FLAGS.out) and not FLAGS.overwrite:
        raise InputError(f"--out={FLAGS.out}: exists; name another page, or add --overwrite")
    run = load_run(FLAGS.run)
    sounds = Sounds(run, FLAGS.run)
    asked = sounds.outputs[: FLAGS.n]
    outputs = [i for i in asked if np.isfinite(sounds.read(i)).all()]
    if len(outputs) < max(1, FLAGS.repeat):
        raise InputError(
            f"--run={FLAGS.run}: {len(outputs)} outputs can be heard; a page needs at least one, "
            f"and at least as many as --repeat={FLAGS.repeat}"
        )
    write_listening(
        FLAGS.out, sounds, outputs, labels, MISSING, FLAGS.listener.strip(), FLAGS.repeat,
        FLAGS.seed,
    )  # fmt: skip
    left_out = f", {len(asked) - len(outputs)} left out: not finite" * (len(asked) > len(outputs))
    megabytes = Path(FLAGS.out).stat().st_size / 1e6
    print(
        f"{FLAGS.out}: {len(outputs)} outputs{left_out}; {megabytes:.1f} MB; open it in a browser"
    )
    print(what_next(run.settings))


def check_labels(given: list[str]) -> list[str]:
    """Checks a set of labels, and strips them; InputError if it is none."""
    from wavegan_tf.experiments.properties import MISSING
    from wavegan_tf.output.listening import KEYS

    labels, flag = [label.strip() for label in given], f"--labels={','.join(given)}"
    if len(labels) == 1 or len(labels) > len(KEYS) or len(set(labels)) < len(labels):
        raise InputError(
            f"{flag}: give 2 to {len(KEYS)} labels, each once; leave it out so that listeners "
            "type what they hear"
        )
    for label in labels:
        if label.lower() in MISSING:
            raise InputError(f"{flag}: {label!r} means that there is no label; choose another word")
    return labels


def what_next(settings: dict[str, Any]) -> str:
    """Says what reads the labels: identify, if it draws the outputs of this run."""
    from wavegan_tf.output.page import command_line

    options, kind = settings["options"], settings["kind"]
    moved = any(options.get(name) for name in ("set", "condition", "latents", "wav_dir"))
    if kind != "identify" and (kind != "probe" or moved):
        return (
            "The labels are numbered as the outputs of this run. identify draws others: those of a "
            "probe without --set, --condition or recordings. Do not give it these labels."
        )
    of_model = ("ckpt", *unsaid_flags().values())
    given = {name: x for name, x in settings.get("flags", {}).items() if name in of_model}
    given |= {"n": options["n"], "seed": options["seed"], "labels": "labels-NAME.csv"}
    command = command_line({"kind": "identify", "flags": given})
    return f"With the labels that the page saves: {command}"
