"""Correct solutions of scaling_laws in unusual shapes: other algorithms, lists for tuples, torch inside."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
import torch
from scipy import optimize


def power_law_polyfit(x, y):
    p, c = np.polyfit(np.log10(x), np.log10(y), 1)
    return [float(10**c), float(p)]


def power_law_normal_equations(x, y):
    A = np.stack([np.log(x), np.ones(len(x))], 1)
    p, c = np.linalg.solve(A.T @ A, A.T @ np.log(y))
    return np.array(np.exp(c)), np.array(p)


def power_law_longdouble(x, y):
    u, v = np.log(np.longdouble(x)), np.log(np.longdouble(y))
    p = np.cov(u, v)[0, 1] / np.var(u, ddof=1)
    return np.float64(np.exp(np.mean(v) - p * np.mean(u))), np.float64(p)


def power_law_torch_lstsq(x, y):
    u, v = torch.log(torch.tensor(x)), torch.log(torch.tensor(y))
    solution = torch.linalg.lstsq(torch.stack([u, torch.ones_like(u)], 1), v[:, None]).solution
    return float(solution[1].exp()), float(solution[0])


def offset_curve_fit(x, y):
    scale = np.exp(np.log(x).mean())
    (a, p, r), _ = optimize.curve_fit(
        lambda x, a, p, r: a * x**p + r,
        x / scale,
        y,
        p0=(np.ptp(y), -0.6, y.min() / 2),
        bounds=([0, -5, 0], [np.inf, -1e-3, np.inf]),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
        max_nfev=10_000,
        x_scale=(np.ptp(y), 1, np.ptp(y)),
    )
    return a / scale**p, p, r


def offset_search_over_r(x, y):
    """The other way round: for each floor the line through ln(y − r), and the floor with the straightest one in y.

    From there to the nearest minimum: with noise the search alone misses the contract's 5 % in a few laws of 1000.
    """

    def fit(r):
        """a, p and the misfit for each floor in r (m,)."""
        u, v, weight = np.log(x), np.log(y - r[:, None]), (y - r[:, None]) ** 2
        # So weighted, deviations count as they do in y, to first order.
        du = u - (weight @ u / weight.sum(1))[:, None]
        p = np.minimum((weight * du * v).sum(1) / (weight * du**2).sum(1), -1e-6)
        c = (weight * (v - p[:, None] * u)).sum(1) / weight.sum(1)
        return np.exp(c), p, ((np.exp(c[:, None] + p[:, None] * u) + r[:, None] - y) ** 2).sum(1)

    low, high = 0.0, y.min() * (1 - 1e-9)
    for _ in range(14):
        grid = np.linspace(low, high, 41)
        k = int(np.argmin(fit(grid)[2]))
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, 40)]
    r = (low + high) / 2 if k else 0.0
    a, p, _ = fit(np.array([r]))
    s = np.exp(np.log(x).mean())
    found = optimize.least_squares(
        lambda t: t[0] * (x / s) ** t[1] + t[2] - y,
        [float(a[0]) * s ** float(p[0]), float(p[0]), r],
        bounds=([0, -5, 0], [np.inf, -1e-9, np.inf]),
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    a, p, r = found.x
    return [float(a / s**p), float(p), float(r)]


def offset_minimize_scalar(x, y):
    u = np.log(x)

    def fit(p):
        design = np.stack([np.exp(p * (u - u.mean())), np.ones_like(x)], 1)
        (a, r), misfit = optimize.nnls(design, y)
        return a, r, misfit

    grid = -np.geomspace(0.01, 4, 120)
    k = int(np.argmin([fit(p)[2] for p in grid]))
    bounds = (grid[min(k + 1, 119)], grid[max(k - 1, 0)])
    p = optimize.minimize_scalar(lambda p: fit(p)[2], bounds=bounds, method="bounded", options={"xatol": 1e-9}).x
    a, r, _ = fit(p)
    return np.array(a * np.exp(-p * u.mean())), np.array(p), np.array(r)


def offset_log_residuals(x, y):
    """Least squares of ln y instead of y: with noise it weighs differently, and is as good a fit."""
    s = np.exp(np.log(x).mean())
    q = np.ptp(y)
    best = None
    for p0 in (-0.3, -0.7, -1.2):
        found = optimize.least_squares(
            lambda t: np.log(np.maximum(t[0] * (x / s) ** t[1] + t[2], 1e-12) / (y / q)),
            [0.3, p0, 0.5 * y.min() / q],
            bounds=([1e-9, -4, 0], [np.inf, -1e-3, np.inf]),
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
            max_nfev=3000,
        )
        if best is None or found.cost < best.cost:
            best = found
    a, p, r = best.x
    return float(q * a / s**p), float(p), float(q * r)


def optimum_in_logarithms(C, A, B, alpha, beta):
    log_n = (math.log(alpha * A) - math.log(beta * B) + beta * math.log(C / 6)) / (alpha + beta)
    return [math.exp(log_n), math.exp(math.log(C / 6) - log_n)]


def optimum_by_search(C, A, B, alpha, beta):
    total = math.log(C / 6)
    found = optimize.minimize_scalar(
        lambda n: math.log(A * math.exp(-alpha * n) + B * math.exp(-beta * (total - n))),
        bounds=(-40, total + 40),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return np.array(np.exp(found.x)), np.array(np.exp(total - found.x))


def optimum_by_bisection(C, A, B, alpha, beta):
    low, high = -60.0, math.log(C / 6) + 60
    for _ in range(200):
        n = (low + high) / 2
        falls = alpha * A * math.exp(-alpha * n) > beta * B * math.exp(-beta * (math.log(C / 6) - n))
        low, high = (n, high) if falls else (low, n)
    return np.float64(math.exp(n)), np.float64(C / (6 * math.exp(n)))


def isoflop_log10(N, loss):
    c2, c1, _ = np.polyfit(np.log10(N), loss, 2)
    return float(10 ** (-c1 / (2 * c2)))


def isoflop_normal_equations(N, loss):
    u = np.log(N)
    A = np.stack([u * u, u, np.ones_like(u)], 1)
    c2, c1, _ = np.linalg.solve(A.T @ A, A.T @ loss)
    return np.array(np.exp(-c1 / (2 * c2)))


def isoflop_curve_fit(N, loss):
    u = torch.tensor(np.log(N / N.min()))
    c = torch.linalg.pinv(torch.stack([u**0, u, u**2], 1)) @ torch.tensor(loss)
    return N.min() * np.exp(float(-c[1] / (2 * c[2])))


def probability_from_strengths(r_a, r_b):
    gap = np.asarray(r_a) - np.asarray(r_b)
    strength = 10 ** (gap / 400)
    return np.asarray(strength / (strength + 1))


def probability_tanh(r_a, r_b):
    return (1 + np.tanh(math.log(10) / 800 * (r_a - r_b))) / 2


def probability_loop(r_a, r_b):
    flat = [1 / (1 + 10 ** ((b - a) / 400)) for a, b in zip(r_a.ravel(), r_b.ravel(), strict=True)]
    return np.array(flat).reshape(r_a.shape)


def elo_mean_zero(N):
    r = np.log(N) * 400 / np.log(10)
    return r - r.mean()


def elo_from_1500(N):
    return np.array([1500 + 400 * math.log10(n / N[0]) for n in N])


def elo_log2(N):
    return torch.log2(torch.tensor(N)).numpy() * 400 * math.log10(2)


def elo_zermelo(wins):
    met = (wins + wins.T) > 0
    w = wins + 0.5 * met
    strength = np.ones(len(w))
    for _ in range(20_000):
        new = w.sum(1) / ((w + w.T) / (strength[:, None] + strength[None, :])).sum(1)
        new /= np.exp(np.log(new).mean())
        done = np.abs(np.log(new / strength)).max() < 1e-10
        strength = new
        if done:
            break
    r = 400 * np.log10(strength)
    return r - r.mean()


def elo_bfgs(wins):
    met = (wins + wins.T) > 0
    w = wins + np.where(met, 0.5, 0.0)

    def negative(r):
        return (w * np.log1p(10 ** ((r[None, :] - r[:, None]) / 400))).sum()

    r = optimize.minimize(negative, np.zeros(len(w)), options={"gtol": 1e-7}).x
    return r - r.mean()


def elo_gradient_ascent(wins):
    pairs = [(i, j) for i in range(len(wins)) for j in range(len(wins)) if i != j and wins[i, j] + wins[j, i] > 0]
    weights = torch.tensor([wins[i, j] + 0.5 for i, j in pairs])
    first, second = torch.tensor(pairs).T
    s = torch.zeros(len(wins), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([s], max_iter=300, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = -(weights * torch.nn.functional.logsigmoid(s[first] - s[second])).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    r = s.detach().numpy() * 400 / math.log(10)
    return r - r.mean()


def knapsack_frozenset(values, weights, capacity):
    @cache
    def lead(pool, rooms, mover):
        """A's further gain minus B's."""
        options = []
        for i in pool:
            if weights[i] <= rooms[mover]:
                left = list(rooms)
                left[mover] -= weights[i]
                gain = values[i] if mover == 0 else -values[i]
                options.append(gain + lead(pool - {i}, tuple(left), 1 - mover))
        if options:
            return max(options) if mover == 0 else min(options)
        if any(weights[i] <= rooms[1 - mover] for i in pool):
            return lead(pool, rooms, 1 - mover)
        return 0

    return lead(frozenset(range(len(values))), (capacity, capacity), 0)


def knapsack_alpha_beta(values, weights, capacity):
    order = np.argsort(-np.asarray(values))
    v, w = np.asarray(values)[order].tolist(), np.asarray(weights)[order].tolist()
    memo = {}

    def search(pool, mine, other):
        key = (pool, mine, other)
        if key not in memo:
            best = None
            for k in range(len(pool)):
                if w[pool[k]] <= mine:
                    value = v[pool[k]] - search(pool[:k] + pool[k + 1 :], other, mine - w[pool[k]])
                    best = value if best is None else max(best, value)
            if best is None:
                best = -search(pool, other, mine) if any(w[i] <= other for i in pool) else 0
            memo[key] = best
        return memo[key]

    return np.int32(search(tuple(range(len(v))), capacity, capacity))


def knapsack_who_took_what(values, weights, capacity):
    """Positions as who has which item, from the last moves backwards."""
    n = len(values)
    v, w = [int(x) for x in values], [int(x) for x in weights]
    table = {}
    for free in range(n + 1):
        for pool in itertools.combinations(range(n), free):
            taken = [i for i in range(n) if i not in pool]
            for mask in range(1 << len(taken)):
                mine = capacity - sum(w[i] for k, i in enumerate(taken) if mask >> k & 1)
                other = capacity - sum(w[i] for k, i in enumerate(taken) if not mask >> k & 1)
                if mine < 0 or other < 0 or (pool, mine, other) in table:
                    continue
                moves = [
                    v[i] - table[(tuple(j for j in pool if j != i), other, mine - w[i])] for i in pool if w[i] <= mine
                ]
                alone = [i for i in pool if w[i] <= other]
                if moves:
                    table[(pool, mine, other)] = max(moves)
                elif alone:
                    sets = itertools.chain.from_iterable(
                        itertools.combinations(alone, k) for k in range(len(alone) + 1)
                    )
                    table[(pool, mine, other)] = -max(
                        sum(v[i] for i in s) for s in sets if sum(w[i] for i in s) <= other
                    )
                else:
                    table[(pool, mine, other)] = 0
    return table[(tuple(range(n)), capacity, capacity)]


def greedy_sorted(values, weights, capacity):
    order = sorted(range(len(values)), key=lambda i: -values[i])
    room, result, sign = {1: capacity, -1: capacity}, 0, 1
    while True:
        choice = next((i for i in order if weights[i] <= room[sign]), None)
        if choice is None:
            if not any(weights[i] <= room[-sign] for i in order):
                return np.int64(result)
        else:
            order.remove(choice)
            room[sign] -= weights[choice]
            result += sign * values[choice]
        sign = -sign


def greedy_masked(values, weights, capacity):
    v = np.array(values, dtype=float)
    room, total = np.array([capacity, capacity]), np.zeros(2)
    for turn in range(2 * len(v)):
        me = turn % 2
        masked = np.where(np.asarray(weights) <= room[me], v, -np.inf)
        if len(v) and masked.max() > -np.inf:
            i = int(masked.argmax())
            total[me] += v[i]
            room[me] -= weights[i]
            v[i] = -np.inf
    return int(total[0] - total[1])


def greedy_recursive(values, weights, capacity):
    def play(pool, mine, other, passed):
        fits = [i for i in pool if weights[i] <= mine]
        if not fits:
            return 0 if passed else -play(pool, other, mine, True)
        i = fits[int(np.argmax([values[j] for j in fits]))]
        return int(values[i]) - play([j for j in pool if j != i], other, mine - weights[i], False)

    return play(list(range(len(values))), capacity, capacity, False)


def winner_bitboard(board):
    for player in (1, 2):
        bits = sum(
            1 << (8 * i + j) for i, j in zip(*np.nonzero(board == player), strict=True) for i, j in [(int(i), int(j))]
        )
        for step in (1, 7, 8, 9):
            pairs = bits & bits >> step
            if pairs & pairs >> 2 * step:
                return player
    return 0


def winner_strings(board):
    rows = ["".join(map(str, row)) for row in board.tolist()]
    columns = ["".join(map(str, row)) for row in board.T.tolist()]
    diagonals = ["".join(map(str, np.diag(b, k).tolist())) for b in (board, board[::-1]) for k in range(-5, 7)]
    text = " ".join(rows + columns + diagonals)
    return np.int8(1 if "1111" in text else 2 if "2222" in text else 0)


def winner_convolution(board):
    kernels = [torch.ones(1, 4), torch.ones(4, 1), torch.eye(4), torch.eye(4).flip(0)]
    for player in (1, 2):
        own = torch.tensor(board == player, dtype=torch.float32)[None, None]
        if any((torch.nn.functional.conv2d(own, k[None, None]) > 3.5).any() for k in kernels):
            return np.array(player)
    return np.array(0)


def prune_lexsort(X, y, w_probe, keep_fraction, keep):
    margin = np.einsum("i,ij,j->i", y, X, w_probe)
    order = np.lexsort((np.arange(len(y)), margin if keep == "hard" else -margin))
    return sorted(int(i) for i in order[: math.ceil(keep_fraction * len(y))])


def prune_rank(X, y, w_probe, keep_fraction, keep):
    margin = (X * y[:, None]) @ w_probe * (1 if keep == "hard" else -1)
    index = np.arange(len(y))
    before = (margin[None, :] < margin[:, None]) | ((margin[None, :] == margin[:, None]) & (index < index[:, None]))
    return np.flatnonzero(before.sum(1) < np.ceil(keep_fraction * len(y))).astype(np.uint16)


def prune_normalised_probe(X, y, w_probe, keep_fraction, keep):
    margin = torch.tensor(y) * (torch.tensor(X) @ torch.tensor(w_probe / np.linalg.norm(w_probe)))
    order = torch.sort(margin, stable=True, descending=keep == "easy").indices
    kept = torch.zeros(len(y), dtype=torch.bool)
    kept[order[: math.ceil(keep_fraction * len(y))]] = True
    return torch.nonzero(kept)[:, 0].numpy().astype(np.int32)


def curve_lstsq_with_bias(X_train, y_train, X_test, y_test, sizes, seed):
    """Features drawn for each size anew, with bias, inputs centred, targets −1 and 1."""
    order = np.random.default_rng(seed).permutation(len(y_train))
    centre = X_train.mean(0)
    out = []
    for k, size in enumerate(sizes):
        rng = np.random.default_rng([seed, k])
        W, b = rng.standard_normal((X_train.shape[1], 4000)), rng.standard_normal(4000)
        rows = order[: int(size)]
        H = np.maximum((X_train[rows] - centre) @ W + b, 0)
        Y = 2.0 * (np.asarray(y_train)[rows, None] == np.arange(np.max(y_train) + 1)) - 1
        theta = np.linalg.lstsq(H, Y, rcond=None)[0]
        predicted = (np.maximum((X_test - centre) @ W + b, 0) @ theta).argmax(1)
        out.append(float((predicted != np.asarray(y_test)).mean()))
    return np.array(out)


def curve_torch_random_state(X_train, y_train, X_test, y_test, sizes, seed):
    """torch inside, another generator, only the classes of the subset, pseudo-inverse."""
    random = np.random.RandomState(seed)
    W = torch.tensor(random.randn(4000, X_train.shape[1]) * math.sqrt(2 / X_train.shape[1]))
    order = random.permutation(len(y_train))
    errors = torch.zeros(len(sizes), dtype=torch.float64)
    for k, size in enumerate(sizes):
        X, y = torch.tensor(X_train[order[:size]]), np.asarray(y_train)[order[:size]]
        classes, targets = np.unique(y, return_inverse=True)
        Y = torch.nn.functional.one_hot(torch.tensor(targets)).double()
        theta = torch.linalg.pinv(torch.relu(X @ W.T)) @ Y
        best = (torch.relu(torch.tensor(X_test) @ W.T) @ theta).argmax(1).numpy()
        errors[k] = float(np.mean(classes[best] != y_test))
    return errors.numpy()


def curve_gram_eigen(X_train, y_train, X_test, y_test, sizes, seed):
    """The samples' inner products, solved by eigenvalues; tanh features with bias."""
    rng = np.random.default_rng(seed)
    W, b = rng.standard_normal((X_train.shape[1], 4000)), rng.standard_normal(4000)
    order = rng.permutation(len(y_train))
    H, H_test = np.tanh(X_train @ W + b), np.tanh(X_test @ W + b)
    errors = []
    for size in sizes:
        rows = order[:size]
        values, vectors = np.linalg.eigh(H[rows] @ H[rows].T)
        Y = np.eye(int(np.max(y_train)) + 1)[y_train][rows]
        dual = vectors @ ((vectors.T @ Y) / values[:, None])
        errors.append(np.count_nonzero((H_test @ (H[rows].T @ dual)).argmax(1) != y_test) / len(y_test))
    return np.array(errors)


