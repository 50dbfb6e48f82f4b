"""Runs code inside the sandbox, for its tests: as root and as an ordinary user, at each level, in a throwaway process.

Everything happens in a mount namespace of its own where the machine allows it, and attacks go only for what a test has
made below ``Ground``.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from course_lib.engine.sandbox import policy_for
from course_lib.worker import landlock
from course_lib.worker.sandbox import Limits, Policy, enter, fork, prepare, reap

ORDINARY = 54321 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""A user that is not root, for tests that run as root. Processes are counted by user: each test process has its own."""

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Setting:
    """Who runs the fork server, and behind which walls its kernel is."""

    user: str
    level: str

    def __str__(self) -> str:
        return f"{self.user}-{self.level}"


SETTINGS = [
    Setting(user, level)
    for user in (("root", "ordinary") if os.geteuid() == 0 else ("ordinary",))
    for level in ("namespaces", "landlock")
]


@dataclass(frozen=True)
class Ground:
    """Directories of one test, which both users own.

    Attributes:
        outside: what the kernel must not touch.
        workspace: where kernels' directories are.
    """

    outside: Path
    workspace: Path

    @property
    def sockets(self) -> Path:
        return self.workspace / "kernel"

    @property
    def scratch(self) -> Path:
        return self.sockets / "work"

    def own(self, setting: Setting) -> None:
        """Give everything to the user of the setting."""
        if os.geteuid() == 0:
            uid = uid_of(setting)
            for folder, _, names in os.walk(self.outside.parent):
                for path in (folder, *(os.path.join(folder, name) for name in names)):
                    os.chown(path, uid, uid, follow_symlinks=False)


def uid_of(setting: Setting) -> int:
    """Whom a test that runs as root becomes."""
    return ORDINARY if setting.user == "ordinary" else 0


class RefusedError(Exception):
    """What went wrong inside: the exception's type and words."""


def inside(setting: Setting, ground: Ground, code: str, *, timeout: float = 60, **changes: Any) -> Any:
    """Run code in a kernel's place and return what it leaves in ``result``.

    ``changes`` go to the policy; ``limits`` is a dict, and ``landlock_version`` plays an older Linux. The code finds
    ``outside``, ``scratch``, ``sockets``, ``server`` (the fork server's process number as its children see it) and the
    modules ``os``, ``sys`` and ``ctypes``.

    Raises:
        RefusedError: the code or the sandbox raised.
    """
    ground.own(setting)
    process = start(setting, ground, code, **changes)
    output, words = process.communicate(timeout=timeout)
    if not output.strip():
        raise AssertionError(f"no answer from inside; exit code {process.returncode}: {words}")
    answer = json.loads(output.splitlines()[-1])
    if "error" in answer:
        raise RefusedError(answer["error"])
    return answer["result"]


def attempts(setting: Setting, ground: Ground, snippets: list[str], setup: str = "", **changes: Any) -> list[str]:
    """Run snippets one after the other in one kernel's place: for each the exception's type, or ``allowed``."""
    code = textwrap.dedent(setup) + textwrap.dedent(f"""
        result = []
        for snippet in {snippets!r}:
            try:
                exec(snippet)
                result.append("allowed")
            except (Exception, SystemExit) as error:
                result.append(type(error).__name__)
        """)
    answer = inside(setting, ground, code, **changes)
    assert isinstance(answer, list)
    return answer


def start(setting: Setting, ground: Ground, code: str, **changes: Any) -> subprocess.Popen[str]:
    """Start what ``inside`` waits for."""
    ground.own(setting)
    version = changes.pop("landlock_version", None)
    policy = policy_for(
        setting.level,
        ground.workspace,
        scratch=ground.scratch,
        sockets=ground.sockets,
        limits=Limits(**changes.pop("limits", {})),
    )
    request = {
        "version": version,
        "uid": uid_of(setting),
        "policy": replace(policy, **changes).to_json(),
        "code": textwrap.dedent(code),
        "outside": str(ground.outside),
    }
    program = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from tests.worker.walls import main; main()"
    environment = {
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MPLCONFIGDIR": font_cache(),
    }
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, json.dumps(request)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd="/",
    )


@cache
def font_cache() -> str:
    """matplotlib's list of fonts takes it a second to make: once for all tests, for every user."""
    place = tempfile.mkdtemp(prefix="walls-fonts-")
    os.chmod(place, 0o777)
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return place


def main() -> None:
    """In the throwaway process: be the fork server, and report what happens in its child."""
    request = json.loads(sys.argv[1])
    policy = Policy.from_json(request["policy"])
    if os.geteuid() == 0:
        show_to_everybody([sys.prefix, sys.base_prefix, str(REPOSITORY)])
        if uid := request["uid"]:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # dumpable again, as a process that began as this user is
    if request["version"]:
        landlock.version = lambda: int(request["version"])
    names = {
        "os": os, "sys": sys, "ctypes": ctypes, "server": os.getpid(), "outside": request["outside"],
        "scratch": policy.scratch, "sockets": policy.sockets, "result": None,
    }  # fmt: skip
    if "import torch" in request["code"]:  # as the fork server does: before the walls
        import matplotlib.pyplot  # noqa: F401
        import torch

        torch.set_num_threads(1)
    try:
        prepare(policy)
        child = fork()
    except Exception as error:
        tell({"error": f"{type(error).__name__}: {error}"})
        return
    if child:
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        reap()
        return
    try:
        enter(policy)
        os.environ.update(HOME=policy.scratch, TMPDIR=policy.scratch, MPLCONFIGDIR=policy.scratch)
        tempfile.tempdir = None
        exec(compile(request["code"], "<inside>", "exec"), names)
        tell({"result": names["result"]})
    except BaseException as error:
        tell({"error": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def tell(answer: dict[str, Any]) -> None:
    """One line that the test reads."""
    os.write(1, b"\n" + json.dumps(answer).encode() + b"\n")


def show_to_everybody(paths: list[str]) -> None:
    """Give this process, as root, a view of the files in which every user may read these paths."""
    libc = ctypes.CDLL(None, use_errno=True)
    closed = {path: top for path in paths if (top := first_closed(path))}
    if not closed:
        return
    if libc.unshare(0x20000) != 0 or libc.mount(None, b"/", None, (1 << 14) | (1 << 18), None) != 0:
        return  # the test will say that it may not read
    held = {path: os.open(path, os.O_PATH) for path in closed}
    for top in sorted(set(closed.values())):
        assert libc.mount(b"tmpfs", os.fsencode(top), b"tmpfs", 0, b"mode=755") == 0
    for path, descriptor in sorted(held.items()):
        os.makedirs(path, exist_ok=True)
        assert libc.mount(f"/proc/self/fd/{descriptor}".encode(), os.fsencode(path), None, 4096 | 16384, None) == 0
        os.close(descriptor)


def first_closed(path: str) -> str:
    """The outermost directory on the way to the path that only its owner may pass, or nothing."""
    for parent in [*reversed(Path(path).parents), Path(path)]:
        if not parent.stat().st_mode & 1:
            return str(parent)
    return ""
