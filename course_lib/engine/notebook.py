"""Runs one submission's notebook in a worker kernel, whatever its cells do.

A cell that runs too long is interrupted; one that takes the kernel with it is marked, and a new kernel takes over with
the state that the cells before it make. Knows nothing of grading.
"""

from __future__ import annotations

import asyncio
import copy
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_lib.engine.connection import SocketPeer
from course_lib.engine.errors import WorkerDied
from course_lib.engine.forkserver import KernelProcess
from course_lib.engine.memory import MemoryGuard
from course_lib.engine.provisioner import ForkedKernelManager, ForkedProvisioner

MAX_REVIVALS = 30
OUTPUT_BYTES = 2_000_000
NOTEBOOK_OUTPUT_BYTES = 20_000_000
INTERRUPT_SECONDS = 2.0
ALIVE_SECONDS = 0.05
"""How often to look whether the kernel still runs, while a cell does."""
PATIENCE_SECONDS = 10.0
"""A kernel that is still busy so long after its time, interrupted or not, is killed whatever it sends."""


class NotebookRunner:
    """A notebook and the kernel it runs in. Use it as a context.

    Args:
        notebook: its cells get their outputs here.
        files: directory whose files the kernel finds beside it.
        cell_seconds: time limit of one cell.
        total_seconds: time limit of all cells and calls together; the rest is not run.
    """

    def __init__(self, notebook: NotebookNode, files: Path, cell_seconds: float, total_seconds: float) -> None:
        self.notebook = notebook
        self._files = files
        self._cell_seconds = cell_seconds
        self._total_seconds = total_seconds
        self._ends = time.monotonic() + total_seconds
        self._executed: list[int] = []
        self._revivals = 0
        self._client: BoundedClient | None = None
        self._guard = MemoryGuard(self._kernel)

    def __enter__(self) -> NotebookRunner:
        self._guard.__enter__()
        try:
            self._client = self._new_client(self.notebook)
        except BaseException:
            self._guard.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._guard.__exit__()
        if self._client is not None:
            self._close()

    def _kernel(self) -> KernelProcess | None:
        client = self._client
        return running(client) if client is not None else None

    def execute(self, index: int, seconds: float | None = None) -> None:
        """Run one cell and store its outputs in it, or an error output that says why it did not run to its end.

        Args:
            seconds: time limit of this cell, if it has another one than the rest.
        """
        cell = self.notebook.cells[index]
        if cell.cell_type != "code":
            return
        cell.outputs = []
        cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", []) if tag != "skip-execution"]
        if self._time_left() <= 0:
            add_error(cell, "NotRun", f"not run: the notebook had used its {self._total_seconds:g} s")
            return
        for ended_before in (False, True):
            try:
                if self._execute(self._live_client(), cell, index, seconds or self._cell_seconds):
                    self._executed.append(index)
            except DeadKernelError:
                if not ended_before:
                    continue  # in a new kernel: what ran before may have ended the old one, as a thread can
                self._note_death(cell, "this cell ended the kernel (exit, a crash, or more memory than allowed)")
            except WorkerDied as death:
                self._note_death(cell, str(death))
            return

    def _note_death(self, cell: NotebookNode, why: str) -> None:
        # How much of its output and numbering arrived before the end is chance.
        cell.outputs, cell.execution_count = [], None
        add_error(cell, "KernelDied", why)

    def peer(self, call_seconds: float) -> SocketPeer:
        """The proxy connection to the kernel.

        Raises:
            WorkerDied: there is no kernel any more.
        """
        return SocketPeer(process_of(self._live_client()), call_seconds, self._ends)

    def _live_client(self) -> BoundedClient:
        """The client of a live kernel. A dead one is replaced by one in the state that the executed cells make."""
        while self._client is not None and not process_of(self._client).alive():
            self._close()
            self._revivals += 1
            if self._revivals > MAX_REVIVALS or self._time_left() <= 0:
                break
            again = copy.deepcopy(self.notebook)
            self._client = self._new_client(again)
            for index in self._executed:
                try:
                    self._execute(self._client, again.cells[index], index, self._cell_seconds)
                except (WorkerDied, DeadKernelError):
                    self._executed.remove(index)
                    break
        if self._client is None:
            raise WorkerDied(f"not run: your code had ended the kernel {self._revivals} times")
        return self._client

    def _execute(self, client: BoundedClient, cell: NotebookNode, index: int, limit: float) -> bool:
        """Run a cell. False if it had to be interrupted.

        Raises:
            WorkerDied: its kernel had to be killed.
            DeadKernelError: its kernel ended meanwhile.
        """
        seconds = max(1, round(min(limit, self._time_left())))
        client.timeout = seconds
        process = process_of(client)
        try:
            with killed_after(process, seconds + PATIENCE_SECONDS):
                client.execute_cell(cell, index, store_history=True)
        except CellTimeoutError:
            self._interrupt(client, seconds)
            cell.outputs, cell.execution_count = [], None  # how much had arrived is chance
            add_error(cell, "TimeLimit", f"this cell ran longer than {seconds} s and was interrupted")
            return False
        except DeadKernelError:
            raise
        except Exception as error:  # a message without its parts, a wrong signature: the code speaks for the kernel
            process.send_signal(signal.SIGKILL)
            process.wait(INTERRUPT_SECONDS)
            raise WorkerDied(f"this cell sent something that no kernel sends ({type(error).__name__})") from None
        return True

    def _interrupt(self, client: BoundedClient, seconds: float) -> None:
        """End the cell that runs. Kill the kernel if it does not let itself be interrupted."""
        process = process_of(client)
        process.send_signal(signal.SIGINT)
        kernel = client.kc
        assert kernel is not None
        try:
            with killed_after(process, PATIENCE_SECONDS):
                run_sync(kernel._async_recv_reply)(kernel.kernel_info(), timeout=INTERRUPT_SECONDS)
        except Exception:  # no answer in time, or one that is no message
            process.send_signal(signal.SIGKILL)
            process.wait(INTERRUPT_SECONDS)
            raise WorkerDied(f"this cell ran longer than {seconds:g} s and did not let itself be interrupted") from None

    def _time_left(self) -> float:
        return self._ends - time.monotonic()

    def _new_client(self, notebook: NotebookNode) -> BoundedClient:
        manager = ForkedKernelManager()
        manager.files = self._files
        client = BoundedClient(notebook, manager)
        client.start_new_kernel()
        client.start_new_kernel_client()
        return client

    def _close(self) -> None:
        client, self._client = self._client, None
        assert client is not None
        client._cleanup_kernel()


