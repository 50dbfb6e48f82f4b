"""nbgrader's seam: the preprocessor that replaces nbgrader's Execute.

Runs a submission in a sandboxed worker kernel, has the hidden tests judge it from outside, and writes each verdict into
its grade cell in the form that nbgrader's SaveAutoGrades reads. The same class serves ``nbgrader autograde``, the
formgrader and ``course grade``. A notebook that is not of this course runs and is graded as stock nbgrader would.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Float, Unicode

from course_lib import assignments
from course_lib.checking.model import Assignment, Question
from course_lib.engine.forbidden import Code, code_of
from course_lib.engine.forkserver import shared_server
from course_lib.engine.grading import QuestionResult, forbidden_result, grade_question
from course_lib.engine.illustrations import illustrations
from course_lib.engine.notebook import NotebookRunner
from course_lib.report.feedback import render_question
from course_lib.report.safe import make_safe

RECORD = "grading.json"

NOT_RUN = "Not run while grading: this cell is as it was released.\n"


class GradeNotebook(NbGraderPreprocessor):
    """Runs the notebook, then puts a number first into every grade cell that has a test group."""

    cell_seconds = Float(30, help="Time limit of one cell, in seconds.").tag(config=True)
    check_seconds = Float(
        4, help="Time limit of the visible check of a question, in seconds; right ones take 0.1."
    ).tag(config=True)
    submission_seconds = Float(
        300, help="Time limit of a submission, its cells and the hidden tests' calls together, in seconds."
    ).tag(config=True)

    sandbox = Unicode(
        None, allow_none=True, help="Sandbox level (namespaces, landlock, none); default: the strongest that works."
    ).tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        number_cells(nb)
        names = resources["nbgrader"]
        assignment = assignment_of(names["assignment"], names["notebook"])
        files = Path(resources["metadata"]["path"])
        results: dict[int, QuestionResult] = {}
        source = self.source_notebook(assignment) if assignment else None
        skipped = illustrations(nb, source)
        questions = assignment.questions if assignment else ()
        code = code_of(nb, source, files, self.provided_files(assignment), questions) if assignment else None
        level = shared_server(self.sandbox).level
        with NotebookRunner(nb, files, self.cell_seconds, self.submission_seconds) as runner:
            for index, cell in enumerate(nb.cells):
                if index in skipped:
                    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=NOT_RUN)]
                    continue
                question = assignment.question(grade_id(cell)) if assignment and is_autograded(cell) else None
                runner.execute(index, self.check_seconds if question else None)
                if assignment and question and code:
                    results[index] = judge(question, assignment, code, index, runner)
        make_safe(nb)
        for index, result in results.items():  # only now: nothing that runs can touch an output any more
            show_result(nb.cells[index], result)
        if assignment:
            record = {
                "assignment": assignment.name,
                "sandbox": level,
                "questions": [r.as_dict() for r in results.values()],
            }
            resources.setdefault("outputs", {})[RECORD] = (
                json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n"
            )
        return nb, resources

    def source_folder(self, assignment: Assignment) -> Path:
        """Where the instructor's files of the assignment are."""
        directory = CourseDirectory(config=self.config)
        return Path(directory.format_path(directory.source_directory, ".", assignment.name))

    def source_notebook(self, assignment: Assignment) -> NotebookNode | None:
        """The instructor's notebook of the assignment, or None where it is not at hand."""
        path = self.source_folder(assignment) / f"{assignment.name}.ipynb"
        return nbformat.read(path, as_version=4) if path.is_file() else None

    def provided_files(self, assignment: Assignment) -> set[str]:
        """Paths of the files that students get with the assignment."""
        folder = self.source_folder(assignment)
        return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}


def judge(question: Question, assignment: Assignment, code: Code, index: int, runner: NotebookRunner) -> QuestionResult:
    """The verdicts of a question whose grade cell, number ``index``, has just run."""
    group = assignments.groups(assignment.name)[question.id]
    shortcuts = code.search(question, index)
    if shortcuts.found:
        return forbidden_result(question, group, shortcuts)
    result = grade_question(question, group, assignment, runner)
    result.findings += shortcuts.notes
    return result


def number_cells(notebook: NotebookNode) -> None:
    """Give every cell an id by its place. nbformat would make random ones where they are missing or doubled."""
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    notebook.nbformat_minor = max(5, notebook.nbformat_minor)


def assignment_of(assignment: str, notebook: str) -> Assignment | None:
    """The assignment if it is one of this course and the notebook is its own."""
    return assignments.load(assignment) if assignment in assignments.NAMES and notebook == assignment else None


def grade_id(cell: NotebookNode) -> str:
    """nbgrader's id of the cell, or an empty string."""
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))


def is_autograded(cell: NotebookNode) -> bool:
    """Whether the cell is a code cell with points and without an answer."""
    return bool(cell.cell_type == "code" and utils.is_grade(cell) and not utils.is_solution(cell))


def show_result(cell: NotebookNode, result: QuestionResult) -> None:
    """Replace a grade cell's outputs: the score as nbgrader reads it, shown as a table of what was checked.

    What the visible check printed in the same cell is kept below, as text that cannot be taken for a score.
    """
    printed = [plain_text(output) for output in cell.outputs]
    share = result.score / result.points  # an instructor may give the cell another weight than the test group's points
    score = nbformat.v4.new_output(
        "execute_result",
        data={
            "text/plain": format_score(share * float(cell["metadata"]["nbgrader"]["points"])),
            "text/html": render_question(result),
        },
        execution_count=cell.get("execution_count"),
    )
    cell.outputs = [score]
    if text := "".join(printed).strip():
        cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text + "\n"))


def format_score(score: float) -> str:
    """One plain number: nbgrader takes what ``float`` cannot read for full marks."""
    return repr(float(score))


def plain_text(output: NotebookNode) -> str:
    """The text of an output, without colors."""
    if output.output_type == "stream":
        text = output.text
    elif output.output_type == "error":
        text = "\n".join(output.traceback) + "\n"
    else:
        text = str(output.get("data", {}).get("text/plain", "")) + "\n"
    return str(strip_ansi(text))
