"""The rooms of the house and the walls between them."""

import ast
import functools
import re
import subprocess
import sys

import conftest
import pytest

from wavegan_tf.commands import COMMANDS

PACKAGE = conftest.ROOT / "wavegan_tf"
FILES = sorted(p for p in PACKAGE.rglob("*.py"))

LOW = {"errors", "options", "paths", "texts", "progress", "processes", "machine", "demo"}
BELOW = LOW | {"latents", "models", "data", "checkpoints", "model", "speech", "output", "stats"}
# Room -> rooms of the package it may import from.
ROOMS = {
    **dict.fromkeys(LOW, {"errors"}),
    "options": {"errors", "paths", "texts"},
    "machine": {"processes"},
    "latents": {"errors", "models"},
    "models": {"errors", "options"},
    "data": LOW,
    "checkpoints": LOW | {"models"},
    "model": LOW | {"latents", "models", "checkpoints", "output"},
    "speech": LOW | {"models"},
    "stats": LOW,
    "output": {"errors", "paths", "texts", "machine", "speech"},
    "training": LOW | {"latents", "models", "checkpoints", "data", "speech", "stats", "output"},
    "corpora": LOW | {"data", "speech", "output"},
    "experiments": BELOW,
    "paper": {"output", "stats"},
    "commands": BELOW | {"experiments", "training", "corpora", "paper"},
    "__main__": {"commands"},
}


@functools.cache
def imports_of(path):
    """Modules that a file imports, anywhere in it but for the type checker alone."""
    tree = ast.parse(path.read_text())
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING")
    ]
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def files_that_import(package):
    named = (p for p in FILES if any(m.split(".")[0] == package for m in imports_of(p)))
    return {str(p.relative_to(PACKAGE)) for p in named}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    if path == PACKAGE / "__init__.py":
        own = {"wavegan_tf.machine", "wavegan_tf.machine.prepare_tensorflow"}
        assert imports_of(path) <= {"importlib", "typing", "typing.Any"} | own
        return
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    rooms = {m.split(".")[1] for m in imports_of(path) if m.startswith("wavegan_tf.")}
    assert rooms <= ROOMS[room] | {room}


@pytest.mark.parametrize(
    ("package", "files"),
    [
        ("tensorflow_io", {"training/pictures.py"}),
        ("av", {"data/audio.py"}),
        ("parselmouth", {"speech/praat.py", "corpora/vocal_tract.py"}),
        ("jinja2", {"output/page.py"}),
        ("markdown", {"output/page.py"}),
    ],
)
def test_a_library_is_used_in_its_place_alone(package, files):
    assert files_that_import(package) == files


@pytest.mark.parametrize(
    ("package", "rooms"),
    [
        ("sklearn", "stats/"),
        ("matplotlib", "output/ experiments/result.py training/"),
        ("absl", "commands/"),
        ("tensorflow", "machine.py models/ training/ checkpoints/ model.py experiments/"),
    ],
)
def test_a_library_is_used_in_its_rooms_alone(package, rooms):
    assert all(path.startswith(tuple(rooms.split())) for path in files_that_import(package))


def test_pyplot_and_its_global_state_are_not_used():
    assert not any(m.startswith("matplotlib.pyplot") for p in FILES for m in imports_of(p))


ASK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    if "tensorflow" in sys.modules:
        sys.exit(f"{name} loads TensorFlow")
"""


def test_what_runs_beside_or_without_a_model_does_not_load_tensorflow():
    rooms = ("speech", "stats", "output", "corpora", "data", "experiments", "commands")
    names = [
        f"wavegan_tf.{str(p.relative_to(PACKAGE).with_suffix('')).replace('/', '.')}"
        for p in FILES
        if p.relative_to(PACKAGE).parts[0] in rooms and p.name != "__init__.py"
    ]
    result = subprocess.run(
        [sys.executable, "-c", ASK, "wavegan_tf", "wavegan_tf.latents", "wavegan_tf.model", *names],
        cwd=conftest.ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_basic_flags_without_tensorflow(run_alone, command):
    script = f"{command}.py" if command in ("probe", "interpolate", "train") else ""
    result = run_alone(f"-X importtime {script or f'-m wavegan_tf {command}'}", "--help")
    assert "Basics:" in result.stdout and "  --" in result.stdout, result.stderr[-500:]
    assert "tensorflow" not in result.stderr
    assert result.stdout.count("\n  --") <= 16


def texts_of(path):
    """Texts of a module that a user may read: its strings, without docstrings and code in them."""
    tree = ast.parse(path.read_text())
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return [x.value for x in strings if isinstance(x.value, str) and id(x) not in alone]


def test_texts_keep_to_the_words_of_the_word_list():
    docs = conftest.ROOT / "docs"
    _, table = (docs / "concepts.md").read_text().split("| we write | we do not write |")
    avoided = [x for row in table.splitlines()[2:] for x in row.split("|")[2].strip().split(", ")]
    patterns = ("*.md", "docs/*.md", "examples/*.ipynb", "wavegan_tf/demo/*/*.md")
    pages = [path for pattern in patterns for path in conftest.ROOT.glob(pattern)]
    pages += (PACKAGE / "output" / "page_files").iterdir()
    texts = {p: [p.read_text()] for p in pages if p.name not in ("concepts.md", "CHANGELOG.md")}
    texts |= {path: texts_of(path) for path in FILES}
    found = [
        (str(path), word)
        for path, here in texts.items()
        for text in here
        for word in avoided
        if re.search(rf"\b{re.escape(word)}\b", " ".join(text.split()), re.I)
    ]
    assert len(avoided) > 10 and found == []
