"""One question's verdicts as HTML, for the student's feedback page and the formgrader.

Everything that comes from a student is escaped by the template. Never shows a test's text, its name, or a reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2

from course_lib.report.figures import data_uri

if TYPE_CHECKING:
    from course_lib.engine.grading import QuestionResult


def format_points(value: float) -> str:
    """Points without needless zeros: 3, 2.5."""
    return f"{round(value, 2):g}"


environment = jinja2.Environment(
    loader=jinja2.PackageLoader("course_lib.report"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
environment.filters["figure"] = data_uri
environment.filters["points"] = format_points


def render_question(result: QuestionResult) -> str:
    """One question as a table: what was checked, verdict, smallest failing input, got and expected, and a hint."""
    return environment.get_template("question.html.j2").render(result=result)
