"""What the whole test suite shares: markers that need hardware or a browser, and a quiet Hypothesis."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest

os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader runs alembic

hypothesis.settings.register_profile("project", derandomize=True, database=None, deadline=None, print_blob=False)
hypothesis.settings.load_profile("project")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def browser_path() -> str | None:
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here, and the soak unless it is asked for; the report says how many and why."""
    unwanted = {}
    if not has_cuda():
        unwanted["gpu"] = "no CUDA device here"
    if browser_path() is None:
        unwanted["browser"] = "no Chromium here"
    if "soak" not in config.getoption("markexpr"):
        unwanted["soak"] = "only with -m soak (make soak)"
    kept, left_out = [], []
    for item in items:
        reason = next((why for marker, why in unwanted.items() if item.get_closest_marker(marker)), None)
        (left_out if reason else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
        counts = {m: sum(bool(i.get_closest_marker(m)) for i in left_out) for m in unwanted}
        not_run = [f"{counts[m]} {m} tests do not run: {why}" for m, why in unwanted.items() if counts[m]]
        config.stash[NOT_RUN] = not_run
        if hasattr(config, "workeroutput"):
            config.workeroutput["not run"] = not_run


NOT_RUN: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Of xdist's processes only the workers know what they have left out."""
    node.config.stash[NOT_RUN] = getattr(node, "workeroutput", {}).get("not run", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(NOT_RUN, []):
        terminalreporter.write_line(line, yellow=True)
