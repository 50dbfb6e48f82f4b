"""The table of a class on terminals as narrow as they come."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from course_lib import assignments
from course_lib.engine.batch import Outcome
from course_lib.report.terminal import summary_table

SCORES = [10, 4.5, 8, 0, 10, 2.25, 9, 9]


@pytest.mark.parametrize("student", ["s1", "student-of-the-summer-school-2026-01"])
def test_points_stay_whole_on_80_columns_however_long_a_name_is(student):
    questions = assignments.load("backprop").questions
    record = {"questions": [{"question": q.id, "score": s} for q, s in zip(questions, SCORES, strict=True)]}
    console = Console(width=80, file=io.StringIO())
    console.print(
        summary_table("backprop", [Outcome(student, "graded", "", record), Outcome("z", "needs attention", "", {})])
    )
    rows = [[part.strip() for part in line.split("│")] for line in console.file.getvalue().splitlines() if "│" in line]
    assert rows[0][2:11] == [f"{s:g}" for s in (*SCORES, sum(SCORES))]
    name = [row[1] for row in rows if row[1] and row[1] != "z"]
    assert "".join(name) == student
