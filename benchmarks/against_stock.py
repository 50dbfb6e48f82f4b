"""The same notebooks graded by stock ``nbgrader autograde`` and by ``course grade``, in one run: ``make bench``.

Stock runs the visible checks only: it has no hidden tests. We run those and the hidden tests. Stock runs the cells of
figures and experiments that are as released; we leave them out, and also measure a class in which no such cell is as
released, so that all run. Also reports what a submission costs beyond the bare work, which is running its cells and
its hidden tests in one warm process without any protection, and what each sandbox level adds.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import nbformat
import numpy as np

from course_lib import assignments, verify
from course_lib.engine.batch import grade_class, local_executor
from course_lib.engine.forkserver import shared_server
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.sandbox import probe
from course_lib.engine.submission import Job, grade_submission
from course_lib.release import release_assignment

REPOSITORY = Path(__file__).parents[1]
SAMPLE = REPOSITORY / "examples" / "submissions"
STOCK_CONFIG = (
    "c = get_config()\nc.CourseDirectory.course_id = 'deep-learning'\nc.ClearSolutions.enforce_metadata = False\n"
)
STUDENTS = ("student-01", "student-02", "student-03", "student-04", "student-05", "student-06")


def make_course(folder: Path, assignment: str, size: int, config: str | None = None, *, changed: bool = False) -> None:
    """A course directory with ``size`` submissions of the sample class, taken in turn.

    With ``changed`` every code cell that is none of nbgrader's has another line.
    """
    folder.mkdir()
    if config is None:
        shutil.copy(REPOSITORY / "nbgrader_config.py", folder)
    else:
        (folder / "nbgrader_config.py").write_text(config)
    shutil.copytree(REPOSITORY / "source" / assignment, folder / "source" / assignment)
    for number in range(size):
        origin = SAMPLE / STUDENTS[number % len(STUDENTS)] / assignment
        target = folder / "submitted" / f"bench-{number:03d}" / assignment
        shutil.copytree(origin, target)
        if changed:
            change_figures(target / f"{assignment}.ipynb")


def change_figures(path: Path) -> None:
    """Add a comment to every code cell of a notebook that is none of nbgrader's."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and "nbgrader" not in cell.metadata:
            cell.source += "\n# looked at"
    nbformat.write(notebook, path)


def stock(folder: Path, assignment: str, size: int) -> float:
    """Seconds of ``nbgrader autograde`` for a class."""
    make_course(folder, assignment, size, STOCK_CONFIG)
    run_nbgrader(folder, "generate_assignment", assignment, "--create")
    started = time.perf_counter()
    run_nbgrader(folder, "autograde", assignment, "--create")
    return time.perf_counter() - started


def run_nbgrader(folder: Path, *arguments: str) -> None:
    """Run an nbgrader command in a course directory."""
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(arguments)} failed:\n{done.stderr[-2000:]}")


def ours(folder: Path, assignment: str, size: int, processes: int, *, changed: bool = False) -> tuple[float, float]:
    """Seconds of ``course grade`` for a class: all of it with start-up, and from the first result to the last."""
    make_course(folder, assignment, size, changed=changed)
    release_assignment(folder, assignment)
    jobs = [Job(str(folder), assignment, p.name) for p in sorted((folder / "submitted").iterdir())]
    times = []
    started = time.perf_counter()
    with GradebookWriter(str(folder), assignment) as writer:
        for outcome in grade_class(jobs, writer, lambda: local_executor(processes)):
            times.append(time.perf_counter() - started)
            if outcome.status != "graded":
                raise RuntimeError(f"{outcome.student}: {outcome.reason}")
    return times[-1], (times[-1] - times[processes - 1]) * len(jobs) / max(1, len(jobs) - processes)


def bare(assignment: str, size: int) -> float:
    """Seconds per submission of its cells and its hidden tests alone, in this warm process."""
    groups = assignments.groups(assignment)
    seconds = []
    for number in range(size):
        notebook = SAMPLE / STUDENTS[number % len(STUDENTS)] / assignment / f"{assignment}.ipynb"
        work = Path(tempfile.mkdtemp())
        shutil.copytree(REPOSITORY / "source" / assignment, work, dirs_exist_ok=True)
        shutil.copy(notebook, work)
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            namespace = verify.notebook_namespace(work / f"{assignment}.ipynb")
            for source in verify.visible_checks(work / f"{assignment}.ipynb").values():
                with contextlib.suppress(Exception):
                    exec(source, namespace)
        for group in groups.values():
            verify.run_group(group, namespace)
        seconds.append(time.perf_counter() - started)
        shutil.rmtree(work)
    return statistics.mean(seconds[len(STUDENTS) :] or seconds)


def alone(folder: Path, assignment: str, level: str, count: int) -> float:
    """Median seconds of one right submission in this process at a sandbox level, gradebook writes left out."""
    server = shared_server(level)
    job = Job(str(folder), assignment, "bench-000", {"GradeNotebook": {"sandbox": level}})
    grade_submission(job)
    seconds = []
    for _ in range(count):
        started = time.perf_counter()
        grade_submission(job)
        seconds.append(time.perf_counter() - started)
    server.close()
    return statistics.median(seconds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assignment", default="backprop")
    parser.add_argument("--stock", type=int, default=6, help="submissions graded by stock nbgrader")
    parser.add_argument("--ours", type=int, default=72, help="submissions graded by us")
    parser.add_argument("--all", type=int, default=24, help="submissions graded by us with all figures")
    options = parser.parse_args()
    processes = len(os.sched_getaffinity(0))
    warnings.filterwarnings("ignore", module="nbgrader")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{platform.system()} {platform.release()}, {processes} cores, Python {platform.python_version()}")
        print(f"assignment {options.assignment}\n")
        stock_seconds = stock(folder / "stock", options.assignment, options.stock) / options.stock
        print(f"stock nbgrader autograde     {stock_seconds:8.3f} s per submission ({options.stock} submissions)")
        total, steady = ours(folder / "ours", options.assignment, options.ours, processes)
        print(
            f"course grade                 {total / options.ours:8.3f} s per submission ({options.ours}, with start-up)"
        )
        print(f"course grade, steady         {steady / options.ours:8.3f} s per submission (start-up left out)")
        ratio = stock_seconds / (steady / options.ours)
        with_start = stock_seconds * options.ours / total
        print(f"throughput                   {ratio:8.1f} times stock ({with_start:.1f} with start-up)")
        _, steady_all = ours(folder / "all", options.assignment, options.all, processes, changed=True)
        steady_all /= options.all
        print(f"steady, all figures run      {steady_all:8.3f} s, {stock_seconds / steady_all:.1f} times stock")
        work = bare(options.assignment, 2 * len(STUDENTS))
        print(f"bare cells and tests         {work:8.3f} s per submission in one warm process")
        beyond = processes * steady / options.ours - work
        print(f"beyond the bare cost         {beyond:8.3f} s of one core per submission\n")
        levels: list[str] = ["none", *reversed([level for level in probe().levels if level != "none"])]
        measure: Callable[[str], float] = lambda level: alone(folder / "ours", options.assignment, level, 7)
        for level, seconds in {level: measure(level) for level in levels}.items():
            print(f"one submission, sandbox {level:12} {seconds:8.3f} s")
        print(json.dumps({"ratio": round(ratio, 2), "beyond_s": round(beyond, 3)}))


if __name__ == "__main__":
    main()
