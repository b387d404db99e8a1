"""Pages to hear and see layers with: the report of a run, and the explorer of a model.

report.html is one file that fetches nothing. It holds the series of its outputs at the layers' own
rates; the browser unpacks those of the output that is shown, upsamples them as
``speech.averages.to_sound`` does, plays and draws them. Below stands the summary of the run. The
explorer's page gets its outputs, one at a time, from the command that opened it.
"""

import base64
import hashlib
import io
import math
import os
import re
import shlex
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from wavegan_tf.output.audio import player
from wavegan_tf.output.names import MODELS, duration_s, layer_title, measure_title
from wavegan_tf.output.run import Run

MAX_OUTPUTS = 200
"""Outputs that can be heard and seen in the page, about 40 kB each."""

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOT_FINITE, FULL_SCALE = -32768, 32767
"""The code of a sample that is no number, and that of full scale."""

MIN_SPIKE_SHARE = 0.05
"""Share of a layer's change that a spike must hold to be marked in the pictures."""

_PAGE = Path(__file__).parent / "page_files"
_PANELS = ("sound.js", "draw.js", "measurements.js", "player.js")
_REPEATED = ("condition", "vary", "maps", "window_s")
_ELSEWHERE = ("out_dir", "overwrite", "jobs", "figures", "max_figures", "report")
"""Flags that change nothing of what is measured, and nothing of the page."""

_HEARD = dict.fromkeys(("intervene", "projection"), "every output")
_HEARD["identify"] = "the drawn outputs"
"""What ``--audio`` writes sounds of, of experiments that keep no series."""

_OF_OUTPUTS = ("probe", "interpolate", *_HEARD)
"""Experiments whose page shows output by output; that of another shows its figures."""

MAX_FIGURES = 12
"""Figures on such a page, the first ones."""

_FACTS = {
    "peak": "Peak", "rms_db": "RMS (dB)", "clipped_share": "Clipped share",
    "n_voiced": "Voiced intervals",
}  # fmt: skip


def write_page(path: str | Path, run: Run) -> None:
    """Writes the page of a result; the same result gives the same bytes."""
    page, _ = fill_page("report.html", ("report.css",), (*_PANELS, "page.js"), _context(run))
    Path(path).write_text(page, encoding="utf-8", newline="\n")


def explorer_page(ordinary: Run, about: dict[str, Any]) -> tuple[str, str]:
    """Makes the page that a model is explored with.

    Args:
        ordinary: Series of ordinary outputs, whose range the waveforms are drawn in.
        about: What the page opens with: ``names`` of the latent variables, those to ``vary``, the
            ``seed`` of the base vector and ``values`` set in it.

    Returns:
        The page and its Content-Security-Policy.
    """
    settings = ordinary.settings
    layers, order = _layers_of(settings)
    kept = ordinary.arrays["series"]
    n = len(kept[order[0]])
    panels, _ = _panels(kept, list(range(n)), order, layers)
    content = {
        "title": f"{MODELS[settings['model']['model']]}: explore",
        "duration_s": duration_s(ordinary),
        "data": _frame(settings, order, panels) | about | {"code": settings["model"]["model"]},
        "facts": {k: x for k, x in _facts(ordinary).items() if k not in ("Network", "Seed")},
    }
    styles, scripts = ("report.css", "explore.css"), (*_PANELS, "explore.js")
    page, policy = fill_page("explore.html", styles, scripts, content)
    return page, f"{policy}; connect-src 'self'; frame-ancestors 'none'"


def explorer_answer(run: Run, title: str) -> dict[str, Any]:
    """Describes the one output of a run as the explorer's page reads it.

    ``series`` is base64 of float32, low bytes first, panel by panel; ``means`` are rows of label,
    measure and a value for each layer.
    """
    layers, order = _layers_of(run.settings)
    _, series = _panels(run.arrays["series"], [0], order, layers)
    samples = np.concatenate([values[0] for values in series]).astype("<f4")
    texts: dict[str, int] = {}
    (output,) = _outputs(run, [0], order, texts)
    return {
        "series": base64.b64encode(samples.tobytes()).decode("ascii"),
        "output": output | {"title": title},
        "means": _rows(run.table("means"), order),
        "texts": list(texts),
    }


