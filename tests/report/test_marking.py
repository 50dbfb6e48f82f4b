"""Marking schemes: above written answers in the formgrader, nowhere else."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from course_lib import assignments
from course_lib.engine.submission import load_config
from course_lib.report.marking import INTRODUCTION, MarkingScheme, marking_schemes

REPOSITORY = Path(__file__).parents[2]
FORMGRADER = {"submission_id": "1", "assignment_id": "backprop", "notebook_id": "backprop"}


def source(name: str) -> Path:
    return REPOSITORY / "source" / name / f"{name}.ipynb"


@pytest.fixture
def shown(tmp_path):
    """``shown(resources)``: the submitted notebook as a page would show it."""
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    shutil.copytree(source("backprop").parent, tmp_path / "source" / "backprop")
    config = load_config(str(tmp_path))

    def show(resources: dict[str, str]) -> nbformat.NotebookNode:
        submitted = nbformat.read(REPOSITORY / "release" / "backprop" / "backprop.ipynb", as_version=4)
        return MarkingScheme(config=config).preprocess(submitted, dict(resources))[0]

    return show


@pytest.mark.parametrize("name", assignments.NAMES)
def test_every_written_answer_of_the_course_has_a_model_answer_and_a_scheme(name):
    schemes = marking_schemes(source(name))
    assert schemes
    for scheme in schemes.values():
        assert "Model answer" in scheme
        assert "Marking" in scheme


def test_the_formgrader_shows_it_above_the_answer(shown):
    cells = shown(FORMGRADER).cells
    places = [number for number, cell in enumerate(cells) if INTRODUCTION in cell.source]
    assert [cells[place + 1].metadata.nbgrader.grade_id for place in places] == list(
        marking_schemes(source("backprop"))
    )
    assert "Marking scheme (6 points)" in cells[places[0]].source
    assert "nbgrader" not in cells[places[0]].metadata


@pytest.mark.parametrize("resources", [{}, {"nbgrader": {}}, {"assignment_id": "backprop", "notebook_id": "backprop"}])
def test_no_other_page_shows_it(shown, resources):
    assert not any("Marking scheme" in cell.source for cell in shown(resources).cells)


def test_a_course_without_the_source_notebook_shows_none(shown):
    assert not any(INTRODUCTION in cell.source for cell in shown(FORMGRADER | {"assignment_id": "other"}).cells)
