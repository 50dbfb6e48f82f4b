"""The tournament's games against the references of the exercises, and the shipped data file."""

from __future__ import annotations

import json

import numpy as np
import torch

from course_lib.assignments.scaling_laws import reference, strategies
from course_lib.studies import tournament


def test_knapsack_values_are_those_of_the_reference():
    values, weights, capacity = tournament.knapsack_instances(4, np.random.default_rng(0))
    q, left = tournament.knapsack_solve(values, weights, capacity)
    assert (left[:, 0] == capacity[:, None]).all()
    for k in range(4):
        expected = reference.knapsack_value(values[k], weights[k], capacity[k])
        assert np.nanmax(q[k, 0]) == expected


def test_greedy_players_end_where_the_reference_ends():
    values, weights, capacity = tournament.knapsack_instances(30, np.random.default_rng(3))
    leads = np.array([reference.knapsack_greedy(*game) for game in zip(values, weights, capacity, strict=True)])
    assert (leads != 0).any()
    greedy = lambda features: features[..., : tournament.ITEMS]  # the values, 0 for what is taken
    points = tournament.play_knapsack([greedy, greedy], 30, np.random.default_rng(3))
    # Equal players gain the same from both seats: every match is a draw.
    assert points.tolist() == [[0, 15], [15, 0]]


def test_lines_of_four_are_those_of_the_reference():
    rng = np.random.default_rng(1)
    for _ in range(60):
        board, winner = strategies.played_board(rng)
        stones = [(np.uint64(1) << tournament.BITS[::-1][board == p]).sum(dtype=np.uint64) for p in (1, 2)]
        found = [bool(tournament.four_in_a_row(s)) for s in stones]
        assert reference.connect4_winner(torch.tensor(board)) == winner
        assert found == [winner == 1, winner == 2]


def test_who_takes_a_win_beats_who_moves_at_random():
    dice = np.random.default_rng(2)
    random = lambda features: dice.random(features.shape[:-1])

    def attentive(features):
        stones = (features[..., :42].astype(np.uint64) << tournament.BITS.ravel()).sum(-1)
        return tournament.four_in_a_row(stones) + 0.5 * dice.random(stones.shape)

    points = tournament.play_connect4([attentive, random], 60, np.random.default_rng(4))
    assert points.sum() == 60
    assert points[0, 1] > 40


def test_the_shipped_tournaments_are_complete():
    for game, t in json.loads(tournament.TARGET.read_text()).items():
        wins = np.array(t["wins"])
        players = len(t["names"])
        assert wins.shape == (players, players)
        matches = wins + wins.T
        assert (matches[~np.eye(players, dtype=bool)] == {"knapsack": 300, "connect4": 100}[game]).all()
        assert (np.diag(wins) == 0).all()
        assert sorted(set(t["widths"])) == [0, 2, 4, 8, 16, 32, 64, 128, 256]
        ratings = reference.fit_elo(torch.tensor(wins)).numpy()
        widths = np.array(t["widths"])
        assert ratings[widths == 256].min() > ratings[(widths > 0) & (widths <= 8)].max() > ratings[-1]
