"""The inputs of backprop: valid, away from the kinks, and the rare cases do come up among the examples that count."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from course_lib import assignments
from course_lib.assignments.backprop import strategies
from course_lib.assignments.backprop.hidden_tests import mlp_forward, toy_forward

few = settings(max_examples=50, derandomize=True, database=None, deadline=None)


def examples(question, name):
    """The inputs that every student's code is tried on."""
    prop = next(p for p in assignments.groups("backprop")[question].properties if p.name == name)
    return [next(iter(inputs.values())) for inputs in prop.examples()]


@given(network=strategies.toy_networks())
@few
def test_toy_networks_stay_away_from_the_kink_and_have_a_residual(network):
    x, y, beta, omega = network
    f, _ = toy_forward(x, beta, omega)
    assert (np.abs(f[:3]) > 0.2).all()
    assert abs(f[3] - y) > 0.2


@given(network=strategies.dying_toy_networks())
@few
def test_dying_toy_networks_have_one_dead_unit(network):
    x, _, beta, omega = network
    assert (toy_forward(x, beta, omega)[1] == 0).sum() == 1


@given(network=strategies.mlps())
@few
def test_mlps_stay_away_from_the_kink(network):
    f, _ = mlp_forward(*network)
    for layer in f:
        assert (np.abs(layer) > strategies.KINK_DISTANCE - 1e-9).all()


@given(inputs=strategies.spread_classifications())
@few
def test_spread_classifications_keep_to_the_contract(inputs):
    logits, labels = inputs
    assert np.abs(logits).max() <= 1e4
    assert (logits.max(1) - logits[np.arange(len(labels)), labels] > 90).all()


@given(points=strategies.interpolation_points())
@few
def test_knots_increase_by_a_quarter_or_more(points):
    assert (np.diff(points[0]) >= 0.25 - 1e-9).all()


def test_every_unit_of_the_toy_network_is_dead_in_some_example_and_all_live_in_some():
    alive = {
        tuple(toy_forward(x, beta, omega)[1] > 0)
        for x, _, beta, omega in examples("toy_backward", "test_bias_gradients")
    }
    assert (True, True, True) in alive
    assert all(any(not pattern[k] for pattern in alive) for k in range(3))
    dying = examples("toy_backward", "test_dead_unit")
    assert {int(np.argmin(toy_forward(x, beta, omega)[1])) for x, _, beta, omega in dying} == {0, 1, 2}


def test_linear_examples_have_single_rows_square_weights_and_batches_as_wide_as_the_output():
    shapes = [(dY.shape, W.shape) for dY, _, W in examples("linear", "test_weight_gradient")]
    assert any(batch == 1 for (batch, _), _ in shapes)
    assert any(d_out == d_in > 1 for _, (d_out, d_in) in shapes)
    assert any(batch == d_out > 1 for (batch, d_out), _ in shapes)
    assert any(len({batch, d_out, d_in}) == 3 for (batch, d_out), (_, d_in) in shapes)


def test_mlp_examples_have_every_depth_and_equal_and_unequal_widths():
    networks = examples("mlp", "test_pre_activations")
    assert {len(params) for params, _ in networks} == {1, 2, 3, 4, 7}
    equal = [len({W.shape for W, _ in params}) == 1 for params, _ in networks if len(params) > 2]
    assert any(equal)
    assert not all(equal)


def test_cross_entropy_examples_have_single_rows_and_every_spread():
    assert any(len(labels) == 1 for _, labels in examples("softmax_cross_entropy", "test_loss"))
    assert any(len(labels) > 1 for _, labels in examples("softmax_cross_entropy", "test_loss"))
    spreads = {float(np.ptp(logits[0]).round(-2)) for logits, _ in examples("softmax_cross_entropy", "test_spread_row")}
    assert spreads == {100.0, 800.0, 1000.0, 19_000.0}


def test_some_toy_networks_are_large_and_one_network_to_differentiate_is_deep():
    assert any(
        np.abs(toy_forward(x, b, o)[0]).min() > 200 for x, _, b, o in examples("toy_forward", "test_activations")
    )
    assert any(np.abs(b).max() > 1000 for _, _, b, _ in examples("toy_backward", "test_weight_gradients"))
    assert any(len(params) == 7 for params, *_ in examples("mlp", "test_all_layers"))
