"""What the suite leaves out is said, in one process and in several."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent / "assignments" / "test_soak.py"


@pytest.mark.parametrize("processes", ["0", "1"])
def test_what_does_not_run_is_said(processes):
    options = ["-n", processes, "-p", "no:cacheprovider", "-k", "many_seeds and backprop-linear"]
    run = subprocess.run([sys.executable, "-m", "pytest", *options, str(SOAK)], capture_output=True, text=True)
    assert "soak tests do not run: only with -m soak (make soak)" in run.stdout
