"""Reference solutions in torch: they follow the device and dtype of their inputs."""

from __future__ import annotations

import torch
from torch import Tensor


def toy_forward(x: float, beta: Tensor, omega: Tensor) -> tuple[Tensor, Tensor]:
    """Pre-activations f (4,) and activations h (3,) of the toy network.

    f_0 = β_0 + ω_0 x, h_k = ReLU(f_{k−1}), f_k = β_k + ω_k h_k (Prince, Understanding Deep Learning, section 7.3).
    """
    f = [beta[0] + omega[0] * x]
    h = []
    for k in range(1, 4):
        h.append(torch.relu(f[-1]))
        f.append(beta[k] + omega[k] * h[-1])
    return torch.stack(f), torch.stack(h)


def toy_backward(x: float, y: float, beta: Tensor, omega: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of ℓ = (f_3 − y)² with respect to β (4,) and ω (4,)."""
    f, h = toy_forward(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = torch.zeros_like(beta), torch.zeros_like(omega)
    for k in range(3, 0, -1):
        dbeta[k], domega[k] = df, df * h[k - 1]
        df = df * omega[k] * (f[k - 1] > 0)
    dbeta[0], domega[0] = df, df * x
    return dbeta, domega
