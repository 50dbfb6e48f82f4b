"""Known-wrong solutions of moe, as a student would write them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from course_lib.checking.model import misconception

# What the wrong solutions share and get right.


def _softmax(A: Any) -> Any:
    e = np.exp(A - A.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _top_k(P: Any, k: int) -> Any:
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


def _expert(X: Any, expert: Any) -> Any:
    W1, b1, W2, b2 = expert
    return np.maximum(X @ W1.T + b1, 0) @ W2.T + b2


def _mix(X: Any, experts: Any, indices: Any, gates: Any) -> Any:
    Y = np.zeros_like(X)
    for i, expert in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        if tokens.size:
            Y[tokens] += gates[tokens, choice, None] * _expert(X[tokens], expert)
    return Y


def _backward(
    X: Any,
    G: Any,
    experts: Any,
    k: int,
    dY: Any,
    router_gradient: Any = None,
    *,
    weighted: bool = True,
    masked: bool = True,
) -> Any:
    """The right gradients, or those with another ``router_gradient(P, indices, gates, dgates)``, without the gates in
    the experts (``weighted``) or without the ReLU's mask (``masked``)."""
    P = _softmax(X @ G.T)
    indices, gates = _top_k(P, k)
    dX, dgates, dexperts = np.zeros_like(X), np.zeros_like(gates), []
    for i, (W1, b1, W2, b2) in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        x = X[tokens]
        f = x @ W1.T + b1
        h = np.maximum(f, 0)
        dgates[tokens, choice] = (dY[tokens] * (h @ W2.T + b2)).sum(axis=1)
        dout = dY[tokens] * (gates[tokens, choice, None] if weighted else 1.0)
        df = (dout @ W2) * (f > 0 if masked else 1.0)
        dexperts.append((df.T @ x, df.sum(axis=0), dout.T @ h, dout.sum(axis=0)))
        dX[tokens] += df @ W1
    dA = (router_gradient or _router_gradient)(P, indices, gates, dgates)
    return dX + dA @ G, dA.T @ X, dexperts


def _through_softmax(P: Any, dP: Any) -> Any:
    return P * (dP - (dP * P).sum(axis=1, keepdims=True))


def _router_gradient(P: Any, indices: Any, gates: Any, dgates: Any) -> Any:
    dP = np.zeros_like(P)
    if indices.shape[1] > 1:
        chosen = np.take_along_axis(P, indices, axis=1).sum(axis=1, keepdims=True)
        dgates = (dgates - (dgates * gates).sum(axis=1, keepdims=True)) / chosen
    np.put_along_axis(dP, indices, dgates, axis=1)
    return _through_softmax(P, dP)


# gating


@misconception(
    "gating_scores",
    belief="The result has the experts first: G Xᵀ.",
    hint="Look at the shape that the docstring promises: which index is the row, the token or the expert?",
    fails=("gating",),
)
def gating_scores__experts_first(X, G):
    return G @ X.T


@misconception(
    "gating_scores",
    belief="Routing compares directions, so vectors are normalised first (cosine similarity).",
    hint="Compute one score by hand, for a token twice as long. Should its scores change?",
    fails=("gating",),
)
def gating_scores__cosine_similarity(X, G):
    return X @ G.T / (np.linalg.norm(X, axis=1, keepdims=True) * np.linalg.norm(G, axis=1))


@misconception(
    "gating_scores",
    belief="Scores are scaled by 1/√D, as in attention.",
    hint="Compare your formula with a_i = g_i · x, term by term. Does the width of a token appear in it?",
    fails=("gating",),
)
def gating_scores__scaled_as_in_attention(X, G):
    return X @ G.T / np.sqrt(X.shape[1])


@misconception(
    "gating_scores",
    belief="The closest gating vector wins, so a score is minus the squared distance.",
    hint="The score is a single product per expert. What does yours do with the length of the gating vector?",
    fails=("gating",),
)
def gating_scores__distance(X, G):
    return -((X[:, None, :] - G[None, :, :]) ** 2).sum(axis=2)


@misconception(
    "gating_probabilities",
    belief="The softmax runs over the first axis.",
    hint="Add up one row of your P and one column. Which of the two is one token?",
    fails=("gating",),
)
def gating_probabilities__over_the_tokens(A):
    e = np.exp(A - A.max(axis=0))
    return e / e.sum(axis=0)


