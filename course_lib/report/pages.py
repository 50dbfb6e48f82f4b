"""Feedback pages: nbgrader's own converter, for every graded submission of an assignment."""

from __future__ import annotations

from pathlib import Path

from nbgrader.apps import NbGraderAPI

from course_lib.engine.submission import course_directory, load_config


def write_feedback(root: Path, assignment: str) -> list[Path]:
    """Write ``feedback/<student>/<assignment>/<assignment>.html`` and return the pages.

    Raises:
        RuntimeError: nbgrader could not; its own words are in the message.
    """
    directory = course_directory(str(root))
    if not list(Path(directory.format_path(directory.autograded_directory, ".", ".")).glob(f"*/{assignment}/*.ipynb")):
        return []
    result = NbGraderAPI(directory, config=load_config(str(root))).generate_feedback(assignment, force=True)
    if not result["success"]:
        raise RuntimeError(
            f"nbgrader could not write feedback of {assignment}:\n{result.get('error') or result.get('log')}"
        )
    pages = Path(directory.format_path(directory.feedback_directory, ".", "."))
    return sorted(pages.glob(f"*/{assignment}/*.html"))
