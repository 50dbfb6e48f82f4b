"""Puts submissions in place: copies files from a folder of submissions into ``submitted/``, and trusts no path."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from course_lib.engine.gradebook import replace_folder
from course_lib.engine.submission import assignments_of, course_directory, printable

STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,99}")


def collect_submissions(folder: Path, root: Path) -> Iterator[str]:
    """Copy ``folder/<student>/<assignment>/`` to ``submitted/<student>/<assignment>/``; yields what is worth saying.

    Links are not followed, other kinds of files than plain ones are left out, and a submission that is already there is
    replaced. Whatever is not copied is named.
    """
    directory = course_directory(str(root))
    known = assignments_of(str(root))
    count = 0
    for student in sorted(folder.iterdir()):
        if student.is_symlink() or not student.is_dir():
            yield left_out(student, "not in a folder <student>/<assignment>/; zip files must be unpacked")
            continue
        if not STUDENT_ID.fullmatch(student.name):
            yield left_out(student, "not a student id (letters, digits, '_', '.', '@', '-'); rename the folder")
            continue
        for assignment in sorted(student.iterdir()):
            if assignment.is_symlink() or not assignment.is_dir():
                yield left_out(assignment, "not in a folder <student>/<assignment>/; zip files must be unpacked")
            elif assignment.name not in known:
                yield left_out(assignment, f"no such assignment in source/, which has {', '.join(known) or 'none'}")
            else:
                target = Path(directory.format_path(directory.submitted_directory, student.name, assignment.name))
                try:
                    skipped = replace_copy(assignment, target)
                except OSError as error:
                    yield left_out(assignment, f"{error}; what was there before is kept")
                    continue
                for path in skipped:
                    yield left_out(path, "a link, or no plain file")
                count += 1
    yield f"collected {count} submissions"


def left_out(path: Path, why: str) -> str:
    """What to say of a file or folder that is not copied."""
    return printable(f"left out {path}: {why}")


def replace_copy(source: Path, target: Path) -> list[Path]:
    """Put a copy of ``source`` in the place of ``target``, in one step. Returns what was left out."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        os.chmod(staging, 0o755)  # noqa: S103 (as mkdir makes it)
        skipped = copy_plain_files(source, staging)
        replace_folder(staging, target)
    except OSError:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return skipped


def copy_plain_files(source: Path, target: Path) -> list[Path]:
    """Copy the plain files of a folder and its folders. Returns what was left out."""
    skipped = []
    for path in sorted(source.iterdir()):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            skipped.append(path)
        elif path.is_dir():
            (target / path.name).mkdir()
            skipped += copy_plain_files(path, target / path.name)
        else:
            shutil.copy(path, target / path.name)
    return skipped
