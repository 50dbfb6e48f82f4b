"""Hidden tests of condensation: one class per question, one ``@check`` per property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_lib.assignments.condensation import reference, strategies
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
from course_lib.checking.rendering import render

fourier_coefficients = as_numpy(reference.fourier_coefficients)
relative_frequency_error = as_numpy(reference.relative_frequency_error)
neuron_directions = as_numpy(reference.neuron_directions)
condensed_groups = as_numpy(reference.condensed_groups)
two_layer_train = as_numpy(reference.two_layer_train)

# Sums of at most a hundred products of numbers below 1e3 in float64, and angles below 2π·16·48 ≈ 5e3, known to 1e-12:
# errors below 1e-11. 1e-9 is two orders above, and a hundred below float32.
EXACT = {"rtol": 1e-9, "atol": 1e-9}


def solved(inputs: st.SearchStrategy[Any], oracle: Callable[..., Any]) -> st.SearchStrategy[Any]:
    """Pairs of arguments and the right result, which is so computed once per process and not for every student."""
    return inputs.map(lambda arguments: (arguments, oracle(*arguments)))


class TestFourier:
    @check(
        "fourier_coefficients returns a complex array with one entry for each frequency, "
        "also for a list of frequencies, and leaves its arguments as they were",
        examples=8,
    )
    @given(case=solved(strategies.sampled_functions(), fourier_coefficients))
    def test_coefficients_form(self, student, case):
        call, expected = case
        c = student.fourier_coefficients(*call)
        array = as_array(c, (len(call[1]),), kind="complex", name="c")
        if np.asarray(c).dtype != np.complex128:
            fail(f"c must have dtype complex128, but has {np.asarray(c).dtype}", got=c)
        assert_arguments_unchanged(student)
        if not array.any() and np.abs(expected).max() > 1e-6:
            fail("c is all zeros", got=c)

    @check("the values of the coefficients", points=2, examples=16)
    @given(case=solved(strategies.sampled_functions(), fourier_coefficients))
    def test_coefficients(self, student, case):
        call, expected = case
        assert_close(student.fourier_coefficients(*call), expected, name="c", **EXACT)

    @check("the coefficients of negative frequencies, and of those beyond the number of samples", examples=8)
    @given(case=solved(strategies.sampled_functions(beyond=True), fourier_coefficients))
    def test_any_frequency(self, student, case):
        call, expected = case
        assert_close(student.fourier_coefficients(*call), expected, name="c", **EXACT)

    @check(
        "relative_frequency_error returns a real array with one entry for each frequency, leaves its arguments as they "
        "were, and is right for three predictions: nothing, the target itself, and the target upside down",
        examples=6,
    )
    @given(call=strategies.predictions())
    def test_error_landmarks(self, student, call):
        prediction, target, freqs = call
        e = student.relative_frequency_error(prediction, target, freqs)
        assert_float64(e, (len(freqs),), name="e")
        assert_arguments_unchanged(student)
        for guess, value, what in (
            (np.zeros_like(target), 1.0, "prediction 0"),
            (target.copy(), 0.0, "prediction = target"),
            (-target, 2.0, "prediction = −target"),
        ):
            e = student.relative_frequency_error(guess, target, freqs)
            assert_close(e, np.full(len(freqs), value), name=f"e ({what})", **EXACT)

    @check("the values of the relative errors", points=2, examples=14)
    @given(case=solved(strategies.predictions(), relative_frequency_error))
    def test_errors(self, student, case):
        call, expected = case
        assert_close(student.relative_frequency_error(*call), expected, name="e", **EXACT)


def assert_order(value: Any, expected: list[int]) -> None:
    """These frequencies in this order. A list; a tuple or a flat array will do, and 3.0 for 3."""
    __tracebackhide__ = True
    if isinstance(value, np.ndarray) and value.ndim == 1:
        value = value.tolist()
    got = [float(as_array(k, (), name="a frequency")) for k in as_list(value)]
    if got == expected:
        return
    shown, wanted = render(value), render(expected)
    if len(set(got)) < len(got):
        raise CheckFailure("a frequency is listed twice", shown, wanted)
    if set(got) == set(expected):
        raise CheckFailure("the frequencies are in the wrong order", shown, wanted)
    missing = [k for k in expected if k not in got]
    more = [f"{k:g}" for k in got if k not in expected]
    said = [f"{', '.join(map(str, missing))} missing"] * bool(missing) + [f"{', '.join(more)} too many"] * bool(more)
    raise CheckFailure(f"the list holds the wrong frequencies: {'; '.join(said)}", shown, wanted)


class TestConvergenceOrder:
    @check(
        "returns the frequencies as a list in the order in which their errors fall below the threshold, "
        "and leaves its arguments as they were",
        points=2,
        examples=10,
    )
    @given(case=strategies.error_curves())
    def test_falling(self, student, case):
        call, expected = case
        result = student.convergence_order(*call)
        assert_arguments_unchanged(student)
        assert_order(result, expected)

    @check("errors that fall below the threshold, rise above it again, and come back", examples=10)
    @given(case=strategies.error_curves(dips=True))
    def test_dips(self, student, case):
        call, expected = case
        assert_order(student.convergence_order(*call), expected)

    @check("errors that are above the threshold at the end", examples=10)
    @given(case=strategies.error_curves(never=True))
    def test_never(self, student, case):
        call, expected = case
        assert_order(student.convergence_order(*call), expected)

    @check("errors that fall below the threshold at the same step", examples=10)
    @given(case=strategies.error_curves(ties=True))
    def test_ties(self, student, case):
        call, expected = case
        assert_order(student.convergence_order(*call), expected)

    @check("an error exactly at the threshold", examples=8)
    @given(case=strategies.error_curves(never=True, edge=1.0))
    def test_at_the_threshold(self, student, case):
        call, expected = case
        assert_order(student.convergence_order(*call), expected)

    @check("an error that is NaN", examples=8)
    @given(case=strategies.error_curves(edge=np.nan))
    def test_nan(self, student, case):
        call, expected = case
        assert_order(student.convergence_order(*call), expected)
        # A NaN between errors below the threshold ends a stretch.
        errors = np.array([[0.1, 0.9], [np.nan, 0.1], [0.1, 0.1], [0.1, 0.1]])
        assert_order(student.convergence_order(errors, [1, 2], 0.5), [2, 1])


def assert_count(value: Any, expected: int) -> None:
    __tracebackhide__ = True
    assert_equal(as_integer(value, name="number of groups"), expected, name="number of groups")


class TestCondensedGroups:
    @check(
        "neuron_directions returns float64 arrays (H, d+1) and (H,), vectors of length 1, "
        "and leaves its arguments as they were",
        examples=6,
    )
    @given(network=strategies.networks())
    def test_directions_form(self, student, network):
        w, _, _ = network
        units, amplitude = as_tuple(student.neuron_directions(*network), "units", "amplitude")
        assert_float64(units, (len(w), w.shape[1] + 1), name="units")
        assert_float64(amplitude, (len(w),), name="amplitude")
        assert_arguments_unchanged(student)
        assert_close(np.sum(units**2, axis=1), np.ones(len(w)), name="the squared length of each unit vector", **EXACT)

    @check("the directions", examples=12)
    @given(case=solved(strategies.networks(), neuron_directions))
    def test_units(self, student, case):
        network, expected = case
        units, _ = as_tuple(student.neuron_directions(*network), "units", "amplitude")
        assert_close(units, expected[0], name="units", **EXACT)

    @check("the amplitudes", examples=12)
    @given(case=solved(strategies.networks(), neuron_directions))
    def test_amplitudes(self, student, case):
        network, expected = case
        _, amplitude = as_tuple(student.neuron_directions(*network), "units", "amplitude")
        assert_close(amplitude, expected[1], name="amplitude", **EXACT)

    @check("neurons whose weights and bias are all zero", examples=8)
    @given(network=strategies.networks(zeros=True))
    def test_zero_neurons(self, student, network):
        w, b, _ = network
        units, amplitude = as_tuple(student.neuron_directions(*network), "units", "amplitude")
        units = as_array(units, (len(w), w.shape[1] + 1), name="units")
        amplitude = as_array(amplitude, (len(w),), name="amplitude")
        if not np.isfinite(units).all():
            fail("units holds NaN or infinity", got=units)
        zero = ~(w.any(axis=1) | (b != 0))
        # Only what is asked of zero neurons, and that the others are none: their values have properties of their own.
        assert_close(units[zero], np.zeros_like(units[zero]), name="units (of the zero neurons)", **EXACT)
        assert_close(amplitude[zero], np.zeros(int(zero.sum())), name="amplitude (of the zero neurons)", **EXACT)
        assert_close(np.sum(units[~zero] ** 2, axis=1), np.ones(int((~zero).sum())), name="the squared length", **EXACT)

    # A tiny number added to the length against division by zero (1e-12) changes 1e-5 by 1e-7: allowed; 1e-8 is not.
    @check("the directions of neurons that are very small, as after a small initialization", examples=6)
    @given(network=strategies.networks(scale=1e-5))
    def test_small_neurons(self, student, network):
        units, _ = as_tuple(student.neuron_directions(*network), "units", "amplitude")
        units = as_array(units, (len(network[0]), network[0].shape[1] + 1), name="units")
        lengths = np.linalg.norm(units, axis=1)
        assert_close(lengths, np.ones(len(lengths)), rtol=1e-6, name="the length of each unit vector")
        # Smaller still, and not zero. What adds 1e-12 to the length of 1e-9 or more is within a thousandth of 1.
        tiny = [1e-4 * part for part in network]
        units, _ = as_tuple(student.neuron_directions(*tiny), "units", "amplitude")
        units = as_array(units, (len(tiny[0]), tiny[0].shape[1] + 1), name="units")
        lengths = np.linalg.norm(units, axis=1)
        assert_close(lengths, np.ones(len(lengths)), rtol=1e-2, name="the length of each unit vector")

    @check("condensed_groups returns an int, leaves its arguments as they were, and counts well separated groups")
    def test_groups_form(self, student):
        units = np.array([[1.0, 0.0], [0.0, 1.0], [0.8, 0.6], [0.6, 0.8], [1.0, 0.0]])
        # Angles to the first axis: 0°, 90°, 36.9°, 53.1°, 0°. The cosine of 16.3° is 0.96, that of 36.9° is 0.8.
        for threshold, expected in ((0.9, 3), (0.98, 4)):
            count = student.condensed_groups(units, np.ones(5), threshold, 0.1)
            assert_arguments_unchanged(student)
            assert_count(count, expected)

    @check("the number of groups among bundles of similar directions", examples=10)
    @given(case=strategies.bundles())
    def test_groups(self, student, case):
        call, expected = case
        assert_count(student.condensed_groups(*call), expected)

    @check("neurons that are connected through others, in long chains and at random", points=2, examples=8)
    @given(case=strategies.chains(), scattered=solved(strategies.random_directions(), condensed_groups))
    def test_chains(self, student, case, scattered):
        for call, expected in (case, scattered):
            assert_count(student.condensed_groups(*call), expected)

    @check("neurons of opposite direction", examples=8)
    @given(case=strategies.bundles(opposite=True))
    def test_opposite(self, student, case):
        call, expected = case
        assert_count(student.condensed_groups(*call), expected)

    @check("weak neurons: in groups, alone, between groups, and none but weak ones", examples=8)
    @given(case=strategies.bundles(weak=True), bridge=strategies.bridges())
    def test_weak(self, student, case, bridge):
        for call, expected in (case, bridge):
            assert_count(student.condensed_groups(*call), expected)
        units, amplitude, threshold, _ = case[0]
        assert_count(student.condensed_groups(units, amplitude, threshold, 100.0), 0)

    @check("a cosine exactly at the threshold, an amplitude exactly at the limit")
    def test_limits(self, student):
        axes = np.eye(3)  # the cosine of two axes is exactly 0, in whatever way it is computed
        assert_count(student.condensed_groups(axes, np.array([1.0, 2.0, 1.5]), 0.0, 0.5), 1)
        assert_count(student.condensed_groups(axes, np.array([1.0, 2.0, 0.5]), 0.5, 0.5), 2)


class TestProductGradients:
    @check("product_gradients returns two numbers, and the gradient with respect to b is right", examples=10)
    @given(call=strategies.products())
    def test_b(self, student, call):
        db, dc = as_tuple(student.product_gradients(*call), "db", "dc")
        assert_close(db, reference.product_gradients(*call)[0], name="db", **EXACT)
        as_array(dc, (), name="dc")
        _, c, x, y = call
        db, _ = as_tuple(student.product_gradients(0.0, c, x, y), "db", "dc")
        assert_close(db, -y * c * x, name="db", **EXACT)

    @check("the gradient with respect to c", examples=10)
    @given(call=strategies.products())
    def test_c(self, student, call):
        _, dc = as_tuple(student.product_gradients(*call), "db", "dc")
        assert_close(dc, reference.product_gradients(*call)[1], name="dc", **EXACT)
        b, _, x, y = call
        _, dc = as_tuple(student.product_gradients(b, 0.0, x, y), "db", "dc")
        assert_close(dc, -y * b * x, name="dc", **EXACT)

    # Second order: relative lr·|residual·x·bc|/(b²+c²) < 2⁻²⁰·100. Cancellation in b′c′ − bc: 1e-14 over 2⁻²⁰·1e-3.
    @check("effective_step for a tiny learning rate", examples=10)
    @given(call=strategies.product_steps(lr=(2.0**-20,)))
    def test_tiny_step(self, student, call):
        delta = as_array(student.effective_step(*call), (), name="delta")
        assert_close(delta, reference.effective_step(*call), rtol=1e-3, name="delta")

    @check("effective_step for any learning rate", points=2, examples=12)
    @given(call=strategies.product_steps())
    def test_step(self, student, call):
        assert_close(student.effective_step(*call), reference.effective_step(*call), name="delta", **EXACT)

    @check("effective_step where nothing may move and close by: at b = c = 0, and where the prediction is right")
    def test_fixed_points(self, student):
        # (b, c, x, y, lr) and the change: at rest; nearly so, b = c = 1/8: g = −(4 − 1/64), b′ = c′ = 1/8 − g/16.
        assert_close(student.effective_step(0.0, 0.0, 1.0, 4.0, 0.5), 0.0, name="delta", **EXACT)
        assert_close(student.effective_step(2.0, 1.5, 2.0, 6.0, 0.25), 0.0, name="delta", **EXACT)
        near = (0.125 + (4 - 1 / 64) / 16) ** 2 - 1 / 64
        assert_close(student.effective_step(0.125, 0.125, 1.0, 4.0, 0.5), near, name="delta", **EXACT)
        # Only one factor is 0: it moves, b′ = 0.5·4·2 = 4, and the product with it.
        assert_close(student.effective_step(0.0, 2.0, 1.0, 4.0, 0.5), 8.0, name="delta", **EXACT)


NAMES = ("w", "b", "a", "losses")


def trained(student: Any, call: tuple[Any, ...]) -> dict[str, Any]:
    """The four parts of a result, unread."""
    __tracebackhide__ = True
    return dict(zip(NAMES, as_tuple(student.two_layer_train(*call), *NAMES), strict=True))


def assert_part(student: Any, case: tuple[Any, Any], *names: str) -> None:
    """These parts are those of the reference."""
    __tracebackhide__ = True
    call, expected = case
    got = trained(student, call)
    for name, right in zip(NAMES, expected, strict=True):
        if name in names:
            assert_close(got[name], right, name=name, **EXACT)


class TestTwoLayerTrain:
    @check(
        "returns float64 arrays w, b, a of the shapes they had and losses (steps+1,), trains all three, "
        "and leaves its arguments as they were",
        examples=5,
    )
    @given(call=strategies.trainings())
    def test_form(self, student, call):
        got, steps = trained(student, call), call[-1]
        for name, before in zip(NAMES, call[2:5], strict=False):
            assert_float64(got[name], before.shape, name=name)
        assert_float64(got["losses"], (steps + 1,), name="losses")
        assert_arguments_unchanged(student)
        for name, before in zip(NAMES, call[2:5], strict=False):
            if np.array_equal(got[name], before):
                fail(f"{name} is as it was before training", got=got[name])

    @check("the loss before the first step, also when there is none (steps = 0)", examples=8)
    @given(case=solved(strategies.trainings(steps=(0, 2)), two_layer_train))
    def test_first_loss(self, student, case):
        call, expected = case[0], case[1][3][:1]
        losses = trained(student, call)["losses"]
        assert_close(as_array(losses, (call[-1] + 1,), name="losses")[:1], expected, name="losses[:1]", **EXACT)
        none = trained(student, (*call[:-1], 0))
        assert_close(none["losses"], expected, name="losses (steps = 0)", **EXACT)
        for name, before in zip(NAMES, call[2:5], strict=False):
            assert_close(none[name], before, name=f"{name} (steps = 0)", **EXACT)

    @check("one step: the output weights a", examples=8)
    @given(case=solved(strategies.trainings(steps=(1, 1)), two_layer_train))
    def test_output_weights(self, student, case):
        assert_part(student, case, "a")

    @check("one step: the input weights w", examples=8)
    @given(case=solved(strategies.trainings(steps=(1, 1)), two_layer_train))
    def test_input_weights(self, student, case):
        assert_part(student, case, "w")

    @check("one step: the biases b", examples=8)
    @given(case=solved(strategies.trainings(steps=(1, 1)), two_layer_train))
    def test_biases(self, student, case):
        assert_part(student, case, "b")

    # Each step amplifies an error by at most 1 + lr·curvature, a few units: after six, 1e-15 is still below 1e-11.
    @check("several steps: all parameters", points=2, examples=8)
    @given(case=solved(strategies.trainings(), two_layer_train))
    def test_several_steps(self, student, case):
        assert_part(student, case, "w", "b", "a")

    @check("the losses of several steps", examples=8)
    @given(case=solved(strategies.trainings(), two_layer_train))
    def test_losses(self, student, case):
        assert_part(student, case, "losses")

    @check("a neuron whose weights and bias are zero (ReLU′(0) = 0): the parameters after training", examples=8)
    @given(call=strategies.trainings(dead=True))
    def test_dead_neuron(self, student, call):
        got, dead = trained(student, call), ~call[2].any(axis=1)
        for name, before in zip(NAMES, call[2:5], strict=False):
            after = as_array(got[name], before.shape, name=name)
            assert_close(after[dead], before[dead], name=f"{name} (of the zero neurons)", **EXACT)
            if np.array_equal(after[~dead], before[~dead]):
                fail(f"{name} is as it was before training, for every neuron", got=after)

    # Judged as a curve: rounding shifts it by far less than one per cent, even where a unit crosses its kink.
    @check("the loss curve of a longer training, to one per cent", examples=1)
    @given(case=solved(st.builds(strategies.long_training), two_layer_train))
    def test_long_curve(self, student, case):
        call, expected = case
        assert_close(trained(student, call)["losses"], expected[3], rtol=0.01, name="losses")
