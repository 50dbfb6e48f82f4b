"""Reference solutions in torch: they follow the device and dtype of their inputs.

Sizes: n samples, d features, H hidden units. Low frequencies first: Xu, Zhang, Luo, Xiao and Ma, Frequency principle,
arXiv:1901.06523, and Rahaman et al., On the spectral bias of neural networks, arXiv:1806.08734. Condensation: Luo, Xu,
Ma and Zhang, Phase diagram for two-layer ReLU neural networks at infinite-width limit, arXiv:2007.07497. Depth as
adaptive step size: Arora, Cohen and Hazan, On the optimization of deep networks, arXiv:1802.06509.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def fourier_coefficients(values: Tensor, freqs: Sequence[int] | Tensor) -> Tensor:
    """Coefficients c (len(freqs),), complex, of a function sampled at n equispaced points of [0, 1): values (n,).

    c_k = (1/n) Σ_j v_j e^(−2πikj/n).
    """
    n = len(values)
    k = torch.as_tensor(freqs, device=values.device)
    turns = torch.outer(k, torch.arange(n, device=values.device)) % n  # whole numbers: the angle stays exact
    angle = 2 * math.pi / n * turns.to(values.dtype)
    return torch.complex((angle.cos() * values).mean(dim=1), -(angle.sin() * values).mean(dim=1))


def relative_frequency_error(prediction: Tensor, target: Tensor, freqs: Sequence[int] | Tensor) -> Tensor:
    """|ĉ_k(prediction) − ĉ_k(target)| / |ĉ_k(target)| for each frequency, (len(freqs),), of two functions (n,)."""
    wanted = fourier_coefficients(target, freqs)
    return (fourier_coefficients(prediction, freqs) - wanted).abs() / wanted.abs()


def convergence_order(errors: Tensor, freqs: Sequence[int] | Tensor, threshold: float) -> list[int]:
    """Frequencies in the order in which errors (steps, len(freqs)) begin to stay below the threshold to the end.

    Those that are not below at the end are left out; ties by lower frequency; NaN is not below.
    """
    starts = []
    for column, k in enumerate(freqs):
        outside = torch.nonzero(~(errors[:, column] < threshold))
        start = int(outside[-1]) + 1 if len(outside) else 0
        if start < len(errors):
            starts.append((start, int(k)))
    return [k for _, k in sorted(starts)]


def neuron_directions(w: Tensor, b: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Unit vectors (H, d+1) of the input weights and biases (w_j, b_j), and amplitudes |a_j|·‖(w_j, b_j)‖ (H,).

    w (H, d), b (H,), a (H,). A neuron whose (w_j, b_j) is 0 gets the zero vector.
    """
    vectors = torch.cat([w, b[:, None]], dim=1)
    length = torch.linalg.vector_norm(vectors, dim=1)
    units = vectors / torch.where(length > 0, length, torch.ones_like(length))[:, None]
    return units, a.abs() * length


def condensed_groups(units: Tensor, amplitude: Tensor, cos_threshold: float, min_amplitude: float) -> int:
    """Connected groups among the neurons of amplitude > min_amplitude; joined are those with cosine ≥ cos_threshold.

    units (H, d+1), amplitude (H,).
    """
    kept = units[amplitude > min_amplitude]
    joined = (kept @ kept.T >= cos_threshold).tolist()
    group = list(range(len(kept)))
    for i in range(len(kept)):
        for j in range(i):
            if joined[i][j] and group[i] != group[j]:
                old, new = group[i], group[j]
                group = [new if g == old else g for g in group]
    return len(set(group))


def product_gradients(b: float, c: float, x: float, y: float) -> tuple[float, float]:
    """Gradients (db, dc) of ½(y − b·c·x)²."""
    error = b * c * x - y
    return error * c * x, error * b * x


def effective_step(b: float, c: float, x: float, y: float, lr: float) -> float:
    """How much one simultaneous gradient step changes the product b·c.

    (b − lr·db)(c − lr·dc) − b·c = −lr·(db·c + b·dc) + lr²·db·dc, to first order −lr·∂ℓ/∂(bc)·(b² + c²).
    """
    db, dc = product_gradients(b, c, x, y)
    return -lr * (db * c + b * dc) + lr**2 * db * dc


def two_layer_train(
    X: Tensor, y: Tensor, w: Tensor, b: Tensor, a: Tensor, lr: float, steps: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Full-batch gradient descent on mean (f − y)² of f(x) = Σ_j a_j ReLU(w_j·x + b_j).

    X (n, d), y (n,), w (H, d), b (H,), a (H,). Returns w, b, a after the last step and the losses (steps+1,), one
    before each step and one after the last. ReLU′(0) = 0.
    """
    losses = []
    for step in range(steps + 1):
        f = X @ w.T + b
        h = f.clamp(min=0)
        error = h @ a - y
        losses.append((error**2).mean())
        if step < steps:
            dout = 2 * error / len(y)
            df = dout[:, None] * a * (f > 0)
            w, b, a = w - lr * df.T @ X, b - lr * df.sum(dim=0), a - lr * h.T @ dout
    return w, b, a, torch.stack(losses)
