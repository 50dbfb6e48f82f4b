"""Visible checks of the notebook "Mixture of experts". They compare with torch and with numbers worked out by hand.

They are here to help, not to grade: the hidden tests look at more cases.
"""

import copy

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed

GRADIENTS = ("dW1", "db1", "dW2", "db2")


def check_gating(gating_scores, gating_probabilities):
    X, G = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5]]), np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0], [1.0, 1.0]])
    call = "gating_scores(X, G) with X (3, 2) and G (4, 2)"
    A = _call(gating_scores, X, G, call=call)
    _array(A, (3, 4), "A", call)
    expect_close("A", A, torch.nn.functional.linear(_t(X), _t(G)), call=call, why="torch.nn.functional.linear(X, G)")

    call = "gating_probabilities(A) with A = [[0, ln 3], [ln 4, 0]]"
    A = np.log([[1.0, 3.0], [4.0, 1.0]])
    P = _call(gating_probabilities, A, call=call)
    _array(P, (2, 2), "P", call)
    expect_close("P", P, [[0.25, 0.75], [0.8, 0.2]], call=call, why="by hand: e^(ln 3) = 3, and 3 of 1 + 3 is 3/4")
    rows = {
        "[[1000, 1001, 998]]": [[1000.0, 1001.0, 998.0]],
        "[[0, 1, 2], [-1000, -1001, -998]]": [[0.0, 1.0, 2.0], [-1000.0, -1001.0, -998.0]],
        "[[0.5, -1, 2], [1, 1, 1]]": [[0.5, -1.0, 2.0], [1.0, 1.0, 1.0]],
    }
    for shown, values in rows.items():
        A, call = np.array(values), f"gating_probabilities({shown})"
        with np.errstate(all="ignore"):
            P = _call(gating_probabilities, A, call=call)
        _array(P, A.shape, "P", call)
        expect(
            np.isfinite(P).all(),
            f"{call}: P holds NaN or infinity: {P}. How large do your exponentials get, per token?",
        )
        expect_close("P", P, torch.softmax(_t(A), dim=1), call=call, why="torch.softmax(A, dim=1)")
    passed(
        "gating",
        "values against torch, scores around ±1000, arguments unchanged",
        "other shapes, one token, one expert",
    )


def check_top_k(top_k):
    P = np.array([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]])
    expected = {
        1: ([[1], [0]], [[0.6], [0.5]], "by hand; for k = 1 see the text above"),
        2: ([[1, 2], [0, 2]], [[6 / 9, 3 / 9], [5 / 8, 3 / 8]], "by hand: shares of 0.6 + 0.3, and of 0.5 + 0.3"),
        3: ([[1, 2, 0], [0, 2, 1]], [[0.6, 0.3, 0.1], [0.5, 0.3, 0.2]], "by hand"),
    }
    for k, (wanted_indices, wanted_gates, why) in expected.items():
        call = f"top_k([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], {k})"
        indices, gates = expect_tuple(_call(top_k, P, k, call=call), "indices", "gates", call=call)
        _integers(indices, (2, k), "indices", call)
        expect_close("indices", indices, wanted_indices, call=call, why="most probable expert first")
        _array(gates, (2, k), "gates", call)
        expect_close("gates", gates, wanted_gates, call=call, why=why)
    call = "top_k([[0.25, 0.25, 0.5], [0.4, 0.4, 0.2]], 2)"
    result = _call(top_k, np.array([[0.25, 0.25, 0.5], [0.4, 0.4, 0.2]]), 2, call=call)
    indices, _ = expect_tuple(result, "indices", "gates", call=call)
    expect_close("indices", indices, [[2, 0], [0, 1]], call=call, why="among equals the lower index comes first")
    P = torch.softmax(torch.randn(20, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64), dim=1)
    call = "top_k(P, 3) with P (20, 8)"
    indices, gates = expect_tuple(_call(top_k, P.numpy(), 3, call=call), "indices", "gates", call=call)
    expect_close("indices", indices, torch.topk(P, 3, dim=1).indices, call=call, why="torch.topk")
    expect_close("the sum of gates", np.sum(gates, axis=1), np.ones(20), call=call)
    passed(
        "top_k",
        "indices and gates for k = 1, 2, 3, a tie, arguments unchanged",
        "many equal experts, probabilities of 0",
    )


