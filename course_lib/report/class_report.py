"""The class report of one assignment: where the class is lost, as one HTML page without scripts.

Reads the records that grading left and the gradebook; writes ``reports/<assignment>.html`` and ``.csv``. For staff: it
names misconceptions and properties, which students never see.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from nbgrader.api import Gradebook

from course_lib import assignments
from course_lib.checking.model import Question
from course_lib.engine.gradebook import GradebookWriter
from course_lib.engine.preprocessor import RECORD
from course_lib.engine.submission import course_directory, submitted
from course_lib.problem import NothingGraded
from course_lib.report.feedback import environment
from course_lib.report.terminal import NEEDS_ATTENTION, duration, sandbox_note


@dataclass
class PropertyStatistics:
    """How a class did on one property: ``passed`` of ``tried`` submissions, and the other verdicts' counts."""

    title: str
    name: str
    points: float
    passed: int = 0
    tried: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)


@dataclass
class QuestionStatistics:
    """How a class did on one question.

    Attributes:
        mean: mean share of the points, 0 to 1.
        full, part, none: numbers of students with all, some and no points.
        misconceptions: (name, belief, students) by falling number of students.
        undiagnosed: students with a wrong answer that no misconception explains.
        missing: students without the functions, or with those as released.
    """

    number: int
    question: Question
    points: float
    mean: float
    full: int
    part: int
    none: int
    properties: list[PropertyStatistics]
    misconceptions: list[tuple[str, str, list[str]]]
    undiagnosed: list[str]
    missing: list[str]

    @property
    def hardest(self) -> PropertyStatistics | None:
        """The property that most students miss, if any do."""
        worst = min(self.properties, key=lambda p: p.passed)
        return worst if worst.passed < worst.tried else None


@dataclass
class Row:
    """One student.

    Attributes:
        student, status, reason: as in the record of the grading.
        scores: by question id; None without a verdict.
        auto: sum of the scores; None if the submission needs attention.
        manual_open: how many written answers wait for a grade.
        total: what the gradebook says, after the penalty; None if the submission needs attention.
        maximum: the most that the assignment gives.
        seconds_late, penalty: by nbgrader's late policy.
        page: where the feedback page is, from the report; empty if there is none.
    """

    student: str
    status: str
    reason: str
    scores: dict[str, float | None]
    auto: float | None
    manual_open: int
    total: float | None
    maximum: float
    seconds_late: float
    penalty: float = 0.0
    page: str = ""

    @property
    def attention(self) -> bool:
        """Whether the submission could not be graded. It is no zero."""
        return self.status == NEEDS_ATTENTION


def write_class_report(root: Path, assignment: str) -> Path:
    """Write ``reports/<assignment>.html`` and ``.csv``, and return the path of the page.

    Raises:
        NothingGraded: no submission of the assignment has been graded.
    """
    rows, records = collect_rows(root, assignment)
    statistics = question_statistics(assignment, records)
    folder = root / "reports"
    folder.mkdir(exist_ok=True)
    page = environment.get_template("class_report.html.j2").render(
        title=assignments.load(assignment).title,
        assignment=assignment,
        rows=rows,
        questions=statistics,
        shared=shared_misconceptions(statistics),
        ungraded=[student for student in submitted(str(root), assignment) if student not in records],
        sandbox=sandbox_note({record.get("sandbox", "") for record in records.values()}),
        findings=findings_of(records),
        histogram=histogram(rows),
        duration=duration,
    )
    path = folder / f"{assignment}.html"
    path.write_text(page, encoding="utf-8")
    (folder / f"{assignment}.csv").write_text(as_csv(assignment, rows), encoding="utf-8")
    return path


def collect_rows(root: Path, assignment: str) -> tuple[list[Row], dict[str, dict[str, Any]]]:
    """One row per student with a submission, and their records."""
    directory = course_directory(str(root))
    records: dict[str, dict[str, Any]] = {}
    for student in submitted(str(root), assignment):
        path = Path(directory.format_path(directory.autograded_directory, student, assignment), RECORD)
        if path.is_file():
            records[student] = json.loads(path.read_text(encoding="utf-8"))
    if not records:
        raise NothingGraded(assignment)
    with GradebookWriter(str(root), assignment) as writer:
        rows = [
            make_row(writer.gradebook, assignment, student, record, page_of(root, assignment, student))
            for student, record in sorted(records.items())
        ]
    return rows, records


def page_of(root: Path, assignment: str, student: str) -> str:
    """Address of a student's feedback page from the folder of the reports; empty if there is none."""
    directory = course_directory(str(root))
    folder = directory.format_path(directory.feedback_directory, student, assignment)
    page = Path(folder, f"{assignment}.html")
    return quote(os.path.relpath(page, root / "reports")) if page.is_file() else ""


