"""Which system calls a kernel may make: a filter in the Linux kernel that its code can never take off again.

It names what a notebook has no use for and refuses that, rather than naming all that Python, torch and the C library
may need today. Everything younger than ``KNOWN`` is refused as if the Linux kernel did not have it. A filter sees
numbers, not what a pointer points to: paths and socket addresses are the business of landlock and of the mount
namespace.

Standard library and ``worker.linux`` only.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct

from course_lib.worker.linux import SET_SECCOMP, check, libc

ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
PRETEND = ERRNO  # errno 0: nothing is done, and the caller is told that it worked
KNOWN = 463
"""The first system call number that is not looked at one by one."""

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_BITS, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""Column of the table below, and the name that the Linux kernel gives the architecture."""

REFUSED = {  # name: (number on x86_64, on aarch64; -1 where it does not exist)
    # other processes' memory, and tracing
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "kcmp": (312, 272), "pidfd_getfd": (438, 438), "perf_event_open": (298, 241),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    # mounts and namespaces
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "quotactl": (179, 60), "quotactl_fd": (443, 443), "swapon": (167, 224), "swapoff": (168, 225),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "statmount": (457, 457),
    "listmount": (458, 458),
    # doors into the Linux kernel that a notebook does not need
    "bpf": (321, 280), "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218),
    "userfaultfd": (323, 282), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427), "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    "seccomp": (317, 277), "personality": (135, 92),
    # the machine
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "acct": (163, 89), "syslog": (103, 116), "iopl": (172, -1),
    "ioperm": (173, -1), "modify_ldt": (154, -1), "vhangup": (153, 58), "sethostname": (170, 161),
    "setdomainname": (171, 162), "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    # memory that RLIMIT_DATA does not count, and System V objects, which outlive their maker
    "memfd_secret": (447, 447), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip

ABSENT = {"memfd_create": (319, 279), "clone3": (435, 435)}
"""Answered as by an old Linux kernel, for which callers are prepared: clone3 hides its flags behind a pointer."""

ATTRIBUTES = {  # names and rights of files: their paths cannot be filtered
    "chmod": (90, -1), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, -1),
    "fchown": (93, 55), "lchown": (94, -1), "fchownat": (260, 54), "utime": (132, -1), "utimes": (235, -1),
    "futimesat": (261, -1), "utimensat": (280, 88),
}  # fmt: skip

SIZE = {"truncate": (76, 45)}
"""Shortens a file by its path, which landlock refuses from version 3 on. ``ftruncate`` needs an open file."""

EXTENDED = {"setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
            "lremovexattr": (198, 15), "fremovexattr": (199, 16)}  # fmt: skip

LEAVING = {"setsid": (112, 157), "setpgid": (109, 154)}
"""Ways out of the process group with which a kernel and its children are ended."""