def fill_page(
    name: str, styles: Sequence[str], scripts: Sequence[str], content: dict[str, Any]
) -> tuple[str, str]:
    """Fills a page of page_files/ with its styles and scripts inside, which fetches nothing.

    Returns:
        The page, and its policy: it lets the browser run and load these alone, and tells it to send
        nothing. A file says so itself.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGE), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.policies["json.dumps_kwargs"] = {
        "separators": (",", ":"), "ensure_ascii": False, "allow_nan": False,
    }  # fmt: skip
    style, script = (
        "".join((_PAGE / file).read_text(encoding="utf-8") for file in files)
        for files in (styles, scripts)
    )
    policy = f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
    policy += f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'"
    inside = {"style": style, "script": script, "policy": policy}
    return environment.get_template(name).render(content | inside), policy


def notebook_view(run: Run) -> str:
    """Makes what a notebook shows of a result: the summary, and the first output's layers."""
    from wavegan_tf.speech.averages import to_sound

    settings, sounds = run.settings, []
    for name, series in reversed(run.arrays.get("series", {}).items()):
        sound = np.asarray(series[0])
        if name != settings["target"]:
            sound = to_sound(sound, settings["slice_len"], settings["upsample"], settings["clip"])
        heard = player(_loud(sound), settings["sample_rate_hz"])
        sounds.append(f"<td>{layer_title(name)}<br>{heard}</td>")
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
            continue
        several = value if isinstance(value, list) else [value]
        given = several if name in _REPEATED else [",".join(map(str, several))]
        words += [f"--{name}={item}" for item in given]
    return shlex.join(words)


