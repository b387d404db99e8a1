"""The rooms of the house and the walls between them."""

import ast
import functools
import subprocess
import sys

import conftest
import pytest

PACKAGE = conftest.ROOT / "wavegan_tf"
FILES = sorted(p for p in PACKAGE.rglob("*.py"))

# Room -> rooms of the package it may import from.
ROOMS = {
    "errors": set(),
    "progress": set(),
    "latents": {"errors"},
    "sweeps": {"errors", "latents"},
    "models": {"errors", "latents"},
    "data": {"errors"},
    "checkpoints": {"errors", "models"},
    "training": {"errors", "models", "checkpoints"},
    "analysis": {"errors"},
    "report": {"errors", "analysis"},
    "corpora": {"errors", "data", "analysis", "report"},
    "watching": {"errors", "models", "latents", "checkpoints", "analysis", "report"},
    "probing": set("errors models latents sweeps checkpoints data analysis report".split()),
    "demo": set(),
    "cli": {"errors", "models", "checkpoints", "analysis", "report", "demo"},
    "tools": set(
        "errors progress cli models checkpoints latents sweeps analysis probing report "
        "corpora".split()
    ),
}


@functools.cache
def imports_of(path):
    """Modules that a file imports, anywhere in it."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return modules


def files_that_import(package, files=None):
    named = (p for p in files or FILES if any(m.split(".")[0] == package for m in imports_of(p)))
    return {str(p.relative_to(PACKAGE)) for p in named}


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = room_of(path)
    if path == PACKAGE / "__init__.py":
        assert not imports_of(path)
        return
    imported = {m.split(".")[1] for m in imports_of(path) if m.startswith("wavegan_tf.")}
    assert imported <= ROOMS[room] | {room}


def test_tensorflow_io_is_imported_by_audio_alone():
    assert files_that_import("tensorflow_io") == {"data/audio.py"}


def test_praat_measures_in_one_file_and_speaks_in_one_file():
    assert files_that_import("parselmouth") == {
        "analysis/praat.py",
        "corpora/synthetic/vocal_tract.py",
    }


def test_scikit_learn_is_imported_by_analysis_alone():
    assert all(p.startswith("analysis/") for p in files_that_import("sklearn"))


def test_jinja_is_imported_by_one_file_alone():
    assert files_that_import("jinja2") <= {"report/html.py"}


def test_matplotlib_is_imported_by_figures_alone():
    assert all(p.startswith("report/figures/") for p in files_that_import("matplotlib"))


def test_pyplot_and_its_global_state_are_not_used():
    assert not any(m.startswith("matplotlib.pyplot") for p in FILES for m in imports_of(p))


def test_flags_are_touched_by_command_lines_alone():
    assert all(p == "cli.py" or p.startswith("tools/") for p in files_that_import("absl"))


WITHOUT_TENSORFLOW = (
    "wavegan_tf.latents",
    "wavegan_tf.sweeps",
    "wavegan_tf.models.config",
    "wavegan_tf.cli",
    "wavegan_tf.checkpoints.lock",
    "wavegan_tf.corpora.timit.timit_counts",
    "wavegan_tf.data.pcm",
    "wavegan_tf.data.slices",
    "wavegan_tf.analysis.averages",
    "wavegan_tf.analysis.acoustics",
    "wavegan_tf.analysis.annotation",
    "wavegan_tf.analysis.settings",
    "wavegan_tf.analysis.statistics",
    "wavegan_tf.analysis.causes.factorial",
    "wavegan_tf.analysis.causes.identify",
    "wavegan_tf.analysis.causes.interpolation",
    "wavegan_tf.analysis.causes.interventions",
    "wavegan_tf.analysis.causes.map_clusters",
    "wavegan_tf.corpora.aligned.corpus",
    "wavegan_tf.corpora.aligned.cutting",
    "wavegan_tf.corpora.clips",
    "wavegan_tf.corpora.synthetic.reduplication",
    "wavegan_tf.corpora.synthetic.stv",
    "wavegan_tf.corpora.synthetic.reduplication",
    "wavegan_tf.corpora.synthetic.stv",
    "wavegan_tf.corpora.timit.cutting",
    "wavegan_tf.corpora.word_lists",
    "wavegan_tf.probing.cells",
    "wavegan_tf.probing.measuring",
    "wavegan_tf.report.derived",
    "wavegan_tf.report.figures",
    "wavegan_tf.report.identification",
    "wavegan_tf.report.interventions",
    "wavegan_tf.report.steps",
    "wavegan_tf.report.html",
    "wavegan_tf.report.summary",
    "wavegan_tf.report.tables",
)
ASK = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
    if "tensorflow" in sys.modules:
        sys.exit(f"{name} loads TensorFlow")
"""


def test_no_module_of_these_loads_tensorflow():
    command = [sys.executable, "-c", ASK, *WITHOUT_TENSORFLOW]
    result = subprocess.run(command, cwd=conftest.ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "command",
    [
        "train.py",
        "probe.py",
        "interpolate.py",
        "-m wavegan_tf.tools.convert_checkpoint",
        "-m wavegan_tf.tools.feature_maps",
        "-m wavegan_tf.tools.figures",
        "-m wavegan_tf.tools.identify",
        "-m wavegan_tf.tools.intervene",
        "-m wavegan_tf.tools.make_corpus",
        "-m wavegan_tf.tools.merge_shards",
        "-m wavegan_tf.tools.prepare_words",
        "-m wavegan_tf.tools.prepare_timit",
    ],
)
def test_help_shows_the_flags_without_tensorflow(run_alone, command):
    result = run_alone(f"-X importtime {command}", "--help")
    assert any(flag in result.stdout for flag in ("--ckpt", "--train_dir", "--out_dir"))
    assert "numpy" in result.stderr and "tensorflow" not in result.stderr
