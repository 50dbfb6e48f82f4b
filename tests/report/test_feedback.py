"""A question's verdicts as HTML: what a student sees of each check, and what a student never sees."""

from __future__ import annotations

import re

import pytest

from course_lib.checking.groups import PropertyResult, Verdict
from course_lib.diagnosis import Diagnosis
from course_lib.engine.grading import QuestionResult
from course_lib.report.feedback import format_points, render_question
from course_lib.report.safe import safe_html

GOOD = PropertyResult("test_form", "the form", 1, Verdict.ACCEPTED)
WRONG = PropertyResult(
    "test_values",
    "the values",
    2,
    Verdict.WRONG_ANSWER,
    call="double(x=array([1.]))",
    message="double(x) is 3",
    got="3.0",
    expected="2.0",
)
MISSING = "double is not defined"
HINT = Diagnosis("double__triples", "Twice is three times.", "Count again.")


def page(*properties: PropertyResult, diagnosis: Diagnosis | None = None) -> str:
    """The HTML as it reaches a feedback page."""
    return safe_html(render_question(QuestionResult("double", "twice", list(properties), diagnosis)))


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_miss_shows_the_verdict_the_smallest_input_got_and_expected():
    shown = text(page(GOOD, WRONG))
    assert "twice : 1 of 3 points. 1 of 2 checks missed." in shown
    assert "✓ the form 1 / 1" in shown
    assert (
        "✗ the values Wrong answer : double(x) is 3 Smallest input found that shows it: double(x=array([1.])) "
        "Got: 3.0 Expected: 2.0 0 / 2" in shown
    )


def test_full_marks_are_said_in_words_too():
    shown = text(page(GOOD))
    assert "1 of 1 points. All 1 checks passed." in shown
    assert "✗" not in shown


def test_the_hint_is_shown_and_the_name_of_the_misconception_and_of_the_test_are_not():
    html = page(GOOD, WRONG, diagnosis=HINT)
    assert "Hint: Count again." in text(html)
    assert "triples" not in html
    assert "Twice is three times" not in html
    assert "test_" not in html
    assert "Hint" not in page(GOOD, WRONG)


@pytest.mark.parametrize("verdict", [Verdict.MISSING, Verdict.FORBIDDEN, Verdict.RUNTIME_ERROR, Verdict.MEMORY_LIMIT])
def test_one_cause_for_all_that_is_lost_is_told_once(verdict):
    lost = [PropertyResult(f"test_{n}", f"part {n}", 1, verdict, message=MISSING) for n in range(4)]
    shown = text(page(GOOD, *lost))
    assert shown.count(MISSING) == 1
    assert f"{verdict.capitalize()} : {MISSING}" in shown
    assert shown.count("✗") == 4


def test_different_causes_are_told_where_they_belong():
    slow = PropertyResult("test_1", "one", 1, Verdict.TIME_LIMIT, call="double(x=1)", message="took more than 3 s")
    skipped = PropertyResult("test_2", "two", 1, Verdict.TIME_LIMIT, message="not run")
    shown = text(page(slow, skipped))
    assert "✗ one Time limit : took more than 3 s Smallest input found that shows it: double(x=1)" in shown
    assert "✗ two Time limit : not run 0 / 1" in shown


def test_wrong_answers_are_each_shown_even_if_they_say_the_same():
    assert text(page(WRONG, WRONG)).count("Got: 3.0") == 2


def test_what_a_function_that_is_missing_was_called_with_does_not_matter():
    lost = PropertyResult("test_1", "one", 1, Verdict.MISSING, call="double(x=1)", message=MISSING)
    assert "double(x=1)" not in page(lost)


def test_everything_is_escaped():
    evil = "<script>alert(1)</script>"
    lost = PropertyResult("t", "one", 1, Verdict.WRONG_ANSWER, call=evil, message=evil, got=evil, expected=evil)
    html = render_question(QuestionResult("double", "twice", [lost]))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


def test_colour_is_never_the_only_sign():
    html = page(GOOD, WRONG)
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)
    assert [("✓" in row, "✗" in row) for row in rows] == [(True, False), (False, True)]


@pytest.mark.parametrize(("value", "shown"), [(3.0, "3"), (2.5, "2.5"), (1 / 3, "0.33"), (0, "0"), (100.0, "100")])
def test_points_have_no_needless_zeros(value, shown):
    assert format_points(value) == shown
