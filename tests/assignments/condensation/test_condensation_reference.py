"""The references of condensation against torch.fft, autograd, torch.optim, graph search and worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from course_lib.assignments.condensation import hidden_tests, reference, strategies
from course_lib.checking.adapters import as_numpy, to_torch
from course_lib.checking.groups import Property

FEW = settings(max_examples=25, deadline=None, derandomize=True)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
DTYPES = [torch.float32, torch.float64]
CLOSE = {torch.float32: {"rtol": 2e-4, "atol": 2e-5}, torch.float64: {"rtol": 1e-10, "atol": 1e-11}}


@FEW
@given(call=st.one_of(strategies.sampled_functions(), strategies.sampled_functions(beyond=True)))
def test_coefficients_are_those_of_the_fast_transform(call):
    values, freqs = call
    expected = np.fft.fft(values, norm="forward")[np.asarray(freqs) % len(values)]
    np.testing.assert_allclose(as_numpy(reference.fourier_coefficients)(values, freqs), expected, atol=1e-13)


@FEW
@given(call=strategies.predictions())
def test_relative_error_against_the_fast_transform(call):
    prediction, target, freqs = call
    p, t = np.fft.rfft(prediction)[freqs], np.fft.rfft(target)[freqs]
    assert np.abs(t).min() / len(target) > 0.1  # no division by what is nearly nothing
    expected = np.abs(p / t - 1)
    np.testing.assert_allclose(as_numpy(reference.relative_frequency_error)(*call), expected, rtol=1e-11, atol=1e-13)


@FEW
@given(
    case=st.one_of(
        strategies.error_curves(),
        strategies.error_curves(dips=True, never=True, ties=True),
        strategies.error_curves(never=True, edge=1.0),
        strategies.error_curves(edge=np.nan),
    )
)
def test_order_against_its_definition(case):
    (errors, freqs, threshold), expected = case
    start = {
        k: next((t for t in range(len(errors)) if all(e < threshold for e in errors[t:, i])), None)
        for i, k in enumerate(np.asarray(freqs).tolist())
    }
    by_definition = sorted((k for k in start if start[k] is not None), key=lambda k: (start[k], k))
    assert as_numpy(reference.convergence_order)(errors, freqs, threshold) == by_definition == expected


def test_order_of_one_step_one_frequency_and_none():
    order = as_numpy(reference.convergence_order)
    assert order(np.array([[0.1, 0.7]]), [4, 2], 0.5) == [4]
    assert order(np.array([[0.9], [0.1]]), [3], 0.5) == [3]
    assert order(np.array([[np.nan]]), [3], 0.5) == []


@FEW
@given(network=st.one_of(strategies.networks(), strategies.networks(zeros=True), strategies.networks(scale=1e-5)))
def test_directions_are_torchs_normalize(network):
    w, b, a = to_torch(list(network))
    units, amplitude = reference.neuron_directions(w, b, a)
    vectors = torch.column_stack([w, b])
    torch.testing.assert_close(units, torch.nn.functional.normalize(vectors, dim=1), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(units * amplitude[:, None], vectors * a.abs()[:, None], rtol=1e-12, atol=1e-15)


def graph_count(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    return connected_components(kept @ kept.T >= cos_threshold)[0] if len(kept) else 0


@FEW
@given(
    case=st.one_of(
        strategies.bundles(),
        strategies.bundles(opposite=True),
        strategies.bundles(weak=True),
        strategies.chains(),
        strategies.bridges(),
    )
)
def test_groups_are_the_components_of_a_graph_and_as_many_as_were_made(case):
    call, expected = case
    assert as_numpy(reference.condensed_groups)(*call) == graph_count(*call) == expected


@FEW
@given(call=strategies.random_directions())
def test_groups_of_random_directions(call):
    assert as_numpy(reference.condensed_groups)(*call) == graph_count(*call)
    units, threshold = call[0], call[2]
    off = np.abs(units @ units.T - threshold)
    assert off.min() > strategies.COS_GAP * 0.999


@FEW
@given(call=strategies.product_steps())
def test_product_against_autograd(call):
    b, c, x, y, lr = call
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (b, c)]
    (0.5 * (y - leaves[0] * leaves[1] * x) ** 2).backward()
    db, dc = (leaf.grad.item() for leaf in leaves)
    assert reference.product_gradients(b, c, x, y) == pytest.approx((db, dc), rel=1e-12)
    exact = (b - lr * db) * (c - lr * dc) - b * c
    assert reference.effective_step(*call) == pytest.approx(exact, rel=1e-10, abs=1e-10)


@FEW
@given(call=strategies.product_steps(lr=(2.0**-20,)))
def test_tiny_steps_are_of_first_order(call):
    b, c, x, y, lr = call
    assert reference.effective_step(*call) == pytest.approx(lr * (y - b * c * x) * x * (b**2 + c**2), rel=1e-3)


def optimizer_training(X, y, w, b, a, lr, steps):
    params = [p.clone().requires_grad_() for p in (w, b, a)]
    optimizer, losses = torch.optim.SGD(params, lr=lr), []
    for step in range(steps + 1):
        outputs = torch.relu(torch.nn.functional.linear(X, params[0], params[1])) @ params[2]
        loss = torch.nn.functional.mse_loss(outputs, y)
        losses.append(loss.detach())
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return *(p.detach() for p in params), torch.stack(losses)


@FEW
@given(
    call=st.one_of(strategies.trainings(), strategies.trainings(steps=(0, 1)), strategies.trainings(dead=True)),
)
def test_training_is_torchs_sgd(call):
    arguments = to_torch(list(call))
    for got, expected in zip(reference.two_layer_train(*arguments), optimizer_training(*arguments), strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-10, atol=1e-11)


def test_the_long_training_learns_and_does_not_depend_on_rounding():
    call = strategies.long_training()
    losses = as_numpy(reference.two_layer_train)(*call)[3]
    assert losses[-1] < losses[0] / 50
    nudged = [array * (1 + 1e-9) for array in call[2:5]]
    np.testing.assert_allclose(as_numpy(reference.two_layer_train)(*call[:2], *nudged, *call[5:])[3], losses, rtol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_everything_follows_device_and_dtype(device, dtype):
    random = torch.Generator().manual_seed(0)
    make = lambda *shape: torch.randn(*shape, generator=random, dtype=torch.float64).to(device, dtype)
    values, target = make(12), make(12)
    c = reference.fourier_coefficients(values, [0, 3, -2])
    assert (c.dtype, c.device.type) == (torch.promote_types(dtype, torch.complex64), device)
    expected = torch.fft.fft(values, norm="forward")[torch.tensor([0, 3, 10], device=device)]
    torch.testing.assert_close(c, expected, **CLOSE[dtype])
    e = reference.relative_frequency_error(values, target, [1, 2])
    assert (e.dtype, e.device.type, e.shape) == (dtype, device, (2,))
    errors = torch.tensor([[0.9, 0.9], [0.9, 0.1], [0.1, 0.1]], dtype=dtype, device=device)
    assert reference.convergence_order(errors, [1, 2], 0.5) == [2, 1]
    X, y, w, b, a = make(20, 3), make(20), make(6, 3), make(6), make(6)
    trained = reference.two_layer_train(X, y, w, b, a, 0.01, 5)
    for got, expected in zip(trained, optimizer_training(X, y, w, b, a, 0.01, 5), strict=True):
        assert (got.dtype, got.device.type) == (dtype, device)
        torch.testing.assert_close(got, expected, **CLOSE[dtype])
    units, amplitude = reference.neuron_directions(*trained[:3])
    assert (units.dtype, units.device.type, amplitude.dtype) == (dtype, device, dtype)
    assert reference.condensed_groups(units, amplitude, -1.0, 0.0) == 1
    assert reference.condensed_groups(units, amplitude, 2.0, 0.0) == 6


PROPERTIES = [
    Property(group, name)
    for group in vars(hidden_tests).values()
    if isinstance(group, type) and group.__name__.startswith("Test")
    for name in vars(group)
    if hasattr(vars(group)[name], "hypothesis")
]


@pytest.mark.parametrize("prop", PROPERTIES, ids=lambda p: f"{p.group.__name__}.{p.name}")
def test_every_property_can_draw_with_other_seeds(prop):
    for seed in range(3):
        assert prop.examples(seed)


@pytest.mark.parametrize("name", [n for n in vars(hidden_tests.TestConvergenceOrder) if n.startswith("test")])
def test_no_order_is_trivial(name):
    for inputs in Property(hidden_tests.TestConvergenceOrder, name).examples():
        (_, freqs, _), expected = inputs["case"]
        assert expected
        assert expected not in (sorted(expected), [k for k in np.asarray(freqs).tolist() if k in expected])


def test_some_frequencies_come_as_a_list_and_some_as_an_array():
    for group, name in ((hidden_tests.TestFourier, "test_coefficients"), (hidden_tests.TestFourier, "test_errors")):
        kinds = {type(inputs["case"][0][-1]) for inputs in Property(group, name).examples()}
        assert kinds == {list, np.ndarray}
