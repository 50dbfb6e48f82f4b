"""Assertions of the hidden tests. They say what was got, what was expected, and where the first difference is.

Every function takes what a student's code returned, which can be anything that crosses the wire, and either
returns it in a safe form or raises ``CheckFailure``. Must not import an assignment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from course_lib.checking.rendering import describe, render
from course_lib.engine.errors import StudentError
from course_lib.worker.codec import Opaque

if TYPE_CHECKING:
    from course_lib.engine.proxy import Student


class CheckFailure(AssertionError):
    """A student's result is not what the exercise asks for.

    Attributes:
        message: one sentence: what is wrong.
        got, expected: rendered values, or None where the message says it all.
    """

    def __init__(self, message: str, got: str | None = None, expected: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.got = got
        self.expected = expected


def fail(message: str, *, got: Any = None, expected: Any = None) -> NoReturn:
    """Raise a ``CheckFailure``. ``got`` and ``expected`` are values, or None to leave them out."""
    __tracebackhide__ = True
    raise CheckFailure(message, None if got is None else render(got), None if expected is None else render(expected))


def as_tuple(value: Any, *names: str) -> tuple[Any, ...]:
    """``value`` as a tuple of ``len(names)`` parts. A list is accepted; an array is not."""
    __tracebackhide__ = True
    wanted = f"({', '.join(names)})"
    if not isinstance(value, (tuple, list)):
        raise CheckFailure(f"must return the tuple {wanted}, but returned {describe(value)}", render(value))
    if len(value) != len(names):
        raise CheckFailure(f"must return the {len(names)} values {wanted}, but returned {len(value)}", render(value))
    return tuple(value)


def as_list(value: Any, length: int | None = None, *, name: str = "result") -> list[Any]:
    """``value`` as a list. A tuple is accepted."""
    __tracebackhide__ = True
    if not isinstance(value, (tuple, list)):
        raise CheckFailure(f"{name} must be a list, but is {describe(value)}", render(value))
    if length is not None and len(value) != length:
        raise CheckFailure(f"{name} must have {length} entries, but has {len(value)}", render(value))
    return list(value)


def as_integer(value: Any, *, name: str = "result") -> int:
    """``value`` as an int. Python ints, NumPy integers and 0-d integer arrays are accepted; bools are not."""
    __tracebackhide__ = True
    if type(value) is int:
        return value
    if isinstance(value, (np.integer, np.ndarray)) and value.shape == () and value.dtype.kind in "iu":
        return int(value)
    raise CheckFailure(f"{name} must be an int, but is {describe(value)}", render(value))


def as_array(
    value: Any, shape: tuple[int, ...] | None = None, *, kind: str = "real", name: str = "result"
) -> np.ndarray:
    """``value`` as a NumPy array of the wanted kind and shape.

    Args:
        shape: exact shape, or None for any. For ``()`` Python numbers and NumPy scalars are accepted too.
        kind: "real" (any float, int or bool dtype; returned as float64), "complex" (returned as complex128),
            "int" (any integer dtype) or "bool".
    """
    __tracebackhide__ = True
    wanted = {
        "real": "a float64 array",
        "complex": "a complex array",
        "int": "an integer array",
        "bool": "a bool array",
    }
    if shape == ():
        wanted = {"real": "a number", "complex": "a complex number", "int": "an int", "bool": "a bool"}
    scalar_types = (bool, int, float, complex)
    if isinstance(value, (np.ndarray, np.generic)) or (type(value) in scalar_types and shape in ((), None)):
        array = np.asarray(value)
    else:
        raise CheckFailure(f"{name} must be {wanted[kind]}, but is {describe(value)}", render(value))
    if array.dtype.kind not in {"real": "fiub", "complex": "cfiub", "int": "iu", "bool": "b"}[kind]:
        raise CheckFailure(f"{name} must be {wanted[kind]}, but has dtype {array.dtype}", render(value))
    if shape is not None and array.shape != shape:
        raise CheckFailure(f"{name} must have shape {shape}, but has shape {array.shape}", render(value))
    if kind == "real":
        return array.astype(np.float64)
    return array.astype(np.complex128) if kind == "complex" else array


def assert_float64(value: Any, shape: tuple[int, ...], *, name: str = "result") -> None:
    """``value`` is a float64 array of exactly this shape (for ``()`` a Python float counts)."""
    __tracebackhide__ = True
    as_array(value, shape, name=name)
    dtype = np.asarray(value).dtype
    if dtype != np.float64:
        raise CheckFailure(f"{name} must have dtype float64, but has {dtype}", render(value))


def assert_close(got: Any, expected: ArrayLike, *, rtol: float, atol: float = 0.0, name: str = "result") -> None:
    """|got − expected| ≤ atol + rtol·|expected| in every element, with equal shapes. NaN is equal to nothing.

    ``expected`` decides shape and kind (complex if it is complex). Infinite entries must be equal.
    """
    __tracebackhide__ = True
    wanted = np.asarray(expected)
    array = as_array(got, wanted.shape, kind="complex" if wanted.dtype.kind == "c" else "real", name=name)
    with np.errstate(invalid="ignore", over="ignore"):
        # An infinite bound would let any finite number pass for infinity.
        near = np.isfinite(wanted) & (np.abs(array - wanted) <= atol + rtol * np.abs(wanted))
    near |= array == wanted
    if near.all():
        return
    message, shown = _difference(array, wanted, near, name), (render(array), render(wanted))
    if shown[0] == shown[1]:
        place = np.unravel_index(np.argmin(near), near.shape)
        off, allowed = abs(array[place] - wanted[place]), atol + rtol * abs(wanted[place])
        message += f": it is off by {off:.2g}, which the digits shown do not tell, and may be by {allowed:.2g}"
    raise CheckFailure(message, *shown)


def _difference(got: np.ndarray, expected: np.ndarray, near: np.ndarray, name: str) -> str:
    """Say how ``got`` differs, in the way that helps most."""
    if np.isnan(got).any():
        return f"{name} holds NaN"
    if np.isinf(got).any() and not np.isinf(expected).any():
        return f"{name} holds infinity"
    pattern = _pattern(got, expected)
    if pattern:
        return f"{name} is {pattern}"
    if got.size == 1:
        return f"{name} is wrong"
    wrong = int(near.size - near.sum())
    where = tuple(int(i) for i in np.argwhere(~near)[0])
    at = where[0] if len(where) == 1 else where
    return f"{name} is wrong in {wrong} of {near.size} elements, first at index {at}"


def _pattern(got: np.ndarray, expected: np.ndarray) -> str:
    """A simple relation between the two, if there is one that more than one number shows."""
    if got.size < 2 or not np.isfinite(expected).all():
        return ""
    if got.dtype.kind == "b":
        return "the opposite of the expected" if got.size > 3 and (got != expected).all() else ""
    scale = float(np.abs(expected).max())
    tolerance = 1e-9 * scale
    nonzero = np.abs(expected) > 1e-6 * scale
    if scale > 0 and nonzero.sum() >= 2 and got.dtype.kind == "f":
        with np.errstate(all="ignore"):
            ratio = float(np.median(got[nonzero] / expected[nonzero]))
        if (
            1e-9 < abs(ratio) < 1e9
            and abs(ratio - 1) > 1e-5  # less is not seen in the digits shown
            and np.allclose(got, ratio * expected, rtol=1e-9, atol=tolerance)
        ):
            return "the negative of the expected" if abs(ratio + 1) < 1e-9 else f"{ratio:.6g} times the expected"
    if got.ndim == 2 and got.shape[0] == got.shape[1] > 1 and np.allclose(got, expected.T, rtol=1e-9, atol=tolerance):
        return "the transpose of the expected"
    return ""


def assert_equal(got: Any, expected: Any, *, name: str = "result") -> None:
    """Exactly equal: integers, lists of integers, and integer or bool arrays (any integer dtype)."""
    __tracebackhide__ = True
    if isinstance(expected, (list, tuple)):
        parts = as_list(got, name=name)
        if len(parts) == len(expected) and all(_same_integer(a, b) for a, b in zip(parts, expected, strict=True)):
            return
    elif isinstance(expected, np.ndarray):
        array = as_array(got, expected.shape, kind="bool" if expected.dtype.kind == "b" else "int", name=name)
        near = array == expected
        if near.all():
            return
        raise CheckFailure(_difference(array, expected, near, name), render(got), render(expected))
    elif _same_integer(got, expected):
        return
    else:
        as_integer(got, name=name)
    raise CheckFailure(f"{name} is wrong", render(got), render(expected))


def _same_integer(got: Any, expected: Any) -> bool:
    try:
        return as_integer(got) == int(expected)
    except CheckFailure:
        return False


def assert_arguments_unchanged(student: Student) -> None:
    """The last call left its arguments as they were."""
    __tracebackhide__ = True
    call = student.last_call
    if call.changed:
        which = ", ".join(str(i + 1) for i in call.changed)
        raise CheckFailure(
            f"{call.name} changed its argument number {which} in place; it must return new arrays "
            "and leave its arguments as they were"
        )


def assert_no_warnings(student: Student) -> None:
    """The last call caused no warning."""
    __tracebackhide__ = True
    call = student.last_call
    if call.warnings:
        raise CheckFailure(f"{call.name} caused a warning: {call.warnings[0]}")


def assert_raises(exception: type[Exception], call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """``call(*args, **kwargs)`` raises this exception (by the name of its class)."""
    __tracebackhide__ = True
    try:
        value = call(*args, **kwargs)
    except StudentError as error:
        if error.type_name == exception.__name__:
            return
        raise CheckFailure(f"must raise {exception.__name__}, but raised {error}") from None
    shown = describe(value) if isinstance(value, Opaque) else render(value)
    raise CheckFailure(f"must raise {exception.__name__}, but returned", shown)
