"""The reference solutions of scaling_laws against independent oracles: closed forms, scipy, brute force, kernels."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from course_lib.assignments.scaling_laws import hidden_tests, reference, strategies
from course_lib.checking.adapters import as_numpy

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
few = settings(max_examples=25, deadline=None, derandomize=True)


# ------------------------------------------------------------------------------------------------------- power laws


@few
@given(data=strategies.positive_measurements())
def test_power_law_is_the_least_squares_line_of_the_logarithms(data):
    x, y = data
    p, c = np.polyfit(np.log(x), np.log(y), 1)
    assert np.allclose(as_numpy(reference.fit_power_law)(x, y), (np.exp(c), p), rtol=1e-8, atol=1e-10)


@few
@given(law=strategies.offset_laws())
def test_offset_law_is_found_in_exact_data(law):
    x, a, p, r = law
    got = as_numpy(reference.fit_power_law_offset)(x, a * x**p + r)
    assert np.allclose(got, (a, p, r), rtol=1e-5)


@few
@given(data=strategies.noisy_offset_laws())
def test_noisy_offset_fit_is_the_minimum_that_scipy_finds(data):
    x, y, *_ = data
    u = np.log(x)

    def misfit(p):
        design = np.stack([np.exp(p * (u - u.mean())), np.ones_like(x)], 1)
        return optimize.nnls(design, y)[1] ** 2

    a, p, r = as_numpy(reference.fit_power_law_offset)(x, y)
    assert p < 0
    assert r >= 0
    best = min(optimize.minimize_scalar(misfit, bounds=b, method="bounded").fun for b in ((-4, -0.8), (-0.8, -0.01)))
    assert ((a * x**p + r - y) ** 2).sum() <= best * (1 + 1e-6)


@few
@given(data=strategies.noisy_offset_laws())
def test_prediction_of_noisy_laws_is_far_inside_the_tolerance(data):
    """So that another good fit, which weighs the noise differently, cannot fail by bad luck."""
    x, y, a, p, r = data
    got = as_numpy(reference.fit_power_law_offset)(x, y)
    twice = 2 * x.max()
    assert abs(got[0] * twice ** got[1] + got[2] - a * twice**p - r) < 0.025 * np.ptp(y)


# ---------------------------------------------------------------------------------------------------------- compute


@few
@given(law=strategies.loss_laws())
def test_compute_optimal_beats_every_other_split(law):
    C, A, B, alpha, beta = law
    N, D = reference.compute_optimal(*law)
    assert math.isclose(6 * N * D, C, rel_tol=1e-12)
    others = N * np.exp(np.linspace(-2, 2, 401))
    loss = A / others**alpha + B / (C / (6 * others)) ** beta
    assert loss.argmin() == 200


@few
@given(data=strategies.parabolas(noise=0.15))
def test_isoflop_vertex_agrees_with_polyfit(data):
    N, loss, _ = data
    c2, c1, _ = np.polyfit(np.log(N), loss, 2)
    assert c2 > 0.05, "the parabola must be convex, or its vertex is no optimum"
    assert np.isclose(as_numpy(reference.isoflop_optimum)(N, loss), np.exp(-c1 / (2 * c2)), rtol=1e-7)


# -------------------------------------------------------------------------------------------------------------- Elo


@few
@given(wins=st.one_of(*(strategies.win_tables(complete=c) for c in (True, False))))
def test_elo_is_the_maximum_that_bfgs_finds(wins):
    met = (wins + wins.T) > 0
    W = wins + 0.5 * met

    def negative(s):
        return (W * np.log1p(np.exp(s[None, :] - s[:, None]))).sum()

    found = optimize.minimize(negative, np.zeros(len(W)), options={"gtol": 1e-9}).x
    expected = (found - found.mean()) * 400 / np.log(10)
    got = as_numpy(reference.fit_elo)(wins)
    assert abs(got.mean()) < 1e-9
    assert np.allclose(got, expected, atol=0.05)


def test_elo_of_two_players_in_closed_form():
    got = as_numpy(reference.fit_elo)(np.array([[0.0, 7.0], [2.0, 0.0]]))
    assert np.allclose(got[0] - got[1], 400 * math.log10(7.5 / 2.5))


@few
@given(wins=strategies.win_tables_with_perfect_records())
def test_perfect_records_have_finite_ratings(wins):
    assert (wins.sum(0) == 0).sum() == 1
    assert (wins.sum(1) == 0).sum() == 1
    assert np.isfinite(as_numpy(reference.fit_elo)(wins)).all()


def test_sizes_and_probabilities_belong_together():
    N = np.array([2.0, 7.0, 5e6])
    r = as_numpy(reference.elo_from_size)(N)
    P = as_numpy(reference.win_probability)(r[:, None] + 0 * r, r + 0 * r[:, None])
    assert np.allclose(P, N[:, None] / (N[:, None] + N), rtol=1e-10)


# ------------------------------------------------------------------------------------------------------------ games


def knapsack_by_brute_force(values, weights, capacity):
    """Plain minimax over orders of play, without memory, with A's lead as the value."""

    def lead(left, rooms, mover):
        moves = [i for i in left if weights[i] <= rooms[mover]]
        if not moves:
            if all(weights[i] > rooms[1 - mover] for i in left):
                return 0
            return lead(left, rooms, 1 - mover)
        outcomes = []
        for i in moves:
            room = tuple(c - weights[i] if k == mover else c for k, c in enumerate(rooms))
            outcomes.append((1, -1)[mover] * values[i] + lead([j for j in left if j != i], room, 1 - mover))
        return (max, min)[mover](outcomes)

    return lead(list(range(len(values))), (capacity, capacity), 0)


