"""The ``course`` command. Parses, calls, prints; no logic of its own."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path

import click
from rich.console import Console

from course_lib import assignments

console = Console(highlight=False)


root_option = click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),  # type: ignore[type-var]
    default=Path(),
    help="The course directory (where nbgrader_config.py is); default: this directory.",
)
names_argument = click.argument("names", nargs=-1, metavar="[ASSIGNMENT]...")


@click.group()
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
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))  # type: ignore[type-var]
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
@click.option("--sandbox", help="namespaces, landlock or none; default: the strongest that works (see course doctor).")
def grade(
    names: tuple[str, ...], root: Path, students: tuple[str, ...], jobs: int | None, force: bool, sandbox: str | None
) -> None:
    """Grade every submission of each ASSIGNMENT (default: all). Killed? The same command goes on where it was."""
    from course_lib.engine.batch import LocalGraders
    from course_lib.engine.sandbox import SandboxError, choose
    from course_lib.report.terminal import GradingStopped, grade_and_show

    ok = True
    processes = jobs or os.cpu_count() or 1
    try:
        level = choose(sandbox)
        with LocalGraders(processes) as graders:
            for name in chosen(names):
                ok &= grade_and_show(console, root.resolve(), name, students, graders, level=level, force=force)
    except (SandboxError, GradingStopped, LookupError) as error:
        raise click.ClickException(str(error.args[0])) from None
    if not ok:
        sys.exit(1)


@main.command()
@names_argument
@root_option
def feedback(names: tuple[str, ...], root: Path) -> None:
    """Write every student's feedback page of each ASSIGNMENT (default: all that are graded) into feedback/."""
    from course_lib.report.pages import write_feedback

    for name in chosen(names):
        for page in write_feedback(root.resolve(), name):
            console.print(f"feedback: {page}", markup=False)


@main.command()
@names_argument
@root_option
def report(names: tuple[str, ...], root: Path) -> None:
    """Write the class report of each ASSIGNMENT (default: all) into reports/."""
    from course_lib.report.class_report import write_class_report

    for name in chosen(names):
        try:
            console.print(f"class report: {write_class_report(root.resolve(), name)}", markup=False)
        except LookupError as error:
            if names:
                raise click.ClickException(error.args[0]) from None


@main.command()
@names_argument
@root_option
def verify(names: tuple[str, ...], root: Path) -> None:
    """Hold the hidden tests against right and wrong solutions, and print the kill matrix. Fails on a survivor."""
    from course_lib.report.matrix import verify_and_show

    ok = [verify_and_show(console, assignments.load(name), root.resolve()) for name in chosen(names)]
    if not all(ok):
        sys.exit(1)


@main.command()
@names_argument
@root_option
def mutants(names: tuple[str, ...], root: Path) -> None:
    """Hold the hidden tests against mechanical mutants of the notebooks' solutions. Fails on an unlisted survivor."""
    from course_lib.report.matrix import mutants_and_show

    ok = [mutants_and_show(console, assignments.load(name), root.resolve()) for name in chosen(names)]
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
    command = ["jupyter", "lab", f"--ServerApp.root_dir={root.resolve()}", f"--port={port}"]
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
