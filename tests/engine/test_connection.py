"""The proxy connection against workers that lie, stall and die: played by a thread on the other end of the socket."""

from __future__ import annotations

import math
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from course_lib.engine import connection
from course_lib.engine.connection import SocketPeer
from course_lib.engine.errors import TimeLimit, WorkerDied
from course_lib.worker import codec
from course_lib.worker.kernel_protocol import HEADER, STOP


class PlayedProcess:
    """A kernel process whose signals are only written down."""

    def __init__(self, proxy: socket.socket) -> None:
        self.proxy = proxy
        self.signals: list[int] = []

    def send_signal(self, number: int) -> None:
        self.signals.append(number)

    def wait(self, seconds: float) -> bool:
        return True


def read_frame(worker: socket.socket) -> tuple[int, Any]:
    length, number = HEADER.unpack(worker.recv(HEADER.size, socket.MSG_WAITALL))
    return number, codec.decode(worker.recv(length, socket.MSG_WAITALL)) if length else None


def frame(number: int, message: Any) -> bytes:
    data = codec.encode(message)
    return HEADER.pack(len(data), number) + data


@contextmanager
def played(
    play: Callable[[socket.socket], None], call_seconds: float = 0.3, ends: float = math.inf
) -> Iterator[tuple[SocketPeer, PlayedProcess]]:
    ours, theirs = socket.socketpair()
    process = PlayedProcess(ours)
    thread = threading.Thread(target=play, args=(theirs,))
    thread.start()
    with ours, theirs:
        yield SocketPeer(process, call_seconds, ends), process  # type: ignore[arg-type]
        ours.close()
        thread.join(5)


def request(peer: SocketPeer, answer: Any = None) -> Any:
    return peer.request(codec.encode(["call", "f", [], {}]), answer)


def test_a_reply_comes_back():
    def play(worker):
        number, message = read_frame(worker)
        assert message == ["call", "f", [], {}]
        worker.sendall(frame(number, ["value", 1.5, [], []]))

    with played(play) as (peer, _):
        assert request(peer) == ["value", 1.5, [], []]


def test_leaving_the_context_tells_the_worker_to_stop():
    heard = []

    def play(worker):
        heard.append(read_frame(worker))

    with played(play) as (peer, _), peer:
        pass
    assert heard == [(STOP, None)]


def test_callbacks_are_answered_before_the_reply():
    def play(worker):
        number, _ = read_frame(worker)
        worker.sendall(frame(number, ["callback", 0, [2.0], {}]))
        _, reply = read_frame(worker)
        worker.sendall(frame(number, ["value", reply[1] + 1, [], []]))

    with played(play) as (peer, _):
        assert request(peer, lambda message: ["value", message[2][0] * 10])[1] == 21.0


def test_late_replies_to_earlier_requests_are_dropped():
    def play(worker):
        number, _ = read_frame(worker)
        worker.sendall(frame(number + 1, ["value", "forged in advance", [], []]))
        worker.sendall(frame(number, ["value", "first", [], []]))
        worker.sendall(frame(number, ["value", "again", [], []]))
        number, _ = read_frame(worker)
        worker.sendall(frame(number, ["value", "second", [], []]))

    with played(play) as (peer, _):
        assert [request(peer)[1], request(peer)[1]] == ["first", "second"]


def test_an_interrupted_call_is_a_time_limit_and_the_worker_lives():
    def play(worker):
        number, _ = read_frame(worker)
        time.sleep(0.4)
        worker.sendall(frame(number, ["error", "KeyboardInterrupt", "", ""]))
        number, _ = read_frame(worker)
        worker.sendall(frame(number, ["value", 1, [], []]))

    with played(play) as (peer, process):
        with pytest.raises(TimeLimit, match=r"within 0\.3 s"):
            request(peer)
        assert process.signals == [connection.signal.SIGINT]
        assert request(peer)[1] == 1


@pytest.mark.parametrize("drip", [b"", b"\1\0\0\0\1"], ids=["silence", "half a header"])
def test_a_worker_that_ignores_the_interrupt_is_killed(monkeypatch, drip):
    monkeypatch.setattr(connection, "INTERRUPT_SECONDS", 0.2)

    def play(worker):
        read_frame(worker)
        worker.sendall(drip)

    with played(play) as (peer, process):
        with pytest.raises(TimeLimit):
            request(peer)
        assert process.signals == [connection.signal.SIGINT, connection.signal.SIGKILL]
        assert peer.dead
        with pytest.raises(WorkerDied):
            request(peer)


def test_a_slow_drip_does_not_stretch_the_time_limit(monkeypatch):
    monkeypatch.setattr(connection, "INTERRUPT_SECONDS", 0.1)
    ended = threading.Event()

    def play(worker):
        number, _ = read_frame(worker)
        for byte in frame(number, ["value", "x" * 1000, [], []]):
            if ended.wait(0.01):
                return
            worker.sendall(bytes([byte]))

    with played(play) as (peer, _):
        started = time.monotonic()
        with pytest.raises(TimeLimit):
            request(peer)
        ended.set()
        assert time.monotonic() - started < 5


def test_a_property_has_a_time_limit_of_its_own(monkeypatch):
    monkeypatch.setattr(connection, "PROPERTY_SECONDS", 0.2)
    monkeypatch.setattr(connection, "INTERRUPT_SECONDS", 0.1)
    with (
        played(lambda worker: None, call_seconds=60) as (peer, _),
        pytest.raises(TimeLimit, match="together"),
    ):
        request(peer)


@pytest.mark.parametrize(
    "bytes_sent",
    [
        HEADER.pack(codec.MAX_FRAME_BYTES + 1, 1),
        HEADER.pack(3, 1) + b"\xc1\xc1\xc1",
        frame(1, {"no": "list"}),
        frame(1, []),
    ],
    ids=["too large", "no msgpack", "no list", "empty list"],
)
def test_what_is_no_message_kills_the_worker(bytes_sent):
    def play(worker):
        read_frame(worker)
        worker.sendall(bytes_sent)

    with played(play) as (peer, process):
        with pytest.raises(WorkerDied, match="no result"):
            request(peer)
        assert process.signals == [connection.signal.SIGKILL]


def test_a_worker_that_hangs_up_has_died():
    with played(lambda worker: (read_frame(worker), worker.close())) as (peer, _), pytest.raises(WorkerDied):
        request(peer)


def test_the_time_of_the_submission():
    """A call that runs when it is over is interrupted, and none is begun afterwards."""

    def play(worker):
        read_frame(worker)
        time.sleep(0.3)
        worker.sendall(frame(1, ["error", "KeyboardInterrupt", "", ""]))

    with played(play, call_seconds=60, ends=time.monotonic() + 0.2) as (peer, process):
        for _ in range(2):
            with pytest.raises(TimeLimit, match="had used all its time"):
                request(peer)
            assert process.signals == [signal.SIGINT]
