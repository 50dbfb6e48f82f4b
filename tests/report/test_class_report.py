"""The class report of a made-up class: what is lost, by whom, and that no grade is a zero by mistake."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from course_lib import assignments
from course_lib.problem import NothingGraded, Problem
from course_lib.report.class_report import collect_rows, histogram, question_statistics, safe_cell, write_class_report

REPOSITORY = Path(__file__).parents[2]
NAME = "optimizers"
QUESTIONS = assignments.load(NAME).questions
GROUPS = assignments.groups(NAME)
DUE = datetime(2026, 11, 15, 12)

BELIEF = ("momentum_step__belief", "Velocity <b>forgets</b> nothing.")
RIGHT = {question.id: "accepted" for question in QUESTIONS}
CLASS: dict[str, dict[str, str]] = {
    "student-01": RIGHT,
    "student-02": RIGHT | {"momentum_step": "wrong answer"},
    "student-03": RIGHT | {"momentum_step": "wrong answer"},
    "student-04": RIGHT | {"train": "missing", "adamw": "wrong answer"},
    "student-05": {},
}
"""Each student's verdict on the first property of each question, or none at all."""
NAMED = ("student-02", "student-03")
LATE = "student-03"


def record(student: str) -> dict[str, Any]:
    """What grading would have stored."""
    questions = []
    for question_id, first in CLASS[student].items():
        properties = []
        for number, prop in enumerate(GROUPS[question_id].properties):
            verdict = first if first == "missing" or number == 0 else "accepted"
            earned = prop.points if verdict == "accepted" else 0
            properties.append({"name": prop.name, "points": prop.points, "verdict": verdict, "earned": earned})
        diagnosis = None
        if student in NAMED and question_id == "momentum_step":
            diagnosis = {"misconception": BELIEF[0], "belief": BELIEF[1]}
        questions.append(
            {
                "question": question_id,
                "score": sum(p["earned"] for p in properties),
                "points": GROUPS[question_id].points,
                "properties": properties,
                "diagnosis": diagnosis,
                "findings": ["exec builds code"] if (student, question_id) == ("student-01", "train") else [],
            }
        )
    status, reason = ("graded", "") if questions else ("needs attention", "=no <i>notebook</i>")
    return {"student": student, "status": status, "reason": reason, "sandbox": "namespaces", "questions": questions}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A course directory with the class graded, one more submission waiting, and one feedback page."""
    root = tmp_path_factory.mktemp("reports") / "course"
    root.mkdir()
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        gradebook.add_assignment(NAME, duedate=DUE)
        gradebook.add_notebook(NAME, NAME)
        for question in QUESTIONS:
            gradebook.add_grade_cell(question.id, NAME, NAME, max_score=GROUPS[question.id].points, cell_type="code")
        gradebook.add_grade_cell("manual_written", NAME, NAME, max_score=6, cell_type="markdown")
        for student in CLASS:
            gradebook.add_student(student)
            handed_in = DUE + timedelta(days=7) if student == LATE else DUE
            submission = gradebook.add_submission(NAME, student, timestamp=handed_in)
            submission.notebooks[0].late_submission_penalty = 10.0 if student == LATE else None
            scores = {q["question"]: q["score"] for q in record(student)["questions"]}
            for grade in submission.notebooks[0].grades:
                grade.auto_score = scores.get(grade.name)
                grade.needs_manual_grade = grade.name == "manual_written" or not scores
                if grade.name == "manual_written" and student == "student-01":
                    grade.manual_score, grade.needs_manual_grade = 5.0, False
        gradebook.db.commit()
    for student in [*CLASS, "student-06"]:
        (root / "submitted" / student / NAME).mkdir(parents=True)
    for student in CLASS:
        folder = root / "autograded" / student / NAME
        folder.mkdir(parents=True)
        (folder / "grading.json").write_text(json.dumps(record(student)))
    page = root / "feedback" / "student-01" / NAME / f"{NAME}.html"
    page.parent.mkdir(parents=True)
    page.write_text("feedback")
    return root


@pytest.fixture(scope="module")
def page(root):
    return write_class_report(root, NAME).read_text()


@pytest.fixture(scope="module")
def table(root, page):
    with (root / "reports" / f"{NAME}.csv").open(newline="") as file:
        return {line["student"]: line for line in csv.DictReader(file)}


@pytest.fixture(scope="module")
def statistics():
    return {
        each.question.id: each for each in question_statistics(NAME, {student: record(student) for student in CLASS})
    }


def test_what_needs_attention_is_no_zero(root, page, table):
    empty = table["student-05"]
    assert [empty[key] for key in (*RIGHT, "automatic", "total")] == [""] * (len(RIGHT) + 2)
    assert (empty["status"], empty["open_manual"]) == ("needs attention", "0")
    (row,) = [row for row in collect_rows(root, NAME)[0] if row.student == "student-05"]
    assert (row.auto, row.total, row.attention) == (None, None, True)
    assert "4 submissions graded, 1 need attention, 1 not graded yet" in " ".join(page.split())


def test_a_submission_that_is_not_graded_yet_is_listed(page):
    assert "student-06</td><td>not graded yet" in page


def test_sums_are_those_of_the_gradebook_after_the_late_penalty(table):
    full = sum(GROUPS[q].points for q in RIGHT)
    lost = GROUPS["momentum_step"].properties[0].points
    assert [table["student-01"][key] for key in ("automatic", "total", "maximum", "open_manual")] == [
        f"{full:g}",
        f"{full + 5:g}",
        f"{full + 6:g}",
        "0",
    ]
    late = table[LATE]
    assert (late["late_penalty"], late["seconds_late"], late["open_manual"]) == ("10", "604800", "1")
    assert float(late["total"]) == full - lost - 10


def test_lateness_and_its_penalty_are_shown(page):
    assert "7\N{NO-BREAK SPACE}d (−10)" in page


def test_each_question_says_how_many_have_all_some_and_no_points(statistics):
    momentum, train = statistics["momentum_step"], statistics["train"]
    assert (momentum.full, momentum.part, momentum.none) == (2, 2, 0)
    assert (train.full, train.part, train.none) == (3, 0, 1)
    assert train.mean == 0.75


def test_each_question_names_its_most_missed_check_if_one_was_missed(statistics):
    hardest = statistics["momentum_step"].hardest
    assert hardest is not None
    assert (hardest.name, hardest.passed, hardest.tried) == (GROUPS["momentum_step"].properties[0].name, 2, 4)
    assert hardest.verdicts == {"wrong answer": 2}
    assert statistics["gradient_descent"].hardest is None


def test_wrong_answers_are_told_by_belief_without_one_or_as_not_written(statistics):
    assert statistics["momentum_step"].misconceptions == [(*BELIEF, ["student-02", "student-03"])]
    assert statistics["momentum_step"].undiagnosed == []
    assert statistics["adamw"].undiagnosed == ["student-04"]
    assert statistics["train"].missing == ["student-04"]


def test_the_question_where_most_is_lost_comes_first(page):
    lost = page[page.index("Where the class is lost") : page.index("Misconceptions")]
    assert lost.index("#train") < lost.index("#momentum_step") < lost.index("#gradient_descent")


def test_misconceptions_come_with_their_students(page):
    shared = page[page.index("<h2>Misconceptions") : page.index("<h2>Scores")]
    assert "Velocity &lt;b&gt;forgets&lt;/b&gt; nothing." in shared
    assert "student-02, student-03" in shared


def test_code_to_look_at_is_listed(page):
    assert "exec builds code" in page[page.index("Code to look at") : page.index("Where the class is lost")]


def test_names_lead_to_the_feedback_pages_that_exist(root, page):
    assert f'<a href="../feedback/student-01/{NAME}/{NAME}.html">student-01</a>' in page
    assert (root / "reports" / f"../feedback/student-01/{NAME}/{NAME}.html").is_file()
    assert ">student-02</td>" in page


def test_nothing_that_a_student_wrote_becomes_markup_or_a_formula(page, table):
    assert "<i>notebook</i>" not in page
    assert "=no &lt;i&gt;notebook" in page
    assert table["student-05"]["reason"] == "'=no <i>notebook</i>"


def test_cells_of_the_table_are_one_line():
    assert safe_cell("two\nlines") == "two lines"


def test_the_histogram_counts_graded_submissions_only(root):
    rows, _ = collect_rows(root, NAME)
    counts = histogram(rows)
    assert sum(n for _, n, _ in counts) == 4
    assert max(share for _, _, share in counts) == 1
    assert [label for label, _, _ in counts][::9] == ["0–10 %", "90–100 %"]


def test_no_report_without_a_graded_submission(tmp_path):
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    with pytest.raises(NothingGraded, match="run 'course grade moe' first") as problem:
        write_class_report(tmp_path, "moe")
    assert isinstance(problem.value, Problem)
