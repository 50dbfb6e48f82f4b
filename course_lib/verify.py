"""Holds the hidden tests against solutions whose verdict is known: reference, notebook, misconceptions, mutants.

Prints the kill matrix of ``course verify``. Everything runs in this process, since all of it is the course's own code;
it goes through the same session and codec as a student's code. Must not be imported by the engine.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from course_lib import assignments
from course_lib.checking.adapters import numpy_namespace
from course_lib.checking.assertions import CheckFailure
from course_lib.checking.groups import Group, PropertyResult, Verdict
from course_lib.checking.model import Assignment, Misconception
from course_lib.engine.errors import Stop, StudentError
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
    cells = _code_cells(notebook)
    with _import_from(notebook.parent):
        for cell in cells:
            if _is_solution(cell) or "setup" in cell.metadata.get("tags", []):
                source = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
                name = cell.metadata.get("nbgrader", {}).get("grade_id", "setup")
                exec(compile(source, f"{notebook.name}:{name}", "exec"), namespace)
    return namespace


def solution_cells(notebook: Path) -> dict[str, str]:
    """Source of the notebook's autograded solution cells, by question id."""
    solutions = filter(_is_solution, _code_cells(notebook))
    return {cell.metadata.nbgrader.grade_id.removesuffix("_solution"): cell.source for cell in solutions}


def visible_checks(notebook: Path) -> dict[str, str]:
    """Source of the notebook's grade cells, by question id."""
    graded = [cell for cell in _code_cells(notebook) if cell.metadata.get("nbgrader", {}).get("grade")]
    return {cell.metadata.nbgrader.grade_id: cell.source for cell in graded}


def _code_cells(notebook: Path) -> list[Any]:
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]


def _is_solution(cell: Any) -> bool:
    grading = cell.metadata.get("nbgrader", {})
    return bool(grading.get("solution") and not grading.get("grade"))


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


def failed_properties(group: Group, namespace: dict[str, Any]) -> frozenset[str]:
    """Names of the properties that do not accept a solution. Smallest failing inputs are not searched: it is quick."""
    student = Student(LoopbackPeer(namespace))
    found = set()
    for prop in group.properties:
        student.forget()
        try:
            prop.try_examples(student)
        except (CheckFailure, StudentError, Stop):
            found.add(prop.name)
    return frozenset(found)


def not_needed(group: Group, failures: list[frozenset[str]]) -> set[str]:
    """Properties without which every one of the wrong solutions, given by what they fail, would still be caught."""
    return {prop.name for prop in group.properties} - {name for names in failures if len(names) == 1 for name in names}


@dataclass(frozen=True)
class Accepted:
    """What the kill matrix of an assignment need not show, each with the reason why.

    Attributes:
        equivalent: mutants that are right solutions.
        not_caught: mutants that are wrong and survive.
        partial_credit: properties (``question.test_name``) that catch nothing alone, and are there for their points.
    """

    equivalent: dict[str, str]
    not_caught: dict[str, str]
    partial_credit: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Accepted:
        """From a TOML file of tables ``[[equivalent]]`` and so on, each a ``reason`` and a list of ``names``."""
        tables = tomllib.loads(path.read_text()) if path.exists() else {}
        kinds = ("equivalent", "not_caught", "partial_credit")
        return cls(*({name: t["reason"] for t in tables.get(kind, []) for name in t["names"]} for kind in kinds))


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


def failed(results: list[PropertyResult]) -> frozenset[str]:
    """Names of the properties that were not accepted."""
    return frozenset(r.name for r in results if r.verdict is not Verdict.ACCEPTED)


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
