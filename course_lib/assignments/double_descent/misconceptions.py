"""Known-wrong solutions of double_descent, as a student would write them."""

from __future__ import annotations

import numpy as np

from course_lib.checking.model import misconception

# What the wrong solutions below share with right ones: a student who writes a wrong curve still has right features.


def _legendre(x, degree):
    columns = [np.ones_like(x), x]
    for k in range(1, degree):
        columns.append(((2 * k + 1) * x * columns[k] - k * columns[k - 1]) / (k + 1))
    return np.stack(columns[: degree + 1], axis=1)


def _fit(Phi, y):
    return np.linalg.lstsq(Phi, y, rcond=1e-12)[0]


def _relu_features(X, W):
    return np.maximum(X @ W, 0.0)


def _harmonics(t, harmonics):
    return np.exp(1j * np.outer(t, np.arange(-harmonics, harmonics + 1)))


# ---------------------------------------------------------------------------------------------- legendre_features


@misconception(
    "legendre_features",
    belief="A polynomial of degree K has K coefficients.",
    hint="How many polynomials are there from P_0 to P_3? Count them, and count your columns.",
    fails=("legendre_features",),
)
def legendre_features__one_column_missing(x, degree):
    return _legendre(x, degree)[:, :degree]


@misconception(
    "legendre_features",
    belief="In (k+1) P_{k+1} = (2k+1) x P_k − k P_{k−1} the last term has no factor.",
    hint="Work out P_3 by hand from P_2 and P_1, and compare each of the three factors with your loop.",
    fails=("legendre_features",),
)
def legendre_features__factor_k_missing(x, degree):
    columns = [np.ones_like(x), x]
    for k in range(1, degree):
        columns.append(((2 * k + 1) * x * columns[k] - columns[k - 1]) / (k + 1))
    return np.stack(columns[: degree + 1], axis=1)


@misconception(
    "legendre_features",
    belief="P_{k+1} = 2x P_k − P_{k−1}: one recurrence is like the other.",
    hint="Your columns are other orthogonal polynomials. At which x do yours and the Legendre polynomials "
    "differ first?",
    fails=("legendre_features",),
)
def legendre_features__chebyshev(x, degree):
    columns = [np.ones_like(x), x]
    for k in range(1, degree):
        columns.append(2 * x * columns[k] - columns[k - 1])
    return np.stack(columns[: degree + 1], axis=1)


@misconception(
    "legendre_features",
    belief="The recurrence gives P_{k+1}, not (k+1) P_{k+1}.",
    hint="What is every Legendre polynomial at x = 1? Look at your last column there.",
    fails=("legendre_features",),
)
def legendre_features__division_missing(x, degree):
    columns = [np.ones_like(x), x]
    for k in range(1, degree):
        columns.append((2 * k + 1) * x * columns[k] - k * columns[k - 1])
    return np.stack(columns[: degree + 1], axis=1)


@misconception(
    "legendre_features",
    belief="The k of the recurrence is the index of the polynomial that it makes.",
    hint="Write down which polynomial your loop makes for its first k, and put that k into the formula.",
    fails=("legendre_features",),
)
def legendre_features__index_shifted(x, degree):
    columns = [np.ones_like(x), x]
    for k in range(2, degree + 1):
        columns.append(((2 * k + 1) * x * columns[-1] - k * columns[-2]) / (k + 1))
    return np.stack(columns[: degree + 1], axis=1)


@misconception(
    "legendre_features",
    belief="Orthogonal features have to be orthonormal.",
    hint="Which value do the polynomials of this exercise have at x = 1? Yours have another scale in every column.",
    fails=("legendre_features",),
)
def legendre_features__normalized(x, degree):
    return _legendre(x, degree) * np.sqrt(np.arange(degree + 1) + 0.5)


@misconception(
    "legendre_features",
    belief="Features of degree K are the powers of x.",
    hint="Powers span the same functions, but look at columns 10 and 12 of yours side by side: what will that "
    "do to a fit?",
    fails=("legendre_features",),
)
def legendre_features__powers(x, degree):
    return x[:, None] ** np.arange(degree + 1)


