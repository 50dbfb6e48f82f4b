"""Valid inputs for the exercises of condensation, as tuples in the order of the arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import Numbers, numbers, sizes

KINK = 1e-6
"""Pre-activations in training stay this far from 0, where the gradient jumps: rounding (1e-13) decides nothing."""

COS_GAP = 1e-3
"""No cosine is closer to the threshold, unless it is exact."""


def _frequencies(source: Numbers, freqs: np.ndarray) -> Any:
    """The same frequencies as an array, or as a list of ints: either may come."""
    return freqs if source.integers(0, 2) else freqs.tolist()


@st.composite
def sampled_functions(draw: st.DrawFn, beyond: bool = False) -> tuple[Any, ...]:
    """Arguments of ``fourier_coefficients``: values (n,) and different frequencies, 0 ≤ k < n, in any order.

    With ``beyond`` the first two are negative and n or more.
    """
    source, n = draw(numbers()), draw(st.one_of(sizes(1, 4), sizes(5, 16)))
    freqs = np.argsort(source.integers(0, 1000, n), kind="stable")[: draw(st.integers(1, min(n, 5)))]
    if beyond:
        n = max(n, 3)
        extra = np.array([-1 - int(source.integers(0, n - 2)), n + int(source.integers(0, 2 * n))])
        freqs = np.concatenate([extra, freqs])
    return source.nonzero(n), _frequencies(source, freqs)


@st.composite
def predictions(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``relative_frequency_error``: prediction (n,), target (n,), and frequencies 0 ≤ k < n/2.

    Both hold each of these with an amplitude of at least ¼, different for each, and the prediction with another phase.
    """
    source, count = draw(numbers()), draw(sizes(1, 4))
    n = 2 * count + draw(sizes(1, 9))
    freqs = np.argsort(source.integers(0, 1000, (n + 1) // 2), kind="stable")[:count]
    angle = 2 * np.pi * np.arange(n) / n * freqs[:, None]
    steady = freqs == 0  # a phase makes no sense for a constant
    phases = np.where(steady, 0.0, 0.5 * source.array(2, count))
    phases[1] += np.where(steady, 0.0, 0.7)
    target = source.nonzero(count) @ np.cos(angle + phases[0, :, None])
    prediction = source.nonzero(count) @ np.cos(angle + phases[1, :, None])
    return prediction, target, _frequencies(source, freqs)


def _errors(source: Numbers, starts: np.ndarray, steps: int, threshold: float, dips: bool, edge: float) -> np.ndarray:
    """Errors (steps, F) that begin to stay below the threshold at ``starts``; ``steps`` means never.

    Before that they are above it, with ``dips`` half of the time below. The last value that is not below is ``edge``
    if that is not 0.
    """
    errors = np.empty((steps, len(starts)))
    for column, start in enumerate(starts):
        above = threshold * (1.25 + np.sort(source.integers(0, 20, steps))[::-1] / 8)
        below = threshold * (0.125 + np.sort(source.integers(0, 6, steps))[::-1] / 8)
        early = source.integers(0, 2, steps).astype(bool) & dips
        outside = np.where(early, below, above)
        if start > 0:
            outside[start - 1] = edge or above[start - 1]
        errors[:, column] = np.where(np.arange(steps) < start, outside, below)
    return errors


def order_of(starts: np.ndarray, freqs: np.ndarray, steps: int) -> list[int]:
    """The right result for errors with these ``starts``."""
    return [int(k) for start, k in sorted(zip(starts.tolist(), freqs.tolist(), strict=True)) if start < steps]


@st.composite
def error_curves(
    draw: st.DrawFn, dips: bool = False, never: bool = False, ties: bool = False, edge: float = 0.0
) -> tuple[tuple[Any, ...], list[int]]:
    """Arguments of ``convergence_order``, and the right result, which is not empty, sorted or as ``freqs`` come.

    Args:
        dips: errors go below the threshold and above it again.
        never: some errors end above the threshold, or on the edge.
        ties: some begin to stay below at the same step.
        edge: the last value that is not below the threshold, in units of the threshold; 0 for one above it.
    """
    source, count, steps = draw(numbers()), draw(sizes(4 if never else 3, 6)), draw(sizes(8, 14))
    threshold = draw(st.sampled_from((0.5, 0.25, 1.0)))
    for _ in range(200):
        freqs = source.integers(0, 3, count).cumsum() + np.arange(count)
        freqs = freqs[np.argsort(source.integers(0, 1000, count), kind="stable")]
        starts = np.argsort(source.integers(0, 1000, steps), kind="stable")[:count]  # all different
        if ties:
            starts = starts[source.integers(0, 2, count)]
        if never:
            starts[int(source.integers(0, count))] = steps
        right = order_of(starts, freqs, steps)
        members = [k for k in freqs.tolist() if k in right]
        tied = len(set(starts.tolist())) < count
        if right not in (sorted(right), members) and len(right) > 1 and tied == ties:
            errors = _errors(source, starts, steps, threshold, dips, edge * threshold)
            return (errors, _frequencies(source, freqs), threshold), right
    raise AssertionError("two hundred draws of starts, and the result is always in order")


@st.composite
def networks(draw: st.DrawFn, zeros: bool = False, scale: float = 1.0) -> tuple[Any, ...]:
    """Arguments of ``neuron_directions``: w (H, d), b (H,), a (H,), without zeros.

    With ``zeros`` some neurons, but not all, have w and b equal to 0, one has only its w equal to 0, one only its a.
    """
    source, H, d = draw(numbers()), draw(sizes(3 if zeros else 1, 6)), draw(sizes(1, 4))
    w, b, a = scale * source.nonzero(H, d), scale * source.nonzero(H), source.nonzero(H)
    if zeros:
        order = np.argsort(source.integers(0, 1000, H), kind="stable")
        none = order[: 1 + int(source.integers(0, H - 2))]
        w[none], b[none] = 0.0, 0.0
        w[order[-1]], a[order[-2]] = 0.0, 0.0
    return w, b, a


def _unit(vectors: np.ndarray) -> np.ndarray:
    units: np.ndarray = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return units


def _shuffled(source: Numbers, units: np.ndarray, amplitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(source.integers(0, 10_000, len(units)), kind="stable")
    return units[order], amplitude[order]


@st.composite
def bundles(
    draw: st.DrawFn, opposite: bool = False, weak: bool = False, groups: int | None = None
) -> tuple[tuple[Any, ...], int]:
    """Arguments of ``condensed_groups``, and the right result: bundles of nearly equal directions, far from another.

    A bundle's cosines are above 0.98, those of two bundles below 0.2, the threshold lies between 0.5 and 0.95.

    Args:
        opposite: every direction comes with its negative.
        weak: there are weak neurons too, in every bundle, in directions of their own, and with the zero vector.
        groups: how many bundles.
    """
    source, D = draw(numbers()), draw(sizes(2, 5))
    count = groups or draw(sizes(1 if opposite else 2, D)) if not opposite else draw(sizes(1, D))
    count = min(count, D)
    axes = np.argsort(source.integers(0, 1000, D), kind="stable")[:count]
    centers = np.eye(D)[axes] * np.where(source.integers(0, 2, count), 1.0, -1.0)[:, None]
    if opposite:
        centers = np.concatenate([centers, -centers])
    members = 1 + source.integers(0, 4, len(centers))
    members[0] += 1
    noise = source.integers(-3, 4, int(members.sum()), D) / 60.0 / np.sqrt(D)  # shorter than 0.05
    units = _unit(np.repeat(centers, members, axis=0) + noise)
    amplitude = 1.0 + source.integers(0, 9, len(units)) / 4.0
    if weak:
        more = np.concatenate([centers, _unit(source.nonzero(3, D)), np.zeros((2, D))])
        amplitude = np.concatenate([amplitude, source.integers(1, 6, len(more)) / 10.0])
        amplitude[-2:] = 0.0
        units = np.concatenate([units, more])
    units, amplitude = _shuffled(source, units, amplitude)
    limits = (0.75, 0.875) if weak else (0.0, 0.5)
    threshold = draw(st.sampled_from((0.5, 0.8, 0.9, 0.95)))
    return (units, amplitude, threshold, draw(st.sampled_from(limits))), len(centers)


@st.composite
def chains(draw: st.DrawFn) -> tuple[tuple[Any, ...], int]:
    """Arguments of ``condensed_groups``, and the right result: fans of directions, each close to the next one only.

    Several fans in planes at right angles to each other; two neighbours are 20° apart, the threshold is at 25°.
    """
    source, fans = draw(numbers()), draw(sizes(1, 3))
    parts = []
    for fan in range(fans):
        angle = np.radians(20.0 * np.arange(int(source.integers(4, 11)) if fan else 14) + 3.0)
        part = np.zeros((len(angle), 2 * fans))
        part[:, 2 * fan], part[:, 2 * fan + 1] = np.cos(angle), np.sin(angle)
        parts.append(part)
    units = np.concatenate(parts)
    units, amplitude = _shuffled(source, units, 1.0 + source.integers(0, 9, len(units)) / 4.0)
    return (units, amplitude, float(np.cos(np.radians(25.0))), 0.5), fans


@st.composite
def bridges(draw: st.DrawFn) -> tuple[tuple[Any, ...], int]:
    """Arguments of ``condensed_groups``, and the right result: bundles 40° apart, with weak neurons halfway."""
    source, count = draw(numbers()), draw(sizes(2, 4))
    place = np.repeat(np.arange(2 * count - 1), 1 + source.integers(0, 3, 2 * count - 1))
    angle = np.radians(20.0 * place + 3.0 + source.integers(-1, 2, len(place)))
    units, amplitude = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.where(place % 2 == 0, 1.0, 0.25)
    units, amplitude = _shuffled(source, units, amplitude)
    return (units, amplitude, float(np.cos(np.radians(25.0))), 0.5), count


@st.composite
def random_directions(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``condensed_groups``: random directions without opposite ones, no cosine close to the threshold."""
    source, H, D = draw(numbers()), draw(sizes(4, 14)), draw(sizes(2, 4))
    units = _unit(source.positive(H, D))
    cosines = np.sort(np.unique(np.append((units @ units.T)[np.triu_indices(H, 1)], [0.3, 0.97])))
    cosines = cosines[(cosines > 0.29) & (cosines < 0.98)]
    gaps = np.diff(cosines)
    at = draw(st.integers(0, 8))
    wide = np.flatnonzero(gaps > 2 * COS_GAP)
    place = wide[at % len(wide)]
    threshold = float(cosines[place] + gaps[place] / 2)
    return units, source.integers(1, 9, H) / 4.0, threshold, 0.0


@st.composite
def products(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``product_gradients``: b, c, x, y as floats, none of them 0, y − b·c·x at least 1/8."""
    source = draw(numbers())
    for _ in range(100):
        b, c, x, y = source.nonzero(4).tolist()
        if abs(y - b * c * x) >= 0.125 and abs(abs(b) - abs(c)) >= 0.125:
            return b, c, x, y
    raise AssertionError("a hundred products without a residual")


@st.composite
def product_steps(draw: st.DrawFn, lr: tuple[float, ...] = (0.125, 0.25, 0.5)) -> tuple[Any, ...]:
    """Arguments of ``effective_step``: b, c, x, y, lr."""
    return (*draw(products()), draw(st.sampled_from(lr)))


def _runs_clear(arguments: tuple[Any, ...]) -> bool:
    """Whether training keeps every pre-activation off the kink and every number moderate."""
    X, y, w, b, a, lr, steps = arguments
    for _ in range(steps + 1):
        f = X @ w.T + b
        h = np.maximum(f, 0)
        error = h @ a - y
        clear = np.abs(f).min() > KINK and max(np.abs(f).max(), np.abs(error).max()) < 100
        if not clear:
            return False
        df = 2 / len(y) * np.outer(error, a) * (f > 0)
        w, b, a = w - lr * df.T @ X, b - lr * df.sum(axis=0), a - lr * 2 / len(y) * h.T @ error
    return True


@st.composite
def trainings(draw: st.DrawFn, steps: tuple[int, int] = (2, 6), dead: bool = False) -> tuple[Any, ...]:
    """Arguments of ``two_layer_train``: X (n, d), y (n,), w (H, d), b (H,), a (H,), lr, steps.

    No pre-activation gets near the kink, but with ``dead``: then the first neurons (not all) have w and b equal to 0.
    Every parameter gets a gradient: at least one neuron is active and the prediction is wrong.
    """
    source, n, d, H = draw(numbers()), draw(sizes(1, 6)), draw(sizes(1, 4)), draw(sizes(1, 4))
    lr, count = draw(st.sampled_from((0.0625, 0.03125))), draw(sizes(*steps))
    for attempt in range(100):
        if attempt:
            source = Numbers("normal" if attempt > 20 else source.style, source.seed + attempt)
        X, w, b, a = source.nonzero(n, d), 0.5 * source.nonzero(H, d), 0.5 * source.nonzero(H), source.nonzero(H)
        y = source.array(n)
        b = b + 1 / 64  # whole numbers and quarters put nothing on the kink
        f = X @ w.T + b
        error = np.maximum(f, 0) @ a - y
        df = np.outer(error, a) * (f > 0)
        moves = min(np.abs(g).max() for g in (np.maximum(f, 0).T @ error, df.T @ X, df.sum(axis=0))) > 0.1
        if not moves or not _runs_clear((X, y, w, b, a, lr, count)):
            continue
        if dead:
            zeros = draw(sizes(1, 2))
            w, b = np.concatenate([np.zeros((zeros, d)), w]), np.concatenate([np.zeros(zeros), b])
            a = np.concatenate([source.nonzero(zeros), a])
        return X, y, w, b, a, lr, count
    raise AssertionError("a hundred networks that touch the kink")


def long_training(steps: int = 120) -> tuple[Any, ...]:
    """Arguments of ``two_layer_train`` for a loss curve that falls to a fiftieth."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((12, 2))
    y = np.maximum(X[:, 0], 0) - np.maximum(X[:, 1], 0)
    w, b, a = 0.3 * rng.standard_normal((8, 2)), 0.3 * rng.standard_normal(8), 0.3 * rng.standard_normal(8)
    return X, y, w, b, a, 0.2, steps
