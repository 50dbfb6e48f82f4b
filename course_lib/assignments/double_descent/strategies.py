"""Valid inputs for the exercises of double_descent."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

DIGITS = Path(__file__).with_name("digits.npz")


# ---------------------------------------------------------------------------------------------------- exercise 1


@st.composite
def legendre_inputs(draw: st.DrawFn, max_degree: int = 6) -> tuple[np.ndarray, int]:
    """Points in [−1, 1] of either sign, and a degree from 0."""
    source = draw(numbers())
    n = draw(sizes(1, 6))
    return np.tanh(source.array(n, scale=0.5)), draw(sizes(0, max_degree))


# --------------------------------------------------------------------------------------------- exercises 2 and 3


def matrix_of_singular_values(source: Numbers, n: int, p: int, values: np.ndarray) -> np.ndarray:
    """A matrix (n, p) with these nonzero singular values, at most min(n, p) of them, and random singular vectors."""
    left = np.linalg.qr(_normal(source, n, len(values)))[0]
    right = np.linalg.qr(_normal(source, p, len(values)))[0]
    return (left * values) @ right.T


@st.composite
def regressions(
    draw: st.DrawFn, *, shape: str = "any", condition: float = 4.0, outputs: bool | None = None, deficient: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Arguments (Phi, y) of ``min_norm_fit``.

    Args:
        shape: "tall" (n > p), "wide" (n < p), or "any" (square too).
        condition: ratio of the largest to the smallest nonzero singular value.
        outputs: whether y has a second axis; None for either.
        deficient: the rank is below min(n, p).
    """
    source = draw(numbers())
    n, p = draw(sizes(3, 6)), draw(sizes(3, 6))
    small, large = min(n, p), max(n, p)
    if shape != "any":
        large += small == large
        n, p = (large, small) if shape == "tall" else (small, large)
    rank = draw(sizes(1, min(n, p) - 1)) if deficient else min(n, p)
    values = np.geomspace(1.0, 1.0 / condition, rank) * 2.0
    more = draw(st.booleans()) if outputs is None else outputs
    y = source.nonzero(n, draw(sizes(1, 3))) if more else source.nonzero(n)
    return matrix_of_singular_values(source, n, p, values), y


@st.composite
def descents(draw: st.DrawFn, *, outputs: bool | None = None) -> tuple[Any, ...]:
    """Arguments (Phi, y, lr, steps) of ``gradient_descent_fit``: few steps, from 2.

    The last learning rate is above 2n/σ_max² = n/2: there the loss rises, by a factor of 4 a step in the end.
    """
    Phi, y = draw(regressions(outputs=outputs))
    n = len(Phi)
    return Phi, y, n * draw(st.sampled_from([0.05, 0.125, 0.2, 0.75])), draw(sizes(2, 6))


# ---------------------------------------------------------------------------------------------------- exercise 4