def choose_outputs(
    n: int, steps: list[int], limit: int | None = None
) -> tuple[list[int], list[list[int]]]:
    """Chooses the outputs in the page: the first ones, or whole sweeps of the first base vectors.

    Where the steps of one base vector alone exceed the limit, the longest sweep is thinned, its
    ends kept, until they do not.

    Args:
        n: Outputs of the run.
        steps: Lengths of its sweeps, the last varying fastest; none of a probe.
        limit: Outputs to choose at most, :data:`MAX_OUTPUTS` if not given.

    Returns:
        Numbers of outputs in order, and for each sweep the places of the values kept, in order.
    """
    limit = limit or MAX_OUTPUTS
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
    bases = np.arange(min(n // math.prod(steps), max(1, limit // cells.size)))
    return (bases[:, None] * math.prod(steps) + cells).ravel().tolist(), places


def pack(series: list[np.ndarray]) -> tuple[str, list[float]]:
    """Packs series [length]: 16 bits a sample, each scaled to its own largest magnitude.

    Returns:
        Base64 of the zlib stream of all samples, one series after the other, the low bytes of all
        before the high bytes of all; and what full scale stands for in each series.
    """
    scales = [float(np.abs(values[np.isfinite(values)]).max(initial=0)) for values in series]
    units = np.repeat([scale or 1 for scale in scales], [len(values) for values in series])
    values = np.concatenate(series, dtype=np.float64)
    codes = np.rint(np.nan_to_num(values / units, posinf=0, neginf=0) * FULL_SCALE)
    codes[~np.isfinite(values)] = NOT_FINITE
    planes = codes.astype("<i2").view(np.uint8).reshape(-1, 2).T  # [2, samples]
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode("ascii"), scales


def _context(run: Run) -> dict[str, Any]:
    """Makes everything that the template shows."""
    settings = run.settings
    checkpoints = _checkpoints(run)
    # outputs of several models have the same numbers: their tables tell them apart, not the page
    outputs = run.table("outputs") if "checkpoint" in settings else pd.DataFrame()
    if bare := "series" not in run.arrays and settings["kind"] not in _OF_OUTPUTS:
        outputs = pd.DataFrame()
    sweeps = settings.get("vary") or []
    n = outputs["output"].nunique() if len(outputs) else 0
    ids, places = choose_outputs(n, [len(sweep["values"]) for sweep in sweeps])
    noun = "recording" if settings.get("target") == "input" else "output"
    summary = _without_folders(run.summary(), run)
    return {
        "title": _title(settings, sweeps),
        "noun": noun,
        "duration_s": duration_s(run),
        "step": checkpoints[0]["step"],
        "reduce": settings.get("reduce", "mean"),
        "ends": settings.get("ends"),
        "heading": "Steps" if sweeps else f"{noun.capitalize()}s",
        "data": _data(run, ids, places),
        "n": n,
        "heard": _HEARD.get(settings["kind"], ""),
        "found": _html("\n".join(re.findall("^- .*", summary, flags=re.MULTILINE))),
        "summary": _html(summary),
        "figures": {name: _png(run.figure(name)) for name in run.figures[:MAX_FIGURES] if bare},
        "command": _without_folders(command_line(settings), run),
        "facts": {name: _without_folders(str(x), run) for name, x in _facts(run).items()},
    }


def _png(figure: "Figure") -> str:
    """Draws a figure as the address of an image."""
    from wavegan_tf.output import style

    file = io.BytesIO()
    style.save_png(figure, file, style.SCREEN_DPI)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"


def _data(run: Run, ids: list[int], places: list[list[int]]) -> dict[str, Any]:
    """Makes what the script reads."""
    settings = run.settings
    layers, order = _layers_of(settings)
    panels, series = _panels(run.arrays.get("series", {}), ids, order, layers)
    texts: dict[str, int] = {}
    outputs = _outputs(run, ids, order, texts)
    for k, output in enumerate(outputs if panels else ()):
        output["series"], output["scales"] = pack([values[k] for values in series])
    return _frame(settings, order, panels) | {
        "channels": sorted({x["channel"] for each in outputs for x in each["intervals"]} | {1}),
        "sweeps": [
            {
                "name": sweep["name"],
                "values": [sweep["values"][place] for place in kept],
                "left_out": len(sweep["values"]) - len(kept),
                "training": _training(sweep["name"]),
            }
            for sweep, kept in zip(settings.get("vary") or [], places, strict=True)
        ],
        "spikes": _spikes(run.table("spikes")),
        "outputs": outputs,
        "texts": list(texts),
    }


def _layers_of(settings: dict[str, Any]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Gives the layers by name, and their order in the page: the target, then those near it."""
    layers = {layer["layer"]: layer for layer in settings.get("layers", [])}
    target = settings.get("target", "out")
    rest = [name for name in layers if name != target]
    return layers, [target, *(rest if target == "input" else rest[::-1])]


def _frame(
    settings: dict[str, Any], order: list[str], panels: list[dict[str, Any]]
) -> dict[str, Any]:
    """Makes what the scripts of every page read, of a page without outputs."""
    return {
        "rate_hz": settings["sample_rate_hz"],
        "length": settings["slice_len"],
        "upsample": settings.get("upsample", "linear"),
        "clip": settings.get("clip", True),
        "target": order[0],
        "layers": [layer_title(name) for name in order],
        "panels": panels,
        "channels": [1],
        "sweeps": [],
        "spikes": [],
        "outputs": [],
        "texts": [],
    }


def _panels(
    kept: dict[str, np.ndarray],
    ids: list[int],
    order: list[str],
    layers: dict[str, dict[str, Any]],
) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Describes a panel for each layer and channel, with its series [outputs, length]."""
    panels, series = [], []
    for name in order if ids else ():
        if name not in kept:
            continue
        channels = np.atleast_3d(np.asarray(kept[name][: ids[-1] + 1])[ids])
        several = channels.shape[2] > 1
        for channel, values in enumerate(np.moveaxis(channels, 2, 0), start=1):
            finite = values[np.isfinite(values)]
            panels.append({
                "layer": name,
                "title": layer_title(name) + (f", channel {channel}" if several else ""),
                "channel": channel if several else None,
                "rate_hz": layers[name]["rate_hz"],
                "nyquist_hz": layers[name]["nyquist_hz"],
                "length": values.shape[1],
                "low": min(0.0, float(finite.min(initial=0))),
                "high": max(0.0, float(finite.max(initial=0))),
            })  # fmt: skip
            series.append(values)
    return panels, series


def _outputs(
    run: Run, ids: list[int], order: list[str], texts: dict[str, int]
) -> list[dict[str, Any]]:
    """Describes outputs as the script reads them; ``texts`` gathers what many cells share."""
    kind = "latents" if "latents" in run.tables else "logits"
    names = ("outputs", "intervals", "values", "design", kind)
    tables = {name: _by_output(run.table(name), ids) for name in names}
    described = []
    for number in ids:
        rows = {name: parts.get(number, pd.DataFrame()) for name, parts in tables.items()}
        channels = rows["outputs"].to_dict("records")
        levels = rows["values"]
        levels = levels[levels["label"] == "output"] if len(levels) else levels
        own = rows[kind].drop(columns=["output", "name", "word"], errors="ignore")
        first = own.iloc[0].items() if len(own) else ()
        named: list[list[Any]] = [[str(name), _short(value)] for name, value in first]
        code = [f"{name} = {x:g}" for name, x in named if name.startswith("c") and x]
        parts = [f"{number:04d}", channels[0].get("name", ""), channels[0].get("word", "")]
        parts.append(", ".join(code))
        if len(rows["design"]) and not run.settings.get("vary"):
            parts.append(str(rows["design"]["condition"].iloc[0]))
        described.append({
            "id": number,
            "title": " · ".join(dict.fromkeys(part for part in parts if part)),
            "problem": "; ".join(dict.fromkeys(filter(None, (c["problem"] for c in channels)))),
            "facts": [
                [[title, _short(row[key])] for key, title in _FACTS.items() if key in row]
                for row in channels
            ],
            "intervals": _intervals(rows["intervals"], order, texts),
            "levels": _rows(levels, order),
            "numbers": named,
        })  # fmt: skip
    return described


def _by_output(table: pd.DataFrame, ids: list[int]) -> dict[Any, pd.DataFrame]:
    """Gives parts of a table by output, those of the model alone."""
    if not len(table):
        return {}
    return dict(iter(table[table["output"].isin(ids)].groupby("output")))


def _intervals(rows: pd.DataFrame, order: list[str], texts: dict[str, int]) -> list[dict[str, Any]]:
    """Describes the intervals of an output, with a row of cells for each measure."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    row: Any
    for row in rows.itertuples():
        about = found.setdefault(
            (row.channel, row.interval),
            {
                "channel": int(row.channel), "number": int(row.interval), "label": row.label,
                "start_s": float(row.start_s), "end_s": float(row.end_s), "rows": {},
            },
        )  # fmt: skip
        title = measure_title(row.measure, row.unit)
        cells = about["rows"].setdefault(title, [None] * len(order))
        notes = [texts.setdefault(x, len(texts)) if x else -1 for x in (row.reason, row.flag)]
        value = _short(row.value)
        cells[order.index(row.layer)] = value if max(notes) < 0 else [value, *notes]
    return [about | {"rows": list(about["rows"].items())} for about in found.values()]


def _rows(rows: pd.DataFrame, order: list[str]) -> list[dict[str, Any]]:
    """Describes values of an output: a row of cells for each channel, label and measure."""
    found: dict[tuple[int, str, str], dict[str, Any]] = {}
    row: Any
    for row in rows.itertuples():
        title = measure_title(row.measure, row.unit)
        about = {
            "channel": int(row.channel), "label": row.label, "title": title,
            "cells": [None] * len(order),
        }  # fmt: skip
        cells = found.setdefault((row.channel, row.label, row.measure), about)["cells"]
        cells[order.index(row.layer)] = _short(row.value)
    return list(found.values())


def _spikes(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Says where each layer changes most: ranks 1 to 3 that hold enough of its change."""
    if not len(table):
        return []
    kept: Any = table[(table["rank"] <= 3) & (table["share"] >= MIN_SPIKE_SHARE)]
    return kept[["latent", "layer", "start_s", "end_s"]].to_dict("records")


def _short(value: float) -> float | None:
    """Gives a number with six significant digits, None if it is none: what a page can show."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _loud(sound: np.ndarray) -> np.ndarray:
    """Gives a sound without its offset, at 0.9 of full scale."""
    sound = np.nan_to_num(np.asarray(sound, np.float64))
    sound = sound - sound.mean(axis=0)
    return 0.9 * sound / (np.abs(sound).max() or 1)


def _training(name: str) -> str:
    """Says the training values of a latent variable; nothing of a path between vectors."""
    return {"z": "−1 to 1", "c": "0 or 1"}.get(name[0], "")


def _title(settings: dict[str, Any], sweeps: list[dict[str, Any]]) -> str:
    reader = {"q": " Q-network", "discriminator": " Discriminator"}
    model = MODELS[settings["model"]["model"]] + reader.get(settings.get("network", ""), "")
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


def _without_folders(text: str, run: Run) -> str:
    """Leaves the last name of each absolute path of a run: a page is handed on, a machine is not.

    Paths are those of its checkpoints and its flags; config.json has them whole.
    """
    given = [str(checkpoint["prefix"]) for checkpoint in _checkpoints(run)]
    for value in run.settings.get("flags", {}).values():
        values = value if isinstance(value, list) else str(value).split(",")
        given += [item.split("=")[-1].strip() for item in map(str, values)]
    paths = {path for path in given if os.path.isabs(path)}
    paths |= {os.path.dirname(path) for path in paths}
    for path in sorted(paths - {os.sep}, key=len, reverse=True):
        text = text.replace(path, f"…/{os.path.basename(path)}")
    return text


def _checkpoints(run: Run) -> list[dict[Any, Any]]:
    return run.table("models").to_dict("records") or [run.settings["checkpoint"]]


def _facts(run: Run) -> dict[str, Any]:
    """Makes what the foot of the page says."""
    settings, known = run.settings, _checkpoints(run)
    each = {key: ", ".join(str(x[key]) for x in known) for key in ("prefix", "sha256", "step")}
    versions = settings.get("versions", {}) | {"Praat": settings.get("praat_version", "unknown")}
    return {
        "Checkpoint": each["prefix"],
        "SHA-256": each["sha256"],
        "Step": each["step"],
        "Network": settings.get("network", "generator"),
        "Seed": settings.get("options", {}).get("seed", "none"),
        "Versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def _hash(text: str) -> str:
    """Gives what a Content-Security-Policy calls an inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _html(text: str) -> str:
    """Turns the summary's Markdown into HTML, one heading lower, tables in boxes that scroll."""
    import markdown

    text = text.replace(" All settings and versions: config.json.", "")  # it may lie elsewhere
    lower = re.sub("^#+ ", r"#\g<0>", text, flags=re.MULTILINE)
    lower = re.sub(r"^#(?![# ])", r"\\#", lower, flags=re.MULTILINE)  # #TV, no heading
    # raw HTML is text here: names of files and labels come from users
    escaped = lower.replace("&", "&amp;").replace("<", "&lt;")
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
