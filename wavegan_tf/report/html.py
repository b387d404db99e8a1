"""One file to hear and see a run with: report.html, which fetches nothing.

It holds the series of its outputs at the layers' own rates; the browser unpacks those of the output
that is shown, upsamples them as ``analysis.averages.to_sound`` does, plays and draws them.
"""

import base64
import hashlib
import shlex
from pathlib import Path

import jinja2

from wavegan_tf.report import html_data, html_tables, moves
from wavegan_tf.report.reading import Run, layer_title, open_run
from wavegan_tf.report.tables import read_csv

_PAGE = Path(__file__).parent / "page"
_SCRIPTS = ("sound.js", "draw.js", "measurements.js", "page.js")
_REPEATED = ("condition", "vary")
"""Flags that are given once for each value; other lists are one flag with commas."""

_ELSEWHERE = ("out_dir", "overwrite", "jobs", "figures", "max_figures")
"""Flags that change nothing of what is measured, and nothing of the page."""

_MODELS = {"wavegan": "WaveGAN", "ciwgan": "ciwGAN", "fiwgan": "fiwGAN"}

_TRAINING = {"z": "−1 to 1", "c": "0 or 1"}
"""The values of latent variables and of the code in training."""


def write_report(out_dir: str | Path, max_outputs: int = 200) -> Path:
    """Write ``out_dir/report.html`` of a probe or an interpolation, from its files alone.

    The same files give the same bytes.

    Args:
        out_dir: the run, with config.json and outputs.csv, and as far as they are there series.npz
            (without it the page has no players), the tables of measurements and of statistics.
        max_outputs: outputs that can be heard and seen in the page, about 40 kB each; 0 for all.
            Of an interpolation, whole sweeps (:func:`html_data.choose_outputs`).

    Returns:
        The path written.

    Raises:
        InputError: ``out_dir`` has no config.json, or a table lacks a column.
    """
    run = open_run(out_dir)
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
    path = run.directory / "report.html"
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(environment.get_template("report.html").render(_context(run, max_outputs)))
    return path


def _context(run, max_outputs):
    """Everything the template shows."""
    style = (_PAGE / "report.css").read_text(encoding="utf-8")
    script = "".join((_PAGE / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    sweeps = html_data.sweeps_of(run)
    n = len({row["id"] for row in read_csv(run.directory / "outputs.csv")})
    ids, places = html_data.choose_outputs(n, [len(x["values"]) for x in sweeps], max_outputs)
    data, packed = _data(run, ids, sweeps, places)
    noun = "output" if run.target == "out" else "recording"
    return {
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; img-src data:; style-src {_hash(style)}; "
        f"script-src {_hash(script)}; base-uri 'none'; form-action 'none'",
        "run": run,
        "title": _title(run),
        "interpolation": bool(sweeps),
        "noun": noun,
        "ends": moves.path_ends(run.config),
        "has_audio": (run.directory / "audio").is_dir(),
        "heading": "Steps" if sweeps else f"{noun.capitalize()}s",
        "sweeps": data["sweeps"],
        "data": data,
        "packed": [(number, text) for number, (text, _) in packed.items()],
        "n": n,
        "embedded": len(ids),
        "matrices": []
        if sweeps
        else html_tables.correlation_tables(run, html_data.layer_order(run)[1:]),
        "listings": html_tables.listings(run),
        "problems": html_data.problems(run),
        "target_title": run.target_title,
        "command": command_line(run.config),
        "facts": _facts(run),
        "layer_title": layer_title,
    }


def _data(run, ids, sweeps, places):
    """What the script reads, and by id the packed series."""
    texts = html_data.Texts()
    panels, packed = html_data.read_series(run, ids)
    outputs = html_data.describe_outputs(run, ids, texts)
    for output in outputs:
        output["scales"] = packed[output["id"]][1] if output["id"] in packed else []
    channels = sorted({x["channel"] for output in outputs for x in output["intervals"]} | {1})
    data = {
        "rate_hz": run.config["sample_rate_hz"],
        "length": run.config["slice_len"],
        "upsample": run.config.get("upsample", "linear"),
        "clip": run.config.get("clip", True),
        "target": run.target,
        "layers": html_data.layer_titles(run),
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
        "spikes": html_data.read_spikes(run),
        "outputs": outputs,
        "texts": texts.all,
    }
    return data, packed


def _training(name):
    """The training values of a latent variable, in words; nothing of a path between vectors."""
    return _TRAINING.get(name[0], "") if name[1:].isdigit() else ""


def _hash(text):
    """What a Content-Security-Policy calls an inline script or style."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _title(run):
    name = run.config.get("model", {}).get("model", "network")
    model = _MODELS.get(name, name)
    sweeps = html_data.sweeps_of(run)
    if not sweeps:
        reader = {"q": " Q-network", "discriminator": " Discriminator"}
        whose = reader.get(run.config.get("network"), "")
        return f"{model}{whose}: what each layer encodes"
    moved = [moves.moved(run.config, sweep, html_tables.number) for sweep in sweeps]
    return f"{model}: {' and '.join(moved)}"


def command_line(config: dict) -> str:
    """The command that repeats a run, its flags spelt out, so that no default can change it.

    Where the results go, and what changes none of them, is left to whoever repeats it.

    Args:
        config: of config.json, with ``command`` and ``flags``; True and False are ``--name`` and
            ``--noname``, a flag without a value is left out.
    """
    words = ["python", f"{config.get('command', 'probe')}.py"]
    for name, value in config.get("flags", {}).items():
        if value is None or value == [] or name in _ELSEWHERE:
            continue
        if isinstance(value, bool):
            words.append(f"--{name}" if value else f"--no{name}")
        elif isinstance(value, list) and name in _REPEATED:
            words += [f"--{name}={item}" for item in value]
        elif isinstance(value, list):
            words.append(f"--{name}={','.join(map(str, value))}")
        elif value != "":
            words.append(f"--{name}={value}")
    return shlex.join(words)


def _facts(run: Run):
    """What the foot of the page says: (name, text)."""
    config = run.config
    checkpoint = config.get("checkpoint", {})
    versions = config.get("versions", {}) | {"Praat": config.get("praat", "unknown")}
    return [
        ("Checkpoint", checkpoint.get("prefix", "unknown")),
        ("SHA-256", checkpoint.get("sha256", "unknown")),
        ("Step", checkpoint.get("step", "unknown")),
        ("Network", config.get("network", "generator")),
        ("Seed", config.get("flags", {}).get("seed", "none")),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
