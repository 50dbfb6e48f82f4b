"""The ``course`` command. Parses, calls, prints; no logic of its own."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from course_lib import assignments
from course_lib.problem import NothingGraded, Problem
from course_lib.worker.linux import SandboxError

console = Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120)

CONFIG_FILE = "nbgrader_config.py"


class Commands(click.Group):
    """Says in one line what the person at the terminal can mend. Any other exception is a fault of the program."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (Problem, SandboxError) as problem:
            raise click.ClickException(str(problem)) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            raise click.ClickException(f"{error.filename or 'a file'}: {error.strerror or error}") from None


def course_root(_context: click.Context, _option: click.Parameter, root: Path) -> Path:
    """The course directory, as an absolute path.

    Raises:
        Problem: it is none.
    """
    if not (root / CONFIG_FILE).is_file():
        raise Problem(f"{root.resolve()} has no {CONFIG_FILE}, so it is no course directory; name one with --root")
    return root.resolve()


def folder_type() -> click.Path:
    """An existing folder, as a ``pathlib.Path``."""
    return click.Path(exists=True, file_okay=False, path_type=Path)  # type: ignore[type-var]


root_option = click.option(
    "--root",
    type=folder_type(),
    default=Path(),
    callback=course_root,
    help=f"The course directory (where {CONFIG_FILE} is); default: this directory.",
)
names_argument = click.argument("names", nargs=-1, metavar="[ASSIGNMENT]...")


@click.group(cls=Commands)
def main() -> None:
    """Release assignments, grade a class, and see where it is lost."""
    warnings.filterwarnings("ignore", module="nbgrader")  # what its database layer says is for its developers,
    logging.getLogger("tornado.application").setLevel(logging.CRITICAL)  # and what it logs before it raises
    os.environ["PATH"] = (
        f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # nbgrader runs alembic
    )


def chosen(names: tuple[str, ...]) -> list[str]:
    """The named assignments, or all.

    Raises:
        Problem: an unknown name; the message lists the known ones.
    """
    try:
        return [assignments.load(name).name for name in names or assignments.NAMES]
    except KeyError as error:
        raise Problem(error.args[0]) from None


def each_graded(names: tuple[str, ...], write: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """What ``write`` makes of each named assignment, or of all that have been graded.

    Raises:
        NothingGraded: a named one has not been graded, or none has.
    """
    missing = None
    done = 0
    for name in chosen(names):
        try:
            yield name, write(name)
            done += 1
        except NothingGraded as error:
            missing = error
            if names:
                raise
    if missing and not done:
        raise Problem("nothing has been graded; run 'course grade' first")


@main.command()
@names_argument
@root_option
def release(names: tuple[str, ...], root: Path) -> None:
    """Make the students' version of each ASSIGNMENT (default: all) and put it into the gradebook."""
    from course_lib.release import release_assignment

    for name in chosen(names):
        console.print(f"released {name}: {release_assignment(root, name)}", markup=False, soft_wrap=True)


@main.command()
@click.argument("folder", type=folder_type())
@root_option
def collect(folder: Path, root: Path) -> None:
    """Copy submissions from FOLDER/<student>/<assignment>/ into submitted/."""
    from course_lib.collect import collect_submissions

    for line in collect_submissions(folder, root):
        console.print(line, markup=False, soft_wrap=True)


@main.command()
@names_argument
@root_option
@click.option("--student", "students", multiple=True, help="Grade only this student; may be repeated.")
@click.option("--jobs", type=click.IntRange(1, 256), default=None, help="Grading processes; default: one per core.")
@click.option("--force", is_flag=True, help="Grade unchanged submissions again.")
@click.option("--sandbox", help="namespaces, landlock or none; default: the strongest that works (see course doctor).")
def grade(
    names: tuple[str, ...], root: Path, students: tuple[str, ...], jobs: int | None, force: bool, sandbox: str | None
) -> None:
    """Grade every submission of each ASSIGNMENT (default: all). Killed? The same command goes on where it was."""
    from course_lib.engine.batch import LocalGraders
    from course_lib.engine.sandbox import choose
    from course_lib.report.terminal import grade_and_show

    ok = True
    level = choose(sandbox)
    with LocalGraders(jobs or os.cpu_count() or 1) as graders:
        for name in chosen(names):
            ok &= grade_and_show(console, root, name, students, graders, level=level, force=force)
    if not ok:
        sys.exit(1)


@main.command()
@names_argument
@root_option
def feedback(names: tuple[str, ...], root: Path) -> None:
    """Write every student's feedback page of each ASSIGNMENT (default: all that are graded) into feedback/."""
    from course_lib.report.pages import write_feedback

    for name, pages in each_graded(names, partial(write_feedback, root)):
        console.print(f"{name}: {len(pages)} feedback pages, for example {pages[0]}", markup=False, soft_wrap=True)


@main.command()
@names_argument
@root_option
def report(names: tuple[str, ...], root: Path) -> None:
    """Write the class report of each ASSIGNMENT (default: all that are graded) into reports/, as HTML and CSV."""
    from course_lib.report.class_report import write_class_report

    for _, page in each_graded(names, partial(write_class_report, root)):
        console.print(f"class report: {page}", markup=False, soft_wrap=True)


@main.command()
@names_argument
@root_option
def verify(names: tuple[str, ...], root: Path) -> None:
    """Hold the hidden tests against right and wrong solutions, and print the kill matrix. Fails on a survivor."""
    from course_lib.report.matrix import verify_and_show

    ok = [verify_and_show(console, assignments.load(name), root) for name in chosen(names)]
    if not all(ok):
        sys.exit(1)


@main.command()
@names_argument
@root_option
def mutants(names: tuple[str, ...], root: Path) -> None:
    """Hold the hidden tests against mechanical mutants of the notebooks' solutions. Fails on an unlisted survivor."""
    from course_lib.report.matrix import mutants_and_show

    ok = [mutants_and_show(console, assignments.load(name), root) for name in chosen(names)]
    if not all(ok):
        sys.exit(1)


@main.command()
def doctor() -> None:
    """Say what this machine offers for sandboxing student code, and what to do where something is missing."""
    from course_lib.engine.sandbox import probe

    for line in probe().lines():
        console.print(line, markup=False)


@main.command()
@root_option
@click.option("--port", default=8888, show_default=True)
def lab(root: Path, port: int) -> None:
    """Open JupyterLab with the assignments and the formgrader."""
    command = ["jupyter", "lab", f"--ServerApp.root_dir={root}", f"--port={port}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    os.chdir(root)
    os.execvp(command[0], command)  # noqa: S606 (takes this process's place)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=Path("build/demo"), show_default=True)  # type: ignore[type-var]
def demo(folder: Path) -> None:
    """Grade a sample class in FOLDER: release, collect, autograde, feedback, class report."""
    from course_lib.demo import run_demo

    if not run_demo(console, folder.resolve()):
        sys.exit(1)


if __name__ == "__main__":
    main()
