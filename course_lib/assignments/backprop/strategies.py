"""Valid inputs for the exercises of backprop.

Inputs of the networks are built so that no pre-activation is near the kink of ReLU: a test of values must not hinge on
what a solution does there. The kink has tests of its own.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

KINK_DISTANCE = 0.1
"""Least distance of a pre-activation of ``mlps`` from 0."""


@st.composite
def shapes(draw: st.DrawFn, *, max_ndim: int = 3) -> tuple[int, ...]:
    """Shapes of non-empty arrays of one axis or more. 0-d arrays have properties of their own."""
    return tuple(draw(st.lists(sizes(1, 3), min_size=1, max_size=max_ndim)))


@st.composite
def moderate_arrays(draw: st.DrawFn) -> np.ndarray:
    """Arrays of one to three axes with magnitudes from ¼ to about 5."""
    return draw(numbers()).nonzero(*draw(shapes()))


@st.composite
def large_arrays(draw: st.DrawFn) -> np.ndarray:
    """Vectors with magnitudes up to 1000, of the size of one drawn scale."""
    z = draw(numbers()).nonzero(draw(sizes(1, 4)), scale=draw(st.sampled_from([10.0, 40.0, 250.0, 750.0])))
    return np.asarray(np.clip(z, -1000.0, 1000.0))


@st.composite
def toy_parameters(
    draw: st.DrawFn, alive: st.SearchStrategy[tuple[bool, ...]]
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """(x, y, beta, omega): unit k of the toy network is alive or dead as ``alive`` says, at least ¼ from its kink.

    Some have pre-activations of thousands, and a residual like them: for solutions that limit either or the gradients.
    """
    source = draw(numbers())
    pattern = draw(alive)
    size = draw(st.sampled_from((1.0, 1.0, 1.0, 1000.0)))
    x, y = (float(value) for value in source.nonzero(2))
    omega = source.nonzero(4)
    f = source.positive(4, scale=size)
    f[3] = y + source.nonzero(1, scale=size)[0]  # a residual that is not 0
    beta, h = np.zeros(4), x
    for k in range(4):
        if k < 3 and not pattern[k]:
            f[k] = -f[k]
        beta[k] = f[k] - omega[k] * h
        h = max(f[k], 0.0)
    return x, y, beta, omega


ALL_ALIVE = (True, True, True)
ONE_DEAD = ((False, True, True), (True, False, True), (True, True, False))


def toy_networks() -> st.SearchStrategy[tuple[Any, ...]]:
    """Arguments of ``toy_backward``: all units alive in two of three networks, otherwise any pattern."""
    some = st.tuples(st.booleans(), st.booleans(), st.booleans())
    return toy_parameters(st.one_of(st.just(ALL_ALIVE), st.just(ALL_ALIVE), some))


def dying_toy_networks() -> st.SearchStrategy[tuple[Any, ...]]:
    """Arguments of ``toy_backward`` with exactly one dead unit."""
    return toy_parameters(st.sampled_from(ONE_DEAD))


@st.composite
def linear_inputs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arguments X (B, D_in), W (D_out, D_in), b (D_out,) of ``linear_forward``; square and not, single rows too."""
    source = draw(numbers())
    batch, d_in, d_out = draw(sizes(1, 5)), draw(sizes(1, 5)), draw(sizes(1, 5))
    return source.nonzero(batch, d_in), source.nonzero(d_out, d_in), source.nonzero(d_out)


@st.composite
def linear_gradient_inputs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arguments dY (B, D_out), X (B, D_in), W (D_out, D_in) of ``linear_backward``."""
    X, W, _ = draw(linear_inputs())
    dY = draw(numbers()).nonzero(X.shape[0], W.shape[0])
    return dY, X, W


@st.composite
def classifications(draw: st.DrawFn, *, scale: float = 1.0, max_batch: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Arguments logits (B, C) and labels (B,) of ``softmax_cross_entropy``, at least two classes."""
    source = draw(numbers())
    batch, classes = draw(sizes(1, max_batch)), draw(sizes(2, 5))
    return source.array(batch, classes, scale=scale), source.integers(0, classes, batch)


