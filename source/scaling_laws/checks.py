"""Visible checks of the scaling-laws notebook. They use identities, small cases worked out by hand and numerical searches."""

import numpy as np

from visible import CheckFailed, expect, expect_close, expect_tuple, passed


def _number(value, name, call):
    expect(value is not None, f"{call}: {name} is None. Is a return statement missing?")
    is_array = isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "fiu"
    is_number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    expect(is_array or is_number, f"{call}: {name} must be one number, but is {value!r}.")
    return float(value)


def _int(value, call):
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    is_int = isinstance(value, (int, np.integer)) or (
        isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind in "iu"
    )
    expect(is_int and not isinstance(value, bool), f"{call} must return an int, but returned {value!r}.")
    return int(value)


def _array(value, shape, call):
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    expect(isinstance(value, np.ndarray), f"{call} must return a NumPy array of shape {shape}, but returned {value!r}.")
    expect(value.shape == shape, f"{call} must return an array of shape {shape}, but returned the shape {value.shape}.")
    expect(value.dtype.kind in "fiu", f"{call} must return numbers, but returned the dtype {value.dtype}.")
    return value


def _unchanged(arrays, copies, call):
    same = all(np.array_equal(a, b) for a, b in zip(arrays, copies, strict=True))
    expect(same, f"{call} changed its arguments in place. Work on a copy.")


def check_fit_power_law(fit_power_law):
    x = np.array([1.0, 10.0, 100.0])
    a, p = expect_tuple(fit_power_law(x, 3.0 * x**-0.5), "a", "p", call="fit_power_law(x, 3·x^−0.5)")
    expect_close(
        "p", _number(p, "p", "fit_power_law"), -0.5, call="fit_power_law(x, 3·x^−0.5)", why="the data are exact"
    )
    expect_close(
        "a", _number(a, "a", "fit_power_law"), 3.0, call="fit_power_law(x, 3·x^−0.5)", why="the data are exact"
    )

    # Scattered data: at the minimum of the squared deviations of ln y, no small change of a or p makes them smaller.
    rng = np.random.default_rng(0)
    x = np.exp(rng.uniform(0, 8, 9))
    y = 2.0 * x**-0.3 * np.exp(0.4 * rng.standard_normal(9))
    copies = [x.copy(), y.copy()]
    a, p = fit_power_law(x, y)
    _unchanged([x, y], copies, "fit_power_law(x, y)")
    expect(a > 0, f"fit_power_law(x, y): a must be positive, but is {a}.")

    def misfit(da, dp):
        return np.sum((np.log(y) - np.log(a) - da - (p + dp) * np.log(x)) ** 2)

    for da, dp in [(1e-3, 0), (-1e-3, 0), (0, 1e-4), (0, -1e-4)]:
        expect(
            misfit(da, dp) > misfit(0, 0),
            f"fit_power_law on scattered data: with {'ln a' if da else 'p'} changed by {da or dp:+g} the squared deviations of ln y are smaller, "
            f"{misfit(da, dp):.6g} instead of {misfit(0, 0):.6g}. Is it the least-squares line of ln y against ln x?",
        )
    passed(
        "fit_power_law",
        "an exact law, and the least-squares condition on scattered data",
        "numbers of very different size",
    )


def check_fit_power_law_offset(fit_power_law_offset):
    cases = [(2.0, -0.34, 0.5), (5.0, -0.8, 0.05), (1.0, -0.5, 0.4), (30.0, -1.0, 1.0)]
    x = np.geomspace(10, 10_000, 12)
    for a, p, r in cases:
        y = a * x**p + r
        call = f"fit_power_law_offset(x, {a:g}·x^{p:g} + {r:g})"
        copies = [x.copy(), y.copy()]
        got = expect_tuple(fit_power_law_offset(x, y), "a", "p", "r", call=call)
        _unchanged([x, y], copies, call)
        got = [_number(v, name, call) for v, name in zip(got, "apr", strict=True)]
        expect_close("p", got[1], p, call=call, rtol=0, atol=1e-3, why="the data are exact")
        expect_close("r", got[2], r, call=call, rtol=0, atol=1e-3 * np.ptp(y), why="the data are exact")
        expect_close("a", got[0], a, call=call, rtol=1e-3, why="the data are exact")
    passed(
        "fit_power_law_offset",
        "four exact laws with a floor, x from 10 to 10,000",
        "laws without a floor, noisy data, other ranges of x",
    )


