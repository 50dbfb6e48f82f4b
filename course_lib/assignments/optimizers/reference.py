"""Reference solutions in torch: they follow the device and dtype of their inputs.

Notation: β and γ are Adam's decay rates, α (``lr``) is the learning rate. An optimizer's step ``t`` counts from 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Layers = list[tuple[Tensor, Tensor]]


def gradient_descent(grad: Callable[[Tensor], Tensor], w0: Tensor, lr: float, steps: int) -> Tensor:
    """Every point of gradient descent, (steps + 1, *w0.shape), the first one w0.

    w_{k+1} = w_k − α · grad(w_k) (Prince, Understanding Deep Learning, section 6.1).
    """
    path = [w0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return torch.stack(path)


def minibatches(n: int, batch_size: int, seed: int) -> list[Tensor]:
    """Index tensors of one epoch: a random permutation of 0 … n−1 cut into pieces of ``batch_size``, the rest last."""
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return list(order.split(batch_size))


def momentum_step(w: Tensor, g: Tensor, v: Tensor, lr: float, beta: float) -> tuple[Tensor, Tensor]:
    """Heavy ball (Polyak 1964): v ← βv + g, w ← w − αv. All tensors have one shape, any."""
    v = beta * v + g
    return w - lr * v, v


def rmsprop_step(w: Tensor, g: Tensor, v: Tensor, lr: float, gamma: float, eps: float) -> tuple[Tensor, Tensor]:
    """RMSProp (Tieleman and Hinton 2012): v ← γv + (1−γ)g², w ← w − αg/(√v + ε). One shape, any."""
    v = gamma * v + (1 - gamma) * g**2
    return w - lr * g / (v.sqrt() + eps), v


def adam_step(
    w: Tensor,
    g: Tensor,
    m: Tensor,
    v: Tensor,
    t: int,
    lr: float,
    beta: float,
    gamma: float,
    eps: float,
    bias_correction: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """Adam (Kingma and Ba 2015, algorithm 1): returns w and the uncorrected moments m and v. One shape, any.

    m ← βm + (1−β)g, v ← γv + (1−γ)g², m̂ = m/(1−βᵗ), v̂ = v/(1−γᵗ), w ← w − αm̂/(√v̂ + ε). Without
    ``bias_correction`` m and v stand in for m̂ and v̂.
    """
    m = beta * m + (1 - beta) * g
    v = gamma * v + (1 - gamma) * g**2
    m_hat, v_hat = (m / (1 - beta**t), v / (1 - gamma**t)) if bias_correction else (m, v)
    return w - lr * m_hat / (v_hat.sqrt() + eps), m, v


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019): w ← w − αλw − αm̂/(√v̂ + ε), w before the step."""

    def __init__(self, lr: float, beta: float, gamma: float, eps: float, weight_decay: float) -> None:
        self.settings = lr, beta, gamma, eps
        self.shrink = 1 - lr * weight_decay
        self.t = 0
        self.moments: list[tuple[Tensor, Tensor]] = []

    def step(self, params: list[Tensor], grads: list[Tensor]) -> list[Tensor]:
        """New parameters; one gradient of the same shape for each. Moments belong to positions in the list."""
        self.t += 1
        if not self.moments:
            self.moments = [(torch.zeros_like(w), torch.zeros_like(w)) for w in params]
        stepped = [
            adam_step(self.shrink * w, g, m, v, self.t, *self.settings)
            for w, g, (m, v) in zip(params, grads, self.moments, strict=True)
        ]
        self.moments = [(m, v) for _, m, v in stepped]
        return [w for w, _, _ in stepped]


def warmup_cosine(step: int, warmup: int, total: int, lr_max: float, lr_min: float) -> float:
    """Learning rate of a step: linear from 0 to lr_max at ``warmup``, cosine to lr_min at ``total``, then lr_min.

    Goyal et al. 2017 for the warm-up, Loshchilov and Hutter 2017 for the cosine.
    """
    if step < warmup:
        return lr_max * step / warmup
    done = min((step - warmup) / (total - warmup), 1.0)
    return lr_min + (lr_max - lr_min) * (1 + math.cos(math.pi * done)) / 2


def train(
    X: Tensor, y: Tensor, params: Layers, lr: float, batch_size: int, epochs: int, seed: int
) -> tuple[Layers, Tensor]:
    """Mini-batch SGD on the mean squared error of the MLP: new params, and the full-data loss after each epoch.

    X (n, D_in), y (n, D_out), params pairs (W (D_out, D_in), b (D_out,)), ReLU between the layers; losses (epochs,).
    """
    seeds = torch.randint(2**62, (epochs,), generator=torch.Generator().manual_seed(seed)).tolist()
    return train_on(X, y, params, lr, [minibatches(len(X), batch_size, s) for s in seeds])


def train_on(X: Tensor, y: Tensor, params: Layers, lr: float, batches: list[list[Tensor]]) -> tuple[Layers, Tensor]:
    """As ``train``, with the index tensors of every epoch's batches given."""
    losses = []
    for epoch in batches:
        for batch in epoch:
            grads = mse_gradients(params, X[batch], y[batch])
            params = [(W - lr * dW, b - lr * db) for (W, b), (dW, db) in zip(params, grads, strict=True)]
        losses.append(mse(params, X, y))
    return params, torch.stack(losses) if losses else X.new_zeros(0)


def mse(params: Layers, X: Tensor, y: Tensor) -> Tensor:
    """Mean over all entries of (prediction − y)²."""
    return ((_forward(params, X)[0] - y) ** 2).mean()


def mse_gradients(params: Layers, X: Tensor, y: Tensor) -> Layers:
    """Gradients of ``mse``, (dW, db) in the order of params (Prince, section 7.4)."""
    f, inputs = _forward(params, X)
    df = 2 * (f - y) / y.numel()
    grads: Layers = []
    for (W, _), h in zip(reversed(params), reversed(inputs), strict=True):
        grads.insert(0, (df.T @ h, df.sum(0)))
        df = df @ W * (h > 0)
    return grads


def _forward(params: Layers, X: Tensor) -> tuple[Tensor, list[Tensor]]:
    """Output and the input of every layer."""
    inputs, f = [X], X
    for k, (W, b) in enumerate(params):
        if k:
            inputs.append(torch.relu(f))
        f = inputs[-1] @ W.T + b
    return f, inputs
