"""jupyter_client's seam: kernels that are forked from the warm server instead of started.

``ForkedKernelManager`` is what our preprocessor hands to nbclient; jupyter_client finds the provisioner under the name
``course-forked``.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerBase
from traitlets import Type, default

from course_lib.engine.forkserver import KernelProcess, shared_server

MESSAGES_WAITING = 32
MESSAGE_BYTES = 32 * 2**20
SEND_MILLISECONDS = 2000


class ForkedProvisioner(KernelProvisionerBase):
    """Life and death of one forked kernel. Its scratch directory exists as long as it does."""

    process: KernelProcess | None = None

    @property
    def has_process(self) -> bool:
        return self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        kwargs.pop("extra_arguments", None)
        return await super().pre_launch(cmd=[], **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        manager = self.parent
        assert isinstance(manager, ForkedKernelManager)
        home = manager.directory / "work"
        if manager.files is not None:
            copy_files(manager.files, home)
        connection = manager.get_connection_info()
        wire = {key: value.decode() if isinstance(value, bytes) else value for key, value in connection.items()}
        self.process = shared_server().fork(manager.directory, wire, kernel_environment(home))
        return connection

    async def poll(self) -> int | None:
        return None if self.process is not None and self.process.alive() else 1

    async def wait(self) -> int | None:
        process = self.process
        if process is not None:
            while process.alive():
                await asyncio.sleep(0.002)
            process.close()
            self.process = None
        return 0

    async def send_signal(self, signum: int) -> None:
        if self.process is not None:
            self.process.send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def cleanup(self, restart: bool = False) -> None:
        if self.process is not None:
            self.process.close()
            self.process = None


class ReadyKernelClient(AsyncKernelClient):
    """A client of a kernel that has said its sockets are bound: nothing to wait for.

    A kernel cannot fill this process's memory: few messages wait for being read, and one that is too large ends the
    connection. Nor can it stop this process: without a connection, sending fails instead of waiting for one.
    """

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RCVHWM, MESSAGES_WAITING)
        context.setsockopt(zmq.MAXMSGSIZE, MESSAGE_BYTES)
        context.setsockopt(zmq.SNDTIMEO, SEND_MILLISECONDS)
        return context

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        await self._async_recv_reply(self.kernel_info(), timeout=timeout)

    wait_for_ready = _async_wait_for_ready


class ForkedKernelManager(AsyncKernelManager):
    """Manages one forked kernel, reached over ipc sockets in a private directory.

    Attributes:
        files: directory whose files (not its notebooks) the kernel finds in its working directory, or None.
        directory: private directory of this kernel with its sockets, removed with it.
    """

    client_class = "course_lib.engine.provisioner.ReadyKernelClient"
    client_factory = Type(klass="jupyter_client.client.KernelClient")
    files: Path | None = None

    @default("client_factory")
    def _client_factory_default(self) -> type:
        return ReadyKernelClient

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.directory = shared_server().new_directory()
        self.transport = "ipc"
        self.ip = str(self.directory / "k")
        for port, channel in enumerate(("shell", "iopub", "stdin", "hb", "control"), 1):
            setattr(self, f"{channel}_port", port)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            language="python",
            display_name="Python 3",
            metadata={"kernel_provisioner": {"provisioner_name": "course-forked"}},
        )

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        await super()._async_wait(pollinterval=0.002)  # the stock poll costs 0.1 s a kernel

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        shutil.rmtree(self.directory, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources


def copy_files(source: Path, target: Path) -> None:
    """Copy a submission's files, without its notebooks and without following links."""
    for folder, _, names in os.walk(source):
        inside = target / Path(folder).relative_to(source)
        inside.mkdir(exist_ok=True)
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink() and path.suffix != ".ipynb":
                shutil.copy(path, inside / name)


def kernel_environment(home: Path) -> dict[str, str]:
    """What a kernel may know."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "USER": "student",
        "LOGNAME": "student",
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "MPLCONFIGDIR": str(home),
        "IPYTHONDIR": str(home / ".ipython"),
        "OMP_NUM_THREADS": "1",
        "NBGRADER_EXECUTION": "autograde",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
