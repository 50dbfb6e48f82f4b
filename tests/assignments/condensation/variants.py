"""Correct solutions of condensation in unusual shapes: other algorithms, other containers, torch inside."""

from __future__ import annotations

import cmath
import math

import numpy as np
import torch

# fourier


def looped_coefficients(values, freqs):
    n = len(values)
    c = []
    for k in freqs:
        total = 0j
        for j in range(n):
            total += float(values[j]) * cmath.exp(-2j * cmath.pi * int(k) * j / n)
        c.append(total / n)
    return np.array(c)


def roots_of_unity_coefficients(values, freqs):
    n = len(values)
    roots = np.exp(-2j * np.pi * np.arange(n) / n)
    return np.array([np.mean(values * roots[int(k) * np.arange(n) % n]) for k in freqs])


def horner_coefficients(values, freqs):
    z = np.exp(-2j * np.pi * np.asarray(freqs) / len(values))
    return np.polyval(values[::-1], z) / len(values)


def real_and_imaginary_coefficients(values, freqs):
    x = np.linspace(0, 1, len(values), endpoint=False)
    angle = 2 * np.pi * np.asarray(freqs, dtype=float)[:, None] * x
    c = np.empty(len(freqs), dtype=np.complex128)
    c.real, c.imag = (np.cos(angle) * values).mean(axis=1), -(np.sin(angle) * values).mean(axis=1)
    return c


def torch_coefficients(values, freqs):
    n = len(values)
    angle = 2 * torch.pi * torch.outer(torch.tensor(np.array(freqs)).double(), torch.arange(n).double()) / n
    return torch.mv(torch.polar(torch.ones_like(angle), -angle), torch.tensor(values).to(torch.complex128)).numpy() / n


def error_of_the_difference(prediction, target, freqs):
    difference = looped_coefficients(prediction - target, freqs)
    return np.abs(difference / looped_coefficients(target, freqs))


def error_by_real_parts(prediction, target, freqs):
    p, t = roots_of_unity_coefficients(prediction, freqs), roots_of_unity_coefficients(target, freqs)
    return np.sqrt(((p - t) * np.conj(p - t)).real / (t * np.conj(t)).real)


def error_of_the_ratio(prediction, target, freqs):
    return np.abs(horner_coefficients(prediction, freqs) / horner_coefficients(target, freqs) - 1)


# convergence_order


def backwards_order(errors, freqs, threshold):
    starts = {}
    for column, k in enumerate(freqs):
        step = len(errors)
        while step > 0 and errors[step - 1, column] < threshold:
            step -= 1
        if step < len(errors):
            starts[int(k)] = step
    return tuple(sorted(starts, key=lambda k: (starts[k], k)))


def cumulative_order(errors, freqs, threshold):
    freqs = np.asarray(freqs)
    stays = np.logical_and.accumulate((errors < threshold)[::-1], axis=0)[::-1]
    length = stays.sum(axis=0)
    order = np.lexsort((freqs, -length))
    return [freqs[i] for i in order if length[i] > 0]


def suffix_maximum_order(errors, freqs, threshold):
    worst = np.maximum.accumulate(np.where(np.isnan(errors), np.inf, errors)[::-1], axis=0)[::-1]
    below = worst < threshold
    pairs = [(int(np.argmax(below[:, i])), int(freqs[i])) for i in range(len(freqs)) if below[-1, i]]
    pairs.sort()
    return [k for _, k in pairs]


def step_by_step_order(errors, freqs, threshold):
    order = []
    for step in range(len(errors)):
        new = [
            int(k) for i, k in enumerate(freqs) if bool(np.all(errors[step:, i] < threshold)) and int(k) not in order
        ]
        order += sorted(new)
    return order


# condensed_groups


def looped_directions(w, b, a):
    units, amplitude = [], []
    for wj, bj, aj in zip(w, b, a, strict=True):
        v = [*wj.tolist(), float(bj)]
        length = math.hypot(*v)
        units.append([x / length for x in v] if length else [0.0] * len(v))
        amplitude.append(abs(float(aj)) * length)
    return [np.array(units), np.array(amplitude)]


