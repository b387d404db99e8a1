"""Runs the notebooks of examples/, each from top to bottom.

  python tests/run_notebooks.py            all of them; an error of a cell ends it
  python tests/run_notebooks.py --write    and keeps their outputs, to be read on the web

Lines of progress, times and paths of this machine are not kept.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # the last: an installed package comes before

import nbformat
from nbclient import NotebookClient

import wavegan_tf

EXAMPLES = Path(__file__).parents[1] / "examples"
PACKAGE = str(Path(wavegan_tf.__file__).parents[1])


def run(path, write):
    notebook = nbformat.read(path, 4)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:  # whatever a notebook writes
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, record_timing=False, resources=resources).execute()
    print(f"{path.name}: {time.monotonic() - begun:.0f} s", flush=True)
    if not write:
        return
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [x for x in cell.outputs if x.get("name") != "stderr"]
    notebook.metadata.language_info = {"name": "python"}
    text = nbformat.writes(notebook).replace(json.dumps(PACKAGE)[1:-1] + "/", "")
    path.write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = PACKAGE  # notebooks import the one that is imported here
    for name in sorted(EXAMPLES.glob("*.ipynb")):
        run(name, "--write" in sys.argv[1:])
