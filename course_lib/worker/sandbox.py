"""What keeps a student's code in: the walls that a forked kernel puts around itself before it runs a line of it.

Three calls, in this order, all in processes with a single thread:

1. ``prepare(policy)`` once in the fork server, after its imports.
2. ``fork()`` in place of ``os.fork()``. A child that is process 1 of its own pid namespace needs no second fork for it.
3. ``enter(policy)`` in the child, which then closes the descriptors that it must not keep.

Meanwhile the server waits for ``endings()`` beside its requests and calls ``reap()``; before it ends, ``end_all()``.

Levels, strongest first:

``namespaces``  own pid, mount, ipc, network and host name namespaces, a disk in memory; and all of ``landlock``
``landlock``    landlock for files, seccomp for system calls, no rights, rlimits: the least with which grading is safe
``none``        rlimits only

What a level promises and the machine refuses raises ``SandboxError``; nothing is left out in silence. This module, with
``namespaces``, ``landlock``, ``seccomp`` and ``linux`` beside it, needs the standard library only.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from course_lib.worker import landlock, namespaces, seccomp
from course_lib.worker.linux import (
    SET_DUMPABLE,
    SET_NO_NEW_PRIVILEGES,
    SET_PARENT_DEATH_SIGNAL,
    SandboxError,
    check,
    libc,
    prctl,
    step,
)

__all__ = [
    "LEVELS",
    "Limits",
    "Policy",
    "SandboxError",
    "end_all",
    "endings",
    "enter",
    "fork",
    "prepare",
    "privileged",
    "reap",
]

LEVELS = ("namespaces", "landlock", "none")

FIRST_FREE_ID, FREE_IDS = 0x70000000, 0x0FFFFFFF
"""As root, each kernel becomes a user of its own from this range, which by convention belongs to nobody."""


@dataclass(frozen=True)
class Limits:
    """What one kernel may take.

    Attributes:
        memory_bytes: private memory of each process beyond what the fork server had.
        processes: processes and threads, the kernel's own (about ten) among them.
        file_bytes: size of one file.
        disk_bytes: all files together; holds at level ``namespaces`` only.
        open_files: descriptors of each process.
        cpu_seconds: computing time of each process; 0 for no limit.
    """

    memory_bytes: int = 2 << 30
    processes: int = 128
    file_bytes: int = 256 << 20
    disk_bytes: int = 512 << 20
    open_files: int = 512
    cpu_seconds: int = 0


@dataclass(frozen=True)
class Policy:
    """What a kernel may do. The paths are absolute.

    Attributes:
        level: one of ``LEVELS``.
        readable: files and directories to read and run programs from: Python and the system's libraries.
        hidden: files and directories below a readable one that must not be read all the same.
        workspace: directory below which all kernels' directories lie; no kernel sees another's.
        scratch: the kernel's working directory. The files that the controller has put there are the kernel's; at level
            ``namespaces`` it gets copies in memory, and what it writes is gone with it.
        sockets: directory in the workspace in which the kernel may make sockets that the controller can reach, or "".
            If it lies in /tmp, the kernel may not write to /tmp.
        limits: what it may take.
    """

    level: str
    readable: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    workspace: str = ""
    scratch: str = ""
    sockets: str = ""
    limits: Limits = Limits()

    def to_json(self) -> str:
        """For the way to the fork server."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """The inverse of ``to_json``."""
        fields = json.loads(text)
        return cls(
            **{
                **fields,
                "readable": tuple(fields["readable"]),
                "hidden": tuple(fields["hidden"]),
                "limits": Limits(**fields["limits"]),
            }
        )


@dataclass
class _Server:
    """What ``prepare`` leaves to the children."""

    level: str = ""
    alive: int = -1
    """pidfd of the server: readable when it has ended."""
    pid_namespace: int = -1
    kernels: dict[int, int] = field(default_factory=dict)
    """pid and pidfd of what was forked and is not collected."""


_server = _Server()


def prepare(policy: Policy) -> None:
    """Make the fork server ready to fork kernels of this policy.

    At level ``namespaces`` the server goes on in a child, and the process that called only waits for it and exits as it
    does. From then on the server sees ``policy.readable`` and ``policy.workspace``, no other process and no network.

    Raises:
        SandboxError: the level is unknown, or this machine does not offer it.
    """
    if policy.level not in LEVELS:
        raise SandboxError(f"{policy.level!r} is no sandbox level; there are {', '.join(LEVELS)}")
    if policy.level != "none" and not seccomp.supported():
        raise SandboxError(f"system call filter: no table for {os.uname().machine}")
    if policy.level != "none" and landlock.version() == 0:
        raise SandboxError("landlock: not offered by the Linux kernel; it needs 5.13 or later")
    if policy.level == "namespaces":
        namespaces.move_server(privileged())
        namespaces.small_root(policy.readable, policy.hidden, policy.workspace)
        _server.pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    elif policy.level == "landlock" and privileged():
        os.chmod(policy.workspace, 0o711)  # noqa: S103 (kernels are other users and have to pass)
    _server.level = policy.level
    if sys.platform == "linux":
        _server.alive = os.pidfd_open(os.getpid())


def fork() -> int:
    """``os.fork()``, at level ``namespaces`` into a new pid namespace: what a kernel starts dies with it."""
    if _server.pid_namespace >= 0:
        namespaces.new_pid_namespace(_server.pid_namespace)
    pid = os.fork()
    if pid:
        _server.kernels[pid] = os.pidfd_open(pid) if sys.platform == "linux" else -1
    return pid


def endings() -> list[int]:
    """In the server: descriptors to wait for with ``select``; one is readable when a kernel has ended."""
    return [descriptor for descriptor in _server.kernels.values() if descriptor >= 0]


def reap() -> None:
    """In the server: collect kernels that have ended, and end what they have left behind in their process groups."""
    for pid, descriptor in list(_server.kernels.items()):
        if descriptor >= 0:
            if not select.select([descriptor], [], [], 0)[0]:
                continue
            _kill_group(pid)  # until the kernel is collected, nobody else gets its number
        if os.waitpid(pid, os.WNOHANG)[0]:
            del _server.kernels[pid]
            if descriptor >= 0:
                os.close(descriptor)


def end_all() -> None:
    """In the server, before it ends: end all kernels, and what they have started."""
    for pid in _server.kernels:
        _kill_group(pid)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone; or it ended before it had a group
        os.killpg(pid, signal.SIGKILL)


def enter(policy: Policy) -> None:
    """Put the walls of the policy around this freshly forked process, for good, and go to its scratch directory.

    Descriptors stay open: close all but those that the student's code may have, afterwards.

    Raises:
        SandboxError: a wall of the level can't be put up. The caller must say so and exit.
    """
    if policy.level != _server.level:
        raise SandboxError(f"the fork server is prepared for level {_server.level!r}, not for {policy.level!r}")
    data = data_in_use()
    alone, safe = policy.level == "namespaces", policy.level != "none"
    os.umask(0o022)
    os.setpgrp()
    with step("first to go"):
        first_to_go()
    uid = FIRST_FREE_ID + int.from_bytes(os.urandom(4), "little") % FREE_IDS if safe and privileged() else -1
    if alone:
        owner = (uid, uid) if uid >= 0 else (os.geteuid(), os.getegid())
        with step("private files"):
            paths = (policy.workspace, policy.scratch, policy.sockets)
            namespaces.private_files(policy.readable, *paths, owner=owner, size=policy.limits.disk_bytes)
    if uid >= 0:
        with step("a user of its own"):
            become(uid, policy)
    elif alone:
        with step("user namespace"):
            namespaces.own_users(1000, 1000)
    with step("end with the fork server"):
        end_with_server()
    with step("scratch directory"):
        os.chdir(policy.scratch)
    with step("limits"):
        limit(policy.limits, data, others=0 if alone or privileged() or uid >= 0 else tasks_of_user())
    if safe:
        with step("no rights"):
            drop_rights()
        with step("landlock"):
            landlock.apply(policy.readable, policy.hidden, policy.scratch, policy.sockets, alone=alone)
        with step("system call filter"):
            seccomp.apply(alone=alone, scoped_signals=alone or landlock.version() >= 6)


def privileged() -> bool:
    """Whether this is the machine's root, not only called so inside a user namespace."""
    if os.geteuid() != 0 or sys.platform != "linux":
        return False
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() == ["0", "0", "4294967295"]


