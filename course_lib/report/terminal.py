"""The batch in the terminal: progress with time left, then the table of students and questions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from pathlib import Path

from nbgrader.api import InvalidEntry
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from course_lib import assignments
from course_lib.engine.batch import Outcome, grade_class
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.submission import Job, submitted


class GradingStopped(Exception):
    """The batch could not go on: the gradebook or the disk cannot be written. What is graded is kept."""


def grade_and_show(
    console: Console,
    root: Path,
    assignment: str,
    students: tuple[str, ...],
    graders: Callable[[], AbstractContextManager[Executor]],
    *,
    level: str,
    force: bool = False,
) -> bool:
    """Grade an assignment with progress and print its summary. True if every submission was graded.

    Raises:
        GradingStopped: nothing can be written; the message says what to do.
    """
    there = submitted(str(root), assignment)
    unknown = sorted(set(students) - set(there))
    if unknown:
        console.print(f"no submission of {assignment} from {', '.join(unknown)}", style="bold red", markup=False)
        return False
    overrides = {"GradeNotebook": {"sandbox": level}}
    jobs = [Job(str(root), assignment, student, overrides) for student in (students or there)]
    if not jobs:
        console.print(f"{assignment}: no submissions in submitted/")
        return True
    outcomes: list[Outcome] = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    try:
        with GradebookWriter(str(root), assignment) as writer, Progress(*columns, console=console) as progress:
            task = progress.add_task(f"grading {assignment}", total=len(jobs))
            for outcome in grade_class(jobs, writer, graders, force=force):
                outcomes.append(outcome)
                progress.advance(task)
                if outcome.status == "needs attention":
                    progress.console.print(f"needs attention: {outcome.student}: {outcome.reason}", markup=False)
    except (OSError, SQLAlchemyError, InvalidEntry) as error:
        done = f"{len(outcomes)} of {len(jobs)} submissions are stored"
        cause = (
            error.__context__ if isinstance(error, InvalidEntry) else error
        )  # nbgrader's word for what the database says
        what = getattr(cause, "orig", None) or cause
        raise GradingStopped(f"grading stopped: {what}. {done}; mend this and run the same command again") from error
    outcomes.sort(key=lambda o: o.student)
    console.print(summary_table(assignment, outcomes))
    console.print(sandbox_note({o.record.get("sandbox", "") for o in outcomes}))
    return all(o.status != "needs attention" for o in outcomes)


def sandbox_note(levels: set[str]) -> str:
    """How the submissions were kept from the course, in words."""
    named = ", ".join(sorted(levels - {""})) or "nothing ran"
    warning = " (NOTHING kept student code from the course and its grades)" if "none" in levels else ""
    return f"sandbox: {named}{warning}"


def summary_table(assignment: str, outcomes: list[Outcome]) -> Table:
    """Students × questions: the points of each question, and what came of each submission."""
    questions = assignments.load(assignment).questions
    groups = assignments.groups(assignment)
    legend = ", ".join(f"Q{number} {q.id}" for number, q in enumerate(questions, 1))
    table = Table(title=f"{assignment}: points", title_justify="left", caption=legend, caption_justify="left")
    # On a narrow terminal names go on in the next line; points must stay whole.
    table.add_column("student\nof", overflow="fold")
    for number, question in enumerate(questions, 1):
        table.add_column(f"Q{number}\n{groups[question.id].points:g}", justify="right", no_wrap=True)
    table.add_column(f"sum\n{sum(group.points for group in groups.values()):g}", justify="right", no_wrap=True)
    table.add_column("status")
    for outcome in outcomes:
        scores = {q["question"]: q["score"] for q in outcome.record.get("questions", [])}
        cells = [f"{scores[q.id]:g}" if q.id in scores else "–" for q in questions]
        total = f"{sum(scores.values()):g}" if scores else "–"
        table.add_row(outcome.student, *cells, total, outcome.status)
    return table
