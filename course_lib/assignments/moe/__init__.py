"""Mixture of experts: routing, the sparse layer, the balance loss, capacity, the backward pass."""

from course_lib.checking.model import Assignment, Question

ASSIGNMENT = Assignment(
    name="moe",
    title="Mixture of experts",
    questions=(
        Question("gating", "the router's scores and probabilities", ("gating_scores", "gating_probabilities")),
        Question("top_k", "the choice of k experts and their gates", ("top_k",)),
        Question(
            "moe_forward", "one expert, and the layer that runs only the chosen ones", ("expert_forward", "moe_forward")
        ),
        Question("load_balancing_loss", "the loss that keeps the experts in use", ("load_balancing_loss",)),
        Question("capacity", "places per expert, and who gets them", ("expert_capacity", "dispatch")),
        Question("moe_backward", "gradients through the experts and the gates", ("moe_backward",)),
    ),
    manual_questions=("manual_routing",),
)
