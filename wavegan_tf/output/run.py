"""What figures, text and page read of a result: a run as it came, or as it was loaded."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run(Protocol):
    """A result (``experiments.result.Result``): tables, arrays and settings."""

    kind: str
    settings: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    arrays: dict[str, dict[str, np.ndarray]]

    @property
    def figures(self) -> list[str]:
        """Names of the figures that can be drawn."""
        ...

    def figure(self, name: str) -> "Figure":
        """Draws a figure."""
        ...

    def table(self, name: str) -> pd.DataFrame:
        """Gives a table, empty where there is none."""
        ...

    def summary(self) -> str:
        """Says what was found, as Markdown."""
        ...