def check_compute_optimal(compute_optimal, isoflop_optimum):
    # With α = β and A = B the problem is symmetric: N = D = sqrt(C/6).
    call = "compute_optimal(600, 1, 1, 0.5, 0.5)"
    N, D = expect_tuple(compute_optimal(600.0, 1.0, 1.0, 0.5, 0.5), "N", "D", call=call)
    expect_close(
        "6·N·D", 6 * _number(N, "N", call) * _number(D, "D", call), 600.0, call=call, why="the budget C = 6·N·D"
    )
    expect_close("N", N, 10.0, call=call, why="by symmetry N = D")

    # Otherwise: no other split of the same budget may give a smaller loss.
    for C, A, B, alpha, beta in [
        (1e9, 50.0, 10.0, 0.3, 0.3),
        (1e12, 5.0, 40.0, 0.5, 0.25),
        (1e15, 300.0, 20.0, 0.2, 0.7),
    ]:
        call = f"compute_optimal({C:g}, {A:g}, {B:g}, {alpha:g}, {beta:g})"
        N, D = compute_optimal(C, A, B, alpha, beta)
        expect_close("6·N·D", 6 * N * D, C, call=call, why="the budget C = 6·N·D")
        loss = A / N**alpha + B / D**beta
        for factor in (0.97, 1.03):
            other = A / (factor * N) ** alpha + B / (C / (6 * factor * N)) ** beta
            expect(
                other > loss,
                f"{call}: with N multiplied by {factor} and the same C the loss is smaller, {other:.8g} instead of {loss:.8g}. "
                "Check the exponents and prefactors of N and D.",
            )

    # A parabola in ln N with its vertex at N = 200, which is none of the sizes.
    N = np.array([10.0, 50.0, 150.0, 1000.0, 3000.0])
    call = "isoflop_optimum(N, 2 + 0.1·(ln N − ln 200)²)"
    got = isoflop_optimum(N, 2 + 0.1 * (np.log(N) - np.log(200.0)) ** 2)
    expect_close("N_opt", _number(got, "N_opt", call), 200.0, call=call, rtol=1e-6, why="the vertex of the parabola")
    passed(
        "compute_optimal, isoflop_optimum",
        "the budget, that no other split is better, an exact parabola",
        "scattered losses, a vertex outside of the sizes that were measured",
    )


def check_elo(win_probability, elo_from_size, fit_elo):
    r_a, r_b = np.array([1900.0, 1500.0, 1500.0]), np.array([1500.0, 1500.0, 1900.0])
    expect_close(
        "result",
        win_probability(r_a, r_b),
        [10 / 11, 1 / 2, 1 / 11],
        call="win_probability([1900, 1500, 1500], [1500, 1500, 1900])",
        why="a gap of 400 is 10 : 1",
    )

    N = np.array([5.0, 10.0, 100.0])
    ratings = _array(elo_from_size(N), (3,), "elo_from_size([5, 10, 100])")
    expect_close(
        "r[2] − r[1]",
        ratings[2] - ratings[1],
        400.0,
        call="elo_from_size([5, 10, 100])",
        why="ten times the size is 10 : 1",
    )
    expect_close(
        "r[1] − r[0]",
        ratings[1] - ratings[0],
        120.412,
        rtol=1e-5,
        call="elo_from_size([5, 10, 100])",
        why="twice the size is 2 : 1",
    )

    # Two players: (w + ½) : (l + ½) fixes the gap.
    call = "fit_elo([[0, 9.5], [0.5, 0]])"
    ratings = _array(fit_elo(np.array([[0, 9.5], [0.5, 0]])), (2,), call)
    expect_close(
        "result", ratings, [200.0, -200.0], call=call, rtol=0, atol=0.5, why="10 : 1 with the half wins added, mean 0"
    )

    # Any table: at the maximum everybody's score is the one that the ratings predict.
    wins = np.array([[0, 7, 8, 10], [3, 0, 0, 6], [1, 5, 0, 4], [0, 2, 3, 0]], dtype=float)
    copy = wins.copy()
    ratings = fit_elo(wins)
    _unchanged([wins], [copy], "fit_elo(wins)")
    with_half = wins + 0.5 * (1 - np.eye(4))
    P = win_probability(ratings[:, None] + np.zeros((4, 4)), ratings[None, :] + np.zeros((4, 4)))
    score, predicted = with_half.sum(1), ((with_half + with_half.T) * P).sum(1)
    expect_close(
        "what the ratings predict as scores",
        predicted,
        score,
        call="fit_elo(wins) for 4 players who all met",
        rtol=0,
        atol=0.02,
        why="their scores, half wins included",
    )
    expect_close("mean rating", ratings.mean(), 0.0, call="fit_elo(wins)", atol=1e-6)
    passed(
        "win_probability, elo_from_size, fit_elo",
        "gaps of 0 and ±400, sizes 5, 10 and 100, two tables in which everybody met everybody",
        "other shapes, players who never met",
    )


