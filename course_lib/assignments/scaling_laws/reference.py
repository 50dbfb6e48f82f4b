"""Reference solutions in torch: they follow the device and dtype of their inputs. The games are plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor


def fit_power_law(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """a and p of y = a·x^p, by least squares of ln y on ln x; x and y (n,), positive."""
    u, v = torch.log(x), torch.log(y)
    centred = u - u.mean()
    p = (centred * v).sum() / (centred * centred).sum()
    return torch.exp(v.mean() - p * u.mean()), p


def fit_power_law_offset(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """a, p < 0 and r ≥ 0 of y = a·x^p + r, by least squares; x and y (n,), positive.

    Variable projection (Golub and Pereyra 1973): given p, the best (a, r) is a non-negative linear least-squares
    problem of two unknowns, so only p needs a search: a grid, then golden sections around its best point.
    """
    u = torch.log(x) - torch.log(x).mean()
    y_mean = y.mean()

    def linear(p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Best a (for exp(p·u)) and r for each p, and the sum of squares. Shapes as p (m,)."""
        basis = torch.exp(p[:, None] * u)
        b = basis.mean(1, keepdim=True)
        slope = ((basis - b) * (y - y_mean)).sum(1) / ((basis - b) ** 2).sum(1)
        through_zero = (basis * y).sum(1) / (basis * basis).sum(1)
        offset = y_mean - slope * b[:, 0]
        slope = torch.where(offset < 0, through_zero, slope)
        offset = offset.clamp(min=0)
        return slope, offset, ((slope[:, None] * basis + offset[:, None] - y) ** 2).sum(1)

    grid = -torch.logspace(-3, math.log10(5), 400, dtype=x.dtype, device=x.device)
    best = int(linear(grid)[2].argmin())
    low, high = grid[min(best + 1, 399)], grid[max(best - 1, 0)]
    golden = (math.sqrt(5) - 1) / 2
    for _ in range(40):
        inner = torch.stack([high - golden * (high - low), low + golden * (high - low)])
        left, right = linear(inner)[2]
        low, high = (low, inner[1]) if left < right else (inner[0], high)
    p = (low + high) / 2
    a, r, _ = linear(p[None])
    return a[0] * torch.exp(-p * torch.log(x).mean()), p, r[0]


def compute_optimal(C: float, A: float, B: float, alpha: float, beta: float) -> tuple[float, float]:
    """N parameters and D samples that minimise A/N^α + B/D^β subject to C = 6·N·D (Hoffmann et al. 2022, eq. 4)."""
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    return G * (C / 6) ** (beta / (alpha + beta)), (C / 6) ** (alpha / (alpha + beta)) / G


def isoflop_optimum(N: Tensor, loss: Tensor) -> Tensor:
    """Vertex of the least-squares parabola of loss against ln N (Hoffmann et al. 2022, approach 2); N and loss (n,)."""
    u = torch.log(N)
    centre = u.mean()
    design = torch.stack([(u - centre) ** 2, u - centre, torch.ones_like(u)], 1)
    c2, c1, _ = torch.linalg.lstsq(design, loss[:, None]).solution[:, 0]
    return torch.exp(centre - c1 / (2 * c2))


def win_probability(r_a: Tensor, r_b: Tensor) -> Tensor:
    """1/(1 + 10^((r_b − r_a)/400)), elementwise (Elo 1978)."""
    return 1 / (1 + 10 ** ((r_b - r_a) / 400))


def elo_from_size(N: Tensor) -> Tensor:
    """Ratings with win probability N_A/(N_A + N_B): 400 points for each factor of ten."""
    return 400 * torch.log10(N if N.is_floating_point() else N.double())


def fit_elo(wins: Tensor) -> Tensor:
    """Maximum-likelihood ratings (players,), mean 0, from wins (players, players), by Newton's method.

    wins[i, j] = games that i won against j. Half a win is added to each side of every pair that met, so that a
    perfect record has a finite rating.
    """
    met = (wins + wins.T) > 0
    games = wins + wins.T + met.to(wins.dtype)
    score = (wins + 0.5 * met).sum(1)
    s = torch.zeros_like(score)  # ratings in natural units: win probability = sigmoid of the difference
    for _ in range(100):
        p = torch.sigmoid(s[:, None] - s[None, :])
        gradient = score - (games * p).sum(1)
        weight = games * p * (1 - p)
        # The all-ones matrix fixes the free additive constant.
        hessian = torch.diag(weight.sum(1)) - weight + torch.ones_like(weight)
        step = torch.linalg.solve(hessian, gradient).clamp(-1, 1)
        s = s + step
        if float(step.abs().max()) < 1e-12:
            break
    return (s - s.mean()) * 400 / math.log(10)


