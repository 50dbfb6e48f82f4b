"""The main job on the sample class: release, collect, grade, feedback, report, twice and in different ways."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from nbgrader.api import Gradebook

from course_lib import assignments
from course_lib.collect import collect_submissions
from course_lib.engine.batch import Outcome, grade_class, local_executor
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.submission import Job
from course_lib.release import release_assignment
from course_lib.report.class_report import write_class_report
from course_lib.report.pages import write_feedback

pytestmark = pytest.mark.xdist_group("sample class")  # its class is graded once

REPOSITORY = Path(__file__).parents[1]
NAME = "backprop"
QUESTIONS = assignments.load(NAME).questions
POINTS = {q.id: assignments.groups(NAME)[q.id].points for q in QUESTIONS}


def make_course(root: Path, students: list[str]) -> None:
    root.mkdir()
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    shutil.copytree(REPOSITORY / "source" / NAME, root / "source" / NAME)
    release_assignment(root, NAME)
    for student in students:
        origin = REPOSITORY / "examples" / "submissions" / student / NAME
        shutil.copytree(origin, root / "inbox" / student / NAME)
    list(collect_submissions(root / "inbox", root))


def grade(root: Path, students: list[str], processes: int) -> dict[str, Outcome]:
    jobs = [Job(str(root), NAME, student) for student in students]
    with GradebookWriter(str(root), NAME) as writer:
        return {o.student: o for o in grade_class(jobs, writer, lambda: local_executor(processes))}


STUDENTS = sorted(p.name for p in (REPOSITORY / "examples" / "submissions").iterdir())


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample") / "course"
    make_course(root, STUDENTS)
    outcomes = grade(root, STUDENTS, 2)
    write_feedback(root, NAME)
    return root, outcomes


BUILT_ON = {"mlp": {"linear", "elementwise"}, "toy_backward": {"toy_forward"}}
"""Questions whose solution in the notebook calls another question's functions, and loses with them."""


def is_lost(question: str, broken: set[str]) -> bool | None:
    """Whether the question must lose points; None if it may, since it builds on a broken one."""
    if question in broken:
        return True
    return None if BUILT_ON.get(question, set()) & broken else False


def scores(outcome: Outcome) -> dict[str, float]:
    return {q["question"]: q["score"] for q in outcome.record["questions"]}


def test_every_submission_is_accounted_for(course):
    _, outcomes = course
    assert sorted(outcomes) == STUDENTS
    attention = {s for s, o in outcomes.items() if o.status == "needs attention"}
    assert attention == {"student-12", "student-16"}
    assert "no backprop.ipynb" in outcomes["student-12"].reason
    assert "is not a notebook" in outcomes["student-16"].reason


@pytest.mark.parametrize(
    "student", ["student-01", "student-02", "student-03", "student-14", "student-17", "student-19"]
)
def test_right_solutions_in_every_style_get_all_points(course, student):
    assert scores(course[1][student]) == POINTS


WRONG = [("student-04", 0, 2), ("student-05", 1, 2), ("student-07", 3, 4)]


@pytest.mark.parametrize(("student", "start", "step"), WRONG)
def test_misconceptions_cost_points_where_they_are_and_are_named(course, student, start, step):
    outcome = course[1][student]
    broken = {q.id for number, q in enumerate(QUESTIONS) if number % step == start % step}
    for result in outcome.record["questions"]:
        lost = is_lost(result["question"], broken)
        assert lost is None or (result["score"] < result["points"]) == lost, result["question"]
    named = [q["diagnosis"] for q in outcome.record["questions"] if q["diagnosis"]]
    assert named, "at least one of several misconceptions is recognised"


def test_unfinished_work_is_graded_as_far_as_it_goes(course):
    assert list(scores(course[1]["student-08"]).values()) == [*list(POINTS.values())[:4], 0, 0, 0, 0]
    assert set(scores(course[1]["student-09"]).values()) == {0}


def test_broken_cells_cost_their_question_at_most(course):
    """A cell that raises after its functions, an endless loop, a renamed function, a cell that ends the kernel."""
    expected = {"student-10": (), "student-11": (6,), "student-13": (1,), "student-18": (4,)}
    for student, lost in expected.items():
        broken = {QUESTIONS[number].id for number in lost}
        for question_id, score in scores(course[1][student]).items():
            must_lose = is_lost(question_id, broken)
            assert must_lose is None or (score < POINTS[question_id]) == must_lose, (student, question_id)


def test_printed_scores_and_tags_give_nothing(course):
    assert list(scores(course[1]["student-15"]).values()) == [POINTS[QUESTIONS[0].id], 0, 0, 0, 0, 0, 0, 0]


