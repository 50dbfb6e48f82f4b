"""What the form properties of the optimizers let pass and what they do not."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.assignments.optimizers.hidden_tests import adam_step, assert_computed
from course_lib.checking.assertions import CheckFailure

ANY = np.full(1, np.nan)


def test_a_sum_that_cancels_is_zero_or_almost():
    """m = 0.8 · (−¼) + 0.2 · 1, where 1 − 0.8 is not quite 0.2."""
    one = np.ones(1)
    expected = adam_step(one, one, -one / 4, one, 2, 0.1, 0.8, 0.2, 1e-12)[1]
    assert 0 < abs(expected[0]) < 1e-16
    assert_computed(np.zeros(1), expected, ANY, name="m")
    assert_computed(np.zeros(1), expected, np.zeros(1), name="m")


def test_nothing_computed_is_seen():
    with pytest.raises(CheckFailure, match="all zeros"):
        assert_computed(np.zeros(1), np.full(1, 1e-6), ANY, name="m")
    with pytest.raises(CheckFailure, match="same as before"):
        assert_computed(np.ones(1), np.full(1, 1 + 1e-6), np.ones(1), name="w")
