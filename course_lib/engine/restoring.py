"""Restores what a submission says about its own grading: which cells are graded, how, and for how many points.

A step of nbgrader's pipeline, in the place of its DeduplicateIds and before its OverwriteCells. That one takes the
submission's word for what is an answer and what a test, and fails on cells that the assignment does not have.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor

from course_lib.engine.errors import NeedsAttention


class RestoreGrading(NbGraderPreprocessor):
    """Gives each cell the grading metadata that the instructor's cell of the same id has, and no others any.

    Of several cells with one id the last keeps it, as in nbgrader. Where the instructor's notebook is not at hand, a
    cell keeps what it has.

    Raises:
        NeedsAttention: no cell has the id of an answer or a test, so that all tests would run without the answers.
    """

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        directory = CourseDirectory(config=self.config)
        names = resources["nbgrader"]
        folder = directory.format_path(directory.source_directory, ".", names["assignment"])
        path = Path(folder, f"{names['notebook']}.ipynb")
        known = grading_metadata(nbformat.read(path, as_version=4) if path.is_file() else nb)
        missing = dict(known)
        answers = {grade_id for grade_id, grading in known.items() if grading.get("solution") or grading.get("grade")}
        if answers.isdisjoint(grade_id_of(cell) for cell in nb.cells) and answers:
            raise NeedsAttention(
                f"no cell of {path.name} is an answer or a test of the assignment: is it another notebook, or has a "
                "program taken the metadata from its cells? Copy the answers into a fresh notebook, or ask for it again"
            )
        for cell in reversed(nb.cells):
            grade_id = grade_id_of(cell)
            cell.metadata.pop("nbgrader", None)
            if grade_id in missing:
                cell.metadata["nbgrader"] = missing.pop(grade_id)
        add_missing_answers(nb, list(known), missing)
        return nb, resources


def add_missing_answers(notebook: NotebookNode, order: list[str], missing: dict[str, NotebookNode]) -> None:
    """Put an empty cell where an answer was deleted: OverwriteCells puts back the tests behind answers only."""
    place = 0
    for grade_id in order:
        if grade_id not in missing:
            place = 1 + next(i for i, cell in enumerate(notebook.cells) if grade_id_of(cell) == grade_id)
        elif missing[grade_id].get("solution") and not missing[grade_id].get("grade"):
            notebook.cells.insert(place, nbformat.v4.new_code_cell(metadata={"nbgrader": missing[grade_id]}))
            place += 1


def grading_metadata(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """What nbgrader knows of the cells of a notebook, by grade id."""
    return {
        grade_id: copy.deepcopy(cell.metadata.nbgrader) for cell in notebook.cells if (grade_id := grade_id_of(cell))
    }


def grade_id_of(cell: NotebookNode) -> str:
    """The cell's grade id, or nothing, whatever the metadata are."""
    claimed = cell.metadata.get("nbgrader")
    grade_id = claimed.get("grade_id") if isinstance(claimed, dict) else None
    return grade_id if isinstance(grade_id, str) else ""
