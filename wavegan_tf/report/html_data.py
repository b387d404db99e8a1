"""What report.html holds of each output: its series, packed, its intervals and measurements.

Everything is read from the files of a run; nothing is measured here.
"""

import base64
import math
import zlib
from pathlib import Path

import numpy as np

from wavegan_tf.report.reading import Run, layer_title, make_panels, measure_title
from wavegan_tf.report.tables import iterate_npz, read_csv, stream_csv

NOT_FINITE = -32768
"""The code of a sample that is no number; others are -32767 .. 32767."""

FULL_SCALE = 32767

MIN_SPIKE_SHARE = 0.05
"""Share of a layer's change that a spike must hold to be marked in the pictures."""

OUTPUT_FACTS = {"peak": "Peak", "rms_db": "RMS (dB)", "clipped_share": "Clipped share"}


def is_interpolation(run: Run) -> bool:
    """Whether a run moved latent variables: a list ``vary`` in config.json, and steps.csv."""
    return isinstance(run.config.get("vary"), list) and (run.directory / "steps.csv").is_file()


def sweeps_of(run: Run) -> list[dict]:
    """The sweeps of an interpolation, ``{"name", "values"}`` each; none of a probe."""
    return run.config["vary"] if is_interpolation(run) else []


def choose_outputs(n: int, steps: list[int], limit: int) -> tuple[list[int], list[list[int]]]:
    """Choose the outputs to embed: the first ones, or whole sweeps of the first base vectors.

    Where the steps of one base vector alone exceed the limit, the longest sweep is thinned, its
    ends kept, until they do not.

    Args:
        n: outputs of the run.
        steps: lengths of its sweeps, the last varying fastest; none of a probe.
        limit: outputs to embed at most; 0 for all.

    Returns:
        Ids in order, and for each sweep the places of the values kept, in order.
    """
    limit = limit or n
    if not steps:
        return list(range(min(n, limit))), []
    kept = list(steps)
    while math.prod(kept) > limit and max(kept) > 1:
        kept[kept.index(max(kept))] -= 1
    places = [
        sorted({round(x) for x in np.linspace(0, count - 1, few)})
        for count, few in zip(steps, kept, strict=True)
    ]
    cells = np.arange(math.prod(steps)).reshape(steps)[np.ix_(*places)].ravel()
    bases = range(min(n // math.prod(steps), max(1, limit // cells.size)))
    return [int(base * math.prod(steps) + cell) for base in bases for cell in cells], places


def pack(series: list[np.ndarray]) -> tuple[str, list[float]]:
    """Pack series: 16 bits a sample, each series scaled to its own largest magnitude.

    Args:
        series: ``[length]`` each.

    Returns:
        Base64 of the zlib stream of all samples, one series after the other, the low bytes of all
        before the high bytes of all; and what full scale stands for in each series.
    """
    codes, scales = [], []
    for values in series:
        values = np.asarray(values, np.float64)
        finite = np.isfinite(values)
        scale = float(np.abs(values[finite]).max(initial=0))
        code = np.full(values.shape, NOT_FINITE, "<i2")
        code[finite] = np.rint(values[finite] / (scale or 1) * FULL_SCALE)
        codes.append(code)
        scales.append(scale)
    planes = np.concatenate(codes).view(np.uint8).reshape(-1, 2).T  # [2, samples]
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii"), scales


def read_series(run: Run, ids: list[int]) -> tuple[list[dict], dict[int, tuple]]:
    """Read and pack the series of some outputs, the sound first, then the layers nearest to it.

    Args:
        run: the run.
        ids: of the outputs, ascending.

    Returns:
        The panels: ``layer, title, channel, rate_hz, nyquist_hz, length``, and ``low, high``, which
        all their values and 0 lie between; and by id what :func:`pack` made of the panels. Both are
        empty where the run has no series.npz, or none of its arrays is a layer.
    """
    path, wanted = run.directory / "series.npz", set(ids)
    layers = [(x["name"], x["rate_hz"], x["nyquist_hz"]) for x in run.config["layers"]]
    order = layer_order(run)
    panels, packed = [], {}
    if not path.is_file() or not ids:
        return panels, packed
    for number, row in enumerate(iterate_npz(path)):
        if number > ids[-1]:
            break
        if number not in wanted:
            continue
        arrays = {name: values[None] for name, values in row.items()}
        here = sorted(make_panels(layers, arrays), key=lambda panel: order.index(panel.layer))
        if not here:
            break
        if not panels:
            panels = [_describe_panel(panel) for panel in here]
        series = [panel.series[0] for panel in here]
        for panel, values in zip(panels, series, strict=True):
            finite = values[np.isfinite(values)]
            panel["low"] = min(panel["low"], float(finite.min(initial=0)))
            panel["high"] = max(panel["high"], float(finite.max(initial=0)))
        packed[number] = pack(series)
    return panels, packed


def _describe_panel(panel):
    return {
        "layer": panel.layer,
        "title": panel.title,
        "channel": panel.channel,
        "rate_hz": panel.rate_hz,
        "nyquist_hz": panel.nyquist_hz,
        "length": panel.series.shape[-1],
        "low": 0.0,
        "high": 0.0,
    }


def layer_order(run: Run) -> list[str]:
    """The sound, then the layers from the nearest to it to the farthest from it."""
    layers = run.layers if run.target == "input" else run.layers[::-1]
    return [run.target, *layers]


class Texts:
    """Texts that many cells share (reasons, flags), each kept once."""

    def __init__(self):
        """Begin without texts."""
        self.all: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str) -> int:
        """Number of a text; -1 of none."""
        if not text:
            return -1
        if text not in self._places:
            self._places[text] = len(self.all)
            self.all.append(text)
        return self._places[text]


def read_intervals(run: Run, ids: list[int], texts: Texts) -> dict[int, list[dict]]:
    """Read the means over intervals of some outputs from intervals.csv.

    Args:
        run: the run.
        ids: of the outputs.
        texts: gathers reasons and flags.

    Returns:
        By id the intervals: ``channel, number, label, start_s, end_s`` and ``rows``: of each
        measure its title and a cell for each layer in :func:`layer_order`: a value, ``None``, or
        ``[value or None, reason, flag]`` with places in ``texts`` (-1: none).
    """
    order = layer_order(run)
    columns = ("id", "channel", "interval", "label", "start_s", "end_s")
    columns += ("layer", "measure", "unit", "value", "reason", "flag")
    wanted, found = {str(number) for number in ids}, {}
    for row in stream_csv(run.directory / "intervals.csv", columns):
        number, channel, interval, label, start_s, end_s = row[:6]
        if number not in wanted:
            continue
        layer, measure, unit, value, reason, flag = row[6:]
        intervals = found.setdefault(int(number), {})
        about = intervals.setdefault(
            (channel, interval),
            {
                "channel": int(channel), "number": int(interval), "label": label,
                "start_s": float(start_s), "end_s": float(end_s), "rows": {},
            },
        )  # fmt: skip
        cells = about["rows"].setdefault(measure_title(measure, unit), [None] * len(order))
        cells[order.index(layer)] = _cell(value, texts.place(reason), texts.place(flag))
    for intervals in found.values():
        for about in intervals.values():
            about["rows"] = list(about["rows"].items())
    return {number: list(intervals.values()) for number, intervals in found.items()}


def _cell(value, reason, flag):
    number = short(float(value))
    return number if reason < 0 and flag < 0 else [number, reason, flag]


def short(value: float) -> float | None:
    """A number with six significant digits, None if it is none: what a page can show."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def read_levels(run: Run, ids: list[int]) -> dict[int, list[dict]]:
    """Read levels.csv: by id rows ``channel, title, cells``, a cell for each layer in order."""
    order, wanted, found = layer_order(run), {str(number) for number in ids}, {}
    columns = ("id", "channel", "layer", "measure", "unit", "value")
    for number, channel, layer, measure, unit, value in stream_csv(
        run.directory / "levels.csv", columns
    ):
        if number in wanted and layer in order:
            rows = found.setdefault(int(number), {})
            title = measure_title(measure, unit)
            about = {"channel": int(channel), "title": title, "cells": [None] * len(order)}
            row = rows.setdefault((channel, measure), about)
            row["cells"][order.index(layer)] = short(float(value))
    return {number: list(rows.values()) for number, rows in found.items()}


def read_spikes(run: Run) -> list[dict]:
    """Read where each layer changes most from spikes.csv: ``latent, layer, start_s, end_s``.

    Those of rank 1 to 3 that hold at least :data:`MIN_SPIKE_SHARE` of the layer's change.
    """
    columns = ("latent", "layer", "start_s", "end_s", "rank", "share")
    return [
        {"latent": latent, "layer": layer, "start_s": float(start_s), "end_s": float(end_s)}
        for latent, layer, start_s, end_s, rank, share in stream_csv(
            run.directory / "spikes.csv", columns
        )
        if int(rank) <= 3 and float(share) >= MIN_SPIKE_SHARE
    ]


def read_numbers(path: Path, ids: list[int], skip: tuple[str, ...]) -> dict[int, list[list]]:
    """Read the named numbers of some outputs (latents.csv, logits.csv): ``[name, value]`` each."""
    if not path.is_file():
        return {}
    wanted = set(ids)
    return {
        row["id"]: [[name, short(value)] for name, value in row.items() if name not in skip]
        for row in read_csv(path)
        if row["id"] in wanted
    }


def describe_outputs(run: Run, ids: list[int], texts: Texts) -> list[dict]:
    """Describe outputs in the form the page's script reads.

    Args:
        run: the run.
        ids: of the outputs.
        texts: gathers the texts of cells.

    Returns:
        Of each output ``id, title, problem, facts, intervals, levels`` and ``numbers`` (latent
        variables, or a classifier's logits).
    """
    rows = {}
    for row in read_csv(run.directory / "outputs.csv"):
        rows.setdefault(row["id"], []).append(row)
    intervals, levels = read_intervals(run, ids, texts), read_levels(run, ids)
    numbers = read_numbers(run.directory / "latents.csv", ids, ("id",))
    logits = read_numbers(run.directory / "logits.csv", ids, ("id", "name", "word"))
    outputs = []
    for number in ids:
        channels = rows.get(number, [{}])
        first = channels[0]
        parts = [f"{number:04d}", first.get("name", ""), first.get("word", "")]
        parts.append(_code_text(numbers.get(number, [])))
        if not is_interpolation(run):  # whose conditions are the steps
            parts.append(first.get("condition", ""))
        problems = dict.fromkeys(row.get("problem", "") for row in channels)
        outputs.append(
            {
                "id": number,
                "title": " · ".join(dict.fromkeys(part for part in parts if part)),
                "problem": "; ".join(problem for problem in problems if problem),
                "facts": [
                    [[title, short(row[key])] for key, title in OUTPUT_FACTS.items() if key in row]
                    for row in channels
                ],
                "intervals": intervals.get(number, []),
                "levels": levels.get(number, []),
                "numbers": numbers.get(number) or logits.get(number, []),
            }
        )
    return outputs


def _code_text(numbers):
    """The variables of the code that are not 0: c3 = 1."""
    code = [(name, value) for name, value in numbers if name.startswith("c") and value]
    return ", ".join(f"{name} = {value:g}" for name, value in code)


def problems(run: Run) -> list[tuple[str, list[str]]]:
    """What was wrong with which outputs of the whole run: (problem, ids as text)."""
    found = {}
    for row in read_csv(run.directory / "outputs.csv"):
        if row.get("problem"):
            named = f"{row['id']:04d}" + (f" ({row['name']})" if row.get("name") else "")
            found.setdefault(row["problem"], []).append(named)
    return [(problem, list(dict.fromkeys(names))) for problem, names in found.items()]


def layer_titles(run: Run) -> list[str]:
    """Titles of the layers in :func:`layer_order`."""
    return [layer_title(name) for name in layer_order(run)]
