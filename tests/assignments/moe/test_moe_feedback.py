"""What students read when their mixture of experts is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib import assignments, verify
from course_lib.assignments.moe import hidden_tests, misconceptions
from course_lib.checking import CheckFailure, fail
from course_lib.checking.groups import Verdict


def feedback(wrong):
    moe = assignments.load("moe")
    namespace = {**verify.reference_namespace(moe), wrong.entry_point: wrong.solution}
    (question,) = wrong.fails
    results = verify.run_group(assignments.groups("moe")[question], namespace)
    return {r.name: r for r in results if r.verdict is not Verdict.ACCEPTED}


def test_a_wrong_output_comes_with_the_way_of_the_token():
    X, G = np.array([[1.0, 0.0]]), np.log([[3.0, 1.0], [1.0, 1.0]])
    one, two = ((np.zeros((1, 2)), np.zeros(1), np.zeros((2, 1)), np.array([c, -c])) for c in (1.0, 2.0))
    assert hidden_tests.visits(X, G, [one, two], 2) == (
        "Token 0 visits expert 0 (gate 0.75, output (1, -1)), then expert 1 (gate 0.25, output (2, -2))"
    )
    found = feedback(misconceptions.moe_forward__assigned_not_added)["test_several"]
    assert "Token 0 visits expert" in found.message


def test_a_wrong_loss_comes_with_its_factors():
    P, indices = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]]), np.array([[0], [1]])
    assert hidden_tests.fractions(P, indices) == "Here f = (0.5, 0.5, 0) and P̄ = (0.5, 0.25, 0.25)"
    assert "Here f = (" in feedback(misconceptions.load_balancing_loss__f_not_divided_by_k)["test_several"].message


def test_a_wrong_dispatch_comes_with_the_queue_of_a_full_expert():
    queue = (np.array([[0, 1], [1, 0], [1, 0]]), 2, 2)
    assert hidden_tests.queue_of_the_first_full_expert(*queue) == (
        "Expert 0 has places for 2, and in this order it is asked for by "
        "token 0's choice 0, token 1's choice 1, token 2's choice 1"
    )
    found = feedback(misconceptions.dispatch__second_choices_before_first)["test_several_choices"]
    assert found.message.startswith("keep is wrong in ")
    assert "in this order it is asked for by" in found.message


def test_a_wrong_capacity_comes_with_the_number_before_rounding():
    found = feedback(misconceptions.expert_capacity__rounded_down)["test_rounded_capacity"]
    assert "Here factor · k · T / E = " in found.message


def test_an_overflow_is_not_taken_for_an_expert_that_was_run():
    found = feedback(misconceptions.moe_forward__softmax_overflows)
    assert "No weight is NaN here, but the scores reach from" in found["test_unused_experts"].message
    found = feedback(misconceptions.moe_forward__runs_every_expert)
    assert "only the weights of experts that no token chose" in found["test_unused_experts"].message


def test_only_failures_are_explained():
    def never() -> str:
        raise AssertionError("nothing failed")

    with hidden_tests.explained(never):
        pass
    with pytest.raises(CheckFailure, match=r"Y is wrong\. It was 3"), hidden_tests.explained(lambda: "It was 3"):
        fail("Y is wrong")
