"""Visible checks of this notebook. They help you while you work; your score comes from other tests."""

import copy

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed


def check_fourier(fourier_coefficients, relative_frequency_error):
    x = np.arange(8) / 8
    waves = {
        "the constant 1": (np.ones(8), [1, 0, 0, 0]),
        "cos(2πx)": (np.cos(2 * np.pi * x), [0, 0.5, 0, 0]),
        "sin(2πx)": (np.sin(2 * np.pi * x), [0, -0.5j, 0, 0]),
        "3 sin(2π·2x)": (3 * np.sin(4 * np.pi * x), [0, 0, -1.5j, 0]),
    }
    for what, (values, expected) in waves.items():
        call = f"fourier_coefficients(values, [0, 1, 2, 3]) of {what}, n = 8"
        c = _complex(_call(fourier_coefficients, values, [0, 1, 2, 3], call=call), 4, call)
        expect_close(
            "c",
            c,
            np.array(expected, dtype=complex),
            call=call,
            why="sin θ = (e^(iθ) − e^(−iθ)) / 2i, cos θ = (e^(iθ) + e^(−iθ)) / 2",
        )

    values = np.random.default_rng(0).standard_normal(11)
    call = "fourier_coefficients(values, np.array([4, 0, 7])) of 11 random values"
    c = _complex(_call(fourier_coefficients, values, np.array([4, 0, 7]), call=call), 3, call)
    expect_close("c of frequency 0", c[1], values.mean() + 0j, call=call, why="the mean of the values")
    expect_close(
        "c of frequency 7", c[2], np.conj(c[0]), call=call, why="c_7 = c_(−4), the conjugate of c_4, for n = 11"
    )
    call = "fourier_coefficients(values, [0]) of 11 random values"
    c = _complex(_call(fourier_coefficients, values, [0], call=call), 1, call)
    expect_close("c", c, [values.mean() + 0j], call=call, rtol=1e-10, why="the mean of the values")
    call = "the sum over k = 0 … 10 of |c_k|² of 11 random values"
    c = _complex(_call(fourier_coefficients, values, list(range(11)), call=call), 11, call)
    expect_close("it", np.sum(np.abs(c) ** 2), np.mean(values**2), call=call, why="Parseval: the mean of the squares")

    x = np.arange(16) / 16
    target = np.sin(2 * np.pi * x) + 0.1 * np.cos(6 * np.pi * x)
    cases = (
        ("0", np.zeros(16), [1, 1], "nothing is learned yet"),
        ("the target", target, [0, 0], "all is learned"),
        ("sin(2πx)", np.sin(2 * np.pi * x), [0, 1], "frequency 1 is learned, frequency 3 not at all"),
        ("half of the target", target / 2, [0.5, 0.5], "half is missing of both"),
        ("minus the target", -target, [2, 2], "the right strength, upside down"),
        ("a cosine instead of the sine", np.cos(2 * np.pi * x), [np.sqrt(2), 1], "c_1 is ½ instead of −i/2"),
    )
    for what, prediction, expected, why in cases:
        call = (
            f"relative_frequency_error(prediction, target, [1, 3]), target sin(2πx) + 0.1 cos(6πx), prediction {what}"
        )
        e = _call(relative_frequency_error, prediction, target, [1, 3], call=call)
        _array(e, (2,), "e", call)
        expect_close("e", e, expected, call=call, why=why)
    passed(
        "fourier",
        "coefficients of pure waves, the mean, Parseval's theorem, the error of six predictions, arguments unchanged",
        "one or two samples, frequencies below 0 or beyond the number of samples",
    )