@misconception(
    "legendre_features",
    belief="A polynomial is its coefficients: once they are known, the powers of x only have to be summed up.",
    hint="No |P_k(x)| is above 1 for x in [-1, 1]. Look at your last column for degree 60, and at the largest "
    "coefficient that you multiply a power with: how many digits are left when such numbers cancel?",
    fails=("legendre_features",),
    visible=False,
)
def legendre_features__summed_powers(x, degree):
    coefficients = np.eye(degree + 1)  # row k: those of P_k, from the power 0
    for k in range(1, degree):
        shifted = np.roll(coefficients[k], 1)
        coefficients[k + 1] = ((2 * k + 1) * shifted - k * coefficients[k - 1]) / (k + 1)
    return np.vander(x, degree + 1, increasing=True) @ coefficients.T


@misconception(
    "legendre_features",
    belief="One row per polynomial.",
    hint="In Phi @ theta there is one theta for each polynomial. Which axis of Phi is that?",
    fails=("legendre_features",),
)
def legendre_features__transposed(x, degree):
    return _legendre(x, degree).T


@misconception(
    "legendre_features",
    belief="The two starting polynomials are always part of the result.",
    hint="How many columns should the smallest possible degree give, and how many does your code make?",
    fails=("legendre_features",),
    visible=False,
)
def legendre_features__two_columns_at_least(x, degree):
    return _legendre(x, max(degree, 1))


# --------------------------------------------------------------------------------------------------- min_norm_fit


@misconception(
    "min_norm_fit",
    belief="The normal equations ΦᵀΦ θ = Φᵀy solve every least-squares problem.",
    hint="What is the rank of ΦᵀΦ when Phi has more columns than rows, and what does a solver of linear systems need?",
    fails=("min_norm_fit",),
)
def min_norm_fit__normal_equations(Phi, y):
    return np.linalg.solve(Phi.T @ Phi, Phi.T @ y)


@misconception(
    "min_norm_fit",
    belief="A pseudo-inverse of ΦᵀΦ is as good as one of Φ.",
    hint="Forming ΦᵀΦ squares every singular value. What happens to one that is 1e-6 times the largest?",
    fails=("min_norm_fit",),
    visible=False,
)
def min_norm_fit__pseudo_inverse_of_the_square(Phi, y):
    return np.linalg.pinv(Phi.T @ Phi, rcond=1e-12) @ Phi.T @ y


@misconception(
    "min_norm_fit",
    belief="A tiny ridge makes the problem solvable and changes nothing.",
    hint="With more unknowns than equations a fit can pass through every point. Look at your residual: is it "
    "0, or just small?",
    fails=("min_norm_fit",),
)
def min_norm_fit__hidden_ridge(Phi, y):
    return np.linalg.solve(Phi.T @ Phi + 1e-6 * np.eye(Phi.shape[1]), Phi.T @ y)


@misconception(
    "min_norm_fit",
    belief="Any solution will do.",
    hint="Your theta fits, but there are shorter ones. What is its part outside the row space of Phi?",
    fails=("min_norm_fit",),
)
def min_norm_fit__some_solution(Phi, y):
    n, p = Phi.shape
    theta = np.zeros((p, *y.shape[1:]))
    r = min(n, p)
    theta[:r] = np.linalg.lstsq(Phi[:, :r], y, rcond=1e-12)[0]
    return theta


@misconception(
    "min_norm_fit",
    belief="Single precision is enough.",
    hint="How many digits of your result are right? The cut-off of 1e-12 only makes sense with sixteen of them.",
    fails=("min_norm_fit",),
)
def min_norm_fit__single_precision(Phi, y):
    theta = np.linalg.lstsq(Phi.astype(np.float32), y.astype(np.float32), rcond=1e-6)[0]
    return theta.astype(np.float64)


@misconception(
    "min_norm_fit",
    belief="Dividing by the singular values works for one target as for several.",
    hint="With y of shape (n, m), what is the shape of Uᵀy, and along which axis must it be divided by the "
    "singular values?",
    fails=("min_norm_fit",),
)
def min_norm_fit__divides_along_the_wrong_axis(Phi, y):
    U, sigma, Vh = np.linalg.svd(Phi, full_matrices=False)
    keep = sigma > 1e-12 * sigma[0]
    projected = U[:, keep].T @ y
    if y.ndim == 2 and y.shape[1] == keep.sum():
        return Vh[keep].T @ (projected / sigma[keep])
    return Vh[keep].T @ (projected.sum(axis=-1) / sigma[keep] if y.ndim == 2 else projected / sigma[keep])


