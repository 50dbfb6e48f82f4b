"""What holds for every assignment: right solutions pass, wrong ones fail as declared, bad results get clear messages.

The right solutions are the reference, the notebook's own and the variants of ``tests/assignments/<a>/variants.py``:
``VARIANTS``, a list of (label, {entry point: function or class}) that replace part of the notebook's solution.
"""

from __future__ import annotations

import importlib
import io
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from course_lib import assignments, verify
from course_lib.checking.groups import Verdict

SOURCE = Path(__file__).parents[2] / "source"
GROUPS = [(name, question.id) for name in assignments.NAMES for question in assignments.load(name).questions]
MISCONCEPTIONS = [
    pytest.param(name, wrong, id=f"{name}-{wrong.name}")
    for name in assignments.NAMES
    for wrong in assignments.load(name).misconceptions()
]


@cache
def solution(name: str) -> dict[str, Any]:
    return verify.notebook_namespace(SOURCE / name / f"{name}.ipynb")


@cache
def reference(name: str) -> dict[str, Any]:
    return verify.reference_namespace(assignments.load(name))


def variants(name: str) -> list[tuple[str, dict[str, Any]]]:
    return importlib.import_module(f"tests.assignments.{name}.variants").VARIANTS


def assert_accepted(name: str, question: str, namespace: dict[str, Any]) -> None:
    for result in verify.run_group(assignments.groups(name)[question], namespace):
        assert result.verdict is Verdict.ACCEPTED, f"{result.name}: {result.message}\n{result.call}\n{result.got}"


@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_accepts_the_reference(name, question):
    assert_accepted(name, question, reference(name))


@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_accepts_the_notebooks_solution(name, question):
    assert_accepted(name, question, solution(name))


@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_accepts_every_variant(name, question):
    mine = assignments.load(name).question(question).entry_points
    used = [(label, functions) for label, functions in variants(name) if set(functions) & set(mine)]
    assert len(used) >= 3, f"{name}.{question} has {len(used)} correct variants, 3 are wanted"
    for label, functions in used:
        try:
            assert_accepted(name, question, {**solution(name), **functions})
        except AssertionError as error:
            raise AssertionError(f"the correct variant {label!r}: {error}") from None


@pytest.mark.parametrize(("name", "wrong"), MISCONCEPTIONS)
def test_every_misconception_fails_exactly_the_groups_it_names(name, wrong):
    assert verify.check_misconception(assignments.load(name), wrong, solution(name)).problems == []


@pytest.mark.parametrize("name", assignments.NAMES)
def test_there_are_six_misconceptions_for_every_question(name):
    declared = assignments.load(name).misconceptions()
    for question in assignments.load(name).questions:
        about = [m.name for m in declared if question.id in m.fails]
        assert len(about) >= 6, f"{question.id} has {len(about)}: {about}"


@pytest.mark.parametrize(("name", "wrong"), MISCONCEPTIONS)
def test_the_visible_check_catches_the_misconception_or_says_what_it_does_not_check(name, wrong):
    questions = [q.id for q in assignments.load(name).questions if wrong.entry_point in q.entry_points]
    cells = verify.visible_checks(SOURCE / name / f"{name}.ipynb")
    namespace = {**solution(name), wrong.entry_point: wrong.solution}
    printed = io.StringIO()
    try:
        with redirect_stdout(printed), np.errstate(all="ignore"):
            for question in questions:
                exec(cells[question], namespace)
    except Exception:
        assert wrong.visible, "the visible check catches this: declare it with visible=True"
    else:
        assert not wrong.visible, "the visible check lets this pass: catch it, or declare it with visible=False"
        assert "Not checked here" in printed.getvalue()


@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_the_visible_check_accepts_the_notebooks_solution(name, question):
    with redirect_stdout(io.StringIO()) as printed:
        exec(verify.visible_checks(SOURCE / name / f"{name}.ipynb")[question], dict(solution(name)))
    assert "✓" in printed.getvalue()


class AlwaysEqual:
    """Claims to equal everything, in every way Python and NumPy know."""

    dtype, shape, ndim, size = np.dtype(float), (), 0, 1

    def __eq__(self, other):
        return True

    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __le__ = __ge__ = __eq__
    __hash__ = None

    def __array__(self, *args, **kwargs):
        raise RuntimeError("read me not")

    def __getattr__(self, name):
        return self

    def __call__(self, *args, **kwargs):
        return self


BAD_RESULTS = {
    "None": lambda: None,
    "a string": lambda: "0.0",
    "a wrong shape": lambda: np.zeros((7, 1, 3)),
    "a million elements": lambda: [0.0] * 10**6,
    "a torch tensor": lambda: torch.zeros(3, dtype=torch.float64),
    "NaN": lambda: float("nan"),
    "a generator": lambda: (i for i in range(3)),
    "equal to everything": AlwaysEqual,
    "an object array": lambda: np.array([None, "x"], dtype=object),
    "an empty tuple": tuple,
    "nested deep": lambda: [[[[[[[[[[[[[[[[0.0]]]]]]]]]]]]]]]],
    "a tuple of None": lambda: (None, None, None),
    "a huge integer": lambda: 10**5000,
    "a dict": lambda: {"loss": 0.0},
}


class BadObject:
    """An instance whose every method returns the same bad result."""

    make: Any = None

    def __getattr__(self, name):
        return lambda *args, **kwargs: type(self).make()


@pytest.mark.parametrize("kind", BAD_RESULTS)
@pytest.mark.parametrize(("name", "question"), GROUPS)
def test_bad_results_get_no_points_and_a_message(name, question, kind):
    group = assignments.groups(name)[question]
    namespace: dict[str, Any] = dict(solution(name))
    for entry_point in assignments.load(name).question(question).entry_points:
        if isinstance(namespace[entry_point], type):
            bad = type("Bad", (BadObject,), {"make": staticmethod(BAD_RESULTS[kind]), "__init__": lambda *a, **k: None})
        else:
            bad = lambda *args, **kwargs: BAD_RESULTS[kind]()
        namespace[entry_point] = bad
    results = verify.run_group(group, namespace)
    for result in results:
        assert result.verdict is not Verdict.NOT_GRADED, f"{result.name}: {result.message}"
    assert sum(r.earned for r in results) == 0
    for result in results:
        assert result.message
