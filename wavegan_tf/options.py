"""Options that stand once: a dataclass field carries its help text, group and range.

The experiments read the fields, the command lines make a flag of each (``commands.flags``), and
``check_options`` holds every value against its range.
"""

import dataclasses
import math
import numbers
import os
from typing import Any

from wavegan_tf.errors import InputError
from wavegan_tf.paths import expand

GROUPS = ("Basics", "Model", "Latents", "Praat", "Intervals", "Statistics", "Output")
"""Groups of flags in ``--help``, in this order."""


def option(
    default: Any,
    help: str,
    *,
    group: str = "Basics",
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
    unit: str = "",
    flag: str | None = None,
    advanced: bool = False,
    repeated: bool = False,
    path: bool = False,
) -> Any:
    """Makes a field of a dataclass of options.

    Args:
        default: Its value when nothing is said; an ``int`` default wants whole numbers.
        help: What the option is or, for a switch, what it does; then full sentences.
        group: One of :data:`GROUPS`.
        low: Least value of a number.
        high: Greatest value of a number.
        choices: All values of a text.
        unit: Unit of a number, for messages.
        flag: Name of the flag, where it is not the field's name.
        advanced: Whether it can only be set in a file or in Python, or by a flag of some commands.
        repeated: Whether the flag may be given several times; the value is a tuple.
        path: Whether it is a path, in which ``~`` and ``$HOME`` are replaced.
    """
    about = {
        "help": help, "group": group, "low": low, "high": high, "choices": choices,
        "unit": unit, "flag": flag, "advanced": advanced, "repeated": repeated, "path": path,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata={"option": about})


def options(settings: Any) -> list[dataclasses.Field]:
    """Lists the fields of a class or an instance that :func:`option` made."""
    return [field for field in dataclasses.fields(settings) if "option" in field.metadata]


def name_of(field: dataclasses.Field) -> str:
    """Names an option as the user knows it: ``--flag``, or the field where it has no flag."""
    about = field.metadata["option"]
    flag = about["flag"] or ("" if about["advanced"] else field.name)
    return f"--{flag}" if flag else field.name


def check_options(settings: Any) -> None:
    """Holds every option of an instance against its range, its choices and its type.

    Raises:
        InputError: A value breaks its rule; the message names the option, the value and the rule.
    """
    for field in options(settings):
        value: Any = getattr(settings, field.name)
        about, name = field.metadata["option"], name_of(field)
        if about["choices"] and value is not None and value not in about["choices"]:
            raise InputError(f"{name}={value}: must be one of {', '.join(about['choices'])}")
        low, high = about["low"], about["high"]
        if value is None and field.default is None:
            continue
        if isinstance(field.default, str) and not isinstance(value, str):
            raise InputError(f"{name}={value}: must be text")
        if about["repeated"] and not all(isinstance(each, str) for each in value):
            raise InputError(f"{name}={value}: must be texts")
        if isinstance(field.default, bool) != isinstance(value, bool):
            rule = "true or false" if isinstance(field.default, bool) else "no truth value"
            raise InputError(f"{name}={value}: must be {rule}")
        if low is None and high is None and not isinstance(field.default, numbers.Real):
            continue
        if not isinstance(value, numbers.Real):
            raise InputError(f"{name}={value}: must be a number; the default is {field.default}")
        if low is None:
            continue
        if not low <= value <= (math.inf if high is None else high):
            rule = f"{low:g} or more" if high is None else f"within {low:g} .. {high:g}"
            default = "" if field.default is None else f"; the default is {name}={field.default:g}"
            raise InputError(f"{name}={value:g}: must be {rule} {about['unit']}".rstrip() + default)
        if isinstance(field.default, int) and not float(value).is_integer():
            raise InputError(f"{name}={value:g}: must be a whole number")


def nested(cls: type) -> dict[str, Any]:
    """Lists the fields of an options class that are themselves dataclasses of options."""
    return {
        field.name: field.default_factory
        for field in dataclasses.fields(cls)
        if dataclasses.is_dataclass(field.default_factory)
    }


def build(cls: type, given: dict[str, Any], recommended: dict[str, Any] | None = None) -> Any:
    """Makes an instance of an options class, whose fields may be dataclasses of options.

    Args:
        cls: The class.
        given: Values by the name of the field or flag; those of nested dataclasses by their own
            names where no other has them, or together: ``{"praat": {"f0_floor_hz": 75}}``.
            ``f0_range`` is floor and ceiling.
        recommended: Values of nested dataclasses in place of their defaults, in the same form.

    Raises:
        InputError: A value breaks its rule, or there is no option of a name.
    """
    given, values = dict(given), {}
    names = [field.name for inner in nested(cls).values() for field in options(inner)]
    for name, inner in nested(cls).items():
        own = given.pop(name, {})
        if isinstance(own, inner):
            values[name] = own
            continue
        if not isinstance(own, dict):
            raise InputError(f"{name}={own}: give {inner.__name__} or a dict of its values")
        settings = {**(recommended or {}).get(name, {}), **own}
        for field in options(inner):
            about = field.metadata["option"]
            for key in {field.name, about["flag"] or field.name} & set(given):
                if names.count(key) == 1 or not about["advanced"]:
                    settings[field.name] = given.pop(key)
        if "f0_range" in given and "f0_floor_hz" in {f.name for f in dataclasses.fields(inner)}:
            both = given.pop("f0_range")
            if not isinstance(both, (tuple, list)) or len(both) != 2:
                raise InputError(f"--f0_range={both}: give floor and ceiling in Hz: 60,300")
            settings["f0_floor_hz"], settings["f0_ceiling_hz"] = both
        _check_names(inner, settings)
        values[name] = inner(**_plain(inner, settings))
    by_flag = {field.metadata["option"]["flag"]: field.name for field in options(cls)}
    given = {by_flag.get(name, name): value for name, value in given.items()}
    _check_names(cls, given)
    return cls(**values, **_plain(cls, given))


def _plain(cls: type, given: dict[str, Any]) -> dict[str, Any]:
    """Values in the type of their option: one text or a list as a tuple, 25.0 as 25, no ~."""
    defaults = {field.name: field.default for field in dataclasses.fields(cls)}
    paths = {field.name for field in options(cls) if field.metadata["option"]["path"]}
    plain: dict[str, Any] = dict(given)
    for name, value in given.items():
        if name in paths and isinstance(value, str | os.PathLike):
            plain[name] = expand(value)
        if isinstance(defaults[name], tuple):
            plain[name] = (value,) if isinstance(value, (str, numbers.Real)) else tuple(value)
        elif isinstance(defaults[name], int) and isinstance(value, numbers.Real):
            if float(value).is_integer() and not isinstance(value, bool):
                plain[name] = int(float(value))
    return plain


def _check_names(cls: type, given: dict[str, Any]) -> None:
    known = [field.name for field in dataclasses.fields(cls)]
    inner = [name for each in nested(cls).values() for name in vars(each())]
    for name in given:
        if name not in known:
            raise InputError(
                f"{name}: there is no such option; there are {', '.join([*known, *inner])}"
            )