def check_convergence_order(convergence_order):
    late, early, middle = [0.9, 0.8, 0.7, 0.4], [0.9, 0.1, 0.1, 0.3], [0.9, 0.6, 0.2, 0.2]
    again, never, back = [0.1, 0.1, 0.8, 0.2], [0.9, 0.9, 0.7, 0.6], [0.9, 0.2, 0.2, 0.7]
    edge, low = [0.3, 0.3, 0.3, 0.5], [0.3, 0.2, 0.1, 0.1]
    cases = (
        ([early, middle, late], [3, 1, 5], [3, 1, 5], "their errors stay below ½ from step 1, 2 and 3 on"),
        ([late, early, middle], [1, 3, 2], [3, 2, 1], "their errors stay below ½ from step 3, 1 and 2 on"),
        ([again, middle], [1, 2], [2, 1], "frequency 1 rises above ½ again; its final stretch begins at step 3"),
        ([never, late, early], [1, 2, 7], [7, 2], "the error of frequency 1 is never below ½"),
        ([back, early], [1, 4], [4], "the error of frequency 1 ends above ½"),
        ([edge, early], [1, 4], [4], "the error of frequency 1 ends at ½, which is not below ½"),
        ([middle, early, middle], [6, 4, 2], [4, 2, 6], "two are learned at the same step: lower frequency first"),
        ([middle, middle], [10, 9], [9, 10], "two are learned at the same step, and 9 is the lower number"),
        ([early, low], [1, 2], [2, 1], "the error of frequency 2 is below ½ from step 0 on"),
        ([never, back], [1, 4], [], "neither error is below ½ at the end"),
    )
    for curves, freqs, expected, why in cases:
        call = f"convergence_order(errors, {freqs}, 0.5) with the columns {', '.join(map(str, curves))}"
        order = _call(convergence_order, np.array(curves).T, freqs, 0.5, call=call)
        expect(order is not None, f"{call} returned None. Is a return statement missing?")
        if isinstance(order, np.ndarray) and order.ndim == 1:
            order = order.tolist()
        expect(isinstance(order, (list, tuple)), f"{call} must return a list, but returned {_describe(order)}.")
        for k in order:
            expect(np.ndim(k) == 0 and not isinstance(k, str), f"{call} must return frequencies, but returned {order}.")
        expect(list(order) == expected, f"{call}\n  returned {list(order)}\n  expected {expected}  ({why})")
    passed("convergence_order", "ten small cases, worked out by hand; arguments unchanged", "errors that are NaN")


def check_condensed_groups(neuron_directions, condensed_groups):
    w = np.array([[3.0, 0.0], [0.0, -2.0], [0.0, 0.0], [1.0, 2.0], [0.0, 0.0]])
    b, a = np.array([4.0, 0.0, 0.0, 2.0, -3.0]), np.array([2.0, -0.5, 7.0, -1.0, 0.0])
    call = "neuron_directions(w, b, a) with (w, b) = (3, 0, 4), (0, −2, 0), (0, 0, 0), (1, 2, 2), (0, 0, −3)"
    result = _call(neuron_directions, w, b, a, call=call)
    units, amplitude = expect_tuple(result, "units", "amplitude", call=call)
    _array(units, (5, 3), "units", call)
    _array(amplitude, (5,), "amplitude", call)
    expect(np.isfinite(units).all(), f"{call}: units holds NaN or infinity:\n{units}\nLook at the neuron that is zero.")
    expected = [[0.6, 0, 0.8], [0, -1, 0], [0, 0, 0], [1 / 3, 2 / 3, 2 / 3], [0, 0, -1]]
    expect_close("units", units, expected, call=call, why="the lengths are 5, 2, 0, 3 and 3")
    expect_close("amplitude", amplitude, [10, 1, 0, 3, 0], call=call, why="with a = (2, −½, 7, −1, 0)")

    angles = {
        "0°, 5°, 90°, 95°, 85°": ([0, 5, 90, 95, 85], [1] * 5, 2, "two bundles"),
        "0°, 180°": ([0, 180], [1, 1], 2, "opposite directions are different groups"),
        "0°, 60°, 40°, 20°": ([0, 60, 40, 20], [1] * 4, 1, "each is within 25° of the next one, so all hang together"),
        "20°, 60°, 40°, 0°, 120°": ([20, 60, 40, 0, 120], [1] * 5, 2, "a chain, and one neuron by itself"),
        "0°, 40°, 20° (weak)": ([0, 40, 20], [1, 1, 0.2], 2, "the weak neuron does not count, so it connects nothing"),
        "0°, 90° (weak), 180°": ([0, 90, 180], [3, 0.6, 3], 3, "0.6 is above 0.5"),
        "0° (weak), 90° (weak)": ([0, 90], [0.2, 0.2], 0, "no neuron is strong enough"),
    }
    for shown, (degrees, strengths, expected, why) in angles.items():
        radians = np.radians(np.array(degrees, dtype=float))
        units = np.stack([np.cos(radians), np.sin(radians)], axis=1)
        call = f"condensed_groups of neurons at {shown}, cos_threshold cos 25°, min_amplitude 0.5"
        count = _call(
            condensed_groups, units, np.array(strengths, dtype=float), float(np.cos(np.radians(25))), 0.5, call=call
        )
        expect(count is not None, f"{call} returned None. Is a return statement missing?")
        is_int = isinstance(count, (int, np.integer, np.ndarray)) and np.asarray(count).dtype.kind in "iu"
        expect(is_int and np.shape(count) == (), f"{call} must return an int, but returned {_describe(count)}.")
        expect(count == expected, f"{call} returned {count}, expected {expected} ({why}).")
    passed(
        "condensed_groups",
        "five neurons by hand, seven sets of directions in the plane, arguments unchanged",
        "very small neurons, long chains, cosines and amplitudes exactly at their limits",
    )


