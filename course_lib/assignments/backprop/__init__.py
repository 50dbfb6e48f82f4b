"""Forward and backward passes: the toy network, the linear layer, softmax cross-entropy, the MLP, gradient checks."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="backprop",
    title="Forward and backward passes",
    questions=(
        Question(
            "elementwise",
            "activation functions and their derivatives",
            ("relu_grad", "sigmoid", "sigmoid_grad", "tanh_grad"),
        ),
        Question("toy_forward", "the forward pass of the toy network", ("toy_forward",)),
        Question("toy_backward", "the eight gradients of the toy network", ("toy_backward",)),
        Question("linear", "the linear layer, forward and backward", ("linear_forward", "linear_backward")),
        Question("softmax_cross_entropy", "softmax cross-entropy and its gradient", ("softmax_cross_entropy",)),
        Question("mlp", "a multi-layer perceptron, forward and backward", ("mlp_forward", "mlp_backward")),
        Question("numerical_gradient", "central differences", ("numerical_gradient",)),
        Question("relu_interpolant", "a network through given points", ("relu_interpolant",)),
    ),
    manual_questions=("manual_memory",),
)
