"""What a submission says about its own grading is replaced by what the instructor's notebook says."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from course_lib.engine.errors import NeedsAttention
from course_lib.engine.restoring import RestoreGrading


def marked(grade_id: str, source: str = "", **metadata: Any) -> nbformat.NotebookNode:
    claims = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, "schema_version": 3}
    return new_code_cell(source, metadata={"nbgrader": {**claims, **metadata}})


@pytest.fixture
def restore(tmp_path):
    """``restore(cells)`` of a submission to an assignment with an answer and a test of it."""
    folder = tmp_path / "source" / "toy"
    folder.mkdir(parents=True)
    answer = marked("f_solution", "f = 1", solution=True)
    test = marked("f", "check(f)", grade=True, locked=True, points=4)
    nbformat.write(new_notebook(cells=[marked("setup", locked=True), answer, test]), folder / "toy.ipynb")
    step = RestoreGrading(config=Config({"CourseDirectory": {"root": str(tmp_path)}}))

    def restored(*cells: nbformat.NotebookNode) -> list[tuple[str, str, Any]]:
        names = {"nbgrader": {"assignment": "toy", "notebook": "toy", "student": "student-01"}}
        notebook, _ = step.preprocess(new_notebook(cells=list(cells)), names)
        grading = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
        return [
            (c.source, g.get("grade_id", ""), g.get("points")) for c, g in zip(notebook.cells, grading, strict=True)
        ]

    return restored


def test_points_and_kinds_are_the_instructors(restore):
    found = restore(marked("f_solution", "f = 2", grade=True, points=99), marked("f", "check(f)", points=99))
    assert found == [("f = 2", "f_solution", None), ("check(f)", "f", 4)]


def test_of_several_cells_with_one_id_the_last_keeps_it(restore):
    found = restore(marked("f_solution", "f = 2"), marked("f_solution", "f = 3"), marked("f", "check(f)"))
    assert [grade_id for _, grade_id, _ in found] == ["", "f_solution", "f"]


def test_cells_that_the_assignment_does_not_have_are_plain_ones(restore):
    assert restore(marked("bonus", "1", grade=True, points=99), marked("f", "check(f)"))[1] == ("1", "", None)


def test_an_answer_that_was_deleted_comes_back_empty_in_its_place(restore):
    assert restore(new_code_cell("f = 2"), marked("f", "check(f)")) == [
        ("", "f_solution", None),
        ("f = 2", "", None),
        ("check(f)", "f", 4),
    ]


def test_a_notebook_without_any_cell_of_the_assignment_is_for_a_person_to_look_at(restore):
    for cells in ([], [new_code_cell("f = 2"), new_code_cell("check(f)")], [marked("setup"), marked("g_solution")]):
        with pytest.raises(NeedsAttention, match=r"no cell of toy\.ipynb is an answer or a test"):
            restore(*cells)
