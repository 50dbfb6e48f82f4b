"""Ends a kernel that brings memory to its end: the machine's with its processes, or this one's with what it sends.

Limits of the operating system bound each process of a kernel for itself, a hundred of them together not at all. And
what this process has to keep of a kernel's messages is bounded at each place where it reads them, but ZeroMQ reads a
message of many parts whole. So a thread looks at both while a submission is being graded.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from course_lib.engine.forkserver import KernelProcess

LOOK_SECONDS = 0.1
"""A core fills less than 0.3 GB meanwhile."""
OWN_GROWTH = 1 << 30
"""What grading one submission may add to this process, in bytes; an ordinary one adds a tenth of it, once."""
SHORT_SHARE = 1 / 8
"""The machine is short of memory when less than this share of it is left; then a kernel may have ``KERNEL_BYTES``."""
KERNEL_BYTES = 2 << 30

PAGE = os.sysconf("SC_PAGE_SIZE")


class MemoryGuard:
    """Looks after the memory while a context lasts.

    Args:
        kernel: returns the kernel that runs, or None.
    """

    def __init__(self, kernel: Callable[[], KernelProcess | None]) -> None:
        self._kernel = kernel
        self._most = memory_of("self") + OWN_GROWTH
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryGuard:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(LOOK_SECONDS):
            kernel = self._kernel()
            if kernel is None:
                continue
            own = memory_of("self") > self._most
            if own or (is_short() and memory_of_all(kernel.pid) > KERNEL_BYTES):
                kernel.send_signal(signal.SIGKILL)


def is_short() -> bool:
    """Whether little of the machine's memory, or of what this process's control group may have, is left."""
    return any(left < SHORT_SHARE * most for left, most in (memory_of_machine(), memory_of_group()))


def memory_of_machine() -> tuple[int, int]:
    """Bytes that are left and bytes that there are; zeros where the system does not tell."""
    facts = {"MemAvailable": 0, "MemTotal": 0}
    for line in read("/proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name in facts:
            facts[name] = int(value.split()[0]) << 10
    return facts["MemAvailable"], facts["MemTotal"]


def memory_of_group(folder: str = "/sys/fs/cgroup") -> tuple[int, int]:
    """The same of a container; zeros where there is no limit."""
    most, used = read(f"{folder}/memory.max").strip(), read(f"{folder}/memory.current")
    if not most.isdecimal() or not used:
        return 0, 0
    facts = dict(line.split() for line in read(f"{folder}/memory.stat").splitlines())
    cached = sum(int(facts.get(name, 0)) for name in ("inactive_file", "active_file"))
    return int(most) - int(used) + cached, int(most)


def memory_of_all(process: int) -> int:
    """Bytes that a process and what it has started keep in memory. What they share counts more than once."""
    total, pending = 0, [str(process)]
    while pending:
        one = pending.pop()
        total += memory_of(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            pending += read(str(children)).split()
    return total


def memory_of(process: str) -> int:
    """Bytes that a process keeps in memory, without files; 0 if it is gone."""
    fields = read(f"/proc/{process}/statm").split()
    return (int(fields[1]) - int(fields[2])) * PAGE if fields else 0


def read(path: str) -> str:
    """The content of a file of the system's, or nothing."""
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
