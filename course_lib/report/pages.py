"""Feedback pages: nbgrader's own converter, for every graded submission, with an overview at the top."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbgrader.server_extensions.formgrader.handlers as formgrader
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI

from course_lib.engine.preprocessor import RECORD
from course_lib.engine.submission import course_directory, load_config
from course_lib.problem import NothingGraded, Problem
from course_lib.release import last_words
from course_lib.report.feedback import format_points
from course_lib.report.safe import FeedbackExporter

TEMPLATES = Path(__file__).parent / "templates"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def write_feedback(root: Path, assignment: str) -> list[Path]:
    """Write ``feedback/<student>/<assignment>/<assignment>.html`` and return the pages.

    Raises:
        NothingGraded: no submission of the assignment has been graded.
        Problem: nbgrader could not write them; its own words are in the message.
    """
    directory = course_directory(str(root))
    if not list(Path(directory.format_path(directory.autograded_directory, ".", ".")).glob(f"*/{assignment}/*.ipynb")):
        raise NothingGraded(assignment)
    result = NbGraderAPI(directory, config=load_config(str(root))).generate_feedback(assignment, force=True)
    if not result["success"]:
        raise Problem(f"nbgrader could not write feedback of {assignment}: {last_words(result)}")
    pages = Path(directory.format_path(directory.feedback_directory, ".", "."))
    return sorted(pages.glob(f"*/{assignment}/*.html"))


class FeedbackPage(FeedbackExporter):
    """nbgrader's feedback page, safe to open, that begins with where points were lost."""

    def __init__(self, config: Any = None, **kw: Any) -> None:
        super().__init__(config=config, **kw)
        self.extra_template_paths = [*self.extra_template_paths, str(TEMPLATES), formgrader.template_path]
        self.template_paths = self._template_paths()
        self.template_file = "feedback_page.html.j2"
        self.register_filter("overview", overview)
        self.register_filter("points", format_points)


@dataclass(frozen=True)
class Row:
    """One graded cell in the overview.

    Attributes:
        anchor: the cell's id, to which the row links.
        heading: the notebook's heading above the cell.
        note: what came of it, in words.
        score, points: what it gave and the most it gives.
        state: "full", "lost", or "waits" for a person.
        comment: whether a person has commented on it.
    """

    anchor: str
    heading: str
    note: str
    score: float
    points: float
    state: str
    comment: bool


@dataclass(frozen=True)
class Overview:
    """What a feedback page begins with: title, a row for each graded cell, and the sums after the late penalty.

    Attributes:
        unguarded: whether it was graded without a sandbox.
    """

    title: str
    rows: list[Row]
    score: float
    points: float
    penalty: float
    unguarded: bool

    @property
    def waiting(self) -> bool:
        """Whether a person still has to grade something."""
        return any(row.state == "waits" for row in self.rows)


def overview(notebook: NotebookNode, resources: dict[str, Any]) -> Overview:
    """The overview of a graded notebook, into which nbgrader's GetGrades has put scores and comments."""
    names = resources["nbgrader"]
    record = read_record(Path(resources["metadata"]["path"]))
    questions = {question["question"]: question for question in record.get("questions", [])}
    by_hand = graded_by_hand(names)
    rows, title, heading = [], names["notebook"], ""
    for cell in notebook.cells:
        grading = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "markdown" and not grading.get("solution"):
            heading = (HEADING.findall(cell.source) or [heading])[-1]
        if grading.get("grade") or grading.get("task"):
            cell_id, score, points = grading["grade_id"], float(grading["score"]), float(grading["points"])
            waits, changed = by_hand.get(cell_id, (False, False))
            if waits:
                state, note = "waits", "Not graded yet: a person will read it."
            else:
                state = "full" if score >= points else "lost"
                note = "Graded by hand." if changed else in_words(questions.get(cell_id))
            rows.append(Row(cell_id, heading or cell_id, note, score, points, state, bool(grading.get("comment"))))
    unguarded = record.get("sandbox") == "none"
    return Overview(title, rows, names["score"], names["max_score"], names["late_penalty"], unguarded)


def read_record(folder: Path) -> dict[str, Any]:
    """What grading has left in a folder; empty for a notebook that is not of this course."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


def graded_by_hand(names: dict[str, Any]) -> dict[str, tuple[bool, bool]]:
    """By cell: whether it waits for a person, and whether a person has graded it."""
    with Gradebook(names["db_url"]) as gradebook:
        found = gradebook.find_submission_notebook(names["notebook"], names["assignment"], names["student"])
        return {
            grade.name: (bool(grade.needs_manual_grade), grade.manual_score is not None or bool(grade.extra_credit))
            for grade in found.grades
        }


def in_words(question: dict[str, Any] | None) -> str:
    """How many of a question's checks were missed, and by which verdicts."""
    if question is None:
        return ""
    lost = [each["verdict"] for each in question["properties"] if each["verdict"] != "accepted"]
    if not lost:
        return f"All {len(question['properties'])} checks passed."
    return f"{len(lost)} of {len(question['properties'])} checks missed: {', '.join(dict.fromkeys(lost))}."
