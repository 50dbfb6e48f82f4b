"""Initialization: weights scaled so that the signal survives fifty layers, forward and backward."""

from course_lib.checking.model import Assignment, Question

FORBIDDEN = ("torch.nn.init",)

ASSIGNMENT = Assignment(
    name="initialization",
    title="Keep the signal alive",
    questions=(
        Question(
            "normal_initializers",
            "three normal initializers: He, Xavier and the mean of the fans",
            ("he_normal", "xavier_normal", "mean_fan_normal"),
            FORBIDDEN,
        ),
        Question(
            "forward_second_moments",
            "the second moment of the activations after every layer",
            ("forward_second_moments",),
            FORBIDDEN,
        ),
        Question(
            "backward_second_moments",
            "the second moment of the gradient at every layer",
            ("backward_second_moments",),
            FORBIDDEN,
        ),
        Question(
            "predicted_second_moments",
            "the mean-field prediction of the forward second moments",
            ("predicted_second_moments",),
            FORBIDDEN,
        ),
        Question(
            "depth_until_underflow",
            "the depth at which a number format gives out",
            ("depth_until_underflow",),
            FORBIDDEN,
        ),
        Question("orthogonal", "orthogonal initialization, uniform under rotation", ("orthogonal",), FORBIDDEN),
    ),
    manual_questions=("manual_depth_sweep",),
)
