"""The worker's answers to requests, frame by frame."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from course_lib.worker import codec
from course_lib.worker.codec import CallableRef, ObjectRef, Opaque
from course_lib.worker.session import Session


class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, amount):
        self.value += amount
        return self.value


def doubled(x):
    x *= 2
    return x


def noisy(x):
    warnings.warn("careful", UserWarning, stacklevel=1)
    return x


def applied(function, x):
    return function(x) + 1


NAMESPACE: dict[str, Any] = {
    "double": doubled,
    "noisy": noisy,
    "applied": applied,
    "Counter": Counter,
    "divide": lambda x: 1 / x,
    "leave": lambda: (_ for _ in ()).throw(SystemExit(3)),
    "generate": lambda: (i for i in range(3)),
}


def answer(*request: Any, ask: Any = None) -> Any:
    return codec.decode(Session(NAMESPACE, ask).answer(list(request)))


def test_a_result_comes_with_what_the_call_did():
    reply = answer("call", "double", [np.ones(2)], {})
    assert reply[0] == "value"
    np.testing.assert_array_equal(reply[1], [2.0, 2.0])
    assert reply[2] == [0], "the argument that was changed"
    assert answer("call", "noisy", [1.0], {}) == ["value", 1.0, [], ["UserWarning: careful"]]


def test_errors_come_back_with_the_students_frames_only():
    kind, name, message, frames = answer("call", "divide", [0], {})
    assert (kind, name, message) == ("error", "ZeroDivisionError", "division by zero")
    assert "test_session.py" in frames
    assert 'session.py", line' not in frames.replace("test_session.py", "")


def test_exit_is_an_error_and_not_an_exit():
    assert answer("call", "leave", [], {})[:2] == ["error", "SystemExit"]


def test_missing_names_are_said_to_be_missing():
    assert answer("call", "nothing", [], {}) == ["missing", "nothing"]


def test_what_cannot_cross_is_described():
    kind, value, *_ = answer("call", "generate", [], {})
    assert kind == "value"
    assert isinstance(value, Opaque)
    assert "generator" in value.description


def test_objects_stay_and_keep_their_state():
    session = Session(NAMESPACE, lambda request: ["error", ""])

    def send(*request: Any) -> Any:
        return codec.decode(session.answer(list(request)))

    first, second = (send("call", "Counter", [start], {})[1] for start in (0, 10))
    assert isinstance(first, ObjectRef)
    assert first.type_name == "Counter"
    assert [send("method", first.number, "add", [2], {})[1] for _ in range(2)] == [2, 4]
    assert send("method", second.number, "add", [1], {})[1] == 11
    assert send("method", first.number, "subtract", [2], {}) == ["missing", "subtract"]
    send("drop")
    with pytest.raises(KeyError):
        send("method", first.number, "add", [2], {})


def test_functions_are_called_back():
    asked = []

    def ask(request):
        asked.append(request)
        return ["value", request[2][0] * 10]

    assert answer("call", "applied", [CallableRef(5), 2.0], {}, ask=ask)[1] == 21.0
    assert asked == [["callback", 5, [2.0], {}]]


def test_a_failing_callback_is_an_ordinary_exception_for_the_student():
    reply = answer("call", "applied", [CallableRef(0), 2.0], {}, ask=lambda _: ["error", "no"])
    assert reply[:3] == ["error", "CallbackError", "no"]


def test_a_part_that_cannot_cross_is_described_and_the_others_come_back():
    NAMESPACE["mixed"] = lambda: (np.ones(2), [1.0, np.matrix(2.0)], {1: 2})
    kind, (array, (number, matrix), other), *_ = answer("call", "mixed", [], {})
    assert kind == "value"
    np.testing.assert_array_equal(array, np.ones(2))
    assert number == 1.0
    assert isinstance(matrix, Opaque)
    assert matrix.description == "an object of type numpy.matrix"
    assert isinstance(other, Opaque)


def test_parts_that_are_too_large_together_are_described_as_a_whole(monkeypatch):
    monkeypatch.setattr(codec, "MAX_FRAME_BYTES", 2000)
    NAMESPACE["large"] = lambda: (np.ones(200), np.ones(200))
    kind, value, *_ = answer("call", "large", [], {})
    assert kind == "value"
    assert isinstance(value, Opaque)
    assert "more than the 2000 that are read" in value.description


class Raising:
    @property
    def step(self):
        raise ValueError("no step yet")


def test_a_property_that_raises_is_an_error_of_the_students_code():
    session = Session({"Raising": Raising}, lambda request: ["error", ""])
    number = codec.decode(session.answer(["call", "Raising", [], {}]))[1].number
    assert codec.decode(session.answer(["method", number, "step", [], {}]))[:3] == [
        "error",
        "ValueError",
        "no step yet",
    ]
