"""The reference of backprop against independent oracles: torch's autograd and modules, long arithmetic, np.interp."""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.assignments.backprop import reference, strategies
from course_lib.checking.adapters import to_torch

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
DTYPES = [torch.float32, torch.float64]
TOLERANCE = {torch.float32: {"rtol": 2e-4, "atol": 2e-4}, torch.float64: {"rtol": 1e-11, "atol": 1e-11}}
"""About a thousand roundings of numbers near 10."""

few = settings(max_examples=25, derandomize=True, database=None, deadline=None)


def move(value, dtype, device):
    """Tensors of this dtype on this device, also inside lists and tuples; the rest stays."""
    if isinstance(value, (list, tuple)):
        return type(value)(move(item, dtype, device) for item in value)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.to(device, dtype)
    return value.to(device) if isinstance(value, torch.Tensor) else value


def variables(tensors):
    return [tensor.detach().clone().requires_grad_() for tensor in tensors]


def assert_same(got, expected, like):
    """Equal values, and dtype and device of the inputs."""
    assert got.dtype == like.dtype
    assert got.device == like.device
    torch.testing.assert_close(got, expected.detach().to(got.dtype), **TOLERANCE[like.dtype])


def autograd(function, z):
    (variable,) = variables([z])
    function(variable).sum().backward()
    return variable.grad


def network_of(params):
    """The network of these parameters as a torch module."""
    modules = []
    for W, b in params:
        linear = torch.nn.Linear(W.shape[1], W.shape[0], device=W.device, dtype=W.dtype)
        linear.load_state_dict({"weight": W, "bias": b})
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


@pytest.mark.parametrize("dtype", DTYPES)
@given(z=st.one_of(strategies.moderate_arrays(), strategies.large_arrays()))
@few
def test_activations_against_autograd(dtype, z):
    z = torch.tensor(z, dtype=dtype)
    assert_same(reference.relu_grad(z), autograd(torch.relu, z), z)
    assert_same(reference.sigmoid(z), torch.sigmoid(z), z)
    assert_same(reference.sigmoid_grad(z), autograd(torch.sigmoid, z), z)
    assert_same(reference.tanh_grad(z), autograd(torch.tanh, z), z)


