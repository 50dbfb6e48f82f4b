"""The table of a class on terminals as narrow as they come, and the words beside it."""

from __future__ import annotations

import io
from itertools import takewhile

import pytest
from rich.console import Console

from course_lib import assignments
from course_lib.engine.batch import Outcome
from course_lib.report.terminal import duration, needs_attention, sandbox_note, summary_table

SCORES = [10, 4.5, 8, 0, 10, 2.25, 9, 9]
QUESTIONS = assignments.load("backprop").questions
BROKEN = Outcome("student-99", "needs attention", "no notebook", {"status": "needs attention", "questions": []})


def graded(student: str, scores: list[float], status: str = "graded") -> Outcome:
    questions = [{"question": q.id, "score": score} for q, score in zip(QUESTIONS, scores, strict=True)]
    return Outcome(student, status, "", {"status": "graded", "questions": questions})


def shown(*outcomes: Outcome, width: int = 80, **late: str) -> list[list[str]]:
    """The words of every line of the table."""
    console = Console(width=width, file=io.StringIO())
    console.print(
        summary_table("backprop", list(outcomes), {name.replace("_", "-"): text for name, text in late.items()})
    )
    return [line.split() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize("student", ["s1", "student-of-the-summer-school-2026-01"])
def test_points_stay_whole_on_80_columns_however_long_a_name_is(student):
    lines = shown(graded(student, SCORES), BROKEN)
    numbers = [f"{s:g}" for s in (*SCORES, sum(SCORES))]
    first = next(number for number, words in enumerate(lines) if words[1:10] == numbers)
    name = lines[first][0] + "".join(words[0] for words in takewhile(lambda words: len(words) == 1, lines[first + 1 :]))
    assert name == student


def test_the_head_says_what_each_question_is_worth_and_the_caption_which_it_is():
    lines = shown(graded("s1", SCORES))
    assert ["student", *(f"Q{number}" for number in range(1, 9)), "sum"] in lines
    assert ["points", "10", "5", "8", "8", "10", "10", "9", "9", "69", "status"] in lines
    caption = " ".join(word for words in lines[-3:] for word in words)
    assert all(f"Q{number} {question.id}" in caption for number, question in enumerate(QUESTIONS, 1))


def test_what_needs_attention_is_no_zero_and_has_no_part_in_the_mean():
    full = [10.0, 5.0, 8.0, 8.0, 10.0, 10.0, 9.0, 9.0]
    half = [5.0, 2.5, 4.0, 4.0, 5.0, 5.0, 4.5, 4.5]
    lines = shown(graded("s1", full), graded("s2", half), BROKEN)
    assert ["student-99", *["–"] * 9, "needs", "attention"] in lines
    assert ["mean", *["75%"] * 9] in lines


def test_it_stays_so_when_nothing_has_changed_since():
    again = Outcome("student-99", "unchanged", "", BROKEN.record)
    assert needs_attention(again)
    assert not needs_attention(graded("s1", SCORES, "unchanged"))
    assert ["student-99", *["–"] * 9, "needs", "attention"] in shown(again)


def test_lateness_stands_beside_the_status():
    lines = shown(graded("student-01", SCORES), graded("student-02", SCORES), width=100, student_02="7 d")
    assert [words[10:] for words in lines if words and words[0].startswith("student-")] == [
        ["graded"],
        ["graded,", "7", "d", "late"],
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 min"),
        (61, "2 min"),
        (3600, "60 min"),
        (3601, "2 h"),
        (86_400, "24 h"),
        (604_800, "7 d"),
        (604_801, "8 d"),
    ],
)
def test_durations_are_rounded_up_to_one_unit(seconds, words):
    assert duration(seconds).split() == words.split()


def test_names_of_students_are_no_markup():
    assert "[red]" in shown(graded("[red]", SCORES))[5]


def test_grading_without_walls_is_said_aloud():
    assert sandbox_note({"namespaces", ""}) == "sandbox: namespaces"
    assert "NOTHING kept student code" in sandbox_note({"none", "namespaces"})
    assert sandbox_note({""}) == "sandbox: nothing ran"
