"""Visible checks of this notebook. They help you while you work; your score comes from other tests."""

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed


def _unchanged(call, *pairs):
    """Arguments are left as they were: pairs of (argument, a copy from before the call)."""
    for argument, before in pairs:
        expect(np.array_equal(argument, before), f"{call} changed one of its arguments in place; return new arrays.")


def _array(value, shape, name, call, dtype=np.float64):
    """A NumPy array of this shape and dtype."""
    expect(value is not None, f"{call}: {name} is None. Is a return statement missing?")
    kind = type(value).__name__
    expect(isinstance(value, np.ndarray), f"{call}: {name} must be a NumPy array, but is of type {kind}.")
    expect(value.shape == shape, f"{call}: {name} has shape {value.shape}, expected {shape}.")
    expect(value.dtype == dtype, f"{call}: {name} must have dtype {np.dtype(dtype)}, but has {value.dtype}.")


def check_legendre_features(legendre_features):
    x = np.array([0.5, -0.2, 1.0])
    before = x.copy()
    call = "legendre_features(np.array([0.5, -0.2, 1.0]), 4)"
    Phi = legendre_features(x, 4)
    expect(
        not isinstance(Phi, np.ndarray) or Phi.shape == (3, 5),
        f"{call} has shape {getattr(Phi, 'shape', None)}, expected (3, 5): one row per point, one column for each of P_0 … P_4.",
    )
    _array(Phi, (3, 5), "Phi", call)
    at_half = [1.0, 0.5, -0.125, -0.4375, -0.2890625]
    why = "P_0 … P_4 at ½ are 1, 1/2, −1/8, −7/16, −37/128"
    expect_close("row 0", Phi[0], at_half, call=call, rtol=1e-10, why=why)
    expect_close("row 2", Phi[2], np.ones(5), call=call, why="every Legendre polynomial is 1 at x = 1")
    expect_close("P_2", Phi[:, 2], [-0.125, -0.44, 1.0], call=call, rtol=1e-10, atol=1e-12, why="P_2(x) = (3x² − 1)/2")
    _unchanged(call, (x, before))
    passed(
        "legendre_features",
        checked="the shape and the values up to degree 4 at three points, worked out by hand",
        not_checked="the smallest degrees, large degrees, one point alone",
    )


def check_min_norm_fit(min_norm_fit):
    def fit(Phi, y):
        Phi, y = np.array(Phi, dtype=float), np.array(y, dtype=float)
        before = Phi.copy(), y.copy()
        theta = min_norm_fit(Phi, y)
        call = f"min_norm_fit(Phi, y) with Phi {Phi.shape} and y {y.shape}"
        _unchanged(call, (Phi, before[0]), (y, before[1]))
        _array(theta, (Phi.shape[1], *y.shape[1:]), "theta", call)
        return theta

    call = "min_norm_fit(Phi=[[1, 0], [1, 1], [1, 2]], y=[1, 3, 2])"
    theta = fit([[1, 0], [1, 1], [1, 2]], [1, 3, 2])
    expect_close("theta", theta, [1.5, 0.5], call=call, rtol=1e-10, why="the regression line, by hand")

    call = "min_norm_fit(Phi=[[1, 2]], y=[5])"
    why = "all θ with θ_0 + 2θ_1 = 5 fit; the shortest is the multiple of (1, 2)"
    expect_close("theta", fit([[1, 2]], [5]), [1.0, 2.0], call=call, rtol=1e-10, why=why)

    call = "min_norm_fit(Phi=[[1, 1], [1, 1], [2, 2]], y=[2, 4, 6])"
    why = "two equal columns must share the weight equally, since that is shortest"
    theta = fit([[1, 1], [1, 1], [2, 2]], [2, 4, 6])
    expect_close("theta", theta, [1.5, 1.5], call=call, rtol=1e-10, why=why)
    fit([[1, 2]], [[5]])  # one target as a column: theta is a column too

    call = "min_norm_fit(Phi, y) with Phi (2, 4) and y (2, 3)"
    Phi, y = np.array([[1.0, 0, 2, 1], [0, 1, 1, -1]]), np.array([[1.0, 0, 3], [0, 1, -1]])
    theta = fit(Phi, y)
    expect_close(
        "Phi @ theta", Phi @ theta, y, call=call, rtol=1e-10, why="two equations, four unknowns: a perfect fit"
    )
    null = np.array([[-2.0, -1, 1, 0], [-1, 1, 0, 1]])  # Phi @ null.T = 0
    why = "a part of θ that Phi does not see only makes it longer"
    expect_close("null space part", null @ theta, np.zeros((2, 3)), call=call, why=why)
    passed(
        "min_norm_fit",
        checked="more rows than columns, fewer, equal columns, several targets, by hand and by its two properties",
        not_checked="features in very large or small units, singular values of very different size",
    )


