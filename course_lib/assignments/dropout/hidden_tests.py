"""Hidden tests of dropout: one class per question, one ``@check`` per property."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_lib.assignments.dropout import reference, strategies
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
    assert_raises,
    check,
    fail,
)
from course_lib.checking.adapters import as_numpy
from course_lib.checking.statistics import assert_frequency
from course_lib.engine.proxy import StudentObject

dropout_forward = as_numpy(reference.dropout_forward)
dropout_backward = as_numpy(reference.dropout_backward)
l2_penalty = as_numpy(reference.l2_penalty)
early_stopping = as_numpy(reference.early_stopping)
magnitude_prune = as_numpy(reference.magnitude_prune)

# Every number is a product of two or three numbers below 1e2, or a sum of at most 50 such products of one sign (the
# squares of the penalty): relative errors below 1e-14 in float64, above 1e-8 in float32. 1e-10 is far from both.
EXACT = {"rtol": 1e-10, "atol": 1e-12}

# Not exact: mean and spread of up to 6 numbers below 20, in any order and by any formula. The textbook formula
# sqrt(E[y²] − E[y]²) loses most: 10·2⁻⁵³·400 in the variance, below 1e-12 in a spread above 0.5, as it is here.
SPREAD = {"rtol": 1e-9, "atol": 1e-9}

BAD_PROBABILITIES = (-0.1, 1.0, 1.5)


def forward_pass(student, x, p, u, training):
    """y and mask as arrays of x's shape."""
    y, mask = as_tuple(student.dropout_forward(x, p, u, training), "y", "mask")
    return as_array(y, x.shape, name="y"), as_array(mask, x.shape, kind="bool", name="mask")


class TestDropoutLayer:
    @check("float64 results of the right shape, a bool mask that says what y holds, arguments unchanged", examples=8)
    @given(layer=strategies.layers())
    def test_form(self, student, layer):
        x, p, u = layer
        for training in (True, False):
            y, mask = as_tuple(student.dropout_forward(x, p, u, training), "y", "mask")
            assert_float64(y, x.shape, name="y")
            mask = as_array(mask, x.shape, kind="bool", name="mask")
            assert_arguments_unchanged(student)
            if ((np.asarray(y) != 0) != mask).any():
                fail("y must be zero exactly where the mask is False (no x is zero here)", got=(y, mask))
            if training and mask.all():
                fail("the mask keeps every unit, though some of the uniforms in u are close to 0", got=mask)
            dx = student.dropout_backward(x, mask, p, training)
            assert_float64(dx, x.shape, name="dx")
            assert_arguments_unchanged(student)
            if ((np.asarray(dx) != 0) != mask).any():
                fail("dx must be zero exactly where the mask is False (no dy is zero here)", got=dx)

    @check("which units are kept", points=2, examples=12)
    @given(layer=strategies.layers(zeros=True))
    def test_mask(self, student, layer):
        x, p, u = layer
        _, mask = as_tuple(student.dropout_forward(x, p, u, True), "y", "mask")
        assert_equal(mask, u >= p, name="mask")

    @check("a uniform number exactly equal to p", examples=6)
    @given(layer=strategies.layers_on_the_boundary())
    def test_boundary(self, student, layer):
        x, p, u = layer
        _, mask = as_tuple(student.dropout_forward(x, p, u, True), "y", "mask")
        assert_equal(mask, u >= p, name="mask")

    @check("the values of the kept units in training", points=2, examples=12)
    @given(layer=strategies.layers())
    def test_values(self, student, layer):
        x, p, u = layer
        y, mask = forward_pass(student, x, p, u, True)
        if mask.all() or not mask.any():
            fail("with these uniforms some units must be kept and some dropped", got=mask)
        # judged by the mask that was returned: whether that one is right is another property
        expected, _ = dropout_forward(x, p, np.where(mask, 1.0, 0.0), True)
        assert_close(y, expected, name="y", **EXACT)

    @check("evaluation mode lets everything through, and training mode does not", examples=6)
    @given(layer=strategies.layers())
    def test_evaluation(self, student, layer):
        x, p, u = layer
        y, mask = as_tuple(student.dropout_forward(x, p, u, False), "y", "mask")
        assert_close(y, x, name="y", **EXACT)
        assert_equal(mask, np.ones(x.shape, dtype=bool), name="mask")
        assert_close(student.dropout_backward(x, mask, p, False), x, name="dx", **EXACT)
        y, _ = forward_pass(student, x, p, np.full(x.shape, 0.01), True)
        if (y == x).any():
            fail("in training mode with every uniform at 0.01 no unit may come through as it was", got=y)

    @check("the gradient in training", points=2, examples=12)
    @given(inputs=strategies.backward_inputs())
    def test_gradient(self, student, inputs):
        dy, mask, p = inputs
        dx = student.dropout_backward(dy, mask, p, True)
        assert_close(dx, dropout_backward(dy, mask, p, True), name="dx", **EXACT)

    @check("p = 0 and p close to 1 work; a p outside [0, 1) raises ValueError in both modes")
    def test_range_of_p(self, student):
        x, u = np.array([1.0, -2.0, 3.0]), np.array([0.25, 0.5, 0.999])
        y, mask = forward_pass(student, x, 0.0, u, True)
        assert_close(y, x, name="y", **EXACT)
        assert_equal(mask, np.array([True, True, True]), name="mask")
        y, mask = forward_pass(student, x, 0.98, u, True)
        assert_equal(mask, np.array([False, False, True]), name="mask")
        for p in BAD_PROBABILITIES:
            for training in (True, False):
                assert_raises(ValueError, student.dropout_forward, x, p, u, training)


