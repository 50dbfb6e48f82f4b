"""What ``course lab`` opens: a student solves an exercise in JupyterLab, an instructor autogrades in the formgrader."""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from course_lib.report.safe import MATHJAX

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("lab")]  # one JupyterLab

WRONG = """def gradient_descent(grad, w0, lr, steps):
    return np.array([w0] * (steps + 1))"""
RIGHT = """def gradient_descent(grad, w0, lr, steps):
    path = [np.array(w0, dtype=float)]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.array(path)"""
PATIENCE = 120_000
"""Milliseconds; a loaded machine takes its time, and nothing here waits longer than it must."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory, graded):
    """A running ``course lab`` on the graded course: its address and token."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex()
    private = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "JUPYTERLAB_SETTINGS_DIR")
    env = {**os.environ, **{name: str(home / name) for name in private}, "JUPYTERLAB_WORKSPACES_DIR": str(home)}
    env |= {"JUPYTER_TOKEN": token, "BROWSER": "true"}
    with (home / "log").open("w") as log:
        command = [Path(sys.executable).parent / "course", "lab", "--root", str(graded), "--port", str(port)]
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/api/status?token={token}", server, home / "log")
        yield address, token
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def wait_for(url, server, log: Path):
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(log.read_text())


@pytest.fixture
def page(lab, browser):
    address, token = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.add_locator_handler(page.locator(".jp-Dialog").first, answer, no_wait_after=True)
    page.goto(f"{address}/lab?token={token}&reset")
    yield page
    page.close()


def answer(dialog):
    """Say yes to what JupyterLab asks, as a student would.

    A kernel whose port another process took in the moment between choosing and opening it is started anew, and
    JupyterLab says so in a dialog that lies over the page.
    """
    logging.getLogger(__name__).warning("JupyterLab asked: %s", dialog.inner_text())
    dialog.locator("button.jp-mod-accept").click()


def run_cell(page, cell):
    """Run a cell and wait until it has run. Keys that come before the kernel is connected are lost: press again."""
    prompt = cell.locator(".jp-InputArea-prompt").first
    before = now = prompt.inner_text()
    pressed, deadline = -60.0, time.monotonic() + PATIENCE / 1000
    while time.monotonic() < deadline:
        now = prompt.inner_text()
        if now != before and re.search(r"\[\d+\]", now):
            return
        if "*" not in now and time.monotonic() > pressed + 15:
            prompt.click()
            page.keyboard.press("Control+Enter")
            pressed = time.monotonic()
        page.wait_for_timeout(100)
    raise AssertionError(f"the cell did not run: its prompt was {before!r} and is {now!r}")


def write(page, cell, text):
    """Replace a cell's code, as by pasting."""
    cell.locator(".cm-content").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def test_a_student_solves_an_exercise_in_jupyterlab(lab, page, tmp_path):
    address, _ = lab
    page.goto(f"{address}/lab/tree/release/optimizers/optimizers.ipynb")
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    setup = cells.filter(has_text="import checks").first
    solution = cells.filter(has_text="def gradient_descent").first
    check = cells.filter(has_text="checks.check_gradient_descent").first
    setup.wait_for()
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").first.wait_for(state="attached")
    run_cell(page, setup)

    run_cell(page, solution)
    run_cell(page, check)
    assert "not written yet" in check.inner_text().lower() or "NotImplementedError" in check.inner_text()

    write(page, solution, WRONG)
    run_cell(page, solution)
    run_cell(page, check)
    assert "✗" in check.inner_text()
    page.screenshot(path=tmp_path / "wrong.png")

    write(page, solution, RIGHT)
    run_cell(page, solution)
    run_cell(page, check)
    assert "✓" in check.inner_text()
    assert "✗" not in check.inner_text()
    page.screenshot(path=tmp_path / "right.png")


@pytest.fixture
def formgrader(page):
    """The formgrader's frame, opened from JupyterLab's menu."""
    page.get_by_role("menuitem", name="Nbgrader").click()
    page.get_by_text("Formgrader", exact=True).first.click()
    frame = page.frame_locator("iframe")
    frame.locator("td.num-submissions a").wait_for()
    return frame


def test_the_formgrader_autogrades_takes_a_grade_by_hand_and_makes_feedback(lab, page, formgrader, graded, tmp_path):
    address, _ = lab
    formgrader.locator("td.num-submissions a").click()
    row = formgrader.locator("tr", has_text="student-01")
    row.locator("td.autograde a").click()
    formgrader.locator(".modal-body", has_text="Successfully autograded").wait_for()
    formgrader.locator(".modal-footer button").last.click()
    row.locator("td.score", has_text="69 / 75").wait_for()
    page.screenshot(path=tmp_path / "score.png")

    row.locator("td.student-name a").click()
    formgrader.get_by_role("link", name="optimizers").last.click()
    score = formgrader.locator("#manual_learning_rate")
    score.fill("5")
    assert formgrader.get_by_text("Marking scheme (6 points)").is_visible()
    with page.expect_response(lambda response: "/api/comment/" in response.url and response.request.method == "PUT"):
        formgrader.locator("#manual_learning_rate-comment").fill("Which *point* of the plot?")
        score.click()
    page.screenshot(path=tmp_path / "by_hand.png")

    page.goto(f"{address}/formgrader/manage_submissions/optimizers")
    row = page.locator("tr", has_text="student-01")
    row.locator("td.score", has_text="74 / 75").wait_for()
    row.locator("td.generate-feedback a").click()
    page.locator(".modal-body", has_text="Successfully generated feedback").wait_for()
    feedback = (graded / "feedback" / "student-01" / "optimizers" / "optimizers.html").read_text()
    assert "optimizers: 74 of 75 points" in feedback
    assert "Which <em>point</em> of the plot?" in feedback
    assert "Marking scheme" not in feedback


def test_nothing_runs_when_a_hostile_submission_is_graded_by_hand(lab, page, formgrader, tmp_path):
    address, _ = lab
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.route(lambda url: not url.startswith(address), lambda route: route.abort())
    formgrader.locator("td.num-submissions a").click()
    formgrader.locator("tr", has_text="hostile").locator("td.student-name a").click()
    formgrader.get_by_role("link", name="optimizers").last.click()
    formgrader.locator("input.score").first.wait_for()
    assert formgrader.locator("td", has_text="✗").count() > 5, "the verdicts are shown"
    page.wait_for_timeout(1000)
    page.screenshot(path=tmp_path / "hostile.png")
    assert not any(frame.evaluate("window.owned || document.title == 'owned'") for frame in page.frames)
    assert [url for url in requests if not url.startswith((address, MATHJAX, "data:", "blob:"))] == []
