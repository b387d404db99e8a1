"""What an experiment gives: tables, arrays, settings; and how they are shown, saved and loaded."""

import collections
import importlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.errors import InputError
from wavegan_tf.experiments.names import KINDS
from wavegan_tf.output import codebook, files
from wavegan_tf.output.directory import COLUMNS_FILE, remove_run
from wavegan_tf.paths import expand
from wavegan_tf.processes import in_processes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONFIG_FILE = "config.json"


def experiment(name: str) -> ModuleType:
    """Imports an experiment by its name.

    Raises:
        InputError: There is none of that name.
    """
    if name not in KINDS:
        raise InputError(f"{name}: there is no such experiment; there are {', '.join(KINDS)}")
    return importlib.import_module(f"wavegan_tf.experiments.{name}")


class Result:
    """The result of an experiment; everything that it shows is made from these attributes.

    Attributes:
        kind (str): The experiment, or ``checkpoints``, a probe of several models.
        settings (dict): What was run, on what and how: the content of config.json.
        tables (dict): DataFrames by name; docs/outputs.md and columns.csv say what columns mean.
        arrays (dict): Arrays by group and name: ``arrays["series"]["conv4"]`` [outputs, time].
        directory (str): Where sounds and series were written, or None.
    """

    def __init__(
        self,
        kind: str,
        settings: dict[str, Any],
        tables: dict[str, pd.DataFrame],
        arrays: dict[str, dict[str, np.ndarray]] | None = None,
        directory: str | None = None,
    ):
        """Keeps what was found; tables without rows stay out."""
        self.kind, self.settings, self.directory = kind, {"kind": kind, **settings}, directory
        self.tables = {name: table for name, table in tables.items() if len(table)}
        self.arrays = arrays or {}

    def table(self, name: str) -> pd.DataFrame:
        """Gives a table, an empty one where the run has none of that name."""
        return self.tables.get(name, pd.DataFrame())

    def summary(self) -> str:
        """Says what was found, as Markdown."""
        return experiment(self.kind).summary(self)

    def terminal(self) -> str:
        """Says what was found in a short table for the terminal."""
        return experiment(self.kind).terminal(self)

    @property
    def figures(self) -> list[str]:
        """Names of the figures that can be drawn."""
        return list(self._drawings())

    def figure(self, name: str) -> "Figure":
        """Draws a figure.

        Raises:
            InputError: The run has no figure of that name.
        """
        drawings = self._drawings()
        if name not in drawings:
            raise InputError(f"figure {name!r}: there are {', '.join(drawings)}")
        import matplotlib

        from wavegan_tf.output import style

        with matplotlib.rc_context(style.STYLE):
            figure = drawings[name]()
            figure.draw_without_rendering()  # ticks are made in this style, not when it is saved
        return figure

    def _drawings(self) -> "dict[str, Callable[[], Figure]]":
        return experiment(self.kind).figures(self)

    def draw(self, directory: str | os.PathLike, jobs: int = 1) -> None:
        """Draws figures as PNG and PDF into ``directory/figures``, in up to ``jobs`` processes."""
        import matplotlib

        from wavegan_tf.output import style

        folder, drawings = Path(expand(directory)) / "figures", self._drawings()
        if drawings:
            folder.mkdir(exist_ok=True)
        with matplotlib.rc_context(style.STYLE):
            drawn = ((name, drawing()) for name, drawing in drawings.items())
            processes = min(jobs, len(drawings) // 4 or 1)  # a start takes as long as a figure
            collections.deque(in_processes(style.save, drawn, folder, processes), maxlen=0)

    def save(
        self,
        directory: str | os.PathLike,
        *,
        figures: bool = True,
        page: bool = True,
        jobs: int = 1,
    ) -> None:
        """Writes config.json, tables/, columns.csv, arrays, summary.md, figures/ and report.html.

        Args:
            directory: Made if missing; what an earlier run wrote there is removed.
            figures: Whether figures are drawn.
            page: Whether report.html is written, to hear and see the run in a browser.
            jobs: Most processes that draw.
        """
        directory = Path(expand(directory))
        loaded = [array for arrays in self.arrays.values() for array in arrays.values()]
        mapped = [str(array.filename) for array in loaded if isinstance(array, np.memmap)]
        kept = {Path(name).resolve() for name in mapped}  # to write them would be to lose them
        if directory.resolve() not in {path.parent for path in kept}:
            remove_run(str(directory))
        (directory / "tables").mkdir(parents=True, exist_ok=True)
        files.write_json(directory / CONFIG_FILE, self.settings)
        for name, table in self.tables.items():
            files.write_table(directory / "tables" / f"{name}.csv", table)
        files.write_table(directory / COLUMNS_FILE, codebook.columns(self.kind, self.tables))
        for group, arrays in self.arrays.items():
            path = directory / f"{group}.npz"
            if arrays and path.resolve() not in kept:
                files.write_npz(path, arrays)
        (directory / "summary.md").write_text(self.summary(), encoding="utf-8", newline="\n")
        if figures:
            self.draw(directory, jobs)
        if page:
            from wavegan_tf.output.page import write_page

            write_page(directory / "report.html", self)

    def __repr__(self) -> str:
        """Lists what there is."""
        tables = ", ".join(f"{name} {len(table)}" for name, table in self.tables.items())
        return f"Result of {self.kind}: tables {tables}; figures {', '.join(self.figures)}"

    def _repr_html_(self) -> str:
        """Shows itself in a notebook: the summary's table and the first outputs to hear."""
        from wavegan_tf.output.page import notebook_view

        return notebook_view(self)


def load_run(directory: str | os.PathLike) -> Result:
    """Loads a result that a command or ``Result.save`` wrote.

    Arrays are mapped from their files, so that long runs need not fit into memory.

    Raises:
        InputError: The directory holds no run of this package.
    """
    directory = Path(expand(directory))
    settings = files.read_json(directory / CONFIG_FILE)
    if settings.get("kind") not in KINDS:
        raise InputError(
            f"{directory}: its config.json does not belong to an experiment ({', '.join(KINDS)})"
        )
    paths = sorted((directory / "tables").glob("*.csv"))
    tables = {path.stem: files.read_table(path) for path in paths}
    arrays = {path.stem: files.map_npz(path) for path in sorted(directory.glob("*.npz"))}
    return Result(settings["kind"], settings, tables, arrays, str(directory))