def _integers(values: Sequence[int] | Tensor) -> list[int]:
    return [int(v) for v in values]


def knapsack_value(values: Sequence[int] | Tensor, weights: Sequence[int] | Tensor, capacity: int) -> int:
    """A's total minus B's under perfect play of both; values and weights (n,).

    What is still to come depends only on the pool and on the room that the mover and the other have left. Who
    cannot move now cannot move later, so a pass is for good.
    """
    v, w = _integers(values), _integers(weights)

    @cache
    def to_come(pool: int, mine: int, other: int) -> int:
        """The mover's further gain minus the other's. ``pool`` is a bit mask."""
        moves = [i for i in range(len(v)) if pool >> i & 1 and w[i] <= mine]
        if moves:
            return max(v[i] - to_come(pool ^ 1 << i, other, mine - w[i]) for i in moves)
        if any(pool >> i & 1 and w[i] <= other for i in range(len(v))):
            return -to_come(pool, other, mine)
        return 0

    return to_come((1 << len(v)) - 1, int(capacity), int(capacity))


def knapsack_greedy(values: Sequence[int] | Tensor, weights: Sequence[int] | Tensor, capacity: int) -> int:
    """As ``knapsack_value``, but each takes the most valuable item that fits, the lower index among equals."""
    v, w = _integers(values), _integers(weights)
    pool, room, total = list(range(len(v))), [int(capacity)] * 2, [0, 0]
    mover, passes = 0, 0
    while passes < 2:
        fits = [i for i in pool if w[i] <= room[mover]]
        passes = 0 if fits else passes + 1
        if fits:
            taken = max(fits, key=lambda i: (v[i], -i))
            pool.remove(taken)
            room[mover] -= w[taken]
            total[mover] += v[taken]
        mover = 1 - mover
    return total[0] - total[1]


def connect4_winner(board: Tensor) -> int:
    """1 or 2 if that player has four in a row on the board (6, 7), row 0 on top; else 0."""
    for player in (1, 2):
        own = board == player
        lines = [
            own[:, :4] & own[:, 1:5] & own[:, 2:6] & own[:, 3:],
            own[:3] & own[1:4] & own[2:5] & own[3:],
            own[:3, :4] & own[1:4, 1:5] & own[2:5, 2:6] & own[3:, 3:],
            own[3:, :4] & own[2:5, 1:5] & own[1:4, 2:6] & own[:3, 3:],
        ]
        if any(bool(line.any()) for line in lines):
            return player
    return 0


def margin_prune(X: Tensor, y: Tensor, w_probe: Tensor, keep_fraction: float, keep: str) -> Tensor:
    """Ascending indices of the ⌈keep_fraction·n⌉ samples of smallest ("hard") or largest ("easy") margin y·(w_probe·x).

    X (n, d), y (n,) of ±1. Ties go to the earlier index. (Sorscher et al. 2022.)
    """
    margin = y * (X @ w_probe)
    count = math.ceil(keep_fraction * len(y))
    order = torch.sort(margin, stable=True, descending=keep == "easy").indices
    return torch.sort(order[:count]).values


WIDTH = 4000


def data_scaling_curve(
    X_train: Tensor, y_train: Tensor, X_test: Tensor, y_test: Tensor, sizes: Sequence[int] | Tensor, seed: int
) -> Tensor:
    """Test errors (len(sizes),) of ridge-less random ReLU features on the first ``size`` rows of one permutation.

    X (n, d), labels y (n,) 0…C−1. Weights N(0, 1/d), no bias, width 4000; minimum-norm regression on one-hot labels.
    """
    generator = torch.Generator().manual_seed(int(seed))
    order = torch.randperm(len(X_train), generator=generator).to(X_train.device)
    d = X_train.shape[1]
    W = torch.randn(d, WIDTH, generator=generator, dtype=X_train.dtype).to(X_train.device) / math.sqrt(d)
    phi, phi_test = torch.relu(X_train @ W), torch.relu(X_test @ W)
    labels = torch.as_tensor(y_train, device=X_train.device)
    truth = torch.as_tensor(y_test, device=X_train.device)
    targets = torch.nn.functional.one_hot(labels.long()).to(X_train.dtype)
    errors = []
    for size in _integers(sizes):
        rows = order[:size]
        # Fewer samples than features: the minimum-norm solution is Φᵀ(ΦΦᵀ)⁺Y, a system of the samples' size.
        if size <= WIDTH:
            theta = phi[rows].T @ (torch.linalg.pinv(phi[rows] @ phi[rows].T, hermitian=True) @ targets[rows])
        else:
            theta = torch.linalg.pinv(phi[rows]) @ targets[rows]
        errors.append(((phi_test @ theta).argmax(1) != truth).to(X_train.dtype).mean())
    return torch.stack(errors)