@st.composite
def shifted_classifications(draw: st.DrawFn, *, max_batch: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """As ``classifications``, every logit moved by the same large number of either sign."""
    logits, labels = draw(classifications(max_batch=max_batch))
    return logits + draw(st.sampled_from([1000.0, -1000.0, 9000.0, -9000.0])), labels


@st.composite
def uneven_classifications(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """As ``classifications`` with two rows or more, each row moved by a number of its own."""
    source = draw(numbers())
    batch, classes = draw(sizes(2, 5)), draw(sizes(2, 5))
    steps = np.array([0.0, -1000.0, 1000.0, -9000.0, 9000.0])[:batch]
    return source.array(batch, classes) + steps[:, None], source.integers(0, classes, batch)


@st.composite
def spread_classifications(draw: st.DrawFn, *, max_batch: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """As ``classifications``; within a row the label's logit lies 100 to 19 000 below the largest."""
    logits, labels = draw(classifications(scale=0.5, max_batch=max_batch))
    gap = draw(st.sampled_from([100.0, 800.0, 1000.0, 19_000.0]))
    logits = logits - gap / 2
    rows = np.arange(len(labels))
    logits[rows, (labels + 1) % logits.shape[1]] += gap
    return logits, labels


def careful_biases(source: Numbers, products: np.ndarray) -> np.ndarray:
    """Biases (D,), multiples of ½, that keep ``products`` (B, D) plus bias at least ``KINK_DISTANCE`` from 0.

    Each of up to twelve rows rules out at most one of the 13 candidates, since they are ½ > 2·KINK_DISTANCE apart.
    """
    candidates = (source.integers(0, 13, products.shape[1])[:, None] + 5 * np.arange(13)) % 13 / 2.0 - 3.0
    far = np.all(np.abs(products.T[:, None, :] + candidates[:, :, None]) >= KINK_DISTANCE, axis=-1)
    return np.asarray(candidates[np.arange(candidates.shape[0]), far.argmax(1)])


@st.composite
def mlps(
    draw: st.DrawFn, *, depths: st.SearchStrategy[int] | None = None
) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray]:
    """Arguments params (K+1 pairs) and X (B, D) of ``mlp_forward``; 0 to 3 hidden layers, equal and unequal widths."""
    source = draw(numbers())
    depth = draw(sizes(0, 3) if depths is None else depths)
    batch = draw(sizes(1, 4))
    equal = draw(st.booleans())
    widths = (
        [draw(sizes(2, 4))] * (depth + 2)
        if equal
        else draw(st.lists(sizes(1, 5), min_size=depth + 2, max_size=depth + 2))
    )
    X = source.nonzero(batch, widths[0])
    h, params = X, []
    for d_in, d_out in pairwise(widths):
        W = source.nonzero(d_out, d_in, scale=0.5)
        products = h @ W.T
        b = careful_biases(source, products)
        params.append((W, b))
        h = np.maximum(products + b, 0.0)
    return params, X


@st.composite
def mlp_gradient_inputs(
    draw: st.DrawFn, *, depths: st.SearchStrategy[int] | None = None
) -> tuple[Any, list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Arguments params, f, h, dout of ``mlp_backward``, f and h those of the forward pass."""
    params, X = draw(mlps(depths=depths))
    f, h = [], [X]
    for W, b in params:
        f.append(h[-1] @ W.T + b)
        h.append(np.maximum(f[-1], 0.0))
    return params, f, h[:-1], draw(numbers()).nonzero(*f[-1].shape)


@st.composite
def points_in_space(draw: st.DrawFn, *, max_ndim: int = 3) -> np.ndarray:
    """An argument x of ``numerical_gradient``: non-empty, of one to three axes."""
    return draw(numbers()).nonzero(*draw(shapes(max_ndim=max_ndim)))


@st.composite
def interpolation_points(
    draw: st.DrawFn, *, counts: st.SearchStrategy[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Arguments knots (n,) and values (n,) of ``relu_interpolant``: uneven steps of ¼ or more, no flat piece."""
    source = draw(numbers())
    n = draw(sizes(2, 7) if counts is None else counts)
    steps, rises = source.positive(n), source.nonzero(n)
    return np.cumsum(steps) - steps.sum() // 2, np.cumsum(rises)