def first_to_go() -> None:
    """If the machine's memory runs out in spite of the limits, Linux ends this process rather than the grader."""
    if sys.platform == "linux":
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
            file.write("1000")


def end_with_server() -> None:
    """Have Linux end this process when the fork server ends. Becoming another user undoes this: call it afterwards.

    Leaves: what this process starts, unless it has a pid namespace. That stays in its process group, for ``reap``.
    """
    if sys.platform == "linux":
        prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if select.select([_server.alive], [], [], 0)[0]:
            os._exit(1)  # it ended before the call


def become(uid: int, policy: Policy) -> None:
    """From root to a user that owns nothing but the scratch directory.

    Stops: all that only root may do; changing and signalling what is others'. RLIMIT_NPROC binds only now, and counts
    this kernel alone.
    """
    for folder, _, names in os.walk(policy.scratch):
        for path in (folder, *(os.path.join(folder, name) for name in names)):
            os.chown(path, uid, uid, follow_symlinks=False)
    if policy.sockets:
        os.chown(policy.sockets, uid, uid)
    paths = [path for path in (*policy.readable, policy.scratch) if os.path.isdir(path)]
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    for path in paths:
        if not os.access(path, os.R_OK | os.X_OK):
            raise SandboxError(
                f"a kernel that is not root may not read {path}. "
                "Run the grader as an ordinary user, or put Python where every user may read it"
            )


