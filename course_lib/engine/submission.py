"""Grades one submission in this process: nbgrader's own steps, without its gradebook writes.

What nbgrader does to a submission before it saves grades is done here, by the preprocessors of the course's
configuration; saving is ``gradebook.py``'s, in another process. Must not write anywhere but memory.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import traceback
import warnings
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.nbgraderformat import SchemaTooNewError, SchemaTooOldError
from nbgrader.preprocessors import SaveAutoGrades
from nbgrader.utils import find_all_files
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from course_lib import assignments
from course_lib.engine.errors import NeedsAttention
from course_lib.engine.preprocessor import RECORD, number_cells
from course_lib.engine.sandbox import make_workspace

CONFIG_FILE = "nbgrader_config.py"
MAX_NOTEBOOK_BYTES = 50 * 2**20
MAX_CELLS = 2000
MAX_CHARACTERS = {"code": 200_000, "markdown": 500_000, "raw": 200_000}
"""More takes nbconvert minutes to show, and no notebook of a person has it. Images in the text do not count."""
IMAGE = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/=]*")
MAX_ATTACHMENTS = 100
"""Of one cell."""
MAX_FILES = 2000
MAX_FILE_BYTES = 200 * 2**20
"""All files of a submission together. A kernel gets a copy, and there can be many kernels."""
MAX_NAMES = 5
"""So many names of files stand in a message."""


@dataclass(frozen=True)
class Job:
    """One submission to grade.

    Attributes:
        root: the course directory.
        assignment, student: ids.
        overrides: configuration from the command line, by class name and trait.
    """

    root: str
    assignment: str
    student: str
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Graded:
    """What came of a job.

    Attributes:
        job: the job.
        status: "graded" or "needs attention".
        reason: why it needs attention.
        notebooks: executed notebooks as JSON text, by name; without saved grades yet.
        record: content of ``grading.json``.
    """

    job: Job
    status: str
    reason: str = ""
    notebooks: dict[str, str] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)


@cache
def load_config(root: str, overrides: str = "{}") -> Config:
    """The course's nbgrader configuration.

    Raises:
        FileNotFoundError: there is no ``nbgrader_config.py`` in the course directory.
    """
    config = PyFileConfigLoader(CONFIG_FILE, path=root).load_config()
    config.CourseDirectory.root = root
    config.merge(Config(json.loads(overrides)))
    return config


def config_of(job: Job) -> Config:
    """The configuration to grade a job with."""
    return load_config(job.root, json.dumps(job.overrides, sort_keys=True))


def course_directory(root: str) -> CourseDirectory:
    """nbgrader's view of the course directory."""
    return CourseDirectory(config=load_config(root))


def submitted(root: str, assignment: str) -> list[str]:
    """Students who have a folder for this assignment, sorted."""
    directory = course_directory(root)
    base = Path(directory.format_path(directory.submitted_directory, ".", "."))
    return sorted(p.name for p in base.iterdir() if (p / assignment).is_dir()) if base.is_dir() else []


def assignments_of(root: str) -> list[str]:
    """The assignments that the course directory has a source of, sorted."""
    directory = course_directory(root)
    base = Path(directory.format_path(directory.source_directory, ".", "."))
    return sorted(p.name for p in base.iterdir() if p.is_dir()) if base.is_dir() else []


def preprocessors(config: Config) -> tuple[list[Any], list[Any], list[Any]]:
    """The configured steps: sanitising, grading, and from SaveAutoGrades on the saving."""
    autograde = Autograde(config=config)
    steps = [load_class(each) for each in autograde.autograde_preprocessors]
    cut = next((i for i, step in enumerate(steps) if issubclass(step, SaveAutoGrades)), len(steps))
    return [load_class(each) for each in autograde.sanitize_preprocessors], steps[:cut], steps[cut:]


def load_class(name: Any) -> Any:
    """A class, given as such or by its dotted name."""
    if isinstance(name, str):
        module, _, attribute = name.rpartition(".")
        return getattr(importlib.import_module(module), attribute)
    return name


def apply(steps: list[Any], notebook: Any, resources: dict[str, Any], config: Config) -> tuple[Any, dict[str, Any]]:
    """Run preprocessors one after the other."""
    for step in steps:
        notebook, resources = step(config=config)(notebook, resources)
    return notebook, resources


def grade_submission(job: Job) -> Graded:
    """Grade one submission. Never raises for what is in it."""
    try:
        return _grade(job)
    except NeedsAttention as problem:
        return Graded(job, "needs attention", printable(str(problem)))
    except Exception as error:
        where = traceback.format_exc().strip().splitlines()[-3:]
        reason = f"the grader failed with {type(error).__name__}: {error} ({' '.join(w.strip() for w in where)})"
        return Graded(job, "needs attention", printable(reason[:1000]))


