"""Statistical assertions of the hidden tests: is this what independent draws from that distribution look like?

Every bound here holds for any sample size, not only in the limit: exact distributions (chi-square, beta, binomial) and
the inequalities of Dvoretzky–Kiefer–Wolfowitz–Massart and Hoeffding. A right solution, with whatever generator it uses,
fails one assertion with a probability below ``FALSE_ALARM``; a thousand of them together stay below 1e-9.
The other side, how wrong a solution must be to be caught, is a matter of sample size: see ``sample_size_for_std``.
Must not import an assignment.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from course_lib.checking.assertions import CheckFailure, as_array

FALSE_ALARM = 1e-12
"""The most that one assertion may fail a right solution with, as a probability."""

_STEEPEST = 1 / math.sqrt(2 * math.pi * math.e)
"""The maximum of |x|·φ(x): how fast the normal distribution function moves when its argument is scaled."""


def std_bounds(n: int, false_alarm: float = FALSE_ALARM) -> tuple[float, float]:
    """What √(mean of squares)/σ of ``n`` normal draws of mean 0 lies between, but for ``false_alarm``.

    Σx²/σ² is chi-square with n degrees of freedom; each side gets half of the probability.
    """
    low = 2 * special.gammaincinv(n / 2, false_alarm / 2) / n
    high = 2 * special.gammainccinv(n / 2, false_alarm / 2) / n
    return math.sqrt(low), math.sqrt(high)


def sample_size_for_std(relative_error: float, miss: float = 1e-9, false_alarm: float = FALSE_ALARM) -> int:
    """Draws that ``assert_std`` needs to catch a standard deviation this much off, but for a probability of ``miss``.

    The estimate's standard error is σ/√(2n), and the sum of its two quantiles must fit into the error. That is the
    large-n form; the tests of this module hold it against the exact probability.
    """
    quantiles = -special.ndtri(false_alarm / 2) - (1 + relative_error) * special.ndtri(miss)
    return math.ceil(float(quantiles / relative_error) ** 2 / 2)


def distribution_distance(n: int, false_alarm: float = FALSE_ALARM) -> float:
    """What the largest distance between the empirical and the true distribution function stays below.

    P(D > ε) ≤ 2 exp(−2nε²) (Massart 1990), for every n and every distribution.
    """
    return math.sqrt(math.log(2 / false_alarm) / (2 * n))


def assert_std(values: np.ndarray, std: float, *, name: str = "result") -> None:
    """Independent normal draws of mean 0 have this standard deviation. Exact (chi-square)."""
    __tracebackhide__ = True
    x = _flat(values, name)
    low, high = std_bounds(x.size)
    got = math.sqrt(float(np.mean(x * x)))
    if low * std <= got <= high * std:
        return
    raise CheckFailure(
        f"the standard deviation of {name} is {got:.4g}, but should be {std:.4g} "
        f"({x.size} numbers; by chance it would lie between {low * std:.4g} and {high * std:.4g})"
    )


def assert_mean_zero(values: np.ndarray, *, name: str = "result") -> None:
    """Independent normal draws have mean 0, whatever their standard deviation.

    n·mean²/Σx² is the part of a random direction that lies along one axis: Beta(1/2, (n−1)/2).
    """
    __tracebackhide__ = True
    x = _flat(values, name)
    n = x.size
    squares = float(np.sum(x * x))
    if squares > 0 and n * float(x.mean()) ** 2 / squares <= special.betainccinv(0.5, (n - 1) / 2, FALSE_ALARM):
        return
    raise CheckFailure(f"the mean of {name} is {x.mean():.4g}, but should be 0 up to chance ({n} numbers)")


def assert_normal(values: np.ndarray, *, name: str = "result") -> None:
    """Independent draws of mean 0 have the normal distribution's shape, whatever their standard deviation.

    The scale s = √(mean of squares) is only known to lie within ``std_bounds`` of σ: a quarter of the false-alarm
    probability goes there, a quarter to each of two tests. (1) The distribution function of x/s: scaling the argument
    by c moves Φ by at most max|x|φ(x)·|ln c| = 0.242·|ln c|, on top of the bound of Massart. (2) How many |x| exceed
    3s: binomial, with the probability of exceeding 3·low or 3·high.
    """
    __tracebackhide__ = True
    x = _flat(values, name)
    n = x.size
    scale = math.sqrt(float(np.mean(x * x)))
    if scale == 0:
        raise CheckFailure(f"all entries of {name} are zero")
    quarter = FALSE_ALARM / 4
    low, high = std_bounds(n, quarter)
    allowed = distribution_distance(n, quarter) + _STEEPEST * max(-math.log(low), math.log(high))
    distance = _distance(x / scale, special.ndtr)
    if distance > allowed:
        raise CheckFailure(
            f"{name} is not normally distributed: its distribution function is up to {distance:.3f} away from "
            f"the bell curve's of the same standard deviation (by chance at most {allowed:.3f}, with {n} numbers)"
        )
    beyond = int(np.sum(np.abs(x) > 3 * scale))
    too_many = _at_least(beyond, n, 2 * special.ndtr(-3 * low)) < quarter / 2
    too_few = _at_most(beyond, n, 2 * special.ndtr(-3 * high)) < quarter / 2
    if too_many or too_few:
        raise CheckFailure(
            f"{name} is not normally distributed: {beyond} of {n} entries are more than 3 standard deviations away "
            f"from 0, and should be about {2 * n * special.ndtr(-3.0):.0f}"
        )


def assert_independent_entries(matrix: np.ndarray, *, name: str = "result") -> None:
    """The entries of a matrix of normal draws vary freely: no row or column repeats or follows another.

    For at least two rows and columns. The part of the variance that lies in the row means has the distribution
    Beta((r−1)/2, (rc−r)/2), the column means alike, whatever mean and standard deviation are. And no more than a tenth
    of the entries may be repeats: even draws made in float32 (2²⁴ values) repeat less than one in a hundred up to 10⁵.
    """
    __tracebackhide__ = True
    x = as_array(matrix, name=name)
    _flat(x, name)
    if np.unique(x).size < 0.9 * x.size:
        raise CheckFailure(
            f"{name} holds the same numbers again and again: {np.unique(x).size} values in {x.size} entries"
        )
    total = float(np.sum((x - x.mean()) ** 2))
    for axis, word in ((1, "rows"), (0, "columns")):
        means = x.mean(axis=axis)
        share = float(np.sum((means - x.mean()) ** 2)) * x.shape[axis] / total
        a, b = (means.size - 1) / 2, (x.size - means.size) / 2
        if not special.betaincinv(a, b, FALSE_ALARM / 4) <= share <= special.betainccinv(a, b, FALSE_ALARM / 4):
            raise CheckFailure(
                f"the entries of {name} are not independent: the means of its {word} vary "
                f"{math.sqrt(share * x.size / means.size):.3g} times as much as chance makes them vary"
            )


def assert_uncorrelated(a: np.ndarray, b: np.ndarray, *, name: str = "the two results") -> None:
    """Two sets of independent normal draws of mean 0 have nothing in common.

    The squared cosine between them has the distribution Beta(1/2, (n−1)/2).
    """
    __tracebackhide__ = True
    x, y = _flat(a, name), _flat(b, name)
    lengths = float(np.sum(x * x) * np.sum(y * y))
    cosine = float(x @ y) / math.sqrt(lengths) if lengths > 0 else 1.0
    if cosine**2 <= special.betainccinv(0.5, (x.size - 1) / 2, FALSE_ALARM):
        return
    raise CheckFailure(f"{name} should be independent of each other, but their correlation is {cosine:.3f}")


def assert_frequency(hits: np.ndarray, p: float, *, axis: int | None = None, name: str = "True") -> None:
    """Independent events of probability ``p`` happen as often as they should. Exact (binomial).

    Args:
        hits: bool, one entry an event.
        axis: None for one count of all; else one count along this axis for each place of the others, of which none may
            be out of bounds (the false-alarm probability is divided by their number): catches what repeats.
        name: what is counted, for the message.
    """
    __tracebackhide__ = True
    events = np.asarray(hits, dtype=bool)
    counts = np.atleast_1d(events.sum(axis=axis)).ravel()
    n = events.size // counts.size
    half = FALSE_ALARM / (2 * counts.size)
    for count in sorted({int(counts.min()), int(counts.max())}):
        if min(_at_most(count, n, p), _at_least(count, n, p)) < half:
            raise CheckFailure(f"{name} comes up {count} times in {n}, and should about {n * p:.4g} times")


def assert_distribution(values: np.ndarray, cdf: np.ndarray, *, name: str = "result") -> None:
    """Independent draws have a known continuous distribution. Holds for every sample size (Massart).

    Args:
        values: the draws.
        cdf: the true distribution function at each of them.
    """
    __tracebackhide__ = True
    x = _flat(values, name)
    order = np.argsort(x)
    allowed = distribution_distance(x.size)
    distance = _distance_sorted(np.asarray(cdf, dtype=float).ravel()[order])
    if distance > allowed:
        raise CheckFailure(
            f"{name} has not the distribution it should have: the distribution functions are {distance:.3f} apart "
            f"(by chance at most {allowed:.3f}, with {x.size} numbers)"
        )


def assert_fair_signs(values: np.ndarray, *, name: str = "result") -> None:
    """Given their magnitudes, the signs of the numbers are fair and independent coins.

    Then P(|Σx| > t·√Σx²) ≤ 2 exp(−t²/2) (Hoeffding), whatever the magnitudes.
    """
    __tracebackhide__ = True
    x = _flat(values, name)
    length = math.sqrt(float(np.sum(x * x)))
    if length > 0 and abs(float(x.sum())) <= math.sqrt(2 * math.log(2 / FALSE_ALARM)) * length:
        return
    raise CheckFailure(f"{name}: {int((x > 0).sum())} of {x.size} are positive, where either sign should be as likely")


def assert_independent_signs(rows: np.ndarray, *, name: str = "result") -> None:
    """Given the magnitudes, the signs within each row are fair and independent coins.

    ``assert_fair_signs`` does not see signs that agree within a row, positive in one and negative in the next. Here,
    for every row, T = Σx/√Σx² has E exp(λT) ≤ exp(λ²/2), so E exp(sT²) ≤ 1/√(1−2s) for s < 1/2, and the sum of T² over
    n independent rows has Chernoff's bound: P(ΣT² > t) ≤ exp(−st)·(1−2s)^(−n/2).
    """
    __tracebackhide__ = True
    x = as_array(rows, name=name)
    _flat(x, name)
    s = np.linspace(0.01, 0.49, 49)
    allowed = float(np.min((math.log(1 / FALSE_ALARM) - len(x) / 2 * np.log(1 - 2 * s)) / s))
    squares = np.sum(x * x, axis=1)
    got = float(np.sum(np.sum(x, axis=1)[squares > 0] ** 2 / squares[squares > 0]))
    if got > allowed:
        raise CheckFailure(
            f"the signs of {name} agree with each other too often: the squared sum of a row is on average "
            f"{got / len(x):.3g} times its sum of squares, which should be about 1 (at most {allowed / len(x):.3g})"
        )


def assert_random_subspace(basis: np.ndarray, *, name: str = "result") -> None:
    """The space that k orthonormal columns of length d > k span has no preferred direction.

    The squared length of a fixed unit vector's projection on a uniformly random subspace has the distribution
    Beta(k/2, (d−k)/2). The vectors are the d axes, the diagonal and the alternating diagonal.
    """
    __tracebackhide__ = True
    q = as_array(basis, name=name)
    _flat(q, name)
    d, k = q.shape
    diagonal = np.full(d, 1 / math.sqrt(d))
    alternating = diagonal * np.where(np.arange(d) % 2 == 0, 1, -1)
    lengths = np.concatenate([np.sum(q * q, axis=1), np.sum((np.stack([diagonal, alternating]) @ q) ** 2, axis=1)])
    half = FALSE_ALARM / (2 * lengths.size)
    low, high = special.betaincinv(k / 2, (d - k) / 2, half), special.betainccinv(k / 2, (d - k) / 2, half)
    wrong = (lengths < low) | (lengths > high)
    if wrong.any():
        where = int(np.argmax(wrong))
        which = f"axis {where}" if where < d else ("the diagonal (1, 1, …)", "the diagonal (1, −1, 1, …)")[where - d]
        raise CheckFailure(
            f"{name} prefers some directions: {lengths[where]:.3f} of the squared length of {which} lies in its span, "
            f"where chance gives between {low:.3f} and {high:.3f}"
        )


def _flat(values: np.ndarray, name: str) -> np.ndarray:
    x: np.ndarray = as_array(values, name=name).ravel()
    if x.size == 0 or not np.isfinite(x).all():
        raise CheckFailure(f"{name} must hold finite numbers")
    return x


def _distance(values: np.ndarray, cdf: np.ufunc) -> float:
    return _distance_sorted(cdf(np.sort(values)))


def _distance_sorted(at: np.ndarray) -> float:
    steps = np.arange(at.size + 1) / at.size
    return float(max(np.max(steps[1:] - at), np.max(at - steps[:-1])))


def _at_most(count: int, n: int, p: float) -> float:
    return float(special.bdtr(count, n, p))


def _at_least(count: int, n: int, p: float) -> float:
    return 1.0 if count == 0 else float(special.bdtrc(count - 1, n, p))
