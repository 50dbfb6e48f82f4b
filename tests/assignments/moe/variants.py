"""Correct solutions of moe in unusual shapes."""

import numpy as np
import torch

# gating


def einsum_scores(X, G):
    return np.einsum("td,ed->te", X, G)


def looped_scores(X, G):
    A = np.empty((len(X), len(G)))
    for t in range(len(X)):
        for i in range(len(G)):
            A[t, i] = sum(x * g for x, g in zip(X[t], G[i], strict=True))
    return A


def transposed_view_scores(X, G):
    return (G @ X.T).T


def long_double_scores(X, G):
    return (X.astype(np.longdouble) @ G.T.astype(np.longdouble)).astype(np.float64)


def log_sum_exp_probabilities(A):
    return np.exp(A - np.logaddexp.reduce(A, axis=1, keepdims=True))


def torch_probabilities(A):
    return torch.softmax(torch.tensor(A), dim=1).numpy()


def pairwise_probabilities(A):
    with np.errstate(over="ignore"):
        return 1 / np.exp(A[:, None, :] - A[:, :, None]).sum(axis=2)


def row_by_row_probabilities(A):
    rows = []
    for a in A:
        e = np.exp(a - np.max(a))
        rows.append(e / np.sum(e))
    return np.array(rows)


# top_k


def arg_max_top_k(P, k):
    left, rows = P.copy(), np.arange(len(P))
    indices = np.empty((len(P), k), dtype=np.uint8 if P.shape[1] < 256 else np.int16)
    for j in range(k):
        indices[:, j] = left.argmax(axis=1)
        left[rows, indices[:, j]] = -np.inf
    gates = P[rows[:, None], indices]
    if k > 1:
        gates = gates / gates.sum(axis=1, keepdims=True)
    return [indices, gates]


def sorted_top_k(P, k):
    indices = [sorted(range(len(p)), key=lambda i: (-p[i], i))[:k] for p in P.tolist()]
    gates = []
    for p, chosen in zip(P.tolist(), indices, strict=True):
        total = sum(p[i] for i in chosen) if k > 1 else 1.0
        gates.append([p[i] / total for i in chosen])
    return np.array(indices, dtype=np.int32), np.array(gates)


