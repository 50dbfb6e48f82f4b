"""Turns a student's functions into verdicts: runs test groups through the proxy, whatever that does to the kernel.

The only module besides ``course_lib.diagnosis`` that meets both hidden tests and student code, and it meets the code
only through ``proxy``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from course_lib.checking.groups import Group, PropertyResult, Verdict, run_property
from course_lib.checking.model import Assignment, Question
from course_lib.diagnosis import Diagnosis, diagnose
from course_lib.engine.connection import SocketPeer
from course_lib.engine.errors import WorkerDied
from course_lib.engine.forbidden import Shortcuts
from course_lib.engine.proxy import Student

MAX_TIME_LIMITS = 2
MAX_DEATHS = 3


class Worker(Protocol):
    """Where a student's functions live: ``engine.notebook.NotebookRunner``, or a double in tests."""

    def peer(self, call_seconds: float) -> SocketPeer:
        """The connection to a live kernel. Raises ``WorkerDied`` if there can be none any more."""


@dataclass
class QuestionResult:
    """The verdicts of one question.

    Attributes:
        question_id, title: of the question.
        properties: in the order of the test group.
        diagnosis: the misconception that the student's code reproduces, if one does.
        findings: notes for the TA, as sentences (for example code that could hide a forbidden name).
    """

    question_id: str
    title: str
    properties: list[PropertyResult]
    diagnosis: Diagnosis | None = None
    findings: list[str] = field(default_factory=list)

    @property
    def score(self) -> float:
        return sum(p.earned for p in self.properties)

    @property
    def points(self) -> float:
        return sum(p.points for p in self.properties)

    @property
    def not_graded(self) -> list[str]:
        """Why properties have no verdict: faults of the tests, never of the student."""
        return [f"{p.name}: {p.message}" for p in self.properties if p.verdict is Verdict.NOT_GRADED]

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ``grading.json``."""
        properties = []
        for each in self.properties:
            kept = {key: value for key, value in vars(each).items() if key not in ("trace", "curves")}
            properties.append({**kept, "earned": each.earned})
        return {
            "question": self.question_id,
            "title": self.title,
            "score": self.score,
            "points": self.points,
            "properties": properties,
            "diagnosis": asdict(self.diagnosis) if self.diagnosis else None,
            "findings": self.findings,
            "not_graded": self.not_graded,
        }


def forbidden_result(question: Question, group: Group, shortcuts: Shortcuts) -> QuestionResult:
    """The verdicts of a question that is solved by a forbidden shortcut. Nothing is run for it."""
    message = shortcuts.message(question)
    results = [PropertyResult(p.name, p.title, p.points, Verdict.FORBIDDEN, message=message) for p in group.properties]
    return QuestionResult(question.id, question.title, results, findings=shortcuts.notes)


def grade_question(question: Question, group: Group, assignment: Assignment, worker: Worker) -> QuestionResult:
    """Run every property of a question. One that ends the kernel does not keep the next from running.

    After ``MAX_TIME_LIMITS`` that ran into the time limit, or ``MAX_DEATHS`` that ended the kernel, the rest is not
    run: a class has to be graded, and the other exercises need kernels too.
    """
    pending = list(group.properties)
    results: list[PropertyResult] = []
    deaths = 0

    def leave_out(verdict: Verdict, why: str) -> list[PropertyResult]:
        note = f"not run: {why} before"
        return [PropertyResult(p.name, p.title, p.points, verdict, message=note) for p in pending]

    while pending:
        if sum(r.verdict is Verdict.TIME_LIMIT for r in results) == MAX_TIME_LIMITS:
            why = f"{MAX_TIME_LIMITS} checks of this exercise ran into the time limit"
            results += leave_out(Verdict.TIME_LIMIT, why)
            break
        if deaths == MAX_DEATHS:
            results += leave_out(Verdict.RUNTIME_ERROR, f"{MAX_DEATHS} checks of this exercise ended the kernel")
            break
        try:
            with worker.peer(question.call_seconds) as peer:
                results.append(run_property(pending[0], Student(peer), group.parameters))
                pending.pop(0)
        except WorkerDied as death:
            deaths += 1
            prop = pending.pop(0)
            results.append(
                PropertyResult(prop.name, prop.title, prop.points, Verdict.RUNTIME_ERROR, message=str(death))
            )
    diagnosis = diagnose(assignment, question, group, results)
    for each in results:
        each.trace.clear()  # it holds all that came back
    return QuestionResult(question.id, question.title, results, diagnosis)