@few
@given(game=strategies.knapsacks(1, 6))
def test_knapsack_against_brute_force(game):
    values, weights, capacity = game[0].tolist(), game[1].tolist(), game[2]
    assert reference.knapsack_value(*game) == knapsack_by_brute_force(values, weights, capacity)


def test_perfect_play_is_greedy_where_everything_fits():
    """The players then share the items in the order of their value, one in turn."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.integers(1, 20, 6)
        assert reference.knapsack_value(values, np.ones(6, int), 6) == reference.knapsack_greedy(
            values, np.ones(6, int), 6
        )
        alternating = np.sort(values)[::-1] * np.tile([1, -1], 3)
        assert reference.knapsack_greedy(values, np.ones(6, int), 6) == alternating.sum()


def test_the_passing_games_tell_a_first_pass_from_the_end():
    for values, weights, capacity in hidden_tests.PASSING:
        assert reference.knapsack_value(values, weights, capacity) == knapsack_by_brute_force(values, weights, capacity)


def winner_by_definition(board):
    lines = [
        [(r + k * dr, c + k * dc) for k in range(4)]
        for r, c, (dr, dc) in itertools.product(range(6), range(7), [(0, 1), (1, 0), (1, 1), (1, -1)])
    ]
    lines = [line for line in lines if all(r < 6 and 0 <= c < 7 for r, c in line)]
    assert len(lines) == 69
    return next((p for p in (1, 2) if any(all(board[cell] == p for cell in line) for line in lines)), 0)


def test_every_board_of_the_hidden_tests_is_judged_as_declared_and_could_stand():
    boards = [pair for pairs in hidden_tests.BOARDS.values() for pair in pairs]
    boards += hidden_tests.NEAR_MISSES + hidden_tests.FULL_BOARDS
    boards += [strategies.played_board(np.random.default_rng(seed)) for seed in range(100)]
    for board, winner in boards:
        assert winner_by_definition(board) == winner == reference.connect4_winner(torch.tensor(board))
        assert not ((board[:-1] != 0) & (board[1:] == 0)).any(), f"a stone hangs in the air:\n{board}"
    assert {winner for _, winner in boards} == {0, 1, 2}


# ----------------------------------------------------------------------------------------------------- pruning, data


@few
@given(problem=strategies.pruning_problems_with_ties())
def test_pruning_against_sorting_pairs(problem):
    X, y, w, fraction = problem
    for keep, sign in (("hard", 1), ("easy", -1)):
        ranked = sorted((sign * float(y[i] * (X[i] @ w)), i) for i in range(len(y)))
        expected = sorted(i for _, i in ranked[: math.ceil(fraction * len(y))])
        assert as_numpy(reference.margin_prune)(X, y, w, fraction, keep).tolist() == expected


@few
@given(problem=strategies.pruning_problems(exact=False))
def test_pruning_problems_have_no_ties_and_a_fraction_to_round(problem):
    X, y, w, fraction = problem
    margins = np.sort(y * (X @ w))
    assert np.diff(margins).min() > 0.3
    assert fraction * len(y) != int(fraction * len(y))


def clusters(n, seed):
    """Points (n, 6) in six round clusters that overlap, so that the error is far from 0; the label is the cluster's."""
    y = np.arange(n) % 6
    return 3 * np.eye(6)[y] + 1.3 * np.random.default_rng(seed).standard_normal((n, 6)), y


