"""The proxy connection to one worker kernel: frames over a socket, with time limits. Trusts nothing that comes back."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable
from typing import Any

from course_lib.engine.errors import TimeLimit, WorkerDied
from course_lib.engine.forkserver import KernelProcess
from course_lib.worker import codec
from course_lib.worker.codec import WireError
from course_lib.worker.kernel_protocol import HEADER, STOP

PROPERTY_SECONDS = 30.0
INTERRUPT_SECONDS = 1.0
NO_TIME_LEFT = "the submission had used all its time"


class SocketPeer:
    """Calls into a worker kernel. Use it as a context: the kernel runs no cells meanwhile.

    Args:
        process: the kernel.
        call_seconds: time limit of one call. A property may take ``PROPERTY_SECONDS`` in all.
        ends: when the submission has used its time, by the monotonic clock.
    """

    def __init__(self, process: KernelProcess, call_seconds: float, ends: float = math.inf) -> None:
        self._process = process
        self._socket = process.proxy
        self._call_seconds = call_seconds
        self._ends = ends
        self._number = 0
        self._property_ends = 0.0
        self.dead = False
        self.begin()

    def __enter__(self) -> SocketPeer:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.dead:
            try:
                self._send(b"", STOP, time.monotonic() + 1)
            except (OSError, _TooLate):
                self._die()

    def begin(self) -> None:
        self._property_ends = time.monotonic() + PROPERTY_SECONDS

    def request(self, frame: bytes, answer_callback: Callable[[Any], list[Any]]) -> Any:
        """Send a request and return its reply.

        Raises:
            TimeLimit: no reply in time. The call was interrupted; if that did not help, the kernel was killed.
            WorkerDied: the kernel has exited, or sent bytes that are no message (it is killed then).
        """
        if self.dead:
            raise WorkerDied("the kernel is no longer there")
        self._number = (self._number + 1) % STOP
        now = time.monotonic()
        if now >= self._ends:
            raise TimeLimit(NO_TIME_LEFT)
        deadline = min(now + self._call_seconds, self._property_ends, self._ends)
        try:
            self._send(frame, self._number, deadline)
            while True:
                message = self._receive(deadline)
                if not isinstance(message, list) or not message:
                    raise WireError("a message that is no list")
                if message[0] != "callback":
                    return message
                reply = codec.encode(answer_callback(message))
                self._send(reply, self._number, deadline)
        except _TooLate:
            self._interrupt()
            if deadline == self._ends:
                raise TimeLimit(NO_TIME_LEFT) from None
            if deadline == self._property_ends:
                raise TimeLimit(f"the calls of this check took longer than {PROPERTY_SECONDS:g} s together") from None
            raise TimeLimit(f"a call did not return within {self._call_seconds:g} s") from None
        except WireError as error:
            self._die()
            raise WorkerDied(f"the kernel sent something that is no result: {error}") from None
        except OSError:
            self._die()
            raise WorkerDied("your code ended the kernel (exit, a crash, or more memory than allowed)") from None

    def _interrupt(self) -> None:
        """End the call that runs. Kill the kernel if it does not let itself be interrupted."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._receive(time.monotonic() + INTERRUPT_SECONDS)
        except (_TooLate, WireError, OSError):
            self._die()

    def _die(self) -> None:
        self.dead = True
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(INTERRUPT_SECONDS)

    def _send(self, data: bytes, number: int, deadline: float) -> None:
        self._limit(deadline)
        try:
            self._socket.sendall(HEADER.pack(len(data), number) + data)
        except TimeoutError:
            raise _TooLate from None

    def _receive(self, deadline: float) -> Any:
        """The next message that belongs to the current request; late replies to earlier ones are dropped."""
        while True:
            length, number = HEADER.unpack(self._read(HEADER.size, deadline))
            if length > codec.MAX_FRAME_BYTES:
                raise WireError(f"a frame of {length} bytes")
            data = self._read(length, deadline)
            if number == self._number:
                return codec.decode(bytes(data))

    def _read(self, count: int, deadline: float) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while view:
            self._limit(deadline)
            try:
                got = self._socket.recv_into(view)
            except TimeoutError:
                raise _TooLate from None
            if got == 0:
                raise ConnectionError
            view = view[got:]
        return data

    def _limit(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _TooLate
        self._socket.settimeout(left)


class _TooLate(Exception):
    pass
