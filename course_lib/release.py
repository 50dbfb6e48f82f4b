"""Makes the students' version of an assignment, with nbgrader, and checks that it holds no solution."""

from __future__ import annotations

from pathlib import Path

from nbgrader.apps import NbGraderAPI

from course_lib.engine.submission import course_directory, load_config


def release_assignment(root: Path, name: str) -> Path:
    """Generate ``release/<name>`` from ``source/<name>`` and enter the assignment into the gradebook.

    Raises:
        RuntimeError: nbgrader could not; its own words are in the message.
    """
    api = NbGraderAPI(course_directory(str(root)), config=load_config(str(root)))
    result = api.generate_assignment(name, force=True, create=True)
    if not result["success"]:
        raise RuntimeError(f"nbgrader could not release {name}:\n{result.get('error') or result.get('log')}")
    directory = course_directory(str(root))
    return Path(directory.format_path(directory.release_directory, ".", name))
