"""Grades a class: one controller process per core grades, this process alone writes the gradebook.

The seam is ``concurrent.futures.Executor``: anything that runs ``grade_submission(job)`` elsewhere and returns its
result will do. Can be killed at any point; the same command again grades what is missing.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from multiprocessing import connection
from typing import Any

from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.submission import Graded, Job, grade_submission, printable


@dataclass(frozen=True)
class Outcome:
    """One submission after the batch: status "graded", "needs attention" or "unchanged", and its record."""

    student: str
    status: str
    reason: str
    record: dict[str, Any]


def local_executor(jobs: int) -> ProcessPoolExecutor:
    """Grading processes of this machine, each pinned to a core with its fork server and kernels."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=prepare, initargs=(context.Value("i", 0),))


class LocalGraders:
    """Grading processes that stay from one assignment to the next. Use it as a context; call it for its executor."""

    def __init__(self, processes: int) -> None:
        self._processes = processes
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalGraders:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    @contextmanager
    def __call__(self) -> Iterator[Executor]:
        """The executor; a new one if a process of the last one has died."""
        executor = self._executor or self.start()
        try:
            yield executor
        except BaseException:
            self._close()
            raise
        if executor._broken:
            self._close()

    def start(self) -> ProcessPoolExecutor:
        """Start the processes already now: they take seconds until they are ready, in which there is other work."""
        self._executor = local_executor(self._processes)
        for _ in range(self._processes):  # each job starts one
            self._executor.submit(int)
        return self._executor

    def _close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None


def prepare(counter: Any) -> None:
    """Start of a grading process. It ends when the process that runs the batch does, however that ends."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    with counter.get_lock():
        number = counter.value
        counter.value += 1
    if hasattr(os, "sched_setaffinity"):  # a call through the proxy takes a third of the time on one core
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[number % len(cores)]})
    from course_lib.engine.forkserver import shared_server

    shared_server()


def end_with_parent() -> None:
    """Wait for the parent's end, then leave at once; the fork server and its kernels follow."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def grade_class(
    jobs: list[Job],
    writer: GradebookWriter,
    make_executor: Callable[[], AbstractContextManager[Executor]],
    *,
    force: bool = False,
) -> Iterator[Outcome]:
    """Grade every job whose submission has changed (all with ``force``), and yield each outcome when it is stored."""
    pending = []
    for job in jobs:
        if not force and writer.is_unchanged(job.student):
            yield Outcome(job.student, "unchanged", "", writer.record(job.student))
        else:
            pending.append(job)
    for graded in run_jobs(pending, make_executor):
        yield store(graded, writer)


def store(graded: Graded, writer: GradebookWriter) -> Outcome:
    """Save what came of a job. A result that cannot be saved needs attention, and the batch goes on.

    Raises:
        Exception: not even that can be saved, so the fault is not the submission's.
    """
    try:
        record = writer.save(graded)
    except Exception as error:
        reason = printable(f"its result could not be saved: {type(error).__name__}: {error}")
        graded = Graded(graded.job, "needs attention", reason)
        record = writer.save(graded)
    return Outcome(graded.job.student, graded.status, graded.reason, record)


def run_jobs(jobs: list[Job], make_executor: Callable[[], AbstractContextManager[Executor]]) -> Iterator[Graded]:
    """Run all jobs, in any order. If a grading process dies, find out which job kills it by halving what is left.

    A job needs attention when a process dies again while nothing else runs; all others are graded beside each other.
    """
    groups = [jobs] if jobs else []
    died = False
    while groups:
        group = groups.pop()
        error: Exception | None = None
        left: list[Job] = []
        with make_executor() as executor:
            futures = {executor.submit(grade_submission, job): job for job in group}
            for future in as_completed(futures):
                try:
                    graded = future.result()
                except Exception as failure:  # each kind of executor says in its own way that a process died
                    error = failure
                    left.append(futures[future])
                else:
                    yield graded
        if error and died and len(group) == 1:
            reason = f"the grading process died while it graded this, twice ({type(error).__name__})"
            yield Graded(group[0], "needs attention", reason)
        elif left:
            died = True
            left.sort(key=group.index)  # the one that killed had been started, so it is among the first
            middle = (len(left) + 1) // 2
            groups += [half for half in (left[middle:], left[:middle]) if half]
