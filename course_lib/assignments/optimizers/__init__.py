"""From gradient descent to AdamW: steps, mini-batches, moments, decoupled decay, a schedule, the training loop."""

from course_lib.checking.model import Assignment, Question

FORBIDDEN = ("torch.optim",)

ASSIGNMENT = Assignment(
    name="optimizers",
    title="From gradient descent to AdamW",
    questions=(
        Question("gradient_descent", "gradient descent, with the path it takes", ("gradient_descent",), FORBIDDEN),
        Question("minibatches", "one epoch of mini-batches in random order", ("minibatches",), FORBIDDEN),
        Question("momentum_step", "a step with momentum", ("momentum_step",), FORBIDDEN),
        Question("rmsprop_step", "a step of RMSProp", ("rmsprop_step",), FORBIDDEN),
        Question("adam_step", "a step of Adam, with and without bias correction", ("adam_step",), FORBIDDEN),
        Question("adamw", "AdamW for a whole list of parameters", ("AdamW",), FORBIDDEN),
        Question("warmup_cosine", "the warmup-cosine learning-rate schedule", ("warmup_cosine",), FORBIDDEN),
        Question("train", "the training loop for the MLP", ("train",), FORBIDDEN),
    ),
    manual_questions=("manual_learning_rate",),
)
