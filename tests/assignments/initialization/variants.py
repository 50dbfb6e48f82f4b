"""Correct solutions of initialization in unusual shapes: other generators, other algorithms, other roundings."""

import math
import random
import statistics
from fractions import Fraction

import numpy as np
import torch
from scipy import linalg
from scipy.stats import ortho_group, special_ortho_group


def scaled(normal):
    """The three initializers from ``normal(rows, columns, seed)``."""
    return {
        "he_normal": lambda d_in, d_out, seed: normal(d_out, d_in, seed) * np.sqrt(2 / d_in),
        "xavier_normal": lambda d_in, d_out, seed: normal(d_out, d_in, seed) * np.sqrt(2 / (d_in + d_out)),
        "mean_fan_normal": lambda d_in, d_out, seed: normal(d_out, d_in, seed) * np.sqrt(4 / (d_in + d_out)),
    }


def legacy(rows, columns, seed):
    np.random.seed(seed)
    return np.random.randn(rows, columns)


def torch_single(rows, columns, seed):
    torch.manual_seed(seed)
    return torch.randn(rows, columns).double().numpy()


def torch_double(rows, columns, seed):
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).numpy()


def plain_python(rows, columns, seed):
    generator = random.Random(seed)
    return np.array([[generator.gauss(0, 1) for _ in range(columns)] for _ in range(rows)])


def box_muller(rows, columns, seed):
    u, v = np.random.default_rng(seed).random((2, rows, columns))
    return np.sqrt(-2 * np.log(1 - u)) * np.cos(2 * np.pi * v)


def inverse_distribution(rows, columns, seed):
    u = np.random.Generator(np.random.Philox(seed)).random(rows * columns)
    return np.array([statistics.NormalDist().inv_cdf(x or 0.5) for x in u]).reshape(rows, columns)


def column_major(rows, columns, seed):
    return np.random.default_rng(seed).standard_normal((columns, rows)).T


def forward_in_columns(weights, X):
    h, moments = X.T, np.empty(len(weights))
    for k, W in enumerate(weights):
        f = np.einsum("ij,jb->ib", W, h)
        h = f * (f > 0)
        moments[k] = np.linalg.norm(h) ** 2 / h.size
    return moments


def forward_unit_by_unit(weights, X):
    samples, moments = [list(x) for x in X], []
    for W in weights:
        samples = [[max(0.0, math.fsum(w * h for w, h in zip(row, x, strict=True))) for row in W] for x in samples]
        flat = [h for x in samples for h in x]
        moments.append(math.fsum(h * h for h in flat) / len(flat))
    return np.array(moments)


def forward_variance_plus_mean(weights, X):
    h, moments = np.longdouble(X), []
    for W in weights:
        h = np.maximum(np.einsum("bi,oi->bo", h, np.longdouble(W)), 0)
        moments.append(h.var() + h.mean() ** 2)
    return np.array(moments, dtype=np.float64)


def forward_torch(weights, X):
    h, moments = torch.tensor(X), []
    for W in weights:
        h = torch.relu(torch.tensor(W) @ h.T).T
        moments.append(float((h**2).mean()))
    return np.array(moments)


def backward_recursive(weights, X, dout):
    def back(k, h):
        if k == len(weights):
            return dout, []
        f = h @ weights[k].T
        dh, later = back(k + 1, np.where(f > 0, f, 0))
        df = np.where(f > 0, dh, 0)
        return df @ weights[k], [np.mean(df**2), *later]

    return np.array(back(0, X)[1])


def backward_sample_by_sample(weights, X, dout):
    squares = np.zeros(len(weights))
    for x, d in zip(X, dout, strict=True):
        h, masks = x, []
        for W in weights:
            f = W.dot(h)
            masks.append(f >= 0)
            h = np.abs(f) * (f > 0)
        for k in reversed(range(len(weights))):
            df = np.diag(masks[k].astype(float)) @ d
            squares[k] += df @ df / df.size
            d = weights[k].T @ df
    return squares / len(X)


def backward_autograd(weights, X, dout):
    h, pre_activations = torch.tensor(X), []
    for W in weights:
        f = (h @ torch.tensor(W).T).requires_grad_()
        f.retain_grad()
        pre_activations.append(f)
        h = torch.relu(f)
    (h * torch.tensor(dout)).sum().backward()
    return np.array([float((f.grad**2).mean()) for f in pre_activations])


