"""Visible checks of this notebook: quick, and not all that the hidden tests look at."""

import numpy as np
import torch
from visible import expect, expect_close, passed


def _array(value, shape, call):
    """The result as it is, once it is certain that it is a float64 array of this shape with finite numbers."""
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    expect(
        isinstance(value, np.ndarray),
        f"{call} must return a NumPy array, but returned a value of type {type(value).__name__}.",
    )
    expect(value.shape == shape, f"{call} has shape {value.shape}, expected {shape}.")
    expect(value.dtype == np.float64, f"{call} has dtype {value.dtype}, expected float64.")
    expect(np.isfinite(value).all(), f"{call} holds values that are not finite.")
    return value


def _expect_unchanged(before, after, call):
    same = all(np.array_equal(b, a) for b, a in zip(before, after, strict=True))
    expect(same, f"{call} changed its arguments. Return new arrays and leave the arguments as they were.")


def _network(*widths, batch, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(b, a)) for a, b in zip(widths[:-1], widths[1:], strict=True)]
    return weights, rng.normal(size=(batch, widths[0])), rng.normal(size=(batch, widths[-1]))


def _torch_network(weights):
    layers = []
    for omega in weights:
        linear = torch.nn.Linear(omega.shape[1], omega.shape[0], bias=False, dtype=torch.float64)
        linear.weight.data = torch.tensor(omega)
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers)


def check_normal_initializers(he_normal, xavier_normal, mean_fan_normal):
    wanted = [
        (he_normal, "he_normal", 400, 100, 0.0707107, "√(2/400)"),
        (he_normal, "he_normal", 100, 400, 0.1414214, "√(2/100)"),
        (xavier_normal, "xavier_normal", 400, 100, 0.0632456, "√(2/500)"),
        (mean_fan_normal, "mean_fan_normal", 400, 100, 0.0894427, "√(4/500)"),
    ]
    for function, name, d_in, d_out, std, why in wanted:
        call = f"{name}({d_in}, {d_out}, 0)"
        W = _array(function(d_in, d_out, 0), (d_out, d_in), call)
        # 40 000 draws: the estimate is off by 0.35 % typically, by 2 % with a probability below 1e-7.
        got = np.sqrt(np.mean(W**2))
        expect(
            abs(got / std - 1) < 0.02,
            f"{call}: the standard deviation is off.\n  got      {got:.4g}\n  expected {std:.4g}  ({why})\n"
            f"  got/expected is {got / std:.3g}, its square {(got / std) ** 2:.3g}: does one of them remind you of something?",
        )
        expect(abs(W.mean()) < 0.04 * std, f"{call}: the mean is {W.mean():.3g}, expected about 0.")
        expect(not np.allclose(W[0], W[1]), f"{call}: the first two rows are equal; every entry is drawn on its own.")
        expect(
            not np.allclose(W[:, 0], W[:, 1]), f"{call}: the first two columns are equal; draw every entry on its own."
        )
        expect(np.allclose(function(d_in, d_out, 0), W), f"{call} gives other numbers when it is called again.")
        expect(
            not np.allclose(function(d_in, d_out, 1), W),
            f"{name}({d_in}, {d_out}, 1) gives the same numbers as seed 0.",
        )
    passed(
        "normal_initializers",
        checked="shapes, standard deviations to 2 %, means, and the role of the seed",
        not_checked="whether the entries are normal, independent of each other, and right in very small layers",
    )


def check_forward_second_moments(forward_second_moments):
    for widths, batch, seed in [((3, 4), 5, 0), ((3, 5, 2), 4, 1), ((4, 4, 4), 6, 5)]:
        weights, X, _ = _network(*widths, batch=batch, seed=seed)
        before = [omega.copy() for omega in weights] + [X.copy()]
        h, expected = torch.tensor(X), []
        for layer in _torch_network(weights):
            h = layer(h)
            if isinstance(layer, torch.nn.ReLU):
                expected.append(float(h.detach().square().mean()))
        call = f"forward_second_moments(weights, X) with widths {' → '.join(map(str, widths))} and {batch} samples"
        got = _array(forward_second_moments(weights, X), (len(weights),), call)
        expect_close("E[h²]", got, expected, call=call, rtol=1e-5, why="torch.nn.Linear and torch.nn.ReLU")
        _expect_unchanged(before, [*weights, X], call)
    passed(
        "forward_second_moments",
        checked="three small networks against PyTorch",
        not_checked="deep networks, in which the moments become tiny or huge, and layers in which every unit is off",
    )


def check_backward_second_moments(backward_second_moments):
    for widths, batch, seed in [((3, 4), 5, 0), ((3, 5, 2), 4, 1), ((4, 4, 4, 4), 6, 5)]:
        weights, X, dout = _network(*widths, batch=batch, seed=seed)
        before = [omega.copy() for omega in weights] + [X.copy(), dout.copy()]
        h, pre_activations = torch.tensor(X), []
        for layer in _torch_network(weights):
            h = layer(h)
            if isinstance(layer, torch.nn.Linear):
                h.retain_grad()
                pre_activations.append(h)
        h.backward(torch.tensor(dout))
        expected = [float(f.grad.square().mean()) for f in pre_activations]
        call = (
            f"backward_second_moments(weights, X, dout) with widths {' → '.join(map(str, widths))} and {batch} samples"
        )
        got = _array(backward_second_moments(weights, X, dout), (len(weights),), call)
        expect_close("E[(∂ℓ/∂f)²]", got, expected, call=call, why="autograd; layer 0 first")
        _expect_unchanged(before, [*weights, X, dout], call)
    passed(
        "backward_second_moments",
        checked="three small networks against PyTorch's autograd",
        not_checked="deep networks, in which the moments become tiny or huge",
    )