def check_gradient_descent_fit(gradient_descent_fit):
    Phi = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, -1.0]])
    y = np.array([1.0, 3.0])
    before = Phi.copy(), y.copy()
    features, targets = torch.tensor(Phi), torch.tensor(y)
    theta = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    for steps in range(4):
        call = f"gradient_descent_fit(Phi, y, lr=0.1, steps={steps}) with Phi (2, 3)"
        why = "torch's autograd on the same loss, from the same start"
        got = gradient_descent_fit(Phi, y, 0.1, steps)
        _array(got, (3,), "theta", call)
        expect_close("theta", got, theta.detach(), call=call, rtol=1e-10, why=why)
        loss = 0.5 * ((features @ theta - targets) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = (theta - 0.1 * gradient).detach().requires_grad_()
    call = "gradient_descent_fit(Phi, y, lr=0.1, steps=2) with Phi (2, 3) and y (2, 2)"
    _array(gradient_descent_fit(Phi, np.stack([y, y], axis=1), 0.1, 2), (3, 2), "theta", call)
    _unchanged("gradient_descent_fit", (Phi, before[0]), (y, before[1]))
    passed(
        "gradient_descent_fit",
        checked="0 to 3 steps against autograd, and the shape for two targets",
        not_checked="the values with several targets, learning rates that are too large, and where many steps lead",
    )


def check_risk_decomposition(risk_decomposition):
    # True risks 3, 1.5, 2.5; on the data 12/5, 13/5, 9/5: model 2 is best on the data, model 1 in truth.
    losses = np.array([[4.0, 2.0, 2.0], [1.0, 4.0, 0.0], [3.0, 1.0, 3.0]])
    p = np.array([0.5, 0.25, 0.25])
    counts = np.array([1, 3, 1])
    before = losses.copy(), p.copy(), counts.copy()
    call = "risk_decomposition(losses, p, counts, f_hat=0, bayes_risk=0.5)"
    parts = expect_tuple(
        risk_decomposition(losses, p, counts, 0, 0.5), "optimization", "generalization", "approximation", call=call
    )
    info = "true risks 3, 1.5, 2.5; on the data 12/5, 13/5, 9/5"
    expect_close("optimization", parts[0], 0.6, call=call, why=info)
    expect_close("generalization", parts[1], 1.0, call=call, why=info)
    expect_close("approximation", parts[2], 1.0, call=call, why=info)
    _unchanged(call, (losses, before[0]), (p, before[1]), (counts, before[2]))

    # Outcome 0 is not in the data: there 2/3, 4/3, 7/3. True risks (3·4 + 2·0 + 2)/6, (3·1 + 2·2 + 0)/6, (3·3 + 2·2 + 3)/6.
    losses, p, counts = np.array([[4.0, 0, 2], [1, 2, 0], [3, 2, 3]]), np.array([3, 2, 1]) / 6, np.array([0, 2, 1])
    call = "risk_decomposition(losses, p, counts=[0, 2, 1], f_hat=2, bayes_risk=1)"
    parts = expect_tuple(
        risk_decomposition(losses, p, counts, 2, 1.0), "optimization", "generalization", "approximation", call=call
    )
    info = "true risks 14/6, 7/6, 16/6; on the data 2/3, 4/3, 7/3"
    expect_close("optimization", parts[0], 5 / 3, call=call, rtol=1e-10, why=info)
    expect_close("generalization", parts[1], 7 / 6, call=call, rtol=1e-10, why=info)
    expect_close("approximation", parts[2], 1 / 6, call=call, rtol=1e-10, why=info)
    passed(
        "risk_decomposition",
        checked="two classes of three models and three outcomes, worked out by hand",
        not_checked="two models that are equally good on the data",
    )


def check_contours(fit_contour, draw_contour):
    call = "draw_contour(c=[0, 0, 1], t=[0, π, π/2])"
    t = np.array([0.0, np.pi, np.pi / 2])
    circle = draw_contour(np.array([0, 0, 1], dtype=complex), t)
    _array(circle, (3,), "z", call, complex)
    expect_close("z", circle, [1, -1, 1j], call=call, why="c_1 = 1 alone: the unit circle, counterclockwise")
    call = "draw_contour(c=[1, 2+1j, 0.5j], t=[0.3])"
    expected = np.array([np.exp(-0.3j) + (2 + 1j) + 0.5j * np.exp(0.3j)])
    z = draw_contour(np.array([1, 2 + 1j, 0.5j]), np.array([0.3]))
    expect_close("z", z, expected, call=call, why="1·e^{−0.3i} + (2+i) + 0.5i·e^{0.3i}")

    call = "draw_contour(c=[2+1j], t=[3, 1])"
    z = draw_contour(np.array([2 + 1j]), np.array([3.0, 1.0]))
    expect_close("z", z, np.array([2 + 1j, 2 + 1j]), call=call, why="c_0 alone: the same point for every t")

    t = np.array([2.5, 0.1, 0.9, 1.4, 3.0, 5.5, 4.4])
    ellipse = 3 * np.cos(t) + 1j * np.sin(t) + 5
    before = t.copy(), ellipse.copy()
    call = "fit_contour(t, z, harmonics=1) with z = 5 + 3 cos t + i sin t at seven unequal t"
    c = fit_contour(t, ellipse, 1)
    _array(c, (3,), "c", call, complex)
    expect_close(
        "c",
        c,
        np.array([1, 5, 2], dtype=complex),
        call=call,
        why="cos t = (e^{it} + e^{−it})/2 and i sin t = (e^{it} − e^{−it})/2",
    )
    _unchanged(call, (t, before[0]), (ellipse, before[1]))
    call = "fit_contour(t, z, harmonics=2) with the same ellipse"
    c = fit_contour(t, ellipse, 2)
    expect_close(
        "c", c, np.array([0, 1, 5, 2, 0], dtype=complex), call=call, why="the outer coefficients are not needed"
    )
    passed(
        "contours",
        checked="a circle, an ellipse at unequal distances, and one contour by its formula",
        not_checked="points that lie on no such contour, as many points as coefficients, no harmonics at all",
    )


def check_polynomial_double_descent(polynomial_double_descent):
    x, y = np.array([-1.0, 1.0]), np.array([0.0, 2.0])
    x_test, y_test = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.0, 0.0])
    before = x.copy(), y.copy(), x_test.copy(), y_test.copy()
    call = "polynomial_double_descent([-1, 1], [0, 2], [0, 0.5, 1], [0, 0, 0], degrees=[0, 1, 2])"
    result = polynomial_double_descent(x, y, x_test, y_test, [0, 1, 2])
    train, test = expect_tuple(result, "train_mse", "test_mse", call=call)
    _array(train, (3,), "train_mse", call)
    _array(test, (3,), "test_mse", call)
    why = "degree 0 fits the mean, 1; from degree 1 on two points are no problem"
    expect_close("train_mse", train, [1.0, 0.0, 0.0], call=call, atol=1e-12, why=why)
    # Degree 2: P_0 and P_2 are both 1 at ±1 and share the weight: f = 1/2 + x + P_2(x)/2, so 1/4, 15/16 and 2.
    expected = [1.0, (1 + 1.5**2 + 2**2) / 3, (0.25**2 + 0.9375**2 + 2**2) / 3]
    why = "by hand: 1, then 1 + x, then ½ + x + ½P_2(x)"
    expect_close("test_mse", test, expected, call=call, why=why)
    _unchanged(call, (x, before[0]), (y, before[1]), (x_test, before[2]), (y_test, before[3]))
    passed(
        "polynomial_double_descent",
        checked="two training points, three test points and degrees 0, 1, 2, worked out by hand",
        not_checked="degrees in another order, more points and higher degrees, the whole curve",
    )


