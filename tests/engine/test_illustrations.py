"""Which cells run when a notebook is graded, and which need not."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib import assignments
from course_lib.engine.illustrations import illustrations, names_of
from tests.test_release import SOURCE, notebook


def marked(grade_id: str, source: str, **grading: Any) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata={"nbgrader": {"grade_id": grade_id, **grading}})


SETUP = marked("setup", "import numpy as np\nimport matplotlib.pyplot as plt", locked=True)
ANSWER = marked("f_solution", "def f(x):\n    z = 2 * x\n    return z", solution=True)
TEST = marked("f", "check(f, losses)", grade=True, locked=True)
FIGURE = new_code_cell("z = np.linspace(0, 1)\nplt.plot(z, f(z))")
STUDY = new_code_cell("losses = [train(z, k) for k in range(9)]")
TABLE = new_code_cell("losses.append(0)\nprint(losses)")
RELEASED = [SETUP, new_markdown_cell("Text"), ANSWER, TEST, FIGURE, STUDY, TABLE]


def skipped(*own: str, answer: nbformat.NotebookNode = ANSWER) -> set[str]:
    cells = [answer if cell is ANSWER else cell for cell in RELEASED]
    submitted = new_notebook(cells=[*cells, *(new_code_cell(source) for source in own)])
    names = {id(FIGURE): "figure", id(STUDY): "study", id(TABLE): "table"}
    return {names[id(submitted.cells[i])] for i in illustrations(submitted, new_notebook(cells=RELEASED))}


ALL = {"figure", "study", "table"}


@pytest.mark.parametrize(
    "own",
    [
        "",
        "print(f(3.0))",
        "%matplotlib inline\n!ls",
        "z = 1\nprint(z)",
        "import losses\nlosses.z",
        "def g(z, losses=None):\n    return z",
        "[z for z in range(3)]",
        "print({z: [losses for losses in {z for z in range(z)}] for z in range(3)})",
        "# losses",
        "print('losses')",
        "this is no Python",
    ],
)
def test_cells_as_released_do_not_run_if_a_students_code_uses_nothing_of_them(own):
    assert skipped(own) == ALL


@pytest.mark.parametrize(
    ("own", "rest"),
    [
        ("print(losses)", set()),  # the study makes it, of what the figure makes, and the table changes it
        ("def g():\n    return losses", set()),
        ("class A:\n    best = min(losses)", set()),
        ("losses = losses + [1]", set()),
        ("if f:\n    z = 1\nprint(z)", {"table"}),
        ("print(z)\nz = 1", {"table"}),
        ("eval('losses')", set()),
        ("%time print(z)", {"table"}),
        ("await show(losses)", set()),
        ("print(k)", ALL),  # of the comprehension, not of the notebook
    ],
)
def test_cells_run_whose_names_a_students_code_uses(own, rest):
    assert skipped(own) == rest


def test_an_answer_may_use_what_a_figure_made():
    assert skipped(answer=marked("f_solution", "def f(x):\n    return z", solution=True)) == {"table"}


def test_a_changed_cell_runs_with_those_that_use_what_it_makes():
    source = new_notebook(cells=RELEASED)
    changed = new_code_cell(STUDY.source.replace("9", "99"))
    assert illustrations(new_notebook(cells=[*RELEASED[:4], FIGURE, changed, TABLE]), source) == set()
    changed = new_code_cell(FIGURE.source.replace("z", "t"))
    assert illustrations(new_notebook(cells=[*RELEASED[:4], changed, STUDY, TABLE]), source) == {5, 6}


def test_empty_cells_count_for_nothing_and_without_a_source_all_cells_run():
    submitted = new_notebook(cells=[*RELEASED, new_code_cell("")])
    assert illustrations(submitted, new_notebook(cells=RELEASED)) == {4, 5, 6}
    assert illustrations(submitted, None) == set()


def test_names_of_a_cell():
    code = "def f(a):\n    return a + b\nx = [c for c in d]\nfor e in x:\n    pass\nimport g.h as i"
    assert names_of(code) == ({"b", "d"}, {"f", "x", "e", "i"})


@pytest.mark.parametrize("name", assignments.NAMES)
def test_a_cell_for_trying_things_out_costs_no_study(name):
    source = notebook(SOURCE, name)
    submitted = notebook(SOURCE, name)
    before = illustrations(submitted, source)
    assert len(before) > 4
    submitted.cells.append(new_code_cell("fig, ax = plt.subplots()\nx = np.linspace(0, 1)\nax.plot(x, x**2)"))
    assert illustrations(submitted, source) == before
