"""Settings that stand once: a field carries its flag, help text and range. Plain Python.

The command lines make a flag of each (``wavegan_tf.cli``), the dataclass its check.
"""

import dataclasses

from wavegan_tf.errors import InputError


def option(default, flag: str, text: str, low: float, high: float, unit: str = ""):
    """A field of settings: a number with its flag, help text, range and unit."""
    metadata = {"flag": flag, "help": text, "low": low, "high": high, "unit": unit}
    return dataclasses.field(default=default, metadata=metadata)


def options(settings) -> list[dataclasses.Field]:
    """The fields of settings (a class or an instance) that :func:`option` made."""
    return [field for field in dataclasses.fields(settings) if "flag" in field.metadata]


def check_options(settings) -> None:
    """Check every option of an instance against its range; whole where the default is.

    Raises:
        InputError: a value breaks its rule; the message names the flag.
    """
    for field in options(settings):
        value, about = getattr(settings, field.name), field.metadata
        if not about["low"] <= value <= about["high"]:
            raise InputError(
                f"--{about['flag']}={value:g}: must be within {about['low']:g} .. "
                f"{about['high']:g} {about['unit']}".rstrip()
                + f"; the default is --{about['flag']}={field.default:g}"
            )
        if isinstance(field.default, int) and value != int(value):
            raise InputError(f"--{about['flag']}={value:g}: must be a whole number")
