"""Joins the shards of a probe: tables, series and sounds, then statistics and figures.

The result is that of the same command without --shard, row for row. The shards stay as they are.
"""

import glob
import os
import shutil
from typing import TYPE_CHECKING, Any

from absl import flags

from wavegan_tf.commands.flags import define_path
from wavegan_tf.errors import InputError
from wavegan_tf.paths import expand

if TYPE_CHECKING:
    from wavegan_tf.experiments.result import Result

GROUPS = dict.fromkeys(("shards", "out_dir", "overwrite", "figures", "report"), "Basics")
FLAGS = flags.FLAGS

_LEFT_OUT = ("outputs", "flags", "scales")  # scales differ by a digit between processors
_OWN = ("shard", "jobs")  # options in which the shards of one run may differ


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_list(
        "shards", None, "Directories of the shards, or patterns such as shard_*.", required=True
    )
    define_path("out_dir", None, "Directory for the whole run.", required=True)
    flags.DEFINE_bool("overwrite", False, "Replace the results in an --out_dir that is not empty.")
    flags.DEFINE_bool("figures", True, "Draw figures as PNG and PDF in figures/.")
    flags.DEFINE_bool(
        "report", True, "Write the page report.html, to hear and see the run in a browser."
    )


def main() -> None:
    """Joins shards."""
    from wavegan_tf.experiments.listen import complaints
    from wavegan_tf.experiments.probe import merge
    from wavegan_tf.output.directory import finish, output_directory

    shards = find_shards(FLAGS.shards)
    if any(os.path.realpath(str(x.directory)) == os.path.realpath(FLAGS.out_dir) for x in shards):
        raise InputError(
            f"--out_dir={FLAGS.out_dir}: is a shard and would be lost; name another directory"
        )
    with output_directory(FLAGS.out_dir, FLAGS.overwrite) as directory:
        whole = merge(shards, directory)
        for shard in shards:
            sounds = os.path.join(str(shard.directory), "audio")
            if os.path.isdir(sounds):
                shutil.copytree(sounds, os.path.join(directory, "audio"), dirs_exist_ok=True)
        whole.save(directory, figures=FLAGS.figures, page=FLAGS.report)
        print(whole.terminal())
    finish(FLAGS.out_dir, complaints(whole.table("outputs")))


def find_shards(patterns: list[str]) -> "list[Result]":
    """Loads the shards of one run, in order; InputError if they are not all and each once."""
    from wavegan_tf.experiments.result import load_run

    given = ",".join(patterns)
    paths = sorted(path for pattern in patterns for path in matching(expand(pattern)))
    twice = [path for path, after in zip(paths, paths[1:], strict=False) if path == after]
    if twice:
        raise InputError(f"--shards={given}: {twice[0]} is named twice; give each shard once")
    if not paths:
        raise InputError(f"--shards={given}: no such directory")
    shards = [load_run(path) for path in paths]
    for shard in shards:
        if shard.kind != "probe" or not shard.settings.get("options", {}).get("shard"):
            raise InputError(
                f"--shards={given}: {shard.directory} is not a shard; give directories that probe "
                "--shard wrote"
            )
    shards.sort(key=lambda shard: shard.settings["outputs"])
    for shard in shards:
        if other := _differences(shards[0].settings, shard.settings):
            raise InputError(
                f"--shards={given}: {shard.directory} and {shards[0].directory} differ in "
                f"{', '.join(other)}; give the shards of one run"
            )
    end, n = 0, shards[0].settings["n"]
    for start, stop in [*(shard.settings["outputs"] for shard in shards), (n, n)]:
        if start != end:
            first, last = sorted((start, end))
            kind = "missing" if start > end else "there twice"
            raise InputError(
                f"--shards={given}: outputs {first} .. {last - 1} are {kind}; give each shard once"
            )
        end = stop
    return shards


def matching(pattern: str) -> list[str]:
    """Lists what a pattern matches; as far as it is the name of something, it is taken as that."""
    name = pattern
    while name and not os.path.exists(name):
        name = os.path.dirname(name)
    return glob.glob(glob.escape(name) + pattern[len(name) :])


def _differences(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Names the settings in which two runs differ, as far as shards of one run must agree."""

    def fixed(settings: dict[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in settings.items() if key not in _LEFT_OUT}
        own = {k: v for k, v in settings["options"].items() if k not in _OWN}
        return kept | {"options": own}

    mine, theirs = fixed(mine), fixed(theirs)
    return [key for key in mine if mine[key] != theirs.get(key)]
