"""The one error that bad input raises."""


class InputError(ValueError):
    """Input that cannot be used: a file, a flag's value, a configuration.

    The message names the file or flag, the value, the rule it breaks and the way out. The command
    lines print it without a traceback and exit with status 1; every other exception is a defect of
    this package and keeps its traceback.
    """