VARIANTS: list = [
    ("numpy.polyfit in log10, a list of floats", {"fit_power_law": power_law_polyfit}),
    ("normal equations, 0-d arrays", {"fit_power_law": power_law_normal_equations}),
    ("long double, covariance by variance", {"fit_power_law": power_law_longdouble}),
    ("torch.linalg.lstsq", {"fit_power_law": power_law_torch_lstsq}),
    ("scipy's curve_fit with bounds", {"fit_power_law_offset": offset_curve_fit}),
    ("a search over the floor", {"fit_power_law_offset": offset_search_over_r}),
    ("scipy's nnls and minimize_scalar", {"fit_power_law_offset": offset_minimize_scalar}),
    ("least squares of ln y", {"fit_power_law_offset": offset_log_residuals}),
    ("logarithms, a list", {"compute_optimal": optimum_in_logarithms, "isoflop_optimum": isoflop_log10}),
    ("numerical minimiser", {"compute_optimal": optimum_by_search, "isoflop_optimum": isoflop_normal_equations}),
    ("bisection", {"compute_optimal": optimum_by_bisection, "isoflop_optimum": isoflop_curve_fit}),
    (
        "strengths, Zermelo's iteration",
        {"win_probability": probability_from_strengths, "elo_from_size": elo_mean_zero, "fit_elo": elo_zermelo},
    ),
    ("tanh, BFGS", {"win_probability": probability_tanh, "elo_from_size": elo_from_1500, "fit_elo": elo_bfgs}),
    (
        "loops, L-BFGS in torch",
        {"win_probability": probability_loop, "elo_from_size": elo_log2, "fit_elo": elo_gradient_ascent},
    ),
    ("frozensets, A maximises, B minimises", {"knapsack_value": knapsack_frozenset, "knapsack_greedy": greedy_sorted}),
    ("tuples, NumPy int32", {"knapsack_value": knapsack_alpha_beta, "knapsack_greedy": greedy_masked}),
    ("backward induction", {"knapsack_value": knapsack_who_took_what, "knapsack_greedy": greedy_recursive}),
    ("bit boards", {"connect4_winner": winner_bitboard}),
    ("substrings", {"connect4_winner": winner_strings}),
    ("convolution", {"connect4_winner": winner_convolution}),
    ("lexsort, a list of ints", {"margin_prune": prune_lexsort}),
    ("ranks, uint16", {"margin_prune": prune_rank}),
    ("normalised probe, torch", {"margin_prune": prune_normalised_probe}),
    ("new features for each size, bias, centred, ±1 targets", {"data_scaling_curve": curve_lstsq_with_bias}),
    ("torch, RandomState, the subset's classes only", {"data_scaling_curve": curve_torch_random_state}),
    ("eigenvalues of the inner products, tanh", {"data_scaling_curve": curve_gram_eigen}),
]