def check_product_gradients(product_gradients, effective_step):
    for b, c, x, y in ((2.0, -1.0, 3.0, 0.5), (0.5, 0.25, 1.0, 2.0), (-1.5, 0.0, 2.0, 1.0)):
        leaf_b, leaf_c = (torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in (b, c))
        (0.5 * (y - leaf_b * leaf_c * x) ** 2).backward()
        call = f"product_gradients({b}, {c}, {x}, {y})"
        db, dc = expect_tuple(product_gradients(b, c, x, y), "db", "dc", call=call)
        expect_close("db", db, leaf_b.grad, call=call, why="autograd")
        expect_close("dc", dc, leaf_c.grad, call=call, why="autograd")
        for lr in (0.5, 0.01):
            new_b, new_c = (leaf.item() - lr * leaf.grad.item() for leaf in (leaf_b, leaf_c))
            call = f"effective_step({b}, {c}, {x}, {y}, {lr})"
            why = "b·c after one step of gradient descent with autograd, minus b·c before"
            expect_close("delta", effective_step(b, c, x, y, lr), new_b * new_c - b * c, call=call, why=why)
    for b, c, x, y in ((0.0, 0.0, 1.0, 3.0), (2.0, 1.5, 2.0, 6.0)):
        call = f"effective_step({b}, {c}, {x}, {y}, 0.1)"
        expect_close("delta", effective_step(b, c, x, y, 0.1), 0.0, call=call, why="both gradients are 0 there")
    passed("product_gradients", "gradients and steps against autograd, two points at rest", "tiny learning rates")


