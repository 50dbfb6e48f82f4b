"""Curves for the feedback: in order, drawn without fail, and the same bytes each time."""

from __future__ import annotations

import numpy as np

from course_lib.checking.curves import show_curves
from course_lib.checking.groups import Group, check
from course_lib.engine.grading import QuestionResult
from course_lib.engine.proxy import LoopbackPeer, Student
from course_lib.report.feedback import render_question
from course_lib.report.figures import data_uri


class TestWave:
    __test__ = False

    @check("a curve")
    def test_curve(self, student):
        yours = [student.wave(x) for x in (3.0, 1.0, 2.0)]
        show_curves(student, [3, 1, 2], yours, [9, 1, 4], xlabel="x", ylabel="y")

    @check("no curve")
    def test_none(self, student):
        student.wave(1.0)


def results(wave):
    return list(Group("wave", TestWave, {}).run(Student(LoopbackPeer({"wave": wave}))))


def test_curves_are_sorted_and_belong_to_the_property_that_measured_them():
    measured, other = results(lambda x: x**2)
    np.testing.assert_array_equal(measured.curves.x, [1, 2, 3])
    np.testing.assert_array_equal(measured.curves.yours, measured.curves.reference)
    assert other.curves is None


def test_the_feedback_shows_them_and_the_record_does_not_keep_them():
    result = QuestionResult("wave", "a wave", results(lambda x: x + 1))
    page = render_question(result)
    assert page.count("data:image/png;base64,") == 1
    assert "curves" not in str(result.as_dict())


def test_the_image_is_the_same_each_time_and_survives_what_is_no_number():
    first, again = (data_uri(results(lambda x: x**2)[0].curves) for _ in range(2))
    assert first == again
    assert data_uri(results(lambda x: float("nan") if x > 1 else float("inf"))[0].curves).startswith("data:image/png")
