"""A real nbgrader course, that of nbgrader's own documentation, gets the same scores from us as from stock nbgrader."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import nbgrader
import pytest
from nbgrader.api import Gradebook

pytestmark = pytest.mark.xdist_group("stock parity")  # its course is graded once by each

REPOSITORY = Path(__file__).parents[2]
GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"

STOCK = "c = get_config()\nc.CourseDirectory.course_id = 'example'\n"
OURS = (REPOSITORY / "nbgrader_config.py").read_text() + "\nc.CourseDirectory.course_id = 'example'\n"


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def grade(folder: Path, config: str) -> dict[tuple[str, str, str], tuple[float | None, bool]]:
    """Scores of all cells by student, notebook and cell, and whether they wait for a manual grade."""
    for part in ("source", "submitted"):
        shutil.copytree(GUIDE / part, folder / part)
    (folder / "nbgrader_config.py").write_text(config)
    done = command(folder, "generate_assignment", "ps1", "--create", "--force")
    assert done.returncode == 0, done.stderr
    done = command(folder, "autograde", "ps1", "--create")
    assert done.returncode == 0, done.stderr
    with Gradebook(f"sqlite:///{folder}/gradebook.db", "example") as gradebook:
        return {
            (submission.student.id, notebook.name, grade.name): (grade.auto_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions("ps1")
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


@pytest.fixture(scope="module")
def scores(tmp_path_factory):
    return {name: grade(tmp_path_factory.mktemp(name), config) for name, config in (("stock", STOCK), ("ours", OURS))}


def test_the_course_has_what_it_takes_to_tell_a_difference(scores):
    assert {student for student, *_ in scores["stock"]} == {"bitdiddle", "hacker"}
    given = [score for score, _ in scores["stock"].values()]
    assert 0 in given
    assert any(score and score > 0 for score in given)
    assert None in given, "some answers are graded by hand"


def test_every_cell_gets_the_score_that_stock_nbgrader_gives(scores):
    assert scores["ours"] == scores["stock"]