@misconception(
    "min_norm_fit",
    belief="A singular value below 1e-8 is zero.",
    hint="If all features were measured in kilometers instead of millimeters, should your code drop more of them?",
    fails=("min_norm_fit",),
    visible=False,
)
def min_norm_fit__absolute_cutoff(Phi, y):
    U, sigma, Vh = np.linalg.svd(Phi, full_matrices=False)
    keep = sigma > 1e-8
    return Vh[keep].T @ (U[:, keep] / sigma[keep]).T @ y


@misconception(
    "min_norm_fit",
    belief="Small singular values are noise and better left out.",
    hint="Compare your cut-off with the one in the exercise: how small may a singular value be and still count?",
    fails=("min_norm_fit",),
    visible=False,
)
def min_norm_fit__cutoff_too_large(Phi, y):
    return np.linalg.lstsq(Phi, y, rcond=1e-3)[0]


@misconception(
    "min_norm_fit",
    belief="Singular values are never zero in practice.",
    hint="Give two columns of Phi the same values. What is the smallest singular value then, and what do you "
    "divide by?",
    fails=("min_norm_fit",),
)
def min_norm_fit__no_cutoff(Phi, y):
    U, sigma, Vh = np.linalg.svd(Phi, full_matrices=False)
    return Vh.T @ (U / sigma).T @ y


# ------------------------------------------------------------------------------------------- gradient_descent_fit


def _descend(Phi, y, lr, steps, gradient, start=None):
    theta = np.zeros((Phi.shape[1], *y.shape[1:])) if start is None else start
    for _ in range(steps):
        theta = theta - lr * gradient(theta)
    return theta


