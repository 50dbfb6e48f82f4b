"""Visible checks of the notebook on optimizers. Their oracles are torch.optim, autograd and numbers worked out by hand."""

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed


def _expect_array(value, shape, *, call, name):
    expect(value is not None, f"{call} returned None for {name}. Is a return statement missing?")
    is_number = shape == () and isinstance(value, (float, np.floating))
    expect(
        is_number or isinstance(value, np.ndarray),
        f"{call}: {name} must be a NumPy array of shape {shape}, but is a {type(value).__name__}.",
    )
    expect(np.shape(value) == shape, f"{call}: {name} has shape {np.shape(value)}, expected {shape}.")
    dtype = np.asarray(value).dtype
    expect(dtype == np.float64, f"{call}: {name} has dtype {dtype}, expected float64.")


def _expect_unchanged(before, after, *, call, name):
    expect(
        np.array_equal(before, after),
        f"{call} changed its argument {name}. Make a new array (w = w - …) where you now change the old one (w -= …).",
    )


def _called_with(shape, function, call):
    """``function`` of an array, which must have this shape."""

    def grad(w):
        expect(
            isinstance(w, np.ndarray) and w.shape == shape,
            f"{call}: grad was called with {w!r}; it takes a point, an array of the shape of w0, {shape}.",
        )
        return function(w)

    return grad


def check_gradient_descent(gradient_descent):
    call = "gradient_descent(lambda w: 2 * w, w0=np.array([1.0, -2.0]), lr=0.25, steps=3)"
    w0 = np.array([1.0, -2.0])
    path = gradient_descent(_called_with((2,), lambda w: 2 * w, call), w0, 0.25, 3)
    _expect_unchanged([1.0, -2.0], w0, call=call, name="w0")
    _expect_array(path, (4, 2), call=call, name="path")
    expect(
        np.ptp(path, axis=0).max() > 0,
        f"{call}: all rows of path are equal. Is one and the same array appended again and again?",
    )
    by_hand = [[1.0, -2.0], [0.5, -1.0], [0.25, -0.5], [0.125, -0.25]]
    expect_close("path", path, by_hand, call=call, why="each step halves w here: w - 0.25 * 2w")

    target = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.0, 2.0]], dtype=torch.float64)
    w = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    sgd, points = torch.optim.SGD([w], lr=0.1), [w.detach().numpy().copy()]
    for _ in range(5):
        sgd.zero_grad()
        ((w - target) ** 4).sum().backward()
        w.grad.clamp_(-3, 3)
        sgd.step()
        points.append(w.detach().numpy().copy())
    call = "gradient_descent(grad, w0=np.zeros((2, 3)), lr=0.1, steps=5)"
    grad = _called_with((2, 3), lambda w: np.clip(4 * (w - target.numpy()) ** 3, -3, 3), call)
    path = gradient_descent(grad, np.zeros((2, 3)), 0.1, 5)
    _expect_array(path, (6, 2, 3), call=call, name="path")
    expect_close("path", path, points, call=call, why="torch.optim.SGD")
    passed(
        "gradient_descent",
        "a quadratic worked out by hand, and a (2, 3) matrix against torch.optim.SGD",
        "parameters without axes (0-d arrays), steps = 0, a start very near to a minimum or very far from it",
    )


