"""Hidden tests of double_descent: one class per question, one ``@check`` per property."""

from __future__ import annotations

from functools import cache

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from course_lib.assignments.double_descent import reference, strategies
from course_lib.checking import (
    as_array,
    as_tuple,
    assert_arguments_unchanged,
    assert_close,
    assert_float64,
    check,
    fail,
)
from course_lib.checking.adapters import as_numpy
from course_lib.checking.curves import show_curves

legendre_features = as_numpy(reference.legendre_features)
min_norm_fit = as_numpy(reference.min_norm_fit)
gradient_descent_fit = as_numpy(reference.gradient_descent_fit)
risk_decomposition = as_numpy(reference.risk_decomposition)
draw_contour = as_numpy(reference.draw_contour)
fit_contour = as_numpy(reference.fit_contour)
polynomial_double_descent = as_numpy(reference.polynomial_double_descent)
random_feature_curve = as_numpy(reference.random_feature_curve)

# Some hundred float64 operations on numbers of at most a thousand, on problems with a condition number below 10: errors
# below 1e-12. 1e-9 is three orders above that, and a wrong formula is off by more than 1e-3.
EXACT = {"rtol": 1e-9, "atol": 1e-9}


class TestLegendreFeatures:
    @check("returns a float64 array of shape (n, degree+1) and leaves x as it was", examples=10)
    @given(inputs=strategies.legendre_inputs())
    def test_form(self, student, inputs):
        x, degree = inputs
        assert_float64(student.legendre_features(x, degree), (len(x), degree + 1), name="Phi")
        assert_arguments_unchanged(student)

    @check("the smallest degrees, 0 and 1", examples=8)
    @given(inputs=strategies.legendre_inputs(max_degree=1))
    def test_smallest_degrees(self, student, inputs):
        x, degree = inputs
        expected = np.stack([np.ones_like(x), x], axis=1)[:, : degree + 1]
        assert_close(student.legendre_features(x, degree), expected, name="Phi", **EXACT)

    @check("the columns of degree 2 and more", points=2)
    @given(inputs=strategies.legendre_inputs())
    def test_values(self, student, inputs):
        x, degree = inputs
        degree += 2
        assert_close(student.legendre_features(x, degree), legendre_features(x, degree), name="Phi", **EXACT)

    @check("every polynomial is 1 at x = 1, and 1 or −1 at x = −1")
    def test_ends(self, student):
        Phi = student.legendre_features(np.array([1.0, -1.0]), 9)
        assert_close(Phi, np.stack([np.ones(10), (-1.0) ** np.arange(10)]), name="Phi", **EXACT)

    @check("degree 60 is as accurate as degree 2")
    def test_high_degree(self, student):
        # On [−1, 1] the recurrence adds about one rounding error a step to numbers of at most 1: 60 · 2e-16.
        x = np.linspace(-0.99, 0.99, 7)
        assert_close(student.legendre_features(x, 60), legendre_features(x, 60), rtol=0, atol=1e-9, name="Phi")


