"""One file to hear and see a run with: report.html, which fetches nothing.

It holds the series of its outputs at the layers' own rates; the browser unpacks those of the output
that is shown, upsamples them as ``speech.averages.to_sound`` does, plays and draws them. Below
stands the summary of the run.
"""

import base64
import hashlib
import math
import re
import shlex
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from wavegan_tf.output.audio import player
from wavegan_tf.output.names import MODELS, layer_title, measure_title
from wavegan_tf.output.run import Run

MAX_OUTPUTS = 200
"""Outputs that can be heard and seen in the page, about 40 kB each."""

NOT_FINITE, FULL_SCALE = -32768, 32767
"""The code of a sample that is no number, and that of full scale."""

MIN_SPIKE_SHARE = 0.05
"""Share of a layer's change that a spike must hold to be marked in the pictures."""

_PAGE = Path(__file__).parent / "page_files"
_SCRIPTS = ("sound.js", "draw.js", "measurements.js", "page.js")
_REPEATED = ("condition", "vary", "maps", "window_s")
_ELSEWHERE = ("out_dir", "overwrite", "jobs", "figures", "max_figures", "report")
"""Flags that change nothing of what is measured, and nothing of the page."""

_FACTS = {"peak": "Peak", "rms_db": "RMS (dB)", "clipped_share": "Clipped share"}


def write_page(path: str | Path, run: Run, max_outputs: int = MAX_OUTPUTS) -> None:
    """Writes the page of a result; the same result gives the same bytes.

    Args:
        path: The file.
        run: The result; without series it has no players.
        max_outputs: Outputs in the page at most, of an interpolation whole sweeps; 0 for all.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"), "ensure_ascii": False, "allow_nan": False,
    }  # fmt: skip
    text = environment.get_template("report.html").render(_context(run, max_outputs))
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def notebook_view(run: Run) -> str:
    """Makes what a notebook shows of a result: the summary, and the first output's layers."""
    target, sounds = run.settings.get("target", "out"), []
    rate_hz, length = run.settings.get("sample_rate_hz"), run.settings.get("slice_len")
    if rate_hz and length:
        from wavegan_tf.speech.averages import to_sound

        for name, series in reversed(run.arrays.get("series", {}).items()):
            own = name == target
            way = run.settings.get("upsample", "linear"), run.settings.get("clip", True)
            sound = np.asarray(series[0]) if own else to_sound(series[0], length, *way)
            sounds.append(f"<td>{layer_title(name)}<br>{player(_loud(sound), rate_hz)}</td>")
    return f"<table><tr>{''.join(sounds)}</tr></table>{_html(run.summary())}"


def command_line(settings: dict[str, Any]) -> str:
    """Writes the command that repeats a run: the flags that were given, defaults left out.

    Where the results go, and what changes none of them, is left to whoever repeats it.
    """
    words = ["python", "-m", "wavegan_tf", settings.get("command", settings["kind"])]
    for name, value in settings.get("flags", {}).items():
        if value is None or value == [] or name in _ELSEWHERE:
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no{name}")
        elif isinstance(value, list) and name in _REPEATED:
            words += [f"--{name}={item}" for item in value]
        elif isinstance(value, list):
            words.append(f"--{name}={','.join(map(str, value))}")
        else:
            words.append(f"--{name}={value}")
    return shlex.join(words)


def choose_outputs(n: int, steps: list[int], limit: int) -> tuple[list[int], list[list[int]]]:
    """Chooses the outputs in the page: the first ones, or whole sweeps of the first base vectors.

    Where the steps of one base vector alone exceed the limit, the longest sweep is thinned, its
    ends kept, until they do not.

    Args:
        n: Outputs of the run.
        steps: Lengths of its sweeps, the last varying fastest; none of a probe.
        limit: Outputs to choose at most; 0 for all.

    Returns:
        Numbers of outputs in order, and for each sweep the places of the values kept, in order.
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
    """Packs series [length]: 16 bits a sample, each scaled to its own largest magnitude.

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


