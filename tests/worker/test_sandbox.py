"""Each promise of the sandbox: an attack that fails behind the walls, and succeeds without them, as the control.

The attacks go for dummies below ``ground.outside``; the controls run at level ``none`` and are harmless.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from course_lib.engine.sandbox import make_workspace, readable_paths
from course_lib.worker import landlock, sandbox
from course_lib.worker.linux import SandboxError
from tests.worker.walls import ORDINARY, REPOSITORY, SETTINGS, Ground, RefusedError, Setting, attempts, inside, start

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")

ALLOWED = "allowed"

SYSTEM_CALL = """
    import platform
    libc = ctypes.CDLL(None, use_errno=True)
    def call(x86_64, aarch64, *arguments):
        number = {"x86_64": x86_64, "aarch64": aarch64}[platform.machine()]
        value = libc.syscall(number, *arguments)
        if value < 0:
            raise NotImplementedError() if ctypes.get_errno() == 38 else OSError(ctypes.get_errno(), "system call")
        return value
"""


@pytest.fixture
def ground() -> Iterator[Ground]:
    """Not tmp_path: other users may not pass to it, and a kernel has a /tmp of its own."""
    top = make_workspace()
    top.chmod(0o755)
    yield lay_out(top)
    shutil.rmtree(top)


def lay_out(top: Path) -> Ground:
    ground = Ground(top / "outside", top / "w")
    ground.outside.mkdir()
    ground.scratch.mkdir(parents=True)
    (ground.outside / "secret.txt").write_text("the answers")
    return ground


@pytest.fixture(params=SETTINGS, ids=str)
def setting(request: pytest.FixtureRequest, ground: Ground) -> Setting:
    """Every user and level that this machine offers; says so where it does not."""
    wanted: Setting = request.param
    why = missing(wanted)
    if why:
        pytest.skip(f"this machine does not offer {wanted}: {why}")
    return wanted


IN_NAMESPACES = pytest.mark.parametrize(
    "setting", [s for s in SETTINGS if s.level == "namespaces"], ids=str, indirect=True
)
"""For what only that level promises."""

_missing: dict[Setting, str] = {}


def missing(setting: Setting) -> str:
    if setting not in _missing:
        top = make_workspace()
        top.chmod(0o755)
        try:
            inside(setting, lay_out(top), "result = 1")
            _missing[setting] = ""
        except RefusedError as refused:
            _missing[setting] = str(refused)
        finally:
            shutil.rmtree(top)
    return _missing[setting]


def outside(setting: Setting) -> Setting:
    """The control: the same user without walls."""
    return Setting(setting.user, "none")


def attack(setting: Setting, ground: Ground, code: str, **changes: Any) -> None:
    """The code must be refused inside, with an OSError, and do what it does outside."""
    inside(outside(setting), ground, code, **changes)
    with pytest.raises(RefusedError, match=r"(?i)error"):
        inside(setting, ground, code, **changes)


# ---- files ----


FILES = [
    "open(here + '/secret.txt').read()",
    "os.listdir(here)",
    "open(f'/proc/{server}/root{here}/secret.txt').read()",
    "open(f'/proc/self/root{here}/secret.txt').read()",
    "os.symlink(here, 'link'); open('link/secret.txt').read()",
    "import subprocess; subprocess.run(['cat', here + '/secret.txt'], check=True, capture_output=True)",
    "open(here + '/../../w/other/work/notebook.ipynb').read()",
    "open(here + '/new.txt', 'w')",
    "open(here + '/secret.txt', 'a').write('x')",
    "os.truncate(here + '/secret.txt', 1)",
    "os.mkdir(here + '/new')",
    "os.symlink('/', here + '/new')",
    "os.mkfifo(here + '/new')",
    "import socket; socket.socket(socket.AF_UNIX).bind(here + '/new')",
    "os.link(here + '/secret.txt', 'hard')",
    "os.rename(here + '/secret.txt', here + '/other.txt')",
    "os.rename(here + '/secret.txt', 'mine')",
    "os.unlink(here + '/secret.txt')",
    "os.rmdir(here + '/empty')",
    "open(sockets + '/note', 'w')",
]


def test_files_outside(setting: Setting, ground: Ground) -> None:
    other = ground.workspace / "other" / "work"
    other.mkdir(parents=True)
    (other / "notebook.ipynb").write_text("another student's")
    places = [ground.outside / str(number) for number in range(len(FILES))]
    for place in places:
        (place / "empty").mkdir(parents=True)
        (place / "secret.txt").write_text("the answers")
    snippets = [f"here = {str(place)!r}; {attack}" for place, attack in zip(places, FILES, strict=True)]
    answers = dict(zip(FILES, attempts(setting, ground, snippets), strict=True))
    assert [attack for attack, answer in answers.items() if answer == ALLOWED] == []
    for place in places:
        assert sorted(entry.name for entry in place.iterdir()) == ["empty", "secret.txt"]
        assert (place / "secret.txt").read_text() == "the answers"
    assert not (ground.sockets / "note").exists()
    for entry in ground.scratch.iterdir():
        entry.unlink()
    control = dict(zip(FILES, attempts(outside(setting), ground, snippets), strict=True))
    assert {attack: answer for attack, answer in control.items() if answer != ALLOWED} == {}


ATTRIBUTES = [
    "os.chmod(path, 0o777)",
    "os.utime(path, (1, 1))",
    "os.setxattr(path, 'user.x', b'1')",
    "os.fchmod(os.open(path, os.O_RDONLY), 0o777)",
    "os.utime(os.open(path, os.O_RDONLY), (1, 1))",
]


def test_attributes_of_files_outside(setting: Setting, ground: Ground) -> None:
    """Of files that it may read; whether an error is reported is not the point."""
    places = [ground.outside / str(number) for number in range(len(ATTRIBUTES))]
    snippets = [f"path = {str(place)!r}; {attack}" for place, attack in zip(places, ATTRIBUTES, strict=True)]
    for place in places:
        place.write_text("x")
        place.chmod(0o644)

    def state() -> list[Any]:
        return [(stat.S_IMODE(place.stat().st_mode), place.stat().st_mtime_ns, os.listxattr(place)) for place in places]

    before = state()
    readable = (*readable_paths(), str(ground.outside))
    attempts(setting, ground, snippets, readable=readable)
    assert state() == before
    attempts(outside(setting), ground, snippets)
    assert all(old != new for old, new in zip(before, state(), strict=True))


def test_files_are_not_shortened_with_an_older_landlock(ground: Ground) -> None:
    """It minds that from version 3 on."""
    setting = Setting("ordinary", "landlock")
    path = ground.outside / "grades"
    path.write_text("the grades")
    code = f"os.truncate({str(path)!r}, 1)"
    with pytest.raises(RefusedError, match="PermissionError"):
        inside(setting, ground, code, landlock_version=2)
    assert path.read_text() == "the grades"
    inside(outside(setting), ground, code)
    assert path.read_text() == "t"


LEASE = """
import fcntl
try:
    fcntl.fcntl(os.open(outside + "/library.py", os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_WRLCK)
    result = "held"
except PermissionError:
    result = "refused"
"""


def test_files_cannot_be_held_back_from_others(setting: Setting, ground: Ground) -> None:
    """Who opens a file with a lease on it waits for 45 seconds; the owner of a file may have one."""
    (ground.outside / "library.py").write_text("")
    readable = (*readable_paths(), str(ground.outside))
    assert inside(setting, ground, LEASE, readable=readable) == "refused"
    assert inside(outside(setting), ground, LEASE) == "held"


def test_the_core_is_not_left(setting: Setting, ground: Ground) -> None:
    """Others' kernels run on the other cores."""
    if (cores := len(os.sched_getaffinity(0))) < 2:
        pytest.skip("one core")
    code = """
    everything = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(everything)})
    result = len(os.sched_getaffinity(0))
    """
    assert inside(setting, ground, code) == cores
    assert inside(outside(setting), ground, code) == 1


def test_the_course_is_out_of_reach(setting: Setting, ground: Ground) -> None:
    code = f"open({str(REPOSITORY / 'course_lib' / 'engine' / 'proxy.py')!r}).read()"
    attack(setting, ground, code)


def test_python_and_the_system_are_read_only(setting: Setting, ground: Ground) -> None:
    code = """
    import errno, sysconfig
    result = []
    for place in (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"), "/usr", "/etc", "/", "/dev", "/var/tmp"):
        try:
            open(place + "/walls-test-must-not-appear", "w")
            result.append(place)
        except OSError:
            pass
    """
    assert inside(setting, ground, code) == []


def test_hidden_below_readable(setting: Setting, ground: Ground) -> None:
    shown = ground.outside / "shown"
    (shown / "hidden" / "deep").mkdir(parents=True)
    (shown / "hidden" / "deep" / "key.py").write_text("x")
    (shown / "secret.py").write_text("x")
    (shown / "seen.py").write_text("x")
    code = f"""
    result = []
    for name in ("seen.py", "secret.py", "hidden/deep/key.py"):
        try:
            result.append([name, open({str(shown)!r} + "/" + name).read()])
        except OSError:
            pass
    """
    readable = (*readable_paths(), str(shown))
    hidden = (str(shown / "hidden"), str(shown / "secret.py"))
    assert inside(setting, ground, code, readable=readable, hidden=hidden) in (
        [["seen.py", "x"]],
        [["seen.py", "x"], ["secret.py", ""]],
    )
    assert len(inside(setting, ground, code, readable=readable)) == 3


def test_python_in_tmp(setting: Setting, ground: Ground) -> None:
    """The kernel's own /tmp must not cover what it may read."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="walls-") as place:
        Path(place).chmod(0o755)
        Path(place, "module.py").write_text("x")
        code = f"""
        open("/tmp/file", "w") if {setting.level == "namespaces"} else None
        result = open({place!r} + "/module.py").read()
        try:
            open({place!r} + "/other.py", "w")
        except OSError:
            result += " only"
        """
        assert inside(setting, ground, code, readable=(*readable_paths(), place)) == "x only"


@IN_NAMESPACES
def test_sockets_in_tmp_close_tmp(setting: Setting) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="walls-") as top:
        os.chmod(top, 0o755)
        ground = lay_out(Path(top))
        attacks = [
            "open(sockets + '/note', 'w')",
            "open('/tmp/note', 'w')",
            "import zmq; zmq.Context().socket(zmq.PULL).bind(f'ipc://{sockets}/k')",
        ]
        assert attempts(setting, ground, attacks) == ["PermissionError", "PermissionError", ALLOWED]
        assert (ground.sockets / "k").is_socket()


def test_scratch(setting: Setting, ground: Ground) -> None:
    (ground.scratch / "data").mkdir()
    (ground.scratch / "data" / "digits.npz").write_bytes(b"12345")
    (ground.scratch / "link").symlink_to(ground.outside / "secret.txt")
    code = """
    read = open("data/digits.npz").read()
    open("data/digits.npz", "w").write("changed")
    open("new.txt", "w").write("new")
    os.mkdir("folder"); os.rename("new.txt", "folder/new.txt"); os.unlink("folder/new.txt"); os.rmdir("folder")
    os.symlink("data", "mine"); os.link("data/digits.npz", "hard")
    try:
        stolen = open("link").read()
    except OSError:
        stolen = None
    result = [os.getcwd() == scratch, read, open("mine/digits.npz").read(), stolen]
    """
    assert inside(setting, ground, code) == [True, "12345", "changed", None]
    if setting.level == "namespaces":
        assert (ground.scratch / "data" / "digits.npz").read_text() == "12345"


def test_sockets_can_be_reached_from_outside(setting: Setting, ground: Ground) -> None:
    code = """
    import socket
    server_socket = socket.socket(socket.AF_UNIX); server_socket.settimeout(20)
    server_socket.bind(sockets + "/k-1"); server_socket.listen()
    result = server_socket.accept()[0].recv(10).decode()
    """
    process = start(setting, ground, code)
    deadline = time.monotonic() + 20
    with socket.socket(socket.AF_UNIX) as client:
        while time.monotonic() < deadline:
            try:
                client.connect(str(ground.sockets / "k-1"))
                break
            except OSError:
                time.sleep(0.02)
        client.sendall(b"hello")
    output, words = process.communicate(timeout=20)
    assert '"hello"' in output, words


# ---- other processes ----


@contextmanager
def bystanders(setting: Setting, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of the same user, outside."""
    become: dict[str, Any] = {}
    if os.geteuid() == 0 and setting.user == "ordinary":
        become = {"user": ORDINARY, "group": ORDINARY, "extra_groups": []}
    processes = [subprocess.Popen(["sleep", "100"], start_new_session=True, **become) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


PROCESSES = [
    "os.kill(pid, 15)",
    "os.kill(pid, 0)",
    "os.killpg(pid, 15)",
    "import signal; signal.pidfd_send_signal(os.pidfd_open(pid), 15)",
    "info = ctypes.create_string_buffer(128); info[8:12] = bytes([255] * 4); call(129, 138, pid, 15, info)",
    "call(101, 117, 0x4206, pid, None, None)",  # PTRACE_SEIZE
    "import fcntl; fcntl.fcntl(os.pipe()[0], 8, pid)",  # F_SETOWN
    "os.setpriority(os.PRIO_PROCESS, pid, 19)",
    "import resource; resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, 10))",
    "open(f'/proc/{pid}/environ', 'rb').read()",
    "open(f'/proc/{pid}/mem', 'rb')",
    "os.readlink(f'/proc/{pid}/cwd')",
    "open(f'/proc/{pid}/cmdline').read()",
]


def test_other_processes(setting: Setting, ground: Ground) -> None:
    with bystanders(setting, len(PROCESSES)) as processes:
        snippets = [f"pid = {process.pid}; {attack}" for process, attack in zip(processes, PROCESSES, strict=True)]
        answers = dict(zip(PROCESSES, attempts(setting, ground, snippets, setup=SYSTEM_CALL), strict=True))
        assert [attack for attack, answer in answers.items() if answer == ALLOWED] == []
        assert all(process.poll() is None for process in processes)
        assert all(os.getpriority(os.PRIO_PROCESS, process.pid) == 0 for process in processes)
        control = dict(zip(PROCESSES, attempts(outside(setting), ground, snippets, setup=SYSTEM_CALL), strict=True))
        assert {attack: answer for attack, answer in control.items() if answer != ALLOWED} == {}


def test_signals_with_an_older_landlock(setting: Setting, ground: Ground) -> None:
    """Before version 6 the system call filter has to keep signals inside; it lets a kernel signal itself only."""
    attacks = ["os.kill(pid, 0)", "os.killpg(pid, 0)", "import signal; signal.pidfd_send_signal(os.pidfd_open(pid), 0)"]
    if setting.level == "landlock":  # in a pid namespace these are the kernel's own group
        attacks += ["os.kill(os.getppid(), 0)", "os.kill(0, 0)"]
    with bystanders(setting, 1) as (process,):
        setup = f"pid = {process.pid}"
        answers = attempts(setting, ground, [*attacks, "os.kill(os.getpid(), 0)"], setup=setup, landlock_version=3)
        assert ALLOWED not in answers[:-1]
        assert answers[-1] == ALLOWED
        assert attempts(outside(setting), ground, attacks, setup=setup) == [ALLOWED] * len(attacks)


def test_own_children_can_be_signalled(setting: Setting, ground: Ground) -> None:
    if setting.level == "landlock" and landlock.version() < 6:
        pytest.skip("with landlock below version 6, a kernel signals only itself")
    code = """
    import subprocess, signal
    child = subprocess.Popen(["sleep", "50"])
    child.terminate()
    result = child.wait(10)
    os.kill(os.getpid(), 0)
    """
    assert inside(setting, ground, code) == -signal.SIGTERM


def test_children_end_with_the_kernel(setting: Setting, ground: Ground) -> None:
    """The kernel is killed as the controller does it; a child that has run away must not stay."""
    marker = f"walls-{os.getpid()}-{time.monotonic_ns()}"
    code = f"""
    import subprocess, time
    command = ["python3", "-c", "import time; time.sleep(60)  # {marker}"]
    try:
        subprocess.Popen(command, start_new_session=True)
        result = "left the group"
    except OSError:
        subprocess.Popen(command)
    os.write(1, b"started")
    time.sleep(60)
    """.replace("python3", sys.executable)
    process = start(setting, ground, code)
    assert process.stdout is not None
    assert process.stdout.read(7) == "started"
    assert wait_until(lambda: any("tests.worker.walls" not in command_line(pid) for pid in find(marker)))
    kernel = max(
        (pid for pid in find(marker) if "tests.worker.walls" in command_line(pid)),
        key=lambda pid: depth(pid, process.pid),
    )
    os.kill(kernel, signal.SIGKILL)
    process.communicate(timeout=10)
    assert wait_until(lambda: not find(marker))


def test_everything_ends_with_the_server(setting: Setting, ground: Ground) -> None:
    marker = f"walls-{os.getpid()}-{time.monotonic_ns()}"
    process = start(setting, ground, f"import time; os.write(1, b'started'); time.sleep(60)  # {marker}")
    assert process.stdout is not None
    assert process.stdout.read(7) == "started"
    assert len(find(marker)) >= 2
    process.kill()
    process.communicate(timeout=10)
    assert wait_until(lambda: not find(marker))


def find(text: str) -> list[int]:
    """Processes with this in their command line."""
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in numbers if pid != os.getpid() and text in command_line(pid)]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def depth(pid: int, ancestor: int) -> int:
    """Generations from the ancestor down to the process; -1 if it is none."""
    generations = 0
    while pid not in (0, 1):
        if pid == ancestor:
            return generations
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        generations += 1
    return -1


def wait_until(condition: Any, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


# ---- network ----


@pytest.fixture
def listener(ground: Ground) -> Iterator[dict[str, Any]]:
    """One server of each kind on this machine."""
    servers = [socket.create_server(("127.0.0.1", 0))]
    abstract = f"\0walls-{os.getpid()}-{time.monotonic_ns()}"
    named, log = str(ground.outside / "socket"), str(ground.outside / "log")
    for address, kind in ((abstract, socket.SOCK_STREAM), (named, socket.SOCK_STREAM), (log, socket.SOCK_DGRAM)):
        server = socket.socket(socket.AF_UNIX, kind)
        server.bind(address)
        if kind == socket.SOCK_STREAM:
            server.listen()
        servers.append(server)
    os.chmod(named, 0o777)
    os.chmod(log, 0o777)
    yield {"tcp": servers[0].getsockname(), "abstract": abstract, "named": named, "log": log}
    for server in servers:
        server.close()


def test_network(setting: Setting, ground: Ground, listener: dict[str, Any]) -> None:
    attacks = [
        f"socket.create_connection({listener['tcp']!r})",
        "socket.create_server(('127.0.0.1', 0))",
        f"socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', {listener['tcp']!r})",
        "socket.socket(socket.AF_INET6)",
        "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
        f"socket.socket(socket.AF_UNIX).connect({listener['abstract']!r})",
        f"socket.socket(socket.AF_UNIX).connect({listener['named']!r})",
        f"socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'x', {listener['log']!r})",
        f"socket.socketpair(type=socket.SOCK_DGRAM)[0].sendto(b'x', {listener['log']!r})",
    ]
    answers = dict(zip(attacks, attempts(setting, ground, attacks, setup="import socket"), strict=True))
    assert [attack for attack, answer in answers.items() if answer == ALLOWED] == []
    control = dict(zip(attacks, attempts(outside(setting), ground, attacks, setup="import socket"), strict=True))
    assert {attack: answer for attack, answer in control.items() if answer != ALLOWED} == {}


# ---- the Linux kernel ----


SYSTEM_CALLS = {
    "clone with a user namespace": "call(56, 220, 0x10000011, None, None, None, None) or os._exit(0)",
    "clone3": "call(435, 435, None, 0)",
    "process_vm_readv": "call(310, 270, os.getpid(), None, 0, None, 0, 0)",
    "perf_event_open": "call(298, 241, None, 0, -1, -1, 0)",
    "keyctl": "call(250, 219, 0, -3, 1)",
    "io_uring_setup": "call(425, 425, 0, None)",
    "memfd_create": "call(319, 279, b'x', 0)",
    "shmget": "call(29, 194, 0, 4096, 0o1600)",
    "personality": "call(135, 92, 0xffffffff)",
    "seccomp": "call(317, 277, 2, 0, None)",
    "open_tree": "call(428, 428, -100, b'/', 0)",
    "younger than what is known": "call(464, 464, 0)",
    "shared anonymous memory": "import mmap; mmap.mmap(-1, 4096)",
    "TIOCSTI": "import fcntl; fcntl.ioctl(0, 0x5412, b'x')",
    "FIOSETOWN": "import fcntl; fcntl.ioctl(0, 0x8901, b'xxxx')",
    "PR_SET_DUMPABLE": "call(157, 167, 4, 1, 0, 0, 0)",
    "unshare": "call(272, 97, 0x10000000)",
}


def test_system_calls(setting: Setting, ground: Ground) -> None:
    """Refused, or answered as if there were no such call. Without walls they work, or find fault with the arguments."""
    refusals = ("PermissionError", "NotImplementedError")

    def refused(where: Setting) -> list[str]:
        answers = attempts(where, ground, list(SYSTEM_CALLS.values()), setup=SYSTEM_CALL)
        return [name for name, answer in zip(SYSTEM_CALLS, answers, strict=True) if answer in refusals]

    assert refused(setting) == list(SYSTEM_CALLS)
    assert set(refused(outside(setting))) <= {"younger than what is known", "io_uring_setup"}


def test_no_rights(setting: Setting, ground: Ground) -> None:
    code = """
    lines = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
    result = [lines[name] for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "NoNewPrivs", "Seccomp")]
    result.append(os.getresuid()[0] != 0)
    """
    none = "0" * 16
    assert inside(setting, ground, code) == [none, none, none, none, "1", "2", True]


def test_rights_do_not_come_back_with_a_program(setting: Setting, ground: Ground) -> None:
    code = """
    import subprocess
    capget = "import ctypes; h = (ctypes.c_uint32 * 2)(0x20080522); d = (ctypes.c_uint32 * 6)();"
    capget += "ctypes.CDLL(None).capget(h, d); print(sum(d))"
    result = subprocess.check_output([sys.executable, "-c", capget], text=True)
    """
    assert inside(setting, ground, code) == "0\n"


def test_the_end_with_the_server_cannot_be_undone(setting: Setting, ground: Ground) -> None:
    code = """
    libc = ctypes.CDLL(None)
    libc.prctl(1, 0, 0, 0, 0)
    value = ctypes.c_int()
    libc.prctl(2, ctypes.byref(value), 0, 0, 0)
    result = value.value
    """
    assert inside(setting, ground, code) == signal.SIGKILL
    assert inside(outside(setting), ground, code) == 0


# ---- limits ----


MEMORY = [
    "block = bytearray(400 << 20)",
    "import mmap; block = mmap.mmap(-1, 400 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); block[0] = 1",
    "import mmap; block = mmap.mmap(-1, 400 << 20); block[0] = 1",
    "blocks = [' ' * (1 << 20) + str(number) for number in range(400)]",
]


def test_memory(setting: Setting, ground: Ground) -> None:
    answers = attempts(setting, ground, MEMORY, limits={"memory_bytes": 200 << 20})
    assert set(answers) <= {"MemoryError", "OSError", "PermissionError"}
    assert (
        inside(setting, ground, "result = len(bytearray(100 << 20))", limits={"memory_bytes": 200 << 20}) == 100 << 20
    )
    assert set(attempts(outside(setting), ground, MEMORY, limits={"memory_bytes": 1 << 30})) == {ALLOWED}


def test_processes(setting: Setting, ground: Ground) -> None:
    """A fork bomb gets as far as the limit; without walls it would get to the end of this count."""
    code = """
    import time
    children = []
    try:
        for _ in range(60):
            pid = os.fork()
            if not pid:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
    except OSError:
        pass
    import signal
    result = len(children)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    """
    count = inside(setting, ground, code, limits={"processes": 30})
    assert count <= 30
    assert count >= (20 if setting.level == "namespaces" else 1)
    assert inside(outside(setting), ground, code, limits={"processes": 200}) == 60


def test_threads(setting: Setting, ground: Ground) -> None:
    code = """
    import threading
    stop = threading.Event()
    count = 0
    try:
        for _ in range(60):
            threading.Thread(target=stop.wait, daemon=True).start()
            count += 1
    except RuntimeError:
        pass
    stop.set()
    result = count
    """
    assert inside(setting, ground, code, limits={"processes": 30}) <= 30
    assert inside(outside(setting), ground, code, limits={"processes": 200}) == 60


@IN_NAMESPACES
@pytest.mark.parametrize("place", ["scratch", "'/tmp'", "'/dev/shm'"])
def test_disk(setting: Setting, ground: Ground, place: str) -> None:
    code = f"""
    written = 0
    try:
        for number in range(40):
            with open({place} + f"/{{number}}", "wb") as file:
                written += file.write(bytes(1 << 20))
    except OSError as error:
        assert error.errno == 28, error
    result = written
    """
    assert inside(setting, ground, code, limits={"disk_bytes": 10 << 20}) <= 10 << 20
    assert inside(setting, ground, code, limits={"disk_bytes": 100 << 20}) == 40 << 20


@IN_NAMESPACES
def test_disk_is_one(setting: Setting, ground: Ground) -> None:
    code = """
    written = 0
    try:
        for place in (scratch, "/tmp", "/dev/shm"):
            with open(place + "/file", "wb") as file:
                written += file.write(bytes(4 << 20))
    except OSError:
        pass
    result = written
    """
    assert inside(setting, ground, code, limits={"disk_bytes": 10 << 20}) == 8 << 20


@IN_NAMESPACES
def test_number_of_files(setting: Setting, ground: Ground) -> None:
    code = """
    count = 0
    try:
        for number in range(30_000):
            os.close(os.open(str(number), os.O_CREAT))
            count += 1
    except OSError as error:
        assert error.errno == 28, error
    result = count
    """
    assert inside(setting, ground, code) < 20_000


def test_file_size(setting: Setting, ground: Ground) -> None:
    code = "open('big', 'wb').write(bytes(5 << 20)); result = os.path.getsize('big')"
    with pytest.raises(RefusedError, match="File too large"):
        inside(setting, ground, code, limits={"file_bytes": 4 << 20})
    assert inside(setting, ground, code) == 5 << 20


def test_open_files(setting: Setting, ground: Ground) -> None:
    code = "kept = [os.open('/dev/null', os.O_RDONLY) for _ in range(100)]"
    with pytest.raises(RefusedError, match="Too many open files"):
        inside(setting, ground, code, limits={"open_files": 50})
    inside(setting, ground, code)


def test_cpu_time(setting: Setting, ground: Ground) -> None:
    process = start(setting, ground, "while True: pass", limits={"cpu_seconds": 1})
    process.communicate(timeout=20)
    assert process.returncode == 0  # the kernel was killed, and its server could go on


def test_limits_cannot_be_raised(setting: Setting, ground: Ground) -> None:
    code = """
    import resource
    result = []
    for name in ("RLIMIT_DATA", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_STACK"):
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        try:
            resource.setrlimit(number, (hard + 1, hard + 1))
            result.append(name)
        except (OSError, ValueError):
            pass
    """
    assert inside(setting, ground, code) == []


# ---- what must still work ----


def test_ordinary_work(setting: Setting, ground: Ground) -> None:
    code = """
    import asyncio, multiprocessing, shutil, subprocess, tempfile
    from concurrent.futures import ThreadPoolExecutor
    import numpy as np
    import torch
    import matplotlib
    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    x = torch.randn(20, 20, requires_grad=True)
    (x @ x).sum().backward()
    torch.save(x.detach(), "x.pt")
    loaded = torch.load("x.pt")
    np.savez("arrays.npz", a=np.linalg.svd(np.eye(3))[1])
    plt.plot([1, 2]); plt.title("$\\\\alpha$"); plt.savefig("figure.png")
    process_context = multiprocessing.get_context("fork")
    with process_context.Pool(2) as pool:
        squares = pool.map(abs, [-1, -2])
    queue = process_context.Queue()
    child = process_context.Process(target=queue.put, args=(5,))
    child.start(); from_queue = queue.get(timeout=20); child.join()
    with ThreadPoolExecutor(4) as threads:
        from_threads = list(threads.map(abs, [-3]))
    async def shell():
        process = await asyncio.create_subprocess_exec("echo", "async", stdout=-1)
        return (await process.communicate())[0].decode()
    with tempfile.NamedTemporaryFile() as file:
        shutil.copy(file.name, "copy")
    os.chmod("copy", 0o600)
    result = [
        x.grad.shape[0], bool((loaded == x).all()), os.path.getsize("figure.png") > 1000, squares, from_queue,
        from_threads,
        subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout, asyncio.run(shell()),
        subprocess.check_output([sys.executable, "-c", "import json; print(1)"], text=True),
    ]
    data = torch.utils.data.TensorDataset(torch.arange(4.0))
    try:
        loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=2, timeout=20)
        result.append([batch[0].tolist() for batch in loader])
    except PermissionError:
        result.append("refused")
    """
    # Loading in other processes connects by sockets with a path, and those of other programs cannot be told apart.
    loaded = [[0, 1], [2, 3]] if setting.level == "namespaces" else "refused"
    expected = [20, True, True, [1, 2], 5, [3], "hello\n", "async\n", "1\n", loaded]
    assert inside(setting, ground, code, timeout=120) == expected


def test_zeromq(setting: Setting, ground: Ground) -> None:
    code = """
    import zmq
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.bind(f"ipc://{sockets}/k-1")
    one, other = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    one.bind("inproc://pair"); other.connect("inproc://pair")
    other.send(b"x")
    try:
        context.socket(zmq.PULL).bind("tcp://127.0.0.1:*")
        refused = False
    except zmq.ZMQError:
        refused = True
    result = [one.recv().decode(), refused]
    """
    assert inside(setting, ground, code) == ["x", True]


# ---- failing closed ----


def test_policy_crosses_as_json() -> None:
    policy = sandbox.Policy("landlock", ("/usr",), ("/usr/x",), "/w", "/w/k/work", "/w/k", sandbox.Limits(processes=7))
    assert sandbox.Policy.from_json(policy.to_json()) == policy


def test_unknown_level() -> None:
    with pytest.raises(SandboxError, match="'strong' is no sandbox level; there are namespaces, landlock, none"):
        sandbox.prepare(sandbox.Policy("strong", ()))


def test_enter_needs_the_level_that_was_prepared() -> None:
    with pytest.raises(SandboxError, match="prepared for level '', not for 'landlock'"):
        sandbox.enter(sandbox.Policy("landlock", ()))


def test_without_landlock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    with pytest.raises(SandboxError, match=r"landlock: not offered .* 5\.13"):
        sandbox.prepare(sandbox.Policy("landlock", ()))


def test_more_than_one_thread(ground: Ground) -> None:
    """In another process: if the check failed, this one would move into namespaces."""
    program = f"""
import sys, threading
sys.path.insert(0, {str(REPOSITORY)!r})
from course_lib.worker import sandbox
stop = threading.Event()
threading.Thread(target=stop.wait, daemon=True).start()
try:
    sandbox.prepare(sandbox.Policy("namespaces", ("/usr",), workspace={str(ground.workspace)!r}))
except sandbox.SandboxError as error:
    print(error)
"""
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output == "namespaces: the fork server must have one thread, but has 2\n"


def test_missing_scratch_is_refused(setting: Setting, ground: Ground) -> None:
    with pytest.raises(RefusedError, match=r"SandboxError: [a-z ]+: .*No such file"):
        inside(setting, ground, "result = 1", scratch=str(ground.workspace / "nowhere"))


def test_root_needs_a_python_that_everybody_may_read(ground: Ground) -> None:
    setting = Setting("root", "landlock")
    if setting not in SETTINGS:
        pytest.skip("needs root")
    if missing(setting):
        pytest.skip(missing(setting))
    closed = ground.outside / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(
        RefusedError, match=r"that is not root may not read .*closed\. Run the grader as an ordinary user, or put"
    ):
        inside(setting, ground, "result = 1", readable=(*readable_paths(), str(closed)))
