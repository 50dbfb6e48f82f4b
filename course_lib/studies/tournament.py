"""A tournament of networks of different sizes at two games: the data of the scaling-laws notebook.

    python -m course_lib.studies.tournament

trains a few dozen two-layer networks for the two-player knapsack and for Connect 4, lets every network play every
other from both seats, and writes who won how often to ``source/scaling_laws/tournament.json``. It takes four minutes on
one CPU core; ``--quick`` is a small version. The same command gives the same games on the same machine.

How a network plays: it is shown a position and gives a number for each move (knapsack: the expected final difference,
one output per item) or for the position after it (Connect 4: the expected result); it takes the best move that the
rules allow. No search, so that what is measured is what the network knows.
"""

from __future__ import annotations

import json
import re
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
    """Values and weights (count, 8) from 1 to 20, and capacities (count,), half of all weight."""
    values = rng.integers(1, LARGEST + 1, (count, ITEMS))
    weights = rng.integers(1, LARGEST + 1, (count, ITEMS))
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
        worth[:, here] = np.where(can_move, best, 0)
        # Who has nothing that fits passes, now and for ever; what is to come is then the other's, or 0.
        worth[:, here] = np.where(can_move, best, -worth[:, swapped[here]])
    return q, left


def knapsack_features(
    values: np.ndarray, weights: np.ndarray, pool: np.ndarray, mine: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """What a network sees, (…, 34): value, weight, fits me, fits the other for each item in the pool; both rooms."""
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
    """Points (i, j) as in ``match_points``. The first player has a large advantage: hence the matches."""
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
    return match_points(total[0] - total[1])


def match_points(differences: np.ndarray) -> np.ndarray:
    """Points (i, j) from the first player's gain (first, second, start): a match is one start played from both seats.

    Who gained more in the two games together wins the match; a draw is half a win for each. Nobody plays itself.
    """
    points: np.ndarray = ((np.sign(differences - differences.swapaxes(0, 1)) + 1) / 2).sum(-1)
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
    match = "a match is one instance from both seats"
    note = f"{ITEMS} items; each pair plays {games} matches, {match}; {len(X)} training positions, {steps} steps"
    return report(entrants, points, note, trained.curves["test_loss"][:, -1])


# --------------------------------------------------------------------------------------------------------- Connect 4

ROWS, COLUMNS = 6, 7
BITS = np.array([[column * 7 + row for column in range(COLUMNS)] for row in range(ROWS)], np.uint64)
"""Bit of a cell, row 0 at the bottom; bit 6 of each column stays empty, so that no line runs over an edge."""
FULL = 6
ONE = np.uint64(1)


def four_in_a_row(stones: np.ndarray) -> np.ndarray:
    """Which of these sets of stones (uint64) hold four in a row."""
    found = np.zeros(stones.shape, bool)
    for step in (1, 6, 7, 8):  # up, down-right, right, up-right
        pairs = stones & (stones >> np.uint64(step))
        found |= (pairs & (pairs >> np.uint64(2 * step))) != 0
    return found


def drops(height: np.ndarray) -> np.ndarray:
    """The stone that each column would take, (…, 7); 0 where the column is full. ``height`` (…, 7)."""
    bits = ONE << (np.arange(COLUMNS) * 7 + np.minimum(height, 5)).astype(np.uint64)
    stones: np.ndarray = np.where(height < FULL, bits, np.uint64(0))
    return stones


def planes(mine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """What a network sees: 42 cells of its own stones, 42 of the other's, (…, 84)."""
    both = [(stones[..., None] >> BITS.ravel()) & ONE for stones in (mine, other)]
    return np.concatenate(both, -1, dtype=np.float32)


def one_ply_moves(
    mine: np.ndarray, other: np.ndarray, height: np.ndarray, rng: np.random.Generator, blunder: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Columns (B,) and whether they win: take a win, else block one, else move at random.

    With probability ``blunder`` a player does not look, and moves at random.
    """
    new = drops(height)
    wins = four_in_a_row(mine[:, None] | new) & (new > 0)
    blocks = four_in_a_row(other[:, None] | new) & (new > 0)
    attentive = (rng.random(len(mine)) >= blunder)[:, None]
    preference = rng.random(new.shape, np.float32) + attentive * (2.0 * blocks + 4.0 * wins) - 8.0 * (new == 0)
    column = preference.argmax(1)
    return column, wins[np.arange(len(column)), column]


def roll_out(mine: np.ndarray, other: np.ndarray, height: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Play on with one-ply players. The results (B,) for the player to move: 1, 0 or −1."""
    results = np.zeros(len(mine), np.float32)
    alive, sign = np.arange(len(mine)), 1.0
    height = height.copy()
    while True:
        open_ = (height < FULL).any(1)
        alive, mine, other, height = alive[open_], mine[open_], other[open_], height[open_]
        if not len(alive):
            return results
        column, wins = one_ply_moves(mine, other, height, rng)
        k = np.arange(len(column))
        stone = drops(height)[k, column]
        height[k, column] += 1
        results[alive[wins]] = sign
        on = ~wins
        alive, mine, other, height, sign = alive[on], other[on], (mine | stone)[on], height[on], -sign


def connect4_positions(games: int, rollouts: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions (games, 84), seen by who has just moved, and that player's mean result (games, 1) from there.

    One position is taken from each of many games between absent-minded one-ply players.
    """
    mine, other, height = np.zeros(games, np.uint64), np.zeros(games, np.uint64), np.zeros((games, COLUMNS), int)
    stop = rng.integers(1, 31, games)
    over = np.zeros(games, bool)
    k = np.arange(games)
    for ply in range(30):
        column, _ = one_ply_moves(mine, other, height, rng, blunder=0.3)
        moved = mine | drops(height)[k, column]
        going = (ply < stop) & ~over
        # Games that end before their turn to stop give the position in which they ended.
        mine, other = np.where(going, other, mine), np.where(going, moved, other)
        height[k[going], column[going]] += 1
        over |= going & four_in_a_row(moved)
    keep = ~over | (rng.random(games) < 0.15)  # few of the decided positions are enough
    mine, other, height, over = mine[keep], other[keep], height[keep], over[keep]
    results = np.zeros(len(mine), np.float32)
    for _ in range(rollouts):
        results -= roll_out(mine, other, height, rng)
    results = np.where(over, 1, results / rollouts)
    return planes(other, mine), results.astype(np.float32)[:, None]


def play_connect4(players: list[Player], openings: int, rng: np.random.Generator, opening_plies: int = 4) -> np.ndarray:
    """Points as in ``play_knapsack``. Each opening of a few random moves is played from both seats."""
    P = len(players)
    start = _random_openings(openings, opening_plies, rng)
    shape = (P, P, openings)
    stones = np.broadcast_to(start[0][:, None, None], (2, *shape)).copy()
    height = np.broadcast_to(start[1], (*shape, COLUMNS)).copy()
    result = np.zeros(shape, int)
    over = np.zeros(shape, bool)
    over[np.arange(P), np.arange(P)] = True
    for ply in range(opening_plies, ROWS * COLUMNS):
        me, other = ply % 2, 1 - ply % 2
        for p in range(P):
            seat = (p, slice(None)) if me == 0 else (slice(None), p)
            where = np.nonzero(~over[seat])
            index = (np.full(len(where[0]), p), *where) if me == 0 else (where[0], np.full(len(where[0]), p), where[1])
            if not len(where[0]):
                continue
            new = drops(height[index])
            mine = stones[me][index][:, None] | new
            scores = players[p](planes(mine, np.broadcast_to(stones[other][index][:, None], mine.shape)))
            column = np.where(new > 0, scores, -np.inf).argmax(-1)
            k = np.arange(len(column))
            stones[me][index] = mine[k, column]
            height[(*index, column)] += 1
            won = four_in_a_row(mine[k, column])
            result[index] = np.where(won, 1 - 2 * me, 0)
            over[index] = won
    return match_points(result)


def _random_openings(count: int, plies: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stones (2, count) and heights (count, 7) after some random moves; too few for anybody to have won."""
    stones, height = np.zeros((2, count), np.uint64), np.zeros((count, COLUMNS), int)
    for ply in range(plies):
        column = rng.integers(0, COLUMNS, count)
        stones[ply % 2] |= drops(height)[np.arange(count), column]
        height[np.arange(count), column] += 1
    return stones, height


def connect4(
    widths: list[int], seeds: int, *, instances: int, steps: int, games: int, seed: int = 0, rollouts: int = 20
) -> dict[str, Any]:
    """Train, play, and report."""
    rng = np.random.default_rng(seed)
    X, y = connect4_positions(instances, rollouts, rng)
    X_test, y_test = connect4_positions(4000, rollouts, rng)
    members = [Member(width=w, seed=s) for w in widths for s in range(seeds)]
    settings = Settings(steps=steps, batch=256, lr=0.005, schedule="cosine", eval_every=steps)
    trained = train(members, X, y, X_test, y_test, settings, loss="mse", progress=False)
    entrants = Entrants()
    enter_networks(entrants, members, trained.weights, value=True)
    dice = np.random.default_rng(seed + 1)
    entrants.add("random", 0, 0, 0, lambda f: dice.random(f.shape[:-1]))
    points = play_connect4(entrants.players, games, np.random.default_rng(seed + 2))
    match = "a match is one opening of 4 random moves from both seats"
    note = f"each pair plays {games} matches, {match}; {len(X)} training positions, {steps} steps"
    return report(entrants, points, note, trained.curves["test_loss"][:, -1])


# ------------------------------------------------------------------------------------------------------- the report


def report(entrants: Entrants, points: np.ndarray, note: str, losses: np.ndarray) -> dict[str, Any]:
    """What goes into the data file."""
    return {
        "note": note,
        "names": entrants.names,
        "widths": entrants.widths,
        "parameters": entrants.parameters,
        "seeds": entrants.seeds,
        "test_loss": [round(float(x), 5) for x in losses],
        "wins": points.tolist(),
    }


def write(tournaments: dict[str, Any], target: Path) -> None:
    """As JSON, a list of plain values on one line each."""
    text = json.dumps(tournaments, indent=1)
    target.write_text(re.sub(r"\[[^\[\]]*\]", lambda found: " ".join(found[0].split()), text) + "\n")


@click.command()
@click.option("--quick", is_flag=True, help="A tenth of everything, to see that it runs.")
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, show_default=True)  # type: ignore[type-var]
def main(quick: bool, target: Path) -> None:
    """Train the networks, play the tournaments, write the data file."""
    torch.set_num_threads(1)
    widths = [2, 4, 16] if quick else [2, 4, 8, 16, 32, 64, 128, 256]
    seeds, share = (1, 10) if quick else (3, 1)
    tournaments = {}
    for name, play in (("knapsack", knapsack), ("connect4", connect4)):
        began = time.monotonic()
        sizes = {"knapsack": (1200, 5000, 300), "connect4": (300_000, 6000, 100)}[name]
        instances, steps, games = (size // share for size in sizes)
        tournaments[name] = play(widths, seeds, instances=instances, steps=steps, games=games)
        click.echo(f"{name}: {time.monotonic() - began:.0f} s")
    write(tournaments, target)
    click.echo(f"wrote {target}")


if __name__ == "__main__":
    main()