def test_data_scaling_curve_against_the_kernel_of_infinite_width():
    """4000 ReLU features are close to the arc-cosine kernel of order 1 (Cho and Saul 2009), ridge-less."""
    X, y = clusters(120, 3)
    X_test, y_test = clusters(600, 4)

    def kernel(U, V):
        lengths = np.linalg.norm(U, axis=1)[:, None] * np.linalg.norm(V, axis=1)
        angle = np.arccos(np.clip(U @ V.T / lengths, -1, 1))
        return lengths * (np.sin(angle) + (np.pi - angle) * np.cos(angle))

    scores = kernel(X_test, X) @ np.linalg.solve(kernel(X, X), np.eye(6)[y])
    expected = np.mean(scores.argmax(1) != y_test)
    got = [float(as_numpy(reference.data_scaling_curve)(X, y, X_test, y_test, [120], seed)[0]) for seed in range(5)]
    assert 0.05 < expected < 0.6
    # Between draws of the features the error has a standard deviation of about 0.01.
    assert abs(np.mean(got) - expected) < 0.03


def test_the_curve_of_the_digits_is_the_one_that_the_hidden_test_shows():
    sizes = hidden_tests.TestDataScalingCurve.SIZES
    curves = [as_numpy(reference.data_scaling_curve)(*strategies.digits(), sizes, seed) for seed in range(20, 28)]
    # One seed's standard deviations are 0.07, 0.04, 0.025, 0.01 and 0.004: four of the mean of eight.
    allowed = 4 / np.sqrt(8) * np.array([0.07, 0.04, 0.025, 0.01, 0.004])
    assert (np.abs(np.mean(curves, axis=0) - hidden_tests.TestDataScalingCurve.RIGHT_CURVE) < allowed).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_references_follow_device_and_dtype(device, dtype):
    def made(values):
        return torch.tensor(values, dtype=dtype, device=device)

    x = made([1.0, 10.0, 100.0, 1000.0, 10000.0])
    y = 2 * x**-0.5 + 0.3
    results = [
        *reference.fit_power_law(x, y),
        *reference.fit_power_law_offset(x, y),
        reference.isoflop_optimum(x, made([5.0, 3.0, 2.0, 2.5, 4.0])),
        reference.win_probability(x, y),
        reference.elo_from_size(x),
        reference.fit_elo(made([[0.0, 3.0], [2.0, 0.0]])),
        reference.data_scaling_curve(
            made([[1.0, 0.5], [-1.0, 0.3], [0.2, 1.0]]), torch.tensor([0, 1, 0]), made([[1.0, 0.4]]), [0], [2, 3], 0
        ),
    ]
    for result in results:
        assert result.dtype == dtype
        assert result.device.type == device
    a, p, r = reference.fit_power_law_offset(x, y)
    tolerance = 1e-2 if dtype == torch.float32 else 1e-6
    assert max(abs(float(a) - 2), abs(float(p) + 0.5), abs(float(r) - 0.3)) < tolerance
    kept = reference.margin_prune(x[:, None], torch.sign(x), made([1.0]), 0.4, "easy")
    assert kept.tolist() == [3, 4]
    assert kept.device.type == device
