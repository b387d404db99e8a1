"""The notebooks of examples/: whole, small, without errors; what they name exists.

.ci/run executes them (tests/run_notebooks.py).
"""

import ast
import importlib

import conftest
import nbformat
import pytest

from wavegan_tf.experiments.names import EXPERIMENTS
from wavegan_tf.options import options as options_of

NOTEBOOKS = sorted((conftest.ROOT / "examples").glob("*.ipynb"))
MOST_BYTES = 400_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, 4)


def code_of(notebook):
    """Its code as one module, without lines of IPython alone."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    lines = "\n".join(cells).splitlines()
    return ast.parse("\n".join(line for line in lines if not line.startswith("%")))


def test_there_are_notebooks():
    assert len(NOTEBOOKS) >= 3


def test_a_notebook_is_valid_and_was_run_from_top_to_bottom(notebook):
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    for output in outputs:  # neither errors nor warnings and progress
        assert output.output_type in ("execute_result", "display_data", "stream")
        assert output.get("name") != "stderr"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_names_no_place_of_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) <= MOST_BYTES
    for place in ("/home/", "/Users/", "/tmp/", "/work/", "site-packages"):
        assert place not in text


def test_what_a_notebook_names_exists(notebook):
    for node in ast.walk(code_of(notebook)):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("wavegan_tf"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "wg":
            assert node.attr in conftest.wavegan_tf.__all__
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in EXPERIMENTS:
            options = importlib.import_module(f"wavegan_tf.experiments.{node.func.attr}").Options
            known = {field.name for field in options_of(options)} | {"directory"}
            assert {word.arg for word in node.keywords} <= known