def check_moe_forward(expert_forward, moe_forward):
    X, _, experts = _example(tokens=4, width=3, hidden=5, experts=4)
    call = "expert_forward(X, expert) with X (4, 3) and 5 hidden units"
    Y = _call(expert_forward, X, experts[0], call=call)
    _array(Y, (4, 3), "Y", call)
    expect_close("Y", Y, _torch_expert(experts[0])(_t(X)).detach(), call=call, why="torch.nn: Linear, ReLU, Linear")

    # Experts whose weights are 0 and whose last bias is c give c whatever the token is.
    constant = [(np.zeros((1, 1)), np.zeros(1), np.zeros((1, 1)), np.array([c])) for c in (10.0, 2.0, -6.0)]
    G = np.array([[np.log(3.0)], [0.0], [-np.log(2.0)]])
    shown = "X = [[1]], G = [[ln 3], [0], [-ln 2]], experts that always give 10, 2 and -6"
    for k, value, why in (
        (2, 8.0, "by hand: the chosen scores are ln 3 and 0, so the gates are 3/4 and 1/4, and 3/4 · 10 + 1/4 · 2 = 8"),
        (1, 3 / 4.5 * 10, "by hand: the probabilities are 3, 1 and 1/2, each over 4.5; only the first expert is run"),
        (3, (30 + 2 - 3) / 4.5, "by hand: (3 · 10 + 1 · 2 - ½ · 6) / 4.5"),
    ):
        call = f"moe_forward with k = {k}, {shown}"
        Y = _call(moe_forward, np.ones((1, 1)), G, constant, k, call=call)
        _array(Y, (1, 1), "Y", call)
        expect_close("Y", Y, [[value]], call=call, why=why)

    X, G, experts = _example(tokens=6, width=3, hidden=4, experts=5)
    for k in (1, 2, 3):
        call = f"moe_forward(X, G, experts, {k}) with X (6, 3) and 5 experts"
        Y = _call(moe_forward, X, G, experts, k, call=call)
        _array(Y, (6, 3), "Y", call)
        expected = _dense_mixture(_t(X), _t(G), [tuple(_t(w) for w in e) for e in experts], k)
        expect_close("Y", Y, expected, call=call, why="a dense layer in torch whose gates are 0 for what is not chosen")
    call = "moe_forward(X, G, experts, 2) with five times the same expert"
    Y = _call(moe_forward, X, G, [experts[0]] * 5, 2, call=call)
    expect_close("Y", Y, _torch_expert(experts[0])(_t(X)).detach(), call=call, why="what that one expert gives")

    call = "moe_forward with k = 1, X = [[1]], G = [[1], [-1]]; expert 1 is not chosen, and its weights are NaN"
    nothing = tuple(np.full(shape, np.nan) for shape in ((1, 1), (1,), (1, 1), (1,)))
    Y = _call(moe_forward, np.ones((1, 1)), np.array([[1.0], [-1.0]]), [constant[0], nothing], 1, call=call)
    _array(Y, (1, 1), "Y", call)
    expect(
        np.isfinite(Y).all(), f"{call}: Y is NaN. An expert that nobody chose must not be run at all: 0 · NaN is NaN."
    )
    passed(
        "moe_forward",
        "one expert, k = 1, 2, 3, equal experts, an unused expert",
        "other sizes, more unused experts, very large scores",
    )


def check_load_balancing_loss(load_balancing_loss):
    P = np.array([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.2, 0.6, 0.2]])  # means: 0.5, 0.35, 0.15
    cases = (
        ([[0], [0], [0], [1]], 3 * (0.75 * 0.5 + 0.25 * 0.35), "f = (3/4, 1/4, 0), P̄ = (0.5, 0.35, 0.15)"),
        ([[0, 1], [0, 1], [0, 1], [1, 0]], 3 * (0.5 * 0.5 + 0.5 * 0.35), "f = (4/8, 4/8, 0), P̄ = (0.5, 0.35, 0.15)"),
        ([[0, 1], [0, 2], [0, 1], [1, 2]], 3 * (3 * 0.5 + 3 * 0.35 + 2 * 0.15) / 8, "f = (3/8, 3/8, 2/8)"),
    )
    for indices, expected, why in cases:
        call = f"load_balancing_loss(P, {indices}) with the P of the check"
        loss = _call(load_balancing_loss, P, np.array(indices), call=call)
        _number(loss, call)
        expect_close("loss", loss, expected, call=call, why=f"by hand: {why}")
    call = "load_balancing_loss with perfect balance: eight tokens, four experts, every P 1/4"
    loss = _call(load_balancing_loss, np.full((8, 4), 0.25), np.arange(8)[:, None] % 4, call=call)
    expect_close("loss", loss, 1.0, call=call, why="4 · (4 · 1/4 · 1/4)")
    call = "load_balancing_loss([[0.6, 0.4], [0.6, 0.4], [0, 1]], [[0], [0], [1]])"
    loss = _call(
        load_balancing_loss, np.array([[0.6, 0.4], [0.6, 0.4], [0.0, 1.0]]), np.array([[0], [0], [1]]), call=call
    )
    expect_close("loss", loss, 2 * (2 * 0.4 + 1 * 0.6) / 3, call=call, why="by hand: f = (2/3, 1/3), P̄ = (0.4, 0.6)")
    passed(
        "load_balancing_loss",
        "k = 1 and 2, an unused expert, perfect balance, a value below 1",
        "other sizes, larger k",
    )


