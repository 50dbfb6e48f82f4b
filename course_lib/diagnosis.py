"""From failing outputs to the misconception that produces the same outputs.

A misconception explains a failure if it returns, for every call of the failing checks, what the student's code
returned, and fails the same checks. It is run in this process; the student's code is not.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from course_lib.checking.adapters import numpy_namespace
from course_lib.checking.assertions import CheckFailure
from course_lib.checking.groups import Group, PropertyResult, Verdict
from course_lib.checking.model import Assignment, Misconception, Question
from course_lib.engine.errors import Stop, StudentError
from course_lib.engine.proxy import Call, LoopbackPeer, Student, StudentObject
from course_lib.worker.codec import Opaque

RTOL = 1e-7
"""Two programs that compute the same formula in another order agree far better; two formulas hardly ever do."""


@dataclass(frozen=True)
class Diagnosis:
    """A misconception that the student's code reproduces.

    Attributes:
        misconception: its name, for class reports.
        belief: what one must believe to write it, for the TA.
        hint: for the student.
    """

    misconception: str
    belief: str
    hint: str


def diagnose(
    assignment: Assignment, question: Question, group: Group, results: list[PropertyResult]
) -> Diagnosis | None:
    """The first misconception that explains every failing property of the question, or None."""
    failing = [r for r in results if r.verdict in (Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR)]
    if not failing or not all(r.trace for r in failing):
        return None
    names = {r.name for r in failing}
    unknown = {r.name for r in results if r.verdict is not Verdict.ACCEPTED} - names
    for wrong in assignment.misconceptions():
        if question.id not in wrong.fails:
            continue
        if not all(explains(wrong, r.trace, assignment, question) for r in failing):
            continue
        if failed_by(wrong, assignment, question, group) - unknown == names:
            return Diagnosis(wrong.name, wrong.belief, wrong.hint)
    return None


def student_with(wrong: Misconception, assignment: Assignment, question: Question) -> Student:
    """A student who has all of the question right but for this misconception."""
    right = numpy_namespace(assignment.module("reference"), question.entry_points)
    return Student(LoopbackPeer({**right, wrong.entry_point: wrong.solution}))


@cache
def failed_by(wrong: Misconception, assignment: Assignment, question: Question, group: Group) -> frozenset[str]:
    """Names of the properties that the misconception fails."""
    student = student_with(wrong, assignment, question)
    failed = set()
    for each in group.properties:
        student.forget()
        try:
            each.try_examples(student)
        except (CheckFailure, StudentError, Stop):
            failed.add(each.name)
    return frozenset(failed)


def explains(wrong: Misconception, trace: list[Call], assignment: Assignment, question: Question) -> bool:
    """The misconception does the same as the recorded code in every call of ``trace``, and is called at least once."""
    student = student_with(wrong, assignment, question)
    objects: dict[Call, StudentObject] = {}
    used = False
    for call in trace:
        target = None
        if call.target is not None:
            target = objects.get(call.target.made_by)
            if target is None:  # made before the recorded part
                return False
        owner = call.name if call.target is None else call.target.made_by.name
        used = used or owner == wrong.entry_point
        # Copies: what a function answers may depend on how often its object was asked before.
        args, kwargs = copy.deepcopy((call.args, call.kwargs))
        try:
            value = student.call(target, call.name, args, kwargs)
        except StudentError as error:
            if call.error is None or call.error.type_name != error.type_name:
                return False
            continue
        except (Stop, Exception):
            return False
        if isinstance(value, StudentObject):
            objects[call] = value
        elif call.error is not None or not same(value, call.value):
            return False
        if student.last_call.changed != call.changed or bool(student.last_call.warnings) != bool(call.warnings):
            return False
    return used


def same(a: Any, b: Any) -> bool:
    """Equal up to rounding, in kind and shape; a list is no array, and single precision is not double."""
    if isinstance(a, (list, tuple)) or isinstance(b, (list, tuple)):
        both = isinstance(a, (list, tuple)) and isinstance(b, (list, tuple))
        return both and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if a is None or b is None or isinstance(a, (str, Opaque)) or isinstance(b, (str, Opaque)):
        return type(a) is type(b) and bool(a == b)
    try:
        left, right = np.asarray(a), np.asarray(b)
        alike = left.dtype == right.dtype if left.dtype.kind in "fc" else left.dtype.kind == right.dtype.kind
        return (
            alike
            and left.shape == right.shape
            and bool(np.allclose(left, right, rtol=RTOL, atol=1e-10, equal_nan=True))
        )
    except (TypeError, ValueError, OverflowError):  # an integer that no float holds
        return False
