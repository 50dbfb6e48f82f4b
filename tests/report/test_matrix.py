"""What ``course verify`` prints, and that each problem fails it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from course_lib import assignments
from course_lib.checking.groups import PropertyResult, Verdict
from course_lib.checking.model import Assignment, Misconception
from course_lib.report import matrix
from course_lib.report.matrix import Mutants, accepted_of, mark, notebook_of, verify_and_show

REPOSITORY = Path(__file__).parents[2]


class TwoMisconceptions(Assignment):
    """An assignment with the first two of its misconceptions, which is quick."""

    def misconceptions(self) -> list[Misconception]:
        return super().misconceptions()[:2]


ASSIGNMENT = TwoMisconceptions(**vars(assignments.load("moe")))


def result(verdict: Verdict) -> PropertyResult:
    return PropertyResult("test_it", "it", 1, verdict)


def test_a_cell_of_the_matrix_counts_the_properties_that_failed():
    assert mark([result(Verdict.ACCEPTED)] * 3) == "·"
    assert mark([result(Verdict.ACCEPTED), result(Verdict.WRONG_ANSWER), result(Verdict.TIME_LIMIT)]) == "2/3"


def test_the_files_of_an_assignment_are_found():
    assert notebook_of(ASSIGNMENT, REPOSITORY).is_file()
    assert accepted_of(ASSIGNMENT, REPOSITORY).equivalent


@pytest.fixture
def printed(monkeypatch):
    """``printed(problem, ...)``: status and output of ``course verify`` with these problems of mutants."""

    def run(*problems: str) -> tuple[bool, str]:
        questions = [question.id for question in ASSIGNMENT.questions]
        every = {q: [frozenset({p.name}) for p in assignments.groups("moe")[q].properties] for q in questions}
        mutants = Mutants(dict.fromkeys(questions, "1 of 1 mutants killed"), "all killed", every, list(problems))
        monkeypatch.setattr(matrix, "_held_against_mutants", lambda *_: mutants)
        monkeypatch.setattr(matrix, "accepted_of", lambda *_: matrix.verify.Accepted({}, {}, {}))
        console = Console(width=200, file=io.StringIO())
        return verify_and_show(console, ASSIGNMENT, REPOSITORY), console.file.getvalue()

    return run


def test_the_matrix_has_a_row_for_every_solution_and_no_problem(printed):
    ok, text = printed()
    assert ok, text
    lines = [line.split() for line in text.splitlines()]
    assert {"reference", "notebook", *(m.name for m in ASSIGNMENT.misconceptions())} <= {
        word for words in lines for word in words
    }
    reference = next(words for words in lines if "reference" in words)
    assert reference.count("·") == len(ASSIGNMENT.questions)
    assert "moe: 0 problems" in text


def test_a_survivor_fails_it_and_is_named(printed):
    ok, text = printed("survives: gating:3 + -> -")
    assert not ok
    assert "PROBLEM survives: gating:3 + -> -" in text
    assert "moe: 1 problems" in text
