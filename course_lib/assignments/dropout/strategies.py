"""Valid inputs for the exercises of dropout."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import numbers, sizes

SHAPES = ((5,), (2, 3), (4, 2), (1, 6), (6, 1), (2, 3, 4), (2, 1, 3, 2))
PROBABILITIES = (0.5, 0.25, 0.75, 0.125, 0.3, 0.9)
BINARY_FRACTIONS = (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875, 0.3125)


@st.composite
def layers(draw: st.DrawFn, *, zeros: bool = False) -> tuple[np.ndarray, float, np.ndarray]:
    """x, p, u of ``dropout_forward``: some units dropped, some kept, no uniform equal to p. ``zeros`` allows x = 0."""
    source = draw(numbers())
    shape = draw(st.sampled_from(SHAPES))
    p = draw(st.sampled_from(PROBABILITIES))
    x = source.array(*shape) if zeros else source.nonzero(*shape)
    u = (source.integers(0, 16, *shape) + 0.5) / 16
    u.flat[int(source.integers(0, u.size // 2))] = 1 / 32
    u.flat[int(source.integers(u.size // 2, u.size))] = 31 / 32
    return x, p, u


@st.composite
def layers_on_the_boundary(draw: st.DrawFn) -> tuple[np.ndarray, float, np.ndarray]:
    """As ``layers``, with p in eighths and some uniforms exactly equal to p."""
    source = draw(numbers())
    shape = draw(st.sampled_from(SHAPES))
    p = draw(st.sampled_from((0.5, 0.25, 0.75, 0.125, 0.0)))
    u = source.integers(0, 8, *shape) / 8
    u.flat[int(source.integers(0, u.size))] = p
    return source.nonzero(*shape), p, u


@st.composite
def backward_inputs(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, float]:
    """dy, mask, p of ``dropout_backward`` in training. The mask has both values; dy has zeros."""
    source = draw(numbers())
    x, p, u = draw(layers())
    return source.array(*x.shape), u >= p, p


@st.composite
def weight_lists(draw: st.DrawFn) -> tuple[list[np.ndarray], float]:
    """Arguments of ``l2_penalty``: one to four arrays of one to three axes, and λ. Not all weights are zero."""
    source = draw(numbers())
    shapes = draw(st.lists(st.sampled_from(((3,), (1, 1), (2, 3), (4, 2), (3, 3), (2, 2, 3))), min_size=1, max_size=4))
    weights = [source.array(*shape) for shape in shapes]
    weights[0].flat[0] = 2.0
    return weights, draw(st.sampled_from((1.0, 0.5, 0.01, 3.0)))


@st.composite
def loss_curves(draw: st.DrawFn, *, low: int = 2, high: int = 14, distinct: bool = True) -> list[float]:
    """Validation losses in eighths, from falling to erratic. ``distinct``: no two are equal; otherwise many are."""
    n = draw(sizes(low, high))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    slope = draw(st.sampled_from((0.0, 0.5, 2.0)))
    wanted = 3 * rng.standard_normal(n) - slope * np.arange(n)
    ranks = np.argsort(np.argsort(wanted))
    return [float(rank) / 8 for rank in (ranks if distinct else ranks // 3) + 1]


def patiences(high: int = 4) -> st.SearchStrategy[int]:
    """A number of epochs without improvement. Shrinks to 1."""
    return st.integers(1, high)


@st.composite
def prunable(draw: st.DrawFn) -> tuple[np.ndarray, float]:
    """Arguments of ``magnitude_prune``: distinct magnitudes (squares, so that a fraction of the largest is not a
    fraction of their number) of either sign; at least one weight goes and one stays.
    """
    source = draw(numbers())
    shape = draw(st.sampled_from(((7,), (3, 3), (2, 5), (5, 3), (2, 3, 3), (1, 9))))
    size = int(np.prod(shape))
    signs = np.sign(source.nonzero(*shape))
    order = np.argsort(source.integers(0, 10**6, size), kind="stable").reshape(shape)
    possible = [f for f in BINARY_FRACTIONS if 1 <= int(f * size) < size]
    return signs * (order + 1.0) ** 2 / 4, draw(st.sampled_from(possible))


@st.composite
def prunable_with_ties(draw: st.DrawFn) -> tuple[np.ndarray, float]:
    """Arguments of ``magnitude_prune``: few magnitudes, of either sign and partly zero, each very often."""
    source = draw(numbers())
    shape = draw(st.sampled_from(((6,), (3, 4), (40,), (8, 9), (3, 5, 7))))
    w = source.integers(-2, 3, *shape) / 2
    return w, draw(st.sampled_from(BINARY_FRACTIONS))


@st.composite
def stochastic_passes(draw: st.DrawFn, *, low: int = 2, high: int = 6) -> tuple[np.ndarray, list[np.ndarray]]:
    """x (B, D) of ``mc_dropout`` and what the network answers in each pass, (B, C) with C ≠ D. The first answer
    differs from the others in every element."""
    source = draw(numbers())
    batch, width, classes = draw(sizes(1, 4)), draw(sizes(2, 4)), draw(st.sampled_from((1, 5)))
    outputs = [source.array(batch, classes) + i for i in range(draw(st.integers(low, high)))]
    outputs[0] = outputs[0] - 8
    return source.nonzero(batch, width), outputs