def check_knapsack(knapsack_value, knapsack_greedy):
    games = [
        # values, weights, capacity, perfect play, greedy play; worked out by hand
        ([7], [3], 3, 7, 7),  # it fits exactly, and A takes it
        ([5, 4, 4], [4, 2, 2], 4, 0, -3),  # the example of the text
        ([3, 3], [1, 1], 9, 0, 0),  # one each
        ([5, 3, 2], [1, 1, 1], 9, 4, 4),  # A takes 5, B 3, A 2
        ([6, 5, 4], [3, 2, 2], 3, 1, 1),  # A takes 6 and is full; B takes 5 and has no room for the 4
        ([9, 4, 3, 2], [6, 2, 2, 2], 6, 0, 0),  # if A takes the 9, B gets the other three; if not, B takes the 9
    ]
    for values, weights, capacity, perfect, greedy in games:
        v, w = np.array(values), np.array(weights)
        for name, function, expected in (
            ("knapsack_value", knapsack_value, perfect),
            ("knapsack_greedy", knapsack_greedy, greedy),
        ):
            call = f"{name}({values}, {weights}, {capacity})"
            got = _int(function(v, w, capacity), call)
            expect(got == expected, f"{call} returned {got}, expected {expected}.")
            _unchanged([v, w], [values, weights], call)
    for values, weights, capacity, expected in [
        ([5, 5, 1], [3, 1, 3], 4, -1),
        ([4, 6, 3], [1, 5, 4], 5, -1),
        ([8, 7, 4], [2, 9, 1], 5, 4),  # the 7 fits nobody: B takes the 4
    ]:
        call = f"knapsack_greedy({values}, {weights}, {capacity})"
        got = _int(knapsack_greedy(np.array(values), np.array(weights), capacity), call)
        expect(got == expected, f"{call} returned {got}, expected {expected}.")
    passed(
        "knapsack_value, knapsack_greedy",
        "games of one to four items, worked out by hand",
        "larger pools, positions that are reached in several ways, twelve items in time",
    )


def check_connect4_winner(connect4_winner):
    def board(*rows):
        grid = np.zeros((6, 7), dtype=np.int64)
        for i, row in enumerate(rows):
            grid[6 - len(rows) + i] = [int(c) if c != "." else 0 for c in row]
        return grid

    boards = [
        ("the empty board", board(), 0),
        ("a row of player 1 at the left edge", board("222....", "1111..."), 1),
        ("a row of player 2 at the right edge", board("....111", "1..2222"), 2),
        ("a column of player 2", board("2......", "2......", "2......", "2111..."), 2),
        ("a diagonal that falls to the right, of player 1", board("1......", "21.....", "121....", "2221..."), 1),
        ("a diagonal that rises to the right, of player 2", board("......2", ".....21", "....211", "1..2112"), 2),
        ("three in a row, and a gap", board("11.1...", "2221222"), 0),
        ("four cells of player 1 that run on from one row into the next", board("22...11", "11...22"), 0),
        ("three in a column", board("1......", "1......", "1......", "2......"), 0),
        ("a line that leaves the board on the right and comes back on the left", board("11...11", "22...12"), 0),
    ]
    for what, position, expected in boards:
        copy = position.copy()
        got = _int(connect4_winner(position), f"connect4_winner({what})")
        expect(got == expected, f"connect4_winner: {what}:\n{position}\n  got {got}, expected {expected}.")
        _unchanged([position], [copy], "connect4_winner(board)")
    passed(
        "connect4_winner",
        "a line in each direction and six positions without a winner",
        "every place where a line can lie, full boards",
    )


