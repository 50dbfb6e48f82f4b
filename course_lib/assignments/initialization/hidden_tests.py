"""Hidden tests of initialization: one class per question, one ``@check`` per property.

The statistical tests use ``course_lib.checking.statistics``: each fails a right solution with a probability below
1e-12, over its choice of generator, and there are fewer than a hundred.
"""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given

from course_lib.assignments.initialization import reference, strategies
from course_lib.checking import (
    as_array,
    as_integer,
    assert_arguments_unchanged,
    assert_close,
    assert_float64,
    check,
    fail,
    statistics,
)
from course_lib.checking.adapters import as_numpy

forward_second_moments = as_numpy(reference.forward_second_moments)
backward_second_moments = as_numpy(reference.backward_second_moments)
predicted_second_moments = as_numpy(reference.predicted_second_moments)
depth_until_underflow = as_numpy(reference.depth_until_underflow)

# Sums of at most a few dozen products of numbers below 1e3: errors below 1e-12 relative to the result, unless a
# pre-activation cancels; the strategies keep those above 1e-3 of numbers of order 1 to 100, so 1e-11 at worst.
EXACT = {"rtol": 1e-9}

# In the backward pass sums may cancel: a gradient of exactly or nearly 0 beside entries of order 1. Products of at most
# four factors of order 1 to 10 on a path: 1e-9 absolute is six orders above rounding.
BACKWARD = {"rtol": 1e-9, "atol": 1e-9}

INITIALIZERS = ("he_normal", "xavier_normal", "mean_fan_normal")

# statistics.sample_size_for_std(0.05) is 36 064: with 40 000 entries a standard deviation 5 % off slips through with a
# probability below 1e-9, and a right one is refused with one below 1e-12.
LARGE = (400, 100)


def large_draw(student, name, d_in, d_out, seed):
    W = as_array(getattr(student, name)(d_in, d_out, seed), (d_out, d_in), name="W")
    if not np.isfinite(W).all():
        fail("W holds values that are not finite")
    return W


class TestNormalInitializers:
    @check("each returns a float64 array with a row for every output, with numbers that differ", examples=6)
    @given(shape=strategies.layer_shapes())
    def test_form(self, student, shape):
        d_in, d_out, _ = shape
        for name in INITIALIZERS:
            W = getattr(student, name)(*shape)
            assert_float64(W, (d_out, d_in), name="W")
            if not np.isfinite(W).all():
                fail("W holds values that are not finite", got=W)
            if not W.any() or (W.size > 1 and np.unique(W).size == 1):
                fail("all entries of W are equal", got=W)

    @check("the standard deviation of he_normal, for wide and for tall matrices", points=2)
    def test_he_scale(self, student):
        for d_in, d_out in (LARGE, LARGE[::-1]):
            W = large_draw(student, "he_normal", d_in, d_out, 11)
            statistics.assert_std(W, math.sqrt(2 / d_in), name="W")

    @check("the standard deviation of xavier_normal", points=2)
    def test_xavier_scale(self, student):
        for d_in, d_out in (LARGE, (200, 200)):
            W = large_draw(student, "xavier_normal", d_in, d_out, 12)
            statistics.assert_std(W, math.sqrt(2 / (d_in + d_out)), name="W")

    @check("the standard deviation of mean_fan_normal", points=2)
    def test_mean_fan_scale(self, student):
        for d_in, d_out in (LARGE, (200, 200)):
            W = large_draw(student, "mean_fan_normal", d_in, d_out, 13)
            statistics.assert_std(W, math.sqrt(4 / (d_in + d_out)), name="W")

    @check("the entries have mean zero and the shape of a bell curve, whatever their scale")
    def test_bell_curve(self, student):
        for name in INITIALIZERS:
            W = large_draw(student, name, *LARGE, 14)
            statistics.assert_mean_zero(W, name="W")
            statistics.assert_normal(W, name="W")

    @check("the entries are drawn independently, also where there is only one")
    def test_independent_entries(self, student):
        for name in INITIALIZERS:
            statistics.assert_independent_entries(large_draw(student, name, *LARGE, 15), name="W")
            # Draws that are standardized afterwards have nothing left to vary with a single entry: it is 0 or ±σ.
            # Three draws within 1e-6 of that: a probability below 1e-16, in float32 too.
            single = np.concatenate([large_draw(student, name, 1, 1, seed) for seed in (16, 17, 18)])
            size = (
                np.abs(single)
                / {"he_normal": math.sqrt(2), "xavier_normal": 1.0, "mean_fan_normal": math.sqrt(2)}[name]
            )
            if (size < 1e-6).all() or (np.abs(size - 1) < 1e-6).all():
                fail("a single weight does not vary as it should; here are those of three seeds", got=single.ravel())

    @check("the same seed gives the same weights, another seed others")
    def test_seed(self, student):
        for name in INITIALIZERS:
            draw = getattr(student, name)
            first, other = (as_array(draw(40, 50, seed), (50, 40), name="W") for seed in (0, 1))
            statistics.assert_uncorrelated(first, other, name="the weights of two different seeds")
            # Rows seeded one after the other move up with the seed. By chance even draws in float32 (2²⁴ values) share
            # about one number in a thousand here.
            shared = np.intersect1d(first, other).size
            if shared > 0.1 * first.size:
                fail(f"the weights of seeds 0 and 1 have {shared} of {first.size} numbers in common")
            for seed, before in ((0, first), (1, other)):
                again = as_array(draw(40, 50, seed), (50, 40), name="W")
                if not np.allclose(again, before, rtol=1e-9, atol=0):
                    fail("W differs between two calls with the same seed")


