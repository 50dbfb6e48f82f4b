"""The course: its assignments, in order. The only such list."""

from __future__ import annotations

import importlib
from functools import cache

from course_lib.checking.adapters import parameters
from course_lib.checking.groups import Group
from course_lib.checking.model import Assignment

NAMES = ("backprop", "optimizers", "initialization", "dropout", "moe", "double_descent", "scaling_laws", "condensation")


def load(name: str) -> Assignment:
    """The assignment of this name.

    Raises:
        KeyError: there is none; the message lists those there are.
    """
    if name not in NAMES:
        raise KeyError(f"unknown assignment {name!r}; the course has {', '.join(NAMES)}")
    assignment: Assignment = importlib.import_module(f"course_lib.assignments.{name}").ASSIGNMENT
    return assignment


@cache
def groups(name: str) -> dict[str, Group]:
    """The test groups of an assignment by question id, collected once per process."""
    assignment = load(name)
    hidden_tests, reference = assignment.module("hidden_tests"), assignment.module("reference")
    return {
        question.id: Group(
            question.id,
            getattr(hidden_tests, question.group_name),
            parameters(reference, question.entry_points),
        )
        for question in assignment.questions
    }