def made(student, p, seed):
    """A layer of the student's."""
    __tracebackhide__ = True
    layer = student.Dropout(p, seed)
    if not isinstance(layer, StudentObject):
        fail("Dropout must be a class", got=layer)
    return layer


def layer_output(layer, x):
    """What a student's layer returns for x, as an array of x's shape."""
    return as_array(layer.forward(x), x.shape, name="forward(x)")


def kept(layer, x):
    """Which of x's units (none is zero) come through."""
    return layer_output(layer, x) != 0


def assert_chance(events, p, what):
    """Independent events of probability p happen as often as they should.

    One false alarm in 1e12 (``checking.statistics``), only with a message in percent.
    """
    try:
        assert_frequency(events, p)
    except CheckFailure:
        raise CheckFailure(f"{events.mean():.1%} of {events.size} units {what}; it should be about {p:.1%}") from None


def assert_independent(first, second, p, where):
    """Two sets of masks agree as often as independent ones do: both keep or both drop with probability (1−p)² + p².

    ``first`` and ``second`` hold different units or passes, so the entries of the comparison are independent.
    """
    assert_chance(first == second, (1 - p) ** 2 + p**2, f"have the same fate {where}")


class TestDropoutClass:
    @check("float64 results of the shape of the input, whatever that is; arguments unchanged")
    def test_form(self, student):
        layer = made(student, 0.5, 1)
        for shape in ((30, 4), (25, 8), (100,), (20, 4, 5)):
            x = np.arange(1.0, 1.0 + math.prod(shape)).reshape(shape)
            y = layer.forward(x)
            assert_float64(y, shape, name="forward(x)")
            assert_arguments_unchanged(student)
            dx = layer.backward(x)
            assert_float64(dx, shape, name="backward(dy)")
            assert_arguments_unchanged(student)
            # at least 100 units: all the same with probability 2⁻⁹⁹
            if not 0 < np.count_nonzero(y) < y.size:
                fail("a new layer with p = 0.5 must drop some units and keep some", got=y)

    @check("the fraction of units that is dropped")
    def test_rate(self, student):
        x = np.ones((20, 1000))
        for p, seed in ((0.15, 11), (0.7, 12)):
            assert_chance(~kept(made(student, p, seed), x), p, "are dropped")

    @check("the values of the kept units in training", examples=5)
    @given(p=st.sampled_from((0.0, 0.3, 0.5, 0.7)), seed=st.integers(0, 2**31 - 1))
    def test_values(self, student, p, seed):
        x = np.arange(1.0, 201.0).reshape(10, 20)
        y = layer_output(made(student, p, seed), x)
        mask = y != 0
        # a right layer keeps none or drops none of 200 with probability below 2·0.7²⁰⁰ = 2e-31
        if not mask.any() or (p > 0 and mask.all()):
            fail("in training some units must be kept and, unless p = 0, some dropped", got=y)
        expected = dropout_forward(x, p, np.where(mask, 1.0, -1.0), True)[0]
        assert_close(y, expected, name="forward(x)", **EXACT)

    @check("every unit of every row is dropped or kept on its own")
    def test_independent_units(self, student):
        p = 0.5
        mask = kept(made(student, p, 3), np.ones((200, 50)))
        assert_independent(mask[::2], mask[1::2], p, "in neighboring rows of a batch")
        assert_independent(mask[:100], mask[100:], p, "in the first and the second half of a batch")
        assert_independent(mask[:, ::2], mask[:, 1::2], p, "as the unit beside it")
        # 50 units: the likeliest number of dropped units has probability 0.112, so 200 equal ones below 1e-180
        if len(set(mask.sum(axis=1).tolist())) == 1:
            fail("exactly the same number of units is dropped in every row: they do not drop independently")

    @check("a fresh mask for every forward pass")
    def test_fresh_masks(self, student):
        p = 0.3
        layer = made(student, p, 4)
        x = np.ones((5, 1000))
        masks = [kept(layer, x) for _ in range(3)]
        for first, second in ((0, 1), (1, 2), (0, 2)):
            where = f"in forward passes {first + 1} and {second + 1}"
            assert_independent(masks[first], masks[second], p, where)
        # 1000 units: the likeliest number has probability 0.0275, so 8 equal ones below 0.0275⁷ = 2e-11
        if len({int(kept(layer, np.ones((20, 50))).sum()) for _ in range(8)}) == 1:
            fail("exactly the same number of units is dropped in every pass: they do not drop independently")

    @check("the seed decides: same seed, same masks; another seed, other masks")
    def test_seeds(self, student):
        p, x = 0.4, np.ones((40, 50))
        one, same, other = made(student, p, 5), made(student, p, 5), made(student, p, 77_003)
        first = kept(one, x)
        # in turn, so that a generator which is shared by the layers is found out
        if (first != kept(same, x)).any():
            fail("two layers made with the same seed must drop the same units in their first forward pass")
        assert_independent(first, kept(other, x), p, "in layers made with different seeds")
        if (kept(one, x) != kept(same, x)).any():
            fail("two layers made with the same seed must drop the same units in their second forward pass")

    @check("training mode at first, evaluation mode after eval(), training mode again after train()")
    def test_modes(self, student):
        x = np.arange(1.0, 101.0).reshape(10, 10)
        layer = made(student, 0.5, 6)
        masks = [kept(layer, x)]
        if masks[0].all():
            fail("a new layer must drop units: it starts in training mode")
        for _ in range(2):
            layer.eval()
            for _ in range(2):
                assert_close(layer.forward(x), x, name="forward(x) after eval()", **EXACT)
            layer.train()
            mask = kept(layer, x)
            if mask.all():
                fail("after train() the layer must drop units again")
            # of 100 units, by chance with probability 2⁻¹⁰⁰
            if any((mask == earlier).all() for earlier in masks):
                fail("after train() the layer drops the very units again that it dropped before")
            masks.append(mask)

    @check("backward belongs to the last forward pass")
    def test_backward(self, student):
        p, x = 0.4, np.arange(1.0, 201.0).reshape(10, 20)
        dy = np.linspace(-3.0, 4.0, x.size).reshape(x.shape)
        layer = made(student, p, 7)
        for _ in range(3):
            mask = kept(layer, x)
            if mask.all():
                fail("a new layer with p = 0.4 must drop some of 200 units")
            expected = dropout_backward(dy, mask, p, True)
            assert_close(layer.backward(dy), expected, name="backward(dy)", **EXACT)
            assert_close(layer.backward(2 * dy), 2 * expected, name="backward(2·dy), called next", **EXACT)
            layer.forward(x)
        layer.forward(0 * x)
        dx = as_array(layer.backward(dy), x.shape, name="backward(dy)")
        # all of 200 units dropped: 0.4²⁰⁰ = 3e-80
        if not dx.any():
            fail("after forward(x) with x = 0 the gradient is zero everywhere, as if every unit had been dropped")

    @check("backward after a forward pass in evaluation mode, and where the mode has changed since the forward pass")
    def test_backward_in_evaluation(self, student):
        x = np.arange(1.0, 101.0).reshape(10, 10)
        dy = np.linspace(-3.0, 4.0, x.size).reshape(x.shape)
        layer = made(student, 0.5, 8)
        layer.forward(x)
        if (as_array(layer.backward(dy), x.shape, name="backward(dy)") == dy).all():
            fail("in training mode backward must not return dy as it is")
        layer.eval()
        layer.forward(x)
        assert_close(layer.backward(dy), dy, name="backward(dy) after eval() and forward(x)", **EXACT)
        layer.train()
        assert_close(layer.backward(dy), dy, name="backward(dy) after eval(), forward(x) and train()", **EXACT)
        expected = dropout_backward(dy, kept(layer, x), 0.5, True)
        layer.eval()
        assert_close(layer.backward(dy), expected, name="backward(dy) after train(), forward(x) and eval()", **EXACT)
        layer = made(student, 0.5, 8)
        layer.eval()
        layer.forward(x)
        assert_close(layer.backward(dy), dy, name="backward(dy) of a new layer after eval() and forward(x)", **EXACT)

    @check("two layers in use at the same time do not disturb each other")
    def test_two_layers(self, student):
        x = np.arange(1.0, 101.0).reshape(10, 10)
        first, second = made(student, 0.5, 9), made(student, 0.25, 10)
        mask = kept(first, x)
        kept(second, x)
        if mask.all():
            fail("a new layer with p = 0.5 must drop some of 100 units")
        dx = as_array(first.backward(x), x.shape, name="backward(dy) of the first layer")
        if ((dx != 0) != mask).any():
            fail("the gradient of the first layer is not zero where its forward pass was zero", got=dx)
        second.eval()
        if kept(first, x).all():
            fail("eval() of one layer must not change the mode of another")

    @check("p = 0 works; a p outside [0, 1) raises ValueError when the layer is made")
    def test_range_of_p(self, student):
        x = np.array([[1.0, -2.0, 3.0]])
        assert_close(made(student, 0.0, 0).forward(x), x, name="forward(x)", **EXACT)
        for p in BAD_PROBABILITIES:
            assert_raises(ValueError, student.Dropout, p, 0)