def predicted_loop(widths, sigma2, q0):
    q, result = q0, []
    for k in range(len(widths) - 1):
        q = q * 0.5 * widths[k] * (sigma2 if np.ndim(sigma2) == 0 else sigma2[k])
        result.append(q)
    return np.array(result)


def predicted_in_logs(widths, sigma2, q0):
    factors = np.asarray(widths[:-1], dtype=float) * np.asarray(sigma2) / 2
    return np.exp(np.log(q0) + np.cumsum(np.log(factors)))


def predicted_matrix(widths, sigma2, q0):
    factors = np.broadcast_to(np.array(widths[:-1]) / 2 * sigma2, len(widths) - 1)
    return np.array([q0 * np.prod(factors[: k + 1]) for k in range(len(factors))])


def depth_loop(width, sigma2, dtype):
    r = width * sigma2 / 2
    if abs(r - 1) < 1e-12:
        return -1
    q, m, limits = r, 1, np.finfo(dtype)
    while float(limits.tiny) <= q <= float(limits.max):
        q, m = q * r, m + 1
    return m


def depth_loop_against_numbers_of_the_format(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    if abs(r - 1) < 1e-12:
        return -1
    limits = np.finfo(dtype)
    q, m = r, 1
    with np.errstate(all="ignore"):  # NumPy 2 rounds the Python float to the format before it compares
        while not (q < limits.tiny or q > limits.max):
            q, m = q * r, m + 1
    return m


def depth_powers(width, sigma2, dtype):
    r = np.float64(0.5) * sigma2 * width
    if np.isclose(r, 1, rtol=0, atol=1e-12):
        return np.int64(-1)
    with np.errstate(over="ignore", under="ignore"):
        q = r ** np.arange(1, 80_000 if abs(r - 1) < 0.1 else 8_000)
    outside = (q < np.finfo(dtype).smallest_normal) | (q > np.finfo(dtype).max)
    return np.argmax(outside) + 1


def depth_bisection(width, sigma2, dtype):
    r = Fraction(width) * Fraction(sigma2) / 2
    if abs(r - 1) < Fraction(1, 10**12):
        return np.array(-1)
    low, high = 0, 1
    tiny, largest = Fraction(float(np.finfo(dtype).tiny)), Fraction(float(np.finfo(dtype).max))
    r = r.limit_denominator(10**8)
    outside = lambda m: r**m < tiny if r < 1 else r**m > largest
    while not outside(high):
        low, high = high, 2 * high
        if high > 2000:  # exact powers become long: the logarithm is as good there
            return depth_logarithm(width, sigma2, dtype)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if outside(middle) else (middle, high)
    return np.array(high)


def depth_logarithm(width, sigma2, dtype):
    r = 0.5 * width * sigma2
    if abs(r - 1) < 1e-12:
        return -1
    info = torch.finfo({np.float16: torch.float16, np.float32: torch.float32, np.float64: torch.float64}[dtype])
    limit = info.tiny if r < 1 else info.max
    return int(max(np.floor(np.log2(limit) / np.log2(r)) + 1, 1))


def depth_logarithm_in_the_format(width, sigma2, dtype):
    """The limit's logarithm has the format's few digits; the quotient still lands in the right interval."""
    r = 0.5 * width * sigma2
    if abs(r - 1) < 1e-12:
        return -1
    limit = np.finfo(dtype).tiny if r < 1 else np.finfo(dtype).max
    return max(int(np.floor(float(np.log(limit)) / np.log(r))) + 1, 1)


def oriented(tall):
    """An initializer from ``tall(rows, columns, seed)`` with orthonormal columns."""

    def orthogonal(d_in, d_out, gain, seed):
        if d_out >= d_in:
            return gain * tall(d_out, d_in, seed)
        return gain * tall(d_in, d_out, seed).T

    return {"orthogonal": orthogonal}


def gaussian(rows, columns, seed):
    return np.random.default_rng(seed).standard_normal((rows, columns))


def gram_schmidt(rows, columns, seed):
    q = gaussian(rows, columns, seed)
    for j in range(columns):
        for i in range(j):
            q[:, j] -= (q[:, i] @ q[:, j]) * q[:, i]
        q[:, j] /= np.linalg.norm(q[:, j])
    return q


def polar(rows, columns, seed):
    u, _, vt = np.linalg.svd(gaussian(rows, columns, seed), full_matrices=False)
    return u @ vt


def inverse_root(rows, columns, seed):
    a = gaussian(rows, columns, seed)
    values, vectors = np.linalg.eigh(a.T @ a)
    return a @ (vectors / np.sqrt(values)) @ vectors.T


def random_signs(rows, columns, seed):
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((rows, columns)))
    return q * rng.choice([-1.0, 1.0], columns)


