"""Serves calls into a student's namespace, one message at a time.

A ``Session`` turns a request into a reply and knows nothing of sockets: ``serve.py`` feeds it frames in the worker
kernel, and the project's own tests feed it the same frames in process. Imports only ``course_lib.worker``.

Requests: ``["call", name, args, kwargs]``, ``["method", object, name, args, kwargs]``, ``["drop"]`` (forget objects).
Replies:  ``["value", value, changed, warnings]`` with the positions of the arguments that the call changed, or
``["error", type, message, traceback]``. While it runs, a call may ask ``["callback", number, args, kwargs]``.
"""

from __future__ import annotations

import traceback
import types
import warnings
from collections.abc import Callable
from typing import Any

from course_lib.worker import codec
from course_lib.worker.codec import CallableRef, ObjectRef, Opaque, WireError

MAX_OBJECTS = 10_000
MAX_WARNINGS = 20
MAX_PARTS = 100
"""Of a list or tuple with something in it that cannot cross: longer ones are described as a whole."""

_UNCHANGEABLE = (int, float, bool, str, type(None))


class CallbackError(Exception):
    """The controller's function failed; the student's code sees it as an ordinary exception."""


class Session:
    """The student's namespace as seen from the controller.

    Args:
        namespace: where the student's functions and classes live.
        ask: sends one request to the controller and returns its reply, for callbacks.
    """

    def __init__(self, namespace: dict[str, Any], ask: Callable[[list[Any]], list[Any]]) -> None:
        self._namespace = namespace
        self._ask = ask
        self._objects: dict[int, Any] = {}

    def answer(self, request: Any) -> bytes:
        """Run one request and return the encoded reply. Exceptions of the student's code become ``error`` replies."""
        reply = self._reply(request)
        try:
            return codec.encode(reply)
        except Exception:  # something cannot cross, or its own methods raise
            kind, value, *rest = reply
        try:
            return codec.encode([kind, _sendable(value), *rest])
        except WireError as error:  # the parts can, but not together
            return codec.encode([kind, Opaque(str(error)), *rest])

    def _reply(self, request: Any) -> list[Any]:
        kind, *rest = request
        if kind == "drop":
            self._objects.clear()
            return ["value", None, [], []]
        if kind == "call":
            name, args, kwargs = rest
            if name not in self._namespace:
                return ["missing", name]
            target = self._namespace[name]
        else:
            number, name, args, kwargs = rest
            owner = self._objects[number]
            try:
                target = getattr(owner, name)
            except AttributeError:
                return ["missing", name]
            except BaseException as error:  # a property of the student's class
                return _error(error)
        return self._call(target, args, kwargs)

    def _call(self, target: Any, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
        args = [self._raise_callables(value) for value in args]
        kwargs = {key: self._raise_callables(value) for key, value in kwargs.items()}
        before = [_fingerprint(value) for value in (*args, *kwargs.values())]
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                value = target(*args, **kwargs)
        except BaseException as error:  # pytest.skip, hypothesis.reject, exit, …: errors like any other here
            return _error(error)
        changed = [
            position
            for position, (old, new) in enumerate(zip(before, (*args, *kwargs.values()), strict=True))
            if old is not None and old != _fingerprint(new)
        ]
        notes = [f"{type(w.message).__name__}: {_text(w.message)}" for w in caught[:MAX_WARNINGS]]
        if isinstance(target, type):
            return ["value", self._keep(value), changed, notes]
        return ["value", value, changed, notes]

    def _keep(self, value: Any) -> ObjectRef:
        if len(self._objects) >= MAX_OBJECTS:
            raise WireError(f"more than {MAX_OBJECTS} objects alive")
        number = len(self._objects)
        self._objects[number] = value
        return ObjectRef(number, type(value).__name__)

    def _raise_callables(self, value: Any) -> Any:
        return self._callback(value.number) if type(value) is CallableRef else value

    def _callback(self, number: int) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            reply = self._ask(
                ["callback", number, [_sendable(a) for a in args], {k: _sendable(v) for k, v in kwargs.items()}]
            )
            if reply[0] != "value":
                raise CallbackError(reply[1])
            return reply[1]

        return function


def _fingerprint(value: Any) -> bytes | None:
    """Bytes that change when the value does; ``None`` for what has no value (functions) or cannot change (numbers)."""
    if type(value) in _UNCHANGEABLE:
        return None
    try:
        return codec.encode(value)
    except WireError:
        return None


def _sendable(value: Any, depth: int = 1) -> Any:
    """The value itself if it can cross, else with descriptions in the place of those of its parts that cannot."""
    try:
        codec.encode(value)
        return value
    except WireError as error:
        description = str(error)
    except Exception as error:  # a value whose own methods raise
        description = f"an object of type {type(value).__name__} that raises {type(error).__name__}"
    if type(value) in (list, tuple) and len(value) <= MAX_PARTS and depth < codec.MAX_DEPTH:
        return type(value)(_sendable(part, depth + 1) for part in value)
    return Opaque(description)


def _error(error: BaseException) -> list[Any]:
    return ["error", type(error).__name__, _text(error), _student_traceback(error)]


def _text(error: object) -> str:
    try:
        return str(error)[:1000]
    except BaseException:
        return "(the message could not be made)"


def _student_traceback(error: BaseException) -> str:
    """The frames below the call into the student's code, newest last."""
    frames: types.TracebackType | None = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    try:
        lines = traceback.format_tb(frames)[-6:] + traceback.format_exception_only(error)
        return "".join(lines)[-4000:]
    except BaseException:
        return "(the traceback could not be made)"
