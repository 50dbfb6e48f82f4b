"""Values as short text for people."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from course_lib.checking.rendering import render, render_call
from course_lib.engine.proxy import Call


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, -0.0]), "array([1., 0.])"),
        (np.array(2.5), "2.5"),
        (np.float32([1, 2]), "array([1., 2.], dtype=float32)"),
        (np.complex128(1 + 2j), "(1+2j)"),
        (torch.tensor([1.0, 2.0]).double(), "torch.tensor([1., 2.])"),
        (torch.tensor(3.0, requires_grad=True), "torch.tensor(3.)"),
        (torch.zeros(2, 2).double(), "torch.tensor([[0., 0.],\n             [0., 0.]])"),
        ((np.array([1.0]), None, [1]), "(array([1.]), None, [1])"),
    ],
)
def test_values_look_as_they_are_typed(value, text):
    assert render(value) == text


def test_an_argument_without_axes_is_shown_as_an_array_and_a_number_as_a_number():
    assert (
        render_call(Call("f", None, (np.array(-2.0), -2.0), {"z": np.array(1.0)}), {})
        == "f(array(-2.), -2.0, z=array(1.))"
    )