def drop_rights() -> None:
    """No capabilities, none to be had by running a program, and no reading of this process's memory by its siblings."""
    prctl(SET_NO_NEW_PRIVILEGES, 1)
    prctl(SET_DUMPABLE, 0)
    check(libc.capset(struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0] * 6)))


def limit(limits: Limits, data: int, others: int) -> None:
    """rlimits that cannot be raised again.

    Stops: taking memory, processes, descriptors and file sizes without end.
    Leaves: each process has the memory limit for itself; memory shared between processes is refused by seccomp or
    counts as disk. For an ordinary user at level ``landlock`` the processes of all his kernels count together.

    Args:
        limits: what may be taken.
        data: bytes of private memory that the process has already.
        others: processes that the same user runs already.
    """
    wanted = {
        "RLIMIT_DATA": data + limits.memory_bytes,
        "RLIMIT_NPROC": others + limits.processes,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_STACK": 64 << 20,
        "RLIMIT_CPU": limits.cpu_seconds or resource.RLIM_INFINITY,
        **dict.fromkeys(("RLIMIT_CORE", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_RTPRIO"), 0),
    }
    for name, value in wanted.items():
        number = getattr(resource, name, None)
        if number is None or (name in ("RLIMIT_DATA", "RLIMIT_NPROC") and sys.platform != "linux"):
            continue  # elsewhere they mean something else, or there is no telling what is in use
        soft, hard = (_no_more(value, old) for old in resource.getrlimit(number))
        resource.setrlimit(number, (soft if name == "RLIMIT_STACK" else hard, hard))


def _no_more(value: int, old: int) -> int:
    unlimited = resource.RLIM_INFINITY
    return old if value == unlimited else value if old == unlimited else min(value, old)


def data_in_use() -> int:
    """Bytes that RLIMIT_DATA counts already."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[5]) * resource.getpagesize()


def tasks_of_user() -> int:
    """Processes and threads that this user runs now, where Linux tells."""
    count = 0
    for name in filter(str.isdecimal, os.listdir("/proc") if sys.platform == "linux" else ()):
        try:
            threads = os.stat(f"/proc/{name}/task")  # a directory with one directory for each
            count += threads.st_nlink - 2 if threads.st_uid == os.getuid() else 0
        except OSError:
            continue  # it has ended meanwhile
    return count
