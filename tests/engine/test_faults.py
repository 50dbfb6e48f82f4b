"""Real faults in the real command: killed at random moments, a locked gradebook, a full disk, a dead fork server.

Whatever happens, submissions stay, manual grades stay, and running the same command again gives what an undisturbed run
gives.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from course_lib import assignments
from course_lib.collect import collect_submissions
from course_lib.engine import gradebook as gradebook_module
from course_lib.engine.batch import grade_class, local_executor
from course_lib.engine.forkserver import shared_server
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.notebook import NotebookRunner
from course_lib.engine.submission import Graded, Job, grade_submission
from course_lib.release import release_assignment
from tests.engine.conftest import text_of

pytestmark = pytest.mark.xdist_group("faults")  # its class is graded once undisturbed

REPOSITORY = Path(__file__).parents[2]
NAME = "backprop"
STUDENTS = ["student-01", "student-04", "student-08", "student-09", "student-12", "student-15", "student-16"]
KILLS = 30


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A course with submissions, nothing graded, and one grade that a TA has given."""
    root = tmp_path_factory.mktemp("faults") / "course"
    root.mkdir()
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    shutil.copytree(REPOSITORY / "source" / NAME, root / "source" / NAME)
    release_assignment(root, NAME)
    for student in STUDENTS:
        shutil.copytree(REPOSITORY / "examples" / "submissions" / student / NAME, root / "inbox" / student / NAME)
    list(collect_submissions(root / "inbox", root))
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        gradebook.add_student("student-08")
        gradebook.add_submission(NAME, "student-08")
        gradebook.find_grade("elementwise", NAME, NAME, "student-08").manual_score = 3.5
        gradebook.db.commit()
    return root


@pytest.fixture
def course(template, tmp_path):
    root = tmp_path / "course"
    shutil.copytree(template, root, symlinks=True)
    return root


def start(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "course_lib.cli", "grade", NAME, "--root", str(root), "--jobs", "2"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True, cwd=REPOSITORY
    )


def finish(root: Path) -> str:
    process = start(root)
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 1, f"two submissions need attention:\n{output}"
    return output


def state(root: Path) -> dict[str, Any]:
    """All grades, and the records without what names the course directory."""
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        grades = {
            (s.student.id, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for s in gradebook.assignment_submissions(NAME)
            for notebook in s.notebooks
            for grade in notebook.grades
        }
    records = {}
    for path in sorted((root / "autograded").glob(f"*/{NAME}/grading.json")):
        records[path.parts[-3]] = {k: v for k, v in json.loads(path.read_text()).items() if k != "digests"}
    return {"grades": grades, "records": records}


def submitted(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted((root / "submitted").rglob("*")) if p.is_file()}


def session_members(session: int) -> list[int]:
    """Processes of a session that are no zombies."""
    found = []
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry))
    return found