class TestForwardSecondMoments:
    @check("returns one float64 number for every layer and leaves its arguments as they were", examples=6)
    @given(network=strategies.networks())
    def test_form(self, student, network):
        moments = student.forward_second_moments(*network)
        assert_float64(moments, (len(network[0]),), name="the result")
        assert_arguments_unchanged(student)
        if not (moments > 0).all():
            fail("the mean of the squares must be positive where some unit is active", got=moments)

    @check("the value for a single layer", points=2, examples=12)
    @given(network=strategies.networks(layers=1))
    def test_one_layer(self, student, network):
        assert_close(student.forward_second_moments(*network), forward_second_moments(*network), name="E[h²]", **EXACT)

    @check("the values for several layers of different widths", points=2, examples=15)
    @given(network=strategies.networks())
    def test_layers(self, student, network):
        assert_close(student.forward_second_moments(*network), forward_second_moments(*network), name="E[h²]", **EXACT)

    @check("the values in a network forty layers deep, where they become tiny or huge")
    def test_deep(self, student):
        for std in (0.02, 3.0):
            rng = np.random.default_rng(5)
            weights = [std * rng.standard_normal((12, 12)) for _ in range(40)]
            X = rng.standard_normal((5, 12))
            expected = forward_second_moments(weights, X)
            assert_close(student.forward_second_moments(weights, X), expected, name="E[h²]", **EXACT)

    @check("a layer in which no unit is active, and every layer after it")
    def test_dead_layer(self, student):
        weights = [np.array([[1.0, 2.0], [0.5, 1.0]]), np.array([[-1.0, -1.0]]), np.array([[2.0], [3.0]])]
        moments = student.forward_second_moments(weights, np.array([[1.0, 1.0], [2.0, 1.0]]))
        # f = (3, 1.5) and (4, 2): (9 + 2.25 + 16 + 4)/4.
        assert_close(moments, [7.8125, 0.0, 0.0], rtol=1e-12, name="E[h²]")


class TestBackwardSecondMoments:
    @check("returns one float64 number for every layer and leaves its arguments as they were", examples=6)
    @given(network=strategies.networks_with_gradient())
    def test_form(self, student, network):
        moments = student.backward_second_moments(*network)
        assert_float64(moments, (len(network[0]),), name="the result")
        assert_arguments_unchanged(student)
        if not (moments[-1] > 0 and (moments >= 0).all()):
            fail("a mean of squares cannot be negative, and in the last layer a unit is active", got=moments)

    @check("the value for a single layer", points=2, examples=12)
    @given(network=strategies.networks_with_gradient(layers=1))
    def test_one_layer(self, student, network):
        assert_close(
            student.backward_second_moments(*network), backward_second_moments(*network), name="E[(∂ℓ/∂f)²]", **BACKWARD
        )

    @check("the values for several layers of different widths", points=2, examples=15)
    @given(network=strategies.networks_with_gradient())
    def test_layers(self, student, network):
        assert_close(
            student.backward_second_moments(*network), backward_second_moments(*network), name="E[(∂ℓ/∂f)²]", **BACKWARD
        )

    @check("the last entry, in networks of several layers", examples=8)
    @given(network=strategies.networks_with_gradient(layers=3))
    def test_last_layer(self, student, network):
        moments = as_array(student.backward_second_moments(*network), (3,))
        assert_close(moments[-1], backward_second_moments(*network)[-1], name="the last entry", **EXACT)

    @check("the values for square weight matrices", examples=8)
    @given(network=strategies.networks_with_gradient(layers=3, square=True))
    def test_square(self, student, network):
        assert_close(
            student.backward_second_moments(*network), backward_second_moments(*network), name="E[(∂ℓ/∂f)²]", **BACKWARD
        )

    @check("the values in a network forty layers deep, where they become tiny or huge")
    def test_deep(self, student):
        for weights, X, dout in DEEP:
            expected = backward_second_moments(weights, X, dout)
            got = student.backward_second_moments(weights, X, dout)
            assert_close(got, expected, name="E[(∂ℓ/∂f)²]", **EXACT)


