"""Correct solutions of backprop in unusual shapes: other algorithms, other containers, torch inside."""

from __future__ import annotations

import math

import numpy as np
import torch

# ------------------------------------------------------------------------------------------------------ elementwise


def sigmoid_by_masks(z):
    out = np.empty_like(z)
    positive = z >= 0
    out[positive] = 1 / (1 + np.exp(-z[positive]))
    e = np.exp(z[~positive])
    out[~positive] = e / (1 + e)
    return out


def sigmoid_in_the_log_domain(z):
    return np.exp(-np.logaddexp(0.0, -z))


def sigmoid_silenced(z):
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(z < 0, np.exp(z) / (1 + np.exp(z)), 1 / (1 + np.exp(-z)))


def sigmoid_clipped_where_float64_ends(z):
    return 1 / (1 + np.exp(-np.clip(z, -709.0, 709.0)))


def sigmoid_as_python_float_for_0d(z):
    result = sigmoid_by_masks(z)
    return float(result) if z.ndim == 0 else result


def relu_grad_by_heaviside(z):
    return np.heaviside(z, 0.0)


def relu_grad_by_sign(z):
    return np.maximum(np.sign(z), 0.0)


def relu_grad_in_a_loop(z):
    return np.array([1.0 if value > 0 else 0.0 for value in z.ravel()]).reshape(z.shape)


def tanh_grad_by_factors(z):
    t = np.tanh(z)
    return (1 - t) * (1 + t)


def tanh_grad_by_cosh_clipped(z):
    return np.cosh(np.clip(z, -300, 300)) ** -2.0


def sigmoid_grad_by_autograd(z):
    variable = torch.tensor(z, requires_grad=True)
    torch.sigmoid(variable).sum().backward()
    return variable.grad.numpy()


def tanh_grad_extended(z):
    return (1 - np.tanh(z.astype(np.longdouble)) ** 2).astype(np.float64)


# ---------------------------------------------------------------------------------------------- toy_forward, _backward


def toy_forward_unrolled(x, beta, omega):
    f0 = beta[0] + omega[0] * x
    h1 = np.maximum(0, f0)
    f1 = beta[1] + omega[1] * h1
    h2 = np.maximum(0, f1)
    f2 = beta[2] + omega[2] * h2
    h3 = np.maximum(0, f2)
    return [np.array([f0, f1, f2, beta[3] + omega[3] * h3]), np.array([h1, h2, h3])]


def toy_forward_with_one_buffer(x, beta, omega):
    buffer = np.empty(8)
    signal = x
    for k in range(4):
        buffer[k] = beta[k] + omega[k] * signal
        signal = buffer[4 + k] = buffer[k] * (buffer[k] > 0)
    return buffer[:4], buffer[4:7]


def toy_forward_in_torch(x, beta, omega):
    f, h = [], []
    signal = torch.tensor(x, dtype=torch.float64)
    for k in range(4):
        f.append(torch.tensor(beta)[k] + torch.tensor(omega)[k] * signal)
        signal = torch.relu(f[-1])
        h.append(signal)
    return torch.stack(f).numpy(), torch.stack(h[:3]).numpy()


def toy_backward_by_autograd(x, y, beta, omega):
    beta, omega = torch.tensor(beta, requires_grad=True), torch.tensor(omega, requires_grad=True)
    signal = x
    for k in range(4):
        f = beta[k] + omega[k] * signal
        signal = torch.relu(f)
    ((f - y) ** 2).backward()
    return beta.grad.numpy(), omega.grad.numpy()


def toy_backward_forward_mode(x, y, beta, omega):
    """All eight tangents carried forward beside the values."""
    signal, tangent = float(x), np.zeros(8)
    for k in range(4):
        new = omega[k] * tangent
        new[k] += 1.0
        new[4 + k] += signal
        f, tangent = beta[k] + omega[k] * signal, new
        if k < 3:
            tangent = tangent if f > 0 else np.zeros(8)
            signal = max(f, 0.0)
    gradient = 2 * (f - y) * tangent
    return [gradient[:4], gradient[4:]]


def toy_backward_as_products(x, y, beta, omega):
    f, h = toy_forward_unrolled(x, beta, omega)
    factors = np.append(omega[1:] * (h > 0), 1.0)
    dbeta = 2 * (f[3] - y) * np.cumprod(factors[::-1])[::-1]
    return dbeta, dbeta * np.append(x, h)


