"""Correct solutions of optimizers in unusual shapes."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import torch


def descent_into_a_buffer(grad, w0, lr, steps):
    path = np.empty((steps + 1, *w0.shape))
    path[0] = w0
    for k in range(steps):
        path[k + 1] = path[k] - lr * grad(path[k].copy())
    return path


def descent_by_recursion(grad, w0, lr, steps):
    if steps == 0:
        return w0[None]
    return np.concatenate([w0[None], descent_by_recursion(grad, w0 - lr * np.asarray(grad(w0)), lr, steps - 1)])


def descent_in_place_on_a_copy(grad, w0, lr, steps):
    w, path = np.array(w0, dtype=np.float64), []
    for _ in range(steps):
        path.append(w.tolist())
        g = grad(w)
        g *= lr
        w -= g
    path.append(w.tolist())
    return np.array(path, dtype=float)


def descent_with_python_floats(grad, w0, lr, steps):
    if w0.ndim == 0:
        w, path = float(w0), [float(w0)]
        for _ in range(steps):
            w = w - lr * float(grad(w))
            path.append(w)
        return np.array(path)
    w, path = torch.tensor(w0), [torch.tensor(w0)]
    for _ in range(steps):
        w = torch.add(w, torch.tensor(grad(w.numpy())), alpha=-lr)
        path.append(w)
    return torch.stack(path).numpy()


def batches_by_sorting_uniforms(n, batch_size, seed):
    order = np.random.RandomState(seed).rand(n).argsort().astype(np.int32)
    return tuple(np.split(order, range(batch_size, n, batch_size)))


def batches_from_the_standard_library(n, batch_size, seed):
    order = random.Random(seed).sample(range(n), n)
    return [np.array(order[i : i + batch_size], dtype=np.uint16) for i in range(0, n, batch_size)]


def batches_sorted_inside(n, batch_size, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).numpy()
    return [np.sort(order[i : i + batch_size]) for i in range(0, n, batch_size)]


def batches_drawn_one_by_one(n, batch_size, seed):
    rng, left, batches = np.random.default_rng([seed, n]), np.arange(n), []
    while len(left):
        batch = rng.choice(left, min(batch_size, len(left)), replace=False)
        left = np.setdiff1d(left, batch)
        batches.append(batch)
    return batches


def momentum_as_list(w, g, v, lr, beta):
    new = v * beta
    new += g
    return [np.subtract(w, np.multiply(new, lr)), new]


def momentum_in_torch(w, g, v, lr, beta):
    w, g, v = (torch.tensor(part) for part in (w, g, v))
    v = torch.add(g, v, alpha=beta)
    return torch.sub(w, v, alpha=lr).numpy(), v.numpy()


def momentum_expanded(w, g, v, lr, beta):
    return w - (lr * beta) * v - lr * g, np.add(g, beta * v)


def momentum_in_long_double(w, g, v, lr, beta):
    new = np.longdouble(beta) * v.astype(np.longdouble) + g
    return (w - lr * new).astype(np.float64), new.astype(np.float64)


def rmsprop_rearranged(w, g, v, lr, gamma, eps):
    new = v + (1 - gamma) * (g * g - v)
    return [w - np.divide(g, new**0.5 + eps) * lr, new]


def rmsprop_elementwise(w, g, v, lr, gamma, eps):
    new_w, new_v = np.empty_like(w), np.empty_like(v)
    for i in np.ndindex(w.shape):
        new_v[i] = gamma * v[i] + (1.0 - gamma) * g[i] ** 2
        new_w[i] = w[i] - lr / (math.sqrt(new_v[i]) + eps) * g[i]
    return new_w, new_v


def rmsprop_in_torch(w, g, v, lr, gamma, eps):
    w, g, v = (torch.tensor(part) for part in (w, g, v))
    v = v.mul(gamma).addcmul(g, g, value=1 - gamma)
    return w.addcdiv(g, v.sqrt().add(eps), value=-lr).numpy(), v.numpy()


def adam_with_scaled_eps(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    m, v = m + (1 - beta) * (g - m), v + (1 - gamma) * (np.square(g) - v)
    c1, c2 = (1 - beta**t, np.sqrt(1 - gamma**t)) if bias_correction else (1.0, 1.0)
    return w - (lr * c2 / c1) * m / (np.sqrt(v) + c2 * eps), m, v


def adam_in_torch(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    w, g, m, v = (torch.tensor(part) for part in (w, g, m, v))
    m, v = torch.lerp(m, g, 1 - beta), v * gamma + g.pow(2) * (1 - gamma)
    step = (m / (1 - beta**t)) / ((v / (1 - gamma**t)).sqrt() + eps) if bias_correction else m / (v.sqrt() + eps)
    return [(w - lr * step).numpy(), m.numpy(), v.numpy()]


def adam_with_powers_by_logarithm(w, g, m, v, t, lr, beta, gamma, eps, bias_correction=True):
    new_m, new_v = beta * m + g - beta * g, gamma * v + g * g - gamma * (g * g)
    m_hat, v_hat = new_m, new_v
    if bias_correction:
        m_hat = new_m / -math.expm1(t * math.log(beta))
        v_hat = new_v / -math.expm1(t * math.log(gamma))
    return w - lr * (m_hat / (v_hat**0.5 + eps)), new_m, new_v


class AdamWShrinkingFirst:
    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.lr, self.beta, self.gamma, self.eps, self.weight_decay = lr, beta, gamma, eps, weight_decay
        self.t, self.m, self.v = 0, {}, {}

    def step(self, params, grads):
        self.t += 1
        return tuple(self._one(i, p, g) for i, (p, g) in enumerate(zip(params, grads, strict=True)))

    def _one(self, i, p, g):
        self.m[i] = self.beta * self.m.get(i, 0.0) + (1 - self.beta) * g
        self.v[i] = self.gamma * self.v.get(i, 0.0) + (1 - self.gamma) * g * g
        p = p * (1 - self.lr * self.weight_decay)
        m_hat, v_hat = self.m[i] / (1 - self.beta**self.t), self.v[i] / (1 - self.gamma**self.t)
        return p - self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


class AdamWInOneVector:
    """All parameters in one flat vector."""

    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.hyper = lr, beta, gamma, eps, weight_decay
        self.power = [1.0, 1.0]
        self.m = self.v = None

    def step(self, params, grads):
        lr, beta, gamma, eps, decay = self.hyper
        w, g = (np.concatenate([np.ravel(a) for a in arrays]) for arrays in (params, grads))
        if self.m is None:
            self.m, self.v = np.zeros(w.size), np.zeros(w.size)
        self.m += (1 - beta) * (g - self.m)
        self.v += (1 - gamma) * (g**2 - self.v)
        self.power = [self.power[0] * beta, self.power[1] * gamma]
        w = w - lr * (decay * w + self.m / (1 - self.power[0]) / (np.sqrt(self.v / (1 - self.power[1])) + eps))
        ends = np.cumsum([p.size for p in params])[:-1]
        return [part.reshape(p.shape) for part, p in zip(np.split(w, ends), params, strict=True)]


class AdamWOfHistories:
    """Keeps all gradients and sums them up anew in each step."""

    def __init__(self, lr, beta, gamma, eps, weight_decay):
        self.lr, self.beta, self.gamma, self.eps, self.weight_decay = lr, beta, gamma, eps, weight_decay
        self.history: list[Any] = []

    def step(self, params, grads):
        self.history.append([g.copy() for g in grads])
        t, new = len(self.history), []
        for i, w in enumerate(params):
            m = sum(self.beta ** (t - 1 - k) * past[i] for k, past in enumerate(self.history))
            v = sum(self.gamma ** (t - 1 - k) * past[i] ** 2 for k, past in enumerate(self.history))
            m_hat = m * (1 - self.beta) / (1 - self.beta**t)
            v_hat = v * (1 - self.gamma) / (1 - self.gamma**t)
            new.append(w - self.lr * (m_hat / (v_hat**0.5 + self.eps) + self.weight_decay * w))
        return new


def schedule_by_interpolation(step, warmup, total, lr_max, lr_min):
    if step >= warmup:
        return np.float64(
            lr_min + (lr_max - lr_min) * np.cos(np.pi / 2 * min((step - warmup) / (total - warmup), 1)) ** 2
        )
    return np.interp(step, [0, warmup], [0.0, lr_max])


def schedule_as_0d_array(step, warmup, total, lr_max, lr_min):
    angle = np.pi * np.clip((step - warmup) / (total - warmup), 0.0, 1.0)
    rise = min(step / max(warmup, 1), 1.0) if warmup else 1.0
    return np.array(
        lr_max * rise if step < warmup else 0.5 * (lr_max + lr_min) + 0.5 * (lr_max - lr_min) * np.cos(angle)
    )


def schedule_with_integers(step, warmup, total, lr_max, lr_min):
    if step == 0 and warmup > 0:
        return 0
    if step <= warmup:
        return lr_max if warmup == 0 else lr_max / warmup * step
    return lr_min if step > total else (lr_max + lr_min + (lr_max - lr_min) * math.cos(
        math.pi * (step - warmup) / (total - warmup))) / 2  # fmt: skip


def _predict(params, X):
    h = X
    for k, (W, b) in enumerate(params):
        h = np.einsum("nd,ed->ne", np.where(h > 0, h, 0.0) if k else h, W) + b
    return h


def train_with_numpy(X, y, params, lr, batch_size, epochs, seed):
    """Everything by hand, the gradient as a sum over single samples. The losses come as a list."""
    rng, params, losses = np.random.default_rng(seed), [[W.copy(), b.copy()] for W, b in params], []
    for _ in range(epochs):
        order = rng.permutation(len(X))
        while len(order):
            batch, order = order[:batch_size], order[batch_size:]
            sums = [[np.zeros_like(W), np.zeros_like(b)] for W, b in params]
            for i in batch:
                hs, fs = [X[i]], []
                for W, b in params:
                    fs.append(W @ hs[-1] + b)
                    hs.append(np.maximum(fs[-1], 0))
                delta = 2 * (fs[-1] - y[i])
                for k in reversed(range(len(params))):
                    sums[k][0] += np.outer(delta, hs[k])
                    sums[k][1] += delta
                    if k:
                        delta = (params[k][0].T @ delta) * (fs[k - 1] > 0)
            for layer, total in zip(params, sums, strict=True):
                for part, s in zip(layer, total, strict=True):
                    part -= lr * s / (len(batch) * y.shape[1])
        losses.append(float(np.mean((_predict(params, X) - y) ** 2)))
    return params, losses


def train_with_autograd(X, y, params, lr, batch_size, epochs, seed):
    """All orders drawn in advance; torch inside."""
    orders = np.stack([np.random.default_rng((seed, epoch)).permutation(len(X)) for epoch in range(epochs)])
    tensors = [torch.tensor(part, requires_grad=True) for layer in params for part in layer]
    data, target, losses = torch.tensor(X), torch.tensor(y), []

    def loss(rows):
        h = data[rows]
        for k in range(0, len(tensors), 2):
            h = (torch.relu(h) if k else h) @ tensors[k].T + tensors[k + 1]
        return ((h - target[rows]) ** 2).mean()

    for order in orders:
        for rows in torch.split(torch.tensor(order), batch_size):
            for tensor, g in zip(tensors, torch.autograd.grad(loss(rows), tensors), strict=True):
                tensor.data.sub_(lr * g)
        losses.append(loss(slice(None)).detach())
    arrays = [tensor.detach().numpy() for tensor in tensors]
    return tuple(zip(arrays[::2], arrays[1::2], strict=True)), torch.stack(losses).numpy()


def train_with_shuffled_copies(X, y, params, lr, batch_size, epochs, seed):
    """Shuffles copies of the data, again and again."""
    rng, params = random.Random(seed), list(params)
    rows, losses = list(zip(X, y, strict=True)), np.empty(epochs)
    for epoch in range(epochs):
        rng.shuffle(rows)
        for start in range(0, len(rows), batch_size):
            x, t = (np.stack(part) for part in zip(*rows[start : start + batch_size], strict=True))
            hs, pre = [x], []
            for k, (W, b) in enumerate(params):
                pre.append(hs[-1] @ W.T + b)
                if k < len(params) - 1:
                    hs.append(pre[-1] * (pre[-1] > 0))
            delta, new = (pre[-1] - t) * (2.0 / t.size), []
            for k in range(len(params) - 1, -1, -1):
                W, b = params[k]
                new.append((W - lr * (delta.T @ hs[k]), b - lr * delta.sum(0)))
                if k:
                    delta = (delta @ W) * (pre[k - 1] > 0)
            params = new[::-1]
        losses[epoch] = np.square(_predict(params, X) - y).mean()
    return [params, losses]


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("into a buffer", {"gradient_descent": descent_into_a_buffer}),
    ("by recursion", {"gradient_descent": descent_by_recursion}),
    ("in place on a copy, and on grad's result", {"gradient_descent": descent_in_place_on_a_copy}),
    ("Python floats and torch", {"gradient_descent": descent_with_python_floats}),
    ("argsort of uniforms, int32, a tuple", {"minibatches": batches_by_sorting_uniforms}),
    ("the standard library, uint16", {"minibatches": batches_from_the_standard_library}),
    ("sorted inside each batch", {"minibatches": batches_sorted_inside}),
    ("drawn batch by batch", {"minibatches": batches_drawn_one_by_one}),
    ("a list, in place on a new array", {"momentum_step": momentum_as_list}),
    ("torch inside", {"momentum_step": momentum_in_torch}),
    ("expanded", {"momentum_step": momentum_expanded}),
    ("long double inside", {"momentum_step": momentum_in_long_double}),
    ("rearranged", {"rmsprop_step": rmsprop_rearranged}),
    ("element by element", {"rmsprop_step": rmsprop_elementwise}),
    ("torch inside", {"rmsprop_step": rmsprop_in_torch}),
    ("correction in the rate, with eps scaled", {"adam_step": adam_with_scaled_eps}),
    ("torch inside", {"adam_step": adam_in_torch}),
    ("powers by logarithms", {"adam_step": adam_with_powers_by_logarithm}),
    ("shrinks first, a tuple", {"AdamW": AdamWShrinkingFirst}),
    ("one flat vector", {"AdamW": AdamWInOneVector}),
    ("all gradients kept", {"AdamW": AdamWOfHistories}),
    ("interpolation and cos²", {"warmup_cosine": schedule_by_interpolation}),
    ("a 0-d array", {"warmup_cosine": schedule_as_0d_array}),
    ("an int where it is one", {"warmup_cosine": schedule_with_integers}),
    ("sample by sample, losses as a list", {"train": train_with_numpy}),
    ("torch inside, all orders in advance", {"train": train_with_autograd}),
    ("shuffled copies", {"train": train_with_shuffled_copies}),
]