def _deep_networks():
    """Forty layers in which no pre-activation is within rounding of zero, relative to its layer's scale."""
    for std in (0.02, 3.0):
        rng = np.random.default_rng(6)
        while True:
            weights = [std * rng.standard_normal((12, 12)) for _ in range(40)]
            h = X = rng.standard_normal((4, 12))
            margin = 1.0
            for omega in weights:
                f = h @ omega.T
                scale = np.abs(f).max(axis=1, keepdims=True)
                margin = min(margin, float((np.abs(f) / scale).min())) if (scale > 0).all() else 0.0
                h = np.maximum(f, 0)
            if margin > 1e-6:
                break
        yield weights, X, rng.standard_normal((4, 12))


DEEP = list(_deep_networks())


class TestPredictedSecondMoments:
    @check("returns one float64 number for every layer and leaves its arguments as they were", examples=6)
    @given(case=strategies.scaled_widths_per_layer())
    def test_form(self, student, case):
        moments = student.predicted_second_moments(*case)
        assert_float64(moments, (len(case[0]) - 1,))
        assert_arguments_unchanged(student)
        if not (moments > 0).all():
            fail("a second moment of an active network is positive", got=moments)

    @check("one variance for all layers", points=2)
    @given(case=strategies.scaled_widths())
    def test_one_variance(self, student, case):
        assert_close(student.predicted_second_moments(*case), predicted_second_moments(*case), name="q", **EXACT)

    @check("a variance for each layer", points=2)
    @given(case=strategies.scaled_widths_per_layer())
    def test_variance_per_layer(self, student, case):
        assert_close(student.predicted_second_moments(*case), predicted_second_moments(*case), name="q", **EXACT)

    @check("widths that come as a list", examples=6)
    @given(case=strategies.scaled_widths())
    def test_list_of_widths(self, student, case):
        widths, sigma2, q0 = case
        call = ([int(w) for w in widths], sigma2, q0)
        assert_close(student.predicted_second_moments(*call), predicted_second_moments(*call), name="q", **EXACT)

    @check("sixty layers: the signal stays at the critical variance and grows above it")
    def test_deep(self, student):
        widths = np.array([300] * 61)
        for r in (1.0, 1.25):
            got = student.predicted_second_moments(widths, 2 * r / 300, 0.7)
            assert_close(got, 0.7 * r ** np.arange(1, 61), rtol=1e-9, name="q")  # sixty roundings of 1e-16 each


def assert_depth(student, width, sigma2, dtype, expected):
    """The student's depth is the expected one, −1 or more; if not, say where r^m is for theirs."""
    got = as_integer(student.depth_until_underflow(width, sigma2, dtype))
    if got == expected:
        return
    r, limits = 0.5 * width * sigma2, np.finfo(dtype)
    holds = f"the normal numbers of {limits.dtype} go from {limits.tiny:.4g} to {limits.max:.4g}"
    if expected == -1:
        message = "the signal neither fades nor grows here: σ² is 2/width up to rounding"
    elif got < 1:
        message = f"r = {r:.4g} is not 1, so the answer is a number of layers, 1 or more"
    elif got > 10**6:
        message = f"the signal is outside much earlier: {holds}"
    elif got < expected:
        message = f"after {got} layers the signal is still inside: q = {r:.4g}^{got} = {_power(r, got)}, and {holds}"
    else:
        message = (
            f"the signal is outside earlier: q = {r:.4g}^{got - 1} = {_power(r, got - 1)} after {got - 1} layers, "
            f"and {holds}"
        )
    fail(message, got=got, expected=expected)


def _power(r, m):
    """r^m in four digits, also where no float64 holds it."""
    exponent = m * math.log10(r)
    return f"{10 ** (exponent % 1):.4g}e{math.floor(exponent):+d}"


