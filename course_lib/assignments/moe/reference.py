"""Reference solutions in torch: they follow the device and dtype of their inputs.

Sizes: T tokens, D width, E experts, H hidden units of an expert, k experts per token. The sparse layer is that of
Shazeer et al., Outrageously large neural networks, arXiv:1701.06538; the loss and the capacity are those of Fedus,
Zoph and Shazeer, Switch transformers, arXiv:2101.03961, and Lepikhin et al., GShard, arXiv:2006.16668.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

Expert = tuple[Tensor, Tensor, Tensor, Tensor]


def gating_scores(X: Tensor, G: Tensor) -> Tensor:
    """Scores A (T, E) of tokens X (T, D) for the gating vectors G (E, D): a_i = g_i · x."""
    return X @ G.T


def gating_probabilities(A: Tensor) -> Tensor:
    """Softmax over the experts of scores A (T, E). Finite for any finite scores."""
    powers = torch.exp(A - A.amax(dim=1, keepdim=True))
    return powers / powers.sum(dim=1, keepdim=True)


def top_k(P: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Indices (T, k) of the k largest of P (T, E), largest first, and their gates (T, k).

    Equal probabilities: lower index first. Gates are the chosen probabilities divided by their sum, for k = 1 the
    probability itself (Switch transformers, section 2.1).
    """
    ordered, order = torch.sort(P, dim=1, descending=True, stable=True)
    indices, chosen = order[:, :k], ordered[:, :k]
    return indices, chosen if k == 1 else chosen / chosen.sum(dim=1, keepdim=True)


def expert_forward(X: Tensor, expert: Expert) -> Tensor:
    """Output (T, D) of expert (W1 (H, D), b1 (H,), W2 (D, H), b2 (D,)): linear, ReLU, linear."""
    W1, b1, W2, b2 = expert
    return torch.relu(X @ W1.T + b1) @ W2.T + b2


def moe_forward(X: Tensor, G: Tensor, experts: Sequence[Expert], k: int) -> Tensor:
    """Sum (T, D) of the chosen experts' outputs, weighted by their gates. An expert that no token chose is not run."""
    indices, gates = top_k(gating_probabilities(gating_scores(X, G)), k)
    Y = torch.zeros_like(X)
    for i, expert in enumerate(experts):
        tokens, choice = torch.nonzero(indices == i, as_tuple=True)
        if len(tokens):
            Y[tokens] += gates[tokens, choice, None] * expert_forward(X[tokens], expert)
    return Y


def load_balancing_loss(P: Tensor, indices: Tensor) -> Tensor:
    """E · Σ_i f_i · P̄_i of probabilities P (T, E) and chosen indices (T, k): a scalar.

    f_i is the fraction of the T·k routing slots that expert i got, P̄_i its mean probability over all tokens
    (Switch transformers, equations 4 to 6).
    """
    experts = P.shape[1]
    fractions = torch.bincount(indices.flatten(), minlength=experts).to(P.dtype) / indices.numel()
    return experts * (fractions * P.mean(dim=0)).sum()


def expert_capacity(T: int, E: int, k: int, factor: float) -> int:
    """Places per expert: ⌈factor · k · T / E⌉ (Switch transformers, equation 3; GShard, section 2.2)."""
    return math.ceil(factor * k * T / E)


def dispatch(indices: Tensor, E: int, capacity: int) -> Tensor:
    """Which of the routing slots (T, k) keep their place, bool (T, k).

    Places are filled with all first choices, then all second choices, …, tokens in order within a choice; what
    exceeds an expert's capacity is dropped (GShard, algorithm 1).
    """
    queue = torch.nn.functional.one_hot(indices.T.flatten().long(), E)
    place = ((queue.cumsum(dim=0) - 1) * queue).sum(dim=1)
    return (place < capacity).reshape(indices.T.shape).T


def moe_backward(
    X: Tensor, G: Tensor, experts: Sequence[Expert], k: int, dY: Tensor
) -> tuple[Tensor, Tensor, list[Expert]]:
    """Gradients (dX (T, D), dG (E, D), dexperts) of a loss with ∂ℓ/∂Y = dY (T, D); the indices are constants.

    dexperts is a list of E tuples (dW1, db1, dW2, db2), zeros for an expert that no token chose.
    """
    P = gating_probabilities(gating_scores(X, G))
    indices, gates = top_k(P, k)
    dX, dgates = torch.zeros_like(X), torch.zeros_like(gates)
    dexperts: list[Expert] = []
    for i, (W1, b1, W2, b2) in enumerate(experts):
        tokens, choice = torch.nonzero(indices == i, as_tuple=True)
        if not len(tokens):
            dexperts.append((torch.zeros_like(W1), torch.zeros_like(b1), torch.zeros_like(W2), torch.zeros_like(b2)))
            continue
        x = X[tokens]
        f = x @ W1.T + b1
        h = torch.relu(f)
        dgates[tokens, choice] = (dY[tokens] * (h @ W2.T + b2)).sum(dim=1)
        dout = gates[tokens, choice, None] * dY[tokens]
        df = (dout @ W2) * (f > 0)
        dexperts.append((df.T @ x, df.sum(dim=0), dout.T @ h, dout.sum(dim=0)))
        dX[tokens] += df @ W1
    if k == 1:  # the gate is the probability of a softmax over all experts
        dP = torch.zeros_like(P).scatter(1, indices, dgates)
        dA = P * (dP - (dP * P).sum(dim=1, keepdim=True))
    else:  # the gates are a softmax over the chosen scores: the others cancel in the renormalisation
        dchosen = gates * (dgates - (dgates * gates).sum(dim=1, keepdim=True))
        dA = torch.zeros_like(P).scatter(1, indices, dchosen)
    return dX + dA @ G, dA.T @ X, dexperts