def test_sigmoid_to_the_last_digits():
    # 40 digits; the reference takes exp and two more roundings.
    points = [-745.0, -720.0, -700.0, -100.5, -30.0, -1.0, 0.0, 0.25, 36.0, 1000.0]
    with localcontext() as context:
        context.prec = 40
        exact = [float(1 / (1 + Decimal(-z).exp())) for z in points]
    got = reference.sigmoid(torch.tensor(points, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(got, exact, rtol=1e-15, atol=5e-324)


def test_activations_of_empty_and_zero_dimensional_arrays():
    for shape in ((), (0,), (2, 0)):
        z = torch.zeros(shape, dtype=torch.float64)
        for function, at_zero in (
            (reference.relu_grad, 0.0),
            (reference.sigmoid, 0.5),
            (reference.sigmoid_grad, 0.25),
            (reference.tanh_grad, 1.0),
        ):
            torch.testing.assert_close(function(z), torch.full(shape, at_zero, dtype=torch.float64), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@given(network=strategies.toy_networks())
@few
def test_toy_network_against_autograd(dtype, network):
    x, y, beta, omega = move(to_torch(network), dtype, "cpu")
    params = [(omega[k].reshape(1, 1), beta[k].reshape(1)) for k in range(4)]
    module = network_of(params)
    module_output = module(torch.tensor([[x]], dtype=dtype))
    ((module_output - y) ** 2).sum().backward()
    f, h = reference.toy_forward(x, beta, omega)
    assert_same(f[3], module_output.reshape(()), beta)
    assert_same(h, torch.relu(f[:3]), beta)
    dbeta, domega = reference.toy_backward(x, y, beta, omega)
    assert_same(dbeta, torch.cat([layer.bias.grad for layer in module[::2]]), beta)
    assert_same(domega, torch.cat([layer.weight.grad.reshape(1) for layer in module[::2]]), beta)


def test_the_notebooks_example_of_the_toy_network():
    beta, omega = torch.tensor([1.0, 0.0, -1.0, 3.0]), torch.tensor([1.0, 2.0, 1.0, -1.0])
    f, h = reference.toy_forward(2.0, beta, omega)
    assert (f.tolist(), h.tolist()) == ([3, 6, 5, -2], [3, 6, 5])
    dbeta, domega = reference.toy_backward(2.0, 0.0, beta, omega)
    assert (dbeta.tolist(), domega.tolist()) == ([8, 4, 4, -4], [16, 12, 24, -20])


@pytest.mark.parametrize("dtype", DTYPES)
@given(inputs=strategies.linear_gradient_inputs())
@few
def test_linear_layer_against_autograd(dtype, inputs):
    dY, X, W = move(to_torch(inputs), dtype, "cpu")
    b = dY.sum(0) + 1
    X, W, b = variables([X, W, b])
    Y = torch.nn.functional.linear(X, W, b)
    Y.backward(dY)
    assert_same(reference.linear_forward(X, W, b), Y, W)
    with torch.no_grad():
        for got, variable in zip(reference.linear_backward(dY, X, W), (X, W, b), strict=True):
            assert_same(got, variable.grad, W)


@pytest.mark.parametrize("dtype", DTYPES)
@given(inputs=strategies.classifications())
@few
def test_cross_entropy_against_torch(dtype, inputs):
    logits, labels = move(to_torch(inputs), dtype, "cpu")
    (variable,) = variables([logits])
    expected = torch.nn.functional.cross_entropy(variable, labels)
    expected.backward()
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    assert_same(loss, expected, logits)
    assert_same(dlogits, variable.grad, logits)


EXTREME = st.one_of(
    strategies.shifted_classifications(), strategies.uneven_classifications(), strategies.spread_classifications()
)


@given(inputs=EXTREME)
@few
def test_cross_entropy_of_extreme_logits_against_long_arithmetic(inputs):
    logits, labels = inputs
    loss, dlogits = reference.softmax_cross_entropy(torch.tensor(logits), labels.tolist())
    exact_loss, exact_gradient = long_cross_entropy(logits, labels)
    # Half the contract's tolerance, rtol 1e-10 and atol 1e-11.
    np.testing.assert_allclose(float(loss), exact_loss, rtol=5e-11, atol=5e-12)
    np.testing.assert_allclose(dlogits.numpy(), exact_gradient, rtol=5e-11, atol=5e-12)


def long_cross_entropy(logits, labels):
    """As typed in, with 60 digits and exponents without end."""
    with localcontext() as context:
        context.prec, context.Emax, context.Emin = 60, 10**9, -(10**9)
        losses, gradient = [], []
        for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
            powers = [Decimal(z).exp() for z in row]
            losses.append(sum(powers).ln() - Decimal(row[label]))
            gradient.append([float((e / sum(powers) - (c == label)) / len(labels)) for c, e in enumerate(powers)])
        return float(sum(losses) / len(losses)), gradient


@pytest.mark.parametrize("dtype", DTYPES)
@given(inputs=strategies.mlp_gradient_inputs())
@few
def test_mlp_against_a_torch_module(dtype, inputs):
    params, given_f, given_h, dout = move(to_torch(inputs), dtype, "cpu")
    module = network_of(params)
    output = module(given_h[0])
    output.backward(dout)
    f, h = reference.mlp_forward(params, given_h[0])
    assert len(f) == len(h) == len(params)
    assert_same(f[-1], output, dout)
    for got, drawn in zip((*f, *h), (*given_f, *given_h), strict=True):
        assert_same(got, drawn, dout)
    for (dW, db), layer in zip(reference.mlp_backward(params, f, h, dout), module[::2], strict=True):
        assert_same(dW, layer.weight.grad, dout)
        assert_same(db, layer.bias.grad, dout)


@given(x=strategies.points_in_space())
@few
def test_numerical_gradient_against_autograd(x):
    def fn(z):
        return (torch.sin(z) * torch.arange(z.numel()).reshape(z.shape)).sum() + z.prod()

    x = torch.tensor(x)
    before = x.clone()
    (variable,) = variables([x])
    fn(variable).backward()
    # eps² = 1e-12 times a third derivative below 30; rounding 1e-16·30/1e-6.
    torch.testing.assert_close(reference.numerical_gradient(fn, x), variable.grad, rtol=1e-7, atol=1e-7)
    assert torch.equal(x, before)


def test_numerical_gradient_of_a_cubic_shows_the_step():
    x = torch.tensor([[1.0, -2.0]], dtype=torch.float64)
    got = reference.numerical_gradient(lambda z: (z**3).sum(), x, eps=0.5)
    torch.testing.assert_close(got, 3 * x**2 + 0.25, rtol=1e-14, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@given(points=strategies.interpolation_points())
@few
def test_interpolant_against_np_interp(dtype, points):
    knots, values = points
    w, b, v, c = reference.relu_interpolant(*move(to_torch(points), dtype, "cpu"))
    assert w.shape == b.shape == v.shape == (len(knots) - 1,)
    x = torch.linspace(float(knots[0]), float(knots[-1]), 101, dtype=dtype)
    y = c + torch.relu(x[:, None] * w + b) @ v
    # Slopes up to 20 and steps down to ¼ make a few hundred ulp of numbers near 20.
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == torch.float32 else TOLERANCE[dtype]
    torch.testing.assert_close(y, torch.tensor(np.interp(x.numpy(), knots, values), dtype=dtype), **tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("device", DEVICES)
def test_results_follow_dtype_and_device_of_the_inputs(device, dtype):
    def make(*shape):
        return torch.linspace(-1.0, 2.0, int(np.prod(shape)), device=device, dtype=dtype).reshape(shape)

    params = [(make(3, 2), make(3)), (make(2, 3), make(2))]
    f, h = reference.mlp_forward(params, make(4, 2))
    loss, dlogits = reference.softmax_cross_entropy(f[-1], [0, 1, 1, 0])
    results = [
        *(getattr(reference, name)(make(3)) for name in ("relu_grad", "sigmoid", "sigmoid_grad", "tanh_grad")),
        *reference.toy_forward(1.0, make(4), make(4)),
        *reference.toy_backward(1.0, 2.0, make(4), make(4)),
        *f,
        *h,
        loss,
        dlogits,
        *(part for pair in reference.mlp_backward(params, f, h, dlogits) for part in pair),
        reference.numerical_gradient(lambda z: (z**2).sum(), make(2, 2), 1e-2),
        *reference.relu_interpolant(make(3), make(3) ** 2),
    ]
    assert {(r.dtype, r.device.type) for r in results} == {(dtype, device)}
