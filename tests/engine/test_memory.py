"""What ends a kernel that takes too much memory, or makes this process take it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.engine import memory
from tests.engine.conftest import text_of

MANY_PARTS = """
import gc, zmq
part = bytes(16 << 20)
(publisher,) = [each for each in gc.get_objects() if isinstance(each, zmq.Socket) and each.type == zmq.XPUB]
for _ in range(100):
    publisher.send(part, zmq.SNDMORE, copy=False)
publisher.send(b"end")
import time; time.sleep(15)
"""

CHILDREN = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        kept = b"x" * (200 << 20)
        time.sleep(15)
        os._exit(0)
time.sleep(15)
"""


@pytest.fixture
def tight(monkeypatch):
    monkeypatch.setattr(memory, "OWN_GROWTH", 200 << 20)
    monkeypatch.setattr(memory, "KERNEL_BYTES", 700 << 20)


def test_a_message_of_many_parts(run, tight):
    with run(MANY_PARTS, "1 + 1") as runner:
        dead, after = runner.notebook.cells
    assert "ended the kernel" in text_of(dead)
    assert text_of(after) == "2"


def test_children_that_take_much_together(run, tight, monkeypatch):
    monkeypatch.setattr(memory, "is_short", lambda: True)
    with run(CHILDREN, "1 + 1") as runner:
        dead, after = runner.notebook.cells
    assert "ended the kernel" in text_of(dead)
    assert text_of(after) == "2"


def test_they_may_where_there_is_enough(run, tight, monkeypatch):
    monkeypatch.setattr(memory, "is_short", lambda: False)
    with run(CHILDREN.replace("15", "1")) as runner:
        assert text_of(runner.notebook.cells[0]) == ""


def test_memory_of_a_process_and_its_children():
    start = "import subprocess, sys; kept = b'x' * (50 << 20); "
    inner = start + "print('ready', flush=True); sys.stdin.read()"
    outer = start + f"subprocess.run([sys.executable, '-c', {inner!r}])"
    with subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        alone, together = memory.memory_of(str(process.pid)), memory.memory_of_all(process.pid)
        process.stdin.close()
    assert 50 << 20 <= alone < 90 << 20
    assert alone + (50 << 20) <= together < 180 << 20
    assert memory.memory_of_all(process.pid) == 0


def test_short(monkeypatch):
    for left, most, short in ((10, 100, True), (20, 100, False), (0, 0, False)):
        monkeypatch.setattr(memory, "memory_of_machine", lambda pair=(left, most): pair)
        monkeypatch.setattr(memory, "memory_of_group", lambda: (0, 0))
        assert memory.is_short() == short
        monkeypatch.setattr(memory, "memory_of_machine", lambda: (50, 100))
        monkeypatch.setattr(memory, "memory_of_group", lambda pair=(left, most): pair)
        assert memory.is_short() == short


def test_memory_of_a_container(tmp_path: Path):
    assert memory.memory_of_group(str(tmp_path)) == (0, 0)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("900\n")
    assert memory.memory_of_group(str(tmp_path)) == (0, 0)
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 400\nactive_file 200\n")
    assert memory.memory_of_group(str(tmp_path)) == (700, 1000)


def test_memory_of_the_machine():
    left, most = memory.memory_of_machine()
    assert 0 < left < most == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
