"""Collecting copies plain files and nothing that could lead elsewhere."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

from course_lib.collect import collect_submissions


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "course"
    (folder / "source" / "backprop").mkdir(parents=True)
    (folder / "source" / "optimizers").mkdir()
    (folder / "nbgrader_config.py").write_text("c = get_config()\n")
    return folder


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def test_plain_files_arrive_and_old_ones_are_replaced(root, tmp_path):
    for round_ in ("first", "second"):
        source = tmp_path / round_ / "student-01" / "backprop"
        (source / "data").mkdir(parents=True)
        (source / "backprop.ipynb").write_text(round_)
        (source / "data" / f"{round_}.csv").write_text("1")
        assert list(collect_submissions(tmp_path / round_, root)) == ["collected 1 submissions"]
    there = root / "submitted" / "student-01" / "backprop"
    assert files(there) == {"backprop.ipynb", "data/second.csv"}
    assert (there / "backprop.ipynb").read_text() == "second"


def test_links_pipes_and_odd_names_are_left_out_and_named(root, tmp_path):
    (tmp_path / "secret").write_text("canary")
    work = tmp_path / "in" / "student-01" / "backprop"
    work.mkdir(parents=True)
    (work / "notebook.ipynb").symlink_to(tmp_path / "secret")
    (work / "folder").symlink_to(tmp_path)
    os.mkfifo(work / "pipe")
    for name in ("..student", ".hidden", "a b", "-rf", "x" * 200):
        (tmp_path / "in" / name / "backprop").mkdir(parents=True)
    (tmp_path / "in" / "linked").symlink_to(work.parent)
    said = "\n".join(collect_submissions(tmp_path / "in", root))
    assert files(root / "submitted") == set()
    for name in ("notebook.ipynb", "folder", "pipe", "..student", ".hidden", "a b", "-rf", "linked"):
        assert name in said


def test_what_lies_in_the_wrong_place_is_named(root, tmp_path):
    downloads = tmp_path / "in"
    (downloads / "student-01" / "backrop").mkdir(parents=True)
    (downloads / "student-01" / "optimizers").mkdir()
    (downloads / "student-01" / "backprop.ipynb").write_text("{}")
    (downloads / "student-02.ipynb").write_text("{}")
    with zipfile.ZipFile(downloads / "student-03.zip", "w") as archive:
        archive.writestr("backprop.ipynb", "{}")
    said = list(collect_submissions(downloads, root))
    assert said[-1] == "collected 1 submissions"
    text = "\n".join(said)
    assert f"left out {downloads}/student-01/backrop: no such assignment" in text
    assert "backprop, optimizers" in text
    for name in ("student-01/backprop.ipynb", "student-02.ipynb", "student-03.zip"):
        assert f"left out {downloads / name}: not in a folder <student>/<assignment>/" in text


def test_a_submission_that_cannot_be_copied_leaves_the_old_one_and_the_others_go_on(root, tmp_path, monkeypatch):
    for student in ("student-01", "student-02"):
        source = tmp_path / "in" / student / "backprop"
        source.mkdir(parents=True)
        (source / "backprop.ipynb").write_text("first")
    list(collect_submissions(tmp_path / "in", root))
    copy = shutil.copy

    def failing(source, target):
        if "student-01" in str(source):
            raise PermissionError(13, "Permission denied", str(source))
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy", failing)
    for path in (tmp_path / "in").rglob("*.ipynb"):
        path.write_text("second")
    said = list(collect_submissions(tmp_path / "in", root))
    assert "Permission denied" in said[0]
    assert said[-1] == "collected 1 submissions"
    there = {str(p.relative_to(root / "submitted")): p.read_text() for p in root.glob("submitted/**/*.ipynb")}
    assert there == {"student-01/backprop/backprop.ipynb": "first", "student-02/backprop/backprop.ipynb": "second"}
    assert files(root / "submitted") == set(there)
