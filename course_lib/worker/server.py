"""The fork server: a warm interpreter that turns into one kernel after another by forking.

Started by ``engine.forkserver`` as ``python -m course_lib.worker.server <socket fd> <policy>``. It has imported what
notebooks import, runs one thread, and never opens ZeroMQ, SQLite or CUDA, so that a fork of it is safe. It holds no
secret and reads nothing of the course but ``course_lib.worker``. When its socket closes it exits, and its kernels die.

Requests, each one packet: msgpack of ``{"connection", "environment", "policy"}`` with two descriptors, the
kernel's end of the proxy connection and a pipe on which the kernel says ``1`` when its sockets are bound, or why it
can't start. The reply is ``b"forked"`` with a pidfd.
"""

from __future__ import annotations

import array
import gc
import importlib
import io
import os
import random
import select
import signal
import socket
import sys
import tempfile
from typing import Any

import msgpack

from course_lib.worker import sandbox

PRELOADED = (
    "numpy",
    "numpy.testing",
    "torch",
    "torch.nn.functional",
    "torch.optim",
    "torch._dynamo",  # the first optimizer imports it, for more than a second
    "torch.utils.data",
    "matplotlib",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backend_bases",
    "matplotlib.font_manager",
    "matplotlib.pyplot",  # but not the inline backend, which looks for a shell when it is imported
    "PIL.PngImagePlugin",
    "IPython.core.pylabtools",
    "stack_data",  # what IPython's tracebacks need
    "pygments.formatters.terminal256",
    "pygments.styles.default",
    "asttokens.asttokens",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "ipykernel.heartbeat",
    "ipykernel.zmqshell",
    "multiprocessing.connection",
    "course_lib.worker.kernel",
)

MAX_REQUEST = 2**20

kernel: Any = None


def main() -> None:
    """Serve fork requests on the socket whose descriptor is the first argument, under the policy in the second."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is the controller's business
    preload()
    sandbox.prepare(sandbox.Policy.from_json(sys.argv[2]))
    connection.send(b"ready")
    while True:
        watched: list[Any] = [connection, *sandbox.endings()]
        ready = select.select(watched, [], [])[0]
        sandbox.reap()
        if connection not in ready:
            continue
        data, ancillary, *_ = connection.recvmsg(MAX_REQUEST, socket.CMSG_SPACE(2 * 4))
        if not data:
            sandbox.end_all()
            return
        descriptors = array.array("i")
        for level, kind, payload in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(payload)
        answer(connection, msgpack.unpackb(data), list(descriptors))


def preload() -> None:
    """Import what notebooks import, and make forks of this process cheap and safe.

    Raises:
        RuntimeError: torch would run more than one thread; children would hang in its thread pool.
    """
    global kernel  # noqa: PLW0603 (imported late: it pulls in ipykernel)
    for name in PRELOADED:
        importlib.import_module(name)
    kernel = sys.modules["course_lib.worker.kernel"]
    import torch

    torch.set_num_threads(1)
    if torch.get_num_threads() != 1 or len(os.listdir("/proc/self/task")) != 1:
        raise RuntimeError(f"the fork server must have one thread, but has {os.listdir('/proc/self/task')}")
    draw_once()
    forget_the_course()
    gc.collect()
    gc.freeze()


def draw_once() -> None:
    """Draw a figure, so that fonts and glyphs are found once and not by every kernel."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure()
    FigureCanvasAgg(figure)
    figure.subplots().plot([0, 1])
    figure.canvas.print_figure(io.BytesIO())


def forget_the_course() -> None:
    """Take away the ways to import more of ``course_lib`` by name. The sandbox takes away the files."""
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.path[:] = [entry for entry in sys.path if entry and os.path.abspath(entry) != here]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in getattr(finder, "__module__", "")]
    for name in [name for name in sys.modules if name.startswith("__editable__")]:
        del sys.modules[name]
    for name in ("course_lib", "course_lib.worker"):
        sys.modules[name].__path__ = []
    sys.path_importer_cache.clear()


def answer(connection: socket.socket, request: dict[str, Any], descriptors: list[int]) -> None:
    """Fork one kernel and tell the controller its process."""
    pid = sandbox.fork()
    if pid == 0:
        connection.close()
        run_kernel(request, *descriptors)
    pidfd = os.pidfd_open(pid)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [pidfd]))]
    connection.sendmsg([b"forked"], rights)
    for descriptor in (pidfd, *descriptors):
        os.close(descriptor)


def run_kernel(request: dict[str, Any], proxy: int, bound: int) -> None:
    """In the child: put up the walls, then become a kernel. Never returns."""
    try:
        try:
            listening = kernel.listen(request["connection"])
            sandbox.enter(sandbox.Policy.from_json(request["policy"]))
        except sandbox.SandboxError as error:
            os.write(bound, f"the sandbox could not be put up: {error}".encode())
            return
        detach_output(keep=(proxy, bound, *listening))
        os.environ.clear()
        os.environ.update(request["environment"])
        tempfile.tempdir = None
        reseed()
        kernel.run(request["connection"], proxy, bound)
    finally:
        os._exit(1)


def detach_output(keep: tuple[int, ...]) -> None:
    """Point the standard streams at nothing and close every other descriptor but ``keep``."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 65536)


def reseed() -> None:
    """Give every kernel the same global generators, so that grading twice gives the same result."""
    import numpy as np
    import torch

    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


if __name__ == "__main__":
    main()
