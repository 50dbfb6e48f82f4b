"""Valid inputs for the exercises of initialization."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

DTYPES = (np.float16, np.float32, np.float64)

KINK_MARGIN = 1e-3
"""No pre-activation is nearer to 0: there rounding, or another choice of ReLU′(0), could switch a unit on or off."""


@st.composite
def layer_shapes(draw: st.DrawFn, *, high: int = 6) -> tuple[int, int, int]:
    """(d_in, d_out, seed) of an initializer, small."""
    return draw(sizes(1, high)), draw(sizes(1, high)), draw(st.integers(0, 2**31 - 1))


@st.composite
def networks(
    draw: st.DrawFn, *, layers: int | None = None, square: bool = False
) -> tuple[list[np.ndarray], np.ndarray]:
    """(weights, X) of a ReLU network without biases, in which every sample keeps an active unit in every layer."""
    weights, X, _ = draw(networks_with_gradient(layers=layers, square=square))
    return weights, X


@st.composite
def networks_with_gradient(
    draw: st.DrawFn, *, layers: int | None = None, square: bool = False
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """(weights, X, dout): as ``networks``, with a gradient ∂ℓ/∂h_L without zeros. Layers 1 to 4, widths 2 to 5."""
    depth = layers or draw(sizes(1, 4))
    batch = draw(sizes(1, 4))
    widths = [draw(sizes(2, 5))] * (depth + 1) if square else [draw(sizes(2, 5)) for _ in range(depth + 1)]
    source = draw(numbers())
    h = X = source.nonzero(batch, widths[0])
    weights = []
    for d_out in widths[1:]:
        omega, f = _layer(source, h, d_out)
        weights.append(omega)
        h = np.maximum(f, 0)
    return weights, X, source.nonzero(batch, widths[-1])


def _layer(source: Numbers, h: np.ndarray, d_out: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights, drawn again until no pre-activation is near 0 and each sample has one above it."""
    for _ in range(200):
        omega = source.nonzero(d_out, h.shape[1])
        f = h @ omega.T
        if np.abs(f).min() > KINK_MARGIN and (f > 0).any(axis=1).all():
            return omega, f
    # Rarely needed. From the second layer on, a unit with positive weights is on for every sample.
    normal = Numbers("normal", source.seed)
    for _ in range(2000):
        omega = normal.nonzero(d_out, h.shape[1])
        if (h >= 0).all():
            omega[0] = np.abs(omega[0])
        f = h @ omega.T
        if np.abs(f).min() > KINK_MARGIN and (f > 0).any(axis=1).all():
            break
    return omega, f


@st.composite
def width_lists(draw: st.DrawFn) -> list[int]:
    """Widths D_0 … D_L of a network of one to six layers."""
    return draw(st.lists(sizes(1, 500), min_size=2, max_size=7))


@st.composite
def scaled_widths(draw: st.DrawFn) -> tuple[np.ndarray, float, float]:
    """(widths, sigma2, q0) with one variance for all layers."""
    widths = np.array(draw(width_lists()))
    source = draw(numbers())
    sigma2, q0 = (float(v) for v in source.positive(2))
    return widths, sigma2, q0


@st.composite
def scaled_widths_per_layer(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """(widths, sigma2, q0) with a variance for each layer."""
    widths = np.array(draw(width_lists()))
    source = draw(numbers())
    return widths, source.positive(len(widths) - 1), float(source.positive(1)[0])


@st.composite
def formats(draw: st.DrawFn, *, low: float, high: float) -> tuple[int, float, Any]:
    """(width, sigma2, dtype) with r = ½·width·σ² near [low, high], and an answer that rounding cannot move."""
    width = draw(sizes(1, 600))
    hundredths = draw(st.integers(round(100 * low), round(100 * high)))
    dtype = draw(st.sampled_from(DTYPES))
    # The nearest r above whose answer is safe; a few steps of 1e-4 are enough.
    for step in range(200):
        sigma2 = 2 * (hundredths / 100 + step * 1e-4) / width
        if _is_safe(0.5 * width * sigma2, dtype):
            break
    return width, sigma2, dtype


def _is_safe(r: float, dtype: Any) -> bool:
    """No power of r is within rounding of the limit, not even when the two are compared in the dtype itself.

    The quotient ln(limit)/ln(r) is not near an integer, and lands the same when the logarithm is taken in the dtype.
    NumPy compares a Python float with a float16 after rounding it: then powers must differ from the limit by 2e-3.
    """
    limit = np.finfo(dtype).tiny if r < 1 else np.finfo(dtype).max
    exact = math.log(float(limit)) / math.log(r)
    margin = 0.02 + 2e-3 / abs(math.log(r))
    if not margin < exact % 1 < 1 - margin:
        return False
    rounded = [float(log(dtype(limit))) / float(log(r)) for log in (np.log, np.log2, np.log10)]
    return all(math.floor(other) == math.floor(exact) for other in rounded)
