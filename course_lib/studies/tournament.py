"""A tournament of networks of different sizes at two games: the data of the scaling-laws notebook.

    python -m course_lib.studies.tournament

trains a few dozen two-layer networks for the two-player knapsack and for Connect 4, lets every network play every
other from both seats, and writes who won how often to ``source/scaling_laws/tournament.json``. Seconds for the
knapsack, a few minutes for Connect 4, on one CPU core. The same command gives the same games on the same machine.

How a network plays: it is shown a position and gives a number for each move (knapsack: the expected final difference, one
output per item) or for the position after it (Connect 4: the expected result); it takes the best move that the rules allow. No search, so that
what is measured is what the network knows.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from student_kit.trainer import Member, Settings, train

TARGET = Path(__file__).parents[2] / "source" / "scaling_laws" / "tournament.json"

Scores = np.ndarray
Player = Callable[[np.ndarray], Scores]
"""From features to a score: knapsack (B, F) -> (B, items), Connect 4 (B, 84) -> (B,)."""


@dataclass
class Entrants:
    """Who plays: networks, then the players without a network.

    Attributes:
        names: for tables.
        widths: hidden units, 0 for players without a network.
        parameters: weights and biases, 0 likewise.
        seeds: of the networks' training.
        players: the functions.
    """

    names: list[str] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    parameters: list[int] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    players: list[Player] = field(default_factory=list)

    def add(self, name: str, width: int, parameters: int, seed: int, player: Player) -> None:
        """One more entrant."""
        self.names.append(name)
        self.widths.append(width)
        self.parameters.append(parameters)
        self.seeds.append(seed)
        self.players.append(player)


def network_player(weights: tuple[torch.Tensor, ...], *, value: bool) -> Player:
    """A trained network as a player; ``value`` networks have one output."""
    W1, b1, W2, b2 = (w.numpy() for w in weights)

    def scores(features: np.ndarray) -> np.ndarray:
        out: np.ndarray = np.maximum(features @ W1 + b1, 0) @ W2 + b2
        return out[..., 0] if value else out

    return scores


def enter_networks(entrants: Entrants, members: list[Member], weights: list[Any], *, value: bool) -> None:
    """Add trained networks to the entrants."""
    for member, w in zip(members, weights, strict=True):
        count = sum(part.numel() for part in w)
        entrants.add(f"width {member.width}", member.width, count, member.seed, network_player(w, value=value))


# ----------------------------------------------------------------------------------------------------- the knapsack

ITEMS = 8
LARGEST = 20


def knapsack_instances(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values (count, 8) and weights (count, 8) from 1 to 20, sorted by value, and capacities (count,), half of all weight."""
    values = rng.integers(1, LARGEST + 1, (count, ITEMS))
    weights = rng.integers(1, LARGEST + 1, (count, ITEMS))
    order = np.argsort(-values, axis=1, kind="stable")
    values, weights = np.take_along_axis(values, order, 1), np.take_along_axis(weights, order, 1)
    return values, weights, weights.sum(1) // 2


