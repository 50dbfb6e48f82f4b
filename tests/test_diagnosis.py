"""A misconception is recognised by what it returns and what it fails, and taken for no other one."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib import assignments
from course_lib.checking.adapters import numpy_namespace
from course_lib.diagnosis import diagnose, same
from course_lib.engine.proxy import LoopbackPeer, Student

TAKEN_FOR = {
    # Alike on all inputs of the failing checks: the hint of one helps with the other.
    "sigmoid__both_branches_evaluated": "sigmoid__overflows",
    "sigmoid__through_tanh": "sigmoid__clipped",
    "top_k__sum_over_all_above_a_threshold": "top_k__gates_not_renormalised",
    "expert_capacity__rounded_to_the_nearest": "expert_capacity__rounded_down",
    # The function that is passed in fails, and what it raised is not the student's code's.
    "numerical_gradient__fn_called_with_flat_arrays": None,
}
CASES = [(name, wrong) for name in ("backprop", "moe") for wrong in assignments.load(name).misconceptions()]


@pytest.mark.parametrize(("name", "wrong"), CASES, ids=lambda case: getattr(case, "name", case))
@pytest.mark.filterwarnings("ignore")
def test_each_misconception_is_recognised(name, wrong):
    assignment = assignments.load(name)
    question = assignment.question(wrong.fails[0])
    group = assignments.groups(name)[question.id]
    right = numpy_namespace(assignment.module("reference"), question.entry_points)
    results = list(group.run(Student(LoopbackPeer({**right, wrong.entry_point: wrong.solution}))))
    found = diagnose(assignment, question, group, results)
    assert (found and found.misconception) == TAKEN_FOR.get(wrong.name, wrong.name)


def test_right_values_of_another_kind_are_not_the_same():
    assert same(4, 4)
    assert same(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-12]))
    assert not same(4, 4.0)
    assert not same(4, np.float64(4.0))
    assert not same(np.array([True, False]), np.array([1.0, 0.0]))
    assert not same(np.zeros((1, 2)), np.zeros(2))
    assert not same([[1.0, 2.0]], np.array([[1.0, 2.0]]))
    assert not same(np.zeros(2, np.float32), np.zeros(2))
    assert same(np.zeros(2, np.int32), np.zeros(2, np.int64))
    assert same((1, [2.0]), [1, (2.0,)])
