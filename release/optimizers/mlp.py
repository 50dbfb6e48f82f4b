"""A multilayer perceptron with mean squared error, whose gradients torch computes. For experiments with optimizers.

``params`` is a list of pairs (W, b) of NumPy arrays, W (D_out, D_in) and b (D_out,), with ReLU between the layers and
none after the last. ``X`` is (n, D_in), ``y`` is (n, D_out).
"""

import numpy as np
import torch


def initial_params(widths, seed):
    """Random parameters for layers of these widths, input and output included: ``[2, 16, 1]`` has two layers."""
    rng = np.random.default_rng(seed)
    return [
        (rng.standard_normal((d_out, d_in)) * np.sqrt(2 / d_in), np.zeros(d_out))
        for d_in, d_out in zip(widths[:-1], widths[1:])
    ]


def mse(params, X, y):
    """Mean over all entries of (prediction − y)², a float."""
    with torch.no_grad():
        return _loss(_tensors(params), X, y).item()


def mse_and_gradients(params, X, y):
    """The loss of ``mse``, and its gradients as a list of pairs (dW, db) in the order of params."""
    tensors = _tensors(params, requires_grad=True)
    loss = _loss(tensors, X, y)
    grads = iter(torch.autograd.grad(loss, [part for layer in tensors for part in layer]))
    return loss.item(), [(next(grads).numpy(), next(grads).numpy()) for _ in params]


def _tensors(params, requires_grad=False):
    return [tuple(torch.tensor(part, requires_grad=requires_grad) for part in layer) for layer in params]


def _loss(tensors, X, y):
    h = torch.tensor(X)
    for k, (W, b) in enumerate(tensors):
        h = torch.nn.functional.linear(h.relu() if k else h, W, b)
    return torch.nn.functional.mse_loss(h, torch.tensor(y))