def test_the_gradebook_has_the_same_scores(course):
    root, outcomes = course
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        for student, outcome in outcomes.items():
            if outcome.status == "graded":
                (notebook,) = gradebook.find_submission(NAME, student).notebooks
                stored = {grade.name: grade.auto_score for grade in notebook.grades if grade.name in POINTS}
                assert stored == scores(outcome)


def test_what_needs_attention_says_so_in_the_gradebook_and_is_no_zero(course):
    root, _ = course
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        (notebook,) = gradebook.find_submission(NAME, "student-16").notebooks
        assert all(grade.auto_score is None and grade.needs_manual_grade for grade in notebook.grades)
        assert all("Needs attention" in comment.auto_comment for comment in notebook.comments)


def test_lateness_is_kept(course):
    root, _ = course
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        late, on_time = (gradebook.find_submission(NAME, s).timestamp for s in ("student-14", "student-01"))
        penalty = gradebook.find_submission(NAME, "student-14").late_submission_penalty
    assert (late - on_time).days == 10
    assert not penalty, "by default being late costs nothing"


def test_feedback_shows_the_smallest_input_and_never_the_test(course):
    root, outcomes = course
    page = (root / "feedback" / "student-04" / NAME / f"{NAME}.html").read_text()
    assert "Smallest input found" in page
    assert "Expected:" in page
    hidden = (REPOSITORY / "course_lib" / "assignments" / NAME / "hidden_tests.py").read_text()
    for name in re.findall(r"def (test_\w+)", hidden):
        assert name not in page
    assert "assert_close" not in page
    assert "reference." not in page
    assert {p.parts[-3] for p in (root / "feedback").glob("*/*/*.html")} == {
        s for s, o in outcomes.items() if o.status == "graded"
    }


def test_grading_json_is_never_given_to_students(course):
    root, _ = course
    assert list((root / "feedback").rglob("grading.json")) == []


def test_the_class_report_names_who_needs_attention_and_where_the_class_is_lost(course):
    root, _ = course
    page = write_class_report(root, NAME).read_text()
    for words in ("student-12", "student-16", "is not a notebook", "Where the class is lost", "misconception"):
        assert words in page
    lines = (root / "reports" / f"{NAME}.csv").read_text().splitlines()
    assert len(lines) == 1 + len(STUDENTS)


def test_unchanged_submissions_are_not_graded_again_and_changed_ones_are(course):
    root, _ = course
    some = ["student-08", "student-09"]
    assert {o.status for o in grade(root, some, 1).values()} == {"unchanged"}
    path = root / "submitted" / "student-09" / NAME / f"{NAME}.ipynb"
    old = path.read_bytes()
    path.write_text(path.read_text().replace("raise NotImplementedError()", "raise ValueError()"))
    assert {s: o.status for s, o in grade(root, some, 1).items()} == {"student-08": "unchanged", "student-09": "graded"}
    path.write_bytes(old)
    assert grade(root, ["student-09"], 1)["student-09"].status == "graded"


def test_manual_grades_survive_grading_again(course):
    root, _ = course
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        grade_ = gradebook.find_grade(QUESTIONS[0].id, NAME, NAME, "student-08")
        grade_.manual_score, grade_.extra_credit = 1.25, 0.5
        gradebook.db.commit()
    (root / "autograded" / "student-08" / NAME / "grading.json").unlink()
    assert grade(root, ["student-08"], 1)["student-08"].status == "graded"
    with Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as gradebook:
        again = gradebook.find_grade(QUESTIONS[0].id, NAME, NAME, "student-08")
        assert (again.manual_score, again.extra_credit, again.auto_score) == (1.25, 0.5, POINTS[QUESTIONS[0].id])


def test_any_order_and_number_of_processes_gives_the_same_bytes(course, tmp_path):
    root, _ = course
    again = tmp_path / "course"
    some = ["student-18", "student-11", "student-05", "student-02"]
    make_course(again, some)
    grade(again, some, 1)
    write_feedback(again, NAME)
    for student in some:
        for part in (f"autograded/{student}/{NAME}/grading.json", f"feedback/{student}/{NAME}/{NAME}.html"):
            first, second = ((folder / part).read_text() for folder in (root, again))
            assert body(first) == body(second), part
    with (
        Gradebook(f"sqlite:///{root}/gradebook.db", "deep-learning") as one,
        Gradebook(f"sqlite:///{again}/gradebook.db", "deep-learning") as two,
    ):
        assert [one.find_submission(NAME, s).score for s in some] == [two.find_submission(NAME, s).score for s in some]


def body(text: str) -> Any:
    """A record without the digests of its course directory; a page as it is."""
    if text.startswith("{"):
        return {key: value for key, value in json.loads(text).items() if key != "digests"}
    return text
