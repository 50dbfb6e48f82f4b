"""The command line: what is not there yet, or misspelt, is told in one line that names it and says what to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from course_lib import assignments, cli, demo
from course_lib.problem import Problem

REPOSITORY = Path(__file__).parents[1]
COMMANDS = ("release", "collect", "grade", "feedback", "report", "verify", "mutants", "doctor", "lab", "demo")


@pytest.fixture
def run(monkeypatch):
    """``run("grade", "backprop")``: exit status and what was printed."""
    monkeypatch.setattr(cli, "console", Console(highlight=False, width=200))

    def command(*arguments: object) -> tuple[int, str]:
        done = CliRunner().invoke(cli.main, [str(each) for each in arguments])
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.output.strip()

    return command


@pytest.fixture
def course(tmp_path):
    """A course directory with nothing in it."""
    root = tmp_path / "course"
    root.mkdir()
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    return root


def test_the_help_lists_every_command(run):
    _, text = run("--help")
    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []
    assert set(cli.main.commands) == set(COMMANDS)


@pytest.mark.parametrize("command", ["release", "grade", "feedback", "report", "verify", "mutants"])
def test_an_unknown_assignment_is_named_with_the_known_ones(run, course, command):
    status, text = run(command, "backpropp", "--root", course)
    assert status == 1
    assert text == f"Error: unknown assignment 'backpropp'; the course has {', '.join(assignments.NAMES)}"


@pytest.mark.parametrize("command", ["release", "grade", "feedback", "report", "verify", "mutants", "lab"])
def test_a_folder_that_is_no_course_directory_is_named(run, tmp_path, command):
    status, text = run(command, "--root", tmp_path)
    assert status == 1
    assert text == f"Error: {tmp_path} has no nbgrader_config.py, so it is no course directory; name one with --root"


NOT_YET = {
    ("release", "backprop"): "nothing to release: there is no {root}/source/backprop/backprop.ipynb",
    ("grade", "backprop"): "the gradebook does not know the assignment 'backprop'; run 'course release backprop' first",
    ("feedback", "backprop"): "no submission of backprop has been graded; run 'course grade backprop' first",
    ("report", "backprop"): "no submission of backprop has been graded; run 'course grade backprop' first",
    ("feedback",): "nothing has been graded; run 'course grade' first",
    ("report",): "nothing has been graded; run 'course grade' first",
    ("verify", "backprop"): "{root}/source/backprop/backprop.ipynb: No such file or directory",
    ("grade", "--sandbox", "jail"): "there is no sandbox level 'jail'; there are namespaces, landlock, none",
}


@pytest.mark.parametrize("arguments", NOT_YET, ids=" ".join)
def test_what_is_not_there_yet_is_told_in_one_line(run, course, arguments):
    (course / "submitted" / "student-01" / "backprop").mkdir(parents=True)
    status, text = run(*arguments, "--root", course)
    assert status == 1
    assert text == "Error: " + NOT_YET[arguments].format(root=course)


def test_no_submissions_are_no_failure(run, course):
    assert run("grade", "moe", "--root", course) == (0, "moe: no submissions in submitted/")


def test_a_student_without_a_submission_is_named(run, course):
    status, text = run("grade", "moe", "--student", "nobody", "--root", course)
    assert (status, text) == (1, "no submission of moe from nobody")


def test_what_cannot_be_written_is_named(run, course, monkeypatch):
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device", "/course/reports")

    monkeypatch.setattr("course_lib.report.class_report.write_class_report", full)
    assert run("report", "--root", course) == (1, "Error: /course/reports: No space left on device")


def test_a_fault_of_the_program_keeps_its_traceback(course, monkeypatch):
    def fault(*_: object) -> Path:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr("course_lib.report.class_report.write_class_report", fault)
    done = CliRunner().invoke(cli.main, ["report", "--root", str(course)])
    assert isinstance(done.exception, KeyError)


def test_doctor_says_which_level_works(run):
    status, text = run("doctor")
    assert status == 0
    assert "level namespaces" in text
    assert "level landlock" in text


def test_the_demo_needs_the_repository(monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "SAMPLE_CLASS", tmp_path / "none")
    with pytest.raises(Problem, match="needs the repository"):
        demo.run_demo(Console(), tmp_path / "demo")
    assert not (tmp_path / "demo").exists()