class TestDepthUntilUnderflow:
    @check("a fading signal, in half, single and double precision", points=2)
    @given(case=strategies.formats(low=0.05, high=0.95))
    def test_underflow(self, student, case):
        assert_depth(student, *case, depth_until_underflow(*case))

    @check("a growing signal, in half, single and double precision", points=2)
    @given(case=strategies.formats(low=1.05, high=6.0))
    def test_overflow(self, student, case):
        assert_depth(student, *case, depth_until_underflow(*case))

    @check("the critical scale, for widths from 1 to 1000 in all three formats")
    def test_critical(self, student):
        # For 49, 98 and 103, ½·width·(2/width) is not exactly 1 in float64.
        for width, dtype in zip((1, 2, 7, 49, 98, 100, 103, 512, 1000), 3 * strategies.DTYPES, strict=True):
            assert_depth(student, width, 2 / width, dtype, -1)
            if as_integer(student.depth_until_underflow(width, 1 / width, dtype)) < 1:
                fail("half the critical variance is not critical: the answer is a number of layers, 1 or more")

    @check("a signal that leaves the format in the first layer")
    def test_first_layer(self, student):
        for width, sigma2 in ((10, 1e-6), (10, 1e5)):
            assert_depth(student, width, sigma2, np.float16, 1)
            if as_integer(student.depth_until_underflow(width, sigma2, np.float64)) < 2:
                fail("double precision holds this signal for more than one layer")

    @check("the borders themselves: a value that equals the smallest normal number is still inside")
    def test_border(self, student):
        # Powers of two are exact, as a product, a power, and a quotient of logarithms to base e, 2 or 10 in float64:
        # 2^-1022 is the smallest normal double.
        for sigma2, expected in ((1 / 64, 1023), (1 / 128, 512)):
            assert_depth(student, 64, sigma2, np.float64, expected)

    @check("scales close to the critical one", examples=8)
    @given(fading=strategies.formats(low=0.97, high=0.98), growing=strategies.formats(low=1.02, high=1.03))
    def test_slow(self, student, fading, growing):
        for case in (fading, growing):
            assert_depth(student, *case, depth_until_underflow(*case))


def assert_orthonormal(vectors, W, *, name):
    """The rows of ``vectors`` (k, d), k ≤ d, are orthogonal and of equal length, and no plain selection of axes.

    They are the rows or columns of W, whichever are fewer, called ``name``.

    Householder and modified Gram–Schmidt lose the condition number times 1e-16, classical Gram–Schmidt and the normal
    equations its square: 1e-6 leaves room for condition numbers of 1e5, a matter of 1e-4 for a draw of these sizes.
    """
    if W.size > 1 and 2 * np.count_nonzero(W) <= W.size:
        fail("half of W or more is exactly zero, which a random matrix never is", got=W)
    gram = vectors @ vectors.T
    scale = np.trace(gram) / len(vectors)
    if not (np.isfinite(scale) and scale > 0):
        fail("W has no length", got=W)
    deviation = gram / scale - np.eye(len(vectors))
    if np.abs(np.diagonal(deviation)).max() > 1e-6:
        lengths = np.sqrt(np.diagonal(gram))
        fail(f"the {name} of W have different lengths, from {lengths.min():.4g} to {lengths.max():.4g}", got=W)
    if np.abs(deviation).max() > 1e-6:
        i, j = np.unravel_index(np.abs(deviation).argmax(), deviation.shape)
        fail(f"{name} {i} and {j} of W are not orthogonal: the cosine between them is {deviation[i, j]:.4g}", got=W)