def check_two_layer_train(two_layer_train):
    call = "two_layer_train([[2]], [1], [[1]], [1], [2], 0.01, 1): one sample, one neuron, one step"
    start = (np.array([[2.0]]), np.array([1.0]), np.array([[1.0]]), np.array([1.0]), np.array([2.0]))
    w, b, a, losses = _trained(two_layer_train, start, 0.01, 1, call)
    expect_close("losses[:1]", losses[:1], [25.0], call=call, why="h = 2·1 + 1 = 3, f = 2·3 = 6, (6 − 1)² = 25")
    why = "by hand: ∂ℓ/∂f = 2·5 = 10, then times what f has for a slope in this parameter"
    expect_close("a", a, [2 - 0.01 * 10 * 3], call=call, why=why)
    expect_close("w", w, [[1 - 0.01 * 10 * 2 * 2]], call=call, why=why)
    expect_close("b", b, [1 - 0.01 * 10 * 2], call=call, why=why)
    expect_close("losses[1:]", losses[1:], [(1.7 * (0.6 * 2 + 0.8) - 1) ** 2], call=call, why="with the new w, b and a")

    random = np.random.default_rng(3)
    for n, d, H, steps in ((7, 3, 4, 5), (4, 1, 6, 0), (5, 2, 3, 30)):
        shapes = (n, d), (n,), (H, d), (H,), (H,)
        arrays = tuple(random.standard_normal(shape) for shape in shapes)
        call = f"two_layer_train with X {shapes[0]} and {H} neurons, lr 0.05, {steps} steps"
        got = _trained(two_layer_train, arrays, 0.05, steps, call)
        for name, value, expected in zip(NAMES, got, _autograd(*arrays, 0.05, steps), strict=True):
            expect_close(name, value, expected, call=call, why="the same training with autograd and torch.optim.SGD")

    w, b, a = np.zeros((2, 2)), np.array([0.0, 0.5]), np.array([1.0, -1.0])
    w[1] = [1.0, 2.0]
    call = "two_layer_train with two neurons, of which the first has w = 0 and b = 0"
    got = _trained(two_layer_train, (np.ones((1, 2)), np.array([2.0]), w, b, a), 0.01, 3, call)
    expect_close("w of that neuron", got[0][0], [0, 0], call=call, why="its pre-activation is 0, and ReLU′(0) = 0")
    expect_close("b of that neuron", got[1][0], 0.0, call=call, why="its pre-activation is 0, and ReLU′(0) = 0")
    passed(
        "two_layer_train",
        "one step by hand, three trainings against torch.optim.SGD, a zero neuron, arguments unchanged",
        "other sizes, longer training",
    )


NAMES = ("w", "b", "a", "losses")


def _trained(two_layer_train, arrays, lr, steps, call):
    result = _call(two_layer_train, *arrays, lr, steps, call=call)
    parts = expect_tuple(result, *NAMES, call=call)
    for name, part, before in zip(NAMES, parts, arrays[2:], strict=False):
        _array(part, before.shape, name, call)
    _array(parts[3], (steps + 1,), "losses", call)
    return parts


def _autograd(X, y, w, b, a, lr, steps):
    X, y = torch.tensor(X), torch.tensor(y)
    network = torch.nn.Sequential(torch.nn.Linear(*w.T.shape), torch.nn.ReLU(), torch.nn.Linear(len(a), 1, bias=False))
    network = network.to(X.dtype)
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), (w, b, a[None]), strict=True):
            parameter.copy_(torch.tensor(value))
    optimizer, losses = torch.optim.SGD(network.parameters(), lr=lr), []
    for step in range(steps + 1):
        loss = torch.nn.functional.mse_loss(network(X)[:, 0], y)
        losses.append(loss.item())
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    w, b, a = (parameter.detach().numpy() for parameter in network.parameters())
    return w, b, a[0], np.array(losses)


def _call(function, *args, call):
    """Call with these arguments and make sure that it leaves them as they were."""
    before = copy.deepcopy(args)
    result = function(*args)
    for i, (old, new) in enumerate(zip(before, args, strict=True)):
        expect(np.array_equal(old, new), f"{call} changed its argument number {i + 1} in place. Work on a copy.")
    return result


def _array(value, shape, name, call):
    expect(value is not None, f"{call}: {name} is None. Is a return statement missing?")
    expect(isinstance(value, np.ndarray), f"{call}: {name} must be a NumPy array, but is {_describe(value)}.")
    expect(value.shape == shape, f"{call}: {name} has shape {value.shape}, expected {shape}.")
    expect(value.dtype == np.float64, f"{call}: {name} must have dtype float64, but has {value.dtype}.")


def _complex(value, count, call):
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    expect(isinstance(value, np.ndarray), f"{call} must return a NumPy array, but returned {_describe(value)}.")
    expect(value.shape == (count,), f"{call} has shape {value.shape}, expected {(count,)}.")
    expect(value.dtype == np.complex128, f"{call} must return a complex128 array, but its dtype is {value.dtype}.")
    return value


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return "None" if value is None else f"a {type(value).__name__}"
