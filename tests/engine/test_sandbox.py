"""Which walls a machine offers, which are chosen, and the words about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.engine import sandbox
from course_lib.engine.sandbox import Offer, SandboxError, choose, make_workspace, policy_for, probe, readable_paths

EVERYTHING = Offer("Linux 6.12", "x86_64", root=False, landlock=6)
LEAST = Offer(
    "Linux 6.8", "x86_64", root=False, landlock=4, problems={"namespaces": "not permitted"}, advice=("ask your admin",)
)
NOTHING = Offer(
    "Darwin 24.1", "arm64", root=False, landlock=0, problems={"namespaces": "no Linux", "landlock": "no Linux"}
)


def test_the_strongest_is_chosen() -> None:
    assert choose(None, EVERYTHING) == "namespaces"
    assert choose(None, LEAST) == "landlock"


def test_what_is_asked_for_is_chosen() -> None:
    assert choose("landlock", EVERYTHING) == "landlock"
    assert choose("none", EVERYTHING) == "none"
    assert choose("none", NOTHING) == "none"


def test_less_than_the_least_is_refused() -> None:
    with pytest.raises(SandboxError, match=r"(?s)cannot keep submissions from the course.*--sandbox=none"):
        choose(None, NOTHING)


def test_what_is_asked_for_and_does_not_work_is_refused() -> None:
    with pytest.raises(SandboxError, match="level namespaces does not work here: not permitted\nask your admin"):
        choose("namespaces", LEAST)


def test_unknown_level() -> None:
    with pytest.raises(SandboxError, match="no sandbox level 'docker'; there are namespaces, landlock, none"):
        choose("docker", EVERYTHING)


def test_words() -> None:
    assert EVERYTHING.lines() == [
        "Linux 6.12 on x86_64, as an ordinary user, landlock version 6",
        "sandbox level namespaces: " + sandbox.MEANING["namespaces"],
    ]
    assert LEAST.lines()[2:] == ["level namespaces does not work here: not permitted", "ask your admin"]
    assert NOTHING.lines()[0] == "Darwin 24.1 on arm64, as an ordinary user, without landlock"
    assert NOTHING.lines()[-1] == "grading is refused here, unless it is told --sandbox=none"


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1", "apparmor_restrict_unprivileged_userns=0"),
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
        ("/proc/sys/user/max_user_namespaces", "0", "max_user_namespaces=10000"),
    ],
)
def test_advice(monkeypatch: pytest.MonkeyPatch, setting: str, value: str, words: str) -> None:
    monkeypatch.setattr(sandbox, "_setting", lambda path: value if path == setting else "")
    monkeypatch.setattr(sandbox.sys, "platform", "linux")
    assert any(words in line for line in sandbox._advice({"namespaces": "not permitted"}))
    assert sandbox._advice({}) == []


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")
def test_probe_agrees_with_itself() -> None:
    offer = probe()
    assert offer.levels[-1] == "none"
    assert set(offer.problems) | set(offer.levels) == set(sandbox.LEVELS)
    if offer.levels[0] != "none":
        assert choose() == offer.levels[0]


@pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")
def test_probe_notices_what_is_missing() -> None:
    """On a machine that refuses namespaces, played by a system call filter."""
    program = """
from course_lib.worker import seccomp, linux
linux.prctl(linux.SET_NO_NEW_PRIVILEGES, 1)
seccomp.apply(alone=True, scoped_signals=True)
from course_lib.engine.sandbox import probe
print(probe().problems["namespaces"])
"""
    repository = str(Path(__file__).parents[2])
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": repository}
    )
    assert result.stdout == "namespaces: [Errno 1] Operation not permitted\n"


def test_other_systems(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox.sys, "platform", "darwin")
    monkeypatch.setattr(sandbox.platform, "system", lambda: "Darwin")
    assert sandbox._try("landlock", tmp_path) == "it needs Linux, and this is Darwin"
    assert "Linux" in sandbox._advice({"landlock": "x"})[0]


def test_policy_shows_python_and_no_part_of_the_course() -> None:
    policy = policy_for("landlock", "/w", scratch="/w/k/work", sockets="/w/k")
    assert any(os.path.realpath(sys.base_prefix).startswith(path) for path in policy.readable)
    repository = Path(__file__).parents[2]
    for secret in ("course_lib/engine/proxy.py", "source", "gradebook.db", "tests"):
        hidden = str(repository / secret)
        shown = any(hidden.startswith(path + "/") for path in policy.readable)
        assert not shown or any((hidden + "/").startswith(path + "/") for path in policy.hidden)
    assert (policy.scratch, policy.sockets, policy.workspace) == ("/w/k/work", "/w/k", "/w")


def test_course_inside_the_python_environment_is_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox.sys, "prefix", str(tmp_path))
    course = tmp_path / "course"
    course.mkdir()
    assert policy_for("landlock", "/w", course=course).hidden == (str(course),)
    assert policy_for("landlock", "/w").hidden == ()


def test_course_around_the_python_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(sandbox.sys, "prefix", str(tmp_path / ".venv"))
    policy = policy_for("landlock", "/w", course=tmp_path)
    assert str(tmp_path / ".venv") in policy.readable
    assert str(tmp_path) not in policy.readable


def test_course_that_is_the_python_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox.sys, "prefix", str(tmp_path))
    with pytest.raises(SandboxError, match="both the Python environment and the course"):
        policy_for("landlock", "/w", course=tmp_path)


def test_readable_paths_hold_no_other() -> None:
    paths = readable_paths()
    assert all(os.path.exists(path) for path in paths)
    assert not [path for path in paths for other in paths if path.startswith(other + "/")]
    assert not {"/", "/home", "/root", "/tmp", "/etc", "/var", os.path.expanduser("~")} & set(paths)


def test_what_a_killed_process_left_is_removed_and_what_a_living_one_has_stays() -> None:
    program = "import os, signal, sys; from course_lib.engine.sandbox import make_workspace; print(make_workspace())"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", f"{program}; sys.stdout.flush(); signal.pause()"], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    killed, living = (Path(process.stdout.readline().strip()) for process in processes if process.stdout)
    (killed / "work").mkdir()
    processes[0].kill()
    processes[0].communicate()
    mine = make_workspace()
    try:
        assert not killed.exists()
        assert living.is_dir()
    finally:
        mine.rmdir()
        living.rmdir()
        processes[1].kill()
        processes[1].communicate()


def test_workspace_is_short_and_private() -> None:
    workspace = make_workspace()
    try:
        assert len(str(workspace)) < 60
        assert workspace.stat().st_mode & 0o077 == 0
    finally:
        workspace.rmdir()
