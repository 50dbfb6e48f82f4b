"""Valid inputs for the exercises of moe, as tuples in the order of the arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

GAP = 1e-3
"""Scores of a chosen expert and of one left out differ by more: rounding (1e-14) never decides about a choice."""


@st.composite
def routers(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``gating_scores``: X (T, D), G (E, D), often square. Shrinks to 2 × 2, where formulas differ."""
    source, T, D = draw(numbers()), draw(st.sampled_from((2, 3, 1, 4, 5))), draw(st.sampled_from((2, 3, 1, 4)))
    E = draw(st.one_of(st.just(D), st.sampled_from((2, 3, 1, 4, 5))))
    return source.nonzero(T, D), source.nonzero(E, D)


@st.composite
def scores(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``gating_probabilities``: A (T, E)."""
    source, T, E = draw(numbers()), draw(sizes()), draw(sizes())
    return (source.array(T, E),)


@st.composite
def extreme_scores(draw: st.DrawFn) -> tuple[Any, ...]:
    """A (4, E): rows around 0, 1000 and −1000, and one with a gap of 1000 between experts."""
    source, E = draw(numbers()), draw(sizes(2, 5))
    A = source.array(4, E) + np.array([[0.0], [1000.0], [-1000.0], [0.0]])
    A[3, draw(st.integers(0, E - 1))] += 1000.0
    return (A,)


def _probabilities(weights: np.ndarray) -> np.ndarray:
    shares: np.ndarray = weights / weights.sum(axis=1, keepdims=True)
    return shares


@st.composite
def distinct_probabilities(draw: st.DrawFn, low: int = 1, more: bool = False) -> tuple[Any, ...]:
    """Arguments of ``top_k``: P (T, E) without equal entries in a row, and k ≥ low (k = 1 if low is 1, unless more).

    Neighbours in a row differ by at least one part in thirty.
    """
    source, T, E = draw(numbers()), draw(sizes(1, 4)), draw(sizes(max(low, 2), 6))
    k = draw(st.integers(low, E)) if more or low > 1 else 1
    weights = E * source.integers(0, 5, T, E) + 1 + np.arange(E)  # distinct: no two agree modulo E
    return _probabilities(weights), k


@st.composite
def tied_probabilities(draw: st.DrawFn, experts: tuple[int, ...] = (2, 3, 4, 5, 6)) -> tuple[Any, ...]:
    """Arguments of ``top_k``: P (T, E) with many equal entries (exactly equal: the same quotient), 1 ≤ k ≤ E."""
    source, T, E = draw(numbers()), draw(sizes(1, 4)), draw(st.sampled_from(experts))
    k = draw(st.integers(1, min(E, 12)))
    return _probabilities(source.integers(1, 3, T, E).astype(np.float64)), k


@st.composite
def one_hot_probabilities(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``top_k``: all probability on one expert, so that with k ≥ 2 some of probability 0 are chosen."""
    source, T, E = draw(numbers()), draw(sizes(1, 4)), draw(sizes(2, 5))
    k = draw(st.integers(2, E))
    return np.eye(E)[source.integers(0, E, T)], k


def _expert(source: Numbers, D: int, H: int) -> tuple[np.ndarray, ...]:
    # Sums of products are multiples of 1 (small integers) or 1/16 (quarters); the shift of the hidden biases keeps
    # pre-activations off the kink of the ReLU by half of that.
    shift = {"small integers": 0.5, "quarters": 1 / 32}.get(source.style, 0.0)
    return source.array(H, D), source.array(H) + shift, source.nonzero(D, H), source.nonzero(D)


@st.composite
def experts(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``expert_forward``: X (T, D) and one expert."""
    source, T, D, H = draw(numbers()), draw(sizes()), draw(sizes(1, 4)), draw(sizes(1, 4))
    return source.array(T, D), _expert(source, D, H)


def _routed(source: Numbers, T: int, D: int, E: int, k: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """X (T, D) and G (E, D), ``scale`` times as large, with a clear choice of k for every token."""
    for attempt in range(20):
        if attempt:  # gating vectors that cannot tell the experts apart, as equal ones
            source = Numbers("normal", source.seed + attempt)
        G, X = source.array(E, D), []
        for _ in range(T):
            for _ in range(30):
                x = source.nonzero(D)
                ordered = np.sort(G @ x)[::-1]
                if k == E or ordered[k - 1] - ordered[k] > max(GAP, 0.25 * (scale > 1)):
                    X.append(x)
                    break
        if len(X) == T:
            return np.array(X), scale * G
    raise AssertionError("twenty random routers without a clear choice")


@st.composite
def mixtures(draw: st.DrawFn, k: int | None = None, gradient: bool = False) -> tuple[Any, ...]:
    """Arguments of ``moe_forward`` (of ``moe_backward`` with ``gradient``): X, G, experts, k (, dY).

    k is as given, else 2 ≤ k ≤ E. No token is near a tie, no pre-activation near the kink.
    """
    source, T, D, H = draw(numbers()), draw(sizes()), draw(sizes(1, 4)), draw(sizes(1, 4))
    k = k or draw(st.integers(2, 4))
    E = draw(sizes(k, 5))
    X, G = _routed(source, T, D, E, k)
    arguments = (X, G, [_expert(source, D, H) for _ in range(E)], k)
    return (*arguments, source.nonzero(T, D)) if gradient else arguments


@st.composite
def sparse_mixtures(draw: st.DrawFn, gradient: bool = False) -> tuple[Any, ...]:
    """As ``mixtures``, with so few tokens that some expert is chosen by none; k is 1 or 2.

    For k = 1 the scores are 50 or more apart: the chosen probability is 1 to rounding, and whether and how gates are
    normalised does not matter.
    """
    source, T, D, H, k = draw(numbers()), draw(sizes(1, 2)), draw(sizes(1, 3)), draw(sizes(1, 3)), draw(sizes(1, 2))
    E = T * k + draw(sizes(1, 3))
    X, G = _routed(source, T, D, E, k, scale=200.0 if k == 1 and not gradient else 1.0)
    arguments = (X, G, [_expert(source, D, H) for _ in range(E)], k)
    return (*arguments, source.nonzero(T, D)) if gradient else arguments


def chosen_experts(X: np.ndarray, G: np.ndarray, k: int) -> set[int]:
    """The experts that at least one token chose, for inputs without ties."""
    return set(np.argsort(-(X @ G.T), axis=1, kind="stable")[:, :k].ravel().tolist())


@st.composite
def single_expert_mixtures(draw: st.DrawFn) -> tuple[Any, ...]:
    """As ``mixtures`` with k ≥ 2, and all experts equal."""
    X, G, many, k = draw(mixtures())
    return X, G, [many[0]] * len(many), k


@st.composite
def routings(draw: st.DrawFn, k: int | None = None, unused: bool = False) -> tuple[Any, ...]:
    """Arguments of ``load_balancing_loss``: P (T, E) and indices (T, k), the k largest of each row.

    k is as given, else 2 ≤ k ≤ 3. With ``unused`` no token chooses the last expert, else one does. The loss is 1 or
    more: values below 1 are for a test of their own.
    """
    source, T = draw(numbers()), draw(sizes(1, 6))
    k = k or draw(sizes(2, 3))
    E = draw(sizes(k + 1, 6))
    favorites = source.integers(0, 2, E)
    for attempt in range(20):
        weights = E * (source.integers(0, 4, T, E) + attempt * favorites) + 1.0 + np.arange(E)  # distinct, modulo E
        if unused:
            weights[:, -1] = 0.5
        else:
            weights[0, -1] = weights[0].max() + 1
        P = _probabilities(weights)
        indices = np.argsort(-P, axis=1)[:, :k]
        if E * np.bincount(indices.ravel(), minlength=E) @ P.mean(axis=0) >= indices.size:
            return P, indices
    raise AssertionError("twenty routings with a loss below 1")


@st.composite
def loads(draw: st.DrawFn, whole: bool = False) -> tuple[Any, ...]:
    """Arguments of ``expert_capacity``: T, E, k, factor, where factor · k · T / E is exact in binary in any order.

    With ``whole`` it is a whole number, else it is not.
    """
    E = draw(st.sampled_from((2, 4, 8, 16)))
    k = draw(st.integers(1, min(E, 3)))
    factor = draw(st.sampled_from((1.0, 1.25, 1.5, 2.0, 0.5)))
    T = draw(st.one_of(st.integers(1, 4), st.integers(1, 60)))
    if whole:
        return 4 * E * T, E, k, factor
    quotient = factor * k * T / E
    return (T, E, k, factor) if quotient % 1 else (4 * E * T + 1, E, k, 1.0 if k % 2 else 1.25)


@st.composite
def queues(draw: st.DrawFn, k: int | None = None) -> tuple[Any, ...]:
    """Arguments of ``dispatch``: indices (T, k) without repetition in a row, E and a capacity that drops some.

    k is as given, else 2 ≤ k ≤ 3. Experts' loads are uneven: low indices are chosen more often.
    """
    source, T = draw(numbers()), draw(sizes(2, 8))
    k = k or draw(sizes(2, 3))
    E = draw(sizes(k, 5))
    indices = np.argsort(source.integers(0, 4, T, E) + 0.7 * np.arange(E), axis=1, kind="stable")[:, :k]
    most = int(np.bincount(indices.ravel()).max())
    if most == 1:
        indices[-1] = indices[0]
        most = 2
    return indices, E, draw(st.integers(1, most - 1))