def _context(run: Run, max_outputs: int) -> dict[str, Any]:
    """Everything the template shows."""
    settings = run.settings
    style = (_PAGE / "report.css").read_text(encoding="utf-8")
    script = "".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    sweeps = settings.get("vary") or []
    outputs = run.table("outputs")
    n = outputs["output"].nunique() if len(outputs) else 0
    ids, places = choose_outputs(n, [len(sweep["values"]) for sweep in sweeps], max_outputs)
    if "target" not in settings or not n:
        ids = []
    data, packed = _data(run, ids, sweeps, places)
    noun = "recording" if settings.get("target") == "input" else "output"
    return {
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        "title": _title(settings, sweeps),
        "interpolation": bool(sweeps),
        "noun": noun,
        "target": settings.get("target", "out"),
        "target_title": layer_title(settings.get("target", "out")),
        "rate_hz": settings.get("sample_rate_hz"),
        "duration_s": settings.get("slice_len", 0) / settings.get("sample_rate_hz", 1),
        "step": settings.get("checkpoint", {}).get("step", "unknown"),
        "reduce": settings.get("reduce", "mean"),
        "ends": settings.get("ends"),
        "heading": "Steps" if sweeps else f"{noun.capitalize()}s",
        "sweeps": data["sweeps"],
        "data": data,
        "packed": packed,
        "n": n,
        "embedded": len(ids),
        "summary": _html(run.summary()),
        "command": command_line(settings),
        "facts": _facts(settings),
    }


def _data(
    run: Run, ids: list[int], sweeps: list[dict[str, Any]], places: list[list[int]]
) -> tuple[dict[str, Any], list[tuple[int, str]]]:
    """Makes what the script reads, and by output the packed series."""
    settings, texts = run.settings, _Texts()
    layers = {layer["layer"]: layer for layer in settings.get("layers", [])}
    target = settings.get("target", "out")
    rest = [name for name in layers if name != target]
    order = [name for name in [target, *(rest if target == "input" else rest[::-1])]]
    panels, packed, scales = _panels(run, ids, order, layers)
    outputs = _outputs(run, ids, order, texts)
    for output in outputs:
        output["scales"] = scales.get(output["id"], [])
    channels = sorted({x["channel"] for output in outputs for x in output["intervals"]} | {1})
    data = {
        "rate_hz": settings.get("sample_rate_hz"),
        "length": settings.get("slice_len"),
        "upsample": settings.get("upsample", "linear"),
        "clip": settings.get("clip", True),
        "target": target,
        "layers": [layer_title(name) for name in order],
        "panels": panels,
        "channels": channels,
        "sweeps": [
            {
                "name": sweep["name"],
                "values": [sweep["values"][place] for place in kept],
                "left_out": len(sweep["values"]) - len(kept),
                "training": _training(sweep["name"]),
            }
            for sweep, kept in zip(sweeps, places, strict=True)
        ],
        "spikes": _spikes(run.table("spikes")),
        "outputs": outputs,
        "texts": texts.all,
    }
    return data, packed


