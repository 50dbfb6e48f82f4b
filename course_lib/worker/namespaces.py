"""A world of its own for the fork server, and a smaller one for each kernel: files, processes, network, users.

Standard library, ``worker.linux`` and the list of devices in ``worker.landlock`` only.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import socket
import struct

from course_lib.worker.landlock import DEVICES
from course_lib.worker.linux import SET_PARENT_DEATH_SIGNAL, SandboxError, check, libc, prctl, step

NEWNS, NEWUTS, NEWIPC = 0x00020000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000

RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT = 1, 2, 4, 8, 32
BIND, REC, PRIVATE_CHANGES = 1 << 12, 1 << 14, 1 << 18
DETACH = 2

PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE = 442, -100, 0x8000
"""Needs Linux 5.12, which landlock needs anyway."""

PRIVATE = "/.private"
"""Where a kernel's disk in memory is mounted for the moment in which its parts are put in their places."""

SHARED_PLACES = {"tmp": "/tmp", "shm": "/dev/shm"}  # noqa: S108 (each kernel gets its own)


# ---- the fork server, once ----


def move_server(privileged: bool) -> None:
    """Take this process into namespaces of its own, and go on in a child that is process 1 there.

    The caller's process waits for the child and exits as it does. Each ends when the other does.

    Stops: any network, System V and abstract socket traffic, seeing and signalling the machine's processes.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise SandboxError(f"namespaces: the fork server must have one thread, but has {threads}")
    with step("namespaces"):
        if not privileged:
            uid, gid = os.geteuid(), os.getegid()
            check(libc.unshare(NEWUSER))
            _map_user(uid, uid, gid, gid)
        check(libc.unshare(NEWPID | NEWNS | NEWNET | NEWUTS | NEWIPC))
        socket.sethostname("course")
    parent = os.pidfd_open(os.getpid())
    pid = os.fork()
    if pid:
        os.closerange(3, 1 << 20)
        _, status = os.waitpid(pid, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if select.select([parent], [], [], 0)[0]:
        os._exit(1)
    os.close(parent)


def small_root(readable: tuple[str, ...], hidden: tuple[str, ...], workspace: str) -> None:
    """Go to a root directory in memory that holds the readable paths (read-only), five devices and the workspace.

    Stops: reading the course, home directories and submissions; reaching other programs' sockets; changing a setting.
    Leaves: a secret below something readable, unless it is named in ``hidden``.
    """
    places = {path: os.path.realpath(path) for path in (*readable, *DEVICES, workspace) if os.path.exists(path)}
    check(libc.mount(None, b"/", None, REC | PRIVATE_CHANGES, None))
    mount("tmpfs", workspace, NOSUID | NODEV, "mode=755,size=1m")  # any directory would do: it becomes the root
    old = workspace + "/.old"
    os.mkdir(old)
    with step("pivot_root"):
        check(libc.syscall(PIVOT_ROOT[os.uname().machine], os.fsencode(workspace), os.fsencode(old)))
    os.chdir("/")
    for place in sorted({*places, *hidden}):  # a directory comes before what is in it
        if place in places:
            bind("/.old" + places[place], place)
            if place not in DEVICES and place != workspace:
                read_only(place)
        elif os.path.isdir(place):
            mount("tmpfs", place, NOSUID | NODEV, "mode=755,size=64k")
        elif os.path.exists(place):
            bind("/.old/dev/null", place)
    for place in ("/proc", "/dev/pts", PRIVATE, *SHARED_PLACES.values()):
        os.makedirs(place, exist_ok=True)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + target, f"/dev/{name}")
    os.symlink("pts/ptmx", "/dev/ptmx")
    mount("proc", "/proc", NOSUID | NODEV | NOEXEC)
    with step("leave the old root"):
        check(libc.umount2(b"/.old", DETACH))
        os.rmdir("/.old")
        check(libc.mount(None, b"/", None, REMOUNT | BIND | RDONLY | NOSUID | NODEV, None))


# ---- each kernel ----


def new_pid_namespace(own: int) -> None:
    """Have the next fork of this process begin a pid namespace. ``own`` is a descriptor of the one it is in itself."""
    with step("pid namespace"):
        check(libc.setns(own, NEWPID))  # a second unshare needs this
        check(libc.unshare(NEWPID))


def private_files(
    readable: tuple[str, ...], workspace: str, scratch: str, sockets: str, *, owner: tuple[int, int], size: int
) -> None:
    """Mounts of its own: a disk in memory of ``size`` bytes for ``scratch``, /tmp and /dev/shm together, and a /proc.

    What the controller has put into ``scratch`` is copied.

    Stops: writing anywhere else, filling the disk, seeing other kernels' directories and processes.
    Leaves: sockets without end in ``sockets``, which is the real directory.
    """
    check(libc.unshare(NEWNS | NEWIPC))
    given = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
    covered = [path for path in readable if path.startswith(tuple(place + "/" for place in SHARED_PLACES.values()))]
    again = {path: os.open(path, os.O_PATH) for path in (*covered, *([sockets] if sockets else []))}
    uid, gid = owner
    mount("tmpfs", PRIVATE, NOSUID | NODEV, f"mode=755,uid={uid},gid={gid},size={size},nr_inodes=20000")
    for name, place in {**SHARED_PLACES, "workspace": workspace}.items():
        _bind_new(f"{PRIVATE}/{name}", place, owner)
    for path, descriptor in again.items():
        bind(f"/proc/self/fd/{descriptor}", path)
        os.close(descriptor)
    _bind_new(f"{PRIVATE}/scratch", scratch, owner)
    _copy(given, scratch, owner)
    os.close(given)
    check(libc.umount2(os.fsencode(PRIVATE), DETACH))
    mount("proc", "/proc", NOSUID | NODEV | NOEXEC)
    mount("devpts", "/dev/pts", NOSUID | NOEXEC, "newinstance,ptmxmode=0666,mode=620")


def own_users(uid: int, gid: int) -> None:
    """A user namespace in which this process is ``uid``. RLIMIT_NPROC then counts this kernel alone (Linux 5.14)."""
    outside, group = os.geteuid(), os.getegid()
    check(libc.unshare(NEWUSER))
    _map_user(uid, outside, gid, group)


def _map_user(uid: int, outside: int, gid: int, outside_group: int) -> None:
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outside} 1"),
        ("gid_map", f"{gid} {outside_group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def _copy(source: int, target: str, owner: tuple[int, int]) -> None:
    """Copy the files and directories below an open directory. Links and the like are left out, never followed."""
    with os.scandir(source) as entries:
        for entry in entries:
            place = os.path.join(target, entry.name)
            if entry.is_dir(follow_symlinks=False):
                os.mkdir(place)
                os.chown(place, *owner)
                inner = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=source)
                _copy(inner, place, owner)
                os.close(inner)
            elif entry.is_file(follow_symlinks=False):
                descriptor = os.open(entry.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=source)
                with open(descriptor, "rb") as old, open(place, "xb") as new:
                    shutil.copyfileobj(old, new)
                os.chown(place, *owner)


# ---- mounts ----


def mount(kind: str, place: str, flags: int, options: str = "") -> None:
    """Mount a new file system."""
    with step(f"mount {kind} on {place}"):
        check(libc.mount(kind.encode(), os.fsencode(place), kind.encode(), flags, options.encode() or None))


def bind(source: str, place: str) -> None:
    """Show ``source`` at ``place`` too, which is made if it does not exist."""
    with step(f"show {source} at {place}"):
        if os.path.isdir(source):
            os.makedirs(place, exist_ok=True)
        elif not os.path.exists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))
        check(libc.mount(os.fsencode(source), os.fsencode(place), None, BIND | REC, None))


def _bind_new(directory: str, place: str, owner: tuple[int, int]) -> None:
    os.mkdir(directory)
    os.chown(directory, *owner)
    bind(directory, place)


def read_only(place: str) -> None:
    """Make a mount and all below it read-only, without devices and set-user-id programs."""
    attributes = struct.pack("QQQQ", RDONLY | NOSUID | NODEV, 0, 0, 0)
    with step(f"make {place} read-only"):
        check(
            libc.syscall(
                MOUNT_SETATTR, AT_FDCWD, os.fsencode(place), AT_RECURSIVE, attributes, ctypes.c_size_t(len(attributes))
            )
        )
