"""Visible checks of backprop: they compare with torch's autograd and with numbers worked out by hand.

They help you on the way. Your score comes from hidden tests, which look at more.
"""

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed


def check_elementwise(relu_grad, sigmoid, sigmoid_grad, tanh_grad):
    z = np.linspace(-4.0, 4.0, 9).reshape(3, 3)  # with z = 0 in the middle
    variable = torch.tensor(z)
    _elementwise("relu_grad", relu_grad, z, _derivative(torch.relu, variable), "torch's derivative of ReLU, 0 at z = 0")
    _elementwise("sigmoid", sigmoid, z, torch.sigmoid(variable), "torch.sigmoid")
    _elementwise(
        "sigmoid_grad", sigmoid_grad, z, _derivative(torch.sigmoid, variable), "torch's derivative of the sigmoid"
    )
    _elementwise("tanh_grad", tanh_grad, z, _derivative(torch.tanh, variable), "torch's derivative of tanh")
    passed(
        "elementwise",
        checked="all four functions on one 3 × 3 array of numbers from −4 to 4",
        not_checked="large |z| and the digits and warnings there; other shapes, such as () and (0,)",
    )


def check_toy_forward(toy_forward):
    beta, omega = np.array([1.0, -1.0, 2.0, 1.0]), np.array([-1.0, 2.0, 0.5, -3.0])
    # 1 + (−1)(−2) = 3, −1 + 2·3 = 5, 2 + ½·5 = 4.5, 1 − 3·4.5 = −12.5
    _toy_forward(toy_forward, -2.0, beta, omega, f=[3.0, 5.0, 4.5, -12.5], h=[3.0, 5.0, 4.5])
    beta = np.array([1.0, -7.0, 2.0, 1.0])
    # 3, −7 + 2·3 = −1, so the second unit is off: 2 + ½·0 = 2, 1 − 3·2 = −5
    _toy_forward(toy_forward, -2.0, beta, omega, f=[3.0, -1.0, 2.0, -5.0], h=[3.0, 0.0, 2.0])
    passed(
        "toy_forward",
        checked="two networks worked out by hand, one with a unit that is off",
        not_checked="other inputs and networks",
    )


def check_toy_backward(toy_backward):
    omega = np.array([1.5, -2.0, 0.5, 3.0])
    for title, beta in (
        ("all units on", np.array([0.5, 8.0, 1.0, -1.0])),
        ("second unit off", np.array([0.5, 2.0, 1.0, -1.0])),
    ):
        call = f"toy_backward(x=2.0, y=-1.0, beta={beta.tolist()}, omega={omega.tolist()}) ({title})"
        network = _torch_network([(omega[k].reshape(1, 1), beta[k].reshape(1)) for k in range(4)])
        loss = torch.nn.functional.mse_loss(network(torch.tensor([[2.0]]).double()), torch.tensor([[-1.0]]).double())
        loss.backward()
        expected_dbeta, expected_domega = (
            torch.stack([getattr(layer, part).grad.squeeze() for layer in network[::2]]) for part in ("bias", "weight")
        )
        arguments = [2.0, -1.0, beta.copy(), omega.copy()]
        dbeta, domega = expect_tuple(toy_backward(*arguments), "dbeta", "domega", call=call)
        for name, got, expected in (("dbeta", dbeta, expected_dbeta), ("domega", domega, expected_domega)):
            _expect_array(name, got, (4,), call)
            expect_close(name, got, expected, call=call, why="torch's autograd")
        _expect_unchanged(call, arguments, [2.0, -1.0, beta, omega])
    passed(
        "toy_backward",
        checked="two networks against torch's autograd, one with all units on, one with the second off",
        not_checked="other dead units, a unit exactly at 0, other inputs",
    )


def check_linear(linear_forward, linear_backward):
    rng = np.random.default_rng(0)
    X, W, b, dY = (rng.standard_normal(shape) for shape in ((4, 3), (2, 3), (2,), (4, 2)))
    variables = [torch.tensor(a, requires_grad=True) for a in (X, W, b)]
    Y = torch.nn.functional.linear(*variables)
    Y.backward(torch.tensor(dY))

    call = "linear_forward(X, W, b) with X (4, 3), W (2, 3), b (2,)"
    arguments = [X.copy(), W.copy(), b.copy()]
    got = linear_forward(*arguments)
    _expect_array("Y", got, (4, 2), call)
    expect_close("Y", got, Y.detach(), call=call, why="torch.nn.functional.linear")
    _expect_unchanged(call, arguments, [X, W, b])

    call = "linear_backward(dY, X, W) with dY (4, 2), X (4, 3), W (2, 3)"
    arguments = [dY.copy(), X.copy(), W.copy()]
    parts = expect_tuple(linear_backward(*arguments), "dX", "dW", "db", call=call)
    for name, part, variable in zip(("dX", "dW", "db"), parts, variables):
        _expect_array(name, part, tuple(variable.shape), call)
        expect_close(name, part, variable.grad, call=call, why="torch's autograd")
    _expect_unchanged(call, arguments, [dY, X, W])
    passed(
        "linear",
        checked="one batch of 4 with 3 inputs and 2 outputs, against torch's autograd",
        not_checked="other sizes: one example, one input, as many outputs as inputs",
    )


