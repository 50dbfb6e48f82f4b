"""What the sandbox adds to the start and end of a kernel, level by level, in one run on this machine.

A fork server with NumPy and torch imported forks a child, which puts its walls up, says so, and ends. Measured is the
time from the call of ``fork`` to the word that the walls stand ("up"), and to the child's end, with all that it takes
down ("up and down"); and the computing time of both processes, which other load on the machine does not change. The
levels take turns.

    python benchmarks/sandbox.py [--rounds 200]
"""

from __future__ import annotations

import argparse
import gc
import os
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from course_lib.engine.sandbox import make_workspace, policy_for, probe
from course_lib.worker import sandbox
from course_lib.worker.sandbox import Policy

BARE = "bare fork"


def serve(policy: Policy | None) -> None:
    """Fork one kernel for each line on standard input, and print its three times in milliseconds."""
    import numpy  # noqa: F401
    import torch

    torch.set_num_threads(1)
    if policy is not None:
        sandbox.prepare(policy)
    gc.collect()
    gc.freeze()
    print("ready", flush=True)
    for _ in sys.stdin:
        reader, writer = os.pipe()
        begin, computing = time.perf_counter(), time.process_time()
        pid = os.fork() if policy is None else sandbox.fork()
        if not pid:
            if policy is not None:
                sandbox.enter(policy)
            os.write(writer, b"1")
            signal.pause()
        os.close(writer)
        assert os.read(reader, 1) == b"1", "the kernel did not come up"
        up = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        sandbox.reap() if policy is not None else os.waitpid(pid, 0)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        down = time.perf_counter()
        computing = time.process_time() - computing
        computing += after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        os.close(reader)
        print(*(1e3 * seconds for seconds in (up - begin, down - begin, computing)), flush=True)


def main() -> None:
    """Run all levels that this machine offers, turn by turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(None if arguments.serve == BARE else Policy.from_json(arguments.serve))
        return
    offer = probe()
    console = Console()
    for line in offer.lines():
        console.print(line)
    workspace = make_workspace()
    servers = {BARE: start(BARE)}
    for level in reversed(offer.levels):
        servers[level] = start(kernel(level, workspace).to_json())
    times: dict[str, list[tuple[float, ...]]] = {name: [] for name in servers}
    for _ in range(arguments.rounds):
        for name, server in servers.items():
            times[name].append(one(server))
    for server in servers.values():
        server.communicate()
    shutil.rmtree(workspace)
    table = Table("level", "up, ms", "added", "up and down, ms", "added", "computing, ms", "added")
    base = [statistics.median(column) for column in zip(*times[BARE], strict=True)]
    for name, rows in times.items():
        cells = [name]
        for bare, column in zip(base, zip(*rows, strict=True), strict=True):
            median = statistics.median(column)
            cells += [f"{median:.1f}", f"{median - bare:.1f}"]
        table.add_row(*cells)
    console.print(table)
    console.print(f"medians of {arguments.rounds} rounds; Python {sys.version.split()[0]}, {os.cpu_count()} CPUs")


def kernel(level: str, workspace: Path) -> Policy:
    """A kernel with a data file of 200 kB, as a notebook has."""
    scratch = workspace / level / "work"
    scratch.mkdir(parents=True)
    (scratch / "digits.npz").write_bytes(bytes(200_000))
    return policy_for(level, workspace, scratch=scratch, sockets=workspace / level)


def start(policy: str) -> subprocess.Popen[str]:
    """A fork server that waits for its first line."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", policy],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n", "the fork server did not start"
    return server


def one(server: subprocess.Popen[str]) -> tuple[float, ...]:
    """One kernel's times in milliseconds."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write("\n")
    server.stdin.flush()
    return tuple(float(word) for word in server.stdout.readline().split())


if __name__ == "__main__":
    main()
