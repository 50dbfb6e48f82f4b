"""What a student puts into a notebook stays text or harmless HTML in feedback pages and in the formgrader."""

from __future__ import annotations

import csv
import io
import re
from functools import cache
from html import escape
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from traitlets.config.loader import PyFileConfigLoader

from course_lib import assignments
from course_lib.checking.groups import PropertyResult, Verdict
from course_lib.diagnosis import Diagnosis
from course_lib.engine.grading import QuestionResult
from course_lib.report.class_report import Row, as_csv
from course_lib.report.feedback import render_question
from course_lib.report.safe import FeedbackExporter, make_safe, safe_html, safe_markdown
from tests.report.hostile import HTML, MARKDOWN, hostile_notebook

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "source"


@cache
def configured(exporter):
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.HTMLExporter.template_name = "classic"
    return exporter(config=config)


def exported(notebook, exporter=FeedbackExporter):
    return configured(exporter).from_notebook_node(notebook)[0]


def problems(html):
    """What could run, load something or leave the page."""
    page = BeautifulSoup(html, "html.parser")
    found = []
    for element in page.find_all(True):
        if element.name in (
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "link",
            "base",
            "svg",
            "math",
            "video",
            "audio",
        ):
            found.append(str(element)[:200])
        for name, value in element.attrs.items():
            text = " ".join(value) if isinstance(value, list) else value
            if name.startswith("on") or name in ("srcdoc", "srcset", "action", "formaction", "ping", "background"):
                found.append(f"{element.name} {name}={text[:100]}")
            if name in ("href", "src") and not re.match(r"https?://|mailto:|#|data:image/", text):
                found.append(f"{element.name} {name}={text[:100]}")
            if name == "src" and element.name == "img" and not text.startswith("data:image/"):
                found.append(f"img src={text[:100]}")
            if name == "style" and "(" in text:
                found.append(f"style={text}")
    return found


def scripts(html):
    return [str(s) for s in BeautifulSoup(html, "html.parser").find_all("script")]


def empty_page():
    return exported(new_notebook(cells=[new_markdown_cell("x")]))


@pytest.mark.parametrize("text", HTML)
def test_html_is_sanitised(text):
    clean = safe_html(text)
    assert problems(clean) == []
    assert scripts(clean) == []
    assert safe_html(clean) == clean


@pytest.mark.parametrize("text", MARKDOWN + HTML)
def test_markdown_is_sanitised_when_it_is_shown(text):
    html = exported(new_notebook(cells=[new_markdown_cell(text)]))
    assert problems(html.partition("<body")[2]) == []
    assert scripts(html) == scripts(empty_page())


@pytest.mark.filterwarnings("ignore:No lexer found")
def test_a_hostile_notebook_shows_nothing_that_runs():
    for exporter in (FeedbackExporter, HTMLExporter):
        html = exported(hostile_notebook(), exporter)
        assert problems(html.partition("<body")[2]) == []
        assert [s for s in scripts(html) if "require" not in s] == [
            s for s in scripts(empty_page()) if "require" not in s
        ]


def test_making_a_notebook_safe_leaves_only_known_kinds_of_outputs():
    notebook = hostile_notebook()
    make_safe(notebook)
    kinds = {kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert kinds <= {"text/plain", "text/html", "text/latex", "image/png", "image/svg+xml"}
    assert set(notebook.metadata) <= {"kernelspec", "language_info"}
    assert notebook.metadata.language_info.name == "python"
    nbformat.validate(notebook)


def test_making_a_safe_notebook_safe_changes_nothing():
    notebook = hostile_notebook()
    make_safe(notebook)
    again = nbformat.from_dict(notebook)
    make_safe(again)
    assert again == notebook


def test_figures_tables_and_text_stay():
    head = '<table class="dataframe" border="1"><thead><tr><th>a</th></tr></thead>'
    table = head + "<tbody><tr><td>1</td></tr></tbody></table>"
    outputs = [
        new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}),
        new_output("display_data", data={"image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'/>"}),
        new_output("display_data", data={"text/html": table}),
        new_output("display_data", data={"text/latex": "$a<b$"}),
        new_output("stream", name="stdout", text="1 < 2 & <b>"),
    ]
    notebook = new_notebook(cells=[new_code_cell("1 < 2", outputs=outputs)])
    make_safe(notebook)
    html = exported(notebook)
    assert "data:image/png;base64,iVBORw0KGgo=" in html
    assert "data:image/svg+xml;base64," in html
    assert '<table class="dataframe">' in html
    assert "$a&lt;b$" in html
    assert "1 &lt; 2 &amp; &lt;b&gt;" in html