class TestL2Penalty:
    @check("a number and a list of float64 arrays shaped like the weights, which stay as they were", examples=6)
    @given(arguments=strategies.weight_lists())
    def test_form(self, student, arguments):
        weights, lam = arguments
        value, grads = as_tuple(student.l2_penalty(weights, lam), "value", "grads")
        assert_float64(value, (), name="value")
        if not as_array(value, (), name="value") > 0:
            fail("the penalty of weights that are not all zero must be positive", got=value)
        grads = as_list(grads, len(weights), name="grads")
        for k, (grad, w) in enumerate(zip(grads, weights, strict=True)):
            assert_float64(grad, w.shape, name=f"grads[{k}]")
        assert_arguments_unchanged(student)

    @check("the value of the penalty", points=2, examples=15)
    @given(arguments=strategies.weight_lists())
    def test_value(self, student, arguments):
        value, _ = as_tuple(student.l2_penalty(*arguments), "value", "grads")
        assert_close(value, l2_penalty(*arguments)[0], name="value", **EXACT)

    @check("the gradients", points=2, examples=15)
    @given(arguments=strategies.weight_lists())
    def test_gradients(self, student, arguments):
        weights, lam = arguments
        _, grads = as_tuple(student.l2_penalty(weights, lam), "value", "grads")
        expected = l2_penalty(weights, lam)[1]
        for k, grad in enumerate(as_list(grads, len(weights), name="grads")):
            assert_close(grad, expected[k], name=f"grads[{k}]", **EXACT)
        _, grads = as_tuple(student.l2_penalty(weights, 0.0), "value", "grads")
        for k, grad in enumerate(as_list(grads, len(weights), name="grads (λ = 0)")):
            assert_close(grad, 0 * weights[k], name=f"grads[{k}] (λ = 0)", **EXACT)

    @check("the gradients are those of the value", examples=8)
    @given(arguments=strategies.weight_lists())
    def test_consistency(self, student, arguments):
        weights, lam = arguments
        # along the weights themselves; central differences of a quadratic are exact but for rounding, 1e-14/h
        h = 0.25
        values = [
            as_tuple(student.l2_penalty([s * w for w in weights], lam), "value", "grads")[0] for s in (1 + h, 1 - h)
        ]
        above, below = (float(as_array(value, (), name="value")) for value in values)
        slope = (above - below) / (2 * h)
        if slope == 0:
            fail("the value does not change when all weights grow", got=above)
        _, grads = as_tuple(student.l2_penalty(weights, lam), "value", "grads")
        claimed = 0.0
        for k, (grad, w) in enumerate(zip(as_list(grads, len(weights), name="grads"), weights, strict=True)):
            with np.errstate(all="ignore"):
                claimed += float((as_array(grad, w.shape, name=f"grads[{k}]") * w).sum())
        if not abs(claimed - slope) <= 1e-10 * abs(slope):  # NaN fails
            raise CheckFailure(
                "when all weights grow by the same small fraction, the value does not change as the gradients say",
                f"{claimed:.6g} times the fraction, by the gradients",
                f"{slope:.6g} times the fraction, by differences of the value",
            )


