"""Valid inputs for the exercises of scaling_laws."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from course_lib.checking.strategies import numbers, sizes

SEEDS = st.integers(0, 2**16)
DIGITS = Path(__file__).with_name("digits.npz")


# ------------------------------------------------------------------------------------------------------- power laws


@st.composite
def positive_measurements(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``fit_power_law``: any positive numbers, far from a law, in any order; the sizes are distinct."""
    n, source = draw(sizes(2, 7)), draw(numbers())
    x = np.cumsum(source.positive(n))[source.integers(0, 2**30, n).argsort()]
    return x, source.positive(n)


@st.composite
def measurements_of_any_scale(draw: st.DrawFn) -> tuple[Any, ...]:
    """As ``positive_measurements``, from the sizes of digit data to those of a language model, some sizes twice."""
    x, y = draw(positive_measurements())
    more = draw(st.integers(0, 2))
    x, y = np.concatenate([x, x[:more]]), np.concatenate([y, 2 * y[:more]])
    return x * 10.0 ** draw(st.integers(0, 9)), y * 10.0 ** draw(st.integers(-5, 3))


@st.composite
def offset_laws(draw: st.DrawFn, *, offset: bool = True) -> tuple[Any, ...]:
    """x, a, p and r of a law y = a·x^p + r whose three numbers can be told from the data.

    2 to 3.5 factors of ten in x, 10 to 15 points. The power term falls from ``scale`` at the smallest x, and r is
    between a twentieth and 0.8 of ``scale``, or 0. Slower powers than 0.3 fall too little over this range to be
    told from a constant.
    """
    n = draw(st.integers(10, 15))
    first = draw(st.sampled_from([1.0, 4.0, 20.0, 100.0]))
    decades = draw(st.integers(4, 7)) / 2
    p = -draw(st.integers(6, 24)) / 20
    scale = draw(st.sampled_from([1.0, 0.1, 30.0]))
    r = scale * draw(st.integers(1, 16)) / 20 if offset else 0.0
    return first * 10.0 ** np.linspace(0, decades, n), scale * first**-p, p, r


@st.composite
def noisy_offset_laws(draw: st.DrawFn, *, offset: bool = True) -> tuple[Any, ...]:
    """An ``offset_laws`` and its data with 1 % multiplicative noise (cut at 2.5 standard deviations)."""
    x, a, p, r = draw(offset_laws(offset=offset))
    noise = np.random.default_rng(draw(SEEDS)).standard_normal(len(x)).clip(-2.5, 2.5)
    return x, (a * x**p + r) * (1 + 0.01 * noise), a, p, r


