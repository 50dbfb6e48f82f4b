"""The ``course`` command: release, collect, grade, feedback, report, verify, doctor. Parses, calls, prints; no logic of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from course_lib import assignments

console = Console(highlight=False)


def root_option(function: click.decorators.FC) -> click.decorators.FC:
    return click.option(
        "--root",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=Path(),
        help="The course directory (where nbgrader_config.py is); default: this directory.",
    )(function)


names_argument = click.argument("names", nargs=-1, metavar="[ASSIGNMENT]...")


@click.group()
def main() -> None:
    """Release assignments, grade a class, and see where it is lost."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"  # nbgrader runs alembic


def chosen(names: tuple[str, ...]) -> list[str]:
    """The named assignments, or all.

    Raises:
        click.ClickException: an unknown name; the message lists the known ones.
    """
    try:
        return [assignments.load(name).name for name in names or assignments.NAMES]
    except KeyError as error:
        raise click.ClickException(error.args[0]) from None


@main.command()
@names_argument
@root_option
def release(names: tuple[str, ...], root: Path) -> None:
    """Make the students' version of each ASSIGNMENT (default: all) and put it into the gradebook."""
    from course_lib.release import release_assignment

    for name in chosen(names):
        folder = release_assignment(root.resolve(), name)
        console.print(f"released {name}: {folder}")


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@root_option
def collect(folder: Path, root: Path) -> None:
    """Copy submissions from FOLDER/<student>/<assignment>/ into submitted/."""
    from course_lib.collect import collect_submissions

    for line in collect_submissions(folder, root.resolve()):
        console.print(line, markup=False)


@main.command()
@names_argument
@root_option
@click.option("--student", "students", multiple=True, help="Grade only this student; may be repeated.")
@click.option("--jobs", type=click.IntRange(1, 256), default=None, help="Grading processes; default: one per core.")
@click.option("--force", is_flag=True, help="Grade unchanged submissions again.")
def grade(names: tuple[str, ...], root: Path, students: tuple[str, ...], jobs: int | None, force: bool) -> None:
    """Grade every submission of each ASSIGNMENT (default: all). Killed? The same command goes on where it was."""
    from course_lib.report.terminal import grade_and_show

    ok = True
    for name in chosen(names):
        ok &= grade_and_show(console, root.resolve(), name, students, jobs or len(os.sched_getaffinity(0)), force)
    if not ok:
        sys.exit(1)


@main.command()
@names_argument
@click.option("--root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path())
def verify(names: tuple[str, ...], root: Path) -> None:
    """Hold the hidden tests against right and wrong solutions, and print the kill matrix. Fails on a survivor."""
    from course_lib.report.matrix import verify_and_show

    if not all([verify_and_show(console, assignments.load(name), root.resolve()) for name in chosen(names)]):
        sys.exit(1)
