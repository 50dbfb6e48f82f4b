"""How a submission becomes verdicts: fork server, kernels, proxy, grading, the nbgrader seam and the batch."""
