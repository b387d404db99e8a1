"""Write and read the files of a run: CSV, JSON, NPZ, WAV. The same values give the same bytes.

CSV is UTF-8 with a header, lines end in a line feed, and numbers are written in the shortest form
that reads back to the same float64, so every result can be recomputed from the tables. A missing
value is written ``NaN``: pandas (``read_csv``), R (``read.csv``: ``is.na`` holds and the column
stays numeric) and Python's ``float`` read it as missing without an option; ``NA`` fails the last.
"""

import contextlib
import csv
import io
import json
import math
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from wavegan_tf.errors import InputError

TEXT_COLUMNS = frozenset(
    "name condition reference word layer label measure unit reason flag problem statistic "
    "verdict latent latent_a latent_b role code test patch maps speaker sex dialect split sentence "
    "source phones pattern file detail".split()
)
"""Columns that hold text even where it looks like a number, such as the word ``0``."""

_BLOCK = 1 << 20  # bytes copied at once


class TableWriter:
    """A CSV table that grows by rows; use as a context."""

    def __init__(self, path: str | Path, columns: Iterable[str]):
        """Begin the file (replaced if it exists) with its header.

        Args:
            path: the file.
            columns: names of the columns, in order.
        """
        self.path, self.columns = path, list(columns)
        self._file = open(path, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(self.columns)

    def __enter__(self):
        """Return the writer."""
        return self

    def __exit__(self, *error):
        """Close the file."""
        self._file.close()

    def write(self, rows: Iterable[dict]) -> None:
        """Add rows: mappings with exactly the columns as keys, of text, booleans and numbers.

        Raises:
            ValueError: a row has other keys than the columns.
        """
        for row in rows:
            if set(row) != set(self.columns):
                raise ValueError(f"{self.path}: a row has the keys {list(row)}, not {self.columns}")
            self._writer.writerow([_to_text(row[name]) for name in self.columns])

    def write_lines(self, lines: str) -> None:
        """Add rows that :func:`format_rows` made."""
        self._file.write(lines)


def format_rows(rows: Iterable[tuple]) -> str:
    """Make the lines of a table, for :meth:`TableWriter.write_lines`: cells in order of columns."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in rows:
        writer.writerow([_to_text(value) for value in row])
    return lines.getvalue()


def write_csv(path: str | Path, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a whole table; the arguments and errors are those of :class:`TableWriter`."""
    with TableWriter(path, columns) as table:
        table.write(rows)


def read_csv(path: str | Path) -> list[dict]:
    """Read a table that :func:`write_csv` wrote.

    Returns:
        A list of dicts; :data:`TEXT_COLUMNS` are strings; of the others, what reads as an integer
        is an int, what reads as a number (``NaN`` too) a float, anything else a string.
    """
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {name: text if name in TEXT_COLUMNS else _from_text(text) for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def stream_csv(path: str | Path, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Read some columns of a table row by row, as text.

    Args:
        path: the file; nothing is yielded where it does not exist.
        columns: the columns wanted, at least two.

    Yields:
        The cells of a row, in the order of ``columns``.

    Raises:
        InputError: the table lacks one of the columns.
    """
    if not Path(path).is_file():
        return
    with open(path, encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        missing = [name for name in columns if name not in header]
        if missing:
            raise InputError(
                f"{path}: has no column {', '.join(missing)} (an older version wrote it?); run "
                "the command that made this directory again"
            )
        places = [header.index(name) for name in columns]
        for row in reader:
            yield tuple([row[place] for place in places])


def stream_rows(path: str | Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """As :func:`stream_csv`, each row a dict."""
    return (dict(zip(columns, cells, strict=True)) for cells in stream_csv(path, columns))


def _to_text(value):
    """Write a cell: floats of any width as the float64 of the same value."""
    if isinstance(value, float | np.floating):
        return repr(float(value)) if value == value else "NaN"
    return str(value)


def _from_text(text):
    """Read a cell: int, else float, else the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def write_json(path: str | Path, content: dict) -> None:
    """Write JSON: keys in their own order, two spaces, a line feed at the end.

    NumPy numbers and arrays become numbers and lists.

    Raises:
        ValueError: a value is NaN or infinite, for which JSON has no word.
        TypeError: a value is nothing that JSON knows.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=_plain)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text + "\n")


def _plain(value):
    """Turn NumPy's numbers and arrays into Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def read_json(path: str | Path) -> dict:
    """Read JSON written by :func:`write_json`."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_npz(path: str | Path, arrays: dict[str, np.ndarray]) -> None:
    """Write named arrays, uncompressed, in the order of the mapping.

    ``numpy.savez`` dates every member 1980-01-01, so the same arrays give the same bytes.

    Args:
        path: the file, ending in ``.npz``.
        arrays: mapping of names to arrays.
    """
    np.savez(path, **{name: np.ascontiguousarray(array) for name, array in arrays.items()})


class SeriesWriter:
    """Named float32 arrays that grow by rows, as one NPZ; use as a context.

    Memory does not grow with the rows: each array is a file of its own until all are done.
    """

    def __init__(self, path: str | Path, shapes: dict[str, tuple[int, ...]]):
        """Begin the arrays.

        Args:
            path: the file, ending in ``.npz``.
            shapes: whole shape by name, rows first.
        """
        self.path, self.shapes = Path(path), shapes
        self._files = {name: open(f"{path}.{name}", "wb") for name in shapes}
        for name, shape in shapes.items():
            _write_header(self._files[name], shape)

    def __enter__(self):
        """Return the writer."""
        return self

    def write(self, rows: dict[str, np.ndarray]) -> None:
        """Add one row to each array."""
        for name, file in self._files.items():
            row = np.asarray(rows[name], "<f4")
            if row.shape != tuple(self.shapes[name][1:]):
                raise ValueError(f"{self.path}: {name} has shape {row.shape}, not that of a row")
            file.write(row.tobytes())

    def __exit__(self, kind, *error):
        """Put the arrays together, if all went well."""
        for file in self._files.values():
            file.close()
        if kind is None:
            with zipfile.ZipFile(self.path, "w") as archive:
                for name, file in self._files.items():
                    with open(file.name, "rb") as part, _member(archive, name) as whole:
                        shutil.copyfileobj(part, whole, _BLOCK)
        for file in self._files.values():
            os.remove(file.name)


def join_npz(paths: list[str | Path], path: str | Path) -> None:
    """Join NPZ files of float32 arrays of the same names, one after the other by rows.

    Args:
        paths: the files, in order; nothing is written if there are none.
        path: the file to write.
    """
    if not paths:
        return
    with contextlib.ExitStack() as stack:
        parts = [stack.enter_context(zipfile.ZipFile(part)) for part in paths]
        whole = stack.enter_context(zipfile.ZipFile(path, "w"))
        for member in parts[0].namelist():
            files = [stack.enter_context(part.open(member)) for part in parts]
            shapes = [_read_header(file)[0] for file in files]
            shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
            with _member(whole, member.removesuffix(".npy")) as joined:
                _write_header(joined, shape)
                for file in files:
                    shutil.copyfileobj(file, joined, _BLOCK)


def _member(archive, name):
    """Open an array of an NPZ for writing; it is dated as numpy.savez dates it."""
    return archive.open(
        zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True
    )


def _write_header(file, shape):
    header = {"descr": "<f4", "fortran_order": False, "shape": tuple(shape)}
    np.lib.format.write_array_header_1_0(file, header)


def _read_header(file):
    """Return shape and dtype of an array whose values follow, row by row."""
    if np.lib.format.read_magic(file) == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    else:
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
    if dtype.hasobject or fortran:
        raise ValueError(f"{file.name}: holds Python objects or columns; rows of numbers are read")
    return shape, dtype


def read_npz(path: str | Path, first: int | None = None) -> dict[str, np.ndarray]:
    """Read named arrays, or the first rows of each, however long the arrays are.

    Args:
        path: a file of :func:`write_npz` or :class:`SeriesWriter`.
        first: rows wanted; None reads all.

    Returns:
        The arrays by name, in the order of the file.

    Raises:
        ValueError: an array holds Python objects, which are not read.
    """
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as file:
                shape, dtype = _read_header(file)
                rows = shape[0] if first is None else min(first, shape[0])
                values = file.read(rows * math.prod(shape[1:]) * dtype.itemsize)
                values = np.frombuffer(values, dtype).reshape(rows, *shape[1:])
                arrays[member.removesuffix(".npy")] = values
    return arrays


def iterate_npz(path: str | Path) -> Iterator[dict[str, np.ndarray]]:
    """Read named arrays of equally many rows row by row, so that they need not fit into memory."""
    with contextlib.ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(path))
        members = archive.namelist()
        files = [stack.enter_context(archive.open(member)) for member in members]
        headers = [_read_header(file) for file in files]
        for _ in range(headers[0][0][0]):
            row = {}
            for member, file, (shape, dtype) in zip(members, files, headers, strict=True):
                values = file.read(dtype.itemsize * math.prod(shape[1:]))
                row[member.removesuffix(".npy")] = np.frombuffer(values, dtype).reshape(shape[1:])
            yield row


def write_wav(path: str | Path, sound: np.ndarray, sample_rate_hz: int) -> None:
    """Write a float32 WAV.

    Args:
        path: the file.
        sound: ``[time]`` or ``[time, channels]``, full scale at 1; stored as it is, not clipped.
        sample_rate_hz: a whole number of Hz.

    Raises:
        ValueError: the sampling rate is not a whole number.
    """
    if sample_rate_hz != int(sample_rate_hz):
        raise ValueError(f"a WAV at {sample_rate_hz} Hz: the rate must be a whole number of Hz")
    wavfile.write(path, int(sample_rate_hz), np.asarray(sound, np.float32))
