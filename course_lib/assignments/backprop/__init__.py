"""Forward and backward passes: the toy network, the linear layer, softmax cross-entropy, the MLP."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="backprop",
    title="Forward and backward passes",
    questions=(
        Question("toy_backward", "the eight gradients of the toy network", ("toy_backward",)),
    ),
)
