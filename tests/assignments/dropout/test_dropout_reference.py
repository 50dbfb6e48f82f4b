"""The reference of dropout against independent oracles: autograd, torch.nn, torch.optim, brute force, moments."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils import prune

from course_lib.assignments.dropout import reference, strategies

DTYPES = (torch.float32, torch.float64)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
FEW = settings(derandomize=True, database=None, deadline=None, max_examples=30)


def tensor(values, dtype=torch.float64):
    return torch.tensor(np.asarray(values), dtype=dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@FEW
@given(layer=strategies.layers(zeros=True))
def test_dropout_backward_is_the_gradient_of_dropout_forward(dtype, layer):
    values, p, u = layer
    x = tensor(values, dtype).requires_grad_()
    dy = torch.linspace(-2, 3, x.numel(), dtype=dtype).reshape(x.shape)
    for training in (True, False):
        y, mask = reference.dropout_forward(x, p, tensor(u, dtype), training)
        (expected,) = torch.autograd.grad(y, x, dy)
        dx = reference.dropout_backward(dy, mask, p, training)
        assert y.dtype == dx.dtype == dtype
        torch.testing.assert_close(dx, expected)


@FEW
@given(layer=strategies.layers_on_the_boundary())
def test_a_unit_is_dropped_where_u_is_below_p(layer):
    x, p, u = layer
    y, mask = reference.dropout_forward(tensor(x), p, tensor(u), True)
    for index in np.ndindex(x.shape):
        assert mask[index].item() == (not u[index] < p)
        assert y[index].item() == pytest.approx(x[index] / (1 - p) if mask[index] else 0.0)


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_mean_and_variance_over_all_uniforms(p):
    u = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    y, _ = reference.dropout_forward(torch.full((1000,), 3.0, dtype=torch.float64), p, u, True)
    assert y.mean().item() == pytest.approx(3.0)
    assert y.var(correction=0).item() == pytest.approx(9.0 * p / (1 - p), abs=1e-12)


@pytest.mark.parametrize("p", [-0.1, 1.0, 1.5, math.nan, math.inf])
@pytest.mark.parametrize("training", [True, False])
def test_a_probability_outside_the_range_is_refused(p, training):
    x = torch.ones(2)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        reference.dropout_forward(x, p, x / 2, training)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        reference.Dropout(p, 0)


def test_evaluation_returns_a_copy():
    x = torch.ones(3)
    y, _ = reference.dropout_forward(x, 0.5, torch.zeros(3), False)
    dx = reference.dropout_backward(x, torch.ones(3, dtype=torch.bool), 0.5, False)
    y += 1
    dx += 1
    assert x.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_layer_does_what_torch_nn_dropout_does(dtype):
    x = torch.ones(100, 200, dtype=dtype)
    mine, theirs = reference.Dropout(0.3, 1), torch.nn.Dropout(0.3)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        expected = theirs(x)
    y = mine.forward(x)
    assert y.dtype == dtype
    torch.testing.assert_close(y.unique(), expected.unique())
    # two binomial fractions of 20 000 draws: each within 0.036 but for a probability of 2·exp(−2·20 000·0.036²) = 6e-23
    assert abs((y == 0).double().mean() - (expected == 0).double().mean()) < 0.072
    mine.eval()
    theirs.eval()
    torch.testing.assert_close(mine.forward(x), theirs(x))
    mine.train()
    assert (mine.forward(x) == 0).any()


def test_the_layer_belongs_to_its_last_forward_pass():
    layer, x = reference.Dropout(0.5, 2), torch.ones(40, 5)
    with pytest.raises(RuntimeError, match="forward pass"):
        layer.backward(x)
    first, second = layer.forward(x), layer.forward(x)
    assert (first != second).any()
    layer.eval()  # the mode of the last forward pass counts, not today's
    torch.testing.assert_close(layer.backward(x), second)
    layer.forward(x)
    layer.train()
    torch.testing.assert_close(layer.backward(x), x)


def test_the_seed_alone_decides_the_masks():
    x = torch.ones(40, 5)
    one, same, other = (reference.Dropout(0.5, seed) for seed in (3, 3, 4))
    torch.rand(5)
    for _ in range(2):
        y = one.forward(x)
        torch.testing.assert_close(same.forward(x), y)
        assert (other.forward(x) != y).any()


@pytest.mark.parametrize("dtype", DTYPES)
@FEW
@given(arguments=strategies.weight_lists())
def test_l2_penalty_against_autograd_and_weight_decay(dtype, arguments):
    arrays, lam = arguments
    weights = [tensor(w, dtype).requires_grad_() for w in arrays]
    value, grads = reference.l2_penalty(weights, lam)
    assert value.dtype == dtype
    by_hand = 0.5 * lam * math.fsum(float(v) ** 2 for w in arrays for v in w.ravel())
    assert value.item() == pytest.approx(by_hand, rel=1e-5 if dtype == torch.float32 else 1e-12)
    for mine, theirs in zip(grads, torch.autograd.grad(value, weights), strict=True):
        torch.testing.assert_close(mine, theirs)
    before = [w.detach().clone() for w in weights]
    for w in weights:
        w.grad = torch.zeros_like(w)
    torch.optim.SGD(weights, lr=1.0, weight_decay=lam).step()
    for mine, old, new in zip(grads, before, weights, strict=True):
        torch.testing.assert_close(mine, old - new, rtol=1e-5, atol=1e-6)


def stopping_by_definition(losses, patience, min_delta):
    """Epoch by epoch from the definition, without a loop that stops: every epoch's state from those before it."""
    best = [0]
    for e in range(1, len(losses)):
        best.append(e if losses[e] < losses[best[-1]] - min_delta else best[-1])
    stops = [e for e in range(len(losses)) if e - best[e] >= patience]
    stop = stops[0] if stops else len(losses) - 1
    return best[stop], stop


