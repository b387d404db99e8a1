"""The files of a run: JSON, CSV, NPZ, WAV. The same values give the same bytes."""

import json
import math
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf import texts
from wavegan_tf.errors import InputError

_BLOCK = 1 << 20

TEXTS = (
    "name", "word", "label", "condition", "code", "latent", "latent_a", "latent_b", "layer",
    "measure", "unit", "reason", "flag", "problem", "verdict", "stage", "role", "patch", "group",
    "quantity", "property", "heard",
)  # fmt: skip
"""Columns that hold text, even where it looks like a number: a word "7" is no 7."""


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Writes JSON; NumPy's numbers and arrays become numbers and lists.

    Raises:
        ValueError: A value is NaN or infinite, for which JSON has no word.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    Path(path).write_text(text + "\n", encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read_json(path: str | Path) -> dict[str, Any]:
    """Reads the config.json of a run.

    Raises:
        InputError: There is none, or it is no JSON.
    """
    if not os.path.exists(path):
        raise InputError(f"{path}: there is no such file; name the directory of a run")
    return texts.read_json(path, "run its command again")


def write_table(path: str | Path, table: pd.DataFrame) -> None:
    """Writes a table as CSV, UTF-8; numbers with all their digits, NaN as NaN."""
    table.to_csv(path, index=False, na_rep="NaN", lineterminator="\n")


def read_table(path: str | Path) -> pd.DataFrame:
    """Reads a table that :func:`write_table` wrote; empty cells are empty texts."""
    try:
        return pd.read_csv(
            path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values=["NaN"],
            low_memory=False, float_precision="round_trip",
        )  # fmt: skip
    except ValueError as error:  # of pandas too: no columns, ragged rows
        raise InputError(f"{path}: empty or damaged ({error}); run its command again") from None


def write_npz(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Writes named arrays, uncompressed and undated, so that they can be mapped into memory."""
    np.savez(path, **{name: np.ascontiguousarray(array) for name, array in arrays.items()})


def map_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Maps the arrays of an uncompressed NPZ into memory, however long they are.

    Raises:
        ValueError: The file is no such NPZ, or holds Python objects.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for info in archive.infolist():
            file.seek(info.header_offset + 26)
            lengths = np.frombuffer(file.read(4), "<u2")
            file.seek(info.header_offset + 30 + int(lengths.sum()))
            np.lib.format.read_magic(file)  # (1, 0): headers of plain numbers are short
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject or fortran or info.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{path}: {info.filename} is compressed, or no plain numbers")
            name = info.filename.removesuffix(".npy")
            if math.prod(shape) == 0:
                arrays[name] = np.zeros(shape, dtype)
            else:
                arrays[name] = np.memmap(path, dtype, "r", file.tell(), shape)
    return arrays


class SeriesWriter:
    """Named float32 arrays that grow by rows, as one NPZ; use as a context.

    Memory does not grow with the rows: each array is a file of its own until all are done.
    """

    def __init__(self, path: str | Path, shapes: dict[str, tuple[int, ...]]):
        """Begins arrays of the given shapes, rows first."""
        self.path, self.shapes = Path(path), shapes
        self._files = {name: open(f"{path}.{name}", "wb") for name in shapes}
        for name, shape in shapes.items():
            header = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
            np.lib.format.write_array_header_1_0(self._files[name], header)

    def __enter__(self) -> "SeriesWriter":
        """Returns the writer."""
        return self

    def write(self, rows: dict[str, np.ndarray]) -> None:
        """Adds one row to each array."""
        for name, file in self._files.items():
            row = np.asarray(rows[name], "<f4")
            if row.shape != tuple(self.shapes[name][1:]):
                raise ValueError(f"{self.path}: {name} has shape {row.shape}, not that of a row")
            file.write(row.tobytes())

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Puts the arrays together, if all went well."""
        for file in self._files.values():
            file.close()
        try:
            if kind is None:
                self._join()
        except BaseException:
            self.path.unlink(missing_ok=True)
            raise
        finally:
            for file in self._files.values():
                os.remove(file.name)

    def _join(self) -> None:
        with zipfile.ZipFile(self.path, "w") as archive:
            for name, file in self._files.items():
                # dated as numpy.savez dates its members
                member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
                whole = archive.open(member, "w", force_zip64=True)
                with open(file.name, "rb") as part, whole:
                    shutil.copyfileobj(part, whole, _BLOCK)
