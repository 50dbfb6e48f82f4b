"""Becomes an ordinary ipykernel in a forked child, and answers the controller's calls between its cells.

Nothing here is believed by the controller: a student's code shares this process and can change any of it.
"""

from __future__ import annotations

import os
import signal
import socket
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import zmq
from ipykernel.heartbeat import Heartbeat
from ipykernel.kernelapp import IPKernelApp
from tornado.ioloop import IOLoop
from traitlets.config import Config

from course_lib.worker import codec
from course_lib.worker.codec import WireError
from course_lib.worker.kernel_protocol import HEADER, STOP
from course_lib.worker.session import Session

_proxy = -1
_listening: dict[str, int] = {}


class WarmKernelApp(IPKernelApp):
    """ipykernel's application without files: the connection is given, and no profile is read or made."""

    connection: dict[str, Any]

    def init_connection_file(self) -> None:
        self.load_connection_info(self.connection)  # type: ignore[arg-type]

    def _try_bind_socket(self, s: Any, port: int) -> int:
        bind(s, f"{self.ip}-{port}")
        return port

    def write_connection_file(self, **_: Any) -> None:
        pass

    def load_config_file(self, *_: Any, **__: Any) -> None:
        pass

    def parse_command_line(self, argv: Any = None) -> None:
        self.update_config(Config({"HistoryManager": {"enabled": False}, "Session": {"check_pid": False}}))


def listen(connection: dict[str, Any]) -> list[int]:
    """Make the kernel's sockets before the walls are up, so that it needs no right to make any. Returns descriptors."""
    for channel in ("shell", "iopub", "stdin", "hb", "control"):
        path = f"{connection['ip']}-{connection[channel + '_port']}"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen(16)
            _listening[path] = listener.detach()
    return list(_listening.values())


def bind(zmq_socket: Any, path: str) -> None:
    """Have ZeroMQ use the socket that listens at this path already."""
    zmq_socket.setsockopt(zmq.USE_FD, _listening.pop(path))
    zmq_socket.bind(f"ipc://{path}")


def run(connection: dict[str, Any], proxy: int, bound: int) -> None:
    """Start the kernel's event loop on these sockets. Writes a byte to ``bound`` once they are bound."""
    global _proxy  # noqa: PLW0603 (one kernel a process)
    _proxy = proxy
    WarmKernelApp.connection = connection
    Heartbeat._try_bind_socket = lambda self: bind(self.socket, f"{self.ip}-{self.port}")  # type: ignore[method-assign]
    app = WarmKernelApp.instance()
    app.initialize()  # type: ignore[no-untyped-call]
    # The controller's calls are answered between cells, in the main thread, where SIGINT can end a call.
    assert app.shell is not None
    app.shell.ask_exit = leave
    server = _Server(app.shell.user_ns)
    IOLoop.current().add_handler(proxy, lambda *_: server.run(), IOLoop.READ)
    os.write(bound, b"1")
    os.close(bound)
    app.start()  # type: ignore[no-untyped-call]


def leave() -> None:
    """``exit`` and ``quit`` end the cell or the call. Those of ipykernel end the kernel, a moment later.

    Raises:
        SystemExit: always.
    """
    raise SystemExit


class _Server:
    """Reads frames from the proxy connection and writes the replies."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._session = Session(namespace, self._ask)
        self._number = 0
        self._busy = False

    def run(self) -> None:
        """Answer calls until the controller says stop."""
        previous = signal.signal(signal.SIGINT, self._interrupt)
        try:
            with open(os.devnull, "w", encoding="utf-8") as null, redirect_stdout(null), redirect_stderr(null):
                while (request := self._read()) is not None:
                    self._answer(request)
        finally:
            signal.signal(signal.SIGINT, previous)

    def _answer(self, request: Any) -> None:
        number = self._number
        self._busy = True
        try:
            data = self._session.answer(request)
        except KeyboardInterrupt:
            data = codec.encode(["error", "KeyboardInterrupt", "", ""])
        finally:
            self._busy = False
        self._write(number, data)

    def _ask(self, request: list[Any]) -> list[Any]:
        """Send a callback and wait for its reply; a call that comes first is answered."""
        self._write(self._number, codec.encode(request))
        while True:
            message = self._read()
            if message is None:
                raise WireError("the controller stopped during a call")
            if message[0] in ("value", "error"):
                return list(message)
            self._answer(message)

    def _interrupt(self, *_: object) -> None:
        if self._busy:
            raise KeyboardInterrupt

    def _read(self) -> Any:
        length, self._number = HEADER.unpack(_read_exactly(HEADER.size))
        return None if self._number == STOP else codec.decode(bytes(_read_exactly(length)))

    def _write(self, number: int, data: bytes) -> None:
        view = memoryview(HEADER.pack(len(data), number) + data)
        while view:
            view = view[os.write(_proxy, view) :]


def _read_exactly(count: int) -> bytearray:
    data = bytearray()
    while len(data) < count:
        chunk = os.read(_proxy, count - len(data))
        if not chunk:
            os._exit(0)  # the controller is gone
        data += chunk
    return data