def printable(text: str) -> str:
    """The text as it may be shown on a terminal: what is in a submission must not move its cursor."""
    return "".join(c if c.isprintable() or c == "\n" else "·" for c in text)


def _grade(job: Job) -> Graded:
    staging = make_workspace()
    try:
        return _grade_in(job, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _grade_in(job: Job, staging: Path) -> Graded:
    config = config_of(job)
    directory = CourseDirectory(config=config)
    folder = Path(directory.format_path(directory.submitted_directory, job.student, job.assignment))
    sanitize, grade, _ = preprocessors(config)
    graded = Graded(job, "graded")
    check_size(folder)
    handed_in(directory, job.student, job.assignment)
    stage_files(directory, job.student, job.assignment, staging)
    for path in notebooks_to_grade(folder, directory, job.assignment):
        resources: dict[str, Any] = {
            "unique_key": path.stem,
            "metadata": {"name": path.stem, "path": str(staging)},
            "nbgrader": {
                "student": job.student,
                "assignment": job.assignment,
                "notebook": path.stem,
                "db_url": directory.db_url,
            },
        }
        notebook = read_notebook(path)
        try:
            notebook, resources = apply(sanitize, notebook, resources, config)
        except (SchemaTooOldError, SchemaTooNewError) as error:
            raise NeedsAttention(f"{path.name} has nbgrader metadata of another version: {error}") from None
        notebook, resources = apply(grade, notebook, resources, config)
        graded.notebooks[path.stem] = unicode(nbformat.writes(notebook))
        if RECORD in resources.get("outputs", {}):
            graded.record = json.loads(resources["outputs"][RECORD])
    problems = [f"{q['question']}: {p}" for q in graded.record.get("questions", []) for p in q["not_graded"]]
    if problems:
        graded.status, graded.reason = "needs attention", "the tests failed: " + "; ".join(problems)
    return graded


def stage_files(directory: CourseDirectory, student: str, assignment: str, target: Path) -> None:
    """Copy the submission's files without its notebooks, then the assignment's own over them, as nbgrader does.

    Links in a submission, and all that is no plain file, are left out.
    """
    submitted_folder = Path(directory.format_path(directory.submitted_directory, student, assignment))
    source = Path(directory.format_path(directory.source_directory, ".", assignment))
    for folder in (submitted_folder, source):
        for name in find_all_files(str(folder), [*directory.ignore, "*.ipynb"]):
            path = Path(name)
            if folder == submitted_folder and (path.is_symlink() or not path.is_file()):
                continue
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)


def handed_in(directory: CourseDirectory, student: str, assignment: str) -> datetime | None:
    """The date in the submission's ``timestamp.txt``, or None if it has none.

    Raises:
        NeedsAttention: what is there is no date.
    """
    folder = directory.format_path(directory.submitted_directory, student, assignment)
    path = Path(folder, "timestamp.txt")
    date: datetime | None = None
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise ValueError("a pipe or a device can be read for ever")
        date = directory.get_existing_timestamp(folder)
    except Exception:
        raise NeedsAttention("timestamp.txt is no date: was it handed in late? Write it anew, or remove it") from None
    return date