@pytest.fixture(scope="module")
def undisturbed(template, tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed") / "course"
    shutil.copytree(template, root, symlinks=True)
    started = time.monotonic()
    finish(root)
    return state(root), time.monotonic() - started


def test_a_batch_killed_at_random_moments_ends_like_an_undisturbed_one(course, undisturbed):
    expected, seconds = undisturbed
    before = submitted(course)
    moments = random.Random(0)
    for _ in range(KILLS):
        process = start(course)
        try:
            process.wait(moments.uniform(0.1, 1.0) * min(seconds, 10))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        assert submitted(course) == before
        deadline = time.monotonic() + 30
        while session_members(process.pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert session_members(process.pid) == [], "grading processes, fork servers and kernels end with the command"
    finish(course)
    assert state(course) == expected
    assert state(course)["grades"][("student-08", "elementwise")][1] == 3.5
    leftovers = [p for p in (course / "autograded").rglob(".*") if p.is_dir()]
    assert all(p.name.startswith(f".{NAME}-") for p in leftovers)


def test_a_locked_gradebook_stops_the_batch_with_a_message_and_loses_nothing(course, undisturbed):
    before = submitted(course)
    with sqlite3.connect(course / "gradebook.db", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        process = start(course)
        output, _ = process.communicate(timeout=500)
        other.execute("ROLLBACK")
    assert process.returncode == 1
    assert "database is locked" in output
    assert "Traceback" not in output
    assert submitted(course) == before
    finish(course)
    assert state(course) == undisturbed[0]


def test_a_gradebook_that_cannot_be_written_stops_the_batch_with_a_message_and_loses_nothing(course, undisturbed):
    before = submitted(course)
    config = course / "nbgrader_config.py"
    writable = config.read_text()
    read_only = f"sqlite:///file:{course}/gradebook.db?mode=ro&uri=true"  # root may write whatever its mode forbids
    config.write_text(f"{writable}\nc.CourseDirectory.db_url = {read_only!r}\n")
    process = start(course)
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 1
    assert "readonly database" in output
    assert "run the same command again" in " ".join(output.split())
    assert "Traceback" not in output
    assert submitted(course) == before
    config.write_text(writable)
    finish(course)
    assert state(course) == undisturbed[0]


def test_a_clock_that_is_moved_while_grading_changes_nothing(course, undisturbed, monkeypatch):
    moved = random.Random(0)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + moved.uniform(-1, 1) * 365 * 86400)
    for student in ("student-01", "student-04"):
        graded = grade_submission(Job(str(course), NAME, student))
        stored = undisturbed[0]["records"][student]
        assert (graded.status, graded.reason) == ("graded", "")
        assert graded.record["questions"] == stored["questions"]


def until_full(write: Any, after: int) -> Any:
    """``write`` for the first calls; then there is no space left."""
    left = after

    def limited(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(*args, **kwargs)

    return limited


def test_a_full_disk_stops_the_batch_and_keeps_what_is_stored(course, undisturbed, monkeypatch):
    jobs = [Job(str(course), NAME, student) for student in STUDENTS]
    write = gradebook_module.nbformat.write
    stored: list[str] = []
    with monkeypatch.context() as patch, GradebookWriter(str(course), NAME) as writer:
        patch.setattr(gradebook_module.nbformat, "write", until_full(write, after=2))
        patch.setattr(Path, "write_text", until_full(Path.write_text, after=2))
        with pytest.raises(OSError, match="No space left"):
            stored.extend(outcome.student for outcome in grade_class(jobs, writer, lambda: local_executor(1)))
    records = {p.parts[-3] for p in (course / "autograded").glob(f"*/{NAME}/grading.json")}
    assert records == set(stored)
    assert list((course / "autograded").rglob(f".{NAME}-*")) == []
    finish(course)
    assert state(course) == undisturbed[0]


def test_a_fork_server_that_is_killed_is_replaced_in_the_middle_of_a_notebook(run):
    with run("x = 1") as runner:
        os.kill(shared_server()._process.pid, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while shared_server_alive_kernel(runner) and time.monotonic() < deadline:
            time.sleep(0.05)
        runner.notebook.cells.append(runner.notebook.cells[0].__class__(runner.notebook.cells[0]))
        runner.notebook.cells[1].update(source="x + 1", outputs=[])
        runner.execute(1)
        assert text_of(runner.notebook.cells[1]) == "2"


def shared_server_alive_kernel(runner: NotebookRunner) -> bool:
    from course_lib.engine.notebook import process_of

    return process_of(runner._client).alive()


def test_a_grading_process_that_dies_costs_no_other_submission(course):
    """One grader is killed while it works; its job is done again."""
    questions = assignments.load(NAME).questions
    jobs = [Job(str(course), NAME, student) for student in STUDENTS[:3]]
    executors = []

    def make() -> Any:
        executors.append(local_executor(2))
        return executors[-1]

    outcomes: dict[str, Graded | Any] = {}
    with GradebookWriter(str(course), NAME) as writer:
        for outcome in grade_class(jobs, writer, make):
            if not outcomes:
                for pid in list(executors[0]._processes):
                    os.kill(pid, signal.SIGKILL)
            outcomes[outcome.student] = outcome
    assert {o.status for o in outcomes.values()} == {"graded"}
    assert len(outcomes["student-01"].record["questions"]) == len(questions)