class BoundedClient(NotebookClient):
    """nbclient with a bound on what a kernel may send, and without trust in its form.

    Outputs are never changed later, by a display id, and there are no widgets: both would make much out of little.
    """

    def __init__(self, notebook: NotebookNode, manager: ForkedKernelManager) -> None:
        super().__init__(notebook, manager, allow_errors=True, interrupt_on_timeout=False, shutdown_kernel="immediate")
        self._cell: Any = None
        self._bytes = 0
        self._all_bytes = 0

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        kind, content = msg["msg_type"], msg["content"]
        if kind in ("stream", "display_data", "execute_result", "error"):
            if not is_output(content) or not self._has_room(cell, size(content)):
                return None
            content.pop("transient", None)
        elif kind not in ("status", "execute_input", "clear_output"):
            return None
        output: NotebookNode | None = super().process_message(msg, cell, cell_index)
        return output

    async def _async_poll_kernel_alive(self) -> None:
        """As nbclient's, which looks once a second."""
        while (process := running(self)) is not None and process.alive():
            await asyncio.sleep(ALIVE_SECONDS)
        assert self.task_poll_for_reply is not None
        self.task_poll_for_reply.cancel()

    def _has_room(self, cell: NotebookNode, count: int) -> bool:
        """Whether so many bytes more may be kept. Says so in the cell where they may not, once."""
        if cell is not self._cell:
            self._cell, self._bytes = cell, 0
        full = self._bytes > OUTPUT_BYTES
        self._bytes += count
        if not full and (self._bytes > OUTPUT_BYTES or self._all_bytes + count > NOTEBOOK_OUTPUT_BYTES):
            self._bytes = OUTPUT_BYTES + 1
            note = f"\n[this cell wrote more than {OUTPUT_BYTES // 1_000_000} MB, or all together more than "
            note += f"{NOTEBOOK_OUTPUT_BYTES // 1_000_000} MB; the rest is dropped]\n"
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=note))
        if self._bytes > OUTPUT_BYTES:
            return False
        self._all_bytes += count
        return True


@contextmanager
def killed_after(process: KernelProcess, seconds: float) -> Iterator[None]:
    """Kill the process if what happens in this context takes longer.

    By the clock of another thread: a kernel that floods its client with messages keeps it from looking at its own.
    """
    timer = threading.Timer(seconds, process.send_signal, (signal.SIGKILL,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def running(client: NotebookClient) -> KernelProcess | None:
    """The kernel process behind a client, if there is one now."""
    provisioner = client.km.provisioner if client.km is not None else None
    return provisioner.process if isinstance(provisioner, ForkedProvisioner) else None


def process_of(client: NotebookClient) -> KernelProcess:
    """The kernel process behind a client that has one."""
    process = running(client)
    assert process is not None
    return process


def is_output(content: Any) -> bool:
    """Whether the content of a message has the parts that a notebook's output needs."""
    match content:
        case {"name": "stdout" | "stderr", "text": str()}:
            return True
        case {"ename": str(), "evalue": str(), "traceback": [*lines]}:
            return all(isinstance(line, str) for line in lines)
        case {"data": {**data}, "metadata": {}}:
            count = content.get("execution_count")
            plain = all(isinstance(value, str) or str(key).endswith("json") for key, value in data.items())
            return plain and (count is None or isinstance(count, int))
    return False


def size(content: Any) -> int:
    """Rough number of bytes in a message."""
    if isinstance(content, str):
        return len(content)
    if isinstance(content, dict):
        return 8 + sum(len(key) + size(value) for key, value in content.items())
    if isinstance(content, list):
        return 8 + sum(size(value) for value in content)
    return 8


def add_error(cell: NotebookNode, name: str, message: str) -> None:
    """Append an error output."""
    cell.outputs.append(nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[f"{name}: {message}"]))
