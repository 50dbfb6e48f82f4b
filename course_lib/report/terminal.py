"""The batch in the terminal: progress with time left, then the table of students and questions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, InvalidEntry
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from course_lib import assignments
from course_lib.engine.batch import Outcome, grade_class
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.submission import Job, submitted
from course_lib.problem import Problem

COLORS = {"none": "red", "part": "yellow", "full": ""}
NEEDS_ATTENTION = "needs attention"
NO_BREAK = "\N{NO-BREAK SPACE}"


class GradingStopped(Problem):
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
            late = lateness(writer.gradebook, assignment)
    except (OSError, SQLAlchemyError, InvalidEntry) as error:
        done = f"{len(outcomes)} of {len(jobs)} submissions are stored"
        cause = (
            error.__context__ if isinstance(error, InvalidEntry) else error
        )  # nbgrader's word for what the database says
        what = getattr(cause, "orig", None) or cause
        raise GradingStopped(f"grading stopped: {what}. {done}; mend this and run the same command again") from error
    outcomes.sort(key=lambda o: o.student)
    console.print(summary_table(assignment, outcomes, late))
    attention = [outcome for outcome in outcomes if needs_attention(outcome)]
    for outcome in attention:
        reason = outcome.record.get("reason", outcome.reason)
        console.print(f"{NEEDS_ATTENTION}: {outcome.student}: {reason}", style="red", markup=False, soft_wrap=True)
    console.print(sandbox_note({o.record.get("sandbox", "") for o in outcomes}))
    return not attention


def needs_attention(outcome: Outcome) -> bool:
    """Whether a submission could not be graded, now or when it last changed."""
    return NEEDS_ATTENTION in (outcome.status, outcome.record.get("status"))


def lateness(gradebook: Gradebook, assignment: str) -> dict[str, str]:
    """How late the late submissions are, by student."""
    found = gradebook.assignment_submissions(assignment)
    return {s.student_id: duration(s.total_seconds_late) for s in found if s.total_seconds_late}


def duration(seconds: float) -> str:
    """A time in its largest unit: "3 d", "20 h", "4 min". Parts of the unit count as a whole one."""
    for size, unit in ((86_400, "d"), (3_600, "h")):
        if seconds > size:
            return f"{-int(-seconds // size)}{NO_BREAK}{unit}"
    return f"{-int(-seconds // 60)}{NO_BREAK}min"


def sandbox_note(levels: set[str]) -> str:
    """How the submissions were kept from the course, in words."""
    named = ", ".join(sorted(levels - {""})) or "nothing ran"
    warning = " (NOTHING kept student code from the course and its grades)" if "none" in levels else ""
    return f"sandbox: {named}{warning}"


def summary_table(assignment: str, outcomes: list[Outcome], late: dict[str, str]) -> Table:
    """Students × questions: the points of each question, and what came of each submission.

    What needs attention has dashes and no part in the mean. ``late`` says how late, by student.
    """
    questions = assignments.load(assignment).questions
    points = [assignments.groups(assignment)[question.id].points for question in questions]
    legend = ", ".join(f"Q{number} {question.id}" for number, question in enumerate(questions, 1))
    title = f"{assignment}: points of {len(outcomes)} submissions"
    table = Table(title=title, caption=legend, title_justify="left", caption_justify="left")
    table.box, table.padding, table.pad_edge = box.SIMPLE_HEAD, (0, 1, 0, 0), False
    # On a narrow terminal names go on in the next line; points must stay whole.
    table.add_column("student\npoints", overflow="fold", min_width=6)
    for number, most in enumerate(points, 1):
        table.add_column(f"Q{number}\n{most:g}", justify="right", no_wrap=True)
    table.add_column(f"sum\n{sum(points):g}", justify="right", no_wrap=True)
    table.add_column("status")
    sums: list[list[float]] = []
    for outcome in outcomes:
        found: dict[str, Any] = {q["question"]: q["score"] for q in outcome.record.get("questions", [])}
        status = NEEDS_ATTENTION if needs_attention(outcome) else outcome.status
        if outcome.student in late:
            status += f", {late[outcome.student]} late".replace(" ", "\N{NO-BREAK SPACE}").replace(
                ",\N{NO-BREAK SPACE}", ", "
            )
        if found and not needs_attention(outcome):
            # A course may have released a part of the exercises only.
            sums.append([*(found.get(question.id, 0.0) for question in questions), sum(found.values())])
        cells = [score_cell(found.get(q.id), most) for q, most in zip(questions, points, strict=True)]
        total = f"{sum(found.values()):g}" if found else "–"
        table.add_row(
            Text(outcome.student), *cells, total, Text(status, "bold red" if needs_attention(outcome) else "")
        )
    if len(sums) > 1:
        table.add_section()
        means = [sum(column) / len(sums) for column in zip(*sums, strict=True)]
        best = [*points, sum(points)]
        table.add_row("mean", *(f"{100 * mean / most:.0f}%" for mean, most in zip(means, best, strict=True)), "")
    return table


def score_cell(score: float | None, most: float) -> Text:
    """A score as text, in the colour of what was lost; a dash where there is no verdict."""
    if score is None:
        return Text("–")
    return Text(f"{score:g}", COLORS["full" if score >= most else "part" if score else "none"])
