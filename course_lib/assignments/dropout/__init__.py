"""Regularization: dropout, the L2 penalty, early stopping, pruning and uncertainty from dropout."""

from course_lib.checking.model import Assignment, Question

FORBIDDEN = ("torch.nn.Dropout", "torch.nn.functional.dropout")

ASSIGNMENT = Assignment(
    name="dropout",
    title="Regularization",
    questions=(
        Question(
            "dropout_layer",
            "dropout of one layer, forward and backward",
            ("dropout_forward", "dropout_backward"),
            FORBIDDEN,
        ),
        Question("dropout_class", "a dropout layer with state", ("Dropout",), FORBIDDEN),
        Question("l2_penalty", "the L2 penalty and its gradients", ("l2_penalty",), FORBIDDEN),
        Question("early_stopping", "when to stop training", ("early_stopping",), FORBIDDEN),
        Question("magnitude_prune", "removing the smallest weights", ("magnitude_prune",), FORBIDDEN),
        Question("mc_dropout", "mean and standard deviation over stochastic passes", ("mc_dropout",), FORBIDDEN),
    ),
    manual_questions=("manual_overfitting",),
)
