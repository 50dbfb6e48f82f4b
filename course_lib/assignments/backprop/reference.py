"""Reference solutions in torch: they follow the device and dtype of their inputs.

Sources: S. J. D. Prince, Understanding Deep Learning (MIT Press, 2023): sections 3.2 (universal approximation),
5.5 and 5.7 (classification, cross-entropy), 7.2 to 7.4 (backpropagation). Weights Ω are ``W`` in code, biases β ``b``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Params = Sequence[tuple[Tensor, Tensor]]


def relu_grad(z: Tensor) -> Tensor:
    """dReLU/dz, any shape: 1 where z > 0, else 0. At the kink the course takes 0, as torch does."""
    return (z > 0).to(z.dtype)


def sigmoid(z: Tensor) -> Tensor:
    """σ(z) = 1/(1 + e^{−z}), any shape.

    With e = e^{−|z|} ≤ 1 it is 1/(1 + e) for z ≥ 0 and e/(1 + e) for z < 0: nothing overflows or cancels.
    """
    e = torch.exp(-z.abs())
    return torch.where(z >= 0, 1.0, e) / (1 + e)


def sigmoid_grad(z: Tensor) -> Tensor:
    """σ′(z) = σ(z)·σ(−z) = e/(1 + e)² with e = e^{−|z|}, any shape."""
    e = torch.exp(-z.abs())
    return e / (1 + e) ** 2


def tanh_grad(z: Tensor) -> Tensor:
    """tanh′(z) = 1 − tanh²(z) = 4·σ′(2z), any shape."""
    return 4 * sigmoid_grad(2 * z)


def toy_forward(x: float, beta: Tensor, omega: Tensor) -> tuple[Tensor, Tensor]:
    """Pre-activations f (4,) and activations h (3,) of the toy network.

    f_0 = β_0 + ω_0 x, h_k = ReLU(f_{k−1}), f_k = β_k + ω_k h_k (Prince, section 7.3, with ReLU for sin, exp and cos).
    """
    f = [beta[0] + omega[0] * x]
    h = []
    for k in range(1, 4):
        h.append(torch.relu(f[-1]))
        f.append(beta[k] + omega[k] * h[-1])
    return torch.stack(f), torch.stack(h)


def toy_backward(x: float, y: float, beta: Tensor, omega: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of ℓ = (f_3 − y)² with respect to β (4,) and ω (4,).

    ∂ℓ/∂f_3 = 2(f_3 − y), ∂ℓ/∂f_{k−1} = ω_k·ReLU′(f_{k−1})·∂ℓ/∂f_k, ∂ℓ/∂β_k = ∂ℓ/∂f_k, ∂ℓ/∂ω_k = h_k·∂ℓ/∂f_k
    with h_0 = x (Prince, section 7.3).
    """
    f, h = toy_forward(x, beta, omega)
    df = 2 * (f[3] - y)
    dbeta, domega = torch.zeros_like(beta), torch.zeros_like(omega)
    for k in range(3, 0, -1):
        dbeta[k], domega[k] = df, df * h[k - 1]
        df = df * omega[k] * relu_grad(f[k - 1])
    dbeta[0], domega[0] = df, df * x
    return dbeta, domega


def linear_forward(X: Tensor, W: Tensor, b: Tensor) -> Tensor:
    """Y (B, D_out) = X Wᵀ + b, with X (B, D_in), W (D_out, D_in), b (D_out,)."""
    return X @ W.T + b


def linear_backward(dY: Tensor, X: Tensor, W: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """dX (B, D_in) = dY W, dW (D_out, D_in) = dYᵀ X, db (D_out,) = Σ_batch dY, with dY (B, D_out).

    Summed over the batch: a mean, where there is one, is part of the loss and so of dY already.
    """
    return dY @ W, dY.T @ X, dY.sum(0)


def softmax_cross_entropy(logits: Tensor, labels: Tensor | Sequence[int]) -> tuple[Tensor, Tensor]:
    """Mean loss () and its gradient (B, C), with logits (B, C) and integer labels (B,).

    ℓ = (1/B) Σ_i [log Σ_c e^{z_ic} − z_iy], ∂ℓ/∂z = (softmax(z) − onehot(y))/B. With the row's maximum subtracted, the
    exponentials are at most 1 and their sum is at least 1 (Prince, section 5.5, and log-sum-exp).
    """
    labels = torch.as_tensor(labels, dtype=torch.int64, device=logits.device)
    rows = torch.arange(len(labels), device=logits.device)
    shifted = logits - logits.amax(1, keepdim=True)
    exponentials = torch.exp(shifted)
    total = exponentials.sum(1, keepdim=True)
    loss = (torch.log(total[:, 0]) - shifted[rows, labels]).mean()
    dlogits = exponentials / total
    dlogits[rows, labels] -= 1
    return loss, dlogits / len(labels)


def mlp_forward(params: Params, X: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Pre-activations f and layer inputs h, K+1 each: h_0 = X, f_k = h_k Ω_kᵀ + β_k, h_{k+1} = ReLU(f_k)."""
    f: list[Tensor] = []
    h = [X]
    for W, b in params:
        f.append(linear_forward(h[-1], W, b))
        h.append(torch.relu(f[-1]))
    return f, h[:-1]


def mlp_backward(params: Params, f: Sequence[Tensor], h: Sequence[Tensor], dout: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Gradients (dW, db) in the order of params, with dout (B, D_out) = ∂ℓ/∂f_K (Prince, section 7.4.1)."""
    grads = []
    df = dout
    for k in range(len(params) - 1, -1, -1):
        dh, dW, db = linear_backward(df, h[k], params[k][0])
        grads.append((dW, db))
        if k > 0:
            df = dh * relu_grad(f[k - 1])
    return grads[::-1]


def numerical_gradient(fn: Callable[[Tensor], Tensor | float], x: Tensor, eps: float = 1e-6) -> Tensor:
    """Central differences (fn(x + ε e_i) − fn(x − ε e_i))/(2ε) in the shape of x; error ε²·fn‴/6 + rounding/ε."""
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        up, down = x.clone(), x.clone()
        up.view(-1)[i] += eps
        down.view(-1)[i] -= eps
        gradient.view(-1)[i] = (fn(up) - fn(down)) / (2 * eps)
    return gradient


def relu_interpolant(knots: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Network (w, b, v, c) of n−1 units through the points (knots (n,), values (n,)), linear between them.

    Unit j is zero left of knot j and adds the change of slope there (Prince, section 3.2): w_j = 1, b_j = −knot_j,
    v_j = slope_j − slope_{j−1}, v_0 = slope_0, c = value_0.
    """
    slopes = torch.diff(values) / torch.diff(knots)
    v = torch.diff(slopes, prepend=torch.zeros_like(slopes[:1]))
    return torch.ones_like(v), -knots[:-1], v, values[0].clone()