def check_softmax_cross_entropy(softmax_cross_entropy):
    logits = np.array([[1.0, -2.0, 0.5, 3.0], [0.0, 0.0, 2.0, -1.0], [-1.5, 1.0, 4.0, 0.25]])
    labels = np.array([3, 0, 1])
    variable = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(variable, torch.tensor(labels))
    loss.backward()
    call = "softmax_cross_entropy(logits, labels) with logits (3, 4), labels [3, 0, 1]"
    arguments = [logits.copy(), labels.copy()]
    got_loss, dlogits = expect_tuple(softmax_cross_entropy(*arguments), "loss", "dlogits", call=call)
    expect_close("loss", got_loss, loss.detach(), call=call, why="torch.nn.functional.cross_entropy")
    _expect_array("dlogits", dlogits, (3, 4), call)
    expect_close("dlogits", dlogits, variable.grad, call=call, why="torch's autograd; each row of it sums to 0")
    _expect_unchanged(call, arguments, [logits, labels])
    passed(
        "softmax_cross_entropy",
        checked="one batch of 3 with 4 classes and moderate logits, against torch's autograd",
        not_checked="large logits, rows of different size, a wide spread within a row; labels as a list; one example, one class",
    )


def check_mlp(mlp_forward, mlp_backward):
    rng = np.random.default_rng(1)
    widths, B = (3, 4, 4, 2), 5
    params = [(rng.standard_normal((o, i)), rng.standard_normal(o)) for i, o in zip(widths, widths[1:])]
    X, dout = rng.standard_normal((B, widths[0])), rng.standard_normal((B, widths[-1]))
    network = _torch_network(params)
    f, h = [], []

    def record(inputs, output):
        h.append(inputs.detach().numpy().copy())
        f.append(output.detach().numpy().copy())

    for layer in network[::2]:
        layer.register_forward_hook(lambda _, inputs, output: record(inputs[0], output))
    network(torch.tensor(X)).backward(torch.tensor(dout))

    call = f"mlp_forward(params, X) with a batch of {B} and the widths {widths}"
    arguments = [_copies(params), X.copy()]
    got_f, got_h = expect_tuple(mlp_forward(*arguments), "f", "h", call=call)
    for name, got, expected in (("f", got_f, f), ("h", got_h, h)):
        _expect_list(name, got, len(params), call)
        for k in range(len(params)):
            _expect_array(f"{name}[{k}]", got[k], expected[k].shape, call)
            expect_close(f"{name}[{k}]", got[k], expected[k], call=call, why="the same network in torch")
    _expect_unchanged(call, arguments, [params, X])

    call = f"mlp_backward(params, f, h, dout) with a batch of {B} and the widths {widths}"
    arguments = [_copies(params), _copies(f), _copies(h), dout.copy()]
    grads = mlp_backward(*arguments)
    _expect_list("grads", grads, len(params), call)
    for k, pair in enumerate(grads):
        dW, db = expect_tuple(pair, "dW", "db", call=f"{call}: grads[{k}]")
        layer = network[2 * k]
        for name, got, variable in ((f"dW of layer {k}", dW, layer.weight), (f"db of layer {k}", db, layer.bias)):
            _expect_array(name, got, tuple(variable.shape), call)
            expect_close(name, got, variable.grad, call=call, why="torch's autograd")
    _expect_unchanged(call, arguments, [params, f, h, dout])
    passed(
        "mlp",
        checked="one network of three layers on a batch of 5, against torch's autograd",
        not_checked="other depths, a network without hidden layers among them; one example; units exactly at 0",
    )


def check_numerical_gradient(numerical_gradient):
    x = np.array([[0.1, -0.4, 0.3], [-0.2, 0.5, 0.05]])
    shapes = []

    def fn(argument):
        shapes.append(np.shape(argument))
        expect(
            shapes[-1] == x.shape,
            f"fn was called with something of shape {shapes[-1]}; it must get an array of the shape of x, {x.shape}.",
        )
        return float(np.sum(np.exp(3 * argument)))

    call = "numerical_gradient(fn, x) with fn = lambda x: np.sum(np.exp(3 * x)) and x of shape (2, 3)"
    argument = x.copy()
    got = numerical_gradient(fn, argument)
    _expect_array("g", got, x.shape, call)
    expect(bool(shapes), f"{call}: fn was never called.")
    # The error of central differences is about eps²·9/6 relative, and rounding about 1e-9.
    expect_close("g", got, 3 * np.exp(3 * x), call=call, rtol=1e-7, why="the derivative by hand, 3·exp(3x)")
    expect(
        np.array_equal(argument, x),
        f"{call}: x is not exactly what it was before the call; it differs by up to {np.abs(argument - x).max():.1g}.",
    )
    passed(
        "numerical_gradient",
        checked="one function of a 2 × 3 array with the default eps, and that x comes out as it went in",
        not_checked="another eps, other functions, arrays with no or three axes",
    )


