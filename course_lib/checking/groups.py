"""Test groups: classes whose ``@check`` methods are properties with points, and how one is run against a student.

A property is a plain pytest test that takes a ``student``; with hypothesis's ``given`` it takes drawn inputs too.
Its examples are drawn once per process and tried on every student; only where one fails does Hypothesis search for
the smallest failing input. Both are derandomised, so the same submission gets the same verdict everywhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import HypothesisException, UnsatisfiedAssumption
from hypothesis.internal.conjecture import providers
from hypothesis.strategies import DataObject

from course_lib.checking.assertions import CheckFailure
from course_lib.checking.curves import Curves
from course_lib.checking.freezing import freeze
from course_lib.checking.rendering import render_call
from course_lib.engine.errors import MemoryLimit, Missing, NotAttempted, Stop, StudentError, TimeLimit

if TYPE_CHECKING:
    from course_lib.engine.proxy import Call, Student

SETTINGS = hypothesis.settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # the explain phase costs 30 times as much
    report_multiple_bugs=False,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
)

# Hypothesis also draws constants that it finds in the code of all loaded local modules. Then the examples would depend
# on where the project lies and on what this process has graded before.
providers._get_local_constants = providers.Constants

F = TypeVar("F", bound=Callable[..., Any])

SHRINK_EXECUTIONS = 400
"""A search for the smallest failing input ends after so many runs: a count, not a time, to be deterministic."""


class Verdict(StrEnum):
    """What came of one property."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong answer"
    TIME_LIMIT = "time limit"
    MEMORY_LIMIT = "memory limit"
    RUNTIME_ERROR = "runtime error"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    NOT_GRADED = "not graded"


@dataclass
class PropertyResult:
    """One property's verdict and, unless accepted, the smallest input that shows why.

    Attributes:
        name: the test's name, for class reports; never shown to students.
        title: what was checked.
        points: the most it gives.
        verdict: see ``Verdict``.
        call: the failing call as a line of Python.
        message: one sentence.
        got, expected: rendered values.
        trace: the calls made, for diagnosis; not kept.
        curves: what the feedback draws, if the test measured curves; not kept.
    """

    name: str
    title: str
    points: float
    verdict: Verdict
    call: str = ""
    message: str = ""
    got: str | None = None
    expected: str | None = None
    trace: list[Call] = field(default_factory=list, repr=False, compare=False)
    curves: Curves | None = field(default=None, repr=False, compare=False)

    @property
    def earned(self) -> float:
        return self.points if self.verdict is Verdict.ACCEPTED else 0.0


@dataclass(frozen=True)
class Check:
    """What ``@check`` says of a property."""

    title: str
    points: float


def check(title: str, *, points: float = 1, examples: int = 20) -> Callable[[F], F]:
    """Make a test method a property that is worth ``points``.

    Args:
        title: what is checked, for the student: a phrase that does not give the answer away.
        examples: how many inputs are drawn, if the test has ``given``.
    """

    def mark(function: F) -> F:
        if points <= 0:
            raise ValueError(f"{function.__qualname__}: points must be positive, got {points}")
        function.check = Check(title, points)  # type: ignore[attr-defined]
        if hasattr(function, "hypothesis"):
            return hypothesis.settings(SETTINGS, max_examples=examples)(function)
        return function

    return mark


class Property:
    """One ``@check`` method of a test group."""

    def __init__(self, group: type, name: str) -> None:
        self.group = group
        self.name = name
        self.function = getattr(group, name)
        self.title: str = self.function.check.title
        self.points: float = self.function.check.points
        self._examples: dict[int | None, list[dict[str, Any]]] = {}

    def examples(self, seed: int | None = None) -> list[dict[str, Any]]:
        """The drawn inputs, read-only: the derandomised ones, or those of a random ``seed`` (for soak runs).

        The derandomised ones are kept, and those of the last seed.
        """
        if seed not in self._examples:
            self._examples = {key: drawn for key, drawn in self._examples.items() if key is None}
            self._examples[seed] = self._draw(seed)
        return self._examples[seed]

    def _draw(self, seed: int | None) -> list[dict[str, Any]]:
        if not hasattr(self.function, "hypothesis"):
            return [{}]
        drawn: list[dict[str, Any]] = []

        def record(*_: Any, **inputs: Any) -> None:
            inputs = {key: value for key, value in inputs.items() if key not in ("self", "student")}
            if any(isinstance(value, DataObject) for value in inputs.values()):
                raise TypeError(f"{self.group.__name__}.{self.name} draws with data(): build a strategy instead")
            drawn.append({key: freeze(value) for key, value in inputs.items()})

        with self._replaced(record, seed):
            self.function(self.group(), student=None)
        return drawn

    def try_examples(self, student: Student, seed: int | None = None) -> None:
        """Run the body on every example. Raises what the first failing one raises."""
        body = self.function.hypothesis.inner_test if hasattr(self.function, "hypothesis") else self.function
        instance = self.group()
        made = student.calls_made
        for inputs in self.examples(seed):
            try:
                body(instance, student=student, **inputs)
            except UnsatisfiedAssumption:
                continue
        if student.calls_made == made:
            raise RuntimeError(f"{self.group.__name__}.{self.name} passed without one call into the student's code")

    def smallest_failure(self, student: Student) -> tuple[Exception, list[Call]] | None:
        """Let Hypothesis search the smallest failing input. None if nothing fails any more."""
        if not hasattr(self.function, "hypothesis"):
            return None
        body = self.function.hypothesis.inner_test
        last: tuple[Exception, list[Call]] | None = None
        executions = 0

        def counted(*args: Any, **kwargs: Any) -> None:
            # Hypothesis passes over the last failing run only to replay it, so the last failure is the smallest.
            nonlocal last, executions
            executions += 1
            if executions > SHRINK_EXECUTIONS:
                raise _EnoughShrinking
            student.trace.clear()
            try:
                body(*args, **kwargs)
            except (CheckFailure, StudentError) as error:
                last = error, list(student.trace)
                raise

        with self._replaced(counted, None):
            try:
                self.function(self.group(), student=student)
            except (CheckFailure, StudentError, _EnoughShrinking, HypothesisException):
                pass
            except ExceptionGroup:  # Hypothesis's report of results that differ from run to run
                pass
        return last

    def _replaced(self, body: Callable[..., None], seed: int | None) -> _Replaced:
        return _Replaced(self.function, body, seed)


