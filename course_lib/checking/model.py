"""The words of the course as data: assignment, question, misconception. Imports nothing of the project."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Question:
    """One exercise: one grade cell, one test group.

    Attributes:
        id: grade cell id; the test group is the class ``Test<Id in camel case>`` of ``hidden_tests``.
        title: what the student implements, as a phrase.
        entry_points: the names that the student defines and the tests call.
        forbidden: dotted names (modules or functions) that would skip the exercise.
        call_seconds: time limit of one call into the student's code.
    """

    id: str
    title: str
    entry_points: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    call_seconds: float = 3.0

    @property
    def group_name(self) -> str:
        return "Test" + "".join(part.capitalize() for part in self.id.split("_"))


@dataclass(frozen=True)
class Misconception:
    """A wrong belief, as code.

    Attributes:
        name: ``entry_point__belief_in_short``.
        entry_point: the function or class that it replaces in an otherwise right solution.
        solution: the wrong function or class, in NumPy, as a student would write it.
        belief: what one must believe to write it, as a sentence for the TA.
        hint: a sentence for the student that points at the mistake and does not give the answer away.
        fails: ids of the questions whose test groups must fail, exactly.
        visible: the visible check of the notebook catches it; if not, that check says what it does not check.
    """

    name: str
    entry_point: str
    solution: Any
    belief: str
    hint: str
    fails: tuple[str, ...]
    visible: bool = True


@dataclass(frozen=True)
class Assignment:
    """One notebook of the course.

    Attributes:
        name: folder and notebook name, everywhere the same.
        title: heading for people.
        questions: in the order of the notebook.
    """

    name: str
    title: str
    questions: tuple[Question, ...]
    manual_questions: tuple[str, ...] = field(default=())

    def question(self, question_id: str) -> Question | None:
        return next((q for q in self.questions if q.id == question_id), None)

    def module(self, part: str) -> ModuleType:
        """One of ``reference``, ``strategies``, ``hidden_tests``, ``misconceptions``."""
        return importlib.import_module(f"course_lib.assignments.{self.name}.{part}")

    def misconceptions(self) -> list[Misconception]:
        found = vars(self.module("misconceptions")).values()
        return [m for m in found if isinstance(m, Misconception)]


def misconception(
    entry_point: str, *, belief: str, hint: str, fails: tuple[str, ...], visible: bool = True
) -> Callable[[Any], Misconception]:
    """Declare the decorated function or class a known-wrong ``entry_point``. It must be named ``entry_point__...``."""

    def declare(solution: Any) -> Misconception:
        if not solution.__name__.lower().startswith(entry_point.lower() + "__"):
            raise ValueError(
                f"the misconception {solution.__name__!r} must be named '{entry_point}__<belief in short>'"
            )
        return Misconception(solution.__name__, entry_point, solution, belief, hint, fails, visible)

    return declare
