"""A hostile submission, graded by the real commands: nothing of it runs in the feedback page or the class report."""

from __future__ import annotations

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_notebook, new_output

from course_lib.report.safe import MATHJAX
from tests.report.hostile import HTML

pytestmark = pytest.mark.browser


class Watched:
    """A page and what it did: requests, alerts, navigations."""

    def __init__(self, browser, path):
        self.path = path
        self.requests, self.navigations = [], []
        self.page = browser.new_page()
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script("window.alert = () => { window.owned = 'alert' }")
        self.page.on("framenavigated", lambda frame: self.navigations.append(frame.url))
        self.page.route(
            "**/*", lambda route: route.continue_() if route.request.url == path.as_uri() else route.abort()
        )
        self.page.goto(path.as_uri())
        self.page.wait_for_timeout(500)

    def poke(self):
        """Send every element the events that a reader may cause."""
        self.page.evaluate(
            """() => { for (const element of document.querySelectorAll('*'))
                for (const name of ['mouseover', 'focus', 'click', 'toggle', 'load', 'error', 'begin', 'input'])
                    if (!(name == 'click' && element.closest('a[href^=http], a[href^=mailto], a[href^=\\\\#]')))
                        element.dispatchEvent(new Event(name, {bubbles: false, cancelable: true})) }"""
        )
        self.page.wait_for_timeout(500)
        return self

    def ran(self):
        """What should not have happened."""
        known = (
            MATHJAX,
            "data:",
            (self.path.parent.parent / "fonts" / "glyphicons").as_uri(),
        )  # of the page's own style
        own = [url for url in self.requests if not url.startswith(known)][1:]
        owned = self.page.evaluate("window.owned")
        found = [*own, *self.navigations[1:], *(["owned"] if owned else [])]
        self.page.close()
        return found


def test_nothing_runs_in_hostile_feedback(graded, browser):
    path = graded / "feedback" / "hostile" / "optimizers" / "optimizers.html"
    text = path.read_text()
    for kind in ("Forbidden", "Wrong answer", "Runtime error"):
        assert kind in text, "the page shows the verdicts"
    watched = Watched(browser, path)
    assert "optimizers" in watched.page.inner_text("h1")
    assert watched.page.locator("td", has_text="✗").count() > 5
    assert watched.poke().ran() == []


def test_nothing_runs_in_a_hostile_class_report(graded, browser):
    path = graded / "reports" / "optimizers.html"
    text = path.read_text()
    assert "Needs attention" in text
    assert "&lt;img src=x" in text, "the odd file name is shown"
    assert "&lt;script&gt;" in text, "the suspicious line is shown"
    watched = Watched(browser, path)
    assert watched.page.locator("h2", has_text="Code to look at").count() == 1
    assert watched.poke().ran() == []


def test_nothing_runs_in_the_graded_notebook_shown_by_anybody(graded, browser, tmp_path):
    notebook = nbformat.read(graded / "autograded" / "hostile" / "optimizers" / "optimizers.ipynb", as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    page = tmp_path / "outputs.html"
    page.write_text(HTMLExporter(template_name="basic").from_notebook_node(notebook)[0])
    assert Watched(browser, page).poke().ran() == []


def test_the_same_contents_run_where_nothing_is_made_safe(browser, tmp_path):
    page = tmp_path / "unsafe.html"
    outputs = [new_output("display_data", data={"text/html": text}) for text in HTML]
    notebook = new_notebook(cells=[new_code_cell(outputs=outputs)])
    page.write_text("<!doctype html>" + HTMLExporter(template_name="basic").from_notebook_node(notebook)[0])
    assert len(Watched(browser, page).ran()) > 5
