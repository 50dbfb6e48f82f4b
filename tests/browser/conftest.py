"""A course directory to look at, and a browser that tells what a page did."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.conftest import browser_path
from tests.report.hostile import hostile_submission

REPOSITORY = Path(__file__).parents[2]
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


def course(root: Path, *arguments: str, check: bool = True) -> str:
    """Run the ``course`` command on a course directory and return what it printed."""
    command = [Path(sys.executable).parent / "course", *arguments, "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def make_course(root: Path, assignment: str) -> Path:
    """A course directory as the demo makes one, with one released assignment."""
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    shutil.copytree(REPOSITORY / "source" / assignment, root / "source" / assignment)
    course(root, "release", assignment)
    return root


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a hostile submission and one without a notebook, graded and reported, and one not yet graded."""
    root = make_course(tmp_path_factory.mktemp("course"), "optimizers")
    submitted = root / "submitted"
    notebook = hostile_submission(nbformat.read(root / "release" / "optimizers" / "optimizers.ipynb", as_version=4))
    hostile = submitted / "hostile" / "optimizers"
    hostile.mkdir(parents=True)
    (hostile / "optimizers.ipynb").write_text(json.dumps(notebook))
    misnamed = submitted / "misnamed" / "optimizers"
    misnamed.mkdir(parents=True)
    (misnamed / "<img src=x onerror=alert(1)>.ipynb").write_text("{}")
    course(root, "grade", "optimizers", check=False)
    course(root, "feedback", "optimizers")
    course(root, "report", "optimizers")
    sample = REPOSITORY / "examples" / "submissions" / "student-01" / "optimizers"
    shutil.copytree(sample, submitted / "student-01" / "optimizers")
    return root


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser_path(), args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()