def test_markdown_of_the_courses_notebooks_looks_as_before():
    def shown(markdown):
        return BeautifulSoup(markdown, "html.parser").get_text()

    plain = HTMLExporter(template_name="classic", exclude_anchor_links=True)
    for path in sorted(SOURCE.glob("*/*.ipynb")):
        cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"]
        ours, theirs = (exported(new_notebook(cells=cells)), plain.from_notebook_node(new_notebook(cells=cells))[0])
        one, other = (BeautifulSoup(html, "html.parser").find_all(class_="rendered_html") for html in (ours, theirs))
        assert [shown(str(c)) for c in one] == [shown(str(c)) for c in other], path.name
        for tag in ("details", "summary", "table", "code", "strong", "h2", "li"):
            assert [len(c.find_all(tag)) for c in one] == [len(c.find_all(tag)) for c in other], (path.name, tag)


TOO_MUCH = {
    "text/html": ["<div>" * 6000, "".join(f"<b a={i}>" for i in range(3000)) + "<p>x" * 3000],
    "text/markdown": [
        r"\\(" * 10_000,
        r"\begin{a}" * 5000,
        "a " * 30_000,
        "[a](" * 20_000,
        "|a" * 6000 + "\n" + "|-" * 6000,
    ],
}
"""What takes parsers the square of its length, or more."""


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in TOO_MUCH.items() for text in texts])
def test_what_would_take_too_long_is_shown_as_text(kind, text):
    output = new_output("display_data", data={kind: text, "text/plain": "in words"})
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[output])])
    make_safe(notebook)
    data = notebook.cells[0].outputs[0].data
    assert data["text/plain"] == "in words"
    if kind == "text/markdown":
        assert data["text/html"] == safe_html(f"<pre>{escape(text)}</pre>")
    else:
        assert "text/html" not in data


def test_outputs_together_have_a_limit():
    def shown(kind, text, count):
        outputs = [new_output("display_data", data={kind: text, "text/plain": "x"}) for _ in range(count)]
        notebook = new_notebook(cells=[new_code_cell("x", outputs=outputs)])
        make_safe(notebook)
        return ["text/html" in output.data for output in notebook.cells[0].outputs]

    assert shown("text/html", "<i>a</i>" * 2500, 12) == [True] * 10 + [False] * 2
    assert shown("text/markdown", "a" * 50_000, 12) == [True] * 10 + [False] * 2


def test_a_person_s_text_is_shown_as_it_is_meant():
    """An image of megabytes, a hundred formulas, a table of pandas of full size."""
    image = f"![i](data:image/png;base64,{'A' * 2_000_000})"
    assert '<img src="data:image/png' in safe_markdown(image + r" \\(x\\) " * 100, {})
    row = "<tr>" + "<td>1.0</td>" * 21 + "</tr>"
    table = f'<table class="dataframe">{row * 61}</table>'
    output = new_output("display_data", data={"text/html": table})
    notebook = new_notebook(cells=[new_code_cell("x", outputs=[output])])
    make_safe(notebook)
    assert notebook.cells[0].outputs[0].data["text/html"].count("<td>") == 61 * 21


def question_result():
    nasty = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    properties = [
        PropertyResult("test_form", "the form", 1, Verdict.ACCEPTED),
        PropertyResult("test_values", "values", 2, Verdict.WRONG_ANSWER, f"f(x={nasty})", nasty, nasty, nasty),
        PropertyResult("test_more", "more", 2, Verdict.RUNTIME_ERROR, message=nasty),
    ]
    return QuestionResult("f", "a question", properties, Diagnosis("f__belief", "belief", "A hint."))


def test_verdicts_are_escaped_and_their_table_is_left_as_it_is():
    html = render_question(question_result())
    assert scripts(html) == problems(html) == []
    assert html.count("&lt;script&gt;") == 5

    def styles(text):
        elements = BeautifulSoup(text, "html.parser").find_all(True)
        return [
            (e.name, [p.strip().replace(" ", "") for p in e.attrs.get("style", "").split(";") if p.strip()])
            for e in elements
        ]

    assert styles(safe_html(html)) == styles(html)


def test_a_shortcut_is_explained_once():
    properties = [
        PropertyResult("a", "a", 1, Verdict.FORBIDDEN, message="f uses x"),
        PropertyResult("b", "b", 1, Verdict.FORBIDDEN),
    ]
    html = render_question(QuestionResult("f", "a question", properties))
    assert html.count("f uses x") == 1
    assert "0 of 2 points" in html


def test_feedback_pages_carry_a_policy_before_anything_else():
    html = exported(new_notebook(cells=[new_raw_cell("<script>alert(1)</script>")]))
    head = html.partition("<head>")[2]
    assert head.strip().startswith('<meta content="default-src') or head.strip().startswith("<meta http-equiv=")
    policy = BeautifulSoup(html, "html.parser").find("meta", attrs={"http-equiv": "Content-Security-Policy"})["content"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_of_the_csv_report_is_a_formula(text):
    scores = {question.id: None for question in assignments.load("backprop").questions}
    row = Row(text, "graded", text, scores, 0, 0, 0, 0, 0)
    shown = text.replace("\t", " ").replace("\r", " ")
    cells = list(csv.reader(io.StringIO(as_csv("backprop", [row]), newline="")))[1]
    assert (cells[0], cells[-1]) == (f"'{shown}", f"'{shown}")
