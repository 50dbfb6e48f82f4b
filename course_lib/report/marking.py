"""The formgrader shows the model answer and marking scheme above each written answer. Feedback pages never do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory

INTRODUCTION = "**What to look for.** From the instructor's notebook; only the formgrader shows it.\n\n---\n\n"


class MarkingScheme(Preprocessor):
    """Puts the instructor's cell of the same id above every answer that a person grades."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        if "submission_id" not in resources:  # only the formgrader gives it
            return nb, resources
        directory = CourseDirectory(config=self.config)
        folder = directory.format_path(directory.source_directory, ".", resources["assignment_id"])
        schemes = marking_schemes(Path(folder, f"{resources['notebook_id']}.ipynb"))
        cells: list[NotebookNode] = []
        for cell in nb.cells:
            scheme = schemes.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""))
            if scheme is not None:
                cells.append(nbformat.v4.new_markdown_cell(INTRODUCTION + scheme, id=f"scheme-{len(cells)}"))
            cells.append(cell)
        nb.cells = cells
        return nb, resources


def marking_schemes(source: Path) -> dict[str, str]:
    """What stands in the written answers of an instructor's notebook, by cell id; nothing if there is no notebook."""
    if not source.is_file():
        return {}
    cells = nbformat.read(source, as_version=4).cells
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in cells
        if cell.cell_type == "markdown" and utils.is_grade(cell) and utils.is_solution(cell)
    }
