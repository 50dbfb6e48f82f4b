"""A torch reference used as if it were a student's NumPy solution. For this project's own checks and for diagnosis."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import torch

from course_lib.checking.freezing import freeze
from course_lib.worker import codec

MAX_REMEMBERED = 10_000


def to_torch(value: Any) -> Any:
    """Arrays become tensors (copies), also inside lists, tuples and functions; the rest stays."""
    if isinstance(value, (np.ndarray, np.floating)):
        return torch.tensor(np.asarray(value))
    if isinstance(value, (list, tuple)):
        return type(value)(to_torch(item) for item in value)
    if inspect.isfunction(value) or inspect.ismethod(value):
        return _converted(value, to_numpy, to_torch)
    return value


def to_numpy(value: Any) -> Any:
    """Tensors become arrays, also inside lists, tuples and functions; the rest stays."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().resolve_conj().numpy()
    if isinstance(value, (list, tuple)):
        return type(value)(to_numpy(item) for item in value)
    if inspect.isfunction(value) or inspect.ismethod(value):
        return _converted(value, to_torch, to_numpy)
    return value


def as_numpy(target: Any) -> Any:
    """A reference function or class that takes and returns arrays, as an oracle for hidden tests.

    A function remembers its results, which are read-only: every student is tested with the same inputs.
    """
    if isinstance(target, type):
        return _converted_class(target)
    return _remembered(_converted(target, to_torch, to_numpy))


def numpy_namespace(reference: ModuleType, names: tuple[str, ...]) -> dict[str, Any]:
    """The named functions and classes of a reference module, in NumPy."""
    targets = {name: getattr(reference, name) for name in names}
    return {
        name: _converted_class(target) if isinstance(target, type) else _converted(target, to_torch, to_numpy)
        for name, target in targets.items()
    }


def parameters(reference: ModuleType, names: tuple[str, ...]) -> dict[str, list[str]]:
    """Parameter names of the entry points, and of their public methods as ``Class.method``."""
    found: dict[str, list[str]] = {}
    for name in names:
        target = getattr(reference, name)
        found[name] = list(inspect.signature(target).parameters)
        if isinstance(target, type):
            for method, function in inspect.getmembers(target, inspect.isfunction):
                if not method.startswith("_"):
                    found[f"{name}.{method}"] = list(inspect.signature(function).parameters)[1:]
    return found


def _remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    results: dict[bytes, Any] = {}

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            key = codec.encode([list(args), kwargs])
        except codec.WireError:  # a function among the arguments
            return function(*args, **kwargs)
        if key not in results:
            if len(results) >= MAX_REMEMBERED:
                results.clear()
            results[key] = freeze(function(*args, **kwargs))
        return results[key]

    return call


def _converted(function: Callable[..., Any], inwards: Callable[[Any], Any], outwards: Callable[[Any], Any]) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        return outwards(function(*(inwards(a) for a in args), **{k: inwards(v) for k, v in kwargs.items()}))

    return call


def _converted_class(cls: type) -> type:
    class Converted:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._wrapped = cls(*(to_torch(a) for a in args), **{k: to_torch(v) for k, v in kwargs.items()})

        def __getattr__(self, name: str) -> Any:
            value = getattr(self._wrapped, name)
            return _converted(value, to_torch, to_numpy) if callable(value) else to_numpy(value)

    Converted.__name__ = Converted.__qualname__ = cls.__name__
    return Converted