@misconception(
    "gating_probabilities",
    belief="The formula can be typed in as it stands.",
    hint="What is np.exp(1000.0)? Which number may be taken off all scores of a token without changing its softmax?",
    fails=("gating",),
)
def gating_probabilities__no_maximum_subtracted(A):
    e = np.exp(A)
    return e / e.sum(axis=1, keepdims=True)


@misconception(
    "gating_probabilities",
    belief="One maximum for the whole batch keeps all exponentials small.",
    hint="Try one token with scores around 0 and another with scores around −1000. What is left of the second "
    "one's exponentials?",
    fails=("gating",),
)
def gating_probabilities__one_maximum_for_the_batch(A):
    e = np.exp(A - A.max())
    return e / e.sum(axis=1, keepdims=True)


@misconception(
    "gating_probabilities",
    belief="Each expert has a probability of its own, a sigmoid.",
    hint="A token's probabilities are shares of one whole. Do yours add up to it?",
    fails=("gating",),
)
def gating_probabilities__sigmoid(A):
    return 1 / (1 + np.exp(-A))


@misconception(
    "gating_probabilities",
    belief="A softmax of the softmax makes sure that it is a probability.",
    hint="Take a token that is very sure of one expert. Is it still as sure in your P?",
    fails=("gating",),
)
def gating_probabilities__softmax_twice(A):
    return _softmax(_softmax(A))


@misconception(
    "gating_probabilities",
    belief="Clipping the scores to ±30 avoids overflow and changes nothing.",
    hint="Take two experts with scores 1000 and 1001. What are their probabilities, and what are they after "
    "your clipping?",
    fails=("gating",),
)
def gating_probabilities__scores_clipped(A):
    e = np.exp(np.clip(A, -30, 30))
    return e / e.sum(axis=1, keepdims=True)


@misconception(
    "gating_probabilities",
    belief="The scores may be overwritten, they are not needed any more.",
    hint="Print the scores before and after the call. A function returns new arrays and leaves its arguments alone.",
    fails=("gating",),
)
def gating_probabilities__in_place(A):
    A -= A.max(axis=1, keepdims=True)
    e = np.exp(A)
    return e / e.sum(axis=1, keepdims=True)


# top_k