def check_relu_interpolant(relu_interpolant):
    knots, values = np.array([-2.0, -1.0, 0.5, 1.0, 3.0]), np.array([1.0, 3.0, 0.0, 0.5, -1.5])
    call = f"relu_interpolant(knots={knots.tolist()}, values={values.tolist()})"
    arguments = [knots.copy(), values.copy()]
    w, b, v, c = expect_tuple(relu_interpolant(*arguments), "w", "b", "v", "c", call=call)
    expect(isinstance(w, np.ndarray) and w.ndim == 1, f"{call}: w must be an array of shape (m,), got {w!r}.")
    for name, part in (("w", w), ("b", b), ("v", v)):
        _expect_array(name, part, w.shape, call)
    is_number = isinstance(c, (int, float, np.number, np.ndarray)) and np.shape(c) == ()
    expect(is_number, f"{call}: c must be a number, got {c!r}.")
    expect(len(w) <= len(knots) - 1, f"{call}: there are {len(w)} hidden units; {len(knots) - 1} are enough.")

    def y(x):
        return c + np.maximum(np.outer(x, w) + b, 0.0) @ v

    expect_close("y(knots)", y(knots), values, call=call, why="the network must pass through the points")
    middle = (knots[1:] + knots[:-1]) / 2
    expected = (values[1:] + values[:-1]) / 2
    expect_close("y halfway between the knots", y(middle), expected, call=call, why="the mean of its two neighbours")
    _expect_unchanged(call, arguments, [knots, values])
    passed(
        "relu_interpolant",
        checked="one set of five points, at the points and halfway between them",
        not_checked="other points: two of them, many of them, several on one line",
    )


def _torch_network(params):
    """Linear layers with these weights and biases, ReLU between them."""
    modules = []
    for W, b in params:
        linear = torch.nn.Linear(*W.shape[::-1]).double()
        linear.load_state_dict({"weight": torch.tensor(W), "bias": torch.tensor(b)})
        modules += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*modules[:-1])


def _derivative(function, z):
    variable = z.clone().requires_grad_()
    function(variable).sum().backward()
    return variable.grad


def _elementwise(name, function, z, expected, why):
    call = f"{name}(z) with z from −4 to 4 of shape (3, 3)"
    argument = z.copy()
    got = function(argument)
    _expect_array("the result", got, z.shape, call)
    expect_close("the result", got, expected, call=call, rtol=1e-9, atol=1e-12, why=why)
    _expect_unchanged(call, [argument], [z])


def _toy_forward(toy_forward, x, beta, omega, *, f, h):
    call = f"toy_forward(x={x}, beta={beta.tolist()}, omega={omega.tolist()})"
    arguments = [x, beta.copy(), omega.copy()]
    got_f, got_h = expect_tuple(toy_forward(*arguments), "f", "h", call=call)
    for name, got, expected in (("f", got_f, f), ("h", got_h, h)):
        _expect_array(name, got, (len(expected),), call)
        expect_close(name, got, expected, call=call, why=f"by hand {name} = {expected}")
    _expect_unchanged(call, arguments, [x, beta, omega])


def _expect_array(name, got, shape, call):
    expect(got is not None, f"{call}: {name} is None. Is a return statement missing?")
    expect(
        isinstance(got, np.ndarray),
        f"{call}: {name} must be a NumPy array of shape {shape}, but is of type {type(got).__name__}.",
    )
    expect(got.shape == shape, f"{call}: {name} has shape {got.shape}, expected {shape}.")
    expect(got.dtype == np.float64, f"{call}: {name} has dtype {got.dtype}, expected float64.")


def _expect_list(name, got, length, call):
    expect(got is not None, f"{call}: {name} is None. Is a return statement missing?")
    expect(isinstance(got, (list, tuple)), f"{call}: {name} must be a list, but is of type {type(got).__name__}.")
    expect(len(got) == length, f"{call}: {name} has {len(got)} entries, expected {length}, one per layer.")


def _copies(value):
    return value.copy() if isinstance(value, np.ndarray) else type(value)(_copies(item) for item in value)


def _same(one, other):
    if isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other))
    return np.array_equal(one, other)


def _expect_unchanged(call, now, before):
    """The call must leave its arguments as they were."""
    expect(_same(now, before), f"{call} changed one of its arguments in place. Work on new arrays.")