def _panels(
    run: Run, ids: list[int], order: list[str], layers: dict[str, dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[tuple[int, str]], dict[int, list[float]]]:
    """Describes a panel for each layer (and channel of the sound), and packs the series."""
    series = run.arrays.get("series", {})
    panels, rows = [], []
    for name in order if ids else ():
        if name not in series:
            continue
        values = np.asarray(series[name][: ids[-1] + 1])[ids]
        values = values[..., np.newaxis] if values.ndim == 2 else values
        for channel in range(values.shape[2]):
            several = values.shape[2] > 1
            finite = values[..., channel][np.isfinite(values[..., channel])]
            panels.append({
                "layer": name,
                "title": layer_title(name) + (f", channel {channel + 1}" if several else ""),
                "channel": channel + 1 if several else None,
                "rate_hz": layers[name]["rate_hz"],
                "nyquist_hz": layers[name]["nyquist_hz"],
                "length": values.shape[1],
                "low": min(0.0, float(finite.min(initial=0))),
                "high": max(0.0, float(finite.max(initial=0))),
            })  # fmt: skip
            rows.append(values[..., channel])
    packed, scales = [], {}
    for k, number in enumerate(ids if panels else ()):
        text, scales[number] = pack([values[k] for values in rows])
        packed.append((number, text))
    return panels, packed, scales


class _Texts:
    """Texts that many cells share (reasons, flags), each kept once."""

    def __init__(self) -> None:
        self.all: list[str] = []

    def place(self, text: str) -> int:
        """Number of a text; -1 of none."""
        if not text:
            return -1
        if text not in self.all:
            self.all.append(text)
        return self.all.index(text)


def _outputs(run: Run, ids: list[int], order: list[str], texts: _Texts) -> list[dict[str, Any]]:
    """Describes outputs in the form the page's script reads."""
    intervals = _by_output(run.table("intervals"), ids)
    values = run.table("values")
    levels = _by_output(values[values["label"] == "output"] if len(values) else values, ids)
    facts = _by_output(run.table("outputs"), ids)
    design = _by_output(run.table("design"), ids)
    kind = "latents" if "latents" in run.tables else "logits"
    numbers = _by_output(run.table(kind), ids)
    described = []
    for number in ids:
        channels = facts[number].to_dict("records")
        own = numbers.get(number)
        named: list[list[Any]] = []
        if own is not None:
            row = own.iloc[0].drop(["output", "name", "word"], errors="ignore")
            named = [[str(name), _short(value)] for name, value in row.items()]
        parts = [f"{number:04d}", channels[0].get("name", ""), channels[0].get("word", "")]
        code = [f"{name} = {x:g}" for name, x in named if name.startswith("c") and x]
        parts.append(", ".join(code))
        if number in design and not run.settings.get("vary"):
            parts.append(str(design[number].iloc[0]["condition"]))
        described.append({
            "id": number,
            "title": " · ".join(dict.fromkeys(part for part in parts if part)),
            "problem": "; ".join(dict.fromkeys(filter(None, (c["problem"] for c in channels)))),
            "facts": [
                [[title, _short(row[key])] for key, title in _FACTS.items()] for row in channels
            ],
            "intervals": _intervals(intervals.get(number), order, texts),
            "levels": _levels(levels.get(number), order),
            "numbers": named,
        })  # fmt: skip
    return described


def _by_output(table: pd.DataFrame, ids: list[int]) -> dict[int, pd.DataFrame]:
    """Parts of a table by output, those of the model alone."""
    if not len(table):
        return {}
    if "network" in table:
        table = table[table["network"] == 0]
    table = table[table["output"].isin(ids)]
    parts: Any = table.groupby("output")
    return {int(number): part for number, part in parts}


def _intervals(rows: pd.DataFrame | None, order: list[str], texts: _Texts) -> list[dict[str, Any]]:
    """The intervals of an output with a row of cells for each measure."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    row: Any
    for row in [] if rows is None else rows.itertuples():
        about = found.setdefault(
            (row.channel, row.interval),
            {
                "channel": int(row.channel), "number": int(row.interval), "label": row.label,
                "start_s": float(row.start_s), "end_s": float(row.end_s), "rows": {},
            },
        )  # fmt: skip
        title = measure_title(row.measure, row.unit)
        cells = about["rows"].setdefault(title, [None] * len(order))
        reason, flag = texts.place(row.reason), texts.place(row.flag)
        value = _short(row.value)
        plain = reason < 0 and flag < 0
        cells[order.index(row.layer)] = value if plain else [value, reason, flag]
    return [about | {"rows": list(about["rows"].items())} for about in found.values()]


def _levels(rows: pd.DataFrame | None, order: list[str]) -> list[dict[str, Any]]:
    """The levels of a whole output: a row of cells for each channel and measure."""
    found: dict[tuple[int, str], dict[str, Any]] = {}
    row: Any
    for row in [] if rows is None else rows.itertuples():
        title = measure_title(row.measure, row.unit)
        about = {"channel": int(row.channel), "title": title, "cells": [None] * len(order)}
        cells = found.setdefault((row.channel, row.measure), about)["cells"]
        cells[order.index(row.layer)] = _short(row.value)
    return list(found.values())


def _spikes(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Where each layer changes most: those of rank 1 to 3 that hold enough of its change."""
    if not len(table):
        return []
    kept = table[(table["rank"] <= 3) & (table["share"] >= MIN_SPIKE_SHARE)]
    names = ["latent", "layer", "start_s", "end_s"]
    return [{name: row[name] for name in names} for row in kept.to_dict("records")]


def _short(value: float) -> float | None:
    """A number with six significant digits, None if it is none: what a page can show."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _loud(sound: np.ndarray) -> np.ndarray:
    """A sound without its offset, at 0.9 of full scale."""
    sound = np.nan_to_num(np.asarray(sound, np.float64))
    sound = sound - sound.mean(axis=0)
    return 0.9 * sound / (np.abs(sound).max() or 1)


def _training(name: str) -> str:
    """The training values of a latent variable, in words; nothing of a path between vectors."""
    return {"z": "−1 to 1", "c": "0 or 1"}.get(name[0], "") if name[1:].isdigit() else ""


def _title(settings: dict[str, Any], sweeps: list[dict[str, Any]]) -> str:
    name = settings.get("model", {}).get("model", "network")
    reader = {"q": " Q-network", "discriminator": " Discriminator"}
    model = MODELS.get(name, name) + reader.get(settings.get("network", ""), "")
    if not sweeps:
        return f"{model}: {settings['kind'].replace('_', ' ')}"
    ends = settings.get("ends") or ("one latent vector", "another")
    moved = [
        f"from {ends[0]} to {ends[1]}"
        if sweep["name"] == "t"
        else f"{sweep['name']} from {sweep['values'][0]:g} to {sweep['values'][-1]:g}"
        for sweep in sweeps
    ]
    return f"{model}: {' and '.join(moved)}"


def _facts(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """What the foot of the page says: (name, text)."""
    checkpoint = settings.get("checkpoint", {})
    versions = settings.get("versions", {}) | {"Praat": settings.get("praat_version", "unknown")}
    return [
        ("Checkpoint", checkpoint.get("prefix", "unknown")),
        ("SHA-256", checkpoint.get("sha256", "unknown")),
        ("Step", checkpoint.get("step", "unknown")),
        ("Network", settings.get("network", "generator")),
        ("Seed", settings.get("options", {}).get("seed", "none")),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]


def _hash(text: str) -> str:
    """What a Content-Security-Policy calls an inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _html(text: str) -> str:
    """Turns the summary's Markdown into HTML, one heading lower, tables in boxes that scroll."""
    import markdown

    lower: Iterable[str] = (
        f"#{line}" if line.startswith("#") else line for line in text.split("\n")
    )
    # raw HTML is text here: names of files and labels come from users
    escaped = "\n".join(lower).replace("&", "&amp;").replace("<", "&lt;")
    html = markdown.markdown(escaped, extensions=["tables"])
    html = re.sub("&lt;br(>|&gt;)", "<br>", html)  # a line in a cell
    # the page allows no inline style
    html = html.replace(' style="text-align: right;"', ' class="number"')
    html = html.replace(' style="text-align: left;"', "")
    heading = "Findings"

    def named(match: re.Match[str]) -> str:
        nonlocal heading
        if match[1]:
            heading = re.sub("<.*?>", "", match[2]).replace('"', "&quot;")
            return match[0]
        name = f'aria-label="{heading}"'
        return f'<div class="scroll" tabindex="0" role="region" {name}><table {name}>'

    html = re.sub(r"<h(\d)>(.*?)</h\1>|<table>", named, html)
    return html.replace("</table>", "</table></div>")
