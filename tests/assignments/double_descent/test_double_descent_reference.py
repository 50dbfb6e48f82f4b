"""The references against independent oracles: numpy.polynomial, scipy, torch.autograd, brute force, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy import integrate, linalg

from course_lib.assignments.double_descent import reference, strategies
from course_lib.checking.adapters import as_numpy

FEW = settings(max_examples=30, deadline=None, derandomize=True, database=None)


@FEW
@given(inputs=strategies.legendre_inputs(max_degree=40))
def test_legendre_features_are_numpys(inputs):
    x, degree = inputs
    expected = np.polynomial.legendre.legvander(x, degree)
    np.testing.assert_allclose(as_numpy(reference.legendre_features)(x, degree), expected, rtol=0, atol=1e-13)


def test_legendre_features_are_orthogonal():
    x = np.linspace(-1, 1, 4001)
    Phi = as_numpy(reference.legendre_features)(x, 5)
    products = integrate.simpson(Phi[:, :, None] * Phi[:, None, :], x=x, axis=0)
    np.testing.assert_allclose(products, np.diag(2 / (2 * np.arange(6) + 1)), atol=1e-10)


@FEW
@given(inputs=strategies.regressions())
def test_min_norm_fit_is_scipys(inputs):
    Phi, y = inputs
    expected = linalg.pinv(Phi, rtol=1e-12) @ y
    np.testing.assert_allclose(as_numpy(reference.min_norm_fit)(Phi, y), expected, rtol=1e-10, atol=1e-11)


@FEW
@given(inputs=strategies.regressions(deficient=True))
def test_min_norm_fit_solves_the_normal_equations_and_lies_in_the_row_space(inputs):
    Phi, y = inputs
    theta = as_numpy(reference.min_norm_fit)(Phi, y)
    np.testing.assert_allclose(Phi.T @ (Phi @ theta), Phi.T @ y, atol=1e-10)
    null = linalg.null_space(Phi, rcond=1e-9)
    assert null.shape[1] > 0
    np.testing.assert_allclose(null.T @ theta, 0, atol=1e-10)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.float64, 1e-11), (torch.complex128, 1e-11)]
)
def test_min_norm_fit_in_every_dtype(dtype, tolerance):
    generator = torch.Generator().manual_seed(0)
    Phi = torch.randn(4, 7, dtype=dtype, generator=generator)
    Phi[3] = Phi[0] + Phi[1]
    y = torch.randn(4, 2, dtype=dtype, generator=generator)
    theta = reference.min_norm_fit(Phi, y)
    assert theta.dtype == dtype
    expected = torch.linalg.pinv(Phi.to(torch.complex128), rtol=1e-6) @ y.to(torch.complex128)
    torch.testing.assert_close(theta.to(torch.complex128), expected, rtol=tolerance, atol=tolerance)


@FEW
@given(inputs=strategies.descents())
def test_gradient_descent_fit_is_autograds(inputs):
    Phi, y, lr, steps = inputs
    features, targets = torch.tensor(Phi), torch.tensor(y)
    theta = torch.zeros(Phi.shape[1], *y.shape[1:], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (0.5 * torch.nn.functional.mse_loss(features @ theta, targets, reduction="sum") / len(Phi)).backward()
        optimizer.step()
    got = reference.gradient_descent_fit(features, targets, lr, steps)
    torch.testing.assert_close(got, theta.detach(), rtol=1e-12, atol=1e-12)


@FEW
@given(inputs=strategies.regressions(condition=2.0, deficient=True))
def test_gradient_descent_converges_to_the_minimum_norm_fit(inputs):
    Phi, y = inputs
    lr = 1.5 * len(Phi) / np.linalg.norm(Phi, 2) ** 2
    got = as_numpy(reference.gradient_descent_fit)(Phi, y, lr, 300)
    np.testing.assert_allclose(got, linalg.pinv(Phi, rtol=1e-9) @ y, atol=1e-9)


@FEW
@given(inputs=strategies.finite_classes())
def test_risk_decomposition_by_counting(inputs):
    losses, p, counts, f_hat, bayes_risk = inputs
    data = np.repeat(np.arange(len(counts)), counts)
    on_data = [np.mean([row[z] for z in data]) for row in losses]
    truth = [sum(row[z] * p[z] for z in range(len(p))) for row in losses]
    erm = min(range(len(losses)), key=lambda f: (round(on_data[f], 9), f))
    parts = [float(part) for part in as_numpy(reference.risk_decomposition)(*inputs)]
    np.testing.assert_allclose(
        parts, [on_data[f_hat] - on_data[erm], truth[erm] - min(truth), min(truth) - bayes_risk], atol=1e-12
    )
    assert min(parts) >= -1e-12
    difference = (on_data[f_hat] - truth[f_hat]) - (on_data[erm] - truth[erm])
    np.testing.assert_allclose(sum(parts), truth[f_hat] - bayes_risk + difference, atol=1e-12)


@FEW
@given(inputs=strategies.finite_classes())
def test_the_drawn_classes_have_one_best_model_on_the_data(inputs):
    losses, _, counts, *_ = inputs
    on_data = losses @ counts
    assert (on_data == on_data.min()).sum() == 1


@FEW
@given(inputs=strategies.tied_classes())
def test_the_tied_classes_have_two_best_models_of_different_risk(inputs):
    losses, p, counts, *_ = inputs
    best = np.flatnonzero(losses @ counts == (losses @ counts).min())
    assert len(best) == 2
    assert counts.sum() & (counts.sum() - 1) == 0
    assert abs(losses[best[0]] @ p - losses[best[1]] @ p) > 1e-3
    assert float(as_numpy(reference.risk_decomposition)(*inputs)[1]) == pytest.approx(
        losses[best[0]] @ p - (losses @ p).min()
    )


@FEW
@given(inputs=strategies.drawings())
def test_draw_contour_is_a_sum_of_circles(inputs):
    c, t = inputs
    H = len(c) // 2
    expected = [sum(c[H + k] * complex(np.cos(k * a), np.sin(k * a)) for k in range(-H, H + 1)) for a in t]
    np.testing.assert_allclose(as_numpy(reference.draw_contour)(c, t), expected, atol=1e-12)


@FEW
@given(inputs=strategies.contours(uniform=True))
def test_fit_contour_at_equal_distances_is_the_discrete_fourier_transform(inputs):
    t, z, harmonics = inputs
    spectrum = np.fft.fft(z) / len(z)
    expected = spectrum[np.arange(-harmonics, harmonics + 1)]
    np.testing.assert_allclose(as_numpy(reference.fit_contour)(t, z, harmonics), expected, atol=1e-11)


@FEW
@given(inputs=strategies.noisy_contours())
def test_fit_contour_is_closest(inputs):
    t, z, harmonics = inputs
    c = as_numpy(reference.fit_contour)(t, z, harmonics)
    A = np.exp(1j * np.outer(t, np.arange(-harmonics, harmonics + 1)))
    np.testing.assert_allclose(A.conj().T @ (A @ c - z), 0, atol=1e-10)
    assert np.linalg.cond(A) < 10


@FEW
@given(inputs=strategies.polynomial_tasks())
def test_polynomial_double_descent_by_another_way(inputs):
    x, y, x_test, y_test, degrees = inputs
    train, test = as_numpy(reference.polynomial_double_descent)(*inputs)
    for i, degree in enumerate(degrees):
        V = np.polynomial.legendre.legvander
        assert np.linalg.cond(V(x, degree)) < 100
        theta = linalg.pinv(V(x, degree)) @ y
        assert train[i] == pytest.approx(np.mean((V(x, degree) @ theta - y) ** 2), rel=1e-8, abs=1e-18)
        assert test[i] == pytest.approx(np.mean((V(x_test, degree) @ theta - y_test) ** 2), rel=1e-8)


def test_random_feature_curve_against_sklearn_like_pieces():
    X, y, X_test, y_test = strategies.blobs()
    seed, width = 4, 35
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(10, width, generator=generator, dtype=torch.float64).numpy() / np.sqrt(10)
    theta = linalg.lstsq(np.maximum(X @ W, 0), np.eye(5)[y], lapack_driver="gelsy")[0]
    expected = [np.mean((np.maximum(A @ W, 0) @ theta).argmax(1) != b) for A, b in ((X, y), (X_test, y_test))]
    got = as_numpy(reference.random_feature_curve)(X, y, X_test, y_test, [width], seed)
    np.testing.assert_allclose(np.ravel(got), expected, atol=1e-12)


def test_the_data_of_the_curve_tests_are_as_they_say():
    for (X, y, X_test, y_test), classes, n in ((strategies.blobs(), 5, 60), (strategies.noisy_digits(), 10, 200)):
        assert len(X) == len(y) == n
        assert set(y) == set(y_test) == set(range(classes))
        assert abs(X.mean()) < 0.1
        assert abs(X.std() - 1) < 0.1
        assert len(X_test) == len(y_test)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_follow_device_and_dtype(device, dtype):
    x = torch.linspace(-1, 1, 6, dtype=dtype, device=device)
    y = x**2
    Phi = reference.legendre_features(x, 3)
    c = reference.fit_contour(3 * (x + 1), torch.complex(x, y), 1)
    X, labels = Phi, torch.tensor([0, 1, 2, 0, 1, 2], device=device)
    floats = [
        Phi,
        reference.min_norm_fit(Phi, y),
        reference.gradient_descent_fit(Phi, y, 0.1, 3),
        *reference.risk_decomposition(Phi.T, y / y.sum(), labels, 1, 0.0),
        c.real,
        reference.draw_contour(c, x).imag,
        *reference.polynomial_double_descent(x, y, x, y, [1, 2]),
        *reference.random_feature_curve(X, labels, X, labels, [2, 9], 0),
    ]
    for value in floats:
        assert value.dtype == dtype
        assert value.device.type == device
