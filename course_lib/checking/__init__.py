"""What the hidden tests of all assignments share: test groups, assertions, gradients, strategies, statistics."""

from course_lib.checking.assertions import (
    CheckFailure,
    as_array,
    as_integer,
    as_list,
    as_tuple,
    assert_arguments_unchanged,
    assert_close,
    assert_equal,
    assert_float64,
    assert_no_warnings,
    assert_raises,
    fail,
)
from course_lib.checking.groups import check
from course_lib.checking.model import Assignment, Misconception, Question, misconception

__all__ = [
    "Assignment",
    "CheckFailure",
    "Misconception",
    "Question",
    "as_array",
    "as_integer",
    "as_list",
    "as_tuple",
    "assert_arguments_unchanged",
    "assert_close",
    "assert_equal",
    "assert_float64",
    "assert_no_warnings",
    "assert_raises",
    "check",
    "fail",
    "misconception",
]