def knapsack_solve(values: np.ndarray, weights: np.ndarray, capacity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Perfect play for every position of every instance, by backward induction.

    A position is a number in base 3 with a digit for each item: 0 in the pool, 1 taken by the mover, 2 by the other.
    Returns the value of what is still to come for the mover minus the other, (count, 3^8, 8) for each first item taken,
    NaN where it does not fit, and the capacities left (count, 3^8, 2) of the mover and of the other.
    """
    count = len(values)
    digits = np.arange(3**ITEMS)[:, None] // 3 ** np.arange(ITEMS) % 3
    left = np.stack([capacity[:, None] - weights @ (digits == k).T for k in (1, 2)], -1)
    swapped = (np.where(digits == 0, 0, 3 - digits) * 3 ** np.arange(ITEMS)).sum(1)
    q = np.full((count, 3**ITEMS, ITEMS), np.nan, np.float32)
    worth = np.zeros((count, 3**ITEMS), np.float32)
    taken = (digits > 0).sum(1)
    for level in range(ITEMS - 1, -1, -1):
        here = np.flatnonzero(taken == level)
        for i in range(ITEMS):
            states = here[digits[here, i] == 0]
            after = swapped[states + 3**i]
            fits = weights[:, i, None] <= left[:, states, 0]
            q[:, states, i] = np.where(fits, values[:, i, None] - worth[:, after], np.nan)
        can_move = ~np.isnan(q[:, here]).all(-1)
        best = np.where(np.isnan(q[:, here]), -np.inf, q[:, here]).max(-1)
        # A mover with nothing that fits passes for good: then the other takes alone, which is its own best line.
        worth[:, here] = np.where(can_move, best, 0)
        other = swapped[here]
        worth_passed = np.where(can_move, 0, -np.where(can_move[:, _places(here, other)], worth[:, other], 0))
        worth[:, here] = np.where(can_move, worth[:, here], worth_passed)
    return q, left


def _places(sorted_states: np.ndarray, states: np.ndarray) -> np.ndarray:
    return np.searchsorted(sorted_states, states)


def knapsack_features(
    values: np.ndarray, weights: np.ndarray, pool: np.ndarray, mine: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """What a network sees, (…, 34): value, weight, fits me, fits the other for each item in the pool, and both capacities."""
    fits_me, fits_other = pool & (weights <= mine[..., None]), pool & (weights <= other[..., None])
    parts = [np.where(pool, values, 0) / LARGEST, np.where(pool, weights, 0) / LARGEST, fits_me, fits_other]
    room = np.stack([mine, other], -1) / (ITEMS * LARGEST / 4)
    return np.concatenate([*parts, room], -1, dtype=np.float32)


def knapsack_positions(instances: int, each: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions with a choice of at least two items, and the worth of each item there (NaN: it does not fit)."""
    values, weights, capacity = knapsack_instances(instances, rng)
    digits = np.arange(3**ITEMS)[:, None] // 3 ** np.arange(ITEMS) % 3
    balanced = np.abs((digits == 1).sum(1) - (digits == 2).sum(1)) <= 1
    X, Q = [], []
    for start in range(0, instances, 50):
        part = slice(start, start + 50)
        q, left = knapsack_solve(values[part], weights[part], capacity[part])
        for k in range(len(q)):
            usable = balanced & (left[k] >= 0).all(1) & ((~np.isnan(q[k])).sum(1) >= 2)
            chosen = rng.permutation(np.flatnonzero(usable))[:each]
            v, w = values[start + k], weights[start + k]
            X.append(knapsack_features(v, w, digits[chosen] == 0, left[k, chosen, 0], left[k, chosen, 1]))
            Q.append(q[k, chosen] / LARGEST)
    return np.concatenate(X), np.concatenate(Q)


def masked_squared_error(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean over the items that fit, (M, B)."""
    known = ~torch.isnan(y)
    squares = torch.where(known, outputs - torch.nan_to_num(y), 0) ** 2
    return squares.sum(-1) / known.sum(-1)


def play_knapsack(players: list[Player], instances: int, rng: np.random.Generator) -> np.ndarray:
    """Points: result[i, j] = games i won against j, draws half each. Each instance is played from both seats."""
    P = len(players)
    values, weights, capacity = knapsack_instances(instances, rng)
    pool = np.ones((P, P, instances, ITEMS), bool)
    left = np.broadcast_to(capacity, (2, P, P, instances)).copy()
    total = np.zeros((2, P, P, instances), int)
    for ply in range(2 * ITEMS):
        mover = ply % 2
        for p in range(P):
            games = (p, slice(None)) if mover == 0 else (slice(None), p)
            here, mine, other = pool[games], left[mover][games], left[1 - mover][games]
            fits = here & (weights <= mine[..., None])
            scores = players[p](knapsack_features(np.broadcast_to(values, here.shape), weights, here, mine, other))
            pick = np.where(fits, scores, -np.inf).argmax(-1)
            moves = fits.any(-1)
            pool[games] = here & ~(moves[..., None] & (np.arange(ITEMS) == pick[..., None]))
            k = np.arange(instances)
            left[mover][games] = mine - np.where(moves, weights[k, pick], 0)
            total[mover][games] += np.where(moves, values[k, pick], 0)
    return _points(np.sign(total[0] - total[1]))


def _points(results: np.ndarray) -> np.ndarray:
    """From results (first player, second player, game) in −1, 0, 1 to points (i, j); nobody plays itself."""
    first, second = ((results + 1) / 2).sum(-1), ((1 - results) / 2).sum(-1)
    points = first + second.T
    np.fill_diagonal(points, 0)
    return points


def knapsack(widths: list[int], seeds: int, *, instances: int, steps: int, games: int, seed: int = 0) -> dict[str, Any]:
    """Train, play, and report."""
    rng = np.random.default_rng(seed)
    X, Q = knapsack_positions(instances, 220, rng)
    X_test, Q_test = knapsack_positions(max(instances // 10, 20), 220, rng)
    members = [Member(width=w, seed=s) for w in widths for s in range(seeds)]
    settings = Settings(steps=steps, batch=128, lr=0.01, schedule="cosine", eval_every=steps)
    trained = train(members, X, Q, X_test[:4000], Q_test[:4000], settings, loss=masked_squared_error, progress=False)
    entrants = Entrants()
    enter_networks(entrants, members, trained.weights, value=False)
    entrants.add("greedy", 0, 0, 0, lambda f: f[..., :ITEMS])
    dice = np.random.default_rng(seed + 1)
    entrants.add("random", 0, 0, 0, lambda f: dice.random((*f.shape[:-1], ITEMS)))
    points = play_knapsack(entrants.players, games, np.random.default_rng(seed + 2))
    note = f"{ITEMS} items; each pair plays {games} instances from both seats; {len(X)} training positions, {steps} steps"
    return report(entrants, points, note, trained.curves["test_loss"][:, -1])