def toy_backward_unrolled(x, y, beta, omega):
    f, h = toy_forward_unrolled(x, beta, omega)
    df3 = 2 * f[3] - 2 * y
    df2 = np.where(f[2] > 0, omega[3] * df3, 0)
    df1 = np.where(f[1] > 0, omega[2] * df2, 0)
    df0 = np.where(f[0] > 0, omega[1] * df1, 0)
    return np.array([df0, df1, df2, df3]), np.array([df0 * x, df1 * h[0], df2 * h[1], df3 * h[2]])


# ----------------------------------------------------------------------------------------------------------- linear


def linear_forward_einsum(X, W, b):
    return np.einsum("bi,oi->bo", X, W) + b[None, :]


def linear_forward_loops(X, W, b):
    Y = np.zeros((len(X), len(b)))
    for row in range(len(X)):
        for out in range(len(b)):
            Y[row, out] = b[out] + sum(X[row, i] * W[out, i] for i in range(X.shape[1]))
    return Y


def linear_forward_augmented(X, W, b):
    return np.c_[X, np.ones(len(X))] @ np.c_[W, b].T


def linear_backward_einsum(dY, X, W):
    return [np.einsum("bo,oi->bi", dY, W), np.einsum("bo,bi->oi", dY, X), np.einsum("bo->o", dY)]


def linear_backward_views(dY, X, W):
    """Transposed views, not contiguous."""
    return (W.T @ dY.T).T, (X.T @ dY).T, np.ones(len(dY)) @ dY


def linear_backward_outer_products(dY, X, W):
    dW, db = np.zeros_like(W), np.zeros(len(W))
    for dy, x in zip(dY, X, strict=True):
        dW += np.outer(dy, x)
        db += dy
    return np.array([dy @ W for dy in dY]), dW, db


# -------------------------------------------------------------------------------------------- softmax_cross_entropy


def softmax_cross_entropy_by_logaddexp(logits, labels):
    log_p = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    rows = np.arange(len(logits))
    onehot = np.zeros_like(logits)
    onehot[rows, labels] = 1
    return -np.mean(log_p[rows, labels]), (np.exp(log_p) - onehot) / len(logits)


def softmax_cross_entropy_loops(logits, labels):
    losses, rows = [], []
    for z, y in zip(logits.tolist(), labels, strict=True):
        top = max(z)
        total = math.fsum(math.exp(value - top) for value in z)
        losses.append(math.log(total) + top - z[y])
        rows.append([(math.exp(value - top) / total - (c == y)) / len(logits) for c, value in enumerate(z)])
    return [sum(losses) / len(losses), np.array(rows)]


def softmax_cross_entropy_by_autograd(logits, labels):
    z = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(z, torch.as_tensor(np.asarray(labels), dtype=torch.int64))
    loss.backward()
    return loss.detach().numpy(), z.grad.numpy()


def softmax_cross_entropy_by_softplus(logits, labels):
    """ℓ = log Σ_c e^{z_c − z_y}: differences to the label's logit, then a logsumexp of them."""
    labels = np.asarray(labels).astype(int)
    relative = logits - np.take_along_axis(logits, labels[:, None], axis=1)
    loss = np.logaddexp.reduce(relative, axis=1)
    p = np.exp(relative - loss[:, None])
    return np.float64(loss.mean()), (p - (np.arange(logits.shape[1]) == labels[:, None])) / len(labels)


def softmax_cross_entropy_mean_subtracted_too(logits, labels):
    z = logits - logits.mean(axis=1)[:, None]
    z = (z.T - z.max(axis=1)).T
    e = np.exp(z)
    picked = z[range(len(z)), list(labels)]
    g = (e.T / e.sum(axis=1)).T
    g[range(len(z)), list(labels)] -= 1.0
    return (np.log(e.sum(axis=1)) - picked).sum() / len(z), g / len(z)


# -------------------------------------------------------------------------------------------------------------- mlp


def mlp_forward_recursive(params, X):
    (W, b), rest = params[0], params[1:]
    f = X @ W.T + b
    if not rest:
        return (f,), (X,)
    later_f, later_h = mlp_forward_recursive(rest, np.clip(f, 0, None))
    return (f, *later_f), (X, *later_h)


def mlp_forward_einsum(params, X):
    f, h = [], [X.copy()]
    for k, (W, b) in enumerate(params):
        f.append(np.einsum("oi,bi->bo", W, h[k]) + b)
        if k + 1 < len(params):
            h.append(f[k] * (f[k] > 0))
    return [f, h]


