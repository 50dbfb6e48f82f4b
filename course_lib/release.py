"""Makes the students' version of an assignment, with nbgrader, and checks that it holds no solution."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGraderAPI

from course_lib.engine.submission import course_directory, load_config
from course_lib.problem import Problem


def release_assignment(root: Path, name: str) -> Path:
    """Generate ``release/<name>`` from ``source/<name>`` and enter the assignment into the gradebook.

    Raises:
        Problem: there is no source notebook, or nbgrader could not; its own words are in the message.
    """
    directory = course_directory(str(root))
    source = Path(directory.format_path(directory.source_directory, ".", name), f"{name}.ipynb")
    if not source.is_file():
        raise Problem(f"nothing to release: there is no {source}")
    api = NbGraderAPI(directory, config=load_config(str(root)))
    result = api.generate_assignment(name, force=True, create=True)
    if not result["success"]:
        raise Problem(f"nbgrader could not release {name}: {last_words(result)}")
    return Path(directory.format_path(directory.release_directory, ".", name))


def last_words(result: dict[str, Any]) -> str:
    """The last exception in what nbgrader said about a step that failed, without its frames. Its log knows more."""
    said = [result.get(part) or "" for part in ("log", "error")]
    found = (re.findall(r"^ *([\w.]+(?:Error|Exception): .+)", text, re.MULTILINE) for text in said)
    return str(next((causes[-1] for causes in found if causes), "it does not say why"))
