"""Each statistical assertion accepts right draws, catches wrong ones, and has the false-alarm probability it states.

The stated 1e-12 cannot be simulated. So the bounds are held against scipy's distributions and, with the probability
turned up to one in a hundred, against simulated draws.
"""

import numpy as np
import pytest
from scipy import stats

from course_lib.checking import CheckFailure
from course_lib.checking import statistics as st

SEEDS = range(40)
N = 40_000


def normal(seed, *shape, std=1.0):
    return std * np.random.default_rng(seed).standard_normal(shape)


def caught(assertion, *args, **kwargs):
    try:
        assertion(*args, **kwargs)
    except CheckFailure:
        return True
    return False


def test_a_thousand_assertions_together_stay_below_one_in_a_billion():
    assert 1000 * st.FALSE_ALARM <= 1e-9


def test_std_bounds_are_the_chi_square_quantiles():
    for n in (1, 10, N):
        low, high = st.std_bounds(n)
        assert stats.chi2.cdf(n * low**2, n) == pytest.approx(st.FALSE_ALARM / 2, rel=1e-6)
        assert stats.chi2.sf(n * high**2, n) == pytest.approx(st.FALSE_ALARM / 2, rel=1e-6)


def test_std_bounds_fail_right_draws_as_often_as_asked():
    low, high = st.std_bounds(50, 0.01)
    x = normal(0, 100_000, 50)
    outside = np.mean((np.sqrt(np.mean(x * x, axis=1)) < low) | (np.sqrt(np.mean(x * x, axis=1)) > high))
    assert outside == pytest.approx(0.01, abs=6 * np.sqrt(0.01 / 100_000))


@pytest.mark.parametrize("factor", [0.95, 1.05])
def test_std_five_percent_off_is_caught_at_the_sample_size_computed(factor):
    n = st.sample_size_for_std(0.05)
    assert n < N  # what the hidden tests draw
    low, high = st.std_bounds(n)
    # Exact probability of a miss: the chi-square mass between the bounds under the wrong standard deviation.
    missed = stats.chi2.cdf(n * (high / factor) ** 2, n) - stats.chi2.cdf(n * (low / factor) ** 2, n)
    assert missed < 2e-9
    for seed in SEEDS:
        assert caught(st.assert_std, normal(seed, N, std=0.3 * factor), 0.3)
        assert not caught(st.assert_std, normal(seed, N, std=0.3), 0.3)


def test_mean_zero():
    for seed in SEEDS:
        st.assert_mean_zero(normal(seed, N, std=0.01))
        assert caught(st.assert_mean_zero, normal(seed, N) + 0.1)
    assert caught(st.assert_mean_zero, np.zeros(10))


def test_mean_zero_has_the_quantile_of_the_t_distribution():
    n, t = 12, stats.t.isf(st.FALSE_ALARM / 2, 11)
    x = normal(0, n)
    x -= x.mean()
    x /= x.std(ddof=1)
    assert not caught(st.assert_mean_zero, x + 0.999 * t / np.sqrt(n))
    assert caught(st.assert_mean_zero, x + 1.001 * t / np.sqrt(n))