def check_capacity(expert_capacity, dispatch):
    for T, E, k, factor, expected, why in (
        (8, 4, 1, 1.0, 2, "8 slots, 4 experts: 2 each"),
        (9, 4, 1, 1.0, 3, "9 slots, 4 experts: 2 each would leave one token without a place"),
        (8, 4, 2, 1.25, 5, "16 slots, 4 experts, and a quarter more"),
        (5, 4, 1, 1.5, 2, "1.5 · 5 / 4 = 1.875"),
        (3, 4, 2, 0.5, 1, "0.5 · 6 / 4 = 0.75"),
    ):
        call = f"expert_capacity({T}, {E}, {k}, {factor})"
        capacity = expert_capacity(T, E, k, factor)
        expect(capacity is not None, f"{call} returned None. Is a return statement missing?")
        expect(
            isinstance(capacity, (int, np.integer)) and not isinstance(capacity, bool),
            f"{call} must return an int, but returned a {type(capacity).__name__}.",
        )
        shown = capacity if abs(capacity) < 10**18 else "a huge number"
        expect(capacity == expected, f"{call} returned {shown}, expected {expected} ({why}).")

    for indices, E, capacity, expected, why in (
        ([[0], [1], [0], [0], [1]], 2, 2, [[1], [1], [1], [0], [1]], "expert 0 is full when token 3 comes"),
        ([[0, 1], [1, 0], [0, 1]], 2, 2, [[1, 1], [1, 0], [1, 0]], "all first choices come before any second choice"),
        (
            [[2, 0], [0, 1], [0, 2]],
            3,
            1,
            [[1, 0], [1, 1], [0, 0]],
            "expert 0's only place goes to token 1's first choice",
        ),
        ([[0, 1], [1, 2]], 3, 9, [[1, 1], [1, 1]], "there is a place for everyone"),
    ):
        call = f"dispatch({indices}, {E}, {capacity})"
        keep = _call(dispatch, np.array(indices), E, capacity, call=call)
        expect(keep is not None, f"{call} returned None. Is a return statement missing?")
        is_bool = isinstance(keep, np.ndarray) and keep.dtype == bool
        expect(is_bool, f"{call} must return a bool array, but returned {_describe(keep)}.")
        wanted = np.array(expected, dtype=bool)
        expect(keep.shape == wanted.shape, f"{call} has shape {keep.shape}, expected {wanted.shape}.")
        expect((keep == wanted).all(), f"{call} returned\n{keep}\nexpected\n{wanted}\n({why}).")
    passed(
        "capacity",
        "the capacity in five cases, who is dropped in four",
        "longer queues, more than two choices, a capacity of 0",
    )


def check_moe_backward(moe_backward):
    for k, experts in ((2, 4), (1, 3), (3, 3), (1, 9)):
        X, G, many = _example(tokens=5, width=3, hidden=4, experts=experts)
        dY = np.random.default_rng(7).standard_normal(X.shape)
        call = f"moe_backward(X, G, experts, {k}, dY) with X (5, 3) and {experts} experts"
        result = _call(moe_backward, X, G, many, k, dY, call=call)
        dX, dG, dexperts = expect_tuple(result, "dX", "dG", "dexperts", call=call)
        leaves = [_t(X).requires_grad_(), _t(G).requires_grad_()]
        tensors = [tuple(_t(w).requires_grad_() for w in expert) for expert in many]
        Y = _dense_mixture(*leaves, tensors, k)
        flat = [w for expert in tensors for w in expert]
        exact = torch.autograd.grad((Y * _t(dY)).sum(), [*leaves, *flat])
        expect(isinstance(dexperts, (list, tuple)), f"{call}: dexperts must be a list, but is {_describe(dexperts)}.")
        expect(len(dexperts) == experts, f"{call}: dexperts must have {experts} entries, but has {len(dexperts)}.")
        for i in range(experts):
            entry = f"{call}: dexperts[{i}]"
            expect(isinstance(dexperts[i], (list, tuple)), f"{entry} must be a tuple, but is {_describe(dexperts[i])}.")
            got = expect_tuple(dexperts[i], *GRADIENTS, call=f"{call}: dexperts[{i}]")
            for j, name in enumerate(GRADIENTS):
                expected = exact[2 + 4 * i + j]
                unused = "; no token chose this expert" if not expected.any() else ""
                expect_close(f"{name} of expert {i}", got[j], expected, call=call, why=f"autograd{unused}")
        expect_close("dG", dG, exact[1], call=call, why="autograd: scores, probabilities, gates")
        expect_close("dX", dX, exact[0], call=call, why="autograd: a token enters through its experts and the router")
    passed("moe_backward", "all gradients against autograd for k = 1, 2, 3, unused experts", "other sizes, one token")


