"""The examples of a property: the same for every student, and for the search for the smallest failing one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from course_lib.checking import check, fail
from course_lib.checking.groups import Property
from course_lib.engine.proxy import LoopbackPeer, Student

REPOSITORY = Path(__file__).parents[2]


class Group:
    @check("is not the number that is out", examples=10)
    @given(number=st.integers(0, 10**6))
    def test_one(self, student, number):
        if student.double(number) == 2 * Group.out:
            fail("this one")

    @check("the same inputs", examples=10)
    @given(number=st.integers(0, 10**6))
    def test_two(self, student, number):
        student.double(number)

    out = -1


def student():
    return Student(LoopbackPeer({"double": lambda number: 2 * number}))


def test_the_search_tries_the_examples_that_were_drawn():
    prop = Property(Group, "test_one")
    numbers = [example["number"] for example in prop.examples()]
    try:
        for number in numbers:
            Group.out = number
            assert prop.smallest_failure(student()) is not None
    finally:
        Group.out = -1
    assert prop.smallest_failure(student()) is None


def test_two_properties_draw_different_examples():
    one, two = ([e["number"] for e in Property(Group, name).examples()] for name in ("test_one", "test_two"))
    assert one != two


DRAW = """
import hashlib, sys
sys.path[:0] = sys.argv[1:3]
import crowded
from course_lib import assignments
if crowded.NUMBERS:
    [assignments.load(name).misconceptions() for name in assignments.NAMES]
for group in assignments.groups("backprop").values():
    for prop in group.properties:
        print(prop.name, hashlib.sha256(repr(prop.examples()).encode()).hexdigest())
"""


def test_the_examples_are_the_same_in_every_process(tmp_path):
    """Whatever was loaded or graded before: Hypothesis by itself also draws numbers that it finds in loaded code."""
    drawn = []
    for numbers in ((), range(2, 40)):
        folder = tmp_path / str(len(numbers))
        folder.mkdir()
        (folder / "crowded.py").write_text(f"NUMBERS = [{', '.join(map(str, numbers))}]\n")
        command = [sys.executable, "-c", DRAW, str(folder), str(REPOSITORY)]
        drawn.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())
    assert len(drawn[0]) > 20
    assert [(a, b) for a, b in zip(*drawn, strict=True) if a != b] == []
