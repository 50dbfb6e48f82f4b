"""The helpers of the visible checks, as a student meets them in a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).parents[2] / "student_kit"

SETUP = f"import sys; sys.path.insert(0, {str(KIT)!r}); import visible"


def shown(*cells: str) -> str:
    """What IPython shows for cells, after a setup cell that imports ``visible``."""
    code = f"""
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="NoColor")
for cell in {(SETUP, *cells)!r}:
    shell.run_cell(cell, store_history=True)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return run.stdout + run.stderr


def test_an_unsolved_exercise_is_one_line_that_names_it():
    cell = "class AdamW:\n    def step(self):\n        raise NotImplementedError()\n[AdamW().step() for _ in range(3)]"
    assert shown(cell).strip() == "○ AdamW.step is not written yet. This cell works when it is."


UNSOLVED = "def forward():\n    raise NotImplementedError()"


def test_so_is_a_cell_that_uses_what_an_unsolved_exercise_held_up():
    cells = (UNSOLVED, "activations = forward()", "doubled = 2 * activations", "plot = doubled[0]")
    above = "comes from a cell above, which stopped at forward. When that is written, run both again."
    assert shown(*cells).strip().splitlines() == [
        "○ forward is not written yet. This cell works when it is.",
        f"○ activations {above}",
        f"○ doubled {above}",
    ]


def test_a_name_that_nothing_held_up_keeps_its_traceback():
    for name in ("activation", "inner"):
        found = shown(UNSOLVED, "def use():\n    inner = 1\nactivations = forward()", f"print(\n    {name})")
        assert f"name '{name}' is not defined" in found
        assert f"{name})" in found


def test_a_failed_check_is_its_message_alone():
    assert shown("visible.expect(False, 'the message')").strip() == "✗ the message"


def test_other_errors_keep_their_traceback():
    found = shown("def half(x):\n    return 1 / x\nhalf(0)")
    assert "ZeroDivisionError" in found
    assert "return 1 / x" in found


def test_what_holds_no_numbers_is_a_failed_check():
    for value in ("'text'", "10**400", "[[1], [2, 3]]", "{}"):
        assert "w must hold numbers" in shown(f"visible.expect_close('w', {value}, 1.0, call='f(1)')"), value