class _EnoughShrinking(BaseException):
    pass


class _Replaced:
    """Run a hypothesis test with another body, with a seed of its own or, for soak runs, a random one."""

    def __init__(self, function: Any, body: Callable[..., None], seed: int | None) -> None:
        self.function, self.body, self.seed = function, body, seed

    def __enter__(self) -> None:
        function = self.function
        self.saved = function.hypothesis.inner_test, function._hypothesis_internal_use_settings
        function.hypothesis.inner_test = self.body
        # Left alone, Hypothesis derives the seed from the body: that of drawing the examples and that of the search
        # for the smallest failing one would try different inputs, and all properties the same stream of numbers.
        function._hypothesis_internal_use_seed = zlib.crc32(function.__qualname__.encode())
        if self.seed is not None:
            function._hypothesis_internal_use_settings = hypothesis.settings(self.saved[1], derandomize=False)
            function._hypothesis_internal_use_seed = self.seed

    def __exit__(self, *_: object) -> None:
        self.function.hypothesis.inner_test, self.function._hypothesis_internal_use_settings = self.saved
        self.function._hypothesis_internal_use_seed = None


class Group:
    """The hidden tests of one question, from a class of ``hidden_tests``."""

    def __init__(self, question_id: str, cls: type, parameters: dict[str, list[str]]) -> None:
        self.question_id = question_id
        self.properties = [Property(cls, name) for name, value in vars(cls).items() if hasattr(value, "check")]
        self.parameters = parameters
        if not self.properties:
            raise ValueError(f"the test group {cls.__name__} has no @check method")
        unmarked = [n for n in vars(cls) if n.startswith("test") and not hasattr(vars(cls)[n], "check")]
        if unmarked:
            raise ValueError(f"the test group {cls.__name__} has tests without @check: {', '.join(unmarked)}")

    @property
    def points(self) -> float:
        return sum(p.points for p in self.properties)

    def run(self, student: Student) -> Iterator[PropertyResult]:
        """Run every property; one that fails or crashes does not keep the next from running."""
        for each in self.properties:
            yield run_property(each, student, self.parameters)


def run_property(prop: Property, student: Student, parameters: dict[str, list[str]]) -> PropertyResult:
    """Run one property. Never raises for what a student's code does; ``engine.errors.WorkerDied`` passes through."""

    def result(verdict: Verdict, message: str = "", failure: CheckFailure | None = None) -> PropertyResult:
        calls = trace if trace is not None else list(student.trace)
        shown = render_call(calls[-1], parameters) if verdict is not Verdict.ACCEPTED and calls else ""
        got, expected = (failure.got, failure.expected) if failure else (None, None)
        return PropertyResult(
            prop.name, prop.title, prop.points, verdict, shown, message, got, expected, calls, student.curves
        )

    trace: list[Call] | None = None
    try:
        student.forget()
        prop.try_examples(student)
        return result(Verdict.ACCEPTED)
    except (CheckFailure, StudentError) as first:
        failure: Exception = first
        trace = list(student.trace)
        try:
            smallest = prop.smallest_failure(student)
        except (Missing, NotAttempted, TimeLimit, MemoryLimit):
            smallest = failure, []
        if smallest is not None:
            failure, shrunk = smallest
            trace = trace + shrunk
        elif hasattr(prop.function, "hypothesis"):
            note = "different results when it is called again with the same arguments"
            return result(Verdict.WRONG_ANSWER, f"{_sentence(failure)}; it gives {note}", _as_check(failure))
        if isinstance(failure, StudentError):
            return result(Verdict.RUNTIME_ERROR, f"your code raised {failure}")
        return result(Verdict.WRONG_ANSWER, _sentence(failure), _as_check(failure))
    except Missing as stop:
        why = "its cell is missing, comes later or raised an error, or it has another name"
        return result(Verdict.MISSING, f"{stop} is not defined here: {why}")
    except NotAttempted as stop:
        return result(Verdict.MISSING, f"{stop} is not written yet: it, or what it calls, raises NotImplementedError")
    except TimeLimit as stop:
        return result(Verdict.TIME_LIMIT, str(stop))
    except MemoryLimit as stop:
        return result(Verdict.MEMORY_LIMIT, f"your code ran out of memory. {stop}".strip())
    except Stop:
        raise
    except Exception as error:  # a fault of the test, never of the student: no points are lost silently
        return result(Verdict.NOT_GRADED, f"the test itself failed with {type(error).__name__}: {error}")


def _as_check(failure: Exception) -> CheckFailure | None:
    return failure if isinstance(failure, CheckFailure) else None


def _sentence(failure: Exception) -> str:
    return failure.message if isinstance(failure, CheckFailure) else f"your code raised {failure}"