@misconception(
    "top_k",
    belief="The gates are the chosen probabilities as they are.",
    hint="Add up one token's gates for k = 2. What should the weights of a weighted mean add up to?",
    fails=("top_k",),
)
def top_k__gates_not_renormalised(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(P, indices, axis=1)


@misconception(
    "top_k",
    belief="The chosen experts are those with at least the k-th largest probability.",
    hint="How many experts is that for P = [0.4, 0.2, 0.2, 0.2] and k = 2? Add up the gates.",
    fails=("top_k",),
    visible=False,
)
def top_k__sum_over_all_above_a_threshold(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    gates = np.take_along_axis(P, indices, axis=1)
    return indices, gates / np.where(gates[:, -1:] <= P, P, 0.0).sum(axis=1, keepdims=True) if k > 1 else gates


@misconception(
    "top_k",
    belief="Gates always sum to 1, for k = 1 too.",
    hint="What is the gate for k = 1 in your code, whatever the probability was? Read what the text says "
    "about this case, and why.",
    fails=("top_k",),
)
def top_k__renormalised_for_a_single_choice(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="argsort puts the largest last, and the last k columns are the answer.",
    hint="Which of a token's chosen experts stands in column 0 of your result, the most or the least probable of them?",
    fails=("top_k",),
)
def top_k__largest_last(P, k):
    indices = np.argsort(P, axis=1, kind="stable")[:, -k:]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="argsort sorts from the largest on.",
    hint="Print np.argsort([0.2, 0.5, 0.3]). In which direction does it sort?",
    fails=("top_k",),
)
def top_k__smallest_probabilities(P, k):
    indices = np.argsort(P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="Reversing an ascending sort gives the descending one.",
    hint="Take a token with two equal probabilities. Reversing a list reverses everything: which of the two "
    "comes first now?",
    fails=("top_k",),
)
def top_k__reversed_sort(P, k):
    indices = np.argsort(P, axis=1, kind="stable")[:, ::-1][:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="argsort keeps equal entries in order, whatever the kind of sort.",
    hint="Try 100 experts of equal probability. What does the documentation of your sorting function promise "
    "about equal entries?",
    fails=("top_k",),
    visible=False,
)
def top_k__unstable_sort(P, k):
    indices = np.argsort(-P, axis=1)[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="The gates are a softmax of the chosen probabilities.",
    hint="Probabilities of 0.9 and 0.1 came out of a softmax already. Which gates do you get for them, and "
    "which keep their ratio?",
    fails=("top_k",),
)
def top_k__softmax_twice(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else _softmax(chosen)


@misconception(
    "top_k",
    belief="Taking the maximum k times works if the winner's probability is set to 0.",
    hint="Take a token with probabilities (1, 0, 0) and k = 3. What does the second search for the maximum find?",
    fails=("top_k",),
    visible=False,
)
def top_k__winners_set_to_zero(P, k):
    left, rows = P.copy(), np.arange(len(P))
    indices = np.zeros((len(P), k), dtype=int)
    for j in range(k):
        indices[:, j] = left.argmax(axis=1)
        left[rows, indices[:, j]] = 0
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="The winners may be crossed out in P itself.",
    hint="Print P before and after the call. Who else may still need it?",
    fails=("top_k",),
)
def top_k__crossed_out_in_place(P, k):
    rows = np.arange(len(P))
    indices, chosen = np.zeros((len(P), k), dtype=int), np.zeros((len(P), k))
    for j in range(k):
        indices[:, j] = P.argmax(axis=1)
        chosen[:, j] = P[rows, indices[:, j]]
        P[rows, indices[:, j]] = -1
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


@misconception(
    "top_k",
    belief="The chosen probabilities are divided by the sum of the whole array.",
    hint="Compare a call with two tokens with two calls of one token each. Should the tokens know of each other?",
    fails=("top_k",),
)
def top_k__divided_by_the_sum_of_the_batch(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum()


# moe_forward


@misconception(
    "expert_forward",
    belief="Every linear layer is followed by a ReLU, the last too.",
    hint="Can your expert give a negative output? Should it be able to?",
    fails=("moe_forward",),
)
def expert_forward__relu_on_the_output(X, expert):
    return np.maximum(_expert(X, expert), 0)


@misconception(
    "expert_forward",
    belief="Two linear layers make an expert.",
    hint="Without something between them, your two layers could be replaced by one matrix. What is missing?",
    fails=("moe_forward",),
)
def expert_forward__no_relu(X, expert):
    W1, b1, W2, b2 = expert
    return (X @ W1.T + b1) @ W2.T + b2


@misconception(
    "expert_forward",
    belief="The bias is added after the ReLU.",
    hint="Write the pre-activation f of the first layer down. Which of its terms does your ReLU see?",
    fails=("moe_forward",),
)
def expert_forward__bias_after_the_relu(X, expert):
    W1, b1, W2, b2 = expert
    return (np.maximum(X @ W1.T, 0) + b1) @ W2.T + b2


@misconception(
    "expert_forward",
    belief="An expert is two matrices with a ReLU between; the last bias can be left out.",
    hint="What does the expert give for a token whose hidden units are all off?",
    fails=("moe_forward",),
)
def expert_forward__output_bias_missing(X, expert):
    W1, b1, W2, _ = expert
    return np.maximum(X @ W1.T + b1, 0) @ W2.T


@misconception(
    "moe_forward",
    belief="As in a transformer, the layer's input is added to its output.",
    hint="Let all weights and biases of all experts be zero. What should come out, and what does?",
    fails=("moe_forward",),
)
def moe_forward__input_added(X, G, experts, k):
    return X + _mix(X, experts, *_top_k(_softmax(X @ G.T), k))


@misconception(
    "moe_forward",
    belief="Every expert contributes, weighted with its probability; k is a matter of speed.",
    hint="Does your code use k? Make one gating vector a little larger and look at an expert outside a token's best k.",
    fails=("moe_forward",),
)
def moe_forward__all_experts(X, G, experts, k):
    P = _softmax(X @ G.T)
    return sum(P[:, i : i + 1] * _expert(X, expert) for i, expert in enumerate(experts))


@misconception(
    "moe_forward",
    belief="Inside the layer the softmax can be typed in as it stands.",
    hint="How large can a score get, and what is np.exp of it? You have a function for this already.",
    fails=("moe_forward",),
    visible=False,
)
def moe_forward__softmax_overflows(X, G, experts, k):
    e = np.exp(X @ G.T)
    return _mix(X, experts, *_top_k(e / e.sum(axis=1, keepdims=True), k))


@misconception(
    "moe_forward",
    belief="An expert's result is assigned to its tokens.",
    hint="With k = 2 two experts write into the row of the same token, one after the other. What is left of "
    "the first one's work?",
    fails=("moe_forward",),
)
def moe_forward__assigned_not_added(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    Y = np.zeros_like(X)
    for i, expert in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        if tokens.size:
            Y[tokens] = gates[tokens, choice, None] * _expert(X[tokens], expert)
    return Y


@misconception(
    "moe_forward",
    belief="All experts are run, and a gate of zero hides the others.",
    hint="What is 0 · NaN? And what would the layer have saved if it ran every expert on every token?",
    fails=("moe_forward",),
)
def moe_forward__runs_every_expert(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    dense = np.zeros((len(X), len(experts)))
    np.put_along_axis(dense, indices, gates, axis=1)
    return sum(dense[:, i : i + 1] * _expert(X, expert) for i, expert in enumerate(experts))


@misconception(
    "moe_forward",
    belief="The chosen probabilities are the weights, without renormalising.",
    hint="Make all experts equal. Then it cannot matter which two a token visits: does your layer give what "
    "one expert gives?",
    fails=("moe_forward",),
)
def moe_forward__gates_not_renormalised(X, G, experts, k):
    P = _softmax(X @ G.T)
    indices, _ = _top_k(P, k)
    return _mix(X, experts, indices, np.take_along_axis(P, indices, axis=1))


@misconception(
    "moe_forward",
    belief="The scores themselves are the weights.",
    hint="Scores can be negative, or add up to zero. Which step turns scores into weights?",
    fails=("moe_forward",),
)
def moe_forward__raw_scores_as_gates(X, G, experts, k):
    A = X @ G.T
    indices = np.argsort(-A, axis=1, kind="stable")[:, :k]
    return _mix(X, experts, indices, np.take_along_axis(A, indices, axis=1))


@misconception(
    "moe_forward",
    belief="The chosen experts vote with equal weight.",
    hint="A token that is 99 % sure of its first expert: how much does its second one contribute in your code?",
    fails=("moe_forward",),
)
def moe_forward__plain_mean(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    return _mix(X, experts, indices, np.full_like(gates, 1 / k))


@misconception(
    "moe_forward",
    belief="With one expert per token there is nothing to weight.",
    hint="For k = 1, change the gating vectors a little, so that no choice changes. Does your output change? "
    "If not, how could the router learn?",
    fails=("moe_forward",),
)
def moe_forward__gate_one_for_a_single_choice(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    return _mix(X, experts, indices, np.ones_like(gates) if k == 1 else gates)


@misconception(
    "moe_forward",
    belief="The probabilities go through a softmax once more.",
    hint="Print the gates of a token that is 99 % sure of one expert. Do they still say so?",
    fails=("moe_forward",),
)
def moe_forward__softmax_twice(X, G, experts, k):
    indices, gates = _top_k(_softmax(_softmax(X @ G.T)), k)
    return _mix(X, experts, indices, gates)


@misconception(
    "moe_forward",
    belief="Weighting the expert's input is the same as weighting its output.",
    hint="An expert is not a linear function: it has biases. What does it give for an input that the gate has "
    "shrunk to almost zero?",
    fails=("moe_forward",),
)
def moe_forward__gates_on_the_input(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    Y = np.zeros_like(X)
    for i, expert in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        if tokens.size:
            Y[tokens] += _expert(gates[tokens, choice, None] * X[tokens], expert)
    return Y


@misconception(
    "moe_forward",
    belief="Column j of the gates belongs to expert j.",
    hint="Column 0 of the gates belongs to each token's first choice. Which expert is that, for each token?",
    fails=("moe_forward",),
)
def moe_forward__gates_indexed_by_expert(X, G, experts, k):
    indices, gates = _top_k(_softmax(X @ G.T), k)
    order = np.argsort(indices, axis=1)
    return _mix(X, experts, np.take_along_axis(indices, order, axis=1), gates)


# load_balancing_loss


@misconception(
    "load_balancing_loss",
    belief="f_i is the number of tokens that chose expert i over the number of tokens.",
    hint="Add up your f_i for k = 2. A fraction of the routing slots adds up to 1.",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__f_not_divided_by_k(P, indices):
    T, E = P.shape
    return E * np.sum(np.bincount(indices.ravel(), minlength=E) / T * P.mean(axis=0))


@misconception(
    "load_balancing_loss",
    belief="P̄_i is the mean over the tokens that chose expert i.",
    hint="Over which tokens does the mean run in the definition of P̄_i? An expert that nobody chose has a P̄_i too.",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__mean_over_the_chosen_tokens(P, indices):
    E = P.shape[1]
    loss = 0.0
    for i in range(E):
        chosen = (indices == i).any(axis=1)
        if chosen.any():
            loss += np.mean(indices == i) * P[chosen, i].mean()
    return E * loss


@misconception(
    "load_balancing_loss",
    belief="The loss is the plain sum of products.",
    hint="Put perfect balance in: all f_i and all P̄_i are 1/E. Which value should come out, and which does?",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__factor_missing(P, indices):
    E = P.shape[1]
    return np.sum(np.bincount(indices.ravel(), minlength=E) / indices.size * P.mean(axis=0))


@misconception(
    "load_balancing_loss",
    belief="Only the first choice counts as routing.",
    hint="For k = 2, how many routing slots are there in all, and how many does your f_i count?",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__first_choices_only(P, indices):
    T, E = P.shape
    return E * np.sum(np.bincount(indices[:, 0], minlength=E) / T * P.mean(axis=0))


@misconception(
    "load_balancing_loss",
    belief="The number of experts is the largest index plus one.",
    hint="Let the last expert get no token. Where in the arguments does the number of experts stand, whatever "
    "the choices?",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__experts_counted_from_the_indices(P, indices):
    f = np.bincount(indices.ravel()) / indices.size
    return len(f) * np.sum(f * P.mean(axis=0)[: len(f)])


@misconception(
    "load_balancing_loss",
    belief="Balance is measured by the squared fractions.",
    hint="Counting is piecewise constant. Which factor of the loss lets a gradient reach the router, and is "
    "it in yours?",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__fractions_squared(P, indices):
    E = P.shape[1]
    return E * np.sum((np.bincount(indices.ravel(), minlength=E) / indices.size) ** 2)


@misconception(
    "load_balancing_loss",
    belief="The mean probabilities tell everything: their squares suffice.",
    hint="Does your loss change when the choices change and the probabilities do not? Look for the f_i.",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__probabilities_squared(P, indices):
    return P.shape[1] * np.sum(P.mean(axis=0) ** 2)


@misconception(
    "load_balancing_loss",
    belief="The probabilities are summed over the tokens.",
    hint="Give every token twice. A fraction and a mean do not change: does your loss?",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__sum_over_the_tokens(P, indices):
    E = P.shape[1]
    return E * np.sum(np.bincount(indices.ravel(), minlength=E) / indices.size * P.sum(axis=0))


@misconception(
    "load_balancing_loss",
    belief="1 is the lowest possible value.",
    hint="Let most tokens choose one expert by a hair, and the few others be sure of another. Compute the sum by hand.",
    fails=("load_balancing_loss",),
)
def load_balancing_loss__never_below_one(P, indices):
    E = P.shape[1]
    return max(1.0, E * np.sum(np.bincount(indices.ravel(), minlength=E) / indices.size * P.mean(axis=0)))


# capacity


@misconception(
    "expert_capacity",
    belief="Every token takes one place.",
    hint="How many places do T tokens ask for in all, when each visits k experts?",
    fails=("capacity",),
)
def expert_capacity__without_k(T, E, k, factor):
    return math.ceil(factor * T / E)


@misconception(
    "expert_capacity",
    belief="int() rounds the way that is wanted.",
    hint="Ten places for four experts at factor 1. With your capacity, is there a place for everyone even in "
    "perfect balance?",
    fails=("capacity",),
)
def expert_capacity__rounded_down(T, E, k, factor):
    return int(factor * k * T / E)


@misconception(
    "expert_capacity",
    belief="The capacity is the nearest whole number.",
    hint="Nine places for four experts at factor 1. Which way do the brackets ⌈ ⌉ round?",
    fails=("capacity",),
)
def expert_capacity__rounded_to_the_nearest(T, E, k, factor):
    return round(factor * k * T / E)


@misconception(
    "expert_capacity",
    belief="There is always one place more than the quotient.",
    hint="Eight places for four experts at factor 1 are exactly two each. What does your formula give?",
    fails=("capacity",),
)
def expert_capacity__one_too_many(T, E, k, factor):
    return int(factor * k * T // E) + 1


@misconception(
    "expert_capacity",
    belief="Round first, then multiply by the factor.",
    hint="Five tokens, four experts, factor 1.5, k = 1. Round once, at the very end: what comes out, and what "
    "do you get?",
    fails=("capacity",),
)
def expert_capacity__rounded_before_the_factor(T, E, k, factor):
    return math.ceil(factor * math.ceil(k * T / E))


@misconception(
    "expert_capacity",
    belief="np.ceil gives a whole number, so the type does not matter.",
    hint="Print type(...) of your result. Can it be used as a size or an index?",
    fails=("capacity",),
)
def expert_capacity__a_float(T, E, k, factor):
    return np.ceil(factor * k * T / E)


@misconception(
    "dispatch",
    belief="A second choice is a substitute: it gets a place only if the first one was full.",
    hint="Every token visits k experts. In your code, does a token that kept its first choice get its second one, "
    "if there is room?",
    fails=("capacity",),
)
def dispatch__second_choice_as_a_substitute(indices, E, capacity):
    keep, taken = np.zeros(indices.shape, dtype=bool), np.zeros(E, dtype=int)
    for choice in range(indices.shape[1]):
        for token in range(len(indices)):
            if not keep[token].any() and taken[indices[token, choice]] < capacity:
                keep[token, choice] = True
                taken[indices[token, choice]] += 1
    return keep


@misconception(
    "dispatch",
    belief="True stands for a slot that is dropped.",
    hint="Read the name of the result again. What is True for a slot that has a place?",
    fails=("capacity",),
)
def dispatch__true_where_dropped(indices, E, capacity):
    drop, taken = np.zeros(indices.shape, dtype=bool), np.zeros(E, dtype=int)
    for choice in range(indices.shape[1]):
        for token, expert in enumerate(indices[:, choice]):
            drop[token, choice] = taken[expert] >= capacity
            taken[expert] += 1
    return drop


@misconception(
    "dispatch",
    belief="An expert always has at least one place.",
    hint="How many tokens may an expert take whose capacity is 0?",
    fails=("capacity",),
    visible=False,
)
def dispatch__never_without_a_place(indices, E, capacity):
    keep, taken = np.zeros(indices.shape, dtype=bool), np.zeros(E, dtype=int)
    for choice in range(indices.shape[1]):
        for token, expert in enumerate(indices[:, choice]):
            keep[token, choice] = taken[expert] < max(capacity, 1)
            taken[expert] += 1
    return keep


@misconception(
    "dispatch",
    belief="Tokens are served one after the other, with all their choices.",
    hint="Token 0's second choice and token 1's first choice want the same last place. Who gets it in your "
    "code, who should?",
    fails=("capacity",),
)
def dispatch__second_choices_before_first(indices, E, capacity):
    load, keep = np.zeros(E, dtype=int), np.zeros(indices.shape, dtype=bool)
    for t, row in enumerate(indices):
        for j, i in enumerate(row):
            keep[t, j] = load[i] < capacity
            load[i] += 1
    return keep


@misconception(
    "dispatch",
    belief="Every choice has places of its own.",
    hint="Count the slots that one expert keeps, over all columns together. Is it ever above the capacity?",
    fails=("capacity",),
)
def dispatch__capacity_per_choice(indices, E, capacity):
    keep = np.zeros(indices.shape, dtype=bool)
    for j in range(indices.shape[1]):
        load = np.zeros(E, dtype=int)
        for t, i in enumerate(indices[:, j]):
            keep[t, j] = load[i] < capacity
            load[i] += 1
    return keep


@misconception(
    "dispatch",
    belief="A slot is kept while the load is at most the capacity.",
    hint="Take capacity 1 and two tokens that choose the same expert. How many of them does your comparison let in?",
    fails=("capacity",),
)
def dispatch__one_place_too_many(indices, E, capacity):
    load, keep = np.zeros(E, dtype=int), np.zeros(indices.shape, dtype=bool)
    for j in range(indices.shape[1]):
        for t, i in enumerate(indices[:, j]):
            keep[t, j] = load[i] <= capacity
            load[i] += 1
    return keep


@misconception(
    "dispatch",
    belief="The capacity is the number of places of the whole layer.",
    hint="An expert that is chosen once can never overflow. Does your code ever drop its only slot?",
    fails=("capacity",),
)
def dispatch__one_queue_for_all_experts(indices, E, capacity):
    keep = np.arange(indices.size) < capacity
    return keep.reshape(indices.shape[::-1]).T


@misconception(
    "dispatch",
    belief="A token that loses one of its places loses all.",
    hint="A token whose second choice is full still has its first. Which of its slots should change?",
    fails=("capacity",),
)
def dispatch__drops_the_whole_token(indices, E, capacity):
    load, keep = np.zeros(E, dtype=int), np.zeros(indices.shape, dtype=bool)
    for j in range(indices.shape[1]):
        for t, i in enumerate(indices[:, j]):
            keep[t, j] = load[i] < capacity
            load[i] += 1
    return keep & keep.all(axis=1, keepdims=True)


@misconception(
    "dispatch",
    belief="A full expert's place goes to the later token (the queue is a stack).",
    hint="Two tokens choose the same expert, which has one place. Is it the earlier or the later token that keeps it?",
    fails=("capacity",),
)
def dispatch__last_come_first_served(indices, E, capacity):
    load, keep = np.zeros(E, dtype=int), np.zeros(indices.shape, dtype=bool)
    for j in range(indices.shape[1]):
        for t in reversed(range(len(indices))):
            i = indices[t, j]
            keep[t, j] = load[i] < capacity
            load[i] += 1
    return keep


# moe_backward


@misconception(
    "moe_backward",
    belief="Routing is a choice, and choices have no gradient: dG = 0.",
    hint="The indices are constants, but the gates are not. Change one gating vector a little: does Y change?",
    fails=("moe_backward",),
)
def moe_backward__gates_constant(X, G, experts, k, dY):
    return _backward(X, G, experts, k, dY, lambda P, *_: np.zeros_like(P))


@misconception(
    "moe_backward",
    belief="Tokens enter through the experts only.",
    hint="Draw the graph from X to Y. How many arrows leave X?",
    fails=("moe_backward",),
)
def moe_backward__tokens_through_the_experts_only(X, G, experts, k, dY):
    _, dG, dexperts = _backward(X, G, experts, k, dY)
    dX, _, _ = _backward(X, G, experts, k, dY, lambda P, *_: np.zeros_like(P))
    return dX, dG, dexperts


@misconception(
    "moe_backward",
    belief="A gate is a probability: the division by the sum is a constant.",
    hint="For k = 2 the two gates of a token always sum to 1. Which sum of gradients must then vanish, and "
    "does it in yours?",
    fails=("moe_backward",),
)
def moe_backward__renormalisation_ignored(X, G, experts, k, dY):
    def router(P, indices, gates, dgates):
        dP = np.zeros_like(P)
        np.put_along_axis(dP, indices, dgates, axis=1)
        return _through_softmax(P, dP)

    return _backward(X, G, experts, k, dY, router)


@misconception(
    "moe_backward",
    belief="The gates are a softmax over the chosen scores, for k = 1 too.",
    hint="For k = 1, which experts' scores does the gate depend on? Write it down as a fraction and look at "
    "the denominator.",
    fails=("moe_backward",),
)
def moe_backward__no_gradient_for_a_single_choice(X, G, experts, k, dY):
    def router(P, indices, gates, dgates):
        return np.zeros_like(P) if k == 1 else _router_gradient(P, indices, gates, dgates)

    return _backward(X, G, experts, k, dY, router)


@misconception(
    "moe_backward",
    belief="The derivative of a softmax is p(1 − p), as for a sigmoid.",
    hint="Raising one score lowers the gates of the other experts. Where is this in your gradient?",
    fails=("moe_backward",),
)
def moe_backward__diagonal_of_the_softmax(X, G, experts, k, dY):
    def router(P, indices, gates, dgates):
        dA = np.zeros_like(P)
        np.put_along_axis(dA, indices, dgates * gates * (1 - gates), axis=1)
        return dA

    return _backward(X, G, experts, k, dY, router)


@misconception(
    "moe_backward",
    belief="The sum that the gates are divided by is a constant.",
    hint="Both gates of a token are divided by the same sum. Which scores does that sum depend on?",
    fails=("moe_backward",),
)
def moe_backward__normaliser_constant(X, G, experts, k, dY):
    def router(P, indices, gates, dgates):
        total = np.take_along_axis(P, indices, axis=1).sum(axis=1, keepdims=True) if k > 1 else 1.0
        dP = np.zeros_like(P)
        np.put_along_axis(dP, indices, dgates / total, axis=1)
        return _through_softmax(P, dP)

    return _backward(X, G, experts, k, dY, router)


@misconception(
    "moe_backward",
    belief="Inside an expert the gradient goes through both matrices, and that is all.",
    hint="What does a hidden unit hand back that was off in the forward pass?",
    fails=("moe_backward",),
)
def moe_backward__relu_forgotten(X, G, experts, k, dY):
    return _backward(X, G, experts, k, dY, masked=False)


@misconception(
    "moe_backward",
    belief="An expert sees dY as it is.",
    hint="An expert that contributes 1 % of a token's output: by how much does the loss change when its "
    "output changes by one unit?",
    fails=("moe_backward",),
)
def moe_backward__gate_missing_in_the_experts(X, G, experts, k, dY):
    return _backward(X, G, experts, k, dY, weighted=False)


@misconception(
    "moe_backward",
    belief="The gradient of a token is assigned expert by expert.",
    hint="With k = 2 two experts send a gradient back to the same token, one after the other. What is left of "
    "the first?",
    fails=("moe_backward",),
)
def moe_backward__token_gradient_assigned(X, G, experts, k, dY):
    _, dG, dexperts = _backward(X, G, experts, k, dY)
    P = _softmax(X @ G.T)
    indices, gates = _top_k(P, k)
    dX, dgates = np.zeros_like(X), np.zeros_like(gates)
    for i, (W1, b1, W2, b2) in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        f = X[tokens] @ W1.T + b1
        dgates[tokens, choice] = (dY[tokens] * (np.maximum(f, 0) @ W2.T + b2)).sum(axis=1)
        dX[tokens] = (gates[tokens, choice, None] * dY[tokens] @ W2 * (f > 0)) @ W1
    return dX + _router_gradient(P, indices, gates, dgates) @ G, dG, dexperts


@misconception(
    "moe_backward",
    belief="Gradients are averaged over the tokens.",
    hint="dY is the gradient of the whole loss already. Give a token twice: what happens to the gradient of a weight?",
    fails=("moe_backward",),
)
def moe_backward__divided_by_the_tokens(X, G, experts, k, dY):
    dX, dG, dexperts = _backward(X, G, experts, k, dY)
    return dX, dG / len(X), [tuple(d / len(X) for d in each) for each in dexperts]


@misconception(
    "moe_backward",
    belief="The ReLU passes the gradient where the incoming gradient is positive.",
    hint="Whether a hidden unit passes a gradient depends on the forward pass alone. Which array decides in your code?",
    fails=("moe_backward",),
)
def moe_backward__mask_from_the_gradient(X, G, experts, k, dY):
    _, dG, _ = _backward(X, G, experts, k, dY)
    P = _softmax(X @ G.T)
    indices, gates = _top_k(P, k)
    dX, dgates, dexperts = np.zeros_like(X), np.zeros_like(gates), []
    for i, (W1, b1, W2, b2) in enumerate(experts):
        tokens, choice = np.nonzero(indices == i)
        x = X[tokens]
        h = np.maximum(x @ W1.T + b1, 0)
        dgates[tokens, choice] = (dY[tokens] * (h @ W2.T + b2)).sum(axis=1)
        dout = dY[tokens] * gates[tokens, choice, None]
        df = np.maximum(dout @ W2, 0)
        dexperts.append((df.T @ x, df.sum(axis=0), dout.T @ h, dout.sum(axis=0)))
        dX[tokens] += df @ W1
    return dX + _router_gradient(P, indices, gates, dgates) @ G, dG, dexperts


@misconception(
    "moe_backward",
    belief="An expert that was not used has no gradient: None.",
    hint="An optimizer walks through all experts and subtracts. What can it subtract from the weights of an "
    "unused one?",
    fails=("moe_backward",),
)
def moe_backward__none_for_unused_experts(X, G, experts, k, dY):
    dX, dG, dexperts = _backward(X, G, experts, k, dY)
    used = set(_top_k(_softmax(X @ G.T), k)[0].ravel().tolist())
    return dX, dG, [each if i in used else None for i, each in enumerate(dexperts)]
