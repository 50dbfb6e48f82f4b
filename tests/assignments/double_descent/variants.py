"""Correct solutions of double_descent in unusual shapes: other algorithms, other rounding, other return types."""

from __future__ import annotations

import numpy as np
import torch
from scipy import linalg

VARIANTS: list[tuple[str, dict]] = []


def variant(label, name=None):
    """Collect a correct solution under the name of the function, or ``name``."""

    def collect(function):
        VARIANTS.append((label, {name or function.__name__: function}))
        return function

    return collect


# ---------------------------------------------------------------------------------------------- legendre_features


@variant("fills a preallocated array, column by column")
def legendre_features(x, degree):
    Phi = np.empty((x.size, degree + 1))
    Phi[:, 0] = 1
    if degree > 0:
        Phi[:, 1] = x
    for k in range(2, degree + 1):
        Phi[:, k] = (2 - 1 / k) * x * Phi[:, k - 1] - (1 - 1 / k) * Phi[:, k - 2]
    return Phi


@variant("point by point, recursively, in extended precision", "legendre_features")
def legendre_pointwise(x, degree):
    def row(value):
        previous, current, out = np.longdouble(0), np.longdouble(1), []
        for k in range(degree + 1):
            out.append(float(current))
            previous, current = current, ((2 * k + 1) * np.longdouble(value) * current - k * previous) / (k + 1)
        return out

    return np.array([row(value) for value in x])


@variant("rows first, returned as a transposed view", "legendre_features")
def legendre_rows(x, degree):
    rows = [np.ones(len(x)), x.copy()]
    while len(rows) <= degree:
        k = len(rows) - 1
        rows.append(((2 * k + 1) * x * rows[-1] - k * rows[-2]) / (k + 1))
    return np.array(rows[: degree + 1]).T


# --------------------------------------------------------------------------------------------------- min_norm_fit


@variant("lstsq with the cut-off")
def min_norm_fit(Phi, y):
    return np.linalg.lstsq(Phi, y, rcond=1e-12)[0]


@variant("pseudo-inverse with the cut-off", "min_norm_fit")
def fit_by_pinv(Phi, y):
    return np.linalg.pinv(Phi, rcond=1e-12) @ y


@variant("full singular value decomposition and a loop over its terms", "min_norm_fit")
def fit_by_terms(Phi, y):
    U, s, Vh = np.linalg.svd(Phi)
    theta = np.zeros((Phi.shape[1], *y.shape[1:]))
    for i in range(len(s)):
        if s[i] / s[0] > 1e-12:
            theta += np.multiply.outer(Vh[i], U[:, i] @ y) / s[i]
    return theta


@variant("torch, in double precision", "min_norm_fit")
def fit_by_torch(Phi, y):
    return (torch.linalg.pinv(torch.tensor(Phi), rtol=1e-12) @ torch.tensor(y)).numpy()


@variant("complete orthogonal decomposition: two QR factorizations with pivots", "min_norm_fit")
def fit_by_qr(Phi, y):
    Q, R, order = linalg.qr(Phi, mode="economic", pivoting=True)
    rank = int(np.sum(np.abs(np.diag(R)) > 1e-12 * abs(R[0, 0])))
    Q2, R2 = np.linalg.qr(R[:rank].T)  # R[:rank] = R2.T @ Q2.T
    theta = np.zeros((Phi.shape[1], *y.shape[1:]))
    theta[order] = Q2 @ linalg.solve_triangular(R2.T, Q[:, :rank].T @ y, lower=True)
    return theta


# ------------------------------------------------------------------------------------------- gradient_descent_fit


