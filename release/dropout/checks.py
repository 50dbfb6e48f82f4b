"""Visible checks of this notebook. They are yours to read; the score comes from hidden tests that look at more."""

import numpy as np
import torch
from torch.nn.utils import prune
from visible import expect, expect_close, expect_tuple, passed


def check_dropout_layer(dropout_forward, dropout_backward):
    """A table worked out by hand, the mean over all u, finite differences."""
    x = np.array([[1.0, 2.0, 3.0, 4.0], [-5.0, 6.0, 7.0, -8.0]])
    u = np.array([[0.10, 0.30, 0.90, 0.26], [0.19, 0.70, 0.05, 0.50]])
    p = 0.2
    given = f"dropout_forward(x, p=0.2, u, training=True) with x = {x.tolist()} and u = {u.tolist()}"
    y, mask = expect_tuple(dropout_forward(x.copy(), p, u.copy(), True), "y", "mask", call=given)
    _expect_mask(mask, [[False, True, True, True], [False, True, False, True]], given)
    by_hand = [[0.0, 2.5, 3.75, 5.0], [0.0, 7.5, 0.0, -10.0]]
    expect_close("y", y, by_hand, call=given, why="worked out by hand: what makes up for the 20 % that are missing?")

    even = (np.arange(1000) + 0.5) / 1000
    call = "dropout_forward of 1000 units x = 3, with u = 0.0005, 0.0015, …, 0.9995 and p = {}"
    for p_now in (0.0, 0.25, 0.9):
        y, mask = expect_tuple(
            dropout_forward(np.full(1000, 3.0), p_now, even, True), "y", "mask", call=call.format(p_now)
        )
        expect_close("y.mean()", _mean(y, call.format(p_now)), 3.0, call=call.format(p_now), why="E[y] = x")

    call = "dropout_forward(x, p=0.2, u, training=False)"
    y, mask = expect_tuple(dropout_forward(x.copy(), p, u.copy(), False), "y", "mask", call=call)
    expect_close("y", y, x, call=call, why="evaluation mode changes nothing")
    _expect_mask(mask, np.ones(x.shape, dtype=bool), call)

    for bad in (-0.1, 1.0, 1.5):
        _expect_value_error(
            lambda p_bad=bad: dropout_forward(x.copy(), p_bad, u.copy(), True), f"dropout_forward with p = {bad}"
        )

    dy = np.array([[0.5, -1.0, 2.0, 3.0], [1.5, 1.0, -2.0, 0.25]])
    for training in (True, False):
        _, mask = dropout_forward(x.copy(), p, u.copy(), training)
        slopes = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            step = np.zeros(x.shape)
            step[index] = 0.5  # y is linear in x, so a large step is exact
            above, below = (dropout_forward(x + s * step, p, u.copy(), training)[0] for s in (1, -1))
            slopes[index] = (dy * (above - below)).sum()
        call = f"dropout_backward(dy, mask, p=0.2, training={training}) with the mask of the forward pass"
        dx = dropout_backward(dy.copy(), mask.copy(), p, training)
        expect_close(
            "dx", dx, slopes, call=call, why="finite differences of the sum of dy * y over your dropout_forward"
        )
    passed(
        "dropout_forward and dropout_backward",
        checked="one table by hand, the mean of y, evaluation mode, the gradient, p outside [0, 1) in training mode",
        not_checked="u exactly equal to p, x that is zero, other shapes, full precision, p outside [0, 1) in evaluation "
        "mode, and that the arguments stay as they were",
    )