class TestMinNormFit:
    @check("one theta for y (n,), one column of theta for each column of y; arguments unchanged", examples=10)
    @given(inputs=strategies.regressions())
    def test_form(self, student, inputs):
        Phi, y = inputs
        assert_float64(student.min_norm_fit(Phi, y), (Phi.shape[1], *y.shape[1:]), name="theta")
        assert_arguments_unchanged(student)

    @check("more equations than unknowns: the least-squares solution", examples=12)
    @given(inputs=strategies.regressions(shape="tall", outputs=False))
    def test_tall(self, student, inputs):
        assert_close(student.min_norm_fit(*inputs), min_norm_fit(*inputs), name="theta", **EXACT)

    @check("fewer equations than unknowns: of all solutions the smallest", points=2, examples=12)
    @given(inputs=strategies.regressions(shape="wide", outputs=False))
    def test_wide(self, student, inputs):
        assert_close(student.min_norm_fit(*inputs), min_norm_fit(*inputs), name="theta", **EXACT)

    @check("several targets at once, y (n, m)", examples=12)
    @given(inputs=strategies.regressions(outputs=True))
    def test_several_targets(self, student, inputs):
        assert_close(student.min_norm_fit(*inputs), min_norm_fit(*inputs), name="theta", **EXACT)

    @check("linearly dependent rows and columns", points=2, examples=12)
    @given(inputs=strategies.regressions(deficient=True, outputs=False))
    def test_rank_deficient(self, student, inputs):
        # Singular values that should be zero come out as 1e-16 of the largest, four orders below the cut-off.
        assert_close(student.min_norm_fit(*inputs), min_norm_fit(*inputs), name="theta", **EXACT)

    @check("singular values that spread over more than five orders of magnitude", points=2, examples=10)
    @given(inputs=strategies.regressions(condition=5e5, outputs=False))
    def test_ill_conditioned(self, student, inputs):
        # A backward stable method is off by about condition · 1e-16 = 5e-11 of the largest entry; methods that form
        # ΦᵀΦ by its square, 3e-5.
        expected = min_norm_fit(*inputs)
        assert_close(student.min_norm_fit(*inputs), expected, rtol=0, atol=1e-7 * np.abs(expected).max(), name="theta")

    @check("the result does not depend on the unit of the features", examples=8)
    @given(inputs=strategies.regressions(outputs=False), unit=st.sampled_from([2.0**-50, 2.0**40]))
    def test_scale(self, student, inputs, unit):
        Phi, y = inputs
        assert_close(student.min_norm_fit(Phi * unit, y), min_norm_fit(Phi, y) / unit, rtol=1e-9, atol=1e-9 / unit)


class TestGradientDescentFit:
    @check("theta has the shape of the unknowns, and the arguments stay as they were", examples=8)
    @given(inputs=strategies.descents())
    def test_form(self, student, inputs):
        Phi, y, *_ = inputs
        theta = student.gradient_descent_fit(*inputs)
        assert_float64(theta, (Phi.shape[1], *y.shape[1:]), name="theta")
        assert_arguments_unchanged(student)

    @check("no step and one step", examples=12)
    @given(inputs=strategies.descents(outputs=False))
    def test_first_step(self, student, inputs):
        Phi, y, lr, _ = inputs
        assert_close(student.gradient_descent_fit(Phi, y, lr, 0), np.zeros(Phi.shape[1]), name="theta", **EXACT)
        theta = student.gradient_descent_fit(Phi, y, lr, 1)
        assert_close(theta, gradient_descent_fit(Phi, y, lr, 1), name="theta", **EXACT)

    @check("several steps", points=2)
    @given(inputs=strategies.descents(outputs=False))
    def test_several_steps(self, student, inputs):
        assert_close(student.gradient_descent_fit(*inputs), gradient_descent_fit(*inputs), name="theta", **EXACT)

    @check("several targets at once, y (n, m)", examples=12)
    @given(inputs=strategies.descents(outputs=True))
    def test_several_targets(self, student, inputs):
        assert_close(student.gradient_descent_fit(*inputs), gradient_descent_fit(*inputs), name="theta", **EXACT)

    @check("where it ends with fewer equations than unknowns", points=2, examples=6)
    @given(inputs=strategies.regressions(shape="wide", condition=2.0, outputs=False))
    def test_limit(self, student, inputs):
        # Singular values from 1 to 2 and lr = 0.9 n/σ_max²: the error shrinks by 1 − 0.9/4 a step, to 1e-22 after 200.
        Phi, y = inputs
        theta = student.gradient_descent_fit(Phi, y, 0.9 * len(Phi) / 4.0, 200)
        assert_close(theta, min_norm_fit(Phi, y), name="theta after 200 steps", **EXACT)


NAMES = ("optimization", "generalization", "approximation")


class TestRiskDecomposition:
    @check("returns three numbers and leaves its arguments as they were", examples=8)
    @given(inputs=strategies.finite_classes())
    def test_form(self, student, inputs):
        for name, value in zip(NAMES, as_tuple(student.risk_decomposition(*inputs), *NAMES), strict=True):
            as_array(value, (), name=name)
        assert_arguments_unchanged(student)

    @check("the optimization error", points=2)
    @given(inputs=strategies.finite_classes())
    def test_optimization(self, student, inputs):
        self.compare(student, inputs, 0)

    @check("the generalization error", points=2)
    @given(inputs=strategies.finite_classes())
    def test_generalization(self, student, inputs):
        self.compare(student, inputs, 1)

    @check("the approximation error")
    @given(inputs=strategies.finite_classes())
    def test_approximation(self, student, inputs):
        self.compare(student, inputs, 2)

    @check("two models that are equally good on the data", examples=10)
    @given(inputs=strategies.tied_classes())
    def test_ties(self, student, inputs):
        self.compare(student, inputs, 1)

    def compare(self, student, inputs, part):
        """Sums of a handful of products of numbers below 10: errors below 1e-14."""
        got = as_tuple(student.risk_decomposition(*inputs), *NAMES)[part]
        assert_close(got, risk_decomposition(*inputs)[part], name=NAMES[part], rtol=1e-10, atol=1e-10)


