"""A student's namespace as seen from the controller: ``student.adam_step(...)`` runs in the worker.

Values go out and come back through the codec; nothing a student's code returns is ever more than an array, a plain
value, a reference to an object that stays in the worker, or a description. Must not import hidden tests.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from course_lib.checking.curves import Curves
from course_lib.engine.errors import MemoryLimit, Missing, NotAttempted, StudentError, WorkerDied
from course_lib.worker import codec
from course_lib.worker.codec import CallableRef, ObjectRef
from course_lib.worker.session import MAX_WARNINGS, Session

TRACE_LENGTH = 64


class Peer(Protocol):
    """One end of a connection to a worker."""

    def begin(self) -> None:
        """A property starts: its time counts from here."""

    def request(self, frame: bytes, answer_callback: Callable[[Any], list[Any]]) -> Any:
        """Send a request, answer the callbacks that come before its reply, and return the decoded reply."""


class LoopbackPeer:
    """A worker session in this process, behind the same codec. For this project's own solutions only."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._session = Session(namespace, self._ask)
        self._answer_callback: list[Callable[[Any], list[Any]]] = []

    def begin(self) -> None:
        pass

    def request(self, frame: bytes, answer_callback: Callable[[Any], list[Any]]) -> Any:
        self._answer_callback.append(answer_callback)
        try:
            return codec.decode(self._session.answer(codec.decode(frame)))
        finally:
            self._answer_callback.pop()

    def _ask(self, request: list[Any]) -> list[Any]:
        reply: list[Any] = codec.decode(codec.encode(self._answer_callback[-1](codec.decode(codec.encode(request)))))
        return reply


@dataclass(eq=False)
class Call:
    """One call into a student's code, and what came of it.

    Attributes:
        name: the function, class or method.
        target: the object whose method it is, or None.
        args, kwargs: as the test passed them.
        value: the result, if there is one.
        error: what the student's code raised, if it did.
        changed: positions of arguments that the call modified.
        warnings: ``Category: text`` of each warning it caused.
    """

    name: str
    target: StudentObject | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any = None
    error: StudentError | None = None
    changed: list[int] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class Student:
    """The functions and classes of one submission, by name.

    ``student.f(*args)`` returns what the student's ``f`` returns, as plain values. Arguments may be arrays, tensors,
    plain values, lists and tuples of them, and functions (as arguments of their own), which are called back.

    Raises (from any call):
        StudentError: the student's code raised.
        Missing: the name is not defined.
        NotAttempted: it raised NotImplementedError.
        TimeLimit, MemoryLimit, WorkerDied: see ``engine.errors``.
    """

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.trace: deque[Call] = deque(maxlen=TRACE_LENGTH)
        self.calls_made = 0
        self.curves: Curves | None = None

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.call(None, name, args, kwargs)

    @property
    def last_call(self) -> Call:
        return self.trace[-1]

    def forget(self) -> None:
        """A new property starts: drop the trace and the objects that the worker keeps."""
        self.trace.clear()
        self.curves = None
        self._peer.begin()
        self._peer.request(codec.encode(["drop"]), _no_callback)

    def call(self, target: StudentObject | None, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        callbacks = _Callbacks()
        head: list[Any] = ["call", name] if target is None else ["method", target.number, name]
        wire_args = [callbacks.lower(a) for a in args]
        frame = codec.encode([*head, wire_args, {k: callbacks.lower(v) for k, v in kwargs.items()}])
        call = Call(name, target, args, kwargs)
        self.trace.append(call)
        self.calls_made += 1
        reply = self._peer.request(frame, callbacks.answer)
        if callbacks.failure is not None:
            raise callbacks.failure
        self._read(call, reply)
        if isinstance(call.value, ObjectRef):
            call.value = StudentObject(self, call.value.number, call)
        return call.value

    def _read(self, call: Call, reply: Any) -> None:
        match reply:
            case ["value", value, [*changed], [*warnings]] if all(type(i) is int for i in changed):
                # Calls are kept: what a worker says must not add up.
                arguments = len(call.args) + len(call.kwargs)
                call.value, call.changed = value, changed[:arguments]
                call.warnings = [str(w)[:1100] for w in warnings[:MAX_WARNINGS]]
            case ["error", "NotImplementedError", str(), str()]:
                raise NotAttempted(call.name)
            case ["error", "MemoryError", str() as message, str()]:
                raise MemoryLimit(message[:1000])
            case ["error", str() as type_name, str() as message, str() as traceback]:
                call.error = StudentError(type_name[:100], message[:1000], traceback[-4000:])
                raise call.error
            case ["missing", str()]:
                raise Missing(call.name if call.target is None else f"{call.target.made_by.name}.{call.name}")
            case _:
                raise WorkerDied("the worker sent a reply of unknown form")


class StudentObject:
    """An instance of a student's class. Its methods run in the worker.

    Attributes:
        number: its reference number.
        made_by: the call that made it.
    """

    def __init__(self, student: Student, number: int, made_by: Call) -> None:
        self._student = student
        self.number = number
        self.made_by = made_by

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._student.call(self, name, args, kwargs)


class _Callbacks:
    """The functions passed in one call, and the first exception that one of them raised."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., Any]] = []
        self.failure: BaseException | None = None

    def lower(self, value: Any) -> Any:
        if callable(value) and not codec.is_scalar_type(value):
            self._functions.append(value)
            return CallableRef(len(self._functions) - 1)
        return value

    def answer(self, request: Any) -> list[Any]:
        match request:
            case ["callback", int(number), [*args], dict(kwargs)] if 0 <= number < len(self._functions):
                try:
                    return ["value", self._functions[number](*args, **kwargs)]
                except Exception as error:
                    self.failure = self.failure or error
                    return ["error", "the function that was passed in cannot take these arguments"]
            case _:
                raise WorkerDied("the worker sent a callback of unknown form")


def _no_callback(request: Any) -> list[Any]:
    raise WorkerDied("the worker sent a callback where none is possible")
