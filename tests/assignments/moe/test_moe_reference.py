"""The references of moe against autograd on a dense layer, torch's own functions, brute force and worked numbers."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.assignments.moe import hidden_tests, reference, strategies
from course_lib.checking.adapters import as_numpy, to_torch
from course_lib.checking.groups import Property

FEW = settings(max_examples=25, deadline=None, derandomize=True)
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
DTYPES = [torch.float32, torch.float64]
CLOSE = {torch.float32: {"rtol": 2e-4, "atol": 2e-4}, torch.float64: {"rtol": 1e-10, "atol": 1e-10}}


def dense_mixture(X, G, experts, k):
    """Every expert on every token: what the sparse layer must be equal to, by masks instead of indices."""
    P = torch.softmax(torch.nn.functional.linear(X, G), dim=1)
    least = torch.topk(P, k, dim=1).values[:, -1:]
    gates = P * (least <= P)
    if k > 1:
        gates = gates / gates.sum(dim=1, keepdim=True)
    outputs = [torch.relu(torch.addmm(b1, X, W1.T)) @ W2.T + b2 for W1, b1, W2, b2 in experts]
    return sum(gates[:, i, None] * output for i, output in enumerate(outputs))


def random_mixture(T, D, H, E, *, dtype=torch.float64, device="cpu", seed=0):
    random = torch.Generator().manual_seed(seed)
    make = lambda *shape: torch.randn(*shape, generator=random, dtype=torch.float64).to(device, dtype)
    return make(T, D), make(E, D), [(make(H, D), make(H), make(D, H), make(D)) for _ in range(E)]


@FEW
@given(scores=st.one_of(strategies.scores(), strategies.extreme_scores()))
def test_probabilities_are_torchs_softmax(scores):
    A = torch.tensor(scores[0])
    torch.testing.assert_close(reference.gating_probabilities(A), torch.softmax(A, dim=1), rtol=1e-12, atol=0)


@FEW
@given(choice=st.one_of(strategies.tied_probabilities(), strategies.distinct_probabilities(more=True)))
def test_top_k_against_sorted_lists(choice):
    P, k = choice
    indices, gates = as_numpy(reference.top_k)(P, k)
    for p, row, gate in zip(P.tolist(), indices.tolist(), gates, strict=True):
        assert row == sorted(range(len(p)), key=lambda i: (-p[i], i))[:k]
        assert gate.sum() == pytest.approx(1.0 if k > 1 else p[row[0]])


def test_top_k_keeps_the_order_of_many_equal_experts():
    indices, _ = reference.top_k(torch.full((2, 500), 1 / 500, dtype=torch.float64), 200)
    assert indices.tolist() == [list(range(200))] * 2


@FEW
@given(mixture=st.one_of(strategies.mixtures(), strategies.mixtures(k=1), strategies.sparse_mixtures()))
def test_forward_is_the_dense_layer(mixture):
    X, G, experts, k = to_torch(list(mixture))
    torch.testing.assert_close(
        reference.moe_forward(X, G, experts, k), dense_mixture(X, G, experts, k), rtol=1e-10, atol=1e-10
    )


@FEW
@given(
    mixture=st.one_of(
        strategies.mixtures(gradient=True),
        strategies.mixtures(k=1, gradient=True),
        strategies.sparse_mixtures(gradient=True),
    )
)
def test_backward_is_autograd_of_the_dense_layer(mixture):
    assert_gradients_are_autograds(*to_torch(list(mixture)), rtol=1e-9, atol=1e-9)


def assert_gradients_are_autograds(X, G, experts, k, dY, **close):
    dX, dG, dexperts = reference.moe_backward(X, G, experts, k, dY)
    leaves = [X, G, *(w for expert in experts for w in expert)]
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    experts = [tuple(leaves[i : i + 4]) for i in range(2, len(leaves), 4)]
    dense = dense_mixture(leaves[0], leaves[1], experts, k)
    expected = torch.autograd.grad(dense, leaves, dY)
    for got, wanted in zip([dX, dG, *(d for each in dexperts for d in each)], expected, strict=True):
        assert (got.dtype, got.device) == (wanted.dtype, wanted.device)
        torch.testing.assert_close(got, wanted, **close)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [1, 2, 6])
def test_everything_follows_device_and_dtype(device, dtype, k):
    X, G, experts = random_mixture(20, 5, 7, 6, dtype=dtype, device=device)
    Y = reference.moe_forward(X, G, experts, k)
    assert (Y.dtype, Y.device.type) == (dtype, device)
    torch.testing.assert_close(Y, dense_mixture(X, G, experts, k), **CLOSE[dtype])
    assert_gradients_are_autograds(X, G, experts, k, torch.ones_like(X), **CLOSE[dtype])
    P = reference.gating_probabilities(reference.gating_scores(X, G))
    indices, _ = reference.top_k(P, k)
    loss = reference.load_balancing_loss(P, indices)
    assert (loss.dtype, loss.device.type, loss.shape) == (dtype, device, ())
    keep = reference.dispatch(indices, 6, 3)
    assert (keep.dtype, keep.device.type) == (torch.bool, device)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_backward_matches_finite_differences_of_the_forward_pass(k):
    X, G, experts = random_mixture(3, 2, 3, 4, seed=1)
    dY = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(3, 2)
    dX, dG, dexperts = reference.moe_backward(X, G, experts, k, dY)
    for target, gradient in ((X, dX), (G, dG), (experts[1][0], dexperts[1][0]), (experts[2][3], dexperts[2][3])):
        for position in product(*map(range, target.shape)):
            saved = float(target[position])
            ends = []
            for step in (1e-6, -1e-6):
                target[position] = saved + step
                ends.append(float((dY * reference.moe_forward(X, G, experts, k)).sum()))
            target[position] = saved
            assert float(gradient[position]) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_unused_experts_are_never_run():
    X, G, experts = random_mixture(2, 3, 4, 12)
    used = strategies.chosen_experts(X.numpy(), G.numpy(), 2)
    poisoned = [e if i in used else tuple(torch.full_like(w, torch.nan) for w in e) for i, e in enumerate(experts)]
    torch.testing.assert_close(reference.moe_forward(X, G, poisoned, 2), reference.moe_forward(X, G, experts, 2))
    dX, dG, dexperts = reference.moe_backward(X, G, poisoned, 2, X)
    assert all(t.isfinite().all() for t in (dX, dG, *(d for each in dexperts for d in each)))
    assert not any(d.any() for i, each in enumerate(dexperts) if i not in used for d in each)


@FEW
@given(routing=st.one_of(strategies.routings(), strategies.routings(k=1), strategies.routings(unused=True)))
def test_load_balancing_loss_by_counting(routing):
    P, indices = routing
    T, E = P.shape
    expected = E * math.fsum(
        indices.ravel().tolist().count(i) / indices.size * math.fsum(P[:, i]) / T for i in range(E)
    )
    assert float(as_numpy(reference.load_balancing_loss)(P, indices)) == pytest.approx(expected, rel=1e-12)


def test_load_balancing_loss_pushes_busy_experts_down():
    A = torch.zeros(6, 3, dtype=torch.float64, requires_grad=True)
    indices = torch.tensor([[0], [0], [0], [0], [1], [2]])
    reference.load_balancing_loss(torch.softmax(A, dim=1), indices).backward()
    assert (A.grad[:, 0] > 0).all()
    assert (A.grad[:, 1:] < 0).all()


@pytest.mark.parametrize(
    ("T", "E", "k", "factor", "expected"),
    [
        (8, 4, 1, 1.0, 2),
        (9, 4, 1, 1.0, 3),
        (8, 4, 2, 1.25, 5),
        (5, 4, 1, 1.5, 2),
        (1, 16, 1, 0.5, 1),
        (6, 1, 1, 2.0, 12),
    ],
)
def test_expert_capacity(T, E, k, factor, expected):
    assert reference.expert_capacity(T, E, k, factor) == expected


@FEW
@given(queue=st.one_of(strategies.queues(), strategies.queues(k=1)))
def test_dispatch_against_a_queue_served_one_by_one(queue):
    indices, E, capacity = queue
    free, keep = [capacity] * E, np.zeros(indices.shape, dtype=bool)
    for j, t in product(range(indices.shape[1]), range(len(indices))):
        keep[t, j] = free[indices[t, j]] > 0
        free[indices[t, j]] -= keep[t, j]
    np.testing.assert_array_equal(as_numpy(reference.dispatch)(*queue), keep)


# What the hidden tests rest on: the cases that reveal a mistake are among the drawn ones.


def examples(group, test):
    """The arguments that one property draws for the student's function, for each example."""
    drawn = [
        inputs["case"][0] if "case" in inputs else next(iter(inputs.values()))
        for inputs in Property(group, test).examples()
    ]
    return [arguments for arguments in drawn if isinstance(arguments, tuple)]


