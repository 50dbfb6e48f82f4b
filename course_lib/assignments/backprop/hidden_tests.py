"""Hidden tests of backprop: one class per question, one ``@check`` per property."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from course_lib.assignments.backprop import reference, strategies
from course_lib.checking import (
    as_array,
    as_list,
    as_tuple,
    assert_arguments_unchanged,
    assert_close,
    assert_float64,
    check,
    fail,
)
from course_lib.checking.adapters import as_numpy

# A few dozen products and sums of numbers below 1e3 in float64: errors below 1e-12 of the largest intermediate
# value, which cancellation can make larger than the result. 1e-9 is three orders above that. (Where the toy network's
# pre-activations are thousands all of them are, so it holds relative to their size.)
EXACT = {"rtol": 1e-9, "atol": 1e-9}

ELEMENTWISE = ("relu_grad", "sigmoid", "sigmoid_grad", "tanh_grad")
SHAPES = ((), (0,), (3,), (2, 3), (2, 0, 1), (2, 1, 3))

relu_grad = as_numpy(reference.relu_grad)
sigmoid = as_numpy(reference.sigmoid)
sigmoid_grad = as_numpy(reference.sigmoid_grad)
tanh_grad = as_numpy(reference.tanh_grad)
toy_forward = as_numpy(reference.toy_forward)
toy_backward = as_numpy(reference.toy_backward)
linear_forward = as_numpy(reference.linear_forward)
linear_backward = as_numpy(reference.linear_backward)
softmax_cross_entropy = as_numpy(reference.softmax_cross_entropy)
mlp_forward = as_numpy(reference.mlp_forward)
mlp_backward = as_numpy(reference.mlp_backward)


def call(student: Any, name: str, *args: Any) -> Any:
    return getattr(student, name)(*args)


# Two slips of form cost the points of the form property alone; the properties about values see through them.


def numbers_of(value: Any, count: int, name: str) -> np.ndarray:
    """A vector (count,), also from a list of numbers."""
    __tracebackhide__ = True
    if isinstance(value, (list, tuple)) and len(value) == count:
        return np.array([as_array(item, (), name=f"{name}[{i}]") for i, item in enumerate(value)])
    return as_array(value, (count,), name=name)


def number_of(value: Any, name: str) -> np.ndarray:
    """A number (), also from an array of one element."""
    __tracebackhide__ = True
    if isinstance(value, np.ndarray) and value.shape in ((1,), (1, 1)):
        value = value.reshape(())
    return as_array(value, (), name=name)


class TestElementwise:
    @check("all four return a new float64 array of the shape of z, whatever that shape is")
    @given(shape=st.sampled_from(SHAPES))
    def test_form(self, student, shape):
        z = np.linspace(-2.0, 3.0, int(np.prod(shape))).reshape(shape)
        for name in ELEMENTWISE:
            assert_float64(call(student, name, z), shape, name=f"{name}(z)")
            assert_arguments_unchanged(student)

    @check("relu_grad on either side of the kink", examples=12)
    @given(z=strategies.moderate_arrays())
    def test_relu_grad(self, student, z):
        for each in (z, np.array([1e-9, -1e-9, 1000.0, -1000.0])):
            assert_close(student.relu_grad(each), relu_grad(each), rtol=0, atol=1e-12, name="relu_grad(z)")

    @check("relu_grad at the kink")
    def test_relu_grad_at_zero(self, student):
        # Together with its neighbours, so that zeros everywhere do not pass.
        got = student.relu_grad(np.array([-1.0, 0.0, -0.0, 1.0]))
        assert_close(got, [0.0, 0.0, 0.0, 1.0], rtol=0, atol=1e-12, name="relu_grad(z)")

    @check("sigmoid for moderate z", examples=12)
    @given(z=strategies.moderate_arrays())
    def test_sigmoid(self, student, z):
        # |z| is about 5 at most: even 1/2 + tanh(z/2)/2, which cancels for z < 0, errs by less than 1e-13 relative.
        assert_close(student.sigmoid(z), sigmoid(z), rtol=1e-12, name="sigmoid(z)")

    @check("sigmoid to twelve digits for |z| up to 1000", points=2, examples=10)
    @given(z=strategies.large_arrays())
    def test_sigmoid_digits(self, student, z):
        z = np.concatenate([z, [-30.0, 30.0, -600.0, 1000.0, -1000.0]])
        # exp is accurate to an ulp, a few operations follow: below 1e-15. In the log domain |z|·1e-16, below 1e-13.
        # Below the smallest normal number, 2.2e-308, float64 has no twelve digits: atol lets any value there pass.
        assert_close(student.sigmoid(z), sigmoid(z), rtol=1e-12, atol=2.3e-308, name="sigmoid(z)")

    @check("sigmoid_grad for moderate z", examples=12)
    @given(z=strategies.moderate_arrays())
    def test_sigmoid_grad(self, student, z):
        assert_close(student.sigmoid_grad(z), sigmoid_grad(z), rtol=0, atol=1e-12, name="sigmoid_grad(z)")

    @check("tanh_grad for moderate z", examples=12)
    @given(z=strategies.moderate_arrays())
    def test_tanh_grad(self, student, z):
        assert_close(student.tanh_grad(z), tanh_grad(z), rtol=0, atol=1e-12, name="tanh_grad(z)")

    @check("sigmoid_grad and tanh_grad for |z| up to 1000", examples=12)
    @given(z=strategies.large_arrays())
    def test_large_gradients(self, student, z):
        z = np.concatenate([z, [0.0, 20.0, -20.0, 1000.0, -1000.0]])  # with 0, so that zeros do not pass
        assert_close(student.sigmoid_grad(z), sigmoid_grad(z), rtol=0, atol=1e-12, name="sigmoid_grad(z)")
        assert_close(student.tanh_grad(z), tanh_grad(z), rtol=0, atol=1e-12, name="tanh_grad(z)")

    @check("no overflow warning for |z| up to 1000", examples=12)
    @given(z=strategies.large_arrays())
    def test_no_overflow(self, student, z):
        z = np.concatenate([z, [1000.0, -1000.0, 0.5]])
        for name in ELEMENTWISE:
            got = as_array(call(student, name, z), z.shape, name=f"{name}(z)")
            # The values are checked above; here only that something was computed.
            if not np.isfinite(got).all() or np.ptp(got) == 0:
                fail(f"{name}(z) must be finite and cannot be the same for all z", got=got)
            overflows = [text for text in student.last_call.warnings if "overflow" in text]
            if overflows:
                fail(f"{name} caused a warning: {overflows[0]}")


class TestToyForward:
    @check(
        "returns float64 arrays f of shape (4,) and h of shape (3,) and leaves its arguments as they were", examples=5
    )
    @given(network=strategies.toy_networks())
    def test_form(self, student, network):
        x, _, beta, omega = network
        f, h = as_tuple(student.toy_forward(x, beta, omega), "f", "h")
        assert_float64(f, (4,), name="f")
        assert_float64(h, (3,), name="h")
        assert_arguments_unchanged(student)

    @check("the first pre-activation", examples=10)
    @given(network=strategies.toy_networks())
    def test_first_pre_activation(self, student, network):
        x, _, beta, omega = network
        f, _ = as_tuple(student.toy_forward(x, beta, omega), "f", "h")
        assert_close(numbers_of(f, 4, "f")[0], toy_forward(x, beta, omega)[0][0], name="f[0]", **EXACT)

    @check("all pre-activations, the output among them", points=2)
    @given(network=strategies.toy_networks())
    def test_pre_activations(self, student, network):
        x, _, beta, omega = network
        f, _ = as_tuple(student.toy_forward(x, beta, omega), "f", "h")
        assert_close(numbers_of(f, 4, "f"), toy_forward(x, beta, omega)[0], name="f", **EXACT)

    @check("the activations")
    @given(network=strategies.toy_networks())
    def test_activations(self, student, network):
        x, _, beta, omega = network
        _, h = as_tuple(student.toy_forward(x, beta, omega), "f", "h")
        assert_close(numbers_of(h, 3, "h"), toy_forward(x, beta, omega)[1], name="h", **EXACT)


class TestToyBackward:
    @check("returns two float64 arrays of shape (4,) and leaves its arguments as they were", examples=5)
    @given(network=strategies.toy_networks())
    def test_form(self, student, network):
        gradients = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        for name, gradient in zip(("dbeta", "domega"), gradients, strict=True):
            assert_float64(gradient, (4,), name=name)
        assert_arguments_unchanged(student)

    @check("the gradients of the last layer", examples=10)
    @given(network=strategies.toy_networks())
    def test_last_layer(self, student, network):
        dbeta, domega = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        expected_dbeta, expected_domega = toy_backward(*network)
        assert_close(numbers_of(dbeta, 4, "dbeta")[3], expected_dbeta[3], name="dbeta[3]", **EXACT)
        assert_close(numbers_of(domega, 4, "domega")[3], expected_domega[3], name="domega[3]", **EXACT)

    @check("the gradients of all biases", points=2)
    @given(network=strategies.toy_networks())
    def test_bias_gradients(self, student, network):
        dbeta, _ = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        assert_close(numbers_of(dbeta, 4, "dbeta"), toy_backward(*network)[0], name="dbeta", **EXACT)

    @check("the gradients of all weights", points=2)
    @given(network=strategies.toy_networks())
    def test_weight_gradients(self, student, network):
        _, domega = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        assert_close(numbers_of(domega, 4, "domega"), toy_backward(*network)[1], name="domega", **EXACT)

    @check("which gradients a dead unit makes zero, and which not", examples=10)
    @given(network=strategies.dying_toy_networks())
    def test_dead_unit(self, student, network):
        dbeta, domega = as_tuple(student.toy_backward(*network), "dbeta", "domega")
        for name, got, expected in zip(("dbeta", "domega"), (dbeta, domega), toy_backward(*network), strict=True):
            # Expected entries are products of at most eight factors ≥ ¼, or exactly 0: 1e-9 tells them apart.
            gradient = numbers_of(got, 4, name)
            if ((np.abs(gradient) > 1e-9) != (expected != 0)).any() or not np.isfinite(gradient).all():
                fail(f"{name} must be zero where a dead unit lies between and only there", got=got, expected=expected)

    @check("a unit whose pre-activation is exactly 0")
    def test_unit_at_the_kink(self, student):
        # f = (0, 1, 3, 4): the first unit is at the kink, the course takes ReLU'(0) = 0.
        beta, omega = np.array([-2.0, 1.0, 1.0, 1.0]), np.array([1.0, 3.0, 2.0, 1.0])
        dbeta, domega = as_tuple(student.toy_backward(2.0, 3.0, beta, omega), "dbeta", "domega")
        dbeta, domega = numbers_of(dbeta, 4, "dbeta"), numbers_of(domega, 4, "domega")
        if not (abs(dbeta[0]) <= 1e-9 and abs(domega[0]) <= 1e-9):
            fail("dbeta[0] and domega[0] must be 0", got=(dbeta[0], domega[0]), expected=(0.0, 0.0))
        if not abs(dbeta[1]) > 1e-9:  # so that zeros do not pass
            fail("dbeta[1] must not be 0 here", got=dbeta)


class TestLinear:
    @check(
        "linear_forward returns a float64 array of shape (B, D_out) and leaves its arguments as they were", examples=8
    )
    @given(inputs=strategies.linear_inputs())
    def test_forward_form(self, student, inputs):
        X, W, _ = inputs
        assert_float64(student.linear_forward(*inputs), (X.shape[0], W.shape[0]), name="Y")
        assert_arguments_unchanged(student)

    @check("the values of linear_forward", points=2, examples=15)
    @given(inputs=strategies.linear_inputs())
    def test_forward(self, student, inputs):
        assert_close(student.linear_forward(*inputs), linear_forward(*inputs), name="Y", **EXACT)

    @check(
        "linear_backward returns arrays of the shapes of X, W and b and leaves its arguments as they were", examples=8
    )
    @given(inputs=strategies.linear_gradient_inputs())
    def test_backward_form(self, student, inputs):
        _, X, W = inputs
        dX, dW, db = as_tuple(student.linear_backward(*inputs), "dX", "dW", "db")
        assert_float64(dX, X.shape, name="dX")
        assert_float64(dW, W.shape, name="dW")
        assert_float64(db, W.shape[:1], name="db")
        assert_arguments_unchanged(student)

    @check("the gradient of the input, dX", examples=15)
    @given(inputs=strategies.linear_gradient_inputs())
    def test_input_gradient(self, student, inputs):
        dX, _, _ = as_tuple(student.linear_backward(*inputs), "dX", "dW", "db")
        assert_close(dX, linear_backward(*inputs)[0], name="dX", **EXACT)

    @check("the gradient of the weights, dW", points=2)
    @given(inputs=strategies.linear_gradient_inputs())
    def test_weight_gradient(self, student, inputs):
        _, dW, _ = as_tuple(student.linear_backward(*inputs), "dX", "dW", "db")
        assert_close(dW, linear_backward(*inputs)[1], name="dW", **EXACT)

    @check("the gradient of the bias, db", examples=15)
    @given(inputs=strategies.linear_gradient_inputs())
    def test_bias_gradient(self, student, inputs):
        _, _, db = as_tuple(student.linear_backward(*inputs), "dX", "dW", "db")
        assert_close(db, linear_backward(*inputs)[2], name="db", **EXACT)


# The contract's tolerances. Solutions differ by a few ulp of the largest logit, 1e4·2e-16 = 2e-12 per row, a third of
# the atol here: rtol 1e-10 of the loss, atol 1e-11.
CROSS_ENTROPY = {"rtol": 1e-10, "atol": 1e-11}


ONE_CLASS = (np.array([[3.0], [-2.0]]), np.array([0, 0]))
"""Loss and gradient are 0, which only the drawn inputs tell from zeros everywhere."""


class TestSoftmaxCrossEntropy:
    @check(
        "returns a number and a float64 array of the shape of logits and leaves its arguments as they were", examples=8
    )
    @given(inputs=strategies.classifications())
    def test_form(self, student, inputs):
        loss, dlogits = as_tuple(student.softmax_cross_entropy(*inputs), "loss", "dlogits")
        assert_float64(loss, (), name="loss")
        assert_float64(dlogits, inputs[0].shape, name="dlogits")
        assert_arguments_unchanged(student)

    @check("the loss for moderate logits", points=2, examples=12)
    @given(inputs=strategies.classifications())
    @example(inputs=ONE_CLASS)
    def test_loss(self, student, inputs):
        loss, _ = as_tuple(student.softmax_cross_entropy(*inputs), "loss", "dlogits")
        assert_close(number_of(loss, "loss"), softmax_cross_entropy(*inputs)[0], name="loss", **CROSS_ENTROPY)

    @check("the gradient for moderate logits", points=2, examples=12)
    @given(inputs=strategies.classifications())
    @example(inputs=ONE_CLASS)
    def test_gradient(self, student, inputs):
        _, dlogits = as_tuple(student.softmax_cross_entropy(*inputs), "loss", "dlogits")
        assert_close(dlogits, softmax_cross_entropy(*inputs)[1], name="dlogits", **CROSS_ENTROPY)

    # The next three use batches of one, so that a mistake in averaging over the batch is not counted again.

    @check("loss and gradient when all logits are large", examples=8)
    @given(inputs=strategies.shifted_classifications(max_batch=1))
    def test_all_large(self, student, inputs):
        self.compare(student, inputs)

    @check("loss and gradient when the logits within a row are of very different size", points=2, examples=12)
    @given(inputs=strategies.spread_classifications(max_batch=1))
    def test_spread_row(self, student, inputs):
        self.compare(student, inputs)

    @check("labels of any integer type, also as a list", examples=6)
    @given(inputs=strategies.classifications(max_batch=1), dtype=st.sampled_from(["list", "int32", "uint8"]))
    def test_label_types(self, student, inputs, dtype):
        logits, labels = inputs
        labels = labels.tolist() if dtype == "list" else labels.astype(dtype)
        self.compare(student, (logits, labels))

    @check("loss and gradient when the rows of a batch are of very different size", examples=8)
    @given(inputs=strategies.uneven_classifications())
    def test_uneven_rows(self, student, inputs):
        self.compare(student, inputs)

    @staticmethod
    def compare(student: Any, inputs: tuple[Any, Any]) -> None:
        loss, dlogits = as_tuple(student.softmax_cross_entropy(*inputs), "loss", "dlogits")
        expected_loss, expected_dlogits = softmax_cross_entropy(*inputs)
        assert_close(number_of(loss, "loss"), expected_loss, name="loss", **CROSS_ENTROPY)
        assert_close(dlogits, expected_dlogits, name="dlogits", **CROSS_ENTROPY)


def assert_list_close(got: Any, expected: list[np.ndarray], name: str) -> None:
    __tracebackhide__ = True
    for k, (part, wanted) in enumerate(zip(as_list(got, len(expected), name=name), expected, strict=True)):
        assert_close(part, wanted, name=f"{name}[{k}]", **EXACT)


def assert_grads_close(got: Any, expected: list[Any], layers: range) -> None:
    __tracebackhide__ = True
    pairs = as_list(got, len(expected), name="grads")
    for k in layers:
        dW, db = as_tuple(pairs[k], "dW", "db")
        assert_close(dW, expected[k][0], name=f"dW of layer {k}", **EXACT)
        assert_close(db, expected[k][1], name=f"db of layer {k}", **EXACT)


class TestMlp:
    @check("mlp_forward returns two lists of K+1 float64 arrays and leaves its arguments as they were", examples=8)
    @given(network=strategies.mlps())
    def test_forward_form(self, student, network):
        params, X = network
        f, h = as_tuple(student.mlp_forward(*network), "f", "h")
        f, h = as_list(f, len(params), name="f"), as_list(h, len(params), name="h")
        for k, (W, _) in enumerate(params):
            assert_float64(f[k], (len(X), W.shape[0]), name=f"f[{k}]")
            assert_float64(h[k], (len(X), W.shape[1]), name=f"h[{k}]")
        assert_arguments_unchanged(student)

    @check("the pre-activations of mlp_forward, the output among them", points=2, examples=12)
    @given(network=strategies.mlps(depths=st.sampled_from((0, 1, 2, 3, 6))))
    def test_pre_activations(self, student, network):
        f, _ = as_tuple(student.mlp_forward(*network), "f", "h")
        assert_list_close(f, mlp_forward(*network)[0], "f")

    @check("the layer inputs of mlp_forward", examples=10)
    @given(network=strategies.mlps())
    def test_layer_inputs(self, student, network):
        _, h = as_tuple(student.mlp_forward(*network), "f", "h")
        assert_list_close(h, mlp_forward(*network)[1], "h")

    @check("mlp_backward returns a pair (dW, db) for every layer and leaves its arguments as they were", examples=8)
    @given(inputs=strategies.mlp_gradient_inputs())
    def test_backward_form(self, student, inputs):
        params = inputs[0]
        grads = as_list(student.mlp_backward(*inputs), len(params), name="grads")
        for k, (W, b) in enumerate(params):
            dW, db = as_tuple(grads[k], "dW", "db")
            assert_float64(dW, W.shape, name=f"dW of layer {k}")
            assert_float64(db, b.shape, name=f"db of layer {k}")
        assert_arguments_unchanged(student)

    @check("the gradients of the last layer", examples=10)
    @given(inputs=strategies.mlp_gradient_inputs())
    def test_last_layer(self, student, inputs):
        last = len(inputs[0]) - 1
        assert_grads_close(student.mlp_backward(*inputs), mlp_backward(*inputs), range(last, last + 1))

    @check("the gradients of all layers", points=3, examples=12)
    @given(inputs=strategies.mlp_gradient_inputs(depths=st.sampled_from((1, 2, 3, 6))))
    def test_all_layers(self, student, inputs):
        assert_grads_close(student.mlp_backward(*inputs), mlp_backward(*inputs), range(len(inputs[0])))

    @check("a unit whose pre-activation is exactly 0")
    def test_unit_at_the_kink(self, student):
        # One row; f_0 = (0, 1): only the second unit passes a gradient, since the course takes ReLU'(0) = 0.
        X, dout = np.array([[1.0, 2.0]]), np.array([[1.0]])
        params = [
            (np.array([[2.0, -1.0], [1.0, 1.0]]), np.array([0.0, -2.0])),
            (np.array([[3.0, 2.0]]), np.array([0.5])),
        ]
        f, h = mlp_forward(params, X)
        grads = as_list(student.mlp_backward(params, f, h, dout), 2, name="grads")
        dW, db = as_tuple(grads[0], "dW", "db")
        dW, db = as_array(dW, (2, 2), name="dW of layer 0"), as_array(db, (2,), name="db of layer 0")
        zero = (np.abs(dW[0]) <= 1e-9).all() and abs(db[0]) <= 1e-9
        if not (zero and (np.abs(dW[1]) > 1e-9).all() and abs(db[1]) > 1e-9):
            fail(
                "the gradients of the unit at the kink must be 0, those of the other must not",
                got=(dW, db),
                expected=mlp_backward(params, f, h, dout)[0],
            )


def scalar_function(shown: str, function: Callable[[np.ndarray], Any], x: np.ndarray, *, strict: bool = False) -> Any:
    """``function`` for a student to call, shown as ``shown``.

    An argument of another shape than x is a failure if ``strict``, else it is only of another size.
    """

    def fn(*arguments: Any) -> float:
        if len(arguments) != 1:
            fail(f"fn takes one argument, but was called with {len(arguments)}")
        argument = as_array(arguments[0], x.shape if strict else None, name="the argument of fn")
        if argument.size != x.size:
            fail(f"fn was called with an array of {argument.size} elements, but x has {x.size}")
        fn.calls += 1  # type: ignore[attr-defined]
        with np.errstate(all="ignore"):
            return float(function(argument.reshape(x.shape)))

    fn.__name__ = shown
    fn.calls = 0  # type: ignore[attr-defined]
    return fn


class TestNumericalGradient:
    @check("returns a float64 array of the shape of x", examples=4)
    @given(x=strategies.points_in_space())
    def test_form(self, student, x):
        fn = scalar_function("lambda x: np.sum(x ** 2)", lambda x: np.sum(x**2), x)
        assert_float64(student.numerical_gradient(fn, x), x.shape, name="g")

    @check("calls fn with arrays of the shape of x", examples=4)
    @given(x=strategies.points_in_space())
    def test_arguments_of_fn(self, student, x):
        fn = scalar_function("lambda x: np.sum(x ** 2)", lambda x: np.sum(x**2), x, strict=True)
        student.numerical_gradient(fn, x)
        if fn.calls == 0:
            fail("fn was never called")

    @check("x is, bit for bit, what it was before the call", examples=8)
    @given(x=strategies.points_in_space(max_ndim=2))
    def test_x_unchanged(self, student, x):
        fn = scalar_function("lambda x: np.sum(x ** 2)", lambda x: np.sum(x**2), x)
        x = x / 3 + 0.1  # numbers that do not survive x + eps - eps
        got = as_array(student.numerical_gradient(fn, x), x.shape, name="g")
        assert_arguments_unchanged(student)
        if not (np.abs(got) > 0).any():  # so that what computes nothing does not pass
            fail("g must not be zero here", got=got)

    @check("the gradient with the default eps, to seven digits", points=2, examples=8)
    @given(x=strategies.points_in_space())
    def test_default_eps(self, student, x):
        # sin(40 x)/40 is small and bends a lot. Truncation: eps²·40²/6 = 3e-10. Rounding: x ± eps to 1e-16·|x| ≤ 1e-15
        # each, that is 1e-9 of the difference quotient; the value itself, 1e-17·x.size/eps, is less. Together below
        # 2e-9; eps of 1e-5 or 1e-4 would be off by 3e-8 or 3e-6.
        fn = scalar_function("lambda x: np.sum(np.sin(40 * x)) / 40", lambda x: np.sum(np.sin(40 * x)) / 40, x)
        assert_close(student.numerical_gradient(fn, x), np.cos(40 * x), rtol=0, atol=1e-8, name="g")

    @check("central differences with the eps that is passed", points=2, examples=8)
    @given(x=strategies.points_in_space(), eps=st.sampled_from([0.5, 0.25, 0.125]))
    def test_passed_eps(self, student, x, eps):
        # Central differences of x³ are 3x² + eps², exactly; all steps are exact in binary but for a few ulp of 1e3.
        # Those of (Σx)² are 2 Σx, but only if every other element is where it was.
        fn = scalar_function("lambda x: np.sum(x ** 3) + np.sum(x) ** 2", lambda x: np.sum(x**3) + np.sum(x) ** 2, x)
        expected = 3 * x**2 + eps**2 + 2 * x.sum()
        assert_close(student.numerical_gradient(fn, x, eps), expected, rtol=1e-9, atol=1e-9, name="g")

    @check("every element gets its own derivative", examples=8)
    @given(x=strategies.points_in_space())
    def test_positions(self, student, x):
        # A weight for each element, and cross terms. Rounding of values below 1e5 is 1e-11/eps = 1e-5, and one-sided
        # differences, whose points are lost above, are off by 5e-5; both pass.
        weights = np.arange(1.0, x.size + 1).reshape(x.shape)
        fn = scalar_function(
            "lambda x: np.sum(np.arange(1.0, x.size + 1) * x.ravel()) * np.sum(x)",
            lambda x: np.sum(weights * x) * np.sum(x),
            x,
        )
        expected = weights * x.sum() + (weights * x).sum()
        assert_close(student.numerical_gradient(fn, x), expected, rtol=1e-6, atol=1e-3, name="g")

    @check("an array without axes")
    def test_zero_axes(self, student):
        x = np.array(1.5)
        fn = scalar_function("lambda x: x ** 2", lambda x: x**2, x)
        assert_close(student.numerical_gradient(fn, x), 3.0, rtol=0, atol=1e-4, name="g")  # digits: see above


def between(knots: np.ndarray) -> np.ndarray:
    """Places x (n−1, 6) from each knot on, in the interval that begins there."""
    x: np.ndarray = knots[:-1, None] + np.diff(knots)[:, None] * np.array([0.0, 0.125, 0.25, 0.5, 0.75, 0.9])
    return x


class Network:
    """The network (w, b, v, c) that a student made, as a function of x (any shape)."""

    MOST_UNITS = 1000

    def __init__(self, parts: Any) -> None:
        __tracebackhide__ = True
        w, b, v, c = as_tuple(parts, "w", "b", "v", "c")
        self.units = as_array(w, name="w").size
        if self.units > self.MOST_UNITS:
            fail(f"w has {self.units} entries, far more than there are points")
        self.w, self.b, self.v = (
            as_array(part, (self.units,), name=name) for name, part in (("w", w), ("b", b), ("v", v))
        )
        self.c = number_of(c, "c")

    def __call__(self, x: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            y: np.ndarray = self.c + np.maximum(x[..., None] * self.w + self.b, 0.0) @ self.v
        return y


class TestReluInterpolant:
    @check("returns three arrays of one length, a number, and leaves its arguments as they were", examples=8)
    @given(points=strategies.interpolation_points())
    def test_form(self, student, points):
        w, b, v, c = as_tuple(student.relu_interpolant(*points), "w", "b", "v", "c")
        units = as_array(w, name="w").size
        for name, part in zip(("w", "b", "v"), (w, b, v), strict=True):
            assert_float64(part, (units,), name=name)
        assert_float64(c, (), name="c")
        assert_arguments_unchanged(student)

    @check("a line through two points", examples=8)
    @given(points=strategies.interpolation_points(counts=st.just(2)))
    def test_two_points(self, student, points):
        self.assert_interpolates(Network(student.relu_interpolant(*points)), *points)

    @check("passes through every point", points=2)
    @given(points=strategies.interpolation_points())
    def test_points(self, student, points):
        knots, values = points
        assert_close(Network(student.relu_interpolant(*points))(knots), values, name="y(knots)", **EXACT)

    @check("rises between the points as it must", points=2)
    @given(points=strategies.interpolation_points())
    def test_slopes(self, student, points):
        self.assert_slopes(Network(student.relu_interpolant(*points)), *points)

    @check("needs no more than n − 1 hidden units", examples=10)
    @given(points=strategies.interpolation_points())
    def test_units(self, student, points):
        network = Network(student.relu_interpolant(*points))
        self.assert_slopes(network, *points)
        if network.units > len(points[0]) - 1:
            fail(f"{len(points[0]) - 1} hidden units are enough here, but there are {network.units}")

    @check("points of which some lie on one line")
    def test_collinear_points(self, student):
        knots, values = np.array([-1.0, 0.0, 1.0, 3.0, 4.0]), np.array([1.0, 1.0, 3.0, 7.0, 7.0])
        self.assert_slopes(Network(student.relu_interpolant(knots, values)), knots, values)

    @check("many points on a curve")
    def test_many_points(self, student):
        knots = np.linspace(0.0, 1.0, 41) ** 2 * 6 - 1
        values = np.sin(2 * knots)
        self.assert_interpolates(Network(student.relu_interpolant(knots, values)), knots, values)

    @staticmethod
    def assert_interpolates(network: Network, knots: np.ndarray, values: np.ndarray) -> None:
        __tracebackhide__ = True
        x = np.append(between(knots), knots[-1])
        y, expected = network(x), np.interp(x, knots, values)
        # Steps of more than 1e-3 and slopes below 40: rounding of at most 41 terms below 1e3, that is below 1e-11.
        wrong = ~(np.abs(y - expected) <= 1e-9 + 1e-9 * np.abs(expected))
        if wrong.any():
            first = int(wrong.argmax())
            message = f"y is wrong at {wrong.sum()} of {x.size} places from the first knot to the last"
            fail(f"{message}, first at x = {x[first]:g}", got=y[first], expected=expected[first])

    @staticmethod
    def assert_slopes(network: Network, knots: np.ndarray, values: np.ndarray) -> None:
        __tracebackhide__ = True
        x = between(knots)
        with np.errstate(all="ignore"):
            slopes = np.diff(network(x), axis=1) / np.diff(x, axis=1)
        expected = np.repeat((np.diff(values) / np.diff(knots))[:, None], slopes.shape[1], axis=1)
        # Steps of 1/40 and more in x, values below 100 with errors below 1e-13: slopes to 1e-11.
        wrong = ~(np.abs(slopes - expected) <= 1e-9 + 1e-9 * np.abs(expected))
        if wrong.any():
            i = int(wrong.any(axis=1).argmax())
            j = int(wrong[i].argmax())
            message = f"the slope of y is wrong between x = {x[i, j]:g} and x = {x[i, j + 1]:g}"
            fail(message, got=slopes[i, j], expected=expected[i, j])