@st.composite
def loss_laws(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``compute_optimal``; α and β differ, and so do A and B."""
    alpha = draw(st.integers(2, 10)) / 10
    beta = draw(st.integers(2, 10).filter(lambda b: b != alpha * 10)) / 10
    A = draw(st.integers(1, 40)) * 10.0
    B = draw(st.integers(1, 40).filter(lambda b: b * 10.0 != A)) * 10.0
    return 6.0 * 10.0 ** draw(st.integers(3, 20)), A, B, alpha, beta


@st.composite
def parabolas(draw: st.DrawFn, *, noise: float) -> tuple[Any, ...]:
    """Arguments of ``isoflop_optimum`` and the vertex of the parabola they scatter around.

    Sizes are unevenly spaced in ln N and in any order; the vertex may lie outside of them. The scatter is uniform
    within ±``noise``, against a rise of the parabola of at least 1 over the sizes.
    """
    n, seed = draw(st.integers(4, 9)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    u = np.cumsum(rng.uniform(0.3, 1.2, n)) + draw(st.integers(1, 12))
    inside = float(rng.uniform(u[0], u[-1]))
    vertex = round(draw(st.sampled_from([inside, inside, float(u[0]) - 0.4, float(u[-1]) + 0.4])), 2)
    rise = draw(st.integers(1, 4)) / (u[-1] - u[0]) ** 2 * 4
    loss = 1.0 + rise * (u - vertex) ** 2 + rng.uniform(-noise, noise, n)
    order = rng.permutation(n)
    return np.exp(u)[order], loss[order], float(np.exp(vertex))


# -------------------------------------------------------------------------------------------------------------- Elo


@st.composite
def rating_pairs(draw: st.DrawFn) -> tuple[Any, ...]:
    """Arguments of ``win_probability``, of any shape, also 0-d; gaps up to about 2000 points."""
    shape = draw(st.sampled_from([(), (1,), (4,), (2, 3)]))
    source = draw(numbers())
    return np.asarray(source.array(*shape, scale=200.0)), np.asarray(source.array(*shape, scale=200.0))


@st.composite
def network_sizes(draw: st.DrawFn) -> np.ndarray:
    """Argument of ``elo_from_size``: at least two sizes, in any order, whole or not."""
    n, source = draw(sizes(2, 6)), draw(numbers())
    return source.positive(n) * 10.0 ** source.integers(0, 8, n)


@st.composite
def win_tables(draw: st.DrawFn, *, complete: bool) -> np.ndarray:
    """Argument of ``fit_elo``: whole numbers of wins of 2 to 6 players of different strength.

    Who met played 1 to 12 games. If not ``complete``, at least one pair never met; the graph of who
    met whom is connected.
    """
    players, seed = draw(sizes(2 if complete else 3, 6)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    strength = rng.normal(0, 1.0, players)
    met = np.ones((players, players), bool)
    if not complete:
        met[:] = rng.random((players, players)) < 0.3
        order = rng.permutation(players)
        met[order[:-1], order[1:]] = True
        met |= met.T
        if met[~np.eye(players, dtype=bool)].all():
            met[order[0], order[-1]] = met[order[-1], order[0]] = False
    wins = np.zeros((players, players))
    for i in range(players):
        for j in range(i):
            if met[i, j]:
                games = int(rng.integers(1, 13))
                wins[i, j] = rng.binomial(games, 1 / (1 + np.exp(strength[j] - strength[i])))
                wins[j, i] = games - wins[i, j]
    return wins


@st.composite
def win_tables_with_perfect_records(draw: st.DrawFn) -> np.ndarray:
    """As ``win_tables``, but one player won every game and another lost every game."""
    wins = draw(win_tables(complete=True)).copy()
    best, worst = (0, 1) if draw(st.booleans()) else (len(wins) - 1, 0)
    wins[best] += wins[:, best]
    wins[:, best] = 0
    wins[:, worst] += wins[worst]
    wins[worst] = 0
    return wins


# ------------------------------------------------------------------------------------------------------------ games


@st.composite
def knapsacks(draw: st.DrawFn, low: int = 1, high: int = 7) -> tuple[Any, ...]:
    """Arguments of ``knapsack_value`` and ``knapsack_greedy``: sacks that hold one item up to nearly all."""
    n, seed = draw(sizes(low, high)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    top = draw(st.sampled_from([9, 4, 20]))
    values, weights = rng.integers(1, top + 1, n), rng.integers(1, top + 1, n)
    share = draw(st.sampled_from([0.5, 0.35, 0.7]))
    return values, weights, max(int(weights.min()), int(share * weights.sum()))


@st.composite
def knapsacks_with_equals(draw: st.DrawFn) -> tuple[Any, ...]:
    """Knapsacks in which items of equal value differ in weight."""
    n, seed = draw(sizes(3, 7)), draw(SEEDS)
    rng = np.random.default_rng(seed)
    return rng.integers(3, 5, n), rng.integers(1, 8, n), int(rng.integers(6, 13))


WINDOWS = {
    "row": [[(r, c + k) for k in range(4)] for r in range(6) for c in range(4)],
    "column": [[(r + k, c) for k in range(4)] for r in range(3) for c in range(7)],
    "falling diagonal": [[(r + k, c + k) for k in range(4)] for r in range(3) for c in range(4)],
    "rising diagonal": [[(r + 3 - k, c + k) for k in range(4)] for r in range(3) for c in range(4)],
}


def board_with(window: list[tuple[int, int]], player: int, rng: np.random.Generator) -> np.ndarray:
    """A board on which this player has exactly this line of four: stones lie on stones, as in a real game."""
    line = np.zeros((6, 7), bool)
    line[tuple(zip(*window, strict=True))] = True
    below = np.maximum.accumulate(line, axis=0) & ~line
    for tries in range(10_000):
        board = np.zeros((6, 7), np.int64)
        board[line] = player
        board[below] = rng.integers(1, 3, int(below.sum()))
        if tries < 200:  # other columns get some stones too
            for c in np.flatnonzero(~line.any(0)):
                height = int(rng.integers(0, 5))
                board[6 - height :, c] = rng.integers(1, 3, height)
        if lines_of_four(board) == [(window, player)]:
            return board
    raise AssertionError(f"no board for {window}")


def lines_of_four(board: np.ndarray) -> list[tuple[list[tuple[int, int]], int]]:
    """All lines of four with whose they are."""
    found = []
    for windows in WINDOWS.values():
        for window in windows:
            stones = {int(board[cell]) for cell in window}
            if len(stones) == 1 and 0 not in stones:
                found.append((window, stones.pop()))
    return found


def played_board(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """A game of random moves up to a random moment or its end, and who has won."""
    board, stop = np.zeros((6, 7), np.int64), int(rng.integers(7, 60))
    for ply in range(42):
        column = int(rng.choice(np.flatnonzero(board[0] == 0)))
        row = int(np.flatnonzero(board[:, column] == 0)[-1])
        board[row, column] = 1 + ply % 2
        found = lines_of_four(board)
        if found:
            return board, found[0][1]
        if ply + 1 >= stop:
            break
    return board, 0


def played_boards() -> st.SearchStrategy[tuple[np.ndarray, int]]:
    """Argument of ``connect4_winner`` after random moves, and the right result."""
    return SEEDS.map(lambda seed: played_board(np.random.default_rng(seed)))


# ----------------------------------------------------------------------------------------------------- pruning, data


@st.composite
def pruning_problems(draw: st.DrawFn, *, exact: bool) -> tuple[Any, ...]:
    """X, y, w_probe and keep_fraction, with margins of both signs that differ by at least ½.

    Fractions are eighths, so keep_fraction·n is computed exactly. It is a whole number if ``exact``, else it never is.
    """
    d, source, eighths = draw(sizes(1, 4)), draw(numbers()), draw(st.integers(2, 7))
    if exact:
        n = draw(st.sampled_from([8, 16]))
        eighths = eighths if eighths != 4 else 3  # half would hide that the kept and the pruned are swapped
    else:
        n = draw(st.integers(5, 15).filter(lambda n: (n * eighths) % 8 != 0))
    X, w = source.array(n, d), source.nonzero(d)
    y = np.where(source.integers(0, 2, n) == 1, 1.0, -1.0)
    rng = np.random.default_rng(n + 16 * eighths)
    margins = 0.75 * (rng.permutation(n) - n // 3) + 0.125 * rng.random(n)
    X = X + np.outer(y * margins - X @ w, w) / (w @ w)
    return X, y, w, eighths / 8


@st.composite
def pruning_problems_with_ties(draw: st.DrawFn) -> tuple[Any, ...]:
    """As ``pruning_problems``, with few different margins.

    X is whole and the probe's weights are ±1 in one or four dimensions, so that its norm is 1 or 2: margins are
    exact, however they are computed, even with a normalised probe.
    """
    d, seed = draw(st.sampled_from([1, 4])), draw(SEEDS)
    rng = np.random.default_rng(seed)
    n = draw(st.integers(6, 24))
    X = rng.integers(-1, 2, (n, d)).astype(np.float64)
    return X, rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], d), draw(st.sampled_from([0.25, 0.5, 0.75]))


def labelled_directions(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 6) in general directions, each with a label of its own: only who has trained on it can know it."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 6))
    return X, rng.permutation(n)


@cache
def digits() -> tuple[np.ndarray, ...]:
    """(X_train, y_train, X_test, y_test): 320 and 480 of the handwritten digits, centred, mean square 1."""
    chosen = np.random.default_rng(0).permutation(1797)[:800]
    with np.load(DIGITS) as data:
        X, y = data["images"].reshape(-1, 64)[chosen].astype(np.float64), data["labels"][chosen].astype(np.int64)
    X = (X - X.mean()) / X.std()
    parts = X[:320], y[:320], X[320:], y[320:]
    for part in parts:
        part.flags.writeable = False
    return parts
