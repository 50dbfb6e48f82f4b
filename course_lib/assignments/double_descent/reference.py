"""Reference solutions in torch: they follow the device and dtype of their inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

RELATIVE_CUTOFF = 1e-12


def legendre_features(x: Tensor, degree: int) -> Tensor:
    """Values of P_0 … P_degree at x (n,), as the columns of Φ (n, degree+1).

    Bonnet's recurrence (k+1) P_{k+1}(x) = (2k+1) x P_k(x) − k P_{k−1}(x), P_0 = 1, P_1 = x (DLMF 18.9.1).
    """
    columns = [torch.ones_like(x), x]
    for k in range(1, degree):
        columns.append(((2 * k + 1) * x * columns[k] - k * columns[k - 1]) / (k + 1))
    return torch.stack(columns[: degree + 1], dim=1)


def min_norm_fit(Phi: Tensor, y: Tensor) -> Tensor:
    """Of all θ that minimize ‖Φθ − y‖², the one of smallest norm.

    Φ (n, p), y (n,) or (n, m), θ (p,) or (p, m), real or complex. θ = V Σ⁺ Uᴴ y with Φ = U Σ Vᴴ; singular values up to
    1e-12 times the largest (in float32: up to rounding) count as zero (Golub and Van Loan, Matrix Computations, 5.5).
    """
    U, sigma, Vh = torch.linalg.svd(Phi, full_matrices=False)
    cutoff = max(RELATIVE_CUTOFF, torch.finfo(Phi.dtype).eps * max(Phi.shape) if sigma.dtype != torch.float64 else 0.0)
    kept = sigma > cutoff * sigma.max()
    inverse = torch.where(kept, 1 / torch.where(kept, sigma, 1.0), 0.0)
    return Vh.mH @ ((U * inverse).mH @ y)


def gradient_descent_fit(Phi: Tensor, y: Tensor, lr: float, steps: int) -> Tensor:
    """θ after ``steps`` steps of gradient descent on ½‖Φθ − y‖²/n from θ = 0.

    Φ (n, p), y (n,) or (n, m), θ (p,) or (p, m). Every step adds a vector of the row space of Φ, so the limit is the
    minimum-norm fit if lr < 2n/σ_max² (Prince, Understanding Deep Learning, section 9.2 on implicit regularization).
    """
    theta = torch.zeros(Phi.shape[1], *y.shape[1:], dtype=Phi.dtype, device=Phi.device)
    for _ in range(steps):
        theta = theta - lr * Phi.T @ (Phi @ theta - y) / len(Phi)
    return theta


def risk_decomposition(
    losses: Tensor, p: Tensor, counts: Tensor, f_hat: int, bayes_risk: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Optimization, generalization and approximation error of the pick f_hat from a finite class.

    losses (F, Z), p (Z,) true probabilities, counts (Z,) in the data. Bottou and Bousquet, The Tradeoffs of Large Scale
    Learning (2008), with the optimization error measured on the data.
    """
    true_risk = losses.to(p.dtype) @ p
    total_losses = losses.to(p.dtype) @ counts.to(p.dtype)  # whole numbers: exact, so that ties are ties
    empirical_risk = total_losses / counts.sum()
    f_erm = int((total_losses == total_losses.min()).nonzero()[0, 0])
    best = true_risk.min()
    return empirical_risk[f_hat] - empirical_risk[f_erm], true_risk[f_erm] - best, best - bayes_risk


def fit_contour(t: Tensor, z: Tensor, harmonics: int) -> Tensor:
    """Coefficients c_{−H} … c_H (2H+1,), complex, of the contour Σ c_k e^{ikt} closest to z (n,) at t (n,)."""
    return min_norm_fit(_harmonics(t, harmonics), z.to(_complex(t)))


def draw_contour(c: Tensor, t: Tensor) -> Tensor:
    """The points Σ c_k e^{ikt} (n,) at t (n,), complex; c (2H+1,) from c_{−H} to c_H."""
    return _harmonics(t, (len(c) - 1) // 2) @ c.to(_complex(t))


def polynomial_double_descent(
    x_train: Tensor, y_train: Tensor, x_test: Tensor, y_test: Tensor, degrees: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Mean squared errors on training and test data, each (len(degrees),), of minimum-norm Legendre fits."""
    train: list[Tensor] = []
    test: list[Tensor] = []
    for degree in degrees:
        theta = min_norm_fit(legendre_features(x_train, int(degree)), y_train)
        train.append(((legendre_features(x_train, int(degree)) @ theta - y_train) ** 2).mean())
        test.append(((legendre_features(x_test, int(degree)) @ theta - y_test) ** 2).mean())
    return torch.stack(train), torch.stack(test)


def random_feature_curve(
    X_train: Tensor, y_train: Tensor, X_test: Tensor, y_test: Tensor, widths: Sequence[int], seed: int
) -> tuple[Tensor, Tensor]:
    """Classification errors on training and test data, each (len(widths),), of fits on random features.

    X (n, d), labels y (n,). Features ReLU(X W) with W (d, width) of variance 1/d, fixed; minimum-norm fit of one-hot
    targets; the class of the largest output (Belkin, Hsu, Ma and Mandal, Reconciling modern machine-learning practice
    and the classical bias–variance trade-off, 2019).
    """
    generator = torch.Generator().manual_seed(seed)
    y_train, y_test = (torch.as_tensor(y, device=X_train.device).long() for y in (y_train, y_test))
    one_hot = torch.nn.functional.one_hot(y_train, int(max(y_train.max(), y_test.max())) + 1).to(X_train.dtype)
    train: list[Tensor] = []
    test: list[Tensor] = []
    for width in widths:
        W = torch.randn(X_train.shape[1], int(width), generator=generator, dtype=torch.float64).to(X_train)
        W = W / X_train.shape[1] ** 0.5
        theta = min_norm_fit(torch.relu(X_train @ W), one_hot)
        for X, y, errors in ((X_train, y_train, train), (X_test, y_test, test)):
            errors.append(((torch.relu(X @ W) @ theta).argmax(1) != y).to(X.dtype).mean())
    return torch.stack(train), torch.stack(test)


def _harmonics(t: Tensor, harmonics: int) -> Tensor:
    k = torch.arange(-harmonics, harmonics + 1, device=t.device, dtype=t.dtype)
    return torch.exp(1j * t[:, None] * k)


def _complex(t: Tensor) -> torch.dtype:
    return torch.complex128 if t.dtype == torch.float64 else torch.complex64
