"""Hidden tests against known solutions: what is read from the notebooks, and that each kind of problem is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from course_lib import assignments, verify
from course_lib.verify import Accepted, check_misconception, failed, failed_properties, not_needed

REPOSITORY = Path(__file__).parents[1]
ASSIGNMENT = assignments.load("backprop")
NOTEBOOK = REPOSITORY / "source" / "backprop" / "backprop.ipynb"
QUESTIONS = {question.id for question in ASSIGNMENT.questions}


@pytest.fixture(scope="module")
def right():
    return verify.notebook_namespace(NOTEBOOK)


@pytest.fixture(scope="module")
def wrong():
    """The misconception that ReLU has slope 1 at 0."""
    return next(m for m in ASSIGNMENT.misconceptions() if m.name == "relu_grad__one_at_the_kink")


def test_the_notebook_gives_solutions_and_visible_checks_of_every_question(right):
    assert verify.solution_cells(NOTEBOOK).keys() == verify.visible_checks(NOTEBOOK).keys() == QUESTIONS
    assert all(name in right for question in ASSIGNMENT.questions for name in question.entry_points)
    assert right["checks"].__file__ == str(NOTEBOOK.parent / "checks.py")


def test_the_reference_passes_every_group():
    namespace = verify.reference_namespace(ASSIGNMENT)
    for group in assignments.groups("backprop").values():
        assert failed(verify.run_group(group, namespace)) == failed_properties(group, namespace) == frozenset()


def test_a_misconception_that_is_as_declared_is_no_problem(right, wrong):
    row = check_misconception(ASSIGNMENT, wrong, right)
    assert row.problems == []
    assert row.results.keys() == QUESTIONS
    assert failed(row.results["elementwise"]) == {"test_relu_grad_at_zero"}


def test_a_misconception_that_survives_is_a_problem(right, wrong):
    survivor = replace(wrong, solution=right["relu_grad"])
    assert "survives elementwise" in check_misconception(ASSIGNMENT, survivor, right).problems


def test_a_misconception_that_fails_more_than_it_declares_is_a_problem(right, wrong):
    silent = replace(wrong, fails=("no_such_question",))
    assert {
        "fails elementwise too, which it does not declare",
        "names the unknown question no_such_question",
    } <= set(check_misconception(ASSIGNMENT, silent, right).problems)


def test_a_property_is_needed_if_something_fails_it_alone():
    group = assignments.groups("backprop")["toy_forward"]
    first, second, *others = [prop.name for prop in group.properties]
    failures = [frozenset({first}), frozenset({first, second}), frozenset()]
    assert not_needed(group, failures) == {second, *others}


def test_what_is_accepted_is_read_with_its_reasons(tmp_path):
    path = tmp_path / "accepted.toml"
    path.write_text(
        '[[equivalent]]\nreason = "the same"\nnames = ["a", "b"]\n[[not_caught]]\nreason = "rare"\nnames = ["c"]\n'
    )
    assert Accepted.read(path) == Accepted({"a": "the same", "b": "the same"}, {"c": "rare"}, {})
    assert Accepted.read(tmp_path / "none.toml") == Accepted({}, {}, {})
