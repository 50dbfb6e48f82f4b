"""What students read when their dropout is wrong."""

from __future__ import annotations

from course_lib import assignments, verify
from course_lib.assignments.dropout import misconceptions
from course_lib.checking.groups import Verdict


def feedback(wrong):
    dropout = assignments.load("dropout")
    namespace = {**verify.reference_namespace(dropout), wrong.entry_point: wrong.solution}
    (question,) = wrong.fails
    results = verify.run_group(assignments.groups("dropout")[question], namespace)
    return {r.name: r for r in results if r.verdict is not Verdict.ACCEPTED}


def test_chance_is_told_in_percent():
    found = feedback(misconceptions.Dropout__one_mask_for_the_batch)["test_independent_units"]
    assert found.message == (
        "100.0% of 5000 units have the same fate in neighboring rows of a batch; it should be about 50.0%"
    )


def test_a_layer_that_should_not_exist_is_shown_without_an_address():
    found = feedback(misconceptions.Dropout__p_checked_in_forward)["test_range_of_p"]
    assert (found.call, found.got) == ("Dropout(p=-0.1, seed=0)", "<an object of your class>")


def test_a_function_in_the_place_of_the_class_is_a_wrong_answer():
    namespace = {"Dropout": lambda p, seed: None}
    results = verify.run_group(assignments.groups("dropout")["dropout_class"], namespace)
    assert {r.verdict for r in results} == {Verdict.WRONG_ANSWER}
    assert "Dropout must be a class" in {r.message for r in results}


def test_the_counterexample_of_early_stopping_is_short():
    found = feedback(misconceptions.early_stopping__one_epoch_late)["test_stop_epoch"]
    assert found.call == "early_stopping(val_losses=[0.25, 0.375, 0.125], patience=1)"
    assert (found.got, found.expected) == ("2", "1")


def test_a_mistake_in_the_gradient_leaves_the_points_of_the_forward_pass():
    assert set(feedback(misconceptions.dropout_backward__unscaled)) == {"test_gradient"}
    assert set(feedback(misconceptions.dropout_forward__no_rescaling)) == {"test_values"}
    assert set(feedback(misconceptions.mc_dropout__sample_std)) == {"test_std"}
