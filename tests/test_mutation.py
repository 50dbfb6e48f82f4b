"""Mechanical mutants: which edits are made, that none repeats, and that what never ends is ended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib import mutation
from course_lib.checking import assert_close, check
from course_lib.checking.groups import Group
from course_lib.mutation import mutants, run_mutants
from course_lib.verify import Accepted, not_needed

SOURCE = '''
def total(x, scale=1.0):
    """The sum of x up to a limit, times scale: text like 2 + 2 is left alone."""
    total = 0.0
    for value in x[:-1]:
        if value < 3:
            total += value
    return scale * np.sum(total, axis=0)
'''


def names(source: str) -> list[str]:
    return [mutant.name for mutant in mutants(source)]


def test_a_mutant_is_named_by_its_function_and_the_changed_line():
    assert "total: if value < 3: → if value <= 3:" in names(SOURCE)
    assert names("x = 1\n" + SOURCE) == names(SOURCE)


@pytest.mark.parametrize(
    "line",
    [
        "total += value → total -= value",
        "total += value → total = value",
        "total += value → pass",
        "if value < 3: → if value > 3:",
        "if value < 3: → if value < 4:",
        "if value < 3: → if True:",
        "if value < 3: → if not value < 3:",
        "for value in x[:-1]: → for value in x[:]:",
        "for value in x[:-1]: → for value in x[:1]:",
        "total = 0.0 → total = 1.0",
        "return scale * np.sum(total, axis=0) → return scale / np.sum(total, axis=0)",
        "return scale * np.sum(total, axis=0) → return scale",
        "return scale * np.sum(total, axis=0) → return scale * np.mean(total, axis=0)",
        "return scale * np.sum(total, axis=0) → return scale * np.sum(total, axis=1)",
        "return scale * np.sum(total, axis=0) → return scale * np.sum(total)",
        "def total(x, scale=1.0): → def total(x, scale=2.0):",
    ],
)
def test_one_edit_of_each_kind(line):
    assert f"total: {line}" in names(SOURCE)


def test_copies_transposes_and_orders_are_edited_too():
    source = "def f(A, b):\n    c = b.copy()\n    b = b + 1\n    return np.where(b, A.T @ c, 0)"
    assert "f: c = b.copy() → c = b" in names(source)
    assert "f: b = b + 1 → b[...] = b + 1" in names(source)
    assert "f: return np.where(b, A.T @ c, 0) → return np.where(b, A @ c, 0)" in names(source)
    assert "f: return np.where(b, A.T @ c, 0) → return np.where(b, c @ A.T, 0)" in names(source)
    assert "f: return np.where(b, A.T @ c, 0) → return np.where(A.T @ c, b, 0)" in names(source)


def test_methods_are_mutated_and_messages_are_not():
    source = (
        "class C:\n    def m(self, n):\n        if n < 1:\n            raise ValueError(f'{n + 1}')\n        self.n = n"
    )
    found = names(source)
    assert "C.m: self.n = n → pass" in found
    assert not [name for name in found if "n - 1" in name]


def test_no_two_mutants_are_the_same_and_none_is_the_original():
    sources = [mutant.source for mutant in mutants(SOURCE)]
    assert len(set(sources)) == len(sources)
    assert len(set(names(SOURCE))) == len(sources)
    accepted: dict[str, Any] = {"np": np}
    exec(SOURCE, accepted)
    assert accepted["total"]([1.0, 5.0, 2.0, 7.0]) == 3.0


class TestCount:
    __test__ = False

    @check("counting up")
    @given(n=st.integers(2, 5))
    def test_values(self, student: Any, n: int) -> None:
        assert_close(student.count(n), n, rtol=0)

    @check("one")
    def test_one(self, student: Any) -> None:
        assert_close(student.count(1), 1, rtol=0)


COUNT = "def count(n):\n    i = 0\n    while i < n:\n        i += 1\n    return i"
GROUP = Group("count", TestCount, {"count": ["n"]})


def test_mutants_are_killed_or_survive_and_endless_ones_are_ended(monkeypatch):
    monkeypatch.setattr(mutation, "CPU_SECONDS", 1)
    failed = {outcome.mutant.name: outcome.failed for outcome in run_mutants(GROUP, COUNT, {})}
    assert failed["count: i += 1 → pass"] == {"test_values", "test_one"}  # never ends
    assert failed["count: i += 1 → i += 2"] == {"test_values", "test_one"}
    survivors = {name for name, properties in failed.items() if not properties}
    assert survivors == {"count: i = 0 → i = 1", "count: i = 0 → i = -1"}


def test_a_solution_that_its_own_group_refuses_is_an_error():
    with pytest.raises(RuntimeError, match="the solution itself fails test_one, test_values"):
        list(run_mutants(GROUP, "def count(n):\n    return -n", {}))


def test_a_fault_of_the_test_is_no_kill():
    class TestFaulty:
        __test__ = False

        @check("faulty")
        def test_it(self, student: Any) -> None:
            if student.one() != 1:
                raise KeyError("a slip in the test")

    [two, zero] = run_mutants(Group("faulty", TestFaulty, {"one": []}), "def one():\n    return 1", {})
    assert (two.failed, zero.failed) == (frozenset(), frozenset())
    assert two.fault == "KeyError: 'a slip in the test'"


def test_a_property_is_needed_if_it_alone_catches_something():
    both, one = frozenset({"test_values", "test_one"}), frozenset({"test_one"})
    assert not_needed(GROUP, [both, both, frozenset()]) == {"test_values", "test_one"}
    assert not_needed(GROUP, [both, one]) == {"test_values"}


def test_what_is_accepted_comes_from_a_file_with_reasons(tmp_path):
    path = tmp_path / "accepted.toml"
    assert Accepted.read(path) == Accepted({}, {}, {})
    path.write_text('[[equivalent]]\nreason = "even"\nnames = ["f: a → b", "f: a → c"]\n')
    assert Accepted.read(path) == Accepted({"f: a → b": "even", "f: a → c": "even"}, {}, {})
