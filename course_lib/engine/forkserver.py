"""The controller's side of the fork server: starts it once, and asks it for kernels.

The server is another program (``course_lib.worker.server``) with an environment of its own; nothing of the
controller's memory, environment or descriptors reaches it.
"""

from __future__ import annotations

import array
import atexit
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgpack

from course_lib.engine.sandbox import choose, make_workspace, policy_for

START_SECONDS = 120.0
FORK_SECONDS = 20.0


class ForkServerError(RuntimeError):
    """The fork server did not start, or died. Its own words are in the message."""


@dataclass
class KernelProcess:
    """A forked kernel.

    Attributes:
        pidfd: readable once it has exited; signals sent through it can't reach another process.
        proxy: the controller's end of the proxy connection.
        killed: it was told to end at once. Freeing its memory may take it a while, in which it is of no use any more.
    """

    pidfd: int
    proxy: socket.socket
    killed: bool = False
    _closing: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Other threads send signals too: never through a descriptor that means something else by now."""

    @property
    def pid(self) -> int:
        """Its number as this process sees it; -1 if it is gone."""
        try:
            facts = Path(f"/proc/self/fdinfo/{self.pidfd}").read_text(encoding="ascii")
        except OSError:
            return -1
        return int((facts.partition("Pid:")[2].split() or ["-1"])[0])

    def alive(self) -> bool:
        return not self.killed and not select.select([self.pidfd], [], [], 0)[0]

    def send_signal(self, number: int) -> None:
        self.killed |= number == signal.SIGKILL
        with self._closing, contextlib.suppress(ProcessLookupError):
            if self.pidfd >= 0:
                signal.pidfd_send_signal(self.pidfd, number)

    def wait(self, seconds: float) -> bool:
        """True if it has exited within this time."""
        return bool(select.select([self.pidfd], [], [], seconds)[0])

    def close(self) -> None:
        """Kill it if it lives, and release the descriptors."""
        if self.pidfd >= 0:
            self.send_signal(signal.SIGKILL)
            self.wait(5)
            with self._closing:
                os.close(self.pidfd)
                self.pidfd = -1
            self.proxy.close()


class ForkServer:
    """A running fork server. Start one per grading process; ``close`` ends it and every kernel it made.

    Args:
        level: sandbox level of its kernels, see ``worker.sandbox``.

    Attributes:
        workspace: directory below which each kernel has its own.
    """

    def __init__(self, level: str) -> None:
        self.level = level
        self.workspace = make_workspace()
        self._kernels = 0
        self._ready = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection = ours
        self._policy = policy_for(level, self.workspace, course=Path.cwd())
        self._process = subprocess.Popen(  # noqa: S603 (our own program)
            [sys.executable, "-m", "course_lib.worker.server", str(theirs.fileno()), self._policy.to_json()],
            pass_fds=[theirs.fileno()],
            env=server_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            process_group=0,  # a Ctrl-C at the terminal must not reach it before the controller has cleaned up
        )
        theirs.close()

    def new_directory(self) -> Path:
        """A directory for one kernel, with its working directory ``work`` in it."""
        self._kernels += 1
        directory = self.workspace / str(self._kernels)
        (directory / "work").mkdir(parents=True)
        return directory

    def fork(self, directory: Path, connection: dict[str, Any], environment: dict[str, str]) -> KernelProcess:
        """Fork a kernel that listens on ``connection``. Returns when its sockets are bound.

        Args:
            directory: from ``new_directory``; what is in its ``work`` is there for the kernel.

        Raises:
            ForkServerError: the server died, or the kernel did before it was ready; the message says why.
        """
        if not self._ready:
            self._receive(START_SECONDS)
            self._ready = True
        policy = replace(self._policy, scratch=str(directory / "work"))
        ours, theirs = socket.socketpair()
        bound_read, bound_write = os.pipe()
        try:
            request = {"connection": connection, "environment": environment, "policy": policy.to_json()}
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno(), bound_write]))]
            try:
                self._connection.sendmsg([msgpack.packb(request)], rights)
            except OSError as error:
                raise ForkServerError(f"the fork server is gone: {error}") from error
            finally:
                theirs.close()
                os.close(bound_write)
            process = KernelProcess(self._receive(FORK_SECONDS), ours)
            said = os.read(bound_read, 4096) if select.select([bound_read], [], [], FORK_SECONDS)[0] else b""
            if said != b"1":
                process.close()
                why = said.decode(errors="replace") or "it died; is there enough memory and process space?"
                raise ForkServerError(f"a kernel did not start: {why}")
            return process
        finally:
            os.close(bound_read)

    def close(self) -> None:
        self._connection.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        shutil.rmtree(self.workspace, ignore_errors=True)

    def alive(self) -> bool:
        return self._process.poll() is None

    def _receive(self, seconds: float) -> int:
        """Wait for the server's next packet and return the descriptor in it, or −1."""
        ready = select.select([self._connection], [], [], seconds)[0]
        data: bytes = b""
        ancillary: list[tuple[int, int, bytes]] = []
        if ready:
            data, ancillary, *_ = self._connection.recvmsg(64, socket.CMSG_SPACE(4))
        if not data:
            self._process.kill()
            words = self._process.stderr.read().decode(errors="replace") if self._process.stderr else ""
            raise ForkServerError(f"the fork server did not answer within {seconds:g} s. It said:\n{words[-2000:]}")
        descriptors = array.array("i")
        for *_, payload in ancillary:
            descriptors.frombytes(payload)
        return descriptors[0] if descriptors else -1


def server_environment() -> dict[str, str]:
    """What the server may know: where Python is, and that it must not use threads."""
    repository = str(Path(__file__).parents[2])
    return {
        "PATH": os.path.dirname(sys.executable) + ":/usr/bin:/bin",
        "PYTHONPATH": repository,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "HOME": "/nonexistent",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        **{key: value for key, value in os.environ.items() if key.startswith("OPENBLAS_CORETYPE")},
    }


_server: ForkServer | None = None


def shared_server(level: str | None = None) -> ForkServer:
    """This process's fork server, started on first use and again if it died.

    Args:
        level: sandbox level; None for the strongest that works here.

    Raises:
        SandboxError: no level was asked for, and this machine does not offer even the least.
    """
    global _server  # noqa: PLW0603 (one server a process is the point)
    if _server is None or not _server.alive() or level not in (None, _server.level):
        if _server is not None:
            _server.close()
        _server = ForkServer(level or choose())
        atexit.register(_server.close)
    return _server
