"""Numbers and tables as people read them. The one number formatter of the package."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

MINUS, DASH = "\u2212", "\u2013"


def number(x: float, signed: bool = False) -> str:
    """Writes a number with three significant digits; a dash for no number.

    Args:
        x: The number.
        signed: Whether a plus sign stands before positive numbers.
    """
    if x is None or not math.isfinite(x):
        return DASH
    size = abs(x)
    if size and (size >= 1e6 or size < 1e-4):
        text = f"{size:.2e}"
    elif size >= 100:
        text = f"{size:.0f}"
    else:
        digits = 2 if size == 0 else max(0, 2 - math.floor(math.log10(float(f"{size:.2e}"))))
        text = f"{size:.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    sign = MINUS if x < 0 and float(text) else "+" if signed and x > 0 else ""
    return sign + text


def fixed(x: float, digits: int = 2) -> str:
    """Writes a number with a fixed number of decimals, as correlations are given."""
    if x is None or not math.isfinite(x):
        return DASH
    text = f"{abs(x):.{digits}f}"
    return (MINUS if x < 0 and float(text) else "") + text


def p_value(p: float, floor: bool = False) -> str:
    """Writes a p as papers do: three decimals, or ``< 0.001``.

    What three decimals would raise to a hundredth up to 0.1, such as a level, has four: 0.0498.
    One at the ``floor``, the least that so many permutations can give, or that times the number of
    tests, is only known not to be larger: ``<= 0.006``.
    """
    if p is None or not math.isfinite(p):
        return DASH
    text = f"{p:.3f}"
    if text.endswith("0") and p < float(text) <= 0.1:
        text = f"{math.floor(p * 1e4 + 1e-6) / 1e4:.4f}"  # cut: 0.04999 is not 0.0500 either
    return "< 0.001" if p < 0.001 else "<= " * floor + text


def percent(share: float) -> str:
    """Writes a share in per cent: ``87 %``, below 10 with one decimal."""
    if share is None or not math.isfinite(share):
        return DASH
    return f"{fixed(100 * share, int(0 < abs(share) < 0.0995))} %"


def with_interval(
    estimate: float, low: float, high: float, write: Callable[[float], str] = number
) -> str:
    """Writes an estimate with its interval: ``0.62 [0.51, 0.71]``."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return write(estimate)
    return f"{write(estimate)} [{write(low)}, {write(high)}]"


def cells(
    frame: pd.DataFrame, writers: Mapping[str, Callable[[Any], str]], columns: Sequence[str]
) -> pd.DataFrame:
    """Writes columns of texts, each by its writer of a row; one of dashes alone is left out."""
    rows = list(frame.itertuples(index=False))
    found = pd.DataFrame({title: [writers[title](row) for row in rows] for title in columns})
    return found.loc[:, found.apply(lambda column: column.str.strip(f"{DASH}, ").ne("").any())]


def table(frame: pd.DataFrame, numeric: Sequence[str] = ()) -> str:
    """Writes a DataFrame of texts as a table of Markdown, the numeric columns to the right."""
    cells = [[_escaped(cell) for cell in row] for row in frame.itertuples(index=False)]
    rules = ["---:" if name in numeric else "---" for name in frame.columns]
    rows = [[_escaped(name) for name in frame.columns], rules, *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def columns(rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Writes rows of texts as aligned columns for the terminal; the first ``left`` to the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def _escaped(cell: object) -> str:
    return str(cell).replace("|", "\\|").replace("\n", " ")