BOTH = "(best_epoch, stop_epoch)"


def stopping(student, *arguments):
    """Both results as Python ints."""
    best, stop = as_tuple(student.early_stopping(*arguments), "best_epoch", "stop_epoch")
    return as_integer(best, name="best_epoch"), as_integer(stop, name="stop_epoch")


class TestEarlyStopping:
    @check("two integers; the last epoch where the loss falls all the time", examples=6)
    @given(n=st.integers(2, 9), patience=strategies.patiences())
    def test_form(self, student, n, patience):
        losses = [1 + 2.0**-epoch for epoch in range(n)]
        best, stop = stopping(student, losses, patience)
        assert_arguments_unchanged(student)
        assert_equal(best, n - 1, name="best_epoch")
        assert_equal(stop, n - 1, name="stop_epoch")

    @check("the best epoch where patience never runs out", points=2, examples=15)
    @given(losses=strategies.loss_curves())
    def test_best_epoch(self, student, losses):
        best, _ = stopping(student, losses, len(losses))
        assert_equal(best, early_stopping(losses, len(losses))[0], name="best_epoch")

    @check("the epoch at which training stops", points=2, examples=25)
    @given(losses=strategies.loss_curves(), patience=strategies.patiences())
    def test_stop_epoch(self, student, losses, patience):
        _, stop = stopping(student, losses, patience)
        assert_equal(stop, early_stopping(losses, patience)[1], name="stop_epoch")

    @check("what comes after the stop does not matter", examples=6)
    @given(start=strategies.loss_curves(low=1, high=4), patience=strategies.patiences())
    def test_after_the_stop(self, student, start, patience):
        # the losses of `start` are positive, so the plateau is no improvement and the zeros after it would be one
        losses = [*start, *[max(start) + 1.0] * patience, 0.0, 0.0]
        expected = early_stopping(losses, patience)
        best, stop = stopping(student, losses, patience)
        assert_equal(best, expected[0], name="best_epoch")
        if stop > len(start) + patience - 1:
            fail("training goes on although patience has run out", got=stop, expected=expected[1])

    @check("the best epoch where losses are equal", examples=12)
    @given(losses=strategies.loss_curves(distinct=False))
    def test_equal_losses(self, student, losses):
        best, _ = stopping(student, losses, len(losses))
        assert_equal(best, early_stopping(losses, len(losses))[0], name="best_epoch")

    @check("the best epoch with min_delta: gains smaller than it, equal to it, and larger", examples=20)
    @given(losses=strategies.loss_curves(low=4), min_delta=st.sampled_from((0.125, 0.25, 0.5)))
    def test_min_delta(self, student, losses, min_delta):
        losses = [loss + 2 for loss in losses]  # there a fraction of the loss is more than min_delta
        best, _ = stopping(student, losses, len(losses), min_delta)
        assert_equal(best, early_stopping(losses, len(losses), min_delta)[0], name="best_epoch")

    @check("patience, min_delta and equal losses together", examples=30)
    @given(
        losses=strategies.loss_curves(low=4, distinct=False),
        patience=strategies.patiences(),
        min_delta=st.sampled_from((0.0, 0.125, 0.25)),
    )
    def test_together(self, student, losses, patience, min_delta):
        expected = early_stopping(losses, patience, min_delta)
        assert_equal(stopping(student, losses, patience, min_delta), expected, name=BOTH)

    @check("a NumPy array, large losses, losses around zero, a single epoch", examples=6)
    @given(losses=strategies.loss_curves(low=4))
    def test_unusual_inputs(self, student, losses):
        expected = early_stopping(losses, len(losses))
        assert_equal(stopping(student, 2.0**20 * np.array(losses), len(losses)), expected, name=BOTH)
        assert_arguments_unchanged(student)
        low = [loss - losses[1] for loss in losses]  # that of epoch 1 is 0, others are negative
        assert_equal(stopping(student, low, len(low)), expected, name=BOTH)
        assert_equal(stopping(student, [1.5], 2), (0, 0), name=BOTH)


