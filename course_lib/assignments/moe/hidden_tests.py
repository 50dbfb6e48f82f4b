"""Hidden tests of moe: one class per question, one ``@check`` per property."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_lib.assignments.moe import reference, strategies
from course_lib.checking import (
    CheckFailure,
    as_array,
    as_integer,
    as_list,
    as_tuple,
    assert_arguments_unchanged,
    assert_close,
    assert_equal,
    assert_float64,
    check,
    fail,
)
from course_lib.checking.adapters import as_numpy
from course_lib.checking.rendering import describe

gating_scores = as_numpy(reference.gating_scores)
gating_probabilities = as_numpy(reference.gating_probabilities)
top_k = as_numpy(reference.top_k)
expert_forward = as_numpy(reference.expert_forward)
moe_forward = as_numpy(reference.moe_forward)
load_balancing_loss = as_numpy(reference.load_balancing_loss)
dispatch = as_numpy(reference.dispatch)
moe_backward = as_numpy(reference.moe_backward)

# Sums of at most a few dozen products of numbers below 1e3 in float64: errors below 1e-11. A gate inherits the error
# of its scores (below 1e-13) as a relative one. 1e-9 is two orders above, and a hundred below float32.
EXACT = {"rtol": 1e-9, "atol": 1e-9}

# Probabilities: |a| ≤ 1e3 is exact as given; subtracting a maximum or a logarithm errs by 1e-13, which the exponential
# turns into a relative error. What is below 1e-15 may come out as 0.
PROBABILITY = {"rtol": 1e-9, "atol": 1e-15}

GRADIENTS = ("dW1", "db1", "dW2", "db2")


def assert_not_blank(value: Any, expected: np.ndarray, name: str, *arguments: np.ndarray) -> None:
    """Not all zeros, where the expected result has positive entries, and none of the arguments."""
    __tracebackhide__ = True
    array = as_array(value, expected.shape, name=name)
    if expected.max() > 1e-3 and not array.any():
        fail(f"{name} is all zeros", got=value)
    for argument in arguments:
        if np.array_equal(array, argument) and not np.allclose(array, expected):
            fail(f"{name} is one of the arguments as it came", got=value)


def solved(inputs: st.SearchStrategy[Any], oracle: Callable[..., Any]) -> st.SearchStrategy[Any]:
    """Pairs of arguments and the right result, which is so computed once per process and not for every student."""
    return inputs.map(lambda arguments: (arguments, oracle(*arguments)))


@contextmanager
def explained(describe_case: Callable[..., str], *case: Any) -> Iterator[None]:
    """Add to a failure what the case looks like on the way to the result. Computed only where something failed."""
    __tracebackhide__ = True
    try:
        yield
    except CheckFailure as failure:
        raise CheckFailure(f"{failure.message}. {describe_case(*case)}", failure.got, failure.expected) from None


def vector(values: Any) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in np.ravel(values)) + ")"


def visits(X: np.ndarray, G: np.ndarray, experts: Any, k: int, *_: Any) -> str:
    """Where the tokens go, with which gates, and what the experts answer; at most three tokens."""
    indices, gates = top_k(gating_probabilities(gating_scores(X, G)), k)
    lines = []
    for t in range(min(len(X), 3)):
        answers = [vector(expert_forward(X[t : t + 1], experts[i])) for i in indices[t]]
        visited = (f"{i} (gate {g:.4g}, output {y})" for i, g, y in zip(indices[t], gates[t], answers, strict=True))
        lines.append(f"Token {t} visits expert " + ", then expert ".join(visited))
    return "; ".join(lines)


def large_scores(X: np.ndarray, G: np.ndarray) -> str:
    A = gating_scores(X, G)
    return f"No weight is NaN here, but the scores reach from {A.min():.4g} to {A.max():.4g}"


def fractions(P: np.ndarray, indices: np.ndarray) -> str:
    f = np.bincount(indices.ravel(), minlength=P.shape[1]) / indices.size
    return f"Here f = {vector(f)} and P̄ = {vector(P.mean(axis=0))}"


def places(T: int, E: int, k: int, factor: float) -> str:
    return f"Here factor · k · T / E = {factor * k * T / E:.6g}"


def queue_of_the_first_full_expert(indices: np.ndarray, E: int, capacity: int) -> str:
    full = int(np.argmax(np.bincount(indices.ravel(), minlength=E) > capacity))
    slots = [f"token {t}'s choice {j}" for j, t in np.argwhere(full == indices.T)]
    return f"Expert {full} has places for {capacity}, and in this order it is asked for by {', '.join(slots)}"


class TestGating:
    @check("gating_scores returns a float64 array of shape (T, E) and leaves its arguments as they were", examples=6)
    @given(router=strategies.routers())
    def test_scores_form(self, student, router):
        X, G = router
        A = student.gating_scores(*router)
        assert_float64(A, (len(X), len(G)), name="A")
        assert_arguments_unchanged(student)
        assert_not_blank(A, gating_scores(*router), "A")

    @check("the values of the scores", examples=12)
    @given(router=strategies.routers())
    def test_scores(self, student, router):
        assert_close(student.gating_scores(*router), gating_scores(*router), name="A", **EXACT)

    @check(
        "gating_probabilities returns a float64 array of shape (T, E), every token's probabilities sum to 1, "
        "and the scores stay as they were",
        examples=6,
    )
    @given(scores=strategies.scores())
    def test_probabilities_form(self, student, scores):
        P = student.gating_probabilities(*scores)
        assert_float64(P, scores[0].shape, name="P")
        assert_arguments_unchanged(student)
        assert_close(P.sum(axis=1), np.ones(len(P)), name="the sum of each token's probabilities", **EXACT)

    @check("the values of the probabilities", examples=12)
    @given(scores=strategies.scores())
    def test_probabilities(self, student, scores):
        assert_close(student.gating_probabilities(*scores), gating_probabilities(*scores), name="P", **PROBABILITY)

    @check("the probabilities of very large and very small scores", examples=6)
    @given(scores=strategies.extreme_scores())
    def test_extreme_scores(self, student, scores):
        assert_close(student.gating_probabilities(*scores), gating_probabilities(*scores), name="P", **PROBABILITY)


def chosen_probabilities(P: np.ndarray, k: int, result: Any) -> tuple[np.ndarray, Any]:
    """The probabilities of the experts that a result of ``top_k`` names, and its gates, unread."""
    __tracebackhide__ = True
    indices, gates = as_tuple(result, "indices", "gates")
    indices = as_array(indices, (len(P), k), kind="int", name="indices")
    if indices.min() < 0 or indices.max() >= P.shape[1]:
        fail(f"indices must name experts from 0 to {P.shape[1] - 1}", got=indices)
    return np.take_along_axis(P, indices.astype(np.int64), axis=1), gates


class TestTopK:
    @check(
        "returns integer indices and float64 gates, both of shape (T, k), a token's experts are all different, "
        "and P stays as it was",
        examples=8,
    )
    @given(choice=strategies.distinct_probabilities(more=True))
    def test_form(self, student, choice):
        P, k = choice
        result = student.top_k(P, k)
        assert_arguments_unchanged(student)
        _, gates = chosen_probabilities(P, k, result)
        assert_float64(gates, (len(P), k), name="gates")
        assert_not_blank(gates, np.ones((len(P), k)), "gates")
        for row in np.asarray(result[0]):
            if len(set(row.tolist())) < k:
                fail("a token is sent to the same expert twice", got=result[0])

    @check("which experts are chosen, and in which order", points=2, examples=10)
    @given(choice=strategies.distinct_probabilities(more=True))
    def test_indices(self, student, choice):
        indices, _ = as_tuple(student.top_k(*choice), "indices", "gates")
        assert_equal(indices, top_k(*choice)[0], name="indices")

    @check("the gates when several experts are chosen (of the experts that your indices name)", points=2, examples=10)
    @given(choice=strategies.distinct_probabilities(low=2))
    def test_gates(self, student, choice):
        P, k = choice
        chosen, gates = chosen_probabilities(P, k, student.top_k(P, k))
        assert_close(gates, chosen / chosen.sum(axis=1, keepdims=True), name="gates", **EXACT)
        # An expert that is as probable as the last of the chosen ones, but not chosen, does not count.
        P = np.array([[0.25, 0.25, 0.25, 0.25], [0.4, 0.2, 0.2, 0.2]])
        chosen, gates = chosen_probabilities(P, 2, student.top_k(P, 2))
        assert_close(gates, chosen / chosen.sum(axis=1, keepdims=True), name="gates", **EXACT)

    @check("the gate when a single expert is chosen (k = 1)", examples=8)
    @given(choice=strategies.distinct_probabilities())
    def test_single_gate(self, student, choice):
        P, k = choice
        chosen, gates = chosen_probabilities(P, k, student.top_k(P, k))
        assert_close(gates, chosen, name="gates", **EXACT)

    # One property for few and many experts: from which length on an unstable sort shows depends on the processor.
    @check("the choice among experts of equal probability, few or many", points=2, examples=16)
    @given(choice=st.one_of(strategies.tied_probabilities(), strategies.tied_probabilities((20, 50, 100, 300))))
    def test_ties(self, student, choice):
        indices, _ = as_tuple(student.top_k(*choice), "indices", "gates")
        assert_equal(indices, top_k(*choice)[0], name="indices")

    @check("experts of probability zero among the chosen", examples=8)
    @given(choice=strategies.one_hot_probabilities())
    def test_zero_probabilities(self, student, choice):
        P, k = choice
        result = student.top_k(P, k)
        chosen, gates = chosen_probabilities(P, k, result)
        for row in np.asarray(result[0]):
            if len(set(row.tolist())) < k:
                fail("a token is sent to the same expert twice", got=result[0])
        assert_close(gates, chosen, name="gates", **EXACT)  # the chosen ones sum to 1 already


class TestMoeForward:
    @check("expert_forward returns a float64 array of shape (T, D) and leaves its arguments as they were", examples=6)
    @given(case=solved(strategies.experts(), expert_forward))
    def test_expert_form(self, student, case):
        call, expected = case
        Y = student.expert_forward(*call)
        assert_float64(Y, expected.shape, name="Y")
        assert_arguments_unchanged(student)
        assert_not_blank(Y, expected, "Y", call[0])

    @check("the output of one expert", examples=12)
    @given(case=solved(strategies.experts(), expert_forward))
    def test_expert(self, student, case):
        call, expected = case
        assert_close(student.expert_forward(*call), expected, name="Y", **EXACT)

    @check("moe_forward returns a float64 array of shape (T, D) and leaves its arguments as they were", examples=5)
    @given(case=solved(strategies.mixtures(), moe_forward))
    def test_form(self, student, case):
        mixture, expected = case
        Y = student.moe_forward(*mixture)
        assert_float64(Y, expected.shape, name="Y")
        assert_arguments_unchanged(student)
        assert_not_blank(Y, expected, "Y", mixture[0])

    @check("the output when every token visits several experts", points=2, examples=10)
    @given(case=solved(strategies.mixtures(), moe_forward))
    def test_several(self, student, case):
        mixture, expected = case
        with explained(visits, *mixture):
            assert_close(student.moe_forward(*mixture), expected, name="Y", **EXACT)

    @check("the output when every token visits one expert (k = 1)", examples=8)
    @given(case=solved(strategies.mixtures(k=1), moe_forward))
    def test_one(self, student, case):
        mixture, expected = case
        with explained(visits, *mixture):
            assert_close(student.moe_forward(*mixture), expected, name="Y", **EXACT)

    @check("several experts that are all equal give what one of them gives", examples=6)
    @given(mixture=strategies.single_expert_mixtures())
    def test_equal_experts(self, student, mixture):
        X, _, experts, _ = mixture
        assert_close(student.moe_forward(*mixture), expert_forward(X, experts[0]), name="Y", **EXACT)

    @check("an expert that no token chose is never run, whatever its weights are (here NaN)", examples=8)
    @given(case=solved(strategies.sparse_mixtures(), moe_forward))
    def test_unused_experts(self, student, case):
        (X, G, experts, k), expected = case
        if k == 1:  # first with sound weights: the scores are large here, and the gate is 1 to rounding
            with explained(large_scores, X, G):
                assert_close(student.moe_forward(X, G, experts, k), expected, name="Y", **EXACT)
        used = strategies.chosen_experts(X, G, k)
        poisoned = [
            expert if i in used else tuple(np.full_like(w, np.nan) for w in expert) for i, expert in enumerate(experts)
        ]
        Y = student.moe_forward(X, G, poisoned, k)
        if np.isnan(as_array(Y, X.shape, name="Y")).any():
            unused = ", ".join(str(i) for i in range(len(experts)) if i not in used)
            fail(f"Y holds NaN: only the weights of experts that no token chose ({unused}) are NaN", got=Y)
        if k == 1:
            assert_close(Y, expected, name="Y", **EXACT)


class TestLoadBalancingLoss:
    @check(
        "returns one number, larger for one expert for all tokens than for perfect balance, "
        "and leaves its arguments as they were",
        examples=6,
    )
    @given(routing=strategies.routings())
    def test_form(self, student, routing):
        loss = student.load_balancing_loss(*routing)
        assert_arguments_unchanged(student)
        as_array(loss, (), name="loss")
        even = student.load_balancing_loss(np.full((4, 4), 0.25), np.arange(4)[:, None])
        lopsided = student.load_balancing_loss(np.full((4, 4), 0.1) + 0.6 * np.eye(4)[3], np.full((4, 1), 3))
        if not as_array(lopsided, (), name="loss") > as_array(even, (), name="loss"):
            fail("loss is not larger when all tokens choose the same expert than when each chooses another one")

    @check("the loss when every token visits one expert (k = 1)", examples=10)
    @given(routing=strategies.routings(k=1))
    def test_one(self, student, routing):
        with explained(fractions, *routing):
            assert_close(student.load_balancing_loss(*routing), load_balancing_loss(*routing), name="loss", **EXACT)

    @check("the loss when every token visits several experts", points=2, examples=10)
    @given(routing=strategies.routings())
    def test_several(self, student, routing):
        with explained(fractions, *routing):
            assert_close(student.load_balancing_loss(*routing), load_balancing_loss(*routing), name="loss", **EXACT)

    @check("the loss when some expert gets no token", examples=8)
    @given(routing=strategies.routings(k=1, unused=True))
    def test_unused_expert(self, student, routing):
        with explained(fractions, *routing):
            assert_close(student.load_balancing_loss(*routing), load_balancing_loss(*routing), name="loss", **EXACT)

    @check("the loss at its landmarks: perfect balance, one expert for all tokens, and a value below 1")
    def test_landmarks(self, student):
        balanced = np.array([[0], [1], [2], [3]])
        sharp = np.eye(4)[balanced[:, 0]] * 0.96 + 0.01
        assert_close(
            student.load_balancing_loss(sharp, balanced), 1.0, name="loss (every expert used equally)", **EXACT
        )
        same = np.full((4, 1), 3)
        one = np.full((4, 4), 0.01) + 0.96 * (np.arange(4) == 3)
        assert_close(student.load_balancing_loss(one, same), 4 * 0.97, name="loss (one expert for all tokens)", **EXACT)
        # Two of three tokens choose expert 0 by a hair, the third is sure of expert 1: f = (2, 1)/3, P̄ = (8, 12)/20.
        P = np.array([[0.55, 0.45], [0.55, 0.45], [0.1, 0.9]])
        assert_close(
            student.load_balancing_loss(P, np.array([[0], [0], [1]])), 2 * (2 * 0.4 + 1 * 0.6) / 3, name="loss", **EXACT
        )


class TestCapacity:
    @check("expert_capacity returns the right int where the places divide without a rest", examples=10)
    @given(load=strategies.loads(whole=True))
    def test_whole_capacity(self, student, load):
        T, E, k, factor = load
        with explained(places, *load):
            capacity = as_integer(student.expert_capacity(*load), name="capacity")
            assert_equal(capacity, int(factor * k * T / E), name="capacity")

    @check("expert_capacity returns the right int where the places do not divide without a rest", examples=10)
    @given(load=strategies.loads())
    def test_rounded_capacity(self, student, load):
        T, E, k, factor = load
        expected = int(factor * k * T // E) + 1
        with explained(places, *load):
            assert_equal(as_integer(student.expert_capacity(*load), name="capacity"), expected, name="capacity")

    @check(
        "dispatch returns a bool array of shape (T, k), drops slots but not all, and leaves its arguments as they were",
        examples=8,
    )
    @given(queue=st.one_of(strategies.queues(), strategies.queues(k=1)))
    def test_form(self, student, queue):
        indices, _, _ = queue
        keep = as_array(student.dispatch(*queue), indices.shape, kind="bool", name="keep")
        assert_arguments_unchanged(student)
        if indices.shape[1] == 1 and keep.all():
            fail("dispatch keeps everything, but some expert is chosen more often than its capacity", got=keep)
        if indices.shape[1] == 1 and not keep.any():
            fail("dispatch keeps nothing, but every expert has a place", got=keep)

    @check("how many of its slots each expert keeps", examples=10)
    @given(queue=strategies.queues())
    def test_counts(self, student, queue):
        indices, E, capacity = queue
        keep = as_array(student.dispatch(*queue), indices.shape, kind="bool", name="keep")
        kept = np.bincount(indices[keep], minlength=E)
        chosen = np.bincount(indices.ravel(), minlength=E)
        expected = np.minimum(chosen, capacity)
        assert_equal(kept, expected, name=f"the number of slots that each expert keeps (capacity {capacity})")
        for enough in (int(chosen.max()), 0):
            keep = student.dispatch(indices, E, enough)
            assert_equal(keep, np.full(indices.shape, enough > 0), name=f"keep (capacity {enough})")

    @check("which tokens keep their place when every token has one choice", examples=10)
    @given(queue=strategies.queues(k=1))
    def test_one_choice(self, student, queue):
        with explained(queue_of_the_first_full_expert, *queue):
            assert_equal(student.dispatch(*queue), dispatch(*queue), name="keep")

    @check("which slots keep their place when every token has several choices", points=2, examples=12)
    @given(queue=strategies.queues())
    def test_several_choices(self, student, queue):
        with explained(queue_of_the_first_full_expert, *queue):
            assert_equal(student.dispatch(*queue), dispatch(*queue), name="keep")


def parts(result: Any) -> tuple[Any, Any, Any]:
    __tracebackhide__ = True
    dX, dG, dexperts = as_tuple(result, "dX", "dG", "dexperts")
    return dX, dG, dexperts


def expert_gradients(dexperts: Any, count: int, only: set[int] | None = None) -> dict[int, tuple[Any, ...]]:
    """The four gradients of each expert, or of some of them, by index and unread."""
    __tracebackhide__ = True
    found = {}
    for i, entry in enumerate(as_list(dexperts, count, name="dexperts")):
        if only is not None and i not in only:
            continue
        if not isinstance(entry, (tuple, list)):
            fail(f"dexperts[{i}] must be the tuple ({', '.join(GRADIENTS)}), but is {describe(entry)}")
        if len(entry) != len(GRADIENTS):
            fail(f"dexperts[{i}] must hold the four gradients ({', '.join(GRADIENTS)}), but holds {len(entry)}")
        found[i] = tuple(entry)
    return found


def backward_cases(**kwargs: Any) -> st.SearchStrategy[Any]:
    return solved(strategies.mixtures(gradient=True, **kwargs), moe_backward)


class TestMoeBackward:
    @check(
        "returns dX, dG and a list of E tuples, all in the shapes of X, G and the experts, "
        "and leaves its arguments as they were",
        examples=5,
    )
    @given(case=backward_cases())
    def test_form(self, student, case):
        mixture, expected = case
        X, G, experts, _, _ = mixture
        dX, dG, dexperts = parts(student.moe_backward(*mixture))
        assert_arguments_unchanged(student)
        assert_float64(dX, X.shape, name="dX")
        assert_float64(dG, G.shape, name="dG")
        for i, gradients in expert_gradients(dexperts, len(experts)).items():
            for name, gradient, weight in zip(GRADIENTS, gradients, experts[i], strict=True):
                assert_float64(gradient, weight.shape, name=f"{name} of expert {i}")
        assert_not_blank(dX, expected[0], "dX", X, mixture[4])

    @check("the gradients of the chosen experts' weights and biases", points=2, examples=8)
    @given(case=st.one_of(backward_cases(), backward_cases(k=1)))
    def test_experts(self, student, case):
        mixture, (_, _, expected) = case
        X, G, _, k, _ = mixture
        _, _, dexperts = parts(student.moe_backward(*mixture))
        for i, gradients in expert_gradients(dexperts, len(G), strategies.chosen_experts(X, G, k)).items():
            for name, gradient, value in zip(GRADIENTS, gradients, expected[i], strict=True):
                with explained(visits, *mixture):
                    assert_close(gradient, value, name=f"{name} of expert {i}", **EXACT)

    @check("experts that no token chose get zero gradients of the right shapes, the others do not", examples=5)
    @given(case=solved(strategies.sparse_mixtures(gradient=True), moe_backward))
    def test_unused_experts(self, student, case):
        # Weights stay finite here: a dense backward pass that multiplies by a gate of zero is correct.
        mixture, (_, _, expected) = case
        X, G, _, k, _ = mixture
        used = strategies.chosen_experts(X, G, k)
        _, _, dexperts = parts(student.moe_backward(*mixture))
        for i, gradients in expert_gradients(dexperts, len(G)).items():
            if i in used:
                assert_not_blank(gradients[3], np.abs(expected[i][3]), f"db2 of expert {i}, which a token chose,")
                continue
            for name, gradient, value in zip(GRADIENTS, gradients, expected[i], strict=True):
                assert_close(gradient, value, name=f"{name} of expert {i}, which no token chose,", **EXACT)

    @check("the gradient of the gating vectors when every token visits several experts", examples=8)
    @given(case=backward_cases())
    def test_router(self, student, case):
        mixture, (_, expected, _) = case
        _, dG, _ = parts(student.moe_backward(*mixture))
        with explained(visits, *mixture):
            assert_close(dG, expected, name="dG", **EXACT)

    @check("the gradient of the gating vectors when every token visits one expert (k = 1)", examples=8)
    @given(case=backward_cases(k=1))
    def test_router_of_one(self, student, case):
        mixture, (_, expected, _) = case
        _, dG, _ = parts(student.moe_backward(*mixture))
        with explained(visits, *mixture):
            assert_close(dG, expected, name="dG", **EXACT)

    @check("the gradient of the tokens when every token visits several experts", examples=8)
    @given(case=backward_cases())
    def test_tokens(self, student, case):
        mixture, (expected, _, _) = case
        dX, _, _ = parts(student.moe_backward(*mixture))
        with explained(visits, *mixture):
            assert_close(dX, expected, name="dX", **EXACT)

    @check("the gradient of the tokens when every token visits one expert (k = 1)", examples=6)
    @given(case=backward_cases(k=1))
    def test_tokens_of_one(self, student, case):
        mixture, (expected, _, _) = case
        dX, _, _ = parts(student.moe_backward(*mixture))
        with explained(visits, *mixture):
            assert_close(dX, expected, name="dX", **EXACT)
