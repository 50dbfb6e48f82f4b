"""Which walls this machine offers, which of them to use, and what a kernel behind them may read.

The walls themselves are ``course_lib.worker.sandbox``; here the controller finds out, decides, and explains.
"""

from __future__ import annotations

import os
import platform
import shutil
import site
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from course_lib.worker import landlock
from course_lib.worker.linux import SandboxError
from course_lib.worker.sandbox import LEVELS, Limits, Policy, privileged

__all__ = ["LEVELS", "Limits", "Offer", "Policy", "SandboxError", "choose", "make_workspace", "policy_for", "probe"]

SYSTEM_PATHS = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store",
    "/etc/alternatives", "/etc/fonts", "/etc/group", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d",
    "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd", "/sys/devices/system/cpu",
)  # fmt: skip
"""Libraries and programs, and the little that they look up. Nothing here is a secret to a user of the machine."""

MEANING = {
    "namespaces": "kernels see no other file, process or network, and their disk is in memory",
    "landlock": "kernels open no other file, reach no network and signal nobody; the size of what they write is not "
    "limited in total, and DataLoader workers and multiprocessing managers do not work",
    "none": "nothing keeps a submission from reading the course or changing grades",
}

TRIAL_SECONDS = 30


@dataclass(frozen=True)
class Offer:
    """What this machine offers.

    Attributes:
        system: its operating system and version.
        machine: its architecture.
        root: whether the grader runs as root.
        landlock: the version of landlock; 0 for none.
        problems: for each level that does not work, why.
        advice: what to do about it.
    """

    system: str
    machine: str
    root: bool
    landlock: int
    problems: dict[str, str] = field(default_factory=dict)
    advice: tuple[str, ...] = ()

    @property
    def levels(self) -> tuple[str, ...]:
        """The levels that work, strongest first."""
        return tuple(level for level in LEVELS if level not in self.problems)

    def lines(self) -> list[str]:
        """The offer in words, for people."""
        best = self.levels[0]
        lines = [
            f"{self.system} on {self.machine}, {'as root' if self.root else 'as an ordinary user'}, "
            + (f"landlock version {self.landlock}" if self.landlock else "without landlock"),
            f"sandbox level {best}: {MEANING[best]}",
        ]
        lines += [f"level {level} does not work here: {why}" for level, why in self.problems.items()]
        lines += self.advice
        if best == "none":
            lines.append("grading is refused here, unless it is told --sandbox=none")
        return lines


@cache
def probe() -> Offer:
    """Find out by trying each level in a throwaway process. The machine is not changed."""
    problems = {}
    workspace = make_workspace()
    try:
        for level in LEVELS[:-1]:
            why = _try(level, workspace)
            if why:
                problems[level] = why
    finally:
        shutil.rmtree(workspace)
    return Offer(
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        root=privileged(),
        landlock=landlock.version(),
        problems=problems,
        advice=tuple(_advice(problems)),
    )


def choose(requested: str | None = None, offer: Offer | None = None) -> str:
    """The level to grade with: the one that is asked for, else the strongest.

    Raises:
        SandboxError: the level is unknown or does not work here; or not even the least works and none was asked for.
    """
    if requested is not None and requested not in LEVELS:
        raise SandboxError(f"there is no sandbox level {requested!r}; there are {', '.join(LEVELS)}")
    if requested == "none":
        return requested
    offer = offer or probe()
    level = requested or offer.levels[0]
    if level == "none":
        reasons = "\n".join(offer.lines()[2:])
        raise SandboxError(f"this machine cannot keep submissions from the course and its grades.\n{reasons}")
    if level in offer.problems:
        reasons = "\n".join((offer.problems[level], *offer.advice))
        raise SandboxError(f"sandbox level {level} does not work here: {reasons}")
    return level


def make_workspace() -> Path:
    """A new directory for this controller's kernels, with a short path (names of sockets have at most 107 bytes).

    Not in /tmp: a kernel may write to its own /tmp, and must not get a right to real directories with it. What
    processes that were killed have left there is removed.
    """
    parents = ("/var/tmp", "/tmp")  # noqa: S108
    parent = next((path for path in parents if os.access(path, os.W_OK | os.X_OK)), tempfile.gettempdir())
    # A process number means the same only within one pid namespace.
    space = os.stat("/proc/self/ns/pid").st_ino if sys.platform == "linux" else 0
    for left in Path(parent).glob(f"course-{space}-*-*"):
        process = left.name.split("-")[2]
        with suppress(OSError):
            if process.isdecimal() and left.stat().st_uid == os.getuid() and not is_running(int(process)):
                shutil.rmtree(left)
    return Path(tempfile.mkdtemp(prefix=f"course-{space}-{os.getpid()}-", dir=parent))


