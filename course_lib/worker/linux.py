"""Calls of the C library that Python does not have, and one way for them to fail. Standard library only."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

libc = ctypes.CDLL(None, use_errno=True)

SET_PARENT_DEATH_SIGNAL, SET_DUMPABLE, SET_SECCOMP, SET_NO_NEW_PRIVILEGES = 1, 4, 22, 38
"""Options of ``prctl``."""


class SandboxError(Exception):
    """A wall that was promised does not stand. Says which one, and what to do."""


def check(result: int) -> int:
    """The result of a C function.

    Raises:
        OSError: it failed.
    """
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def prctl(option: int, value: int) -> None:
    """Change a property of this process."""
    check(libc.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)))


@contextmanager
def step(name: str) -> Iterator[None]:
    """Turn a system error into a ``SandboxError`` that says what was being done."""
    try:
        yield
    except OSError as error:
        raise SandboxError(f"{name}: {error}") from error