def check_random_feature_curve(random_feature_curve):
    rng = np.random.default_rng(8)
    y = np.arange(60) % 3
    X = 1.5 * rng.standard_normal((3, 8))[y] + rng.standard_normal((60, 8))
    X = X / X.std()
    X_train, y_train, X_test, y_test = X[:30], y[:30].copy(), X[30:], y[30:]
    y_train[::10] = (y_train[::10] + 1) % 3  # three wrong labels
    widths = [4, 30, 150]
    call = "random_feature_curve(X_train (30, 8), y_train, X_test (30, 8), y_test, widths=[4, 30, 150], seed=1)"
    result = random_feature_curve(X_train, y_train, X_test, y_test, widths, 1)
    train, test = expect_tuple(result, "train_error", "test_error", call=call)
    for name, error in (("train_error", train), ("test_error", test)):
        _array(error, (3,), name, call)
        expect(
            np.allclose(error * 30, np.round(error * 30)) and error.min() >= 0 and error.max() <= 1,
            f"{call}: {name} must be the fraction of the 30 rows that are classified wrongly, but is {error}.",
        )
    again = random_feature_curve(X_train, y_train, X_test, y_test, widths, 1)
    expect(
        np.array_equal(again, result), "called twice with the same seed, random_feature_curve gives different errors."
    )
    curves = [result] + [random_feature_curve(X_train, y_train, X_test, y_test, widths, seed) for seed in range(2, 8)]
    expect(
        any(not np.array_equal(other, result) for other in curves),
        "seven different seeds give the same errors. Does the generator depend on seed?",
    )
    # Means of seven seeds. The test error is 0.20 with a standard deviation of 0.02, or 0.67 if it is guessed.
    train, test = np.mean(curves, axis=0)
    expect(
        train[2] == 0 and train[0] > 0,
        f"{call} and six more seeds: the mean train_error is {train}. With 150 features for 30 rows it should be 0, with "
        "4 features above 0.",
    )
    expect(
        test[2] < 0.35,
        f"{call} and six more seeds: with 150 features the mean test_error is {test[2]:.2f}; guessing gives 0.67. Do "
        "training and test data go through the same features?",
    )
    passed(
        "random_feature_curve",
        checked="shapes, fractions, the seed, training error 0 with many features, test error better than guessing",
        not_checked="the order of the widths, what the features, the targets and the fit are exactly, the place of the peak",
    )
