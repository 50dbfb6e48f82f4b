"""What bigger buys: power laws, compute-optimal training, Elo, two games, pruning, a data-scaling curve."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="scaling_laws",
    title="What bigger buys",
    questions=(
        Question("fit_power_law", "a power law fitted by least squares on logarithms", ("fit_power_law",)),
        Question("fit_power_law_offset", "a falling power law above a floor", ("fit_power_law_offset",)),
        Question(
            "compute_optimal",
            "the best split of compute between model and data, from a law and from measurements",
            ("compute_optimal", "isoflop_optimum"),
        ),
        Question(
            "elo",
            "Elo: win probability, the law of size, maximum-likelihood ratings",
            ("win_probability", "elo_from_size", "fit_elo"),
        ),
        Question(
            "knapsack",
            "the two-player knapsack under perfect and under greedy play",
            ("knapsack_value", "knapsack_greedy"),
            call_seconds=10.0,
        ),
        Question("connect4_winner", "who has won at Connect 4", ("connect4_winner",)),
        Question("margin_prune", "pruning a data set by margin", ("margin_prune",)),
        Question(
            "data_scaling_curve",
            "test error against the size of the data set",
            ("data_scaling_curve",),
            call_seconds=10.0,
        ),
    ),
    manual_questions=("manual_where_it_breaks",),
)
