"""The trainer: each member equals the network trained alone, padding stays zero, a resumed run ends as a whole one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from course_lib.studies import one_at_a_time, trainer
from course_lib.studies.trainer import Member, Settings, train

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
MEMBERS = [Member(width=w, seed=s) for w in (5, 1, 12, 3) for s in (0, 7)]
SETTINGS = Settings(steps=60, batch=10, lr=0.02, eval_every=25, dtype="float64")
# Both do the same float64 operations up to the order of sums (1e-16 each); training can amplify that, over 60 steps by
# less than a factor of 1e4.
EQUAL = {"rtol": 1e-10, "atol": 1e-12}


@pytest.fixture
def labelled():
    """Inputs (47, 6) with 3 classes, and 20 test rows."""
    rng = np.random.default_rng(3)
    X, X_test = rng.standard_normal((47, 6)), rng.standard_normal((20, 6))
    label = lambda rows: np.argmax(rows[:, :3] + 0.5 * rows[:, 3:], axis=1)
    return X, label(X), X_test, label(X_test)


@pytest.fixture
def valued(labelled):
    X, _, X_test, _ = labelled
    return X, np.sin(X[:, 0]), X_test, np.sin(X_test[:, 0])


def assert_same_curves(got, expected, **tolerance):
    assert set(got) == set(expected)
    for name in expected:
        np.testing.assert_allclose(got[name], expected[name], err_msg=name, **tolerance)


def run(data, settings=SETTINGS, members=MEMBERS, **options):
    return train(members, *data, settings, **{"progress": False, "chunk": 3, "device": "cpu", **options})


# ------------------------------------------------------------------------------------- equal to training alone


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"activation": "tanh"},
        {"optimizer": "sgd"},
        {"schedule": "cosine"},
        {"batch": None},
        {"batch": 47},
        {"batch": 64},
    ],
    ids=str,
)
def test_every_member_equals_training_it_alone(labelled, changes, device):
    settings = dataclasses.replace(SETTINGS, **changes)
    alone = one_at_a_time.train_all(MEMBERS, *labelled, settings=settings, device=device)
    assert_same_curves(run(labelled, settings, device=device).curves, alone, **EQUAL)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_member_equals_training_it_alone_in_regression(valued, activation):
    settings = dataclasses.replace(SETTINGS, activation=activation)
    alone = one_at_a_time.train_all(MEMBERS, *valued, settings=settings, loss="mse")
    result = run(valued, settings, loss="mse")
    assert_same_curves(result.curves, alone, **EQUAL)
    assert set(result.curves) == {"train_loss", "test_loss"}


def test_float32_agrees_to_float32_rounding(labelled):
    settings = dataclasses.replace(SETTINGS, dtype="float32")
    alone = one_at_a_time.train_all(MEMBERS, *labelled, settings=settings)
    losses = {name: alone[name] for name in ("train_loss", "test_loss")}
    got = run(labelled, settings).curves
    assert_same_curves({name: got[name] for name in losses}, losses, rtol=1e-4, atol=1e-5)


def test_members_with_fewer_rows_equal_training_on_those_rows_alone(labelled):
    members = [Member(4, seed=0, n=5), Member(4, seed=0, n=47), Member(4, seed=1, n=23)]
    for batch in (10, None):
        settings = dataclasses.replace(SETTINGS, batch=batch)
        alone = one_at_a_time.train_all(members, *labelled, settings=settings)
        assert_same_curves(run(labelled, settings, members).curves, alone, **EQUAL)


def test_members_with_data_of_their_own(labelled):
    X, y, X_test, y_test = labelled
    flipped = np.stack([(y + m) % 3 for m in range(len(MEMBERS))])
    shifted = np.stack([X + m for m in range(len(MEMBERS))])
    got = run((shifted, flipped, X_test, y_test)).curves
    for m, member in enumerate(MEMBERS):
        alone = one_at_a_time.train_all([member], X + m, flipped[m], X_test, y_test, settings=SETTINGS)
        assert_same_curves({name: values[[m]] for name, values in got.items()}, alone, **EQUAL)


def test_a_custom_loss_and_a_custom_initialization(valued):
    def half(member, d, K, generator):
        return [member.scale * part for part in trainer.he_init(member, d, K, generator)]

    def absolute_at_known_targets(outputs, y):
        known = ~y.isnan()
        return (torch.where(known, outputs - torch.where(known, y, 0.0), 0.0)).abs().sum(-1)

    members = [Member(4, scale=0.5), Member(4, scale=2.0)]
    result = run(valued, members=members, init=half, loss=absolute_at_known_targets)
    assert (result.curves["train_loss"][:, -1] < result.curves["train_loss"][:, 0]).all()
    again = run(valued, dataclasses.replace(SETTINGS, steps=1, lr=0.0), members, init=half, loss="mse")
    torch.testing.assert_close(again.weights[1][0], 4 * again.weights[0][0])


# --------------------------------------------------------------------------------------------- what it stands on


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_padding_is_a_fixed_point(labelled, activation):
    settings = dataclasses.replace(SETTINGS, activation=activation)
    chunk = trainer._Chunk(MEMBERS, range(len(MEMBERS)), *labelled, settings, "cross_entropy", trainer.he_init, "cpu")
    while not chunk.finished:
        chunk.advance()
    W1, b1, W2, _ = chunk.params
    for m, member in enumerate(MEMBERS):
        padding = (W1[m, :, member.width :], b1[m, member.width :], W2[m, member.width :])
        assert all((part == 0).all() for part in padding)
        assert (W1[m, :, : member.width] != 0).all()


def test_padding_is_no_fixed_point_of_an_activation_that_moves_zero(labelled, monkeypatch):
    monkeypatch.setitem(trainer.CHOICES, "activation", ("sigmoid",))
    settings = dataclasses.replace(SETTINGS, activation="sigmoid")
    chunk = trainer._Chunk(MEMBERS, range(len(MEMBERS)), *labelled, settings, "cross_entropy", trainer.he_init, "cpu")
    chunk.advance()
    assert (chunk.params[2][0, MEMBERS[0].width :] != 0).any()


@pytest.mark.parametrize(("n", "batch"), [(10, 3), (3, 10), (7, 7), (5, 1)])
def test_the_order_of_the_data_is_one_permutation_after_the_other(n, batch):
    member = Member(2, seed=4)
    stream = trainer.batch_indices(member, n, batch, 0, 3 * n).flatten()
    epochs = stream[: len(stream) // n * n].view(-1, n)
    assert (epochs.sort(1).values == torch.arange(n)).all()
    assert len({tuple(e.tolist()) for e in epochs}) > 1 or n == 1
    parts = [trainer.batch_indices(member, n, batch, first, 1) for first in range(3 * n)]
    assert torch.equal(torch.cat(parts), stream.view(-1, batch))


def test_other_seeds_give_other_weights_and_orders():
    orders = [tuple(trainer.batch_indices(Member(2, seed=s), 20, 20, 0, 1)[0].tolist()) for s in range(20)]
    weights = [float(trainer.he_init(Member(2), 2, 2, trainer.generator_for(s, 0))[0][0, 0]) for s in range(20)]
    assert len(set(orders)) == len(set(weights)) == 20


def test_one_diverging_member_leaves_the_others_alone(labelled):
    X, y, X_test, y_test = labelled
    own = np.stack([X, X])
    calm = run((own, y, X_test, y_test), members=MEMBERS[:2])
    own[1] *= np.nan
    stormy = run((own, y, X_test, y_test), members=MEMBERS[:2])
    assert np.isnan(stormy.curves["train_loss"][1]).any()
    for name, values in calm.curves.items():
        np.testing.assert_array_equal(stormy.curves[name][0], values[0])


def test_neither_the_stack_nor_the_order_of_members_matters(labelled):
    a = run(labelled)
    b = run(labelled, members=MEMBERS[::-1], chunk=8)
    assert_same_curves({name: values[::-1] for name, values in b.curves.items()}, a.curves, **EQUAL)
    assert [w[0].shape[1] for w in a.weights] == [m.width for m in MEMBERS]


def test_the_same_run_twice_is_identical(labelled):
    a, b = run(labelled), run(labelled)
    assert_same_curves(a.curves, b.curves, rtol=0)


# --------------------------------------------------------------------------------------------- early stopping


def test_early_stopping_stops_each_member_by_itself(labelled):
    settings = dataclasses.replace(SETTINGS, steps=400, lr=0.05, eval_every=10)
    full = run(labelled, settings).curves["test_loss"]
    stopped = run(labelled, dataclasses.replace(settings, patience=3))
    ends = set()
    for m in range(len(MEMBERS)):
        best, end = 0, full.shape[1] - 1
        for point, value in enumerate(full[m]):  # the rule, written down once more
            if value < full[m, best]:
                best = point
            if point - best == 3:
                end = point
                break
        ends.add(end)
        got = stopped.curves["test_loss"][m]
        np.testing.assert_array_equal(got[: end + 1], full[m, : end + 1])
        assert np.isnan(got[end + 1 :]).all()
        assert stopped.last("test_loss")[m] == full[m, end]
        X_test, y_test = torch.as_tensor(labelled[2]), torch.as_tensor(labelled[3])
        outputs = trainer.forward([p[None] for p in stopped.weights[m]], X_test)
        at_best = torch.nn.functional.cross_entropy(outputs[0], y_test)
        np.testing.assert_allclose(float(at_best), full[m, best], rtol=1e-12)
    assert len(ends) > 2, "the members should stop at different times, or this test shows little"


# ----------------------------------------------------------------------------------------------------- resume


class Killed(BaseException):
    pass


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("changes", [{}, {"patience": 2, "lr": 0.1}, {"optimizer": "sgd", "schedule": "cosine"}])
@pytest.mark.parametrize("evaluations", [2, 9, 14])
def test_a_killed_run_goes_on_to_identical_curves(labelled, tmp_path, monkeypatch, evaluations, changes, device):
    settings = dataclasses.replace(SETTINGS, eval_every=8, **changes)
    whole = run(labelled, settings, device=device)
    path = tmp_path / "run.pt"
    advance, count = trainer._Chunk.advance, 0

    def mortal(chunk):
        nonlocal count
        count += 1
        if count > evaluations:
            raise Killed
        advance(chunk)

    monkeypatch.setattr(trainer._Chunk, "advance", mortal)
    with pytest.raises(Killed):
        run(labelled, settings, checkpoint=path, save_seconds=0, device=device)
    monkeypatch.setattr(trainer._Chunk, "advance", advance)
    resumed = run(labelled, settings, checkpoint=path, save_seconds=0, device=device)
    assert_same_curves(resumed.curves, whole.curves, rtol=0)
    for got, expected in zip(resumed.weights, whole.weights, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_a_finished_run_is_read_and_not_repeated(labelled, tmp_path, monkeypatch):
    path = tmp_path / "run.pt"
    first = run(labelled, checkpoint=path)
    monkeypatch.setattr(trainer._Chunk, "advance", lambda self: pytest.fail("trained again"))
    assert_same_curves(run(labelled, checkpoint=path).curves, first.curves, rtol=0)
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_checkpoint_of_another_run_is_not_used(labelled, tmp_path, capsys):
    path = tmp_path / "run.pt"
    run(labelled, checkpoint=path)
    other = dataclasses.replace(SETTINGS, lr=0.1)
    assert_same_curves(run(labelled, other, checkpoint=path).curves, run(labelled, other).curves, rtol=0)
    assert "another run" in capsys.readouterr().out


@pytest.mark.parametrize(
    "change",
    [
        lambda X, y, Xt, yt: (X + 1e-9, y, Xt, yt),
        lambda X, y, Xt, yt: (X, (y + 1) % 3, Xt, yt),
        lambda X, y, Xt, yt: (X, y, Xt[1:], yt[1:]),
    ],
)
def test_other_data_is_another_run(labelled, change):
    fixed = (SETTINGS, "cross_entropy", trainer.he_init, 3)
    mine = trainer._fingerprint(MEMBERS, *labelled, *fixed)
    assert mine == trainer._fingerprint(list(MEMBERS), *labelled, *fixed)
    assert mine != trainer._fingerprint(MEMBERS, *change(*labelled), *fixed)
    assert mine != trainer._fingerprint(MEMBERS[1:], *labelled, *fixed)


# ----------------------------------------------------------------------------------------------- bad arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Member(0), "width must be at least 1, but is 0"),
        (lambda: Member(4, n=0), "n must be at least 1, but is 0"),
        (lambda: Settings(steps=0), "steps must be at least 1, but is 0"),
        (lambda: Settings(eval_every=0), "eval_every must be at least 1, but is 0"),
        (lambda: Settings(patience=0), "patience must be at least 1, but is 0"),
        (lambda: Settings(optimizer="adamw"), r"optimizer must be one of \('adam', 'sgd'\), but is 'adamw'"),
        (lambda: Settings(schedule="linear"), "schedule must be one of .*, but is 'linear'"),
        (lambda: Settings(activation="sigmoid"), "activation must be one of .*, but is 'sigmoid'"),
        (lambda: Settings(dtype="float16"), "dtype must be one of .*, but is 'float16'"),
    ],
)
def test_members_and_settings_that_cannot_be_trained_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        (lambda *data: data, {"members": []}, "there are no members to train"),
        (lambda *data: data, {"loss": "mae"}, 'loss must be "cross_entropy" or "mse", not \'mae\''),
        (lambda *data: data, {"members": [Member(2, n=48)]}, "a member is to be trained on 48 rows, but X has 47"),
        (lambda X, y, Xt, yt: (X[0], y, Xt, yt), {}, r"X must be \(n, d\), or .*, but is \(6,\)"),
        (lambda X, y, Xt, yt: (X, y, Xt[None], yt), {}, r"X_test must be \(n, d\), or .*, but is \(1, 20, 6\)"),
        (lambda X, y, Xt, yt: (X, y[1:], Xt, yt), {}, r"X has 47 rows, but y has shape \(46,\)"),
        (lambda X, y, Xt, yt: (X, y, Xt, yt[1:]), {}, r"X_test has 20 rows, but y_test has shape \(19,\)"),
        (lambda X, y, Xt, yt: (X, y, Xt[:, 1:], yt), {}, "X has 6 columns, but X_test has 5"),
        (lambda X, y, Xt, yt: (X, y + 0.5, Xt, yt), {}, "y must be labels: integers from 0 to"),
        (lambda X, y, Xt, yt: (X, y - 1, Xt, yt), {}, "y must be labels: integers from 0 to 1"),
        (lambda X, y, Xt, yt: (X, y, Xt, yt + 1), {}, "y_test must be labels: integers from 0 to 2, the largest of y"),
    ],
)
def test_data_that_do_not_fit_are_refused_before_training(labelled, change, options, message):
    with pytest.raises(ValueError, match=message):
        run(change(*labelled), **options)


# --------------------------------------------------------------------------------------------------- the rest


def test_the_number_of_threads_is_put_back(labelled):
    before = torch.get_num_threads()
    run(labelled)
    assert torch.get_num_threads() == before


def test_the_progress_line_ends_at_100_percent(labelled, capsys):
    run(labelled, progress=True)
    assert "100 %" in capsys.readouterr().out.splitlines()[-1]


def test_the_curves_start_before_the_first_step_and_end_after_the_last(labelled):
    result = run(labelled, dataclasses.replace(SETTINGS, steps=60, eval_every=25))
    assert result.steps.tolist() == [0, 25, 50, 60]
    assert all(values.shape == (len(MEMBERS), 4) for values in result.curves.values())