def mlp_forward_transposed(params, X):
    """Columns are examples inside; what comes out are views that are not contiguous."""
    f, h = [], [X.T]
    for W, b in params:
        f.append(W @ h[-1] + b[:, None])
        h.append((f[-1] + np.abs(f[-1])) / 2)
    return [a.T for a in f], [a.T for a in h[:-1]]


def mlp_backward_masks_from_h(params, f, h, dout):
    grads = [None] * len(params)
    delta = dout
    for k in reversed(range(len(params))):
        grads[k] = [delta.T @ h[k], delta.sum(axis=0)]
        delta = (delta @ params[k][0]) * np.sign(h[k])
    return tuple(grads)


def mlp_backward_by_autograd(params, f, h, dout):
    tensors = [(torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)) for W, b in params]
    signal = torch.tensor(h[0])
    for k, (W, b) in enumerate(tensors):
        signal = torch.nn.functional.linear(signal if k == 0 else torch.relu(signal), W, b)
    signal.backward(torch.tensor(dout))
    return [(W.grad.numpy(), b.grad.numpy()) for W, b in tensors]


def mlp_backward_example_by_example(params, f, h, dout):
    grads = [(np.zeros_like(W), np.zeros_like(b)) for W, b in params]
    for row, delta in enumerate(dout):
        for k in range(len(params) - 1, -1, -1):
            grads[k][0][...] += np.outer(delta, h[k][row])
            grads[k][1][...] += delta
            if k:
                delta = np.where(f[k - 1][row] > 0, delta @ params[k][0], 0.0)
    return grads


def mlp_backward_recomputing(params, f, h, dout):
    """Keeps nothing of f but computes it again from h."""
    grads, delta = [], dout
    for k in range(len(params))[::-1]:
        W, _ = params[k]
        grads.append((delta.T @ h[k], delta.sum(0)))
        if k:
            previous_W, previous_b = params[k - 1]
            delta = (delta @ W) * ((h[k - 1] @ previous_W.T + previous_b) > 0)
    grads.reverse()
    return grads


# ----------------------------------------------------------------------------------------------- numerical_gradient


def numerical_gradient_in_place_and_back(fn, x, eps=1e-6):
    g = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        i = it.multi_index
        old = x[i].copy()
        x[i] = old + eps
        high = fn(x)
        x[i] = old - eps
        low = fn(x)
        x[i] = old
        g[i] = (high - low) / (2 * eps)
        it.iternext()
    return g


def numerical_gradient_by_unit_steps(fn, x, eps=1e-6):
    steps = eps * np.eye(x.size).reshape((x.size, *x.shape))
    return np.array([(fn(x + s) - fn(x - s)) / (2 * eps) for s in steps]).reshape(x.shape)


def numerical_gradient_with_the_exact_step(fn, x, eps=1e-6):
    """Divides by the step that was really made, rounding included."""
    high, low = np.array(x), np.array(x)
    g = np.empty(x.size)
    for i in range(x.size):
        high.flat[i] += eps
        low.flat[i] -= eps
        g[i] = (fn(high) - fn(low)) / (high.flat[i] - low.flat[i])
        high.flat[i] = low.flat[i] = x.flat[i]
    return g.reshape(x.shape)


def numerical_gradient_two_halves(fn, x, eps=1e-6):
    def shifted(i, by):
        y = x.copy().ravel()
        y[i] += by
        return fn(y.reshape(x.shape)) / (2 * eps)

    return np.array([shifted(i, eps) - shifted(i, -eps) for i in range(x.size)]).reshape(x.shape)


# ------------------------------------------------------------------------------------------------- relu_interpolant


def relu_interpolant_from_the_right(knots, values):
    """Units that face left."""
    slopes = np.diff(values) / np.diff(knots)
    v = -np.diff(slopes[::-1], prepend=0.0)
    return -np.ones_like(v), knots[:0:-1].copy(), v, values[-1]


def relu_interpolant_by_linear_solve(knots, values):
    A = np.maximum(knots[1:, None] - knots[:-1], 0.0)
    v = np.linalg.solve(A, values[1:] - values[0])
    return np.ones(len(v)), -knots[:-1], v, float(values[0])


def relu_interpolant_scaled_and_shuffled(knots, values):
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    scale = 1 + np.arange(len(v)) % 3
    order = np.argsort(-np.arange(len(v)))
    return [(1.0 * scale)[order], (-knots[:-1] * scale)[order], (v / scale)[order], np.array(values[0])]