class TestMagnitudePrune:
    @check("a float64 array and a bool mask; kept weights as they were, the others zero; w unchanged", examples=8)
    @given(arguments=strategies.prunable())
    def test_form(self, student, arguments):
        w, fraction = arguments
        pruned, mask = as_tuple(student.magnitude_prune(w, fraction), "w_pruned", "mask")
        assert_float64(pruned, w.shape, name="w_pruned")
        mask = as_array(mask, w.shape, kind="bool", name="mask")
        if mask.all() or not mask.any():
            fail("with this fraction some weights must stay and some must go", got=mask)
        assert_equal_floats(pruned, np.where(mask, w, 0.0), name="w_pruned (judged by the mask)")
        assert_arguments_unchanged(student)

    @check("how many weights go", points=2, examples=12)
    @given(arguments=strategies.prunable())
    def test_count(self, student, arguments):
        w, fraction = arguments
        mask = pruning_mask(student, w, fraction)
        assert_equal(int(np.sum(~mask)), int(fraction * w.size), name="the number of False entries of the mask")

    @check("no weight that stays is smaller than one that goes", points=2, examples=12)
    @given(arguments=strategies.prunable())
    def test_smallest(self, student, arguments):
        w, fraction = arguments
        mask = pruning_mask(student, w, fraction)
        if mask.all() or not mask.any():
            fail("with this fraction some weights must stay and some must go", got=mask)
        largest_gone, smallest_kept = np.abs(w)[~mask].max(), np.abs(w)[mask].min()
        if largest_gone > smallest_kept:
            fail(f"a magnitude of {largest_gone:g} goes while one of {smallest_kept:g} stays", got=mask)

    @check("equal magnitudes: how many go, and which", points=2, examples=15)
    @given(arguments=strategies.prunable_with_ties())
    def test_ties(self, student, arguments):
        expected = magnitude_prune(*arguments)[1]
        assert_equal(pruning_mask(student, *arguments), expected, name="mask")

    @check("fractions 0 and 1, and weights that are zero before pruning")
    def test_extremes(self, student):
        w = np.array([[0.0, -2.0, 1.0], [3.0, 0.0, -0.5]])
        for fraction, stays in ((0.0, True), (1.0, False)):
            pruned, mask = as_tuple(student.magnitude_prune(w, fraction), "w_pruned", "mask")
            assert_equal(mask, np.full(w.shape, stays), name="mask")
            assert_equal_floats(pruned, w if stays else 0 * w, name="w_pruned")


