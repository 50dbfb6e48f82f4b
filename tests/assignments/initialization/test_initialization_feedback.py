"""What students read when their depth is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.assignments.initialization import hidden_tests
from course_lib.checking import CheckFailure
from course_lib.engine.proxy import LoopbackPeer, Student


@pytest.mark.parametrize(
    ("answer", "sigma2", "expected", "words"),
    [
        (8, 0.03, 9, "after 8 layers the signal is still inside: q = 0.3^8 = 6.561e-5"),
        (10, 0.03, 9, "the signal is outside earlier: q = 0.3^9 = 1.968e-5 after 9 layers"),
        (-1, 0.03, 9, "r = 0.3 is not 1"),
        (10**300, 0.03, 9, "outside much earlier"),
        (7, 0.1, -1, "neither fades nor grows"),
        (9, 0.03, 9, None),
    ],
)
def test_a_wrong_depth_is_answered_with_the_power_that_shows_it(answer, sigma2, expected, words):
    student = Student(LoopbackPeer({"depth_until_underflow": lambda width, sigma2, dtype: answer}))
    call = (student, 20, sigma2, np.float16, expected)
    if words is None:
        hidden_tests.assert_depth(*call)
        return
    with pytest.raises(CheckFailure) as caught:
        hidden_tests.assert_depth(*call)
    assert words in caught.value.message
    assert "float16 go from 6.104e-05 to 6.55e+04" in caught.value.message or answer == -1 or expected == -1