FORWARD = [(hidden_tests.TestMoeForward, t) for t in ("test_form", "test_several", "test_one", "test_unused_experts")]
BACKWARD = [
    (hidden_tests.TestMoeBackward, t)
    for t in ("test_form", "test_experts", "test_router", "test_router_of_one", "test_tokens", "test_unused_experts")
]


@pytest.mark.parametrize(("group", "test"), FORWARD + BACKWARD)
def test_every_choice_is_clear_and_no_unit_is_at_its_kink(group, test):
    for X, G, experts, k, *_ in examples(group, test):
        ordered = np.sort(X @ G.T, axis=1)[:, ::-1]
        assert k == len(G) or (ordered[:, k - 1] - ordered[:, k]).min() > strategies.GAP
        assert min(np.abs(X @ W1.T + b1).min() for W1, b1, _, _ in experts) > 1e-6


def test_the_drawn_capacities_are_exact_in_any_order_of_operations():
    for test, rest in (("test_whole_capacity", False), ("test_rounded_capacity", True)):
        for T, E, k, factor in examples(hidden_tests.TestCapacity, test):
            quotients = {factor * k * T / E, T / E * k * factor, factor / E * T * k, k / E * (factor * T)}
            assert len(quotients) == 1
            assert (quotients.pop() % 1 > 0) is rest


