"""Which files a kernel may open: landlock, which every user of Linux 5.13 or later may use.

Standard library and ``worker.linux`` only.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import sys

from course_lib.worker.linux import check, libc

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # numbers of the system calls, the same everywhere

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_FILE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5
MAKE_CHAR, MAKE_REG, MAKE_SOCK, MAKE_BLOCK = 1 << 6, 1 << 8, 1 << 9, 1 << 11
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
RIGHTS_SINCE = {1: 13, 2: 14, 3: 15, 5: 16}
"""Version of landlock: how many rights it knows, from the lowest bit on."""

DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
FACTS = ("self", "cpuinfo", "meminfo", "stat", "loadavg", "version", "filesystems")
"""What of a /proc that shows other processes too may be read."""


def version() -> int:
    """The version of landlock that the Linux kernel speaks; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(libc.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), 1)))


def apply(readable: tuple[str, ...], hidden: tuple[str, ...], scratch: str, sockets: str, *, alone: bool) -> None:
    """Restrict this process and all that it will start. It must have set no_new_privs.

    Stops: reading and running anything but ``readable``; writing anything but the scratch directory; making anything
    but sockets in ``sockets``; tracing outsiders; from version 4 on TCP; from version 6 on signals and abstract sockets
    to outsiders.
    Leaves: names, sizes, times and modes of files (seccomp pretends to change them); sockets with a path (seccomp
    refuses ``connect``); the total of what is written; files in /dev/shm for who guesses their names.

    Args:
        readable: what may be read and run.
        hidden: what may not, below it.
        scratch: directory for everything.
        sockets: directory for sockets, or "".
        alone: the process has a mount and a pid namespace of its own, so all of /tmp, /dev/shm and /proc is its own
            (but not if ``sockets`` lies there).
    """
    spoken = version()
    handled = (1 << max(bits for since, bits in RIGHTS_SINCE.items() if since <= spoken)) - 1
    read, everything = READ_FILE | READ_DIR | EXECUTE, handled & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV)
    attributes = struct.pack("QQQ", handled, 3 if spoken >= 4 else 0, 3 if spoken >= 6 else 0)
    ruleset = check(libc.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))

    def allow(path: str, rights: int) -> None:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            return  # no right to what does not exist
        directory = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        rule = struct.pack("=Qi", rights & handled & (-1 if directory else ON_FILES), descriptor)
        check(libc.syscall(ADD_RULE, ruleset, 1, rule, 0))
        os.close(descriptor)

    for path in readable:
        for part in without(path, hidden):
            allow(part, read)
    for path in DEVICES:
        allow(path, READ_FILE | WRITE_FILE | TRUNCATE)
    allow(scratch, everything)
    if sockets:
        allow(sockets, MAKE_SOCK | REMOVE_FILE | READ_DIR)
    if alone:
        for place in ("/tmp", "/dev/shm"):  # noqa: S108 (private ones)
            # what lies below shares the right: the directory of the sockets, which is real, must not
            allow(place, READ_DIR if sockets.startswith(place + "/") else everything)
        allow("/dev/pts", READ_FILE | WRITE_FILE | READ_DIR | IOCTL_DEV)
        allow("/proc", READ_FILE | READ_DIR)
        allow("/", READ_DIR)
    else:
        # multiprocessing keeps its semaphores here
        allow("/dev/shm", READ_FILE | WRITE_FILE | MAKE_REG | REMOVE_FILE | TRUNCATE)  # noqa: S108
        for name in FACTS:
            allow(f"/proc/{name}", READ_FILE | READ_DIR)
    check(libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def without(path: str, hidden: tuple[str, ...]) -> list[str]:
    """The path, or its parts that hold nothing hidden: a right to a directory is one to everything below it."""
    if path in hidden:
        return []
    if not any(name.startswith(path.rstrip("/") + "/") for name in hidden):
        return [path]
    return [part for name in os.listdir(path) for part in without(os.path.join(path, name), hidden)]