def check_dropout_class(Dropout):
    """Counts over 10 000 units, and identities between forward and backward."""
    call = "Dropout(p=0.2, seed=1)"
    ones = np.ones((100, 100))
    layer = Dropout(0.2, 1)
    y = _array(layer.forward(ones.copy()), ones.shape, f"{call}.forward(ones of shape (100, 100))")
    dropped = np.mean(y == 0)
    expect(
        0.15 < dropped < 0.25,
        f"{call}: a forward pass of 10 000 ones has {dropped:.1%} zeros; about 20 % are expected (17 % or 23 % would be "
        "7 standard deviations away). Is the layer in training mode from the start, and is p the drop probability?",
    )
    expect_close("the largest value", y.max(), 1.25, call=f"{call}.forward(ones)", why="worked out by hand")
    rows, columns = (y == 0).sum(axis=1), (y == 0).sum(axis=0)
    expect(
        (y[0] == 0).tolist() != (y[1] == 0).tolist() and rows.max() < 60 and columns.max() < 60,
        f"{call}.forward(ones): units of different rows, or of one row, share their fate. "
        "Every unit of every example is dropped or kept on its own.",
    )
    expect(
        rows.min() < rows.max(), f"{call}.forward(ones): every row has exactly {rows[0]} zeros; independent draws vary."
    )

    dx = layer.backward(ones.copy())
    why = "for x = dy = ones, forward and backward give the same array"
    expect_close("backward(ones)", dx, y, call=f"{call}, after forward(ones)", why=why)

    again = _array(layer.forward(ones.copy()), ones.shape, f"the second {call}.forward(ones)")
    expect(
        (again != y).any(), f"{call}: the second forward pass has the same mask as the first. Each draws a fresh one."
    )
    twin, other = Dropout(0.2, 1), Dropout(0.2, 2)
    expect_close(
        "forward(ones)", twin.forward(ones.copy()), y, call=f"a second layer {call}", why="same seed, same masks"
    )
    expect(
        (_array(other.forward(ones.copy()), ones.shape, "forward") != y).any(),
        "Dropout(p=0.2, seed=2) has the mask of Dropout(p=0.2, seed=1): does the seed reach your generator?",
    )

    fresh = Dropout(0.5, 3)
    fresh.eval()
    x = np.array([[1.0, -2.0, 3.0]])
    expect_close("forward(x)", fresh.forward(x.copy()), x, call="Dropout(0.5, 3) after eval()", why="y = x")
    expect_close(
        "backward(x)", fresh.backward(x.copy()), x, call="Dropout(0.5, 3) after eval() and forward", why="dx = dy"
    )
    for bad in (-0.1, 1.0, 1.5):
        _expect_value_error(lambda p_bad=bad: Dropout(p_bad, 0), f"Dropout({bad}, 0)")
    passed(
        "Dropout",
        checked="the fraction of dropped units, the scale, independence, fresh masks, seeds, eval(), backward once",
        not_checked="changing the mode to and fro, two layers in use at the same time, several forward or backward passes "
        "in a row, inputs that are zero, and that the arguments stay as they were",
    )


def check_l2_penalty(l2_penalty):
    """One value by hand, finite differences of it."""
    weights = [np.array([[1.0, -2.0], [3.0, 0.0], [0.0, 1.0]]), np.array([[0.5, -1.5]])]
    lam = 0.1
    call = f"l2_penalty({[w.tolist() for w in weights]}, lam=0.1)"
    value, grads = expect_tuple(l2_penalty([w.copy() for w in weights], lam), "value", "grads", call=call)
    expect_close("value", value, 0.875, call=call, why="worked out by hand: half of 0.1 · 17.5")
    expect(isinstance(grads, (list, tuple)), f"{call}: grads must be a list with one array for every array of weights.")
    expect(len(grads) == 2, f"{call}: grads has {len(grads)} entries, one for each of the 2 arrays is expected.")
    for k, w in enumerate(weights):
        slopes = np.zeros(w.shape)
        for index in np.ndindex(w.shape):
            values = []
            for step in (0.5, -0.5):  # the penalty is quadratic, so central differences are exact
                moved = [v.copy() for v in weights]
                moved[k][index] += step
                values.append(l2_penalty(moved, lam)[0])
            slopes[index] = values[0] - values[1]
        expect_close(f"grads[{k}]", grads[k], slopes, call=call, why="finite differences of your value")
    passed(
        "l2_penalty",
        checked="one value by hand, the gradients against finite differences",
        not_checked="other shapes and other λ, and that the weights stay as they were",
    )


def check_early_stopping(early_stopping):
    """Scripted losses; follow them with a finger."""
    script = [
        ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.9], (3,), (2, 5), "epochs 3, 4 and 5 are not below 3.0"),
        ([5.0, 4.0, 3.0, 3.5, 3.2, 3.1, 2.9], (4,), (6, 6), "epoch 6 comes just in time"),
        ([3.0, 2.0, 1.0], (1,), (2, 2), "every epoch improves"),
        ([4.0, 3.0, 3.0, 3.0, 2.0], (2,), (1, 3), "3.0 is not below 3.0"),
        ([4.0, 5.0, 3.0, 4.0, 3.5, 1.0], (2,), (2, 4), "epoch 2 improves, and the count starts again"),
        ([4.0, 3.9, 3.0, 2.9, 2.8], (2, 0.5), (2, 4), "2.9 and 2.8 are not below 3.0 − 0.5"),
    ]
    for losses, options, (best, stop), why in script:
        call = f"early_stopping({losses}, {', '.join(map(str, options))})"
        got = expect_tuple(early_stopping(list(losses), *options), "best_epoch", "stop_epoch", call=call)
        for name, value, wanted in zip(("best_epoch", "stop_epoch"), got, (best, stop)):
            expect_close(name, value, wanted, call=call, why=why)
            kind = np.asarray(value).dtype.kind
            expect(kind in "iu", f"{call}: {name} is {value!r}, and should be an int: epochs are counted.")
    passed(
        "early_stopping",
        checked=f"{len(script)} scripted runs",
        not_checked="several small gains that add up to more than min_delta, min_delta with losses of other sizes, a run "
        "of one epoch, losses given as an array, very large losses",
    )


