"""Verdicts of real submissions, most of them bad, for a toy question with three properties worth 1, 2 and 3 points."""

from __future__ import annotations

import pytest

from course_lib.checking.groups import Verdict
from course_lib.engine.grading import QuestionResult, grade_question

RIGHT = "import numpy as np\ndef double(x):\n    return 2 * x, x.sum()"


@pytest.fixture
def grade(run, double):
    question, group, assignment = double

    def graded(*cells: str) -> QuestionResult:
        with run(*cells) as runner:
            return grade_question(question, group, assignment, runner)

    return graded


def verdicts(result: QuestionResult) -> list[str]:
    return [p.verdict.value for p in result.properties]


def test_a_right_solution_gets_all_points(grade):
    result = grade(RIGHT)
    assert (result.score, result.points) == (6, 6)


def test_points_of_properties_add_up(grade):
    result = grade("def double(x):\n    return 2 * x, 0.0")
    assert verdicts(result) == ["accepted", "accepted", "wrong answer"]
    assert result.score == 3


def test_the_smallest_failing_input_is_shown(grade):
    result = grade("def double(x):\n    return 3 * x, x.sum()")
    twice = result.properties[1]
    assert twice.call == "double(x=array([1.]))"
    assert (twice.got, twice.expected) == ("array([3.])", "array([2.])")


def test_a_crash_in_one_property_does_not_hide_the_others(grade):
    result = grade(
        "import os\ndef double(x):\n    if len(x) == 4: os._exit(1)\n    return 2 * x, x.sum()",
    )
    assert verdicts(result) == ["accepted", "accepted", "runtime error"]
    assert "ended the kernel" in result.properties[2].message
    result = grade("import os\ndef double(x):\n    if len(x) < 4: os._exit(1)\n    return 2 * x, x.sum()")
    assert verdicts(result) == ["runtime error", "runtime error", "accepted"]


def test_a_hang_is_a_time_limit_and_the_rest_goes_on(grade):
    result = grade("def double(x):\n    while len(x) == 3: pass\n    return 2 * x, x.sum()")
    assert verdicts(result) == ["time limit", "time limit", "time limit"]
    assert "not run: 2 checks" in result.properties[2].message
    result = grade("import time\ndef double(x):\n    if len(x) == 4: time.sleep(60)\n    return 2 * x, x.sum()")
    assert verdicts(result) == ["accepted", "accepted", "time limit"]


def test_an_exception_is_a_runtime_error_with_its_name(grade):
    result = grade("def double(x):\n    return x[10], 1")
    assert verdicts(result) == ["runtime error"] * 3
    assert "IndexError" in result.properties[0].message


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["x = 1"], "double is not defined here"),
        (["def double(x):\n    raise NotImplementedError()"], "not written yet"),
        (["def double(x) return x"], "double is not defined here"),
    ],
)
def test_what_is_missing_is_called_missing(grade, cells, words):
    result = grade(*cells)
    assert verdicts(result) == ["missing"] * 3
    assert words in result.properties[0].message


@pytest.mark.parametrize(
    "value",
    ["None", "'a string'", "[0.0] * 10**6", "torch.ones(3)", "(i for i in x)", "(np.nan, np.nan)", "Equal(), Equal()"],
)
def test_bad_results_are_wrong_answers_with_a_message(grade, value):
    equal = "class Equal:\n    def __eq__(self, other): return True\n    __array__ = None"
    result = grade(f"import numpy as np, torch\n{equal}\ndef double(x):\n    return {value}")
    assert result.score <= 1, "NaN has the right form"
    for each in result.properties[1:]:
        assert each.verdict is Verdict.WRONG_ANSWER
        assert each.message


def test_results_that_change_from_call_to_call_are_wrong(grade):
    result = grade(
        "calls = 0\ndef double(x):\n    global calls\n    calls += 1\n    return (2 if calls < 12 else 9) * x, x.sum()"
    )
    assert result.properties[1].verdict is Verdict.WRONG_ANSWER


def test_arguments_changed_in_place_are_reported(grade):
    result = grade("def double(x):\n    s = x.sum()\n    x *= 2\n    return x, s")
    assert verdicts(result) == ["wrong answer", "accepted", "accepted"]
    assert "argument number 1 in place" in result.properties[0].message


@pytest.mark.parametrize("leave", ["exit()", "quit()"])
def test_a_function_that_quits_takes_nothing_else_with_it(grade, leave):
    result = grade(f"def double(x):\n    if len(x) == 4: {leave}\n    return 2 * x, x.sum()")
    assert verdicts(result) == ["accepted", "accepted", "runtime error"]
    assert result.properties[2].message == "your code raised SystemExit"


def test_a_part_that_cannot_cross_costs_its_properties_only(grade):
    result = grade("from fractions import Fraction\ndef double(x):\n    return 2 * x, Fraction(1)")
    assert verdicts(result) == ["wrong answer", "accepted", "wrong answer"]
    assert result.properties[2].message == "total must be a number, but is an object of type fractions.Fraction"


def test_a_named_tuple_is_a_tuple(grade):
    cell = "from collections import namedtuple\nPair = namedtuple('Pair', 'twice total')\n"
    assert grade(cell + "def double(x):\n    return Pair(2 * x, x.sum())").score == 6


@pytest.mark.parametrize(
    "escape",
    [
        "import hypothesis; hypothesis.reject()",
        "import hypothesis; hypothesis.assume(False)",
        "import pytest; pytest.skip('no')",
        "from hypothesis.errors import StopTest; raise StopTest(0)",
        "from unittest import SkipTest; raise SkipTest",
        "raise SystemExit(0)",
        "raise KeyboardInterrupt",
        "raise GeneratorExit",
        "exit()",
    ],
)
def test_no_exception_of_a_students_code_ends_a_test_as_passed(grade, escape):
    result = grade(f"def double(x):\n    {escape}")
    assert result.score == 0
    assert all(v in ("runtime error", "wrong answer") for v in verdicts(result))


def test_grading_twice_gives_the_same(grade):
    wrong = "def double(x):\n    return x + 1, x.sum() - (len(x) > 2)"
    assert grade(wrong).as_dict() == grade(wrong).as_dict()