def divided_where_possible(w, b, a):
    vectors = np.hstack((w, b.reshape(-1, 1)))
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))[:, np.newaxis]
    units = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
    return units, np.linalg.norm(vectors * a[:, None], axis=1)


def nan_to_num_directions(w, b, a):
    vectors = np.c_[w, b]
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        units = np.nan_to_num(vectors / length)
    return units, (np.abs(a)[:, None] * length).squeeze(axis=1)


def tiny_number_directions(w, b, a):
    v = torch.tensor(np.column_stack([w, b]))
    return torch.nn.functional.normalize(v, dim=1, eps=1e-12).numpy(), (torch.tensor(a).abs() * v.norm(dim=1)).numpy()


def union_find_groups(units, amplitude, cos_threshold, min_amplitude):
    strong = [i for i in range(len(units)) if amplitude[i] > min_amplitude]
    parent = {i: i for i in strong}

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for i in strong:
        for j in strong:
            if sum(x * y for x, y in zip(units[i], units[j], strict=True)) >= cos_threshold:
                parent[root(i)] = root(j)
    return len({root(i) for i in strong})


def matrix_power_groups(units, amplitude, cos_threshold, min_amplitude):
    kept = units[amplitude > min_amplitude]
    reach = (kept @ kept.T >= cos_threshold) | np.eye(len(kept), dtype=bool)
    for _ in range(len(kept)):
        reach = reach @ reach
    return np.int64(len({tuple(row) for row in reach.tolist()}))


def laplacian_groups(units, amplitude, cos_threshold, min_amplitude):
    keep = np.flatnonzero(amplitude > min_amplitude)
    if keep.size == 0:
        return 0
    joined = (units[keep] @ units[keep].T >= cos_threshold).astype(float)
    laplacian = np.diag(joined.sum(axis=1)) - joined
    return np.sum(np.linalg.eigvalsh(laplacian) < 1e-6)


def smallest_label_groups(units, amplitude, cos_threshold, min_amplitude):
    kept = [u for u, s in zip(units, amplitude, strict=True) if s > min_amplitude]
    labels = list(range(len(kept)))
    changed = True
    while changed:
        changed = False
        for i, u in enumerate(kept):
            for j, v in enumerate(kept):
                if labels[j] < labels[i] and np.dot(u, v) >= cos_threshold:
                    labels[i], changed = labels[j], True
    return len(set(labels))


# product_gradients


def gradients_by_the_product(b, c, x, y):
    da = -(y - b * c * x) * x
    return [np.float64(da * c), np.float64(da * b)]


def gradients_by_autograd(b, c, x, y):
    leaves = [torch.tensor(float(v), dtype=torch.float64, requires_grad=True) for v in (b, c)]
    (0.5 * (y - leaves[0] * leaves[1] * x) ** 2).backward()
    return tuple(leaf.grad.numpy() for leaf in leaves)


def gradients_multiplied_out(b, c, x, y):
    return b * c * c * x * x - y * c * x, np.array(b * b * c * x * x - y * b * x)


def step_by_updating(b, c, x, y, lr):
    db, dc = gradients_by_the_product(b, c, x, y)
    return (b - lr * db) * (c - lr * dc) - b * c


def step_by_terms(b, c, x, y, lr):
    r = (y - b * c * x) * x
    return np.asarray(lr * r * (b**2 + c**2) + (lr * r) ** 2 * b * c)


def step_by_a_vector(b, c, x, y, lr):
    v = np.array([b, c], dtype=float)
    new = v + lr * (y - np.prod(v) * x) * x * v[::-1]
    return np.prod(new) - np.prod(v)


# two_layer_train


def autograd_training(X, y, w, b, a, lr, steps):
    X, y = torch.tensor(X), torch.tensor(y)
    params = [torch.tensor(p, requires_grad=True) for p in (w, b, a)]
    optimizer = torch.optim.SGD(params, lr=lr)
    losses = []
    for step in range(steps + 1):
        f = torch.relu(X @ params[0].T + params[1]) @ params[2]
        loss = torch.mean((f - y) ** 2)
        losses.append(loss.item())
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return [*(p.detach().numpy() for p in params), np.array(losses)]


