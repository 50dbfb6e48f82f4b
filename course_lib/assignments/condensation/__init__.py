"""How networks find simple solutions: low frequencies first, condensed neurons, depth as adaptive step size."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="condensation",
    title="How networks find simple solutions",
    questions=(
        Question(
            "fourier",
            "Fourier coefficients, and an error for each frequency",
            ("fourier_coefficients", "relative_frequency_error"),
            forbidden=("numpy.fft", "torch.fft", "scipy.fft"),
        ),
        Question("convergence_order", "in which order frequencies are learned", ("convergence_order",)),
        Question(
            "condensed_groups",
            "directions of neurons, and how many different ones there are",
            ("neuron_directions", "condensed_groups"),
        ),
        Question(
            "product_gradients",
            "gradient descent on a product: depth as adaptive step size",
            ("product_gradients", "effective_step"),
        ),
        Question("two_layer_train", "gradient descent on a two-layer network", ("two_layer_train",)),
    ),
    manual_questions=("manual_no_free_lunch",),
)
