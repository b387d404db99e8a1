"""Write and read the files of a run: CSV, JSON, NPZ, WAV. The same values give the same bytes.

CSV is UTF-8 with a header, lines end in a line feed, and numbers are written in the shortest form
that reads back to the same float64, so every result can be recomputed from the tables. A missing
value is written ``NaN``: pandas (``read_csv``), R (``read.csv``: ``is.na`` holds and the column
stays numeric) and Python's ``float`` read it as missing without an option; ``NA`` fails the last.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.io import wavfile


def write_csv(path: str | Path, columns: Iterable[str], rows: Iterable[dict]) -> None:
    """Write a table.

    Args:
        path: the file, replaced if it exists.
        columns: names of the columns, in order.
        rows: mappings with exactly these keys; strings, booleans, integers and floats.

    Raises:
        ValueError: a row has other keys than ``columns``.
    """
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            if set(row) != set(columns):
                raise ValueError(f"{path}: a row has the keys {list(row)}, not {list(columns)}")
            writer.writerow([_to_text(row[name]) for name in columns])


def read_csv(path: str | Path) -> list[dict]:
    """Read a table that :func:`write_csv` wrote.

    Returns:
        A list of dicts; what reads as an integer is an int, what reads as a number (``NaN`` too) a
        float, anything else a string.
    """
    with open(path, encoding="utf-8", newline="") as file:
        return [
            {name: _from_text(text) for name, text in row.items()} for row in csv.DictReader(file)
        ]


def _to_text(value):
    """Write a cell: floats of any width as the float64 of the same value."""
    if isinstance(value, float | np.floating):
        return "NaN" if np.isnan(value) else repr(float(value))
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
    np.savez(path, **arrays)


def read_npz(path: str | Path) -> dict[str, np.ndarray]:
    """Read named arrays; returns a dict in the order of the file. Pickled objects are refused."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


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
