"""The batch without kernels: what is graded again, what happens when grading processes die, that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from course_lib.engine.batch import grade_class, run_jobs
from course_lib.engine.submission import Graded, Job


class PlayedExecutor(Executor):
    """Runs jobs at once in this process; a poisonous one breaks the pool for itself and all later ones.

    ``together`` counts the jobs that were submitted before the first result was asked for.
    """

    def __init__(self, poison: set[str], error: type[Exception] = BrokenProcessPool) -> None:
        self.poison, self.broken, self.ran = poison, False, []  # type: ignore[var-annotated]
        self.error = error
        self.together, self.asked = 0, False

    def submit(self, function: Any, job: Job, /, *args: Any, **kwargs: Any) -> Future[Graded]:  # type: ignore[override]
        future = PlayedFuture(self)
        self.together += not self.asked
        self.broken = self.broken or job.student in self.poison
        if self.broken:
            future.set_exception(self.error("a process died"))
        else:
            self.ran.append(job.student)
            future.set_result(Graded(job, "graded"))
        return future


class PlayedFuture(Future[Graded]):
    def __init__(self, executor: PlayedExecutor) -> None:
        super().__init__()
        self.executor = executor

    def result(self, timeout: float | None = None) -> Graded:
        self.executor.asked = True
        return super().result(timeout)


def jobs(*students: str) -> list[Job]:
    return [Job("/course", "toy", student) for student in students]


def statuses(results: Iterator[Graded]) -> dict[str, str]:
    return {graded.job.student: graded.status for graded in results}


@pytest.mark.parametrize("poison", [set(), {"a"}, {"b"}, {"d"}, {"a", "c"}, {"a", "b", "c", "d"}])
def test_a_submission_that_kills_its_grader_costs_nobody_else_a_grade(poison):
    found = statuses(run_jobs(jobs("a", "b", "c", "d"), lambda: PlayedExecutor(poison)))
    assert found == {s: "needs attention" if s in poison else "graded" for s in "abcd"}


def test_a_class_is_graded_side_by_side_although_one_submission_kills_its_grader():
    """Of 256 submissions at most 80 are graded with less than 64 to share the cores."""
    students = [f"{number:03}" for number in range(256)]
    for poison in ("000", "100", "255"):
        executors: list[PlayedExecutor] = []

        def make(poison: str = poison, executors: list[PlayedExecutor] = executors) -> PlayedExecutor:
            executors.append(PlayedExecutor({poison}))
            return executors[-1]

        found = statuses(run_jobs(jobs(*students), make))
        assert found == {s: "needs attention" if s == poison else "graded" for s in students}
        assert sum(len(e.ran) for e in executors) == 255, "nobody is graded twice"
        assert sum(len(e.ran) for e in executors if e.together < 64) <= 80
        assert len(executors) <= 20


def test_other_executors_say_in_another_way_that_a_process_died():
    class KilledWorker(Exception):  # as Dask's
        pass

    found = list(run_jobs(jobs("a", "b", "c"), lambda: PlayedExecutor({"b"}, KilledWorker)))
    assert statuses(iter(found)) == {"a": "graded", "b": "needs attention", "c": "graded"}
    assert [graded.reason for graded in found if graded.reason] == [
        "the grading process died while it graded this, twice (KilledWorker)"
    ]


def test_an_error_of_who_takes_the_results_is_no_death_of_a_grader():
    results = run_jobs(jobs("a", "b"), lambda: PlayedExecutor(set()))
    next(results)
    with pytest.raises(OSError, match="disk"):
        results.throw(OSError("the disk is full"))  # type: ignore[attr-defined]


def test_no_jobs_need_no_executor():
    def make() -> Executor:
        raise AssertionError("no executor is needed")

    assert list(run_jobs([], make)) == []


class PlayedWriter:
    """A gradebook that remembers who was saved."""

    def __init__(self, unchanged: set[str]) -> None:
        self.unchanged, self.saved = unchanged, []  # type: ignore[var-annotated]

    def is_unchanged(self, student: str) -> bool:
        return student in self.unchanged

    def record(self, student: str) -> dict[str, Any]:
        return {"student": student, "old": True}

    def save(self, graded: Graded) -> dict[str, Any]:
        self.saved.append(graded.job.student)
        return {"student": graded.job.student}


@pytest.fixture
def executor() -> Callable[[], Executor]:
    return lambda: PlayedExecutor(set())


def test_unchanged_submissions_are_reported_and_not_graded(executor):
    writer: Any = PlayedWriter({"a", "c"})
    outcomes = list(grade_class(jobs("a", "b", "c"), writer, executor))
    assert {o.student: o.status for o in outcomes} == {"a": "unchanged", "b": "graded", "c": "unchanged"}
    assert writer.saved == ["b"]
    assert next(o for o in outcomes if o.student == "a").record == {"student": "a", "old": True}


def test_force_grades_unchanged_submissions_too(executor):
    writer: Any = PlayedWriter({"a", "b"})
    outcomes = list(grade_class(jobs("a", "b"), writer, executor, force=True))
    assert sorted(writer.saved) == ["a", "b"]
    assert {o.status for o in outcomes} == {"graded"}


def test_every_outcome_is_saved_before_it_is_reported(executor):
    writer: Any = PlayedWriter(set())
    for count, _ in enumerate(grade_class(jobs("a", "b", "c"), writer, executor), 1):
        assert len(writer.saved) == count
