"""Reference solutions in torch: they follow the device and dtype of their inputs, or take them by keyword."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def he_normal(d_in: int, d_out: int, seed: int, *, device: str = "cpu", dtype: torch.dtype = torch.float64) -> Tensor:
    """Weights (d_out, d_in), independent N(0, 2/d_in): E[h²] survives a ReLU layer (He et al. 2015, eq. 10)."""
    return _normal(d_in, d_out, 2 / d_in, seed, device, dtype)


def xavier_normal(
    d_in: int, d_out: int, seed: int, *, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> Tensor:
    """Weights (d_out, d_in), independent N(0, 2/(d_in + d_out)) (Glorot and Bengio 2010, eq. 12)."""
    return _normal(d_in, d_out, 2 / (d_in + d_out), seed, device, dtype)


def mean_fan_normal(
    d_in: int, d_out: int, seed: int, *, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> Tensor:
    """Weights (d_out, d_in), independent N(0, 4/(d_in + d_out)) (Prince, Understanding Deep Learning, section 7.5)."""
    return _normal(d_in, d_out, 4 / (d_in + d_out), seed, device, dtype)


def forward_second_moments(weights: Sequence[Tensor], X: Tensor) -> Tensor:
    """Mean of h² over batch and units after each of the L layers h = ReLU(h Ωᵀ): (L,).

    weights: L matrices (D_{k+1}, D_k); X: (B, D_0).
    """
    h, moments = X, []
    for omega in weights:
        h = torch.relu(h @ omega.T)
        moments.append(h.square().mean())
    return torch.stack(moments)


def backward_second_moments(weights: Sequence[Tensor], X: Tensor, dout: Tensor) -> Tensor:
    """Mean of (∂ℓ/∂f_k)² over batch and units at each of the L pre-activations, first layer first: (L,).

    weights: L matrices (D_{k+1}, D_k); X: (B, D_0); dout: (B, D_L), the gradient ∂ℓ/∂h_L.
    """
    h, active = X, []
    for omega in weights:
        f = h @ omega.T
        active.append(f > 0)
        h = torch.relu(f)
    dh, moments = dout, []
    for omega, mask in zip(reversed(weights), reversed(active), strict=True):
        df = dh * mask
        moments.append(df.square().mean())
        dh = df @ omega
    return torch.stack(moments[::-1])


def predicted_second_moments(widths: Sequence[int] | Tensor, sigma2: float | Tensor, q0: float) -> Tensor:
    """Mean-field prediction q_1 … q_L by q_{k+1} = ½ D_k σ² q_k for ReLU: (L,).

    widths: (L+1,), D_k is the fan-in of layer k; sigma2: the weights' variance, one for all or (L,).
    (Prince, section 7.5; Poole et al. 2016.)
    """
    dtype = sigma2.dtype if isinstance(sigma2, Tensor) else torch.float64  # the widths are whole numbers
    fan_in = torch.as_tensor(widths, dtype=dtype)[:-1]
    return q0 * torch.cumprod(0.5 * fan_in * torch.as_tensor(sigma2, dtype=dtype, device=fan_in.device), 0)


def depth_until_underflow(width: int, sigma2: float, dtype: type[np.floating]) -> int:
    """Smallest m ≥ 1 for which r^m, r = ½·width·σ², is below dtype's normal or above its finite numbers; −1 if r = 1.

    r^m < tiny (r < 1) means m > ln(tiny)/ln(r); r^m > max (r > 1) means m > ln(max)/ln(r).
    """
    r = 0.5 * width * sigma2
    if abs(r - 1) < 1e-12:
        return -1
    limits = np.finfo(dtype)
    limit = float(limits.tiny if r < 1 else limits.max)
    return max(1, math.floor(math.log(limit) / math.log(r)) + 1)


def orthogonal(
    d_in: int, d_out: int, gain: float, seed: int, *, device: str = "cpu", dtype: torch.dtype = torch.float64
) -> Tensor:
    """Gain times a matrix (d_out, d_in) with orthonormal rows or columns, whichever are fewer; uniform under rotation.

    Q of a QR decomposition of a normal matrix, with the signs chosen so that R has a positive diagonal: only then is Q
    uniform (Mezzadri 2007). Saxe et al. 2014 for the idea.
    """
    long, short = max(d_in, d_out), min(d_in, d_out)
    q, r = torch.linalg.qr(_normal(short, long, 1.0, seed, device, dtype))
    q = q * torch.where(torch.diagonal(r) < 0, -1.0, 1.0).to(dtype)
    return gain * (q if d_out >= d_in else q.T)


def _normal(d_in: int, d_out: int, variance: float, seed: int, device: str, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator(device).manual_seed(seed)
    return math.sqrt(variance) * torch.randn(d_out, d_in, generator=generator, device=device, dtype=dtype)