def test_ties_and_all_k_are_drawn():
    group = hidden_tests.TestTopK
    assert all(np.unique(P).size < P.size for P, _ in examples(group, "test_ties"))
    ks = [(k, P.shape[1]) for P, k in examples(group, "test_indices")]
    assert any(k == 1 for k, _ in ks)
    assert any(k == E for k, E in ks)
    lengths = [P.shape[1] for P, _ in examples(group, "test_ties")]
    assert sum(E > 16 for E in lengths) >= 4  # a plain quicksort sorts shorter rows by insertion, which is stable
    assert sum(E <= 6 for E in lengths) >= 4


@pytest.mark.parametrize("group", [hidden_tests.TestMoeForward, hidden_tests.TestMoeBackward])
def test_mixtures_with_all_and_with_unused_experts_are_drawn(group):
    test = "test_several" if group is hidden_tests.TestMoeForward else "test_tokens"
    assert any(m[3] == len(m[1]) for m in examples(group, test))
    assert any(len(m[0]) == 1 for m in examples(group, test))
    assert any(m[0].shape[1] != len(m[1]) for m in examples(group, test))
    for X, G, _, k, *_ in examples(group, "test_unused_experts"):
        assert len(strategies.chosen_experts(X, G, k)) < len(G)


def test_queues_in_which_the_order_of_choices_matters_are_drawn():
    served = as_numpy(reference.dispatch)
    queues = examples(hidden_tests.TestCapacity, "test_several_choices")
    by_token = [served(indices.reshape(-1, 1), E, capacity).reshape(indices.shape) for indices, E, capacity in queues]
    assert sum((served(*q) != other).any() for q, other in zip(queues, by_token, strict=True)) >= 4
    for group_test in ("test_several_choices", "test_one_choice", "test_form"):
        for queue in examples(hidden_tests.TestCapacity, group_test):
            assert not served(*queue).all()