def check_magnitude_prune(magnitude_prune):
    """torch.nn.utils.prune on weights without ties."""
    rng = np.random.default_rng(4)
    for shape, fraction, count in (((5, 7), 0.5, 17), ((3, 4), 0.25, 3), ((9,), 0.875, 7)):
        w = rng.normal(size=shape)
        call = f"magnitude_prune(w, fraction={fraction}) of random weights w with shape {shape}"
        pruned, mask = expect_tuple(magnitude_prune(w.copy(), fraction), "w_pruned", "mask", call=call)
        module = torch.nn.Module()
        module.weight = torch.nn.Parameter(torch.tensor(w))
        prune.l1_unstructured(module, "weight", amount=count)
        zeros = np.sum(_array(pruned, shape, call) == 0)
        expect(
            zeros == count, f"{call}: w_pruned has {zeros} zeros, and should have ⌊{fraction} · {w.size}⌋ = {count}."
        )
        expect_close("w_pruned", pruned, module.weight.detach().numpy(), call=call, why="torch.nn.utils.prune")
        _expect_mask(mask, module.weight_mask.numpy() == 1, call)
    passed(
        "magnitude_prune",
        checked="three arrays of distinct magnitudes against torch.nn.utils.prune",
        not_checked="equal magnitudes, weights that are zero before pruning, fractions 0 and 1, and that w stays as it was",
    )


def check_mc_dropout(mc_dropout):
    """A network with scripted answers, torch.std_mean."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 3))
    answers = rng.normal(size=(6, 4, 2))
    seen = []

    def forward(value):
        seen.append(np.array(value))
        return answers[(len(seen) - 1) % len(answers)].copy()

    call = "mc_dropout(forward, x, passes=6) with x of shape (4, 3) and answers of shape (4, 2)"
    mean, std = expect_tuple(mc_dropout(forward, x.copy(), 6), "mean", "std", call=call)
    expect(len(seen) == 6, f"{call}: forward was called {len(seen)} times, and should be called 6 times.")
    for value in seen:
        expect_close("the argument of forward", value, x, call=call, why="every pass gets the same x")
    wanted_std, wanted_mean = torch.std_mean(torch.tensor(answers), dim=0, correction=0)
    expect_close("mean", mean, wanted_mean.numpy(), call=call, why="torch.std_mean over the passes")
    expect_close("std", std, wanted_std.numpy(), call=call, why="torch.std_mean over the passes, correction=0")
    passed(
        "mc_dropout",
        checked="six scripted passes against torch.std_mean",
        not_checked="a single pass, a network without randomness, and that x stays as it was",
    )


def _array(value, shape, call):
    expect(value is not None, f"{call} returned None. Is a return statement missing?")
    expect(isinstance(value, np.ndarray), f"{call} must return a NumPy array, but returned a {type(value).__name__}.")
    expect(value.shape == shape, f"{call} has shape {value.shape}, expected {shape}.")
    return value


def _mean(value, call):
    return _array(value, (1000,), call).mean()


def _expect_mask(mask, wanted, call):
    wanted = np.asarray(wanted)
    mask = _array(mask, wanted.shape, f"{call}: the mask")
    expect(mask.dtype == bool, f"{call}: the mask has dtype {mask.dtype}, and should be bool.")
    wrong = np.argwhere(mask != wanted)
    if len(wrong):
        where = tuple(int(i) for i in wrong[0])
        expect(
            False,
            f"{call}: mask[{', '.join(map(str, where))}] is {mask[where]}, expected {wanted[where]} (True means kept).",
        )


def _expect_value_error(attempt, call):
    try:
        attempt()
    except ValueError:
        return
    except NotImplementedError:
        raise
    except Exception as error:
        expect(False, f"{call} raised {type(error).__name__}, and should raise ValueError: p must be in [0, 1).")
    expect(False, f"{call} must raise ValueError: p must be in [0, 1).")
