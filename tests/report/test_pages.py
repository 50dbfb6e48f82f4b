"""The top of a feedback page: every graded cell with its points, what was missed, what waits, and the penalty."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.converters import GenerateFeedback

from course_lib.engine.submission import course_directory, load_config
from course_lib.problem import NothingGraded
from course_lib.report import pages
from course_lib.report.pages import FeedbackPage, in_words, overview, read_record, write_feedback

REPOSITORY = Path(__file__).parents[2]


def graded(make, source: str, grade_id: str, score: float, points: float, **more: object):
    """A cell with points, as nbgrader's GetGrades leaves it."""
    grading = {"grade": True, "solution": False, "grade_id": grade_id, "score": score, "points": points, **more}
    return make(source, metadata={"nbgrader": grading})


@pytest.fixture
def notebook():
    return new_notebook(
        cells=[
            new_markdown_cell("# Title\n\n## 1. Twice & more\n\n### Predict"),
            graded(new_code_cell, "check", "double", 3, 3),
            graded(new_code_cell, "check", "triple", 0.5, 2),
            new_markdown_cell("## 2. Half"),
            graded(new_code_cell, "check", "half", 1, 4),
            new_markdown_cell("## 3. <b>Why</b>?"),
            graded(new_markdown_cell, "## My answer", "why", 0, 6, solution=True, comment=None),
            new_markdown_cell("## 4. Why not?"),
            graded(new_markdown_cell, "Because.", "why_not", 5, 6, solution=True, comment="Nice *idea*"),
        ]
    )


@pytest.fixture
def resources(tmp_path, monkeypatch):
    verdicts = {"double": ["accepted"] * 2, "triple": ["accepted", "wrong answer", "time limit", "wrong answer"]}
    questions = [{"question": q, "properties": [{"verdict": v} for v in each]} for q, each in verdicts.items()]
    (tmp_path / "grading.json").write_text(json.dumps({"questions": questions}))
    by_hand = {"half": (False, True), "why": (True, False), "why_not": (False, True)}
    monkeypatch.setattr(pages, "graded_by_hand", lambda names: by_hand)
    names = {"notebook": "arithmetic", "score": 8.5, "max_score": 21.0, "late_penalty": 1.0}
    return {"nbgrader": names, "metadata": {"path": str(tmp_path), "name": "arithmetic"}}


def test_every_graded_cell_has_a_row_under_the_notebooks_own_heading(notebook, resources):
    rows = overview(notebook, resources).rows
    assert [(row.anchor, row.heading, row.state) for row in rows] == [
        ("double", "1. Twice & more", "full"),
        ("triple", "1. Twice & more", "lost"),
        ("half", "2. Half", "lost"),
        ("why", "3. <b>Why</b>?", "waits"),
        ("why_not", "4. Why not?", "lost"),
    ]


def test_every_row_says_what_came_of_it(notebook, resources):
    assert [row.note for row in overview(notebook, resources).rows] == [
        "All 2 checks passed.",
        "3 of 4 checks missed: wrong answer, time limit.",
        "Graded by hand.",
        "Not graded yet: a person will read it.",
        "Graded by hand.",
    ]


def test_the_sums_are_nbgraders_and_so_far_if_something_waits(notebook, resources):
    page = overview(notebook, resources)
    assert (page.score, page.points, page.penalty, page.waiting) == (8.5, 21, 1, True)


def test_a_notebook_of_another_course_has_an_overview_too(tmp_path):
    assert read_record(tmp_path) == {}
    assert in_words(None) == ""


@pytest.fixture
def html(notebook, resources, tmp_path):
    return page_of(notebook, resources, tmp_path)


def page_of(notebook, resources, folder):
    shutil.copy(REPOSITORY / "nbgrader_config.py", folder)
    root = str(folder)
    converter = GenerateFeedback(coursedir=course_directory(root), config=load_config(root))
    assert converter.exporter_class is FeedbackPage
    return FeedbackPage(parent=converter, config=converter.config).from_notebook_node(notebook, resources)[0]


def test_the_page_begins_with_the_overview(html):
    table = re.search(r'<table class="overview">.*?</table>', html, re.DOTALL)
    assert table is not None
    words = " ".join(re.sub(r"<[^>]*>", " ", table[0]).split())
    assert words == (
        "✓ 1. Twice &amp; more All 2 checks passed. 3 / 3 "
        "✗ 1. Twice &amp; more 3 of 4 checks missed: wrong answer, time limit. 0.5 / 2 "
        "✗ 2. Half Graded by hand. 1 / 4 "
        "… 3. &lt;b&gt;Why&lt;/b&gt;? Not graded yet: a person will read it. – / 6 "
        "✗ 4. Why not? Graded by hand. Read the comment. 5 / 6 "
        "✗ Handed in late −1 Together 8.5 / 21"
    )
    assert html.index("arithmetic: 8.5 of 21 points so far") < html.index('<table class="overview">')
    assert "Test cell" not in html


def test_its_links_lead_somewhere(html):
    targets = re.findall(r'href="#([^"]+)"', html)
    assert {"double", "why_not", "comment-why_not", "top"} <= set(targets)
    assert [target for target in targets if f'name="{target}"' not in html] == []


def test_comments_and_the_notebook_follow(html):
    assert "<em>idea</em>" in html
    assert html.index("Together") < html.index("My answer")


def test_it_fits_a_phone_and_is_safe_to_open(html):
    assert '<meta name="viewport" content="width=device-width' in html
    assert "Content-Security-Policy" in html


def test_it_does_not_show_how_often_the_kernel_had_run_a_cell(html):
    assert "In&nbsp;[" not in html
    assert "Out[" not in html


@pytest.mark.parametrize(("level", "said"), [("none", True), ("namespaces", False)])
def test_it_says_when_nothing_guarded_the_grading(notebook, resources, tmp_path, level, said):
    record = tmp_path / "grading.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "sandbox": level}))
    assert ("Graded without a sandbox" in page_of(notebook, resources, tmp_path)) == said


def test_no_pages_without_a_graded_submission(tmp_path):
    shutil.copy(REPOSITORY / "nbgrader_config.py", tmp_path)
    with pytest.raises(NothingGraded, match="no submission of backprop has been graded"):
        write_feedback(tmp_path, "backprop")
