"""Collecting copies plain files and nothing that could lead elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from course_lib.collect import collect_submissions


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "course"
    folder.mkdir()
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
