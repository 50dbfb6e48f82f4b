"""No false alarms: right solutions are accepted whatever inputs are drawn, seed after seed.

Two seeds always; SOAK_SEEDS of them (1000) with ``make soak``, whose results stand in ``docs/soak.md``.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from course_lib import assignments
from course_lib.checking.assertions import CheckFailure
from course_lib.engine.errors import Stop, StudentError
from course_lib.engine.proxy import LoopbackPeer, Student
from tests.assignments.test_contract import GROUPS, reference, solution, variants

SEEDS = int(os.environ.get("SOAK_SEEDS", "1000"))
CHUNK = 25


def right_solutions(name: str, question: str) -> list[tuple[str, dict[str, Any]]]:
    """The reference, the notebook's solution, and the variants of this question."""
    entry_points = set(assignments.load(name).question(question).entry_points)
    used = [(label, {**solution(name), **parts}) for label, parts in variants(name) if entry_points & set(parts)]
    return [("the reference", reference(name)), ("the notebook's solution", solution(name)), *used]


def false_alarms(name: str, question: str, seeds: range) -> list[str]:
    """What was refused, with the seed that shows it."""
    found = []
    students = [(label, Student(LoopbackPeer(namespace))) for label, namespace in right_solutions(name, question)]
    for prop in assignments.groups(name)[question].properties:
        # What draws nothing is the same for every seed; test_contract.py holds the right solutions against it.
        for seed in seeds if hasattr(prop.function, "hypothesis") else ():
            for label, student in students:
                student.forget()
                try:
                    prop.try_examples(student, seed)
                except (CheckFailure, StudentError, Stop) as error:
                    call = student.last_call
                    found.append(f"{prop.name}, seed {seed}: {label}: {error}: {call.name}{call.args}")
    return found


@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_right_solutions_are_accepted_under_two_seeds(name, question):
    assert false_alarms(name, question, range(2)) == []


@pytest.mark.soak
@pytest.mark.parametrize(("name", "question"), GROUPS)
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_right_solutions_are_accepted_under_many_seeds(name, question, first):
    assert false_alarms(name, question, range(first, min(first + CHUNK, SEEDS))) == []
