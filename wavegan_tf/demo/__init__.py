"""The demo models, which come with the package: ``--ckpt=demo:NAME``.

Each is a run directory with the Generator and, of a ciwGAN, the Q-network. Its config.json says how
it was trained, stage by stage, and how it is measured; its README.md says what it cannot do.
"""

import os
from pathlib import Path

from wavegan_tf.errors import InputError

PREFIX = "demo:"

DEMOS = ("demo:digits", "demo:stv", "demo:reduplication")
"""The paths that open them; the first is opened where no checkpoint is named."""


def find(path: str | os.PathLike) -> str | os.PathLike:
    """Gives the run directory of ``demo:NAME``; any other path as it is.

    Raises:
        InputError: There is no such demo model.
    """
    text = os.fspath(path)
    if not text.startswith(PREFIX) or os.path.exists(text):
        return path
    if text not in DEMOS:
        raise InputError(f"--ckpt={text}: no such demo model; there are {', '.join(DEMOS)}")
    return Path(__file__).parent / text.removeprefix(PREFIX)
