"""The sample class: what stands in examples/ is what its maker makes, of the kinds that a demo needs."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat

from course_lib import assignments
from course_lib.engine.forbidden import code_of
from course_lib.engine.preprocessor import grade_id
from examples.make_submissions import TARGET, read, with_shortcut, write_class


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_sample_class_is_what_its_maker_makes(tmp_path):
    write_class(tmp_path / "class")
    made, there = files(tmp_path / "class"), files(TARGET)
    changed = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    assert changed == [], "run 'python -m examples.make_submissions' and commit examples/"


def test_the_shortcut_of_the_optimizers_is_one_and_that_of_backprop_is_none(tmp_path):
    found = {}
    for name in ("backprop", "optimizers"):
        questions = assignments.load(name).questions
        notebook, source = (nbformat.reads(json.dumps(n), 4) for n in (with_shortcut(name), read("source", name)))
        code = code_of(notebook, source, tmp_path, set(), questions)
        places = {grade_id(cell): number for number, cell in enumerate(notebook.cells)}
        found[name] = [q.id for q in questions if code.search(q, places[q.id]).found]
    assert found == {"backprop": [], "optimizers": ["adamw"]}
