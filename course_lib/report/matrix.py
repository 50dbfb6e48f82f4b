"""What ``course verify`` and ``course mutants`` print: right and wrong solutions against every test group."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib import assignments, mutation, verify
from course_lib.checking.groups import PropertyResult, Verdict
from course_lib.checking.model import Assignment

Failures = dict[str, list[frozenset[str]]]

LEAST_KILLED = 0.98
"""Of an assignment's mutants that are not equivalent."""


def notebook_of(assignment: Assignment, root: Path) -> Path:
    """The source notebook."""
    return root / "source" / assignment.name / f"{assignment.name}.ipynb"


def accepted_of(assignment: Assignment, root: Path) -> verify.Accepted:
    """What the tests of the assignment accept with a reason."""
    return verify.Accepted.read(root / "tests" / "assignments" / assignment.name / "accepted.toml")


def verify_and_show(console: Console, assignment: Assignment, root: Path) -> bool:
    """Print an assignment's kill matrix and problems. True if there are none."""
    groups = assignments.groups(assignment.name)
    solution = verify.notebook_namespace(notebook_of(assignment, root))
    table = Table(title=f"{assignment.name}: properties failed of each group", title_justify="left")
    table.add_column("solution", overflow="fold")
    for number in range(1, len(assignment.questions) + 1):
        table.add_column(f"Q{number}", justify="center", no_wrap=True)
    problems = []
    for label, namespace in (("reference", verify.reference_namespace(assignment)), ("notebook", solution)):
        results = {q: verify.run_group(group, namespace) for q, group in groups.items()}
        table.add_row(f"[bold]{label}[/]", *(mark(r) for r in results.values()))
        problems += [f"{label} fails {q}" for q, outcome in results.items() if verify.failed(outcome)]
    failures: Failures = defaultdict(list)
    for wrong in assignment.misconceptions():
        row = verify.check_misconception(assignment, wrong, solution)
        table.add_row(wrong.name, *(mark(r) for r in row.results.values()))
        problems += [f"{wrong.name}: {problem}" for problem in row.problems]
        for question_id, outcome in row.results.items():
            failures[question_id].append(verify.failed(outcome))
    console.print(table)
    mutants = _held_against_mutants(assignment, root)
    for number, question in enumerate(assignment.questions, 1):
        started = time.perf_counter()
        verify.run_group(groups[question.id], solution)
        spent = (time.perf_counter() - started) * 1000
        points = groups[question.id].points
        console.print(f"Q{number} {question.id}: {points:g} points, {spent:.0f} ms; {mutants.lines[question.id]}")
        failures[question.id] += mutants.failures[question.id]
    console.print(f"{len(assignment.misconceptions())} misconceptions; {mutants.total}")
    problems += mutants.problems + _properties(console, assignment, root, failures)
    return _concluded(console, assignment, problems)


def mutants_and_show(console: Console, assignment: Assignment, root: Path) -> bool:
    """Print how many mutants of each question's solution are killed, and which survive. True if all is as accepted."""
    mutants = _held_against_mutants(assignment, root)
    for number, (question_id, line) in enumerate(mutants.lines.items(), 1):
        console.print(f"Q{number} {question_id}: {line}")
    console.print(mutants.total)
    return _concluded(console, assignment, mutants.problems)


@dataclass
class Mutants:
    """What came of an assignment's mutants.

    Attributes:
        lines: by question id, how many were killed, in words.
        total: the same for all questions.
        failures: by question id, the properties that each mutant fails.
        problems: what is not as accepted.
    """

    lines: dict[str, str]
    total: str
    failures: Failures
    problems: list[str]


def _held_against_mutants(assignment: Assignment, root: Path) -> Mutants:
    accepted = accepted_of(assignment, root)
    notebook = notebook_of(assignment, root)
    cells, solution = verify.solution_cells(notebook), verify.notebook_namespace(notebook)
    lines, failures, problems, survivors = {}, {}, [], set()
    all_killed = all_wrong = 0
    for question_id, group in assignments.groups(assignment.name).items():
        outcomes = list(mutation.run_mutants(group, cells[question_id], solution))
        survived = {outcome.mutant.name for outcome in outcomes if not outcome.failed}
        equivalent = len(survived & accepted.equivalent.keys())
        killed, wrong = len(outcomes) - len(survived), len(outcomes) - equivalent
        lines[question_id] = f"{killed} of {wrong} mutants killed" + (
            f", {equivalent} equivalent" if equivalent else ""
        )
        problems += [f"{question_id}: the test fails itself on {o.mutant.name}: {o.fault}" for o in outcomes if o.fault]
        failures[question_id] = [outcome.failed for outcome in outcomes]
        survivors |= survived
        all_killed, all_wrong = all_killed + killed, all_wrong + wrong
    listed = accepted.equivalent.keys() | accepted.not_caught.keys()
    problems += [f"survives: {name}" for name in sorted(survivors - listed)]
    problems += [f"accepted as a survivor, but is none: {name}" for name in sorted(listed - survivors)]
    if all_killed < LEAST_KILLED * all_wrong:
        problems.append(f"fewer than {LEAST_KILLED:.0%} of the mutants are killed")
    total = f"{all_killed} of {all_wrong} mutants killed ({all_killed / all_wrong:.1%})"
    return Mutants(lines, total, failures, problems)


def _properties(console: Console, assignment: Assignment, root: Path, failures: Failures) -> list[str]:
    """Say which properties are needed to catch every wrong solution, and return those that are not, unaccepted."""
    groups = assignments.groups(assignment.name)
    accepted = accepted_of(assignment, root).partial_credit.keys()
    everything = {f"{question_id}.{p.name}" for question_id, group in groups.items() for p in group.properties}
    spare = {f"{q}.{name}" for q, group in groups.items() for name in verify.not_needed(group, failures[q])}
    console.print(f"{len(everything - spare)} of {len(everything)} properties each catch something that no other does.")
    if spare & accepted:
        console.print(f"For partial credit only: {', '.join(sorted(spare & accepted))}")
    problems = [f"{name} is not needed: nothing is caught by it alone" for name in sorted(spare - accepted)]
    return problems + [f"{name} is accepted as not needed, but is needed" for name in sorted(accepted - spare)]


def _concluded(console: Console, assignment: Assignment, problems: list[str]) -> bool:
    for problem in problems:
        console.print(f"PROBLEM {problem}", style="bold red", markup=False, soft_wrap=True)
    console.print(f"{assignment.name}: {len(problems)} problems\n")
    return not problems


def mark(results: list[PropertyResult]) -> str:
    """How many properties of a group failed: ``·`` for none, ``2/5`` for two of five."""
    wrong = sum(r.verdict is not Verdict.ACCEPTED for r in results)
    return f"{wrong}/{len(results)}" if wrong else "·"