def check_size(folder: Path) -> None:
    """Refuse what would fill the disk.

    Raises:
        NeedsAttention: the submission has too many files, or they are too large together.
    """
    there = list(islice(folder.rglob("*"), MAX_FILES + 1))
    if len(there) > MAX_FILES:
        raise NeedsAttention(f"the submission has more than {MAX_FILES} files and folders")
    files = [path for path in there if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    if size > MAX_FILE_BYTES:
        largest = max(files, key=lambda path: path.stat().st_size).name
        found, limit = f"{size / 2**20:.0f} MB", f"{MAX_FILE_BYTES / 2**20:.0f} MB"
        raise NeedsAttention(f"the submission has {found}, at most {limit} are read; its largest file is {largest!r}")


def notebooks_to_grade(folder: Path, directory: CourseDirectory, assignment: str) -> list[Path]:
    """The submitted notebooks that the assignment has.

    Raises:
        NeedsAttention: one is missing; the message says what is there instead.
    """
    source = Path(directory.format_path(directory.source_directory, ".", assignment))
    wanted = sorted(p.name for p in source.glob("*.ipynb"))
    missing = [name for name in wanted if not os.path.lexists(folder / name)]
    if missing:
        there = sorted((p for p in folder.rglob("*") if p.is_file()), key=lambda p: (p.suffix != ".ipynb", p))
        found = ", ".join(str(p.relative_to(folder)) for p in there[:MAX_NAMES])
        more = f" and {len(there) - MAX_NAMES} more files" if len(there) > MAX_NAMES else ""
        raise NeedsAttention(
            f"no {', '.join(missing)}: the folder has {found or 'no file'}{more}. "
            "Put the notebook there under this name, or ask for it again"
        )
    for name in wanted:
        if (folder / name).is_symlink() or not (folder / name).is_file():
            raise NeedsAttention(f"{name} is a link or no file; it is not followed")
    return [folder / name for name in wanted]


def read_notebook(path: Path) -> Any:
    """The notebook in today's format.

    Raises:
        NeedsAttention: it is no notebook; the message says why.
    """
    size = path.stat().st_size
    if size > MAX_NOTEBOOK_BYTES:
        raise NeedsAttention(
            f"{path.name} has {size / 2**20:.0f} MB; at most {MAX_NOTEBOOK_BYTES / 2**20:.0f} MB are read"
        )
    if size == 0:
        raise NeedsAttention(f"{path.name} is empty")
    try:
        text = path.read_text(encoding="utf-8-sig")
        if (cells := text.count('"cell_type"')) > MAX_CELLS:
            raise NeedsAttention(f"{path.name} has {cells} cells; at most {MAX_CELLS} are read")
        content = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise NeedsAttention(f"{path.name} is not a notebook: {error}") from None
    except RecursionError:
        raise NeedsAttention(f"{path.name} is nested too deeply to be a notebook") from None
    if not isinstance(content, dict) or not isinstance(content.get("nbformat"), int):
        raise NeedsAttention(f"{path.name} is not a notebook: it has no 'nbformat'")
    if (count := simplify(content)) > MAX_CELLS:
        raise NeedsAttention(f"{path.name} has {count} cells; at most {MAX_CELLS} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of missing and doubled cell ids, which are mended right here
            notebook = nbformat.reads(unicode(json.dumps(content, ensure_ascii=False)), as_version=4)
            number_cells(notebook)
        nbformat.validate(notebook)
    except Exception as error:
        raise NeedsAttention(f"{path.name} is not a valid notebook: {str(error)[:300]}") from None
    for kind, most in MAX_CHARACTERS.items():
        length = sum(len(IMAGE.sub("", cell.source)) for cell in notebook.cells if cell.cell_type == kind)
        if length > most:
            raise NeedsAttention(f"{path.name} has {length} characters in {kind} cells; at most {most} are read")
    return notebook


def simplify(content: dict[str, Any]) -> int:
    """Drop what grading does not read: nbformat takes hours to validate what can stand there. Returns the cell count.

    Saved outputs are dropped anyway. Cells can be in worksheets, as in format 3.
    """
    sheets = content.get("worksheets")
    places = [content, *(sheets if isinstance(sheets, list) else [])]
    count = 0
    for place in places:
        cells = place.get("cells") if isinstance(place, dict) else None
        for cell in cells if isinstance(cells, list) else []:
            count += 1
            if not isinstance(cell, dict):
                continue
            if isinstance(cell.get("outputs"), list):
                cell["outputs"] = []
            if isinstance(attached := cell.get("attachments"), dict):
                cell["attachments"] = dict(islice(attached.items(), MAX_ATTACHMENTS))
            if isinstance(metadata := cell.get("metadata"), dict):
                cell["metadata"] = {"nbgrader": metadata["nbgrader"]} if "nbgrader" in metadata else {}
    return count


def unicode(text: str) -> str:
    """The text without halves of characters, which JSON can have and a file cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def submission_digest(root: str, assignment: str, student: str) -> str:
    """Changes when the submission changes."""
    directory = course_directory(root)
    folder = Path(directory.format_path(directory.submitted_directory, student, assignment))
    return files_digest(p for p in sorted(folder.rglob("*")) if p.is_file() and not p.is_symlink())


@cache
def course_digest(root: str, assignment: str) -> str:
    """Changes when anything changes that the grading of the assignment depends on."""
    directory = course_directory(root)
    source = Path(directory.format_path(directory.source_directory, ".", assignment))
    package = Path(assignments.__file__).parents[1]
    code = [
        p
        for part in ("checking", "engine", "worker", f"assignments/{assignment}")
        for p in (package / part).glob("*.py")
    ]
    return files_digest([*sorted(source.rglob("*")), *sorted(code), Path(root, CONFIG_FILE)])


def files_digest(paths: Any) -> str:
    """Changes when a file's name or content does."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file() and "__pycache__" not in path.parts:
            size = path.stat().st_size
            content = path.read_bytes() if size <= MAX_FILE_BYTES else str(size).encode()  # such a file is not read
            digest.update(os.fsencode(path.name) + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()
