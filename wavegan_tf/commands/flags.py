"""Flags made from options, and help in groups."""

import dataclasses
import os
import re
import sys
import textwrap
from collections.abc import Iterable
from typing import Any

from absl import flags

from wavegan_tf.errors import InputError
from wavegan_tf.models.config import ModelConfig
from wavegan_tf.options import GROUPS, nested, options
from wavegan_tf.paths import expand
from wavegan_tf.texts import read_json, read_text

FIRST = GROUPS[0]

UNSAID = ("model", "slice_len", "num_categ", "sample_rate", "d_slope", "q_slope")
"""Options of the architecture that the files of the original or of the port may leave open."""

OLD_SPELLINGS = {"--no_center": "--nocenter"}  # of earlier versions


def define_options(cls: type) -> dict[str, str]:
    """Defines a flag for each option of a class that is not advanced; returns group by flag."""
    groups: dict[str, str] = {}
    for inner in nested(cls).values():
        groups |= define_options(inner)
        if "f0_floor_hz" in {field.name for field in dataclasses.fields(inner)}:
            default = [f"{inner().f0_floor_hz:g}", f"{inner().f0_ceiling_hz:g}"]
            flags.DEFINE_list("f0_range", default, "Floor and ceiling of F0 in Hz.")
            groups["f0_range"] = "Praat"
    for field in options(cls):
        about = field.metadata["option"]
        if about["advanced"] or field.name in ("f0_floor_hz", "f0_ceiling_hz"):
            continue
        name = about["flag"] or field.name
        _define(name, field, about)
        groups[name] = about["group"]
    return groups


def define_unsaid_flags() -> dict[str, str]:
    """Defines flags, without a default, for what a checkpoint does not say; returns their group."""
    names = {}
    for field in options(ModelConfig):
        if field.name in UNSAID:
            about = field.metadata["option"]
            names[about["flag"] or field.name] = "Model"
            text = about["help"].rstrip(".") + "; only if the checkpoint lacks it."
            kind = {int: flags.DEFINE_integer, float: flags.DEFINE_float}.get(type(field.default))
            if kind:
                kind(about["flag"] or field.name, None, text)
            else:
                flags.DEFINE_enum(field.name, None, about["choices"], text)
    return names


def unsaid_flags() -> dict[str, str]:
    """Names the flags of ``define_unsaid_flags``, by the option's name."""
    about = {f.name: f.metadata["option"]["flag"] or f.name for f in options(ModelConfig)}
    return {name: about[name] for name in UNSAID}


def read_unsaid_flags() -> dict[str, Any]:
    """Reads the flags of ``define_unsaid_flags`` that were given, by the option's name."""
    given = {name: flags.FLAGS[flag].value for name, flag in unsaid_flags().items()}
    return {name: value for name, value in given.items() if value is not None}


def _define(name: str, field: dataclasses.Field, about: dict[str, Any]) -> None:
    default: Any = field.default
    text = about["help"]
    if about["repeated"]:
        flags.DEFINE_multi_string(name, list(default), text)
    elif about["path"]:
        define_path(name, default, text)
    elif about["choices"]:
        flags.DEFINE_enum(name, default, about["choices"], text)
    elif isinstance(default, bool):
        flags.DEFINE_bool(name, default, text)
    elif isinstance(default, tuple):
        flags.DEFINE_list(name, [f"{x:g}" if isinstance(x, float) else x for x in default], text)
    elif isinstance(default, int) or (default is None and "int" in str(field.type)):
        flags.DEFINE_integer(name, default, text)
    elif isinstance(default, float) or (default is None and "float" in str(field.type)):
        flags.DEFINE_float(name, default, text)
    else:
        flags.DEFINE_string(name, default, text)


class _Path(flags.ArgumentParser):
    def parse(self, argument: str) -> str:
        try:
            return expand(argument)
        except InputError as error:  # absl names the flag and its value
            raise ValueError(str(error).removeprefix(f"{argument}: ")) from None


def define_path(name: str, default: str | None, help: str, required: bool = False) -> None:
    """Defines the flag of a path, in which ``~`` and ``$HOME`` are replaced."""
    flags.DEFINE(_Path(), name, default, help, required=required)


def read_options(cls: type, values: flags.FlagValues) -> dict[str, Any]:
    """Reads the flags that were given, by the name of the flag; the others keep their defaults."""
    given: dict[str, Any] = {}
    for inner in nested(cls).values():
        given |= read_options(inner, values)
    for field in options(cls):
        about = field.metadata["option"]
        name = about["flag"] or field.name
        if about["advanced"] or name not in values or not values[name].present:
            continue
        value = values[name].value
        if isinstance(field.default, tuple):
            of_numbers = bool(field.default) and isinstance(field.default[0], float)
            value = _numbers(name, value) if of_numbers else tuple(value)
        given[name] = value
    if "f0_range" in values and values["f0_range"].present:
        f0_range = _numbers("f0_range", values["f0_range"].value)
        if len(f0_range) != 2:
            raise InputError(
                f"--f0_range={','.join(values['f0_range'].value)}: give floor and ceiling in Hz: "
                "--f0_range=60,300"
            )
        given["f0_range"] = f0_range
    return given


