"""The first thing many students do: run all cells of a notebook in which nothing is solved yet."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from course_lib import assignments

RELEASE = Path(__file__).parents[2] / "release"


@pytest.mark.parametrize("name", assignments.NAMES)
def test_every_cell_works_or_says_in_one_line_which_exercise_it_waits_for(name, tmp_path):
    folder = shutil.copytree(RELEASE / name, tmp_path / name)
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    client = NotebookClient(notebook, timeout=300, allow_errors=True, resources={"metadata": {"path": str(folder)}})
    client.execute()
    errors = [output for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    crashes = [(error.ename, error.evalue) for error in errors if not error.traceback[0].startswith("○ ")]
    assert crashes == []
    assert len(errors) >= len(assignments.load(name).questions), "no exercise says that it waits to be solved"
