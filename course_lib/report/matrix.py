"""The kill matrix of ``course verify``: right solutions and misconceptions against every test group."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib import assignments, verify
from course_lib.checking.groups import PropertyResult, Verdict
from course_lib.checking.model import Assignment


def verify_and_show(console: Console, assignment: Assignment, root: Path) -> bool:
    """Print an assignment's kill matrix and problems. True if there are none."""
    groups = assignments.groups(assignment.name)
    notebook = root / "source" / assignment.name / f"{assignment.name}.ipynb"
    solution = verify.notebook_namespace(notebook)
    table = Table(title=f"{assignment.name}: properties failed of each group", title_justify="left")
    table.add_column("solution", overflow="fold")
    for number in range(1, len(assignment.questions) + 1):
        table.add_column(f"Q{number}", justify="center", no_wrap=True)
    problems = []
    for label, namespace in (("reference", verify.reference_namespace(assignment)), ("notebook", solution)):
        results = {q: verify.run_group(group, namespace) for q, group in groups.items()}
        table.add_row(f"[bold]{label}[/]", *(mark(r) for r in results.values()))
        problems += [f"{label} fails {q}" for q, outcome in results.items() if verify.failed(outcome)]
    for wrong in assignment.misconceptions():
        row = verify.check_misconception(assignment, wrong, solution)
        table.add_row(wrong.name, *(mark(r) for r in row.results.values()))
        problems += [f"{wrong.name}: {problem}" for problem in row.problems]
    console.print(table)
    for number, question in enumerate(assignment.questions, 1):
        started = time.perf_counter()
        verify.run_group(groups[question.id], solution)
        spent = (time.perf_counter() - started) * 1000
        console.print(
            f"Q{number} {question.id}: {groups[question.id].points:g} points, {spent:.0f} ms", highlight=False
        )
    for problem in problems:
        console.print(f"PROBLEM {problem}", style="bold red", markup=False)
    count = len(assignment.misconceptions())
    console.print(f"{assignment.name}: {count} misconceptions, {len(problems)} problems\n")
    return not problems


def mark(results: list[PropertyResult]) -> str:
    """How many properties of a group failed: ``·`` for none, ``2/5`` for two of five."""
    wrong = sum(r.verdict is not Verdict.ACCEPTED for r in results)
    return f"{wrong}/{len(results)}" if wrong else "·"
