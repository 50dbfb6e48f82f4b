"""Visible checks of this notebook. They help you while you work; your score comes from other tests."""

import numpy as np
import torch
from visible import expect, expect_close, expect_tuple, passed


def _unchanged(call, *pairs):
    """Arguments are left as they were: pairs of (argument, a copy from before the call)."""
    for argument, before in pairs:
        expect(np.array_equal(argument, before), f"{call} changed one of its arguments in place; return new arrays.")


def check_legendre_features(legendre_features):
    x = np.array([0.5, -0.2, 1.0])
    before = x.copy()
    call = "legendre_features(np.array([0.5, -0.2, 1.0]), 4)"
    Phi = legendre_features(x, 4)
    expect(Phi is not None, f"{call} returned None. Is a return statement missing?")
    expect(
        np.shape(Phi) == (3, 5),
        f"{call} has shape {np.shape(Phi)}, expected (3, 5): one row per point, one column for each of P_0 … P_4.",
    )
    at_half = [1.0, 0.5, -0.125, -0.4375, -0.2890625]
    why = "P_0 … P_4 at ½ are 1, 1/2, −1/8, −7/16, −37/128"
    expect_close("row 0", np.asarray(Phi)[0], at_half, call=call, why=why)
    expect_close("row 2", np.asarray(Phi)[2], np.ones(5), call=call, why="every Legendre polynomial is 1 at x = 1")
    expect_close("P_2", np.asarray(Phi)[:, 2], [-0.125, -0.44, 1.0], call=call, why="P_2(x) = (3x² − 1)/2")
    _unchanged(call, (x, before))
    passed(
        "legendre_features",
        checked="the shape and the values up to degree 4 at three points, worked out by hand",
        not_checked="the smallest degrees, large degrees",
    )


def check_min_norm_fit(min_norm_fit):
    def fit(Phi, y):
        Phi, y = np.array(Phi, dtype=float), np.array(y, dtype=float)
        before = Phi.copy(), y.copy()
        theta = min_norm_fit(Phi, y)
        _unchanged("min_norm_fit(Phi, y)", (Phi, before[0]), (y, before[1]))
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

    call = "min_norm_fit(Phi, y) with Phi (2, 4) and y (2, 3)"
    Phi, y = np.array([[1.0, 0, 2, 1], [0, 1, 1, -1]]), np.array([[1.0, 0, 3], [0, 1, -1]])
    theta = fit(Phi, y)
    expect(np.shape(theta) == (4, 3), f"{call} has shape {np.shape(theta)}, expected (4, 3): one column per target.")
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
        expect_close("theta", gradient_descent_fit(Phi, y, 0.1, steps), theta.detach(), call=call, why=why)
        loss = 0.5 * ((features @ theta - targets) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = (theta - 0.1 * gradient).detach().requires_grad_()
    expect_shape = np.shape(gradient_descent_fit(Phi, np.stack([y, y], axis=1), 0.1, 2))
    expect(expect_shape == (3, 2), f"with y of shape (2, 2), theta has shape {expect_shape}, expected (3, 2).")
    _unchanged("gradient_descent_fit", (Phi, before[0]), (y, before[1]))
    passed(
        "gradient_descent_fit",
        checked="0 to 3 steps against autograd, and the shape for two targets",
        not_checked="the values with several targets, and where many steps lead",
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
    passed(
        "risk_decomposition",
        checked="one class of three models and three outcomes, worked out by hand",
        not_checked="two models that are equally good on the data",
    )


def check_contours(fit_contour, draw_contour):
    call = "draw_contour(c=[0, 0, 1], t=[0, π/2, π])"
    t = np.array([0.0, np.pi / 2, np.pi])
    circle = draw_contour(np.array([0, 0, 1], dtype=complex), t)
    expect_close("z", circle, [1, 1j, -1], call=call, why="c_1 = 1 alone: the unit circle, counterclockwise")
    call = "draw_contour(c=[1, 2+1j, 0.5j], t=[0.3])"
    expected = np.array([np.exp(-0.3j) + (2 + 1j) + 0.5j * np.exp(0.3j)])
    z = draw_contour(np.array([1, 2 + 1j, 0.5j]), np.array([0.3]))
    expect_close("z", z, expected, call=call, why="1·e^{−0.3i} + (2+i) + 0.5i·e^{0.3i}")

    t = np.array([0.1, 0.9, 1.4, 2.5, 3.0, 4.4, 5.5])
    ellipse = 3 * np.cos(t) + 1j * np.sin(t) + 5
    before = t.copy(), ellipse.copy()
    call = "fit_contour(t, z, harmonics=1) with z = 5 + 3 cos t + i sin t at seven unequal t"
    c = fit_contour(t, ellipse, 1)
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
        not_checked="points that lie on no such contour, as many points as coefficients",
    )


def check_polynomial_double_descent(polynomial_double_descent):
    x, y = np.array([-1.0, 1.0]), np.array([0.0, 2.0])
    x_test, y_test = np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.0, 0.0])
    before = x.copy(), y.copy(), x_test.copy(), y_test.copy()
    call = "polynomial_double_descent([-1, 1], [0, 2], [0, 0.5, 1], [0, 0, 0], degrees=[0, 1, 2])"
    result = polynomial_double_descent(x, y, x_test, y_test, [0, 1, 2])
    train, test = expect_tuple(result, "train_mse", "test_mse", call=call)
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
        not_checked="degrees in another order, more points, the whole curve",
    )


def check_random_feature_curve(random_feature_curve):
    rng = np.random.default_rng(8)
    y = np.arange(60) % 3
    X = rng.standard_normal((3, 8))[y] + rng.standard_normal((60, 8))
    X = X / X.std()
    X_train, y_train, X_test, y_test = X[:30], y[:30], X[30:], y[30:]
    widths = [4, 30, 150]
    call = "random_feature_curve(X_train (30, 8), y_train, X_test (30, 8), y_test, widths=[4, 30, 150], seed=1)"
    result = random_feature_curve(X_train, y_train, X_test, y_test, widths, 1)
    train, test = (np.asarray(e) for e in expect_tuple(result, "train_error", "test_error", call=call))
    for name, error in (("train_error", train), ("test_error", test)):
        expect(error.shape == (3,), f"{call}: {name} has shape {error.shape}, expected (3,): one entry per width.")
        expect(
            error.dtype.kind == "f"
            and np.allclose(error * 30, np.round(error * 30))
            and error.min() >= 0
            and error.max() <= 1,
            f"{call}: {name} must be the fraction of the 30 rows that are classified wrongly, but is {error}.",
        )
    expect(
        train[2] == 0 and train[0] > 0,
        f"{call}: train_error is {train}. With 150 features for 30 rows it should be 0, with 4 features above 0.",
    )
    expect(
        test[2] < 0.45,
        f"{call}: with 150 features test_error is {test[2]:.2f}; guessing gives 0.67. Do training and test data "
        "go through the same features?",
    )
    again = random_feature_curve(X_train, y_train, X_test, y_test, widths, 1)
    expect(
        np.array_equal(again, result), "called twice with the same seed, random_feature_curve gives different errors."
    )
    others = [random_feature_curve(X_train, y_train, X_test, y_test, widths, seed) for seed in range(2, 8)]
    expect(
        any(not np.array_equal(other, result) for other in others),
        "seven different seeds give the same errors. Does the generator depend on seed?",
    )
    passed(
        "random_feature_curve",
        checked="shapes, fractions, the seed, training error 0 with many features, test error better than guessing",
        not_checked="the order of the widths, what the features and the targets are exactly, the place of the peak",
    )
