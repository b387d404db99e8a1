"""A page to label outputs by ear with, blind: listen.html, one file that fetches nothing.

Sounds stand in it in random order, and are numbered by their place in it. Which output each is
stands there once, as a list that only a decoder can read, and is used when labels are saved.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy

from wavegan_tf.errors import InputError
from wavegan_tf.output.page import fill_page, pack
from wavegan_tf.output.run import Run

KEYS = "1234567890qwertyuiop"
"""The key of each label, in order; no more labels can be given."""

_ORDER_STREAM = 5


class Sounds:
    """The sounds of a finished run: the target of its series, or its files in audio/."""

    def __init__(self, run: Run, directory: str | Path):
        """Finds them.

        Raises:
            InputError: The run kept no sounds.
        """
        self.rate_hz = int(run.settings["sample_rate_hz"])
        target = run.settings.get("target", "out")
        self._series = run.arrays.get("series", {}).get(target)
        found = sorted((Path(directory) / "audio").glob(f"*_{target}.wav"))
        self._paths = {int(x.name.split("_")[0]): x for x in found if re.match(r"\d+_", x.name)}
        if self._series is None and not self._paths:
            raise InputError(
                f"--run={directory}: this run kept no sounds; probe and interpolate keep them, "
                "identify and intervene do so with --audio"
            )
        numbers = sorted(run.table("outputs")["output"].unique())
        self._rows = {int(number): row for row, number in enumerate(numbers)}
        self.outputs = sorted(self._paths) if self._series is None else list(self._rows)
        """Numbers of the outputs that can be heard, ascending."""

    def read(self, output: int) -> np.ndarray:
        """Reads the sound of an output, [channels, time]."""
        if self._series is not None:
            sound = np.asarray(self._series[self._rows[output]])
        else:
            sound = scipy.io.wavfile.read(self._paths[output])[1]
        return np.atleast_2d(sound.T)


def order_outputs(outputs: Sequence[int], repeat: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws the order in which outputs are heard.

    Returns:
        All outputs, shuffled; and the places among these of ``repeat`` outputs that are heard once
        more at the end, in the same order: none of the last quarter, which is still in the ear.
    """
    rng = np.random.default_rng([seed, _ORDER_STREAM])
    order = rng.permutation(np.asarray(outputs, np.uint32))
    early = max(repeat, len(order) - len(order) // 4)
    return order, np.sort(rng.choice(early, repeat, replace=False))


def write_listening(
    path: str | Path,
    sounds: Sounds,
    outputs: Sequence[int],
    labels: Sequence[str] = (),
    missing: Sequence[str] = (),
    listener: str = "",
    repeat: int = 0,
    seed: int = 0,
) -> None:
    """Writes the page; the same run and options give the same bytes.

    Args:
        path: The file.
        sounds: Of the run.
        outputs: Numbers of the outputs that are heard.
        labels: To choose from, :data:`KEYS` at most; none for free text.
        missing: Labels that would be read as none, in lower case; free text refuses them.
        listener: Name of who listens; empty to be asked for.
        repeat: Number of outputs that are heard twice.
        seed: Of the order.
    """
    order, again = order_outputs(outputs, repeat, seed)
    packed = []
    for output in order:
        channels = list(sounds.read(int(output)))
        packed.append(dict(zip(("series", "scales"), pack(channels), strict=True)))
    data: dict[str, Any] = {
        "rate_hz": sounds.rate_hz,
        "lengths": [len(channel) for channel in channels],
        "sounds": packed,
        "plays": [*range(len(order)), *again.tolist()],
        "labels": list(labels),
        "keys": KEYS[: len(labels)],
        "missing": [text for text in missing if text],
        "listener": listener,
        "key": base64.b64encode(order.astype("<u4").tobytes()).decode("ascii"),
    }
    digest = hashlib.sha256(repr((data["key"], data["plays"], data["labels"], packed)).encode())
    data["run"] = digest.hexdigest()[:16]  # whose labels a browser remembers
    styles, scripts = ("report.css", "listen.css"), ("sound.js", "listen.js")
    content = {"title": "Listen and label", "data": data}
    page, _ = fill_page("listen.html", styles, scripts, content)
    Path(path).write_text(page, encoding="utf-8", newline="\n")