def check_predicted_second_moments(predicted_second_moments):
    cases = [
        ([8, 6, 5], 0.5, 2.0, [4.0, 6.0], "½·8·0.5·2 = 4, then ½·6·0.5·4 = 6"),
        (np.array([8, 6, 5]), np.array([0.5, 2.0]), 2.0, [4.0, 24.0], "½·8·0.5·2 = 4, then ½·6·2·4 = 24"),
        (np.array([8, 8, 8, 8]), 0.25, 3.0, [3.0, 3.0, 3.0], "the critical variance 2/8"),
        (np.array([10, 3]), 1.0, 1.0, [5.0], "½·10·1·1"),
    ]
    for widths, sigma2, q0, expected, why in cases:
        shown = sigma2 if isinstance(sigma2, float) else f"np.array({sigma2.tolist()})"
        call = f"predicted_second_moments({list(map(int, widths))}, {shown}, {q0})"
        before = np.array(widths)
        got = _array(predicted_second_moments(widths, sigma2, q0), (len(expected),), call)
        expect_close("q_1 … q_L", got, expected, call=call, why=why)
        _expect_unchanged([before], [np.array(widths)], call)
    passed(
        "predicted_second_moments",
        checked="four examples worked out by hand, widths as list and as array, one variance and one per layer",
        not_checked="wide networks of many layers",
    )


def check_depth_until_underflow(depth_until_underflow):
    cases = [
        (20, 0.03, np.float16, 9, "0.3⁸ = 6.6e-5 is above 6.1e-5, 0.3⁹ = 2.0e-5 is below"),
        (20, 0.03, np.float32, 73, "0.3⁷² = 2.3e-38 is above 1.2e-38, 0.3⁷³ = 6.8e-39 is below"),
        (20, 0.03, np.float64, 589, "the smallest normal float64 is 2.2e-308"),
        (20, 0.3, np.float16, 11, "3¹⁰ = 59049 is below 65504, 3¹¹ = 177147 is above"),
        (20, 0.3, np.float32, 81, "3⁸⁰ = 1.5e38 is below 3.4e38, 3⁸¹ = 4.4e38 is above"),
        (64, 2 / 64, np.float16, -1, "½·64·(2/64) = 1: the signal stays"),
    ]
    for width, sigma2, dtype, expected, why in cases:
        call = f"depth_until_underflow({width}, {sigma2:.4g}, np.{dtype.__name__})"
        got = depth_until_underflow(width, sigma2, dtype)
        expect(got is not None, f"{call} returned None. Is a return statement missing?")
        integer = isinstance(got, (int, np.integer)) or (isinstance(got, np.ndarray) and got.dtype.kind in "iu")
        expect(integer and np.ndim(got) == 0, f"{call} must return an int, but returned {got!r}.")
        expect(got == expected, f"{call} is off.\n  got      {got}\n  expected {expected}  ({why})")
    passed(
        "depth_until_underflow",
        checked="fading, growing and critical signals in three number formats",
        not_checked="factors close to 1, results that hit a limit exactly, and critical variances that rounding makes inexact",
    )


def check_orthogonal(orthogonal):
    for d_in, d_out, gain in [(3, 5, 1.0), (5, 3, 2.0), (4, 4, 0.5), (30, 20, 1.4)]:
        call = f"orthogonal({d_in}, {d_out}, {gain}, 0)"
        W = _array(orthogonal(d_in, d_out, gain, 0), (d_out, d_in), call)
        product, name = (W.T @ W, "Ωᵀ Ω") if d_out >= d_in else (W @ W.T, "Ω Ωᵀ")
        identity = gain**2 * np.eye(min(d_in, d_out))
        expect_close(name, product, identity, call=call, atol=1e-6 * gain**2, why="gain² times the identity")
        expect(np.allclose(orthogonal(d_in, d_out, gain, 0), W), f"{call} gives other numbers when it is called again.")
        expect(
            not np.allclose(orthogonal(d_in, d_out, gain, 1), W),
            f"orthogonal({d_in}, {d_out}, {gain}, 1) gives the same numbers as seed 0.",
        )
    positive = np.mean([orthogonal(2, 3, 1.0, seed)[0, 0] > 0 for seed in range(500)])
    # Of 500 fair coins more than 0.67 or fewer than 0.33 fall on one side with a probability below 1e-12.
    expect(
        0.33 < positive < 0.67,
        f"orthogonal(2, 3, 1.0, seed): the top left entry is positive for {positive:.0%} of 500 seeds; "
        "if no direction is preferred, it is for about half of them.",
    )
    passed(
        "orthogonal",
        checked="orthogonality and gain for tall, wide and square matrices, the seed, the sign of one entry",
        not_checked="whether the whole matrix is uniform under rotation",
    )
