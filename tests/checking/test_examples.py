"""The examples of a property: the same for every student, and for the search for the smallest failing one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from course_lib.checking import check, fail
from course_lib.checking.groups import Property
from course_lib.engine.proxy import LoopbackPeer, Student


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


def test_the_examples_are_the_same_in_every_process():
    assert Property(Group, "test_one").examples() == Property(Group, "test_one").examples()
