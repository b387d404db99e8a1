"""What the commands that make corpora share: flags, the folder of the results, what is said."""

import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

from absl import flags

from wavegan_tf.commands.flags import define_options, read_options
from wavegan_tf.errors import InputError
from wavegan_tf.options import build, check_options

Flags: TypeAlias = dict[str, Any]  # values by name
Made: TypeAlias = tuple[dict[str, Any], list[str]]
"""What config.json says of a corpus, and what there is to complain of."""


def command(
    name: str, cls: Any, make: Callable[[Any, Flags, str, Flags], Made]
) -> tuple[dict[str, str], Callable[[], None], Callable[[], None]]:
    """Makes ``GROUPS``, ``define_flags`` and ``main`` of a command.

    Args:
        name: Of the command.
        cls: Its options, ``out_dir`` and ``overwrite`` among them.
        make: Writes a corpus: of options, those that were given, a folder and a run's record.
    """
    groups: dict[str, str] = {}

    def define_flags() -> None:
        groups.update(define_options(cls))

    def main() -> None:
        from wavegan_tf.output.directory import finish, output_directory
        from wavegan_tf.output.files import read_json, write_json
        from wavegan_tf.output.versions import run_record

        given = read_options(cls, flags.FLAGS)
        options = build(cls, given)
        check_options(options)
        if given.get("allow_longer") and "slice_len" in given:
            raise InputError("--allow_longer keeps clips of any length; leave out --slice_len")
        path = os.path.join(options.out_dir, "config.json")
        found = read_json(path).get("command") if os.path.isfile(path) else name
        if found != name:  # some of its tables would stay
            found = found or "another program"
            raise InputError(
                f"--out_dir={options.out_dir}: contains results of {found}; name another directory"
            )
        with output_directory(options.out_dir, options.overwrite) as directory:
            record, complaints = make(options, given, directory, run_record(name, asdict(options)))
            write_json(f"{directory}/config.json", record)
        finish(options.out_dir, complaints)

    return groups, define_flags, main
