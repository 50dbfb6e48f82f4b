"""The references of optimizers against torch.optim, autograd and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.assignments.optimizers import hidden_tests, reference, strategies

DEVICES = pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
few = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def tolerance(dtype):
    """A thousand roundings: far below any mistake."""
    return {"rtol": 1e3 * torch.finfo(dtype).eps, "atol": 1e3 * torch.finfo(dtype).eps}


def tensors(count, steps, dtype, seed=0, device="cpu"):
    """Start values and, for every step, gradients, of different shapes."""
    generator = torch.Generator().manual_seed(seed)
    shapes = [(3,), (2, 4), (), (1, 2, 2)][:count]
    draw = lambda: [torch.randn(shape, generator=generator, dtype=dtype).to(device) for shape in shapes]
    return draw(), [draw() for _ in range(steps)]


def torch_history(make, params, grads):
    """What a torch optimizer does to copies of ``params``."""
    params, history = [w.clone().requires_grad_() for w in params], []
    optimizer = make(params)
    for step in grads:
        for w, g in zip(params, step, strict=True):
            w.grad = g.clone()
        optimizer.step()
        history.append([w.detach().clone() for w in params])
    return history


def steps_of(step, state, params, grads):
    """The same with a step function of one tensor: ``step(t, w, g, *state) -> (w, *state)``."""
    history = []
    values = [(w, *(torch.zeros_like(w) for _ in range(state))) for w in params]
    for t, gs in enumerate(grads, start=1):
        values = [step(t, w, g, *rest) for (w, *rest), g in zip(values, gs, strict=True)]
        history.append([w for w, *_ in values])
    return history


def assert_same(got, expected, dtype):
    for a, b in zip(got, expected, strict=True):
        for x, y in zip(a, b, strict=True):
            torch.testing.assert_close(x, y, **tolerance(dtype))


@DEVICES
@DTYPES
class TestAgainstTorchOptim:
    def test_momentum(self, device, dtype):
        params, grads = tensors(4, 6, dtype, device=device)
        got = steps_of(lambda t, *a: reference.momentum_step(*a, 0.1, 0.9), 1, params, grads)
        assert_same(got, torch_history(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), params, grads), dtype)

    @pytest.mark.parametrize("eps", [1e-8, 0.3])
    def test_rmsprop(self, device, dtype, eps):
        params, grads = tensors(4, 6, dtype, device=device)
        got = steps_of(lambda t, *a: reference.rmsprop_step(*a, 0.1, 0.95, eps), 1, params, grads)
        expected = torch_history(lambda p: torch.optim.RMSprop(p, lr=0.1, alpha=0.95, eps=eps), params, grads)
        assert_same(got, expected, dtype)

    @pytest.mark.parametrize("eps", [1e-8, 0.3])
    def test_adam(self, device, dtype, eps):
        params, grads = tensors(4, 6, dtype, device=device)
        step = lambda t, w, g, m, v: reference.adam_step(w, g, m, v, t, 0.1, 0.8, 0.95, eps)
        expected = torch_history(lambda p: torch.optim.Adam(p, lr=0.1, betas=(0.8, 0.95), eps=eps), params, grads)
        assert_same(steps_of(step, 2, params, grads), expected, dtype)

    @pytest.mark.parametrize("weight_decay", [0.0, 0.5])
    def test_adamw(self, device, dtype, weight_decay):
        params, grads = tensors(4, 6, dtype, device=device)
        optimizer, got, current = reference.AdamW(0.1, 0.8, 0.95, 0.3, weight_decay), [], params
        for g in grads:
            current = optimizer.step(current, g)
            got.append(current)
        make = lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.8, 0.95), eps=0.3, weight_decay=weight_decay)
        assert_same(got, torch_history(make, params, grads), dtype)

    def test_gradient_descent(self, device, dtype):
        [w0], _ = tensors(1, 0, dtype, device=device)
        path = reference.gradient_descent(lambda w: 4 * w**3, w0, 0.01, 5)
        w, expected = w0.clone().requires_grad_(), [w0]
        sgd = torch.optim.SGD([w], lr=0.01)
        for _ in range(5):
            sgd.zero_grad()
            (w**4).sum().backward()
            sgd.step()
            expected.append(w.detach().clone())
        torch.testing.assert_close(path, torch.stack(expected), **tolerance(dtype))
        assert path.device.type == device
        assert path.dtype is dtype

    def test_training_on_all_samples(self, device, dtype):
        generator = torch.Generator().manual_seed(1)
        draw = lambda *shape: torch.randn(shape, generator=generator, dtype=dtype).to(device)
        X, y, params = draw(6, 3), draw(6, 2), [(draw(4, 3), draw(4)), (draw(4, 4), draw(4)), (draw(2, 4), draw(2))]
        got, losses = reference.train(X, y, params, 0.02, 6, 4, seed=0)
        weights = [part.clone().requires_grad_() for layer in params for part in layer]
        sgd, expected = torch.optim.SGD(weights, lr=0.02), []

        def loss():
            h = X
            for k in range(0, 6, 2):
                h = torch.nn.functional.linear(torch.relu(h) if k else h, weights[k], weights[k + 1])
            return torch.nn.functional.mse_loss(h, y)

        for _ in range(4):
            sgd.zero_grad()
            loss().backward()
            sgd.step()
            expected.append(loss().detach())
        torch.testing.assert_close(losses, torch.stack(expected), **tolerance(dtype))
        assert_same(got, [(weights[k].detach(), weights[k + 1].detach()) for k in (0, 2, 4)], dtype)
        assert losses.device.type == device


@given(data=strategies.training_sets())
@few
def test_the_gradients_are_those_of_autograd(data):
    X, y, params, _ = data
    X, y = torch.tensor(X), torch.tensor(y)
    leaves = [tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in params]
    expected = torch.autograd.grad(reference.mse(leaves, X, y), [part for layer in leaves for part in layer])
    with torch.no_grad():
        got = [part for layer in reference.mse_gradients(leaves, X, y) for part in layer]
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)


@given(state=strategies.adam_states())
@few
def test_adam_without_correction_is_the_lectures_form(state):
    w, g, m, v, t, lr, beta, gamma, eps = state
    new_w, new_m, new_v = reference.adam_step(*map(torch.tensor, (w, g, m, v)), t, lr, beta, gamma, eps, False)
    wanted_m, wanted_v = np.average([m, g], axis=0, weights=[beta, 1 - beta]), gamma * v + (1 - gamma) * np.square(g)
    np.testing.assert_allclose(new_m, wanted_m, atol=1e-12)
    np.testing.assert_allclose(new_v, wanted_v, atol=1e-12)
    np.testing.assert_allclose(new_w, w - lr * wanted_m / (wanted_v**0.5 + eps), rtol=1e-9)


@given(state=strategies.adam_states(steps=(1,)))
@few
def test_the_first_step_of_adam_has_length_lr(state):
    w, g, *_ = state
    new, _, _ = reference.adam_step(*map(torch.tensor, state[:4]), *state[4:])
    np.testing.assert_allclose(new, w - state[5] * np.sign(g), rtol=1e-9, atol=1e-9)


@given(batching=strategies.batchings())
@few
def test_minibatches_are_a_partition(batching):
    n, batch_size, _ = batching
    batches = reference.minibatches(*batching)
    assert sorted(torch.cat(batches).tolist()) == list(range(n))
    assert [len(b) for b in batches[:-1]] == [batch_size] * (math.ceil(n / batch_size) - 1)
    assert 0 < len(batches[-1]) <= batch_size


@given(schedule=strategies.schedules())
@few
def test_the_schedule_is_that_of_torch(schedule):
    warmup, total, lr_max, lr_min = schedule
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr_max)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup, eta_min=lr_min)
    for step in range(warmup, total + 1):
        assert reference.warmup_cosine(step, *schedule) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        cosine.step()
    rates = [reference.warmup_cosine(step, *schedule) for step in range(warmup + 1)]
    assert rates == pytest.approx(np.linspace(0, lr_max, warmup + 1))
    assert reference.warmup_cosine(total + 5, *schedule) == pytest.approx(lr_min)
    assert reference.warmup_cosine(0, 0, *schedule[1:]) == lr_max


@pytest.mark.parametrize(("n", "batch_size", "count"), [(3, 2, 3), (4, 3, 4), (5, 3, 10), (4, 2, 6), (3, 1, 6)])
def test_the_cuts_are_all_ways_to_batch(n, batch_size, count):
    epochs = list(hidden_tests.cuts(tuple(range(n)), batch_size))
    assert len(epochs) == len({str(epoch) for epoch in epochs}) == count
    for epoch in epochs:
        assert sorted(np.concatenate(epoch).tolist()) == list(range(n))


def test_the_orders_of_the_line_have_different_results():
    assert len(hidden_tests.LINE_EPOCHS) == 20
    for layers in (hidden_tests.after_one_epoch(), hidden_tests.after_two_epochs()):
        flat = np.array([hidden_tests.flat(each) for each in layers])
        distances = np.abs(flat[:, None] - flat[None]).max(-1)
        assert distances[~np.eye(len(flat), dtype=bool)].min() > 1e-5  # the tolerance is 1e-9


@given(data=strategies.training_sets(), seed=st.integers(0, 9))
@few
def test_training_stays_away_from_kinks_and_from_overflow(data, seed):
    X, y, params, lr = *map(torch.tensor, data[:2]), [tuple(map(torch.tensor, layer)) for layer in data[2]], data[3]
    for _ in range(4):
        h = X
        for k, (W, b) in enumerate(params):
            f = (torch.relu(h) if k else h) @ W.T + b
            assert f.abs().min() > 1e-7
            assert f.abs().max() < 1e3
            h = f
        params, _ = reference.train(X, y, params, lr, 2, 1, seed)


def test_the_right_loop_learns_with_any_seed():
    data = hidden_tests.learnable()
    for seed in range(60):
        _, losses = reference.train(*[to_torch(part) for part in data], 0.05, 8, 15, seed)
        assert losses[-1] < 0.5 * hidden_tests.FRACTION * hidden_tests.mse(data[2], *data[:2])


def to_torch(part):
    if isinstance(part, np.ndarray):
        return torch.tensor(part)
    return [tuple(map(torch.tensor, layer)) for layer in part]