@st.composite
def finite_classes(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``risk_decomposition``. Exactly one model has the smallest risk on the data."""
    source = draw(numbers())
    F, Z = draw(sizes(2, 4)), draw(sizes(2, 5))
    losses = source.integers(0, 8, F, Z).astype(np.float64)
    counts = source.integers(0, 5, Z)
    counts[int(source.integers(0, Z))] += 2
    on_data = losses @ counts
    first = int(np.argmin(on_data))
    for f in range(F):  # a tie on the data is broken by making the later model worse where there is data
        if f != first and on_data[f] == on_data[first]:
            losses[f, int(np.argmax(counts))] += 1
    p = source.positive(Z)
    p = p / p.sum()
    bayes_risk = float(np.round((losses.min(0) @ p) * 0.5, 3))
    return losses, p, counts, int(source.integers(0, F)), bayes_risk


@st.composite
def tied_classes(draw: st.DrawFn) -> tuple[Any, ...]:
    """As ``finite_classes``, with two best models on the data that differ where there is none.

    The data's size is a power of two, so that the empirical risks are equal in whatever order they are computed.
    """
    source = draw(numbers())
    Z = draw(sizes(2, 4))
    counts = np.append(np.full(Z - 1, 1), 0)
    counts[0] += 4 - (Z - 1)
    seen = source.integers(0, 3, Z - 1).astype(np.float64)
    unseen = np.array([1.0, 5.0]) if source.integers(0, 2) else np.array([5.0, 1.0])
    losses = np.stack([np.append(seen + 2, 0.0), np.append(seen, unseen[0]), np.append(seen, unseen[1])])
    p = source.positive(Z)
    return losses, p / p.sum(), counts, 0, 0.0


# ---------------------------------------------------------------------------------------------------- exercise 5


@st.composite
def coefficients(draw: st.DrawFn, max_harmonics: int = 4) -> tuple[np.ndarray, Numbers]:
    """c_{−H} … c_H (2H+1,), and a source for more. No symmetry between k and −k."""
    source = draw(numbers())
    size = 2 * draw(sizes(0, max_harmonics)) + 1
    c = source.nonzero(size) + 1j * source.nonzero(size)
    return c, source


@st.composite
def drawings(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Arguments (c, t) of ``draw_contour``."""
    c, source = draw(coefficients())
    return c, _angles(source, draw(sizes(1, 7)), uniform=False)


@st.composite
def contours(draw: st.DrawFn, *, uniform: bool = False, exact: bool = False) -> tuple[Any, ...]:
    """Arguments (t, z, harmonics) of ``fit_contour``, from points on a contour.

    Args:
        uniform: the angles are 2πj/n, else they are shifted by up to 0.3 of their distance, and in no order.
        exact: as many points as coefficients, else more.
    """
    c, source = draw(coefficients())
    n = len(c) + (0 if exact else draw(sizes(1, 6)))
    t = _angles(source, n, uniform=uniform)
    k = np.arange(len(c)) - len(c) // 2
    return t, np.exp(1j * np.outer(t, k)) @ c, len(c) // 2


@st.composite
def noisy_contours(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``fit_contour`` with points that lie on no contour of so few harmonics."""
    t, z, harmonics = draw(contours())
    source = draw(numbers())
    return t, z + source.nonzero(len(z)) + 1j * source.nonzero(len(z)), harmonics


def _angles(source: Numbers, n: int, *, uniform: bool) -> np.ndarray:
    """n angles in [0, 2π). The least-squares problem of ``fit_contour`` stays well-conditioned."""
    steps = np.arange(n, dtype=np.float64)
    if not uniform:
        steps = source._rng.permutation(steps + source._rng.uniform(0.0, 0.3, n))  # type: ignore[attr-defined]
    return 2 * np.pi * steps / n


# ---------------------------------------------------------------------------------------------------- exercise 6


@st.composite
def polynomial_tasks(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``polynomial_double_descent``: equispaced training points, other test points, unsorted degrees."""
    source = draw(numbers())
    n, n_test = draw(sizes(5, 12)), draw(sizes(2, 4))
    x = source._rng.permutation(np.linspace(-1.0, 1.0, n))  # type: ignore[attr-defined]
    x_test = np.tanh(source.array(n_test, scale=0.7))
    y, y_test = (
        np.exp(-3 * x**2) + source.nonzero(n, scale=0.3),
        np.exp(-3 * x_test**2) + source.array(n_test, scale=0.3),
    )
    degrees = [n + 3, 1, n - 1, 0, int(source.integers(2, n - 1)), 3 * n]
    return x, y, x_test, y_test, degrees


# ---------------------------------------------------------------------------------------------------- exercise 7


@cache
def blobs() -> tuple[np.ndarray, ...]:
    """(X_train, y_train, X_test, y_test): five Gaussian classes in ten dimensions, centered and scaled.

    60 training rows, of which every tenth has a wrong label, and 200 test rows. All classes occur in both.
    """
    rng = np.random.default_rng(2019)
    centers = 1.5 * rng.standard_normal((5, 10))
    y = np.arange(260) % 5
    X = centers[y] + rng.standard_normal((260, 10))
    X = (X - X.mean()) / X.std()
    return _split(X, y, 60, 5, rng)


@cache
def noisy_digits() -> tuple[np.ndarray, ...]:
    """(X_train, y_train, X_test, y_test) of the digits: 200 training rows, 20 with a wrong label, 400 test rows."""
    rng = np.random.default_rng(3)
    with np.load(DIGITS) as data:
        chosen = rng.permutation(len(data["labels"]))[:600]
        X, y = data["images"].reshape(-1, 64)[chosen].astype(np.float64), data["labels"][chosen].astype(np.int64)
    X = (X - X[:200].mean()) / X[:200].std()
    return _split(X, y, 200, 10, rng)


def _split(X: np.ndarray, y: np.ndarray, n: int, classes: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    y_train = y[:n].copy()
    y_train[::10] = (y_train[::10] + rng.integers(1, classes, len(y_train[::10]))) % classes
    parts = X[:n], y_train, X[n:], y[n:]
    for part in parts:
        part.flags.writeable = False
    return parts


def _normal(source: Numbers, *shape: int) -> np.ndarray:
    rng: np.random.Generator = source._rng  # type: ignore[attr-defined]
    return rng.standard_normal(shape)