def pruning_mask(student, w, fraction):
    """The mask that a student's magnitude_prune returns, as a bool array of w's shape."""
    _, mask = as_tuple(student.magnitude_prune(w, fraction), "w_pruned", "mask")
    return as_array(mask, w.shape, kind="bool", name="mask")


def assert_equal_floats(got, expected, *, name):
    """Equal to the last bit (0.0 and −0.0 are equal): weights are copied, not computed."""
    assert_close(got, expected, rtol=0.0, name=name)


class Network:
    """A stochastic network with scripted answers; it starts over when they are used up. Counts its calls."""

    def __init__(self, x, outputs):
        self.x, self.outputs, self.calls = x, outputs, 0

    def forward(self, *args, **kwargs):
        if len(args) + len(kwargs) != 1:
            fail(f"forward takes one argument, the x that mc_dropout got, but it was called with {len(args)}")
        argument = [*args, *kwargs.values()][0]
        assert_close(argument, self.x, name="the argument of forward", **EXACT)
        self.calls += 1
        return self.outputs[(self.calls - 1) % len(self.outputs)]


def uncertain(student, x, outputs):
    """mean and std that a student computes from these answers, and how often the network was asked."""
    network = Network(x, outputs)
    result = student.mc_dropout(network.forward, x, len(outputs))
    calls, network.calls = network.calls, 0  # from the start again, should the call be repeated for a diagnosis
    mean, std = as_tuple(result, "mean", "std")
    return mean, std, calls