def looped_training(X, y, w, b, a, lr, steps):
    w, b, a, losses = w.copy(), b.copy(), a.copy(), np.zeros(steps + 1)
    for step in range(steps + 1):
        dw, db, da = np.zeros_like(w), np.zeros_like(b), np.zeros_like(a)
        for x, target in zip(X, y, strict=True):
            f = np.array([float(wj @ x) + bj for wj, bj in zip(w, b, strict=True)])
            error = float(np.maximum(f, 0) @ a - target)
            losses[step] += error**2 / len(y)
            for j in np.flatnonzero(f > 0):
                da[j] += 2 * error * f[j] / len(y)
                db[j] += 2 * error * a[j] / len(y)
                dw[j] += 2 * error * a[j] * x / len(y)
        if step == steps:
            return w, b, a, losses
        w -= lr * dw
        b -= lr * db
        a -= lr * da
    raise AssertionError


def augmented_training(X, y, w, b, a, lr, steps):
    inputs, V = np.column_stack([X, np.ones(len(X))]), np.column_stack([w, b])
    losses = np.empty(steps + 1)
    for step in range(steps):
        active = np.einsum("nd,hd->nh", inputs, V) > 0
        h = np.where(active, inputs @ V.T, 0.0)
        error = np.einsum("nh,h->n", h, a) - y
        losses[step] = error @ error / len(y)
        gradient = 2 / len(y) * np.einsum("n,h,nh,nd->hd", error, a, active.astype(float), inputs)
        V, a = V - lr * gradient, a - lr * 2 / len(y) * np.einsum("n,nh->h", error, h)
    losses[-1] = np.mean((np.maximum(inputs @ V.T, 0) @ a - y) ** 2)
    return V[:, :-1], V[:, -1], a, losses


def column_training(X, y, w, b, a, lr, steps):
    W, B, A, target = w.T, b[None, :], a[:, None], y[:, None]
    losses = []
    while True:
        F = X @ W + B
        error = np.maximum(F, 0) @ A - target
        losses.append(float((error * error).mean()))
        if len(losses) == steps + 1:
            return W.T, B[0], A[:, 0], np.array(losses)
        D = 2 * error / target.size
        dF = D @ A.T
        dF[F <= 0] = 0
        W, B, A = W - lr * X.T @ dF, B - lr * dF.sum(axis=0, keepdims=True), A - lr * np.maximum(F, 0).T @ D


VARIANTS = [
    ("loops", {"fourier_coefficients": looped_coefficients, "relative_frequency_error": error_of_the_difference}),
    (
        "roots of unity looked up",
        {"fourier_coefficients": roots_of_unity_coefficients, "relative_frequency_error": error_by_real_parts},
    ),
    ("a polynomial", {"fourier_coefficients": horner_coefficients, "relative_frequency_error": error_of_the_ratio}),
    ("cosines and sines", {"fourier_coefficients": real_and_imaginary_coefficients}),
    ("torch.polar", {"fourier_coefficients": torch_coefficients}),
    ("from the end, a tuple", {"convergence_order": backwards_order}),
    ("cumulative and, NumPy integers", {"convergence_order": cumulative_order}),
    ("maximum of the rest", {"convergence_order": suffix_maximum_order}),
    ("step by step", {"convergence_order": step_by_step_order}),
    ("loops, union-find", {"neuron_directions": looped_directions, "condensed_groups": union_find_groups}),
    ("divide where", {"neuron_directions": divided_where_possible, "condensed_groups": matrix_power_groups}),
    ("nan_to_num, eigenvalues", {"neuron_directions": nan_to_num_directions, "condensed_groups": laplacian_groups}),
    ("normalize, labels", {"neuron_directions": tiny_number_directions, "condensed_groups": smallest_label_groups}),
    ("by the product", {"product_gradients": gradients_by_the_product, "effective_step": step_by_updating}),
    ("autograd, terms", {"product_gradients": gradients_by_autograd, "effective_step": step_by_terms}),
    ("multiplied out, vector", {"product_gradients": gradients_multiplied_out, "effective_step": step_by_a_vector}),
    ("autograd, a list", {"two_layer_train": autograd_training}),
    ("loops over samples and neurons", {"two_layer_train": looped_training}),
    ("bias as a weight, views", {"two_layer_train": augmented_training}),
    ("everything transposed", {"two_layer_train": column_training}),
]