class TestContours:
    @check("the shapes of the coefficients and of the points; arguments unchanged", examples=8)
    @given(inputs=strategies.contours())
    def test_form(self, student, inputs):
        t, _, harmonics = inputs
        c = as_array(student.fit_contour(*inputs), (2 * harmonics + 1,), kind="complex", name="c")
        assert_arguments_unchanged(student)
        as_array(student.draw_contour(c, t), t.shape, kind="complex", name="z")
        assert_arguments_unchanged(student)

    @check("draw_contour: the points of a contour", points=2)
    @given(inputs=strategies.drawings())
    def test_draw(self, student, inputs):
        assert_close(student.draw_contour(*inputs), draw_contour(*inputs), name="z", **EXACT)

    @check("fit_contour finds the coefficients from points at equal distances")
    @given(inputs=strategies.contours(uniform=True))
    def test_fit_uniform(self, student, inputs):
        assert_close(student.fit_contour(*inputs), fit_contour(*inputs), name="c", **EXACT)

    @check("fit_contour finds the coefficients from points at unequal distances", points=2)
    @given(inputs=strategies.contours())
    def test_fit_nonuniform(self, student, inputs):
        assert_close(student.fit_contour(*inputs), fit_contour(*inputs), name="c", **EXACT)

    @check("fit_contour with points that lie on no such contour: the closest one", points=2)
    @given(inputs=strategies.noisy_contours())
    def test_fit_least_squares(self, student, inputs):
        assert_close(student.fit_contour(*inputs), fit_contour(*inputs), name="c", **EXACT)

    @check("fit_contour with as many points as coefficients")
    @given(inputs=strategies.contours(exact=True))
    def test_fit_exact(self, student, inputs):
        assert_close(student.fit_contour(*inputs), fit_contour(*inputs), name="c", **EXACT)


# Condition numbers of these features stay below 100, so predictions are good to 1e-13 of the largest value.
SAME = {"rtol": 1e-7, "atol": 1e-10}


class TestPolynomialDoubleDescent:
    @check("returns two float64 arrays of one entry per degree and leaves its arguments as they were", examples=6)
    @given(inputs=strategies.polynomial_tasks())
    def test_form(self, student, inputs):
        errors = as_tuple(student.polynomial_double_descent(*inputs), "train_mse", "test_mse")
        for name, error in zip(("train_mse", "test_mse"), errors, strict=True):
            assert_float64(error, (len(inputs[4]),), name=name)
        assert_arguments_unchanged(student)

    @check("the error on the training points", points=2, examples=10)
    @given(inputs=strategies.polynomial_tasks())
    def test_train(self, student, inputs):
        train_mse, _ = as_tuple(student.polynomial_double_descent(*inputs), "train_mse", "test_mse")
        assert_close(train_mse, polynomial_double_descent(*inputs)[0], name="train_mse", **SAME)

    @check("the error on the test points", points=2, examples=10)
    @given(inputs=strategies.polynomial_tasks())
    def test_test(self, student, inputs):
        _, test_mse = as_tuple(student.polynomial_double_descent(*inputs), "train_mse", "test_mse")
        assert_close(test_mse, polynomial_double_descent(*inputs)[1], name="test_mse", **SAME)

    @check("a valley, a peak at the threshold, and a second descent below the valley", points=2)
    def test_curve(self, student):
        # For the right fit the median over these 20 data sets, which are fixed, is 0.013 at degree 9, 6.4 at degree 14
        # and 0.0065 at degree 29. Nothing is random here: a right solution meets the bounds with certainty.
        curves = []
        for task in NOISY_BUMPS:
            _, test_mse = as_tuple(student.polynomial_double_descent(*task), "train_mse", "test_mse")
            curves.append(as_array(test_mse, (6,), name="test_mse"))
        curve, degrees = np.median(curves, axis=0), BUMP_DEGREES
        show_curves(student, degrees, curve, right_bump_curve(), xlabel="degree", ylabel="median test MSE", log=True)
        if not np.isfinite(curve).all():
            fail("test_mse must be finite", got=curve)
        if degrees[np.argmax(curve)] != 14:
            fail(
                "the median test error over 20 data sets of 15 points must be largest at the threshold",
                got=f"largest at degree {degrees[np.argmax(curve)]}",
            )
        if not curve[5] < curve[:2].min() < 0.1 * curve[3]:
            fail(
                "beyond the peak the median test error must fall below its first valley",
                got=", ".join(f"degree {d}: {e:.3g}" for d, e in zip(degrees, curve, strict=True)),
            )