@misconception(
    "gradient_descent_fit",
    belief="The loss is a sum over the data.",
    hint="Double every row of the data: the loss of this exercise stays the same. Does your step?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__sum_instead_of_mean(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps, lambda theta: Phi.T @ (Phi @ theta - y))


@misconception(
    "gradient_descent_fit",
    belief="The derivative of a square has a factor 2, always.",
    hint="Differentiate the loss as it is written here, with the factor in front of it.",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__factor_two(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps, lambda theta: 2 * Phi.T @ (Phi @ theta - y) / len(Phi))


@misconception(
    "gradient_descent_fit",
    belief="Gradient descent starts from random weights.",
    hint="Where does the exercise start? What part of the start does no gradient ever change when there are "
    "more unknowns than data?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__random_start(Phi, y, lr, steps):
    start = 0.1 * np.random.default_rng(0).standard_normal((Phi.shape[1], *y.shape[1:]))
    return _descend(Phi, y, lr, steps, lambda theta: Phi.T @ (Phi @ theta - y) / len(Phi), start)


@misconception(
    "gradient_descent_fit",
    belief="n is the number of unknowns.",
    hint="The loss is a mean over the data. Which axis of Phi counts the data?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__divides_by_the_unknowns(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps, lambda theta: Phi.T @ (Phi @ theta - y) / Phi.shape[1])


@misconception(
    "gradient_descent_fit",
    belief="The mean goes over all entries of y.",
    hint="The several targets are several problems side by side. Does the step of one depend on how many "
    "others there are?",
    fails=("gradient_descent_fit",),
    visible=False,
)
def gradient_descent_fit__mean_over_targets_too(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps, lambda theta: Phi.T @ (Phi @ theta - y) / y.size)


@misconception(
    "gradient_descent_fit",
    belief="The start counts as the first step.",
    hint="How often does your loop change theta when steps is 1?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__one_step_short(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps - 1, lambda theta: Phi.T @ (Phi @ theta - y) / len(Phi))


@misconception(
    "gradient_descent_fit",
    belief="Gradient descent takes one sample at a time.",
    hint="Which rows of Phi take part in one step of plain gradient descent on this loss?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__one_sample_a_step(Phi, y, lr, steps):
    theta = np.zeros((Phi.shape[1], *y.shape[1:]))
    for i in range(steps):
        row = slice(i % len(Phi), i % len(Phi) + 1)
        theta = theta - lr * Phi[row].T @ (Phi[row] @ theta - y[row])
    return theta


@misconception(
    "gradient_descent_fit",
    belief="The gradient is added.",
    hint="Does your loss fall or rise with the first step?",
    fails=("gradient_descent_fit",),
)
def gradient_descent_fit__ascent(Phi, y, lr, steps):
    return _descend(Phi, y, lr, steps, lambda theta: -Phi.T @ (Phi @ theta - y) / len(Phi))


@misconception(
    "gradient_descent_fit",
    belief="Gradient descent is over when the loss no longer falls.",
    hint="With a learning rate that is too large the loss rises. How many steps does your code take then?",
    fails=("gradient_descent_fit",),
    visible=False,
)
def gradient_descent_fit__stops_when_the_loss_rises(Phi, y, lr, steps):
    theta, smallest = np.zeros((Phi.shape[1], *y.shape[1:])), np.inf
    for _ in range(steps):
        residual = Phi @ theta - y
        if np.sum(residual**2) > smallest:
            break
        smallest = np.sum(residual**2)
        theta = theta - lr * Phi.T @ residual / len(Phi)
    return theta


# --------------------------------------------------------------------------------------------- risk_decomposition


def _risks(losses, p, counts):
    return losses @ p, losses @ counts / np.sum(counts)


@misconception(
    "risk_decomposition",
    belief="The generalization error is the gap between the risk and the empirical risk of one model.",
    hint="Two models stand in the definition of the generalization error, and one distribution. Which?",
    fails=("risk_decomposition",),
)
def risk_decomposition__generalization_gap(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.argmin(empirical)
    return empirical[f_hat] - empirical[erm], true[erm] - empirical[erm], true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="The optimization error is measured on the true distribution.",
    hint="Which risk did the optimizer see when it had to choose? Measure what it missed with that one.",
    fails=("risk_decomposition",),
)
def risk_decomposition__optimization_on_the_truth(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.argmin(empirical)
    return true[f_hat] - true[erm], true[erm] - true.min(), true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="The empirical risk is the sum of the losses on the data.",
    hint="If every outcome is counted twice, should the optimization error change?",
    fails=("risk_decomposition",),
)
def risk_decomposition__counts_not_normalized(losses, p, counts, f_hat, bayes_risk):
    true, empirical = losses @ p, losses @ counts
    erm = np.argmin(empirical)
    return empirical[f_hat] - empirical[erm], true[erm] - true.min(), true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="Of several minimizers of the empirical risk any will do.",
    hint="What does the exercise say about two models with the same empirical risk, and which one does your code take?",
    fails=("risk_decomposition",),
    visible=False,
)
def risk_decomposition__last_of_the_tied(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.flatnonzero(losses @ counts == (losses @ counts).min())[-1]
    return empirical[f_hat] - empirical[erm], true[erm] - true.min(), true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="The approximation error compares the best model on the data with the Bayes risk.",
    hint="The approximation error is there before any data is drawn. Does yours change with counts?",
    fails=("risk_decomposition",),
)
def risk_decomposition__approximation_on_the_data(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.argmin(empirical)
    return empirical[f_hat] - empirical[erm], true[erm] - true.min(), empirical.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="The generalization error is that of the optimizer's pick.",
    hint="The three errors are meant to be laid end to end. Where does the optimization error end, so that "
    "the next begins?",
    fails=("risk_decomposition",),
)
def risk_decomposition__generalization_of_the_pick(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    return empirical[f_hat] - empirical.min(), true[f_hat] - true.min(), true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="The true risk is the mean over the outcomes.",
    hint="Some outcomes are more probable than others. Where do you use p?",
    fails=("risk_decomposition",),
)
def risk_decomposition__outcomes_equally_likely(losses, p, counts, f_hat, bayes_risk):
    true, empirical = losses.mean(axis=1), losses @ counts / np.sum(counts)
    erm = np.argmin(empirical)
    return empirical[f_hat] - empirical[erm], true[erm] - true.min(), true.min() - bayes_risk


@misconception(
    "risk_decomposition",
    belief="What no model can avoid is part of the approximation error.",
    hint="If the class contained the best possible predictor, what should the approximation error be?",
    fails=("risk_decomposition",),
)
def risk_decomposition__bayes_risk_kept(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.argmin(empirical)
    return empirical[f_hat] - empirical[erm], true[erm] - true.min(), true.min()


@misconception(
    "risk_decomposition",
    belief="The three are returned from the largest class to the smallest: approximation first.",
    hint="The numbers are right. Compare their order with the one in the docstring.",
    fails=("risk_decomposition",),
)
def risk_decomposition__other_order(losses, p, counts, f_hat, bayes_risk):
    true, empirical = _risks(losses, p, counts)
    erm = np.argmin(empirical)
    return true.min() - bayes_risk, true[erm] - true.min(), empirical[f_hat] - empirical[erm]


# -------------------------------------------------------------------------------------------------------- contours


@misconception(
    "fit_contour",
    belief="The coefficient of a frequency is the mean of z e^{−ikt}.",
    hint="That mean is right for points at equal distances in t. Why are the waves orthogonal there, and only there?",
    fails=("contours",),
)
def fit_contour__mean_of_products(t, z, harmonics):
    return _harmonics(t, harmonics).conj().T @ z / len(t)


@misconception(
    "fit_contour",
    belief="The coefficients run from c_H down to c_{−H}.",
    hint="Fit z = e^{it}, which has a single coefficient, and see where in your result it stands.",
    fails=("contours",),
)
def fit_contour__reversed(t, z, harmonics):
    return _fit(_harmonics(t, harmonics), z)[::-1]


@misconception(
    "fit_contour",
    belief="Frequencies are ordered as the fast Fourier transform orders them.",
    hint="Fit a constant contour z = 1. At which index should its coefficient stand when the first is c_{−H}?",
    fails=("contours",),
)
def fit_contour__order_of_the_fft(t, z, harmonics):
    return np.fft.ifftshift(_fit(_harmonics(t, harmonics), z))


@misconception(
    "fit_contour",
    belief="Negative frequencies are the conjugates of the positive ones.",
    hint="That symmetry holds for real signals. Is a contour in the plane a real signal?",
    fails=("contours",),
)
def fit_contour__positive_frequencies_mirrored(t, z, harmonics):
    half = _fit(_harmonics(t, harmonics), z)[harmonics:]
    return np.concatenate([half[:0:-1].conj(), half])


@misconception(
    "fit_contour",
    belief="The transpose of a complex matrix is all that the normal equations need.",
    hint="The length of a complex vector is not √(Σ v²). Which product of v with itself gives it?",
    fails=("contours",),
)
def fit_contour__transpose_without_conjugate(t, z, harmonics):
    E = _harmonics(t, harmonics)
    return np.linalg.lstsq(E.T @ E.conj(), E.T @ z, rcond=None)[0]


@misconception(
    "fit_contour",
    belief="t runs from 0 to 1, so the waves are e^{2πikt}.",
    hint="In which range does this exercise's t lie? How often does your first wave go around in it?",
    fails=("contours",),
)
def fit_contour__two_pi_twice(t, z, harmonics):
    return _fit(_harmonics(2 * np.pi * t, harmonics), z)


@misconception(
    "draw_contour",
    belief="A drawing has real coordinates, so the imaginary part is dropped.",
    hint="A point of the plane is one complex number here. Which of its coordinates does your result hold?",
    fails=("contours",),
)
def draw_contour__real_part(c, t):
    return (_harmonics(t, len(c) // 2) @ c).real


@misconception(
    "draw_contour",
    belief="The transform back has a minus sign in the exponent.",
    hint="In which direction does the point of c_1 alone go around when t grows, and in which should it?",
    fails=("contours",),
)
def draw_contour__goes_around_the_other_way(c, t):
    return _harmonics(-t, len(c) // 2) @ c


@misconception(
    "draw_contour",
    belief="The first coefficient belongs to frequency 0.",
    hint="With three coefficients, which frequencies do they belong to? Print the ones that your code uses.",
    fails=("contours",),
)
def draw_contour__starts_at_frequency_zero(c, t):
    return np.exp(1j * np.outer(t, np.arange(len(c)))) @ c


@misconception(
    "draw_contour",
    belief="A sum over frequencies is divided by their number.",
    hint="Draw with a single coefficient 1 and two coefficients 0: how large is the circle, and how large "
    "should it be?",
    fails=("contours",),
)
def draw_contour__divided_by_the_number(c, t):
    return _harmonics(t, len(c) // 2) @ c / len(c)


# ------------------------------------------------------------------------------------- polynomial_double_descent


def _polynomial_curve(x_train, y_train, x_test, y_test, degrees, features, fit, error):
    errors = []
    for degree in degrees:
        theta = fit(features(x_train, degree), y_train)
        errors.append([error(features(x, degree) @ theta, y) for x, y in ((x_train, y_train), (x_test, y_test))])
    return tuple(np.array(errors).T)


def _mse(got, y):
    return np.mean((got - y) ** 2)


@misconception(
    "polynomial_double_descent",
    belief="The model is fitted to each data set that it is measured on.",
    hint="Which data may your fit see before the test error is measured?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__fitted_to_the_test_data(x_train, y_train, x_test, y_test, degrees):
    errors = []
    for x, y in ((x_train, y_train), (x_test, y_test)):
        errors.append(np.array([_mse(_legendre(x, d) @ _fit(_legendre(x, d), y), y) for d in degrees]))
    return tuple(errors)


@misconception(
    "polynomial_double_descent",
    belief="Degree d means d features.",
    hint="At which degree does your fit pass through all n points? How many coefficients does it have there?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__degree_off_by_one(x_train, y_train, x_test, y_test, degrees):
    task = x_train, y_train, x_test, y_test, [max(d - 1, 0) for d in degrees]
    return _polynomial_curve(*task, _legendre, _fit, _mse)


@misconception(
    "polynomial_double_descent",
    belief="The error is the sum of the squares.",
    hint="Would your error change if every test point were there twice?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__sum_of_squares(x_train, y_train, x_test, y_test, degrees):
    task = x_train, y_train, x_test, y_test, degrees
    return _polynomial_curve(*task, _legendre, _fit, lambda got, y: np.sum((got - y) ** 2))


@misconception(
    "polynomial_double_descent",
    belief="The error is the root of the mean square.",
    hint="Compare the unit of your error with that of y: which of the two does a mean squared error have?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__root_mean_square(x_train, y_train, x_test, y_test, degrees):
    task = x_train, y_train, x_test, y_test, degrees
    return _polynomial_curve(*task, _legendre, _fit, lambda got, y: np.sqrt(_mse(got, y)))


@misconception(
    "polynomial_double_descent",
    belief="A little ridge keeps the fit stable.",
    hint="Is the training error 0 beyond the threshold? Where does the exercise ask for a penalty?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__ridge(x_train, y_train, x_test, y_test, degrees):
    def ridge(Phi, y):
        return np.linalg.solve(Phi.T @ Phi + 1e-3 * np.eye(Phi.shape[1]), Phi.T @ y)

    return _polynomial_curve(x_train, y_train, x_test, y_test, degrees, _legendre, ridge, _mse)


@misconception(
    "polynomial_double_descent",
    belief="Degrees come in ascending order.",
    hint="Which degree does the first entry of your result belong to when the list starts with the largest?",
    fails=("polynomial_double_descent",),
    visible=False,
)
def polynomial_double_descent__sorted_degrees(x_train, y_train, x_test, y_test, degrees):
    return _polynomial_curve(x_train, y_train, x_test, y_test, sorted(degrees), _legendre, _fit, _mse)


@misconception(
    "polynomial_double_descent",
    belief="The test error comes first.",
    hint="One of your two curves falls to 0 at the threshold. Which one should that be, and which place has it?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__swapped(x_train, y_train, x_test, y_test, degrees):
    return _polynomial_curve(x_train, y_train, x_test, y_test, degrees, _legendre, _fit, _mse)[::-1]


@misconception(
    "polynomial_double_descent",
    belief="A polynomial fit is numpy.polyfit, beyond the threshold too.",
    hint="Beyond the threshold many polynomials pass through the points. Smallest norm of what decides here?",
    fails=("polynomial_double_descent",),
)
def polynomial_double_descent__powers(x_train, y_train, x_test, y_test, degrees):
    def powers(x, degree):
        return x[:, None] ** np.arange(degree + 1)

    return _polynomial_curve(x_train, y_train, x_test, y_test, degrees, powers, _fit, _mse)


# ---------------------------------------------------------------------------------------- random_feature_curve


def _random_curve(X_train, y_train, X_test, y_test, widths, seed, features=_relu_features, fit=_fit):
    rng = np.random.default_rng(seed)
    targets = np.eye(max(np.max(y_train), np.max(y_test)) + 1)[y_train]
    errors = []
    for width in widths:
        W = rng.standard_normal((X_train.shape[1], width)) / np.sqrt(X_train.shape[1])
        theta = fit(features(X_train, W), targets)
        errors.append(
            [np.mean((features(X, W) @ theta).argmax(1) != y) for X, y in ((X_train, y_train), (X_test, y_test))]
        )
    return tuple(np.array(errors).T)


@misconception(
    "random_feature_curve",
    belief="The test data get random features of their own.",
    hint="theta has one entry for each feature. What does it mean for features that it was not fitted to?",
    fails=("random_feature_curve",),
)
def random_feature_curve__features_redrawn_for_the_test(X_train, y_train, X_test, y_test, widths, seed):
    rng = np.random.default_rng(seed)
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, lambda X, W: _relu_features(X, rng.standard_normal(W.shape))
    )


@misconception(
    "random_feature_curve",
    belief="Training and test data are each normalised by their own mean and deviation.",
    hint="Classify the same image once among a hundred others and once among ten. Is the answer the same?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__test_data_normalised_by_itself(X_train, y_train, X_test, y_test, widths, seed):
    X_train, X_test = ((X - X.mean(0)) / (X.std(0) + 1e-9) for X in (X_train, X_test))
    return _random_curve(X_train, y_train, X_test, y_test, widths, seed)


@misconception(
    "random_feature_curve",
    belief="The first class against all others is classification too.",
    hint="How many columns have your targets, and how many classes are there?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__one_class_against_the_rest(X_train, y_train, X_test, y_test, widths, seed):
    y_train, y_test = ((np.asarray(y) > 0).astype(int) for y in (y_train, y_test))
    return _random_curve(X_train, y_train, X_test, y_test, widths, seed)


@misconception(
    "random_feature_curve",
    belief="The result is the accuracy.",
    hint="What should become of the training error when there are more features than data?",
    fails=("random_feature_curve",),
)
def random_feature_curve__accuracy(X_train, y_train, X_test, y_test, widths, seed):
    return tuple(1 - error for error in _random_curve(X_train, y_train, X_test, y_test, widths, seed))


@misconception(
    "random_feature_curve",
    belief="A ridge keeps the fit stable at the threshold.",
    hint="Stable is what the fit is not meant to be at the threshold. Does your curve have its peak?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__ridge(X_train, y_train, X_test, y_test, widths, seed):
    def ridge(Phi, y):
        return np.linalg.solve(Phi.T @ Phi + 0.5 * np.eye(Phi.shape[1]), Phi.T @ y)

    return _random_curve(X_train, y_train, X_test, y_test, widths, seed, fit=ridge)


@misconception(
    "random_feature_curve",
    belief="Random features are a random projection, without a nonlinearity.",
    hint="What is the rank of your features when there are more of them than pixels?",
    fails=("random_feature_curve",),
)
def random_feature_curve__no_relu(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(X_train, y_train, X_test, y_test, widths, seed, lambda X, W: X @ W)


@misconception(
    "random_feature_curve",
    belief="The label is a number to regress on, and is rounded.",
    hint="Is a 7 closer to an 8 than to a 1? The exercise says what the targets of the regression are.",
    fails=("random_feature_curve",),
)
def random_feature_curve__labels_as_numbers(X_train, y_train, X_test, y_test, widths, seed):
    rng = np.random.default_rng(seed)
    errors = []
    for width in widths:
        W = rng.standard_normal((X_train.shape[1], width)) / np.sqrt(X_train.shape[1])
        theta = _fit(_relu_features(X_train, W), y_train.astype(float))
        predicted = [np.round(_relu_features(X, W) @ theta) for X in (X_train, X_test)]
        errors.append([np.mean(predicted[0] != y_train), np.mean(predicted[1] != y_test)])
    return tuple(np.array(errors).T)


@misconception(
    "random_feature_curve",
    belief="Fixed features means features from one fixed seed.",
    hint="Call your function with two different seeds and compare the curves.",
    fails=("random_feature_curve",),
)
def random_feature_curve__seed_ignored(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(X_train, y_train, X_test, y_test, widths, 0)


@misconception(
    "random_feature_curve",
    belief="The seed only needs to be set once, outside the function.",
    hint="Call your function twice with the same seed. Where does the second call get its random numbers from?",
    fails=("random_feature_curve",),
)
def random_feature_curve__unseeded(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(X_train, y_train, X_test, y_test, widths, None)


@misconception(
    "random_feature_curve",
    belief="A feature has a bias, like any unit.",
    hint="The features of this exercise have one property that a bias destroys: what becomes of them when X "
    "is doubled?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__bias(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, lambda X, W: np.maximum(X @ W + np.tanh(5 * W[0]), 0.0)
    )


@misconception(
    "random_feature_curve",
    belief="Widths come in ascending order.",
    hint="Which width does the first entry of your result belong to when the list starts with the largest?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__sorted_widths(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(X_train, y_train, X_test, y_test, sorted(widths), seed)


@misconception(
    "random_feature_curve",
    belief="The error of a regression is its squared error.",
    hint="How many rows of the test data are classified wrongly? Your numbers do not say.",
    fails=("random_feature_curve",),
)
def random_feature_curve__squared_error(X_train, y_train, X_test, y_test, widths, seed):
    rng = np.random.default_rng(seed)
    eye = np.eye(max(np.max(y_train), np.max(y_test)) + 1)
    errors = []
    for width in widths:
        W = rng.standard_normal((X_train.shape[1], width)) / np.sqrt(X_train.shape[1])
        theta = _fit(_relu_features(X_train, W), eye[y_train])
        errors.append([_mse(_relu_features(X, W) @ theta, eye[y]) for X, y in ((X_train, y_train), (X_test, y_test))])
    return tuple(np.array(errors).T)


@misconception(
    "random_feature_curve",
    belief="A ReLU feature says whether a unit is on.",
    hint="Double one row of X and look at its features: what should become of them, and what does in your code?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__on_or_off(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(X_train, y_train, X_test, y_test, widths, seed, lambda X, W: (X @ W > 0).astype(float))


@misconception(
    "random_feature_curve",
    belief="Any random numbers of variance 1/d will do, signs too.",
    hint="For inputs in the plane, how many different features can your weights make?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__random_signs(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, lambda X, W: _relu_features(X, np.sign(W) / len(W) ** 0.5)
    )


@misconception(
    "random_feature_curve",
    belief="A leaky ReLU is a better ReLU.",
    hint="What is max(f, 0) for a negative f, and what do your features give there?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__leaky(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, lambda X, W: np.where(X @ W > 0, X @ W, 0.1 * (X @ W))
    )


@misconception(
    "random_feature_curve",
    belief="Each random direction gives two features, one for each of its sides.",
    hint="At which width does your curve have its peak? Count the columns of your features there.",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__both_sides(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, lambda X, W: np.maximum(np.hstack([X @ W, -X @ W]), 0.0)
    )


@misconception(
    "random_feature_curve",
    belief="Singular values below a thousandth of the largest are noise.",
    hint="Take two rows that are almost equal, with different labels. Can your fit tell them apart?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__cutoff_too_large(X_train, y_train, X_test, y_test, widths, seed):
    return _random_curve(
        X_train, y_train, X_test, y_test, widths, seed, fit=lambda Phi, y: np.linalg.lstsq(Phi, y, rcond=1e-3)[0]
    )


@misconception(
    "random_feature_curve",
    belief="Each input is standardised first, as always.",
    hint="The features are those of X as it comes. What does your code do to X before it multiplies?",
    fails=("random_feature_curve",),
    visible=False,
)
def random_feature_curve__standardised(X_train, y_train, X_test, y_test, widths, seed):
    mean, deviation = X_train.mean(0), X_train.std(0) + 1e-9
    return _random_curve((X_train - mean) / deviation, y_train, (X_test - mean) / deviation, y_test, widths, seed)
