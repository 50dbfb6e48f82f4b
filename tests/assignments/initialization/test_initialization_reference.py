"""The reference solutions against independent oracles: autograd, brute force, fractions, simulation, known laws."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from course_lib import assignments
from course_lib.assignments.initialization import reference, strategies
from course_lib.checking import CheckFailure, statistics
from course_lib.checking.adapters import as_numpy

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
# Up to four layers of five units: a few dozen roundings of a few hundred; the strategies keep clear of kinks.
RTOL = {torch.float32: 1e-3, torch.float64: 1e-9}

INITIALIZERS = {
    "he_normal": lambda d_in, d_out: 2 / d_in,
    "xavier_normal": lambda d_in, d_out: 2 / (d_in + d_out),
    "mean_fan_normal": lambda d_in, d_out: 4 / (d_in + d_out),
}


def on(device, dtype, *values):
    convert = lambda v: [convert(x) for x in v] if isinstance(v, list) else torch.tensor(v, dtype=dtype, device=device)
    return [convert(v) for v in values]


def assert_near(got, expected, dtype, device):
    assert got.dtype == dtype
    assert got.device.type == device
    np.testing.assert_allclose(got.cpu().numpy(), expected, rtol=RTOL[dtype], atol=RTOL[dtype])


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_the_variance_of_their_formula(name, dtype, device):
    for d_in, d_out, seed in [(400, 100, 0), (100, 400, 1), (200, 200, 2)]:
        W = getattr(reference, name)(d_in, d_out, seed, dtype=dtype, device=device)
        assert W.dtype == dtype
        assert W.device.type == device
        draws = W.cpu().numpy()
        assert draws.shape == (d_out, d_in)
        statistics.assert_std(draws, math.sqrt(INITIALIZERS[name](d_in, d_out)))
        statistics.assert_normal(draws)
        statistics.assert_mean_zero(draws)
        statistics.assert_independent_entries(draws)
        assert torch.equal(W, getattr(reference, name)(d_in, d_out, seed, dtype=dtype, device=device))


def brute_force_moments(weights, X, dout):
    """Forward and backward second moments from sums over single numbers; the derivative of Σ h·dout by autograd."""
    scalars = [[torch.tensor(float(v), dtype=torch.float64) for v in row] for row in X]
    pre_activations, forward = [], []
    for omega in weights:
        f = [
            [
                sum((float(w) * h for w, h in zip(row, x, strict=True)), torch.zeros((), dtype=torch.float64))
                for row in omega
            ]
            for x in scalars
        ]
        for row in f:
            for value in row:
                value.requires_grad_() if value.is_leaf else value.retain_grad()
        pre_activations.append(f)
        scalars = [[torch.clamp(value, min=0) for value in row] for row in f]
        flat = [float(value.detach()) ** 2 for row in scalars for value in row]
        forward.append(sum(flat) / len(flat))
    total = sum(h * float(d) for row, ds in zip(scalars, dout, strict=True) for h, d in zip(row, ds, strict=True))
    total.backward()
    backward = []
    for f in pre_activations:
        flat = [float(value.grad) ** 2 if value.grad is not None else 0.0 for row in f for value in row]
        backward.append(sum(flat) / len(flat))
    return forward, backward


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(network=strategies.networks_with_gradient())
def test_moments_are_those_of_brute_force(dtype, device, network):
    forward, backward = brute_force_moments(*network)
    weights, X, dout = on(device, dtype, *network)
    assert_near(reference.forward_second_moments(weights, X), forward, dtype, device)
    got = reference.backward_second_moments(weights, X, dout)
    assert got.dtype == dtype
    np.testing.assert_allclose(got.cpu().numpy(), backward, rtol=RTOL[dtype], atol=RTOL[dtype] * (1 + max(backward)))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(network=strategies.networks_with_gradient(), factor=st.sampled_from([0.5, 2.0, 10.0]))
def test_moments_scale_with_the_square_of_what_goes_in(network, factor):
    weights, X, dout = on("cpu", torch.float64, *network)
    forward = reference.forward_second_moments
    torch.testing.assert_close(forward(weights, factor * X), factor**2 * forward(weights, X), rtol=1e-9, atol=0)
    scaled = reference.backward_second_moments(weights, X, factor * dout)
    torch.testing.assert_close(scaled, factor**2 * reference.backward_second_moments(weights, X, dout))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@settings(max_examples=30, deadline=None, derandomize=True)
@given(case=st.one_of(strategies.scaled_widths(), strategies.scaled_widths_per_layer()))
def test_prediction_is_the_recursion(dtype, rtol, device, case):
    widths, sigma2, q0 = case
    q, expected = Fraction(q0), []
    for k in range(len(widths) - 1):
        q *= Fraction(int(widths[k])) * Fraction(float(sigma2 if np.ndim(sigma2) == 0 else sigma2[k])) / 2
        expected.append(float(q))
    (variances,) = on(device, dtype, sigma2)
    got = reference.predicted_second_moments(torch.tensor(widths, device=device), variances, q0)
    assert (got.dtype, got.device.type) == (dtype, device)
    np.testing.assert_allclose(got.cpu().numpy(), expected, rtol=rtol)
    listed = reference.predicted_second_moments(widths.tolist(), variances.cpu(), q0)
    torch.testing.assert_close(listed, got.cpu())
    if np.ndim(sigma2) == 0:
        assert reference.predicted_second_moments(widths.tolist(), sigma2, q0).dtype == torch.float64


def test_prediction_is_the_mean_over_networks():
    widths, networks = [30, 40, 20, 50], 1000
    X = torch.randn(1, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    moments = []
    for n in range(networks):
        weights = [1.2 * reference.he_normal(widths[k], widths[k + 1], 10 * n + k) for k in range(3)]
        moments.append(reference.forward_second_moments(weights, X).numpy())
    variances = torch.tensor([1.2**2 * 2 / d for d in widths[:-1]], dtype=torch.float64)
    predicted = reference.predicted_second_moments(widths, variances, float(X.square().mean())).numpy()
    error = np.std(moments, axis=0) / math.sqrt(networks)
    assert (np.abs(np.mean(moments, axis=0) - predicted) < 6 * error).all()
    assert (error < 0.03 * predicted).all()  # the test could have failed


def exact_depth(width, sigma2, dtype):
    """By multiplying fractions, truncated to 200 bits after the leading one: no rounding that matters."""
    r = Fraction(width) * Fraction(sigma2) / 2
    if abs(r - 1) < Fraction(1, 10**12):
        return -1
    smallest, largest = Fraction(float(np.finfo(dtype).tiny)), Fraction(float(np.finfo(dtype).max))
    q, m = r, 1
    while smallest <= q <= largest:
        q, m = q * r, m + 1
        if m % 4 == 0:
            shift = 200 - (q.numerator.bit_length() - q.denominator.bit_length())
            q = Fraction((q.numerator << max(shift, 0)) // (q.denominator << max(-shift, 0)), 1) / Fraction(2) ** shift
    return m


@settings(max_examples=60, deadline=None, derandomize=True)
@given(case=st.one_of(strategies.formats(low=0.05, high=0.95), strategies.formats(low=1.05, high=6.0)))
def test_depth_is_that_of_exact_arithmetic(case):
    assert reference.depth_until_underflow(*case) == exact_depth(*case)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(case=st.one_of(strategies.formats(low=0.97, high=0.98), strategies.formats(low=1.02, high=1.03)))
def test_depth_near_the_critical_scale_is_that_of_exact_arithmetic(case):
    assert reference.depth_until_underflow(*case) == exact_depth(*case)


@pytest.mark.parametrize(
    ("sigma2", "dtype", "depth"),
    [
        (1.0, np.float16, 15),  # r = 1/2: 2^-14 is normal
        (1.0, np.float32, 127),
        (1.0, np.float64, 1023),
        (4.0, np.float16, 16),  # r = 2: 2^15 fits
        (4.0, np.float32, 128),
        (2.0, np.float16, -1),
        (1e-6, np.float16, 1),
        (1e6, np.float16, 1),
    ],
)
def test_depth_in_powers_of_two(sigma2, dtype, depth):
    for width in (1, 2, 64):
        assert reference.depth_until_underflow(width, sigma2 / width, dtype) == depth


def test_critical_variances_are_critical_for_every_width():
    inexact = [width for width in range(1, 1001) if 0.5 * width * (2 / width) != 1]
    assert {49, 98, 103} <= set(inexact)  # the hidden tests rely on these
    assert all(reference.depth_until_underflow(width, 2 / width, np.float32) == -1 for width in range(1, 1001))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("d_in", "d_out"), [(1, 1), (1, 4), (4, 1), (3, 5), (5, 3), (6, 6), (50, 20)])
def test_orthogonal_is_orthogonal(d_in, d_out, dtype, device):
    W = reference.orthogonal(d_in, d_out, 1.5, 3, dtype=dtype, device=device)
    assert W.shape == (d_out, d_in)
    assert_near(torch.linalg.svdvals(W), np.full(min(d_in, d_out), 1.5), dtype, device)
    assert torch.equal(W, reference.orthogonal(d_in, d_out, 1.5, 3, dtype=dtype, device=device))


def test_orthogonal_entries_follow_the_laws_of_the_sphere():
    # A coordinate x of a uniform point of the sphere in d dimensions: (1 + x)/2 is Beta((d−1)/2, (d−1)/2).
    for d_in, d_out in [(2, 3), (3, 2), (3, 3), (2, 6), (2, 2)]:
        draws = np.stack([reference.orthogonal(d_in, d_out, 1.0, seed).numpy() for seed in range(400)])
        half = (max(d_in, d_out) - 1) / 2
        for i in range(d_out):
            for j in range(d_in):
                x = draws[:, i, j]
                statistics.assert_distribution(x, stats.beta.cdf((1 + x) / 2, half, half))
    reflections = [np.linalg.det(reference.orthogonal(3, 3, 1.0, seed).numpy()) < 0 for seed in range(400)]
    statistics.assert_frequency(np.array(reflections), 0.5)


def test_orthogonal_spans_random_spaces_and_stays_uniform_under_a_rotation():
    U = stats.ortho_group.rvs(80, random_state=1)
    W = reference.orthogonal(30, 80, 1.0, 5).numpy()
    for turned in (W, U @ W):
        statistics.assert_random_subspace(turned)
        diagonals = [np.diagonal(reference.orthogonal(30, 80, 1.0, seed).numpy()) for seed in range(10)]
        statistics.assert_fair_signs(np.concatenate(diagonals))


def test_qr_without_signs_would_be_caught():
    diagonals = [np.diagonal(np.linalg.qr(np.random.default_rng(s).standard_normal((30, 12)))[0]) for s in range(20)]
    with pytest.raises(CheckFailure, match="either sign should be as likely"):
        statistics.assert_fair_signs(np.concatenate(diagonals))


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize("name", INITIALIZERS)
def test_hidden_tests_catch_a_standard_deviation_five_percent_off(name, factor):
    from course_lib import verify

    right = verify.reference_namespace(assignments.load("initialization"))
    group = assignments.groups("initialization")["normal_initializers"]
    for shift in range(3):
        off = lambda d_in, d_out, seed: factor * right[name](d_in, d_out, seed + 1000 * shift)
        results = verify.run_group(group, {**right, name: off})
        lost = [r for r in results if not r.earned]
        assert [r.title for r in lost] == [r.title for r in results if f"of {name}" in r.title]
        assert "standard deviation" in lost[0].message


def test_strategies_keep_away_from_kinks():
    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(network=strategies.networks())
    def margins(network):
        weights, X = network
        h = X
        for omega in weights:
            f = h @ omega.T
            assert np.abs(f).min() > strategies.KINK_MARGIN
            assert (f > 0).any(axis=1).all()
            h = np.maximum(f, 0)

    margins()


def test_formats_are_safe_and_of_every_kind():
    seen = set()

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(case=strategies.formats(low=0.05, high=0.98))
    def collect(case):
        width, sigma2, dtype = case
        seen.add(dtype)
        r = 0.5 * width * sigma2
        assert 0.05 <= r < 0.99
        assert 0.02 < math.log(float(np.finfo(dtype).tiny)) / math.log(r) % 1 < 0.98

    collect()
    assert seen == set(strategies.DTYPES)


def test_the_reference_works_behind_the_adapter():
    got = as_numpy(reference.forward_second_moments)([np.eye(2)], np.array([[1.0, -2.0]]))
    np.testing.assert_array_equal(got, [0.5])