class TestMcDropout:
    @check("two float64 arrays of the shape of the network's output; x unchanged", examples=6)
    @given(passes=strategies.stochastic_passes())
    def test_form(self, student, passes):
        x, outputs = passes
        mean, std, _ = uncertain(student, x, outputs)
        assert_float64(mean, outputs[0].shape, name="mean")
        assert_float64(std, outputs[0].shape, name="std")
        assert_arguments_unchanged(student)
        if not (np.asarray(std) > 0).all():
            fail("the answers of the network differ in every element, so std must be positive", got=std)

    @check("the network runs once for every pass, on x", examples=6)
    @given(passes=strategies.stochastic_passes(low=1, high=20))
    def test_calls(self, student, passes):
        x, outputs = passes
        *_, calls = uncertain(student, x, outputs)
        assert_equal(calls, len(outputs), name="the number of calls of forward")

    @check("the mean over the passes", points=2, examples=10)
    @given(passes=strategies.stochastic_passes())
    def test_mean(self, student, passes):
        x, outputs = passes
        mean, *_ = uncertain(student, x, outputs)
        assert_close(mean, np.mean(outputs, axis=0), name="mean", **SPREAD)

    @check("the standard deviation over the passes", points=2, examples=10)
    @given(passes=strategies.stochastic_passes())
    def test_std(self, student, passes):
        x, outputs = passes
        _, std, _ = uncertain(student, x, outputs)
        assert_close(std, np.std(outputs, axis=0, ddof=0), name="std", **SPREAD)

    @check("a single pass, and a network whose answers are all the same")
    def test_no_spread(self, student):
        x = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 2.0]])
        answer = np.array([[1.0, -2.5], [0.0, 4.0], [-0.25, 8.0]])
        for passes in (1, 4):
            mean, std, _ = uncertain(student, x, [answer] * passes)
            # sums, means and squares of these numbers are exact in float64: any formula gives 0
            assert_close(mean, answer, name="mean", **EXACT)
            assert_close(std, 0 * answer, name="std", **SPREAD)