SIGNALS = {"kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240)}
OTHER_SIGNALS = {"tkill": (200, 130), "pidfd_send_signal": (424, 424)}
CORES = {"sched_setaffinity": (203, 122)}
"""A grading process and its kernel share a core: a hundred busy processes then take nothing from other submissions."""
SCHEDULING = {"sched_setparam": (142, 118), "sched_setscheduler": (144, 119), "sched_setattr": (314, 274)}
OTHERS_PRIORITY = {"setpriority": (141, 140), "ioprio_set": (251, 30)}

CLONE, SOCKET, SOCKETPAIR, CONNECT = (56, 220), (41, 198), (53, 199), (42, 203)
PRLIMIT, PRCTL, IOCTL, FCNTL, MMAP = (302, 261), (157, 167), (16, 29), (72, 25), (9, 222)

NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
SHARED_ANONYMOUS = 0x21
AF_UNIX, AF_NETLINK = 1, 16
KIND_OF_SOCKET, DATAGRAM = 0xF, 2
OWNER_COMMANDS = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX: have a signal sent to another process
LEASES = (1024,)  # F_SETLEASE: whoever opens a file of the same owner then waits for 45 seconds
OWNER_IOCTLS = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP: the same
TERMINAL_IOCTLS = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: type into a terminal

Instruction = tuple[int, int, int, int]


def supported() -> bool:
    """Whether this module knows the machine's system call numbers."""
    return platform.machine() in ARCHITECTURES


def apply(*, alone: bool, scoped_signals: bool) -> None:
    """Put the filter on this process and all it will start.

    Args:
        alone: the process has namespaces of its own, so it sees no other process, no file that it could change and no
            socket of others. Otherwise changing the attributes of files or the scheduling of threads does nothing, and
            ``connect``, ``setsid``, ``setpgid`` and changing others' priority are refused.
        scoped_signals: something else (a pid namespace, landlock) keeps signals inside. Otherwise only the process
            itself can be signalled.

    Raises:
        OSError: the Linux kernel does not take the filter, or the architecture is unknown.
    """
    program = assemble(alone=alone, own_pid=None if scoped_signals else os.getpid())
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    check(libc.prctl(SET_SECCOMP, 2, header, 0, 0))  # SECCOMP_MODE_FILTER


def assemble(*, alone: bool, own_pid: int | None, machine: str = "") -> list[Instruction]:
    """The filter as instructions of classic BPF. See ``apply``."""
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"no system call table for {machine}")
    column, name = ARCHITECTURES[machine]
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, name),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, KNOWN),
        (RETURN, 0, 0, ERRNO | errno.ENOSYS),
    ]

    def rule(codes: tuple[int, int], body: list[Instruction]) -> None:
        if codes[column] >= 0:
            program.extend([(JUMP_EQUAL, 0, len(body), codes[column]), *body])

    def answer(table: dict[str, tuple[int, int]], action: int) -> None:
        for codes in table.values():
            rule(codes, [(RETURN, 0, 0, action)])

    answer(REFUSED, ERRNO | errno.EPERM)
    answer(ABSENT, ERRNO | errno.ENOSYS)
    rule(CLONE, refuse_bits(0, NEW_NAMESPACES))
    # ZeroMQ looks for network devices with a netlink socket, and stops the process if it does not like the error.
    # A datagram needs no ``connect`` to be sent to a path.
    datagrams = [] if alone else refuse_part(1, KIND_OF_SOCKET, DATAGRAM, errno.EACCES)
    unix_only = refuse_unless(0, AF_UNIX, errno.EACCES)
    rule(SOCKET, datagrams + refuse_if(0, (AF_NETLINK,), ERRNO | errno.EOPNOTSUPP) + unix_only)
    rule(SOCKETPAIR, datagrams + unix_only)
    rule(PRLIMIT, refuse_unless(0, 0))  # pid 0 is oneself
    rule(PRCTL, refuse_if(0, (1,), PRETEND) + refuse_if(0, (4,)))  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE
    rule(IOCTL, refuse_if(1, OWNER_IOCTLS + TERMINAL_IOCTLS))
    rule(FCNTL, refuse_if(1, OWNER_COMMANDS + LEASES))
    rule(MMAP, refuse_all_bits(3, SHARED_ANONYMOUS))
    answer(CORES, PRETEND)
    if not alone:
        answer(ATTRIBUTES, PRETEND)
        answer(EXTENDED, ERRNO | errno.ENOTSUP)
        answer(LEAVING | OTHERS_PRIORITY | SIZE, ERRNO | errno.EPERM)
        for codes in SCHEDULING.values():  # ZeroMQ sets it for its own threads, by number, and stops if that fails
            rule(codes, refuse_unless(0, 0, 0))
        rule(CONNECT, [(RETURN, 0, 0, ERRNO | errno.EACCES)])
    if own_pid is not None:
        answer(OTHER_SIGNALS, ERRNO | errno.EPERM)
        for codes in SIGNALS.values():
            rule(codes, refuse_unless(0, own_pid))
    program.append((RETURN, 0, 0, ALLOW))
    return program


# Each of these is the body of a rule: it looks at the low half of an argument and always returns, or, for
# ``refuse_if`` with a following body, falls through. A pid, an int or a flag fits the low half.


def load(argument: int) -> Instruction:
    """The low 32 bits of an argument (both architectures store these first)."""
    return (LOAD, 0, 0, ARGUMENTS + 8 * argument)


def refuse_unless(argument: int, value: int, code: int = errno.EPERM) -> list[Instruction]:
    """Allow one value only."""
    return [load(argument), (JUMP_EQUAL, 1, 0, value), (RETURN, 0, 0, ERRNO | code), (RETURN, 0, 0, ALLOW)]


def refuse_if(argument: int, values: tuple[int, ...], action: int = ERRNO | errno.EPERM) -> list[Instruction]:
    """Refuse some values. Falls through to what follows with the number of the call no longer loaded."""
    body = [load(argument)]
    for value in values:
        body += [(JUMP_EQUAL, 0, 1, value), (RETURN, 0, 0, action)]
    return [*body, (LOAD, 0, 0, NUMBER)]


def refuse_part(argument: int, mask: int, value: int, code: int) -> list[Instruction]:
    """Refuse if the bits of the mask have this value. Falls through as ``refuse_if`` does."""
    return [
        load(argument),
        (AND, 0, 0, mask),
        (JUMP_EQUAL, 0, 1, value),
        (RETURN, 0, 0, ERRNO | code),
        (LOAD, 0, 0, NUMBER),
    ]


def refuse_bits(argument: int, bits: int) -> list[Instruction]:
    """Refuse if any of these bits is set."""
    return [load(argument), (JUMP_BITS, 0, 1, bits), (RETURN, 0, 0, ERRNO | errno.EPERM), (RETURN, 0, 0, ALLOW)]


def refuse_all_bits(argument: int, bits: int) -> list[Instruction]:
    """Refuse if all of these bits are set."""
    return [
        load(argument),
        (AND, 0, 0, bits),
        (JUMP_EQUAL, 0, 1, bits),
        (RETURN, 0, 0, ERRNO | errno.EPERM),
        (RETURN, 0, 0, ALLOW),
    ]