def check_margin_prune(margin_prune):
    X = np.array([[3.0, 0], [1, 5], [-2, 1], [-4, 0], [0.5, 2], [-1, -1]])
    y = np.array([1.0, 1, 1, -1, -1, -1])
    w = np.array([2.0, 0])
    # margins y·(w·x): 6, 2, −4, 8, −1, 2
    for fraction, keep, expected in [
        (0.5, "hard", [1, 2, 4]),
        (0.5, "easy", [0, 1, 3]),
        (0.4, "hard", [1, 2, 4]),
        (0.2, "easy", [0, 3]),
        (1.0, "hard", [0, 1, 2, 3, 4, 5]),
    ]:
        call = f'margin_prune(X, y, w, {fraction}, "{keep}") with the margins 6, 2, −4, 8, −1, 2'
        copies = [X.copy(), y.copy(), w.copy()]
        got = margin_prune(X, y, w, fraction, keep)
        expect(got is not None, f"{call} returned None. Is a return statement missing?")
        _unchanged([X, y, w], copies, "margin_prune(…)")
        is_list = isinstance(got, (list, tuple)) and all(isinstance(i, (int, np.integer)) for i in got)
        is_array = isinstance(got, np.ndarray) and got.dtype.kind in "iu"
        expect(is_list or is_array, f"{call} must return an array of integer indices, but returned {got!r}.")
        got = np.asarray(got)
        expect(got.tolist() == expected, f"{call} returned {got.tolist()}, expected {expected}.")
    passed("margin_prune", "six samples, two of equal margin", "larger data sets")


def check_data_scaling_curve(data_scaling_curve):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((160, 10)), rng.integers(0, 3, 160)
    copies = [X.copy(), y.copy()]
    call = "data_scaling_curve(X, y, X, y, [160, 40], 0) with random labels"
    got = _array(data_scaling_curve(X, y, X, y, [160, 40], 0), (2,), call)
    _unchanged([X, y], copies, "data_scaling_curve(…)")
    expect(
        np.isfinite(got).all() and np.min(got) >= 0 and np.max(got) <= 1,
        f"{call}: errors are fractions from 0 to 1, got {got}.",
    )
    expect(
        got[0] == 0,
        f"{call}: the error at size 160 is {got[0]:.3f}, expected 0. With 4000 features and no ridge the fit returns the labels of its training set exactly.",
    )
    expect(
        0.2 < got[1] <= 0.75,
        f"{call}: the error at size 40 is {got[1]:.3f}; 120 of the 160 labels were not seen, and they are random.",
    )

    # Twelve clusters, far from each other, with the labels in no order.
    def clusters(n):
        k = np.arange(n) % 12
        return 3 * np.eye(12)[k] + 0.5 * rng.standard_normal((n, 12)), (5 * k + 2) % 12

    X, y = clusters(180)
    X_test, y_test = clusters(120)
    call = "data_scaling_curve on twelve well separated clusters, labels 0 to 11"
    try:
        got = _array(data_scaling_curve(X, y, X_test, y_test, [12, 180], 0), (2,), call)
    except IndexError as error:
        raise CheckFailed(f"{call} raised IndexError: {error}. Does your code assume a number of classes?") from None
    expect(
        got[1] <= 0.1, f"{call}: test error {got[1]:.2f} with 180 samples, expected below 0.1. (Guessing gives 0.92.)"
    )
    again = data_scaling_curve(X, y, X_test, y_test, [12, 180], 0)
    expect(
        np.array_equal(got, again),
        "data_scaling_curve gives different errors when it is called again with the same seed.",
    )
    others = [data_scaling_curve(X, y, X_test, y_test, [12], seed)[0] for seed in range(1, 6)]
    expect(
        np.ptp(others) > 0,
        "data_scaling_curve with 12 of 180 samples gives the same error for the seeds 1 to 5. Does the choice depend on the seed?",
    )
    passed(
        "data_scaling_curve",
        "exact fit of the training set, order of the sizes, twelve separate clusters, the seed",
        "that the subsets are nested and a random choice, samples that nearly coincide, the curve of the digits",
    )
