"""The one place that writes grades: a graded submission into the gradebook and the autograded folder.

Only the process that runs the batch imports this, so a gradebook has one writer. Uses nbgrader's own steps
(SaveAutoGrades, AssignLatePenalties, ...), so a grade means the same as after ``nbgrader autograde``; manual grades are
not touched.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.coursedir import CourseDirectory

from course_lib.engine import submission
from course_lib.engine.errors import NeedsAttention
from course_lib.engine.preprocessor import RECORD
from course_lib.engine.submission import Graded
from course_lib.problem import Problem


class GradebookWriter:
    """Saves graded submissions. Use it as a context.

    Raises (on entry):
        Problem: the assignment is not in the gradebook; the message says how to release it.
    """

    def __init__(self, root: str, assignment: str) -> None:
        self.root, self.assignment = root, assignment
        self.directory: CourseDirectory = submission.course_directory(root)

    def __enter__(self) -> GradebookWriter:
        self.gradebook = Gradebook(self.directory.db_url, self.directory.course_id)
        try:
            self.gradebook.find_assignment(self.assignment)
        except MissingEntry:
            self.gradebook.close()
            raise Problem(
                f"the gradebook does not know the assignment {self.assignment!r}; "
                f"run 'course release {self.assignment}' first"
            ) from None
        return self

    def __exit__(self, *_: object) -> None:
        self.gradebook.close()

    def autograded(self, student: str) -> Path:
        return Path(self.directory.format_path(self.directory.autograded_directory, student, self.assignment))

    def record(self, student: str) -> dict[str, Any]:
        """The stored record of a graded submission. Raises OSError or ValueError if there is none."""
        record: dict[str, Any] = json.loads((self.autograded(student) / RECORD).read_text(encoding="utf-8"))
        return record

    def is_unchanged(self, student: str) -> bool:
        """The submission, the tests and the assignment are what they were when it was graded."""
        try:
            record = self.record(student)
            self.gradebook.find_submission(self.assignment, student)
        except (OSError, ValueError, MissingEntry):
            return False
        return bool(record.get("digests") == self.digests(student))

    def digests(self, student: str) -> list[str]:
        return [
            submission.submission_digest(self.root, self.assignment, student),
            submission.course_digest(self.root, self.assignment),
        ]

    def save(self, graded: Graded) -> dict[str, Any]:
        """Store grades and files. The record is written last, in one step: without it the submission is graded again.

        Returns:
            The record as stored.
        """
        student = graded.job.student
        self.gradebook.update_or_create_student(student)
        extra = {}
        with suppress(NeedsAttention):  # then this is the reason with which it was graded
            if timestamp := submission.handed_in(self.directory, student, self.assignment):
                extra["timestamp"] = timestamp
        self.gradebook.update_or_create_submission(self.assignment, student, **extra)
        final = self.autograded(student)
        final.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{self.assignment}-", dir=final.parent))
        try:
            if graded.notebooks:
                submission.stage_files(self.directory, student, self.assignment, staging)
            for name, text in graded.notebooks.items():
                nbformat.write(self._save_grades(graded, name, text), staging / f"{name}.ipynb")
            self._note(graded)
            record = {
                "assignment": self.assignment,
                "questions": [],
                **graded.record,
                "student": student,
                "status": graded.status,
                "reason": graded.reason,
                "digests": self.digests(student),
            }
            text = json.dumps(record, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
            (staging / RECORD).write_text(text, encoding="utf-8")
            os.chmod(staging, 0o755)  # noqa: S103 (as nbgrader leaves it)
            replace_folder(staging, final)
        except BaseException:
            self.gradebook.db.rollback()
            shutil.rmtree(staging, ignore_errors=True)
            raise
        return record

    def _save_grades(self, graded: Graded, name: str, text: str) -> Any:
        resources = {
            "nbgrader": {
                "student": graded.job.student,
                "assignment": self.assignment,
                "notebook": name,
                "db_url": self.directory.db_url,
            }
        }
        config = submission.config_of(graded.job)
        saving = submission.preprocessors(config)[2]
        notebook, _ = submission.apply(saving, nbformat.reads(text, as_version=4), resources, config)
        return notebook

    def _note(self, graded: Graded) -> None:
        """Mark a submission that could not be graded for manual grading, with the reason in its comments."""
        if graded.status == "graded":
            return
        for notebook in self.gradebook.find_submission(self.assignment, graded.job.student).notebooks:
            for grade in notebook.grades:
                if grade.manual_score is None:
                    grade.needs_manual_grade = True
            for comment in notebook.comments:
                comment.auto_comment = f"Needs attention: {graded.reason}"
        self.gradebook.db.commit()


def replace_folder(new: Path, final: Path) -> None:
    """Put ``new`` in the place of ``final``. After a crash in between, the old one or the new one lies beside it."""
    old = None
    if final.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent)) / "old"
        os.rename(final, old)
    os.rename(new, final)
    if old is not None:
        shutil.rmtree(old.parent, ignore_errors=True)
