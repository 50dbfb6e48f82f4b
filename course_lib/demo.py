"""The demonstration: a course directory of its own, a sample class, and the whole way from release to class report."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from nbgrader.api import Gradebook
from rich.console import Console

from course_lib import assignments
from course_lib.collect import collect_submissions
from course_lib.engine.batch import LocalGraders
from course_lib.engine.sandbox import choose
from course_lib.problem import Problem
from course_lib.release import release_assignment
from course_lib.report.class_report import write_class_report
from course_lib.report.pages import write_feedback
from course_lib.report.terminal import grade_and_show

REPOSITORY = Path(__file__).parents[1]
SAMPLE_CLASS = REPOSITORY / "examples" / "submissions"

DUE = "2026-11-15 12:00:00"
"""One student of the sample class is a week late."""

EXAMPLE = "student-04"
"""Has some misconceptions, so there is something to see."""


def run_demo(console: Console, folder: Path) -> bool:
    """Release, collect, grade, write feedback and reports in ``folder``, which is made anew. True if all went well.

    The sample class holds submissions that must need attention; they do not count as failures here.

    Raises:
        Problem: the package is installed without the repository around it.
    """
    if not SAMPLE_CLASS.is_dir():
        raise Problem(f"the demo needs the repository: {SAMPLE_CLASS} is missing")
    started = time.monotonic()
    level = choose()
    names = [name for name in assignments.NAMES if list(SAMPLE_CLASS.glob(f"*/{name}"))]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy(REPOSITORY / "nbgrader_config.py", folder)
    with LocalGraders(os.cpu_count() or 1) as graders:
        graders.start()
        for name in names:
            shutil.copytree(REPOSITORY / "source" / name, folder / "source" / name)
            release_assignment(folder, name)
            with Gradebook(f"sqlite:///{folder}/gradebook.db", "deep-learning") as gradebook:
                gradebook.update_or_create_assignment(name, duedate=DUE)
            console.print(f"released {name}")
        for line in collect_submissions(SAMPLE_CLASS, folder):
            console.print(line, markup=False, soft_wrap=True)
        for name in names:
            grade_and_show(console, folder, name, (), graders, level=level)
    pages = [page for name in names for page in write_feedback(folder, name)]
    reports = [write_class_report(folder, name) for name in names]
    example = next(page for page in pages if EXAMPLE in page.parts)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. Where to look:")
    for kind, path in (
        *(("class report", report) for report in reports),
        (f"{len(pages)} feedback pages, for example", example),
        ("gradebook", folder / "gradebook.db"),
    ):
        console.print(f"  {kind}: {path}", markup=False, soft_wrap=True)
    return len(reports) == len(names)
