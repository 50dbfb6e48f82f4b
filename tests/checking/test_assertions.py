"""The assertions catch what they are for, accept what the contract accepts, and say so in words that help."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib.checking import (
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
)
from course_lib.engine.proxy import LoopbackPeer, Student
from course_lib.worker.codec import Opaque

floats = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3), elements=st.floats(-1e3, 1e3)
)


@given(floats)
def test_equal_arrays_are_close(array):
    assert_close(array, array, rtol=0)


@given(floats.filter(lambda a: a.size > 0), st.data())
def test_one_wrong_element_is_found_and_its_place_named(array, data):
    where = tuple(data.draw(st.integers(0, n - 1)) for n in array.shape)
    wrong = array.copy()
    wrong[where] += 1.0
    with pytest.raises(CheckFailure):
        assert_close(wrong, array, rtol=1e-9)


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, [1.0], "is None"),
        ("text", [1.0], "is a string"),
        ([1.0], [1.0], "a list of 1 items"),
        (torch.ones(1), [1.0], "torch.Tensor of shape (1,), not a NumPy array"),
        (Opaque("a generator"), [1.0], "a generator"),
        (np.ones((1, 1)), [1.0], "must have shape (1,), but has shape (1, 1)"),
        (np.array(["x"]), [1.0], "dtype <U1"),
        (np.array([1j]), [1.0], "dtype complex128"),
        (np.array([np.nan]), [1.0], "holds NaN"),
        (np.array([np.inf]), [1.0], "holds infinity"),
        (np.array([1.0, 4.0, 6.0]), [0.5, 2.0, 3.0], "2 times the expected"),
        (np.array([-1.0, 2.0]), [1.0, -2.0], "the negative of the expected"),
        (np.array([-1.0, 2.0 + 1e-12]), [1.0, -2.0], "the negative of the expected"),
        (np.array([1.0, 2.0 + 1e-8]), [1.0, 2.0], "index 1: it is off by 1e-08, which the digits shown do not tell"),
        (0.1 + 1e-8, 0.1, "is wrong: it is off by 1e-08, which the digits shown do not tell, and may be by 1e-10"),
        (np.array([5.0, 1.0]), [np.inf, 1.0], "wrong in 1 of 2 elements, first at index 0"),
        (np.array([-np.inf]), [np.inf], "w is wrong"),
        (np.array([3.0, 4.0]) * 1.000002, [3.0, 4.0], "wrong in 2 of 2 elements"),
        (np.array([[1.0, 3.0], [2.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]], "the transpose"),
        (np.array([1.0, 2.0, 4.0]), [1.0, 2.0, 3.0], "wrong in 1 of 3 elements, first at index 2"),
        (2.0, 3.0, "is wrong"),
    ],
)
def test_messages(got, expected, words):
    with pytest.raises(CheckFailure) as caught:
        assert_close(got, expected, rtol=1e-9, name="w")
    assert words in caught.value.message
    assert caught.value.message.startswith("w ")


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        ([0, 2, 1], [0, 1, 2], "wrong in 2 of 3 elements, first at index 1"),
        ([True, False, True, True], [False, True, False, False], "the opposite of the expected"),
        ([True, False], [False, True], "wrong in 2 of 2 elements"),
        ([True, True], [True, False], "wrong in 1 of 2 elements, first at index 1"),
        ([[0, 1], [2, 3]], [[0, 2], [1, 3]], "the transpose"),
    ],
)
def test_messages_about_integers_and_masks(got, expected, words):
    with pytest.raises(CheckFailure, match=words):
        assert_equal(np.array(got), np.array(expected), name="mask")


@pytest.mark.parametrize("scalar", [2.0, 2, np.float64(2), np.array(2.0), np.float32(2), np.int8(2)])
def test_every_kind_of_scalar_counts(scalar):
    assert_close(scalar, 2.0, rtol=0)


def test_float32_is_near_but_not_float64():
    assert_close(np.float32([0.5]), [0.5], rtol=0)
    with pytest.raises(CheckFailure, match="dtype float64, but has float32"):
        assert_float64(np.float32([0.5]), (1,))
    assert_float64(0.5, ())


def test_complex_is_compared_as_complex():
    assert_close(np.array([1j]), np.array([1j]), rtol=0)
    with pytest.raises(CheckFailure):
        assert_close(np.array([1.0]), np.array([1j]), rtol=0)


def test_tuples_and_lists_are_interchangeable_but_arrays_are_neither():
    assert as_tuple([1, 2], "a", "b") == (1, 2)
    with pytest.raises(CheckFailure, match=r"the 2 values \(a, b\), but returned 3"):
        as_tuple((1, 2, 3), "a", "b")
    with pytest.raises(CheckFailure, match=r"the tuple \(a, b\), but returned an array"):
        as_tuple(np.zeros(2), "a", "b")
    with pytest.raises(CheckFailure, match="must have 2 entries, but has 1"):
        as_list([1], 2)


@pytest.mark.parametrize("value", [True, 1.0, np.float64(1), "1", None, np.array([1])])
def test_what_is_no_integer(value):
    with pytest.raises(CheckFailure, match="must be an int"):
        as_integer(value)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_what_is_an_integer(value):
    assert as_integer(value) == 3


def test_equality_of_integers_in_every_dress():
    assert_equal(np.array([1, 2], dtype=np.int16), np.array([1, 2]))
    assert_equal([np.int64(1), 2], [1, 2])
    assert_equal(np.array([True]), np.array([True]))
    for got, expected in (([1, 3], [1, 2]), ([1], [1, 2]), (2, 1), (np.array([1.0]), np.array([1])), (True, 1)):
        with pytest.raises(CheckFailure):
            assert_equal(got, expected)


def test_kinds_of_arrays():
    assert as_array(np.array([True]), kind="bool").dtype == bool
    with pytest.raises(CheckFailure, match="must be a bool array, but has dtype int64"):
        as_array(np.array([1]), kind="bool")
    with pytest.raises(CheckFailure, match="must be an integer array"):
        as_array(np.array([1.0]), kind="int")


def student(**functions: Any) -> Student:
    return Student(LoopbackPeer(functions))


def test_changed_arguments_and_warnings_are_seen():
    bad = student(f=lambda a, b: b.fill(0), g=lambda x: np.log(x))
    bad.f(np.ones(2), np.ones(2))
    with pytest.raises(CheckFailure, match="argument number 2 in place"):
        assert_arguments_unchanged(bad)
    bad.g(np.zeros(1))
    with pytest.raises(CheckFailure, match="divide by zero"):
        assert_no_warnings(bad)
    bad.g(np.ones(1))
    assert_no_warnings(bad)
    assert_arguments_unchanged(bad)


def test_raising_is_told_by_the_name_of_the_class():
    def complain() -> None:
        raise ValueError("p")

    s = student(complain=complain, other=lambda: 1 / 0, quiet=lambda: 1)
    assert_raises(ValueError, s.complain)
    with pytest.raises(CheckFailure, match="must raise ValueError, but raised ZeroDivisionError"):
        assert_raises(ValueError, s.other)
    with pytest.raises(CheckFailure, match="but returned"):
        assert_raises(ValueError, s.quiet)