class TestOrthogonal:
    @check("returns a float64 array with a row for every output", examples=6)
    @given(shape=strategies.layer_shapes())
    def test_form(self, student, shape):
        d_in, d_out, seed = shape
        W = student.orthogonal(d_in, d_out, 1.5, seed)
        assert_float64(W, (d_out, d_in), name="W")
        if not (np.isfinite(W).all() and W.any()):
            fail("W holds no finite numbers but 0", got=W)
        if W.size > 1 and 2 * np.count_nonzero(W) <= W.size:
            fail("half of W or more is exactly zero, which a random matrix never is", got=W)

    @check("as many outputs as inputs or more: the columns are orthogonal and of equal length", points=2)
    def test_tall(self, student):
        for d_in, d_out in ((2, 3), (3, 5), (1, 4), (4, 4), (20, 60)):
            W = as_array(student.orthogonal(d_in, d_out, 1.0, 21), (d_out, d_in), name="W")
            assert_orthonormal(W.T, W, name="columns")

    @check("as many inputs as outputs or more: the rows are orthogonal and of equal length", points=2)
    def test_wide(self, student):
        for d_in, d_out in ((3, 2), (5, 3), (4, 1), (5, 5), (60, 20)):
            W = as_array(student.orthogonal(d_in, d_out, 1.0, 22), (d_out, d_in), name="W")
            assert_orthonormal(W, W, name="rows")

    @check("the gain is the length of the rows or columns")
    def test_gain(self, student):
        for d_in, d_out, gain in ((3, 5, 2.0), (5, 3, math.sqrt(2)), (4, 4, 0.5), (1, 1, 3.0)):
            W = as_array(student.orthogonal(d_in, d_out, gain, 23), (d_out, d_in), name="W")
            size = math.sqrt(np.sum(W**2) / min(d_in, d_out))
            assert_close(size, gain, rtol=1e-6, name="the root mean square length of the rows or columns")
            if W.size > 1 and 2 * np.count_nonzero(W) <= W.size:
                fail("half of W or more is exactly zero, which a random matrix never is", got=W)

    @check("no direction is preferred: either sign is as likely, in every row and column")
    def test_signs(self, student):
        # Turning a column (of a tall matrix) or a row (of a wide one) around leaves a uniform distribution as it is, so
        # given the magnitudes the signs of the diagonal are fair, independent coins. In a square matrix the last one
        # may depend on the others (rotations without reflections). Without the correction of signs, Householder's QR
        # makes nearly all of them negative: 330 of 330 would be up to 18 standard deviations; 7.5 are allowed.
        for d_in, d_out in ((12, 30), (30, 12), (12, 12)):
            lines: dict[str, list[np.ndarray]] = {"the diagonal": [], "the first row or column": []}
            for seed in range(30, 60):
                W = as_array(student.orthogonal(d_in, d_out, 1.0, seed), (d_out, d_in), name="W")
                lines["the diagonal"].append(np.diagonal(W)[:11])
                lines["the first row or column"].append(W[0, :11] if d_out >= d_in else W[:11, 0])
            for line, values in lines.items():
                x = np.stack(values)
                statistics.assert_fair_signs(x, name=f"{line} of W, over 30 seeds")
                statistics.assert_independent_signs(x, name=f"{line} of W, over 30 seeds,")
        # The singular vectors U that the usual routines return are not uniform either: the first number of a 2 × 2 one
        # is -0.45 on average, its root mean square 0.71. Of 300 that is 11 standard deviations; 7.5 are allowed.
        corners = [as_array(student.orthogonal(2, 2, 1.0, seed), (2, 2), name="W")[0, 0] for seed in range(60, 360)]
        statistics.assert_fair_signs(np.array(corners), name="the first number of a 2 × 2 W, over 300 seeds")

    @check("no direction is preferred: the rows or columns span a random space")
    def test_directions(self, student):
        W = as_array(student.orthogonal(40, 120, 1.0, 24), (120, 40), name="W")
        statistics.assert_random_subspace(_normalized(W), name="W of 40 inputs and 120 outputs")
        W = as_array(student.orthogonal(120, 40, 1.0, 25), (40, 120), name="W")
        statistics.assert_random_subspace(_normalized(W.T), name="W of 120 inputs and 40 outputs")
        W = as_array(student.orthogonal(90, 90, 1.0, 26), (90, 90), name="W")
        for half in (W[:, :30], W[:30].T):
            statistics.assert_random_subspace(_normalized(half), name="a third of W of 90 inputs and outputs")

    @check("the same seed gives the same weights, another seed others")
    def test_seed(self, student):
        first = as_array(student.orthogonal(30, 50, 1.0, 0), (50, 30), name="W")
        other = as_array(student.orthogonal(30, 50, 1.0, 1), (50, 30), name="W")
        # As a function of one matrix, with the other fixed, the cosine is Lipschitz with constant 1/√30; so by the
        # log-Sobolev inequality on rotations of 50 dimensions, P(|cosine| > 0.5) ≤ 2 exp(−48·0.25·30/8) = 6e-20.
        cosine = float(np.sum(first * other)) / math.sqrt(float(np.sum(first**2) * np.sum(other**2)) or 1.0)
        if not abs(cosine) < 0.5:
            fail("two different seeds give weights that are alike")
        for seed, before in ((0, first), (1, other)):
            again = as_array(student.orthogonal(30, 50, 1.0, seed), (50, 30), name="W")
            # The order of sums may depend on where the memory lies: QR in 30 columns moves by less than 1e-12.
            if not np.allclose(again, before, rtol=0, atol=1e-9) or not before.any():
                fail("W differs between two calls with the same seed, or is all zero")


def _normalized(columns):
    """Columns scaled to length 1 on average: the gain is tested elsewhere."""
    size = math.sqrt(float(np.sum(columns**2)) / columns.shape[1])
    return columns / size if size > 0 else columns