def _example(tokens, width, hidden, experts):
    """X, G and experts with whole and half numbers; no two scores of a token are close (tested when this was written)."""
    rng = np.random.default_rng(2)
    X = rng.integers(-4, 5, (tokens, width)) / 2 + rng.integers(0, 2, (tokens, width)) / 8
    G = rng.standard_normal((experts, width))
    shapes = (hidden, width), (hidden,), (width, hidden), (width,)
    return X, G, [tuple(rng.standard_normal(shape) for shape in shapes) for _ in range(experts)]


def _torch_expert(expert):
    W1, b1, W2, b2 = (_t(w) for w in expert)
    layers = (
        torch.nn.Linear(*W1.T.shape, dtype=torch.float64),
        torch.nn.ReLU(),
        torch.nn.Linear(*W2.T.shape, dtype=torch.float64),
    )
    with torch.no_grad():
        for parameter, value in zip((*layers[0].parameters(), *layers[2].parameters()), (W1, b1, W2, b2), strict=True):
            parameter.copy_(value)
    return torch.nn.Sequential(*layers)


def _dense_mixture(X, G, experts, k):
    """Every expert on every token, which is just what the exercise must not do. For autograd to differentiate."""
    scores = torch.nn.functional.linear(X, G)
    chosen = scores >= torch.topk(scores, k).values[:, -1:]
    everyone = torch.ones_like(chosen)
    gates = torch.softmax(scores.masked_fill(~(everyone if k == 1 else chosen), -torch.inf), dim=1) * chosen
    linear = torch.nn.functional.linear
    outputs = torch.stack([linear(linear(X, W1, b1).relu(), W2, b2) for W1, b1, W2, b2 in experts], dim=1)
    return torch.einsum("te,ted->td", gates, outputs)


def _call(function, *args, call):
    """Call with these arguments and make sure that it leaves them as they were."""
    before = copy.deepcopy(args)
    result = function(*args)
    for i, (old, new) in enumerate(zip(before, args, strict=True)):
        expect(_same(old, new), f"{call} changed its argument number {i + 1} in place. Work on a copy.")
    return result


def _same(a, b):
    if isinstance(a, (list, tuple)):
        return all(_same(x, y) for x, y in zip(a, b, strict=True))
    return np.array_equal(a, b, equal_nan=isinstance(a, np.ndarray))


def _array(value, shape, name, call):
    expect(value is not None, f"{call}: {name} is None. Is a return statement missing?")
    expect(isinstance(value, np.ndarray), f"{call}: {name} must be a NumPy array, but is {_describe(value)}.")
    expect(value.shape == shape, f"{call}: {name} has shape {value.shape}, expected {shape}.")
    expect(value.dtype == np.float64, f"{call}: {name} must have dtype float64, but has {value.dtype}.")


def _integers(value, shape, name, call):
    is_int = isinstance(value, np.ndarray) and value.dtype.kind in "iu"
    expect(is_int, f"{call}: {name} must be an array of integers, but is {_describe(value)}.")
    expect(value.shape == shape, f"{call}: {name} has shape {value.shape}, expected {shape}.")


def _number(value, call):
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    is_number = isinstance(value, (float, np.floating, np.ndarray)) and np.ndim(value) == 0
    expect(is_number, f"{call} must return one number, but returned {_describe(value)}.")


def _describe(value):
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return "None" if value is None else f"a {type(value).__name__}"


def _t(array):
    return torch.tensor(array, dtype=torch.float64)
