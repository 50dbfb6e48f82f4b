"""Holds the hidden tests against solutions whose verdict is known: reference, notebook, misconceptions.

Prints the kill matrix of ``course verify``. Everything runs in this process, since all of it is the course's own code;
it goes through the same session and codec as a student's code. Must not be imported by the engine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from course_lib import assignments
from course_lib.checking.adapters import numpy_namespace
from course_lib.checking.groups import Group, PropertyResult, Verdict
from course_lib.checking.model import Assignment, Misconception
from course_lib.engine.proxy import LoopbackPeer, Student


def reference_namespace(assignment: Assignment) -> dict[str, Any]:
    """The assignment's reference solutions as a student would have defined them."""
    names = tuple(name for question in assignment.questions for name in question.entry_points)
    return numpy_namespace(assignment.module("reference"), names)


def notebook_namespace(notebook: Path) -> dict[str, Any]:
    """What the source notebook's cells tagged ``setup`` and its autograded solution cells define.

    ``checks`` in the namespace is that assignment's module of visible checks.
    """
    notebook = notebook.resolve()
    namespace: dict[str, Any] = {"__name__": "notebook"}
    with _import_from(notebook.parent):
        for cell in nbformat.read(notebook, as_version=4).cells:
            grading = cell.metadata.get("nbgrader", {})
            is_solution = grading.get("solution") and not grading.get("grade")
            if cell.cell_type == "code" and (is_solution or "setup" in cell.metadata.get("tags", [])):
                source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
                exec(compile(source, f"{notebook.name}:{grading.get('grade_id', 'setup')}", "exec"), namespace)
    return namespace


def visible_checks(notebook: Path) -> dict[str, str]:
    """Source of the notebook's grade cells, by question id."""
    cells = nbformat.read(notebook, as_version=4).cells
    graded = [c for c in cells if c.cell_type == "code" and c.metadata.get("nbgrader", {}).get("grade")]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in graded}


@contextmanager
def _import_from(folder: Path) -> Iterator[None]:
    """Notebooks import ``checks`` and others from their own folder: forget them after, so that each gets its own."""
    names = [path.stem for path in folder.glob("*.py")]
    old = os.getcwd()
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(old)
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)


def run_group(group: Group, namespace: dict[str, Any]) -> list[PropertyResult]:
    """One test group against one solution, in this process."""
    return list(group.run(Student(LoopbackPeer(namespace))))


@dataclass
class Row:
    """One line of the kill matrix.

    Attributes:
        misconception: the wrong solution.
        results: by question id, the property results of every group.
        problems: what is not as declared, as sentences; empty if all is well.
    """

    misconception: Misconception
    results: dict[str, list[PropertyResult]]
    problems: list[str]


def failed(results: list[PropertyResult]) -> bool:
    """Whether any property was not accepted."""
    return any(r.verdict is not Verdict.ACCEPTED for r in results)


def check_misconception(assignment: Assignment, wrong: Misconception, right: dict[str, Any]) -> Row:
    """Run every group against ``right`` with one entry point replaced by a misconception."""
    results = {
        question_id: run_group(group, {**right, wrong.entry_point: wrong.solution})
        for question_id, group in assignments.groups(assignment.name).items()
    }
    problems = []
    for question_id, outcome in results.items():
        problems += [f"{question_id}.{r.name}: {r.message}" for r in outcome if r.verdict is Verdict.NOT_GRADED]
        if question_id in wrong.fails and not failed(outcome):
            problems.append(f"survives {question_id}")
        if question_id not in wrong.fails and failed(outcome):
            problems.append(f"fails {question_id} too, which it does not declare")
    problems += [f"names the unknown question {q}" for q in wrong.fails if q not in results]
    return Row(wrong, results, problems)