BUMP_DEGREES = np.array([4, 9, 12, 14, 18, 29])


def _noisy_bumps() -> list[tuple[np.ndarray, ...]]:
    """20 arguments of ``polynomial_double_descent`` that differ in the noise of the 15 training points."""
    rng = np.random.default_rng(14)
    x, x_test = np.linspace(-1, 1, 15), np.linspace(-1, 1, 101)
    bump, bump_test = np.exp(-30 * (x - 0.2) ** 2), np.exp(-30 * (x_test - 0.2) ** 2)
    return [(x, bump + 0.1 * rng.standard_normal(15), x_test, bump_test, BUMP_DEGREES) for _ in range(20)]


NOISY_BUMPS = _noisy_bumps()


@cache
def right_bump_curve() -> np.ndarray:
    """The median test errors of right fits to ``NOISY_BUMPS``."""
    return np.median([polynomial_double_descent(*task)[1] for task in NOISY_BUMPS], axis=0)


class TestRandomFeatureCurve:
    """Right solutions draw their own features. All figures are of 300 seeds with NumPy's generator; normal tails."""

    N = 60
    # Mean test errors on the blobs, by width: 24: 0.11, 50: 0.31, 60: 0.69, 90: 0.25, 120: 0.19, 240: 0.13. For one
    # seed the differences to the peak have standard deviations of at most 0.10, so their means over eight seeds are
    # at least 10 standard deviations above 0.
    WIDTHS = (120, 24, 60, 50, 90, 240)
    SEEDS = range(8)

    @check("two float64 arrays of one entry per width, fractions of the rows; arguments unchanged")
    def test_form(self, student):
        task = strategies.blobs()
        for widths in ([5, 80, 20], np.array([30])):
            errors = as_tuple(student.random_feature_curve(*task, widths, 1), "train_error", "test_error")
            for name, error, rows in zip(("train_error", "test_error"), errors, (self.N, 200), strict=True):
                assert_float64(error, (len(widths),), name=name)
                wrong = as_array(error) * rows
                if not (np.abs(wrong - wrong.round()) < 1e-6).all() or (wrong < 0).any() or (wrong > rows).any():
                    fail(f"{name} must be the fraction of the {rows} rows that are classified wrongly", got=error)
            assert_arguments_unchanged(student)

    @check("the seed alone decides: the same seed gives the same curve, another seed another")
    def test_seed(self, student):
        # That six seeds give the same curve: three test errors of 200 rows, each equal with a probability below 0.1.
        curves = [np.stack(self.curve(student, [10, 30, 50], seed)) for seed in (5, 0, 1, 2, 3, 4, 5)]
        if not (curves[0] == curves[-1]).all():
            fail("called twice with the same arguments, the errors differ", got=curves[-1], expected=curves[0])
        if all((curve == curves[0]).all() for curve in curves):
            fail("six different seeds give the same errors")

    @check("on the training data as test data, both errors are equal; a test row's prediction depends on no other")
    def test_same_data(self, student):
        # With 3 features for 60 rows of five classes, a training error of 0 is out of the question.
        X, y, *_ = strategies.blobs()
        widths = [3, 30, 100]
        errors = as_tuple(
            student.random_feature_curve(X, y, X.copy(), y.copy(), widths, 2), "train_error", "test_error"
        )
        train, test = (as_array(e, (3,), name=n) for e, n in zip(errors, ("train_error", "test_error"), strict=True))
        if not (np.abs(train - test) < 1e-9).all() or not train[0] > 0:
            fail(
                "the test data are the training data, so both errors must be equal, and not 0 at width 3",
                got=(train, test),
            )
        # Two halves of the test data, as different as can be (of low and of high labels, so that the largest label of
        # one is below that of the training data): the whole error is the mean of theirs.
        _, _, X_test, y_test = strategies.blobs()
        order = np.argsort(y_test, kind="stable")
        whole, low, high = (
            self.curve(student, [10, 30, 120], 2, (X_test[rows], y_test[rows]))[1]
            for rows in (order, order[:100], order[100:])
        )
        if not (np.abs(whole - (low + high) / 2) < 1e-9).all():
            fail("the test error must be the mean of those of two halves of the test data", got=whole)

    @check("inputs in another unit give the same curve; moved, mirrored or with a unit for each row they do not")
    def test_scale(self, student):
        # Multiplying by a power of two changes no rounding, and ReLU features without bias are multiplied by it. Three
        # features cannot tell five classes apart without an error.
        X, y, X_test, y_test = strategies.blobs()
        widths = [3, 40, 90]
        before = self.curve(student, widths, 3)
        scaled = student.random_feature_curve(8 * X, y, 8 * X_test, y_test, widths, 3)
        names = ("train_error", "test_error")
        for name, a, b in zip(names, before, as_tuple(scaled, *names), strict=True):
            after = as_array(b, (3,), name=name)
            if not (np.abs(a - after) < 1e-9).all() or not after[0] > 0:
                fail(f"{name} changes when all inputs are multiplied by 8", got=after, expected=a)
        # A row's features grow with the row, and the fit cares most for long ones: with lengths of up to 64 the test
        # error at widths 20, 30 and 40 grows by 0.36 in the mean, with a standard deviation of 0.04: 8 of them.
        widths, units = [20, 30, 40], 4.0 ** (np.arange(self.N) % 4)
        before = self.curve(student, widths, 3)[1]
        longer = student.random_feature_curve(X * units[:, None], y, X_test, y_test, widths, 3)
        after = as_array(as_tuple(longer, *names)[1], (3,), name="test_error")
        if not after.mean() > before.mean():
            fail(
                "with fewer features than rows, making some training rows longer must change the fit and raise the "
                f"mean test error, which was {before.mean():.3g}",
                got=after,
            )
        # Moved by 1e5, a feature is positive on all rows and linear there, or zero: 120 of them are as good as eleven
        # numbers, whose least-squares fit gets 4 rows wrong. A feature has its kink among the rows with a probability
        # of about 1e-5, and it takes one for each row to be mended: 1e-12 for all four.
        moved, _ = as_tuple(student.random_feature_curve(X + 1e5, y, X_test + 1e5, y_test, [120], 3), *names)
        if not as_array(moved, (1,), name="train_error")[0] > 0:
            fail(
                "with 100,000 added to all inputs, features are linear on the data and 120 of them cannot fit all rows",
                got=moved,
            )
        # A fit to X says little about −X, whose features are other ones: test errors of 0.4 to 0.9 at width 90.
        _, mirrored = as_tuple(student.random_feature_curve(X, y, -X, y, [3, 40, 90], 3), *names)
        if not as_array(mirrored, (3,), name="test_error")[2] > 0:
            fail(
                "with −X_train as test data the features are other ones, so there must be wrong predictions",
                got=mirrored,
            )

    @check("the training error: above 0 with few features, 0 from the threshold on", points=1)
    def test_training_error(self, student):
        # 0.20 ± 0.06 at width 8, so never 0 in the mean of four seeds. From width 90 on, the features have full rank.
        train = np.mean([self.curve(student, [120, 8, 90], seed)[0] for seed in range(4)], axis=0)
        if train[0] != 0 or train[2] != 0:
            fail(f"with more features than the {self.N} training rows the training error must be 0", got=train)
        if not 0 < train[1] < 0.5:
            fail(f"with 8 features for {self.N} rows the mean training error must lie between 0 and 0.5", got=train)
        # In the plane 11 points of alternating labels, and a twelfth that is 1e-4 from the first, of the other label
        # and half as long. With 200 features condition numbers are 9e4 to 3e5 (300 seeds), so the fit is exact. A ridge
        # of 1e-6 or a cut-off of 1e-3 takes the close two for one; weights of ±1 have only four directions, between
        # whose kinks, 90° apart, what is linear cannot alternate from each point to the next.
        angle = 2 * np.pi * np.append(np.arange(11) / 11, 0) + np.append(np.full(11, 0.1), 0.1 + 1e-4)
        circle, labels = np.stack([np.cos(angle), np.sin(angle)], axis=1), np.append(np.arange(11) % 2, 1)
        circle[0] *= 2
        alternating = self.errors(student, circle, labels, 200)
        if alternating != 0:
            fail("with 200 features for 12 rows in the plane the training error must be 0", got=alternating)
        # One feature on a line is 0 on one side, so there the class does not depend on the labels.
        line = np.array([[1.0], [-1.0]])
        if not any(self.errors(student, line, np.array(labels), 1) for labels in ([1, 2], [2, 1])):
            fail("one feature is 0 for one of the rows 1 and −1, and cannot get it right whatever its label", got=0.0)
        # One feature h ≥ 0 gives the scores θ_c·h: the same class wherever h > 0, and any one class where h = 0.
        most = np.sort(np.bincount(strategies.blobs()[1]))[-2:].sum() / self.N
        single, _ = self.curve(student, [1], 0)
        if single[0] < 1 - most - 1e-9:
            fail("one feature without bias tells no more than two of the five classes apart", got=single)

    @check("the mean test error over eight seeds is largest where it should be", points=2)
    def test_peak(self, student):
        mean = np.mean([self.curve(student, list(self.WIDTHS), seed)[1] for seed in self.SEEDS], axis=0)
        right = self.right_curve()
        show_curves(student, self.WIDTHS, mean, right, xlabel="width (number of features)", ylabel="mean test error")
        if self.WIDTHS[int(np.argmax(mean))] != self.N:
            shown = ", ".join(f"{w}: {e:.3f}" for w, e in sorted(zip(self.WIDTHS, mean, strict=True)))
            fail(f"the mean test error of {self.N} training rows peaks at another width", got=f"by width {shown}")

    @check("on the digits, many features do at least as well as the best number of few", points=2)
    def test_second_descent(self, student):
        # Mean test errors 0.19 at widths 60 and 80, 0.13 at 1000. For one seed, 1.1 times the first minus the last is
        # 0.081 with a standard deviation of 0.029; the mean of seven is 7.4 standard deviations above 0: 1e-13. That at
        # 1000 is 0.127 with a standard deviation of 0.011 for one seed, so 0.165 is 9 standard deviations of the mean
        # away. Weights of another distribution, with a few large ones among small ones, give 0.20.
        task = strategies.noisy_digits()
        curves = []
        for seed in range(7):
            errors = as_tuple(student.random_feature_curve(*task, [1000, 60, 80], seed), "train_error", "test_error")
            curves.append(as_array(errors[1], (3,), name="test_error"))
        many, *few = np.mean(curves, axis=0)
        shown = f"60 and 80 features: {', '.join(f'{e:.3f}' for e in few)}; 1000 features: {many:.3f}"
        if not many < 1.1 * min(few) or not 0.02 < min(few) < 0.5:
            fail("the mean test error with 1000 features must be below 1.1 times the best with 60 and 80", got=shown)
        if not many < 0.165:
            fail("the mean test error with 1000 features must be below 0.165", got=shown)

    @classmethod
    @cache
    def right_curve(cls) -> np.ndarray:
        """The mean test errors on the blobs of right fits."""
        task = strategies.blobs()
        return np.mean([random_feature_curve(*task, list(cls.WIDTHS), seed)[1] for seed in cls.SEEDS], axis=0)

    def errors(self, student, X, y, width):
        """Training error with features of one width."""
        result = student.random_feature_curve(X, y, X.copy(), y.copy(), [width], 0)
        return float(as_array(as_tuple(result, "train_error", "test_error")[0], (1,), name="train_error")[0])

    def curve(self, student, widths, seed, test=None):
        """(train_error, test_error) on the blobs, or those with other test data, as arrays."""
        task = (*strategies.blobs()[:2], *(test or strategies.blobs()[2:]))
        errors = as_tuple(student.random_feature_curve(*task, widths, seed), "train_error", "test_error")
        train, test = errors
        return as_array(train, (len(widths),), name="train_error"), as_array(test, (len(widths),), name="test_error")