def _numbers(name: str, texts: list[str]) -> tuple[float, ...]:
    try:
        return tuple(float(text) for text in texts)
    except ValueError:
        raise InputError(
            f"--{name}={','.join(texts)}: expected numbers separated by commas, for example "
            f"--{name}={flags.FLAGS[name].default_as_str or '60,300'}"
        ) from None


def read_settings_file(path: str | None) -> dict[str, dict[str, Any]]:
    """Reads ``--praat_settings``: JSON with the groups ``praat``, ``intervals``, ``statistics``.

    The config.json of an earlier run is such a file; of it the first two are taken.

    Raises:
        InputError: There is no such file, or it is no JSON of that form.
    """
    if path is None:
        return {}
    wanted = 'give {"praat": {"f0_floor_hz": 75}, "intervals": {}}, or the config.json of a run'
    try:
        content = read_json(path, wanted)
    except InputError as error:
        raise InputError(f"--praat_settings={error}") from None
    groups: tuple[str, ...] = ("praat", "intervals", "statistics")
    if not any(isinstance(content.get(name), dict) for name in groups):
        raise InputError(f"--praat_settings={path}: {wanted}")
    unknown = [name for name in content if name not in groups]
    if "kind" in content:
        groups = groups[:2]
    elif unknown:
        raise InputError(
            f"--praat_settings={path}: there is no group {unknown[0]!r}; there are "
            f"{', '.join(groups)}"
        )
    return {name: content[name] for name in groups if isinstance(content.get(name), dict)}


def help_text(usage: str, what: str, groups: dict[str, str], every: bool) -> str:
    """Writes help: flags by group, the first group alone unless ``every``."""
    lines = [what, "", f"usage: {usage} [--flag=value ...]"]
    width = min(100, int(os.environ.get("COLUMNS", "100")))
    for group in dict.fromkeys([*[g for g in GROUPS if g in groups.values()], *groups.values()]):
        names = [name for name, of in groups.items() if of == group]
        if every or group == FIRST:
            lines += ["", f"{group}:"]
            for name in names:
                lines += _flag_lines(flags.FLAGS[name], width)
    rest = [group for group in dict.fromkeys(groups.values()) if group != FIRST]
    if rest and not every:
        lines += ["", f"--helpfull shows more flags: {', '.join(rest)}."]
    return "\n".join(lines)


def _flag_lines(flag: flags.Flag, width: int) -> list[str]:
    default = flag.default_as_str
    shown = f"  --{'[no]' if flag.boolean else ''}{flag.name}"
    text = re.sub(r";\s+repeat this option.*", " Repeatable.", flag.help or "")
    if default not in (None, "None", "''", "'[]'", ""):
        text += f" (default: {default.strip(chr(39))})"
    indent: Any = {"initial_indent": " " * 6, "subsequent_indent": " " * 6}
    return [shown, *(x for line in text.split("\n") for x in textwrap.wrap(line, width, **indent))]


def with_flagfiles(argv: Iterable[str], inside: tuple[str, ...] = ()) -> list[str]:
    """Puts the lines of flagfiles, in any editor's encoding, in the place of ``--flagfile=PATH``.

    Blank lines and those that begin with ``#`` or ``//`` are left out. The file of a flagfile may
    name others; ``inside`` are those that are being read.

    Raises:
        InputError: There is no such file, or it names itself.
    """
    words, given = list[str](), iter(argv)
    for word in given:
        if not (match := re.fullmatch(r"--?flagfile(?:=(.*))?", word, re.DOTALL)):
            words.append(word)
            continue
        path = expand((next(given, "") if match[1] is None else match[1]).strip())
        if path in inside:
            raise InputError(f"--flagfile={path}: names itself; remove that line")
        try:
            lines = [line.strip() for line in read_text(path).split("\n")]
        except InputError as error:
            raise InputError(f"--flagfile={error}") from None
        lines = [line for line in lines if line and not line.startswith(("#", "//"))]
        words += with_flagfiles(lines, (*inside, path))
    return words


def parse(argv: list[str], usage: str, what: str, groups: dict[str, str]) -> None:
    """Parses the flags of a command; prints help where it is asked for, and exits.

    Raises:
        InputError: A flag is unknown or its value is of the wrong kind.
    """
    for word in argv:
        if word in ("--help", "-h", "-help", "--helpfull", "--helpshort"):
            print(help_text(usage, what, groups, word == "--helpfull"))
            sys.exit(0)
    try:
        words = [OLD_SPELLINGS.get(word, word) for word in with_flagfiles(argv)]
        rest = flags.FLAGS([usage, *words])
    except flags.Error as error:
        raise InputError(str(error).removeprefix("FATAL Flags parsing error:").strip()) from None
    if len(rest) > 1:
        raise InputError(f"unexpected argument {rest[1]!r}; every option is a --flag=value")
