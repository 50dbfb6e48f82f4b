"""Test groups: drawing once, shrinking, verdicts, and that the machinery itself fails closed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.checking import assert_close, check, fail
from course_lib.checking.groups import SHRINK_EXECUTIONS, Group, Verdict, run_property
from course_lib.engine.errors import TimeLimit, WorkerDied
from course_lib.engine.proxy import LoopbackPeer, Student

vectors = st.lists(st.integers(-9, 9).map(float), min_size=1, max_size=5).map(np.array)


class TestSquare:
    __test__ = False

    @check("squares", points=2, examples=10)
    @given(x=vectors)
    def test_square(self, student: Any, x: np.ndarray) -> None:
        assert_close(student.square(x), x**2, rtol=1e-12)

    @check("zero")
    def test_zero(self, student: Any) -> None:
        assert_close(student.square(np.zeros(1)), [0.0], rtol=0)


GROUP = Group("square", TestSquare, {"square": ["x"]})


def student(function: Any) -> Student:
    return Student(LoopbackPeer({"square": function}))


def run(function: Any) -> list[Any]:
    return list(GROUP.run(student(function)))


def test_points_and_titles_come_from_the_decorator():
    assert GROUP.points == 3
    assert [(p.name, p.title, p.points) for p in GROUP.properties] == [
        ("test_square", "squares", 2),
        ("test_zero", "zero", 1),
    ]


def test_a_right_solution_is_accepted_with_one_call_per_example():
    right = student(lambda x: x**2)
    assert [r.verdict for r in GROUP.run(right)] == [Verdict.ACCEPTED] * 2
    assert right.calls_made == 11


def test_examples_are_drawn_once_and_are_the_same_in_another_group():
    again = Group("square", TestSquare, {})
    first, second = (g.properties[0].examples() for g in (GROUP, again))
    assert first is GROUP.properties[0].examples()
    assert all((a["x"] == b["x"]).all() for a, b in zip(first, second, strict=True))


def test_examples_of_a_seed_differ_and_do_not_replace_the_others():
    derandomised = GROUP.properties[0].examples()
    one, two = (GROUP.properties[0].examples(seed) for seed in (1, 2))
    assert str(one) != str(two)
    assert GROUP.properties[0].examples() is derandomised


def test_examples_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        GROUP.properties[0].examples()[0]["x"][0] = 1


def test_the_smallest_failing_input_is_found():
    result = run(lambda x: np.where(np.abs(x) > 2, 0.0, x**2))[0]
    assert (result.verdict, result.call) == (Verdict.WRONG_ANSWER, "square(x=array([3.]))")
    assert (result.got, result.expected, result.earned) == ("array([0.])", "array([9.])", 0)


def test_the_search_is_bounded_and_still_reports():
    calls = 0

    def never_the_same_failure(x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return x**2 + calls

    assert run(never_the_same_failure)[0].verdict is Verdict.WRONG_ANSWER
    assert calls < 3 * SHRINK_EXECUTIONS


def test_a_failure_that_does_not_come_again_is_no_pass():
    calls = 0

    def wrong_once(x: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        return x**2 + (calls == 3)

    result = run(wrong_once)[0]
    assert result.verdict is Verdict.WRONG_ANSWER
    assert "different results" in result.message


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ValueError("no"), Verdict.RUNTIME_ERROR),
        (NotImplementedError(), Verdict.MISSING),
        (MemoryError(), Verdict.MEMORY_LIMIT),
    ],
)
def test_exceptions_become_verdicts(error, verdict):
    def raising(x: np.ndarray) -> None:
        raise error

    assert [r.verdict for r in run(raising)] == [verdict] * 2


def test_a_missing_function_is_missing():
    results = list(GROUP.run(Student(LoopbackPeer({}))))
    assert [r.verdict for r in results] == [Verdict.MISSING] * 2
    assert "square is not defined" in results[0].message


class PeerThatRaises:
    def __init__(self, error: BaseException) -> None:
        self.error, self.requests = error, 0

    def begin(self) -> None:
        pass

    def request(self, frame: bytes, answer: Any) -> Any:
        self.requests += 1
        if self.requests > 1:
            raise self.error
        return ["value", None, [], []]


def test_a_time_limit_ends_the_property_at_once():
    peer = PeerThatRaises(TimeLimit("too slow"))
    result = run_property(GROUP.properties[0], Student(peer), {})
    assert (result.verdict, result.message, peer.requests) == (Verdict.TIME_LIMIT, "too slow", 2)


def test_a_dead_worker_is_for_the_caller_to_handle():
    with pytest.raises(WorkerDied):
        run_property(GROUP.properties[0], Student(PeerThatRaises(WorkerDied("gone"))), {})


class TestFaulty:
    __test__ = False

    @check("fails by itself")
    def test_bug(self, student: Any) -> None:
        student.square(1.0)
        raise IndexError("a fault of the test")

    @check("asks nothing")
    def test_no_call(self, student: Any) -> None:
        pass

    @check("asks nothing of what is drawn", examples=3)
    @given(x=vectors)
    def test_no_call_either(self, student: Any, x: np.ndarray) -> None:
        pass

    @check("draws interactively")
    @given(data=st.data())
    def test_data(self, student: Any, data: Any) -> None:
        student.square(data.draw(st.floats()))


def test_faults_of_a_test_and_tests_without_a_call_are_not_graded_and_no_pass():
    results = list(Group("faulty", TestFaulty, {}).run(student(lambda x: x)))
    assert [r.verdict for r in results] == [Verdict.NOT_GRADED] * 4
    assert sum(r.earned for r in results) == 0
    assert "IndexError" in results[0].message
    assert "without one call" in results[1].message
    assert "data()" in results[3].message


def test_a_group_with_an_unmarked_test_or_none_is_refused():
    class TestUnmarked:
        @check("x")
        def test_marked(self, student: Any) -> None: ...

        def test_forgotten(self, student: Any) -> None: ...

    with pytest.raises(ValueError, match="test_forgotten"):
        Group("x", TestUnmarked, {})
    with pytest.raises(ValueError, match="no @check"):
        Group("x", type("TestEmpty", (), {}), {})
    with pytest.raises(ValueError, match="positive"):
        check("x", points=0)(lambda self, student: None)


def test_a_failing_callback_of_a_test_fails_the_property():
    class TestCallback:
        @check("is called with a vector")
        def test_call(self, student: Any) -> None:
            def function(x: Any) -> float:
                if np.shape(x) != (2,):
                    fail("the function must be called with an array of shape (2,)", got=x)
                return 0.0

            student.square(function)

    group = Group("callback", TestCallback, {})
    (bad,) = group.run(student(lambda f: f(1.0)))
    (swallowed,) = group.run(student(lambda f: _try(f)))
    (good,) = group.run(student(lambda f: f(np.zeros(2))))
    assert [bad.verdict, swallowed.verdict, good.verdict] == [
        Verdict.WRONG_ANSWER,
        Verdict.WRONG_ANSWER,
        Verdict.ACCEPTED,
    ]
    assert "shape (2,)" in bad.message


def _try(function: Any) -> float:
    try:
        return float(function(1.0))
    except Exception:
        return 0.0