def test_early_stopping_on_all_short_runs():
    for n in range(1, 6):
        for losses in itertools.product((0.0, 1.0, 2.0, 3.0), repeat=n):
            for patience, min_delta in itertools.product((1, 2, 3), (0.0, 1.0)):
                expected = stopping_by_definition(losses, patience, min_delta)
                assert reference.early_stopping(losses, patience, min_delta) == expected


def test_early_stopping_of_a_tensor():
    assert reference.early_stopping(torch.tensor([4.0, 5.0, 3.0, 4.0, 3.5, 1.0]), 2) == (2, 4)


@pytest.mark.parametrize("dtype", DTYPES)
@FEW
@given(arguments=strategies.prunable())
def test_magnitude_prune_against_torch_nn_utils_prune(dtype, arguments):
    w, fraction = arguments
    pruned, mask = reference.magnitude_prune(tensor(w, dtype), fraction)
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(tensor(w, dtype))
    prune.l1_unstructured(module, "weight", amount=math.floor(fraction * w.size))
    assert pruned.dtype == dtype
    assert (mask == (module.weight_mask == 1)).all()
    assert (pruned == module.weight).all()


@FEW
@given(arguments=strategies.prunable_with_ties())
def test_magnitude_prune_takes_the_first_of_equals(arguments):
    w, fraction = arguments
    order = sorted(range(w.size), key=lambda i: (abs(w.ravel()[i]), i))
    gone = set(order[: math.floor(fraction * w.size)])
    pruned, mask = reference.magnitude_prune(tensor(w), fraction)
    assert mask.ravel().tolist() == [i not in gone for i in range(w.size)]
    assert pruned.ravel().tolist() == [0.0 if i in gone else v for i, v in enumerate(w.ravel().tolist())]


@pytest.mark.parametrize(("fraction", "kept"), [(0.0, 4), (1.0, 0)])
def test_magnitude_prune_at_the_ends(fraction, kept):
    pruned, mask = reference.magnitude_prune(torch.tensor([[0.0, -1.0], [2.0, 0.0]]), fraction)
    assert mask.sum() == kept
    assert (pruned != 0).sum() == kept / 2


@pytest.mark.parametrize("dtype", DTYPES)
@FEW
@given(passes=strategies.stochastic_passes(low=1))
def test_mc_dropout_against_the_statistics_module(dtype, passes):
    x, outputs = passes
    answers = iter(outputs)
    mean, std = reference.mc_dropout(lambda _: tensor(next(answers), dtype), tensor(x, dtype), len(outputs))
    assert next(answers, None) is None
    tolerance = 1e-5 if dtype == torch.float32 else 1e-12
    for index in np.ndindex(outputs[0].shape):
        column = [float(y[index]) for y in outputs]
        assert mean[index].item() == pytest.approx(statistics.fmean(column), rel=tolerance, abs=tolerance)
        assert std[index].item() == pytest.approx(statistics.pstdev(column), rel=tolerance, abs=tolerance)


def test_mc_dropout_finds_the_variance_of_dropout():
    layer, x = reference.Dropout(0.5, 5), torch.ones(500, dtype=torch.float64)
    mean, std = reference.mc_dropout(layer.forward, x, 40)
    # 20 000 draws of 0 or 2: their mean deviates by 0.072 with a probability below 2·exp(−2·20 000·0.036²) = 6e-23
    assert abs(mean.mean() - 1) < 0.072
    assert abs((std**2).mean() - 39 / 40) < 0.072


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("device", DEVICES)
def test_results_live_where_the_inputs_do(device, dtype):
    x = torch.ones(3, 4, device=device, dtype=dtype)
    layer = reference.Dropout(0.5, 1)
    results = [*reference.dropout_forward(x, 0.5, x / 4, True), layer.forward(x), layer.backward(x)]
    value, grads = reference.l2_penalty([x, x[0]], 0.1)
    results += [value, *grads, *reference.magnitude_prune(x, 0.5), *reference.mc_dropout(layer.forward, x, 3)]
    assert {r.device.type for r in results} == {device}
    assert {r.dtype for r in results} == {dtype, torch.bool}
    if device != "cpu":
        on_cpu = reference.Dropout(0.5, 1).forward(x.cpu())
        torch.testing.assert_close(reference.Dropout(0.5, 1).forward(x).cpu(), on_cpu)


@FEW
@given(losses=strategies.loss_curves(), ties=strategies.loss_curves(distinct=False, low=6))
def test_the_strategies_keep_their_promises(losses, ties):
    assert len(set(losses)) == len(losses)
    assert len(set(ties)) < len(ties)
    assert min(losses) > 0


@FEW
@given(layer=strategies.layers(), boundary=strategies.layers_on_the_boundary(), prunable=strategies.prunable())
def test_the_strategies_reach_what_they_are_for(layer, boundary, prunable):
    _, p, u = layer
    assert (u < p).any()
    assert (u > p).any()
    assert (u != p).all()
    assert (boundary[2] == boundary[1]).any()
    w, fraction = prunable
    assert len(np.unique(np.abs(w))) == w.size
    assert 1 <= math.floor(fraction * w.size) < w.size


@FEW
@given(patience=strategies.patiences(), n=st.integers(1, 9))
def test_falling_losses_never_stop(patience, n):
    assert reference.early_stopping([2.0**-e for e in range(n)], patience) == (n - 1, n - 1)