def cholesky(rows, columns, seed):
    a = gaussian(rows, columns, seed)
    return linalg.solve_triangular(np.linalg.cholesky(a.T @ a), a.T, lower=True).T


def rotations_only(rows, columns, seed):
    if rows == 1:
        return np.ones((1, 1))
    return special_ortho_group.rvs(rows, random_state=seed)[:, :columns]


def haar(rows, columns, seed):
    return np.atleast_2d(ortho_group.rvs(rows, random_state=seed) if rows > 1 else [[1.0]])[:, :columns]


def reflections(rows, columns, seed):
    """Stewart's way: a product of Householder reflections of normal vectors, and the signs that make it uniform."""
    rng = np.random.default_rng(seed)
    q, signs = np.eye(rows), np.ones(rows)
    for k in range(rows):
        x = rng.standard_normal(rows - k)
        signs[k] = 1.0 if x[0] >= 0 else -1.0
        if k == rows - 1:
            break
        x[0] += signs[k] * np.linalg.norm(x)
        q[:, k:] -= np.outer(q[:, k:] @ x, 2 * x / (x @ x))
        signs[k] = -signs[k]
    return (q * signs)[:, :columns]


def single_precision(rows, columns, seed):
    generator = torch.Generator().manual_seed(seed)
    q, r = torch.linalg.qr(torch.randn(rows, columns, generator=generator))
    return (q * torch.sign(torch.diagonal(r))).double().numpy()


VARIANTS = [
    ("NumPy's legacy global generator", scaled(legacy)),
    ("torch, single precision drawn", scaled(torch_single)),
    ("torch, double precision", scaled(torch_double)),
    ("Python's random.gauss", scaled(plain_python)),
    ("Box and Muller", scaled(box_muller)),
    ("inverse of the distribution function, Philox", scaled(inverse_distribution)),
    ("drawn transposed, column-major", scaled(column_major)),
    ("a column for each sample", {"forward_second_moments": forward_in_columns}),
    ("unit by unit in plain Python", {"forward_second_moments": forward_unit_by_unit}),
    ("variance plus squared mean, extended precision", {"forward_second_moments": forward_variance_plus_mean}),
    ("torch inside", {"forward_second_moments": forward_torch}),
    ("recursion", {"backward_second_moments": backward_recursive}),
    ("sample by sample with matrices for masks", {"backward_second_moments": backward_sample_by_sample}),
    ("autograd", {"backward_second_moments": backward_autograd}),
    ("loop", {"predicted_second_moments": predicted_loop}),
    ("sums of logarithms", {"predicted_second_moments": predicted_in_logs}),
    ("a product for each layer", {"predicted_second_moments": predicted_matrix}),
    ("loop in double precision", {"depth_until_underflow": depth_loop}),
    ("loop, compared in the format", {"depth_until_underflow": depth_loop_against_numbers_of_the_format}),
    ("the limit's logarithm in the format", {"depth_until_underflow": depth_logarithm_in_the_format}),
    ("all powers at once", {"depth_until_underflow": depth_powers}),
    ("exact fractions and bisection", {"depth_until_underflow": depth_bisection}),
    ("logarithm to base 2, torch's limits", {"depth_until_underflow": depth_logarithm}),
    ("modified Gram–Schmidt", oriented(gram_schmidt)),
    ("polar factor by SVD", oriented(polar)),
    ("polar factor by eigenvalues", oriented(inverse_root)),
    ("random signs instead of R's", oriented(random_signs)),
    ("Cholesky QR", oriented(cholesky)),
    ("rotations without reflections", oriented(rotations_only)),
    ("scipy's Haar measure, columns of a square matrix", oriented(haar)),
    ("a product of Householder reflections", oriented(reflections)),
    ("drawn in single precision", oriented(single_precision)),
]