SHAPES = {
    "uniform": lambda rng: rng.uniform(-1, 1, N),
    "truncated at two": lambda rng: stats.truncnorm.rvs(-2, 2, size=N, random_state=rng),
    "truncated at three": lambda rng: stats.truncnorm.rvs(-3, 3, size=N, random_state=rng),
    "signs": lambda rng: rng.choice([-1.0, 1.0], N),
    "Laplace": lambda rng: rng.laplace(size=N),
    "Student's t": lambda rng: rng.standard_t(5, N),
    "of a chi-square's skew": lambda rng: rng.chisquare(20, N) - 20,
    "half normal": lambda rng: np.abs(rng.standard_normal(N)),
    "sum of four uniforms": lambda rng: rng.uniform(-1, 1, (4, N)).sum(0),
    "all zero": lambda rng: np.zeros(N),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_other_distributions_are_not_normal(shape):
    assert all(caught(st.assert_normal, SHAPES[shape](np.random.default_rng(seed))) for seed in range(5))


def test_normal_draws_of_any_scale_and_precision_are_normal():
    for seed in SEEDS:
        st.assert_normal(normal(seed, N, std=10.0 ** (seed - 20)))
        st.assert_normal(normal(seed, N).astype(np.float32))
    for n in (1, 2, 3, 10, 100):
        st.assert_normal(normal(0, n))


def test_independent_entries():
    for seed in SEEDS:
        st.assert_independent_entries(normal(seed, 100, 400) + 5)
        st.assert_independent_entries(normal(seed, 100, 400).astype(np.float32))
    row, column = normal(0, 1, 400), normal(1, 100, 1)
    noise = normal(2, 100, 400)
    assert caught(st.assert_independent_entries, np.repeat(row, 100, axis=0))
    assert caught(st.assert_independent_entries, np.repeat(column, 400, axis=1))
    assert caught(st.assert_independent_entries, row + 0.5 * noise)
    assert caught(st.assert_independent_entries, column + 0.5 * noise)
    assert caught(st.assert_independent_entries, noise - noise.mean(axis=1, keepdims=True))
    assert caught(st.assert_independent_entries, np.zeros((100, 400)))


def test_uncorrelated():
    for seed in SEEDS:
        st.assert_uncorrelated(normal(seed, N), normal(seed + 1000, N))
        assert caught(st.assert_uncorrelated, normal(seed, N), normal(seed, N) + 5 * normal(seed + 1000, N))
        assert caught(st.assert_uncorrelated, normal(seed, N), -normal(seed, N))


def test_frequency_has_the_binomial_tails():
    n, p = 1000, 0.2
    for count in range(n + 1):
        events = np.arange(n) < count
        allowed = min(stats.binom.cdf(count, n, p), stats.binom.sf(count - 1, n, p)) >= st.FALSE_ALARM / 2
        assert caught(st.assert_frequency, events, p) == (not allowed)


def test_frequency_along_an_axis_catches_what_repeats():
    rng = np.random.default_rng(0)
    for _ in SEEDS:
        mask = rng.random((200, 100)) < 0.8
        for axis in (None, 0, 1):
            st.assert_frequency(mask, 0.8, axis=axis)
        repeated = np.repeat(mask[:1], 200, axis=0)
        assert caught(st.assert_frequency, repeated, 0.8, axis=0)
        assert caught(st.assert_frequency, mask, 0.2)


def test_distribution():
    rng = np.random.default_rng(0)
    for n in (1, 5, 1000):
        x = rng.random(n)
        st.assert_distribution(x, x)
    x = rng.random(1000)
    assert caught(st.assert_distribution, x**2, x**2)


def test_distribution_distance_fails_right_draws_at_most_as_often_as_asked():
    x = np.sort(np.random.default_rng(0).random((20_000, 30)), axis=1)
    steps = np.arange(31) / 30
    distance = np.maximum((steps[1:] - x).max(axis=1), (x - steps[:-1]).max(axis=1))
    assert np.mean(distance > st.distribution_distance(30, 0.01)) < 0.01
    assert np.mean(distance > st.distribution_distance(30, 0.01)) > 0.001  # and not for want of trying


def test_fair_signs():
    for seed in SEEDS:
        st.assert_fair_signs(normal(seed, 300))
        st.assert_fair_signs(normal(seed, 1))
        assert caught(st.assert_fair_signs, np.abs(normal(seed, 300)))
        assert caught(st.assert_fair_signs, -np.abs(normal(seed, 300)))
    assert caught(st.assert_fair_signs, np.zeros(5))


def test_independent_signs():
    for seed in SEEDS:
        x = normal(seed, 40, 11)
        st.assert_independent_signs(x)
        together = np.abs(x) * np.sign(normal(seed + 1000, 40, 1))
        assert caught(st.assert_independent_signs, together)


def test_independent_signs_have_the_bound_of_simulated_rows():
    # With many columns T is nearly normal, and ΣT² nearly chi-square: Chernoff's bound is above its quantile, but
    # not by much.
    n = 40
    s = np.linspace(0.01, 0.49, 49)
    allowed = np.min((np.log(1 / st.FALSE_ALARM) - n / 2 * np.log(1 - 2 * s)) / s)
    assert stats.chi2.isf(st.FALSE_ALARM, n) < allowed < 1.2 * stats.chi2.isf(st.FALSE_ALARM, n)


def test_random_subspace():
    for seed in SEEDS:
        q, _ = np.linalg.qr(normal(seed, 60, 20))
        st.assert_random_subspace(q)
        biased, _ = np.linalg.qr(np.random.default_rng(seed).random((60, 20)))
        assert caught(st.assert_random_subspace, biased)
    assert caught(st.assert_random_subspace, np.eye(60)[:, :20])
    assert caught(st.assert_random_subspace, np.eye(60)[np.random.default_rng(0).permutation(60)][:, :20])


@pytest.mark.parametrize(
    "assertion",
    [st.assert_mean_zero, st.assert_normal, st.assert_fair_signs, lambda x: st.assert_std(x, 1.0)],
)
@pytest.mark.parametrize("bad", [np.array([np.nan, 1.0]), np.array([np.inf, 1.0]), np.array([]), None, "text"])
def test_bad_values_are_failures_and_not_errors(assertion, bad):
    assert caught(assertion, bad)


def test_messages_say_what_was_got_and_expected():
    with pytest.raises(CheckFailure, match=r"standard deviation of W is 0\.05\d*, but should be 0\.07 \(40000 numbers"):
        st.assert_std(normal(0, N, std=0.05), 0.07, name="W")