def make_row(gradebook: Gradebook, assignment: str, student: str, record: dict[str, Any], page: str) -> Row:
    """One student's row, from the gradebook and the record of the grading."""
    submission = gradebook.find_submission(assignment, student)
    found = {q["question"]: q["score"] for q in record["questions"]}
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    status = record.get("status", "graded")
    graded = status != NEEDS_ATTENTION
    penalty = submission.late_submission_penalty or 0.0
    return Row(
        student=student,
        status=status,
        reason=record.get("reason", ""),
        scores={q.id: found.get(q.id) for q in assignments.load(assignment).questions},
        auto=sum(found.values()) if graded else None,
        manual_open=sum(bool(grade.needs_manual_grade) for grade in grades) if graded else 0,
        total=max(0.0, submission.score - penalty) if graded else None,
        maximum=submission.max_score,
        seconds_late=submission.total_seconds_late,
        penalty=penalty,
        page=page,
    )


def question_statistics(assignment: str, records: dict[str, dict[str, Any]]) -> list[QuestionStatistics]:
    """The course's questions in order, with what the class did on each."""
    found = []
    for number, question in enumerate(assignments.load(assignment).questions, 1):
        group = assignments.groups(assignment)[question.id]
        properties = {p.name: PropertyStatistics(p.title, p.name, p.points) for p in group.properties}
        diagnoses: dict[tuple[str, str], list[str]] = {}
        undiagnosed, missing, shares = [], [], []
        for student, record in sorted(records.items()):
            result = next((q for q in record["questions"] if q["question"] == question.id), None)
            if result is None:
                continue
            shares.append(result["score"] / result["points"])
            for each in result["properties"]:
                if each["name"] in properties:
                    count(properties[each["name"]], each["verdict"])
            if result["diagnosis"]:
                key = (result["diagnosis"]["misconception"], result["diagnosis"]["belief"])
                diagnoses.setdefault(key, []).append(student)
            elif any(p["verdict"] == "wrong answer" for p in result["properties"]):
                undiagnosed.append(student)
            elif all(p["verdict"] == "missing" for p in result["properties"]):
                missing.append(student)
        named = sorted(((*key, who) for key, who in diagnoses.items()), key=lambda entry: (-len(entry[2]), entry[0]))
        found.append(
            QuestionStatistics(
                number,
                question,
                group.points,
                mean=sum(shares) / len(shares) if shares else 0.0,
                full=sum(share == 1 for share in shares),
                part=sum(0 < share < 1 for share in shares),
                none=sum(share == 0 for share in shares),
                properties=list(properties.values()),
                misconceptions=named,
                undiagnosed=undiagnosed,
                missing=missing,
            )
        )
    return found


def count(statistics: PropertyStatistics, verdict: str) -> None:
    """Add one submission's verdict."""
    statistics.tried += 1
    if verdict == "accepted":
        statistics.passed += 1
    else:
        statistics.verdicts[verdict] += 1


def shared_misconceptions(statistics: list[QuestionStatistics]) -> list[tuple[QuestionStatistics, str, list[str]]]:
    """(question, belief, students) of all questions, most students first."""
    found = [(each, belief, who) for each in statistics for _, belief, who in each.misconceptions]
    return sorted(found, key=lambda entry: -len(entry[2]))


def findings_of(records: dict[str, dict[str, Any]]) -> list[tuple[str, list[str], str]]:
    """(student, questions, note) for everything that grading noted for the TA."""
    found: dict[tuple[str, str], list[str]] = {}
    for student, record in sorted(records.items()):
        for question in record["questions"]:
            for note in question["findings"]:
                found.setdefault((student, note), []).append(question["question"])
    return [(student, questions, note) for (student, note), questions in found.items()]


def histogram(rows: list[Row], bins: int = 10) -> list[tuple[str, int, float]]:
    """(label, students, share of the largest bin) of the automatic scores, in tenths of the best score of the class."""
    scores = [row.auto for row in rows if row.auto is not None]
    best = max(scores, default=0.0) or 1.0
    counts = [0] * bins
    for score in scores:
        counts[min(bins - 1, int(bins * score / best))] += 1
    top = max(counts) or 1
    return [(f"{100 * i // bins}–{100 * (i + 1) // bins} %", n, n / top) for i, n in enumerate(counts)]


def as_csv(assignment: str, rows: list[Row]) -> str:
    """One line per student, for spreadsheets. Where there is no grade the field is empty, never 0."""
    ids = [q.id for q in assignments.load(assignment).questions]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    sums = ["automatic", "total", "maximum", "open_manual", "late_penalty", "seconds_late"]
    writer.writerow(["student", *ids, *sums, "status", "reason"])
    for row in rows:
        numbers = [*(row.scores[i] for i in ids), row.auto, row.total, row.maximum]
        numbers += [row.manual_open, row.penalty, row.seconds_late]
        cells = ["" if number is None else f"{number:g}" for number in numbers]
        writer.writerow([safe_cell(row.student), *cells, row.status, safe_cell(row.reason)])
    return out.getvalue()


def safe_cell(text: str) -> str:
    """Text in one line that no spreadsheet takes for a formula."""
    line = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    return "'" + line if text[:1] in ("=", "+", "-", "@", "\t", "\r") else line
