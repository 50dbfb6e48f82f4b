"""The system call filter as a program: run by an interpreter of the test's own, for both architectures."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from course_lib.worker import seccomp

TABLES = (
    seccomp.REFUSED,
    seccomp.ABSENT,
    seccomp.ATTRIBUTES,
    seccomp.EXTENDED,
    seccomp.SIZE,
    seccomp.LEAVING,
    seccomp.SIGNALS,
    seccomp.OTHER_SIGNALS,
    seccomp.CORES,
    seccomp.SCHEDULING,
    seccomp.OTHERS_PRIORITY,
)

HEADERS = {
    0: ("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+) (\d+)"),
    1: ("/usr/include/asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+) (\d+)"),
}


def answer(program: list[seccomp.Instruction], machine: str, number: int, *arguments: int, name: int = 0) -> str:
    """What the filter says to a system call: ``allow``, ``kill``, ``pretend`` or the name of an error."""
    six = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=iIQ6Q", number, name or seccomp.ARCHITECTURES[machine][1], 0, *(a % 2**64 for a in six))
    position, value = 0, 0
    while True:
        code, true, false, constant = program[position]
        position += 1
        if code == seccomp.LOAD:
            (value,) = struct.unpack_from("=I", data, constant)
        elif code == seccomp.AND:
            value &= constant
        elif code == seccomp.JUMP_EQUAL:
            position += true if value == constant else false
        elif code == seccomp.JUMP_AT_LEAST:
            position += true if value >= constant else false
        elif code == seccomp.JUMP_BITS:
            position += true if value & constant else false
        else:
            assert code == seccomp.RETURN
            if constant in (seccomp.ALLOW, seccomp.KILL, seccomp.PRETEND):
                return {seccomp.ALLOW: "allow", seccomp.KILL: "kill", seccomp.PRETEND: "pretend"}[constant]
            return errno.errorcode[constant & 0xFFFF]


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def call(machine: str, codes: tuple[int, int], *arguments: int, alone: bool = True, own_pid: int | None = None) -> str:
    program = seccomp.assemble(alone=alone, own_pid=own_pid, machine=machine)
    return answer(program, machine, codes[seccomp.ARCHITECTURES[machine][0]], *arguments)


def test_jumps_fit_and_every_path_returns(machine: str) -> None:
    for alone in (True, False):
        program = seccomp.assemble(alone=alone, own_pid=7, machine=machine)
        assert len(program) < 4096
        for position, (code, true, false, _) in enumerate(program):
            assert 0 <= true < 256
            assert 0 <= false < 256
            if code in (seccomp.JUMP_EQUAL, seccomp.JUMP_AT_LEAST, seccomp.JUMP_BITS):
                assert position + 1 + max(true, false) < len(program)
        assert program[-1][0] == seccomp.RETURN
        assert {answer(program, machine, number) for number in range(600)} >= {"allow", "EPERM", "ENOSYS"}


def test_refused(machine: str) -> None:
    column = seccomp.ARCHITECTURES[machine][0]
    for name, codes in seccomp.REFUSED.items():
        if codes[column] >= 0:
            assert call(machine, codes) == "EPERM", name


READ, WRITE, EXECVE, FUTEX, OPENAT = (0, 63), (1, 64), (59, 221), (202, 98), (257, 56)


def test_ordinary_calls_are_allowed(machine: str) -> None:
    for codes in (READ, WRITE, EXECVE, FUTEX, OPENAT):
        assert call(machine, codes, alone=False, own_pid=7) == "allow"


def test_another_architecture_kills() -> None:
    """System calls of the 32-bit kind have other numbers."""
    program = seccomp.assemble(alone=True, own_pid=None, machine="x86_64")
    assert answer(program, "x86_64", 0, name=0x40000003) == "kill"
    assert answer(program, "x86_64", 0x40000000) == "ENOSYS"  # x32


def test_unknown_architecture() -> None:
    with pytest.raises(OSError, match="no system call table for riscv64"):
        seccomp.assemble(alone=True, own_pid=None, machine="riscv64")


def test_clone(machine: str) -> None:
    assert call(machine, seccomp.CLONE, 0x01200011) == "allow"  # fork
    assert call(machine, seccomp.CLONE, 0x003D0F00) == "allow"  # a thread
    for namespace in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert call(machine, seccomp.CLONE, namespace | 17) == "EPERM"


def test_sockets(machine: str) -> None:
    assert call(machine, seccomp.SOCKET, 1, 1) == "allow"
    assert {call(machine, seccomp.SOCKET, family) for family in (2, 10, 17, 38, 40)} == {"EACCES"}
    assert call(machine, seccomp.SOCKET, 16) == "ENOTSUP"
    assert call(machine, seccomp.SOCKET, 2**32 + 2) == "EACCES"  # Linux looks at the low half only
    for codes in (seccomp.SOCKET, seccomp.SOCKETPAIR):
        assert call(machine, codes, 1, 2 | 0x80000) == "allow"  # a datagram: where there is nobody to reach
        assert call(machine, codes, 1, 2 | 0x80000, alone=False) == "EACCES"
        assert call(machine, codes, 1, 1 | 0x80000, alone=False) == "allow"
    assert call(machine, seccomp.CONNECT, 3) == "allow"
    assert call(machine, seccomp.CONNECT, 3, alone=False) == "EACCES"


def test_arguments(machine: str) -> None:
    assert call(machine, seccomp.PRLIMIT, 0) == "allow"
    assert call(machine, seccomp.PRLIMIT, 7) == "EPERM"
    assert call(machine, seccomp.PRCTL, 1) == "pretend"
    assert call(machine, seccomp.PRCTL, 4) == "EPERM"
    assert call(machine, seccomp.PRCTL, 15) == "allow"
    assert call(machine, seccomp.FCNTL, 3, 8) == "EPERM"
    assert call(machine, seccomp.FCNTL, 3, 1024) == "EPERM"
    assert call(machine, seccomp.FCNTL, 3, 4) == "allow"
    assert call(machine, seccomp.IOCTL, 0, 0x5412) == "EPERM"
    assert call(machine, seccomp.IOCTL, 0, 0x5413) == "allow"
    assert call(machine, seccomp.MMAP, 0, 4096, 3, 0x21) == "EPERM"
    assert call(machine, seccomp.MMAP, 0, 4096, 3, 0x22) == "allow"
    assert call(machine, seccomp.MMAP, 0, 4096, 3, 0x01) == "allow"


def test_cores(machine: str) -> None:
    for alone in (True, False):
        assert call(machine, seccomp.CORES["sched_setaffinity"], 0, 8, alone=alone) == "pretend"


def test_signals_without_help(machine: str) -> None:
    """Where neither a pid namespace nor landlock keeps signals inside, a kernel signals itself only."""
    for codes in seccomp.SIGNALS.values():
        assert call(machine, codes, 7, 15, own_pid=7) == "allow"
        assert {call(machine, codes, pid, 15, own_pid=7) for pid in (0, 1, 8, -1, -7)} == {"EPERM"}
        assert call(machine, codes, 8, 15) == "allow"
    for codes in seccomp.OTHER_SIGNALS.values():
        assert call(machine, codes, 7, 15, own_pid=7) == "EPERM"


def test_not_alone(machine: str) -> None:
    column = seccomp.ARCHITECTURES[machine][0]
    for tables, expected in (
        ((seccomp.ATTRIBUTES,), "pretend"),
        ((seccomp.EXTENDED,), "ENOTSUP"),
        ((seccomp.LEAVING, seccomp.OTHERS_PRIORITY, seccomp.SIZE), "EPERM"),
    ):
        for table in tables:
            for name, codes in table.items():
                if codes[column] >= 0:
                    assert call(machine, codes, alone=False) == expected, name
                    assert call(machine, codes) == "allow", name


@pytest.mark.parametrize("column", [0, 1])
def test_numbers_agree_with_the_headers_of_this_machine(column: int) -> None:
    path, pattern = HEADERS[column]
    if not Path(path).exists():
        pytest.skip(f"no {path} on this machine")
    known: dict[str, int] = {}
    for name, number in re.findall(pattern, Path(path).read_text()):
        known.setdefault(name, int(number))
    checked = 0
    for table in TABLES:
        for name, codes in table.items():
            if name in known:
                assert codes[column] == known[name], name
                checked += 1
    assert checked > 80