@variant("torch autograd on the loss")
def gradient_descent_fit(Phi, y, lr, steps):
    features, targets = torch.tensor(Phi), torch.tensor(y)
    theta = torch.zeros(Phi.shape[1], *y.shape[1:], dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        loss = 0.5 * ((features @ theta - targets) ** 2).sum() / len(Phi)
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = (theta - lr * gradient).detach().requires_grad_()
    return theta.detach().numpy()


@variant("ΦᵀΦ and Φᵀy computed once", "gradient_descent_fit")
def descent_with_gram_matrix(Phi, y, lr, steps):
    n = len(Phi)
    gram, b = Phi.T @ Phi / n, Phi.T @ y / n
    theta = np.zeros_like(b)
    for _ in range(steps):
        theta -= lr * (gram @ theta - b)
    return theta


@variant("target by target, with while and einsum", "gradient_descent_fit")
def descent_by_columns(Phi, y, lr, steps):
    if y.ndim == 2:
        return np.stack([descent_by_columns(Phi, column, lr, steps) for column in y.T], axis=1)
    theta = np.zeros(Phi.shape[1])
    while steps:
        residual = np.einsum("ij,j->i", Phi, theta) - y
        theta = theta - (lr / y.size) * np.einsum("ij,i->j", Phi, residual)
        steps -= 1
    return theta


# --------------------------------------------------------------------------------------------- risk_decomposition


@variant("Python floats in a list")
def risk_decomposition(losses, p, counts, f_hat, bayes_risk):
    total = sum(int(c) for c in counts)
    on_data = [sum(int(c) * float(v) for c, v in zip(counts, row, strict=True)) / total for row in losses]
    truth = [sum(float(q) * float(v) for q, v in zip(p, row, strict=True)) for row in losses]
    erm = on_data.index(min(on_data))
    return [on_data[f_hat] - on_data[erm], truth[erm] - min(truth), min(truth) - bayes_risk]


@variant("frequencies first, zero-dimensional arrays out", "risk_decomposition")
def risk_with_frequencies(losses, p, counts, f_hat, bayes_risk):
    frequencies = np.asarray(counts) / np.sum(counts)
    empirical, true = (losses * frequencies).sum(1), (losses * p).sum(1)
    erm = np.flatnonzero(np.isclose(empirical, empirical.min(), rtol=0, atol=1e-12))[0]
    parts = empirical[f_hat] - empirical[erm], true[erm] - true.min(), true.min() - bayes_risk
    return tuple(np.array(part) for part in parts)


@variant("one row of an array as the result's parts", "risk_decomposition")
def risk_einsum(losses, p, counts, f_hat, bayes_risk):
    R = np.einsum("fz,dz->df", losses, np.stack([p, counts / counts.sum()]))
    erm = int(np.lexsort((np.arange(len(losses)), np.round(R[1], 12)))[0])
    return tuple(np.array([R[1, f_hat] - R[1, erm], R[0, erm] - min(R[0]), min(R[0]) - bayes_risk]))


# ------------------------------------------------------------------------------------------------------- contours


@variant("powers of e^{it} instead of exponentials")
def draw_contour(c, t):
    H = (np.size(c) - 1) // 2
    w = np.exp(1j * np.asarray(t))
    return sum(c[H + k] * w**k for k in range(-H, H + 1))


@variant("pseudo-inverse", "fit_contour")
def contour_by_pinv(t, z, harmonics):
    return np.linalg.pinv(np.exp(1j * np.outer(t, np.arange(-harmonics, harmonics + 1)))) @ z


@variant("real and imaginary parts of the coefficients as real unknowns", "fit_contour")
def contour_in_reals(t, z, harmonics):
    angle = np.outer(t, np.arange(-harmonics, harmonics + 1))
    A = np.block([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    both = np.linalg.lstsq(A, np.concatenate([z.real, z.imag]), rcond=None)[0]
    return both[: angle.shape[1]] + 1j * both[angle.shape[1] :]


@variant("normal equations with the conjugate transpose: well-conditioned here", "fit_contour")
def contour_by_normal_equations(t, z, harmonics):
    A = np.exp(1j * t[:, None] * np.arange(-harmonics, harmonics + 1))
    return np.linalg.solve(A.conj().T @ A, A.conj().T @ z)


# ------------------------------------------------------------------------------------- polynomial_double_descent


@variant("NumPy's Legendre polynomials inside, lists of arrays out")
def polynomial_double_descent(x_train, y_train, x_test, y_test, degrees):
    train, test = [], []
    for degree in degrees:
        A, B = (np.polynomial.legendre.legvander(x, int(degree)) for x in (x_train, x_test))
        theta = np.linalg.pinv(A, rcond=1e-12) @ y_train
        train.append(np.mean(np.square(A @ theta - y_train)))
        test.append(np.mean(np.square(B @ theta - y_test)))
    return [np.array(train), np.array(test)]


@variant("all features once, cut to each degree", "polynomial_double_descent")
def curve_from_one_matrix(x_train, y_train, x_test, y_test, degrees):
    degrees = np.asarray(degrees, dtype=int)
    A, B = (legendre_features(x, int(degrees.max())) for x in (x_train, x_test))
    out = np.empty((2, degrees.size))
    for j, d in enumerate(degrees):
        theta = fit_by_terms(A[:, : d + 1], y_train)
        for i, (M, y) in enumerate(((A, y_train), (B, y_test))):
            residual = M[:, : d + 1] @ theta - y
            out[i, j] = residual @ residual / residual.size
    return out[0], out[1]


@variant("through the kernel ΦΦᵀ beyond the threshold", "polynomial_double_descent")
def curve_by_kernel(x_train, y_train, x_test, y_test, degrees):
    errors = []
    for d in degrees:
        A, B = legendre_rows(x_train, d), legendre_rows(x_test, d)
        if d + 1 >= len(x_train):
            weights = np.linalg.solve(A @ A.T, y_train)
            fitted, predicted = y_train, B @ (A.T @ weights)
        else:
            Q, R = np.linalg.qr(A)
            theta = np.linalg.solve(R, Q.T @ y_train)
            fitted, predicted = A @ theta, B @ theta
        errors.append((((fitted - y_train) ** 2).mean(), ((predicted - y_test) ** 2).mean()))
    train, test = zip(*errors, strict=True)
    return np.array(train), np.array(test)


# -------------------------------------------------------------------------------------------- random_feature_curve


def _curve(X_train, y_train, X_test, y_test, widths, draw, fit):
    targets = (y_train[:, None] == np.unique(y_train)).astype(float)
    errors = np.empty((2, len(widths)))
    for j, width in enumerate(widths):
        W = draw(X_train.shape[1], int(width))
        theta = fit(np.clip(X_train @ W, 0, None), targets)
        for i, (X, y) in enumerate(((X_train, y_train), (X_test, y_test))):
            errors[i, j] = ((np.clip(X @ W, 0, None) @ theta).argmax(-1) != y).mean()
    return errors[0], errors[1]


@variant("a generator for each width, another fit")
def random_feature_curve(X_train, y_train, X_test, y_test, widths, seed):
    def draw(d, width):
        return np.random.default_rng([seed, width]).normal(0, d**-0.5, (d, width))

    return _curve(X_train, y_train, X_test, y_test, widths, draw, fit_by_pinv)


@variant("nested widths: the first columns of one large draw, torch's generator", "random_feature_curve")
def nested_random_features(X_train, y_train, X_test, y_test, widths, seed):
    d = X_train.shape[1]
    generator = torch.Generator().manual_seed(seed)
    W = (torch.randn(d, int(max(widths)), generator=generator, dtype=torch.float64) / d**0.5).numpy()
    return list(_curve(X_train, y_train, X_test, y_test, widths, lambda d, width: W[:, :width], min_norm_fit))


@variant("the legacy generator, training and test rows in one matrix", "random_feature_curve")
def features_in_one_matrix(X_train, y_train, X_test, y_test, widths, seed):
    draws = np.random.RandomState(seed)
    X, n = np.vstack([X_train, X_test]), len(y_train)
    train, test = [], []
    for width in np.asarray(widths):
        H = np.maximum(0, X @ draws.randn(X.shape[1], width) / np.sqrt(X.shape[1]))
        outputs = H @ linalg.lstsq(H[:n], np.eye(int(y_train.max()) + 1)[y_train], cond=1e-12)[0]
        wrong = outputs.argmax(1) != np.concatenate([y_train, y_test])
        train.append(wrong[:n].mean())
        test.append(wrong[n:].mean())
    return np.array(train), np.array(test)
