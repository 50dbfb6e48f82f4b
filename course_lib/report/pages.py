"""Feedback pages: nbgrader's own converter, for every graded submission of an assignment."""

from __future__ import annotations

from pathlib import Path

from nbgrader.apps import NbGraderAPI

from course_lib.engine.submission import course_directory, load_config
from course_lib.problem import NothingGraded, Problem
from course_lib.release import last_words


def write_feedback(root: Path, assignment: str) -> list[Path]:
    """Write ``feedback/<student>/<assignment>/<assignment>.html`` and return the pages.

    Raises:
        NothingGraded: no submission of the assignment has been graded.
        Problem: nbgrader could not write them; its own words are in the message.
    """
    directory = course_directory(str(root))
    if not list(Path(directory.format_path(directory.autograded_directory, ".", ".")).glob(f"*/{assignment}/*.ipynb")):
        raise NothingGraded(assignment)
    result = NbGraderAPI(directory, config=load_config(str(root))).generate_feedback(assignment, force=True)
    if not result["success"]:
        raise Problem(f"nbgrader could not write feedback of {assignment}: {last_words(result)}")
    pages = Path(directory.format_path(directory.feedback_directory, ".", "."))
    return sorted(pages.glob(f"*/{assignment}/*.html"))
