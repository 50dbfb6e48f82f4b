"""Hidden tests of backprop: one class per question, one ``@check`` per property."""

from __future__ import annotations

import numpy as np
from hypothesis import given

from course_lib.assignments.backprop import reference, strategies
from course_lib.checking import as_tuple, assert_arguments_unchanged, assert_close, assert_float64, check
from course_lib.checking.adapters import as_numpy

toy_backward = as_numpy(reference.toy_backward)

# A dozen products and sums of numbers below 1e3 in float64: errors below 1e-12 relative to the largest
# intermediate, which cancellation can make larger than the result. 1e-9 is three orders above that.
EXACT = {"rtol": 1e-9, "atol": 1e-9}


class TestToyBackward:
    @check("returns two float64 arrays of shape (4,) and leaves its arguments as they were", examples=5)
    @given(network=strategies.toy_networks())
    def test_form(self, student, network):
        gradients = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        for name, gradient in zip(("dbeta", "domega"), gradients, strict=True):
            assert_float64(gradient, (4,), name=name)
        assert_arguments_unchanged(student)

    @check("the gradients of the biases", points=2)
    @given(network=strategies.toy_networks())
    def test_bias_gradients(self, student, network):
        dbeta, _ = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        assert_close(dbeta, toy_backward(*network)[0], name="dbeta", **EXACT)

    @check("the gradients of the weights", points=2)
    @given(network=strategies.toy_networks())
    def test_weight_gradients(self, student, network):
        _, domega = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        assert_close(domega, toy_backward(*network)[1], name="domega", **EXACT)

    @check("no gradient passes a dead unit")
    def test_dead_unit(self, student):
        beta, omega = np.array([-1.0, 0.5, 0.5, 0.5]), np.array([0.5, 1.0, 1.0, 1.0])
        dbeta, domega = as_tuple(student.toy_backward(1.0, 0.0, beta, omega), "dbeta", "domega")
        assert_close(dbeta[:1], [0.0], rtol=0, name="dbeta[0]")
        assert_close(domega[:1], [0.0], rtol=0, name="domega[0]")
