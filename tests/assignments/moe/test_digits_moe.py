"""The training module that students get, with the reference as the student's functions."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.assignments.moe import reference
from course_lib.checking.adapters import as_numpy

PATH = Path(__file__).parents[3] / "source" / "moe" / "digits_moe.py"
FUNCTIONS = as_numpy(reference.top_k), as_numpy(reference.load_balancing_loss)


@pytest.fixture(scope="module")
def digits_moe():
    spec = importlib.util.spec_from_file_location("digits_moe", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def test_training_learns_and_reports_fractions(digits_moe, device):
    run = digits_moe.train(*FUNCTIONS, 0.5, epochs=4, device=torch.device(device))
    assert run.device.startswith(device)
    assert run.test_accuracy[-1] > 0.6
    assert run.usage.shape == (4 * 11, 8)
    assert run.test_indices.shape == (500, 2)
    for fractions in (run.usage, run.test_usage, run.by_class):
        np.testing.assert_allclose(fractions.sum(axis=-1), 1.0, rtol=1e-9)
    np.testing.assert_allclose(run.test_usage, np.bincount(run.test_indices.ravel(), minlength=8) / 1000, rtol=1e-9)


def test_the_balance_loss_evens_out_the_load(digits_moe):
    without, with_balance = (digits_moe.train(*FUNCTIONS, balance, device=torch.device("cpu")) for balance in (0, 0.5))
    assert without.test_usage.max() > 0.35
    assert with_balance.test_usage.max() < 0.25


def test_equal_seeds_give_equal_runs(digits_moe):
    first, second = (digits_moe.train(*FUNCTIONS, 0.5, epochs=1, device=torch.device("cpu")) for _ in range(2))
    np.testing.assert_array_equal(first.usage, second.usage)
    np.testing.assert_array_equal(first.test_accuracy, second.test_accuracy)


def test_the_slopes_are_the_gradient_of_the_balance_loss(digits_moe):
    P = torch.softmax(torch.randn(7, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=1)
    mean = P.mean(dim=0)
    indices, _ = reference.top_k(P, 2)
    slopes = digits_moe.balance_slopes(FUNCTIONS[1], indices.numpy(), 4)
    assert float(reference.load_balancing_loss(P, indices)) == pytest.approx(float(mean @ torch.tensor(slopes)))


def test_a_single_choice_is_refused(digits_moe):
    with pytest.raises(ValueError, match="k must be at least 2"):
        digits_moe.train(*FUNCTIONS, 0.0, k=1, epochs=1)
