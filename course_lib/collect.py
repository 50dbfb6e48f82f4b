"""Puts submissions in place: copies files from a folder of submissions into ``submitted/``, and trusts no path."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from course_lib.engine.submission import course_directory

STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")


def collect_submissions(folder: Path, root: Path) -> Iterator[str]:
    """Copy ``folder/<student>/<assignment>/`` to ``submitted/<student>/<assignment>/``; yields what is worth saying.

    Links are not followed, other kinds of files than plain ones are left out, and a submission that is already there is
    replaced.
    """
    directory = course_directory(str(root))
    count = 0
    for student in sorted(p for p in folder.iterdir() if p.is_dir()):
        if student.is_symlink() or not STUDENT_ID.fullmatch(student.name):
            yield f"left out {student.name!r}: not a student id (letters, digits, '_', '.', '@', '-')"
            continue
        for assignment in sorted(p for p in student.iterdir() if p.is_dir() and not p.is_symlink()):
            target = Path(directory.format_path(directory.submitted_directory, student.name, assignment.name))
            if target.exists():
                shutil.rmtree(target)
            target.mkdir(parents=True)
            for left_out in copy_plain_files(assignment, target):
                yield f"left out {left_out}: a link, or no plain file"
            count += 1
    yield f"collected {count} submissions"


def copy_plain_files(source: Path, target: Path) -> list[Path]:
    """Copy the plain files of a folder and its folders. Returns what was left out."""
    left_out = []
    for path in sorted(source.iterdir()):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            left_out.append(path)
        elif path.is_dir():
            (target / path.name).mkdir()
            left_out += copy_plain_files(path, target / path.name)
        else:
            shutil.copy(path, target / path.name)
    return left_out
