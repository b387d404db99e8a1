"""metrics.jsonl: the scalars of every summary, one JSON object a line.

    {"step": 120, "time": "2024-03-01T12:00:00Z", "D_loss": -8.2, ...}

pandas reads it with ``read_json(path, lines=True)``, R with ``jsonlite::stream_in(file(path))``.
"""

import json
import math
import os
import time

import numpy as np

from wavegan_tf.checkpoints import disk
from wavegan_tf.errors import InputError

METRICS_FILE = "metrics.jsonl"


class Metrics:
    """The metrics file of one run.

    Attributes:
        rows: What it held at its opening, oldest first.
    """

    def __init__(self, directory: str, step: int):
        """Opens or begins the file of a run that goes on from ``step``.

        Rows of later steps, which a kill left behind, are dropped, and so is a last line that was
        cut short: the steps come again.

        Raises:
            InputError: A line is no row of metrics.
            OSError: The file cannot be read or written.
        """
        self.path = os.path.join(directory, METRICS_FILE)
        lines = []
        if os.path.isfile(self.path):
            with open(self.path, encoding="utf-8", errors="replace") as file:
                lines = file.readlines()
        whole = [line for line in lines if line.endswith("\n")]
        rows = [self._parse(number, line) for number, line in enumerate(whole, start=1)]
        kept = [i for i, row in enumerate(rows) if row["step"] <= step]
        self.rows = [rows[i] for i in kept]
        if len(kept) < len(lines):
            disk.write_text(self.path, "".join(whole[i] for i in kept))

    def append(self, step: int, scalars: dict) -> None:
        """Adds a row and flushes it; what is not finite is written ``null``.

        Args:
            step: Generator updates done.
            scalars: By name; written with the digits of a float32.

        Raises:
            OSError: The row cannot be written.
        """
        row = {"step": step, "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        for name, value in scalars.items():
            row[name] = float(str(np.float32(value))) if math.isfinite(value) else None
        try:
            with open(self.path, "a", encoding="utf-8") as file:
                file.write(json.dumps(row, allow_nan=False) + "\n")
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.path) from None

    def _parse(self, number: int, line: str) -> dict:
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            raise InputError(
                f"{self.path}: line {number} is no row of metrics ({line.strip()[:40]!r}); delete "
                "the line, or move the file away"
            )
        return row
