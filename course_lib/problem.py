"""What the person at the terminal can mend. Imports nothing."""

from __future__ import annotations


class Problem(Exception):
    """A command cannot do what it was asked for. The message is one line for people: what is wrong, and what to do."""


class NothingGraded(Problem):
    """No submission of the assignment has been graded."""

    def __init__(self, assignment: str) -> None:
        super().__init__(f"no submission of {assignment} has been graded; run 'course grade {assignment}' first")
