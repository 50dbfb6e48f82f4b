"""Valid inputs for the exercises of optimizers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

SHAPES = ((3,), (1,), (2, 3), (3, 1), (2, 1, 2))
"""Shapes of a parameter array: the first is the simplest. Arrays without axes are tested apart."""

LEARNING_RATES = (0.5, 0.25, 0.1, 0.01)
DECAYS = (0.5, 0.75, 0.9, 0.2)
"""Decay rates. Two drawn apart are different more often than not."""

LARGE_EPS = (0.5, 0.1, 1.0)
"""Added in the wrong place these change every digit."""

DISTANCES = (1.0, 1.0, 1.0, 1e6, 1e-6)
"""Of a start from the minimum: some are very large or small, for solutions that limit the gradient or stop early."""

AVERAGES = (1.0, 1.0, 0.0)
"""Some averages are zero, as before the first step."""

GRADIENT_SIZES = (1.0, 1.0, 1.0, 1e4)
"""Large ones are for solutions that limit the gradient."""

VECTORS = st.just((2,))
ONE = st.just(1)
A_FEW = st.sampled_from((2, 3, 4, 8))
SAMPLES = st.integers(2, 6)
LAYERS = st.integers(1, 3)


def shapes() -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of a parameter array with at least one axis."""
    return st.sampled_from(SHAPES)


@st.composite
def quadratics(
    draw: st.DrawFn,
    shapes: st.SearchStrategy[tuple[int, ...]] = VECTORS,
    low: int = 1,
    distances: tuple[float, ...] = (1.0,),
) -> tuple[Any, ...]:
    """(a, c, w0, lr, steps) for gradient descent on ½ Σ a (w − c)² + ½ (Σ w)².

    No curvature exceeds 3 + 6 (six entries at most), so with lr ≤ ¼ a step multiplies no distance by more than 1.25.
    """
    shape, source = draw(shapes), draw(numbers())
    a, c = np.minimum(source.positive(*shape), 3.0), source.array(*shape)
    distance = draw(st.sampled_from(distances))
    w0 = source.nonzero(*shape, scale=distance)
    if distance < 1:
        # The minimum: a (w − c) + Σw = 0 in every entry.
        total = c.sum() / (1 + (1 / a).sum())
        w0 += c - total / a
    return a, c, w0, draw(st.sampled_from((0.25, 0.125, 0.1))), draw(sizes(low, 6))


@st.composite
def batchings(draw: st.DrawFn) -> tuple[int, int, int]:
    """(n, batch_size, seed). The batch size divides n, leaves a rest, is 1, or is n."""
    n = draw(sizes(1, 25))
    batch_size = draw(st.one_of(st.integers(1, n), st.sampled_from([d for d in range(1, n + 1) if n % d == 0])))
    return n, batch_size, draw(st.integers(0, 1000))


@st.composite
def momentum_states(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``momentum_step``. No entry of g or v is zero, so both count."""
    shape, source = draw(shapes()), draw(numbers())
    w, v = source.array(*shape), source.nonzero(*shape)
    g = source.nonzero(*shape, scale=draw(st.sampled_from(GRADIENT_SIZES)))
    return w, g, v, draw(st.sampled_from(LEARNING_RATES)), draw(st.sampled_from(DECAYS))


@st.composite
def rmsprop_states(
    draw: st.DrawFn, eps: tuple[float, ...] = (1e-12,), averages: tuple[float, ...] = (1.0,)
) -> tuple[Any, ...]:
    """Arguments of ``rmsprop_step``. v is a positive array times one of ``averages``; the new v is positive."""
    shape, source = draw(shapes()), draw(numbers())
    w, v = source.array(*shape), source.positive(*shape) * draw(st.sampled_from(averages))
    g = source.nonzero(*shape, scale=draw(st.sampled_from(GRADIENT_SIZES)))
    return w, g, v, draw(st.sampled_from(LEARNING_RATES)), draw(st.sampled_from(DECAYS)), draw(st.sampled_from(eps))


@st.composite
def adam_states(
    draw: st.DrawFn, eps: tuple[float, ...] = (1e-12,), steps: tuple[int, ...] = (1, 2, 3, 7, 40, 3000)
) -> tuple[Any, ...]:
    """Arguments of ``adam_step`` up to eps. v is positive, the decay rates differ. At step 1 the moments are zero."""
    shape, source, t = draw(shapes()), draw(numbers()), draw(st.sampled_from(steps))
    w, m, v = source.array(*shape), source.nonzero(*shape), source.positive(*shape)
    g = source.nonzero(*shape, scale=draw(st.sampled_from(GRADIENT_SIZES)))
    if t == 1:
        m, v = np.zeros(shape), np.zeros(shape)
    beta, gamma = draw(st.sampled_from(((0.5, 0.75), (0.9, 0.99), (0.9, 0.999), (0.8, 0.2))))
    return w, g, m, v, t, draw(st.sampled_from(LEARNING_RATES)), beta, gamma, draw(st.sampled_from(eps))


@st.composite
def runs(
    draw: st.DrawFn,
    tensors: st.SearchStrategy[int] = ONE,
    weight_decay: tuple[float, ...] = (0.0,),
    eps: tuple[float, ...] = (1e-12,),
    length: st.SearchStrategy[int] = A_FEW,
) -> tuple[Any, ...]:
    """(settings, params, grads): the five arguments of ``AdamW``, a list of arrays, and one such list for every step.

    No gradient is zero, and neither is a parameter.
    """
    source, count = draw(numbers()), draw(tensors)
    forms = [draw(shapes()) for _ in range(count)]
    beta, gamma = draw(st.sampled_from(((0.5, 0.75), (0.9, 0.99), (0.9, 0.999))))
    lr, decay = draw(st.sampled_from(LEARNING_RATES)), draw(st.sampled_from(weight_decay))
    params = [source.nonzero(*shape) for shape in forms]
    grads = [[source.nonzero(*shape) for shape in forms] for _ in range(draw(length))]
    return (lr, beta, gamma, draw(st.sampled_from(eps)), decay), params, grads


@st.composite
def schedules(draw: st.DrawFn) -> tuple[int, int, float, float]:
    """(warmup, total, lr_max, lr_min) with a warm-up of at least two steps and a decay of at least two."""
    warmup = draw(sizes(2, 8))
    lr_max = draw(st.sampled_from((1.0, 0.1, 3.0)))
    return warmup, warmup + draw(sizes(2, 12)), lr_max, lr_max * draw(st.sampled_from((0.1, 0.25, 0.0)))


@st.composite
def training_sets(
    draw: st.DrawFn, n: st.SearchStrategy[int] = SAMPLES, layers: st.SearchStrategy[int] = LAYERS
) -> tuple[Any, ...]:
    """(X, y, params, lr). Numbers are normal: no pre-activation is zero, where the slope of ReLU is a choice."""
    widths = [draw(sizes(1, 3)), *(draw(sizes(2, 4)) for _ in range(draw(layers) - 1)), draw(sizes(1, 3))]
    rows, source = draw(n), Numbers("normal", draw(st.integers(0, 2**16)))
    params = [
        (source.array(d_out, d_in, scale=(1 / d_in) ** 0.5), source.array(d_out, scale=0.5))
        for d_in, d_out in pairwise(widths)
    ]
    return source.array(rows, widths[0]), source.array(rows, widths[-1]), params, draw(st.sampled_from((0.125, 0.05)))