def is_running(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def policy_for(
    level: str,
    workspace: str | Path,
    *,
    scratch: str | Path = "",
    sockets: str | Path = "",
    course: str | Path = "",
    limits: Limits = Limits(),  # noqa: B008 (frozen)
) -> Policy:
    """The policy of a fork server, or with ``scratch`` that of one of its kernels.

    Args:
        level: as given by ``choose``.
        workspace: made by ``make_workspace``; the controller makes a directory for each kernel in it.
        scratch: the kernel's working directory, with its files in it.
        sockets: the directory in which its sockets shall appear; may be that around ``scratch``.
        course: the course directory, whose parts stay hidden even where it lies inside something readable.
        limits: what a kernel may take.

    Raises:
        SandboxError: Python cannot be shown without showing the course.
    """
    hidden = {str(Path(__file__).resolve().parents[1])}
    if course:
        hidden.add(str(Path(course).resolve()))
    readable = readable_paths()
    for path in readable:
        if level != "none" and os.path.realpath(path) in hidden:
            raise SandboxError(
                f"{path} is both the Python environment and the course: give the environment its own place"
            )
    return Policy(
        level=level,
        readable=readable,
        hidden=tuple(sorted(path for path in hidden if any(_inside(path, place) for place in readable))),
        workspace=os.path.realpath(workspace),
        scratch=os.path.realpath(scratch) if scratch else "",
        sockets=os.path.realpath(sockets) if sockets else "",
        limits=limits,
    )


def readable_paths() -> tuple[str, ...]:
    """Where Python, its packages and the system's libraries are, outermost directories only."""
    packages = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    places = [sys.prefix, sys.exec_prefix, sys.base_prefix, os.path.realpath(sys.executable), *packages, *SYSTEM_PATHS]
    wanted = {
        form for path in places for form in (os.path.abspath(path), os.path.realpath(path)) if os.path.exists(path)
    }
    return tuple(sorted(path for path in wanted if not any(_inside(path, other) for other in wanted)))


def _inside(path: str, place: str) -> bool:
    return path.startswith(place.rstrip("/") + "/")


def _try(level: str, workspace: Path) -> str:
    """Why the level does not work, or nothing."""
    if sys.platform != "linux":
        return f"it needs Linux, and this is {platform.system()}"
    kernel = workspace / level
    scratch = kernel / "work"
    scratch.mkdir(parents=True)
    try:
        policy = policy_for(level, workspace, scratch=scratch, sockets=kernel)
    except SandboxError as error:
        return str(error)
    repository = str(Path(__file__).parents[2])
    start = (
        f"import sys; sys.path.insert(0, {repository!r}); from course_lib.worker.trial import main; sys.exit(main())"
    )
    try:
        trial = subprocess.run(  # noqa: S603 (our own program)
            [sys.executable, "-I", "-S", "-c", start, policy.to_json()],
            capture_output=True,
            text=True,
            timeout=TRIAL_SECONDS,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        return f"trying it took longer than {TRIAL_SECONDS} s"
    if trial.returncode == 0:
        return ""
    last = (trial.stderr.strip().splitlines() or [f"the trial ended with {trial.returncode}"])[-1]
    return trial.stdout.strip() or last


def _advice(problems: dict[str, str]) -> list[str]:
    """What to do, in words, as far as the machine's settings tell."""
    if not problems:
        return []
    if sys.platform != "linux":
        return ["use a Linux machine, virtual machine or container (on Windows: WSL 2)"]
    advice = []
    if landlock.version() == 0:
        advice.append(
            "landlock comes with Linux 5.13 and later; if it is only switched off, add it to the list after lsm= on "
            "the Linux kernel's command line"
        )
    container = any(os.path.exists(path) for path in ("/.dockerenv", "/run/.containerenv"))
    for path, bad, words in (
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "AppArmor keeps ordinary users from namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0",
        ),
        (
            "/proc/sys/kernel/unprivileged_userns_clone",
            "0",
            "ordinary users may not make namespaces: sudo sysctl kernel.unprivileged_userns_clone=1",
        ),
        (
            "/proc/sys/user/max_user_namespaces",
            "0",
            "user namespaces are switched off: sudo sysctl user.max_user_namespaces=10000",
        ),
    ):
        if "namespaces" in problems and _setting(path) == bad:
            advice.append(words)
    if "namespaces" in problems and container:
        advice.append(
            "in a container: start it with --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
            "--security-opt systempaths=unconfined, which makes the container's own wall weaker"
        )
    return advice


def _setting(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