def lexsort_top_k(P, k):
    index = np.broadcast_to(np.arange(P.shape[1]), P.shape)
    indices = np.lexsort((index, -P), axis=1)[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen if k == 1 else chosen / chosen.sum(axis=1, keepdims=True)


def softmax_of_logs_top_k(P, k):
    indices = np.argsort(-P, axis=1, kind="stable")[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    if k == 1:
        return indices, chosen
    with np.errstate(divide="ignore"):
        a = np.log(chosen)
    e = np.exp(a - a[:, :1])
    return indices, e / e.sum(axis=1, keepdims=True)


def flipped_top_k(P, k):
    last = P.shape[1] - 1
    indices = (last - np.argsort(P[:, ::-1], axis=1, kind="stable")[:, ::-1])[:, :k]
    chosen = np.take_along_axis(P, indices, axis=1)
    return indices, chosen / (chosen.sum(axis=1, keepdims=True) if k > 1 else 1.0)


# moe_forward


def einsum_expert(X, expert):
    W1, b1, W2, b2 = expert
    f = np.einsum("td,hd->th", X, W1) + b1
    return np.einsum("th,dh->td", f * (f > 0), W2) + b2


def torch_expert(X, expert):
    W1, b1, W2, b2 = (torch.tensor(w) for w in expert)
    return torch.nn.functional.linear(torch.nn.functional.linear(torch.tensor(X), W1, b1).relu(), W2, b2).numpy()


def _softmax(A):
    e = np.exp(A - A.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def token_by_token_moe(X, G, experts, k):
    Y = []
    for x in X:
        a = G @ x
        chosen = np.argsort(-a, kind="stable")[:k]
        p = np.exp(a - a.max())
        gates = p[chosen] / (p[chosen].sum() if k > 1 else p.sum())
        y = np.zeros_like(x)
        for g, i in zip(gates, chosen, strict=True):
            W1, b1, W2, b2 = experts[i]
            y = y + g * (W2 @ np.maximum(W1 @ x + b1, 0) + b2)
        Y.append(y)
    return np.stack(Y)


def softmax_of_chosen_scores_moe(X, G, experts, k):
    A = np.einsum("ed,td->te", G, X)
    indices = np.argsort(-A, axis=1, kind="stable")[:, :k]
    gates = np.take_along_axis(_softmax(A), indices, 1) if k == 1 else _softmax(np.take_along_axis(A, indices, axis=1))
    Y = np.zeros(X.shape)
    for i in np.unique(indices):
        t, j = np.where(indices == i)
        np.add.at(Y, t, gates[t, j][:, None] * einsum_expert(X[t], experts[i]))
    return Y


def gathered_moe(X, G, experts, k):
    """Runs every expert on every token and then picks, without ever multiplying by zero."""
    P = _softmax(X @ G.T)
    indices, gates = lexsort_top_k(P, k)
    outputs = np.stack([einsum_expert(X, expert) for expert in experts])
    return (gates[:, :, None] * outputs[indices, np.arange(len(X))[:, None]]).sum(axis=1)


# load_balancing_loss


def looped_loss(P, indices):
    T, E = P.shape
    total = 0.0
    for i in range(E):
        slots = sum(int(i in row) for row in indices.tolist())
        total += slots / (T * indices.shape[1]) * sum(P[:, i]) / T
    return float(E * total)


def one_hot_loss(P, indices):
    E = P.shape[1]
    f = np.eye(E)[indices].mean(axis=(0, 1))
    return np.array(E * (f @ P.mean(axis=0)))


def dot_loss(P, indices):
    E = P.shape[1]
    return np.dot(np.bincount(indices.flatten(), minlength=E), P.sum(0)) * E / (indices.size * len(P))


# capacity


def integer_capacity(T, E, k, factor):
    numerator, denominator = float(factor).as_integer_ratio()
    return -(-numerator * k * T // (denominator * E))


def numpy_capacity(T, E, k, factor):
    return np.int64(np.ceil(k * T / E * factor))


def factored_capacity(T, E, k, factor):
    return int(np.ceil(factor / E * k * T))


def cumulative_dispatch(indices, E, capacity):
    queue = indices.T.ravel()
    hot = np.eye(E, dtype=int)[queue]
    place = hot.cumsum(axis=0)[np.arange(len(queue)), queue]
    return (place <= capacity).reshape(indices.shape[::-1]).T


def per_expert_dispatch(indices, E, capacity):
    keep = np.zeros(indices.shape, dtype=np.bool_)
    for i in range(E):
        choice, tokens = np.nonzero(i == indices.T)
        keep[tokens[:capacity], choice[:capacity]] = True
    return keep


def counting_dispatch(indices, E, capacity):
    places = dict.fromkeys(range(E), capacity)
    keep = [[False] * indices.shape[1] for _ in indices]
    for j in range(indices.shape[1]):
        for t in range(len(indices)):
            i = int(indices[t, j])
            if places[i]:
                places[i] -= 1
                keep[t][j] = True
    return np.array(keep)


# moe_backward


def autograd_moe_backward(X, G, experts, k, dY):
    X, G = (torch.tensor(a, requires_grad=True) for a in (X, G))
    experts = [tuple(torch.tensor(w, requires_grad=True) for w in expert) for expert in experts]
    P = torch.softmax(X @ G.T, dim=1)
    chosen, indices = P.topk(k, dim=1)
    gates = chosen / chosen.sum(dim=1, keepdim=True) if k > 1 else chosen
    dense = torch.zeros_like(P).scatter(1, indices, gates)
    outputs = torch.stack([(X @ W1.T + b1).relu() @ W2.T + b2 for W1, b1, W2, b2 in experts])
    torch.einsum("te,etd->td", dense, outputs).backward(torch.tensor(dY))
    return X.grad.numpy(), G.grad.numpy(), [[w.grad.numpy() for w in expert] for expert in experts]


def token_by_token_backward(X, G, experts, k, dY):
    dX, dG = np.zeros_like(X), np.zeros_like(G)
    dexperts = [tuple(np.zeros_like(w) for w in expert) for expert in experts]
    for t, (x, dy) in enumerate(zip(X, dY, strict=True)):
        a = G @ x
        chosen = np.argsort(-a, kind="stable")[:k]
        share = np.exp(a - a.max())
        inside = chosen if k > 1 else np.arange(len(G))
        q = np.zeros(len(G))
        q[inside] = share[inside] / share[inside].sum()
        dq = np.zeros(len(G))
        for i in chosen:
            W1, b1, W2, b2 = experts[i]
            f = W1 @ x + b1
            h = np.maximum(f, 0)
            dq[i] = dy @ (W2 @ h + b2)
            dout = q[i] * dy
            df = np.where(f > 0, W2.T @ dout, 0)
            for gradient, step in zip(dexperts[i], (np.outer(df, x), df, np.outer(dout, h), dout), strict=True):
                gradient += step
            dX[t] += W1.T @ df
        da = (np.diag(q) - np.outer(q, q)) @ dq
        dX[t] += da @ G
        dG += np.outer(da, x)
    return (dX, dG, tuple(dexperts))


def dense_backward(X, G, experts, k, dY):
    """Every expert on every token; gates of zero hide what was not chosen."""
    P = _softmax(X @ G.T)
    indices, _ = lexsort_top_k(P, k)
    chosen = np.zeros(P.shape, dtype=bool)
    np.put_along_axis(chosen, indices, True, axis=1)
    total = np.where(chosen, P, 0).sum(axis=1, keepdims=True) if k > 1 else np.ones((len(X), 1))
    weights = np.where(chosen, P, 0) / total
    dX, dexperts, outputs = np.zeros(X.shape), [], []
    for i, (W1, b1, W2, b2) in enumerate(experts):
        f = X @ W1.T + b1
        h = np.maximum(f, 0)
        outputs.append(h @ W2.T + b2)
        dout = weights[:, i : i + 1] * dY
        df = dout @ W2 * (f > 0)
        dexperts.append([df.T @ X, df.sum(0), dout.T @ h, dout.sum(0)])
        dX += df @ W1
    dweights = np.einsum("td,etd->te", dY, np.array(outputs)) * chosen
    dP = dweights
    if k > 1:
        dP = chosen * (dweights - (dweights * weights).sum(1, keepdims=True)) / total
    dA = P * (dP - (dP * P).sum(1, keepdims=True))
    return [dX + dA @ G, dA.T @ X, dexperts]


def complex_step_backward(X, G, experts, k, dY):
    """Each derivative from one evaluation with a tiny imaginary step (Squire and Trapp 1998)."""
    chosen = np.argsort(-(X @ G.T), axis=1, kind="stable")[:, :k]

    def loss(X, G, experts):
        total = 0.0
        for x, dy, indices in zip(X, dY, chosen, strict=True):
            a = G @ x
            powers = np.exp(a - a.real.max())
            gates = powers[indices] / (powers[indices].sum() if k > 1 else powers.sum())
            for i, gate in zip(indices, gates, strict=True):
                W1, b1, W2, b2 = experts[i]
                f = W1 @ x + b1
                total += gate * (dy @ (W2 @ np.where(f.real > 0, f, 0) + b2))
        return total

    parameters = [w.astype(complex) for w in (X, G, *(w for expert in experts for w in expert))]

    def derivative(n, place):
        parameters[n][place] += 1e-30j
        flat = parameters[2:]
        value = loss(*parameters[:2], [flat[4 * i : 4 * i + 4] for i in range(len(experts))])
        parameters[n][place] -= 1e-30j
        return value.imag / 1e-30

    gradients = []
    for n, w in enumerate(parameters):
        gradients.append(np.zeros(w.shape))
        for place in np.ndindex(w.shape):
            gradients[n][place] = derivative(n, place)
    return gradients[0], gradients[1], [gradients[i : i + 4] for i in range(2, len(gradients), 4)]


VARIANTS = [
    ("einsum", {"gating_scores": einsum_scores, "expert_forward": einsum_expert}),
    ("two loops, row by row", {"gating_scores": looped_scores, "gating_probabilities": row_by_row_probabilities}),
    (
        "a transposed view, torch",
        {"gating_scores": transposed_view_scores, "gating_probabilities": torch_probabilities},
    ),
    (
        "long double, log-sum-exp",
        {"gating_scores": long_double_scores, "gating_probabilities": log_sum_exp_probabilities},
    ),
    ("differences of scores", {"gating_probabilities": pairwise_probabilities}),
    ("argmax k times, small integers, a list", {"top_k": arg_max_top_k}),
    ("sorted lists", {"top_k": sorted_top_k}),
    ("lexsort", {"top_k": lexsort_top_k}),
    ("softmax of the logarithms of the chosen", {"top_k": softmax_of_logs_top_k}),
    ("reversed twice", {"top_k": flipped_top_k}),
    ("torch expert, token by token", {"expert_forward": torch_expert, "moe_forward": token_by_token_moe}),
    ("softmax over the chosen scores, add.at", {"moe_forward": softmax_of_chosen_scores_moe}),
    ("all outputs, then gathered", {"moe_forward": gathered_moe}),
    ("loops and a Python float", {"load_balancing_loss": looped_loss}),
    ("one-hot and a 0-d array", {"load_balancing_loss": one_hot_loss}),
    ("counts times sums, divided at the end", {"load_balancing_loss": dot_loss}),
    ("whole numbers only, cumulative sums", {"expert_capacity": integer_capacity, "dispatch": cumulative_dispatch}),
    ("NumPy integer, expert by expert", {"expert_capacity": numpy_capacity, "dispatch": per_expert_dispatch}),
    ("factor first, dict of places", {"expert_capacity": factored_capacity, "dispatch": counting_dispatch}),
    ("autograd, lists of lists", {"moe_backward": autograd_moe_backward}),
    ("token by token with Jacobians", {"moe_backward": token_by_token_backward}),
    ("dense, through the division", {"moe_backward": dense_backward}),
    ("complex step, entry by entry", {"moe_backward": complex_step_backward}),
]
