"""The rare inputs of optimizers do come up among the examples that count."""

from __future__ import annotations

import numpy as np

from course_lib import assignments
from course_lib.assignments.optimizers.hidden_tests import gradient_of


def examples(question, name):
    """The inputs that every student's code is tried on."""
    prop = next(p for p in assignments.groups("optimizers")[question].properties if p.name == name)
    return [next(iter(inputs.values())) for inputs in prop.examples()]


def test_some_paths_start_almost_in_the_minimum_and_some_far_from_it():
    slopes = [np.abs(gradient_of(a, c)(w0)).max() for a, c, w0, *_ in examples("gradient_descent", "test_path")]
    assert min(slopes) < 1e-4
    assert max(slopes) > 1e5


def test_some_averages_are_zero_and_some_gradients_large():
    for name in ("test_average", "test_parameters"):
        states = examples("rmsprop_step", name)
        assert any((v == 0).all() for _, _, v, *_ in states)
        assert any((np.abs(g) > 1000).all() for _, g, *_ in states)


def test_adam_is_tried_long_after_its_start_and_adamw_for_many_steps():
    assert any(t == 3000 and gamma == 0.999 for *_, t, _, _, gamma, _ in examples("adam_step", "test_parameters"))
    assert any(len(grads) == 8 for _, _, grads in examples("adamw", "test_one_array"))