def _batches(minibatches, n, batch_size, seed):
    call = f"minibatches(n={n}, batch_size={batch_size}, seed={seed})"
    batches = minibatches(n, batch_size, seed)
    expect(batches is not None, f"{call} returned None. Is a return statement missing?")
    expect(isinstance(batches, (list, tuple)), f"{call} must return a list, but returned a {type(batches).__name__}.")
    for k, batch in enumerate(batches):
        good = isinstance(batch, np.ndarray) and batch.ndim == 1 and batch.dtype.kind in "iu"
        expect(good, f"{call}: batch {k} must be a one-dimensional integer array, but is {batch!r}.")
    sizes = [len(batch) for batch in batches]
    wanted = [batch_size] * (n // batch_size) + [n % batch_size] * (n % batch_size > 0)
    expect(sizes == wanted, f"{call}: the batches have the sizes {sizes}, expected {wanted}.")
    indices = np.concatenate(batches)
    twice = sorted(set(range(n)) ^ set(indices.tolist()))
    expect(not twice, f"{call}: every index 0 … {n - 1} must be there exactly once; missing or out of range: {twice}.")
    return indices


def check_minibatches(minibatches):
    for n, batch_size in ((10, 4), (6, 3), (5, 5), (1, 1)):
        _batches(minibatches, n, batch_size, 0)
    first, again, other = (_batches(minibatches, 100, 10, seed) for seed in (0, 0, 1))
    expect((first == again).all(), "minibatches(n=100, batch_size=10, seed=0) differs from call to call.")
    expect((first != other).any(), "minibatches(n=100, batch_size=10, seed=…) is the same for seeds 0 and 1.")
    expect((first != np.arange(100)).any(), "minibatches(n=100, batch_size=10, seed=0) is not shuffled.")
    passed(
        "minibatches",
        "sizes, every index once, and the role of the seed",
        "whether the whole order is random, or only part of it; batches larger than the data",
    )


W0 = np.array([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])
GRADS = [
    np.array([[0.5, -1.0, 2.0], [4.0, 0.25, -3.0]]),
    np.array([[1.5, 1.0, -2.0], [0.5, -0.25, -1.0]]),
    np.array([[-0.5, 2.0, 1.0], [1.0, 3.0, 0.5]]),
]


def _torch_run(make, params=(W0,), grads=tuple([g] for g in GRADS)):
    """Parameters (as a list of arrays) and the optimizer's state of the first one, after every step."""
    tensors = [torch.tensor(w, requires_grad=True) for w in params]
    optimizer, history = make(tensors), []
    for step in grads:
        for w, g in zip(tensors, step):
            w.grad = torch.tensor(g)
        optimizer.step()
        found = optimizer.state[tensors[0]].items()
        state = {key: value.numpy().copy() for key, value in found if torch.is_tensor(value)}
        history.append(([w.detach().numpy().copy() for w in tensors], state))
    return history


def _check_steps(function, step, names, history, keys, source):
    """Call the function as ``step(t, w, g, *state)`` for each gradient, with what it returned before, and compare with torch."""
    values = [W0] + [np.zeros_like(W0) for _ in keys]
    for t, (g, (params, state)) in enumerate(zip(GRADS, history), start=1):
        call = f"{function}, step {t} with g=checks.GRADS[{t - 1}], "
        call += "w=checks.W0 and zeros for the rest" if t == 1 else f"and the rest as step {t - 1} returned it"
        given_g, *given = g.copy(), *(part.copy() for part in values)
        returned = expect_tuple(step(t, given[0], given_g, *given[1:]), *names, call=call)
        for name, old, new in zip(["g", *names], [g, *values], [given_g, *given]):
            _expect_unchanged(old, new, call=call, name=name)
        for name, value in zip(names, returned):
            _expect_array(value, W0.shape, call=call, name=name)
        for name, value, key in zip(names[1:], returned[1:], keys):
            expect_close(name, value, state[key], call=call, why=source)
        expect_close("w", returned[0], params[0], call=call, why=source)
        values = list(returned)


def check_momentum_step(momentum_step):
    history = _torch_run(lambda w: torch.optim.SGD(w, lr=0.1, momentum=0.75))
    _check_steps(
        "momentum_step",
        lambda t, w, g, v: momentum_step(w, g, v, 0.1, 0.75),
        ("w", "v"), history, ("momentum_buffer",), "torch.optim.SGD with lr=0.1, momentum=0.75",
    )  # fmt: skip
    passed(
        "momentum_step",
        "three steps of a (2, 3) matrix against torch.optim.SGD",
        "other shapes, such as (), and other settings",
    )


def check_rmsprop_step(rmsprop_step):
    history = _torch_run(lambda w: torch.optim.RMSprop(w, lr=0.1, alpha=0.8, eps=0.5))
    _check_steps(
        "rmsprop_step",
        lambda t, w, g, v: rmsprop_step(w, g, v, 0.1, 0.8, 0.5),
        ("w", "v"), history, ("square_avg",), "torch.optim.RMSprop with lr=0.1, alpha=gamma=0.8, eps=0.5",
    )  # fmt: skip
    call = "rmsprop_step(w=[1.0], g=[0.0], v=[0.0], lr=0.1, gamma=0.9, eps=1e-8)"
    w, _ = expect_tuple(rmsprop_step(np.ones(1), np.zeros(1), np.zeros(1), 0.1, 0.9, 1e-8), "w", "v", call=call)
    expect_close("w", w, [1.0], call=call, why="no gradient, no step")
    passed(
        "rmsprop_step",
        "three steps of a (2, 3) matrix against torch.optim.RMSprop, and a gradient of zero",
        "other shapes, such as (), other settings, very large gradients",
    )


def check_adam_step(adam_step):
    history = _torch_run(lambda w: torch.optim.Adam(w, lr=0.1, betas=(0.8, 0.95), eps=0.5))
    _check_steps(
        "adam_step",
        lambda t, w, g, m, v: adam_step(w, g, m, v, t, 0.1, 0.8, 0.95, 0.5),
        ("w", "m", "v"), history, ("exp_avg", "exp_avg_sq"), "torch.optim.Adam with lr=0.1, betas=(0.8, 0.95), eps=0.5",
    )  # fmt: skip
    call = "adam_step(w=[1.0], g=[2.0], m=[0.0], v=[0.0], t=1, lr=0.1, beta=0.5, gamma=0.75, eps=1.0, False)"
    one, two, zero = np.array([1.0]), np.array([2.0]), np.array([0.0])
    got = expect_tuple(adam_step(one, two, zero, zero, 1, 0.1, 0.5, 0.75, 1.0, False), "w", "m", "v", call=call)
    for name, value, by_hand in zip("wmv", got, (0.95, 1.0, 1.0)):
        expect_close(name, value, [by_hand], call=call, why="worked out by hand: m = 1, v = 1, a step of 0.1 · 1 / 2")
    passed(
        "adam_step",
        "three steps of a (2, 3) matrix against torch.optim.Adam, and one step without bias correction by hand",
        "other shapes, such as (), other settings, later steps, with and without bias correction",
    )


def _step(optimizer, params, grads, *, call):
    given = [[a.copy() for a in params], [a.copy() for a in grads]]
    new = optimizer.step(*given)
    expect(new is not None, f"{call}: step returned None. Is a return statement missing?")
    expect(isinstance(new, (list, tuple)), f"{call}: step must return a list, but returned a {type(new).__name__}.")
    expect(len(new) == len(params), f"{call}: step must return {len(params)} arrays, but returned {len(new)}.")
    for name, old, after in zip(("params", "grads"), (params, grads), given):
        for i, (a, b) in enumerate(zip(old, after)):
            _expect_unchanged(a, b, call=call, name=f"{name}[{i}]")
    for i, (w, old) in enumerate(zip(new, params)):
        _expect_array(w, old.shape, call=call, name=f"params[{i}]")
    return list(new)


def check_adamw(AdamW):
    start = [W0, np.array([2.0, -1.0]), np.array([1.0, 1.0])]
    grads = [[g, g[0, :2] + 1.0, -g[1, :2]] for g in GRADS]
    settings = "AdamW(lr=0.1, beta=0.8, gamma=0.95, eps=0.5, weight_decay={})"
    for decay in (0.0, 0.5):
        why = f"torch.optim.AdamW with lr=0.1, betas=(0.8, 0.95), eps=0.5, weight_decay={decay}"
        history = _torch_run(
            lambda w: torch.optim.AdamW(w, lr=0.1, betas=(0.8, 0.95), eps=0.5, weight_decay=decay), start, grads
        )
        first, params = AdamW(0.1, 0.8, 0.95, 0.5, decay), start
        for t, (step_grads, (expected, _)) in enumerate(zip(grads, history), start=1):
            call = f"{settings.format(decay)}, step {t} with three arrays"
            params = _step(first, params, step_grads, call=call)
            for i, (got, wanted) in enumerate(zip(params, expected)):
                expect_close(f"params[{i}]", got, wanted, call=call, why=why)

    call = settings.format(0.5) + ", a step with a gradient of zero"
    [w] = _step(AdamW(0.1, 0.8, 0.95, 0.5, 0.5), [W0], [np.zeros_like(W0)], call=call)
    expect_close("params[0]", w, 0.95 * W0, call=call, why="by hand: 1 - lr * weight_decay = 0.95 times the old value")

    call = "two optimizers that take turns"
    one, two = AdamW(0.1, 0.8, 0.95, 0.5, 0.0), AdamW(0.1, 0.8, 0.95, 0.5, 0.0)
    expected = _step(AdamW(0.1, 0.8, 0.95, 0.5, 0.0), [W0], [GRADS[0]], call=call)
    for name, optimizer in (("the first", one), ("the second", two)):
        [w] = _step(optimizer, [W0], [GRADS[0]], call=call)
        expect_close(f"params[0] of {name}", w, expected[0], call=call, why="the same optimizer alone")
    passed(
        "AdamW",
        "three arrays against torch.optim.AdamW with and without decay, decay alone, and two optimizers side by side",
        "parameters that are changed between two steps; parameters without axes; more than three steps",
    )


def check_warmup_cosine(warmup_cosine):
    table = [
        (0, 0.0, "the start is zero"),
        (1, 0.25, "a quarter of the warm-up"),
        (2, 0.5, "half of the warm-up"),
        (4, 1.0, "the peak"),
        (6, 0.1 + 0.9 * (2 + np.sqrt(2)) / 4, "a quarter of the decay: cos 45° = √2 / 2"),
        (8, 0.55, "half of the decay lies halfway between lr_max and lr_min"),
        (12, 0.1, "the end"),
        (13, 0.1, "after the end"),
        (20, 0.1, "long after the end"),
    ]
    for step, expected, why in table:
        call = f"warmup_cosine(step={step}, warmup=4, total=12, lr_max=1.0, lr_min=0.1)"
        expect_close("the rate", warmup_cosine(step, 4, 12, 1.0, 0.1), expected, call=call, why=why)
    for step, expected in ((0, 2.0), (5, 1.0), (10, 0.0)):
        call = f"warmup_cosine(step={step}, warmup=0, total=10, lr_max=2.0, lr_min=0.0)"
        expect_close("the rate", warmup_cosine(step, 0, 10, 2.0, 0.0), expected, call=call, why="no warm-up")
    passed(
        "warmup_cosine",
        "nine steps of one schedule, worked out by hand, and three of a schedule without warm-up",
        "other schedules",
    )


def _check_layers(got, expected, *, call, why):
    expect(
        isinstance(got, (list, tuple)) and len(got) == len(expected),
        f"{call}: params must be a list of {len(expected)} pairs (W, b).",
    )
    for k, (layer, wanted) in enumerate(zip(got, expected)):
        pair = expect_tuple(layer, "W", "b", call=f"{call}, params[{k}]")
        for name, part, array in zip("Wb", pair, wanted):
            expect_close(f"{name} of params[{k}]", part, array, call=call, why=why)


def _torch_training(X, y, params, lr, steps):
    """Full-batch gradient descent by torch: the parameters, and the loss after every step."""
    tensors = [torch.tensor(part, requires_grad=True) for layer in params for part in layer]
    X, y, losses = torch.tensor(X), torch.tensor(y), []

    def loss():
        h = X
        for k in range(0, len(tensors), 2):
            h = torch.nn.functional.linear(torch.relu(h) if k else h, tensors[k], tensors[k + 1])
        return torch.nn.functional.mse_loss(h, y)

    sgd = torch.optim.SGD(tensors, lr=lr)
    for _ in range(steps):
        sgd.zero_grad()
        loss().backward()
        sgd.step()
        losses.append(loss().item())
    arrays = [tensor.detach().numpy() for tensor in tensors]
    return list(zip(arrays[::2], arrays[1::2])), losses


def check_train(train):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal((6, 2))
    params = [(rng.standard_normal((4, 2)), rng.standard_normal(4)), (rng.standard_normal((2, 4)), np.zeros(2))]
    before = [[part.copy() for part in layer] for layer in params]

    call = "train(X, y, params, lr=0.05, batch_size=n, epochs=3, seed=0)"
    got, losses = expect_tuple(train(X, y, params, 0.05, 6, 3, 0), "params", "losses", call=call)
    for k, (old, layer) in enumerate(zip(before, params)):
        for name, a, b in zip("Wb", old, layer):
            _expect_unchanged(a, b, call=call, name=f"params ({name} of params[{k}])")
    why = "full-batch gradient descent by torch.optim.SGD on the mean squared error"
    expected, expected_losses = _torch_training(X, y, params, 0.05, 3)
    _check_layers(got, expected, call=call, why=why)
    expect_close("losses", losses, expected_losses, call=call, why=why)

    # Where all samples are the same, so are all batches: one epoch in three batches is three steps of full-batch descent.
    same_X, same_y = np.repeat(X[:1], 5, axis=0), np.repeat(y[:1], 5, axis=0)
    call = "train(X, y, params, lr=0.05, batch_size=2, epochs=2, seed=0) with five equal samples"
    got, losses = expect_tuple(train(same_X, same_y, params, 0.05, 2, 2, 0), "params", "losses", call=call)
    expected, expected_losses = _torch_training(same_X, same_y, params, 0.05, 6)
    _check_layers(got, expected, call=call, why="two epochs of three batches (2, 2 and 1 samples) are six equal steps")
    expect_close("losses", losses, [expected_losses[2], expected_losses[5]], call=call, why="after each epoch")

    call = "train(X, y, params, lr=0.05, batch_size=2, epochs=2, seed=…)"
    runs = [
        expect_tuple(train(X, y, params, 0.05, 2, 2, s), "params", "losses", call=call) for s in (0, 0, *range(1, 9))
    ]
    _check_layers(runs[1][0], runs[0][0], call=call, why="the same seed again")
    _, last = _torch_training(X, y, runs[0][0], 0.0, 1)
    expect_close(
        "losses[-1]", runs[0][1][-1], last[0], call=call, why="the loss of all samples under the returned params"
    )
    first_weights = [np.asarray(run[0][0][0]) for run in runs]
    expect(
        any(np.abs(w - first_weights[0]).max() > 1e-12 for w in first_weights[1:]),
        f"{call} gives the same parameters for nine seeds. Are the samples shuffled by the seed?",
    )
    passed(
        "train",
        "one batch of all samples against torch.optim.SGD, batches of equal samples, the last loss, the seed",
        "whether every epoch has a new order, a smaller last batch of samples that differ, a rate at which the loss rises",
    )