def relu_interpolant_without_idle_units(knots, values):
    """Leaves out units whose weight is zero; a constant needs none."""
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    used = np.abs(v) > 1e-14
    return np.ones(used.sum()), -knots[:-1][used], v[used], values[0]


def relu_interpolant_line_from_a_far_kink(knots, values):
    """The first unit is on long before the first knot; the offset makes up for it."""
    slopes = np.diff(values) / np.diff(knots)
    v = np.diff(slopes, prepend=0.0)
    b = -knots[:-1].copy()
    b[0] += 5.0
    return np.ones_like(v), b, v, values[0] - 5.0 * slopes[0]


VARIANTS: list = [
    ("sigmoid by masks", {"sigmoid": sigmoid_by_masks, "relu_grad": relu_grad_by_heaviside}),
    ("sigmoid in the log domain", {"sigmoid": sigmoid_in_the_log_domain, "tanh_grad": tanh_grad_by_factors}),
    ("sigmoid with silenced warnings", {"sigmoid": sigmoid_silenced, "tanh_grad": tanh_grad_by_cosh_clipped}),
    ("sigmoid clipped at ±709", {"sigmoid": sigmoid_clipped_where_float64_ends, "relu_grad": relu_grad_by_sign}),
    ("elementwise with Python floats for 0-d", {"sigmoid": sigmoid_as_python_float_for_0d}),
    ("elementwise by autograd", {"sigmoid_grad": sigmoid_grad_by_autograd, "relu_grad": relu_grad_in_a_loop}),
    ("tanh_grad in long double", {"tanh_grad": tanh_grad_extended}),
    ("toy_forward unrolled, a list", {"toy_forward": toy_forward_unrolled}),
    ("toy_forward in one buffer", {"toy_forward": toy_forward_with_one_buffer}),
    ("toy_forward in torch", {"toy_forward": toy_forward_in_torch}),
    ("toy_backward by autograd", {"toy_backward": toy_backward_by_autograd}),
    ("toy_backward in forward mode", {"toy_backward": toy_backward_forward_mode}),
    ("toy_backward as products", {"toy_backward": toy_backward_as_products}),
    ("toy_backward unrolled", {"toy_backward": toy_backward_unrolled}),
    ("linear by einsum", {"linear_forward": linear_forward_einsum, "linear_backward": linear_backward_einsum}),
    ("linear in loops", {"linear_forward": linear_forward_loops, "linear_backward": linear_backward_outer_products}),
    ("linear with views", {"linear_forward": linear_forward_augmented, "linear_backward": linear_backward_views}),
    ("cross-entropy by logaddexp", {"softmax_cross_entropy": softmax_cross_entropy_by_logaddexp}),
    ("cross-entropy in loops", {"softmax_cross_entropy": softmax_cross_entropy_loops}),
    ("cross-entropy by autograd", {"softmax_cross_entropy": softmax_cross_entropy_by_autograd}),
    ("cross-entropy relative to the label", {"softmax_cross_entropy": softmax_cross_entropy_by_softplus}),
    ("cross-entropy with the mean subtracted", {"softmax_cross_entropy": softmax_cross_entropy_mean_subtracted_too}),
    ("mlp recursive, masks from h", {"mlp_forward": mlp_forward_recursive, "mlp_backward": mlp_backward_masks_from_h}),
    ("mlp by einsum and autograd", {"mlp_forward": mlp_forward_einsum, "mlp_backward": mlp_backward_by_autograd}),
    (
        "mlp transposed, example by example",
        {"mlp_forward": mlp_forward_transposed, "mlp_backward": mlp_backward_example_by_example},
    ),
    ("mlp_backward recomputes f", {"mlp_backward": mlp_backward_recomputing}),
    ("differences in place", {"numerical_gradient": numerical_gradient_in_place_and_back}),
    ("differences by unit steps", {"numerical_gradient": numerical_gradient_by_unit_steps}),
    ("differences with the exact step", {"numerical_gradient": numerical_gradient_with_the_exact_step}),
    ("differences in two halves", {"numerical_gradient": numerical_gradient_two_halves}),
    ("interpolant from the right", {"relu_interpolant": relu_interpolant_from_the_right}),
    ("interpolant by a linear solve", {"relu_interpolant": relu_interpolant_by_linear_solve}),
    ("interpolant scaled and shuffled", {"relu_interpolant": relu_interpolant_scaled_and_shuffled}),
    ("interpolant without idle units", {"relu_interpolant": relu_interpolant_without_idle_units}),
    ("interpolant with a far kink", {"relu_interpolant": relu_interpolant_line_from_a_far_kink}),
]
