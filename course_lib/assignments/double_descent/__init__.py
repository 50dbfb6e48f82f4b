"""Capacity and generalisation: least squares beyond the interpolation threshold, risk, contours, double descent."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="double_descent",
    title="Capacity and generalization",
    questions=(
        Question(
            "legendre_features",
            "Legendre polynomials by their recurrence",
            ("legendre_features",),
            forbidden=("numpy.polynomial", "scipy.special"),
        ),
        Question("min_norm_fit", "the least-squares fit of smallest norm", ("min_norm_fit",)),
        Question("gradient_descent_fit", "gradient descent on the squared loss", ("gradient_descent_fit",)),
        Question("risk_decomposition", "optimization, generalization and approximation error", ("risk_decomposition",)),
        Question("contours", "a closed contour from a few complex numbers", ("fit_contour", "draw_contour")),
        Question(
            "polynomial_double_descent",
            "training and test error against polynomial degree",
            ("polynomial_double_descent",),
            call_seconds=20.0,
        ),
        Question(
            "random_feature_curve",
            "training and test error against the number of random features",
            ("random_feature_curve",),
            call_seconds=60.0,
        ),
    ),
    manual_questions=("manual_prediction", "manual_reading"),
)
